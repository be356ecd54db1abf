#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes what is generated from the specs anew: the C headers, by the generator of
# the kernel, and the Rust side of each family, rust/NAME/NAME_gen.rs. So is
# scripts/gen/tests/every_gen.rs, which shows what becomes of each construct. A
# module of several families has several specs in its folder. For a port of a family
# of the kernel, in rust/ports/NAME, the spec is copied from the kernel, if that has
# one of this name; its header is the kernel's own. A spec may be written for user
# space, and say less of the kernel's side than that is: NAME.diff beside it, a patch
# of NAME.yaml, says the rest, and what is generated is generated from both.
#
#   scripts/gen/regen.sh [--check] [--tree DIR] [NAME]
#
# --check changes nothing and fails when a file is not what would be written. NAME
# is the one folder of rust to look at, for a port ports/NAME. --tree is for another
# copy of this project's sources.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

kernel=$(readlink -f "$CURRENT")/src
work=$(mktemp -d "$BUILD/regen.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The generator of the kernel looks for the top of a kernel tree above the spec,
# and for the schemas beside it.
mkdir -p "$work/Documentation/netlink/specs"
touch "$work/MAINTAINERS"
cp "$kernel"/Documentation/netlink/*.yaml "$work/Documentation/netlink/"

# finish MADE FILE: puts a file that was made in its place, or compares the two.
finish() {
	if [ "$check" = no ]; then
		cmp -s "$1" "$2" || {
			cp "$1" "$2"
			note "$2"
		}
	elif [ ! -f "$2" ]; then
		note "$2 is missing: run 'make regen'"
		rc=1
	else
		diff -u "$2" "$1" || {
			note "$2 is stale: run 'make regen'"
			rc=1
		}
	fi
}

# family SPEC FOLDER: writes FOLDER/NAME_gen.rs.
family() {
	local name spec=$1 made=yes
	name=$(basename "$1" .yaml)
	if [ -f "${1%.yaml}.diff" ]; then
		spec=$work/$name.yaml
		cp "$1" "$spec"
		"$TOP/scripts/vm/inroot" busybox patch "$spec" "${1%.yaml}.diff" > "$work/said" 2>&1 || {
			note "${1%.yaml}.diff:1: this patch does not fit $1 ($(grep -m 1 FAILED "$work/said")):" \
				"make it anew"
			return 1
		}
	fi
	# It also says what is wrong with a spec.
	"$TOP/scripts/vm/inroot" "$TOP/scripts/gen/genl_gen.py" --spec "$spec" --kernel "$kernel" \
		-o "$work/$name.rs" 2> "$work/said" || made=no
	sed "s|^$spec:|$1:|" "$work/said" >&2
	[ "$made" = yes ] || return 1
	sed -i "s|$spec|$1|" "$work/$name.rs"
	"$TOP/scripts/vm/inroot" rustfmt --edition 2021 "$work/$name.rs"
	finish "$work/$name.rs" "$2/${name}_gen.rs"
	named "$1" "$work/$name.rs" "$2"
}

# named SPEC MADE FOLDER: says how the type of a family is called, where its author has another one.
named() {
	local main=$3/${3##*/}_main.rs type
	type=$(sed -n 's/^use super::\(.*\) as Family;.*/\1/p' "$2")
	[ -z "$type" ] || [ ! -f "$main" ] ||
		grep -qE "(struct|enum|type|as) $type\b" "$3"/*.rs ||
		note "$1:$(grep -n '^name:' "$1" | cut -d: -f1): note: the family is the type '$type', and" \
			"there is none in $3: call it so, or add 'type $type = ...;' to $main"
}

# header COPY SPEC: writes the header of a spec, by a copy at a place as the kernel's.
header() {
	"$TOP/scripts/vm/inroot" timeout 60 \
		python3 "$kernel/tools/net/ynl/pyynl/ynl_gen_c.py" \
		--mode uapi --header --spec "$1" > "$work/header" 2> "$work/said" || {
		# What it takes is less than what Rust can have, and it ends in tracebacks.
		note "$2:1: the kernel's own generator makes no header of this ($(
			cat "$work/header" "$work/said" | tail -n 1
		)): take only what the specs of the kernel have"
		return 1
	}
	sed -e "s|Documentation/netlink/specs/$(basename "$1")|$2|" \
		-e 's|tools/net/ynl/ynl-regen.sh|make regen|' "$work/header"
}

check=no rc=0
[ "${1:-}" != --check ] || { check=yes && shift; }
cd "$TOP"
[ "${1:-}" != --tree ] || { cd "$2" && shift 2; }
if [ $# -gt 0 ]; then
	specs=(rust/"$1"/*.yaml)
else
	specs=(rust/*/*.yaml)
	[ ! -d rust/ports ] || specs+=(rust/ports/*/*.yaml)
	family scripts/gen/tests/every.yaml scripts/gen/tests
fi
for spec in "${specs[@]}"; do
	name=$(basename "$spec" .yaml)
	if [[ $spec = rust/ports/* ]]; then
		original=$kernel/Documentation/netlink/specs/$name.yaml
		[ ! -f "$original" ] || finish "$original" "$spec"
		family "$spec" "$(dirname "$spec")"
		continue
	fi
	family "$spec" "$(dirname "$spec")"
	cp "$spec" "$work/Documentation/netlink/specs/"
	header "$work/Documentation/netlink/specs/$name.yaml" "$spec" > "$work/$name.h" || {
		rc=1
		continue
	}
	finish "$work/$name.h" "${spec%.yaml}.h"
done
exit "$rc"
