"""The covers: HTML and SVG, printed by headless Chromium, scaled to WebP and (for the EPUB) JPEG.

Drawn on a 960 x 1440 sheet. Photographs are turned to one ink on white first, then multiplied on the
ground, so that their own paper disappears.
"""
import io
import math
import pathlib
import random
import shutil
import subprocess
import tempfile

from PIL import Image, ImageFilter, ImageOps

W, H = 960, 1440

FACES = [
    # family, package, file stem, weight, style
    ("Caslon", "libre-caslon-display", "libre-caslon-display-latin-400-normal", 400, "normal"),
    ("CaslonText", "libre-caslon-text", "libre-caslon-text-latin-400-normal", 400, "normal"),
    ("CaslonText", "libre-caslon-text", "libre-caslon-text-latin-400-italic", 400, "italic"),
    ("Garamond", "eb-garamond", "eb-garamond-latin-400-normal", 400, "normal"),
    ("Garamond", "eb-garamond", "eb-garamond-latin-500-normal", 500, "normal"),
    ("Garamond", "eb-garamond", "eb-garamond-latin-400-italic", 400, "italic"),
    ("Cormorant", "cormorant", "cormorant-latin-500-normal", 500, "normal"),
    ("Cormorant", "cormorant", "cormorant-latin-500-italic", 500, "italic"),
    ("Fell", "im-fell-double-pica", "im-fell-double-pica-latin-400-normal", 400, "normal"),
    ("Fell", "im-fell-double-pica", "im-fell-double-pica-latin-400-italic", 400, "italic"),
    ("FellSC", "im-fell-french-canon-sc", "im-fell-french-canon-sc-latin-400-normal", 400, "normal"),
    ("Bodoni", "bodoni-moda", "bodoni-moda-latin-700-normal", 700, "normal"),
    ("Bodoni", "bodoni-moda", "bodoni-moda-latin-400-normal", 400, "normal"),
    ("Bodoni", "bodoni-moda", "bodoni-moda-latin-400-italic", 400, "italic"),
    ("Gothic", "league-gothic", "league-gothic-latin-400-normal", 400, "normal"),
    ("Cinzel", "cinzel", "cinzel-latin-400-normal", 400, "normal"),
    ("Fraktur", "unifrakturcook", "unifrakturcook-latin-700-normal", 700, "normal"),
    ("Gloock", "gloock", "gloock-latin-400-normal", 400, "normal"),
    ("Instrument", "instrument-serif", "instrument-serif-latin-400-italic", 400, "italic"),
    ("Instrument", "instrument-serif", "instrument-serif-latin-400-normal", 400, "normal"),
]


def faces(work):
    out = []
    for family, pkg, stem, weight, style in FACES:
        f = work / "fonts/node_modules/@fontsource" / pkg / "files" / f"{stem}.woff2"
        assert f.exists(), f
        out.append(f"@font-face{{font-family:{family};src:url('{f.as_uri()}');font-weight:{weight};font-style:{style}}}")
    return "".join(out)


def one_ink(src, dst, ink, black=20, white=225, box=None, scale=1.0, paper=(255, 255, 255), soft=0):
    im = Image.open(src).convert("L")
    if box:
        im = im.crop(tuple(int(v * s) for v, s in zip(box, (im.width, im.height) * 2)))
    im = im.point([max(0, min(255, int((v - black) * 255 / (white - black)))) for v in range(256)])
    if scale != 1:
        im = im.resize((int(im.width * scale), int(im.height * scale)), Image.LANCZOS)
        im = im.filter(ImageFilter.UnsharpMask(2, 70, 2))
    ImageOps.colorize(im, ink, paper).save(dst)
    return dst


def text(x, y, s, size, family, fill, anchor="middle", style="normal", weight=400, spacing=0, extra=""):
    return (f'<text x="{x}" y="{y}" font-family="{family}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
            f'font-style="{style}" font-weight="{weight}" letter-spacing="{spacing}" {extra}>{s}</text>')


