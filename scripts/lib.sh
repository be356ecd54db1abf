# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts share: where things are, how a step is shown, how an error
# ends, who has to wait for whom. Sourced, not run.

unset CDPATH
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# names MACHINE: what the toolchain, Debian and the kernel call it, and the packages
# that a virtual machine for it needs. Empty where there is none.
names() {
	case $1 in
	x86 | x86_64 | amd64) echo "x86_64 x86_64-linux-gnu amd64 x86 qemu-system-x86" ;;
	arm64 | aarch64) echo "aarch64 aarch64-linux-gnu arm64 arm64 qemu-system-arm gcc-arm-linux-gnueabihf" ;;
	esac
}
# This machine, and that of the guest: the same, or the one that ARCH= names.
HOST=$(uname -m)
read -r MACHINE GNU DEBIAN KARCH PACKAGES < <(names "${ARCH:-$HOST}") || true
read -r HOST HOST_GNU _ _ HOST_PACKAGES < <(names "$HOST") || true

# Everything that is made lives here and nowhere else.
BUILD=$TOP/.build
# What is made for the guest of another machine lies beside that of this one.
OTHER=
[ "$MACHINE" = "$HOST" ] || OTHER=-${DEBIAN:-$ARCH}
HOST_ROOT=$BUILD/root
ROOT=$HOST_ROOT$OTHER
GUEST=$BUILD/guest$OTHER
SELFTESTS=$BUILD/selftests$OTHER
LOG=$BUILD/log
STATE=$BUILD/state
# The kernel that is meant, a link to the folder of its release: the one that was
# chosen first, or that of KERNEL= for this command only.
CHOICE=${KERNEL:+for-}${KERNEL:-current$OTHER}
CURRENT=$BUILD/kernel/$CHOICE

# Python would write beside its sources.
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# What is made here has to be readable by every user of the guest.
umask 022

note() {
	printf '%s\n' "$*" >&2
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# only_x86 WHAT: for what has no other machine yet.
only_x86() {
	[ "$MACHINE" = x86_64 ] ||
		die "$1 is for x86-64 only, and the guest is ${DEBIAN:-$ARCH}${ARCH:+ (leave out ARCH=$ARCH)}"
}

# These go into makefiles, and the arguments of QEMU and of the sandbox.
case $TOP in
*[![:alnum:]._/+@~-]*) die "the path $TOP has a character that is neither a letter nor a digit nor one of ._/+@~-, and the tools that are needed here cannot cope with it: move the project" ;;
esac

# Seconds since the epoch, with hundredths.
now() {
	local t=${EPOCHREALTIME/[.,]/}
	printf '%s' "${t:0:-4}"
}

seconds() {
	local t=$(($(now) - $1))
	printf '%d.%01d s' $((t / 100)) $((t % 100 / 10))
}

# step NAME COMMAND...: runs a command or a function with its output in a log;
# shows the name, progress after two seconds, and the time. Not to be used in a
# condition: the command would go on after its errors. STEP_TAIL is how many lines
# of the log an error shows, STEP_LINES how many the log of a long step will have,
# more or less: then a terminal shows the share that is done.
step() {
	local name=$1 log start job ticker rc=0 traps
	shift
	mkdir -p "$LOG"
	log=$LOG/$(printf '%s' "$name" | tr -cs 'a-zA-Z0-9.' '-').log
	start=$(now)
	traps=$(trap -p INT TERM HUP)
	printf '  %-46s' "$name" >&2

	# A guard outside of the job sees the end of this process by the end of a
	# pipe, however it comes, and takes all of the job along.
	exec {guard}> >(
		trap '' INT TERM HUP
		read -r group
		read -r _ || {
			kill -TERM -- "-$group" && sleep 5 && kill -KILL -- "-$group"
		} 2> /dev/null
	)
	# With job control the job has a process group of its own.
	set -m
	(
		set +m
		exec {guard}>&-
		set -euo pipefail
		"$@"
	) > "$log" 2>&1 < /dev/null &
	job=$!
	set +m
	echo "$job" >&"$guard"
	trap 'step_ended "$job" "$ticker"; exit 130' INT
	trap 'step_ended "$job" "$ticker"; exit 143' TERM HUP
	step_ticks "$name" "$start" $$ "$log" &
	ticker=$!
	wait "$job" || rc=$?
	kill "$ticker" 2> /dev/null || true
	wait "$ticker" 2> /dev/null || true
	echo "done" >&"$guard" || true
	exec {guard}>&-
	trap - INT TERM HUP
	eval "$traps"

	[ -t 2 ] && printf '\r  %-46s' "$name" >&2
	if [ "$rc" = 0 ]; then
		printf ' %s\n' "$(seconds "$start")" >&2
		return 0
	fi
	printf ' failed after %s\n' "$(seconds "$start")" >&2
	tail -n "${STEP_TAIL:-25}" "$log" | sed 's/^/    /' >&2
	explain "$log"
	note "The whole output is in ${log#"$TOP"/}."
	return "$rc"
}

