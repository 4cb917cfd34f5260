//! When a request was signed, and for how long it is good.

use std::borrow::Cow;

use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::refusal::Refusal;
use crate::timestamp::Timestamp;

/// How far, in seconds, the signer's clock may be from ours.
pub(super) const SKEW: i64 = 15 * 60;

const IMF_FIXDATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The time of a signature, with its text as the string to sign has it.
#[derive(Clone, Debug)]
pub(super) struct SignedAt<'a> {
    pub(super) time: Timestamp,
    pub(super) text: Cow<'a, str>,
}

impl<'a> SignedAt<'a> {
    /// Reads `X-Amz-Date`: `YYYYMMDD'T'HHMMSS'Z'`.
    pub(super) fn from_amz_date(text: Cow<'a, str>) -> Result<Self, Refusal> {
        match Timestamp::parse_basic(&text) {
            Some(time) => Ok(Self { time, text }),
            None => Err(Refusal::Incomplete("Date must be in ISO-8601 'basic format'.")),
        }
    }

    /// Reads `Date`, which stands in for an absent `X-Amz-Date`. Only the form that RFC 9110, section 5.6.7, lets
    /// anyone send is read, to the letter; its two obsolete forms (RFC 850, asctime) are refused.
    pub(super) fn from_http_date(text: &str) -> Result<Self, Refusal> {
        let parsed = PrimitiveDateTime::parse(text, IMF_FIXDATE).ok();
        let exact = parsed.filter(|date| date.format(IMF_FIXDATE).is_ok_and(|again| again == text));
        match exact.and_then(|date| Timestamp::from_unix(date.assume_utc().unix_timestamp())) {
            Some(time) => Ok(Self { time, text: Cow::Owned(time.to_basic()) }),
            None => Err(Refusal::Incomplete("Date must be an IMF-fixdate, such as Sun, 06 Nov 1994 08:49:37 GMT.")),
        }
    }

    /// Refuses, in AWS's words, unless `now` is at most [`SKEW`] before the signature and `good_for` seconds after it.
    pub(super) fn check(&self, now: Timestamp, good_for: i64) -> Result<(), Refusal> {
        let age = now - self.time;
        if age > good_for {
            return Err(Refusal::Time(format!(
                "Signature expired: {} is now earlier than {} ({} - {}.)",
                self.text,
                (now + -good_for).to_basic(),
                now.to_basic(),
                in_words(good_for)
            )));
        }
        if age < -SKEW {
            return Err(Refusal::Time(format!(
                "Signature not yet current: {} is still later than {} ({} + {}.)",
                self.text,
                (now + SKEW).to_basic(),
                now.to_basic(),
                in_words(SKEW)
            )));
        }
        Ok(())
    }
}

fn in_words(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}
