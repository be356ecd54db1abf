#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Which tests show what: rust/genl/surface.md and traps.md have entries, and each test
that shows one says so in its source, in a comment in front of its name:

    /* covers: surface 7c, trap k */
    { "a guard refuses", guard_refuses },

A test whose name is made up by a macro has it in the comment: 'covers: trap 28:
"1 objects"'.

  scripts/check/covers.py --write   writes the lists of tests into the two pages
  scripts/check/covers.py --check   fails when they are not those of the sources
  scripts/check/covers.py LINT.log COMPILE-FAIL.log SELFTESTS.log

The last form holds the sources against the logs of 'make check': each entry has at
least one test, and each of its tests has run and passed. It prints TAP, a line for
each entry.
"""

import os
import re
import subprocess
import sys
import textwrap

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
# What an entry of a page is called, and how many have a number at least.
PAGES = {"surface.md": ("surface", 11), "traps.md": ("trap", 30)}
ENTRY = re.compile(r"^\*\*(\w+)\.\*\* (.*)$")
COMMENT = re.compile(r"(?://|/\*|#) covers: (?P<entries>\w+ \w+(?:, \w+ \w+)*)"
                     r"(?:: \"(?P<name>[^\"]+)\")?(?: \*/)?\s*$")
# How a name stands in the line behind the comment, and what goes in front of it.
NAMES = {
    "compile-fail": re.compile(r"//@ ([\w-]+):"),
    "lint": re.compile(r"check_(\w+)\(\)"),
    "other": re.compile(r'"""(.+?)"""|"([^"]+)"'),
}
RESULT = re.compile(r"^( *)(ok|not ok) \d+ (.*?)(?: # SKIP.*)?$")


def name_of(path, line, given):
    """The program of a test and the test's name, from its source."""
    base = os.path.basename(path)
    if "/compile-fail/" in path:
        match = NAMES["compile-fail"].search(line)
        return match and ("compile-fail", f"{base[:-3]}/{match[1]}")
    if base == "lint.sh":
        match = NAMES["lint"].search(line)
        return match and ("lint", match[1])
    program = base[:-2] if base.endswith(".c") else base
    match = NAMES["other"].search(line)
    if given:
        return program, given
    return match and (program, match[1] or match[2])


def tests():
    """Yields (entry, program, test) for each comment in the sources, in their order."""
    files = subprocess.run(["git", "-C", TOP, "grep", "--untracked", "-lE", r"(//|/\*|#) covers: ",
                            "--", "selftests", "scripts"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for path in files:
        if path.endswith("covers.py"):
            continue
        with open(f"{TOP}/{path}", encoding="utf-8") as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines):
            if " covers: " not in line:
                continue
            match = COMMENT.search(line)
            found = match and name_of(path, lines[number + 1], match["name"])
            if not found:
                sys.exit(f"{path}:{number + 1}: this is not 'covers: surface 1a, trap 2' in front "
                         "of the name of a test")
            for entry in match["entries"].split(", "):
                yield entry, *found


def by_entry():
    """The tests of each entry: {entry: {program: [test]}}."""
    found = {}
    for entry, program, test in tests():
        found.setdefault(entry, {}).setdefault(program, []).append(test)
    return found


def entries(page):
    """The entries of a page, as the name and the first line of the text of each."""
    with open(f"{TOP}/rust/genl/{page}", encoding="utf-8") as file:
        for line in file:
            if match := ENTRY.match(line.rstrip("\n")):
                yield f"{PAGES[page][0]} {match[1]}", match[2]


def list_of(programs):
    """The list of the tests of an entry, as it stands in the page."""
    lines = []
    for program in sorted(programs):
        # A break inside of a name would be one in the list of names.
        lines += textwrap.wrap(f"- `{program}`: " + "; ".join(programs[program]), 100,
                               subsequent_indent="  ", break_long_words=False,
                               break_on_hyphens=False)
    return lines


def with_lists(page, found):
    """The page with the lists that the sources make."""
    with open(f"{TOP}/rust/genl/{page}", encoding="utf-8") as file:
        lines = file.read().splitlines()
    out, entry = [], None
    for line in [*lines, "# end"]:
        match = ENTRY.match(line)
        if match or line.startswith("#"):
            if entry in found:
                while out[-1] == "":
                    out.pop()
                out += ["", *list_of(found[entry]), ""]
            entry = f"{PAGES[page][0]} {match[1]}" if match else None
        elif entry and re.match(r"- `|  \S", line):
            continue
        out.append(line)
    while out[-1] in ("", "# end"):
        out.pop()
    return "\n".join(out) + "\n"


def write(check):
    """Writes the pages, or only looks at them."""
    found, status = by_entry(), 0
    known = {entry for page in PAGES for entry, _ in entries(page)}
    for entry in sorted(set(found) - known):
        print(f"a test covers '{entry}', and there is no such entry")
        status = 1
    for page in PAGES:
        path = f"{TOP}/rust/genl/{page}"
        text = with_lists(page, found)
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                continue
        if check:
            print(f"{path} is stale: run scripts/check/covers.py --write")
            status = 1
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return status


def results(path, program):
    """The outcome of each test in a log, by program and name."""
    found, current = {}, program
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            line = line.rstrip("\n")
            if match := re.match(r"^# (\S+)$", line):
                current = program or match[1]
            elif match := RESULT.match(line):
                outcome = "skipped" if "# SKIP" in line else match[2]
                if program or match[1]:
                    # The lines of lint have that word in front, those of programs in Python
                    # the name of the program, as all of the kernel's have.
                    name = match[3].removeprefix("lint ").removeprefix(
                        f"{str(current).removesuffix('.py')}.")
                    found[current, name] = outcome
    return found


def has_gaps(page):
    """Whether the numbers of a page do not count up from 1; a letter may follow a number."""
    numbers = sorted({int(match[0]) for entry, _ in entries(page)
                      if (match := re.match(r"\d+", entry.split()[1]))})
    return numbers != list(range(1, len(numbers) + 1)) or len(numbers) < PAGES[page][1]


def compare(lint, compile_fail, selftests):
    """Holds the sources against the logs."""
    ran = (results(lint, "lint") | results(compile_fail, "compile-fail")
           | results(selftests, None))
    found = by_entry()
    wanted = [one for page in PAGES for one in entries(page)]
    print(f"TAP version 13\n1..{len(wanted)}")
    failed = False
    for page in PAGES:
        if has_gaps(page):
            print(f"# the numbers of {page} have gaps")
            failed = True
    for index, (entry, text) in enumerate(wanted, 1):
        named = [(program, test) for program, names in found.get(entry, {}).items()
                 for test in names]
        bad = [f"'{program}: {test}' {ran.get((program, test), 'did not run')}"
               for program, test in named if ran.get((program, test)) not in ("ok", "skipped")]
        skipped = [test for program, test in named if ran.get((program, test)) == "skipped"]
        if not named:
            bad = ["no test"]
        for problem in bad:
            print(f"# {problem}")
        skip = f" # SKIP {skipped[0]}" if skipped and not bad else ""
        print(f"{'not ok' if bad else 'ok'} {index} {entry}: {text}{skip}")
        failed |= bool(bad)
    return 1 if failed else 0


def main():
    """Does what the arguments say."""
    if sys.argv[1:] in (["--write"], ["--check"]):
        return write(sys.argv[1] == "--check")
    if len(sys.argv) != 4:
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    return compare(*sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
