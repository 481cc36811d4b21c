# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154 # $root, $out, $patience and $started are theirs
#
# Guests under QEMU, for scripts that test with other kernels than this machine's. Their
# first process is tests/kernel/init.c, and they have only what put() puts there, in
# memory. To be sourced by a script that has say(), die(), and
#
#   $root      a folder: what is in the guests
#   $out       a folder: GUEST.steps, and GUEST.console, .out and .qemu for what a guest,
#              and QEMU, said
#   $patience  how many seconds a guest may take
#   $started   $SECONDS when the guests were started

# put FILE [PATH]: copies it into the guests, with its libraries. Those are all in /lib,
# where the dynamic linker looks for them; the linker's own path is fixed.
put() {
	local file=$1 path=${2:-/bin/${1##*/}} library
	install -D "$file" "$root$path" || die "$file is missing"
	while read -r library; do
		install "$library" "$root/lib/" || die "$library is missing"
	done < <(ldd "$file" | awk '$2 == "=>" { print $3 }')
	while read -r library; do
		install -D "$library" "$root$library" ||
			die "$library is missing"
	done < <(ldd "$file" | awk '$1 ~ /^\// { print $1 }')
}

# step NAME SECONDS COMMAND
step() {
	printf '%s\t%d\t%s\n' "$1" "$2" "$3"
}

last_step() {
	sed -n 's/^@@ begin //p' "$out/$1.out" 2>/dev/null | tail -n 1
}

# attend GUEST: waits until it has ended.
attend() {
	local guest=$1 pid_name=${1}_pid seen='' now
	while kill -0 "${!pid_name}" 2>/dev/null; do
		now=$(last_step "$guest")
		if [ "$now" != "$seen" ]; then
			say "$((SECONDS - started)) s: $guest: $now"
			seen=$now
		fi
		if [ $((SECONDS - started)) -ge "$patience" ]; then
			say "$guest: hung; ended after $patience s"
			kill "${!pid_name}"
			break
		fi
		sleep 1
	done
	wait "${!pid_name}" 2>/dev/null
	if ! grep -q '^@@ done' "$out/$guest.out" 2>/dev/null; then
		say "$guest did not come to its end. Its console, at last:"
		tail -n 40 "$out/$guest.console" "$out/$guest.out" \
			"$out/$guest.qemu" | tr -d '\r' | sed 's/^/#   /'
	fi
}

# tell GUEST: prints its results as "ok|not ok|skip STEP TEST", with notes in between.
tell() {
	awk -v guest="$1" -v steps="$out/$1.steps" '
		function fail(text) {
			print "not ok - " guest "/" text
			bad = 1
		}
		function finish(why) {
			if (step == "") {
				return
			}
			if (plan < 0) {
				fail(step ": said nothing of its tests")
			} else if (count != plan) {
				fail(step ": " count " of " plan " tests were run")
			}
			if (why != "0" && !bad) {
				fail(step ": ended with " why)
			}
			step = ""
		}
		{ sub(/\r$/, "") }
		# A serial port is a terminal, for which the suite shows progress.
		{
			sub(/^.*\033\[K/, "")
			gsub(/\033\[[0-9;]*m/, "")
		}
		$1 == "@@" && $2 == "begin" {
			step = $3
			seen[step] = 1
			plan = -1
			count = bad = 0
			next
		}
		$1 == "@@" && $2 == "end" {
			finish($4)
			next
		}
		$1 == "@@" && $2 != "done" {
			print "# " guest ": " $0
			next
		}
		step == "" { next }
		/^1\.\.[0-9]+/ {
			plan = substr($1, 4) + 0
			next
		}
		/^(not )?ok [0-9]+/ {
			count++
			name = $0
			sub(/^(not )?ok [0-9]+( - )?/, "", name)
			sub(/^ +/, "", name)
			# cmocka reports skipped tests as not ok.
			last = $1 == "not" && name !~ /^# SKIP/ ? "not ok" : "ok"
			if (sub(/^# SKIP */, "", name)) {
				name = name " # SKIP"
			}
			if (last == "not ok") {
				bad = 1
			}
			print last " - " guest "/" step ": " name
			next
		}
		# The reason of a failure, and what some steps have seen.
		/^#/ && (last == "not ok" || step ~ /^(probe$|clients$|race|copied)/) {
			print "#   " substr($0, 2)
		}
		END {
			finish("nothing")
			while ((getline line < steps) > 0) {
				split(line, field, "\t")
				if (!(field[1] in seen)) {
					fail(field[1] ": was not run")
				}
			}
		}
	' "$out/$1.out"
}
