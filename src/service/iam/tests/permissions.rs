use brevet_validator::credential::Credentials;

use super::stage::*;
use crate::service::error::{Error, Kind};
use crate::service::iam::*;
use crate::service::issue::{AssumeRole, GetFederationToken, GetSessionToken};
use crate::service::test_world::{ACCOUNT, ALLOW_ALL};

fn statement(effect: &str, action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":{action},"Resource":"{resource}",
        "Condition":{condition}}}}}"#
    )
}

async fn is_denied(stage: &mut Stage, who: &Credentials, request: Request) -> bool {
    match stage.call_as(who, request).await {
        Err(error) => matches!(error.kind(), Kind::AccessDenied(_)),
        Ok(_) => false,
    }
}

/// One request for every operation, all of them about things that do not exist.
fn every_operation() -> Vec<Request> {
    let arn = || PolicyArn { policy_arn: Some(policy_arn("ghost")) };
    let version = || PolicyVersionId { version_id: some("v1"), policy_arn: Some(policy_arn("ghost")) };
    let key = || (some("ghost"), some("AKIAIOSFODNN7EXAMPLE"));
    let document = || policy_text("not a policy");
    let by_path = ListByPath::default;
    let mut all = vec![
        create_user("ghost"),
        Request::GetUser(user_name("ghost")),
        Request::ListUsers(by_path()),
        Request::UpdateUser(UpdateUser { user_name: some("ghost"), new_user_name: some("g"), new_path: None }),
        Request::DeleteUser(user_name("ghost")),
        create_access_key("ghost"),
        Request::ListAccessKeys(ListAccessKeys {
            user_name: some("ghost"),
            page: PageInput::default(),
            ..Default::default()
        }),
        Request::UpdateAccessKey(UpdateAccessKey {
            user_name: key().0,
            access_key_id: key().1,
            status: some("Active"),
        }),
        Request::DeleteAccessKey(DeleteAccessKey { user_name: key().0, access_key_id: key().1 }),
        create_role("ghost", "not a policy"),
        Request::GetRole(role_name("ghost")),
        Request::ListRoles(by_path()),
        Request::UpdateRole(UpdateRole { role_name: some("ghost"), ..Default::default() }),
        Request::UpdateRoleDescription(UpdateRoleDescription { role_name: some("ghost"), description: some("") }),
        Request::UpdateAssumeRolePolicy(UpdateAssumeRolePolicy {
            role_name: some("ghost"),
            policy_document: document(),
            ..Default::default()
        }),
        Request::DeleteRole(role_name("ghost")),
        create_policy("ghost", "not a policy"),
        Request::GetPolicy(arn()),
        Request::ListPolicies(ListPolicies::default()),
        Request::DeletePolicy(arn()),
        Request::ListEntitiesForPolicy(ListEntitiesForPolicy { policy_arn: arn().policy_arn, ..Default::default() }),
        Request::CreatePolicyVersion(CreatePolicyVersion {
            policy_arn: arn().policy_arn,
            policy_document: document(),
            set_as_default: None,
        }),
        Request::GetPolicyVersion(version()),
        Request::ListPolicyVersions(ListPolicyVersions { policy_arn: arn().policy_arn, page: PageInput::default() }),
        Request::SetDefaultPolicyVersion(version()),
        Request::DeletePolicyVersion(version()),
    ];
    for action in [KeyAction::GetLastUsed {}, KeyAction::Describe { description: None }, KeyAction::Delete {}] {
        all.push(Request::Key(KeyRequest { access_key_id: key().1, action }));
    }
    let name = || some("ghost");
    let owned = [
        OwnedAction::Tag { tags: vec![tag("k", "v")] },
        OwnedAction::Untag { tag_keys: vec!["k".into()] },
        OwnedAction::ListTags(PageInput::default()),
        OwnedAction::PutPolicy { policy_name: name(), policy_document: document() },
        OwnedAction::GetPolicy { policy_name: name() },
        OwnedAction::ListPolicies(PageInput::default()),
        OwnedAction::DeletePolicy { policy_name: name() },
        OwnedAction::AttachPolicy { policy_arn: arn().policy_arn },
        OwnedAction::DetachPolicy { policy_arn: arn().policy_arn },
        OwnedAction::ListAttachedPolicies(by_path()),
        OwnedAction::PutPermissionsBoundary { permissions_boundary: arn().policy_arn },
        OwnedAction::DeletePermissionsBoundary {},
    ];
    for action in owned {
        all.push(of_user("ghost", action.clone()));
        all.push(of_role("ghost", action));
    }
    all
}

