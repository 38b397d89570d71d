//! The access log: every claim and stream, and what was refused.

use super::Visitor;
use crate::db::Value::{End, MaybeNumber, MaybeText, Moment, Number, Text};
use crate::db::{AnyConnection, Constant};
use crate::{Error, Shop, limits};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// An entry of the access log to be.
pub(super) struct Entry<'a> {
    pub(super) token_id: i64,
    pub(super) claim_id: Option<i64>,
    pub(super) book_file_id: Option<i64>,
    pub(super) range: Option<String>,
    pub(super) visitor: &'a Visitor,
}

impl Entry<'_> {
    pub(super) fn log(&self, conn: &mut AnyConnection, shop: &Shop, status: i32, reason: &str) -> Result<i64, Error> {
        let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        let (agent, range) = (cut(&self.visitor.user_agent), self.range.as_deref().map(cut));
        let written = Constant(&[
            (
                "INSERT INTO download_log (bytes, token_id, claim_id, book_file_id, at, ip_prefix, user_agent, range, status, reason) \
                 VALUES (0, ",
                Number(self.token_id),
            ),
            (", ", MaybeNumber(self.claim_id)),
            (", ", MaybeNumber(self.book_file_id)),
            (", ", Moment(shop.0.clock.now())),
            (", ", Text(&limits::log_prefix(self.visitor.ip))),
            (", ", Text(&agent)),
            (", ", MaybeText(range.as_deref())),
            (", ", Number(status.into())),
            (", ", Text(reason)),
            (") RETURNING id", End),
        ]);
        Ok(written.asking::<BigInt>().get_result(conn)?)
    }
}
