//! The configuration: read once, checked at start, and nothing starts with a wrong one.
//!
//! Secrets and addresses come from the environment (each `NAME` also as `NAME_FILE`, the path of a file that holds the
//! value); what describes the store stands in the `[store]` table of `Leptos.toml`. `.env.example` lists the former,
//! `Leptos.toml` the latter.

mod addresses;
mod env;
mod files;
mod mail;
mod secret;
mod store;

use addresses::{base_url, is_loopback, networks, reach, stripe_api_base, vies};
use env::wrong;
use ipnet::IpNet;
use secret::secret_key;
use shop::SecretKey;
use shop::db::DatabaseUrl;
use shop::events::WebhookSecrets;
use shop::files::Place;
use shop::hooks::Reach;
use shop::outbox::MailWebhookSecrets;
use shop::payments::{STRIPE_API_BASE, StripeKey};
use shop::tax::Vies;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

pub use env::{ConfigError, Env};
pub use mail::{Mail, Way};
pub use store::Store;

/// Everything that an installation decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`.
    pub database: DatabaseUrl,
    /// `DATA_DIR`: database, files, the generated key.
    pub data_dir: PathBuf,
    /// `S3_BUCKET` and what belongs to it, or a folder of `DATA_DIR`: book files and covers; and `DOWNLOADS`.
    pub files: Place,
    /// `BASE_URL` without a trailing slash; https unless the host is loopback.
    pub base_url: String,
    /// `LISTEN_ADDR`, if set; else Leptos' own `site-addr`.
    pub listen_addr: Option<SocketAddr>,
    /// `OCTAVO_DEMO`.
    pub demo: bool,
    /// `STRIPE_SECRET_KEY`.
    pub stripe_key: StripeKey,
    /// `STRIPE_WEBHOOK_SECRET`.
    pub webhook_secrets: WebhookSecrets,
    /// `STRIPE_API_BASE`.
    pub stripe_api_base: Url,
    /// `SMTP_URL`, `MAIL_FROM`, `OWNER_EMAIL`: how the store writes to people, if it can.
    pub mail: Option<Mail>,
    /// `MAIL_WEBHOOK_SECRET`: who may say what became of a mail.
    pub mail_webhook_secrets: Option<MailWebhookSecrets>,
    /// `WEBHOOK_PORTS`, `WEBHOOK_NETWORKS`: how far the store's own webhooks reach.
    pub webhooks: Reach,
    /// `VIES_API_BASE`: where numbers for value-added tax are looked up, if the desk wants that.
    pub vies: Vies,
    /// `SECRET_KEY`, or the one kept in `DATA_DIR/secret.key`.
    pub secret_key: SecretKey,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `SHUTDOWN_DELAY`: how long new requests are still taken after `/readyz` has turned 503.
    pub shutdown_delay: Duration,
    /// The `[store]` table.
    pub store: Store,
}

/// The part that `octavo migrate`, `seed` and `doctor` need too.
#[derive(Clone, Debug)]
pub struct Storage {
    /// `DATABASE_URL`.
    pub database: DatabaseUrl,
    /// `DATA_DIR`.
    pub data_dir: PathBuf,
    /// `S3_BUCKET` and what belongs to it, or a folder of `DATA_DIR`.
    pub files: Place,
}

impl Storage {
    /// Reads `DATABASE_URL`, `DATA_DIR` and where the files are.
    ///
    /// # Errors
    /// [`ConfigError`] for an address that names no database, and for a bucket that cannot be.
    pub fn read(env: &Env<'_>) -> Result<Self, ConfigError> {
        let database = env.parsed("DATABASE_URL")?.unwrap_or_else(|| DatabaseUrl::Sqlite("data/octavo.db".into()));
        let data_dir: PathBuf = env.parsed("DATA_DIR")?.unwrap_or_else(|| "data".into());
        Ok(Self { database, files: files::read(env, &data_dir)?, data_dir })
    }

