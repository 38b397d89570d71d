//! `/admin/settings/tax`: how the store taxes, the rates of its table, and the reports.

use crate::components::{Desk, Notice, Section, written};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::tax::TaxRates;
use shop::tax::rates::{Kind, Rate};
use shop::tax::report::Quarter;
use shop::types::{Country, OneStopShop, Role, TaxMode, TaxRefusal, TaxSettings};

/// The settings, the reports, the rates of today and those that the operator has set.
#[component]
pub fn TaxPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let (settings, rates) = (shop.tax_settings().await?, shop.tax_rates().await?);
        let quarter = shop.this_quarter();
        let refused = query("refused");
        let refused = TaxRefusal::ALL.into_iter().find(|why| Some(why.as_str()) == refused.as_deref());
        Ok(view! {
            <Desk title="Tax" current=Section::Tax>
                {refused.map(|why| view! { <Notice bad=true>{why.sentence()}</Notice> })}
                <div class="side">
                    <div class="stacked">{form(&settings)} {table(&rates)} {own(&rates.own)}</div>
                    <div class="stacked">{reports(quarter)} {new_rate()}</div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn form(settings: &TaxSettings) -> AnyView {
    let TaxSettings { mode, inclusive, seller, oss, registered, vat_ids, vies } = settings.clone();
    let modes = TaxMode::ALL.map(|one| {
        view! {
            <option value=one.as_str() selected=one == mode>
                {one.label()}
            </option>
        }
    });
    let shops = OneStopShop::ALL.map(|one| {
        view! {
            <option value=one.as_str() selected=one == oss>
                {one.label()}
            </option>
        }
    });
    let seller = seller.map(|country| country.to_string()).unwrap_or_default();
    let registered = registered.iter().map(Country::to_string).collect::<Vec<_>>().join(", ");
    view! {
        <section class="panel" aria-labelledby="settings">
            <h2 id="settings">"How the store taxes"</h2>
            <form class="fields" method="post" action="/actions/admin-save-tax">
                <label>"Who works it out" <select name="mode">{modes}</select></label>
                <label>
                    "Prices"
                    <select name="prices">
                        <option value="included" selected=inclusive>
                            "Hold the tax"
                        </option>
                        <option value="added" selected=!inclusive>
                            "Without tax: Stripe adds it"
                        </option>
                    </select>
                </label>
                <label>
                    "Your country"
                    <input name="seller" value=seller maxlength="2" size="4" autocomplete="off" placeholder="DE"/>
                </label>
                <label>"One Stop Shop of the European Union" <select name="oss">{shops}</select></label>
                <label>
                    "Registered also in"
                    <input name="registered" value=registered maxlength="400" autocomplete="off" placeholder="GB, CH, NO"/>
                </label>
                <label class="check">
                    <input type="checkbox" name="vat_ids" value="true" checked=vat_ids/>
                    "Ask businesses for their VAT number"
                    <small>"And everybody for the whole address."</small>
                </label>
                <label class="check">
                    <input type="checkbox" name="vies" value="true" checked=vies/>
                    "Look the number up in the Union’s register (VIES)"
                    <small>"When it does not answer within two seconds, the number’s form decides."</small>
                </label>
                <p class="note">
                    "It holds for who begins to pay from now on. With Stripe Tax, countries and registrations are set in Stripe’s dashboard."
                </p>
                <button>"Save"</button>
            </form>
        </section>
    }
    .into_any()
}

/// The last eight quarters.
fn reports(this: Quarter) -> AnyView {
    let quarters: Vec<Quarter> = std::iter::successors(Some(this), |quarter| Some(quarter.before())).take(8).collect();
    let last = this.before();
    let choices = quarters.into_iter().map(|quarter| {
        let name = quarter.to_string();
        view! {
            <option value=name.clone() selected=quarter == last>
                {name.clone()}
            </option>
        }
    });
    view! {
        <section class="panel" aria-labelledby="report">
            <h2 id="report">"Report of a quarter"</h2>
            <form class="fields" method="get" action="/admin/settings/tax/report.csv">
                <label>"Quarter" <select name="quarter">{choices.collect_view()}</select></label>
                <p class="note">
                    "Net, tax and gross by country, rate and treatment, in each currency; refunds in the quarter in which they were made."
                </p>
                <button class="quiet">"Download CSV"</button>
            </form>
        </section>
    }
    .into_any()
}

fn new_rate() -> AnyView {
    let kinds = Kind::ALL.map(|kind| view! { <option value=kind.as_str()>{kind.label()}</option> });
    view! {
        <section class="panel" aria-labelledby="new-rate">
            <h2 id="new-rate">"Set a rate"</h2>
            <form class="fields" method="post" action="/actions/admin-set-tax-rate">
                <label>"Country" <input name="country" required maxlength="2" size="4" autocomplete="off"/></label>
                <label>"For" <select name="kind">{kinds}</select></label>
                <label>
                    "Percent" <input name="percent" required inputmode="decimal" maxlength="8" autocomplete="off"/>
                </label>
                <label>"From" <input type="date" name="from" required/></label>
                <label>"Source" <input name="note" maxlength="200" autocomplete="off"/></label>
                <button>"Set the rate"</button>
            </form>
        </section>
    }
    .into_any()
}

/// What holds today, country by country.
fn table(rates: &TaxRates) -> AnyView {
    let cell = |rate: &Option<Rate>, kind: Kind| {
        let words = rate.as_ref().map_or_else(|| "–".to_owned(), |rate| written::rate(rate.ppm));
        let own = rate.as_ref().is_some_and(|rate| rate.own);
        view! {
            <td data-label=kind.label()>
                {words} {own.then(|| view! { " " <span class="tag">"Own"</span> })}
            </td>
        }
    };
    let rows = rates
        .today
        .iter()
        .map(|(country, [ebook, standard])| {
            let source = ebook.as_ref().map(|rate| rate.source.clone()).unwrap_or_default();
            view! {
                <tr>
                    <th scope="row">{written::country(&country.to_string())}</th>
                    {cell(ebook, Kind::Ebook)}
                    {cell(standard, Kind::Standard)}
                    <td data-label="Known from">{source}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="ask">
            <summary>"The rates of today"</summary>
            <div class="scroll">
                <table class="table cards">
                    <caption>"Value-added tax by country"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Country"</th>
                            <th scope="col">{Kind::Ebook.label()}</th>
                            <th scope="col">{Kind::Standard.label()}</th>
                            <th scope="col">"Known from"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

/// What the operator has set, with the way to take it back.
fn own(rates: &[Rate]) -> Option<AnyView> {
    let rows: Vec<_> = rates
        .iter()
        .filter(|rate| rate.own)
        .map(|rate| {
            let (country, from) = (rate.country.to_string(), rate.valid_from.to_string());
            let named = written::country(&country);
            let since = written::day(&from);
            let words = format!("{named}, {}: {} from {since}", rate.kind.label(), written::rate(rate.ppm));
            view! {
                <li>
                    <div>
                        <h3>{words.clone()}</h3>
                        <p class="note">{rate.source.clone()}</p>
                    </div>
                    <form method="post" action="/actions/admin-remove-tax-rate">
                        <input type="hidden" name="country" value=country/>
                        <input type="hidden" name="kind" value=rate.kind.as_str()/>
                        <input type="hidden" name="from" value=from/>
                        <button class="quiet" aria-description=words>
                            "Remove"
                        </button>
                    </form>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="own-rates">
                <h2 id="own-rates">"Your own rates"</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
        .into_any()
    })
}
