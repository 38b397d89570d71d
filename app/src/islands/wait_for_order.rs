//! The page that waits for an order.

use leptos::prelude::*;

/// Asks where the checkout stands, ever less often, and loads the page again once there is something to show. Its
/// children hold the session's id in `data-session`; without JavaScript the page refreshes itself.
#[island]
pub fn WaitForOrder(
    /// What is shown meanwhile.
    children: Children,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    wait();
    children()
}

#[cfg(feature = "hydrate")]
fn wait() {
    use crate::api::{Progress, order_progress};
    use std::time::Duration;

    /// Between the first two questions; grows by half each time up to [`LAST`].
    const FIRST: u64 = 1_000;
    const LAST: u64 = 10_000;
    /// Then the visitor may reload by hand.
    const TRIES: u32 = 120;

    fn ask(session: String, pause: u64, left: u32) {
        if left == 0 {
            return;
        }
        set_timeout(
            move || {
                leptos::task::spawn_local(async move {
                    match order_progress(session.clone()).await {
                        Ok(Progress::Settled) => drop(window().location().reload()),
                        Ok(Progress::Preparing) | Err(_) => ask(session, LAST.min(pause + pause / 2), left - 1),
                    }
                });
            },
            Duration::from_millis(pause),
        );
    }

    let holder = document().query_selector("[data-session]").ok().flatten();
    if let Some(session) = holder.and_then(|holder| holder.get_attribute("data-session")) {
        ask(session, FIRST, TRIES);
    }
}
