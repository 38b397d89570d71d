//! A large store on demand: `octavo seed --books N --orders M`.
//!
//! The rows are those that years of trade would have left, all invariants of [`crate::doctor`] included, and the same
//! for the same arguments, on either database and on any day: every book, buyer and day is made from a stream of
//! chance of its own. Nothing is ever sent for them: their mails are in a final state, and every address is at
//! example.org, .com or .net (RFC 2606).
//!
//! Each transaction writes whole books or whole days, so that an interrupted run is continued where it was by running
//! it again. It relaxes nothing about the safety of the database: on SQLite it stays with `synchronous=FULL` and only
//! takes more memory for pages. Meant for a store that is closed: if anybody writes at the same time, it stops.

mod books;
mod buyers;
mod calendar;
mod downloads;
mod orders;
mod random;
mod rows;
mod samples;
mod shelf;
mod state;
mod words;

use crate::db::Bulk;
use crate::{Error, Shop, analytics};
use books::BookMaker;
use calendar::{Calendar, DAYS};
use chrono::NaiveDate;
use downloads::Downloads;
use orders::DayMaker;
use rows::{Ids, Out, Rows};
use shelf::Shelf;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use words::Words;

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Names the chance that everything is made by.
    pub seed: u64,
    /// Books to make; 0 leaves the catalogue alone.
    pub books: u64,
    /// Orders to make, of the books that are in the shop then; 0 makes none.
    pub orders: u64,
    /// The day after the last one that anything happens on, UTC.
    pub until: NaiveDate,
    /// How much one transaction writes: so many books, or whole days of so many orders. Changes no row.
    pub batch: u64,
}

impl Plan {
    /// Enough to touch each page of the large indexes seldom, and little enough to stay under 200 MB.
    pub const BATCH: u64 = 20_000;

    /// Names a run of books: what they depend on.
    fn books_tag(&self) -> String {
        format!("{}-{}-{}", self.seed, self.until.format("%Y%m%d"), self.books)
    }

    /// Names a run of orders.
    fn orders_tag(&self) -> String {
        format!("{}-{}-{}", self.seed, self.until.format("%Y%m%d"), self.orders)
    }
}

/// What has been written so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// "books" or "orders".
    pub what: &'static str,
    /// Of these, also in earlier runs.
    pub done: u64,
    /// Of so many.
    pub of: u64,
    /// Of these, in this run.
    pub made: u64,
    /// Rows of all tables, in this run.
    pub rows: u64,
    /// Since this run began with them.
    pub elapsed: Duration,
}

/// What a run has added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Books.
    pub books: u64,
    /// Orders.
    pub orders: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// Why a store is not filled.
#[derive(Debug, thiserror::Error)]
pub enum LargeError {
    /// Somebody has bought something here.
    #[error("this store has {0} real orders; made-up ones are never put beside them")]
    RealOrders(i64),
    /// There are made-up rows of other arguments.
    #[error(
        "this store was seeded with other arguments (--seed {seed} --until {until} --{what} {count}); use them again to \
         go on or to check that nothing is missing, or begin with an empty database"
    )]
    OtherRun {
        /// "books" or "orders".
        what: &'static str,
        /// `--seed`.
        seed: String,
        /// `--until`.
        until: String,
        /// `--books` or `--orders`.
        count: String,
    },
    /// The last day is still to come.
    #[error("--until {0} is in the future: nothing has been sold then")]
    Future(NaiveDate),
    /// There is nothing to be ordered.
    #[error("orders need books: none is on sale in {0} and has a file")]
    NoBooks(&'static str),
    /// Ids were taken in between.
    #[error("somebody else writes to this database; close the store first")]
    NotAlone,
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// What `idem_key` begins with in a checkout that we made.
const CHECKOUT_PREFIX: &str = "seed-";

/// Makes the rows of one transaction from a position (the next book or day) on; says which position is the next, and how
/// many books or orders there are before it.
type Maker = Arc<dyn Fn(&mut Out, u64) -> Result<(u64, u64), Error> + Send + Sync>;

/// One kind of rows to be made and written.
struct Run<'a> {
    what: &'static str,
    of: u64,
    /// How many there were before.
    before: u64,
    /// From this book or day …
    from: u64,
    /// … up to and without this one.
    to: u64,
    make: Maker,
    report: &'a mut (dyn FnMut(&Progress) + Send),
}

/// The numbers that the next rows get.
#[derive(Clone)]
struct Numbers {
    ids: Ids,
    series: BTreeMap<i32, i64>,
}

