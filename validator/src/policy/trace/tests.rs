use serde_json::{Value, json};

use super::super::{Context, Kind, Policies, Policy, Query, Subject};
use super::{MessagePrincipal, Trace, explain, explain_trust};

const ADA: &str = "arn:aws:iam::123456789012:user/ada";
const OBJECT: &str = "arn:aws:s3:::home/ada/x";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

fn document(kind: Kind, statements: Value) -> Policy {
    Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string(), kind).unwrap()
}

fn user(arn: &str) -> Subject {
    Subject {
        account: "123456789012".parse().unwrap(),
        arn: arn.parse().unwrap(),
        role_or_user_arn: None,
        unique_id: None,
        federated: None,
    }
}

fn job() -> Subject {
    Subject { federated: Some(PROVIDER.to_owned()), ..user(ADA) }
}

fn context(keys: &[(&str, &str)]) -> Context {
    let mut context = Context::default();
    keys.iter().for_each(|(key, value)| context.set(key, *value));
    context
}

/// What an identity policy says of reading an object.
fn read(statements: Value, keys: &[(&str, &str)]) -> Trace {
    let policy = document(Kind::Identity, statements);
    let query = Query { subject: &user(ADA), action: "s3:GetObject", resource: OBJECT, context: &context(keys) };
    explain(&Policies { identity: &[&policy], ..Policies::default() }, &query)
}

fn read_if(condition: Value, keys: &[(&str, &str)]) -> Trace {
    read(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}), keys)
}

/// What a trust policy says.
fn assume(statements: Value, subject: &Subject, action: &str, keys: &[(&str, &str)]) -> Trace {
    let policy = document(Kind::Trust, statements);
    let policies = Policies { resource: Some(&policy), resource_account: Some(subject.account), ..Policies::default() };
    explain_trust(&policies, &Query { subject, action, resource: ROLE, context: &context(keys) })
}

fn trust(principal: Value, action: &str, condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition})
}

#[track_caller]
fn hinted(trace: &Trace, words: &str) {
    assert!(trace.hints.len() == 1 && trace.hints[0].contains(words), "{words}: {:?}", trace.hints);
}

#[test]
fn the_form_in_json_is_stable() {
    let policy = document(
        Kind::Identity,
        json!([
            {"Sid": "Home", "Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::home/${aws:username}/*",
             "Condition": {"StringEquals": {"aws:PrincipalTag/Team": ["red", "blue"]}}},
            {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "*"}
        ]),
    );
    let resource = document(
        Kind::Resource,
        json!({"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:PutObject", "Resource": "*"}),
    );
    let keys = context(&[("aws:username", "ada"), ("aws:PrincipalTag/Team", "green")]);
    let query = Query { subject: &user(ADA), action: "s3:GetObject", resource: OBJECT, context: &keys };
    let policies = Policies {
        identity: &[&policy],
        session: Some(&[]),
        resource: Some(&resource),
        resource_account: "123456789012".parse().ok(),
        ..Policies::default()
    };
    let expected = json!({
        "effect": "implicitDeny",
        "reason": "NO_MATCHING_ALLOW",
        "hints": [],
        "query": {
            "principal": ADA,
            "names": [ADA, "123456789012"],
            "account": "123456789012",
            "action": "s3:GetObject",
            "resource": OBJECT,
            "resourceAccount": "123456789012",
            "context": {"aws:principaltag/team": ["green"], "aws:username": ["ada"]},
        },
        "identity": [{
            "version": "2012-10-17",
            "verdict": "silent",
            "statements": [
                {
                    "sid": "Home", "number": 1, "effect": "Allow", "matched": false,
                    "elements": [
                        {"element": "Action", "wanted": ["s3:Get*"], "given": ["s3:GetObject"], "matched": true},
                        {"element": "Resource", "wanted": ["arn:aws:s3:::home/${aws:username}/*"], "given": [OBJECT], "matched": true},
                    ],
                    "conditions": [{
                        "operator": "StringEquals", "key": "aws:PrincipalTag/Team",
                        "wanted": ["red", "blue"], "given": ["green"], "matched": false,
                    }],
                },
                {
                    "number": 2, "effect": "Deny", "matched": false,
                    "elements": [
                        {"element": "NotAction", "wanted": ["s3:*"], "given": ["s3:GetObject"], "matched": false},
                        {"element": "NotResource", "wanted": ["*"], "given": [OBJECT], "matched": false},
                    ],
                    "conditions": [],
                },
            ],
        }],
        "session": [],
        "resource": {
            "version": "2012-10-17",
            "verdict": "silent",
            "statements": [{
                "number": 1, "effect": "Allow", "matched": false, "namedAs": "account",
                "elements": [
                    {"element": "Principal", "wanted": ["AWS: 123456789012"], "given": [ADA, "123456789012"], "matched": true},
                    {"element": "Action", "wanted": ["s3:PutObject"], "given": ["s3:GetObject"], "matched": false},
                    {"element": "Resource", "wanted": ["*"], "given": [OBJECT], "matched": true},
                ],
                "conditions": [],
            }],
        },
    });
    assert_eq!(serde_json::to_value(explain(&policies, &query)).unwrap(), expected);
}

