//! The fonts that are compiled in, and those of a folder for the scripts that are not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, PoisonError, RwLock};
use typst::foundations::Bytes;
use typst::text::{Font, FontInfo, FontStyle};

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

/// Fonts, and what they have glyphs for.
pub(crate) struct Fonts {
    fonts: Vec<Font>,
}

impl Fonts {
    /// Those that are compiled in.
    pub(crate) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Those, and the ones of the folder, which is read at the first call.
    pub(crate) fn with_folder() -> &'static Self {
        &WITH_FOLDER
    }

    fn new(folder: Option<&Path>) -> Self {
        let mut fonts: Vec<Font> = EMBEDDED.iter().flat_map(|data| Font::iter(Bytes::new(*data))).collect();
        // What a font of the same weight has glyphs for already. A family for CJK comes in five regional forms of twenty
        // megabytes each, and with serifs as well.
        let mut covered: HashMap<u16, HashSet<u32>> = HashMap::new();
        for font in &fonts {
            covered.entry(weight(font.info())).or_default().extend(font.info().coverage.iter());
        }
        for path in folder.map(font_files).unwrap_or_default() {
            let Ok(data) = std::fs::read(&path) else { continue };
            let wanted: Vec<u32> = (0..)
                .zip(FontInfo::iter(&data))
                .filter(|(_, info)| {
                    let upright = matches!(info.variant.style, FontStyle::Normal) && [400, 700].contains(&weight(info));
                    let known = covered.entry(weight(info)).or_default();
                    // All of them, not only up to the first new one.
                    upright && info.coverage.iter().filter(|glyph| known.insert(*glyph)).count() > 0
                })
                .map(|(index, _)| index)
                .collect();
            if !wanted.is_empty() {
                let data = Bytes::new(data);
                fonts.extend(wanted.into_iter().filter_map(|index| Font::new(data.clone(), index)));
            }
        }
        Self { fonts }
    }

    pub(crate) fn all(&self) -> &[Font] {
        &self.fonts
    }

    /// Whether some font has a glyph for it.
    pub(crate) fn have(&self, character: char) -> bool {
        self.fonts.iter().any(|font| font.info().coverage.contains(u32::from(character)))
    }

    /// Whether the first font that has the letter has the mark too.
    pub(crate) fn show_together(&self, letter: char, mark: char) -> bool {
        let has = |font: &&Font, character: char| font.info().coverage.contains(u32::from(character));
        self.fonts.iter().find(|font| has(font, letter)).is_some_and(|font| has(&font, mark))
    }
}

fn weight(info: &FontInfo) -> u16 {
    info.variant.weight.to_number()
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
