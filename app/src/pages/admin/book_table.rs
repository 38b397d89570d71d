//! `/admin/books/import`: a table of books is uploaded, looked over with all its differences, and then applied.

use super::book::{said, scripts};
use crate::components::{Desk, Notice, Section};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::books::{Preview, RowChange};
use shop::types::Role;

/// Differences that are shown; the rest is counted.
const SHOWN: usize = 200;

/// The form for a table, or the table to be looked over.
#[component]
pub fn BookTablePage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let said = said(&shop).await?;
        let table = match query("table") {
            Some(name) => {
                let preview = shop.preview_table(&name).await?.ok_or(AppError::NOT_FOUND)?;
                Some((name, preview))
            }
            None => None,
        };
        Ok(view! {
            <Desk title="Import books" current=Section::Books>
                {scripts()} {said} {table.map(|(name, preview)| look_over(name, preview).into_any())} {upload().into_any()}
            </Desk>
        }
        .into_any())
    })
}

fn upload() -> impl IntoView {
    view! {
        <form class="panel" method="post" action="/admin/books/import/table" enctype="multipart/form-data">
            <h2>"Upload a table"</h2>
            <p>
                "CSV with a first line of column names, one of them slug. The export has them all: change it in a spreadsheet and upload it here."
            </p>
            <ul class="notes">
                <li>"You see every difference first; nothing is saved before you say so."</li>
                <li>"A book that has no row, a column that is not there and an empty cell change nothing."</li>
                <li>"A row with a new slug becomes a draft. Nothing is put on sale or taken off."</li>
            </ul>
            <div class="bar">
                <input type="file" name="file" accept=".csv,text/csv" aria-label="CSV file" required/>
                <button>"Look it over"</button>
                <a class="quiet" href="/admin/books/export.csv" download>"Export all books"</a>
            </div>
        </form>
    }
}

fn look_over(name: String, preview: Preview) -> impl IntoView {
    let Preview { changes, same, problems, ignored, outdated } = preview;
    let (new, changed) = (changes.iter().filter(|row| row.new).count(), changes.iter().filter(|row| !row.new).count());
    let ready = problems.is_empty() && !outdated && !changes.is_empty();
    let words = format!("{changed} to change, {new} new, {same} as the table says already.");
    let more = changes.len().saturating_sub(SHOWN);
    let wrong = problems.len();
    let shown_problems = problems.into_iter().take(SHOWN).map(|(line, why)| {
        view! { <li>{format!("Line {line}: {why}")}</li> }
    });
    view! {
        <section class="panel">
            <h2>"What the table says"</h2>
            <p>{words}</p>
            {(!ignored.is_empty())
                .then(|| view! { <p class="note">{format!("Columns that are not read: {}.", ignored.join(", "))}</p> })}
            {outdated
                .then(|| {
                    view! {
                        <Notice bad=true>
                            "A book has changed since the table was uploaded. Upload it again to see what differs now."
                        </Notice>
                    }
                })}
            {(wrong > 0)
                .then(|| {
                    view! {
                        <Notice bad=true>"Nothing can be applied before these lines are right:"</Notice>
                        <ul class="missing">{shown_problems.collect_view()}</ul>
                    }
                })}
            {ready
                .then(|| {
                    view! {
                        <form method="post" action="/actions/admin-apply-table">
                            <input type="hidden" name="table" value=name/>
                            <button>"Apply all of it"</button>
                        </form>
                    }
                })}
        </section>
        {(!changes.is_empty())
            .then(|| {
                view! {
                    <div class="scroll">
                        <table class="table cards">
                            <caption>"Differences"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Book"</th>
                                    <th scope="col">"Column"</th>
                                    <th scope="col">"Saved"</th>
                                    <th scope="col">"In the table"</th>
                                </tr>
                            </thead>
                            <tbody>{changes.into_iter().take(SHOWN).flat_map(rows).collect_view()}</tbody>
                        </table>
                    </div>
                    {(more > 0).then(|| view! { <p class="note">{format!("And {more} more books.")}</p> })}
                }
            })}
    }
}

fn rows(change: RowChange) -> Vec<impl IntoView> {
    let RowChange { slug, new, cells } = change;
    let cells = cells.into_iter().filter(move |(.., value)| !new || !value.is_empty());
    cells
        .map(|(column, before, after)| {
            let name = if new { format!("{slug} (new)") } else { slug.to_string() };
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td data-label="Column">{column}</td>
                    <td data-label="Saved">{before}</td>
                    <td data-label="In the table">{after}</td>
                </tr>
            }
        })
        .collect()
}
