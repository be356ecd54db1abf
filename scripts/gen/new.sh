#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make new NAME=foo': makes a small family that works, to be changed into the one
# that you want: its spec, its handler, its test, and its word in Kbuild.
#
#   scripts/gen/new.sh [--tree DIR] NAME
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
[ -n "$name" ] || die "say how the family is to be called: make new NAME=foo"
[[ $name =~ ^[a-z][a-z0-9]{0,14}$ ]] ||
	die "'$name' cannot be the name of a module: take 1 to 15 lower-case letters and digits, a letter" \
		"first; the family has another name where 'name:' in its spec says so"
for folder in "rust/$name" "selftests/$name"; do
	[ ! -e "$tree/$folder" ] || die "there is $folder already: take another name"
done
case $name in
genl | sample) die "'$name' is taken: take another name" ;;
# That of scripts/gen/tests/new_test.sh, in its own copy.
newtest) [ "$tree" != "$TOP" ] || die "'$name' is taken: take another name" ;;
# Words of Rust, its types and the crates of the kernel.
abstract | as | async | await | become | box | break | const | continue | crate | do | dyn | \
	else | enum | extern | false | final | fn | for | gen | if | impl | in | let | loop | \
	macro | match | mod | move | mut | override | priv | pub | ref | return | self | static | \
	struct | super | trait | true | try | type | typeof | union | unsafe | unsized | use | \
	virtual | where | while | yield | u8 | u16 | u32 | u64 | u128 | usize | i8 | i16 | i32 | \
	i64 | i128 | isize | bool | char | str | f16 | f32 | f64 | f128 | alloc | bindings | core | \
	ffi | kernel | macros | std | uapi)
	die "'$name' has a meaning in Rust: take another name"
	;;
# What the family imports has the same name, with a capital.
atomic | handler | relaxed | request | responder | result | sent)
	die "'${name^}' has a meaning in the file of each family: take another name"
	;;
esac
! "$TOP/scripts/vm/inroot" modinfo -b "$(readlink -f "$CURRENT")/modules" -k "$(readlink "$CURRENT")" \
	"$name" > /dev/null 2>&1 ||
	die "the kernel has a module '$name': take another name"

# Nothing stays behind when something fails.
undo() {
	(cd "$tree" && rm -rf "rust/$name" "selftests/$name")
	[ ! -f "$tree/Kbuild.new" ] || mv "$tree/Kbuild.new" "$tree/Kbuild"
}
trap undo EXIT

# fill TEMPLATE FILE: the template with the name in its place.
fill() {
	sed -e "s/sample/$name/g" -e "s/Sample/${name^}/g" "$TOP/scripts/gen/new/$1" > "$tree/$2"
}

mkdir -p "$tree/rust/$name" "$tree/selftests/$name"
fill spec.yaml "rust/$name/$name.yaml"
fill main.rs "rust/$name/${name}_main.rs"
fill test.py "selftests/$name/nl_$name.py"
chmod +x "$tree/selftests/$name/nl_$name.py"
sed "s/board/$name/" "$TOP/rust/board/helpers.c" > "$tree/rust/$name/helpers.c"
cp "$tree/Kbuild" "$tree/Kbuild.new"
sed -i "s/^families :=.*/& $name/" "$tree/Kbuild"
said=$("$TOP/scripts/gen/regen.sh" --tree "$tree" "$name" 2>&1) || die "$said"
# The order of imports depends on the name. From its standard input it formats this
# file alone, and not the framework as well.
formatted=$("$TOP/scripts/vm/inroot" rustfmt --edition 2021 < "$tree/rust/$name/${name}_main.rs")
printf '%s\n' "$formatted" > "$tree/rust/$name/${name}_main.rs"
rm -f "$tree/Kbuild.new"
trap - EXIT

printf "The family '%s' is made:\n\n" "$name"
printf '  %-30s %s\n' \
	"rust/$name/$name.yaml" "what it can be asked: change this first, then 'make regen'" \
	"rust/$name/${name}_gen.rs" "what 'make regen' makes of it, with $name.h for programs in C" \
	"rust/$name/${name}_main.rs" "what it does" \
	"rust/$name/helpers.c" "the C half of rust/genl for this module" \
	"selftests/$name/nl_$name.py" "its test" \
	"Kbuild" "has its name now"
printf '\nTry it:\n\n  make test NAME=%s\n' "$name"
