//! A request that someone else received and passes on to be checked.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::authentication::Authentication;
use super::headers::Headers;
use super::query::Query;
use super::request::Request;
use super::scope::{Credential, Scope};

/// As a web server would let in.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 << 10;
const MAX_TARGET: usize = 16 << 10;

/// A request by its parts, as it was received: nothing decoded, nothing normalised.
#[derive(Clone)]
pub struct ReceivedRequest {
    method: String,
    path: String,
    query: String,
    authority: Option<String>,
    scheme: &'static str,
    headers: HeaderMap,
}

/// Parts of which no request can consist.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotARequest {
    /// Not 1 to 32 upper-case letters.
    #[error("the method has 1 to 32 upper-case letters")]
    Method,
    /// No path from the root, or something that belongs elsewhere.
    #[error("the path begins with a slash, and path and query have printable ASCII characters, at most 16384 together")]
    Target,
    /// Neither of the two.
    #[error("the scheme is http or https")]
    Scheme,
    /// A name or value that no header can have.
    #[error("a header has a name or a value that HTTP does not allow")]
    Header,
    /// Too many headers, or too long.
    #[error("there are at most 100 headers, of 32768 bytes together")]
    TooManyHeaders,
}

/// What is checked of a request's parts.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// With escapes, up to the question mark.
    pub path: &'a str,
    /// With escapes, without the question mark.
    pub query: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host, with the port if one was given; empty if only the `host` header says it.
    pub authority: &'a str,
}

impl ReceivedRequest {
    /// From its parts; headers in their order, a name that occurs twice twice.
    pub fn new<'a>(
        line: RequestLine<'_>,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, NotARequest> {
        let RequestLine { method, path, query, scheme, authority } = line;
        if !(1..=32).contains(&method.len()) || !method.bytes().all(|c| c.is_ascii_uppercase()) {
            return Err(NotARequest::Method);
        }
        let printable = |text: &str| text.bytes().all(|c| c.is_ascii_graphic() && c != b'#');
        let whole = path.starts_with('/') && !path.contains('?') && path.len() + query.len() <= MAX_TARGET;
        if !whole || !printable(path) || !printable(query) {
            return Err(NotARequest::Target);
        }
        let scheme = match scheme {
            "http" => "http",
            "https" => "https",
            _ => return Err(NotARequest::Scheme),
        };
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authority: (!authority.is_empty()).then(|| authority.to_owned()),
            scheme,
            headers: read_headers(headers)?,
        })
    }

    /// As whoever received it would have it checked.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            authority: self.authority.as_deref(),
            scheme: self.scheme,
            headers: &self.headers,
        }
    }

    /// Region and service of the scope that it claims to be signed for, if that can be read: whoever serves several
    /// services chooses the rules by it. Nothing is checked yet.
    pub fn claimed_scope(&self) -> Option<(String, String)> {
        let headers = Headers::of(&self.headers);
        let query = Query::parse(&self.query).ok()?;
        let given = Authentication::find(&headers, &query).ok()?;
        let credential = Credential::parse(&given.credential).ok()?;
        let scope = Scope::parse(&given.credential[credential.access_key_id.len() + 1..])?;
        Some((scope.region().to_owned(), scope.service().to_owned()))
    }
}

fn read_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<HeaderMap, NotARequest> {
    let mut read = HeaderMap::new();
    let mut room = MAX_HEADER_BYTES;
    for (name, value) in headers {
        room = room.checked_sub(name.len() + value.len()).ok_or(NotARequest::TooManyHeaders)?;
        if read.len() == MAX_HEADERS {
            return Err(NotARequest::TooManyHeaders);
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| NotARequest::Header)?;
        read.append(name, HeaderValue::from_bytes(value).map_err(|_| NotARequest::Header)?);
    }
    Ok(read)
}

/// As little as of a [`Request`].
impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_request().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: RequestLine<'_> =
        RequestLine { method: "GET", path: "/a%20b", query: "x=1", scheme: "https", authority: "host:8443" };

    #[test]
    fn a_request_comes_through_as_it_was_received() {
        let headers: [(&str, &[u8]); 3] = [("X-A", b"1"), ("x-a", b"\xff2"), ("host", b"host:8443")];
        let received = ReceivedRequest::new(LINE, headers).unwrap();
        let request = received.as_request();
        assert_eq!((request.method, request.path, request.query), ("GET", "/a%20b", "x=1"));
        assert_eq!((request.scheme, request.authority), ("https", Some("host:8443")));
        let values: Vec<_> = request.headers.get_all("x-a").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [&b"1"[..], b"\xff2"]);
        assert_eq!(received.claimed_scope(), None);
    }

    #[test]
    fn the_claimed_scope_is_read_before_anything_is_checked() {
        let value = b"AWS4-HMAC-SHA256 Credential=AK/20000101/r/files/aws4_request, SignedHeaders=host, Signature=\
            0000000000000000000000000000000000000000000000000000000000000000";
        let headers: [(&str, &[u8]); 2] = [("authorization", value), ("x-amz-date", b"20260115T120000Z")];
        let received = ReceivedRequest::new(LINE, headers).unwrap();
        assert_eq!(received.claimed_scope(), Some(("r".to_owned(), "files".to_owned())));
    }

    #[test]
    fn what_no_request_can_have_is_refused() {
        let refused = |line| ReceivedRequest::new(line, []).unwrap_err();
        let (long_method, long_path) = ("A".repeat(33), format!("/{}", "a".repeat(MAX_TARGET)));
        for method in ["", "get", "G T", &long_method] {
            assert_eq!(refused(RequestLine { method, ..LINE }), NotARequest::Method, "{method}");
        }
        for path in ["", "a", "/a?b", "/a#b", "/a b", "/\u{e4}", &long_path] {
            assert_eq!(refused(RequestLine { path, ..LINE }), NotARequest::Target, "{path}");
        }
        for query in ["a b", "a#b", "a\n"] {
            assert_eq!(refused(RequestLine { query, ..LINE }), NotARequest::Target, "{query}");
        }
        assert_eq!(refused(RequestLine { scheme: "HTTP", ..LINE }), NotARequest::Scheme);
        let with = |headers: Vec<(&str, &[u8])>| ReceivedRequest::new(LINE, headers).unwrap_err();
        for (name, value) in [("", &b""[..]), ("a b", b""), ("a", b"\r\n"), ("a", b"\0")] {
            assert_eq!(with(vec![(name, value)]), NotARequest::Header, "{name}");
        }
        assert_eq!(with(vec![("a", b""); MAX_HEADERS + 1]), NotARequest::TooManyHeaders);
        assert_eq!(with(vec![("a", &[b'x'; MAX_HEADER_BYTES])]), NotARequest::TooManyHeaders);
    }
}