def mark(x, y, fill, anchor="middle"):
    return text(x, y, "8<tspan dy='-9' font-size='17'>vo</tspan>", 30, "Fell", fill, anchor, "italic")


def grain(opacity=.10, freq=.8):
    return (f'<filter id="grain" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency="{freq}" numOctaves="2" seed="7"/>'
            f'<feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  0 0 0 {opacity * 4} -{opacity * 1.6}"/></filter>'
            f'<rect width="{W}" height="{H}" filter="url(#grain)" style="mix-blend-mode:multiply"/>')


def pts(p):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in p)


def smooth(p, close=False):
    d = f"M{p[0][0]:.1f},{p[0][1]:.1f}" + "".join(f"L{x:.1f},{y:.1f}" for x, y in p[1:])
    return d + ("Z" if close else "")


# -- the designs ----------------------------------------------------------------------------

def moby_dick(b, work):
    bg, ink, deep = "#123c4c", "#efe6d0", "#0d2f3d"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    o.append(text(W / 2, 132, "HERMAN MELVILLE", 30, "FellSC", ink, spacing=9))
    o.append(text(W / 2, 352, "Moby-Dick", 190, "Fell", ink, extra='textLength="816"'))
    o.append(text(W / 2, 492, "or, The Whale", 56, "Fell", ink, style="italic"))
    # the fluke
    half = ("M480,1120 C476,1010 466,930 430,872 C392,812 330,800 250,792 C170,784 112,748 84,700 "
            "C78,688 86,680 98,684 C190,716 300,690 384,716 C430,730 462,758 480,800 Z")
    o.append(f'<g fill="{ink}"><path d="{half}"/><path d="{half}" transform="translate(960 0) scale(-1 1)"/></g>')
    # engraver's shading on the fluke
    clip = f'<clipPath id="fl"><path d="{half}"/><path d="{half}" transform="translate(960 0) scale(-1 1)"/></clipPath>'
    sh = []
    for k in range(46):
        y = 690 + k * 9.5
        w = 250 - k * 4.6 if k > 10 else 60 + k * 18
        sh.append(f'<path d="M{480 - w * .0:.0f},{y + 40:.1f} q{w * .35:.0f},{-18} {w:.0f},{-34}" fill="none" stroke="{bg}" stroke-width="{1.2 + 1.6 * (k / 46):.1f}"/>')
    sh = "".join(sh)
    o.append(f'{clip}<g clip-path="url(#fl)"><g>{sh}</g><g transform="translate(960 0) scale(-1 1)">{sh}</g></g>')
    rnd = random.Random(4)
    n = 26
    for i in range(n):
        t = i / (n - 1)
        y0 = 930 + 540 * t ** 1.25
        amp = 9 + 30 * t
        wl = 190 + 240 * t
        ph = rnd.uniform(0, 6.28)
        p = []
        for x in range(-10, W + 20, 6):
            d = (x - 480) / 150
            swell = -34 * math.exp(-d * d) * math.cos(d * 3.2) * max(0, 1 - t * 2.2)
            y = y0 + amp * math.sin(x / wl * 6.28 + ph) + amp * .35 * math.sin(x / wl * 15 + ph * 2) + swell
            p.append((x, y))
        o.append(f'<path d="{smooth(p)}L{W + 20},{H + 40}L-20,{H + 40}Z" fill="{bg if i % 2 else deep}"/>')
        for off, sw in ((0, 2.6 + 1.4 * t), (7 + 5 * t, 1.3), (13 + 9 * t, .8)):
            q = [(x, y + off) for x, y in p]
            o.append(f'<path d="{smooth(q)}" fill="none" stroke="{ink}" stroke-width="{sw:.1f}" opacity="{1 if off == 0 else .62}"/>')
    o.append(f'<circle cx="480" cy="1366" r="40" fill="{deep}"/>')
    o.append(mark(480, 1376, ink))
    return "".join(o) + grain(.08)


