use brevet_validator::policy::Reason;

use super::simulate::*;
use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::simulation::Outcome;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT};

#[tokio::test]
async fn a_principals_policies_are_those_in_force() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(of_user("ada", put_policy("inline", &allow("s3:GetObject", "*")))).await;
    stage.done(create_policy("managed", &allow("s3:PutObject", "*"))).await;
    stage.done(of_user("ada", attach("managed"))).await;
    let actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"];
    let ask = |change: &dyn Fn(&mut SimulatePrincipalPolicy)| {
        let mut request = of(&user_arn("ada"), input(&[&allow("s3:ListBucket", "*")], &actions));
        change(&mut request);
        Request::SimulatePrincipalPolicy(request)
    };
    let told = outcomes(&mut stage, ask(&|_| ())).await;
    let sources: Vec<Vec<_>> =
        told.iter().map(|o| o.matched.iter().map(|m| (m.policy.as_str(), m.source.as_str())).collect()).collect();
    let expected: [Vec<(&str, &str)>; 4] = [
        vec![("user_ada_inline", "user")],
        vec![("managed", "user-managed")],
        vec![("PolicyInputList.1", "none")],
        vec![],
    ];
    assert_eq!(sources, expected);

    let allowed = |told: Vec<Outcome>| told.iter().map(|o| o.decision.reason == Reason::Allowed).collect::<Vec<_>>();
    let excluding =
        |exclusion: PolicyIdentifierInput| ask(&move |request| request.policy_exclusion_list = vec![exclusion.clone()]);
    let by_type = |word: &str| PolicyIdentifierInput { policy_type: some(word), ..Default::default() };
    let by_arn = |arn: String| PolicyIdentifierInput { policy_arn: Some(arn), ..Default::default() };
    let inline = |kind: &str, owner: &str| PolicyIdentifierInput {
        inline_policy_identifier: Some(InlinePolicyIdentifierInput {
            policy_name: some("inline"),
            attachment_type: some(kind),
            attachment_name: some(owner),
        }),
        ..Default::default()
    };
    for (exclusion, expected) in [
        (by_type("inline"), [false, true, true, false]),
        (by_type("user-managed"), [true, false, true, false]),
        (by_type("aws-managed"), [true, true, true, false]),
        (by_arn(policy_arn("man*")), [true, false, true, false]),
        (by_arn(policy_arn("manage?")), [true, false, true, false]),
        (by_arn(policy_arn("other")), [true, true, true, false]),
        (inline("user", "a*"), [false, true, true, false]),
        (inline("role", "ada"), [true, true, true, false]),
    ] {
        let shown = format!("{exclusion:?}");
        assert_eq!(allowed(outcomes(&mut stage, excluding(exclusion)).await), expected, "{shown}");
    }
    for bad in [
        by_type("managed"),
        by_arn(policy_arn("a*b*")),
        by_arn(format!("arn:aws:iam::{ACCOUNT}:user/ada-and-more")),
        by_arn("arn:aws:iam::*:policy/managed".to_owned()),
        inline("session", "ada"),
        PolicyIdentifierInput::default(),
        PolicyIdentifierInput { policy_type: some("inline"), ..by_arn(policy_arn("a")) },
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(stage.refused(excluding(bad)).await.0, Kind::InvalidInput, "{shown}");
    }

    // The boundary in force, until another is passed or it is left out.
    stage.done(create_policy("boundary", &allow("s3:Get*", "*"))).await;
    stage.done(of_user("ada", put_boundary("boundary"))).await;
    let bounded = outcomes(&mut stage, ask(&|_| ())).await;
    assert_eq!((bounded[0].decision.reason, bounded[1].decision.reason), (Reason::Allowed, Reason::Boundary));
    assert_eq!(bounded[0].matched[1].policy, "boundary");
    let passed = ask(&|r| r.simulation.permissions_boundary_policy_input_list = texts(&[ALLOW_ALL]));
    assert_eq!(allowed(outcomes(&mut stage, passed).await), [true, true, true, false]);
    let left_out = excluding(by_type("permission-boundary"));
    assert_eq!(allowed(outcomes(&mut stage, left_out).await), [true, true, true, false]);
}

