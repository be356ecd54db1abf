#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Holds the table of traps in rust/genl/traps.md against the logs of 'make check':
# each trap names at least one test, and each test that is named has passed.
# Prints TAP, a line for each trap.
#
#   scripts/traps.py LINT.log COMPILE-FAIL.log SELFTESTS.log

import os
import re
import sys

TABLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                     "rust/genl/traps.md")
ROW = re.compile(r"^\| (\w+) \| (.*) \| (.*) \| (.*) \|$")
RESULT = re.compile(r"^( *)(ok|not ok) \d+ (.*?)(?: # SKIP.*)?$")


def results(path, prefix):
    """The outcome of each test in a log, by the name that the table gives it."""
    found, program = {}, None
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            line = line.rstrip("\n")
            if match := re.match(r"^# (\S+)$", line):
                program = match[1]
            elif match := RESULT.match(line):
                outcome = "skipped" if "# SKIP" in line else match[2]
                if prefix is None and match[1]:
                    found[f"{program}: {match[3]}"] = outcome
                elif prefix is not None:
                    found[prefix + match[3]] = outcome
    return found


def traps():
    """The number, the text and the tests of each trap."""
    with open(TABLE, encoding="utf-8") as table:
        for line in table:
            if match := ROW.match(line.rstrip("\n")):
                yield match[1], match[2], re.findall(r"`([^`]*)`", match[4])


def main():
    if len(sys.argv) != 4:
        print("usage: scripts/traps.py LINT.log COMPILE-FAIL.log SELFTESTS.log", file=sys.stderr)
        return 2
    found = (results(sys.argv[1], "") | results(sys.argv[2], "compile-fail ")
             | results(sys.argv[3], None))
    rows = list(traps())
    print(f"TAP version 13\n1..{len(rows)}")
    failed = False
    numbered = [number for number, *_ in rows if number.isdigit()]
    if numbered != [str(i + 1) for i in range(len(numbered))] or len(numbered) < 30:
        print("# the numbers of the table have gaps")
        failed = True
    for index, (number, text, tests) in enumerate(rows):
        bad = [f"'{test}' {found.get(test, 'did not run')}"
               for test in tests if found.get(test) not in ("ok", "skipped")]
        skipped = [test for test in tests if found.get(test) == "skipped"]
        if not tests:
            bad = ["no test"]
        for problem in bad:
            print(f"# {problem}")
        result = "not ok" if bad else "ok"
        skip = f" # SKIP {skipped[0]}" if skipped and not bad else ""
        print(f"{result} {index + 1} trap {number}: {text}{skip}")
        failed |= bool(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
