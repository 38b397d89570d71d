//! What somebody who works at the store may do.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// The roles, from the least to the most: each may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads figures, books and orders, with buyers' addresses masked.
    Viewer,
    /// Helps buyers: sees them, sends mail again, renews links, corrects addresses.
    Support,
    /// Runs the shop: books, refunds, rights, events.
    Admin,
    /// Decides: the team, settings, forgetting a buyer.
    Owner,
}

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be viewer, support, admin or owner")]
pub struct UnknownRole;

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Support, Self::Admin, Self::Owner];

    /// The word in the database, in forms and in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The word on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Support => "Support",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// What it is for, in a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Viewer => "Reads figures, books and orders; buyers’ addresses are masked.",
            Self::Support => "Also sees buyers, sends mail again, renews links and corrects addresses.",
            Self::Admin => "Also edits books, refunds, gives and takes rights, replays events.",
            Self::Owner => "Also decides who works here, and forgets buyers.",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_read_back() {
        assert!(Role::Viewer < Role::Support && Role::Support < Role::Admin && Role::Admin < Role::Owner);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for odd in ["", "Owner", "root", "owner "] {
            assert_eq!(odd.parse::<Role>(), Err(UnknownRole), "{odd}");
        }
    }
}
