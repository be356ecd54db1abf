#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many bytes of code rust/genl costs: the .text of nlpeer, which uses much of it,
# and of the smallest family that there is, which has a name and nothing else. And
# how many lines are generated for board and nlpeer. Each has a limit.
#
# scripts/gen/tests/compare_with_c.py has the limits for the families of the kernel.
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

# limit NAME NUMBER LIMIT WHAT: there must be something, and not more.
limit() {
	echo "# $4: $2, at most $3"
	if [ "$2" -gt 0 ] && [ "$2" -le "$3" ]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) $1"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) $1"
	fi
}

# text NAME MODULE LIMIT: the bytes of code of a module.
text() {
	limit "$1" "$("$TOP/scripts/vm/inroot" size -A "$BUILD/mod/$(readlink "$CURRENT")/$2.ko" |
		awk '$1 ~ /^\.text/ { sum += $2 } END { print sum + 0 }')" "$3" "$2.ko: bytes of .text"
}

# lines NAME LIMIT: the lines that are generated for a family.
lines() {
	limit "what is generated for $1" "$(wc -l < "$TOP/rust/$1/$1_gen.rs")" "$2" \
		"rust/$1/$1_gen.rs: lines"
}

echo "TAP version 13"
echo "1..4"
text "the smallest family" nlpeer_dup 9000
text "nlpeer" nlpeer 50000
lines board 160
lines nlpeer 950
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
