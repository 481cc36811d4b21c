# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What the tests in this folder begin with: they read it. Meson tells them where
# they are (tests/install/meson.build). What they make is in $tmp and goes with
# them.
set -eu

# What is built here is asked of the tree at hand, and not of who runs this.
unset CFLAGS LDFLAGS DESTDIR MESON_TESTTHREADS MESONINTROSPECT
export LC_ALL=C.UTF-8

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# Ends a test that cannot be done here; Meson counts it as skipped.
skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# quietly COMMAND...: shows what it printed only when it fails.
quietly() {
	"$@" >"$tmp/log" 2>&1 </dev/null || {
		cat "$tmp/log" >&2
		fail "$*"
	}
}

# Where a wlroots was built with this (subprojects/wlroots.wrap), it can be had
# from the build folder as if it were installed.
use_wlroots_of_build() {
	pc=$BUILD_ROOT/meson-uninstalled
	if [ -e "$pc/$WLROOTS-uninstalled.pc" ]; then
		mkdir "$tmp/pc"
		cp "$pc/$WLROOTS-uninstalled.pc" "$tmp/pc"
		export PKG_CONFIG_PATH="$tmp/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
		LD_LIBRARY_PATH=$(echo "$BUILD_ROOT"/subprojects/wlroots-*)
		export LD_LIBRARY_PATH
	fi
}
