//! A connection that is not torn down under an answer.
//!
//! Whoever sends a file that is refused gets the answer while most of the file is still on its way. Closed at once, the
//! connection would be reset by the bytes that arrive at a closed socket, and a reset may overtake the answer: the browser
//! then shows that the connection broke and not why the file was refused. So our side is closed, and what still arrives is
//! thrown away for a while, as nginx does (`lingering_close`).

use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long after its last byte the other side is waited for, and how long in all.
const IDLE: Duration = Duration::from_secs(5);
const IN_ALL: Duration = Duration::from_secs(20);

/// Whether the last request of a connection came with a body, of which something may be on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Arc<AtomicBool>);

impl Body {
    fn note(&self, comes: bool) {
        self.0.store(comes, Ordering::Relaxed);
    }
}

/// A body that says when all of it has arrived.
#[derive(Debug)]
pub(crate) struct Arriving<B> {
    inner: B,
    body: Body,
}

impl<B: HttpBody> Arriving<B> {
    pub(crate) fn new(inner: B, body: Body) -> Self {
        body.note(!inner.is_end_stream());
        Self { inner, body }
    }
}

impl<B: HttpBody + Unpin> HttpBody for Arriving<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() || self.inner.is_end_stream() {
            self.body.note(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A stream that takes its time to close while a body may be arriving.
#[derive(Debug)]
pub(crate) struct Lingering<S> {
    stream: S,
    body: Body,
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    idle: Pin<Box<Sleep>>,
    end: Instant,
}

impl<S> Lingering<S> {
    pub(crate) fn new(stream: S, body: Body) -> Self {
        Self { stream, body, closing: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lingering<S> {
    /// Throws away what arrives, until the other side closes as well or time is up.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closing =
            self.closing.get_or_insert_with(|| Closing { idle: Box::pin(sleep(IDLE)), end: Instant::now() + IN_ALL });
        let mut space = [0; 16 * 1024];
        while closing.idle.as_mut().poll(cx).is_pending() {
            let mut arrived = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut arrived)) {
                Ok(()) if !arrived.filled().is_empty() => {
                    closing.idle.as_mut().reset(closing.end.min(Instant::now() + IDLE));
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.body.0.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_rest(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
