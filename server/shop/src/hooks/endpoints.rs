//! The endpoints: added, changed, switched off and on, given a new secret, deleted. Each change is in the audit.

use super::events::{self, EventType, TEST};
use super::signing::Keys;
use super::{BadAddress, object};
use crate::audit::{self, Actor};
use crate::books::forget_forms;
use crate::db::AnyConnection;
use crate::db::schema::{webhook_delivery, webhook_endpoint};
use crate::secrets;
use crate::staff::SHOWN;
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::{Value, json};

/// How many a store may have.
const MOST: i64 = 16;
/// The longest description.
const LONGEST: usize = 200;

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Enabled,
    /// It is not.
    Disabled(WhyDisabled),
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyDisabled {
    /// Somebody switched it off.
    SwitchedOff,
    /// It answered 410: it wants nothing more.
    Gone,
    /// For days no delivery came to a good end.
    Failing,
}

impl WhyDisabled {
    /// The column `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched off",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::SwitchedOff, Self::Gone, Self::Failing].into_iter().find(|why| why.as_str() == text)
    }
}

/// What an endpoint is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where deliveries go.
    pub url: String,
    /// What it is for, for the people at the desk.
    pub description: String,
    /// What it is told of.
    pub events: Vec<EventType>,
}

impl NewEndpoint {
    /// What a form carries of the endpoint that it was filled from: another word as soon as anything in it is another.
    #[must_use]
    pub fn version(&self) -> String {
        secrets::hash(&json!([self.url, self.description, events::column(&self.events)]).to_string())
    }
}

/// How the form that changes an endpoint is called where refused forms are kept.
#[must_use]
pub fn form_name(id: i64) -> String {
    format!("webhook-{id}")
}

/// An endpoint, as the desk sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: i64,
    /// Where deliveries go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of.
    pub events: Vec<EventType>,
    /// Since when the store knows it; all times are UTC.
    pub added: NaiveDateTime,
    /// Whether it is told.
    pub state: EndpointState,
    /// Since when it is so.
    pub since: NaiveDateTime,
    /// The last success.
    pub succeeded: Option<NaiveDateTime>,
    /// Since when nothing has succeeded.
    pub failing_since: Option<NaiveDateTime>,
    /// Until when the secret before is good too.
    pub old_until: Option<NaiveDateTime>,
    /// Deliveries that wait.
    pub waiting: i64,
    /// Deliveries that were given up, of those that are still kept.
    pub failed: i64,
}

/// Why an endpoint was not saved. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaved {
    /// Nothing is sent there.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// It would be told nothing.
    #[error("no type of event was chosen")]
    NoEvents,
    /// There are as many as there may be.
    #[error("there are too many endpoints")]
    TooMany,
    /// The description is too long.
    #[error("the description is too long")]
    LongDescription,
    /// The endpoint is another one by now than the one that the form was filled from.
    #[error("the endpoint has changed meanwhile")]
    Outdated,
}

#[derive(Queryable)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) url: String,
    pub(super) description: String,
    pub(super) events: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) generation: i32,
    pub(super) secret_at: NaiveDateTime,
    pub(super) old_until: Option<NaiveDateTime>,
    pub(super) failing_since: Option<NaiveDateTime>,
    pub(super) succeeded_at: Option<NaiveDateTime>,
    pub(super) created_at: NaiveDateTime,
    pub(super) changed_at: NaiveDateTime,
}

impl Row {
    /// The row of an endpoint that is not deleted.
    pub(super) fn find(conn: &mut AnyConnection, id: i64) -> Result<Self, Error> {
        let row = webhook_endpoint::table.find(id).filter(webhook_endpoint::state.ne("deleted"));
        row.first(conn).optional()?.ok_or(Error::NotFound)
    }

    /// The same, locked until the end of the transaction: nobody switches or deletes it meanwhile.
    pub(super) fn locked(conn: &mut AnyConnection, id: i64) -> Result<Self, Error> {
        // Nothing is changed: it is the lock that is wanted, in a way that both databases know.
        diesel::update(webhook_endpoint::table.find(id))
            .set(webhook_endpoint::state.eq(webhook_endpoint::state))
            .execute(conn)?;
        Self::find(conn, id)
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.state == "enabled"
    }

    pub(super) fn keys(&self) -> Keys {
        Keys { endpoint: self.id, generation: self.generation, old_until: self.old_until }
    }

