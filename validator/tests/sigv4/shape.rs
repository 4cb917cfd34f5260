//! Credentials of the wrong shape, place, host or scope. Tests are named after the rows of the abuse catalogue.

use brevet_validator::signature::{Form, PathStyle, Refusal, Rules, presign, sign};

use crate::fixtures::{authorized, incomplete, now, post, presigned, presigned_with, sign_at, sts, unsigned};
use crate::wire::{SECRET, Wire, credentials, key, rules};

#[test]
fn the_requests_these_tests_start_from_are_good() {
    for wire in [post(), presigned()] {
        assert_eq!(wire.check(&sts(), now()), Ok(()));
        assert_eq!(wire.read(&sts(), now()).unwrap().security_token(), Some("token"));
    }
    assert_eq!(post().read(&sts(), now()).unwrap().form(), Form::Header);
    assert_eq!(presigned().read(&sts(), now()).unwrap().form(), Form::Presigned);
}

#[test]
fn a01_signatures_of_another_value_case_or_length_are_refused() {
    let wire = post();
    let authorization = wire.headers["authorization"].to_str().unwrap();
    let (head, signature) = authorization.rsplit_once('=').unwrap();
    let verdict = |signature: &str| authorized(&format!("{head}={signature}")).check(&sts(), now());
    let flipped = if signature.starts_with('0') { "1" } else { "0" };
    for bad in [format!("{flipped}{}", &signature[1..]), "0".repeat(64), "x".repeat(64)] {
        assert_eq!(verdict(&bad), Err(Refusal::Mismatch), "{bad}");
    }
    assert!(signature.bytes().any(|byte| byte.is_ascii_lowercase()));
    assert_eq!(verdict(&signature.to_uppercase()), Err(Refusal::Mismatch));
    for bad in ["", &signature[..63], &format!("{signature}0"), &signature.repeat(2)] {
        assert!(matches!(verdict(bad), Err(Refusal::Incomplete(_))), "{bad}");
    }
}

#[test]
fn a02_credentials_in_two_places_are_refused() {
    let mut both = presigned();
    both.headers.extend(post().headers.drain().filter_map(|(name, value)| Some((name?, value))));
    incomplete(&both);
    for parameter in ["Algorithm", "Credential", "Date", "Expires", "Security-Token", "Signature", "SignedHeaders"] {
        let mut wire = Wire::new("POST", &format!("/?X-Amz-{parameter}=x"));
        wire = sign_at(wire, now());
        incomplete(&wire);
    }
}

#[test]
fn a03_repeated_headers_of_authentication_are_refused() {
    for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host"] {
        let mut wire = post();
        let same = wire.headers[name].to_str().unwrap().to_owned();
        wire.append(name, &same);
        incomplete(&wire);
    }
}

#[test]
fn a05_query_parameters_in_another_case_are_refused() {
    for extra in ["x-amz-expires=60", "X-AMZ-SIGNATURE=x", "X-Amz-security-token=x", "x%2Damz%2Ddate=x"] {
        let mut wire = presigned();
        wire.query = format!("{extra}&{}", wire.query);
        incomplete(&wire);
    }
    let mut only_another_case = presigned();
    only_another_case.query = only_another_case.query.replace("X-Amz-Expires", "x-amz-expires");
    incomplete(&only_another_case);
}

#[test]
fn a06_unsigned_amz_headers_are_refused_and_others_ignored() {
    for name in ["x-amz-tagging", "x-amz-meta-a", "x-amz-target"] {
        for mut wire in [post(), presigned()] {
            wire.append(name, "x");
            unsigned(&wire);
        }
    }
    let mut wire = post();
    wire.append("x-forwarded-host", "elsewhere");
    wire.append("x-amzn-trace-id", "Root=1");
    assert_eq!(wire.check(&sts(), now()), Ok(()));
}

