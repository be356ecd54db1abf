#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make check-series': makes the series, applies it patch by patch to a pristine source, and
# looks what becomes of that. TAP on standard output.
#
#   scripts/series/check-series.sh [--last] [PART...]
#
# The parts are
#
#   compile   the kernel crate, its tests and its examples after each patch; after the last
#             one clippy and rustdoc look at it as well. --last leaves out the others
#   boot      a kernel with all patches, KASAN and lockdep: its KUnit suites, its examples and
#             its sample
#   deadlock  what the first patch is for: a stock kernel is stuck, and that one is not
#   selftests in that kernel, with nlpeer and the other modules of the tests, which are built
#             with the framework in its tree
#
# What has compiled before and has not changed is not compiled again.

set -euo pipefail
. "$(dirname "$0")/../lib.sh"

last=() parts=()
for word; do
	case $word in
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	--last) last=(--last) ;;
	compile | boot | deadlock | selftests) parts+=("$word") ;;
	*) die "unknown option or part '$word': see scripts/series/check-series.sh --help" ;;
	esac
done
[ ${#parts[@]} -gt 0 ] || parts=(compile boot deadlock selftests)

OUT=$BUILD/series
KERNEL_DIR=$(readlink -f "$CURRENT")
only_x86 "'make check-series'"
alone
begin=$(now)
"$TOP/scripts/series/series.sh" --list >&2
rc=0 number=0
echo "TAP version 13"

# said VERDICT TEXT: a result.
said() {
	number=$((number + 1))
	echo "$1 $number $2"
	[ "$1" = ok ] || rc=1
}

# results FILE NAME: those of another program, which is named in front of each.
results() {
	local line
	while IFS= read -r line; do
		case $line in
		ok* | not\ ok*) said "$(sed -E 's/^((not )?ok) .*/\1/' <<< "$line")" \
			"$(sed -E "s/^(not )?ok [0-9]+ (- )?/$2: /" <<< "$line")" ;;
		'#'*) echo "$line" ;;
		esac
	done < "$1"
}

# Each patch to what is there with those before it.
applies() {
	local patch name
	rm -rf "$OUT/applied"
	mkdir -p "$OUT/applied"
	sed -n 's,^diff --git a/\(\S*\) b/.*,\1,p' "$OUT"/0*.patch | sort -u | while read -r name; do
		[ ! -e "$KERNEL_DIR/src/$name" ] ||
			install -D -m "$(stat -c %a "$KERNEL_DIR/src/$name")" "$KERNEL_DIR/src/$name" "$OUT/applied/$name"
	done
	for patch in "$OUT"/0*.patch; do
		[[ $patch != */0000-* ]] || continue
		name=$(basename "$patch" .patch)
		# git must not take the tree for a part of this repository.
		if GIT_CEILING_DIRECTORIES=$OUT git -C "$OUT/applied" apply --whitespace=error-all "$patch" \
			2> "$OUT/apply.out"; then
			said ok "applies: $name"
		else
			said "not ok" "applies: $name"
			sed 's/^/# /' "$OUT/apply.out"
		fi
	done
	rm -rf "$OUT/applied"
}

# compiles WHAT OPTION...: shows and counts what typecheck.py says.
compiles() {
	local what=$1
	shift
	"$TOP/scripts/vm/inroot" "$TOP/scripts/series/typecheck.py" --kernel "$KERNEL_DIR/build" \
		--work "$OUT/check" --keep "$@" > "$OUT/typecheck.out" || rc=1
	grep -q '^1\.\.' "$OUT/typecheck.out" || rc=1
	results "$OUT/typecheck.out" "$what"
}

# guest NAME SECONDS ARGUMENT...: runs something in the guest; what it says is in a log.
guest() {
	local log=$LOG/check-series-$1.log status=0
	"$TOP/scripts/vm/vm.sh" --quiet --no-load --timeout "$2" --dmesg "${log%.log}.dmesg" "${@:3}" \
		> "$log" 2>&1 || status=$?
	return "$status"
}

