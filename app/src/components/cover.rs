//! A book's cover: the uploaded picture, or one set in type.

use leptos::prelude::*;
use shop::types::Cover as Picture;

/// Where a cover stands: decides how wide the browser expects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoverSize {
    /// On the catalogue's shelf, in the first rows: loaded at once.
    ShelfFirst,
    /// On the shelf, further down: loaded when it comes near.
    Shelf,
    /// On the book's own page.
    Detail,
    /// Beside a line of the cart or of an order.
    Thumb,
}

impl CoverSize {
    const fn sizes(self) -> &'static str {
        match self {
            Self::ShelfFirst | Self::Shelf => "(min-width:64rem) 208px, (min-width:40rem) 28vw, 44vw",
            Self::Detail => "(min-width:48rem) 352px, 62vw",
            Self::Thumb => "80px",
        }
    }
}

/// The cover at a fixed ratio of two to three, so that nothing moves when it arrives. It is decoration beside the
/// title, which always stands next to it as text: hidden from assistive technology.
#[component]
pub fn Cover(
    /// The picture, if there is one.
    picture: Option<Picture>,
    /// For the cover set in type.
    title: String,
    /// For the cover set in type.
    byline: String,
    /// The colour behind it, `#rrggbb`.
    accent: String,
    /// Where it stands.
    size: CoverSize,
) -> impl IntoView {
    let Some(picture) = picture else {
        return view! {
            <span class="cover type" style=format!("--a:{accent}") aria-hidden="true">
                <b>{title}</b>
                <i>{byline}</i>
            </span>
        }
        .into_any();
    };
    let [small, medium, large] = Picture::WIDTHS.map(|width| picture.url(width));
    let [w1, w2, w3] = Picture::WIDTHS;
    let lazy = matches!(size, CoverSize::Shelf).then_some("lazy");
    if size == CoverSize::Thumb {
        return view! {
            <span class="cover">
                <img src=small alt="" width="80" height="120" loading="lazy"/>
            </span>
        }
        .into_any();
    }
    let (src, srcset) = match size {
        CoverSize::Detail => (medium.clone(), format!("{small} {w1}w,{medium} {w2}w,{large} {w3}w")),
        _ => (small.clone(), format!("{small} {w1}w,{medium} {w2}w")),
    };
    view! {
        <span class="cover">
            <img src=src srcset=srcset sizes=size.sizes() alt="" width="240" height="360" loading=lazy/>
        </span>
    }
    .into_any()
}
