//! What the visitor chose and a cookie keeps: the theme, and the currency.

use super::{set_cookie, shop};
use crate::api::Theme;
use crate::error::AppError;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use leptos::prelude::use_context;
use shop::Shop;
use shop::types::Currency;

/// The cookie that keeps the theme.
const THEME: &str = "theme";
/// The cookie that keeps the currency.
const CURRENCY: &str = "currency";

/// The theme that the visitor chose.
#[must_use]
pub fn theme() -> Theme {
    use_context::<Parts>().map(|parts| theme_of(&parts.headers)).unwrap_or_default()
}

/// The theme in a request's cookies.
#[must_use]
pub fn theme_of(headers: &HeaderMap) -> Theme {
    let cookies = headers.get_all(header::COOKIE);
    cookies.iter().filter_map(|value| value.to_str().ok()).find_map(theme_in).unwrap_or_default()
}

/// The currency of the page: what the visitor chose, if the store sells in it, else the store's own. None without a shop.
#[must_use]
pub fn currency() -> Option<Currency> {
    let shop = shop().ok()?;
    Some(use_context::<Parts>().map_or_else(|| shop.currency(), |parts| currency_of(&parts.headers, &shop)))
}

/// The same, with the error of a missing shop.
///
/// # Errors
/// Internal, if the router forgot to provide it.
pub fn currency_or_own() -> Result<Currency, AppError> {
    currency().map_or_else(|| shop().map(|shop| shop.currency()), Ok)
}

/// The currency in a request's cookies, if the store sells in it, else the store's own.
#[must_use]
pub fn currency_of(headers: &HeaderMap, shop: &Shop) -> Currency {
    let cookies = headers.get_all(header::COOKIE);
    let mut chosen =
        cookies.iter().filter_map(|value| value.to_str().ok()).filter_map(|text| cookie_in(text, CURRENCY));
    chosen.find_map(|code| shop.sells_in(code)).unwrap_or_else(|| shop.currency())
}

/// Keeps the currency for a year.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_currency(currency: Currency) -> Result<(), AppError> {
    let secure = if shop()?.is_https() { "; Secure" } else { "" };
    set_cookie(&format!("{CURRENCY}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", currency.code()))
}

fn cookie_in<'a>(cookies: &'a str, wanted: &str) -> Option<&'a str> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn theme_in(cookies: &str) -> Option<Theme> {
    cookie_in(cookies, THEME).and_then(Theme::parse)
}

/// Keeps the theme for a year.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_theme(theme: Theme) -> Result<(), AppError> {
    let secure = if shop()?.is_https() { "; Secure" } else { "" };
    set_cookie(&format!("{THEME}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", theme.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(theme_in("id=1; theme=dark"), Some(Theme::Dark));
        assert_eq!(theme_in("mytheme=dark; theme=purple"), None);
        assert_eq!(theme_in(""), None);
    }
}