def pride(b, work):
    bg, a, c, cream = "#6f2136", "#f0b9ae", "#d9573f", "#f7e9df"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    o.append('<g style="isolation:isolate">')
    o.append(text(54, 1010, "P", 1060, "Bodoni", a, anchor="start", weight=700))
    o.append(f'<g transform="rotate(180 480 720)" style="mix-blend-mode:multiply">{text(54, 1010, "P", 1060, "Bodoni", c, anchor="start", weight=700)}</g></g>')
    o.append(text(70, 142, "Pride", 96, "Bodoni", cream, anchor="start"))
    o.append(text(890, 1344, "Prejudice", 96, "Bodoni", cream, anchor="end"))
    o.append(text(438, 1344, "and", 66, "Bodoni", cream, anchor="end", style="italic"))
    o.append(text(890, 132, "Jane Austen", 44, "Bodoni", cream, anchor="end", style="italic"))
    o.append(mark(72, 1344, cream, "start"))
    return "".join(o) + grain(.07)


def persuasion(b, work):
    bg, ink = "#dfe0c9", "#1c3a2c"
    img = one_ink(work / "src/datasets-img-acanthus-mollis/package/data/image.jpg", work / "img/acanthus.png", ink, 18, 212, scale=1.6)
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    o.append(f'<image href="{img.as_uri()}" x="-78" y="300" width="1116" height="1446" style="mix-blend-mode:multiply"/>')
    o.append(text(W / 2, 120, "JANE AUSTEN", 30, "Cormorant", ink, weight=500, spacing=12))
    o.append(text(W / 2, 290, "Persuasion", 204, "Cormorant", ink, style="italic", weight=500, spacing=-4))
    o.append(mark(890, 1378, ink, "end"))
    return "".join(o) + grain(.06)


def northanger(b, work):
    o = [f'<rect width="{W}" height="{H}" fill="#170d22"/>']
    cream = "#f3e3b3"
    stops = ["#201330", "#2b1a40", "#382352", "#4a2e64", "#633c70", "#80496f", "#a45d69", "#c97c62", "#e6a765", "#f6d48b"]
    base = 1140
    for i, col in enumerate(stops):
        w = 400 - i * 38
        top = 96 + i * 72
        spring = top + w * 1.25
        bot = base - i * 9
        d = (f"M{480 - w},{bot} L{480 - w},{spring:.0f} C{480 - w},{spring - w * .62:.0f} {480 - w * .52:.0f},{top + w * .34:.0f} 480,{top} "
             f"C{480 + w * .52:.0f},{top + w * .34:.0f} {480 + w},{spring - w * .62:.0f} {480 + w},{spring:.0f} L{480 + w},{bot} Z")
        o.append(f'<path d="{d}" fill="{col}"/>')
        o.append(f'<path d="{d}" fill="none" stroke="{cream}" stroke-opacity="{.10 + .03 * i:.2f}" stroke-width="1.6"/>')
    # the heroine, with a candle
    o.append('<g fill="#170d22"><circle cx="480" cy="948" r="8.5"/><path d="M472,956 h16 l3,26 l15,76 h-52 l15,-76 z"/>'
             '<path d="M488,962 l18,16 l-3,5 l-18,-10 z"/></g><path d="M506,976 v-13" stroke="#170d22" stroke-width="3"/>'
             '<path d="M506,961 q-4,-6 0,-13 q4,7 0,13" fill="#fff6d8"/>')
    o.append(text(W / 2, 1268, "Northanger Abbey", 112, "Fraktur", cream, weight=700))
    o.append(text(W / 2, 1336, "JANE AUSTEN", 30, "FellSC", cream, spacing=10))
    o.append(mark(480, 1396, cream))
    return "".join(o) + grain(.10)


