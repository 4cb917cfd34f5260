//! Whether this process can do its work now, for load balancers and people.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::providers::{self, Note, Watch};

/// Looks at one thing that the service needs; the text says what is wrong and is shown to operators.
pub type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The checks of this process. A stopping process is not ready, so that callers go elsewhere while it drains.
#[derive(Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    stopping: AtomicBool,
    providers: Option<Watch>,
}

impl Readiness {
    /// Ready while all of these are.
    pub fn new(checks: Vec<(&'static str, Check)>) -> Self {
        Self { checks, ..Self::default() }
    }

    /// Tells of identity providers, too. None of them makes the process unready.
    #[must_use]
    pub fn watching(mut self, providers: Watch) -> Self {
        self.providers = Some(providers);
        self
    }

    /// What is to be said besides the checks.
    pub fn notes(&self) -> Vec<Note> {
        self.providers.as_ref().map(|states| providers::notes(&states())).unwrap_or_default()
    }

    /// From now on not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Every check by name, with its outcome.
    pub fn report(&self) -> Vec<(&'static str, Result<(), String>)> {
        let stopping = match self.stopping.load(Ordering::Relaxed) {
            true => Err("stopping".to_owned()),
            false => Ok(()),
        };
        let checks = self.checks.iter().map(|(name, check)| (*name, check()));
        std::iter::once(("running", stopping)).chain(checks).collect()
    }

    /// Whether every check passes.
    pub fn is_ready(&self) -> bool {
        self.report().iter().all(|(_, outcome)| outcome.is_ok())
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.report()).finish()
    }
}
