//! Where the road leads to validators: what they are told, and what they say of a revocation.

use super::{Service, Worth};
use crate::service::caller::{Caller, Envelope};
use crate::service::error::Error;
use crate::service::operation::Answer;
use crate::service::sessions::{Activity, Revoked};
use crate::service::trust;

impl Service {
    /// What hands out a zone's keys is recorded; what a validator says of itself is not.
    pub(super) async fn tell(
        &self,
        envelope: &Envelope,
        caller: &Caller,
        request: trust::Request,
    ) -> Result<(Answer, Worth), Error> {
        let (answer, worth) = match request {
            trust::Request::GetBundle(zone) => {
                self.ready()?;
                (trust::Answer::Bundle(self.trust.get_bundle(caller, &zone).await?), Worth::Record)
            }
            trust::Request::Watch(input) => {
                self.ready()?;
                let watching = self.trust.watch(caller, envelope, &self.clock, &input)?;
                (trust::Answer::Watching(Box::new(watching)), Worth::Record)
            }
            trust::Request::Acknowledge(input) => {
                for Activity { access_key_id, last_used, service } in self.trust.acknowledge(caller, input)? {
                    self.sessions.used(access_key_id, last_used, &service, caller.now());
                }
                (trust::Answer::Acknowledged, Worth::Nothing)
            }
        };
        Ok((Answer::Trust(answer), worth))
    }

    /// With what validators say, if someone waits for that.
    pub(super) async fn with_receipts(&self, revoked: Revoked) -> Revoked {
        let Some((committed, patience)) = revoked.awaited else { return revoked };
        let receipts = self.trust.receipts(committed, patience, self.clock.now()).await;
        Revoked { receipts: Some(receipts), ..revoked }
    }
}
