//! Reading from a bucket: a stream that outlives its connection, and URLs that open one file for a minute.

use super::{Files, object};
use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::signer::{HeaderValue, Method, SignedUrlOptions, Signer as _};
use object_store::{GetOptions, GetRange, ObjectStore};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long a URL of the bucket opens its file.
const OPEN_FOR: Duration = Duration::from_secs(60);
/// A transfer is begun again where it broke off so many times without a byte in between.
const BREAKS: u32 = 3;

type Chunks = BoxStream<'static, Result<Bytes, object_store::Error>>;

struct Reading {
    store: Arc<dyn ObjectStore>,
    object: ObjectPath,
    left: Range<u64>,
    current: Option<Chunks>,
    breaks: u32,
}

/// The rest of an answer, and of the next ones where it breaks off. A bucket closes a connection whose reader is slow:
/// that must cost the reader nothing. Objects are never changed under their keys, so the pieces are of one file.
pub(super) fn resuming(
    store: Arc<dyn ObjectStore>,
    object: ObjectPath,
    range: Range<u64>,
    first: Chunks,
) -> impl Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static {
    let reading = Reading { store, object, left: range, current: Some(first), breaks: 0 };
    stream::try_unfold(reading, |mut reading| async move {
        loop {
            if reading.left.is_empty() {
                return Ok(None);
            }
            let chunks = match &mut reading.current {
                Some(chunks) => chunks,
                None => {
                    let range = Some(GetRange::Bounded(reading.left.clone()));
                    let found = reading.store.get_opts(&reading.object, GetOptions { range, ..GetOptions::default() });
                    reading.current.insert(found.await?.into_stream())
                }
            };
            match chunks.next().await {
                Some(Ok(mut chunk)) => {
                    let left = usize::try_from(reading.left.end - reading.left.start).unwrap_or(usize::MAX);
                    chunk.truncate(left);
                    reading.left.start += chunk.len() as u64;
                    if !chunk.is_empty() {
                        reading.breaks = 0;
                        return Ok(Some((chunk, reading)));
                    }
                }
                broken => {
                    reading.breaks += 1;
                    if let (Some(Err(error)), true) = (broken, reading.breaks > BREAKS) {
                        return Err(error);
                    }
                    if reading.breaks > BREAKS {
                        return Err(super::generic("the bucket's answer is too short".into()));
                    }
                    tracing::debug!(object = %reading.object, at = reading.left.start, "a transfer is begun again");
                    reading.current = None;
                }
            }
        }
    })
}

impl Files {
    /// The origin that downloads are led to, if they are.
    #[must_use]
    pub fn redirect_origin(&self) -> Option<&str> {
        self.signing.as_ref().filter(|signing| signing.redirect).map(|signing| signing.origin.as_str())
    }

    /// A URL of the bucket that opens `range` of a file (all of it without one) for a minute and sends it with these
    /// headers; none where downloads go through us.
    ///
    /// The range is signed as the header of the request that brought it: the browser sends it again, and the URL opens no
    /// other bytes.
    ///
    /// # Errors
    /// The object store's.
    pub async fn signed_url(
        &self,
        key: &str,
        range: Option<&str>,
        content_type: &str,
        disposition: &str,
    ) -> Result<Option<String>, object_store::Error> {
        let Some(signing) = self.signing.as_ref().filter(|signing| signing.redirect) else { return Ok(None) };
        let mut options = SignedUrlOptions::new().with_query([
            ("response-content-type", content_type),
            ("response-content-disposition", disposition),
            ("response-cache-control", "private, no-store"),
        ]);
        if let Some(range) = range {
            let value = HeaderValue::from_str(range).map_err(|error| super::generic(Box::new(error)))?;
            options.signed_headers.insert("range", value);
        }
        let url = signing.client.signed_url_opts(Method::GET, &object(key), OPEN_FOR, &options).await?;
        Ok(Some(url.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;

    fn chunks(parts: Vec<Result<Bytes, object_store::Error>>) -> Chunks {
        stream::iter(parts).boxed()
    }

    fn broken() -> object_store::Error {
        super::super::generic("reset by peer".into())
    }

    #[tokio::test]
    async fn a_transfer_goes_on_where_it_broke_off() {
        let files = Files::memory();
        let content: Vec<u8> = (0..100_u8).collect();
        files.put("key", content.clone().into()).await.unwrap();
        let read = async |first: Vec<Result<Bytes, object_store::Error>>| {
            let store = Arc::clone(&files.store);
            let pieces = resuming(store, object("key"), 10..90, chunks(first)).try_collect::<Vec<Bytes>>().await?;
            Ok::<_, object_store::Error>(pieces.concat())
        };
        let start = Bytes::copy_from_slice(&content[10..30]);
        // It breaks, ends too early, or goes on too long.
        assert_eq!(read(vec![Ok(start.clone()), Err(broken())]).await.unwrap(), content[10..90]);
        assert_eq!(read(vec![Ok(start.clone())]).await.unwrap(), content[10..90]);
        assert_eq!(read(vec![]).await.unwrap(), content[10..90]);
        assert_eq!(read(vec![Ok(Bytes::copy_from_slice(&content[10..]))]).await.unwrap(), content[10..90]);
        // And an object that is gone is an error, not a short file.
        let store = Arc::clone(&files.store);
        let gone = resuming(store, object("gone"), 0..9, chunks(vec![Err(broken())])).try_collect::<Vec<_>>().await;
        assert!(matches!(gone, Err(object_store::Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn only_a_bucket_that_is_to_be_seen_signs() {
        assert_eq!(Files::memory().signed_url("key", None, "application/pdf", "attachment").await.unwrap(), None);
    }
}
