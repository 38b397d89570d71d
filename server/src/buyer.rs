//! `octavo buyer`: what is held under an address, handed out or forgotten (docs/privacy.md).

use crate::build_shop;
use anyhow::Context as _;
use clap::Subcommand;
use octavo::config::{Config, Env};
use shop::audit::Actor;
use shop::types::Email;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `octavo buyer` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes everything that is held under an address into a file, as JSON.
    Export {
        /// The address that she paid with.
        address: Email,
        /// The file to write; one that is there already is not overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Forgets a buyer: her titles are closed, her orders lose name and address, her invoices keep them until their time
    /// is over. This cannot be undone. Stripe keeps what it keeps: see docs/privacy.md.
    Erase {
        /// The address that she paid with.
        address: Email,
    },
}

/// Does it; the exit code is 1 if nothing is held or something is in the way.
pub(crate) async fn run(command: Command, env: &Env<'_>, store_file: &Path) -> anyhow::Result<ExitCode> {
    let shop = build_shop(Config::read(env, store_file)?).await?;
    match command {
        Command::Export { address, out } => {
            let Some(text) = shop.export_buyer(&address, &Actor::Command).await? else {
                println!("nothing is held under this address");
                return Ok(ExitCode::FAILURE);
            };
            let path = out.display();
            let mut options = std::fs::File::options();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&out).with_context(|| format!("cannot write {path}"))?;
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("cannot write {path}"))?;
            println!("{path}: {} bytes", text.len());
        }
        Command::Erase { address } => match shop.erase_buyer(&address, &Actor::Command).await? {
            Ok(erased) => {
                println!(
                    "erased: {} orders, {} mails, {} entries of the delivery log, {} of Stripe's events",
                    erased.orders, erased.mails, erased.accesses, erased.events
                );
                if erased.cleared > 0 {
                    println!("{} invoices whose time is over have lost name and address", erased.cleared);
                }
                for invoice in &erased.kept {
                    println!("kept: invoice {} until {}", invoice.number, invoice.until);
                }
                println!("what Stripe and the mail provider hold is not in this store: see docs/privacy.md");
            }
            Err(why) => {
                println!("nothing was erased: {why}");
                return Ok(ExitCode::FAILURE);
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}
