//! A hash map in pieces that copies share: copying it costs nothing, and a change to a copy copies one piece of it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

const SHARDS: usize = 256;

/// The pieces. Each hashes under a key that is random per process.
#[derive(Clone, Debug)]
pub(super) struct Shards<K, V>(Arc<[Arc<HashMap<K, V>>]>);

/// Says which piece a key is in.
pub(super) trait Spread {
    /// Any number that keys spread over. It is no defence: keys that crowd into one piece make changes slower, not look-ups.
    fn shard(&self) -> u8;
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        let empty = Arc::new(HashMap::new());
        Self(vec![empty; SHARDS].into())
    }
}

impl<K: Clone + Eq + Hash + Spread, V: Clone> Shards<K, V> {
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.piece(key.shard()).insert(key, value);
    }

    pub(super) fn remove<Q: Eq + Hash + Spread + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if self.contains(key) {
            self.piece(key.shard()).remove(key);
        }
    }

    pub(super) fn get<Q: Eq + Hash + Spread + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0[usize::from(key.shard())].get(key)
    }

    pub(super) fn contains<Q: Eq + Hash + Spread + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        for shard in 0..SHARDS {
            if !self.0[shard].values().all(&keep) {
                let piece = Arc::make_mut(&mut Arc::make_mut(&mut self.0)[shard]);
                piece.retain(|_, value| keep(value));
                piece.shrink_to_fit();
            }
        }
    }

    /// Takes in what another has; of what both have, what `pick` makes of the two.
    pub(super) fn absorb(&mut self, other: &Self, pick: impl Fn(&V, &V) -> V) {
        for (key, theirs) in other.0.iter().flat_map(|piece| piece.iter()) {
            let value = self.get(key).map_or_else(|| theirs.clone(), |ours| pick(ours, theirs));
            self.insert(key.clone(), value);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|piece| piece.len()).sum()
    }

    fn piece(&mut self, shard: u8) -> &mut HashMap<K, V> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[usize::from(shard)])
    }
}
