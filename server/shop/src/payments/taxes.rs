//! Tax as Stripe speaks of it: what a session asks for, and what it says of taxes, numbers and places.

use super::{NewLine, Payments, PaymentsError};
use crate::tax::rates;
use crate::types::{TaxMode, TaxSettings, TaxTreatment};
use serde_json::json;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAutomaticTax,
    CreateCheckoutSessionLineItemsPriceDataTaxBehavior as Behavior, CreateCheckoutSessionTaxIdCollection, ProductData,
};
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_shared::{
    Address, CheckoutSession, CheckoutSessionBillingAddressCollection, LineItemsTaxAmount,
    PaymentPagesCheckoutSessionAutomaticTaxStatus as Status, PaymentPagesCheckoutSessionCustomerDetails, TaxCode,
};
use stripe_types::Expandable;

/// A tax on a line at one rate: amounts in minor units, rates in parts per million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineTax {
    pub(crate) country: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) rate_ppm: i64,
    /// What it was taken of, without it.
    pub(crate) taxable: i64,
    pub(crate) amount: i64,
    pub(crate) inclusive: bool,
    pub(crate) treatment: TaxTreatment,
}

impl LineTax {
    /// A tax that Stripe has worked out. Where it does not say of which country, it is the buyer's.
    /// `net` is the whole line without tax, for where it does not say on how much.
    pub(super) fn new(tax: LineItemsTaxAmount, country: Option<&str>, net: i64) -> Self {
        let rate = tax.rate;
        // Percentages have at most four decimals (<https://docs.stripe.com/api/tax_rates/object>); what was really taken may
        // have more.
        let percentage = rate.effective_percentage.unwrap_or(rate.percentage);
        let reason = tax.taxability_reason.as_ref().map_or("standard_rated", |reason| reason.as_str());
        Self {
            country: rate.country.or_else(|| country.map(str::to_owned)).unwrap_or_default(),
            region: rate.state.unwrap_or_default(),
            name: rate.display_name,
            rate_ppm: rates::read_percent(&format!("{percentage:.4}")).unwrap_or_default(),
            taxable: tax.taxable_amount.unwrap_or(net),
            amount: tax.amount,
            inclusive: rate.inclusive,
            treatment: treatment(reason, tax.amount),
        }
    }
}

/// Stripe's reasons (<https://docs.stripe.com/tax/zero-tax>) in our words. What bears a tax is taxed, whatever the reason.
fn treatment(reason: &str, amount: i64) -> TaxTreatment {
    match reason {
        "reduced_rated" | "portion_reduced_rated" | "taxable_basis_reduced" | "portion_product_exempt" => {
            TaxTreatment::Reduced
        }
        _ if amount > 0 => TaxTreatment::Standard,
        "zero_rated" => TaxTreatment::Zero,
        "reverse_charge" => TaxTreatment::ReverseCharge,
        "customer_exempt" | "product_exempt" | "product_exempt_holiday" => TaxTreatment::Exempt,
        "not_collecting" | "not_subject_to_tax" | "not_supported" => TaxTreatment::OutsideScope,
        _ => TaxTreatment::Standard,
    }
}

/// A title as Stripe's product.
pub(super) fn product(line: &NewLine<'_>, tax: &TaxSettings) -> ProductData {
    let mut product = ProductData::new(line.title);
    if tax.mode == TaxMode::Stripe && !line.tax_code.is_empty() {
        product.tax_code = Some(line.tax_code.to_owned());
    }
    product
}

/// Whether prices hold the tax, for Stripe Tax.
pub(super) fn behavior(tax: &TaxSettings) -> Option<Behavior> {
    let behavior = if tax.inclusive { Behavior::Inclusive } else { Behavior::Exclusive };
    (tax.mode == TaxMode::Stripe).then_some(behavior)
}

