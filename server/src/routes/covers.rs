//! `GET /covers/{key}-{width}.webp` and `….jpg`: cover pictures. The key changes with the picture, so they are cached for ever.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shop::Shop;
use shop::types::Cover;

/// The picture, or 404.
pub async fn cover(State(shop): State<Shop>, Path(name): Path<String>) -> Response {
    let parsed = name
        .rsplit_once('.')
        .and_then(|(name, form)| Some((name.rsplit_once('-')?, form)))
        .and_then(|((key, width), form)| Some((key, width.parse::<u32>().ok()?, form)));
    let [.., largest] = Cover::WIDTHS;
    let (media_type, found) = match parsed {
        Some((key, width, "webp")) => ("image/webp", shop.cover_picture(key, width).await),
        Some((key, width, "jpg")) if width == largest => ("image/jpeg", shop.cover_preview(key).await),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match found {
        Ok(Some(picture)) => (
            [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")],
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
