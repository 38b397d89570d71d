//! Stylesheet, WebAssembly, fonts and the rest of the site's folder. What carries a hash or a version in its name may
//! be kept for ever.

use crate::router::AppState;
use app::assets::loader;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The routes of the site's folder; whatever is not there is a 404.
pub fn routes(state: &AppState) -> Router<AppState> {
    let root = Path::new(&*state.leptos.site_root).to_path_buf();
    let (loader_path, loader) = loader();
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
    Router::new()
        .nest_service(
            &format!("/{}", state.leptos.site_pkg_dir),
            keep(packages).service(folder(&state.leptos.site_pkg_dir)),
        )
        .nest_service("/fonts", keep(FOR_EVER).service(folder("fonts")))
        .route(
            loader_path,
            get(move || async move {
                (
                    [
                        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
                        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                    ],
                    loader,
                )
                    .into_response()
            }),
        )
        .fallback_service(keep(FOR_A_DAY).service(folder("")))
}
