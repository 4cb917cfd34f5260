//! The host a request was sent to, in the forms that a client may have signed.

use std::borrow::Cow;

use super::headers::{HOST, Headers};
use super::refusal::Refusal;
use super::request::Request;

/// Lower-case host, with the port as received.
#[derive(Clone, Debug)]
pub(super) struct Host<'a> {
    received: Cow<'a, str>,
    default_port: &'static str,
}

impl<'a> Host<'a> {
    /// Takes `host`, or the authority where there is none (HTTP/2). If both are there they must agree.
    pub(super) fn of(request: &Request<'a>, headers: &Headers<'a>) -> Result<Self, Refusal> {
        let default_port = match request.scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let without_port = |host: &'a str| host.strip_suffix(default_port).unwrap_or(host);
        let received = match (headers.only(HOST)?.map(str::trim), request.authority) {
            (None, None) => return Err(Refusal::Incomplete("A request must name its host.")),
            (Some(host), Some(authority)) if !without_port(host).eq_ignore_ascii_case(without_port(authority)) => {
                return Err(Refusal::Incomplete("The Host header differs from the authority of the request."));
            }
            (Some(host), _) | (None, Some(host)) => host,
        };
        if received.is_empty() || !received.bytes().all(is_host_byte) {
            return Err(Refusal::Incomplete("The host is not a host name."));
        }
        let received = if received.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(received.to_ascii_lowercase())
        } else {
            Cow::Borrowed(received)
        };
        Ok(Self { received, default_port })
    }

    /// As received, in lower case.
    pub(super) fn received(&self) -> &str {
        &self.received
    }

    /// Without the scheme's default port, if it was there: clients sign either form.
    pub(super) fn without_default_port(&self) -> Option<&str> {
        self.received.strip_suffix(self.default_port).filter(|host| host.len() < self.received.len())
    }
}

/// A name, an address or a port (RFC 3986, section 3.2.2); lists and user names are not hosts.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'%')
}
