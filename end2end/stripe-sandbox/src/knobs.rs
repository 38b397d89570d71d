//! Knobs of a webhook endpoint: what goes wrong on the way to it.

use serde::{Deserialize, Serialize};

/// What goes wrong with the deliveries to one endpoint. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Knobs {
    /// Every delivery is sent so much later (milliseconds).
    pub delay_millis: u64,
    /// Every delivery is sent so many times more.
    pub duplicate: u32,
    /// Deliveries are held back until there are so many, then sent one by one in a shuffled order;
    /// after two seconds the window goes even if it is not full. 0 and 1 mean no reordering.
    pub reorder: u32,
    /// The first so many deliveries from now on are never sent.
    pub drop_first: u32,
    /// Each delivery is lost with this probability (0 to 1).
    pub drop_probability: Option<f64>,
    /// Makes the losses and the shuffling come out the same each time; 0 when not given.
    pub seed: Option<u64>,
}

/// The most copies and the widest window.
const MOST: u32 = 1_000;

impl Knobs {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every delivery comes so much later.
    #[must_use]
    pub fn delay(mut self, pause: std::time::Duration) -> Self {
        self.delay_millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Every delivery comes so many times more.
    #[must_use]
    pub fn duplicate(mut self, copies: u32) -> Self {
        self.duplicate = copies;
        self
    }

    /// Deliveries come shuffled in windows of that many.
    #[must_use]
    pub fn reorder(mut self, window: u32) -> Self {
        self.reorder = window;
        self
    }

    /// The first so many deliveries are lost.
    #[must_use]
    pub fn drop_first(mut self, count: u32) -> Self {
        self.drop_first = count;
        self
    }

    /// Each delivery is lost with this probability (0 to 1).
    #[must_use]
    pub fn drop_probability(mut self, probability: f64) -> Self {
        self.drop_probability = Some(probability);
        self
    }

    /// Makes chance come out the same each time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Says what is wrong with them, if something is.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.drop_probability.is_some_and(|probability| !crate::chance::is_probability(probability)) {
            return Some("drop_probability must be from 0 to 1");
        }
        if self.duplicate > MOST || self.reorder > MOST {
            return Some("duplicate and reorder must be at most 1000");
        }
        None
    }
}

impl std::str::FromStr for Knobs {
    type Err = String;

    /// Reads `delay=500,duplicate=1,reorder=4,drop_first=2,drop=0.1,seed=7`, as the command line has it.
    fn from_str(text: &str) -> Result<Self, String> {
        fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
            value.parse().map_err(|_| format!("{name} is not a number: {value}"))
        }
        let mut knobs = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("{part} is not name=value"))?;
            match name {
                "delay" => knobs.delay_millis = number(name, value)?,
                "duplicate" => knobs.duplicate = number(name, value)?,
                "reorder" => knobs.reorder = number(name, value)?,
                "drop_first" => knobs.drop_first = number(name, value)?,
                "drop" => knobs.drop_probability = Some(number(name, value)?),
                "seed" => knobs.seed = Some(number(name, value)?),
                other => return Err(format!("unknown knob {other} (delay duplicate reorder drop_first drop seed)")),
            }
        }
        knobs.problem().map_or(Ok(knobs), |problem| Err(problem.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lines_form_is_read_and_checked() {
        let knobs: Knobs = "delay=500,duplicate=1, reorder=4,drop_first=2,drop=0.25,seed=7".parse().unwrap();
        assert_eq!((knobs.delay_millis, knobs.duplicate, knobs.reorder, knobs.drop_first), (500, 1, 4, 2));
        assert_eq!((knobs.drop_probability, knobs.seed), (Some(0.25), Some(7)));
        for wrong in ["delay", "delay=x", "drop=2", "drop=-1", "drop=NaN", "banana=1", "reorder=1001"] {
            assert!(wrong.parse::<Knobs>().is_err(), "{wrong}");
        }
    }
}
