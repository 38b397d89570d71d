//! `/d/{token}`: one title's downloads. The page itself takes nothing; its buttons do.

use super::{page, param};
use crate::components::{Cover, CoverSize, Downloads, RefusedNotice};
use crate::context;
use crate::error::AppError;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// The title with its download buttons, in the buyer's browser; the way to them in any other.
#[component]
pub fn DownloadPage() -> impl IntoView {
    page(async {
        let token = param("token");
        let found = context::shop()?.download_page(&token, &context::keys()).await?;
        let shop::DownloadPage { title, byline, cover, accent, download, order_number } =
            found.ok_or(AppError::NOT_FOUND)?;
        let way_back = order_number.map(|number| {
            view! { <p class="ways"><a class="quiet" href=format!("/orders/{number}")>{format!("Order {number}")}</a></p> }
        });
        let body = match download {
            Some(download) => view! { <Downloads download/> }.into_any(),
            None => view! {
                <p class="note">
                    "To download, open this page in the browser you paid with, or open your order with the link in your receipt."
                </p>
                <p class="ways">
                    <a class="button" href=context::with_next("/library", &format!("/d/{token}"))>"Use my e-mail address"</a>
                </p>
            }
            .into_any(),
        };
        Ok(view! {
            <Title text=format!("Download {title}")/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            <article class="take">
                <Cover picture=cover title=title.clone() byline=byline.clone() accent size=CoverSize::Detail/>
                <div>
                    <h1>{title}</h1>
                    <p class="by">{byline}</p>
                    {body}
                    {way_back}
                </div>
            </article>
        }
        .into_any())
    })
}
