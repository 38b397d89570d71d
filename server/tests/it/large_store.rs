//! `octavo seed --books N --orders M`: the same rows everywhere, a store that works, and what it refuses.

use crate::support::{Backend, Column, Store, TestDatabase, location, on_both_databases, schema, sha256};
use chrono::{NaiveDate, TimeDelta};
use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;
use shop::db::Db;
use shop::files::Files;
use shop::payments::Payments;
use shop::seed::large::{Added, LargeError, Plan};
use shop::types::{OrderNumber, Sort};
use shop::{Clock, Parts, SecretKey, Shop};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

fn plan() -> Plan {
    Plan { seed: 1, books: 120, orders: 700, until: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), batch: Plan::BATCH }
}

/// A store without anything.
struct Empty {
    shop: Shop,
    database: TestDatabase,
    _folder: TempDir,
}

impl Empty {
    async fn open(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(backend, folder.path()).await;
        let url = database.url.clone();
        let db = tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap().unwrap();
        Self { shop: empty_shop(db, folder.path()), database, _folder: folder }
    }

    async fn close(self) {
        assert_eq!(self.shop.violations().await.unwrap(), [], "invariants are broken");
        drop(self.shop);
        self.database.remove().await;
    }

    async fn texts(&self, query: String) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let rows = self.shop.db().read(move |conn| Ok(diesel::sql_query(query).load::<Row>(conn)?)).await.unwrap();
        rows.into_iter().map(|row| row.value).collect()
    }

    /// A digest of each table that is the same on both databases if the rows are; `content` counts their writing, and
    /// `tally_state` says when.
    async fn digests(&self) -> BTreeMap<String, String> {
        let mut digests = BTreeMap::new();
        for (table, columns) in schema().into_iter().filter(|(table, _)| table != "content" && table != "tally_state") {
            let columns: Vec<_> = columns.iter().map(as_text).collect();
            let mut rows = self.texts(format!("SELECT {} AS value FROM {table}", columns.join(" || '|' || "))).await;
            rows.sort();
            digests.insert(table, format!("{} rows, {}", rows.len(), sha256(rows.join("\n").as_bytes())));
        }
        digests
    }
}

/// A column as a text that both databases write alike: SQLite's truths are numbers.
fn as_text(column: &Column) -> String {
    let Column { name, kind, .. } = column;
    let value = if kind == "Bool" {
        format!("CASE WHEN \"{name}\" THEN 'true' ELSE 'false' END")
    } else {
        format!("CAST(\"{name}\" AS TEXT)")
    };
    format!("COALESCE({value}, 'NULL')")
}

