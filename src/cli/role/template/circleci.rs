//! CircleCI: [claims of its tokens][1]. The organization is its own issuer. The subject says whose change it was, so the claims
//! are asked instead.
//!
//! [1]: https://circleci.com/docs/openid-connect-tokens/

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let org = value::uuid("org-id", given.need("org-id")?)?;
    let provider = given.provider_or(format!("https://oidc.circleci.com/org/{org}"), org)?;
    let project = value::uuid("project-id", given.need("project-id")?)?;
    let mut demands = vec![Demand::is("oidc.circleci.com/project-id", project)];
    let (repo, branch) = (given.take("repo"), given.take("branch"));
    anyhow::ensure!(branch.is_none() || repo.is_some(), "--branch needs --repo: a fork has branches of the same names");
    if let Some(repo) = repo {
        let repo = value::path("repo", repo, 3, "HOST/OWNER/NAME")?;
        demands.push(Demand::is("oidc.circleci.com/vcs-origin", repo));
    }
    if let Some(branch) = branch {
        let branch = value::git_ref("branch", branch)?;
        demands.push(Demand::is("oidc.circleci.com/vcs-ref", format!("refs/heads/{branch}")));
    }
    Ok(Trust { provider, demands, advice: None })
}
