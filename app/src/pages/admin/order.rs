//! `/admin/orders/{number}`: one order with its story, and what can be done about it.

use super::order_actions::{self, May};
use super::orders::{buyer, tag};
use super::refused;
use crate::components::{Desk, Section, written};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, param};
use leptos::prelude::*;
use shop::desk::{Moment, OrderSheet, SheetItem, Way};
use shop::types::{InvoiceLink, OrderNumber, Role, TokenState};

/// The order.
#[component]
pub fn OrderSheetPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let number: OrderNumber = param("number").parse()?;
        let sheet = context::shop()?.order_sheet(&number).await?.ok_or(AppError::NOT_FOUND)?;
        let may = May::of(staff.role);
        Ok(view! {
            <Desk title=format!("Order {number}") current=Section::Orders>
                {refused::notice()}
                <div class="side">
                    <div class="stacked">
                        {facts(&sheet, staff.role)}
                        {titles(&sheet, may)}
                        {timeline(&sheet, may)}
                    </div>
                    <div class="stacked">{order_actions::all(&sheet, may)}</div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn fact(name: &'static str, value: impl IntoView + 'static) -> AnyView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
    .into_any()
}

fn facts(sheet: &OrderSheet, role: Role) -> AnyView {
    let address = buyer(&sheet.email, sheet.erased, role);
    let whose = if role >= Role::Support && !sheet.erased {
        view! { <a href=format!("/admin/buyers/{}", sheet.number)>{address}</a> }.into_any()
    } else {
        address.into_any()
    };
    let money = |name, amount: shop::types::Money| (!amount.is_zero()).then(|| fact(name, written::money(amount)));
    view! {
        <section class="panel" aria-labelledby="facts">
            <h2 id="facts">{tag(sheet.standing)}</h2>
            {sheet
                .answer_by
                .map(written::moment)
                .map(|until| view! { <p class="note bad">{format!("The bank waits for an answer until {until}.")}</p> })}
            {untaxed(sheet, role)}
            <dl class="defs">
                {fact("Buyer", whose)}
                {sheet.name.clone().filter(|_| role >= Role::Support).map(|name| fact("Name", name))}
                {sheet.country.clone().map(|country| fact("Country", written::country(&country)))}
                {sheet.tax_country.clone().map(|country| fact("Taxed by", written::country(&country)))}
                {sheet.company.clone().filter(|_| role >= Role::Support).map(|name| fact("Company", name))}
                {sheet.vat_id.clone().filter(|_| role >= Role::Support).map(|id| fact("VAT number", id))} {fact("Placed", written::moment(sheet.placed_at))}
                {sheet.paid_at.map(|at| fact("Paid", written::moment(at)))} {money("Subtotal", sheet.subtotal)}
                {money("Discount", sheet.discount)} {money(if sheet.tax_included { "Tax, included" } else { "Tax" }, sheet.tax)} {fact("Total", written::money(sheet.total))}
                {money("Refunded", sheet.refunded)}
                {documents(sheet, role)}
                {sheet.payment.clone().map(|payment| fact("Stripe", view! { <code>{payment}</code> }))}
            </dl>
        </section>
    }
    .into_any()
}

/// That Stripe could not work out the tax, and what to do about it.
fn untaxed(sheet: &OrderSheet, role: Role) -> Option<AnyView> {
    let why = sheet.tax_problem.as_deref()?;
    let words = match why {
        "requires_location_inputs" => {
            "Stripe could not tell where the buyer is, so this sale bears no tax. Ask her for her address, work out the tax by \
             hand and report it, or refund the order and let her buy again."
        }
        _ => {
            "Stripe failed to work out the tax, so this sale bears none. Look at the payment in Stripe’s dashboard, work out \
             the tax by hand and report it, or refund the order and let her buy again."
        }
    };
    let done = (role >= Role::Admin).then(|| {
        view! {
            <form method="post" action="/actions/admin-tax-seen-to">
                <input type="hidden" name="number" value=sheet.number.to_string()/>
                <button class="quiet">"I have seen to it"</button>
            </form>
        }
    });
    Some(
        view! {
            <p class="note bad">{words}</p>
            {done}
        }
        .into_any(),
    )
}

/// Invoices and credit notes; who may not see the buyer sees their numbers only.
fn documents(sheet: &OrderSheet, role: Role) -> AnyView {
    let line = |document: &InvoiceLink| {
        let corrects = document.corrects.as_ref().map(|number| format!(", corrects {number}")).unwrap_or_default();
        let words = format!(" of {}, {}{corrects}", document.issued_on, written::money(document.total));
        let number = if role >= Role::Support {
            view! { <a href=document.address()>{document.number.clone()}</a> }.into_any()
        } else {
            document.number.clone().into_any()
        };
        fact(document.kind.label(), view! { {number} {words} })
    };
    sheet.documents.iter().map(line).collect_view().into_any()
}

fn titles(sheet: &OrderSheet, may: May) -> AnyView {
    let number = sheet.number.to_string();
    let items = sheet.items.iter().map(|item| title(&number, item, may)).collect_view();
    view! {
        <section class="panel" aria-labelledby="titles">
            <h2 id="titles">"Titles"</h2>
            <ul class="rows">{items}</ul>
        </section>
    }
    .into_any()
}

fn title(number: &str, item: &SheetItem, may: May) -> AnyView {
    let right = item.right.as_ref().map_or_else(|| "Opens when the order is paid".to_owned(), written::right);
    let state = item.right.as_ref().map(|right| right.state);
    let open = state.is_some_and(|state| !matches!(state, TokenState::Revoked | TokenState::Suspended));
    let erased = item.right.as_ref().is_some_and(|right| right.reason.as_deref() == Some("erased"));
    let actions = (state.is_some() && !erased)
        .then(|| order_actions::of_title(number, item.id, &item.title, open, item.withdrawn, may));
    view! {
        <li>
            <div>
                <h3>
                    <a href=format!("/books/{}", item.slug)>{item.title.clone()}</a>
                </h3>
                <p class="note">{right}</p>
            </div>
            <p class="price">{written::money(item.total)}</p>
            {actions}
        </li>
    }
    .into_any()
}

fn timeline(sheet: &OrderSheet, may: May) -> AnyView {
    let number = sheet.number.to_string();
    let moments = sheet.timeline.iter().map(|moment| line(&number, moment, may)).collect_view();
    let left_out = sheet.left_out;
    view! {
        <section class="panel" aria-labelledby="story">
            <h2 id="story">"What happened"</h2>
            {(left_out > 0).then(|| view! { <p class="note">{format!("{left_out} older downloads are not shown.")}</p> })}
            <ol class="story">{moments}</ol>
        </section>
    }
    .into_any()
}

fn line(number: &str, moment: &Moment, may: May) -> AnyView {
    let (what, detail) = moment.told(may.support);
    let way = match &moment.way {
        Some(Way::Resend(id)) if may.support => Some(order_actions::resend(*id, Some(number)).into_any()),
        Some(Way::Replay(id)) if may.admin => Some(order_actions::replay(id, Some(number)).into_any()),
        _ => None,
    };
    view! {
        <li class=format!("of-{}", moment.kind.as_str()) class:wrong=moment.bad>
            <time datetime=moment.at.format("%Y-%m-%dT%H:%M:%SZ").to_string()>{written::moment(moment.at)}</time>
            <div>
                <p>{what}</p>
                {detail.map(|detail| view! { <p class="note">{detail}</p> })}
                {way}
            </div>
        </li>
    }
    .into_any()
}
