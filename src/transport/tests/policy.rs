//! What the messages of `brevet.admin.v1.PolicyService` become.

use prost::Message;
use tonic::Code;

use super::grpc::{Reply, SIGNED, frame};
use super::server::Server;
use crate::service::operation::Operation;
use crate::service::simulation::ContextKeyType;
use crate::transport::grpc::proto::admin;

async fn call(server: &Server, method: &str, message: impl Message) -> Reply {
    let path = format!("/brevet.admin.v1.PolicyService/{method}");
    server.call(&path, &SIGNED, frame(&message.encode_to_vec())).await
}

/// The operation that a message is read as.
async fn read(method: &str, message: impl Message) -> Operation {
    let server = Server::start().await;
    // The clerk answers all of these with an identity.
    call(&server, method, message).await.assert_refused(Code::Internal, "INTERNAL_FAILURE");
    let (_, _, operation) = server.clerk.calls.lock().unwrap().remove(0);
    operation
}

fn document(name: &str, text: &str) -> admin::PolicyDocument {
    admin::PolicyDocument { name: name.into(), text: text.into() }
}

#[tokio::test]
async fn a_simulation_is_read_whole() {
    let claim = admin::WebIdentityClaim { name: "sub".into(), values: vec!["x".into()] };
    let web_identity = admin::WebIdentity { provider: "idp".into(), claims: vec![claim] };
    let Operation::Simulate(read) = read(
        "Simulate",
        admin::SimulateRequest {
            principal_arn: "p".into(),
            policies: vec![document("", "1"), document("two", "2")],
            boundary: Some(document("b", "3")),
            session_policies: vec![document("s", "4")],
            resource_policy: Some(document("r", "5")),
            trust_policy: Some(document("t", "6")),
            resource_owner: "o".into(),
            caller_arn: "c".into(),
            web_identity: Some(web_identity),
            actions: vec!["a".into()],
            resources: vec!["r".into()],
            context: vec![admin::ContextEntry { key: "k:x".into(), values: vec!["v".into()], r#type: 0 }],
            include_trace: true,
            page_size: 3,
            page_token: "t".into(),
        },
    )
    .await
    else {
        panic!()
    };
    let scenario = read.scenario;
    assert_eq!((read.principal_arn.as_deref(), read.include_trace), (Some("p"), true));
    assert_eq!((read.page.size, read.page.token.as_str()), (3, "t"));
    let texts = scenario.policies.iter().chain(&scenario.boundary).chain(&scenario.session_policies);
    let texts = texts.chain(&scenario.resource_policy).chain(&scenario.trust_policy);
    let told: Vec<_> = texts.map(|text| (text.name.as_str(), text.text.as_str())).collect();
    assert_eq!(told, [("", "1"), ("two", "2"), ("b", "3"), ("s", "4"), ("r", "5"), ("t", "6")]);
    assert_eq!((scenario.caller_arn.as_deref(), scenario.resource_owner.as_deref()), (Some("c"), Some("o")));
    let identity = scenario.web_identity.unwrap();
    assert_eq!((identity.provider.as_str(), identity.claims[0].0.as_str()), ("idp", "sub"));
    assert_eq!((scenario.actions.as_slice(), scenario.resources.as_slice()), (&["a".into()][..], &["r".into()][..]));
    assert_eq!((scenario.context[0].key.as_str(), scenario.context[0].of), ("k:x", ContextKeyType::text(1)));
}

#[tokio::test]
async fn what_is_left_out_is_absent() {
    let Operation::Simulate(read) = read("Simulate", admin::SimulateRequest::default()).await else { panic!() };
    assert!(read.principal_arn.is_none() && !read.include_trace);
    let scenario = read.scenario;
    assert!(scenario.boundary.is_none() && scenario.resource_policy.is_none() && scenario.trust_policy.is_none());
    assert!(scenario.caller_arn.is_none() && scenario.web_identity.is_none() && scenario.resource_owner.is_none());
}

#[tokio::test]
async fn words_that_the_protos_do_not_have_are_refused() {
    let server = Server::start().await;
    let documents = vec![admin::LintDocument { kind: 5, ..Default::default() }];
    call(&server, "Lint", admin::LintRequest { documents })
        .await
        .assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    let context = vec![admin::ContextEntry { r#type: 13, ..Default::default() }];
    for (method, message) in [
        ("WhoCan", admin::WhoCanRequest { context: context.clone(), ..Default::default() }.encode_to_vec()),
        ("Simulate", admin::SimulateRequest { context, ..Default::default() }.encode_to_vec()),
    ] {
        let path = format!("/brevet.admin.v1.PolicyService/{method}");
        let reply = server.call(&path, &SIGNED, frame(&message)).await;
        reply.assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    }
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}
