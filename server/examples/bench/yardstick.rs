//! What a good engineer would write by hand, to be compared with.

use crate::process;
use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use shop::db::{DatabaseUrl, Db};
use shop::types::{BookCard, Slug, Sort};
use shop::{Clock, Parts, Shop};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shop of `DATABASE_URL`, `DATA_DIR` and `SECRET_KEY`, without Stripe.
pub(crate) fn shop(policy: shop::Policy) -> Result<Shop> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let url: DatabaseUrl = variable("DATABASE_URL")?.parse()?;
    Ok(Shop::new(Parts {
        settings: shop::Settings {
            name: "Octavo".into(),
            base_url: "http://127.0.0.1".into(),
            currency: "USD".parse()?,
            currencies: Vec::new(),
            notation: shop::notation::Notation::default(),
            demo: false,
            livemode: false,
            policy,
            webhooks: shop::hooks::Reach::default(),
            time_zone: shop::analytics::Zone::default(),
            vies: shop::tax::Vies::default(),
            numbering: shop::invoices::Numbering::default(),
        },
        db: Db::open(&url)?,
        files: shop::files::Files::local(&Path::new(&variable("DATA_DIR")?).join("files"))?,
        payments: shop::payments::Payments::unconfigured(),
        post: None,
        key: shop::SecretKey::new(variable("SECRET_KEY")?)?,
        clock: Clock::System,
    }))
}

/// A page of the store, cut where its contents come.
struct Pages {
    shop: Shop,
    headers: HeaderMap,
    shelf: (String, String),
    /// Text, then the number of the field after it.
    book: Vec<(String, Option<usize>)>,
    slug: Slug,
}

pub(crate) async fn serve(listen: &str, store: &str, slug: &str) -> Result<()> {
    let shop = shop(shop::Policy::default())?;
    let slug: Slug = slug.parse()?;
    let client = reqwest::Client::new();
    let page = async |path: &str| -> Result<(HeaderMap, String)> {
        let answer = client.get(format!("{store}{path}")).send().await?.error_for_status()?;
        Ok((answer.headers().clone(), answer.text().await?))
    };
    let (mut headers, catalogue) = page("/").await?;
    for name in [header::CONTENT_LENGTH, header::DATE, header::ETAG, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let (head, rest) = catalogue.split_once("<ul class=\"shelf\">").context("no shelf")?;
    let tail = rest.split_once("<!></ul>").context("no end of the shelf")?.1;
    let (_, book) = page(&format!("/books/{slug}")).await?;
    let fields = fields(&shop, &slug).await?;
    let pages = Arc::new(Pages {
        headers,
        shelf: (format!("{head}<ul class=\"shelf\">"), format!("<!></ul>{tail}")),
        book: cut(&book, &fields),
        slug,
        shop,
    });
    for (ours, theirs) in [(pages.shelf(None).await?, catalogue), (pages.book().await?, book)] {
        if ours != theirs {
            let at = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
            bail!("the pages differ at byte {at} of {} and {}", ours.len(), theirs.len());
        }
    }
    let router = Router::new()
        .route(
            "/",
            get(|State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery| async move {
                let after = query.as_deref().and_then(|query| query.strip_prefix("after=")).map(str::to_owned);
                pages.answer(pages.shelf(after.as_deref()).await)
            }),
        )
        .route("/books/{slug}", get(|State(pages): State<Arc<Pages>>| async move { pages.answer(pages.book().await) }))
        .with_state(pages);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("ready");
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), router).await?;
    Ok(())
}

impl Pages {
    async fn shelf(&self, after: Option<&str>) -> Result<String> {
        let page = self.shop.catalog_page(self.shop.currency(), Sort::Newest, after).await?;
        let mut html = String::with_capacity(16 * 1024);
        html.push_str(&self.shelf.0);
        for book in &page.books {
            card(&mut html, book)?;
        }
        html.push_str(&self.shelf.1);
        Ok(html)
    }

