//! Downloads that are led to the bucket: counted and logged like those that go through us, all of it before.

use super::{FileFacts, OpenFile};
use crate::db::schema::download_log;
use crate::{Error, Shop};
use diesel::prelude::*;

impl Shop {
    /// Where downloads are led to, as an origin, if they are.
    #[must_use]
    pub fn download_origin(&self) -> Option<&str> {
        self.0.files.redirect_origin()
    }

    /// A URL of the bucket that opens an open file, or the `range` of it that was asked for, for a minute. What was
    /// counted counts as sent, whatever the reader makes of it; the log has 302.
    ///
    /// # Errors
    /// [`Error::NotFound`] where downloads go through us; the object store's, the database's.
    pub async fn redirect_download(
        &self,
        open: &OpenFile,
        facts: &FileFacts,
        range: Option<&str>,
        disposition: &str,
    ) -> Result<String, Error> {
        let media_type = facts.format.media_type();
        let url = self.0.files.signed_url(&open.storage_key, range, media_type, disposition).await?;
        let url = url.ok_or(Error::NotFound)?;
        let (log_id, bytes) = (open.log_id, open.reserved);
        self.0
            .db
            .write(move |conn| {
                diesel::update(download_log::table.find(log_id))
                    .set((
                        download_log::status.eq(302),
                        download_log::bytes.eq(bytes),
                        download_log::reason.eq("redirected"),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await?;
        Ok(url)
    }
}
