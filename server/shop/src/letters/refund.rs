//! To the buyer: money goes back, and what that means for the books.

use super::{Frame, Line, Order, Paper, Sum, rendered};
use crate::db::AnyConnection;
use crate::db::schema::{entitlement, invoice, refund, refund_item};
use crate::mailer::Letter;
use crate::types::{Money, RefundStatus};
use crate::{Error, Shop};
use askama::Template;
use diesel::prelude::*;
use std::collections::HashSet;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    order: &'a Order,
    amount: Sum,
    /// Of which so much is tax.
    tax: Sum,
    /// Whether this refund alone gives back all that was paid.
    whole: bool,
    /// Titles that went with this refund.
    gone: Vec<&'a Line>,
    /// Titles that the buyer still has.
    kept: Vec<&'a Line>,
    /// The credit note over it.
    note: Option<Paper>,
    button_url: String,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "refund.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "refund.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

/// None if the refund has failed or was called off meanwhile: nobody is told of money that does not come.
pub(super) fn letter(
    conn: &mut AnyConnection,
    shop: &Shop,
    order: &Order,
    refund_id: i64,
) -> Result<Option<Letter>, Error> {
    let (amount, tax, status): (i64, i64, String) = refund::table
        .find(refund_id)
        .filter(refund::order_id.eq(order.id))
        .select((refund::amount, refund::tax, refund::status))
        .first(conn)?;
    if matches!(RefundStatus::parse(&status), Some(RefundStatus::Failed | RefundStatus::Canceled)) {
        return Ok(None);
    }
    let note: Option<String> = invoice::table
        .filter(invoice::refund_id.eq(refund_id))
        .filter(invoice::kind.eq("credit_note"))
        .order(invoice::id.desc())
        .select(invoice::number)
        .first(conn)
        .optional()?;
    let revoked: HashSet<i64> = refund_item::table
        .filter(refund_item::refund_id.eq(refund_id))
        .filter(refund_item::revokes.eq(true))
        .select(refund_item::order_item_id)
        .load(conn)?
        .into_iter()
        .collect();
    let items: Vec<i64> = order.lines.iter().map(|line| line.item_id).collect();
    let held: HashSet<i64> = entitlement::table
        .filter(entitlement::order_item_id.eq_any(items))
        .filter(entitlement::state.ne("revoked"))
        .select(entitlement::order_item_id)
        .load(conn)?
        .into_iter()
        .collect();
    let (gone, others): (Vec<&Line>, Vec<&Line>) = order.lines.iter().partition(|line| revoked.contains(&line.item_id));
    let sum = |minor| Sum::new(shop.notation(), Money::new(minor, order.currency));
    let amount = sum(amount);
    let kept: Vec<&Line> = others.into_iter().filter(|line| held.contains(&line.item_id)).collect();
    let (button_url, button) = order.way_in(shop, kept.len());
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("Your refund of {amount} from {} (order {})", shop.store_name(), order.number),
        order,
        whole: amount.money == order.total.money,
        amount,
        tax: sum(tax),
        gone,
        kept,
        note: note.map(|number| Paper::new(shop, number)),
        button_url,
        button,
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render()).map(Some)
}
