#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The reference that Doxygen makes of the headers (docs/Doxyfile) has no warning:
# every parameter that is spoken of exists, and every reference leads somewhere.
set -eu

command -v doxygen >/dev/null || {
	echo 'skipped: there is no doxygen'
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

# All that is exported is in it.
grep -hoE '^	sealpool_[a-z_]+;' src/sealpool.syms \
		src/sealpool-memory.syms src/libwayland/sealpool-libwayland.syms \
		src/wlroots/sealpool-wlroots.syms | tr -d '\t;' |
	while read -r name; do
		grep -rq "<name>$name</name>" "$tmp/xml" || {
			echo "FAILED: $name is not in the reference" >&2
			exit 1
		}
	done
