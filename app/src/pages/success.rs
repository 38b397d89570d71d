//! `/checkout/success?session_id=`: back from Stripe. Never an error while Stripe's word is late.

use super::order::closed_lead;
use super::{page, query};
use crate::components::OrderDetails;
use crate::context;
use crate::error::AppError;
use crate::islands::WaitForOrder;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::Shop;
use shop::types::{CheckoutProgress, OrderStatus, OrderView, Slug};

/// Where the checkout stands: waiting, unfinished, looked at by a person, or an order with its downloads.
#[component]
pub fn SuccessPage() -> impl IntoView {
    page(async {
        let session = query("session_id").ok_or(AppError::NOT_FOUND)?;
        let shop = context::shop()?;
        let progress = shop.checkout_progress(&session, &context::keys()).await?;
        let body = match progress.ok_or(AppError::NOT_FOUND)? {
            CheckoutProgress::Preparing => preparing(session).into_any(),
            CheckoutProgress::Open { resume_url } => unfinished(resume_url).into_any(),
            CheckoutProgress::Expired => {
                message("This checkout ran out", "Nothing was charged. Your cart is as you left it.").into_any()
            }
            CheckoutProgress::UnderReview { titles } => {
                if empty_cart_of(&shop, titles).await? {
                    context::see_other(&here(&session));
                }
                under_review().into_any()
            }
            CheckoutProgress::Ordered(order) if order.owned => {
                let slugs = order.items.iter().filter_map(|item| item.slug.parse().ok());
                if order.status != OrderStatus::Failed && empty_cart_of(&shop, slugs.collect()).await? {
                    // The header above has counted already: the page is asked for once more.
                    context::see_other(&here(&session));
                }
                thanks(*order).into_any()
            }
            CheckoutProgress::Ordered(order) => elsewhere(&order).into_any(),
        };
        Ok(view! {
            <Title text="Your purchase"/>
            <Meta name="robots" content="noindex"/>
            {body}
        }
        .into_any())
    })
}

fn here(session: &str) -> String {
    format!("/checkout/success?session_id={session}")
}

/// What was bought needs not wait in the cart any longer. True if something was taken out; not a second time.
async fn empty_cart_of(shop: &Shop, titles: Vec<Slug>) -> Result<bool, AppError> {
    if titles.is_empty() || context::cart().await?.count() == 0 {
        return Ok(false);
    }
    let mut held = context::hold_cart().await?;
    let before = held.cart.count();
    for slug in titles {
        shop.remove_from_cart(&mut held.cart, &slug).await?;
    }
    let changed = held.cart.count() != before;
    if changed {
        held.save().await?;
    }
    Ok(changed)
}

fn preparing(session: String) -> impl IntoView {
    view! {
        <noscript>
            <meta http-equiv="refresh" content="2"/>
        </noscript>
        <section class="plain" aria-busy="true">
            <h1>"Payment received, preparing your books"</h1>
            <WaitForOrder>
                <p class="lead" role="status" data-session=session>
                    "This takes a few seconds. The page refreshes by itself."
                </p>
            </WaitForOrder>
            <p class="wait" aria-hidden="true"></p>
        </section>
    }
}

fn unfinished(resume_url: Option<String>) -> impl IntoView {
    let (resume, style) = (resume_url.is_some(), |first| if first { "button" } else { "quiet" });
    view! {
        <section class="plain">
            <h1>"The payment is not finished"</h1>
            <p class="lead">"Nothing was charged yet. Your cart is as you left it."</p>
            <p class="ways">
                {resume_url.map(|url| view! { <a class="button" href=url>"Continue to payment"</a> })}
                <a class=style(!resume) href="/cart">"Back to your cart"</a>
            </p>
        </section>
    }
}

fn message(title: &'static str, lead: &'static str) -> impl IntoView {
    view! {
        <section class="plain">
            <h1>{title}</h1>
            <p class="lead">{lead}</p>
            <p class="ways">
                <a class="button" href="/">"See all books"</a>
                <a class="quiet" href="/cart">"Your cart"</a>
            </p>
        </section>
    }
}

/// No way to the cart from here: nobody should pay twice.
fn under_review() -> impl IntoView {
    view! {
        <section class="plain">
            <h1>"We are looking at your payment"</h1>
            <p class="lead">
                "It arrived, but the amount is not the one we expected, so a person will look at it and write to you. \
                 Nothing is lost, and there is no need to pay again."
            </p>
            <p class="ways">
                <a class="quiet" href="/">"See all books"</a>
            </p>
        </section>
    }
}

fn thanks(order: OrderView) -> impl IntoView {
    let (title, lead) = match order.status {
        OrderStatus::Succeeded if order.closed().is_some() => ("Your purchase", closed_lead(&order)),
        OrderStatus::Succeeded => ("Thank you", "Your books are ready to download."),
        OrderStatus::Pending => {
            ("Thank you", "Your bank is still moving the money. The books open as soon as it arrives.")
        }
        OrderStatus::Failed => ("The payment did not arrive", "This order was closed and nothing was charged."),
    };
    let keep = format!("/orders/{}", order.number);
    view! {
        <section class="order">
            <h1>{title}</h1>
            <p class="lead">{lead}</p>
            <OrderDetails order/>
            <p class="note">
                <a href=keep>"This order has a page of its own"</a>
                " that you can come back to. All you buy with this address is always in "
                <a href="/library">"your library"</a>
                "."
            </p>
        </section>
    }
}

fn elsewhere(order: &OrderView) -> impl IntoView + use<> {
    let number = order.number.to_string();
    let title = match order.status {
        OrderStatus::Succeeded => format!("Payment received for order {number}"),
        OrderStatus::Pending => format!("The payment for order {number} is on its way"),
        OrderStatus::Failed => format!("The payment for order {number} did not arrive"),
    };
    view! {
        <section class="plain">
            <h1>{title}</h1>
            <p class="lead">"Open it in the browser you paid with, or use the link in your receipt."</p>
            <p class="ways">
                <a class="button" href=format!("/orders/{number}")>"Open with the code from the mail"</a>
            </p>
        </section>
    }
}
