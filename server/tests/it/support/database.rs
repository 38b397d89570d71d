//! A database for one test.

use super::Backend;
use diesel::RunQueryDsl as _;
use shop::db::DatabaseUrl;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh, empty database.
pub struct TestDatabase {
    pub url: DatabaseUrl,
    /// To be dropped at the end: the server's address and the database's name.
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    pub async fn create(backend: Backend, folder: &Path) -> Self {
        match backend {
            Backend::Sqlite => Self { url: DatabaseUrl::Sqlite(folder.join("test.db")), postgres: None },
            Backend::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let server = std::env::var("TEST_POSTGRES_URL")
                    .expect("TEST_POSTGRES_URL: run the tests with `make test` or scripts/with-postgres.sh");
                let name = format!("octavo_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
                admin(&server, format!("CREATE DATABASE {name}")).await;
                let mut url = reqwest::Url::parse(&server).unwrap();
                url.set_path(&name);
                Self { url: DatabaseUrl::Postgres(url.into()), postgres: Some((server, name)) }
            }
        }
    }

    pub async fn remove(self) {
        if let Some((server, name)) = self.postgres {
            admin(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

async fn admin(server: &str, sql: String) {
    let url = DatabaseUrl::Postgres(server.to_owned());
    tokio::task::spawn_blocking(move || {
        use diesel::Connection as _;
        let DatabaseUrl::Postgres(address) = url else { unreachable!() };
        let mut conn = diesel::PgConnection::establish(&address).unwrap();
        diesel::sql_query(sql).execute(&mut conn).unwrap();
    })
    .await
    .unwrap();
}
