//! Tokens for programs.

use leptos::prelude::*;
use shop::staff::TokenView;
use shop::types::Scope;

/// A new one, in full.
pub(super) fn made(token: String) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="new-token">
            <h2 id="new-token">"Your new token"</h2>
            <p>"Programs send it as "<code>"Authorization: Bearer …"</code>". It is not shown again after ten minutes."</p>
            <code class="secret">{token}</code>
        </section>
    }
    .into_any()
}

/// All that are good, and the form that makes one.
pub(super) fn own(tokens: Vec<TokenView>) -> AnyView {
    let any = !tokens.is_empty();
    let many = tokens.len() > 1;
    view! {
        <section class="panel" aria-labelledby="tokens">
            <h2 id="tokens">"Tokens for programs"</h2>
            <p>"A program that sends one may do over the API what your role allows, as far as its scope goes."</p>
            {any
                .then(|| {
                    view! {
                        <div class="scroll">
                            <table class="table cards">
                                <caption>"Your tokens"</caption>
                                <thead>
                                    <tr>
                                        <th scope="col">"Name"</th>
                                        <th scope="col">"Scope"</th>
                                        <th scope="col">"Last used"</th>
                                        <th scope="col">"Until"</th>
                                        <th scope="col">"Token"</th>
                                    </tr>
                                </thead>
                                <tbody>{tokens.into_iter().map(row).collect_view()}</tbody>
                            </table>
                        </div>
                    }
                })}
            {many
                .then(|| {
                    view! {
                        <form method="post" action="/actions/admin-revoke-all-tokens">
                            <button class="danger">"Revoke all"</button>
                        </form>
                    }
                })}
            <form class="fields two" method="post" action="/actions/admin-make-token">
                <label>"Name" <input name="name" required maxlength="100" placeholder="Newsletter" autocomplete="off"/></label>
                <label>
                    "Scope"
                    <select name="scope">
                        {Scope::ALL.map(|scope| view! { <option value=scope.as_str()>{scope.label()}</option> })}
                    </select>
                </label>
                <label>"Days" <input type="number" name="days" value="90" min="1" max="366" required/></label>
                {super::current_password()}
                <button>"Make a token"</button>
            </form>
        </section>
    }
    .into_any()
}

fn row(token: TokenView) -> AnyView {
    let TokenView { id, name, scope, last_used, expires, .. } = token;
    let describe = name.clone();
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td data-label="Scope">{scope.label()}</td>
            <td data-label="Last used">{last_used.unwrap_or_else(|| "Never".to_owned())}</td>
            <td data-label="Until">{expires}</td>
            <td class="act">
                <form method="post" action="/actions/admin-revoke-token">
                    <input type="hidden" name="id" value=id/>
                    <button class="link" aria-description=describe>
                        "Revoke"
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}
