//! The Union's register of numbers for value-added tax (VIES): whether somebody has a number.
//!
//! Asked only if the operator wants it, after the buyer has paid and before the order is written. The register is often
//! out of order; what it does not answer in time is left to the number's form, and no sale waits longer than that.

use super::vat_id::VatId;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::OnceCell;
use url::Url;

/// The register's own address (<https://ec.europa.eu/taxation_customs/vies/#/technical-information>).
const VIES_API_BASE: &str = "https://ec.europa.eu/taxation_customs/vies/rest-api/";
/// For the whole question.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where the register is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vies(String);

impl Default for Vies {
    fn default() -> Self {
        Self(VIES_API_BASE.to_owned())
    }
}

impl Vies {
    /// At this address, which ends with a slash.
    #[must_use]
    pub fn at(base: &Url) -> Self {
        Self(base.as_str().to_owned())
    }
}

/// Asks the register.
#[derive(Debug)]
pub(crate) struct Register {
    base: Vies,
    /// Made with the first question: most processes ask none.
    client: OnceCell<reqwest::Client>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    country_code: &'a str,
    vat_number: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    /// Missing where the register says that it cannot say.
    valid: Option<bool>,
}

impl Register {
    pub(crate) fn new(base: Vies) -> Self {
        Self { base, client: OnceCell::new() }
    }

    /// Whether the number is somebody's; none if the register does not say, or does not in time.
    pub(crate) async fn knows(&self, id: &VatId) -> Option<bool> {
        let country = id.country.to_string();
        let code = if country == "GR" { "EL" } else { country.as_str() };
        let question = serde_json::to_vec(&Question { country_code: code, vat_number: &id.number }).ok()?;
        let client = self
            .client
            .get_or_try_init(|| async {
                reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()
            })
            .await
            .ok()?;
        let request = client
            .post(format!("{}check-vat-number", self.base.0))
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(question);
        let told = async {
            let response = request.send().await?.error_for_status()?;
            response.bytes().await
        };
        match told.await {
            Ok(bytes) => serde_json::from_slice::<Answer>(&bytes).ok()?.valid,
            Err(error) => {
                tracing::warn!(%error, "the register of VAT numbers did not answer");
                None
            }
        }
    }
}
