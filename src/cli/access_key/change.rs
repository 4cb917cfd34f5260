//! `brevet access-key describe|enable|disable|quarantine|delete`: what becomes of a key.

use brevet_client::AccessKeyClient;
use brevet_client::proto::admin::{
    DeleteAccessKeyRequest, DisableAccessKeyRequest, EnableAccessKeyRequest, QuarantineAccessKeyRequest,
    UpdateAccessKeyRequest,
};
use clap::Args;

use super::show;
use crate::cli::Exit;
use crate::cli::client::{Connection, finish};

/// Changes the description of a key.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key describe AKIAIOSFODNN7EXAMPLE 'backup job'")]
pub(in crate::cli) struct Describe {
    /// The key
    access_key_id: String,
    /// What it is for: at most 256 characters; empty: nothing
    text: String,
    #[command(flatten)]
    connection: Connection,
}

impl Describe {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            let request = UpdateAccessKeyRequest { access_key_id: self.access_key_id, description: self.text };
            keys.update_access_key(request).await?;
            Ok(String::new())
        })
    }
}

/// Lets a disabled key sign again. Sessions that were revoked with it stay so.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key enable AKIAIOSFODNN7EXAMPLE")]
pub(in crate::cli) struct Enable {
    /// The key
    access_key_id: String,
    #[command(flatten)]
    connection: Connection,
}

impl Enable {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            keys.enable_access_key(EnableAccessKeyRequest { access_key_id: self.access_key_id }).await?;
            Ok(String::new())
        })
    }
}

/// Refuses a key from now on, as if it were unknown. Sessions that it started go on: `quarantine` ends them, too.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key disable AKIAIOSFODNN7EXAMPLE")]
pub(in crate::cli) struct Disable {
    /// The key
    access_key_id: String,
    #[command(flatten)]
    connection: Connection,
}

impl Disable {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            keys.disable_access_key(DisableAccessKeyRequest { access_key_id: self.access_key_id }).await?;
            Ok(String::new())
        })
    }
}

/// Disables a key that leaked and ends every session that it started, both at once.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key quarantine AKIAIOSFODNN7EXAMPLE")]
pub(in crate::cli) struct Quarantine {
    /// The key
    access_key_id: String,
    #[command(flatten)]
    connection: Connection,
}

impl Quarantine {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            let request = QuarantineAccessKeyRequest { access_key_id: self.access_key_id };
            let done = keys.quarantine_access_key(request).await?.into_inner();
            let key = done.access_key.unwrap_or_default();
            let until = show::time(&done.kept_until).unwrap_or_default();
            let id = key.access_key_id;
            Ok(format!(
                "disabled: {id}. revoked: the sessions that it started until now. The revocation is kept until {until}, when \
                 none of them is left."
            ))
        })
    }
}

/// Forgets a key. It need not be disabled first. Sessions that it started go on: `quarantine` it first if they must not.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key delete AKIAIOSFODNN7EXAMPLE")]
pub(in crate::cli) struct Delete {
    /// The key
    access_key_id: String,
    #[command(flatten)]
    connection: Connection,
}

impl Delete {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            keys.delete_access_key(DeleteAccessKeyRequest { access_key_id: self.access_key_id }).await?;
            Ok(String::new())
        })
    }
}