def sherlock(b, work):
    bg, ink = "#1d130d", "#e0a13e"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    cx, cy = 480, 470
    o.append(f'<clipPath id="fp"><path d="M480,70 C700,70 800,250 800,450 C800,690 690,905 480,905 C270,905 160,690 160,450 C160,250 260,70 480,70Z"/></clipPath>')
    o.append('<g clip-path="url(#fp)" fill="none" stroke-linecap="round">')
    rnd = random.Random(221)
    for i in range(1, 36):
        r = i * 17.2
        p = []
        for k in range(0, 361, 3):
            a = math.radians(k)
            # a loop: circles above, opening into arches below
            rx, ry = r * (.78 + .012 * i), r * 1.05
            x = cx + rx * math.cos(a) + 16 * math.sin(a * 2 + i * .13) * min(1, i / 12)
            y = cy - 30 + ry * math.sin(a) + (0.0016 * r * r if math.sin(a) > 0 else 0) * math.sin(a)
            x += 5 * math.sin(y / 47 + i * .4) + 26 * math.sin(i * .09) * math.sin(a)
            y += 5 * math.sin(x / 53 + i * .3)
            p.append((x, y))
        # breaks in the ridges, as in a real print
        dash, total = [], 0
        while total < 2 * math.pi * r * 1.3:
            on, off = rnd.uniform(60, 330), rnd.uniform(5, 13)
            dash += [f"{on:.0f}", f"{off:.0f}"]
            total += on + off
        o.append(f'<path d="{smooth(p)}" stroke="{ink}" stroke-width="{rnd.uniform(7.2, 9.4):.1f}" stroke-dasharray="{" ".join(dash)}"/>')
    o.append("</g>")
    o.append(f'<rect y="772" width="{W}" height="668" fill="{bg}"/>')
    o.append(f'<rect x="70" y="800" width="820" height="4" fill="{ink}"/>')
    o.append(text(70, 872, "THE ADVENTURES OF", 62, "Gothic", ink, anchor="start", extra='textLength="560"', spacing=4))
    o.append(text(893, 872, "221B", 62, "Gothic", ink, anchor="end", spacing=3))
    o.append(text(70, 1094, "SHERLOCK", 262, "Gothic", "#f4e6c8", anchor="start", extra='textLength="820" lengthAdjust="spacingAndGlyphs"'))
    o.append(text(70, 1312, "HOLMES", 262, "Gothic", "#f4e6c8", anchor="start", extra='textLength="820" lengthAdjust="spacingAndGlyphs"'))
    o.append(text(70, 1382, "ARTHUR CONAN DOYLE", 44, "Gothic", ink, anchor="start", spacing=4))
    o.append(mark(890, 1382, ink, "end"))
    return "".join(o) + grain(.07)


def tempest(b, work):
    bg, ink, hot = "#1b4f60", "#ecdfc2", "#e8663c"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>'
         '<linearGradient id="fade" x1="0" y1="0" x2="0" y2="1"><stop offset=".24" stop-color="#000"/><stop offset=".36" stop-color="#fff"/></linearGradient>'
         f'<mask id="m" maskUnits="userSpaceOnUse" x="0" y="0" width="{W}" height="{H}"><rect width="{W}" height="{H}" fill="url(#fade)"/></mask>'
         '<g fill="none" mask="url(#m)">']
    cx, cy = 560, 860
    for arm in range(30):
        p = []
        a0 = arm * 2 * math.pi / 30
        for k in range(0, 420):
            t = k / 419
            r = 26 + 1060 * t ** 1.28
            a = a0 + 4.6 * math.log(1 + 7 * t) - .35 * math.sin(6 * t + arm * 1.7)
            wob = 9 * math.sin(r / 37 + arm * 1.1) * t
            p.append((cx + (r + wob) * math.cos(a) * 1.06, cy + (r + wob) * math.sin(a) * .92))
        for k in range(0, 410, 10):
            t = k / 410
            o.append(f'<path d="{smooth(p[k:k + 11])}" stroke="{ink}" stroke-width="{.9 + 8.5 * t ** 1.1 * (.55 + .45 * math.sin(arm * 2.1 + t * 5)):.1f}" stroke-linecap="round"/>')
    o.append("</g>")
    # the eye, and a ship in it
    o.append(f'<circle cx="{cx}" cy="{cy}" r="46" fill="{hot}"/>')
    o.append(f'<g transform="translate({cx} {cy + 6}) rotate(-14)" fill="{ink}"><path d="M-22,8 h44 l-8,12 h-28 z"/><path d="M-2,-28 v33 h-18 z"/><path d="M2,-24 v29 h16 z"/></g>')
    o.append(text(70, 132, "William Shakespeare", 40, "CaslonText", ink, anchor="start", style="italic"))
    o.append(text(64, 300, "The Tempest", 168, "Caslon", ink, anchor="start", extra='textLength="832"'))
    o.append(mark(890, 132, ink, "end"))
    return "".join(o) + grain(.08)


