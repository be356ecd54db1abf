#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the kernel of the series has found out about itself while it booted: its KUnit suites,
# and the examples of the kernel crate, which are one suite. Then its sample, its trace events
# and what was there before. SUITES are the suites that have to be there, EXAMPLES is how
# many examples the framework has. Sourced in the folder of the selftests.

set -u
# shellcheck source=../../../selftests/lib/ktap.sh
. ./ktap.sh

kunit=/sys/kernel/debug/kunit
tracing=/sys/kernel/tracing
doctests=rust_doctests_kernel

# The lines of cases are those below the line of their suite.
cases()
{
	sed -nE 's/^    (not )?ok [0-9]+ (- )?/\1/p' "$kunit/$1/results"
}

suite()
{
	local bad

	[ -n "$(cases "$1")" ] || return
	bad=$(cases "$1" | grep '^not ')
	[ -z "$bad" ] || sed 's/^/# /' "$kunit/$1/results"
	[ -z "$bad" ] && grep -qE "^ok [0-9]+ (- )?$1" "$kunit/$1/results"
}

examples()
{
	local found

	found=$(cases $doctests | grep '^rust_doctest_kernel_net_genl_' | grep -vc SKIP)
	echo "# $found examples of the framework, of $(cases $doctests | grep -c .) in the kernel crate"
	[ "$found" = "${EXAMPLES:?}" ]
}

# group FAMILY NAME: nlctrl has the family, with the group.
group()
{
	genl ctrl get name "$1" | grep -qE "name: *$2( |$)"
}

# The events of a request and of its answer.
traced()
{
	local seen

	echo 1 > $tracing/events/genetlink/enable || return
	python3 ./nl_board.py > /dev/null
	echo 0 > $tracing/events/genetlink/enable
	for seen in genl_do_enter genl_do_exit genl_dump_buffer genl_notify; do
		grep -q " $seen: family=board" $tracing/trace || {
			echo "# no $seen: $(grep -c genl_ $tracing/trace) events"
			return 1
		}
	done
}

# With what was run then. Timers in two examples of the kernel's own are on the stack, which
# the debug objects do not like.
reports()
{
	dmesg | awk '
		match($0, /location: /) { where = substr($0, RSTART + 10) }
		/ ok [0-9]+ rust_doctests_kernel/ { where = "" }
		/WARNING:|BUG:|UBSAN:|KASAN:|Oops|general protection fault|rust_kernel: panicked|possible .*lock|suspicious RCU|non-static key|ODEBUG/ {
			if (where !~ /^rust\/kernel\/time\/hrtimer\.rs:/)
				print "# " where ": " $0
		}'
}

clean()
{
	local found

	found=$(reports)
	[ -z "$found" ] || echo "$found"
	[ -z "$found" ]
}

ktap_print_header
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
mountpoint -q $tracing || mount -t tracefs tracefs $tracing
[ -d $kunit ] || skip_all "this kernel has no KUnit"

for name in ${SUITES:?} $doctests; do
	result "KUnit: $name has run" [ -f "$kunit/$name/results" ]
done
all=0 found=0
for name in "$kunit"/*; do
	name=${name##*/}
	found=$((found + 1))
	all=$((all + $(cases "$name" | grep -c .)))
	result "KUnit: $name, $(cases "$name" | grep -vc SKIP) cases" suite "$name"
done
echo "# $found suites, $all cases"
result "all $EXAMPLES examples of the framework have run" examples
result "binder has the family of its netlink, as before" group binder report
result "the log of the boot is free of reports" clean
export NLPEER_MODULES=/genl/mod
result "the sample is traced" traced

ktap_set_plan $((KTAP_TESTNO - 1))
ktap_finished
