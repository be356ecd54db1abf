#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is left when all tests have run: the modules can be unloaded, kmemleak
# finds nothing, it and lockdep still watch, and all of the kernel log is free of
# reports, from the boot on. What the kernel cannot look for is skipped.

set -u
# shellcheck source=../lib/ktap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../ktap.sh"

leaks=/sys/kernel/debug/kmemleak
# What this test, and that of the runner, write on purpose.
token="injected by a test of the runner"

modules_gone()
{
	[ ! -e /sys/module/nlpeer ] && [ ! -e /sys/module/nlpeer_dup ]
}

# What was freed a moment ago may still be on its way, and what is younger than
# five seconds is not reported.
no_leaks()
{
	local found

	for _ in 1 2; do
		sleep 6
		echo scan > $leaks || return
	done
	found=$(cat $leaks) || return
	[ -z "$found" ] || printf '%s\n' "$found" | sed 's/^/# /'
	[ -z "$found" ]
}

kmemleak_watched()
{
	! dmesg | grep -E 'kmemleak: .*(disabled|out of memory|Cannot)' | sed 's/^/# /' | grep .
}

# Those of the boot say that lockdep is there.
reports()
{
	dmesg | grep -E "$LOG_PATTERN" | grep -vE 'RCU lockdep checking is enabled'
}

watcher_sees()
{
	echo "<4>WARNING: $token: after.sh" > /dev/kmsg
	reports | grep -q "$token: after\.sh"
}

log_clean()
{
	local found

	found=$(reports | grep -v "$token")
	echo "# count reports: $(grep -c . <<< "$found")"
	[ -z "$found" ] || printf '%s\n' "$found" | sed 's/^/# /'
	[ -z "$found" ]
}

# A page, an oops, a warning, a lockup.
tainted()
{
	[ $(($(cat /proc/sys/kernel/tainted) & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))) != 0 ]
}

ktap_print_header
ktap_set_plan 7
echo "# kernel-log-expected: $token"

rmmod nlpeer_dup 2> /dev/null
rmmod nlpeer 2> /dev/null
result "the modules are unloaded" modules_gone
if [ -e $leaks ]; then
	result "kmemleak, scanned twice, has no reports" no_leaks
	result "kmemleak has watched all the time" kmemleak_watched
else
	skipped "kmemleak, scanned twice, has no reports" "no kmemleak, or no debugfs"
	skipped "kmemleak has watched all the time" "no kmemleak, or no debugfs"
fi
if [ -e /proc/lockdep_stats ]; then
	result "lockdep has watched all the time" grep -qE 'debug_locks: +1' /proc/lockdep_stats
else
	skipped "lockdep has watched all the time" "no lockdep"
fi
result "a report in the kernel log is seen" watcher_sees
result "the kernel log has no reports" log_clean
result "the kernel is not tainted by one" eval '! tainted'

ktap_finished
