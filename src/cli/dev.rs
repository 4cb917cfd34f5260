//! `brevet dev`: everything on loopback and in memory, with new keys at every start.

use std::future::pending;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use brevet_validator::identity::AccountId;
use clap::{Args, ValueEnum};
use serde_json::json;
use zeroize::Zeroizing;

use super::Exit;
use super::run::{self, Assembly, Ready};
use crate::adapters::audit_log::AuditLog;
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::config::{Config, Flags};
use crate::service::clock::Clock as _;
use crate::service::deployment::{Deployment, FirstProvider, FirstRole, FirstTrust, Founded, Founding};
use crate::service::federation::Plaintext;
use crate::service::federation::toy::people::CLIENT_ID;
use crate::service::federation::toy::{AUDIENCE, SUBJECT};
use crate::service::random::Random as _;
use crate::store::{MasterKey, MemoryStore, Store as _};
use crate::transport::toy_issuer::{self, ToyIssuer};

/// Where identity tokens for tests are to be had, unless told otherwise.
pub(super) const DEFAULT_ISSUER_LISTEN: &str = "127.0.0.1:8733";
/// A job on another branch than the one that the role trusts.
const DENIED_SUBJECT: &str = "repo:acme/shop:ref:refs/heads/topic";

/// Reads objects.
const READER: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;
/// Reads and writes objects.
const WRITER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
/// Looks at the directory.
const AUDITOR: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}]}"#;

const ROLES: &[FirstRole] = &[
    FirstRole { name: "reader", policy: READER },
    FirstRole { name: "writer", policy: WRITER },
    FirstRole { name: "auditor", policy: AUDITOR },
];
/// For the jobs of a CI system that `dev` plays.
const JOB: FirstRole = FirstRole { name: "ci", policy: READER };
/// For the one person who is on call.
const ON_CALL: FirstRole = FirstRole { name: "on-call", policy: WRITER };
const TRUSTS: &[FirstTrust] = &[
    FirstTrust { client_id: AUDIENCE, subject: SUBJECT, role: JOB },
    FirstTrust { client_id: CLIENT_ID, subject: "alice", role: ON_CALL },
];

/// Run everything on loopback and in memory, for development
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet dev --listen 127.0.0.1:0 --output json")]
pub(super) struct Dev {
    /// Address and port of the service; port 0 takes a free one
    #[arg(long)]
    listen: Option<String>,
    /// Address and port of health and metrics (default: 127.0.0.1:8732, or a free port if --listen takes one)
    #[arg(long)]
    admin_listen: Option<String>,
    /// Address and port of an issuer that gives identity tokens to whoever asks, as a CI system gives them to its jobs, and
    /// at which alice, bob and carol sign in (default: 127.0.0.1:8733, or a free port if --listen takes one)
    #[arg(long)]
    issuer_listen: Option<SocketAddr>,
    /// Listen on other addresses than loopback, although the keys are printed and nothing is kept
    #[arg(long)]
    expose_dev: bool,
    /// PEM file with the certificate chain: serves TLS instead of plaintext
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Also write the trust bundle, for validators
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// json: one line on standard output once ready, and nothing else
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Where identity tokens come from.
struct Tokens {
    issuer: String,
    endpoint: String,
    /// For people: where a device begins, and where it gets its token.
    device_endpoint: String,
    oauth_endpoint: String,
}

impl Dev {
    /// Runs until a signal ends it.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        run::start_logging("warn")?;
        let free_port = self.listen.as_deref().is_some_and(|listen| listen.ends_with(":0"));
        let flags = Flags {
            listen: self.listen.clone(),
            admin_listen: self.admin_listen.clone().or_else(|| free_port.then(|| "127.0.0.1:0".into())),
            issuer: None,
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            // What dev may listen on is decided below.
            allow_plaintext: true,
        };
        let settings = Config::default().resolve(flags)?;
        let issuer_listen = match self.issuer_listen {
            Some(address) => address,
            None if free_port => SocketAddr::from(([127, 0, 0, 1], 0)),
            None => DEFAULT_ISSUER_LISTEN.parse()?,
        };
        for address in [settings.listen, settings.admin_listen, issuer_listen] {
            if !self.expose_dev && !address.ip().is_loopback() {
                anyhow::bail!(
                    "dev prints its keys and keeps nothing: {address} would offer it to other machines. Give --expose-dev \
                     if that is meant"
                );
            }
        }
        run::block_on(async {
            let random = Arc::new(SystemRandomness::default());
            let mut master = Zeroizing::new([0; 32]);
            random.fill(&mut *master)?;
            let master = MasterKey::new(*master);
            let issuer = toy_issuer::Settings {
                address: issuer_listen,
                clients: vec![CLIENT_ID.to_owned()],
                only_local_hosts: !self.expose_dev,
            };
            let issuer = ToyIssuer::bind(issuer, random.clone(), Arc::new(SystemClock))
                .await
                .with_context(|| format!("cannot listen on {issuer_listen} (--issuer-listen takes another port)"))?;
            let founding = Founding {
                account: AccountId::from_number(1),
                administrator: "developer",
                roles: ROLES,
                provider: Some(FirstProvider { issuer: issuer.issuer().clone(), trusts: TRUSTS }),
            };
            let (first, founded) = founding.first_transaction(&master, &*random, &SystemClock)?;
            let store = Arc::new(MemoryStore::new(|| SystemClock.now()));
            store.commit(first).await?;
            let deployment = Deployment::start(store, &master, random).await?;
            if let Some(path) = &self.bundle {
                super::bundle::write(path, &deployment.bundle("default", SystemClock.now()).await?)?;
            }
            let assembly = Assembly {
                settings,
                deployment: Arc::new(deployment),
                audit: Arc::new(AuditLog),
                control: None,
                only_local_hosts: !self.expose_dev,
                issuer_is_endpoint: true,
                plaintext: Plaintext::OnLoopback,
            };
            let tokens = Tokens {
                issuer: issuer.issuer().as_str().to_owned(),
                endpoint: issuer.token_endpoint(),
                device_endpoint: issuer.device_endpoint(),
                oauth_endpoint: issuer.oauth_token_endpoint(),
            };
            tokio::spawn(issuer.run(pending()));
            run::serve(assembly, |ready| self.announce(&founded, &tokens, ready)).await
        })
    }

