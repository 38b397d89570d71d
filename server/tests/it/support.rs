//! A store for a test: opened on a fresh database, closed with the invariants checked.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use octavo::router::{Settings, router};
use octavo::workers;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, ORIGIN};
use reqwest::redirect::Policy as RedirectPolicy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use shop::db::{DatabaseUrl, Db};
use shop::files::Files;
use shop::payments::Payments;
use shop::seed::BookEntry;
use shop::types::OrderNumber;
use shop::{Clock, Parts, SecretKey, Shop};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use stripe_sandbox::{PayOutcome, Running, Sandbox, WebhookEndpoint};
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

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// How the store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the background loops run; without them a test works on events itself.
    pub workers: bool,
    /// Whether the sandbox delivers its events.
    pub webhooks: bool,
    pub clock: Clock,
    pub policy: shop::Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: true, webhooks: true, clock: Clock::System, policy: shop::Policy::default() }
    }
}

/// The signing secret that the store knows.
pub const WEBHOOK_SECRET: &str = "whsec_integration_test";
/// The card that works.
pub const GOOD_CARD: &str = "4242424242424242";

/// An open store.
pub struct Store {
    pub shop: Shop,
    /// Without a trailing slash.
    pub url: String,
    pub sandbox: Running,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    server: JoinHandle<()>,
    database: TestDatabase,
    _data: TempDir,
}

/// Runs a test on one store and checks the invariants after it.
pub async fn run(backend: Backend, options: Options, test: impl AsyncFnOnce(&Store)) {
    let store = Store::open(backend, options).await;
    test(&store).await;
    store.close().await;
}

struct TestDatabase {
    url: DatabaseUrl,
    /// To be dropped at the end: the server's address and the database's name.
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    async fn create(backend: Backend, folder: &Path) -> Self {
        match backend {
            Backend::Sqlite => Self { url: DatabaseUrl::Sqlite(folder.join("test.db")), postgres: None },
            Backend::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let server = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL: run the tests with `make test` or scripts/with-postgres.sh");
                let name = format!("octavo_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
                admin(&server, format!("CREATE DATABASE {name}")).await;
                let mut url = reqwest::Url::parse(&server).unwrap();
                url.set_path(&name);
                Self { url: DatabaseUrl::Postgres(url.into()), postgres: Some((server, name)) }
            }
        }
    }
}

async fn admin(server: &str, sql: String) {
    let url = DatabaseUrl::Postgres(server.to_owned());
    tokio::task::spawn_blocking(move || {
        use diesel::Connection as _;
        let DatabaseUrl::Postgres(address) = url else { unreachable!() };
        let mut conn = diesel::PgConnection::establish(&address).unwrap();
        diesel::sql_query(sql).execute(&mut conn).unwrap();
    })
    .await
    .unwrap();
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
        let sandbox = Sandbox::start(stripe_sandbox::Config { webhooks, ..stripe_sandbox::Config::default() }).await.unwrap();
        let shop = Shop::new(Parts {
            settings: shop::Settings {
                name: "Test Books".into(),
                base_url: url.clone(),
                currency: "USD".parse().unwrap(),
                demo: false,
                livemode: false,
                policy: options.policy,
            },
            db,
            files: Files::local(&data.path().join("files")).unwrap(),
            payments: Payments::new(&"sk_test_integration".parse().unwrap(), &format!("{}/", sandbox.url())).unwrap(),
            key: SecretKey::new("an integration test's secret key!").unwrap(),
            clock: options.clock,
        });
        seed(&shop, data.path()).await;
        let (stop, stopped) = watch::channel(false);
        let workers = if options.workers { workers::spawn(&shop, &stopped) } else { JoinSet::new() };
        let leptos = leptos::config::LeptosOptions::builder().output_name("octavo").site_root("target/site").build();
        let settings = Settings {
            leptos,
            shop: shop.clone(),
            webhook_secrets: WEBHOOK_SECRET.parse().unwrap(),
            trusted_proxies: Vec::new(),
            payment_origins: vec![sandbox.url().to_owned()],
        };
        let router = router(settings);
        let server = tokio::spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
        Self { shop, url, sandbox, stop, workers, server, database, _data: data }
    }

    async fn close(mut self) {
        self.stop.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        let violations = self.shop.violations().await.unwrap();
        assert_eq!(violations, [], "invariants are broken");
        self.server.abort();
        self.sandbox.shutdown().await;
        drop(self.shop);
        if let Some((server, name)) = self.database.postgres {
            admin(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }

    /// How many rows a query counts: `SELECT COUNT(*) AS value FROM …`.
    pub async fn count(&self, from: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        let query = format!("SELECT COUNT(*) AS value FROM {from}");
        self.shop.db().read(move |conn| Ok(diesel::sql_query(query).get_result::<Count>(conn)?.value)).await.unwrap()
    }

    /// One text column named `value`.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let query = query.to_owned();
        self.shop.db().read(move |conn| Ok(diesel::sql_query(query).load::<Row>(conn)?.into_iter().map(|row| row.value).collect())).await.unwrap()
    }

    /// Changes rows behind the shop's back, as an operator's mishap would.
    pub async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        self.shop
            .db()
            .write(move |conn| {
                diesel::sql_query(&sql).execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
    }

    /// A browser: keeps cookies, follows nothing by itself.
    pub fn browser(&self) -> Browser {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml"));
        let client = Client::builder().cookie_store(true).redirect(RedirectPolicy::none()).default_headers(headers).build().unwrap();
        Browser { client, url: self.url.clone() }
    }

    /// Waits until every delivery is answered and no event is due.
    pub async fn settle(&self) {
        assert!(self.sandbox.deliveries_settled(Duration::from_secs(20)).await, "deliveries did not end");
        self.until("no event is waiting", async || self.count("stripe_event WHERE state IN ('new', 'leased')").await == 0).await;
    }

    /// Asks until it is so; fails after 20 seconds.
    pub async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition().await {
            assert!(Instant::now() < deadline, "not within 20 s: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Buys titles in a browser up to Stripe's page; gives the session's id.
    pub async fn checkout(&self, browser: &Browser, slugs: &[&str]) -> String {
        for slug in slugs {
            let response = browser.post("/actions/add-to-cart", &[("slug", slug)]).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "adding {slug}");
        }
        let snapshot = browser.cart_snapshot().await;
        let response = browser.post("/actions/start-checkout", &[("snapshot", &snapshot)]).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "starting the checkout");
        let location = location(&response);
        location.rsplit('/').next().and_then(|last| last.split(['?', '#']).next()).unwrap().to_owned()
    }

    /// Buys titles and comes back to the success page; gives the session's id and the order's number.
    pub async fn buy(&self, browser: &Browser, slugs: &[&str], email: &str) -> (String, OrderNumber) {
        let session = self.checkout(browser, slugs).await;
        let outcome = self.sandbox.pay(&session, GOOD_CARD, email);
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
        let page = browser.get(&format!("/checkout/success?session_id={session}")).await;
        assert_eq!(page.status(), StatusCode::OK);
        let numbers = self.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await;
        (session, numbers.first().expect("an order").parse().unwrap())
    }

    /// The current download token of a title that an order holds, by its slug.
    pub async fn token(&self, browser_owner: &Browser, number: &OrderNumber, slug: &str) -> String {
        let page = browser_owner.text(&format!("/orders/{number}")).await;
        let title = title_of(slug);
        let from = page.find(&title).unwrap_or_else(|| panic!("{title} is not on the order's page"));
        let rest = &page[from..];
        let at = rest.find("/d/dl_").expect("a download form");
        rest[at + 3..].split(['/', '"']).next().unwrap().to_owned()
    }
}

/// A visitor's browser.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    url: String,
}

