//! What operators see of identity providers: the state of each one's keys, and what it came to.

use std::collections::{BTreeMap, HashMap};

use brevet_validator::identity::AccountId;
use brevet_validator::timestamp::Timestamp;

use super::Issuer;
use super::identify::source;
use super::key_sets::{KeySetError, KeySetStatus, KeySets};
use crate::service::directory::{OidcProvider, Snapshot};

/// Providers that are told of at a time, so that what operators read stays short.
const MOST: usize = 1_000;

/// All providers, or the first of them.
#[derive(Clone, Debug, Default)]
pub struct ProviderStates {
    /// By account and name.
    pub shown: Vec<ProviderState>,
    /// How many there are besides.
    pub left_out: usize,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct ProviderState {
    /// Owner.
    pub account: AccountId,
    /// Whose tokens. It has no character that a text would have to escape.
    pub issuer: Issuer,
    /// What is known of its keys.
    pub state: KeysState,
    /// Keys that can be used now.
    pub keys: usize,
    /// How long ago the keys came that are used now, in seconds.
    pub age: Option<i64>,
    /// How many fetches ended how: `success`, or the word of the error. Of everyone who registered the issuer alike.
    pub fetches: BTreeMap<&'static str, u64>,
    /// Exchanges of its tokens.
    pub exchanges: ExchangeCount,
}

/// What is known of a provider's keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeysState {
    /// Nobody asks for them.
    Disabled,
    /// They are in its record.
    Pinned,
    /// No token asked for them yet.
    NotFetched,
    /// They are served.
    Fresh {
        /// When they came.
        at: Timestamp,
    },
    /// They are asked for again with the next token.
    Stale {
        /// Since when.
        since: Timestamp,
    },
    /// The latest fetch failed. Keys from before it may be in use.
    Failing {
        /// Why.
        error: KeySetError,
        /// When keys last came.
        last_good: Option<Timestamp>,
    },
}

/// Exchanges of one provider's tokens since the process started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExchangeCount {
    /// Credentials were issued.
    pub success: u64,
    /// They were not, for whatever reason.
    pub denied: u64,
}

/// Exchanges by the providers' unique ids.
#[derive(Debug, Default)]
pub(super) struct Exchanges(HashMap<String, ExchangeCount>);

impl Exchanges {
    pub(super) fn count(&mut self, provider_id: &str, issued: bool) {
        // To look first spares all but the first exchange a copy of the id.
        if !self.0.contains_key(provider_id) {
            self.0.insert(provider_id.to_owned(), ExchangeCount::default());
        }
        if let Some(count) = self.0.get_mut(provider_id) {
            *(if issued { &mut count.success } else { &mut count.denied }) += 1;
        }
    }

    /// Forgets providers that are gone.
    fn keep_those_of(&mut self, snapshot: &Snapshot) {
        let ids: std::collections::HashSet<&str> =
            snapshot.all_providers().map(|provider| provider.id.as_str()).collect();
        self.0.retain(|id, _| ids.contains(id.as_str()));
    }
}

impl ProviderStates {
    pub(super) fn of(snapshot: &Snapshot, key_sets: &dyn KeySets, exchanges: &mut Exchanges, now: Timestamp) -> Self {
        exchanges.keep_those_of(snapshot);
        let state = |provider: &OidcProvider| {
            let exchanges = exchanges.0.get(&provider.id).copied().unwrap_or_default();
            ProviderState::of(provider, key_sets.status(&source(provider)), exchanges, now)
        };
        let mut providers = snapshot.all_providers();
        let shown = providers.by_ref().take(MOST).map(state).collect();
        Self { shown, left_out: providers.count() }
    }
}

impl ProviderState {
    fn of(provider: &OidcProvider, status: KeySetStatus, exchanges: ExchangeCount, now: Timestamp) -> Self {
        let state = match status {
            _ if provider.disabled => KeysState::Disabled,
            _ if provider.reach.pinned.is_some() => KeysState::Pinned,
            KeySetStatus { last_error: Some(error), last_good_fetch: last_good, .. } => {
                KeysState::Failing { error, last_good }
            }
            KeySetStatus { stale_at: Some(since), .. } if since <= now => KeysState::Stale { since },
            KeySetStatus { last_good_fetch: Some(at), .. } => KeysState::Fresh { at },
            KeySetStatus { last_good_fetch: None, .. } => KeysState::NotFetched,
        };
        Self {
            account: provider.account,
            issuer: provider.issuer.clone(),
            state,
            keys: status.keys,
            age: status.last_good_fetch.filter(|_| !provider.disabled).map(|at| (now - at).max(0)),
            fetches: status.fetches,
            exchanges,
        }
    }
}
