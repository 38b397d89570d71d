//! `octavo`: the store as one program.

mod admin;
mod buyer;
mod desk;
mod doctor;
mod downloads;
mod edition;
mod events;
mod files;
mod mail;
mod rollups;
mod seed;
mod tax;
mod webhooks;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use octavo::config::{Config, Env, Mail, Offline, Storage, Store};
use octavo::lanes::{Lanes, Welcome};
use octavo::router::{Settings, store};
use octavo::uploads::Uploads;
use octavo::{page_cache, serve as serving, workers};
use shop::audit::Actor;
use shop::db::Db;
use shop::files::Files;
use shop::hooks::Reach;
use shop::payments::Payments;
use shop::tax::Vies;
use shop::types::{Email, OrderNumber};
use shop::{Clock, Parts, SecretKey, Shop};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// Pages are made of many small strings: with this allocator they cost a quarter less CPU time than with glibc's, in as
/// much memory (docs/performance.md).
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The bookstore that authors and small presses run themselves.
#[derive(Debug, Parser)]
#[command(name = "octavo", version, about)]
struct Cli {
    /// The file that describes the store.
    #[arg(long, env = "OCTAVO_CONFIG", default_value = "Leptos.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the store (what happens without a command).
    Serve,
    /// Brings the database's schema up to date and ends.
    Migrate,
    /// Loads a catalogue from a folder, or makes up a large store.
    ///
    /// --demo and --from load books; those that are there already are left alone.
    ///
    /// --books and --orders make up a store: the same rows for the same numbers, --seed, --until, currency and
    /// `SECRET_KEY`. Run it while the store is closed. Run again with the same arguments it goes on where it was
    /// interrupted, and adds nothing to what is complete; with other arguments, in a store that has real orders, and
    /// with a live Stripe key it refuses. Nobody is ever sent anything for made-up orders.
    #[command(verbatim_doc_comment)]
    Seed(seed::Arguments),
    /// Looks for rows that break the store's invariants, and shows where they differ from Stripe's; ends with 1 if
    /// there are any.
    Doctor(doctor::Arguments),
    /// Shows Stripe's events, and has them worked on once more.
    #[command(subcommand)]
    Events(events::Command),
    /// Shows the store's mail, and has it sent once more.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Shows the store's own webhooks, and has them sent once more.
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Adds and announces new editions of books.
    #[command(subcommand)]
    Edition(edition::Command),
    /// Shows who fetched what and when.
    #[command(subcommand)]
    Downloads(downloads::Command),
    /// Shows and changes who works at the store.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Hands out or forgets what is held under a buyer's address.
    #[command(subcommand)]
    Buyer(buyer::Command),
    /// Moves the store's files between a folder and a bucket.
    #[command(subcommand)]
    Files(files::Command),
    /// Proves and makes anew the sums that the overview of the desk is read from.
    #[command(subcommand)]
    Rollups(rollups::Command),
    /// What the tax office wants to know.
    #[command(subcommand)]
    Tax(tax::Command),
    /// Prints the link that opens an order in any browser, for a buyer who has lost it.
    OrderLink {
        /// The order's number, like ABCDE-FGHJK.
        number: OrderNumber,
    },
    /// Moves an order to another address, for a buyer who mistyped hers, and tells both. Make sure that the new address is
    /// the buyer's: who reads its mail gets the books.
    OrderAddress {
        /// The order's number, like ABCDE-FGHJK.
        number: OrderNumber,
        /// The right address.
        new: Email,
    },
    /// Refunds an order, wholly or in part.
    Refund(desk::Refund),
    /// Writes what a dispute can be answered with: the order, its mails and its downloads, as a ZIP.
    Evidence(desk::Evidence),
    /// Prints what the JSON API says of itself (OpenAPI 3.1).
    Openapi,
}

/// Without `RUST_LOG`. The session's layer warns of every malformed cookie: anybody could fill the log with those.
const LOG_FILTER: &str = "info,tower_sessions=error";

/// Says at its most talkative which addresses it has let pass, and download links are secrets: never, whatever `RUST_LOG` says.
const NEVER_LOGGED: &str = "tower_http::csrf=off";

