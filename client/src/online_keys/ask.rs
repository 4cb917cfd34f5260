//! The call, and what is made of its answer.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::identity::Principal;
use brevet_validator::secret::Secret;
use brevet_validator::signature::SigningKey;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::{CallerPolicies, OnlineKey};
use tonic::Code;

use super::memory::KeyName;
use crate::endpoint::ValidationClient;
use crate::proto::validation::{GetSigningKeyRequest, GetSigningKeyResponse};

/// Who can be asked for keys.
pub(super) trait Ask: Send + Sync {
    fn ask<'a>(&'a self, name: &'a KeyName) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
}

/// What came back.
pub(super) enum Answer {
    Key {
        key: OnlineKey,
        /// Of the directory that answered.
        revision: u64,
        cache_until: Timestamp,
    },
    /// There is no such key.
    Absent,
    /// Nobody answered, or with something else.
    None,
}

/// The service, as it is asked for the keys of one zone.
pub(super) struct Zone<F> {
    /// The connection to use now, if there is one.
    pub(super) client: F,
    pub(super) name: String,
}

impl<F: Fn() -> Option<ValidationClient> + Send + Sync> Ask for Zone<F> {
    fn ask<'a>(&'a self, name: &'a KeyName) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let scope = name.scope();
        let part = |at: usize| scope.split('/').nth(at).unwrap_or_default().to_owned();
        let request = GetSigningKeyRequest {
            zone: self.name.clone(),
            access_key_id: name.access_key_id().to_string(),
            security_token: name.security_token().unwrap_or_default().to_owned(),
            date: part(0),
            region: part(1),
            service: part(2),
        };
        Box::pin(async move {
            let Some(mut client) = (self.client)() else { return Answer::None };
            match client.get_signing_key(request).await {
                Ok(response) => read(name.access_key_id(), response.into_inner()).unwrap_or(Answer::None),
                Err(status) if status.code() == Code::NotFound => Answer::Absent,
                Err(_) => Answer::None,
            }
        })
    }
}

/// `None` if it is no answer to this question.
pub(super) fn read(id: AccessKeyId, mut response: GetSigningKeyResponse) -> Option<Answer> {
    let bytes = Secret::new(mem::take(&mut response.signing_key));
    let signing_key = Arc::new(SigningKey::from_bytes(bytes.expose().as_slice().try_into().ok()?));
    let cache_until = Timestamp::from_unix(response.cache_until?.seconds)?;
    let caller = match id.kind() {
        KeyKind::Temporary => None,
        KeyKind::LongLived => {
            let principal =
                Principal::with_long_lived_key(&response.principal_arn.parse().ok()?, &response.principal_id)?;
            let tags = response.principal_tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let boundary = Some(response.permissions_boundary.as_str()).filter(|document| !document.is_empty());
            let caller = CallerPolicies::new(principal, tags, &response.identity_policies, boundary).ok()?;
            Some(Arc::new(caller))
        }
    };
    Some(Answer::Key { key: OnlineKey { signing_key, caller }, revision: response.revision, cache_until })
}
