//! ListSessions: the sessions of the caller's account that are not over.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::inventory::{Inventory, Known, Piece, Place};
use super::target::{Target, Which};
use crate::service::caller::{Asked, Caller};
use crate::service::error::Error;
use crate::service::hex::hex;
use crate::service::paging::{Page, PageRequest, Paging};
use crate::service::parameters::shown;

/// What is asked, as it came off the wire. An empty filter is none; all others must be true.
#[derive(Clone, Debug, Default)]
pub struct ListSessions {
    /// A user, a role or the account's root, who acts or started it all.
    pub principal_arn: String,
    /// The identity provider whose token started it all.
    pub provider_arn: String,
    /// The session itself, or one that it was made from.
    pub access_key_id: String,
    /// Which piece.
    pub page: PageRequest,
}

/// A session in a list.
#[derive(Clone, Debug)]
pub struct ListedSession {
    /// The session.
    pub known: Known,
    /// Whether it is refused already.
    pub revoked: bool,
}

/// A piece of a list.
#[derive(Debug)]
pub struct ListedSessions {
    /// The last issued first.
    pub page: Page<ListedSession>,
    /// Sessions that were issued at this time or before may be missing.
    pub incomplete_before: Option<Timestamp>,
}

impl ListSessions {
    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        json!({
            "principalArn": shown(&self.principal_arn),
            "providerArn": shown(&self.provider_arn),
            "accessKeyId": shown(&self.access_key_id),
        })
    }

    /// The filters that are set.
    fn targets(&self) -> Result<Vec<Target>, Error> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let filters = [
            given(&self.principal_arn).map(Which::PrincipalArn),
            given(&self.provider_arn).map(Which::ProviderArn),
            given(&self.access_key_id).map(Which::AccessKeyId),
        ];
        filters.iter().flatten().map(Target::which).collect()
    }

    fn paging(&self, account: AccountId) -> Result<Paging, Error> {
        let mut filters = Sha256::new();
        for text in [&self.principal_arn, &self.provider_arn, &self.access_key_id] {
            filters.update((text.len() as u64).to_be_bytes());
            filters.update(text);
        }
        Paging::requested(&self.page, account, &format!("ListSessions/{}", hex(&filters.finalize()[..8])))
    }
}

/// `brevet:ListSessions` on the account's sessions. What a filter names is looked up as for a revocation, so that a list shows
/// what the revocation would end.
pub fn list(inventory: &Inventory, caller: &Caller, input: &ListSessions) -> Result<ListedSessions, Error> {
    let account = caller.principal().account();
    let targets = input.targets()?;
    let paging = input.paging(account)?;
    let after = paging.after().map(|place| Place::parse(place).ok_or_else(|| paging.invalid())).transpose()?;
    let resource = Arn::new("brevet", caller.region(), Some(account), "session/*");
    caller.demand(&Asked { action: "brevet:ListSessions", resource: &resource, context: &caller.context() })?;

    let snapshot = caller.snapshot();
    let subjects: Vec<Subject> =
        targets.iter().map(|target| target.find(caller, snapshot).subject()).collect::<Result<_, _>>()?;
    let Piece { sessions, next, incomplete_before } =
        inventory.list(account, &subjects, after, paging.limit(), caller.now());
    let listed = |known: Known| {
        let revoked = snapshot.revocations().refuses_what(&known.entry.revocable()).is_some();
        ListedSession { known, revoked }
    };
    let items = sessions.into_iter().map(listed).collect();
    let marker = next.map(|place| paging.marker(&place.to_string()));
    Ok(ListedSessions { page: Page { items, marker }, incomplete_before })
}
