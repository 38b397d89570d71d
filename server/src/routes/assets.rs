//! Stylesheet, WebAssembly, fonts and the rest of the site's folder. What carries a hash or a version in its name may
//! be kept for ever.

use crate::router::AppState;
use app::assets::{assets, desk, desk_books, loader};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use percent_encoding::percent_decode_str;
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The routes of the site's folder; whatever is not there is a 404.
pub fn routes(state: &AppState) -> Router<AppState> {
    let root = Path::new(&*state.leptos.site_root).to_path_buf();
    let ((loader_path, loader), (desk_path, desk)) = (loader(), desk());
    let (books_path, books) = desk_books();
    let folder = |path: &str| {
        ServeDir::new(root.join(path)).precompressed_br().precompressed_gzip().append_index_html_on_directories(false)
    };
    // Without hashes (cargo leptos watch) the names stay the same when the content changes.
    let packages = if state.leptos.hash_files { FOR_EVER } else { HeaderValue::from_static("no-cache") };
    let keep = |value: HeaderValue| {
        ServiceBuilder::new().layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            move |response: &axum::http::Response<_>| response.status().is_success().then(|| value.clone()),
        ))
    };
    let package = format!("/{}", state.leptos.site_pkg_dir);
    let build = assets(&state.leptos).build.clone();
    let packaged = || keep(packages.clone()).service(folder(&state.leptos.site_pkg_dir));
    let router = Router::new().nest_service(&package, packaged());
    // The same folder, under the name that this build has.
    let router = if build == package { router } else { router.nest_service(&build, packaged()) };
    router
        .nest_service("/fonts", keep(FOR_EVER).service(folder("fonts")))
        .route(loader_path, get(move || async move { text("text/javascript; charset=utf-8", loader) }))
        .route(desk_path, get(move || async move { text("text/css; charset=utf-8", desk) }))
        .route(books_path, get(move || async move { text("text/javascript; charset=utf-8", books) }))
        .fallback_service(keep(FOR_A_DAY).service(folder("")))
        .layer(from_fn(refuse_impossible_names))
}

/// A text that is part of the program, under a path that changes with it.
fn text(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, FOR_EVER)], text).into_response()
}

/// Names that no file system has are nobody's failure: not found, where opening them would be an error.
async fn refuse_impossible_names(request: Request, next: Next) -> Response {
    const LONGEST: usize = 255;
    const LONGEST_PATH: usize = 1_024;
    let impossible = |name: &str| {
        let name: Vec<u8> = percent_decode_str(name).collect();
        name.len() > LONGEST || name.contains(&0)
    };
    let path = request.uri().path();
    if path.len() > LONGEST_PATH || path.split('/').any(impossible) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}
