#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the project that docs/adopt.md describes, with this one as a subproject that is
# not installed.
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

[ -n "$WLROOTS" ] || skip 'there is no wlroots'
use_wlroots_of_build

project=$tmp/project
python3 "$SOURCE_ROOT/tests/docs/snippets.py" \
	--extract "$project" "$SOURCE_ROOT/docs/adopt.md"
cd "$project/subproject"
# As it is after Meson has fetched the wrap.
ln -s "$SOURCE_ROOT" subprojects/sealpool
sed -i "s,wlroots-0\.18,$WLROOTS,; s,=0\.18,=${WLROOTS#*-}," meson.build
quietly meson setup --wrap-mode=nodownload -Dwerror=true "$tmp/built"
quietly ninja -C "$tmp/built"

# Parts that a subproject does not need are not built.
for name in sealpool-conformance sealpool-tiny; do
	found=$(find "$tmp/built" -name "$name")
	[ -z "$found" ] || fail "a subproject builds $found"
done
"$tmp/built/compositor" >"$tmp/seen" 2>&1 || {
	cat "$tmp/seen" >&2
	fail 'the compositor does not run'
}
echo 'built and run as a subproject'
