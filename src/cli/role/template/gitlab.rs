//! GitLab: [claims of ID tokens][1].
//!
//! [1]: https://docs.gitlab.com/ci/secrets/id_token_authentication/

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let project = value::path("project", given.need("project")?, 2, "GROUP/NAME")?;
    let (kind, name) = given.one_of(["branch", "tag"])?;
    let name = value::git_ref(kind, name)?;
    let demands = vec![
        Demand::is("sub", format!("project_path:{project}:ref_type:{kind}:ref:{name}")),
        // Before 18.2.2 the merge request of a fork had the subject of the branch of that name here.
        Demand::IsNot("pipeline_source", vec!["merge_request_event".to_owned()]),
    ];
    Ok(Trust { provider, demands, advice: None })
}
