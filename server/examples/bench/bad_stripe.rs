//! How fast the catalogue is while others buy, with a good Stripe and with a bad one.

use crate::load::{Connection, at_a_rate, p99};
use anyhow::{Context as _, Result, ensure};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, ORIGIN, REFERER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Catalogue pages a second, half of them from the page cache and half made anew.
const PAGES: u32 = 200;
/// Connections that they share.
const CONNECTIONS: usize = 32;
/// Buyers who start one checkout after another, with a pause between.
const BUYERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(400);
/// Of the share of requests to Stripe that fail, each kind has a quarter.
const FAULTS: [&str; 4] = ["status-500", "status-429", "reset", "lost_answer"];

/// Prints the 99th percentiles in microseconds without and with faults, and the checkouts that went through and that
/// were told to wait. An error if the second is more than a fifth above the first.
pub(crate) async fn run(url: &str, sandbox: &str, time: Duration, rounds: u32) -> Result<()> {
    let slug = something_to_buy(url).await?;
    let http = Client::new();
    let faults = format!("{sandbox}/_sandbox/faults");
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let (mut begun, mut refused) = (0, 0);
    // In turns, so that what else the machine does falls on both.
    for round in 0..rounds {
        let phase = phase(url, &slug, time).await?;
        ensure!(phase.refused == 0, "{} checkouts failed at a good Stripe", phase.refused);
        good.extend(phase.pages);
        for (seed, fault) in (u64::from(round) * 4..).zip(FAULTS) {
            let kind = match fault.strip_prefix("status-") {
                Some(status) => json!({ "kind": "status", "status": status.parse::<u16>()? }),
                None => json!({ "kind": fault }),
            };
            let mut fault = json!({ "times": u32::MAX, "probability": 0.055, "seed": seed });
            for (name, value) in kind.as_object().context("a kind")? {
                fault[name] = value.clone();
            }
            http.post(&faults).json(&fault).send().await?.error_for_status()?;
        }
        let phase = self::phase(url, &slug, time).await?;
        http.delete(&faults).send().await?.error_for_status()?;
        bad.extend(phase.pages);
        begun += phase.begun;
        refused += phase.refused;
    }
    ensure!(begun > 0 && refused > 0, "{begun} checkouts went through, {refused} did not: there were no faults");
    let (without, with) = (p99(&good).as_micros(), p99(&bad).as_micros());
    println!("{without} {with} {begun} {refused}");
    ensure!(with * 5 <= without * 6, "the catalogue's p99 went from {without} to {with} µs");
    Ok(())
}

struct Phase {
    pages: Vec<Duration>,
    begun: u64,
    refused: u64,
}

async fn phase(url: &str, slug: &str, time: Duration) -> Result<Phase> {
    let stop = Arc::new(AtomicBool::new(false));
    let (begun, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let buyers: Vec<_> = (0..BUYERS)
        .map(|_| {
            let (stop, begun, refused) = (Arc::clone(&stop), Arc::clone(&begun), Arc::clone(&refused));
            let (url, slug) = (url.to_owned(), slug.to_owned());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let status = checkout(&url, &slug).await?.0;
                    ensure!([StatusCode::SEE_OTHER, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{status}");
                    let count = if status == StatusCode::SEE_OTHER { &begun } else { &refused };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(())
            })
        })
        .collect();
    let mut connections = Vec::new();
    for i in 0..CONNECTIONS {
        // A session's cookie, even one of no session, makes a page that is not kept.
        let headers = if i.is_multiple_of(2) { "" } else { "Cookie: octavo=0\r\n" };
        connections.push(Arc::new(Mutex::new(Connection::open(url, "/", headers).await?)));
    }
    let next = AtomicU64::new(0);
    let seconds = u32::try_from(time.as_secs())?;
    let pages = at_a_rate(PAGES * seconds, time, || {
        let turn = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        let connection = Arc::clone(&connections[turn % CONNECTIONS]);
        async move {
            let status = connection.lock().await.get().await?;
            ensure!(status == 200, "the catalogue answered {status}");
            Ok(())
        }
    })
    .await?;
    stop.store(true, Ordering::Relaxed);
    for buyer in buyers {
        buyer.await??;
    }
    Ok(Phase { pages, begun: begun.load(Ordering::Relaxed), refused: refused.load(Ordering::Relaxed) })
}

/// A new buyer's way to Stripe's page: the answer, and where it leads.
async fn checkout(url: &str, slug: &str) -> Result<(StatusCode, String)> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    headers.insert(ORIGIN, url.parse()?);
    let builder = Client::builder().cookie_store(true).redirect(Policy::none()).default_headers(headers);
    let client = builder.build()?;
    client.post(format!("{url}/actions/add-to-cart")).form(&[("slug", slug)]).send().await?;
    let cart = client.get(format!("{url}/cart")).send().await?.text().await?;
    let rest = cart.split_once("name=\"snapshot\"").context("no checkout form")?.1;
    let snapshot = rest.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no snapshot")?;
    let form = [("snapshot", snapshot)];
    let press = client.post(format!("{url}/actions/start-checkout")).header(REFERER, format!("{url}/cart"));
    let answer = press.form(&form).send().await?;
    let to = answer.headers().get(LOCATION).map_or(Ok(""), HeaderValue::to_str)?.to_owned();
    Ok((answer.status(), to))
}

/// The first book of the catalogue that costs something.
async fn something_to_buy(url: &str) -> Result<String> {
    let page = reqwest::get(format!("{url}/")).await?.text().await?;
    for link in page.split("href=\"/books/").skip(1) {
        let slug = link.split('"').next().context("a link")?;
        if checkout(url, slug).await?.1.contains("/c/pay/") {
            return Ok(slug.to_owned());
        }
    }
    anyhow::bail!("there is nothing to buy")
}
