//! An order as programs are told it, as far as their role may see.

use crate::routes::api::money::Amount;
use serde::Serialize;
use shop::desk::{Moment as Happened, OrderRow, OrderSheet, SheetItem};
use shop::rfc3339;
use shop::types::{Email, InvoiceLink, OrderStatus, Role, in_path};
use utoipa::ToSchema;

/// Where an order stands, all that happened to its money considered.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum OrderStanding {
    Pending,
    Paid,
    Free,
    Gift,
    Failed,
    Refunded,
    PartlyRefunded,
    Disputed,
    ChargedBack,
}

/// An order in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLine {
    /// Names the order.
    number: String,
    /// The buyer's address, masked for viewers; null once the buyer was erased.
    email: Option<String>,
    #[schema(format = DateTime)]
    placed_at: String,
    /// As they were when bought.
    titles: Vec<String>,
    total: Amount,
    #[schema(value_type = OrderStanding)]
    standing: &'static str,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// Names the order.
    number: String,
    /// The buyer's address, masked for viewers; null once the buyer was erased.
    email: Option<String>,
    /// As typed on Stripe's page; null for viewers.
    name: Option<String>,
    /// Of the payment, ISO 3166.
    country: Option<String>,
    #[schema(format = DateTime)]
    placed_at: String,
    #[schema(format = DateTime)]
    paid_at: Option<String>,
    #[schema(value_type = OrderStanding)]
    standing: &'static str,
    subtotal: Amount,
    discount: Amount,
    tax: Amount,
    /// Whether the prices held the tax already, rather than it was added to them.
    tax_included: bool,
    /// By which country's rules it is taxed, ISO 3166; null if nobody taxes it.
    tax_country: Option<String>,
    total: Amount,
    /// What went back, or is on its way.
    refunded: Amount,
    /// What can still be refunded.
    refundable: Amount,
    /// The number of its invoice.
    invoice: Option<String>,
    /// Its invoices and credit notes, oldest first.
    documents: Vec<Document>,
    /// Stripe's name for the payment.
    payment_intent: Option<String>,
    /// Whether there is or was a dispute or an inquiry.
    disputed: bool,
    items: Vec<OrderItem>,
    /// What happened, oldest first.
    timeline: Vec<Moment>,
}

/// An invoice or a credit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct Document {
    number: String,
    #[schema(value_type = DocumentKind)]
    kind: &'static str,
    /// The day, where the store is.
    #[schema(format = Date)]
    issued_on: String,
    /// What it comes to; of a credit note, what it takes back.
    total: Amount,
    /// The number of the document that it corrects.
    corrects: Option<String>,
    /// The path of its PDF, for who is signed in at the desk.
    pdf: String,
    /// Its address here.
    url: String,
}

/// The address of a document: a number may have letters that mean something in an address.
pub(in crate::routes::api) fn document_address(number: &str) -> String {
    format!("/api/v1/invoices/{}", in_path(number))
}

/// What a document is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
pub(in crate::routes::api) enum DocumentKind {
    /// What was sold.
    Invoice,
    /// What of an invoice is taken back.
    CreditNote,
}

/// A title of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderItem {
    /// The book's address.
    book: String,
    /// As it was when bought.
    title: String,
    total: Amount,
    /// What of it can still be refunded.
    refundable: Amount,
    /// Whether the desk has taken it back.
    withdrawn: bool,
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Moment {
    #[schema(format = DateTime)]
    at: String,
    /// `order`, `event`, `money`, `mail`, `download`, `desk` or `note`.
    kind: &'static str,
    /// In words.
    what: String,
    /// More about it.
    detail: Option<String>,
    /// Whether it went wrong.
    bad: bool,
}

/// The address, as far as the role may see it.
fn address(email: &str, erased: bool, role: Role) -> Option<String> {
    if erased {
        None
    } else if role >= Role::Support {
        Some(email.to_owned())
    } else {
        Some(email.parse::<Email>().map_or_else(|_| "…".to_owned(), |email| email.masked()))
    }
}

impl OrderLine {
    pub(super) fn new(row: OrderRow, role: Role) -> Self {
        Self {
            number: row.number.to_string(),
            email: address(&row.email, row.erased, role),
            placed_at: rfc3339(row.placed_at),
            titles: row.titles,
            total: row.total.into(),
            standing: row.standing.as_str(),
        }
    }
}

impl Order {
    pub(super) fn new(sheet: OrderSheet, role: Role) -> Self {
        Self {
            number: sheet.number.to_string(),
            email: address(&sheet.email, sheet.erased, role),
            name: sheet.name.filter(|_| role >= Role::Support && !sheet.erased),
            country: sheet.country,
            placed_at: rfc3339(sheet.placed_at),
            paid_at: sheet.paid_at.filter(|_| sheet.status == OrderStatus::Succeeded).map(rfc3339),
            standing: sheet.standing.as_str(),
            subtotal: sheet.subtotal.into(),
            discount: sheet.discount.into(),
            tax: sheet.tax.into(),
            tax_included: sheet.tax_included,
            tax_country: sheet.tax_country,
            total: sheet.total.into(),
            refunded: sheet.refunded.into(),
            refundable: sheet.refundable.into(),
            invoice: sheet.invoice,
            documents: sheet.documents.into_iter().map(Document::from).collect(),
            payment_intent: sheet.payment,
            disputed: sheet.disputed,
            items: sheet.items.into_iter().map(OrderItem::from).collect(),
            timeline: sheet.timeline.iter().map(|moment| Moment::new(moment, role)).collect(),
        }
    }
}

impl From<InvoiceLink> for Document {
    fn from(link: InvoiceLink) -> Self {
        let (pdf, url) = (link.address(), document_address(&link.number));
        let InvoiceLink { number, kind, day, total, corrects, .. } = link;
        Self { number, kind: kind.as_str(), issued_on: day, total: total.into(), corrects, pdf, url }
    }
}

impl From<SheetItem> for OrderItem {
    fn from(item: SheetItem) -> Self {
        let SheetItem { title, slug, total, refundable, withdrawn, .. } = item;
        Self { book: slug, title, total: total.into(), refundable: refundable.into(), withdrawn }
    }
}

impl Moment {
    fn new(moment: &Happened, role: Role) -> Self {
        let (what, detail) = moment.told(role >= Role::Support);
        Self { at: rfc3339(moment.at), kind: moment.kind.as_str(), what, detail, bad: moment.bad }
    }
}
