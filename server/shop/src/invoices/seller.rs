//! Who sells, as the desk has it, and how documents look. What was issued keeps what was true on its day.

use super::document::Seller;
use crate::audit::{self, Actor};
use crate::books::{NotTaken, ONE_PICTURE_AT_A_TIME, decoded_picture, forget_forms};
use crate::db::schema::{invoice_logo, invoice_settings};
use crate::db::{AnyConnection, both};
use crate::inspect::Refused;
use crate::secrets;
use crate::types::{Country, Problem, SellerForm};
use crate::{Error, Shop};
use bytes::Bytes;
use chrono::{Datelike as _, NaiveDate};
use diesel::prelude::*;
use image::ImageFormat;
use image::imageops::FilterType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

/// A logo is made to fit into so many pixels: some 5 by 2 cm at 300 a inch.
const LOGO: (u32, u32) = (600, 240);
/// A smaller one is a mistake.
const LEAST: u32 = 24;
const LINE: usize = 120;
const LINES: usize = 6;
const TEXT: usize = 1_000;

/// The languages that documents are written in.
pub const LOCALES: [(&str, &str); 10] = [
    ("en", "English"),
    ("en-GB", "English (United Kingdom)"),
    ("en-US", "English (United States)"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("ar", "العربية"),
    ("he", "עברית"),
];
/// The papers that they are laid out for.
pub const PAPERS: [&str; 2] = ["A4", "Letter"];

/// What the desk decides about the documents that are issued from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SellerSettings {
    /// The name that the store trades under; the store's own name if empty.
    pub name: String,
    /// Line by line.
    pub address: Vec<String>,
    /// ISO 3166, or empty.
    pub country: String,
    /// For trade within the EU.
    pub vat_id: String,
    /// Of the tax office.
    pub tax_number: String,
    /// Where a buyer may write to.
    pub email: String,
    /// What the law wants at the foot.
    pub legal_text: String,
    /// What the buyer may do with the files.
    pub licence_text: String,
    /// The documents' language, one of [`LOCALES`].
    pub locale: String,
    /// One of [`PAPERS`].
    pub paper: String,
}

impl Default for SellerSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            address: Vec::new(),
            country: String::new(),
            vat_id: String::new(),
            tax_number: String::new(),
            email: String::new(),
            legal_text: String::new(),
            licence_text: String::new(),
            locale: "en".into(),
            paper: "A4".into(),
        }
    }
}

impl SellerSettings {
    /// Reads what was typed.
    ///
    /// # Errors
    /// As [`SellerSettings::checked`].
    pub fn read(form: SellerForm) -> Result<Self, Vec<Problem>> {
        let SellerForm { name, address, country, vat_id, tax_number, email, legal_text, licence_text, locale, paper } =
            form;
        let address = address.lines().map(str::to_owned).collect();
        let typed = Self { name, address, country, vat_id, tax_number, email, legal_text, licence_text, locale, paper };
        typed.checked()
    }

