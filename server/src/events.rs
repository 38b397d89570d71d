//! `octavo events`: Stripe's events for the operator.

use crate::offline_shop;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use octavo::config::Env;
use shop::audit::Actor;
use shop::events::{EventSummary, Replayed};
use std::process::ExitCode;

const STATES: [&str; 6] = ["new", "leased", "done", "ignored", "parked", "dead"];

/// What `octavo events` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists events, the newest first: when it came, state, attempts, id, type, object, and why it is where it is.
    List {
        /// Only those in this state.
        #[arg(long, value_parser = PossibleValuesParser::new(STATES))]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Has events worked on once more, whatever became of them. The store may be open: it takes them within seconds.
    Replay {
        /// Their ids (evt_…).
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Does it; the exit code is 1 if an event could not be replayed.
pub(crate) async fn run(command: &Command, env: &Env<'_>) -> anyhow::Result<ExitCode> {
    let shop = offline_shop(env).await?;
    let mut code = ExitCode::SUCCESS;
    match command {
        Command::List { state, limit } => {
            for event in shop.list_events(state.clone(), *limit).await? {
                println!("{}", line(&event));
            }
        }
        Command::Replay { ids } => {
            for id in ids {
                match shop.replay_event(id, &Actor::Command).await? {
                    Replayed::Queued(was) => println!("{id} was {was} and is due now"),
                    Replayed::BeingWorkedOn => {
                        println!("{id} is being worked on; try again in a minute");
                        code = ExitCode::FAILURE;
                    }
                    Replayed::Unknown => {
                        println!("{id} is not an event that this store has kept");
                        code = ExitCode::FAILURE;
                    }
                }
            }
        }
    }
    Ok(code)
}

fn line(event: &EventSummary) -> String {
    let EventSummary { id, kind, object_id, state, attempts, received_at, next_at, error } = event;
    let due = if ["new", "parked"].contains(&state.as_str()) {
        format!(" (due {})", next_at.format("%Y-%m-%d %H:%M:%S"))
    } else {
        String::new()
    };
    let why = error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}  {state:7} {attempts:2}  {id}  {kind}  {object_id}{due}{why}", received_at.format("%Y-%m-%d %H:%M:%S"))
}
