//! The webhook endpoints: add, switch off and on, remove.

use super::layout::{self, Flash, Tab};
use crate::knobs::Knobs;
use crate::page::html::escape;
use crate::records::Endpoint;
use crate::state::State;

/// The whole page; `url` is what was typed before a mistake.
pub(super) fn page(state: &State, flash: Option<&Flash>, url: &str) -> String {
    let rows: String = state.endpoints.iter().map(|endpoint| row(state, endpoint)).collect();
    let list = if rows.is_empty() {
        "<p class=\"empty\">No endpoint yet: events are kept here and told to nobody.</p>\n".to_owned()
    } else {
        format!("<ul class=\"endpoints\">{rows}</ul>\n")
    };
    let body = format!(
        "<h1>Webhooks</h1>\n<div class=\"columns\">\n<div>\n{list}</div>\n<div>\n\
         <form class=\"card\" method=\"post\" action=\"/dashboard/webhooks\"><h2>Add an endpoint</h2>\
         <div class=\"field\"><label for=\"url\">Address</label><input id=\"url\" name=\"url\" type=\"url\" required \
         placeholder=\"http://127.0.0.1:3000/webhooks/stripe\" value=\"{}\"></div>\
         <div class=\"field\"><label for=\"secret\">Signing secret</label><input id=\"secret\" name=\"secret\" type=\"text\" \
         autocomplete=\"off\" spellcheck=\"false\" aria-describedby=\"secret-hint\">\
         <p class=\"hint\" id=\"secret-hint\">Leave empty to have one made.</p></div>\
         <button type=\"submit\">Add</button></form>\n</div>\n</div>\n",
        escape(url)
    );
    layout::page(Tab::Webhooks, "Webhooks", flash, &body)
}

fn row(state: &State, endpoint: &Endpoint) -> String {
    let (tone, word) = if endpoint.disabled { ("calm", "Disabled") } else { ("good", "Enabled") };
    let events = if endpoint.wants_all() { "all events".to_owned() } else { escape(&endpoint.events.join(", ")) };
    let knobs = if endpoint.knobs == Knobs::default() {
        String::new()
    } else {
        // Plain numbers: it always has a JSON form.
        let knobs = serde_json::to_string(&endpoint.knobs).unwrap_or_default();
        format!("<div><dt>Knobs</dt><dd><code>{}</code></dd></div>", escape(&knobs))
    };
    let count = state.deliveries.count(&format!("endpoint={}", endpoint.id));
    let (toggle, label) = if endpoint.disabled { ("enable", "Enable") } else { ("disable", "Disable") };
    let name = format!("<span class=\"hidden\"> {}</span>", escape(&endpoint.url));
    format!(
        "<li><h2><code>{}</code> {}</h2><dl class=\"facts\"><div><dt>Id</dt><dd><code>{}</code></dd></div>\
         <div><dt>Told of</dt><dd>{events}</dd></div><div><dt>Deliveries</dt><dd>{count}</dd></div>{knobs}\
         <div><dt>Secret</dt><dd><details><summary>Show</summary><code>{}</code></details></dd></div></dl>\
         <form method=\"post\" action=\"/dashboard/webhooks/{}\">\
         <button class=\"quiet small\" type=\"submit\" name=\"do\" value=\"{toggle}\">{label}{name}</button>\
         <button class=\"quiet small\" type=\"submit\" name=\"do\" value=\"remove\">Remove{name}</button></form></li>\n",
        escape(&endpoint.url),
        layout::state(tone, word),
        escape(&endpoint.id),
        escape(&endpoint.secret),
        escape(&endpoint.id)
    )
}
