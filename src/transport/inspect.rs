//! What HTTP/1 says on a connection, looked at before hyper reads it: whether a request has two lengths, and whether
//! the first one comes in time at all.
//!
//! RFC 9112 §6.3 lets a server answer a request that has both `Content-Length` and `Transfer-Encoding`; it is how
//! requests are smuggled past proxies. hyper drops one of the two before anyone else sees them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes of the preface that begins HTTP/2; any HTTP/1 request that is shorter is read by then as well.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most header fields of a request: hyper's own bound.
const MAX_HEADERS: usize = 100;
/// Longest head that is looked at; hyper refuses it earlier.
const MAX_HEAD: usize = 128 << 10;

/// Whether the connection has carried a request with two lengths. Once set it stays: the connection ends with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflict(Arc<AtomicBool>);

impl Conflict {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection with someone reading along.
#[derive(Debug)]
pub(super) struct Inspected<T> {
    inner: T,
    conflict: Conflict,
    state: State,
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

#[derive(Debug)]
enum State {
    /// Within a head, of which this much has come.
    Head(Vec<u8>),
    /// Within a body, of which this much is to come.
    Body(u64),
    /// Nothing more to look at: HTTP/2, a chunked request (after which the connection is closed), or one that hyper
    /// refuses.
    Over,
}

impl<T> Inspected<T> {
    /// The first request must begin within `patience`.
    pub(super) fn new(inner: T, conflict: Conflict, patience: Duration) -> Self {
        Self { inner, conflict, state: State::Head(Vec::new()), seen: 0, deadline: Box::pin(sleep(patience)) }
    }

    fn see(&mut self, mut bytes: &[u8]) {
        self.seen = self.seen.saturating_add(bytes.len());
        while !bytes.is_empty() {
            match &mut self.state {
                State::Over => return,
                State::Body(left) => {
                    let skipped = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    bytes = &bytes[skipped..];
                    *left -= skipped as u64;
                    if *left == 0 {
                        self.state = State::Head(Vec::new());
                    }
                }
                State::Head(head) => {
                    let known = head.len();
                    head.extend_from_slice(bytes);
                    match Head::read(head) {
                        Head::Partial if head.len() <= MAX_HEAD => return,
                        Head::Partial | Head::Unreadable | Head::Chunked => self.state = State::Over,
                        Head::TwoLengths => {
                            self.conflict.0.store(true, Ordering::Relaxed);
                            self.state = State::Over;
                        }
                        Head::Sized { head, body } => {
                            bytes = bytes.get(head.saturating_sub(known)..).unwrap_or_default();
                            self.state = if body == 0 { State::Head(Vec::new()) } else { State::Body(body) };
                        }
                    }
                }
            }
        }
    }
}

/// What a head says about the body after it.
enum Head {
    Partial,
    Unreadable,
    TwoLengths,
    Chunked,
    Sized { head: usize, body: u64 },
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        if bytes.starts_with(&PREFACE[..bytes.len().min(PREFACE.len())]) {
            return if bytes.len() < PREFACE.len() { Self::Partial } else { Self::Unreadable };
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut fields);
        let head = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Self::Partial,
            Err(_) => return Self::Unreadable,
        };
        let value = |name: &str| {
            let field = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            field.map(|field| field.value.trim_ascii())
        };
        match (value("content-length"), value("transfer-encoding")) {
            (Some(_), Some(_)) => Self::TwoLengths,
            (None, Some(_)) => Self::Chunked,
            (None, None) => Self::Sized { head, body: 0 },
            (Some(length), None) => match std::str::from_utf8(length).ok().and_then(|length| length.parse().ok()) {
                Some(body) => Self::Sized { head, body },
                None => Self::Unreadable,
            },
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Inspected<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.see(&buf.filled()[filled..]);
        let begun = self.seen >= PREFACE.len();
        if read.is_pending() && !begun && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Inspected<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a conflict is seen, however the bytes are cut.
    fn has_conflict(bytes: &[u8]) -> bool {
        let seen = |sizes: usize| {
            let mut inspected = Inspected::new((), Conflict::default(), Duration::from_secs(1));
            bytes.chunks(sizes).for_each(|chunk| inspected.see(chunk));
            inspected.conflict.is_set()
        };
        let whole = seen(bytes.len());
        assert!([1, 2, 7, 64].into_iter().all(|size| seen(size) == whole));
        whole
    }

    #[tokio::test]
    async fn a33_a_request_with_two_lengths_is_seen() {
        assert!(has_conflict(b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(has_conflict(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n"));
        assert!(has_conflict(b"POST / HTTP/1.1\nTE: x\nTransfer-Encoding: x\nContent-Length: 4\n\n"));
        assert!(!has_conflict(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(!has_conflict(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd"));
    }

    #[tokio::test]
    async fn a33_later_requests_of_a_connection_are_seen_as_well() {
        let good = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcdGET / HTTP/1.1\r\n\r\n".to_vec();
        let bad = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(!has_conflict(&good));
        assert!(has_conflict(&[&good[..], bad].concat()));
    }

    #[tokio::test]
    async fn a_body_that_looks_like_a_head_is_no_head() {
        let inner = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
        let outer = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", inner.len());
        assert!(!has_conflict(&[outer.as_bytes(), inner].concat()));
    }

    #[tokio::test]
    async fn http2_is_not_looked_at() {
        let inner = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(!has_conflict(&[PREFACE, inner].concat()));
    }
}
