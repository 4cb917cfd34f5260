mod table;

use brevet_validator::identity::Arn;
use brevet_validator::policy::{Effect, Kind as PolicyKind, Position, Reason};

use super::*;

const USER: &str = "arn:aws:iam::123456789012:user/ada";
const OTHER: &str = "210987654321";
const ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
const READ: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;

fn of(id: &str, text: &str, kind: PolicyKind) -> SimulatedPolicy {
    let source = if kind == PolicyKind::Identity { PolicySource::None } else { PolicySource::Resource };
    SimulatedPolicy::parse(id, source, text, kind).unwrap()
}

fn identity(text: &str) -> SimulatedPolicy {
    of("PolicyInputList.1", text, PolicyKind::Identity)
}

fn bucket_policy(principal: &str) -> SimulatedPolicy {
    let text = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}}}"#
    );
    of("ResourcePolicy", &text, PolicyKind::Resource)
}

fn ask(actions: &[&str], resources: &[&str], policies: &[&str]) -> Simulation {
    Simulation {
        caller: Subject::named(&USER.parse::<Arn>().unwrap()).unwrap(),
        identity: policies.iter().map(|text| identity(text)).collect(),
        boundary: None,
        session: None,
        organization: Vec::new(),
        resource_policy: None,
        resource_owner: None,
        rule: Rule::Resource,
        actions: actions.iter().map(|action| ActionName::parse(action).unwrap()).collect(),
        resources: resources.iter().map(|resource| ResourceName::parse(resource).unwrap()).collect(),
        context: Context::default(),
    }
}

fn read(policies: &[&str]) -> Simulation {
    ask(&["s3:GetObject"], &["arn:aws:s3:::b/k"], policies)
}

fn outcomes(simulation: &Simulation) -> Vec<Outcome> {
    let piece = simulation.piece(0, 1000, |outcome, _| outcome).unwrap();
    assert_eq!(piece.next, None);
    piece.items
}

fn outcome(simulation: &Simulation) -> Outcome {
    outcomes(simulation).remove(0)
}

fn reason(simulation: &Simulation) -> Reason {
    outcome(simulation).decision.reason
}

#[test]
fn each_action_is_asked_on_each_resource_in_the_order_given() {
    let simulation = ask(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::b/1", "*"], &[READ]);
    let told: Vec<_> = outcomes(&simulation).into_iter().map(|o| (o.action, o.resource, o.decision.effect)).collect();
    let expected = [
        ("s3:GetObject", "arn:aws:s3:::b/1", Effect::Allow),
        ("s3:GetObject", "*", Effect::Allow),
        ("s3:PutObject", "arn:aws:s3:::b/1", Effect::ImplicitDeny),
        ("s3:PutObject", "*", Effect::ImplicitDeny),
    ];
    assert_eq!(told, expected.map(|(action, resource, effect)| (action.to_owned(), resource.to_owned(), effect)));
    assert!(outcomes(&ask(&["s3:GetObject"], &[], &[])).is_empty());
}

#[test]
fn pieces_together_are_the_whole() {
    let actions: Vec<String> = (0..7).map(|n| format!("s3:Get{n}")).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let simulation = ask(&actions, &["*", "arn:aws:s3:::b"], &[READ]);
    let (mut from, mut seen) = (Some(0), Vec::new());
    while let Some(begin) = from {
        let piece = simulation.piece(begin, 3, |outcome, _| (outcome.action, outcome.resource)).unwrap();
        assert!(!piece.items.is_empty() && piece.items.len() <= 3);
        seen.extend(piece.items);
        from = piece.next;
    }
    assert_eq!(seen, simulation.piece(0, 100, |outcome, _| (outcome.action, outcome.resource)).unwrap().items);
    assert_eq!(seen.len(), simulation.pairs());
    assert!(simulation.piece(simulation.pairs(), 3, |_, _| ()).unwrap().items.is_empty());
    assert!(simulation.piece(usize::MAX, 3, |_, _| ()).unwrap().items.is_empty());
}

#[test]
fn the_statements_that_decide_are_told_with_their_places() {
    let text = "{\"Statement\": [\n {\"Sid\": \"one\", \"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"},\n \
                {\"Effect\": \"Deny\", \"Action\": \"s3:Put*\", \"Resource\": \"*\"}]}";
    let simulation = ask(&["s3:GetObject", "s3:PutObject", "a:b"], &["*"], &[READ, text]);
    let told: Vec<Vec<_>> = outcomes(&simulation)
        .into_iter()
        .map(|o| o.matched.into_iter().map(|m| (m.policy, m.sid, m.number, m.span.begin)).collect())
        .collect();
    let id = || "PolicyInputList.1".to_owned();
    let place = |line, column| Position { line, column };
    assert_eq!(told[0], [(id(), None, 1, place(1, 15)), (id(), Some("one".to_owned()), 1, place(2, 2))]);
    // A deny is all that decides.
    assert_eq!(told[1], [(id(), None, 2, place(3, 2))]);
    assert!(told[2].is_empty());
}

#[test]
fn keys_that_policies_ask_for_and_nobody_gave_are_missing() {
    let mut simulation = read(&[
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "x", "s3:prefix": "y"}}}}"#,
    ]);
    simulation.boundary = Some(identity(
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"AWS:UserName": "true"}}}}"#,
    ));
    simulation.context.set("S3:PREFIX", "y");
    let missing = ["aws:PrincipalTag/Team", "aws:username"];
    assert_eq!(simulation.missing_context(), missing);
    assert_eq!(*outcome(&simulation).missing, missing);
}

