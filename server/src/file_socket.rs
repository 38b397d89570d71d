//! A connection that sends parts of files without copying them.
//!
//! A file that is kept whole in memory ([`KeptFile`]) is also open. Its bytes go through the HTTP library like any
//! others; where they come out again, as a view of the kept bytes, the kernel is asked to send that part of the file
//! itself (`sendfile`). Whatever is not such a view, because it is something else or because somebody has copied it on the
//! way, is written as it is: nothing but speed depends on being recognised.

use shop::files::KeptFile;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Tells a connection which kept file the bytes of the answer are views of. Every request that comes over a connection has
/// it among its extensions.
#[derive(Clone, Debug, Default)]
pub struct KeptFiles(Arc<Mutex<Weak<KeptFile>>>);

impl KeptFiles {
    /// From here on views of this file are looked for, and of no other.
    pub fn expect(&self, file: Weak<KeptFile>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    fn current(&self) -> Option<Arc<KeptFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// A TCP stream that knows its files.
#[derive(Debug)]
pub(crate) struct FileSocket {
    stream: TcpStream,
    files: KeptFiles,
}

impl FileSocket {
    pub(crate) fn new(stream: TcpStream, files: KeptFiles) -> Self {
        Self { stream, files }
    }

    /// Makes an attempt to write each time when there is room.
    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_io(Interest::WRITABLE, || attempt(&self.stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Writes some of `parts` by the kernel's help. None if there is nothing to help with, or it cannot.
    fn poll_help(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<Option<usize>> {
        let Some(kept) = self.files.current() else { return Poll::Ready(None) };
        let Some(first) = parts.iter().position(|part| kept.locate(part).is_some()) else { return Poll::Ready(None) };
        let part = &parts[0];
        let written = match kept.locate(part).filter(|_| first == 0) {
            Some((file, at)) => self.poll_write_with(cx, |stream| system::send_file(stream, file, at, part.len())),
            // The answer's head: it waits for the file, to leave in the same packet.
            None => self.poll_write_with(cx, |stream| system::send_more(stream, part)),
        };
        // Nothing sent: the file is shorter than it was. A failure is told by the plain write that comes next.
        written.map(|written| written.ok().filter(|count| *count > 0))
    }
}

impl AsyncRead for FileSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FileSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_help(cx, parts)) {
            Some(count) => Poll::Ready(Ok(count)),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::sendfile;
    use rustix::net::{SendFlags, send};
    use std::fs::File;
    use std::io;
    use tokio::net::TcpStream;

    /// `sendfile(2)`, from `at` in the file.
    pub(super) fn send_file(stream: &TcpStream, file: &File, mut at: u64, count: usize) -> io::Result<usize> {
        Ok(sendfile(stream, file, Some(&mut at), count)?)
    }

    /// `send(2)` with `MSG_MORE`.
    pub(super) fn send_more(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(stream, bytes, SendFlags::MORE | SendFlags::NOSIGNAL)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;
    use tokio::net::TcpStream;

    pub(super) fn send_file(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn send_more(_: &TcpStream, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::TryStreamExt as _;
    use shop::files::Files;
    use std::fs;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// What arrives of a head, a file of `size` bytes (all `a`) and a tail, when `spoil` has been at the file on disk.
    async fn arrives(size: usize, spoil: impl FnOnce(&std::path::Path)) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        files.put("key", Bytes::from(vec![b'a'; size])).await.unwrap();
        let reading = files.stream("key", 0..size as u64).await.unwrap();
        spoil(&folder.path().join("key"));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ours, theirs) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr().unwrap()));
        let connection = KeptFiles::default();
        connection.expect(reading.kept.clone());
        let mut socket = FileSocket::new(ours.unwrap().0, connection);
        let writing = tokio::spawn(async move {
            let mut parts = vec![Bytes::from_static(b"head")];
            parts.extend(reading.pieces.try_collect::<Vec<Bytes>>().await.unwrap());
            parts.push(Bytes::from_static(b"tail"));
            while !parts.is_empty() {
                let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
                let mut written = socket.write_vectored(&slices).await.unwrap();
                assert!(written > 0);
                parts.retain_mut(|part| {
                    let taken = written.min(part.len());
                    written -= taken;
                    drop(part.split_to(taken));
                    !part.is_empty()
                });
            }
            socket.shutdown().await.unwrap();
        });
        let mut arrived = Vec::new();
        theirs.unwrap().read_to_end(&mut arrived).await.unwrap();
        writing.await.unwrap();
        arrived
    }

    fn framed(content: &[u8]) -> Vec<u8> {
        [b"head", content, b"tail"].concat()
    }

    #[tokio::test]
    async fn a_kept_file_arrives_whole_and_in_its_place() {
        for size in [1, 262_144, 5_000_003] {
            assert!(arrives(size, |_| {}).await == framed(&vec![b'a'; size]), "{size}");
        }
    }

    /// Nobody writes into an object; here it shows who sent it.
    #[tokio::test]
    async fn the_kernel_sends_the_file() {
        let arrived = arrives(600_000, |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            io::Write::write_all(&mut &file, &vec![b'b'; 600_000]).unwrap();
        });
        assert!(arrived.await == framed(&vec![b'b'; 600_000]));
    }

    #[tokio::test]
    async fn what_the_file_has_lost_is_sent_from_memory() {
        let arrived = arrives(600_000, |path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(300_000).unwrap();
        });
        assert!(arrived.await == framed(&vec![b'a'; 600_000]));
    }
}
