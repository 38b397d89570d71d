//! The line: what is read of it, and which of its days are chosen.
//!
//! Its drawing, the rule that moves along it and the words are the server's; here their attributes change.

use super::Reading;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, PointerEvent, Url};

/// The drawing and the rows that it was made of.
struct Line {
    drawing: Element,
    rows: Vec<HtmlElement>,
}

fn find(within: &Element, what: &str) -> Option<Element> {
    within.query_selector(what).ok().flatten()
}

fn set(element: &Element, name: &str, value: &str) {
    // Refused only for a name that is none.
    let _ = element.set_attribute(name, value);
}

impl Line {
    /// The line of these figures, unless there is nothing to draw.
    fn of(figures: &Element) -> Option<Self> {
        let drawing = find(figures, ".plot svg")?;
        let list = figures.query_selector_all(".trend tbody tr").ok()?;
        let rows: Vec<HtmlElement> = (0..list.length()).filter_map(|place| list.get(place)?.dyn_into().ok()).collect();
        (!rows.is_empty()).then_some(Self { drawing, rows })
    }

    /// The line that an event is about.
    fn under(event: &Event) -> Option<Self> {
        let target = event.target()?.dyn_into::<Element>().ok()?;
        target.closest(".plot svg").ok().flatten()?;
        Self::of(&target.closest(".figures").ok().flatten()?)
    }

    fn last(&self) -> usize {
        self.rows.len() - 1
    }

    /// How far along a row stands, in the drawing's hundred thousand.
    fn along(&self, place: usize) -> usize {
        if self.last() == 0 { 50_000 } else { place * 100_000 / self.last() }
    }

    /// The row nearest to the pointer.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::float_arithmetic,
        reason = "where things are on a screen a browser says in fractions; no money is counted with them"
    )]
    fn place_of(&self, event: &PointerEvent) -> usize {
        let bounds = self.drawing.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - bounds.x()) / bounds.width();
        let place = (share.clamp(0.0, 1.0) * self.last() as f64).round();
        place as usize
    }
}

/// Shows what is read and chosen, and which parts are on; runs whenever one of them changes.
pub(super) fn draw(reading: Reading, figures: &Element) {
    reading.renewed.track();
    let (shown, began) = (reading.shown.get(), reading.began.get());
    let parts = [(".toggle.now", reading.now.get()), (".toggle.then", reading.then.get())];
    for (part, on) in parts {
        if let Some(button) = find(figures, part) {
            set(&button, "aria-pressed", if on { "true" } else { "false" });
        }
    }
    let Some(line) = Line::of(figures) else { return };
    let place = reading.place.get().min(line.last());
    set(&line.drawing, "tabindex", "0");
    let along = line.along(place).to_string();
    if let Some(rule) = find(&line.drawing, ".rule") {
        set(&rule, "class", if shown { "rule shown" } else { "rule" });
        set(&rule, "x1", &along);
        set(&rule, "x2", &along);
    }
    if let Some(zoom) = find(&line.drawing, ".zoom") {
        let ends = began.map_or((place, place), |began| (began.min(place), began.max(place)));
        let (first, last) = (line.along(ends.0.min(line.last())), line.along(ends.1.min(line.last())));
        set(&zoom, "x", &first.to_string());
        set(&zoom, "width", &(last - first).to_string());
    }
    if let Some(words) = find(figures, ".read") {
        set(&words, "class", if shown { "read shown" } else { "read" });
        set(&words, "style", &format!("--along: {along}"));
        say(&line.rows[place], &words, shown, parts[1].1);
    }
}

/// Writes what a row says of these days and, if they are on, of those before.
fn say(row: &HtmlElement, words: &Element, shown: bool, then: bool) {
    let said = row.dataset();
    let now = || Some(format!("{}: {}", find(row, "th")?.text_content()?, said.get("value")?));
    let before = || Some(format!("{}: {}", said.get("then")?, said.get("was")?));
    let parts = [(".now", shown.then(now).flatten()), (".then", (shown && then).then(before).flatten())];
    for (part, text) in parts {
        // Written again it would be read out again.
        let part =
            find(words, part).filter(|part| part.text_content().unwrap_or_default() != text.as_deref().unwrap_or(""));
        if let Some(part) = part {
            part.set_text_content(text.as_deref());
        }
    }
}

