# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts share: where things are, how a step is shown, how an error
# ends. Sourced, not run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Everything that is made lives here and nowhere else.
BUILD=$TOP/.build
ROOT=$BUILD/root
LOG=$BUILD/log
CURRENT=$BUILD/kernel/current

export LC_ALL=C.UTF-8
unset CDPATH

note() {
	printf '%s\n' "$*" >&2
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# Seconds since the epoch, with hundredths.
now() {
	local t=${EPOCHREALTIME/[.,]/}
	printf '%s' "${t:0:-4}"
}

seconds() {
	local t=$(($(now) - $1))
	printf '%d.%01d s' $((t / 100)) $((t % 100 / 10))
}

# step NAME COMMAND...: runs a command in a subshell with its output in a log;
# shows the name, progress after two seconds, and the time.
step() {
	local name=$1 log start pid rc=0 shown=0 ticks=0
	shift
	mkdir -p "$LOG"
	log=$LOG/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9._-' '-').log
	start=$(now)
	[ -t 2 ] || printf '  %-44s' "$name" >&2
	(
		set -euo pipefail
		"$@"
	) > "$log" 2>&1 < /dev/null &
	pid=$!
	while kill -0 "$pid" 2> /dev/null; do
		if [ -t 2 ]; then
			printf '\r  %-44s%s' "$name" "$(seconds "$start")" >&2
		elif [ "$ticks" -ge $((shown * 50 + 10)) ]; then
			printf '.' >&2
			shown=$((shown + 1))
		fi
		ticks=$((ticks + 1))
		sleep 0.2
	done
	wait "$pid" || rc=$?
	[ -t 2 ] && printf '\r  %-44s' "$name" >&2
	if [ "$rc" = 0 ]; then
		printf ' %s\n' "$(seconds "$start")" >&2
		return 0
	fi
	printf ' failed after %s\n' "$(seconds "$start")" >&2
	tail -n 25 "$log" | sed 's/^/    /' >&2
	explain "$log"
	note "The whole output is in ${log#"$TOP"/}."
	return "$rc"
}

# Says what the usual errors mean.
explain() {
	if grep -qE 'No space left on device' "$1"; then
		note "The disk is full: the whole needs about 8 GiB in $BUILD. Free some and run the same command again."
	elif grep -qE 'Temporary failure resolving|Could not resolve|Failed to fetch|Network is unreachable|Connection (refused|timed out)|Unable to connect' "$1"; then
		note "The archive can not be reached. When it can, run the same command again; what is finished is kept."
	elif grep -qE 'NO_PUBKEY|not signed|is not available for.*verif' "$1"; then
		note "The keyring of this host does not know the archive: update the package debian-archive-keyring."
	fi
}

# locked NAME COMMAND...: one at a time, the others wait and say so. The lock
# goes with the process, however that ends.
locked() {
	local file=$BUILD/$1.lock
	shift
	mkdir -p "$BUILD"
	(
		if ! flock -n 9; then
			note "Another run is at it; waiting for it."
			flock 9
		fi
		"$@"
	) 9> "$file"
}

# Whether the stamp of something says that it was made from this.
is_fresh() {
	[ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

hash_of() {
	sha256sum | cut -c1-16
}
