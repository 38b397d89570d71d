//! E-mail addresses, as far as a shop needs to understand them.

use super::Role;
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// An address as the buyer typed it, trimmed. [`Email::normalized`] is what purchases are found by.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The text cannot be an address that mail is delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not look like an e-mail address")]
pub struct InvalidEmail;

/// RFC 5321 4.5.3.1.3: a path is at most 256 octets, two of them the angle brackets.
const MAX_OCTETS: usize = 254;
/// RFC 5321 4.5.3.1.1.
const MAX_LOCAL_OCTETS: usize = 64;

impl Email {
    /// The form that purchases are keyed by: lower case.
    ///
    /// Nothing else is folded: dots and `+tags` are different mailboxes as far as the standards say.
    #[must_use]
    pub fn normalized(&self) -> String {
        normalize_address(&self.0)
    }

    /// The address as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for eyes that may not be its owner's: `a…@e….org`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let (host, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
        let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        format!("{}…@{}….{top}", first(local), first(host))
    }
}

/// As [`Email::normalized`], for an address that is taken as it comes: the payer's, as Stripe has it. A letter that lower
/// case would turn into another mailbox's stays as it is.
#[must_use]
pub fn normalize_address(address: &str) -> String {
    if !address.contains(looks_ascii) {
        return address.to_lowercase();
    }
    let mut normal = String::with_capacity(address.len());
    for c in address.chars() {
        if looks_ascii(c) {
            normal.push(c);
        } else {
            normal.extend(c.to_lowercase());
        }
    }
    normal
}

/// Whether a letter is none of ASCII's and becomes one in lower case, as the Kelvin sign becomes `k`: with it an address
/// could be written that counts as somebody else's.
fn looks_ascii(c: char) -> bool {
    !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii())
}

/// Such a text as that role may read it: from support on as it is.
#[must_use]
pub fn readable_for(role: Role, text: String) -> String {
    if role >= Role::Support { text } else { mask_addresses(&text) }
}

/// A text of somebody else's (Stripe's, a mail server's, a colleague's) for eyes that may not see buyers: every address in it
/// is masked.
#[must_use]
pub fn mask_addresses(text: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || ".!#$%&*+/=?^_`{|}~-@".contains(c);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(part) {
        let (before, from) = rest.split_at(at);
        let (word, behind) = from.split_at(from.find(|c| !part(c)).unwrap_or(from.len()));
        masked.push_str(before);
        // A full stop behind it is the sentence's.
        let plain = word.trim_end_matches(['.', '!', '?']);
        let address = plain.rsplit_once('=').map_or(plain, |(_, address)| address);
        match address.parse::<Email>() {
            Ok(email) => {
                masked.push_str(&email.masked());
                masked.push_str(&word[plain.len()..]);
            }
            // With an @ in it and no address as we know them: perhaps one of an older server's.
            Err(_) if word.contains('@') => masked.push('…'),
            Err(_) => masked.push_str(word),
        }
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Accepts what the WHATWG HTML standard accepts in `<input type=email>` plus non-ASCII letters (RFC 6531),
    /// with the length limits of RFC 5321 and a dot in the domain, because a shop's buyers are on the internet. Letters that
    /// lower case makes ASCII's are refused: two mailboxes would have one [normal form](Email::normalized).
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.len() > MAX_OCTETS {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let letter = |c: char| c.is_alphanumeric() && !looks_ascii(c);
        let local_char = |c: char| letter(c) || ".!#$%&'*+/=?^_`{|}~-".contains(c);
        let local_ok = !local.is_empty()
            && local.len() <= MAX_LOCAL_OCTETS
            && local.chars().all(local_char)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| letter(c) || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
        if local_ok && domain_ok { Ok(Self(text.to_owned())) } else { Err(InvalidEmail) }
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// Masked: addresses do not belong in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_accepted_and_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for good in ["a@b.co", " ann.lee+books@Example.ORG ", "ünï@exämple.org", "o'hara@sub.example.co.uk"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.co",
            "a@",
            "a b@c.de",
            "a@b..c",
            "a@-b.co",
            ".a@b.co",
            "a..b@c.de",
            "a@b.co\r\nBcc: x@y.z",
            "jac\u{212A}@example.org",
            "l\u{130}sa@example.org",
            "jack@boo\u{212A}s.example.org",
            long.as_str(),
        ] {
            assert_eq!(bad.parse::<Email>(), Err(InvalidEmail), "{bad}");
        }
    }

    #[test]
    fn no_letter_becomes_one_of_ascii() {
        for address in ["jac\u{212A}@example.org", "l\u{130}sa@example.org", "Jac\u{212A}@Example.org"] {
            assert!(!normalize_address(address).is_ascii(), "{address}");
        }
        assert_eq!(normalize_address("Jac\u{212A}@Example.org"), "jac\u{212A}@example.org");
        for (address, norm) in [("Ann@Example.org", "ann@example.org"), ("ÜNÏ@Exämple.org", "ünï@exämple.org")] {
            assert_eq!(normalize_address(address), norm);
        }
    }

    #[test]
    fn addresses_in_a_text_are_masked_and_nothing_else_is() {
        for (text, masked) in [
            ("", ""),
            ("cs_test_1: 799 USD, not 699", "cs_test_1: 799 USD, not 699"),
            ("of ann@example.org.", "of a…@e….org."),
            ("550 <Ann.Lee+x@books.example.org>: unknown", "550 <A…@b….org>: unknown"),
            ("email=ann@example.org, again", "a…@e….org, again"),
            ("two ann@example.org, bob@example.com!", "two a…@e….org, b…@e….com!"),
            ("müller@bücher.example", "m…@b….example"),
            ("root@localhost and a@b@c", "… and …"),
        ] {
            assert_eq!(mask_addresses(text), masked, "{text}");
        }
    }

    #[test]
    fn the_key_is_lower_case_and_debug_is_masked() {
        let email: Email = "Ann@Example.org".parse().unwrap();
        assert_eq!(email.normalized(), "ann@example.org");
        assert_eq!(email.as_str(), "Ann@Example.org");
        assert_eq!(format!("{email:?}"), "Email(A…@E….org)");
    }
}
