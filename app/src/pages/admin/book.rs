//! `/admin/books/{slug}` and `/admin/books/new`: one book with its form, its place in the shop, files, editions and cover.

use super::book_form::{Place, form};
use super::books::tag;
use super::settings::differing;
use crate::assets;
use crate::components::{Cover, CoverSize, Desk, Notice, Section, text, written};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, param, query};
use leptos::prelude::*;
use shop::Shop;
use shop::types::{BookForm, BookStatus, DeskBook, DeskEdition, PersonField, PriceField, Role, Slug, Unfinished};

/// A form that was kept, by its name in the address.
async fn kept(shop: &Shop) -> Result<Option<(String, Unfinished)>, AppError> {
    let Some(name) = query("draft") else { return Ok(None) };
    Ok(shop.unfinished(&name).await?.map(|form| (name, form)))
}

/// What these pages do with scripts.
pub(super) fn scripts() -> AnyView {
    view! { <script r#type="module" src=assets::desk_books().0></script> }.into_any()
}

/// Why files were refused, if that is why somebody is here.
pub(super) async fn said(shop: &Shop) -> Result<Option<AnyView>, AppError> {
    let words = match query("said") {
        Some(name) => shop.kept_words(&name).await?,
        None => None,
    };
    Ok(words.map(|words| view! { <Notice bad=true>{words}</Notice> }.into_any()))
}

fn refused(unfinished: &Unfinished) -> impl IntoView + use<> {
    let count = unfinished.problems.len();
    let words = match (unfinished.outdated, count) {
        (true, _) => Some(
            "Somebody has saved this book while you were typing, so nothing of yours is saved yet. Below is what you typed; saving again puts it in the place of what is there.".to_owned(),
        ),
        (false, 0) => None,
        (false, 1) => Some("Not saved yet: one field needs another look.".to_owned()),
        (false, count) => Some(format!("Not saved yet: {count} fields need another look.")),
    };
    words.map(|words| view! { <Notice bad=true>{words}</Notice> })
}

/// A new book.
#[component]
pub fn NewBookPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let kept = kept(&shop).await?;
        let said = said(&shop).await?;
        let blank = kept.is_none();
        let (draft, unfinished) = match kept {
            Some((name, form)) => (Some(name), form),
            None => (None, empty(&shop)),
        };
        let preview = unfinished.preview.then(|| shop.description_html(&unfinished.form.description));
        let place = Place { slug: String::new(), currency: shop.currency().code(), draft, movable: true, preview };
        let brought =
            (unfinished.file.is_some() || unfinished.cover.is_some()).then(|| brought(&unfinished).into_any());
        Ok(view! {
            <Desk title="Add a book" current=Section::Books>
                {scripts()}
                {said}
                {refused(&unfinished).into_any()}
                {blank.then(|| upload_epub().into_any())}
                {brought}
                {form(&unfinished, &place).into_any()}
            </Desk>
        }
        .into_any())
    })
}

fn empty(shop: &Shop) -> Unfinished {
    let author = PersonField { name: String::new(), role: "author".to_owned() };
    let price = PriceField { currency: shop.currency().code().to_owned(), amount: String::new() };
    let form = BookForm { language: "en".to_owned(), people: vec![author], prices: vec![price], ..BookForm::default() };
    Unfinished { form, ..Unfinished::default() }
}

fn upload_epub() -> impl IntoView {
    view! {
        <form class="panel" method="post" action="/admin/books/new/epub" enctype="multipart/form-data">
            <h2>"Begin with an EPUB"</h2>
            <p class="note">
                "What it says of itself fills the form: title, people, language, ISBN, description, cover. It becomes the book’s first file."
            </p>
            <div class="bar">
                <input type="file" name="file" accept=".epub,application/epub+zip" aria-label="EPUB" required/>
                <button>"Upload"</button>
            </div>
        </form>
    }
}

