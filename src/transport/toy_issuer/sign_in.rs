//! What a browser asks: the pages, and what becomes of their forms.

use http::StatusCode;

use super::Counter;
use super::answer::Answer;
use super::pages::Page;
use crate::service::federation::toy::people::{Decided, Decision, NotBegun, Parameters, Person, Undecided};
use crate::service::random::NoRandomness;

/// Most bytes of the query of an authorization request: they are remembered while its page is shown.
const QUERY_LIMIT: usize = 8 << 10;

impl Counter {
    /// A client sent the browser.
    pub(super) fn authorize(&self, query: &str) -> Answer {
        if query.len() > QUERY_LIMIT {
            return mistake("The request is too long.");
        }
        match self.people().begin(&Parameters::read(query.as_bytes()), self.clock.now(), &*self.random) {
            Ok(began) => Answer::Page(StatusCode::OK, Page::sign_in(&began)),
            Err(NotBegun::Shown(sentence)) => mistake(sentence),
            Err(NotBegun::Sent(url)) => Answer::SeeOther(url),
            Err(NotBegun::Randomness(fault)) => broken(fault),
        }
    }

    /// Somebody came with the code of a device, or is to type it in.
    pub(super) fn device(&self, query: &str) -> Answer {
        let parameters = Parameters::read(query.as_bytes());
        let Some(code) = parameters.get("user_code") else {
            return Answer::Page(StatusCode::OK, Page::enter_code(None));
        };
        match self.people().find_device(code, self.clock.now(), &*self.random) {
            Ok(Some(question)) => Answer::Page(StatusCode::OK, Page::device(&question)),
            Ok(None) => Answer::Page(StatusCode::BAD_REQUEST, Page::enter_code(Some(code))),
            Err(fault) => broken(fault),
        }
    }

    /// Somebody chose.
    pub(super) fn sign_in(&self, form: &Parameters) -> Answer {
        let decision = match (form.get("person").and_then(Person::named), form.get("deny")) {
            (Some(person), None) => Decision::SignIn(person),
            (None, Some(_)) => Decision::Deny,
            _ => return mistake("Choose one of the people, or deny it."),
        };
        let ticket = form.get("ticket").unwrap_or_default();
        let decided = self.people().decide(ticket, decision, self.clock.now(), &*self.random);
        match decided {
            Ok(Decided::Sent(url)) => Answer::SeeOther(url.expose().clone()),
            Ok(Decided::DeviceLearns(Decision::SignIn(person))) => {
                let sentence = format!("You are {}. Close this page and go back to your device.", person.name);
                Answer::Page(StatusCode::OK, Page::notice("Signed in", &sentence))
            }
            Ok(Decided::DeviceLearns(Decision::Deny)) => {
                Answer::Page(StatusCode::OK, Page::notice("Denied", "The device learns nothing about you."))
            }
            Err(gone @ Undecided::Gone) => mistake(&gone.to_string()),
            Err(Undecided::Randomness(fault)) => broken(fault),
        }
    }
}

fn mistake(sentence: &str) -> Answer {
    Answer::Page(StatusCode::BAD_REQUEST, Page::notice("That does not work", sentence))
}

fn broken(fault: NoRandomness) -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
}
