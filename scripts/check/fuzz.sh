#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make fuzz': sends 1,000,000 requests to nlpeer and genltest in the stock kernel,
# valid, at the bounds of their policies and spoiled, looks at all that they answer,
# and at the kernel log. FUZZ= is another number; SEED= makes other requests. The
# last line counts the results: 'N passed, N failed, N skipped'.
#
#   scripts/check/fuzz.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

FUZZ=${FUZZ:-1000000} SEED=${SEED:-1}
case $FUZZ in
*[!0-9]* | 0*) die "FUZZ=$FUZZ is not a number of requests" ;;
esac
case $SEED in
*[!0-9]*) die "SEED=$SEED is not a number" ;;
esac
# Many times what it takes where processors are emulated.
timeout=$((600 + FUZZ / 200))

# Memory that was not written shows in what is sent, as in 'make check'. The kernel
# writes a line for some of the spoiled requests, and none may be lost.
exec "$TOP/scripts/vm/vm.sh" --no-load --timeout "$timeout" \
	--append "init_on_alloc=0 slab_debug=P log_buf_len=16M" --env FUZZ="$FUZZ" --env SEED="$SEED" \
	--cmd "cd /genl/selftests && NLPEER_MODULES=/genl/mod exec ./run_tests.sh -t $timeout nl_fuzz stress/leftovers.sh"
