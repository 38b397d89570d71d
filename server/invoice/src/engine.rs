//! The little that typst can see: one template, the files of one document, the fonts. No file system and no network; there
//! is a clock, which the template never looks at.
//!
//! The document's values are a file to typst, and not its input: an input is put into typst's library, which is then hashed
//! anew for each document.

use crate::fonts::Fonts;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use typst::diag::{FileError, FileResult};
use typst::foundations::Bytes;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst_as_lib::file_resolver::FileResolver;
use typst_as_lib::{TypstAsLibError, TypstEngine, TypstTemplateMainFile};
use typst_layout::PagedDocument;

/// What a document is made of, by the path that the template uses.
#[derive(Clone)]
pub(crate) struct Files {
    /// The values, as JSON.
    pub(crate) data: Bytes,
    pub(crate) logo: Option<(&'static str, Bytes)>,
    pub(crate) xml: Option<Bytes>,
}

/// The paths of the template; see `template.typ`.
pub(crate) const DATA: &str = "/data.json";
pub(crate) const XML: &str = "/factur-x.xml";

/// The template, ready for one document after another.
pub(crate) struct Engine {
    engine: TypstEngine<TypstTemplateMainFile>,
    desk: Desk,
}

impl Engine {
    /// None if typst takes the template's name for no path.
    pub(crate) fn new(fonts: &Fonts) -> Option<Self> {
        let path = RootedPath::new(VirtualRoot::Project, VirtualPath::new("/template.typ").ok()?);
        let template = Source::new(path.intern(), include_str!("template.typ").to_owned());
        let desk = Desk::default();
        let engine = TypstEngine::builder()
            .main_file(template)
            .add_file_resolver(desk.clone())
            .fonts(fonts.all().iter().cloned())
            // Done once a document, by whoever runs the threads.
            .comemo_evict_max_age(None)
            .build();
        Some(Self { engine, desk })
    }

    /// The pages of a document, or what typst says is wrong with it.
    pub(crate) fn lay_out(&self, files: Files) -> Result<PagedDocument, String> {
        *self.desk.files() = Some(files);
        let pages = self.engine.compile().output;
        *self.desk.files() = None;
        pages.map_err(|error| match error {
            TypstAsLibError::TypstSource(errors) => {
                errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            error => error.to_string(),
        })
    }
}

/// Where the files of the document lie that is being made.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Option<Files>>>);

impl Desk {
    fn files(&self) -> MutexGuard<'_, Option<Files>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileResolver for Desk {
    fn resolve_binary(&self, id: FileId) -> FileResult<Cow<'_, Bytes>> {
        let (path, files) = (id.get().vpath().get_with_slash(), self.files());
        let file = files.as_ref().and_then(|files| match path {
            DATA => Some(&files.data),
            XML => files.xml.as_ref(),
            _ => files.logo.as_ref().filter(|(name, _)| *name == path).map(|(_, logo)| logo),
        });
        file.cloned().map(Cow::Owned).ok_or(FileError::AccessDenied)
    }

    fn resolve_source(&self, _id: FileId) -> FileResult<Cow<'_, Source>> {
        Err(FileError::AccessDenied)
    }
}
