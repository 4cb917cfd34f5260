//! Bodies on their way from the peer to the service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};

use crate::validator::Rejection;

/// What bodies fail with.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request that was let through: checked, or checking itself as it is read.
pub struct ValidatedBody(Inner);

enum Inner {
    Whole(Full<Bytes>),
    Streamed(UnsyncBoxBody<Bytes, BoxError>),
}

/// The body was not the one that was signed. The service has not seen its end, and must not act on what it saw.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the body does not match the hash that the request declares")]
pub struct BodyMismatch;

impl ValidatedBody {
    /// A body that has been checked.
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Inner::Whole(Full::new(bytes)))
    }

    /// A body that the rules leave unsigned.
    pub(super) fn unchecked<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Inner::Streamed(body.map_err(Into::into).boxed_unsync()))
    }

    /// `start` and `rest`, which must have this hash, and `confirm` must say at their end that they are still wanted.
    pub(super) fn hashed<B>(
        start: Bytes,
        rest: Pin<Box<B>>,
        sha256: [u8; 32],
        confirm: impl FnOnce() -> Result<(), Rejection> + Send + 'static,
    ) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hasher = Sha256::new_with_prefix(&start);
        let held = (!start.is_empty()).then_some(start);
        Self(Inner::Streamed(Hashed { rest, held, check: Some((hasher, Box::new(confirm))), sha256 }.boxed_unsync()))
    }
}

impl Body for ValidatedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Inner::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Inner::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(body) => body.is_end_stream(),
            Inner::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(body) => body.size_hint(),
            Inner::Streamed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for ValidatedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValidatedBody")
    }
}

/// Whether whoever signed is still good.
type Confirm = Box<dyn FnOnce() -> Result<(), Rejection> + Send>;

/// Hashes what passes, one part behind: the last part is handed on only after the hash was found right.
struct Hashed<B> {
    rest: Pin<Box<B>>,
    held: Option<Bytes>,
    /// `None` once the body is over.
    check: Option<(Sha256, Confirm)>,
    sha256: [u8; 32],
}

impl<B> Body for Hashed<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while let Some((hasher, _)) = &mut this.check {
            match ready!(this.rest.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers are not signed: they go no further.
                    let Ok(data) = frame.into_data() else { continue };
                    if data.is_empty() {
                        continue;
                    }
                    hasher.update(&data);
                    if let Some(earlier) = this.held.replace(data) {
                        return Poll::Ready(Some(Ok(Frame::data(earlier))));
                    }
                }
                Some(Err(error)) => {
                    this.check = None;
                    this.held = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    let Some((hasher, confirm)) = this.check.take() else { break };
                    let checked = match hasher.finalize()[..] == this.sha256 {
                        true => confirm().map_err(BoxError::from),
                        false => Err(BodyMismatch.into()),
                    };
                    if let Err(fault) = checked {
                        this.held = None;
                        return Poll::Ready(Some(Err(fault)));
                    }
                }
            }
        }
        Poll::Ready(this.held.take().map(|last| Ok(Frame::data(last))))
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |held| held.len() as u64);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// A body after [`collect`].
pub(super) enum Collected<B> {
    /// All of it.
    Whole(Bytes),
    /// There is more than the limit.
    Longer { start: Bytes, rest: Pin<Box<B>> },
}

/// Reads a body up to a limit. One that announces more is not read at all.
pub(super) async fn collect<B>(body: B, limit: usize) -> Result<Collected<B>, Rejection>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut rest = Box::pin(body);
    let mut start = BytesMut::new();
    let mut longer = rest.size_hint().lower() > limit as u64;
    while !longer {
        let Some(frame) = rest.frame().await else {
            return Ok(Collected::Whole(start.freeze()));
        };
        let frame = frame.map_err(|_| Rejection::MalformedBody("The request body could not be read."))?;
        // Trailers are not signed: they go no further.
        if let Ok(data) = frame.into_data() {
            start.extend_from_slice(&data);
            longer = start.len() > limit;
        }
    }
    Ok(Collected::Longer { start: start.freeze(), rest })
}
