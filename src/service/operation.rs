//! Every operation the service knows, as one type in and one type out, so that all wires share one road.

use brevet_validator::identity::AccountId;

use serde_json::Value;

use super::denial::DecodeAuthorizationMessage;
use super::federation::{CheckProvider, CheckedStep};
use super::iam;
use super::issue::{
    AssumeRole, AssumeRoleWithWebIdentity, CallerIdentity, GetAccessKeyInfo, GetFederationToken, GetSessionToken,
    GetWebIdentityToken, Issued,
};
use super::outbound::WebIdentityToken;
use super::paging::Page;
use super::policy::lint::{Lint, Linted};
use super::policy::simulate::{Simulate, SimulatedPair};
use super::policy::who_can::{WhoCan, WhoCanPage};
use super::sessions::{ListSessions, ListedSessions, RevokeSession, Revoked};
use super::signing_keys::{GetSigningKey, KeyAndOwner};
use super::trust;
use super::verdicts::{Verdict, VerifyRequest};
use super::zones;

/// What a caller asks for.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `sts:AssumeRole`
    AssumeRole(AssumeRole),
    /// `sts:AssumeRoleWithWebIdentity`
    AssumeRoleWithWebIdentity(AssumeRoleWithWebIdentity),
    /// `sts:GetSessionToken`
    GetSessionToken(GetSessionToken),
    /// `sts:GetFederationToken`
    GetFederationToken(GetFederationToken),
    /// `sts:GetCallerIdentity`
    GetCallerIdentity,
    /// `sts:GetAccessKeyInfo`
    GetAccessKeyInfo(GetAccessKeyInfo),
    /// `sts:DecodeAuthorizationMessage`
    DecodeAuthorizationMessage(DecodeAuthorizationMessage),
    /// `sts:GetWebIdentityToken`
    GetWebIdentityToken(GetWebIdentityToken),
    /// An operation of the IAM API.
    Iam(iam::Request),
    /// The same over gRPC, with what that API has no words for.
    Directory(iam::Request),
    /// Whether an identity provider works.
    CheckProvider(CheckProvider),
    /// `brevet:LintPolicy`
    Lint(Lint),
    /// `iam:SimulateCustomPolicy` or `iam:SimulatePrincipalPolicy`
    Simulate(Simulate),
    /// `brevet:WhoCan`
    WhoCan(WhoCan),
    /// `brevet:RevokeSession`
    RevokeSession(RevokeSession),
    /// `brevet:ListSessions`
    ListSessions(ListSessions),
    /// `brevet:CreateZone` and the like.
    Zones(zones::Request),
    /// `brevet:WatchTrust` and the like.
    Trust(trust::Request),
    /// `brevet:GetSigningKey`
    GetSigningKey(GetSigningKey),
    /// `brevet:VerifyRequest`
    VerifyRequest(Box<VerifyRequest>),
}

impl Operation {
    /// Whether it belongs to the IAM API, whose signatures have a scope of their own.
    pub fn is_iam(&self) -> bool {
        matches!(self, Self::Iam(_))
    }

    /// Whether what it answers is good for something elsewhere, so that it must not be decided by a directory of long ago.
    pub fn issues(&self) -> bool {
        match self {
            Self::AssumeRole(_)
            | Self::AssumeRoleWithWebIdentity(_)
            | Self::GetSessionToken(_)
            | Self::GetFederationToken(_)
            | Self::GetWebIdentityToken(_)
            | Self::GetSigningKey(_)
            | Self::VerifyRequest(_)
            | Self::Trust(trust::Request::GetBundle(_) | trust::Request::Watch(_)) => true,
            Self::GetCallerIdentity
            | Self::GetAccessKeyInfo(_)
            | Self::DecodeAuthorizationMessage(_)
            | Self::Iam(_)
            | Self::Directory(_)
            | Self::CheckProvider(_)
            | Self::Lint(_)
            | Self::Simulate(_)
            | Self::WhoCan(_)
            | Self::RevokeSession(_)
            | Self::ListSessions(_)
            | Self::Zones(_)
            | Self::Trust(trust::Request::Acknowledge(_)) => false,
        }
    }

