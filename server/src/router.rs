//! All routes and layers in one place. Tests mount exactly this.

use crate::lanes::{Lane, Lanes, Refusal, Welcome};
use crate::layers::{self, hold_session, identify, require_origin, security_headers};
use crate::page_cache::{self, Found, PageCache};
use crate::routes::api;
use crate::routes::{
    actions, assets, covers, demo_mail, desk_books, desk_files, download, errors, figures, health, invoices,
    mail_webhook, stripe_webhook, tax_report,
};
use crate::session_store;
use crate::uploads::Uploads;
use app::app::{routes, shell};
use app::pages::ApiReferenceSource;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{BoxError, Router, extract::Request};
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use leptos::context::provide_context;
use leptos_axum::LeptosRoutes as _;
use shop::Shop;
use shop::analytics::is_reader;
use shop::events::WebhookSecrets;
use shop::outbox::MailWebhookSecrets;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;

/// Forms are a few hundred bytes.
const FORM_LIMIT: usize = 64 * 1024;
/// A book's description has 20 000 characters, each of up to nine in a form.
const LONG_FORM_LIMIT: usize = 256 * 1024;
/// Stripe's largest events are far below, and a mail provider's still further.
const WEBHOOK_LIMIT: usize = 512 * 1024;
/// Between two pieces of a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);
/// For a form's whole way, Stripe's slow answers included.
const PAGE_TIME: Duration = Duration::from_secs(60);
/// What a program sends to come in: an address, a password, a code; and how long all of it may take.
const WAY_IN_LIMIT: usize = 8 * 1024;
const WAY_IN_TIME: Duration = Duration::from_secs(5);
/// Stripe gives up a delivery after 10 to 20 seconds.
const WEBHOOK_TIME: Duration = Duration::from_secs(20);

/// What the router is made for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the assets are.
    pub leptos: LeptosOptions,
    /// The shop.
    pub shop: Shop,
    /// Who signs webhooks.
    pub webhook_secrets: WebhookSecrets,
    /// Who may say what became of a mail, if anybody.
    pub mail_webhook_secrets: Option<MailWebhookSecrets>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where a checkout form may lead to, as origins.
    pub payment_origins: Vec<String>,
    /// How anonymous pages are kept.
    pub page_cache: page_cache::Settings,
    /// How many requests are worked on at once.
    pub lanes: Lanes,
    /// Turned off when the process is told to stop.
    pub welcome: Welcome,
    /// Where files wait on their way in.
    pub uploads: Uploads,
}

/// What handlers share; cheap to clone.
#[derive(Clone, Debug, FromRef)]
pub struct AppState {
    /// Where the assets are. Shared: layers clone this state for every request.
    #[from_ref(skip)]
    pub(crate) leptos: Arc<LeptosOptions>,
    /// The shop.
    pub shop: Shop,
    /// Who signs webhooks.
    pub webhook_secrets: WebhookSecrets,
    /// Who may say what became of a mail, if anybody.
    #[from_ref(skip)]
    pub mail_webhook_secrets: Option<MailWebhookSecrets>,
    /// Whether new requests are welcome.
    pub welcome: Welcome,
    #[from_ref(skip)]
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    #[from_ref(skip)]
    pub(crate) uploads: Arc<Uploads>,
    /// Where a form with files takes its place once the guard has let it through.
    #[from_ref(skip)]
    pub(crate) upload_lane: Lane,
    #[from_ref(skip)]
    pub(crate) headers: Arc<HeaderMap>,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.leptos)
    }
}

/// The whole store: kept pages, behind them the lanes, and behind those the router.
#[derive(Clone, Debug)]
pub struct Store {
    shop: Shop,
    pages: PageCache,
    lanes: Lanes,
    refusal: Refusal,
    router: Router,
}

