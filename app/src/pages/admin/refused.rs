//! Why the desk did not do what a form asked for: a code in the address, a sentence on the page.

use crate::components::Notice;
use crate::pages::query;
use leptos::prelude::*;
use shop::desk::Refusal;
use shop::privacy::NotErased;

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No order is under such an address.
    Nobody,
    /// No book is called so.
    NoBook,
    /// The order is not paid.
    NotPaid,
    /// Its buyer was erased.
    Erased,
    /// The mail is on its way.
    BeingSent,
    /// The event is being worked on.
    BeingWorkedOn,
    /// The title cannot be had, for a reason that is not the desk's.
    NotOpen,
    /// It is so already.
    NothingToDo,
    /// The note is empty or too long.
    BadNote,
    /// How a refund was settled is not said, or at too great length.
    BadSettlement,
    /// No title was chosen.
    NoTitles,
    /// A title has no files.
    NoFiles,
    /// What was typed is not the buyer's address.
    NotConfirmed,
    /// Nothing is left to refund.
    NothingLeft,
    /// More than is left.
    TooMuch,
    /// Not an amount.
    WrongAmount,
    /// Stripe said no.
    ByStripe,
    /// A dispute is open.
    Disputed,
    /// A payment is on its way.
    Pending,
    /// A refund is on its way.
    Refunding,
    /// No invoice can be made out to what was typed.
    BadDetails,
    /// The seller's details do not fit on a page.
    BadSeller,
    /// The settings were saved by somebody since the form was opened.
    Outdated,
    /// There is no invoice that could be replaced.
    NoInvoice,
    /// The invoice was replaced since the form was shown.
    InvoiceChanged,
}

impl Refused {
    /// All of them.
    const ALL: [Self; 25] = [
        Self::Nobody,
        Self::NoBook,
        Self::NotPaid,
        Self::Erased,
        Self::BeingSent,
        Self::BeingWorkedOn,
        Self::NotOpen,
        Self::NothingToDo,
        Self::BadNote,
        Self::BadSettlement,
        Self::NoTitles,
        Self::NoFiles,
        Self::NotConfirmed,
        Self::NothingLeft,
        Self::TooMuch,
        Self::WrongAmount,
        Self::ByStripe,
        Self::Disputed,
        Self::Pending,
        Self::Refunding,
        Self::BadDetails,
        Self::BadSeller,
        Self::Outdated,
        Self::NoInvoice,
        Self::InvoiceChanged,
    ];

    /// The code in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NoBook => "no-book",
            Self::NotPaid => "not-paid",
            Self::Erased => "erased",
            Self::BeingSent => "being-sent",
            Self::BeingWorkedOn => "being-worked-on",
            Self::NotOpen => "not-open",
            Self::NothingToDo => "nothing-to-do",
            Self::BadNote => "bad-note",
            Self::BadSettlement => "bad-settlement",
            Self::NoTitles => "no-titles",
            Self::NoFiles => "no-files",
            Self::NotConfirmed => "not-confirmed",
            Self::NothingLeft => "nothing-left",
            Self::TooMuch => "too-much",
            Self::WrongAmount => "wrong-amount",
            Self::ByStripe => "by-stripe",
            Self::Disputed => "disputed",
            Self::Pending => "pending",
            Self::Refunding => "refunding",
            Self::BadDetails => "bad-details",
            Self::BadSeller => "bad-seller",
            Self::Outdated => "outdated",
            Self::NoInvoice => "no-invoice",
            Self::InvoiceChanged => "invoice-changed",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Nobody => "No order has this number, and none is under an address that begins so.",
            Self::NoBook => "No book has this in its title.",
            Self::NotPaid => "This order is not paid, so there is nothing to send or to give back.",
            Self::Erased => "The buyer of this order was erased: there is nobody to write to.",
            Self::BeingSent => "The mail is being sent at this moment. Look again in a few minutes.",
            Self::BeingWorkedOn => "The event is being worked on at this moment. Look again in a minute.",
            Self::NotOpen => "This title cannot be had at the moment, so there is nothing to renew.",
            Self::NothingToDo => "It is so already: nothing was changed.",
            Self::BadNote => "A note has between 1 and 2,000 letters.",
            Self::BadSettlement => "Please say how it was settled, in 1 to 200 letters on one line.",
            Self::NoTitles => "Please choose a title.",
            Self::NoFiles => "One of the titles has no files yet, so there is nothing to give.",
            Self::NotConfirmed => "What was typed is not this buyer's address. Nothing was erased.",
            Self::NothingLeft => "There is nothing left to refund.",
            Self::TooMuch => "That is more than is left to refund.",
            Self::WrongAmount => {
                "Please write an amount like 4.99, in the order's currency. If what is left of a title has fractions that are not \
                 paid in it, refund an amount, or all that is left."
            }
            Self::ByStripe => "Stripe refused the refund. Its reason is on the timeline below.",
            Self::Disputed => "An order of this buyer has an open dispute. Erase when it is decided.",
            Self::Pending => "An order of this buyer is still being paid. Erase when it is paid or has failed.",
            Self::Refunding => "A refund to this buyer has not arrived yet. Erase when it has.",
            Self::BadDetails => {
                "An invoice needs a name or a company, the country as two letters, and a VAT ID that begins with two."
            }
            Self::BadSeller => {
                "That does not fit: a line has at most 120 characters, an address six lines, a text 1,000, and the country is two letters."
            }
            Self::Outdated => "Somebody has saved these settings since the form was opened, so it was not saved.",
            Self::NoInvoice => "There is no invoice to replace: nothing was paid, or all of it went back.",
            Self::InvoiceChanged => "The invoice was replaced meanwhile. Please look at what it says now.",
        }
    }
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::NotPaid => Self::NotPaid,
            Refusal::Erased => Self::Erased,
            Refusal::BeingSent => Self::BeingSent,
            Refusal::NotOpen => Self::NotOpen,
            Refusal::NothingToDo => Self::NothingToDo,
            Refusal::BadNote => Self::BadNote,
            Refusal::NoTitles => Self::NoTitles,
            Refusal::NoFiles => Self::NoFiles,
            Refusal::NotConfirmed => Self::NotConfirmed,
        }
    }
}

impl From<NotErased> for Refused {
    fn from(why: NotErased) -> Self {
        match why {
            NotErased::Disputed(_) => Self::Disputed,
            NotErased::Pending(_) => Self::Pending,
            NotErased::Refunding(_) => Self::Refunding,
            NotErased::Sending => Self::BeingSent,
            NotErased::Nothing => Self::NothingToDo,
        }
    }
}

/// Why the form that led back here (`?refused=`) was not followed, from our own table of sentences.
pub(super) fn notice() -> Option<impl IntoView> {
    let code = query("refused")?;
    let why = Refused::ALL.into_iter().find(|why| why.as_str() == code)?;
    Some(view! { <Notice bad=true>{why.sentence()}</Notice> })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_code_of_its_own_and_a_sentence() {
        for (place, why) in Refused::ALL.into_iter().enumerate() {
            assert!(why.sentence().ends_with('.'));
            assert!(Refused::ALL.iter().skip(place + 1).all(|other| other.as_str() != why.as_str()), "{why:?}");
        }
    }
}