#[test]
fn c9_nothing_of_the_caller_becomes_a_condition_key() {
    for key in ["aws:username", "aws:userid", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:CurrentTime"] {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"Null": {{"{key}": "true"}}}}}}}}"#
        );
        assert_eq!(reason(&read(&[&text])), Reason::Allowed, "{key}");
    }
}

#[test]
fn boundary_and_session_policies_narrow_and_say_so() {
    let mut simulation = ask(&["s3:PutObject"], &["*"], &[ALL]);
    assert_eq!(outcome(&simulation).sides.boundary, None);
    simulation.boundary = Some(identity(READ));
    let bounded = outcome(&simulation);
    assert_eq!((bounded.decision.reason, bounded.sides.boundary), (Reason::Boundary, Some(Effect::ImplicitDeny)));
    assert_eq!(bounded.sides.identity, Effect::Allow);
    simulation.boundary = None;
    simulation.session = Some(vec![of("Session.1", READ, PolicyKind::Session)]);
    let narrowed = outcome(&simulation);
    assert_eq!((narrowed.decision.reason, narrowed.sides.session), (Reason::SessionPolicy, Some(Effect::ImplicitDeny)));
    simulation.session = Some(Vec::new());
    assert_eq!(reason(&simulation), Reason::SessionPolicy);
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let mut simulation = read(&[READ]);
    // Whose the bucket is, and what its policy says, is not known: only the caller's side is asked.
    let alone = outcome(&simulation);
    assert_eq!((alone.decision.reason, alone.cross_account), (Reason::Allowed, false));
    simulation.resource_owner = Some(OTHER.parse().unwrap());
    let refused = outcome(&simulation);
    assert_eq!((refused.decision.reason, refused.cross_account), (Reason::NoMatchingAllow, true));
    assert_eq!((refused.sides.identity, refused.sides.resource), (Effect::Allow, None));
    simulation.resource_policy = Some(bucket_policy(r#"{"AWS": "123456789012"}"#));
    let allowed = outcome(&simulation);
    assert_eq!((allowed.decision.reason, allowed.cross_account), (Reason::Allowed, true));
    assert_eq!(allowed.matched.len(), 2);
    simulation.identity.clear();
    assert_eq!(reason(&simulation), Reason::NoMatchingAllow);
    // In one account, a policy that names the user suffices.
    simulation.resource_owner = None;
    simulation.resource_policy = Some(bucket_policy(&format!(r#"{{"AWS": "{USER}"}}"#)));
    assert_eq!(reason(&simulation), Reason::Allowed);
}

#[test]
fn an_arn_that_names_an_account_says_who_owns_it() {
    let mut simulation = ask(&["sqs:SendMessage"], &["arn:aws:sqs:us-east-1:210987654321:q"], &[ALL]);
    assert!(!outcome(&simulation).cross_account);
    simulation.resource_policy = Some(bucket_policy(r#"{"AWS": "123456789012"}"#));
    assert!(outcome(&simulation).cross_account);
}

#[test]
fn service_control_policies_narrow_level_by_level() {
    let mut simulation = ask(&["s3:PutObject"], &["*"], &[ALL]);
    let deny = r#"{"Statement": {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}}"#;
    let mut with = |levels: &[&[&str]]| {
        simulation.organization =
            levels.iter().map(|level| level.iter().map(|text| identity(text)).collect()).collect();
        let outcome = outcome(&simulation);
        (outcome.decision.effect, outcome.sides.organization.unwrap(), outcome.matched.len())
    };
    assert_eq!(with(&[&[ALL], &[READ, ALL]]), (Effect::Allow, Effect::Allow, 3));
    assert_eq!(with(&[&[ALL], &[READ]]), (Effect::ImplicitDeny, Effect::ImplicitDeny, 0));
    assert_eq!(with(&[&[], &[ALL]]), (Effect::ImplicitDeny, Effect::ImplicitDeny, 0));
    assert_eq!(with(&[&[ALL, deny], &[READ]]), (Effect::ExplicitDeny, Effect::ExplicitDeny, 1));
}

#[test]
fn a_trust_policy_is_asked_by_its_own_rule() {
    let provider = "arn:aws:iam::123456789012:oidc-provider/idp.example";
    let trust = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"Federated": "{provider}"}}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {{"StringEquals": {{"idp.example:sub": "repo:a/b"}}}}}}}}"#
    );
    let mut simulation = ask(&["sts:AssumeRoleWithWebIdentity"], &["arn:aws:iam::123456789012:role/ci"], &[]);
    simulation.rule = Rule::Trust;
    assert_eq!(reason(&simulation), Reason::TrustNotSatisfied);
    simulation.resource_policy = Some(of("TrustPolicy", &trust, PolicyKind::Trust));
    simulation.caller.federated = Some(provider.to_owned());
    assert_eq!(reason(&simulation), Reason::TrustNotSatisfied);
    simulation.context.set("idp.example:sub", "repo:a/b");
    let trusted = outcome(&simulation);
    assert_eq!((trusted.decision.reason, trusted.sides.resource), (Reason::Allowed, Some(Effect::Allow)));
    assert_eq!((trusted.matched[0].source, trusted.missing.len()), (PolicySource::Resource, 0));
}

