//! `/api/v1/invoices`: invoices and credit notes, as they were issued.

use super::extract::{At, May, Params, SupportReads, ViewerReads};
use super::lists::{Listing, Window};
use super::money::Amount;
use super::orders::{DocumentKind, document_address};
use super::problem::Problem;
use crate::routes::invoices as printed;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::desk::OrderQuery;
use shop::invoices::{Document, InvoiceQuery, InvoiceRow, Line, LineTax};
use shop::types::{Currency, InvoiceKind, Money, OrderNumber, Role};
use shop::{Shop, rfc3339};
use utoipa::{IntoParams, ToSchema};

/// Where the list is.
const LIST: &str = "/api/v1/invoices";
/// No number is longer.
const LONGEST: usize = 100;

/// A filter by what a document is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KindWanted {
    /// What was sold.
    Invoice,
    /// What of an invoice is taken back.
    CreditNote,
}

impl From<KindWanted> for InvoiceKind {
    fn from(kind: KindWanted) -> Self {
        match kind {
            KindWanted::Invoice => Self::Invoice,
            KindWanted::CreditNote => Self::CreditNote,
        }
    }
}

/// Why a document was issued. Invoices: for a sale, in the place of one that was taken back whole, or against a credit note
/// whose refund failed. Credit notes: for a refund, for a lost dispute, or over an invoice that is replaced.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum InvoiceReason {
    Sale,
    Reissued,
    Restored,
    Refund,
    Dispute,
    Replaced,
}

/// An invoice or a credit note in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceLine {
    /// Names the document.
    number: String,
    #[schema(value_type = DocumentKind)]
    kind: &'static str,
    #[schema(value_type = InvoiceReason)]
    reason: &'static str,
    /// The number of its order.
    order: String,
    #[schema(format = DateTime)]
    issued_at: String,
    /// The day, where the store is.
    #[schema(format = Date)]
    issued_on: String,
    /// What it comes to; of a credit note, what it takes back.
    total: Amount,
    /// The tax in it.
    tax: Amount,
    /// The number of the document that it corrects.
    corrects: Option<String>,
    /// The numbers of the documents that correct it, oldest first.
    corrected_by: Vec<String>,
    /// Stripe's id of the refund that it is for; null if it is for none, or Stripe has not answered yet.
    refund: Option<String>,
    /// Its address here.
    url: String,
    /// The address of its PDF here, for support and above.
    pdf: String,
}

/// An invoice or a credit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invoice {
    #[serde(flatten)]
    line: InvoiceLine,
    /// When the files were handed over.
    #[schema(format = Date)]
    delivered_on: String,
    /// As of its day.
    seller: InvoiceSeller,
    /// As of its day; null for viewers, and once the buyer's time is over.
    buyer: Option<InvoiceBuyer>,
    lines: Vec<InvoiceItem>,
    /// What else stands on it.
    notes: Vec<String>,
    /// Its language, BCP 47.
    language: String,
}

/// Who sold.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceSeller {
    name: String,
    /// Line by line.
    address: Vec<String>,
    /// ISO 3166.
    country: Option<String>,
    vat_id: Option<String>,
    tax_number: Option<String>,
}

/// Whom a document is made out to.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceBuyer {
    email: String,
    name: Option<String>,
    company: Option<String>,
    /// In the form without spaces.
    vat_id: Option<String>,
    /// Line by line.
    address: Vec<String>,
    /// ISO 3166.
    country: Option<String>,
}

/// A line of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceItem {
    /// As bought.
    title: String,
    /// What one costs.
    unit_amount: Amount,
    discount: Amount,
    /// The tax in `total`.
    tax: Amount,
    total: Amount,
    /// How the tax comes about; empty if nobody taxes it, or it is not known.
    taxes: Vec<InvoiceTax>,
}

/// How a sale is treated.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum Treatment {
    Standard,
    Reduced,
    Zero,
    ReverseCharge,
    Exempt,
    OutsideScope,
}

/// One tax of a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceTax {
    /// Whose it is, ISO 3166.
    country: String,
    /// Its name there.
    name: String,
    /// In millionths: 190000 is 19 %.
    rate_ppm: i64,
    #[schema(value_type = Treatment)]
    treatment: &'static str,
    /// What it is taken of.
    taxable: Amount,
    amount: Amount,
    /// Whether it is within the price.
    inclusive: bool,
}

