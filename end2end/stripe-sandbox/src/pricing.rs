//! What a session costs: lines, discount, tax. Whole minor units, and every line adds up to the total.
//!
//! A discount is spread over the lines in proportion to their amounts; tax is taken of what is left,
//! line by line, on top of it (exclusive) or out of it (inclusive).

use crate::records::{Item, Off, Session};
use crate::tax;

/// 100 percent, in ten-thousandths of a percent.
pub(crate) const WHOLE: i64 = 1_000_000;

/// Tax on one line by one rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineTax {
    /// The store's own rate, or none for automatic tax.
    pub(crate) rate_id: Option<String>,
    /// The rate, in ten-thousandths of a percent.
    pub(crate) rate: i64,
    pub(crate) inclusive: bool,
    pub(crate) amount: i64,
    /// What it was taken of.
    pub(crate) taxable: i64,
    /// Stripe's word for why it is that rate.
    pub(crate) reason: &'static str,
}

/// The amounts of one line, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LineTotals {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
    pub(crate) taxes: Vec<LineTax>,
}

/// The amounts of a session, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) lines: Vec<LineTotals>,
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

/// The amounts of a session for a buyer in that country (for automatic tax).
pub(crate) fn totals(session: &Session, country: Option<&str>) -> Totals {
    let subtotals: Vec<i64> = session.items.iter().map(Item::subtotal).collect();
    let discounts = match &session.discount {
        None => vec![0; subtotals.len()],
        Some(discount) => spread(&subtotals, &discount.off),
    };
    let mut totals = Totals::default();
    for ((item, subtotal), discount) in session.items.iter().zip(subtotals).zip(discounts) {
        let country = session.settings.automatic_tax.then_some(country).flatten();
        let line = line(item, subtotal, discount, country, session.tax_id.as_deref());
        totals.subtotal = totals.subtotal.saturating_add(line.subtotal);
        totals.discount = totals.discount.saturating_add(line.discount);
        totals.tax = totals.tax.saturating_add(line.tax);
        totals.total = totals.total.saturating_add(line.total);
        totals.lines.push(line);
    }
    totals
}

fn line(item: &Item, subtotal: i64, discount: i64, country: Option<&str>, tax_id: Option<&str>) -> LineTotals {
    let taxable = subtotal.saturating_sub(discount);
    let rates: Vec<(Option<String>, i64, bool, &'static str)> = match country {
        Some(country) => tax::rate(country, item.tax_code.as_deref(), tax_id)
            .map(|found| (None, found.rate, tax::is_inclusive(&item.tax_behavior), found.reason))
            .into_iter()
            .collect(),
        None => {
            let own = item.tax_rates.iter();
            own.map(|rate| (Some(rate.id.clone()), rate.rate, rate.inclusive, "standard_rated")).collect()
        }
    };
    let included: i64 = rates.iter().filter(|(_, _, inclusive, _)| *inclusive).map(|(_, rate, ..)| rate).sum();
    // What is left without the taxes inside it; every rate is taken of this.
    let net = share(taxable, WHOLE, WHOLE.saturating_add(included));
    let taxes: Vec<LineTax> = rates
        .into_iter()
        .map(|(rate_id, rate, inclusive, reason)| {
            let amount =
                if inclusive { share(taxable, rate, WHOLE.saturating_add(included)) } else { share(net, rate, WHOLE) };
            LineTax { rate_id, rate, inclusive, amount, taxable: net, reason }
        })
        .collect();
    let on_top: i64 = taxes.iter().filter(|tax| !tax.inclusive).map(|tax| tax.amount).sum();
    LineTotals {
        subtotal,
        discount,
        tax: taxes.iter().map(|tax| tax.amount).sum(),
        total: taxable.saturating_add(on_top),
        taxes,
    }
}

/// `amount × part ÷ whole`, rounded half up.
fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole.max(1)));
    i64::try_from((2 * amount * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// A discount over lines. The parts of an amount add up to it; no line goes below zero.
fn spread(subtotals: &[i64], off: &Off) -> Vec<i64> {
    match off {
        Off::Percent { rate, .. } => subtotals.iter().map(|subtotal| share(*subtotal, *rate, WHOLE)).collect(),
        Off::Amount { minor, .. } => {
            let whole: i64 = subtotals.iter().fold(0, |sum, subtotal| sum.saturating_add(*subtotal));
            let mut left = (*minor).min(whole);
            let mut rest = whole;
            // Each line takes its share of what is left, so that the last one takes exactly the rest.
            subtotals
                .iter()
                .map(|subtotal| {
                    let part = share(left, *subtotal, rest).min(*subtotal);
                    left -= part;
                    rest -= subtotal;
                    part
                })
                .collect()
        }
    }
}

/// Reads a percentage such as `25.5` into ten-thousandths of a percent; none when it is not from 0 to 100.
pub(crate) fn percent(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || fraction.len() > 4 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let rate = format!("{whole}{fraction:0<4}").parse().ok()?;
    (0..=WHOLE).contains(&rate).then_some(rate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn off(minor: i64) -> Off {
        Off::Amount { minor, currency: "usd".to_owned() }
    }

    #[test]
    fn percentages_are_read_exactly() {
        let cases = [("25.5", Some(255_000)), ("100", Some(1_000_000)), ("0.0001", Some(1)), ("19", Some(190_000))];
        for (text, rate) in cases {
            assert_eq!(percent(text), rate, "{text}");
        }
        for wrong in ["", ".5", "-1", "100.1", "1e2", "1.00001", "x", "٣"] {
            assert_eq!(percent(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_percentage_is_taken_of_each_line() {
        let off = Off::Percent { rate: 255_000, written: "25.5".to_owned() };
        assert_eq!(spread(&[1_000, 333], &off), [255, 85]);
    }

    proptest! {
        #[test]
        fn the_parts_of_an_amount_add_up(subtotals in proptest::collection::vec(0_i64..1_000_000, 1..20), minor in 0_i64..9_999_999) {
            let parts = spread(&subtotals, &off(minor));
            let whole: i64 = subtotals.iter().sum();
            prop_assert_eq!(parts.iter().sum::<i64>(), minor.min(whole));
            for (part, subtotal) in parts.iter().zip(&subtotals) {
                prop_assert!((0..=*subtotal).contains(part));
            }
        }

        #[test]
        fn inclusive_tax_never_changes_what_is_paid(unit in 0_i64..1_000_000, rate in 0_i64..500_000) {
            let rates = vec![crate::records::ItemTaxRate { id: "txr".to_owned(), rate, inclusive: true }];
            let item = Item { unit_amount: unit, quantity: 1, tax_rates: rates, ..Item::default() };
            let line = line(&item, unit, 0, None, None);
            prop_assert_eq!(line.total, unit);
            prop_assert!(line.tax <= unit);
        }
    }
}
