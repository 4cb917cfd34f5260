//! An issuer's URL, in the one spelling that every reader reads alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Longest URL of an issuer, as IAM has it for `CreateOpenIDConnectProvider`.
const MAX_LENGTH: usize = 255;

/// Who issues identity tokens: an `https` URL without anything that could be spelled in two ways (OpenID Connect Core
/// 1.0 §2: no query, no fragment), kept byte for byte. A trailing slash is part of the name.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Issuer {
    url: String,
    /// Length of the scheme and `://`.
    scheme: usize,
}

/// Whether an issuer may be reached without TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plaintext {
    /// `https` only.
    Refused,
    /// `http` too where the host is this machine: for development.
    OnLoopback,
}

/// Why a text is not the URL of an issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidIssuer {
    /// Empty, or longer than 255 characters.
    #[error("an issuer URL has 1 to 255 characters")]
    Length,
    /// Not `https://`.
    #[error("an issuer URL begins with https://")]
    Scheme,
    /// `user@host`.
    #[error("an issuer URL has no user information")]
    UserInfo,
    /// `?…` or `#…`
    #[error("an issuer URL has neither query nor fragment")]
    QueryOrFragment,
    /// Not a lower-case DNS name or a plain address.
    #[error("the host of an issuer URL is a DNS name in lower-case ASCII, or an IPv4 address in four decimal numbers")]
    Host,
    /// Empty, the scheme's own, or not a port.
    #[error("the port of an issuer URL is left out if it is the default, and a plain number otherwise")]
    Port,
    /// Empty or dot segments, or characters that need an escape or mean something in policies.
    #[error("the path of an issuer URL has no empty, `.` or `..` segment and consists of letters, digits and -._~+=,@")]
    Path,
}

impl Issuer {
    /// Takes a URL as it is or not at all: nothing is normalised.
    pub fn parse(url: &str, plaintext: Plaintext) -> Result<Self, InvalidIssuer> {
        if url.is_empty() || url.chars().count() > MAX_LENGTH {
            return Err(InvalidIssuer::Length);
        }
        let (rest, is_https) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) if plaintext == Plaintext::OnLoopback => (rest, false),
            _ => return Err(InvalidIssuer::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(InvalidIssuer::QueryOrFragment);
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(InvalidIssuer::UserInfo);
        }
        let host = check_authority(authority, if is_https { 443 } else { 80 })?;
        if !is_https && !is_loopback(host) {
            return Err(InvalidIssuer::Scheme);
        }
        check_path(path)?;
        Ok(Self { url: url.to_owned(), scheme: url.len() - rest.len() })
    }

    /// The issuer at an address that this machine listens on, which relying parties on this machine can reach. Without TLS there
    /// is one on loopback, or at all addresses, alone.
    pub fn at(address: SocketAddr, tls: bool) -> Result<Self, InvalidIssuer> {
        let ip = match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let (scheme, default_port) = if tls { ("https", ":443") } else { ("http", ":80") };
        let url = format!("{scheme}://{}", SocketAddr::new(ip, address.port()));
        Self::parse(url.strip_suffix(default_port).unwrap_or(&url), Plaintext::OnLoopback)
    }

    /// The URL, as it was given.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The URL without its scheme: the provider in ARNs (`oidc-provider/…`) and the prefix of its condition keys.
    pub fn provider_name(&self) -> &str {
        &self.url[self.scheme..]
    }

    /// Whether the issuer is reached with TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == "https://".len()
    }
}

/// The host, if host and port have no other spelling.
fn check_authority(authority: &str, default_port: u16) -> Result<&str, InvalidIssuer> {
    let colon = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|colon| bracket + colon),
        None => authority.find(':'),
    };
    let host = match colon {
        Some(colon) => {
            let port = &authority[colon + 1..];
            let number = u16::from_str(port).ok().filter(|number| *number != 0 && *number != default_port);
            if number.is_none_or(|number| number.to_string() != port) {
                return Err(InvalidIssuer::Port);
            }
            &authority[..colon]
        }
        None => authority,
    };
    if is_dns_name(host) || is_ipv4(host) || host == LOOPBACK_IPV6 { Ok(host) } else { Err(InvalidIssuer::Host) }
}

const LOOPBACK: &str = "localhost";
const LOOPBACK_IPV6: &str = "[::1]";

/// Letters, digits and hyphens (RFC 1123 §2.1), in lower case. A name whose last label begins with a digit is what some
/// readers take for an address, such as `0x7f.1`. One without a dot could be `aws`, and its claims condition keys of ours.
fn is_dns_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let inner = label.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_name = host.contains('.') && !last.starts_with(|c: char| c.is_ascii_digit());
    host.len() <= 253 && host.split('.').all(is_label) && (is_name || host == LOOPBACK)
}

/// Four decimal numbers without leading zeros, which Rust's reader insists on.
fn is_ipv4(host: &str) -> bool {
    Ipv4Addr::from_str(host).is_ok()
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == LOOPBACK
        || Ipv4Addr::from_str(host).is_ok_and(|address| address.is_loopback())
        || Ipv6Addr::from_str(address).is_ok_and(|address| address.is_loopback())
}

/// A trailing slash is kept: some issuers have it in their name.
///
/// Narrower than RFC 3986 by what stands for something else in policies and condition keys (`*`, `?`, `$`, `:`), and by `%`,
/// with which every character has two spellings.
fn check_path(path: &str) -> Result<(), InvalidIssuer> {
    let Some(segments) = path.strip_prefix('/') else { return Ok(()) };
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    if path == "/" {
        return Ok(());
    }
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~+=,@".contains(&c);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    if segments.split('/').all(is_segment) { Ok(()) } else { Err(InvalidIssuer::Path) }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.url, f)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests;
