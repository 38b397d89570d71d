//! A form that was refused, to be shown again as it was typed.

use super::Problem;
use serde::{Deserialize, Serialize};

/// What somebody typed into a form of the settings, with what has to be looked at again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptForm {
    /// Which form of its page.
    pub form: String,
    /// Its fields by name, as they were typed.
    pub values: Vec<(String, String)>,
    /// What is wrong, by field.
    pub problems: Vec<Problem>,
    /// Whether somebody has saved something else since the form was opened: the page shows both.
    #[serde(default)]
    pub outdated: bool,
}

impl KeptForm {
    /// A form of that name, with its fields and what is wrong with them.
    #[must_use]
    pub fn new(form: &str, values: &[(&str, &str)], problems: Vec<Problem>) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { form: form.to_owned(), values, problems, outdated: false }
    }

    /// The same, of a form with nothing wrong in it but that somebody has saved something else since it was opened.
    #[must_use]
    pub fn outdated(self) -> Self {
        Self { outdated: true, ..self }
    }

    /// What was typed into a field; nothing for one that was not sent.
    #[must_use]
    pub fn value(&self, field: &str) -> &str {
        self.values.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value)
    }
}
