//! What is told: the types, and how each is put.
//!
//! The payloads are thin: they name an order by its number and a book by its slug, and whoever is told asks for the rest.
//! `version` is that of the payload's form: fields are added without a new one, and none changes its meaning.

use crate::Error;
use crate::db::Value::End;
use crate::db::schema::{
    book, entitlement, order_item, orders, refund, refund_item, webhook_delivery, webhook_message,
};
use crate::db::{AnyConnection, Constant};
use crate::types::{InvoiceKind, OrderNumber, RefundStatus};
use chrono::{NaiveDateTime, SecondsFormat};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The version of the payloads' form.
const VERSION: u8 = 1;

macro_rules! event_types {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $label:literal;)+) => {
        /// Something that happens, and that an endpoint may be told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$meta])* $variant,)+
        }

        impl EventType {
            /// All of them, in the order in which people read them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// When it is told, for the people at the desk.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

event_types! {
    /// An order is paid, or was given away.
    OrderSucceeded = "order.succeeded", "An order is paid, or was given away";
    /// Money of an order has gone back.
    OrderRefunded = "order.refunded", "Money has gone back to a buyer";
    /// Money that was to go back did not.
    OrderRefundFailed = "order.refund_failed", "A refund has failed";
    /// An invoice has its number.
    InvoiceCreated = "invoice.created", "An invoice is issued";
    /// A credit note has its number.
    CreditNoteCreated = "credit_note.created", "A credit note is issued";
    /// A title is a buyer's.
    EntitlementGranted = "entitlement.granted", "A title is a buyer’s";
    /// It is not any more.
    EntitlementRevoked = "entitlement.revoked", "A title is taken back";
    /// It waits until a bank has decided.
    EntitlementFrozen = "entitlement.frozen", "A title waits for a bank’s decision";
    /// It is the buyer's again.
    EntitlementRestored = "entitlement.restored", "A title is the buyer’s again";
    /// One of a title's downloads was begun.
    DownloadClaimed = "download.claimed", "A download is begun";
    /// A title's downloads were renewed.
    DownloadRenewed = "download.renewed", "A title’s downloads are renewed";
}

/// What a test sends, to one endpoint, whatever it listens for.
pub(super) const TEST: &str = "webhook.test";

impl EventType {
    /// The type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// The column `events`: each name followed by a space.
pub(super) fn column(events: &[EventType]) -> String {
    let mut sorted = events.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.into_iter().map(|kind| format!("{} ", kind.as_str())).collect()
}

/// From the column. A name of a later version's is left out.
pub(super) fn of_column(events: &str) -> Vec<EventType> {
    events.split_whitespace().filter_map(EventType::parse).collect()
}

/// The endpoints that are told something at all. In most stores there is none, and asking is all that it costs: one look
/// into an index that is empty then, in the transaction itself, so that it is right whichever process added an endpoint.
pub(crate) struct Listeners(Vec<(i64, String)>);

impl Listeners {
    /// Those of this moment.
    pub(crate) fn load(conn: &mut AnyConnection) -> Result<Self, Error> {
        // In the words of the index `webhook_endpoint_enabled`.
        let enabled = Constant(&[("SELECT id, events FROM webhook_endpoint WHERE state = 'enabled' ORDER BY id", End)]);
        Ok(Self(enabled.asking::<(BigInt, Text)>().load(conn)?))
    }

    /// Whether anybody listens for this.
    pub(crate) fn any(&self, kind: EventType) -> bool {
        self.0.iter().any(|(_, events)| listens(events, kind))
    }

    /// Tells those who listen for it, if there are any.
    pub(crate) fn tell(
        &self,
        conn: &mut AnyConnection,
        kind: EventType,
        now: NaiveDateTime,
        data: impl FnOnce(&mut AnyConnection) -> Result<Value, Error>,
    ) -> Result<(), Error> {
        let endpoints: Vec<i64> =
            self.0.iter().filter(|(_, events)| listens(events, kind)).map(|(id, _)| *id).collect();
        if endpoints.is_empty() {
            return Ok(());
        }
        let data = data(conn)?;
        write(conn, kind.as_str(), &endpoints, now, data).map(drop)
    }

    /// That an order is paid, or given away.
    pub(crate) fn order_succeeded(
        &self,
        conn: &mut AnyConnection,
        order_id: i64,
        now: NaiveDateTime,
    ) -> Result<(), Error> {
        self.tell(conn, EventType::OrderSucceeded, now, |conn| {
            type Row = (String, i64, String, Option<String>, Option<i64>);
            let (number, total, currency, country, checkout): Row = orders::table
                .find(order_id)
                .select((orders::number, orders::amount_total, orders::currency, orders::country, orders::checkout_id))
                .first(conn)?;
            let books: Vec<String> = order_item::table
                .inner_join(book::table)
                .filter(order_item::order_id.eq(order_id))
                .order(order_item::position)
                .select(book::slug)
                .load(conn)?;
            Ok(json!({
                "order": public(&number)?,
                "total": { "amount": total, "currency": currency },
                "country": country,
                "books": books,
                "gift": checkout.is_none(),
            }))
        })
    }
}

/// A document that was issued.
pub(crate) struct Issued<'a> {
    pub(crate) kind: InvoiceKind,
    pub(crate) number: &'a str,
    /// As the row has it.
    pub(crate) order: &'a str,
    pub(crate) reason: &'static str,
    pub(crate) total: i64,
    pub(crate) tax: i64,
    pub(crate) currency: &'a str,
    /// The number of what it corrects.
    pub(crate) corrects: Option<&'a str>,
}

/// Tells that an invoice or a credit note was issued. Whom it is made out to, nobody is told.
pub(crate) fn document_issued(conn: &mut AnyConnection, issued: &Issued<'_>, now: NaiveDateTime) -> Result<(), Error> {
    let kind = match issued.kind {
        InvoiceKind::Invoice => EventType::InvoiceCreated,
        InvoiceKind::CreditNote => EventType::CreditNoteCreated,
    };
    Listeners::load(conn)?.tell(conn, kind, now, |_| {
        let money = |amount: i64| json!({ "amount": amount, "currency": issued.currency });
        Ok(json!({
            "order": public(issued.order)?,
            "number": issued.number,
            "reason": issued.reason,
            "total": money(issued.total),
            "tax": money(issued.tax),
            "corrects": issued.corrects,
        }))
    })
}

fn listens(events: &str, kind: EventType) -> bool {
    events.split_whitespace().any(|name| name == kind.as_str())
}

/// An order's number as people and addresses have it.
pub(crate) fn public(number: &str) -> Result<String, Error> {
    let number: OrderNumber = number.parse().map_err(|_| Error::internal("a webhook of an order: bad number"))?;
    Ok(number.to_string())
}

/// What became of the right to a title.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The item of the order.
    pub(crate) item_id: i64,
    /// What.
    pub(crate) kind: EventType,
    /// Why it is gone or waits.
    pub(crate) reason: Option<String>,
}

