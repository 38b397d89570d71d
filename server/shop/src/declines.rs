//! Why a payment was declined, in words that the store's desk can read to a buyer.
//!
//! Stripe's page has told the buyer already; what stands here is for the person whom she asks. The sentences follow
//! <https://docs.stripe.com/declines/codes> and <https://docs.stripe.com/error-codes>. Where a bank suspects theft, the
//! sentence is the general one, as Stripe advises; the code behind it says more.

use crate::db::schema::{checkout, orders};
use crate::events::Outcome;
use crate::payments::{Decline, Payment, PaymentsError};
use crate::types::OrderStatus;
use crate::{Error, Shop, db::AnyConnection};
use diesel::prelude::*;

const GENERAL: &str = "The bank declined the payment without a reason. The buyer can ask it, or pay another way.";

/// The sentence for a bank's decline code or, for want of one, Stripe's error code. Codes of which Stripe says that the
/// reason is unknown are not listed, nor are those whose reason the buyer should not hear.
fn sentence(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "There was not enough money in the account.",
        "expired_card" | "expired_payment_information" => "The card has expired.",
        "incorrect_number" | "invalid_number" => "The card number was wrong.",
        "incorrect_cvc" | "invalid_cvc" => "The card's security code was wrong.",
        "invalid_expiry_month" | "invalid_expiry_year" => "The card's expiry date was wrong.",
        "incorrect_address" => "The billing address was wrong.",
        "incorrect_zip" => "The postal code of the billing address was wrong.",
        "incorrect_pin" | "invalid_pin" => "The card's PIN was wrong.",
        "offline_pin_required" | "online_or_offline_pin_required" => "The bank asked for the card's PIN.",
        "pin_try_exceeded" => "The card's PIN was entered wrongly too often.",
        "authentication_required"
        | "authentication_not_handled"
        | "mobile_device_authentication_required"
        | "payment_intent_authentication_failure" => "The buyer did not confirm the payment with her bank.",
        "issuer_not_available" | "payment_method_provider_timeout" => {
            "The bank could not be reached. Trying again may help."
        }
        "approve_with_id"
        | "reenter_transaction"
        | "processing_error"
        | "try_again_later"
        | "generic_could_not_process" => "The payment could not be processed. Trying again may help.",
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => {
            "The payment is more than the card's balance or limit allows."
        }
        "card_decline_rate_limit_exceeded" => "The card was declined too often. It can be tried again after a day.",
        "charge_exceeds_source_limit" => {
            "The store has reached Stripe's limit for this way of paying. It can be tried again later."
        }
        "charge_exceeds_transaction_limit" | "payment_limit_exceeded" => "The amount is more than the account allows.",
        "invalid_amount" | "amount_too_large" | "amount_too_small" => "The amount is not allowed for this payment.",
        "card_not_supported" => "The card cannot be used for this kind of purchase.",
        "not_permitted" => "The bank does not permit this payment.",
        "currency_not_supported" | "invalid_currency" => "The card does not take the store's currency.",
        "duplicate_transaction" => "The same payment was made a moment before. The first one may have gone through.",
        "invalid_account"
        | "new_account_information_available"
        | "invalid_customer_account"
        | "account_closed"
        | "no_account"
        | "bank_account_unusable"
        | "account_number_invalid" => "The card or the account behind it is not valid.",
        "debit_not_authorized" | "invalid_authorization" | "invalid_billing_agreement" => {
            "The account's holder has not allowed this payment, or has revoked it."
        }
        "invalid_payment_information" => "Something in what the buyer typed in was wrong.",
        "payment_method_provider_decline" | "partner_generic_decline" => "The payment provider declined the payment.",
        "invalid_business_account" => "The store's own account with the payment provider is closed.",
        "payment_intent_payment_attempt_expired" => "The buyer did not finish the payment in time.",
        "testmode_decline" => "It was one of Stripe's test cards, which a live store does not take.",
        "test_mode_live_card" => "It was a real card, which does not work in Stripe's test mode.",
        _ => GENERAL,
    }
}

impl Decline {
    /// The reason in plain words, and Stripe's code behind it.
    pub(crate) fn text(&self) -> String {
        match self.decline_code.as_deref().or(self.code.as_deref()) {
            Some(code) => format!("{} ({code})", sentence(code)),
            None => GENERAL.to_owned(),
        }
    }
}

