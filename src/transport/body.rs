//! Receiving a request's body: whole, within a size and a time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::service::error::{Error, Kind};

/// Most bytes of a body, or of a gRPC message.
pub const BODY_LIMIT: usize = 128 << 10;

/// Longest time from the head of a request to the end of its body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request.
pub(super) trait Payload: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send {}

impl<B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send> Payload for B {}

/// Reads a body of at most [`BODY_LIMIT`] bytes.
pub(super) async fn read(body: impl Payload) -> Result<Bytes, Error> {
    read_within(body, BODY_LIMIT, BODY_TIMEOUT).await
}

/// Reads a body of at most `limit` bytes. One that announces more is not read at all.
pub(super) async fn read_within(body: impl Payload, limit: usize, time: Duration) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    tokio::time::timeout(time, collect(body, limit))
        .await
        .unwrap_or_else(|_| Err(Error::new(Kind::RequestTimeout, "The request did not arrive in time.")))
}

async fn collect(body: impl Payload, limit: usize) -> Result<Bytes, Error> {
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::validation("The request body could not be read."))?;
        // Trailers are not signed: they go no further.
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Error {
    Error::new(Kind::RequestEntityTooLarge, format!("A request has at most {limit} bytes."))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn e5_a_body_is_read_up_to_its_limit() {
        let of = |bytes: &'static [u8]| read_within(Full::new(Bytes::from_static(bytes)), 3, SOON);
        assert_eq!(of(b"").await.unwrap(), "");
        assert_eq!(of(b"abc").await.unwrap(), "abc");
        assert_eq!(of(b"abcd").await.unwrap_err().kind(), Kind::RequestEntityTooLarge);
    }

    #[tokio::test]
    async fn e5_a_body_without_end_is_cut_off() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"ab"))));
        let error = read_within(StreamBody::new(endless), 3, SOON).await.unwrap_err();
        assert_eq!(error.kind(), Kind::RequestEntityTooLarge);
    }

    #[tokio::test]
    async fn e4_a_body_that_does_not_come_is_not_waited_for() {
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(read_within(never, 3, SOON).await.unwrap_err().kind(), Kind::RequestTimeout);
    }
}
