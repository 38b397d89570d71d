//! The desk's books: saving a form, putting on sale, telling of an edition, applying a table. (Forms with files are the
//! router's.)

use crate::error::AppError;
use leptos::prelude::*;
use shop::types::BookForm;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::books::{Applied, NotChanged, NotSaved};
#[cfg(feature = "ssr")]
use shop::types::{BookStatus, Role, Slug, Unfinished};

/// Saves a book's form, or shows how its description will look. What cannot be saved is kept, and the page says why.
///
/// # Errors
/// An unknown book; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-save-book")]
pub async fn admin_save_book(
    /// Names the book; empty for a new one.
    #[server(default)]
    slug: String,
    /// The version that the form was filled from.
    #[server(default)]
    version: i64,
    /// The kept form that this one is of.
    #[server(default)]
    draft: String,
    /// Anything to see the description, and save nothing.
    #[server(default)]
    preview: String,
    /// What was typed.
    #[server(default)]
    book: BookForm,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Admin).await?;
    let (shop, actor) = (context::shop()?, Actor::from(&staff));
    let draft = (!draft.is_empty()).then_some(draft.as_str());
    let slug: Option<Slug> = if slug.is_empty() { None } else { Some(slug.parse()?) };
    let page = slug.as_ref().map_or_else(|| "/admin/books/new".to_owned(), |slug| format!("/admin/books/{slug}"));
    let mut kept = Unfinished { form: book.clone(), version, ..Unfinished::default() };
    if !preview.is_empty() {
        kept.preview = true;
        let name = shop.keep_unfinished(&kept, draft).await?;
        context::see_other(&format!("{page}?draft={name}#description"));
        return Ok(());
    }
    let saved = match &slug {
        None => shop.create_book(&actor, &book, draft).await,
        Some(slug) => shop.save_book(&actor, slug, version, &book).await,
    };
    match saved {
        Ok(saved) => {
            let done = if slug.is_none() { "book-created" } else { "book-saved" };
            context::see_other(&format!("/admin/books/{saved}?done={done}"));
            return Ok(());
        }
        Err(NotSaved::Problems(problems)) => kept.problems = problems,
        Err(NotSaved::Outdated(version)) => {
            kept.version = version;
            kept.outdated = true;
        }
        Err(NotSaved::Shop(error)) => return Err(error.into()),
    }
    let name = shop.keep_unfinished(&kept, draft).await?;
    context::see_other(&format!("{page}?draft={name}"));
    Ok(())
}

/// Puts a book on sale, or takes it off. What is missing for it stands on the page.
///
/// # Errors
/// An unknown book or status; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-set-book-status")]
pub async fn admin_set_book_status(
    /// Names the book.
    slug: String,
    /// `published` or `archived`.
    status: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Admin).await?;
    let slug: Slug = slug.parse()?;
    let status = BookStatus::parse(&status).ok_or(AppError::BAD_REQUEST)?;
    let done = match context::shop()?.set_book_status(&Actor::from(&staff), &slug, status).await {
        Ok(()) if status == BookStatus::Published => "?done=book-published",
        Ok(()) => "?done=book-archived",
        Err(NotChanged::Missing(_)) => "#sale",
        Err(NotChanged::Shop(error)) => return Err(error.into()),
    };
    context::see_other(&format!("/admin/books/{slug}{done}"));
    Ok(())
}

/// Tells everybody who has a book of its newest edition, and nobody twice.
///
/// # Errors
/// A book that has only one edition; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-announce-edition")]
pub async fn admin_announce_edition(
    /// Names the book.
    slug: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Admin).await?;
    let slug: Slug = slug.parse()?;
    context::shop()?.announce_edition(&Actor::from(&staff), &slug).await?;
    context::see_other(&format!("/admin/books/{slug}?done=edition-announced"));
    Ok(())
}

/// A description as HTML, for a page that shows it while somebody types.
///
/// # Errors
/// Our own trouble.
#[server(prefix = "/actions", endpoint = "admin-preview-description")]
pub async fn admin_preview_description(
    /// Markdown.
    #[server(default)]
    description: String,
) -> Result<String, AppError> {
    context::staff(Role::Admin).await?;
    Ok(context::shop()?.description_html(&description))
}

/// Applies a table that was looked over.
///
/// # Errors
/// One that is gone; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-apply-table")]
pub async fn admin_apply_table(
    /// Names the kept table.
    table: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Admin).await?;
    let applied = context::shop()?.apply_table(&Actor::from(&staff), &table).await?;
    match applied {
        Applied::Done { .. } => context::see_other("/admin/books?done=table-applied"),
        Applied::Not => context::see_other(&format!("/admin/books/import?table={table}")),
    }
    Ok(())
}
