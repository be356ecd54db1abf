#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes the C headers of the specs anew, with the generator of the kernel.
#
#   scripts/regen.sh [--check]
#
# --check changes nothing and fails when a header is not what the generator
# would write.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

work=$(mktemp -d "$BUILD/regen.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The generator looks for the top of a kernel tree above the spec, and for the
# schemas beside it.
mkdir -p "$work/Documentation/netlink/specs"
touch "$work/MAINTAINERS"
cp "$CURRENT"/src/Documentation/netlink/*.yaml "$work/Documentation/netlink/"

rc=0
for spec in "$TOP"/rust/specs/*.yaml; do
	name=$(basename "$spec" .yaml)
	cp "$spec" "$work/Documentation/netlink/specs/"
	"$TOP/scripts/inroot" timeout 60 \
		python3 "$(readlink -f "$CURRENT")/src/tools/net/ynl/pyynl/ynl_gen_c.py" \
		--mode uapi --header --spec "$work/Documentation/netlink/specs/$name.yaml" |
		sed -e "s|Documentation/netlink/specs/$name.yaml|rust/specs/$name.yaml|" \
			-e 's|tools/net/ynl/ynl-regen.sh|make regen|' > "$work/$name.h"
	if [ "${1:-}" = --check ]; then
		diff -u "$TOP/rust/specs/$name.h" "$work/$name.h" || {
			note "rust/specs/$name.h is stale: run 'make regen'"
			rc=1
		}
	else
		cp "$work/$name.h" "$TOP/rust/specs/$name.h"
	fi
done
exit "$rc"
