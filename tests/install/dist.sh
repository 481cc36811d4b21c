#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes the tarball of a release from the committed files, as "meson dist" does, builds it,
# and runs its unit tests. ("meson dist" without an option runs all tests.)
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

git -C "$SOURCE_ROOT" rev-parse -q --verify HEAD >/dev/null 2>&1 ||
	skip 'this is no git repository'

# In a clone, since "meson dist" writes to the build folder.
quietly git clone -q "file://$SOURCE_ROOT" "$tmp/clone"
use_wlroots_of_build
quietly meson setup --wrap-mode=nodownload "$tmp/build" "$tmp/clone"
quietly meson dist -C "$tmp/build" --no-tests --formats xztar
mkdir "$tmp/source"
tar -C "$tmp/source" --strip-components=1 -xf "$tmp"/build/meson-dist/*.tar.xz

# It has all committed files.
(cd "$tmp/clone" && git ls-files) | sort >"$tmp/committed"
(cd "$tmp/source" && find . -type f -o -type l) | sed 's,^\./,,' |
	sort >"$tmp/packed"
diff "$tmp/committed" "$tmp/packed" ||
	fail 'the tarball lacks (<) files, or has others (>)'

quietly meson setup --wrap-mode=nodownload -Dwerror=true \
	"$tmp/built" "$tmp/source"
quietly ninja -C "$tmp/built"
quietly meson test -C "$tmp/built" --no-rebuild --suite unit \
	--timeout-multiplier 4
grep -E '^Ok:' "$tmp/log"
echo 'the tarball builds, and its unit tests pass'
