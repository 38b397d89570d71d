//! To somebody who works at the store: the link that sets her password.

use super::{Frame, rendered};
use crate::db::AnyConnection;
use crate::db::schema::users;
use crate::mailer::Letter;
use crate::secrets::Purpose;
use crate::{Error, Shop};
use askama::Template;
use chrono::NaiveDateTime;
use diesel::prelude::*;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    url: String,
    until: String,
    /// Whether the account has no password yet.
    invited: bool,
}

#[derive(Template)]
#[template(path = "password.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "password.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

/// The letter, as long as its link is good: the account's newest, not used, and not too old.
pub(super) fn letter(
    conn: &mut AnyConnection,
    shop: &Shop,
    user: i64,
    generation: i32,
) -> Result<Option<Letter>, Error> {
    let row: Option<(Option<NaiveDateTime>, Option<String>)> = users::table
        .find(user)
        .filter(users::link_generation.eq(generation))
        .filter(users::link_expires_at.gt(shop.0.clock.now()))
        .filter(users::disabled_at.is_null())
        .select((users::link_expires_at, users::password_hash))
        .first(conn)
        .optional()?;
    let Some((Some(until), password)) = row else { return Ok(None) };
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("Your account at {}", shop.store_name()),
        url: format!(
            "{}/admin/password#{}",
            shop.base_url(),
            shop.0.key.derive(Purpose::PasswordLink, user, generation)
        ),
        until: shop.notation().moment(until),
        invited: password.is_none(),
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render()).map(Some)
}
