//! Long-lived access keys of users and of the account itself.

mod by_id;
mod detail;
mod holder;
mod new_key;
mod quarantine;
mod rotate;

use super::answer::Answer;
use super::call::Call;
use super::paging::Paging;
use super::parameters;
use super::request::{CreateAccessKey, DeleteAccessKey, ListAccessKeys, UpdateAccessKey};
use crate::service::directory::{AccessKey, KeyStatus};
use crate::service::error::{Error, Kind};

pub(super) use self::by_id::call_by_id;
pub use self::detail::AccessKeyDetail;
use self::holder::Whose;
use self::new_key::NewKey;

/// AWS's `AccessKeysPerUser`.
const MOST_KEYS: usize = 2;

pub(super) async fn create(call: Call<'_>, input: CreateAccessKey) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let new = NewKey {
        description: parameters::key_description(input.description)?.unwrap_or_default(),
        expires_at: new_key::end(input.expiration, call.caller.now())?,
    };
    call.change(|edit| {
        let before = edit.before();
        let holder = whose.permit(call, &before, None)?;
        if holder.keys().len() >= MOST_KEYS {
            return Err(Error::new(Kind::LimitExceeded, quota_text()));
        }
        let key = new.draw(call, &before, &holder)?;
        let answer = Answer::NewAccessKey(AccessKeyDetail::new(&key, call, &before), key.secret.clone());
        holder.put_keys(edit, holder.keys().iter().copied().chain([key.id]).collect());
        edit.put(key);
        Ok(answer)
    })
    .await
}

pub(super) fn list(call: Call<'_>, input: ListAccessKeys) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let paging = Paging::read(call, input.page)?;
    let snapshot = call.caller.snapshot();
    let holder = whose.permit(call, snapshot, input.with_last_use.then_some("GetAccessKeyLastUsed"))?;
    let place = |key: &&AccessKey| format!("{:012}{}", key.created_at.unix(), key.id);
    let mut keys: Vec<&AccessKey> = holder.keys().iter().filter_map(|id| snapshot.access_key(*id)).collect();
    keys.sort_by_key(place);
    let detail = |key: &AccessKey| AccessKeyDetail::new(key, call, snapshot);
    Ok(Answer::AccessKeys(paging.cut(keys, place).map(detail)))
}

pub(super) async fn update(call: Call<'_>, input: UpdateAccessKey) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let id = parameters::access_key_id(input.access_key_id)?;
    let status = parameters::choice("status", input.status, &[("Active", true), ("Inactive", false)])?;
    let active = parameters::required("status", status)?;
    call.change(|edit| {
        let before = edit.before();
        let holder = whose.permit(call, &before, None)?;
        edit.put(switched(call, holder.key(&before, &id)?, active)?);
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn delete(call: Call<'_>, input: DeleteAccessKey) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let id = parameters::access_key_id(input.access_key_id)?;
    call.change(|edit| {
        let before = edit.before();
        let holder = whose.permit(call, &before, None)?;
        holder.delete_key(edit, holder.key(&before, &id)?);
        Ok(Answer::Done)
    })
    .await
}

/// The same key, enabled or disabled.
fn switched(call: Call<'_>, key: &AccessKey, active: bool) -> Result<AccessKey, Error> {
    if active && key.status(call.caller.now()) == KeyStatus::Expired {
        let text = format!("The Access Key with id {} has expired. Make a new one.", key.id);
        return Err(Error::new(Kind::InvalidInput, text));
    }
    Ok(AccessKey { active, ..key.clone() })
}

fn quota_text() -> String {
    format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}")
}
