#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes rust-project.json of this project from the one that the kernel has written.

The kernel's script takes those files of an external module for crates that a
Makefile in their own folder names. Ours are named by the Kbuild at the top.
"""

import argparse
import json
import os
import re

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")


def crates_of(project, mod):
    """Returns the crates of the kernel's library, and those of this project."""
    names = {crate["display_name"]: number for number, crate in enumerate(project["crates"])}
    kernel = project["crates"][names["kernel"]]
    # What the kernel's own drivers are is of no use here, and nothing refers to it.
    crates = project["crates"][:names["kernel"] + 1]
    with open(f"{TOP}/Kbuild", encoding="utf-8") as file:
        roots = re.findall(r"(?:rust|selftests)/[\w/]+_main(?=\.o)", file.read())
    for crate in crates:
        # The library of Rust is that of the toolchain root.
        inside = f"{TOP}/.build/root{crate['root_module']}"
        if not os.path.exists(crate["root_module"]) and os.path.exists(inside):
            crate["root_module"] = inside
    for root in sorted(set(roots)):
        crates.append({
            "display_name": os.path.basename(root),
            "root_module": f"{TOP}/{root}.rs",
            "is_workspace_member": True,
            "is_proc_macro": False,
            "edition": "2021",
            "deps": [{"crate": names[name], "name": name}
                     for name in ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive")
                     if name in names],
            "cfg": kernel["cfg"] + ["MODULE"],
            "env": {**kernel["env"], "RUST_MODFILE": "This is only for rust-analyzer",
                    "GENL_BINDINGS": f"{mod}/rust/genl/bindings.rs"},
        })
    return crates


def main():
    """Reads the kernel's file in the folder of the modules and writes ours to the top."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n", maxsplit=1)[0])
    parser.add_argument("mod", help="the folder where the modules were built")
    mod = os.path.abspath(parser.parse_args().mod)
    with open(f"{mod}/rust-project.json", encoding="utf-8") as file:
        project = json.load(file)
    project["crates"] = crates_of(project, mod)
    with open(f"{TOP}/rust-project.json", "w", encoding="utf-8") as file:
        json.dump(project, file, indent=4)
    print("rust-project.json is written: open this folder in an editor with rust-analyzer")


if __name__ == "__main__":
    main()
