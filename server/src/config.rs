//! The configuration: read once, checked at start, and nothing starts with a wrong one.
//!
//! Secrets and addresses come from the environment (each `NAME` also as `NAME_FILE`, the path of a file that holds the
//! value); what describes the store stands in the `[store]` table of `Leptos.toml`. `.env.example` lists the former,
//! `Leptos.toml` the latter.

mod files;
mod mail;

use core::fmt;
use ipnet::IpNet;
use locale::Locale;
use serde::Deserialize;
use shop::analytics::Zone;
use shop::db::DatabaseUrl;
use shop::events::WebhookSecrets;
use shop::files::Place;
use shop::hooks::Reach;
use shop::invoices::{BadPattern, Numbering, Pattern};
use shop::notation::Notation;
use shop::outbox::MailWebhookSecrets;
use shop::payments::{STRIPE_API_BASE, StripeKey};
use shop::tax::Vies;
use shop::types::Currency;
use shop::{Policy, SecretKey};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use url::Url;

pub use mail::{Mail, Way};

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

/// The `[store]` table of `Leptos.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The name over the door.
    pub name: String,
    /// What prices are shown and charged in: an ISO 4217 code.
    pub currency: Currency,
    /// Further currencies that prices may be in: the buyer chooses.
    pub currencies: Vec<Currency>,
    /// How amounts, days and countries are written for people: a BCP 47 tag.
    pub locale: String,
    /// Whose days the store's figures are told in: a name of the IANA's list.
    pub time_zone: Zone,
    /// Days that a download token is good for.
    pub token_days: u16,
    /// Claims that it is good for.
    pub token_uses: u16,
    /// How often the buyer may renew it.
    pub token_renewals: u16,
    /// Days after the purchase in which she may.
    pub renewal_days: u16,
    /// Hours that a claim serves the browser that took it.
    pub claim_hours: u16,
    /// Hours that an order stays open in the browser that paid.
    pub order_hours: u16,
    /// Days that the delivery log keeps an entry.
    pub log_days: u16,
    /// Years that an invoice keeps its buyer's name and address.
    pub invoice_years: u16,
    /// Days after that of the payment in which a buyer may say whom the invoice is made out to.
    pub invoice_days: u16,
    /// How invoices are numbered.
    pub invoice_number: String,
    /// How credit notes are.
    pub credit_note_number: String,
    /// A folder with fonts for the scripts that are not compiled in; it need not exist.
    pub invoice_fonts: PathBuf,
    /// What a book's file may have, in megabytes.
    pub upload_mb: u16,
    /// What a program may ask of the API in a minute, for each account.
    pub api_per_minute: u16,
    /// More origins that a checkout may lead to, if Stripe Checkout runs under a domain of yours.
    pub checkout_origins: Vec<String>,
}

impl Default for Store {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            name: "Octavo".into(),
            #[expect(clippy::expect_used, reason = "USD is in the table; a test reads the default")]
            currency: "USD".parse().expect("a known currency"),
            currencies: Vec::new(),
            locale: Locale::english().to_string(),
            time_zone: Zone::default(),
            token_days: policy.token_days,
            token_uses: policy.token_uses,
            token_renewals: policy.renewals,
            renewal_days: policy.renewal_days,
            claim_hours: policy.claim_hours,
            order_hours: policy.order_hours,
            log_days: policy.log_days,
            invoice_years: policy.invoice_years,
            invoice_days: policy.invoice_days,
            invoice_number: Numbering::default().invoices().to_string(),
            credit_note_number: Numbering::default().credit_notes().to_string(),
            invoice_fonts: "/usr/share/fonts/opentype/noto".into(),
            upload_mb: 500,
            api_per_minute: policy.api_per_minute,
            checkout_origins: Vec::new(),
        }
    }
}

impl Store {
    /// The download policy, and how long the store remembers.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            token_days: self.token_days,
            token_uses: self.token_uses,
            renewals: self.token_renewals,
            renewal_days: self.renewal_days,
            claim_hours: self.claim_hours,
            order_hours: self.order_hours,
            log_days: self.log_days,
            invoice_years: self.invoice_years,
            invoice_days: self.invoice_days,
            api_per_minute: self.api_per_minute,
        }
    }
}

