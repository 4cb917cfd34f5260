//! Paths, queries, headers and payloads that are spelled otherwise than they were signed.

use proptest::prelude::*;

use brevet_validator::signature::{DeclaredPayload, PathStyle, Payload, Refusal, Rules};

use crate::fixtures::{get, incomplete, malformed, now, post, presigned, presigned_with, s3, sign_at, sts, unsigned};
use crate::wire::{SECRET, Wire, key, rules};

#[test]
fn a17_paths_that_mean_something_else_do_not_verify() {
    let verdict = |style, signed: &str, sent: &str| {
        let service = if style == PathStyle::S3 { "s3" } else { "sts" };
        let mut wire = get(style, service, signed, 60);
        wire.path = sent.into();
        wire.check(&rules(style, service), now())
    };
    for style in [PathStyle::General, PathStyle::S3] {
        for (signed, sent) in [
            ("/a/b", "/a%2Fb"),
            ("/a/b", "/a%252Fb"),
            ("/a%2Fb", "/a%252Fb"),
            ("/%2e%2e/b", "/b"),
            ("/a;x", "/a"),
            ("/a/", "/a"),
            ("/a%5Cb", "/a/b"),
            ("/a%00", "/a"),
        ] {
            assert_eq!(verdict(style, signed, sent), Err(Refusal::Mismatch), "{style:?} {signed} {sent}");
        }
    }
    for (signed, sent) in [("/a/../b", "/b"), ("/a//b", "/a/b"), ("/./", "/"), ("/../a", "/a")] {
        assert_eq!(verdict(PathStyle::General, signed, sent), Ok(()), "{signed} {sent}");
        assert_eq!(verdict(PathStyle::S3, signed, sent), Err(Refusal::Mismatch), "{signed} {sent}");
    }
    // RFC 3986, section 2.3: escaped or not, an unreserved character is the same; S3 decodes, others sign the escape.
    assert_eq!(verdict(PathStyle::S3, "/%61", "/a"), Ok(()));
    assert_eq!(verdict(PathStyle::General, "/%61", "/a"), Err(Refusal::Mismatch));
}

#[test]
fn a17_routing_can_use_the_path_that_was_signed() {
    for (style, sent, canonical) in [
        (PathStyle::General, "/a/../b//c/.", "/b/c/"),
        (PathStyle::General, "/a%20b", "/a%2520b"),
        (PathStyle::S3, "/a/../b//c/.", "/a/../b//c/."),
        (PathStyle::S3, "/a b%2f%7e", "/a%20b%2F~"),
        (PathStyle::S3, "", "/"),
        (PathStyle::General, "", "/"),
    ] {
        let wire = get(style, "sts", sent, 60);
        assert_eq!(wire.read(&rules(style, "sts"), now()).unwrap().canonical_path(), canonical);
    }
}

#[test]
fn a18_broken_escapes_are_malformed() {
    for bad in ["%", "%z", "%zz", "%2", "%u0041", "a%", "%%41", "%+1"] {
        for mut wire in [post(), presigned(), Wire::new("GET", "/")] {
            wire.query = format!("{}&a={bad}", wire.query);
            malformed(&wire, &sts());
            wire.query = format!("{bad}=a");
            malformed(&wire, &sts());
        }
        let mut wire = post();
        wire.path = format!("/{bad}");
        malformed(&wire, &sts());
        malformed(&wire, &Rules { path_style: PathStyle::S3, ..sts() });
    }
    malformed(&presigned_with("X-Amz-Credential", "%C0%AF"), &sts());
}

#[test]
fn a18_spellings_of_one_query_verify_and_others_do_not() {
    let verdict = |signed: &str, sent: &str| {
        let mut wire = get(PathStyle::General, "sts", &format!("/?{signed}"), 60);
        assert!(wire.query.starts_with(signed));
        wire.query = wire.query.replacen(signed, sent, 1);
        wire.check(&sts(), now())
    };
    for (signed, sent) in
        [("a=%2f", "a=%2F"), ("a=b+c", "a=b%20c"), ("a=%C3%A9", "a=é"), ("a=%61", "a=a"), ("a=/", "a=%2F")]
    {
        assert_eq!(verdict(signed, sent), Ok(()), "{signed} {sent}");
    }
    for (signed, sent) in [("a=%C0%AF", "a=%2F"), ("a=b%00", "a=b"), ("a=b%2Bc", "a=b+c"), ("a=%252F", "a=%2F")] {
        assert_eq!(verdict(signed, sent), Err(Refusal::Mismatch), "{signed} {sent}");
    }
}

#[test]
fn a19_order_and_empty_pieces_of_the_query_are_canonical() {
    let canonical = |query: &str| {
        let wire = sign_at(Wire::new("GET", &format!("/?{query}")), now());
        assert_eq!(wire.check(&sts(), now()), Ok(()), "{query}");
        let presented = wire.read(&sts(), now()).unwrap();
        presented.canonical_request(Payload::AsDeclared).lines().nth(2).unwrap().to_owned()
    };
    for (query, expected) in [
        ("a=2&a=1", "a=1&a=2"),
        ("a", "a="),
        ("a=", "a="),
        ("&&a=1&&", "a=1"),
        ("=x", "=x"),
        ("a=b=c", "a=b%3Dc"),
        ("a-=1&a=2", "a=2&a-=1"),
        ("b=1&A=1&a=1", "A=1&a=1&b=1"),
        ("é=1&a=1", "%C3%A9=1&a=1"),
    ] {
        assert_eq!(canonical(query), expected, "{query}");
    }
}

