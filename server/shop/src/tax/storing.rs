//! From what Stripe tells of a paid session to the taxes of its order: as Stripe worked them out, or by the store's table.

use super::place::{self, Place};
use super::rates::{self, Kind};
use super::vat_id::VatId;
use super::{settings, working};
use crate::cart::Offer;
use crate::db::AnyConnection;
use crate::db::schema::{checkout, order_tax, orders, tax_evidence};
use crate::payments::{LineTax, Session, SessionLine, SessionState};
use crate::types::{Country, TaxMode, TaxSettings, TaxSource, TaxTreatment};
use crate::{Error, Shop};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// How a payment that begins now is to be taxed, as its checkout keeps it; nothing if not at all.
///
/// # Errors
/// The database's.
pub(crate) fn plan(conn: &mut AnyConnection) -> Result<Option<String>, Error> {
    let settings = settings(conn)?;
    if !settings.taxes() {
        return Ok(None);
    }
    Ok(Some(serde_json::to_string(&settings).map_err(|error| Error::internal(error.to_string()))?))
}

/// Reads [`plan`] again.
///
/// # Errors
/// [`Error::Internal`] if it is none.
pub(crate) fn read_plan(plan: Option<&str>) -> Result<TaxSettings, Error> {
    plan.map_or_else(
        || Ok(TaxSettings::default()),
        |text| serde_json::from_str(text).map_err(|error| Error::internal(format!("the tax of a checkout: {error}"))),
    )
}

/// What came of a look at the number that a business gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Its form is right; nobody was asked.
    Form,
    /// The register has it.
    Known,
    /// The register does not have it.
    Unknown,
    /// The register did not say: its form is right.
    Unanswered,
    /// It has not the form of one.
    Malformed,
}

impl Looked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Known => "vies: valid",
            Self::Unknown => "vies: invalid",
            Self::Unanswered => "vies: no answer",
            Self::Malformed => "malformed",
        }
    }
}

/// How an order is taxed.
#[derive(Debug)]
pub(crate) struct Taxed {
    /// By whose rules; none if nobody taxes it.
    country: Option<String>,
    source: TaxSource,
    /// For each line of the session what it came to, with its taxes.
    pub(crate) lines: Vec<SessionLine>,
    looked: Option<Looked>,
    /// Stripe's word for why it could not work it out.
    problem: Option<String>,
}

impl Taxed {
    /// The tax of the whole order.
    pub(crate) fn amount(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.tax))
    }
}

impl Shop {
    /// Looks a business up in the register, where the settings want that and its order is not written yet.
    ///
    /// # Errors
    /// The database's; that the register is out of order is none.
    pub(crate) async fn look_up(&self, session: &Session) -> Result<Option<Looked>, Error> {
        if matches!(session.state, SessionState::Open | SessionState::Expired) {
            return Ok(None);
        }
        let Some(id) = session.vat_id.as_ref().and_then(|(kind, value)| VatId::read(kind, value)) else {
            return Ok(None);
        };
        let (session_id, key) = (session.id.clone(), session.idempotency_key.clone());
        let plan: Option<Option<String>> = self
            .0
            .db
            .read(move |conn| {
                Ok(checkout::table
                    .left_join(orders::table)
                    .filter(checkout::stripe_session.eq(session_id).or(checkout::idem_key.nullable().eq(key)))
                    .filter(orders::id.is_null())
                    .select(checkout::tax)
                    .first(conn)
                    .optional()?)
            })
            .await?;
        let plan = read_plan(plan.flatten().as_deref())?;
        if plan.mode != TaxMode::Table || !plan.vies || !id.country.is_in_union() {
            return Ok(None);
        }
        Ok(Some(match self.0.vies.knows(&id).await {
            Some(true) => Looked::Known,
            Some(false) => Looked::Unknown,
            None => Looked::Unanswered,
        }))
    }
}

/// Works out what has to be, and takes over what Stripe has worked out.
///
/// # Errors
/// [`Error::Money`] if the sum does not fit; the database's.
pub(crate) fn tax(
    conn: &mut AnyConnection,
    plan: &TaxSettings,
    session: &Session,
    offers: &[Offer],
    looked: Option<Looked>,
    day: NaiveDate,
) -> Result<Taxed, Error> {
    let billing = session.country.as_deref().and_then(|code| code.parse::<Country>().ok());
    let by_stripe = session.lines.iter().any(|line| !line.taxes.is_empty() || line.tax > 0);
    let (TaxMode::Table, Some(seller), false) = (plan.mode, plan.seller, by_stripe) else {
        let country = session.lines.iter().flat_map(|line| &line.taxes).map(|tax| tax.country.clone()).next();
        let country = country.or_else(|| session.country.clone().filter(|_| by_stripe));
        let problem = session.tax_problem.clone().filter(|_| plan.mode == TaxMode::Stripe);
        if let Some(problem) = &problem {
            tracing::error!(session = session.id, problem, "Stripe could not work out the tax of a payment");
        }
        return Ok(Taxed { country, source: TaxSource::Stripe, lines: session.lines.clone(), looked, problem });
    };
    let card = session.card_country.as_deref().and_then(|code| code.parse::<Country>().ok());
    let id = session.vat_id.as_ref().and_then(|(kind, value)| VatId::read(kind, value));
    let looked = match (&id, &session.vat_id) {
        (None, Some(_)) => Some(Looked::Malformed),
        (Some(_), _) => Some(looked.unwrap_or(Looked::Form)),
        (None, None) => None,
    };
    let trusted = id.filter(|_| looked != Some(Looked::Unknown));
    let place = place::of(plan, seller, place::located(billing, card, None), trusted.as_ref());
    let mut lines = session.lines.clone();
    match place {
        Place::Taxed(country) => by_table(conn, &mut lines, offers, country, day)?,
        Place::ReverseCharge(country) => untaxed(&mut lines, country, TaxTreatment::ReverseCharge),
        Place::OutsideScope(country) => untaxed(&mut lines, country, TaxTreatment::OutsideScope),
    }
    Ok(Taxed { country: Some(place.country().to_string()), source: TaxSource::Table, lines, looked, problem: None })
}

