#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make rm NAME=foo': removes a family that 'make new' has made: its two folders, its
# word in Kbuild, and what was built of it. Asks first where something is not as
# 'make new' makes it.
#
#   scripts/gen/rm.sh [--tree DIR] NAME
#
# --tree is for another copy of this project's sources.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

tree=$TOP
case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
--tree) tree=$2 && shift 2 ;;
esac
[ $# -le 1 ] || die "a name is one word, and these are $#: $*"
name=${1:-}
[ -n "$name" ] || die "say which family: make rm NAME=foo"
case $name in
nlpeer | board) die "'$name' is a part of this project: its tests and its documents need it" ;;
esac
read -ra families < <(sed -n 's/^families := *//p' "$tree/Kbuild")
known=0
for family in "${families[@]}"; do
	[ "$family" != "$name" ] || known=1
done
[ "$known" = 1 ] ||
	die "there is no family '$name' in Kbuild, which has these: ${families[*]}"

# The same once more is what 'make new' has made.
mkdir -p "$BUILD"
work=$(mktemp -d "$BUILD/rm.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo 'families :=' > "$work/Kbuild"
mkdir "$work/rust"
"$TOP/scripts/gen/new.sh" --tree "$work" "$name" > "$work/said" 2>&1 || true
changed=()
while read -r file; do
	cmp -s "$work/$file" "$tree/$file" || changed+=("$file")
done < <(cd "$tree" && find "rust/$name" "selftests/$name" ! -type d ! -path '*/__pycache__/*' 2> /dev/null | sort)
if [ ${#changed[@]} -gt 0 ]; then
	note "These files are not as 'make new' makes them, and would be gone:"
	for file in "${changed[@]}"; do
		note "  $file"
	done
	printf "Remove the family '%s' with them? [y/N] " "$name" >&2
	answer=
	read -r answer || echo >&2
	case $answer in
	y | Y | yes) ;;
	*)
		note "Nothing is removed."
		exit 1
		;;
	esac
fi

sed "/^families :=/s/ $name\\( \\|\$\\)/\\1/" "$tree/Kbuild" > "$work/Kbuild"
cat "$work/Kbuild" > "$tree/Kbuild"
rm -rf "${tree:?}/rust/$name" "$tree/selftests/$name"
if [ "$tree" = "$TOP" ]; then
	for mod in "$BUILD"/mod/* "$BUILD"/own/*; do
		rm -rf "$mod/rust/$name"
		rm -f "$mod/$name".{ko,o,mod,mod.c,mod.o} "$mod/.$name".*
	done
	rm -f "$BUILD/selftests/nl_$name.py" "$BUILD/selftests/$name.yaml"
fi
echo "The family '$name' is removed: rust/$name, selftests/$name, its word in Kbuild."
