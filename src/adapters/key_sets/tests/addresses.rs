//! B9 and B10: nobody who names a URL, a name or an address makes this process connect to where it should not.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::super::address::{Class, classify};
use super::super::guard::Lookup;
use super::issuer::{Answer, DISCOVERY, KEYS, TestIssuer};
use super::*;
use crate::service::federation::key_sets::{KeySetError, KeySets as _};

/// A resolver that somebody else rules: each name gives its answers one by one, the last one for good.
#[derive(Debug, Default)]
struct Ruled(Mutex<HashMap<String, Vec<Vec<&'static str>>>>);

impl Ruled {
    fn with(self, name: &str, answers: &[&[&'static str]]) -> Self {
        self.0.lock().unwrap().insert(name.to_owned(), answers.iter().map(|answer| answer.to_vec()).collect());
        self
    }
}

impl Lookup for Ruled {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let mut names = self.0.lock().unwrap();
        let answers = names.get_mut(&name).expect("a name that is looked up");
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        let addresses = answer.into_iter().map(|address| SocketAddr::new(address.parse().unwrap(), 1)).collect();
        std::future::ready(Ok(addresses)).boxed()
    }
}

/// As if the first loopback address were on the internet. All others are what they are.
fn one_is_public(address: IpAddr) -> Class {
    if address == IpAddr::from([127, 0, 0, 1]) { Class::Public } else { classify(address) }
}

async fn refused(fetch: HttpFetch, published: Published) -> KeySetError {
    let (key_sets, _) = key_sets(fetch);
    key_sets.key_set(&source(published), Some("a")).await.unwrap_err()
}

#[tokio::test]
async fn b9_no_spelling_of_a_private_address_is_connected_to() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    let port = issuer.address.port();
    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::1]"]
    {
        let discovery_url = Some(format!("https://{host}:{port}{DISCOVERY}"));
        let published = Published { discovery_url, allow_private: false, ..issuer.trusted() };
        assert_eq!(refused(patient(), published).await, KeySetError::Address, "{host}");
    }
    for name in ["localhost", "localhost.", "LOCALHOST", "idp.localhost"] {
        let discovery_url = Some(format!("https://{name}:{port}{DISCOVERY}"));
        let published = Published { discovery_url, allow_private: false, ..issuer.trusted() };
        let error = refused(patient(), published).await;
        assert!([KeySetError::Address, KeySetError::Unreachable].contains(&error), "{name}: {error}");
    }
    assert_eq!(issuer.connections(), 0);
}

#[tokio::test]
async fn b9_a_name_that_leads_to_private_addresses_is_not_connected_to() {
    let issuer = TestIssuer::https("127.0.0.1", "idp.test").await;
    for addresses in
        [&["127.0.0.1"][..], &["10.0.0.1", "127.0.0.1", "::1"], &["::ffff:127.0.0.1"], &["64:ff9b::7f00:1"]]
    {
        let lookup = Arc::new(Ruled::default().with("idp.test", &[addresses]));
        let published = Published { allow_private: false, ..issuer.trusted() };
        let error = refused(HttpFetch { lookup, ..patient() }, published).await;
        assert_eq!(error, KeySetError::Address, "{addresses:?}");
    }
    assert_eq!(issuer.connections(), 0);
}

#[tokio::test]
async fn b9_metadata_addresses_are_refused_to_private_providers_too() {
    for url in ["https://169.254.169.254/", "https://[fd00:ec2::254]/", "https://168.63.129.16/", "https://0.0.0.0/"] {
        let published =
            Published { discovery_url: Some(url.into()), allow_private: true, ..published("https://idp.example") };
        assert_eq!(refused(patient(), published).await, KeySetError::Address, "{url}");
    }
}

#[tokio::test]
async fn b9_of_several_addresses_only_the_allowed_are_tried() {
    let private = TestIssuer::https("127.0.0.2", "idp.test").await;
    let public = TcpPort::of(&private, "127.0.0.1").await;
    let lookup = Arc::new(Ruled::default().with("idp.test", &[&["127.0.0.2", "10.0.0.1", "127.0.0.1"]]));
    let published = Published { allow_private: false, ..private.trusted() };
    let error = refused(HttpFetch { lookup, classify: one_is_public, ..patient() }, published).await;
    assert_eq!(error, KeySetError::Unreachable);
    assert_eq!((private.connections(), public.connections()), (0, 1));
}

#[tokio::test]
async fn b10_a_name_that_is_rebound_between_two_requests_is_checked_again() {
    let good = TestIssuer::https("127.0.0.1", "idp.test").await;
    let private = TcpPort::of(&good, "127.0.0.2").await;
    // One connection a request, so that the second resolves again.
    let lookup = Arc::new(Ruled::default().with("idp.test", &[&["127.0.0.1"], &["127.0.0.2"]]));
    let published = Published { allow_private: false, ..good.trusted() };
    let error = refused(HttpFetch { lookup, classify: one_is_public, ..patient() }, published).await;
    assert_eq!(error, KeySetError::Address);
    assert_eq!((good.connections(), private.connections()), (1, 0));
}

