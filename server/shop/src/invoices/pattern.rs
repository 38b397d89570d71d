//! How a number is written: `INV-{year}-{seq:5}`.

use core::fmt;
use std::str::FromStr;

/// The pattern of a series' numbers: text with `{year}` and `{seq}` in it, `{seq:5}` with at least five digits.
///
/// Two different places of a series are never written the same: `{year}` must be there, because each year begins again
/// with one, and neither it nor `{seq}` may touch a digit of the text or each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Year,
    /// With so many digits at least.
    Seq(usize),
}

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Something in braces that is none of ours.
    #[error("has {{{0}}}: only {{year}}, {{seq}} and {{seq:5}} stand for something")]
    Unknown(String),
    /// A brace without its other half.
    #[error("has a brace that is not closed or not opened")]
    Brace,
    /// Not exactly one of each: numbers would repeat.
    #[error("must have {{year}} and {{seq}} once each, or numbers would repeat")]
    Repeats,
    /// Two runs of digits would flow into one.
    #[error("must have something other than a digit between {{year}}, {{seq}} and other digits")]
    Flows,
    /// A letter that means something in a file's name or an address.
    #[error("may have letters, digits, spaces and -_./#() only")]
    Letters,
    /// Longer than a number may be.
    #[error("must be at most 40 characters long")]
    TooLong,
}

const LONGEST: usize = 40;
const MOST_DIGITS: usize = 12;

impl Pattern {
    /// The number of a place in a series.
    #[must_use]
    pub fn number(&self, year: i32, seq: i64) -> String {
        let mut number = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => number.push_str(text),
                Part::Year => number.push_str(&format!("{year:04}")),
                Part::Seq(width) => number.push_str(&format!("{seq:0width$}")),
            }
        }
        number
    }

    /// Whether a number of this pattern could be one of the other's too.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let skeleton = |pattern: &Self| -> String {
            let texts = pattern.0.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "" });
            texts.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect()
        };
        skeleton(self) == skeleton(other)
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.len() > LONGEST {
            return Err(BadPattern::TooLong);
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, behind) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') {
                return Err(BadPattern::Brace);
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if before.len() == rest.len() {
                break;
            }
            let (name, after) = behind.split_once('}').ok_or(BadPattern::Brace)?;
            parts.push(placeholder(name)?);
            rest = after;
        }
        let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
        if count(|part| *part == Part::Year) != 1 || count(|part| matches!(part, Part::Seq(_))) != 1 {
            return Err(BadPattern::Repeats);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_./#()".contains(c);
        if parts.iter().any(|part| matches!(part, Part::Text(text) if !text.chars().all(plain))) {
            return Err(BadPattern::Letters);
        }
        if parts.windows(2).any(|pair| matches!(pair, [a, b] if a.ends_in_digit() && b.begins_with_digit())) {
            return Err(BadPattern::Flows);
        }
        Ok(Self(parts))
    }
}

fn placeholder(name: &str) -> Result<Part, BadPattern> {
    match name.split_once(':') {
        None if name == "year" => Ok(Part::Year),
        None if name == "seq" => Ok(Part::Seq(1)),
        Some(("seq", width)) => match width.parse() {
            Ok(width @ 1..=MOST_DIGITS) => Ok(Part::Seq(width)),
            _ => Err(BadPattern::Unknown(name.to_owned())),
        },
        _ => Err(BadPattern::Unknown(name.to_owned())),
    }
}

impl Part {
    fn begins_with_digit(&self) -> bool {
        !matches!(self, Self::Text(text) if !text.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn ends_in_digit(&self) -> bool {
        !matches!(self, Self::Text(text) if !text.ends_with(|c: char| c.is_ascii_digit()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Year => f.write_str("{year}"),
            Part::Seq(1) => f.write_str("{seq}"),
            Part::Seq(width) => write!(f, "{{seq:{width}}}"),
        })
    }
}

/// How the numbers of the store's documents are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    invoices: Pattern,
    credit_notes: Pattern,
}

/// The two series could come to the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must differ from the invoices' pattern in more than digits, or a credit note could have an invoice's number")]
pub struct SameNumbers;

impl Numbering {
    /// Both patterns.
    ///
    /// # Errors
    /// [`SameNumbers`] if a number of one could be one of the other.
    pub fn new(invoices: Pattern, credit_notes: Pattern) -> Result<Self, SameNumbers> {
        if invoices.meets(&credit_notes) { Err(SameNumbers) } else { Ok(Self { invoices, credit_notes }) }
    }

