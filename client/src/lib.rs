//! Calls Brevet over gRPC, each call signed with AWS Signature Version 4.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use brevet_client::{Endpoint, credentials, proto::GetCallerIdentityRequest};
//!
//! let endpoint = Endpoint::new("http://127.0.0.1:8731")?.region("us-east-1");
//! let mut sts = endpoint.connect(credentials::from_environment()?).await?;
//! let me = sts.get_caller_identity(GetCallerIdentityRequest {}).await?.into_inner();
//! println!("{}", me.arn);
//! # Ok(())
//! # }
//! ```
//!
//! [`follow`] keeps a validator up to date.
//!
//! Clients of the other services go on one channel with it: `PolicyClient::new(endpoint.channel(credentials).await?)`.

pub mod credentials;
pub mod follow;
pub mod proto;

mod endpoint;
mod online_keys;
mod signed;

pub use endpoint::{
    AccessKeyClient, ConnectError, DirectoryClient, Endpoint, PolicyClient, SessionClient, SignedChannel, StsClient,
    ValidationClient, ZoneClient,
};
pub use online_keys::OnlineKeys;
pub use signed::{SignError, Signed};
