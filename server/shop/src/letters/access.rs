//! Link and code that open the library of an address.

use super::{Frame, rendered};
use crate::db::AnyConnection;
use crate::db::schema::access_request;
use crate::mailer::Letter;
use crate::secrets::Purpose;
use crate::types::AccessCode;
use crate::{Error, Shop};
use askama::Template;
use chrono::NaiveDateTime;
use diesel::prelude::*;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    url: String,
    code: AccessCode,
    until: String,
}

#[derive(Template)]
#[template(path = "access.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "access.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

/// The letter, as long as what it brings is good for something.
pub(super) fn letter(conn: &mut AnyConnection, shop: &Shop, request_id: i64) -> Result<Option<Letter>, Error> {
    let until: Option<NaiveDateTime> = access_request::table
        .find(request_id)
        .filter(access_request::state.eq("mailed"))
        .filter(access_request::consumed_at.is_null())
        .filter(access_request::expires_at.gt(shop.0.clock.now()))
        .select(access_request::expires_at)
        .first(conn)
        .optional()?;
    let Some(until) = until else { return Ok(None) };
    let key = &shop.0.key;
    let facts = Facts {
        frame: Frame::new(shop),
        // Not the code: a subject is read over shoulders and on locked screens.
        subject: format!("Your books at {}", shop.store_name()),
        url: format!("{}/library/open#{}", shop.base_url(), key.derive(Purpose::LibraryLink, request_id, 0)),
        code: key.library_code(request_id),
        until: shop.notation().moment(until),
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render()).map(Some)
}
