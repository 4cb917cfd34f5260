//! The messages and the clients of Brevet's services, generated from its protos and committed, so that nobody who embeds
//! this crate needs a compiler for protos.

use std::fmt;

pub use sts::*;

/// `brevet.admin.v1`
#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
pub mod admin {
    include!("generated/brevet.admin.v1.rs");
}

/// `brevet.sts.v1`
#[expect(missing_docs, clippy::allow_attributes_without_reason, reason = "generated; the proto file documents it")]
pub mod sts {
    include!("generated/brevet.sts.v1.rs");
}

/// `brevet.validation.v1`
#[expect(missing_docs, clippy::allow_attributes_without_reason, reason = "generated; the proto file documents it")]
pub mod validation {
    include!("generated/brevet.validation.v1.rs");
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

impl fmt::Debug for AssumeRoleWithWebIdentityRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleWithWebIdentityRequest").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

impl fmt::Debug for GetWebIdentityTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetWebIdentityTokenResponse").field("expiration", &self.expiration).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
