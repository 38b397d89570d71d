//! Orders that the desk gives away: free titles for an address, with rights and the mailed link like any other order, and
//! without an invoice.

use super::{FormKey, Refusal, object};
use crate::audit::{self, Actor};
use crate::cart::Offer;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, edition, gift, orders};
use crate::types::{Email, OrderNumber, Slug};
use crate::{Error, Shop, fulfilment};
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use serde_json::json;

/// As many as one checkout takes.
const MOST: usize = 100;

/// What is given to whom.
#[derive(Clone, Debug)]
pub struct Gift {
    /// Who gets the mail.
    pub email: Email,
    /// The books, published or not: whatever has files.
    pub books: Vec<Slug>,
    /// The form's own: sent twice, it is one order.
    pub key: FormKey,
}

impl Shop {
    /// Gives titles away; the order of the first time, if this form was sent before.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown book, the database's.
    pub async fn give(&self, wanted: &Gift, actor: &Actor) -> Result<Result<OrderNumber, Refusal>, Error> {
        let (shop, gift, own_actor) = (self.clone(), wanted.clone(), *actor);
        let given = self.0.db.write(move |conn| give(conn, &shop, &gift, &own_actor)).await;
        let given = match given {
            // The same form at the same moment: the other one has made it.
            Err(Error::Database(diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
                let key = wanted.key;
                let made = self.0.db.read(move |conn| made_before(conn, key)).await?;
                Ok(made.ok_or_else(|| Error::internal("a gift that is there and not there"))?)
            }
            given => given?,
        };
        self.0.mail_waiting.notify_one();
        Ok(given)
    }
}

fn made_before(conn: &mut AnyConnection, key: FormKey) -> Result<Option<OrderNumber>, Error> {
    let row = gift::table.inner_join(orders::table).filter(gift::idem_key.eq(key.to_string()));
    let number: Option<String> = row.select(orders::number).first(conn).optional()?;
    number.map(|number| number.parse().map_err(|_| Error::internal("an order's number"))).transpose()
}

fn give(
    conn: &mut AnyConnection,
    shop: &Shop,
    wanted: &Gift,
    actor: &Actor,
) -> Result<Result<OrderNumber, Refusal>, Error> {
    if let Some(number) = made_before(conn, wanted.key)? {
        return Ok(Ok(number));
    }
    let mut offers: Vec<Offer> = Vec::new();
    for slug in &wanted.books {
        let row = book::table.filter(book::slug.eq(slug.as_str())).select((book::id, book::title));
        let (book_id, title): (i64, String) = row.first(conn).optional()?.ok_or(Error::NotFound)?;
        let files = book_file::table.inner_join(edition::table).filter(edition::book_id.eq(book_id));
        if !diesel::select(diesel::dsl::exists(files)).get_result::<bool>(conn)? {
            return Ok(Err(Refusal::NoFiles));
        }
        if offers.iter().all(|offer| offer.book_id != book_id) {
            offers.push(Offer { book_id, title, unit_amount: 0, tax_code: String::new() });
        }
    }
    if offers.is_empty() || offers.len() > MOST {
        return Ok(Err(Refusal::NoTitles));
    }
    let (id, number) = fulfilment::place_free_order(conn, shop, None, &wanted.email, &offers)?;
    diesel::insert_into(gift::table)
        .values((
            gift::order_id.eq(id),
            gift::idem_key.eq(wanted.key.to_string()),
            gift::made_at.eq(shop.0.clock.now()),
        ))
        .execute(conn)?;
    let titles: Vec<&str> = wanted.books.iter().map(Slug::as_str).collect();
    audit::record(conn, actor, "order.given", object(&number), None, Some(json!({ "titles": titles })))?;
    Ok(Ok(number))
}
