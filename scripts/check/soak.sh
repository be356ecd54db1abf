#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make soak': loads and unloads nlpeer 1,000 times in the stock kernel while
# clients use it, loads a module as often that fails after it has registered a
# family, and looks at the kernel log. CYCLES= is another number. The last line
# counts the results: 'N passed, N failed, N skipped'.
#
#   scripts/check/soak.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

CYCLES=${CYCLES:-1000}
case $CYCLES in
*[!0-9]* | 0*) die "CYCLES=$CYCLES is not a number of cycles" ;;
esac
timeout=$((300 + 2 * CYCLES))
total=$((2 * timeout))

exec "$TOP/scripts/vm/vm.sh" --no-load --timeout "$total" --env CYCLES="$CYCLES" --env TEST_LOOPS="$CYCLES" \
	--cmd "cd /genl/selftests && NLPEER_MODULES=/genl/mod exec ./run_tests.sh -t $timeout stress/load_unload accept/failed_init stress/leftovers.sh"
