//! What the operations are asked, as it came off the wire, and what the audit record keeps of it.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::parameters::shown;
use super::tags::MAX_TAGS;
use crate::service::hex::hex;

/// What AssumeRole was asked: nothing checked yet.
#[derive(Clone, Debug, Default)]
pub struct AssumeRole {
    /// Required.
    pub role_arn: Option<String>,
    /// Required.
    pub role_session_name: Option<String>,
    /// Decimal text of whole seconds, as it came.
    pub duration_seconds: Option<String>,
    /// Inline session policy.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: Vec<TagInput>,
    /// Keys of the tags that are passed on.
    pub transitive_tag_keys: Vec<String>,
    /// `sts:ExternalId`
    pub external_id: Option<String>,
    /// `sts:SourceIdentity`
    pub source_identity: Option<String>,
    /// Second factor.
    pub serial_number: Option<String>,
    /// Second factor.
    pub token_code: Option<String>,
}

/// What AssumeRoleWithWebIdentity was asked: nothing checked yet.
#[derive(Clone, Default)]
pub struct AssumeRoleWithWebIdentity {
    /// Required.
    pub role_arn: Option<String>,
    /// Required.
    pub role_session_name: Option<String>,
    /// Required: the identity token.
    pub web_identity_token: Option<String>,
    /// Of OAuth 2.0 access tokens, which are not accepted.
    pub provider_id: Option<String>,
    /// Inline session policy.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Decimal text of whole seconds, as it came.
    pub duration_seconds: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for AssumeRoleWithWebIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssumeRoleWithWebIdentity").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

/// A tag as it came off the wire; a missing key or value is refused later, with its place.
#[derive(Clone, Debug, Default)]
pub struct TagInput {
    /// Required.
    pub key: Option<String>,
    /// Required; may be empty.
    pub value: Option<String>,
}

/// What GetSessionToken was asked.
#[derive(Clone, Debug, Default)]
pub struct GetSessionToken {
    /// Decimal text of whole seconds, as it came.
    pub duration_seconds: Option<String>,
    /// Second factor.
    pub serial_number: Option<String>,
    /// Second factor.
    pub token_code: Option<String>,
}

/// What GetFederationToken was asked.
#[derive(Clone, Debug, Default)]
pub struct GetFederationToken {
    /// Required.
    pub name: Option<String>,
    /// Decimal text of whole seconds, as it came.
    pub duration_seconds: Option<String>,
    /// Inline session policy.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: Vec<TagInput>,
}

/// What GetAccessKeyInfo was asked.
#[derive(Clone, Debug, Default)]
pub struct GetAccessKeyInfo {
    /// Required.
    pub access_key_id: Option<String>,
}

/// What GetWebIdentityToken was asked.
#[derive(Clone, Debug, Default)]
pub struct GetWebIdentityToken {
    /// Required: whom the token is for.
    pub audience: Vec<String>,
    /// Required.
    pub signing_algorithm: Option<String>,
    /// Decimal text of whole seconds, as it came.
    pub duration_seconds: Option<String>,
    /// What the token says besides.
    pub tags: Vec<TagInput>,
    /// Whose identity it is to tell.
    pub subject_mode: Option<String>,
    /// OAuth 2.0 scopes, which only tokens of another identity than the caller's can have.
    pub scope: Option<String>,
}

impl AssumeRole {
    /// `requestParameters` of the audit record. Codes of a second factor are left out; a policy is told by its hash.
    pub fn audit_parameters(&self) -> Value {
        Parameters::default()
            .text("roleArn", &self.role_arn)
            .text("roleSessionName", &self.role_session_name)
            .text("durationSeconds", &self.duration_seconds)
            .policy(&self.policy)
            .list("policyArns", &self.policy_arns)
            .tags(&self.tags)
            .list("transitiveTagKeys", &self.transitive_tag_keys)
            .text("externalId", &self.external_id)
            .text("sourceIdentity", &self.source_identity)
            .text("serialNumber", &self.serial_number)
            .into_value()
    }
}

impl AssumeRoleWithWebIdentity {
    /// As [`AssumeRole::audit_parameters`]. The identity token is left out.
    pub fn audit_parameters(&self) -> Value {
        Parameters::default()
            .text("roleArn", &self.role_arn)
            .text("roleSessionName", &self.role_session_name)
            .text("durationSeconds", &self.duration_seconds)
            .policy(&self.policy)
            .list("policyArns", &self.policy_arns)
            .into_value()
    }
}

impl GetSessionToken {
    /// As [`AssumeRole::audit_parameters`].
    pub fn audit_parameters(&self) -> Value {
        Parameters::default()
            .text("durationSeconds", &self.duration_seconds)
            .text("serialNumber", &self.serial_number)
            .into_value()
    }
}

impl GetFederationToken {
    /// As [`AssumeRole::audit_parameters`].
    pub fn audit_parameters(&self) -> Value {
        Parameters::default()
            .text("name", &self.name)
            .text("durationSeconds", &self.duration_seconds)
            .policy(&self.policy)
            .list("policyArns", &self.policy_arns)
            .tags(&self.tags)
            .into_value()
    }
}

impl GetAccessKeyInfo {
    /// As [`AssumeRole::audit_parameters`].
    pub fn audit_parameters(&self) -> Value {
        Parameters::default().text("accessKeyId", &self.access_key_id).into_value()
    }
}

impl GetWebIdentityToken {
    /// As [`AssumeRole::audit_parameters`].
    pub fn audit_parameters(&self) -> Value {
        Parameters::default()
            .list("audience", &self.audience)
            .text("signingAlgorithm", &self.signing_algorithm)
            .text("durationSeconds", &self.duration_seconds)
            .tags(&self.tags)
            .text("subjectMode", &self.subject_mode)
            .text("scope", &self.scope)
            .into_value()
    }
}

/// Builds `requestParameters`. Nothing in it was checked, so every text and list is cut.
#[derive(Default)]
struct Parameters(Map<String, Value>);

impl Parameters {
    fn text(self, name: &str, value: &Option<String>) -> Self {
        self.put(name, value.as_ref().map(|value| json!(shown(value))))
    }

    fn list(self, name: &str, values: &[String]) -> Self {
        let shown: Vec<_> = values.iter().take(MAX_TAGS).map(|value| shown(value)).collect();
        self.put(name, (!values.is_empty()).then(|| json!(shown)))
    }

    fn tags(self, tags: &[TagInput]) -> Self {
        let text = |value: &Option<String>| value.as_deref().map(shown);
        let shown: Vec<_> =
            tags.iter().take(MAX_TAGS).map(|tag| json!({ "key": text(&tag.key), "value": text(&tag.value) })).collect();
        self.put("tags", (!tags.is_empty()).then(|| json!(shown)))
    }

    fn policy(self, policy: &Option<String>) -> Self {
        let digest = |text: &String| json!({ "length": text.len(), "sha256": hex(&Sha256::digest(text)) });
        self.put("policy", policy.as_ref().map(digest))
    }

    fn put(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
