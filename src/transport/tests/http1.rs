//! The AWS Query wire, as bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::Server;
use crate::service::error::Kind;
use crate::transport::front::Settings;
use crate::transport::peer::Authorities;

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn form(body: &str) -> String {
    post("/", "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nAuthorization: x\r\n", body)
}

#[track_caller]
fn assert_error(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(&format!("<Code>{code}</Code>")), "{answer}");
    assert!(answer.contains("<ErrorResponse xmlns=\"https://"), "{answer}");
    assert_common(answer);
}

#[track_caller]
fn assert_common(answer: &str) {
    let request_id = answer.split("<RequestId>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(request_id.len(), 36);
    for header in [
        &format!("x-amzn-requestid: {request_id}"),
        "content-type: text/xml",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "date: ",
    ] {
        assert!(answer.contains(header), "{header}\n{answer}");
    }
    assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
}

#[tokio::test]
async fn a_form_is_answered_in_xml() {
    let server = Server::start().await;
    let answer = server.raw(&form(IDENTITY)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("<GetCallerIdentityResult><Arn>arn:aws:iam::000000000001:user/alice</Arn>"), "{answer}");
    assert_common(&answer);
    let (path, body, _) = server.clerk.calls.lock().unwrap()[0].clone();
    assert_eq!((path.as_str(), body.as_slice()), ("/", IDENTITY.as_bytes()));
    let counted = r#"brevet_requests_total{api="query",operation="GetCallerIdentity",outcome="success",reason=""} 1"#;
    assert!(server.metrics.text().contains(counted), "{}", server.metrics.text());
}

#[tokio::test]
async fn parameters_may_stand_in_the_query_of_either_method() {
    let server = Server::start().await;
    for head in [format!("GET /?{IDENTITY}&X-Amz-Signature=1"), format!("POST /?{IDENTITY}")] {
        let request = format!("{head} HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\nConnection: close\r\n\r\n");
        assert!(server.raw(&request).await.starts_with("HTTP/1.1 200 "), "{head}");
    }
}

#[tokio::test]
async fn g12_credentials_are_never_kept_by_a_cache() {
    let server = Server::start().await;
    let answer = server.raw(&form("Action=AssumeRole&Version=2011-06-15&RoleArn=r")).await;
    assert!(answer.contains("<SecretAccessKey>secret</SecretAccessKey>"), "{answer}");
    assert_common(&answer);
}

#[tokio::test]
async fn an_unsigned_request_is_refused_in_xml() {
    let server = Server::start().await;
    let answer = server.raw(&post("/", "Content-Type: application/x-www-form-urlencoded\r\n", IDENTITY)).await;
    assert_error(&answer, 403, "MissingAuthenticationToken");
}

#[tokio::test]
async fn what_is_no_request_of_the_api_is_refused_in_its_xml_and_recorded() {
    let server = Server::start().await;
    let refusals = [
        (post("/other", "", ""), 404, Kind::NotFound, "NotFound"),
        (post("/latest/meta-data", "", ""), 404, Kind::NotFound, "NotFound"),
        (
            post("/", "Content-Type: application/json\r\n", "{}"),
            415,
            Kind::UnsupportedMediaType,
            "UnsupportedMediaType",
        ),
        (post("/", "", IDENTITY), 415, Kind::UnsupportedMediaType, "UnsupportedMediaType"),
        (form(""), 400, Kind::MissingAction, "MissingAction"),
        (form("Version=2011-06-15"), 400, Kind::MissingAction, "MissingAction"),
        (form("Action=GetCallerIdentity"), 400, Kind::InvalidAction, "InvalidAction"),
        (form("Action=GetCallerIdentity&Version=2010-05-08"), 400, Kind::InvalidAction, "InvalidAction"),
        (form("Action=AssumeRoot&Version=2011-06-15"), 400, Kind::InvalidAction, "InvalidAction"),
        (form("Action=%zz"), 400, Kind::MalformedQueryString, "MalformedQueryString"),
        (form(&format!("{IDENTITY}&Surprise=1")), 400, Kind::ValidationError, "ValidationError"),
    ];
    for (request, status, kind, code) in refusals {
        assert_error(&server.raw(&request).await, status, code);
        assert_eq!(server.clerk.refused().last().unwrap().1, kind, "{request}");
    }
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn methods_other_than_get_and_post_are_not_allowed() {
    let server = Server::start().await;
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let answer = server.raw(&format!("{method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).await;
        assert_error(&answer, 405, "MethodNotAllowed");
        assert!(answer.contains("allow: GET, POST"), "{answer}");
    }
}

#[tokio::test]
async fn a4_an_action_in_query_and_body_is_refused() {
    let server = Server::start().await;
    let headers = "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: x\r\n";
    let answer = server.raw(&post("/?Action=AssumeRole", headers, IDENTITY)).await;
    assert_error(&answer, 400, "MalformedQueryString");
}

#[tokio::test]
async fn a32_a_get_with_a_body_is_refused() {
    let server = Server::start().await;
    let request = format!("GET /?{IDENTITY} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    assert_error(&server.raw(&request).await, 400, "MalformedQueryString");
}

#[tokio::test]
async fn e5_bodies_beyond_the_limit_are_refused_whether_announced_or_not() {
    let server = Server::start().await;
    let announced = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n";
    assert_error(&server.raw(announced).await, 413, "RequestEntityTooLarge");
    let chunk = format!("{:x}\r\n{}\r\n", 64 << 10, "a".repeat(64 << 10));
    let endless = format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(3));
    assert_error(&server.raw(&endless).await, 413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn e13_heads_beyond_the_limit_are_refused() {
    let server = Server::start().await;
    let answer = server.raw(&post("/", &format!("X-Long: {}\r\n", "a".repeat(17 << 10)), "")).await;
    assert_error(&answer, 413, "RequestEntityTooLarge");
    let answer = server.raw(&post(&format!("/?a={}", "a".repeat(17 << 10)), "", "")).await;
    assert_error(&answer, 413, "RequestEntityTooLarge");
    let answer = server.raw(&post("/", &"X-Many: 1\r\n".repeat(1000), "")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn e19_compressed_bodies_are_refused() {
    let server = Server::start().await;
    for encoding in ["gzip", "br", "identity, gzip"] {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: {encoding}\r\n");
        assert_error(&server.raw(&post("/", &headers, IDENTITY)).await, 415, "UnsupportedMediaType");
    }
}

#[tokio::test]
async fn a33_a_request_with_two_lengths_is_refused_and_the_connection_closed() {
    let server = Server::start().await;
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked, identity\r\nContent-Length: 5",
    ] {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
        let answer = server.raw(&format!("POST / HTTP/1.1\r\nHost: h\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a33_a_chunked_request_is_the_last_of_its_connection() {
    let server = Server::start().await;
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{IDENTITY}\r\n0\r\n\r\n",
        IDENTITY.len()
    );
    let answer = server.raw(&format!("{chunked}{chunked}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn g5_a_panic_is_answered_and_the_server_goes_on() {
    let server = Server::start().await;
    let answer = server.raw(&form("Action=AssumeRole&Version=2011-06-15&RoleArn=panic")).await;
    assert_error(&answer, 500, "InternalFailure");
    assert!(answer.contains("<Type>Receiver</Type>") && !answer.contains("canary"), "{answer}");
    assert!(server.raw(&form(IDENTITY)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn g6_labels_hold_nothing_that_a_caller_wrote() {
    let server = Server::start().await;
    server.raw(&form("Action=Canary&Version=2011-06-15")).await;
    let text = server.metrics.text();
    assert!(text.contains(r#"operation="unknown",outcome="denied",reason="INVALID_ACTION""#), "{text}");
    assert!(!text.contains("Canary"), "{text}");
}

#[tokio::test]
async fn g10_what_a_caller_wrote_comes_back_as_text() {
    let server = Server::start().await;
    let answer = server.raw(&form("Action=%3Cscript%3E&Version=2011-06-15")).await;
    assert_error(&answer, 400, "InvalidAction");
    assert!(answer.contains("operation &lt;script&gt; for version 2011-06-15"), "{answer}");
}

#[tokio::test]
async fn a8_a_foreign_host_is_refused() {
    let authorities = Some(Authorities::new(["localhost:8731"]));
    let server = Server::with(Settings { authorities, ..Settings::default() }, None).await;
    assert_error(&server.raw(&form(IDENTITY)).await, 403, "SignatureDoesNotMatch");
    let answer = server.raw(&form(IDENTITY).replace("Host: h", "Host: LOCALHOST:8731")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn forwarded_addresses_count_from_listed_proxies_alone() {
    let request = form(IDENTITY).replace("Host: h", "Host: h\r\nX-Forwarded-For: 198.51.100.1");
    for (proxies, expected) in [(vec![], "127.0.0.1"), (vec!["127.0.0.0/8".parse().unwrap()], "198.51.100.1")] {
        let server = Server::with(Settings { trusted_proxies: proxies, ..Settings::default() }, None).await;
        server.raw(&request).await;
        let envelope = server.clerk.envelope.lock().unwrap().clone().unwrap();
        assert_eq!((envelope.source_ip.to_string().as_str(), envelope.wire, envelope.tls), (expected, "query", false));
    }
}

#[tokio::test]
async fn a_stopping_server_lets_requests_end() {
    let mut server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(form("Action=AssumeRole&Version=2011-06-15&RoleArn=short").as_bytes()).await.unwrap();
    while server.clerk.calls.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(server.stop.take());
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), &mut server.task).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn e4_connections_that_say_nothing_or_drip_are_closed() {
    let server = Server::start().await;
    for begin in ["", "P", "POST / HTTP/1.1\r\nHost: h\r\nX-Slow: "] {
        assert_eq!(server.raw_within(begin, Duration::from_secs(60)).await, "", "{begin}");
    }
    let answer =
        server.raw_within("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc", Duration::from_secs(60)).await;
    assert_error(&answer, 408, "RequestTimeout");
}
