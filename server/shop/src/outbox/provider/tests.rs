//! The standard's own example, and what must not pass.

use super::*;
use chrono::{DateTime, TimeDelta};
use serde_json::json;

/// From the test suite of the standard's reference libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn at(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap().naive_utc()
}

fn header<'a>(id: &'a str, timestamp: &'a str, signatures: &'a str) -> MailSignature<'a> {
    MailSignature { id, timestamp, signatures }
}

#[test]
fn the_standards_example_is_accepted_and_nothing_like_it() {
    let secrets: MailWebhookSecrets = SECRET.parse().unwrap();
    let now = at(1_614_265_330);
    assert!(secrets.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, now));
    let among_others = format!("v1,AAAA v1a,{} {SIGNATURE} v2,x", &SIGNATURE[3..]);
    assert!(secrets.verify(header(ID, TIMESTAMP, &among_others), BODY, now));
    for (skew, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
        assert_eq!(secrets.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, now + TimeDelta::seconds(skew)), good);
    }
    for (id, timestamp, signatures) in [
        ("msg_other", TIMESTAMP, SIGNATURE),
        ("", TIMESTAMP, SIGNATURE),
        (ID, "1614265331", SIGNATURE),
        (ID, "+1614265330", SIGNATURE),
        (ID, " 1614265330", SIGNATURE),
        (ID, "1614265330.0", SIGNATURE),
        (ID, "", SIGNATURE),
        (ID, "99999999999999999999", SIGNATURE),
        (ID, TIMESTAMP, ""),
        (ID, TIMESTAMP, &SIGNATURE[3..]),
        (ID, TIMESTAMP, "v1,"),
        (ID, TIMESTAMP, "v1,g0hM9SsE"),
        (ID, TIMESTAMP, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (ID, TIMESTAMP, "v1,G0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ] {
        assert!(!secrets.verify(header(id, timestamp, signatures), BODY, now), "{id} {timestamp} {signatures}");
    }
    for i in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[i] ^= 1;
        assert!(!secrets.verify(header(ID, TIMESTAMP, SIGNATURE), &body, now));
    }
}

#[test]
fn secrets_can_be_rotated_and_are_never_printed() {
    let both: MailWebhookSecrets = format!("whsec_{}, {SECRET}", STANDARD.encode([7; 32])).parse().unwrap();
    assert!(both.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, at(1_614_265_330)));
    let other: MailWebhookSecrets = format!("whsec_{}", STANDARD.encode([7; 32])).parse().unwrap();
    assert!(!other.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, at(1_614_265_330)));
    // A secret that is its own key.
    let literal = "aha-0123456789abcdef0123456789abcdef";
    let signature = format!("v1,{}", STANDARD.encode(sign(literal.as_bytes(), ID, TIMESTAMP, BODY)));
    let secrets: MailWebhookSecrets = literal.parse().unwrap();
    assert!(secrets.verify(header(ID, TIMESTAMP, &signature), BODY, at(1_614_265_330)));
    assert!(!format!("{both:?}{secrets:?}").contains("0123456789"));
    for bad in [
        "",
        " ",
        "whsec_",
        "whsec_c2hvcnQ=",
        "short",
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA,",
        ",",
        "whsec_AAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(bad.parse::<MailWebhookSecrets>().is_err(), "{bad}");
    }
}

#[test]
fn events_are_read_and_others_left_alone() {
    let read = |event: Value| Feedback::parse(event.to_string().as_bytes()).unwrap();
    let id = "<0199@books.example.org>";
    let feedback = |outcome| Some(Feedback { message_id: id.to_owned(), outcome });
    let event = |kind: &str| read(json!({ "type": kind, "data": { "message_id_header": id } }));
    assert_eq!(event("message.delivered"), feedback(Outcome::Delivered));
    assert_eq!(event("message.failed"), feedback(Outcome::Bounced("message.failed".into())));
    assert_eq!(event("message.suppressed"), feedback(Outcome::Bounced("message.suppressed".into())));
    for other in ["message.reception", "message.transient_error", "message.opened", "domain.dns_error", "delivered", ""]
    {
        assert_eq!(event(other), None, "{other}");
    }
    let bounced = json!({ "type": "message.bounced", "data": {
        "message_id_header": id, "delivery_attempt": { "smtp_code": 550, "response": "No such\r\nmailbox\u{0}" },
    } });
    assert_eq!(read(bounced), feedback(Outcome::Bounced("550 No such  mailbox ".into())));
    let complained = json!({ "type": "email.complained", "data": { "message_id": "0199@books.example.org" } });
    assert_eq!(read(complained), feedback(Outcome::Complained));
    for nameless in [json!({}), json!({ "message_id": 7 }), json!({ "message_id": "no-at-sign" }), json!(null)] {
        assert_eq!(read(json!({ "type": "email.delivered", "data": nameless })), None);
    }
    for bad in [&b""[..], b"{}", b"[]", b"null", b"{\"type\":7}", b"\xff", b"{\"type\":\"email.delivered\""] {
        assert!(Feedback::parse(bad).is_err());
    }
}
