//! Those whom a trust policy names and who are no users or roles of the account: other accounts and their principals,
//! providers of web identities, single sessions, everyone.

use brevet_validator::identity::{AccountId, Arn, UniqueId, UniqueIdKind};
use brevet_validator::policy::{NamedPrincipal, Subject};

use super::asker::{Asker, PrincipalKind};
use super::question::{Question, Trusts};
use crate::service::directory::{Role, Snapshot};

/// Someone whom a trust policy names.
pub(super) struct Named {
    principal: NamedPrincipal,
    /// An account that the trust policy does not name, for whoever is of no account in particular.
    elsewhere: AccountId,
}

/// In the order of the document. Left out are those who cannot have a role in this way, whatever the document says.
pub(super) fn of(role: &Role, trusts: Trusts, snapshot: &Snapshot) -> Vec<Named> {
    let Some(elsewhere) = elsewhere(role) else { return Vec::new() };
    let counts = |principal: &NamedPrincipal| match principal {
        NamedPrincipal::Everyone => true,
        NamedPrincipal::Account(account) => trusts.principals && *account != role.account,
        NamedPrincipal::Arn { arn, .. } => {
            let is_ours = arn.account() == role.account.as_str();
            let is_session = arn.service() == "sts" && arn.resource().starts_with("assumed-role/");
            // Federated users take on no roles.
            trusts.principals && (if is_ours { is_session } else { arn.service() == "iam" || is_session })
        }
        NamedPrincipal::UniqueId(id) => {
            let is_ours = match id.kind() {
                UniqueIdKind::Role => snapshot.roles(role.account).any(|role| role.id == *id),
                _ => snapshot.user_by_id(role.account, *id).is_some(),
            };
            trusts.principals && !is_ours
        }
        NamedPrincipal::Federated(_) => trusts.web_identities,
    };
    let named = role.trust.policy.allowed_principals().into_iter().filter(counts);
    named.map(|principal| Named { principal, elsewhere }).collect()
}

/// Some account that is neither the role's nor one that its trust policy mentions.
fn elsewhere(role: &Role) -> Option<AccountId> {
    let mut accounts = (0..=role.trust.text.len()).map(|number| format!("{number:012}"));
    let other = accounts.find(|id| !role.trust.text.contains(id) && id != role.account.as_str())?;
    other.parse().ok()
}

impl Named {
    /// `None` for those who are gone.
    pub(super) fn asker<'a>(&self, question: &'a Question<'_>) -> Option<Asker<'a>> {
        let someone = |account, name: &str| {
            let arn = Arn::new("iam", "", Some(account), name);
            Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: None }
        };
        let mut asker = match &self.principal {
            NamedPrincipal::Everyone if question.trusts().is_some_and(|trusts| trusts.principals) => {
                Asker::stranger(question, PrincipalKind::Everyone, someone(self.elsewhere, "user/*"))
            }
            // No provider has this name.
            NamedPrincipal::Everyone => {
                let subject = Subject { federated: Some("*".to_owned()), ..someone(self.elsewhere, "user/*") };
                Asker::stranger(question, PrincipalKind::Everyone, subject)
            }
            NamedPrincipal::Account(account) => {
                let mut asker = Asker::stranger(question, PrincipalKind::Account, someone(*account, "user/*"));
                asker.context.set("aws:PrincipalAccount", account.as_str());
                asker
            }
            NamedPrincipal::Arn { arn, .. } if arn.account() == question.account.as_str() => {
                let role = arn.resource().split('/').nth(1)?;
                let role = question.snapshot.role(question.account, role).filter(|found| found.name == role)?;
                return Asker::session(question, role, arn.clone(), PrincipalKind::RoleSession);
            }
            NamedPrincipal::Arn { arn, id } => foreign(question, arn, *id)?,
            NamedPrincipal::UniqueId(id) => {
                let subject = Subject { unique_id: Some(*id), ..someone(self.elsewhere, "user/*") };
                Asker::stranger(question, PrincipalKind::UniqueId, subject)
            }
            NamedPrincipal::Federated(provider) => {
                let subject = Subject { federated: Some(provider.clone()), ..someone(self.elsewhere, "user/*") };
                Asker::stranger(question, PrincipalKind::Federated, subject)
            }
        };
        asker.principal = match &self.principal {
            NamedPrincipal::Everyone => "*".to_owned(),
            NamedPrincipal::Account(account) => account.to_string(),
            NamedPrincipal::Arn { arn, .. } => arn.to_string(),
            NamedPrincipal::UniqueId(id) => id.to_string(),
            NamedPrincipal::Federated(provider) => provider.clone(),
        };
        Some(asker)
    }
}

/// A user, a role or a role's session of another account.
fn foreign<'a>(question: &'a Question<'_>, arn: &Arn, id: Option<UniqueId>) -> Option<Asker<'a>> {
    let subject = Subject { unique_id: id, ..Subject::named(arn)? };
    let entity = subject.role_or_user_arn.clone();
    let (kind, word) = match (arn.service(), &entity) {
        (_, None) => (PrincipalKind::User, "User"),
        ("iam", Some(_)) => (PrincipalKind::Role, "AssumedRole"),
        (_, Some(_)) => (PrincipalKind::RoleSession, "AssumedRole"),
    };
    let mut asker = Asker::stranger(question, kind, subject);
    asker.named(word, entity.as_ref().unwrap_or(arn));
    Some(asker)
}
