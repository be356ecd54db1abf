#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Nothing that others call in a family may lead to a panic: follows the calls in
# the object code of a module, from the callbacks on that rust/genl hands out. An
# indirect call cannot be followed, so each function that a table of the module
# points at is a start as well. What panics while the compiler evaluates constants
# is in the object too, and is not reached.
#
# For each panic it says which line of the family's author it comes from, with what
# the compiler has put in place of that line below it, and how it is reached.
#
#   scripts/check/panics.py MODULE.ko

import os
import re
import struct
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
GENL = f"{TOP}/rust/genl"
# A callback in the source of rust/genl: what C calls.
EXTERN = re.compile(r'^\s*(?:pub(?:\([\w ]+\))? )?(?:unsafe )?extern "C" fn (\w+)', re.M)
# Some kinds do not look like that: the callback of a work item is in the kernel crate, a job is a
# trait object, which that calls through a table, and what takes back a thing when the module goes is
# kept together with the thing.
INDIRECT = {
    f"the work item of {what}": rf"\bgenl::{name}<?.*> as kernel::workqueue::WorkItemPointer<\d+>>::run$"
    for what, name in (
        ("a job", "work::Item"),
        ("a FamilyWork", "work::Queued"),
        ("a family that goes", "family::Inner"),
        ("what is kept for sockets", "socket::Shared"),
        ("the state of a namespace", "per_net::Kept"),
        ("a PerNet that goes", "per_net::Slot"),
    )
} | {
    "the run of a job": r"\bgenl::work::Jobs<.*>>::add::<.*>::\{closure#0\}$",
    "the end of a family": r"\bgenl::family::Inner<.*>>::end_raw$",
    "the end of what is kept for sockets": r"\bgenl::socket::Shared>::end$",
    "the end of a PerNet": r"\bgenl::per_net::Slot>::end(_raw)?$",
}
# The module that uses all of the framework, and so has each kind of callback.
WHOLE = "genltest.ko"
# The panics of Rust, and those of fortified C. Not the stack protector, which the functions of a
# tracepoint have: it stops a kernel whose stack is damaged already.
PANIC = re.compile(r"core::panicking|rust_begin_unwind|rust_panic|__fortify_panic|"
                   r"(?<!__stack_chk)_fail(ed)?\b|^rust_build_error|"
                   r"core::.*(unwrap_failed|expect_failed|len_mismatch|panic)")
# What TRACE_EVENT() makes looks for the end of the name of a family or group in its 16 bytes, with
# a fortified strlen(). name_bytes() of rust/genl has put one there, which code cannot show; this
# panic is let pass in these functions, and no other one.
TRACEPOINT = re.compile(r"^(perf_trace|trace_event_raw_event)_genl_\w+$")
TRACEPOINT_PANIC = "__fortify_panic"
# What may go wrong where a panic is called, and what to write instead.
REASONS = (
    (r"panic_bounds_check", "an index may be out of bounds: take get() and say what happens then"),
    (r"len_mismatch", "two slices may have different lengths: copy what both have, with "
     "iter_mut().zip()"),
    (r"slice.*index|split_at|chunk", "a range may be out of bounds: take get() with "
     "the range, and say what happens then"),
    (r"panic_const_(add|sub|mul)_overflow", "a number may leave its type: take checked_{0}(), "
     "saturating_{0}() or wrapping_{0}()"),
    (r"panic_const_(neg|shl|shr)_overflow", "a number may leave its type: take checked_{0}() or "
     "wrapping_{0}()"),
    (r"panic_const_(div|rem)_(?:by_zero|overflow)", "the divisor may be 0: take checked_{0}()"),
    (r"unwrap_failed|expect_failed|option.*unwrap|result.*unwrap", "there may be nothing to unwrap: "
     "take ok_or() and ?, or let-else"),
    (r"int_log", "it may be the logarithm of 0: take checked_ilog2() or checked_ilog10()"),
    (r"from_str_radix", "the base may be none from 2 to 36: take a constant, or look before"),
    (r"panic_fmt|panicking::panic\b|panic_display|panic_explicit|panic_cold|assert_failed",
     "panic!(), assert!(), unreachable!() or the like: return an error"),
    (r"_fortify|_fail(ed)?\b", "a check of C may fail: give it what it asks for"),
    (r"", "this stops the kernel: return an error"),
)
# What an ELF file says of its machine, and what the tools for it are called.
MACHINES = {62: "x86_64", 183: "aarch64"}
ADDRESS = re.compile(r"^\s*([0-9a-f]+):")
SECTION = re.compile(r"^Disassembly of section (\S+):$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.*)>:$")
RELOCATION = re.compile(r"\b(R_\w+)\s+(\S.*?)(?:([+-])0x([0-9a-f]+))?$")
CALL = re.compile(r"\b(?:call|jmp|j\w+|bl?|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+, #\w+,)"
                  r"\s+[0-9a-f]+ <(.*?)(?:\+0x[0-9a-f]+)?>$")
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


