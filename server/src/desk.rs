//! `octavo refund` and `octavo evidence`: what the desk does with an order, from the command line.

use anyhow::{Context as _, bail};
use clap::Args;
use shop::Shop;
use shop::refunds::{ItemRef, RefundReason, RefundRequest, RefundWhat};
use shop::types::{Currency, Money, OrderNumber, RefundStatus, Slug};
use std::io::Write as _;
use std::path::PathBuf;

/// What to refund. Without --amount and --item, all that is left.
#[derive(Debug, Args)]
pub(crate) struct Refund {
    /// The order's number, like ABCDE-FGHJK.
    number: OrderNumber,
    /// An amount, like 4.99, in the order's currency; the buyer keeps the titles.
    #[arg(long, conflicts_with_all = ["item", "keep", "revoke"])]
    amount: Option<String>,
    /// What is left of this title; may be given more than once. It is taken back unless --keep is given.
    #[arg(long, value_name = "SLUG")]
    item: Vec<Slug>,
    /// The buyer keeps the refunded titles.
    #[arg(long, requires = "item", conflicts_with = "revoke")]
    keep: bool,
    /// The refunded titles are taken back (what happens without --keep).
    #[arg(long)]
    revoke: bool,
    /// Why, as Stripe is told.
    #[arg(long, value_enum, default_value_t)]
    reason: Reason,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Reason {
    /// The buyer asked for it.
    #[default]
    RequestedByCustomer,
    /// Paid twice.
    Duplicate,
    /// Not paid by the card's owner; Stripe will refuse the card from then on.
    Fraudulent,
}

impl From<Reason> for RefundReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::RequestedByCustomer => Self::RequestedByCustomer,
            Reason::Duplicate => Self::Duplicate,
            Reason::Fraudulent => Self::Fraudulent,
        }
    }
}

/// Where the evidence goes.
#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// The order's number, like ABCDE-FGHJK.
    number: OrderNumber,
    /// The ZIP file to write; one that is there already is not overwritten.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) async fn refund(shop: &Shop, arguments: &Refund) -> anyhow::Result<()> {
    let number = &arguments.number;
    let what = if let Some(amount) = &arguments.amount {
        let order = shop.order(number, None).await?.context("there is no order of this number")?;
        RefundWhat::Amount(parse_amount(amount, order.total.currency())?)
    } else if arguments.item.is_empty() {
        RefundWhat::Full
    } else {
        RefundWhat::Items(arguments.item.iter().map(|slug| (ItemRef::Book(slug.clone()), !arguments.keep)).collect())
    };
    let made = shop.refund(number, &RefundRequest { what, reason: arguments.reason.into() }).await?;
    let id = made.stripe_id.as_deref().unwrap_or("not confirmed yet");
    println!("{} of order {number}: {} ({id})", made.amount, made.status.as_str());
    if made.status == RefundStatus::Requested {
        println!("Stripe did not answer; the running store asks again within minutes.");
    }
    Ok(())
}

pub(crate) async fn evidence(shop: &Shop, arguments: &Evidence) -> anyhow::Result<()> {
    let bytes = shop.dispute_evidence(&arguments.number).await.context("no evidence about this order")?;
    let path = arguments.out.display();
    let mut file = std::fs::File::create_new(&arguments.out).with_context(|| format!("cannot write {path}"))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {path}"))?;
    println!("{path}: {} bytes", bytes.len());
    Ok(())
}

/// "4.99" in a currency with so many decimals; neither a sign nor separators of thousands.
fn parse_amount(text: &str, currency: Currency) -> anyhow::Result<Money> {
    let decimals = usize::from(currency.decimals());
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || !digits(units) || !digits(fraction) || fraction.len() > decimals || text.ends_with('.') {
        bail!("{text:?} is not an amount of {currency}: digits, and at most {decimals} behind a point");
    }
    let minor: i64 = format!("{units}{fraction:0<decimals$}").parse().context("the amount is too large")?;
    Ok(Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let read = |text: &str, currency: &str| parse_amount(text, currency.parse().unwrap()).ok().map(Money::minor);
        for (text, currency, minor) in [
            ("4.99", "USD", Some(499)),
            ("4.9", "USD", Some(490)),
            ("4", "USD", Some(400)),
            ("0.01", "USD", Some(1)),
            ("1200", "JPY", Some(1_200)),
            ("1.250", "KWD", Some(1_250)),
            ("12.5", "JPY", None),
            ("4.999", "USD", None),
            ("4,99", "USD", None),
            ("1,000", "USD", None),
            ("-4.99", "USD", None),
            ("+4", "USD", None),
            (".5", "USD", None),
            ("4.", "USD", None),
            ("", "USD", None),
            ("four", "USD", None),
            ("99999999999999999999", "USD", None),
        ] {
            assert_eq!(read(text, currency), minor, "{text} {currency}");
        }
    }
}