fn empty_shop(db: Db, folder: &Path) -> Shop {
    Shop::new(Parts {
        settings: shop::Settings {
            name: "Test Books".into(),
            base_url: "http://127.0.0.1".into(),
            currency: "USD".parse().unwrap(),
            currencies: Vec::new(),
            notation: shop::notation::Notation::default(),
            demo: false,
            livemode: false,
            policy: shop::Policy::default(),
            webhooks: shop::hooks::Reach::default(),
            time_zone: shop::analytics::Zone::default(),
            vies: shop::tax::Vies::default(),
            numbering: shop::invoices::Numbering::default(),
        },
        db,
        files: Files::local(&folder.join("files")).unwrap(),
        payments: Payments::unconfigured(),
        post: None,
        key: SecretKey::new("an integration test's secret key!").unwrap(),
        clock: Clock::System,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_arguments_make_the_same_rows_on_both_databases() {
    let mut all = Vec::new();
    for (backend, batch) in [(Backend::Sqlite, Plan::BATCH), (Backend::Sqlite, 70), (Backend::Postgres, 100)] {
        let store = Empty::open(backend).await;
        let added = store.shop.seed_large(&Plan { batch, ..plan() }, |_| {}).await.unwrap();
        assert_eq!((added.books, added.orders), (120, 700));
        all.push(store.digests().await);
        store.close().await;
    }
    assert!(all[0]["order_item"].split(' ').next().unwrap().parse::<u32>().unwrap() > 700);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);

    let other = Empty::open(Backend::Sqlite).await;
    other.shop.seed_large(&Plan { seed: 2, ..plan() }, |_| {}).await.unwrap();
    let digests = other.digests().await;
    for table in ["book", "book_price", "orders", "order_item", "download_token", "outbox"] {
        assert_ne!(digests[table], all[0][table], "{table}");
    }
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_interrupted_run_goes_on_where_it_was() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let whole = Empty::open(backend).await;
        whole.shop.seed_large(&plan(), |_| {}).await.unwrap();

        let store = Empty::open(backend).await;
        let plan = Plan { batch: 50, ..plan() };
        // Once in the middle of the books, twice in the middle of the orders.
        for (what, done) in [("books", 50), ("orders", 1), ("orders", 300)] {
            let (shop, plan) = (store.shop.clone(), plan.clone());
            let run = tokio::spawn(async move {
                shop.seed_large(&plan, |progress| {
                    assert!(progress.what != what || progress.done < done, "pulled the plug");
                })
                .await
            });
            assert!(run.await.unwrap_err().is_panic());
            // Whoever opens the store now sums what is there.
            store.shop.keep_tallies().await.unwrap();
            assert_eq!(store.shop.violations().await.unwrap(), [], "half-way");
        }
        let added = store.shop.seed_large(&plan, |_| {}).await.unwrap();
        assert!(added.books == 0 && added.orders > 0 && added.orders <= 400, "{added:?}");
        assert_eq!(store.digests().await, whole.digests().await);
        assert_eq!(store.shop.seed_large(&plan, |_| {}).await.unwrap(), Added::default());
        whole.close().await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let store = Empty::open(Backend::Sqlite).await;
    let plan = plan();
    let refused = async |plan: Plan| store.shop.seed_large(&plan, |_| {}).await.unwrap_err();
    let tomorrow = store.shop.clock().now().date() + TimeDelta::days(1);
    assert!(matches!(refused(Plan { until: tomorrow, ..plan.clone() }).await, LargeError::Future(_)));
    assert!(matches!(refused(Plan { books: 0, ..plan.clone() }).await, LargeError::NoBooks("USD")));
    // Books alone, then orders alone.
    store.shop.seed_large(&Plan { orders: 0, ..plan.clone() }, |_| {}).await.unwrap();
    store.shop.seed_large(&Plan { books: 0, ..plan.clone() }, |_| {}).await.unwrap();
    let before = store.digests().await;
    for other in [
        Plan { books: 121, ..plan.clone() },
        Plan { orders: 701, ..plan.clone() },
        Plan { seed: 2, ..plan.clone() },
        Plan { until: plan.until - TimeDelta::days(1), ..plan.clone() },
    ] {
        let error = refused(other).await;
        assert!(matches!(error, LargeError::OtherRun { .. }), "{error}");
        assert!(error.to_string().contains("--until 2026-03-01"), "{error}");
    }
    assert_eq!(store.shop.seed_large(&plan, |_| {}).await.unwrap(), Added::default());
    assert_eq!(store.digests().await, before);
    store.close().await;
}

async fn number(store: &Store, query: &str) -> i64 {
    store.texts(&format!("SELECT CAST(({query}) AS TEXT) AS value")).await[0].parse().unwrap()
}

on_both_databases!(a_made_up_store_looks_like_a_real_one, async |store| {
    let plan = Plan { seed: 7, books: 400, orders: 3_000, until: store.shop.clock().now().date(), batch: 800 };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let count = async |from: &str| store.count(from).await;
    assert_eq!(count("orders").await, 3_000);
    assert_eq!(count("book").await, 406);
    let succeeded = count("orders WHERE status = 'succeeded'").await;
    assert!((2_850..3_000).contains(&succeeded), "{succeeded}");
    assert!(count("orders WHERE status = 'failed'").await > 10);
    assert!(count("checkout WHERE state = 'expired'").await > 700);
    assert!(count("book WHERE status = 'draft'").await > 2 && count("book WHERE status = 'archived'").await > 2);
    assert!(count("(SELECT DISTINCT currency FROM orders) AS x").await >= 12);
    assert!(count("(SELECT DISTINCT country FROM orders) AS x").await >= 20);
    assert!(count("(SELECT DISTINCT language FROM book) AS x").await >= 12);
    assert!(count("orders WHERE amount_tax > 0").await > 1_000 && count("orders WHERE amount_tax = 0").await > 500);
    assert!(count("orders WHERE amount_discount > 0").await > 50);
    assert!(count("orders WHERE amount_total = 0").await > 2);
    let (buyers, items) = (count("(SELECT DISTINCT email_norm FROM orders) AS x").await, count("order_item").await);
    assert!((1_200..2_500).contains(&buyers) && (4_200..6_000).contains(&items), "{buyers} {items}");
    let best = number(store, "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM order_item GROUP BY book_id) AS x").await;
    assert!(best * 100 > items && best * 15 < items, "the bestseller is {best} of {items}");
    assert!(count("download_claim").await > 500 && count("download_token WHERE generation = 2").await > 20);
    // More in the last year than in the first.
    let until = plan.until;
    let year = async |ago: i64| {
        let (from, to) = (until - TimeDelta::days(365 * ago), until - TimeDelta::days(365 * (ago - 1)));
        count(&format!("orders WHERE created_at >= '{from}' AND created_at < '{to}'")).await
    };
    let (last, first) = (year(1).await, year(3).await);
    assert!(last * 2 > first * 3, "{first} {last}");
    assert_eq!(count(&format!("orders WHERE created_at >= '{until}' OR paid_at >= '{until}'")).await, 0);

    // Nothing is left to be done for it, and nobody exists behind an address.
    assert_eq!(count("outbox WHERE state NOT IN ('sent', 'bounced')").await, 0);
    assert_eq!(count("stripe_event").await, 0);
    for address in ["email", "email_norm"] {
        let strangers = ["com", "net", "org"].map(|tld| format!("{address} NOT LIKE '%@example.{tld}'")).join(" AND ");
        assert_eq!(count(&format!("orders WHERE {strangers}")).await, 0);
    }
    assert_eq!(count("outbox m JOIN orders o ON o.id = m.order_id WHERE m.recipient <> o.email").await, 0);
    let numbering = "invoice a JOIN invoice b ON a.series = b.series AND a.year = b.year AND a.seq + 1 = b.seq WHERE a.issued_at > b.issued_at";
    assert_eq!(count(numbering).await, 0, "numbers are in the order of the days");
});

on_both_databases!(a_made_up_store_sells_and_delivers, async |store| {
    let plan = Plan { seed: 1, books: 150, orders: 2_000, until: store.shop.clock().now().date(), batch: Plan::BATCH };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let browser = store.browser();

    // Every sort order can be paged through to the end, and a book opens.
    let usd = "USD".parse().unwrap();
    let sold = "book b JOIN book_price p ON p.book_id = b.id AND p.currency = 'USD' WHERE b.status = 'published'";
    let published = usize::try_from(store.count(sold).await).unwrap();
    for sort in Sort::ALL {
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = store.shop.catalog_page(usd, sort, after.as_deref()).await.unwrap();
            seen += page.books.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, published, "{sort:?}");
    }
    let books = store
        .texts("SELECT slug AS value FROM book b JOIN edition e ON e.book_id = b.id JOIN book_file f ON f.edition_id = e.id \
                WHERE f.storage_key LIKE 'samples/%' AND b.status = 'published' AND b.language IN ('ja', 'ar', 'ru', 'fr')")
        .await;
    for slug in books.iter().take(8) {
        let page = browser.text(&format!("/books/{slug}")).await;
        let title = store.texts(&format!("SELECT title AS value FROM book WHERE slug = '{slug}'")).await.remove(0);
        assert!(page.contains(&title), "{slug}");
    }

    // An order of the last days opens with its link and delivers a file that is what its row says.
    let numbers = store
        .texts("SELECT number AS value FROM orders WHERE status = 'succeeded' AND amount_total > 0 ORDER BY id DESC LIMIT 3")
        .await;
    assert_eq!(numbers.len(), 3);
    for number in numbers {
        let number: OrderNumber = number.parse().unwrap();
        let buyer = store.browser();
        buyer.open_order(store, &number).await;
        let page = buyer.text(&format!("/orders/{number}")).await;
        let at = page.find("/d/dl_").expect("a download form") + 3;
        let token = page[at..].split(['/', '"']).next().unwrap();
        let file = store
            .texts(&format!(
                "SELECT f.format || ' ' || f.sha256 AS value FROM download_token t JOIN entitlement n ON n.id = t.entitlement_id \
                 JOIN edition e ON e.book_id = n.book_id JOIN book_file f ON f.edition_id = e.id \
                 WHERE t.hash = '{}' ORDER BY f.id DESC",
                sha256(token.as_bytes())
            ))
            .await
            .remove(0);
        let (format, digest) = file.split_once(' ').unwrap();
        assert_eq!(sha256(&buyer.download(token, format).await), digest);
        let refused = location(&browser.claim(token, format).await);
        assert!(!refused.starts_with("/f/"), "another browser was led to {refused}");
    }

    // What is bought here is real: from then on nothing is made up any more.
    store.buy(&browser, &[&books[0]], "real@example.net").await;
    let refused = store.shop.seed_large(&plan, |_| {}).await.unwrap_err();
    assert!(matches!(refused, LargeError::RealOrders(1)), "{refused}");
});
