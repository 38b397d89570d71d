//! Mail to be sent. A row is written in the transaction that gives the reason for it; a worker sends it later, at
//! least once, always under the same Message-ID.

mod feedback;
mod provider;
mod resend;
mod sending;

use crate::db::schema::{orders, outbox};
use crate::db::{AnyConnection, both};
use crate::privacy::is_erased;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

pub use provider::{Feedback, MailSignature, MailWebhookSecrets, MalformedEvent, MalformedMailSecret};
pub use resend::{MailSummary, Resent};
pub(crate) use resend::{note, queue_again};
pub use sending::Backlog;

/// The kinds of mail that go wherever their order is: written when they are sent, they can carry its living link, which is
/// nothing for an address that the order has left. The two that tell of a move go to the address that each is about.
pub(crate) const FOLLOWING: [&str; 4] = ["receipt", "free_order_link", "refund_notice", "edition_notice"];

/// What a mail says. All else that a row needs follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Receipt,
    FreeOrderLink,
    /// Of our refund's id.
    RefundNotice(i64),
    /// To the owner, of our dispute's id.
    DisputeNotice(i64),
    /// Link and code of a request for a library.
    AccessLink(i64),
    /// An order left this address, as its so many-th move.
    AddressLeft(i64),
    /// An order came to this address, as its so many-th move.
    AddressCame(i64),
    /// To a colleague: the link that sets her password, in its so many-th generation.
    PasswordLink {
        user: i64,
        generation: i32,
    },
    /// Of an edition's id; `first` is the address's first entitlement to the book, so that there is one mail for each.
    EditionNotice {
        edition: i64,
        first: i64,
    },
    /// To the owner, that this endpoint was disabled at that second.
    WebhookDisabled {
        endpoint: i64,
        at: i64,
    },
}

impl Kind {
    /// As the column `kind` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::FreeOrderLink => "free_order_link",
            Self::RefundNotice(_) => "refund_notice",
            Self::DisputeNotice(_) => "dispute_notice",
            Self::AccessLink(_) => "access_link",
            Self::AddressLeft(_) => "address_left",
            Self::AddressCame(_) => "address_came",
            Self::PasswordLink { .. } => "password_link",
            Self::EditionNotice { .. } => "edition_notice",
            Self::WebhookDisabled { .. } => "webhook_disabled",
        }
    }

    /// From the columns of a row.
    ///
    /// # Errors
    /// [`Error::Internal`] for a kind or a payload that is none of ours (a later version's row, say).
    pub(crate) fn read(name: &str, payload: &str) -> Result<Self, Error> {
        let id = |field: &str| {
            let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
            payload[field].as_i64().ok_or_else(|| Error::internal(format!("a {name} without its {field}")))
        };
        match name {
            "receipt" => Ok(Self::Receipt),
            "free_order_link" => Ok(Self::FreeOrderLink),
            "refund_notice" => Ok(Self::RefundNotice(id("refund_id")?)),
            "dispute_notice" => Ok(Self::DisputeNotice(id("dispute_id")?)),
            "access_link" => Ok(Self::AccessLink(id("request_id")?)),
            "address_left" => Ok(Self::AddressLeft(id("move")?)),
            "address_came" => Ok(Self::AddressCame(id("move")?)),
            "password_link" => {
                let generation = i32::try_from(id("generation")?);
                let generation = generation.map_err(|_| Error::internal("a password_link of no generation"))?;
                Ok(Self::PasswordLink { user: id("user_id")?, generation })
            }
            "edition_notice" => Ok(Self::EditionNotice { edition: id("edition_id")?, first: id("entitlement_id")? }),
            "webhook_disabled" => Ok(Self::WebhookDisabled { endpoint: id("endpoint_id")?, at: id("at")? }),
            other => Err(Error::internal(format!("no mail is called {other}"))),
        }
    }

    /// Whether it goes to a buyer, who may want to answer.
    pub(crate) const fn is_for_buyers(self) -> bool {
        !matches!(self, Self::DisputeNotice(_) | Self::WebhookDisabled { .. })
    }

    /// Whether it is one of [`FOLLOWING`].
    pub(crate) fn follows_its_order(self) -> bool {
        FOLLOWING.contains(&self.name())
    }

    /// Names rows by their ids and holds no secret: those are derived when the mail is sent.
    pub(crate) fn payload(self, order_id: Option<i64>) -> String {
        match self {
            Self::Receipt | Self::FreeOrderLink => json!({ "order_id": order_id }),
            Self::RefundNotice(id) => json!({ "order_id": order_id, "refund_id": id }),
            Self::DisputeNotice(id) => json!({ "order_id": order_id, "dispute_id": id }),
            Self::AccessLink(id) => json!({ "request_id": id }),
            Self::PasswordLink { user, generation } => json!({ "user_id": user, "generation": generation }),
            Self::AddressLeft(count) | Self::AddressCame(count) => json!({ "order_id": order_id, "move": count }),
            Self::EditionNotice { edition, first } => {
                json!({ "order_id": order_id, "edition_id": edition, "entitlement_id": first })
            }
            Self::WebhookDisabled { endpoint, at } => json!({ "endpoint_id": endpoint, "at": at }),
        }
        .to_string()
    }

    /// Two mails of the same key are one.
    pub(crate) fn dedupe_key(self, order_id: Option<i64>) -> String {
        let order = order_id.unwrap_or_default();
        match self {
            Self::Receipt | Self::FreeOrderLink => format!("{}:{order}", self.name()),
            Self::RefundNotice(id) | Self::DisputeNotice(id) | Self::AccessLink(id) => format!("{}:{id}", self.name()),
            Self::EditionNotice { edition, first } => format!("{}:{edition}:{first}", self.name()),
            Self::PasswordLink { user, generation } => format!("{}:{user}:{generation}", self.name()),
            Self::AddressLeft(count) | Self::AddressCame(count) => format!("{}:{order}:{count}", self.name()),
            Self::WebhookDisabled { endpoint, at } => format!("{}:{endpoint}:{at}", self.name()),
        }
    }
}

