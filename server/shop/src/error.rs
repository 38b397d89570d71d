//! What can go wrong in the shop, sorted by what the caller should do about it.

/// An error of the shop. The text is for the log; people are shown a sentence chosen by [`Error::kind`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request makes no sense as it stands.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// A page of a list is to begin where it has no place.
    #[error("a place that the list does not have")]
    BadPlace,
    /// There is no such thing, or it is not for this visitor.
    #[error("not found")]
    NotFound,
    /// This visitor may not do that.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// Nobody is signed in: no session, one that is over, or an account that is switched off.
    #[error("nobody is signed in")]
    SignedOut,
    /// Address, password or code are not right, whichever of them.
    #[error("the way in was refused")]
    SignInRefused,
    /// There is an account under this address already.
    #[error("the address has an account")]
    Taken,
    /// Somebody must be left who decides.
    #[error("the last owner stays one")]
    LastOwner,
    /// A password that could be guessed.
    #[error("the password is too weak")]
    WeakPassword,
    /// There is nothing in the cart that could be bought.
    #[error("the cart is empty")]
    CartEmpty,
    /// A price or a title is another one than on the visitor's screen.
    #[error("the cart has changed since it was shown")]
    CartChanged,
    /// The book is not sold, or not in the cart's currency.
    #[error("the book is not available")]
    BookUnavailable,
    /// A title of the cart cannot be paid for at the moment, because of what the store has said of it to Stripe.
    #[error("Stripe refuses a title of the cart")]
    TitleRefused,
    /// Stripe refuses to take this payment, and will until the account or the cart is another: an amount below its minimum,
    /// no way to pay, a wrong key.
    #[error("Stripe refuses the payment")]
    PaymentRefused,
    /// The cart comes to less than Stripe charges: with another title it can be paid for.
    #[error("the cart comes to less than Stripe charges")]
    TooLittle,
    /// The cart has as many titles as one Stripe Checkout Session takes.
    #[error("the cart is full")]
    CartFull,
    /// The free way was asked for, but there is something to pay.
    #[error("this cart is not free")]
    NotFree,
    /// Too many requests of this kind from this address.
    #[error("rate limited")]
    RateLimited,
    /// Stripe did not answer, or refused.
    #[error("payments are unavailable")]
    Payments(#[from] crate::payments::PaymentsError),
    /// An amount did not fit.
    #[error(transparent)]
    Money(#[from] crate::types::MoneyError),
    /// The database refused.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// No database connection within the time limit.
    #[error("no database connection: {0}")]
    Pool(#[from] diesel::r2d2::PoolError),
    /// More work is waiting for the database than it can do in time.
    #[error("the database is overloaded")]
    Overloaded,
    /// Another request has the key under which this was asked for.
    #[error("another request does it by now")]
    TakenOver,
    /// The object store failed.
    #[error("files: {0}")]
    Files(#[from] object_store::Error),
    /// A row holds what it cannot hold, or a task died: a defect of ours.
    #[error("internal: {0}")]
    Internal(String),
}

/// What the caller should do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400.
    BadRequest,
    /// 404.
    NotFound,
    /// 403.
    Forbidden,
    /// 401: sign in first.
    SignedOut,
    /// Back to the form, which does not say what was wrong.
    SignInRefused,
    /// Back to the form.
    Taken,
    /// Back to the form.
    LastOwner,
    /// Back to the form.
    WeakPassword,
    /// Back to the cart.
    CartEmpty,
    /// Back to the cart, which shows what changed.
    CartChanged,
    /// Back to the book.
    BookUnavailable,
    /// Back to the cart.
    TitleRefused,
    /// Back to the cart.
    PaymentRefused,
    /// Back to the cart.
    TooLittle,
    /// Back to the cart.
    CartFull,
    /// Back to the cart.
    NotFree,
    /// 429.
    RateLimited,
    /// 503; the cart is kept.
    PaymentsUnavailable,
    /// 503; trying again may help.
    Busy,
    /// 500.
    Internal,
}

impl Error {
    /// The kind, without the cause.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadRequest(_) | Self::BadPlace => ErrorKind::BadRequest,
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::SignedOut => ErrorKind::SignedOut,
            Self::SignInRefused => ErrorKind::SignInRefused,
            Self::Taken => ErrorKind::Taken,
            Self::LastOwner => ErrorKind::LastOwner,
            Self::WeakPassword => ErrorKind::WeakPassword,
            Self::CartEmpty => ErrorKind::CartEmpty,
            Self::CartChanged => ErrorKind::CartChanged,
            Self::BookUnavailable => ErrorKind::BookUnavailable,
            Self::TitleRefused => ErrorKind::TitleRefused,
            Self::PaymentRefused => ErrorKind::PaymentRefused,
            Self::TooLittle => ErrorKind::TooLittle,
            Self::CartFull => ErrorKind::CartFull,
            Self::NotFree => ErrorKind::NotFree,
            Self::RateLimited => ErrorKind::RateLimited,
            Self::Payments(_) => ErrorKind::PaymentsUnavailable,
            Self::Pool(_) | Self::Overloaded | Self::TakenOver => ErrorKind::Busy,
            Self::Database(error) if is_passing(error) => ErrorKind::Busy,
            Self::Money(_) | Self::Database(_) | Self::Files(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// A defect of ours, described for the log.
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::Internal(what.into())
    }
}

/// Whether the same statement may succeed a moment later: a lost connection, a lock not had in time.
pub(crate) fn is_passing(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::DatabaseError(Kind::SerializationFailure | Kind::ClosedConnection | Kind::UnableToSendCommand, _) => {
            true
        }
        Error::DatabaseError(Kind::Unknown, info) => {
            let message = info.message();
            ["database is locked", "deadlock detected", "due to lock timeout"]
                .iter()
                .any(|words| message.contains(words))
        }
        Error::BrokenTransactionManager => true,
        _ => false,
    }
}
