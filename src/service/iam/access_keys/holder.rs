//! Who has access keys: by name, as the one who asks, or by one of the keys.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::{Arn, Principal, UniqueId};

use crate::service::directory::{AccessKey, Account, Edit, KeyOwner, Snapshot, Tag, User};
use crate::service::error::{Error, Kind};
use crate::service::iam::call::Call;
use crate::service::iam::owner::Owner as _;
use crate::service::iam::parameters;
use crate::service::iam::users::name_needed;

/// Whose keys a request is about: the user it names, or the one who signed it.
pub(super) enum Whose {
    Named(String),
    Caller { name: String, id: UniqueId },
    Root,
}

impl Whose {
    pub(super) fn read(call: Call<'_>, user_name: Option<String>) -> Result<Self, Error> {
        match (user_name, call.caller.principal()) {
            (Some(name), _) => Ok(Self::Named(parameters::owner_name::<User>(Some(name))?)),
            (None, Principal::User { name, id, .. }) => Ok(Self::Caller { name: name.clone(), id: *id }),
            (None, Principal::Root { .. }) => Ok(Self::Root),
            (None, Principal::RoleSession { .. } | Principal::FederatedUser { .. }) => Err(name_needed()),
        }
    }

    /// The holder of the keys, if the caller may do this to it, and a second operation if one is named.
    pub(super) fn permit<'a>(
        &self,
        call: Call<'a>,
        snapshot: &'a Snapshot,
        also: Option<&'static str>,
    ) -> Result<Holder<'a>, Error> {
        match self {
            Self::Named(name) => Ok(Holder::User(call.owner::<User>(snapshot, name).with(also).permit()?)),
            Self::Caller { name, id } => {
                let user = call.owner::<User>(snapshot, name).with(also).permit()?;
                // Someone else may bear the name since the request was authenticated.
                if user.id == *id { Ok(Holder::User(user)) } else { Err(User::not_found(name)) }
            }
            Self::Root => root(call, snapshot, also),
        }
    }
}

/// The holder of a key of the account, if the caller may do this to it, and the key. A refusal tells neither whose it is nor
/// whether it is there. Keys of the account itself are there for the account itself alone.
pub(super) fn holder_of<'a>(
    call: Call<'a>,
    snapshot: &'a Snapshot,
    id: &str,
    also: Option<&'static str>,
) -> Result<(Holder<'a>, &'a AccessKey), Error> {
    let found = id.parse().ok().and_then(|id| snapshot.access_key(id));
    let found = found.filter(|key| key.account == call.account());
    if let (Some(key), Principal::Root { .. }) = (found, call.caller.principal())
        && key.owner == KeyOwner::Root
    {
        return Ok((root(call, snapshot, also)?, key));
    }
    let user = found.and_then(|key| match &key.owner {
        KeyOwner::User { id, .. } => Some((snapshot.user_by_id(key.account, *id)?, key)),
        KeyOwner::Root => None,
    });
    let somebody = Arn::new("iam", "", Some(call.account()), "user/*");
    let owner = user.map(|(user, _)| user).ok_or_else(|| not_found(id));
    let user_permitted = call.existing(somebody, owner).with(also).permit()?;
    let (_, key) = user.ok_or_else(|| not_found(id))?;
    Ok((Holder::User(user_permitted), key))
}

fn root<'a>(call: Call<'a>, snapshot: &'a Snapshot, also: Option<&'static str>) -> Result<Holder<'a>, Error> {
    call.resource(call.caller.principal().arn()).with(also).permit()?;
    let account = snapshot.account(call.account());
    account.map(Holder::Root).ok_or_else(|| User::not_found("root"))
}

/// Who has access keys. Its record is written with each change of its keys, so that the quota holds under races.
pub(super) enum Holder<'a> {
    Root(&'a Account),
    User(&'a User),
}

impl<'a> Holder<'a> {
    pub(super) fn keys(&self) -> &'a [AccessKeyId] {
        match self {
            Self::Root(account) => &account.access_keys,
            Self::User(user) => &user.access_keys,
        }
    }

    /// One of the holder's own keys; any other is not there.
    pub(super) fn key(&self, snapshot: &'a Snapshot, id: &str) -> Result<&'a AccessKey, Error> {
        let own = |id: &AccessKeyId| self.keys().contains(id);
        id.parse().ok().filter(own).and_then(|id| snapshot.access_key(id)).ok_or_else(|| not_found(id))
    }

    pub(super) fn as_owner(&self) -> KeyOwner {
        match self {
            Self::Root(_) => KeyOwner::Root,
            Self::User(user) => KeyOwner::User { name: user.name.clone(), id: user.id },
        }
    }

    /// `user/PATH/NAME` or `root`, as in ARNs, and the tags.
    pub(super) fn as_resource(&self) -> (Arn, &'a [Tag]) {
        match self {
            Self::Root(account) => (Principal::Root { account: account.id }.arn(), &[]),
            Self::User(user) => (user.arn(), &user.grants.tags),
        }
    }

    pub(super) fn put_keys(&self, edit: &mut Edit, access_keys: Vec<AccessKeyId>) {
        match self {
            Self::Root(account) => edit.put(Account { access_keys, ..(*account).clone() }),
            Self::User(user) => edit.put(User { access_keys, ..(*user).clone() }),
        }
    }

    pub(super) fn delete_key(&self, edit: &mut Edit, key: &AccessKey) {
        self.put_keys(edit, self.keys().iter().copied().filter(|other| *other != key.id).collect());
        edit.delete(key);
    }
}

fn not_found(id: &str) -> Error {
    Error::new(Kind::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
}
