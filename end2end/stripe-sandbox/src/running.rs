//! Starting, driving and stopping a sandbox from Rust.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, delete, get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::attempts::{self, Attempt};
use crate::checkout::{self, PayOutcome};
use crate::config::{Config, StartError, check_webhook_url};
use crate::connection::{Connection, Doorman};
use crate::core::{Core, RecordedRequest};
use crate::error::ApiError;
use crate::faults::Fault;
use crate::journal::Journal;
use crate::knobs::Knobs;
use crate::records::{Cause, Delivery};
use crate::state::State;
use crate::{actions, api, control, dashboard, guard, later, objects, page, settling, webhook};

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
        let mut state = State::new(config.most_records);
        let journal = config.state_file.as_deref().map(Journal::new);
        if let Some(journal) = &journal {
            let unreadable = |error| StartError::State(config.state_file.clone().unwrap_or_default(), error);
            journal.load(&mut state).map_err(unreadable)?;
            state.resume_ticks();
            state.watch();
        }
        state.later = i64::try_from(config.settle_after.as_millis()).unwrap_or(i64::MAX);
        for endpoint in &config.webhooks {
            check_webhook_url(&endpoint.url)?;
            let id = state.add_endpoint(&endpoint.url, &endpoint.secret);
            state.endpoints.update(&id, |row| {
                row.knobs.clone_from(&config.webhook_knobs);
                row.draws = 0;
            });
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
        let core = Core::new(config, state, journal, http);
        let background = vec![tokio::spawn(webhook::run(core.clone())), tokio::spawn(later::run(core.clone()))];
        let writer = core.config().state_file.is_some().then(|| tokio::spawn(core.clone().write_journal()));
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
        Ok(Running { core, url, address, stop, server: Some(server), background, writer })
    }
}

fn router(core: Core) -> Router {
    let own = Router::new()
        .route("/_sandbox/requests", get(control::requests).delete(control::forget_requests))
        .route("/_sandbox/attempts", get(control::attempts))
        .route("/_sandbox/deliveries", get(control::deliveries))
        .route("/_sandbox/events/{id}/deliver", post(control::deliver))
        .route("/_sandbox/faults", get(control::faults).post(control::add_fault).delete(control::clear_faults))
        .route("/_sandbox/webhooks", get(control::webhooks).post(control::add_webhook))
        .route("/_sandbox/webhooks/{id}", delete(control::remove_webhook))
        .route("/_sandbox/webhooks/{id}/knobs", post(control::set_knobs))
        .route("/_sandbox/sessions/{id}/advance", post(control::advance))
        .route("/_sandbox/sessions/{id}/expire", post(control::expire))
        .route("/_sandbox/sessions/{id}/pay", post(control::pay))
        .route("/_sandbox/sessions/{id}/settle", post(control::settle))
        .route("/_sandbox/payments/{id}/refund", post(control::refund))
        .route("/_sandbox/payments/{id}/dispute", post(control::dispute))
        .route("/_sandbox/refunds/{id}/finish", post(control::finish_refund))
        .route("/_sandbox/disputes/{id}/close", post(control::close_dispute))
        .layer(from_fn(guard::same_site));
    Router::new()
        .route("/v1/{*path}", any(api::entry))
        .route("/c/pay/{id}", get(page::show).post(page::submit))
        .route("/c/pay/{id}/authenticate", get(page::show_authentication).post(page::submit_authentication))
        .route("/_sandbox/page.css", get(page::stylesheet))
        .merge(own)
        .merge(dashboard::routes())
        .fallback(page::not_found)
        .with_state(core)
}

/// A sandbox at work. Dropping it stops it; [`Running::shutdown`] stops it in good order.
pub struct Running {
    core: Core,
    url: String,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
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
        if let Some(writer) = self.writer.take() {
            self.core.close_journal();
            let _ = writer.await;
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
        self.core.faults().push_back(fault.into());
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.core.faults().clear();
    }

    /// Pays as a buyer would on the page: a test card's number, and an e-mail address (a session's
    /// `customer_email` wins, as there).
    #[must_use = "the card may have been declined"]
    pub fn pay(&self, session_id: &str, card: &str, email: &str) -> PayOutcome {
        actions::pay(&self.core, session_id, card, email, "US", None)
    }

    /// The same, from a country (ISO 3166-1), for what depends on it: automatic tax.
    #[must_use = "the card may have been declined"]
    pub fn pay_from(&self, session_id: &str, card: &str, email: &str, country: &str) -> PayOutcome {
        actions::pay(&self.core, session_id, card, email, country, None)
    }

