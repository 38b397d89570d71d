//! `GET /covers/{key}-{width}.webp`: cover pictures. The key changes with the picture, so they are cached for ever.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shop::Shop;

/// The picture, or 404.
pub async fn cover(State(shop): State<Shop>, Path(name): Path<String>) -> Response {
    let parsed = name
        .strip_suffix(".webp")
        .and_then(|name| name.rsplit_once('-'))
        .and_then(|(key, width)| Some((key, width.parse::<u32>().ok()?)));
    let Some((key, width)) = parsed else { return StatusCode::NOT_FOUND.into_response() };
    match shop.cover_picture(key, width).await {
        Ok(Some(picture)) => (
            [(header::CONTENT_TYPE, "image/webp"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")],
            picture,
        )
            .into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a cover could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
