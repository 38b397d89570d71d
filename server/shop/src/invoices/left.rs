//! What is left of the titles of an order, amount by amount and tax by tax, and lines over parts of it.
//!
//! Like the shares of refunds (`refunds/share.rs`), parts are worked out from what is *left*: the one that takes what is left
//! takes exactly that of each tax, so that all documents of an order come to nothing when all of it went back.

use super::document::{Line, LineTax};
use crate::refunds::share::{Room, Share, spread};

/// What is left of a title.
pub(super) struct Left<'a> {
    whole: &'a Line,
    pub(super) amount: i64,
    tax: i64,
    /// Of each tax of the line: what it is taken of, and what it comes to.
    taxes: Vec<(i64, i64)>,
}

impl<'a> Left<'a> {
    /// Everything.
    pub(super) fn of(whole: &'a Line) -> Self {
        let taxes = whole.taxes.iter().map(|tax| (tax.taxable, tax.amount)).collect();
        Self { whole, amount: whole.total, tax: whole.tax, taxes }
    }

    /// Less what a credit note takes of this title.
    pub(super) fn take(&mut self, line: &Line) {
        self.add(line, -1);
    }

    /// With what such a note gives back.
    pub(super) fn give(&mut self, line: &Line) {
        self.add(line, 1);
    }

    fn add(&mut self, line: &Line, times: i64) {
        if line.position != self.whole.position {
            return;
        }
        self.amount += times * line.total;
        self.tax += times * line.tax;
        for ((taxable, amount), tax) in self.taxes.iter_mut().zip(&line.taxes) {
            *taxable += times * tax.taxable;
            *amount += times * tax.amount;
        }
    }

    pub(super) fn room(&self) -> Room {
        Room { item_id: self.at(), amount: self.amount, tax: self.tax }
    }

    /// Titles are told apart by their place in the order.
    fn at(&self) -> i64 {
        self.whole.position.unwrap_or_default().into()
    }

    /// The line over a share: of a whole title as it was sold, of a part as so much of its price.
    fn line(&self, share: Share) -> Line {
        let whole = self.whole;
        if share.amount == whole.total && share.tax == whole.tax {
            return whole.clone();
        }
        Line {
            unit_amount: if whole.holds_tax() { share.amount } else { share.amount - share.tax },
            discount: 0,
            tax: share.tax,
            total: share.amount,
            taxes: self.taxes_of(share),
            ..whole.clone()
        }
    }

    fn taxes_of(&self, share: Share) -> Vec<LineTax> {
        let part = |of: i64, by: i64, whole: i64| {
            if whole == 0 {
                0
            } else {
                i64::try_from(i128::from(of) * i128::from(by) / i128::from(whole)).unwrap_or(of)
            }
        };
        let (net, net_left) = (share.amount - share.tax, self.amount - self.tax);
        let rooms: Vec<Room> =
            (0..).zip(&self.taxes).map(|(item_id, (_, amount))| Room { item_id, amount: *amount, tax: 0 }).collect();
        let amounts = spread(&rooms, share.tax).unwrap_or_default();
        let each = self.whole.taxes.iter().zip(&self.taxes).zip(amounts);
        let each = each.map(|((tax, (left, _)), Share { amount, .. })| {
            let taxable = if *left == net_left { net } else { part(*left, net, net_left) };
            LineTax { amount, taxable, ..tax.clone() }
        });
        each.collect()
    }
}

/// The lines of what falls to each title; a title that cost nothing has its line too.
pub(super) fn lines_of_shares(left: &[Left<'_>], shares: &[Share]) -> Vec<Line> {
    let share_of = |title: &Left<'_>| shares.iter().find(|share| share.item_id == title.at());
    let lines = left.iter().filter_map(|title| {
        let share = share_of(title)?;
        (share.amount != 0 || title.whole.total == 0).then(|| title.line(*share))
    });
    lines.collect()
}

/// The lines of all that is left.
pub(super) fn lines_of_all(left: &[Left<'_>]) -> Vec<Line> {
    let all = |title: &Left<'_>| {
        let Room { item_id, amount, tax } = title.room();
        Share { item_id, amount, tax }
    };
    lines_of_shares(left, &left.iter().map(all).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TaxTreatment;
    use proptest::prelude::*;

    fn tax(amount: i64, taxable: i64) -> LineTax {
        LineTax {
            country: "US".into(),
            name: "Tax".into(),
            rate_ppm: 10_000,
            taxable,
            amount,
            treatment: TaxTreatment::Standard,
            inclusive: false,
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_title_come_to_all_of_each_of_its_taxes(
            net in 1..100_000_i64,
            taxes in proptest::collection::vec((0..20_000_i64, 1..=4_i64), 0..4),
            steps in proptest::collection::vec(0..=1_000_i64, 0..6),
        ) {
            let taxes: Vec<LineTax> = taxes.iter().map(|(amount, of)| tax(*amount, net / of)).collect();
            let sum: i64 = taxes.iter().map(|tax| tax.amount).sum();
            let whole = Line { unit_amount: net, tax: sum, total: net + sum, position: Some(3), taxes, ..Line::default() };
            let mut left = vec![Left::of(&whole)];
            let mut noted: Vec<Line> = Vec::new();
            for share in steps.into_iter().chain([1_000]) {
                let rooms = [left[0].room()];
                let shares = spread(&rooms, rooms[0].amount * share / 1_000).unwrap();
                for line in lines_of_shares(&left, &shares) {
                    prop_assert_eq!(line.taxes.iter().map(|tax| tax.amount).sum::<i64>(), line.tax);
                    prop_assert!(line.taxes.iter().all(|tax| tax.amount >= 0 && tax.taxable >= 0), "{:?}", line);
                    left[0].take(&line);
                    noted.push(line);
                }
            }
            prop_assert_eq!((left[0].amount, left[0].tax), (0, 0));
            for (i, tax) in whole.taxes.iter().enumerate() {
                prop_assert_eq!(noted.iter().map(|line| line.taxes[i].amount).sum::<i64>(), tax.amount);
                prop_assert_eq!(noted.iter().map(|line| line.taxes[i].taxable).sum::<i64>(), tax.taxable);
            }
            prop_assert!(lines_of_all(&left).is_empty());
            for line in &noted {
                left[0].give(line);
            }
            prop_assert_eq!(lines_of_all(&left), vec![whole.clone()]);
        }
    }
}
