#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scripts/test prints and keeps what its first lines say, for a project whose tests fail in
# known ways.
set -eu

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILED: $*" >&2
	[ ! -e "$tmp/seen" ] || cat "$tmp/seen" >&2
	exit 1
}

unset MESON_TESTTHREADS

mkdir -p "$tmp/project/scripts" "$tmp/temporary"
cd "$tmp/project"
cp "$SOURCE_ROOT/meson.options" .
cp "$SOURCE_ROOT/scripts/test" "$SOURCE_ROOT/scripts/test-failures" scripts
printf '#!/bin/sh\n' >scripts/deps
chmod +x scripts/deps

cat >loud <<'END'
echo 'client event=commit statistics of the compositor'
echo 'ok 1 - a case that has passed'
for i in $(seq 200); do echo "line $i"; done
echo 'the reason of the failure'
exit 1
END
cat >late <<'END'
[ -e late.again ] || { touch late.again; echo 'the machine was busy'; exit 1; }
END
cat >leaving <<'END'
touch "$TMPDIR/what-is-left"
END
cat >meson.build <<'END'
project('fake', 'c')
sh = find_program('sh')
foreach name : ['passing', 'loud', 'late', 'leaving']
	test(name, sh, args: meson.current_source_dir() / name,
		workdir: meson.current_source_dir())
endforeach
END
echo 'exit 0' >passing

# run STATUS: runs it.
run() {
	local status=0
	TMPDIR=$tmp/temporary scripts/test --quick >"$tmp/seen" 2>&1 || status=$?
	[ $status -eq "$1" ] || fail "scripts/test has ended with $status, not $1"
	left=$(ls -A "$tmp/temporary")
	[ -z "$left" ] || fail "scripts/test leaves $left in \$TMPDIR"
}

# expect TIMES PATTERN: this many lines match.
expect() {
	local times
	times=$(grep -cE -e "$2" "$tmp/seen") || true
	[ "$times" -eq "$1" ] || fail "\"$2\" $times times, not $1"
}

run 1
# Printed at once, and in the list at the end, for each of the two runs.
expect 4 '^ +the reason of the failure$'
expect 2 '^ +the machine was busy$'
expect 1 '^== gcc: 2 failed, 1 passed when run again$'
expect 2 '^left behind: what-is-left$'
expect 0 '^ +(client event|ok 1)'
expect 0 '^ +line 100$'
[ "$(tail -n 1 "$tmp/seen")" = '3 passed, 2 failed' ] || fail 'the last line has other numbers'
# The whole output is kept, in a file for each way.
grep -q '^line 100$' build/meson-logs/gcc.txt || fail 'no log of the way'

# Files that are left in the source count, too.
cat >loud <<'END'
mkdir -p tests/__pycache__
END
echo 'exit 0' >leaving
run 1
expect 2 '^left behind: \./tests/__pycache__$'
[ "$(tail -n 1 "$tmp/seen")" = '4 passed, 1 failed' ] || fail 'the last line has other numbers'

rm -r tests
echo 'exit 0' >loud
run 0
[ "$(tail -n 1 "$tmp/seen")" = '4 passed, 0 failed' ] || fail 'some have failed'
echo 'scripts/test tells what its tests have done'
