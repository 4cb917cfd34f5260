//! Where records are kept: `redb:DIRECTORY` or `etcd://HOST:PORT,…/PREFIX`, and what etcd wants to know besides.

use std::fmt;
use std::path::{Path, PathBuf};

use brevet_validator::secret::Secret;
use serde::Deserialize;

use super::{Config, InvalidConfig};
use crate::store::{DEFAULT_PREFIX, EtcdSettings, EtcdTls};

/// `[etcd]`. The environment wins: `BREVET_ETCD_CA`, `_CERT`, `_KEY`, `_USER`, `_PASSWORD_FILE`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdConfig {
    /// PEM file with the CAs of the members' certificates. Without it there is no TLS.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate chain.
    pub cert: Option<PathBuf>,
    /// PEM file with its private key.
    pub key: Option<PathBuf>,
    /// A user of etcd.
    pub user: Option<String>,
    /// File with the user's password.
    pub password_file: Option<PathBuf>,
}

/// Where records are kept.
#[derive(Clone, Debug)]
pub enum StoreLocation {
    /// In a file of this directory.
    Redb(PathBuf),
    /// In etcd.
    Etcd(EtcdSettings),
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "{}", path.display()),
            Self::Etcd(settings) => write!(f, "etcd://{}{}", settings.endpoints.join(","), settings.prefix),
        }
    }
}

impl Config {
    /// Flag over file over the data directory. `environment` is asked for variables by name.
    pub fn store(
        self,
        flag: Option<String>,
        data_dir: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<StoreLocation, InvalidConfig> {
        let one = |what: String| InvalidConfig(vec![what]);
        let Some(text) = flag.or(self.store) else { return Ok(StoreLocation::Redb(data_dir.to_owned())) };
        if let Some(path) = text.strip_prefix("redb:").filter(|path| !path.is_empty()) {
            return Ok(StoreLocation::Redb(path.into()));
        }
        let Some(rest) = text.strip_prefix("etcd://") else {
            return Err(one(format!("store: {text:?} is neither redb:DIRECTORY nor etcd://HOST:PORT,…/PREFIX")));
        };
        let (endpoints, prefix) = rest.find('/').map_or((rest, DEFAULT_PREFIX), |slash| rest.split_at(slash));
        let endpoints: Vec<_> = endpoints.split(',').map(str::to_owned).collect();
        if let Some(bad) = endpoints.iter().find(|endpoint| !is_host_and_port(endpoint)) {
            return Err(one(format!("store: {bad:?} is not HOST:PORT, such as 10.0.0.1:2379")));
        }
        if prefix.trim_matches('/').is_empty() {
            return Err(one("store: the prefix is empty; leave it out for /brevet/".into()));
        }
        let mut etcd = self.etcd;
        etcd.take(environment);
        etcd.settings(endpoints, format!("/{}/", prefix.trim_matches('/'))).map(StoreLocation::Etcd).map_err(one)
    }
}

impl EtcdConfig {
    fn take(&mut self, environment: impl Fn(&str) -> Option<String>) {
        let files = [
            ("BREVET_ETCD_CA", &mut self.ca),
            ("BREVET_ETCD_CERT", &mut self.cert),
            ("BREVET_ETCD_KEY", &mut self.key),
            ("BREVET_ETCD_PASSWORD_FILE", &mut self.password_file),
        ];
        for (name, place) in files {
            if let Some(path) = environment(name) {
                *place = Some(path.into());
            }
        }
        self.user = environment("BREVET_ETCD_USER").or(self.user.take());
    }