# in_series NAME SECONDS ARGUMENT...: the same under the kernel of the series, and its results.
in_series() {
	local log=$LOG/check-series-$1.log status=0 bad start before=$number
	start=$(now)
	KERNEL=series BOOT_SECONDS=600 guest "$1" "$2" --mem 3072 --env TEST_SLOW=10 \
		--env GENL_EVENTS=genetlink --env BOARD_MODULE=rust_genl "${@:3}" || status=$?
	bad=$rc
	rc=0
	results "$log" "$1"
	grep -E '^[0-9]+ passed, ' "$log" | sed 's/^/# /' || true
	[ "$rc" = 1 ] || { [ "$status" = 0 ] && [ "$number" -gt "$before" ]; } || {
		said "not ok" "$1: the guest ended with status $status and $((number - before)) results"
		tail -n 20 "$log" | sed 's/^/# /'
	}
	[ "$bad" = 0 ] || rc=1
	echo "# $1: $(seconds "$start")"
}

boot() {
	local suites examples build
	build=$BUILD/kernel/$(readlink "$BUILD/kernel/for-series")/build
	suites=$(grep -rhoE 'kunit_tests\([a-z0-9_]+\)' "$OUT/src/rust/kernel/net/genl" | sed 's/.*(//; s/)//' |
		sort | tr '\n' ' ')
	examples=$(grep -c 'extern "C" fn rust_doctest_kernel_net_genl_' "$build/rust/doctests_kernel_generated.rs")
	in_series boot 900 --append "kunit.enable=1 kasan_multi_shot" --dir "$TOP/scripts/series/guest" \
		--env SUITES="$suites" --env EXAMPLES="$examples" \
		--cmd "cd /genl/selftests && exec bash -c '. /dir/boot.sh' ./boot.sh"
}

selftests() {
	local tests
	# The live path, clients and attacks are no matter of the tree; what is random takes long.
	tests=$(grep -vE '^(path|clients|attacks)/|^nl_fuzz$|_test\.sh$' "$SELFTESTS/tests.list" | tr '\n' ' ')
	in_series selftests 3000 \
		--append "kunit.enable=0 init_on_alloc=0 slab_debug=P kasan_multi_shot" \
		--env TESTS="$tests" --cmd 'mount -t debugfs debugfs /sys/kernel/debug
			cd /genl/selftests
			NLPEER_MODULES=/genl/mod exec ./run_tests.sh -t 900 $TESTS stress/leftovers.sh'
}

deadlock() {
	local log=$LOG/check-series-stock.log status=0 test=netlink_bind_deadlock
	# As the kernel builds its selftests.
	mkdir -p "$OUT/selftest"
	"$TOP/scripts/vm/inroot" make -s -C "$OUT/src/tools/testing/selftests/net" CC=gcc-14 \
		OUTPUT="$OUT/selftest" "$OUT/selftest/$test" >&2
	guest stock 240 --dir "$OUT/selftest" --cmd "exec ./$test" || status=$?
	if [ "$status" = 1 ] && grep -q '^# stuck after' "$log"; then
		said ok "deadlock: without the series a kernel is $(sed -n 's/^# \(stuck after\)/\1/p' "$log")"
	else
		said "not ok" "deadlock: without the series a kernel is stuck"
		sed 's/^/# /' "$log"
	fi
	in_series deadlock 400 --append kunit.enable=0 --dir "$OUT/selftest" --cmd "exec ./$test"
}

applies
if [[ " ${parts[*]} " = *" compile "* ]]; then
	compiles 'compiles, with tests and examples' --kunit "${last[@]}"
	# As most kernels are, without KUnit.
	compiles 'compiles, and has no warning of clippy and rustdoc' --last --lints
fi
if [[ " ${parts[*]} " =~ \ (boot|deadlock|selftests)\  ]]; then
	"$TOP/scripts/vm/build.sh"
	"$TOP/scripts/series/kernel.sh"
	for part in "${parts[@]}"; do
		case $part in
		compile) ;;
		*) "$part" ;;
		esac
	done
fi
echo "1..$number"
echo "# in $(seconds "$begin")"
exit "$rc"
