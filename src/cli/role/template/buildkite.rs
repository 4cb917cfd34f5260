//! Buildkite: [claims of its tokens][1]. Commit and step are in the subject, so the claims are asked instead.
//!
//! [1]: https://buildkite.com/docs/agent/v3/cli-oidc

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let demands = vec![
        Demand::is("organization_slug", value::name("organization", given.need("organization")?)?),
        Demand::is("pipeline_slug", value::name("pipeline", given.need("pipeline")?)?),
        Demand::is("build_branch", value::git_ref("branch", given.need("branch")?)?),
        // The build of a tag has its name for a branch.
        Demand::Absent("build_tag"),
    ];
    Ok(Trust { provider, demands, advice: None })
}
