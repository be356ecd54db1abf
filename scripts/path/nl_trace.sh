#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The path of a command through the kernel, as scripts/path/trace.py shows it: the
# functions that must be seen, in their order, and that nothing of the tracing
# is left.

tracer=$(dirname "$0")/trace.py
instances=/sys/kernel/tracing/instances
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What Python compiles it compiles once.
export PYTHONPYCACHEPREFIX="$work/compiled"
# The folder of the tests is above this one, or in its place in the sources.
lib=$(dirname "$0")/..
[ -e "$lib/ktap.sh" ] || lib=$lib/../selftests/lib
# shellcheck source=../../selftests/lib/ktap.sh
. "$lib/ktap.sh"

# in_order FILE NAME...: each name stands in a line behind that of the one before.
# A function that the compiler of this kernel has inlined is not asked for.
in_order()
{
	file=$1
	shift
	seen=
	for name; do
		case $name in
		*"()") ;;
		*)
			grep -qE "^$name( |\$)" "$work/functions" || {
				echo "# inlined in this kernel: $name"
				continue
			}
			;;
		esac
		seen="$seen $name"
	done
	awk -v names="$seen" '
		BEGIN { count = split(names, name, " "); at = 1 }
		at <= count && $1 == name[at] { at++ }
		END {
			if (at <= count) {
				print "# not seen in its place: " name[at]
				exit 1
			}
		}' "$file"
}

ktap_print_header
if ! command -v python3 > /dev/null || ! command -v genl > /dev/null; then
	skip_all "python3 or genl is missing"
fi
if ! grep -qw function_graph /sys/kernel/tracing/available_tracers 2> /dev/null; then
	skip_all "this kernel has no function graph tracer, or tracefs is not mounted"
fi
ktap_set_plan 17
# One time in fifty, and under emulation only as far as is known, the kernel takes
# the return of a function for that of a probe: it warns, and leaves it at that.
echo "# kernel-log-expected: WARNING: kernel/trace/fprobe.c"

# What can be traced; the names of modules follow theirs.
cat /sys/kernel/tracing/available_filter_functions > "$work/functions"
before=$(cat /sys/kernel/tracing/current_tracer /sys/kernel/tracing/set_ftrace_filter)

# One recording for all questions about it: to prepare takes seconds on an emulated machine.
"$tracer" --text "$work/get" --html "$work/page" --json "$work/json" -- \
	genl ctrl get name nlpeer > "$work/out"
result "genl ctrl get: traced, and its status is 0" [ $? = 0 ]

grep -q "Name: nlpeer" "$work/out"
result "genl ctrl get: its output comes through" [ $? = 0 ]

in_order "$work/get" "socket()" netlink_create "sendmsg()" netlink_sendmsg netlink_unicast \
	genl_rcv netlink_rcv_skb genl_rcv_msg genl_family_rcv_msg_doit ctrl_getfamily \
	ctrl_fill_info netlink_unicast skb_queue_tail sock_def_readable \
	"recvmsg()" netlink_recvmsg
result "genl ctrl get: from the socket to the answer in the queue" [ $? = 0 ]

"$tracer" --text "$work/link" --sh 'ip link show lo; ip link' > /dev/null
in_order "$work/link" rtnetlink_rcv_msg rtnl_getlink netlink_recvmsg rtnetlink_rcv_msg \
	rtnl_dump_ifinfo netlink_recvmsg
result "ip link: rtnetlink, do and dump" [ $? = 0 ]

# ip looks how long a buffer is before it takes it.
peeks="ip link: a buffer that is looked at is not taken"
if [ -e /sys/kernel/btf/vmlinux ]; then
	grep -E "netlink_recvmsg  *(looks|takes)" "$work/link" | sed 's/.*recvmsg *\([a-z]*\).*/\1/' |
		tr '\n' ' ' | grep -qE '^(looks takes )+$'
	result "$peeks" [ $? = 0 ]
else
	skipped "$peeks" "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
fi

"$tracer" --names -- ./there-is-no-such-command 2> "$work/err"
[ $? = 127 ] && grep -q "there-is-no-such-command: No such file" "$work/err"
result "a command that does not exist" [ $? = 0 ]

values="genl ctrl get: steps with values, and the messages by their spec"
# Not where probes are refused: a kernel in which one has become wrong fails.
if [ -e /sys/kernel/btf/vmlinux ]; then
	id=$(sed -n 's/.*ID: \(0x[0-9a-f]*\) .*/\1/p' "$work/out")
	grep -q "genl_get_cmd  *command 3 of family nlctrl (id 16), do" "$work/get" &&
		grep -q "|  *family-name = nlpeer" "$work/get" &&
		grep -q "|  *family-id = $((id))$" "$work/get"
	result "$values" [ $? = 0 ]
else
	skipped "$values" "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
fi

