#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Writes the documentation of rust/genl as HTML. A warning is an error.
"""

import argparse
import os
import subprocess
import sys

import compile_fail


def main():
    """Runs rustdoc with the flags that the module was compiled with."""
    parser = argparse.ArgumentParser(description=__doc__.strip())
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    parser.add_argument("--out", required=True, help="where the HTML goes")
    args = parser.parse_args()

    words = compile_fail.saved_command(args.mod)
    env = dict(os.environ, RUSTC_BOOTSTRAP="1",
               GENL_BINDINGS=f"{args.mod}/rust/genl/bindings.rs")
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    # rustdoc knows the flags that say what the program is, not how to compile it.
    known = ("--edition", "--cfg", "--extern", "--target", "-L", "--sysroot", "@", "-Zcrate-attr",
             "-Zallow-features", "-Zunstable-options", "-C", "-A", "-W", "-D")
    options, take = [], False
    for word in words[1:]:
        if take:
            options.append(word)
            take = False
        elif word.startswith(known) and not word.startswith(("-Cembed", "-Wclippy", "-Aclippy")):
            options.append(word)
            take = word in ("--extern", "-L", "--cfg")
    command = ["rustdoc", *options, "-Dwarnings", "--crate-name", "genl",
               "-o", args.out, f"{compile_fail.GENL}/mod.rs"]
    return subprocess.run(command, cwd=args.kernel, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
