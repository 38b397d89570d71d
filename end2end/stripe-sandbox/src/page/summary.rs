//! The order's side of the payment page: lines, promotion code, discount, tax, total.

use super::form::{Fields, wants_code};
use super::html::{described, escape};
use super::render::BADGE;
use crate::cards::FieldError;
use crate::currency;
use crate::records::Session;

/// The whole section.
pub(super) fn summary(session: &Session, fields: &Fields, errors: &[FieldError]) -> String {
    let totals = session.totals();
    let money = |minor| escape(&currency::format(minor, &session.currency));
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
        money(totals.total)
    ));
    for item in &session.items {
        let quantity = if item.quantity > 1 {
            format!("<span class=\"detail\">Qty {}, {} each</span>", item.quantity, money(item.unit_amount))
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
            money(item.subtotal())
        ));
    }
    out.push_str("</ul>\n");
    out.push_str(&code(session, fields, errors));
    out.push_str("<dl class=\"sums\">");
    let mut row = |class: &str, name: &str, value: &str| {
        out.push_str(&format!("<div{class}><dt>{name}</dt><dd>{value}</dd></div>"));
    };
    row("", "Subtotal", &money(totals.subtotal));
    if let Some(discount) = &session.discount {
        row("", &format!("Discount ({})", escape(&discount.name)), &format!("−{}", money(totals.discount)));
    }
    let inclusive = totals.lines.iter().flat_map(|line| &line.taxes).any(|tax| tax.inclusive);
    if totals.tax > 0 {
        row("", if inclusive { "Tax, included" } else { "Tax" }, &money(totals.tax));
    } else if session.settings.automatic_tax && session.tax_country.is_none() {
        row("", "Tax", "by your country");
    }
    row(" class=\"due\"", "Total due", &money(totals.total));
    out.push_str("</dl>\n</section>\n");
    out
}

/// The promotion code: a form of its own, so that Enter in the payment form pays.
fn code(session: &Session, fields: &Fields, errors: &[FieldError]) -> String {
    if !wants_code(session) {
        return String::new();
    }
    let action = format!("/c/pay/{}", escape(&session.id));
    if let Some(discount) = session.discount.as_ref().filter(|discount| discount.typed) {
        return format!(
            "<form class=\"code\" method=\"post\" action=\"{action}\"><p>Promotion code <strong>{}</strong></p>\
             <button type=\"submit\" class=\"secondary\" name=\"wish\" value=\"remove_code\">Remove</button></form>\n",
            escape(&discount.name)
        );
    }
    let error = errors.iter().find(|error| error.field == "promotion_code").map(|error| error.message);
    let (attributes, message) = described("promotion_code", error);
    format!(
        "<form class=\"code\" method=\"post\" action=\"{action}\"><div class=\"field\">\
         <label for=\"promotion_code\">Promotion code</label>\
         <input id=\"promotion_code\" name=\"promotion_code\" type=\"text\" autocomplete=\"off\" spellcheck=\"false\" \
         maxlength=\"200\" value=\"{}\"{attributes}>{message}</div>\
         <button type=\"submit\" class=\"secondary\" name=\"wish\" value=\"apply_code\">Apply</button></form>\n",
        escape(&fields.promotion_code)
    )
}
