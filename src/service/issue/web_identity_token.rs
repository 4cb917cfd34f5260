//! GetWebIdentityToken: what a token says of the caller, for services elsewhere. It is signed by
//! [`outbound`](crate::service::outbound).

use brevet_validator::identity::Arn;
use brevet_validator::token::SessionTag;

use super::input::GetWebIdentityToken;
use super::parameters::{AUDIENCE, check_count, refusal, shown};
use super::tags::SessionTags;
use super::{Issuer, duration};
use crate::service::caller::{Asked, Caller};
use crate::service::error::{Error, Kind};
use crate::service::hex::hex;
use crate::service::outbound::{Claims, SigningAlgorithm};

const MAX_AUDIENCES: usize = 10;
/// The one subject mode there is: the token speaks of the caller.
const SUBJECT_MODE: &str = "AWSIdentity";

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>
    pub fn web_identity_token(&self, caller: &Caller, input: &GetWebIdentityToken) -> Result<Claims, Error> {
        let audience = audience(&input.audience)?;
        let algorithm = algorithm(&input.signing_algorithm)?;
        let seconds = duration::WEB_IDENTITY_TOKEN.read(&input.duration_seconds)?;
        let tags = SessionTags::read(&input.tags, &[], Vec::new())?;
        check_subject(input)?;

        let everything = Arn::new("sts", "", Some(caller.principal().account()), "*");
        let mut context = caller.context();
        context.set_all("sts:IdentityTokenAudience", audience.iter().cloned());
        context.set("sts:SigningAlgorithm", algorithm.name());
        context.set("sts:DurationSeconds", seconds.to_string());
        context.set("sts:SubjectMode", SUBJECT_MODE);
        tags.add_to(&mut context);
        let question = Asked { action: "sts:GetWebIdentityToken", resource: &everything, context: &context };
        caller.demand(&question)?;
        if !tags.is_empty() {
            caller.demand(&Asked { action: "sts:TagGetWebIdentityToken", ..question })?;
        }

        let expires_at = caller.now() + i64::from(seconds);
        let session = caller.session();
        let session_expires_at = session.map(|session| session.lifetime.expires_at);
        // What proves a session elsewhere must not outlive it. Excess is refused, not cut.
        if session_expires_at.is_some_and(|end| end < expires_at) {
            return Err(Error::new(
                Kind::SessionDurationEscalation,
                "The requested token duration would extend the session beyond its original expiration time.",
            ));
        }

        let mut id = [0; 16];
        self.random.fill(&mut id).map_err(Error::unavailable)?;
        let subject = caller.subject();
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Ok(Claims {
            algorithm,
            // A role session is told as its role, as in AWS.
            subject: subject.role_or_user_arn.as_ref().unwrap_or(&subject.arn).clone(),
            audience,
            issued_at: caller.now(),
            expires_at,
            id: hex(&id),
            account: subject.account,
            region: caller.region().to_owned(),
            principal_tags: caller.tags().into_iter().map(owned).collect(),
            request_tags: tags.into_claims().into_iter().map(|SessionTag { key, value, .. }| (key, value)).collect(),
            session_expires_at,
            source_identity: session.and_then(|session| session.claims.source_identity.clone()),
            federated_provider: caller.federated_provider(),
        })
    }
}

fn audience(given: &[String]) -> Result<Vec<String>, Error> {
    if given.is_empty() {
        return Err(refusal("null", "audience", "Member must not be null"));
    }
    check_count(given.len(), MAX_AUDIENCES, "audience")?;
    for (audience, n) in given.iter().zip(1..) {
        AUDIENCE.check(audience, &format!("audience.{n}.member"))?;
    }
    Ok(given.to_vec())
}

fn algorithm(given: &Option<String>) -> Result<SigningAlgorithm, Error> {
    let Some(name) = given else { return Err(refusal("null", "signingAlgorithm", "Member must not be null")) };
    let constraint = "Member must satisfy enum value set: [RS256, ES384]";
    SigningAlgorithm::from_name(name)
        .ok_or_else(|| refusal(&format!("'{}'", shown(name)), "signingAlgorithm", constraint))
}

/// AWS can also tell the person behind a session, whom identity propagation names. There is none here, and scopes are for
/// such tokens alone.
fn check_subject(input: &GetWebIdentityToken) -> Result<(), Error> {
    if let Some(mode) = input.subject_mode.as_ref().filter(|mode| *mode != SUBJECT_MODE) {
        let constraint = format!("Member must satisfy enum value set: [{SUBJECT_MODE}]");
        return Err(refusal(&format!("'{}'", shown(mode)), "subjectMode", &constraint));
    }
    if input.scope.is_some() {
        return Err(Error::validation("Scope can be given only when SubjectMode is OriginIdentity."));
    }
    Ok(())
}
