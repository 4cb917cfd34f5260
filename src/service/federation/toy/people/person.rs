//! The three people.

use serde_json::{Map, Value, json};

/// Somebody who can sign in.
#[derive(Debug, Eq, PartialEq)]
pub struct Person {
    /// Their `sub`, and what a page calls them.
    pub name: &'static str,
    full_name: &'static str,
    email: &'static str,
    groups: &'static [&'static str],
}

/// Everybody there is.
pub const PEOPLE: &[Person] = &[
    Person { name: "alice", full_name: "Alice Adams", email: "alice@example.com", groups: &["developers", "on-call"] },
    Person { name: "bob", full_name: "Bob Brown", email: "bob@example.com", groups: &["developers"] },
    Person { name: "carol", full_name: "Carol Clark", email: "carol@example.com", groups: &["auditors"] },
];

/// The claims of their identity tokens.
pub const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "iat",
    "exp",
    "jti",
    "auth_time",
    "nonce",
    "name",
    "preferred_username",
    "email",
    "email_verified",
    "groups",
];

impl Person {
    /// Who is called so.
    pub fn named(name: &str) -> Option<&'static Self> {
        PEOPLE.iter().find(|person| person.name == name)
    }

    /// What is said of them.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let claims = [
            ("sub", json!(self.name)),
            ("name", json!(self.full_name)),
            ("preferred_username", json!(self.name)),
            ("email", json!(self.email)),
            ("email_verified", json!(true)),
            ("groups", json!(self.groups)),
        ];
        claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}
