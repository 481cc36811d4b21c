#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks that programs that were built with the last release run with these libraries:
#
# - abi.c has the types of functions and the layout of structs
# - packaging/debian/*.symbols have the names and versions of symbols, and the sonames;
#   a new function is added there, with the version that it is in
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

lib=$BUILD_ROOT/src
set -- "$lib/libsealpool.so" "$lib/libsealpool-memory.so" \
	"$lib/libwayland/libsealpool-libwayland.so" \
	${WLROOTS:+"$lib/wlroots/libsealpool-wlroots.so"}

for file; do
	name=${file##*/}
	wanted=$(echo "$SOURCE_ROOT/packaging/debian/${name%.so}"[0-9]*.symbols)
	soname=$(readelf -d "$file" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
	grep -q "^$soname " "$wanted" ||
		fail "$name is $soname, which is not in ${wanted##*/}"
	sed -n 's/^ \([^ ]*\) .*/\1/p' "$wanted" | sort >"$tmp/wanted"
	# The name of a version is a symbol (A), too.
	nm -D --defined-only "$file" | sed 's/@@/@/' | awk '
		$2 == "A" { $3 = $3 "@" $3 }
		{ print $3 ($3 ~ /@/ ? "" : "@Base") }' | sort >"$tmp/exported"
	diff "$tmp/wanted" "$tmp/exported" ||
		fail "$name lacks (<) symbols of ${wanted##*/}, or has others (>)"
done

use_wlroots_of_build
# shellcheck disable=SC2046,SC2086 # lists of options
quietly $CC -std=c11 -Wall -Wextra -Werror ${WLROOTS:+-DHAVE_WLROOTS} \
	-I "$SOURCE_ROOT/include" -o "$tmp/program" "$SOURCE_ROOT/tests/install/abi.c" \
	$(pkg-config --cflags wayland-server) "$@"
LD_LIBRARY_PATH="$lib:$lib/libwayland:$lib/wlroots:${LD_LIBRARY_PATH-}" "$tmp/program"
echo 'a program of the last release compiles, links and starts'
