//! A document as the template takes it: every value a finished text in the document's language.

use crate::document::{Buyer, Document, Kind, Line, Paper, Prices, TaxGroup, Treatment};
use crate::words::Words;
use chrono::NaiveDate;
use locale::{Amounts, Countries, DateLength, Dates, Locale, Percentages, Unformattable};
use serde::Serialize;

/// In bytes, what is certain to fit a page.
const LONG: usize = 1_000;

/// What the template reads.
#[derive(Serialize)]
pub(crate) struct View {
    pub(crate) language: String,
    region: Option<String>,
    right_to_left: bool,
    fonts: Vec<&'static str>,
    /// Whether a row of the table may break: only if one of them could be longer than a page.
    breakable: bool,
    paper: Paper,
    /// The document's date within the file.
    #[serde(skip)]
    pub(crate) date: NaiveDate,
    /// "Invoice INV-2026-00042", the title of the file.
    pub(crate) title: String,
    heading: &'static str,
    number: String,
    logo: Option<&'static str>,
    pub(crate) seller: String,
    seller_lines: Vec<String>,
    /// One line above the buyer's address, as a window envelope shows it.
    sender: String,
    buyer_label: &'static str,
    buyer: String,
    buyer_lines: Vec<String>,
    facts: Vec<[String; 2]>,
    columns: [String; 5],
    lines: Vec<ViewLine>,
    sums: Vec<[String; 2]>,
    total: [String; 2],
    /// After the total: paid with what, or what is still due.
    settled: Vec<[String; 2]>,
    texts: Vec<[String; 2]>,
    legal: Vec<String>,
    xml: Option<&'static str>,
    page: &'static str,
    pub(crate) pages: usize,
}

#[derive(Serialize)]
struct ViewLine {
    title: String,
    details: String,
    quantity: String,
    unit: String,
    tax: String,
    amount: String,
}

/// The locale's formatters, made once for a document.
struct Formats {
    amounts: Amounts,
    long: Dates,
    percentages: Percentages,
    countries: Countries,
}

impl View {
    /// # Errors
    /// [`Unformattable`] if there are no rules to write the document's amounts or dates.
    pub(crate) fn of(document: &Document) -> Result<Self, Unformattable> {
        let locale: Locale = document.locale.parse().unwrap_or_else(|_| Locale::english());
        let words = Words::of(locale.language());
        // Words and figures in one language: what has no words of its own is English throughout.
        let locale = if words.language == locale.language() { locale } else { Locale::english() };
        let formats = Formats {
            amounts: Amounts::new(&locale, document.currency.code(), document.currency.decimals())?,
            long: Dates::new(&locale, DateLength::Long)?,
            percentages: Percentages::new(&locale)?,
            countries: Countries::new(&locale)?,
        };
        let heading = match document.kind {
            Kind::Invoice => words.invoice,
            Kind::CreditNote => words.credit_note,
        };
        let seller = &document.seller;
        let (buyer, buyer_lines) = buyer(&document.buyer, &seller.country, words, &formats);
        Ok(Self {
            language: locale.language().to_owned(),
            region: locale.region().map(str::to_owned),
            right_to_left: locale.right_to_left(),
            fonts: vec!["Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew"],
            breakable: document.lines.iter().any(|line| line.title.len() + line.details.len() > LONG),
            paper: document.paper,
            date: document.issued_on,
            title: format!("{heading} {}", document.number),
            heading,
            number: document.number.clone(),
            logo: None,
            seller: seller.name.clone(),
            seller_lines: address(&seller.address, seller.country.as_deref(), &formats.countries)
                .chain(seller.email.clone())
                .collect(),
            sender: sender(&seller.name, &seller.address),
            buyer_label: words.buyer,
            buyer,
            buyer_lines,
            facts: facts(document, words, &formats),
            columns: columns(document, words),
            lines: document.lines.iter().map(|line| formats.line(line, document.prices, words)).collect(),
            sums: sums(document, words, &formats),
            total: total(document, words, &formats),
            settled: settled(document, words, &formats),
            texts: texts(document, words),
            legal: legal(document, words),
            xml: None,
            page: words.page,
            pages: 1,
        })
    }

