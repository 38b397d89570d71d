//! `octavo doctor`: whether the rows hold together, and whether they are Stripe's.

use crate::{build_shop, offline_shop};
use clap::Args;
use octavo::config::{Config, Env};
use shop::outbox::Backlog;
use std::path::Path;
use std::process::ExitCode;

/// The arguments of `octavo doctor`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Compares with Stripe now, instead of showing what the last night's comparison has found.
    #[arg(long)]
    stripe: bool,
    /// How far back the comparison goes.
    #[arg(long, value_name = "DAYS", default_value_t = 30, requires = "stripe")]
    days: u16,
}

/// Prints what is wrong; the exit code is 1 if something is.
pub(crate) async fn run(arguments: &Arguments, env: &Env<'_>, store_file: &Path) -> anyhow::Result<ExitCode> {
    let shop =
        if arguments.stripe { build_shop(Config::read(env, store_file)?).await? } else { offline_shop(env).await? };
    let violations = shop.violations().await?;
    for violation in &violations {
        println!("broken: {} ({} rows, for example {})", violation.rule, violation.rows, violation.example);
    }
    if violations.is_empty() {
        println!("every invariant holds");
    }
    let differences =
        if arguments.stripe { shop.compare_with_stripe(arguments.days).await? } else { shop.differences().await? };
    for difference in &differences {
        let found = difference.found_at.format("%Y-%m-%d %H:%M UTC");
        println!("differs: {} {}: {} (since {found})", difference.kind, difference.object_id, difference.detail);
    }
    if differences.is_empty() {
        let last = if arguments.stripe { "Stripe agrees" } else { "no difference from Stripe is known" };
        println!("{last}");
    }
    let Backlog { waiting, dead } = shop.mail_backlog().await?;
    if waiting > 0 || dead > 0 {
        println!("mail: {waiting} to be sent, {dead} given up (octavo mail list --state dead)");
    }
    if env.filled::<String>("SMTP_URL")?.is_none() {
        println!("mail: SMTP_URL is not set, so no mail is sent (a demo keeps it in DATA_DIR/mailbox)");
    }
    Ok(if violations.is_empty() && differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
