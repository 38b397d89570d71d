//! Where a sale is taxed, and how: the rules for e-books, which are electronically supplied services (Directive
//! 2006/112/EC, articles 44, 58 and 59c; outside the Union the same by each state's own law).

use super::vat_id::VatId;
use crate::types::{Country, OneStopShop, TaxSettings};

/// How a sale is taxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By the rates of this country.
    Taxed(Country),
    /// The business that buys owes the tax, in its country.
    ReverseCharge(Country),
    /// The seller owes nobody anything for a buyer there.
    OutsideScope(Country),
}

impl Place {
    /// The country by whose rules it is.
    #[must_use]
    pub const fn country(self) -> Country {
        match self {
            Self::Taxed(country) | Self::ReverseCharge(country) | Self::OutsideScope(country) => country,
        }
    }
}

/// Where a seller taxes a buyer from `buyer` (at home, if nobody knows where she is). A business is where its number is
/// from.
#[must_use]
pub fn of(settings: &TaxSettings, seller: Country, buyer: Option<Country>, vat_id: Option<&VatId>) -> Place {
    let country = vat_id.map(|id| id.country).or(buyer).unwrap_or(seller);
    if country == seller {
        return Place::Taxed(seller);
    }
    let registered = settings.registered.contains(&country);
    let of_shop = country.is_in_union()
        && match settings.oss {
            OneStopShop::Registered => true,
            OneStopShop::BelowThreshold | OneStopShop::No => seller.is_in_union(),
        };
    if !registered && !of_shop {
        return Place::OutsideScope(country);
    }
    if vat_id.is_some() {
        return Place::ReverseCharge(country);
    }
    if settings.oss == OneStopShop::BelowThreshold && of_shop && !registered {
        return Place::Taxed(seller);
    }
    Place::Taxed(country)
}

/// Where a buyer is, by what speaks for it: two pieces that agree, else what she says herself, else where her card is from.
#[must_use]
pub fn located(billing: Option<Country>, card: Option<Country>, ip: Option<Country>) -> Option<Country> {
    match (billing, card, ip) {
        (Some(billing), _, _) if Some(billing) == card || Some(billing) == ip => Some(billing),
        (_, Some(card), Some(ip)) if card == ip => Some(card),
        (billing, card, ip) => billing.or(card).or(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TaxMode;

    fn country(code: &str) -> Country {
        code.parse().unwrap()
    }

    fn place(seller: &str, oss: OneStopShop, registered: &[&str], buyer: &str, id: Option<&str>) -> Place {
        let settings = TaxSettings {
            mode: TaxMode::Table,
            inclusive: true,
            seller: Some(country(seller)),
            oss,
            registered: registered.iter().map(|code| country(code)).collect(),
            ..TaxSettings::default()
        };
        let id = id.map(|code| VatId { country: country(code), number: "1".into() });
        of(&settings, country(seller), buyer.parse().ok(), id.as_ref())
    }

    #[test]
    fn a_sale_is_taxed_where_the_law_says() {
        use OneStopShop::{BelowThreshold, No, Registered};
        let taxed = |code: &str| Place::Taxed(country(code));
        let reverse = |code: &str| Place::ReverseCharge(country(code));
        let outside = |code: &str| Place::OutsideScope(country(code));
        for (seller, oss, registered, buyer, id, expected) in [
            // At home, whatever is known; also to businesses.
            ("DE", BelowThreshold, &[][..], "DE", None, taxed("DE")),
            ("DE", Registered, &[], "", None, taxed("DE")),
            ("DE", Registered, &[], "DE", Some("DE"), taxed("DE")),
            // Other members of the Union.
            ("DE", BelowThreshold, &[], "FR", None, taxed("DE")),
            ("DE", Registered, &[], "FR", None, taxed("FR")),
            ("DE", No, &[], "FR", None, taxed("FR")),
            ("DE", BelowThreshold, &["FR"], "FR", None, taxed("FR")),
            ("DE", BelowThreshold, &[], "FR", Some("FR"), reverse("FR")),
            ("DE", Registered, &[], "FR", Some("AT"), reverse("AT")),
            ("DE", Registered, &[], "US", Some("AT"), reverse("AT")),
            // Outside.
            ("DE", Registered, &[], "US", None, outside("US")),
            ("DE", Registered, &[], "CH", None, outside("CH")),
            ("DE", Registered, &["CH"], "CH", None, taxed("CH")),
            ("DE", Registered, &["GB"], "GB", Some("GB"), reverse("GB")),
            ("DE", Registered, &[], "GB", Some("GB"), outside("GB")),
            // Sellers from outside.
            ("US", Registered, &[], "DE", None, taxed("DE")),
            ("US", Registered, &[], "DE", Some("DE"), reverse("DE")),
            ("US", No, &[], "DE", None, outside("DE")),
            ("GB", No, &["DE"], "DE", None, taxed("DE")),
        ] {
            assert_eq!(
                place(seller, oss, registered, buyer, id),
                expected,
                "{seller} {oss:?} {registered:?} {buyer} {id:?}"
            );
        }
    }

    #[test]
    fn two_pieces_of_evidence_that_agree_decide() {
        let at = |code: &str| code.parse::<Country>().ok();
        for (billing, card, ip, expected) in [
            ("DE", "DE", "", "DE"),
            ("DE", "US", "", "DE"),
            ("DE", "FR", "FR", "FR"),
            ("DE", "FR", "DE", "DE"),
            ("", "FR", "", "FR"),
            ("", "", "AT", "AT"),
            ("", "", "", ""),
        ] {
            assert_eq!(located(at(billing), at(card), at(ip)), at(expected), "{billing} {card} {ip}");
        }
    }
}
