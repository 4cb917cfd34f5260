//! The policies under test. A file that several tests name is one document, so that all of them exercise it together.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use brevet_validator::policy::{InvalidDocument, Kind, Policy, Position, statement_spans};

use super::fault::Fault;
use super::files::{read, shown};
use super::inline::Inline;
use super::yaml::{Data, Located, Node};

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Attachment {
    Identity,
    Boundary,
    Session,
    Resource,
    Trust,
}

impl Attachment {
    /// The key in a test file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::Resource => "resource",
            Self::Trust => "trust",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Identity | Self::Boundary => Kind::Identity,
            Self::Session => Kind::Session,
            Self::Resource => Kind::Resource,
            Self::Trust => Kind::Trust,
        }
    }
}

/// One policy, and where it is written.
#[derive(Debug)]
pub(super) struct Document {
    /// The policy's file, or the test file that has it inline.
    pub(super) file: String,
    /// Where it begins, if it is inline.
    pub(super) inline_at: Option<Position>,
    pub(super) attachment: Attachment,
    pub(super) policy: Policy,
    pub(super) statements: Vec<Statement>,
}

/// What people know a statement by.
#[derive(Debug)]
pub(super) struct Statement {
    /// From 1.
    pub(super) number: usize,
    pub(super) sid: Option<String>,
    pub(super) at: Position,
}

/// A document among [`Documents`]: its place there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DocumentId(pub(super) usize);

/// All policies of a run.
#[derive(Debug, Default)]
pub(super) struct Documents {
    documents: Vec<Document>,
    files: HashMap<(PathBuf, Attachment), DocumentId>,
}

impl Documents {
    pub(super) fn get(&self, DocumentId(i): DocumentId) -> &Document {
        &self.documents[i]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter()
    }

    /// Loads what a test file names: a path that is relative to it, or a document.
    pub(super) fn load(&mut self, node: Node, attachment: Attachment, test: &Path) -> Result<DocumentId, Fault> {
        let Located { at, value } = match node.value {
            Data::Scalar(value) => Located { at: node.at, value },
            Data::Map(_) => return Ok(self.push(inline(&node, attachment, test)?)),
            Data::Null | Data::List(_) => {
                return Err(Fault::new(node.at, "a policy is the path of a file, or a document"));
            }
        };
        if value.trim_start().starts_with('{') {
            return Err(Fault::new(at, "a document stands here as it is, without quotation marks and without `|`"));
        }
        let path = test.parent().unwrap_or(Path::new("")).join(&value);
        let path = fs::canonicalize(&path)
            .map_err(|error| Fault::new(at, format!("cannot read the policy {}: {error}", shown(&path))))?;
        if let Some(id) = self.files.get(&(path.clone(), attachment)) {
            return Ok(*id);
        }
        let document = from_file(&path, attachment)?;
        let id = self.push(document);
        self.files.insert((path, attachment), id);
        Ok(id)
    }

    fn push(&mut self, document: Document) -> DocumentId {
        self.documents.push(document);
        DocumentId(self.documents.len() - 1)
    }
}

fn from_file(path: &Path, attachment: Attachment) -> Result<Document, Fault> {
    let file = shown(path);
    let text = read(path, Policy::MAX_BYTES)?;
    let fault = |InvalidDocument { line, column, message, suggestion }| {
        Fault::new(Position { line, column }, message).suggest(suggestion).in_file(&file)
    };
    let policy = Policy::parse(&text, attachment.kind()).map_err(fault)?;
    let places = statement_spans(&text).map_err(fault)?.into_iter().map(|span| span.begin);
    let statements = statements(&text, places);
    Ok(Document { file, inline_at: None, attachment, policy, statements })
}

fn inline(node: &Node, attachment: Attachment, test: &Path) -> Result<Document, Fault> {
    let inline = Inline::of(node);
    let fault = |InvalidDocument { column, message, suggestion, .. }| {
        Fault::new(inline.place(column), message).suggest(suggestion)
    };
    let policy = Policy::parse(&inline.json, attachment.kind()).map_err(fault)?;
    let spans = statement_spans(&inline.json).map_err(fault)?;
    let statements = statements(&inline.json, spans.iter().map(|span| inline.place(span.begin.column)));
    Ok(Document { file: shown(test), inline_at: Some(node.at), attachment, policy, statements })
}

/// The statements of a valid policy, for people: a `Sid` that cannot be told is left out.
fn statements(json: &str, places: impl Iterator<Item = Position>) -> Vec<Statement> {
    let document: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let written = &document["Statement"];
    let sid = |i: usize| {
        let statement = if written.is_array() { &written[i] } else { written };
        statement["Sid"].as_str().filter(|sid| !sid.is_empty()).map(str::to_owned)
    };
    places.enumerate().map(|(i, at)| Statement { number: i + 1, sid: sid(i), at }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    const POLICY: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;

    #[test]
    fn a_file_is_one_document_for_all_that_attach_it_alike() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("p.json"), POLICY).unwrap();
        fs::create_dir(folder.path().join("tests")).unwrap();
        let mut documents = Documents::default();
        let mut load = |path: &str, attachment, test: &str| {
            documents.load(parse(path).unwrap(), attachment, &folder.path().join(test)).unwrap().0
        };
        assert_eq!(load("p.json", Attachment::Identity, "a.yaml"), 0);
        assert_eq!(load("../p.json", Attachment::Identity, "tests/b.yaml"), 0);
        assert_eq!(load("p.json", Attachment::Boundary, "a.yaml"), 1);
        assert_eq!(load(POLICY, Attachment::Boundary, "a.yaml"), 2);
        assert_eq!(load(POLICY, Attachment::Boundary, "a.yaml"), 3);
    }

    #[test]
    fn faults_of_inline_documents_are_told_in_places_of_the_test_file() {
        let load = |yaml: &str, attachment| {
            let node = parse(yaml).unwrap();
            Documents::default().load(node, attachment, Path::new("t.yaml")).unwrap_err().in_file("t.yaml").to_string()
        };
        let unknown = "Statement:\n  - Effect: Allow\n    Acton: s3:GetObject\n    Resource: '*'\n";
        assert!(load(unknown, Attachment::Identity).starts_with("t.yaml:3:5: "));
        assert!(load(unknown, Attachment::Identity).ends_with("try: Action"));
        let value = "Statement:\n  - Effect: Allow\n    Action: [s3:GetObject,\n      get]\n    Resource: '*'\n";
        assert!(load(value, Attachment::Identity).starts_with("t.yaml:4:7: "));
        assert!(load("nothing.json", Attachment::Trust).starts_with("t.yaml:1:1: cannot read the policy nothing.json"));
        assert!(load("|\n  {}", Attachment::Trust).contains("as it is"));
        assert!(load("[]", Attachment::Trust).contains("a policy is the path of a file, or a document"));
    }
}
