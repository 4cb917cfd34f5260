//! The IAM operations that set the stage: users, access keys, roles and policies.
//!
//! Every operation takes the same steps: read the parameters into values that cannot be wrong, ask for permission on
//! the resource, and only then look at or change the directory. Changes do the last two on the snapshot they change.

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::identity::{UniqueId, UniqueIdKind};

use super::caller::Caller;
use super::directory::{Directory, Role, Snapshot, User};
use super::error::Error;
use super::federation::Plaintext;
use super::last_uses::LastUses;
use super::paging;
use super::random::Random;
use call::Call;
use owner::Owner;

mod access_keys;
mod answer;
mod attachments;
mod call;
mod documents;
mod inline;
mod new_policies;
mod oidc_providers;
mod owner;
mod parameters;
mod policies;
mod provider_settings;
mod request;
mod roles;
mod simulate;
mod tags;
#[cfg(test)]
mod tests;
mod trust;
mod usage;
mod users;
mod versions;

pub use access_keys::AccessKeyDetail;
pub use answer::*;
pub use owner::OwnerKind;
pub use request::*;

/// The IAM API over a directory.
#[derive(Clone, Debug)]
pub struct Iam {
    directory: Arc<Directory>,
    random: Arc<dyn Random>,
    /// Whether identity providers may be reached without TLS.
    plaintext: Plaintext,
    /// When keys were last used.
    last_uses: Arc<LastUses>,
}

impl Iam {
    /// An API that reads the callers' snapshots and changes `directory`.
    pub fn new(directory: Arc<Directory>, random: Arc<dyn Random>) -> Self {
        Self { directory, random, plaintext: Plaintext::Refused, last_uses: Arc::default() }
    }

    /// Takes identity providers without TLS on this machine, too: for development.
    #[must_use]
    pub fn with_plaintext_providers(mut self, plaintext: Plaintext) -> Self {
        self.plaintext = plaintext;
        self
    }

    /// Tells of these uses of keys besides those that are written down.
    #[must_use]
    pub fn with_last_uses(mut self, last_uses: Arc<LastUses>) -> Self {
        self.last_uses = last_uses;
        self
    }

    /// Does what is asked, if the caller may. When a change returns `Ok`, it is durable.
    pub async fn call(&self, caller: &Caller, request: Request) -> Result<Answer, Error> {
        let call = Call { iam: self, caller, operation: request.action() };
        match request {
            Request::CreateUser(input) => users::create(call, input).await,
            Request::GetUser(input) => users::get(call, input),
            Request::ListUsers(input) => users::list(call, input),
            Request::UpdateUser(input) => users::update(call, input).await,
            Request::DeleteUser(input) => users::delete(call, input).await,
            Request::CreateAccessKey(input) => access_keys::create(call, input).await,
            Request::ListAccessKeys(input) => access_keys::list(call, input),
            Request::UpdateAccessKey(input) => access_keys::update(call, input).await,
            Request::DeleteAccessKey(input) => access_keys::delete(call, input).await,
            Request::CreateRole(input) => roles::create(call, input).await,
            Request::GetRole(input) => roles::get(call, input),
            Request::ListRoles(input) => roles::list(call, input),
            Request::UpdateRole(input) => roles::update(call, input).await,
            Request::UpdateRoleDescription(input) => roles::update_description(call, input).await,
            Request::UpdateRoleSettings(input) => roles::update_settings(call, input).await,
            Request::UpdateAssumeRolePolicy(input) => roles::update_trust(call, input).await,
            Request::DeleteRole(input) => roles::delete(call, input).await,
            Request::CreatePolicy(input) => policies::create(call, input).await,
            Request::GetPolicy(input) => policies::get(call, input),
            Request::ListPolicies(input) => policies::list(call, input),
            Request::DeletePolicy(input) => policies::delete(call, input).await,
            Request::ListEntitiesForPolicy(input) => policies::list_entities(call, input),
            Request::CreatePolicyVersion(input) => versions::create(call, input).await,
            Request::GetPolicyVersion(input) => versions::get(call, input),
            Request::ListPolicyVersions(input) => versions::list(call, input),
            Request::SetDefaultPolicyVersion(input) => versions::set_default(call, input).await,
            Request::DeletePolicyVersion(input) => versions::delete(call, input).await,
            Request::SimulateCustomPolicy(input) => simulate::custom(call, input),
            Request::SimulatePrincipalPolicy(input) => simulate::principal(call, input),
            Request::GetContextKeysForCustomPolicy(input) => simulate::keys_of_custom(call, input),
            Request::GetContextKeysForPrincipalPolicy(input) => simulate::keys_of_principal(call, input),
            Request::CreateOpenIDConnectProvider(input) => oidc_providers::create(call, input).await,
            Request::PutOidcProvider(input) => provider_settings::put(call, input).await,
            Request::DisableOidcProvider(input) => provider_settings::switch(call, input, false).await,
            Request::EnableOidcProvider(input) => provider_settings::switch(call, input, true).await,
            Request::GetOpenIDConnectProvider(input) => oidc_providers::get(call, input),
            Request::ListOidcProviders => provider_settings::list(call),
            Request::ListOpenIDConnectProviders => oidc_providers::list(call),
            Request::DeleteOpenIDConnectProvider(input) => oidc_providers::delete(call, input).await,
            Request::AddClientIDToOpenIDConnectProvider(input) => oidc_providers::add_client_id(call, input).await,
            Request::RemoveClientIDFromOpenIDConnectProvider(input) => {
                oidc_providers::remove_client_id(call, input).await
            }
            Request::UpdateOpenIDConnectProviderThumbprint(input) => {
                oidc_providers::update_thumbprints(call, input).await
            }
            Request::TagOpenIDConnectProvider(input) => oidc_providers::tag(call, input).await,
            Request::UntagOpenIDConnectProvider(input) => oidc_providers::untag(call, input).await,
            Request::ListOpenIDConnectProviderTags(input) => oidc_providers::list_tags(call, input),
            Request::Key(request) => access_keys::call_by_id(call, request).await,
            Request::Owned(request) => match request.kind {
                OwnerKind::User => owned::<User>(call, request).await,
                OwnerKind::Role => owned::<Role>(call, request).await,
            },
        }
    }

