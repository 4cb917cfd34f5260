//! A compiled policy, and what it says of a query.

use super::condition::Condition;
use super::context::Context;
use super::document::{self, Document, Kind, Verb, Version};
use super::element::Element;
use super::error::{Fault, InvalidDocument, quote};
use super::json::{self, Text};
use super::pattern::{Pattern, Reach};
use super::principal::{Naming, PrincipalElement};
use super::query::Query;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Policy {
    version: Version,
    statements: Vec<Statement>,
    /// The same statements as written, for whoever asks why. No decision looks at them.
    written: Vec<document::Statement>,
}

impl Policy {
    /// The longest document that is read, in bytes. AWS's own limits are smaller, and differ by where it is attached.
    pub const MAX_BYTES: usize = 131_072;

    /// Parses strictly and compiles. Unknown elements, operators and duplicate members are refused.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, InvalidDocument> {
        Self::compile(text, kind).map_err(|fault| fault.locate(text))
    }

    /// How many statements the document has. One that has none allows nothing.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Each statement as compiled and as written.
    pub(super) fn statements(&self) -> impl Iterator<Item = (&Statement, &document::Statement)> {
        self.statements.iter().zip(&self.written)
    }

    /// What a policy says that is attached to the caller, or was passed for its session.
    pub(super) fn verdict(&self, query: &Query<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        // A statement that names principals belongs to a resource. It says nothing here.
        for statement in self.statements.iter().filter(|s| s.principal.is_none() && s.covers(query)) {
            match statement.verb {
                Verb::Deny => return Verdict::Deny,
                Verb::Allow => verdict = Verdict::Allow,
            }
        }
        verdict
    }

    /// What a policy says that is attached to a resource or a role. `bounded`: the caller has a permission boundary.
    pub(super) fn resource_verdict(&self, query: &Query<'_>, bounded: bool) -> ResourceVerdict {
        let mut strongest = None;
        for statement in &self.statements {
            let Some(naming) = statement.names(query, bounded) else { continue };
            match statement.verb {
                Verb::Allow if strongest >= Some(naming) => {}
                _ if !statement.covers(query) => {}
                Verb::Deny => return ResourceVerdict::Deny,
                Verb::Allow => strongest = Some(naming),
            }
        }
        strongest.map_or(ResourceVerdict::Silent, ResourceVerdict::Allow)
    }

    fn compile(text: &str, kind: Kind) -> Result<Self, Fault> {
        if text.len() > Self::MAX_BYTES {
            return Err(Fault::new(0, format!("the document is longer than {} bytes", Self::MAX_BYTES)));
        }
        let Document { version, statements: written } = Document::read(json::read(text)?, kind)?;
        let statements =
            written.iter().map(|statement| Statement::compile(statement, version, kind)).collect::<Result<_, _>>()?;
        Ok(Self { version, statements, written })
    }
}

/// What a policy of the caller says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Allow,
    Deny,
    Silent,
}

/// What a policy of a resource says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ResourceVerdict {
    /// And by which name, if by several then by the strongest.
    Allow(Naming),
    Deny,
    Silent,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    verb: Verb,
    pub(super) principal: Option<PrincipalElement>,
    pub(super) action: Matches,
    /// `None` in a trust policy, which is about its role alone.
    pub(super) resource: Option<Matches>,
    pub(super) conditions: Vec<Condition>,
}

impl Statement {
    fn compile(written: &document::Statement, version: Version, kind: Kind) -> Result<Self, Fault> {
        Ok(Self {
            verb: written.effect,
            principal: written.principal.as_ref().map(PrincipalElement::compile).transpose()?,
            action: Matches::compile(&written.action, |text| action(text, kind))?,
            resource: written
                .resource
                .as_ref()
                .map(|element| Matches::compile(element, |text| resource(text, version)))
                .transpose()?,
            conditions: written
                .conditions
                .iter()
                .map(|condition| Condition::compile(condition, version))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether all but the principal applies.
    pub(super) fn covers(&self, query: &Query<'_>) -> bool {
        self.action.accepts(query.action, query.context)
            && self.resource.as_ref().is_none_or(|resource| resource.accepts(query.resource, query.context))
            && self.conditions.iter().all(|condition| condition.holds(query.context))
    }

    /// How it names the caller, if it does.
    pub(super) fn names(&self, query: &Query<'_>, bounded: bool) -> Option<Naming> {
        let principal = self.principal.as_ref()?;
        // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
        // boundary policy attached": https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        if principal.negated && self.verb == Verb::Deny && bounded {
            return Some(Naming::Caller);
        }
        principal.names(query.subject)
    }
}

/// An `Action` or `Resource` element, or its `Not…` twin.
#[derive(Clone, Debug)]
pub(super) struct Matches {
    negated: bool,
    patterns: Vec<Pattern>,
}

impl Matches {
    fn compile(element: &Element<Vec<Text>>, pattern: impl Fn(&Text) -> Result<Pattern, Fault>) -> Result<Self, Fault> {
        let patterns = element.value.iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Self { negated: element.negated, patterns })
    }

    pub(super) fn accepts(&self, text: &str, context: &Context) -> bool {
        self.negated != self.patterns.iter().any(|pattern| pattern.matches(text, context))
    }
}

/// `*`, `*:*` or `service:Name`, where only the name can have wildcards.
fn action(text: &Text, kind: Kind) -> Result<Pattern, Fault> {
    let action = text.value.as_str();
    let service = match action.split_once(':') {
        _ if action == "*" => Some("*"),
        Some(("*", "*")) => Some("*"),
        Some((service, name)) if is_word(service, "-") && is_word(name, "-_*?") => Some(service),
        _ => None,
    };
    match service {
        None => {
            let message = format!("{} is not an action: `*` or `service:Name` is expected", quote(action));
            Err(Fault::new(text.at, message))
        }
        Some(service) if kind == Kind::Trust && !service.eq_ignore_ascii_case("sts") => Err(Fault::new(
            text.at,
            format!("{} is not an action of `sts`, as in a trust policy all are", quote(action)),
        )
        .suggest("sts:AssumeRole".to_owned())),
        Some(_) => Ok(Pattern::action(action)),
    }
}

fn is_word(text: &str, extra: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

/// `*`, or an ARN that names its service.
fn resource(text: &Text, version: Version) -> Result<Pattern, Fault> {
    let resource = text.value.as_str();
    let is_everything = !resource.is_empty() && resource.bytes().all(|b| b == b'*');
    let mut segments = resource.split(':');
    let is_arn = segments.next() == Some("arn") && segments.next().is_some_and(|partition| !partition.is_empty());
    if !is_everything && !is_arn {
        return Err(Fault::new(text.at, format!("the resource {} is neither an ARN nor `*`", quote(resource))));
    }
    // "You can't use a wildcard in the service segment that identifies the AWS product."
    if !is_everything && segments.next().is_none_or(|service| service.is_empty() || service.contains(['*', '?'])) {
        return Err(Fault::new(text.at, format!("the resource {} must name its service in full", quote(resource))));
    }
    Pattern::arn(text, version, Reach::BeyondSegment)
}
