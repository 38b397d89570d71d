//! The one error that travels: from a server function to its caller, from a page to [`ErrorPage`].
//!
//! It carries a code and nothing else. What went wrong in detail is logged once, here, where the domain's error
//! becomes a code; no text of the server's ever reaches people.
//!
//! [`ErrorPage`]: crate::components::ErrorPage

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What went wrong, as far as the visitor can do something about it. The kebab-case name stands in URLs (`?error=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// An argument or a parameter of the URL makes no sense.
    BadRequest,
    /// No such page, book or order.
    NotFound,
    /// There is nothing to pay for.
    CartEmpty,
    /// The cart is not the one that was on the screen.
    CartChanged,
    /// The book is not sold (any more, or in this currency).
    BookUnavailable,
    /// No more titles fit.
    CartFull,
    /// The free path was taken for a cart that costs something.
    NotFree,
    /// Not an address that mail can be sent to.
    InvalidEmail,
    /// Too many tries.
    RateLimited,
    /// A wrong or expired code, or somebody else's order.
    Forbidden,
    /// Nobody is signed in at the desk.
    SignedOut,
    /// Address, password or code are not right; which, nobody is told.
    SignInRefused,
    /// Whoever is signed in may not do this.
    NotAllowed,
    /// There is an account under this address.
    Taken,
    /// Somebody must be left who decides.
    LastOwner,
    /// A password that could be guessed.
    WeakPassword,
    /// A name, a country or a VAT id that no invoice can be made out to.
    InvalidDetails,
    /// The time in which the invoice could be made out anew is over, or all of the payment went back.
    InvoiceFinal,
    /// The invoice was replaced since the form was shown.
    InvoiceChanged,
    /// A title of the cart cannot be paid for: Stripe does not know its tax code.
    TitleRefused,
    /// Stripe takes no payment like this one.
    PaymentRefused,
    /// The cart comes to less than Stripe charges.
    TooLittle,
    /// Stripe cannot be reached.
    PaymentsUnavailable,
    /// The database is overloaded.
    Busy,
    /// Our fault.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::BadRequest,
        Self::NotFound,
        Self::CartEmpty,
        Self::CartChanged,
        Self::BookUnavailable,
        Self::CartFull,
        Self::NotFree,
        Self::InvalidEmail,
        Self::RateLimited,
        Self::Forbidden,
        Self::SignedOut,
        Self::SignInRefused,
        Self::NotAllowed,
        Self::Taken,
        Self::LastOwner,
        Self::WeakPassword,
        Self::InvalidDetails,
        Self::InvoiceFinal,
        Self::InvoiceChanged,
        Self::TitleRefused,
        Self::PaymentRefused,
        Self::TooLittle,
        Self::PaymentsUnavailable,
        Self::Busy,
        Self::Internal,
    ];

    /// The word in the URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::NotFound => "not-found",
            Self::CartEmpty => "cart-empty",
            Self::CartChanged => "cart-changed",
            Self::BookUnavailable => "book-unavailable",
            Self::CartFull => "cart-full",
            Self::NotFree => "not-free",
            Self::InvalidEmail => "invalid-email",
            Self::RateLimited => "rate-limited",
            Self::Forbidden => "forbidden",
            Self::SignedOut => "signed-out",
            Self::SignInRefused => "sign-in-refused",
            Self::NotAllowed => "not-allowed",
            Self::Taken => "taken",
            Self::LastOwner => "last-owner",
            Self::WeakPassword => "weak-password",
            Self::InvalidDetails => "invalid-details",
            Self::InvoiceFinal => "invoice-final",
            Self::InvoiceChanged => "invoice-changed",
            Self::TitleRefused => "title-refused",
            Self::PaymentRefused => "payment-refused",
            Self::TooLittle => "too-little",
            Self::PaymentsUnavailable => "payments-unavailable",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// The code of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::SignedOut => 401,
            Self::Forbidden | Self::SignInRefused | Self::NotAllowed => 403,
            Self::NotFound => 404,
            Self::CartEmpty
            | Self::CartChanged
            | Self::BookUnavailable
            | Self::CartFull
            | Self::TitleRefused
            | Self::PaymentRefused
            | Self::TooLittle
            | Self::NotFree
            | Self::Taken
            | Self::LastOwner
            | Self::InvoiceFinal
            | Self::InvoiceChanged => 409,
            Self::InvalidEmail | Self::WeakPassword | Self::InvalidDetails => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::PaymentsUnavailable | Self::Busy => 503,
        }
    }

    /// What a page of its own says in its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "That address does not work",
            Self::NotFound => "This page is not here",
            Self::Forbidden => "This is not open to you",
            Self::SignedOut => "Please sign in",
            Self::NotAllowed => "Your role does not allow this",
            Self::PaymentsUnavailable => "Payments are resting",
            Self::Busy => "The shop is very busy",
            Self::Internal => "Something broke on our side",
            _ => "That did not work",
        }
    }

    /// What happened and what to do, in a sentence or two.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BadRequest => "Part of the address or of the form is not something this shop understands.",
            Self::NotFound => "It may have moved, or the address may be mistyped.",
            Self::CartEmpty => "Your cart is empty, so there is nothing to check out.",
            Self::CartChanged => "Your cart changed while this page was open. Please look it over and try again.",
            Self::BookUnavailable => "This book is not for sale at the moment.",
            Self::CartFull => "Your cart is full. Please check out first; you can come back for more.",
            Self::NotFree => "There is something to pay for in your cart. Please use Checkout.",
            Self::InvalidEmail => "That does not look like an e-mail address. Please check it.",
            Self::RateLimited => "That was a little too often. Please wait a few minutes and try again.",
            Self::Forbidden => "The code is wrong or too old, or it belongs to another browser.",
            Self::SignedOut => "Nobody is signed in here, or the session is over.",
            Self::SignInRefused => "That is not right. Please check what you typed and try again.",
            Self::NotAllowed => "Somebody with another role can do this, or give you that role.",
            Self::Taken => "There is an account under this address already.",
            Self::LastOwner => "Somebody must be left who decides: make another colleague an owner first.",
            Self::WeakPassword => {
                "Please choose a longer password: at least 12 characters, and neither your address nor one pattern \
                 over and over. Three or four random words are good."
            }
            Self::InvalidDetails => {
                "An invoice needs a name or a company, the country as two letters (like DE), and a VAT ID that begins \
                 with two letters. A line has at most 120 characters."
            }
            Self::InvoiceFinal => {
                "This invoice is final: the time in which it could be changed is over, or the payment went back. \
                 Please write to the shop."
            }
            Self::InvoiceChanged => "The invoice was changed meanwhile. Please look at what it says now.",
            Self::TitleRefused => {
                "One of the titles in your cart cannot be paid for at the moment, and the shop has been told. Nothing was \
                 charged and your cart is safe."
            }
            Self::PaymentRefused => {
                "The shop cannot take this payment. You were not charged; please write to the shop."
            }
            Self::TooLittle => {
                "Your cart comes to less than can be paid. You were not charged; please add another title."
            }
            Self::PaymentsUnavailable => {
                "We cannot reach our payment provider right now. Nothing was charged and your cart is safe. \
                 Please try again in a few minutes."
            }
            Self::Busy => "Please try again in a moment. Nothing was lost.",
            Self::Internal => "We have made a note of it. Nothing was charged by this; please try again.",
        }
    }

    /// Whether the visitor should be back on the page they came from, with the sentence on it, rather than on an
    /// error page: they can put it right there.
    #[must_use]
    pub const fn correctable(self) -> bool {
        matches!(
            self,
            Self::CartEmpty
                | Self::CartChanged
                | Self::BookUnavailable
                | Self::CartFull
                | Self::TitleRefused
                | Self::PaymentRefused
                | Self::TooLittle
                | Self::NotFree
                | Self::InvalidEmail
                | Self::RateLimited
                | Self::Forbidden
                | Self::SignInRefused
                | Self::NotAllowed
                | Self::Taken
                | Self::LastOwner
                | Self::WeakPassword
                | Self::InvalidDetails
                | Self::InvoiceFinal
                | Self::InvoiceChanged
        )
    }
}

/// The error of every server function and page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// All there is to know.
    pub code: ErrorCode,
}

impl AppError {
    /// An unknown page, book or order.
    pub const NOT_FOUND: Self = Self { code: ErrorCode::NotFound };
    /// A parameter that makes no sense.
    pub const BAD_REQUEST: Self = Self { code: ErrorCode::BadRequest };

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.code.status()
    }

    /// What happened and what to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.code.sentence()
    }

    /// See [`ErrorCode::correctable`].
    #[must_use]
    pub const fn correctable(self) -> bool {
        self.code.correctable()
    }
}

impl From<ErrorCode> for AppError {
    fn from(code: ErrorCode) -> Self {
        Self { code }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr::{Args, Deserialization, MissingArg, Request, UnsupportedRequestMethod};
        match error {
            Args(_) | MissingArg(_) | UnsupportedRequestMethod(_) => Self::BAD_REQUEST,
            // On the server: a body that is no text.
            Deserialization(_) if cfg!(feature = "ssr") => Self::BAD_REQUEST,
            // In the browser: the network is gone, or something between us answered.
            Request(_) | Deserialization(_) => ErrorCode::Busy.into(),
            other => internal(&other),
        }
    }
}

impl From<shop::types::InvalidSlug> for AppError {
    fn from(_: shop::types::InvalidSlug) -> Self {
        Self::NOT_FOUND
    }
}

impl From<shop::types::InvalidOrderNumber> for AppError {
    fn from(_: shop::types::InvalidOrderNumber) -> Self {
        Self::NOT_FOUND
    }
}

impl From<shop::types::InvalidDetails> for AppError {
    fn from(_: shop::types::InvalidDetails) -> Self {
        ErrorCode::InvalidDetails.into()
    }
}

impl From<shop::types::UnknownRole> for AppError {
    fn from(_: shop::types::UnknownRole) -> Self {
        Self::BAD_REQUEST
    }
}

impl From<shop::types::UnknownScope> for AppError {
    fn from(_: shop::types::UnknownScope) -> Self {
        Self::BAD_REQUEST
    }
}

impl From<shop::types::InvalidEmail> for AppError {
    fn from(_: shop::types::InvalidEmail) -> Self {
        ErrorCode::InvalidEmail.into()
    }
}

/// Our fault: logged here, once.
pub(crate) fn internal(cause: &dyn core::fmt::Display) -> AppError {
    #[cfg(feature = "ssr")]
    tracing::error!(%cause, "internal error");
    #[cfg(not(feature = "ssr"))]
    let _ = cause;
    ErrorCode::Internal.into()
}

#[cfg(feature = "ssr")]
impl From<shop::Error> for AppError {
    fn from(error: shop::Error) -> Self {
        use shop::ErrorKind;
        let code = match error.kind() {
            ErrorKind::BadRequest => ErrorCode::BadRequest,
            ErrorKind::NotFound => ErrorCode::NotFound,
            ErrorKind::CartEmpty => ErrorCode::CartEmpty,
            ErrorKind::CartChanged => ErrorCode::CartChanged,
            ErrorKind::BookUnavailable => ErrorCode::BookUnavailable,
            ErrorKind::CartFull => ErrorCode::CartFull,
            ErrorKind::TitleRefused => ErrorCode::TitleRefused,
            ErrorKind::PaymentRefused => ErrorCode::PaymentRefused,
            ErrorKind::TooLittle => ErrorCode::TooLittle,
            ErrorKind::NotFree => ErrorCode::NotFree,
            ErrorKind::RateLimited => ErrorCode::RateLimited,
            ErrorKind::Forbidden => ErrorCode::Forbidden,
            ErrorKind::SignedOut => ErrorCode::SignedOut,
            ErrorKind::SignInRefused => ErrorCode::SignInRefused,
            ErrorKind::Taken => ErrorCode::Taken,
            ErrorKind::LastOwner => ErrorCode::LastOwner,
            ErrorKind::WeakPassword => ErrorCode::WeakPassword,
            ErrorKind::PaymentsUnavailable => ErrorCode::PaymentsUnavailable,
            ErrorKind::Busy => ErrorCode::Busy,
            ErrorKind::Internal => return internal(&error),
        };
        if matches!(code, ErrorCode::PaymentsUnavailable | ErrorCode::Busy) {
            tracing::warn!(%error, code = code.as_str(), "request failed");
        } else {
            tracing::debug!(%error, code = code.as_str(), "request refused");
        }
        code.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_word_in_the_url_and_on_the_wire() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            let wire = AppError::from(code).ser();
            assert_eq!(wire.as_ref(), format!(r#"{{"code":"{}"}}"#, code.as_str()).as_bytes());
            assert_eq!(AppError::de(wire).code, code);
        }
        assert_eq!(ErrorCode::parse("<script>"), None);
    }

    #[test]
    fn only_what_the_visitor_can_put_right_goes_back_to_the_page() {
        for code in ErrorCode::ALL {
            assert_eq!(code.correctable(), matches!(code.status(), 403 | 409 | 422 | 429), "{code:?}");
        }
    }

    #[test]
    fn unreadable_arguments_are_the_callers_fault() {
        let error = AppError::from_server_fn_error(ServerFnErrorErr::Args("missing field `slug`".into()));
        assert_eq!(error.status(), 400);
    }
}
