//! AssumeRoleWithWebIdentity on the road: verify, decide, spend a use, record, answer.

use brevet_validator::signature::{self, Refusal};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::Rejection;
use sha2::{Digest as _, Sha256};

use super::{Service, UNSIGNED_REGION, Worth};
use crate::service::audit::{DenialKey, Outcome, Record};
use crate::service::caller::{Envelope, WebIdentity};
use crate::service::error::Error;
use crate::service::issue::{AssumeRoleWithWebIdentity, Issued, WebIdentityRequest};
use crate::service::operation::Answer;

impl Service {
    /// AssumeRoleWithWebIdentity: the identity token is the proof, in the place of a signature.
    pub(super) async fn exchange_identity(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        input: &AssumeRoleWithWebIdentity,
        now: Timestamp,
        mut record: Record,
    ) -> Result<Answer, Error> {
        let (visitor, request) = match self.identify(envelope, request, body, input, now).await {
            Ok(identified) => identified,
            Err(error) => {
                self.record_unauthenticated(envelope, record, &error, now).await;
                return Err(error);
            }
        };
        record.web_identity(visitor.token(), visitor.snapshot().revision.0);
        record.degraded(self.is_degraded(now));
        let answer = match self.grant(&visitor, request).await {
            Ok(issued) => self.conclude(record, Ok((Answer::Issued(Box::new(issued)), Worth::Record))).await,
            Err(mut error) => {
                if !error.kind().is_ours() {
                    self.identification.in_vain(envelope.source_ip, now);
                }
                record.outcome(Outcome::Failed(&error));
                let first = self.repeats().take(repeat_of(&visitor, input, &error), now, record);
                self.write_all(first.into_iter().collect()).await;
                error.encode(|denial| self.encode(denial));
                Err(error)
            }
        };
        self.enter(&answer, &visitor, envelope);
        self.identification.count(visitor.provider_id(), answer.is_ok());
        answer
    }

    /// The session, with a use of the token spent where the role counts them: on what could not be recorded none is.
    async fn grant(&self, visitor: &WebIdentity, request: WebIdentityRequest) -> Result<Issued, Error> {
        self.fresh_enough(visitor.now()).await?;
        let granted = self.issuer.assume_role_with_web_identity(visitor, request)?;
        self.ready()?;
        granted.redeem(&self.directory, visitor.now()).await
    }

    /// Whoever holds the identity token. A request need not be signed, but a signature that is there must be good.
    async fn identify(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        input: &AssumeRoleWithWebIdentity,
        now: Timestamp,
    ) -> Result<(WebIdentity, WebIdentityRequest), Error> {
        let region = match self.sts.begin(request, now) {
            Ok(pending) => {
                let region = pending.scope().region().to_owned();
                pending.finish(body)?;
                region
            }
            Err(Rejection::Signature(Refusal::NoCredentials)) => UNSIGNED_REGION.to_owned(),
            Err(rejection) => return Err(rejection.into()),
        };
        let (request, token) = input.read()?;
        let directory = || self.directory.snapshot();
        let identified =
            self.identification.identify(token, request.account(), directory, envelope, &region, now).await?;
        Ok((identified, request))
    }
}

/// The same token, refused the same role for the same reason.
fn repeat_of(visitor: &WebIdentity, input: &AssumeRoleWithWebIdentity, error: &Error) -> DenialKey {
    let token = visitor.token();
    let mut hash = Sha256::new();
    let role = input.role_arn.as_deref().unwrap_or_default();
    let (issuer, subject, id) = (token.issuer().as_str(), token.subject(), token.use_id().digest());
    let parts = [issuer.as_bytes(), subject.as_bytes(), &id, role.as_bytes(), error.kind().code().as_bytes()];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
