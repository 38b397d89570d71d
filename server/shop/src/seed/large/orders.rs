//! One day's checkouts and orders with everything that belongs to them. A day is made of its number, the shelf and the
//! running numbers alone.

use super::buyers::{self, Buyer};
use super::calendar::{Calendar, second_of_day};
use super::downloads::{Bought, Downloads};
use super::random::{Domain, Random};
use super::rows::{self, Out, take};
use super::shelf::{Shelf, Title};
use super::words::Words;
use super::{CHECKOUT_PREFIX, Plan};
use crate::cart::{self, Offer};
use crate::outbox::Kind;
use crate::types::{Currency, OrderNumber};
use crate::{Error, Shop, invoices};
use chrono::{Datelike, NaiveDateTime, TimeDelta};

/// Makes days, one after the other.
pub(super) struct DayMaker<'a> {
    pub(super) shop: &'a Shop,
    pub(super) plan: &'a Plan,
    pub(super) words: &'a Words,
    pub(super) shelf: &'a Shelf,
    pub(super) calendar: &'a Calendar,
    pub(super) downloads: Downloads<'a>,
    pub(super) store_currency: Currency,
}

/// Somebody comes to the cart page.
struct Visit {
    /// The running number of the order that comes of it, or the next one.
    order: u64,
    idem_key: String,
    at: NaiveDateTime,
    /// How many books there are by then.
    available: usize,
}

/// A cart as it was offered.
struct Cart<'a> {
    currency: Currency,
    lines: Vec<(&'a Title, i64)>,
    subtotal: i64,
}

/// An order that was paid, and when.
struct Sale<'a> {
    paid_at: NaiveDateTime,
    order_id: i64,
    browser_hash: String,
    email: String,
    email_norm: String,
    name: Option<String>,
    country: Option<&'static str>,
    currency: &'static str,
    total: i64,
    items: Vec<(i64, &'a Title, invoices::Line)>,
}

impl<'a> DayMaker<'a> {
    /// Adds day number `day`.
    ///
    /// # Errors
    /// [`Error::Internal`] only if a snapshot cannot be written as JSON.
    pub(super) fn make(&self, day: u64, out: &mut Out) -> Result<(), Error> {
        let random = &mut Random::new(self.plan.seed, Domain::Day, day);
        let start = self.calendar.start_of(day);
        let numbers = self.calendar.orders_of(day);
        let orders = numbers.end - numbers.start;
        let abandoned = orders * (300 + random.below(120));
        let abandoned = abandoned / 1_000 + u64::from(random.below(1_000) < abandoned % 1_000);
        let mut visits: Vec<(i64, bool)> =
            (0..orders + abandoned).map(|visit| (second_of_day(random), visit < orders)).collect();
        visits.sort_unstable();
        let available = self.shelf.available(start);
        let mut number = numbers.start;
        let mut sales = Vec::new();
        for (position, (second, completed)) in visits.into_iter().enumerate() {
            let visit = Visit {
                order: number,
                idem_key: format!("{CHECKOUT_PREFIX}{}-{day:04}-{position:05}", self.plan.orders_tag()),
                at: start + TimeDelta::seconds(second),
                available,
            };
            if completed {
                sales.extend(self.order(random, visit, out)?);
                number += 1;
            } else {
                self.abandoned(random, visit, out)?;
            }
        }
        // Numbers are taken when the money comes, not when the order is placed.
        sales.sort_by_key(|sale| sale.paid_at);
        for sale in sales {
            self.succeed(random, sale, out)?;
        }
        // Who looked, and who put something into a cart: more than came to the checkout.
        let came = i64::try_from(orders + abandoned).unwrap_or(i64::MAX);
        let carts = came * random.between(150, 190) / 100;
        for (step, count) in [("cart", carts), ("view", carts * random.between(700, 1_000) / 100)] {
            out.rows.visits.push(rows::Visit { day: start.date(), step, count });
        }
        Ok(())
    }

