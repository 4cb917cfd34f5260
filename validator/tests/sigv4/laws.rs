//! Laws: what our signer signs verifies, and no signed part can change.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;

use brevet_validator::signature::{PathStyle, Refusal, Rules, presign, sign};
use brevet_validator::timestamp::Timestamp;

use crate::wire::{Wire, credentials, rules};

const TOKEN: &str = "x-amz-security-token";
const REGION: &str = "eu-central-1";
const SERVICE: &str = "queue";

/// A signed request and how it was signed.
#[derive(Clone, Debug)]
struct Signed {
    wire: Wire,
    style: PathStyle,
    at: Timestamp,
    presigned: bool,
}

impl Signed {
    fn rules(&self) -> Rules {
        rules(self.style, SERVICE)
    }

    fn verdict(&self) -> Result<(), Refusal> {
        self.wire.check(&self.rules(), self.at)
    }
}

fn signed() -> impl Strategy<Value = Signed> {
    let style = prop_oneof![Just(PathStyle::General), Just(PathStyle::S3)];
    let token = proptest::option::of("[A-Za-z0-9_-]{1,300}");
    let at = (0..4_000_000_000_i64).prop_map(|seconds| Timestamp::from_unix(seconds).unwrap());
    (wire(), style, token, at, any::<bool>()).prop_map(|(mut wire, style, token, at, presigned)| {
        let credentials = credentials(token.as_deref());
        if presigned {
            wire.body.clear();
            wire.query = presign(wire.request(), &credentials, REGION, SERVICE, style, 600, at).unwrap();
        } else {
            let hash = wire.sha256();
            for (name, value) in sign(wire.request(), hash, &credentials, REGION, SERVICE, style, at).unwrap() {
                wire.headers.insert(name, value);
            }
        }
        Signed { wire, style, at, presigned }
    })
}

/// An unsigned request: paths and queries with everything that has to be normalised, headers with odd blanks.
fn wire() -> impl Strategy<Value = Wire> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT")];
    let path = "(/([a-zA-Z0-9._~!$'()*,;:@+=é -]|%[0-9A-Fa-f]{2}){0,8}){1,4}";
    let query = "(([a-zA-Z0-9._~!$'()*,;:@+/é -]|%[0-9A-Fa-f]{2}){0,6}=?([a-zA-Z0-9=+/-]){0,6}&?){0,4}";
    let headers = prop::collection::vec(("(x-amz-meta-|my-)[a-z]{1,4}", "[ -~\t]{0,20}"), 0..5);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    (method, path, query, headers, body).prop_map(|(method, path, query, headers, body)| {
        let mut wire = Wire::new(method, &path);
        wire.query = query;
        wire.body = body;
        for (name, value) in headers {
            wire.append(&name, &value);
        }
        wire
    })
}

/// Replaces the character at `index` by a hexadecimal digit.
fn change(text: &str, index: Index) -> String {
    let (at, old) = text.char_indices().nth(index.index(text.chars().count())).unwrap();
    let new = if old == '0' { '1' } else { '0' };
    format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..])
}

fn change_value(value: &HeaderValue, index: Index) -> HeaderValue {
    HeaderValue::from_str(&change(value.to_str().unwrap(), index)).unwrap()
}