    /// Where files are without a bucket, whether there is one or not.
    #[must_use]
    pub fn folder(&self) -> Place {
        files::folder(&self.data_dir)
    }
}

/// What a store is without Stripe and without an address: enough for commands that derive secrets and ask nobody.
#[derive(Clone, Debug)]
pub struct Offline {
    /// Database and data folder.
    pub storage: Storage,
    /// The `[store]` table.
    pub store: Store,
    /// `SECRET_KEY`, as for `serve`.
    pub secret_key: SecretKey,
    /// Whether `STRIPE_SECRET_KEY` is set and moves real money.
    pub live: bool,
}

impl Offline {
    /// Reads and checks it. `store_file` is `Leptos.toml`; without one the defaults hold.
    ///
    /// # Errors
    /// [`ConfigError`]: the first setting that is missing or wrong.
    pub fn read(env: &Env<'_>, store_file: &Path) -> Result<Self, ConfigError> {
        let storage = Storage::read(env)?;
        let key: Option<StripeKey> = env.parsed("STRIPE_SECRET_KEY")?;
        Ok(Self {
            live: key.is_some_and(|key| key.livemode()),
            store: store::read(store_file)?,
            secret_key: secret_key(env, &storage.database, &storage.data_dir)?,
            storage,
        })
    }
}

impl Config {
    /// Reads and checks everything. `store_file` is `Leptos.toml`; without one the defaults hold.
    ///
    /// # Errors
    /// [`ConfigError`]: the first setting that is missing or wrong.
    pub fn read(env: &Env<'_>, store_file: &Path) -> Result<Self, ConfigError> {
        let Storage { database, data_dir, files } = Storage::read(env)?;
        let demo = env.get("OCTAVO_DEMO")?.is_some_and(|value| !["", "0", "false", "no"].contains(&value.as_str()));
        let stripe_key: StripeKey = env
            .required("STRIPE_SECRET_KEY", "the secret API key from Stripe's dashboard (sk_test_… or sk_live_…)")?
            .parse()
            .map_err(|error| wrong("STRIPE_SECRET_KEY", error))?;
        if demo && stripe_key.livemode() {
            return Err(wrong("OCTAVO_DEMO", "cannot be set together with a live Stripe key"));
        }
        let webhook_secrets = env
            .required(
                "STRIPE_WEBHOOK_SECRET",
                "the signing secret of the webhook endpoint in Stripe's dashboard (whsec_…)",
            )?
            .parse()
            .map_err(|error| wrong("STRIPE_WEBHOOK_SECRET", error))?;
        let store = store::read(store_file)?;
        let base_url = base_url(&env.get("BASE_URL")?.unwrap_or_else(|| "http://127.0.0.1:3000".into()))?;
        let here = Url::parse(&base_url).is_ok_and(|url| is_loopback(&url));
        Ok(Self {
            base_url,
            listen_addr: env.parsed("LISTEN_ADDR")?,
            stripe_api_base: stripe_api_base(
                &env.get("STRIPE_API_BASE")?.unwrap_or_else(|| STRIPE_API_BASE.into()),
                &stripe_key,
            )?,
            shutdown_delay: Duration::from_secs(env.parsed::<u32>("SHUTDOWN_DELAY")?.unwrap_or(0).into()),
            trusted_proxies: networks("TRUSTED_PROXIES", &env.get("TRUSTED_PROXIES")?.unwrap_or_default())?,
            mail: mail::read(env, demo, &data_dir, &store.name)?,
            mail_webhook_secrets: env.filled("MAIL_WEBHOOK_SECRET")?,
            webhooks: reach(env, demo && here)?,
            vies: vies(env)?,
            store,
            // The last one, because it may write a file: a wrong setting leaves none behind.
            secret_key: secret_key(env, &database, &data_dir)?,
            database,
            data_dir,
            files,
            demo,
            stripe_key,
            webhook_secrets,
        })
    }
}

#[cfg(test)]
mod tests;
