//! Path and metadata of a gRPC call, before its credentials are read.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};

use crate::signature::Refusal;
use crate::validator::Rejection;

/// Refuses what could be signed in one way and understood in another: a path with a query, an escape, an empty or a
/// dot segment; `authorization` or `x-amz-*` repeated, binary, or not in printable ASCII.
pub fn check_metadata(parts: &Parts) -> Result<(), Rejection> {
    if parts.method != Method::POST {
        return Err(Refusal::Incomplete("A gRPC call must be a POST.").into());
    }
    if parts.uri.query().is_some() || !is_plain_path(parts.uri.path()) {
        return Err(Refusal::MalformedQuery("The path must be that of a method: /package.Service/Method.").into());
    }
    let keys = parts.headers.keys().filter(|name| decides(name));
    for name in keys {
        let mut values = parts.headers.get_all(name).iter();
        let once = values.next().is_some_and(is_printable) && values.next().is_none();
        if !once || name.as_str().ends_with("-bin") {
            return Err(Refusal::Incomplete(
                "authorization and x-amz-* metadata must occur once each, in printable ASCII.",
            )
            .into());
        }
    }
    Ok(())
}

/// Metadata that bears on who calls.
fn decides(name: &HeaderName) -> bool {
    name == AUTHORIZATION || name.as_str().starts_with("x-amz-")
}

fn is_printable(value: &HeaderValue) -> bool {
    value.as_bytes().iter().all(|c| (b' '..=b'~').contains(c))
}

fn is_plain_path(path: &str) -> bool {
    let plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('%');
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(uri: &str, headers: &[(&str, &[u8])]) -> Result<(), Rejection> {
        let mut request = http::Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
        }
        check_metadata(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_plain_call_passes() {
        let headers: [(&str, &[u8]); 3] =
            [("authorization", b"AWS4-HMAC-SHA256 x"), ("x-amz-date", b"20260101T000000Z"), ("trace-bin", b"\xff")];
        assert_eq!(call("http://host/brevet.sts.v1.SecurityTokenService/AssumeRole", &headers), Ok(()));
    }

    #[test]
    fn a17_paths_that_are_not_a_method_are_malformed() {
        for path in ["/a/b?", "/a/b?c=d", "/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a/b/", "/", "/a/%62"] {
            let refused = call(&format!("http://host{path}"), &[]);
            assert!(matches!(refused, Err(Rejection::Signature(Refusal::MalformedQuery(_)))), "{path}");
        }
    }

    #[test]
    fn a3_repeated_binary_and_unprintable_metadata_is_incomplete() {
        for headers in [
            &[("authorization", &b"a"[..]), ("authorization", b"b")][..],
            &[("x-amz-date", b"a"), ("x-amz-date", b"a")],
            &[("x-amz-security-token", b"a"), ("x-amz-security-token", b"b")],
            &[("x-amz-tagging", b"a"), ("x-amz-tagging", b"b")],
            &[("x-amz-meta-bin", b"AAAA")],
            &[("x-amz-meta", b"a\tb")],
            &[("x-amz-meta", b"\xc3\xa9")],
        ] {
            let refused = call("http://host/a/b", headers);
            assert!(matches!(refused, Err(Rejection::Signature(Refusal::Incomplete(_)))), "{headers:?}");
        }
    }

    #[test]
    fn methods_other_than_post_are_no_calls() {
        let request = http::Request::get("http://host/a/b").body(()).unwrap();
        assert!(check_metadata(&request.into_parts().0).is_err());
    }
}
