//! The pages: payment, authentication, and short messages.

use super::countries;
use super::form::{Fields, wants_address, wants_card, wants_terms};
use super::html::{Field, described, document, escape};
use crate::cards::{FieldError, TEST_CARDS};
use crate::currency;
use crate::records::Session;

/// Why the last attempt failed.
pub(super) struct Notice {
    pub(super) message: String,
    pub(super) code: String,
    pub(super) decline_code: Option<String>,
}

const BADGE: &str = "<p class=\"badge\"><strong>Test mode</strong> <span>No real money is moved</span></p>\n";

/// The payment page of an open session.
pub(super) fn payment(session: &Session, fields: &Fields, errors: &[FieldError], notice: Option<&Notice>) -> String {
    let failed = !errors.is_empty() || notice.is_some();
    let total = currency::format(session.total(), &session.currency);
    let mut body = String::from("<main class=\"checkout\">\n");
    body.push_str(&summary(session, &total));
    body.push_str("<section class=\"payment\" aria-labelledby=\"payment-heading\">\n");
    let heading = if wants_card(session) { "Pay with card" } else { "Complete your order" };
    body.push_str(&format!("<h2 id=\"payment-heading\">{heading}</h2>\n"));
    body.push_str(&problem(errors, notice));
    let described = if failed { " aria-describedby=\"problem\"" } else { "" };
    body.push_str(&format!("<form method=\"post\" action=\"/c/pay/{}\" novalidate{described}>\n", escape(&session.id)));
    body.push_str(&inputs(session, fields, errors));
    if let Some(text) = &session.settings.custom_text.submit {
        body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(text)));
    }
    let button = if wants_card(session) { format!("Pay {total}") } else { "Complete order".to_owned() };
    body.push_str(&format!("<button type=\"submit\">{}</button>\n", escape(&button)));
    if let Some(text) = &session.settings.custom_text.after_submit {
        body.push_str(&format!("<p class=\"note\">{}</p>\n", escape(text)));
    }
    body.push_str("</form>\n");
    if wants_card(session) {
        body.push_str(&test_cards());
    }
    body.push_str("</section>\n</main>\n");
    body.push_str(FOOTER);
    let title = if failed { "Error: payment – stripe-sandbox" } else { "Payment – stripe-sandbox" };
    document(title, &body)
}

const FOOTER: &str = "<footer><p>This page is made by stripe-sandbox, a stand-in for Stripe. It is not Stripe and takes \
                      no real cards.</p></footer>\n";

fn summary(session: &Session, total: &str) -> String {
    let mut out = String::from("<section class=\"order\" aria-labelledby=\"order-heading\">\n<header>\n");
    if let Some(url) = &session.settings.cancel_url {
        let store = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        out.push_str(&format!(
            "<a class=\"back\" href=\"{}\"><span aria-hidden=\"true\">←</span> Back to {}</a>\n",
            escape(url),
            escape(&store)
        ));
    }
    out.push_str(BADGE);
    out.push_str("</header>\n");
    out.push_str(&format!(
        "<h1 id=\"order-heading\"><span class=\"label\">Your order</span> <span class=\"total\">{}</span></h1>\n\
         <ul class=\"lines\">\n",
        escape(total)
    ));
    for item in &session.items {
        let each = currency::format(item.unit_amount, &session.currency);
        let quantity = if item.quantity > 1 {
            format!("<span class=\"detail\">Qty {}, {} each</span>", item.quantity, escape(&each))
        } else {
            String::new()
        };
        let description = item
            .description
            .as_ref()
            .map(|text| format!("<span class=\"detail\">{}</span>", escape(text)))
            .unwrap_or_default();
        out.push_str(&format!(
            "<li><span class=\"what\"><span class=\"product\">{}</span>{description}{quantity}</span>\
             <span class=\"amount\">{}</span></li>\n",
            escape(&item.name),
            escape(&currency::format(item.total(), &session.currency))
        ));
    }
    out.push_str(&format!(
        "</ul>\n<dl class=\"sums\"><div><dt>Subtotal</dt><dd>{0}</dd></div>\
         <div class=\"due\"><dt>Total due</dt><dd>{0}</dd></div></dl>\n</section>\n",
        escape(total)
    ));
    out
}

fn problem(errors: &[FieldError], notice: Option<&Notice>) -> String {
    if let Some(notice) = notice {
        let code = notice.decline_code.as_ref().unwrap_or(&notice.code);
        return format!(
            "<div class=\"problem\" id=\"problem\" role=\"alert\"><p><strong>{}</strong></p>\
             <p class=\"code\">Test mode: <code>{}</code></p></div>\n",
            escape(&notice.message),
            escape(code)
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
    let email = if session.settings.customer_email.is_some() {
        "type=\"email\" autocomplete=\"email\" required readonly"
    } else {
        "type=\"email\" autocomplete=\"email\" spellcheck=\"false\" required"
    };
    out.push_str(&field("email", "Email", &fields.email, email));
    out.push_str("</fieldset>\n");
    if wants_card(session) {
        out.push_str("<fieldset class=\"card\"><legend>Card</legend>\n");
        let number = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-number\" placeholder=\"1234 1234 1234 1234\" \
                      maxlength=\"30\" required";
        out.push_str(&field("card_number", "Card number", "", number));
        let expiry = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-exp\" placeholder=\"MM / YY\" \
                      maxlength=\"9\" required";
        out.push_str(&field("expiry", "Expiry", "", expiry));
        let cvc = "type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-csc\" placeholder=\"CVC\" maxlength=\"4\" \
                   required";
        out.push_str(&field("cvc", "CVC", "", cvc));
        out.push_str(&field("name", "Name", &fields.name, "type=\"text\" autocomplete=\"cc-name\" required"));
        out.push_str("</fieldset>\n");
    }
    out.push_str("<fieldset class=\"billing\"><legend>Billing address</legend>\n");
    if !wants_card(session) {
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

fn test_cards() -> String {
    let rows: String = TEST_CARDS
        .iter()
        .map(|card| {
            let number: String = card
                .number
                .chars()
                .enumerate()
                .flat_map(|(index, digit)| (index > 0 && index % 4 == 0).then_some(' ').into_iter().chain([digit]))
                .collect();
            format!("<tr><td><code>{number}</code></td><td>{}</td></tr>", escape(card.label))
        })
        .collect();
    format!(
        "<details class=\"test-cards\"><summary>Test cards</summary>\n<p>Any date in the future and any three digits as \
         CVC will do.</p>\n<table><thead><tr><th scope=\"col\">Card number</th><th scope=\"col\">What it does</th></tr>\
         </thead><tbody>{rows}</tbody></table></details>\n"
    )
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
