//! A principal who is asked about: its names, its policies, and the condition keys that follow from who it is.

use brevet_validator::identity::{Arn, Principal};
use brevet_validator::policy::{Context, Policy, Subject};
use brevet_validator::token::Origin;

use super::question::Question;
use crate::service::caller::may_call_as;
use crate::service::directory::{Grants, NamedPolicy, Role, Tag, User};
use crate::service::simulation::PolicySource;

/// The keys that follow from a principal, besides its tags.
pub(super) const CALLER_KEYS: [&str; 5] =
    ["aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalType", "aws:username", "aws:userid"];
/// What the keys of a principal's tags begin with, folded.
pub(super) const PRINCIPAL_TAG: &str = "aws:principaltag/";
/// What the keys of a resource's tags begin with, folded.
pub(super) const RESOURCE_TAG: &str = "aws:resourcetag/";

/// What a principal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PrincipalKind {
    /// The account itself.
    Root,
    /// A user.
    User,
    /// A role: some session of it.
    Role,
    /// One session of a role, by its name.
    RoleSession,
    /// A whole account, as far as its own policies let.
    Account,
    /// The web identities of a provider.
    Federated,
    /// A unique id of which the account has neither user nor role.
    UniqueId,
    /// Everyone.
    Everyone,
}

/// A principal.
pub(super) struct Asker<'a> {
    /// As answers name it.
    pub(super) principal: String,
    pub(super) kind: PrincipalKind,
    /// Whether it is of another account, whose own policies are not known.
    pub(super) external: bool,
    pub(super) subject: Subject,
    pub(super) boundary: Option<&'a Policy>,
    /// All keys that are known, those of the question and those of the principal.
    pub(super) context: Context,
    /// Whether there are no tags but those in the context.
    tags_known: bool,
    resource_tags_known: bool,
    policies: Vec<NamedPolicy<'a>>,
    /// Stands for the policies of another account.
    everything: Option<&'a Policy>,
    size: usize,
}

impl<'a> Asker<'a> {
    /// The account itself. It takes on no roles.
    pub(super) fn root(question: &'a Question<'_>) -> Option<Self> {
        let arn = Principal::Root { account: question.account }.arn();
        question.trusts().is_none().then_some(())?;
        let mut asker = Self::new(question, PrincipalKind::Root, Subject::named(&arn)?);
        asker.named("Account", &arn);
        asker.tags_known = true;
        Some(asker)
    }

    /// A user, with a long-lived key or a session of GetSessionToken.
    pub(super) fn user(question: &'a Question<'_>, user: &'a User) -> Option<Self> {
        question.trusts().is_none_or(|trusts| trusts.principals).then_some(())?;
        let arn = user.arn();
        let subject = Subject { unique_id: Some(user.id), ..Subject::named(&arn)? };
        let mut asker = Self::new(question, PrincipalKind::User, subject);
        asker.named("User", &arn);
        asker.context.set("aws:username", user.name.as_str());
        asker.context.set("aws:userid", user.id.to_string());
        asker.tagged(&user.grants.tags);
        asker.granted(question, &user.grants)
    }

    /// Some session of a role. Its name, and what else a session brings along, is not known.
    pub(super) fn role(question: &'a Question<'_>, role: &'a Role) -> Option<Self> {
        // No session has this name, so that no policy that names a session means this one.
        let session = Arn::new("sts", "", Some(role.account), &format!("assumed-role/{}/*", role.name));
        Self::session(question, role, session, PrincipalKind::Role)
    }

    /// One session of a role.
    pub(super) fn session(
        question: &'a Question<'_>,
        role: &'a Role,
        session: Arn,
        kind: PrincipalKind,
    ) -> Option<Self> {
        question.trusts().is_none_or(|trusts| trusts.principals).then_some(())?;
        may_call_as(Origin::AssumeRole, false, question.action()).then_some(())?;
        let arn = role.arn();
        let subject = Subject {
            account: role.account,
            arn: session,
            role_or_user_arn: Some(arn.clone()),
            unique_id: Some(role.id),
            federated: None,
        };
        let mut asker = Self::new(question, kind, subject);
        if kind == PrincipalKind::Role {
            asker.principal = arn.to_string();
        }
        asker.named("AssumedRole", &arn);
        asker.missing("aws:username");
        // A session's tags go over those of its role, if the role takes any.
        if !role.trust.policy.may_allow("sts:TagSession") {
            asker.tagged(&role.grants.tags);
        }
        asker.granted(question, &role.grants)
    }

    /// Someone of another account. Its own policies are taken to allow everything.
    pub(super) fn stranger(question: &'a Question<'_>, kind: PrincipalKind, subject: Subject) -> Self {
        let everything = Some(&question.everything);
        Self { external: true, everything, ..Self::new(question, kind, subject) }
    }

    fn new(question: &Question<'_>, kind: PrincipalKind, subject: Subject) -> Self {
        Self {
            principal: subject.arn.to_string(),
            kind,
            external: false,
            subject,
            boundary: None,
            context: question.context.clone(),
            tags_known: false,
            resource_tags_known: question.trusts().is_some(),
            policies: Vec::new(),
            everything: None,
            size: 0,
        }
    }

    /// Sets the keys of who it is. Unless they are set, they are not known.
    pub(super) fn named(&mut self, kind: &str, arn: &Arn) {
        self.context.set("aws:PrincipalAccount", self.subject.account.as_str());
        self.context.set("aws:PrincipalType", kind);
        self.context.set("aws:PrincipalArn", arn.as_str());
        if kind != "User" {
            self.missing("aws:username");
        }
    }

    fn missing(&mut self, key: &str) {
        self.context.set_all(key, []);
    }

    fn tagged(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.context.set(&format!("aws:PrincipalTag/{}", tag.key), tag.value.as_str());
        }
        self.tags_known = true;
    }

    /// `None` if the boundary is gone: then nothing is allowed.
    fn granted(mut self, question: &'a Question<'_>, grants: &'a Grants) -> Option<Self> {
        let boundary = question.snapshot.boundary(grants).ok()?;
        self.policies = question.snapshot.named_policies(grants).collect();
        self.boundary = boundary.map(|named| &*named.document.policy);
        self.size = self.policies.iter().chain(&boundary).map(|named| named.document.text.len()).sum();
        Some(self)
    }

    /// What decides, in the order of [`Asker::source`].
    pub(super) fn identity(&self) -> Vec<&Policy> {
        self.policies.iter().map(|named| &*named.document.policy).chain(self.everything).collect()
    }

    /// Name and source of an identity policy, by its number.
    pub(super) fn source(&self, number: usize) -> Option<(&str, PolicySource)> {
        let named = self.policies.get(number)?;
        let inline = if self.kind == PrincipalKind::User { PolicySource::User } else { PolicySource::Role };
        Some((named.name, PolicySource::of(named, inline)))
    }

    /// Characters of its policies.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether all there is to know of a folded key that is not in the context is that it is missing.
    pub(super) fn is_known(&self) -> fn(&str) -> bool {
        match (self.tags_known, self.resource_tags_known) {
            (false, false) => |_| false,
            (true, false) => |key| key.starts_with(PRINCIPAL_TAG),
            (false, true) => |key| key.starts_with(RESOURCE_TAG),
            (true, true) => |key| key.starts_with(PRINCIPAL_TAG) || key.starts_with(RESOURCE_TAG),
        }
    }
}
