//! Reading and checking the payment form.

use super::countries;
use crate::cards::{self, FieldError};
use crate::checkout::Payment;
use crate::records::{Buyer, Session};
use crate::{bank, is_email, tax};

/// Longest text kept of any field.
const LONGEST: usize = 300;

/// What the buyer wants with the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wish {
    /// To pay.
    #[default]
    Pay,
    /// To see the total for the chosen country.
    Update,
    /// To use a promotion code.
    ApplyCode,
    /// To take the promotion code off again.
    RemoveCode,
}

/// The fields that are shown again after an error.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) country: String,
    pub(super) line1: String,
    pub(super) city: String,
    pub(super) postal_code: String,
    pub(super) terms: bool,
    /// `card`, `sepa_debit`, …
    pub(super) method: String,
    pub(super) promotion_code: String,
    /// The number for tax, without spaces and punctuation, and the name of the business.
    pub(super) tax_id: String,
    pub(super) business: String,
    pub(super) wish: Wish,
    /// The total that the page showed, in minor units.
    pub(super) shown: Option<i64>,
}

/// The fields that are not. No `Debug`.
#[derive(Default)]
pub(super) struct Secrets {
    number: String,
    expiry: String,
    cvc: String,
    iban: String,
    routing: String,
    account: String,
}

impl Fields {
    /// The form as it is first shown.
    pub(super) fn first(session: &Session) -> Self {
        Self {
            email: session.given_email().unwrap_or_default().to_owned(),
            country: session.tax_country.clone().unwrap_or_else(|| "US".to_owned()),
            method: session.settings.methods().first().copied().unwrap_or("card").to_owned(),
            ..Self::default()
        }
    }

    /// The form as this buyer had filled it.
    pub(super) fn of(buyer: &Buyer) -> Self {
        Self {
            email: buyer.email.clone(),
            name: buyer.name.clone().unwrap_or_default(),
            country: buyer.country.clone().unwrap_or_default(),
            line1: buyer.line1.clone().unwrap_or_default(),
            city: buyer.city.clone().unwrap_or_default(),
            postal_code: buyer.postal_code.clone().unwrap_or_default(),
            tax_id: buyer.tax_id.clone().unwrap_or_default(),
            business: buyer.business.clone().unwrap_or_default(),
            terms: true,
            method: "card".to_owned(),
            ..Self::default()
        }
    }
}

/// Whether there is something to pay.
pub(super) fn wants_payment(session: &Session) -> bool {
    session.total() > 0
}

/// Whether the form asks for the whole address.
pub(super) fn wants_address(session: &Session) -> bool {
    session.settings.billing_address_collection.as_deref() == Some("required")
}

/// Whether the form asks businesses for their number.
pub(super) fn wants_tax_id(session: &Session) -> bool {
    session.settings.tax_id_collection == Some(true)
}

/// A number for tax as it is kept: letters and digits alone.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The number given, if it has the form of one.
pub(super) fn tax_id(fields: &Fields) -> Option<&str> {
    Some(fields.tax_id.as_str()).filter(|text| tax::is_tax_id(text))
}

/// Whether the form has the box for the terms.
pub(super) fn wants_terms(session: &Session) -> bool {
    session.settings.consent.as_ref().is_some_and(|consent| consent.terms_of_service.as_deref() == Some("required"))
}

/// Whether the form has a field for a promotion code.
pub(super) fn wants_code(session: &Session) -> bool {
    session.settings.allow_promotion_codes == Some(true)
}

