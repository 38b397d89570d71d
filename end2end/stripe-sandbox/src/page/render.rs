//! The pages: payment, authentication, and short messages.

use super::countries;
use super::form::{Fields, wants_address, wants_payment, wants_tax_id, wants_terms};
use super::html::{Field, described, document, escape};
use super::summary::summary;
use crate::bank::{IBANS, ROUTING, TestAccount, US_ACCOUNTS};
use crate::cards::{FieldError, TEST_CARDS};
use crate::currency;
use crate::records::Session;

/// Why the last attempt failed.
pub(super) struct Notice {
    pub(super) message: String,
    /// Stripe's error code, where the card was declined.
    pub(super) code: Option<String>,
    pub(super) decline_code: Option<String>,
}

pub(super) const BADGE: &str =
    "<p class=\"badge\"><strong>Test mode</strong> <span>No real money is moved</span></p>\n";

/// The payment page of an open session.
pub(super) fn payment(session: &Session, fields: &Fields, errors: &[FieldError], notice: Option<&Notice>) -> String {
    let failed = !errors.is_empty() || notice.is_some();
    let total = currency::format(session.total(), &session.currency);
    let mut body = String::from("<main class=\"checkout\">\n");
    body.push_str(&summary(session, fields, errors));
    body.push_str("<section class=\"payment\" aria-labelledby=\"payment-heading\">\n");
    let methods = session.settings.methods();
    let heading = match (wants_payment(session), methods.as_slice()) {
        (false, _) => "Complete your order",
        (true, ["card"]) => "Pay with card",
        (true, [_]) => "Pay by bank debit",
        (true, _) => "Payment",
    };
    body.push_str(&format!("<h2 id=\"payment-heading\">{heading}</h2>\n"));
    body.push_str(&problem(errors, notice));
    let described = if failed { " aria-describedby=\"problem\"" } else { "" };
    body.push_str(&format!("<form method=\"post\" action=\"/c/pay/{}\" novalidate{described}>\n", escape(&session.id)));
    body.push_str(&inputs(session, fields, errors));
    if let Some(text) = &session.settings.custom_text.submit {
        body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(text)));
    }
    let button = if wants_payment(session) { format!("Pay {total}") } else { "Complete order".to_owned() };
    body.push_str(&format!("<button type=\"submit\">{}</button>\n", escape(&button)));
    if let Some(text) = &session.settings.custom_text.after_submit {
        body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(text)));
    }
    body.push_str("</form>\n");
    if wants_payment(session) {
        body.push_str(&test_numbers(session));
    }
    body.push_str("</section>\n</main>\n");
    body.push_str(FOOTER);
    let title = if failed { "Error: payment – stripe-sandbox" } else { "Payment – stripe-sandbox" };
    document(title, &body)
}

const FOOTER: &str = "<footer><p>This page is made by stripe-sandbox, a stand-in for Stripe. It is not Stripe and takes \
                      no real cards.</p></footer>\n";

fn problem(errors: &[FieldError], notice: Option<&Notice>) -> String {
    if let Some(notice) = notice {
        let code = notice.decline_code.as_ref().or(notice.code.as_ref());
        let code = code.map(|code| format!("<p class=\"code\">Test mode: <code>{}</code></p>", escape(code)));
        return format!(
            "<div class=\"problem\" id=\"problem\" role=\"alert\"><p><strong>{}</strong></p>{}</div>\n",
            escape(&notice.message),
            code.unwrap_or_default()
        );
    }
    if errors.is_empty() {
        return String::new();
    }
    let items: String = errors
        .iter()
        .map(|error| format!("<li><a href=\"#{}\">{}</a></li>", error.field, escape(error.message)))
        .collect();
    format!(
        "<div class=\"problem\" id=\"problem\" role=\"alert\"><p><strong>Please check the form.</strong></p>\
         <ul>{items}</ul></div>\n"
    )
}

