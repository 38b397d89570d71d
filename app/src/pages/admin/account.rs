//! `/admin/account`: one's own password, codes, sessions and tokens.

mod tokens;

use crate::components::{Desk, Section, text};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::staff::{Account, SessionView, TotpSetup};
use shop::types::Role;

/// What everybody may see and change of the own account.
#[component]
pub fn AccountPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let shop = context::shop()?;
        let account = shop.own_account(&staff).await?;
        let setup = match &account.codes_since {
            None => Some(shop.totp_setup(&staff).await?),
            Some(_) => None,
        };
        let made = match query("token").and_then(|id| id.parse().ok()) {
            Some(id) => shop.new_token(&staff, id).await?,
            None => None,
        };
        let own = shop.own_tokens(&staff).await?;
        let Account { codes_since, recovery_codes, sessions } = account;
        Ok(view! {
            <Desk title="Your account" current=Section::Account>
                <p class="note">
                    {staff.email.as_str().to_owned()}": "{staff.role.label()}". "{staff.role.sentence()}
                </p>
                {made.map(tokens::made)}
                <div class="side">
                    <div class="rows">
                        {match (setup, codes_since) {
                            (Some(setup), _) => codes_on(setup),
                            (None, since) => codes_off(since.unwrap_or_default(), recovery_codes),
                        }}
                        {open_sessions(sessions)}
                        {tokens::own(own)}
                    </div>
                    {password()}
                </div>
            </Desk>
        }
        .into_any())
    })
}

pub(super) fn current_password() -> impl IntoView {
    view! {
        <label>
            "Your password"
            <input type="password" name="password" required autocomplete="current-password" maxlength="512"/>
        </label>
    }
}

fn codes_on(setup: TotpSetup) -> AnyView {
    let TotpSetup { secret, path, side } = setup;
    view! {
        <section class="panel" aria-labelledby="codes">
            <h2 id="codes">"Codes of your telephone"</h2>
            <p>
                "With them, who learns your password still does not get in. Scan this with an authenticator, or type the secret, "
                "then give the code that it shows."
            </p>
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label="QR code of the secret">
                <path d=path></path>
            </svg>
            <code class="secret">{secret}</code>
            <form class="fields" method="post" action="/actions/admin-codes-on">
                {current_password()}
                <label>
                    "Code"
                    <input class="code" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="10"/>
                </label>
                <button>"Ask for codes"</button>
            </form>
        </section>
    }
    .into_any()
}

fn codes_off(since: String, left: i64) -> AnyView {
    let words = if left == 1 { "1 recovery code is".to_owned() } else { format!("{left} recovery codes are") };
    view! {
        <section class="panel" aria-labelledby="codes">
            <h2 id="codes">"Codes of your telephone"</h2>
            <p>
                <span class="tag good">"Asked for"</span>
                {format!(" since {since}. {words} left. For new ones, switch codes off and on again.")}
            </p>
            <form class="fields" method="post" action="/actions/admin-codes-off">
                {current_password()}
                <button class="danger">"Ask for no codes"</button>
            </form>
        </section>
    }
    .into_any()
}

fn password() -> AnyView {
    view! {
        <section class="panel" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <form class="fields" method="post" action="/actions/admin-change-password">
                <label>
                    "Old password"
                    <input type="password" name="old" required autocomplete="current-password" maxlength="512"/>
                </label>
                <label>
                    "New password"
                    <input
                        type="password"
                        name="new"
                        required
                        autocomplete="new-password"
                        minlength="12"
                        maxlength="512"
                        aria-describedby="password-hint"
                    />
                    <small id="password-hint">"At least 12 characters. Your other sessions end, your tokens do not."</small>
                </label>
                <button>"Change password"</button>
            </form>
        </section>
    }
    .into_any()
}

fn open_sessions(sessions: Vec<SessionView>) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="sessions">
            <h2 id="sessions">"Where you are signed in"</h2>
            <div class="scroll">
                <table class="table cards">
                    <caption>"Your sessions"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"With"</th>
                            <th scope="col">"From"</th>
                            <th scope="col">"Since"</th>
                            <th scope="col">"Last used"</th>
                            <th scope="col">"Session"</th>
                        </tr>
                    </thead>
                    <tbody>{sessions.into_iter().map(session).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn session(one: SessionView) -> AnyView {
    let SessionView { id, is_this, is_api, user_agent, ip_prefix, created, last_seen } = one;
    let with = Some(text::user_agent(&user_agent)).filter(|name| !name.is_empty());
    let with = with.unwrap_or_else(|| "Something without a name".to_owned());
    let describe = format!("{with}, {ip_prefix}");
    view! {
        <tr>
            <th scope="row">
                {with} {is_this.then(|| view! { " "<span class="tag good">"This browser"</span> })}
                {is_api.then(|| view! { " "<span class="tag">"API"</span> })}
            </th>
            <td data-label="From">{ip_prefix}</td>
            <td data-label="Since" class="nowrap">{created}</td>
            <td data-label="Last used" class="nowrap">{last_seen}</td>
            <td class="act">
                {(!is_this)
                    .then(|| {
                        view! {
                            <form method="post" action="/actions/admin-end-session">
                                <input type="hidden" name="id" value=id/>
                                <button class="link" aria-description=describe>
                                    "End"
                                </button>
                            </form>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
