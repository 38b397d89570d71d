//! Mails for the operator: which wait, which have failed, and once more.

use super::readdress;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{orders, outbox};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

/// A mail as `octavo mail list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct MailSummary {
    /// Our id.
    pub id: i64,
    /// `receipt`, `free_order_link`, `refund_notice` or `dispute_notice`.
    pub kind: String,
    /// Whom it goes to.
    pub recipient: String,
    /// The number of the order that it is about.
    #[diesel(select_expression = orders::number.nullable())]
    pub order: Option<String>,
    /// `queued`, `leased`, `sent`, `delivered`, `bounced` or `dead`.
    pub state: String,
    /// How often it was tried since it was queued.
    pub attempts: i32,
    /// When it was first queued.
    pub created_at: NaiveDateTime,
    /// When it is due, if it is still to be sent.
    pub next_at: NaiveDateTime,
    /// Why it is where it is.
    pub error: Option<String>,
}

/// What [`Shop::resend_mail`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It is due now; this is the state it was in.
    Queued(String),
    /// A worker has it right now. Its lease ends within minutes.
    BeingSent,
    /// It has arrived as far as anybody knows: this is the state it is in.
    NotNeeded(String),
    /// There is no such mail.
    Unknown,
}

/// What can be sent once more: what waits for its next attempt, was given up, or came back.
const RESENDABLE: [&str; 3] = ["queued", "dead", "bounced"];

impl Shop {
    /// The newest mails, of one state or of all, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_mails(&self, state: Option<String>, limit: u32) -> Result<Vec<MailSummary>, Error> {
        self.0
            .db
            .read(move |conn| {
                let mut mails = outbox::table.left_join(orders::table).into_boxed();
                if let Some(state) = state {
                    mails = mails.filter(outbox::state.eq(state));
                }
                Ok(mails.order(outbox::id.desc()).limit(limit.into()).select(MailSummary::as_select()).load(conn)?)
            })
            .await
    }

    /// Has a mail sent once more that was given up, came back, or waits for its next attempt. A store that is open does
    /// it within seconds.
    ///
    /// What came back goes out under a new Message-ID: the provider may still have things to say about the old one, and
    /// nobody has that mail. Anything else keeps its own, under which mail programs show it once, should the relay have
    /// taken it after all.
    ///
    /// # Errors
    /// The database's.
    pub async fn resend_mail(&self, id: i64, actor: &Actor) -> Result<Resent, Error> {
        let (now, actor) = (self.0.clock.now(), *actor);
        self.0
            .db
            .write(move |conn| {
                let resent = queue_again(conn, id, &RESENDABLE, now)?;
                if let Resent::Queued(was) = &resent {
                    note(conn, id, was, &actor)?;
                }
                Ok(resent)
            })
            .await
            .inspect(|_| self.0.mail_waiting.notify_one())
    }
}

/// Makes a mail due once more that is in one of these states. One about an order goes to the address that the order is under
/// by now.
pub(crate) fn queue_again(
    conn: &mut AnyConnection,
    id: i64,
    states: &[&str],
    now: NaiveDateTime,
) -> Result<Resent, Error> {
    let mail = outbox::table.find(id);
    let Some((was, message_id)) =
        mail.select((outbox::state, outbox::message_id)).first::<(String, String)>(conn).optional()?
    else {
        return Ok(Resent::Unknown);
    };
    // A mail program would take the second one of a name for the first.
    let message_id = if ["queued", "dead"].contains(&was.as_str()) { message_id } else { renewed(&message_id) };
    let resendable = mail.filter(outbox::state.eq_any(states)).filter(outbox::state.eq(&was));
    let queued = diesel::update(resendable)
        .set((
            outbox::state.eq("queued"),
            outbox::message_id.eq(message_id),
            outbox::attempts.eq(0),
            outbox::next_at.eq(now),
            outbox::lease_until.eq(None::<NaiveDateTime>),
            outbox::sent_at.eq(None::<NaiveDateTime>),
            outbox::feedback_at.eq(None::<NaiveDateTime>),
            outbox::error.eq(None::<String>),
        ))
        .execute(conn)?;
    if queued > 0 {
        readdress(conn, id)?;
    }
    Ok(match was.as_str() {
        _ if queued > 0 => Resent::Queued(was),
        "sent" | "delivered" => Resent::NotNeeded(was),
        _ => Resent::BeingSent,
    })
}

/// Writes into the audit that a mail goes out once more.
pub(crate) fn note(conn: &mut AnyConnection, id: i64, was: &str, actor: &Actor) -> Result<(), Error> {
    let row = outbox::table.find(id).left_join(orders::table).select((outbox::kind, orders::number.nullable()));
    let (kind, number): (String, Option<String>) = row.first(conn)?;
    let object = number.map_or_else(|| format!("mail:{id}"), |number| format!("order:{number}"));
    audit::record(conn, actor, "mail.resent", object, Some(json!({ "mail": kind, "state": was })), None)
}

/// Another Message-ID (RFC 5322 3.6.4) of the same host.
fn renewed(message_id: &str) -> String {
    let host = message_id.rsplit_once('@').map_or("localhost>", |(_, host)| host);
    format!("<{}@{host}", Uuid::now_v7())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_message_id_is_of_the_same_host() {
        let old = "<019a0000-0000-7000-8000-000000000000@books.example.org>";
        let new = renewed(old);
        assert!(new.starts_with('<') && new.ends_with("@books.example.org>") && new.len() == old.len(), "{new}");
        assert_ne!(new, old);
    }
}
