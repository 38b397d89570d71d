"""The model as a Typst document, and that as an A5 PDF."""
import os
import re

import pikepdf
import typst

from epub import nav_title, plain
from typo import EM0, EM1, SC0, SC1

STAMP = 1768467600  # 2026-01-15 09:00 UTC

TEMPLATE = r'''
#set document(title: "@TITLE@", author: "@AUTHOR@", keywords: (@KEYWORDS@), description: "@BLURB@", date: datetime(year: 2026, month: 1, day: 15))
#set text(font: ("Libertinus Serif",), size: 10.2pt, lang: "@LANG@", region: "@REGION@", hyphenate: true, number-type: "old-style", fallback: true)
#set smartquote(enabled: false)
#set par(justify: true, leading: .62em, spacing: .62em, first-line-indent: 1.25em)
#let accent = rgb("@ACCENT@")
#let caps(x, size: 8pt) = text(size: size, tracking: .12em, upper(x))
#set page(width: 148mm, height: 210mm, margin: (inside: 20mm, outside: 17mm, top: 21mm, bottom: 21mm), header-ascent: 38%, footer-descent: 45%)
#show heading: set text(weight: "regular")
#show heading.where(level: 1): it => { it.supplement }
#show heading.where(level: 2): it => block(above: 1.6em, below: 1em, width: 100%, sticky: true, align(center, text(size: 10.2pt, it.body)))
#set heading(supplement: none)
#let running = state("running", "")
#let chapter(nav, label, title) = {
  pagebreak(weak: true)
  running.update(nav)
  heading(level: 1, supplement: block(width: 100%, above: 0pt, below: 2.4em, {
    v(24mm)
    align(center, {
      set par(first-line-indent: 0pt, justify: false, leading: .5em)
      set text(hyphenate: false)
      if label != none { block(below: 1em, text(fill: accent, caps(label))) }
      if title != none { text(size: 17pt, title) }
      v(1mm)
      line(length: 12mm, stroke: .5pt + accent)
    })
  }), nav)
}
#let sub(x) = heading(level: 2, outlined: false, x)
#let vs(x) = block(above: .9em, below: .9em, pad(left: 1.6em, par(justify: false, first-line-indent: 0pt, x)))
#let quote(x) = block(above: .9em, below: .9em, pad(x: 1.6em, par(first-line-indent: 0pt, x)))
#let right(x) = block(above: .6em, below: .9em, width: 100%, align(end, par(justify: false, x)))
#let note(x) = block(above: .9em, below: .9em, pad(x: 1.6em, text(size: 8.8pt, par(first-line-indent: 0pt, x))))
#let stage(x) = block(above: 1em, below: 1em, width: 100%, align(center, text(style: "italic", par(justify: false, first-line-indent: 0pt, x))))
#let brk = block(above: 1.3em, below: 1.3em, width: 100%, align(center, line(length: 10mm, stroke: .5pt + accent)))
#let i(n) = h(n * 1.2em)
#let d(x) = emph(x)
#let sp(who, x) = block(above: .85em, below: .85em, {
  if who != none { block(below: .5em, sticky: true, smallcaps(lower(who))) }
  pad(left: 1.1em, par(justify: false, first-line-indent: 0pt, x))
})
#let entry(head, part, x) = block(above: .95em, below: .6em, par(first-line-indent: 0pt, hanging-indent: 1.25em, {
  strong(head); part; [ ]; x }))
#let blank(x) = block(above: .62em, below: .62em, par(justify: false, first-line-indent: 0pt, x))
#let no(n) = box(width: 0pt, place(dx: -9mm, dy: -.62em, text(size: 7pt, fill: accent, str(n))))
#let sonnet(n, x) = block(breakable: false, above: 2.4em, below: 0pt, width: 100%, {
  align(center, block(below: 1.1em, text(size: 12pt, fill: accent, n)))
  align(center, block(align(start, par(justify: false, first-line-indent: 0pt, x))))
})

#page(margin: 0mm, header: none, footer: none, numbering: none)[
  #set par(first-line-indent: 0pt, justify: false, leading: .45em)
  #set align(center)
  #v(46mm)
  #block(width: 108mm, text(size: @TSIZE@pt, hyphenate: false)[@TTITLE@])
  #v(1mm)
  @TSUB@
  #v(5mm)
  #line(length: 16mm, stroke: .6pt + accent)
  #v(5mm)
  #text(size: 13pt)[@TAUTHOR@]
  #place(bottom + center, dy: -22mm, caps([Octavo Demo Press], size: 7.6pt))
]
#page(header: none, footer: none, numbering: none)[
  #set par(first-line-indent: 0pt, justify: false, spacing: .9em)
  #set text(size: 8.4pt)
  #v(1fr)
  @COLOPHON@
]
@CONTENTS@
#set page(header: none, footer: none)
#pagebreak(to: "odd", weak: true)
#set page(numbering: "1", footer: context {
  set text(size: 8.4pt)
  align(center, counter(page).display())
}, header: context {
  let here-page = here().page()
  let opens = query(heading.where(level: 1)).any(h => h.location().page() == here-page)
  if not opens {
    set text(size: 8pt)
    let t = if calc.even(counter(page).get().first()) [@RUNTITLE@] else { running.get() }
    align(center, text(style: "italic", t))
  }
})
#counter(page).update(1)
@BODY@
'''


def esc(s):
    s = re.sub(r"([\\*_`$<>@#\[\]~/=+\-'\"])", r"\\\1", s)
    return re.sub(r"^(\d+)\.", r"\1\\.", s)


