"""Make the demo books: fetch, parse, set, bind. Usage: build.py WORKDIR [--only slug,slug] [--no-covers]

WORKDIR is a scratch folder outside the repository. Needs: apt-get, npm, chromium, and
`pip install -r requirements.txt`.
"""
import argparse
import json
import pathlib
import shutil

import books
import covers
import epub
import fetch
import pdf
import texts

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parse(b, src):
    k = b["parse"]
    if k == "tempest":
        return texts.play(src, "romances/the-tempest.md")
    if k == "hamlet":
        return texts.play(src, "tragedies/hamlet.md")
    return getattr(texts, k)(src)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("work", type=pathlib.Path)
    ap.add_argument("--only")
    ap.add_argument("--no-covers", action="store_true")
    ap.add_argument("--no-pdf", action="store_true")
    a = ap.parse_args()
    work = a.work.resolve()
    src = fetch.fetch(work)
    only = set(a.only.split(",")) if a.only else None
    (ROOT / "files").mkdir(exist_ok=True)
    (ROOT / "covers").mkdir(exist_ok=True)
    out = []
    for b in books.BOOKS:
        slug = b["slug"]
        b["source_line"] = b["source"][0]
        b["colophon"] = colophon(b)
        if not only or slug in only:
            if not a.no_covers:
                covers.make(b, work, ROOT / "covers")
            sections = parse(b, src)
            if "epub" in b["formats"]:
                epub.build(b, sections, (work / "jpeg" / f"{slug}.jpg").read_bytes(), ROOT / "files" / f"{slug}.epub")
            if "pdf" in b["formats"] and not a.no_pdf:
                pdf.build(b, sections, work, ROOT / "files" / f"{slug}.pdf", tags=b.get("tags", True))
            print(slug, *(f"{f} {(ROOT / 'files' / f'{slug}.{f}').stat().st_size // 1024}K" for f in b["formats"] if (ROOT / 'files' / f'{slug}.{f}').exists()), flush=True)
        out.append({
            "slug": slug, "title": b["title"], "sort_title": b["sort_title"], "subtitle": b["subtitle"], "language": b["language"],
            "isbn": None, "publisher": "Octavo Demo Press", "published_on": b["published_on"], "contributors": b["contributors"],
            "description_md": b["description"].strip(), "status": b["status"], "accent": b["accent"],
            "prices": {"USD": b["prices"][0], "EUR": b["prices"][1]},
            "cover": {str(w): f"covers/{slug}-{w}.webp" for w in (240, 480, 960)},
            "edition": {"label": b["label"], "changelog": b["changelog"]},
            "files": [{"format": f, "path": f"files/{slug}.{f}", "filename": f"{slug}.{f}"} for f in b["formats"]],
        })
    (ROOT / "catalogue.json").write_text(json.dumps({"books": out}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def colophon(b):
    by = " and ".join(c["name"] for c in b["contributors"] if c["role"] == "author")
    lines = [f"{b['title']}{', ' + b['subtitle'] if b['subtitle'] else ''}, by {by}, was first published in {b['published_on'][:4]}.",
             f"The text of this edition was taken from the {b['source'][0]}, re-flowed, and set again from the beginning by the Octavo Demo Press.",
             b["rights"]]
    if b["photo"]:
        lines.append("The photograph on the cover is courtesy of the Getty’s Open Content Program, dedicated to the public domain (CC0 1.0).")
    if "pdf" in b["formats"]:
        lines.append("The printed pages of the PDF are set in Libertinus Serif (SIL Open Font License) with Typst.")
    return lines


if __name__ == "__main__":
    main()