/// Asks for what taxing needs: Stripe Tax itself, and of businesses their number and address.
pub(super) fn ask(session: CreateCheckoutSession, tax: &TaxSettings) -> CreateCheckoutSession {
    // Said either way: where it is not said, Stripe's account may have it on by default, and the buyer would be charged what no
    // page has shown.
    let by_stripe = CreateCheckoutSessionAutomaticTax::new(tax.mode == TaxMode::Stripe);
    let session = session.automatic_tax(by_stripe);
    let vat_ids = tax.taxes() && tax.vat_ids;
    // By the own table it is the address that says where the buyer is; Stripe Tax asks for what it needs by itself.
    let session = if vat_ids || tax.mode == TaxMode::Table {
        session.billing_address_collection(CheckoutSessionBillingAddressCollection::Required)
    } else {
        session
    };
    if vat_ids { session.tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(true)) } else { session }
}

/// Why Stripe could not work out the tax of a session, in its own word; none if it could, or was not to
/// (<https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-automatic_tax-status>).
pub(super) fn problem(session: &CheckoutSession) -> Option<String> {
    let status = session.automatic_tax.status.as_ref().filter(|_| session.automatic_tax.enabled)?;
    (*status != Status::Complete).then(|| status.as_str().to_owned())
}

/// The line whose product tax code a parameter of a request is: `line_items[1][price_data][product_data][tax_code]`.
pub(super) fn line_of_code(param: &str) -> Option<usize> {
    let (line, rest) = param.strip_prefix("line_items[")?.split_once(']')?;
    rest.ends_with("[tax_code]").then(|| line.parse().ok()).flatten()
}

impl Payments {
    /// Whether Stripe has a product tax code (<https://docs.stripe.com/api/tax_codes/retrieve>).
    ///
    /// # Errors
    /// [`PaymentsError`] if it does not say.
    pub(crate) async fn knows_tax_code(&self, code: &str) -> Result<bool, PaymentsError> {
        let request = RequestBuilder::new(StripeMethod::Get, format!("/tax_codes/{code}"));
        match request.customize::<TaxCode>().send(self.client()?).await.map_err(PaymentsError::from) {
            Ok(found) => Ok(found.id.as_str() == code),
            Err(PaymentsError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Where the card is from that paid.
pub(super) fn card_country(session: &CheckoutSession) -> Option<String> {
    let Some(Expandable::Object(intent)) = &session.payment_intent else { return None };
    let Some(Expandable::Object(charge)) = &intent.latest_charge else { return None };
    charge.payment_method_details.as_ref()?.card.as_ref()?.country.clone()
}

/// The first number for tax that the buyer gave, with Stripe's word for its kind.
pub(super) fn vat_id(details: &PaymentPagesCheckoutSessionCustomerDetails) -> Option<(String, String)> {
    let ids = details.tax_ids.as_ref()?;
    ids.iter().find_map(|id| Some((id.type_.as_str().to_owned(), id.value.clone()?)))
}

/// An address as JSON, if there is more than a country in it.
pub(super) fn address(address: &Address) -> Option<String> {
    let Address { city, country, line1, line2, postal_code, state } = address;
    if [city, line1, line2, postal_code, state].iter().all(|part| part.is_none()) {
        return None;
    }
    let whole = json!({
        "line1": line1, "line2": line2, "postal_code": postal_code, "city": city, "state": state, "country": country,
    });
    Some(whole.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_code_names_its_line() {
        assert_eq!(line_of_code("line_items[12][price_data][product_data][tax_code]"), Some(12));
        for other in ["", "line_items[0][price_data][currency]", "line_items[x][tax_code]", "tax_code", "line_items"] {
            assert_eq!(line_of_code(other), None, "{other}");
        }
    }

    #[test]
    fn stripes_reasons_are_all_known() {
        for (reason, expected) in [
            ("standard_rated", TaxTreatment::Standard),
            ("proportionally_rated", TaxTreatment::Standard),
            ("portion_standard_rated", TaxTreatment::Standard),
            ("reduced_rated", TaxTreatment::Reduced),
            ("zero_rated", TaxTreatment::Zero),
            ("reverse_charge", TaxTreatment::ReverseCharge),
            ("customer_exempt", TaxTreatment::Exempt),
            ("not_collecting", TaxTreatment::OutsideScope),
            ("not_subject_to_tax", TaxTreatment::OutsideScope),
        ] {
            assert_eq!(treatment(reason, 0), expected, "{reason}");
        }
        assert_eq!(treatment("zero_rated", 1), TaxTreatment::Standard);
        assert_eq!(treatment("portion_product_exempt", 1), TaxTreatment::Reduced);
    }
}
