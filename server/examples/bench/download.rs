//! Downloads through tokens and claims, as a buyer's browser makes them.

use crate::{process, yardstick};
use anyhow::{Context as _, Result, bail, ensure};
use diesel::prelude::*;
use diesel::sql_types::Text;
use futures::future::try_join_all;
use rand::Rng as _;
use reqwest::header::{COOKIE, LOCATION, ORIGIN};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use shop::cart::Cart;
use shop::types::{Email, OrderNumber, Slug};
use shop::{BrowserSecret, Policy};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An order that is open in a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    cookie: String,
    token: String,
}

const SLUG: &str = "the-heavy-book";

pub(crate) async fn prepare(megabytes: usize, orders: usize, out: &Path) -> Result<()> {
    // Enough uses for a whole bench; each of them still serves every file only twice over.
    let policy = Policy { token_uses: u16::MAX, ..Policy::default() };
    let shop = yardstick::shop(policy)?;
    let folder = tempfile::tempdir()?;
    let mut content = vec![0_u8; megabytes * 1_000_000];
    rand::rng().fill_bytes(&mut content);
    std::fs::write(folder.path().join("heavy.epub"), content)?;
    let catalogue = serde_json::json!({ "books": [{
        "slug": SLUG, "title": "The Heavy Book", "sort_title": "Heavy Book, The", "language": "en",
        "contributors": [{ "name": "A. Author", "role": "author" }], "description_md": "Heavy.", "status": "published",
        "accent": "#333333", "prices": { "USD": 0 }, "edition": { "label": "First" },
        "files": [{ "format": "epub", "path": "heavy.epub", "filename": "heavy.epub" }],
    }] });
    std::fs::write(folder.path().join("catalogue.json"), serde_json::to_vec(&catalogue)?)?;
    shop.seed_catalogue(folder.path()).await?;
    let mut ready = Vec::with_capacity(orders);
    for i in 0..orders {
        let ip = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + u32::try_from(i * 256)?));
        let slug: Slug = SLUG.parse()?;
        let mut cart = Cart::new(shop.currency());
        shop.add_to_cart(&mut cart, &slug).await?;
        let view = shop.cart_view(&cart).await?;
        let (browser, email) = (BrowserSecret::generate(), format!("reader{i}@example.org"));
        let email: Email = email.parse()?;
        shop.checkout_free(&cart, &view.snapshot, &email, &browser, ip).await?;
        let number = latest_order(&shop).await?;
        let link = shop.order_link(&number).await?;
        let secret = link.split_once('#').context("a link without a secret")?.1;
        shop.open_order(&number, secret, &browser, ip).await?;
        let order = shop.order(&number, Some(&browser)).await?.context("no order")?;
        let token = order.items.into_iter().next().and_then(|item| item.download).context("no download")?.token;
        let set = browser.set_cookie(false);
        let cookie = set.split(';').next().context("no cookie")?.to_owned();
        ready.push(Order { cookie, token });
    }
    std::fs::write(out, serde_json::to_vec(&ready)?)?;
    Ok(())
}

async fn latest_order(shop: &shop::Shop) -> Result<OrderNumber> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        number: String,
    }
    let row: Row = shop
        .db()
        .read(|conn| Ok(diesel::sql_query("SELECT number FROM orders ORDER BY id DESC LIMIT 1").get_result(conn)?))
        .await?;
    Ok(row.number.parse()?)
}

fn client() -> Result<Client> {
    Ok(Client::builder().http1_only().pool_max_idle_per_host(1).redirect(reqwest::redirect::Policy::none()).build()?)
}

fn read(path: &Path) -> Result<Vec<Order>> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// Takes a use (or finds the running one) and gives the file's URL.
async fn claim(client: &Client, url: &str, order: &Order) -> Result<String> {
    let answer = client
        .post(format!("{url}/d/{}/claim", order.token))
        .header(COOKIE, &order.cookie)
        .header(ORIGIN, url)
        .form(&[("format", "epub")])
        .send()
        .await?;
    ensure!(answer.status() == StatusCode::SEE_OTHER, "the claim was answered {}", answer.status());
    let path = answer.headers().get(LOCATION).context("no way to the file")?.to_str()?;
    ensure!(path.starts_with("/f/"), "the claim led to {path}");
    Ok(format!("{url}{path}"))
}

/// Downloads for `time` over `connections`; prints megabytes a second.
pub(crate) async fn run(url: &str, orders: Option<&Path>, connections: usize, time: Duration) -> Result<()> {
    let orders = orders.map(read).transpose()?;
    let stop = Arc::new(AtomicBool::new(false));
    let bytes = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    for i in 0..connections {
        let order = match &orders {
            Some(orders) => Some(orders.get(i).context("fewer orders than connections")?.clone()),
            None => None,
        };
        let (stop, bytes, url, client) = (Arc::clone(&stop), Arc::clone(&bytes), url.to_owned(), client()?);
        readers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let Some(order) = &order else {
                    fetch(&client, &url, None, &bytes).await?;
                    continue;
                };
                let file = claim(&client, &url, order).await?;
                // A claim serves a file twice over.
                for _ in 0..2 {
                    fetch(&client, &file, Some(&order.cookie), &bytes).await?;
                }
            }
            Ok::<(), anyhow::Error>(())
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, began) = (bytes.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(time).await;
    let (read, elapsed) = (bytes.load(Ordering::Relaxed) - before, began.elapsed());
    stop.store(true, Ordering::Relaxed);
    for reader in try_join_all(readers).await? {
        reader?;
    }
    println!("{}", u128::from(read) / 1_000 / elapsed.as_millis());
    Ok(())
}

async fn fetch(client: &Client, url: &str, cookie: Option<&str>, bytes: &AtomicU64) -> Result<()> {
    let mut request = client.get(url);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let mut answer = request.send().await?;
    if answer.status() != StatusCode::OK {
        bail!("{url} was answered {}", answer.status());
    }
    let expected = answer.content_length().context("no length")?;
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await? {
        read += chunk.len() as u64;
        bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
    ensure!(read == expected, "{read} of {expected} bytes");
    Ok(())
}

/// Begins `readers` downloads that take a few KB at a time and prints by how many KiB the server has grown: at most,
/// and the memory it had before.
pub(crate) async fn slow_readers(url: &str, orders: &Path, readers: usize, pid: u32) -> Result<()> {
    let orders = read(orders)?;
    let before = process::memory(pid)?;
    let mut open = Vec::new();
    for i in 0..readers {
        let order = orders.get(i / 2).context("fewer orders than half the readers")?;
        let client = client()?;
        let file = claim(&client, url, order).await?;
        let answer = client.get(&file).header(COOKIE, &order.cookie).send().await?;
        ensure!(answer.status() == StatusCode::OK, "reader {i} was answered {}", answer.status());
        open.push((client, answer));
    }
    let mut most = 0;
    // A chunk is at most 400 KB: after eight of them none of the downloads has ended.
    for _ in 0..8 {
        for (_, answer) in &mut open {
            answer.chunk().await?.context("the download ended")?;
        }
        most = most.max(process::memory(pid)?);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("{} {before}", most.saturating_sub(before));
    Ok(())
}