    /// Of invoices.
    #[must_use]
    pub const fn invoices(&self) -> &Pattern {
        &self.invoices
    }

    /// Of credit notes.
    #[must_use]
    pub const fn credit_notes(&self) -> &Pattern {
        &self.credit_notes
    }
}

impl Default for Numbering {
    fn default() -> Self {
        let usual = |prefix: &str| {
            Pattern(vec![Part::Text(format!("{prefix}-")), Part::Year, Part::Text("-".into()), Part::Seq(5)])
        };
        Self { invoices: usual("INV"), credit_notes: usual("CN") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Pattern, BadPattern> {
        text.parse()
    }

    #[test]
    fn a_number_is_written_as_the_pattern_says() {
        for (pattern, number) in [
            ("INV-{year}-{seq:5}", "INV-2026-00042"),
            ("{year}/{seq}", "2026/42"),
            ("RE {seq:3} ({year})", "RE 042 (2026)"),
            ("S1-{year}-{seq:12}", "S1-2026-000000000042"),
        ] {
            let parsed = parse(pattern).unwrap();
            assert_eq!((parsed.number(2026, 42), parsed.to_string()), (number.to_owned(), pattern.to_owned()));
        }
        let usual = Numbering::default();
        assert_eq!(usual.invoices().to_string(), "INV-{year}-{seq:5}");
        assert_eq!(usual.credit_notes().number(2026, 1), "CN-2026-00001");
        // More than the digits that are asked for is no trouble.
        assert_eq!(parse("{year}-{seq:2}").unwrap().number(2026, 12_345), "2026-12345");
    }

    #[test]
    fn a_pattern_that_could_repeat_a_number_is_refused() {
        for pattern in ["", "INV", "INV-{seq}", "INV-{year}", "{year}-{seq}-{seq}", "{year}-{year}-{seq}"] {
            assert_eq!(parse(pattern), Err(BadPattern::Repeats), "{pattern}");
        }
        for pattern in ["{year}{seq}", "INV1{seq}-{year}", "{year}-{seq}1", "{seq}{year}", "20{year}-{seq}"] {
            assert_eq!(parse(pattern), Err(BadPattern::Flows), "{pattern}");
        }
        let unknown = |name: &str| Err(BadPattern::Unknown(name.into()));
        for name in ["month", "Year", "seq:", "seq:0", "seq:13", "seq:x", "year:4", "", "{year"] {
            assert_eq!(parse(&format!("{{{name}}}-{{year}}-{{seq}}")), unknown(name), "{name}");
        }
        for pattern in ["{year}-{seq", "year}-{seq}", "{year}}-{seq}"] {
            assert_eq!(parse(pattern), Err(BadPattern::Brace), "{pattern}");
        }
        assert_eq!(parse("Nº{year}-{seq}"), Err(BadPattern::Letters));
        assert_eq!(parse("\"{year}\"\r\n-{seq}"), Err(BadPattern::Letters));
        assert_eq!(parse(&format!("{}{{year}}-{{seq}}", "A".repeat(40))), Err(BadPattern::TooLong));
    }

    #[test]
    fn the_two_series_never_come_to_one_number() {
        let both = |a: &str, b: &str| Numbering::new(parse(a).unwrap(), parse(b).unwrap());
        assert!(both("INV-{year}-{seq:5}", "CN-{year}-{seq:5}").is_ok());
        assert!(both("{year}-{seq}", "{year}/{seq}").is_ok());
        for (a, b) in
            [("{year}-{seq}", "{year}-{seq:5}"), ("{year}-{seq}", "{seq}-{year}"), ("1-{year}-{seq}", "2-{year}-{seq}")]
        {
            assert_eq!(both(a, b), Err(SameNumbers), "{a} {b}");
        }
    }
}
