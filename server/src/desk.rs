//! `octavo refund` and `octavo evidence`: what the desk does with an order, from the command line.

use anyhow::Context as _;
use clap::Args;
use shop::Shop;
use shop::audit::Actor;
use shop::refunds::{ItemRef, RefundReason, RefundRequest, RefundWhat};
use shop::types::{Money, OrderNumber, RefundStatus, Slug};
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
        let currency = order.total.currency();
        let decimals = currency.decimals();
        RefundWhat::Amount(Money::read(amount, currency).with_context(|| {
            format!("{amount:?} is not an amount of {currency}: digits, and at most {decimals} behind a point")
        })?)
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
    let bytes =
        shop.dispute_evidence(&arguments.number, &Actor::Command).await.context("no evidence about this order")?;
    let path = arguments.out.display();
    let mut file = std::fs::File::create_new(&arguments.out).with_context(|| format!("cannot write {path}"))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {path}"))?;
    println!("{path}: {} bytes", bytes.len());
    Ok(())
}
