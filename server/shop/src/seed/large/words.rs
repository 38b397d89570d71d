//! The words that titles, names and addresses are made of: `words.txt`, carried inside the program.

use crate::Error;
use crate::types::Currency;
use std::collections::BTreeMap;

const TEXT: &str = include_str!("words.txt");

/// Everything in `words.txt`.
pub(super) struct Words {
    pub(super) countries: Vec<Country>,
    pub(super) prices: Vec<PriceRule>,
    pub(super) languages: Vec<Language>,
    pub(super) publishers: Vec<&'static str>,
    pub(super) accents: Vec<&'static str>,
    pub(super) handles: Vec<&'static str>,
    pub(super) animals: Vec<&'static str>,
    pub(super) domains: Vec<&'static str>,
    pub(super) agents: Vec<&'static str>,
}

/// Where buyers live.
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) currency: Currency,
    /// Index of the language that names are made in.
    pub(super) language: usize,
    /// Tax on e-books in hundredths of a per cent.
    pub(super) tax: i64,
    pub(super) weight: u64,
}

/// How a price in US cents becomes one in another currency.
#[derive(Clone, Copy)]
pub(super) struct PriceRule {
    pub(super) currency: Currency,
    per_dollar: i64,
    round_to: i64,
    less: i64,
}

/// A word and how it is written in an address.
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub(super) text: &'static str,
    pub(super) roman: &'static str,
}

/// A language that books are written in.
pub(super) struct Language {
    pub(super) code: &'static str,
    pub(super) weight: u64,
    pub(super) articles: Vec<&'static str>,
    /// Between the two halves of a title: a space, if there is nothing in the file.
    pub(super) joiner: Option<&'static str>,
    pub(super) family_name_first: bool,
    pub(super) first: Vec<Word>,
    pub(super) last: Vec<Word>,
    pub(super) heads: Vec<Word>,
    pub(super) tails: Vec<Word>,
    pub(super) subtitles: Vec<&'static str>,
    pub(super) sentences: Vec<&'static str>,
    pub(super) label: &'static str,
    pub(super) second: &'static str,
    pub(super) change: &'static str,
}

impl PriceRule {
    /// 799 US cents in this currency, as a shop would write it: 7.99, 749, 590.
    pub(super) fn price(&self, cents: i64) -> i64 {
        if cents == 0 {
            return 0;
        }
        let exact = cents.saturating_mul(self.per_dollar) / 100;
        let steps = (exact.saturating_add(self.round_to / 2) / self.round_to).max(1);
        steps * self.round_to - self.less
    }

    /// For a currency that the file does not know: the dollar's figures, as Stripe's granularity allows.
    fn plain(currency: Currency) -> Self {
        let (per_dollar, step) = (if currency.decimals() == 3 { 1_000 } else { 100 }, currency.step());
        Self { currency, per_dollar, round_to: step.max(per_dollar / 2), less: if step < 100 { step } else { 0 } }
    }
}

type Section = BTreeMap<&'static str, Vec<&'static str>>;

impl Words {
    /// Reads the file; `store_currency` is given a price rule if it has none.
    ///
    /// # Errors
    /// [`Error::Internal`] if the file is not as this program expects: a test reads it.
    pub(super) fn load(store_currency: Currency) -> Result<Self, Error> {
        let mut sections = sections(TEXT)?;
        let mut take = |name: &str| sections.remove(name).ok_or_else(|| broken(name));
        let (countries, prices, shop) = (take("countries")?, take("prices")?, take("shop")?);
        let languages: Vec<Language> =
            sections.iter().map(|(code, keys)| language(code, keys)).collect::<Result<_, _>>()?;
        let mut prices: Vec<PriceRule> =
            all(&prices, "currency")?.iter().map(|line| price_rule(line)).collect::<Result<_, _>>()?;
        if !prices.iter().any(|rule| rule.currency == store_currency) {
            prices.push(PriceRule::plain(store_currency));
        }
        Ok(Self {
            countries: all(&countries, "country")?
                .iter()
                .map(|line| country(line, &languages))
                .collect::<Result<_, _>>()?,
            prices,
            publishers: all(&shop, "publishers")?,
            accents: all(&shop, "accents")?,
            handles: all(&shop, "handles")?,
            animals: all(&shop, "animals")?,
            domains: all(&shop, "domains")?,
            agents: all(&shop, "agents")?,
            languages,
        })
    }
}

fn broken(what: &str) -> Error {
    Error::internal(format!("words.txt: {what}"))
}

