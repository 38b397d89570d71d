//! The test cards and the checks of a payment form's card fields, worded as Stripe words them.
//!
//! A number is looked at and forgotten: nothing beyond the last four digits leaves this module.

use chrono::{Datelike, Utc};
use serde::{Deserialize, Serialize};

/// What the network answers for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The charge succeeds.
    Succeeds,
    /// The charge fails.
    Declined(Decline),
    /// The buyer has to authenticate first (3-D Secure).
    NeedsAuthentication,
}

/// A refusal by the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decline {
    /// Stripe's error code.
    pub(crate) code: &'static str,
    /// The finer reason, where there is one.
    pub(crate) decline_code: Option<&'static str>,
    /// The sentence for the buyer.
    pub(crate) message: &'static str,
}

/// What comes after a charge has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Afterwards {
    /// Nothing.
    #[default]
    Nothing,
    /// A refund succeeds, and fails some time later.
    RefundFails,
    /// A refund is pending, and succeeds some time later.
    RefundIsPending,
    /// The buyer disputes it as fraud.
    Fraudulent,
    /// The buyer says that nothing came.
    NotReceived,
    /// The bank asks first; no money is taken.
    Inquiry,
}

/// One row of the table of test cards.
pub(crate) struct TestCard {
    /// The digits.
    pub(crate) number: &'static str,
    /// What it is for, as the payment page lists it.
    pub(crate) label: &'static str,
    /// What it does.
    pub(crate) outcome: Outcome,
    /// What it does later.
    pub(crate) afterwards: Afterwards,
}

const fn card(number: &'static str, label: &'static str, outcome: Outcome) -> TestCard {
    TestCard { number, label, outcome, afterwards: Afterwards::Nothing }
}

const fn later(number: &'static str, label: &'static str, afterwards: Afterwards) -> TestCard {
    TestCard { number, label, outcome: Outcome::Succeeds, afterwards }
}

const fn declined(code: &'static str, decline_code: Option<&'static str>, message: &'static str) -> Outcome {
    Outcome::Declined(Decline { code, decline_code, message })
}

/// The cards that the sandbox knows (docs.stripe.com/testing).
pub(crate) const TEST_CARDS: &[TestCard] = &[
    card("4242424242424242", "Succeeds (Visa)", Outcome::Succeeds),
    card("5555555555554444", "Succeeds (Mastercard)", Outcome::Succeeds),
    card("4000002500003155", "Asks for authentication", Outcome::NeedsAuthentication),
    card(
        "4000000000000002",
        "Is declined",
        declined("card_declined", Some("generic_decline"), "Your card was declined."),
    ),
    card(
        "4000000000009995",
        "Is declined: insufficient funds",
        declined("card_declined", Some("insufficient_funds"), "Your card has insufficient funds."),
    ),
    card("4000000400000008", "Succeeds (Visa, from Austria)", Outcome::Succeeds),
    card("4000002500000003", "Succeeds (Visa, from France)", Outcome::Succeeds),
    card("4000002760000016", "Succeeds (Visa, from Germany)", Outcome::Succeeds),
    card("4000008260000000", "Succeeds (Visa, from the United Kingdom)", Outcome::Succeeds),
    later("4000000000005126", "Succeeds; a refund fails later", Afterwards::RefundFails),
    later("4000000000007726", "Succeeds; a refund is pending first", Afterwards::RefundIsPending),
    later("4000000000000259", "Succeeds; is disputed as fraud", Afterwards::Fraudulent),
    later("4000000000002685", "Succeeds; is disputed as not received", Afterwards::NotReceived),
    later("4000000000001976", "Succeeds; the bank inquires", Afterwards::Inquiry),
];

/// A number that is no test card: Stripe declines it in test mode.
const REAL_CARD: Decline = Decline {
    code: "card_declined",
    decline_code: Some("test_mode_live_card"),
    message: "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid \
              test cards, visit: https://stripe.com/docs/testing.",
};

/// What may be remembered of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardSummary {
    pub(crate) brand: String,
    pub(crate) last4: String,
    /// Where it is from.
    #[serde(default = "at_home")]
    pub(crate) country: String,
    pub(crate) exp_month: u32,
    pub(crate) exp_year: i32,
    /// Whether the table lists it as one that authenticates.
    pub(crate) authenticates: bool,
    /// What comes after a charge of it.
    #[serde(default)]
    pub(crate) afterwards: Afterwards,
}

/// A card that passed the form's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) summary: CardSummary,
    pub(crate) outcome: Outcome,
}

/// A wrong card field: which one, Stripe's code and the sentence beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldError {
    /// The form field: `card_number`, `expiry`, `cvc`, `email`, `name`, `country`, …
    pub field: &'static str,
    /// Stripe's error code, such as `incorrect_number`.
    pub code: &'static str,
    /// The sentence for the buyer.
    pub message: &'static str,
}

