//! Places where a test lets the program die, as a power cut would: `OCTAVO_ABORT_AT=order-inserted`, or
//! `order-inserted:3` for the third time it comes by.
//!
//! Only a debug build looks at the variable, once; a build for release has none of this in it, which
//! `scripts/release.sh` shows for the program that it ships. A module of our own, because the crate `fail` knows
//! panics and early returns but no abort from the environment, and brings a second `rand` for it.

macro_rules! failpoints {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)+) => {
        /// A place to die at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failpoint {
            $($(#[$meta])* $variant,)+
        }

        impl Failpoint {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in `OCTAVO_ABORT_AT`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

failpoints! {
    /// A delivery's event is written and not durable.
    EventInserted = "event-inserted",
    /// It is durable and not acknowledged.
    EventKept = "event-kept",
    /// A worker has taken events and begun none.
    EventsLeased = "events-leased",
    /// Stripe is about to be asked for a session.
    BeforeFetch = "before-fetch",
    /// Stripe has answered.
    AfterFetch = "after-fetch",
    /// The order's row is written, its items are not.
    OrderInserted = "order-inserted",
    /// Its items are written.
    ItemsInserted = "items-inserted",
    /// Entitlements and tokens are written.
    EntitlementsInserted = "entitlements-inserted",
    /// The invoice has its number.
    InvoiceNumbered = "invoice-numbered",
    /// The mail is queued.
    MailQueued = "mail-queued",
    /// All of it is written, the event is marked as done, and nothing is durable.
    BeforeCommit = "before-commit",
    /// All of it is durable, and nobody has been told.
    AfterCommit = "after-commit",
    /// The checkout's row is durable, Stripe has not been asked.
    CheckoutOpened = "checkout-opened",
    /// Stripe has made the session, and we have not kept its id.
    SessionCreated = "session-created",
    /// The session's id is durable, the buyer has not been sent to it.
    SessionKept = "session-kept",
    /// A download's use is taken and not durable.
    ClaimWritten = "claim-written",
    /// It is durable, and the browser does not know its address.
    ClaimKept = "claim-kept",
    /// A mail is leased and written, and the relay has not been asked.
    MailLeased = "mail-leased",
    /// The relay has taken it, and we have not kept that.
    MailTaken = "mail-taken",
    /// That is durable.
    MailMarked = "mail-marked",
    /// A webhook is leased, and its endpoint has not been asked.
    WebhookLeased = "webhook-leased",
    /// The endpoint has taken it, and we have not kept that.
    WebhookAnswered = "webhook-answered",
    /// That is durable.
    WebhookMarked = "webhook-marked",
    /// The row of a refund that is asked for here is durable, Stripe has not been asked.
    RefundPlanned = "refund-planned",
    /// Stripe has made it, and we have not kept its id.
    RefundMade = "refund-made",
    /// Stripe has told of all refunds of a payment, however we came to ask.
    RefundsFetched = "refunds-fetched",
    /// They have their credit notes, and nothing is durable.
    CreditNoted = "credit-noted",
    /// They and what they leave of the titles' rights are written, and nothing is durable.
    RefundsWritten = "refunds-written",
    /// All of it is durable, and nobody has been told.
    RefundsKept = "refunds-kept",
    /// A program's key is durable, and what it asks for is not begun.
    KeyKept = "key-kept",
    /// What was asked for under it is done, and the answer is not kept.
    KeyedWorkDone = "keyed-work-done",
    /// The answer is durable, and the program has not been told.
    AnswerKept = "answer-kept",
    /// Stripe has told how a dispute stands.
    DisputeFetched = "dispute-fetched",
    /// It and what it leaves of the titles' rights are written, and nothing is durable.
    DisputeWritten = "dispute-written",
    /// All of it is durable, and nobody has been told.
    DisputeKept = "dispute-kept",
}

/// The variable's name.
#[cfg(debug_assertions)]
const VARIABLE: &str = "OCTAVO_ABORT_AT";

/// Comes by at `point`: the program ends here if that was asked for.
#[cfg(debug_assertions)]
pub(crate) fn pass(point: Failpoint) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static WANTED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let wanted = std::env::var(VARIABLE).ok()?;
        let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), AtomicU32::new(times.parse().unwrap_or(1))))
    });
    if let Some((name, left)) = &*WANTED
        && name == point.name()
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

/// Comes by at `point`, where nobody waits.
#[cfg(not(debug_assertions))]
pub(crate) const fn pass(_point: Failpoint) {}
