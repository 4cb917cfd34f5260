//! A new key in the place of an old one, which is good a while longer.

use brevet_validator::timestamp::Timestamp;

use super::AccessKeyDetail;
use super::holder::holder_of;
use super::new_key::{self, NewKey};
use super::{MOST_KEYS, quota_text};
use crate::service::directory::AccessKey;
use crate::service::error::{Error, Kind};
use crate::service::iam::answer::Answer;
use crate::service::iam::call::Call;
use crate::service::iam::request::Expiration;

/// How long the old key is good if nobody says: a day.
const DEFAULT_OVERLAP: i64 = 24 * 3600;
/// Whoever needs longer than a month does not rotate.
const LONGEST_OVERLAP: i64 = 30 * 24 * 3600;

/// The new key has the description of the old one, and its lifetime unless another is asked for.
pub(super) async fn rotate(
    call: Call<'_>,
    id: &str,
    overlap: Option<i64>,
    expiration: Option<Expiration>,
) -> Result<Answer, Error> {
    let now = call.caller.now();
    let overlap = match overlap.unwrap_or(DEFAULT_OVERLAP) {
        seconds @ 0..=LONGEST_OVERLAP => seconds,
        _ => return Err(Error::validation("The overlap must be between 0 seconds and 30 days.")),
    };
    let expires_at = new_key::end(expiration, now)?;
    call.change(|edit| {
        let before = edit.before();
        let (holder, old) = holder_of(call, &before, id, Some("UpdateAccessKey"))?;
        if holder.keys().len() >= MOST_KEYS {
            let other = holder.keys().iter().find(|other| **other != old.id);
            let advice = other.map(|other| format!(". Delete {other} first")).unwrap_or_default();
            return Err(Error::new(Kind::LimitExceeded, format!("{}{advice}", quota_text())));
        }
        let lifetime = old.lifetime.map(|seconds| now.saturating_add(seconds));
        let new = NewKey { description: old.description.clone(), expires_at: expires_at.or(lifetime) };
        let new = new.draw(call, &before, &holder)?;
        let old = ended(old, now, overlap);
        let answer = Answer::RotatedAccessKey {
            new: AccessKeyDetail::new(&new, call, &before),
            secret: new.secret.clone(),
            old: AccessKeyDetail::new(&old, call, &before).without_last_use(),
        };
        holder.put_keys(edit, vec![old.id, new.id]);
        edit.put(old);
        edit.put(new);
        Ok(answer)
    })
    .await
}

/// The old key, which ends no later than it would have.
fn ended(old: &AccessKey, now: Timestamp, overlap: i64) -> AccessKey {
    if overlap == 0 {
        return AccessKey { active: false, ..old.clone() };
    }
    let end = now.saturating_add(overlap);
    AccessKey { expires_at: Some(old.expires_at.map_or(end, |before| before.min(end))), ..old.clone() }
}