#[test]
fn an_authorization_message_has_the_members_that_aws_documents() {
    let ada = MessagePrincipal { id: "AIDA2222222222222222A", name: Some("ada") };
    let values = |value: &str| json!({"items": [{"value": value}]});
    let allow = json!({"Sid": "Mine", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
                       "Condition": {"StringEquals": {"k:x": "a"}}});
    let trace = read(allow, &[("k:x", "b")]);
    let message = trace.authorization_message(ada);
    assert_eq!((&message["allowed"], &message["explicitDeny"]), (&json!(false), &json!(false)));
    assert_eq!(message["matchedStatements"], json!({"items": []}));
    let failure = json!({
        "statementId": "Mine", "operator": "StringEquals", "key": "k:x", "values": values("a"), "given": values("b"),
    });
    assert_eq!(message["failures"]["items"], json!([failure]));
    assert_eq!(
        message["context"],
        json!({
            "principal": {"id": "AIDA2222222222222222A", "name": "ada", "arn": ADA},
            "action": "s3:GetObject",
            "resource": OBJECT,
            "conditions": {"items": [{"key": "k:x", "values": values("b")}]},
        })
    );
    assert_eq!(message["trace"], serde_json::to_value(&trace).unwrap());

    let deny = json!({"Sid": "Never", "Effect": "Deny", "NotAction": "iam:*", "Resource": "*"});
    let message = read(deny, &[]).authorization_message(MessagePrincipal { name: None, ..ada });
    assert_eq!((&message["explicitDeny"], &message["failures"]), (&json!(true), &json!({"items": []})));
    assert_eq!(message["context"]["principal"], json!({"id": "AIDA2222222222222222A", "arn": ADA}));
    let statement = json!({
        "statementId": "Never", "effect": "DENY", "principals": values("AIDA2222222222222222A"),
        "principalGroups": {"items": []}, "actions": {"items": []}, "notActions": values("iam:*"), "resources": values("*"),
        "conditions": {"items": []},
    });
    assert_eq!(message["matchedStatements"]["items"], json!([statement]));
}

#[test]
fn a_refusing_trust_policy_has_a_finer_code() {
    const ASSUME: &str = "sts:AssumeRole";
    const WEB: &str = "sts:AssumeRoleWithWebIdentity";
    let detail = |trace: Trace| trace.detail.unwrap().as_str();
    let id = json!({"StringEquals": {"sts:ExternalId": "x"}});
    let eve = json!({"AWS": "210987654321"});
    let ada = json!({"AWS": ADA});
    let deny = json!([
        {"Effect": "Deny", "Principal": "*", "Action": "sts:*"},
        trust(ada.clone(), ASSUME, json!({})),
    ]);
    assert_eq!(detail(assume(trust(eve, ASSUME, json!({})), &user(ADA), ASSUME, &[])), "TRUST_PRINCIPAL_MISMATCH");
    assert_eq!(detail(assume(trust(ada.clone(), WEB, json!({})), &user(ADA), ASSUME, &[])), "TRUST_ACTION_MISMATCH");
    assert_eq!(detail(assume(trust(ada, ASSUME, id.clone()), &user(ADA), ASSUME, &[])), "TRUST_CONDITION_MISMATCH");
    assert_eq!(detail(assume(deny, &user(ADA), ASSUME, &[])), "TRUST_EXPLICIT_DENY");
    let provider = json!({"Federated": PROVIDER});
    assert_eq!(detail(assume(trust(provider, WEB, id), &job(), WEB, &[])), "TRUST_CLAIM_MISMATCH");
    let nothing = Policies::default();
    let query = Query { subject: &user(ADA), action: ASSUME, resource: ROLE, context: &Context::default() };
    assert_eq!(detail(explain_trust(&nothing, &query)), "TRUST_ABSENT");
}

#[test]
fn a_plain_denial_or_allow_has_no_hint() {
    assert!(read_if(json!({"StringEquals": {"k:x": "a"}}), &[("k:x", "b")]).hints.is_empty());
    assert!(read_if(json!({"StringEquals": {"k:x": "a"}}), &[("k:x", "a")]).hints.is_empty());
    let elsewhere = json!({"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:s3:::home/${aws:none}"});
    assert!(read(elsewhere, &[]).hints.is_empty());
}

