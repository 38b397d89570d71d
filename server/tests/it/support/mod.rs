//! A store for a test: opened on a fresh database, closed with the invariants checked.

mod api;
mod books;
mod browser;
mod buying;
mod database;
mod desk;
mod door;
mod library;
mod mail;
mod money;
mod options;
mod program;
mod receiver;
mod s3;
mod stripe;
mod tables;
mod watching;

pub use api::{Api, code, problem, read};
pub use books::{add_book, entry, file_content, title_of};
pub use browser::{Browser, hidden, location};
pub use database::TestDatabase;
pub use desk::Member;
pub use door::Door;
pub use library::Brought;
pub use mail::{Authority, Encryption, Mail, MailWay, Sink, mail_signature, message_ids};
pub use money::{BANK_ACCOUNT, Bought, by_hand};
pub use options::{Backend, Options};
pub use program::{Program, log};
pub use receiver::{Receiver, Taken};
pub use s3::{FilesWay, S3Server};
pub use stripe::{cookie, event, session_of, signature, v1};
pub use tables::{Column, schema};

use door::open_door;
use octavo::workers;
use reqwest::Client;
use sha2::{Digest as _, Sha256};
use shop::db::{DatabaseUrl, Db};
use shop::files::{Files, Place};
use shop::mailer::{MailFolder, Mailer, Memory, Post};
use shop::notation::Notation;
use shop::payments::Payments;
use shop::{Parts, SecretKey, Shop};
use std::time::Duration;
use stripe_sandbox::{Running, Sandbox, WebhookEndpoint};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Makes two tests of one: `name::sqlite` and `name::postgres`. The body is an async closure over `&Store`.
macro_rules! on_both_databases {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        on_both_databases!($(#[$meta])* $name, $crate::support::Options::default(), $body);
    };
    ($(#[$meta:meta])* $name:ident, $options:expr, $body:expr) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                $crate::support::run($crate::support::Backend::Sqlite, $options, $body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                $crate::support::run($crate::support::Backend::Postgres, $options, $body).await;
            }
        }
    };
}
pub(crate) use on_both_databases;

