//! TLS with certificates on both sides, and users with passwords.

use std::path::{Path, PathBuf};

use brevet::store::{EtcdSettings, EtcdStore, EtcdTls, Store};
use brevet_validator::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::etcd_support::{Etcd, connect, is_installed};
use super::{commit_at_last, next, put};

struct Pki {
    ca: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

fn pki(dir: &Path) -> Pki {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    let leaf = leaf.signed_by(&key, &ca).unwrap();
    let write = |name: &str, pem: String| {
        let path = dir.join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    Pki {
        ca: write("ca.pem", ca.pem()),
        chain: write("chain.pem", leaf.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}

#[tokio::test]
async fn etcd_is_reached_by_tls_with_a_client_certificate_and_not_without() {
    if !is_installed() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pki = pki(dir.path());
    let argument = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let arguments = [
        argument("cert-file", &pki.chain),
        argument("key-file", &pki.key),
        argument("trusted-ca-file", &pki.ca),
        "--client-cert-auth".to_owned(),
    ];
    let etcd = Etcd::start_with(1, &arguments.each_ref().map(String::as_str));
    let read = |path: &Path| std::fs::read(path).unwrap();
    let tls = |identity| Some(EtcdTls { ca: read(&pki.ca), identity });
    let identity = Some((read(&pki.chain), Secret::new(read(&pki.key))));
    let settings = EtcdSettings { tls: tls(identity.clone()), ..etcd.settings("/brevet/") };
    let store = connect(&settings).await;
    let committed = store.commit(put("a", "x")).await.unwrap();
    assert_eq!(store.latest().await.unwrap(), committed);

    let plain = EtcdStore::connect(&etcd.settings("/brevet/")).await;
    let anonymous = EtcdSettings { tls: tls(None), ..etcd.settings("/brevet/") };
    let strange = {
        let dir = tempfile::tempdir().unwrap();
        let ca = read(&self::pki(dir.path()).ca);
        EtcdSettings { tls: Some(EtcdTls { ca, identity }), ..etcd.settings("/brevet/") }
    };
    assert!(plain.is_err());
    assert!(EtcdStore::connect(&anonymous).await.is_err());
    assert!(EtcdStore::connect(&strange).await.is_err());
}

#[tokio::test]
async fn a_user_with_a_password_is_logged_in_again_when_the_login_ends() {
    if !is_installed() {
        return;
    }
    let mut etcd = Etcd::start(1);
    drop(etcd.store().await);
    let ctl = |arguments: &[&str]| etcd.ctl(arguments);
    ctl(&["user", "add", "root:root"]);
    ctl(&["user", "grant-role", "root", "root"]);
    ctl(&["user", "add", "brevet:secret"]);
    ctl(&["role", "add", "brevet"]);
    ctl(&["role", "grant-permission", "--prefix", "brevet", "readwrite", "/brevet/"]);
    ctl(&["user", "grant-role", "brevet", "brevet"]);
    ctl(&["auth", "enable"]);

    let login = |password: &str| Some(("brevet".to_owned(), Secret::new(password.to_owned())));
    let good = EtcdSettings { login: login("secret"), ..etcd.settings("/brevet/") };
    let store = connect(&good).await;
    let committed = store.commit(put("a", "x")).await.unwrap();
    let mut changes = store.watch(committed).await.unwrap();
    let beyond = EtcdSettings { prefix: "/other/".into(), ..good.clone() };
    for refused in [etcd.settings("/brevet/"), EtcdSettings { login: login("wrong"), ..good.clone() }, beyond] {
        let error = EtcdStore::connect(&refused).await.unwrap_err();
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    // Logins do not outlive etcd's process.
    etcd.members[0].kill();
    etcd.members[0].start();
    let after = commit_at_last(&store).await;
    assert_eq!(after.0, committed.0 + 1);
    assert_eq!(next(&mut changes).await, Some(after));
    assert_eq!(store.load().await.unwrap().1.len(), 2);
}
