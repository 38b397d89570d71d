//! What search engines and link previews read.

use crate::context;
use leptos::prelude::*;
use leptos_meta::{Link, Meta, Title};

/// Title, description, canonical address and OpenGraph data of a page that anybody may find.
#[component]
pub fn PageHead(
    /// The page's own title; empty for the store's front page.
    title: String,
    /// One or two sentences.
    description: String,
    /// Path and query of the one address under which the page should be known.
    path: String,
    /// Path of a picture, if there is one.
    #[prop(optional_no_strip)]
    image: Option<String>,
    /// OpenGraph's word for what it is.
    #[prop(default = "website")]
    kind: &'static str,
) -> impl IntoView {
    let shop = context::shop().ok();
    let base = shop.as_ref().map(|shop| shop.base_url().trim_end_matches('/').to_owned()).unwrap_or_default();
    let store = shop.map(|shop| shop.store_name().to_owned()).unwrap_or_default();
    let url = format!("{base}{path}");
    let heading = if title.is_empty() { store.clone() } else { title.clone() };
    view! {
        <Title text=title/>
        <Meta name="description" content=description.clone()/>
        <Link rel="canonical" href=url.clone()/>
        <Meta property="og:title" content=heading/>
        <Meta property="og:description" content=description/>
        <Meta property="og:type" content=kind/>
        <Meta property="og:url" content=url/>
        <Meta property="og:site_name" content=store/>
        {image.map(|image| view! { <Meta property="og:image" content=format!("{base}{image}")/> })}
    }
}
