//! Who may bring events: rows 1, 3 and 4.

use crate::support::{Options, Store, WEBHOOK_SECRET, event, on_both_databases, signature, v1};
use chrono::Utc;
use futures::StreamExt as _;
use reqwest::StatusCode;
use shop::Clock;
use shop::events::WebhookSecrets;

const SHAPES: usize = 26;

/// A valid delivery made invalid, in one of many ways; `i` chooses which, chance the place.
fn altered(i: usize, t: i64, body: &[u8]) -> (String, Vec<u8>) {
    let hash = v1(WEBHOOK_SECRET, &t.to_string(), body);
    let at = rand::random_range(0..body.len());
    let digit = rand::random_range(0..hash.len());
    let mut body = body.to_vec();
    let flipped = |text: &str, at: usize| {
        let mut text = text.as_bytes().to_vec();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(text).unwrap()
    };
    let good = format!("t={t},v1={hash}");
    let header = match i % SHAPES {
        0 | 1 => {
            body[at] ^= 1 << rand::random_range(0..8);
            good
        }
        2 => {
            body.insert(at, b' ');
            good
        }
        3 => {
            body.remove(at);
            good
        }
        4 => {
            body.truncate(at);
            good
        }
        5 => {
            body.push(b'\n');
            good
        }
        6 | 7 => format!("t={t},v1={}", flipped(&hash, digit)),
        8 => format!("t={},v1={hash}", t + rand::random_range(1..200)),
        9 => format!("t={},v1={hash}", t - rand::random_range(1..200)),
        10 => format!("t=0{t},v1={hash}"),
        11 => format!("t=+{t},v1={hash}"),
        12 => format!("t={t}.0,v1={hash}"),
        13 => format!("t={t},v1={}", &hash[..digit]),
        14 => format!("t={t},v1={hash}{}", &hash[..=digit]),
        15 => format!("t={t},v1={}", hash.to_uppercase()),
        16 => format!("t={t},v0={hash}"),
        17 => format!("v1={hash}"),
        18 => format!("t={t}"),
        19 => format!("t=,v1={hash}"),
        20 => format!("t={t},t={t},v1={hash}"),
        21 => format!("t={t};v1={hash}"),
        22 => hash,
        23 => ["", ",", "=", "t", "t=,v1=", "v1=,t=1", "\u{fc}", "t=99999999999999999999,v1=00"][at % 8].to_owned(),
        24 => format!("t={t},v1={}", v1("whsec_somebody_elses", &t.to_string(), &body)),
        _ => format!("t={t},v1={}", v1("", &t.to_string(), &body)),
    };
    (header, body)
}

#[test]
fn row_1_no_altered_delivery_is_accepted() {
    let secrets: WebhookSecrets = WEBHOOK_SECRET.parse().unwrap();
    let now = Utc::now();
    let body = event("evt_1", "checkout.session.completed", "cs_test_1", now.timestamp()).to_string().into_bytes();
    assert_eq!(secrets.verify(&signature(WEBHOOK_SECRET, now.timestamp(), &body), &body, now.naive_utc()), Ok(()));
    for i in 0..5_000 {
        let (header, altered) = altered(i, now.timestamp(), &body);
        assert!(
            secrets.verify(&header, &altered, now.naive_utc()).is_err(),
            "accepted: {header} over {}",
            String::from_utf8_lossy(&altered)
        );
    }
}

