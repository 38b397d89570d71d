//! `octavo rollups`: the sums that the overview is read from, proven and made anew.

use crate::closed_shop;
use clap::{Args, Subcommand};
use octavo::config::{Env, Offline};
use std::path::Path;
use std::process::ExitCode;

/// What `octavo rollups` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes all sums anew from orders, refunds, disputes, checkouts and downloads, in the store's time zone. The store may
    /// go on selling meanwhile.
    Rebuild(Rebuild),
}

/// The arguments of `octavo rollups rebuild`.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// Shows first where the sums are not what they stand for; the exit code is 1 if that was anywhere. They are made anew
    /// only then.
    #[arg(long)]
    check: bool,
}

/// Does it.
pub(crate) async fn run(command: Command, env: &Env<'_>, store_file: &Path) -> anyhow::Result<ExitCode> {
    let Command::Rebuild(Rebuild { check }) = command;
    let shop = closed_shop(Offline::read(env, store_file)?).await?;
    if check {
        let wrong = shop.check_tallies().await?;
        if wrong.is_empty() {
            println!("every sum is what it stands for");
            return Ok(ExitCode::SUCCESS);
        }
        for one in &wrong {
            println!("differs: {}", one.id);
        }
    }
    shop.rebuild_tallies(|left| {
        if left % 12 == 0 {
            println!("{left} months are left");
        }
    })
    .await?;
    println!("all sums are made anew");
    Ok(if check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
