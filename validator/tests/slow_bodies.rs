//! Requests whose body takes its time: what ends while it comes is refused, though the request began before.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use brevet_validator::layer::{ValidatedBody, ValidatorLayer};
use brevet_validator::signature::Rules;
use brevet_validator::token::{Revocation, RevocationSet, Subject};
use brevet_validator::validator::{CurrentRevocations, Rejection, Validator};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};

use layer_support::{HOUR, Sts, TestClock, noon, put, sign};

mod layer_support;

const LIMIT: usize = 64;

/// What happens before the last part of a body comes.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// A body in two parts, with something in between.
struct Slow {
    parts: Vec<Bytes>,
    meanwhile: Option<Meanwhile>,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.parts.len() == 1
            && let Some(act) = self.meanwhile.take()
        {
            act();
        }
        Poll::Ready((!self.parts.is_empty()).then(|| Ok(Frame::data(self.parts.remove(0)))))
    }
}

/// Sends a signed body of this length; says how often the service was called, what it saw of the body, and the answer's status.
async fn send(length: usize, meanwhile: impl FnOnce(&TestClock, &CurrentRevocations) + Send + 'static) -> Outcome {
    let (sts, clock, revocations) = (Sts::new(1), TestClock::at(noon()), Arc::new(CurrentRevocations::default()));
    let alice = sts.session("alice", noon(), HOUR);
    let validator = Validator::new(Rules::of_service("s3"), sts.ring(), 10).with_revocations(revocations.clone());
    let now = clock.clone();
    let layer = ValidatorLayer::http(validator).body_limit(LIMIT).clock(move || now.now());

    let whole = vec![7; length];
    let (parts, body) = sign(put("/k", &whole), &whole, &alice, "s3", noon()).into_parts();
    let (first, last) = body.split_at(length / 2);
    let revoked = {
        let subject = Subject::Session { account: "123456789012".parse().unwrap(), access_key_id: alice.access_key_id };
        let mut set = RevocationSet::default();
        set.insert(Revocation { subject, revision: 9, until: noon() + 40 * HOUR });
        set
    };
    let act: Meanwhile = Box::new(move || {
        let prepared = CurrentRevocations::default();
        prepared.replace(revoked);
        meanwhile(&clock, &prepared);
        revocations.replace(prepared.get());
    });
    let slow = Slow { parts: vec![first.to_vec().into(), last.to_vec().into()], meanwhile: Some(act) };

    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let service = service_fn(move |request: Request<ValidatedBody>| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let read = request.into_body().collect().await;
            let status = if read.is_ok() { StatusCode::OK } else { StatusCode::GONE };
            Ok::<_, Infallible>(Response::builder().status(status).body(http_body_util::Empty::<Bytes>::new()).unwrap())
        }
    });
    let answer = layer.layer(service).oneshot(Request::from_parts(parts, slow)).await.unwrap();
    Outcome { calls: calls.load(Ordering::SeqCst), status: answer.status().as_u16() }
}

#[derive(Debug, Eq, PartialEq)]
struct Outcome {
    calls: usize,
    status: u16,
}

fn nothing(_: &TestClock, revocations: &CurrentRevocations) {
    revocations.replace(RevocationSet::default());
}

fn revoke(_: &TestClock, _: &CurrentRevocations) {}

fn expire(clock: &TestClock, revocations: &CurrentRevocations) {
    revocations.replace(RevocationSet::default());
    clock.set(noon() + HOUR);
}

#[tokio::test]
async fn d11_what_is_revoked_or_over_while_a_short_body_comes_does_not_reach_the_service() {
    assert_eq!(send(LIMIT, nothing).await, Outcome { calls: 1, status: 200 });
    let [invalid, expired] =
        [Rejection::InvalidToken, Rejection::ExpiredToken].map(|rejection| rejection.http_status());
    assert_eq!(send(LIMIT, revoke).await, Outcome { calls: 0, status: invalid });
    assert_eq!(send(LIMIT, expire).await, Outcome { calls: 0, status: expired });
}

#[tokio::test]
async fn d11_what_is_revoked_or_over_while_a_long_body_streams_by_never_gives_its_last_part() {
    assert_eq!(send(4 * LIMIT, nothing).await, Outcome { calls: 1, status: 200 });
    assert_eq!(send(4 * LIMIT, revoke).await, Outcome { calls: 1, status: 410 });
    assert_eq!(send(4 * LIMIT, expire).await, Outcome { calls: 1, status: 410 });
}
