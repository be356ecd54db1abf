#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Holds the tables of rust/genl/*.md against the logs of 'make check': each row
# names at least one test, and each test that is named has passed. Prints TAP, a
# line for each row.
#
#   scripts/check/tables.py LINT.log COMPILE-FAIL.log SELFTESTS.log

import os
import re
import sys

GENL = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../rust/genl")
# What a row is, and how many have a number at least.
TABLES = {"traps.md": ("trap", 30), "surface.md": ("row", 11)}
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


def rows_of(name):
    """The number, the text and the tests of each row of a table."""
    with open(os.path.join(GENL, name), encoding="utf-8") as table:
        for line in table:
            if match := ROW.match(line.rstrip("\n")):
                yield match[1], match[2], re.findall(r"`([^`]*)`", match[4])


def has_gaps(rows, least):
    """Whether the numbers of a table do not count up from 1; a letter may follow a number."""
    numbers = sorted({int(match[0]) for number, *_ in rows
                      if (match := re.match(r"\d+", number))})
    return numbers != list(range(1, len(numbers) + 1)) or len(numbers) < least


def main():
    if len(sys.argv) != 4:
        print("usage: scripts/check/tables.py LINT.log COMPILE-FAIL.log SELFTESTS.log", file=sys.stderr)
        return 2
    found = (results(sys.argv[1], "") | results(sys.argv[2], "compile-fail ")
             | results(sys.argv[3], None))
    tables = {name: list(rows_of(name)) for name in TABLES}
    print(f"TAP version 13\n1..{sum(map(len, tables.values()))}")
    failed = False
    for name, (_, least) in TABLES.items():
        if has_gaps(tables[name], least):
            print(f"# the numbers of {name} have gaps")
            failed = True
    rows = [(f"{TABLES[name][0]} {number}", text, tests)
            for name in TABLES for number, text, tests in tables[name]]
    for index, (row, text, tests) in enumerate(rows):
        bad = [f"'{test}' {found.get(test, 'did not run')}"
               for test in tests if found.get(test) not in ("ok", "skipped")]
        skipped = [test for test in tests if found.get(test) == "skipped"]
        if not tests:
            bad = ["no test"]
        for problem in bad:
            print(f"# {problem}")
        result = "not ok" if bad else "ok"
        skip = f" # SKIP {skipped[0]}" if skipped and not bad else ""
        print(f"{result} {index + 1} {row}: {text}{skip}")
        failed |= bool(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
