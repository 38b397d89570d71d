//! To the owner: a webhook's endpoint was disabled, because it said that it is gone or because it failed for days.

use super::{Frame, rendered};
use crate::db::AnyConnection;
use crate::db::schema::webhook_endpoint;
use crate::hooks::WhyDisabled;
use crate::mailer::Letter;
use crate::{Error, Shop};
use askama::Template;
use chrono::NaiveDateTime;
use diesel::prelude::*;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    /// What has happened, in a sentence.
    lead: &'static str,
    url: String,
    at: String,
    /// Its last success.
    succeeded: Option<String>,
    button_url: String,
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "webhook.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

/// The letter, as long as it is so.
pub(super) fn letter(conn: &mut AnyConnection, shop: &Shop, id: i64, second: i64) -> Result<Option<Letter>, Error> {
    type Row = (String, Option<String>, NaiveDateTime, Option<NaiveDateTime>);
    let row: Option<Row> = webhook_endpoint::table
        .find(id)
        .filter(webhook_endpoint::state.eq("disabled"))
        .select((
            webhook_endpoint::url,
            webhook_endpoint::reason,
            webhook_endpoint::changed_at,
            webhook_endpoint::succeeded_at,
        ))
        .first(conn)
        .optional()?;
    let Some((url, reason, at, succeeded)) = row.filter(|row| row.2.and_utc().timestamp() == second) else {
        return Ok(None);
    };
    let gone = reason.as_deref() == Some(WhyDisabled::Gone.as_str());
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("A webhook of {} was switched off", shop.store_name()),
        lead: if gone {
            "The endpoint answered that it wants nothing more (410 Gone)."
        } else {
            "For five days no delivery to the endpoint has succeeded."
        },
        url,
        at: shop.notation().moment(at),
        succeeded: succeeded.map(|at| shop.notation().moment(at)),
        button_url: format!("{}/admin/webhooks/{id}", shop.base_url()),
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render()).map(Some)
}
