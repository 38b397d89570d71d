//! `/library`: everything that was bought under an address, or the question which address that is.

use super::{page, query};
use crate::components::{Cover, CoverSize, Downloads, Notice, RefusedNotice, written};
use crate::context;
use crate::error::AppError;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::types::{EditionFile, EditionView, LibraryView, OrderStatus, ShelfOrder, ShelfTitle, TokenState};

/// The shelf, in a browser that has opened it; in any other the form that asks for link and code. Whoever was led here from
/// a page that the open shelf has nothing to do with finds both.
#[component]
pub fn LibraryPage() -> impl IntoView {
    page(async {
        let library = context::shop()?.library(&context::keys()).await?;
        let left = match query("left").as_deref() {
            Some("here") => Some("You are signed out in this browser."),
            Some("everywhere") => Some("You are signed out in every browser."),
            _ => None,
        };
        let elsewhere = match (&library, context::next_of_library()) {
            (Some(library), Some(next)) => (!is_on(library, &next).await?).then(|| another(&library.email, next)),
            _ => None,
        };
        Ok(view! {
            <Title text="Your library"/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            {match library {
                Some(library) => view! { {elsewhere} {shelf(library)} }.into_any(),
                None => view! { {left.map(|words| view! { <Notice>{words}</Notice> })} {ask()} }.into_any(),
            }}
        }
        .into_any())
    })
}

/// Whether the page that led here belongs to what was bought under the library's address.
async fn is_on(library: &LibraryView, next: &str) -> Result<bool, AppError> {
    if let Some(token) = next.strip_prefix("/d/") {
        let found = context::shop()?.download_page(token, &context::keys()).await?;
        return Ok(found.is_some_and(|page| page.download.is_some()));
    }
    let of_order = |order: &ShelfOrder| {
        next == format!("/orders/{}", order.number) || order.documents.iter().any(|document| document.address() == next)
    };
    Ok(next == "/library" || library.orders.iter().any(of_order))
}

/// The way to the library of another address, above the open one.
fn another(email: &str, next: String) -> impl IntoView + use<> {
    let words = format!(
        "The page you come from is not among what was bought under {email}. If you have paid with another address, ask for its link."
    );
    view! {
        <Notice>{words}</Notice>
        <section class="plain">
            {request(Some(next))}
            <p class="note">"When its library opens, this one closes in this browser."</p>
        </section>
    }
}

fn ask() -> impl IntoView {
    view! {
        <section class="plain">
            <h1>"Your library"</h1>
            <p class="lead">
                "Type the address you paid with. We mail you a link and a code that open everything you have bought."
            </p>
            {request(context::next_of_library())}
            <p class="note">"There is no account and no password: reading that mailbox is what shows that they are yours."</p>
        </section>
    }
}

