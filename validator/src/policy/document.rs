//! A policy as written: the elements are known, stand where they may, and keep their positions.
//!
//! The grammar is that of [the IAM JSON policy language][1]. What it says of values (patterns, operators, principals)
//! is checked where they are compiled.
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

use super::element::{Element, Members, object, one_or_many, string, strings};
use super::error::{Fault, quote};
use super::json::{Data, Member, Text, Value};
use super::suggest::nearest;

/// Where a document stands, which decides which elements it must and must not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Attached to a user or role, or a managed policy: no Principal; Resource needed.
    Identity,
    /// A role's trust policy: Principal needed; no Resource.
    Trust,
    /// A resource's policy: Principal and Resource needed.
    Resource,
    /// Passed when a session is made: as Identity. Alone in that its list of statements may be empty, which allows
    /// nothing.
    Session,
}

impl Kind {
    fn names_principals(self) -> bool {
        matches!(self, Self::Trust | Self::Resource)
    }

    fn names_resources(self) -> bool {
        !matches!(self, Self::Trust)
    }
}

/// The version of the language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// `2008-10-17`, also when none is written: no policy variables.
    V2008,
    /// `2012-10-17`
    V2012,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) version: Version,
    pub(super) statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// The byte at which it begins.
    pub(super) at: usize,
    pub(super) sid: Option<Text>,
    pub(super) effect: Verb,
    /// Of a trust or resource policy.
    pub(super) principal: Option<Element<Principals>>,
    pub(super) action: Element<Vec<Text>>,
    /// Of all but a trust policy.
    pub(super) resource: Option<Element<Vec<Text>>>,
    pub(super) conditions: Vec<Condition>,
}

/// The `Effect` element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub(super) enum Principals {
    Everyone,
    Listed(Vec<(PrincipalKind, Text)>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PrincipalKind {
    Aws,
    CanonicalUser,
    Federated,
    Service,
}

/// One operator, one key and its values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) operator: Text,
    pub(super) key: Text,
    pub(super) values: Vec<Text>,
}

impl Document {
    pub(super) fn read(value: Value, kind: Kind) -> Result<Self, Fault> {
        let at = value.at;
        let mut members = Members::of(value, "a policy", &["Version", "Id", "Statement"])?;
        let version = match members.take("Version") {
            None => Version::V2008,
            Some(value) => read_version(value)?,
        };
        members.take("Id").map(|id| string(id, "Id")).transpose()?;
        let statements = members.take("Statement").ok_or_else(|| Fault::new(at, "a policy needs a Statement"))?;
        let statements_at = statements.at;
        let statements: Vec<Statement> =
            one_or_many(statements).into_iter().map(|value| Statement::read(value, kind)).collect::<Result<_, _>>()?;
        if statements.is_empty() && kind != Kind::Session {
            return Err(Fault::new(statements_at, "a policy needs at least one statement"));
        }
        if kind != Kind::Resource {
            check_sids(&statements)?;
        }
        Ok(Self { version, statements })
    }
}

impl Statement {
    fn read(value: Value, kind: Kind) -> Result<Self, Fault> {
        const ELEMENTS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let at = value.at;
        let missing = |element: &str| Fault::new(at, format!("the statement needs {element}"));
        let mut members = Members::of(value, "a statement", &ELEMENTS)?;
        let sid = members.take("Sid").map(|sid| string(sid, "Sid")).transpose()?;
        let effect = read_effect(members.take("Effect").ok_or_else(|| missing("an Effect"))?)?;

        let principal = members.take_either("Principal", "NotPrincipal")?;
        if let (Some(Element { at, .. }), false) = (&principal, kind.names_principals()) {
            return Err(Fault::new(*at, "this kind of policy names no principal: it speaks of whom it is attached to"));
        }
        if principal.is_none() && kind.names_principals() {
            return Err(missing("a Principal or NotPrincipal"));
        }
        let principal = principal.map(|element| element.try_map(read_principals)).transpose()?;

        let action = members.take_either("Action", "NotAction")?.ok_or_else(|| missing("an Action or NotAction"))?;
        let action = action.try_map(|value| strings(value, "an action"))?;

        let resource = members.take_either("Resource", "NotResource")?;
        if let (Some(Element { at, .. }), false) = (&resource, kind.names_resources()) {
            return Err(Fault::new(*at, "a trust policy names no resource: it speaks of its role"));
        }
        if resource.is_none() && kind.names_resources() {
            return Err(missing("a Resource or NotResource"));
        }
        let resource = resource.map(|element| element.try_map(|value| strings(value, "a resource"))).transpose()?;

        let conditions = members.take("Condition").map(read_conditions).transpose()?.unwrap_or_default();
        Ok(Self { at, sid, effect, principal, action, resource, conditions })
    }
}