def hamlet(b, work):
    bg, ink, red = "#ece4d3", "#14110f", "#b3201f"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    word = (text(60, 728, "HAM", 690, "Gothic", ink, anchor="start", extra='textLength="840" lengthAdjust="spacingAndGlyphs"') +
            text(60, 1270, "LET", 690, "Gothic", ink, anchor="start", extra='textLength="840" lengthAdjust="spacingAndGlyphs"'))
    x0, y0, x1, y1 = 1010, 150, -50, 1330
    o.append(f'<clipPath id="a"><path d="M-80,-80 H{x0} V{y0} L{x1},{y1} H-80 Z"/></clipPath>'
             f'<clipPath id="b"><path d="M{x0},{y0} L{x1},{y1} V1600 H1200 V{y0} Z"/></clipPath>')
    dx, dy = -15, 17
    o.append(f'<g clip-path="url(#a)"><g transform="translate({-dx} {-dy})">{word}</g></g>'
             f'<g clip-path="url(#b)"><g transform="translate({dx} {dy})">{word}</g></g>')
    # the rapier
    ang = math.degrees(math.atan2(y1 - y0, x1 - x0))
    length = math.hypot(x1 - x0, y1 - y0)
    o.append(f'<g transform="translate({x0} {y0}) rotate({ang:.2f})" fill="{red}">'
             f'<path d="M60,-6 L{length - 190:.0f},-2 L{length - 150:.0f},0 L{length - 190:.0f},2 L60,6 Z"/></g>')
    o.append(text(64, 112, "WILLIAM SHAKESPEARE", 46, "Gothic", ink, anchor="start", spacing=5))
    o.append(text(896, 1386, "PRINCE OF DENMARK", 46, "Gothic", ink, anchor="end", spacing=5))
    o.append(mark(64, 1386, red, "start"))
    return "".join(o) + grain(.07)


def sonnets(b, work):
    bg, ink, hot = "#f0c6bb", "#4b0f2b", "#d5392b"
    img = one_ink(work / "src/datasets-img-allium-oreophilum/package/data/image.jpg", work / "img/allium.png", ink, 14, 214, scale=1.7)
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    o.append(text(W / 2 - 4, 408, "Sonnets", 340, "Instrument", hot, style="italic", extra='textLength="800"'))
    o.append(f'<image href="{img.as_uri()}" x="26" y="306" width="908" height="1152" style="mix-blend-mode:multiply"/>')
    o.append(text(66, 1290, "William", 54, "Instrument", ink, anchor="start"))
    o.append(text(66, 1346, "Shakespeare", 54, "Instrument", ink, anchor="start"))
    o.append(text(894, 1290, "one hundred", 54, "Instrument", ink, anchor="end", style="italic"))
    o.append(text(894, 1346, "and fifty-four", 54, "Instrument", ink, anchor="end", style="italic"))
    o.append(mark(480, 92, ink))
    return "".join(o) + grain(.06)


