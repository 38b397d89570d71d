//! Codes of the telephone (TOTP, RFC 6238), and those for the day when it is lost.
//!
//! The secret is derived from the store's key, the account and a generation: the database has none. A code is good in its own
//! half minute and the ones beside it, and once. Recovery codes are derived too, and rows keep their hashes.

use super::accounts::object;
use super::guesses::confirm_password;
use super::{Password, SHOWN, Staff};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{recovery_code, users};
use crate::secrets::SecretKey;
use crate::types::AccessCode;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;
use totp_rs::{Builder, Secret, Totp};
use url::Url;

/// What a telephone is told.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSetup {
    /// To be typed: base32 in groups of four.
    pub secret: String,
    /// To be scanned: the modules of the QR code as an SVG path, one unit each …
    pub path: String,
    /// … and how many there are on a side.
    pub side: i32,
}

impl std::fmt::Debug for TotpSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSetup(…)")
    }
}

/// The module that makes and compares codes.
fn totp(key: &SecretKey, user_id: i64, generation: i32) -> Result<Totp, Error> {
    let secret = Secret::new_stack(key.totp_secret(user_id, generation));
    Builder::new().with_secret(secret).build().map_err(|error| Error::internal(format!("codes: {error}")))
}

/// The half minute whose code this is, if it is one of about now.
fn step(key: &SecretKey, user_id: i64, generation: i32, code: &str, now: NaiveDateTime) -> Result<Option<i64>, Error> {
    let plain: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.and_utc().timestamp()).unwrap_or_default();
    Ok(totp(key, user_id, generation)?.check(&plain, seconds).and_then(|step| i64::try_from(step).ok()))
}

/// Whether a code lets the account in; if so it is used up. A code of the telephone that was used, or is older than one that
/// was, is nothing.
pub(super) fn use_code(
    conn: &mut AnyConnection,
    key: &SecretKey,
    user_id: i64,
    code: &str,
    now: NaiveDateTime,
) -> Result<bool, Error> {
    let generation: i32 = users::table.find(user_id).select(users::totp_generation).first(conn)?;
    if let Some(step) = step(key, user_id, generation, code, now)? {
        let fresh = users::table
            .find(user_id)
            .filter(users::totp_since.is_not_null())
            .filter(users::totp_last_step.is_null().or(users::totp_last_step.lt(step)));
        return Ok(diesel::update(fresh).set(users::totp_last_step.eq(step)).execute(conn)? == 1);
    }
    let Ok(code) = code.parse::<AccessCode>() else { return Ok(false) };
    let unused = recovery_code::table
        .filter(recovery_code::hash.eq(key.recovery_hash(user_id, &code)))
        .filter(recovery_code::used_at.is_null());
    let used = diesel::update(unused).set(recovery_code::used_at.eq(now)).execute(conn)? == 1;
    if used {
        audit::record(conn, &Actor::Staff(user_id), "user.recovery_code_used", object(user_id), None, None)?;
    }
    Ok(used)
}

