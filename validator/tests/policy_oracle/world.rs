//! Random callers, requests and policies over a vocabulary so small that things often match.

use brevet_validator::policy::{
    Context, Kind, Policies, Policy, Query, Subject, Trace, evaluate, evaluate_trust, explain, explain_trust,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";

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

pub(crate) fn world() -> impl Strategy<Value = World> {
    let request =
        (caller(), select(&["sts:AssumeRole", "STS:TagSession", "s3:GetObject"][..]), resource_name(), context());
    let policies = (
        prop::collection::vec(policy(Place::Caller), 0..3),
        prop::option::weighted(0.3, policy(Place::Caller)),
        prop::option::weighted(0.4, prop::collection::vec(policy(Place::Caller), 0..3)),
        prop::option::weighted(0.7, policy(Place::Resource)),
        prop::option::weighted(0.9, policy(Place::Trust)),
        prop::option::weighted(0.9, prop_oneof![4 => Just(ACCOUNT), 2 => Just(OTHER)]),
    );
    (request, policies).prop_map(|((caller, action, resource, context), policies)| {
        let (identity, boundary, session, resource_policy, trust_policy, owner) = policies;
        World {
            caller,
            action: action.to_owned(),
            resource: resource.to_owned(),
            context,
            identity,
            boundary,
            session,
            resource_policy,
            trust_policy,
            owner: owner.map(str::to_owned),
        }
    })
}

/// Where a policy is attached.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Caller,
    Resource,
    Trust,
}

pub(crate) fn policy(place: Place) -> impl Strategy<Value = Value> {
    let version = select(&[Some("2012-10-17"), Some("2012-10-17"), Some("2008-10-17"), None][..]);
    let statements = prop_oneof![
        1 => statement(place),
        2 => prop::collection::vec(statement(place), 1..4).prop_map(Value::from),
    ];
    (version, statements).prop_map(|(version, statements)| {
        let mut policy = json!({"Statement": statements});
        if let Some(version) = version {
            policy["Version"] = version.into();
        }
        policy
    })
}

pub(crate) fn statement(place: Place) -> impl Strategy<Value = Value> {
    let actions: &[&str] = match place {
        Place::Trust => &["sts:AssumeRole", "sts:*", "STS:Tag*", "sts:?agSession"],
        _ => &["*", "*:*", "sts:AssumeRole", "sts:*", "STS:Tag*", "s3:Get*", "s3:GetObjec?"],
    };
    let resources: &[&str] = &[
        "*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/${aws:username}/*",
        "arn:aws:s3:::?/${aws:username, 'x'}/y",
        "arn:aws:s3:*",
        "arn:aws:s3:*:b/*",
        "arn:aws:s3:a*b:*",
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:iam::*:role/r",
        "arn:aws:iam::1*2:role/r",
        "arn:aws:iam::?23456789012:role/${aws:username}",
    ];
    let effect = prop_oneof![4 => Just("Allow"), 1 => Just("Deny")];
    let not = |odds| prop::bool::weighted(odds);
    (
        effect,
        (not(0.1), one_or_some(actions)),
        (not(0.1), one_or_some(resources)),
        (not(0.15), principal()),
        prop::option::weighted(0.4, conditions()),
    )
        .prop_map(
            move |(effect, (not_action, action), (not_resource, resource), (not_principal, principal), condition)| {
                let mut statement = Map::new();
                let mut put = |name: &str, not: bool, value| {
                    statement.insert(format!("{}{name}", if not { "Not" } else { "" }), value);
                };
                put("Effect", false, effect.into());
                put("Action", not_action, action);
                if place != Place::Trust {
                    put("Resource", not_resource, resource);
                }
                if place != Place::Caller {
                    put("Principal", not_principal, principal);
                }
                if let Some(condition) = condition {
                    put("Condition", false, condition);
                }
                statement.into()
            },
        )
}

fn one_or_some(values: &[&str]) -> impl Strategy<Value = Value> + use<> {
    let values: Vec<Value> = values.iter().map(|v| (*v).into()).collect();
    prop_oneof![select(values.clone()), prop::collection::vec(select(values), 1..3).prop_map(Value::from)]
}

const USER: &str = "arn:aws:iam::123456789012:user/ada";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/r/ci";
const GUEST: &str = "arn:aws:sts::123456789012:federated-user/guest";
const ROOT: &str = "arn:aws:iam::123456789012:root";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/idp";
const USER_ID: &str = "AIDA2222222222222222A";
const ROLE_ID: &str = "AROA2222222222222222A";

