//! Where the road forks: what each operation does.

use super::Service;
use crate::service::caller::{Caller, Envelope};
use crate::service::denial::decode_authorization_message;
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::outbound;
use crate::service::policy::{lint, simulate, who_can};
use crate::service::sessions;
use crate::service::signing_keys::get_signing_key;

/// What an answer owes the audit log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Worth {
    /// It only told something.
    Nothing,
    /// It issued or changed something.
    Record,
}

impl Service {
    /// Does what is asked, if the caller may.
    pub(super) async fn act(
        &self,
        envelope: &Envelope,
        caller: &Caller,
        operation: Operation,
    ) -> Result<(Answer, Worth), Error> {
        let issuer = &self.issuer;
        let issued = |issued| (Answer::Issued(Box::new(issued)), Worth::Record);
        let told = |answer| (answer, Worth::Nothing);
        match operation {
            Operation::AssumeRole(input) => issuer.assume_role(caller, &input).map(issued),
            // Its road is another one: no caller ever asks for it.
            Operation::AssumeRoleWithWebIdentity(_) => Err(Error::internal("a web identity has no caller")),
            Operation::GetSessionToken(input) => issuer.session_token(caller, &input).map(issued),
            Operation::GetFederationToken(input) => issuer.federation_token(caller, &input).map(issued),
            Operation::GetCallerIdentity => Ok(told(Answer::CallerIdentity(issuer.caller_identity(caller)))),
            Operation::GetAccessKeyInfo(input) => {
                issuer.access_key_info(caller, &input).map(Answer::AccessKeyInfo).map(told)
            }
            Operation::CheckProvider(input) => {
                self.identification.check(caller, &input).await.map(Answer::CheckedProvider).map(told)
            }
            Operation::DecodeAuthorizationMessage(input) => {
                decode_authorization_message(caller, &self.keys, &input).map(Answer::DecodedMessage).map(told)
            }
            Operation::GetWebIdentityToken(input) => {
                let claims = issuer.web_identity_token(caller, &input)?;
                let outbound = self.outbound.as_ref().ok_or_else(outbound::disabled)?;
                Ok((Answer::WebIdentityToken(outbound.issue(claims).await?), Worth::Record))
            }
            Operation::Iam(request) | Operation::Directory(request) if request.is_change() => {
                // A change that could not be recorded must not happen.
                self.ready()?;
                let answer = self.administrator.call(caller, request).await?;
                Ok((Answer::Iam(answer), Worth::Record))
            }
            Operation::Iam(request) | Operation::Directory(request) => {
                self.administrator.call(caller, request).await.map(Answer::Iam).map(told)
            }
            Operation::RevokeSession(input) => {
                self.ready()?;
                let revoked = sessions::revoke(&self.directory, caller, &input).await?;
                Ok((Answer::Revoked(revoked), Worth::Record))
            }
            Operation::ListSessions(input) => {
                self.sessions.follow(caller.snapshot(), caller.now());
                sessions::list(&self.sessions, caller, &input).map(Answer::Sessions).map(told)
            }
            Operation::Zones(request) => {
                let worth = if request.is_change() { self.ready().map(|()| Worth::Record)? } else { Worth::Nothing };
                Ok((Answer::Zones(self.zones.call(caller, request).await?), worth))
            }
            Operation::Trust(request) => self.tell(envelope, caller, request).await,
            Operation::GetSigningKey(input) => {
                let key = get_signing_key(caller, self.keys.ring(), &input)?;
                Ok((Answer::SigningKey(Box::new(key)), Worth::Record))
            }
            Operation::VerifyRequest(input) => self.verdicts.verify(caller, &input).map(Answer::Verdict).map(told),
            Operation::Lint(input) => lint::lint(caller, input).map(Answer::Linted).map(told),
            Operation::Simulate(input) => simulate::simulate(caller, input).map(Answer::Simulated).map(told),
            Operation::WhoCan(input) => who_can::who_can(caller, &input).map(Answer::WhoCan).map(told),
        }
    }
}
