//! Amounts, days and countries as the store writes them ([`Notation`]), on the page that is being made. What programs read is
//! written by `text` or by the values themselves.

use chrono::{NaiveDate, NaiveDateTime};
use leptos::prelude::use_context;
use shop::Shop;
use shop::desk::Right;
use shop::notation::Notation;
use shop::types::Money;

/// The store's notation; the house's own where there is no shop.
fn with<T>(write: impl FnOnce(&Notation) -> T) -> T {
    match use_context::<Shop>() {
        Some(shop) => write(shop.notation()),
        None => write(&Notation::default()),
    }
}

/// An amount.
#[must_use]
pub fn money(money: Money) -> String {
    with(|notation| notation.money(money))
}

/// An amount on a scale: without decimals where it is a whole one.
#[must_use]
pub fn mark(money: Money) -> String {
    with(|notation| notation.mark(money))
}

/// A price: nothing to pay is free.
#[must_use]
pub fn price(amount: Money) -> String {
    if amount.is_zero() { "Free".to_owned() } else { money(amount) }
}

/// A whole number.
#[must_use]
pub fn number(number: i64) -> String {
    with(|notation| notation.number(number))
}

/// Hundredths of a per cent, with one decimal.
#[must_use]
pub fn percent(hundredths: i64) -> String {
    with(|notation| notation.percent(hundredths))
}

/// A rate of tax, in parts per million.
#[must_use]
pub fn rate(ppm: i64) -> String {
    with(|notation| notation.rate(ppm))
}

/// A day with a short month.
#[must_use]
pub fn short_day(day: NaiveDate) -> String {
    with(|notation| notation.short_day(day))
}

/// An ISO 8601 day. Anything else is returned as it is.
#[must_use]
pub fn day(iso: &str) -> String {
    with(|notation| notation.iso_day(iso))
}

/// The day of a moment.
#[must_use]
pub fn day_of(at: NaiveDateTime) -> String {
    with(|notation| notation.day(at.date()))
}

/// A moment, UTC.
#[must_use]
pub fn moment(at: NaiveDateTime) -> String {
    with(|notation| notation.moment(at))
}

/// What can still be done with the link of a title.
#[must_use]
pub fn right(right: &Right) -> String {
    with(|notation| right.text(notation))
}

/// A country by its two letters, with them.
#[must_use]
pub fn country(code: &str) -> String {
    with(|notation| notation.country(code))
}
