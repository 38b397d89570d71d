"""The model as an EPUB 3, byte for byte the same every time."""
import html
import io
import uuid
import zipfile

from typo import EM0, EM1, SC0, SC1

NS = uuid.UUID("6c1f9b52-0f0e-5c51-9f5a-7a3d5f0c7a10")
MODIFIED = "2026-01-15T09:00:00Z"
STAMP = (2026, 1, 15, 9, 0, 0)

CSS = """@charset "utf-8";
html { font-size: 100%; }
body { margin: 0 5%; line-height: 1.45; font-family: serif; hyphens: auto; -webkit-hyphens: auto;
  orphans: 2; widows: 2; text-rendering: optimizeLegibility; }
p { margin: 0; text-indent: 1.3em; text-align: justify; }
h1, h2, h3 { font-weight: normal; line-height: 1.2; text-align: center; hyphens: none; -webkit-hyphens: none;
  break-after: avoid; page-break-after: avoid; }
header.head { margin: 14% 0 2.6em; text-align: center; break-after: avoid; page-break-after: avoid; }
header.head h1 { margin: 0; font-size: 1.5em; }
header.head p.label { margin: 0 0 .6em; text-indent: 0; text-align: center; font-variant-caps: all-small-caps;
  letter-spacing: .14em; }
h2 { margin: 2.4em 0 1.2em; font-size: 1.1em; letter-spacing: .04em; }
header.head + p, h2 + p, hr + p, .first, .noindent { text-indent: 0; }
header.head + p::first-line { font-variant-caps: normal; }
hr { margin: 1.8em auto; width: 3em; border: 0; border-top: 1px solid currentColor; opacity: .5; }
blockquote { margin: 1em 1.6em; }
blockquote p { text-indent: 0; }
.verse { margin: 1em 0 1em 1.6em; break-inside: auto; }
.verse p { text-indent: -1.4em; padding-left: 1.4em; text-align: left; hyphens: none; -webkit-hyphens: none; }
.verse p.i1 { padding-left: 2.6em; } .verse p.i2 { padding-left: 3.8em; } .verse p.i3 { padding-left: 5em; }
.blank { margin: 0; }
.blank p { text-align: left; text-indent: -1.4em; padding-left: 1.4em; hyphens: none; -webkit-hyphens: none; }
.blank p.open { text-indent: 0; padding-left: 1.4em; }
p.cite, p.right { margin: .4em 0 1em; text-align: right; text-indent: 0; }
p.note { margin: 1em 1.6em; font-size: .88em; text-indent: 0; }
p.stage { margin: .9em 0; font-style: italic; text-align: center; text-indent: 0; }
.speech { margin: .75em 0; }
.speech .who { margin: 0; text-indent: 0; font-variant-caps: all-small-caps; letter-spacing: .08em;
  break-after: avoid; page-break-after: avoid; }
.speech .line { text-align: left; text-indent: -1.4em; padding-left: 2.6em; hyphens: none; -webkit-hyphens: none; }
.speech .dir { text-align: left; text-indent: 0; padding-left: 1.2em; font-style: italic; }
.entry { margin-top: .9em; text-indent: -1.3em; padding-left: 1.3em; }
.entry dfn { font-style: normal; font-weight: bold; letter-spacing: .03em; }
.sonnet { margin: 0 0 3em; break-inside: avoid; page-break-inside: avoid; }
.sonnet h2 { margin: 2em 0 .9em; }
.sc { font-variant-caps: small-caps; }
.pair { margin: .1em 0 .1em 1.6em; text-indent: 0; }
.titlepage { margin-top: 22%; text-align: center; }
.titlepage p { text-align: center; text-indent: 0; }
.titlepage h1 { margin: 0 0 .3em; font-size: 2.1em; }
.titlepage .sub { font-style: italic; font-size: 1.1em; }
.titlepage .by { margin-top: 2.6em; font-size: 1.15em; }
.titlepage .press { margin-top: 7em; font-variant-caps: all-small-caps; letter-spacing: .14em; }
.colophon { margin-top: 18%; }
.colophon p { margin-bottom: .8em; text-indent: 0; text-align: left; }
.cover { margin: 0; padding: 0; text-align: center; }
.cover img { max-width: 100%; max-height: 100%; }
nav ol { padding-left: 1.3em; line-height: 1.6; } nav ol ol { margin-bottom: .6em; }
nav a { color: inherit; text-decoration: none; }
"""


