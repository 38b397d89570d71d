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
    let mut free = CONCURRENT.saturating_sub(state.deliveries.iter().filter(|d| d.in_flight).count());
    let mut jobs = Vec::new();
    let mut next: Option<i64> = None;
    for delivery in state.deliveries.iter_mut() {
        if delivery.in_flight || delivery.status != DeliveryStatus::Pending {
            continue;
        }
        if delivery.next_attempt > now {
            next = Some(next.map_or(delivery.next_attempt, |at| at.min(delivery.next_attempt)));
            continue;
        }
        // When all places are taken, the end of an attempt wakes the loop again.
        if free == 0 {
            continue;
        }
        let endpoint = state.endpoints.iter().find(|endpoint| endpoint.id == delivery.endpoint);
        let event = state.events.get(&delivery.event);
        let (Some(endpoint), Some(event)) = (endpoint, event) else {
            delivery.status = DeliveryStatus::Failed;
            delivery.last_error = Some("the endpoint is gone".to_owned());
            continue;
        };
        delivery.in_flight = true;
        free -= 1;
        jobs.push(Job {
            delivery: delivery.id.clone(),
            url: endpoint.url.clone(),
            secret: endpoint.secret.clone(),
            body: objects::event(event, event.endpoints).to_string(),
        });
    }
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
    {
        let mut state = core.lock();
        if let Some(delivery) = state.deliveries.get_mut(&job.delivery) {
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
        }
    }
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
