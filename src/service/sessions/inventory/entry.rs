//! What is known of a session that was issued.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, KeyKind, Lifetime};
use brevet_validator::identity::{AccountId, Arn, Principal, UniqueId};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Revocable, SessionHolder, SessionId, Subject};

use super::index::Group;
use crate::service::caller::{Caller, Envelope, WebIdentity};
use crate::service::directory::role_arn;
use crate::service::issue::Issued;

/// Characters of a user agent that are kept.
const USER_AGENT: usize = 256;

/// A session that was issued. Texts are shared with others that have the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub(super) id: SessionId,
    /// Oldest first.
    pub(super) ancestors: Box<[SessionId]>,
    pub(super) account: AccountId,
    pub(super) holder: SessionHolder,
    /// When it was made, and when it is over.
    pub lifetime: Lifetime,
    pub(super) directory_revision: u64,
    /// Where the request came from.
    pub source_ip: IpAddr,
    pub(super) source_user: Option<UniqueId>,
    /// The long-lived key that started it all.
    pub source_access_key: Option<AccessKeyId>,
    pub(super) provider_id: Option<Arc<str>>,
    /// Who acts with it.
    pub arn: Arc<str>,
    /// The role, of sessions of roles.
    pub role_arn: Option<Arc<str>>,
    /// Who asked for it: an ARN, or the subject of a web identity.
    pub issued_to: Arc<str>,
    /// Of a web identity.
    pub provider_arn: Option<Arc<str>>,
    /// In force for the session.
    pub source_identity: Option<Arc<str>>,
    /// The beginning of what was sent.
    pub user_agent: Option<Arc<str>>,
}

/// Who asked for a session.
#[derive(Clone, Debug)]
pub struct Requester {
    pub(super) name: Arc<str>,
    pub(super) provider_arn: Option<Arc<str>>,
}

impl From<&Caller> for Requester {
    fn from(caller: &Caller) -> Self {
        Self { name: caller.subject().arn.as_str().into(), provider_arn: None }
    }
}

impl From<&WebIdentity> for Requester {
    fn from(visitor: &WebIdentity) -> Self {
        Self { name: visitor.token().subject().into(), provider_arn: Some(visitor.provider_arn().as_str().into()) }
    }
}

impl Entry {
    /// What is kept of a session when it is handed out.
    pub fn new(issued: &Issued, requester: Requester, envelope: &Envelope) -> Self {
        let claims = &issued.claims;
        let shared = |arn: Arn| Arc::from(arn.as_str());
        let role_arn = match &claims.principal {
            Principal::RoleSession { account, role_path, role_name, .. } => {
                Some(shared(role_arn(*account, role_path, role_name)))
            }
            _ => None,
        };
        let agent = envelope.user_agent.as_deref();
        Self {
            id: issued.session_id,
            ancestors: claims.ancestors.as_slice().into(),
            account: claims.account(),
            holder: SessionHolder::of(&claims.principal),
            lifetime: issued.lifetime,
            directory_revision: claims.directory_revision,
            source_ip: envelope.source_ip.to_canonical(),
            source_user: claims.source_user,
            source_access_key: claims.source_access_key,
            provider_id: claims.federation.as_ref().map(|federation| federation.provider_id.as_str().into()),
            arn: shared(claims.principal.arn()),
            role_arn,
            issued_to: requester.name,
            provider_arn: requester.provider_arn,
            source_identity: claims.source_identity.as_deref().map(Into::into),
            user_agent: agent.map(|agent| agent.chars().take(USER_AGENT).collect::<String>().into()),
        }
    }

    /// `ASIA…`
    pub fn access_key_id(&self) -> AccessKeyId {
        self.id.access_key_id()
    }

    /// The session that it was made from.
    pub fn parent(&self) -> Option<AccessKeyId> {
        self.ancestors.last().map(SessionId::access_key_id)
    }

    /// What revocations look at.
    pub fn revocable(&self) -> Revocable<'_> {
        Revocable {
            id: self.id,
            ancestors: &self.ancestors,
            account: self.account,
            holder: self.holder,
            source_user: self.source_user,
            source_access_key: self.source_access_key,
            provider_id: self.provider_id.as_deref(),
            issued_at: self.lifetime.issued_at,
            directory_revision: self.directory_revision,
        }
    }

    /// Where it stands in the order of issue.
    pub(super) fn place(&self) -> Place {
        Place::new(self.lifetime.issued_at, self.access_key_id())
    }

    /// What it can be found by, besides its own access key id.
    pub(super) fn groups(&self) -> Vec<Group> {
        let user = self.source_user.map(Subject::User);
        let provider = self.provider_id.as_deref().map(|id| Subject::Provider(id.into()));
        let line = self.ancestors.iter().map(|id| session(self.account, id.access_key_id()));
        let holder = self.holder.subject(self.account);
        let user = user.filter(|user| *user != holder);
        let subjects = [Some(holder), user, provider].into_iter().flatten().chain(line);
        [Group::All(self.account)].into_iter().chain(subjects.map(|subject| Group::Of(self.account, subject))).collect()
    }

    /// All texts, to be put into the place of equal ones.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut Arc<str>> {
        let Self { provider_id, arn, role_arn, issued_to, provider_arn, source_identity, user_agent, .. } = self;
        let optional = [provider_id, role_arn, provider_arn, source_identity, user_agent];
        [arn, issued_to].into_iter().chain(optional.into_iter().flatten())
    }
}

/// A session, and those that were made from it in an account.
pub(super) fn session(account: AccountId, access_key_id: AccessKeyId) -> Subject {
    Subject::Session { account, access_key_id }
}

/// The order of issue, the same at all replicas: the second, then the ten bytes of the access key id. As text: `TIME/ASIA…`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place(u128);

impl Place {
    /// Of a session.
    pub(super) fn new(issued_at: Timestamp, id: AccessKeyId) -> Self {
        let mut bytes = [0; 16];
        // No time has more than six bytes.
        bytes[..6].copy_from_slice(&issued_at.unix().to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&id.to_bytes());
        Self(u128::from_be_bytes(bytes))
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (issued_at, id) = text.split_once('/')?;
        Some(Self::new(Timestamp::from_unix(issued_at.parse().ok()?)?, id.parse().ok()?))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = [0; 10];
        key.copy_from_slice(&self.0.to_be_bytes()[6..]);
        write!(f, "{}/{}", self.0 >> 80, AccessKeyId::from_bytes(KeyKind::Temporary, key))
    }
}