impl Store {
    /// How documents are numbered.
    ///
    /// # Errors
    /// What is wrong with which pattern.
    pub fn numbering(&self) -> Result<Numbering, String> {
        let pattern = |name: &str, text: &str| -> Result<Pattern, String> {
            text.parse().map_err(|why: BadPattern| format!("store.{name} {why}"))
        };
        let invoices = pattern("invoice_number", &self.invoice_number)?;
        let credit_notes = pattern("credit_note_number", &self.credit_note_number)?;
        Numbering::new(invoices, credit_notes).map_err(|why| format!("store.credit_note_number {why}"))
    }

    /// How amounts, days and countries are written for people.
    ///
    /// # Errors
    /// A sentence on `locale` if it is no language tag.
    pub fn notation(&self) -> Result<Notation, String> {
        let locale: Locale = self.locale.parse().map_err(|_| {
            format!("store.locale must be a language tag, like de-DE or en-GB, and not {:?}", self.locale)
        })?;
        Notation::new(&locale).map_err(|why| format!("store.locale: {why}"))
    }
}

/// A setting that is missing or wrong: names it and says what it must be, and never repeats a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    /// The environment variable or the file.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

fn wrong(name: impl Into<String>, problem: impl Display) -> ConfigError {
    ConfigError { name: name.into(), problem: problem.to_string() }
}

/// Where settings are read from: a look-up of environment variables.
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Env<'a> {
    /// Settings by name.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// `NAME`, or the content of the file that `NAME_FILE` names, without its final line break.
    fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let file_name = format!("{name}_FILE");
        match ((self.0)(name), (self.0)(&file_name)) {
            (Some(_), Some(_)) => Err(wrong(name, format_args!("and {file_name} are both set; set one of them"))),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| wrong(file_name, format_args!("names {path}, which cannot be read: {error}")))?;
                Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (value, None) => Ok(value),
        }
    }

    fn required(&self, name: &str, what: &str) -> Result<String, ConfigError> {
        match self.get(name)? {
            Some(value) if !value.trim().is_empty() => Ok(value),
            _ => Err(wrong(name, format_args!("is not set: {what}"))),
        }
    }

    /// The setting of this name; an empty one counts as none.
    ///
    /// # Errors
    /// [`ConfigError`] for a value that is none.
    pub fn filled<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        let text = self.get(name)?.filter(|text| !text.trim().is_empty());
        text.map(|text| text.trim().parse().map_err(|error| wrong(name, error))).transpose()
    }

    fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        self.get(name)?.map(|text| text.parse().map_err(|error| wrong(name, error))).transpose()
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
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
            store: store(store_file)?,
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
        let store = store(store_file)?;
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

/// `url` without its trailing slash. Cookies and payments do not travel in clear text, except on this machine.
fn base_url(url: &str) -> Result<String, ConfigError> {
    let parsed = Url::parse(url).map_err(|error| wrong("BASE_URL", error))?;
    let is_origin =
        parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
    match parsed.scheme() {
        "https" | "http" if !is_origin => {
            Err(wrong("BASE_URL", "must be scheme, host and port only, like https://books.example.org"))
        }
        "https" => Ok(parsed.as_str().trim_end_matches('/').to_owned()),
        "http" if is_loopback(&parsed) => Ok(parsed.as_str().trim_end_matches('/').to_owned()),
        _ => Err(wrong("BASE_URL", "must be https unless its host is loopback")),
    }
}