    pub(crate) fn with_logo(mut self, path: Option<&'static str>) -> Self {
        self.logo = path;
        self
    }

    /// With that file inside.
    pub(crate) fn with_xml(mut self, path: Option<&'static str>) -> Self {
        self.xml = path;
        self
    }
}

impl Formats {
    fn day(&self, day: NaiveDate) -> String {
        self.long.write(day)
    }

    fn line(&self, line: &Line, prices: Prices, words: &Words) -> ViewLine {
        let amount = match prices {
            Prices::IncludeTax => line.gross,
            Prices::ExcludeTax => line.net,
        };
        let mut details = line.details.clone();
        if line.discount > 0 {
            let separator = if details.is_empty() { "" } else { " · " };
            details = format!("{details}{separator}{} {}", words.discount, self.amounts.plain(-line.discount));
        }
        ViewLine {
            title: line.title.clone(),
            details,
            quantity: line.quantity.to_string(),
            unit: self.amounts.plain(line.unit_amount),
            tax: if taxed(line.treatment) { self.percentages.write(line.tax_rate_ppm) } else { "–".to_owned() },
            amount: self.amounts.plain(amount),
        }
    }
}

/// Whether the treatment has a rate.
fn taxed(treatment: Treatment) -> bool {
    matches!(treatment, Treatment::Standard | Treatment::Reduced | Treatment::Zero)
}

fn address<'a>(
    lines: &'a [String],
    country: Option<&str>,
    countries: &Countries,
) -> impl Iterator<Item = String> + use<'a> {
    let country = country.map(|code| countries.name(code));
    lines.iter().filter(|line| !line.trim().is_empty()).cloned().chain(country)
}

