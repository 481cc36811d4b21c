#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs a compositor with only the build folder, through its *-uninstalled.pc:
# nothing is installed, and the source tree is not used.
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

export PKG_CONFIG_PATH="$BUILD_ROOT/meson-uninstalled${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
LD_LIBRARY_PATH=$BUILD_ROOT/src
# libwayland, if it was built too.
for dir in "$BUILD_ROOT"/subprojects/*/src; do
	[ ! -d "$dir" ] || LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$dir
done
export LD_LIBRARY_PATH
# shellcheck disable=SC2046,SC2086 # lists of options
quietly $CC -D_GNU_SOURCE -Wall -Werror -pthread -o "$tmp/compositor" \
	"$SOURCE_ROOT/tests/install/tree/compositor.c" \
	$(pkg-config --cflags --libs sealpool wayland-server wayland-client)
quietly "$tmp/compositor"
echo 'built and run with the build folder'
