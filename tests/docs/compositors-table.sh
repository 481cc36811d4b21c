#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scripts/compositors-table counts a run that has not ended as a failure, and compares no
# cases but those that were run both ways.
set -eu

table=$SOURCE_ROOT/scripts/compositors-table
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# result MODE [CASE=OUTCOME...]: the results of sway in a mode, of a suite that has ended.
result() {
	local mode=$1 case separator=''
	shift
	mkdir -p "$tmp/trixie"
	printf 'compositor 1.10.1-2\ndate 2026-01-01\n' >"$tmp/trixie/sway-$mode.versions"
	{
		printf '{ "cases": ['
		for case; do
			printf '%s{ "name": "%s", "outcome": "%s", "detail": "" }' \
				"$separator" "${case%%=*}" "${case#*=}"
			separator=', '
		done
		printf '] }'
	} >"$tmp/trixie/sway-$mode.json"
}

# breaks_off MODE: its suite has not ended.
breaks_off() {
	sed -i 's/ }$/, "error": "the command ended" }/' "$tmp/trixie/sway-$1.json"
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# expect_count TEXT
expect_count() {
	local seen
	seen=$("$table" count "$tmp/trixie/sway-plain.json" 2>/dev/null || :)
	[ "$seen" = "$1" ] || fail "count: '$seen', not '$1'"
}

# expect_row STATUS CELL...: the table's row ends with these, and make with this status.
expect_row() {
	local status=$1 cells='' seen=0
	shift
	for cell; do
		cells+=" $cell |"
	done
	"$table" make "$tmp" "$tmp/none.md" >"$tmp/seen" || seen=$?
	[[ $(grep '^| sway' "$tmp/seen") == *"libwayland ? |$cells" ]] ||
		fail "no row that ends with '$cells': $(cat "$tmp/seen")"
	[ "$seen" -eq "$status" ] || fail "make has ended with $seen, not $status"
	rm -r "$tmp/trixie"
}

ok='conforms' skip='skipped' killed='client killed'

# How a case that is "skipped" or has no result is counted.
expect_count '0 1 0'
result plain
expect_count '0 1 0'
result plain memory/a=$ok memory/b="$killed" memory/c=$skip
expect_count '1 1 1'
breaks_off plain
expect_count '1 2 1'
rm -r "$tmp/trixie"

result plain memory/a=$ok memory/b=wrong greed/c=$skip
result native memory/a=$ok memory/b=$ok greed/c=$ok
expect_row 0 '1 of 3, 1 wrong, 1 skipped' '3 of 3' 'none'

# What conforms plain and cannot be tried natively has been lost.
result plain memory/a=$ok memory/b=$skip
result native memory/a=$skip memory/b=$skip
expect_row 1 '1 of 2, 1 skipped' '0 of 2, 2 skipped' 'memory/a'

# Only cases that were run both ways are compared.
result plain memory/a=$ok greed/b=$ok
result guarded memory/a=$ok memory/c=wrong
result native memory/a=$ok greed/b=$ok memory/c=$ok
expect_row 0 '2 of 2; not run: memory (1)' \
	'1 of 2, 1 wrong; not run: greed (1)' '3 of 3' \
	'guarded: none of 1; native: none of 2'
result plain memory/a=$ok
result native memory/b=wrong
expect_row 0 '1 of 1; not run: memory (1)' '0 of 1, 1 wrong; not run: memory (1)'

# A suite that was broken off.
result plain memory/a=$ok
result native memory/a=$ok
breaks_off native
expect_row 1 '1 of 1' '1 of 1; NOT ENDED' 'none'

# Other versions cannot be compared.
result plain memory/a=$ok
result native memory/a=wrong
sed -i 's/1.10.1-2/1.11-1/' "$tmp/trixie/sway-native.versions"
expect_row 0 '1 of 1' '0 of 1, 1 wrong; with 1.11-1'
