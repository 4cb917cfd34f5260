//! What can be set of identity providers that AWS has no words for.

use std::sync::Arc;

use super::answer::Answer;
use super::call::Call;
use super::oidc_providers::{client_ids, issuer, within_quota};
use super::request::{ClaimMappingInput, OidcProviderIssuer, PutOidcProvider, ReachInput};
use crate::service::directory::{OidcProvider, Reach, oidc_provider_arn};
use crate::service::error::{Error, Kind};
use crate::service::federation::{Algorithm, ClaimMapping, KeySet};
use crate::service::hex::hex;
use crate::service::parameters::{Text, check_count, shown};

const MOST_ALGORITHMS: usize = 16;

const DISCOVERY_URL: Text = Text {
    min: 8,
    max: 2048,
    pattern: r"https?://[!-~]+",
    matches: |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_graphic()))
    },
    shown: true,
};
const CERTIFICATES: Text = Text {
    min: 1,
    max: 65_536,
    pattern: "PEM certificates",
    matches: |text| text.is_ascii() && text.contains("-----BEGIN CERTIFICATE-----"),
    shown: false,
};

/// Makes a provider or replaces one, with all that AWS has no words for. Needs the permission to create it; to replace it,
/// the one to delete it too, for it could trust other keys from then on. Whether it is disabled stays, if the caller does not say
/// so: a provider that was turned off in need is not turned on again by a file that knows nothing of it.
pub(super) async fn put(call: Call<'_>, input: PutOidcProvider) -> Result<Answer, Error> {
    let issuer = issuer(call, input.issuer)?;
    let (client_ids, reach, disabled) = (client_ids(input.client_ids)?, reach(input.reach)?, input.disabled);
    let claim_mapping = claim_mapping(input.claim_mapping)?;
    let id = hex(&call.iam.random_bytes::<16>()?);
    call.change(|edit| {
        let before = edit.before();
        let arn = oidc_provider_arn(call.account(), issuer.provider_name());
        let provider = match before.provider(call.account(), issuer.provider_name()) {
            Some(old) => {
                call.existing(arn.clone(), Ok(old)).also("DeleteOpenIDConnectProvider").permit()?;
                let disabled = disabled.unwrap_or(old.disabled);
                OidcProvider { issuer, client_ids, reach, claim_mapping, disabled, ..old.clone() }
            }
            None => {
                call.resource(arn.clone()).permit()?;
                within_quota(&before, call.account())?;
                OidcProvider {
                    account: call.account(),
                    issuer,
                    id,
                    created_at: call.caller.now(),
                    client_ids,
                    thumbprints: Vec::new(),
                    tags: Vec::new(),
                    disabled: disabled.unwrap_or_default(),
                    claim_mapping,
                    reach,
                }
            }
        };
        edit.put(provider);
        Ok(Answer::NewProvider(arn, Vec::new()))
    })
    .await
}

/// Turns a provider on or off.
pub(super) async fn switch(call: Call<'_>, input: OidcProviderIssuer, enabled: bool) -> Result<Answer, Error> {
    let issuer = issuer(call, input.issuer)?;
    call.change(|edit| {
        let before = edit.before();
        let found = before.provider(call.account(), issuer.provider_name()).filter(|found| found.issuer == issuer);
        let absent =
            || Error::new(Kind::NoSuchEntity, format!("There is no provider of the issuer {}.", issuer.as_str()));
        let arn = oidc_provider_arn(call.account(), issuer.provider_name());
        let provider = call.existing(arn, found.ok_or_else(absent)).permit()?;
        edit.put(OidcProvider { disabled: !enabled, ..provider.clone() });
        Ok(Answer::Done)
    })
    .await
}

/// All of them, with all that is kept.
pub(super) fn list(call: Call<'_>) -> Result<Answer, Error> {
    call.resource(oidc_provider_arn(call.account(), "*")).permit()?;
    Ok(Answer::WholeProviders(call.caller.snapshot().providers(call.account()).cloned().collect()))
}

fn claim_mapping(input: ClaimMappingInput) -> Result<ClaimMapping, Error> {
    let tags = input.tags.into_iter().map(|tag| (tag.key, tag.claim));
    ClaimMapping::new(tags, &input.transitive_tags, input.source_identity)
        .map_err(|fault| Error::new(Kind::InvalidInput, format!("The claim mapping is refused: {fault}.")))
}

/// What is wrong with a URL beyond its form is found when it is fetched.
fn reach(input: ReachInput) -> Result<Reach, Error> {
    let invalid = |what: String| Error::new(Kind::InvalidInput, what);
    DISCOVERY_URL.optional(&input.discovery_url, "discoveryUrl")?;
    CERTIFICATES.optional(&input.ca_certificates, "caCertificates")?;
    let pinned = |json: String| match KeySet::parse(json.as_bytes()) {
        Ok(keys) if keys.is_empty() => Err(invalid("The key set has no key that can be used.".to_owned())),
        Ok(keys) => Ok((Arc::from(json), Arc::new(keys))),
        Err(fault) => Err(invalid(format!("The key set is refused: {fault}."))),
    };
    let algorithm = |name: &String| {
        Algorithm::from_name(name).ok_or_else(|| invalid(format!("{} is no algorithm that is accepted.", shown(name))))
    };
    check_count(input.algorithms.len(), MOST_ALGORITHMS, "algorithms")?;
    Ok(Reach {
        pinned: input.jwks.map(pinned).transpose()?,
        algorithms: input.algorithms.iter().map(algorithm).collect::<Result<_, _>>()?,
        discovery_url: input.discovery_url,
        ca_certificates: input.ca_certificates,
        allow_private: input.allow_private,
    })
}