on_both_databases!(
    row_1_an_altered_delivery_is_a_400_and_nothing_is_stored,
    Options { webhooks: false, ..Options::default() },
    async |store| {
        let now = store.seconds();
        let body = event("evt_1", "checkout.session.completed", "cs_test_1", now).to_string().into_bytes();
        for i in 0..SHAPES * 12 {
            let (header, altered) = altered(i, now, &body);
            let status = store.deliver_signed(&store.url, &header, altered).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{header}");
        }
        let good = signature(WEBHOOK_SECRET, now, &body);
        let url = format!("{}/webhooks/stripe", store.url);
        let unsigned = store.http.post(&url).body(body.clone()).send().await.unwrap();
        assert_eq!(unsigned.status(), StatusCode::BAD_REQUEST);
        let twice = store
            .http
            .post(&url)
            .header("stripe-signature", &good)
            .header("stripe-signature", &good)
            .body(body.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(twice.status(), StatusCode::BAD_REQUEST);
        assert_eq!(store.count("stripe_event").await, 0);
        // It was the alteration, and nothing else, that was refused.
        assert_eq!(store.deliver_signed(&store.url, &good, body).await, StatusCode::OK);
        assert_eq!(store.count("stripe_event").await, 1);
    }
);

fn standing_still() -> Options {
    Options { workers: false, webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

on_both_databases!(row_3_a_signature_is_good_for_five_minutes_either_way, standing_still(), async |store| {
    let now = store.seconds();
    let mut accepted = 0;
    for (i, skew) in [-3_600, -301, -300, -299, 0, 299, 300, 301, 3_600].into_iter().enumerate() {
        let body = event(&format!("evt_{i}"), "product.created", "prod_1", now).to_string().into_bytes();
        let status = store.deliver_signed(&store.url, &signature(WEBHOOK_SECRET, now + skew, &body), body).await;
        let expected = if i64::abs(skew) <= 300 { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(status, expected, "skew {skew}");
        accepted += i64::from(status == StatusCode::OK);
    }
    assert_eq!((accepted, store.count("stripe_event").await), (5, 5));
    // The same signature is refused once its time is over.
    let body = event("evt_late", "product.created", "prod_1", now).to_string().into_bytes();
    let header = signature(WEBHOOK_SECRET, now, &body);
    store.shop.clock().advance(chrono::TimeDelta::seconds(301));
    assert_eq!(store.deliver_signed(&store.url, &header, body).await, StatusCode::BAD_REQUEST);
});

on_both_databases!(
    row_4_no_event_is_lost_while_the_secret_is_rotated,
    Options { webhooks: false, ..Options::default() },
    async |store| {
        const NEW: &str = "whsec_the_next_secret";
        let during = store.second(&format!("{WEBHOOK_SECRET}, {NEW}")).await;
        let after = store.second(NEW).await;
        let one = async |i: usize| {
            let body =
                event(&format!("evt_{i}"), "product.created", "prod_1", store.seconds()).to_string().into_bytes();
            let t = store.seconds().to_string();
            let (old, new) = (v1(WEBHOOK_SECRET, &t, &body), v1(NEW, &t, &body));
            // Stripe signs with both while the old one is being phased out.
            let (url, header) = match (i * 5 / 1_000, i % 2) {
                (0, _) => (&store.url, format!("t={t},v1={old}")),
                (1, _) => (&during.url, format!("t={t},v1={old}")),
                (2, 0) => (&during.url, format!("t={t},v1={old},v1={new}")),
                (2, _) => (&during.url, format!("t={t},v1={new},v1={old}")),
                (3, _) => (&during.url, format!("t={t},v1={new}")),
                _ => (&after.url, format!("t={t},v1={new},v0={old}")),
            };
            store.deliver_signed(url, &header, body).await
        };
        let statuses: Vec<StatusCode> = futures::stream::iter(0..1_000).map(one).buffer_unordered(8).collect().await;
        assert!(statuses.iter().all(|status| *status == StatusCode::OK));
        assert_eq!(store.count("stripe_event").await, 1_000);
        refused_by(store, &after.url, WEBHOOK_SECRET).await;
        refused_by(store, &store.url, NEW).await;
        assert_eq!(store.count("stripe_event").await, 1_000);
    }
);

async fn refused_by(store: &Store, url: &str, secret: &str) {
    let body = event("evt_refused", "product.created", "prod_1", store.seconds()).to_string().into_bytes();
    let header = signature(secret, store.seconds(), &body);
    assert_eq!(store.deliver_signed(url, &header, body).await, StatusCode::BAD_REQUEST);
}
