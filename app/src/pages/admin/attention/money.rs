//! The lines of what needs a person about money, and what takes them off the list.

use super::order_link;
use crate::components::written;
use crate::pages::admin::order_actions::May;
use leptos::prelude::*;
use shop::desk::{BadCheckout, BadDispute, BadRefund, FailedRefund, RefusedTitle, Reviewed};
use shop::reconciler::Difference;
use shop::types::{Role, readable_for};

pub(super) fn dispute(dispute: BadDispute) -> AnyView {
    let BadDispute { order, amount, reason, answer_by } = dispute;
    let until =
        answer_by.map_or_else(|| "no day is given".to_owned(), |at| format!("answer by {}", written::moment(at)));
    view! {
        <li>
            <div>
                <h3>{order_link(&order)}</h3>
                <p class="note">{format!("{reason}; {until}")}</p>
            </div>
            <p class="price">{written::money(amount)}</p>
        </li>
    }
    .into_any()
}

pub(super) fn refund(refund: BadRefund) -> AnyView {
    let BadRefund { order, amount, asked } = refund;
    view! {
        <li>
            <div>
                <h3>{order_link(&order)}</h3>
                <p class="note">{format!("Asked for on {}", written::moment(asked))}</p>
            </div>
            <p class="price">{written::money(amount)}</p>
        </li>
    }
    .into_any()
}

pub(super) fn failed_refund(found: FailedRefund, may: May, role: Role) -> AnyView {
    let FailedRefund { id, order, amount, why, since } = found;
    // Stripe's word, or its sentence.
    let words = |why: String| if why.contains(' ') { readable_for(role, why) } else { why.replace('_', " ") };
    let why = why.map_or_else(|| "Stripe gives no reason".to_owned(), words);
    view! {
        <li>
            <div>
                <h3>{order_link(&order)}</h3>
                <p class="note">{format!("{why}; failed {}", written::moment(since))}</p>
            </div>
            <p class="price">{written::money(amount)}</p>
            {may.admin.then(|| settle(id))}
        </li>
    }
    .into_any()
}

/// A checkout, with a button that takes it off the list if it is `to_review`.
pub(super) fn checkout(found: BadCheckout, to_review: bool, role: Role) -> AnyView {
    let BadCheckout { id, begun, session, subtotal, why, reviewed } = found;
    let why = why.map(|why| format!("{}; ", readable_for(role, why))).unwrap_or_default();
    let seen = reviewed.map(|Reviewed { at, by }| {
        let by = by.map_or_else(|| "from the command line".to_owned(), |by| format!("by {}", readable_for(role, by)));
        format!("Reviewed {}, {by}", written::moment(at))
    });
    view! {
        <li>
            <div>
                <h3>
                    <code>{session.unwrap_or_else(|| "without a session at Stripe".into())}</code>
                </h3>
                <p class="note">{format!("{why}begun {}", written::moment(begun))}</p>
                {seen.map(|seen| view! { <p class="note">{seen}</p> })}
            </div>
            <p class="price">{subtotal.map(written::money)}</p>
            {to_review.then(|| one_click("/actions/admin-review-payment", id, "Reviewed"))}
        </li>
    }
    .into_any()
}

pub(super) fn difference(found: Difference, role: Role) -> AnyView {
    let Difference { kind, object_id, detail, found_at } = found;
    let at = written::day_of(found_at);
    view! {
        <li>
            <div>
                <h3>{kind.replace('_', " ")}</h3>
                <p class="note">{readable_for(role, detail)}</p>
                <p class="note">
                    <code>{object_id}</code>
                    {format!(", since {at}")}
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// Payments under review that somebody has seen to: they have no order on whose page they could stand.
pub(super) fn reviewed(found: Vec<BadCheckout>, role: Role) -> Option<AnyView> {
    (!found.is_empty()).then(|| {
        let rows = found.into_iter().map(|found| checkout(found, false, role)).collect_view();
        view! {
            <section class="panel" aria-labelledby="reviewed">
                <h2 id="reviewed">"Payments that were reviewed"</h2>
                <p class="note">"Of the last 30 days. Nothing was granted for them."</p>
                <ul class="rows">{rows}</ul>
            </section>
        }
        .into_any()
    })
}

/// A title that nobody can pay for.
pub(super) fn refused_title(found: RefusedTitle, may: May, role: Role) -> AnyView {
    let RefusedTitle { id, slug, title, why, times, first, last } = found;
    let when = if times == 1 {
        format!("Once, {}", written::moment(last))
    } else {
        format!("{times} times since {}, last {}", written::moment(first), written::moment(last))
    };
    view! {
        <li>
            <div>
                <h3>
                    <a href=format!("/admin/books/{slug}")>{title}</a>
                </h3>
                <p class="note">{readable_for(role, why)}</p>
                <p class="note">{when}</p>
            </div>
            {may.admin.then(|| one_click("/actions/admin-refusal-seen-to", id, "I have seen to it"))}
        </li>
    }
    .into_any()
}

/// A form of one button about the thing of this id.
fn one_click(action: &'static str, id: i64, words: &'static str) -> AnyView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="id" value=id/>
            <button class="quiet">{words}</button>
        </form>
    }
    .into_any()
}

/// The form that says how else a buyer has the money of a refund that failed.
fn settle(id: i64) -> AnyView {
    view! {
        <details class="ask">
            <summary>"Settled elsewhere …"</summary>
            <form class="fields" method="post" action="/actions/admin-settle-refund">
                <input type="hidden" name="id" value=id/>
                <label>
                    "How the buyer has the money" <input name="note" required maxlength="200" autocomplete="off"/>
                </label>
                <button class="quiet">"Settled elsewhere"</button>
            </form>
        </details>
    }
    .into_any()
}