impl Store {
    /// Answers a request. A kept page is sent before any route is looked for, and costs a few microseconds; for anything
    /// else `describe` first adds what is known of the connection.
    pub async fn answer<B>(&self, request: Request<B>, describe: impl FnOnce(&mut Extensions)) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let looks = looks_at_a_book(&request);
        let response = self.find(request, describe).await;
        // Sent anew or known to the browser already: looked at all the same.
        if looks && matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED) {
            self.shop.count_view();
        }
        response
    }

    async fn find<B>(&self, request: Request<B>, describe: impl FnOnce(&mut Extensions)) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let missing = match self.pages.look_up(&request).await {
            Found::Kept(response) => return response,
            Found::Missing(key) => Some(key),
            Found::Nothing => None,
        };
        let Some(place) = self.lanes.enter(request.uri().path()) else {
            return self.refusal.answer(request.uri().path(), request.headers()).await;
        };
        let mut request = request.map(Body::new);
        describe(request.extensions_mut());
        let router = self.router.clone();
        place.leave(match missing {
            Some(key) => self.pages.make(key, request, router).await,
            None => page_cache::ask(router, request).await,
        })
    }
}

/// Whether a reader, and not a robot, asks for a book's page to see it now.
fn looks_at_a_book<B>(request: &Request<B>) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    *request.method() == Method::GET
        && request.uri().path().strip_prefix("/books/").is_some_and(|slug| !slug.is_empty() && !slug.contains('/'))
        && text("sec-purpose").is_empty()
        && is_reader(text("user-agent"))
}

