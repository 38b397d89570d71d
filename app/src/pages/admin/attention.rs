//! `/admin/attention`: what needs a person, each with what to do next.

mod money;

use super::order_actions::{May, replay, resend};
use super::orders::{buyer, table};
use super::{Filters, refused};
use crate::components::{Desk, Section, written};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::desk::{Attention, BadDocument, BadEndpoint, BadTax};
use shop::events::EventSummary;
use shop::outbox::MailSummary;
use shop::types::{OrderNumber, Role, readable_for};

/// The list, or that there is nothing.
#[component]
pub fn AttentionPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let found = context::shop()?.attention().await?;
        let calm = (found.count() == 0).then(|| {
            view! {
                <div class="empty">
                    <p>"Nothing needs you: every event is worked on, every mail has left, and the money agrees."</p>
                    <a class="quiet" href="/admin/health">
                        "How the store is"
                    </a>
                </div>
            }
        });
        Ok(view! {
            <Desk title="Needs attention" current=Section::Attention>
                {refused::notice()}
                {calm}
                {all(found, staff.role)}
            </Desk>
        }
        .into_any())
    })
}

/// One kind of thing: what it is, what to do, and the things.
pub(super) fn kind(id: &'static str, title: &'static str, advice: &'static str, rows: Vec<AnyView>) -> Option<AnyView> {
    let count = rows.len();
    (count > 0).then(|| {
        view! {
            <section class="panel" aria-labelledby=id>
                <h2 id=id>{title} " " <span class="tag bad">{count}</span></h2>
                <p class="note">{advice}</p>
                <ul class="rows">{rows}</ul>
            </section>
        }
        .into_any()
    })
}

pub(super) fn all(found: Attention, role: Role) -> AnyView {
    let may = May::of(role);
    let Attention {
        events,
        mails,
        quarantined,
        reviewed,
        stuck,
        refunds,
        failed_refunds,
        disputes,
        differences,
        webhooks,
        documents,
        untaxed,
        tax_codes,
        refused_titles,
        not_fetched,
    } = found;
    let fetched = (!not_fetched.is_empty()).then(|| {
        view! {
            <section class="stacked" aria-labelledby="not-fetched">
                <h2 id="not-fetched">"Paid and never downloaded"</h2>
                <p class="note">
                    "Bought between three days and two weeks ago. Perhaps the mail did not arrive: open the order and send it again, or look at "
                    <a href="/admin/orders/not-fetched">"all titles that nobody has fetched"</a> "."
                </p>
                {table(&not_fetched, Some(role), &Filters::default())}
            </section>
        }
    });
    view! {
        {kind(
            "disputes",
            "Disputes that wait for an answer",
            "Open the order, download the evidence and hand it in at Stripe before the day. No answer is a lost dispute.",
            disputes.into_iter().map(money::dispute).collect(),
        )}
        {kind(
            "quarantined",
            "Payments under review",
            "Stripe took another amount than the store asked for, so nothing was granted. Look at the payment in Stripe’s dashboard and refund it there, or give the titles away; then say that it is reviewed.",
            quarantined.into_iter().map(|found| money::checkout(found, may.admin, role)).collect(),
        )}
        {kind(
            "events",
            "Events of Stripe’s that failed",
            "The store asks Stripe again what each means, so trying again does no harm. One that waits for its object is tried by itself for three days.",
            events.into_iter().map(|event| line(event, may, role)).collect(),
        )}
        {kind(
            "mails",
            "Mails that did not arrive",
            "Correct the address on the order’s page if it is wrong, then send again.",
            mails.into_iter().map(|mail| undelivered(&mail, role)).collect(),
        )}
        {kind(
            "refunds",
            "Refunds that Stripe has not confirmed",
            "The store asks again every few minutes. If it stays so, look at the payment in Stripe’s dashboard.",
            refunds.into_iter().map(money::refund).collect(),
        )}
        {kind(
            "failed-refunds",
            "Refunds that failed",
            "The money is still with you, and the buyer may have been told that it is coming. Pay the buyer another way, or refund again from the order’s page. Listed for 30 days, or until another refund of the order makes it good or somebody says how else it was settled.",
            failed_refunds.into_iter().map(|found| money::failed_refund(found, may, role)).collect(),
        )}
        {kind(
            "differences",
            "Where the store and Stripe disagree",
            "Found by the comparison of last night. What was meanwhile put right disappears with the next one.",
            differences.into_iter().map(|found| money::difference(found, role)).collect(),
        )}
        {kind(
            "webhooks",
            "Webhooks that were switched off",
            "Look at what the endpoint answered, switch it on again and send what it missed; or delete it.",
            webhooks.into_iter().map(endpoint).collect(),
        )}
        {kind(
            "documents",
            "Invoices whose PDF cannot be made",
            "The numbers and amounts are safe. Look at the seller’s details and the logo; the PDF is tried again each time somebody asks for it.",
            documents.into_iter().map(unprinted).collect(),
        )}
        {kind(
            "untaxed",
            "Sales whose tax Stripe could not work out",
            "Nothing was taken for tax. Open the order: it says why, and what to do.",
            untaxed.into_iter().map(untaxed_order).collect(),
        )}
        {kind(
            "tax-codes",
            "Books that Stripe does not let anybody pay for",
            "Stripe has no product tax code like the book’s, and refuses every cart with it. Give the book another code at its page.",
            tax_codes.into_iter().map(refused_code).collect(),
        )}
        {kind(
            "refused-titles",
            "Titles in carts that Stripe refused",
            "Nobody can pay for such a cart until the cause is gone: look at what Stripe says. A title leaves the list when somebody can pay for it again, or after two weeks.",
            refused_titles.into_iter().map(|found| money::refused_title(found, may, role)).collect(),
        )}
        {kind(
            "stuck",
            "Checkouts that never ended",
            "Stripe should have closed these long ago. Look for them in its dashboard: a payment there is brought in by the next comparison.",
            stuck.into_iter().map(|found| money::checkout(found, false, role)).collect(),
        )}
        {money::reviewed(reviewed, role)}
        {fetched}
    }
    .into_any()
}

