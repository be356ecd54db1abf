#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make bench': what an echo and an object of a dump cost nlpeer, and
# families in C that answer as it does. Two boots count instructions (icount: guest time is instructions), a
# third one has two processors and gives a ratio only. The answers of all are
# compared first. Fails when nlpeer costs more than 1.05 times the C that was tuned by
# hand.
#
#   scripts/check/bench.sh [--quick]
#
# --quick leaves the second and the third boot out.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

quick=0
case ${1:-} in
'') ;;
--quick) quick=1 ;;
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
*) die "unknown option '$1': see scripts/check/bench.sh --help" ;;
esac

alone
dir=$BUILD/bench
rm -rf "$dir"
mkdir -p "$dir/guest"

# Where strings are copied by one instruction, each byte of it counts as one, and
# hides everything else: this processor does without.
ICOUNT="-icount shift=0,sleep=off -accel tcg,thread=single -cpu max,-erms,-fsrm,-fsrs,-fzrm"

compile() {
	"$TOP/scripts/vm/build.sh" > /dev/null
	"$TOP/scripts/vm/inroot" gcc -O2 -Wall -static -D_GNU_SOURCE -I "$TOP/selftests/lib" \
		-o "$dir/guest/bench" "$TOP/selftests/bench/bench.c"
	cp "$TOP/selftests/bench/same_answers.py" "$dir/guest/"
}

guest() {
	local name=$1
	shift
	"$TOP/scripts/vm/vm.sh" --quiet --dir "$dir/guest" --timeout 400 "$@" > "$dir/$name"
}

step "bench: build" compile
LOAD="insmod /genl/mod/nlpeer_c.ko"
step "bench: the answers are the same" guest same --mem 2048 --cmd "$LOAD && python3 same_answers.py"
for boot in 1 2; do
	[ "$boot" = 1 ] || [ "$quick" = 0 ] || continue
	# The system settles before anything is counted.
	step "bench: boot $boot, instructions" guest "icount.$boot" --smp 1 --qemu "$ICOUNT" \
		--cmd "$LOAD && grep -m 1 ^flags /proc/cpuinfo && ./bench --settle 40"
done
if [ "$quick" = 0 ]; then
	step "bench: boot 3, two processors" guest smp --smp 2 --cmd "$LOAD && ./bench --contend 2"
fi
"$TOP/scripts/check/bench.py" "$dir"
