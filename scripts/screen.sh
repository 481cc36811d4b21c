# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For scripts that run clients on sealpool-tiny, whose screen is in memory, and take pictures
# of it. They set
#
#   $out  the folder for their results; $out/log gets the output of started programs
#
# On a failure they call fail(). The trap on EXIT ends all programs.
# shellcheck disable=SC2034,SC2154 # others use what is set here, and set what is used

export LC_ALL=C.UTF-8

# sealpool-tiny's screen.
screen_width=1280
screen_height=720

# How long each step may take, in seconds, on a busy machine.
patience=60

log=$out/log

# The started programs: pids by name. $clients has the clients that must stay connected
# to the end, in the order of their start.
declare -A pids=()
clients=()

# What the last check found missing.
why=

tmp=
ended=

say() {
	echo "${0##*/}: $*"
}

alive() {
	kill -0 "$1" 2>/dev/null
}

# stop PID: returns its exit status.
stop() {
	local i
	kill "$1" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		alive "$1" || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# shellcheck disable=SC2317 # it is called by the trap
clean_up() {
	local name
	for name in "${!pids[@]}"; do
		[ "$name" = compositor ] || stop "${pids[$name]}"
	done
	[ -z "${pids[compositor]-}" ] || stop "${pids[compositor]}"
	[ -z "$tmp" ] || rm -rf "$tmp"
}

fail() {
	local file
	{
		for file in "$log"/*; do
			[ -s "$file" ] || continue
			echo "---- the end of ${file#"$PWD/"}:"
			grep -v ' comm=grim ' "$file" | tail -n 15 | cut -c 1-200
		done
		echo
		echo "${0##*/}: FAILED: $*"
	} >&2
	exit 1
}

# ended_with PID: prints how a child ended.
ended_with() {
	local status
	wait "$1" 2>/dev/null
	status=$?
	if [ "$status" -gt 128 ]; then
		ended="was killed by SIG$(kill -l "$status")"
	else
		ended="ended with status $status"
	fi
}

# Fails unless the compositor and all clients are running.
check_alive() {
	local name
	for name in compositor "${clients[@]}"; do
		if ! alive "${pids[$name]}"; then
			ended_with "${pids[$name]}"
			fail "$name $ended${1:+ $1}"
		fi
	done
}

# until_seen WHAT COMMAND...: waits until COMMAND succeeds; fails if it does not in time.
until_seen() {
	local what=$1 deadline=$((SECONDS + patience))
	shift
	until "$@"; do
		check_alive "while waiting for $what"
		[ "$SECONDS" -lt "$deadline" ] ||
			fail "no $what in $patience s${why:+: $why}"
		sleep 0.1
	done
}

# launch NAME COMMAND...: in a clean environment, in the background.
launch() {
	local name=$1
	shift
	env -i PATH="$PATH" HOME="$tmp" LC_ALL=C.UTF-8 SHELL=/bin/sh \
		XDG_RUNTIME_DIR="$tmp/run" XDG_CONFIG_HOME="$tmp/config" \
		XDG_CACHE_HOME="$tmp/cache" "$@" \
		>"$log/$name" 2>&1 </dev/null &
	pids[$name]=$!
}

# start NAME COMMAND...: starts a client that must stay connected to the end.
start() {
	local name=$1
	shift
	launch "$name" WAYLAND_DISPLAY="$display" "$@"
	clients+=("$name")
}

# run NAME COMMAND...: runs a client that must end by itself, successfully.
run() {
	local name=$1 deadline=$((SECONDS + patience)) pid
	shift
	launch "$name" WAYLAND_DISPLAY="$display" "$@"
	pid=${pids[$name]}
	while alive "$pid"; do
		check_alive "while $name was running"
		[ "$SECONDS" -lt "$deadline" ] ||
			fail "$name has not ended in $patience s"
		sleep 0.02
	done
	last_pid=$pid
	unset "pids[$name]"
	ended_with "$pid"
	[ "$ended" = 'ended with status 0' ] || fail "$name $ended"
}

# ImageMagick 7, or 6.
im() {
	if command -v magick >/dev/null; then
		magick "$@"
	else
		convert "$@"
	fi
}

# shoot FILE
shoot() {
	run grim grim "$1"
	local size
	size=$(im "$1" -format '%wx%h' info:)
	[ "$size" = "${screen_width}x$screen_height" ] ||
		fail "grim's picture is $size pixels"
}

#
# Starting
#

# need TOOL...: fails unless all of them and ImageMagick are installed.
need() {
	local tool missing=
	for tool in "$@"; do
		command -v "$tool" >/dev/null || missing+=" $tool"
	done
	command -v magick >/dev/null || command -v convert >/dev/null ||
		missing+=' ImageMagick'
	[ -z "$missing" ] || fail "missing here:$missing"
}

# build TARGET...: into build/.
build() {
	local options=(-Dwlroots=enabled -Dexamples=enabled -Dtests=enabled)
	local build_log=build/${0##*/}-build.log
	say 'building'
	mkdir -p build || exit 1
	{
		if [ -e build/build.ninja ]; then
			meson configure build "${options[@]}"
		else
			meson setup build "${options[@]}"
		fi && ninja -C build "$@"
	} >"$build_log" 2>&1 </dev/null || {
		tail -n 60 "$build_log" >&2
		fail "it does not build; see $build_log"
	}
}

# make_folders: empties $out.
make_folders() {
	rm -rf "$out"
	mkdir -p "$log" || exit 1
	tmp=$(mktemp -d) || exit 1
	mkdir -m 700 "$tmp/run" "$tmp/config" "$tmp/cache" || exit 1
}

has_display() {
	display=$(sed -n 's/^WAYLAND_DISPLAY=//p' "$log/compositor" 2>/dev/null)
	why='it has not said which one'
	[ -n "$display" ]
}

# start_compositor [VARIABLE=VALUE...]
start_compositor() {
	say 'starting sealpool-tiny, without a display'
	launch compositor WLR_RENDERER=pixman "$@" "$PWD/build/examples/sealpool-tiny"
	until_seen 'socket of the compositor' has_display
}
