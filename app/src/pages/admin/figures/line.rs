//! The line of the overview, and the table of everything that it was made of.

use super::{is_money, mark, money, name, number, said, shown, value};
use crate::components::chart::{self, Scale};
use leptos::prelude::*;
use shop::analytics::{Board, Point};

/// A part of the line by its name, and what an island shows instead: the same, to be pressed.
fn toggle(part: &'static str, words: String) -> impl IntoView {
    view! {
        <span class=part>{words.clone()}</span>
        <button type="button" class=format!("toggle {part}") aria-pressed="true">
            {words}
        </button>
    }
}

/// The line with its table.
pub(super) fn line(board: &Board) -> AnyView {
    let Board { question, summary, line, line_before, .. } = board;
    let (shows, currency) = (question.line, question.currency);
    let values: Vec<i64> = line.iter().map(|point| value(shows, &point.figures)).collect();
    let before: Vec<i64> = line_before.iter().map(|point| value(shows, &point.figures)).collect();
    let unit = if is_money(shows) { 10_i64.pow(u32::from(currency.decimals())) } else { 1 };
    let scale = Scale::of(values.iter().chain(&before).copied(), unit);
    let labels: Vec<String> = line.iter().map(|point| point.short.clone()).collect();
    let days = said(&question.range);
    let title = format!("{} by {}", name(shows), question.step.as_str());
    let words = format!("{days}, {} time; the table below has every figure.", summary.zone);
    let compared = said(&summary.before);
    let nothing = values.iter().chain(&before).all(|value| *value == 0);
    let drawn = if nothing {
        view! {
            <div class="empty">
                <p>"Nothing in these days, nor in as many before. As soon as somebody buys a book, it is here."</p>
                <p>
                    <a href="/admin?days=365">"Look at a whole year"</a> " or " <a href="/">"see the shop as readers do"</a>
                    "."
                </p>
            </div>
        }
        .into_any()
    } else {
        chart::trend(title.clone(), words.clone(), &values, &before, &labels, &scale, |value| {
            mark(shows, value, currency)
        })
        .into_any()
    };
    let key = (!nothing).then(|| {
        view! {
            <div class="key">
                {toggle("now", format!("These days: {days}"))}
                {toggle("then", format!("The days before: {compared}"))}
            </div>
        }
    });
    view! {
        <section class="panel trend" aria-labelledby="trend" data-line=shows.as_str()>
            <header>
                <h2 id="trend">{title}</h2>
                {key}
            </header>
            {drawn}
            {table(board)}
        </section>
    }
    .into_any()
}

fn table(board: &Board) -> AnyView {
    let (shows, currency) = (board.question.line, board.question.currency);
    let row = |(place, point): (usize, &Point)| {
        let Point { long, from, until, figures, .. } = point;
        let then = board.line_before.get(place);
        let was = then.map(|point| shown(shows, value(shows, &point.figures), currency));
        view! {
            <tr
                data-from=from.to_string()
                data-until=until.to_string()
                data-value=shown(shows, value(shows, figures), currency)
                data-was=was
                data-then=then.map(|point| point.long.clone())
            >
                <th scope="row">{long.clone()}</th>
                <td class="num">{number(figures.orders)}</td>
                <td class="num">{number(figures.units)}</td>
                <td class="num">{money(figures.gross, currency)}</td>
                <td class="num">{money(figures.tax, currency)}</td>
                <td class="num">{money(figures.refunded, currency)}</td>
                <td class="num">{money(figures.disputed, currency)}</td>
                <td class="num">{money(figures.net(), currency)}</td>
            </tr>
        }
    };
    view! {
        <details>
            <summary>"Every figure as a table"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Every figure">
                <table class="table">
                    <caption>"Step by step"</caption>
                    <thead>
                        <tr>
                            <th scope="col">{board.question.step.label()}</th>
                            {["Orders", "Units", "Gross", "Tax", "Refunds", "Disputes lost", "Net"]
                                .map(|name| {
                                    view! {
                                        <th scope="col" class="num">
                                            {name}
                                        </th>
                                    }
                                })
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody>{board.line.iter().enumerate().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
