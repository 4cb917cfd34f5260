//! The server's configuration: a strict TOML file and flags, resolved into settings that need no second look.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod seconds;
mod store;

use serde::Deserialize;

pub use self::seconds::seconds;
pub use self::store::{EtcdConfig, StoreLocation};

use crate::adapters::audit_file::Sync;
use crate::service::federation::{Issuer, Plaintext};
use crate::transport::listener::check_plaintext;
use crate::transport::peer::Network;

/// Where the service listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8731";
/// Where health and metrics are served unless told otherwise.
pub const DEFAULT_ADMIN_LISTEN: &str = "127.0.0.1:8732";

/// For how many seconds sessions are issued while the store does not answer, unless told otherwise.
const DEFAULT_MAX_POLICY_AGE: i64 = 15 * 60;
/// An answer of the store may take some seconds, and one may be missed.
const MIN_MAX_POLICY_AGE: i64 = 10;
/// A revocation is kept for an hour longer than the longest session. What is issued in ignorance of it must be over by then.
const MAX_MAX_POLICY_AGE: i64 = 45 * 60;

/// The configuration file as written. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `ADDRESS:PORT` of the service.
    pub listen: Option<String>,
    /// `ADDRESS:PORT` of health and metrics.
    pub admin_listen: Option<String>,
    /// Serve without TLS on other addresses than loopback.
    pub allow_plaintext: Option<bool>,
    /// gRPC reflection on other addresses than loopback.
    pub reflection: Option<bool>,
    /// Hosts that callers may address, as they sign them. Empty: any.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Addresses or networks of proxies whose `X-Forwarded-For` counts.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// The URL under which identity tokens are issued. Without it none are.
    pub issuer: Option<String>,
    /// Certificate and key.
    pub tls: Option<TlsConfig>,
    /// How long sessions are issued while the store does not answer, such as `15m`.
    pub max_policy_age: Option<String>,
    /// The audit log.
    #[serde(default)]
    pub audit: AuditConfig,
    /// `redb:DIRECTORY` or `etcd://HOST:PORT,…/PREFIX`. Without it the store lies in the data directory.
    pub store: Option<String>,
    /// How etcd is reached.
    #[serde(default)]
    pub etcd: EtcdConfig,
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate chain.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// `[audit]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// `disk` (default): an issuance survives a crash of the machine. `written`: of the process only.
    pub sync: Option<String>,
}

