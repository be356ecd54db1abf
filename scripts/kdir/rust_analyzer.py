#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes rust-project.json of this project from the one that the kernel has written.

The kernel's script takes those files of an external module for crates that a
Makefile in their own folder names. Ours are named by the Kbuild at the top, which
is asked for them.
"""

import argparse
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def roots(kdir, tests):
    """Returns the main files of the crates that Kbuild makes modules of."""
    command = ["make", "-s", "-C", TOP, "-f", "scripts/kdir/kbuild.mk", f"KDIR={kdir}", "objects"]
    # What a make above this one has on its command line is not for this one.
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    objects = subprocess.run(command + ["GENL_TESTS=1"] * tests, env=env, text=True,
                             stdout=subprocess.PIPE, check=True).stdout.split()
    files = [f"{TOP}/{name.removesuffix('.o')}.rs" for name in objects]
    return sorted(file for file in files if os.path.exists(file))


def crates_of(project, bindings, files):
    """Returns the crates of the kernel's library, and those of this project."""
    names = {crate["display_name"]: number for number, crate in enumerate(project["crates"])}
    kernel = project["crates"][names["kernel"]]
    # What the kernel's own drivers are is of no use here, and nothing refers to it.
    crates = project["crates"][:names["kernel"] + 1]
    for crate in crates:
        # The library of Rust is that of the toolchain root.
        inside = f"{TOP}/.build/root{crate['root_module']}"
        if not os.path.exists(crate["root_module"]) and os.path.exists(inside):
            crate["root_module"] = inside
    for file in files:
        crates.append({
            "display_name": os.path.basename(file).removesuffix(".rs"),
            "root_module": file,
            "is_workspace_member": True,
            "is_proc_macro": False,
            "edition": "2021",
            "deps": [{"crate": names[name], "name": name}
                     for name in ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive")
                     if name in names],
            "cfg": kernel["cfg"] + ["MODULE"],
            "env": {**kernel["env"], "RUST_MODFILE": "This is only for rust-analyzer",
                    "GENL_BINDINGS": bindings},
            # The framework is a module of each crate, from a folder beside theirs, and
            # what is included is read from where it was made.
            "source": {"include_dirs": [f"{TOP}/rust", f"{TOP}/selftests", os.path.dirname(bindings)],
                       "exclude_dirs": []},
        })
    return crates


def main():
    """Reads the kernel's file in the folder of the modules and writes ours."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n", maxsplit=1)[0])
    parser.add_argument("kdir", help="the build folder of the kernel")
    parser.add_argument("mod", help="the folder where the modules were built")
    parser.add_argument("--tests", action="store_true", help="the modules of the tests as well")
    parser.add_argument("--out", default=TOP, help="the folder for rust-project.json (the top)")
    args = parser.parse_args()
    mod = os.path.abspath(args.mod)
    bindings = f"{mod}/rust/genl/bindings.rs"
    if not os.path.exists(bindings):
        sys.exit(f"error: {bindings} was not made: what the build has said above has to be mended first")
    with open(f"{mod}/rust-project.json", encoding="utf-8") as file:
        project = json.load(file)
    files = roots(args.kdir, args.tests)
    project["crates"] = crates_of(project, bindings, files)
    with open(f"{args.out}/rust-project.json", "w", encoding="utf-8") as file:
        json.dump(project, file, indent=4)
    print(f"rust-project.json is written, with {len(files)} crates of this project: "
          "open this folder in an editor with rust-analyzer")


if __name__ == "__main__":
    main()
