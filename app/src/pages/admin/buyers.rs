//! `/admin/buyers`: finding a buyer, and `/admin/buyers/{number}`: everything under her address. She is named by an order of
//! hers: no address stands in a URL.

use super::orders::table;
use super::{Filters, refused};
use crate::components::{Desk, Section, written};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, param};
use leptos::prelude::*;
use shop::desk::{Addresses, BuyerSheet, BuyerTitle};
use shop::types::{OrderNumber, Role};

/// The search.
#[component]
pub fn BuyersPage() -> impl IntoView {
    page(async {
        context::staff(Role::Support).await?;
        Ok(view! {
            <Desk title="Buyers" current=Section::Buyers>
                {refused::notice()}
                <form class="filters" method="post" action="/actions/admin-find-buyer" role="search">
                    <label class="grow">
                        "E-mail, how it begins, or an order’s number"
                        <input type="search" name="q" required autocomplete="off" spellcheck="false" maxlength="254"/>
                    </label>
                    <button>"Find"</button>
                </form>
                <p class="note">
                    "A buyer is an address: there are no accounts. What is known of one is on one page, to help her, to hand it out, or to forget it."
                </p>
            </Desk>
        }
        .into_any())
    })
}

/// One buyer.
#[component]
pub fn BuyerPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Support).await?;
        let number: OrderNumber = param("number").parse()?;
        let sheet = context::shop()?.buyer_sheet(&number).await?.ok_or(AppError::NOT_FOUND)?;
        let title = sheet.email.clone();
        let hers =
            Filters { addresses: Some(Addresses { order: sheet.number.clone(), letters: None }), ..Filters::default() };
        let more = sheet.more.then(|| {
            view! {
                <p>
                    <a href=hers.address()>"All orders under this address"</a>
                </p>
            }
        });
        let role = staff.role;
        Ok(view! {
            <Desk title=title current=Section::Buyers>
                {refused::notice()}
                <div class="side">
                    <div class="stacked">
                        {facts(&sheet)} <section class="stacked" aria-labelledby="orders">
                            <h2 id="orders">"Orders"</h2>
                            {table(&sheet.orders, None, &hers)}
                            {more}
                        </section> {titles(&sheet.titles)}
                    </div>
                    <div class="stacked">
                        {(role >= Role::Admin).then(|| export(&sheet))} {(role >= Role::Owner).then(|| erase(&sheet))}
                    </div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn facts(sheet: &BuyerSheet) -> AnyView {
    let fact = |name: &'static str, value: String| {
        (!value.is_empty()).then(|| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
    };
    let paid = sheet.paid.iter().copied().map(written::money).collect::<Vec<_>>().join(", ");
    let library = match sheet.sessions {
        0 => "open in no browser".to_owned(),
        1 => "open in one browser".to_owned(),
        many => format!("open in {many} browsers"),
    };
    view! {
        <section class="panel" aria-label="Facts">
            <dl class="defs">
                {fact("Names", sheet.names.join(", "))} {fact("Since", written::day_of(sheet.since))} {fact("Paid in all", paid)}
                {fact("Library", library)}
            </dl>
        </section>
    }
    .into_any()
}

fn titles(titles: &[BuyerTitle]) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = titles
        .iter()
        .map(|title| {
            let state = if title.open { "tag good" } else { "tag" };
            let word = if title.open { "Open" } else { "Closed" };
            view! {
                <li>
                    <div>
                        <h3>
                            <a href=format!("/books/{}", title.slug)>{title.title.clone()}</a>
                        </h3>
                        <p class="note">{format!("Since {}", written::day_of(title.since))}</p>
                    </div>
                    <span class=state>{word}</span>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="books">
                <h2 id="books">"Titles"</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
    })
}

fn export(sheet: &BuyerSheet) -> AnyView {
    let action = format!("/admin/buyers/{}/export", sheet.number);
    view! {
        <section class="panel" aria-labelledby="export">
            <h2 id="export">"Hand out"</h2>
            <form class="fields" method="post" action=action>
                <p class="note">
                    "Everything that this store holds under the address, as JSON: orders, invoices, mails, downloads, notes. That it was handed out is written down."
                </p>
                <button class="quiet">"Download everything"</button>
            </form>
        </section>
    }
    .into_any()
}

fn erase(sheet: &BuyerSheet) -> AnyView {
    let number = sheet.number.to_string();
    view! {
        <section class="panel" aria-labelledby="erase">
            <h2 id="erase">"Forget"</h2>
            <details class="ask">
                <summary>"Erase this buyer …"</summary>
                <form class="fields" method="post" action="/actions/admin-erase-buyer">
                    <input type="hidden" name="number" value=number/>
                    <p>
                        "The titles of this buyer are closed for good. The orders stay as figures without a name; notes, networks and mails lose the address. Invoices keep what the law wants until their time is over. What Stripe holds is not touched. This cannot be undone."
                    </p>
                    <label>
                        "Type the address to confirm"
                        <input name="typed" required autocomplete="off" spellcheck="false" maxlength="254"/>
                    </label>
                    <button class="danger">"Erase for good"</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}
