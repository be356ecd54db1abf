#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compiles families against rust/genl as a crate of its own: TAP on standard output.

An external module takes rust/genl in as a part of its crate, since such modules cannot
share one. In the kernel's tree it would be a crate beside others, and what compiles in
one form need not compile in the other: there are orphans, and what is private is.

The compiler runs with the flags that Kbuild has used for nlpeer, but for optimization.
"""

import argparse
import glob
import os
import re
import shutil
import sys
import tempfile

from compile_fail import CHECKING, TOP, Compiler

# Where the main files of crates are.
MAINS = ("rust/*/*_main.rs", "rust/ports/*/*_main.rs", "selftests/accept/module/*_main.rs")
TAKEN_IN = re.compile(r'^(?:#\[allow\(unsafe_code\)\]\n)?#\[path = "[./a-z]*/genl/mod\.rs"\]\nmod genl;$', re.M)


def family_test(compiler, main):
    """Compiles a copy of a family that uses the crate; returns None, or what is wrong."""
    folder, file_name = os.path.split(main)
    with tempfile.TemporaryDirectory(dir=compiler.work) as work:
        shutil.copytree(folder, work, dirs_exist_ok=True)
        source = f"{work}/{file_name}"
        with open(source, encoding="utf-8") as file:
            text, count = TAKEN_IN.subn("use genl;", file.read())
        if count != 1:
            return "it does not take rust/genl in as other families do"
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        name = file_name.removesuffix(".rs")
        # As Kbuild names the module for the macro.
        compiler.env["RUST_MODFILE"] = f"rust/{name.removesuffix('_main')}"
        status, said = compiler.run(name, source, "--extern", "genl", "--emit=obj",
                                    "-Dwarnings")
    return f"it does not compile:\n{said}" if status else None


def main():
    """Compiles each of them."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    args = parser.parse_args()

    mains = sorted(main for pattern in MAINS for main in glob.glob(f"{TOP}/{pattern}"))
    failed = 0
    print("TAP version 13")
    print(f"1..{len(mains)}")
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(args.kernel, args.mod, work, *CHECKING)
        compiler.genl()
        for number, path in enumerate(mains, 1):
            wrong = family_test(compiler, path)
            failed += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {number} {os.path.relpath(path, TOP)}", flush=True)
            if wrong:
                print("\n".join(f"# {line}" for line in wrong.splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
