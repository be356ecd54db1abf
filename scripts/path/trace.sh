#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make trace' and 'make paths': the live path, in the guest.
#
#   scripts/path/trace.sh COMMAND    what the kernel does for a netlink command
#   scripts/path/trace.sh --paths    the 16 paths of netlink, then and now
#
# HTML=FILE writes a page with a picture there, SVG=FILE only the picture,
# JSON=FILE all that is known. The pages of --paths come to .build/paths.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
'') die "say which command: scripts/path/trace.sh 'genl ctrl list'" ;;
--paths)
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
	;;
esac

out=$(mktemp -d "$BUILD/trace.XXXXXX")
trap 'rm -rf "$out"' EXIT
rc=0
"$TOP/scripts/vm/vm.sh" --quiet --out "$out" --env TRACE_CMD="$1" \
	--cmd "exec /genl/path/trace.py --text - ${HTML:+--html /out/page} ${SVG:+--svg /out/svg} ${JSON:+--json /out/json} --sh \"\$TRACE_CMD\"" ||
	rc=$?
# keep NAME FILE
keep() {
	if [ -n "$2" ] && [ -e "$out/$1" ]; then
		cp "$out/$1" "$2"
		note "Written: $2"
	fi
}
keep page "${HTML:-}"
keep svg "${SVG:-}"
keep json "${JSON:-}"
exit "$rc"