/// As [`on_both_databases`], and each of them with the files in a folder and in a bucket.
macro_rules! on_both_databases_and_places {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        on_both_databases_and_places!($(#[$meta])* $name, $crate::support::Options::default(), $body);
    };
    ($(#[$meta:meta])* $name:ident, $options:expr, $body:expr) => {
        $(#[$meta])*
        mod $name {
            use super::*;
            use $crate::support::{Backend, FilesWay, Options, run};

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                run(Backend::Sqlite, $options, $body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                run(Backend::Postgres, $options, $body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite_s3() {
                run(Backend::Sqlite, Options { files: FilesWay::S3, ..$options }, $body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres_s3() {
                run(Backend::Postgres, Options { files: FilesWay::S3, ..$options }, $body).await;
            }
        }
    };
}
pub(crate) use on_both_databases_and_places;

/// The signing secret that the store knows.
pub const WEBHOOK_SECRET: &str = "whsec_integration_test";
/// The key that the store has for the sandbox.
pub const TEST_KEY: &str = "sk_test_integration";
/// What the store derives its secrets from.
pub const SECRET_KEY: &str = "an integration test's secret key!";
/// What the mail provider signs with, and who writes and reads in the store's name.
pub const MAIL_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const MAIL_FROM: &str = "Test Books <books@example.com>";
pub const OWNER: &str = "owner@example.com";
/// The card that works.
pub const GOOD_CARD: &str = "4242424242424242";

/// An open store.
pub struct Store {
    pub backend: Backend,
    pub shop: Shop,
    /// Without a trailing slash.
    pub url: String,
    pub sandbox: Running,
    /// A client without cookies.
    pub http: Client,
    pub data: TempDir,
    /// Whether the workers run …
    works: bool,
    /// … and have somewhere to send mail to.
    sends: bool,
    /// The mails that were sent, unless they go elsewhere.
    pub memory: Memory,
    pub sink: Option<Sink>,
    /// The server of the bucket, if the files are in one.
    pub s3: Option<S3Server>,
    parts: Parts,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    server: JoinHandle<()>,
    database: TestDatabase,
}

/// Another process of the same store: its own connections, its own router, the same database.
pub struct Second {
    pub url: String,
    /// Its own, with limits of its own.
    pub shop: Shop,
    /// Ends when the door has closed.
    pub server: JoinHandle<()>,
}

impl Drop for Second {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Runs a test on one store and checks the invariants after it.
pub async fn run(backend: Backend, options: Options, test: impl AsyncFnOnce(&Store)) {
    let store = Store::open(backend, options).await;
    test(&store).await;
    store.close().await;
}

impl Store {
    async fn open(backend: Backend, options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(backend, data.path()).await;
        let db = {
            let url = database.url.clone();
            tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap().unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = WebhookEndpoint::new(format!("{url}/webhooks/stripe"), WEBHOOK_SECRET);
        let webhooks = if options.webhooks { vec![endpoint] } else { Vec::new() };
        // What happens later at Stripe happens when a test says so.
        let settle_after = Duration::from_secs(3_600);
        let config = stripe_sandbox::Config { webhooks, settle_after, ..stripe_sandbox::Config::default() };
        let sandbox = Sandbox::start(config).await.unwrap();
        let memory = Memory::default();
        let sink = match options.mail {
            MailWay::Sink(credentials) => Some(Sink::start(!credentials.is_empty())),
            MailWay::Secure(encryption, credentials) => {
                Some(Sink::start_secure(encryption, !credentials.is_empty(), Authority::new("127.0.0.1")))
            }
            _ => None,
        };
        let mailer = match &options.mail {
            MailWay::Nowhere => None,
            MailWay::Memory => Some(Mailer::Memory(memory.clone())),
            MailWay::Folder => Some(Mailer::File(MailFolder::new(data.path().join("mailbox")))),
            MailWay::Sink(credentials) | MailWay::Secure(_, credentials) => {
                let sink = sink.as_ref().expect("a sink");
                Some(mail::relay(&sink.url(credentials), sink.authority().map(|(pem, _)| pem)))
            }
        };
        let s3 = (options.files != FilesWay::Folder).then(S3Server::start);
        let place = match &s3 {
            Some(s3) => Place::S3(s3.bucket(options.files == FilesWay::Redirected)),
            None => Place::Folder(data.path().join("files")),
        };
        let (from, owner) = (MAIL_FROM.parse().unwrap(), OWNER.parse().unwrap());
        let parts = Parts {
            settings: shop::Settings {
                name: "Test Books".into(),
                base_url: url.clone(),
                currency: "USD".parse().unwrap(),
                currencies: options.currencies,
                notation: Notation::new(&options.locale.parse().unwrap()).unwrap(),
                demo: options.demo,
                livemode: options.livemode,
                policy: options.policy,
                webhooks: options.reach,
                time_zone: options.time_zone,
                vies: options.vies,
                numbering: shop::invoices::Numbering::default(),
            },
            db,
            files: Files::open(&place).unwrap(),
            payments: Payments::new(&TEST_KEY.parse().unwrap(), &format!("{}/", sandbox.url())).unwrap(),
            post: mailer.map(|mailer| Post { mailer, from, owner }),
            key: SecretKey::new(SECRET_KEY).unwrap(),
            clock: options.clock,
        };
        let shop = Shop::new(parts.clone());
        shop.keep_tallies().await.unwrap();
        books::add_all(&shop, data.path()).await;
        let (stop, stopped) = watch::channel(false);
        let workers = if options.workers { workers::spawn(&shop, &stopped) } else { JoinSet::new() };
        let server = open_door(listener, &shop, &sandbox, Door::default());
        let (works, sends) = (options.workers, options.workers && shop.sends_mail());
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            backend,
            shop,
            url,
            sandbox,
            http,
            data,
            works,
            sends,
            memory,
            sink,
            s3,
            parts,
            stop,
            workers,
            server,
            database,
        }
    }

    async fn close(mut self) {
        self.stop.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        let violations = self.shop.violations().await.unwrap();
        assert_eq!(violations, [], "invariants are broken");
        self.server.abort();
        self.sandbox.shutdown().await;
        drop((self.shop, self.parts));
        self.database.remove().await;
    }

    /// Tells the workers to stop, as a process that closes does.
    pub fn stop_workers(&self) {
        self.stop.send_replace(true);
    }

    /// Opens the store a second time, as another process or after a restart would.
    pub async fn second(&self, webhook_secrets: &str) -> Second {
        self.door(Door { webhook_secrets: webhook_secrets.to_owned(), ..Door::default() }).await
    }

    /// Opens the store a second time, with another door.
    pub async fn door(&self, door: Door) -> Second {
        let url = self.database.url.clone();
        let db = tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap().unwrap();
        let mut parts = Parts { db, ..self.parts.clone() };
        if let Some(base_url) = &door.base_url {
            parts.settings.base_url.clone_from(base_url);
        }
        let shop = Shop::new(parts);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = open_door(listener, &shop, &self.sandbox, door);
        Second { url, shop, server }
    }

    /// The store as another process opens it after its time zone was changed.
    pub async fn in_zone(&self, zone: &str) -> Shop {
        let url = self.database.url.clone();
        let db = tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap().unwrap();
        let mut parts = Parts { db, ..self.parts.clone() };
        parts.settings.time_zone = zone.parse().unwrap();
        Shop::new(parts)
    }

    /// The database's address.
    pub fn database_url(&self) -> &DatabaseUrl {
        &self.database.url
    }

    /// A visitor.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }
}

/// A figure that `make soak` sets higher than a run of all tests has time for.
pub fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
