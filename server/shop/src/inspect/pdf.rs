//! PDFs: whole, and readable by everybody.

use super::Refused;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The end of the file must be within so many of its last bytes (as Acrobat reads it, ISO 32000-1, annex H, note 18).
const TAIL: u64 = 2 * 1024;

pub(super) fn check(path: &Path) -> Result<(), Refused> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.by_ref().take(TAIL).read_to_end(&mut tail)?;
    if !tail.windows(5).any(|window| window == b"%%EOF") {
        return Err(Refused::because("The PDF has no end. Was it sent as a whole?"));
    }
    // An encrypted document names its dictionary in the trailer (ISO 32000-2, 7.6.1), which is never packed itself.
    file.seek(SeekFrom::Start(0))?;
    let mut window = Vec::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        window.extend_from_slice(piece.get(..read).unwrap_or_default());
        if has_encryption(&window) {
            return Err(Refused::because(
                "The PDF is encrypted: buyers could not open it, or not print it. Save it without password and permissions.",
            ));
        }
        // What may be the beginning of the words is looked at again.
        window.drain(..window.len().saturating_sub(64));
    }
}

/// `/Encrypt 12 0 R` or `/Encrypt <<…`.
fn has_encryption(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"/Encrypt";
    bytes.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY).any(|(at, _)| {
        let rest = bytes.get(at + KEY.len()..).unwrap_or_default();
        let rest: Vec<u8> = rest.iter().copied().skip_while(u8::is_ascii_whitespace).take(40).collect();
        if rest.starts_with(b"<<") {
            return true;
        }
        let mut parts = rest.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty());
        let is_number = |part: Option<&[u8]>| part.is_some_and(|part| part.iter().all(u8::is_ascii_digit));
        is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some_and(|part| part.starts_with(b"R"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(content: &[u8]) -> Result<(), Refused> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        check(file.path())
    }

    #[test]
    fn encrypted_and_broken_documents_are_refused() {
        let end = b"trailer << /Size 3 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n";
        assert!(checked(&[b"%PDF-1.7\n".as_slice(), end].concat()).is_ok());
        assert!(
            checked(&[b"%PDF-1.7\n(A text about /Encrypt and /EncryptMetadata true)\n".as_slice(), end].concat())
                .is_ok()
        );
        assert!(checked(b"%PDF-1.7\n").unwrap_err().to_string().contains("no end"));
        for words in [&b"/Encrypt 12 0 R"[..], b"/Encrypt\n<< /Filter /Standard >>", b"/Encrypt<</V 4>>"] {
            // Wherever the pieces are cut.
            for before in [10, 256 * 1024 - 9 - 4, 300_000] {
                let content = [b"%PDF-1.7\n".as_slice(), &vec![b' '; before], words, b"\n", end].concat();
                assert!(checked(&content).unwrap_err().to_string().contains("encrypted"), "{words:?} {before}");
            }
        }
    }
}
