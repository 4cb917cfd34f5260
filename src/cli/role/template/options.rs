//! What a template can be told on the command line, and how it asks for what it needs.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::Args;

use super::super::super::provider::Preset;
use super::trust::Provider;
use crate::service::federation::{Issuer, Plaintext};

/// Whose jobs may take the role. Each template takes some of these.
#[derive(Args, Debug, Default)]
pub(in crate::cli::role) struct Options {
    /// github: OWNER/NAME; circleci: the origin, as in github.com/OWNER/NAME
    #[arg(long, value_name = "REPOSITORY")]
    repo: Option<String>,
    /// github, gitlab, buildkite, circleci (with --repo): jobs on this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// github, gitlab: jobs on this tag
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// github: jobs of this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// github: jobs of pull requests
    #[arg(long)]
    pull_request: bool,
    /// github: number of the owner, by which it goes on to be known
    #[arg(long, value_name = "NUMBER")]
    owner_id: Option<String>,
    /// github: number of the repository
    #[arg(long, value_name = "NUMBER")]
    repo_id: Option<String>,
    /// github: only in this reusable workflow, OWNER/NAME/.github/workflows/FILE@REF
    #[arg(long, value_name = "WORKFLOW")]
    workflow: Option<String>,
    /// gitlab: GROUP/NAME; azure-pipelines: name of the project
    #[arg(long)]
    project: Option<String>,
    /// buildkite, azure-pipelines: name of the organization, as addresses have it
    #[arg(long)]
    organization: Option<String>,
    /// buildkite: name of the pipeline, as addresses have it
    #[arg(long)]
    pipeline: Option<String>,
    /// circleci: id of the organization
    #[arg(long, value_name = "UUID")]
    org_id: Option<String>,
    /// circleci: id of the project
    #[arg(long, value_name = "UUID")]
    project_id: Option<String>,
    /// jenkins: name of the job, after those of its folders: FOLDER/NAME
    #[arg(long)]
    job: Option<String>,
    /// jenkins: where it is, if that is not in the issuer
    #[arg(long, value_name = "URL")]
    jenkins_url: Option<String>,
    /// azure-pipelines: name of the service connection
    #[arg(long, value_name = "NAME")]
    service_connection: Option<String>,
    /// kubernetes: namespace of the service account
    #[arg(long)]
    namespace: Option<String>,
    /// kubernetes: name of the service account
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
}

/// The options that were given and not yet taken.
#[derive(Debug)]
pub(super) struct Given {
    preset: Preset,
    issuer: Option<String>,
    audience: Option<String>,
    values: BTreeMap<&'static str, String>,
}

impl Given {
    pub(super) fn new(preset: Preset, issuer: Option<String>, audience: Option<String>, options: Options) -> Self {
        let values = [
            ("repo", options.repo),
            ("branch", options.branch),
            ("tag", options.tag),
            ("environment", options.environment),
            ("pull-request", options.pull_request.then(String::new)),
            ("owner-id", options.owner_id),
            ("repo-id", options.repo_id),
            ("workflow", options.workflow),
            ("project", options.project),
            ("organization", options.organization),
            ("pipeline", options.pipeline),
            ("org-id", options.org_id),
            ("project-id", options.project_id),
            ("job", options.job),
            ("jenkins-url", options.jenkins_url),
            ("service-connection", options.service_connection),
            ("namespace", options.namespace),
            ("service-account", options.service_account),
        ];
        let values = values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Self { preset, issuer, audience, values }
    }

    /// An option, if it was given.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// An option that the template cannot do without.
    pub(super) fn need(&mut self, name: &str) -> anyhow::Result<String> {
        self.take(name).ok_or_else(|| anyhow!("--from {} needs --{name}", self.preset.name()))
    }

    /// The only one of these that was given.
    pub(super) fn one_of<const N: usize>(
        &mut self,
        names: [&'static str; N],
    ) -> anyhow::Result<(&'static str, String)> {
        let mut given = names.into_iter().filter_map(|name| Some((name, self.values.remove(name)?)));
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(anyhow!("--from {} needs exactly one of --{}", self.preset.name(), names.join(", --"))),
        }
    }

    /// Whose tokens: of the issuer and for the audience that were given, or that are known of the CI system.
    pub(super) fn provider(&mut self) -> anyhow::Result<Provider> {
        let known = self.preset.request(self.issuer.take(), self.audience.take().into_iter().collect())?;
        let issuer = Issuer::parse(&known.issuer, Plaintext::OnLoopback)?;
        let audience = known.client_ids.into_iter().next().unwrap_or_default();
        Provider::new(self.preset, issuer, audience)
    }

    /// The same for a CI system whose issuer and audience follow from an option.
    pub(super) fn provider_or(&mut self, issuer: String, audience: String) -> anyhow::Result<Provider> {
        self.issuer.get_or_insert(issuer);
        self.audience.get_or_insert(audience);
        self.provider()
    }

    /// What was given must all have been taken: an option that narrows nothing would only seem to.
    pub(super) fn end(self) -> anyhow::Result<()> {
        match self.values.keys().next() {
            Some(name) => Err(anyhow!("--from {} has no use for --{name}", self.preset.name())),
            None => Ok(()),
        }
    }
}
