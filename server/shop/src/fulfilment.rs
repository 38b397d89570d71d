//! From Stripe's word that a session is paid to an order with everything that belongs to it.
//!
//! [`Shop::reconcile`] is the only writer of paid state. The webhook worker and the success page both call it, as
//! often as they like and in any order: it asks Stripe how the session stands and makes our rows agree, in one
//! transaction (<https://docs.stripe.com/checkout/fulfillment>). It never takes back what it has granted.

use crate::analytics::posting::Standing;
use crate::cart::Offer;
use crate::db::schema::{checkout, download_token, entitlement, order_item, orders};
use crate::db::{AnyConnection, both};
use crate::failpoint::{Failpoint, pass};
use crate::hooks::{self, Change, EventType, Listeners};
use crate::outbox::Kind;
use crate::payments::{PaymentsError, Session, SessionLine, SessionState};
use crate::secrets::{self, Purpose};
use crate::shop::Policy;
use crate::tax::{Looked, Taxed};
use crate::types::{Email, OrderNumber, OrderStatus, normalize_address};
use crate::{Error, SecretKey, Shop, declines, invoices, outbox, rights, tax};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How our rows stand after a session was reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// No checkout of ours has this session (yet).
    Unknown,
    /// Another program made it in the same Stripe account.
    Foreign,
    /// It belongs to the other mode (test or live) and must not touch our orders.
    WrongMode,
    /// The buyer has not finished.
    Open,
    /// The session is over without a payment.
    Expired,
    /// Stripe's amounts are not the ones we asked for. Nothing was granted; a person must look.
    Quarantined,
    /// There is an order, in this state.
    Ordered(OrderStatus),
}

#[derive(Queryable)]
struct CheckoutRow {
    id: i64,
    cart_snapshot: String,
    subtotal: i64,
    currency: String,
    state: String,
    tax: Option<String>,
}

impl Shop {
    /// Makes our rows agree with how Stripe has the session now.
    ///
    /// # Errors
    /// [`Error::Payments`] if Stripe does not answer, the database's. Nothing has changed then.
    pub async fn reconcile(&self, session_id: &str) -> Result<Reconciled, Error> {
        self.reconcile_and(session_id, |_, _| Ok(())).await
    }