#[tokio::test]
async fn a_role_is_simulated_too_and_others_are_not_found() {
    let mut stage = Stage::new().await;
    stage.done(create_role("ci", NO_ONE)).await;
    stage.done(of_role("ci", put_policy("p", &allow("s3:*", "*")))).await;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/ci");
    let told = outcomes(&mut stage, Request::SimulatePrincipalPolicy(of(&role, input(&[], &["s3:GetObject"])))).await;
    assert_eq!((told[0].decision.reason, told[0].matched[0].policy.as_str()), (Reason::Allowed, "role_ci_p"));

    let (iam, other) = (format!("arn:aws:iam::{ACCOUNT}"), format!("arn:aws:iam::{OTHER_ACCOUNT}"));
    for (arn, kind) in [
        (format!("{iam}:user/nobody"), Kind::NoSuchEntity),
        (format!("{iam}:user/path/admin"), Kind::NoSuchEntity),
        (format!("{iam}:role/admin"), Kind::NoSuchEntity),
        (format!("{iam}:group/admins"), Kind::NoSuchEntity),
        // No policy opens another account's.
        (format!("{other}:user/admin"), Kind::AccessDenied(Reason::NoMatchingAllow)),
        (format!("{iam}:policy/p"), Kind::InvalidInput),
        (format!("{iam}:user/"), Kind::InvalidInput),
        ("not an arn, but long enough".to_owned(), Kind::InvalidInput),
        ("short".to_owned(), Kind::ValidationError),
    ] {
        let simulate = Request::SimulatePrincipalPolicy(of(&arn, input(&[], &["s3:GetObject"])));
        assert_eq!(stage.refused(simulate).await.0, kind, "{arn}");
        let input = GetContextKeysForPrincipalPolicy { policy_source_arn: Some(arn.clone()), ..Default::default() };
        assert_eq!(stage.refused(Request::GetContextKeysForPrincipalPolicy(input)).await.0, kind, "{arn}");
    }
}

#[tokio::test]
async fn permission_is_asked_before_anything_is_looked_at() {
    let on_ada = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"iam:Simulate*","Resource":"{}"}},
            {{"Effect":"Allow","Action":"iam:GetContextKeys*","Resource":"*"}}]}}"#,
        user_arn("ada")
    );
    let (mut stage, (ada, keys)) =
        Stage::with(|world| (world.user("ada", &on_ada), world.user("eve", ALLOW_ALL))).await;
    let simulate = |name: &str| Request::SimulatePrincipalPolicy(of(&user_arn(name), input(&[], &["s3:GetObject"])));
    stage.call_as(&ada, simulate("ada")).await.unwrap();
    for name in ["eve", "nobody"] {
        let refused = stage.call_as(&ada, simulate(name)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::AccessDenied(Reason::NoMatchingAllow));
        let sentence = format!("perform: iam:SimulatePrincipalPolicy on resource: {} ", user_arn(name));
        assert!(refused.message().contains(&sentence), "{refused}");
    }
    // A document is not looked at either.
    let refused = stage.call_as(&ada, custom(input(&["{"], &["s3:GetObject"]))).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::AccessDenied(Reason::NoMatchingAllow));
    let input = GetContextKeysForCustomPolicy { policy_input_list: texts(&[&null("aws:username")]) };
    let request = Request::GetContextKeysForCustomPolicy(input);
    assert!(
        matches!(stage.call_as(&ada, request).await.unwrap(), Answer::ContextKeys(keys) if keys == ["aws:username"])
    );
    stage.call_as(&keys, custom(self::input(&[ALLOW_ALL], &["s3:GetObject"]))).await.unwrap();
}

#[tokio::test]
async fn keys_of_a_principal_are_those_of_all_its_policies() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_policy("boundary", &null("aws:SourceIp"))).await;
    stage.done(of_user("ada", put_policy("more", &null("aws:PrincipalTag/Team")))).await;
    stage.done(of_user("ada", put_boundary("boundary"))).await;
    let input = GetContextKeysForPrincipalPolicy {
        policy_source_arn: Some(user_arn("ada")),
        policy_input_list: texts(&[&null("AWS:sourceip"), &null("s3:prefix")]),
    };
    match stage.done(Request::GetContextKeysForPrincipalPolicy(input)).await {
        Answer::ContextKeys(keys) => assert_eq!(keys, ["aws:PrincipalTag/Team", "aws:SourceIp", "s3:prefix"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_resource_policy_names_the_user_by_arn_and_by_unique_id() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    let Answer::User(ada) = stage.done(Request::GetUser(user_name("ada"))).await else { panic!() };
    for (principal, expected) in
        [(ada.arn.to_string(), Reason::Allowed), (ada.id, Reason::Allowed), (user_arn("eve"), Reason::NoMatchingAllow)]
    {
        let mut simulation = input(&[], &["s3:GetObject"]);
        simulation.resource_policy = Some(PolicyText(format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:*","Resource":"*"}}}}"#
        )));
        let request = Request::SimulatePrincipalPolicy(of(&user_arn("ada"), simulation));
        assert_eq!(reason(&mut stage, request).await, expected, "{principal}");
    }
}
