//! From the cart to Stripe's payment page, or past it if there is nothing to pay ([`free`]).

mod free;

use crate::analytics::posting;
use crate::cart::{self, Cart, Offer};
use crate::db::schema::{book, checkout, orders};
use crate::db::{AnyConnection, both};
use crate::failpoint::{Failpoint, pass};
use crate::payments::{NewLine, NewSession, PaymentsError, Session};
use crate::secrets::BrowserSecret;
use crate::types::{Currency, Money, OrderStatus, TaxSettings};
use crate::{Error, Shop, refusals, tax};
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::time::Duration;
use uuid::Uuid;

/// Where the buyer goes to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutStart {
    /// Stripe's payment page: an absolute URL.
    Pay(String),
    /// There is nothing to pay: the page that asks for the address.
    Free,
    /// This very cart was paid for and the buyer has not come back: that order's success page, an absolute URL.
    Paid(String),
}

/// Stripe lets a session live for 24 hours; one that is about to end is not handed out again.
const REUSE_FOR: TimeDelta = TimeDelta::hours(23);
/// While another request of the same checkout is at Stripe, ask this often …
const TRIES: u32 = 8;
/// … with this much time between.
const PAUSE: Duration = Duration::from_millis(250);
/// A cart that was paid for within this time is not paid for again before its buyer has seen the order.
const PAID_WITHIN: TimeDelta = TimeDelta::hours(24);

/// An open checkout of this browser and cart.
#[derive(Clone, Debug, Queryable)]
struct Open {
    id: i64,
    idem_key: String,
    stripe_url: Option<String>,
    last_error: Option<String>,
    created_at: NaiveDateTime,
}

/// What stands in `checkout.last_error` while a request of its key may have made a session of which we do not know.
const UNKNOWN: &str = "Stripe was asked and did not answer";
/// Stripe's clock and ours may differ.
const CLOCKS: TimeDelta = TimeDelta::minutes(10);

impl Open {
    /// The checkout's name, which all its keys begin with.
    fn attempt(&self) -> &str {
        self.idem_key.split_once('.').map_or(self.idem_key.as_str(), |(name, _)| name)
    }

    /// The same name with the next number.
    fn next_key(&self) -> String {
        let number = self.idem_key.split_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(1_u32);
        format!("{}.{}", self.attempt(), number.saturating_add(1))
    }

    /// No session of this checkout is older, in Unix seconds.
    fn since(&self) -> i64 {
        (self.created_at - CLOCKS).and_utc().timestamp()
    }
}

