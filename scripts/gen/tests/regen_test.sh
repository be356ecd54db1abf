#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests what 'make regen' says of specs, as TAP.
#
#   scripts/gen/tests/regen_test.sh

set -euo pipefail
. "$(dirname "$0")/../../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

tree=$(mktemp -d "$BUILD/regen_test.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/rust/foo"
number=0 failed=0

# spec TYPE OPERATION [LICENCE]: a spec with an attribute that nothing uses, and one
# more operation.
spec() {
	local licence='((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)'
	cat > "$tree/rust/foo/foo.yaml" <<-YAML
		# SPDX-License-Identifier: ${3:-$licence}
		---
		name: foo
		doc: A family.

		attribute-sets:
		  - {name: foo, attributes: [{name: a, type: u32}]}
		  - {name: more, attributes: [{name: b, $1}]}

		operations:
		  list:
		    - {name: get, doc: Get., attribute-set: foo, do: {request: {attributes: [a]}}}
		    - {name: other, doc: More., attribute-set: foo, $2}
	YAML
}

# try NAME STATUS LINE...: it must end with this status, and say these lines.
try() {
	local name=$1 status=$2 rc=0 said
	shift 2
	number=$((number + 1))
	said=$("$TOP/scripts/gen/regen.sh" --tree "$tree" foo 2>&1) || rc=$?
	if [ "$rc" = "$status" ] && [ "$said" = "$(printf '%s\n' "$@")" ]; then
		echo "ok $number regen: $name"
		return
	fi
	printf '%s\n' "status $rc" "$said" | sed 's/^/# /'
	echo "not ok $number regen: $name"
	failed=1
}

# patch SCRIPT: a patch of the spec, which says what a sed script changes.
patch() {
	local foo=$tree/rust/foo/foo
	sed "$1" "$foo.yaml" | diff -u "$foo.yaml" - > "$foo.diff" || [ $? = 1 ]
}

echo "TAP version 13"
echo "1..10"
spec 'type: u32' 'do: {}'
try "what it has written" 0 rust/foo/foo_gen.rs rust/foo/foo.h
spec 'type: u9' 'do: {}'
try "a wrong spec" 1 "rust/foo/foo.yaml:8: the type cannot be 'u9': did you mean 'u8'?"
spec 'type: u32' 'value: 7'
try "an operation with nothing in it" 0 \
	"rust/foo/foo.yaml:13: note: the operation 'other' has nothing in it: its number is reserved; add 'do:', 'dump:', 'notify:' or 'event:'" \
	rust/foo/foo_gen.rs rust/foo/foo.h
# Rust has arrays of strings.
spec 'type: indexed-array, sub-type: string' 'value: 7, do: {}'
try "a spec that the kernel's own generator does not take" 1 rust/foo/foo_gen.rs \
	"rust/foo/foo.yaml:1: the kernel's own generator makes no header of this (Exception: new_attr: unsupported sub-type string): take only what the specs of the kernel have"
spec 'type: u32' 'value: 7, do: {}' GPL-2.0
try "a licence that the kernel's own generator does not take" 1 rust/foo/foo_gen.rs \
	"rust/foo/foo.yaml:1: the kernel's own generator makes no header of this (License must be: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)): take only what the specs of the kernel have"
spec 'type: u32' 'value: 7, do: {}'
sed 's/name: foo$/name: fob/' "$tree/rust/foo/foo.yaml" > "$tree/rust/foo/fob.yaml"
try "two specs in one folder" 0 rust/foo/fob_gen.rs rust/foo/fob.h
rm "$tree"/rust/foo/fob*
printf 'struct Foo;\n' > "$tree/rust/foo/foo_main.rs"
sed -i 's/^name: foo$/name: foo-bar/' "$tree/rust/foo/foo.yaml"
try "a family whose type has another name" 0 rust/foo/foo_gen.rs \
	"rust/foo/foo.yaml:3: note: the family is the type 'FooBar', and there is none in rust/foo: call it so, or add 'type FooBar = ...;' to rust/foo/foo_main.rs" \
	rust/foo/foo.h
sed -i 's/^name: foo-bar$/name: foo/' "$tree/rust/foo/foo.yaml"
"$TOP/scripts/gen/regen.sh" --tree "$tree" foo 2> /dev/null
patch 's/More/Most/'
try "a patch beside a spec" 0 rust/foo/foo_gen.rs
patch 's/type: u32}\]}/type: u9}]}/'
try "a patch that makes a wrong spec" 1 \
	"rust/foo/foo.yaml:7: the type cannot be 'u9': did you mean 'u8'?" \
	"rust/foo/foo.yaml:8: the type cannot be 'u9': did you mean 'u8'?"
spec 'type: u16' 'value: 7, do: {}'
try "a patch of another spec" 1 \
	"rust/foo/foo.diff:1: this patch does not fit rust/foo/foo.yaml (Hunk 1 FAILED 4/4.): make it anew"
exit "$failed"
