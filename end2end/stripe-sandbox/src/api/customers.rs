//! Customers: create, retrieve, update, delete, list.

use std::collections::BTreeMap;

use super::lists::{self, Listing};
use super::{Answer, Call};
use crate::error::ApiError;
use crate::params::Params;
use crate::records::Customer;
use crate::{clock, ids, objects};

const WHAT: &str = "customer";
/// Parameters that Stripe has and the sandbox does not.
const NOT_HERE: &[&str] = &[
    "balance",
    "business_name",
    "cash_balance",
    "coupon",
    "default_source",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "next_invoice_sequence",
    "payment_method",
    "promotion_code",
    "shipping",
    "source",
    "tax",
    "tax_id_data",
    "test_clock",
];
const ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// Reads the parameters into a customer, in creation and update alike.
fn read(params: &Params<'_>, customer: &mut Customer) -> Result<(), ApiError> {
    params.refuse(NOT_HERE)?;
    if let Some(email) = params.changeable("email", 512)? {
        if let Some(email) = email.as_deref().filter(|email| !crate::is_email(email)) {
            let message = format!("Invalid email address: {email}");
            return Err(ApiError::invalid(message).code("email_invalid").param("email"));
        }
        customer.email = email;
    }
    for (name, longest, slot) in [
        ("name", 256, &mut customer.name),
        ("phone", 20, &mut customer.phone),
        ("description", 5_000, &mut customer.description),
    ] {
        if let Some(text) = params.changeable(name, longest)? {
            *slot = text;
        }
    }
    if let Some(exempt) = params.choice("tax_exempt", &["exempt", "none", "reverse"])? {
        customer.tax_exempt = Some(exempt);
    }
    if let Some(locales) = params.texts("preferred_locales")? {
        customer.preferred_locales = locales;
    }
    if let Some(change) = params.metadata_change("metadata")? {
        change.apply(&mut customer.metadata);
    }
    if params.is_empty("address") {
        customer.address = None;
    } else if let Some(parts) = params.pairs("address", 5_000)? {
        let mut address: BTreeMap<String, String> = customer.address.take().unwrap_or_default();
        for (name, text) in parts {
            if !ADDRESS.contains(&name.as_str()) {
                return Err(ApiError::unknown(&format!("address[{name}]")));
            }
            match text {
                Some(text) => address.insert(name, text),
                None => address.remove(&name),
            };
        }
        customer.address = Some(address);
    }
    params.texts("expand")?;
    params.finish()
}

/// `POST /v1/customers`
pub(super) fn create(call: Call<'_>) -> Answer {
    let mut customer = Customer {
        id: ids::fresh("cus", 14),
        created: clock::now(),
        invoice_prefix: ids::invoice_prefix(),
        ..Customer::default()
    };
    read(&call.params, &mut customer)?;
    let out = objects::customer(&customer);
    call.state.customers.push(customer);
    call.state.emit("customer.created", &out, &call.cause);
    Ok(out)
}

/// `GET /v1/customers/{id}`: a deleted one is still known by its id.
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    let customer = call.state.customers.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    call.params.texts("expand")?;
    call.params.finish()?;
    Ok(objects::customer(customer))
}

fn living(call: &Call<'_>, id: &str) -> Result<Customer, ApiError> {
    let found = call.state.customers.get(id).filter(|customer| !customer.deleted).cloned();
    found.ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))
}

/// `POST /v1/customers/{id}`
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    let mut customer = living(&call, id)?;
    read(&call.params, &mut customer)?;
    let out = objects::customer(&customer);
    call.state.customers.push(customer);
    call.state.emit("customer.updated", &out, &call.cause);
    Ok(out)
}

/// `DELETE /v1/customers/{id}`
pub(super) fn delete(call: Call<'_>, id: &str) -> Answer {
    let customer = living(&call, id)?;
    call.params.finish()?;
    call.state.customers.update(id, |customer| {
        *customer = Customer { id: id.to_owned(), created: customer.created, deleted: true, ..Customer::default() };
    });
    // The event carries the customer as it was.
    call.state.emit("customer.deleted", &objects::customer(&customer), &call.cause);
    Ok(objects::deleted(WHAT, id))
}

/// `GET /v1/customers`
pub(super) fn list(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let email = call.params.text("email", 512)?;
    call.params.refuse(&["test_clock"])?;
    let key = lists::key([("email", &email)]).unwrap_or_else(|| "deleted=false".to_owned());
    let listing = Listing { what: WHAT, url: "/v1/customers", key: Some(key) };
    let wanted = |customer: &Customer| created.allows(customer.created);
    lists::list(&call, &call.state.customers, &listing, wanted, objects::customer)
}
