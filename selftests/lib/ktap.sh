# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What tests in shell share. The output and the counters are those of the kernel's
# kselftest/ktap_helpers.sh: a test begins with ktap_print_header and ktap_set_plan,
# and ends with ktap_finished. Here is what it lacks: ktap_test_result splits the
# words of its command once more, ktap_test_skip has no place for a reason, and
# ktap_skip_all does not end the program.

# It is beside the built tests, else in the source of a kernel.
ksft=${CURRENT:-$(dirname "$0")/../../.build/kernel/current}/src/tools/testing/selftests
for ksft in "$(dirname "$0")/ksft" "$(dirname "$0")/../ksft" "${KSFT:-$ksft}/kselftest"; do
	[ ! -e "$ksft/ktap_helpers.sh" ] || break
done
[ -e "$ksft/ktap_helpers.sh" ] || {
	echo "error: $ksft/ktap_helpers.sh is missing: run 'make prepare', or set KSFT to tools/testing/selftests of a kernel tree" >&2
	exit 1
}
# shellcheck source=/dev/null
. "$ksft/ktap_helpers.sh"

# result NAME COMMAND...: passes if the command does.
result()
{
	local name="$1"

	shift
	if "$@"; then
		ktap_test_pass "$name"
	else
		ktap_test_fail "$name"
	fi
}

# skipped NAME WHY
skipped()
{
	__ktap_test ok "$1" "SKIP $2"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# skip_all WHY: nothing in the program can run here.
skip_all()
{
	ktap_skip_all "$1"
	exit "$KSFT_SKIP"
}

# same GOT WANT: tells of a difference, and the end of what ERRORS names, if it is set: where a
# command has left its errors.
same()
{
	[ "$1" != "$2" ] || return 0
	printf '# got:  %s\n# want: %s\n' "$1" "$2"
	[ ! -e "${ERRORS:-}" ] || tail -n 20 "$ERRORS" | sed 's/^/# stderr: /'
	return 1
}
