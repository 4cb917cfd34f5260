//! What an identity token says of a caller. Names are those of [AWS's tokens][1], as far as they have a meaning here.
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::timestamp::Timestamp;
use serde_json::{Map, Value, json};

use super::algorithm::SigningAlgorithm;
use crate::service::federation::Issuer;

/// Under which AWS puts all claims that are no registered ones.
const NAMESPACE: &str = "https://sts.amazonaws.com/";

/// The members of a token that are always there, for the discovery document.
pub(super) const SUPPORTED: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "sub", NAMESPACE];

/// Everything about a token that was decided, and how it is to be signed.
#[derive(Clone, Debug)]
pub struct Claims {
    /// How it is to be signed.
    pub algorithm: SigningAlgorithm,
    /// The user, the role or the account itself.
    pub subject: Arn,
    /// Whom it is for: at least one.
    pub audience: Vec<String>,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// First second at which it is over.
    pub expires_at: Timestamp,
    /// No other token has it.
    pub id: String,
    /// The caller's account.
    pub account: AccountId,
    /// The region that was asked.
    pub region: String,
    /// Of the user or role, and of its session.
    pub principal_tags: Vec<(String, String)>,
    /// Of the request.
    pub request_tags: Vec<(String, String)>,
    /// When the caller's session is over, if it is one.
    pub session_expires_at: Option<Timestamp>,
    /// Who is behind the session.
    pub source_identity: Option<String>,
    /// The ARN of the identity provider that the session comes from.
    pub federated_provider: Option<String>,
}

impl Claims {
    /// The payload of the token.
    pub(super) fn payload(&self, issuer: &Issuer) -> String {
        let audience = match self.audience.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let payload = json!({
            "iss": issuer.as_str(),
            "sub": self.subject.as_str(),
            "aud": audience,
            "iat": self.issued_at.unix(),
            "exp": self.expires_at.unix(),
            "jti": self.id,
            NAMESPACE: self.ours(),
        });
        payload.to_string()
    }

    fn ours(&self) -> Value {
        let mut ours = Map::new();
        let mut put = |name: &str, value: Value| ours.insert(name.to_owned(), value);
        put("aws_account", json!(self.account.as_str()));
        put("source_region", json!(self.region));
        put("principal_id", json!(self.subject.as_str()));
        for (name, tags) in [("principal_tags", &self.principal_tags), ("request_tags", &self.request_tags)] {
            if !tags.is_empty() {
                put(name, tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>().into());
            }
        }
        for (name, value) in [
            ("original_session_exp", self.session_expires_at.map(|at| at.to_string())),
            ("source_identity", self.source_identity.clone()),
            ("federated_provider", self.federated_provider.clone()),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        ours.into()
    }
}