#[test]
fn a07_signed_headers_must_be_in_order_once_present_and_name_the_host() {
    let list = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let with_list = |bad: &str| {
        let mut wire = post();
        wire.edit_authorization(list, &format!("SignedHeaders={bad}"));
        wire
    };
    for bad in ["", ";host", "host;", "host;host;x-amz-date", "x-amz-date;host", "host;x-amz-date;x-amz-content-sha256"]
    {
        incomplete(&with_list(bad));
    }
    for bad in [
        "x-amz-content-sha256;x-amz-date;x-amz-security-token",
        "absent;host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
        "host;x-amz-content-sha256;x-amz-date",
        "Host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
        "X-Amz-Content-Sha256;host;x-amz-date;x-amz-security-token",
        " host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
    ] {
        unsigned(&with_list(bad));
    }
    // In a query anything can be written, also what would forge a line.
    unsigned(&presigned_with("X-Amz-SignedHeaders", "host%3Bx-amz-a%3Ab%0A"));
}

#[test]
fn a08_other_hosts_are_refused() {
    for host in ["prod.example.com", "example.amazonaws.com:8443", "example.amazonaws.com:80"] {
        let mut wire = post();
        wire.set("host", host);
        assert_eq!(wire.check(&sts(), now()), Err(Refusal::Mismatch), "{host}");
    }
    for host in ["", "a, b", "a/b", "user@a", "a?b", "a b"] {
        let mut wire = post();
        wire.set("host", host);
        incomplete(&wire);
    }
    let mut authority_differs = post();
    authority_differs.authority = Some("staging.example.com".into());
    incomplete(&authority_differs);
    let mut nowhere = post();
    nowhere.headers.remove("host");
    incomplete(&nowhere);
}

#[test]
fn a08_spellings_of_one_host_verify() {
    for (host, authority) in [
        (Some("EXAMPLE.amazonaws.com"), None),
        (Some("example.amazonaws.com:443"), None),
        (Some("example.amazonaws.com"), Some("Example.amazonaws.com:443")),
        (Some("example.amazonaws.com:443"), Some("example.amazonaws.com")),
        (None, Some("example.amazonaws.com")),
        (None, Some("example.amazonaws.com:443")),
    ] {
        let mut wire = post();
        wire.headers.remove("host");
        if let Some(host) = host {
            wire.set("host", host);
        }
        wire.authority = authority.map(str::to_owned);
        assert_eq!(wire.check(&sts(), now()), Ok(()), "{host:?} {authority:?}");
    }
    let mut with_port = Wire::new("POST", "/");
    with_port.set("host", "example.amazonaws.com:443");
    assert_eq!(sign_at(with_port, now()).check(&sts(), now()), Ok(()));
}

#[test]
fn a09_a_scope_that_is_not_ours_names_the_part() {
    let verdict = |scope: &str, rules: &Rules| {
        let mut wire = post();
        wire.edit_authorization("20260701/us-east-1/sts/aws4_request", scope);
        wire.check(rules, now())
    };
    let in_region = Rules { regions: Some(vec!["us-east-1".into()]), ..sts() };
    for (scope, text) in [
        ("20260701/us-east-1/s3/aws4_request", "Credential should be scoped to correct service: 'sts'."),
        ("20260701/us-west-2/sts/aws4_request", "Credential should be scoped to a valid region, not 'us-west-2'."),
        (
            "20260701/us-east-1/sts/aws5_request",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
        ),
        (
            "20260630/us-east-1/sts/aws4_request",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20260630' != '20260701', from '20260701T120000Z'.",
        ),
        (
            "20260701/us-west-2/s3/aws4_request",
            "Credential should be scoped to a valid region, not 'us-west-2'. \
             Credential should be scoped to correct service: 'sts'.",
        ),
    ] {
        assert_eq!(verdict(scope, &in_region), Err(Refusal::Scope(text.into())));
    }
    assert_eq!(verdict("20260701/us-west-2/sts/aws4_request", &sts()), Err(Refusal::Mismatch), "any region will do");
    let none = Rules { regions: Some(Vec::new()), ..sts() };
    assert!(matches!(post().check(&none, now()), Err(Refusal::Scope(_))));
}

