//! Lists in pieces: `Marker` and `MaxItems` in, at most a thousand items and the next marker out.
//!
//! A marker is the place of the last item, bound to the operation and the account. It grants nothing: a list is cut to
//! the caller's account wherever it begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answer::Page;
use super::call::Call;
use super::request::PageInput;
use crate::service::error::Error;
use crate::service::parameters::check_number;

const DEFAULT_ITEMS: usize = 100;
const MOST_ITEMS: u32 = 1000;
/// `markerType`
const LONGEST_MARKER: usize = 320;

/// Which piece of a list is asked for.
pub(super) struct Paging {
    /// What the markers of this list begin with.
    scope: String,
    /// Place of the last item of the piece before.
    after: Option<String>,
    limit: usize,
}

impl Paging {
    pub(super) fn read(call: Call<'_>, input: PageInput) -> Result<Self, Error> {
        let limit = match input.max_items {
            None => DEFAULT_ITEMS,
            Some(text) => check_number(&text, 1, MOST_ITEMS, "maxItems")? as usize,
        };
        let scope = format!("{}/{}/", call.account(), call.operation);
        let after = match input.marker {
            None => None,
            Some(marker) => Some(place(&marker, &scope).ok_or_else(invalid_marker)?),
        };
        Ok(Self { scope, after, limit })
    }

    /// The most items of this piece.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Where this piece begins, in a list whose places are the numbers from 0.
    pub(super) fn begin(&self) -> Result<usize, Error> {
        self.after.as_ref().map_or(Ok(0), |number| number.parse().map_err(|_| invalid_marker()))
    }

    /// A piece that was cut already, of such a list.
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

    fn marker(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{place}", self.scope))
    }
}

fn invalid_marker() -> Error {
    Error::validation("Invalid Marker.")
}

fn place(marker: &str, scope: &str) -> Option<String> {
    if marker.len() > LONGEST_MARKER {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
    Some(String::from_utf8(bytes).ok()?.strip_prefix(scope)?.to_owned())
}

impl<T> Page<T> {
    /// The same piece with every item turned into another.
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), marker: self.marker }
    }
}
