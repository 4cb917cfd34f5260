use brevet_validator::credential::Credentials;

use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, OTHER_ACCOUNT, assume_role, trust};

fn role(answer: Answer) -> RoleDetail {
    match answer {
        Answer::Role(detail) | Answer::NewRole(detail, _) => detail,
        other => panic!("{other:?}"),
    }
}

fn update_trust(name: &str, document: &str) -> Request {
    Request::UpdateAssumeRolePolicy(UpdateAssumeRolePolicy {
        role_name: some(name),
        policy_document: policy_text(document),
        ..Default::default()
    })
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let mut stage = Stage::new().await;
    let made = role(
        stage
            .done(Request::CreateRole(CreateRole {
                path: some("/ci/"),
                role_name: some("Deploy"),
                assume_role_policy_document: policy_text(NO_ONE),
                description: some("Déploie"),
                max_session_duration: some("43200"),
                tags: vec![tag("a", "")],
                ..Default::default()
            }))
            .await,
    );
    assert_eq!(made.arn.as_str(), format!("arn:aws:iam::{ACCOUNT}:role/ci/Deploy"));
    assert!(made.id.as_str().starts_with("AROA"));
    assert_eq!(
        (&*made.trust, made.max_session_duration, made.description.as_deref()),
        (NO_ONE, 43_200, Some("Déploie"))
    );

    let refusal = stage.refused(create_role("deploy", NO_ONE)).await;
    assert_eq!(refusal, (Kind::EntityAlreadyExists, "Role with name deploy already exists.".into()));

    // A description that is not given stays; a duration that is not given is the default.
    let update = UpdateRole { role_name: some("Deploy"), ..Default::default() };
    assert!(matches!(stage.done(Request::UpdateRole(update)).await, Answer::Updated));
    let shown = role(stage.done(Request::GetRole(role_name("DEPLOY"))).await);
    assert_eq!((shown.max_session_duration, shown.description.as_deref()), (3600, Some("Déploie")));

    let update = UpdateRoleDescription { role_name: some("Deploy"), description: some("") };
    assert_eq!(role(stage.done(Request::UpdateRoleDescription(update)).await).description, None);

    let account = trust(ACCOUNT);
    stage.done(update_trust("Deploy", &account)).await;
    assert_eq!(*role(stage.done(Request::GetRole(role_name("Deploy"))).await).trust, account);

    stage.done(of_role("Deploy", put_policy("p", &allow("s3:*", "*")))).await;
    let refusal = stage.refused(Request::DeleteRole(role_name("Deploy"))).await;
    assert_eq!(refusal, (Kind::DeleteConflict, "Cannot delete entity, must delete policies first.".into()));
    stage.done(of_role("Deploy", OwnedAction::DeletePolicy { policy_name: some("p") })).await;
    stage.done(Request::DeleteRole(role_name("Deploy"))).await;
    let refusal = stage.refused(Request::GetRole(role_name("Deploy"))).await;
    assert_eq!(refusal, (Kind::NoSuchEntity, "The role with name Deploy cannot be found.".into()));
}

#[tokio::test]
async fn durations_and_descriptions_out_of_bounds_are_refused() {
    let mut stage = Stage::new().await;
    let bad = [
        ("3599", "greater than or equal to 3600"),
        ("43201", "less than or equal to 43200"),
        ("99999999999", "less than or equal to 43200"),
        ("-1", ""),
        ("1h", ""),
        ("", ""),
    ];
    for (seconds, text) in bad {
        let update = UpdateRole { role_name: some("r"), max_session_duration: some(seconds), description: None };
        let refusal = stage.refused(Request::UpdateRole(update)).await;
        assert_eq!(refusal.0, Kind::ValidationError, "{seconds}");
        assert!(refusal.1.contains("'maxSessionDuration'") && refusal.1.ends_with(text), "{}", refusal.1);
    }
    for description in ["x".repeat(1001), "a\0".into(), "a\u{2028}".into(), "a\u{85}".into()] {
        let update = UpdateRole { role_name: some("r"), description: Some(description), ..Default::default() };
        assert_eq!(stage.refused(Request::UpdateRole(update)).await.0, Kind::ValidationError);
    }
}