# The end of a job that was interrupted.
step_ended() {
	printf '\n' >&2
	kill "$2" 2> /dev/null || true
	kill -TERM -- "-$1" 2> /dev/null || true
	wait "$1" 2> /dev/null || true
	note "Interrupted. What is finished is kept; the same command goes on from there."
}

# A counter on a terminal, else a dot after two seconds and one for each ten.
step_ticks() {
	local tick=0 share=''
	# To wait for what never comes leaves no process behind, as sleep would.
	exec {never}<> <(:)
	while ! read -r -t 1 -u "$never" && kill -0 "$3" 2> /dev/null; do
		tick=$((tick + 1))
		if [ -t 2 ]; then
			[ -z "${STEP_LINES:-}" ] || share=", $(($(wc -l < "$4") * 100 / STEP_LINES)) %  "
			[ "$tick" -lt 2 ] || printf '\r  %-46s %s%s' "$1" "$(seconds "$2")" "$share" >&2
		elif [ $((tick % 10)) = 2 ]; then
			printf '.' >&2
		fi
	done
}

# not_ours FOLDER
not_ours() {
	local dir=$1
	while [ ! -e "$dir" ]; do
		dir=$(dirname "$dir")
	done
	die "$1 cannot be written: $dir is of $(stat -c %U "$dir"). Run this as that user, or remove what is there (sudo make distclean)"
}

# room FOLDER MIB: makes the folder, and ends with one line when so much cannot be
# written there.
room() {
	local free error
	if ! error=$({ mkdir -p "$1" && probe=$(mktemp "$1/room.XXXXXX") && rm "$probe"; } 2>&1 > /dev/null); then
		case $error in
		*'Read-only file system'*) die "$1 cannot be written: its file system is mounted read-only. Move the project, or mount it for writing" ;;
		*'No space left'* | *'quota exceeded'*) free=0 ;;
		*'Permission denied'*) not_ours "$1" ;;
		*) die "$1 cannot be written: ${error##*: }" ;;
		esac
	fi
	: "${free:=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')}"
	[ "$free" -ge "$2" ] ||
		die "the disk is full: $1 has $free MiB free, and $2 are needed. Free some, or move the project"
}

# Says what the usual errors mean.
explain() {
	if grep -qE 'No space left on device|Disk quota exceeded' "$1"; then
		note "The disk is full: free some of $(df -P "$BUILD" | awk 'NR == 2 { print $6 }') (all together take 6.5 GB) and run the same command again."
	elif grep -qE 'NO_PUBKEY|is not signed|BADSIG|EXPKEYSIG' "$1"; then
		note "The keyring of this host does not know the archive's key: update the package debian-archive-keyring and run the same command again."
	elif grep -qE 'Temporary failure resolving|Could not (resolve|connect|handshake)|Failed to fetch|Network is unreachable|Connection (refused|timed out|failed)|Unable to connect' "$1"; then
		note "The archive cannot be reached: see to the network (or its proxy in apt's configuration, or another archive by MIRROR=URL) and run the same command again. What is finished is kept."
	fi
}

# take FILE WHAT: one at a time; the others wait and say for what. The lock, whose
# descriptor is in 'lock', goes with the processes that have it, however they end.
take() {
	local file=$BUILD/$1 what=$2
	mkdir -p "$BUILD"
	while :; do
		exec {lock}>> "$file"
		if ! flock -n "$lock"; then
			note "Waiting for $what."
			flock "$lock"
		fi
		# 'make distclean' may have taken it away meanwhile.
		[ "$file" -ef "/proc/$$/fd/$lock" ] && break
		mkdir -p "$BUILD"
		exec {lock}>&-
	done
}

# locked FILE WHAT COMMAND...: runs it with that lock.
locked() {
	local lock
	take "$1" "$2"
	shift 2
	"$@"
	exec {lock}>&-
}

# Those that share the folders of results: one at a time, to its end. What it
# starts is a part of it.
alone() {
	[ -z "${GENL_ALONE:-}" ] || return 0
	take check.lock "another check"
	export GENL_ALONE=1
}

# Whether the stamp of something says that it was made from this.
is_fresh() {
	[ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

hash_of() {
	sha256sum | cut -c1-16
}

# The machine that the kernel of a build folder is for, and the compiler that it was
# made with, for make.
compilers() {
	local cc
	[ -z "$OTHER" ] || printf 'ARCH=%s CROSS_COMPILE=%s- ' "$KARCH" "$GNU"
	# The kernel for arm64 has a part for programs of 32 bits.
	[ "$MACHINE" != aarch64 ] || printf 'CROSS_COMPILE_COMPAT=arm-linux-gnueabihf- '
	if grep -q '^CONFIG_CC_IS_CLANG=y' "$1/.config"; then
		printf 'LLVM=1'
		return
	fi
	cc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$1/.config")
	printf 'CC=%s HOSTCC=%s' "$cc" "${cc#"$GNU"-}"
}
