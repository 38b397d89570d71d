//! What refunds and disputes leave of an order's invoice, as documents.
//!
//! Worked out anew from the rows of the order and what was issued before, never stepped: it is the same whatever came
//! first, and what was answered once is not answered again. The order's row is locked.

use super::document::{Buyer, Line, LineTax, Reference, part};
use super::issuing::{New, Reason, Sale, lines_of, write};
use super::words::Why;
use crate::db::AnyConnection;
use crate::db::schema::{dispute, invoice, order_item, refund, refund_item};
use crate::refunds::share::{Room, Share, spread};
use crate::rights::LIVING;
use crate::types::{DisputeStage, OrderStatus};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A document of the order, as far as it matters for what comes next.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) id: i64,
    pub(super) number: String,
    pub(super) reason: Reason,
    pub(super) corrects_id: Option<i64>,
    refund_id: Option<i64>,
    dispute_id: Option<i64>,
    issued_at: NaiveDateTime,
    lines: String,
    buyer: String,
}

/// Everything that was issued for an order, oldest first.
pub(super) struct Documents(Vec<Issued>);

impl Documents {
    pub(super) fn of(conn: &mut AnyConnection, order_id: i64) -> Result<Self, Error> {
        type Row = (i64, String, String, Option<i64>, Option<i64>, Option<i64>, NaiveDateTime, String, String);
        let rows: Vec<Row> = invoice::table
            .filter(invoice::order_id.eq(order_id))
            .order(invoice::id)
            .select((
                invoice::id,
                invoice::number,
                invoice::reason,
                invoice::corrects_id,
                invoice::refund_id,
                invoice::dispute_id,
                invoice::issued_at,
                invoice::lines_snapshot,
                invoice::buyer_snapshot,
            ))
            .load(conn)?;
        let issued = rows.into_iter().map(
            |(id, number, reason, corrects_id, refund_id, dispute_id, issued_at, lines, buyer)| {
                let reason = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
                let reason = reason.ok_or_else(|| Error::internal(format!("document {number}: bad reason")))?;
                Ok(Issued { id, number, reason, corrects_id, refund_id, dispute_id, issued_at, lines, buyer })
            },
        );
        Ok(Self(issued.collect::<Result<_, Error>>()?))
    }

    /// The invoice that stands: no credit note has replaced it.
    pub(super) fn standing(&self) -> Option<&Issued> {
        let base = |one: &&Issued| matches!(one.reason, Reason::Sale | Reason::Reissued);
        let replaced = |one: &Issued| {
            self.0.iter().any(|other| other.reason == Reason::Replaced && other.corrects_id == Some(one.id))
        };
        self.0.iter().rev().filter(base).find(|one| !replaced(one))
    }

    /// The credit notes for refunds and disputes that no invoice has taken back.
    fn open(&self) -> impl Iterator<Item = &Issued> {
        let answered = |one: &Issued| {
            let answers = |other: &Issued| matches!(other.reason, Reason::Restored | Reason::Reissued);
            self.0.iter().any(|other| answers(other) && other.corrects_id == Some(one.id))
        };
        self.0.iter().filter(move |one| matches!(one.reason, Reason::Refund | Reason::Dispute) && !answered(one))
    }

    /// How often the invoice was replaced for the buyer.
    pub(super) fn replacements(&self) -> usize {
        self.0.iter().filter(|one| one.reason == Reason::Replaced).count()
    }

    /// What is left of each title of the order, and so of the invoice that stands.
    pub(super) fn left(&self, whole: &[Line]) -> Result<Vec<Room>, Error> {
        let mut rooms: Vec<Room> = whole
            .iter()
            .map(|line| Room { item_id: line.position.unwrap_or_default().into(), amount: line.total, tax: line.tax })
            .collect();
        for note in self.open() {
            for line in note.lines()? {
                let at = i64::from(line.position.unwrap_or_default());
                for room in rooms.iter_mut().filter(|room| room.item_id == at) {
                    room.amount -= line.total;
                    room.tax -= line.tax;
                }
            }
        }
        Ok(rooms)
    }
}

impl Issued {
    pub(super) fn lines(&self) -> Result<Vec<Line>, Error> {
        part(&self.number, &self.lines)
    }

    pub(super) fn buyer(&self) -> Result<Buyer, Error> {
        part(&self.number, &self.buyer)
    }

    pub(super) fn reference(&self, shop: &Shop) -> (i64, Reference) {
        let on = shop.0.settings.time_zone.day_of(self.issued_at);
        (self.id, Reference { number: self.number.clone(), on })
    }
}

