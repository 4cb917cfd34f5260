//! A deployment's first transaction: its keys, the operator account, and who is in it.

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::identity::{AccountId, UniqueId, UniqueIdKind};
use brevet_validator::policy::{Kind as PolicyKind, Policy};
use brevet_validator::timestamp::Timestamp;
use serde_json::json;

use super::{DeploymentError, fault};
use crate::service::clock::Clock;
use crate::service::directory::{
    AccessKey, Account, Document, Edit, Grants, InlinePolicy, KeyOwner, OidcProvider, Reach, Role, User,
};
use crate::service::federation::{ClaimMapping, Issuer};
use crate::service::hex::hex;
use crate::service::keys::{Anchor, Keys};
use crate::service::random::{Random, secret_key};
use crate::store::{MasterKey, Transaction, format};

/// Allows everything in the account.
const ADMINISTRATOR: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

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
            expires_at: None,
            lifetime: None,
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
    secret_key(random).map_err(fault)
}
