# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What tests in shell share: results as KTAP. The plan is theirs.

results=0 failures=0

# result NAME COMMAND...: passes if the command does.
result()
{
	local name="$1"

	shift
	results=$((results + 1))
	if "$@"; then
		echo "ok $results $name"
	else
		echo "not ok $results $name"
		failures=$((failures + 1))
	fi
}

# skipped NAME WHY
skipped()
{
	results=$((results + 1))
	echo "ok $results $1 # SKIP $2"
}

# skip_all WHY: nothing in the program can run here.
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}
