#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Gives mutations of all specs of the kernel to scripts/gen/genl_gen.py: TAP on standard
output, a test for each spec.

Whatever a spec has in it, the generator either makes Rust of it, which rustfmt can
read, or says what is wrong in lines of the form FILE:LINE: WRONG: RIGHT. It never ends
in a traceback, says nothing in words of Python, and takes no longer than 20 seconds.

With --compile, N of what it has made are compiled as families of one crate, with the
flags that Kbuild has used for nlpeer, but for optimization. --mod is the folder where
that was built. There must be no error and no warning, but for a constant of the kernel
that the kernel has not: of that the spec has only the name.

  scripts/gen/tests/mutate.py --kernel DIR [--count N] [--seed N] [--keep DIR]
                              [--compile N --mod DIR]
  scripts/gen/tests/mutate.py --kernel DIR --show SPEC/NUMBER

DIR is the folder of a kernel, with src and build. The same count and seed make the same
mutations. Small specs get more of them than large ones, which take longer. --show writes
one of them to standard output. What has failed is kept in the folder of --keep.
"""

import argparse
import concurrent.futures
import functools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import traceback

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../..")
sys.path += [f"{TOP}/scripts/gen", f"{TOP}/scripts/check"]

# pylint: disable=wrong-import-position
from compile_fail import CHECKING, Compiler  # noqa: E402
from genl_gen import generate  # noqa: E402
from genl_model import build  # noqa: E402
from genl_spec import SpecErrors, load  # noqa: E402
from skeleton import crate_of, write_family  # noqa: E402

# The longest that the generator may take for one spec.
SECONDS = 20
# Lines of the form that the generator promises.
LINE = re.compile(r"(\d+): (\S.*): (\S.*)")
# What the compiler may say: a mutation has the name of a macro of the kernel that is none.
NO_MACRO = re.compile(r"cannot find value `\w+` in (crate|module) `kernel::bindings`")
# What no error may be: a name of Python, which says nothing to the author of a spec.
PYTHON = re.compile(r"\b\w*(Error|Exception)\b\(|Traceback|\bNone\b|<class|object at 0x")

VALUES = [b"", b"~", b"null", b"[]", b"{}", b"[[]]", b"[{}]", b"''", b'"a\\"b\\n"', b"true", b"off",
          b"y", b"-1", b"0", b"1", b"255", b"256", b"16384", b"65536", b"0x", b"0x_", b"010", b"1.0",
          b".nan", b".inf", b"1:30", b"2026-11-28", b"2026-99-99", b"4294967296",
          b"18446744073709551616", b"-9223372036854775809", b"9" * 5000, b"0x" + b"f" * 5000,
          b"[a, b]", b"{a: b}", b"{name: a}", b"{name: a, type: u32}", b"self", b"'-'", b"'\\n'",
          b"|\n  text", b"a" * 300, b"\xc3\xa9", b"\xe9", b'"\\0"', b'"\\ud800"', b'"\\U00110000"',
          b"*all", b"*nobody", b"&own [*own]", b"&own {name: *own}", b"!!int a", b"!!binary a",
          b"!!python/name:os.system", b"!own a", b"{<<: [a]}", b"{[a]: b}", b"{1: a}", b"? a",
          b"[" * 3000, b"{a: " * 3000, b"'", b'"', b"@", b"`", b"%", b"a: b: c", b"- a", b"\t"]
BYTES = [b"\0", b"\xe9", b"\xff", b"\xef\xbb\xbf", b"\r", b"\x85", b"\xe2\x80\xa8", b"\x1b", b":",
         b"-", b"#", b"'", b'"', b"[", b"]", b"{", b"}", b"&", b"*", b"!", b"|", b">", b"%", b"@",
         b",", b"?", b" ", b"\n", b"\t", b"0", b"a", b"A", b"_"]
LINES = [b"multi-attr: true", b"byte-order: big-endian", b"type: indexed-array", b"sub-type: nest",
         b"sub-type: u32", b"type: nest-type-value", b"type-value: [a, b]", b"type: bitfield32",
         b"type: binary", b"type: uint", b"checks: {min: 1}", b"checks: {max: s8-max}",
         b"checks: {exact-len: 4}", b"checks: {max-len: 0}", b"checks: {flags-mask: self}",
         b"enum-as-flags: true", b"value: 0", b"value: 255", b"value: 70000", b"value-start: -1",
         b"value-start: 63", b"kernel-policy: global", b"kernel-policy: per-op",
         b"enum-model: directional", b"notify: get", b"event: {}", b"do: {}", b"dump: {}",
         b"mcgrp: mgmt", b"flags: [admin-perm, uns-admin-perm]", b"dont-validate: [strict, dump]",
         b"config-cond: a b", b"header: linux/a.h", b"scope: kernel", b"subset-of: self",
         b"version: 255", b"fixed-header: a", b"struct: a", b"len: 4", b"len: 1000000000000"]
PROTOCOLS = [b"genetlink", b"genetlink-c", b"genetlink-legacy", b"netlink-raw", b"netlink", b""]
ENTRY = re.compile(rb"^([ -]*)([\w-]+):(?:[ ]+(.*))?$")


class Mutator:
    """Changes one spec, at random but each time in the same way."""

    def __init__(self, text):
        self.text = text
        # The values that each key has somewhere in the spec.
        found = {}
        for match in map(ENTRY.match, text.split(b"\n")):
            if match and match[3]:
                found.setdefault(match[2], set()).add(match[3])
        self.values = {key: sorted(values) for key, values in sorted(found.items())}
        self.words = sorted(set().union(*found.values()))

    def mutation(self, seed):
        """The spec with one to three changes."""
        rand = random.Random(seed)
        lines = self.text.split(b"\n")
        for _ in range(rand.choice((1, 1, 1, 2, 3))):
            kind = rand.choice((self.value, self.value, self.same, self.same, self.same, self.add,
                                self.add, self.other, self.key, self.remove, self.repeat, self.move, self.indent, self.byte,
                                self.drop, self.cut, self.protocol))
            lines = kind(rand, lines) or [b""]
        return b"\n".join(lines)

    @staticmethod
    def entry(rand, lines):
        """A line with a key: its number, and its parts; none where there is no such line."""
        for _ in range(50):
            at = rand.randrange(len(lines))
            match = ENTRY.match(lines[at])
            if match:
                return at, match
        return None, None

    def value(self, rand, lines):
        """Another value for a key, one that it most likely cannot have."""
        at, match = self.entry(rand, lines)
        if match:
            lines[at] = match[1] + match[2] + b": " + rand.choice(VALUES)
        return lines

    def other(self, rand, lines):
        """A value that another key has."""
        at, match = self.entry(rand, lines)
        if match:
            lines[at] = match[1] + match[2] + b": " + rand.choice(self.words)
        return lines

    def same(self, rand, lines):
        """Another value that this key has at another place."""
        at, match = self.entry(rand, lines)
        if match and match[2] in self.values:
            lines[at] = match[1] + match[2] + b": " + rand.choice(self.values[match[2]])
        return lines

    def add(self, rand, lines):
        """One more key, with a value that it has at another place or that specs can have."""
        at, match = self.entry(rand, lines)
        if match:
            key = rand.choice(list(self.values))
            line = rand.choice((key + b": " + rand.choice(self.values[key]), *LINES))
            lines.insert(at + 1, match[1].replace(b"-", b" ") + line)
        return lines

    def key(self, rand, lines):
        """Another key for a value."""
        at, match = self.entry(rand, lines)
        _, other = self.entry(rand, lines)
        if match and other:
            lines[at] = match[1] + other[2] + b": " + (match[3] or b"")
        return lines

    @staticmethod
    def block(rand, lines):
        """Some lines in a row: the first one, and the one behind the last one."""
        first = rand.randrange(len(lines))
        return first, min(len(lines), first + rand.choice((1, 1, 1, 2, 3, 8, 30)))

    def remove(self, rand, lines):
        """Without some lines."""
        first, end = self.block(rand, lines)
        return lines[:first] + lines[end:]

    def repeat(self, rand, lines):
        """Some lines twice."""
        first, end = self.block(rand, lines)
        return lines[:end] + lines[first:]

    def move(self, rand, lines):
        """Some lines at another place."""
        first, end = self.block(rand, lines)
        rest = lines[:first] + lines[end:]
        place = rand.randrange(len(rest) + 1)
        return rest[:place] + lines[first:end] + rest[place:]

    def indent(self, rand, lines):
        """Some lines deeper, or less deep."""
        first, end = self.block(rand, lines)
        shift = rand.choice((-4, -2, -1, 1, 2, 4))
        for at in range(first, end):
            lines[at] = b" " * shift + lines[at] if shift > 0 else lines[at][-shift:]
        return lines

    @staticmethod
    def byte(rand, lines):
        """Another byte in front of one, or instead of it."""
        at = rand.randrange(len(lines))
        place = rand.randrange(len(lines[at]) + 1)
        line = lines[at][:place] + rand.choice(BYTES) + lines[at][place + rand.randrange(2):]
        return lines[:at] + line.split(b"\n") + lines[at + 1:]

    @staticmethod
    def drop(rand, lines):
        """Without some bytes of a line."""
        at = rand.randrange(len(lines))
        place = rand.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:place] + lines[at][place + rand.choice((1, 1, 2, 5)):]
        return lines

    @staticmethod
    def cut(rand, lines):
        """Only the beginning."""
        return lines[:rand.randrange(len(lines) + 1)]

    @staticmethod
    def protocol(rand, lines):
        """Another protocol."""
        line = b"protocol: " + rand.choice(PROTOCOLS)
        return [line if old.startswith(b"protocol:") else old for old in lines]


class TooLong(BaseException):
    """The generator did not come back."""


def too_long(*_):
    """The handler of the alarm."""
    raise TooLong


def outcome(path, kernel):
    """What becomes of a spec: ("made" or "refused" or what is wrong, the Rust or nothing)."""
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    try:
        spec, places = load(path, kernel)
        text = generate(build(spec, places), "mutation.yaml")
        text.encode()
    except SpecErrors as error:
        signal.alarm(0)
        return refusal(str(error), path), None
    except TooLong:
        return f"not ready after {SECONDS} seconds", None
    # Each of them is what this looks for.
    except Exception:  # pylint: disable=broad-exception-caught
        return traceback.format_exc(), None
    finally:
        signal.alarm(0)
    return "made", text


def refusal(said, path):
    """"refused", or what is wrong with a refusal."""
    with open(path, "rb") as file:
        count = len(file.read().splitlines())
    for line in said.split("\n"):
        match = LINE.fullmatch(line.removeprefix(f"{path}:"))
        if not line.startswith(f"{path}:") or not match or not 1 <= int(match[1]) <= count + 1:
            return f"not of the form FILE:LINE: WRONG: RIGHT: {line!r}"
        if PYTHON.search(line) or not line.isprintable() or len(line) > 2000:
            return f"not for the author of a spec: {line!r}"
    return "refused"


def try_spec(name, first, end, args):
    """Some mutations of one spec; returns the numbers of those that were made, and those that
    failed."""
    mutator = mutators(args.kernel)[name]
    failed, texts = [], {}
    with tempfile.TemporaryDirectory() as work:
        path = f"{work}/mutation.yaml"
        for number in range(first, end):
            with open(path, "wb") as file:
                file.write(mutator.mutation(f"{args.seed}/{name}/{number}"))
            result, text = outcome(path, f"{args.kernel}/src")
            if text is not None:
                texts[number] = f"{work}/made{number}.rs"
                with open(texts[number], "w", encoding="utf-8") as file:
                    file.write(text)
            elif result != "refused":
                failed.append((number, result))
        failed += unreadable(texts)
    return name, list(texts), failed


def unreadable(texts):
    """Those files of Rust that rustfmt cannot read: [(number, what it says)]."""
    def check(numbers):
        done = subprocess.run(["rustfmt", "--edition", "2021", "--emit", "stdout", "--quiet",
                               *[texts[number] for number in numbers]], text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return "" if done.returncode == 0 else done.stderr or "rustfmt failed"

    if not texts or not check(texts):
        return []
    return [(number, said) for number, said in ((number, check([number])) for number in texts)
            if said]


def some_of(made, count):
    """Some of what was made, over all of it: [(name, number)]."""
    every = [(name, number) for name, numbers in made.items() for number in sorted(numbers)]
    return [every[index * len(every) // count] for index in range(min(count, len(every)))]


def write_module(work, ident, name, number, args):
    """Writes the module of a crate for a mutation that is a spec."""
    path = f"{work}/{ident}.yaml"
    with open(path, "wb") as file:
        file.write(mutators(args.kernel)[name].mutation(f"{args.seed}/{name}/{number}"))
    write_family(build(*load(path, f"{args.kernel}/src")), ident, work)


def uncompilable(chosen, args):
    """Those of which the compiler says something: [(name, number, what it says)]."""
    found = []
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(f"{args.kernel}/build", args.mod, work, *CHECKING)
        modules = {f"m{index}": which for index, which in enumerate(chosen)}
        for ident, which in modules.items():
            write_module(work, ident, *which, args)
        while modules:
            with open(f"{work}/mutations.rs", "w", encoding="utf-8") as file:
                file.write(crate_of(modules, work))
            status, said = compiler.run("mutations", f"{work}/mutations.rs", "--emit=obj")
            if status == 0 and not said:
                break
            bad = {}
            for text in re.split(r"^(?=error|warning)", said, flags=re.M):
                for ident in set(re.findall(rf"{re.escape(work)}/(m\d+)(?:_gen)?\.rs:", text)):
                    bad.setdefault(ident, []).append(text)
            if not bad:
                sys.exit(said)
            # Where the compiler has found something it may not have looked any further: without
            # these once more.
            for ident, texts in bad.items():
                which = modules.pop(ident)
                found += [(*which, text) for text in texts if not NO_MACRO.search(text)][:1]
    return found


@functools.lru_cache(maxsize=None)
def mutators(kernel):
    """A mutator for each spec of the kernel."""
    found = {}
    folder = f"{kernel}/src/Documentation/netlink/specs"
    for file_name in sorted(os.listdir(folder)):
        if file_name.endswith(".yaml"):
            with open(f"{folder}/{file_name}", "rb") as file:
                found[file_name[:-5]] = Mutator(file.read())
    return found


def shares(specs, count):
    """How many mutations each spec gets: the time that one takes grows with its length."""
    weights = {name: 1 / (3000 + len(spec.text)) for name, spec in specs.items()}
    whole = sum(weights.values())
    found = {name: max(1, int(count * weight / whole)) for name, weight in weights.items()}
    short = count - sum(found.values())
    for name in sorted(specs, key=weights.get, reverse=True)[:max(short, 0)]:
        found[name] += 1
    return found


def main():
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the folder of a kernel, with src and build")
    parser.add_argument("--count", type=int, default=300, help="how many mutations, in all")
    parser.add_argument("--seed", default="1", help="other mutations")
    parser.add_argument("--compile", type=int, default=0, help="how many of them are compiled")
    parser.add_argument("--mod", help="the folder where nlpeer was built")
    parser.add_argument("--show", metavar="SPEC/NUMBER", help="only write this mutation")
    parser.add_argument("--keep", help="where what has failed is kept")
    args = parser.parse_args()
    specs = mutators(args.kernel)
    if args.show:
        name = args.show.rpartition("/")[0]
        sys.stdout.buffer.write(specs[name].mutation(f"{args.seed}/{args.show}"))
        return 0

    counts = shares(specs, args.count)
    made = {name: [] for name in specs}
    failed = {name: [] for name in specs}
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(try_spec, name, first, min(first + 100, count), args)
                for name, count in counts.items() for first in range(0, count, 100)]
        for job in concurrent.futures.as_completed(jobs):
            name, numbers, bad = job.result()
            made[name] += numbers
            failed[name] += bad
    chosen = some_of(made, args.compile)
    for name, number, said in uncompilable(chosen, args):
        failed[name].append((number, said))
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    print(f"TAP version 13\n1..{len(specs)}")
    for index, (name, count) in enumerate(counts.items(), 1):
        bad = sorted(failed[name])
        print(f"{'not ' if bad else ''}ok {index} mutate: {name}: {count} mutations, "
              f"{len(made[name])} of which are specs, "
              f"{sum(which[0] == name for which in chosen)} compiled")
        for number, said in bad:
            print(f"# {name}/{number} (--seed {args.seed} --show {name}/{number}):")
            print("\n".join(f"#   {line[:400]}" for line in said.strip().splitlines()[-12:]))
            if args.keep:
                with open(f"{args.keep}/{name}-{number}.yaml", "wb") as file:
                    file.write(specs[name].mutation(f"{args.seed}/{name}/{number}"))
    print(f"# count mutations: {sum(counts.values())}")
    return 1 if any(failed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
