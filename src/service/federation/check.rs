//! Whether a provider works: are there keys, and does a token of it verify? Issues nothing.

use brevet_validator::identity::Arn;
use serde_json::{Value, json};

use super::identify::{Identification, provider};
use super::{ClaimMapping, DroppedKey, IdentityToken, KeySet, TokenRefusal, UnverifiedToken};
use crate::service::caller::{Asked, Caller};
use crate::service::directory::{OidcProvider, oidc_provider_arn};
use crate::service::error::{Error, Kind};

/// What to look at.
#[derive(Clone, Default)]
pub struct CheckProvider {
    /// The issuer's URL.
    pub issuer: String,
    /// A token of it.
    pub identity_token: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for CheckProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl CheckProvider {
    /// For the audit record.
    pub fn audit_parameters(&self) -> Value {
        let issuer = crate::service::parameters::shown(&self.issuer);
        json!({ "issuer": issuer, "identityTokenLength": self.identity_token.as_ref().map(String::len) })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedStep {
    /// `provider` (only if it is disabled), `keys`, `clock` (only if the issuer tells the time), `token` or `session` (only if claims are mapped).
    pub step: &'static str,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found, in one sentence.
    pub text: String,
}

impl Identification {
    /// Looks at a provider of the caller's account, step by step; nothing after one that failed.
    pub async fn check(&self, caller: &Caller, input: &CheckProvider) -> Result<Vec<CheckedStep>, Error> {
        let account = caller.principal().account();
        let name = input.issuer.split_once("://").map_or("", |(_, name)| name);
        let arn: Arn = oidc_provider_arn(account, name);
        let context = caller.context();
        caller.demand(&Asked { action: "iam:GetOpenIDConnectProvider", resource: &arn, context: &context })?;
        let provider = provider(caller.snapshot(), account, &input.issuer).ok_or_else(|| {
            let issuer = crate::service::parameters::shown(&input.issuer);
            Error::new(Kind::NoSuchEntity, format!("There is no provider with the issuer {issuer} in the account."))
        })?;

        if provider.disabled {
            return Ok(vec![failed("provider", "It is disabled: no token of it is accepted.".to_owned())]);
        }
        let token = input.identity_token.as_deref().map(|token| UnverifiedToken::parse(token.trim_ascii())).transpose();
        let kid = token.as_ref().ok().and_then(|token| token.as_ref()?.key_id());
        let keys = match self.keys(provider, kid).await {
            Ok(keys) => keys,
            Err(error) => return Ok(vec![failed("keys", format!("{error}."))]),
        };
        let mut steps = vec![CheckedStep { step: "keys", passed: !keys.is_empty(), text: told(&keys) }];
        steps.extend(self.clock_ahead(provider).map(|ahead| clock(ahead, provider.expectation().leeway)));
        if steps.iter().any(|step| !step.passed) {
            return Ok(steps);
        }
        match token {
            Ok(None) => {}
            Ok(Some(token)) => steps.extend(verified(&token, provider, &keys, caller)),
            Err(refusal) => steps.push(failed("token", refusal.to_string())),
        }
        Ok(steps)
    }
}

fn verified(token: &UnverifiedToken<'_>, provider: &OidcProvider, keys: &KeySet, caller: &Caller) -> Vec<CheckedStep> {
    match token.verify(keys, &provider.expectation(), caller.now()) {
        Ok(token) => {
            let (subject, audience, expires_at) = (token.subject(), token.audience(), token.expires_at());
            let text = format!("sub {subject:?}, aud {audience:?}, good until {expires_at}.");
            let session = (provider.claim_mapping != ClaimMapping::default()).then(|| passed("session", named(&token)));
            [passed("token", text)].into_iter().chain(session).collect()
        }
        Err(refusal) => {
            let claim = match refusal {
                TokenRefusal::Mapping(_) => token.unmappable(&provider.claim_mapping),
                _ => None,
            };
            let claim = claim.map(|name| format!(" Claim: {name:?}.")).unwrap_or_default();
            vec![failed("token", format!("{refusal}{claim}"))]
        }
    }
}

/// What the claims of a token name of a session.
fn named(token: &IdentityToken) -> String {
    let transitive = |key: &String| if token.transitive_tag_keys().contains(key) { " (transitive)" } else { "" };
    let tag = |(key, value): &(String, String)| format!("tag {key:?} {value:?}{}", transitive(key));
    let mut named: Vec<String> = token.principal_tags().iter().map(tag).collect();
    named.extend(token.source_identity().map(|name| format!("source identity {name:?}")));
    if named.is_empty() { "no claim names a tag or the source identity.".to_owned() } else { named.join(", ") + "." }
}

fn passed(step: &'static str, text: String) -> CheckedStep {
    CheckedStep { step, passed: true, text }
}

/// What separates the issuer's clock from ours separates its tokens' times from ours.
fn clock(ahead: i64, leeway: u32) -> CheckedStep {
    let text = match ahead {
        0 => "the issuer's clock agreed with ours when its keys were fetched.".to_owned(),
        1.. => format!("the issuer's clock was {ahead} s ahead of ours when its keys were fetched."),
        _ => format!("the issuer's clock was {} s behind ours when its keys were fetched.", -ahead),
    };
    let passed = ahead.unsigned_abs() <= leeway.into();
    let text = if passed { text } else { format!("{text} Tokens are taken within {leeway} s.") };
    CheckedStep { step: "clock", passed, text }
}

fn told(keys: &KeySet) -> String {
    let dropped = |DroppedKey { index, why, .. }: &DroppedKey| format!("key {} is left out: {why}", index + 1);
    let dropped: Vec<String> = keys.dropped().iter().map(dropped).collect();
    let count = format!("{} keys can be used", keys.len());
    if dropped.is_empty() { format!("{count}.") } else { format!("{count}; {}.", dropped.join("; ")) }
}

fn failed(step: &'static str, text: String) -> CheckedStep {
    CheckedStep { step, passed: false, text }
}