fn sender(name: &str, address: &[String]) -> String {
    let parts = core::iter::once(name).chain(address.iter().map(String::as_str));
    parts.filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The first line, set apart, and those below it.
fn buyer(buyer: &Buyer, seller_country: &Option<String>, words: &Words, formats: &Formats) -> (String, Vec<String>) {
    let abroad = buyer.country != *seller_country || buyer.address.is_empty();
    let country = buyer.country.as_deref().filter(|_| abroad);
    let names = [&buyer.company, &buyer.name].into_iter().flatten().filter(|name| !name.trim().is_empty()).cloned();
    let tax = buyer.vat_id.iter().map(|id| format!("{} {id}", words.vat_id));
    let mut lines =
        names.chain(address(&buyer.address, country, &formats.countries)).chain(tax).chain(buyer.email.clone());
    (lines.next().unwrap_or_default(), lines.collect())
}

fn facts(document: &Document, words: &Words, formats: &Formats) -> Vec<[String; 2]> {
    let fact = |label: &str, value: String| [label.to_owned(), value];
    let mut facts = vec![
        fact(words.number, document.number.clone()),
        fact(words.date, formats.day(document.issued_on)),
        fact(words.delivered, formats.day(document.delivered_on)),
        fact(words.order, document.order_number.clone()),
    ];
    if let Some(other) = &document.corrects {
        let label = match document.kind {
            Kind::Invoice => words.replaces,
            Kind::CreditNote => words.corrects,
        };
        facts.push(fact(label, other.number.clone()));
        facts.push(fact("", formats.day(other.issued_on)));
    }
    facts
}

fn columns(document: &Document, words: &Words) -> [String; 5] {
    let terms = match document.prices {
        _ if document.totals.tax == 0 => String::new(),
        Prices::IncludeTax => format!(" {}", words.with_tax),
        Prices::ExcludeTax => format!(" {}", words.without_tax),
    };
    [
        words.item.to_owned(),
        words.quantity.to_owned(),
        words.unit_price.to_owned(),
        words.tax.to_owned(),
        format!("{}{terms}", words.amount),
    ]
}

fn sums(document: &Document, words: &Words, formats: &Formats) -> Vec<[String; 2]> {
    let totals = &document.totals;
    let sum = |label: &str, amount: i64| [label.to_owned(), formats.amounts.with_symbol(amount)];
    let mut sums = Vec::new();
    if totals.discount > 0 {
        sums.push(sum(words.subtotal, totals.lines));
        sums.push(sum(words.discount, -totals.discount));
    }
    sums.push(sum(words.net, totals.net));
    for group in &document.taxes {
        sums.push(sum(&tax_label(group, document.taxes.len() > 1, words, formats), group.tax));
    }
    sums
}

/// "VAT 7%", and "VAT 7% on €10.00" where there are several.
fn tax_label(group: &TaxGroup, several: bool, words: &Words, formats: &Formats) -> String {
    let name = if group.name.is_empty() { words.tax } else { &group.name };
    let label = match group.treatment {
        Treatment::Standard | Treatment::Reduced | Treatment::Zero => {
            format!("{name} {}", formats.percentages.write(group.rate_ppm))
        }
        Treatment::ReverseCharge => words.reverse_charge.to_owned(),
        Treatment::Exempt => words.exempt.to_owned(),
        Treatment::OutsideScope => words.outside_scope.to_owned(),
    };
    if several { format!("{label} {} {}", words.on, formats.amounts.with_symbol(group.taxable)) } else { label }
}

fn total(document: &Document, words: &Words, formats: &Formats) -> [String; 2] {
    let label = match document.kind {
        Kind::Invoice => words.total,
        Kind::CreditNote => words.total_credited,
    };
    [label.to_owned(), formats.amounts.with_symbol(document.totals.gross)]
}

fn settled(document: &Document, words: &Words, formats: &Formats) -> Vec<[String; 2]> {
    let totals = &document.totals;
    let mut settled = Vec::new();
    if let Some(payment) = &document.payment {
        let label = match document.kind {
            Kind::Invoice => words.paid,
            Kind::CreditNote => words.paid_back,
        };
        let how = [payment.means.clone(), formats.day(payment.on)];
        let how = how.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        settled.push([format!("{label}: {how}"), formats.amounts.with_symbol(totals.paid)]);
    }
    let due = totals.gross.saturating_sub(totals.paid);
    if document.kind == Kind::Invoice && due > 0 {
        settled.push([words.due.to_owned(), formats.amounts.with_symbol(due)]);
    }
    settled
}

/// Headings and paragraphs below the sums.
fn texts(document: &Document, words: &Words) -> Vec<[String; 2]> {
    let has = |treatment| document.taxes.iter().any(|group| group.treatment == treatment);
    let by_law = [
        (Treatment::ReverseCharge, words.reverse_charge_note),
        (Treatment::Exempt, words.exempt_note),
        (Treatment::OutsideScope, words.outside_scope_note),
    ];
    let by_law = by_law.into_iter().filter(|(treatment, _)| has(*treatment)).map(|(_, note)| note.to_owned());
    let notes = by_law.chain(document.notes.iter().filter(|note| !note.trim().is_empty()).cloned());
    let mut texts: Vec<_> = notes.map(|note| [String::new(), note]).collect();
    if let Some(first) = texts.first_mut() {
        words.notes.clone_into(&mut first[0]);
    }
    if !document.licence.trim().is_empty() {
        texts.push([words.licence.to_owned(), document.licence.clone()]);
    }
    texts
}

/// The seller's numbers and legal text, one line each.
fn legal(document: &Document, words: &Words) -> Vec<String> {
    let seller = &document.seller;
    let numbers = [
        (words.vat_id, &seller.vat_id),
        (words.tax_number, &seller.tax_number),
        (words.registration, &seller.registration),
    ];
    let numbers = numbers.into_iter().filter_map(|(label, number)| Some(format!("{label} {}", number.as_ref()?)));
    let text = seller.legal_text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned);
    numbers.chain(text).collect()
}