    fn cart(&self, random: &mut Random, buyer: &Buyer<'_>, available: usize) -> Cart<'a> {
        let wanted = 1 + random.weighted([600, 240, 95, 45, 20]);
        let abroad = if random.chance(880) { buyer.country.currency } else { self.store_currency };
        for currency in [abroad, self.store_currency] {
            let mut lines: Vec<(&Title, i64)> = Vec::with_capacity(wanted);
            for _ in 0..wanted * 4 {
                if lines.len() == wanted {
                    break;
                }
                let Some(title) = self.shelf.pick(random, available) else { break };
                if let Some(price) =
                    title.price(currency).filter(|_| lines.iter().all(|(other, _)| other.id != title.id))
                {
                    lines.push((title, price));
                }
            }
            if !lines.is_empty() {
                let subtotal = lines.iter().map(|(_, price)| price).sum();
                // What costs nothing does not go to Stripe, and is not asked in which currency.
                let currency = if subtotal == 0 { self.store_currency } else { currency };
                return Cart { currency, lines, subtotal };
            }
        }
        Cart { currency: self.store_currency, lines: Vec::new(), subtotal: 0 }
    }

    fn abandoned(&self, random: &mut Random, visit: Visit, out: &mut Out) -> Result<(), Error> {
        let who = visit.order.saturating_mul(7) ^ random.below(1 << 20);
        let Some(buyer) = Buyer::new(self.plan.seed, who, self.words) else { return Ok(()) };
        let cart = self.cart(random, &buyer, visit.available);
        // A free cart has no checkout before it is ordered.
        if cart.subtotal == 0 {
            return Ok(());
        }
        let mut row = self.checkout(random, &cart, visit, out)?;
        // Stripe's sessions end after a day.
        if row.expires_at <= self.calendar.until {
            (row.state, row.updated_at) = ("expired", row.expires_at);
        }
        out.rows.checkouts.push(row);
        Ok(())
    }

    fn checkout(
        &self,
        random: &mut Random,
        cart: &Cart<'_>,
        Visit { idem_key, at, .. }: Visit,
        out: &mut Out,
    ) -> Result<rows::Checkout, Error> {
        let offer = |(title, unit_amount): &(&Title, i64)| Offer {
            book_id: title.id,
            title: title.name.clone(),
            unit_amount: *unit_amount,
            tax_code: "txcd_10302000".to_owned(),
        };
        let offers: Vec<Offer> = cart.lines.iter().map(offer).collect();
        let id = take(&mut out.ids.checkout);
        Ok(rows::Checkout {
            id,
            idem_key,
            cart_snapshot: serde_json::to_string(&offers).map_err(|error| Error::internal(error.to_string()))?,
            snapshot_hash: cart::snapshot_hash(cart.currency, &offers, None),
            subtotal: cart.subtotal,
            currency: cart.currency.code(),
            stripe_session: (cart.subtotal > 0).then(|| format!("cs_seed_{id:012}{}", random.hex(12))),
            browser_hash: random.hex(32),
            state: "open",
            last_error: None,
            created_at: at,
            expires_at: at + TimeDelta::days(1),
            updated_at: at,
        })
    }

    /// An order and its items; a sale, if it is paid.
    fn order(&self, random: &mut Random, visit: Visit, out: &mut Out) -> Result<Option<Sale<'a>>, Error> {
        let (number, at) = (visit.order, visit.at);
        let who = buyers::number_of(random, number);
        let Some(buyer) = Buyer::new(self.plan.seed, who, self.words) else { return Ok(None) };
        let cart = self.cart(random, &buyer, visit.available);
        let mut checkout = self.checkout(random, &cart, visit, out)?;
        let free = cart.subtotal == 0;
        let created_at = if free { at } else { self.within_day(at, random.between(40, 900)) };
        let (status, paid_at) = if free { ("succeeded", Some(at)) } else { self.outcome(random, created_at) };
        (checkout.state, checkout.updated_at) = ("completed", paid_at.unwrap_or(created_at));
        let order_id = take(&mut out.ids.order);
        let percent = if random.chance(40) { 5 * random.between(2, 4) } else { 0 };
        let country = buyer.country;
        // In the US not everywhere.
        let rate = if free || (country.code == "US" && random.chance(550)) { 0 } else { country.tax };
        let mut items = Vec::with_capacity(cart.lines.len());
        for (position, (title, unit_amount)) in (0_i32..).zip(cart.lines) {
            let discount = unit_amount * percent / 100;
            let tax = ((unit_amount - discount) * rate + 5_000) / 10_000;
            let total = unit_amount - discount + tax;
            let id = take(&mut out.ids.item);
            let title_snapshot = title.name.clone();
            out.rows.items.push(rows::Item {
                id,
                order_id,
                book_id: title.id,
                position,
                title_snapshot,
                unit_amount,
                discount,
                tax,
                total,
            });
            if rate > 0 {
                out.rows.taxes.push(rows::Tax {
                    order_item_id: id,
                    position: 0,
                    country: country.code,
                    region: "",
                    name: "Tax",
                    // Basis points.
                    rate_ppm: rate * 100,
                    taxable: unit_amount - discount,
                    amount: tax,
                    inclusive: false,
                    treatment: "standard",
                    source: "stripe",
                });
            }
            let name = title.name.clone();
            let line = invoices::Line { title: name, unit_amount, discount, tax, total, ..invoices::Line::default() };
            items.push((id, title, line));
        }
        let sum = |part: fn(&invoices::Line) -> i64| items.iter().map(|(_, _, line)| part(line)).sum::<i64>();
        let (amount_discount, amount_tax, total) = (sum(|l| l.discount), sum(|l| l.tax), sum(|l| l.total));
        let (name, country) = if free { (None, None) } else { (Some(buyer.name), Some(country.code)) };
        out.rows.orders.push(rows::Order {
            id: order_id,
            number: public_number(self.plan.seed, number),
            email: buyer.email.clone(),
            email_norm: buyer.email_norm.clone(),
            name: name.clone(),
            checkout_id: checkout.id,
            stripe_session: checkout.stripe_session.clone(),
            stripe_payment_intent: (!free).then(|| format!("pi_seed_{order_id:012}{}", random.hex(6))),
            amount_subtotal: cart.subtotal,
            amount_discount,
            amount_tax,
            amount_total: total,
            currency: cart.currency.code(),
            country,
            status,
            created_at,
            paid_at,
            tax_country: (rate > 0).then_some(buyer.country.code),
        });
        let sale = paid_at.map(|paid_at| Sale {
            paid_at,
            order_id,
            browser_hash: checkout.browser_hash.clone(),
            email: buyer.email,
            email_norm: buyer.email_norm,
            name,
            country,
            currency: cart.currency.code(),
            total,
            items,
        });
        out.rows.checkouts.push(checkout);
        Ok(sale)
    }

