#!/bin/sh
# SPDX-License-Identifier: MIT
#
# All tests, files and links that are named in the documents exist.
set -eu
cd "$SOURCE_ROOT"
export LC_ALL=C

failed=
report() {
	echo "FAILED: $*" >&2
	failed=yes
}

suite=$BUILD_ROOT/tests/conformance/sealpool-conformance
cases=
[ ! -x "$suite" ] || cases=$("$suite" --list | sed -n 's/^\([a-z].*\) (.*)$/\1/p')

# Names of tests are in backticks and have at least three words. Names of conformance
# cases begin with their group.
for doc in README.md SECURITY.md docs/*.md docs/*/*.md; do
	for name in $(grep -oE '`[a-z0-9]+(_[a-z0-9]+){3,}`' "$doc" |
			tr -d '`' | sort -u); do
		grep -rqw "$name" tests/unit tests/integration tests/content \
			tests/textures tests/gate tests/guard src include || report "$doc: there is no $name"
	done
	for case in $(grep -oE '`(protocol|content|memory|hostile|greed|shared-fds)/[^`]*`' \
			"$doc" | tr -d '`' | sort -u); do
		# A star stands for any text, and a name without a variant for all of
		# them.
		[ -e "$case" ] || [ -z "$cases" ] || echo "$cases" |
			grep -qxE "$(echo "$case" | sed 's/\*/.*/g')(:.*)?" ||
			report "$doc: there is no case $case"
	done
	for file in $(grep -oE '`(docs|examples|include|man|packaging|protocol|scripts|src|tests)/[A-Za-z0-9_./-]+`' \
			"$doc" | tr -d '`' | sort -u); do
		[ -e "$file" ] || report "$doc: there is no $file"
	done
	for link in $(grep -oE '\]\([^)#]+' "$doc" | sed 's/](//' | sort -u); do
		case $link in
		*://*) ;;
		*) [ -e "${doc%/*}/$link" ] || [ -e "$link" ] ||
			report "$doc: there is no $link" ;;
		esac
	done
done
[ -z "$failed" ]
