//! Four times as many pages as the server can make, and what becomes of Stripe's deliveries meanwhile.

use crate::deliver;
use crate::load::{Connection, at_a_rate, p99};
use anyhow::{Result, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Connections that measure what the server can make.
const FEW: usize = 32;
/// Connections of the crowd: more than the pages' lane has places.
const MANY: usize = 2_048;
/// Deliveries a second.
const DELIVERIES: u32 = 20;
/// What Stripe's deliveries may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Prints the pages a second that the server can make, the requests a second of the crowd, how many of them were sent
/// away, and the 99th percentile of the deliveries meanwhile, in milliseconds.
pub(crate) async fn run(url: &str, secret: &str, time: Duration) -> Result<()> {
    let (made, _) = pages(url, FEW, time, async |_| Ok(())).await?;
    let run = rand::random::<u32>();
    let mut deliveries = Vec::new();
    let (served, away) = pages(url, MANY, time, async |time| {
        let client = reqwest::Client::new();
        let next = AtomicU64::new(0);
        let seconds = u32::try_from(time.as_secs())?;
        deliveries = at_a_rate(DELIVERIES * seconds, time, || {
            let id = format!("evt_overload_{run:x}_{}", next.fetch_add(1, Ordering::Relaxed));
            let (client, url, secret) = (client.clone(), format!("{url}/webhooks/stripe"), secret.to_owned());
            async move {
                let (body, signature) = deliver::event(&id, &secret)?;
                let answer = client.post(&url).header("Stripe-Signature", signature).body(body).send().await?;
                ensure!(answer.status() == reqwest::StatusCode::OK, "a delivery was answered {}", answer.status());
                Ok(())
            }
        })
        .await?;
        Ok(())
    })
    .await?;
    let worst = p99(&deliveries);
    println!("{made} {} {away} {}", served + away, worst.as_millis());
    ensure!(served + away >= made * 4, "the crowd was only {} of {made} pages a second", served + away);
    ensure!(away > 0, "nobody was sent away: that was no overload");
    ensure!(worst < LIMIT, "99 in 100 deliveries took up to {worst:?}");
    Ok(())
}

/// Asks for the catalogue, made anew, over so many connections without a pause while `meanwhile` runs for `time`. Pages
/// a second that came, and that were refused with 503.
async fn pages(
    url: &str,
    connections: usize,
    time: Duration,
    meanwhile: impl AsyncFnOnce(Duration) -> Result<()>,
) -> Result<(u64, u64)> {
    let stop = Arc::new(AtomicBool::new(false));
    let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(url, "/", "Cookie: octavo=0\r\n").await?;
        let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
        clients.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match connection.get().await? {
                    200 => counts[0].fetch_add(1, Ordering::Relaxed),
                    503 => counts[1].fetch_add(1, Ordering::Relaxed),
                    status => anyhow::bail!("the catalogue answered {status}"),
                };
            }
            Ok(())
        }));
    }
    // The first half second warms up.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (before, begun) = (counts.each_ref().map(|count| count.load(Ordering::Relaxed)), Instant::now());
    let (done, ()) = tokio::join!(meanwhile(time), tokio::time::sleep(time));
    let millis = u64::try_from(begun.elapsed().as_millis())?.max(1);
    let after = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    done?;
    Ok(((after[0] - before[0]) * 1_000 / millis, (after[1] - before[1]) * 1_000 / millis))
}
