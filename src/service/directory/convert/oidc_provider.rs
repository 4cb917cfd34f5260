//! Identity providers and their records.

use std::sync::Arc;

use super::{Read, parsed, tag_records, tags, time};
use crate::service::directory::entity::{OidcProvider, Reach};
use crate::service::federation::{Algorithm, ClaimMapping, Issuer, KeySet, Plaintext};
use crate::store::records;

pub(in crate::service::directory) fn oidc_provider(content: &[u8]) -> Read<OidcProvider> {
    let r: records::OidcProvider = records::decode(content)?;
    Ok(OidcProvider {
        account: parsed(&r.account, "account id")?,
        // Whether plaintext was allowed was asked when it was made.
        issuer: Issuer::parse(&r.issuer, Plaintext::OnLoopback).map_err(|_| "bad issuer".to_owned())?,
        created_at: time(r.created_at)?,
        id: r.unique_id,
        client_ids: r.client_ids,
        thumbprints: r.thumbprints,
        tags: tags(r.tags),
        disabled: r.disabled,
        claim_mapping: claim_mapping(r.claim_mapping.unwrap_or_default())?,
        reach: Reach {
            discovery_url: some(r.discovery_url),
            pinned: some(r.jwks).map(pinned).transpose()?,
            ca_certificates: some(r.ca_certificates),
            allow_private: r.allow_private,
            algorithms: r
                .algorithms
                .iter()
                .map(|name| Algorithm::from_name(name).ok_or_else(|| "bad algorithm".to_owned()))
                .collect::<Read<_>>()?,
        },
    })
}

fn claim_mapping(r: records::ClaimMapping) -> Read<ClaimMapping> {
    let tags = r.tags.into_iter().map(|tag| (tag.key, tag.claim));
    ClaimMapping::new(tags, &r.transitive_tags, some(r.source_identity)).map_err(|_| "bad claim mapping".to_owned())
}

fn claim_mapping_record(mapping: &ClaimMapping) -> records::ClaimMapping {
    let tags = mapping.tags().iter();
    records::ClaimMapping {
        transitive_tags: tags.clone().filter(|tag| tag.transitive).map(|tag| tag.key.clone()).collect(),
        tags: tags.map(|tag| records::MappedTag { key: tag.key.clone(), claim: tag.claim.clone() }).collect(),
        source_identity: mapping.source_identity().unwrap_or_default().to_owned(),
    }
}

fn pinned(jwks: String) -> Read<(Arc<str>, Arc<KeySet>)> {
    let keys = KeySet::parse(jwks.as_bytes()).map_err(|_| "bad key set".to_owned())?;
    Ok((jwks.into(), Arc::new(keys)))
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(in crate::service::directory) fn oidc_provider_record(provider: &OidcProvider) -> records::OidcProvider {
    records::OidcProvider {
        account: provider.account.to_string(),
        issuer: provider.issuer.as_str().to_owned(),
        unique_id: provider.id.clone(),
        created_at: provider.created_at.unix(),
        client_ids: provider.client_ids.clone(),
        thumbprints: provider.thumbprints.clone(),
        tags: tag_records(&provider.tags),
        discovery_url: provider.reach.discovery_url.clone().unwrap_or_default(),
        jwks: provider.reach.pinned.as_ref().map(|(json, _)| json.to_string()).unwrap_or_default(),
        ca_certificates: provider.reach.ca_certificates.clone().unwrap_or_default(),
        allow_private: provider.reach.allow_private,
        algorithms: provider.reach.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
        disabled: provider.disabled,
        claim_mapping: Some(claim_mapping_record(&provider.claim_mapping)),
    }
}
