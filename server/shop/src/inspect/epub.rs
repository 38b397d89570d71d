//! EPUBs: an archive with a package in it that every reading program opens (OCF 3.3).

use super::Refused;
use super::archive::Archive;
use super::package::{self, Package, attribute, elements};
use std::path::Path;

/// `container.xml` names a file or two.
const CONTAINER: u64 = 64 * 1024;
/// Lists every encrypted file.
const ENCRYPTION: u64 = 4 * 1024 * 1024;
/// Lists every file of the book.
const PACKAGE: u64 = 4 * 1024 * 1024;

/// Fonts are blurred so that nobody takes them out by accident; every reading program knows how to undo it.
const FONTS: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

pub(super) fn check(path: &Path) -> Result<Package, Refused> {
    let mut archive = Archive::open(path)?;
    for (name, whose) in [
        ("META-INF/rights.xml", "Adobe's DRM"),
        ("META-INF/license.lcpl", "Readium's DRM (LCP)"),
        ("META-INF/sinf.xml", "Apple's DRM"),
    ] {
        if archive.has(name) {
            return Err(Refused::because(format!(
                "The EPUB is locked with {whose}: buyers could not read it. Upload one without protection."
            )));
        }
    }
    if archive.has("META-INF/encryption.xml") {
        let text = archive.read("META-INF/encryption.xml", ENCRYPTION)?;
        let methods = elements(&text, "encryption.xml")?;
        let locked = methods
            .iter()
            .filter(|element| element.name == "EncryptionMethod")
            .any(|element| !FONTS.contains(&attribute(element, "Algorithm").unwrap_or_default()));
        if locked {
            return Err(Refused::because(
                "The EPUB is encrypted: buyers could not read it. Upload one without protection.",
            ));
        }
    }
    if !archive.has("META-INF/container.xml") {
        return Err(Refused::because("The EPUB has no META-INF/container.xml, so no reading program finds the book."));
    }
    let container = elements(&archive.read("META-INF/container.xml", CONTAINER)?, "container.xml")?;
    let package = container
        .iter()
        .filter(|element| element.name == "rootfile")
        .find_map(|element| attribute(element, "full-path"))
        .filter(|path| archive.has(path))
        .ok_or_else(|| Refused::because("The EPUB's package document is not where its container says."))?
        .to_owned();
    let text = archive.read(&package, PACKAGE)?;
    let package = package::read(&text, &package)?;
    archive.read_all()?;
    Ok(package)
}
