//! Proof that who redeems a code is who asked for it (RFC 7636), in its one good method: S256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// The hash of a verifier that only the client knows.
#[derive(Debug)]
pub(super) struct Challenge([u8; 32]);

impl Challenge {
    /// Takes `code_challenge` and `code_challenge_method`; without a method it would be `plain`.
    pub(super) fn parse(challenge: &str, method: Option<&str>) -> Option<Self> {
        let hash = URL_SAFE_NO_PAD.decode(challenge).ok()?;
        Some(Self(hash.try_into().ok()?)).filter(|_| method == Some("S256"))
    }

    /// Whether this is the verifier.
    pub(super) fn is_of(&self, verifier: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(unreserved)
            && digest(&SHA256, verifier.as_bytes()).as_ref() == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_of_the_standard_s_example_is_known_and_no_other() {
        let challenge = Challenge::parse(CHALLENGE, Some("S256")).unwrap();
        assert!(challenge.is_of(VERIFIER));
        for other in ["", CHALLENGE, &VERIFIER[1..], &format!("{VERIFIER}A"), &format!("{VERIFIER}\n")] {
            assert!(!challenge.is_of(other), "{other}");
        }
    }

    #[test]
    fn a_verifier_has_the_length_and_the_characters_of_the_standard() {
        let of = |verifier: &str| Challenge(digest(&SHA256, verifier.as_bytes()).as_ref().try_into().unwrap());
        for (verifier, taken) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~".repeat(128), true),
            ("a".repeat(129), false),
            ("+".repeat(43), false),
        ] {
            assert_eq!(of(&verifier).is_of(&verifier), taken, "{verifier}");
        }
    }

    #[test]
    fn plain_challenges_are_refused() {
        for (challenge, method) in [
            (CHALLENGE, None),
            (CHALLENGE, Some("plain")),
            (CHALLENGE, Some("s256")),
            (&CHALLENGE[1..], Some("S256")),
            ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", Some("S256")),
            ("", Some("S256")),
        ] {
            assert!(Challenge::parse(challenge, method).is_none(), "{challenge} {method:?}");
        }
    }
}
