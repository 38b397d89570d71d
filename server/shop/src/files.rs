//! The door to the files: book files and covers in an object store, under random keys, never under their names.
//!
//! A key may end in `#` and anything: that part only tells rows apart that share one object (the books of a large seeded
//! store), and is not part of the object's name.

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Where the object of a key is.
fn object(key: &str) -> ObjectPath {
    ObjectPath::from(key.split_once('#').map_or(key, |(object, _)| object))
}

/// The store's files.
#[derive(Clone, Debug)]
pub struct Files(Arc<dyn ObjectStore>);

impl Files {
    /// Files in a local folder, which is created.
    ///
    /// # Errors
    /// If the folder cannot be made or is not one.
    pub fn local(folder: &Path) -> Result<Self, object_store::Error> {
        let generic = |source| object_store::Error::Generic { store: "LocalFileSystem", source };
        std::fs::create_dir_all(folder).map_err(|error| generic(Box::new(error)))?;
        Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))))
    }

    /// Keeps `content` under `key`, replacing what was there.
    ///
    /// # Errors
    /// The object store's.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), object_store::Error> {
        self.0.put(&object(key), content.into()).await.map(drop)
    }

    /// The whole content under `key`: for small things.
    ///
    /// # Errors
    /// The object store's; [`object_store::Error::NotFound`] if there is none.
    pub async fn get(&self, key: &str) -> Result<Bytes, object_store::Error> {
        self.0.get(&object(key)).await?.bytes().await
    }

    /// A stream of the bytes of `range` under `key`; a few KB are in memory at a time.
    ///
    /// # Errors
    /// The object store's, at once or in the stream.
    pub async fn stream(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, object_store::Error> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        Ok(self.0.get_opts(&object(key), options).await?.into_stream())
    }
}
