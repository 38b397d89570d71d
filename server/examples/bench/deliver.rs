//! Webhooks as Stripe sends them: signed, each event new.

use crate::process;
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// As large as a Checkout Session in an event.
const BODY: usize = 2_600;

/// Sends for `time` over `connections` connections; prints deliveries a second and microseconds of CPU for each.
pub(crate) async fn run(url: &str, secret: &str, connections: usize, time: Duration, pid: u32) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let run = rand::random::<u32>();
    let senders: Vec<_> = (0..connections)
        .map(|connection| {
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&count));
            let (url, secret) = (format!("{url}/webhooks/stripe"), secret.to_owned());
            tokio::spawn(async move {
                let client = reqwest::Client::builder().http1_only().pool_max_idle_per_host(1).build()?;
                let mut i = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let (body, signature) = event(&format!("evt_bench_{run:x}_{connection}_{i}"), &secret)?;
                    let answer = client.post(&url).header("Stripe-Signature", signature).body(body).send().await?;
                    ensure!(answer.status() == reqwest::StatusCode::OK, "the store answered {}", answer.status());
                    answer.bytes().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                    i += 1;
                }
                Ok(())
            })
        })
        .collect();
    // The first half second warms up.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (cpu, kept, began) = (process::cpu(pid)?, count.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(time).await;
    let kept = count.load(Ordering::Relaxed) - kept;
    let (cpu, elapsed) = (process::cpu(pid)? - cpu, began.elapsed());
    stop.store(true, Ordering::Relaxed);
    for sender in try_join_all(senders).await? {
        sender?;
    }
    ensure!(kept > 0, "nothing was delivered");
    println!("{} {}", u128::from(kept) * 1_000 / elapsed.as_millis(), cpu.as_micros() / u128::from(kept));
    Ok(())
}

/// An event of nothing that the store acts on, and its `Stripe-Signature`.
pub(crate) fn event(id: &str, secret: &str) -> Result<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut body = format!(
        "{{\"id\":\"{id}\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":{now},\"livemode\":false,\
         \"data\":{{\"object\":{{\"id\":\"cus_{id}\",\"object\":\"customer\",\"description\":\""
    );
    while body.len() < BODY {
        body.push_str("A customer of whom the store knows nothing. ");
    }
    body.push_str("\"}}}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{now}.{body}").as_bytes());
    let signature = format!("t={now},v1={}", hex::encode(mac.finalize().into_bytes()));
    Ok((body, signature))
}
