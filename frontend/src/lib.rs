//! The browser's entry point. It hydrates the islands that `app` declares and does nothing else.

// The islands register themselves by being linked.
use app as _;

/// Called by `public/loader.js` once the module has arrived: on idle or on the first touch of an island.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
