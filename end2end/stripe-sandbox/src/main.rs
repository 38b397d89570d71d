//! The sandbox as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use stripe_sandbox::{Config, Knobs, Sandbox, WebhookEndpoint};
use tokio::signal::unix::{SignalKind, signal};

/// A small Stripe for tests and demos: API, payment page and signed webhooks. Moves no money.
#[derive(Parser)]
#[command(name = "stripe-sandbox", version)]
struct Options {
    /// Address to listen on.
    #[arg(long, env = "STRIPE_SANDBOX_LISTEN", default_value = "127.0.0.1:12111")]
    listen: SocketAddr,
    /// Allow addresses that other machines reach. The sandbox has no passwords.
    #[arg(long, env = "STRIPE_SANDBOX_ALLOW_REMOTE")]
    allow_remote: bool,
    /// How browsers reach the payment page, where that is not the address listened on.
    #[arg(long, env = "STRIPE_SANDBOX_PUBLIC_URL")]
    public_url: Option<String>,
    /// Where events are sent; may be given several times.
    #[arg(long, env = "STRIPE_SANDBOX_WEBHOOK_URL", value_delimiter = ',')]
    webhook_url: Vec<String>,
    /// The secret that signs them: one for all, or one for each URL in the same order.
    #[arg(long, env = "STRIPE_SANDBOX_WEBHOOK_SECRET", value_delimiter = ',', hide_env_values = true)]
    webhook_secret: Vec<String>,
    /// What goes wrong with deliveries to these URLs, such as `delay=500,duplicate=1,reorder=4,drop=0.1,seed=7`.
    #[arg(long, env = "STRIPE_SANDBOX_WEBHOOK_KNOBS")]
    webhook_knobs: Option<Knobs>,
    /// How long what happens later takes, in milliseconds: bank debits, refunds that end later, disputes.
    #[arg(long, env = "STRIPE_SANDBOX_SETTLE_AFTER", default_value = "3000")]
    settle_after: u64,
    /// The most rows kept of each kind; the oldest are forgotten first.
    #[arg(long, env = "STRIPE_SANDBOX_MOST_RECORDS", default_value = "50000")]
    most_records: usize,
    /// File that keeps the state over restarts.
    #[arg(long, env = "STRIPE_SANDBOX_STATE")]
    state: Option<PathBuf>,
    /// What to log, such as `info` or `stripe_sandbox=debug`.
    #[arg(long, env = "STRIPE_SANDBOX_LOG", default_value = "info")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let filter = tracing_subscriber::EnvFilter::try_new(&options.log).context("--log")?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let config = Config {
        listen: options.listen,
        allow_remote: options.allow_remote,
        public_url: options.public_url,
        webhooks: webhooks(&options.webhook_url, &options.webhook_secret)?,
        state_file: options.state,
        webhook_knobs: options.webhook_knobs.unwrap_or_default(),
        settle_after: Duration::from_millis(options.settle_after),
        most_records: options.most_records,
        ..Config::default()
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Sandbox::start(config).await?;
    tracing::info!(url = running.url(), "stripe-sandbox listens; any key that begins with sk_test_ will do");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}

fn webhooks(urls: &[String], secrets: &[String]) -> anyhow::Result<Vec<WebhookEndpoint>> {
    let pair = |(index, url): (usize, &String)| {
        let secret = match secrets {
            [one] => Some(one),
            many => many.get(index),
        };
        secret.map(|secret| WebhookEndpoint::new(url, secret))
    };
    anyhow::ensure!(
        secrets.len() <= 1 || secrets.len() == urls.len(),
        "give one --webhook-secret, or as many as --webhook-url"
    );
    let endpoints: Option<Vec<_>> = urls.iter().enumerate().map(pair).collect();
    endpoints.context("--webhook-url needs --webhook-secret")
}
