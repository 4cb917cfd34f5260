//! A policy written in YAML, as the JSON that it means.

use brevet_validator::policy::Position;

use super::yaml::{Data, Node, Text};

/// A document in one line of JSON, and where in the YAML each part of that line is written.
#[derive(Debug, Default)]
pub(super) struct Inline {
    pub(super) json: String,
    /// The length of `json` in characters.
    length: usize,
    /// Column of the JSON, from 1, and its place in the YAML; ascending.
    marks: Vec<(usize, Position)>,
}

impl Inline {
    pub(super) fn of(node: &Node) -> Self {
        let mut inline = Self::default();
        inline.push_node(node);
        inline
    }

    /// The place in the YAML that a column of the JSON comes from.
    pub(super) fn place(&self, column: usize) -> Position {
        let behind = self.marks.partition_point(|(mark, _)| *mark <= column);
        self.marks.get(behind.saturating_sub(1)).map_or(Position { line: 1, column: 1 }, |(_, place)| *place)
    }

    fn push_node(&mut self, node: &Node) {
        self.mark(node.at);
        match &node.value {
            Data::Null => self.push("null"),
            // No element of a policy needs its numbers or booleans without quotation marks.
            Data::Scalar(text) => self.push_string(text),
            Data::List(nodes) => {
                self.push("[");
                for (i, node) in nodes.iter().enumerate() {
                    self.push(if i > 0 { "," } else { "" });
                    self.push_node(node);
                }
                self.push("]");
            }
            Data::Map(members) => {
                self.push("{");
                for (i, (name, node)) in members.iter().enumerate() {
                    self.push(if i > 0 { "," } else { "" });
                    self.push_name(name);
                    self.push_node(node);
                }
                self.push("}");
            }
        }
    }

    fn push_name(&mut self, name: &Text) {
        self.mark(name.at);
        self.push_string(&name.value);
        self.push(":");
    }

    fn push_string(&mut self, text: &str) {
        self.push(&serde_json::Value::from(text).to_string());
    }

    fn push(&mut self, json: &str) {
        self.json.push_str(json);
        self.length += json.chars().count();
    }

    fn mark(&mut self, at: Position) {
        self.marks.push((self.length + 1, at));
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn yaml_becomes_json_whose_places_are_known() {
        let yaml = "Version: 2012-10-17\nId: \"ü\\\"\"\nStatement:\n  - Effect: Allow\n    x: [1.10, true, ~]\n";
        let inline = Inline::of(&parse(yaml).unwrap());
        let json = r#"{"Version":"2012-10-17","Id":"ü\"","Statement":[{"Effect":"Allow","x":["1.10","true",null]}]}"#;
        assert_eq!(inline.json, json);
        let place = |part: &str| {
            let Position { line, column } = inline.place(json[..json.find(part).unwrap()].chars().count() + 1);
            (line, column)
        };
        assert_eq!(place("\"Version"), (1, 1));
        assert_eq!(place("12-10"), (1, 10));
        assert_eq!(place("{\"Effect"), (4, 5));
        assert_eq!(place("\"x\""), (5, 5));
        assert_eq!(place("null"), (5, 21));
    }
}
