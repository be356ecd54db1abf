#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many bytes of code rust/genl costs: the .text of nlpeer, which uses much of it,
# and of the smallest family that there is, which has a name and nothing else. Each
# has a limit.
#
#   scripts/check/sizes.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

passed=0 failed=0

# check NAME MODULE LIMIT: prints the bytes, which must not be more.
check() {
	local bytes
	bytes=$("$TOP/scripts/vm/inroot" size -A "$BUILD/mod/$(readlink "$CURRENT")/$2.ko" |
		awk '$1 ~ /^\.text/ { sum += $2 } END { print sum + 0 }')
	echo "# $2.ko: $bytes bytes of .text, at most $3"
	if [ "$bytes" -gt 0 ] && [ "$bytes" -le "$3" ]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) $1"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) $1"
	fi
}

echo "TAP version 13"
echo "1..2"
check "the smallest family" nlpeer_dup 9000
check "nlpeer" nlpeer 50000
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
