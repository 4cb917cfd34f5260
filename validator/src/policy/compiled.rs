//! A compiled policy, and what it says of a query.

use std::collections::HashSet;

use super::condition::Condition;
use super::context::{Assumption, Context, ContextKey};
use super::document::{self, Document, Kind, Verb, Version};
use super::element::Element;
use super::error::{Fault, InvalidDocument, quote};
use super::json::{self, Text};
use super::pattern::{Pattern, Reach};
use super::principal::{Naming, PrincipalElement};
use super::query::Query;
use super::variable;
use crate::identity::{Arn, UniqueId};

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

    /// Binds the ARNs of users, roles and sessions in `Principal` elements to the unique ids of whom they mean now, as AWS
    /// does [when a policy is saved][1]: whoever is given such a name later is someone else. `find` knows everyone's id; an
    /// ARN that it does not know goes on to mean whoever has it.
    ///
    /// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
    pub fn bind(&mut self, find: impl Fn(&Arn) -> Option<UniqueId>) {
        self.statements.iter_mut().filter_map(|s| s.principal.as_mut()).for_each(|principal| principal.bind(&find));
    }

    /// The ARNs that are bound, and to whom. Each may come more than once.
    pub fn bindings(&self) -> impl Iterator<Item = (&Arn, UniqueId)> {
        self.statements.iter().filter_map(|s| s.principal.as_ref()).flat_map(PrincipalElement::bindings)
    }

    /// The condition keys that a decision may ask for, as written, each once whatever its case: those of conditions and
    /// those of policy variables.
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys: Vec<&str> = Vec::new();
        for statement in &self.written {
            let mut texts: Vec<&Text> = statement.resource.iter().flat_map(|element| &element.value).collect();
            for condition in &statement.conditions {
                keys.push(&condition.key.value);
                texts.extend(&condition.values);
            }
            if self.version == Version::V2012 {
                keys.extend(texts.into_iter().flat_map(|text| variable::keys(&text.value)));
            }
        }
        let mut known = HashSet::new();
        keys.into_iter().filter(|key| known.insert(ContextKey::new(key))).map(str::to_owned).collect()
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
            && self.conditions.iter().all(|condition| match condition.assumed(query.context) {
                None => condition.holds(query.context),
                Some(Assumption::Favourable) => self.verb == Verb::Allow,
                Some(Assumption::Unfavourable) => self.verb == Verb::Deny,
            })
    }

    /// How it names the caller, if it does.
    pub(super) fn names(&self, query: &Query<'_>, bounded: bool) -> Option<Naming> {
        let principal = self.principal.as_ref()?;
        // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
        // boundary policy attached": https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        if principal.negated && self.verb == Verb::Deny && bounded {
            return Some(Naming::Caller);
        }
        principal.names(query.subject, self.verb)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policies, Reason, Subject, evaluate, evaluate_trust};

    fn policy(version: &str) -> Policy {
        let statement = r#"[{"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:s3:::b/${aws:username}/${*}"]},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:userName": "x"},
             "Null": {"aws:TagKeys": "false"}, "StringEquals": {"s3:prefix": "${aws:PrincipalTag/team, 'none'}"}}}]"#;
        let text = format!(r#"{{"Version": "{version}", "Statement": {statement}}}"#);
        Policy::parse(&text, Kind::Identity).unwrap()
    }

    #[test]
    fn the_keys_that_a_policy_asks_for_are_each_told_once() {
        let keys = policy("2012-10-17").context_keys();
        assert_eq!(keys, ["aws:username", "aws:TagKeys", "s3:prefix", "aws:PrincipalTag/team"]);
        assert_eq!(policy("2008-10-17").context_keys(), ["aws:userName", "aws:TagKeys", "s3:prefix"]);
    }

    #[test]
    fn c27_a_bound_arn_means_whom_it_meant_when_it_was_bound() {
        let trust = |principal: &str| {
            let text = format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{principal}"}}}}}}"#
            );
            Policy::parse(&text, Kind::Trust).unwrap()
        };
        let ask = |policy: &Policy, subject: &Subject| {
            let (action, resource, context) =
                ("sts:AssumeRole", "arn:aws:iam::123456789012:role/r", Context::default());
            let resource_account = "123456789012".parse().ok();
            let policies = Policies { resource: Some(policy), resource_account, ..Policies::default() };
            evaluate_trust(&policies, &Query { subject, action, resource, context: &context }).reason
        };
        let (first, second): (UniqueId, UniqueId) =
            ("AIDA2222222222222222A".parse().unwrap(), "AIDA3333333333333333A".parse().unwrap());
        for (principal, caller) in [
            ("arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/ada"),
            ("arn:aws:iam::123456789012:role/ci", "arn:aws:sts::123456789012:assumed-role/ci/run"),
            ("arn:aws:sts::123456789012:assumed-role/ci/run", "arn:aws:sts::123456789012:assumed-role/ci/run"),
        ] {
            let named = Subject::named(&caller.parse().unwrap()).unwrap();
            let [same, other] = [first, second].map(|id| Subject { unique_id: Some(id), ..named.clone() });
            let mut policy = trust(principal);
            assert_eq!([&same, &other].map(|s| ask(&policy, s)), [Reason::Allowed; 2], "{principal}");
            policy.bind(|_| Some(first));
            let answers = [&same, &other].map(|s| ask(&policy, s));
            assert_eq!(answers, [Reason::Allowed, Reason::TrustNotSatisfied], "{principal}");
            assert_eq!(policy.bindings().map(|(arn, id)| (arn.as_str(), id)).collect::<Vec<_>>(), [(principal, first)]);
        }
        // A user keeps its trust along with its id when it is renamed.
        let mut policy = trust("arn:aws:iam::123456789012:user/ada");
        policy.bind(|_| Some(first));
        let renamed = Subject::named(&"arn:aws:iam::123456789012:user/ada-l".parse().unwrap()).unwrap();
        assert_eq!(ask(&policy, &Subject { unique_id: Some(first), ..renamed }), Reason::Allowed);
    }

    #[test]
    fn what_is_not_known_is_assumed_for_or_against_the_caller() {
        let parse = |text: &str| Policy::parse(text, Kind::Identity).unwrap();
        let allow = parse(
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}"#,
        );
        let deny = parse(
            r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "*",
                "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}"#,
        );
        let user = Subject::named(&"arn:aws:iam::123456789012:user/ada".parse().unwrap()).unwrap();
        let ask = |policy: &Policy, context: &Context| {
            let query = Query { subject: &user, action: "a:b", resource: "arn:aws:a:::b", context };
            evaluate(&Policies { identity: &[policy], ..Policies::default() }, &query).reason
        };
        let assuming = |assumption, is_known: fn(&str) -> bool| {
            let mut context = Context::default();
            context.assume(assumption, is_known);
            context
        };
        let (favour, against) = (Assumption::Favourable, Assumption::Unfavourable);
        for (policy, refused) in [(&allow, Reason::NoMatchingAllow), (&deny, Reason::ExplicitDeny)] {
            assert_eq!(ask(policy, &assuming(favour, |_| false)), Reason::Allowed);
            assert_eq!(ask(policy, &assuming(against, |_| false)), refused);
        }
        // What is known to be missing is missing.
        assert_eq!(ask(&allow, &assuming(favour, |key| key == "aws:sourceip")), Reason::NoMatchingAllow);
        // What is known is compared.
        let mut context = assuming(against, |_| false);
        context.set("aws:SourceIp", "10.1.2.3");
        assert_eq!(ask(&allow, &context), Reason::Allowed);
    }
}
