//! `/cart`: what is about to be bought, and everything that must be known before paying.

use super::{page, query};
use crate::components::{Cover, CoverSize, Notice, RefusedNotice, written};
use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::Shop;
use shop::types::{CartLine, CartProblem, CartView, Money, PriceTax, Slug};

/// The cart.
#[component]
pub fn CartPage() -> impl IntoView {
    page(async {
        let shop = context::shop()?;
        let cart = shop.cart_view(&context::cart().await?).await?;
        let removed = just_removed(&shop, &cart).await;
        Ok(view! {
            <Title text="Your cart"/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            {removed.map(|(slug, title)| undo(&slug, title))}
            {if cart.lines.is_empty() && cart.problems.is_empty() { empty().into_any() } else { full(cart).into_any() }}
        }
        .into_any())
    })
}

/// The title that `?removed=` names, if it is on sale and not in the cart (again).
async fn just_removed(shop: &Shop, cart: &CartView) -> Option<(Slug, String)> {
    let slug: Slug = query("removed")?.parse().ok()?;
    if cart.lines.iter().any(|line| line.book.slug == slug) {
        return None;
    }
    let book = shop.book(&slug, cart.subtotal.currency()).await.ok()??;
    Some((slug, book.card.title))
}

fn undo(slug: &Slug, title: String) -> impl IntoView + use<> {
    let slug = slug.to_string();
    view! {
        <Notice>
            <p>{format!("Removed “{title}”.")}</p>
            <form method="post" action="/actions/add-to-cart">
                <input type="hidden" name="slug" value=slug/>
                <button class="quiet">"Undo"</button>
            </form>
        </Notice>
    }
}

fn empty() -> impl IntoView {
    view! {
        <section class="plain">
            <h1>"Your cart is empty"</h1>
            <p class="lead">"Books that you add wait here until you check out."</p>
            <p class="ways">
                <a class="button" href="/">"See all books"</a>
            </p>
        </section>
    }
}

fn full(cart: CartView) -> impl IntoView {
    let CartView { lines, problems, subtotal, total, tax, snapshot } = cart;
    let something = !lines.is_empty();
    let free = total.is_zero();
    let least = total.currency().least_charge().filter(|_| total.is_too_little());
    view! {
        {problems.into_iter().map(problem).collect_view()}
        <h1>"Your cart"</h1>
        <div class="till">
            <ul class="lines">{lines.into_iter().map(line).collect_view()}</ul>
            {something
                .then(|| {
                    view! {
                        <section class="pay" aria-label="Summary">
                            <dl class="sums">
                                <div>
                                    <dt>"Subtotal"</dt>
                                    <dd>{written::money(subtotal)}</dd>
                                </div>
                                <div class="total">
                                    <dt>"Total"</dt>
                                    <dd>{written::money(total)}</dd>
                                </div>
                            </dl>
                            {tax.filter(|_| !free).map(|tax| view! { <p class="note">{tax_words(tax)}</p> })}
                            {least.map(|least| view! { <p class="note">{too_little(least)}</p> })}
                            <form method="post" action="/actions/start-checkout">
                                <input type="hidden" name="snapshot" value=snapshot/>
                                <button>"Checkout"</button>
                            </form>
                            <p class="note">
                                {if free {
                                    "Nothing to pay. We send the books to your e-mail address."
                                } else {
                                    "You pay on Stripe’s page. We never see your card."
                                }}
                            </p>
                        </section>
                    }
                })}
        </div>
    }
}

/// That the cart comes to less than Stripe charges, and what to do.
fn too_little(least: Money) -> String {
    format!("Payments begin at {}: please add another title before you check out.", written::money(least))
}

/// How tax is in the total.
const fn tax_words(tax: PriceTax) -> &'static str {
    match tax {
        PriceTax::Included => "Prices include value-added tax.",
        PriceTax::Added => "Plus tax, which Stripe’s page adds by your country.",
    }
}

fn line(line: CartLine) -> impl IntoView {
    let CartLine { book, formats, price_was } = line;
    let (slug, title) = (book.slug.to_string(), book.title.clone());
    view! {
        <li>
            <Cover
                picture=book.cover
                title=book.title.clone()
                byline=book.byline.clone()
                accent=book.accent
                size=CoverSize::Thumb
            />
            <div>
                <h2>
                    <a href=format!("/books/{slug}")>{book.title}</a>
                </h2>
                <p class="by">{book.byline}</p>
                <p class="note">{formats}</p>
                {remove(slug, &title)}
            </div>
            <p class="price">
                {price_was.map(|was| view! { <s>{written::price(was)}</s>" " })} {book.price.map(written::price)}
            </p>
        </li>
    }
}

fn remove(slug: String, title: &str) -> impl IntoView + use<> {
    // The accessible name begins with what is written on the button (WCAG 2.5.3) and says which book.
    let description = title.to_owned();
    view! {
        <form method="post" action="/actions/remove-from-cart">
            <input type="hidden" name="slug" value=slug/>
            <button class="link" aria-description=description>
                "Remove"
            </button>
        </form>
    }
}

fn problem(problem: CartProblem) -> impl IntoView {
    match problem {
        CartProblem::Unavailable { title, slug } => {
            let button = remove(slug, &title);
            view! {
                <Notice bad=true>
                    <p>{format!("“{title}” is no longer for sale and is not counted.")}</p>
                    {button}
                </Notice>
            }
            .into_any()
        }
        CartProblem::OtherCurrency { title, slug, currency } => {
            let button = remove(slug, &title);
            view! {
                <Notice bad=true>
                    <p>{format!("“{title}” is not sold in {currency} and is not counted.")}</p>
                    {button}
                </Notice>
            }
            .into_any()
        }
        CartProblem::PriceChanged { title, was, now } => {
            let words = format!(
                "The price of “{title}” changed since you put it in: it was {}, now it is {}.",
                written::price(was),
                written::price(now).replace("Free", "free"),
            );
            view! { <Notice>{words}</Notice> }.into_any()
        }
    }
}
