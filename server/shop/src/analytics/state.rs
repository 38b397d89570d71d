//! In which zone the tallies are kept. The database says so, not each process, so that all of them agree.

use super::zone::Zone;
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::tally_state;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    zone: String,
}

/// The zone to write in, which stays until the end of the transaction.
pub(super) fn zone(conn: &mut AnyConnection) -> Result<Zone, Error> {
    let name = match conn {
        AnyConnection::Postgres(c) => {
            diesel::sql_query("SELECT zone FROM tally_state FOR SHARE").get_result::<Row>(c)?.zone
        }
        AnyConnection::Sqlite(c) => tally_state::table.select(tally_state::zone).first(c)?,
    };
    parse(&name)
}

/// The zone, and since when everything is in the tallies.
pub(super) fn read(conn: &mut AnyConnection) -> Result<(Zone, Option<NaiveDateTime>), Error> {
    let (name, filled): (String, Option<NaiveDateTime>) =
        tally_state::table.select((tally_state::zone, tally_state::filled_at)).first(conn)?;
    Ok((parse(&name)?, filled))
}

/// From now on they are kept in this zone, and are not complete.
pub(super) fn begin(conn: &mut AnyConnection, zone: Zone) -> Result<(), Error> {
    let none: Option<NaiveDateTime> = None;
    diesel::update(tally_state::table)
        .set((tally_state::zone.eq(zone.to_string()), tally_state::filled_at.eq(none)))
        .execute(conn)?;
    Ok(())
}

/// They are complete.
pub(super) fn complete(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<(), Error> {
    diesel::update(tally_state::table).set(tally_state::filled_at.eq(Some(now))).execute(conn)?;
    Ok(())
}

fn parse(name: &str) -> Result<Zone, Error> {
    name.parse().map_err(|_| Error::internal(format!("the tallies are kept in the unknown zone {name}")))
}
