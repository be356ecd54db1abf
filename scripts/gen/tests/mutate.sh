#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make mutate': gives 10,000 mutations of the specs of the kernel to the generator,
# the same ones each time. It must make Rust of each or say what is wrong with it, and
# 300 of what it has made must compile. What has failed is in .build/mutations. The last
# line counts the specs: 'N passed, N failed, N skipped'.
#
#   scripts/gen/tests/mutate.sh
#
# MUTATIONS= says how many, SEED= takes others.

set -euo pipefail
. "$(dirname "$0")/../../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

mkdir -p "$LOG"
log=$LOG/mutations.log rc=0
"$TOP/scripts/vm/inroot" "$TOP/scripts/gen/tests/mutate.py" --kernel "$(readlink -f "$CURRENT")" \
	--count "${MUTATIONS:-10000}" --seed "${SEED:-1}" --keep "$BUILD/mutations" \
	--compile 300 --mod "$BUILD/mod/$(readlink "$CURRENT")" |
	tee "$log" || rc=$?
ok=$(grep -c '^ok ' "$log") || true
bad=$(grep -c '^not ok ' "$log") || true
[ "$rc" = 0 ] || [ "$bad" != 0 ] || bad=1
printf '%d passed, %d failed, 0 skipped\n' "$ok" "$bad"
[ "$bad" = 0 ]
