//! A request as it came off the wire, and what a service accepts.

use std::fmt;

use http::HeaderMap;

/// A request as it was received: nothing decoded, nothing normalised.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Path as received, without the query.
    pub path: &'a str,
    /// Query as received, without the question mark; empty if there is none.
    pub query: &'a str,
    /// HTTP/2's `:authority` or the authority of an absolute-form target, if any. Must agree with `host`.
    pub authority: Option<&'a str>,
    /// `http` or `https`: decides which default port may be left out of the host.
    pub scheme: &'a str,
    /// Header fields, names lower-case, values raw, repeated fields in order.
    pub headers: &'a HeaderMap,
}

/// Query and header values can hold credentials, so only their outlines are shown.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("authority", &self.authority)
            .field("scheme", &self.scheme)
            .field("header_names", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// How a service canonicalises paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PathStyle {
    /// Normalised by RFC 3986 and encoded twice: every service but S3.
    General,
    /// As received, encoded once: S3.
    S3,
}

/// What a verifier accepts.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Path canonicalisation.
    pub path_style: PathStyle,
    /// Services whose scope is accepted, lower-case. Never empty.
    pub services: Vec<String>,
    /// Regions whose scope is accepted; `None` accepts any.
    pub regions: Option<Vec<String>>,
    /// Longest life of a presigned request in seconds, whatever it says: 604800 for S3, 900 at the STS.
    pub presigned_max: u32,
    /// Whether `UNSIGNED-PAYLOAD` is accepted (never at the STS). Without it, a presigned S3 request, whose signature
    /// never covers the body, must have an empty one.
    pub unsigned_payload: bool,
}
