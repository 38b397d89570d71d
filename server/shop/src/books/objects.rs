//! Objects that were written for rows that were not: gone, unless the rows are there after all.
//!
//! A transaction whose answer was lost (the connection broke at the commit) may have been committed or not, and only the
//! database knows. A book without its file is worse than a file without a book, so what cannot be asked stays.

use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, unfinished};
use crate::types::Slug;
use crate::{Error, Shop};
use diesel::prelude::*;

impl Shop {
    /// Takes away those of the objects that no row points at, after a transaction about that book (or about none yet) has
    /// failed, as far as the caller was told.
    pub(crate) async fn discard_unless_kept(&self, slug: Option<&Slug>, keys: Vec<String>) {
        let (slug, asked) = (slug.cloned(), keys.clone());
        let unkept = self.0.db.write(move |conn| {
            if let Some(slug) = &slug {
                // Whoever is still at its commit has this row.
                let row = book::table.filter(book::slug.eq(slug.as_str()));
                diesel::update(row).set(book::version.eq(book::version)).execute(conn)?;
            }
            unkept(conn, &asked)
        });
        match unkept.await {
            Ok(unkept) => {
                for key in unkept {
                    self.0.files.discard(&key).await;
                }
            }
            Err(error) => {
                for key in keys {
                    tracing::warn!(key, %error, "nobody can say whether a file is needed: it stays");
                }
            }
        }
    }
}

/// Those of the objects that no book's file and no unfinished form needs.
pub(crate) fn unkept(conn: &mut AnyConnection, keys: &[String]) -> Result<Vec<String>, Error> {
    let mut unkept = Vec::new();
    for key in keys {
        let file = book_file::table.filter(book_file::storage_key.eq(key));
        // Keys are letters, digits and a slash.
        let form = unfinished::table.filter(unfinished::data.like(format!("%\"{key}\"%")));
        let needed = diesel::select(diesel::dsl::exists(file)).get_result::<bool>(conn)?
            || diesel::select(diesel::dsl::exists(form)).get_result::<bool>(conn)?;
        if !needed {
            unkept.push(key.clone());
        }
    }
    Ok(unkept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{DatabaseUrl, Db};
    use diesel::connection::SimpleConnection as _;

    #[tokio::test]
    async fn what_a_row_points_at_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("octavo.db"));
        let db = tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap().unwrap();
        let rows = "
            INSERT INTO book (id, slug, title, sort_title, subtitle, description_md, language, publisher, tax_code, status,
                accent, version, created_at, updated_at)
            VALUES (1, 'a', 'A', 'a', '', '', 'en', '', 'x', 'draft', '#000000', 1, '2026-11-01', '2026-11-01');
            INSERT INTO edition (id, book_id, label, changelog, created_at) VALUES (1, 1, 'First', '', '2026-11-01');
            INSERT INTO book_file (edition_id, format, storage_key, sha256, bytes, filename)
            VALUES (1, 'pdf', 'books/sold', '', 1, 'a.pdf');
            INSERT INTO unfinished (name, kind, data, created_at)
            VALUES ('n', 'book', '{\"file\":{\"key\":\"books/waiting\"}}', '2026-11-01');";
        let keys = ["books/sold", "books/waiting", "books/sol", "books/nobodys"].map(str::to_owned);
        let found = db.write(move |conn| {
            conn.batch_execute(rows)?;
            unkept(conn, &keys)
        });
        assert_eq!(found.await.unwrap(), ["books/sol", "books/nobodys"]);
    }
}
