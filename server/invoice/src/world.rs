//! The little that typst can see: one template, the files of one document, the fonts. No file system, no network, no
//! clock.
//!
//! Not through a wrapper crate: those put the data into typst's library, which is then hashed anew for each document,
//! and read a folder of fonts again each time.

use crate::fonts::Fonts;
use std::sync::LazyLock;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// What a document is made of, by the path that the template uses.
pub(crate) struct Files {
    /// The values, as JSON.
    pub(crate) data: Bytes,
    pub(crate) logo: Option<(&'static str, Bytes)>,
    pub(crate) xml: Option<Bytes>,
}

/// One document's view of the world.
pub(crate) struct DocumentWorld<'a> {
    pub(crate) files: &'a Files,
    pub(crate) fonts: &'a Fonts,
}

/// The paths of the template; see `template.typ`.
pub(crate) const DATA: &str = "/data.json";
pub(crate) const XML: &str = "/factur-x.xml";

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static TEMPLATE: LazyLock<Option<Source>> =
    LazyLock::new(|| Some(Source::new(id("/template.typ")?, include_str!("template.typ").to_owned())));
static NOTHING: LazyLock<Source> = LazyLock::new(|| Source::detached(""));

fn id(path: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(path).ok()?).intern())
}

impl World for DocumentWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }

    fn main(&self) -> FileId {
        TEMPLATE.as_ref().unwrap_or(&NOTHING).id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        TEMPLATE.as_ref().filter(|template| template.id() == id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.get().vpath().get_with_slash();
        let file = match path {
            DATA => Some(&self.files.data),
            XML => self.files.xml.as_ref(),
            _ => self.files.logo.as_ref().filter(|(name, _)| *name == path).map(|(_, logo)| logo),
        };
        file.cloned().ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.font(index)
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
