#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make check': lint, the layers of rust/genl, what must not compile, rust/genl
# as a crate of its own, the search for panics, the protocols in all orders, the
# size, what the families of the kernel need, what the generator makes of the
# specs of the kernel, of wrong ones and of mutations, what the live path makes of
# messages, its page in a browser, build folders that will not do, what an editor
# knows, the ports of families of the kernel against those (in a guest that runs
# meanwhile), the virtual machine from outside, the selftests in it, and that each entry
# of surface.md and traps.md in rust/genl has its tests among them.
# The last line counts them all: 'N passed, N failed, N skipped'. A part that
# ran no test is a failure.
#
#   scripts/check/check.sh [PART...]
#
# With names only these parts run: lint, compile-fail, and so on, as the last lines of a
# whole run have them. ARCH=arm64 makes those that depend on the machine: what the compilers
# say of the modules, panics, the size, and all that runs in the guest.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

case ${1:-} in
-h | --help)
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac

alone
# Ctrl-C ends the part that runs, and so all of them.
trap 'exit 130' INT
job=
trap '[ -z "$job" ] || kill "$job" 2> /dev/null || true' EXIT
passed=0 failed=0 skipped=0 summary=
only=$* names=
# What another machine makes no difference to is not made once more for it.
[ -z "$OTHER" ] || [ -n "$only" ] || only="lint panics sizes ports vm selftests"
mkdir -p "$LOG"

# part NAME COMMAND...: runs a part of the checks, which prints TAP; counts the
# results that have none below them.
part() {
	local name=$1 log start rc=0 ok bad skip
	shift
	names+=" $name"
	[ -z "$only" ] || [[ " $only " = *" $name "* ]] || return 0
	log=$LOG/check-$name.log
	start=$(now)
	printf '\n== %s\n' "$name"
	"$@" 2>&1 | tee "$log" || rc=$?
	read -r ok bad skip < <(leaves "$log")
	if [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "not ok $name ended with status $rc"
	elif [ $((ok + bad + skip)) = 0 ]; then
		bad=1
		echo "not ok $name ran no test"
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	summary+=$(printf '  %-14s %4d passed, %d failed, %d skipped  (%s)' \
		"$name" "$ok" "$bad" "$skip" "$(seconds "$start")")$'\n'
}

# begin NAME PROGRAM...: starts what the part NAME waits for. A guest has one program at work
# most of the time, and leaves a processor to others.
begin() {
	local log=$LOG/check-$1.begun name=$1
	shift
	[ -z "$only" ] || [[ " $only " = *" $name "* ]] || return 0
	rm -f "$log.status"
	{
		rc=0
		"$@" &
		program=$!
		trap 'kill "$program"' TERM
		wait "$program" || rc=$?
		echo "$rc" > "$log.status"
	} > "$log" 2>&1 < /dev/null &
	job=$!
}

# begun NAME: shows what it says until it has ended, and has its status.
begun() {
	tail -n +1 -f -s 0.2 --pid="$job" "$LOG/check-$1.begun"
	return "$(cat "$LOG/check-$1.begun.status")"
}

# A line of TAP is a leaf unless deeper ones come in front of it.
leaves() {
	awk '
		match($0, /^ *(not )?ok [0-9]+/) {
			depth = match($0, /[^ ]/)
			if (depth < last) {
				last = depth
				next
			}
			last = depth
			if ($0 ~ /# *SKIP/)
				skip++
			else if ($0 ~ /^ *not ok/)
				bad++
			else
				ok++
		}
		/^ *1\.\.[0-9]+/ { last = match($0, /[^ ]/) }
		END { print ok + 0, bad + 0, skip + 0 }' "$1"
}

compile_fail() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/compile_fail.py" \
		--kernel "$(readlink -f "$CURRENT")/build" \
		--mod "$BUILD/mod/$(readlink "$CURRENT")"
}

# Families against rust/genl as a crate of its own.
crates() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/crates.py" \
		--kernel "$(readlink -f "$CURRENT")/build" \
		--mod "$BUILD/mod/$(readlink "$CURRENT")"
}

# The protocols of rust/genl, in all orders in which their steps can happen.
loom() {
	mkdir -p "$BUILD/loom"
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/loom/loom.py" --build "$BUILD/loom"
}

panics() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/panics_test.py" \
		--kernel "$(readlink -f "$CURRENT")/build" \
		--mod "$BUILD/mod/$(readlink "$CURRENT")"
}