impl From<InvoiceRow> for InvoiceLine {
    fn from(row: InvoiceRow) -> Self {
        let url = document_address(&row.number);
        Self {
            kind: row.kind.as_str(),
            reason: row.reason,
            order: row.order.to_string(),
            issued_at: rfc3339(row.issued_at),
            issued_on: row.issued_on.to_string(),
            total: row.total.into(),
            tax: row.tax.into(),
            corrects: row.corrects,
            corrected_by: row.corrected_by,
            refund: row.refund,
            pdf: format!("{url}/pdf"),
            url,
            number: row.number,
        }
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl Invoice {
    fn new(row: InvoiceRow, document: Document, role: Role) -> Self {
        let Document { currency, seller, buyer, lines, .. } = document;
        let buyer = InvoiceBuyer {
            email: buyer.email,
            name: buyer.name,
            company: buyer.company,
            vat_id: buyer.vat_id,
            address: buyer.address,
            country: buyer.country,
        };
        Self {
            line: row.into(),
            delivered_on: document.delivered_on.to_string(),
            seller: InvoiceSeller {
                name: seller.name,
                address: seller.address,
                country: filled(seller.country),
                vat_id: filled(seller.vat_id),
                tax_number: filled(seller.tax_number),
            },
            buyer: Some(buyer).filter(|buyer| role >= Role::Support && !buyer.email.is_empty()),
            lines: lines.into_iter().map(|line| InvoiceItem::new(line, currency)).collect(),
            notes: document.notes,
            language: document.locale,
        }
    }
}

impl InvoiceItem {
    fn new(line: Line, currency: Currency) -> Self {
        let money = |minor| Amount::from(Money::new(minor, currency));
        let tax = |tax: LineTax| InvoiceTax {
            treatment: tax.treatment.as_str(),
            taxable: money(tax.taxable),
            amount: money(tax.amount),
            country: tax.country,
            name: tax.name,
            rate_ppm: tax.rate_ppm,
            inclusive: tax.inclusive,
        };
        Self {
            unit_amount: money(line.unit_amount),
            discount: money(line.discount),
            tax: money(line.tax),
            total: money(line.total),
            taxes: line.taxes.into_iter().map(tax).collect(),
            title: line.title,
        }
    }
}

/// A PDF/A-3 with the machine-readable invoice in it.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, content_media_type = "application/pdf")]
#[expect(dead_code, reason = "the document's: the answer is the file itself")]
pub(super) struct Pdf(Vec<u8>);

/// Which documents. Everything that is given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvoicesQuery {
    /// Of the order of this number.
    #[param(value_type = Option<String>, pattern = "^[2-9A-HJKMNP-TV-Z]{5}-?[2-9A-HJKMNP-TV-Z]{5}$")]
    order: Option<OrderNumber>,
    /// Of this kind.
    #[param(inline)]
    kind: Option<KindWanted>,
    /// Issued on this day (where the store is) or later.
    #[param(format = Date)]
    from: Option<String>,
    /// Issued on this day (where the store is) or earlier.
    #[param(format = Date)]
    until: Option<String>,
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Lists invoices and credit notes, newest first.
#[utoipa::path(
    get, path = "/api/v1/invoices", tag = "Invoices", operation_id = "list-invoices", params(InvoicesQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of documents.", body = Listing<InvoiceLine>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    _caller: May<ViewerReads>,
    Params(query): Params<InvoicesQuery>,
) -> Result<Json<Listing<InvoiceLine>>, Problem> {
    let InvoicesQuery { order, kind, from, until, limit, cursor } = query;
    let kind = kind.map(InvoiceKind::from);
    let day = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => OrderQuery::day(&text)
            .map(Some)
            .ok_or_else(|| Problem::bad_request("A day is written like 2026-11-22: year, month, day.")),
    };
    let (from, until) = (day(from)?, day(until)?);
    let mut filters = Vec::new();
    filters.extend(order.as_ref().map(|order| ("order", order.to_string())));
    filters.extend(kind.map(|kind| ("kind", kind.as_str().to_owned())));
    filters.extend(from.map(|from| ("from", from.to_string())));
    filters.extend(until.map(|until| ("until", until.to_string())));
    let window = Window::read(&shop, LIST, filters, limit, cursor.as_deref())?;
    let query = InvoiceQuery { order, kind, from, until };
    let page = shop.invoice_page(query, window.place.clone(), window.size).await?;
    let rows = page.rows.into_iter().map(|row| (row.key(), InvoiceLine::from(row)));
    Ok(Json(window.listing(&shop, rows.collect(), page.before, page.after)))
}

/// A text that may be a number.
fn known(number: &str) -> Result<&str, Problem> {
    let plain = !number.is_empty() && number.len() <= LONGEST && !number.contains(char::is_control);
    if plain { Ok(number) } else { Err(Problem::not_found()) }
}

/// Gives an invoice or a credit note with its lines; for support and above with its buyer.
#[utoipa::path(
    get, path = "/api/v1/invoices/{number}", tag = "Invoices", operation_id = "get-invoice",
    params(("number" = String, Path, description = "Names the document.")),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The document.", body = Invoice)),
)]
pub async fn get(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    At(number): At<String>,
) -> Result<Json<Invoice>, Problem> {
    let number = known(&number)?;
    let row = shop.invoice_row(number).await?.ok_or_else(Problem::not_found)?;
    let kept = shop.invoice_at_desk(number).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Invoice::new(row, kept.document, caller.role())))
}

/// Gives the PDF of an invoice or a credit note: what the buyer has, byte by byte.
#[utoipa::path(
    get, path = "/api/v1/invoices/{number}/pdf", tag = "Invoices", operation_id = "get-invoice-pdf",
    params(("number" = String, Path, description = "Names the document.")),
    security(("bearer" = ["support", "read"])),
    responses(
        (status = 200, description = "The PDF.", content_type = "application/pdf", body = Pdf),
        (status = 304, description = "`If-None-Match` names it as it is."),
    ),
)]
pub async fn pdf(
    State(shop): State<Shop>,
    _caller: May<SupportReads>,
    At(number): At<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kept = shop.invoice_at_desk(known(&number)?).await?.ok_or_else(Problem::not_found)?;
    let mut response = printed::send(&shop, &kept, &headers).await;
    // What a token opens is for no cache.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_part_of_its_address_whatever_is_in_it() {
        assert_eq!(document_address("INV-2026-00001"), "/api/v1/invoices/INV-2026-00001");
        assert_eq!(document_address("R/2026/1 ü"), "/api/v1/invoices/R%2F2026%2F1%20%C3%BC");
    }
}
