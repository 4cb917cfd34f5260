//! Callers, requests and policies over a vocabulary so small that things often match, made of any bytes.
//!
//! Where the bytes come from does not matter: from chance in the oracle's own tests, from a fuzzer in `fuzz/`.

use serde_json::{Map, Value, json};

use crate::world::{Caller, World};

/// Bytes that choose, one a choice. When they end, the first and the least of everything is chosen.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn next(&mut self) -> usize {
        self.0.split_off_first().copied().unwrap_or(0).into()
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.next() % all.len()].clone()
    }

    /// True in so many of a hundred cases.
    fn in_percent(&mut self, percent: usize) -> bool {
        self.next() * 100 / 256 >= 100 - percent
    }

    fn maybe<T>(&mut self, percent: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.in_percent(percent).then(|| make(self))
    }

    /// As many as one of `counts`.
    fn several<T>(&mut self, counts: &[usize], make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = self.one_of(counts);
        (0..count).map(|_| make(self)).collect()
    }
}

pub(crate) fn world(choices: &mut Choices<'_>) -> World {
    World {
        caller: caller(choices),
        action: choices.one_of(&["sts:AssumeRole", "STS:TagSession", "s3:GetObject"]).to_owned(),
        resource: choices.one_of(RESOURCE_NAMES).to_owned(),
        context: context(choices),
        identity: choices.several(&[0, 1, 2], |c| policy(c, Place::Caller)),
        boundary: choices.maybe(30, |c| policy(c, Place::Caller)),
        session: choices.maybe(40, |c| c.several(&[0, 1, 2], |c| policy(c, Place::Caller))),
        resource_policy: choices.maybe(70, |c| policy(c, Place::Resource)),
        trust_policy: choices.maybe(90, |c| policy(c, Place::Trust)),
        owner: choices.maybe(90, |c| c.one_of(&[ACCOUNT, ACCOUNT, OTHER]).to_owned()),
    }
}

/// Where a policy is attached.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Caller,
    Resource,
    Trust,
}

pub(crate) fn policy(choices: &mut Choices<'_>, place: Place) -> Value {
    let version = choices.one_of(&[Some("2012-10-17"), Some("2012-10-17"), Some("2008-10-17"), None]);
    let statements = match choices.in_percent(67) {
        false => statement(choices, place),
        true => choices.several(&[1, 2, 3], |c| statement(c, place)).into(),
    };
    let mut policy = json!({"Statement": statements});
    if let Some(version) = version {
        policy["Version"] = version.into();
    }
    policy
}

pub(crate) fn statement(choices: &mut Choices<'_>, place: Place) -> Value {
    let actions: &[&str] = match place {
        Place::Trust => &["sts:AssumeRole", "sts:*", "STS:Tag*", "sts:?agSession"],
        _ => &["*", "*:*", "sts:AssumeRole", "sts:*", "STS:Tag*", "s3:Get*", "s3:GetObjec?"],
    };
    let mut statement = Map::new();
    let mut put = |name: &str, not: bool, value| {
        statement.insert(format!("{}{name}", if not { "Not" } else { "" }), value);
    };
    put("Effect", false, if choices.in_percent(20) { "Deny" } else { "Allow" }.into());
    put("Action", choices.in_percent(10), one_or_some(choices, actions));
    if place != Place::Trust {
        put("Resource", choices.in_percent(10), one_or_some(choices, RESOURCES));
    }
    if place != Place::Caller {
        put("Principal", choices.in_percent(15), principal(choices));
    }
    if let Some(conditions) = choices.maybe(40, conditions) {
        put("Condition", false, conditions);
    }
    statement.into()
}

fn one_or_some(choices: &mut Choices<'_>, values: &[&str]) -> Value {
    match choices.in_percent(50) {
        false => choices.one_of(values).into(),
        true => choices.several(&[1, 2], |c| c.one_of(values)).into(),
    }
}

fn principal(choices: &mut Choices<'_>) -> Value {
    if choices.in_percent(20) {
        return "*".into();
    }
    let aws = one_or_some(choices, &["*", ACCOUNT, OTHER, ROOT, USER, ROLE, SESSION, GUEST, USER_ID, ROLE_ID]);
    match choices.maybe(20, |c| one_or_some(c, &[PROVIDER, "accounts.google.com"])) {
        None => json!({"AWS": aws}),
        Some(federated) => json!({"AWS": aws, "Federated": federated, "Service": "x.amazonaws.com"}),
    }
}

fn caller(choices: &mut Choices<'_>) -> Caller {
    let caller = |arn: &str, entity: Option<&str>, id: Option<&str>| Caller {
        account: ACCOUNT.to_owned(),
        arn: arn.to_owned(),
        entity: entity.map(str::to_owned),
        id: id.map(str::to_owned),
        federated: None,
        root: arn == ROOT || entity == Some(ROOT),
    };
    choices.one_of(&[
        caller(USER, None, Some(USER_ID)),
        caller(SESSION, Some(ROLE), Some(ROLE_ID)),
        caller(GUEST, Some(USER), Some(USER_ID)),
        caller(GUEST, Some(ROOT), None),
        caller(ROOT, None, None),
        Caller { federated: Some(PROVIDER.to_owned()), ..caller(USER, None, None) },
    ])
}

fn conditions(choices: &mut Choices<'_>) -> Value {
    let mut all = Map::new();
    for _ in 0..choices.one_of(&[1, 2]) {
        let (operator, values) = match choices.one_of(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            7 => ("Null".to_owned(), one_or_some(choices, &["true", "false"])),
            family => {
                let (operators, values) = FAMILIES[family];
                let quantifier = choices.one_of(&["", "", "", "ForAllValues:", "ForAnyValue:"]);
                let (name, suffix) = (choices.one_of(operators), choices.one_of(&["", "", "IfExists"]));
                (format!("{quantifier}{name}{suffix}"), one_or_some(choices, values))
            }
        };
        let key = choices.one_of(&["AWS:UserName", "aws:TagKeys", "k:x", "K:Y"]);
        all.entry(operator).or_insert_with(|| json!({}))[key] = values;
    }
    all.into()
}

fn context(choices: &mut Choices<'_>) -> Map<String, Value> {
    let mut context = Map::new();
    for key in ["aws:username", "aws:TagKeys", "k:x", "k:y"] {
        let value = choices.maybe(70, |c| match c.in_percent(40) {
            false => json!(c.one_of(WORDS)),
            true => json!(c.several(&[0, 1, 2], |c| c.one_of(WORDS))),
        });
        context.extend(value.map(|value| (key.to_owned(), value)));
    }
    context
}

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";
const USER: &str = "arn:aws:iam::123456789012:user/ada";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/r/ci";
const GUEST: &str = "arn:aws:sts::123456789012:federated-user/guest";
const ROOT: &str = "arn:aws:iam::123456789012:root";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/idp";
const USER_ID: &str = "AIDA2222222222222222A";
const ROLE_ID: &str = "AROA2222222222222222A";

pub(crate) const RESOURCE_NAMES: &[&str] = &[
    "arn:aws:s3:::b/x/y",
    "arn:aws:s3:::b/ada/y",
    "arn:aws:s3:::b/*/y",
    "arn:aws:s3:a:b::b/x",
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:iam::123456789012:role/ada",
];

const RESOURCES: &[&str] = &[
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

/// What the request's keys are given.
const WORDS: &[&str] = &[
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
];
