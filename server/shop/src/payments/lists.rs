//! Stripe's lists, page by page, newest first (<https://docs.stripe.com/api/pagination>).

use super::{Dispute, Payments, PaymentsError, Session, id_of};
use miniserde::json::Value;
use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_core::refund::RetrieveRefund;
use stripe_shared::{CheckoutSession, Refund};
use stripe_types::{List, RangeQueryTs};

/// As many objects as Stripe gives at a time.
const PAGE: u8 = 100;

/// One page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Page<T> {
    /// Newest first.
    pub(crate) items: Vec<T>,
    /// After which object the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// A refund as far as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct RefundEntry {
    pub(crate) id: String,
    /// Minor units.
    pub(crate) amount: i64,
    /// ISO 4217, upper case.
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) payment_intent: Option<String>,
    /// Unix seconds.
    pub(crate) created: i64,
}

#[derive(Debug, Serialize)]
struct Query<'a> {
    created: RangeQueryTs,
    limit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<&'a [&'a str]>,
}

impl<'a> Query<'a> {
    fn new(since: i64, after: Option<&'a str>) -> Self {
        Self { created: RangeQueryTs::gte(since), limit: PAGE, starting_after: after, status: None, types: None }
    }
}

impl Payments {
    /// A page of the sessions that were made at or after `since` (Unix seconds), of every program in the account; of the
    /// completed ones only, if so asked. Without line items.
    pub(crate) async fn sessions_page(
        &self,
        since: i64,
        completed: bool,
        after: Option<&str>,
    ) -> Result<Page<Session>, PaymentsError> {
        let query = Query { status: completed.then_some("complete"), ..Query::new(since, after) };
        let list: List<CheckoutSession> = self.list("/checkout/sessions", &query).await?;
        let next = list.data.last().map(|last| last.id.as_str().to_owned()).filter(|_| list.has_more);
        Ok(Page { items: list.data.into_iter().map(Session::from).collect(), next })
    }

    /// A page of the refunds that were made at or after `since` (Unix seconds), of every program in the account.
    pub(crate) async fn refunds_page(
        &self,
        since: i64,
        after: Option<&str>,
    ) -> Result<Page<RefundEntry>, PaymentsError> {
        let list: List<Refund> = self.list("/refunds", &Query::new(since, after)).await?;
        let next = list.data.last().map(|last| last.id.as_str().to_owned()).filter(|_| list.has_more);
        Ok(Page { items: list.data.into_iter().map(RefundEntry::from).collect(), next })
    }

    /// A page of the disputes that were opened at or after `since` (Unix seconds), of every program in the account.
    pub(crate) async fn disputes_page(&self, since: i64, after: Option<&str>) -> Result<Page<Dispute>, PaymentsError> {
        let list: List<stripe_shared::Dispute> = self.list("/disputes", &Query::new(since, after)).await?;
        let next = list.data.last().map(|last| last.id.as_str().to_owned()).filter(|_| list.has_more);
        Ok(Page { items: list.data.into_iter().map(Dispute::from).collect(), next })
    }

    /// A page of the events of these types that were made at or after `since` (Unix seconds), each as the JSON that a
    /// webhook would have brought. Stripe keeps them for 30 days.
    pub(crate) async fn events_page(
        &self,
        since: i64,
        types: &[&str],
        after: Option<&str>,
    ) -> Result<Page<String>, PaymentsError> {
        let query = Query { types: Some(types), ..Query::new(since, after) };
        // As plain JSON: the typed form of an event cannot read every object that an event may hold.
        let list: List<Value> = self.list("/events", &query).await?;
        let next = list.data.last().and_then(id_in).filter(|_| list.has_more);
        Ok(Page { items: list.data.iter().map(miniserde::json::to_string).collect(), next })
    }

    /// The refund as Stripe has it now.
    pub(crate) async fn refund_entry(&self, id: &str) -> Result<RefundEntry, PaymentsError> {
        Ok(RetrieveRefund::new(id).send(self.client()?).await?.into())
    }

    /// The session that was made with this idempotency key at or after `since` (Unix seconds), if there is one. For when
    /// nobody knows what became of a request: Stripe's list does.
    pub(crate) async fn find_session(&self, key: &str, since: i64) -> Result<Option<Session>, PaymentsError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.sessions_page(since, false, after.as_deref()).await?;
            let ours = |session: &Session| session.idempotency_key.as_deref() == Some(key);
            if let Some(session) = page.items.into_iter().find(ours) {
                return Ok(Some(session));
            }
            after = page.next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    async fn list<T: miniserde::Deserialize>(&self, path: &str, query: &Query<'_>) -> Result<List<T>, PaymentsError> {
        let request = RequestBuilder::new(StripeMethod::Get, path).query(query);
        Ok(request.customize::<List<T>>().send(self.client()?).await?)
    }
}

fn id_in(object: &Value) -> Option<String> {
    match object {
        Value::Object(fields) => match fields.get("id") {
            Some(Value::String(id)) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}

impl From<Refund> for RefundEntry {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.as_str().to_owned(),
            amount: refund.amount,
            currency: refund.currency.to_string().to_uppercase(),
            status: refund.status.unwrap_or_default(),
            payment_intent: refund.payment_intent.as_ref().map(id_of),
            created: refund.created,
        }
    }
}
