//! Starting, driving and stopping a sandbox from Rust.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::checkout::{self, PayOutcome};
use crate::config::{Config, StartError, check_webhook_url};
use crate::connection::{Connection, Doorman};
use crate::core::{Core, RecordedRequest};
use crate::faults::Fault;
use crate::records::{Buyer, Cause, Delivery, Record as _};
use crate::state::State;
use crate::{api, cards, control, objects, page, webhook};

/// How often sessions are looked over for expiry.
const SWEEP: Duration = Duration::from_secs(1);
/// How long open connections may take when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// The way in: [`Sandbox::start`].
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts a sandbox on the current Tokio runtime.
    ///
    /// # Errors
    /// When the address is not allowed or taken, the state file is not readable, or a webhook URL is not `http`.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        if !config.allow_remote && !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let mut state = match &config.state_file {
            Some(path) => State::load(path).map_err(|error| StartError::State(path.clone(), error))?,
            None => State::default(),
        };
        for endpoint in &config.webhooks {
            check_webhook_url(&endpoint.url)?;
            state.add_endpoint(&endpoint.url, &endpoint.secret);
        }
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(StartError::Client)?;
        let listen_error = |error| StartError::Listen(config.listen, error);
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let url = match &config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        state.base_url.clone_from(&url);
        let core = Core::new(config, state, http);
        let mut background =
            vec![tokio::spawn(webhook::run(core.clone())), tokio::spawn(expire_sessions(core.clone()))];
        if let Some(path) = core.config().state_file.clone() {
            background.push(tokio::spawn(core.clone().write_state(path)));
        }
        let (stop, mut stopped) = watch::channel(false);
        let service = router(core.clone()).into_make_service_with_connect_info::<Connection>();
        let server = tokio::spawn(async move {
            let served = axum::serve(Doorman(listener), service).with_graceful_shutdown(async move {
                // Also ends when the handle is dropped.
                let _ = stopped.wait_for(|stop| *stop).await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "the server stopped");
            }
        });
        Ok(Running { core, url, address, stop, server: Some(server), background })
    }
}

fn router(core: Core) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api::entry))
        .route("/c/pay/{id}", get(page::show).post(page::submit))
        .route("/c/pay/{id}/authenticate", get(page::show_authentication).post(page::submit_authentication))
        .route("/_sandbox/page.css", get(page::stylesheet))
        .route("/_sandbox/requests", get(control::requests).delete(control::forget_requests))
        .route("/_sandbox/deliveries", get(control::deliveries))
        .route("/_sandbox/events/{id}/deliver", post(control::deliver))
        .route("/_sandbox/faults", get(control::faults).post(control::add_fault).delete(control::clear_faults))
        .route("/_sandbox/webhooks", get(control::webhooks).post(control::add_webhook))
        .route("/_sandbox/sessions/{id}/advance", post(control::advance))
        .route("/_sandbox/sessions/{id}/expire", post(control::expire))
        .fallback(page::not_found)
        .with_state(core)
}

async fn expire_sessions(core: Core) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        let expired = checkout::expire_due(&mut core.lock());
        if expired {
            core.changed();
        }
    }
}

/// A sandbox at work. Dropping it stops it; [`Running::shutdown`] stops it in good order.
pub struct Running {
    core: Core,
    url: String,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Running {
    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets open requests finish for a moment, and writes the state file.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
        for task in self.background.drain(..) {
            task.abort();
            // Aborted on purpose: the result says only that.
            let _ = task.await;
        }
        if let Some(path) = self.core.config().state_file.clone() {
            self.core.save_once(&path).await;
        }
    }

    /// Sends events from now on to another endpoint too. Returns its id. The same URL again replaces the secret.
    ///
    /// # Errors
    /// When the URL is not an absolute `http` URL.
    pub fn add_webhook(&self, url: &str, secret: &str) -> Result<String, StartError> {
        check_webhook_url(url)?;
        let id = self.core.lock().add_endpoint(url, secret);
        self.core.changed();
        Ok(id)
    }

    /// The API requests so far, oldest first (the last 2000).
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.core.requests()
    }

    /// Forgets the recorded requests.
    pub fn forget_requests(&self) {
        self.core.forget_requests();
    }

    /// Makes the next matching API request suffer. Several faults are used up in order.
    pub fn set_fault(&self, fault: Fault) {
        self.core.faults().push_back(fault);
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.core.faults().clear();
    }

    /// Pays as a buyer would on the page: a test card's number, and an e-mail address (a session's
    /// `customer_email` wins, as there).
    #[must_use = "the card may have been declined"]
    pub fn pay(&self, session_id: &str, card: &str, email: &str) -> PayOutcome {
        let email = {
            let state = self.core.lock();
            let Some(session) = state.sessions.get(session_id) else { return PayOutcome::NotFound };
            session.settings.customer_email.clone().unwrap_or_else(|| email.to_owned())
        };
        let card = match cards::parse(card, "12 / 34", if card.starts_with('3') { "1234" } else { "123" }) {
            Ok(card) => card,
            Err(errors) => return PayOutcome::Invalid(errors),
        };
        let buyer =
            Buyer { email, name: Some("Test Buyer".to_owned()), country: Some("US".to_owned()), ..Buyer::default() };
        let outcome = checkout::pay(&mut self.core.lock(), session_id, Some(card), buyer);
        self.core.changed();
        outcome
    }

    /// The buyer's answer where [`PayOutcome::AuthenticationRequired`] was the outcome.
    #[must_use = "the payment may have failed"]
    pub fn authenticate(&self, session_id: &str, passes: bool) -> PayOutcome {
        let outcome = checkout::authenticate(&mut self.core.lock(), session_id, passes);
        self.core.changed();
        outcome
    }

    /// Expires an open session now, as if its time had come. False when it is not open.
    pub fn expire(&self, session_id: &str) -> bool {
        let expired = {
            let mut state = self.core.lock();
            state.sessions.get(session_id).is_some()
                && checkout::expire(&mut state, session_id, &Cause::default()).is_ok()
        };
        self.core.changed();
        expired
    }

    /// Sends an event once more to every endpoint, whatever became of it before. False when there is no such event.
    pub fn redeliver(&self, event_id: &str) -> bool {
        control::queue_again(&self.core, event_id).is_some()
    }

    /// All events so far as Stripe's JSON, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.core.lock().events.iter().map(|event| objects::event(event, event.endpoints)).collect()
    }

    /// A session as Stripe's JSON, without a request being recorded.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<Value> {
        let state = self.core.lock();
        state.sessions.get(id).map(|session| objects::session(session, &state.base_url))
    }

    /// The ids of all sessions, oldest first.
    #[must_use]
    pub fn session_ids(&self) -> Vec<String> {
        self.core.lock().sessions.iter().map(|session| session.id().to_owned()).collect()
    }

    /// All deliveries so far, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.lock().deliveries.iter().cloned().collect()
    }

    /// Waits until no delivery is pending. False when that takes longer than `deadline`.
    pub async fn deliveries_settled(&self, deadline: Duration) -> bool {
        let settled = async {
            while self.core.lock().deliveries.iter().any(Delivery::is_pending) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(deadline, settled).await.is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in &self.background {
            task.abort();
        }
    }
}
