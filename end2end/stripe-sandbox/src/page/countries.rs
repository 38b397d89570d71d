//! The countries of the payment form, by English name.

/// Code and name, a line each.
const TABLE: &str = include_str!("countries.tsv");

/// All of them, as (ISO 3166-1 code, name).
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter_map(|line| line.split_once('\t'))
}

/// Whether the form offers this code.
pub(super) fn is_known(code: &str) -> bool {
    all().any(|(known, _)| known == code)
}
