//! Says in the log when a validator becomes stale, and when it no longer is.

use std::sync::Arc;
use std::time::Duration;

use brevet_validator::validator::{Validator, WhenStale};

/// Runs for as long as the validator is followed.
pub(super) async fn watch(validator: Arc<Validator>, zone: String) {
    let Some(followed) = validator.followed() else { return };
    let mut was_stale = false;
    loop {
        let stale = crate::signed::now().is_ok_and(|now| followed.is_stale(now));
        if stale != was_stale {
            let since = followed.confirmed_at().map_or_else(|| "ever".to_owned(), |at| at.to_string());
            match (stale, followed.staleness().when_stale) {
                (true, WhenStale::FailClosed) => {
                    tracing::error!(zone, "refusing all sessions: nothing heard of revocations since {since}");
                }
                (true, WhenStale::FailOpen) => {
                    tracing::error!(zone, "accepting sessions that may be revoked: nothing heard since {since}");
                }
                (false, _) => tracing::info!(zone, "revocations are up to date again"),
            }
            was_stale = stale;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
