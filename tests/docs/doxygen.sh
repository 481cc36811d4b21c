#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Doxygen makes a reference of the headers (docs/Doxyfile) without a warning: every
# documented parameter exists, and every reference has a target.
set -eu

command -v doxygen >/dev/null || {
	echo 'skipped: doxygen is not installed'
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$SOURCE_ROOT"
{
	cat docs/Doxyfile
	echo "OUTPUT_DIRECTORY = $tmp"
	echo 'WARN_AS_ERROR = FAIL_ON_WARNINGS'
	echo 'QUIET = YES'
	echo 'GENERATE_XML = YES'
} >"$tmp/Doxyfile"
doxygen "$tmp/Doxyfile"

# It has all exported functions.
grep -hoE '^	sealpool_[a-z_]+;' src/sealpool.syms \
		src/sealpool-memory.syms src/libwayland/sealpool-libwayland.syms \
		src/wlroots/sealpool-wlroots.syms | tr -d '\t;' |
	while read -r name; do
		grep -rq "<name>$name</name>" "$tmp/xml" || {
			echo "FAILED: $name is not in the reference" >&2
			exit 1
		}
	done