/// The lines of what falls to each title: whole titles as they were sold, parts of them as so much of their price.
pub(super) fn lines_of_shares(whole: &[Line], shares: &[Share]) -> Vec<Line> {
    let mut lines = Vec::with_capacity(shares.len());
    for line in whole {
        let at = i64::from(line.position.unwrap_or_default());
        let Some(share) = shares.iter().find(|share| share.item_id == at) else { continue };
        if share.amount == line.total && share.tax == line.tax {
            lines.push(line.clone());
        } else if share.amount != 0 {
            lines.push(Line {
                unit_amount: if line.holds_tax() { share.amount } else { share.amount - share.tax },
                discount: 0,
                tax: share.tax,
                total: share.amount,
                taxes: taxes_of_share(line, *share),
                ..line.clone()
            });
        }
    }
    lines
}

/// The taxes of a part of a line: each its part of the whole tax, and the last one what is left of it.
fn taxes_of_share(line: &Line, share: Share) -> Vec<LineTax> {
    let part = |of: i64, by: i64, whole: i64| {
        if whole == 0 { 0 } else { i64::try_from(i128::from(of) * i128::from(by) / i128::from(whole)).unwrap_or(of) }
    };
    let mut left = share.tax;
    let count = line.taxes.len();
    let each = line.taxes.iter().enumerate().map(|(i, tax)| {
        let amount = if i + 1 == count { left } else { part(tax.amount, share.tax, line.tax) };
        left -= amount;
        let (net, whole_net) = (share.amount - share.tax, line.total - line.tax);
        let taxable = if tax.taxable == whole_net { net } else { part(tax.taxable, net, whole_net) };
        LineTax { amount, taxable, ..tax.clone() }
    });
    each.collect()
}

/// Makes the documents of an order agree with its refunds and disputes. Before it is paid there are none.
pub(crate) fn settle(conn: &mut AnyConnection, shop: &Shop, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    let refunds: Vec<(i64, String, i64)> = refund::table
        .filter(refund::order_id.eq(order_id))
        .order(refund::id)
        .select((refund::id, refund::status, refund::amount))
        .load(conn)?;
    let disputes: Vec<(i64, String, i64, String)> = dispute::table
        .filter(dispute::order_id.eq(order_id))
        .order(dispute::id)
        .select((dispute::id, dispute::status, dispute::amount, dispute::currency))
        .load(conn)?;
    // The many orders that nothing ever happens to.
    if refunds.is_empty() && disputes.is_empty() {
        return Ok(());
    }
    let sale = Sale::find(conn, order_id)?;
    if sale.status != OrderStatus::Succeeded.as_str() || sale.total == 0 {
        return Ok(());
    }
    let living = |id: i64| refunds.iter().any(|(known, status, _)| *known == id && LIVING.contains(&status.as_str()));
    let lost = |id: i64| disputes.iter().any(|(known, status, ..)| *known == id && is_lost(status));
    let stale = |one: &&Issued| match (one.refund_id, one.dispute_id) {
        (Some(id), _) => !living(id),
        (None, Some(id)) => !lost(id),
        (None, None) => false,
    };
    // What is over comes first: it makes room.
    loop {
        let documents = Documents::of(conn, order_id)?;
        let Some(note) = documents.open().find(stale).cloned() else { break };
        restore(conn, shop, &sale, &documents, &note, now)?;
    }
    let whole = lines_of(conn, order_id)?;
    for (id, ..) in refunds.iter().filter(|(id, ..)| living(*id)) {
        let shares = shares_of_refund(conn, *id)?;
        credit(conn, shop, &sale, &whole, &Cause::Refund(*id, shares), now)?;
    }
    for (id, status, amount, currency) in &disputes {
        // Of a dispute in another currency nobody knows what it is in ours: a person corrects that invoice.
        if is_lost(status) && currency.eq_ignore_ascii_case(&sale.currency) {
            credit(conn, shop, &sale, &whole, &Cause::Dispute(*id, *amount), now)?;
        }
    }
    Ok(())
}

fn is_lost(status: &str) -> bool {
    DisputeStage::of(status) == DisputeStage::Lost
}

/// Why money is gone.
enum Cause {
    Refund(i64, Vec<Share>),
    Dispute(i64, i64),
}

/// What of a refund falls to each title, by the title's place.
fn shares_of_refund(conn: &mut AnyConnection, refund_id: i64) -> Result<Vec<Share>, Error> {
    let rows: Vec<(i32, i64, i64)> = refund_item::table
        .inner_join(order_item::table)
        .filter(refund_item::refund_id.eq(refund_id))
        .order(order_item::position)
        .select((order_item::position, refund_item::amount, refund_item::tax))
        .load(conn)?;
    Ok(rows.into_iter().map(|(at, amount, tax)| Share { item_id: at.into(), amount, tax }).collect())
}

