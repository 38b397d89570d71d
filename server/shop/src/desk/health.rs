//! How the store is: the same facts as what needs a person, and those that only tell that all is well.

use super::attention::Attention;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, checkout, download_log, edition, orders, outbox, stripe_event};
use crate::{Error, Shop, invoices};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use futures::StreamExt as _;

/// A payment without an event about it: Stripe delivers within seconds.
const SILENCE: TimeDelta = TimeDelta::minutes(30);
/// The files of the newest editions that are looked at …
const FILES: i64 = 40;
/// … so many at once.
const AT_ONCE: usize = 8;
/// Downloads that failed on our side are counted for so long.
const DAY: TimeDelta = TimeDelta::days(1);

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What needs a person.
    pub attention: Attention,
    /// Whether Stripe is heard.
    pub pulse: Pulse,
    /// Whether the store can write to people.
    pub sends_mail: bool,
    /// When the last mail left, UTC.
    pub last_mail: Option<NaiveDateTime>,
    /// Mails that wait.
    pub waiting_mails: i64,
    /// Events that wait.
    pub waiting_events: i64,
    /// How many of the newest files were looked at just now …
    pub files_checked: usize,
    /// … and what is wrong with them.
    pub files: Vec<FileTrouble>,
    /// Downloads of the last day that failed on our side.
    pub failed_downloads: i64,
    /// Stripe's mode.
    pub livemode: bool,
}

/// Whether Stripe is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When the last event came, UTC.
    pub last: Option<NaiveDateTime>,
    /// How long ago: "3 h ago".
    pub ago: Option<String>,
    /// Whether there was a payment that no event has told of: the webhook does not arrive.
    pub silent: bool,
}

/// A file that a buyer could not be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTrouble {
    /// The book's title …
    pub title: String,
    /// … and slug.
    pub slug: String,
    /// The file's name.
    pub filename: String,
    /// What is wrong.
    pub why: String,
}

/// What a new store has to do before it sells, and what of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSteps {
    /// A book with files is published.
    pub book: bool,
    /// A checkout has reached Stripe.
    pub stripe: bool,
    /// An event has come from there.
    pub webhook: bool,
    /// A mail has left.
    pub mail: bool,
    /// Invoices say who sells.
    pub seller: bool,
}

impl FirstSteps {
    /// Whether nothing is left to do.
    #[must_use]
    pub const fn done(self) -> bool {
        self.book && self.stripe && self.webhook && self.mail && self.seller
    }
}

#[derive(Queryable)]
struct File {
    title: String,
    slug: String,
    key: String,
    bytes: i64,
    filename: String,
}

impl Shop {
    /// How the store is; looks at the newest files while it is asked.
    ///
    /// # Errors
    /// The database's.
    pub async fn health(&self) -> Result<Health, Error> {
        let attention = self.attention().await?;
        let now = self.0.clock.now();
        let (mut health, files) = self.0.db.read(move |conn| Ok((facts(conn, now)?, newest(conn)?))).await?;
        health.files_checked = files.len();
        let checks = files.into_iter().map(|file| self.check(file));
        let found: Vec<Option<FileTrouble>> = futures::stream::iter(checks).buffered(AT_ONCE).collect().await;
        Ok(Health {
            attention,
            files: found.into_iter().flatten().collect(),
            sends_mail: self.0.post.is_some(),
            livemode: self.0.settings.livemode,
            ..health
        })
    }

    /// What of a new store's first steps is done.
    ///
    /// # Errors
    /// The database's.
    pub async fn first_steps(&self) -> Result<FirstSteps, Error> {
        self.0.db.read(first_steps).await
    }

    async fn check(&self, file: File) -> Option<FileTrouble> {
        let why = match self.0.files.size(&file.key).await {
            Ok(bytes) if i64::try_from(bytes) == Ok(file.bytes) => return None,
            Ok(bytes) => format!("it has {bytes} bytes instead of {}", file.bytes),
            Err(object_store::Error::NotFound { .. }) => "it is not there".into(),
            Err(error) => {
                tracing::warn!(%error, "a file could not be looked at");
                "it could not be looked at".into()
            }
        };
        Some(FileTrouble { title: file.title, slug: file.slug, filename: file.filename, why })
    }
}