/// The form that asks for link and code, and remembers where to go back to.
fn request(next: Option<String>) -> impl IntoView {
    view! {
        <form class="stack" method="post" action="/actions/request-access">
            {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
            <label>
                "Email" <input type="email" name="email" required autocomplete="email" maxlength="254"/>
            </label>
            <button>"Send link"</button>
        </form>
    }
}

fn shelf(library: LibraryView) -> impl IntoView {
    let LibraryView { email, titles, orders } = library;
    view! {
        <section class="library">
            <div class="shelf-head">
                <h1>"Your library"</h1>
                <p class="note">{email}</p>
            </div>
            {if titles.is_empty() {
                view! {
                    <p class="lead">"No books here yet. As soon as a payment has arrived, its books are on this shelf."</p>
                    <p class="ways">
                        <a class="button" href="/">"See all books"</a>
                    </p>
                }
                    .into_any()
            } else {
                view! { <ul class="owned">{titles.into_iter().map(title).collect_view()}</ul> }.into_any()
            }}
            <h2>"Orders"</h2>
            <ul class="orders">{orders.into_iter().map(order).collect_view()}</ul>
            <div class="ways">
                <form method="post" action="/actions/sign-out">
                    <button class="quiet">"Sign out"</button>
                </form>
                <form method="post" action="/actions/sign-out-everywhere">
                    <button class="quiet" aria-describedby="everywhere">"Sign out everywhere"</button>
                </form>
            </div>
            <p class="note" id="everywhere">
                "Everywhere means every browser that has opened this library or one of its orders by mail. Downloads that run there end."
            </p>
        </section>
    }
}

fn title(shown: ShelfTitle) -> impl IntoView {
    let ShelfTitle { title, byline, slug, cover, accent, editions, notes, download } = shown;
    let open = download.state == TokenState::Usable || download.running_until.is_some();
    let token = download.token.clone();
    view! {
        <li>
            <Cover picture=cover title=title.clone() byline=byline.clone() accent size=CoverSize::Thumb/>
            <div>
                <h2>
                    <a href=format!("/books/{slug}")>{title}</a>
                </h2>
                <p class="by">{byline}</p>
                {notes.iter().map(|note| view! { <p class="note">{note.text(written::money)}</p> }).collect_view()}
                <Downloads download stay="/library"/>
                {news(&editions)}
                {open.then(|| earlier(&token, &editions))}
                {checks(editions)}
            </div>
        </li>
    }
}

/// What the newest edition brings, if it took the place of another one.
fn news(editions: &[EditionView]) -> Option<AnyView> {
    let [newest, _, ..] = editions else { return None };
    let EditionView { label, changelog_html, added_on, .. } = newest.clone();
    let changelog = (!changelog_html.is_empty()).then(|| {
        view! {
            <details class="checks">
                <summary>"What is new"</summary>
                <div inner_html=changelog_html></div>
            </details>
        }
    });
    Some(view! { <p class="note">{format!("{label}, since {added_on}.")}</p> {changelog} }.into_any())
}

/// The files that a newer edition took the place of: they can still be had.
fn earlier(token: &str, editions: &[EditionView]) -> Option<AnyView> {
    let replaced = editions
        .iter()
        .flat_map(|edition| edition.files.iter().filter(|file| !file.newest).map(|file| (edition.label.clone(), file)));
    let buttons = replaced.map(|(label, file)| replaced_file(token, &label, file)).collect_view();
    (!buttons.is_empty()).then(|| {
        view! {
            <details class="checks">
                <summary>"Earlier editions"</summary>
                <div class="files">{buttons}</div>
            </details>
        }
        .into_any()
    })
}

fn replaced_file(token: &str, label: &str, file: &EditionFile) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("/d/{token}/claim")>
            <input type="hidden" name="file" value=file.filename.clone()/>
            <button class="quiet">{format!("Download {} of {label}", file.info.format)}</button>
            <small>{file.info.size()}</small>
        </form>
    }
}

/// What a downloaded file can be compared with.
fn checks(editions: Vec<EditionView>) -> Option<AnyView> {
    let several = editions.len() > 1;
    let lines = editions.into_iter().flat_map(|edition| {
        let of = if several { format!(", {}", edition.label) } else { String::new() };
        edition
            .files
            .into_iter()
            .map(move |file| (format!("{}, {}{of}", file.info.format, file.info.size()), file.sha256))
    });
    let lines: Vec<_> = lines
        .map(|(what, sha256)| {
            view! {
                <div>
                    <dt>{what}</dt>
                    <dd>
                        <code>{sha256}</code>
                    </dd>
                </div>
            }
        })
        .collect();
    (!lines.is_empty()).then(|| {
        view! {
            <details class="checks">
                <summary>"Sizes and checksums (SHA-256)"</summary>
                <dl>{lines}</dl>
            </details>
        }
        .into_any()
    })
}

fn order(order: ShelfOrder) -> impl IntoView {
    let words = state(&order);
    let ShelfOrder { number, placed_on, total, documents, changeable, .. } = order;
    view! {
        <li>
            <a href=format!("/orders/{number}")>{format!("Order {number}")}</a>
            <span>{placed_on}</span>
            <span>{words}</span>
            <span class="price">{written::money(total)}</span>
            {documents
                .iter()
                .map(|document| {
                    let words = format!("{} {}", document.kind.label(), document.number);
                    view! { <a class="note" href=document.address()>{words}</a> }
                })
                .collect_view()}
            {changeable
                .then(|| {
                    let name = format!("Add company or VAT ID to the invoice of order {number}");
                    view! {
                        <a class="note" href=format!("/orders/{number}#invoice") aria-label=name>"Add company or VAT ID"</a>
                    }
                })}
        </li>
    }
}

/// Where an order stands, in words.
fn state(order: &ShelfOrder) -> String {
    match (order.status, order.refunded) {
        (OrderStatus::Pending, _) => "Payment on its way".to_owned(),
        (OrderStatus::Failed, _) => "Not paid".to_owned(),
        (OrderStatus::Succeeded, _) if order.disputed => "Payment disputed".to_owned(),
        (OrderStatus::Succeeded, Some(back)) if back.minor() >= order.total.minor() => "Refunded".to_owned(),
        (OrderStatus::Succeeded, Some(back)) => format!("Paid, {} refunded", written::money(back)),
        (OrderStatus::Succeeded, None) if order.total.is_zero() => "Free".to_owned(),
        (OrderStatus::Succeeded, None) => "Paid".to_owned(),
    }
}
