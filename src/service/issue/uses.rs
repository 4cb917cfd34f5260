//! Roles that count how many sessions one identity token gets: the use is committed before the session is handed out.

use std::num::NonZeroU32;

use brevet_validator::timestamp::Timestamp;

use super::answer::Issued;
use crate::service::caller::WebIdentity;
use crate::service::directory::{Directory, Edit, Role, UsedToken, UsedTokenKey};
use crate::service::error::{Error, Kind};

/// For how many seconds after its `exp` a token's uses are kept: the leeway, and more than any two clocks may differ.
const KEPT: i64 = 300;
/// Records of tokens that are over, cleared away with each use: twice as many as it makes, so that they cannot pile up.
const CLEARED: usize = 2;
/// A session that was decided and minted. It is handed out once its use is paid for, if its role counts them.
#[derive(Debug)]
#[must_use]
pub struct Granted {
    issued: Issued,
    uses: Option<Use>,
}

/// One of the sessions that a role gives for a token.
#[derive(Debug)]
struct Use {
    key: UsedTokenKey,
    most: NonZeroU32,
    until: Timestamp,
}

impl Granted {
    pub(super) fn new(issued: Issued, visitor: &WebIdentity, role: &Role) -> Self {
        let token = visitor.token();
        let uses = role.max_uses.map(|most| Use {
            key: UsedTokenKey {
                role: role.id,
                provider: visitor.provider_id().to_owned(),
                token: token.use_id().digest(),
            },
            most,
            until: token.expires_at() + KEPT,
        });
        Self { issued, uses }
    }

    /// The session, once its use is durable. A token that was used up gets nothing; nor does anyone while uses cannot be
    /// written. What happens after this does not give the use back.
    pub async fn redeem(self, directory: &Directory, now: Timestamp) -> Result<Issued, Error> {
        if let Some(uses) = self.uses {
            uses.spend(directory, now).await?;
        }
        Ok(self.issued)
    }
}

impl Use {
    async fn spend(&self, directory: &Directory, now: Timestamp) -> Result<(), Error> {
        let spend = |edit: &mut Edit| {
            let before = edit.before();
            let seen = before.used_token(&self.key);
            let uses = seen.map_or(0, |seen| seen.uses);
            if uses >= self.most.get() {
                return Err(self.used_up());
            }
            // Of two tokens with one id the later end counts.
            let until = seen.map_or(self.until, |seen| seen.until.max(self.until));
            edit.put(UsedToken { key: self.key.clone(), uses: uses + 1, until });
            for over in before.used_tokens_over(now).filter(|over| over.key != self.key).take(CLEARED) {
                edit.delete(over);
            }
            Ok(())
        };
        directory.change_persistently(spend).await
    }

    /// AWS's code for a claim that its issuer or somebody else has revoked.
    fn used_up(&self) -> Error {
        let sessions = if self.most.get() == 1 { "session" } else { "sessions" };
        Error::new(
            Kind::IdpRejectedClaim,
            format!("The identity token has got its {} {sessions}: this role gives no more for one token.", self.most),
        )
    }
}