proptest! {
    #[test]
    fn what_the_signer_signs_verifies(signed in signed()) {
        prop_assert_eq!(signed.verdict(), Ok(()));
    }

    #[test]
    fn another_method_does_not_verify(mut signed in signed()) {
        signed.wire.method = "DELETE".into();
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn a_longer_path_does_not_verify(mut signed in signed(), tail in "/[a-z]{1,5}") {
        signed.wire.path.push_str(&tail);
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn a_changed_letter_of_the_path_does_not_verify(
        mut signed in signed().prop_filter("no letter", |signed| has_plain_letters(&signed.wire.path)),
        index: Index,
    ) {
        // Escapes and dots may stand for the same path when changed; letters and digits between them never do.
        let at = *index.get(&plain_letters(&signed.wire.path));
        let new = if signed.wire.path.as_bytes()[at] == b'x' { "y" } else { "x" };
        signed.wire.path.replace_range(at..=at, new);
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn an_added_query_parameter_does_not_verify(mut signed in signed(), added in "[a-z]{1,5}=[a-z]{0,3}") {
        signed.wire.query = if signed.wire.query.is_empty() { added } else { format!("{}&{added}", signed.wire.query) };
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn a_changed_letter_of_the_query_does_not_verify(mut signed in signed(), index: Index) {
        let letters: Vec<usize> = plain_letters(&signed.wire.query);
        prop_assume!(!letters.is_empty());
        let at = *index.get(&letters);
        let new = if signed.wire.query.as_bytes()[at] == b'x' { "y" } else { "x" };
        signed.wire.query.replace_range(at..=at, new);
        prop_assert!(signed.verdict().is_err());
    }

    #[test]
    fn a_changed_header_does_not_verify(mut signed in signed(), which: Index, index: Index) {
        // The access key id in `authorization` says which key to verify with; the signature does not cover it.
        let names: Vec<HeaderName> = signed.wire.headers.keys().filter(|name| *name != "authorization").cloned().collect();
        let name = which.get(&names);
        let value = signed.wire.headers[name].to_str().unwrap().to_owned();
        let solid: Vec<usize> = (0..value.len()).filter(|at| !value.as_bytes()[*at].is_ascii_whitespace()).collect();
        prop_assume!(!solid.is_empty());
        let at = *index.get(&solid);
        let new = if value.as_bytes()[at] == b'7' { "8" } else { "7" };
        let mut changed = value;
        changed.replace_range(at..=at, new);
        let first = HeaderValue::from_str(&changed).unwrap();
        let rest: Vec<_> = signed.wire.headers.get_all(name).iter().skip(1).cloned().collect();
        signed.wire.headers.insert(name.clone(), first);
        for value in rest {
            signed.wire.headers.append(name.clone(), value);
        }
        prop_assert!(signed.verdict().is_err());
    }

    #[test]
    fn a_header_that_is_taken_away_does_not_verify(mut signed in signed(), which: Index) {
        let names: Vec<HeaderName> = signed.wire.headers.keys().cloned().collect();
        signed.wire.headers.remove(which.get(&names));
        prop_assert!(signed.verdict().is_err());
    }

    #[test]
    fn another_body_does_not_verify(mut signed in signed(), byte: u8) {
        signed.wire.body.push(byte);
        let s3_or_header = !signed.presigned || signed.style == PathStyle::S3;
        let expected = if s3_or_header { Refusal::Payload } else { Refusal::Mismatch };
        prop_assert_eq!(signed.verdict(), Err(expected));
    }

    #[test]
    fn a_changed_signature_does_not_verify(mut signed in signed(), index: Index) {
        if signed.presigned {
            let (head, signature) = signed.wire.query.rsplit_once("X-Amz-Signature=").unwrap();
            signed.wire.query = format!("{head}X-Amz-Signature={}", change(signature, index));
        } else {
            let authorization = signed.wire.headers["authorization"].to_str().unwrap().to_owned();
            let (head, signature) = authorization.rsplit_once("Signature=").unwrap();
            let edited = format!("{head}Signature={}", change(signature, index));
            signed.wire.set("authorization", &edited);
        }
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn a_changed_token_does_not_verify(
        mut signed in signed().prop_filter("no token", |signed| signed.wire.headers.contains_key(TOKEN)),
        index: Index,
    ) {
        let changed = change_value(&signed.wire.headers[TOKEN], index);
        signed.wire.headers.insert(TOKEN, changed);
        prop_assert_eq!(signed.verdict(), Err(Refusal::Mismatch));
    }

    #[test]
    fn another_region_service_or_day_does_not_verify(mut signed in signed()) {
        let day = signed.at.to_scope_date();
        for (from, to) in [(REGION, "eu-central-2"), (SERVICE, "stack"), (day.as_str(), "19691231")] {
            let mut changed = signed.clone();
            if signed.presigned {
                changed.wire.query = changed.wire.query.replacen(&format!("%2F{from}%2F"), &format!("%2F{to}%2F"), 1);
                prop_assert_ne!(&changed.wire.query, &signed.wire.query);
            } else {
                changed.wire.edit_authorization(&format!("/{from}/"), &format!("/{to}/"));
            }
            let mut rules = changed.rules();
            rules.services.push("stack".into());
            prop_assert!(changed.wire.check(&rules, changed.at).is_err());
        }
        signed.at = signed.at + 901;
        prop_assert_eq!(matches!(signed.verdict(), Err(Refusal::Time(_))), true);
    }

    #[test]
    fn nothing_that_is_sent_makes_the_reader_panic(
        path in "[ -~é]{0,30}", query in "([ -~é]{0,10}|X-Amz-[A-Z][a-z]{3,9}=[ -~]{0,9}){0,6}",
        names in prop::collection::vec("x-amz-date|authorization|date|host|x-amz-content-sha256", 0..5),
        values in prop::collection::vec("AWS4-HMAC-SHA256 [A-Za-z,= /;]{0,40}|[ -~]{0,30}", 5),
    ) {
        let mut wire = Wire::new("GET", &path);
        wire.query = query;
        for (name, value) in names.iter().zip(&values) {
            wire.append(name, value);
        }
        for style in [PathStyle::General, PathStyle::S3] {
            let verdict = wire.check(&rules(style, SERVICE), Timestamp::EPOCH);
            prop_assert!(verdict.is_err());
        }
    }
}

fn has_plain_letters(path: &str) -> bool {
    !plain_letters(path).is_empty() && !path.contains("..")
}

/// Where letters and digits stand that are part of no escape.
fn plain_letters(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let in_escape = |at: usize| (1..=2).any(|back| at >= back && bytes[at - back] == b'%');
    (0..bytes.len()).filter(|at| bytes[*at].is_ascii_alphanumeric() && !in_escape(*at)).collect()
}
