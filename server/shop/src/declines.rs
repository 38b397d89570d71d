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

/// The sentence for a bank's decline code or, for want of one, Stripe's error code.
fn sentence(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "There was not enough money in the account.",
        "expired_card" => "The card has expired.",
        "incorrect_number" | "invalid_number" => "The card number was wrong.",
        "incorrect_cvc" | "invalid_cvc" => "The card's security code was wrong.",
        "invalid_expiry_month" | "invalid_expiry_year" => "The card's expiry date was wrong.",
        "incorrect_zip" | "incorrect_address" => "The billing address is not the one that the bank knows.",
        "incorrect_pin" | "invalid_pin" | "offline_pin_required" | "online_or_offline_pin_required" => {
            "The bank asked for the card's PIN."
        }
        "pin_try_exceeded" => "The card's PIN was entered wrongly too often.",
        "authentication_required"
        | "authentication_not_handled"
        | "mobile_device_authentication_required"
        | "payment_intent_authentication_failure" => "The buyer did not confirm the payment with her bank.",
        "approve_with_id"
        | "issuer_not_available"
        | "processing_error"
        | "reenter_transaction"
        | "try_again_later"
        | "payment_method_provider_timeout" => "The bank could not be asked. Trying again may help.",
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" | "charge_exceeds_source_limit" => {
            "The card's limit is used up."
        }
        "charge_exceeds_transaction_limit" | "amount_too_large" => "The amount is more than the account allows.",
        "invalid_amount" | "amount_too_small" => "The bank does not take this amount.",
        "card_not_supported" | "card_decline_rate_limit_exceeded" | "service_not_allowed" | "not_permitted" => {
            "The card cannot be used for this kind of purchase."
        }
        "transaction_not_allowed" | "restricted_card" => "The bank does not allow this purchase with this card.",
        "currency_not_supported" | "invalid_currency" => "The card does not take the store's currency.",
        "duplicate_transaction" => "The bank has just seen the same payment and took this one for a repetition.",
        "invalid_account"
        | "new_account_information_available"
        | "account_closed"
        | "no_account"
        | "bank_account_unusable"
        | "account_number_invalid" => "The account cannot be used any more, or never could.",
        "debit_not_authorized"
        | "stop_payment_order"
        | "revocation_of_authorization"
        | "revocation_of_all_authorizations" => "The account's holder has stopped payments like this one.",
        "payment_method_provider_decline" => "The bank refused the debit.",
        "payment_intent_payment_attempt_expired" => "The buyer did not finish the payment in time.",
        "testmode_decline" | "test_mode_live_card" => "A real card does not work in Stripe's test mode.",
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
        for code in ["stolen_card", "lost_card", "pickup_card", "fraudulent", "do_not_honor", "a_code_of_next_year"] {
            assert_eq!(text(Some(code), Some("card_declined")), format!("{GENERAL} ({code})"));
        }
    }
}
