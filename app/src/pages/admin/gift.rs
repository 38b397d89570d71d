//! `/admin/orders/new`: books given away. What is chosen stands in the address until it is sent.

use super::refused;
use crate::components::{Desk, Section};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::desk::{BookChoice, FormKey};
use shop::types::{Role, Slug};

/// Chosen titles, a search for more, and the address that gets them.
#[component]
pub fn GiftPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let mut chosen: Vec<BookChoice> = Vec::new();
        let slugs = query("titles").unwrap_or_default();
        for slug in slugs.split(',').filter(|slug| slug.parse::<Slug>().is_ok()).take(MOST) {
            // The exact slug comes alone.
            let found = shop.find_books(slug).await?.into_iter().find(|book| book.slug == slug);
            chosen.extend(found.filter(|book| chosen.iter().all(|other| other.slug != book.slug)));
        }
        let text = query("q").unwrap_or_default();
        let found = shop.find_books(&text).await?;
        Ok(view! {
            <Desk title="Give books away" current=Section::Orders>
                {refused::notice()}
                <p class="note">
                    "An order of nothing: the titles are the reader’s like any others, the link is mailed, and no invoice is made."
                </p>
                <div class="side">
                    <div class="stacked">{titles(&chosen)} {search(&chosen, text, found)}</div>
                    {send(&chosen)}
                </div>
            </Desk>
        }
        .into_any())
    })
}

/// Titles of one gift.
const MOST: usize = 100;

fn listed(books: &[BookChoice]) -> String {
    books.iter().map(|book| book.slug.as_str()).collect::<Vec<_>>().join(",")
}

fn titles(chosen: &[BookChoice]) -> AnyView {
    let rows: Vec<_> = chosen
        .iter()
        .map(|book| {
            let rest: Vec<BookChoice> = chosen.iter().filter(|other| other.slug != book.slug).cloned().collect();
            let href = format!("/admin/orders/new?titles={}", listed(&rest));
            view! {
                <li>
                    <h3>{book.title.clone()}</h3>
                    <a class="quiet" href=href aria-label=format!("Leave out {}", book.title)>
                        "Leave out"
                    </a>
                </li>
            }
        })
        .collect();
    let none = rows.is_empty();
    view! {
        <section class="panel" aria-labelledby="titles">
            <h2 id="titles">"Titles"</h2>
            {none.then(|| view! { <p class="note">"None yet. Search for one below."</p> })}
            <ul class="rows">{rows}</ul>
        </section>
    }
    .into_any()
}

fn search(chosen: &[BookChoice], text: String, found: Vec<BookChoice>) -> AnyView {
    let already = listed(chosen);
    let new: Vec<_> = found
        .into_iter()
        .filter(|book| chosen.iter().all(|other| other.slug != book.slug))
        .map(|book| {
            let titles = if already.is_empty() { book.slug.clone() } else { format!("{already},{}", book.slug) };
            view! {
                <li>
                    <h3>{book.title.clone()}</h3>
                    <a
                        class="quiet"
                        href=format!("/admin/orders/new?titles={titles}")
                        aria-label=format!("Add {}", book.title)
                    >
                        "Add"
                    </a>
                </li>
            }
        })
        .collect();
    let nothing = !text.trim().is_empty() && new.is_empty();
    view! {
        <section class="panel" aria-labelledby="search">
            <h2 id="search">"Search for a book"</h2>
            <form class="filters" method="get" action="/admin/orders/new" role="search">
                <input type="hidden" name="titles" value=already.clone()/>
                <label class="grow">
                    "Title or slug" <input type="search" name="q" value=text autocomplete="off" maxlength="200"/>
                </label>
                <button class="quiet">"Search"</button>
            </form>
            {nothing.then(|| view! { <p class="note">"No other book has this in its title."</p> })}
            <ul class="rows">{new}</ul>
        </section>
    }
    .into_any()
}

fn send(chosen: &[BookChoice]) -> AnyView {
    let titles = listed(chosen);
    let words = match chosen.len() {
        0 => "Choose a title first.".to_owned(),
        1 => "One title is given away, and a mail with its link goes out at once.".to_owned(),
        many => format!("{many} titles are given away, and a mail with their link goes out at once."),
    };
    let none = chosen.is_empty();
    view! {
        <section class="panel" aria-labelledby="send">
            <h2 id="send">"Reader"</h2>
            <form class="fields" method="post" action="/actions/admin-give">
                <input type="hidden" name="titles" value=titles/>
                // Sent twice, it is one order.
                <input type="hidden" name="key" value=FormKey::generate().to_string()/>
                <label>"Email" <input type="email" name="email" required autocomplete="off" maxlength="254"/></label>
                <p class="note">{words}</p>
                <button disabled=none>"Give away"</button>
            </form>
        </section>
    }
    .into_any()
}
