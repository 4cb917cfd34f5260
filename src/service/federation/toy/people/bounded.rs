//! Entries by name, of which the oldest make room for new ones: strangers cannot fill the memory.

use std::collections::VecDeque;
use std::fmt;

/// Most entries. So few are found by looking at each.
pub(super) const MOST: usize = 1_000;

/// At most [`MOST`] entries.
pub(super) struct Bounded<T>(VecDeque<(String, T)>);

impl<T> Bounded<T> {
    pub(super) fn insert(&mut self, name: String, entry: T) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((name, entry));
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, entry)| entry)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.0.iter_mut().find(|(other, _)| other == name).map(|(_, entry)| entry)
    }

    /// The first entry of which this is true, and its name.
    pub(super) fn find(&self, is: impl Fn(&T) -> bool) -> Option<(&str, &T)> {
        self.0.iter().find(|(_, entry)| is(entry)).map(|(name, entry)| (name.as_str(), entry))
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<T> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        self.0.remove(at).map(|(_, entry)| entry)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.0.retain(|(_, entry)| keep(entry));
    }
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> fmt::Debug for Bounded<T> {
    /// Shows no name, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("length", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_makes_room_for_a_new_one() {
        let mut bounded = Bounded::default();
        for n in 0..=MOST {
            bounded.insert(n.to_string(), n);
        }
        assert_eq!((bounded.get("0"), bounded.get("1"), bounded.get("1000")), (None, Some(&1), Some(&1_000)));
        assert_eq!((bounded.remove("1"), bounded.remove("1")), (Some(1), None));
        assert!(!format!("{bounded:?}").contains("1000"));
    }
}
