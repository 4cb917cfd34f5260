//! Three people who sign in at a toy issuer: OpenID Connect for clients without a secret, by authorization code with PKCE or
//! by device code. Nobody has a password. Everything is in memory and bounded; time and randomness are arguments.

mod authorization;
mod bounded;
mod device;
mod parameters;
mod person;
mod pkce;
mod redirect;
mod refusal;
mod scope;
mod sign_in;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::timestamp::Timestamp;

use super::Toy;
use crate::service::random::{NoRandomness, Random};
use bounded::Bounded;
use device::Device;
use scope::Scope;
use sign_in::{Code, Question};
use tokens::Issued;

pub use device::DeviceAuthorization;
pub use parameters::Parameters;
pub use person::{CLAIMS, PEOPLE, Person};
pub use redirect::RedirectUri;
pub use refusal::Refusal;
pub use scope::SCOPES;
pub use sign_in::{Began, Decided, Decision, DeviceQuestion, NotBegun, Undecided};
pub use tokens::{GRANT_TYPES, Tokens};

/// The client that people sign in with, unless told otherwise.
pub const CLIENT_ID: &str = "brevet";

/// Who has signed in where, and who is about to.
#[derive(Debug)]
pub struct People {
    toy: Arc<Toy>,
    clients: Vec<String>,
    /// What the pages ask that are being shown, by their one-time value.
    questions: Bounded<Question>,
    codes: Bounded<Code>,
    devices: Bounded<Device>,
    access_tokens: Bounded<Issued>,
    refresh_tokens: Bounded<Issued>,
}

/// What somebody has let a client have.
#[derive(Debug)]
struct Grant {
    client_id: String,
    person: &'static Person,
    scope: Scope,
    nonce: Option<String>,
    auth_time: Timestamp,
}

impl People {
    /// Nobody has signed in yet. Clients are public: their ids are all that is known of them.
    pub fn new(toy: Arc<Toy>, clients: Vec<String>) -> Self {
        Self {
            toy,
            clients,
            questions: Bounded::default(),
            codes: Bounded::default(),
            devices: Bounded::default(),
            access_tokens: Bounded::default(),
            refresh_tokens: Bounded::default(),
        }
    }

    /// The client that a request from a client itself names.
    fn client(&self, parameters: &Parameters) -> Result<String, Refusal> {
        if let Some(name) = parameters.repeated() {
            return Err(Refusal::repeated(name));
        }
        let known = parameters.get("client_id").filter(|id| self.clients.iter().any(|known| known == id));
        // One that shows a secret takes itself for another kind of client.
        known.filter(|_| parameters.get("client_secret").is_none()).map(str::to_owned).ok_or(Refusal::InvalidClient)
    }
}

/// A value that nobody guesses.
fn draw(random: &dyn Random) -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
