#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make trace', 'make paths' and 'make nlpath': the live path, in the guest and elsewhere.
#
#   scripts/path/trace.sh [OPTION...] COMMAND   what the kernel does for a netlink command
#   scripts/path/trace.sh --paths               the 16 paths of netlink, then and now
#   scripts/path/trace.sh --nlpath              the tracer in one file, for other machines: .build/nlpath
#
#   --html FILE     write a page with a picture there
#   --svg FILE      write only the picture there
#   --json FILE     write all that is known there, for machines
#   --dir DIR       the command begins in a copy of this folder
#   --full          all messages with all attributes
#   --messages N    so many messages of each buffer, and not three
#   --times         when each call began, and how long it took
#   --deep          every kernel function under the handler of a request that failed
#   --summary       requests, bytes, time and errors of each command
#   --errors        only what went wrong
#   --protocol, --family, --group NAME
#                   only what has to do with it
#   --only TEXT     only the system calls that have this in their tree
#   --timeout S     stop the command after S seconds
#
# Ctrl-C stops the command as well; both show what was seen until then. The pages
# of --paths come to .build/paths.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

files=() vm=() options=''
# quoted WORD: for the shell of the guest.
quoted() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	--html | --svg | --json | --dir | --only | --timeout | --messages | --protocol | --family | --group)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--dir) vm+=(--dir "$2") ;;
		--only | --timeout | --messages | --protocol | --family | --group) options+=" $1 $(quoted "$2")" ;;
		*)
			files+=("${1#--}" "$2")
			options+=" $1 /out/${1#--}"
			;;
		esac
		if [ "$1" = --timeout ] && ! [[ $2 =~ ^[0-9]+$ && $2 -gt 0 && $2 -le 86400 ]]; then
			die "--timeout: '$2' is not a number of seconds"
		fi
		[ "$1" != --timeout ] || vm+=(--timeout $(($2 + 600)))
		shift
		;;
	--full | --times | --summary | --errors | --deep) options+=" $1" ;;
	--paths | --nlpath) break ;;
	--) shift && break ;;
	-*) die "unknown option '$1': see scripts/path/trace.sh --help" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || die "say which command: scripts/path/trace.sh 'genl ctrl list'"
[ $# = 1 ] || die "the command is one word: scripts/path/trace.sh 'genl ctrl list'"

if [ "$1" = --nlpath ]; then
	"$TOP/scripts/vm/inroot" "$TOP/scripts/path/nlpath.py" "$BUILD/nlpath" \
		--specs "$(readlink -f "$CURRENT")/src/Documentation/netlink/specs" --specs "$TOP/rust/nlpeer"
	note "Written: ${BUILD#"$TOP"/}/nlpath: copy it to any machine with Python 3 and ftrace; --help says more."
	exit
fi

if [ "$1" = --paths ]; then
	out=$BUILD/paths
	mkdir -p "$out"
	rm -f "$out"/paths.*
	note "The paths of netlink, one after the other:"
	rc=0
	"$TOP/scripts/vm/vm.sh" --quiet --out "$out" --append "$(PYTHONDONTWRITEBYTECODE=1 "$TOP/scripts/path/paths.py" --append)" \
		--cmd '/genl/path/paths.py --html "$OUT/paths.html" --text "$OUT/paths.txt"' || rc=$?
	[ ! -e "$out/paths.txt" ] || cat "$out/paths.txt"
	[ "$rc" != 0 ] || note "The same as a page: ${out#"$TOP"/}/paths.html"
	exit "$rc"
fi

# A guest for nothing takes longer than to look.
for ((i = 1; i < ${#files[@]}; i += 2)); do
	file=${files[i]}
	[ ! -d "$file" ] || die "$file cannot be written: it is a folder"
	if [ -e "$file" ]; then
		[ -w "$file" ] || die "$file cannot be written: it is not ours, or its file system is read-only"
	else
		folder=$(dirname -- "$file")
		[ -d "$folder" ] || die "$file cannot be written: there is no folder $folder"
		[ -w "$folder" ] || die "$file cannot be written: $folder is not ours, or its file system is read-only"
	fi
done

out=$(mktemp -d "$BUILD/trace.XXXXXX")
trap 'rm -rf "$out"' EXIT
# The guest ends with what was seen until then.
trap : INT
rc=0
"$TOP/scripts/vm/vm.sh" --quiet --interrupt --out "$out" --env TRACE_CMD="$1" "${vm[@]}" \
	--cmd "exec /genl/path/trace.py --text -$options --sh \"\$TRACE_CMD\"" || rc=$?
for ((i = 0; i < ${#files[@]}; i += 2)); do
	if [ -e "$out/${files[i]}" ]; then
		cp "$out/${files[i]}" "${files[i + 1]}"
		note "Written: ${files[i + 1]}"
	fi
done
exit "$rc"
