//! What a buyer adds about herself after the purchase. The number of the invoice is out, so it is not changed: a credit note
//! takes all that is left of it back, and a new invoice over the same is made out to whom she says. What was paid, and the
//! tax in it, stays.

use super::document::Buyer;
use super::issuing::{New, Reason, Sale, lines_of, write};
use super::left::lines_of_all;
use super::settling::{Documents, Issued, take_back};
use super::words::Why;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::orders;
use crate::desk::object;
use crate::privacy::is_erased;
use crate::secrets::Keys;
use crate::types::{BuyerDetails, BuyerForm, OrderNumber, OrderStatus, TaxTreatment};
use crate::{Error, Shop};
use chrono::{Days, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

/// How often a buyer may have her invoice replaced: each time takes two numbers.
const MOST: usize = 5;

/// What came of new details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reissued {
    /// The number of the invoice that stands.
    pub invoice: String,
    /// The credit note over the one before it; none if nothing had to change.
    pub credit_note: Option<String>,
}

/// Why the invoice stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum DetailsError {
    /// There is no invoice that could be replaced: nothing was paid, or all of it went back.
    #[error("there is nothing to be invoiced")]
    Nothing,
    /// The time in which a buyer may change it is over, or she has changed it too often.
    #[error("the invoice is final")]
    TooLate,
    /// It was replaced since the form was shown.
    #[error("the invoice was replaced meanwhile")]
    Changed,
    /// Anything else; nothing has changed.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// Who asks.
enum By {
    Buyer(Keys),
    Desk(Actor),
}

impl Shop {
    /// Makes an order's invoice out to whom its buyer says. The same details twice change nothing the second time; `replaces`
    /// is the invoice that she saw, and two forms of it never replace it twice.
    ///
    /// # Errors
    /// [`DetailsError`]; [`Error::NotFound`] in a browser that is not the buyer's.
    pub async fn set_buyer_details(
        &self,
        number: &OrderNumber,
        replaces: &str,
        details: &BuyerDetails,
        keys: impl Into<Keys>,
    ) -> Result<Reissued, DetailsError> {
        self.replace_invoice(number, replaces, details, By::Buyer(keys.into())).await
    }

    /// As [`Shop::set_buyer_details`], at the desk: at any time, and written down in the audit.
    ///
    /// # Errors
    /// [`DetailsError`]; [`Error::NotFound`] if there is no such order.
    pub async fn set_buyer_details_at_desk(
        &self,
        number: &OrderNumber,
        replaces: &str,
        details: &BuyerDetails,
        actor: &Actor,
    ) -> Result<Reissued, DetailsError> {
        self.replace_invoice(number, replaces, details, By::Desk(*actor)).await
    }

    async fn replace_invoice(
        &self,
        number: &OrderNumber,
        replaces: &str,
        details: &BuyerDetails,
        by: By,
    ) -> Result<Reissued, DetailsError> {
        let (shop, number, replaces, details) = (self.clone(), number.clone(), replaces.to_owned(), details.clone());
        let work = move |conn: &mut AnyConnection| replace(conn, &shop, &number, &replaces, &details, &by);
        self.0.db.write(work).await?
    }
}

