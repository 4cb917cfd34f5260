use brevet_validator::credential::Credentials;
use brevet_validator::policy::{Reason, Trace};

use super::*;
use crate::service::error::Kind;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, inline, trust};
use crate::store::records;

const READ: &str = r#"{"Statement":{"Sid":"R","Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
const OBJECT: &str = "arn:aws:s3:::bucket/key";

fn text(text: &str) -> PolicyText {
    PolicyText { name: String::new(), text: text.into() }
}

fn scenario(policies: &[&str]) -> Scenario {
    Scenario {
        policies: policies.iter().map(|policy| text(policy)).collect(),
        actions: vec!["s3:GetObject".into(), "s3:PutObject".into()],
        resources: vec![OBJECT.into()],
        ..Scenario::default()
    }
}

fn of(scenario: Scenario) -> Simulate {
    Simulate { scenario, ..Simulate::default() }
}

fn ask(world: &World, caller: &Credentials, input: Simulate) -> Result<Page<SimulatedPair>, Error> {
    simulate(&world.caller(caller).unwrap(), input)
}

fn reasons(simulated: &Page<SimulatedPair>) -> Vec<Reason> {
    simulated.items.iter().map(|pair| pair.outcome.decision.reason).collect()
}

#[test]
fn documents_that_the_caller_brings_are_simulated() {
    let mut world = World::new();
    let root = world.root();
    let simulated = ask(&world, &root, of(scenario(&[READ]))).unwrap();
    assert_eq!(reasons(&simulated), [Reason::Allowed, Reason::NoMatchingAllow]);
    let matched = &simulated.items[0].outcome.matched[0];
    assert_eq!((matched.policy.as_str(), matched.sid.as_deref()), ("policies.1", Some("R")));
    assert!(simulated.items[0].trace.is_none());

    let narrowed = Scenario { boundary: Some(text(READ)), ..scenario(&[ALLOW_ALL]) };
    assert_eq!(reasons(&ask(&world, &root, of(narrowed)).unwrap()), [Reason::Allowed, Reason::Boundary]);
    let narrowed = Scenario { session_policies: vec![text(READ)], ..scenario(&[ALLOW_ALL]) };
    assert_eq!(reasons(&ask(&world, &root, of(narrowed)).unwrap()), [Reason::Allowed, Reason::SessionPolicy]);
}

#[test]
fn a_principal_brings_its_own_policies_and_boundary() {
    let mut world = World::new();
    let root = world.root();
    let boundary = world.policy(ACCOUNT, "b", READ);
    for (name, boundary, put) in [
        ("free", String::new(), Reason::Allowed),
        ("bounded", boundary, Reason::Boundary),
        ("gone", format!("arn:aws:iam::{ACCOUNT}:policy/gone"), Reason::Boundary),
    ] {
        let user = records::User {
            permissions_boundary_arn: boundary,
            inline_policies: inline(ALLOW_ALL),
            ..world.user_record(name)
        };
        world.put_user(user);
        let principal_arn = Some(format!("arn:aws:iam::{ACCOUNT}:user/{name}"));
        let simulated = ask(&world, &root, Simulate { principal_arn, ..of(scenario(&[])) }).unwrap();
        assert_eq!(reasons(&simulated)[1], put, "{name}");
    }
    let role = world.role("ops", &trust(ACCOUNT), READ);
    let simulated = ask(&world, &root, Simulate { principal_arn: Some(role), ..of(scenario(&[])) }).unwrap();
    assert_eq!(reasons(&simulated), [Reason::Allowed, Reason::NoMatchingAllow]);
    assert_eq!(simulated.items[0].outcome.matched[0].policy, "p");
}

#[test]
fn trust_policies_are_asked_by_callers_and_web_identities() {
    let mut world = World::new();
    let root = world.root();
    let asked = |trust: &str, action: &str| Scenario {
        trust_policy: Some(text(trust)),
        actions: vec![action.into()],
        resources: vec![format!("arn:aws:iam::{ACCOUNT}:role/ci")],
        ..Scenario::default()
    };
    let by_arn = Scenario {
        caller_arn: Some(format!("arn:aws:iam::{ACCOUNT}:user/ada")),
        ..asked(&trust(&format!("arn:aws:iam::{ACCOUNT}:user/ada")), "sts:AssumeRole")
    };
    assert_eq!(reasons(&ask(&world, &root, of(by_arn)).unwrap()), [Reason::Allowed]);

    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/idp.example.com/realm");
    let document = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity",
        "Condition":{{"StringEquals":{{"idp.example.com/realm:sub":"x"}}}}}}}}"#
    );
    for (sub, reason) in [("x", Reason::Allowed), ("y", Reason::TrustNotSatisfied)] {
        let web_identity = WebIdentity { provider: provider.clone(), claims: vec![("sub".into(), vec![sub.into()])] };
        let scenario =
            Scenario { web_identity: Some(web_identity), ..asked(&document, "sts:AssumeRoleWithWebIdentity") };
        assert_eq!(reasons(&ask(&world, &root, of(scenario)).unwrap()), [reason]);
    }
}