    /// Which API it belongs to, for the audit record.
    pub fn source(&self) -> &'static str {
        match self {
            Self::AssumeRole(_)
            | Self::AssumeRoleWithWebIdentity(_)
            | Self::GetSessionToken(_)
            | Self::GetFederationToken(_)
            | Self::GetCallerIdentity
            | Self::GetAccessKeyInfo(_)
            | Self::DecodeAuthorizationMessage(_)
            | Self::GetWebIdentityToken(_) => "sts",
            Self::Iam(_) => "iam",
            Self::Directory(_)
            | Self::CheckProvider(_)
            | Self::Lint(_)
            | Self::Simulate(_)
            | Self::WhoCan(_)
            | Self::RevokeSession(_)
            | Self::ListSessions(_)
            | Self::Zones(_) => "admin",
            Self::Trust(_) | Self::GetSigningKey(_) | Self::VerifyRequest(_) => "validation",
        }
    }

    /// What was asked, for the audit record: neither secrets nor whole policies.
    pub fn audit_parameters(&self) -> Value {
        match self {
            Self::AssumeRole(input) => input.audit_parameters(),
            Self::AssumeRoleWithWebIdentity(input) => input.audit_parameters(),
            Self::GetSessionToken(input) => input.audit_parameters(),
            Self::GetFederationToken(input) => input.audit_parameters(),
            Self::GetCallerIdentity => Value::Null,
            Self::GetAccessKeyInfo(input) => input.audit_parameters(),
            Self::DecodeAuthorizationMessage(input) => input.audit_parameters(),
            Self::GetWebIdentityToken(input) => input.audit_parameters(),
            Self::Iam(request) | Self::Directory(request) => request.audit_parameters(),
            Self::CheckProvider(input) => input.audit_parameters(),
            Self::Lint(input) => input.audit_parameters(),
            Self::Simulate(input) => input.audit_parameters(),
            Self::WhoCan(input) => input.audit_parameters(),
            Self::RevokeSession(input) => input.audit_parameters(),
            Self::ListSessions(input) => input.audit_parameters(),
            Self::Zones(request) => request.audit_parameters(),
            Self::Trust(request) => request.audit_parameters(),
            Self::GetSigningKey(input) => input.audit_parameters(),
            Self::VerifyRequest(input) => input.audit_parameters(),
        }
    }

    /// AWS's name, for metrics, audit and answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AssumeRole(_) => "AssumeRole",
            Self::AssumeRoleWithWebIdentity(_) => "AssumeRoleWithWebIdentity",
            Self::GetSessionToken(_) => "GetSessionToken",
            Self::GetFederationToken(_) => "GetFederationToken",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::GetAccessKeyInfo(_) => "GetAccessKeyInfo",
            Self::DecodeAuthorizationMessage(_) => "DecodeAuthorizationMessage",
            Self::GetWebIdentityToken(_) => "GetWebIdentityToken",
            Self::Iam(request) | Self::Directory(request) => request.name(),
            Self::CheckProvider(_) => "TestOidcProvider",
            Self::Lint(_) => "Lint",
            Self::Simulate(_) => "Simulate",
            Self::WhoCan(_) => "WhoCan",
            Self::RevokeSession(_) => "RevokeSession",
            Self::ListSessions(_) => "ListSessions",
            Self::Zones(request) => request.name(),
            Self::Trust(request) => request.name(),
            Self::GetSigningKey(_) => "GetSigningKey",
            Self::VerifyRequest(_) => "VerifyRequest",
        }
    }
}

/// What a caller gets.
#[derive(Debug)]
pub enum Answer {
    /// Credentials.
    Issued(Box<Issued>),
    /// Who the caller is.
    CallerIdentity(CallerIdentity),
    /// Which account owns a key.
    AccessKeyInfo(AccountId),
    /// What was found of an identity provider.
    CheckedProvider(Vec<CheckedStep>),
    /// A refusal and its trace, as JSON.
    DecodedMessage(String),
    /// A token that says who the caller is.
    WebIdentityToken(WebIdentityToken),
    /// The answer of an IAM operation.
    Iam(iam::Answer),
    /// What was found in documents, in their order.
    Linted(Vec<Linted>),
    /// What policies would decide.
    Simulated(Page<SimulatedPair>),
    /// Who can do something.
    WhoCan(WhoCanPage),
    /// Sessions that are not over.
    Sessions(ListedSessions),
    /// Sessions were revoked.
    Revoked(Revoked),
    /// Zones.
    Zones(zones::Answer),
    /// What a validator is told.
    Trust(trust::Answer),
    /// A signing key.
    SigningKey(Box<KeyAndOwner>),
    /// What to make of a request.
    Verdict(Verdict),
}
