//! The way to a title's files: a button for each format, how often and until when.

use crate::islands::RenewInPlace;
use leptos::prelude::*;
use shop::types::{DownloadView, FormatInfo, TokenState};

/// The download buttons of one title, or why there are none and what to do about it. Each button posts, because
/// starting a download takes a use.
#[component]
pub fn Downloads(
    /// The title's token.
    download: DownloadView,
    /// The page that this stands on, if renewing should end there and not at the new token's own page.
    #[prop(optional)]
    stay: Option<&'static str>,
) -> impl IntoView {
    let usable = download.state == TokenState::Usable || download.running_until.is_some();
    let gone = !usable || !download.exhausted.is_empty();
    let entitled = !matches!(download.state, TokenState::Suspended | TokenState::Revoked);
    let renewing = gone && entitled && download.renewable;
    let renew = (gone && entitled).then(|| renewal(&download, stay));
    let words = match (&download.running_until, download.state) {
        (Some(until), _) if download.exhausted.is_empty() => {
            let left = uses(download.uses_left, download.max_uses);
            format!(
                "Your download is running: until {until} every format is yours without using up another one. {left} left."
            )
        }
        (Some(until), _) => {
            let list: Vec<&str> = download.exhausted.iter().map(|info| info.format.label()).collect();
            format!(
                "Your download is running until {until}. {} has been downloaded as often as it can be.",
                list.join(", ")
            )
        }
        (_, TokenState::Usable) => {
            format!("{} left, until {}.", uses(download.uses_left, download.max_uses), download.expires)
        }
        (_, TokenState::Expired) => "The time for this download is over.".to_owned(),
        (_, TokenState::UsedUp) => format!("All {} downloads have been used.", download.max_uses),
        (_, TokenState::Suspended) => {
            "This title is not open for download at the moment, because its payment is disputed.".to_owned()
        }
        (_, TokenState::Revoked) => {
            "This title is no longer open for download, because its payment was returned.".to_owned()
        }
    };
    let buttons = usable.then(|| {
        let buttons = download.formats.iter().map(|info| button(&download.token, info)).collect_view();
        view! { <div class="files" data-before="">{buttons}</div> }
    });
    if stay.is_none() || !renewing {
        return view! {
            {buttons}
            <p class="note">{words}</p>
            {renew}
        }
        .into_any();
    }
    // As it will be once the island knows the new token.
    let all = download.formats.iter().chain(&download.exhausted);
    let renewed = all.map(|info| button("", info)).collect_view();
    view! {
        <RenewInPlace>
            {buttons} <div class="files" data-renewed="" hidden>{renewed}</div> <p class="note" role="status">{words}</p> {renew}
        </RenewInPlace>
    }
    .into_any()
}

fn button(token: &str, info: &FormatInfo) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("/d/{token}/claim")>
            <input type="hidden" name="format" value=info.format.as_str()/>
            <button>{format!("Download {}", info.format)}</button>
            <small>{info.size()}</small>
        </form>
    }
}

fn uses(left: u32, max: u32) -> String {
    if (left, max) == (1, 1) { "1 download".to_owned() } else { format!("{left} of {max} downloads") }
}

fn renewal(download: &DownloadView, stay: Option<&'static str>) -> AnyView {
    if download.renewable {
        view! {
            <form method="post" action="/actions/renew-download">
                <input type="hidden" name="token" value=download.token.clone()/>
                {stay.map(|page| view! { <input type="hidden" name="next" value=page/> })}
                <button>"Renew"</button>
            </form>
        }
        .into_any()
    } else {
        view! { <p class="note">"It cannot be renewed any more. Please write to the store."</p> }.into_any()
    }
}