    /// As [`Shop::reconcile`], with more to do in the same transaction.
    pub(crate) async fn reconcile_and<F>(&self, session_id: &str, mut also: F) -> Result<Reconciled, Error>
    where
        F: FnMut(&mut AnyConnection, Reconciled) -> Result<(), Error> + Send + 'static,
    {
        pass(Failpoint::BeforeFetch);
        // Outside any transaction: no lock is held while Stripe thinks.
        let session = match self.0.payments.retrieve_session(session_id).await {
            Ok(session) => Some(session),
            Err(PaymentsError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        pass(Failpoint::AfterFetch);
        let looked = match &session {
            Some(session) => self.look_up(session).await?,
            None => None,
        };
        let shop = self.clone();
        let result = self
            .0
            .db
            .write(move |conn| {
                let result = match &session {
                    Some(session) => apply(conn, &shop, session, looked)?,
                    None => Reconciled::Unknown,
                };
                also(conn, result)?;
                pass(Failpoint::BeforeCommit);
                Ok(result)
            })
            .await?;
        pass(Failpoint::AfterCommit);
        if result == Reconciled::Ordered(OrderStatus::Succeeded) {
            self.0.mail_waiting.notify_one();
            self.0.webhooks_waiting.notify_one();
        }
        Ok(result)
    }
}

fn apply(
    conn: &mut AnyConnection,
    shop: &Shop,
    session: &Session,
    looked: Option<Looked>,
) -> Result<Reconciled, Error> {
    if session.livemode != shop.0.settings.livemode {
        tracing::error!(session = session.id, livemode = session.livemode, "a session of the other mode was refused");
        return Ok(Reconciled::WrongMode);
    }
    let now = shop.0.clock.now();
    let Some(row) = lock_checkout(conn, session, now)? else {
        return Ok(if session.idempotency_key.is_some() { Reconciled::Unknown } else { Reconciled::Foreign });
    };
    match session.state {
        SessionState::Open => return Ok(Reconciled::Open),
        SessionState::Expired => {
            set_state(conn, row.id, "open", "expired", None)?;
            return Ok(Reconciled::Expired);
        }
        SessionState::Paid | SessionState::NoPaymentRequired | SessionState::Processing | SessionState::Failed => {}
    }
    let offers: Vec<Offer> = serde_json::from_str(&row.cart_snapshot)
        .map_err(|error| Error::internal(format!("snapshot of checkout {}: {error}", row.id)))?;
    let existing: Option<(i64, String)> = orders::table
        .filter(orders::checkout_id.eq(row.id))
        .select((orders::id, orders::status))
        .first(conn)
        .optional()?;
    let (order_id, status) = match existing {
        Some(found) => found,
        None => match Checked::new(&row, &offers, session) {
            Ok(checked) => {
                let day = shop.0.settings.time_zone.day_of(now);
                let taxed = tax::tax(conn, &tax::read_plan(row.tax.as_deref())?, session, &offers, looked, day)?;
                let id = insert_order(conn, row.id, &checked, &offers, &taxed, session, now)?;
                set_state(conn, row.id, &row.state, "completed", None)?;
                (id, OrderStatus::Pending.as_str().to_owned())
            }
            Err(why) => {
                tracing::error!(checkout = row.id, session = session.id, why, "a payment was put under review");
                set_state(conn, row.id, &row.state, "quarantined", Some(why))?;
                return Ok(Reconciled::Quarantined);
            }
        },
    };
    let paid = matches!(session.state, SessionState::Paid | SessionState::NoPaymentRequired);
    if status == OrderStatus::Succeeded.as_str() {
        return Ok(Reconciled::Ordered(OrderStatus::Succeeded));
    }
    if paid {
        declines::forget(conn, row.id)?;
        succeed(conn, shop, order_id, now, Kind::Receipt)?;
        return Ok(Reconciled::Ordered(OrderStatus::Succeeded));
    }
    if session.state == SessionState::Failed {
        diesel::update(orders::table.find(order_id))
            .set(orders::status.eq(OrderStatus::Failed.as_str()))
            .execute(conn)?;
        return Ok(Reconciled::Ordered(OrderStatus::Failed));
    }
    Ok(Reconciled::Ordered(OrderStatus::Pending))
}

/// The checkout of a session, locked until the end of the transaction (by writing to it, which does so on both
/// databases). If we crashed before keeping the session's id, its metadata leads to the row.
fn lock_checkout(
    conn: &mut AnyConnection,
    session: &Session,
    now: NaiveDateTime,
) -> Result<Option<CheckoutRow>, Error> {
    if let Some(key) = &session.idempotency_key {
        let unknown_yet = checkout::table.filter(checkout::idem_key.eq(key)).filter(checkout::stripe_session.is_null());
        diesel::update(unknown_yet)
            .set((checkout::stripe_session.eq(&session.id), checkout::stripe_url.eq(&session.url)))
            .execute(conn)?;
    }
    let columns =
        (checkout::id, checkout::cart_snapshot, checkout::subtotal, checkout::currency, checkout::state, checkout::tax);
    Ok(diesel::update(checkout::table.filter(checkout::stripe_session.eq(&session.id)))
        .set(checkout::updated_at.eq(now))
        .returning(columns)
        .get_result(conn)
        .optional()?)
}

fn set_state(conn: &mut AnyConnection, id: i64, from: &str, to: &str, error: Option<&str>) -> Result<(), Error> {
    diesel::update(checkout::table.find(id).filter(checkout::state.eq(from)))
        .set((checkout::state.eq(to), error.map(|error| checkout::last_error.eq(error))))
        .execute(conn)?;
    Ok(())
}

/// A finished session whose amounts are the ones we asked for.
struct Checked<'a> {
    subtotal: i64,
    discount: i64,
    total: i64,
    currency: &'a str,
    email: &'a str,
}

impl<'a> Checked<'a> {
    /// Our snapshot against Stripe's figures; the error says what differs.
    fn new(row: &'a CheckoutRow, offers: &'a [Offer], session: &'a Session) -> Result<Self, &'static str> {
        if session.currency.is_none_or(|currency| currency.code() != row.currency) {
            return Err("the currency differs");
        }
        if session.amount_subtotal != Some(row.subtotal) {
            return Err("the subtotal differs");
        }
        if session.lines.len() != offers.len() {
            return Err("the number of line items differs");
        }
        if offers.iter().zip(&session.lines).any(|(offer, line)| offer.unit_amount != line.subtotal) {
            return Err("a line item's price differs");
        }
        let sum = |part: fn(&SessionLine) -> i64| session.lines.iter().map(part).try_fold(0_i64, i64::checked_add);
        let (discount, tax, total) = (sum(|l| l.discount), sum(|l| l.tax), sum(|l| l.total));
        let (Some(discount), Some(_), Some(total)) = (discount, tax, total) else {
            return Err("an amount does not fit");
        };
        if session.amount_total != Some(total) {
            return Err("the total is not the sum of the line items");
        }
        if session.lines.iter().any(|l| l.discount < 0 || l.tax < 0 || l.total < 0) {
            return Err("a negative amount");
        }
        session.lines.iter().try_for_each(add_up)?;
        if session.state == SessionState::NoPaymentRequired && row.subtotal != 0 {
            return Err("Stripe asked for no payment where there was something to pay");
        }
        let email =
            session.email.as_deref().map(str::trim).filter(|email| !email.is_empty()).ok_or("no e-mail address")?;
        Ok(Self { subtotal: row.subtotal, discount, total, currency: &row.currency, email })
    }
}

/// Whether a line's tax is the sum of its parts, and its total what is left of the price with what is added to it.
fn add_up(line: &SessionLine) -> Result<(), &'static str> {
    let sum = |inclusive: bool| {
        let parts = line.taxes.iter().filter(|tax| tax.inclusive == inclusive);
        parts.map(|tax| tax.amount).try_fold(0_i64, i64::checked_add)
    };
    if line.taxes.iter().any(|tax| tax.amount < 0 || tax.taxable < 0) {
        return Err("a negative tax");
    }
    let (Some(included), Some(added)) = (sum(true), sum(false)) else { return Err("an amount does not fit") };
    if included.checked_add(added) != Some(line.tax) {
        return Err("a line item's tax is not the sum of its parts");
    }
    if line.subtotal.checked_sub(line.discount).and_then(|left| left.checked_add(added)) != Some(line.total) {
        return Err("a line item's total is not its price with tax");
    }
    Ok(())
}

fn insert_order(
    conn: &mut AnyConnection,
    checkout_id: i64,
    checked: &Checked<'_>,
    offers: &[Offer],
    taxed: &Taxed,
    session: &Session,
    now: NaiveDateTime,
) -> Result<i64, Error> {
    let order_id: i64 = diesel::insert_into(orders::table)
        .values((
            orders::number.eq(new_number().as_str().to_owned()),
            orders::email.eq(checked.email),
            orders::email_norm.eq(normalize_address(checked.email)),
            orders::checkout_id.eq(checkout_id),
            orders::stripe_session.eq(&session.id),
            orders::stripe_payment_intent.eq(&session.payment_intent),
            orders::amount_subtotal.eq(checked.subtotal),
            orders::amount_discount.eq(checked.discount),
            orders::amount_tax.eq(taxed.amount()),
            orders::amount_total.eq(checked.total),
            orders::currency.eq(checked.currency),
            orders::name.eq(&session.name),
            orders::country.eq(&session.country),
            orders::paid_with.eq(&session.paid_with),
            orders::status.eq(OrderStatus::Pending.as_str()),
            orders::created_at.eq(now),
        ))
        .returning(orders::id)
        .get_result(conn)?;
    pass(Failpoint::OrderInserted);
    let mut items = Vec::with_capacity(offers.len());
    for (position, (offer, line)) in (0_i32..).zip(offers.iter().zip(&taxed.lines)) {
        items.push(insert_item(conn, order_id, position, offer, line)?);
    }
    tax::write(conn, order_id, &items, taxed, session)?;
    pass(Failpoint::ItemsInserted);
    Ok(order_id)
}

fn insert_item(
    conn: &mut AnyConnection,
    order_id: i64,
    position: i32,
    offer: &Offer,
    line: &SessionLine,
) -> Result<i64, Error> {
    Ok(diesel::insert_into(order_item::table)
        .values((
            order_item::order_id.eq(order_id),
            order_item::book_id.eq(offer.book_id),
            order_item::position.eq(position),
            order_item::title_snapshot.eq(&offer.title),
            order_item::unit_amount.eq(offer.unit_amount),
            order_item::discount.eq(line.discount),
            order_item::tax.eq(line.tax),
            order_item::total.eq(line.total),
        ))
        .returning(order_item::id)
        .get_result(conn)?)
}

/// An order of titles that cost nothing, of a checkout or, without one, of the desk. Its files open only through the
/// mailed link.
pub(crate) fn place_free_order(
    conn: &mut AnyConnection,
    shop: &Shop,
    checkout_id: Option<i64>,
    email: &Email,
    offers: &[Offer],
) -> Result<(i64, OrderNumber), Error> {
    let number = new_number();
    let now = shop.0.clock.now();
    let order_id: i64 = diesel::insert_into(orders::table)
        .values((
            orders::number.eq(number.as_str()),
            orders::email.eq(email.as_str()),
            orders::email_norm.eq(email.normalized()),
            orders::checkout_id.eq(checkout_id),
            orders::amount_subtotal.eq(0),
            orders::amount_discount.eq(0),
            orders::amount_tax.eq(0),
            orders::amount_total.eq(0),
            orders::currency.eq(shop.currency().code()),
            orders::status.eq(OrderStatus::Pending.as_str()),
            orders::created_at.eq(now),
        ))
        .returning(orders::id)
        .get_result(conn)?;
    let nothing = SessionLine { subtotal: 0, discount: 0, tax: 0, total: 0, taxes: Vec::new() };
    for (position, offer) in (0_i32..).zip(offers) {
        insert_item(conn, order_id, position, offer, &nothing)?;
    }
    succeed(conn, shop, order_id, now, Kind::FreeOrderLink)?;
    Ok((order_id, number))
}

/// Everything that a paid order has: entitlements with their first download tokens, the invoice's number, the mail.
fn succeed(conn: &mut AnyConnection, shop: &Shop, order_id: i64, now: NaiveDateTime, mail: Kind) -> Result<(), Error> {
    let before = Standing::of(conn, order_id)?;
    diesel::update(orders::table.find(order_id))
        .set((orders::status.eq(OrderStatus::Succeeded.as_str()), orders::paid_at.eq(now)))
        .execute(conn)?;
    let (email, email_norm): (String, String) =
        orders::table.find(order_id).select((orders::email, orders::email_norm)).first(conn)?;
    let items: Vec<(i64, i64)> = order_item::table
        .filter(order_item::order_id.eq(order_id))
        .order(order_item::position)
        .select((order_item::id, order_item::book_id))
        .load(conn)?;
    let mut granted = Vec::with_capacity(items.len());
    for (item_id, book_id) in items {
        let entitlement_id: i64 = diesel::insert_into(entitlement::table)
            .values((
                entitlement::order_item_id.eq(item_id),
                entitlement::book_id.eq(book_id),
                entitlement::email_norm.eq(&email_norm),
                entitlement::state.eq("active"),
                entitlement::granted_at.eq(now),
                entitlement::changed_at.eq(now),
            ))
            .returning(entitlement::id)
            .get_result(conn)?;
        insert_token(conn, &shop.0.key, &shop.0.settings.policy, entitlement_id, 1, now)?;
        granted.push(Change { item_id, kind: EventType::EntitlementGranted, reason: None });
    }
    pass(Failpoint::EntitlementsInserted);
    let listeners = Listeners::load(conn)?;
    listeners.order_succeeded(conn, order_id, now)?;
    hooks::rights_changed(conn, &listeners, order_id, &granted, now)?;
    // The money may have gone back before we heard that it came.
    rights::settle(conn, order_id, now)?;
    invoices::issue(conn, shop, order_id, now)?;
    pass(Failpoint::InvoiceNumbered);
    invoices::settle(conn, shop, order_id, now)?;
    before.settle(conn)?;
    outbox::queue(conn, shop, mail, &email, order_id, now)?;
    pass(Failpoint::MailQueued);
    Ok(())
}

/// The token of an entitlement's `generation`; two requests for the same generation make one.
pub(crate) fn insert_token(
    conn: &mut AnyConnection,
    key: &SecretKey,
    policy: &Policy,
    entitlement_id: i64,
    generation: i32,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let token = key.derive(Purpose::DownloadToken, entitlement_id, generation);
    let values = (
        download_token::entitlement_id.eq(entitlement_id),
        download_token::hash.eq(secrets::hash(&token)),
        download_token::generation.eq(generation),
        download_token::created_at.eq(now),
        download_token::expires_at.eq(now + TimeDelta::days(policy.token_days.into())),
        download_token::max_uses.eq(i32::from(policy.token_uses)),
        download_token::used_count.eq(0),
    );
    both!(conn, |c| diesel::insert_into(download_token::table).values(values).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// A random public number. 30¹⁰ of them: the unique index is there for the day two are equal.
fn new_number() -> OrderNumber {
    loop {
        let text: String = (0..OrderNumber::LENGTH)
            .map(|_| char::from(OrderNumber::ALPHABET[rand::random_range(0..OrderNumber::ALPHABET.len())]))
            .collect();
        if let Ok(number) = text.parse() {
            return number;
        }
    }
}
