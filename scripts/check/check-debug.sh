#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make check-debug': the selftests, the KUnit suites and the stress tests under a
# kernel with KASAN, UBSAN, lockdep, kmemleak, reference trackers and failing
# allocations, which is built first (scripts/vm/debug-kernel.sh). Each part has a
# boot of its own, ends with a look for leaks and reports, and the last line
# counts all results: 'N passed, N failed, N skipped'. After that look, 'selftests'
# makes the kernel report an error on purpose.
#
#   scripts/check/check-debug.sh [PART...]
#
# The parts are kunit, selftests, trace (nl_trace.sh on one processor, since an emulated
# one may run into a breakpoint that another one has already taken out of a tracepoint),
# stress and fuzz, and two that have nothing to do with that kernel: mutations, 10,000
# specs with errors for the generator, and bundle, what 'make bundle' makes as its users
# have it. Only where it is named there is ports: the judges of the ports, and each of their
# commands with failing allocations. CYCLES=, NAMESPACES= and CLOSES= say how much stress does,
# TEST_LOOPS= how often the tests in selftests/accept repeat what they repeat (100), FUZZ= and
# SEED= how many requests fuzz sends, and which, PORTS= which ports (all), and REQUESTS= how many
# random requests each of them gets (5000).

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

parts=(kunit selftests trace stress fuzz mutations bundle)
case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
'') ;;
*) parts=("$@") ;;
esac

only_x86 "'make check-debug'"
alone
# Ctrl-C ends the part that runs, and so all of them.
trap 'exit 130' INT
passed=0 failed=0 skipped=0 summary=
logs=()

# guest NAME SECONDS ARGUMENTS TEST...: runs tests in the guest, all of which may
# take so long; the kernel gets the arguments. What $after names is run after the
# look for leaks and reports. $smp is how many processors there are.
guest() {
	local name=$1 timeout=$2 append=$3 log start rc=0 ok=0 bad=0 skip=0
	shift 3
	log=$LOG/check-debug-$name.log
	logs+=("$log")
	start=$(now)
	printf '\n== %s\n' "$name"
	# The messages of the kernel are beside what the tests say.
	# Emulated, this kernel is about ten times slower than the stock one.
	"$TOP/scripts/vm/vm.sh" --no-load --quiet --mem 3072 --smp "${smp:-2}" --timeout "$timeout" \
		--dmesg "${log%.log}.dmesg" --append "kasan_multi_shot $append" \
		--env TEST_SLOW=10 --env KUNIT_SUITES="$suites" --env CYCLES="${CYCLES:-200}" \
		--env NAMESPACES="${NAMESPACES:-}" --env CLOSES="${CLOSES:-}" --env TESTS="$*" \
		--env FUZZ="${fuzz:-}" --env SEED="${SEED:-}" --env TEST_RANDOM="${REQUESTS:-5000}" \
		--env PORTS="${PORTS:-}" \
		--env TEST_LOOPS="${TEST_LOOPS:-100}" --env AFTER="${after:-}" \
		--cmd "mount -t debugfs debugfs /sys/kernel/debug
			cd /genl/selftests
			[ -n \"\$TESTS\" ] || TESTS=\$(grep -vx path/nl_trace.sh tests.list)
			NLPEER_MODULES=/genl/mod exec ./run_tests.sh -t $timeout \$TESTS stress/leftovers.sh \$AFTER" \
		2>&1 | tee "$log" || rc=$?
	read -r ok bad skip < <(
		sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log" |
			tail -n 1 | grep . || echo 0 0 0
	)
	if [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "not ok $name ended with status $rc"
	elif [ "$ok" = 0 ]; then
		bad=1
		echo "not ok $name ran no test"
	fi
	tally "$name" "$ok" "$bad" "$skip" "$start"
}

# tally NAME PASSED FAILED SKIPPED START: counts the results of a part.
tally() {
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	summary+=$(printf '  %-14s %4d passed, %d failed, %d skipped  (%s)' \
		"$1" "$2" "$3" "$4" "$(seconds "$5")")$'\n'
}

# The judges of the ports, and their failing allocations.
ports() {
	local names=${PORTS:-} name tests=(ports/judge_test.py)
	[ -n "$names" ] || names=$(basename -as .yaml "$TOP"/rust/ports/*/*.yaml)
	for name in $names; do
		tests+=("ports/$name.py")
	done
	guest ports 7200 "kunit.enable=0 init_on_alloc=0 slab_debug=P" "${tests[@]}" ports/failing_alloc.py
}

# plain NAME COMMAND...: what takes long and has nothing to do with that kernel; it prints TAP.
plain() {
	local name=$1 log=$LOG/check-debug-$1.log start rc=0 ok bad
	shift
	logs+=("$log")
	start=$(now)
	printf '\n== %s\n' "$name"
	KERNEL='' "$@" 2>&1 | tee "$log" || rc=$?
	ok=$(grep -c '^ok ' "$log") || true
	bad=$(grep -c '^not ok ' "$log") || true
	if [ "$rc" != 0 ] && [ "$bad" = 0 ] || [ "$ok" = 0 ]; then
		bad=$((bad + 1))
		echo "not ok $name ended with status $rc"
	fi
	tally "$name" "$ok" "$bad" 0 "$start"
}

# What the tests have counted: '# count WHAT: NUMBER'.
counts() {
	awk 'match($0, /# count [a-z ]+: [0-9]+/) {
			split(substr($0, RSTART + 8, RLENGTH - 8), part, ": ")
			if (!(part[1] in sum))
				order[++n] = part[1]
			sum[part[1]] += part[2]
		}
		END { for (i = 1; i <= n; i++) printf "  %-18s %6d\n", order[i], sum[order[i]] }' "${logs[@]}"
}

start=$(now)
"$TOP/scripts/vm/debug-kernel.sh"
export KERNEL=debug
"$TOP/scripts/vm/build.sh" || {
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
suites=$(grep -rhoE --include='*.rs' 'kunit_tests\([a-z0-9_]+\)' "$TOP/rust/genl" "$TOP/rust/nlpeer" |
	sed 's/.*(//; s/)//' | sort -u | tr '\n' ' ' || true)

for part in "${parts[@]}"; do
	case $part in
	kunit) guest kunit 600 kunit.enable=1 stress/kunit.sh ;;
	# Where suites ran at each loading they would make all else slower, and take
	# the failures that are meant for others.
	selftests) after=accept/wrong_call guest selftests 3000 "kunit.enable=0 init_on_alloc=0 slab_debug=P" ;;
	trace) smp=1 guest trace 900 kunit.enable=0 path/nl_trace.sh ;;
	stress) guest stress 2400 kunit.enable=0 stress/load_unload stress/failing_alloc stress/netns stress/close_socket ;;
	fuzz) fuzz=${FUZZ:-20000} guest fuzz 3600 "kunit.enable=0 log_buf_len=16M" nl_fuzz ;;
	ports) ports ;;
	# The specs with errors are the same ones each time.
	mutations) plain mutations "$TOP/scripts/gen/tests/mutate.sh" ;;
	bundle) plain bundle "$TOP/scripts/bundle/bundle_test.sh" ;;
	*) die "unknown part '$part': see scripts/check/check-debug.sh --help" ;;
	esac
done

printf '\n%s\n' "$summary"
counts
echo
echo "in $(seconds "$start")"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