fn replace(
    conn: &mut AnyConnection,
    shop: &Shop,
    number: &OrderNumber,
    replaces: &str,
    details: &BuyerDetails,
    by: &By,
) -> Result<Result<Reissued, DetailsError>, Error> {
    let now = shop.0.clock.now();
    // Writing locks the row on both databases: of two forms at once the second finds what the first has done.
    let locked: Option<i64> = diesel::update(orders::table.filter(orders::number.eq(number.as_str())))
        .set(orders::status.eq(orders::status))
        .returning(orders::id)
        .get_result(conn)
        .optional()?;
    let Some(order_id) = locked else { return Err(Error::NotFound) };
    if let By::Buyer(keys) = by
        && !crate::orders::owns(conn, shop, order_id, keys)?
    {
        return Err(Error::NotFound);
    }
    let sale = Sale::find(conn, order_id)?;
    let documents = Documents::of(conn, order_id)?;
    let Some(standing) = documents.standing().filter(|_| !is_erased(&sale.email)) else {
        return Ok(Err(DetailsError::Nothing));
    };
    let before = standing.buyer()?;
    if details_of(&before) == *details {
        return Ok(Ok(Reissued { invoice: standing.number.clone(), credit_note: None }));
    }
    if standing.number != replaces {
        return Ok(Err(DetailsError::Changed));
    }
    if matches!(by, By::Buyer(_)) && !may_change(shop, &sale, &documents, now) {
        return Ok(Err(DetailsError::TooLate));
    }
    let whole = lines_of(conn, order_id)?;
    // Its lack of tax stands on the number that was given with the payment.
    let untaxed = whole.iter().flat_map(|line| &line.taxes).any(|tax| tax.treatment == TaxTreatment::ReverseCharge);
    let old = details_of(&before);
    if untaxed && (&old.vat_id, &old.country) != (&details.vat_id, &details.country) {
        return Ok(Err(DetailsError::TooLate));
    }
    let left = documents.left(&whole)?;
    if left.iter().all(|title| title.amount == 0) {
        return Ok(Err(DetailsError::Nothing));
    }
    let credit_note = take_back(conn, shop, &sale, standing, &left, now)?;
    let new = New {
        reason: Reason::Reissued,
        corrects: None,
        names: Some(standing.reference(shop)?.1),
        refund_id: None,
        dispute_id: None,
        buyer: &made_out_to(&sale, details),
        lines: &lines_of_all(&left),
        why: Some(Why::Instead(&standing.number, &credit_note)),
    };
    let (_, issued) = write(conn, shop, &sale, &new, now)?;
    if let By::Desk(actor) = by {
        let (before, after) = (json!({ "invoice": standing.number }), json!({ "invoice": issued.number }));
        audit::record(conn, actor, "invoice.reissued", object(number), Some(before), Some(after))?;
    }
    Ok(Ok(Reissued { invoice: issued.number, credit_note: Some(credit_note) }))
}

/// The last day on which a buyer may change the invoice of what was paid at that moment, where the store is; none if nothing
/// was paid, or if buyers may not.
fn last_day(shop: &Shop, paid_at: Option<NaiveDateTime>) -> Option<NaiveDate> {
    let days = Some(shop.0.settings.policy.invoice_days).filter(|days| *days > 0)?;
    shop.0.settings.time_zone.day_of(paid_at?).checked_add_days(Days::new(days.into()))
}

/// Whether a buyer may still change the invoice of what was paid at that moment: through the whole of the last day.
pub(crate) fn is_in_time(shop: &Shop, paid_at: Option<NaiveDateTime>, now: NaiveDateTime) -> bool {
    last_day(shop, paid_at).is_some_and(|last| shop.0.settings.time_zone.day_of(now) <= last)
}

fn may_change(shop: &Shop, sale: &Sale, documents: &Documents, now: NaiveDateTime) -> bool {
    is_in_time(shop, sale.paid_at, now) && documents.replacements() < MOST
}

fn details_of(buyer: &Buyer) -> BuyerDetails {
    BuyerDetails {
        name: buyer.name.clone().unwrap_or_default(),
        company: buyer.company.clone().unwrap_or_default(),
        vat_id: buyer.vat_id.clone().unwrap_or_default(),
        address: buyer.address.clone(),
        country: buyer.country.clone().unwrap_or_default(),
    }
}

fn made_out_to(sale: &Sale, details: &BuyerDetails) -> Buyer {
    let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Buyer {
        // As it is now: it may have been corrected.
        email: sale.email.clone(),
        name: filled(&details.name),
        country: filled(&details.country),
        company: filled(&details.company),
        vat_id: filled(&details.vat_id),
        address: details.address.clone(),
    }
}

/// The form for an order's buyer, if there is an invoice that she may still have replaced; for the desk, if there is one.
pub(crate) fn form(
    conn: &mut AnyConnection,
    shop: &Shop,
    order_id: i64,
    at_desk: bool,
) -> Result<Option<BuyerForm>, Error> {
    let sale = Sale::find(conn, order_id)?;
    if sale.status != OrderStatus::Succeeded.as_str() || sale.total == 0 || is_erased(&sale.email) {
        return Ok(None);
    }
    let documents = Documents::of(conn, order_id)?;
    let Some(standing) = documents.standing() else { return Ok(None) };
    let whole = lines_of(conn, order_id)?;
    let left = documents.left(&whole)?.iter().any(|title| title.amount > 0);
    if !left || !(at_desk || may_change(shop, &sale, &documents, shop.0.clock.now())) {
        return Ok(None);
    }
    let until = last_day(shop, sale.paid_at).map(|until| shop.notation().day(until));
    Ok(Some(filled_in(standing, until.unwrap_or_default())?))
}

fn filled_in(standing: &Issued, until: String) -> Result<BuyerForm, Error> {
    let details = details_of(&standing.buyer()?);
    Ok(BuyerForm { replaces: standing.number.clone(), details, until })
}
