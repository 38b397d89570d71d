//! What the desk's searches cost in a large store: each is asked many times; the median and the slowest are said.

use crate::{process, yardstick};
use anyhow::{Context as _, Result};
use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;
use shop::Shop;
use shop::desk::{OrderQuery, StandingFilter, Turn};
use std::time::{Duration, Instant};

#[derive(diesel::QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

async fn value(shop: &Shop, sql: &'static str) -> Result<String> {
    let rows: Vec<Value> = shop.db().read(move |conn| Ok(diesel::sql_query(sql).load(conn)?)).await?;
    rows.into_iter().next().map(|row| row.value).context("the store is empty")
}

/// The median and the slowest of `times` runs.
async fn measure<T>(what: &str, times: u32, mut run: impl AsyncFnMut() -> Result<T>) -> Result<()> {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        run().await?;
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let ms = |at: usize| {
        let tenths = took.get(at).map_or(0, |took| took.as_micros() / 100);
        format!("{}.{} ms", tenths / 10, tenths % 10)
    };
    println!("| {what} | {} | {} |", ms(took.len() / 2), ms(took.len() - 1));
    Ok(())
}

/// Prints a table.
pub(crate) async fn run(times: u32) -> Result<()> {
    let shop = yardstick::shop(shop::Policy::default())?;
    let sql = "SELECT number AS value FROM orders WHERE id = (SELECT MAX(id) / 2 FROM orders)";
    let middle: shop::types::OrderNumber = value(&shop, sql).await?.parse()?;
    let email =
        value(&shop, "SELECT email_norm AS value FROM orders WHERE id = (SELECT MAX(id) / 2 FROM orders)").await?;
    let sql = "SELECT b.slug AS value FROM book b JOIN (SELECT book_id, COUNT(*) AS n FROM order_item GROUP BY book_id \
               ORDER BY n DESC LIMIT 1) AS best ON best.book_id = b.id";
    let book: shop::types::Slug = value(&shop, sql).await?.parse()?;
    let sql = "SELECT b.sort_title AS value FROM book b WHERE b.id = (SELECT MAX(id) / 2 FROM book)";
    let title = value(&shop, sql).await?;
    let sql = "SELECT substr(CAST(created_at AS TEXT), 1, 10) AS value FROM orders WHERE id = (SELECT MAX(id) / 3 FROM orders)";
    let day = OrderQuery::day(&value(&shop, sql).await?);
    let exact = shop.find_addresses(&email).await?.context("no such address")?;
    let begins = shop.find_addresses(&email[..3]).await?.context("no such address")?;
    let letter = shop.find_addresses(&email[..1]).await?.context("no such address")?;
    let all = OrderQuery::default();
    let of_book = OrderQuery { book: Some(book), ..all.clone() };
    let standing = |standing| OrderQuery { standing: Some(standing), ..all.clone() };
    let queries = [
        ("first page", all.clone()),
        ("middle page", OrderQuery { turn: Turn::After(middle.clone()), ..all.clone() }),
        ("last page", OrderQuery { turn: Turn::Last, ..all.clone() }),
        ("one address", OrderQuery { addresses: Some(exact.clone()), ..all.clone() }),
        ("addresses by three letters", OrderQuery { addresses: Some(begins.clone()), ..all.clone() }),
        ("the same, last page", OrderQuery { addresses: Some(begins), turn: Turn::Last, ..all.clone() }),
        (
            "addresses by one letter, last page",
            OrderQuery { addresses: Some(letter.clone()), turn: Turn::Last, ..all.clone() },
        ),
        ("the most sold book", of_book.clone()),
        ("the same, last page", OrderQuery { turn: Turn::Last, ..of_book.clone() }),
        ("the same on one day", OrderQuery { from: day, until: day, ..of_book.clone() }),
        ("one day", OrderQuery { from: day, until: day, ..all.clone() }),
        ("until a day, last page", OrderQuery { until: day, turn: Turn::Last, ..all.clone() }),
        ("pending", standing(StandingFilter::Pending)),
        ("failed", standing(StandingFilter::Failed)),
        ("paid, last page", OrderQuery { turn: Turn::Last, ..standing(StandingFilter::Succeeded) }),
        ("refunded", standing(StandingFilter::Refunded)),
        ("partly refunded", standing(StandingFilter::PartlyRefunded)),
        (
            "disputed, of one book on one day",
            OrderQuery { from: day, until: day, ..OrderQuery { standing: Some(StandingFilter::Disputed), ..of_book } },
        ),
        (
            "failed, by one letter of the address",
            OrderQuery { addresses: Some(letter), ..standing(StandingFilter::Failed) },
        ),
    ];
    println!("| what | median | slowest of {times} |");
    println!("| --- | --- | --- |");
    for (what, query) in queries {
        measure(what, times, async || Ok(shop.desk_orders(query.clone()).await?)).await?;
    }
    measure("finding an address by how it begins", times, async || Ok(shop.find_addresses(&email[..5]).await?)).await?;
    measure("finding a book by its title", times, async || Ok(shop.find_books(&title).await?)).await?;
    measure("finding a book by a piece of a title that none has", times, async || Ok(shop.find_books("qqqq").await?))
        .await?;
    measure("one order with its story", times, async || Ok(shop.order_sheet(&middle).await?)).await?;
    measure("one buyer", times, async || Ok(shop.buyer_sheet(&middle).await?)).await?;
    for days in shop::analytics::PRESETS {
        let asked = |name: &str| (name == "days").then(|| days.to_string());
        measure(&format!("the overview, {days} days"), times, async || Ok(shop.board(asked).await?)).await?;
    }
    measure("what needs a person", times, async || Ok(shop.attention().await?)).await?;
    measure("the number of it", times, async || Ok(shop.attention_count().await?)).await?;
    export(&shop).await
}

/// Takes the whole list of orders out as the desk's route does, a piece at a time, and says what that took.
async fn export(shop: &Shop) -> Result<()> {
    let (began, before) = (Instant::now(), process::memory(std::process::id())?);
    let (mut lines, mut bytes, mut most, mut turn) = (0_usize, 0_usize, before, Some(Turn::First));
    while let Some(next) = turn {
        let piece = shop.orders_csv(OrderQuery { turn: next, ..OrderQuery::default() }).await?;
        lines += piece.text.lines().count();
        bytes += piece.text.len();
        most = most.max(process::memory(std::process::id())?);
        turn = piece.next;
    }
    println!(
        "\nThe list of orders as CSV: {} orders, {} MB, {:.1} s; at most {} KiB above the {} KiB of before.",
        lines.saturating_sub(1),
        bytes / 1_000_000,
        began.elapsed().as_secs_f32(),
        most - before,
        before
    );
    Ok(())
}
