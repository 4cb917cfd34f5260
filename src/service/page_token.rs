//! Long answers in pieces: how many items, and a token that says where the last piece ended.
//!
//! A token is a place, bound to the operation and the account. It grants nothing: an answer is cut to the caller's
//! account wherever it begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::identity::AccountId;

use super::error::Error;
use super::parameters::refusal;

const DEFAULT_ITEMS: usize = 100;
const MOST_ITEMS: usize = 1000;
const LONGEST_TOKEN: usize = 512;

/// Which piece is asked for, as it came off the wire.
#[derive(Clone, Debug, Default)]
pub struct PageInput {
    /// The most items; 0 for a hundred.
    pub size: i32,
    /// Of the piece before; empty for the first one.
    pub token: String,
}

/// Which piece is asked for.
#[derive(Debug)]
pub(super) struct Pages {
    /// What the tokens of this answer begin with.
    scope: String,
    /// The most items of a piece.
    pub(super) size: usize,
    /// Where the piece before ended.
    pub(super) after: Option<String>,
}

impl Pages {
    pub(super) fn read(input: &PageInput, account: AccountId, operation: &str) -> Result<Self, Error> {
        let size = match usize::try_from(input.size) {
            Ok(0) => DEFAULT_ITEMS,
            Ok(size @ 1..=MOST_ITEMS) => size,
            _ => {
                let constraint = format!("Member must have value between 0 and {MOST_ITEMS}");
                return Err(refusal(&format!("'{}'", input.size), "pageSize", &constraint));
            }
        };
        let scope = format!("{account}/{operation}/");
        let after = match input.token.as_str() {
            "" => None,
            token => Some(place(token, &scope).ok_or_else(invalid)?),
        };
        Ok(Self { scope, size, after })
    }

    /// The token of the piece behind a place.
    pub(super) fn token(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{place}", self.scope))
    }
}

/// The token is not one of this answer.
pub(super) fn invalid() -> Error {
    Error::validation("The page token is invalid.")
}

fn place(token: &str, scope: &str) -> Option<String> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    Some(String::from_utf8(bytes).ok()?.strip_prefix(scope)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::test_world::{OTHER_ACCOUNT, account};

    fn read(size: i32, token: &str, operation: &str) -> Result<Pages, Error> {
        Pages::read(&PageInput { size, token: token.into() }, account(), operation)
    }

    #[test]
    fn sizes_are_not_clamped() {
        assert_eq!(read(0, "", "A").unwrap().size, DEFAULT_ITEMS);
        assert_eq!(read(1000, "", "A").unwrap().size, 1000);
        for size in [-1, 1001, i32::MIN, i32::MAX] {
            assert!(read(size, "", "A").is_err(), "{size}");
        }
    }

    #[test]
    fn c21_a_token_is_good_for_its_operation_and_account_alone() {
        let token = read(1, "", "A").unwrap().token("user/ada");
        assert_eq!(read(1, &token, "A").unwrap().after.as_deref(), Some("user/ada"));
        assert!(read(1, &token, "B").is_err());
        let input = PageInput { size: 1, token: token.clone() };
        assert!(Pages::read(&input, OTHER_ACCOUNT.parse().unwrap(), "A").is_err());
        for bad in ["x", "%", &"A".repeat(2000), &token[..token.len() - 4].to_uppercase()] {
            assert!(read(1, bad, "A").is_err(), "{bad}");
        }
    }
}
