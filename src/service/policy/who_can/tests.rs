use brevet_validator::credential::Credentials;

use super::*;
use crate::service::error::Kind;
use crate::service::simulation::{ContextKeyType, PolicySource};
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, account, inline, trust};
use crate::store::records;

const OBJECT: &str = "arn:aws:s3:::bucket/key";

fn statement(effect: &str, action: &str, more: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"*"{more}}}"#)
}

fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn allow(action: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    policy(&[statement("Allow", action, &condition)])
}

fn trusting(principal: &str, action: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"T","Effect":"Allow","Principal":{principal},"Action":"{action}"{condition}}}}}"#
    )
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn ask_as(world: &World, caller: &Credentials, input: WhoCan) -> Result<WhoCanPage, Error> {
    who_can(&world.caller(caller).unwrap(), &input)
}

fn question(action: &str, resource: &str) -> WhoCan {
    WhoCan { action: action.into(), resource: resource.into(), ..WhoCan::default() }
}

fn ask(world: &mut World, action: &str, resource: &str) -> Vec<Found> {
    let root = world.root();
    ask_as(world, &root, question(action, resource)).unwrap().page.items
}

/// `name`, `name?key,key` for whoever can on a condition.
fn short(found: &[Found]) -> Vec<String> {
    let told = |found: &Found| match &found.needs {
        Needs::Nothing => last(&found.principal).to_owned(),
        Needs::Keys(keys) => format!("{}?{}", last(&found.principal), keys.join(",")),
    };
    found.iter().map(told).collect()
}

fn last(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap()
}

fn who(world: &mut World, action: &str, resource: &str) -> Vec<String> {
    short(&ask(world, action, resource))
}

#[test]
fn root_users_and_roles_are_found_through_their_policies() {
    let mut world = World::new();
    world.user("ada", &allow("s3:Get*", ""));
    world.user("bob", &allow("s3:Put*", ""));
    world.role("reader", &trust(ACCOUNT), &allow("s3:GetObject", ""));
    let arn = world.policy(ACCOUNT, "all", ALLOW_ALL);
    let cleo = records::User { attached_policy_arns: vec![arn.clone()], ..world.user_record("cleo") };
    world.put_user(cleo);
    let found = ask(&mut world, "s3:GetObject", OBJECT);
    assert_eq!(short(&found), ["root", "ada", "cleo", "reader"]);
    let kinds: Vec<_> = found.iter().map(|found| (found.kind, found.external)).collect();
    use PrincipalKind::{Role, Root, User};
    assert_eq!(kinds, [(Root, false), (User, false), (User, false), (Role, false)]);
    let through: Vec<_> = found.iter().map(|found| found.through.as_slice()).collect();
    assert!(through[0].is_empty());
    let ground = |policy: &str, source| Ground { policy: policy.into(), source, sid: None, number: 1 };
    assert_eq!(through[1], [ground("p", PolicySource::User)]);
    assert_eq!(through[2], [ground(&arn, PolicySource::UserManaged)]);
    assert_eq!(through[3], [ground("p", PolicySource::Role)]);
    assert_eq!(found[3].principal, role_arn("reader"));
}

