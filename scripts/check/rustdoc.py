#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Writes the documentation as HTML, with an index: of rust/genl, and of each family
with what is generated for it. A warning is an error.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import compile_fail

INDEX = """
% rust-genl

- [genl](genl/index.html): the framework. It begins with a whole module as an example.
- [Pages for authors](genl/guide/index.html): from C to Rust, answers that wait, calling C, messages, state, panics.
- [What a family in C can do, and how it is done here](genl/surface/index.html).
- [What the families of the kernel need, and what of it is here](genl/families/index.html).
- [Where families in C go wrong, and what closes each trap](genl/traps/index.html).

Families, with what is generated from their specs:

"""
# rustdoc knows the flags that say what the program is, not how to compile it.
KNOWN = ("--edition", "--cfg", "--extern", "--target", "-L", "--sysroot", "@", "-Zcrate-attr",
         "-Zallow-features", "-Zunstable-options", "-C", "-A", "-W", "-D")


def flags_of(mod):
    """The flags that the modules were compiled with, as far as rustdoc has them; its environment."""
    words, _ = compile_fail.saved_command(mod)
    env = dict(os.environ, RUSTC_BOOTSTRAP="1",
               GENL_BINDINGS=f"{mod}/rust/genl/bindings.rs")
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    options, take = [], False
    for word in words[1:]:
        if take:
            options.append(word)
            take = False
        elif word.startswith(KNOWN) and not word.startswith(("-Cembed", "-Wclippy", "-Aclippy")):
            options.append(word)
            take = word in ("--extern", "-L", "--cfg")
    return options, env


def main():
    """Runs rustdoc for each crate."""
    parser = argparse.ArgumentParser(description=__doc__.strip())
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    parser.add_argument("--out", required=True, help="where the HTML goes")
    parser.add_argument("families", nargs="*", help="families to write about")
    args = parser.parse_args()

    options, env = flags_of(os.path.abspath(args.mod))
    out = os.path.abspath(args.out)
    # A family takes rust/genl in as a part of itself; what it has of its own is private, and shown.
    crates = [(family, f"{compile_fail.TOP}/rust/{family}/{family}_main.rs",
               ["--document-private-items", "-Arustdoc::private_intra_doc_links"])
              for family in args.families]
    crates.append(("genl", f"{compile_fail.GENL}/mod.rs", []))
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/index.md", "w", encoding="utf-8") as index:
            index.write(INDEX.lstrip() + "".join(
                f"- [{family}]({family}/index.html): its operations are the methods of "
                f"[Handler]({family}/{family}_gen/trait.Handler.html).\n"
                for family in args.families))
        for name, root, more in crates:
            # The last one writes the index.
            if name == "genl":
                more = ["-Zunstable-options", "--index-page", f"{work}/index.md"]
            command = ["rustdoc", *options, "-Dwarnings", *more, "--crate-name", name,
                       "-o", out, root]
            status = subprocess.run(command, cwd=args.kernel, env=env, check=False).returncode
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