/// What a mail is, for the people at the desk; the kind's own name for one that this version does not know.
#[must_use]
pub fn label(kind: &str) -> &str {
    match kind {
        "receipt" => "Receipt",
        "free_order_link" => "Mail with the link",
        "refund_notice" => "Notice of a refund",
        "dispute_notice" => "Notice of a dispute to the owner",
        "access_link" => "Link to the library",
        "address_left" => "Notice to the old address",
        "address_came" => "Notice to the new address",
        "password_link" => "Link to a colleague",
        "edition_notice" => "Notice of a new edition",
        "webhook_disabled" => "Notice of a disabled webhook to the owner",
        other => other,
    }
}

/// Queues a mail, about an order if there is one; a second one of the same kind about the same thing is the same mail.
/// True if it is new. Nothing is written to a buyer who has been erased.
pub(crate) fn queue(
    conn: &mut AnyConnection,
    shop: &Shop,
    kind: Kind,
    recipient: &str,
    order_id: impl Into<Option<i64>>,
    now: NaiveDateTime,
) -> Result<bool, Error> {
    if is_erased(recipient) {
        return Ok(false);
    }
    let order_id: Option<i64> = order_id.into();
    let host = url::Url::parse(shop.base_url())
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "localhost".into());
    let values = (
        outbox::kind.eq(kind.name()),
        outbox::recipient.eq(recipient),
        outbox::order_id.eq(order_id),
        outbox::payload.eq(kind.payload(order_id)),
        outbox::dedupe_key.eq(kind.dedupe_key(order_id)),
        outbox::message_id.eq(format!("<{}@{host}>", Uuid::now_v7())),
        outbox::state.eq("queued"),
        outbox::attempts.eq(0),
        outbox::created_at.eq(now),
        outbox::next_at.eq(now),
    );
    let new = both!(conn, |c| diesel::insert_into(outbox::table).values(values).on_conflict_do_nothing().execute(c))?;
    Ok(new == 1)
}

/// Whether a mail that follows its order was written down for an address that the order has left since.
pub(crate) fn is_left_behind(
    conn: &mut AnyConnection,
    kind: Kind,
    order_id: Option<i64>,
    recipient: &str,
) -> Result<bool, Error> {
    let Some(order_id) = order_id.filter(|_| kind.follows_its_order()) else { return Ok(false) };
    let address: String = orders::table.find(order_id).select(orders::email).first(conn)?;
    Ok(address != recipient)
}

/// Gives a mail that follows its order the address that the order is under by now.
pub(crate) fn readdress(conn: &mut AnyConnection, id: i64) -> Result<(), Error> {
    let mail = outbox::table.find(id).filter(outbox::kind.eq_any(FOLLOWING)).inner_join(orders::table);
    let address: Option<String> = mail.select(orders::email).first(conn).optional()?;
    if let Some(address) = address {
        diesel::update(outbox::table.find(id)).set(outbox::recipient.eq(&address)).execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_queued() {
        for (kind, key) in [
            (Kind::Receipt, "receipt:7"),
            (Kind::FreeOrderLink, "free_order_link:7"),
            (Kind::RefundNotice(3), "refund_notice:3"),
            (Kind::DisputeNotice(4), "dispute_notice:4"),
            (Kind::AccessLink(5), "access_link:5"),
            (Kind::AddressLeft(1), "address_left:7:1"),
            (Kind::AddressCame(1), "address_came:7:1"),
            (Kind::EditionNotice { edition: 5, first: 6 }, "edition_notice:5:6"),
            (Kind::PasswordLink { user: 8, generation: 2 }, "password_link:8:2"),
            (Kind::WebhookDisabled { endpoint: 2, at: 1_790_000_000 }, "webhook_disabled:2:1790000000"),
        ] {
            assert_eq!(Kind::read(kind.name(), &kind.payload(Some(7))).unwrap(), kind);
            assert_eq!(kind.dedupe_key(Some(7)), key);
        }
        let following = [Kind::Receipt, Kind::FreeOrderLink, Kind::RefundNotice(3)];
        assert!(following.into_iter().all(Kind::follows_its_order) && FOLLOWING.len() == following.len() + 1);
        assert!(Kind::EditionNotice { edition: 5, first: 6 }.follows_its_order());
        let staying = [Kind::AddressLeft(1), Kind::AddressCame(1), Kind::AccessLink(5), Kind::DisputeNotice(4)];
        assert!(!staying.into_iter().any(Kind::follows_its_order));
        assert!(Kind::read("newsletter", "{}").is_err());
        assert!(Kind::read("refund_notice", "{\"order_id\":7}").is_err());
        assert!(Kind::read("refund_notice", "").is_err());
    }
}
