//! The PDFs of documents: objects that can be made again at any time, and what went wrong with one.

use super::reading::Kept;
use crate::db::schema::{invoice, orders};
use crate::privacy::is_erased;
use crate::{Error, Shop};
use bytes::Bytes;
use diesel::prelude::*;

impl Shop {
    /// The PDF of a document, if it was made by this `version` of the template and is still there.
    pub async fn kept_pdf(&self, kept: &Kept, version: u32) -> Option<Bytes> {
        let key = kept.pdf.as_ref().filter(|key| **key == key_of(kept.id, version))?;
        match self.0.files.get(key).await {
            Ok(pdf) => Some(pdf),
            Err(error) => {
                tracing::warn!(document = kept.document.number, %error, "a kept PDF cannot be read and is made anew");
                None
            }
        }
    }

    /// Keeps the PDF of a document, as made by a `version` of the template; what was kept of it before goes.
    ///
    /// # Errors
    /// [`Error::Files`], the database's.
    pub async fn keep_pdf(&self, kept: &Kept, version: u32, pdf: Bytes) -> Result<(), Error> {
        if !kept.keeps {
            return self.note_pdf(kept.id, None).await;
        }
        let (id, key) = (kept.id, key_of(kept.id, version));
        self.0.files.put(&key, pdf).await?;
        let row = key.clone();
        let noted = self
            .0
            .db
            .write(move |conn| {
                // Locks the order's row: a buyer who was erased while this was made is not written down again.
                let of = invoice::table.filter(invoice::id.eq(id)).select(invoice::order_id);
                let email: String = diesel::update(orders::table.filter(orders::id.eq_any(of)))
                    .set(orders::status.eq(orders::status))
                    .returning(orders::email)
                    .get_result(conn)?;
                if is_erased(&email) {
                    return Ok(false);
                }
                diesel::update(invoice::table.find(id))
                    .set((invoice::pdf_key.eq(&row), invoice::pdf_error.eq(None::<String>)))
                    .execute(conn)?;
                Ok(true)
            })
            .await?;
        if !noted {
            self.0.files.discard(&key).await;
            return Ok(());
        }
        if let Some(before) = kept.pdf.as_ref().filter(|before| **before != key) {
            self.0.files.discard(before).await;
        }
        Ok(())
    }

    /// Notes why the PDF of a document cannot be made, for the desk; or that it can.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_pdf(&self, id: i64, error: Option<String>) -> Result<(), Error> {
        self.0
            .db
            .write(move |conn| {
                let noted = invoice::pdf_error.eq(&error);
                match &error {
                    Some(_) => diesel::update(invoice::table.find(id)).set(noted).execute(conn)?,
                    None => {
                        let failed = invoice::table.find(id).filter(invoice::pdf_error.is_not_null());
                        diesel::update(failed).set(noted).execute(conn)?
                    }
                };
                Ok(())
            })
            .await
    }

    /// The picture of a logo, if it can be read.
    pub async fn logo(&self, key: &str) -> Option<Bytes> {
        match self.0.files.get(key).await {
            Ok(picture) => Some(picture),
            Err(error) => {
                tracing::error!(key, %error, "a logo cannot be read: documents are made without it");
                None
            }
        }
    }
}

fn key_of(id: i64, version: u32) -> String {
    format!("invoices/{id}-{version}.pdf")
}