#[test]
fn conditions_that_fail_for_a_common_mistake_are_hinted_at() {
    let github = "token.actions.githubusercontent.com:sub";
    let ids = "repo:acme@9919/shop@4411:ref:refs/heads/main";
    for (condition, keys, words) in [
        (json!({"StringEquals": {"k:x": "a"}}), vec![], "The request has no k:x, which StringEquals in statement 1"),
        (json!({"StringEquals": {"k:x": "Red"}}), vec![("k:x", "red")], "upper and lower case differ"),
        (json!({"ForAnyValue:StringLike": {"k:x": "Red*"}}), vec![("k:x", "reds")], "upper and lower case differ"),
        (json!({"StringEquals": {"k:x": "a*"}}), vec![("k:x", "ab")], "literally: use StringLike."),
        (json!({"StringEqualsIgnoreCase": {"k:x": "a?"}}), vec![("k:x", "ab")], "literally: use StringLike, which"),
        (json!({"StringLike": {github: "repo:acme/shop:*"}}), vec![(github, ids)], "GitHub's form with ids"),
        (
            json!({"StringLike": {"k:x": "${aws:username}*"}}),
            vec![("k:x", "ada")],
            "${aws:username} of statement 1 has no value",
        ),
    ] {
        hinted(&read_if(condition, &keys), words);
    }
}

#[test]
fn conditions_that_hold_by_surprise_are_hinted_at() {
    hinted(&read_if(json!({"ForAllValues:StringEquals": {"k:x": "a"}}), &[]), "ForAllValues holds of no values");
    let deny = json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "Net", "Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"NotIpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}},
    ]);
    let trace = read(deny, &[]);
    hinted(&trace, "NotIpAddress holds of a missing key, so statement \"Net\" applies");
}

#[test]
fn elements_that_fail_for_a_common_mistake_are_hinted_at() {
    let allow = |resource: &str| json!({"Effect": "Allow", "Action": "s3:*", "Resource": resource});
    hinted(&read(allow("arn:aws:s3:::home"), &[]), "names only the latter: add arn:aws:s3:::home/*.");
    hinted(&read(allow("arn:aws:s3:::home/${aws:username}/*"), &[]), "${aws:username} of statement 1 has no value");
    let pathless = trust(json!({"AWS": "arn:aws:iam::123456789012:user/ada"}), "sts:*", json!({}));
    let ops = user("arn:aws:iam::123456789012:user/ops/ada");
    hinted(&assume(pathless, &ops, "sts:AssumeRole", &[]), "leaves out the path");
    let tagless = trust(json!({"AWS": ADA}), "sts:AssumeRole", json!({}));
    hinted(&assume(tagless, &user(ADA), "sts:TagSession", &[]), "add sts:TagSession to statement 1");
    let plain = trust(json!({"Federated": PROVIDER}), "sts:AssumeRole", json!({}));
    hinted(&assume(plain, &job(), "sts:AssumeRoleWithWebIdentity", &[]), "sts:AssumeRole instead");
    let old = json!({"Version": "2008-10-17", "Statement": allow("arn:aws:s3:::home/${aws:username}/*")}).to_string();
    let old = Policy::parse(&old, Kind::Identity).unwrap();
    let keys = context(&[("aws:username", "ada")]);
    let query = Query { subject: &user(ADA), action: "s3:GetObject", resource: OBJECT, context: &keys };
    hinted(&explain(&Policies { identity: &[&old], ..Policies::default() }, &query), "is plain text");
}

#[test]
fn sides_that_are_missing_are_hinted_at() {
    let all = document(Kind::Identity, json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let none = document(Kind::Identity, json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}));
    let account = document(Kind::Trust, trust(json!({"AWS": "123456789012"}), "sts:AssumeRole", json!({})));
    let home: Option<crate::identity::AccountId> = "123456789012".parse().ok();
    let abroad = "210987654321".parse().ok();
    let guest = user("arn:aws:sts::123456789012:federated-user/guest");
    let ada = user(ADA);
    for (subject, policies, words) in [
        (&ada, Policies { identity: &[&none], ..Policies::default() }, "names only the account 123456789012"),
        (&ada, Policies { resource_account: abroad, ..Policies::default() }, "none of the caller's own policies does"),
        (&ada, Policies { identity: &[&all], boundary: Some(&none), ..Policies::default() }, "permissions boundary"),
        (&ada, Policies { identity: &[&all], session: Some(&[&none]), ..Policies::default() }, "one of the session's"),
        (&guest, Policies { identity: &[&all], session: Some(&[]), ..Policies::default() }, "no session policy"),
    ] {
        let policies =
            Policies { resource: Some(&account), resource_account: policies.resource_account.or(home), ..policies };
        let query = Query { subject, action: "sts:AssumeRole", resource: ROLE, context: &Context::default() };
        hinted(&explain_trust(&policies, &query), words);
    }
    let query = Query { subject: &ada, action: "s3:GetObject", resource: OBJECT, context: &Context::default() };
    let foreign = Policies { identity: &[&all], resource_account: abroad, ..Policies::default() };
    hinted(&explain(&foreign, &query), "the resource's policy does not");
}

#[test]
fn e7_hints_and_the_work_for_them_are_bounded() {
    let values: Vec<String> = (0..5000).map(|i| format!("A*{i}")).collect();
    let statement = |i: usize| json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {format!("k:{i}"): "a"}}});
    let many = read(Value::from((0..100).map(statement).collect::<Vec<_>>()), &[]);
    assert_eq!(many.hints.len(), 8);
    let wide = read_if(json!({"StringLike": {"k:x": values}}), &[("k:x", &"a".repeat(10_000))]);
    assert!(wide.hints.is_empty());
}
