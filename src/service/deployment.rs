//! A deployment's first transaction, and its start from what the store holds.

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::identity::{AccountId, UniqueId, UniqueIdKind};
use brevet_validator::policy::{Kind as PolicyKind, Policy};
use brevet_validator::timestamp::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use super::clock::Clock;
use super::directory::{
    AccessKey, Account, Directory, Document, Edit, Grants, InlinePolicy, KeyOwner, OidcProvider, OtherRecord, Reach,
    Role, Snapshot, User,
};
use super::error::Error;
use super::federation::{ClaimMapping, Issuer};
use super::hex::hex;
use super::keys::{Anchor, EpochKeys, Keys};
use super::outbound::{IssuerKey, IssuerKeys};
use super::random::Random;
use super::zones;
use crate::store::{MasterKey, Store, Transaction, format};

/// Allows everything in the account.
const ADMINISTRATOR: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A deployment that cannot be founded or started.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DeploymentError(String);

fn fault(error: impl std::fmt::Display) -> DeploymentError {
    DeploymentError(error.to_string())
}

/// A role to be made along with the deployment.
#[derive(Clone, Copy, Debug)]
pub struct FirstRole {
    /// Its name.
    pub name: &'static str,
    /// What it allows, as a policy document.
    pub policy: &'static str,
}

/// An identity provider to be made along with the deployment, and what its tokens are good for.
#[derive(Clone, Debug)]
pub struct FirstProvider {
    /// Whose tokens.
    pub issuer: Issuer,
    /// Which of them are good for which role.
    pub trusts: &'static [FirstTrust],
}

/// Tokens that are good for a role.
#[derive(Clone, Copy, Debug)]
pub struct FirstTrust {
    /// The audience that they must have.
    pub client_id: &'static str,
    /// Whom they must speak of.
    pub subject: &'static str,
    /// The role that they may take.
    pub role: FirstRole,
}

/// What a deployment begins with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The operator account; drawn if not given.
    pub account: Option<AccountId>,
    /// Name of the first administrator.
    pub administrator: &'static str,
    /// Roles that everyone in the account may take, as far as their own policies allow.
    pub roles: &'static [FirstRole],
    /// A provider of identity tokens.
    pub provider: Option<FirstProvider>,
}

/// What was made.
#[derive(Debug)]
pub struct Founded {
    /// The operator account.
    pub account: AccountId,
    /// The first administrator's name.
    pub administrator: &'static str,
    /// The first administrator's key: shown once.
    pub credentials: Credentials,
}

impl Founding {
    /// The first transaction of a store, for its engine to write, and what is to be shown of it.
    pub fn first_transaction(
        &self,
        master: &MasterKey,
        random: &dyn Random,
        clock: &dyn Clock,
    ) -> Result<(Transaction, Founded), DeploymentError> {
        let now = clock.now();
        let mut tx = Transaction { id: draw(random)?, ..Transaction::default() };
        let cipher = format::initialise(&mut tx, master, draw(random)?);

        let mut edit = Edit::new(Arc::default());
        let (epoch, anchor) = Keys::generate(random, now).map_err(fault)?;
        edit.put_other(&epoch.record_key(), epoch.encode());
        edit.put_other(Anchor::RECORD_KEY, anchor.encode());
        let founded = self.people(&mut edit, random, now)?;

        let sealed = edit.seal(&cipher, random).map_err(fault)?;
        tx.preconditions.extend(sealed.preconditions);
        tx.puts.extend(sealed.puts);
        Ok((tx, founded))
    }

    fn people(&self, edit: &mut Edit, random: &dyn Random, now: Timestamp) -> Result<Founded, DeploymentError> {
        let account = match self.account {
            Some(account) => account,
            None => draw_account(random)?,
        };
        let id = UniqueId::from_random(UniqueIdKind::User, draw(random)?);
        let key = AccessKey {
            id: AccessKeyId::from_bytes(KeyKind::LongLived, draw(random)?),
            secret: draw_secret(random)?,
            account,
            owner: KeyOwner::User { name: self.administrator.into(), id },
            active: true,
            created_at: now,
            description: String::new(),
        };
        let credentials = Credentials {
            access_key_id: key.id,
            secret_access_key: key.secret.clone(),
            security_token: None,
            expiration: None,
        };
        edit.put(Account { id: account, created_at: now, access_keys: Vec::new(), operator: true });
        edit.put(User {
            account,
            path: "/".into(),
            name: self.administrator.into(),
            id,
            created_at: now,
            grants: inline("AdministratorAccess", ADMINISTRATOR)?,
            access_keys: vec![key.id],
            generation: 0,
        });
        edit.put(key);
        for role in self.roles {
            edit.put(new_role(account, role, &trust_of(account), random, now)?);
        }
        if let Some(FirstProvider { issuer, trusts }) = &self.provider {
            let provider = OidcProvider {
                account,
                issuer: issuer.clone(),
                id: hex(&draw::<16>(random)?),
                created_at: now,
                client_ids: trusts.iter().map(|trust| trust.client_id.to_owned()).collect(),
                thumbprints: Vec::new(),
                tags: Vec::new(),
                disabled: false,
                claim_mapping: ClaimMapping::default(),
                reach: Reach::default(),
            };
            for FirstTrust { client_id, subject, role } in *trusts {
                edit.put(new_role(account, role, &trust_of_tokens(&provider, client_id, subject), random, now)?);
            }
            edit.put(provider);
        }
        Ok(Founded { account, administrator: self.administrator, credentials })
    }
}

