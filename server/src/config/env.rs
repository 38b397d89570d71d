//! Where settings are read from, and what is said of one that is wrong.

use core::fmt;
use std::fmt::Display;
use std::str::FromStr;

/// A setting that is missing or wrong: names it and says what it must be, and never repeats a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    /// The environment variable or the file.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The error of one setting.
pub(super) fn wrong(name: impl Into<String>, problem: impl Display) -> ConfigError {
    ConfigError { name: name.into(), problem: problem.to_string() }
}

/// Where settings are read from: a look-up of environment variables.
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Env<'a> {
    /// Settings by name.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// `NAME`, or the content of the file that `NAME_FILE` names, without its final line break.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let file_name = format!("{name}_FILE");
        match ((self.0)(name), (self.0)(&file_name)) {
            (Some(_), Some(_)) => Err(wrong(name, format_args!("and {file_name} are both set; set one of them"))),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| wrong(file_name, format_args!("names {path}, which cannot be read: {error}")))?;
                Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (value, None) => Ok(value),
        }
    }

    pub(super) fn required(&self, name: &str, what: &str) -> Result<String, ConfigError> {
        match self.get(name)? {
            Some(value) if !value.trim().is_empty() => Ok(value),
            _ => Err(wrong(name, format_args!("is not set: {what}"))),
        }
    }

    /// The setting of this name; an empty one counts as none.
    ///
    /// # Errors
    /// [`ConfigError`] for a value that is none.
    pub fn filled<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        let text = self.get(name)?.filter(|text| !text.trim().is_empty());
        text.map(|text| text.trim().parse().map_err(|error| wrong(name, error))).transpose()
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        self.get(name)?.map(|text| text.parse().map_err(|error| wrong(name, error))).transpose()
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}