fn untaxed(lines: &mut [SessionLine], country: Country, treatment: TaxTreatment) {
    for line in lines {
        line.taxes = vec![LineTax {
            country: country.to_string(),
            region: String::new(),
            name: NAME.to_owned(),
            rate_ppm: 0,
            taxable: line.total,
            amount: 0,
            inclusive: true,
            treatment,
        }];
    }
}

/// What the table's taxes are called.
const NAME: &str = "VAT";

fn by_table(
    conn: &mut AnyConnection,
    lines: &mut [SessionLine],
    offers: &[Offer],
    country: Country,
    day: NaiveDate,
) -> Result<(), Error> {
    let rates = rates::all(conn)?;
    let standard = rates::on(&rates, country, Kind::Standard, day);
    let mut by_kind: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (i, offer) in offers.iter().enumerate().take(lines.len()) {
        by_kind.entry(Kind::of_code(&offer.tax_code)).or_default().push(i);
    }
    for (kind, titles) in by_kind {
        let Some(rate) = rates::on(&rates, country, kind, day) else {
            // The settings name no such country; a rate of theirs was taken away since.
            tracing::error!(%country, kind = kind.as_str(), "there is no rate of tax: nothing was taxed");
            for i in titles {
                if let Some(line) = lines.get_mut(i) {
                    untaxed(std::slice::from_mut(line), country, TaxTreatment::OutsideScope);
                }
            }
            continue;
        };
        let totals: Vec<i64> = titles.iter().filter_map(|i| lines.get(*i)).map(|line| line.total).collect();
        for (i, amount) in titles.into_iter().zip(working::included(&totals, rate.ppm)?) {
            let Some(line) = lines.get_mut(i) else { continue };
            line.tax = amount;
            line.taxes = vec![LineTax {
                country: country.to_string(),
                region: String::new(),
                name: NAME.to_owned(),
                rate_ppm: rate.ppm,
                taxable: line.total - amount,
                amount,
                inclusive: true,
                treatment: rate.treatment(standard),
            }];
        }
    }
    Ok(())
}

/// Writes down the taxes of an order whose items are there, and what speaks for them. `items` are the ids in the lines'
/// order.
///
/// # Errors
/// The database's.
pub(crate) fn write(
    conn: &mut AnyConnection,
    order_id: i64,
    items: &[i64],
    taxed: &Taxed,
    session: &Session,
) -> Result<(), Error> {
    for (item, line) in items.iter().zip(&taxed.lines) {
        for (position, tax) in (0_i32..).zip(&line.taxes) {
            diesel::insert_into(order_tax::table)
                .values((
                    order_tax::order_item_id.eq(item),
                    order_tax::position.eq(position),
                    order_tax::country.eq(&tax.country),
                    order_tax::region.eq(&tax.region),
                    order_tax::name.eq(&tax.name),
                    order_tax::rate_ppm.eq(tax.rate_ppm),
                    order_tax::taxable.eq(tax.taxable),
                    order_tax::amount.eq(tax.amount),
                    order_tax::inclusive.eq(tax.inclusive),
                    order_tax::treatment.eq(tax.treatment.as_str()),
                    order_tax::source.eq(taxed.source.as_str()),
                ))
                .execute(conn)?;
        }
    }
    let (kind, number) = session.vat_id.clone().unzip();
    diesel::update(orders::table.find(order_id))
        .set((
            orders::tax_country.eq(&taxed.country),
            orders::vat_id.eq(number),
            orders::vat_id_kind.eq(kind),
            orders::company.eq(&session.company),
            orders::address.eq(&session.address),
            orders::tax_problem.eq(&taxed.problem),
        ))
        .execute(conn)?;
    let evidence = [
        ("billing_country", session.country.as_deref()),
        ("card_country", session.card_country.as_deref()),
        ("vat_id_check", taxed.looked.map(Looked::as_str)),
    ];
    // Where nobody taxes, where the buyer is says nothing.
    if taxed.country.is_none() {
        return Ok(());
    }
    for (kind, value) in evidence {
        let Some(value) = value else { continue };
        diesel::insert_into(tax_evidence::table)
            .values((tax_evidence::order_id.eq(order_id), tax_evidence::kind.eq(kind), tax_evidence::value.eq(value)))
            .execute(conn)?;
    }
    Ok(())
}
