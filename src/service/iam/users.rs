//! Users.

use brevet_validator::identity::{Principal, UniqueIdKind};
use brevet_validator::token::Subject;

use super::answer::{Answer, UserDetail};
use super::attachments::attachable;
use super::call::Call;
use super::owner::Owner;
use super::paging::Paging;
use super::request::{CreateUser, ListByPath, UpdateUser, UserName};
use super::{parameters, tags};
use crate::service::directory::{Grants, KeyOwner, NameKey, User};
use crate::service::error::{Error, Kind};

pub(super) async fn create(call: Call<'_>, input: CreateUser) -> Result<Answer, Error> {
    let boundary = parameters::boundary(input.permissions_boundary)?;
    let user = User {
        account: call.account(),
        path: parameters::path("path", input.path)?,
        name: parameters::new_name("userName", input.user_name)?,
        id: call.iam.unique_id(UniqueIdKind::User)?,
        created_at: call.caller.now(),
        grants: Grants {
            tags: tags::checked(input.tags)?,
            boundary: boundary.as_ref().map(ToString::to_string),
            ..Grants::default()
        },
        access_keys: Vec::new(),
        generation: 0,
    };
    call.change(|edit| {
        let before = edit.before();
        call.resource(user.arn())
            .tagged("TagUser", &user.grants.tags)
            .boundary(user.grants.boundary.as_deref())
            .permit()?;
        if before.user(user.account, &user.name).is_some() {
            return Err(already_exists(&user.name));
        }
        if let Some(arn) = &boundary {
            attachable(call, edit, arn)?;
        }
        let detail = UserDetail::full(&user);
        edit.put(user);
        Ok(Answer::User(detail))
    })
    .await
}

/// Without a name: the caller.
pub(super) fn get(call: Call<'_>, input: UserName) -> Result<Answer, Error> {
    let snapshot = call.caller.snapshot();
    let name = match (input.user_name, call.caller.principal()) {
        (Some(name), _) => parameters::owner_name::<User>(Some(name))?,
        (None, Principal::User { name, .. }) => name.clone(),
        (None, root @ Principal::Root { account }) => {
            call.resource(root.arn()).permit()?;
            let created_at = snapshot.account(*account).map_or(call.caller.now(), |account| account.created_at);
            return Ok(Answer::User(UserDetail {
                path: None,
                name: None,
                id: root.user_id(),
                arn: root.arn(),
                created_at,
                boundary: None,
                tags: Vec::new(),
            }));
        }
        (None, Principal::RoleSession { .. } | Principal::FederatedUser { .. }) => return Err(name_needed()),
    };
    let user = call.owner::<User>(snapshot, &name).permit()?;
    Ok(Answer::User(UserDetail::full(user)))
}

pub(super) fn list(call: Call<'_>, input: ListByPath) -> Result<Answer, Error> {
    let prefix = parameters::path_prefix(input.path_prefix)?;
    let paging = Paging::read(call, input.page)?;
    call.list("user", &prefix).permit()?;
    let users = call.caller.snapshot().users(call.account()).filter(|user| user.path.starts_with(&prefix));
    Ok(Answer::Users(paging.cut(users, |user| user.name.to_ascii_lowercase()).map(UserDetail::brief)))
}

/// A new name or path needs permission on both ARNs. The unique id stays, and so do keys and policies.
pub(super) async fn update(call: Call<'_>, input: UpdateUser) -> Result<Answer, Error> {
    let name = parameters::owner_name::<User>(input.user_name)?;
    let new_path = input.new_path.map(|path| parameters::path("newPath", Some(path))).transpose()?;
    let new_name = input.new_user_name.map(|name| parameters::new_name("newUserName", Some(name))).transpose()?;
    call.change(|edit| {
        let before = edit.before();
        let user = call.owner::<User>(&before, &name).permit()?;
        let mut changed = user.clone();
        changed.path = new_path.unwrap_or(changed.path);
        changed.name = new_name.unwrap_or(changed.name);
        call.resource(changed.arn()).permit()?;

        if before.user(user.account, &changed.name).is_some_and(|other| other.id != user.id) {
            return Err(already_exists(&changed.name));
        }
        if NameKey::new(user.account, &user.name) != NameKey::new(user.account, &changed.name) {
            edit.delete(user);
        }
        for key in user.access_keys.iter().filter_map(|id| before.access_key(*id)) {
            let mut key = key.clone();
            key.owner = KeyOwner::User { name: changed.name.clone(), id: user.id };
            edit.put(key);
        }
        edit.put(changed);
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn delete(call: Call<'_>, input: UserName) -> Result<Answer, Error> {
    let name = parameters::owner_name::<User>(input.user_name)?;
    call.change(|edit| {
        let before = edit.before();
        let user = call.owner::<User>(&before, &name).permit()?;
        if !user.access_keys.is_empty() {
            return Err(delete_conflict("Cannot delete entity, must delete access keys first."));
        }
        without_policies(user)?;
        edit.delete(user);
        edit.revoke(Subject::User(user.id), call.caller.now());
        Ok(Answer::Done)
    })
    .await
}

/// Users and roles are deleted only when they have no policies left. Boundaries and tags go with them.
pub(super) fn without_policies<O: Owner>(owner: &O) -> Result<(), Error> {
    if !owner.grants().attached.is_empty() {
        return Err(delete_conflict("Cannot delete entity, must detach all policies first."));
    }
    if !owner.grants().inline.is_empty() {
        return Err(delete_conflict("Cannot delete entity, must delete policies first."));
    }
    Ok(())
}

/// Sessions are no users: they must say whom they mean.
pub(super) fn name_needed() -> Error {
    Error::validation("Must specify userName when calling with non-User credentials")
}

fn delete_conflict(message: &str) -> Error {
    Error::new(Kind::DeleteConflict, message)
}

fn already_exists(name: &str) -> Error {
    Error::new(Kind::EntityAlreadyExists, format!("User with name {name} already exists."))
}
