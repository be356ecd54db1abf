#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compiles what must not compile, and what must: TAP on standard output.

Each file in selftests/compile-fail/ is two programs. Without its lines marked
RIGHT it must fail, with the error that it names and no other; without its lines
marked WRONG, its twin, it must compile. So the error comes from the marked
lines. The examples in the documentation of rust/genl are compiled as well.

The compiler runs with the flags that Kbuild has used for nlpeer.
"""

import argparse
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = f"{TOP}/selftests/compile-fail"
GENL = f"{TOP}/rust/genl"


def saved_command(mod):
    """Returns the words of the compiler's command for nlpeer, without what is its own."""
    with open(f"{mod}/rust/nlpeer/.nlpeer_main.o.cmd", encoding="utf-8") as file:
        line = file.readline().split(":= ", 1)[1]
    words = shlex.split(line)
    keep, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word == "--crate-type":
            skip = True
        elif word == "--out-dir":
            skip = True
        elif not word.startswith("--emit=") and not word.endswith(".rs"):
            keep.append(word)
    return keep


class Compiler:
    """rustc as Kbuild runs it, and rust/genl as a crate for it."""

    def __init__(self, kernel, mod, work):
        self.kernel, self.work = kernel, work
        self.env = dict(os.environ, RUSTC_BOOTSTRAP="1",
                        GENL_BINDINGS=f"{mod}/rust/genl/bindings.rs")
        words = saved_command(mod)
        while "=" in words[0]:
            name, value = words.pop(0).split("=", 1)
            self.env[name] = value
        self.words = words

    def run(self, name, source, *options):
        """Compiles a file; returns the status and what the compiler said."""
        words = self.words + ["--crate-name", name, "--crate-type", "rlib", "--out-dir",
                              self.work, "-L", self.work, *options, source]
        done = subprocess.run(words, cwd=self.kernel, env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def genl(self):
        """Makes the crate."""
        status, text = self.run("genl", f"{GENL}/mod.rs", "--emit=metadata,link")
        if status:
            sys.exit(f"rust/genl does not compile:\n{text}")

    def case(self, name, text):
        """Compiles a case."""
        source = f"{self.work}/{name}.rs"
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        return self.run(name, source, "--extern", "genl", "--emit=obj",
                        "-Dunused_must_use", "-Aclippy::all")


def case_test(compiler, name):
    """Compiles a case and its twin; returns None, or what is wrong."""
    with open(f"{CASES}/{name}.rs", encoding="utf-8") as file:
        text = file.read()
    with open(f"{CASES}/prelude.rs", encoding="utf-8") as file:
        prelude = file.read()
    match = re.search(r"^//@ error: (.*)$", text, re.M)
    if not match:
        return "it names no error: //@ error: REGULAR EXPRESSION"
    if "//~ WRONG" not in text:
        return "no line is marked //~ WRONG"
    # The documentation of a case would stand behind items.
    text = re.sub(r"^//!", "//", text, flags=re.M)
    lines = text.splitlines()
    ident = "case_" + re.sub(r"\W", "_", name)

    twin = [line for line in lines if not line.endswith("//~ WRONG")]
    status, said = compiler.case(ident + "_twin", prelude + "\n" + "\n".join(twin) + "\n")
    if status:
        return f"its twin does not compile:\n{said}"

    wrong = [line for line in lines if not line.endswith("//~ RIGHT")]
    status, said = compiler.case(ident, prelude + "\n" + "\n".join(wrong) + "\n")
    if status == 0:
        return "it compiles"
    errors = re.findall(r"^error(?:\[\w+\])?: .*(?:\n(?!error|warning).*)*", said, re.M)
    errors = [error for error in errors if "aborting due to" not in error
              and "could not compile" not in error]
    if not any(re.search(match[1], error) for error in errors):
        return f"it fails with another error than /{match[1]}/:\n{said}"
    return None


def examples():
    """Yields the name and the text of each example in the documentation."""
    for file_name in sorted(os.listdir(GENL)):
        if not file_name.endswith(".rs"):
            continue
        with open(f"{GENL}/{file_name}", encoding="utf-8") as file:
            lines = file.read().splitlines()
        block, number = None, 0
        for index, line in enumerate(lines, 1):
            match = re.match(r"\s*//[/!] ?(.*)$", line)
            body = match[1] if match else ""
            if match and body.startswith("```"):
                if block is None:
                    block, number = [], index
                    language = body[3:]
                else:
                    if language in ("", "rust"):
                        yield f"{file_name}:{number}", "\n".join(block)
                    block = None
            elif block is not None:
                block.append(re.sub(r"^# ?", "", body))


def example_test(compiler, where, text):
    """Compiles an example; returns None, or what is wrong."""
    ident = "example_" + re.sub(r"\W", "_", where)
    if "module_genl_family!" not in text and not re.search(r"^(impl|fn|struct|pub)", text, re.M):
        # Statements want a function around them, as in rustdoc.
        ending = "" if re.search(r"^Ok::", text, re.M) else "\nOk::<(), kernel::error::Error>(())"
        kind = "core::fmt::Error" if "core::fmt::Error" in text else "kernel::error::Error"
        text = f"pub fn example() -> core::result::Result<(), {kind}> {{\n{text}{ending}\n}}"
    text = ("//! An example.\n"
            "#![allow(dead_code, missing_docs, unused_variables, unused_imports)]\n" + text + "\n")
    status, said = compiler.case(ident, text)
    return f"it does not compile:\n{said}" if status else None


def main():
    """Runs all cases, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    parser.add_argument("cases", nargs="*", help="names of cases; else all of them")
    args = parser.parse_args()

    names = sorted(name[:-3] for name in os.listdir(CASES)
                   if name.endswith(".rs") and name != "prelude.rs")
    if args.cases:
        unknown = set(args.cases) - set(names)
        if unknown:
            parser.error(f"no such case: {', '.join(sorted(unknown))}")
        names = [name for name in names if name in args.cases]

    failed = 0
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(args.kernel, args.mod, work)
        compiler.genl()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            tests = [(name, pool.submit(case_test, compiler, name)) for name in names]
            if not args.cases:
                tests += [(f"example {where}", pool.submit(example_test, compiler, where, text))
                          for where, text in examples()]
            print("TAP version 13")
            print(f"1..{len(tests)}")
            for number, (name, future) in enumerate(tests, 1):
                wrong = future.result()
                failed += bool(wrong)
                print(f"{'not ' if wrong else ''}ok {number} {name}", flush=True)
                if wrong:
                    print("\n".join(f"# {line}" for line in wrong.splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
