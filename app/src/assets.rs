//! The names of the stylesheet, of the WebAssembly module and of the loader in this build.
//!
//! Read once: the hash file that `cargo leptos` writes beside the executable does not change under a running server.

use leptos::config::LeptosOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{LazyLock, OnceLock};

const LOADER: &str = include_str!("../../public/loader.js");

/// The desk's styles, a file for each of its parts: no reader of the shop loads them. They are sent as they are, so they
/// use the tokens of the shop's stylesheet and no `light-dark()` of their own.
const DESK: &str = concat!(
    include_str!("../../style/desk.css"),
    include_str!("../../style/desk-parts.css"),
    include_str!("../../style/desk-books.css"),
    include_str!("../../style/desk-orders.css"),
    include_str!("../../style/webhooks.css"),
    include_str!("../../style/analytics.css"),
    include_str!("../../style/trend.css"),
);

/// What the desk's book pages do with scripts.
const DESK_BOOKS: &str = include_str!("../../public/desk-books.js");

/// Where the pages load what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// The stylesheet.
    pub css: String,
    /// The JavaScript half of the WebAssembly module.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// Where the JavaScript and the WebAssembly of this build are asked for: their folder, under a name that is another one
    /// with every build.
    pub build: String,
}

/// The path of the loader (with the hash of its content, so that it may be cached for ever) and its text. The router
/// serves it.
#[must_use]
pub fn loader() -> (&'static str, &'static str) {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = DefaultHasher::new();
        LOADER.hash(&mut hasher);
        format!("/loader.{:016x}.js", hasher.finish())
    });
    (&PATH, LOADER)
}

/// The path of the desk's stylesheet, with the hash of its content, and its text. The router serves it.
#[must_use]
pub fn desk() -> (&'static str, &'static str) {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = DefaultHasher::new();
        DESK.hash(&mut hasher);
        format!("/desk.{:016x}.css", hasher.finish())
    });
    (&PATH, DESK)
}

/// The path of the script of the desk's book pages, with the hash of its content, and its text. The router serves it.
#[must_use]
pub fn desk_books() -> (&'static str, &'static str) {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = DefaultHasher::new();
        DESK_BOOKS.hash(&mut hasher);
        format!("/desk-books.{:016x}.js", hasher.finish())
    });
    (&PATH, DESK_BOOKS)
}

/// The names for this build, from `options` the first time.
pub fn assets(options: &LeptosOptions) -> &'static Assets {
    static ASSETS: OnceLock<Assets> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let hashes = if options.hash_files { read_hashes(&options.hash_file) } else { String::new() };
        named(&options.output_name, &options.site_pkg_dir, &hashes)
    })
}

fn read_hashes(file: &str) -> String {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(file)));
    let Some(path) = beside else { return String::new() };
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        tracing::error!(%error, path = %path.display(), "the hash file of the assets cannot be read");
        String::new()
    })
}

fn named(name: &str, folder: &str, hashes: &str) -> Assets {
    let hash = |kind: &str| {
        let found = hashes.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == kind);
        found.map(|(_, hash)| format!(".{}", hash.trim())).unwrap_or_default()
    };
    // The module, its JavaScript half and the chunks of lazy islands name one another, and `cargo leptos` writes those names
    // into them after it has hashed what they contain: a change of one chunk would leave the name of what loads it as it was,
    // and a browser with last month's copy would ask for a chunk that is gone. So all of them are asked for below the hash of
    // the whole build; what they name is beside them.
    let build = if hashes.is_empty() {
        format!("/{folder}")
    } else {
        let mut hasher = DefaultHasher::new();
        hashes.hash(&mut hasher);
        format!("/{folder}/{:016x}", hasher.finish())
    };
    Assets {
        css: format!("/{folder}/{name}{}.css", hash("css")),
        js: format!("{build}/{name}{}.js", hash("js")),
        wasm: format!("{build}/{name}{}.wasm", hash("wasm")),
        build,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_hashes_of_the_build() {
        let hashes = "js: AbC\nwasm: dEf\ncss: 123\nsplit: ghi\n";
        let assets = named("octavo", "pkg", hashes);
        assert_eq!(assets.css, "/pkg/octavo.123.css");
        assert_eq!(assets.js, format!("{}/octavo.AbC.js", assets.build));
        assert_eq!(assets.wasm, format!("{}/octavo.dEf.wasm", assets.build));
        let plain = named("octavo", "pkg", "");
        assert_eq!((&*plain.css, &*plain.js), ("/pkg/octavo.css", "/pkg/octavo.js"));
    }

    #[test]
    fn a_chunk_that_changes_gives_everything_that_leads_to_it_another_name() {
        let of = |split: &str| named("octavo", "pkg", &format!("js: AbC\nwasm: dEf\ncss: 123\nsplit: {split}\n"));
        let (before, after) = (of("one"), of("two"));
        assert!(before.js != after.js && before.wasm != after.wasm);
        assert_eq!(before.css, after.css);
    }
}
