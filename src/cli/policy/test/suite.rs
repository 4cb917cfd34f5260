//! A test file as understood: the policies that bear, and the cases with all that is needed to ask them.

use std::path::{Path, PathBuf};

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{Context, Position, Reason};

use super::caller::Caller;
use super::documents::{Attachment, DocumentId, Documents};
use super::fault::{Fault, nearest, quoted};
use super::files::{read, shown};
use super::node::{Members, one_or_many, text};
use super::settings::{self, Settings, Values};
use super::yaml::{self, Data, Located, Node, Text};

/// Far more than anyone writes by hand, and few enough to be asked in seconds.
const MAX_BYTES: usize = 1 << 20;
const MAX_QUESTIONS: usize = 10_000;

pub(super) const FILE_KEYS: [&str; 4] = ["policies", "defaults", "allow", "deny"];
pub(super) const POLICY_KEYS: [&str; 5] = ["identity", "boundary", "session", "resource", "trust"];
/// The reasons that a denial may be expected to have.
pub(super) const REASONS: [Reason; 5] =
    [Reason::ExplicitDeny, Reason::NoMatchingAllow, Reason::Boundary, Reason::SessionPolicy, Reason::TrustNotSatisfied];

/// One test file.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) file: String,
    pub(super) attached: Attached,
    pub(super) cases: Vec<Case>,
}

/// The policies that bear on all cases of a file.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) identity: Vec<DocumentId>,
    pub(super) boundary: Option<DocumentId>,
    /// `None`: there are no session policies. An empty list allows nothing.
    pub(super) session: Option<Vec<DocumentId>>,
    pub(super) resource: Option<DocumentId>,
    pub(super) trust: Option<DocumentId>,
}

/// One case: each of its actions on each of its resources.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) at: Position,
    pub(super) name: Option<String>,
    pub(super) expected: Expected,
    pub(super) caller: Caller,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    /// Who owns resources whose ARN does not say.
    pub(super) account: Option<AccountId>,
    pub(super) context: Context,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expected {
    Allow,
    /// For this reason, or for any.
    Deny(Option<Reason>),
}

impl Suite {
    /// Reads a test file and the policies that it names.
    pub(super) fn load(path: PathBuf, documents: &mut Documents) -> Result<Self, Fault> {
        let file = shown(&path);
        let text = read(&path, MAX_BYTES)?;
        Self::parse(&text, &path, documents).map_err(|fault| fault.in_file(&file))
    }

    fn parse(text: &str, path: &Path, documents: &mut Documents) -> Result<Self, Fault> {
        let mut members = Members::of(yaml::parse(text)?, "a test file", &FILE_KEYS)?;
        let at = members.at;
        let policies = members.take("policies")?.ok_or_else(|| Fault::new(at, "the file has no `policies`"))?;
        let attached = Attached::read(policies, path, documents)?;
        let defaults = match members.take("defaults")? {
            Some(node) => Settings::read(&mut Members::of(node, "the defaults", &settings::KEYS)?)?,
            None => Settings::default(),
        };
        let mut cases = Vec::new();
        for (list, denies) in [("allow", false), ("deny", true)] {
            let (what, keys) = (format!("a case of `{list}`"), case_keys(denies));
            for node in members.take(list)?.map(list_of_cases).transpose()?.unwrap_or_default() {
                cases.push(Case::read(Members::of(node, &what, &keys)?, denies, &defaults, &attached)?);
            }
        }
        let mut questions = 0;
        for case in &cases {
            questions += case.actions.len().saturating_mul(case.resources.len());
            if questions > MAX_QUESTIONS {
                return Err(Fault::new(case.at, format!("the file asks more than {MAX_QUESTIONS} questions")));
            }
        }
        if cases.is_empty() {
            return Err(Fault::new(at, "the file has no case: nothing under `allow` and nothing under `deny`"));
        }
        Ok(Self { file: shown(path), attached, cases })
    }
}

/// The keys of a case: only a denial has a reason.
pub(super) fn case_keys(denies: bool) -> Vec<&'static str> {
    let reason = denies.then_some("reason");
    ["name"].into_iter().chain(settings::KEYS).chain(reason).collect()
}

fn list_of_cases(node: Node) -> Result<Vec<Node>, Fault> {
    match node.value {
        Data::List(nodes) => Ok(nodes),
        _ => Err(Fault::new(node.at, "cases are a list: each begins with `-`")),
    }
}

/// A list is no document, so that loading refuses it.
fn one(node: Node) -> Vec<Node> {
    vec![node]
}

fn only(documents: Vec<DocumentId>) -> Option<DocumentId> {
    documents.first().copied()
}

