//! Identity tokens that were traded for sessions of roles which count them, and their records.

use std::sync::Arc;

use brevet_validator::identity::UniqueId;
use brevet_validator::timestamp::Timestamp;

use super::convert::{Read, parsed, time};
use super::snapshot::{Snapshot, Versioned};
use super::stored::Stored;
use crate::service::hex::hex;
use crate::store::records;

/// An identity token that got sessions of a role.
#[derive(Clone, Debug)]
pub struct UsedToken {
    /// Which token, at which role.
    pub key: UsedTokenKey,
    /// Sessions that it got.
    pub uses: u32,
    /// When no clock takes the token any more.
    pub until: Timestamp,
}

/// Names an identity token at a role. A role or provider made again under an old name is another one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UsedTokenKey {
    /// `AROA…`
    pub role: UniqueId,
    /// Id of the identity provider.
    pub provider: String,
    /// Names the token among those of its provider.
    pub token: [u8; 32],
}

impl Snapshot {
    /// What a token got, if it got anything.
    pub fn used_token(&self, key: &UsedTokenKey) -> Option<&UsedToken> {
        self.used_tokens.get(key).map(|v| &*v.entity)
    }

    /// The tokens that are over, the oldest first.
    pub fn used_tokens_over(&self, now: Timestamp) -> impl Iterator<Item = &UsedToken> {
        let over = self.used_tokens_by_end.iter().take_while(move |(until, _)| *until < now);
        over.filter_map(|(_, key)| self.used_token(key))
    }
}

impl Stored for UsedToken {
    fn key(&self) -> String {
        let UsedTokenKey { role, provider, token } = &self.key;
        format!("used-tokens/{role}/{provider}/{}", hex(token))
    }

    fn encode(&self) -> Vec<u8> {
        records::encode(&records::UsedToken {
            role_id: self.key.role.to_string(),
            provider_id: self.key.provider.clone(),
            token_hash: self.key.token.to_vec(),
            uses: self.uses,
            until: self.until.unix(),
        })
    }

    fn version(&self, snapshot: &Snapshot) -> Option<u64> {
        snapshot.used_tokens.get(&self.key).map(|v| v.version)
    }

    fn insert(self, version: u64, snapshot: &mut Snapshot) {
        self.remove(snapshot);
        snapshot.used_tokens_by_end.insert((self.until, self.key.clone()));
        snapshot.used_tokens.insert(self.key.clone(), Versioned { entity: Arc::new(self), version });
    }

    fn remove(&self, snapshot: &mut Snapshot) {
        if let Some(before) = snapshot.used_tokens.remove(&self.key) {
            snapshot.used_tokens_by_end.remove(&(before.entity.until, self.key.clone()));
        }
    }
}

pub(super) fn used_token(content: &[u8]) -> Read<UsedToken> {
    let r: records::UsedToken = records::decode(content)?;
    Ok(UsedToken {
        key: UsedTokenKey {
            role: parsed(&r.role_id, "unique id")?,
            provider: r.provider_id,
            token: r.token_hash.try_into().map_err(|_| "bad token hash".to_owned())?,
        },
        uses: r.uses,
        until: time(r.until)?,
    })
}
