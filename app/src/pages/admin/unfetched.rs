//! `/admin/orders/not-fetched`: what was paid for and never fetched.

use super::orders::buyer;
use crate::components::{Desk, Section, written};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::desk::{Unfetched, UnfetchedPage};
use shop::types::Role;

/// The titles, the newest first, each with its order and what became of its mail.
#[component]
pub fn NotFetchedPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let found = context::shop()?.unfetched(query("at").as_deref()).await?;
        Ok(view! {
            <Desk title="Paid and never fetched" current=Section::Orders>
                <p class="note">
                    "Titles that are open to their buyer and of which no download was ever begun. Perhaps the mail did not arrive: it can be sent again, with the same link, or with a new one where that or the download is over. Free orders and gifts are left out."
                </p>
                {table(&found, staff.role)}
                {pager(&found)}
            </Desk>
        }
        .into_any())
    })
}

fn table(found: &UnfetchedPage, role: Role) -> AnyView {
    if found.rows.is_empty() {
        return view! {
            <div class="empty">
                <p>"Whoever bought a book has fetched it."</p>
                <a class="quiet" href="/admin/orders">
                    "All orders"
                </a>
            </div>
        }
        .into_any();
    }
    let lines = found.rows.iter().map(|row| line(row, role)).collect_view();
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"Paid and never fetched"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Title"</th>
                        <th scope="col">"Order"</th>
                        <th scope="col">"Buyer"</th>
                        <th scope="col">"Bought"</th>
                        <th scope="col">"Mail"</th>
                        <th scope="col" class="num">
                            "Amount"
                        </th>
                        {(role >= Role::Support).then(|| view! { <th scope="col">"What to do"</th> })}
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// How long ago, in words.
fn ago(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "a day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}

fn line(row: &Unfetched, role: Role) -> AnyView {
    let Unfetched { order, title, email, paid, days, total, mail, over } = row;
    let number = order.to_string();
    let mail = mail.map(|mail| {
        let class = if mail.is_trouble() { "tag bad" } else { "tag" };
        view! { <span class=class>{mail.text()}</span> }
    });
    let again = (role >= Role::Support).then(|| {
        let number = order.to_string();
        // The same mail would lead to a page that is closed, or to a download that is over.
        let (action, words, label) = if *over {
            ("/actions/admin-renew-link", "Send a new link", format!("Make a new link for order {number} and mail it"))
        } else {
            ("/actions/admin-resend-receipt", "Send again", format!("Send the mail of order {number} again"))
        };
        let form = view! {
            <form method="post" action=action>
                <input type="hidden" name="number" value=number/>
                <button class="quiet" aria-label=label>
                    {words}
                </button>
            </form>
        };
        view! { <td class="act">{form}</td> }
    });
    view! {
        <tr>
            <th scope="row">{title.clone()}</th>
            <td data-label="Order" class="nowrap">
                <a href=format!("/admin/orders/{number}")>{number.clone()}</a>
            </td>
            <td class="buyer" data-label="Buyer">
                {buyer(email, false, role)}
            </td>
            <td data-label="Bought" class="nowrap">
                <span title=written::moment(*paid)>{ago(*days)}</span>
            </td>
            <td data-label="Mail">{mail}</td>
            <td class="num" data-label="Amount">
                {written::money(*total)}
            </td>
            {again}
        </tr>
    }
    .into_any()
}

fn pager(found: &UnfetchedPage) -> Option<impl IntoView + use<>> {
    let (before, after) = (found.before.clone(), found.after.clone());
    (before.is_some() || after.is_some()).then(|| {
        let back = before.map(|at| {
            view! {
                <a class="quiet" href="/admin/orders/not-fetched">
                    "First"
                </a>
                <a class="quiet" href=format!("/admin/orders/not-fetched?at={at}") rel="prev">
                    "Previous"
                </a>
            }
        });
        let on = after.map(|at| {
            view! {
                <a class="quiet" href=format!("/admin/orders/not-fetched?at={at}") rel="next">
                    "Next"
                </a>
            }
        });
        view! {
            <nav class="pager" aria-label="Pages">
                <div class="bar">{back}</div>
                <div class="bar">{on}</div>
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::ago;

    #[test]
    fn it_is_said_how_long_ago() {
        assert_eq!([0, 1, 12].map(ago), ["today", "a day ago", "12 days ago"]);
    }
}
