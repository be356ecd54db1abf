#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests and prints KTAP: one result for each program, and above it,
# indented, what the program itself has printed. The last line counts subtests.
#
# Beside what it says itself, a program fails if it ends with a status other
# than 0 (or 4: skipped), takes too long, runs fewer subtests than planned, or
# if the kernel has logged a warning meanwhile. A program that provokes one can
# announce it: it prints "# kernel-log-expected: TEXT", and lines of the kernel
# log with TEXT are not held against it. The kernel's own kselftest/runner.sh does
# not look at its log, nor does it count subtests.

set -uo pipefail
# The last part of a pipe runs in this shell, and what it counts remains.
shopt -s lastpipe
export LC_ALL=C
unset CDPATH

usage()
{
	cat <<-EOT
	usage: ${0##*/} [-t SECONDS] [TEST ...]
	  -t SECONDS  how long a test may take (default 240)
	  TEST        a program; without any, those in tests.list beside this script
	Environment: NLPEER_MODULES=DIR with nlpeer.ko and the modules of the tests;
	without it, what is installed is used, or what was built beside the tests.
	EOT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
timeout=240
while getopts t:h opt; do
	case $opt in
	t) timeout=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))

tests=("$@")
if [ $# -eq 0 ]; then
	mapfile -t tests < "$here/tests.list" || exit 2
	cd "$here" || exit 2
fi

passed=0 failed=0 skipped=0

summary()
{
	echo "$passed passed, $failed failed, $skipped skipped"
}

skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $1"
	echo "run_tests.sh: $1" >&2
	skipped=${#tests[@]}
	summary
	exit 4
}

# The file of a module, if there is one. Those of the tests are never installed.
module_file()
{
	local file

	for file in "${NLPEER_MODULES:-$here}/$1.ko" \
		"$(modinfo -n "$1" 2>/dev/null)" \
		"$here/../mod/$(uname -r)/$1.ko" "$here/../mod/$1.ko"
	do
		if [ -f "$file" ]; then
			echo "$file"
			return
		fi
	done
}

# A test may have failed with the module unloaded; the next one needs it.
load_module()
{
	[ -e /sys/module/nlpeer/initstate ] || insmod "$NLPEER_KO" 2>/dev/null ||
		modprobe nlpeer 2>/dev/null
}

# The words by which the kernel reports that something is wrong with itself.
log_pattern='WARNING:|BUG:|UBSAN:|KASAN:|KCSAN:|KFENCE:|Oops|kernel panic'
log_pattern+='|refcount_t|general protection fault|cut here|Call Trace'
log_pattern+='|rust_kernel: |suspected memory leaks|locking|lockdep|blocked for more'
log_pattern+='|suspicious RCU|non-static key|ODEBUG|leaked|ref_tracker|detected stall'
# For a test that looks at all of the log.
export LOG_PATTERN=$log_pattern

# What was logged since the last call: the descriptor of /dev/kmsg keeps the
# sequence number. Reading ends with EAGAIN; EPIPE says that records are lost,
# and the next attempt begins behind them.
read_log()
{
	local error='Broken pipe'

	while [[ $error == *'Broken pipe'* ]]; do
		{ error=$(dd bs=8192 iflag=nonblock <&"$kmsg" 2>&1 1>&3); } 3>&1
		[[ $error != *'Broken pipe'* ]] ||
			echo '0;BUG: the log has overflown, lines are lost'
	done
}

# Lines of the log since the last call that a test fails for, but for those
# that contain one of the arguments, and for what goes with such a line in a
# report: the mark in front of it, the head of the calls behind it.
warnings()
{
	local line text mark='' calls=''

	# A record is "facts;text", what follows it on lines of its own begins
	# with a space.
	read_log | sed -n 's/^[0-9][^;]*;//p' | grep -E "$log_pattern" |
	while IFS= read -r line; do
		for text in "$@"; do
			[[ $line != *"$text"* ]] || {
				mark='' calls=forgiven
				continue 2
			}
		done
		[ -z "$mark" ] || printf '%s\n' "$mark"
		mark=''
		case $line in
		*'cut here'*) mark=$line ;;
		*'Call Trace'*) [ -n "$calls" ] || printf '%s\n' "$line" ;;
		*) printf '%s\n' "$line" ;;
		esac
		calls=''
	done
	[ -z "$mark" ] || printf '%s\n' "$mark"
}

