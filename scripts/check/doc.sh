#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make doc': writes the documentation of rust/genl and of the families of Kbuild,
# with what is generated for them, to .build/doc. A warning of rustdoc is an error.
#
#   scripts/check/doc.sh

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

read -ra families < <(sed -n 's/^families := //p' "$TOP/Kbuild")
rm -rf "$BUILD/doc"
"$TOP/scripts/vm/inroot" "$TOP/scripts/check/rustdoc.py" --kernel "$(readlink -f "$CURRENT")/build" \
	--mod "$BUILD/mod/$(readlink "$CURRENT")" --out "$BUILD/doc" "${families[@]}"
note "The documentation: $BUILD/doc/index.html"
