//! What a client signed reaches the service unchanged, on both wires; what was changed does not pass.

use brevet_validator::signature::{PathStyle, Refusal, Request, SignedHeaders, sign};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::grpc::frame;
use super::server::{NOW, Server, key};

const IDENTITY: &str = "/brevet.sts.v1.SecurityTokenService/GetCallerIdentity";
const SESSION: &str = "/brevet.sts.v1.SecurityTokenService/GetSessionToken";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn signed(server: &Server, path: &str, payload: &[u8]) -> SignedHeaders {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::try_from(server.address.to_string()).unwrap());
    let request = Request { method: "POST", path, query: "", authority: None, scheme: "http", headers: &headers };
    sign(request, Sha256::digest(payload).into(), &key(), "us-east-1", "sts", PathStyle::General, NOW).unwrap()
}

/// Calls `path` with the metadata of a call that was signed for something, perhaps something else.
async fn call(server: &Server, path: &str, headers: &SignedHeaders, message: &[u8]) {
    let metadata: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    server.call(path, &metadata, frame(message)).await;
}

fn verdict(server: &Server) -> Result<(), Refusal> {
    server.clerk.verdicts.lock().unwrap().pop().unwrap()
}

#[tokio::test]
async fn a_call_that_was_signed_as_documented_verifies() {
    let server = Server::start().await;
    call(&server, IDENTITY, &signed(&server, IDENTITY, b""), b"").await;
    assert_eq!(verdict(&server), Ok(()));
    let session = [10, 3, 8, 0x84, 7];
    call(&server, SESSION, &signed(&server, SESSION, &session), &session).await;
    assert_eq!(verdict(&server), Ok(()));
}

#[tokio::test]
async fn a30_metadata_of_one_method_is_no_good_for_another() {
    let server = Server::start().await;
    call(&server, SESSION, &signed(&server, IDENTITY, b""), b"").await;
    assert_eq!(verdict(&server), Err(Refusal::Mismatch));
}

#[tokio::test]
async fn a31_another_message_is_refused() {
    let server = Server::start().await;
    call(&server, SESSION, &signed(&server, SESSION, b""), &[10, 3, 8, 0x84, 7]).await;
    assert_eq!(verdict(&server), Err(Refusal::Payload));
}

#[tokio::test]
async fn a_form_that_was_signed_verifies_and_another_does_not() {
    let server = Server::start().await;
    let lines: String = signed(&server, "/", BODY.as_bytes())
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect();
    for (body, expected) in [(BODY.to_owned(), Ok(())), (format!("{BODY}&"), Err(Refusal::Payload))] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{lines}\r\n",
            server.address,
            body.len()
        );
        server.raw(&(head + &body)).await;
        assert_eq!(verdict(&server), expected);
    }
}
