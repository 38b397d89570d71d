//! The door to the files: book files and covers in an object store, under random keys, never under their names.
//!
//! They are in a folder or in a bucket of an S3-compatible store ([`Place`]). A key may end in `#` and anything: that part
//! only tells rows apart that share one object (the books of a large seeded store), and is not part of the object's name.

mod moving;
mod place;
mod remote;
mod sweeping;
mod writing;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

pub use moving::{Moved, Moving, Step};
pub use place::{Bucket, Place, Unusable};
pub use sweeping::Swept;
pub use writing::Written;

/// Where the object of a key is.
fn object(key: &str) -> ObjectPath {
    ObjectPath::from(key.split_once('#').map_or(key, |(object, _)| object))
}

/// The store's files.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    signing: Option<place::Signing>,
    budget: Arc<Semaphore>,
    hot: Arc<Hot>,
    /// Read by whoever writes an object that may be there already, and written by whoever takes such a one away.
    writing: Arc<RwLock<()>>,
}

impl Files {
    /// Keeps `content` under `key`, replacing what was there.
    ///
    /// # Errors
    /// The object store's.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), object_store::Error> {
        let object = object(key);
        let _writing = self.writing.read().await;
        self.store.put(&object, content.into()).await?;
        self.hot.files.remove(&object);
        Ok(())
    }

    /// The whole content under `key`: for small things.
    ///
    /// # Errors
    /// The object store's; [`object_store::Error::NotFound`] if there is none.
    pub async fn get(&self, key: &str) -> Result<Bytes, object_store::Error> {
        self.store.get(&object(key)).await?.bytes().await
    }

    /// How many bytes are under `key`, without reading them.
    ///
    /// # Errors
    /// The object store's; [`object_store::Error::NotFound`] if there is nothing.
    pub async fn size(&self, key: &str) -> Result<u64, object_store::Error> {
        Ok(self.store.head(&object(key)).await?.size)
    }

    /// The bytes of `range` under `key`. Memory is bounded: files of a few megabytes that are asked for again and again
    /// are kept whole, for all their readers, within a fixed budget; of any other file a reader has 16 KB, and half a
    /// megabyte while there is room in a second budget. From a bucket it is what its connection holds, at most half a
    /// megabyte.
    ///
    /// # Errors
    /// The object store's, at once or in the stream.
    pub async fn stream(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<Reading<object_store::Error>, object_store::Error> {
        let object = object(key);
        if let Some(whole) = self.hot.files.get(&object) {
            return Ok(Reading::of(&whole, &range));
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&object, options).await?;
        let range = found.range.clone();
        if found.meta.size <= HOT_FILE
            && let Some(whole) = self.warm(&object, found.meta.size).await?
        {
            return Ok(Reading::of(&whole, &range));
        }
        let pieces = match found.payload {
            GetResultPayload::File(file, _) => read(Arc::new(file), range, Arc::clone(&self.budget)).boxed(),
            GetResultPayload::Stream(first) => remote::resuming(Arc::clone(&self.store), object, range, first).boxed(),
        };
        Ok(Reading { pieces, kept: Weak::new() })
    }

    /// The whole object, read once for all who ask at the same time. None if there is no room for it.
    async fn warm(&self, object: &ObjectPath, size: u64) -> Result<Option<Arc<KeptFile>>, object_store::Error> {
        let load = async {
            let permits = u32::try_from(size.div_ceil(1_024)).map_err(|_| None)?;
            let place = Arc::clone(&self.hot.room).try_acquire_many_owned(permits).map_err(|_| None)?;
            let found = self.store.get(object).await.map_err(Some)?;
            let (bytes, file) = match found.payload {
                GetResultPayload::File(file, _) => {
                    let length = usize::try_from(found.meta.size).map_err(|_| None)?;
                    let (bytes, file) = blocking(move || Ok((read_at(&file, 0, length)?, file))).await.map_err(Some)?;
                    (bytes.into(), Some(file))
                }
                GetResultPayload::Stream(_) => (found.bytes().await.map_err(Some)?, None),
            };
            Ok(Arc::new(KeptFile { bytes, file, _place: place }))
        };
        match self.hot.files.get_or_insert_async(object, load).await {
            Ok(whole) => Ok(Some(whole)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }
}

/// The bytes of a range of a file, piece by piece.
pub struct Reading<E> {
    /// Nothing is read before the piece before it has been taken.
    pub pieces: BoxStream<'static, Result<Bytes, E>>,
    /// The file that the pieces are views of, if it is kept whole: alive for as long as any of them.
    pub kept: Weak<KeptFile>,
}

impl Reading<object_store::Error> {
    fn of(whole: &Arc<KeptFile>, range: &Range<u64>) -> Self {
        Self { pieces: pieces(whole, range).boxed(), kept: Arc::downgrade(whole) }
    }
}

/// A file that is kept whole in memory.
#[derive(Debug)]
pub struct KeptFile {
    bytes: Bytes,
    /// What the bytes were read from, if that is a file here: it has another name or none as soon as the object is
    /// replaced, and the same content.
    file: Option<File>,
    _place: OwnedSemaphorePermit,
}

impl KeptFile {
    /// The file and where in it `part` stands, if `part` is a view of the kept bytes and not a copy.
    #[must_use]
    pub fn locate(&self, part: &[u8]) -> Option<(&File, u64)> {
        let start = part.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr())?;
        let inside = start.checked_add(part.len()).is_some_and(|end| end <= self.bytes.len());
        self.file.as_ref().filter(|_| inside).map(|file| (file, start as u64))
    }
}

/// Keeps the file for as long as a view of its bytes.
struct View(Arc<KeptFile>);

impl AsRef<[u8]> for View {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// Files that are kept whole are at most this large.
const HOT_FILE: u64 = 8 * 1024 * 1024;
/// All files that are kept whole, in bytes.
const HOT: u64 = 12 * 1024 * 1024;
/// The same with those that are no longer kept, but still being sent to somebody, in KB.
const HOT_ROOM: usize = 20 * 1024;
/// What is sent of a kept file at a time: so often is the right to it looked at.
const HOT_PIECE: u64 = 256 * 1024;
/// The same for a reader who has just taken such a piece within [`SWIFT`]: so each costs less, and is as soon gone.
const SWIFT_PIECE: u64 = 1024 * 1024;
const SWIFT: Duration = Duration::from_millis(50);

/// Files in memory.
struct Hot {
    files: Cache<ObjectPath, Arc<KeptFile>, Bytewise>,
    room: Arc<Semaphore>,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<ObjectPath, Arc<KeptFile>> for Bytewise {
    fn weight(&self, _: &ObjectPath, file: &Arc<KeptFile>) -> u64 {
        file.bytes.len() as u64
    }
}

impl Default for Hot {
    fn default() -> Self {
        // One shard: several would divide the room, and none of them could hold a large file.
        let shards = OptionsBuilder::new().estimated_items_capacity(64).weight_capacity(HOT).shards(1).build();
        let files = match shards {
            Ok(options) => {
                Cache::with_options(options, Bytewise, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            Err(_) => Cache::with_weighter(64, HOT, Bytewise),
        };
        Self { files, room: Arc::new(Semaphore::new(HOT_ROOM)) }
    }
}

impl std::fmt::Debug for Hot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hot").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

/// `range` of a file in memory, piece by piece: views of it, nothing is copied.
fn pieces(
    whole: &Arc<KeptFile>,
    range: &Range<u64>,
) -> impl Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static {
    let length = whole.bytes.len();
    let index = move |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(length);
    let mut left =
        Bytes::from_owner(View(Arc::clone(whole))).slice(index(range.start)..index(range.end.max(range.start)));
    let mut last: Option<Instant> = None;
    stream::iter(std::iter::from_fn(move || {
        let swift = last.replace(Instant::now()).is_some_and(|last| last.elapsed() < SWIFT);
        let piece = index(if swift { SWIFT_PIECE } else { HOT_PIECE });
        let next = left.split_to(left.len().min(piece));
        (!next.is_empty()).then_some(Ok(next))
    }))
}

/// What every reader of a local file may have in memory.
const SMALL: usize = 16 * 1024;
/// What one may have while there is room: one hop to the blocking pool costs as much as reading this much.
const LARGE: usize = 512 * 1024;
/// Large pieces that may exist at once, whoever reads.
const LARGE_AT_ONCE: usize = 16;

/// A piece of a file with its place in a budget, which it holds until it is sent.
struct Piece<B> {
    bytes: B,
    _place: Option<OwnedSemaphorePermit>,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Piece<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
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
            let bytes = blocking(move || read_at(&file, at, length)).await?;
            let next = at + bytes.len() as u64;
            Ok(Some((Bytes::from_owner(Piece { bytes, _place: place }), next..range.end)))
        }
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, object_store::Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| generic(Box::new(error)))?;
    done.map_err(|error| generic(Box::new(error)))
}

/// Exactly `length` bytes from `at`; a file that is shorter than it was is an error.
fn read_at(mut file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(io::SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> object_store::Error {
    object_store::Error::Generic { store: "files", source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;

    async fn all(reading: Reading<object_store::Error>) -> Vec<u8> {
        let pieces: Vec<Bytes> = reading.pieces.try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test]
    async fn a_small_file_is_read_once_for_all_and_kept_within_its_room() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        let content: Vec<u8> = (0..u32::MAX).flat_map(u32::to_le_bytes).take(5_000_001).collect();
        files.put("key", Bytes::from(content.clone())).await.unwrap();
        let first = files.stream("key", 0..5_000_001).await.unwrap();
        // From here on the disk is not asked.
        std::fs::remove_file(folder.path().join("key")).unwrap();
        assert!(all(first).await == content);
        for range in [0..5_000_001, 7..8, 262_143..262_146, 4_999_999..5_000_001] {
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            assert!(all(files.stream("key", range).await.unwrap()).await == content[start..end]);
        }
        assert!(matches!(files.stream("no-such-key", 0..1).await, Err(object_store::Error::NotFound { .. })));
        // Readers who hold on to what is no longer kept leave no room: the next file is sent piece by piece.
        let mut held = Vec::new();
        for i in 0..10 {
            let key = format!("other-{i}");
            files.put(&key, Bytes::from(content.clone())).await.unwrap();
            held.push(files.stream(&key, 0..5_000_001).await.unwrap());
            assert!(files.hot.files.weight() <= HOT);
        }
        assert!(files.hot.room.available_permits() < 5_000_001 / 1_024);
        for stream in held {
            assert!(all(stream).await == content);
        }
        for i in 0..10 {
            files.hot.files.remove(&object(&format!("other-{i}")));
        }
        files.hot.files.remove(&object("key"));
        assert_eq!(files.hot.room.available_permits(), HOT_ROOM);
    }

    #[tokio::test]
    async fn a_view_of_a_kept_file_is_found_in_the_file_and_a_copy_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        files.put("key", Bytes::from(vec![7; 600_000])).await.unwrap();
        let reading = files.stream("key", 100..600_000).await.unwrap();
        let kept = reading.kept.upgrade().unwrap();
        let mut at = 100;
        for piece in reading.pieces.try_collect::<Vec<Bytes>>().await.unwrap() {
            assert_eq!(kept.locate(&piece).unwrap().1, at);
            let copy = piece.to_vec();
            assert!(kept.locate(&copy).is_none());
            at += piece.len() as u64;
        }
        assert_eq!(at, 600_000);
        // Replaced, it is another file; what is on its way keeps the old one.
        let piece = files.stream("key", 0..10).await.unwrap().pieces.next().await.unwrap().unwrap();
        let old = Arc::downgrade(&kept);
        drop(kept);
        files.put("key", Bytes::from_static(b"new")).await.unwrap();
        assert_eq!(old.upgrade().unwrap().locate(&piece).unwrap().1, 0);
        drop(piece);
        assert!(old.upgrade().is_none());
        assert_eq!(all(files.stream("key", 0..3).await.unwrap()).await, b"new");
    }

    #[tokio::test]
    async fn any_range_is_read_whole_and_the_budget_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        // Nothing is kept whole.
        let _full = Arc::clone(&files.hot.room).try_acquire_many_owned(u32::try_from(HOT_ROOM).unwrap()).unwrap();
        let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).take(2_000_003).collect();
        files.put("key", Bytes::from(content.clone())).await.unwrap();
        for range in [0..2_000_003, 5..6, 0..32_768, 1..32_770, 32_769..700_001, 1_999_000..2_000_003] {
            let whole = all(files.stream("key", range.clone()).await.unwrap()).await;
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            assert!(whole == content[start..end], "{range:?}");
        }
        assert_eq!(files.budget.available_permits(), LARGE_AT_ONCE);
        // Readers who hold what they were given leave the others small pieces.
        let mut held = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            held.push(files.stream("key", 0..2_000_003).await.unwrap().pieces.next().await.unwrap().unwrap());
        }
        let small = files.stream("key", 0..2_000_003).await.unwrap().pieces.next().await.unwrap().unwrap();
        assert_eq!((held[0].len(), small.len()), (LARGE, SMALL));
        drop(held);
        assert_eq!(files.budget.available_permits(), LARGE_AT_ONCE);
    }
}
