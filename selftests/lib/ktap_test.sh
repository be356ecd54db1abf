#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test of ktap.h, ktap.py and ktap.sh: programs whose tests end in each way that
# there is, what they print, and their exit status.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/ktap.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# prints WANT STATUS COMMAND...: these results, the texts of $also somewhere, and
# nothing of what comes behind a failure.
prints()
{
	local want=$1 status=$2 text rc=0

	shift 2
	"$@" > "$dir/out" 2>&1 || rc=$?
	for text in "${also[@]}"; do
		grep -qF -- "$text" "$dir/out" || rc="without $text, $rc"
	done
	diff <(printf '%s\n' "$want") <(grep -E '^(ok|not ok|1\.\.)' "$dir/out") > "$dir/diff" &&
		[ "$rc" = "$status" ] && ! grep -q "goes on after" "$dir/out" && return
	echo "# status $rc"
	sed 's/^/# /' "$dir/diff" "$dir/out"
	return 1
}

cat > "$dir/outcomes.py" <<'EOT'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
from ktap import Skip, equal, ktap_run

def fails():
    equal(1, 2, 'the number')
    print('a test goes on after it has failed')

def skips():
    raise Skip('there is no reason')

def crashes():
    raise KeyError('none')

sys.exit(ktap_run([('passes: a sentence', lambda: None), ('fails', fails), ('skips', skips),
                   ('crashes', crashes)]))
EOT

# In a shell without arrays.
cat > "$dir/outcomes.sh" <<'EOT'
. "$1/ktap.sh"
ktap_print_header
[ "$2" != all ] || skip_all "nothing can run"
ktap_set_plan "$2"
result "passes: two words are one" [ "two words" = "two words" ]
[ "$2" != 3 ] || result "fails" false
skipped "skips" "there is no reason"
ktap_finished
EOT

ktap_print_header
ktap_set_plan 10

also=("# the argument is one" "# the argument is another" "is 3 (0x3), not 1 (0x1)"
	"# killed by signal 11" "# no end after" "# Totals: pass:2 fail:5 xfail:0 xpass:0 skip:2")
result "C: each outcome" prints "1..9
ok 1 passes: it's a name, 100 % a sentence
ok 2 passes once more
not ok 3 fails
ok 4 skips # SKIP there is no reason
not ok 5 crashes
not ok 6 hangs
not ok 7 ends with another status
not ok 8 fails in a child
ok 9 skips in a child # SKIP there is no child" 1 "$here/ktap_outcomes"
also=()
result "C: the status when all pass" prints "1..1
ok 1 passes once more" 0 "$here/ktap_outcomes" "passes once more"
result "C: the status when nothing has run" prints "1..1
ok 1 skips # SKIP there is no reason" 4 "$here/ktap_outcomes" skips

if ! command -v python3 > /dev/null; then
	skipped "Python: each outcome" "python3 is missing"
	skipped "Python: one test, by its name" "python3 is missing"
	skipped "Python: the status when nothing has run" "python3 is missing"
else
	also=("the number: got 1, want 2" "KeyError: 'none'")
	result "Python: each outcome" prints "1..4
ok 1 outcomes.passes: a sentence
not ok 2 outcomes.fails
ok 3 outcomes.skips # SKIP there is no reason
not ok 4 outcomes.crashes" 1 python3 "$dir/outcomes.py" "$here"
	also=()
	result "Python: one test, by its name" prints "1..1
ok 1 outcomes.passes: a sentence" 0 python3 "$dir/outcomes.py" "$here" -t "passes: a sentence"
	result "Python: the status when nothing has run" prints "1..1
ok 1 outcomes.skips # SKIP there is no reason" 4 python3 "$dir/outcomes.py" "$here" -t skips
fi

# It is looked for beside the program.
mkdir "$dir/ksft"
cp "$ksft/ktap_helpers.sh" "$dir/ksft"
result "shell: each outcome" prints "1..3
ok 1 passes: two words are one
not ok 2 fails
ok 3 skips # SKIP there is no reason" 1 sh "$dir/outcomes.sh" "$here" 3
result "shell: less has run than was planned" prints "1..4
ok 1 passes: two words are one
ok 2 skips # SKIP there is no reason" 1 sh "$dir/outcomes.sh" "$here" 4
result "shell: a skipped test is no failure" prints "1..2
ok 1 passes: two words are one
ok 2 skips # SKIP there is no reason" 0 sh "$dir/outcomes.sh" "$here" 2
result "shell: all is skipped" prints "1..0 # SKIP nothing can run" 4 sh "$dir/outcomes.sh" "$here" all

ktap_finished
