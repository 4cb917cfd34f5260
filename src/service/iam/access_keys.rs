//! Long-lived access keys of users and of the account itself.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::{Principal, UniqueId};

use super::answer::{AccessKeyDetail, Answer};
use super::call::Call;
use super::owner::Owner as _;
use super::paging::Paging;
use super::parameters;
use super::request::{DeleteAccessKey, ListAccessKeys, UpdateAccessKey, UserName};
use super::users::name_needed;
use crate::service::directory::{AccessKey, Account, Edit, KeyOwner, Snapshot, User};
use crate::service::error::{Error, Kind};
use crate::service::random::secret_key;

/// AWS's `AccessKeysPerUser`.
const MOST_KEYS: usize = 2;

pub(super) async fn create(call: Call<'_>, input: UserName) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    call.change(|edit| {
        let before = edit.before();
        let holder = whose.permit(call, &before)?;
        if holder.keys().len() >= MOST_KEYS {
            return Err(Error::new(
                Kind::LimitExceeded,
                format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}"),
            ));
        }
        let key = AccessKey {
            id: call.iam.access_key_id(&before)?,
            secret: secret_key(&*call.iam.random).map_err(Error::unavailable)?,
            account: call.account(),
            owner: holder.as_owner(),
            active: true,
            created_at: call.caller.now(),
            description: String::new(),
        };
        let answer = Answer::NewAccessKey(AccessKeyDetail::from(&key), key.secret.clone());
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
    let holder = whose.permit(call, snapshot)?;
    let place = |key: &&AccessKey| format!("{:012}{}", key.created_at.unix(), key.id);
    let mut keys: Vec<&AccessKey> = holder.keys().iter().filter_map(|id| snapshot.access_key(*id)).collect();
    keys.sort_by_key(place);
    Ok(Answer::AccessKeys(paging.cut(keys, place).map(AccessKeyDetail::from)))
}

pub(super) async fn update(call: Call<'_>, input: UpdateAccessKey) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let id = parameters::access_key_id(input.access_key_id)?;
    let status = parameters::choice("status", input.status, &[("Active", true), ("Inactive", false)])?;
    let active = parameters::required("status", status)?;
    call.change(|edit| {
        let before = edit.before();
        let mut key = whose.permit(call, &before)?.key(&before, &id)?.clone();
        key.active = active;
        edit.put(key);
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn delete(call: Call<'_>, input: DeleteAccessKey) -> Result<Answer, Error> {
    let whose = Whose::read(call, input.user_name)?;
    let id = parameters::access_key_id(input.access_key_id)?;
    call.change(|edit| {
        let before = edit.before();
        let holder = whose.permit(call, &before)?;
        let key = holder.key(&before, &id)?;
        holder.put_keys(edit, holder.keys().iter().copied().filter(|other| *other != key.id).collect());
        edit.delete(key);
        Ok(Answer::Done)
    })
    .await
}

/// Whose keys a request is about: the user it names, or the one who signed it.
enum Whose {
    Named(String),
    Caller { name: String, id: UniqueId },
    Root,
}

impl Whose {
    fn read(call: Call<'_>, user_name: Option<String>) -> Result<Self, Error> {
        match (user_name, call.caller.principal()) {
            (Some(name), _) => Ok(Self::Named(parameters::owner_name::<User>(Some(name))?)),
            (None, Principal::User { name, id, .. }) => Ok(Self::Caller { name: name.clone(), id: *id }),
            (None, Principal::Root { .. }) => Ok(Self::Root),
            (None, Principal::RoleSession { .. } | Principal::FederatedUser { .. }) => Err(name_needed()),
        }
    }

    /// The holder of the keys, if the caller may do this to it.
    fn permit<'a>(&self, call: Call<'a>, snapshot: &'a Snapshot) -> Result<Holder<'a>, Error> {
        match self {
            Self::Named(name) => Ok(Holder::User(call.owner::<User>(snapshot, name).permit()?)),
            Self::Caller { name, id } => {
                let user = call.owner::<User>(snapshot, name).permit()?;
                // Someone else may bear the name since the request was authenticated.
                if user.id == *id { Ok(Holder::User(user)) } else { Err(User::not_found(name)) }
            }
            Self::Root => {
                call.resource(call.caller.principal().arn()).permit()?;
                let account = snapshot.account(call.account());
                account.map(Holder::Root).ok_or_else(|| User::not_found("root"))
            }
        }
    }
}

/// Who has access keys. Its record is written with each change of its keys, so that the quota holds under races.
enum Holder<'a> {
    Root(&'a Account),
    User(&'a User),
}

impl<'a> Holder<'a> {
    fn keys(&self) -> &'a [AccessKeyId] {
        match self {
            Self::Root(account) => &account.access_keys,
            Self::User(user) => &user.access_keys,
        }
    }

    /// One of the holder's own keys; any other is not there.
    fn key(&self, snapshot: &'a Snapshot, id: &str) -> Result<&'a AccessKey, Error> {
        let own = |id: &AccessKeyId| self.keys().contains(id);
        id.parse()
            .ok()
            .filter(own)
            .and_then(|id| snapshot.access_key(id))
            .ok_or_else(|| Error::new(Kind::NoSuchEntity, format!("The Access Key with id {id} cannot be found.")))
    }

    fn as_owner(&self) -> KeyOwner {
        match self {
            Self::Root(_) => KeyOwner::Root,
            Self::User(user) => KeyOwner::User { name: user.name.clone(), id: user.id },
        }
    }

    fn put_keys(&self, edit: &mut Edit, access_keys: Vec<AccessKeyId>) {
        match self {
            Self::Root(account) => edit.put(Account { access_keys, ..(*account).clone() }),
            Self::User(user) => edit.put(User { access_keys, ..(*user).clone() }),
        }
    }
}
