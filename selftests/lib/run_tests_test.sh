#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test of run_tests.sh: it lets it run programs that fail in each way that
# there is, and looks at what it makes of them. One of them passes, but writes
# a warning into the kernel log.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/ktap.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# What the warning says, different in each run, so that no earlier one counts.
token="injected by a test of the runner, $$ $RANDOM"
# The run that this test is part of must not fail for it.
echo "# kernel-log-expected: $token"

program()
{
	{ echo '#!/bin/sh'; cat; } > "$dir/$1"
	chmod +x "$dir/$1"
}

program good <<-'EOT'
	echo KTAP version 1; echo 1..3
	echo ok 1 one; echo 'ok 2 two # SKIP no reason'; echo ok 3 three
EOT
program bad <<-'EOT'
	echo 1..2; echo ok 1 one; echo not ok 2 two; exit 1
EOT
program lies <<-'EOT'
	echo 1..2; echo not ok 1 one; echo ok 2 two; exit 0
EOT
# What is around the warning does not have all of the token, and all the same goes
# with it.
report()
{
	cat <<-EOT
		for line in '[ cut here ] ${token%%,*}' 'WARNING: $token' 'Call Trace: ${token%%,*}'; do
			echo "<4>\$line" > /dev/kmsg
		done
	EOT
}

program warns <<-EOT
	echo 1..1
	$(report)
	echo ok 1 one
EOT
program expects <<-EOT
	echo '# kernel-log-expected: $token'
	echo 1..1
	$(report)
	echo ok 1 one
EOT
program chats <<-EOT
	echo 1..1; echo '<6>nothing to warn of: $token' > /dev/kmsg; echo ok 1 one
EOT
program crashes <<-'EOT'
	echo 1..3; echo ok 1 one; kill -SEGV $$
EOT
program stops <<-'EOT'
	echo 1..3; echo ok 1 one
EOT
program hangs <<-'EOT'
	echo 1..1; sleep 1000 & wait
EOT
program skips <<-'EOT'
	echo '1..0 # SKIP no such thing'; exit 4
EOT
program mute <<-'EOT'
	exit 0
EOT

"$here/run_tests.sh" -t 2 "$dir"/{good,bad,warns,chats,expects,crashes,stops,hangs,skips,mute,none,lies} \
	> "$dir/out" 2>&1
status=$?

# Whether the output has a line like this, as a whole.
has()
{
	grep -qxE "$1" "$dir/out"
}

# The lines between two results belong to the program of the second one.
said()
{
	sed -n "/^# $1\$/,/^\(not \)\?ok .* $1/p" "$dir/out" | grep -qE "$2"
}

ktap_print_header
ktap_set_plan 17
result "a good program passes" has 'ok 1 good'
result "a failing subtest fails its program" has 'not ok 2 bad'
result "a warning in the kernel log fails its program" has 'not ok 3 warns'
result "the warning is shown" said warns "kernel log: WARNING: $token"
result "with what goes with it" said warns "kernel log: Call Trace:"
result "and does not fail the next one; other lines are no warning" has 'ok 4 chats'
result "a warning that was announced is forgiven" has 'ok 5 expects'
result "a crash fails" said crashes 'exit status 139'
result "fewer subtests than planned fail" said stops '3 subtests planned, 1 run'
result "a program that hangs fails" said hangs 'no end after 2 s'
result "a skipped program is skipped" has 'ok 9 skips # SKIP no such thing'
result "a program without results fails" has 'not ok 10 mute'
result "a program that is missing fails" has 'not ok 11 none'
# Passed: good 2, bad, warns, chats, expects, crashes, stops, lies 1 each. Failed:
# bad, warns, crashes, stops, hangs, mute, none, lies. Skipped: in good, and skips.
result "a failing subtest fails its program, whatever its status" has 'not ok 12 lies'
result "the last line counts them all" \
	[ "$(tail -n 1 "$dir/out")" = "9 passed, 8 failed, 2 skipped" ]
result "each of them has a line" \
	[ "$(grep -c '^  not ok' "$dir/out")" -eq 8 ]
result "the exit status says that something has failed" [ "$status" -eq 1 ]

[ "$KTAP_CNT_FAIL" -eq 0 ] || sed 's/^/# /' "$dir/out"
ktap_finished
