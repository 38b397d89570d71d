//! The table of endpoints. A later one is a line here and a function.

use super::{Answer, Call, create, customers, discounts, disputes, endpoints, events, payments, refunds, sessions};
use crate::error::ApiError;

/// Finds the endpoint of a method and a path under `/v1/`, and calls it.
pub(super) fn dispatch(call: Call<'_>, method: &str, path: &str) -> Answer {
    let segments: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').collect();
    match (method, segments.as_slice()) {
        ("POST", ["checkout", "sessions"]) => create::session(call),
        ("GET", ["checkout", "sessions"]) => sessions::list(call),
        ("GET", ["checkout", "sessions", id]) => sessions::retrieve(call, id),
        ("POST", ["checkout", "sessions", id]) => sessions::update(call, id),
        ("POST", ["checkout", "sessions", id, "expire"]) => sessions::expire(call, id),
        ("GET", ["checkout", "sessions", id, "line_items"]) => sessions::line_items(call, id),
        ("GET", ["payment_intents"]) => payments::list_intents(call),
        ("GET", ["payment_intents", id]) => payments::retrieve_intent(call, id),
        ("GET", ["payment_methods", id]) => payments::retrieve_method(call, id),
        ("GET", ["charges"]) => payments::list_charges(call),
        ("GET", ["charges", id]) => payments::retrieve_charge(call, id),
        ("GET", ["charges", id, "refunds"]) => refunds::list(call, Some(id)),
        ("POST", ["charges", id, "refunds"]) => refunds::create(call, Some(id)),
        ("GET", ["charges", id, "refunds", refund]) => refunds::retrieve_of(call, id, refund),
        ("POST", ["refunds"]) => refunds::create(call, None),
        ("GET", ["refunds"]) => refunds::list(call, None),
        ("GET", ["refunds", id]) => refunds::retrieve(call, id),
        ("POST", ["refunds", id]) => refunds::update(call, id),
        ("POST", ["refunds", id, "cancel"]) => refunds::cancel(call, id),
        ("GET", ["disputes"]) => disputes::list(call),
        ("GET", ["disputes", id]) => disputes::retrieve(call, id),
        ("POST", ["disputes", id]) => disputes::update(call, id),
        ("POST", ["disputes", id, "close"]) => disputes::close(call, id),
        ("POST", ["customers"]) => customers::create(call),
        ("GET", ["customers"]) => customers::list(call),
        ("GET", ["customers", id]) => customers::retrieve(call, id),
        ("POST", ["customers", id]) => customers::update(call, id),
        ("DELETE", ["customers", id]) => customers::delete(call, id),
        ("POST", ["webhook_endpoints"]) => endpoints::create(call),
        ("GET", ["webhook_endpoints"]) => endpoints::list(call),
        ("GET", ["webhook_endpoints", id]) => endpoints::retrieve(call, id),
        ("POST", ["webhook_endpoints", id]) => endpoints::update(call, id),
        ("DELETE", ["webhook_endpoints", id]) => endpoints::delete(call, id),
        ("POST", ["coupons"]) => discounts::create_coupon(call),
        ("GET", ["coupons"]) => discounts::list_coupons(call),
        ("GET", ["coupons", id]) => discounts::retrieve_coupon(call, id),
        ("POST", ["coupons", id]) => discounts::update_coupon(call, id),
        ("DELETE", ["coupons", id]) => discounts::delete_coupon(call, id),
        ("POST", ["promotion_codes"]) => discounts::create_code(call),
        ("GET", ["promotion_codes"]) => discounts::list_codes(call),
        ("GET", ["promotion_codes", id]) => discounts::retrieve_code(call, id),
        ("POST", ["promotion_codes", id]) => discounts::update_code(call, id),
        ("POST", ["tax_rates"]) => discounts::create_rate(call),
        ("GET", ["tax_rates"]) => discounts::list_rates(call),
        ("GET", ["tax_rates", id]) => discounts::retrieve_rate(call, id),
        ("GET", ["events"]) => events::list(call),
        ("GET", ["events", id]) => events::retrieve(call, id),
        (method, _) => Err(ApiError::no_route(method, path)),
    }
}
