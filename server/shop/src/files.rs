//! The door to the files: book files and covers in an object store, under random keys, never under their names.
//!
//! A key may end in `#` and anything: that part only tells rows apart that share one object (the books of a large seeded
//! store), and is not part of the object's name.

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where the object of a key is.
fn object(key: &str) -> ObjectPath {
    ObjectPath::from(key.split_once('#').map_or(key, |(object, _)| object))
}

/// The store's files.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    budget: Arc<Semaphore>,
}

impl Files {
    /// Files in a local folder, which is created.
    ///
    /// # Errors
    /// If the folder cannot be made or is not one.
    pub fn local(folder: &Path) -> Result<Self, object_store::Error> {
        std::fs::create_dir_all(folder).map_err(|error| generic(Box::new(error)))?;
        Ok(Self {
            store: Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
            budget: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        })
    }

    /// Keeps `content` under `key`, replacing what was there.
    ///
    /// # Errors
    /// The object store's.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), object_store::Error> {
        self.store.put(&object(key), content.into()).await.map(drop)
    }

    /// The whole content under `key`: for small things.
    ///
    /// # Errors
    /// The object store's; [`object_store::Error::NotFound`] if there is none.
    pub async fn get(&self, key: &str) -> Result<Bytes, object_store::Error> {
        self.store.get(&object(key)).await?.bytes().await
    }

    /// A stream of the bytes of `range` under `key`. Memory is bounded: 32 KB a reader, and half a megabyte for readers
    /// who come at once while there is room in a budget that all share.
    ///
    /// # Errors
    /// The object store's, at once or in the stream.
    pub async fn stream(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, object_store::Error> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&object(key), options).await?;
        let range = found.range.clone();
        match found.payload {
            GetResultPayload::File(file, _) => Ok(read(Arc::new(file), range, Arc::clone(&self.budget)).boxed()),
            GetResultPayload::Stream(stream) => Ok(stream),
        }
    }
}

/// What every reader of a local file may have in memory.
const SMALL: usize = 32 * 1024;
/// What one may have while there is room: one hop to the blocking pool costs as much as reading this much.
const LARGE: usize = 512 * 1024;
/// Large pieces that may exist at once, whoever reads.
const LARGE_AT_ONCE: usize = 16;

/// A piece of a file with its place in the budget, which it holds until it is sent.
struct Piece {
    bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Piece after piece, each read when the one before it has been taken.
fn read(
    file: Arc<File>,
    range: Range<u64>,
    budget: Arc<Semaphore>,
) -> impl Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static {
    stream::try_unfold(range, move |range| {
        let (file, budget) = (Arc::clone(&file), Arc::clone(&budget));
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let place = if left > SMALL { budget.try_acquire_owned().ok() } else { None };
            let length = left.min(if place.is_some() { LARGE } else { SMALL });
            let at = range.start;
            let bytes = tokio::task::spawn_blocking(move || read_at(&file, at, length))
                .await
                .map_err(|error| generic(Box::new(error)))?
                .map_err(|error| generic(Box::new(error)))?;
            let next = at + bytes.len() as u64;
            Ok(Some((Bytes::from_owner(Piece { bytes, _place: place }), next..range.end)))
        }
    })
}

/// Exactly `length` bytes from `at`; a file that is shorter than it was is an error.
fn read_at(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    #[cfg(unix)]
    std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, at)?;
    #[cfg(not(unix))]
    {
        use std::io::{Read as _, Seek as _};
        let mut file = file;
        file.seek(io::SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
    }
    Ok(bytes)
}

fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> object_store::Error {
    object_store::Error::Generic { store: "LocalFileSystem", source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;

    #[tokio::test]
    async fn any_range_is_read_whole_and_the_budget_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).take(2_000_003).collect();
        files.put("key", Bytes::from(content.clone())).await.unwrap();
        for range in [0..2_000_003, 5..6, 0..32_768, 1..32_770, 32_769..700_001, 1_999_000..2_000_003] {
            let whole: Vec<u8> = files
                .stream("key", range.clone())
                .await
                .unwrap()
                .try_fold(Vec::new(), async |mut all, piece| {
                    all.extend_from_slice(&piece);
                    Ok(all)
                })
                .await
                .unwrap();
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            assert!(whole == content[start..end], "{range:?}");
        }
        assert_eq!(files.budget.available_permits(), LARGE_AT_ONCE);
        // Readers who hold what they were given leave the others small pieces.
        let mut held = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            held.push(files.stream("key", 0..2_000_003).await.unwrap().next().await.unwrap().unwrap());
        }
        let small = files.stream("key", 0..2_000_003).await.unwrap().next().await.unwrap().unwrap();
        assert_eq!((held[0].len(), small.len()), (LARGE, SMALL));
        drop(held);
        assert_eq!(files.budget.available_permits(), LARGE_AT_ONCE);
    }
}
