#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Runs clippy on each crate that Kbuild has compiled, with the flags of that and the rules of
the kernel and for families. Kbuild with CLIPPY=1 would make object code of all of them once
more. What clippy or the compiler has to say is an error.

  scripts/check/clippy.py --kernel BUILD --mod MODULES
"""

import argparse
import concurrent.futures
import glob
import os
import sys
import tempfile

from compile_fail import Compiler


def look_at(kernel, mod, crate):
    """Returns what clippy says of a crate, and None where its source is gone."""
    with tempfile.TemporaryDirectory() as work:
        compiler = Compiler(kernel, mod, work, "-Dwarnings", crate=crate)
        if not os.path.exists(compiler.source):
            return None
        status, said = compiler.run(os.path.basename(crate), compiler.source, "--emit=metadata",
                                    clippy=True)
    return said or ("it ends with an error" if status else "")


def main():
    """Looks at all of them."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where the modules were built")
    args = parser.parse_args()

    mod = os.path.abspath(args.mod)
    commands = glob.glob(f"{mod}/**/.*_main.o.cmd", recursive=True)
    crates = sorted(os.path.relpath(path, mod).replace("/.", "/").removesuffix(".o.cmd")
                    for path in commands)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = dict(zip(crates, pool.map(lambda crate: look_at(args.kernel, mod, crate), crates)))
    for crate, text in said.items():
        if text is not None:
            print(f"{crate}: {text or 'nothing to say'}")
    looked = [text for text in said.values() if text is not None]
    if not looked:
        sys.exit(f"{mod} has no crate: build it first")
    return 1 if any(looked) else 0


if __name__ == "__main__":
    sys.exit(main())
