//! Mail to be sent. A row is written in the transaction that gives the reason for it; a worker sends it later, at
//! least once, always under the same Message-ID.

mod feedback;
mod sending;

use crate::db::schema::outbox;
use crate::db::{AnyConnection, both};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

pub use feedback::{Feedback, MailSignature, MailWebhookSecrets, MalformedMailSecret};
pub use sending::Backlog;

/// Queues one mail of this `kind` for an order; a second one for the same order is the same mail.
pub(crate) fn queue(
    conn: &mut AnyConnection,
    shop: &Shop,
    kind: &str,
    recipient: &str,
    order_id: i64,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let payload = json!({ "order_id": order_id });
    queue_about(conn, shop, kind, recipient, order_id, payload, &format!("{kind}:{order_id}"), now)
}

/// Queues one mail of this `kind` about an order; a second one with the same `dedupe_key` is the same mail. The payload
/// names rows by their ids and holds no secret: those are derived when the mail is sent.
#[expect(clippy::too_many_arguments, reason = "a mail is what its row is")]
pub(crate) fn queue_about(
    conn: &mut AnyConnection,
    shop: &Shop,
    kind: &str,
    recipient: &str,
    order_id: i64,
    payload: serde_json::Value,
    dedupe_key: &str,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let host = url::Url::parse(shop.base_url())
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "localhost".into());
    let values = (
        outbox::kind.eq(kind),
        outbox::recipient.eq(recipient),
        outbox::order_id.eq(order_id),
        outbox::payload.eq(payload.to_string()),
        outbox::dedupe_key.eq(dedupe_key),
        outbox::message_id.eq(format!("<{}@{host}>", Uuid::now_v7())),
        outbox::state.eq("queued"),
        outbox::attempts.eq(0),
        outbox::created_at.eq(now),
        outbox::next_at.eq(now),
    );
    both!(conn, |c| diesel::insert_into(outbox::table).values(values).on_conflict_do_nothing().execute(c))?;
    Ok(())
}
