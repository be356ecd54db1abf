#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make run': prepares what is missing, builds the modules, boots the guest, and
# shows nlpeer answering.
#
#   scripts/vm/run.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

start=$(now)
"$TOP/scripts/vm/prepare.sh"
note "Linux $(readlink "$CURRENT") ('make info' says why)"
rc=0
"$TOP/scripts/vm/build.sh" || rc=$?
if [ "$rc" = 0 ]; then
	"$TOP/scripts/vm/vm.sh" --no-load --timeout 180 --cmd "sh /genl/demo/demo.sh" || rc=$?
fi
echo
if [ "$rc" = 0 ]; then
	echo "SUCCESS: a generic netlink family in Rust has answered in a running kernel ($(seconds "$start") altogether)."
else
	echo "FAILURE: see above; logs are in .build/log."
fi
exit "$rc"
