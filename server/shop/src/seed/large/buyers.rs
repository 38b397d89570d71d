//! Buyers: each is made of a number, and some come back.

use super::books::{base36, person};
use super::random::{Domain, Random};
use super::words::{Country, Words};

/// A person who buys.
pub(super) struct Buyer<'a> {
    pub(super) country: &'a Country,
    pub(super) name: String,
    /// As typed: one in ten likes capitals.
    pub(super) email: String,
    pub(super) email_norm: String,
}

/// Who places order `order`: half of the orders are somebody's first, and of the others some are by readers who buy
/// all the time.
pub(super) fn number_of(random: &mut Random, order: u64) -> u64 {
    if order == 0 || random.chance(520) {
        return order;
    }
    let ago = random.rank(order);
    let earlier = order - 1 - ago.min(order - 1);
    if random.chance(250) { earlier / 64 * 64 } else { earlier }
}

impl<'a> Buyer<'a> {
    /// Buyer `number`, always the same.
    pub(super) fn new(seed: u64, number: u64, words: &'a Words) -> Option<Self> {
        let random = &mut Random::new(seed, Domain::Buyer, number);
        let country = words.countries.get(random.weighted(words.countries.iter().map(|country| country.weight)))?;
        let language = words.languages.get(country.language)?;
        let (handle, animal) = (random.pick(&words.handles)?, random.pick(&words.animals)?);
        let (domain, own) = (random.pick(&words.domains)?, base36(number));
        let email_norm = format!("{handle}.{animal}{own}@{domain}");
        let email = if random.chance(100) {
            let capital = |word: &str| {
                word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1)).collect::<String>()
            };
            format!("{}.{}{own}@{domain}", capital(handle), capital(animal))
        } else {
            email_norm.clone()
        };
        Some(Self { country, name: person(random, language), email, email_norm })
    }
}
