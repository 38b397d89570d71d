//! `/`: all books, sorted by a link, paged by a key.

use super::{page, query};
use crate::components::{Cover, CoverSize, PageHead, written};
use crate::context;
use crate::error::AppError;
use leptos::prelude::*;
use shop::types::{BookCard, CatalogPage as Shelf, Sort};

/// Covers that are loaded at once: the first row on a wide screen, the first two or three on a phone.
const FIRST_ROWS: usize = 5;

/// The catalogue.
#[component]
pub fn CatalogPage() -> impl IntoView {
    page(async {
        let sort = match query("sort") {
            None => Sort::default(),
            Some(word) => Sort::parse(&word).ok_or(AppError::BAD_REQUEST)?,
        };
        let after = query("after");
        let shop = context::shop()?;
        let shelf = shop.catalog_page(context::currency_or_own()?, sort, after.as_deref()).await?;
        let description =
            format!("{}: e-books without DRM, as EPUB and PDF. Pay once, keep the files.", shop.store_name());
        Ok(view! {
            <PageHead title=String::new() description path=address(sort, after.as_deref())/>
            {if shelf.books.is_empty() { empty(shelf.first).into_any() } else { full(shelf).into_any() }}
        }
        .into_any())
    })
}

/// The address of a page of the catalogue, as short as it can be said.
fn address(sort: Sort, after: Option<&str>) -> String {
    let mut parameters = Vec::new();
    if sort != Sort::default() {
        parameters.push(format!("sort={}", sort.as_str()));
    }
    if let Some(after) = after {
        // Our own cursors need no escaping; anybody else's was refused before.
        parameters.push(format!("after={after}"));
    }
    if parameters.is_empty() { "/".to_owned() } else { format!("/?{}", parameters.join("&")) }
}

fn full(shelf: Shelf) -> impl IntoView {
    let Shelf { books, sort, next, first } = shelf;
    let choice = move |one: Sort| {
        let current = (one == sort).then_some("true");
        view! { <a href=address(one, None) aria-current=current>{one.label()}</a> }
    };
    let paged = !first || next.is_some();
    view! {
        <div class="shelf-head">
            <h1>"Books"</h1>
            <nav class="sort" aria-label="Sort by">{Sort::ALL.map(choice)}</nav>
        </div>
        <ul class="shelf">{books.into_iter().enumerate().map(|(place, book)| card(place, book)).collect_view()}</ul>
        {paged
            .then(|| {
                view! {
                    <nav class="pages" aria-label="Pages">
                        {(!first).then(|| view! { <a class="quiet" href=address(sort, None)>"First page"</a> })}
                        {next
                            .map(|next| {
                                view! {
                                    <a class="button" rel="next" href=address(sort, Some(&next))>
                                        "Next page"
                                    </a>
                                }
                            })}
                    </nav>
                }
            })}
    }
}

fn card(place: usize, book: BookCard) -> impl IntoView {
    let BookCard { slug, title, byline, price, cover, accent } = book;
    let size = if place < FIRST_ROWS { CoverSize::ShelfFirst } else { CoverSize::Shelf };
    view! {
        <li>
            <a href=format!("/books/{slug}")>
                <Cover picture=cover title=title.clone() byline=byline.clone() accent size/>
                <h2>{title}</h2>
            </a>
            <p>{byline}</p>
            {price.map(|price| view! { <p class="price">{written::price(price)}</p> })}
        </li>
    }
}

fn empty(first: bool) -> impl IntoView {
    if first {
        view! {
            <section class="plain">
                <h1>"The shelves are still empty"</h1>
                <p class="lead">"This store has no books on sale yet. Please come back soon."</p>
            </section>
        }
        .into_any()
    } else {
        view! {
            <section class="plain">
                <h1>"No more books"</h1>
                <p class="lead">"You have seen everything there is."</p>
                <p class="ways">
                    <a class="button" href="/">"First page"</a>
                </p>
            </section>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_only_what_is_not_usual() {
        assert_eq!(address(Sort::Newest, None), "/");
        assert_eq!(address(Sort::Title, None), "/?sort=title");
        assert_eq!(address(Sort::PriceDesc, Some("abc")), "/?sort=-price&after=abc");
    }
}
