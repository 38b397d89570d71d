//! The islands: the few places where a page reacts without being loaded again.
//!
//! Each wraps a form or a link that works without it, takes no serialised props (what it needs stands in the markup)
//! and holds no resources. They arrive when the browser is idle or somebody touches one; until then the forms post.
//! State that two islands share lives in [`cart_count`].

pub mod add_to_cart;
pub mod cart_count;
pub mod code_entry;
pub mod live_figures;
pub mod open_order;
pub mod renew;
pub mod theme_switch;
pub mod wait_for_order;

pub use add_to_cart::AddToCart;
pub use cart_count::{CartCount, CartItems};
pub use code_entry::CodeEntry;
pub use live_figures::LiveFigures;
pub use open_order::OpenOrder;
pub use renew::RenewInPlace;
pub use theme_switch::ThemeSwitch;
pub use wait_for_order::WaitForOrder;

/// The value of an input named `name` inside the form.
#[cfg(feature = "hydrate")]
pub(crate) fn field(form: &web_sys::Element, name: &str) -> Option<web_sys::HtmlInputElement> {
    use wasm_bindgen::JsCast;
    form.query_selector(&format!("input[name={name}]")).ok().flatten()?.dyn_into().ok()
}
