//! ZIP archives. The directory is walked by us before anybody else trusts it: how many entries, how large, called what.

use super::Refused;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use zip::ZipArchive;

/// Entries of an archive. A long book with its pictures has a few hundred.
const ENTRIES: usize = 10_000;
/// The whole directory, in bytes.
const DIRECTORY: u64 = 4 * 1024 * 1024;
/// All that is packed, unpacked.
const UNPACKED: u64 = 1024 * 1024 * 1024;
/// Deflate packs text ten times smaller; what is packed a hundred times smaller was made to be.
const RATIO: u64 = 100;
/// Of what is smaller than this nobody cares.
const SMALL: u64 = 64 * 1024 * 1024;

const DAMAGED: &str = "The archive is damaged: its directory is not where it should be. Was it sent as a whole?";

/// An archive whose directory makes sense.
pub(super) struct Archive {
    zip: ZipArchive<File>,
    /// Where in the directory each name is.
    names: HashMap<String, usize>,
}

/// An entry as the directory has it (APPNOTE 4.3.12).
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    packed: u64,
    unpacked: u64,
    unix_mode: u32,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, Refused> {
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let (at, entries) = directory(&mut file, length)?;
        let names = checked(&entries, length)?;
        let damaged = |_| Refused::because(DAMAGED);
        let zip = ZipArchive::new(file).map_err(damaged)?;
        // The same directory, and not another one that somebody hid in front of it.
        if zip.len() != entries.len() || zip.central_directory_start() != at {
            return Err(Refused::because(DAMAGED));
        }
        Ok(Self { zip, names })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// A small entry as a whole.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, Refused> {
        let damaged = || Refused::because(format!("The archive is damaged: {} cannot be read.", shown(name)));
        // By its place: the library may read a name otherwise than we do.
        let index = *self.names.get(name).ok_or_else(damaged)?;
        let entry = self.zip.by_index(index).map_err(|_| damaged())?;
        let mut content = Vec::new();
        let read = entry.take(limit + 1).read_to_end(&mut content);
        if read.is_err() {
            return Err(damaged());
        }
        if content.len() as u64 > limit {
            return Err(Refused::because(format!("{} is larger than it could sensibly be.", shown(name))));
        }
        Ok(content)
    }

    /// Unpacks every entry once and keeps nothing: the archive compares its checksums.
    pub(super) fn read_all(&mut self) -> Result<(), Refused> {
        let mut buffer = vec![0; 64 * 1024];
        for index in 0..self.zip.len() {
            let damaged = || Refused::because("The archive is damaged: one of its files cannot be unpacked.");
            let mut entry = self.zip.by_index(index).map_err(|_| damaged())?;
            let mut left = entry.size();
            loop {
                match entry.read(&mut buffer).map_err(|_| damaged())? {
                    0 => break,
                    // More than the directory says: a bomb, or a mistake.
                    read => left = left.checked_sub(read as u64).ok_or_else(damaged)?,
                }
            }
            if left != 0 {
                return Err(damaged());
            }
        }
        Ok(())
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field: &[u8; N] = bytes.get(at..at + N)?.try_into().ok()?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Where the directory is, and all its entries. The record at the end (APPNOTE 4.3.16) must reach exactly to the end of the
/// file, and the directory exactly to the record.
fn directory(file: &mut File, length: u64) -> Result<(u64, Vec<Entry>), Refused> {
    const RECORD: usize = 22;
    let damaged = || Refused::because(DAMAGED);
    let tail_at = length.saturating_sub(RECORD as u64 + 65_535);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_at))?;
    file.take(RECORD as u64 + 65_535).read_to_end(&mut tail)?;
    if tail.windows(4).any(|window| window == b"PK\x06\x07") {
        return Err(Refused::because("Archives of the kind for more than 4 GB or 65 535 files are not taken."));
    }
    let ends = |at: &usize| {
        tail.get(*at..).is_some_and(|record| {
            record.starts_with(b"PK\x05\x06")
                && number::<2>(record, 20).is_some_and(|comment| RECORD as u64 + comment == record.len() as u64)
        })
    };
    let at = (0..tail.len().saturating_sub(RECORD - 1)).rev().find(ends).ok_or_else(damaged)?;
    let record = tail.get(at..).ok_or_else(damaged)?;
    let field = |at| number::<2>(record, at).ok_or_else(damaged);
    let (disk, first_disk, here, entries) = (field(4)?, field(6)?, field(8)?, field(10)?);
    let size = number::<4>(record, 12).ok_or_else(damaged)?;
    let start = number::<4>(record, 16).ok_or_else(damaged)?;
    let entries = usize::try_from(entries).map_err(|_| damaged())?;
    if entries > ENTRIES {
        return Err(Refused::because(format!("The archive has {entries} files; at most {ENTRIES} are taken.")));
    }
    if size > DIRECTORY {
        return Err(Refused::because("The archive's directory is larger than it could sensibly be."));
    }
    if disk != 0 || first_disk != 0 || here != entries as u64 || start + size != tail_at + at as u64 {
        return Err(damaged());
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(size).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut found = Vec::with_capacity(entries);
    for _ in 0..entries {
        let (entry, behind) = Entry::read(rest).ok_or_else(damaged)?;
        found.push(entry);
        rest = behind;
    }
    if rest.is_empty() { Ok((start, found)) } else { Err(damaged()) }
}