#[tokio::test]
async fn b10_keys_may_be_on_another_host_under_the_same_rules() {
    let (idp, keys) =
        (TestIssuer::https("127.0.0.1", "idp.test").await, TestIssuer::https("127.0.0.1", "keys.test").await);
    idp.jwks_uri(&format!("{}{KEYS}", keys.url));
    let both = format!("{}{}", idp.ca.as_deref().unwrap(), keys.ca.as_deref().unwrap());
    let published = Published { allow_private: false, ca_certificates: Some(both), ..idp.trusted() };
    let lookup =
        |address| Arc::new(Ruled::default().with("idp.test", &[&["127.0.0.1"]]).with("keys.test", &[&[address]]));
    let fetch = |lookup| HttpFetch { lookup, classify: one_is_public, ..patient() };
    assert_eq!(refused(fetch(lookup("127.0.0.2")), published.clone()).await, KeySetError::Address);
    assert_eq!(keys.connections(), 0);
    let (key_sets, _) = key_sets(fetch(lookup("127.0.0.1")));
    assert!(key_sets.key_set(&source(published), Some("a")).await.unwrap().has("a"));
    assert_eq!(keys.connections(), 1);
}

#[tokio::test]
async fn b10_keys_are_not_fetched_from_where_the_provider_must_not_be() {
    let idp = TestIssuer::https("127.0.0.1", "idp.test").await;
    let inside = TestIssuer::http("127.0.0.2").await;
    let port = inside.address.port();
    for (uri, why) in [
        (format!("https://127.0.0.2:{port}{KEYS}"), KeySetError::Address),
        (format!("https://2130706434:{port}{KEYS}"), KeySetError::Address),
        (format!("https://[::ffff:127.0.0.2]:{port}{KEYS}"), KeySetError::Address),
        (format!("http://127.0.0.2:{port}{KEYS}"), KeySetError::Url),
        (format!("http://idp.test:{port}{KEYS}"), KeySetError::Url),
        (format!("https://user:password@idp.test:{port}{KEYS}"), KeySetError::Url),
        ("file:///etc/passwd".into(), KeySetError::Url),
        ("data:application/json,{}".into(), KeySetError::Url),
        ("ftp://idp.test/keys".into(), KeySetError::Url),
        (KEYS.into(), KeySetError::Url),
        (String::new(), KeySetError::Url),
    ] {
        idp.jwks_uri(&uri);
        let lookup = Arc::new(Ruled::default().with("idp.test", &[&["127.0.0.1"]]));
        let published = Published { allow_private: false, ..idp.trusted() };
        let error = refused(HttpFetch { lookup, classify: one_is_public, ..patient() }, published).await;
        assert_eq!(error, why, "{uri}");
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn b10_redirects_are_not_followed() {
    let (idp, other) = (TestIssuer::https("127.0.0.1", "localhost").await, TestIssuer::http("127.0.0.1").await);
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        for path in [DISCOVERY, KEYS] {
            idp.publish(&["a"]);
            let head = format!("HTTP/1.1 {status}\r\nLocation: {}{path}\r\nContent-Length: 0\r\n\r\n", other.url);
            idp.answer(path, Answer::Raw(head.into_bytes()));
            assert_eq!(refused(patient(), idp.trusted()).await, KeySetError::Status, "{status}");
        }
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn plain_http_is_for_loopback_and_only_if_the_record_allows_it() {
    let issuer = TestIssuer::http("127.0.0.1").await;
    let (key_sets, _) = key_sets(patient());
    assert!(key_sets.key_set(&source(issuer.trusted()), Some("a")).await.unwrap().has("a"));
    let connections = issuer.connections();
    let published = Published { allow_private: false, ..issuer.trusted() };
    assert_eq!(refused(patient(), published).await, KeySetError::Url);
    let port = issuer.address.port();
    for discovery_url in [format!("http://10.0.0.1:{port}/"), format!("http://idp.test:{port}/")] {
        let published = Published { discovery_url: Some(discovery_url), ..issuer.trusted() };
        assert_eq!(refused(patient(), published).await, KeySetError::Url);
    }
    // A provider elsewhere does not get us to speak plain HTTP here.
    let secure = TestIssuer::https("127.0.0.1", "localhost").await;
    secure.jwks_uri(&format!("{}{KEYS}", issuer.url));
    assert_eq!(refused(patient(), secure.trusted()).await, KeySetError::Url);
    // Nor does a resolver that has its own idea of where `localhost` is.
    let lookup = Arc::new(Ruled::default().with("localhost", &[&["10.0.0.1"]]));
    let discovery_url = Some(format!("http://localhost:{port}{DISCOVERY}"));
    let published = Published { discovery_url, ..issuer.trusted() };
    assert_eq!(refused(HttpFetch { lookup, ..patient() }, published).await, KeySetError::Address);
    assert_eq!(issuer.connections(), connections);
}

/// Another address with the port of an issuer, where connections are counted and closed.
struct TcpPort(Arc<std::sync::atomic::AtomicUsize>);

impl TcpPort {
    async fn of(issuer: &TestIssuer, address: &str) -> Self {
        let listener = tokio::net::TcpListener::bind((address, issuer.address.port())).await.unwrap();
        let count = Arc::<std::sync::atomic::AtomicUsize>::default();
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self(count)
    }

    fn connections(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