fn principal() -> impl Strategy<Value = Value> {
    let aws = one_or_some(&["*", ACCOUNT, OTHER, ROOT, USER, ROLE, SESSION, GUEST, USER_ID, ROLE_ID]);
    let federated = one_or_some(&[PROVIDER, "accounts.google.com"]);
    prop_oneof![
        1 => Just(json!("*")),
        4 => (aws, prop::option::weighted(0.2, federated)).prop_map(|(aws, federated)| match federated {
            None => json!({"AWS": aws}),
            Some(federated) => json!({"AWS": aws, "Federated": federated, "Service": "x.amazonaws.com"}),
        }),
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    let caller = |arn: &str, entity: Option<&str>, id: Option<&str>| Caller {
        account: ACCOUNT.to_owned(),
        arn: arn.to_owned(),
        entity: entity.map(str::to_owned),
        id: id.map(str::to_owned),
        federated: None,
        root: arn == ROOT || entity == Some(ROOT),
    };
    select(vec![
        caller(USER, None, Some(USER_ID)),
        caller(SESSION, Some(ROLE), Some(ROLE_ID)),
        caller(GUEST, Some(USER), Some(USER_ID)),
        caller(GUEST, Some(ROOT), None),
        caller(ROOT, None, None),
        Caller { federated: Some(PROVIDER.to_owned()), ..caller(USER, None, None) },
    ])
}

pub(crate) const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::b/x/y",
    "arn:aws:s3:::b/ada/y",
    "arn:aws:s3:::b/*/y",
    "arn:aws:s3:a:b::b/x",
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:iam::123456789012:role/ada",
];

fn resource_name() -> impl Strategy<Value = &'static str> {
    select(&RESOURCES[..])
}

/// What keys and policies compare: for each family of operators, values of its type.
const FAMILIES: [(&[&str], &[&str]); 7] = [
    (
        &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        &["ada", "ADA", "a*", "?da", "*", "${aws:username}", "${aws:username, 'ada'}", "${*}", "${AWS:tagkeys}", ""],
    ),
    (
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["0", "10", "-1", "10.5", "10.0"],
    ),
    (
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &["0", "10", "1970-01-01", "1970-01-01T00:00:10Z", "1970-01-01T01:00:10+01:00"],
    ),
    (&["Bool"], &["true", "false"]),
    (&["BinaryEquals"], &["YQ==", "Yg=="]),
    (&["IpAddress", "NotIpAddress"], &["10.0.0.0/8", "10.1.2.3", "::/0", "2001:db8::/32", "::ffff:10.0.0.0/104"]),
    (
        &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
        &[
            "arn:aws:s3:::b",
            "arn:aws:s3:*:b",
            "arn:aws:s3:::b*",
            "arn:a*s:s3:::?",
            "arn:aws:s3:*",
            "*",
            "arn:aws:s3:::${aws:username}",
        ],
    ),
];

const KEYS: [&str; 4] = ["aws:username", "aws:TagKeys", "k:x", "k:y"];

fn conditions() -> impl Strategy<Value = Value> {
    let families: Vec<_> = FAMILIES
        .iter()
        .map(|(operators, values)| {
            let operator = (
                select(&["", "", "", "ForAllValues:", "ForAnyValue:"][..]),
                select(operators.to_vec()),
                select(&["", "", "IfExists"][..]),
            );
            (operator.prop_map(|(quantifier, name, suffix)| format!("{quantifier}{name}{suffix}")), one_or_some(values))
                .boxed()
        })
        .chain([(Just("Null".to_owned()), one_or_some(&["true", "false"])).boxed()])
        .collect();
    let key = select(&["AWS:UserName", "aws:TagKeys", "k:x", "K:Y"][..]);
    let condition = (prop::strategy::Union::new(families), key);
    prop::collection::vec(condition, 1..3).prop_map(|conditions| {
        let mut all = Map::new();
        for ((operator, values), key) in conditions {
            let keys = all.entry(operator).or_insert_with(|| json!({}));
            keys[key] = values;
        }
        all.into()
    })
}

fn context() -> impl Strategy<Value = Map<String, Value>> {
    let words = &[
        "ada",
        "ADA",
        "b",
        "*",
        "",
        "a*",
        "0",
        "10",
        "-1",
        "10.5",
        "9",
        "1970-01-01T00:00:10Z",
        "true",
        "false",
        "YQ==",
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "2001:db8::1",
        "arn:aws:s3:::b",
        "arn:aws:s3:::bb",
        "arn:aws:s3:x:b",
        "arn:aws:s3:::*",
    ][..];
    let value = prop_oneof![
        3 => select(words).prop_map(|word| json!(word)),
        2 => prop::collection::vec(select(words), 0..3).prop_map(|words| json!(words)),
    ];
    prop::collection::vec(prop::option::weighted(0.7, value), KEYS.len()).prop_map(|values| {
        KEYS.iter().zip(values).filter_map(|(key, value)| Some(((*key).to_owned(), value?))).collect()
    })
}
