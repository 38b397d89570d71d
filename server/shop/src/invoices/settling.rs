//! What refunds and disputes leave of an order's invoice, as documents.
//!
//! Worked out anew from the rows of the order and what was issued before, never stepped: what the documents come to, title by
//! title, follows from the refunds and disputes alone, whatever came first ([`wanted`]), and what was answered once is not
//! answered again. The order's row is locked.

use super::document::{Buyer, Line, Reference, day_on, part};
use super::issuing::{New, Reason, Sale, lines_of, write};
use super::left::{Left, lines_of_all, lines_of_shares};
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
    facts: Option<String>,
}

/// Everything that was issued for an order, oldest first.
pub(super) struct Documents(Vec<Issued>);

impl Documents {
    pub(super) fn of(conn: &mut AnyConnection, order_id: i64) -> Result<Self, Error> {
        type Ids = (i64, Option<i64>, Option<i64>, Option<i64>);
        type Row = (Ids, String, String, NaiveDateTime, String, String, Option<String>);
        let rows: Vec<Row> = invoice::table
            .filter(invoice::order_id.eq(order_id))
            .order(invoice::id)
            .select((
                (invoice::id, invoice::corrects_id, invoice::refund_id, invoice::dispute_id),
                invoice::number,
                invoice::reason,
                invoice::issued_at,
                invoice::lines_snapshot,
                invoice::buyer_snapshot,
                invoice::facts_snapshot,
            ))
            .load(conn)?;
        let issued = rows.into_iter().map(
            |((id, corrects_id, refund_id, dispute_id), number, reason, issued_at, lines, buyer, facts)| {
                let reason = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
                let reason = reason.ok_or_else(|| Error::internal(format!("document {number}: bad reason")))?;
                Ok(Issued { id, number, reason, corrects_id, refund_id, dispute_id, issued_at, lines, buyer, facts })
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
    pub(super) fn left<'a>(&self, whole: &'a [Line]) -> Result<Vec<Left<'a>>, Error> {
        let mut left: Vec<Left<'a>> = whole.iter().map(Left::of).collect();
        for note in self.open() {
            for line in note.lines()? {
                left.iter_mut().for_each(|title| title.take(&line));
            }
        }
        Ok(left)
    }

    /// What the credit notes of a refund or dispute take of each title, by its place.
    fn noted(&self, cause: Cause) -> Result<Vec<Share>, Error> {
        let mut shares: Vec<Share> = Vec::new();
        for note in self.open().filter(|note| note.cause() == Some(cause)) {
            for line in note.lines()? {
                let item_id = i64::from(line.position.unwrap_or_default());
                match shares.iter_mut().find(|share| share.item_id == item_id) {
                    Some(share) => {
                        share.amount += line.total;
                        share.tax += line.tax;
                    }
                    None => shares.push(Share { item_id, amount: line.total, tax: line.tax }),
                }
            }
        }
        Ok(shares)
    }
}

impl Issued {
    fn cause(&self) -> Option<Cause> {
        self.refund_id.map(Cause::Refund).or(self.dispute_id.map(Cause::Dispute))
    }

    pub(super) fn lines(&self) -> Result<Vec<Line>, Error> {
        part(&self.number, &self.lines)
    }

    pub(super) fn buyer(&self) -> Result<Buyer, Error> {
        part(&self.number, &self.buyer)
    }