python3 - "$work/json" "$work/page" <<-'PYTHON'
	import json, os, re, sys
	from html.parser import HTMLParser
	calls = json.load(open(sys.argv[1]))["calls"]
	assert "sendmsg()" in [call["function"] for call in calls]
	page = open(sys.argv[2]).read()
	HTMLParser().feed(page)
	assert page.count("<svg") == 2
	assert "nl_table[16]" in page or not os.path.exists("/sys/kernel/btf/vmlinux")
	# A link may lead to the source of the kernel; nothing is loaded from elsewhere.
	assert not re.search(r"src(set)?='?\"?(https?:|//)|<(link|script|iframe|object|embed)|url\((?!#)|@import", page)
PYTHON
result "the page has its picture and needs nothing from elsewhere; JSON is JSON" [ $? = 0 ]

# What the README shows is kept in trace.json: the functions, and what they returned.
picture="the picture of the README shows what is recorded now"
if ! grep -q "\"kernel\": \"$(uname -r)\"" "$(dirname "$0")/trace.json"; then
	skipped "$picture" "it was recorded with another kernel"
elif [ ! -e /sys/kernel/btf/vmlinux ]; then
	skipped "$picture" "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
else
	# Some modules want to know of each netlink socket that is closed, where they are loaded.
	python3 - "$(dirname "$0")/trace.json" "$work/json" <<-'PYTHON'
		import json, re, sys
		def names(calls, depth=0):
		    for call in calls:
		        if not re.search("_rcv_nl_event$|_netlink_notify$", call.get("function", "")):
		            yield depth, call.get("function"), call.get("returned")
		            yield from names(call.get("calls", []), depth + 1)
		was, now = (list(names(json.load(open(path))["calls"])) for path in sys.argv[1:])
		for old, new in zip(was, now):
		    if old[:2] != new[:2] or old[2] not in (None, new[2]):
		        sys.exit(f"# {old} was expected, and {new} was seen")
		if len(was) != len(now):
		    other = max(was, now, key=len)[min(len(was), len(now))]
		    sys.exit(f"# {len(was)} steps were expected, {len(now)} were seen: {other}")
	PYTHON
	result "$picture" [ $? = 0 ]
fi

# The same in one file, in a folder of its own.
one="one file: made by nlpath.py, and traces elsewhere"
mkdir "$work/elsewhere"
if python3 -c "import yaml" 2> "$work/err"; then
	one_file=$work/elsewhere/nlpath
	"$(dirname "$0")/nlpath.py" "$one_file" --specs "$lib"
else
	one_file=$(realpath "$tracer")
fi
(
	cd "$work/elsewhere" || exit
	exec "$one_file" --names --timeout 3 --buffer-kb 8 --output "$work/none" -- \
		sh -c 'for i in 1 2 3 4 5; do genl ctrl get name nlpeer; done; exec sleep 1000'
) > "$work/out" 2> "$work/err"
[ $? = 143 ] && grep -q "has not ended after 3 s" "$work/err"
result "a command that never ends" [ $? = 0 ]
grep -qE "[1-9][0-9]* events did not fit the buffer" "$work/err"
result "lost events: says so, and how many" [ $? = 0 ]
if [ "$one_file" = "$work/elsewhere/nlpath" ]; then
	grep -q "^nlpath: the command has not ended" "$work/err"
	result "$one" [ $? = 0 ]
else
	skipped "$one" "python3-yaml is missing"
fi

"$tracer" --names --output "$work/none" -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$work/pid" 2> "$work/err" &
traced=$!
tries=0
until [ -s "$work/pid" ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
kill -TERM $traced
wait $traced
[ $? = 143 ] && ! kill -0 "$(cat "$work/pid")" 2> /dev/null
result "SIGTERM: ends the command as well" [ $? = 0 ]

# What another tracer has set comes back, if only with the next run.
echo genl_rcv > /sys/kernel/tracing/set_graph_function
rm "$work/pid"
"$tracer" --names --output "$work/none" -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$work/pid" 2> "$work/err" &
traced=$!
tries=0
until [ -s "$work/pid" ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
kill -KILL $traced
wait $traced 2> "$work/err"
kill "$(cat "$work/pid")"
"$tracer" --names --output "$work/none" -- false 2> "$work/err"
status=$?
result "SIGKILL: the next run puts right what it has left" \
	[ "$(cat /sys/kernel/tracing/set_graph_function)" = genl_rcv ]
echo > /sys/kernel/tracing/set_graph_function
[ $status = 1 ] && grep -q "used no netlink" "$work/err"
result "a command that fails and uses no netlink" [ $? = 0 ]

if command -v setpriv > /dev/null; then
	setpriv --reuid 65534 --clear-groups python3 "$tracer" -- true 2> "$work/err"
	[ $? = 125 ] && grep -q "tracing needs root" "$work/err"
	result "without root: says so" [ $? = 0 ]
else
	skipped "without root: says so" "setpriv is missing"
fi

after=$(cat /sys/kernel/tracing/current_tracer /sys/kernel/tracing/set_ftrace_filter)
[ "$before" = "$after" ] && [ -z "$(ls -A $instances)" ] &&
	! grep -qs netlink_path_ /sys/kernel/tracing/dynamic_events
result "tracing is as it was" [ $? = 0 ]

ktap_finished
