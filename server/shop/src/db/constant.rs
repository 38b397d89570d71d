//! Statements of constant text. Diesel prepares every `UPDATE` anew, because what it sets may differ from one time to the
//! next, and writes the text of most others anew to find the one that it has prepared; for the few that run with every
//! download, that cost more than doing it.

use super::AnyConnection;
use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text, Timestamp};
use std::marker::PhantomData;

/// A value of a [`Constant`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Number(i64),
    Text(&'a str),
    Moment(NaiveDateTime),
    MaybeNumber(Option<i64>),
    /// With and without are two statements.
    MaybeText(Option<&'a str>),
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
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (text, value) in self.0 {
            out.push_sql(text);
            match value {
                Value::Number(number) => out.push_bind_param::<BigInt, i64>(number)?,
                Value::Text(text) => out.push_bind_param::<Text, str>(text)?,
                Value::Moment(moment) => out.push_bind_param::<Timestamp, NaiveDateTime>(moment)?,
                Value::MaybeNumber(number) => out.push_bind_param::<Nullable<BigInt>, Option<i64>>(number)?,
                Value::MaybeText(Some(text)) => out.push_bind_param::<Text, str>(text)?,
                Value::MaybeText(None) => out.push_sql("NULL"),
                Value::End => {}
            }
        }
        Ok(())
    }
}

/// The id that the next row of a table gets: for what has to know it first. Nobody else is given it, whether the row is
/// written or not.
pub(crate) fn next_id(conn: &mut AnyConnection, table: &'static str) -> QueryResult<i64> {
    let next = match conn {
        // There is one writer.
        AnyConnection::Sqlite(_) => "SELECT COALESCE(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = ",
        AnyConnection::Postgres(_) => "SELECT nextval(pg_get_serial_sequence(",
    };
    let end = if matches!(conn, AnyConnection::Postgres(_)) { ", 'id'))" } else { "" };
    Constant(&[(next, Value::Text(table)), (end, Value::End)]).asking::<BigInt>().get_result(conn)
}

/// Known by its text.
impl QueryId for Constant<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for Constant<'_> {}

/// The same, with rows of these columns for an answer.
#[derive(Debug)]
pub(crate) struct Asking<'a, Columns>(Constant<'a>, PhantomData<Columns>);

impl<'a> Constant<'a> {
    /// The caller vouches for the columns' types.
    pub(crate) fn asking<Columns>(self) -> Asking<'a, Columns> {
        Asking(self, PhantomData)
    }
}

impl<Columns> Query for Asking<'_, Columns> {
    type SqlType = Columns;
}

impl<DB, Columns> QueryFragment<DB> for Asking<'_, Columns>
where
    DB: Backend,
    for<'a> Constant<'a>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// Known by its text.
impl<Columns> QueryId for Asking<'_, Columns> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns, C> RunQueryDsl<C> for Asking<'_, Columns> {}
