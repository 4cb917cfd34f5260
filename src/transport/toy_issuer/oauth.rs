//! What a client asks by itself: tokens, the beginning of a device's sign-in, claims. All of it is JSON.

use http::request::Parts;
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::Counter;
use super::answer::Answer;
use crate::service::federation::toy::people::{Parameters, Refusal};

impl Counter {
    pub(super) fn oauth_token(&self, parts: &Parts, form: &Parameters) -> Answer {
        answer(public(parts).and_then(|()| self.people().redeem(form, self.clock.now(), &*self.random)))
    }

    pub(super) fn oauth_device(&self, parts: &Parts, form: &Parameters) -> Answer {
        answer(public(parts).and_then(|()| self.people().authorize_device(form, self.clock.now(), &*self.random)))
    }

    pub(super) fn user_info(&self, parts: &Parts) -> Answer {
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, token)) = authorization.and_then(|value| value.split_once(' ')) else {
            return Answer::Unauthorized("Bearer", "{}".to_owned());
        };
        let known = scheme.eq_ignore_ascii_case("bearer").then(|| self.people().user_info(token, self.clock.now()));
        match known.flatten() {
            Some(claims) => Answer::Json(StatusCode::OK, Value::Object(claims).to_string()),
            None => {
                let text =
                    json!({"error": "invalid_token", "error_description": "the token is not known or has expired"});
                Answer::Unauthorized("Bearer error=\"invalid_token\"", text.to_string())
            }
        }
    }
}

/// Clients have no secret. One that shows some takes itself for another kind of client.
fn public(parts: &Parts) -> Result<(), Refusal> {
    if parts.headers.contains_key(header::AUTHORIZATION) { Err(Refusal::InvalidClient) } else { Ok(()) }
}

fn answer(result: Result<impl Serialize, Refusal>) -> Answer {
    match result.map(|given| serde_json::to_string(&given)) {
        Ok(Ok(json)) => Answer::Json(StatusCode::OK, json),
        Ok(Err(fault)) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()),
        Err(refusal) => refused(&refusal),
    }
}

/// RFC 6749 §5.2.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let text = json!({"error": refusal.code(), "error_description": refusal.to_string()}).to_string();
    match refusal {
        Refusal::InvalidClient => Answer::Unauthorized("Basic realm=\"nobody has a secret\"", text),
        Refusal::ServerError(_) => Answer::Json(StatusCode::INTERNAL_SERVER_ERROR, text),
        _ => Answer::Json(StatusCode::BAD_REQUEST, text),
    }
}
