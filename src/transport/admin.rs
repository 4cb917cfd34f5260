//! The admin port: is it alive, is it ready, what has it counted. For operators; never for strangers.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use super::grpc;
use super::listener::Serve;
use super::metrics::Metrics;
use super::peer::Peer;
use super::providers::Note;
use super::readiness::Readiness;

const PLAIN: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `/livez`, `/readyz`, `/metrics` and the gRPC health service.
#[derive(Debug)]
pub struct Admin {
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    health: Routes,
}

impl Admin {
    /// Tells of these.
    pub fn new(metrics: Arc<Metrics>, readiness: Arc<Readiness>) -> Self {
        let health = Routes::new(grpc::health::server(Arc::clone(&readiness))).prepare();
        Self { metrics, readiness, health }
    }

    fn answer(&self, method: &Method, path: &str, query: &str) -> (StatusCode, &'static str, String) {
        if method != Method::GET && method != Method::HEAD {
            return (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned());
        }
        match path {
            "/livez" => (StatusCode::OK, PLAIN, "ok\n".to_owned()),
            "/readyz" => self.ready(query.split('&').any(|parameter| matches!(parameter, "verbose" | "verbose="))),
            "/metrics" => (StatusCode::OK, OPEN_METRICS, self.metrics.text()),
            _ => (StatusCode::NOT_FOUND, PLAIN, "try /livez, /readyz or /metrics\n".to_owned()),
        }
    }

    /// What is wrong is always said; what is in order only on demand.
    fn ready(&self, verbose: bool) -> (StatusCode, &'static str, String) {
        let report = self.readiness.report();
        let ready = report.iter().all(|(_, outcome)| outcome.is_ok());
        let lines = report.iter().filter_map(|(name, outcome)| match outcome {
            Ok(()) => verbose.then(|| format!("[+] {name}: ok\n")),
            Err(reason) => Some(format!("[-] {name}: {reason}\n")),
        });
        let notes = self.readiness.notes().into_iter().filter_map(|Note { wrong, text }| match wrong {
            true => Some(format!("[!] {text}\n")),
            false => verbose.then(|| format!("[+] {text}\n")),
        });
        let (status, verdict) =
            if ready { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") };
        (status, PLAIN, lines.chain(notes).chain([verdict.to_owned()]).collect())
    }
}

impl Serve for Admin {
    async fn serve(&self, request: Request<Incoming>, _peer: Peer, _conflict: bool) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if grpc::is_call(&parts) {
            return match self.health.clone().oneshot(Request::from_parts(parts, body)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        let (status, content_type, text) =
            self.answer(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default());
        let mut response = Response::new(Body::new(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(readiness: Readiness) -> Admin {
        Admin::new(Arc::new(Metrics::new()), Arc::new(readiness))
    }

    #[test]
    fn alive_is_alive_and_ready_has_reasons() {
        let admin =
            admin(Readiness::new(vec![("store", Box::new(|| Ok(()))), ("audit", Box::new(|| Err("full".into())))]));
        let get = |path, query| admin.answer(&Method::GET, path, query);
        assert_eq!(get("/livez", "").0, StatusCode::OK);
        let (status, _, text) = get("/readyz", "");
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "[-] audit: full\nnot ready\n"));
        let (_, _, text) = get("/readyz", "verbose");
        assert_eq!(text, "[+] running: ok\n[+] store: ok\n[-] audit: full\nnot ready\n");
    }

    #[test]
    fn a_stopping_process_is_alive_but_not_ready() {
        let admin = admin(Readiness::default());
        assert_eq!(admin.answer(&Method::GET, "/readyz", ""), (StatusCode::OK, PLAIN, "ok\n".to_owned()));
        admin.readiness.stop();
        assert_eq!(admin.answer(&Method::GET, "/readyz", "").0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(admin.answer(&Method::GET, "/livez", "").0, StatusCode::OK);
    }

    #[test]
    fn a_failing_provider_is_told_and_the_process_is_ready_nevertheless() {
        use crate::service::federation::key_sets::KeySetError;
        use crate::service::federation::{Issuer, KeysState, Plaintext, ProviderState, ProviderStates};

        let provider = |name: &str, state| ProviderState {
            account: "111111111111".parse().unwrap(),
            issuer: Issuer::parse(&format!("https://{name}.example"), Plaintext::Refused).unwrap(),
            state,
            keys: 1,
            age: None,
            fetches: Default::default(),
            exchanges: Default::default(),
        };
        let failing = KeysState::Failing { error: KeySetError::Timeout, last_good: None };
        let shown = vec![provider("good", KeysState::Pinned), provider("bad", failing)];
        let states = ProviderStates { shown, left_out: 0 };
        let admin = admin(Readiness::default().watching(Arc::new(move || states.clone())));
        let bad =
            "[!] provider 111111111111 https://bad.example: failing: the provider did not answer in time; no keys\n";
        let good = "[+] provider 111111111111 https://good.example: 1 pinned keys\n";
        let get = |query| admin.answer(&Method::GET, "/readyz", query);
        assert_eq!(get(""), (StatusCode::OK, PLAIN, format!("{bad}ok\n")));
        assert_eq!(get("verbose").2, format!("[+] running: ok\n{bad}{good}ok\n"));
    }

    #[test]
    fn metrics_are_there_and_nothing_else_is() {
        let admin = admin(Readiness::default());
        let (status, content_type, text) = admin.answer(&Method::GET, "/metrics", "");
        assert_eq!((status, content_type), (StatusCode::OK, OPEN_METRICS));
        assert!(text.contains("brevet_build_info") && text.ends_with("# EOF\n"), "{text}");
        assert_eq!(admin.answer(&Method::GET, "/", "").0, StatusCode::NOT_FOUND);
        assert_eq!(admin.answer(&Method::POST, "/metrics", "").0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
