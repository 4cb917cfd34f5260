//! An issuer's discovery document (OpenID Connect Discovery 1.0 §3 and §4): where it is, and where it says the keys are.

use super::Issuer;
use super::json::{Limits, Value, read_object};
use super::key_sets::KeySetError;

/// Largest document, in bytes. Those of large providers have about 4 KiB.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Longest URL of a key set.
const MAX_URL: usize = 2_048;

const LIMITS: Limits = Limits { members: 1_024, elements: 8_192 };

/// Where an issuer publishes its document. The slash at the end of its name, if there is one, is not doubled.
pub fn document_url(issuer: &Issuer) -> String {
    let issuer = issuer.as_str();
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// The `jwks_uri` of a document that is this issuer's, byte for byte: whoever is known under another name must not speak
/// for this one.
pub fn key_set_url(document: &[u8], issuer: &Issuer) -> Result<String, KeySetError> {
    let document = read_object(document, LIMITS).map_err(|_| KeySetError::Discovery)?;
    let Some(Value::String(named)) = document.get("issuer") else { return Err(KeySetError::Issuer) };
    if named != issuer.as_str() {
        return Err(KeySetError::Issuer);
    }
    match document.get("jwks_uri") {
        Some(Value::String(url)) if url.len() <= MAX_URL => Ok(url.clone()),
        _ => Err(KeySetError::Discovery),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plaintext;
    use super::*;

    fn issuer(url: &str) -> Issuer {
        Issuer::parse(url, Plaintext::Refused).unwrap()
    }

    #[test]
    fn the_document_is_below_the_issuer() {
        let well_known = ".well-known/openid-configuration";
        for (name, url) in [
            ("https://idp.example", format!("https://idp.example/{well_known}")),
            ("https://idp.example/", format!("https://idp.example/{well_known}")),
            ("https://idp.example/realms/a", format!("https://idp.example/realms/a/{well_known}")),
            ("https://idp.example/realms/a/", format!("https://idp.example/realms/a/{well_known}")),
        ] {
            assert_eq!(document_url(&issuer(name)), url);
        }
    }

    #[test]
    fn the_keys_may_be_on_another_host() {
        let document =
            br#"{"issuer":"https://accounts.google.com","jwks_uri":"https://www.googleapis.com/oauth2/v3/certs",
            "claims_supported":["aud"],"code_challenge_methods_supported":["S256"],"n":1.5}"#;
        let url = key_set_url(document, &issuer("https://accounts.google.com")).unwrap();
        assert_eq!(url, "https://www.googleapis.com/oauth2/v3/certs");
    }

    #[test]
    fn b11_a_document_that_is_not_this_issuers_is_refused() {
        let ours = issuer("https://idp.example");
        for named in [
            r#""https://idp.example/""#,
            r#""https://IDP.example""#,
            r#""http://idp.example""#,
            r#""https://idp.example:443""#,
            r#""https://evil.example""#,
            r#""https://idp.example ""#,
            r#""""#,
            "null",
            "1",
            r#"["https://idp.example"]"#,
        ] {
            let document = format!(r#"{{"issuer":{named},"jwks_uri":"https://idp.example/keys"}}"#);
            assert_eq!(key_set_url(document.as_bytes(), &ours), Err(KeySetError::Issuer), "{named}");
        }
        assert_eq!(key_set_url(br#"{"jwks_uri":"https://idp.example/keys"}"#, &ours), Err(KeySetError::Issuer));
    }

    #[test]
    fn b12_a_document_that_readers_could_read_differently_is_refused() {
        let ours = issuer("https://idp.example");
        let deep = format!(r#"{{"issuer":"https://idp.example","x":{}"#, "[".repeat(100_000));
        for document in [
            "",
            "<html>",
            "[]",
            r#"["https://idp.example","https://idp.example/keys"]"#,
            r#"{"issuer":"https://idp.example","issuer":"https://evil.example","jwks_uri":"https://evil.example"}"#,
            r#"{"issuer":"https://idp.example"}"#,
            r#"{"issuer":"https://idp.example","jwks_uri":["https://idp.example/keys"]}"#,
            &deep,
        ] {
            let start: String = document.chars().take(60).collect();
            assert_eq!(key_set_url(document.as_bytes(), &ours), Err(KeySetError::Discovery), "{start}");
        }
    }
}