/// The whole store.
pub fn store(settings: Settings) -> Store {
    let Settings {
        leptos,
        shop,
        webhook_secrets,
        mail_webhook_secrets,
        trusted_proxies,
        payment_origins: mut form_origins,
        page_cache,
        lanes,
        welcome,
        uploads,
    } = settings;
    form_origins.extend(shop.download_origin().map(str::to_owned));
    let kept = PageCache::new(&shop, page_cache);
    let state = AppState {
        headers: Arc::new(layers::constant_headers(shop.is_https(), &form_origins)),
        trusted_proxies: trusted_proxies.into(),
        uploads: Arc::new(uploads),
        upload_lane: lanes.uploads.clone(),
        webhook_secrets,
        mail_webhook_secrets,
        welcome,
        leptos: Arc::new(leptos),
        shop,
    };

    // What layers clone for every request.
    let shared = Arc::new(state.clone());
    let provide = {
        let shop = state.shop.clone();
        move || {
            provide_context(shop.clone());
            provide_context(ApiReferenceSource(api::reference::reference));
        }
    };
    let render = {
        let options = Arc::clone(&state.leptos);
        move || shell(LeptosOptions::clone(&options))
    };
    // Pages and forms, compressed.
    let pages = Router::new()
        .leptos_routes_with_context(&state, routes(), provide, render)
        .route("/actions/{*name}", post(actions::run))
        .route("/d/{token}/claim", post(download::claim))
        .route("/demo/mailbox/{id}/html", get(demo_mail::page))
        .route("/admin/orders/export", post(desk_files::orders))
        .route("/admin/orders/{number}/evidence", post(desk_files::evidence))
        .route("/admin/buyers/{number}/export", post(desk_files::export))
        .merge(assets::routes(&state))
        .layer(
            ServiceBuilder::new()
                // Quality 4 costs about 100 µs a page; 5 saves 2 % more.
                .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
                .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PAGE_TIME))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(FORM_LIMIT)),
        );
    // Bytes that are final already: never compressed, or a Range would mean something else.
    let covers = Router::new().route("/covers/{name}", get(covers::cover));
    let files = Router::new()
        .route("/f/{claim}/{file}", get(download::file))
        .route("/invoices/{name}", get(invoices::pdf))
        .route("/admin/settings/invoices/preview.pdf", get(desk_books::example));
    // The figures of the desk: as files, and that they have changed for as long as somebody looks.
    let figures = Router::new()
        .route("/admin/figures/{name}", get(figures::csv))
        .route("/admin/figures/live", get(figures::live))
        .route("/admin/settings/tax/report.csv", get(tax_report::report));
    // The desk's books: forms with files in them, which take as long as they are large; and one with a long text.
    let uploads = Router::new()
        .route("/admin/books/new/epub", post(desk_books::epub))
        .route("/admin/books/import/table", post(desk_books::table))
        .route("/admin/books/{slug}/files", post(desk_books::files))
        .route("/admin/books/{slug}/cover", post(desk_books::cover))
        .route("/admin/books/{slug}/editions", post(desk_books::edition))
        .route("/admin/settings/invoices/logo", post(desk_books::logo))
        .layer(
            ServiceBuilder::new()
                .layer(SetResponseHeaderLayer::overriding(
                    errors::UPLOAD_LIMIT,
                    HeaderValue::from(state.uploads.file / 1_000_000),
                ))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(state.uploads.body()))
                .layer(DefaultBodyLimit::disable()),
        );
    let long_forms = Router::new()
        .route("/actions/admin-save-book", post(actions::run))
        .route("/actions/admin-preview-description", post(actions::run))
        .route("/admin/books/export.csv", get(desk_books::export))
        .layer(
            ServiceBuilder::new()
                .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PAGE_TIME))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(LONG_FORM_LIMIT)),
        );
    // One stack of layers and not one upon the other, here and below: axum puts each that is added into a box of its own,
    // and copies all the boxes within for every request.
    let guarded = pages.merge(covers).merge(files).merge(figures).merge(uploads).merge(long_forms).layer(
        ServiceBuilder::new()
            .layer(from_fn(hold_session))
            .layer(session_store::layer(&state.shop))
            .layer(from_fn_with_state(Arc::clone(&shared), errors::as_pages))
            .layer(from_fn(require_origin))
            .layer(CsrfLayer::new())
            .layer(CatchPanicLayer::new()),
    );
    // Other people's servers are no browsers: their deliveries are signed instead.
    let webhooks = Router::new()
        .route("/webhooks/stripe", post(stripe_webhook::receive))
        .route("/webhooks/mail", post(mail_webhook::receive))
        .layer(
            ServiceBuilder::new()
                .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, WEBHOOK_TIME))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(WEBHOOK_LIMIT)),
        );
    // Nor are programs: they bring a token, and no cookie counts.
    let (way_in, small, large) = api::document::routers();
    let way_in = way_in.layer(
        ServiceBuilder::new()
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, WAY_IN_TIME))
            .layer(RequestBodyLimitLayer::new(WAY_IN_LIMIT)),
    );
    let small =
        small.route("/api/v1/openapi.json", get(api::document::serve)).route("/api/{*path}", any(api::nowhere)).layer(
            ServiceBuilder::new()
                .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
                .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PAGE_TIME))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(LONG_FORM_LIMIT)),
        );
    let large = large.layer(
        ServiceBuilder::new()
            .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
            .layer(RequestBodyLimitLayer::new(state.uploads.body()))
            .layer(DefaultBodyLimit::disable()),
    );
    let api = small.merge(large).merge(way_in).layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(Arc::clone(&shared), api::rates::admit))
            .layer(from_fn(api::as_problems))
            .layer(CatchPanicLayer::new()),
    );
    let health = Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready));

    let router =
        guarded
            .merge(webhooks)
            .merge(api)
            .merge(health)
            .layer(
                ServiceBuilder::new()
                    // Without the path: download links are secrets, and logs are read by many.
                    .layer(TraceLayer::new_for_http().make_span_with(
                        |request: &Request| tracing::debug_span!("request", method = %request.method()),
                    ))
                    .layer(from_fn_with_state(Arc::clone(&shared), security_headers))
                    .layer(CatchPanicLayer::new())
                    .layer(from_fn_with_state(shared, identify)),
            )
            .with_state(state.clone());
    Store { shop: state.shop.clone(), pages: kept, lanes, refusal: Refusal::new(state), router }
}
