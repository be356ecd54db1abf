#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What 'make run' shows, in the guest: nlpeer from insmod to rmmod. Ends with
# the first thing that goes wrong.

set -e

shown() {
	echo
	echo "\$ $*"
	"$@"
}

shown insmod /genl/mod/nlpeer.ko
shown genl ctrl get name nlpeer
echo
# One start of Python for the answers and for the trace of one of them.
/genl/path/trace.py --names --only "family=nlpeer cmd=1" --output /run/tree -- \
	python3 /genl/demo/demo.py
echo
echo "The echo on its way through the kernel (* is a tracepoint of our Rust code):"
grep -q "genl_do_enter: family=nlpeer cmd=1" /run/tree
cat /run/tree
shown rmmod nlpeer
! dmesg | grep -E "WARNING|BUG|Oops|Call Trace"
