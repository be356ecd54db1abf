#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests scripts/check/panics.py: TAP on standard output.

panics_test.rs is a family that panics. It is compiled with the flags of the modules;
panics.py must name each line in it that ends with '//~ WORDS', with these words, and no
other line.

  scripts/check/panics_test.py --kernel DIR --mod DIR
"""

import argparse
import re
import subprocess
import sys
import tempfile

from compile_fail import TOP, Compiler

SOURCE = "scripts/check/panics_test.rs"


def main():
    """Runs the test."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    args = parser.parse_args()
    with open(f"{TOP}/{SOURCE}", encoding="utf-8") as file:
        want = [(number, line.split("//~ ")[1].strip())
                for number, line in enumerate(file, 1) if "//~ " in line and "`" not in line]
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(args.kernel, args.mod, work)
        compiler.genl()
        status, said = compiler.run("panics", f"{TOP}/{SOURCE}", "--extern", "genl",
                                    "--emit=obj")
        if status:
            sys.exit(f"{SOURCE} does not compile:\n{said}")
        done = subprocess.run([sys.executable, f"{TOP}/scripts/check/panics.py",
                               f"{work}/panics.o"], text=True, stdout=subprocess.PIPE, check=False)
    got = [(int(number), text) for path, number, text in
           re.findall(r"^(\S+):(\d+): (.*)", done.stdout, re.M) if path == SOURCE]
    results = [(f"line {line}: {words}",
                any(number == line and text.startswith(words) for number, text in got))
               for line, words in want]
    others = sorted({number for number, _ in got} - {number for number, _ in want})
    anywhere = re.findall(r"^(?!scripts/check/panics_test\.rs:)\S+:\d*:? .*", done.stdout, re.M)
    results.append(("no other line", not others and not anywhere))
    results.append(("the status says so", done.returncode == 1))
    print(f"TAP version 13\n1..{len(results)}")
    for number, (name, fine) in enumerate(results, 1):
        print(f"{'' if fine else 'not '}ok {number} panics: {name}")
    if not all(fine for _, fine in results):
        print("\n".join(f"# {line}" for line in done.stdout.splitlines()))
    return 0 if all(fine for _, fine in results) else 1


if __name__ == "__main__":
    sys.exit(main())