    fn announce(&self, founded: &Founded, tokens: &Tokens, ready: &Ready) -> anyhow::Result<()> {
        let arn = |role: &FirstRole| format!("arn:aws:iam::{}:role/{}", founded.account, role.name);
        let roles: Vec<_> = ROLES.iter().chain(TRUSTS.iter().map(|trust| &trust.role)).map(arn).collect();
        let (id, secret) = (founded.credentials.access_key_id, founded.credentials.secret_access_key.expose());
        if self.output == Output::Json {
            let line = json!({
                "endpoint": ready.endpoint,
                "admin_endpoint": ready.admin_endpoint,
                "region": "us-east-1",
                "account": founded.account.as_str(),
                "access_key_id": id.as_str(),
                "secret_access_key": secret,
                "roles": roles,
                "issuer": tokens.issuer,
                "token_endpoint": tokens.endpoint,
                "client_id": CLIENT_ID,
            });
            println!("{line}");
            return Ok(());
        }
        let role = roles.first().context("dev has roles")?;
        let endpoint = &ready.endpoint;
        let exchange = |role: &FirstRole, session: &str, asked: &str| {
            format!(
                "aws sts assume-role-with-web-identity --role-arn {} --role-session-name {session} \
                 --web-identity-token \"$(curl -s {asked} | cut -d '\"' -f 4)\"",
                arn(role),
            )
        };
        let as_job = |claims: &str| exchange(&JOB, "job", &format!("{} -d '{claims}'", tokens.endpoint));
        let (job, denied) = (as_job("{}"), as_job(&json!({ "sub": DENIED_SUBJECT }).to_string()));
        let device = format!(
            "device=$(curl -s {} -d client_id={CLIENT_ID} -d scope=openid); echo \"$device\" | grep -o 'http[^\"]*user_code=[^\"]*'",
            tokens.device_endpoint
        );
        let asked = format!(
            "{} -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d client_id={CLIENT_ID} \
             -d device_code=$(echo \"$device\" | cut -d '\"' -f 4)",
            tokens.oauth_endpoint
        );
        let person = exchange(&ON_CALL, "me", &asked);
        let brevet = std::env::args().next().unwrap_or_else(|| "brevet".into());
        println!(
            "\n  DEVELOPMENT ONLY: keys are printed, everything is in memory and gone with this process.\n\
             \n  endpoint        {endpoint}  (gRPC and AWS Query)\
             \n  admin           {}  (/livez /readyz /metrics)\
             \n  issuer          {}  (identity tokens for whoever asks; alice, bob and carol)\
             \n  account         {}\
             \n  roles           {}\n\
             \nPaste into another terminal:\n\
             \n  export AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret} \
             AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\
             \n  export AWS_ENDPOINT_URL_STS={endpoint} AWS_ENDPOINT_URL_IAM={endpoint} BREVET_ENDPOINT={endpoint}\n\
             \nThen, with the AWS CLI:\n\
             \n  aws sts get-caller-identity\
             \n  aws sts assume-role --role-arn {role} --role-session-name me\n\
             \nOr over gRPC:\n\
             \n  {brevet} whoami\
             \n  {brevet} creds {role}\n\
             \nOr without keys, as a job on the branch main; and denied, on the branch topic:\n\
             \n  {job}\
             \n  {denied}\n\
             \nOr as a person: open the printed page, be alice, and then (bob and carol are denied):\n\
             \n  {device}\
             \n  {person}\n",
            ready.admin_endpoint,
            tokens.issuer,
            founded.account,
            roles.join("\n                  "),
        );
        Ok(())
    }
}
