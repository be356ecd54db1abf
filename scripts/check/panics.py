#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Nothing that others call in a family may lead to a panic: follows the calls in
# the object code of a module, from the callbacks on that rust/genl hands out. An
# indirect call cannot be followed, so each function that a table of the module
# points at is a start as well. What panics while the compiler evaluates constants
# is in the object too, and is not reached.
#
#   scripts/check/panics.py MODULE.ko

import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict

GENL = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../rust/genl")
# A callback in the source of rust/genl: what C calls.
EXTERN = re.compile(r'^\s*(?:pub(?:\([\w ]+\))? )?(?:unsafe )?extern "C" fn (\w+)', re.M)
# Two kinds do not look like that: the callback of a work item is in the kernel crate, and a job is
# a trait object, which that calls through a table.
INDIRECT = {
    "the work item of a job": r"genl::later::Item<.*> as "
                              r"kernel::workqueue::WorkItemPointer<\d+>>::run$",
    "the run of a job": r" as \w+::genl::later::Job<.*>>::run$",
}
# The module that uses all of the framework, and so has each kind of callback.
WHOLE = "genltest.ko"
# The panics of Rust, and those of fortified C. Not the stack protector, which the functions of a
# tracepoint have: it stops a kernel whose stack is damaged already.
PANIC = re.compile(r"core::panicking|rust_begin_unwind|rust_panic|__fortify_panic|"
                   r"(?<!__stack_chk)_fail(ed)?\b|^rust_build_error|"
                   r"core::.*(unwrap_failed|expect_failed|len_mismatch)")
# What TRACE_EVENT() makes looks for the end of the name of a family or group in its 16 bytes, with
# a fortified strlen(). name_bytes() of rust/genl has put one there, which code cannot show; this
# panic is let pass in these functions, and no other one.
TRACEPOINT = re.compile(r"^(perf_trace|trace_event_raw_event)_genl_\w+$")
TRACEPOINT_PANIC = "__fortify_panic"
SECTION = re.compile(r"^Disassembly of section (\S+):$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.*)>:$")
RELOCATION = re.compile(r"\b(R_\w+)\s+(\S.*?)(?:([+-])0x([0-9a-f]+))?$")
CALL = re.compile(r"\b(?:call|jmp|j\w+|bl?)\s+[0-9a-f]+ <(.*?)(?:\+0x[0-9a-f]+)?>$")
RECORDS = re.compile(r"^RELOCATION RECORDS FOR \[(\S+)\]:$")
# Where tables are; other sections point at each function, for those who trace or patch them.
TABLES = re.compile(r"^\.(ref\.)?(data|rodata)\b")


def kinds():
    """What each kind of callback is called: in rust/genl, or here, and in a module."""
    found = {}
    for file_name in sorted(os.listdir(GENL)):
        if file_name.endswith(".rs"):
            with open(f"{GENL}/{file_name}", encoding="utf-8") as file:
                for name in EXTERN.findall(file.read()):
                    kind = f"{file_name[:-3]}::{name}"
                    found[kind] = rf"\bgenl::{kind}(::<.*>)?$"
    if not found:
        sys.exit("rust/genl has no callbacks: do they look otherwise now?")
    return {name: re.compile(pattern) for name, pattern in (found | INDIRECT).items()}


def objdump(*options):
    """The lines that objdump writes."""
    return subprocess.run(["objdump", "--demangle=rust", *options], check=True,
                          capture_output=True, text=True).stdout.splitlines()


class Code:
    """The functions of a module, and what they refer to."""

    def __init__(self, module):
        # What each function refers to. Functions with the same name, hashes left out, are taken for
        # one.
        self.refers = defaultdict(set)
        # Where each function of a section begins.
        self.starts = defaultdict(list)
        # What tables point at.
        self.in_tables = set()
        listing = objdump("-dr", "--no-show-raw-insn", module)
        section = None
        for line in listing:
            if match := SECTION.match(line):
                section = match[1]
            elif match := FUNCTION.match(line):
                self.starts[section].append((int(match[1], 16), match[2]))
                self.refers[match[2]].update()
        for starts in self.starts.values():
            starts.sort()

        function = None
        for line in listing:
            if match := FUNCTION.match(line):
                function = match[2]
            elif function:
                if match := RELOCATION.search(line):
                    self.refers[function].add(self.target(match))
                elif match := CALL.search(line):
                    self.refers[function].add(match[1])

        section = ""
        for line in objdump("-r", module):
            if match := RECORDS.match(line):
                section = match[1]
            elif TABLES.match(section) and (match := RELOCATION.search(line)):
                self.in_tables.add(self.target(match))
        self.in_tables &= set(self.refers)

    def target(self, relocation):
        """What a relocation points at: a local function is a place in a section there."""
        kind, name, sign, offset = relocation.groups()
        starts = self.starts.get(name)
        if not starts:
            return name
        place = int(offset or "0", 16) * (-1 if sign == "-" else 1)
        # Relative to the end of the instruction, four bytes further.
        if kind in ("R_X86_64_PC32", "R_X86_64_PLT32"):
            place += 4
        return starts[max(bisect_right(starts, place, key=lambda start: start[0]) - 1, 0)][1]


def way_to_panic(refers, start, passed=None):
    """A chain of calls from a function to a panic other than the one let pass, if there is one."""
    before = {start: None}
    queue = [start]
    for function in queue:
        for target in sorted(refers.get(function, ())):
            if target == passed:
                continue
            if PANIC.search(target):
                way = [target]
                while function:
                    way.append(function)
                    function = before[function]
                return list(reversed(way))
            if target in refers and target not in before:
                before[target] = function
                queue.append(target)
    return None


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print("usage: scripts/check/panics.py MODULE.ko")
        return 2
    module = sys.argv[1]
    code = Code(module)
    callbacks = {kind: [name for name in code.refers if pattern.search(name)]
                 for kind, pattern in kinds().items()}
    absent = [kind for kind, names in callbacks.items() if not names]
    if absent and (os.path.basename(module) == WHOLE or len(absent) == len(callbacks)):
        print(f"{module}: not found: {', '.join(absent)}: inlined, or called otherwise now?")
        return 1
    # The checks of constants refer to a panic; if none is seen, none ever would be.
    if not any(PANIC.search(target) for targets in code.refers.values() for target in targets):
        print(f"{module}: no panic at all: have they other names now?")
        return 1
    roots = {name for names in callbacks.values() for name in names}
    others = code.in_tables - roots
    failed = passed = 0
    for root in sorted(roots | others):
        way = way_to_panic(code.refers, root)
        if way and TRACEPOINT.search(root) and way[-1] == TRACEPOINT_PANIC:
            passed += 1
            way = way_to_panic(code.refers, root, TRACEPOINT_PANIC)
        if way:
            failed += 1
            print("a callback can panic:\n  " + "\n  -> ".join(way))
    print(f"{len(roots)} callbacks of {len(callbacks) - len(absent)} kinds and {len(others)} other "
          f"functions in tables, {failed} of which can panic; {passed} of the tracepoints look for "
          "the end of a name")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
