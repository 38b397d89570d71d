//! The server functions: public URLs under `/actions/` that forms post to. Each parses its arguments, makes one call
//! into `shop` and ends in a redirect; none knows SQL or HTML.
//!
//! A plain form is answered by `303 See Other`. A caller that does not accept HTML (an island) gets the value.

pub mod admin;
pub mod cart;
pub mod checkout;
pub mod currency;
pub mod invoices;
pub mod library;
pub mod orders;
pub mod theme;

pub use cart::{AddToCart, RemoveFromCart, add_to_cart, remove_from_cart};
pub use checkout::{CheckoutFree, StartCheckout, checkout_free, start_checkout};
pub use currency::{SetCurrency, set_currency};
pub use invoices::{InvoiceFor, SetBuyerDetails, invoice_for, set_buyer_details};
pub use library::{
    OpenLibrary, RequestAccess, SignOut, SignOutEverywhere, open_library, request_access, sign_out, sign_out_everywhere,
};
pub use orders::{OpenOrder, OrderProgress, Progress, RenewDownload, open_order, order_progress, renew_download};
pub use theme::{SetTheme, Theme, set_theme};

/// The page whose form posts to `action` (the last part of the path), for visitors who send no `Referer`.
#[cfg(feature = "ssr")]
#[must_use]
pub fn page_of(action: &str) -> &'static str {
    match action {
        "add-to-cart" | "remove-from-cart" | "start-checkout" => "/cart",
        "checkout-free" => "/checkout/free",
        "request-access" | "open-library" | "sign-out" | "sign-out-everywhere" => "/library",
        "set-buyer-details" => "/library",
        "admin-sign-in" => "/admin/login",
        _ if action.starts_with("admin-") => "/admin",
        _ => "/",
    }
}