fn order_link(number: &OrderNumber) -> AnyView {
    let number = number.to_string();
    view! { <a href=format!("/admin/orders/{number}")>{format!("Order {number}")}</a> }.into_any()
}

fn line(event: EventSummary, may: May, role: Role) -> AnyView {
    let EventSummary { id, kind, object_id, state, attempts, received_at, error, .. } = event;
    let words = match state.as_str() {
        "dead" => "Put aside",
        "parked" => "Waits for its object",
        _ => "Will be tried again",
    };
    let at = written::moment(received_at);
    let tries = if attempts > 0 { format!(", {attempts} tries") } else { String::new() };
    view! {
        <li>
            <div>
                <h3>{kind}</h3>
                <p class="note">{format!("{words}{tries}. {}", readable_for(role, error.unwrap_or_default()))}</p>
                <p class="note">
                    <code>{object_id}</code>
                    {format!(", {at}")}
                </p>
            </div>
            {may.admin.then(|| replay(&id, None))}
        </li>
    }
    .into_any()
}

fn undelivered(mail: &MailSummary, role: Role) -> AnyView {
    let words = match mail.state.as_str() {
        "bounced" => "came back",
        "dead" => "could not be sent",
        _ => "waits for its next try",
    };
    let what = mail.order.as_deref().and_then(|number| number.parse::<OrderNumber>().ok());
    let about = what.as_ref().map(order_link);
    let why = mail.error.clone().filter(|_| role >= Role::Support);
    view! {
        <li>
            <div>
                <h3>{format!("{} {words}", shop::outbox::label(&mail.kind))}</h3>
                <p class="note">{buyer(&mail.recipient, false, role)} " " {about}</p>
                {why.map(|why| view! { <p class="note">{why}</p> })}
            </div>
            {(role >= Role::Support).then(|| resend(mail.id, None))}
        </li>
    }
    .into_any()
}

fn unprinted(found: BadDocument) -> AnyView {
    let BadDocument { order, number, why } = found;
    view! {
        <li>
            <div>
                <h3>{number}</h3>
                <p class="note">{why} " " {order_link(&order)}</p>
            </div>
        </li>
    }
    .into_any()
}

fn untaxed_order(found: BadTax) -> AnyView {
    let BadTax { order, total, why } = found;
    view! {
        <li>
            <div>
                <h3>{order_link(&order)}</h3>
                <p class="note">{format!("Stripe says: {why}")}</p>
            </div>
            <p class="price">{written::money(total)}</p>
        </li>
    }
    .into_any()
}

fn refused_code((slug, title): (String, String)) -> AnyView {
    view! {
        <li>
            <h3>
                <a href=format!("/admin/books/{slug}")>{title}</a>
            </h3>
        </li>
    }
    .into_any()
}

fn endpoint(found: BadEndpoint) -> AnyView {
    let BadEndpoint { id, url, gone, since } = found;
    let why = if gone { "It answered that it is gone" } else { "It had failed for five days" };
    view! {
        <li>
            <div>
                <h3>
                    <a href=format!("/admin/webhooks/{id}")>{url}</a>
                </h3>
                <p class="note">{format!("{why}; off since {}", written::moment(since))}</p>
            </div>
        </li>
    }
    .into_any()
}
