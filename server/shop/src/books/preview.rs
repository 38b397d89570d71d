//! Covers as JPEG, for what cannot read WebP: link previews of messengers, mail programs.
//!
//! One is made with the cover. Covers that are older, or came with a catalogue, get theirs when it is first asked for.

use crate::types::Cover;
use crate::{Error, Shop};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};
use tokio::sync::Semaphore;

/// Good enough for a picture that is shown small.
const QUALITY: u8 = 82;

/// One at a time: they are made once for each cover, and nobody waits for them with a purchase.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Where it is kept.
pub(crate) fn path(key: &str) -> String {
    let [.., largest] = Cover::WIDTHS;
    format!("covers/{key}-{largest}.jpg")
}

/// A picture as JPEG.
pub(super) fn encoded(picture: &RgbImage) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(picture)?;
    Ok(bytes)
}

impl Shop {
    /// A cover in its largest width as JPEG; none if there is no such cover.
    ///
    /// # Errors
    /// The object store's.
    pub async fn cover_preview(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let [.., largest] = Cover::WIDTHS;
        if !crate::seed::is_cover_key(key) {
            return Ok(None);
        }
        if let Some(made) = self.made_preview(key).await? {
            return Ok(Some(made));
        }
        let Some(picture) = self.cover_picture(key, largest).await? else { return Ok(None) };
        let _turn = ONE_AT_A_TIME.acquire().await.map_err(|error| Error::internal(error.to_string()))?;
        // Whoever waited for the same one finds it.
        if let Some(made) = self.made_preview(key).await? {
            return Ok(Some(made));
        }
        let made = tokio::task::spawn_blocking(move || {
            let picture = image::load_from_memory_with_format(&picture, ImageFormat::WebP)?;
            encoded(&picture.into_rgb8())
        });
        let made = made.await.map_err(|error| Error::internal(error.to_string()))?;
        let made = Bytes::from(made.map_err(|error| Error::internal(format!("the cover {key}: {error}")))?);
        self.0.files.put(&path(key), made.clone()).await?;
        Ok(Some(made))
    }

    async fn made_preview(&self, key: &str) -> Result<Option<Bytes>, Error> {
        match self.0.files.get(&path(key)).await {
            Ok(made) => Ok(Some(made)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