    /// Each line trimmed, without empty ones in the address.
    ///
    /// # Errors
    /// What does not fit on a page, or is none of ours, by field.
    pub fn checked(mut self) -> Result<Self, Vec<Problem>> {
        let plain = |text: &str| -> String {
            text.split(|c: char| c.is_whitespace() || c.is_control())
                .filter(|w| !w.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        for line in [&mut self.name, &mut self.vat_id, &mut self.tax_number, &mut self.email, &mut self.country] {
            *line = plain(line);
        }
        for text in [&mut self.legal_text, &mut self.licence_text] {
            *text = text.lines().map(plain).collect::<Vec<_>>().join("\n").trim().to_owned();
        }
        self.address = self.address.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
        self.country = self.country.to_uppercase();
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    fn problems(&self) -> Vec<Problem> {
        let long = |line: &String| line.chars().count() > LINE;
        let lines =
            [("name", &self.name), ("vat_id", &self.vat_id), ("tax_number", &self.tax_number), ("email", &self.email)];
        let lines = lines.into_iter().filter(|(_, line)| long(line));
        let mut all: Vec<Problem> =
            lines.map(|(field, _)| Problem::new(field, "At most 120 characters have room in a line.")).collect();
        if self.address.len() > LINES || self.address.iter().any(long) {
            all.push(Problem::new("address", "At most six lines of 120 characters have room."));
        }
        for (field, text) in [("legal_text", &self.legal_text), ("licence_text", &self.licence_text)] {
            if text.chars().count() > TEXT {
                all.push(Problem::new(field, "At most 1,000 characters have room."));
            }
        }
        if !self.country.is_empty() && self.country.parse::<Country>().is_err() {
            all.push(Problem::new("country", "A country is two letters, like DE or US."));
        }
        if !LOCALES.iter().any(|(tag, _)| *tag == self.locale) {
            all.push(Problem::new("locale", "Please choose one of these."));
        }
        if !PAPERS.contains(&self.paper.as_str()) {
            all.push(Problem::new("paper", "Please choose one of these."));
        }
        all
    }

    /// What a form carries of the settings that it was filled from: another word as soon as anything in them is another.
    #[must_use]
    pub fn version(&self) -> String {
        secrets::hash(&serde_json::to_string(self).unwrap_or_default())
    }

    /// Whether there is enough for an invoice that names its seller: a name and an address.
    #[must_use]
    pub const fn is_filled(&self) -> bool {
        !self.address.is_empty() && !self.country.is_empty()
    }

    pub(super) fn as_of_now(&self, shop: &Shop, logo: Option<String>) -> Seller {
        let this = self.clone();
        Seller {
            name: if this.name.is_empty() { shop.store_name().to_owned() } else { this.name },
            address: this.address,
            country: this.country,
            vat_id: this.vat_id,
            tax_number: this.tax_number,
            email: this.email,
            legal_text: this.legal_text,
            licence_text: this.licence_text,
            logo,
        }
    }
}

/// The settings are others by now than those that a form was filled from. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings have changed meanwhile")]
pub struct Outdated;

/// The settings with what the program's configuration says of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceSettings {
    /// What the desk decides.
    pub seller: SellerSettings,
    /// Whether there is a logo.
    pub logo: bool,
    /// The patterns of invoices and of credit notes.
    pub patterns: [String; 2],
    /// For how many days a buyer may have her invoice made out anew.
    pub days: u16,
}

impl Shop {
    /// What documents that are issued now would say of their seller.
    ///
    /// # Errors
    /// The database's.
    pub async fn invoice_settings(&self) -> Result<InvoiceSettings, Error> {
        let (seller, logo) = self.0.db.read(now).await?;
        let numbering = &self.0.settings.numbering;
        Ok(InvoiceSettings {
            seller,
            logo: logo.is_some(),
            patterns: [numbering.invoices().to_string(), numbering.credit_notes().to_string()],
            days: self.0.settings.policy.invoice_days,
        })
    }

    /// The seller as a document that is issued now would have it, with the settings of its look.
    ///
    /// # Errors
    /// The database's.
    pub async fn seller_now(&self) -> Result<(Seller, SellerSettings), Error> {
        let (settings, logo) = self.0.db.read(now).await?;
        Ok((settings.as_of_now(self, logo), settings))
    }

    /// How an invoice's number of that year is written.
    #[must_use]
    pub fn number_for_example(&self, day: NaiveDate) -> String {
        self.0.settings.numbering.invoices().number(day.year(), 42)
    }

    /// Today, where the store is.
    #[must_use]
    pub fn document_day(&self) -> NaiveDate {
        self.0.settings.time_zone.day_of(self.0.clock.now())
    }

    /// Changes it, for documents that are issued from now on, over the settings of which [`SellerSettings::version`] is
    /// `over`. Settings that are so already change nothing.
    ///
    /// # Errors
    /// [`Outdated`] inside, if they were changed since; the database's.
    pub async fn set_seller(
        &self,
        actor: &Actor,
        over: &str,
        settings: &SellerSettings,
    ) -> Result<Result<(), Outdated>, Error> {
        let (actor, over, settings, at) = (*actor, over.to_owned(), settings.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let saved: Option<String> =
                    invoice_settings::table.find(1).select(invoice_settings::seller).first(conn).optional()?;
                let before = parsed(saved.as_deref())?;
                if before == settings {
                    forget_forms(conn, "seller")?;
                    return Ok(Ok(()));
                }
                if before.version() != over {
                    return Ok(Err(Outdated));
                }
                let text = super::json(&settings)?;
                let change = (invoice_settings::seller.eq(&text), invoice_settings::changed_at.eq(at));
                let changed = match &saved {
                    Some(saved) => {
                        let as_it_was = invoice_settings::table.find(1_i64).filter(invoice_settings::seller.eq(saved));
                        diesel::update(as_it_was).set(change).execute(conn)?
                    }
                    None => {
                        let row = (invoice_settings::id.eq(1), change);
                        both!(conn, |c| diesel::insert_into(invoice_settings::table)
                            .values(row)
                            .on_conflict_do_nothing()
                            .execute(c))?
                    }
                };
                // Somebody was quicker, between the look and now.
                if changed == 0 {
                    return Ok(Err(Outdated));
                }
                forget_forms(conn, "seller")?;
                let (before, after) = (json!(before), json!(settings));
                audit::record(conn, &actor, "invoices.seller", "settings:invoices".into(), Some(before), Some(after))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Takes a picture for the logo, or takes the logo away.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed then.
    pub async fn set_logo(&self, actor: &Actor, picture: Option<Bytes>) -> Result<(), NotTaken> {
        let key = match picture {
            Some(picture) => Some(self.keep_logo(picture).await?),
            None => None,
        };
        let (actor, at) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let (settings, before) = now(conn)?;
                if before == key {
                    return Ok(());
                }
                if let Some(key) = &key {
                    let row = (invoice_logo::key.eq(key), invoice_logo::kept_at.eq(at));
                    both!(conn, |c| diesel::insert_into(invoice_logo::table)
                        .values(row)
                        .on_conflict_do_nothing()
                        .execute(c))?;
                }
                let row = (
                    invoice_settings::id.eq(1),
                    invoice_settings::seller.eq(super::json(&settings)?),
                    invoice_settings::logo_key.eq(&key),
                    invoice_settings::changed_at.eq(at),
                );
                both!(conn, |c| diesel::insert_into(invoice_settings::table)
                    .values(row)
                    .on_conflict(invoice_settings::id)
                    .do_update()
                    .set((invoice_settings::logo_key.eq(&key), invoice_settings::changed_at.eq(at)))
                    .execute(c))?;
                let (before, after) = (json!({ "logo": before }), json!({ "logo": key }));
                audit::record(conn, &actor, "invoices.logo", "settings:invoices".into(), Some(before), Some(after))
            })
            .await?;
        Ok(())
    }

    /// Keeps a picture as a PNG of ours. The same picture twice is one object.
    async fn keep_logo(&self, picture: Bytes) -> Result<String, NotTaken> {
        let turn = ONE_PICTURE_AT_A_TIME.acquire().await.map_err(|error| Error::internal(error.to_string()))?;
        let made = tokio::task::spawn_blocking(move || {
            let made = logo(&picture);
            drop(turn);
            made
        });
        let made = made.await.map_err(|error| Error::internal(error.to_string()))??;
        let digest = hex::encode(Sha256::digest(&made).get(..8).unwrap_or_default());
        let key = format!("logos/{digest}.png");
        self.0.files.put(&key, made.into()).await.map_err(Error::from)?;
        Ok(key)
    }
}

/// What was sent is decoded within limits and thrown away; what is kept is encoded here.
fn logo(picture: &[u8]) -> Result<Vec<u8>, Refused> {
    let decoded = decoded_picture(picture, LEAST)?;
    let (width, height) = LOGO;
    let fitted = if decoded.width() > width || decoded.height() > height {
        decoded.resize(width, height, FilterType::Lanczos3)
    } else {
        decoded
    };
    let mut bytes = Vec::new();
    fitted
        .into_rgba8()
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .map_err(|_| Refused::Because("The picture cannot be made into a logo.".into()))?;
    Ok(bytes)
}

/// The settings as they are, and the object of the logo.
pub(super) fn now(conn: &mut AnyConnection) -> Result<(SellerSettings, Option<String>), Error> {
    let row: Option<(String, Option<String>)> = invoice_settings::table
        .find(1)
        .select((invoice_settings::seller, invoice_settings::logo_key))
        .first(conn)
        .optional()?;
    let Some((text, logo)) = row else { return Ok((SellerSettings::default(), None)) };
    Ok((parsed(Some(&text))?, logo))
}

/// The settings as they are kept; without any, as they are before anybody has set them.
fn parsed(kept: Option<&str>) -> Result<SellerSettings, Error> {
    kept.map_or_else(
        || Ok(SellerSettings::default()),
        |text| serde_json::from_str(text).map_err(|error| Error::internal(format!("invoice settings: {error}"))),
    )
}

/// Whether invoices name their seller with an address.
pub(crate) fn has_seller(conn: &mut AnyConnection) -> Result<bool, Error> {
    Ok(now(conn)?.0.is_filled())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_on_a_page_is_refused() {
        let typed = |change: fn(&mut SellerSettings)| {
            let mut settings = SellerSettings::default();
            change(&mut settings);
            settings.checked()
        };
        let good = typed(|s| {
            s.address = vec![" Gasse  1 ".into(), String::new()];
            s.country = "de".into();
            s.legal_text = "HRB 1\r\nDirector: Ann\u{0}".into();
        })
        .unwrap();
        assert_eq!((good.address.as_slice(), good.country.as_str()), (&["Gasse 1".to_owned()][..], "DE"));
        assert_eq!(good.legal_text, "HRB 1\nDirector: Ann");
        let wrong = |change| typed(change).unwrap_err().into_iter().map(|problem| problem.field).collect::<Vec<_>>();
        assert_eq!(wrong(|s| s.name = "a".repeat(121)), ["name"]);
        assert_eq!(wrong(|s| s.address = vec!["x".into(); 7]), ["address"]);
        assert_eq!(wrong(|s| s.address = vec!["x".repeat(121)]), ["address"]);
        assert_eq!(wrong(|s| s.licence_text = "a".repeat(1_001)), ["licence_text"]);
        assert_eq!(wrong(|s| s.country = "Germany".into()), ["country"]);
        assert_eq!(wrong(|s| s.country = "d1".into()), ["country"]);
        assert_eq!(wrong(|s| s.paper = "A5".into()), ["paper"]);
        assert_eq!(wrong(|s| s.locale = "../en".into()), ["locale"]);
        let both = wrong(|s| {
            s.email = "a".repeat(121);
            s.country = "?".into();
        });
        assert_eq!(both, ["email", "country"]);
    }

    #[test]
    fn a_logo_is_made_anew_and_fits() {
        let mut sent = Vec::new();
        image::RgbImage::new(1_200, 300).write_to(&mut Cursor::new(&mut sent), ImageFormat::Jpeg).unwrap();
        let made = logo(&sent).unwrap();
        let read = image::load_from_memory_with_format(&made, ImageFormat::Png).unwrap();
        assert_eq!((read.width(), read.height()), (600, 150));
        assert_eq!(logo(&sent).unwrap(), made);
        assert!(logo(b"<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap_err().to_string().contains("SVG"));
        assert!(logo(&sent[..100]).is_err());
    }
}