fn read_version(value: Value) -> Result<Version, Fault> {
    let version = string(value, "Version")?;
    match version.value.as_str() {
        "2008-10-17" => Ok(Version::V2008),
        "2012-10-17" => Ok(Version::V2012),
        other => {
            let message = format!("{} is not a version of the policy language", quote(other));
            Err(Fault::new(version.at, message).suggest("2012-10-17".to_owned()))
        }
    }
}

fn read_effect(value: Value) -> Result<Verb, Fault> {
    let effect = string(value, "Effect")?;
    match effect.value.as_str() {
        "Allow" => Ok(Verb::Allow),
        "Deny" => Ok(Verb::Deny),
        other => Err(Fault::new(effect.at, format!("{} is not an Effect", quote(other)))
            .suggest(nearest(other, ["Allow", "Deny"]))),
    }
}

fn read_principals(value: Value) -> Result<Principals, Fault> {
    if let Data::String(text) = &value.data {
        return if text == "*" {
            Ok(Principals::Everyone)
        } else {
            let instead = format!("{{\"AWS\": {text:?}}}");
            Err(Fault::new(value.at, "a Principal is `*` or an object of kinds and names").suggest(instead))
        };
    }
    let at = value.at;
    let mut members = Members::of(value, "a Principal", &["AWS", "Federated", "Service", "CanonicalUser"])?;
    let mut listed = Vec::new();
    for (name, kind) in [
        ("AWS", PrincipalKind::Aws),
        ("Federated", PrincipalKind::Federated),
        ("Service", PrincipalKind::Service),
        ("CanonicalUser", PrincipalKind::CanonicalUser),
    ] {
        if let Some(value) = members.take(name) {
            listed.extend(strings(value, "a principal")?.into_iter().map(|text| (kind, text)));
        }
    }
    if listed.is_empty() { Err(Fault::new(at, "the Principal names no one")) } else { Ok(Principals::Listed(listed)) }
}

fn read_conditions(value: Value) -> Result<Vec<Condition>, Fault> {
    let mut conditions = Vec::new();
    for Member { name: operator, value } in object(value, "Condition")? {
        let at = value.at;
        let keys = object(value, "a condition operator")?;
        if keys.is_empty() {
            return Err(Fault::new(at, "the condition operator tests no key"));
        }
        for Member { name: key, value } in keys {
            let at = value.at;
            let values = one_or_many(value).into_iter().map(condition_value).collect::<Result<Vec<_>, _>>()?;
            if values.is_empty() {
                return Err(Fault::new(at, "the condition key has no value to compare with"));
            }
            conditions.push(Condition { operator: operator.clone(), key, values });
        }
    }
    Ok(conditions)
}

/// Quotation marks are optional for numbers and booleans.
fn condition_value(value: Value) -> Result<Text, Fault> {
    let text = match value.data {
        Data::String(text) | Data::Number(text) => text,
        Data::Bool(value) => value.to_string(),
        Data::Null | Data::Array(_) | Data::Object(_) => {
            return Err(Fault::new(value.at, "a condition value is a string, a number or a boolean"));
        }
    };
    Ok(Text { at: value.at, value: text })
}

/// IAM's rule for a `Sid`: letters and digits, once in a document. The console writes empty ones.
fn check_sids(statements: &[Statement]) -> Result<(), Fault> {
    let mut sids: Vec<&Text> =
        statements.iter().filter_map(|s| s.sid.as_ref()).filter(|s| !s.value.is_empty()).collect();
    if let Some(sid) = sids.iter().find(|sid| !sid.value.bytes().all(|b| b.is_ascii_alphanumeric())) {
        let instead = sid.value.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let message = format!("a Sid has only letters and digits, unlike {}", quote(&sid.value));
        return Err(Fault::new(sid.at, message).suggest(instead));
    }
    sids.sort_by(|a, b| a.value.cmp(&b.value));
    match sids.array_windows().find(|[a, b]| a.value == b.value) {
        Some([_, again]) => Err(Fault::new(again.at, format!("two statements have the Sid {}", quote(&again.value)))),
        None => Ok(()),
    }
}