#[test]
fn the_trace_comes_along_for_whoever_keeps_it() {
    let piece = read(&[READ]).piece(0, 1, |outcome, trace| (outcome.decision, trace.decision, trace.identity.len()));
    let (told, traced, policies) = piece.unwrap().items[0];
    assert_eq!((told, policies), (traced, 1));
}

#[test]
fn names_are_read_strictly() {
    for bad in ["", "a:", ":b", "s3", "s3:*", "s3:Get?", "s3:Get Object", "a:b:c", &format!("s3:{}", "x".repeat(126))] {
        assert_eq!(ActionName::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
    }
    assert_eq!(ActionName::parse("execute-api:Invoke").unwrap().as_str(), "execute-api:Invoke");
    let long = format!("arn:aws:s3:::{}", "x".repeat(2036));
    for bad in ["", "**", "b", "arn:aws:s3", "arn:aws:s3:::", "arn::s3:::b", "arn:aws::::b", "arn:aws:s3:::a\nb", &long]
    {
        assert_eq!(ResourceName::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
    }
    let resource = ResourceName::parse("arn:aws:s3:::b/a key: é").unwrap();
    assert_eq!(resource.account(), None);
    assert_eq!(ResourceName::parse("*").unwrap(), ResourceName::any());
}

#[test]
fn context_entries_have_the_values_of_their_type() {
    let kind = |word: &str| ContextKeyType::WORDS.iter().find(|(known, _)| *known == word).unwrap().1;
    let add = |entries: &mut ContextEntries, name: &str, word: &str, values: &[&str]| {
        entries.add(name, kind(word), values.iter().map(|value| (*value).to_owned()).collect())
    };
    let mut good = ContextEntries::default();
    for (word, _) in ContextKeyType::WORDS {
        let value = match word.trim_end_matches("List") {
            "numeric" => "1",
            "boolean" => "true",
            "ip" => "10.0.0.1",
            "binary" => "YQ==",
            "date" => "2026-01-15T12:00:00Z",
            _ => "x",
        };
        add(&mut good, &format!("key:{word}"), word, &[value]).unwrap();
        if word != "string" && word != "stringList" {
            assert!(add(&mut good, "key:other", word, &["no such value"]).is_err(), "{word}");
        }
        let several = add(&mut good, &format!("many:{word}"), word, &[value, value]);
        assert_eq!(several.is_ok(), word.ends_with("List"), "{word}");
    }
    add(&mut good, "key:none", "stringList", &[]).unwrap();
    assert!(add(&mut good, "key:empty", "string", &[]).is_err());
    assert!(add(&mut good, "KEY:string", "string", &["y"]).is_err(), "twice");
    for name in ["", "k:x", "abcdefg", &format!("k:{}", "x".repeat(255))] {
        assert!(add(&mut good, name, "string", &["x"]).is_err(), "{name}");
    }
    let context = good.finish();
    assert!(context.has("key:dateList") && context.has("key:none") && !context.has("key:other"));
}

#[test]
fn e7_the_work_of_one_piece_is_bounded() {
    // As much as fits in a request: patterns made to be compared slowly with a value made for them.
    let pattern = format!("*{}b", "a".repeat(500));
    let patterns = vec![format!("\"{pattern}\""); 120].join(",");
    let text = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"StringLike": {{"k:xyz": [{patterns}]}}}}}}}}"#
    );
    let actions: Vec<String> = (0..100).map(|n| format!("s3:Get{n}")).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let mut simulation = ask(&actions, &["*"], &[&text]);
    simulation.context.set("k:xyz", "a".repeat(1000));
    let piece = simulation.piece(0, 100, |_, _| ()).unwrap();
    assert!((1..10).contains(&piece.items.len()) && piece.next.is_some(), "{}", piece.items.len());
    simulation.context.set("k:xyz", "a".repeat(60_000));
    assert_eq!(simulation.piece(0, 100, |_, _| ()).unwrap_err().kind(), Kind::LimitExceeded);
}

#[test]
fn e7_the_size_of_one_piece_is_bounded() {
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let text = format!(r#"{{"Statement":[{}]}}"#, vec![statement; 2600].join(","));
    let actions: Vec<String> = (0..100).map(|n| format!("s3:Get{n}")).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let piece = ask(&actions, &["*"], &[&text]).piece(0, 100, |outcome, _| outcome.matched.len()).unwrap();
    assert!(piece.items.iter().sum::<usize>() <= MOST_TOLD + 2600, "{:?}", piece.items);
}