#[tokio::test]
async fn every_operation_needs_its_own_permission_before_anything_is_told() {
    let all = every_operation();
    assert_eq!(all.len(), 53);
    let (mut stage, nobody) = Stage::with(|world| world.user("nobody", "")).await;
    for request in all {
        let name = request.name();
        let error = stage.call_as(&nobody, request.clone()).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{name}: {error}");
        let start = format!(
            "User: {} is not authorized to perform: iam:{name} on resource: arn:aws:iam::{ACCOUNT}:",
            user_arn("nobody")
        );
        assert!(error.message().starts_with(&start), "{name}: {error}");

        // All other permissions do not help; this one does.
        let all_but = statement("Deny", &format!("\"iam:{name}\""), "*", "{}");
        let (mut other, bounded) = Stage::with(|world| {
            let mut user = world.user_record("bounded");
            user.inline_policies = crate::service::test_world::inline(ALLOW_ALL);
            user.inline_policies.push(crate::store::records::InlinePolicy { name: "q".into(), document: all_but });
            (world.put_user(user), world.user("just", &allow(&format!("iam:{name}"), "*")))
        })
        .await;
        assert!(is_denied(&mut other, &bounded.0, request.clone()).await, "{name}");
        assert!(!is_denied(&mut other, &bounded.1, request).await || name == "TagUser", "{name}");
    }
}

#[tokio::test]
async fn a_denial_does_not_tell_what_exists() {
    let (mut stage, nobody) = Stage::with(|world| {
        let path = "/secret/".to_owned();
        let user = world.user_record("hidden");
        world.put_user(crate::store::records::User { path: path.clone(), ..user });
        let role = world.role_record("hidden", NO_ONE);
        world.put_role(crate::store::records::Role { path, ..role });
        world.user("nobody", "")
    })
    .await;
    for request in every_operation().into_iter().filter(|request| matches!(request, Request::Owned(_))) {
        let text = |answer: Result<Answer, Error>| answer.unwrap_err().message().replace("ghost", "hidden");
        let absent = text(stage.call_as(&nobody, request.clone()).await);
        let Request::Owned(mut owned) = request else { continue };
        owned.owner = some("hidden");
        let existing = text(stage.call_as(&nobody, Request::Owned(owned)).await);
        assert_eq!(absent, existing);
    }
}

