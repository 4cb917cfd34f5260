//! A provider as a file: YAML or JSON, its key set and certificates in files beside it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use brevet_client::proto::admin::{ClaimMapping, MappedTag, PutOidcProviderRequest};
use serde::Deserialize;

use super::super::files;

/// What a file may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    issuer: String,
    client_ids: Vec<String>,
    #[serde(default)]
    discovery_url: String,
    /// Relative to the file.
    jwks_file: Option<String>,
    /// Relative to the file.
    ca_file: Option<String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default)]
    algorithms: Vec<String>,
    /// Not said: as it is.
    disabled: Option<bool>,
    #[serde(default)]
    claim_mapping: MappingInFile,
}

/// Claims that name session tags and the source identity.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingInFile {
    /// Claims by the keys of their tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    transitive_tags: Vec<String>,
    #[serde(default)]
    source_identity: String,
}

impl From<MappingInFile> for ClaimMapping {
    fn from(mapping: MappingInFile) -> Self {
        let tags = mapping.tags.into_iter().map(|(key, claim)| MappedTag { key, claim });
        let MappingInFile { transitive_tags, source_identity, .. } = mapping;
        Self { tags: tags.collect(), transitive_tags, source_identity }
    }
}

/// Reads a provider; `-` is standard input.
pub(super) fn read(file: &str) -> anyhow::Result<PutOidcProviderRequest> {
    let text = files::read(file)?;
    let provider: ProviderFile = serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{file}: {error}"))?;
    let beside = |name: &String| {
        let path = Path::new(file).parent().unwrap_or_else(|| Path::new("")).join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(PutOidcProviderRequest {
        jwks: provider.jwks_file.as_ref().map(beside).transpose()?.unwrap_or_default(),
        ca_certificates: provider.ca_file.as_ref().map(beside).transpose()?.unwrap_or_default(),
        issuer: provider.issuer,
        client_ids: provider.client_ids,
        discovery_url: provider.discovery_url,
        allow_private: provider.allow_private,
        algorithms: provider.algorithms,
        disabled: provider.disabled,
        claim_mapping: Some(provider.claim_mapping.into()),
    })
}
