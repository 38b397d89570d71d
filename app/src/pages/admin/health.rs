//! `/admin/health`: how the store is.

use crate::components::{Desk, Section, written};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::desk::{FileTrouble, Health};
use shop::types::Role;

/// The facts, each with whether it is well.
#[component]
pub fn HealthPage() -> impl IntoView {
    page(async {
        context::staff(Role::Viewer).await?;
        let health = context::shop()?.health().await?;
        Ok(view! {
            <Desk title="Health" current=Section::Attention>
                {facts(&health)}
                {files(&health.files)}
            </Desk>
        }
        .into_any())
    })
}

/// A fact in a row, with whether it is well in a word.
fn fact(name: &'static str, value: String, well: bool, advice: &'static str) -> AnyView {
    let (class, word) = if well { ("tag good", "Well") } else { ("tag bad", "Look") };
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>
                <p>{value}</p>
                {(!well).then(|| view! { <p class="note">{advice}</p> })}
            </td>
            <td class="act">
                <span class=class>{word}</span>
            </td>
        </tr>
    }
    .into_any()
}

fn facts(health: &Health) -> AnyView {
    let count = health.attention.count();
    let heard = match (&health.pulse.ago, &health.pulse.last) {
        (Some(ago), Some(last)) => format!("Last event {ago} ({})", written::moment(*last)),
        _ => "No event has come yet".into(),
    };
    let mode = if health.livemode { "Live: real money" } else { "Test mode: no real money moves" };
    let last_mail = health
        .last_mail
        .map_or_else(|| "No mail has left yet".into(), |at| format!("Last mail {}", written::moment(at)));
    let files = format!("The newest {} looked at just now, {} with trouble", health.files_checked, health.files.len());
    let events = health.attention.events.len();
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"How the store is"</caption>
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col">"How it is"</th>
                        <th scope="col" class="act">
                            "State"
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {fact("Stripe", mode.to_owned(), true, "")}
                    {fact(
                        "Webhook",
                        heard,
                        !health.pulse.silent,
                        "There was a payment that no event has told of. Check the endpoint and its signing secret in Stripe’s dashboard; until then the store asks Stripe by itself every few minutes.",
                    )}
                    {fact(
                        "Events",
                        format!("{} wait, {events} have failed", health.waiting_events),
                        events == 0,
                        "They are listed under Needs attention.",
                    )}
                    {fact(
                        "Mail",
                        format!("{last_mail}; {} wait", health.waiting_mails),
                        health.sends_mail && health.attention.mails.is_empty(),
                        "Mail is not set up, or some did not arrive: see Needs attention.",
                    )}
                    {fact("Files", files, health.files.is_empty(), "They are listed below. Add the book’s files again.")}
                    {fact(
                        "Downloads",
                        format!("{} of the last day failed on our side", health.failed_downloads),
                        health.failed_downloads == 0,
                        "The file store did not answer, or lost a file. Buyers can try again at no cost.",
                    )}
                    {fact(
                        "Needs attention",
                        match count {
                            0 => "Nothing".into(),
                            1 => "One thing".into(),
                            many => format!("{many} things"),
                        },
                        count == 0,
                        "Each is listed under Needs attention with what to do.",
                    )}
                </tbody>
            </table>
        </div>
        <p>
            <a href="/admin/attention">"What needs attention"</a>
        </p>
    }
    .into_any()
}

fn files(found: &[FileTrouble]) -> Option<AnyView> {
    let rows = found
        .iter()
        .map(|file| {
            view! {
                <li>
                    <div>
                        <h3>{file.title.clone()}</h3>
                        <p class="note">{format!("{}: {}", file.filename, file.why)}</p>
                    </div>
                </li>
            }
            .into_any()
        })
        .collect();
    super::attention::kind(
        "files",
        "Files with trouble",
        "A buyer cannot be given these as they are. Add the book’s files again as a new edition.",
        rows,
    )
}
