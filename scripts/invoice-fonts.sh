#!/usr/bin/env bash
# Makes the fonts that invoices are set in: Noto Sans, regular and bold, of the letters that names and titles in
# Latin, Greek, Cyrillic and Vietnamese need, and Noto Sans Arabic and Hebrew beside them. From Debian's
# fonts-noto-core with pyftsubset (Debian's fonttools); the results are committed in server/invoice/fonts, so
# that nobody else needs either. Chinese, Japanese and Korean are not among them: ten times the size, and there
# in Debian's fonts-noto-cjk (docs/invoices.md).
#
#   apt-get install fonts-noto-core fonttools && scripts/invoice-fonts.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

have pyftsubset || fail "pyftsubset is missing: Debian's fonttools has it"
from=/usr/share/fonts/truetype/noto
[ -f "$from/NotoSans-Regular.ttf" ] || fail "Noto Sans is missing: Debian's fonts-noto-core has it"
to=server/invoice/fonts
mkdir -p "$to"

# The blocks whole, as far as the font has them: Latin with Extended-A, -B and Additional (Vietnamese), IPA's
# modifiers, combining marks, Greek with Extended, Cyrillic with its supplement, punctuation, superscripts,
# currency signs, letter-like signs, number forms, arrows, the minus sign, the bullet, the replacement character.
latin=U+0020-007E,U+00A0-024F,U+02B0-036F,U+0370-03FF,U+0400-052F,U+1E00-1FFF,U+2000-206F,U+2070-209F
latin=$latin,U+20A0-20C0,U+2100-214F,U+2150-218F,U+2190-2193,U+2212,U+2215,U+25CB,U+25CC,U+FB00-FB04,U+FFFD
arabic=U+0020,U+00A0,U+0600-06FF,U+0750-077F,U+08A0-08FF,U+200C-200F,U+25CC,U+FB50-FDFF,U+FE70-FEFC
hebrew=U+0020,U+00A0,U+0590-05FF,U+200C-200F,U+20AA,U+25CC,U+FB1D-FB4F

subset() { # NAME UNICODES
  pyftsubset "$from/$1.ttf" --unicodes="$2" --output-file="$to/$1.ttf" \
    --layout-features='ccmp,locl,mark,mkmk,kern,liga,rlig,calt,clig,init,medi,fina,isol,tnum,lnum,curs' \
    --no-hinting --notdef-outline --name-IDs='0,1,2,3,4,5,6,13,14' --no-recalc-timestamp
}
for weight in Regular Bold; do
  subset "NotoSans-$weight" "$latin"
  subset "NotoSansArabic-$weight" "$arabic"
  subset "NotoSansHebrew-$weight" "$hebrew"
done
say "invoice fonts: $(du -cb "$to"/*.ttf | tail -n 1 | cut -f1) bytes in $to"
