//! Webhooks: a lane for each endpoint, so that one that is slow, or gone, holds up none of the others.

use super::{FAILURE_PAUSE, farewell, until};
use shop::Shop;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Looks for due webhooks at least this often: retries, and what another process has written.
const PAUSE: Duration = Duration::from_secs(1);

/// Has due webhooks delivered until told to stop; what is on its way then gets there and is marked, if it does not take
/// too long.
pub(super) async fn deliver(shop: Shop, stop: watch::Receiver<bool>) {
    let mut lanes: JoinSet<i64> = JoinSet::new();
    let mut busy = HashSet::new();
    while !*stop.borrow() {
        match shop.webhook_endpoints_with_work().await {
            Ok(endpoints) => {
                for endpoint in endpoints {
                    if busy.insert(endpoint) {
                        lanes.spawn(lane(shop.clone(), endpoint, stop.clone()));
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "due webhooks could not be looked for");
                until(stop.clone(), tokio::time::sleep(FAILURE_PAUSE)).await;
            }
        }
        tokio::select! {
            Some(ended) = lanes.join_next() => {
                // A lane that panicked has not said which it was: whatever runs is found out again.
                match ended {
                    Ok(endpoint) => _ = busy.remove(&endpoint),
                    Err(error) => {
                        tracing::error!(%error, "the webhooks of an endpoint panicked");
                        while let Some(ended) = lanes.join_next().await {
                            drop(ended);
                        }
                        busy.clear();
                    }
                }
            }
            () = until(stop.clone(), shop.wait_for_webhooks(PAUSE)) => {}
        }
    }
    tokio::select! {
        () = async { while lanes.join_next().await.is_some() {} } => {}
        () = farewell(stop) => {}
    }
}

/// Delivers to one endpoint as long as something is due there.
async fn lane(shop: Shop, endpoint: i64, stop: watch::Receiver<bool>) -> i64 {
    while !*stop.borrow() {
        match shop.work_on_webhooks(endpoint).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, endpoint, "an endpoint's webhooks could not be worked on");
                until(stop.clone(), tokio::time::sleep(FAILURE_PAUSE)).await;
                break;
            }
        }
    }
    endpoint
}
