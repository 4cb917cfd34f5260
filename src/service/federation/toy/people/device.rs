//! Signing in on a device without a browser (RFC 8628): it shows a code, somebody types that code in elsewhere, and the
//! device asks again and again until they have.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use serde::Serialize;

use super::parameters::Parameters;
use super::refusal::Refusal;
use super::scope::Scope;
use super::sign_in::Decision;
use super::{Grant, People, draw};
use crate::service::federation::toy::endpoints;
use crate::service::random::{NoRandomness, Random};

/// How long a device waits, in seconds.
const LIFETIME: i64 = 600;
/// Seconds between two questions of a device: as few as there can be, because tests wait for them.
const INTERVAL: i64 = 1;
/// What the standard adds to that each time a device asks too soon.
const SLOWER: i64 = 5;
/// Upper-case letters without vowels, as the standard proposes: no code is a word, and none looks like another.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code.
const LENGTH: usize = 8;

/// A device that waits, or has not heard the answer yet.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) client_id: String,
    scope: Scope,
    user_code: String,
    expires: Timestamp,
    interval: i64,
    asked: Option<Timestamp>,
    answer: Option<Answer>,
}

#[derive(Debug)]
enum Answer {
    Granted(Arc<Grant>),
    Denied,
}

/// What a device is to show, and what it asks with.
#[derive(Serialize)]
pub struct DeviceAuthorization {
    device_code: String,
    /// To be shown.
    pub user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization").finish_non_exhaustive()
    }
}

impl Device {
    /// `BCDF-GHJK`.
    pub(super) fn shown_code(&self) -> String {
        let (first, second) = self.user_code.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }
}

impl People {
    /// A device begins.
    pub fn authorize_device(
        &mut self,
        parameters: &Parameters,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<DeviceAuthorization, Refusal> {
        let client_id = self.client(parameters)?;
        let scope = parameters.get("scope").and_then(Scope::parse).ok_or(Refusal::InvalidScope)?;
        let device_code = draw(random)?;
        let device = Device {
            client_id,
            scope,
            user_code: draw_user_code(random)?,
            expires: now + LIFETIME,
            interval: INTERVAL,
            asked: None,
            answer: None,
        };
        let user_code = device.shown_code();
        self.devices.insert(device_code.clone(), device);
        let verification_uri = self.toy.url(endpoints::DEVICE);
        Ok(DeviceAuthorization {
            device_code,
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            user_code,
            verification_uri,
            expires_in: LIFETIME,
            interval: INTERVAL,
        })
    }

    /// The device that waits with this code, typed in however.
    pub(super) fn waiting_device(&self, user_code: &str, now: Timestamp) -> Option<(&str, &Device)> {
        let letters = user_code.chars().filter(char::is_ascii_alphabetic);
        let typed: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        self.devices.find(|device| device.user_code == typed && device.answer.is_none() && now < device.expires)
    }

    /// Keeps the answer for the device, if it still waits for one.
    pub(super) fn tell_device(&mut self, device_code: &str, decision: Decision, now: Timestamp) -> bool {
        let device = self.devices.get_mut(device_code);
        let Some(device) = device.filter(|device| device.answer.is_none() && now < device.expires) else {
            return false;
        };
        device.answer = Some(match decision {
            Decision::SignIn(person) => {
                let (client_id, scope) = (device.client_id.clone(), device.scope.clone());
                Answer::Granted(Arc::new(Grant { client_id, person, scope, nonce: None, auth_time: now }))
            }
            Decision::Deny => Answer::Denied,
        });
        true
    }

    /// A device asks whether there is an answer. It is given once.
    pub(super) fn redeem_device_code(
        &mut self,
        client_id: &str,
        device_code: &str,
        now: Timestamp,
    ) -> Result<Arc<Grant>, Refusal> {
        let device = self.devices.get_mut(device_code).filter(|device| device.client_id == client_id);
        let device = device.ok_or(Refusal::InvalidGrant("the device code is not known, or was redeemed before"))?;
        if now >= device.expires {
            return Err(Refusal::ExpiredToken);
        }
        let asked = device.asked.replace(now);
        let answer = match &device.answer {
            Some(Answer::Granted(grant)) => Ok(Arc::clone(grant)),
            Some(Answer::Denied) => Err(Refusal::AccessDenied),
            None if asked.is_some_and(|asked| now < asked + device.interval) => {
                device.interval += SLOWER;
                return Err(Refusal::SlowDown);
            }
            None => return Err(Refusal::AuthorizationPending),
        };
        self.devices.remove(device_code);
        answer
    }
}

fn draw_user_code(random: &dyn Random) -> Result<String, NoRandomness> {
    // Bytes from here on would make some letters likelier than others.
    let fair = u8::MAX - u8::MAX % 20;
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut bytes = [0; LENGTH];
        random.fill(&mut bytes)?;
        let letters = bytes.into_iter().filter(|byte| *byte < fair).map(|byte| LETTERS[usize::from(byte) % 20]);
        code.extend(letters.take(LENGTH - code.len()).map(char::from));
    }
    Ok(code)
}
