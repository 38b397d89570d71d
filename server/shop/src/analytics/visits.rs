//! How often books are looked at and put into carts. A look costs the page one addition in memory; what has come together
//! is written every few seconds. Nothing is kept of who it was: no address, no cookie, no time but the day.

use super::state;
use crate::db::both;
use crate::db::schema::visits;
use crate::{Error, Shop};
use diesel::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};

/// What has been counted since it was last written.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    views: AtomicI64,
    carts: AtomicI64,
}

/// Words in the names of programs that read pages and are no readers, by what they begin with.
fn robots(first: u8) -> &'static [&'static str] {
    match first.to_ascii_lowercase() {
        b'a' => &["archiv"],
        b'b' => &["bot"],
        b'c' => &["crawl", "curl"],
        b'f' => &["facebookexternalhit", "fetch"],
        b'h' => &["http-client"],
        b'm' => &["monitor"],
        b'p' => &["preview", "python"],
        b's' => &["scan", "slurp", "spider"],
        b'w' => &["wget"],
        _ => &[],
    }
}

/// Whether a browser says that it is one, and not a robot. All browsers have called themselves Mozilla for thirty years.
#[must_use]
pub fn is_reader(user_agent: &str) -> bool {
    let name = user_agent.as_bytes();
    let begins = |at: usize, word: &str| {
        name.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    let is_robot = |(at, first): (usize, &u8)| robots(*first).iter().any(|word| begins(at, word));
    user_agent.starts_with("Mozilla/") && !name.iter().enumerate().any(is_robot)
}

impl Shop {
    /// Somebody looks at a book.
    pub fn count_view(&self) {
        self.0.visits.views.fetch_add(1, Ordering::Relaxed);
    }

    /// A book is put into a cart.
    pub fn count_cart(&self) {
        self.0.visits.carts.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes what has been counted. What cannot be written is written the next time.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_visits(&self) -> Result<(), Error> {
        let (views, carts) = (&self.0.visits.views, &self.0.visits.carts);
        let counted = [("view", views.swap(0, Ordering::Relaxed)), ("cart", carts.swap(0, Ordering::Relaxed))];
        if counted.iter().all(|(_, count)| *count == 0) {
            return Ok(());
        }
        let now = self.0.clock.now();
        let written = self.0.db.write(move |conn| {
            let day = state::read(conn)?.0.day_of(now);
            for (step, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
                let row = (visits::day.eq(day), visits::step.eq(step), visits::count.eq(count));
                both!(conn, |c| diesel::insert_into(visits::table)
                    .values(row)
                    .on_conflict((visits::day, visits::step))
                    .do_update()
                    .set(visits::count.eq(visits::count + count))
                    .execute(c))?;
            }
            Ok(())
        });
        written.await.inspect_err(|_| {
            views.fetch_add(counted[0].1, Ordering::Relaxed);
            carts.fetch_add(counted[1].1, Ordering::Relaxed);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_no_readers() {
        for (agent, reader) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
                true,
            ),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", false),
            ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", false),
            ("facebookexternalhit/1.1", false),
            ("curl/8.14.1", false),
            ("python-requests/2.32", false),
            ("", false),
        ] {
            assert_eq!(is_reader(agent), reader, "{agent}");
        }
    }
}
