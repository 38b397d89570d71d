//! What the mail provider says later, kept: delivered, bounced, marked as spam.

use super::provider::{Feedback, Outcome};
use crate::db::schema::outbox;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;

impl Shop {
    /// Keeps what the provider said. The order of events does not matter, nor does hearing one twice: a bounce is final,
    /// and a complaint is kept beside the state. False if the mail is none of ours.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_mail_feedback(&self, feedback: Feedback) -> Result<bool, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let mail = outbox::table.filter(outbox::message_id.eq(&feedback.message_id));
                let Some((id, state, sent_at, complained_at)) = mail
                    .select((outbox::id, outbox::state, outbox::sent_at, outbox::complained_at))
                    .first::<(i64, String, Option<NaiveDateTime>, Option<NaiveDateTime>)>(conn)
                    .optional()?
                else {
                    return Ok(false);
                };
                let complained = feedback.outcome == Outcome::Complained;
                let (new_state, error) = match &feedback.outcome {
                    Outcome::Bounced(why) => ("bounced", Some(why.as_str())),
                    // Who complains has got it.
                    Outcome::Delivered | Outcome::Complained => ("delivered", None),
                };
                let changes = state != new_state && state != "bounced";
                if changes {
                    // Whatever we knew: the relay had it, so there is nothing left to send.
                    diesel::update(outbox::table.find(id).filter(outbox::state.ne("bounced")))
                        .set((
                            outbox::state.eq(new_state),
                            outbox::error.eq(error),
                            outbox::sent_at.eq(sent_at.unwrap_or(now)),
                            outbox::lease_until.eq(None::<NaiveDateTime>),
                            outbox::feedback_at.eq(now),
                        ))
                        .execute(conn)?;
                }
                if complained && complained_at.is_none() {
                    diesel::update(outbox::table.find(id))
                        .set((outbox::complained_at.eq(now), outbox::feedback_at.eq(now)))
                        .execute(conn)?;
                }
                Ok(true)
            })
            .await
    }
}
