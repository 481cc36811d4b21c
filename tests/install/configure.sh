#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Configures without options, as README.md says, when the packages that only tests need
# are missing.
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

# All of the system's packages except these.
mkdir "$tmp/pc"
for dir in $(pkg-config --variable pc_path pkg-config | tr : ' '); do
	for pc in "$dir"/*.pc; do
		case $pc in
		*/cmocka.pc | */fuse3.pc | *'*.pc') ;;
		*) [ -e "$tmp/pc/${pc##*/}" ] || ln -s "$pc" "$tmp/pc" ;;
		esac
	done
done
unset PKG_CONFIG_PATH
export PKG_CONFIG_LIBDIR="$tmp/pc"
# CMake would find the missing ones as well.
printf "[binaries]\ncmake = 'false'\n" >"$tmp/native"

# configure OPTION...: without wlroots, which may have to be built.
configure() {
	rm -rf "$tmp/build"
	meson setup --wrap-mode=nodownload --native-file "$tmp/native" \
		-Dwlroots=disabled "$@" "$tmp/build" "$SOURCE_ROOT" >"$tmp/log" 2>&1 </dev/null
}

# says NAME VALUE: checks a line of the summary.
says() {
	grep -Eq "^ *$1 *: $2$" "$tmp/log" || {
		cat "$tmp/log" >&2
		fail "not \"$1: $2\""
	}
}

configure || {
	cat "$tmp/log" >&2
	fail 'it cannot be configured'
}
says tests NO
says 'files on FUSE in tests' NO
says 'conformance suite' YES
meson introspect --targets "$tmp/build" >"$tmp/targets"
! grep -q '"name": "unit-' "$tmp/targets" || fail 'unit tests are built'
meson introspect --buildoptions "$tmp/build" >"$tmp/options"
grep -q '"name": "buildtype", "value": "debugoptimized"' "$tmp/options" ||
	fail 'the build is not optimized, or has no symbols'

# A required feature must not be missing.
! configure -Dtests=enabled || fail 'tests are "enabled" without cmocka'
echo 'configured without cmocka and libfuse'