    async fn book(&self) -> Result<String> {
        let fields = fields(&self.shop, &self.slug).await?;
        let mut html = String::with_capacity(16 * 1024);
        for (text, field) in &self.book {
            html.push_str(text);
            if let Some(field) = field {
                html.push_str(&fields[*field]);
            }
        }
        Ok(html)
    }

    fn answer(&self, page: Result<String>) -> Response {
        match page {
            Ok(html) => {
                let mut response = html.into_response();
                *response.headers_mut() = self.headers.clone();
                response
            }
            Err(error) => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// A book on the shelf, with a cover set in type, as made-up books have.
fn card(html: &mut String, book: &BookCard) -> Result<()> {
    ensure!(book.cover.is_none(), "a cover with a picture");
    let (title, byline) = (escape(&book.title), escape(&book.byline));
    write!(
        html,
        "<li><a href=\"/books/{slug}\"><span aria-hidden=\"true\" class=\"cover type\" style=\"--a:{accent};\">\
         <b>{title}</b><i>{byline}</i></span><h2>{title}</h2></a><p>{byline}</p><p class=\"price\">{price}</p></li>",
        slug = book.slug,
        accent = book.accent,
        price = book.price.map(price).unwrap_or_default(),
    )?;
    Ok(())
}

fn price(money: shop::types::Money) -> String {
    if money.is_zero() { "Free".to_owned() } else { money.to_string() }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What of a book's page depends on the book, longest first, so that no field is cut out of another.
async fn fields(shop: &Shop, slug: &Slug) -> Result<Vec<String>> {
    let book = shop.book(slug, shop.currency()).await?.context("no such book")?;
    let mut fields = vec![
        book.description_html,
        escape(&book.summary),
        escape(&book.card.title),
        escape(&book.card.byline),
        book.card.price.map(price).unwrap_or_default(),
        book.card.slug.to_string(),
    ];
    fields.retain(|field| !field.is_empty());
    fields.sort_by_key(|field| std::cmp::Reverse(field.len()));
    Ok(fields)
}

fn cut(page: &str, fields: &[String]) -> Vec<(String, Option<usize>)> {
    let mut parts = vec![(page.to_owned(), None)];
    for (i, field) in fields.iter().enumerate() {
        parts = parts
            .into_iter()
            .flat_map(|(text, after): (String, Option<usize>)| {
                let mut pieces: Vec<(String, Option<usize>)> =
                    text.split(field.as_str()).map(|piece| (piece.to_owned(), Some(i))).collect();
                if let Some(last) = pieces.last_mut() {
                    last.1 = after;
                }
                pieces
            })
            .collect();
    }
    parts
}

/// Prints how many transactions of one row a second one connection can make durable, and the milliseconds of each.
pub(crate) fn commits(folder: &Path, time: Duration) -> Result<()> {
    let path = folder.join("commits.db");
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT);",
    )?;
    let body = "x".repeat(2_600);
    let (began, cpu) = (Instant::now(), process::cpu(std::process::id())?);
    let mut count = 0_u32;
    while began.elapsed() < time {
        conn.immediate_transaction(|conn| {
            diesel::sql_query("INSERT INTO t (body) VALUES (?)").bind::<Text, _>(&body).execute(conn)
        })?;
        count += 1;
    }
    let each = |time: Duration| time.as_micros() / u128::from(count.max(1));
    let (elapsed, cpu) = (began.elapsed(), process::cpu(std::process::id())? - cpu);
    println!("{} {} {}", u128::from(count) * 1_000 / elapsed.as_millis(), each(elapsed), each(cpu));
    drop(conn);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    Ok(())
}

/// Prints the cursor of the catalogue's last page, found as a reader would: page by page.
pub(crate) async fn last_page(currency: &str) -> Result<()> {
    let shop = shop(shop::Policy::default())?;
    let mut last = None;
    loop {
        let page = shop.catalog_page(currency.parse()?, Sort::Newest, last.as_deref()).await?;
        match page.next {
            Some(next) => last = Some(next),
            None => break,
        }
    }
    println!("{}", last.context("there is only one page")?);
    Ok(())
}
