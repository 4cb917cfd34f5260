//! Long answers in pieces: at most a thousand items, and a marker that says where the piece ended. AWS Query calls it
//! `Marker`, gRPC a page token.
//!
//! A marker is a place, bound to the operation and the account. It grants nothing: an answer is cut to the caller's
//! account wherever it begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::identity::AccountId;

use super::error::Error;
use super::parameters::refusal;

/// Where nobody says how many.
pub(super) const DEFAULT_ITEMS: usize = 100;
pub(super) const MOST_ITEMS: u32 = 1000;
/// More than the longest place has, a tag's key of 128 characters.
const LONGEST_MARKER: usize = 1024;

/// Which piece is asked for, as gRPC says it.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// The most items; 0 for a hundred.
    pub size: i32,
    /// Of the piece before; empty for the first one.
    pub token: String,
}

/// A piece of a long answer.
#[derive(Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next piece begins; `None` at the end.
    pub marker: Option<String>,
}

impl<T> Page<T> {
    /// The same piece with every item turned into another.
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), marker: self.marker }
    }
}

/// Which piece is asked for.
#[derive(Debug)]
pub(super) struct Paging {
    /// What the markers of this answer begin with.
    scope: String,
    /// Where the piece before ended.
    after: Option<String>,
    limit: usize,
    /// Says that a marker is not one of this answer.
    invalid: &'static str,
}

impl Paging {
    /// The piece behind a marker. `invalid`: what a wrong one is refused with.
    pub(super) fn new(
        limit: usize,
        marker: Option<&str>,
        account: AccountId,
        operation: &str,
        invalid: &'static str,
    ) -> Result<Self, Error> {
        let scope = format!("{account}/{operation}/");
        let mut paging = Self { scope, after: None, limit, invalid };
        if let Some(marker) = marker {
            paging.after = Some(paging.place(marker).ok_or_else(|| paging.invalid())?);
        }
        Ok(paging)
    }

    /// The piece that gRPC asks for.
    pub(super) fn requested(page: &PageRequest, account: AccountId, operation: &str) -> Result<Self, Error> {
        let limit = match u32::try_from(page.size) {
            Ok(0) => DEFAULT_ITEMS,
            Ok(size @ 1..=MOST_ITEMS) => size as usize,
            _ => {
                let constraint = format!("Member must have value between 0 and {MOST_ITEMS}");
                return Err(refusal(&format!("'{}'", page.size), "pageSize", &constraint));
            }
        };
        let token = Some(page.token.as_str()).filter(|token| !token.is_empty());
        Self::new(limit, token, account, operation, "The page token is invalid.")
    }

    /// The most items of this piece.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Where the piece before ended.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Where this piece begins, in an answer whose places are the numbers from 0.
    pub(super) fn begin(&self) -> Result<usize, Error> {
        self.after().map_or(Ok(0), |number| number.parse().map_err(|_| self.invalid()))
    }

    /// A piece that was cut already, of such an answer.
    pub(super) fn page<T>(&self, items: Vec<T>, next: Option<usize>) -> Page<T> {
        Page { items, marker: next.map(|number| self.marker(&number.to_string())) }
    }

    /// Cuts the piece out of a list that is sorted by `place`.
    pub(super) fn cut<T>(&self, items: impl IntoIterator<Item = T>, place: impl Fn(&T) -> String) -> Page<T> {
        let is_behind = |item: &T| self.after.as_ref().is_none_or(|after| place(item) > *after);
        let mut rest = items.into_iter().skip_while(|item| !is_behind(item));
        let items: Vec<T> = rest.by_ref().take(self.limit).collect();
        let marker = match (items.last(), rest.next()) {
            (Some(last), Some(_)) => Some(self.marker(&place(last))),
            _ => None,
        };
        Page { items, marker }
    }

    /// The marker of the piece behind a place.
    pub(super) fn marker(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{place}", self.scope))
    }

    /// The marker is not one of this answer.
    pub(super) fn invalid(&self) -> Error {
        Error::validation(self.invalid)
    }

    fn place(&self, marker: &str) -> Option<String> {
        if marker.len() > LONGEST_MARKER {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
        Some(String::from_utf8(bytes).ok()?.strip_prefix(&self.scope)?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::test_world::{OTHER_ACCOUNT, account};

    fn read(size: i32, token: &str, operation: &str) -> Result<Paging, Error> {
        Paging::requested(&PageRequest { size, token: token.into() }, account(), operation)
    }

    #[test]
    fn sizes_are_not_clamped() {
        assert_eq!(read(0, "", "A").unwrap().limit(), DEFAULT_ITEMS);
        assert_eq!(read(1000, "", "A").unwrap().limit(), 1000);
        for size in [-1, 1001, i32::MIN, i32::MAX] {
            assert!(read(size, "", "A").is_err(), "{size}");
        }
    }

    #[test]
    fn c21_a_marker_is_good_for_its_operation_and_account_alone() {
        let marker = read(1, "", "A").unwrap().marker("user/ada");
        assert_eq!(read(1, &marker, "A").unwrap().after(), Some("user/ada"));
        assert!(read(1, &marker, "B").is_err());
        let page = PageRequest { size: 1, token: marker.clone() };
        assert!(Paging::requested(&page, OTHER_ACCOUNT.parse().unwrap(), "A").is_err());
        for bad in ["x", "%", &"A".repeat(2000), &marker[..marker.len() - 4].to_uppercase()] {
            assert!(read(1, bad, "A").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_piece_may_end_at_the_longest_place() {
        let keys = ["\u{1F600}".repeat(128), "\u{1F601}".repeat(128)];
        let first = read(1, "", "ListOpenIDConnectProviderTags").unwrap().cut(keys.clone(), String::clone);
        let rest = read(1, &first.marker.unwrap(), "ListOpenIDConnectProviderTags").unwrap();
        assert_eq!(rest.cut(keys.clone(), String::clone).items, keys[1..]);
    }
}
