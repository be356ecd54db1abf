#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries 'make new' and 'make rm' in a copy of the sources, as TAP: the family that
# the one makes is built as it is, and its module and its test are put beside the
# selftests, where 'make check' runs them; the other removes it.
#
#   scripts/gen/tests/new_test.sh

set -euo pipefail
. "$(dirname "$0")/../../lib.sh"
. "$TOP/selftests/lib/ktap.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

family=newtest
tree=$BUILD/$family
log=$LOG/new_test.log
rm -rf "$tree" "$BUILD/selftests/$family.ko"
mkdir -p "$tree"
cp -r "$TOP/Kbuild" "$TOP/rust" "$tree"
mkdir "$tree/selftests"

build_new() {
	# Only that one: the others are built already.
	sed -i 's/^families := .*/families :=/' "$tree/Kbuild"
	cp "$tree/Kbuild" "$tree/Kbuild.before"
	"$TOP/scripts/gen/new.sh" --tree "$tree" "$family"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$TOP/scripts/vm/inroot" make -C "$(readlink -f "$CURRENT")/build" -j"$(nproc)" \
		M="$tree" MO="$tree/mod" $(compilers "$(readlink -f "$CURRENT")/build") modules
}

new_builds() {
	local rc=0
	(set -e; build_new) > "$log" 2>&1 || rc=$?
	if [ "$rc" = 0 ] && ! grep -qE 'warning|WARNING' "$log"; then
		cp "$tree/mod/$family.ko" "$tree/selftests/$family/nl_$family.py" "$tree/rust/$family/$family.yaml" \
			"$BUILD/selftests"
		return
	fi
	tail -n 40 "$log" | sed 's/^/# /'
	return 1
}

# As with a kernel of one's own, where nothing is built yet, and what there is does not
# compile: each file that the editor is told of is there, and so is the family.
editor() {
	cp -r "$TOP/Makefile" "$TOP/scripts" "$tree"
	echo 'fn unfinished( {' >> "$tree/rust/$family/${family}_main.rs"
	# shellcheck disable=SC2046 # the words of the compilers' names
	"$TOP/scripts/vm/inroot" make -C "$tree" rust-analyzer KDIR="$(readlink -f "$CURRENT")/build" \
		MO="$tree/fresh" $(compilers "$(readlink -f "$CURRENT")/build") > "$log" 2>&1 &&
		grep -q '^Not all modules can be built yet' "$log" &&
		"$TOP/scripts/vm/inroot" python3 - "$tree/rust-project.json" "$tree/rust/$family/${family}_main.rs" <<-'PYTHON'
			import json, os, sys
			crates = json.load(open(sys.argv[1]))["crates"]
			assert [crate["root_module"] for crate in crates][-1:] == sys.argv[2:]
			files = [crate["root_module"] for crate in crates]
			files += [crate["env"]["GENL_BINDINGS"] for crate in crates[-1:]]
			files += [crate["proc_macro_dylib_path"] for crate in crates if "proc_macro_dylib_path" in crate]
			missing = [file for file in files if not os.path.exists(file)]
			assert not missing, missing
		PYTHON
}

remove() {
	"$TOP/scripts/gen/rm.sh" --tree "$tree" "$family" > "$log" 2>&1
}

# What is left of the family.
left() {
	(cd "$tree" && find "rust/$family" "selftests/$family" 2> /dev/null; grep -w "$family" Kbuild) | wc -l
}

asks() {
	local before
	before=$(left)
	echo '// mine' >> "$tree/rust/$family/${family}_main.rs"
	echo mine > "$tree/rust/$family/notes"
	! remove < /dev/null && [ "$(left)" = $((before + 1)) ] &&
		grep -q "^  rust/$family/${family}_main.rs" "$log" && grep -q "^  rust/$family/notes" "$log" &&
		! grep -q "^  rust/$family/${family}_gen.rs" "$log" && grep -q 'Nothing is removed' "$log"
}

goes() {
	remove <<< y && [ "$(left)" = 0 ] && diff "$tree/Kbuild" "$tree/Kbuild.before"
}

goes_at_once() {
	"$TOP/scripts/gen/new.sh" --tree "$tree" "$family" > "$log" 2>&1 && [ "$(left)" -gt 0 ] &&
		remove < /dev/null && [ "$(left)" = 0 ] && diff "$tree/Kbuild" "$tree/Kbuild.before"
}

stays() {
	! "$TOP/scripts/gen/rm.sh" --tree "$tree" board > "$log" 2>&1 < /dev/null &&
		grep -q "'board' is a part of this project" "$log" && [ -e "$tree/rust/board/board_main.rs" ]
}

# refused NAME TEXT: there is no family of the name, and the text says why.
refused() {
	! "$TOP/scripts/gen/new.sh" --tree "$tree" "$1" > "$log" 2>&1 && grep -q "$2" "$log" &&
		[ ! -e "$tree/rust/$1" ]
}

refuses() {
	local name names
	# What main.rs of each family imports.
	names=$(sed -n '/^use /,/;/s/^ *\([A-Z][a-z]*\),.*/\L\1/p' "$tree/rust/$family/${family}_main.rs")
	for name in $names; do
		refused "$name" 'has a meaning' || { echo "# $name"; return 1; }
	done
	[ -n "$names" ] && refused fou 'the kernel has a module' && refused parking-lot 'letters and digits'
}

# A module of an author is no test module, which would taint the kernel.
no_test() {
	! "$TOP/scripts/vm/inroot" modinfo "$tree/mod/$family.ko" | grep '^test:' &&
		"$TOP/scripts/vm/inroot" modinfo "$tree/mod/$family.ko" | grep -q '^license:'
}

ktap_print_header
ktap_set_plan 8
result "new: the family of 'make new' builds" new_builds
result "new: it is no test module" no_test
result "new: names that cannot be are refused, with the reason" refuses
result "new: 'make rust-analyzer KDIR=' knows it before it compiles" editor
result "rm: asks first where files were changed, and leaves all without an answer" asks
result "rm: removes them when told so, and Kbuild is as it was" goes
result "rm: asks nothing where all is as 'make new' has made it" goes_at_once
result "rm: board stays" stays
ktap_finished