#[tokio::test]
async fn c27_a_trust_policy_names_users_and_roles_that_exist() {
    let (mut stage, ()) = Stage::with(|world| {
        world.user("ada", "");
        world.role("ci", NO_ONE, "");
    })
    .await;
    let iam = |account: &str, resource: &str| trust(&format!("arn:aws:iam::{account}:{resource}"));
    let sts = |resource: &str| trust(&format!("arn:aws:sts::{ACCOUNT}:{resource}"));
    let good = [
        trust(OTHER_ACCOUNT),
        iam(OTHER_ACCOUNT, "root"),
        iam(ACCOUNT, "user/ada"),
        iam(ACCOUNT, "role/ci"),
        sts("assumed-role/ci/session"),
        trust("AIDAQQQQQQQQQQQQQQQQQ"),
    ];
    for (index, document) in good.iter().enumerate() {
        stage.done(create_role(&format!("good-{index}"), document)).await;
    }
    let bad = [
        iam(ACCOUNT, "user/nobody"),
        iam(ACCOUNT, "user/ADA"),
        iam(ACCOUNT, "user/ops/ada"),
        iam(ACCOUNT, "role/ada"),
        iam(OTHER_ACCOUNT, "user/ada"),
        iam("999999999999", "user/ada"),
        sts("assumed-role/nobody/session"),
        // A role cannot name itself before it exists.
        iam(ACCOUNT, "role/bad"),
        // Nor as an escape, in a list, or as the one who is left out.
        iam(ACCOUNT, "user\\/nobody"),
        trust(&format!("{ACCOUNT}\",\"arn:aws:iam::{ACCOUNT}:user/nobody"))
            .replace(r#""AWS":"#, r#""AWS":["#)
            .replace(r#""},"#, r#""]},"#),
        iam(ACCOUNT, "user/nobody").replace(r#""Principal""#, r#""NotPrincipal""#).replace("Allow", "Deny"),
    ];
    for document in bad {
        let (kind, text) = stage.refused(create_role("bad", &document)).await;
        assert_eq!(kind, Kind::MalformedPolicyDocument, "{document}");
        assert!(text.starts_with("Invalid principal in policy: \"AWS\":\"arn:aws:"), "{document}: {text}");
        let refusal = stage.refused(update_trust("good-0", &document)).await;
        assert_eq!(refusal, (Kind::MalformedPolicyDocument, text));
    }
}

#[tokio::test]
async fn c16_a_path_that_climbs_is_only_a_name() {
    let mut stage = Stage::new().await;
    let request = CreateRole {
        path: some("/a/../b/"),
        role_name: some("r"),
        assume_role_policy_document: policy_text(NO_ONE),
        ..Default::default()
    };
    let made = role(stage.done(Request::CreateRole(request)).await);
    assert_eq!(made.arn.as_str(), format!("arn:aws:iam::{ACCOUNT}:role/a/../b/r"));
    for name in ["../b/r", "b/r", "r*", "r?", "R\u{212a}", "r%2f"] {
        assert_eq!(stage.refused(Request::GetRole(role_name(name))).await.0, Kind::ValidationError, "{name}");
    }
}

#[tokio::test]
async fn c27_a_principal_that_is_made_again_is_not_the_one_that_is_trusted() {
    let mut stage = Stage::new().await;
    let make = async |stage: &mut Stage| {
        stage.done(create_user("ada")).await;
        match stage.done(create_access_key("ada")).await {
            Answer::NewAccessKey(key, secret_access_key) => {
                Credentials { access_key_id: key.id, secret_access_key, security_token: None, expiration: None }
            }
            other => panic!("{other:?}"),
        }
    };
    let first = make(&mut stage).await;
    stage.done(create_role("r", &trust(&user_arn("ada")))).await;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let assume = async |stage: &mut Stage, credentials: &Credentials| {
        let caller = stage.caller(credentials);
        stage.world().issuer.assume_role(&caller, &assume_role(&role))
    };
    assert!(assume(&mut stage, &first).await.is_ok());

    // Renamed, it is still the same.
    let rename = |from: &str, to: &str| {
        Request::UpdateUser(UpdateUser { user_name: some(from), new_user_name: some(to), ..Default::default() })
    };
    stage.done(rename("ada", "eve")).await;
    assert!(assume(&mut stage, &first).await.is_ok());
    let second = make(&mut stage).await;
    let refused = assume(&mut stage, &second).await.unwrap_err();
    let hint = refused.denial().unwrap().trace().hints.join(" ");
    assert!(hint.contains("means another arn:aws:iam::111111111111:user/ada"), "{hint}");

    // Put again, the policy means the new one.
    stage.done(update_trust("r", &trust(&user_arn("ada")))).await;
    assert!(assume(&mut stage, &second).await.is_ok());
    assert!(assume(&mut stage, &first).await.is_err());
}

const GITHUB: &str = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";

fn github(condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Federated":"{GITHUB}"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}}}"#
    )
}

#[tokio::test]
async fn b18_b20_dangerous_trust_is_refused_unless_it_is_allowed() {
    let mut stage = Stage::new().await;
    stage.done(create_role("r", NO_ONE)).await;
    let audience = r#"{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}"#;
    let open = r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*"}}"#;
    for (document, code) in [
        (trust("*"), "PUBLIC_PRINCIPAL"),
        (github(audience), "AUDIENCE_ONLY"),
        (github(open), "OPEN_SUBJECT"),
        (
            NO_ONE.replace(r#""Deny","Principal":"*""#, r#""Allow","NotPrincipal":{"AWS":"111111111111"}"#),
            "ALLOW_NOT_PRINCIPAL",
        ),
    ] {
        for request in [create_role("new", &document), update_trust("r", &document)] {
            let (kind, message) = stage.refused(request).await;
            assert_eq!(kind, Kind::MalformedPolicyDocument, "{message}");
            assert!(message.contains(code) && message.contains("--allow-dangerous"), "{message}");
        }
        let allowed = UpdateAssumeRolePolicy {
            role_name: some("r"),
            policy_document: policy_text(&document),
            allow_dangerous: true,
        };
        let request = Request::UpdateAssumeRolePolicy(allowed);
        assert_eq!(request.audit_parameters()["allowDangerous"], true);
        let answer = stage.done(request).await;
        assert!(answer.audit_elements()["findings"].as_array().unwrap().iter().any(|f| f == code), "{answer:?}");
        assert_eq!(&*role(stage.done(Request::GetRole(RoleName { role_name: some("r") })).await).trust, document);
    }
}

#[tokio::test]
async fn what_is_only_doubtful_in_a_trust_policy_is_put_and_told() {
    let mut stage = Stage::new().await;
    stage.done(create_role("r", NO_ONE)).await;
    let named = r#"{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub":"repo:acme/shop:ref:refs/heads/main"}}"#;
    let answer = stage.done(update_trust("r", &github(named))).await;
    assert_eq!(answer.audit_elements()["findings"], serde_json::json!(["SUBJECT_WITHOUT_IDS"]));
    let answer = stage.done(update_trust("r", &trust(ACCOUNT))).await;
    assert_eq!(answer.audit_elements(), serde_json::Value::Null);
}

#[tokio::test]
async fn c3_a_role_explains_itself_to_callers_only_if_whoever_may_update_it_says_so() {
    let (mut stage, powerless) = Stage::with(|world| world.user("powerless", "")).await;
    stage.done(create_role("r", &trust(ACCOUNT))).await;
    let set = |explain_to_caller| {
        Request::UpdateRoleSettings(UpdateRoleSettings { role_name: some("r"), explain_to_caller, max_uses: None })
    };
    let explains =
        |stage: &Stage| stage.directory.snapshot().role(ACCOUNT.parse().unwrap(), "r").unwrap().explain_to_caller;
    assert!(!explains(&stage));
    for (change, after) in [(Some(true), true), (None, true), (Some(false), false)] {
        stage.done(set(change)).await;
        assert_eq!(explains(&stage), after);
    }
    let error = stage.call_as(&powerless, set(Some(true))).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{error}");
    assert!(
        error.message().contains("perform: iam:UpdateRole on resource: arn:aws:iam::111111111111:role/r"),
        "{error}"
    );
}
