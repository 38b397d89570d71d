//! Whether a document can be written as EN 16931 says. The rules' names are those of the standard.

use crate::document::{Document, Line, TaxGroup, Treatment};
use std::collections::BTreeMap;
use std::fmt;

/// Why a document has no machine-readable half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortcoming {
    /// BR-06: the seller's name.
    SellerName,
    /// BR-09: the seller's country, two letters.
    SellerCountry,
    /// The seller is in no country whose tax is the VAT that the standard is about.
    NoVatCountry,
    /// BR-CO-26, BR-S-02 and their like: a VAT id or a tax number of the seller.
    SellerTaxNumber,
    /// BR-07: the buyer's name or company.
    BuyerName,
    /// BR-11: the buyer's country, two letters.
    BuyerCountry,
    /// BR-AE-02: with reverse charge, the buyer's VAT id.
    BuyerVatId,
    /// BR-16, BR-25: a line at all, and with a title.
    Lines,
    /// BR-DEC-*: an amount has more than two decimals.
    Decimals,
    /// A line has several taxes, or its tax is in no group.
    TaxPerLine,
    /// BR-O-11 to 14: some is outside the scope of VAT, and some is not.
    MixedScope,
    /// BR-CO-*: the sums do not add up.
    Sums,
    /// BR-55: the number of the document that this one corrects.
    Correction,
}

impl fmt::Display for Shortcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SellerName => "the seller has no name",
            Self::SellerCountry => "the seller has no country",
            Self::NoVatCountry => "the seller's country has no VAT as Europe knows it",
            Self::SellerTaxNumber => "the seller has neither a VAT ID nor a tax number",
            Self::BuyerName => "the buyer has no name",
            Self::BuyerCountry => "the buyer has no country",
            Self::BuyerVatId => "the buyer has no VAT ID, which reverse charge needs",
            Self::Lines => "there is no line, or one without a title",
            Self::Decimals => "an amount has three decimals",
            Self::TaxPerLine => "a line has more than one tax",
            Self::MixedScope => "some of it is outside the scope of VAT, and some is not",
            Self::Sums => "the sums do not add up",
            Self::Correction => "the corrected document has no number",
        })
    }
}

/// The European Union, its neighbours with the same kind of tax, and Northern Ireland.
const VAT_COUNTRIES: [&str; 34] = [
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MC", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// The code of a treatment in UNTDID 5305, as the standard uses it.
pub(super) fn category(treatment: Treatment, rate_ppm: i64) -> &'static str {
    match treatment {
        Treatment::Standard | Treatment::Reduced if rate_ppm > 0 => "S",
        Treatment::Standard | Treatment::Reduced | Treatment::Zero => "Z",
        Treatment::ReverseCharge => "AE",
        Treatment::Exempt => "E",
        Treatment::OutsideScope => "O",
    }
}

/// What keeps the document from being written as EN 16931 says; nothing for one with a machine-readable half.
#[must_use]
pub fn shortcomings(document: &Document) -> Vec<Shortcoming> {
    let Document { seller, buyer, lines, .. } = document;
    let mut found = Vec::new();
    let mut unless = |holds: bool, shortcoming| {
        if !holds {
            found.push(shortcoming);
        }
    };
    let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let country = |code: &Option<String>| {
        code.as_ref().is_some_and(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
    };
    let any = |treatment| lines.iter().any(|line| line.treatment == treatment);
    unless(!seller.name.trim().is_empty(), Shortcoming::SellerName);
    unless(country(&seller.country), Shortcoming::SellerCountry);
    let vat_country = seller.country.as_deref().is_none_or(|code| code.len() != 2 || VAT_COUNTRIES.contains(&code));
    unless(vat_country, Shortcoming::NoVatCountry);
    unless(filled(&seller.vat_id) || filled(&seller.tax_number), Shortcoming::SellerTaxNumber);
    unless(filled(&buyer.company) || filled(&buyer.name), Shortcoming::BuyerName);
    unless(country(&buyer.country), Shortcoming::BuyerCountry);
    unless(!any(Treatment::ReverseCharge) || filled(&buyer.vat_id), Shortcoming::BuyerVatId);
    unless(!lines.is_empty() && lines.iter().all(|line| !line.title.trim().is_empty()), Shortcoming::Lines);
    unless(two_decimals(document), Shortcoming::Decimals);
    unless(one_tax_each(document), Shortcoming::TaxPerLine);
    let outside = any(Treatment::OutsideScope);
    unless(!outside || lines.iter().all(|line| line.treatment == Treatment::OutsideScope), Shortcoming::MixedScope);
    unless(adds_up(document), Shortcoming::Sums);
    let corrected = document.corrects.as_ref().is_none_or(|other| !other.number.trim().is_empty());
    unless(corrected, Shortcoming::Correction);
    found
}

/// Whether no amount has a third decimal that is not 0.
fn two_decimals(document: &Document) -> bool {
    let step = if document.currency.decimals() > 2 { 10 } else { 1 };
    let of_line = |line: &Line| [line.net, line.tax, line.gross];
    let of_group = |group: &TaxGroup| [group.taxable, group.tax];
    let totals = document.totals;
    let totals = [totals.net, totals.tax, totals.gross, totals.paid];
    let lines = document.lines.iter().flat_map(of_line);
    lines.chain(document.taxes.iter().flat_map(of_group)).chain(totals).all(|amount| amount % step == 0)
}

/// The net amounts by category and rate: what the lines come to, and what the groups say.
fn one_tax_each(document: &Document) -> bool {
    let mut of_lines = BTreeMap::<_, i128>::new();
    for line in &document.lines {
        let key = (category(line.treatment, line.tax_rate_ppm), line.tax_rate_ppm);
        *of_lines.entry(key).or_default() += i128::from(line.net);
    }
    let of_group =
        |group: &TaxGroup| ((category(group.treatment, group.rate_ppm), group.rate_ppm), i128::from(group.taxable));
    let of_groups: BTreeMap<_, _> = document.taxes.iter().map(of_group).collect();
    of_groups.len() == document.taxes.len() && of_lines == of_groups
}

/// BR-CO-10 to 17 and BR-*-08, 09: exactly, but for the tax of a group, which is the sum of the lines' rounded tax
/// and may be off by less than one unit of the currency.
fn adds_up(document: &Document) -> bool {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.map(i128::from).sum::<i128>();
    let totals = document.totals;
    let unit = 10_i128.pow(u32::from(document.currency.decimals()));
    let right = |group: &TaxGroup| {
        let millionths = i128::from(group.taxable) * i128::from(group.rate_ppm);
        let off = (i128::from(group.tax) * 1_000_000 - millionths).abs();
        let taxed = matches!(category(group.treatment, group.rate_ppm), "S");
        group.taxable >= 0 && group.tax >= 0 && if taxed { off < unit * 1_000_000 } else { group.tax == 0 }
    };
    let line_right = |line: &Line| {
        line.quantity > 0
            && line.net >= 0
            && line.tax >= 0
            && i128::from(line.net) + i128::from(line.tax) == i128::from(line.gross)
    };
    document.lines.iter().all(line_right)
        && document.taxes.iter().all(right)
        && sum(&mut document.lines.iter().map(|line| line.net)) == i128::from(totals.net)
        && sum(&mut document.taxes.iter().map(|group| group.tax)) == i128::from(totals.tax)
        && sum(&mut document.lines.iter().map(|line| line.tax)) == i128::from(totals.tax)
        && i128::from(totals.net) + i128::from(totals.tax) == i128::from(totals.gross)
        && (0..=totals.gross).contains(&totals.paid)
}
