//! A bucket: `end2end/s3/server.mjs`, an S3 server of another make than our client, which checks signatures.

use shop::files::Bucket;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where the store's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilesWay {
    /// In the folder `files` of [`super::Store::data`].
    Folder,
    /// In [`super::Store::bucket`]; downloads go through the store.
    S3,
    /// There too; downloads are led to it.
    Redirected,
}

/// A running server with one bucket. Dropping it ends it.
pub struct S3Server {
    port: u16,
    child: Child,
    /// What it keeps.
    pub folder: TempDir,
}

const BUCKET: &str = "books";

impl S3Server {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/s3/server.mjs");
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("node")
            .arg(script)
            .arg(folder.path())
            .arg(BUCKET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let port = ready
            .trim()
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("the S3 server does not start ({ready:?}); scripts/setup.sh npm brings it"));
        Self { port: port.parse().unwrap(), child, folder }
    }

    /// Its bucket.
    pub fn bucket(&self, redirect: bool) -> Bucket {
        Bucket {
            name: BUCKET.into(),
            region: "us-east-1".into(),
            endpoint: format!("http://127.0.0.1:{}", self.port).parse().unwrap(),
            path_style: true,
            access_key_id: "S3RVER".into(),
            secret_access_key: "S3RVER".into(),
            redirect,
        }
    }

    /// The settings that name it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("S3_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("S3_BUCKET", BUCKET.into()),
            ("S3_ACCESS_KEY_ID", "S3RVER".into()),
            ("S3_SECRET_ACCESS_KEY", "S3RVER".into()),
        ]
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