impl Shop {
    /// Makes our checkout agree with whether its payment is declined as Stripe has it now. The checkout goes on.
    ///
    /// # Errors
    /// [`Error::Payments`] if Stripe does not answer, the database's.
    pub(crate) async fn note_decline_and<F>(&self, payment_intent: &str, mut also: F) -> Result<(), Error>
    where
        F: FnMut(&mut AnyConnection, Outcome) -> Result<(), Error> + Send + 'static,
    {
        let payment = match self.0.payments.retrieve_payment(payment_intent).await {
            Ok(payment) => Some(payment),
            Err(PaymentsError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let livemode = self.0.settings.livemode;
        self.0
            .db
            .write(move |conn| {
                let outcome = match &payment {
                    None => Outcome::Unknown,
                    Some(payment) if payment.livemode != livemode => Outcome::WrongMode,
                    Some(Payment { checkout_key: None, .. }) => Outcome::Foreign,
                    Some(Payment { checkout_key: Some(key), decline, .. }) => note(conn, key, decline.as_ref())?,
                };
                also(conn, outcome)
            })
            .await
    }
}

fn note(conn: &mut AnyConnection, key: &str, decline: Option<&Decline>) -> Result<Outcome, Error> {
    let text = decline.map(Decline::text);
    // Locks the row: what has been paid since then is not declined, whatever Stripe said before.
    let row = diesel::update(checkout::table.filter(checkout::idem_key.eq(key)))
        .set(checkout::decline.eq(&text))
        .returning(checkout::id)
        .get_result::<i64>(conn)
        .optional()?;
    let Some(id) = row else { return Ok(Outcome::Unknown) };
    if text.is_some() {
        let paid =
            orders::table.filter(orders::checkout_id.eq(id)).filter(orders::status.eq(OrderStatus::Succeeded.as_str()));
        if diesel::select(diesel::dsl::exists(paid)).get_result::<bool>(conn)? {
            forget(conn, id)?;
        }
    }
    Ok(Outcome::Done)
}

/// A checkout that is paid was not declined.
pub(crate) fn forget(conn: &mut AnyConnection, checkout_id: i64) -> Result<(), Error> {
    diesel::update(checkout::table.find(checkout_id).filter(checkout::decline.is_not_null()))
        .set(checkout::decline.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(decline_code: Option<&str>, code: Option<&str>) -> String {
        Decline { decline_code: decline_code.map(str::to_owned), code: code.map(str::to_owned) }.text()
    }

    #[test]
    fn the_banks_reason_comes_before_stripes_and_the_code_is_kept() {
        assert_eq!(
            text(Some("insufficient_funds"), Some("card_declined")),
            "There was not enough money in the account. (insufficient_funds)"
        );
        assert_eq!(text(None, Some("expired_card")), "The card has expired. (expired_card)");
        assert_eq!(text(None, None), GENERAL);
    }

    #[test]
    fn theft_and_what_stripe_may_invent_are_told_in_general_words() {
        for code in [
            "stolen_card",
            "lost_card",
            "pickup_card",
            "restricted_card",
            "fraudulent",
            "merchant_blacklist",
            "partner_high_risk_customer",
            "a_code_of_next_year",
        ] {
            assert_eq!(text(Some(code), Some("card_declined")), format!("{GENERAL} ({code})"));
        }
    }

    /// As Stripe's page has them: of the first it says that nobody knows the reason.
    #[test]
    fn every_code_of_stripes_page_has_the_sentence_that_it_means() {
        for code in [
            "call_issuer",
            "do_not_honor",
            "do_not_try_again",
            "generic_decline",
            "no_action_taken",
            "revocation_of_all_authorizations",
            "revocation_of_authorization",
            "security_violation",
            "service_not_allowed",
            "stop_payment_order",
            "transaction_not_allowed",
        ] {
            assert_eq!(sentence(code), GENERAL, "{code}");
        }
        for (codes, words) in [
            (&["authentication_required", "authentication_not_handled"][..], "confirm"),
            (&["mobile_device_authentication_required"], "confirm"),
            (&["approve_with_id", "reenter_transaction", "processing_error", "try_again_later"], "rying again"),
            (&["issuer_not_available"], "reached"),
            (&["card_not_supported"], "kind of purchase"),
            (&["card_velocity_exceeded", "withdrawal_count_limit_exceeded"], "balance or limit"),
            (&["currency_not_supported"], "currency"),
            (&["duplicate_transaction"], "a moment before"),
            (&["expired_card"], "expired"),
            (&["incorrect_address"], "address"),
            (&["incorrect_zip"], "postal code"),
            (&["incorrect_cvc", "invalid_cvc"], "security code"),
            (&["incorrect_number", "invalid_number"], "number"),
            (&["incorrect_pin", "invalid_pin"], "PIN was wrong"),
            (&["offline_pin_required", "online_or_offline_pin_required"], "asked for the card's PIN"),
            (&["pin_try_exceeded"], "too often"),
            (&["insufficient_funds"], "not enough money"),
            (&["invalid_account", "new_account_information_available"], "not valid"),
            (&["invalid_amount"], "amount"),
            (&["invalid_expiry_month", "invalid_expiry_year"], "expiry date"),
            (&["not_permitted"], "not permit"),
            (&["testmode_decline"], "test cards"),
        ] {
            for code in codes {
                assert!(sentence(code).contains(words), "{code}: {}", sentence(code));
            }
        }
    }
}
