//! `brevet provider`: the issuers of identity tokens that an account trusts.

mod file;
mod presets;
mod switch;

use std::collections::BTreeMap;

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::{
    ClaimMapping, ListOidcProvidersRequest, OidcProvider, OidcProviderStep, TestOidcProviderRequest,
};
use clap::{Args, Subcommand};
use serde_json::json;

pub(super) use self::presets::Preset;
use super::client::{Connection, finish, settle};
use super::output::{Output, shown};
use super::{Exit, files};

#[derive(Debug, Subcommand)]
pub(super) enum ProviderVerb {
    /// Make identity providers, or replace what is known of them
    Apply(Apply),
    /// Accept no token of an identity provider from now on
    Disable(switch::Disable),
    /// Accept the tokens of a disabled identity provider again
    Enable(switch::Enable),
    /// List the account's identity providers
    List(List),
    /// Say whether a provider works, and what is wrong with it
    Test(Test),
}

impl ProviderVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Apply(apply) => apply.run(),
            Self::Disable(disable) => disable.run(),
            Self::Enable(enable) => enable.run(),
            Self::List(list) => list.run(),
            Self::Test(test) => test.run(),
        }
    }
}

/// Makes identity providers or replaces what is known of them, from files or as a CI system is known to be.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  brevet provider apply keycloak.yaml\n  brevet provider apply --preset github\n  \
    brevet provider apply --preset kubernetes --issuer https://k8s.example.com")]
pub(super) struct Apply {
    /// Files in YAML or JSON: issuer, client_ids, discovery_url, jwks_file, ca_file, allow_private, algorithms, disabled,
    /// claim_mapping
    #[arg(required_unless_present = "preset", conflicts_with = "preset", value_name = "FILE")]
    files: Vec<String>,
    /// A CI system, with its issuer and the audience that its tokens usually have
    #[arg(long)]
    preset: Option<Preset>,
    /// The issuer, where a preset has none of its own
    #[arg(long, requires = "preset")]
    issuer: Option<String>,
    /// Audiences, in the place of the preset's
    #[arg(long = "client-id", requires = "preset")]
    client_ids: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Apply {
    fn run(self) -> anyhow::Result<Exit> {
        let requests = match self.preset {
            Some(preset) => vec![preset.request(self.issuer, self.client_ids)?],
            None => self.files.iter().map(|file| file::read(file)).collect::<anyhow::Result<Vec<_>>>()?,
        };
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let mut arns = Vec::new();
            for request in requests {
                arns.push(directory.put_oidc_provider(request).await?.into_inner().arn);
            }
            Ok(arns.join("\n"))
        })
    }
}

/// Lists the account's identity providers.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet provider list")]
pub(super) struct List {
    /// How to write them
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let providers = directory.list_oidc_providers(ListOidcProvidersRequest {}).await?.into_inner().providers;
            Ok(match self.output {
                Output::Json => {
                    format!("{:#}", json!({ "providers": providers.iter().map(as_json).collect::<Vec<_>>() }))
                }
                Output::Human => providers.iter().map(human).collect::<Vec<_>>().join("\n"),
            })
        })
    }
}

fn as_json(provider: &OidcProvider) -> serde_json::Value {
    json!({
        "arn": provider.arn,
        "issuer": provider.issuer,
        "disabled": provider.disabled,
        "client_ids": provider.client_ids,
        "discovery_url": Some(&provider.discovery_url).filter(|url| !url.is_empty()),
        "pinned": provider.pinned,
        "own_certificates": provider.own_certificates,
        "allow_private": provider.allow_private,
        "algorithms": provider.algorithms,
        "claim_mapping": provider.claim_mapping.as_ref().map(mapping_as_json),
    })
}

fn mapping_as_json(mapping: &ClaimMapping) -> serde_json::Value {
    json!({
        "tags": mapping.tags.iter().map(|tag| (&tag.key, &tag.claim)).collect::<BTreeMap<_, _>>(),
        "transitive_tags": mapping.transitive_tags,
        "source_identity": Some(&mapping.source_identity).filter(|claim| !claim.is_empty()),
    })
}

fn human(provider: &OidcProvider) -> String {
    let ids = provider.client_ids.iter().map(|id| shown(id)).collect::<Vec<_>>().join(", ");
    let disabled = if provider.disabled { "  (disabled)" } else { "" };
    format!("{}{disabled}\n  arn         {}\n  client ids  {ids}", shown(&provider.issuer), shown(&provider.arn))
}

/// Gets the keys of a provider and verifies a token of it: says what is wrong. Issues nothing.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  brevet provider test https://token.actions.githubusercontent.com --token-file token.jwt"
)]
pub(super) struct Test {
    /// The issuer's URL
    issuer: String,
    /// An identity token to verify; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// How to write what was found
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl Test {
    fn run(self) -> anyhow::Result<Exit> {
        let identity_token = self.token_file.as_deref().map(files::read).transpose()?.unwrap_or_default();
        let tested = settle(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let request = TestOidcProviderRequest { issuer: self.issuer, identity_token };
            Ok(directory.test_oidc_provider(request).await?.into_inner().steps)
        })?;
        let steps = match tested {
            Ok(steps) => steps,
            Err(exit) => return Ok(exit),
        };
        let text = match self.output {
            Output::Json => {
                let step =
                    |step: &OidcProviderStep| json!({"step": step.step, "passed": step.passed, "text": step.text});
                format!("{:#}", json!({ "steps": steps.iter().map(step).collect::<Vec<_>>() }))
            }
            Output::Human => steps.iter().map(line).collect::<Vec<_>>().join("\n"),
        };
        println!("{text}");
        Ok(if steps.iter().all(|step| step.passed) { Exit::Ok } else { Exit::Found })
    }
}

fn line(step: &OidcProviderStep) -> String {
    format!("{}  {:<6}  {}", if step.passed { "ok  " } else { "FAIL" }, step.step, shown(&step.text))
}
