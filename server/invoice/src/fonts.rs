//! The fonts that are compiled in, and those of a folder for the scripts that are not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};
use typst::foundations::Bytes;
use typst::text::{Font, FontBook, FontInfo, FontStyle};
use typst::utils::LazyHash;

/// Noto Sans in the scripts of Europe, Arabic and Hebrew, in the order in which a character looks for its glyph.
static EMBEDDED: [&[u8]; 6] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Bold.ttf"),
];

/// Where Debian's fonts-noto-cjk puts its fonts.
const DEBIAN_CJK: &str = "/usr/share/fonts/opentype/noto";

/// Larger files are no fonts of text.
const MOST_BYTES: u64 = 64 << 20;

static FOLDER: RwLock<Option<PathBuf>> = RwLock::new(None);
static BUILT_IN: LazyLock<Fonts> = LazyLock::new(|| Fonts::new(None));
static WITH_FOLDER: LazyLock<Fonts> = LazyLock::new(|| {
    let folder = FOLDER.read().unwrap_or_else(PoisonError::into_inner).clone();
    Fonts::new(Some(folder.as_deref().unwrap_or(Path::new(DEBIAN_CJK))))
});

/// Says where fonts for further scripts (Chinese, Japanese, Korean) are, in place of the folder of Debian's
/// fonts-noto-cjk. Counts if it is said before the first document that needs one; the folder need not exist.
pub fn look_for_fonts_in(folder: &Path) {
    *FOLDER.write().unwrap_or_else(PoisonError::into_inner) = Some(folder.to_owned());
}

/// Fonts by their place in a book.
pub(crate) struct Fonts {
    book: LazyHash<FontBook>,
    slots: Vec<Slot>,
    files: Vec<File>,
}

/// A font that is there, or the place of one that is read when first used.
enum Slot {
    Here(Font),
    InFile { file: usize, index: u32, font: OnceLock<Option<Font>> },
}

/// A file with one or more fonts, read when first used and kept.
struct File {
    path: PathBuf,
    data: OnceLock<Option<Bytes>>,
}

impl Fonts {
    /// Those that are compiled in.
    pub(crate) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Those, and the ones of the folder, which is looked through at the first call.
    pub(crate) fn with_folder() -> &'static Self {
        &WITH_FOLDER
    }

    fn new(folder: Option<&Path>) -> Self {
        let mut book = FontBook::new();
        let mut slots = Vec::new();
        for font in EMBEDDED.iter().flat_map(|data| Font::iter(Bytes::new(*data))) {
            book.push(font.info().clone());
            slots.push(Slot::Here(font));
        }
        let mut files = Vec::new();
        for path in folder.map(font_files).unwrap_or_default() {
            let Ok(data) = std::fs::read(&path) else { continue };
            for (index, info) in (0..).zip(FontInfo::iter(&data)) {
                if matches!(info.variant.style, FontStyle::Normal)
                    && matches!(info.variant.weight.to_number(), 400 | 700)
                {
                    book.push(info);
                    slots.push(Slot::InFile { file: files.len(), index, font: OnceLock::new() });
                }
            }
            files.push(File { path, data: OnceLock::new() });
        }
        Self { book: LazyHash::new(book), slots, files }
    }

    pub(crate) fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(crate) fn font(&self, index: usize) -> Option<Font> {
        match self.slots.get(index)? {
            Slot::Here(font) => Some(font.clone()),
            Slot::InFile { file, index, font } => {
                font.get_or_init(|| Font::new(self.files.get(*file)?.data()?, *index)).clone()
            }
        }
    }

    /// Whether some font has a glyph for it.
    pub(crate) fn have(&self, character: char) -> bool {
        (0..self.slots.len())
            .filter_map(|index| self.book.info(index))
            .any(|info| info.coverage.contains(u32::from(character)))
    }
}

impl File {
    fn data(&self) -> Option<Bytes> {
        self.data.get_or_init(|| std::fs::read(&self.path).ok().map(Bytes::new)).clone()
    }
}

/// The font files right in the folder, sorted, so that the same folder makes the same document everywhere.
fn font_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let fonts = entries.filter(|entry| entry.metadata().is_ok_and(|file| file.is_file() && file.len() <= MOST_BYTES));
    let is_font = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        matches!(extension.as_deref(), Some("ttf" | "otf" | "ttc" | "otc"))
    };
    let sorted: BTreeSet<_> = fonts.map(|entry| entry.path()).filter(is_font).collect();
    sorted.into_iter().collect()
}
