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
    Request::PutOidcProvider(PutOidcProvider { issuer: some(ISSUER), client_ids, ..Default::default() })
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

fn only(issuer: &str) -> OidcProviderIssuer {
    OidcProviderIssuer { issuer: some(issuer) }
}

fn is_disabled(stage: &Stage) -> bool {
    let snapshot = stage.directory.snapshot();
    snapshot.provider(ACCOUNT.parse().unwrap(), "idp.example.com").unwrap().disabled
}

#[tokio::test]
async fn b25_replacing_a_provider_does_not_enable_it_unless_it_says_so() {
    let mut stage = Stage::new().await;
    let with = |disabled| {
        let Request::PutOidcProvider(put) = put("c") else { unreachable!() };
        Request::PutOidcProvider(PutOidcProvider { disabled, ..put })
    };
    for (request, disabled) in [
        (with(None), false),
        (Request::DisableOidcProvider(only(ISSUER)), true),
        (Request::DisableOidcProvider(only(ISSUER)), true),
        (with(None), true),
        (with(Some(false)), false),
        (with(Some(true)), true),
        (Request::EnableOidcProvider(only(ISSUER)), false),
        (Request::EnableOidcProvider(only(ISSUER)), false),
    ] {
        let told = format!("{request:?}");
        stage.done(request).await;
        assert_eq!(is_disabled(&stage), disabled, "{told}");
    }
    for issuer in ["https://idp.example.com/", "https://idp.example.org"] {
        let (kind, _) = stage.refused(Request::DisableOidcProvider(only(issuer))).await;
        assert_eq!(kind, Kind::NoSuchEntity);
    }
    assert_eq!(stage.refused(Request::DisableOidcProvider(only("idp.example.com"))).await.0, Kind::InvalidInput);
}

#[tokio::test]
async fn who_may_delete_a_provider_may_disable_it_and_who_may_create_one_may_enable_it() {
    let (mut stage, (creator, deleter)) =
        Stage::with(|world| (world.user("creator", &policy(&[CREATE])), world.user("deleter", &policy(&[DELETE]))))
            .await;
    stage.done(put("c")).await;
    let (disable, enable) = (Request::DisableOidcProvider(only(ISSUER)), Request::EnableOidcProvider(only(ISSUER)));
    assert_eq!((disable.name(), enable.name()), ("DisableOidcProvider", "EnableOidcProvider"));
    assert!(disable.is_change() && enable.is_change());
    for (user, request, allowed) in
        [(&creator, &disable, false), (&deleter, &disable, true), (&deleter, &enable, false), (&creator, &enable, true)]
    {
        let answer = stage.call_as(user, request.clone()).await;
        match answer {
            Ok(_) => assert!(allowed),
            Err(error) => assert_eq!((error.kind(), allowed), (Kind::AccessDenied(Reason::NoMatchingAllow), false)),
        }
    }
}
