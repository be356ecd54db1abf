#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries 'make new' in a copy of the sources, as TAP: the family that it makes is
# built as it is, and its module and its test are put beside the selftests, where
# 'make check' runs them.
#
#   scripts/gen/tests/new_test.sh

set -euo pipefail
. "$(dirname "$0")/../../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

name=newtest
tree=$BUILD/$name
log=$LOG/new_test.log
rm -rf "$tree" "$BUILD/selftests/$name.ko"
mkdir -p "$tree"
cp -r "$TOP/Kbuild" "$TOP/rust" "$tree"
mkdir "$tree/selftests"

build_new() {
	# Only that one: the others are built already.
	sed -i 's/^families := .*/families :=/' "$tree/Kbuild"
	"$TOP/scripts/gen/new.sh" --tree "$tree" "$name"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$TOP/scripts/vm/inroot" make -C "$(readlink -f "$CURRENT")/build" -j"$(nproc)" \
		M="$tree" MO="$tree/mod" $(compilers "$(readlink -f "$CURRENT")/build") modules
}

echo "TAP version 13"
echo "1..1"
if build_new > "$log" 2>&1 && ! grep -qE 'warning|WARNING' "$log"; then
	cp "$tree/mod/$name.ko" "$tree/selftests/$name/nl_$name.py" "$tree/rust/$name/$name.yaml" \
		"$BUILD/selftests"
	echo "ok 1 new: the family of 'make new' builds"
else
	tail -n 40 "$log" | sed 's/^/# /'
	echo "not ok 1 new: the family of 'make new' builds"
	exit 1
fi
