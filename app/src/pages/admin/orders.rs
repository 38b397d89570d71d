//! `/admin/orders`: the orders, searched and filtered.

use super::{Filters, filters, refused};
use crate::components::{Desk, Section, written};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::desk::{BookChoice, OrderPage, OrderRow, Standing, StandingFilter};
use shop::types::{Email, Role};

/// The list, newest first, with its filters in the address.
#[component]
pub fn OrdersPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let (shop, mut filters) = (context::shop()?, Filters::of_page());
        if staff.role < Role::Support {
            filters.addresses = None;
        }
        let choices = match &filters.books {
            Some(text) => shop.find_books(text).await?,
            None => Vec::new(),
        };
        let found = shop.desk_orders(filters.query(filters::turn())).await?;
        let actions = (staff.role >= Role::Admin).then(|| {
            view! {
                <a class="button" href="/admin/orders/new">
                    "Give books away"
                </a>
            }
            .into_any()
        });
        Ok(view! {
            <Desk title="Orders" current=Section::Orders actions=actions>
                {refused::notice()}
                {search(&filters, &found, staff.role)}
                {(!choices.is_empty()).then(|| which_book(&filters, choices))}
                {table(&found.rows, Some(staff.role), &filters)}
                {pager(&filters, &found)}
                {(staff.role >= Role::Admin && !found.rows.is_empty()).then(|| export(&filters))}
            </Desk>
        }
        .into_any())
    })
}

fn search(filters: &Filters, found: &OrderPage, role: Role) -> AnyView {
    let (standing, clear) = (StandingFilter::parse(&filters.standing), !filters.is_empty());
    let (from, until) = (filters.from.clone(), filters.until.clone());
    let (addresses, book) = (found.addresses.clone(), filters.book.clone().or_else(|| filters.books.clone()));
    let label = if role >= Role::Support { "Order number or e-mail" } else { "Order number" };
    view! {
        <form class="filters" method="post" action="/actions/admin-find-orders" role="search">
            <label class="grow">
                {label} <input type="search" name="q" value=addresses autocomplete="off" spellcheck="false" maxlength="254"/>
            </label>
            <label>"Book" <input type="search" name="book" value=book autocomplete="off" maxlength="200"/></label>
            <label>
                "Status"
                <select name="standing">
                    <option value="">"Any"</option>
                    {StandingFilter::ALL
                        .into_iter()
                        .map(|filter| {
                            view! {
                                <option value=filter.as_str() selected=standing == Some(filter)>
                                    {filter.label()}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </label>
            <label>"From" <input type="date" name="from" value=from/></label>
            <label>"Until" <input type="date" name="until" value=until/></label>
            <div class="bar">
                <button>"Search"</button>
                {clear.then(|| view! { <a class="quiet" href="/admin/orders">"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn which_book(filters: &Filters, choices: Vec<BookChoice>) -> AnyView {
    let rest = Filters { books: None, ..filters.clone() };
    let links = choices.into_iter().map(move |BookChoice { slug, title }| {
        let href = Filters { book: Some(slug), ..rest.clone() }.address();
        view! {
            <li>
                <a href=href>{title}</a>
            </li>
        }
    });
    view! {
        <section class="panel" aria-labelledby="which">
            <h2 id="which">"Which book?"</h2>
            <ul class="choices">{links.collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// The orders as a table; each becomes a card on a phone. Whose they are is said to a role, and not at all on a buyer's own
/// page.
pub(super) fn table(rows: &[OrderRow], role: Option<Role>, filters: &Filters) -> AnyView {
    if rows.is_empty() {
        let words = if filters.is_empty() {
            "No orders yet. As soon as somebody buys a book, it is here."
        } else {
            "No order is like that. Ask for less, or look at all of them."
        };
        return view! {
            <div class="empty">
                <p>{words}</p>
                <a class="quiet" href="/admin/orders">
                    "All orders"
                </a>
            </div>
        }
        .into_any();
    }
    let lines = rows.iter().map(|row| line(row, role)).collect_view();
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"Orders"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Order"</th>
                        <th scope="col">"Placed"</th>
                        {role.map(|_| view! { <th scope="col">"Buyer"</th> })}
                        <th scope="col">"Titles"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="num">
                            "Total"
                        </th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(row: &OrderRow, role: Option<Role>) -> AnyView {
    let number = row.number.to_string();
    let titles = match row.titles.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => format!("{first} and {} more", rest.len()),
        [first, ..] => first.clone(),
        [] => String::new(),
    };
    let whose = role.map(|role| {
        view! {
            <td class="buyer" data-label="Buyer">
                {buyer(&row.email, row.erased, role)}
            </td>
        }
    });
    view! {
        <tr>
            <th scope="row" class="nowrap">
                <a href=format!("/admin/orders/{number}")>{number.clone()}</a>
            </th>
            <td data-label="Placed">{written::moment(row.placed_at)}</td>
            {whose}
            <td data-label="Titles">{titles}</td>
            <td data-label="Status">{tag(row.standing)}</td>
            <td class="num" data-label="Total">
                {written::money(row.total)}
            </td>
        </tr>
    }
    .into_any()
}

/// The address, as far as the role may see it.
pub(super) fn buyer(email: &str, erased: bool, role: Role) -> String {
    if erased {
        "erased".into()
    } else if role >= Role::Support {
        email.to_owned()
    } else {
        email.parse::<Email>().map_or_else(|_| "…".to_owned(), |email| email.masked())
    }
}

/// Where an order stands, in a word that is coloured.
pub(super) fn tag(standing: Standing) -> AnyView {
    let class = match standing {
        Standing::Paid | Standing::Free | Standing::Gift => "tag good",
        Standing::Pending | Standing::PartlyRefunded(_) => "tag warn",
        Standing::Refunded => "tag",
        Standing::Failed | Standing::Disputed | Standing::ChargedBack => "tag bad",
    };
    view! { <span class=class>{standing.text(written::money)}</span> }.into_any()
}

/// The whole list that is shown, as a file.
fn export(filters: &Filters) -> AnyView {
    let hidden = filters
        .parameters()
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    view! {
        <form class="bar" method="post" action="/admin/orders/export">
            {hidden} <button class="quiet">"Download as CSV"</button>
            <span class="note">"All pages of this list, buyers’ addresses included. That it was taken out is written down."</span>
        </form>
    }
    .into_any()
}

fn pager(filters: &Filters, found: &OrderPage) -> Option<impl IntoView + use<>> {
    let (first, last) = (found.rows.first()?.number.clone(), found.rows.last()?.number.clone());
    (found.before || found.after).then(|| {
        let link = |more: String, words: &'static str, rel: Option<&'static str>| {
            let href = filters.address_of(&more);
            view! { <a class="quiet" href=href rel=rel>{words}</a> }
        };
        view! {
            <nav class="pager" aria-label="Pages">
                <div class="bar">
                    {found.before.then(|| link(String::new(), "First", None))}
                    {found.before.then(|| link(format!("before={}", first.as_str()), "Previous", Some("prev")))}
                </div>
                <div class="bar">
                    {found.after.then(|| link(format!("after={}", last.as_str()), "Next", Some("next")))}
                    {found.after.then(|| link("page=last".to_owned(), "Last", None))}
                </div>
            </nav>
        }
    })
}