fn inputs(session: &Session, fields: &Fields, errors: &[FieldError]) -> String {
    let error = |name: &str| errors.iter().find(|error| error.field == name).map(|error| error.message);
    let field = |name, label, value, attributes| Field { name, label, value, error: error(name), attributes }.html();
    let mut out = String::from("<fieldset class=\"contact\"><legend>Contact</legend>\n");
    let email = if session.given_email().is_some() {
        "type=\"email\" autocomplete=\"email\" required readonly"
    } else {
        "type=\"email\" autocomplete=\"email\" spellcheck=\"false\" required"
    };
    out.push_str(&field("email", "Email", &fields.email, email));
    out.push_str("</fieldset>\n");
    let methods = session.settings.methods();
    let card_alone = methods.as_slice() == ["card"];
    if wants_payment(session) {
        out.push_str(&method_choice(&methods, fields));
        for method in &methods {
            out.push_str(&method_inputs(method, card_alone, fields, errors));
        }
        out.push_str(&format!("<input type=\"hidden\" name=\"shown\" value=\"{}\">\n", session.total()));
    }
    out.push_str("<fieldset class=\"billing\"><legend>Billing address</legend>\n");
    if !(wants_payment(session) && card_alone) {
        out.push_str(&field("name", "Name", &fields.name, "type=\"text\" autocomplete=\"name\""));
    }
    let (described_by, message) = described("country", error("country"));
    out.push_str(&format!(
        "<div class=\"field country\"><label for=\"country\">Country</label>\
         <select id=\"country\" name=\"country\" autocomplete=\"billing country\" required{described_by}>\n"
    ));
    for (code, name) in countries::all() {
        let selected = if code == fields.country { " selected" } else { "" };
        out.push_str(&format!("<option value=\"{code}\"{selected}>{}</option>\n", escape(name)));
    }
    out.push_str(&format!("</select>{message}</div>\n"));
    if wants_address(session) {
        let line1 = "type=\"text\" autocomplete=\"billing address-line1\" required";
        out.push_str(&field("line1", "Address", &fields.line1, line1));
        let code = "type=\"text\" autocomplete=\"billing postal-code\"";
        out.push_str(&field("postal_code", "Postal code", &fields.postal_code, code));
        let city = "type=\"text\" autocomplete=\"billing address-level2\" required";
        out.push_str(&field("city", "City", &fields.city, city));
    }
    if wants_tax_id(session) {
        let name = "type=\"text\" autocomplete=\"organization\"";
        out.push_str(&field("business", "Business name (optional)", &fields.business, name));
        let number = "type=\"text\" autocomplete=\"off\" spellcheck=\"false\" maxlength=\"30\"";
        out.push_str(&field("tax_id", "VAT number (optional)", &fields.tax_id, number));
    }
    out.push_str("</fieldset>\n");
    if wants_terms(session) {
        let (described_by, message) = described("terms", error("terms"));
        let checked = if fields.terms { " checked" } else { "" };
        let text = session.settings.custom_text.terms_of_service_acceptance.as_deref();
        out.push_str(&format!(
            "<div class=\"field terms\"><input type=\"checkbox\" id=\"terms\" name=\"terms\" required{checked}\
             {described_by}><label for=\"terms\">{}</label>{message}</div>\n",
            escape(text.unwrap_or("I agree to the terms of service"))
        ));
    }
    out
}

/// The choice between several payment methods; the fields of the others are hidden by the style sheet.
fn method_choice(methods: &[&str], fields: &Fields) -> String {
    if methods.len() < 2 {
        return format!(
            "<input type=\"hidden\" name=\"method\" value=\"{}\">\n",
            methods.first().copied().unwrap_or("card")
        );
    }
    let mut out = String::from("<fieldset class=\"methods\"><legend>Pay with</legend>\n");
    for method in methods {
        let checked = if fields.method == *method { " checked" } else { "" };
        out.push_str(&format!(
            "<div class=\"choice\"><input type=\"radio\" id=\"method-{method}\" name=\"method\" value=\"{method}\"\
             {checked}><label for=\"method-{method}\">{}</label></div>\n",
            method_name(method)
        ));
    }
    out.push_str("</fieldset>\n");
    out
}

fn method_name(method: &str) -> &'static str {
    match method {
        "sepa_debit" => "Bank debit (SEPA)",
        "us_bank_account" => "Bank debit (US account)",
        _ => "Card",
    }
}

