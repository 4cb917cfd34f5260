//! A caller, a request and the policies that bear on it.

use brevet_validator::policy::{
    Context, Kind, Policies, Policy, Query, Subject, Trace, evaluate, evaluate_trust, explain, explain_trust,
};
use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) caller: Caller,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// A string, or a list of strings.
    pub(crate) context: Map<String, Value>,
    pub(crate) identity: Vec<Value>,
    pub(crate) boundary: Option<Value>,
    pub(crate) session: Option<Vec<Value>>,
    pub(crate) resource_policy: Option<Value>,
    pub(crate) trust_policy: Option<Value>,
    pub(crate) owner: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) entity: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) federated: Option<String>,
    pub(crate) root: bool,
}

impl World {
    /// The values of a key, whatever its case.
    pub(crate) fn values(&self, key: &str) -> Vec<String> {
        let found = self.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        match found.map(|(_, value)| value) {
            Some(Value::Array(values)) => values.iter().map(|v| v.as_str().unwrap().to_owned()).collect(),
            Some(value) => vec![value.as_str().unwrap().to_owned()],
            None => vec![],
        }
    }

    /// The value of a variable: `None` if it has none, `Some(None)` if it has several.
    pub(crate) fn variable(&self, key: &str) -> Option<Option<String>> {
        let (_, value) = self.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        match value {
            Value::Array(values) if values.is_empty() => None,
            Value::Array(_) => Some(None),
            value => Some(Some(value.as_str().unwrap().to_owned())),
        }
    }

    /// Asks the product: the reason of an ordinary decision, or of one about a role.
    pub(crate) fn ask(&self, trust: bool) -> &'static str {
        self.put(trust, |policies, query| {
            if trust { evaluate_trust(policies, query) } else { evaluate(policies, query) }.reason.as_str()
        })
    }

    /// Asks why.
    pub(crate) fn ask_why(&self, trust: bool) -> Trace {
        self.put(trust, |policies, query| if trust { explain_trust(policies, query) } else { explain(policies, query) })
    }

    fn put<T>(&self, trust: bool, ask: impl FnOnce(&Policies<'_>, &Query<'_>) -> T) -> T {
        let parse = |document: &Value, kind| {
            Policy::parse(&document.to_string(), kind).unwrap_or_else(|e| panic!("{e}: {document}"))
        };
        let identity: Vec<Policy> = self.identity.iter().map(|d| parse(d, Kind::Identity)).collect();
        let boundary = self.boundary.as_ref().map(|d| parse(d, Kind::Identity));
        let session = self.session.as_ref().map(|s| s.iter().map(|d| parse(d, Kind::Session)).collect::<Vec<_>>());
        let session = session.as_ref().map(|s| s.iter().collect::<Vec<_>>());
        let resource = if trust {
            self.trust_policy.as_ref().map(|d| parse(d, Kind::Trust))
        } else {
            self.resource_policy.as_ref().map(|d| parse(d, Kind::Resource))
        };
        let mut context = Context::default();
        for key in self.context.keys() {
            match &self.context[key] {
                Value::Array(_) => context.set_all(key, self.values(key)),
                value => context.set(key, value.as_str().unwrap()),
            }
        }
        let subject = Subject {
            account: self.caller.account.parse().unwrap(),
            arn: self.caller.arn.parse().unwrap(),
            role_or_user_arn: self.caller.entity.as_ref().map(|arn| arn.parse().unwrap()),
            unique_id: self.caller.id.as_ref().map(|id| id.parse().unwrap()),
            federated: self.caller.federated.clone(),
        };
        let policies = Policies {
            identity: &identity.iter().collect::<Vec<_>>(),
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            resource: resource.as_ref(),
            resource_account: self.owner.as_ref().map(|owner| owner.parse().unwrap()),
        };
        let query = Query { subject: &subject, action: &self.action, resource: &self.resource, context: &context };
        ask(&policies, &query)
    }
}
