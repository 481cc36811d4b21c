# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2016 # $(...) in single quotes is for apt-get
#
# Finds Debian's archive in apt's configuration, for scripts that need more than is
# installed here. To be sourced.

# Prints "URI file:entry" of Debian's own archive, not of its security updates or backports,
# which have another archive or label. apt-get knows that only of sources whose lists it has
# fetched.
archive() {
	apt-get indextargets 'Created-By: Packages' 'Component: main' \
		'Origin: Debian' 'Label: Debian' \
		--format '$(REPO_URI) $(SOURCESENTRY)' |
		grep -v '^cdrom:' | head -n 1
}

# signed_by file:entry: the key that an entry of apt's sources names, if it names
# a file.
signed_by() {
	file=${1%:*}
	entry=${1##*:}
	case $file in
	*.sources)
		awk -v RS= -v entry="$entry" 'NR == entry' "$file" |
			sed -n 's,^[Ss]igned-[Bb]y: *\(/.*\),\1,p'
		;;
	*)
		sed -n "${entry}s,.*[[ ]signed-by=\(/[^] ]*\).*,\1,p" "$file"
		;;
	esac
}
