//! The overview's figures: tiles, the line, what they are made of, and what they mean. Everything is in the page as it is
//! sent; an island adds reading along the line and keeps it new.

use crate::components::{chart, written};
use crate::islands::LiveFigures;
use leptos::prelude::*;
use shop::analytics::{Board, Figures, Line, PRESETS, Question, Range, Step, share};
use shop::types::{Currency, Money};

mod line;
mod parts;

use line::line;
use parts::{books, countries, formats, funnel};

/// What each figure means: the words of docs/analytics.md.
const MEANINGS: &[(&str, &str)] = &[
    (
        "Order",
        "A checkout that was paid, or completed where there was nothing to pay. It counts when the money comes. What the desk gives away is no order.",
    ),
    ("Units", "Titles in the orders. What is refunded later stays a unit."),
    ("Gross", "What buyers paid: after discounts, with tax."),
    (
        "Refunds",
        "What went back or is on its way back, tax included. It counts on the day of the refund, not of the order.",
    ),
    ("Disputes lost", "What banks took back, on the day on which the dispute was opened."),
    ("Net", "Gross without tax, less refunds without tax, less disputes lost. Stripe’s fees are not taken off."),
    ("Average order", "Gross, by the number of orders that cost something."),
    (
        "Views",
        "Pages of books that were sent to browsers; robots that say so are left out, and nobody is told from anybody else.",
    ),
    ("Conversion", "Orders of each hundred views."),
    (
        "Never fetched",
        "Units of which no download was ever begun, free ones and those that were taken back among them. The list behind it has only what was paid for and can still be fetched.",
    ),
];

/// Everything between the head of the page and its links.
pub(super) fn board(board: &Board, sold: &[Currency], own: Currency) -> AnyView {
    let head = (choices(board, sold, own), tiles(board, own), line(board));
    let made_of = (books(board), funnel(&board.summary.funnel), countries(board), formats(board));
    let foot = (sheets(&board.question, own), meanings());
    view! {
        <LiveFigures>
            {head} <div class="breakdowns">{made_of}</div> {foot}
        </LiveFigures>
    }
    .into_any()
}

fn address(question: &Question, own: Currency) -> String {
    let query = question.query(own);
    if query.is_empty() { "/admin".to_owned() } else { format!("/admin?{query}") }
}

fn money(minor: i64, currency: Currency) -> String {
    written::money(Money::new(minor, currency))
}

fn number(value: i64) -> String {
    written::number(value)
}

/// Hundredths of a per cent as "12.3 %".
fn percent(hundredths: i64) -> String {
    written::percent(hundredths)
}

fn choices(board: &Board, sold: &[Currency], own: Currency) -> AnyView {
    let question = board.question;
    let link = |to: Question, here: bool, text: String| {
        view! {
            <li>
                <a href=address(&to, own) aria-current=here.then_some("true")>
                    {text}
                </a>
            </li>
        }
    };
    let presets = PRESETS.map(|days| {
        let to = Question { preset: Some(days), own_step: false, ..question };
        link(to, question.preset == Some(days), format!("{days} days"))
    });
    let steps = Step::ALL.into_iter().filter(|step| step.fits(question.range.days())).map(|step| {
        link(Question { step, own_step: true, ..question }, question.step == step, step.label().to_owned())
    });
    let mut all = sold.to_vec();
    if !all.contains(&question.currency) {
        all.push(question.currency);
    }
    let several = all.len() > 1;
    let options = all.into_iter().map(|currency| {
        view! {
            <option value=currency.code() selected=currency == question.currency>
                {currency.code()}
            </option>
        }
    });
    let (from, until) = (question.range.from.to_string(), question.range.until.to_string());
    let kept = [("by", question.own_step.then(|| question.step.as_str())), ("show", Some(question.line.as_str()))];
    let hidden = kept
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| view! { <input type="hidden" name=name value=value/> }));
    view! {
        <div class="asked">
            <nav aria-label="Days">
                <ul class="switch">{presets.collect_view()}</ul>
            </nav>
            <nav aria-label="Steps">
                <ul class="switch">{steps.collect_view()}</ul>
            </nav>
            <form method="get" action="/admin">
                <label>"From" <input type="date" name="from" value=from required/></label>
                <label>"Until" <input type="date" name="until" value=until required/></label>
                {several
                    .then(|| {
                        view! {
                            <label>"Currency" <select name="currency">{options.collect_view()}</select></label>
                        }
                    })}
                {hidden.collect_view()}
                <button class="quiet">"Show"</button>
            </form>
        </div>
    }
    .into_any()
}

/// What of the figures a line shows.
fn value(line: Line, figures: &Figures) -> i64 {
    match line {
        Line::Net => figures.net(),
        Line::Gross => figures.gross,
        Line::Orders => figures.orders,
        Line::Average => figures.average().unwrap_or(0),
        Line::Units => figures.units,
        Line::Refunded => figures.refunded,
    }
}

