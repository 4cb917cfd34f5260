use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, OTHER_ACCOUNT};

fn policy(answer: Answer) -> PolicyDetail {
    match answer {
        Answer::Policy(detail) => detail,
        other => panic!("{other:?}"),
    }
}

fn version(answer: Answer) -> VersionDetail {
    match answer {
        Answer::PolicyVersion(detail) => detail,
        other => panic!("{other:?}"),
    }
}

fn get(arn: &str) -> Request {
    Request::GetPolicy(PolicyArn { policy_arn: some(arn) })
}

fn delete(arn: &str) -> Request {
    Request::DeletePolicy(PolicyArn { policy_arn: some(arn) })
}

fn create_version(arn: &str, action: &str, set_as_default: &str) -> Request {
    Request::CreatePolicyVersion(CreatePolicyVersion {
        policy_arn: some(arn),
        policy_document: policy_text(&allow(action, "*")),
        set_as_default: some(set_as_default),
    })
}

fn one_version(arn: &str, id: &str) -> PolicyVersionId {
    PolicyVersionId { policy_arn: some(arn), version_id: some(id) }
}

async fn version_ids(stage: &mut Stage, arn: &str) -> Vec<String> {
    let list = ListPolicyVersions { policy_arn: some(arn), page: PageInput::default() };
    match stage.done(Request::ListPolicyVersions(list)).await {
        Answer::PolicyVersions(page) => page.items.into_iter().map(|version| version.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_policy_is_made_used_and_deleted() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    let made = policy(
        stage
            .done(Request::CreatePolicy(CreatePolicy {
                policy_name: some("Read"),
                path: some("/a/b/"),
                policy_document: policy_text(&allow("s3:Get*", "*")),
                description: some("what it is for"),
                tags: vec![tag("k", "v")],
            }))
            .await,
    );
    let arn = policy_arn("a/b/Read");
    assert_eq!((made.arn.as_str(), made.default_version.as_str()), (arn.as_str(), "v1"));
    assert!(made.id.as_str().starts_with("ANPA"));

    let shown = policy(stage.done(get(&arn)).await);
    assert_eq!((shown.id, shown.description.as_deref(), shown.tags.len()), (made.id, Some("what it is for"), 1));
    stage.done(of_user("ada", attach("a/b/Read"))).await;
    assert_eq!(policy(stage.done(get(&arn)).await).attachments, 1);
    stage.done(of_user("ada", OwnedAction::DetachPolicy { policy_arn: some(&arn) })).await;
    stage.done(delete(&arn)).await;
    assert_eq!(stage.refused(get(&arn)).await, (Kind::NoSuchEntity, format!("Policy {arn} was not found.")));
}

#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_role("r", NO_ONE)).await;
    stage.done(create_policy("p", &allow("s3:Get*", "*"))).await;
    let arn = policy_arn("p");
    let in_use = (Kind::DeleteConflict, "Cannot delete a policy attached to entities.".to_owned());

    stage.done(of_role("r", attach("p"))).await;
    stage.done(of_user("ada", put_boundary("p"))).await;
    let shown = policy(stage.done(get(&arn)).await);
    assert_eq!((shown.attachments, shown.boundaries), (1, 1));
    assert_eq!(stage.refused(delete(&arn)).await, in_use);
    stage.done(of_role("r", OwnedAction::DetachPolicy { policy_arn: some(&arn) })).await;
    assert_eq!(stage.refused(delete(&arn)).await, in_use);
    stage.done(of_user("ada", OwnedAction::DeletePermissionsBoundary {})).await;

    stage.done(create_version(&arn, "s3:*", "false")).await;
    let (kind, text) = stage.refused(delete(&arn)).await;
    assert_eq!(kind, Kind::DeleteConflict);
    assert!(text.starts_with("This policy has more than one version."), "{text}");
    stage.done(Request::DeletePolicyVersion(one_version(&arn, "v2"))).await;
    stage.done(delete(&arn)).await;
    assert_eq!(stage.refused(get(&arn)).await, (Kind::NoSuchEntity, format!("Policy {arn} was not found.")));
}

#[tokio::test]
async fn a_policy_has_five_versions_and_numbers_are_never_used_again() {
    let mut stage = Stage::new().await;
    stage.done(create_policy("p", &allow("s3:Get*", "*"))).await;
    let arn = policy_arn("p");
    for n in 2..=5 {
        let made = version(stage.done(create_version(&arn, "s3:*", "false")).await);
        assert_eq!((made.id, made.is_default), (format!("v{n}"), false));
    }
    let (kind, text) = stage.refused(create_version(&arn, "s3:*", "true")).await;
    assert_eq!(kind, Kind::LimitExceeded);
    assert!(text.starts_with("A managed policy can have up to 5 versions."), "{text}");

    stage.done(Request::DeletePolicyVersion(one_version(&arn, "v5"))).await;
    let made = version(stage.done(create_version(&arn, "ec2:*", "true")).await);
    assert_eq!((made.id.as_str(), made.is_default), ("v6", true));
    assert_eq!(version_ids(&mut stage, &arn).await, ["v6", "v4", "v3", "v2", "v1"]);

    let refusal = stage.refused(Request::DeletePolicyVersion(one_version(&arn, "v6"))).await;
    assert_eq!(refusal, (Kind::DeleteConflict, "Cannot delete the default version of a policy.".into()));
    stage.done(Request::SetDefaultPolicyVersion(one_version(&arn, "v1"))).await;
    stage.done(Request::DeletePolicyVersion(one_version(&arn, "v6"))).await;
    let shown = version(stage.done(Request::GetPolicyVersion(one_version(&arn, "v1"))).await);
    assert_eq!((shown.is_default, shown.document.as_deref()), (true, Some(allow("s3:Get*", "*").as_str())));

    for absent in [Request::GetPolicyVersion, Request::SetDefaultPolicyVersion, Request::DeletePolicyVersion] {
        assert_eq!(stage.refused(absent(one_version(&arn, "v6"))).await.0, Kind::NoSuchEntity);
        for bad in ["6", "v0", "v", "v01", "v1.a b", "V1", ""] {
            assert_eq!(stage.refused(absent(one_version(&arn, bad))).await.0, Kind::ValidationError, "{bad}");
        }
    }
}

#[tokio::test]
async fn the_version_in_force_decides() {
    let (mut stage, ada) = Stage::with(|world| world.user("ada", "")).await;
    stage.done(create_policy("p", &allow("iam:GetUser", "*"))).await;
    stage.done(of_user("ada", attach("p"))).await;
    stage.call_as(&ada, Request::GetUser(UserName::default())).await.unwrap();
    stage.done(create_version(&policy_arn("p"), "s3:*", "true")).await;
    let refusal = stage.call_as(&ada, Request::GetUser(UserName::default())).await.unwrap_err();
    assert!(matches!(refusal.kind(), Kind::AccessDenied(_)));
}

#[tokio::test]
async fn c21_policies_of_another_account_are_not_there() {
    let (mut stage, theirs) = Stage::with(|world| world.policy(OTHER_ACCOUNT, "shared-name", &allow("*", "*"))).await;
    stage.done(create_user("ada")).await;
    let attachment = || OwnedAction::AttachPolicy { policy_arn: some(&theirs) };
    let boundary = || OwnedAction::PutPermissionsBoundary { permissions_boundary: some(&theirs) };
    let with_boundary =
        CreateUser { user_name: some("eve"), permissions_boundary: some(&theirs), ..Default::default() };
    let list = ListPolicyVersions { policy_arn: some(&theirs), page: PageInput::default() };
    let entities = ListEntitiesForPolicy { policy_arn: some(&theirs), ..Default::default() };
    for request in [
        get(&theirs),
        delete(&theirs),
        create_version(&theirs, "*", "true"),
        Request::GetPolicyVersion(one_version(&theirs, "v1")),
        Request::SetDefaultPolicyVersion(one_version(&theirs, "v1")),
        Request::DeletePolicyVersion(one_version(&theirs, "v1")),
        Request::ListPolicyVersions(list),
        Request::ListEntitiesForPolicy(entities),
    ] {
        let name = request.name();
        assert!(matches!(stage.refused(request).await.0, Kind::AccessDenied(_)), "{name}");
    }
    for request in [of_user("ada", attachment()), of_user("ada", boundary()), Request::CreateUser(with_boundary)] {
        let name = request.name();
        assert_eq!(stage.refused(request).await.0, Kind::NoSuchEntity, "{name}");
    }
    let (kind, text) = stage.refused(of_user("ada", attachment())).await;
    assert_eq!((kind, text), (Kind::NoSuchEntity, format!("Policy {theirs} does not exist or is not attachable.")));
    let snapshot = stage.directory.snapshot();
    assert!(snapshot.user(ACCOUNT.parse().unwrap(), "eve").is_none());
    assert_eq!(snapshot.policy_by_arn(&theirs).unwrap().versions.len(), 1);
}

#[tokio::test]
async fn arns_that_name_no_policy_are_refused() {
    let mut stage = Stage::new().await;
    for bad in [
        "arn:aws:iam::111111111111:user/x",
        "arn:aws:s3:::policy/policy",
        "not an arn, but long enough",
        "arn:aws:iam:eu-west-1:111111111111:policy/p",
    ] {
        let refusal = stage.refused(get(bad)).await;
        assert_eq!(refusal, (Kind::InvalidInput, format!("ARN {bad} is not valid.")));
    }
    assert_eq!(stage.refused(get("arn:short")).await.0, Kind::ValidationError);
    assert_eq!(stage.refused(get("arn:aws:iam::aws:policy/AdministratorAccess")).await.0, Kind::NoSuchEntity);
}

#[tokio::test]
async fn c25_policy_names_are_unique_whatever_their_case() {
    let mut stage = Stage::new().await;
    stage.done(create_policy("Root", &allow("s3:*", "*"))).await;
    let refusal = stage.refused(create_policy("ROOT", &allow("s3:*", "*"))).await;
    let text = "A policy called ROOT already exists. Duplicate names are not allowed.";
    assert_eq!(refusal, (Kind::EntityAlreadyExists, text.into()));
    assert_eq!(stage.refused(create_policy("ROOT ", &allow("s3:*", "*"))).await.0, Kind::ValidationError);
    // An ARN is exact.
    assert_eq!(stage.refused(get(&policy_arn("root"))).await.0, Kind::NoSuchEntity);
    for path in ["/a", "a/", "/a//b/", "/a b/", "/a!/", ""] {
        let request = CreatePolicy {
            path: some(path),
            policy_name: some("x"),
            policy_document: policy_text(&allow("s3:*", "*")),
            ..Default::default()
        };
        assert_eq!(stage.refused(Request::CreatePolicy(request)).await.0, Kind::ValidationError, "{path}");
    }
}