# What the families of the kernel need, from its sources.
families() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/families.py" \
		--kernel "$(readlink -f "$CURRENT")/src" --check
}

families_test() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/check/families_test.py" --kernel "$(readlink -f "$CURRENT")/src"
}

# What the generator makes of the specs of the kernel, and of wrong ones.
compare_with_c() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/gen/tests/compare_with_c.py" --kernel "$(readlink -f "$CURRENT")" \
		--mod "$BUILD/mod/$(readlink "$CURRENT")" "$@"
}

wrong_specs() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/gen/tests/wrong_specs.py" --kernel "$(readlink -f "$CURRENT")/src"
}

# A few of the mutations that the long checks make.
mutations() {
	"$TOP/scripts/vm/inroot" "$TOP/scripts/gen/tests/mutate.py" \
		--kernel "$(readlink -f "$CURRENT")" --keep "$BUILD/mutations" \
		--compile 12 --mod "$BUILD/mod/$(readlink "$CURRENT")"
}

# What the live path makes of messages, and the file that is copied to other machines.
decode() {
	local test rc=0
	for test in decode nlpath; do
		"$TOP/scripts/vm/inroot" "$TOP/scripts/path/${test}_test.py" \
			--kernel "$(readlink -f "$CURRENT")/src" || rc=1
	done
	return "$rc"
}

# What rust-analyzer knows of the crates.
editor() {
	"$TOP/scripts/vm/build.sh" rust-analyzer > "$LOG/rust-analyzer.log" 2>&1 || {
		tail "$LOG/rust-analyzer.log"
		return 1
	}
	mkdir -p "$BUILD/editor"
	"$TOP/scripts/vm/inroot" "$TOP/scripts/kdir/rust_analyzer_test.py" \
		"$(readlink -f "$CURRENT")/build" "$BUILD/mod/$(readlink "$CURRENT")" "$BUILD/editor"
}

# In memory that is filled with a byte when it is freed and not zeroed before it
# is used again, what a message should have and has not is seen.
selftests() {
	"$TOP/scripts/vm/vm.sh" --no-load --timeout 900 --append "init_on_alloc=0 slab_debug=P $(PYTHONDONTWRITEBYTECODE=1 "$TOP/scripts/path/paths.py" --append)" \
		--cmd 'cd /genl/selftests && NLPEER_MODULES=/genl/mod exec ./run_tests.sh $(cat tests.list) nl_newtest.py'
}

start=$(now)
"$TOP/scripts/vm/build.sh" || {
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
# The ports, each against the kernel's module of that family. Python keeps what it has
# compiled, which the next program imports as well.
begin ports "$TOP/scripts/vm/vm.sh" --no-load --timeout 900 --dmesg "$LOG/check-ports.dmesg" \
	--append "init_on_alloc=0 slab_debug=P" \
	--cmd 'cd /genl/selftests && PYTHONDONTWRITEBYTECODE= NLPEER_MODULES=/genl/mod exec ./run_tests.sh $(cat ports.list)'
# shellcheck disable=SC2086 # words
part lint "$TOP/scripts/check/lint.sh" ${OTHER:+modpost panics}
part layers "$TOP/scripts/check/layers.py"
part layers-test "$TOP/scripts/check/layers_test.py"
part compile-fail compile_fail
part crates crates
part panics panics
part loom loom
part sizes "$TOP/scripts/check/sizes.sh"
part families families
part families-test families_test
part bench-test "$TOP/scripts/check/bench_test.py"
part generator compare_with_c --table "$BUILD/specs.md"
part generator-limit compare_with_c --change-limit netdev
part wrong-specs wrong_specs
part rst "$TOP/scripts/vm/inroot" "$TOP/scripts/gen/tests/rst_test.py"
part mutations mutations
part regen "$TOP/scripts/gen/tests/regen_test.sh"
part new "$TOP/scripts/gen/tests/new_test.sh"
part kdir "$TOP/scripts/kdir/kdir_test.sh"
part decode decode
# The browser is that of this machine.
part page "$TOP/scripts/path/page_test.py"
part editor editor
part ports begun ports
part vm "$TOP/scripts/vm/vm_test.sh"
part selftests selftests
part covers "$TOP/scripts/check/covers.py" "$LOG/check-lint.log" "$LOG/check-compile-fail.log" \
	"$LOG/check-selftests.log"

for name in $only; do
	[[ "$names " = *" $name "* ]] || die "there is no part '$name'; there are:$names"
done

printf '\n%s\n' "$summary"
echo "in $(seconds "$start")"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
