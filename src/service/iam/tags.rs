//! Tags: their bounds, and the operations on those of users and roles.

use super::answer::Answer;
use super::call::Call;
use super::owner::Owner;
use super::paging::Paging;
use super::parameters;
use super::request::{PageInput, TagInput};
use crate::service::directory::Tag;
use crate::service::error::{Error, Kind};
use crate::service::parameters::{TAG_KEY, TAG_VALUE, check_count};

/// Most tags of one entity.
const MOST_TAGS: usize = 50;

pub(super) async fn tag<O: Owner>(call: Call<'_>, name: &str, tags: Vec<TagInput>) -> Result<Answer, Error> {
    let tags = checked(tags)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, name).request_tags(&tags).permit()?;
        let mut all = owner.tags().to_vec();
        add(&mut all, tags, O::TAG_QUOTA_NAME)?;
        owner.with_grants(|grants| grants.tags = all).put(edit);
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn untag<O: Owner>(call: Call<'_>, name: &str, keys: Vec<String>) -> Result<Answer, Error> {
    let keys = checked_keys(keys)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, name).tag_keys(keys.clone()).permit()?;
        owner.with_grants(|grants| remove(&mut grants.tags, &keys)).put(edit);
        Ok(Answer::Done)
    })
    .await
}

pub(super) fn list<O: Owner>(call: Call<'_>, name: &str, input: PageInput) -> Result<Answer, Error> {
    let paging = Paging::read(call, input)?;
    let owner = call.owner::<O>(call.caller.snapshot(), name).permit()?;
    Ok(page(&paging, owner.tags()))
}

/// A piece of a list of tags, in the order of their keys.
pub(super) fn page(paging: &Paging, tags: &[Tag]) -> Answer {
    let mut tags = tags.to_vec();
    tags.sort_by(|a, b| a.key.cmp(&b.key));
    Answer::Tags(paging.cut(tags, |tag| tag.key.clone()))
}

/// Adds tags, over those of the same keys. `quota` is AWS's name of their limit.
pub(super) fn add(tags: &mut Vec<Tag>, added: Vec<Tag>, quota: &str) -> Result<(), Error> {
    for tag in added {
        match tags.iter_mut().find(|old| same_key(&old.key, &tag.key)) {
            Some(old) => *old = tag,
            None => tags.push(tag),
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for {quota}: {MOST_TAGS}")));
    }
    Ok(())
}

/// Takes the tags of these keys away.
pub(super) fn remove(tags: &mut Vec<Tag>, keys: &[String]) {
    tags.retain(|tag| !keys.iter().any(|key| same_key(key, &tag.key)));
}

/// The keys of a request, each of which can be one.
pub(super) fn checked_keys(keys: Vec<String>) -> Result<Vec<String>, Error> {
    check_count(keys.len(), MOST_TAGS, "tagKeys")?;
    for (index, key) in keys.iter().enumerate() {
        TAG_KEY.check(key, &format!("tagKeys.{}.member", index + 1))?;
    }
    Ok(keys)
}

/// The tags of a request, each with a key and a value, no key twice.
pub(super) fn checked(input: Vec<TagInput>) -> Result<Vec<Tag>, Error> {
    check_count(input.len(), MOST_TAGS, "tags")?;
    let mut tags: Vec<Tag> = Vec::with_capacity(input.len());
    for (index, TagInput { key, value }) in input.into_iter().enumerate() {
        let place = |field| format!("tags.{}.member.{field}", index + 1);
        let key = parameters::required(&place("key"), key)?;
        let value = parameters::required(&place("value"), value)?;
        TAG_KEY.check(&key, &place("key"))?;
        TAG_VALUE.check(&value, &place("value"))?;
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(Error::new(Kind::InvalidInput, "System tags cannot be added/updated by requester"));
        }
        if tags.iter().any(|tag| same_key(&tag.key, &key)) {
            return Err(Error::new(
                Kind::InvalidInput,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.push(Tag { key, value });
    }
    Ok(tags)
}

fn same_key(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
