//! A key that leaked: it is disabled, and the sessions that it started are refused, both at once.

use brevet_validator::identity::Arn;
use brevet_validator::token::Subject;

use super::AccessKeyDetail;
use super::holder::{Holder, holder_of};
use crate::service::caller::Asked;
use crate::service::directory::{AccessKey, Edit};
use crate::service::error::Error;
use crate::service::iam::answer::Answer;
use crate::service::iam::call::Call;

pub(super) async fn quarantine(call: Call<'_>, id: &str) -> Result<Answer, Error> {
    let decide = |edit: &mut Edit| {
        let before = edit.before();
        let (holder, key) = holder_of(call, &before, id, None)?;
        permit_revocation(call, &holder)?;
        let disabled = AccessKey { active: false, ..key.clone() };
        let detail = AccessKeyDetail::new(&disabled, call, &before).without_last_use();
        edit.put(disabled);
        let until = edit.revoke(Subject::AccessKey(key.id), call.caller.now());
        Ok(Answer::QuarantinedAccessKey(detail, until))
    };
    call.iam.directory.change_persistently(decide).await
}

/// As to revoke the sessions of whoever has the key.
fn permit_revocation(call: Call<'_>, holder: &Holder<'_>) -> Result<(), Error> {
    let (arn, tags) = holder.as_resource();
    let resource = Arn::new("brevet", call.caller.region(), Some(call.account()), arn.resource());
    let mut context = call.caller.context();
    for tag in tags {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
    }
    call.caller.demand(&Asked { action: "brevet:RevokeSession", resource: &resource, context: &context })
}