impl Shop {
    /// Fills the store as `plan` says, or goes on where an interrupted run of the same plan was. `report` is told after
    /// every transaction.
    ///
    /// # Errors
    /// [`LargeError`]. What was written before it is complete in itself and stays.
    pub async fn seed_large(&self, plan: &Plan, mut report: impl FnMut(&Progress) + Send) -> Result<Added, LargeError> {
        if plan.until > self.0.clock.now().date() {
            return Err(LargeError::Future(plan.until));
        }
        let begun = self.0.db.read(state::read).await?;
        let (book, day) = begun.positions(plan)?;
        let mut added = Added::default();
        if book >= plan.books && (plan.orders == 0 || day >= DAYS) {
            // Unless it was interrupted right before, nothing is to do.
            self.keep_tallies().await?;
            return Ok(added);
        }
        let bulk = self.0.db.bulk().await?;
        let mut numbers = Numbers { ids: begun.ids, series: begun.series };
        let words = Arc::new(Words::load(self.currency())?);
        if book < plan.books {
            let samples = samples::all();
            samples::store(self, &samples).await?;
            let make = self.books_maker(plan, &words, samples);
            let run = Run {
                what: "books",
                of: plan.books,
                before: book,
                from: book,
                to: plan.books,
                make,
                report: &mut report,
            };
            added.rows += Self::run(run, &bulk, &mut numbers).await?;
            added.books = plan.books - book;
        }
        if plan.orders > 0 && day < DAYS {
            // A month is summed once, when it is whole. Whoever opens the store before that sums what is there.
            bulk.write(analytics::suspend).await?;
            let calendar = Calendar::new(plan.seed, plan.orders, plan.until)?;
            let before = calendar.before(day);
            let make = self.orders_maker(plan, &words, calendar).await?;
            let run = Run { what: "orders", of: plan.orders, before, from: day, to: DAYS, make, report: &mut report };
            added.rows += Self::run(run, &bulk, &mut numbers).await?;
            added.orders = plan.orders - before;
        }
        bulk.write(state::finish).await?;
        drop(bulk);
        self.keep_tallies().await?;
        Ok(added)
    }

    fn books_maker(&self, plan: &Plan, words: &Arc<Words>, samples: Vec<samples::Sample>) -> Maker {
        let (plan, words, store_currency) = (plan.clone(), Arc::clone(words), self.currency());
        Arc::new(move |out, from| {
            let maker = BookMaker { plan: &plan, words: &words, samples: &samples, store_currency };
            let to = plan.books.min(from + plan.batch.max(1));
            (from..to).for_each(|index| maker.make(index, out));
            Ok((to, to))
        })
    }

    async fn orders_maker(&self, plan: &Plan, words: &Arc<Words>, calendar: Calendar) -> Result<Maker, LargeError> {
        let (store_currency, first_day) = (self.currency(), calendar.start_of(0));
        let shelf = self.0.db.read(move |conn| Shelf::load(conn, store_currency, first_day)).await?;
        if shelf.is_empty() {
            return Err(LargeError::NoBooks(store_currency.code()));
        }
        let (shop, plan, words) = (self.clone(), plan.clone(), Arc::clone(words));
        Ok(Arc::new(move |out, from| {
            let downloads =
                Downloads { key: &shop.0.key, policy: shop.0.settings.policy, words: &words, until: calendar.until };
            let maker = DayMaker {
                shop: &shop,
                plan: &plan,
                words: &words,
                shelf: &shelf,
                calendar: &calendar,
                downloads,
                store_currency,
            };
            let mut day = from;
            while day < DAYS && (out.rows.orders.len() as u64) < plan.batch.max(1) {
                maker.make(day, out)?;
                day += 1;
            }
            Ok((day, calendar.before(day)))
        }))
    }

    /// Makes and writes, both at once: while one transaction is written the next one's rows are made.
    async fn run(run: Run<'_>, bulk: &Bulk, numbers: &mut Numbers) -> Result<u64, LargeError> {
        let began = Instant::now();
        let (mut position, mut rows) = (run.from, 0);
        let mut next = Some(make(&run.make, numbers, position));
        while let Some(making) = next.take() {
            let before = numbers.ids;
            let (out, to, done) = making.await.map_err(|error| Error::internal(error.to_string()))??;
            *numbers = Numbers { ids: out.ids, series: out.series.clone() };
            position = to;
            if position < run.to {
                next = Some(make(&run.make, numbers, position));
            }
            rows += out.rows.count();
            if !bulk.write(move |conn| state::write(conn, before, &out)).await? {
                return Err(LargeError::NotAlone);
            }
            let (what, of, made) = (run.what, run.of, done - run.before);
            (run.report)(&Progress { what, done, of, made, rows, elapsed: began.elapsed() });
        }
        Ok(rows)
    }
}

/// Makes the rows of one transaction on the blocking pool.
fn make(maker: &Maker, numbers: &Numbers, from: u64) -> JoinHandle<Result<(Out, u64, u64), Error>> {
    let (maker, numbers) = (Arc::clone(maker), numbers.clone());
    tokio::task::spawn_blocking(move || {
        let mut out = Out { rows: Rows::default(), ids: numbers.ids, series: numbers.series };
        let (to, done) = maker(&mut out, from)?;
        Ok((out, to, done))
    })
}