const fn name(line: Line) -> &'static str {
    match line {
        Line::Net => "Net revenue",
        Line::Gross => "Gross revenue",
        Line::Orders => "Orders",
        Line::Average => "Average order",
        Line::Units => "Units",
        Line::Refunded => "Refunds",
    }
}

const fn is_money(line: Line) -> bool {
    !matches!(line, Line::Orders | Line::Units)
}

fn shown(line: Line, value: i64, currency: Currency) -> String {
    if is_money(line) { money(value, currency) } else { number(value) }
}

/// How a value stands to the one before: the class, the words, and the arrow.
fn change(now: i64, before: i64, good_up: bool) -> (&'static str, String) {
    let Some(part) = share(now - before, before.abs()) else {
        return ("even", if now == 0 { "no change".to_owned() } else { "nothing before".to_owned() });
    };
    if part == 0 {
        return ("even", "no change".to_owned());
    }
    let class = if (part > 0) == good_up { "better" } else { "worse" };
    (class, format!("{} {}", if part > 0 { "▲" } else { "▼" }, percent(part.abs())))
}

fn tiles(board: &Board, own: Currency) -> AnyView {
    let Board { question, now, before, .. } = board;
    let currency = question.currency;
    let tile = |line: Line| {
        let (was, is) = (value(line, before), value(line, now));
        let (class, words) = change(is, was, line != Line::Refunded);
        let values: Vec<i64> = board.line.iter().map(|point| value(line, &point.figures)).collect();
        let here = question.line == line;
        let none = line == Line::Average && now.average().is_none();
        let text = if none { "—".to_owned() } else { shown(line, is, currency) };
        view! {
            <li>
                <a href=address(&Question { line, ..*question }, own) aria-current=here.then_some("true")>
                    <span class="what">{name(line)}</span>
                    <strong>{text}</strong>
                    <span class=format!("change {class}")>{words}</span>
                    <span class="was">{format!("before: {}", shown(line, was, currency))}</span>
                    {chart::sparkline(&values)}
                </a>
            </li>
        }
    };
    let (funnel, then) = (&board.summary.funnel, &board.summary.funnel_before);
    let conversion = funnel.conversion().map_or_else(|| "—".to_owned(), percent);
    let was = then.conversion().map_or_else(|| "—".to_owned(), percent);
    let (class, words) = change(funnel.conversion().unwrap_or(0), then.conversion().unwrap_or(0), true);
    view! {
        <ul class="tiles" aria-label="Figures">
            {Line::ALL.map(tile).collect_view()}
            <li>
                <div>
                    <span class="what">"Conversion"</span>
                    <strong>{conversion}</strong>
                    <span class=format!("change {class}")>{words}</span>
                    <span class="was">{format!("before: {was}")}</span>
                </div>
            </li>
        </ul>
    }
    .into_any()
}

/// A mark of the scale: no cents where all are whole.
fn mark(line: Line, value: i64, currency: Currency) -> String {
    if is_money(line) { written::mark(Money::new(value, currency)) } else { number(value) }
}

/// "28 Oct 2026 to 26 Nov 2026", or the one day that it is.
fn said(range: &Range) -> String {
    let (from, until) = (written::short_day(range.from), written::short_day(range.until));
    if from == until { from } else { format!("{from} to {until}") }
}

fn sheets(question: &Question, own: Currency) -> AnyView {
    let query = question.query(own);
    let link = |name: &str, text: &'static str| {
        let href =
            if query.is_empty() { format!("/admin/figures/{name}") } else { format!("/admin/figures/{name}?{query}") };
        view! {
            <li>
                <a href=href download>
                    {text}
                </a>
            </li>
        }
    };
    view! {
        <nav class="sheets" aria-label="As CSV">
            <h2>"As CSV"</h2>
            <ul>
                {link("figures.csv", "Step by step")} {link("books.csv", "Every book")}
                {link("countries.csv", "Countries")}
            </ul>
        </nav>
    }
    .into_any()
}

fn meanings() -> AnyView {
    let all = MEANINGS.iter().map(|(word, meaning)| {
        view! {
            <dt>{*word}</dt>
            <dd>{*meaning}</dd>
        }
    });
    view! {
        <details class="meanings">
            <summary>"What the figures mean"</summary>
            <dl>{all.collect_view()}</dl>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_reading() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(-12), "−12");
        assert_eq!(percent(1_234), "12.3 %");
        assert_eq!(percent(5), "0.1 %");
        assert_eq!(change(150, 100, true), ("better", "▲ 50.0 %".to_owned()));
        assert_eq!(change(150, 100, false), ("worse", "▲ 50.0 %".to_owned()));
        assert_eq!(change(0, 0, true).1, "no change");
        assert_eq!(change(1, 0, true).1, "nothing before");
    }
}
