#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs into a folder of its own, checks the files, and builds compositors in a tree
# that has nothing else of Sealpool (tree/): one with only the core, and sealpool-tiny.
# Both run with the installed libraries, the latter under the installed conformance suite.
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

dest=$tmp/dest
quietly meson install -C "$BUILD_ROOT" --no-rebuild --destdir "$dest"
lib=$dest$LIBDIR
bin=$dest$BINDIR

# Installed files
for file in libsealpool.so libsealpool-libwayland.so libsealpool-memory.so \
		pkgconfig/sealpool.pc pkgconfig/sealpool-libwayland.pc \
		pkgconfig/sealpool-memory.pc sealpool/sealpool-preload.so; do
	[ -e "$lib/$file" ] || fail "$LIBDIR/$file is not installed"
done
for header in "$SOURCE_ROOT"/include/sealpool/*.h; do
	name=${header##*/}
	[ "$name" != wlroots.h ] || [ -n "$WLROOTS" ] || continue
	cmp "$header" "$dest$PREFIX/include/sealpool/$name" ||
		fail "<sealpool/$name> is not installed"
done
for program in "$bin"/sealpool-*; do
	name=${program##*/}
	[ -z "$MAN_PAGES" ] || [ -e "$dest$MANDIR/man1/$name.1" ] ||
		fail "$name has no manual page"
	case $("$program" --help 2>&1) in
	*[Uu]sage:*) ;;
	*) fail "$name --help prints no usage" ;;
	esac
done

# Exactly the symbols of the map are exported, with their versions if they have any.
# exported LIBRARY MAP
exported() {
	awk '/^[A-Z]/ { version = "@@" $1 }
		/^\t[a-z_]+;$/ { sub(/;/, "", $1); print $1 version }' \
		"$2" | sort >"$tmp/wanted"
	nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' |
		sort >"$tmp/exported"
	diff "$tmp/wanted" "$tmp/exported" ||
		fail "$1 exports (>) other symbols than its map has (<)"
}
exported "$lib/libsealpool.so" "$SOURCE_ROOT/src/sealpool.syms"
exported "$lib/libsealpool-libwayland.so" \
	"$SOURCE_ROOT/src/libwayland/sealpool-libwayland.syms"
exported "$lib/libsealpool-memory.so" "$SOURCE_ROOT/src/sealpool-memory.syms"
! readelf -d "$lib/libsealpool-memory.so" | grep 'NEEDED.*wayland' ||
	fail 'libsealpool-memory needs libwayland'
[ -z "$WLROOTS" ] || exported "$lib/libsealpool-wlroots.so" \
	"$SOURCE_ROOT/src/wlroots/sealpool-wlroots.syms"
# The preloaded library replaces these functions, and has a core for native modules.
{
	awk '/^SEALPOOL_RUN/ { p = 1 } /^local:/ { exit }
		p && /^\t[a-z_]+;$/ { sub(/;/, "", $1); print $1 "@@SEALPOOL_RUN" }' \
		"$SOURCE_ROOT/src/run/preload.syms"
	printf '%s\n' _exit execl execle execlp execv execve execvp execvpe fexecve \
		posix_spawn posix_spawnp wl_display_create wl_event_loop_create \
		wl_global_create
	grep -o 'wl_[a-z_]*' "$SOURCE_ROOT/src/libwayland/sealpool-libwayland.syms"
} | sort >"$tmp/wanted"
nm -D --defined-only "$lib/sealpool/sealpool-preload.so" |
	awk '$2 != "A" { print $3 }' | sort | diff "$tmp/wanted" - ||
	fail 'sealpool-preload.so exports (>) other symbols than it should (<)'
[ -z "$WLROOTS" ] || [ -e "$lib/sealpool/sealpool-$WLROOTS.so" ] ||
	fail "there is no native module for $WLROOTS"

# Nothing refers to the build folder.
for file in "$lib"/libsealpool*.so "$lib"/sealpool/*.so "$bin"/sealpool-*; do
	! readelf -d "$file" | grep -E 'RPATH|RUNPATH' ||
		fail "$file looks for libraries in a place of its own"
done
! grep -F -e "$BUILD_ROOT" -e "$SOURCE_ROOT" "$lib"/pkgconfig/sealpool*.pc ||
	fail 'pkg-config is led to the build folder'

# pkg-config must find the libraries here, not at their final place. (Its variable for
# such a root would apply to the system's libraries as well.)
sed -i "s,^prefix=,&$dest," "$lib"/pkgconfig/*.pc
export PKG_CONFIG_PATH="$lib/pkgconfig"
export LD_LIBRARY_PATH="$lib"

# A tree that uses it
cp -R "$SOURCE_ROOT/tests/install/tree" "$tmp/tree"
cp "$SOURCE_ROOT/examples/sealpool-tiny.c" \
	"$SOURCE_ROOT/protocol/wlr-layer-shell-unstable-v1.xml" "$tmp/tree"
[ -n "$WLROOTS" ] || sed -i '/wlroots.h/d' "$tmp/tree/headers.cc"
quietly meson setup -Dwlroots="$WLROOTS" "$tmp/built" "$tmp/tree"
quietly ninja -C "$tmp/built"

seen=$("$tmp/built/compositor")
[ "$seen" = "$(printf 'direct 0xff102030\nshadow 0xff405060')" ] ||
	[ "$seen" = "$(printf 'direct 0xff102030\nnofault 0xff405060')" ] ||
	fail "compositor printed: $seen"
seen=$("$tmp/built/reader")
[ "$seen" = "$(printf 'direct 0x10203040\nshadow 0x10203040')" ] ||
	[ "$seen" = "$(printf 'direct 0x10203040\nnofault 0x10203040')" ] ||
	fail "reader printed: $seen"
[ ! -e "$tmp/built/headers" ] || "$tmp/built/headers" ||
	fail 'the headers do not work in C++'

if [ -n "$WLROOTS" ] && [ -e "$bin/sealpool-conformance" ]; then
	# passes COMMAND PATTERN...: cases of each pattern pass on this compositor.
	passes() {
		command=$1
		shift
		for pattern; do
			"$bin/sealpool-conformance" --hang 10 --only "$pattern" \
				--start "WLR_BACKENDS=headless WLR_RENDERER=pixman exec $command" \
				>"$tmp/tap" || {
				cat "$tmp/tap" >&2
				fail "$command fails $pattern"
			}
			grep -q '^ok' "$tmp/tap" ||
				fail "there is no case $pattern"
		done
	}
	tiny=$tmp/built/sealpool-tiny
	passes "$tiny" 'hostile/sealed-resize:*' 'content/first-frame:*'
	# Without the guard, this case fails. sealpool-run must find the preloaded
	# library although it is not at its configured place.
	passes "$bin/sealpool-run --quiet --guard $tiny --stock" \
		'memory/read-only:unsealed'
	# And behind a guard, this one.
	passes "$bin/sealpool-run --quiet --native $tiny --stock" \
		'memory/read-only:sealed'
fi
echo 'built and run with the installed files'
