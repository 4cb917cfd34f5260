//! A Unix socket in the data directory through which other commands of the same user ask the running service.
//!
//! The socket's mode (0600) decides who may ask. One request a connection: a line, then the end of the stream; the
//! answer is one byte ([`OK`] or not) and the rest its content.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::service::clock::Clock;
use crate::service::deployment::Deployment;

/// Asks for the trust bundle of a zone.
pub fn bundle_request(zone: &str) -> Vec<u8> {
    format!("bundle {zone}\n").into_bytes()
}

/// First byte of an answer that is what was asked for.
pub const OK: u8 = b'+';
/// First byte of a refusal; its text follows.
const REFUSED: u8 = b'-';

const DEADLINE: Duration = Duration::from_secs(5);

/// The listening socket; removed when dropped.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens at `path`. Whoever holds the data directory's lock may replace a socket that an earlier run left.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until it is dropped.
    pub async fn serve(self, deployment: Arc<Deployment>, clock: Arc<dyn Clock>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (deployment, clock) = (Arc::clone(&deployment), Arc::clone(&clock));
                    tokio::spawn(tokio::time::timeout(DEADLINE, answer(stream, deployment, clock)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket cannot accept");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, deployment: Arc<Deployment>, clock: Arc<dyn Clock>) -> io::Result<()> {
    let mut request = Vec::new();
    (&mut stream).take(128).read_to_end(&mut request).await?;
    let (status, content) = match zone_of(&request) {
        Some(zone) => match deployment.bundle(zone, clock.now()).await {
            Ok(bundle) => (OK, bundle),
            Err(error) => (REFUSED, error.to_string().into_bytes()),
        },
        None => (REFUSED, b"unknown request".to_vec()),
    };
    stream.write_u8(status).await?;
    stream.write_all(&content).await?;
    stream.shutdown().await
}

fn zone_of(request: &[u8]) -> Option<&str> {
    std::str::from_utf8(request).ok()?.strip_prefix("bundle ")?.strip_suffix('\n')
}