/// Everything that somebody does within the figures.
pub(super) fn hear(reading: Reading, event: &Event) {
    if event.type_() == "click" {
        return switch(reading, event);
    }
    let Some(line) = Line::under(event) else { return };
    let kind = event.type_();
    match (kind.as_str(), event.dyn_ref::<PointerEvent>(), event.dyn_ref::<KeyboardEvent>()) {
        ("keydown", _, Some(key)) => press(reading, &line, key),
        ("focusin", ..) => reading.shown.set(true),
        ("focusout", ..) => leave(reading),
        ("pointercancel", ..) => reading.began.set(None),
        ("pointerdown", Some(pointer), _) if pointer.pointer_type() == "mouse" && pointer.button() == 0 => {
            reading.began.set(Some(line.place_of(pointer)));
            // A drag may end beside the line.
            let _ = line.drawing.set_pointer_capture(pointer.pointer_id());
        }
        ("pointermove" | "pointerdown", Some(pointer), _) => {
            reading.place.set(line.place_of(pointer));
            reading.shown.set(true);
        }
        ("pointerout", Some(pointer), _) => {
            let to = pointer.related_target().and_then(|to| to.dyn_into::<web_sys::Node>().ok());
            if !line.drawing.contains(to.as_ref()) {
                leave(reading);
            }
        }
        ("pointerup", Some(pointer), _) if reading.began.get_untracked().is_some() => {
            reading.place.set(line.place_of(pointer));
            zoom(reading, &line);
        }
        _ => {}
    }
}

fn leave(reading: Reading) {
    reading.shown.set(false);
    reading.began.set(None);
}

/// A part of the line on or off.
fn switch(reading: Reading, event: &Event) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(button) = target.and_then(|target| target.closest(".toggle").ok().flatten()) else { return };
    let part = if button.matches(".then").unwrap_or(false) { reading.then } else { reading.now };
    part.update(|on| *on = !*on);
}

/// Arrows, a week at a time, and to either end; with Shift held days are chosen, Enter shows them, Escape lets go.
fn press(reading: Reading, line: &Line, event: &KeyboardEvent) {
    let (from, last) = (reading.place.get_untracked().min(line.last()), line.last());
    let to = match event.key().as_str() {
        "ArrowLeft" => from.saturating_sub(1),
        "ArrowRight" => from + 1,
        "PageUp" => from.saturating_sub(7),
        "PageDown" => from + 7,
        "Home" => 0,
        "End" => last,
        "Enter" if reading.began.get_untracked().is_some() => return zoom(reading, line),
        "Escape" => return reading.began.set(None),
        _ => return,
    };
    event.prevent_default();
    let chosen = event.shift_key().then(|| reading.began.get_untracked().unwrap_or(from));
    reading.began.set(chosen);
    reading.place.set(to.min(last));
    reading.shown.set(true);
}

/// Asks for the page of the chosen days.
fn zoom(reading: Reading, line: &Line) {
    let began = reading.began.get_untracked();
    reading.began.set(None);
    let place = reading.place.get_untracked().min(line.last());
    let Some(began) = began.filter(|began| *began != place && *began <= line.last()) else { return };
    let day = |place: usize, end: &str| line.rows[place].dataset().get(end);
    let days = (day(began.min(place), "from"), day(began.max(place), "until"));
    let location = window().location();
    let (Ok(address), (Some(from), Some(until))) = (location.href(), days) else { return };
    let Ok(address) = Url::new(&address) else { return };
    let asked = address.search_params();
    asked.delete("days");
    asked.delete("by");
    asked.set("from", &from);
    asked.set("until", &until);
    let _ = location.assign(&address.href());
}
