//! The document around every page, and the table of routes.

use crate::api::Theme;
use crate::assets::{Assets, loader};
use crate::components::{ErrorPage, Footer, Header};
use crate::error::AppError;
use crate::pages::{
    ApiReferencePage, BookPage, CancelPage, CartPage, CatalogPage, DownloadPage, FreeCheckoutPage, FreeSentPage,
    LibraryOpenPage, LibraryPage, LibrarySentPage, MailPage, MailboxPage, OrderPage, SuccessPage, admin,
};
use crate::{assets, context};
use leptos::config::LeptosOptions;
use leptos::hydration::AutoReload;
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, generate_route_list_with_exclusions};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

/// The whole document with the page that the URL names.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    document(options, || view! { <App/> }.into_any())
}

/// The whole document with an error in place of the page, for requests that no page answers (a refused form, a
/// panicking handler). Sets the status.
pub fn error_page(options: LeptosOptions, error: AppError) -> impl IntoView {
    // Awaited, like every page: leptos_meta's tags need the request's context while they are rendered.
    document(options, move || {
        Suspend::new(async move {
            view! { <ErrorPage error/> }
        })
        .into_any()
    })
}

/// The routes of all pages, for the router to mount. Left out are the server functions, which `leptos_axum` would
/// otherwise mount by itself with a bare handler: the router mounts `/actions/` with one that turns errors into statuses.
#[must_use]
pub fn routes() -> Vec<AxumRouteListing> {
    let actions = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    generate_route_list_with_exclusions(App, Some(actions))
}

/// THE table of routes. Every page is rendered when its data is there, so that the status is right and nothing waits
/// for a script.
#[component]
pub fn App() -> impl IntoView {
    const ASYNC: SsrMode = SsrMode::Async;
    view! {
        <Router>
            <FlatRoutes fallback=|| view! { <ErrorPage error=AppError::NOT_FOUND/> }>
                <Route path=path!("/") view=CatalogPage ssr=ASYNC/>
                <Route path=path!("/books/:slug") view=BookPage ssr=ASYNC/>
                <Route path=path!("/cart") view=CartPage ssr=ASYNC/>
                <Route path=path!("/checkout/success") view=SuccessPage ssr=ASYNC/>
                <Route path=path!("/checkout/cancel") view=CancelPage ssr=ASYNC/>
                <Route path=path!("/checkout/free") view=FreeCheckoutPage ssr=ASYNC/>
                <Route path=path!("/checkout/free/sent") view=FreeSentPage ssr=ASYNC/>
                <Route path=path!("/library") view=LibraryPage ssr=ASYNC/>
                <Route path=path!("/library/sent") view=LibrarySentPage ssr=ASYNC/>
                <Route path=path!("/library/open") view=LibraryOpenPage ssr=ASYNC/>
                <Route path=path!("/orders/:number") view=OrderPage ssr=ASYNC/>
                <Route path=path!("/d/:token") view=DownloadPage ssr=ASYNC/>
                <Route path=path!("/demo/mailbox") view=MailboxPage ssr=ASYNC/>
                <Route path=path!("/demo/mailbox/:id") view=MailPage ssr=ASYNC/>
                // The API, for people.
                <Route path=path!("/api/v1/docs") view=ApiReferencePage ssr=ASYNC/>
                // The desk: the way in.
                <Route path=path!("/admin") view=admin::FrontPage ssr=ASYNC/>
                <Route path=path!("/admin/login") view=admin::LoginPage ssr=ASYNC/>
                // The desk: books.
                <Route path=path!("/admin/books") view=admin::BooksPage ssr=ASYNC/>
                <Route path=path!("/admin/books/new") view=admin::NewBookPage ssr=ASYNC/>
                <Route path=path!("/admin/books/import") view=admin::BookTablePage ssr=ASYNC/>
                <Route path=path!("/admin/books/:slug") view=admin::BookPage ssr=ASYNC/>
                <Route path=path!("/admin/setup") view=admin::SetupPage ssr=ASYNC/>
                <Route path=path!("/admin/password") view=admin::PasswordPage ssr=ASYNC/>
                <Route path=path!("/admin/team") view=admin::TeamPage ssr=ASYNC/>
                <Route path=path!("/admin/account") view=admin::AccountPage ssr=ASYNC/>
                <Route path=path!("/admin/account/codes") view=admin::CodesPage ssr=ASYNC/>
                <Route path=path!("/admin/audit") view=admin::AuditPage ssr=ASYNC/>
                // The desk: tax.
                <Route path=path!("/admin/settings/tax") view=admin::TaxPage ssr=ASYNC/>
                // The desk: orders, buyers, attention.
                <Route path=path!("/admin/orders") view=admin::OrdersPage ssr=ASYNC/>
                <Route path=path!("/admin/orders/new") view=admin::GiftPage ssr=ASYNC/>
                <Route path=path!("/admin/orders/not-fetched") view=admin::NotFetchedPage ssr=ASYNC/>
                <Route path=path!("/admin/orders/:number") view=admin::OrderSheetPage ssr=ASYNC/>
                <Route path=path!("/admin/buyers") view=admin::BuyersPage ssr=ASYNC/>
                <Route path=path!("/admin/buyers/:number") view=admin::BuyerPage ssr=ASYNC/>
                <Route path=path!("/admin/attention") view=admin::AttentionPage ssr=ASYNC/>
                <Route path=path!("/admin/health") view=admin::HealthPage ssr=ASYNC/>
                // The desk: webhooks.
                <Route path=path!("/admin/settings/invoices") view=admin::InvoiceSettingsPage ssr=ASYNC/>
                <Route path=path!("/admin/webhooks") view=admin::WebhooksPage ssr=ASYNC/>
                <Route path=path!("/admin/webhooks/:id") view=admin::WebhookPage ssr=ASYNC/>
                <Route path=path!("/admin/webhooks/:id/:delivery") view=admin::WebhookDeliveryPage ssr=ASYNC/>
            </FlatRoutes>
        </Router>
    }
}

fn document(options: LeptosOptions, page: impl FnOnce() -> AnyView) -> impl IntoView {
    provide_meta_context();
    let theme: Theme = context::theme();
    let store = context::shop().map_or_else(|_| "Octavo".to_owned(), |shop| shop.store_name().to_owned());
    let title = move |page: String| {
        let whole = if page.is_empty() { store.clone() } else { format!("{page} · {store}") };
        // leptos_meta writes it as it is, and a book's title may be any text.
        whole.replace('&', "&amp;").replace('<', "&lt;")
    };
    let Assets { css, js, wasm, .. } = assets::assets(&options);
    // Read by those who work here, in a frame of their own.
    let desk = context::is_desk();
    let body = if desk {
        page()
    } else {
        view! {
            <Header/>
            <main id="main">{page()}</main>
            <Footer/>
        }
        .into_any()
    };
    let font = |href| view! { <link rel="preload" href=href r#as="font" r#type="font/woff2" crossorigin="anonymous"/> };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <link rel="stylesheet" href=css.as_str()/>
                {desk.then(|| view! { <link rel="stylesheet" href=assets::desk().0/> })}
                {font("/fonts/literata-5.3.0-latin.woff2")}
                {font("/fonts/inter-5.3.0-latin.woff2")}
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <script r#type="module" src=loader().0 data-js=js.as_str() data-wasm=wasm.as_str()></script>
                <AutoReload options/>
                <Title formatter=title/>
                <MetaTags/>
            </head>
            <body>
                <a class="skip" href="#main">"Skip to content"</a>
                {body}
            </body>
        </html>
    }
}