/// `[section]`, then lines `key: value; value`. Browsers' names have semicolons in them: their line is cut at ` | `.
fn sections(text: &'static str) -> Result<BTreeMap<&'static str, Section>, Error> {
    let mut sections: BTreeMap<&str, Section> = BTreeMap::new();
    let mut current = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = Some(name);
            continue;
        }
        let (section, (key, values)) = current.zip(line.split_once(": ")).ok_or_else(|| broken(line))?;
        let separator = if key == "agents" { " | " } else { "; " };
        let keys = sections.entry(section).or_default().entry(key).or_default();
        keys.extend(values.split(separator).map(str::trim));
    }
    Ok(sections)
}

fn all(section: &Section, key: &str) -> Result<Vec<&'static str>, Error> {
    section.get(key).filter(|values| values.iter().all(|v| !v.is_empty())).cloned().ok_or_else(|| broken(key))
}

fn one(section: &Section, key: &str) -> Result<&'static str, Error> {
    all(section, key)?.first().copied().ok_or_else(|| broken(key))
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<T, Error> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| broken("a number"))
}

fn currency(text: Option<&str>) -> Result<Currency, Error> {
    text.and_then(|code| code.parse().ok()).ok_or_else(|| broken("a currency"))
}

fn country(line: &'static str, languages: &[Language]) -> Result<Country, Error> {
    let mut fields = line.split(' ');
    let (code, currency, language) = (fields.next(), currency(fields.next())?, fields.next());
    Ok(Country {
        code: code.ok_or_else(|| broken(line))?,
        currency,
        language: languages.iter().position(|l| Some(l.code) == language).ok_or_else(|| broken(line))?,
        tax: number(fields.next())?,
        weight: number(fields.next())?,
    })
}

fn price_rule(line: &str) -> Result<PriceRule, Error> {
    let mut fields = line.split(' ');
    let currency = currency(fields.next())?;
    let (per_dollar, round_to, less) = (number(fields.next())?, number(fields.next())?, number(fields.next())?);
    if round_to <= less || less < 0 {
        return Err(broken(line));
    }
    Ok(PriceRule { currency, per_dollar, round_to, less })
}

fn language(code: &'static str, keys: &Section) -> Result<Language, Error> {
    let words = |key| -> Result<Vec<Word>, Error> {
        let word = |value: &'static str| match value.split_once('=') {
            Some((text, roman)) => Word { text, roman },
            None => Word { text: value, roman: value },
        };
        Ok(all(keys, key)?.into_iter().map(word).collect())
    };
    Ok(Language {
        code,
        weight: number(Some(one(keys, "weight")?))?,
        articles: keys.get("articles").cloned().unwrap_or_default(),
        joiner: keys.get("joiner").and_then(|values| values.first().copied()),
        family_name_first: keys.contains_key("order"),
        first: words("first")?,
        last: words("last")?,
        heads: words("heads")?,
        tails: words("tails")?,
        subtitles: all(keys, "subtitles")?,
        sentences: all(keys, "sentences")?,
        label: one(keys, "label")?,
        second: one(keys, "second")?,
        change: one(keys, "change")?,
    })
}

/// Latin text for an address: lower case, no diacritics, hyphens between words.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let plain = match c {
            'a'..='z' | '0'..='9' => {
                out.push(c);
                continue;
            }
            'à' | 'á' | 'â' | 'ã' | 'å' | 'ą' | 'ă' => "a",
            'ä' | 'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ő' | 'ø' => "o",
            'ö' | 'œ' => "oe",
            'ř' => "r",
            'ś' | 'š' => "s",
            'ß' => "ss",
            'ť' => "t",
            'ù' | 'ú' | 'û' | 'ů' | 'ű' => "u",
            'ü' => "ue",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            _ if out.is_empty() || out.ends_with('-') => "",
            _ => "-",
        };
        out.push_str(plain);
    }
    while out.ends_with('-') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_complete() {
        for code in ["USD", "EUR", "JPY", "KWD", "XOF", "ISK", "UGX"] {
            let words = Words::load(code.parse().unwrap()).unwrap();
            assert!(words.languages.len() >= 12 && words.countries.len() >= 20);
            for rule in &words.prices {
                for cents in [0, 99, 799, 5_900] {
                    assert!(crate::types::Money::price(rule.price(cents), rule.currency).is_ok(), "{}", rule.currency);
                }
            }
            for language in &words.languages {
                for word in [&language.first, &language.last, &language.heads, &language.tails].into_iter().flatten() {
                    assert!(!fold(word.roman).is_empty(), "{}", word.text);
                }
            }
        }
    }

    #[test]
    fn addresses_are_plain() {
        assert_eq!(fold("L’Île de l’été"), "l-ile-de-l-ete");
        assert_eq!(fold("Über das Glück"), "ueber-das-glueck");
        assert_eq!(fold("Źródła … "), "zrodla");
    }
}
