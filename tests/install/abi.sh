#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compares the libraries with those of the last release, the newest tag named
# vN.N.N before what is checked out: a program that was built with that one must
# run with this one. Symbols may be added; abi.suppr has what else may change. A
# library that takes another soname promises nothing.
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

command -v abidiff >/dev/null || skip 'there is no abidiff'
git -C "$SOURCE_ROOT" rev-parse -q --verify HEAD >/dev/null 2>&1 ||
	skip 'this is no git repository'
tag=$(git -C "$SOURCE_ROOT" describe --tags --abbrev=0 \
	--match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null) ||
	skip 'nothing is released yet: no tag vN.N.N leads here'

quietly git clone -q --branch "$tag" "file://$SOURCE_ROOT" "$tmp/released"
use_wlroots_of_build

# build NAME SOURCE: both in the same way, with debugging information.
build() {
	quietly meson setup --wrap-mode=nodownload --buildtype=debug \
		-Dtests=disabled -Dconformance=disabled -Dexamples=disabled \
		-Dweston=disabled -Dwlroots="$([ -n "$WLROOTS" ] &&
			echo enabled || echo disabled)" "$tmp/$1" "$2"
	quietly ninja -C "$tmp/$1"
}
build old "$tmp/released"
build new "$SOURCE_ROOT"

soname() {
	readelf -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p'
}

for library in libsealpool.so libsealpool-memory.so \
		libwayland/libsealpool-libwayland.so wlroots/libsealpool-wlroots.so; do
	old=$tmp/old/src/$library
	new=$tmp/new/src/$library
	[ -e "$old" ] || continue
	[ -e "$new" ] || fail "$library is gone since $tag"
	if [ "$(soname "$old")" != "$(soname "$new")" ]; then
		echo "$library has another soname than that of $tag"
		continue
	fi
	abidiff --no-added-syms --suppressions \
		"$SOURCE_ROOT/tests/install/abi.suppr" \
		--headers-dir1 "$tmp/released/include" \
		--headers-dir2 "$SOURCE_ROOT/include" "$old" "$new" ||
		fail "$library cannot take the place of that of $tag"
	echo "$library can take the place of that of $tag"
done
