//! Templates of trust policies, one a CI system: from the words of that system to conditions on its tokens' claims.
//!
//! Every value is compared as a whole and byte for byte, and none is taken that could mean more than it says. What a template
//! writes, the linter finds nothing in.

mod azure_pipelines;
mod buildkite;
mod circleci;
mod github;
mod gitlab;
mod jenkins;
mod kubernetes;
mod options;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
mod trust;
mod value;

use self::options::Given;
pub(super) use self::options::Options;
pub(super) use self::trust::{Provider, Trust};
use super::super::provider::Preset;

/// Whose tokens a role is for, by the template of a CI system. Issuer and audience are in the place of those that are known.
pub(super) fn trust(
    preset: Preset,
    issuer: Option<String>,
    audience: Option<String>,
    options: Options,
) -> anyhow::Result<Trust> {
    let mut given = Given::new(preset, issuer, audience, options);
    let trust = match preset {
        Preset::Github => github::trust(&mut given),
        Preset::Gitlab => gitlab::trust(&mut given),
        Preset::Buildkite => buildkite::trust(&mut given),
        Preset::Circleci => circleci::trust(&mut given),
        Preset::Jenkins => jenkins::trust(&mut given),
        Preset::AzurePipelines => azure_pipelines::trust(&mut given),
        Preset::Kubernetes => kubernetes::trust(&mut given),
    }?;
    given.end()?;
    Ok(trust)
}