    /// The same, as a business that gives its number for value-added tax (letters and digits alone).
    #[must_use = "the card may have been declined"]
    pub fn pay_as_business(
        &self,
        session_id: &str,
        card: &str,
        email: &str,
        country: &str,
        tax_id: &str,
    ) -> PayOutcome {
        actions::pay(&self.core, session_id, card, email, country, Some(tax_id))
    }

    /// Lets automatic tax fail for an open session: it is paid without tax. False when it is not open.
    pub fn fail_tax(&self, session_id: &str) -> bool {
        self.core.act(|state| checkout::fail_tax(state, session_id))
    }

    /// Settles a bank debit under way, as told. False when none is.
    pub fn settle(&self, session_id: &str, succeeds: bool) -> bool {
        self.core.act(|state| settling::settle(state, session_id, Some(succeeds)))
    }

    /// Refunds a payment (a session's, payment intent's or charge's id), all that is left or an amount in
    /// minor units. The refund's id.
    ///
    /// # Errors
    /// As `POST /v1/refunds`.
    pub fn refund(&self, payment: &str, amount: Option<i64>) -> Result<String, ApiError> {
        actions::refund(&self.core, payment, amount)
    }

    /// Ends a refund: a pending one succeeds, a pending or succeeded one fails. False when it has ended.
    pub fn finish_refund(&self, refund: &str, succeeds: bool) -> bool {
        actions::finish_refund(&self.core, refund, succeeds)
    }

    /// Disputes a payment (a session's, payment intent's or charge's id) for one of Stripe's reasons, such as
    /// `fraudulent`; an inquiry takes no money yet. The dispute's id, or `None` when there is nothing to dispute.
    pub fn open_dispute(&self, payment: &str, reason: &str, inquiry: bool) -> Option<String> {
        actions::open_dispute(&self.core, payment, reason, inquiry)
    }

    /// Ends a dispute. False when it is closed.
    pub fn close_dispute(&self, dispute: &str, won: bool) -> bool {
        actions::close_dispute(&self.core, dispute, won)
    }

    /// Sets what goes wrong with the deliveries to one endpoint. False when there is no such endpoint.
    pub fn set_knobs(&self, endpoint: &str, knobs: Knobs) -> bool {
        actions::set_knobs(&self.core, endpoint, knobs)
    }

    /// The ids and URLs of the webhook endpoints, oldest first.
    #[must_use]
    pub fn webhooks(&self) -> Vec<(String, String)> {
        self.core.lock().endpoints.iter().map(|endpoint| (endpoint.id.clone(), endpoint.url.clone())).collect()
    }

    /// Sends an endpoint nothing more. False when there is no such endpoint.
    pub fn remove_webhook(&self, endpoint: &str) -> bool {
        self.core.act(|state| state.endpoints.remove(endpoint)).is_some()
    }

    /// The sessions by what the store names its attempts with: `client_reference_id`, or `metadata.KEY`.
    #[must_use]
    pub fn attempts(&self, by: &str) -> Vec<Attempt> {
        attempts::all(&self.core, by)
    }

    /// The buyer's answer where [`PayOutcome::AuthenticationRequired`] was the outcome.
    #[must_use = "the payment may have failed"]
    pub fn authenticate(&self, session_id: &str, passes: bool) -> PayOutcome {
        self.core.act(|state| checkout::authenticate(state, session_id, passes))
    }

    /// Expires an open session now, as if its time had come. False when it is not open.
    pub fn expire(&self, session_id: &str) -> bool {
        self.core.act(|state| {
            state.sessions.get(session_id).is_some() && checkout::expire(state, session_id, &Cause::default()).is_ok()
        })
    }

    /// Sends an event once more to every endpoint, whatever became of it before. False when there is no such event.
    pub fn redeliver(&self, event_id: &str) -> bool {
        actions::deliver_again(&self.core, event_id).is_some()
    }

    /// All events so far as Stripe's JSON, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.core.lock().events.iter().map(|event| objects::event(event, event.endpoints)).collect()
    }

    /// The events after the first `count` as Stripe's JSON, oldest first: what has happened since there were so many.
    #[must_use]
    pub fn events_after(&self, count: usize) -> Vec<Value> {
        self.core.lock().events.iter().skip(count).map(|event| objects::event(event, event.endpoints)).collect()
    }

    /// How many events there are.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.core.lock().events.len()
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
        self.core.lock().sessions.iter().map(|session| session.id.clone()).collect()
    }

    /// All deliveries so far, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.lock().deliveries.iter().cloned().collect()
    }

    /// Waits until no delivery is pending. False when that takes longer than `deadline`.
    pub async fn deliveries_settled(&self, deadline: Duration) -> bool {
        let settled = async {
            while self.core.lock().deliveries.count("pending") > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(deadline, settled).await.is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in self.background.iter().chain(&self.writer) {
            task.abort();
        }
    }
}