fn facts(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Health, Error> {
    Ok(Health {
        pulse: pulse(conn, now)?,
        last_mail: outbox::table
            .filter(outbox::sent_at.is_not_null())
            .order(outbox::id.desc())
            .select(outbox::sent_at.assume_not_null())
            .first(conn)
            .optional()?,
        waiting_mails: outbox::table
            .filter(sql::<Bool>("outbox.state IN ('queued', 'leased')"))
            .count()
            .get_result(conn)?,
        waiting_events: stripe_event::table
            .filter(sql::<Bool>("stripe_event.state IN ('new', 'leased', 'parked')"))
            .count()
            .get_result(conn)?,
        failed_downloads: download_log::table
            .filter(download_log::at.gt(now - DAY))
            .filter(download_log::reason.eq("failed"))
            .count()
            .get_result(conn)?,
        ..Health::default()
    })
}

fn pulse(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Pulse, Error> {
    // By the bodies that are still kept: events without one are older than the store keeps them.
    let last: Option<NaiveDateTime> = stripe_event::table
        .filter(sql::<Bool>("stripe_event.body <> ''"))
        .order(stripe_event::received_at.desc())
        .select(stripe_event::received_at)
        .first(conn)
        .optional()?;
    let paid: Option<NaiveDateTime> = orders::table
        .filter(orders::stripe_session.is_not_null())
        .order(orders::id.desc())
        .select(orders::created_at)
        .first(conn)
        .optional()?;
    let silent = paid.is_some_and(|paid| paid + SILENCE < now && last.is_none_or(|last| last + SILENCE < paid));
    Ok(Pulse { last, ago: last.map(|last| ago(now - last)), silent })
}

/// "3 h ago".
fn ago(passed: TimeDelta) -> String {
    match (passed.num_days(), passed.num_hours(), passed.num_minutes()) {
        (days @ 2.., ..) => format!("{days} days ago"),
        (_, hours @ 1.., _) => format!("{hours} h ago"),
        (_, _, minutes @ 1..) => format!("{minutes} min ago"),
        _ => "just now".into(),
    }
}

/// The files of the newest editions.
fn newest(conn: &mut AnyConnection) -> Result<Vec<File>, Error> {
    Ok(book_file::table
        .inner_join(edition::table.inner_join(book::table))
        .order(book_file::id.desc())
        .limit(FILES)
        .select((book::title, book::slug, book_file::storage_key, book_file::bytes, book_file::filename))
        .load(conn)?)
}

fn first_steps(conn: &mut AnyConnection) -> Result<FirstSteps, Error> {
    let sold = book_file::table
        .inner_join(edition::table.inner_join(book::table))
        .filter(book::status.eq("published"))
        .select(book_file::id);
    let begun = checkout::table.filter(checkout::stripe_session.is_not_null()).select(checkout::id);
    let heard = stripe_event::table.select(stripe_event::id);
    let sent = outbox::table.filter(outbox::sent_at.is_not_null()).select(outbox::id);
    Ok(FirstSteps {
        book: diesel::select(exists(sold)).get_result(conn)?,
        stripe: diesel::select(exists(begun)).get_result(conn)?,
        webhook: diesel::select(exists(heard)).get_result(conn)?,
        mail: diesel::select(exists(sent)).get_result(conn)?,
        seller: invoices::has_seller(conn)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_said_in_the_largest_unit() {
        for (minutes, words) in
            [(0, "just now"), (59, "59 min ago"), (60, "1 h ago"), (47 * 60, "47 h ago"), (48 * 60, "2 days ago")]
        {
            assert_eq!(ago(TimeDelta::minutes(minutes)), words);
        }
    }
}