# One more reason for a program to fail: a subtest of its own that has failed.
fault()
{
	ran=$((ran + 1))
	echo "  not ok $ran $1"
	failed=$((failed + 1))
	verdict="not ok" directive=''
}

run_one()
{
	local number=$1 test=$2 name=${2##*/}
	local line rc begin=$EPOCHREALTIME planned='' ran=0 bad=0 skips=0 reason=''
	local expected=() lines=()
	local verdict=ok directive=''

	echo "# $name"
	[[ $test == */* ]] || test=./$test
	timeout -k 5 "$timeout" "$test" 2>&1 < /dev/null |
	while IFS= read -r line || [ -n "$line" ]; do
		# A program that is skipped as a whole has no subtests.
		if [[ $line == '1..0 # SKIP '* ]]; then
			reason=${line#*'# SKIP '}
			line="# skipped: $reason"
		fi
		printf '  %s\n' "$line"
		case $line in
		'ok '*'# SKIP'*)
			skips=$((skips + 1)) ;;
		'ok '*)
			passed=$((passed + 1)) ;;
		'not ok '*)
			bad=$((bad + 1)) ;;
		'1..'*)
			planned=${line#1..}
			continue ;;
		'# kernel-log-expected: '*)
			expected+=("${line#*: }")
			continue ;;
		*)
			continue ;;
		esac
		ran=$((ran + 1))
	done
	rc=${PIPESTATUS[0]}

	failed=$((failed + bad))
	skipped=$((skipped + skips))
	[ "$bad" -eq 0 ] || verdict="not ok"
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		fault "no end after $timeout s"
	elif [ "$rc" -ne 0 ] && [ "$rc" -ne 4 ] && [ "$bad" -eq 0 ]; then
		fault "exit status $rc"
	elif [ -n "$planned" ] && [ "$planned" -ne "$ran" ]; then
		fault "$planned subtests planned, $ran run"
	elif [ "$rc" -eq 4 ] && [ "$bad" -eq 0 ]; then
		[ "$ran" -gt 0 ] || skipped=$((skipped + 1))
		directive=" # SKIP ${reason:-all subtests}"
	elif [ "$ran" -eq 0 ]; then
		fault "no subtest, no reason"
	fi

	warnings "${expected[@]}" | mapfile -t lines
	if [ "${#lines[@]}" -gt 0 ]; then
		printf '  # kernel log: %s\n' "${lines[@]}"
		fault "the kernel has logged a warning"
	fi
	printf '  # %s s\n' "$(elapsed "$begin")"
	echo "$verdict $number $name$directive"
}

# Seconds since a time of EPOCHREALTIME, with one decimal.
elapsed()
{
	local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))

	echo "$((tenths / 10)).$((tenths % 10))"
}

[ "$(id -u)" -eq 0 ] || skip_all "the tests need root"
exec {kmsg}< /dev/kmsg || skip_all "/dev/kmsg cannot be read"
for module in nlpeer nlpeer_dup genltest genltest_serial board genl_bridge genl_two genl_drv genl_ports \
	genl_fail genl_kids genl_atomic genl_tick genl_tick_c
do
	export "${module^^}_KO=$(module_file $module)"
done
load_module || skip_all "nlpeer is neither loaded nor installed: install it or set NLPEER_MODULES"

# What was logged before is nobody's fault here.
read_log > /dev/null
echo "KTAP version 1"
echo "1..${#tests[@]}"
for i in "${!tests[@]}"; do
	load_module
	run_one $((i + 1)) "${tests[i]}"
done
warnings | mapfile -t late
if [ "${#late[@]}" -gt 0 ]; then
	printf '# kernel log after the last test: %s\n' "${late[@]}"
	failed=$((failed + 1))
fi
summary
[ "$failed" -eq 0 ]
