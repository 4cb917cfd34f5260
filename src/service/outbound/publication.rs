//! What relying parties ask for: the discovery document (OpenID Connect Discovery 1.0 §3), and where the keys are.

use serde_json::json;

use super::algorithm::SigningAlgorithm;
use super::claims;
use crate::service::federation::{Issuer, discovery};

/// An issuer's name and what follows from it. All of it is fixed by configuration: nothing of a request has a part in it.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) issuer: Issuer,
    pub(super) document: String,
    pub(super) document_path: String,
    pub(super) key_set_path: String,
}

impl Publication {
    pub(super) fn new(issuer: Issuer) -> Self {
        let name = issuer.as_str();
        // The slash at the end of the name, if there is one, is not doubled.
        let key_set_url = format!("{}/jwks.json", name.strip_suffix('/').unwrap_or(name));
        let document = json!({
            "issuer": name,
            "jwks_uri": key_set_url,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": SigningAlgorithm::ALL.map(SigningAlgorithm::name),
            "claims_supported": claims::SUPPORTED,
        });
        Self {
            document: document.to_string(),
            document_path: path_of(&discovery::document_url(&issuer)),
            key_set_path: path_of(&key_set_url),
            issuer,
        }
    }
}

/// From the first slash behind the host.
fn path_of(url: &str) -> String {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    let slash = url[behind_scheme..].find('/').map(|at| behind_scheme + at);
    slash.map_or_else(String::new, |at| url[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::federation::Plaintext;

    #[test]
    fn documents_are_below_the_issuer_and_its_name_stands_as_it_is() {
        for (name, below) in [
            ("https://sts.example.com", ""),
            ("https://sts.example.com/", ""),
            ("https://sts.example.com:8443/a/b", "/a/b"),
            ("https://sts.example.com/a/", "/a"),
            ("http://127.0.0.1:8731", ""),
        ] {
            let issuer = Issuer::parse(name, Plaintext::OnLoopback).unwrap();
            let published = Publication::new(issuer.clone());
            assert_eq!(published.document_path, format!("{below}/.well-known/openid-configuration"));
            assert_eq!(published.key_set_path, format!("{below}/jwks.json"));
            let key_set = discovery::key_set_url(published.document.as_bytes(), &issuer).unwrap();
            assert!(key_set.ends_with(&published.key_set_path) && !key_set.contains("//jwks"), "{key_set}");
        }
    }
}
