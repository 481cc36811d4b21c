#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/html.sh SOURCE FOLDER PANDOC [SCDOC]: writes the pages as HTML, with their pictures and
# patches, to FOLDER, in the same places as in SOURCE; with SCDOC, also the manual pages, to
# man/. Meson runs this (-Ddocs).
set -eu

cd "$1"
out=$2
pandoc=$3
scdoc=${4-}
rm -rf "$out"
mkdir -p "$out/docs/upstream" "$out/man"

# page FILE TITLE TOP OPTION...: writes FILE from standard input.
page() {
	file=$out/$1
	title=$2
	top=$3
	shift 3
	printf '<p><a href="%sdocs/index.html">Sealpool: documentation</a></p>\n' "$top" \
		>"$out/top"
	"$pandoc" --standalone --to html5 --metadata "pagetitle=$title" \
		--metadata lang=en --metadata "top=$top" \
		--variable maxwidth=50em --lua-filter docs/html.lua \
		--include-before-body "$out/top" --output "$file" "$@"
}

for name in *.md docs/*.md docs/upstream/*.md; do
	case $name in
	docs/upstream/*) top=../../ ;;
	docs/*) top=../ ;;
	*) top= ;;
	esac
	page "${name%.md}.html" "$(sed -n 's/^# //p' "$name" | head -n 1)" "$top" \
		--from gfm "$name"
done
if [ -n "$scdoc" ]; then
	for name in man/*.scd; do
		"$scdoc" <"$name" >"$out/roff"
		name=${name%.scd}
		page "$name.html" "${name#man/}" ../ --from man "$out/roff"
	done
	rm "$out/roff"
fi
rm "$out/top"
cp LICENSE "$out"
cp docs/*.png docs/*.svg "$out/docs"
cp docs/upstream/*.patch "$out/docs/upstream"
