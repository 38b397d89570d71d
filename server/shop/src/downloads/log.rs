//! The access log: every claim and stream, and what was refused.

use super::Visitor;
use crate::db::AnyConnection;
use crate::db::schema::download_log;
use crate::{Error, Shop, limits};
use diesel::prelude::*;

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
        Ok(diesel::insert_into(download_log::table)
            .values((
                download_log::token_id.eq(self.token_id),
                download_log::claim_id.eq(self.claim_id),
                download_log::book_file_id.eq(self.book_file_id),
                download_log::at.eq(shop.0.clock.now()),
                download_log::ip_prefix.eq(limits::log_prefix(self.visitor.ip)),
                download_log::user_agent.eq(cut(&self.visitor.user_agent)),
                download_log::range.eq(self.range.as_deref().map(cut)),
                download_log::status.eq(status),
                download_log::bytes.eq(0_i64),
                download_log::reason.eq(reason),
            ))
            .returning(download_log::id)
            .get_result(conn)?)
    }
}
