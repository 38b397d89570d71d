//! What stands in the database, and when nothing is on its way any more.

use super::Store;
use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use std::time::{Duration, Instant};

impl Store {
    /// How many rows a query counts: `SELECT COUNT(*) AS value FROM …`.
    pub async fn count(&self, from: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        let query = format!("SELECT COUNT(*) AS value FROM {from}");
        self.shop.db().read(move |conn| Ok(diesel::sql_query(query).get_result::<Count>(conn)?.value)).await.unwrap()
    }

    /// One text column named `value`.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let query = query.to_owned();
        self.shop
            .db()
            .read(move |conn| {
                Ok(diesel::sql_query(query).load::<Row>(conn)?.into_iter().map(|row| row.value).collect())
            })
            .await
            .unwrap()
    }

    /// Changes rows behind the shop's back, as an operator's mishap would.
    pub async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        self.shop
            .db()
            .write(move |conn| {
                diesel::sql_query(&sql).execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
    }

    /// Waits until every delivery is answered, no event is due and, if somebody sends it, no mail either.
    pub async fn settle(&self) {
        assert!(self.sandbox.deliveries_settled(Duration::from_secs(20)).await, "deliveries did not end");
        self.until("no event is waiting", async || {
            self.count("stripe_event WHERE state IN ('new', 'leased')").await == 0
        })
        .await;
        if self.works {
            self.until("no request for a library is waiting", async || {
                self.count("access_request WHERE state = 'new'").await == 0
            })
            .await;
        }
        if self.sends {
            self.until("no mail is waiting", async || {
                self.count("outbox WHERE state = 'leased' OR (state = 'queued' AND attempts = 0)").await == 0
            })
            .await;
        }
    }

    /// Asks until it is so; fails after 20 seconds.
    pub async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition().await {
            assert!(Instant::now() < deadline, "not within 20 s: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
