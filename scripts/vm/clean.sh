#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Removes what was built from the sources of this project, or all that was made.
#
#   scripts/vm/clean.sh [--all]

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

clean() {
	# Not below what a check still looks at.
	alone
	rm -rf "$BUILD"/{mod,own,selftests,lint,doc,series} "$BUILD"/selftests-* "$TOP/rust-project.json"
}

# Whether somebody holds a lock.
in_use() {
	[ -e "$BUILD/$1" ] && ! flock -n "$BUILD/$1" true
}

all() {
	[ ! -L "$BUILD" ] || die "$BUILD is a link to $(readlink "$BUILD"): remove that folder by hand"
	[ -d "$BUILD" ] || return 0
	if in_use check.lock || in_use lock || in_use use.lock; then
		die "a check, a preparation, a build or a guest is at work in $BUILD: end it first"
	fi
	# Folders that not even their owner may write to come from packages.
	chmod -R u+rwX "$BUILD" 2> /dev/null || true
	rm -rf --one-file-system "$BUILD" ||
		die "not all of $BUILD could be removed: what belongs to root goes by 'sudo make distclean', what is mounted has to be unmounted"
}

[ ! -d "$BUILD" ] || [ -L "$BUILD" ] || room "$BUILD" 0
case ${1:-} in
-h | --help) sed -n '4,/^$/s/^# \{0,1\}//p' "$0" ;;
--all)
	rm -f "$TOP/rust-project.json"
	all
	;;
'') [ ! -d "$BUILD" ] || locked lock "another preparation or build" clean ;;
*) die "unknown option '$1': see scripts/vm/clean.sh --help" ;;
esac
