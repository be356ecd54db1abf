#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites of nlpeer and rust/genl, which run when nlpeer is loaded, as
# one result for each of their cases. KUNIT_SUITES are the names that have to be
# there: those that the sources have, so that none is left out unnoticed.

set -u

kunit=/sys/kernel/debug/kunit
results=0 failures=0

# result NAME CONDITION...
result()
{
	local name=$1
	shift
	results=$((results + 1))
	if "$@"; then
		echo "ok $results $name"
	else
		echo "not ok $results $name"
		failures=$((failures + 1))
	fi
}

echo "KTAP version 1"
if [ -z "${KUNIT_SUITES:-}" ]; then
	echo "1..0 # SKIP the sources have no KUnit suites"
	exit 4
fi
if [ ! -d $kunit ]; then
	echo "1..0 # SKIP this kernel has no KUnit, or debugfs is not mounted"
	exit 4
fi

rmmod nlpeer 2> /dev/null
result "nlpeer is loaded, with its suites" insmod "$NLPEER_KO"

suites=0
for suite in $KUNIT_SUITES; do
	suites=$((suites + 1))
	file=$kunit/$suite/results
	if [ ! -f "$file" ]; then
		result "$suite has run" false
		continue
	fi
	cases=0
	# The lines of the cases are those below the line of the suite.
	while read -r verdict rest; do
		[ "$verdict" = ok ] || rest=${rest#ok }
		name=${rest#* }
		result "$suite: ${name#- }" [ "$verdict" = ok ]
		cases=$((cases + 1))
	done < <(grep -E '^    (not )?ok [0-9]+ ' "$file")
	result "$suite has cases" [ "$cases" -gt 0 ]
	result "$suite, as a whole" grep -qE "^ok [0-9]+ (- )?$suite" "$file"
	[ "$failures" = 0 ] || sed 's/^/# /' "$file"
done

echo "# count kunit suites: $suites"
echo "1..$results"
[ "$failures" -eq 0 ]
