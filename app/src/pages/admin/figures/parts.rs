//! What the overview's figures are made of.

use super::{money, number, percent};
use crate::components::written;
use leptos::prelude::*;
use shop::analytics::{Board, Figures, Funnel, share};
use shop::types::BookFormat;

/// A bar behind a row: its part of the largest.
fn bar(part: i64, most: i64) -> String {
    let thousandths = share(part.max(0), most.max(1)).unwrap_or(0) / 10;
    format!("--part: {}.{}%", thousandths / 10, thousandths % 10)
}

fn breakdown(id: &'static str, title: &'static str, rows: Vec<AnyView>, empty: &'static str) -> AnyView {
    let content = if rows.is_empty() {
        view! { <p class="note">{empty}</p> }.into_any()
    } else {
        view! { <ol class="parts">{rows}</ol> }.into_any()
    };
    view! {
        <section class="panel" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            {content}
        </section>
    }
    .into_any()
}

/// The books that brought the most.
pub(super) fn books(board: &Board) -> AnyView {
    let currency = board.question.currency;
    let most = board.books.first().map_or(0, |book| book.figures.gross);
    let rows = board.books.iter().map(|book| {
        let Figures { units, gross, downloads, .. } = book.figures;
        let mut words = vec![if units == 1 { "1 unit".to_owned() } else { format!("{} units", number(units)) }];
        if book.figures.refunded > 0 {
            words.push(format!("{} refunded", money(book.figures.refunded, currency)));
        }
        words.push(if downloads == 1 { "1 download".to_owned() } else { format!("{} downloads", number(downloads)) });
        if book.figures.never_fetched() > 0 {
            words.push(format!("{} never fetched", number(book.figures.never_fetched())));
        }
        view! {
            <li style=bar(gross, most)>
                <a href=format!("/admin/books/{}", book.slug)>{book.title.clone()}</a>
                <strong>{money(gross, currency)}</strong>
                <small>{words.join(" · ")}</small>
            </li>
        }
        .into_any()
    });
    breakdown("top-books", "Books by gross revenue", rows.collect(), "No book was sold in these days.")
}

/// The countries that brought the most.
pub(super) fn countries(board: &Board) -> AnyView {
    let currency = board.question.currency;
    let most = board.countries.first().map_or(0, |(_, figures)| figures.gross);
    let rows = board.countries.iter().filter(|(_, figures)| figures.orders > 0).take(10).map(|(code, figures)| {
        let name = if code.is_empty() { "Not known".to_owned() } else { written::country(code) };
        let orders =
            if figures.orders == 1 { "1 order".to_owned() } else { format!("{} orders", number(figures.orders)) };
        view! {
            <li style=bar(figures.gross, most)>
                <span>{name}</span>
                <strong>{money(figures.gross, currency)}</strong>
                <small>{orders}</small>
            </li>
        }
        .into_any()
    });
    breakdown("countries", "Countries by gross revenue", rows.collect(), "No order in these days.")
}

/// How often each format was fetched, and what never was.
pub(super) fn formats(board: &Board) -> AnyView {
    let whole: i64 = board.formats.iter().map(|(_, count)| count).sum();
    let most = board.formats.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mut rows: Vec<AnyView> = board
        .formats
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| {
            let known = BookFormat::ALL.into_iter().find(|format| format.as_str() == word);
            let name = known.map_or_else(|| "Not known".to_owned(), |format| format.label().to_owned());
            view! {
                <li style=bar(*count, most)>
                    <span>{name}</span>
                    <strong>{number(*count)}</strong>
                    <small>{percent(share(*count, whole).unwrap_or(0))}</small>
                </li>
            }
            .into_any()
        })
        .collect();
    let never = board.now.never_fetched();
    if board.now.units > 0 {
        rows.push(
            view! {
                <li class="apart">
                    <a href="/admin/orders/not-fetched">"Paid and never fetched"</a>
                    <strong>{number(never)}</strong>
                    <small>{format!("of {} units, free ones too, {}", number(board.now.units), percent(share(never, board.now.units).unwrap_or(0)))}</small>
                </li>
            }
            .into_any(),
        );
    }
    breakdown("formats", "Downloads by format", rows, "Nothing was fetched in these days.")
}

/// The way from view to order.
pub(super) fn funnel(funnel: &Funnel) -> AnyView {
    let steps = [
        ("Views of a book", funnel.views),
        ("Put into a cart", funnel.carts),
        ("Checkouts", funnel.checkouts),
        ("Paid", funnel.orders),
    ];
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let rows = steps.iter().enumerate().map(|(place, (name, count))| {
        let of =
            place.checked_sub(1).and_then(|before| steps.get(before)).and_then(|(_, before)| share(*count, *before));
        view! {
            <li style=bar(*count, most)>
                <span>{*name}</span>
                <strong>{number(*count)}</strong>
                <small>{of.map(|of| format!("{} of the step before", percent(of)))}</small>
            </li>
        }
        .into_any()
    });
    let rows = if most == 0 { Vec::new() } else { rows.collect() };
    breakdown("funnel", "From view to order", rows, "Nobody has looked at a book in these days.")
}
