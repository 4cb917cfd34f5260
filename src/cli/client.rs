//! How verbs talk to a running service, and the two that do nothing else: `whoami` and `creds`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use brevet_client::proto::{AssumeRoleRequest, GetCallerIdentityRequest};
use brevet_client::{ConnectError, Endpoint, SignedChannel, StsClient, credentials};
use brevet_validator::timestamp::Timestamp;
use clap::{Args, ValueEnum};
use tonic_types::StatusExt as _;

use super::Exit;

/// How long it is waited for connections and calls.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the service is, and with which credentials to sign.
#[derive(Args, Debug)]
pub(super) struct Connection {
    /// The service
    #[arg(long, env = "BREVET_ENDPOINT", default_value = "http://127.0.0.1:8731")]
    endpoint: String,
    /// Profile in ~/.aws/credentials or ~/.aws/config (default: the AWS_* variables, then AWS_PROFILE)
    #[arg(long)]
    profile: Option<String>,
    /// Region to sign for; Brevet accepts any
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// PEM file with certificates to trust besides the system's
    #[arg(long, env = "BREVET_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// What a call to the service came to.
pub(super) enum Failure {
    /// Told to the user as it is.
    Told(Exit, String),
    /// A fault of this program.
    Other(anyhow::Error),
}

impl Connection {
    /// Where the service is.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The region that calls are signed for.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// A client of the token service.
    pub(super) async fn open(&self) -> Result<StsClient, Failure> {
        self.channel().await.map(StsClient::new)
    }

    /// A channel for clients of any of the services.
    pub(super) async fn channel(&self) -> Result<SignedChannel, Failure> {
        self.patient_channel(Duration::ZERO).await
    }

    /// The same, for calls that may take so much longer than others.
    pub(super) async fn patient_channel(&self, longer: Duration) -> Result<SignedChannel, Failure> {
        let found = match &self.profile {
            Some(profile) => credentials::from_profile(profile),
            None => credentials::from_environment(),
        };
        let credentials = found.map_err(|error| Failure::Told(Exit::NoCredentials, error.to_string()))?;
        let endpoint = Endpoint::new(&self.endpoint).and_then(|endpoint| match &self.ca_file {
            Some(file) => endpoint.ca_file(file),
            None => Ok(endpoint),
        });
        match endpoint {
            Ok(endpoint) => {
                let endpoint = endpoint.region(&self.region).timeout(PATIENCE + longer);
                endpoint.channel(credentials).await.map_err(Failure::from)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let exit = match error {
            ConnectError::Unreachable { .. } => Exit::Unreachable,
            ConnectError::NotAnEndpoint(_) | ConnectError::CaFile(_) => Exit::Failure,
        };
        Self::Told(exit, format!("{:#}", anyhow::Error::from(error)))
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let exit = match status.code() {
            tonic::Code::Unauthenticated | tonic::Code::PermissionDenied => Exit::Denied,
            tonic::Code::Unavailable | tonic::Code::DeadlineExceeded => Exit::Unreachable,
            _ => Exit::Failure,
        };
        let info = status.get_details_error_info();
        let message = info.as_ref().and_then(|info| info.metadata.get("encoded_authorization_message"));
        let why = message.map(|message| format!("\nTo see why: brevet explain {message}")).unwrap_or_default();
        Self::Told(exit, format!("{}{why}", status.message()))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Runs a call to its end. What it failed with is told, and left is how the command ends.
pub(super) fn settle<T>(call: impl Future<Output = Result<T, Failure>>) -> anyhow::Result<Result<T, Exit>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(call) {
        Ok(answer) => Ok(Ok(answer)),
        Err(Failure::Told(exit, text)) => {
            eprintln!("brevet: {text}");
            Ok(Err(exit))
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

/// Runs a call to its end and prints its data.
pub(super) fn finish(call: impl Future<Output = Result<String, Failure>>) -> anyhow::Result<Exit> {
    Ok(match settle(call)? {
        Ok(text) => {
            if !text.is_empty() {
                println!("{text}");
            }
            Exit::Ok
        }
        Err(exit) => exit,
    })
}

/// Says who the credentials at hand belong to, by a signed gRPC call.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet whoami")]
pub(super) struct Whoami {
    #[command(flatten)]
    connection: Connection,
}

impl Whoami {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut sts = self.connection.open().await?;
            let me = sts.get_caller_identity(GetCallerIdentityRequest {}).await?.into_inner();
            let answer = serde_json::json!({"account": me.account, "arn": me.arn, "user_id": me.user_id});
            Ok(format!("{answer:#}"))
        })
    }
}

/// Takes on a role and prints its temporary credentials, by a signed gRPC call.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  eval \"$(brevet creds arn:aws:iam::000000000001:role/reader --format env)\"")]
pub(super) struct Creds {
    /// ARN of the role
    role: String,
    #[command(flatten)]
    connection: Connection,
    /// Name of the session
    #[arg(long, env = "AWS_ROLE_SESSION_NAME", default_value = "brevet")]
    session_name: String,
    /// Seconds that the credentials live (default: one hour)
    #[arg(long)]
    duration: Option<u32>,
    /// process: for credential_process in ~/.aws/config; env: for eval in a shell
    #[arg(long, value_enum, default_value_t = Format::Process)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Process,
    Env,
}

impl Creds {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut sts = self.connection.open().await?;
            let request = AssumeRoleRequest {
                role_arn: self.role.clone(),
                role_session_name: self.session_name.clone(),
                duration: self.duration.map(|seconds| prost_types::Duration { seconds: seconds.into(), nanos: 0 }),
                ..AssumeRoleRequest::default()
            };
            let answer = sts.assume_role(request).await?.into_inner();
            let missing = || anyhow::anyhow!("the service answered without credentials");
            let credentials = answer.credentials.ok_or_else(missing)?;
            let expiration =
                credentials.expiration.and_then(|at| Timestamp::from_unix(at.seconds)).ok_or_else(missing)?;
            Ok(match self.format {
                Format::Process => serde_json::json!({
                    "Version": 1,
                    "AccessKeyId": credentials.access_key_id,
                    "SecretAccessKey": credentials.secret_access_key,
                    "SessionToken": credentials.security_token,
                    "Expiration": expiration.to_string(),
                })
                .to_string(),
                Format::Env => {
                    let mut text = String::new();
                    // None of the values has a character that a shell would take for its own.
                    for (name, value) in [
                        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
                        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
                        ("AWS_SESSION_TOKEN", &credentials.security_token),
                        ("AWS_CREDENTIAL_EXPIRATION", &expiration.to_string()),
                        ("AWS_ENDPOINT_URL_STS", &self.connection.endpoint),
                    ] {
                        writeln!(text, "export {name}='{value}'").map_err(anyhow::Error::from)?;
                    }
                    text.trim_end().to_owned()
                }
            })
        })
    }
}