impl Entry {
    /// The first entry, and what is behind it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        const HEADER: usize = 46;
        let short = |at| number::<2>(bytes, at);
        if !bytes.starts_with(b"PK\x01\x02") {
            return None;
        }
        let length = |at| usize::try_from(short(at)?).ok();
        let name_ends = HEADER + length(28)?;
        let ends = name_ends + length(30)? + length(32)?;
        let made_by_unix = number::<1>(bytes, 5)? == 3;
        let attributes = u32::try_from(number::<4>(bytes, 38)?).ok()?;
        let entry = Self {
            name: name_of(bytes.get(HEADER..name_ends)?),
            flags: u16::try_from(short(8)?).ok()?,
            method: u16::try_from(short(10)?).ok()?,
            packed: number::<4>(bytes, 20)?,
            unpacked: number::<4>(bytes, 24)?,
            unix_mode: if made_by_unix { attributes >> 16 } else { 0 },
        };
        Some((entry, bytes.get(ends..)?))
    }
}

/// The upper half of code page 437, in which a name is that is not in UTF-8 (APPNOTE, appendix D).
const UPPER_HALF: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A name of the directory. Many programs write UTF-8 without the flag that says so, and hardly a name of theirs in another
/// code is UTF-8 by chance; so what can be read as UTF-8 is, and all else as the format has it.
fn name_of(bytes: &[u8]) -> String {
    if let Ok(name) = std::str::from_utf8(bytes) {
        return name.to_owned();
    }
    let upper: Vec<char> = UPPER_HALF.chars().collect();
    let letter = |byte: &u8| upper.get(usize::from(*byte).wrapping_sub(128)).copied().unwrap_or(char::from(*byte));
    bytes.iter().map(letter).collect()
}

/// The names of all entries and where they are, if each of them is harmless.
fn checked(entries: &[Entry], length: u64) -> Result<HashMap<String, usize>, Refused> {
    let mut names = HashMap::with_capacity(entries.len());
    let (mut packed, mut unpacked) = (0_u64, 0_u64);
    for (index, entry) in entries.iter().enumerate() {
        let shown = shown(&entry.name);
        if !is_plain(&entry.name) {
            return Err(Refused::because(format!("The archive has a file with a harmful name: {shown}.")));
        }
        if entry.unix_mode & 0o170_000 == 0o120_000 {
            return Err(Refused::because(format!("The archive has a symbolic link in it: {shown}.")));
        }
        if entry.flags & 1 != 0 {
            return Err(Refused::because(format!("The archive is locked with a password: {shown}.")));
        }
        if entry.method != 0 && entry.method != 8 {
            return Err(Refused::because(format!(
                "{shown} is packed in a way that not every reader knows; only stored and deflated files are taken."
            )));
        }
        if names.insert(entry.name.clone(), index).is_some() {
            return Err(Refused::because(format!("The archive has two files with the same name: {shown}.")));
        }
        packed += entry.packed;
        unpacked += entry.unpacked;
    }
    if packed > length {
        return Err(Refused::because("The archive says of itself that it is larger than it is."));
    }
    let bomb = unpacked > SMALL && unpacked / packed.max(1) > RATIO;
    if bomb || unpacked > UNPACKED {
        return Err(Refused::because(format!(
            "The archive unpacks to {} MB, which no reading program takes.",
            unpacked / 1_000_000
        )));
    }
    Ok(names)
}

/// A path below the place where it is unpacked, on every system.
fn is_plain(name: &str) -> bool {
    let path = name.strip_suffix('/').unwrap_or(name);
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !names_drive(part))
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
}

/// Whether it begins like "C:".
const fn names_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// A name from outside, in a sentence of ours.
fn shown(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    format!("“{name}”")
}