def inline(s):
    s = html.escape(s, quote=False)
    return (s.replace(EM0, "<em>").replace(EM1, "</em>")
            .replace(SC0, '<span class="sc">').replace(SC1, "</span>"))


def plain(s):
    return "".join(c for c in s if not "\ue000" <= c <= "\ue0ff")


def nav_title(sec):
    if sec["label"] and sec["title"]:
        return f"{sec['label']}. {sec['title']}"
    return sec["title"] or sec["label"]


def page(lang, title, body, body_type=None, klass=None):
    t = f' epub:type="{body_type}"' if body_type else ""
    k = f' class="{klass}"' if klass else ""
    return (f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
            f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
            f'lang="{lang}" xml:lang="{lang}">\n<head>\n<meta charset="utf-8"/>\n<title>{html.escape(plain(title))}</title>\n'
            f'<link rel="stylesheet" type="text/css" href="style.css"/>\n</head>\n<body{t}{k}>\n{body}\n</body>\n</html>\n')


def blocks_html(blocks):
    out = []
    for b in blocks:
        k = b[0]
        if k == "p":
            out.append(f"<p>{inline(b[1])}</p>")
        elif k == "verse":
            lines = "\n".join(f'<p class="i{lv}">{inline(t)}</p>' if lv else f"<p>{inline(t)}</p>" for lv, t in b[1])
            out.append(f'<div class="verse">\n{lines}\n</div>')
        elif k == "blank":
            ls = [f'<p class="open">{inline(t)}</p>' if i == 0 and b[2] > 1 else f"<p>{inline(t)}</p>" for i, t in enumerate(b[1])]
            out.append('<div class="blank">\n' + "\n".join(ls) + "\n</div>")
        elif k == "quote":
            out.append(f"<blockquote>\n<p>{inline(b[1])}</p>\n</blockquote>")
        elif k in ("cite", "right", "stage"):
            out.append(f'<p class="{k}">{inline(b[1])}</p>')
        elif k == "note":
            out.append(f'<p class="note" role="note">{inline(b[1])}</p>')
        elif k == "subtitle":
            out.append(f'<p class="stage">{inline(b[1])}</p>')
        elif k == "epigraph":
            out.append(f'<blockquote epub:type="epigraph">\n<p>{inline(b[1])}</p>\n<p class="cite">{inline(b[2])}</p>\n</blockquote>')
        elif k == "hr":
            out.append("<hr/>")
        elif k == "h":
            out.append(f"<h2>{inline(b[1])}</h2>")
        elif k == "pair":
            out.append(f'<p class="pair">{inline(b[1])}, <em>{inline(b[2])}</em>.</p>')
        elif k == "entry":
            part = f", <em>{inline(b[2])}</em>" if b[2] else ""
            end = "" if b[2] or b[1][-1] in ".?" else "."
            out.append(f'<p class="entry"><dfn>{inline(b[1])}</dfn>{part}{end} {inline(b[3])}</p>'.replace(" </p>", "</p>"))
        elif k == "speech":
            body = []
            if b[1]:
                body.append(f'<p class="who">{inline(b[1])}</p>')
            for kind, t in b[2]:
                body.append(f'<p class="{"line" if kind == "l" else "dir"}">{inline(t)}</p>')
            out.append('<div class="speech">\n' + "\n".join(body) + "\n</div>")
        elif k == "sonnet":
            lines = "\n".join(f'<p class="i{lv}">{inline(t)}</p>' if lv else f"<p>{inline(t)}</p>" for lv, t in b[3])
            out.append(f'<section class="sonnet" id="sonnet-{b[1]}" aria-labelledby="h-{b[1]}">\n<h2 id="h-{b[1]}">{b[1]}</h2>\n'
                       f'<div class="verse">\n{lines}\n</div>\n</section>')
        else:
            raise ValueError(k)
    return "\n".join(out)


