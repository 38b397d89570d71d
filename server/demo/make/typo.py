"""Typography for plain text: re-flow, italics, dashes, quotation marks.

Inline markup travels as private-use characters, so that quotes can be educated through it.
"""
import re

EM0, EM1, SC0, SC1 = "\ue000", "\ue001", "\ue002", "\ue003"
MARKS = {EM0, EM1, SC0, SC1}

ELISIONS = set("""tis twas twere twould twill twixt em ere gainst scape scaped bout mongst til till
fore neath pon prentice scuse cause n im ll d s t st stead gins larum bove lack twould'st tother
twasn twouldn twon round kerchief longst midst rt ld ve er nough specially way""".split())


def italics(s: str) -> str:
    """_word_ -> marked italics (pairs only; a lone underscore is dropped)."""
    s = re.sub(r"_([^_]+)_", lambda m: EM0 + m[1].strip() + EM1, s)
    return s.replace("_", "")


def smart(s: str, play: bool = False) -> str:
    s = s.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    s = re.sub(r"\s+", " ", s).strip()
    s = re.sub(r"-{4,}", "\u2014\u2014", s)
    s = re.sub(r"\s*(?<!-)-{2,3}(?!-)\s*", "\u2014", s) if " -- " in s else re.sub(r"-{2,3}", "\u2014", s)
    s = re.sub(r"\.(?: ?\.){3}", "\u2026.", s)
    s = re.sub(r" ?\. ?\. ?\.", "\u2026", s) if re.search(r"\. ?\. ?\.", s) else s
    s = s.replace("``", '"')
    out = []
    n = len(s)

    def prev():
        for c in reversed(out):
            if c not in MARKS:
                return c
        return " "

    def nxt(i):
        while i < n and s[i] in MARKS:
            i += 1
        return s[i] if i < n else " "

    for i, c in enumerate(s):
        if c == '"':
            p, q = prev(), nxt(i + 1)
            opening = (p.isspace() or p in "([{\u201c\u2018\u00a0") and not q.isspace()
            if p == "\u2014":
                opening = q.isalnum() or q in "'\u2014"
            out.append("\u201c" if opening else "\u201d")
        elif c == "'":
            p, q = prev(), nxt(i + 1)
            rest = re.sub("[\ue000-\ue003]", "", s[i + 1:i + 14])
            word = re.match(r"[A-Za-z]+", rest)
            w = word[0].lower() if word else ""
            starts = p.isspace() or p in "([{\u201c\u2014\u2018\u00a0" or (p == "-" and not q.isspace())
            if not starts or q.isspace():
                out.append("\u2019")
            elif w in ELISIONS or re.match(r"\d\ds?\b", rest) or (play and w in {"a", "i", "o"}):
                out.append("\u2019")
            elif p == "\u2014" and not (q.isalnum() or q == '"'):
                out.append("\u2019")
            else:
                out.append("\u2018")
        else:
            out.append(c)
    r = "".join(out)
    # hair spaces between nested marks
    r = re.sub("([\u201c\u2018])(?=[\u201c\u2018])", "\\1\u202f", r)
    r = re.sub("([\u2019\u201d])(?=[\u201d])", "\\1\u202f", r)
    return r


def join(lines) -> str:
    """Hard-wrapped lines to one: a hyphen or dash at a line's end takes no space."""
    out = ""
    for line in (x.strip() for x in lines):
        if not out:
            out = line
        elif out.endswith("--") or line.startswith("--") or re.search(r"[A-Za-z]-$", out):
            out += line
        else:
            out += " " + line
    return out


def groups(text: str):
    """Blank-line separated groups of lines."""
    cur = []
    for line in text.splitlines():
        if line.strip():
            cur.append(line.rstrip())
        elif cur:
            yield cur
            cur = []
    if cur:
        yield cur


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def verse(lines, play=False):
    """Lines with indentation kept as levels (0, 1, 2, 3)."""
    base = min(indent(x) for x in lines)
    body = []
    texts = smart_lines([x.strip() for x in lines], play)
    for raw, t in zip(lines, texts):
        body.append((min(3, (indent(raw) - base + 1) // 3), t))
    return ("verse", body)


def smart_lines(lines, play=False):
    """Educate a stanza as one text, so that marks pair across its lines."""
    sep = "\ue010"
    s = smart(f" {sep} ".join(italics(x) for x in lines), play)
    parts = [p.strip() for p in s.split(sep)]
    # italics across a line break: close and reopen
    open_em = False
    out = []
    for p in parts:
        if open_em:
            p = EM0 + p
        depth = p.count(EM0) - p.count(EM1)
        open_em = depth > 0
        out.append(p + (EM1 if open_em else ""))
    return out