def inline(s):
    s = esc(s)
    return (s.replace(EM0, "#emph[").replace(EM1, "]").replace(SC0, "#smallcaps[").replace(SC1, "]"))


def string(s):
    return plain(s).replace("\\", "\\\\").replace('"', '\\"')


def fix(s):
    # "#emph[x]" right before "(" or "[" or "." + letter would go on as code: end it with a semicolon
    return re.sub(r"(#(?:emph|smallcaps)\[[^\]]*\])(?=[(\[.])", r"\1;", s)


def lines(ls):
    return " \\\n".join(fix((f"#i({lv});" if lv else "") + inline(t)) for lv, t in ls)


def body(blocks):
    out = []
    for b in blocks:
        k = b[0]
        if k == "p":
            out.append(fix(inline(b[1])) + "\n")
        elif k == "verse":
            out.append(f"#vs[{lines(b[1])}]")
        elif k == "blank":
            ls = []
            for j, t in enumerate(b[1]):
                n = b[2] + j
                mark = f"#no({n});" if n % 10 == 0 else ""
                pre = "#i(1);" if j == 0 and b[2] > 1 else ""
                ls.append(fix(pre + mark + inline(t)))
            out.append("#blank[" + " \\\n".join(ls) + "]")
        elif k == "quote":
            out.append(f"#quote[{fix(inline(b[1]))}]")
        elif k in ("cite", "right"):
            out.append(f"#right[{fix(inline(b[1]))}]")
        elif k in ("stage", "subtitle"):
            out.append(f"#stage[{fix(inline(b[1]))}]")
        elif k == "epigraph":
            out.append(f"#quote[{fix(inline(b[1]))}]\n#right[{inline(b[2])}]")
        elif k == "note":
            out.append(f"#note[{fix(inline(b[1]))}]")
        elif k == "hr":
            out.append("#brk")
        elif k == "h":
            out.append(f"#sub[{inline(b[1])}]")
        elif k == "pair":
            out.append(f"#vs[{inline(b[1])}, #emph[{inline(b[2])}];.]")
        elif k == "entry":
            part = f"[, #emph[{inline(b[2])}]]" if b[2] else "none" if b[1][-1] in ".?" else "[.]"
            out.append(f"#entry([{inline(b[1])}], {part}, [{fix(inline(b[3]))}])")
        elif k == "speech":
            ls = [fix(f"#d[{inline(t)}]" if kind == "s" else inline(t)) for kind, t in b[2]]
            who = f"[{inline(b[1])}]" if b[1] else "none"
            out.append(f"#sp({who}, [" + " \\\n".join(ls) + "])")
        elif k == "sonnet":
            out.append(f"#sonnet([{b[1]}], [{lines(b[3])}])")
        else:
            raise ValueError(k)
    return "\n".join(out)


def build(book, sections, work, path, tags=True):
    parts = []
    for s in sections:
        label, title = s["label"], s["title"]
        if label and not title:
            label, title = None, s["label"]
        if s["group"]:
            label = f"{s['group']}, {label}" if label else s["group"]
        nav = nav_title(s)
        if s["group"]:
            nav = f"{s['group']}, {nav}"
        lab = f"[{inline(label)}]" if label else "none"
        parts.append(f"#chapter([{inline(nav)}], {lab}, [{inline(title)}])\n\n{body(s['blocks'])}")
    titled = any(s["title"] for s in sections if s["type"] == "chapter")
    contents = ""
    if len(sections) > 3:
        cols = 1 if titled and len(sections) < 60 else 2
        inner = "#outline(title: none, indent: 0pt, depth: 1)"
        contents = ('#page(header: none, footer: none, numbering: none)[\n#set par(first-line-indent: 0pt, justify: false)\n'
                    '#set text(size: 9pt)\n#show outline.entry: set block(spacing: .62em)\n#set outline.entry(fill: none)\n#align(center, text(size: 15pt)[Contents])\n#v(6mm)\n'
                    f'#columns({cols}, gutter: 8mm)[{inner}]\n]')
    author = " and ".join(c["name"] for c in book["contributors"] if c["role"] == "author")
    t = TEMPLATE
    sub = f'#text(size: 12pt, style: "italic")[{inline(book["subtitle"])}]' if book["subtitle"] else ""
    for key, value in {
        "TITLE": string(book["title"]), "AUTHOR": string(author), "LANG": book["language"], "BLURB": string(book["blurb"]),
        "REGION": book.get("region", "gb"), "ACCENT": book["accent"],
        "KEYWORDS": "".join(f'"{string(k)}", ' for k in book["subjects"]),
        "TSIZE": "30" if len(book["title"]) < 18 else "24", "TTITLE": inline(book["title"]), "TSUB": sub,
        "TAUTHOR": inline(author), "RUNTITLE": inline(book["title"]), "CONTENTS": contents,
        "COLOPHON": "\n\n".join(inline(p) for p in book["colophon"]), "BODY": "\n\n".join(parts),
    }.items():
        t = t.replace(f"@{key}@", value)
    src = work / "typ"
    src.mkdir(exist_ok=True)
    file = src / f"{book['slug']}.typ"
    file.write_text(t, encoding="utf-8")
    raw = src / f"{book['slug']}.pdf"
    typst.compile(str(file), output=str(raw), ignore_system_fonts=True, timestamp=STAMP, pdf_tags=tags)
    # the structure tree that makes it accessible is large: pack it into object streams
    pikepdf.settings.set_flate_compression_level(9)
    with pikepdf.open(raw) as doc:
        doc.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True,
                 compress_streams=True, deterministic_id=True)
    os.remove(raw)
