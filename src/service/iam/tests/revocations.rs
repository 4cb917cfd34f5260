//! What is deleted takes its sessions with it, everywhere. What is only turned off does not.

use brevet_validator::token::Subject;

use super::stage::*;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, account};

const ISSUER: &str = "https://id.test";

fn provider_arn() -> OpenIDConnectProviderArn {
    let arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/id.test");
    OpenIDConnectProviderArn { open_id_connect_provider_arn: Some(arn) }
}

#[tokio::test]
async fn d14_deleting_a_user_role_or_provider_revokes_its_sessions_in_the_same_commit() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_role("deploy", NO_ONE)).await;
    let client_ids = vec!["c".to_owned()];
    let url = Some(ISSUER.to_owned());
    let create = CreateOpenIDConnectProvider { url, client_id_list: client_ids, ..Default::default() };
    stage.done(Request::CreateOpenIDConnectProvider(create)).await;

    let before = stage.directory.snapshot();
    assert!(before.revocations().is_empty());
    let subjects = [
        Subject::User(before.user(account(), "ada").unwrap().id),
        Subject::Role(before.role(account(), "deploy").unwrap().id),
        Subject::Provider(before.provider(account(), "id.test").unwrap().id.as_str().into()),
    ];
    let deletions = [
        Request::DeleteUser(user_name("ada")),
        Request::DeleteRole(role_name("deploy")),
        Request::DeleteOpenIDConnectProvider(provider_arn()),
    ];
    for (n, (subject, deletion)) in subjects.iter().zip(deletions).enumerate() {
        let revision = stage.directory.snapshot().revision;
        stage.done(deletion).await;
        let after = stage.directory.snapshot();
        assert_eq!(after.revision.0, revision.0 + 1, "one commit");
        assert_eq!(after.revocations().len(), n + 1, "{subject:?}");
        let mut without = after.revocations().clone();
        without.remove(subject);
        assert_eq!(without.len(), n, "{subject:?}");
    }
}

#[tokio::test]
async fn b25_disabling_a_provider_or_a_key_revokes_nothing() {
    let mut stage = Stage::new().await;
    let client_id_list = vec!["c".to_owned()];
    let create = CreateOpenIDConnectProvider { url: Some(ISSUER.to_owned()), client_id_list, ..Default::default() };
    stage.done(Request::CreateOpenIDConnectProvider(create)).await;
    stage.done(Request::DisableOidcProvider(OidcProviderIssuer { issuer: Some(ISSUER.to_owned()) })).await;
    stage.done(create_user("ada")).await;
    let Answer::NewAccessKey(key, _) = stage.done(create_access_key("ada")).await else {
        panic!("another answer");
    };
    let access_key_id = Some(key.id.to_string());
    let user_name = some("ada");
    let update = UpdateAccessKey {
        user_name: user_name.clone(),
        access_key_id: access_key_id.clone(),
        status: some("Inactive"),
    };
    stage.done(Request::UpdateAccessKey(update)).await;
    stage.done(Request::DeleteAccessKey(DeleteAccessKey { user_name, access_key_id })).await;
    assert!(stage.directory.snapshot().revocations().is_empty());
}
