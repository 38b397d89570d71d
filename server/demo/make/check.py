"""Check the catalogue against its files. Usage: python3 check.py [--no-epubcheck]

Standard library only; uses epubcheck (or java and its jar) and pdfinfo when they are installed.
"""
import datetime
import hashlib
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 11_000_000
problems = []


def bad(*what):
    problems.append(" ".join(map(str, what)))


def webp_size(data):
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    kind = data[12:16]
    if kind == b"VP8 ":
        w, h = struct.unpack("<HH", data[26:30])
        return w & 0x3FFF, h & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1


def luminance(hexa):
    c = [int(hexa[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    c = [v / 12.92 if v <= .03928 else ((v + .055) / 1.055) ** 2.4 for v in c]
    return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]


def epubcheck(path):
    jar = pathlib.Path("/usr/share/java/epubcheck.jar")
    if jar.exists() and shutil.which("java"):
        cmd = ["java", "-jar", str(jar), str(path)]
    elif shutil.which("epubcheck"):
        cmd = ["epubcheck", str(path)]
    else:
        return None
    r = subprocess.run(cmd, capture_output=True, text=True, errors="replace")
    m = re.search(r"(\d+) fatals? / (\d+) errors? / (\d+) warnings?", r.stdout + r.stderr)
    return (r.stdout + r.stderr).strip() if not m or set(m.groups()) != {"0"} else ""


def check_epub(path, book):
    with zipfile.ZipFile(path) as z:
        if z.testzip():
            bad(path.name, "damaged")
        names = z.namelist()
        if names[0] != "mimetype" or z.read("mimetype") != b"application/epub+zip":
            bad(path.name, "mimetype is not first")
        opf = ElementTree.fromstring(z.read("EPUB/package.opf"))
        titles = [e.text for e in opf.iter("{http://purl.org/dc/elements/1.1/}title")]
        if titles[0] != book["title"]:
            bad(path.name, "says its title is", titles[0])
        for n in names:
            if n.endswith(".xhtml"):
                text = z.read(n).decode()
                ElementTree.fromstring(text)
                if re.search(r"gutenberg", text, re.I):
                    bad(path.name, n, "names Project Gutenberg")
                if "\ue000" in text or "\ue010" in text:
                    bad(path.name, n, "has stray marks")


def main():
    books = json.loads((ROOT / "catalogue.json").read_text(encoding="utf-8"))["books"]
    sums, slugs, used = {}, set(), set()
    for b in books:
        s = b["slug"]
        if s in slugs or not re.fullmatch(r"[a-z0-9-]+", s):
            bad(s, "is not a fresh slug")
        slugs.add(s)
        for key in ("title", "sort_title", "language", "publisher", "description_md"):
            if not b.get(key):
                bad(s, "has no", key)
        if re.match(r"(The|A|An) ", b["sort_title"]):
            bad(s, "sort_title opens with an article")
        datetime.date.fromisoformat(b["published_on"])
        if b["isbn"] is not None:
            bad(s, "has an ISBN")
        if b["status"] not in ("published", "draft"):
            bad(s, "status", b["status"])
        if any(c["role"] not in ("author", "editor", "translator", "illustrator") for c in b["contributors"]) or not b["contributors"]:
            bad(s, "contributors")
        words = len(re.findall(r"\w[\w’']*", b["description_md"]))
        if not 120 <= words <= 250:
            bad(s, "description has", words, "words")
        for cur in ("USD", "EUR"):
            if not 399 <= b["prices"][cur] <= 1499:
                bad(s, cur, b["prices"][cur])
        ratio = 1.05 / (luminance(b["accent"]) + .05)
        if ratio < 4.5:
            bad(s, "accent", b["accent"], f"is only {ratio:.2f}:1 on white")
        for w, rel in b["cover"].items():
            data = (ROOT / rel).read_bytes()
            used.add(rel)
            if webp_size(data) != (int(w), int(w) * 3 // 2):
                bad(rel, webp_size(data))
            if int(w) == 480 and len(data) > 41_000:
                bad(rel, len(data), "bytes")
            sums.setdefault(hashlib.sha256(data).hexdigest(), []).append(rel)
        sizes = []
        for f in b["files"]:
            path = ROOT / f["path"]
            used.add(f["path"])
            data = path.read_bytes()
            sums.setdefault(hashlib.sha256(data).hexdigest(), []).append(f["path"])
            note = ""
            if f["format"] == "epub":
                check_epub(path, b)
                if "--no-epubcheck" not in sys.argv:
                    r = epubcheck(path)
                    note = " (epubcheck clean)" if r == "" else " (no epubcheck here)" if r is None else " (epubcheck COMPLAINS)"
                    if r:
                        bad(path.name, "epubcheck:", *r.splitlines()[:8])
            elif f["format"] == "pdf":
                if not data.startswith(b"%PDF-"):
                    bad(f["path"], "is no PDF")
                if len(data) > 1_258_291:
                    bad(f["path"], "is larger than 1.2 MB")
                if shutil.which("pdfinfo"):
                    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True).stdout
                    pages = int((re.search(r"Pages:\s+(\d+)", info) or [0, 0])[1])
                    note = f" ({pages} pages)"
                    if pages < 1 or b["title"] not in info:
                        bad(f["path"], "pdfinfo:", info)
            sizes.append(f"{f['format']} {len(data) / 1024:.0f} KB{note}")
        print(f"{s:32} {b['status']:10} ${b['prices']['USD'] / 100:.2f}  " + ", ".join(sizes))
    for names in sums.values():
        if len(names) > 1:
            bad("the same bytes:", *names)
    for d in ("files", "covers"):
        for p in sorted((ROOT / d).iterdir()):
            if f"{d}/{p.name}" not in used:
                bad(d, p.name, "is not in the catalogue")
    total = sum(p.stat().st_size for p in ROOT.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    print(f"{len(books)} books, {total / 1e6:.2f} MB in all")
    if total > LIMIT:
        bad("total", total, "is over", LIMIT)
    if len(books) < 10 or not any(b["status"] == "draft" for b in books):
        bad("too few books, or no draft")
    for p in problems:
        print("PROBLEM:", p)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