#[test]
fn a10_a_request_for_another_service_is_refused_however_well_signed() {
    let queue = rules(PathStyle::General, "queue");
    assert!(matches!(post().check(&queue, now()), Err(Refusal::Scope(_))));
    let two = Rules { services: vec!["queue".into(), "stack".into()], ..queue };
    let text = "Credential should be scoped to correct service: 'queue', 'stack'.";
    assert_eq!(post().check(&two, now()), Err(Refusal::Scope(text.into())));
}

#[test]
fn a11_credentials_of_another_shape_are_refused() {
    let scope = "20260701/us-east-1/sts/aws4_request";
    let long = "A".repeat(129);
    for id in ["", "AKIA/X", "AKIA=X", "AKIA X", "AKIA-X", "AKIA２", long.as_str()] {
        let mut wire = presigned_with("X-Amz-Credential", &format!("{id}/{scope}").replace(' ', "%20"));
        incomplete(&wire);
        wire = post();
        let name = wire.headers["authorization"].to_str().unwrap().replace("AKIAIOSFODNN7EXAMPLE", id);
        wire.set("authorization", &name);
        incomplete(&wire);
    }
    for credential in
        ["AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE/20260701/us-east-1/sts", "AKIA/20260701//sts/aws4_request"]
    {
        incomplete(&presigned_with("X-Amz-Credential", credential));
    }
    incomplete(&presigned_with("X-Amz-Credential", &format!("AKIAIOSFODNN7EXAMPLE/{scope}/more")));
    let mut comma = post();
    comma.edit_authorization("AKIAIOSFODNN7EXAMPLE", "AKIA,X");
    incomplete(&comma);
}

#[test]
fn a19_a_repeated_parameter_of_authentication_is_refused() {
    let wire = presigned();
    for pair in wire.query.split('&').filter(|pair| pair.starts_with("X-Amz-")) {
        let mut twice = wire.clone();
        twice.query = format!("{}&{pair}", wire.query);
        incomplete(&twice);
    }
}

#[test]
fn a24_other_algorithms_are_refused() {
    for algorithm in ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "AWS4-HMAC-SHA256-PAYLOAD", ""] {
        let mut wire = post();
        wire.edit_authorization("AWS4-HMAC-SHA256", algorithm);
        assert_eq!(wire.check(&sts(), now()), Err(Refusal::Algorithm), "{algorithm}");
        wire = presigned_with("X-Amz-Algorithm", algorithm);
        assert_eq!(wire.check(&sts(), now()), Err(Refusal::Algorithm), "{algorithm}");
    }
    for authorization in ["AWS AKIAIOSFODNN7EXAMPLE:c2ln", "Bearer token", "Basic dTpw", "", "AWS4-HMAC-SHA256,x"] {
        assert_eq!(authorized(authorization).check(&sts(), now()), Err(Refusal::Algorithm), "{authorization}");
    }
}

#[test]
fn a24_authorization_that_cannot_be_read_is_incomplete() {
    let wire = post();
    let good = wire.headers["authorization"].to_str().unwrap();
    let (_, signature) = good.rsplit_once(", ").unwrap();
    incomplete(&authorized("AWS4-HMAC-SHA256"));
    for parameter in good.split_once(' ').unwrap().1.split(", ") {
        incomplete(&authorized(&good.replace(parameter, "")));
        incomplete(&authorized(&good.replace(parameter, "X=y")));
        incomplete(&authorized(&format!("{good}, {parameter}")));
    }
    incomplete(&authorized(&format!("{good}, {signature}")));
    incomplete(&authorized(&format!("{good},")));
    incomplete(&authorized(&good.replace("Signature=", "signature=")));
    assert_eq!(authorized(&good.replace(", ", ",")).check(&sts(), now()), Ok(()), "blanks are optional");
}

#[test]
fn a24_a_presigned_request_without_one_of_its_parameters_is_incomplete() {
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let mut wire = presigned();
        let name = format!("X-Amz-{name}=");
        wire.query = wire.query.split('&').filter(|pair| !pair.starts_with(&name)).collect::<Vec<_>>().join("&");
        incomplete(&wire);
    }
}

