//! The frame of the desk's pages, and that of the pages on the way in.

use crate::components::{DoneNotice, ErrorPage, RefusedNotice};
use crate::context;
use crate::error::{AppError, ErrorCode};
use crate::islands::ThemeSwitch;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::staff::Staff;
use shop::types::Role;

/// A part of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The front page.
    Overview,
    /// The catalogue.
    Books,
    /// Orders.
    Orders,
    /// Buyers.
    Buyers,
    /// What needs a person.
    Attention,
    /// How the store taxes.
    Tax,
    /// Who sells, as invoices say it.
    Invoices,
    /// Programs that are told what happens.
    Webhooks,
    /// Who works here.
    Team,
    /// Who changed what.
    Audit,
    /// One's own account.
    Account,
}

/// What the rail leads to, and who is shown it. (The account is behind one's own address.)
const RAIL: &[(Section, &str, &str, Role)] = &[
    (Section::Overview, "/admin", "Overview", Role::Viewer),
    (Section::Orders, "/admin/orders", "Orders", Role::Viewer),
    (Section::Attention, "/admin/attention", "Needs attention", Role::Viewer),
    (Section::Books, "/admin/books", "Books", Role::Viewer),
    (Section::Buyers, "/admin/buyers", "Buyers", Role::Support),
    (Section::Tax, "/admin/settings/tax", "Tax", Role::Admin),
    (Section::Invoices, "/admin/settings/invoices", "Invoices", Role::Admin),
    (Section::Webhooks, "/admin/webhooks", "Webhooks", Role::Admin),
    (Section::Team, "/admin/team", "Team", Role::Owner),
    (Section::Audit, "/admin/audit", "Audit", Role::Admin),
];

/// A page of the desk: the rail with where one is, who is signed in, the heading, what became of the last form, and the
/// page. Shows nothing of it without the guard: whoever is signed in is known from there.
#[component]
pub fn Desk(
    /// The page's heading and title.
    #[prop(into)]
    title: String,
    /// Where it belongs.
    current: Section,
    /// Beside the heading: what can be done.
    #[prop(optional_no_strip)]
    actions: Option<AnyView>,
    /// The page.
    children: Children,
) -> impl IntoView {
    let Some(staff) = use_context::<Staff>() else {
        return view! { <ErrorPage error=AppError::from(ErrorCode::SignedOut)/> }.into_any();
    };
    view! {
        <Title text=title.clone()/>
        <Meta name="robots" content="noindex"/>
        <div class="desk">
            {rail(&staff, current)}
            <main id="main">
                <div class="desk-head">
                    <h1>{title}</h1>
                    {actions.map(|actions| view! { <div>{actions}</div> })}
                </div>
                <RefusedNotice/>
                <DoneNotice/>
                {children()}
            </main>
        </div>
    }
    .into_any()
}

fn rail(staff: &Staff, current: Section) -> impl IntoView + use<> {
    let role = staff.role;
    let links = RAIL.iter().filter(move |(.., least)| role >= *least).map(move |(section, href, name, _)| {
        let here = (*section == current).then_some("page");
        view! {
            <li>
                <a href=*href aria-current=here>
                    {*name} {(*section == Section::Attention).then(waiting)}
                </a>
            </li>
        }
    });
    view! {
        <header class="rail">
            <a class="brand" href="/">{store_name()}</a>
            <nav aria-label="Desk">
                <ul>{links.collect_view()}</ul>
            </nav>
            <div class="who">
                <a href="/admin/account" aria-current=(current == Section::Account).then_some("page")>
                    {staff.email.as_str().to_owned()}
                </a>
                <span class="tag">{role.label()}</span>
                <ThemeSwitch/>
                <form method="post" action="/actions/admin-sign-out">
                    <button class="link">"Sign out"</button>
                </form>
            </div>
        </header>
    }
}

/// How many things need a person. If that cannot be said, the page is shown without it.
fn waiting() -> impl IntoView {
    Suspend::new(async {
        let count = match context::shop() {
            Ok(shop) => shop.attention_count().await.unwrap_or_default(),
            Err(_) => 0,
        };
        (count > 0).then(|| view! { <span class="count">{count}</span> })
    })
}

fn store_name() -> String {
    context::shop().map_or_else(|_| "Octavo".to_owned(), |shop| shop.store_name().to_owned())
}

/// A page on the way in: one card.
#[component]
pub fn Gate(
    /// The page's heading and title.
    #[prop(into)]
    title: String,
    /// The card.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title.clone()/>
        <Meta name="robots" content="noindex"/>
        <div class="gate">
            <header>
                <a class="brand" href="/">{store_name()}</a>
                <ThemeSwitch/>
            </header>
            <main id="main">
                <h1>{title}</h1>
                <RefusedNotice/>
                <DoneNotice/>
                {children()}
            </main>
        </div>
    }
}
