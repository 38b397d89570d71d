//! The overview's figures, alive: reading along the line, its parts on and off, a choice of days to zoom into, and new
//! figures as soon as somebody pays.
//!
//! A chunk of WebAssembly of its own, which no page but the overview loads (where the browser's share is split: a plain
//! `cargo leptos watch` makes one module of it all). It works nothing out and writes no amount:
//! what it shows the server has written into the rows of the table below the line.

#![cfg_attr(
    feature = "split",
    expect(missing_docs, reason = "Leptos writes a function for a lazy island, and no word about it")
)]

use leptos::html::Div;
use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod line;
#[cfg(feature = "hydrate")]
mod live;

/// What somebody does with the line.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the server reads nothing along the line"))]
struct Reading {
    /// The row of the table that is read, …
    place: RwSignal<usize>,
    /// … if one is.
    shown: RwSignal<bool>,
    /// Where a drag, or a choice with Shift held, began.
    began: RwSignal<Option<usize>>,
    /// Whether the line of these days is drawn, …
    now: RwSignal<bool>,
    /// … and that of the days before.
    then: RwSignal<bool>,
    /// How often the figures were replaced.
    renewed: RwSignal<u32>,
}

impl Reading {
    fn new() -> Self {
        Self {
            // The newest row, until another one is read.
            place: RwSignal::new(usize::MAX),
            shown: RwSignal::new(false),
            began: RwSignal::new(None),
            now: RwSignal::new(true),
            then: RwSignal::new(true),
            renewed: RwSignal::new(0),
        }
    }
}

/// Wraps everything that the overview says of its days (its children). Without JavaScript the same figures are in the
/// page, and loading it again makes them new.
#[cfg_attr(feature = "split", island(lazy))]
#[cfg_attr(not(feature = "split"), island)]
pub fn LiveFigures(
    /// The tiles, the line with its table, and what they are made of.
    children: Children,
) -> impl IntoView {
    let reading = Reading::new();
    let root = NodeRef::<Div>::new();
    let awake = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    {
        Effect::new(move |_| {
            if let Some(root) = root.get() {
                line::draw(reading, &root);
            }
        });
        Effect::new(move |begun: Option<bool>| {
            let Some(root) = root.get().filter(|_| begun != Some(true)) else { return begun.unwrap_or(false) };
            live::listen(root.into(), reading);
            awake.set(true);
            true
        });
    }
    view! {
        <div
            class="figures"
            class:awake=move || awake.get()
            class:without=move || !reading.now.get()
            class:alone=move || !reading.then.get()
            data-live="/admin/figures/live"
            node_ref=root
            on:click=move |event| hear(reading, &event)
            on:focusin=move |event| hear(reading, &event)
            on:focusout=move |event| hear(reading, &event)
            on:keydown=move |event| hear(reading, &event)
            on:pointercancel=move |event| hear(reading, &event)
            on:pointerdown=move |event| hear(reading, &event)
            on:pointermove=move |event| hear(reading, &event)
            on:pointerout=move |event| hear(reading, &event)
            on:pointerup=move |event| hear(reading, &event)
        >
            {children()}
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn hear(reading: Reading, event: &web_sys::Event) {
    line::hear(reading, event);
}

#[cfg(not(feature = "hydrate"))]
fn hear(_: Reading, _: &web_sys::Event) {}
