#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The diff for tinywl in docs/adopt.md applies, without fuzz, to the tinywl.c of the
# wlroots that this is built with, and of all other versions whose source is available.
# The former is compiled, and cases of the conformance suite are run on it. Its source is
# $TINYWL, or is in subprojects/. scripts/tinywl, which runs all cases, sets $CASES, $JOBS,
# and $LOG for the output of the suite.
set -eu
export LC_ALL=C.UTF-8

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

[ -n "$WLROOTS" ] || skip 'there is no wlroots'
command -v patch >/dev/null || skip 'there is no patch'
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$SOURCE_ROOT/tests/docs/snippets.py" --extract "$tmp/doc" \
	"$SOURCE_ROOT/docs/adopt.md"
diff=$tmp/doc/tinywl/tinywl.diff

# apply FILE: leaves it as $tmp/tinywl.c.
apply() {
	cp "$1" "$tmp/tinywl.c"
	patch --fuzz=0 "$tmp/tinywl.c" <"$diff" || fail "does not apply to $1"
}

source=${TINYWL-}
for file in "$SOURCE_ROOT"/subprojects/wlroots-*/tinywl/tinywl.c; do
	[ -e "$file" ] || continue
	apply "$file"
	case $file in
	*/"$WLROOTS".*/*) source=${source:-$file} ;;
	esac
done
[ -n "$source" ] || skip "the source of $WLROOTS is not here"
apply "$source"

export PKG_CONFIG_PATH="$BUILD_ROOT/meson-uninstalled:${PKG_CONFIG_PATH-}"
wayland-scanner server-header \
	"$(pkg-config --variable=pkgdatadir wayland-protocols)/stable/xdg-shell/xdg-shell.xml" \
	"$tmp/xdg-shell-protocol.h"
# shellcheck disable=SC2046,SC2086 # lists of options
$CC -Wall -Wextra -Wno-unused-parameter -Werror -DWLR_USE_UNSTABLE -I"$tmp" \
	-o "$tmp/tinywl" "$tmp/tinywl.c" \
	$(pkg-config --cflags --libs sealpool-wlroots "$WLROOTS" wayland-server xkbcommon)

suite=$BUILD_ROOT/tests/conformance/sealpool-conformance
[ -e "$suite" ] || skip 'compiled, but there is no conformance suite'
LD_LIBRARY_PATH=$BUILD_ROOT/src:$BUILD_ROOT/src/wlroots
for dir in "$BUILD_ROOT"/subprojects/wlroots-*; do
	LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$dir
done
export LD_LIBRARY_PATH
tap=${LOG:-$tmp/tap}
# One run for each pattern, which fails if no case matches it.
set -f
for pattern in ${CASES:-protocol/pool-size:* hostile/sealed-resize:* memory/read-only:*}; do
	"$suite" --hang 10 --jobs "${JOBS:-1}" --only "$pattern" --start \
		"WLR_BACKENDS=headless WLR_RENDERER=pixman exec $tmp/tinywl" \
		>"$tap" 2>"$tmp/log" || {
		tail -n 40 "$tmp/log"
		cat "$tap"
		fail "tinywl fails $pattern"
	}
	passed=$(grep -c '^ok [0-9]* - [^#]*$' "$tap") || {
		cat "$tap"
		fail "no case $pattern has passed"
	}
	skipped=$(grep -c '^ok .* # SKIP' "$tap") || true
	echo "$pattern: $passed passed, 0 failed, $skipped skipped"
done
echo "$source: compiled, and passes"
