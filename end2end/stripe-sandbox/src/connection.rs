//! Connections that can be reset on purpose: the network failure a store must survive.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

/// How much of a slow answer goes at once, in bytes.
const DROP: usize = 128;

/// A handle on the connection that a request came by.
#[derive(Debug, Clone)]
pub(crate) struct Connection(Arc<Wire>);

/// What is done to a connection.
#[derive(Debug, Default)]
struct Wire {
    cut: AtomicBool,
    /// The pause (microseconds) before each small piece; 0 sends at once.
    pause: AtomicU64,
}

impl Connection {
    /// Resets the connection (TCP RST) instead of sending whatever is answered.
    pub(crate) fn reset(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
    }

    /// Lets an answer of so many bytes trickle in over a time. Holds until the next request.
    pub(crate) fn slow(&self, bytes: usize, over: Duration) {
        let pieces = u128::try_from(bytes / DROP + 1).unwrap_or(1);
        let pause = u64::try_from(over.as_micros() / pieces).unwrap_or(u64::MAX).max(1);
        self.0.pause.store(pause, Ordering::SeqCst);
    }

    /// Sends at once again.
    pub(crate) fn steady(&self) {
        self.0.pause.store(0, Ordering::SeqCst);
    }
}

/// A listener whose connections can be reset.
pub(crate) struct Doorman(pub(crate) TcpListener);

impl Listener for Doorman {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for the acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
        (Line { stream, wire: Arc::default(), pausing: None }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Doorman>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Doorman>) -> Self {
        Self(stream.io().wire.clone())
    }
}

/// One TCP connection.
pub(crate) struct Line {
    stream: TcpStream,
    wire: Arc<Wire>,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if self.wire.cut.load(Ordering::SeqCst) {
            // Closing without lingering is what sends a reset.
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        let pause = self.wire.pause.load(Ordering::SeqCst);
        if pause == 0 {
            self.pausing = None;
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        let pausing = self.pausing.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_micros(pause))));
        ready!(pausing.as_mut().poll(cx));
        self.pausing = None;
        let piece = buf.get(..DROP).unwrap_or(buf);
        Pin::new(&mut self.stream).poll_write(cx, piece)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.wire.pause.load(Ordering::SeqCst) > 0 {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
