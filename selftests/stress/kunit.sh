#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites of nlpeer and rust/genl, which run when nlpeer is loaded, as
# one result for each of their cases. KUNIT_SUITES are the names that have to be
# there: those that the sources have, so that none is left out unnoticed.

set -u
# shellcheck source=../lib/ktap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../ktap.sh"

kunit=/sys/kernel/debug/kunit

ktap_print_header
[ -n "${KUNIT_SUITES:-}" ] || skip_all "the sources have no KUnit suites"
[ -d $kunit ] || skip_all "this kernel has no KUnit, or debugfs is not mounted"

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
	[ "$KTAP_CNT_FAIL" = 0 ] || sed 's/^/# /' "$file"
done

echo "# count kunit suites: $suites"
ktap_set_plan $((KTAP_TESTNO - 1))
ktap_finished
