//! Takes a record out of a snapshot by nothing but its key, as a replica hears of it that another one deleted it.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::AccountId;
use brevet_validator::token::{Revocation, Subject};

use super::convert::{Read, parsed, time};
use super::snapshot::{NameKey, ProviderKey, Snapshot, Versioned};
use super::stored::{InvalidRecord, Stored};
use super::used_token::UsedTokenKey;

impl Snapshot {
    /// Removes the record, if it is there.
    pub(super) fn remove_record(&mut self, key: &str) -> Result<(), InvalidRecord> {
        self.remove_by_key(key).map_err(|what| InvalidRecord::new(key, what))
    }

    fn remove_by_key(&mut self, key: &str) -> Read<()> {
        let (table, name) = key.split_once('/').ok_or("no table")?;
        match table {
            "accounts" => remove(self.accounts.get(&parsed::<AccountId>(name, "account id")?).cloned(), self),
            "users" => remove(self.users.get(&name_key(name)?).cloned(), self),
            "roles" => remove(self.roles.get(&name_key(name)?).cloned(), self),
            "policies" => remove(self.policies.get(&name_key(name)?).cloned(), self),
            "access-keys" => {
                remove(self.access_keys.get(&parsed::<AccessKeyId>(name, "access key id")?).cloned(), self)
            }
            "zones" => remove(self.zones.get(name).cloned(), self),
            "providers" => {
                let NameKey(account, name) = name_key(name)?;
                remove(self.providers.get(&ProviderKey(account, name)).cloned(), self);
            }
            "used-tokens" => remove(self.used_tokens.get(&used_token(name)?).cloned(), self),
            "revocations" => {
                let (subject, until) = (subject(name)?, time(0)?);
                Revocation { subject, revision: 0, until }.remove(self);
            }
            "key-uses" => {
                let shard = u16::from_str_radix(name, 16).map_err(|_| "bad number of a record of uses")?;
                remove(self.key_uses.get(&shard).cloned(), self);
            }
            "sessions" => self.remove_session_batch(key)?,
            // A table that is missed here is read again as a whole.
            _ => self.others.remove(key).map(drop).ok_or("no known table")?,
        }
        Ok(())
    }
}

fn remove<T: Stored>(found: Option<Versioned<T>>, snapshot: &mut Snapshot) {
    if let Some(found) = found {
        found.entity.remove(snapshot);
    }
}

/// `123456789012/ada`. The name is taken as it is: keys are folded already.
fn name_key(name: &str) -> Read<NameKey> {
    let (account, name) = name.split_once('/').ok_or("no account")?;
    Ok(NameKey(parsed(account, "account id")?, name.to_owned()))
}

/// The reverse of the key of a [`super::UsedToken`]. Ids of providers have no slash.
fn used_token(name: &str) -> Read<UsedTokenKey> {
    let mut parts = name.splitn(3, '/');
    let mut part = || parts.next().ok_or("too short");
    let (role, provider, token) = (part()?, part()?.to_owned(), part()?);
    let mut bytes = [0; 32];
    if token.len() != 2 * bytes.len() {
        return Err("bad token hash".into());
    }
    for (byte, digits) in bytes.iter_mut().zip(token.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| "bad token hash")?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| "bad token hash")?;
    }
    Ok(UsedTokenKey { role: parsed(role, "unique id")?, provider, token: bytes })
}

/// The reverse of the key of a [`Revocation`].
fn subject(name: &str) -> Read<Subject> {
    let (kind, rest) = name.split_once('/').ok_or("no subject")?;
    let pair = || rest.split_once('/').ok_or("too short");
    Ok(match kind {
        "session" => {
            let (account, id) = pair()?;
            Subject::Session { account: parsed(account, "account id")?, access_key_id: parsed(id, "access key id")? }
        }
        "root" => Subject::Root(parsed(rest, "account id")?),
        "user" => Subject::User(parsed(rest, "unique id")?),
        "role" => Subject::Role(parsed(rest, "unique id")?),
        "provider" => Subject::Provider(rest.into()),
        "access-key" => Subject::AccessKey(parsed(rest, "access key id")?),
        "issued-before" => {
            let (account, at) = pair()?;
            Subject::IssuedBefore { account: parsed(account, "account id")?, at: time(parsed(at, "time")?)? }
        }
        _ => return Err("no known subject".into()),
    })
}

#[cfg(test)]
mod tests;
