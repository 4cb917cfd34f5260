//! The pages: what they ask, and what becomes of the answer. A page carries a one-time value, so that no other page can
//! answer for it.

use std::sync::Arc;

use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;

use super::authorization::{Authorization, Unfit};
use super::parameters::Parameters;
use super::person::Person;
use super::pkce::Challenge;
use super::redirect::RedirectUri;
use super::refusal::Refusal;
use super::{Grant, People, draw};
use crate::service::random::{NoRandomness, Random};

/// How long a page can be answered, in seconds.
const PAGE_LIFETIME: i64 = 600;
/// How long a code can be redeemed, in seconds.
const CODE_LIFETIME: i64 = 60;

/// What a page that is being shown asks.
#[derive(Debug)]
pub(super) struct Question {
    about: About,
    expires: Timestamp,
}

#[derive(Debug)]
enum About {
    Authorization(Authorization),
    /// By its device code.
    Device(String),
}

/// A code that was sent to a client.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) grant: Arc<Grant>,
    pub(super) redirect_uri: String,
    pub(super) challenge: Challenge,
    pub(super) expires: Timestamp,
    pub(super) used: bool,
}

/// The beginning of a sign-in.
#[derive(Debug)]
pub struct Began {
    /// The page's one-time value.
    pub ticket: Secret<String>,
    /// Who wants a code.
    pub client_id: String,
    /// Where it will go.
    pub redirect: RedirectUri,
}

/// Why a sign-in does not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// Whoever is at the browser is told.
    #[error("{0}")]
    Shown(&'static str),
    /// The browser goes back to the client, with the error.
    #[error("the client is told")]
    Sent(String),
    /// No one-time value could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A device that waits for somebody.
#[derive(Debug)]
pub struct DeviceQuestion {
    /// The page's one-time value.
    pub ticket: Secret<String>,
    /// Who wants a token.
    pub client_id: String,
    /// The code that the device shows.
    pub user_code: String,
}

/// What somebody chose.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// To be this person, and to let the client know.
    SignIn(&'static Person),
    /// Nothing of it.
    Deny,
}

/// What comes of a choice.
#[derive(Debug)]
pub enum Decided {
    /// The browser goes back to the client, by this URL.
    Sent(Secret<String>),
    /// The device learns it when it asks next.
    DeviceLearns(Decision),
}

/// Why a choice counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// The page was answered before, or is too old, or is none of ours.
    #[error("This page was answered before, or is too old. Begin again.")]
    Gone,
    /// No code could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<Unfit> for NotBegun {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Shown(text) => Self::Shown(text),
            Unfit::Sent(url) => Self::Sent(url),
        }
    }
}

impl People {
    /// A client has sent a browser here.
    pub fn begin(&mut self, parameters: &Parameters, now: Timestamp, random: &dyn Random) -> Result<Began, NotBegun> {
        let authorization = Authorization::read(parameters, &self.clients, self.toy.issuer().as_str())?;
        let (client_id, redirect) = (authorization.client_id.clone(), authorization.reply.redirect.clone());
        let ticket = self.ask(About::Authorization(authorization), now, random)?;
        Ok(Began { ticket, client_id, redirect })
    }

    /// Somebody has typed in the code of a device. `None` if no device waits with it.
    pub fn find_device(
        &mut self,
        user_code: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Option<DeviceQuestion>, NoRandomness> {
        let Some((device_code, device)) = self.waiting_device(user_code, now) else {
            return Ok(None);
        };
        let (device_code, client_id, user_code) =
            (device_code.to_owned(), device.client_id.clone(), device.shown_code());
        let ticket = self.ask(About::Device(device_code), now, random)?;
        Ok(Some(DeviceQuestion { ticket, client_id, user_code }))
    }

    /// Somebody has answered a page.
    pub fn decide(
        &mut self,
        ticket: &str,
        decision: Decision,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Decided, Undecided> {
        let question = self.questions.remove(ticket).filter(|question| now < question.expires);
        match question.ok_or(Undecided::Gone)?.about {
            About::Authorization(authorization) => {
                Ok(Decided::Sent(self.answer(authorization, decision, now, random)?.into()))
            }
            About::Device(device_code) if self.tell_device(&device_code, decision, now) => {
                Ok(Decided::DeviceLearns(decision))
            }
            About::Device(_) => Err(Undecided::Gone),
        }
    }

    fn ask(&mut self, about: About, now: Timestamp, random: &dyn Random) -> Result<Secret<String>, NoRandomness> {
        let ticket = draw(random)?;
        self.questions.insert(ticket.clone(), Question { about, expires: now + PAGE_LIFETIME });
        Ok(ticket.into())
    }

    /// Where the browser goes with the answer.
    fn answer(
        &mut self,
        authorization: Authorization,
        decision: Decision,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<String, NoRandomness> {
        let Authorization { client_id, reply, scope, nonce, challenge } = authorization;
        let Decision::SignIn(person) = decision else {
            return Ok(reply.refusal(&Refusal::AccessDenied));
        };
        let code = draw(random)?;
        let entry = Code {
            grant: Arc::new(Grant { client_id, person, scope, nonce, auth_time: now }),
            redirect_uri: reply.redirect.as_str().to_owned(),
            challenge,
            expires: now + CODE_LIFETIME,
            used: false,
        };
        self.codes.insert(code.clone(), entry);
        Ok(reply.code(&code))
    }
}
