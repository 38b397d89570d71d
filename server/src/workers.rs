//! What happens without a request: Stripe's events are worked on, what no webhook brought is found, libraries that were
//! asked for are looked up, mail and webhooks are sent, what is too old is forgotten.

mod webhooks;

use shop::Shop;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Looks for due events at least this often, also without a delivery: retries, and another process's deliveries.
const EVENT_PAUSE: Duration = Duration::from_secs(2);
/// Looks for due mail at least this often: retries, and what another process has queued.
const MAIL_PAUSE: Duration = Duration::from_secs(1);
/// Looks for requests of libraries at least this often: what another process has taken.
const REQUEST_PAUSE: Duration = Duration::from_secs(1);
/// How long mail that is on its way may take after the process was told to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// After a failure of the database.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// Writes what visitors have done, and counts downloads, at least this often.
const VISITS_PAUSE: Duration = Duration::from_secs(10);
/// Looks this often whether figures have changed, while anybody looks at them.
const CHANGES_PAUSE: Duration = Duration::from_millis(500);
const CLEANUP_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Looks this often whether the day's sweeping of files is due; the first time after as long.
const SWEEP_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Looks this often for rounds of the reconciler that are due. The first time after as long: a store that is started
/// again and again does not ask Stripe for everything each time.
const RECONCILER_PAUSE: Duration = Duration::from_secs(60);

/// The background loops. They end when `stop` turns true, between two pieces of work.
#[must_use]
pub fn spawn(shop: &Shop, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    loops.spawn(until(stop.clone(), stripe_events(shop.clone(), stop.clone())));
    loops.spawn(until(stop.clone(), reconciler(shop.clone())));
    if shop.sends_mail() {
        loops.spawn(mail(shop.clone(), stop.clone()));
    } else {
        tracing::warn!("SMTP_URL is not set: mail is queued and not sent, so buyers get no receipts and no links");
    }
    loops.spawn(webhooks::deliver(shop.clone(), stop.clone()));
    loops.spawn(until(stop.clone(), requests(shop.clone())));
    loops.spawn(until(stop.clone(), clean_up(shop.clone())));
    loops.spawn(until(stop.clone(), sweep(shop.clone())));
    loops.spawn(until(stop.clone(), catch_up(shop.clone())));
    // What is counted and what is told of it.
    loops.spawn(visits(shop.clone(), stop.clone()));
    loops.spawn(until(stop.clone(), changes(shop.clone())));
    loops
}

/// Runs `work`, which gives up by itself or may be dropped while it waits.
async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn stripe_events(shop: Shop, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // A task of its own, so that being told to stop does not tear it apart half-way.
        let working = tokio::spawn({
            let shop = shop.clone();
            async move { shop.work_on_events().await }
        });
        match working.await {
            Ok(Ok(0)) => shop.wait_for_events(EVENT_PAUSE).await,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the event worker could not reach the database");
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
            Err(error) => {
                tracing::error!(%error, "the event worker panicked");
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
    }
}

async fn reconciler(shop: Shop) {
    loop {
        tokio::time::sleep(RECONCILER_PAUSE).await;
        // A task of its own, so that a panic in one round is not the end of all; in a set, so that it ends with this
        // loop: each of its steps is whole by itself.
        let mut working = JoinSet::new();
        working.spawn({
            let shop = shop.clone();
            async move { shop.reconcile_what_is_due().await }
        });
        match working.join_next().await {
            Some(Ok(Err(error))) => tracing::error!(%error, "the reconciler could not reach the database"),
            Some(Err(error)) => tracing::error!(%error, "the reconciler panicked"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

async fn requests(shop: Shop) {
    loop {
        // A task of its own, so that a panic is not the end of all; each batch is one transaction, whole by itself.
        let working = tokio::spawn({
            let shop = shop.clone();
            async move { shop.work_on_requests().await }
        });
        match working.await {
            Ok(Ok(0)) => shop.wait_for_requests(REQUEST_PAUSE).await,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "requests for libraries could not be looked up");
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
            Err(error) => {
                tracing::error!(%error, "the look-up of libraries panicked");
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
    }
}

async fn mail(shop: Shop, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let mut working = tokio::spawn({
            let shop = shop.clone();
            async move { shop.work_on_outbox().await }
        });
        // What is on its way gets there and is marked, so that a restart sends nothing twice.
        let result = tokio::select! {
            result = &mut working => result,
            () = farewell(stop.clone()) => return,
        };
        let pause = match result {
            Ok(Ok(0)) => {
                until(stop.clone(), shop.wait_for_mail(MAIL_PAUSE)).await;
                continue;
            }
            Ok(Ok(_)) => continue,
            Ok(Err(error)) => {
                tracing::error!(%error, "the mail worker could not reach the database");
                FAILURE_PAUSE
            }
            Err(error) => {
                tracing::error!(%error, "the mail worker panicked");
                FAILURE_PAUSE
            }
        };
        until(stop.clone(), tokio::time::sleep(pause)).await;
    }
}

/// Some time after `stop` has turned true.
async fn farewell(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(FAREWELL).await;
}

async fn visits(shop: Shop, stop: watch::Receiver<bool>) {
    loop {
        until(stop.clone(), tokio::time::sleep(VISITS_PAUSE)).await;
        if let Err(error) = shop.keep_visits().await {
            tracing::warn!(%error, "visits could not be written yet");
        }
        if let Err(error) = shop.count_downloads().await {
            tracing::warn!(%error, "downloads could not be counted yet");
        }
        if *stop.borrow() {
            return;
        }
    }
}

async fn changes(shop: Shop) {
    loop {
        tokio::time::sleep(CHANGES_PAUSE).await;
        if let Err(error) = shop.look_for_changes().await {
            tracing::warn!(%error, "whether figures have changed could not be looked up");
            tokio::time::sleep(FAILURE_PAUSE).await;
        }
    }
}

/// Once: each of its steps is whole by itself.
async fn catch_up(shop: Shop) {
    match shop.catch_up_on_documents().await {
        Ok(0) => {}
        Ok(orders) => tracing::info!(orders, "money of before has its credit notes now"),
        Err(error) => tracing::error!(%error, "whether money of before lacks credit notes could not be looked up"),
    }
}

async fn clean_up(shop: Shop) {
    loop {
        for (what, result) in [
            ("expired sessions", shop.delete_expired_sessions().await),
            ("entries of the delivery log", shop.forget_old_downloads().await),
            ("bodies of Stripe's events", shop.drop_old_event_bodies().await),
            ("requests and sessions of libraries", shop.delete_old_access().await),
            ("sessions of the desk", shop.delete_ended_staff_sessions().await),
            ("forms that were not finished", shop.forget_old_forms().await),
            ("webhooks", shop.forget_old_webhooks().await),
            ("answers of the API", shop.forget_old_answers().await),
        ] {
            match result {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, what, "forgotten"),
                Err(error) => tracing::warn!(%error, what, "clean-up failed"),
            }
        }
        tokio::time::sleep(CLEANUP_PAUSE).await;
    }
}

/// Each object is taken away by itself, so the round may end anywhere.
async fn sweep(shop: Shop) {
    loop {
        tokio::time::sleep(SWEEP_PAUSE).await;
        if let Err(error) = shop.sweep_files().await {
            tracing::warn!(%error, "files that nothing refers to could not be looked for");
        }
    }
}
