//! `/admin/books`: all books, searched and filtered by a plain form, paged by a key.

use crate::components::{Cover, CoverSize, Desk, Section, written};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::types::{BookLine, BookList, BookStatus, ListPlace, Role};

/// The list.
#[component]
pub fn BooksPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let search = query("q").unwrap_or_default();
        let status = match query("status") {
            None => None,
            Some(word) => Some(BookStatus::parse(&word).ok_or(AppError::BAD_REQUEST)?),
        };
        let place = match (query("after"), query("before"), query("end")) {
            (Some(slug), ..) => ListPlace::After(slug.parse()?),
            (None, Some(slug), _) => ListPlace::Before(slug.parse()?),
            (None, None, Some(_)) => ListPlace::Last,
            (None, None, None) => ListPlace::First,
        };
        let list = context::shop()?.book_list(&search, status, place).await?;
        let may = staff.role >= Role::Admin;
        Ok(view! {
            <Desk title="Books" current=Section::Books actions=may.then(|| actions().into_any())>
                {filters(&search, status).into_any()}
                {if list.books.is_empty() {
                    empty(&search, status, may).into_any()
                } else {
                    full(list, &search, status).into_any()
                }}
            </Desk>
        }
        .into_any())
    })
}

fn actions() -> impl IntoView {
    view! {
        <a class="quiet" href="/admin/books/import">"Import"</a>
        <a class="quiet" href="/admin/books/export.csv" download>"Export"</a>
        <a class="button" href="/admin/books/new">"Add a book"</a>
    }
}

/// The word for a status, in its colour.
pub(super) fn tag(status: BookStatus) -> impl IntoView {
    let class = match status {
        BookStatus::Draft => "tag warn",
        BookStatus::Published => "tag good",
        BookStatus::Archived => "tag",
    };
    view! { <span class=class>{status.label()}</span> }
}

fn filters(search: &str, status: Option<BookStatus>) -> impl IntoView + use<> {
    let option = move |one: BookStatus| {
        view! {
            <option value=one.as_str() selected=status == Some(one)>
                {one.label()}
            </option>
        }
    };
    view! {
        <form class="filters" method="get" action="/admin/books" role="search">
            <label class="grow">
                "Title, person, address or ISBN"
                <input type="search" name="q" value=search.to_owned() maxlength="200" autocomplete="off"/>
            </label>
            <label>
                "Status" <select name="status">
                    <option value="">"Any"</option>
                    {BookStatus::ALL.map(option)}
                </select>
            </label>
            <button class="quiet">"Search"</button>
        </form>
    }
}

/// The list's address with the same search and filter.
fn address(search: &str, status: Option<BookStatus>, place: &str) -> String {
    let mut parts = Vec::new();
    if !search.is_empty() {
        parts.push(format!("q={}", context::in_query(search)));
    }
    if let Some(status) = status {
        parts.push(format!("status={}", status.as_str()));
    }
    if !place.is_empty() {
        parts.push(place.to_owned());
    }
    if parts.is_empty() { "/admin/books".to_owned() } else { format!("/admin/books?{}", parts.join("&")) }
}

fn full(list: BookList, search: &str, status: Option<BookStatus>) -> impl IntoView + use<> {
    let link = |show: bool, name: &'static str, place: String| {
        let address = address(search, status, &place);
        show.then(|| view! { <a class="quiet" href=address>{name}</a> })
    };
    let edge =
        |book: Option<&BookLine>, word: &str| book.map(|book| format!("{word}={}", book.slug)).unwrap_or_default();
    let pager = (list.newer || list.older).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                <div class="bar">
                    {link(list.newer, "First", String::new())}
                    {link(list.newer, "Newer", edge(list.books.first(), "before"))}
                </div>
                <div class="bar">
                    {link(list.older, "Older", edge(list.books.last(), "after"))}
                    {link(list.older, "Last", "end=1".to_owned())}
                </div>
            </nav>
        }
    });
    view! {
        <div class="scroll">
            <table class="table cards book-list">
                <caption>"Books"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Book"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="num">"Price"</th>
                        <th scope="col">"Formats"</th>
                        <th scope="col">"Changed"</th>
                    </tr>
                </thead>
                <tbody>{list.books.into_iter().map(line).collect_view()}</tbody>
            </table>
        </div>
        {pager}
    }
}

fn line(book: BookLine) -> impl IntoView {
    let BookLine { slug, title, byline, status, price, formats, cover, accent, changed_on, .. } = book;
    let formats = formats.iter().map(|format| format.label()).collect::<Vec<_>>().join(", ");
    let none = || view! { <span class="note">"none"</span> }.into_any();
    view! {
        <tr>
            <th scope="row">
                <a class="book-line" href=format!("/admin/books/{slug}")>
                    <Cover picture=cover title=title.clone() byline=byline.clone() accent size=CoverSize::Thumb/>
                    <span>
                        <b>{title}</b>
                        <small>{byline}</small>
                    </span>
                </a>
            </th>
            <td data-label="Status">{tag(status)}</td>
            <td data-label="Price" class="num">
                {price.map_or_else(none, |price| written::price(price).into_any())}
            </td>
            <td data-label="Formats">{if formats.is_empty() { none() } else { formats.into_any() }}</td>
            <td data-label="Changed" class="nowrap">{written::day(&changed_on)}</td>
        </tr>
    }
}

fn empty(search: &str, status: Option<BookStatus>, may: bool) -> impl IntoView + use<> {
    if !search.is_empty() || status.is_some() {
        return view! {
            <section class="empty">
                <h2>"Nothing found"</h2>
                <p>"No book has words that begin like that. Try fewer letters, or any status."</p>
                <a class="quiet" href="/admin/books">"All books"</a>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="empty">
            <h2>"No books yet"</h2>
            <p>
                "A book is a title, a price and a file. Upload an EPUB and most of the form fills itself; nobody sees the book until you publish it."
            </p>
            {may.then(|| view! { <a class="button" href="/admin/books/new">"Add a book"</a> })}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_search_and_filter() {
        assert_eq!(address("", None, ""), "/admin/books");
        assert_eq!(
            address("a & b", Some(BookStatus::Draft), "after=emma"),
            "/admin/books?q=a%20%26%20b&status=draft&after=emma"
        );
    }
}
