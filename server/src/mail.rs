//! `octavo mail`: the store's mail for the operator.

use crate::offline_shop;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use octavo::config::Env;
use shop::audit::Actor;
use shop::outbox::{MailSummary, Resent};
use shop::types::OrderNumber;
use std::process::ExitCode;

const STATES: [&str; 6] = ["queued", "leased", "sent", "delivered", "bounced", "dead"];

/// What `octavo mail` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists mails, the newest first: when it was queued, state, attempts, id, kind, order, recipient, and why it is
    /// where it is.
    List {
        /// Only those in this state.
        #[arg(long, value_parser = PossibleValuesParser::new(STATES))]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Has mails sent once more that were given up, came back or wait. The store may be open: it sends them within
    /// seconds.
    Resend {
        /// Their ids, as `octavo mail list` shows them.
        #[arg(required = true)]
        ids: Vec<i64>,
    },
}

/// Does it; the exit code is 1 if a mail could not be queued.
pub(crate) async fn run(command: &Command, env: &Env<'_>) -> anyhow::Result<ExitCode> {
    let shop = offline_shop(env).await?;
    let mut code = ExitCode::SUCCESS;
    match command {
        Command::List { state, limit } => {
            for mail in shop.list_mails(state.clone(), *limit).await? {
                println!("{}", line(&mail));
            }
        }
        Command::Resend { ids } => {
            for id in ids {
                match shop.resend_mail(*id, &Actor::Command).await? {
                    Resent::Queued(was) => println!("{id} was {was} and is due now"),
                    Resent::BeingSent => {
                        println!("{id} is on its way right now; look again in a few minutes");
                        code = ExitCode::FAILURE;
                    }
                    Resent::NotNeeded(state) => {
                        println!("{id} is {state}: there is nothing to send again");
                        code = ExitCode::FAILURE;
                    }
                    Resent::Unknown => {
                        println!("{id} is not a mail of this store");
                        code = ExitCode::FAILURE;
                    }
                }
            }
        }
    }
    Ok(code)
}

fn line(mail: &MailSummary) -> String {
    let MailSummary { id, kind, recipient, order, state, attempts, created_at, next_at, error } = mail;
    let due = if state == "queued" { format!(" (due {})", next_at.format("%Y-%m-%d %H:%M:%S")) } else { String::new() };
    let why = error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
    let order = order.as_deref().and_then(|number| number.parse::<OrderNumber>().ok());
    let order = order.map_or_else(|| "-".to_owned(), |number| number.to_string());
    format!(
        "{}  {state:9} {attempts:2}  {id}  {kind}  {order}  {recipient}{due}{why}",
        created_at.format("%Y-%m-%d %H:%M:%S")
    )
}
