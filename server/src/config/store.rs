//! What describes the store: the `[store]` table of `Leptos.toml`.

use super::{ConfigError, wrong};
use locale::Locale;
use serde::Deserialize;
use shop::Policy;
use shop::analytics::Zone;
use shop::invoices::{BadPattern, Numbering, Pattern};
use shop::notation::Notation;
use shop::types::Currency;
use std::path::{Path, PathBuf};

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

/// The table in the file at `path`, checked; the defaults if there is no file.
pub(super) fn read(path: &Path) -> Result<Store, ConfigError> {
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
