//! `/books/{slug}`: one book.

use super::{page, param};
use crate::components::{Cover, CoverSize, PageHead, RefusedNotice, text, written};
use crate::context;
use crate::error::AppError;
use crate::islands::AddToCart;
use leptos::prelude::*;
use serde_json::json;
use shop::Shop;
use shop::types::{BookDetail, ContributorRole, Cover as Picture, Slug};

/// The book.
#[component]
pub fn BookPage() -> impl IntoView {
    page(async {
        let slug: Slug = param("slug").parse()?;
        let shop = context::shop()?;
        let book = shop.book(&slug, context::currency_or_own()?).await?.ok_or(AppError::NOT_FOUND)?;
        let cart = context::cart().await?;
        let in_cart = cart.count() > 0 && shop.cart_view(&cart).await?.lines.iter().any(|line| line.book.slug == slug);
        Ok(detail(&shop, book, in_cart).into_any())
    })
}

fn detail(shop: &Shop, book: BookDetail, in_cart: bool) -> impl IntoView {
    let data = structured_data(shop, &book);
    let path = format!("/books/{}", book.card.slug);
    let image = book.card.cover.as_ref().map(Picture::preview_url);
    let facts = facts(&book);
    let credits = credits(&book);
    let buy = buy_box(&book, in_cart);
    let BookDetail { card, subtitle, description_html, summary, language, .. } = book;
    view! {
        <PageHead title=card.title.clone() description=summary path image kind="book"/>
        <script r#type="application/ld+json" inner_html=data></script>
        <RefusedNotice/>
        <article class="book">
            <Cover
                picture=card.cover
                title=card.title.clone()
                byline=card.byline
                accent=card.accent
                size=CoverSize::Detail
            />
            <header>
                <h1>{card.title}</h1>
                {(!subtitle.is_empty()).then(|| view! { <p class="subtitle">{subtitle}</p> })}
                {credits}
            </header>
            {buy}
            <div class="prose" lang=language inner_html=description_html></div>
            {facts}
        </article>
    }
}

/// "by Ann Lee and Bo Day", "illustrated by Cy Fox": a line for each role, in the order of the title page.
fn credits(book: &BookDetail) -> impl IntoView + use<> {
    let mut lines: Vec<(ContributorRole, Vec<String>)> = Vec::new();
    for person in &book.contributors {
        match lines.iter_mut().find(|(role, _)| *role == person.role) {
            Some((_, names)) => names.push(person.name.clone()),
            None => lines.push((person.role, vec![person.name.clone()])),
        }
    }
    lines
        .into_iter()
        .map(|(role, names)| view! { <p class="by">{role.credit()} " " <b>{joined(&names)}</b></p> })
        .collect_view()
}

fn joined(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn buy_box(book: &BookDetail, in_cart: bool) -> impl IntoView + use<> {
    let formats = text::formats(&book.formats);
    let free = book.card.price.is_some_and(shop::types::Money::is_zero);
    let promise = if free {
        format!("DRM-free {formats}, sent to your e-mail address")
    } else {
        format!("DRM-free {formats}, download right after payment")
    };
    let slug = book.card.slug.to_string();
    let action = if in_cart {
        view! {
            <a class="button" href="/cart">"In your cart"</a>
        }
        .into_any()
    } else {
        view! {
            <AddToCart>
                <form method="post" action="/actions/add-to-cart">
                    <input type="hidden" name="slug" value=slug/>
                    <button>"Add to cart"</button>
                </form>
            </AddToCart>
        }
        .into_any()
    };
    let unsold = match context::currency() {
        Some(currency) if context::shop().is_ok_and(|shop| shop.currency() != currency) => {
            format!("This book is not sold in {currency}.")
        }
        _ => "This book is not for sale here at the moment.".to_owned(),
    };
    match book.card.price {
        Some(price) => view! {
            <aside class="buy" aria-label="Buy this book">
                <p class="price">{written::price(price)}</p>
                {action}
                <p class="note">{promise}</p>
            </aside>
        }
        .into_any(),
        None => view! {
            <aside class="buy" aria-label="Buy this book">
                <p class="note">{unsold}</p>
            </aside>
        }
        .into_any(),
    }
}

fn facts(book: &BookDetail) -> impl IntoView + use<> {
    let sizes = book.formats.iter().map(|info| format!("{} ({})", info.format, info.size())).collect::<Vec<_>>();
    let rows = [
        ("Formats", Some(sizes.join(", "))),
        ("Edition", Some(book.edition.clone())),
        ("Language", Some(text::language(&book.language).to_owned())),
        ("Publisher", Some(book.publisher.clone())),
        ("First published", book.published_on.as_deref().map(written::day)),
        ("ISBN", book.isbn.clone()),
    ];
    let row = |(name, value): (&'static str, Option<String>)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
            </div>
        })
    };
    view! {
        <section class="about">
            <h2>"About this edition"</h2>
            <dl class="facts">{rows.into_iter().filter_map(row).collect_view()}</dl>
        </section>
    }
}

/// schema.org's view of the book. `<` is escaped, so that no text can end the script element.
fn structured_data(shop: &Shop, book: &BookDetail) -> String {
    let url = format!("{}/books/{}", shop.base_url().trim_end_matches('/'), book.card.slug);
    let people = |role: ContributorRole| {
        let names = book.contributors.iter().filter(|person| person.role == role);
        names.map(|person| json!({ "@type": "Person", "name": person.name })).collect::<Vec<_>>()
    };
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Book",
        "name": book.card.title,
        "author": people(ContributorRole::Author),
        "bookFormat": "https://schema.org/EBook",
        "inLanguage": book.language,
        "description": book.summary,
        "url": url,
    });
    if let Some(map) = data.as_object_mut() {
        if let Some(isbn) = &book.isbn {
            map.insert("isbn".into(), json!(isbn));
        }
        if let Some(cover) = &book.card.cover {
            let base = shop.base_url().trim_end_matches('/');
            map.insert("image".into(), json!(format!("{base}{}", cover.url(Picture::WIDTHS[2]))));
        }
        if let Some(price) = book.card.price {
            let offer = json!({
                "@type": "Offer",
                "price": text::decimal(price),
                "priceCurrency": price.currency().code(),
                "availability": "https://schema.org/InStock",
                "url": url,
            });
            map.insert("offers".into(), offer);
        }
    }
    data.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn names_are_joined_for_reading() {
        let names = ["Ann", "Bo", "Cy"].map(str::to_owned);
        assert_eq!(joined(&names[..0]), "");
        assert_eq!(joined(&names[..1]), "Ann");
        assert_eq!(joined(&names[..2]), "Ann and Bo");
        assert_eq!(joined(&names), "Ann, Bo and Cy");
    }
}
