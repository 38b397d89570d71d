//! Where files are kept: a folder, a bucket of an S3-compatible store, or memory.

use super::{Files, LARGE_AT_ONCE, generic};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// Where a store's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    S3(Bucket),
}

/// A bucket of an S3-compatible store, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The store's address, without the bucket.
    pub endpoint: Url,
    /// Whether the bucket stands in the path; else it is a part of the host's name.
    pub path_style: bool,
    /// Who asks …
    pub access_key_id: String,
    /// … and the proof.
    pub secret_access_key: String,
    /// Whether downloads are led to the bucket, with a URL that is good for a minute; else they go through us.
    pub redirect: bool,
}

/// Without the secret.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.name, self.endpoint)
    }
}

impl Bucket {
    /// Where the bucket's objects are: the endpoint, or the bucket's own host.
    ///
    /// # Errors
    /// [`object_store::Error`] if the endpoint's host takes no bucket in front of it (it is an IP address).
    fn address(&self) -> Result<Url, object_store::Error> {
        let mut url = self.endpoint.clone();
        if !self.path_style {
            let host = format!("{}.{}", self.name, url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|error| generic(Box::new(error)))?;
        }
        Ok(url)
    }

    fn connect(&self) -> Result<AmazonS3, object_store::Error> {
        // No limit for a whole request: it would end a slow reader's transfer. One for each thing that is waited for.
        let options = ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(CONNECT)
            .with_read_timeout(READ)
            .with_allow_http(self.endpoint.scheme() == "http");
        AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_endpoint(self.address()?.as_str().trim_end_matches('/'))
            .with_virtual_hosted_style_request(!self.path_style)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(&self.secret_access_key)
            .with_client_options(options)
            .with_retry(RetryConfig {
                backoff: BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() },
                max_retries: 3,
                retry_timeout: Duration::from_secs(15),
            })
            .build()
    }
}

/// For a connection to the bucket …
const CONNECT: Duration = Duration::from_secs(5);
/// … and for the next bytes of its answer.
const READ: Duration = Duration::from_secs(30);

/// Why files cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// There is no such bucket, or it does not know us.
    #[error("it does not exist, or the keys are not for it: {0}")]
    Refused(#[source] object_store::Error),
    /// There was no answer.
    #[error("it does not answer: {0}")]
    Away(#[source] object_store::Error),
}

/// The bucket's client, if there is one: it also signs URLs.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    pub(super) client: Arc<AmazonS3>,
    pub(super) redirect: bool,
    pub(super) origin: String,
}

impl Files {
    /// The files of a place. A folder is created; whether a bucket can be reached is only known once it is asked
    /// ([`Files::check`]).
    ///
    /// # Errors
    /// If the folder cannot be made or is not one, or the bucket's address cannot be.
    pub fn open(place: &Place) -> Result<Self, object_store::Error> {
        match place {
            Place::Folder(folder) => Self::local(folder),
            Place::S3(bucket) => {
                let client = Arc::new(bucket.connect()?);
                let origin = bucket.address()?.origin().ascii_serialization();
                let signing = Signing { client: Arc::clone(&client), redirect: bucket.redirect, origin };
                Ok(Self { signing: Some(signing), ..Self::over(client) })
            }
        }
    }

    /// Files in a local folder, which is created.
    ///
    /// # Errors
    /// If the folder cannot be made or is not one.
    pub fn local(folder: &Path) -> Result<Self, object_store::Error> {
        std::fs::create_dir_all(folder).map_err(|error| generic(Box::new(error)))?;
        Ok(Self::over(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))))
    }

    /// Files that are gone with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            signing: None,
            budget: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            hot: Arc::default(),
            writing: Arc::default(),
        }
    }

    /// Asks the place for an object that it does not have: it says so, if it is ours.
    ///
    /// # Errors
    /// [`Unusable`].
    pub async fn check(&self) -> Result<(), Unusable> {
        use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
        match self.store.get(&ObjectPath::from("octavo-looks-for-nothing")).await {
            Err(NotFound { source, path }) if source.to_string().contains("NoSuchBucket") => {
                Err(Unusable::Refused(NotFound { source, path }))
            }
            Ok(_) | Err(NotFound { .. }) => Ok(()),
            Err(error @ (PermissionDenied { .. } | Unauthenticated { .. })) => Err(Unusable::Refused(error)),
            Err(error) => Err(Unusable::Away(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str, path_style: bool) -> Bucket {
        Bucket {
            name: "books".into(),
            region: "eu-central-1".into(),
            endpoint: endpoint.parse().unwrap(),
            path_style,
            access_key_id: "key".into(),
            secret_access_key: "very secret".into(),
            redirect: true,
        }
    }

    #[test]
    fn a_bucket_is_a_host_or_a_path_and_its_secret_is_never_shown() {
        let origin = |endpoint: &str, path_style| {
            let files = Files::open(&Place::S3(bucket(endpoint, path_style))).unwrap();
            assert!(!format!("{files:?}{:?}", bucket(endpoint, path_style)).contains("very secret"));
            files.redirect_origin().unwrap().to_owned()
        };
        assert_eq!(
            origin("https://s3.eu-central-1.amazonaws.com", false),
            "https://books.s3.eu-central-1.amazonaws.com"
        );
        assert_eq!(origin("https://files.example.org:9000", true), "https://files.example.org:9000");
        assert!(Files::open(&Place::S3(bucket("http://127.0.0.1:9000", false))).is_err());
    }

    #[tokio::test]
    async fn memory_keeps_files_too() {
        let files = Files::memory();
        files.check().await.unwrap();
        files.put("key", "content".into()).await.unwrap();
        assert_eq!(files.get("key").await.unwrap(), "content");
        assert!(matches!(files.get("other").await, Err(object_store::Error::NotFound { .. })));
    }
}
