//! `octavo webhooks`: the store's own webhooks for the operator.

use crate::offline_shop;
use anyhow::Context as _;
use clap::Subcommand;
use octavo::config::Env;
use shop::audit::Actor;
use shop::hooks::{Delivery, DeliveryQuery, Endpoint, EndpointState, NotSent};
use shop::notation::Notation;
use std::process::ExitCode;

/// What `octavo webhooks` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the endpoints: id, state, how many deliveries wait and were given up, address, and what it is for.
    List,
    /// Lists deliveries that were given up, the newest first: when it happened, id, type, message, and why.
    Failed {
        /// The endpoint's id.
        endpoint: i64,
    },
    /// Has deliveries made once more. The store may be open: it makes them within seconds.
    Redeliver {
        /// Their ids, as `octavo webhooks failed` shows them.
        #[arg(required_unless_present = "endpoint")]
        ids: Vec<i64>,
        /// All that were given up at this endpoint.
        #[arg(long, conflicts_with = "ids")]
        endpoint: Option<i64>,
        /// Only what happened in so many hours before now.
        #[arg(long, default_value_t = 24, requires = "endpoint")]
        hours: u16,
    },
}

/// Does it; the exit code is 1 if a delivery could not be queued.
pub(crate) async fn run(command: &Command, env: &Env<'_>) -> anyhow::Result<ExitCode> {
    let shop = offline_shop(env).await?;
    let mut code = ExitCode::SUCCESS;
    match command {
        Command::List => {
            for endpoint in shop.webhook_endpoints().await? {
                println!("{}", endpoint_line(&endpoint));
            }
        }
        Command::Failed { endpoint } => {
            let query = DeliveryQuery { failed: true, before: None };
            let found = shop.webhook_deliveries(*endpoint, query).await.context("no such endpoint")?;
            for delivery in &found.deliveries {
                println!("{}", delivery_line(shop.notation(), delivery));
            }
        }
        Command::Redeliver { ids, endpoint: None, .. } => {
            for id in ids {
                match shop.redeliver_webhook(&Actor::Command, *id).await {
                    Ok(Ok(())) => println!("{id} is due now"),
                    Ok(Err(why)) => {
                        println!("{id} is not sent again: {why}");
                        code = ExitCode::FAILURE;
                    }
                    Err(shop::Error::NotFound) => {
                        println!("{id} is not a delivery of this store");
                        code = ExitCode::FAILURE;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Command::Redeliver { endpoint: Some(endpoint), hours, .. } => {
            let done = shop.redeliver_failed_webhooks(&Actor::Command, *endpoint, *hours).await;
            match done.context("no such endpoint")? {
                Ok(count) => println!("{count} are due now"),
                Err(NotSent::Nothing) => println!("nothing was given up in that time"),
                Err(why) => {
                    println!("nothing is sent again: {why}");
                    code = ExitCode::FAILURE;
                }
            }
        }
    }
    Ok(code)
}

fn endpoint_line(endpoint: &Endpoint) -> String {
    let Endpoint { id, url, description, state, waiting, failed, .. } = endpoint;
    let state = match state {
        EndpointState::Enabled => "on",
        EndpointState::Disabled(why) => why.as_str(),
    };
    format!("{id}  {state:12}  {waiting} waiting, {failed} given up  {url}  {description}")
}

fn delivery_line(notation: &Notation, delivery: &Delivery) -> String {
    let Delivery { id, message, kind, happened_at, error, .. } = delivery;
    let at = notation.moment(*happened_at);
    format!("{at}  {id}  {kind}  {message}: {}", error.as_deref().unwrap_or("never tried"))
}
