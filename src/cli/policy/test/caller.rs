//! Who asks, and the condition keys that follow from it, as the service fills them.

use brevet_validator::identity::{AccountId, Arn, UniqueId, UniqueIdKind};
use brevet_validator::policy::{Position, Subject, claim_keys};

use super::fault::{Fault, quoted};
use super::settings::{Keys, Values, Who};
use super::yaml::{Located, Text};

/// The caller of a case.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) subject: Subject,
    /// Condition keys that follow from who it is, or that its token carries.
    pub(super) keys: Vec<(String, Values)>,
}

impl Caller {
    /// `at`: the case, for what is missing.
    pub(super) fn of(who: Who, at: Position) -> Result<Self, Fault> {
        let Who { principal, unique_id, role, federated, claims } = who;
        let stray =
            [unique_id.as_ref().map(|id| id.at), role.as_ref().map(|role| role.at)].into_iter().flatten().next();
        match (principal, federated) {
            (_, Some(provider)) => match stray {
                Some(at) => Err(Fault::new(at, "a web identity has no unique id and no role")),
                None => web_identity(provider, claims),
            },
            (Some(principal), None) => match claims.0.first() {
                Some((claim, _)) => Err(Fault::new(claim.at, "only a web identity (`federated`) has claims")),
                None => with_credentials(principal, unique_id, role),
            },
            (None, None) => Err(Fault::new(at, "the case has no caller: `principal` or `federated`")),
        }
    }

    /// For people: an ARN, or the provider of a web identity.
    pub(super) fn shown(&self) -> &str {
        self.subject.federated.as_deref().unwrap_or(self.subject.arn.as_str())
    }
}

fn with_credentials(
    principal: Located<Arn>,
    unique_id: Option<Located<UniqueId>>,
    role: Option<Located<Arn>>,
) -> Result<Caller, Fault> {
    let mut subject = Subject::named(&principal.value).ok_or_else(|| {
        let message = "is not the ARN of a user, root, a role, a role's session or a federated user";
        Fault::new(principal.at, format!("{} {message}", quoted(principal.value.as_str())))
    })?;
    if let Some(role) = role {
        subject.role_or_user_arn = Some(role_of(&subject, role)?);
    }
    if let Some(Located { at, value }) = unique_id {
        let (kind, id) = match (subject.arn.service(), subject.role_or_user_arn.is_some()) {
            ("iam", _) if subject.arn.resource() != "root" => (UniqueIdKind::User, "AIDA…"),
            ("sts", true) => (UniqueIdKind::Role, "AROA…"),
            _ => return Err(Fault::new(at, "only users and sessions of roles have a unique id here")),
        };
        if value.kind() != kind {
            return Err(Fault::new(at, format!("the unique id of this caller is {id}")));
        }
        subject.unique_id = Some(value);
    }
    let keys = principal_keys(&subject);
    Ok(Caller { subject, keys })
}

/// The role's own ARN, which has the path that the session's lacks.
fn role_of(subject: &Subject, Located { at, value: role }: Located<Arn>) -> Result<Arn, Fault> {
    let known =
        subject.role_or_user_arn.as_ref().ok_or_else(|| Fault::new(at, "only a session of a role has a role"))?;
    let name = |arn: &Arn| arn.resource().rsplit('/').next().map(str::to_owned);
    let is_same = role.partition() == known.partition()
        && (role.service(), role.region(), role.account()) == ("iam", "", known.account())
        && role.resource().starts_with("role/")
        && name(&role) == name(known);
    if is_same { Ok(role) } else { Err(Fault::new(at, format!("this is not the role of the session: {known}"))) }
}

/// As `src/service/caller/conditions.rs` has them, those that the ARN and the unique id tell.
fn principal_keys(subject: &Subject) -> Vec<(String, Values)> {
    let Subject { account, arn, role_or_user_arn, unique_id, .. } = subject;
    let id = unique_id.as_ref().map(ToString::to_string);
    let last = arn.resource().rsplit('/').next().unwrap_or_default();
    let (kind, principal, user_id, user_name) = match (arn.service(), role_or_user_arn) {
        ("iam", _) if arn.resource() == "root" => ("Account", arn, Some(account.to_string()), None),
        ("iam", _) => ("User", arn, id, Some(last.to_owned())),
        (_, Some(role)) => ("AssumedRole", role, id.map(|id| format!("{id}:{last}")), None),
        (_, None) => ("FederatedUser", arn, Some(format!("{account}:{last}")), None),
    };
    let keys = [
        ("aws:PrincipalAccount", Some(account.to_string())),
        ("aws:PrincipalType", Some(kind.to_owned())),
        ("aws:PrincipalArn", Some(principal.to_string())),
        ("aws:userid", user_id),
        ("aws:username", user_name),
    ];
    keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Values::One(value?)))).collect()
}