fn main() -> ExitCode {
    // Not `-> Result`: what the operator did wrong is one line, without a backtrace.
    start().unwrap_or_else(|error| {
        eprintln!("octavo: {error:#}");
        ExitCode::FAILURE
    })
}

fn start() -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter.add_directive(NEVER_LOGGED.parse()?))
        .with_writer(std::io::stderr)
        .init();
    let cli = Cli::parse();
    // Leptos wants four workers even on one core (leptos#4647).
    let workers = std::thread::available_parallelism().map_or(4, usize::from).max(4);
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?.block_on(run(cli))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let lookup = |name: &str| std::env::var(name).ok();
    let env = Env::new(&lookup);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Openapi => print!("{}", octavo::routes::api::document::text()),
        Command::Serve => serve(Config::read(&env, &cli.config)?, &cli.config).await?,
        Command::Migrate => {
            open_db(&Storage::read(&env)?).await?;
            println!("the schema is up to date");
        }
        Command::Seed(arguments) => seed::run(&arguments, &env, &cli.config).await?,
        Command::Doctor(arguments) => return doctor::run(&arguments, &env, &cli.config).await,
        Command::Events(command) => return events::run(&command, &env).await,
        Command::Mail(command) => return mail::run(&command, &env).await,
        Command::Webhooks(command) => return webhooks::run(&command, &env).await,
        Command::Edition(command) => edition::run(command, &env, &cli.config).await?,
        Command::Downloads(command) => downloads::run(command, &env).await?,
        Command::Admin(command) => return admin::run(command, &env, &cli.config).await,
        Command::Buyer(command) => return buyer::run(command, &env, &cli.config).await,
        Command::Files(command) => files::run(&command, &env).await?,
        Command::Rollups(command) => return rollups::run(command, &env, &cli.config).await,
        Command::Tax(command) => tax::run(command, &env, &cli.config).await?,
        Command::OrderLink { number } => {
            let shop = build_shop(Config::read(&env, &cli.config)?).await?;
            println!("{}", shop.order_link(&number).await.context("no paid order of this number")?);
        }
        Command::OrderAddress { number, new } => {
            let shop = build_shop(Config::read(&env, &cli.config)?).await?;
            shop.correct_address(&number, &new, &Actor::Command)
                .await
                .with_context(|| format!("order {number} was not moved"))?;
            println!("order {number} is under {} now; both addresses are told", new.as_str());
        }
        Command::Refund(arguments) => {
            desk::refund(&build_shop(Config::read(&env, &cli.config)?).await?, &arguments).await?;
        }
        Command::Evidence(arguments) => {
            desk::evidence(&build_shop(Config::read(&env, &cli.config)?).await?, &arguments).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn open_db(storage: &Storage) -> anyhow::Result<Db> {
    let url = storage.database.clone();
    Ok(tokio::task::spawn_blocking(move || Db::open(&url)).await??)
}

/// A shop for commands that need neither Stripe nor the configuration: it derives no secret and asks nobody.
async fn offline_shop(env: &Env<'_>) -> anyhow::Result<Shop> {
    closed_shop(Offline {
        storage: Storage::read(env)?,
        store: Store::default(),
        secret_key: SecretKey::new(shop::secrets::random_key())?,
        live: false,
    })
    .await
}

/// A shop that asks nobody, but has the store's own key, currency and policy.
async fn closed_shop(config: Offline) -> anyhow::Result<Shop> {
    Ok(Shop::new(Parts {
        settings: shop::Settings {
            name: config.store.name.clone(),
            base_url: "http://127.0.0.1".into(),
            currency: config.store.currency,
            currencies: config.store.currencies.clone(),
            notation: config.store.notation().map_err(anyhow::Error::msg)?,
            demo: false,
            livemode: config.live,
            policy: config.store.policy(),
            webhooks: Reach::default(),
            time_zone: config.store.time_zone,
            vies: Vies::default(),
            numbering: config.store.numbering().map_err(anyhow::Error::msg)?,
        },
        db: open_db(&config.storage).await?,
        files: Files::open(&config.storage.files)?,
        payments: Payments::unconfigured(),
        post: None,
        key: config.secret_key,
        clock: Clock::System,
    }))
}

async fn build_shop(config: Config) -> anyhow::Result<Shop> {
    let storage = Storage { database: config.database, data_dir: config.data_dir, files: config.files };
    Ok(Shop::new(Parts {
        settings: shop::Settings {
            name: config.store.name.clone(),
            base_url: config.base_url,
            currency: config.store.currency,
            currencies: config.store.currencies.clone(),
            notation: config.store.notation().map_err(anyhow::Error::msg)?,
            demo: config.demo,
            livemode: config.stripe_key.livemode(),
            policy: config.store.policy(),
            webhooks: config.webhooks,
            time_zone: config.store.time_zone,
            vies: config.vies,
            numbering: config.store.numbering().map_err(anyhow::Error::msg)?,
        },
        db: open_db(&storage).await?,
        files: Files::open(&storage.files)?,
        payments: Payments::new(&config.stripe_key, config.stripe_api_base.as_str())?,
        post: config.mail.map(Mail::post).transpose()?,
        key: config.secret_key,
        clock: Clock::System,
    }))
}

async fn serve(config: Config, store_file: &Path) -> anyhow::Result<()> {
    let file = store_file.exists().then(|| store_file.to_string_lossy().into_owned());
    let leptos = leptos_config::get_configuration(file.as_deref()).context("Leptos' options")?.leptos_options;
    let address = config.listen_addr.unwrap_or(leptos.site_addr);
    let payment_origins = payment_origins(&config);
    let (webhook_secrets, trusted_proxies) = (config.webhook_secrets.clone(), config.trusted_proxies.clone());
    let mail_webhook_secrets = config.mail_webhook_secrets.clone();
    let (base_url, farewell) = (config.base_url.clone(), config.shutdown_delay);
    invoice::look_for_fonts_in(&config.store.invoice_fonts);
    let place = config.files.clone();
    let uploads = Uploads::new(config.data_dir.join("uploads"), config.store.upload_mb);
    let shop = build_shop(config).await?;
    files::check(shop.files(), &place).await?;
    if let Err(error) = shop.keep_tallies().await {
        tracing::error!(%error, "the sums of the overview are not complete; to make them: octavo rollups rebuild");
    }
    if let Some(number) = shop.number_in_use().await? {
        anyhow::bail!(
            "invoice_number and credit_note_number in Leptos.toml: the next document would be {number}, which there is already"
        );
    }
    shop.open_demo_desk().await?;
    // Not into the log: whoever reads the link becomes the owner.
    if let Some(url) = shop.setup_url().await? {
        // Nobody may be listening, which is no reason to stay closed: `octavo admin setup-url` says it again.
        let _ =
            writeln!(std::io::stdout(), "Nobody works here yet. This link makes the first owner, once:\n\n    {url}\n");
    }
    let (stop, stopped) = watch::channel(false);
    let mut workers = workers::spawn(&shop, &stopped);
    let settling = shop.clone();
    let welcome = Welcome::default();
    let store = store(Settings {
        leptos,
        shop,
        webhook_secrets,
        mail_webhook_secrets,
        trusted_proxies,
        payment_origins,
        page_cache: page_cache::Settings::default(),
        lanes: Lanes::default(),
        welcome: welcome.clone(),
        uploads,
    });

    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!(%address, base_url, "open");
    let closing = async {
        told_to_stop().await;
        tracing::info!("closing");
        welcome.end();
        tokio::time::sleep(farewell).await;
    };
    serving::serve(listener, store, serving::Limits::default(), closing).await;
    stop.send_replace(true);
    while workers.join_next().await.is_some() {}
    settling.settle().await?;
    Ok(())
}

/// Stripe's own page, the sandbox's, and whatever domain the operator's checkout runs under.
fn payment_origins(config: &Config) -> Vec<String> {
    let mut origins = vec!["https://checkout.stripe.com".to_owned()];
    if config.stripe_api_base.host_str() != Some("api.stripe.com") {
        origins.push(config.stripe_api_base.origin().ascii_serialization());
    }
    origins.extend(config.store.checkout_origins.iter().cloned());
    origins
}

/// Ctrl-C or SIGTERM.
async fn told_to_stop() {
    let interrupt = async {
        let _ = signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be caught");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
