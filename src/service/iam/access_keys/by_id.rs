//! What is asked of a key by its id alone, whoever has it.

use super::AccessKeyDetail;
use super::holder::holder_of;
use super::quarantine::quarantine;
use super::rotate::rotate;
use super::switched;
use crate::service::directory::AccessKey;
use crate::service::error::Error;
use crate::service::iam::answer::Answer;
use crate::service::iam::call::Call;
use crate::service::iam::parameters;
use crate::service::iam::request::{KeyAction, KeyRequest};

pub(in crate::service::iam) async fn call_by_id(call: Call<'_>, request: KeyRequest) -> Result<Answer, Error> {
    let id = &parameters::access_key_id(request.access_key_id)?;
    match request.action {
        KeyAction::Get {} => told(call, id, Some("GetAccessKeyLastUsed")).map(Answer::AccessKey),
        KeyAction::GetLastUsed {} => told(call, id, None).map(Answer::AccessKeyLastUsed),
        KeyAction::Enable {} => changed(call, id, |key| switched(call, key, true)).await,
        KeyAction::Disable {} => changed(call, id, |key| switched(call, key, false)).await,
        KeyAction::Describe { description } => {
            let description = parameters::key_description(description)?.unwrap_or_default();
            changed(call, id, |key| Ok(AccessKey { description, ..key.clone() })).await
        }
        KeyAction::Delete {} => {
            call.change(|edit| {
                let before = edit.before();
                let (holder, key) = holder_of(call, &before, id, None)?;
                holder.delete_key(edit, key);
                Ok(Answer::AccessKey(AccessKeyDetail::new(key, call, &before).without_last_use()))
            })
            .await
        }
        KeyAction::Rotate { overlap, expiration } => rotate(call, id, overlap, expiration).await,
        KeyAction::Quarantine {} => quarantine(call, id).await,
    }
}

fn told(call: Call<'_>, id: &str, also: Option<&'static str>) -> Result<AccessKeyDetail, Error> {
    let snapshot = call.caller.snapshot();
    let (_, key) = holder_of(call, snapshot, id, also)?;
    Ok(AccessKeyDetail::new(key, call, snapshot))
}

async fn changed(
    call: Call<'_>,
    id: &str,
    change: impl FnOnce(&AccessKey) -> Result<AccessKey, Error>,
) -> Result<Answer, Error> {
    call.change(|edit| {
        let before = edit.before();
        let (_, key) = holder_of(call, &before, id, None)?;
        let changed = change(key)?;
        let answer = Answer::AccessKey(AccessKeyDetail::new(&changed, call, &before).without_last_use());
        edit.put(changed);
        Ok(answer)
    })
    .await
}