#[test]
fn a27_no_credentials_or_a_token_alone_is_no_credentials() {
    assert_eq!(Wire::new("POST", "/").check(&sts(), now()), Err(Refusal::NoCredentials));
    let mut token_in_header = Wire::new("POST", "/");
    token_in_header.set("x-amz-security-token", "token");
    assert_eq!(token_in_header.check(&sts(), now()), Err(Refusal::NoCredentials));
    let token_in_query = Wire::new("GET", "/?X-Amz-Security-Token=token");
    assert_eq!(token_in_query.check(&sts(), now()), Err(Refusal::NoCredentials));
}

#[test]
fn a28_a_token_stands_in_one_place_and_is_signed() {
    let mut in_both = presigned();
    in_both.set("x-amz-security-token", "other");
    incomplete(&in_both);
    let mut other_place = post();
    other_place.query = "X-Amz-Security-Token=token".into();
    incomplete(&other_place);

    let mut wire = Wire::new("GET", "/");
    wire.query =
        presign(wire.request(), &credentials(None), "us-east-1", "sts", PathStyle::General, 60, now()).unwrap();
    assert_eq!(wire.check(&sts(), now()), Ok(()));
    wire.query.push_str("&X-Amz-Security-Token=token");
    assert_eq!(wire.check(&sts(), now()), Err(Refusal::Mismatch));
}

#[test]
fn refusals_come_in_their_order() {
    // A request with every fault, which are then mended from the first to the last.
    let mut wire = post();
    let good = wire.headers["authorization"].clone();
    wire.body.push(b'x');
    wire.append("x-amz-tagging", "x");
    wire.edit_authorization("us-east-1/sts", "us-east-1/s3");
    wire.edit_authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1");
    wire.append("host", "other");
    wire.append("authorization", "other");
    let (rules, late) = (sts(), now() + 10_000);

    assert!(matches!(wire.check(&rules, late), Err(Refusal::Incomplete(_))));
    let faulty = wire.headers["authorization"].clone();
    wire.headers.insert("authorization", faulty);
    assert_eq!(wire.check(&rules, late), Err(Refusal::Algorithm));
    wire.edit_authorization("AWS4-HMAC-SHA1", "AWS4-HMAC-SHA256");
    assert!(matches!(wire.check(&rules, late), Err(Refusal::Incomplete(_))));
    wire.set("host", "example.amazonaws.com");
    assert!(matches!(wire.check(&rules, late), Err(Refusal::Scope(_))));
    wire.headers.insert("authorization", good);
    assert!(matches!(wire.check(&rules, late), Err(Refusal::Time(_))));
    assert!(matches!(wire.check(&rules, now()), Err(Refusal::Unsigned(_))));
    wire.headers.remove("x-amz-tagging");
    assert_eq!(wire.check(&rules, now()), Err(Refusal::Payload));
    wire.body.pop();
    assert_eq!(wire.check(&rules, now()), Ok(()));
}

#[test]
fn nothing_printed_shows_a_token_or_a_signature() {
    for wire in [post(), presigned()] {
        let presented = wire.read(&sts(), now()).unwrap();
        let shown = format!("{presented:?} {:?} {:?}", wire.request(), key(SECRET, presented.scope()));
        for secret in ["\"token\"", "=token", "Signature=", SECRET] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn the_signer_refuses_what_no_verifier_could_read() {
    let sign_with = |wire: &Wire, token| {
        sign(wire.request(), wire.sha256(), &credentials(token), "us-east-1", "sts", PathStyle::General, now())
    };
    let mut nowhere = Wire::new("GET", "/");
    nowhere.headers.clear();
    assert!(matches!(sign_with(&nowhere, None), Err(Refusal::Incomplete(_))));
    assert!(matches!(sign_with(&Wire::new("GET", "/"), Some("a\nb")), Err(Refusal::Incomplete(_))));
    assert!(matches!(sign_with(&Wire::new("GET", "/%zz"), None), Err(Refusal::MalformedQuery(_))));
    assert!(matches!(sign_with(&Wire::new("GET", "/?a=%"), None), Err(Refusal::MalformedQuery(_))));
}