/// A live key is only ever sent to Stripe, a test key only to Stripe or to this machine.
fn stripe_api_base(url: &str, key: &StripeKey) -> Result<Url, ConfigError> {
    let parsed = Url::parse(url).map_err(|error| wrong("STRIPE_API_BASE", error))?;
    let stripe = parsed.scheme() == "https" && parsed.host_str() == Some("api.stripe.com");
    if stripe || (is_loopback(&parsed) && !key.livemode()) {
        Ok(parsed)
    } else if key.livemode() {
        Err(wrong("STRIPE_API_BASE", "must be https://api.stripe.com/ with a live key"))
    } else {
        Err(wrong("STRIPE_API_BASE", "must be https://api.stripe.com/ or a sandbox on a loopback address"))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// How far the store's own webhooks reach: port 443 of the public internet, those of a demo that is for this machine only (`here`)
/// also to it, and whatever else the operator opens. In a demo that others can reach, everybody is its owner.
fn reach(env: &Env<'_>, here: bool) -> Result<Reach, ConfigError> {
    let mut reach = if here { Reach::demo() } else { Reach::default() };
    if let Some(list) = env.filled::<String>("WEBHOOK_PORTS")? {
        let port = |text: &str| match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(wrong("WEBHOOK_PORTS", format_args!("has {text:?}, which is no port"))),
        };
        reach.ports = list.split(',').map(port).collect::<Result<_, _>>()?;
    }
    reach.networks.extend(networks("WEBHOOK_NETWORKS", &env.get("WEBHOOK_NETWORKS")?.unwrap_or_default())?);
    Ok(reach)
}

/// The register's own address, or another one: https, or on this machine.
fn vies(env: &Env<'_>) -> Result<Vies, ConfigError> {
    let Some(url) = env.filled::<Url>("VIES_API_BASE")? else { return Ok(Vies::default()) };
    if !(url.scheme() == "https" || is_loopback(&url)) || !url.path().ends_with('/') {
        return Err(wrong("VIES_API_BASE", "must be https unless its host is loopback, and end with a slash"));
    }
    Ok(Vies::at(&url))
}

fn networks(name: &str, list: &str) -> Result<Vec<IpNet>, ConfigError> {
    let parse = |text: &str| text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    list.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            parse(text)
                .map_err(|_| wrong(name, format_args!("has {text:?}, which is no address or network (10.0.0.0/8)")))
        })
        .collect()
}

fn store(path: &Path) -> Result<Store, ConfigError> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        store: Store,
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Store::default()),
        Err(error) => return Err(wrong(path.display().to_string(), format_args!("cannot be read: {error}"))),
    };
    let file: File =
        toml::from_str(&text).map_err(|error| wrong(path.display().to_string(), format_args!("is wrong: {error}")))?;
    let store = file.store;
    let refused = |why| wrong(path.display().to_string(), format_args!("is wrong: {why}"));
    store.numbering().map_err(refused)?;
    store.notation().map_err(refused)?;
    for (name, value) in [
        ("token_days", store.token_days),
        ("token_uses", store.token_uses),
        ("claim_hours", store.claim_hours),
        ("order_hours", store.order_hours),
        ("log_days", store.log_days),
        ("invoice_years", store.invoice_years),
        ("upload_mb", store.upload_mb),
        ("api_per_minute", store.api_per_minute),
    ] {
        if value == 0 {
            return Err(wrong(path.display().to_string(), format_args!("is wrong: store.{name} must be at least 1")));
        }
    }
    Ok(store)
}

/// `SECRET_KEY`; on SQLite, where one machine is all there is, one is made on the first start and kept in the data
/// folder. Several machines on PostgreSQL must be given the same one.
fn secret_key(env: &Env<'_>, database: &DatabaseUrl, data_dir: &Path) -> Result<SecretKey, ConfigError> {
    let key = |bytes: Vec<u8>| SecretKey::new(bytes).map_err(|error| wrong("SECRET_KEY", error));
    if let Some(text) = env.get("SECRET_KEY")? {
        return key(text.into_bytes());
    }
    if matches!(database, DatabaseUrl::Postgres(_)) {
        return Err(wrong("SECRET_KEY", "is not set: at least 32 random characters, the same on every machine"));
    }
    let path = data_dir.join("secret.key");
    let failed = |error: std::io::Error| {
        wrong("SECRET_KEY", format_args!("is not set, and {} cannot be made: {error}", path.display()))
    };
    match std::fs::read(&path) {
        Ok(bytes) => key(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(data_dir).map_err(failed)?;
            write_new_key(&path).map_err(failed)?;
            key(std::fs::read(&path).map_err(failed)?)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Only the owner may read it; of two processes that start at once, one makes it.
fn write_new_key(path: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let result = options.open(path).and_then(|mut file| {
        file.write_all(shop::secrets::random_key().as_bytes())?;
        file.sync_all()
    });
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests;