impl Shop {
    /// What to tell a telephone, for an account that asks for no codes yet.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does already, the database's.
    pub async fn totp_setup(&self, staff: &Staff) -> Result<TotpSetup, Error> {
        let id = staff.id;
        let generation: Option<i32> = self
            .0
            .db
            .read(move |conn| {
                let off = users::table.find(id).filter(users::totp_since.is_null());
                Ok(off.select(users::totp_generation).first(conn).optional()?)
            })
            .await?;
        let generation = generation.ok_or(Error::NotFound)?;
        let secret = totp(&self.0.key, id, generation)?.secret().to_base32();
        let url = otpauth(self.store_name(), staff.email.as_str(), &secret)?;
        let code = QrCode::encode_text(&url, QrCodeEcc::Medium)
            .map_err(|error| Error::internal(format!("a QR code: {error:?}")))?;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                let _ = write!(path, "M{},{}h1v1h-1z", x + 2, y + 2);
            }
        }
        let letters: Vec<char> = secret.chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Ok(TotpSetup { secret: groups.join(" "), path, side: code.size() + 4 })
    }

    /// Has an account ask for codes from now on: with its password, and a code that shows that the telephone makes them.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] if one of both is wrong, [`Error::RateLimited`], the database's.
    pub async fn require_codes(&self, staff: &Staff, password: &Password, code: &str) -> Result<(), Error> {
        confirm_password(self, staff, password).await?;
        let (shop, id, code, now) = (self.clone(), staff.id, code.to_owned(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let off = users::table.find(id).filter(users::totp_since.is_null());
                let generation: Option<i32> = off.select(users::totp_generation).first(conn).optional()?;
                let generation = generation.ok_or(Error::SignInRefused)?;
                let step = step(&shop.0.key, id, generation, &code, now)?.ok_or(Error::SignInRefused)?;
                diesel::update(users::table.find(id))
                    .set((users::totp_since.eq(now), users::totp_last_step.eq(step)))
                    .execute(conn)?;
                diesel::delete(recovery_code::table.filter(recovery_code::user_id.eq(id))).execute(conn)?;
                for code in shop.0.key.recovery_codes(id, generation) {
                    diesel::insert_into(recovery_code::table)
                        .values((
                            recovery_code::user_id.eq(id),
                            recovery_code::hash.eq(shop.0.key.recovery_hash(id, &code)),
                        ))
                        .execute(conn)?;
                }
                audit::record(conn, &Actor::Staff(id), "user.codes_on", object(id), None, None)
            })
            .await
    }

    /// The recovery codes, for as long as they are new. None later: they are on paper by then.
    ///
    /// # Errors
    /// The database's.
    pub async fn new_recovery_codes(&self, staff: &Staff) -> Result<Option<Vec<String>>, Error> {
        let (id, since) = (staff.id, self.0.clock.now() - SHOWN);
        let generation: Option<i32> = self
            .0
            .db
            .read(move |conn| {
                let new = users::table.find(id).filter(users::totp_since.gt(since));
                Ok(new.select(users::totp_generation).first(conn).optional()?)
            })
            .await?;
        let codes = |generation| self.0.key.recovery_codes(id, generation).iter().map(ToString::to_string).collect();
        Ok(generation.map(codes))
    }

    /// Has an account ask for no codes any more, with its password.
    ///
    /// # Errors
    /// [`Error::SignInRefused`], [`Error::RateLimited`], the database's.
    pub async fn drop_codes(&self, staff: &Staff, password: &Password) -> Result<(), Error> {
        confirm_password(self, staff, password).await?;
        self.drop_codes_of(&Actor::from(staff), staff.id).await
    }

    /// The same without asking, for who has lost telephone and recovery codes. The next secret is another one.
    ///
    /// # Errors
    /// The database's.
    pub async fn drop_codes_of(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let actor = *actor;
        self.0
            .db
            .write(move |conn| {
                let on = users::table.find(id).filter(users::totp_since.is_not_null());
                let dropped = diesel::update(on)
                    .set((
                        users::totp_since.eq(None::<NaiveDateTime>),
                        users::totp_last_step.eq(None::<i64>),
                        users::totp_generation.eq(users::totp_generation + 1),
                    ))
                    .execute(conn)?;
                if dropped == 0 {
                    return Ok(());
                }
                diesel::delete(recovery_code::table.filter(recovery_code::user_id.eq(id))).execute(conn)?;
                audit::record(conn, &actor, "user.codes_off", object(id), None, None)
            })
            .await
    }
}

/// What telephones read: `otpauth://totp/STORE:ADDRESS?secret=…&issuer=STORE`.
fn otpauth(store: &str, address: &str, secret: &str) -> Result<String, Error> {
    let defect = |error: url::ParseError| Error::internal(format!("otpauth: {error}"));
    let mut url = Url::parse("otpauth://totp/").map_err(defect)?;
    let store = store.replace(':', " ");
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().push(&format!("{store}:{address}"));
    }
    url.query_pairs_mut().append_pair("secret", secret).append_pair("issuer", &store);
    // Not every telephone reads a plus as a space.
    let query = url.query().unwrap_or_default().replace('+', "%20");
    url.set_query(Some(&query));
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_reads_the_address_of_the_codes() {
        assert_eq!(
            otpauth("Ann & Sons: Books", "ann@example.org", "ABCD").unwrap(),
            "otpauth://totp/Ann%20&%20Sons%20%20Books:ann@example.org?secret=ABCD&issuer=Ann%20%26%20Sons%20%20Books"
        );
    }

    #[test]
    fn a_code_is_of_its_half_minute_or_the_ones_beside_it() {
        let key = SecretKey::new([7_u8; 32]).unwrap();
        let at = |seconds: i64| chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap().naive_utc();
        let code = totp(&key, 1, 0).unwrap().generate(1_800_000_000).to_string();
        let is = |user, generation, seconds| step(&key, user, generation, &code, at(seconds)).unwrap();
        assert_eq!(is(1, 0, 0), Some(60_000_000));
        assert_eq!((is(1, 0, 59), is(1, 0, -30)), (Some(60_000_000), Some(60_000_000)));
        assert_eq!((is(1, 0, 60), is(1, 0, -31), is(2, 0, 0), is(1, 1, 0)), (None, None, None, None));
    }
}