    /// Cards are paid at once. Of the other ways to pay some take hours, some fail, and on the last two days some are
    /// still on their way.
    fn outcome(&self, random: &mut Random, created_at: NaiveDateTime) -> (&'static str, Option<NaiveDateTime>) {
        match random.below(1_000) {
            0..12 => ("failed", None),
            12..50 if self.calendar.until - created_at < TimeDelta::days(2) => ("pending", None),
            12..50 => ("succeeded", Some(self.within_day(created_at, random.between(600, 20_000)))),
            _ => ("succeeded", Some(created_at)),
        }
    }

    /// So many seconds later, but on the same day: days are made alone.
    fn within_day(&self, at: NaiveDateTime, seconds: i64) -> NaiveDateTime {
        let last = (at.date() + TimeDelta::days(1)).and_time(chrono::NaiveTime::MIN) - TimeDelta::seconds(1);
        (at + TimeDelta::seconds(seconds)).min(last)
    }

    /// What `fulfilment` does for a paid order; the mail has been sent long ago.
    fn succeed(&self, random: &mut Random, sale: Sale<'a>, out: &mut Out) -> Result<(), Error> {
        let (order_id, at) = (sale.order_id, sale.paid_at);
        for (item_id, title, _) in &sale.items {
            let id = take(&mut out.ids.entitlement);
            out.rows.entitlements.push(rows::Entitlement {
                id,
                order_item_id: *item_id,
                book_id: title.id,
                email_norm: sale.email_norm.clone(),
                state: "active",
                granted_at: at,
                changed_at: at,
            });
            let bought = Bought { entitlement_id: id, title, at, browser_hash: &sale.browser_hash };
            self.downloads.make(random, bought, out);
        }
        let free = sale.total == 0;
        if !free {
            let settings = &self.shop.0.settings;
            let year = settings.time_zone.day_of(at).year();
            let buyer = invoices::Buyer {
                email: sale.email.clone(),
                name: sale.name.clone(),
                country: sale.country.map(str::to_owned),
                ..invoices::Buyer::default()
            };
            let lines: Vec<invoices::Line> = sale.items.into_iter().map(|(_, _, line)| line).collect();
            let amount_tax = lines.iter().map(|line| line.tax).sum();
            let (buyer_snapshot, lines_snapshot) = (invoices::json(&buyer)?, invoices::json(&lines)?);
            let seq = take(out.series.entry(year).or_insert(1));
            out.rows.invoices.push(rows::Invoice {
                id: take(&mut out.ids.invoice),
                kind: "invoice",
                series: invoices::INVOICES,
                year,
                seq,
                number: settings.numbering.invoices().number(year, seq),
                order_id,
                currency: sale.currency,
                issued_at: at,
                buyer_snapshot,
                lines_snapshot,
                amount_total: sale.total,
                amount_tax,
            });
        }
        let kind = if free { Kind::FreeOrderLink } else { Kind::Receipt };
        let bounced = random.chance(3);
        out.rows.mails.push(rows::Mail {
            id: take(&mut out.ids.mail),
            kind: kind.name(),
            recipient: sale.email,
            order_id,
            payload: kind.payload(Some(order_id)),
            dedupe_key: kind.dedupe_key(Some(order_id)),
            message_id: format!("<{}@seed.example.org>", random.hex(16)),
            state: if bounced { "bounced" } else { "sent" },
            attempts: 1,
            created_at: at,
            next_at: at,
            sent_at: at,
            error: bounced.then_some("550 5.1.1 no such mailbox"),
        });
        Ok(())
    }
}

/// A public number that looks like any other and that no two orders share: the running number, scattered over all
/// 30¹⁰ by a multiplication that loses nothing.
fn public_number(seed: u64, number: u64) -> String {
    const ALL: u128 = 30_u128.pow(10);
    // Without 2, 3 and 5 as a factor, like 30¹⁰ has.
    const FACTOR: u128 = 365_277_441_980_161;
    let offset = u128::from(Random::new(seed, Domain::Run, 1).next());
    let mut left = (u128::from(number) * FACTOR + offset) % ALL;
    let mut text = String::with_capacity(OrderNumber::LENGTH);
    for _ in 0..OrderNumber::LENGTH {
        let digit = usize::try_from(left % 30).unwrap_or_default();
        text.push(char::from(OrderNumber::ALPHABET[digit]));
        left /= 30;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_numbers_differ_and_are_numbers() {
        let numbers: std::collections::HashSet<_> = (0..50_000).map(|number| public_number(1, number)).collect();
        assert_eq!(numbers.len(), 50_000);
        assert!(numbers.iter().all(|number| number.parse::<OrderNumber>().is_ok()));
    }
}
