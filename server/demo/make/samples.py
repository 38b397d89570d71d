"""Make the files that all books of a large seeded store share. Usage: samples.py FOLDER

FOLDER is server/shop/src/seed/large/samples. Each is a complete, valid book of one page, and small: the
program carries them inside it. The same run gives the same bytes.
"""
import pathlib
import sys
import zipfile

CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:octavo:sample:{name}</dc:identifier><dc:title>{title}</dc:title>
<dc:language>en</dc:language><meta property="dcterms:modified">2026-01-01T00:00:00Z</meta>
</metadata>
<manifest>
<item id="page" href="page.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
</manifest>
<spine><itemref idref="page"/></spine>
</package>
"""
PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><head><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
NAV = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en" lang="en">
<head><title>{title}</title></head>
<body><nav epub:type="toc"><ol><li><a href="page.xhtml">{title}</a></li></ol></nav></body></html>
"""
TEXT = "This is a sample. It stands in for a book of a large store made by octavo seed."


def epub(path, name, title, text):
    values = {"name": name, "title": title, "text": text}
    with zipfile.ZipFile(path, "w") as book:
        def add(inner, content, how=zipfile.ZIP_DEFLATED):
            info = zipfile.ZipInfo(inner, (2026, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = how, 0o644 << 16
            book.writestr(info, content)

        add("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        add("META-INF/container.xml", CONTAINER)
        add("book.opf", PACKAGE.format(**values))
        add("nav.xhtml", NAV.format(**values))
        add("page.xhtml", PAGE.format(**values))


def pdf(path, title, text):
    shown = f"BT /F 24 Tf 72 700 Td ({title}) Tj /F 11 Tf 0 -40 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) >>" % title.encode(),
    ]
    out, at = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        at.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in at)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    path.write_bytes(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, word in enumerate(["one", "two", "three"], 1):
        text = " ".join([TEXT] * number)
        epub(folder / f"sample-{number}.epub", word, f"Sample {word}", text)
        pdf(folder / f"sample-{number}.pdf", f"Sample {word}", TEXT + f" It is sample {word}.")


main()