/// What an EPUB brought besides the form's fields.
fn brought(unfinished: &Unfinished) -> impl IntoView + use<> {
    let cover = unfinished.cover.clone();
    let form = &unfinished.form;
    let picture = cover.map(|(key, accent)| {
        let picture = shop::types::Cover { key };
        let (title, byline) = (form.title.clone(), String::new());
        view! { <Cover picture=Some(picture) title byline accent size=CoverSize::Thumb/> }
    });
    let notes = unfinished.notes.clone();
    let file = unfinished.file.is_some();
    view! {
        <section class="panel brought">
            <h2>"From the EPUB"</h2>
            <div class="bar">
                {picture}
                <p>
                    {if file { "The file waits here and becomes the book’s first one when you save." } else { "" }}
                </p>
            </div>
            {(!notes.is_empty())
                .then(|| {
                    view! { <ul class="notes">{notes.into_iter().map(|note| view! { <li>{note}</li> }).collect_view()}</ul> }
                })}
        </section>
    }
}

/// A book.
#[component]
pub fn BookPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let slug: Slug = param("slug").parse()?;
        let shop = context::shop()?;
        let book = shop.desk_book(&slug).await?.ok_or(AppError::NOT_FOUND)?;
        let (kept, said) = (kept(&shop).await?, said(&shop).await?);
        let may = staff.role >= Role::Admin;
        let tax_code = if may { shop.book_tax_code(&slug).await? } else { None };
        let title = book.form.title.clone();
        let (draft, unfinished) = match kept {
            Some((name, form)) => (Some(name), form),
            None => (None, Unfinished { form: book.form.clone(), version: book.version, ..Unfinished::default() }),
        };
        let preview = unfinished.preview.then(|| shop.description_html(&unfinished.form.description));
        let place = Place {
            slug: slug.to_string(),
            currency: shop.currency().code(),
            draft,
            movable: book.status == BookStatus::Draft,
            preview,
        };
        let differs = unfinished.outdated.then(|| differences(&slug, &book.form, &unfinished.form));
        Ok(view! {
            <Desk title=title current=Section::Books actions=Some(head(&book).into_any())>
                {scripts()}
                {said}
                {refused(&unfinished).into_any()}
                {differs}
                <div class="side">
                    <div class="stacked">
                        {if may {
                            form(&unfinished, &place).into_any()
                        } else {
                            facts(&book.form).into_any()
                        }}
                    </div>
                    <div class="stacked">
                        {sale(&book, may).into_any()}
                        {cover(&book, may).into_any()}
                        {files(&book, may).into_any()}
                        {may.then(|| new_edition(&book).into_any())}
                        {tax_code.map(|code| super::book_tax::panel(&book.slug, code))}
                    </div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn head(book: &DeskBook) -> impl IntoView + use<> {
    let shown = book.status == BookStatus::Published;
    let address = format!("/books/{}", book.slug);
    view! {
        {tag(book.status)}
        {shown.then(|| view! { <a class="quiet" href=address>"See it in the shop"</a> })}
    }
}

/// Field by field, what is saved and what was typed over it.
fn differences(slug: &Slug, saved: &BookForm, typed: &BookForm) -> AnyView {
    let people = |form: &BookForm| {
        let named = form.people.iter().filter(|person| !person.name.trim().is_empty());
        named.map(|person| format!("{} ({})", person.name, person.role)).collect::<Vec<_>>().join("; ")
    };
    let prices = |form: &BookForm| {
        let set = form.prices.iter().filter(|price| !price.amount.trim().is_empty());
        set.map(|price| format!("{} {}", price.currency, price.amount)).collect::<Vec<_>>().join("; ")
    };
    let rows = [
        ("Title", saved.title.clone(), typed.title.clone()),
        ("Subtitle", saved.subtitle.clone(), typed.subtitle.clone()),
        ("People", people(saved), people(typed)),
        ("Prices", prices(saved), prices(typed)),
        ("Description", saved.description.clone(), typed.description.replace("\r\n", "\n").trim().to_owned()),
        ("Address", saved.slug.clone(), typed.slug.clone()),
        ("Language", saved.language.clone(), typed.language.clone()),
        ("ISBN", saved.isbn.clone(), typed.isbn.clone()),
        ("Publisher", saved.publisher.clone(), typed.publisher.clone()),
        ("First published", saved.published_on.clone(), typed.published_on.clone()),
    ];
    differing(rows, format!("/admin/books/{slug}"))
}

/// For those who may look only.
fn facts(form: &BookForm) -> impl IntoView + use<> {
    let people = form.people.iter().map(|person| format!("{} ({})", person.name, person.role)).collect::<Vec<_>>();
    let prices = form.prices.iter().map(|price| format!("{} {}", price.amount, price.currency)).collect::<Vec<_>>();
    let rows = [
        ("Subtitle", form.subtitle.clone()),
        ("People", people.join("; ")),
        ("Prices", prices.join("; ")),
        ("Language", text::language(&form.language).to_owned()),
        ("ISBN", form.isbn.clone()),
        ("Publisher", form.publisher.clone()),
        ("First published", written::day(&form.published_on)),
        ("Address", form.slug.clone()),
    ];
    let row = |(name, value): (&'static str, String)| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    view! {
        <section class="panel">
            <h2>"The book"</h2>
            <dl class="defs">{rows.into_iter().filter(|(_, value)| !value.is_empty()).map(row).collect_view()}</dl>
        </section>
    }
}

fn status_form(book: &DeskBook, to: BookStatus, words: &'static str, class: &'static str) -> impl IntoView + use<> {
    view! {
        <form method="post" action="/actions/admin-set-book-status">
            <input type="hidden" name="slug" value=book.slug.to_string()/>
            <input type="hidden" name="status" value=to.as_str()/>
            <button class=class>{words}</button>
        </form>
    }
}

fn sale(book: &DeskBook, may: bool) -> impl IntoView + use<> {
    let readers = match book.readers {
        0 => "Nobody has it yet.".to_owned(),
        1 => "1 reader has it.".to_owned(),
        readers => format!("{readers} readers have it."),
    };
    let missing = book.missing.clone();
    let ready = missing.is_empty();
    let words = match (book.status, ready) {
        (BookStatus::Published, true) => "It is on sale.",
        (BookStatus::Published, false) => "It is on sale, though something is missing:",
        (_, true) => "Everything is there to put it on sale.",
        (_, false) => "To put it on sale, this is missing:",
    };
    let action = may.then(|| match book.status {
        BookStatus::Published => view! {
            {status_form(book, BookStatus::Archived, "Take it off sale", "quiet")}
            <p class="note">"Whoever has bought it keeps it, with all files; you can publish it again."</p>
        }
        .into_any(),
        _ if ready => status_form(book, BookStatus::Published, "Publish", "").into_any(),
        BookStatus::Draft | BookStatus::Archived => ().into_any(),
    });
    view! {
        <section class="panel" id="sale">
            <h2>"In the shop"</h2>
            <p>{words}</p>
            {(!ready)
                .then(|| {
                    view! { <ul class="missing">{missing.into_iter().map(|one| view! { <li>{one}</li> }).collect_view()}</ul> }
                })}
            <p class="note">{readers}</p>
            {action}
        </section>
    }
}

fn cover(book: &DeskBook, may: bool) -> impl IntoView + use<> {
    let (title, accent, picture) = (book.form.title.clone(), book.accent.clone(), book.cover.clone());
    let byline = book.form.people.first().map(|person| person.name.clone()).unwrap_or_default();
    let action = format!("/admin/books/{}/cover", book.slug);
    let swatch = accent.clone();
    let upload = may.then(|| {
        view! {
            <form method="post" action=action enctype="multipart/form-data" class="stacked">
                <input type="file" name="file" accept="image/jpeg,image/png,image/webp" aria-label="Picture" required/>
                <small class="note">"JPEG, PNG or WebP; two to three is best, 1600 × 2400 is good."</small>
                <button class="quiet">"Upload cover"</button>
            </form>
        }
        .into_any()
    });
    view! {
        <section class="panel" id="cover">
            <h2>"Cover"</h2>
            <div class="cover-row">
                <Cover picture title byline accent size=CoverSize::Detail/>
                <div class="stacked">
                    <p class="note">
                        <span class="swatch" style=format!("--a:{swatch}") aria-hidden="true"></span>
                        "Its colour: "
                        {swatch}
                    </p>
                    {upload}
                </div>
            </div>
        </section>
    }
}

fn files(book: &DeskBook, may: bool) -> impl IntoView + use<> {
    let action = format!("/admin/books/{}/files", book.slug);
    let none = book.editions.is_empty();
    let upload = may.then(|| {
        view! {
            <form method="post" action=action enctype="multipart/form-data" class="stacked">
                <input
                    type="file"
                    name="file"
                    multiple
                    accept=".epub,.pdf,.mp3,.m4b,.zip"
                    aria-label="Files for the newest edition"
                    required
                />
                <small class="note">
                    "EPUB, PDF, MP3, M4B, and a ZIP for what belongs to the book. A file takes the place of the one of its format; buyers have it at once."
                </small>
                <button class="quiet">"Upload files"</button>
            </form>
        }
        .into_any()
    });
    view! {
        <section class="panel" id="files">
            <h2>"Files"</h2>
            {none.then(|| view! { <p class="note">"None yet."</p> })}
            {book.editions.iter().map(|one| edition(one).into_any()).collect_view()}
            {upload}
        </section>
    }
}

fn edition(edition: &DeskEdition) -> impl IntoView + use<> {
    let DeskEdition { label, changelog, added_on, files, .. } = edition.clone();
    let file = |(name, info, sha256): (String, shop::types::FormatInfo, String)| {
        view! {
            <li>
                <span class="tag">{info.format.label()}</span>
                " "
                {name}
                " "
                <small class="note" title=format!("SHA-256 {sha256}")>{info.size()}</small>
            </li>
        }
    };
    view! {
        <div class="edition">
            <h3>{label}</h3>
            <p class="note">{format!("Since {}", written::day(&added_on))}</p>
            <ul class="files">{files.into_iter().map(file).collect_view()}</ul>
            {(!changelog.trim().is_empty())
                .then(|| {
                    view! {
                        <details>
                            <summary>"What is new in it"</summary>
                            <p class="changelog">{changelog}</p>
                        </details>
                    }
                })}
        </div>
    }
}

fn new_edition(book: &DeskBook) -> impl IntoView + use<> {
    let action = format!("/admin/books/{}/editions", book.slug);
    let slug = book.slug.to_string();
    let tell = book.readers > 0;
    let announce = (book.editions.len() > 1).then(|| {
        view! {
            <form method="post" action="/actions/admin-announce-edition">
                <input type="hidden" name="slug" value=slug/>
                <button class="quiet">"Tell buyers of the newest edition"</button>
            </form>
            <p class="note">"One mail to each buyer, and to nobody twice."</p>
        }
        .into_any()
    });
    view! {
        <section class="panel" id="editions">
            <h2>"New edition"</h2>
            <form method="post" action=action enctype="multipart/form-data" class="fields">
                <label>
                    "Label" <input name="label" maxlength="100" placeholder="Second edition" required autocomplete="off"/>
                </label>
                <label>
                    "What is new" <textarea name="changelog" rows="4" maxlength="20000"></textarea>
                    <small>"Markdown. Buyers read it beside their files."</small>
                </label>
                <label>
                    "Files of the edition"
                    <input type="file" name="file" multiple accept=".epub,.pdf,.mp3,.m4b,.zip" required/>
                    <small>"Buyers have them at once; the old ones stay within their reach."</small>
                </label>
                {tell
                    .then(|| {
                        view! {
                            <label class="check">
                                <input type="checkbox" name="tell" value="yes"/>
                                "Tell buyers by mail"
                            </label>
                        }
                    })}
                <button>"Add the edition"</button>
            </form>
            {announce}
        </section>
    }
}