def paradise(b, work):
    bg, gold = "#191a33", "#e2bd6c"
    img = one_ink(work / "src/datasets-img-french-alpine-landscape/package/data/image.jpg", work / "img/alps.png", "#0b0c1c", 8, 205,
                  box=(.1, .0, .82, 1), scale=2.1, paper="#8d86a8")
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    o.append(f'<linearGradient id="fade" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#000"/><stop offset=".34" stop-color="#fff"/></linearGradient>'
             f'<mask id="m"><rect x="0" y="800" width="{W}" height="640" fill="url(#fade)"/></mask>'
             f'<g mask="url(#m)"><image href="{img.as_uri()}" x="-30" y="800" width="1020" height="668" preserveAspectRatio="xMidYMid slice"/></g>')
    cx, cy = 480, -40
    n = 121
    for i in range(n):
        a = math.radians(8 + 164 * i / (n - 1))
        r0 = 176
        r1 = 1010 if i % 4 == 0 else 760 if i % 2 == 0 else 560
        r1 *= .72 + .28 * math.sin(a) ** 2
        o.append(f'<path d="M{cx + r0 * math.cos(a):.1f},{cy + r0 * math.sin(a):.1f} L{cx + r1 * math.cos(a):.1f},{cy + r1 * math.sin(a):.1f}" '
                 f'stroke="{gold}" stroke-width="{2.6 if i % 4 == 0 else 1.3}" stroke-opacity="{.95 if i % 2 == 0 else .6}"/>')
    for r in (150, 162):
        o.append(f'<circle cx="{cx}" cy="{cy}" r="{r}" fill="none" stroke="{gold}" stroke-width="2"/>')
    o.append(f'<circle cx="{cx}" cy="{cy}" r="140" fill="{gold}"/>')
    # a plate for the title
    o.append(f'<rect x="120" y="396" width="720" height="396" fill="{bg}"/><rect x="120" y="396" width="720" height="396" fill="none" stroke="{gold}" stroke-width="2.4"/>'
             f'<rect x="134" y="410" width="692" height="368" fill="none" stroke="{gold}" stroke-width="1"/>')
    o.append(text(480, 550, "PARADISE", 106, "Cinzel", gold, extra='textLength="600"'))
    o.append(text(480, 664, "LOST", 106, "Cinzel", gold, extra='textLength="330"'))
    o.append(text(480, 736, "John Milton", 42, "Fell", gold, style="italic"))
    # the falling spark
    o.append(f'<path d="M480,792 V1006" stroke="{gold}" stroke-width="1.6"/><path d="M480,1046 l-13,-30 l13,-12 l13,12 z" fill="{gold}"/>')
    o.append(f'<linearGradient id="foot" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#0b0c1c" stop-opacity="0"/><stop offset="1" stop-color="#0b0c1c" stop-opacity=".9"/></linearGradient>'
             f'<rect y="1180" width="{W}" height="260" fill="url(#foot)"/>')
    o.append(text(480, 1346, "A POEM WRITTEN IN TEN BOOKS", 24, "Cinzel", gold, spacing=7))
    o.append(mark(480, 1398, gold))
    return "".join(o) + grain(.08)


