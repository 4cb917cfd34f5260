//! The command line of the examples: `--bundle FILE [--listen ADDR] [--service NAME]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// The trust bundle.
    pub(crate) bundle: PathBuf,
    /// The service whose scope is accepted.
    pub(crate) service: String,
}

impl Options {
    /// Reads the process's arguments.
    pub(crate) fn parse() -> anyhow::Result<Self> {
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut bundle = None;
        let mut service = "s3".to_owned();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{name} needs a value"));
            match name.as_str() {
                "--listen" => listen = value()?.parse()?,
                "--bundle" => bundle = Some(PathBuf::from(value()?)),
                "--service" => service = value()?,
                _ => bail!("unknown argument {name}; try --bundle FILE --listen ADDR --service NAME"),
            }
        }
        Ok(Self { listen, bundle: bundle.context("--bundle FILE is needed")?, service })
    }
}
