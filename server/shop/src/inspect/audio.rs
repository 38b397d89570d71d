//! Audio: what plays everywhere. Whole or not is for players to say; a recording has no end that could be missing.

use super::Refused;

pub(super) fn check(start: &[u8]) -> Result<(), Refused> {
    let Some(brand) = start.get(4..8).filter(|kind| *kind == b"ftyp").and_then(|_| start.get(8..12)) else {
        return Ok(());
    };
    match brand {
        b"aax " | b"aaxc" => {
            Err(Refused::because("The recording is locked to one shop's program. Export it without protection."))
        }
        b"M4A " | b"M4B " | b"mp42" | b"mp41" | b"isom" | b"iso2" | b"dash" => Ok(()),
        _ => Err(Refused::because("This is a film or a picture, not a recording: M4B and MP3 are taken.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_taken_and_locked_ones_are_not() {
        assert!(check(b"ID3\x04\0\0\0\0\0\0\0\0").is_ok());
        assert!(check(b"\0\0\0\x20ftypM4B \0\0").is_ok());
        assert!(check(b"\0\0\0\x20ftypaax \0\0").unwrap_err().to_string().contains("locked"));
        assert!(check(b"\0\0\0\x20ftypheic\0\0").is_err());
        assert!(check(b"\0\0\0\x20ftypavif\0\0").is_err());
    }
}
