#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which allocations fail where /proc/thread-self/fail-nth asks for it: all but those of what
# watches, and those for whose failure the kernel itself has a warning, in
# event_define_fields(). Ends with 4 where this kernel has no failing allocations.

set -eu

debug=/sys/kernel/debug
caches=0

if [ ! -e /proc/thread-self/fail-nth ] || [ ! -d $debug/failslab ]; then
	echo "this kernel has no fault injection, or debugfs is not mounted"
	exit 4
fi
for file in /sys/kernel/slab/*/failslab; do
	cache=${file%/failslab}
	case ${cache##*/} in
	kmemleak_object | kmemleak_scan_area | debug_objects_cache | ftrace_event_field)
		fails=0 ;;
	*) fails=1 ;;
	esac
	# One that several share cannot fail.
	if { echo $fails > "$file"; } 2> /dev/null; then
		caches=$((caches + fails))
	fi
done
if [ "$caches" -le 50 ]; then
	echo "only $caches caches can fail"
	exit 1
fi
echo Y > $debug/failslab/cache-filter
for what in failslab fail_page_alloc; do
	# Those that could wait for memory as well.
	echo N > $debug/$what/ignore-gfp-wait
	echo 0 > $debug/$what/verbose
done
