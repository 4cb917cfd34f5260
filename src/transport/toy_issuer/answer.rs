//! What the issuer answers with, and the headers that go with it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tonic::body::Body;

use super::pages::Page;

/// An answer. It may hold secrets and has no `Debug`.
pub(super) enum Answer {
    Json(StatusCode, String),
    /// One sentence.
    Text(StatusCode, String),
    Page(StatusCode, Page),
    /// The browser goes on to this URL.
    SeeOther(String),
    /// For this method alone.
    Only(Method),
    /// Who asks has to say who they are, in this scheme.
    Unauthorized(&'static str, String),
}

impl Answer {
    pub(super) fn text(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self::Text(status, sentence.into())
    }

    pub(super) fn render(self) -> Response<Body> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // With `no-referrer` browsers would send `Origin: null` with our own forms.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        let (status, text, content_type) = match self {
            Self::Json(status, json) => (status, json, "application/json"),
            Self::Text(status, sentence) => (status, sentence + "\n", PLAIN),
            Self::Page(status, page) => {
                headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
                insert(&mut headers, header::CONTENT_SECURITY_POLICY, &page.content_security_policy());
                (status, page.html, "text/html; charset=utf-8")
            }
            Self::SeeOther(url) => {
                insert(&mut headers, header::LOCATION, &url);
                (StatusCode::SEE_OTHER, String::new(), PLAIN)
            }
            Self::Only(method) => {
                insert(&mut headers, header::ALLOW, method.as_str());
                (StatusCode::METHOD_NOT_ALLOWED, format!("This is for {method} alone.\n"), PLAIN)
            }
            Self::Unauthorized(challenge, json) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                (StatusCode::UNAUTHORIZED, json, "application/json")
            }
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let mut response = Response::new(Body::new(text));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// URLs and policies are ASCII by then.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
