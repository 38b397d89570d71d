//! The pages, one file per URL. Each reads its parameters, asks the shop once and renders; none decides anything.

pub mod admin;
pub mod api_reference;
pub mod book;
pub mod cancel;
pub mod cart;
pub mod catalog;
pub mod download;
pub mod free_checkout;
pub mod free_sent;
pub mod library;
pub mod library_open;
pub mod library_sent;
pub mod mail;
pub mod mailbox;
pub mod order;
pub mod success;

pub use api_reference::{
    ApiReferencePage, Field as ApiField, Group as ApiGroup, Operation as ApiOperation, Reference as ApiReference,
    ReferenceSource as ApiReferenceSource,
};
pub use book::BookPage;
pub use cancel::CancelPage;
pub use cart::CartPage;
pub use catalog::CatalogPage;
pub use download::DownloadPage;
pub use free_checkout::FreeCheckoutPage;
pub use free_sent::FreeSentPage;
pub use library::LibraryPage;
pub use library_open::LibraryOpenPage;
pub use library_sent::LibrarySentPage;
pub use mail::MailPage;
pub use mailbox::MailboxPage;
pub use order::OrderPage;
pub use success::SuccessPage;

use crate::components::ErrorPage;
use crate::error::AppError;
use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Awaits a page's data, then its view; an error becomes the error page with its status.
fn page(load: impl Future<Output = Result<AnyView, AppError>> + Send + 'static) -> impl IntoView {
    Suspend::new(async move {
        let view = load.await.unwrap_or_else(|error| view! { <ErrorPage error/> }.into_any());
        // Meta tags look for their context when they become HTML, which may happen outside of this future.
        OwnedView::new(view)
    })
}

/// A part of the path.
fn param(name: &str) -> String {
    use_params_map().with_untracked(|params| params.get(name)).unwrap_or_default()
}

/// A value of the query; an empty one counts as none.
fn query(name: &str) -> Option<String> {
    use_query_map().with_untracked(|query| query.get(name)).filter(|value| !value.is_empty())
}