    fn view(self, conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Endpoint, Error> {
        let of_it = || webhook_delivery::table.filter(webhook_delivery::endpoint_id.eq(self.id)).count();
        let waiting: i64 = of_it().filter(sql::<Bool>(super::sending::WAITING)).get_result(conn)?;
        let failed: i64 = of_it().filter(sql::<Bool>("webhook_delivery.state = 'failed'")).get_result(conn)?;
        let state = match self.reason.as_deref() {
            None => EndpointState::Enabled,
            Some(reason) => EndpointState::Disabled(
                WhyDisabled::parse(reason)
                    .ok_or_else(|| Error::internal(format!("endpoint {}: bad reason", self.id)))?,
            ),
        };
        Ok(Endpoint {
            id: self.id,
            url: self.url,
            description: self.description,
            events: events::of_column(&self.events),
            added: self.created_at,
            state,
            since: self.changed_at,
            succeeded: self.succeeded_at,
            failing_since: self.failing_since,
            old_until: self.old_until.filter(|until| self.generation > 1 && *until > now),
            waiting,
            failed,
        })
    }

    fn version(&self) -> String {
        let (url, description) = (self.url.clone(), self.description.clone());
        NewEndpoint { url, description, events: events::of_column(&self.events) }.version()
    }

    fn audited(&self) -> Value {
        json!({ "url": self.url, "description": self.description, "events": self.events.trim_end() })
    }
}

impl Shop {
    /// The endpoints, in the order in which they were added.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .read(move |conn| {
                let rows: Vec<Row> = webhook_endpoint::table
                    .filter(webhook_endpoint::state.ne("deleted"))
                    .order(webhook_endpoint::id)
                    .load(conn)?;
                rows.into_iter().map(|row| row.view(conn, now)).collect()
            })
            .await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn webhook_endpoint(&self, id: i64) -> Result<Endpoint, Error> {
        let now = self.0.clock.now();
        self.0.db.read(move |conn| Row::find(conn, id)?.view(conn, now)).await
    }

    /// Adds an endpoint; gives its id.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_webhook_endpoint(&self, actor: &Actor, new: &NewEndpoint) -> Result<Result<i64, NotSaved>, Error> {
        let new = match self.checked(new).await {
            Ok(new) => new,
            Err(why) => return Ok(Err(why)),
        };
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let kept = webhook_endpoint::table.filter(webhook_endpoint::state.ne("deleted")).count();
                if kept.get_result::<i64>(conn)? >= MOST {
                    return Ok(Err(NotSaved::TooMany));
                }
                let id: i64 = diesel::insert_into(webhook_endpoint::table)
                    .values((
                        webhook_endpoint::url.eq(&new.url),
                        webhook_endpoint::description.eq(&new.description),
                        webhook_endpoint::events.eq(events::column(&new.events)),
                        webhook_endpoint::state.eq("enabled"),
                        webhook_endpoint::generation.eq(1),
                        webhook_endpoint::secret_at.eq(now),
                        webhook_endpoint::created_at.eq(now),
                        webhook_endpoint::changed_at.eq(now),
                    ))
                    .returning(webhook_endpoint::id)
                    .get_result(conn)?;
                let after = Row::find(conn, id)?.audited();
                audit::record(conn, &actor, "webhook.added", object(id), None, Some(after))?;
                Ok(Ok(id))
            })
            .await
    }

    /// Changes where an endpoint is, what it is for and what it is told of: over the one of which [`NewEndpoint::version`] is
    /// `over`, or whatever it is by now. What waits goes to the new address.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's; inside, [`NotSaved`].
    pub async fn change_webhook_endpoint(
        &self,
        actor: &Actor,
        id: i64,
        over: Option<&str>,
        new: &NewEndpoint,
    ) -> Result<Result<(), NotSaved>, Error> {
        let new = match self.checked(new).await {
            Ok(new) => new,
            Err(why) => return Ok(Err(why)),
        };
        let (actor, over) = (*actor, over.map(str::to_owned));
        self.0
            .db
            .write(move |conn| {
                let row = Row::locked(conn, id)?;
                let (before, version) = (row.audited(), row.version());
                // What is so already is no change of anybody's.
                if version != new.version() && over.as_ref().is_some_and(|over| *over != version) {
                    return Ok(Err(NotSaved::Outdated));
                }
                forget_forms(conn, &form_name(id))?;
                diesel::update(webhook_endpoint::table.find(id))
                    .set((
                        webhook_endpoint::url.eq(&new.url),
                        webhook_endpoint::description.eq(&new.description),
                        webhook_endpoint::events.eq(events::column(&new.events)),
                    ))
                    .execute(conn)?;
                let after = Row::find(conn, id)?.audited();
                if before == after {
                    audit::mark(conn, &actor, &object(id))?;
                } else {
                    audit::record(conn, &actor, "webhook.changed", object(id), Some(before), Some(after))?;
                }
                Ok(Ok(()))
            })
            .await
    }

    /// Switches an endpoint on, with a clean slate, or off: then what waits for it is given up, and can be sent again
    /// later. Nothing happens if it is so already.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn switch_webhook_endpoint(&self, actor: &Actor, id: i64, on: bool) -> Result<(), Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let row = Row::locked(conn, id)?;
                if row.is_enabled() == on {
                    return audit::mark(conn, &actor, &object(id));
                }
                if on {
                    diesel::update(webhook_endpoint::table.find(id))
                        .set((
                            webhook_endpoint::state.eq("enabled"),
                            webhook_endpoint::reason.eq(None::<String>),
                            webhook_endpoint::failing_since.eq(None::<NaiveDateTime>),
                            webhook_endpoint::changed_at.eq(now),
                        ))
                        .execute(conn)?;
                } else {
                    disable(conn, id, WhyDisabled::SwitchedOff, now)?;
                }
                let state = |on| Some(json!({ "enabled": on }));
                let action = if on { "webhook.enabled" } else { "webhook.disabled" };
                audit::record(conn, &actor, action, object(id), state(!on), state(on))
            })
            .await?;
        if on { Ok(()) } else { self.give_up_webhooks(id).await }
    }

    /// Gives an endpoint a new secret. The one before is good for `keep` hours more: while it is, deliveries are signed
    /// with both. Of two new ones in that time, only the last one before stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn rotate_webhook_secret(&self, actor: &Actor, id: i64, keep: u16) -> Result<(), Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        let old_until = (keep > 0).then(|| now + TimeDelta::hours(keep.into()));
        self.0
            .db
            .write(move |conn| {
                let row = Row::locked(conn, id)?;
                diesel::update(webhook_endpoint::table.find(id))
                    .set((
                        webhook_endpoint::generation.eq(webhook_endpoint::generation + 1),
                        webhook_endpoint::secret_at.eq(now),
                        webhook_endpoint::old_until.eq(old_until),
                    ))
                    .execute(conn)?;
                let after = json!({ "secret": row.generation + 1, "hours_of_the_old_one": keep });
                let before = json!({ "secret": row.generation });
                audit::record(conn, &actor, "webhook.secret_replaced", object(id), Some(before), Some(after))
            })
            .await
    }

    /// The secret that an endpoint's deliveries are signed with, while it is new.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn new_webhook_secret(&self, id: i64) -> Result<Option<String>, Error> {
        let since = self.0.clock.now() - SHOWN;
        let row = self.0.db.read(move |conn| Row::find(conn, id)).await?;
        Ok((row.secret_at > since).then(|| row.keys().secret(&self.0.key)))
    }

    /// Deletes an endpoint: what waits for it is never sent. Its deliveries are not shown any more, and are forgotten when
    /// their time is over.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn delete_webhook_endpoint(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let before = Row::locked(conn, id)?.audited();
                diesel::update(webhook_endpoint::table.find(id))
                    .set((
                        webhook_endpoint::state.eq("deleted"),
                        webhook_endpoint::reason.eq(None::<String>),
                        webhook_endpoint::changed_at.eq(now),
                    ))
                    .execute(conn)?;
                audit::record(conn, &actor, "webhook.deleted", object(id), Some(before), None)
            })
            .await?;
        self.give_up_webhooks(id).await
    }

    /// Sends an endpoint something to try it with, whatever it is told of; gives the delivery's id, or none if the
    /// endpoint is disabled.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn test_webhook_endpoint(&self, actor: &Actor, id: i64) -> Result<Option<i64>, Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        let store = self.base_url().to_owned();
        let delivery = self
            .0
            .db
            .write(move |conn| {
                if !Row::locked(conn, id)?.is_enabled() {
                    return Ok(None);
                }
                let delivery = events::write(conn, TEST, &[id], now, json!({ "store": store }))?.pop();
                let delivery = delivery.ok_or_else(|| Error::internal("a test without a delivery"))?;
                // Asked again under its key, a program is told of this one and no other.
                audit::mark(conn, &actor, &format!("delivery:{delivery}"))?;
                audit::record(conn, &actor.unmarked(), "webhook.tested", object(id), None, None)?;
                Ok(Some(delivery))
            })
            .await?;
        self.0.webhooks_waiting.notify_one();
        Ok(delivery)
    }

    /// What was typed into the form, looked at from all sides.
    async fn checked(&self, new: &NewEndpoint) -> Result<NewEndpoint, NotSaved> {
        let description = new.description.split_whitespace().collect::<Vec<_>>().join(" ");
        if description.chars().count() > LONGEST || description.contains('\0') {
            return Err(NotSaved::LongDescription);
        }
        if new.events.is_empty() {
            return Err(NotSaved::NoEvents);
        }
        let url = self.0.courier.reach().check(&new.url).await?.to_string();
        Ok(NewEndpoint { url, description, events: new.events.clone() })
    }
}

/// Tells an endpoint nothing more. What waits for it is to be given up next ([`Shop::give_up_webhooks`]).
///
/// # Errors
/// [`Error::NotFound`] for a deleted one, which stays so; the database's.
pub(super) fn disable(conn: &mut AnyConnection, id: i64, why: WhyDisabled, now: NaiveDateTime) -> Result<(), Error> {
    let disabled = diesel::update(webhook_endpoint::table.find(id).filter(webhook_endpoint::state.ne("deleted")))
        .set((
            webhook_endpoint::state.eq("disabled"),
            webhook_endpoint::reason.eq(why.as_str()),
            webhook_endpoint::changed_at.eq(now),
        ))
        .execute(conn)?;
    if disabled == 1 { Ok(()) } else { Err(Error::NotFound) }
}