    fn settings(self, endpoints: Vec<String>, prefix: String) -> Result<EtcdSettings, String> {
        let identity = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some((read(&cert)?, Secret::new(read(&key)?))),
            (None, None) => None,
            _ => return Err("etcd: cert and key go together".into()),
        };
        let tls = match (self.ca, identity) {
            (Some(ca), identity) => Some(EtcdTls { ca: read(&ca)?, identity }),
            (None, None) => None,
            (None, Some(_)) => return Err("etcd: a certificate is of use with TLS alone: name the ca".into()),
        };
        let login = match (self.user, self.password_file) {
            (Some(user), Some(file)) => {
                let password = String::from_utf8(read(&file)?).map_err(|_| "etcd: the password is no text")?;
                Some((user, Secret::new(password.trim_end_matches(['\r', '\n']).to_owned())))
            }
            (None, None) => None,
            _ => return Err("etcd: user and password_file go together".into()),
        };
        if login.is_some() && tls.is_none() && !endpoints.iter().all(|endpoint| is_this_machine(endpoint)) {
            return Err("etcd: the password would cross the network in the clear: name the ca, for TLS".into());
        }
        Ok(EtcdSettings { endpoints, prefix, tls, login })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("etcd: {}: {error}", path.display()))
}

fn is_host_and_port(endpoint: &str) -> bool {
    let authority = endpoint.parse::<http::uri::Authority>();
    authority
        .is_ok_and(|authority| !authority.host().is_empty() && authority.port().is_some() && !endpoint.contains('@'))
}

fn is_this_machine(endpoint: &str) -> bool {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(text: &str, flag: Option<&str>) -> Result<StoreLocation, InvalidConfig> {
        let config: Config = toml::from_str(text).unwrap();
        config.store(flag.map(str::to_owned), Path::new("/data"), |_| None)
    }

    #[test]
    fn records_lie_in_the_data_directory_unless_the_file_or_a_flag_says_where() {
        for (text, flag, place) in [
            ("", None, "/data"),
            ("store = 'redb:/a'", None, "/a"),
            ("store = 'redb:/a'", Some("etcd://h:1"), "etcd://h:1/brevet/"),
            ("", Some("etcd://10.0.0.1:2379,[::1]:2379/a/b"), "etcd://10.0.0.1:2379,[::1]:2379/a/b/"),
        ] {
            assert_eq!(located(text, flag).unwrap().to_string(), place);
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for bad in ["x", "redb:", "etcd://", "etcd://h", "etcd://h:1,", "etcd://h:1/", "etcd://u@h:1", "http://h:1"] {
            assert!(located("", Some(bad)).unwrap_err().to_string().contains("store: "), "{bad}");
        }
    }

    #[test]
    fn certificates_and_logins_come_whole_and_a_password_does_not_cross_the_network_in_the_clear() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        let path = file.path().display();
        let etcd = |store: &str, more: &str| located(&format!("store = '{store}'\n[etcd]\n{more}"), None);
        let login = format!("user = 'u'\npassword_file = '{path}'");
        let StoreLocation::Etcd(settings) = etcd("etcd://127.0.0.1:1", &login).unwrap() else { panic!() };
        assert_eq!(settings.login.unwrap().1.expose(), "secret");
        assert!(etcd("etcd://10.0.0.1:1", &format!("{login}\nca = '{path}'")).is_ok());
        for (store, more) in [
            ("etcd://10.0.0.1:1", login.as_str()),
            ("etcd://127.0.0.1:1", "user = 'u'"),
            ("etcd://127.0.0.1:1", "ca = '/nonexistent'"),
            ("etcd://127.0.0.1:1", &format!("cert = '{path}'\nca = '{path}'")),
            ("etcd://127.0.0.1:1", &format!("cert = '{path}'\nkey = '{path}'")),
        ] {
            assert!(etcd(store, more).unwrap_err().to_string().contains("etcd: "), "{more}");
        }
    }

    #[test]
    fn the_environment_names_the_files_where_there_is_no_configuration() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let environment = |name: &str| (name == "BREVET_ETCD_CA").then(|| path.clone());
        let located = Config::default().store(Some("etcd://h:1".into()), Path::new("/data"), environment).unwrap();
        let StoreLocation::Etcd(settings) = located else { panic!() };
        assert!(settings.tls.is_some());
    }
}
