//! Why the desk did not do what a form about webhooks asked for: a code in the address, a sentence on the page.

use crate::components::Notice;
use crate::pages::query;
use leptos::prelude::*;
use shop::hooks::{BadAddress, NotSaved, NotSent};

/// Why an endpoint was not saved.
#[must_use]
pub const fn of_saving(why: NotSaved) -> &'static str {
    match why {
        NotSaved::Address(BadAddress::Malformed) => "malformed",
        NotSaved::Address(BadAddress::NotHttps) => "not-https",
        NotSaved::Address(BadAddress::Port) => "port",
        NotSaved::Address(BadAddress::Private) => "private",
        NotSaved::Address(BadAddress::Unknown) => "unknown-host",
        NotSaved::NoEvents => "no-events",
        NotSaved::TooMany => "too-many",
        NotSaved::LongDescription => "long-description",
        NotSaved::Outdated => "outdated",
    }
}

/// Why nothing was sent.
#[must_use]
pub const fn of_sending(why: NotSent) -> &'static str {
    match why {
        NotSent::Disabled => "off",
        NotSent::BeingSent => "being-sent",
        NotSent::Nothing => "nothing",
    }
}

/// Shows it, if the page was led to with it.
pub(super) fn notice() -> Option<impl IntoView> {
    let words = query("refused").as_deref().and_then(sentence)?;
    Some(view! { <Notice bad=true>{words}</Notice> })
}

fn sentence(code: &str) -> Option<&'static str> {
    Some(match code {
        "malformed" => {
            "That is not an address that webhooks can go to. It looks like https://hooks.example.org/octavo, without a name, a password or a #."
        }
        "not-https" => "Webhooks are not sent in clear text: the address must begin with https.",
        "port" => "Webhooks go to port 443. WEBHOOK_PORTS opens others.",
        "private" => {
            "That address lies in a network that is not public, so nothing is sent there. WEBHOOK_NETWORKS opens a network of your own."
        }
        "unknown-host" => "No address is known under that name. Is it spelled right?",
        "no-events" => "Please choose at least one thing to be told of.",
        "too-many" => "There are 16 endpoints already. Delete one first.",
        "long-description" => "A description has at most 200 letters.",
        "outdated" => "Somebody has saved this endpoint since the form was opened, so it was not saved.",
        "off" => "The endpoint is switched off. Switch it on first.",
        "being-sent" => "It is being sent at this moment. Look again in a minute.",
        "nothing" => "Nothing was given up in that time, so there is nothing to send.",
        _ => return None,
    })
}
