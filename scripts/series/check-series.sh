#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make check-series': makes the series, applies it patch by patch to a pristine source,
# and compiles the kernel crate, its tests and its examples after each of them; after the
# last one clippy and rustdoc look at it as well. TAP on standard output.
#
#   scripts/series/check-series.sh [--last]
#
# --last compiles what there is after the last patch only.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

each=()
case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
--last) each=(--last) ;;
'') ;;
*) die "unknown option '$1': see scripts/series/check-series.sh --help" ;;
esac

OUT=$BUILD/series
KERNEL_DIR=$(readlink -f "$CURRENT")
alone
"$TOP/scripts/series/series.sh" --list >&2

# Files that do not change are those of the source. git writes others anew; it must not
# take the tree for a part of this repository.
rm -rf "$OUT/src"
cp -al "$KERNEL_DIR/src" "$OUT/src"
rc=0 number=0
echo "TAP version 13"
for patch in "$OUT"/0*.patch; do
	case $patch in
	*/0000-*) continue ;;
	esac
	number=$((number + 1))
	name=$(basename "$patch" .patch)
	if GIT_CEILING_DIRECTORIES=$OUT git -C "$OUT/src" apply --whitespace=error-all "$patch" 2> "$OUT/apply.out"; then
		echo "ok $number applies: $name"
	else
		echo "not ok $number applies: $name"
		sed 's/^/# /' "$OUT/apply.out"
		rc=1
	fi
done

# compiles WHAT OPTION...: shows and counts what typecheck.py says.
compiles() {
	local what=$1 line
	shift
	"$TOP/scripts/vm/inroot" "$TOP/scripts/series/typecheck.py" --kernel "$KERNEL_DIR/build" \
		--work "$OUT/check" "$@" > "$OUT/typecheck.out" || rc=1
	grep -q '^1\.\.' "$OUT/typecheck.out" || rc=1
	while read -r line; do
		case $line in
		ok* | not\ ok*)
			number=$((number + 1))
			sed -E "s/^((not )?ok) [0-9]+ /\1 $number $what: /" <<< "$line"
			;;
		'#'*) echo "$line" ;;
		esac
	done < "$OUT/typecheck.out"
}

# The same patches, as they were applied.
compiles 'compiles, with tests and examples' --kunit "${each[@]}"
# As most kernels are, without KUnit.
compiles 'compiles, and has no warning of clippy and rustdoc' --last --lints
echo "1..$number"
exit "$rc"
