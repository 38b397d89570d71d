//! The theme: a cookie that the server reads, so that no page ever flashes in the wrong colours.

use crate::error::AppError;
use leptos::prelude::*;

/// How the pages are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device is set.
    #[default]
    Auto,
    /// Warm paper.
    Light,
    /// Warm near-black.
    Dark,
}

impl Theme {
    /// All of them, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word in the cookie and in `<html data-theme>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The name on the switch.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Auto => "Theme of the device",
            Self::Light => "Light theme",
            Self::Dark => "Dark theme",
        }
    }

    /// The theme of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// Keeps the theme for a year and goes back to where the visitor was.
///
/// # Errors
/// An unknown theme is a bad request.
#[server(prefix = "/actions", endpoint = "set-theme")]
pub async fn set_theme(
    /// `auto`, `light` or `dark`.
    theme: String,
) -> Result<(), AppError> {
    let theme = Theme::parse(&theme).ok_or(AppError::BAD_REQUEST)?;
    crate::context::keep_theme(theme)?;
    crate::context::see_other(&crate::context::came_from());
    Ok(())
}