impl Shop {
    /// Starts to pay for what the visitor saw as `snapshot` ([`crate::types::CartView::snapshot`]). Every price is
    /// read again. A double click gets the same session, and a cart that was paid for since its last title was put in gets
    /// that order: its buyer may have come back to another browser, or not at all.
    ///
    /// # Errors
    /// [`Error::CartEmpty`]; [`Error::CartChanged`] if a title or price is another one than on the screen;
    /// [`Error::TitleRefused`] if Stripe knows a book's product tax code not, which the desk is told;
    /// [`Error::TooLittle`] if the cart comes to less than Stripe charges, which is not asked then;
    /// [`Error::PaymentRefused`] if Stripe refuses for another reason, which the desk is told too; [`Error::Payments`] if
    /// Stripe does not answer (the cart stays); the database's.
    pub async fn start_checkout(
        &self,
        cart: &Cart,
        snapshot: &str,
        browser: &BrowserSecret,
    ) -> Result<CheckoutStart, Error> {
        let (offers, subtotal, tax) = self.offers(cart, snapshot).await?;
        if subtotal.is_zero() {
            return Ok(CheckoutStart::Free);
        }
        // Without the tax that Stripe may add: at the start Stripe does not know it either.
        if subtotal.is_too_little() {
            return Err(Error::TooLittle);
        }
        if let Some(session) = self.paid_before(cart, snapshot, browser).await? {
            return Ok(CheckoutStart::Paid(format!("{}/checkout/success?session_id={session}", self.base_url())));
        }
        let settings = tax::read_plan(tax.as_deref())?;
        let currency = cart.currency();
        for attempt in 1..=TRIES {
            let open = self.open_checkout(currency, subtotal, &offers, tax.as_deref(), browser).await?;
            if let Some(url) = open.stripe_url {
                return Ok(CheckoutStart::Pay(url));
            }
            pass(Failpoint::CheckoutOpened);
            match self.create_session(&open, currency, &offers, &settings).await {
                Ok(session) => {
                    pass(Failpoint::SessionCreated);
                    let url = session
                        .url
                        .clone()
                        .ok_or_else(|| PaymentsError::Incomprehensible("a session without a URL".into()))?;
                    self.keep_session(open.id, &session, &offers).await?;
                    pass(Failpoint::SessionKept);
                    return Ok(CheckoutStart::Pay(url));
                }
                Err(PaymentsError::TryAgain(_)) if attempt < TRIES => tokio::time::sleep(PAUSE).await,
                Err(error @ (PaymentsError::Failed(_) | PaymentsError::KeyReused | PaymentsError::Refused { .. })) => {
                    // What became of an earlier request of this key is not known: it may have made a session.
                    let reused = matches!(error, PaymentsError::KeyReused);
                    if (reused || open.last_error.as_deref() == Some(UNKNOWN))
                        && let Some(session) = self.0.payments.find_session(&open.idem_key, open.since()).await?
                        && let Some(url) = session.url.clone()
                    {
                        self.keep_session(open.id, &session, &offers).await?;
                        return Ok(CheckoutStart::Pay(url));
                    }
                    // Stripe repeats a stored failure or refusal for the same key: the next try needs another one.
                    self.renew_key(&open, &error.to_string()).await?;
                    match error {
                        PaymentsError::KeyReused => {}
                        PaymentsError::Refused { .. } => {
                            tracing::error!(checkout = open.id, %error, "Stripe refuses a payment before it is made");
                            self.note_refusal(&offers, &error).await?;
                            return Err(Error::PaymentRefused);
                        }
                        _ => return Err(error.into()),
                    }
                }
                Err(error @ PaymentsError::Unreachable(_)) => {
                    self.note_unknown(&open).await?;
                    return Err(error.into());
                }
                Err(error @ PaymentsError::BadTaxCode { line, .. }) => {
                    // Stripe repeats its answer for the same key, also when the book has another code.
                    self.renew_key(&open, &error.to_string()).await?;
                    return match offers.get(line) {
                        Some(offer) => {
                            tracing::error!(book = offer.book_id, %error, "a book cannot be paid for");
                            self.note_refused_code(offer).await?;
                            Err(Error::TitleRefused)
                        }
                        None => Err(error.into()),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PaymentsError::TryAgain(409).into())
    }

    /// The session by which this browser has paid for this cart as it is, or is about to: a title that was put in later, also
    /// one that was taken out and put in again, makes another cart of it. The success page takes out what was paid for.
    async fn paid_before(&self, cart: &Cart, snapshot: &str, browser: &BrowserSecret) -> Result<Option<String>, Error> {
        let Some(filled) = cart.filled_at() else { return Ok(None) };
        // Later the browser does not open the order any more, and what was paid for would stay in the cart.
        let opens_for = TimeDelta::hours(self.0.settings.policy.order_hours.into());
        let since = filled.max(self.0.clock.now() - PAID_WITHIN.min(opens_for));
        let (snapshot, browser) = (snapshot.to_owned(), browser.hash());
        self.0
            .db
            .read(move |conn| {
                // Without the orders, so that both databases go by the time, which is mostly that of a few minutes.
                let done: Vec<(i64, Option<String>)> = checkout::table
                    .filter(checkout::created_at.gt(since))
                    .filter(checkout::browser_hash.eq(browser))
                    .filter(checkout::snapshot_hash.eq(snapshot))
                    .filter(checkout::state.eq("completed"))
                    .select((checkout::id, checkout::stripe_session))
                    .load(conn)?;
                let ids: Vec<i64> = done.iter().map(|(id, _)| *id).collect();
                if ids.is_empty() {
                    return Ok(None);
                }
                // What failed is paid for anew.
                let living = [OrderStatus::Pending.as_str(), OrderStatus::Succeeded.as_str()];
                let paid: Option<i64> = orders::table
                    .filter(orders::checkout_id.eq_any(ids))
                    .filter(orders::status.eq_any(living))
                    .order(orders::id.desc())
                    .select(orders::checkout_id.assume_not_null())
                    .first(conn)
                    .optional()?;
                let session = done.into_iter().find(|(id, _)| paid == Some(*id));
                Ok(session.and_then(|(_, session)| session))
            })
            .await
    }

    /// What the cart would be sold for, and how taxed, if that is what the visitor has seen.
    async fn offers(&self, cart: &Cart, snapshot: &str) -> Result<(Vec<Offer>, Money, Option<String>), Error> {
        let copy = cart.clone();
        let (offers, tax) = self.0.db.read(move |conn| Ok((cart::offers(conn, &copy)?, tax::plan(conn)?))).await?;
        if offers.is_empty() {
            return Err(if cart.count() == 0 { Error::CartEmpty } else { Error::CartChanged });
        }
        let currency = cart.currency();
        if cart::snapshot_hash(currency, &offers, tax.as_deref()) != snapshot {
            return Err(Error::CartChanged);
        }
        let subtotal = Money::sum(currency, offers.iter().map(|offer| Money::new(offer.unit_amount, currency)))?;
        Ok((offers, subtotal, tax))
    }

    async fn open_checkout(
        &self,
        currency: Currency,
        subtotal: Money,
        offers: &[Offer],
        tax: Option<&str>,
        browser: &BrowserSecret,
    ) -> Result<Open, Error> {
        let now = self.0.clock.now();
        let new = NewCheckout::new(currency, subtotal, offers, tax, browser, now)?;
        self.0.db.write(move |conn| new.find_or_insert(conn, now)).await
    }

    async fn create_session(
        &self,
        open: &Open,
        currency: Currency,
        offers: &[Offer],
        tax: &TaxSettings,
    ) -> Result<Session, PaymentsError> {
        let base = self.base_url();
        let new = NewSession {
            idempotency_key: &open.idem_key,
            attempt: open.attempt(),
            currency,
            lines: offers
                .iter()
                .map(|offer| NewLine { title: &offer.title, unit_amount: offer.unit_amount, tax_code: &offer.tax_code })
                .collect(),
            tax,
            success_url: format!("{base}/checkout/success?session_id={{CHECKOUT_SESSION_ID}}"),
            cancel_url: format!("{base}/checkout/cancel"),
        };
        self.0.payments.create_session(&new).await
    }

    async fn keep_session(&self, id: i64, session: &Session, offers: &[Offer]) -> Result<(), Error> {
        let now = self.0.clock.now();
        let books = books_of(offers);
        let (session_id, url) = (session.id.clone(), session.url.clone());
        let expires_at = DateTime::from_timestamp(session.expires_at, 0).map_or(now + REUSE_FOR, |at| at.naive_utc());
        self.0
            .db
            .write(move |conn| {
                diesel::update(checkout::table.find(id).filter(checkout::stripe_session.is_null()))
                    .set((
                        checkout::stripe_session.eq(&session_id),
                        checkout::stripe_url.eq(&url),
                        checkout::expires_at.eq(expires_at),
                        checkout::updated_at.eq(now),
                    ))
                    .execute(conn)?;
                refusals::over(conn, &books)
            })
            .await
    }

    /// Tells the desk what Stripe says of a cart that it refuses.
    async fn note_refusal(&self, offers: &[Offer], why: &PaymentsError) -> Result<(), Error> {
        let (why, now) = (why.to_string(), self.0.clock.now());
        let books = books_of(offers);
        self.0.db.write(move |conn| refusals::note(conn, &books, &why, now)).await
    }

    /// Tells the desk, unless the book has another code meanwhile.
    async fn note_refused_code(&self, offer: &Offer) -> Result<(), Error> {
        let (id, code, now) = (offer.book_id, offer.tax_code.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                diesel::update(book::table.find(id).filter(book::tax_code.eq(&code)))
                    .set(book::tax_code_refused_at.eq(now))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    async fn note_unknown(&self, open: &Open) -> Result<(), Error> {
        let (id, key) = (open.id, open.idem_key.clone());
        self.0
            .db
            .write(move |conn| {
                diesel::update(checkout::table.find(id).filter(checkout::idem_key.eq(&key)))
                    .set(checkout::last_error.eq(UNKNOWN))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    async fn renew_key(&self, open: &Open, why: &str) -> Result<(), Error> {
        let (id, old, new, why, now) =
            (open.id, open.idem_key.clone(), open.next_key(), why.to_owned(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                diesel::update(checkout::table.find(id).filter(checkout::idem_key.eq(&old)))
                    .set((checkout::idem_key.eq(&new), checkout::last_error.eq(&why), checkout::updated_at.eq(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }
}

fn books_of(offers: &[Offer]) -> Vec<i64> {
    offers.iter().map(|offer| offer.book_id).collect()
}

fn new_key() -> String {
    format!("octavo-checkout-{}", Uuid::new_v4())
}

#[derive(Insertable)]
#[diesel(table_name = checkout)]
struct NewCheckout {
    idem_key: String,
    cart_snapshot: String,
    snapshot_hash: String,
    subtotal: i64,
    currency: &'static str,
    browser_hash: String,
    created_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    updated_at: NaiveDateTime,
    tax: Option<String>,
}

impl NewCheckout {
    fn new(
        currency: Currency,
        subtotal: Money,
        offers: &[Offer],
        tax: Option<&str>,
        browser: &BrowserSecret,
        now: NaiveDateTime,
    ) -> Result<Self, Error> {
        Ok(Self {
            idem_key: new_key(),
            cart_snapshot: serde_json::to_string(offers).map_err(|error| Error::internal(error.to_string()))?,
            snapshot_hash: cart::snapshot_hash(currency, offers, tax),
            subtotal: subtotal.minor(),
            currency: currency.code(),
            browser_hash: browser.hash(),
            created_at: now,
            expires_at: now + REUSE_FOR,
            updated_at: now,
            tax: tax.map(str::to_owned),
        })
    }

    /// The browser's open checkout of the same cart, or a new one; the unique index decides between two tabs.
    fn find_or_insert(&self, conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Open, Error> {
        let mine = || {
            checkout::table
                .filter(checkout::browser_hash.eq(&self.browser_hash))
                .filter(checkout::snapshot_hash.eq(&self.snapshot_hash))
                // In the words of the unique index, not as a parameter: so both databases know that it has these rows.
                .filter(sql::<Bool>("checkout.state = 'open'"))
        };
        diesel::update(mine().filter(checkout::created_at.le(now - REUSE_FOR)))
            .set((checkout::state.eq("expired"), checkout::updated_at.eq(now)))
            .execute(conn)?;
        let inserted = both!(conn, |c| diesel::insert_into(checkout::table)
            .values((self, checkout::state.eq("open")))
            .on_conflict_do_nothing()
            .execute(c))?;
        if inserted > 0 {
            posting::begun(conn, self.currency, self.created_at)?;
        }
        Ok(mine()
            .select((
                checkout::id,
                checkout::idem_key,
                checkout::stripe_url,
                checkout::last_error,
                checkout::created_at,
            ))
            .first(conn)?)
    }
}
