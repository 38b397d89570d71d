//! Writing files of any size: piece by piece, hashed on the way, there as a whole or not at all.

use super::{Files, generic, object};
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{MultipartUpload, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use tokio::io::AsyncReadExt as _;

/// What is written at a time. A bucket takes no smaller parts than 5 MiB, and at most 10 000 of them.
pub(super) const PART: usize = 8 * 1024 * 1024;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// An object on its way in parts. One that is given up, also because nobody waits for it any more, is aborted: of any other a
/// bucket keeps the parts for good, where nobody sees them.
struct Parts<'a> {
    object: &'a ObjectPath,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let object = self.object.clone();
        runtime.spawn(async move { abort(&object, &mut *upload).await });
    }
}

async fn abort(object: &ObjectPath, upload: &mut dyn MultipartUpload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%object, %error, "half an upload is left behind");
    }
}

type Chunks<'a> = BoxStream<'a, Result<Bytes, object_store::Error>>;

impl Files {
    /// Keeps the content of a file of this machine under `key`, in pieces of a few megabytes.
    ///
    /// # Errors
    /// The object store's; what of the file was written is gone then.
    pub async fn put_file(&self, key: &str, path: &Path) -> Result<Written, object_store::Error> {
        let file = tokio::fs::File::open(path).await.map_err(|error| generic(Box::new(error)))?;
        let chunks = futures::stream::try_unfold(file, |mut file| async move {
            let mut chunk = BytesMut::with_capacity(1024 * 1024);
            let read = file.read_buf(&mut chunk).await.map_err(|error| generic(Box::new(error)))?;
            Ok((read > 0).then(|| (chunk.freeze(), file)))
        });
        self.write(&object(key), chunks.boxed(), None).await
    }

    /// Writes `chunks` as one object. With an `expected` SHA-256, anything else is an error and leaves nothing.
    pub(super) async fn write(
        &self,
        object: &ObjectPath,
        mut chunks: Chunks<'_>,
        expected: Option<&str>,
    ) -> Result<Written, object_store::Error> {
        let mut digest = Sha256::new();
        let mut bytes = 0;
        let mut part = BytesMut::new();
        let mut parts = Parts { object, upload: None };
        let result = async {
            while let Some(chunk) = chunks.next().await {
                let mut chunk = chunk?;
                digest.update(&chunk);
                bytes += chunk.len() as u64;
                while part.len() + chunk.len() >= PART {
                    part.extend_from_slice(&chunk.split_to(PART - part.len()));
                    let upload = match &mut parts.upload {
                        Some(upload) => upload,
                        None => parts.upload.insert(self.store.put_multipart(object).await?),
                    };
                    // One after the other: that is all the memory there is.
                    upload.put_part(part.split().freeze().into()).await?;
                }
                part.extend_from_slice(&chunk);
            }
            let sha256 = hex::encode(std::mem::take(&mut digest).finalize());
            if expected.is_some_and(|expected| expected != sha256) {
                return Err(generic(
                    format!("{object} is damaged: its SHA-256 is not the one it was kept with").into(),
                ));
            }
            match &mut parts.upload {
                // What fits into one part is written at once.
                None => {
                    self.store.put(object, part.split().freeze().into()).await?;
                }
                Some(upload) => {
                    if !part.is_empty() {
                        upload.put_part(part.split().freeze().into()).await?;
                    }
                    upload.complete().await?;
                }
            }
            Ok(sha256)
        }
        .await;
        let upload = parts.upload.take();
        match result {
            Ok(sha256) => {
                self.hot.files.remove(object);
                Ok(Written { sha256, bytes })
            }
            Err(error) => {
                if let Some(mut upload) = upload {
                    abort(object, &mut *upload).await;
                }
                Err(error)
            }
        }
    }

    /// Takes away what was written for nothing; what cannot be is said in the log.
    pub(crate) async fn discard(&self, key: &str) {
        let deleted = self.store.delete(&object(key)).await;
        if let Err(error) = deleted
            && !matches!(error, object_store::Error::NotFound { .. })
        {
            tracing::warn!(key, %error, "a file that nobody needs is left behind");
        }
    }

    /// The SHA-256 of what is kept as an object; none if there is nothing.
    pub(super) async fn digest(&self, object: &ObjectPath) -> Result<Option<Written>, object_store::Error> {
        let mut chunks = match self.store.get(object).await {
            Ok(found) => found.into_stream(),
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            digest.update(&chunk);
            bytes += chunk.len() as u64;
        }
        Ok(Some(Written { sha256: hex::encode(digest.finalize()), bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use object_store::{PutPayload, PutResult, UploadPart};
    use std::pin::Pin;
    use tokio::sync::mpsc::UnboundedSender;

    #[tokio::test]
    async fn any_size_is_written_whole_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        for files in [Files::memory(), Files::local(&folder.path().join("files")).unwrap()] {
            for size in [1, PART - 1, PART, PART + 1, 2 * PART + 12_345] {
                let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
                let path = folder.path().join("source");
                std::fs::write(&path, &content).unwrap();
                let written = files.put_file("books/key", &path).await.unwrap();
                let expected = Written { sha256: hex::encode(Sha256::digest(&content)), bytes: size as u64 };
                assert_eq!(written, expected);
                assert_eq!(files.digest(&object("books/key")).await.unwrap().unwrap(), expected);
                assert!(files.get("books/key").await.unwrap() == content);
            }
        }
    }

    /// Says when it is aborted.
    #[derive(Debug)]
    struct Begun(UnboundedSender<()>);

    type Answer<'a, T> = Pin<Box<dyn Future<Output = object_store::Result<T>> + Send + 'a>>;

    impl MultipartUpload for Begun {
        fn put_part(&mut self, _: PutPayload) -> UploadPart {
            Box::pin(async { Ok(()) })
        }

        fn complete<'a, 'b>(&'a mut self) -> Answer<'b, PutResult>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(generic("it is not to be completed".into())) })
        }

        fn abort<'a, 'b>(&'a mut self) -> Answer<'b, ()>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async move {
                self.0.send(()).unwrap();
                Ok(())
            })
        }
    }

    #[tokio::test]
    async fn parts_that_nobody_waits_for_any_more_are_given_up() {
        let (aborted, mut told) = tokio::sync::mpsc::unbounded_channel();
        let object = object("books/key");
        drop(Parts { object: &object, upload: Some(Box::new(Begun(aborted))) });
        told.recv().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_not_what_it_should_be_or_breaks_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        let wrong = "0".repeat(64);
        let chunk = || Ok(Bytes::from(vec![7; PART]));
        let damaged = stream::iter([chunk(), chunk()]).boxed();
        assert!(files.write(&object("books/key"), damaged, Some(&wrong)).await.is_err());
        let broken = stream::iter([chunk(), Err(generic("broken".into()))]).boxed();
        assert!(files.write(&object("books/key"), broken, None).await.is_err());
        assert_eq!(files.digest(&object("books/key")).await.unwrap(), None);
        files.check().await.unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
