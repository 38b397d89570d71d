//! Connections: accepted, bounded in number and time, and brought to an end without breaking an answer.
//!
//! `axum::serve` waits for ever for a client that never sends its request, and for one that never reads the answer. This
//! loop does not.

use crate::file_socket::{FileSocket, KeptFiles};
use crate::lingering::{self, Arriving, Lingering};
use crate::router::Store;
use axum::extract::ConnectInfo;
use axum::http::Extensions;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; more wait in the system's backlog until one ends.
    pub connections: usize,
    /// For a request's head to arrive, counted from the connection's start or the last answer's end.
    pub head: Duration,
    /// For a client to read something of what is being sent.
    pub write: Duration,
    /// For begun answers to end, once told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head: Duration::from_secs(10),
            write: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

/// After the system had no file descriptor (or memory) left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Request line and headers together, and what is read or queued of a body at a time: as much for each of many slow
/// readers.
const MAX_HEAD: usize = 16 * 1024;

/// Serves until `stop` is ready, then lets every begun answer end, for at most [`Limits::drain`]. HTTP/1.1 only: TLS and
/// HTTP/2 are the reverse proxy's.
pub async fn serve(listener: TcpListener, store: Store, limits: Limits, stop: impl Future<Output = ()>) {
    let store = Arc::new(store);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
    let open = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let permit = tokio::select! {
            biased;
            () = &mut stop => break,
            permit = Arc::clone(&open).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Without TCP_NODELAY a streamed answer stalls for 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let files = KeptFiles::default();
        let body = lingering::Body::default();
        let stream = Lingering::new(FileSocket::new(stream, files.clone()), body.clone());
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let store = Arc::clone(&store);
        let service = service_fn(move |request: Request<Incoming>| {
            let (store, files) = (Arc::clone(&store), files.clone());
            let request = request.map(|inner| Arriving::new(inner, body.clone()));
            async move {
                let describe = |extensions: &mut Extensions| {
                    extensions.insert(ConnectInfo(peer));
                    extensions.insert(files);
                };
                Ok::<_, Infallible>(store.answer(request, describe).await)
            }
        });
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers were cut off: they took too long");
    }
}
