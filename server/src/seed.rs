//! `octavo seed`: a catalogue from a folder, or a large store made up.

use crate::{closed_shop, offline_shop};
use anyhow::{bail, ensure};
use chrono::{NaiveDate, Utc};
use clap::Args;
use octavo::config::{Env, Offline};
use shop::seed::large::{Plan, Progress};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The arguments of `octavo seed`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Loads the demo books.
    #[arg(long)]
    demo: bool,
    /// Loads the books of this folder's `catalogue.json`.
    #[arg(long, value_name = "FOLDER", conflicts_with = "demo")]
    from: Option<PathBuf>,
    /// Makes up so many books.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=5_000_000))]
    books: Option<u64>,
    /// Makes up so many orders of the last three years, with everything that belongs to them.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(..=50_000_000))]
    orders: Option<u64>,
    /// Names the chance that they are made by.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The day after the last order, like 2026-11-22 [default: today, UTC].
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
}

/// Does what the arguments say.
pub(crate) async fn run(arguments: &Arguments, env: &Env<'_>, store_file: &Path) -> anyhow::Result<()> {
    let folder = if arguments.demo { Some(Path::new("server/demo")) } else { arguments.from.as_deref() };
    let large = arguments.books.is_some() || arguments.orders.is_some();
    if folder.is_none() && !large {
        bail!("say what: --demo for the demo books, --from FOLDER, or --books N and --orders M for a made-up store");
    }
    if let Some(folder) = folder {
        let added = offline_shop(env).await?.seed_catalogue(folder).await?;
        println!("{added} books added");
    }
    if !large {
        return Ok(());
    }
    let config = Offline::read(env, store_file)?;
    ensure!(!config.live, "STRIPE_SECRET_KEY is a live key; made-up orders are not for a store that takes real money");
    let plan = Plan {
        seed: arguments.seed,
        books: arguments.books.unwrap_or(0),
        orders: arguments.orders.unwrap_or(0),
        batch: Plan::BATCH,
        until: arguments.until.unwrap_or_else(|| Utc::now().date_naive()),
    };
    let mut last = Instant::now();
    let added = closed_shop(config)
        .await?
        .seed_large(&plan, |progress| {
            if last.elapsed() >= Duration::from_secs(2) || progress.done == progress.of {
                last = Instant::now();
                eprintln!("{}", line(progress));
            }
        })
        .await?;
    println!("{} books and {} orders added ({} rows)", added.books, added.orders, added.rows);
    if added.rows == 0 {
        println!("everything was there already");
    }
    Ok(())
}

/// "orders: 120000 of 1000000, 210000 rows/s, 71 s left".
fn line(progress: &Progress) -> String {
    let Progress { what, done, of, made, rows, elapsed } = *progress;
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = rows.saturating_mul(1_000) / millis;
    let left = (of - done).saturating_mul(millis) / made.max(1) / 1_000;
    format!("{what}: {done} of {of}, {per_second} rows/s, {left} s left")
}