def areopagitica(b, work):
    bg, ink, bar = "#efe6d4", "#1d1613", "#661c1c"
    o = [f'<rect width="{W}" height="{H}" fill="{bg}"/>']
    lines = """They, who to states and governors of the Commonwealth direct|their speech, High Court of Parliament, or, wanting such access
in a private condition, write that which they foresee may advance|the public good; I suppose them, as at the beginning of no mean
endeavour, not a little altered and moved inwardly in their minds:|some with doubt of what will be the success, others with fear
of what will be the censure; some with hope, others with|confidence of what they have to speak. And me perhaps each
of these dispositions, as the subject was whereon I entered,|may have at other times variously affected; and likely might in
these foremost expressions now also disclose which of them|swayed most, but that the very attempt of this address thus made
and the thought of whom it hath recourse to, hath got the power|within me to a passion, far more welcome than incidental to a
preface. Which though I stay not to confess ere any ask, I shall|be blameless, if it be no other than the joy and gratulation
which it brings to all who wish and promote their country’s liberty;|whereof this whole discourse proposed will be a certain testimony""".replace("\n", "|").split("|")
    rnd = random.Random(1644)
    rows = []
    for r, line in enumerate(lines):
        words = line.split()
        k, out, keep = 0, [], False
        while k < len(words):
            n = rnd.randint(1, 2) if keep else rnd.randint(4, 11)
            part = " ".join(words[k:k + n])
            out.append(part if keep else f"<b>{part}</b>")
            k += n
            keep = not keep
        if r % 5 == 2 and len(out) > 1:
            out[0] = out[0].replace("<b>", "").replace("</b>", "") if len(out[0]) < 40 else out[0]
        rows.append(f"<div>{' '.join(out)}</div>")
    css = (f"font:31px/1 Garamond;color:{ink};width:828px" )
    def part(y, rs):
        return (f'<foreignObject x="66" y="{y}" width="828" height="{len(rs) * 64}"><div xmlns="http://www.w3.org/1999/xhtml" style="{css}">'
                + "".join(rs) + "</div></foreignObject>")
    o.append("<style>foreignObject div div{height:64px;line-height:64px;white-space:nowrap;text-align:justify;text-align-last:justify}"
             f"foreignObject b{{font-weight:400;color:{bar};background:{bar};padding:7px 5px 8px;margin:0 -5px;box-decoration-break:clone}}</style>")
    o.append(part(84, rows[:8]))
    o.append(part(846, rows[8:15]))
    o.append(text(60, 766, "Areopagitica", 168, "CaslonText", ink, anchor="start", extra='textLength="838" lengthAdjust="spacingAndGlyphs"'))
    o.append(text(66, 1374, "John Milton", 42, "CaslonText", ink, anchor="start", style="italic"))
    o.append(text(894, 1374, "for the liberty of unlicensed printing", 33, "CaslonText", bar, anchor="end", style="italic"))
    return "".join(o) + grain(.08)


DESIGNS = {"moby-dick": moby_dick, "pride-and-prejudice": pride, "persuasion": persuasion, "northanger-abbey": northanger,
           "adventures-of-sherlock-holmes": sherlock, "the-tempest": tempest, "hamlet": hamlet, "sonnets": sonnets,
           "paradise-lost": paradise, "areopagitica": areopagitica}


def make(b, work, out):
    for d in ("img", "html", "png", "jpeg"):
        (work / d).mkdir(exist_ok=True)
    slug = b["slug"]
    svg = DESIGNS[slug](b, work)
    page = work / "html" / f"{slug}.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><style>{faces(work)}html,body{{margin:0;background:#fff}}svg{{display:block}}'
                    f'text{{font-kerning:normal;text-rendering:geometricPrecision}}</style>'
                    f'<svg xmlns="http://www.w3.org/2000/svg" width="{W}" height="{H}" viewBox="0 0 {W} {H}">{svg}</svg>', encoding="utf-8")
    png = work / "png" / f"{slug}.png"
    profile = tempfile.mkdtemp()
    try:
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                        "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--hide-scrollbars",
                        "--allow-file-access-from-files", "--force-device-scale-factor=1.5", f"--window-size={W},{H}",
                        "--virtual-time-budget=4000", f"--screenshot={png}", page.as_uri()],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=90)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    im = Image.open(png).convert("RGB")
    assert im.size == (W * 3 // 2, H * 3 // 2), im.size
    for w, limit in ((240, 15), (480, 38), (960, 84)):
        small = im.resize((w, w * 3 // 2), Image.LANCZOS)
        for q in range(84, 34, -4):
            buf = io.BytesIO()
            small.save(buf, "WEBP", quality=q, method=6)
            if buf.tell() <= limit * 1024:
                break
        (out / f"{slug}-{w}.webp").write_bytes(buf.getvalue())
    big = im.resize((1000, 1500), Image.LANCZOS)
    for q in (84, 80, 76, 72, 68, 64, 60, 56, 52, 48):
        buf = io.BytesIO()
        big.save(buf, "JPEG", quality=q, optimize=True, progressive=True)
        if buf.tell() <= 104 * 1024:
            break
    (work / "jpeg" / f"{slug}.jpg").write_bytes(buf.getvalue())
