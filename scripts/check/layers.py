#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks at the layers of rust/genl: TAP on standard output.

The table in mod.rs has the files, the lowest first. A file imports from those in front
of it, with one exception: a family owns the queue of its jobs, and a job has the family
at hand. Each file is in the table, and has at most 600 lines without its tests.

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
NAME = re.compile(r"`(\w+)\.rs`")
TESTS = re.compile(r"^#\[kunit_tests\(", re.M)
# A text, or a comment.
OPAQUE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')
# What an import, or a path in the code, begins with.
UPWARDS = re.compile(r"\bsuper::")

# What an item of a file begins with.
ITEM = "(?:fn|struct|enum|trait|type|const|static|mod)"


class Broken(Exception):
    """The check itself cannot run, or does not understand what it reads."""


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


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
    for found in UPWARDS.finditer(code):
        for path in names_at(code, found.end()):
            while path[0] == "super":
                path = path[1:]
            if path[0] in files:
                yield path[0]
            elif path[0] in exports:
                yield exports[path[0]]
            elif path[0] == "*":
                # Of a module inside the file: what that has in scope was looked at.
                continue
            elif not re.search(rf"\b{ITEM} {path[0]}\b", code):
                raise Broken(f"super::{'::'.join(path)} is no file, and mod.rs does not export it")


def exports_of(mod):
    """Which file each item is from that mod.rs exports."""
    found = {}
    for use in re.finditer(r"^pub use self::", mod, re.M):
        for path in names_at(mod, use.end()):
            found[path[-1]] = path[0]
    return found


def way(graph, start, end):
    """A way through the imports from a file to another one, or none."""
    ways, seen = [[start]], set()
    while ways:
        path = ways.pop()
        for name in sorted(graph[path[-1]]):
            if name == end:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                ways.append([*path, name])
    return None


def look(folder):
    """Yields what was looked at, and a list of what is wrong with it."""
    mod = read(f"{folder}/mod.rs")
    order = [name for line in mod.split("\n") if ROW.match(line)
             for name in NAME.findall(ROW.match(line).group(1))]
    there = sorted(file[:-3] for file in os.listdir(folder) if file.endswith(".rs"))
    there.remove("mod")
    if not order:
        raise Broken("mod.rs has no table of files")
    yield "the table of mod.rs has each file once", [
        *(f"{name}.rs is not in the table" for name in there if name not in order),
        *(f"{name}.rs is in the table, and is no file" for name in order if name not in there),
        *(f"{name}.rs is in the table twice" for name in sorted(set(order))
          if order.count(name) > 1)]
    exports, graph = exports_of(OPAQUE.sub("", mod)), {}
    for name in there:
        text = read(f"{folder}/{name}.rs")
        text = text[:TESTS.search(text).start()] if TESTS.search(text) else text
        wrong, lines = [], text.rstrip("\n").count("\n") + 1
        if lines > MOST:
            wrong.append(f"{name}.rs has {lines} lines without its tests, and {MOST} is the most")
        graph[name] = set(imports(OPAQUE.sub("", text), there, exports)) - {name}
        wrong += [f"{name}.rs imports {other}.rs, which is above it"
                  for other in sorted(graph[name])
                  if name in order and other in order
                  and order.index(other) > order.index(name) and (name, other) != CIRCLE]
        yield f"{name}.rs: {lines} lines, {len(graph[name])} imports", wrong
    circles = set()
    for name in there:
        back = way({**graph, CIRCLE[0]: graph[CIRCLE[0]] - {CIRCLE[1]}}, name, name)
        if back:
            circles.add(" imports ".join(f"{file}.rs" for file in back))
    if CIRCLE[1] not in graph[CIRCLE[0]]:
        circles.add(f"{CIRCLE[0]}.rs does not import {CIRCLE[1]}.rs: it needs no exception")
    between = way({name: graph[name] - {CIRCLE[0]} if name == CIRCLE[1] else graph[name]
                   for name in there}, CIRCLE[1], CIRCLE[0])
    if between:
        circles.add(" imports ".join(f"{file}.rs" for file in between))
    yield f"{CIRCLE[0]}.rs and {CIRCLE[1]}.rs are the one circle", sorted(circles)


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
