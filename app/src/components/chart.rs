//! Lines as SVG, made on the server: whole without a script, drawn from integers alone.

use leptos::prelude::*;
use std::fmt::Write as _;

/// The drawing's own units: wide enough that a point is where it belongs.
const WIDTH: i64 = 100_000;
const HEIGHT: i64 = 30_000;

/// A scale with round steps from nothing (or the lowest value, if that is less) to above the highest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Its marks, from the lowest up.
    pub marks: Vec<i64>,
}

impl Scale {
    /// For these values, with steps that are multiples of `unit` (so that marks of whole things are whole).
    #[must_use]
    pub fn of(values: impl Iterator<Item = i64>, unit: i64) -> Self {
        let (low, high) = values.fold((0, 0), |(low, high), value: i64| (low.min(value), high.max(value)));
        let wanted = ((high - low) / 4).max(1).max(unit);
        let mut power = unit.max(1);
        while power.saturating_mul(10) <= wanted {
            power = power.saturating_mul(10);
        }
        let step =
            [1, 2, 5, 10].into_iter().map(|n| power.saturating_mul(n)).find(|step| *step >= wanted).unwrap_or(power);
        let first = low.div_euclid(step) * step;
        let mut marks = vec![first];
        while marks.last().is_some_and(|last| *last < high) || marks.len() < 2 {
            marks.push(first.saturating_add(step.saturating_mul(i64::try_from(marks.len()).unwrap_or(i64::MAX))));
        }
        Self { marks }
    }

    fn ends(&self) -> (i64, i64) {
        (self.marks.first().copied().unwrap_or(0), self.marks.last().copied().unwrap_or(1))
    }

    /// How high a value is, in thousandths from below.
    #[must_use]
    pub fn share(&self, value: i64) -> i64 {
        let (low, high) = self.ends();
        (value - low).saturating_mul(1_000) / (high - low).max(1)
    }

    fn y(&self, value: i64) -> i64 {
        let (low, high) = self.ends();
        let up = i128::from(value - low) * i128::from(HEIGHT) / i128::from((high - low).max(1));
        HEIGHT - i64::try_from(up).unwrap_or(HEIGHT)
    }
}

fn x(place: usize, of: usize) -> i64 {
    let (place, last) = (i64::try_from(place).unwrap_or(0), i64::try_from(of).unwrap_or(1) - 1);
    if last <= 0 { WIDTH / 2 } else { place * WIDTH / last }
}

/// A line through values as a path; `width` points stand for the whole width.
fn path(values: &[i64], scale: &Scale, width: usize) -> String {
    let mut path = String::new();
    for (place, value) in values.iter().take(width).enumerate() {
        let _ = write!(path, "{}{} {}", if place == 0 { 'M' } else { 'L' }, x(place, width), scale.y(*value));
    }
    path
}

/// The area below a line.
fn area(values: &[i64], scale: &Scale) -> String {
    let ground = scale.y(0);
    let mut path = path(values, scale, values.len());
    if !values.is_empty() {
        let _ = write!(path, "L{} {ground}L{} {ground}Z", x(values.len() - 1, values.len()), x(0, values.len()));
    }
    path
}

/// A small line without any words: what it says stands beside it.
pub fn sparkline(values: &[i64]) -> impl IntoView + use<> {
    let scale = Scale::of(values.iter().copied(), 1);
    let line = path(values, &scale, values.len());
    view! {
        <svg class="spark" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path d=line vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}

/// A line, what it is compared with, and the marks of its scale. `title` says what it is, `words` what it shows; the
/// figures themselves are in the table below it. `labels` are those of the points.
pub fn trend(
    title: String,
    words: String,
    values: &[i64],
    before: &[i64],
    labels: &[String],
    scale: &Scale,
    mark: impl Fn(i64) -> String,
) -> AnyView {
    let (line, filled, then) =
        (path(values, scale, values.len()), area(values, scale), path(before, scale, values.len()));
    // One point is no line.
    let dot = (values.len() == 1).then(|| {
        view! {
            <circle class="dot" cx=WIDTH / 2 cy=scale.y(values.first().copied().unwrap_or(0)) r="500"></circle>
        }
    });
    let grid = scale.marks.iter().map(|value| {
        let y = scale.y(*value);
        view! {
            <line class=if *value == 0 { "ground" } else { "" } x1="0" x2=WIDTH y1=y y2=y vector-effect="non-scaling-stroke"></line>
        }
    });
    let marks = scale.marks.iter().map(|value| {
        let share = scale.share(*value);
        let style = format!("inset-block-end: {}.{}%", share / 10, share % 10);
        view! { <span style=style>{mark(*value)}</span> }
    });
    // Six words at most below the line, the first and the last at its ends.
    let every = labels.len().div_ceil(6).max(1);
    let below = labels.iter().enumerate().filter(|(place, _)| place % every == 0).map(|(place, label)| {
        let along = x(place, labels.len()) * 1_000 / WIDTH;
        let style = format!("inset-inline-start: {}.{}%", along / 10, along % 10);
        let class = (place > 0 && place + 1 == labels.len()).then_some("end");
        view! { <span class=class style=style>{label.clone()}</span> }
    });
    view! {
        <div class="plot">
            <div class="marks" aria-hidden="true">{marks.collect_view()}</div>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-labelledby="line-title line-words">
                <title id="line-title">{title}</title>
                <desc id="line-words">{words}</desc>
                <g class="grid">{grid.collect_view()}</g>
                <path class="area" d=filled></path>
                <path class="then" d=then vector-effect="non-scaling-stroke"></path>
                <path class="now" d=line vector-effect="non-scaling-stroke"></path>
                {dot}
                // What an island moves.
                <rect class="zoom" x="0" y="0" width="0" height=HEIGHT></rect>
                <line class="rule" x1="0" x2="0" y1="0" y2=HEIGHT vector-effect="non-scaling-stroke"></line>
            </svg>
            <p class="read" role="status">
                <span class="now"></span>
                <span class="then"></span>
            </p>
            <div class="below" aria-hidden="true">{below.collect_view()}</div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_marks_that_hold_every_value() {
        for (values, unit, marks) in [
            (vec![], 1, vec![0, 1]),
            (vec![3], 1, vec![0, 1, 2, 3]),
            (vec![0, 123_456], 100, vec![0, 50_000, 100_000, 150_000]),
            (vec![-4_000, 9_000], 100, vec![-5_000, 0, 5_000, 10_000]),
            (vec![50], 100, vec![0, 100]),
        ] {
            assert_eq!(Scale::of(values.iter().copied(), unit).marks, marks, "{values:?}");
        }
    }

    #[test]
    fn a_line_goes_from_end_to_end() {
        let scale = Scale::of([0, 10].into_iter(), 1);
        assert_eq!(path(&[0, 10, 5], &scale, 3), "M0 30000L50000 0L100000 15000");
        assert_eq!(path(&[1], &scale, 0), "");
        assert_eq!(area(&[], &scale), "");
    }
}
