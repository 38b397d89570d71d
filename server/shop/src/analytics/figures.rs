//! The figures that everything is told in, and the tallies that hold them.

use crate::Error;
use crate::db::Value::{End, Moment, Number, Text};
use crate::db::{AnyConnection, Constant};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::BTreeMap;

/// The figures once, for the struct, for the columns' names and for the statement that adds to them.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What is counted, as it stands for a time and a currency. Money is in minor units of that currency; the
        /// definitions are those of docs/analytics.md.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName, serde::Serialize)]
        pub struct Figures {
            $($(#[$doc])* #[diesel(sql_type = BigInt)] pub $name: i64,)*
        }

        impl Figures {
            /// The columns, in the order of the table.
            pub(super) const COLUMNS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Their values, in the same order.
            pub(super) fn values(&self) -> Vec<i64> {
                vec![$(self.$name),*]
            }

            /// This and `other` together.
            #[must_use]
            pub fn plus(&self, other: &Self) -> Self {
                Self { $($name: self.$name.saturating_add(other.$name),)* }
            }

            /// What this has more than `other`.
            #[must_use]
            pub fn minus(&self, other: &Self) -> Self {
                Self { $($name: self.$name.saturating_sub(other.$name),)* }
            }
        }

        /// Adds to one row of the tallies. Constant, so that it is prepared once.
        fn add(conn: &mut AnyConnection, key: &Key, figures: &Figures) -> Result<(), Error> {
            Constant(&[
                (concat!(
                    "INSERT INTO tally (dimension, grain, start, currency, key", $(", ", stringify!($name),)* ") VALUES ("
                ), Text(key.dimension.as_str())),
                (", ", Text(key.grain.as_str())),
                (", ", Moment(key.start)),
                (", ", Text(&key.currency)),
                (", ", Text(&key.key)),
                $((", ", Number(figures.$name)),)*
                (concat!(
                    ") ON CONFLICT (dimension, grain, start, currency, key) DO UPDATE SET currency = excluded.currency",
                    $(", ", stringify!($name), " = tally.", stringify!($name), " + excluded.", stringify!($name),)*
                ), End),
            ])
            .execute(conn)?;
            Ok(())
        }
    };
}

figures! {
    /// Checkouts that were begun.
    checkouts,
    /// Orders that were paid, or completed where there was nothing to pay.
    orders,
    /// Of these, the ones that cost nothing.
    free,
    /// Titles in the orders.
    units,
    /// What buyers paid, with tax and after discounts.
    gross,
    /// What was taken off before.
    discount,
    /// The tax in `gross`.
    tax,
    /// Refunds.
    refunds,
    /// What went back with them, tax included.
    refunded,
    /// The tax in `refunded`.
    refunded_tax,
    /// What banks took back in disputes that were lost.
    disputed,
    /// Titles that were fetched at least once, counted when their order was paid.
    fetched,
    /// Downloads that were begun.
    downloads,
}

impl Figures {
    /// What is left to the store: what was paid, without tax, less what went back.
    #[must_use]
    pub fn net(&self) -> i64 {
        (self.gross - self.tax) - (self.refunded - self.refunded_tax) - self.disputed
    }

    /// What an order came to that cost something; nothing if there was none.
    #[must_use]
    pub fn average(&self) -> Option<i64> {
        let paid = self.orders - self.free;
        // Half a minor unit is rounded up.
        (paid > 0).then(|| (self.gross + paid / 2).div_euclid(paid))
    }

    /// Titles of which no download was ever begun, free ones and those that were taken back among them.
    #[must_use]
    pub fn never_fetched(&self) -> i64 {
        (self.units - self.fetched).max(0)
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What a tally is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Everything.
    All,
    /// A book, by its id.
    Book,
    /// The country of the payment; nothing if it is not known.
    Country,
    /// The format that was fetched; nothing if it is not known.
    Format,
}

impl Dimension {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Book => "book",
            Self::Country => "country",
            Self::Format => "format",
        }
    }
}

/// How much time a tally is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Grain {
    /// A quarter of an hour, UTC.
    Quarter,
    /// A day of the store's zone.
    Day,
    /// A month of the store's zone.
    Month,
}

impl Grain {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// Which tally. In the order of these everything is written, so that two transactions never wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) dimension: Dimension,
    pub(super) grain: Grain,
    pub(super) start: NaiveDateTime,
    pub(super) currency: String,
    pub(super) key: String,
}

/// What is to be added to the tallies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Postings(pub(super) BTreeMap<Key, Figures>);

impl Postings {
    pub(super) fn add(&mut self, key: Key, figures: &Figures) {
        let sum = self.0.entry(key).or_default();
        *sum = sum.plus(figures);
    }

    /// What this has more than `other`.
    pub(super) fn minus(mut self, other: Self) -> Self {
        for (key, figures) in other.0 {
            let sum = self.0.entry(key).or_default();
            *sum = sum.minus(&figures);
        }
        self
    }

    /// Adds it.
    pub(super) fn write(&self, conn: &mut AnyConnection) -> Result<(), Error> {
        for (key, figures) in self.0.iter().filter(|(_, figures)| !figures.is_nothing()) {
            add(conn, key, figures)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_is_without_tax_and_without_what_went_back() {
        let figures = Figures {
            orders: 4,
            free: 1,
            units: 5,
            gross: 11_900,
            tax: 1_900,
            refunded: 1_190,
            refunded_tax: 190,
            disputed: 500,
            fetched: 3,
            ..Figures::default()
        };
        assert_eq!(figures.net(), 10_000 - 1_000 - 500);
        assert_eq!(figures.average(), Some(3_967));
        assert_eq!(figures.never_fetched(), 2);
        assert_eq!(Figures::default().average(), None);
        assert_eq!(figures.minus(&figures), Figures::default());
    }
}
