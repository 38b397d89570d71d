//! The words with which a PDF says that it is a Factur-X invoice.
//!
//! typst writes the file's XMP itself and has no way to add to it. It stands in the file as plain text, in one of the
//! last objects, so the words are put in there and what counts bytes behind it is set right: the stream's length, the
//! offsets of the objects that come after it, and where the table of offsets begins. Whatever does not look as
//! expected is an error: better no file than a broken one.

/// The properties, and the schema that PDF/A wants for properties that it does not know.
const PROPERTIES: &str = concat!(
    r#"<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">"#,
    "<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
    "<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>",
);

macro_rules! property {
    ($name:literal, $description:literal) => {
        concat!(
            r#"<rdf:li rdf:parseType="Resource"><pdfaProperty:category>external</pdfaProperty:category>"#,
            "<pdfaProperty:description>",
            $description,
            "</pdfaProperty:description><pdfaProperty:name>",
            $name,
            "</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>",
        )
    };
}

const SCHEMA: &str = concat!(
    r#"<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"#,
    "<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>",
    "<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>",
    property!("DocumentFileName", "The name of the embedded XML document"),
    property!("DocumentType", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
    property!("Version", "The actual version of the standard applying to the embedded XML document"),
    property!("ConformanceLevel", "The conformance level of the embedded XML document"),
    "</rdf:Seq></pdfaSchema:property></rdf:li>",
);

const STREAM: &[u8] = b"/Type/Metadata/Subtype/XML>>\nstream\n";
const ENTRY: usize = 20;

/// The same PDF with the words in its XMP.
///
/// # Errors
/// A word about what did not look as expected.
pub(crate) fn declare(pdf: &[u8]) -> Result<Vec<u8>, &'static str> {
    let table = table_of(pdf).ok_or("the PDF ends in no table of offsets")?;
    let dictionary_end = last(&pdf[..table], STREAM).ok_or("the PDF has no readable XMP")?;
    let object = last(&pdf[..dictionary_end], b"obj\n<<").ok_or("the XMP has no dictionary")?;
    let dictionary = text(&pdf[object..dictionary_end]).ok_or("the XMP's dictionary is no text")?;
    let length: usize =
        dictionary.strip_prefix("obj\n<</Length ").and_then(|n| n.parse().ok()).ok_or("the XMP has no length")?;
    let begin = dictionary_end + STREAM.len();
    let xmp = pdf.get(begin..begin + length).and_then(text).ok_or("the XMP is no text")?;
    let xmp = once(xmp, "</rdf:Bag></pdfaExtension:schemas>", SCHEMA)?;
    let xmp = once(&xmp, "</rdf:RDF></x:xmpmeta>", PROPERTIES)?;

    let mut out = Vec::with_capacity(pdf.len() + SCHEMA.len() + PROPERTIES.len() + 2);
    out.extend_from_slice(&pdf[..object]);
    out.extend_from_slice(format!("obj\n<</Length {}", xmp.len()).as_bytes());
    out.extend_from_slice(STREAM);
    out.extend_from_slice(xmp.as_bytes());
    out.extend_from_slice(&pdf[begin + length..table]);
    let grown = out.len() - table;
    let rest = shifted(&pdf[table..], begin, table, grown).ok_or("the table of offsets is not as expected")?;
    out.extend_from_slice(&rest);
    Ok(out)
}

/// The table and what follows it, with each offset behind `after` moved by `grown`.
fn shifted(rest: &[u8], after: usize, table: usize, grown: usize) -> Option<Vec<u8>> {
    let trailer = first(rest, b"trailer\n")?;
    let head = first(rest, b"\n")? + 1;
    let entries = head + first(&rest[head..], b"\n")? + 1;
    let mut out = rest[..entries].to_vec();
    if (trailer - entries) % ENTRY != 0 {
        return None;
    }
    for entry in rest[entries..trailer].chunks(ENTRY) {
        let offset: usize = text(&entry[..10])?.parse().ok()?;
        let moved = if entry[17] == b'n' && offset > after { offset + grown } else { offset };
        out.extend_from_slice(format!("{moved:010}").as_bytes());
        out.extend_from_slice(&entry[10..]);
    }
    let end = text(&rest[trailer..])?;
    let (before, now) = (format!("startxref\n{table}\n"), format!("startxref\n{}\n", table + grown));
    end.contains(&before).then(|| out.extend_from_slice(end.replace(&before, &now).as_bytes()))?;
    Some(out)
}

/// Where the table of offsets begins, as the end of the file says.
fn table_of(pdf: &[u8]) -> Option<usize> {
    let at = last(pdf, b"startxref\n")? + b"startxref\n".len();
    let table: usize = text(&pdf[at..])?.lines().next()?.parse().ok()?;
    pdf.get(table..)?.starts_with(b"xref\n").then_some(table)
}

/// The text with `addition` before the only place of `mark`.
fn once(text: &str, mark: &str, addition: &str) -> Result<String, &'static str> {
    let (before, after) = text.split_once(mark).ok_or("the XMP has another shape")?;
    if after.contains(mark) {
        return Err("the XMP has a part twice");
    }
    Ok([before, addition, mark, after].concat())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn first(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

fn last(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pdf_of_typst_is_refused() {
        for bytes in [&b""[..], b"%PDF-1.7\n", b"startxref\n0\n", b"xref\n0 0\nstartxref\n0\n%%EOF"] {
            assert!(declare(bytes).is_err());
        }
    }
}