    pub(super) fn reference(&self, shop: &Shop) -> Result<(i64, Reference), Error> {
        let on = day_on(&self.number, self.facts.as_deref(), self.issued_at, shop.0.settings.time_zone)?;
        Ok((self.id, Reference { number: self.number.clone(), on }))
    }
}

/// Makes the documents of an order agree with its refunds and disputes. Before it is paid there are none.
pub(crate) fn settle(conn: &mut AnyConnection, shop: &Shop, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    let refunds: Vec<(i64, String)> = refund::table
        .filter(refund::order_id.eq(order_id))
        .order(refund::id)
        .select((refund::id, refund::status))
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
    let whole = lines_of(conn, order_id)?;
    let mut causes = Vec::with_capacity(refunds.len() + disputes.len());
    for (id, ..) in refunds.iter().filter(|(_, status)| LIVING.contains(&status.as_str())) {
        causes.push((Cause::Refund(*id), shares_of_refund(conn, *id)?));
    }
    // Of a dispute in another currency nobody knows what it is in ours: a person corrects that invoice.
    let counts = |currency: &str| currency.eq_ignore_ascii_case(&sale.currency);
    let lost = disputes.iter().filter(|(_, status, _, currency)| is_lost(status) && counts(currency));
    let wanted = wanted(&whole, causes, lost.map(|(id, _, amount, _)| (*id, *amount)))?;
    // What is over, or takes what is another's now, comes first: it makes room.
    loop {
        let documents = Documents::of(conn, order_id)?;
        let mut over = None;
        for note in documents.open() {
            if exceeds(&documents, note, &wanted)? {
                over = Some(note.clone());
                break;
            }
        }
        let Some(note) = over else { break };
        restore(conn, shop, &sale, &documents, &note, now)?;
    }
    for (cause, shares) in &wanted {
        credit(conn, shop, &sale, &whole, *cause, shares, now)?;
    }
    Ok(())
}

fn is_lost(status: &str) -> bool {
    DisputeStage::of(status) == DisputeStage::Lost
}

/// Why money is gone: which refund, or which dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Refund(i64),
    Dispute(i64),
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

/// What the credit notes of each living refund and lost dispute are to take of each title: each refund its shares, and each
/// dispute a part of what they leave. Never more than is left: what a bank takes besides is no reduction of the price.
fn wanted(
    whole: &[Line],
    refunds: Vec<(Cause, Vec<Share>)>,
    disputes: impl Iterator<Item = (i64, i64)>,
) -> Result<Vec<(Cause, Vec<Share>)>, Error> {
    let mut rooms: Vec<Room> = whole.iter().map(|line| Left::of(line).room()).collect();
    let mut wanted = Vec::with_capacity(refunds.len());
    for (cause, shares) in refunds {
        let shares = if fits(&rooms, &shares) {
            shares
        } else {
            let amount = crate::rights::sum(shares.iter().map(|share| share.amount))?;
            part_of(&rooms, amount)?
        };
        take(&mut rooms, &shares);
        wanted.push((cause, shares));
    }
    for (id, amount) in disputes {
        let shares = part_of(&rooms, amount)?;
        take(&mut rooms, &shares);
        wanted.push((Cause::Dispute(id), shares));
    }
    Ok(wanted)
}

fn part_of(rooms: &[Room], amount: i64) -> Result<Vec<Share>, Error> {
    let left = crate::rights::sum(rooms.iter().map(|room| room.amount))?;
    Ok(spread(rooms, amount.clamp(0, left)).unwrap_or_default())
}

fn take(rooms: &mut [Room], shares: &[Share]) {
    for room in rooms {
        for share in shares.iter().filter(|share| share.item_id == room.item_id) {
            room.amount -= share.amount;
            room.tax -= share.tax;
        }
    }
}

/// As much room as the shares take.
fn rooms_of(shares: &[Share]) -> Vec<Room> {
    shares.iter().map(|&Share { item_id, amount, tax }| Room { item_id, amount, tax }).collect()
}

/// Whether there is room for each share, for its tax and for what is without it.
fn fits(rooms: &[Room], shares: &[Share]) -> bool {
    shares.iter().all(|share| {
        let room = rooms.iter().find(|room| room.item_id == share.item_id);
        room.is_some_and(|room| {
            let rest = room.amount - share.amount;
            rest >= 0 && (0..=rest).contains(&(room.tax - share.tax))
        })
    })
}

/// Whether a credit note is over more than its refund or dispute is to take now.
fn exceeds(documents: &Documents, note: &Issued, wanted: &[(Cause, Vec<Share>)]) -> Result<bool, Error> {
    let Some(cause) = note.cause() else { return Ok(false) };
    let Some((_, shares)) = wanted.iter().find(|(known, _)| *known == cause) else { return Ok(true) };
    Ok(!fits(&rooms_of(shares), &documents.noted(cause)?))
}

/// The credit note for money that is gone, unless it is there; over the rest, if the one that is there had not room enough.
fn credit(
    conn: &mut AnyConnection,
    shop: &Shop,
    sale: &Sale,
    whole: &[Line],
    cause: Cause,
    shares: &[Share],
    now: NaiveDateTime,
) -> Result<(), Error> {
    let documents = Documents::of(conn, sale.id)?;
    let Some(standing) = documents.standing() else { return Ok(()) };
    let mut missing = rooms_of(shares);
    take(&mut missing, &documents.noted(cause)?);
    let missing: Vec<Share> =
        missing.iter().map(|room| Share { item_id: room.item_id, amount: room.amount, tax: room.tax }).collect();
    let mut lines = lines_of_shares(&documents.left(whole)?, &missing);
    // A title that cost nothing is not taken back.
    lines.retain(|line| line.total != 0);
    if lines.is_empty() {
        return Ok(());
    }
    let (reason, why, refund_id, dispute_id) = match cause {
        Cause::Refund(id) => (Reason::Refund, Why::Refunded, Some(id), None),
        Cause::Dispute(id) => (Reason::Dispute, Why::Disputed, None, Some(id)),
    };
    let new = New {
        reason,
        corrects: Some(standing.reference(shop)?),
        names: None,
        refund_id,
        dispute_id,
        buyer: &standing.buyer()?,
        lines: &lines,
        why: Some(why),
    };
    write(conn, shop, sale, &new, now).map(drop)
}

/// Takes a credit note back, because its money has come home or is another's now: by an invoice over its lines. If the
/// invoice that it corrected was replaced since, its successor is replaced too, by one over everything that is left now.
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
    let mut left = documents.left(&whole)?;
    let mut lines = note.lines()?;
    let mut reason = Reason::Restored;
    if note.corrects_id != Some(standing.id) && left.iter().any(|title| title.amount > 0) {
        take_back(conn, shop, sale, standing, &left, now)?;
        for line in &lines {
            left.iter_mut().for_each(|title| title.give(line));
        }
        lines = lines_of_all(&left);
        reason = Reason::Reissued;
    }
    let new = New {
        reason,
        corrects: Some(note.reference(shop)?),
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
    left: &[Left<'_>],
    now: NaiveDateTime,
) -> Result<String, Error> {
    let lines = lines_of_all(left);
    let new = New {
        reason: Reason::Replaced,
        corrects: Some(standing.reference(shop)?),
        names: None,
        refund_id: None,
        dispute_id: None,
        buyer: &standing.buyer()?,
        lines: &lines,
        why: Some(Why::Replaced(&standing.number)),
    };
    Ok(write(conn, shop, sale, &new, now)?.1.number)
}