/// Tells what became of the rights to an order's titles.
pub(crate) fn rights_changed(
    conn: &mut AnyConnection,
    listeners: &Listeners,
    order_id: i64,
    changes: &[Change],
    now: NaiveDateTime,
) -> Result<(), Error> {
    if !changes.iter().any(|change| listeners.any(change.kind)) {
        return Ok(());
    }
    let number: String = orders::table.find(order_id).select(orders::number).first(conn)?;
    let order = public(&number)?;
    for change in changes {
        listeners.tell(conn, change.kind, now, |conn| {
            let slug: String = order_item::table
                .inner_join(book::table)
                .filter(order_item::id.eq(change.item_id))
                .select(book::slug)
                .first(conn)?;
            Ok(match &change.reason {
                Some(reason) => json!({ "order": order, "book": slug, "reason": reason }),
                None => json!({ "order": order, "book": slug }),
            })
        })?;
    }
    Ok(())
}

/// Tells what a refund has come to, if that is an end.
pub(crate) fn refund_came_to(
    conn: &mut AnyConnection,
    refund_id: i64,
    status: RefundStatus,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let kind = match status {
        RefundStatus::Succeeded => EventType::OrderRefunded,
        RefundStatus::Failed | RefundStatus::Canceled => EventType::OrderRefundFailed,
        RefundStatus::Requested | RefundStatus::Pending | RefundStatus::RequiresAction => return Ok(()),
    };
    Listeners::load(conn)?.tell(conn, kind, now, |conn| {
        let (number, stripe_id, amount, currency): (String, Option<String>, i64, String) = refund::table
            .inner_join(orders::table)
            .filter(refund::id.eq(refund_id))
            .select((orders::number, refund::stripe_id, refund::amount, refund::currency))
            .first(conn)?;
        // The titles whose money it is.
        let books: Vec<String> = refund_item::table
            .inner_join(order_item::table.inner_join(book::table))
            .filter(refund_item::refund_id.eq(refund_id))
            .order(order_item::position)
            .select(book::slug)
            .load(conn)?;
        Ok(json!({
            "order": public(&number)?,
            "refund": stripe_id,
            "amount": { "amount": amount, "currency": currency },
            "books": books,
        }))
    })
}

