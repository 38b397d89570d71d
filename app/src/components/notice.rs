//! What the visitor should notice at the top of a page.

use crate::error::ErrorCode;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// A sentence in a box, read out by screen readers.
#[component]
pub fn Notice(
    /// Whether something went wrong, rather than well.
    #[prop(optional)]
    bad: bool,
    /// The sentence, and what can be done.
    children: Children,
) -> impl IntoView {
    let role = if bad { "alert" } else { "status" };
    view! { <div class="notice" class:bad=bad role=role>{children()}</div> }
}

/// Why the form that led back here (`?error=`) was refused, from our own table of sentences. Shows nothing for a code
/// that is not in it.
#[component]
pub fn RefusedNotice() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("error").and_then(|code| ErrorCode::parse(&code)));
    code.map(|code| view! { <Notice bad=true>{code.sentence()}</Notice> })
}

/// That the form that led here (`?done=`) did what it was for, from our own table of sentences.
#[component]
pub fn DoneNotice() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("done"));
    code.as_deref().and_then(done).map(|words| view! { <Notice>{words}</Notice> })
}

/// What was done, by the code in the address.
fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        // The way in.
        "signed-out" => "You are signed out in this browser.",
        // Books.
        "book-created" => "The book is saved as a draft. Nobody sees it until you publish it.",
        "book-saved" => "Saved.",
        "book-published" => "The book is on sale.",
        "book-archived" => "The book is no longer on sale. Whoever has bought it keeps it.",
        "files-taken" => "The files are there. Everybody who has bought the book has them now.",
        "cover-set" => "The cover is there.",
        "edition-added" => "The edition is there. Everybody who has bought the book has it now.",
        "edition-announced" => "Buyers who had not been told of the edition are getting a mail.",
        "table-applied" => "Everything in the table is saved.",
        "password-set" => "The password is set. Sign in with it.",
        "invited" => "The account is there. The link below sets the password.",
        "link-made" => "The link below sets a new password. Older links are nothing any more.",
        "role-changed" => "The role is changed, from the next page on.",
        "switched-off" => "The account is switched off. Its sessions are over, and its tokens are nothing any more.",
        "switched-on" => "The account is switched on again. Its programs need new tokens.",
        "password-changed" => "Your password is changed, and your other sessions are over.",
        "password-changed-not-tokens" => {
            "Your password is changed, and your other sessions are over. Your tokens for programs still work: revoke those that somebody else may have."
        }
        "codes-on" => "From now on your account asks for a code.",
        "codes-off" => "Your account asks for no code any more.",
        "token-made" => "The token is made. Copy it now: it is shown for ten minutes.",
        "token-revoked" => "The token is nothing any more.",
        "tokens-revoked" => "None of your tokens is anything any more.",
        "session-ended" => "The session is over.",
        // Orders, buyers, attention.
        "refunded" => "The refund is on its way, and the buyer is told.",
        "receipt-sent" => "The mail goes out within seconds.",
        "link-renewed" => "The new link is on its way. The old one opens nothing any more.",
        "title-renewed" => "The title can be downloaded again, with all its days and uses.",
        "title-withdrawn" => "The title is taken back.",
        "title-restored" => "The title is the buyer’s again, unless a refund or a dispute took it too.",
        "address-corrected" => "The order is under the new address, and both are told.",
        "noted" => "The note is written down.",
        "given" => "The titles are given away, and the mail goes out within seconds.",
        "mail-sent" => "The mail goes out within seconds.",
        "event-replayed" => "The event is worked on within seconds.",
        "reviewed" => "Taken off the list, with your name and the time.",
        "refund-settled" => "Taken off the list. The order’s page says how it was settled.",
        "refusal-seen-to" => "Taken off the list until Stripe refuses it again.",
        "erased" => "The buyer is erased.",
        "erased-but-invoices" => "The buyer is erased. Invoices keep name and address until their time is over.",
        // Tax.
        "tax-saved" => "Saved. It holds for who begins to pay from now on.",
        "tax-rate-set" => "The rate is set.",
        "tax-seen-to" => "Taken off the list of what needs a person.",
        "tax-code-set" => "The product tax code is set, for who begins to pay from now on.",
        "tax-rate-removed" => "The rate is removed. What came with the program holds again.",
        // Invoices.
        "invoice-replaced" => "The invoice is made out anew. A credit note takes the earlier one back; no money moves.",
        "invoice-as-it-was" => "The invoice says so already: nothing was changed.",
        "logo-set" => "The logo is there. Documents that are issued from now on carry it.",
        "logo-removed" => "Documents that are issued from now on have no logo.",
        "seller-saved" => "Saved. Documents that are issued from now on say so.",
        // Webhooks.
        "webhook-added" => "The endpoint is there. Copy the secret now: it is shown for ten minutes.",
        "webhook-changed" => "Saved.",
        "webhook-on" => "The endpoint is switched on.",
        "webhook-off" => "The endpoint is switched off. It is told nothing more.",
        "webhook-secret" => "The secret is replaced. Copy the new one now: it is shown for ten minutes.",
        "webhook-deleted" => "The endpoint is deleted.",
        "webhook-sent" => "It goes out within seconds. Load the page again to see what came back.",
        "webhooks-sent" => "What was given up goes out now.",
        _ => return None,
    })
}
