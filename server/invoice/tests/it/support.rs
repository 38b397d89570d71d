//! The documents of `tests/documents`, and the tools that read PDF (Debian's poppler-utils).

use invoice::Document;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of documents with what they look like.
pub(crate) fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

/// The names of all of them.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(documents())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// One of them.
pub(crate) fn document(name: &str) -> Document {
    let path = documents().join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What a program makes of a PDF: its standard output.
pub(crate) fn read_with(program: &str, arguments: &[&str], pdf: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.pdf");
    std::fs::write(&path, pdf).unwrap();
    let (before, after) = arguments.split_at(arguments.iter().position(|it| *it == "PDF").unwrap());
    let output = Command::new(program).args(before).arg(&path).args(&after[1..]).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The words of a PDF, in the order in which they were written.
pub(crate) fn words_of(pdf: &[u8]) -> String {
    String::from_utf8(read_with("pdftotext", &["-raw", "-enc", "UTF-8", "PDF", "-"], pdf)).unwrap()
}
