//! The forms of an order's page: each says beside its button what will happen.

use crate::components::{InvoiceForm, text, written};
use leptos::prelude::*;
use shop::desk::{FormKey, OrderSheet};
use shop::types::{BuyerForm, OrderStatus, Role};

/// What a role may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct May {
    pub(super) support: bool,
    pub(super) admin: bool,
}

impl May {
    pub(super) fn of(role: Role) -> Self {
        Self { support: role >= Role::Support, admin: role >= Role::Admin }
    }
}

/// A button that resends a mail.
pub(super) fn resend(id: i64, number: Option<&str>) -> AnyView {
    let number = number.map(str::to_owned);
    view! {
        <form method="post" action="/actions/admin-resend-mail">
            <input type="hidden" name="id" value=id/>
            {number.map(|number| view! { <input type="hidden" name="number" value=number/> })}
            <button class="quiet">"Send again"</button>
        </form>
    }
    .into_any()
}

/// A button that has an event worked on once more.
pub(super) fn replay(id: &str, number: Option<&str>) -> AnyView {
    let (id, number) = (id.to_owned(), number.map(str::to_owned));
    view! {
        <form method="post" action="/actions/admin-replay-event">
            <input type="hidden" name="id" value=id/>
            {number.map(|number| view! { <input type="hidden" name="number" value=number/> })}
            <button class="quiet">"Try again"</button>
        </form>
    }
    .into_any()
}

/// What can be done with one title.
pub(super) fn of_title(number: &str, item: i64, title: &str, open: bool, withdrawn: bool, may: May) -> AnyView {
    let (number, title) = (number.to_owned(), title.to_owned());
    let hidden = move || {
        let number = number.clone();
        view! {
            <input type="hidden" name="number" value=number/>
            <input type="hidden" name="item" value=item/>
        }
    };
    let renew = (open && may.support).then(|| {
        view! {
            <form method="post" action="/actions/admin-renew-title">
                {hidden()} <button class="quiet" aria-label=format!("Renew the downloads of {title}")>"Renew downloads"</button>
            </form>
        }
    });
    let change = if may.admin && withdrawn {
        Some(
            view! {
                <form method="post" action="/actions/admin-withdraw-title">
                    {hidden()} <input type="hidden" name="restore" value="on"/>
                    <button class="quiet" aria-label=format!("Give {title} back")>"Give back"</button>
                </form>
            }
            .into_any(),
        )
    } else if may.admin && open {
        Some(
            view! {
                <details class="ask">
                    <summary aria-label=format!("Take {title} back")>"Take back …"</summary>
                    <form method="post" action="/actions/admin-withdraw-title">
                        {hidden()}
                        <p>
                            "The title can no longer be downloaded until you give it back. The money stays where it is: this is no refund."
                        </p>
                        <button class="danger">"Take back"</button>
                    </form>
                </details>
            }
            .into_any(),
        )
    } else {
        None
    };
    view! { <div class="bar">{renew} {change}</div> }.into_any()
}

/// What can be done with the whole order.
pub(super) fn all(sheet: &OrderSheet, may: May) -> AnyView {
    let number = sheet.number.to_string();
    let paid = sheet.status == OrderStatus::Succeeded && !sheet.erased;
    let note = may.support.then(|| note(&number));
    let mails = (may.support && paid).then(|| mails(&number));
    let address = (may.support && !sheet.erased).then(|| address(&number));
    let refund = (may.admin && !sheet.refundable.is_zero()).then(|| refund(sheet));
    let evidence = (may.support && sheet.disputed).then(|| evidence(&number));
    let invoice = sheet.buyer_form.clone().filter(|_| may.support).map(|form| invoice(&number, form));
    view! { {evidence} {note} {mails} {refund} {invoice} {address} }.into_any()
}

fn invoice(number: &str, form: BuyerForm) -> AnyView {
    let number = number.to_owned();
    view! {
        <section class="panel" aria-labelledby="documents">
            <h2 id="documents">"Invoice"</h2>
            <InvoiceForm number form action="/actions/admin-set-buyer-details"/>
        </section>
    }
    .into_any()
}

fn note(number: &str) -> AnyView {
    let number = number.to_owned();
    view! {
        <section class="panel" aria-labelledby="note">
            <h2 id="note">"Note"</h2>
            <form class="fields" method="post" action="/actions/admin-note-order">
                <input type="hidden" name="number" value=number/>
                <label>
                    "For whoever looks here next" <textarea name="text" rows="3" maxlength="2000" required></textarea>
                </label>
                <button class="quiet">"Write down"</button>
            </form>
        </section>
    }
    .into_any()
}