ROLE = {"chapter": "doc-chapter", "preface": "doc-preface", "epilogue": "doc-epilogue"}


def build(book, sections, jpeg, path):
    lang = book["language"]
    uid = uuid.uuid5(NS, book["slug"])
    esc = html.escape
    files = {}
    spine = []

    def add(name, text, id):
        files[f"EPUB/{name}"] = text.encode()
        spine.append((id, name))

    add("cover.xhtml", page(lang, "Cover", f'<section epub:type="cover" class="cover">\n<img src="cover.jpg" role="doc-cover" '
                            f'alt="{esc(book["cover_alt"])}"/>\n</section>', klass="cover"), "cover")
    sub = f'\n<p class="sub" role="doc-subtitle">{esc(book["subtitle"])}</p>' if book["subtitle"] else ""
    by = " and ".join(c["name"] for c in book["contributors"] if c["role"] == "author")
    add("title.xhtml", page(lang, book["title"], f'<section epub:type="titlepage" class="titlepage">\n<h1>{esc(book["title"])}</h1>{sub}\n'
                            f'<p class="by">{esc(by)}</p>\n<p class="press">Octavo Demo Press</p>\n</section>', "frontmatter"), "titlepage")
    nav, group, group_items = [], None, None
    for s in sections:
        name = f"{s['id']}.xhtml"
        head = ""
        hid = f"t-{s['id']}"
        if s["label"] and s["title"]:
            head = f'<p class="label">{inline(s["label"])}</p>\n<h1 id="{hid}">{inline(s["title"])}</h1>'
        else:
            head = f'<h1 id="{hid}">{inline(s["title"] or s["label"])}</h1>'
        if s["group"]:
            head = f'<p class="label">{inline(s["group"])}</p>\n' + head.replace('<p class="label">', '<p class="label sub">')
        body = (f'<section epub:type="{s["type"]}" role="{ROLE[s["type"]]}" aria-labelledby="{hid}" id="{s["id"]}">\n'
                f'<header class="head">\n{head}\n</header>\n{blocks_html(s["blocks"])}\n</section>')
        kind = "frontmatter" if s["type"] == "preface" else "backmatter" if s["type"] == "epilogue" else "bodymatter"
        add(name, page(lang, nav_title(s), body, kind), s["id"])
        subs = [b for b in s["blocks"] if b[0] == "sonnet"]
        if subs:
            items = "".join(f'<li><a href="{name}#sonnet-{b[1]}">{b[1]}. {inline(b[2])}</a></li>\n' for b in subs)
            nav.append(f'<li><a href="{name}">{inline(nav_title(s))}</a>\n<ol>\n{items}</ol></li>')
        elif s["group"]:
            if s["group"] != group:
                group, group_items = s["group"], []
                nav.append((name, group, group_items))
            group_items.append(f'<li><a href="{name}">{inline(nav_title(s))}</a></li>')
        else:
            group = None
            nav.append(f'<li><a href="{name}">{inline(nav_title(s))}</a></li>')
    colophon = "\n".join(f"<p>{esc(p)}</p>" for p in book["colophon"])
    add("colophon.xhtml", page(lang, "Colophon", f'<section epub:type="colophon" role="doc-colophon" class="colophon" aria-labelledby="t-colophon">\n'
                               f'<h2 id="t-colophon">Colophon</h2>\n{colophon}\n</section>', "backmatter"), "colophon")
    rows = []
    for n in nav:
        rows.append(n if isinstance(n, str) else f'<li><a href="{n[0]}">{inline(n[1])}</a>\n<ol>\n' + "\n".join(n[2]) + "\n</ol></li>")
    first = next(s for s in sections if s["type"] == "chapter")["id"]
    navdoc = page(lang, "Contents", '<nav epub:type="toc" role="doc-toc" id="toc" aria-labelledby="t-toc">\n<h1 id="t-toc">Contents</h1>\n<ol>\n'
                  '<li><a href="title.xhtml">Title Page</a></li>\n' + "\n".join(rows) +
                  '\n<li><a href="colophon.xhtml">Colophon</a></li>\n</ol>\n</nav>\n'
                  '<nav epub:type="landmarks" id="landmarks" hidden="hidden">\n<h2>Landmarks</h2>\n<ol>\n'
                  '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>\n<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>\n'
                  f'<li><a epub:type="bodymatter" href="{first}.xhtml">Start of text</a></li>\n</ol>\n</nav>', "frontmatter")
    files["EPUB/nav.xhtml"] = navdoc.encode()
    spine.insert(2, ("nav", "nav.xhtml"))
    creators = []
    for i, c in enumerate(book["contributors"], 1):
        code = {"author": "aut", "editor": "edt", "translator": "trl", "illustrator": "ill"}[c["role"]]
        tag = "creator" if c["role"] == "author" else "contributor"
        parts = c["name"].split()
        file_as = parts[-1] + ", " + " ".join(parts[:-1])
        creators.append(f'<dc:{tag} id="c{i}">{esc(c["name"])}</dc:{tag}>\n<meta refines="#c{i}" property="role" scheme="marc:relators">{code}</meta>\n'
                        f'<meta refines="#c{i}" property="file-as">{esc(file_as)}</meta>')
    subtitle = (f'<dc:title id="subtitle">{esc(book["subtitle"])}</dc:title>\n<meta refines="#subtitle" property="title-type">subtitle</meta>\n'
                if book["subtitle"] else "")
    subjects = "".join(f"<dc:subject>{esc(x)}</dc:subject>\n" for x in book["subjects"])
    manifest = "\n".join(f'<item id="{i}" href="{n}" media-type="application/xhtml+xml"{" properties=" + chr(34) + "nav" + chr(34) if i == "nav" else ""}/>'
                         for i, n in spine)
    refs = "\n".join(f'<itemref idref="{i}"/>' for i, _ in spine)
    features = "".join(f'<meta property="schema:accessibilityFeature">{f}</meta>\n' for f in
                       ("tableOfContents", "structuralNavigation", "readingOrder", "displayTransformability", "alternativeText"))
    files["EPUB/package.opf"] = f'''<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="pub-id" xml:lang="{lang}" prefix="schema: http://schema.org/">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="pub-id">urn:uuid:{uid}</dc:identifier>
<dc:title id="title">{esc(book["title"])}</dc:title>
<meta refines="#title" property="title-type">main</meta>
<meta refines="#title" property="file-as">{esc(book["sort_title"])}</meta>
{subtitle}{chr(10).join(creators)}
<dc:language>{lang}</dc:language>
<dc:publisher>Octavo Demo Press</dc:publisher>
<dc:date>{book["published_on"]}</dc:date>
<dc:description>{esc(book["blurb"])}</dc:description>
{subjects}<dc:source>{esc(book["source_line"])}</dc:source>
<dc:rights>{esc(book["rights"])}</dc:rights>
<meta property="dcterms:modified">{MODIFIED}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
{features}<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Reflowable text with a structured table of contents and headings. The only image is the cover, and it is described.</meta>
<meta name="cover" content="cover-image"/>
</metadata>
<manifest>
{manifest}
<item id="css" href="style.css" media-type="text/css"/>
<item id="cover-image" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>
</manifest>
<spine>
{refs}
</spine>
</package>
'''.encode()
    files["EPUB/style.css"] = CSS.encode()
    files["EPUB/cover.jpg"] = jpeg
    files["META-INF/container.xml"] = b'''<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
'''
    buf = io.BytesIO()
    with zipfile.ZipFile(buf, "w") as z:
        def put(name, data, method):
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = method
            info.external_attr = 0o644 << 16
            info.create_system = 3
            z.writestr(info, data, compresslevel=9)
        put("mimetype", b"application/epub+zip", zipfile.ZIP_STORED)
        put("META-INF/container.xml", files.pop("META-INF/container.xml"), zipfile.ZIP_DEFLATED)
        put("EPUB/package.opf", files.pop("EPUB/package.opf"), zipfile.ZIP_DEFLATED)
        for name in sorted(files):
            put(name, files[name], zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED)
    path.write_bytes(buf.getvalue())
