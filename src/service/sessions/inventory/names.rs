//! Texts that many sessions have in common, each held once.

use std::collections::HashSet;
use std::sync::Arc;

/// Texts below which nobody looks for those that are out of use.
const FEW: usize = 1024;

/// The texts in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<Arc<str>>,
    /// How many there were when those out of use were let go.
    were: usize,
}

impl Names {
    /// Puts the text that is known in the place of an equal one.
    pub(super) fn share(&mut self, name: &mut Arc<str>) {
        if let Some(known) = self.known.get(name) {
            *name = Arc::clone(known);
            return;
        }
        if self.known.len() >= self.were.max(FEW) * 2 {
            self.known.retain(|name| Arc::strong_count(name) > 1);
            self.were = self.known.len();
        }
        self.known.insert(Arc::clone(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_become_one_and_those_out_of_use_are_let_go() {
        let mut names = Names::default();
        let kept: Vec<Arc<str>> = ["ada", "bob", "ada"].map(Arc::from).into();
        let mut shared = kept.clone();
        shared.iter_mut().for_each(|name| names.share(name));
        assert_eq!(kept, shared);
        assert!(Arc::ptr_eq(&shared[0], &shared[2]) && !Arc::ptr_eq(&kept[0], &kept[2]));
        drop(kept);
        for n in 0..10 * FEW {
            names.share(&mut Arc::from(n.to_string()));
            assert!(names.known.len() <= 2 * FEW + 2);
        }
        let mut again = Arc::from("bob");
        names.share(&mut again);
        assert!(Arc::ptr_eq(&again, &shared[1]));
    }
}
