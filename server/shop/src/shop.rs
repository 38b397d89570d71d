//! [`Shop`]: everything a request needs, cheap to clone.

use crate::analytics::{Live, Visits, Zone};
use crate::clock::Clock;
use crate::db::Db;
use crate::files::Files;
use crate::hooks::{Courier, Reach};
use crate::invoices::Numbering;
use crate::limits::Limits;
use crate::mailer::{MailFolder, Mailer, Post};
use crate::notation::Notation;
use crate::payments::Payments;
use crate::secrets::{BrowserSecret, BuyerSecret, SecretKey};
use crate::staff::Hashing;
use crate::tax::{Register, Vies};
use crate::types::Currency;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// What the operator decides about the store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name over the door.
    pub name: String,
    /// The store's own address without a trailing slash, for example `https://books.example.org`.
    pub base_url: String,
    /// The currency that prices are shown and charged in.
    pub currency: Currency,
    /// Further currencies that prices may be in: the buyer chooses.
    pub currencies: Vec<Currency>,
    /// How amounts, days and countries are written for people.
    pub notation: Notation,
    /// Whether this is a demo store: says so on its pages, and refuses live keys.
    pub demo: bool,
    /// Whether Stripe objects of live mode are ours (a live key) or not (a test key).
    pub livemode: bool,
    /// Downloads, and how long what is known of them is kept.
    pub policy: Policy,
    /// How far webhooks reach.
    pub webhooks: Reach,
    /// Whose days the store's figures are told in, and whose years invoices are numbered by.
    pub time_zone: Zone,
    /// Where numbers for value-added tax are looked up, if the desk wants that.
    pub vies: Vies,
    /// How invoices and credit notes are numbered.
    pub numbering: Numbering,
}

/// How long and how often bought files can be fetched, and for how long the store remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a download token is good for.
    pub token_days: u16,
    /// How many claims it is good for.
    pub token_uses: u16,
    /// How often the buyer may renew it by herself …
    pub renewals: u16,
    /// … within so many days of the purchase.
    pub renewal_days: u16,
    /// How long a claim, once taken, serves the browser that took it.
    pub claim_hours: u16,
    /// How long an order stays open in the browser that paid for it.
    pub order_hours: u16,
    /// How long the delivery log keeps an entry, in days.
    pub log_days: u16,
    /// How long an invoice keeps its buyer's name and address, in years.
    pub invoice_years: u16,
    /// For how many days after that of the payment, the last one to its end, a buyer may say whom the invoice is made out to; 0
    /// for never.
    pub invoice_days: u16,
    /// What a program may ask of the API in a minute, for each account.
    pub api_per_minute: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            token_days: 7,
            token_uses: 3,
            renewals: 5,
            renewal_days: 365,
            claim_hours: 24,
            order_hours: 24,
            log_days: 400,
            invoice_years: 10,
            invoice_days: 30,
            api_per_minute: 600,
        }
    }
}

/// The address a request came from, after trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// The parts that a [`Shop`] is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What the operator decided.
    pub settings: Settings,
    /// The database, migrated.
    pub db: Db,
    /// Book files and covers.
    pub files: Files,
    /// Stripe.
    pub payments: Payments,
    /// How the store writes to people; without it what is queued stays queued.
    pub post: Option<Post>,
    /// What secrets are derived from.
    pub key: SecretKey,
    /// The time.
    pub clock: Clock,
}

/// The shop: one per process, cloned into every request.
#[derive(Clone)]
pub struct Shop(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) files: Files,
    pub(crate) payments: Payments,
    pub(crate) post: Option<Post>,
    pub(crate) key: SecretKey,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) visits: Visits,
    pub(crate) live: Live,
    pub(crate) hashing: Hashing,
    pub(crate) events_waiting: Notify,
    pub(crate) mail_waiting: Notify,
    pub(crate) access_waiting: Notify,
    pub(crate) webhooks_waiting: Notify,
    pub(crate) courier: Courier,
    pub(crate) vies: Register,
}

impl Shop {
    /// Opens the shop.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, db, files, payments, post, key, clock } = parts;
        let limits = Limits::new(settings.policy.api_per_minute);
        Self(Arc::new(Inner {
            courier: Courier::new(settings.webhooks.clone()),
            vies: Register::new(settings.vies.clone()),
            settings,
            db,
            files,
            payments,
            post,
            key,
            clock,
            limits,
            visits: Visits::default(),
            live: Live::default(),
            hashing: Hashing::default(),
            events_waiting: Notify::new(),
            mail_waiting: Notify::new(),
            access_waiting: Notify::new(),
            webhooks_waiting: Notify::new(),
        }))
    }

    /// The name over the door.
    #[must_use]
    pub fn store_name(&self) -> &str {
        &self.0.settings.name
    }

    /// The store's own address without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.settings.base_url
    }

    /// Whether cookies can be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base_url().starts_with("https://")
    }

    /// The currency that prices are shown and charged in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.0.settings.currency
    }

    /// The currencies that a buyer may choose from: the store's own first, each once.
    #[must_use]
    pub fn sold_in(&self) -> Vec<Currency> {
        let mut all = vec![self.currency()];
        for currency in &self.0.settings.currencies {
            if !all.contains(currency) {
                all.push(*currency);
            }
        }
        all
    }

    /// The currency of this code, if a buyer may choose it.
    #[must_use]
    pub fn sells_in(&self, code: &str) -> Option<Currency> {
        let further = self.0.settings.currencies.iter().copied();
        std::iter::once(self.currency()).chain(further).find(|currency| currency.code() == code)
    }

    /// How amounts, days and countries are written for people.
    #[must_use]
    pub fn notation(&self) -> &Notation {
        &self.0.settings.notation
    }

    /// Whether this is a demo store.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.0.settings.demo
    }

    /// Where the owner is told what needs a person, if the store can write at all.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.0.post.as_ref().map(|post| post.owner.as_str())
    }

    /// The mailbox that anybody may look into: a demo's that is a folder, and no other.
    #[must_use]
    pub fn open_mailbox(&self) -> Option<&MailFolder> {
        match &self.0.post {
            Some(Post { mailer: Mailer::File(folder), .. }) if self.is_demo() => Some(folder),
            _ => None,
        }
    }

    /// The secret for a browser that has none yet. Derived from its session, if it has one: of two clicks at once
    /// neither brings a cookie, and both must be given the same.
    #[must_use]
    pub fn new_browser_secret(&self, session_id: Option<&str>) -> BrowserSecret {
        session_id.map_or_else(BrowserSecret::generate, |id| self.0.key.browser_of(id))
    }

    /// The secret for a browser that has none any more, and a library that is open for longer. Derived from that, for the
    /// same reason.
    #[must_use]
    pub fn browser_of_library(&self, library: &BuyerSecret) -> BrowserSecret {
        self.0.key.browser_of(&format!("library {}", library.hash()))
    }

    /// The `Set-Cookie` header's value with a browser's secret, to go with a claim that it has taken: it lives for no less
    /// than the claim.
    #[must_use]
    pub fn claim_cookie(&self, browser: &BrowserSecret) -> String {
        browser.set_cookie_for(self.is_https(), self.0.settings.policy.claim_hours)
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Waits until everything is durable that has been handed to the database and that nobody waits for.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle(&self) -> Result<(), crate::Error> {
        self.0.db.write(|_| Ok(())).await
    }

    /// Book files and covers.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
}

impl std::fmt::Debug for Shop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shop").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