def binutils(tool, module, *options):
    """The lines that a program writes of a module, which may be for another machine."""
    with open(module, "rb") as file:
        machine = MACHINES[struct.unpack_from("<H", file.read(20), 18)[0]]
    return subprocess.run([f"{machine}-linux-gnu-{tool}", *options], check=True,
                          capture_output=True, text=True).stdout.splitlines()


def objdump(option, module, *options):
    """The lines that objdump writes."""
    return binutils("objdump", module, "--demangle=rust", option, *options, module)


class Code:
    """The functions of a module, and what they refer to."""

    def __init__(self, module):
        self.module = module
        # Where each function refers to something: (section, address).
        self.sites = defaultdict(set)
        # What each function refers to. Functions with the same name, hashes left out, are taken for
        # one.
        self.refers = defaultdict(set)
        # Where each function of a section begins.
        self.starts = defaultdict(list)
        # What tables point at.
        self.in_tables = set()
        listing = objdump("-dr", module, "--no-show-raw-insn")
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
        for line, following in zip(listing, [*listing[1:], ""]):
            if match := SECTION.match(line):
                section = match[1]
            elif match := FUNCTION.match(line):
                function = match[2]
            elif function:
                if match := RELOCATION.search(line):
                    target = self.target(match)
                # What is still to be relocated seems to go to the next instruction, which at the
                # end of a function is the next function.
                elif (match := CALL.search(line)) and not RELOCATION.search(following):
                    target = match[1]
                else:
                    continue
                self.refers[function].add(target)
                self.sites[function, target].add((section, int(ADDRESS.match(line)[1], 16)))

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


    def frames(self, section, address):
        """Where an instruction comes from: [(function, file, line)], what was inlined first."""
        said = binutils("addr2line", self.module, "-j", section, "-i", "-f", "-C",
                        "-e", self.module, f"{address:#x}")
        found = []
        for name, place in zip(said[::2], said[1::2]):
            path, _, line = place.split(" (")[0].rpartition(":")
            if line.isdigit() and path != "??":
                found.append((name, os.path.normpath(path), int(line)))
        return found

    def panics_of(self, function, passed=None):
        """The panics that a function calls by itself, with the places: [(panic, section,
        address)]."""
        return [(target, *site) for target in sorted(self.refers[function])
                if PANIC.search(target) and target != passed
                for site in sorted(self.sites[function, target])]


def is_authors(path):
    """Whether a file is what somebody has written for this family."""
    return path.startswith(f"{TOP}/") and not path.endswith("_gen.rs") and \
        not path.startswith((f"{GENL}/", f"{TOP}/.build/kernel/", f"{TOP}/.build/root/"))


def reason(panic):
    """What may go wrong, and what to write instead."""
    for pattern, text in REASONS:
        match = re.search(pattern, panic)
        if match:
            return text.format(match[1] if match.re.groups else "")
    return None


def explain(code, way, passed=None):
    """Lines of text for a way to a panic: each line of the author that it comes from."""
    lines = []
    for panic, *site in code.panics_of(way[-2], passed):
        frames = code.frames(*site)
        # Where the function that panics is not the author's, what has called it may be.
        for caller, callee in reversed(list(zip(way[:-2], way[1:-1]))):
            if any(is_authors(path) for _, path, _ in frames):
                break
            frames += code.frames(*min(code.sites[caller, callee])) \
                if code.sites[caller, callee] else []
        own = [at for at, (_, path, _) in enumerate(frames) if is_authors(path)]
        shown = frames[:own[0] + 1] if own else frames
        if shown:
            _, path, line = shown[-1]
            lines.append(f"{os.path.relpath(path, TOP)}:{line}: {reason(panic)}")
            lines += [f"    in {name}, {os.path.relpath(path, TOP) if is_inside(path) else path}:"
                      f"{line}" for name, path, line in reversed(shown[:-1])]
        else:
            lines.append(f"{os.path.basename(code.module)}: {reason(panic)}\n"
                         "    (no debug information says where)")
    return lines + ["  reached as " + "\n    -> ".join(way)]


def is_inside(path):
    """Whether a file is one of this project."""
    return path.startswith(f"{TOP}/")


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
        let_pass = None
        if way and TRACEPOINT.search(root) and way[-1] == TRACEPOINT_PANIC:
            passed += 1
            let_pass = TRACEPOINT_PANIC
            way = way_to_panic(code.refers, root, let_pass)
        if way:
            failed += 1
            print("\n".join(explain(code, way, let_pass)))
    print(f"{len(roots)} callbacks of {len(callbacks) - len(absent)} kinds and {len(others)} other "
          f"functions in tables, {failed} of which can panic; {passed} of the tracepoints look for "
          "the end of a name")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