#[tokio::test]
async fn permissions_hold_for_the_paths_and_tags_they_name() {
    let (mut stage, (by_path, by_tag)) = Stage::with(|world| {
        let blue = statement("Allow", "\"iam:*\"", "*", r#"{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#);
        (world.user("by-path", &allow("iam:*", &user_arn("ops/*"))), world.user("by-tag", &blue))
    })
    .await;
    let tags = vec![tag("team", "blue")];
    stage
        .done(Request::CreateUser(CreateUser { path: some("/ops/"), user_name: some("in"), ..Default::default() }))
        .await;
    stage.done(Request::CreateUser(CreateUser { tags, user_name: some("blue"), ..Default::default() })).await;
    stage.done(create_user("out")).await;
    for (who, request, denied) in [
        (&by_path, Request::GetUser(user_name("in")), false),
        (&by_path, Request::GetUser(user_name("out")), true),
        (&by_path, create_user("new"), true),
        (&by_tag, Request::GetUser(user_name("blue")), false),
        (&by_tag, Request::GetUser(user_name("in")), true),
        (&by_tag, of_user("blue", OwnedAction::Tag { tags: vec![tag("team", "red")] }), false),
        (&by_tag, Request::GetUser(user_name("blue")), true),
    ] {
        let name = request.name();
        assert_eq!(is_denied(&mut stage, who, request).await, denied, "{name}");
    }
    // A new name or path needs permission on where it leads.
    let update = |path, name: &str| {
        Request::UpdateUser(UpdateUser { user_name: some("in"), new_path: path, new_user_name: some(name) })
    };
    assert!(is_denied(&mut stage, &by_path, update(some("/"), "in")).await);
    assert!(!is_denied(&mut stage, &by_path, update(None, "renamed")).await);
}

#[tokio::test]
async fn lists_need_permission_on_the_path_they_show() {
    let (mut stage, who) = Stage::with(|world| world.user("w", &allow("iam:ListUsers", &user_arn("ops/*")))).await;
    let list = |prefix: Option<&str>| {
        Request::ListUsers(ListByPath { path_prefix: prefix.map(str::to_owned), page: PageInput::default() })
    };
    assert!(is_denied(&mut stage, &who, list(None)).await);
    assert!(is_denied(&mut stage, &who, list(Some("/op"))).await);
    assert!(!is_denied(&mut stage, &who, list(Some("/ops/"))).await);
}

#[tokio::test]
async fn condition_keys_tell_what_a_request_brings() {
    let boundary = policy_arn("bound");
    let (mut stage, (tagger, attacher, bounder)) = Stage::with(|world| {
        let tags =
            r#"{"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#;
        let policy = format!(r#"{{"ArnEquals":{{"iam:PolicyARN":"{}"}}}}"#, policy_arn("safe"));
        let bound = format!(r#"{{"StringEquals":{{"iam:PermissionsBoundary":"{boundary}"}}}}"#);
        let bound_actions =
            r#"["iam:CreateUser","iam:PutUserPolicy","iam:PutUserPermissionsBoundary","iam:AttachUserPolicy"]"#;
        (
            world.user("tagger", &statement("Allow", r#"["iam:CreateUser","iam:TagUser"]"#, "*", tags)),
            world.user("attacher", &statement("Allow", "\"iam:*\"", "*", &policy)),
            world.user("bounder", &statement("Allow", bound_actions, "*", &bound)),
        )
    })
    .await;
    for name in ["safe", "bound", "strong"] {
        stage.done(create_policy(name, &allow("s3:*", "*"))).await;
    }
    stage.done(create_user("x")).await;

    let create = |name: &str, tags: Vec<TagInput>, bound: Option<&str>| {
        let permissions_boundary = bound.map(policy_arn);
        Request::CreateUser(CreateUser { user_name: some(name), tags, permissions_boundary, path: None })
    };
    for (who, request, denied) in [
        (&tagger, create("t1", vec![tag("team", "blue")], None), false),
        (&tagger, create("t2", vec![tag("team", "red")], None), true),
        (&tagger, create("t3", vec![tag("team", "blue"), tag("x", "")], None), true),
        (&tagger, create("t4", vec![], None), true),
        (&attacher, of_user("x", attach("safe")), false),
        (&attacher, of_user("x", attach("strong")), true),
        (&attacher, of_user("x", OwnedAction::DetachPolicy { policy_arn: Some(policy_arn("safe")) }), false),
        (&bounder, create("b1", vec![], Some("bound")), false),
        (&bounder, create("b2", vec![], Some("strong")), true),
        (&bounder, create("b3", vec![], None), true),
        (&bounder, of_user("b1", put_policy("p", &allow("*", "*"))), false),
        (&bounder, of_user("b1", attach("strong")), false),
        (&bounder, of_user("x", put_policy("p", &allow("*", "*"))), true),
        (&bounder, of_user("b1", put_boundary("strong")), true),
        (&bounder, of_user("x", put_boundary("bound")), false),
    ] {
        let name = format!("{request:?}");
        assert_eq!(is_denied(&mut stage, who, request).await, denied, "{name}");
    }
}

#[tokio::test]
async fn making_something_with_tags_needs_permission_to_tag() {
    let (mut stage, who) = Stage::with(|world| world.user("w", &allow("iam:Create*", "*"))).await;
    let user = CreateUser { user_name: some("u"), tags: vec![tag("k", "v")], ..Default::default() };
    assert!(is_denied(&mut stage, &who, Request::CreateUser(user)).await);
    assert!(!is_denied(&mut stage, &who, create_user("u")).await);
}

#[tokio::test]
async fn c3_changing_oneself_needs_permission_and_the_boundary_holds() {
    let (mut stage, (plain, bounded)) = Stage::with(|world| {
        world.policy(ACCOUNT, "bound", &allow("iam:GetUser", "*"));
        let user = world.user_record("bounded");
        let bounded = world.put_user(crate::store::records::User {
            inline_policies: crate::service::test_world::inline(ALLOW_ALL),
            permissions_boundary_arn: policy_arn("bound"),
            ..user
        });
        (world.user("plain", &allow("s3:*", "*")), bounded)
    })
    .await;
    for (who, name) in [(&plain, "plain"), (&bounded, "bounded")] {
        for request in [
            of_user(name, put_policy("more", ALLOW_ALL)),
            of_user(name, attach("bound")),
            of_user(name, OwnedAction::DeletePermissionsBoundary {}),
            of_user(name, put_boundary("bound")),
            of_user(name, OwnedAction::Tag { tags: vec![tag("team", "blue")] }),
            Request::UpdateUser(UpdateUser { user_name: some(name), new_path: some("/ops/"), new_user_name: None }),
            Request::CreateAccessKey(CreateAccessKey::default()),
        ] {
            let operation = request.name();
            assert!(is_denied(&mut stage, who, request).await, "{name}: {operation}");
        }
    }
    stage.call_as(&bounded, Request::GetUser(UserName::default())).await.unwrap();
}

#[tokio::test]
async fn c1_a_narrowed_session_makes_no_key_that_outlives_it() {
    let (mut stage, (ada, role)) = Stage::with(|world| {
        let role = world.role("admins", &crate::service::test_world::trust("*"), ALLOW_ALL);
        (world.user("ada", ALLOW_ALL), role)
    })
    .await;
    let caller = stage.caller(&ada);
    let issuer = &stage.world().issuer;
    let narrow = some(&allow("s3:*", "*"));
    let assume = |policy| AssumeRole { policy, ..crate::service::test_world::assume_role(&role) };
    let federate = |policy| GetFederationToken { name: some("bob"), policy, ..Default::default() };
    let narrowed = [
        issuer.assume_role(&caller, &assume(narrow.clone())),
        issuer.federation_token(&caller, &federate(narrow)),
        issuer.federation_token(&caller, &federate(some(ALLOW_ALL))),
        // Without a second factor, no session of one's own reaches IAM either.
        issuer.session_token(&caller, &GetSessionToken::default()),
    ];
    let whole = issuer.assume_role(&caller, &assume(None)).unwrap().credentials;
    for issued in narrowed.map(|issued| issued.unwrap().credentials) {
        for request in [
            create_access_key("ada"),
            create_user("eve"),
            of_user("ada", put_policy("more", ALLOW_ALL)),
            Request::GetUser(user_name("ada")),
        ] {
            let name = request.name();
            assert!(is_denied(&mut stage, &issued, request).await, "{name}");
        }
    }
    // A role that may, may; but a session is no user, and must say whom it means.
    stage.call_as(&whole, create_access_key("ada")).await.unwrap();
    for request in [
        Request::CreateAccessKey(CreateAccessKey::default()),
        Request::ListAccessKeys(ListAccessKeys::default()),
        Request::GetUser(UserName::default()),
    ] {
        let error = stage.call_as(&whole, request).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError);
        assert_eq!(error.message(), "Must specify userName when calling with non-User credentials");
    }
}