fn web_identity(Located { at, value: provider }: Text, claims: Keys) -> Result<Caller, Fault> {
    let arn: Option<Arn> = provider.parse().ok();
    let issuer = match &arn {
        None => Some(provider.as_str()),
        Some(arn) if arn.service() == "iam" => arn.resource().strip_prefix("oidc-provider/"),
        Some(_) => None,
    };
    let is_name =
        |issuer: &&str| !issuer.is_empty() && !issuer.contains("://") && issuer.bytes().all(|b| b.is_ascii_graphic());
    let issuer = issuer.filter(is_name).map(str::to_owned);
    let issuer = issuer.ok_or_else(|| {
        let expected = "arn:aws:iam::ACCOUNT:oidc-provider/ISSUER, or an issuer's name without https://";
        Fault::new(at, format!("{} is not an OIDC provider: {expected}", quoted(&provider)))
    })?;
    let of = |(claim, values): (Text, Values)| claim_keys(&issuer, &claim.value).map(|key| (key, values.clone()));
    let keys = claims.0.into_iter().flat_map(of).collect();
    // A web identity has an account and an ARN only once it has a role. No policy looks at these.
    let account = arn.as_ref().and_then(|arn| arn.account().parse().ok());
    let account = account.or(AccountId::from_number(0)).ok_or_else(|| Fault::new(at, "no account"))?;
    let arn = arn.unwrap_or_else(|| Arn::new("iam", "", Some(account), &format!("oidc-provider/{issuer}")));
    let subject = Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: Some(provider) };
    Ok(Caller { subject, keys })
}

#[cfg(test)]
mod tests {
    use super::super::node::Members;
    use super::super::settings::{KEYS, Settings};
    use super::super::yaml::parse;
    use super::*;

    fn caller(yaml: &str) -> Result<Caller, Fault> {
        let mut members = Members::of(parse(yaml).unwrap(), "a case", &KEYS)?;
        Caller::of(Settings::read(&mut members)?.who, Position { line: 1, column: 1 })
    }

    fn keys(yaml: &str) -> Vec<String> {
        let one = |(key, values): (String, Values)| match values {
            Values::One(value) => format!("{key}={value}"),
            other => format!("{key}={other:?}"),
        };
        caller(yaml).unwrap().keys.into_iter().map(one).collect()
    }

    const SESSION: &str = "principal: arn:aws:sts::123456789012:assumed-role/ci/run-7";

    #[test]
    fn keys_follow_from_who_asks() {
        assert_eq!(
            keys("principal: arn:aws:iam::123456789012:user/ops/ada\nunique_id: AIDAAAAAAAAAAAAAAAAAA"),
            [
                "aws:PrincipalAccount=123456789012",
                "aws:PrincipalType=User",
                "aws:PrincipalArn=arn:aws:iam::123456789012:user/ops/ada",
                "aws:userid=AIDAAAAAAAAAAAAAAAAAA",
                "aws:username=ada"
            ]
        );
        assert_eq!(
            keys("principal: arn:aws:iam::123456789012:root")[1..],
            ["aws:PrincipalType=Account", "aws:PrincipalArn=arn:aws:iam::123456789012:root", "aws:userid=123456789012"]
        );
        let role = "role: arn:aws:iam::123456789012:role/team/ci\nunique_id: AROAAAAAAAAAAAAAAAAAA";
        assert_eq!(
            keys(&format!("{SESSION}\n{role}"))[1..],
            [
                "aws:PrincipalType=AssumedRole",
                "aws:PrincipalArn=arn:aws:iam::123456789012:role/team/ci",
                "aws:userid=AROAAAAAAAAAAAAAAAAAA:run-7"
            ]
        );
        assert_eq!(
            keys("principal: arn:aws:sts::123456789012:federated-user/bob")[1..],
            [
                "aws:PrincipalType=FederatedUser",
                "aws:PrincipalArn=arn:aws:sts::123456789012:federated-user/bob",
                "aws:userid=123456789012:bob"
            ]
        );
    }

    #[test]
    fn claims_have_the_issuers_name_and_the_neutral_one() {
        let arn = "arn:aws:iam::123456789012:oidc-provider/idp.example/realms/a";
        let yaml = format!("federated: {arn}\nclaims: {{sub: x, groups: [a, b]}}");
        assert_eq!(
            keys(&yaml),
            [
                "idp.example/realms/a:sub=x".to_owned(),
                "oidc:sub=x".to_owned(),
                r#"idp.example/realms/a:groups=Many(["a", "b"])"#.to_owned(),
                r#"oidc:groups=Many(["a", "b"])"#.to_owned(),
            ]
        );
        assert_eq!(caller(&yaml).unwrap().shown(), arn);
        assert_eq!(keys("federated: accounts.google.com\nclaims: {sub: 1}")[0], "accounts.google.com:sub=1");
    }

    #[test]
    fn a_caller_that_cannot_be_is_refused() {
        let user = "principal: arn:aws:iam::123456789012:user/ada";
        for bad in [
            "context: {}".to_owned(),
            "principal: arn:aws:s3:::bucket".to_owned(),
            format!("{user}\nclaims: {{sub: a}}"),
            format!("{user}\nrole: arn:aws:iam::123456789012:role/ada"),
            format!("{user}\nunique_id: AROAAAAAAAAAAAAAAAAAA"),
            "principal: arn:aws:iam::123456789012:root\nunique_id: AIDAAAAAAAAAAAAAAAAAA".to_owned(),
            format!("{SESSION}\nrole: arn:aws:iam::123456789012:role/other"),
            format!("{SESSION}\nrole: arn:aws:iam::210987654321:role/ci"),
            format!("{SESSION}\nrole: arn:aws:iam::123456789012:user/ci"),
            "federated: https://idp.example".to_owned(),
            "federated: \"idp\\n.example\"".to_owned(),
            "federated: arn:aws:iam::123456789012:saml-provider/x".to_owned(),
            "federated: idp.example\nrole: arn:aws:iam::123456789012:role/ci".to_owned(),
        ] {
            assert!(caller(&bad).is_err(), "{bad}");
        }
    }
}
