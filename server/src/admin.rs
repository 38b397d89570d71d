//! `octavo admin`: who works at the store, from the machine that it runs on. For the first start, and for the day when nobody
//! gets in any more.

use crate::build_shop;
use anyhow::Context as _;
use clap::Subcommand;
use octavo::config::{Config, Env};
use shop::audit::Actor;
use shop::staff::PasswordLink;
use shop::types::{Email, Role};
use std::path::Path;
use std::process::ExitCode;

/// What `octavo admin` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the link that makes the first owner, as long as there is none.
    SetupUrl,
    /// Shows who works here.
    List,
    /// Adds an account, and prints the link that sets its password.
    Add {
        /// The account's address.
        address: Email,
        /// What it may do: viewer, support, admin or owner.
        #[arg(long)]
        role: Role,
    },
    /// Prints a link that sets a new password.
    ResetPassword {
        /// The account's address.
        address: Email,
    },
    /// Has an account ask for no codes any more, for who has lost telephone and recovery codes.
    TotpOff {
        /// The account's address.
        address: Email,
    },
}

/// Does it; the exit code is 1 if there is nothing to be done.
pub(crate) async fn run(command: Command, env: &Env<'_>, store_file: &Path) -> anyhow::Result<ExitCode> {
    let shop = build_shop(Config::read(env, store_file)?).await?;
    let id = async |address: &Email| shop.staff_id(address).await.context("there is no account under this address");
    match command {
        Command::SetupUrl => {
            let Some(url) = shop.setup_url().await? else {
                println!("the store has an owner, who invites others; see octavo admin reset-password");
                return Ok(ExitCode::FAILURE);
            };
            println!("{url}");
        }
        Command::List => {
            for one in shop.team().await? {
                let state = match (one.is_off, one.has_password, one.has_codes) {
                    (true, ..) => "switched off",
                    (false, false, _) => "invited",
                    (false, true, false) => "active",
                    (false, true, true) => "active, with codes",
                };
                println!("{:8} {} ({state})", one.role.as_str(), one.email.as_str());
            }
        }
        Command::Add { address, role } => {
            let added = shop.invite(&Actor::Command, &address, role).await;
            let id = added.with_context(|| format!("no account for {} was added", address.as_str()))?;
            say(shop.password_link(id).await?.context("its link is gone already")?);
        }
        Command::ResetPassword { address } => {
            say(shop.make_password_link(&Actor::Command, id(&address).await?).await?);
        }
        Command::TotpOff { address } => {
            shop.drop_codes_of(&Actor::Command, id(&address).await?).await?;
            println!("{} is asked for no codes any more", address.as_str());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(link: PasswordLink) {
    println!("{}", link.url);
    println!(
        "sets the password of {} once, until {} UTC",
        link.email.as_str(),
        link.expires_at.format("%Y-%m-%d %H:%M")
    );
}
