#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks at the layers of rust/genl: TAP on standard output.

The table in mod.rs has the files, the lowest first. A file imports from those in front
of it, with one exception: a family owns the queue of its jobs, and a job has the family
at hand. A path that begins with super::, with genl:: or with crate::genl:: is an import,
wherever it stands, but for the tests of the file. Each file is in the table, and has at
most 600 lines without its tests.

  scripts/check/layers.py [FOLDER]
"""

import argparse
import os
import re
import sys

GENL = os.path.realpath(f"{os.path.dirname(os.path.realpath(__file__))}/../../rust/genl")
# The one circle.
CIRCLE = ("family", "work")
MOST = 600
# A line of the table, and a file in its first column.
ROW = re.compile(r"^//! \| (`[^|]*`) \|")
NAME = re.compile(r"`([\w/]+)\.rs`")
TESTS = re.compile(r"^#\[kunit_tests\(", re.M)
# A comment, a text, or a character.
OPAQUE = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\[^']+|[^'\\])'""", re.S)
# What an import, or a path in the code or in a macro, begins with.
PATHS = re.compile(r"\b(?:super|genl)::")
# A macro, and the name that others call it by.
MACRO, CALLED = re.compile(r"\bmacro_rules! (\w+)"), re.compile(r"\b(__\w+) as (\w+)")

# What an item of a file begins with.
ITEM = "(?:fn|struct|enum|trait|type|const|static|mod)"


class Broken(Exception):
    """The check itself cannot run, or does not understand what it reads."""


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def without_tests(name, code):
    """The code of a file without its tests."""
    while found := TESTS.search(code):
        depth, end = 0, None
        for brace in re.compile("[{}]").finditer(code, found.end()):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.end()
                break
        if end is None:
            raise Broken(f"the tests of {name}.rs have no end")
        code = code[:found.start()] + code[end:].lstrip("\n")
    return code


def names_at(code, place):
    """Yields the paths at a place in the code: a path, or several in braces."""
    word = re.compile(r"\s*(\*|\w+)").match(code, place)
    if word:
        rest = re.compile(r"\s*::\s*").match(code, word.end())
        if not rest:
            yield (word.group(1),)
            return
        for path in names_at(code, rest.end()):
            yield (word.group(1), *path)
        return
    brace = re.compile(r"\s*\{").match(code, place)
    if not brace:
        return
    depth, start = 1, brace.end()
    for at in range(brace.end(), len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0 or depth == 1 and code[at] == ",":
            yield from names_at(code[:at], start)
            start = at + 1
        if depth == 0:
            return


def imports(code, files, exports):
    """Yields the files that the code of a file imports from."""
    for found in PATHS.finditer(code):
        for path in names_at(code, found.end()):
            path = [name for name in path if name != "super"] or ["*"]
            if path[0] in files:
                yield path[0]
            elif path[0] in exports:
                yield exports[path[0]]
            elif path[0] == "*":
                # Of a module inside the file: what that has in scope was looked at.
                continue
            elif not re.search(rf"\b(?:{ITEM}|macro_rules!) {path[0]}\b", code):
                raise Broken(f"{found[0]}{'::'.join(path)} is no file, and mod.rs does not export it")


def exports_of(mod, codes):
    """Which file each item is from that mod.rs exports, and each macro."""
    made = {macro: name for name, code in codes.items() for macro in MACRO.findall(code)}
    found = {called: made[macro] for macro, called in CALLED.findall(mod) if macro in made}
    for use in re.finditer(r"^pub use self::", mod, re.M):
        for path in names_at(mod, use.end()):
            found[path[-1]] = path[0]
    return found


def look(folder):
    """Yields what was looked at, and a list of what is wrong with it."""
    mod = read(f"{folder}/mod.rs")
    order = [name for line in mod.split("\n") if ROW.match(line)
             for name in NAME.findall(ROW.match(line).group(1))]
    there = sorted(os.path.relpath(f"{where}/{file}", folder)[:-3]
                   for where, _, files in os.walk(folder) for file in files if file.endswith(".rs"))
    there.remove("mod")
    if not order:
        raise Broken("mod.rs has no table of files")
    yield "the table of mod.rs has each file once", [
        *(f"{name}.rs is not in the table" for name in there if name not in order),
        *(f"{name}.rs is in the table, and is no file" for name in order if name not in there),
        *(f"{name}.rs is in the table twice" for name in sorted(set(order))
          if order.count(name) > 1)]
    codes = {name: without_tests(name, OPAQUE.sub(lambda found: "\n" * found[0].count("\n"),
                                                  read(f"{folder}/{name}.rs"))) for name in there}
    exports, graph = exports_of(OPAQUE.sub("", mod), codes), {}
    for name, code in codes.items():
        wrong, lines = [], code.rstrip("\n").count("\n") + 1
        if lines > MOST:
            wrong.append(f"{name}.rs has {lines} lines without its tests, and {MOST} is the most")
        graph[name] = set(imports(code, there, exports)) - {name}
        wrong += [f"{name}.rs imports {other}.rs, which is above it"
                  for other in sorted(graph[name])
                  if name in order and other in order
                  and order.index(other) > order.index(name) and (name, other) != CIRCLE]
        yield f"{name}.rs: {lines} lines, {len(graph[name])} imports", wrong
    wrong = [] if CIRCLE[1] in graph[CIRCLE[0]] else [
        f"{CIRCLE[0]}.rs does not import {CIRCLE[1]}.rs: it needs no exception"]
    # With others between them there could be a wider circle.
    if order.index(CIRCLE[1]) != order.index(CIRCLE[0]) + 1:
        wrong.append(f"{CIRCLE[1]}.rs is not behind {CIRCLE[0]}.rs in the table")
    yield f"{CIRCLE[0]}.rs and {CIRCLE[1]}.rs are the one circle", wrong


def main():
    """Runs the check."""
    parser = argparse.ArgumentParser(description="Looks at the layers of rust/genl.")
    parser.add_argument("folder", nargs="?", default=GENL, help="another folder than rust/genl")
    args = parser.parse_args()
    results = []
    print("TAP version 13")
    try:
        for what, wrong in look(args.folder):
            results.append(not wrong)
            print(f"{'not ' if wrong else ''}ok {len(results)} layers: {what}")
            for text in wrong:
                print(f"# {text}")
    except Broken as error:
        results.append(False)
        print(f"not ok {len(results)} layers: {error}")
    print(f"1..{len(results)}")
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed, 0 skipped")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
