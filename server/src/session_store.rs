//! tower-sessions on our database.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime};
use core::fmt;
use shop::Shop;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

/// Keeps sessions in the shop's database, keyed by the hash of the cookie.
#[derive(Clone)]
pub struct ShopSessions(Shop);

impl fmt::Debug for ShopSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShopSessions")
    }
}

/// The name of the session's cookie.
#[must_use]
pub fn cookie_name(shop: &Shop) -> &'static str {
    if shop.is_https() { "__Host-octavo" } else { "octavo" }
}

/// The layer that gives each request its session: a cookie only for visitors who put something into their cart, for 30
/// days after they last did. `SameSite=Lax`, because the way back from Stripe's page must bring it along.
#[must_use]
pub fn layer(shop: &Shop) -> SessionManagerLayer<ShopSessions> {
    let secure = shop.is_https();
    SessionManagerLayer::new(ShopSessions(shop.clone()))
        .with_name(cookie_name(shop))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::days(30)))
}

#[async_trait]
impl SessionStore for ShopSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let (data, expires_at) = encode(record)?;
            if self.0.create_session_row(&record.id.to_string(), data, expires_at).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (data, expires_at) = encode(record)?;
        self.0.save_session(&record.id.to_string(), data, expires_at).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some((data, expires_at)) = self.0.load_session(&id.to_string()).await.map_err(backend)? else {
            return Ok(None);
        };
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?,
            expiry_date: OffsetDateTime::from_unix_timestamp(expires_at.and_utc().timestamp())
                .map_err(|error| Error::Decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete_session(&id.to_string()).await.map_err(backend)
    }
}

fn encode(record: &Record) -> Result<(String, NaiveDateTime)> {
    let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
    let expires_at = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0)
        .ok_or_else(|| Error::Encode("expiry".into()))?;
    Ok((data, expires_at.naive_utc()))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn backend(error: shop::Error) -> Error {
    Error::Backend(error.to_string())
}
