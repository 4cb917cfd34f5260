//! What every reader of nodes needs: known keys, values that stand alone or in a list, names that parse.

use std::str::FromStr;

use brevet_validator::policy::Position;

use super::fault::{Fault, nearest, quoted};
use super::yaml::{Data, Located, Node, Text};

/// The members of a mapping whose keys are all known.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) at: Position,
    members: Vec<(Text, Node)>,
}

impl Members {
    /// `what` it is, for messages: `a case`.
    pub(super) fn of(node: Node, what: &str, known: &[&str]) -> Result<Self, Fault> {
        let Data::Map(members) = node.value else {
            return Err(Fault::new(node.at, format!("{what} is a mapping of keys and values")));
        };
        if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(&name.value.as_str())) {
            let message = format!("{what} has no key {}: it has {}", quoted(&name.value), known.join(", "));
            return Err(Fault::new(name.at, message).suggest(nearest(&name.value, known)));
        }
        Ok(Self { at: node.at, members })
    }

    /// Takes a value out. A key that is there has one.
    pub(super) fn take(&mut self, key: &str) -> Result<Option<Node>, Fault> {
        let Some(i) = self.members.iter().position(|(name, _)| name.value == key) else { return Ok(None) };
        let (name, node) = self.members.swap_remove(i);
        match node.value {
            Data::Null => Err(Fault::new(name.at, format!("`{key}` has no value"))),
            _ => Ok(Some(node)),
        }
    }
}

/// A single piece of text.
pub(super) fn text(node: Node, what: &str) -> Result<Text, Fault> {
    match node.value {
        Data::Scalar(value) => Ok(Located { at: node.at, value }),
        Data::Null | Data::List(_) | Data::Map(_) => Err(Fault::new(node.at, format!("{what} is text"))),
    }
}

/// One or more pieces of text.
pub(super) fn texts(node: Node, what: &str) -> Result<Vec<Text>, Fault> {
    let at = node.at;
    let texts: Vec<Text> = one_or_many(node).into_iter().map(|node| text(node, what)).collect::<Result<_, _>>()?;
    if texts.is_empty() { Err(Fault::new(at, format!("{what} is missing: the list is empty"))) } else { Ok(texts) }
}

pub(super) fn one_or_many(node: Node) -> Vec<Node> {
    match node.value {
        Data::List(nodes) => nodes,
        _ => vec![node],
    }
}

/// A name of a type that knows which text it can be made of.
pub(super) fn parsed<T: FromStr>(node: Node, what: &str) -> Result<Located<T>, Fault> {
    let Located { at, value } = text(node, what)?;
    match value.parse() {
        Ok(value) => Ok(Located { at, value }),
        Err(_) => Err(Fault::new(at, format!("{} is not {what}", quoted(&value)))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn unknown_keys_are_told_with_their_place_and_what_was_meant() {
        let fault = Members::of(parse("a: 1\nprincpal: x").unwrap(), "a case", &["a", "principal"]).unwrap_err();
        let told = r#"f:2:1: a case has no key "princpal": it has a, principal"#;
        assert_eq!(fault.in_file("f").to_string(), format!("{told}\n    try: principal"));
        let mut members = Members::of(parse("a:\nb: 2").unwrap(), "a case", &["a", "b", "c"]).unwrap();
        assert!(members.take("a").unwrap_err().to_string().contains("1:1: `a` has no value"));
        assert!(members.take("b").unwrap().is_some() && members.take("b").unwrap().is_none());
        assert!(members.take("c").unwrap().is_none());
        assert!(Members::of(parse("[]").unwrap(), "a case", &[]).is_err());
    }

    #[test]
    fn one_value_and_a_list_of_one_are_the_same() {
        let all = |yaml: &str| texts(parse(yaml).unwrap(), "an action").map(|texts| texts.len());
        assert_eq!((all("x").unwrap(), all("[x]").unwrap(), all("[x, y]").unwrap()), (1, 1, 2));
        for bad in ["[]", "{}", "[[x]]", "[~]"] {
            assert!(all(bad).is_err(), "{bad}");
        }
    }
}
