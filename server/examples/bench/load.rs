//! Requests at a rate, or as many as go, and how long they take.

use anyhow::{Context as _, Result, bail};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A kept connection that asks the same again and again: a client that costs next to nothing, so that the load is the
/// server's.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects to `url` (an origin) to ask for `path` with these header lines.
    pub(crate) async fn open(url: &str, path: &str, headers: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("an http address")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\n{headers}\r\n").into_bytes();
        Ok(Self { stream, request, answer: Vec::with_capacity(64 * 1024) })
    }

    /// Asks, and reads the answer to its end. The status.
    pub(crate) async fn get(&mut self) -> Result<u16> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection");
            }
            if let Some(status) = whole(&self.answer)? {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer that is there to its end.
fn whole(answer: &[u8]) -> Result<Option<u16>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let body = &answer[end + 4..];
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let complete = match value("content-length") {
        Some(length) => body.len() >= length.parse()?,
        None if value("transfer-encoding") == Some("chunked") => body.ends_with(b"0\r\n\r\n"),
        None => bail!("an answer without a length: {head}"),
    };
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok(complete.then_some(status))
}

/// Does `work` `times` times over, each at its own moment whatever became of the one before, over `time`. What each took
/// counts from the moment it was due: a server that stands still is not asked less.
pub(crate) async fn at_a_rate<W, F>(times: u32, time: Duration, work: W) -> Result<Vec<Duration>>
where
    W: Fn() -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let begun = Instant::now();
    let mut running = Vec::new();
    for i in 0..times {
        let due = begun + time * i / times;
        tokio::time::sleep_until(due).await;
        let work = work();
        running.push(tokio::spawn(async move { work.await.map(|()| due.elapsed()) }));
    }
    let mut took = Vec::new();
    for one in running {
        took.push(one.await??);
    }
    Ok(took)
}

/// The time that 99 in 100 do not exceed.
pub(crate) fn p99(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * 99 / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