    fn unique_id(&self, kind: UniqueIdKind) -> Result<UniqueId, Error> {
        // 85 random bits: two are never alike.
        Ok(UniqueId::from_random(kind, self.random_bytes()?))
    }

    /// A key id that names no other key.
    fn access_key_id(&self, snapshot: &Snapshot) -> Result<AccessKeyId, Error> {
        for _ in 0..8 {
            let id = AccessKeyId::from_bytes(KeyKind::LongLived, self.random_bytes()?);
            if snapshot.access_key(id).is_none() {
                return Ok(id);
            }
        }
        Err(Error::internal("eight random access key ids in a row were taken"))
    }

    fn random_bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(Error::unavailable)?;
        Ok(bytes)
    }
}

async fn owned<O: Owner>(call: Call<'_>, request: OwnedRequest) -> Result<Answer, Error> {
    let name = parameters::owner_name::<O>(request.owner)?;
    match request.action {
        OwnedAction::Tag { tags } => tags::tag::<O>(call, &name, tags).await,
        OwnedAction::Untag { tag_keys } => tags::untag::<O>(call, &name, tag_keys).await,
        OwnedAction::ListTags(page) => tags::list::<O>(call, &name, page),
        OwnedAction::PutPolicy { policy_name, policy_document } => {
            inline::put::<O>(call, &name, policy_name, policy_document).await
        }
        OwnedAction::GetPolicy { policy_name } => inline::get::<O>(call, &name, policy_name),
        OwnedAction::ListPolicies(page) => inline::list::<O>(call, &name, page),
        OwnedAction::DeletePolicy { policy_name } => inline::delete::<O>(call, &name, policy_name).await,
        OwnedAction::AttachPolicy { policy_arn } => attachments::attach::<O>(call, &name, policy_arn).await,
        OwnedAction::DetachPolicy { policy_arn } => attachments::detach::<O>(call, &name, policy_arn).await,
        OwnedAction::ListAttachedPolicies(input) => attachments::list::<O>(call, &name, input),
        OwnedAction::PutPermissionsBoundary { permissions_boundary } => {
            attachments::put_boundary::<O>(call, &name, permissions_boundary).await
        }
        OwnedAction::DeletePermissionsBoundary {} => attachments::delete_boundary::<O>(call, &name).await,
    }
}
