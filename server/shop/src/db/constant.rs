//! Changing statements of constant text. Diesel prepares every `UPDATE` anew, because what it sets may differ from one time
//! to the next; for the few that run with every download, preparing cost more than doing.

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text, Timestamp};

/// A value of a [`Constant`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Number(i64),
    Text(&'a str),
    Moment(NaiveDateTime),
    /// The text ends the statement.
    End,
}

/// A statement whose text is always the same: each part of the text with the value that stands behind it. It stays
/// prepared as long as the connection lives.
#[derive(Debug)]
pub(crate) struct Constant<'a>(pub(crate) &'a [(&'static str, Value<'a>)]);

impl<DB> QueryFragment<DB> for Constant<'_>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text> + HasSqlType<Timestamp>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (text, value) in self.0 {
            out.push_sql(text);
            match value {
                Value::Number(number) => out.push_bind_param::<BigInt, i64>(number)?,
                Value::Text(text) => out.push_bind_param::<Text, str>(text)?,
                Value::Moment(moment) => out.push_bind_param::<Timestamp, NaiveDateTime>(moment)?,
                Value::End => {}
            }
        }
        Ok(())
    }
}

/// Known by its text.
impl QueryId for Constant<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for Constant<'_> {}
