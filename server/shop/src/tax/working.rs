//! Taxes out of prices that hold them.
//!
//! Rounded once per document and rate, half up: the tax of all titles at one rate is worked out of their sum, and falls to
//! the titles by the largest remainder. So the sum on the document is the exact one, and each title's is within a minor unit
//! of its own.

use crate::types::MoneyError;

/// A whole, in parts per million.
const WHOLE: i128 = 1_000_000;

/// The tax in each of these amounts at one rate. Amounts are minor units with the tax in them.
///
/// # Errors
/// [`MoneyError::Negative`] for an amount or a rate below zero; [`MoneyError::Overflow`] if the sum does not fit.
pub fn included(amounts: &[i64], rate_ppm: i64) -> Result<Vec<i64>, MoneyError> {
    if rate_ppm < 0 || amounts.iter().any(|amount| *amount < 0) {
        return Err(MoneyError::Negative);
    }
    let sum = amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(*amount)).ok_or(MoneyError::Overflow)?;
    let (rate, whole) = (i128::from(rate_ppm), WHOLE + i128::from(rate_ppm));
    // An i64 times a rate of at most nineteen digits fits an i128.
    let exact = |amount: i64| i128::from(amount) * rate;
    let total = (2 * exact(sum) + whole) / (2 * whole);
    let mut taxes: Vec<i64> = Vec::with_capacity(amounts.len());
    for amount in amounts {
        taxes.push(i64::try_from(exact(*amount) / whole).map_err(|_| MoneyError::Overflow)?);
    }
    let floors: i128 = taxes.iter().map(|tax| i128::from(*tax)).sum();
    let missing = usize::try_from(total - floors).unwrap_or(0);
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    // Of equal ones the first.
    order.sort_by_key(|i| amounts.get(*i).map(|amount| -(exact(*amount) % whole)));
    for i in order.into_iter().take(missing) {
        if let Some(tax) = taxes.get_mut(i) {
            *tax += 1;
        }
    }
    Ok(taxes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Currency;
    use proptest::prelude::*;

    #[test]
    fn the_tax_of_a_document_is_rounded_once() {
        // 3 × 7/107 of 0.99 is 0.1943; each by itself would round to 0.06.
        assert_eq!(included(&[99, 99, 99], 70_000), Ok(vec![7, 6, 6]));
        assert_eq!(included(&[11_900], 190_000), Ok(vec![1_900]));
        assert_eq!(included(&[107, 0], 70_000), Ok(vec![7, 0]));
        assert_eq!(included(&[], 70_000), Ok(vec![]));
        assert_eq!(included(&[500], 0), Ok(vec![0]));
        assert_eq!(included(&[i64::MAX, 1], 70_000), Err(MoneyError::Overflow));
        assert_eq!(included(&[-1], 70_000), Err(MoneyError::Negative));
    }

    /// Row 12: with no decimals, two and three, the tax is the exact one to half a minor unit.
    #[test]
    fn row_12_tax_is_exact_in_every_currency() {
        for currency in Currency::all() {
            let price = 1_999 * currency.step();
            for rate in [26_000, 55_000, 70_000, 190_000, 255_000, 270_000] {
                let tax = included(&[price, price], rate).unwrap().iter().sum::<i64>();
                let (tax, price) = (i128::from(tax), 2 * i128::from(price));
                let off = (tax * (WHOLE + i128::from(rate)) - price * i128::from(rate)).abs();
                assert!(2 * off <= WHOLE + i128::from(rate), "{currency} {rate}");
            }
        }
    }

    /// Row 13: a generated cart is taxed exactly or refused, never wrapped.
    #[test]
    fn row_13_taxes_are_exact_or_an_error() {
        let amounts = proptest::collection::vec(prop_oneof![0..1_000_000_i64, any::<i64>()], 0..40);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(100_000));
        runner
            .run(&(amounts, 0..=1_000_000_i64), |(amounts, rate)| {
                let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
                let Ok(taxes) = included(&amounts, rate) else {
                    prop_assert!(amounts.iter().any(|amount| *amount < 0) || i64::try_from(sum).is_err());
                    return Ok(());
                };
                let (whole, rate) = (WHOLE + i128::from(rate), i128::from(rate));
                let total: i128 = taxes.iter().map(|tax| i128::from(*tax)).sum();
                prop_assert!(2 * (total * whole - sum * rate).abs() <= whole, "{total} of {sum}");
                for (tax, amount) in taxes.iter().zip(&amounts) {
                    prop_assert!((i128::from(*tax) * whole - i128::from(*amount) * rate).abs() < whole);
                    prop_assert!((0..=*amount).contains(tax));
                }
                Ok(())
            })
            .unwrap();
    }
}
