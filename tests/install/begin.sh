# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# To be sourced by the tests in this folder. Meson sets the paths
# (tests/install/meson.build). Their files are in $tmp, which is removed at the end.
set -eu

# Builds here depend on this tree, not on the caller's environment.
unset CFLAGS LDFLAGS DESTDIR MESON_TESTTHREADS MESONINTROSPECT
export LC_ALL=C.UTF-8

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# Ends a test that is not possible here; Meson counts it as skipped.
skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# quietly COMMAND...: prints its output only if it fails.
quietly() {
	"$@" >"$tmp/log" 2>&1 </dev/null || {
		cat "$tmp/log" >&2
		fail "$*"
	}
}

# If wlroots was built with this (subprojects/wlroots.wrap), it can be used from the build
# folder as if it were installed.
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
