//! How the store of a test is opened.

use super::{FilesWay, MailWay};
use shop::Clock;
use shop::hooks::Reach;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// How the store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the background loops run; without them a test works on events itself.
    pub workers: bool,
    /// Whether the sandbox delivers its events.
    pub webhooks: bool,
    pub clock: Clock,
    pub policy: shop::Policy,
    /// How far webhooks reach: this machine, by default.
    pub reach: Reach,
    /// Further currencies that the buyer may choose.
    pub currencies: Vec<shop::types::Currency>,
    /// How amounts, days and countries are written.
    pub locale: &'static str,
    pub time_zone: shop::analytics::Zone,
    /// Where numbers for value-added tax are looked up.
    pub vies: shop::tax::Vies,
    pub mail: MailWay,
    pub files: FilesWay,
    /// Whether it is a demo store.
    pub demo: bool,
    /// Whether it is a live store; the sandbox knows test mode only.
    pub livemode: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: true,
            webhooks: true,
            clock: Clock::System,
            policy: shop::Policy::default(),
            reach: Reach::demo(),
            currencies: Vec::new(),
            locale: "en",
            time_zone: shop::analytics::Zone::default(),
            vies: shop::tax::Vies::default(),
            mail: MailWay::Memory,
            files: FilesWay::Folder,
            demo: false,
            livemode: false,
        }
    }
}
