//! One request on its way: permission first, and only then what the directory holds.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{Context, Effect};

use super::Iam;
use super::answer::Answer;
use super::owner::{Entity, Owner};
use super::request::PageInput;
use crate::service::caller::{Asked, Caller};
use crate::service::denial::Denial;
use crate::service::directory::{Edit, ManagedPolicy, Snapshot, Tag};
use crate::service::error::{Error, Kind};
use crate::service::paging::{DEFAULT_ITEMS, MOST_ITEMS, Paging};
use crate::service::parameters::check_number;

/// Who asks for what. Everything is cut to the caller's account: no parameter can name another.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) iam: &'a Iam,
    pub(super) caller: &'a Caller,
    pub(super) operation: &'static str,
}

impl<'a> Call<'a> {
    pub(super) fn account(self) -> AccountId {
        self.caller.principal().account()
    }

    /// Decides and commits a change; see [`crate::service::directory::Directory::change`]. Permission is asked for in
    /// `decide`, on the very snapshot that is changed.
    pub(super) async fn change(self, decide: impl FnOnce(&mut Edit) -> Result<Answer, Error>) -> Result<Answer, Error> {
        self.iam.directory.change(decide).await
    }

    /// May the caller do this to the user or role of this name? Opens the entity.
    pub(super) fn owner<O: Owner>(self, snapshot: &'a Snapshot, name: &str) -> Question<'a, &'a O> {
        let found = O::find(snapshot, self.account(), name).ok_or_else(|| O::not_found(name));
        self.existing(O::arn_of_name(self.account(), name), found)
    }

    /// May the caller do this to the user or role of this ARN? Opens the entity, if the ARN is exactly its own.
    pub(super) fn owner_of_arn<O: Owner>(self, snapshot: &'a Snapshot, arn: &Arn) -> Question<'a, &'a O> {
        let name = arn.resource().rsplit('/').next().unwrap_or_default();
        let found = O::find(snapshot, self.account(), name).filter(|owner| owner.arn() == *arn);
        self.existing(arn.clone(), found.ok_or_else(|| O::not_found(name)))
    }

    /// May the caller do this to the managed policy with this ARN? Opens the policy, if it is of the caller's account.
    pub(super) fn policy(self, snapshot: &'a Snapshot, arn: &Arn) -> Question<'a, &'a ManagedPolicy> {
        let found = self
            .find_policy(snapshot, arn)
            .ok_or_else(|| Error::new(Kind::NoSuchEntity, format!("Policy {arn} was not found.")));
        self.existing(arn.clone(), found)
    }

    /// A managed policy of the caller's account, for operations whose resource is another.
    pub(super) fn find_policy(self, snapshot: &'a Snapshot, arn: &Arn) -> Option<&'a ManagedPolicy> {
        snapshot.policy_by_arn(arn.as_str()).filter(|policy| policy.account == self.account())
    }

    /// May the caller do this to a resource that need not exist: one to be made, or a list?
    pub(super) fn resource(self, arn: Arn) -> Question<'a, ()> {
        Question { call: self, shown: arn.clone(), arn, also: None, context: self.caller.context(), opens: Ok(()) }
    }

    /// May the caller list what is below a path? `kind` is `user`, `role` or `policy`.
    pub(super) fn list(self, kind: &str, path_prefix: &str) -> Question<'a, ()> {
        self.resource(Arn::new("iam", "", Some(self.account()), &format!("{kind}{path_prefix}")))
    }

    /// May the caller do this to something that was found, or was not? `shown` is what a refusal names.
    pub(super) fn existing<E: Entity>(self, shown: Arn, found: Result<&'a E, Error>) -> Question<'a, &'a E> {
        let mut context = self.caller.context();
        let mut arn = shown.clone();
        if let Ok(entity) = &found {
            arn = entity.arn();
            for tag in entity.tags() {
                context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
                context.set(&format!("iam:ResourceTag/{}", tag.key), tag.value.as_str());
            }
        }
        Question { call: self, arn, shown, also: None, context, opens: found }
    }
}

impl Paging {
    /// The piece of a list that a request asks for.
    pub(super) fn read(call: Call<'_>, input: PageInput) -> Result<Self, Error> {
        let limit = match input.max_items {
            None => DEFAULT_ITEMS,
            Some(text) => check_number(&text, 1, MOST_ITEMS, "maxItems")? as usize,
        };
        Self::new(limit, input.marker.as_deref(), call.account(), call.operation, "Invalid Marker.")
    }
}

/// A question of permission, and what a yes opens: an entity, or the word that it does not exist.
#[must_use = "nothing is permitted until it is asked"]
pub(super) struct Question<'a, T> {
    call: Call<'a>,
    /// What is decided on.
    arn: Arn,
    /// What a refusal names: the same, whether or not the entity exists.
    shown: Arn,
    /// A second action that must be allowed.
    also: Option<&'static str>,
    context: Context,
    opens: Result<T, Error>,
}

impl<T> Question<'_, T> {
    /// Sets a condition key of the operation.
    pub(super) fn key(mut self, key: &str, value: &str) -> Self {
        self.context.set(key, value);
        self
    }

    /// Sets `iam:PermissionsBoundary`, if there is one.
    pub(super) fn boundary(mut self, arn: Option<&str>) -> Self {
        if let Some(arn) = arn {
            self.context.set("iam:PermissionsBoundary", arn);
        }
        self
    }

    /// Sets the condition keys of tags that the request brings.
    pub(super) fn request_tags(mut self, tags: &[Tag]) -> Self {
        for tag in tags {
            self.context.set(&format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
        }
        self.tag_keys(tags.iter().map(|tag| tag.key.clone()).collect())
    }

    /// Sets `aws:TagKeys`.
    pub(super) fn tag_keys(mut self, keys: Vec<String>) -> Self {
        if !keys.is_empty() {
            self.context.set_all("aws:TagKeys", keys);
        }
        self
    }

    /// Making something with tags needs the permission to tag it, too.
    pub(super) fn tagged(self, tag_operation: &'static str, tags: &[Tag]) -> Self {
        let question = if tags.is_empty() { self } else { self.also(tag_operation) };
        question.request_tags(tags)
    }

    /// Needs the permission for a second operation, too.
    pub(super) fn also(mut self, operation: &'static str) -> Self {
        self.also = Some(operation);
        self
    }

    /// [`Question::also`], if there is a second operation.
    pub(super) fn with(self, operation: Option<&'static str>) -> Self {
        Self { also: operation, ..self }
    }

    /// Asks. A refusal says nothing of whether the resource exists.
    pub(super) fn permit(self) -> Result<T, Error> {
        let caller = self.call.caller;
        for operation in [Some(self.call.operation), self.also].into_iter().flatten() {
            let action = format!("iam:{operation}");
            let asked = Asked { action: &action, resource: &self.arn, context: &self.context };
            let decision = caller.decide(&asked);
            if decision.effect != Effect::Allow {
                let denial = Denial::new(caller.principal(), caller.explain(&asked), decision);
                return Err(caller.denied(&action, &self.shown, decision.reason, denial));
            }
        }
        self.opens
    }
}

impl<O: Owner> Question<'_, &O> {
    /// Sets `iam:PermissionsBoundary` to the boundary that the owner has now.
    pub(super) fn current_boundary(self) -> Self {
        let boundary = self.opens.as_ref().ok().and_then(|owner| owner.grants().boundary.clone());
        self.boundary(boundary.as_deref())
    }
}
