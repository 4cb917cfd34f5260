//! `brevet role new`: a role for the jobs of a CI system, its trust policy from a template.

use brevet_client::proto::GetCallerIdentityRequest;
use brevet_client::proto::admin::{CreateRoleRequest, ListOidcProvidersRequest};
use brevet_client::{DirectoryClient, SignedChannel, StsClient};
use brevet_validator::identity::AccountId;
use clap::Args;

use super::super::client::{Connection, Failure, finish, settle};
use super::super::provider::Preset;
use super::super::{Exit, files};
use super::findings;
use super::next_step::next_step;
use super::template::{self, Options, Provider, Trust};

/// Makes a role for the jobs of a CI system: prints its ARN, and on standard error what to put into the job.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  brevet role new deploy --from github --repo acme/shop --branch main\n  \
    brevet role new deploy --from gitlab --project acme/shop --branch main --policy deploy.json\n  \
    brevet role new web --from kubernetes --issuer https://k8s.example.com --namespace prod --service-account web\n  \
    brevet role new deploy --from github --repo acme/shop --environment prod --dry-run --account 123456789012")]
pub(in crate::cli) struct New {
    /// Name of the role
    name: String,
    /// The CI system whose jobs may take it
    #[arg(long, value_name = "TEMPLATE")]
    from: Preset,
    /// The issuer, where the CI system has not one for all
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The audience of the tokens, in the place of the usual one
    #[arg(long)]
    audience: Option<String>,
    /// Print the trust policy, and change nothing
    #[arg(long, visible_alias = "print")]
    dry_run: bool,
    /// The account to print it for (default: that of the credentials at hand)
    #[arg(long, requires = "dry_run", value_name = "ID")]
    account: Option<AccountId>,
    #[command(flatten, next_help_heading = "Whose jobs")]
    options: Options,
    #[command(flatten, next_help_heading = "The role")]
    role: Role,
    #[command(flatten, next_help_heading = "Connection")]
    connection: Connection,
}

/// What the role is besides.
#[derive(Args, Debug)]
struct Role {
    /// Free text
    #[arg(long)]
    description: Option<String>,
    /// Seconds of the longest session, 3600 to 43200 (default: one hour)
    #[arg(long, value_name = "SECONDS")]
    max_session_duration: Option<u32>,
    /// How many sessions of the role one identity token may have, at most 1000 (default: as many as it likes)
    #[arg(long, value_name = "N")]
    max_uses: Option<u32>,
    /// Path of the role, as /ci/
    #[arg(long)]
    path: Option<String>,
    /// A policy as JSON that says what the role may do; `-` is standard input
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// Managed policies to attach
    #[arg(long = "policy-arn", value_name = "ARN")]
    policy_arns: Vec<String>,
    /// The managed policy that bounds all others
    #[arg(long, value_name = "ARN")]
    permissions_boundary: Option<String>,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let trust = template::trust(self.from, self.issuer, self.audience, self.options)?;
        let exit = if self.dry_run {
            dry_run(&self.connection, &trust, self.account)?
        } else {
            make(&self.connection, &trust, self.role.request(self.name)?)?
        };
        if let (Exit::Ok, Some(advice)) = (exit, &trust.advice) {
            eprintln!("{advice}");
        }
        Ok(exit)
    }
}

/// Prints the trust policy for a role of this account, or of that of the credentials at hand.
fn dry_run(connection: &Connection, trust: &Trust, known: Option<AccountId>) -> anyhow::Result<Exit> {
    finish(async {
        let account = match known {
            Some(account) => account,
            None => account(connection.channel().await?).await?,
        };
        Ok(trust.document(account)?)
    })
}

/// Makes the role; prints its ARN, and what is left to do.
fn make(connection: &Connection, trust: &Trust, request: CreateRoleRequest) -> anyhow::Result<Exit> {
    Ok(match settle(create(connection, trust, request))? {
        Ok(arn) => {
            println!("{arn}");
            eprintln!("{}\n", next_step(&trust.provider, &arn, connection.endpoint()));
            Exit::Ok
        }
        Err(exit) => exit,
    })
}

impl Role {
    /// The role but for its trust policy. The inline policy has its name.
    fn request(self, name: String) -> anyhow::Result<CreateRoleRequest> {
        let seconds = |seconds: u32| prost_types::Duration { seconds: seconds.into(), nanos: 0 };
        let document = self.policy.as_deref().map(files::read).transpose()?;
        Ok(CreateRoleRequest {
            policy_name: document.as_ref().map(|_| name.clone()).unwrap_or_default(),
            policy_document: document.unwrap_or_default(),
            role_name: name,
            path: self.path.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            max_session_duration: self.max_session_duration.map(seconds),
            permissions_boundary: self.permissions_boundary.unwrap_or_default(),
            policy_arns: self.policy_arns,
            max_uses: self.max_uses.unwrap_or(0),
            ..CreateRoleRequest::default()
        })
    }
}

/// Makes the role, and tells what the linter finds; its ARN.
async fn create(connection: &Connection, trust: &Trust, request: CreateRoleRequest) -> Result<String, Failure> {
    let channel = connection.channel().await?;
    let document = trust.document(account(channel.clone()).await?)?;
    registered(channel.clone(), &trust.provider).await?;
    let request = CreateRoleRequest { assume_role_policy_document: document, ..request };
    let answer = DirectoryClient::new(channel).create_role(request).await?.into_inner();
    findings::tell("trust policy", &answer.findings);
    Ok(answer.arn)
}

/// The account of the credentials at hand.
async fn account(channel: SignedChannel) -> Result<AccountId, Failure> {
    let me = StsClient::new(channel).get_caller_identity(GetCallerIdentityRequest {}).await?.into_inner();
    let parsed = me.account.parse();
    parsed.map_err(|_| anyhow::anyhow!("the service answered with no account: {:?}", me.account).into())
}

/// Says so if no token could pass, because the account does not know the issuer or not the audience. Who may not look into that
/// may still make roles.
async fn registered(channel: SignedChannel, wanted: &Provider) -> Result<(), Failure> {
    let providers = match DirectoryClient::new(channel).list_oidc_providers(ListOidcProvidersRequest {}).await {
        Ok(answer) => answer.into_inner().providers,
        Err(status) if status.code() == tonic::Code::PermissionDenied => return Ok(()),
        Err(status) => return Err(status.into()),
    };
    let (issuer, audience) = (wanted.issuer.as_str(), &wanted.audience);
    let Some(found) = providers.into_iter().find(|provider| provider.issuer == issuer) else {
        let text = format!("the account does not know the issuer {issuer}. To register it:\n  {}", wanted.register());
        return Err(Failure::Told(Exit::Failure, text));
    };
    if found.client_ids.contains(audience) {
        return Ok(());
    }
    let text = format!(
        "tokens of {issuer} are not taken for the audience {audience}, only for {}. Name one of these by --audience, or add it:\n  \
         aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {audience}",
        found.client_ids.join(", "),
        found.arn
    );
    Err(Failure::Told(Exit::Failure, text))
}
