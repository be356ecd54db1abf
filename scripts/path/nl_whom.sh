#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whom scripts/path/trace.py records, and how deep, beside what nl_trace.sh asks: everybody, all
# that was called below an error, a module that comes; and that nothing of it is left.

tracer=$(dirname "$0")/trace.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What Python compiles it compiles once.
export PYTHONPYCACHEPREFIX="$work/compiled"
# The folder of the tests is above this one, or in its place in the sources.
lib=$(dirname "$0")/..
[ -e "$lib/ktap.sh" ] || lib=$lib/../selftests/lib
# shellcheck source=../../selftests/lib/ktap.sh
. "$lib/ktap.sh"

ktap_print_header
if ! command -v python3 > /dev/null || ! command -v ip > /dev/null; then
	skip_all "python3 or ip is missing"
fi
if ! grep -qw function_graph /sys/kernel/tracing/available_tracers 2> /dev/null; then
	skip_all "this kernel has no function graph tracer, or tracefs is not mounted"
fi
ktap_set_plan 6
# As in nl_trace.sh.
echo "# kernel-log-expected: WARNING: kernel/trace/fprobe.c"
before=$(cat /sys/kernel/tracing/set_graph_function)
instances=/sys/kernel/tracing/instances

# What the tracer does not start itself.
python3 - <<-'PYTHON' &
	import socket, struct, time
	sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
	while True:
	    sock.send(struct.pack("=IHHIIBBHiII", 32, 18, 1, 7, 0, 0, 0, 0, 1, 0, 0))
	    sock.recv(65536)
	    time.sleep(0.3)
PYTHON
asker=$!
# What a shell starts in the background does not know of Ctrl-C.
python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$tracer" --all --names --timeout 300 > "$work/all" 2> "$work/err" &
traced=$!
# It prints while it records.
tries=0
until grep -A 9 "^\[python3, process $asker\]\$" "$work/all" | grep -q "^netlink_sendmsg" ||
	[ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
seen=$tries
kill -INT $traced
begin=$(date +%s)
wait $traced
status=$?
kill $asker
[ "$seen" -le 600 ] && ! grep -q "events did not fit" "$work/err"
result "--all: what everybody does, and who it is" [ $? = 0 ]
[ $status = 0 ] && [ $(($(date +%s) - begin)) -lt 60 ] &&
	grep -q "recording, until Ctrl-C or for 300 s" "$work/err" &&
	[ "$before" = "$(cat /sys/kernel/tracing/set_graph_function)" ] &&
	[ -z "$(ls -A /sys/kernel/tracing/instances)" ] &&
	! grep -qs netlink_path_ /sys/kernel/tracing/dynamic_events
result "--all: Ctrl-C ends it well, and tracing is as it was" [ $? = 0 ]

# Somebody has a file of the instance open when it has to go.
rmmod nlpeer
"$tracer" --names --only genl_do_enter --output "$work/mod" --sh "insmod ${NLPEER_KO:-/genl/mod/nlpeer.ko} &&
	cd '$(dirname "$tracer")' && python3 -c 'import paths; paths.echo()'
	sleep 1000 < \$(echo $instances/netlink-path-*/tracing_on) & echo \$! > '$work/held'" 2> "$work/err"
grep -q "^ *\* genl_do_enter: family=nlpeer cmd=1" "$work/mod"
result "a module that the command loads: its tracepoints" [ $? = 0 ]
left=$(echo "$instances"/netlink-path-*)
grep -q "$left is still there (.*): somebody has a file of it open" "$work/err" &&
	! grep -qs netlink_path_ /sys/kernel/tracing/dynamic_events
result "an instance of which a file is open: told of, and its probes are gone" [ $? = 0 ]
kill "$(cat "$work/held")"

# net/ipv4/fib_semantics.c: fib_check_nh() looks for the gateway in the tables. Not all returns below
# it are recorded.
deep="--deep: what the function that made the error has called"
if [ -e /sys/kernel/btf/vmlinux ]; then
	"$tracer" --deep --text "$work/deep" -- ip route add 203.0.113.0/24 via 198.51.100.1 2> "$work/err"
	[ $? = 2 ] && grep -qE "ENETUNREACH was made (by|in) fib_check_nh" "$work/deep" &&
		sed -n '/^ *fib_check_nh/,$p' "$work/deep" | grep -q "^ *fib_table_lookup"
	result "$deep" [ $? = 0 ]
else
	skipped "$deep" "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
fi

# Where there was no run behind the one with the open file.
[ -e /sys/kernel/btf/vmlinux ] || rmdir "$left"
[ "$before" = "$(cat /sys/kernel/tracing/set_graph_function)" ] &&
	[ -z "$(ls -A $instances)" ] &&
	! grep -qs netlink_path_ /sys/kernel/tracing/dynamic_events
result "tracing is as it was" [ $? = 0 ]

ktap_finished