fn method_inputs(method: &str, card_alone: bool, fields: &Fields, errors: &[FieldError]) -> String {
    let error = |name: &str| errors.iter().find(|error| error.field == name).map(|error| error.message);
    let field = |name, label, value, attributes| Field { name, label, value, error: error(name), attributes }.html();
    let mut out = format!("<fieldset class=\"of-method {method}\"><legend>{}</legend>\n", method_name(method));
    match method {
        "sepa_debit" => {
            let iban = "type=\"text\" autocomplete=\"off\" spellcheck=\"false\" maxlength=\"42\" \
                        placeholder=\"DE00 0000 0000 0000 0000 00\" required";
            out.push_str(&field("iban", "IBAN", "", iban));
            out.push_str(DEBIT_NOTE);
        }
        "us_bank_account" => {
            let number = "type=\"text\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"20\" required";
            out.push_str(&field("routing_number", "Routing number", "", number));
            out.push_str(&field("account_number", "Account number", "", number));
            out.push_str(DEBIT_NOTE);
        }
        _ => {
            let number = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-number\" placeholder=\"1234 1234 1234 1234\" \
                          maxlength=\"30\" required";
            out.push_str(&field("card_number", "Card number", "", number));
            let expiry = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-exp\" placeholder=\"MM / YY\" \
                          maxlength=\"9\" required";
            out.push_str(&field("expiry", "Expiry", "", expiry));
            let cvc = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-csc\" placeholder=\"CVC\" maxlength=\"4\" \
                       required";
            out.push_str(&field("cvc", "CVC", "", cvc));
            if card_alone {
                out.push_str(&field("name", "Name", &fields.name, "type=\"text\" autocomplete=\"cc-name\" required"));
            }
        }
    }
    out.push_str("</fieldset>\n");
    out
}

const DEBIT_NOTE: &str =
    "<p class=\"note\">The money arrives some time after your order: a bank debit can still fail.</p>\n";

/// What the test numbers do.
fn test_numbers(session: &Session) -> String {
    let mut out = String::new();
    for method in session.settings.methods() {
        let (title, note, rows): (_, _, Vec<(String, &str)>) = match method {
            "sepa_debit" => ("Test IBANs", "Any name will do.".to_owned(), accounts(IBANS)),
            "us_bank_account" => {
                ("Test bank accounts", format!("The routing number is {ROUTING}."), accounts(US_ACCOUNTS))
            }
            _ => (
                "Test cards",
                "Any date in the future and any three digits as CVC will do.".to_owned(),
                TEST_CARDS.iter().map(|card| (in_fours(card.number), card.label)).collect(),
            ),
        };
        let rows: String = rows
            .iter()
            .map(|(number, label)| format!("<tr><td><code>{number}</code></td><td>{}</td></tr>", escape(label)))
            .collect();
        out.push_str(&format!(
            "<details class=\"test-cards\"><summary>{title}</summary>\n<p>{note}</p>\n<table><thead><tr>\
             <th scope=\"col\">Number</th><th scope=\"col\">What it does</th></tr></thead><tbody>{rows}</tbody></table>\
             </details>\n"
        ));
    }
    out
}

fn accounts(accounts: &'static [TestAccount]) -> Vec<(String, &'static str)> {
    let written = |number: &str| if number.starts_with('0') { number.to_owned() } else { in_fours(number) };
    accounts.iter().map(|account| (written(account.number), account.label)).collect()
}

fn in_fours(number: &str) -> String {
    number
        .chars()
        .enumerate()
        .flat_map(|(index, c)| (index > 0 && index % 4 == 0).then_some(' ').into_iter().chain([c]))
        .collect()
}

/// The page on which the buyer's bank would ask.
pub(super) fn authentication(session: &Session, last4: &str) -> String {
    let total = currency::format(session.total(), &session.currency);
    let body = format!(
        "<main class=\"single\">\n{BADGE}<h1>Confirm your payment</h1>\n\
         <p>Your bank wants to know that it is you who pays <strong>{}</strong> with the card ending in {}. This is where \
         its page would be.</p>\n<form method=\"post\" action=\"/c/pay/{}/authenticate\">\n\
         <button type=\"submit\" name=\"result\" value=\"complete\">Complete authentication</button>\n\
         <button type=\"submit\" class=\"secondary\" name=\"result\" value=\"fail\">Fail authentication</button>\n\
         </form>\n</main>\n{FOOTER}",
        escape(&total),
        escape(last4),
        escape(&session.id)
    );
    document("Authentication – stripe-sandbox", &body)
}

/// A page that only says something, with a way on.
pub(super) fn message(title: &str, text: &str, link: Option<(String, &str)>) -> String {
    let link = link
        .map(|(url, label)| format!("<p><a class=\"button\" href=\"{}\">{}</a></p>\n", escape(&url), escape(label)))
        .unwrap_or_default();
    let body = format!(
        "<main class=\"single\">\n{BADGE}<h1>{}</h1>\n<p>{}</p>\n{link}</main>\n{FOOTER}",
        escape(title),
        escape(text)
    );
    document(&format!("{title} – stripe-sandbox"), &body)
}