fn new_role(
    account: AccountId,
    role: &FirstRole,
    trust: &str,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Role, DeploymentError> {
    Ok(Role {
        account,
        path: "/".into(),
        name: role.name.into(),
        id: UniqueId::from_random(UniqueIdKind::Role, draw(random)?),
        created_at: now,
        description: String::new(),
        max_session_duration: 3600,
        trust: document(trust, PolicyKind::Trust)?,
        explain_to_caller: false,
        max_uses: None,
        grants: inline(role.name, role.policy)?,
        generation: 0,
    })
}

fn trust_of(account: AccountId) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}]}}"#
    )
}

fn trust_of_tokens(provider: &OidcProvider, audience: &str, subject: &str) -> String {
    let (arn, name) = (provider.arn().to_string(), provider.issuer.provider_name());
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": arn},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {format!("{name}:aud"): audience, format!("{name}:sub"): subject}},
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn inline(name: &str, text: &str) -> Result<Grants, DeploymentError> {
    let document = document(text, PolicyKind::Identity)?;
    Ok(Grants { inline: vec![InlinePolicy { name: name.into(), document }], ..Grants::default() })
}

fn document(text: &str, kind: PolicyKind) -> Result<Document, DeploymentError> {
    let policy = Policy::parse(text, kind).map_err(fault)?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

fn draw<const N: usize>(random: &dyn Random) -> Result<[u8; N], DeploymentError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

fn draw_account(random: &dyn Random) -> Result<AccountId, DeploymentError> {
    // Twelve digits without a leading zero, which spreadsheets would eat.
    let number = 100_000_000_000 + u64::from_be_bytes(draw(random)?) % 900_000_000_000;
    AccountId::from_number(number).ok_or_else(|| DeploymentError("no account number could be drawn".into()))
}

fn draw_secret(random: &dyn Random) -> Result<SecretKey, DeploymentError> {
    super::random::secret_key(random).map_err(fault)
}

/// A deployment that was started: its directory, its keys, and the sequence of its bundles.
#[derive(Debug)]
pub struct Deployment {
    /// Who exists and what they may do.
    pub directory: Arc<Directory>,
    /// What mints and opens tokens.
    pub keys: Arc<Keys>,
    /// What signs identity tokens.
    pub issuer_keys: Arc<IssuerKeys>,
    /// What signs bundles, and the sequence of the last one.
    anchor: Mutex<Anchor>,
}

impl Deployment {
    /// Loads and checks everything. One record that cannot be read stops the start.
    pub async fn start(
        store: Arc<dyn Store>,
        master: &MasterKey,
        random: Arc<dyn Random>,
    ) -> Result<Self, DeploymentError> {
        let (revision, stored) = store.load().await.map_err(fault)?;
        let cipher = format::unlock(&stored, master).map_err(fault)?;
        let (snapshot, others) = Snapshot::read(revision, &stored, &cipher).map_err(fault)?;
        let mut epochs = Vec::new();
        let mut issuer_keys = Vec::new();
        let mut anchor = None;
        for OtherRecord { key, content } in others {
            if key == Anchor::RECORD_KEY {
                anchor = Some(Anchor::decode(&content).map_err(fault)?);
            } else if key.starts_with(EpochKeys::PREFIX) {
                epochs.push(EpochKeys::decode(&content).map_err(fault)?);
            } else if key.starts_with(IssuerKey::PREFIX) {
                issuer_keys.push(IssuerKey::decode(&content).map_err(fault)?);
            } else {
                return Err(DeploymentError(format!("the record {key} is of no known kind")));
            }
        }
        let anchor = anchor.ok_or_else(|| DeploymentError(format!("the record {} is missing", Anchor::RECORD_KEY)))?;
        let keys = Keys::new(cipher.trust_domain(), &epochs, &anchor, &*random).map_err(fault)?;
        let directory = Arc::new(Directory::new(store, cipher, Arc::clone(&random), snapshot));
        Ok(Self {
            issuer_keys: Arc::new(IssuerKeys::new(Arc::clone(&directory), random, issuer_keys).map_err(fault)?),
            directory,
            keys: Arc::new(keys),
            anchor: Mutex::new(anchor),
        })
    }

    /// The trust bundle of a zone, as a file. Its sequence is written down before it is handed out.
    pub async fn bundle(&self, zone: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
        let zone = zones::exported(&self.directory.snapshot(), zone)?;
        let mut anchor = self.anchor.lock().await;
        let next = Anchor { bundle_sequence: anchor.bundle_sequence + 1, ..anchor.clone() };
        let record = next.encode();
        self.directory
            .change(|edit| {
                edit.put_other(Anchor::RECORD_KEY, record);
                Ok(())
            })
            .await?;
        *anchor = next;
        self.keys.export_bundle(&zone, anchor.bundle_sequence, now).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use brevet_validator::token::TrustBundle;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::service::test_world::{Counting, Still, now};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn a_bundle_that_nobody_waited_for_does_not_stand_in_the_way_of_the_next() {
        let (master, random) = (MasterKey::new([1; 32]), Arc::new(Counting::default()));
        let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
        let (first, _) = founding.first_transaction(&master, &*random, &Still).unwrap();
        let store = Arc::new(MemoryStore::new(now));
        store.commit(first).await.unwrap();
        let deployment = Deployment::start(store, &master, random).await.unwrap();

        // Polled once: the commit is on its way, its caller is gone.
        assert!(deployment.bundle("default", now()).now_or_never().is_none());
        let sequences =
            [deployment.bundle("default", now()).await.unwrap(), deployment.bundle("default", now()).await.unwrap()]
                .map(|bundle| TrustBundle::decode(&bundle, None).unwrap().sequence);
        assert!(sequences[0] < sequences[1], "{sequences:?}");
    }
}
