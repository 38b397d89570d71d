//! How the store taxes, as the desk has set it, and the operator's own rates.

use super::rates::{self, Kind};
use crate::audit::{self, Actor};
use crate::books::{forget_forms, object};
use crate::db::schema::{book, orders, tax_rate, tax_setting};
use crate::db::{AnyConnection, both};
use crate::secrets;
use crate::types::{Country, OneStopShop, OrderNumber, Slug, TaxMode, TaxRefusal, TaxSettings};
use crate::{Error, Shop};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Value, json};

/// How the store taxes; without settings, not at all.
///
/// # Errors
/// The database's.
pub fn settings(conn: &mut AnyConnection) -> Result<TaxSettings, Error> {
    read(kept(conn)?.as_deref())
}

/// The settings as they are kept; none before they were first set.
fn kept(conn: &mut AnyConnection) -> Result<Option<String>, Error> {
    Ok(tax_setting::table.find(1).select(tax_setting::value).first(conn).optional()?)
}

fn read(kept: Option<&str>) -> Result<TaxSettings, Error> {
    kept.map_or_else(
        || Ok(TaxSettings::default()),
        |text| serde_json::from_str(text).map_err(|error| Error::internal(format!("the settings of tax: {error}"))),
    )
}

impl TaxSettings {
    /// What a form carries of the settings that it was filled from: another word as soon as anything in them is another.
    #[must_use]
    pub fn version(&self) -> String {
        secrets::hash(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// The rates as the desk shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxRates {
    /// What holds today: for e-books, and for everything else.
    pub today: Vec<(Country, [Option<rates::Rate>; 2])>,
    /// The operator's own.
    pub own: Vec<rates::Rate>,
}

/// Why settings cannot be; the rates are those of the day.
fn refused(settings: &TaxSettings, rates: &[rates::Rate], today: NaiveDate) -> Option<TaxRefusal> {
    if settings.mode != TaxMode::Table {
        return None;
    }
    if !settings.inclusive {
        return Some(TaxRefusal::ExclusiveTable);
    }
    let Some(seller) = settings.seller else { return Some(TaxRefusal::NoSeller) };
    if settings.oss == OneStopShop::BelowThreshold && !seller.is_in_union() {
        return Some(TaxRefusal::NoThreshold);
    }
    let known = |country: &Country| Kind::ALL.into_iter().all(|kind| rates::on(rates, *country, kind, today).is_some());
    (!std::iter::once(&seller).chain(&settings.registered).all(known)).then_some(TaxRefusal::NoRate)
}

impl Shop {
    /// How the store taxes.
    ///
    /// # Errors
    /// The database's.
    pub async fn tax_settings(&self) -> Result<TaxSettings, Error> {
        self.0.db.read(settings).await
    }

    /// What holds today, country by country, and what the operator has set, whenever that holds.
    ///
    /// # Errors
    /// The database's.
    pub async fn tax_rates(&self) -> Result<TaxRates, Error> {
        let today = self.0.settings.time_zone.day_of(self.0.clock.now());
        let all = self.0.db.read(rates::all).await?;
        let mut countries: Vec<Country> = all.iter().map(|rate| rate.country).collect();
        countries.dedup();
        let rate = |country, kind| rates::on(&all, country, kind, today).cloned();
        let today = countries.into_iter().map(|country| (country, Kind::ALL.map(|kind| rate(country, kind)))).collect();
        Ok(TaxRates { today, own: all.iter().filter(|rate| rate.own).cloned().collect() })
    }

    /// Changes how the store taxes from now on, over the settings of which [`TaxSettings::version`] is `over`. Who is on the
    /// way to pay is taxed as was said when she left. Settings that are so already change nothing.
    ///
    /// # Errors
    /// [`TaxRefusal`] inside, if they cannot be, or were changed since ([`TaxRefusal::Outdated`]); the database's.
    pub async fn change_tax_settings(
        &self,
        actor: &Actor,
        over: &str,
        new: TaxSettings,
    ) -> Result<Result<(), TaxRefusal>, Error> {
        let (actor, over, now) = (*actor, over.to_owned(), self.0.clock.now());
        let today = self.0.settings.time_zone.day_of(now);
        self.0
            .db
            .write(move |conn| {
                if let Some(why) = refused(&new, &rates::all(conn)?, today) {
                    return Ok(Err(why));
                }
                let saved = kept(conn)?;
                let before = read(saved.as_deref())?;
                if before == new {
                    forget_forms(conn, "tax")?;
                    return Ok(Ok(()));
                }
                if before.version() != over {
                    return Ok(Err(TaxRefusal::Outdated));
                }
                let json = |settings: &TaxSettings| serde_json::to_value(settings).unwrap_or(Value::Null);
                let text = json(&new).to_string();
                let change = (tax_setting::value.eq(&text), tax_setting::changed_at.eq(now));
                let changed = match &saved {
                    Some(saved) => diesel::update(tax_setting::table.find(1_i64).filter(tax_setting::value.eq(saved)))
                        .set(change)
                        .execute(conn)?,
                    None => {
                        let row = (tax_setting::id.eq(1), change);
                        both!(conn, |c| diesel::insert_into(tax_setting::table)
                            .values(row)
                            .on_conflict_do_nothing()
                            .execute(c))?
                    }
                };
                // Somebody was quicker, between the look and now.
                if changed == 0 {
                    return Ok(Err(TaxRefusal::Outdated));
                }
                forget_forms(conn, "tax")?;
                let (before, after) = (json(&before), json(&new));
                audit::record(conn, &actor, "tax.changed", "settings:tax".into(), Some(before), Some(after))?;
                Ok(Ok(()))
            })
            .await
    }

    /// A book's product tax code; none if there is no such book.
    ///
    /// # Errors
    /// The database's.
    pub async fn book_tax_code(&self, slug: &Slug) -> Result<Option<String>, Error> {
        let slug = slug.clone();
        self.0
            .db
            .read(move |conn| {
                let found = book::table.filter(book::slug.eq(slug.as_str())).select(book::tax_code);
                Ok(found.first(conn).optional()?)
            })
            .await
    }

    /// Gives a book another product tax code of Stripe's: `txcd_` and eight digits. Stripe is asked whether it has it; a
    /// store that cannot ask (without a key that may, or while Stripe is out of reach) takes the form for it.
    ///
    /// # Errors
    /// [`TaxRefusal::NotACode`] or [`TaxRefusal::UnknownCode`] inside; [`Error::NotFound`] for an unknown book; the database's.
    pub async fn set_book_tax_code(
        &self,
        actor: &Actor,
        slug: &Slug,
        code: &str,
    ) -> Result<Result<(), TaxRefusal>, Error> {
        let code = code.trim().to_owned();
        let digits = code.strip_prefix("txcd_").unwrap_or_default();
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Err(TaxRefusal::NotACode));
        }
        match self.0.payments.knows_tax_code(&code).await {
            Ok(true) => {}
            Ok(false) => return Ok(Err(TaxRefusal::UnknownCode)),
            Err(error) => tracing::warn!(%error, code, "Stripe does not say whether it has a product tax code"),
        }
        let (actor, slug, now) = (*actor, slug.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let of_book = || book::table.filter(book::slug.eq(slug.as_str()));
                let before: String = of_book().select(book::tax_code).first(conn).optional()?.ok_or(Error::NotFound)?;
                if before == code {
                    return Ok(Ok(()));
                }
                diesel::update(of_book())
                    .set((
                        book::tax_code.eq(&code),
                        book::tax_code_refused_at.eq(None::<NaiveDateTime>),
                        book::updated_at.eq(now),
                    ))
                    .execute(conn)?;
                let told = |code: &str| Some(json!({ "tax_code": code }));
                audit::record(conn, &actor, "book.tax-code-set", object(&slug), told(&before), told(&code))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Writes down that somebody has seen to an order whose tax Stripe could not work out.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such order, or nothing to see to; the database's.
    pub async fn tax_seen_to(&self, actor: &Actor, number: &OrderNumber) -> Result<(), Error> {
        let (actor, number, now) = (*actor, number.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let waiting = orders::table
                    .filter(orders::number.eq(number.as_str()))
                    .filter(orders::tax_problem.is_not_null())
                    .filter(orders::tax_seen_to_at.is_null());
                if diesel::update(waiting).set(orders::tax_seen_to_at.eq(now)).execute(conn)? == 0 {
                    return Err(Error::NotFound);
                }
                audit::record(conn, &actor, "order.tax-seen-to", crate::desk::object(&number), None, None)
            })
            .await
    }

    /// Sets a rate from a day on, in the place of an own one of the same day.
    ///
    /// # Errors
    /// [`TaxRefusal::Unreadable`] inside, for a rate that is none; the database's.
    pub async fn set_tax_rate(
        &self,
        actor: &Actor,
        country: Country,
        kind: Kind,
        valid_from: NaiveDate,
        ppm: i64,
        note: &str,
    ) -> Result<Result<(), TaxRefusal>, Error> {
        if !(0..=1_000_000).contains(&ppm) {
            return Ok(Err(TaxRefusal::Unreadable));
        }
        let (actor, note) = (*actor, note.trim().chars().take(200).collect::<String>());
        self.0
            .db
            .write(move |conn| {
                forget_forms(conn, "rate")?;
                let code = country.to_string();
                let key = (code.as_str(), kind.as_str(), valid_from);
                let before: Option<i64> =
                    tax_rate::table.find(key).select(tax_rate::rate_ppm).first(conn).optional()?;
                let change = (tax_rate::rate_ppm.eq(ppm), tax_rate::note.eq(&note));
                let row = (
                    tax_rate::country.eq(&code),
                    tax_rate::kind.eq(kind.as_str()),
                    tax_rate::valid_from.eq(valid_from),
                    change,
                );
                both!(conn, |c| diesel::insert_into(tax_rate::table)
                    .values(row)
                    .on_conflict((tax_rate::country, tax_rate::kind, tax_rate::valid_from))
                    .do_update()
                    .set(change)
                    .execute(c))?;
                let told =
                    |ppm: i64| json!({ "kind": kind.as_str(), "from": valid_from, "percent": rates::percent(ppm) });
                let object = format!("tax-rate:{code}");
                audit::record(conn, &actor, "tax.rate-set", object, before.map(told), Some(told(ppm)))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Takes an own rate away; what came with the program holds again. Refused where the store taxes by it and nothing would
    /// be left.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; the database's.
    pub async fn remove_tax_rate(
        &self,
        actor: &Actor,
        country: Country,
        kind: Kind,
        valid_from: NaiveDate,
    ) -> Result<Result<(), TaxRefusal>, Error> {
        let (actor, today) = (*actor, self.today().await?);
        self.0
            .db
            .write(move |conn| {
                let code = country.to_string();
                let own = |rate: &rates::Rate| {
                    (rate.country, rate.kind, rate.valid_from) == (country, kind, valid_from) && rate.own
                };
                let mut left = rates::all(conn)?;
                left.retain(|rate| !own(rate));
                if let Some(why) = refused(&settings(conn)?, &left, today) {
                    return Ok(Err(why));
                }
                let gone: i64 = diesel::delete(tax_rate::table.find((code.as_str(), kind.as_str(), valid_from)))
                    .returning(tax_rate::rate_ppm)
                    .get_result(conn)
                    .optional()?
                    .ok_or(Error::NotFound)?;
                let before = json!({ "kind": kind.as_str(), "from": valid_from, "percent": rates::percent(gone) });
                audit::record(conn, &actor, "tax.rate-removed", format!("tax-rate:{code}"), Some(before), None)?;
                Ok(Ok(()))
            })
            .await
    }
}