/// Reads the three card fields; every wrong field gets its own error.
pub(crate) fn parse(number: &str, expiry: &str, cvc: &str) -> Result<Card, Vec<FieldError>> {
    let mut errors = Vec::new();
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    let amex = digits.starts_with("34") || digits.starts_with("37");
    if let Some(error) = check_number(&digits) {
        errors.push(error);
    }
    let date = match parse_expiry(expiry) {
        Ok(date) => date,
        Err(error) => {
            errors.push(error);
            (1, 2000)
        }
    };
    let cvc = cvc.trim();
    let wanted = if amex { 4 } else { 3 };
    if !cvc.chars().all(|c| c.is_ascii_digit()) || cvc.len() > wanted {
        errors.push(FieldError { field: "cvc", code: "invalid_cvc", message: "Your card's security code is invalid." });
    } else if cvc.len() < wanted {
        let message = "Your card's security code is incomplete.";
        errors.push(FieldError { field: "cvc", code: "incomplete_cvc", message });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let (outcome, afterwards) = TEST_CARDS
        .iter()
        .find(|card| card.number == digits)
        .map_or((Outcome::Declined(REAL_CARD), Afterwards::Nothing), |card| (card.outcome, card.afterwards));
    let last4 = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let summary = CardSummary {
        brand: brand(&digits).to_owned(),
        last4,
        country: country(&digits).to_owned(),
        exp_month: date.0,
        exp_year: date.1,
        authenticates: outcome == Outcome::NeedsAuthentication,
        afterwards,
    };
    Ok(Card { summary, outcome })
}

/// Stripe's cards of other countries have the country's number in the seventh to ninth digit.
fn country(digits: &str) -> &'static str {
    match digits.strip_prefix("400000").and_then(|rest| rest.get(..3)) {
        Some("040") => "AT",
        Some("250") => "FR",
        Some("276") => "DE",
        Some("826") => "GB",
        _ => "US",
    }
}

fn at_home() -> String {
    "US".to_owned()
}

fn check_number(digits: &str) -> Option<FieldError> {
    let error = |code, message| Some(FieldError { field: "card_number", code, message });
    if !digits.chars().all(|c| c.is_ascii_digit()) {
        return error("invalid_number", "Your card number is invalid.");
    }
    if digits.len() < 13 {
        return error("incomplete_number", "Your card number is incomplete.");
    }
    if digits.len() > 19 || !luhn(digits) {
        return error("incorrect_number", "Your card number is incorrect.");
    }
    None
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            match (index % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit < 5 => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `MM / YY`, `MM/YYYY` or `MMYY`.
fn parse_expiry(text: &str) -> Result<(u32, i32), FieldError> {
    let error = |code, message| FieldError { field: "expiry", code, message };
    let invalid = || error("invalid_expiry", "Your card's expiration date is invalid.");
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (month, year) = match text.split_once(['/', '-']) {
        Some(halves) => halves,
        None if text.is_ascii() && matches!(text.len(), 4 | 6) => text.split_at(2),
        None => return Err(error("incomplete_expiry", "Your card's expiration date is incomplete.")),
    };
    if month.is_empty() || !matches!(year.len(), 2 | 4) {
        return Err(error("incomplete_expiry", "Your card's expiration date is incomplete."));
    }
    let (Ok(month), Ok(year)) = (month.parse::<u32>(), year.parse::<i32>()) else { return Err(invalid()) };
    let year = if year < 100 { 2000 + year } else { year };
    if !(1..=12).contains(&month) {
        return Err(error("invalid_expiry_month", "Your card's expiration month is invalid."));
    }
    let today = Utc::now().date_naive();
    if year < today.year() {
        return Err(error("invalid_expiry_year_past", "Your card's expiration year is in the past."));
    }
    if year == today.year() && month < today.month() {
        return Err(error("invalid_expiry_month_past", "Your card's expiration date is in the past."));
    }
    if year > today.year() + 50 {
        return Err(error("invalid_expiry_year", "Your card's expiration year is invalid."));
    }
    Ok((month, year))
}

fn brand(digits: &str) -> &'static str {
    match digits.as_bytes() {
        [b'4', ..] => "visa",
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => "mastercard",
        [b'3', b'4' | b'7', ..] => "amex",
        [b'6', b'0' | b'5', ..] => "discover",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(number: &str, expiry: &str, cvc: &str) -> Vec<(&'static str, &'static str)> {
        parse(number, expiry, cvc).err().unwrap_or_default().iter().map(|e| (e.field, e.code)).collect()
    }

    #[test]
    fn a_test_card_passes_with_spaces_and_short_or_long_dates() {
        for expiry in ["12 / 34", "12/2034", "1234", "122034"] {
            let card = parse("4242 4242 4242 4242", expiry, "123").unwrap();
            assert_eq!(card.outcome, Outcome::Succeeds);
            assert_eq!((card.summary.exp_month, card.summary.exp_year), (12, 2034));
            assert_eq!(card.summary.last4, "4242");
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert_eq!(fields("4242424242424241", "12/34", "123"), [("card_number", "incorrect_number")]);
        assert_eq!(fields("4242", "12/34", "123"), [("card_number", "incomplete_number")]);
        assert_eq!(fields("4242424242424242", "13/34", "123"), [("expiry", "invalid_expiry_month")]);
        assert_eq!(fields("4242424242424242", "12/20", "123"), [("expiry", "invalid_expiry_year_past")]);
        assert_eq!(fields("4242424242424242", "", "12"), [("expiry", "incomplete_expiry"), ("cvc", "incomplete_cvc")]);
        assert_eq!(fields("", "12/34", "abc"), [("card_number", "incomplete_number"), ("cvc", "invalid_cvc")]);
    }

    #[test]
    fn a_card_outside_the_table_is_declined() {
        let card = parse("4111 1111 1111 1111", "12/34", "123").unwrap();
        assert_eq!(card.outcome, Outcome::Declined(REAL_CARD));
    }
}
