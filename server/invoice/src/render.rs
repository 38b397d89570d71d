//! A document becomes a PDF.
//!
//! typst's cache is one for the whole process and grows with every document unless it is emptied, so two threads of
//! our own do all the work and empty it after each document, whatever came of it.

use crate::document::{Document, Logo};
use crate::engine::{Engine, Files, XML};
use crate::facturx::{self, shortcomings};
use crate::text::Typesetter;
use crate::view::View;
use chrono::{Datelike, NaiveDate};
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// A document could not be made. The data is at fault in no case that we know of: a logo that cannot be read is left
/// out, a character without a glyph is replaced.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no rules to write its amounts or dates.
    #[error("the document's amounts or dates cannot be written")]
    Unformattable(#[from] locale::Unformattable),
    /// typst refused it, with what it said.
    #[error("the document cannot be laid out: {0}")]
    Layout(String),
    /// Its machine-readable half cannot be written.
    #[error("the document's XML cannot be written")]
    Xml(#[from] std::io::Error),
    /// Something else that should not happen, in words.
    #[error("the document cannot be made: {0}")]
    Broken(&'static str),
}

/// How many documents are made at a time.
const THREADS: usize = 2;

struct Job {
    files: Files,
    typesetter: Typesetter,
    view: View,
    identity: String,
    answer: SyncSender<Result<Vec<u8>, Error>>,
}

static POOL: LazyLock<Option<Sender<Job>>> = LazyLock::new(|| {
    let (sender, jobs) = channel();
    let jobs = Arc::new(Mutex::new(jobs));
    let started = (0..THREADS).filter(|number| {
        let jobs = Arc::clone(&jobs);
        std::thread::Builder::new().name(format!("invoice-{number}")).spawn(move || work(&jobs)).is_ok()
    });
    (started.count() > 0).then_some(sender)
});

/// Makes the PDF of a document: tagged PDF/A-3, the same bytes for the same document (and the same fonts), with its
/// EN 16931 XML inside unless it has [`shortcomings`].
///
/// Takes milliseconds of one of two threads and blocks until it is done, so from async code it belongs on the
/// blocking pool.
///
/// # Errors
/// [`Error`]; none that another try would mend.
pub fn render(document: &Document) -> Result<Vec<u8>, Error> {
    let (printable, typesetter) = Typesetter::printable(document);
    let logo = document.seller.logo.as_ref().and_then(logo_file);
    let xml = if shortcomings(document).is_empty() { Some(Bytes::new(facturx::write(document)?)) } else { None };
    let view =
        View::of(&printable)?.with_logo(logo.as_ref().map(|(path, _)| *path)).with_xml(xml.as_ref().map(|_| XML));
    let files = Files { data: Bytes::new([]), logo, xml };
    let identity = format!("{}\n{}\n{}", document.seller.name, document.number, document.issued_on);
    let (answer, result) = sync_channel(1);
    let pool = POOL.as_ref().ok_or(Error::Broken("no thread to make it on"))?;
    pool.send(Job { files, typesetter, view, identity, answer }).map_err(|_| Error::Broken("its thread is gone"))?;
    result.recv().map_err(|_| Error::Broken("its thread gave no answer"))?
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let engines = Engines::default();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { files, typesetter, view, identity, answer }) = job else { return };
        let made = catch_unwind(AssertUnwindSafe(|| make(engines.with(&typesetter)?, files, view, &identity)));
        // Without this memory grows by half a megabyte a document.
        typst::comemo::evict(1);
        // Nobody waits for it any more: nothing to do about that.
        answer.send(made.unwrap_or(Err(Error::Broken("typst panicked")))).ok();
    }
}

/// A thread's own: the one for the built-in fonts, and the one for those of the folder as well.
#[derive(Default)]
struct Engines {
    built_in: OnceCell<Option<Engine>>,
    with_folder: OnceCell<Option<Engine>>,
}

impl Engines {
    fn with(&self, typesetter: &Typesetter) -> Result<&Engine, Error> {
        let kept = if typesetter.needs_folder { &self.with_folder } else { &self.built_in };
        kept.get_or_init(|| Engine::new(typesetter.fonts)).as_ref().ok_or(Error::Broken("there is no template"))
    }
}

fn make(engine: &Engine, mut files: Files, mut view: View, identity: &str) -> Result<Vec<u8>, Error> {
    let mut made = pdf(engine, &mut files, &mut view, identity);
    if made.is_err() && files.logo.take().is_some() {
        view = view.with_logo(None);
        made = pdf(engine, &mut files, &mut view, identity);
    }
    made
}

fn pdf(engine: &Engine, files: &mut Files, view: &mut View, identity: &str) -> Result<Vec<u8>, Error> {
    let mut layout = laid_out(engine, files, view)?;
    if layout.pages().len() > 1 {
        view.pages = layout.pages().len();
        layout = laid_out(engine, files, view)?;
    }
    let standards = PdfStandards::new(&[PdfStandard::A_3a]).map_err(|_| Error::Broken("no such standard"))?;
    let options = PdfOptions {
        ident: Smart::Custom(identity.to_owned()),
        creator: Smart::Custom(Some("Octavo".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&layout, &options).map_err(|errors| {
        let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        Error::Layout(messages.join("; "))
    })?;
    if files.xml.is_some() { facturx::declare(&pdf).map_err(Error::Broken) } else { Ok(pdf) }
}

fn laid_out(engine: &Engine, files: &mut Files, view: &View) -> Result<PagedDocument, Error> {
    let data = serde_json::to_vec(view).map_err(|_| Error::Broken("its values are no JSON"))?;
    files.data = Bytes::new(data);
    let mut pages = engine.lay_out(files.clone()).map_err(Error::Layout)?;
    // Not by the template: what it sets is part of the key under which typst keeps what it has laid out, and so a title that differs
    // from document to document would have all of it laid out anew: the seller, the headings, every label.
    let info = pages.info_mut();
    info.title = Some(view.title.as_str().into());
    info.author = vec![view.seller.as_str().into()];
    info.date = Smart::Custom(day(view.date));
    Ok(pages)
}

fn day(date: NaiveDate) -> Option<Datetime> {
    Datetime::from_ymd(date.year(), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?)
}

/// Under which name typst recognises the picture, if it is one.
fn logo_file(Logo(data): &Logo) -> Option<(&'static str, Bytes)> {
    let path = match data.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "/logo.png",
        [0xFF, 0xD8, 0xFF, ..] => "/logo.jpg",
        [b'<', ..] => "/logo.svg",
        _ => return None,
    };
    Some((path, Bytes::new(data.clone())))
}
