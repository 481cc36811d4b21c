#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each manual page has exactly the options of its program; that of the Weston module has
# each key of its section; no page is malformed.
set -eu
cd "$SOURCE_ROOT"
export LC_ALL=C.UTF-8
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

failed=
report() {
	echo "FAILED: $*" >&2
	failed=yes
}

# same WHAT: compares $tmp/documented with $tmp/there.
same() {
	[ -s "$tmp/there" ] || report "$1: nothing is there"
	diff "$tmp/documented" "$tmp/there" ||
		report "$1: documented (<) is not what there is (>)"
}

compared=0
for page in man/*.1.scd; do
	name=$(basename "$page" .1.scd)
	program=$(find "$BUILD_ROOT/src" "$BUILD_ROOT/tests" -type f \
		-name "$name" -perm -u+x | head -n 1)
	[ -n "$program" ] || continue
	grep -E '^\*--' "$page" | grep -oE '\*--[a-z-]+\*' | tr -d '*' |
		sort -u >"$tmp/documented"
	"$program" --help 2>&1 | grep -oE '^  .*' | grep -oE -e '--[a-z][a-z-]*' |
		sort -u >"$tmp/there"
	# Options in the text of another option count too.
	same "$name"
	compared=$((compared + 1))
done
[ "$compared" -gt 0 ] || report 'no program has a page'

sed -n '/^# CONFIGURATION/,/^# SEE/p' man/sealpool-weston.7.scd |
	grep -oE '\*[a-z-]+=\*' | tr -d '*=' | sort -u >"$tmp/documented"
grep -oE 'section, "[a-z-]+"' src/weston/module.c |
	grep -oE '"[a-z-]+"' | tr -d '"' | sort -u >"$tmp/there"
same sealpool-weston

if command -v scdoc >/dev/null; then
	for page in man/*.scd; do
		scdoc <"$page" >"$tmp/page" || report "$page is malformed"
		[ "$(sed -n 's/^\.TH "\([^"]*\)" "\([^"]*\)".*/\1.\2.scd/p' \
			"$tmp/page")" = "$(basename "$page")" ] ||
			report "$page names itself otherwise"
		if command -v groff >/dev/null; then
			groff -man -Tutf8 -ww -z "$tmp/page" 2>"$tmp/warnings"
			[ ! -s "$tmp/warnings" ] ||
				report "$page: $(cat "$tmp/warnings")"
		fi
	done
fi
[ -z "$failed" ]
