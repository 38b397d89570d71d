//! `octavo tax`: what the tax office wants to know.

use crate::closed_shop;
use clap::{Args, Subcommand};
use octavo::config::{Env, Offline};
use shop::tax::report::Quarter;
use std::path::Path;

/// What `octavo tax` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the report of a quarter as CSV: net, tax and gross by country, rate, treatment and currency, with what went back
    /// in it. Amounts are in minor units.
    Report(Report),
}

/// The arguments of `octavo tax report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Which quarter, like 2026Q4; the one before this one by default.
    #[arg(long)]
    quarter: Option<Quarter>,
}

/// Does it.
pub(crate) async fn run(command: Command, env: &Env<'_>, store_file: &Path) -> anyhow::Result<()> {
    let Command::Report(Report { quarter }) = command;
    // The store's own time zone decides which days are the quarter's.
    let shop = closed_shop(Offline::read(env, store_file)?).await?;
    let quarter = quarter.unwrap_or_else(|| shop.this_quarter().before());
    print!("{}", shop.tax_report(quarter).await?.csv());
    Ok(())
}
