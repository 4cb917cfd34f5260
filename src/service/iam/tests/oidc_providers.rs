use brevet_validator::policy::Reason;

use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::ACCOUNT;

const ISSUER: &str = "https://idp.example.com";
const CREATE: &str = r#"{"Effect":"Allow","Action":"iam:CreateOpenIDConnectProvider","Resource":"*"}"#;
const DELETE: &str = r#"{"Effect":"Allow","Action":"iam:DeleteOpenIDConnectProvider","Resource":"*"}"#;
const NOT_LOCKED: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*",
    "Condition":{"StringEquals":{"aws:ResourceTag/locked":"yes"}}}"#;

fn policy(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn put(client_id: &str) -> Request {
    let client_ids = vec![client_id.to_owned()];
    Request::PutOidcProvider(PutOidcProvider { issuer: some(ISSUER), client_ids, reach: ReachInput::default() })
}

fn client_ids(stage: &Stage) -> Vec<String> {
    let snapshot = stage.directory.snapshot();
    let account = ACCOUNT.parse().unwrap();
    snapshot.provider(account, "idp.example.com").unwrap().client_ids.clone()
}

#[tokio::test]
async fn who_may_only_create_providers_does_not_decide_whose_keys_an_existing_one_trusts() {
    let (mut stage, (maker, owner, kept_out)) = Stage::with(|world| {
        let maker = world.user("maker", &policy(&[CREATE]));
        let owner = world.user("owner", &policy(&[CREATE, DELETE]));
        (maker, owner, world.user("kept-out", &policy(&[CREATE, DELETE, NOT_LOCKED])))
    })
    .await;
    let denied = |answer: Result<Answer, _>, reason| {
        let error: crate::service::error::Error = answer.unwrap_err();
        assert_eq!(error.kind(), Kind::AccessDenied(reason), "{error}");
    };

    stage.call_as(&maker, put("first")).await.unwrap();
    denied(stage.call_as(&maker, put("second")).await, Reason::NoMatchingAllow);
    assert_eq!(client_ids(&stage), ["first"]);
    stage.call_as(&owner, put("third")).await.unwrap();
    assert_eq!(client_ids(&stage), ["third"]);

    stage.call_as(&kept_out, put("fourth")).await.unwrap();
    let arn = some(&format!("arn:aws:iam::{ACCOUNT}:oidc-provider/idp.example.com"));
    let tags = vec![tag("locked", "yes")];
    let locked = TagOpenIDConnectProvider { open_id_connect_provider_arn: arn, tags };
    stage.done(Request::TagOpenIDConnectProvider(locked)).await;
    denied(stage.call_as(&kept_out, put("fifth")).await, Reason::ExplicitDeny);
    assert_eq!(client_ids(&stage), ["fourth"]);
}