#[test]
fn a20_header_values_are_trimmed_collapsed_and_joined() {
    for (values, expected) in [
        (&["  a   b  "][..], "a b"),
        (&["a\t\tb \t c"], "a b c"),
        (&["\"a   b\""], "\"a b\""),
        (&[""], ""),
        (&["   "], ""),
        (&["b", " a ", ""], "b,a,"),
        (&["caf\u{e9}"], "caf\u{e9}"),
    ] {
        let mut wire = Wire::new("GET", "/");
        values.iter().for_each(|value| wire.append("my-header", value));
        let wire = sign_at(wire, now());
        assert_eq!(wire.check(&sts(), now()), Ok(()));
        let canonical = wire.read(&sts(), now()).unwrap().canonical_request(Payload::AsDeclared);
        assert!(canonical.contains(&format!("\nmy-header:{expected}\n")), "{canonical}");
    }
}

#[test]
fn a20_header_values_that_are_not_utf8_are_signed_as_they_are() {
    let mut wire = Wire::new("GET", "/");
    wire.headers.insert("my-header", http::HeaderValue::from_bytes(b"a\x80\xff").unwrap());
    let mut wire = sign_at(wire, now());
    assert_eq!(wire.check(&sts(), now()), Ok(()));
    wire.headers.insert("my-header", http::HeaderValue::from_bytes(b"a\x80\xfe").unwrap());
    assert_eq!(wire.check(&sts(), now()), Err(Refusal::Mismatch));
}

#[test]
fn a22_unsigned_and_wrong_payloads_are_refused() {
    let mut unsigned_payload = post();
    unsigned_payload.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    unsigned(&unsigned_payload);
    let allowed = Rules { unsigned_payload: true, ..sts() };
    assert_eq!(unsigned_payload.read(&allowed, now()).unwrap().payload(), DeclaredPayload::Unsigned);

    let mut wrong = post();
    wrong.body.push(b'x');
    assert_eq!(wrong.check(&sts(), now()), Err(Refusal::Payload));

    let mut upper = post();
    let hash = upper.headers["x-amz-content-sha256"].to_str().unwrap().to_uppercase();
    upper.set("x-amz-content-sha256", &hash);
    incomplete(&upper);
    for bad in ["", "unsigned-payload", &hash[1..]] {
        upper.set("x-amz-content-sha256", bad);
        incomplete(&upper);
    }
}

#[test]
fn a22_an_undeclared_payload_needs_the_hash_of_the_body() {
    let wire = presigned();
    let presented = wire.read(&sts(), now()).unwrap();
    let key = key(SECRET, presented.scope());
    assert_eq!(presented.payload(), DeclaredPayload::Undeclared);
    assert_eq!(presented.verify(wire.payload(), &key), Ok(()));
    assert_eq!(presented.verify(Payload::AsDeclared, &key), Err(Refusal::Payload));
    let mut with_body = wire.clone();
    with_body.body.push(b'x');
    assert_eq!(with_body.check(&sts(), now()), Err(Refusal::Mismatch));
}

#[test]
fn a22_a_presigned_s3_request_has_an_empty_body_unless_unsigned_payloads_are_accepted() {
    let mut wire = get(PathStyle::S3, "s3", "/bucket/key", 60);
    let allowed = Rules { unsigned_payload: true, ..s3() };
    assert_eq!(wire.check(&s3(), now()), Ok(()));
    assert_eq!(wire.check(&allowed, now()), Ok(()));
    wire.body.push(b'x');
    assert_eq!(wire.check(&s3(), now()), Err(Refusal::Payload));
    assert_eq!(wire.check(&allowed, now()), Ok(()));
}

#[test]
fn a23_payloads_signed_in_chunks_are_refused() {
    for form in [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-",
    ] {
        let mut wire = post();
        wire.set("x-amz-content-sha256", form);
        unsigned(&wire);
        let allowed = Rules { unsigned_payload: true, ..sts() };
        assert!(matches!(wire.check(&allowed, now()), Err(Refusal::Unsigned(_))));
    }
}

proptest! {
    #[test]
    fn a21_no_query_or_path_forges_a_line_of_the_canonical_request(text in "[ab\r\n:%]{0,12}") {
        let encoded = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        for style in [PathStyle::General, PathStyle::S3] {
            let wire = get(style, "sts", &format!("/{encoded}?{encoded}={encoded}"), 60);
            let rules = rules(style, "sts");
            let presented = wire.read(&rules, now()).unwrap();
            let canonical = presented.canonical_request(Payload::AsDeclared);
            prop_assert_eq!(canonical.lines().count(), "method path query host blank names payload".split(' ').count());
        }
    }
}