/// The credit note for money that is gone, unless it is there. Never over more than is left: what a bank takes besides is no
/// reduction of the price.
fn credit(
    conn: &mut AnyConnection,
    shop: &Shop,
    sale: &Sale,
    whole: &[Line],
    cause: &Cause,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let (reason, refund_id, dispute_id) = match cause {
        Cause::Refund(id, _) => (Reason::Refund, Some(*id), None),
        Cause::Dispute(id, _) => (Reason::Dispute, None, Some(*id)),
    };
    let documents = Documents::of(conn, sale.id)?;
    if documents.open().any(|note| (note.refund_id, note.dispute_id) == (refund_id, dispute_id)) {
        return Ok(());
    }
    let Some(standing) = documents.standing() else { return Ok(()) };
    let rooms = documents.left(whole)?;
    let left = crate::rights::sum(rooms.iter().map(|room| room.amount))?;
    let fits = |shares: &[Share]| {
        shares.iter().all(|share| {
            let room = rooms.iter().find(|room| room.item_id == share.item_id);
            room.is_some_and(|room| {
                let rest = room.amount - share.amount;
                rest >= 0 && (0..=rest).contains(&(room.tax - share.tax))
            })
        })
    };
    let shares = match cause {
        Cause::Refund(_, shares) if fits(shares) => shares.clone(),
        Cause::Refund(_, shares) => {
            let amount = crate::rights::sum(shares.iter().map(|share| share.amount))?;
            spread(&rooms, amount.min(left)).unwrap_or_default()
        }
        Cause::Dispute(_, amount) => spread(&rooms, (*amount).min(left)).unwrap_or_default(),
    };
    let mut lines = lines_of_shares(whole, &shares);
    // A title that cost nothing is not taken back.
    lines.retain(|line| line.total != 0);
    if lines.is_empty() {
        return Ok(());
    }
    let why = match cause {
        Cause::Refund(..) => Why::Refunded,
        Cause::Dispute(..) => Why::Disputed,
    };
    let new = New {
        reason,
        corrects: Some(standing.reference(shop)),
        names: None,
        refund_id,
        dispute_id,
        buyer: &standing.buyer()?,
        lines: &lines,
        why: Some(why),
    };
    write(conn, shop, sale, &new, now).map(drop)
}

/// Takes a credit note back whose money has come home: by an invoice over its lines. If the invoice that it corrected was
/// replaced since, its successor is replaced too, by one over everything that is left now.
fn restore(
    conn: &mut AnyConnection,
    shop: &Shop,
    sale: &Sale,
    documents: &Documents,
    note: &Issued,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let standing =
        documents.standing().ok_or_else(|| Error::internal(format!("order {} has no invoice", sale.number)))?;
    let whole = lines_of(conn, sale.id)?;
    let rooms = documents.left(&whole)?;
    let mut lines = note.lines()?;
    let mut reason = Reason::Restored;
    if note.corrects_id != Some(standing.id) && rooms.iter().any(|room| room.amount > 0) {
        take_back(conn, shop, sale, standing, &whole, &rooms, now)?;
        let back = |line: &Line, room: &Room| {
            let returned = lines.iter().filter(|other| other.position == line.position);
            let (amount, tax) = returned.fold((room.amount, room.tax), |(a, t), one| (a + one.total, t + one.tax));
            Share { item_id: room.item_id, amount, tax }
        };
        let shares: Vec<Share> = whole.iter().zip(&rooms).map(|(line, room)| back(line, room)).collect();
        lines = lines_of_shares(&whole, &shares);
        reason = Reason::Reissued;
    }
    let new = New {
        reason,
        corrects: Some(note.reference(shop)),
        names: None,
        refund_id: note.refund_id,
        dispute_id: note.dispute_id,
        buyer: &standing.buyer()?,
        lines: &lines,
        why: Some(Why::TakenBack(&note.number)),
    };
    write(conn, shop, sale, &new, now).map(drop)
}

/// The credit note over all that is left of an invoice that is replaced.
pub(super) fn take_back(
    conn: &mut AnyConnection,
    shop: &Shop,
    sale: &Sale,
    standing: &Issued,
    whole: &[Line],
    rooms: &[Room],
    now: NaiveDateTime,
) -> Result<String, Error> {
    let lines = lines_of_shares(whole, &shares_of(rooms));
    let new = New {
        reason: Reason::Replaced,
        corrects: Some(standing.reference(shop)),
        names: None,
        refund_id: None,
        dispute_id: None,
        buyer: &standing.buyer()?,
        lines: &lines,
        why: Some(Why::Replaced(&standing.number)),
    };
    Ok(write(conn, shop, sale, &new, now)?.1.number)
}

/// All that is left of each title.
pub(super) fn shares_of(rooms: &[Room]) -> Vec<Share> {
    rooms.iter().map(|room| Share { item_id: room.item_id, amount: room.amount, tax: room.tax }).collect()
}
