//! The PDFs of invoices and credit notes: made when somebody asks, kept in the object store, made anew when the template
//! has changed. What a document says comes from its row alone.

mod example;
mod printable;

use bytes::Bytes;
use shop::Shop;
use shop::invoices::{Document, Kept};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

pub(crate) use example::example;

/// Of the template and of what is put into it. To be counted up with every change of either: what was kept of an earlier
/// one is made anew.
const VERSION: u32 = 1;

/// As many as the renderer makes at once; the others wait without holding a thread.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// A document could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrintError {
    /// It cannot be laid out; it is noted for the desk.
    #[error(transparent)]
    Render(#[from] invoice::Error),
    /// The task died.
    #[error("the task that makes documents died")]
    Died,
}

/// The PDF of a document.
///
/// # Errors
/// [`PrintError`]: it is noted for the desk. That a PDF cannot be kept is no error: it is made anew the next time.
pub(crate) async fn pdf(shop: &Shop, kept: &Kept) -> Result<Bytes, PrintError> {
    if let Some(pdf) = shop.kept_pdf(kept, VERSION).await {
        return Ok(pdf);
    }
    let logo = logo_of(shop, &kept.document).await;
    // Without a logo that is only out of reach it is good for now, and not for ever.
    let whole = logo.is_some() || kept.document.seller.logo.is_none();
    let made = lay_out(&kept.document, logo).await;
    let (number, noted) = match &made {
        Ok(pdf) if whole => (&kept.document.number, shop.keep_pdf(kept, VERSION, pdf.clone()).await),
        Ok(_) => return made,
        Err(error) => {
            tracing::error!(document = kept.document.number, %error, "a PDF cannot be made");
            (&kept.document.number, shop.note_pdf(kept.id, Some(error.to_string())).await)
        }
    };
    if let Err(error) = noted {
        tracing::warn!(document = number, %error, "what became of a PDF cannot be kept");
    }
    made
}

/// Makes a PDF that nobody keeps.
pub(crate) async fn print(shop: &Shop, document: &Document) -> Result<Bytes, PrintError> {
    lay_out(document, logo_of(shop, document).await).await
}

async fn logo_of(shop: &Shop, document: &Document) -> Option<Bytes> {
    match &document.seller.logo {
        Some(key) => shop.logo(key).await,
        None => None,
    }
}

async fn lay_out(document: &Document, logo: Option<Bytes>) -> Result<Bytes, PrintError> {
    let printable = printable::printable(document, logo);
    let _turn = TURNS.acquire().await.map_err(|_| PrintError::Died)?;
    let made = tokio::task::spawn_blocking(move || invoice::render(&printable)).await;
    Ok(made.map_err(|_| PrintError::Died)??.into())
}