impl Browser {
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(reqwest::Method::GET, path).send().await.unwrap()
    }

    /// A page that must be there.
    pub async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// A plain form of this store.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.request(reqwest::Method::POST, path).header(ORIGIN, &self.url).form(form).send().await.unwrap()
    }

    /// What the cart page's checkout form would send.
    pub async fn cart_snapshot(&self) -> String {
        let page = self.text("/cart").await;
        let at = page.find("name=\"snapshot\"").expect("a checkout form");
        let rest = &page[at..];
        let value = rest.find("value=\"").expect("a value") + 7;
        rest[value..].split('"').next().unwrap().to_owned()
    }

    /// Takes a download: claim, then the file's bytes.
    pub async fn download(&self, token: &str, format: &str) -> Vec<u8> {
        let response = self.post(&format!("/d/{token}/claim"), &[("format", format)]).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let path = location(&response);
        assert!(path.starts_with("/f/"), "led to {path}");
        let file = self.get(&path).await;
        assert_eq!(file.status(), StatusCode::OK);
        file.bytes().await.unwrap().to_vec()
    }
}

/// Where a redirect leads.
pub fn location(response: &Response) -> String {
    response.headers().get(LOCATION).expect("a redirect").to_str().unwrap().to_owned()
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The test shop's books: slug, price in cents, formats, status.
pub const BOOKS: &[(&str, i64, &[&str], &str)] = &[
    ("the-first-book", 799, &["epub", "pdf"], "published"),
    ("the-second-book", 499, &["epub", "pdf"], "published"),
    ("the-third-book", 1_200, &["epub"], "published"),
    ("a-free-book", 0, &["epub"], "published"),
    ("a-draft", 999, &["epub"], "draft"),
    ("an-archived-book", 999, &["epub"], "archived"),
];

/// "the-first-book" is called "The first book".
pub fn title_of(slug: &str) -> String {
    let text = slug.replace('-', " ");
    text[..1].to_uppercase() + &text[1..]
}

/// The bytes of a book's file: different for each, larger than one chunk, and not compressible into nothing.
pub fn file_content(slug: &str, format: &str) -> Vec<u8> {
    let mut state = Sha256::digest(format!("{slug}.{format}"));
    let mut content = Vec::with_capacity(100_000);
    while content.len() < 100_000 {
        content.extend_from_slice(&state);
        state = Sha256::digest(state);
    }
    content
}

async fn seed(shop: &Shop, folder: &Path) {
    for (slug, price, formats, status) in BOOKS {
        let files: Vec<_> = formats
            .iter()
            .map(|format| {
                let name = format!("{slug}.{format}");
                std::fs::write(folder.join(&name), file_content(slug, format)).unwrap();
                serde_json::json!({ "format": format, "path": name, "filename": name })
            })
            .collect();
        let entry: BookEntry = serde_json::from_value(serde_json::json!({
            "slug": slug, "title": title_of(slug), "sort_title": title_of(slug), "language": "en", "publisher": "Test Press",
            "contributors": [{ "name": "Ann Lee", "role": "author" }],
            "description_md": "A book *for tests*.", "status": status, "accent": "#334455",
            "prices": { "USD": price }, "edition": { "label": "First edition" }, "files": files,
        }))
        .unwrap();
        assert!(shop.seed_book(folder, entry).await.unwrap());
    }
}
