//! Figures that stay new: the page is told that something has changed and asks for itself again.

use super::Reading;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomParser, Element, EventSource, Request, Response, SupportedType};

/// After the figures were made new: what comes meanwhile is one more time.
const REST: Duration = Duration::from_millis(400);
/// Before a stream that has ended for good is opened again, at first …
const AGAIN: Duration = Duration::from_secs(5);
/// … and at most.
const AGAIN_AT_MOST: Duration = Duration::from_secs(300);

/// What of the page is made new.
const PARTS: [&str; 3] = [".tiles", ".trend", ".breakdowns"];

struct Live {
    figures: Element,
    reading: Reading,
    source: RefCell<Option<EventSource>>,
    again: Cell<Duration>,
    busy: Cell<bool>,
    changed: Cell<bool>,
}

/// Listens for as long as the page is looked at.
pub(super) fn listen(figures: Element, reading: Reading) {
    let live = Rc::new(Live {
        figures,
        reading,
        source: RefCell::new(None),
        again: Cell::new(AGAIN),
        busy: Cell::new(false),
        changed: Cell::new(false),
    });
    live.look();
    // As long as the page lives, so do these.
    for event in ["visibilitychange", "pageshow"] {
        let live = live.clone();
        let _ = window_event_listener_untyped(event, move |_| live.look());
    }
    let _ = window_event_listener_untyped("pagehide", move |_| live.close());
}

/// Calls `heard` when the stream says so.
fn on(source: &EventSource, event: &str, heard: impl FnMut() + 'static) {
    let heard = Closure::<dyn FnMut()>::new(heard).into_js_value();
    let _ = source.add_event_listener_with_callback(event, heard.unchecked_ref());
}

impl Live {
    /// A page that nobody looks at keeps no line open: a browser has six to a store.
    fn look(self: &Rc<Self>) {
        if document().hidden() {
            self.close();
        } else {
            self.open();
        }
    }

    fn close(&self) {
        if let Some(source) = self.source.take() {
            source.close();
        }
    }

    fn is_open(&self) -> bool {
        self.source.borrow().as_ref().is_some_and(|source| source.ready_state() != EventSource::CLOSED)
    }

    fn open(self: &Rc<Self>) {
        let address = self.figures.get_attribute("data-live").filter(|_| !self.is_open());
        let Some(source) = address.and_then(|address| EventSource::new(&address).ok()) else { return };
        let live = self.clone();
        on(&source, "open", move || {
            if let Some(root) = document().document_element() {
                let _ = root.set_attribute("data-live", "");
            }
            live.again.set(AGAIN);
            // What came between the page, or the last word, and now has not been told.
            live.renew();
        });
        let live = self.clone();
        on(&source, "message", move || live.renew());
        let live = self.clone();
        on(&source, "error", move || live.closed());
        self.source.replace(Some(source));
    }

    /// A proxy's error ends a stream for good: the browser does not try again. Nor does a session that is over: less and
    /// less often.
    fn closed(self: &Rc<Self>) {
        if self.source.borrow().is_none() || self.is_open() {
            return;
        }
        let (live, wait) = (self.clone(), self.again.get());
        set_timeout(move || live.look(), wait);
        self.again.set((wait * 2).min(AGAIN_AT_MOST));
    }

    /// Makes the figures new, once at a time and with a rest after it.
    fn renew(self: &Rc<Self>) {
        if self.busy.replace(true) {
            self.changed.set(true);
            return;
        }
        let live = self.clone();
        leptos::task::spawn_local(async move {
            if let Some(fresh) = fetched().await {
                live.put(&fresh);
            }
            set_timeout(
                move || {
                    live.busy.set(false);
                    if live.changed.take() {
                        live.renew();
                    }
                },
                REST,
            );
        });
    }

    /// Puts the figures of the page as it is now in the place of those that are shown. Whoever is reading one of its
    /// parts is not disturbed there.
    fn put(&self, fresh: &Element) {
        let at = document().active_element();
        for part in PARTS {
            let found = (self.figures.query_selector(part), fresh.query_selector(part));
            let (Ok(Some(old)), Ok(Some(new))) = found else { continue };
            let read = part == ".trend" && self.reading.shown.get_untracked();
            if says(&old) == says(&new) || read || at.as_ref().is_some_and(|at| old.contains(Some(&**at))) {
                continue;
            }
            if matches!(old.query_selector("details[open]"), Ok(Some(_)))
                && let Ok(Some(details)) = new.query_selector("details")
            {
                let _ = details.set_attribute("open", "");
            }
            let _ = old.replace_with_with_node_1(&new);
        }
        self.reading.renewed.update(|times| *times += 1);
    }
}

/// What a part says, by its table if it has one: where that is the same, nothing is put in its place under somebody's hand.
fn says(part: &Element) -> Option<String> {
    part.query_selector("table").ok().flatten().as_ref().unwrap_or(part).text_content()
}

/// The figures of this address as they are now; nothing if it leads elsewhere, to the sign-in for one. Nobody
/// has asked for them: that does not keep the session alive.
async fn fetched() -> Option<Element> {
    let address = window().location().href().ok()?;
    let request = Request::new_with_str(&address).ok()?;
    request.headers().set("X-Automatic", "1").ok()?;
    let answer: Response = JsFuture::from(window().fetch_with_request(&request)).await.ok()?.dyn_into().ok()?;
    if !answer.ok() || answer.redirected() {
        return None;
    }
    let text = JsFuture::from(answer.text().ok()?).await.ok()?.as_string()?;
    let page = DomParser::new().ok()?.parse_from_string(&text, SupportedType::TextHtml).ok()?;
    page.query_selector(".figures").ok().flatten()
}
