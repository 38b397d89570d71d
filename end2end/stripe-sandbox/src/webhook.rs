//! Webhook delivery: signed, retried with back-off, each delivery on its own. Order is not promised.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::core::Core;
use crate::records::DeliveryStatus;
use crate::{clock, objects};

/// Deliveries under way at the same time.
const CONCURRENT: usize = 16;

/// The value of `Stripe-Signature` for a body at a time (docs.stripe.com/webhooks, "Verify webhook signatures manually").
#[must_use]
pub fn signature_header(secret: &str, timestamp: i64, body: &str) -> String {
    let mut signature = String::new();
    // HMAC takes keys of any length, so there is always a signature.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{timestamp}.{body}").as_bytes());
        signature = hex::encode(mac.finalize().into_bytes());
    }
    format!("t={timestamp},v1={signature}")
}

/// Something to send.
struct Job {
    delivery: String,
    url: String,
    secret: String,
    body: String,
}

/// Sends what is due, for ever. Ends when its task is aborted.
pub(crate) async fn run(core: Core) {
    loop {
        let (jobs, next) = take_due(&core);
        for job in jobs {
            let core = core.clone();
            tokio::spawn(async move { attempt(&core, job).await });
        }
        let pause = next.map_or(Duration::from_secs(3600), |at| {
            Duration::from_millis(u64::try_from(at - clock::now_millis()).unwrap_or(0))
        });
        tokio::select! {
            () = core.deliveries_changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Marks what is due as under way; also says when the next one will be due.
fn take_due(core: &Core) -> (Vec<Job>, Option<i64>) {
    let mut state = core.lock();
    let now = clock::now_millis();
    let state = &mut *state;
    // A window of held-back deliveries that did not fill goes as it is.
    let overdue: Vec<String> = state
        .deliveries
        .due_by(now)
        .iter()
        .filter_map(|id| state.deliveries.get(id))
        .filter(|delivery| delivery.held)
        .map(|delivery| delivery.endpoint.clone())
        .collect();
    for endpoint in overdue {
        state.release(&endpoint, now);
    }
    // When all places are taken, the end of an attempt wakes the loop again.
    let mut free = CONCURRENT.saturating_sub(state.deliveries.count("flying"));
    let mut jobs = Vec::new();
    for id in state.deliveries.due_by(clock::now_millis()) {
        if free == 0 {
            break;
        }
        let Some(delivery) = state.deliveries.get(&id) else { continue };
        let endpoint = state.endpoints.get(&delivery.endpoint);
        let event = state.events.get(&delivery.event);
        let (Some(endpoint), Some(event)) = (endpoint, event) else {
            state.deliveries.update(&id, |delivery| {
                delivery.status = DeliveryStatus::Failed;
                delivery.last_error = Some("the endpoint or the event is gone".to_owned());
            });
            continue;
        };
        // A shuffled order is only kept by sending one after the other.
        if endpoint.knobs.reorder > 1 && state.deliveries.count(&format!("flying={}", endpoint.id)) > 0 {
            continue;
        }
        jobs.push(Job {
            delivery: id.clone(),
            url: endpoint.url.clone(),
            secret: endpoint.secret.clone(),
            body: objects::event(event, event.endpoints).to_string(),
        });
        state.deliveries.update(&id, |delivery| delivery.in_flight = true);
        free -= 1;
    }
    // What is due already waits for a place, and is woken by the end of an attempt.
    let next = state.deliveries.next_due().filter(|at| *at > now);
    (jobs, next)
}

async fn attempt(core: &Core, job: Job) {
    let header = signature_header(&job.secret, clock::now(), &job.body);
    let sent = core
        .http()
        .post(&job.url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("accept", "*/*; q=0.5, application/xml")
        .header("cache-control", "no-cache")
        .header("stripe-signature", header)
        .timeout(core.config().webhook_timeout)
        .body(job.body)
        .send()
        .await;
    let (status, error) = match sent {
        Ok(answer) if answer.status().is_success() => (Some(answer.status().as_u16()), None),
        Ok(answer) => (Some(answer.status().as_u16()), Some(format!("answered {}", answer.status()))),
        Err(error) if error.is_timeout() => (None, Some("timed out".to_owned())),
        Err(error) => (None, Some(error.without_url().to_string())),
    };
    core.lock().deliveries.update(&job.delivery, |delivery| {
        delivery.in_flight = false;
        delivery.attempts += 1;
        delivery.last_status = status;
        delivery.last_error.clone_from(&error);
        let pause = core.config().retries.after(delivery.attempts);
        match (&error, pause) {
            (None, _) => delivery.status = DeliveryStatus::Delivered,
            (Some(_), Some(pause)) => {
                let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                delivery.next_attempt = clock::now_millis().saturating_add(pause);
            }
            (Some(_), None) => delivery.status = DeliveryStatus::Failed,
        }
        tracing::info!(
            delivery = %delivery.id, event = %delivery.event, kind = %delivery.event_type,
            attempt = delivery.attempts, status, error, "webhook"
        );
    });
    core.changed();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256_of_time_and_body() {
        // Computed with `printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test`.
        assert_eq!(signature_header("whsec_test", 1_700_000_000, "{}"), format!("t=1700000000,v1={EXPECTED}"));
    }

    const EXPECTED: &str = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
}
