//! `/admin/settings/tax`: how the store taxes, the rates of its table, and the reports.

use super::settings::{self, Fields, Line};
use crate::components::{Desk, Notice, Section, written};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::tax::TaxRates;
use shop::tax::rates::{Kind, Rate};
use shop::tax::report::Quarter;
use shop::types::{Country, KeptForm, OneStopShop, Role, TaxMode, TaxRefusal, TaxSettings};

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
        let kept = settings::kept(&shop).await?;
        let notice = match (&kept, refused) {
            (Some(form), _) => Some(settings::not_saved(form)),
            (None, why) => why.map(|why| view! { <Notice bad=true>{why.sentence()}</Notice> }.into_any()),
        };
        let differs = Fields::of(kept.as_ref(), "tax").outdated().map(|typed| differences(&settings, typed));
        Ok(view! {
            <Desk title="Tax" current=Section::Tax>
                {notice}
                {differs}
                <div class="side">
                    <div class="stacked">{form(&settings, kept.as_ref())} {table(&rates)} {own(&rates.own)}</div>
                    <div class="stacked">{reports(quarter)} {new_rate(kept.as_ref())}</div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn form(settings: &TaxSettings, kept: Option<&KeptForm>) -> AnyView {
    const SELLER: Line = Line { placeholder: "DE", ..Line::new("Your country", "seller", "tax[seller]", 2) };
    const REGISTERED: Line =
        Line { placeholder: "GB, CH, NO", ..Line::new("Registered also in", "registered", "tax[registered]", 400) };
    let TaxSettings { mode, inclusive, seller, oss, registered, vat_ids, vies } = settings.clone();
    let fields = Fields::of(kept, "tax");
    let version = fields.version(settings.version());
    let mode = fields.value("mode", mode.as_str().to_owned());
    let prices = fields.value("prices", if inclusive { "included" } else { "added" }.to_owned());
    let oss = fields.value("oss", oss.as_str().to_owned());
    let (vat_ids, vies) = (fields.ticked("vat_ids", vat_ids), fields.ticked("vies", vies));
    let (wrong_prices, wrong_oss) = (fields.wrong("prices"), fields.wrong("oss"));
    let modes = TaxMode::ALL.map(|one| {
        view! {
            <option value=one.as_str() selected=one.as_str() == mode>
                {one.label()}
            </option>
        }
    });
    let shops = OneStopShop::ALL.map(|one| {
        view! {
            <option value=one.as_str() selected=one.as_str() == oss>
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
                <input type="hidden" name="version" value=version/>
                <label>"Who works it out" <select name="tax[mode]">{modes}</select></label>
                <label>
                    "Prices"
                    <select name="tax[prices]" aria-invalid=wrong_prices.invalid() aria-describedby=wrong_prices.described()>
                        <option value="included" selected=prices == "included">
                            "Hold the tax"
                        </option>
                        <option value="added" selected=prices == "added">
                            "Without tax: Stripe adds it"
                        </option>
                    </select>
                    {wrong_prices.words()}
                </label>
                {fields.line(&SELLER, seller)}
                <label>
                    "One Stop Shop of the European Union"
                    <select name="tax[oss]" aria-invalid=wrong_oss.invalid() aria-describedby=wrong_oss.described()>
                        {shops}
                    </select>
                    {wrong_oss.words()}
                </label>
                {fields.line(&REGISTERED, registered)}
                <label class="check">
                    <input type="checkbox" name="tax[vat_ids]" value="true" checked=vat_ids/>
                    "Ask businesses for their VAT number"
                    <small>"And everybody for the whole address."</small>
                </label>
                <label class="check">
                    <input type="checkbox" name="tax[vies]" value="true" checked=vies/>
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

/// Field by field, what is saved and what was typed over it.
fn differences(saved: &TaxSettings, typed: &KeptForm) -> AnyView {
    let TaxSettings { mode, inclusive, seller, oss, registered, vat_ids, vies } = saved;
    let words = |is: bool, so: &str, not_so: &str| (if is { so } else { not_so }).to_owned();
    let prices = |included: bool| words(included, "Hold the tax", "Without tax");
    let yes = |on: bool| words(on, "Yes", "No");
    let ticked = |field: &str| yes(!typed.value(field).is_empty());
    let country = seller.map(|country| country.to_string()).unwrap_or_default();
    let typed_mode = typed.value("mode").parse::<TaxMode>().unwrap_or_default();
    let typed_oss = typed.value("oss").parse::<OneStopShop>().unwrap_or_default();
    let rows = [
        ("Who works it out", mode.label().to_owned(), typed_mode.label().to_owned()),
        ("Prices", prices(*inclusive), prices(typed.value("prices") == "included")),
        ("Your country", country, listed(typed.value("seller"))),
        ("One Stop Shop", oss.label().to_owned(), typed_oss.label().to_owned()),
        (
            "Registered also in",
            registered.iter().map(Country::to_string).collect::<Vec<_>>().join(", "),
            listed(typed.value("registered")),
        ),
        ("VAT numbers are asked for", yes(*vat_ids), ticked("vat_ids")),
        ("VAT numbers are looked up", yes(*vies), ticked("vies")),
    ];
    settings::differing(rows, "/admin/settings/tax".to_owned())
}

/// Countries that were typed, as they are written when they are saved.
fn listed(typed: &str) -> String {
    let words = typed.split([',', ' ', ';']).filter(|word| !word.is_empty());
    let mut countries: Vec<String> = words.map(str::to_uppercase).collect();
    countries.sort();
    countries.dedup();
    countries.join(", ")
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

fn new_rate(kept: Option<&KeptForm>) -> AnyView {
    const COUNTRY: Line = Line { required: true, ..Line::new("Country", "country", "country", 2) };
    const PERCENT: Line =
        Line { required: true, inputmode: Some("decimal"), ..Line::new("Percent", "percent", "percent", 8) };
    const FROM: Line = Line { required: true, kind: "date", ..Line::new("From", "from", "from", 10) };
    const SOURCE: Line = Line::new("Source", "note", "note", 200);
    let fields = Fields::of(kept, "rate");
    let chosen = fields.value("kind", String::new());
    let kinds = Kind::ALL.map(|kind| {
        view! {
            <option value=kind.as_str() selected=kind.as_str() == chosen>
                {kind.label()}
            </option>
        }
    });
    view! {
        <section class="panel" aria-labelledby="new-rate">
            <h2 id="new-rate">"Set a rate"</h2>
            <form class="fields" method="post" action="/actions/admin-set-tax-rate">
                {fields.line(&COUNTRY, String::new())}
                <label>"For" <select name="kind">{kinds}</select></label>
                {fields.line(&PERCENT, String::new())}
                {fields.line(&FROM, String::new())}
                {fields.line(&SOURCE, String::new())}
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
