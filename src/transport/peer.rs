//! Who is at the other end of a connection, and which host they meant to reach.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The far end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// A range of addresses: `192.0.2.0/24`, or a single one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// The text is not a range of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an address or a network such as 192.0.2.0/24")]
pub struct InvalidNetwork;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let longest = bits(address).1;
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| InvalidNetwork)?;
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(InvalidNetwork) }
    }
}

impl Network {
    /// Whether an address lies in this range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((ours, length), (theirs, same_length)) = (bits(self.address), bits(address));
        length == same_length && (ours ^ theirs).checked_shr(length - self.prefix).unwrap_or(0) == 0
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// The far end of a request: the peer itself or, as far as trusted proxies vouch for it, the nearest address before
/// them and how that spoke.
pub fn origin(peer: Peer, proxies: &[Network], headers: &HeaderMap) -> Peer {
    let is_trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut address = peer.address.to_canonical();
    if !is_trusted(address) {
        return Peer { address, ..peer };
    }
    // What cannot be read is a hop that nobody vouches for, and so is everything before it.
    let values: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    let hops = values.iter().flat_map(|value| value.split(',')).rev();
    for hop in hops.map_while(|hop| hop.trim().parse::<IpAddr>().ok()) {
        address = hop.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    let mut protocols = headers.get_all(FORWARDED_PROTO).iter();
    let secure = protocols.next().is_some_and(|protocol| protocol == "https") && protocols.next().is_none();
    Peer { address, tls: peer.tls || secure }
}

/// The hosts that a server answers for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authorities(Vec<String>);

impl Authorities {
    /// Hosts with their port where it is not the default one of the scheme.
    pub fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase()).collect())
    }

    /// The names of this machine, as it calls itself, at the port of this address; and the address.
    pub fn of_this_machine(address: SocketAddr) -> Self {
        let port = address.port();
        let local = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}"));
        Self::new(local.into_iter().chain([address.to_string()]))
    }

    /// Whether a request was meant for this server.
    pub fn include(&self, parts: &Parts, tls: bool) -> bool {
        let default_port = if tls { ":443" } else { ":80" };
        host(parts).map(str::to_ascii_lowercase).is_some_and(|host| {
            let bare = host.strip_suffix(default_port).unwrap_or(&host);
            self.0.iter().any(|ours| ours.strip_suffix(default_port).unwrap_or(ours) == bare)
        })
    }
}

/// The host that a request names, with its port.
pub(super) fn host(parts: &Parts) -> Option<&str> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => single_host(&parts.headers),
    }
}

fn single_host(headers: &HeaderMap<HeaderValue>) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    hosts.next().filter(|_| hosts.next().is_none())?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn networks_contain_what_shares_their_prefix() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("2001:db8::/32", "2001:db8:1::", "2001:db9::"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(ip(inside)) && !network.contains(ip(outside)), "{network:?}");
        }
        for bad in ["", "x", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork), "{bad}");
        }
    }

    #[test]
    fn forwarded_addresses_count_from_trusted_proxies_alone() {
        let proxies = ["192.0.2.0/24".parse().unwrap()];
        let source = |peer, values: &[&str]| {
            origin(Peer { address: ip(peer), tls: false }, &proxies, &forwarded(values)).address
        };
        assert_eq!(source("203.0.113.1", &["198.51.100.1"]), ip("203.0.113.1"));
        assert_eq!(source("192.0.2.1", &[]), ip("192.0.2.1"));
        assert_eq!(source("192.0.2.1", &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(source("::ffff:192.0.2.1", &["::ffff:198.51.100.1"]), ip("198.51.100.1"));
    }

    #[test]
    fn the_address_nearest_to_the_trusted_proxies_is_the_source() {
        let proxies = ["192.0.2.0/24".parse().unwrap()];
        let proxy = Peer { address: ip("192.0.2.1"), tls: false };
        let source = |values: &[&str]| origin(proxy, &proxies, &forwarded(values)).address;
        assert_eq!(source(&["10.0.0.1, 198.51.100.1, 192.0.2.7"]), ip("198.51.100.1"));
        assert_eq!(source(&["10.0.0.1", "198.51.100.1", "192.0.2.7"]), ip("198.51.100.1"));
        assert_eq!(source(&["198.51.100.1, junk, 192.0.2.7"]), ip("192.0.2.7"));
        assert_eq!(source(&["junk"]), ip("192.0.2.1"));
        assert_eq!(source(&["198.51.100.1", "\u{e9}", "192.0.2.7"]), ip("192.0.2.7"));
    }

    #[test]
    fn tls_that_a_trusted_proxy_ended_is_tls() {
        let proxies = ["192.0.2.0/24".parse().unwrap()];
        let tls = |address, protocols: &[&'static str]| {
            let headers = protocols.iter().map(|value| (FORWARDED_PROTO, HeaderValue::from_static(value))).collect();
            origin(Peer { address: ip(address), tls: false }, &proxies, &headers).tls
        };
        assert!(tls("192.0.2.1", &["https"]));
        assert!(!tls("192.0.2.1", &["http"]));
        assert!(!tls("192.0.2.1", &["https", "http"]));
        assert!(!tls("203.0.113.1", &["https"]));
    }

    #[test]
    fn a8_only_the_configured_hosts_are_answered_for() {
        let authorities = Authorities::new(["STS.example.com", "127.0.0.1:8731", "[::1]:8731"]);
        let include = |uri: &str, hosts: &[&str], tls| {
            let mut request = http::Request::get(uri);
            for host in hosts {
                request = request.header("host", *host);
            }
            authorities.include(&request.body(()).unwrap().into_parts().0, tls)
        };
        assert!(include("/", &["sts.example.com"], true));
        assert!(include("/", &["STS.example.com:443"], true));
        assert!(include("https://sts.example.com/", &[], true));
        assert!(include("/", &["127.0.0.1:8731"], false));
        assert!(include("/", &["[::1]:8731"], false));
        assert!(!include("/", &["sts.example.com:443"], false));
        assert!(!include("/", &["sts.example.com:8731"], true));
        assert!(!include("/", &["evil.example:8731"], false));
        assert!(!include("/", &["127.0.0.1"], false));
        assert!(!include("/", &["sts.example.com", "sts.example.com"], true));
        assert!(!include("/", &[], true));
        assert!(!include("https://evil.example/", &["sts.example.com"], true));
    }
}
