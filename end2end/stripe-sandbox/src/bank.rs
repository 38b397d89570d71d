//! Bank debits: a delayed payment method. The buyer's part is over at once; the money comes, or not, later.
//!
//! The test accounts are Stripe's (docs.stripe.com/testing, "Non-card payments"). A number is looked at
//! and forgotten: nothing beyond the last four digits leaves this module.

use crate::cards::FieldError;
use crate::records::BankSummary;

/// An account, what it is for, and why its debit fails where it does.
pub(crate) struct TestAccount {
    pub(crate) number: &'static str,
    pub(crate) label: &'static str,
    fails: Option<(&'static str, &'static str)>,
}

const fn account(
    number: &'static str,
    label: &'static str,
    fails: Option<(&'static str, &'static str)>,
) -> TestAccount {
    TestAccount { number, label, fails }
}

const DEBIT_FAILED: (&str, &str) = ("payment_method_provider_decline", "The bank refused the debit.");

/// IBANs for `sepa_debit`.
pub(crate) const IBANS: &[TestAccount] = &[
    account("DE89370400440532013000", "Succeeds later", None),
    account("DE62370400440532013001", "Fails later", Some(DEBIT_FAILED)),
    account("FR1420041010050500013M02606", "Succeeds later", None),
    account("FR8420041010050500013M02607", "Fails later", Some(DEBIT_FAILED)),
];

/// Account numbers for `us_bank_account`, with the routing number below.
pub(crate) const US_ACCOUNTS: &[TestAccount] = &[
    account("000123456789", "Succeeds later", None),
    account(
        "000111111113",
        "Fails later: account closed",
        Some(("account_closed", "The bank account has been closed.")),
    ),
    account("000111111116", "Fails later: no account", Some(("no_account", "The bank account could not be located."))),
    account(
        "000222222227",
        "Fails later: insufficient funds",
        Some(("insufficient_funds", "The account has insufficient funds.")),
    ),
];

/// The one routing number of the test accounts.
pub(crate) const ROUTING: &str = "110000000";

fn error(field: &'static str, code: &'static str, message: &'static str) -> Vec<FieldError> {
    vec![FieldError { field, code, message }]
}

/// Reads an IBAN.
pub(crate) fn sepa(text: &str) -> Result<BankSummary, Vec<FieldError>> {
    let iban: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    if iban.len() < 15 {
        return Err(error("iban", "incomplete_iban", "Your IBAN is incomplete."));
    }
    if !checks_out(&iban) {
        return Err(error("iban", "invalid_iban", "Your IBAN is invalid."));
    }
    let Some(test) = IBANS.iter().find(|account| account.number == iban) else {
        return Err(error("iban", "test_mode_live_iban", "Use one of the test IBANs below; no real debit is made."));
    };
    Ok(summary("sepa_debit", test, iban.get(..2), iban.get(4..12)))
}

/// Reads a routing and an account number.
pub(crate) fn us_account(routing: &str, number: &str) -> Result<BankSummary, Vec<FieldError>> {
    let mut errors = Vec::new();
    if routing.trim() != ROUTING {
        errors.extend(error("routing_number", "invalid_routing_number", "Use the test routing number 110000000."));
    }
    let number: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let found = US_ACCOUNTS.iter().find(|account| account.number == number);
    if found.is_none() {
        let message = "Use one of the test account numbers below; no real debit is made.";
        errors.extend(error("account_number", "invalid_account_number", message));
    }
    match found {
        Some(test) if errors.is_empty() => Ok(summary("us_bank_account", test, None, Some(ROUTING))),
        _ => Err(errors),
    }
}

fn summary(kind: &str, test: &TestAccount, country: Option<&str>, bank_code: Option<&str>) -> BankSummary {
    BankSummary {
        kind: kind.to_owned(),
        last4: test.number.get(test.number.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
        country: country.map(str::to_owned),
        bank_code: bank_code.map(str::to_owned),
        fails: test.fails.map(|(code, message)| (code.to_owned(), message.to_owned())),
    }
}

/// ISO 7064: the first four characters to the end, letters as numbers, modulo 97 is 1.
fn checks_out(iban: &str) -> bool {
    let Some((head, tail)) = iban.split_at_checked(4) else { return false };
    let mut rest: u32 = 0;
    for c in tail.chars().chain(head.chars()) {
        let Some(digit) = c.to_digit(36) else { return false };
        rest = if digit < 10 { rest * 10 + digit } else { rest * 100 + digit } % 97;
    }
    iban.len() <= 34 && rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_are_checked_and_only_test_ones_taken() {
        let good = sepa("DE89 3704 0044 0532 0130 00").unwrap();
        assert_eq!((good.last4.as_str(), good.country.as_deref(), good.fails), ("3000", Some("DE"), None));
        assert_eq!(good.bank_code.as_deref(), Some("37040044"));
        assert!(sepa("de62370400440532013001").unwrap().fails.is_some());
        let code = |text| sepa(text).unwrap_err()[0].code;
        assert_eq!(code("DE89"), "incomplete_iban");
        assert_eq!(code("DE89370400440532013001"), "invalid_iban");
        assert_eq!(code("GB29NWBK60161331926819"), "test_mode_live_iban");
        assert!(IBANS.iter().all(|account| checks_out(account.number)));
    }

    #[test]
    fn both_numbers_of_an_american_account_are_checked() {
        assert!(us_account("110000000", "000123456789").unwrap().fails.is_none());
        assert_eq!(us_account("1", "2").unwrap_err().len(), 2);
        assert_eq!(us_account("110000000", "2").unwrap_err()[0].field, "account_number");
    }
}