/// What flags say; each wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--admin-listen`
    pub admin_listen: Option<String>,
    /// `--issuer`
    pub issuer: Option<String>,
    /// `--tls-cert`
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`
    pub tls_key: Option<PathBuf>,
    /// `--allow-plaintext`
    pub allow_plaintext: bool,
}

/// What the server runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service.
    pub listen: SocketAddr,
    /// Health and metrics.
    pub admin_listen: SocketAddr,
    /// Certificate and key; `None` for plaintext.
    pub tls: Option<TlsConfig>,
    /// gRPC reflection.
    pub reflection: bool,
    /// Accepted authorities; empty for any.
    pub authorities: Vec<String>,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// Under which name identity tokens are issued, if they are.
    pub issuer: Option<Issuer>,
    /// How old the directory may be that issues, in seconds.
    pub max_policy_age: i64,
    /// What an audit record survives.
    pub audit_sync: Sync,
}

/// Everything that is wrong with a configuration, at once.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used:\n  {}", .0.join("\n  "))]
pub struct InvalidConfig(Vec<String>);

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, InvalidConfig> {
        let fault = |what: String| InvalidConfig(vec![format!("{}: {what}", path.display())]);
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fault(error.to_string().trim_end().to_owned()))
    }

    /// Flags over file over defaults.
    pub fn resolve(self, flags: Flags) -> Result<Settings, InvalidConfig> {
        let mut faults = Vec::new();
        let mut address = |name: &str, text: Option<String>, default: &str| {
            let text = text.unwrap_or_else(|| default.to_owned());
            text.parse::<SocketAddr>().unwrap_or_else(|_| {
                faults.push(format!("{name}: {text:?} is not an address and a port, such as {default}"));
                SocketAddr::from(([127, 0, 0, 1], 0))
            })
        };
        let listen = address("listen", flags.listen.or(self.listen), DEFAULT_LISTEN);
        let admin_listen = address("admin_listen", flags.admin_listen.or(self.admin_listen), DEFAULT_ADMIN_LISTEN);

        let tls = match (flags.tls_cert, flags.tls_key) {
            (Some(cert), Some(key)) => Some(TlsConfig { cert, key }),
            (None, None) => self.tls,
            _ => {
                faults.push("tls: --tls-cert and --tls-key go together".into());
                None
            }
        };
        let allow_plaintext = flags.allow_plaintext || self.allow_plaintext.unwrap_or(false);
        if tls.is_none() && check_plaintext(listen, allow_plaintext).is_err() {
            faults.push(format!(
                "listen: {listen} can be reached from other machines and there is no TLS: give --tls-cert and --tls-key, \
                 or --allow-plaintext if something in front of it ends TLS"
            ));
        }
        let trusted_proxies = self
            .trusted_proxies
            .iter()
            .filter_map(|text| {
                text.parse::<Network>()
                    .map_err(|error| faults.push(format!("trusted_proxies: {text:?} is {error}")))
                    .ok()
            })
            .collect();
        let issuer = flags.issuer.or(self.issuer).and_then(|url| {
            let invalid = |error| faults.push(format!("issuer: {url:?} cannot be used: {error}"));
            Issuer::parse(&url, Plaintext::Refused).map_err(invalid).ok()
        });
        let audit_sync = match self.audit.sync.as_deref() {
            None | Some("disk") => Sync::Disk,
            Some("written") => Sync::Written,
            Some(other) => {
                faults.push(format!("audit.sync: {other:?} is neither \"disk\" nor \"written\""));
                Sync::Disk
            }
        };
        let max_policy_age = match self.max_policy_age.as_deref().map(|text| (text, seconds(text))) {
            None => DEFAULT_MAX_POLICY_AGE,
            Some((_, Ok(age))) if (MIN_MAX_POLICY_AGE..=MAX_MAX_POLICY_AGE).contains(&age) => age,
            Some((text, _)) => {
                faults.push(format!("max_policy_age: {text:?} is not a time from 10s to 45m, such as 15m"));
                DEFAULT_MAX_POLICY_AGE
            }
        };
        if !faults.is_empty() {
            return Err(InvalidConfig(faults));
        }
        Ok(Settings {
            listen,
            admin_listen,
            tls,
            reflection: self.reflection.unwrap_or(listen.ip().is_loopback()),
            authorities: self.authorities,
            trusted_proxies,
            issuer,
            max_policy_age,
            audit_sync,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = Flags { listen: Some("127.0.0.1:1".into()), ..Flags::default() };
        let settings = config("listen = '127.0.0.1:2'\nadmin_listen = '127.0.0.1:3'").resolve(flags).unwrap();
        assert_eq!((settings.listen.port(), settings.admin_listen.port()), (1, 3));
        let settings = Config::default().resolve(Flags::default()).unwrap();
        assert_eq!(settings.listen.to_string(), DEFAULT_LISTEN);
        assert!(settings.reflection);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let error = config("listen = 'nonsense'\ntrusted_proxies = ['x']\naudit.sync = 'never'\nmax_policy_age = '5s'")
            .resolve(Flags { tls_cert: Some("c".into()), ..Flags::default() })
            .unwrap_err();
        assert_eq!(error.0.len(), 5, "{error}");
    }

    #[test]
    fn e22_plaintext_beyond_loopback_needs_a_word() {
        let open = "listen = '0.0.0.0:8731'";
        assert!(config(open).resolve(Flags::default()).is_err());
        let settings = config(open).resolve(Flags { allow_plaintext: true, ..Flags::default() }).unwrap();
        assert!(!settings.reflection);
    }

    #[test]
    fn identity_tokens_are_issued_under_a_name_that_has_one_spelling_or_not_at_all() {
        let issuer = |text: &str, flag: Option<&str>| {
            let flags = Flags { issuer: flag.map(str::to_owned), ..Flags::default() };
            config(text).resolve(flags).map(|settings| settings.issuer.map(|issuer| issuer.as_str().to_owned()))
        };
        let (file, flag) = ("issuer = 'https://sts.example.com/a'", "https://sts.example.com");
        assert_eq!(issuer("", None).unwrap(), None);
        assert_eq!(issuer(file, None).unwrap().as_deref(), Some("https://sts.example.com/a"));
        assert_eq!(issuer(file, Some(flag)).unwrap().as_deref(), Some(flag));
        for bad in ["http://127.0.0.1", "sts.example.com", "https://STS.example.com", "https://a.example/?b", ""] {
            assert!(issuer("", Some(bad)).unwrap_err().to_string().contains("issuer: "), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in ["listn = 'x'", "[tls]\ncert = 'c'\nkey = 'k'\nca = 'x'", "[audit]\nsink = 'x'"] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }
}