/// Takes the form apart. Unknown fields are ignored, amounts among them.
pub(super) fn read(body: &[u8], session: &Session) -> (Fields, Secrets) {
    let mut fields = Fields { method: "card".to_owned(), ..Fields::default() };
    let mut secrets = Secrets::default();
    for (key, value) in url::form_urlencoded::parse(body) {
        let value: String = value.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        match key.as_ref() {
            "email" => fields.email = value,
            "name" => fields.name = value,
            "country" => fields.country = value,
            "line1" => fields.line1 = value,
            "city" => fields.city = value,
            "postal_code" => fields.postal_code = value,
            "terms" => fields.terms = value == "on",
            "method" => fields.method = value,
            "promotion_code" => fields.promotion_code = value,
            "tax_id" => fields.tax_id = plain(&value),
            "business" => fields.business = value,
            "shown" => fields.shown = value.parse().ok(),
            "wish" => {
                fields.wish = match value.as_str() {
                    "update" => Wish::Update,
                    "apply_code" => Wish::ApplyCode,
                    "remove_code" => Wish::RemoveCode,
                    _ => Wish::Pay,
                }
            }
            "card_number" => secrets.number = value,
            "expiry" => secrets.expiry = value,
            "cvc" => secrets.cvc = value,
            "iban" => secrets.iban = value,
            "routing_number" => secrets.routing = value,
            "account_number" => secrets.account = value,
            _ => {}
        }
    }
    if let Some(email) = session.given_email() {
        email.clone_into(&mut fields.email);
    }
    let methods = session.settings.methods();
    if !methods.contains(&fields.method.as_str())
        && let Some(first) = methods.first()
    {
        (*first).clone_into(&mut fields.method);
    }
    (fields, secrets)
}

/// The checked form, or an error for each wrong field in the form's order.
pub(super) fn check(
    fields: &Fields,
    secrets: &Secrets,
    session: &Session,
) -> Result<(Option<Payment>, Buyer), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field, code, message| errors.push(FieldError { field, code, message });
    if fields.email.is_empty() {
        wrong("email", "incomplete_email", "Your email is incomplete.");
    } else if !is_email(&fields.email) {
        wrong("email", "invalid_email", "Your email is invalid.");
    }
    let mut payment = None;
    if wants_payment(session) {
        let read = match fields.method.as_str() {
            "sepa_debit" => bank::sepa(&secrets.iban).map(Payment::Bank),
            "us_bank_account" => bank::us_account(&secrets.routing, &secrets.account).map(Payment::Bank),
            _ => cards::parse(&secrets.number, &secrets.expiry, &secrets.cvc).map(Payment::Card),
        };
        match read {
            Ok(read) => payment = Some(read),
            Err(found) => found.into_iter().for_each(|error| wrong(error.field, error.code, error.message)),
        }
        if fields.name.is_empty() {
            let message = if fields.method == "card" { "Enter the name on the card." } else { "Enter your name." };
            wrong("name", "incomplete_name", message);
        }
    }
    if !countries::is_known(&fields.country) {
        wrong("country", "invalid_country", "Choose a country.");
    }
    if wants_address(session) {
        if fields.line1.is_empty() {
            wrong("line1", "incomplete_address", "Enter the street and number.");
        }
        if fields.city.is_empty() {
            wrong("city", "incomplete_address", "Enter the city.");
        }
    }
    if wants_tax_id(session) && !fields.tax_id.is_empty() && tax_id(fields).is_none() {
        wrong("tax_id", "tax_id_invalid", "Your VAT number is invalid.");
    }
    if wants_terms(session) && !fields.terms {
        wrong("terms", "terms_not_accepted", "Agree to the terms of service to go on.");
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let buyer = Buyer {
        email: fields.email.clone(),
        name: text(&fields.name),
        country: text(&fields.country),
        line1: text(&fields.line1),
        city: text(&fields.city),
        postal_code: text(&fields.postal_code),
        tax_id: text(&fields.tax_id).filter(|_| wants_tax_id(session)),
        business: text(&fields.business).filter(|_| wants_tax_id(session)),
        ..Buyer::default()
    };
    Ok((payment, buyer))
}

/// The country chosen, if it is one.
pub(super) fn country(fields: &Fields) -> Option<&str> {
    Some(fields.country.as_str()).filter(|code| countries::is_known(code))
}
