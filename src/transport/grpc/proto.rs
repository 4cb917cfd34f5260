//! The generated code of Brevet's own services, and what reflection may show of all services.

use std::fmt;

use prost::Message;
use prost_types::FileDescriptorSet;

/// `brevet.admin.v1`
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated")]
#[allow(clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod admin {
    include!(concat!(env!("OUT_DIR"), "/brevet.admin.v1.rs"));
}

/// `brevet.sts.v1`
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated")]
#[allow(clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod sts {
    include!(concat!(env!("OUT_DIR"), "/brevet.sts.v1.rs"));
}

/// `brevet.validation.v1`
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated")]
#[allow(clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod validation {
    include!(concat!(env!("OUT_DIR"), "/brevet.validation.v1.rs"));
}

impl fmt::Debug for validation::GetTrustBundleResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetTrustBundleResponse").finish_non_exhaustive()
    }
}

impl fmt::Debug for validation::WatchTrustResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchTrustResponse").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for validation::GetSigningKeyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetSigningKeyRequest").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for validation::GetSigningKeyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetSigningKeyResponse").field("principal_arn", &self.principal_arn).finish_non_exhaustive()
    }
}

impl fmt::Debug for admin::CreateAccessKeyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateAccessKeyResponse").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl fmt::Debug for admin::RotateAccessKeyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotateAccessKeyResponse")
            .field("access_key", &self.access_key)
            .field("rotated", &self.rotated)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for validation::Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for validation::VerifyRequestRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("VerifyRequestRequest");
        shown.field("zone", &self.zone).field("method", &self.method).field("headers", &self.headers);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for admin::TestOidcProviderRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestOidcProviderRequest").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for sts::AssumeRoleWithWebIdentityRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleWithWebIdentityRequest").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

impl fmt::Debug for sts::GetWebIdentityTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetWebIdentityTokenResponse").field("expiration", &self.expiration).finish_non_exhaustive()
    }
}

impl fmt::Debug for sts::Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"REDACTED")
            .field("security_token", &"REDACTED")
            .field("expiration", &self.expiration)
            .finish()
    }
}

/// The protos that the server was built from.
const OWN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The files of every service on the wire, and of the details of errors. Not those of the store, which are nobody's
/// business.
pub fn descriptors() -> Result<Vec<FileDescriptorSet>, prost::DecodeError> {
    let mut own = FileDescriptorSet::decode(OWN)?;
    own.file.retain(|file| !file.package().starts_with("brevet.store."));
    let others = [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
    ];
    let others = others.into_iter().map(FileDescriptorSet::decode);
    std::iter::once(Ok(own)).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_show_their_secrets() {
        let credentials = sts::Credentials {
            access_key_id: "ASIA".into(),
            secret_access_key: "canary-1".into(),
            security_token: "canary-2".into(),
            expiration: None,
        };
        let response = sts::AssumeRoleResponse { credentials: Some(credentials), ..Default::default() };
        let shown = format!("{response:?}");
        assert!(shown.contains("ASIA") && shown.contains("REDACTED") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn new_access_keys_do_not_show_their_secrets() {
        let secret_access_key = || "canary".to_owned();
        let key = || Some(admin::AccessKey { access_key_id: "AKIA".into(), ..Default::default() });
        let made = admin::CreateAccessKeyResponse { access_key: key(), secret_access_key: secret_access_key() };
        let rotated = admin::RotateAccessKeyResponse {
            access_key: key(),
            secret_access_key: secret_access_key(),
            rotated: key(),
        };
        for shown in [format!("{made:?}"), format!("{rotated:?}")] {
            assert!(shown.contains("AKIA") && !shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn the_records_of_the_store_are_not_among_the_descriptors() {
        let sets = descriptors().unwrap();
        let names: Vec<_> = sets.iter().flat_map(|set| &set.file).map(|file| file.name()).collect();
        assert!(names.contains(&"brevet/sts/v1/sts.proto"), "{names:?}");
        assert!(names.iter().any(|name| name.ends_with("error_details.proto")), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("store")), "{names:?}");
    }
}
