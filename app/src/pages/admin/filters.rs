//! What the list of orders is asked for, as its address has it.

use super::Refused;
use crate::pages::query;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shop::desk::{Addresses, OrderQuery, StandingFilter, Turn};
use shop::types::Slug;
use std::fmt::Write as _;

/// The filters of the list of orders. What makes no sense is left out, as if it had not been asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// `of` and `letters`: under which addresses.
    pub addresses: Option<Addresses>,
    /// `book`: a slug.
    pub book: Option<String>,
    /// `books`: a piece of several titles, to choose from.
    pub books: Option<String>,
    /// `standing`: a word of [`StandingFilter`].
    pub standing: String,
    /// `from`: the first day.
    pub from: String,
    /// `until`: the last day.
    pub until: String,
    /// `refused`: why the search found nothing.
    pub refused: Option<Refused>,
}

impl Filters {
    /// Of the page's own address.
    pub(super) fn of_page() -> Self {
        Self::read(query)
    }

    /// Of whatever holds the parameters by their names.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let letters = value("letters").and_then(|letters| letters.parse().ok());
        let order = value("of").and_then(|number| number.parse().ok());
        Self {
            addresses: order.map(|order| Addresses { order, letters }),
            book: value("book").filter(|slug| slug.parse::<Slug>().is_ok()),
            books: value("books"),
            standing: value("standing").unwrap_or_default(),
            from: value("from").unwrap_or_default(),
            until: value("until").unwrap_or_default(),
            refused: None,
        }
    }

    /// What stands in the address, by its names.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        if let Some(Addresses { order, letters }) = &self.addresses {
            all.push(("of", order.as_str().to_owned()));
            all.extend(letters.map(|letters| ("letters", letters.to_string())));
        }
        let known = |day: &str| OrderQuery::day(day).is_some();
        for (name, value) in [
            ("book", self.book.as_deref()),
            ("books", self.books.as_deref()),
            ("standing", StandingFilter::parse(&self.standing).map(StandingFilter::as_str)),
            ("from", Some(self.from.as_str()).filter(|day| known(day))),
            ("until", Some(self.until.as_str()).filter(|day| known(day))),
            ("refused", self.refused.map(Refused::as_str)),
        ] {
            all.extend(value.map(|value| (name, value.to_owned())));
        }
        all
    }

    /// What the shop is asked for.
    #[must_use]
    pub fn query(&self, turn: Turn) -> OrderQuery {
        OrderQuery {
            addresses: self.addresses.clone(),
            book: self.book.as_ref().and_then(|slug| slug.parse().ok()),
            standing: StandingFilter::parse(&self.standing),
            from: OrderQuery::day(&self.from),
            until: OrderQuery::day(&self.until),
            turn,
        }
    }

    /// Whether anything is asked for at all.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The list's address with these filters.
    #[must_use]
    pub fn address(&self) -> String {
        self.address_of("")
    }

    /// The same with one more parameter, which needs no escaping.
    pub(super) fn address_of(&self, more: &str) -> String {
        let mut address = String::from("/admin/orders");
        let mut add = |name: &str, value: &str| {
            let mark = if address.contains('?') { '&' } else { '?' };
            let _ = write!(address, "{mark}{name}={}", utf8_percent_encode(value, ESCAPED));
        };
        for (name, value) in self.parameters() {
            add(name, &value);
        }
        if let Some((name, value)) = more.split_once('=') {
            add(name, value);
        }
        address
    }
}

const ESCAPED: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Which page of the list, of the page's own address.
pub(super) fn turn() -> Turn {
    let number = |name| query(name).and_then(|number| number.parse().ok());
    match (number("after"), number("before"), query("page").as_deref()) {
        (Some(order), ..) => Turn::After(order),
        (_, Some(order), _) => Turn::Before(order),
        (_, _, Some("last")) => Turn::Last,
        _ => Turn::First,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_is_asked_for_and_nothing_else() {
        assert_eq!(Filters::default().address(), "/admin/orders");
        let filters = Filters {
            addresses: Some(Addresses { order: "ABCDE-FGHJK".parse().unwrap(), letters: Some(3) }),
            books: Some("a & b".into()),
            standing: "nonsense".into(),
            from: "2026-11-22".into(),
            until: "tomorrow".into(),
            ..Filters::default()
        };
        assert_eq!(filters.address(), "/admin/orders?of=ABCDEFGHJK&letters=3&books=a%20%26%20b&from=2026-11-22");
        assert_eq!(Filters::default().address_of("page=last"), "/admin/orders?page=last");
    }
}
