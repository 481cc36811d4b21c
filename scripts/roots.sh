# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # $kept_roots is theirs, and $tmp
#
# Roots of other releases of Debian, for scripts that need packages that are not
# installed here. mmdebstrap makes them; they are kept and never changed. To be sourced
# in the root of the project, by a script that has $tmp (a folder of its own), say() and
# die(). Entering a root needs root.

# shellcheck source=scripts/archive.sh
. scripts/archive.sh

# The default folder of the roots.
kept_roots=${SEALPOOL_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/sealpool/roots}

# If this is set, changes to a root go to a layer in that folder. Scripts with the same
# folder see them again.
layer=

running=

# To be called by the trap that also removes $tmp.
leave_roots() {
	# unshare ignores other signals. The processes in its namespaces end with it.
	[ -z "$running" ] || kill -KILL "$running" 2>/dev/null
}

# make_root ROOT SUITE [PACKAGE...]: makes it if it is missing.
make_root() {
	local root=$1 suite=$2 found key source include=()
	shift 2
	[ ! -d "$root" ] || return 0
	command -v mmdebstrap >/dev/null || scripts/deps --roots || exit 1
	found=$(archive)
	[ -n "$found" ] || die 'apt has no source for Debian; apt-get update?'
	key=$(signed_by "${found#* }")
	: "${key:=/usr/share/keyrings/debian-archive-keyring.gpg}"
	source="deb [signed-by=$key] ${found%% *} $suite main"
	say "making $root"
	mkdir -p "${root%/*}"
	rm -rf --one-file-system "$root.new"
	[ $# -eq 0 ] || include=(--include="$(IFS=, && echo "$*")")
	# Made under another name first, so that an existing root is complete. The
	# release file of a mirror may have expired.
	if mmdebstrap --quiet --mode=root --variant=apt \
		--dpkgopt=force-unsafe-io \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		"${include[@]}" \
		"$suite" "$root.new" "$source" >"$tmp/log" 2>&1
	then
		mv -T "$root.new" "$root"
	else
		tail -n 40 "$tmp/log" >&2
		die "could not make the root of $suite"
	fi
}

# wlroots_suite VERSION: prints the release of Debian that has it.
wlroots_suite() {
	case $1 in
	0.18) echo trixie ;;
	0.19 | 0.20) echo sid ;;
	*) die "wlroots $1 is not supported" ;;
	esac
}

# enter ROOT WORK COMMAND...: runs it in the root, with WORK as /mnt.
enter() {
	local root=$1 work=$2 status
	shift 2
	[ -z "$layer" ] || mkdir -p "$layer"/{root,changes,work}
	# Its processes end with this one, even if this one is killed: when the first
	# process of a PID namespace ends, all others do.
	# shellcheck disable=SC2016 # for the shell inside
	setpriv --pdeathsig KILL \
		unshare --mount --propagation private --pid --fork --kill-child \
		bash -c '
			set -e
			root=$1 work=$2 layer=$3
			shift 3
			if [ -n "$layer" ]; then
				mount -t overlay -o "lowerdir=$root,upperdir=$layer/changes,workdir=$layer/work" \
					overlay "$layer/root"
				root=$layer/root
			else
				mount --bind "$root" "$root"
			fi
			mount -t proc proc "$root/proc"
			mount --rbind /sys "$root/sys"
			mount --rbind /dev "$root/dev"
			mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
			mount -t tmpfs -o mode=755 run "$root/run"
			mount --bind "$work" "$root/mnt"
			# Not a tmpfs: tests need files on another file system.
			mkdir -p -m 1777 "$work/tmp"
			mount --bind "$work/tmp" "$root/tmp"
			mkdir -p -m 700 "$root/run/user" "$root/run/home"
			# After chroot alone, the kernel permits no user namespaces.
			cd "$root"
			pivot_root . .
			umount -l .
			exec env -i LANG=C.UTF-8 HOME=/run/home \
				XDG_RUNTIME_DIR=/run/user \
				PATH=/mnt/bin:/usr/sbin:/usr/bin:/sbin:/bin \
				"$@"
		' enter "$root" "$work" "$layer" "$@" </dev/null &
	running=$!
	wait "$running"
	status=$?
	running=
	return $status
}