#[test]
fn what_hangs_on_the_request_is_conditional_and_names_its_keys() {
    let mut world = World::new();
    world.user(
        "address",
        &allow("*", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:SecureTransport":"true"}}"#),
    );
    let deny = statement("Deny", "*", r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#);
    world.user("factor", &policy(&[statement("Allow", "*", ""), deny]));
    // One statement is enough, so the other one's condition matters to nobody.
    let hour = r#","Condition":{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#;
    world.user("free", &policy(&[statement("Allow", "*", hour), statement("Allow", "s3:*", "")]));
    world.user("never", &allow("*", r#"{"StringEquals":{"aws:username":"someone"}}"#));
    assert_eq!(
        who(&mut world, "s3:GetObject", OBJECT),
        ["root", "address?aws:SourceIp,aws:SecureTransport", "factor?aws:MultiFactorAuthPresent", "free"]
    );
}

#[test]
fn what_is_given_of_the_request_is_no_condition() {
    let mut world = World::new();
    world.user("ada", &allow("*", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
    let root = world.root();
    let [(_, text), .., (_, dates)] = ContextKeyType::WORDS;
    let given = |values: &[&str], of| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let context = vec![ContextEntry { key: "AWS:sourceip".into(), of, values }];
        short(&ask_as(&world, &root, WhoCan { context, ..question("a:b", OBJECT) }).unwrap().page.items)
    };
    assert_eq!(given(&["10.1.1.1"], text), ["root", "ada"]);
    assert_eq!(given(&["192.0.2.1"], text), ["root"]);
    assert_eq!(given(&[], dates), ["root"], "a key without values is one that the request does not have");
}

#[test]
fn an_explicit_deny_and_a_boundary_take_a_principal_out() {
    let mut world = World::new();
    world.user("denied", &policy(&[statement("Allow", "*", ""), statement("Deny", "s3:Get*", "")]));
    let narrow = world.policy(ACCOUNT, "narrow", &allow("s3:Put*", ""));
    let office = world.policy(ACCOUNT, "office", &allow("*", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
    let gone = format!("arn:aws:iam::{ACCOUNT}:policy/gone");
    for (name, boundary) in [("gone", gone), ("narrow", narrow), ("office", office)] {
        let user = records::User {
            permissions_boundary_arn: boundary,
            inline_policies: inline(ALLOW_ALL),
            ..world.user_record(name)
        };
        world.put_user(user);
    }
    assert_eq!(who(&mut world, "s3:GetObject", OBJECT), ["root", "office?aws:SourceIp"]);
    assert_eq!(who(&mut world, "s3:PutObject", OBJECT), ["root", "denied", "narrow", "office?aws:SourceIp"]);
}

#[test]
fn keys_that_follow_from_the_principal_are_known() {
    let mut world = World::new();
    let own = r#"{"StringEquals":{"aws:PrincipalTag/team":"red","aws:PrincipalType":"User","aws:PrincipalAccount":"111111111111"},
        "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/r*"},"StringLike":{"aws:userid":"AIDA*"}}"#;
    let tag = |value: &str| vec![records::Tag { key: "Team".into(), value: value.into() }];
    for (name, team) in [("red", "red"), ("royal", "blue"), ("ada", "red")] {
        let user =
            records::User { tags: tag(team), inline_policies: inline(&allow("*", own)), ..world.user_record(name) };
        world.put_user(user);
    }
    // A key that a principal does not have is known to be missing.
    world.user("untagged", &allow("*", r#"{"Null":{"aws:PrincipalTag/team":"true"}}"#));
    world.role("nameless", &trust(ACCOUNT), &allow("*", r#"{"Null":{"aws:username":"true"}}"#));
    assert_eq!(who(&mut world, "s3:GetObject", OBJECT), ["root", "red", "untagged", "nameless"]);
}

#[test]
fn a_role_s_tags_are_known_unless_its_sessions_may_bring_their_own() {
    let mut world = World::new();
    let red = allow("*", r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#);
    let tags = vec![records::Tag { key: "team".into(), value: "red".into() }];
    let plain = trusting(r#"{"AWS":"111111111111"}"#, "sts:AssumeRole", "");
    for (name, trust, tags) in
        [("blank", &plain, vec![]), ("red", &plain, tags.clone()), ("tagged", &trust(ACCOUNT), vec![])]
    {
        let role = records::Role { tags, inline_policies: inline(&red), ..world.role_record(name, trust) };
        world.put_role(role);
    }
    assert_eq!(who(&mut world, "s3:GetObject", OBJECT), ["root", "red", "tagged?aws:PrincipalTag/team"]);
}

#[test]
fn a_role_is_open_to_those_whom_its_trust_policy_names_and_their_own_policies_let() {
    let mut world = World::new();
    world.user("ada", ALLOW_ALL);
    world.user("bob", "");
    world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    let by_account = ask(&mut world, "sts:AssumeRole", &role_arn("ops"));
    assert_eq!(short(&by_account), ["ada", "ops"], "root takes on no roles");
    let grounds: Vec<_> = by_account[0].through.iter().map(|g| (g.policy.as_str(), g.source)).collect();
    assert_eq!(grounds, [(&*role_arn("ops"), PolicySource::Resource), ("p", PolicySource::User)]);

    let bob = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:user/bob"}}"#);
    world.role("direct", &trusting(&bob, "sts:*", ""), "");
    let direct = ask(&mut world, "STS:assumerole", &role_arn("direct"));
    assert_eq!(short(&direct), ["bob"], "whom the trust policy names needs nothing else");
    assert_eq!(
        direct[0].through,
        [Ground { policy: role_arn("direct"), source: PolicySource::Resource, sid: Some("T".into()), number: 1 }]
    );
}

#[test]
fn a_trust_policy_s_conditions_deny_and_role_tags_count() {
    let mut world = World::new();
    world.user("ada", &allow("sts:AssumeRole", r#"{"StringEquals":{"aws:ResourceTag/team":"red"}}"#));
    world.user("bob", ALLOW_ALL);
    let external =
        trusting(r#"{"AWS":"111111111111"}"#, "sts:AssumeRole", r#"{"StringEquals":{"sts:ExternalId":"x"}}"#);
    let tags = vec![records::Tag { key: "Team".into(), value: "red".into() }];
    let role = records::Role { tags, ..world.role_record("red", &external) };
    world.put_role(role);
    assert_eq!(who(&mut world, "sts:AssumeRole", &role_arn("red")), ["ada?sts:ExternalId", "bob?sts:ExternalId"]);
    let but_bob = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}},
        {{"Effect":"Deny","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/bob"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    world.role("open", &but_bob, "");
    assert_eq!(who(&mut world, "sts:AssumeRole", &role_arn("open")), ["ada", "open", "red", "*"]);
}

#[test]
fn those_outside_whom_a_trust_policy_names_are_external() {
    let mut world = World::new();
    world.role("ops", &trust(ACCOUNT), "");
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ops/run-7");
    let document = format!(
        r#"{{"Statement":[
        {{"Effect":"Allow","Principal":{{"AWS":["{OTHER_ACCOUNT}","arn:aws:iam::333333333333:role/ci","{session}",
          "arn:aws:sts::{ACCOUNT}:federated-user/f","AIDAQQQQQQQQQQQQQQQQQ"]}},"Action":["sts:AssumeRole","sts:TagSession"]}},
        {{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"aws:PrincipalAccount":"444444444444"}}}}}},
        {{"Effect":"Allow","Principal":{{"Federated":"idp.example.com"}},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
          "Condition":{{"StringEquals":{{"idp.example.com:sub":"x"}}}}}},
        {{"Effect":"Deny","Principal":{{"AWS":"arn:aws:iam::333333333333:root"}},"Action":"sts:TagSession"}}]}}"#
    );
    world.role("shared", &document, "");
    let found = ask(&mut world, "sts:AssumeRole", &role_arn("shared"));
    let told: Vec<_> = found.iter().map(|f| (f.principal.as_str(), f.kind, f.external)).collect();
    assert_eq!(
        told,
        [
            (OTHER_ACCOUNT, PrincipalKind::Account, true),
            ("arn:aws:iam::333333333333:role/ci", PrincipalKind::Role, true),
            (&*session, PrincipalKind::RoleSession, false),
            ("AIDAQQQQQQQQQQQQQQQQQ", PrincipalKind::UniqueId, true),
            ("*", PrincipalKind::Everyone, true),
        ]
    );
    assert_eq!(found[4].needs, Needs::Keys(vec!["aws:PrincipalAccount".into()]));
    assert!(found[..4].iter().all(|found| found.needs == Needs::Nothing));

    let web = ask(&mut world, "sts:AssumeRoleWithWebIdentity", &role_arn("shared"));
    assert_eq!(short(&web), ["idp.example.com?idp.example.com:sub"]);
    assert_eq!((web[0].kind, web[0].external), (PrincipalKind::Federated, true));

    let tag = who(&mut world, "sts:TagSession", &role_arn("shared"));
    assert_eq!(tag, [OTHER_ACCOUNT, "run-7", "AIDAQQQQQQQQQQQQQQQQQ", "idp.example.com?idp.example.com:sub"]);
}

#[test]
fn c27_whoever_took_the_name_of_a_trusted_principal_is_not_found() {
    let mut world = World::new();
    let old = records::User { name: "ada".into(), ..world.user_record("ada") };
    let bound = |unique_id: &str| records::PrincipalBinding {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/ada"),
        unique_id: unique_id.into(),
    };
    let trust = trust(&format!("arn:aws:iam::{ACCOUNT}:user/ada"));
    let role = records::Role { trust_bindings: vec![bound(&old.unique_id)], ..world.role_record("ops", &trust) };
    world.put_user(old);
    world.put_role(role);
    assert_eq!(who(&mut world, "sts:AssumeRole", &role_arn("ops")), ["ada"]);
    world.user("ada", ALLOW_ALL);
    assert!(who(&mut world, "sts:AssumeRole", &role_arn("ops")).is_empty());
}

#[test]
fn a_role_that_is_not_there_and_what_is_no_role_are_errors() {
    let mut world = World::new();
    let root = world.root();
    for (resource, kind) in [
        (role_arn("none"), Kind::NoSuchEntity),
        ("*".to_owned(), Kind::InvalidInput),
        (OBJECT.to_owned(), Kind::InvalidInput),
    ] {
        let error = ask_as(&world, &root, question("sts:AssumeRole", &resource)).unwrap_err();
        assert_eq!(error.kind(), kind, "{resource}");
    }
}

#[test]
fn c21_only_the_caller_s_account_is_looked_at() {
    let mut world = World::new();
    let foreign =
        records::User { account: OTHER_ACCOUNT.into(), inline_policies: inline(ALLOW_ALL), ..world.user_record("eve") };
    let eve = world.put_user(foreign);
    let ada = world.user("ada", ALLOW_ALL);
    let role = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("theirs", &trust(ACCOUNT)) };
    let theirs = world.put_role(role);
    let of = |caller: &Credentials, action: &str, resource: &str| {
        let page = ask_as(&world, caller, question(action, resource)).unwrap();
        (short(&page.page.items), page.one_sided)
    };
    assert_eq!(of(&ada, "s3:GetObject", OBJECT), (vec!["root".into(), "ada".into()], false));
    assert_eq!(of(&eve, "s3:GetObject", OBJECT), (vec!["root".into(), "eve".into()], false));
    // Of another account's role only one's own side is told, whether or not it is there.
    let absent = theirs.replace("theirs", "absent");
    for role in [&theirs, &absent] {
        assert_eq!(of(&ada, "sts:AssumeRole", role), (vec!["root".into(), "ada".into()], true));
    }
}

#[test]
fn c9_keys_that_follow_from_the_principal_cannot_be_given() {
    let mut world = World::new();
    let root = world.root();
    world.role("ops", &trust(ACCOUNT), "");
    let [(_, of), ..] = ContextKeyType::WORDS;
    for key in [
        "aws:PrincipalArn",
        "AWS:USERNAME",
        "aws:userid",
        "aws:principaltag/x",
        "aws:PrincipalTag/",
        "aws:ResourceTag/x",
    ] {
        let context = vec![ContextEntry { key: key.into(), of, values: vec!["x".into()] }];
        let input = WhoCan { context, ..question("sts:AssumeRole", &role_arn("ops")) };
        assert_eq!(ask_as(&world, &root, input).unwrap_err().kind(), Kind::InvalidInput, "{key}");
    }
}

#[test]
fn c4_asking_needs_its_permission_on_the_resource_or_on_everything() {
    let mut world = World::new();
    world.role("ops", &trust(ACCOUNT), "");
    let everything = "arn:aws:brevet:eu-central-1:111111111111:*";
    for (action, resource, about, allowed) in [
        ("brevet:WhoCan", role_arn("ops"), role_arn("ops"), true),
        ("brevet:WhoCan", role_arn("other"), role_arn("ops"), false),
        ("brevet:LintPolicy", "*".into(), role_arn("ops"), false),
        ("brevet:WhoCan", everything.into(), OBJECT.into(), true),
        ("brevet:WhoCan", everything.into(), "*".into(), true),
        ("brevet:WhoCan", "arn:aws:s3:::*".into(), OBJECT.into(), false),
        // Another account's resource cannot be what one's own permission hangs on.
        ("brevet:WhoCan", "arn:aws:iam::222222222222:*".into(), "arn:aws:iam::222222222222:role/x".into(), false),
    ] {
        let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#);
        let user = world.user("ada", &policy);
        let answer = ask_as(&world, &user, question("sts:AssumeRole", &about));
        let denied = answer.is_err_and(|error| matches!(error.kind(), Kind::AccessDenied(_)));
        assert_eq!(!denied, allowed, "{policy} {about}");
    }
}

#[test]
fn pieces_together_are_the_whole_and_e7_each_is_bounded() {
    let mut world = World::new();
    for n in 0..25 {
        world.user(&format!("u{n:02}"), if n % 2 == 0 { ALLOW_ALL } else { "" });
        world.role(
            &format!("r{n:02}"),
            &trusting(r#"{"AWS":["222222222222","333333333333"]}"#, "sts:*", ""),
            ALLOW_ALL,
        );
    }
    let root = world.root();
    for (action, resource) in [("s3:GetObject", OBJECT.to_owned()), ("sts:AssumeRole", role_arn("r07"))] {
        let whole = ask_as(&world, &root, question(action, &resource)).unwrap();
        assert_eq!(whole.page.marker, None);
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let page = PageRequest { size: 7, token };
            let piece = ask_as(&world, &root, WhoCan { page, ..question(action, &resource) }).unwrap();
            assert!(piece.page.items.len() <= 7);
            seen.extend(piece.page.items);
            match piece.page.marker {
                Some(next) => token = next,
                None => break,
            }
        }
        assert_eq!(seen, whole.page.items);
    }
    let page = PageRequest { size: 0, token: "bmFtZWQ".into() };
    assert!(ask_as(&world, &root, WhoCan { page, ..question("a:b", OBJECT) }).is_err());
}

#[test]
fn e7_a_piece_asks_a_thousand_principals_at_most_and_says_where_to_go_on() {
    let mut world = World::new();
    for n in 0..MOST_ASKED {
        let record =
            records::User { unique_id: format!("AIDA{n:0>17}").replace(['0', '1', '8', '9'], "A"), ..world_user(n) };
        world.put(&format!("users/{ACCOUNT}/{}", record.name), records::encode(&record));
    }
    let last = world.user("zoe", ALLOW_ALL);
    let first = ask_as(&world, &last, question("a:b", OBJECT)).unwrap();
    assert_eq!(short(&first.page.items), ["root"]);
    let page = PageRequest { size: 0, token: first.page.marker.unwrap() };
    let second = ask_as(&world, &last, WhoCan { page, ..question("a:b", OBJECT) }).unwrap();
    assert_eq!((short(&second.page.items), second.page.marker), (vec!["zoe".to_owned()], None));
}

fn world_user(n: usize) -> records::User {
    records::User { account: account().to_string(), path: "/".into(), name: format!("u{n:04}"), ..Default::default() }
}