/// Who had a title's downloads begun or renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DownloadBy {
    /// Its buyer.
    Buyer,
    /// Somebody at the desk.
    Desk,
}

impl Listeners {
    /// What happened to a title's downloads.
    pub(crate) fn download(
        &self,
        conn: &mut AnyConnection,
        kind: EventType,
        entitlement_id: i64,
        by: DownloadBy,
        now: NaiveDateTime,
    ) -> Result<(), Error> {
        self.tell(conn, kind, now, |conn| {
            let (number, slug): (String, String) = entitlement::table
                .inner_join(order_item::table.inner_join(orders::table))
                .inner_join(book::table)
                .filter(entitlement::id.eq(entitlement_id))
                .select((orders::number, book::slug))
                .first(conn)?;
            let by = match by {
                DownloadBy::Buyer => "buyer",
                DownloadBy::Desk => "desk",
            };
            Ok(json!({ "order": public(&number)?, "book": slug, "by": by }))
        })
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    version: u8,
    timestamp: String,
    data: Value,
}

/// Writes a message with a delivery to each endpoint, due at once. Gives the ids of the deliveries.
pub(super) fn write(
    conn: &mut AnyConnection,
    kind: &str,
    endpoints: &[i64],
    now: NaiveDateTime,
    data: Value,
) -> Result<Vec<i64>, Error> {
    let timestamp = now.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true);
    let body = serde_json::to_string(&Payload { r#type: kind, version: VERSION, timestamp, data })
        .map_err(|error| Error::internal(format!("a webhook's payload: {error}")))?;
    let message: i64 = diesel::insert_into(webhook_message::table)
        .values((
            // Has no full stop in it, which the signature's parts are kept apart by.
            webhook_message::public_id.eq(format!("msg_{}", Uuid::now_v7().simple())),
            webhook_message::type_.eq(kind),
            webhook_message::body.eq(body),
            webhook_message::created_at.eq(now),
        ))
        .returning(webhook_message::id)
        .get_result(conn)?;
    let mut deliveries = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        deliveries.push(
            diesel::insert_into(webhook_delivery::table)
                .values((
                    webhook_delivery::message_id.eq(message),
                    webhook_delivery::endpoint_id.eq(endpoint),
                    webhook_delivery::state.eq("waiting"),
                    webhook_delivery::attempts.eq(0),
                    webhook_delivery::next_at.eq(now),
                ))
                .returning(webhook_delivery::id)
                .get_result(conn)?,
        );
    }
    Ok(deliveries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_lists_types_and_no_part_of_a_name_is_one() {
        let both = [EventType::OrderRefundFailed, EventType::OrderSucceeded, EventType::OrderSucceeded];
        assert_eq!(column(&both), "order.succeeded order.refund_failed ");
        assert_eq!(of_column(&column(&both)), [EventType::OrderSucceeded, EventType::OrderRefundFailed]);
        assert_eq!(of_column("order.succeeded a.later.one "), [EventType::OrderSucceeded]);
        assert!(listens("order.refund_failed ", EventType::OrderRefundFailed));
        assert!(!listens("order.refund_failed ", EventType::OrderRefunded));
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(*kind));
            // What the specification asks of a name.
            let name = kind.as_str();
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_'), "{name}");
        }
        assert_eq!(EventType::parse(TEST), None);
    }
}