#[test]
fn claims_have_the_keys_that_an_exchange_gives_them() {
    let mut world = World::new();
    let root = world.root();
    for (provider, name) in [
        ("idp.example.com", "idp.example.com"),
        ("https://tenant.example.com/", "tenant.example.com/"),
        ("arn:aws:iam::123456789012:oidc-provider/tenant.example.com/", "tenant.example.com/"),
    ] {
        let federated = provider.strip_prefix("https://").unwrap_or(provider);
        for (key, reason) in [
            (format!("{name}:sub"), Reason::Allowed),
            ("oidc:sub".to_owned(), Reason::Allowed),
            ("other.example.com:sub".to_owned(), Reason::TrustNotSatisfied),
        ] {
            let document = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Federated":"{federated}"}},
                "Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{key}":"x"}}}}}}}}"#
            );
            let asked = Scenario {
                trust_policy: Some(text(&document)),
                web_identity: Some(WebIdentity {
                    provider: provider.into(),
                    claims: vec![("sub".into(), vec!["x".into()])],
                }),
                actions: vec!["sts:AssumeRoleWithWebIdentity".into()],
                ..Scenario::default()
            };
            assert_eq!(reasons(&ask(&world, &root, of(asked)).unwrap()), [reason], "{provider} {key}");
        }
    }
}

#[test]
fn scenarios_that_contradict_themselves_are_refused() {
    let mut world = World::new();
    let root = world.root();
    let web = || WebIdentity { provider: "idp.example.com".into(), claims: vec![] };
    let resource = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
    for bad in [
        Scenario { actions: vec![], ..scenario(&[READ]) },
        Scenario { actions: vec!["s3:*".into()], ..scenario(&[READ]) },
        Scenario { resources: vec!["bucket".into()], ..scenario(&[READ]) },
        scenario(&["{}"]),
        Scenario { caller_arn: Some("ada".into()), ..scenario(&[READ]) },
        Scenario { web_identity: Some(web()), caller_arn: Some("x".into()), ..scenario(&[READ]) },
        Scenario { resource_policy: Some(text(resource)), ..scenario(&[READ]) },
        Scenario { resource_policy: Some(text(resource)), trust_policy: Some(text(resource)), ..scenario(&[]) },
        Scenario { resource_owner: Some("1".into()), ..scenario(&[READ]) },
        Scenario { web_identity: Some(WebIdentity { provider: "https://".into(), ..web() }), ..scenario(&[READ]) },
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(ask(&world, &root, of(bad)).unwrap_err().kind(), Kind::InvalidInput, "{shown}");
    }
}

#[test]
fn traces_can_be_read_back_and_e7_bound_a_piece() {
    let mut world = World::new();
    let root = world.root();
    let statements = vec![r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#; 500].join(",");
    let policy = format!(r#"{{"Statement":[{statements}]}}"#);
    let actions: Vec<String> = (0..50).map(|n| format!("s3:Get{n}")).collect();
    let input = |token: String| {
        let scenario = Scenario { actions: actions.clone(), ..scenario(&[&policy]) };
        Simulate { include_trace: true, page: PageRequest { size: 0, token }, ..of(scenario) }
    };
    let (mut token, mut seen, mut pieces) = (String::new(), Vec::new(), 0);
    loop {
        let piece = ask(&world, &root, input(token)).unwrap();
        let told: usize = piece.items.iter().filter_map(|pair| Some(pair.trace.as_ref()?.len())).sum();
        assert!(told < MOST_TRACES + (1 << 19), "{told}");
        for pair in piece.items {
            let trace: Trace = serde_json::from_str(&pair.trace.unwrap()).unwrap();
            assert!(trace.allowed());
            seen.push(pair.outcome.action);
        }
        pieces += 1;
        match piece.marker {
            Some(next) => token = next,
            None => break,
        }
    }
    assert_eq!(seen, actions);
    assert!(pieces > 1);
}

#[test]
fn c4_each_form_needs_its_own_permission() {
    let mut world = World::new();
    let ada = format!("arn:aws:iam::{ACCOUNT}:user/ada");
    for (action, resource, custom, principal) in [
        ("iam:SimulateCustomPolicy", "*", true, false),
        ("iam:SimulatePrincipalPolicy", "*", false, true),
        ("iam:SimulatePrincipalPolicy", ada.as_str(), false, true),
        ("iam:SimulatePrincipalPolicy", "arn:aws:iam::111111111111:user/bob", false, false),
        ("brevet:*", "*", false, false),
    ] {
        let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#);
        let user = world.user("ada", &policy);
        let is_ok = |input| match ask(&world, &user, input) {
            Ok(_) => true,
            Err(error) => {
                assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{error}");
                false
            }
        };
        assert_eq!(is_ok(of(scenario(&[READ]))), custom, "{policy}");
        assert_eq!(is_ok(Simulate { principal_arn: Some(ada.clone()), ..of(scenario(&[])) }), principal, "{policy}");
    }
}

#[test]
fn c21_principals_of_other_accounts_and_absent_ones_are_not_simulated() {
    let mut world = World::new();
    let eve = records::User { account: OTHER_ACCOUNT.into(), ..world.user_record("eve") };
    world.put_user(eve);
    let ada = world.user("ada", ALLOW_ALL);
    for (arn, kind) in [
        (format!("arn:aws:iam::{OTHER_ACCOUNT}:user/eve"), Kind::AccessDenied(Reason::NoMatchingAllow)),
        (format!("arn:aws:iam::{OTHER_ACCOUNT}:user/none"), Kind::AccessDenied(Reason::NoMatchingAllow)),
        (format!("arn:aws:iam::{ACCOUNT}:user/none"), Kind::NoSuchEntity),
        (format!("arn:aws:iam::{ACCOUNT}:group/g"), Kind::InvalidInput),
        ("ada".into(), Kind::InvalidInput),
    ] {
        let error = ask(&world, &ada, Simulate { principal_arn: Some(arn.clone()), ..of(scenario(&[])) }).unwrap_err();
        assert_eq!(error.kind(), kind, "{arn}");
    }
}
