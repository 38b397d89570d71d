//! `octavo downloads`: the delivery log for the operator.

use crate::offline_shop;
use clap::{Args, Subcommand};
use octavo::config::Env;
use shop::downloads::{LogEntry, LogQuery};
use shop::types::{Email, OrderNumber, Slug};

/// What `octavo downloads` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists claims, transfers and refusals, the newest first: when, order, status, bytes, outcome, file, range, network,
    /// browser.
    List(List),
}

/// Which entries. Everything that is given must hold.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of this order.
    #[arg(long, value_name = "NUMBER")]
    order: Option<OrderNumber>,
    /// Of what was bought under this address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<Email>,
    /// Of this book.
    #[arg(long, value_name = "SLUG")]
    book: Option<Slug>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Older than the entry of this number, which the page before ended with.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
}

/// Does it.
pub(crate) async fn run(command: Command, env: &Env<'_>) -> anyhow::Result<()> {
    let Command::List(List { order, email, book, limit, before }) = command;
    let page = offline_shop(env).await?.download_log(LogQuery { order, book, email, before, limit }).await?;
    for entry in &page.entries {
        println!("{}", line(entry));
    }
    if let Some(next) = page.next {
        println!("older ones: --before {next}");
    }
    Ok(())
}

fn line(entry: &LogEntry) -> String {
    let maybe = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    format!(
        "{}  {}  {}  {:>10}  {}  {}  {}  {}  {}",
        entry.at.format("%Y-%m-%d %H:%M:%S"),
        entry.order,
        entry.status,
        entry.bytes,
        entry.outcome,
        entry.filename.as_deref().map_or_else(|| format!("({})", entry.title), maybe),
        entry.range.as_deref().map_or_else(|| "-".to_owned(), maybe),
        maybe(&entry.network),
        maybe(&entry.user_agent),
    )
}