fn mails(number: &str) -> AnyView {
    let (again, new) = (number.to_owned(), number.to_owned());
    view! {
        <section class="panel" aria-labelledby="mails">
            <h2 id="mails">"The mail with the link"</h2>
            <form class="fields" method="post" action="/actions/admin-resend-receipt">
                <input type="hidden" name="number" value=again/>
                <p class="note">"The same mail goes out once more, with the same link."</p>
                <button class="quiet">"Send again"</button>
            </form>
            <form class="fields" method="post" action="/actions/admin-renew-link">
                <input type="hidden" name="number" value=new/>
                <p class="note">
                    "A new link is made and mailed; the old one opens nothing any more. Titles whose downloads are over can be fetched again."
                </p>
                <button class="quiet">"Make a new link"</button>
            </form>
        </section>
    }
    .into_any()
}

fn address(number: &str) -> AnyView {
    let number = number.to_owned();
    view! {
        <section class="panel" aria-labelledby="address">
            <h2 id="address">"Address"</h2>
            <form class="fields" method="post" action="/actions/admin-correct-address">
                <input type="hidden" name="number" value=number/>
                <p class="note">
                    "The order and its titles move to this address, and both are told. Whoever reads its mail gets the books: make sure that it is the buyer’s."
                </p>
                <label>
                    "The right address" <input type="email" name="email" required autocomplete="off" maxlength="254"/>
                </label>
                <button class="quiet">"Correct the address"</button>
            </form>
        </section>
    }
    .into_any()
}

fn refund(sheet: &OrderSheet) -> AnyView {
    let (number, left) = (sheet.number.to_string(), written::money(sheet.refundable));
    // As it has to be typed.
    let most = format!("{} {}", text::decimal(sheet.refundable), sheet.refundable.currency());
    let hidden = |what: &'static str| {
        let number = number.clone();
        view! {
            <input type="hidden" name="number" value=number/>
            <input type="hidden" name="what" value=what/>
            // Sent twice, it is one refund.
            <input type="hidden" name="key" value=FormKey::generate().to_string()/>
        }
    };
    let titles: Vec<_> = sheet
        .items
        .iter()
        .filter(|item| !item.refundable.is_zero())
        .map(|item| {
            let words = format!("{} ({})", item.title, written::money(item.refundable));
            view! { <option value=item.id>{words}</option> }
        })
        .collect();
    let several = sheet.items.len() > 1 && !titles.is_empty();
    view! {
        <section class="panel" aria-labelledby="refund">
            <h2 id="refund">"Refund"</h2>
            <p class="note">{format!("{left} can still be refunded. The money goes back the way it came; the buyer is told.")}</p>
            <details class="ask">
                <summary>{format!("All of it: {left} …")}</summary>
                <form class="fields" method="post" action="/actions/admin-refund">
                    {hidden("all")}
                    <p>{format!("{left} goes back, and every title of the order is closed. This cannot be undone.")}</p>
                    {reason()} <button class="danger">{format!("Refund {left}")}</button>
                </form>
            </details>
            {several
                .then(|| {
                    view! {
                        <details class="ask">
                            <summary>"One title …"</summary>
                            <form class="fields" method="post" action="/actions/admin-refund">
                                {hidden("title")} <label>"Title" <select name="item" required>{titles}</select></label>
                                <label class="check">
                                    <input type="checkbox" name="keep" value="on"/>
                                    "The buyer keeps it"
                                    <small>"Otherwise the title is closed."</small>
                                </label>
                                <p>"What is left of its price goes back. This cannot be undone."</p>
                                {reason()}
                                <button class="danger">"Refund the title"</button>
                            </form>
                        </details>
                    }
                })} <details class="ask">
                <summary>"An amount …"</summary>
                <form class="fields" method="post" action="/actions/admin-refund">
                    {hidden("amount")}
                    <label>
                        {format!("Amount, at most {most}")}
                        <input name="amount" required inputmode="decimal" autocomplete="off" placeholder="4.99" maxlength="20"/>
                    </label>
                    <p>"It is spread over the titles, and the buyer keeps them unless nothing is left. This cannot be undone."</p>
                    {reason()} <button class="danger">"Refund the amount"</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}

fn reason() -> AnyView {
    view! {
        <label>
            "Why, as Stripe is told"
            <select name="reason">
                <option value="requested_by_customer">"The buyer asked for it"</option>
                <option value="duplicate">"Paid twice"</option>
                <option value="fraudulent">"Not paid by the card’s owner (Stripe will refuse the card)"</option>
            </select>
        </label>
    }
    .into_any()
}

fn evidence(number: &str) -> AnyView {
    let action = format!("/admin/orders/{number}/evidence");
    view! {
        <section class="panel" aria-labelledby="evidence">
            <h2 id="evidence">"For the bank"</h2>
            <form class="fields" method="post" action=action>
                <p class="note">
                    "What was sold and delivered, mails and downloads included, as a ZIP to upload in Stripe’s dashboard. No link or secret is in it."
                </p>
                <button>"Download the evidence"</button>
            </form>
        </section>
    }
    .into_any()
}
