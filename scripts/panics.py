#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Nothing that the core of generic netlink calls in a family may lead to a panic:
# follows the calls in the object code of a module, from the callbacks in its
# tables on. What panics while the compiler evaluates constants is in the object
# as well, and is not reached.
#
#   scripts/panics.py MODULE.ko

import re
import subprocess
import sys
from collections import defaultdict

# Where the core enters a family, by the names in rust/genl.
CALLBACKS = ("do_trampoline", "do_reply_trampoline", "dump_start", "dumpit", "dump_done")
CALLBACK = re.compile(r"genl::(?:op|dump)::(%s)::<(.*)>" % "|".join(CALLBACKS))
# The panics of Rust, and those of fortified C.
PANIC = re.compile(r"core::panicking|rust_begin_unwind|rust_panic|__fortify_panic|"
                   r"_fail(ed)?\b|core::.*(unwrap_failed|expect_failed|len_mismatch)|^rust_build_error")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
RELOCATION = re.compile(r"\bR_\w+\s+(\S.*?)(?:[+-]0x[0-9a-f]+)?$")
CALL = re.compile(r"\b(?:call|jmp|j\w+|bl?)\s+[0-9a-f]+ <(.*?)(?:\+0x[0-9a-f]+)?>$")


def references(module):
    """Which functions, or sections, each function refers to."""
    listing = subprocess.run(["objdump", "-dr", "--demangle=rust", "--no-show-raw-insn", module],
                             check=True, capture_output=True, text=True).stdout
    refers = defaultdict(set)
    function = None
    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            function = match[1]
            refers[function] = set()
        elif function and (match := RELOCATION.search(line) or CALL.search(line)):
            if match[1] != function:
                refers[function].add(match[1])
    return refers


def way_to_panic(refers, start):
    """A chain of calls from a function to a panic, if there is one."""
    before = {start: None}
    queue = [start]
    for function in queue:
        for target in sorted(refers.get(function, ())):
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
        print("usage: scripts/panics.py MODULE.ko")
        return 2
    refers = references(sys.argv[1])
    callbacks = [name for name in refers if CALLBACK.search(name)]
    for kind in CALLBACKS:
        if not any(f"::{kind}::" in name for name in callbacks):
            print(f"{sys.argv[1]}: no callback {kind}: has it another name now?")
            return 1
    # The checks of constants refer to a panic; if none is seen, none ever would be.
    if not any(PANIC.search(target) for targets in refers.values() for target in targets):
        print(f"{sys.argv[1]}: no panic at all: have they other names now?")
        return 1
    failed = 0
    for callback in sorted(callbacks):
        way = way_to_panic(refers, callback)
        if way:
            failed += 1
            print("a callback can panic:\n  " + "\n  -> ".join(way))
    print(f"{len(callbacks)} callbacks, {failed} of which can panic")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
