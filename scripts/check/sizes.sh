#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many bytes of code rust/genl costs: the .text of nlpeer, which uses much of it,
# and of the smallest family that there is, which has a name and nothing else. What
# nlpeer has for odd-get is counted for itself: most of it is there to be wrong. And
# how many lines are generated for board and nlpeer, and how many the generator has.
# Each has a limit.
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

# text MODULE: the bytes of code of a module.
text() {
	"$TOP/scripts/vm/inroot" size -A "$BUILD/mod/$(readlink "$CURRENT")/$1.ko" |
		awk '$1 ~ /^\.text/ { sum += $2 } END { print sum + 0 }'
}

# of MODULE PATTERN: the bytes of its functions with such a name, in C and in Rust.
of() {
	"$TOP/scripts/vm/inroot" nm --print-size --radix=d --demangle \
		"$BUILD/mod/$(readlink "$CURRENT")/$1.ko" |
		awk -v pattern="$2" 'NF > 3 && $3 ~ /^[tT]$/ && $0 ~ pattern { sum += $2 }
			END { print sum + 0 }'
}

# lines NAME LIMIT: the lines that are generated for a family.
lines() {
	limit "what is generated for $1" "$(wc -l < "$TOP/rust/$1/$1_gen.rs")" "$2" \
		"rust/$1/$1_gen.rs: lines"
}

# An instruction of arm64 has four bytes, and one of x86-64 often fewer.
case $MACHINE in
aarch64) dup_limit=7500 nlpeer_limit=58000 ;;
*) dup_limit=6500 nlpeer_limit=49000 ;;
esac
echo "TAP version 13"
echo "1..6"
limit "the smallest family" "$(text nlpeer_dup)" "$dup_limit" "nlpeer_dup.ko: bytes of .text"
odd=$(of nlpeer '[ :]odd_put|nlpeer_odd_|nlpeer::odd::|OddGet|OddDump')
limit "nlpeer" "$(($(text nlpeer) - odd))" "$nlpeer_limit" "nlpeer.ko: bytes of .text, without odd-get"
limit "odd-get" "$odd" 4000 "nlpeer.ko: bytes of .text for odd-get"
lines board 160
lines nlpeer 950
limit "the generator" "$(cat "$TOP"/scripts/gen/*.py | wc -l)" 2350 "scripts/gen/*.py: lines"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
