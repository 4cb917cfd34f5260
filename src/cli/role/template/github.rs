//! GitHub Actions: [claims and forms of the subject][1].
//!
//! A repository's subject names it and its owner, with their numbers or, in older repositories, without. With the numbers
//! given, both forms are written out, and `repository_id` holds the older one to the same repository. Without them there is
//! only one form that could be written; the claims that the subject is made of are the same in both, so they are asked instead.
//!
//! [1]: https://docs.github.com/en/actions/reference/security/oidc

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

/// Which jobs of a repository.
enum Job {
    Branch(String),
    Tag(String),
    Environment(String),
    PullRequest,
}

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let repo = value::path("repo", given.need("repo")?, 2, REPOSITORY)?;
    let Some((owner, project)) = repo.split_once('/').filter(|(_, project)| !project.contains('/')) else {
        return Err(value::refused("repo", &repo, &format!("it has the form {REPOSITORY}")));
    };
    let job = Job::read(given)?;
    let (mut demands, advice) = match (given.take("owner-id"), given.take("repo-id")) {
        (Some(owner_id), Some(repo_id)) => {
            let (owner_id, repo_id) = (value::number("owner-id", owner_id)?, value::number("repo-id", repo_id)?);
            let job = job.in_subject();
            let subjects = vec![
                format!("repo:{owner}/{project}:{job}"),
                format!("repo:{owner}@{owner_id}/{project}@{repo_id}:{job}"),
            ];
            (vec![Demand::Is("sub", subjects), Demand::is("repository_id", repo_id)], None)
        }
        (None, None) => {
            let advice = format!(
                "The role trusts whoever has the name {repo}. To trust this repository alone, give its numbers by --owner-id \
                 and --repo-id;\n  gh api repos/{repo} --jq '.owner.id, .id'\nprints them."
            );
            (job.in_claims(&repo), Some(advice))
        }
        _ => anyhow::bail!("--owner-id and --repo-id go together"),
    };
    if let Some(workflow) = given.take("workflow") {
        demands.push(Demand::is("job_workflow_ref", reusable_workflow(workflow)?));
    }
    Ok(Trust { provider, demands, advice })
}

const REPOSITORY: &str = "OWNER/NAME";

impl Job {
    fn read(given: &mut Given) -> anyhow::Result<Self> {
        let (option, text) = given.one_of(["branch", "tag", "environment", "pull-request"])?;
        Ok(match option {
            "branch" => Self::Branch(value::git_ref(option, text)?),
            "tag" => Self::Tag(value::git_ref(option, text)?),
            // A `:` in the name is `%3A` in the subject.
            "environment" => Self::Environment(value::title(option, text, "%")?),
            _ => Self::PullRequest,
        })
    }

    /// What the subject ends with.
    fn in_subject(&self) -> String {
        match self {
            Self::Branch(name) => format!("ref:refs/heads/{name}"),
            Self::Tag(name) => format!("ref:refs/tags/{name}"),
            Self::Environment(name) => format!("environment:{name}"),
            Self::PullRequest => "pull_request".to_owned(),
        }
    }

    /// What the claims say of a job that has such a subject: an environment comes before a pull request, that before a ref.
    fn in_claims(&self, repo: &str) -> Vec<Demand> {
        let on = |name: String| {
            let requests = ["pull_request", "pull_request_target"].map(str::to_owned).to_vec();
            vec![Demand::is("ref", name), Demand::IsNot("event_name", requests), Demand::Absent("environment")]
        };
        let mut demands = vec![Demand::is("repository", repo)];
        demands.extend(match self {
            Self::Branch(name) => on(format!("refs/heads/{name}")),
            Self::Tag(name) => on(format!("refs/tags/{name}")),
            Self::Environment(name) => vec![Demand::is("environment", name.as_str())],
            Self::PullRequest => vec![Demand::is("event_name", "pull_request"), Demand::Absent("environment")],
        });
        demands
    }
}

/// `OWNER/NAME/.github/workflows/FILE@REF`
fn reusable_workflow(text: String) -> anyhow::Result<String> {
    let is_ref = |name: &str| match name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")) {
        Some(name) => value::git_ref("workflow", name.to_owned()).is_ok(),
        None => name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit()),
    };
    let is_file = |file: &str| {
        file.split('/').skip(2).collect::<Vec<_>>().starts_with(&[".github", "workflows"])
            && value::path("workflow", file.to_owned(), 5, "").is_ok()
    };
    if text.split_once('@').is_some_and(|(file, name)| is_file(file) && is_ref(name)) {
        return Ok(text);
    }
    let form = "it has the form OWNER/NAME/.github/workflows/FILE@REF, where REF begins with refs/heads/ or refs/tags/, or is a commit";
    Err(value::refused("workflow", &text, form))
}
