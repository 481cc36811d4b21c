#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds twice, with differences that must not matter: the place of the source, its age,
# the locale, the time zone, the umask, the number of jobs. The installed files must be
# identical. (The path from the build folder to the source does matter: compilers get it.)
# shellcheck source=tests/install/begin.sh
. "$(dirname "$0")/begin.sh"

use_wlroots_of_build

# build NAME SOURCE JOBS
build() {
	mkdir -p "${2%/*}"
	mkdir "$2"
	tar -C "$SOURCE_ROOT" -c --exclude=./build* --exclude=./.git \
		--exclude=./subprojects/*/* . | tar -C "$2" -xm
	# By default, the compiler writes paths into debug information.
	quietly env CFLAGS="-ffile-prefix-map=$2=." \
		meson setup --wrap-mode=nodownload --buildtype=debugoptimized \
		-Dtests=disabled -Dexamples=disabled "$2/build" "$2"
	quietly ninja -j "$3" -C "$2/build"
	quietly meson install -C "$2/build" --no-rebuild --destdir "$tmp/$1"
	(cd "$tmp/$1" && find . -type f -o -type l | sort) >"$tmp/$1.files"
}

(
	umask 022
	export TZ=UTC
	build one "$tmp/a" 1
)
(
	umask 002
	export TZ=Pacific/Kiritimati LC_ALL=C NINJA_STATUS='' USER=other
	build two "$tmp/somewhere/else/b" 4
)
diff "$tmp/one.files" "$tmp/two.files" || fail 'other files are installed'
[ -s "$tmp/one.files" ] || fail 'nothing is installed'
while read -r file; do
	cmp "$tmp/one/$file" "$tmp/two/$file" || fail "$file differs"
done <"$tmp/one.files"
echo "$(wc -l <"$tmp/one.files") files are the same in two builds"
