//! `/orders/{number}`: an order, opened by the link in its mail or by the browser that paid.

use super::{page, param};
use crate::components::{DoneNotice, OrderDetails, RefusedNotice};
use crate::context;
use crate::error::AppError;
use crate::islands::OpenOrder;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::types::{OrderNumber, OrderStatus, OrderView, TokenState};

/// The order, or the form that opens it. Looking at the page never uses up a code: mail scanners look too.
#[component]
pub fn OrderPage() -> impl IntoView {
    page(async {
        let number: OrderNumber = param("number").parse()?;
        let order = context::shop()?.order(&number, &context::keys()).await?.ok_or(AppError::NOT_FOUND)?;
        Ok(view! {
            <Title text=format!("Order {number}")/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            <DoneNotice/>
            {if order.owned { open(order).into_any() } else { closed(&number).into_any() }}
        }
        .into_any())
    })
}

fn open(order: OrderView) -> impl IntoView {
    let lead = match order.status {
        OrderStatus::Succeeded if order.closed().is_some() => closed_lead(&order),
        OrderStatus::Succeeded => "Thank you. Here are your books.",
        OrderStatus::Pending => "Your payment is on its way. The books open as soon as it arrives.",
        OrderStatus::Failed => "The payment did not arrive, so this order was closed. Nothing was charged.",
    };
    view! {
        <section class="order">
            <h1>{format!("Order {}", order.number)}</h1>
            <p class="lead">{lead}</p>
            <OrderDetails order/>
            <p class="ways">
                <a class="quiet" href="/library">"All my books"</a>
            </p>
        </section>
    }
}

/// What stands above an order none of whose titles is open.
pub(super) fn closed_lead(order: &OrderView) -> &'static str {
    if order.closed() == Some(TokenState::Suspended) {
        "The payment for this order is disputed. Its titles wait until the bank has decided."
    } else {
        "The payment for this order was returned, so its titles are no longer open."
    }
}

fn closed(number: &OrderNumber) -> impl IntoView + use<> {
    let number = number.to_string();
    let way = context::with_next("/library", &format!("/orders/{number}"));
    view! {
        <section class="plain">
            <h1>{format!("Order {number}")}</h1>
            <p class="lead">"Open it with the link or the code in your receipt."</p>
            <OpenOrder>
                <form class="stack" method="post" action="/actions/open-order">
                    <input type="hidden" name="number" value=number/>
                    <label>
                        "Code from the mail"
                        <input name="secret" required autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="200"/>
                    </label>
                    <button>"Show my books"</button>
                    <p class="note">"The code opens this order only. It is the long word at the end of the link."</p>
                </form>
            </OpenOrder>
            <p>
                "Or "
                <a href=way>"open all your books"</a>
                " with the address you paid with."
            </p>
        </section>
    }
}
