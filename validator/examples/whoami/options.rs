//! The command line of the examples.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use brevet_validator::validator::{Staleness, WhenStale};

const USAGE: &str = "--bundle FILE [--listen ADDR] [--service NAME] \
                     [--sts URL [--zone NAME] [--max-staleness 15m] [--fail-open] [--online-keys] [--metrics ADDR]]";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// The trust bundle. With `sts` it is where the copy is kept, and need not be there.
    pub(crate) bundle: PathBuf,
    /// The service whose scope is accepted.
    pub(crate) service: String,
    /// The token service to follow, with credentials as AWS's tools find them.
    pub(crate) sts: Option<String>,
    /// Which zone to follow.
    pub(crate) zone: String,
    /// How long to go on without news.
    pub(crate) staleness: Staleness,
    /// Whether to ask for the keys that the bundle does not give: of long-lived keys, and of sessions in an online zone.
    pub(crate) online_keys: bool,
    /// Where to serve metrics.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Options {
    /// Reads the process's arguments.
    pub(crate) fn parse() -> anyhow::Result<Self> {
        let mut bundle = None;
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            bundle: PathBuf::new(),
            service: "s3".to_owned(),
            sts: None,
            zone: "default".to_owned(),
            staleness: Staleness::default(),
            online_keys: false,
            metrics: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{name} needs a value"));
            match name.as_str() {
                "--listen" => options.listen = value()?.parse()?,
                "--bundle" => bundle = Some(PathBuf::from(value()?)),
                "--service" => options.service = value()?,
                "--sts" => options.sts = Some(value()?),
                "--zone" => options.zone = value()?,
                "--max-staleness" => options.staleness.max = duration(&value()?)?,
                "--fail-open" => options.staleness.when_stale = WhenStale::FailOpen,
                "--online-keys" => options.online_keys = true,
                "--metrics" => options.metrics = Some(value()?.parse()?),
                _ => bail!("unknown argument {name}; try {USAGE}"),
            }
        }
        options.bundle = bundle.context("--bundle FILE is needed")?;
        Ok(options)
    }
}

/// `90s`, `15m` or `2h`.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let wrong = || format!("{text:?} is not a duration: write it as 90s, 15m or 2h");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).with_context(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => bail!(wrong()),
    };
    let number: u64 = number.parse().with_context(wrong)?;
    Ok(Duration::from_secs(number.checked_mul(seconds).with_context(wrong)?))
}