impl Attached {
    fn read(node: Node, test: &Path, documents: &mut Documents) -> Result<Self, Fault> {
        let mut members = Members::of(node, "`policies`", &POLICY_KEYS)?;
        let at = members.at;
        let mut load = |attachment: Attachment, into_documents: fn(Node) -> Vec<Node>| {
            let nodes = members.take(attachment.as_str())?.map(into_documents);
            let load = |nodes: Vec<Node>| nodes.into_iter().map(|n| documents.load(n, attachment, test)).collect();
            nodes.map(load).transpose()
        };
        let identity: Option<Vec<DocumentId>> = load(Attachment::Identity, one_or_many)?;
        let boundary = load(Attachment::Boundary, one)?.and_then(only);
        let session = load(Attachment::Session, one_or_many)?;
        let resource = load(Attachment::Resource, one)?.and_then(only);
        let trust = load(Attachment::Trust, one)?.and_then(only);
        if identity.is_none() && session.is_none() && [boundary, resource, trust].iter().all(Option::is_none) {
            return Err(Fault::new(at, "`policies` names no policy"));
        }
        Ok(Self { identity: identity.unwrap_or_default(), boundary, session, resource, trust })
    }

    /// Whether the trust policy is asked.
    pub(super) fn trust_for(&self, action: &str) -> Option<DocumentId> {
        self.trust.filter(|_| is_about_trust(action))
    }
}

/// `sts:AssumeRole…` and its companions.
fn is_about_trust(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    action.starts_with("sts:assumerole") || ["sts:tagsession", "sts:setsourceidentity"].contains(&action.as_str())
}

impl Case {
    fn read(mut members: Members, denies: bool, defaults: &Settings, attached: &Attached) -> Result<Self, Fault> {
        let at = members.at;
        let name = members.take("name")?.map(|node| text(node, "a name")).transpose()?.map(|name| name.value);
        let reason = members.take("reason")?.map(|node| reason(node, attached)).transpose()?;
        let Settings { who, actions, resources, account, context } = Settings::read(&mut members)?.or(defaults);
        let caller = Caller::of(who, at)?;
        let actions = actions.ok_or_else(|| Fault::new(at, "the case has no `action`"))?;
        let resources = resources.ok_or_else(|| Fault::new(at, "the case has no `resource`"))?;
        check(&caller, &actions, &resources, attached)?;
        // What is written goes over what follows from the caller.
        let mut keys = Context::default();
        for (key, values) in caller.keys.iter().map(|(key, values)| (key.as_str(), values)) {
            set(&mut keys, key, values);
        }
        for (key, values) in &context.0 {
            set(&mut keys, &key.value, values);
        }
        let values = |texts: Vec<Text>| texts.into_iter().map(|text| text.value).collect();
        Ok(Self {
            at,
            name,
            expected: if denies { Expected::Deny(reason) } else { Expected::Allow },
            caller,
            actions: values(actions),
            resources: values(resources),
            account,
            context: keys,
        })
    }
}

fn set(context: &mut Context, key: &str, values: &Values) {
    match values {
        Values::Absent => context.set_all(key, []),
        Values::One(value) => context.set(key, value.as_str()),
        Values::Many(values) => context.set_all(key, values.iter().cloned()),
    }
}

fn reason(node: Node, attached: &Attached) -> Result<Reason, Fault> {
    let Located { at, value } = text(node, "a reason")?;
    let known = REASONS.map(Reason::as_str);
    let reason = REASONS.into_iter().find(|reason| reason.as_str() == value).ok_or_else(|| {
        let message = format!("{} is not a reason: they are {}", quoted(&value), known.join(", "));
        Fault::new(at, message).suggest(nearest(&value, &known))
    })?;
    if reason == Reason::TrustNotSatisfied && attached.trust.is_none() {
        return Err(Fault::new(at, "the file has no trust policy (`policies: trust:`) that could refuse"));
    }
    Ok(reason)
}

/// Refuses questions that nobody can ask: their answer would say nothing of the policies.
fn check(caller: &Caller, actions: &[Text], resources: &[Text], attached: &Attached) -> Result<(), Fault> {
    let is_role = |arn: &Arn| {
        arn.service() == "iam" && arn.resource().starts_with("role/") && arn.account().parse::<AccountId>().is_ok()
    };
    if let Some(action) = actions.iter().find(|action| attached.trust_for(&action.value).is_some())
        && let Some(other) = resources.iter().find(|resource| !resource.value.parse().is_ok_and(|arn| is_role(&arn)))
    {
        let message = format!("{} asks for a role, and {} is not a role's ARN", action.value, quoted(&other.value));
        return Err(Fault::new(other.at, message));
    }
    if caller.subject.federated.is_some()
        && let Some(other) = actions.iter().find(|action| attached.trust_for(&action.value).is_none())
    {
        let message = if attached.trust.is_none() {
            "a web identity needs a trust policy (`policies: trust:`): there is no other that it could ask".to_owned()
        } else {
            format!("a web identity cannot call {}: it only takes on roles", other.value)
        };
        return Err(Fault::new(other.at, message));
    }
    Ok(())
}

#[cfg(test)]
#[path = "suite_tests.rs"]
mod tests;
