#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Type-checks the kernel crate with the patches of the series, and the sample, and looks whether
what is generated in there is: TAP on standard output.

Each patch is applied to the source of the kernel, in a folder of links; bindgen and rustc run
with the flags that the kernel's build has used, and so does the compiler of C. Warnings are
errors. --last looks at the last patch only, which has everything. --kunit compiles the
tests and the examples as well, those that are there. --lints is for what clippy and rustdoc say of
the framework. With --keep, what has passed in DIR before is not compiled again.

  scripts/series/typecheck.py --kernel BUILD --work DIR [--last] [--kunit] [--lints] [--keep]
"""

import argparse
import difflib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

import series

# The folders that are shown with links, and those whose files are compared for bindgen.
FOLDERS = ("rust", "include/net", "include/trace/events", "net/netlink", "samples/rust",
           "tools/net/ynl/pyynl", "Documentation/netlink")
# The features that a module has (scripts/Makefile.build).
FEATURES = "arbitrary_self_types,asm_goto,generic_arg_infer,used_with_arg"
OPTION = "CONFIG_RUST_GENETLINK"
KUNIT = "CONFIG_KUNIT"
SAMPLE = "samples/rust/rust_genl.rs"
# What is generated in the tree, from what, and by what.
GENERATED = "samples/rust/rust_genl_spec.rs"
SPEC = "Documentation/netlink/specs/board.yaml"
GENERATOR = "tools/net/ynl/pyynl/ynl_gen_rust.py"
# What W=1 warns of: what it adds, and what is off without it.
W1 = "-Wmissing-format-attribute -Wmissing-include-dirs -Wunused-const-variable -Wundef"
QUIET = ("unused-but-set-variable|unused-const-variable|packed-not-aligned|format-overflow|"
         "format-truncation|stringop-truncation|override-init")
# What bindgen reads.
HEADERS = re.compile(r"rust/(bindings|helpers)/|include/")


class Tree:
    """The source of the kernel with some of the patches."""

    def __init__(self, kernel, work, options):
        self.kernel, self.work = kernel, os.path.abspath(work)
        self.source = os.path.realpath(f"{kernel}/source")
        self.tree = f"{self.work}/tree"
        # Where the bindings are; they take longest, and are kept.
        self.out = ""
        self.headers = {}
        # All that the patches have changed so far.
        self.changed = {}
        self.options = options
        shutil.rmtree(self.tree, ignore_errors=True)
        for folder in FOLDERS:
            os.makedirs(os.path.dirname(f"{self.tree}/{folder}"), exist_ok=True)
            subprocess.run(["cp", "-rs", f"{self.source}/{folder}", f"{self.tree}/{folder}"],
                           check=True)

    def add(self, changed):
        """Applies a patch."""
        self.headers.update({place: text for place, text in changed.items()
                             if HEADERS.match(place)})
        self.changed.update(changed)
        series.write(self.tree, changed)

    def command(self, name):
        """The kernel's command that has made a file, for the tree and a folder of our own."""
        folder, base = os.path.split(name)
        with open(f"{self.kernel}/{folder}/.{base}.cmd", encoding="utf-8") as file:
            line = file.readline().split(":= ", 1)[1]
        line = line.strip().replace("$(pound)", "#")
        # The name of the source is that of the link by which the build has seen it.
        seen = os.readlink(f"{self.kernel}/source")
        for folder in FOLDERS:
            line = line.replace(f"{seen}/{folder}/", f"{self.tree}/{folder}/")
        line = line.replace(f"-I{seen}/include ",
                            "".join(f"-D{option}=1 " for option in self.options) +
                            f"-I{self.tree}/include -I{seen}/include ")
        return line

    def run(self, line):
        """Runs a command in the build folder; returns None, or what it said."""
        done = subprocess.run(["sh", "-c", line], cwd=self.kernel, text=True,
                              env=dict(os.environ, RUSTC_BOOTSTRAP="1"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return f"{done.stdout}" if done.returncode else None

    def passed(self, places, lints):
        """The file that says that this has passed: it is there, or is to be made."""
        with open(f"{self.kernel}/.config", encoding="utf-8") as config, \
                open(__file__, encoding="utf-8") as checker:
            about = (self.kernel, self.source, config.read(), checker.read(), self.options, lints,
                     sorted(places), sorted(self.changed.items()))
        return f"{self.work}/passed-{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}"

    def bindings(self):
        """Makes the bindings, which are a crate, if they are not there yet."""
        names = [f"rust/bindings/{name}.rs" for name in ("bindings_generated",
                                                         "bindings_helpers_generated")]
        lines = [re.sub(r"-Wp,-MMD,\S+", "", self.command(name)) for name in names]
        key = hashlib.sha256(repr((lines, sorted(self.headers.items()))).encode()).hexdigest()
        self.out = f"{self.work}/{key[:16]}"
        if os.path.exists(f"{self.out}/made"):
            return None
        os.makedirs(f"{self.out}/rust/bindings", exist_ok=True)
        for name, line in zip(names, lines):
            wrong = self.run(line.replace(name, f"{self.out}/{name}"))
            if wrong is not None:
                return wrong
        line = re.sub(r"OBJTREE=\S+", f"OBJTREE={self.out}", self.rustc("bindings"))
        wrong = self.run(line)
        if wrong is None:
            with open(f"{self.out}/made", "w", encoding="utf-8"):
                pass
        return wrong

    def rustc(self, crate):
        """The command of a crate: its metadata only."""
        line = re.sub(r"--emit=\S+", "", self.command(f"rust/{crate}.o").split(" ; ")[0])
        line = line.replace("--extern bindings ",
                            f"--extern bindings={self.out}/rust/libbindings.rmeta ")
        options = " ".join(f"--cfg {option} --cfg '{option}=\"y\"'" for option in self.options)
        return f"{line} {options} --emit=metadata={self.out}/rust/lib{crate}.rmeta -Dwarnings"

    def c_file(self, place):
        """Compiles a file of C, with the warnings of W=1 (scripts/Makefile.warn)."""
        line = self.command("rust/helpers/helpers.o").split(" ; ")[0]
        line = line.replace(f"{self.tree}/rust/helpers/helpers.c", f"{self.tree}/{place}")
        line = re.sub(r"-o \S+helpers\.o", f"-o {self.tree}/out.o", line)
        line = re.sub(rf"-Wp,-MMD,\S+|-Wno-(?:{QUIET})(?= )", "", line)
        return self.run(f"{line} {W1} -Werror")

    def check(self, places, lints):
        """Compiles what these places are part of; returns None, or what is wrong."""
        for place in sorted(places):
            if place.startswith("net/") and place.endswith(".c"):
                wrong = self.c_file(place)
                if wrong is not None:
                    return wrong
        if not any(place.startswith(("rust/", "samples/", "include/")) for place in places):
            return None
        wrong = self.bindings()
        wrong = self.run(self.rustc("kernel")) if wrong is None else wrong
        if wrong is None and os.path.exists(f"{self.tree}/{SAMPLE}"):
            wrong = self.generated() or self.run(self.module(SAMPLE))
        if wrong is None and KUNIT in self.options:
            wrong = self.doctests()
        if wrong is None and lints:
            wrong = self.lints()
        return wrong

    def lints(self):
        """What clippy and rustdoc say of the files that come, by the kernel's rules."""
        line = self.rustc("kernel").replace(" -Dwarnings", "")
        line = re.sub(r"--emit=\S+", f"--emit=metadata={self.tree}/clippy.rmeta", line)
        said = self.says(f"CLIPPY_CONF_DIR={self.source} "
                         f"{line.replace(' rustc ', ' clippy-driver ', 1)}")
        line = re.sub(r" --emit=\S+| --crate-(?:type|name) \w+| -[WA]clippy::\S+| -Cembed\S+", "",
                      line)
        said += self.says(f"{line.replace(' rustc ', ' rustdoc ', 1)} --crate-name kernel "
                          f"-o {self.tree}/doc")
        ours = [part for part in re.split(r"\n\n(?=warning|error)", said)
                if re.search(rf"^ *--> \S*{series.PLACE}/|^error", part, re.M)]
        return "\n\n".join(ours) or None

    def says(self, line):
        """What a command says that succeeds, or not."""
        return self.run(f"{{ {line}; }} 2>&1 && exit 1") or ""

    def doctests(self):
        """Compiles the examples as the kernel's build does, which makes one crate of them."""
        build = f"{self.work}/build"
        shutil.rmtree(build, ignore_errors=True)
        os.makedirs(f"{build}/rust/test/doctests/kernel")
        for folder, skip in (("", {"rust"}), ("rust", {"bindings", "test"})):
            for name in set(os.listdir(f"{self.kernel}/{folder}")) - skip:
                os.symlink(os.path.abspath(f"{self.kernel}/{folder}/{name}"),
                           f"{build}/{folder}/{name}")
        for name in ("bindings", "libbindings.rmeta", "libkernel.rmeta"):
            path = f"{build}/rust/{name}"
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink(f"{self.out}/rust/{name}", path)
        for name in ("builder", "gen"):
            wrong = self.run(f"rustc --edition=2021 -o {build}/{name} "
                             f"{self.source}/scripts/rustdoc_test_{name}.rs")
            if wrong is not None:
                return wrong
        line = self.rustc("kernel")
        line = re.sub(r" --emit=\S+| --crate-(?:type|name) \w+", "", line)
        line = re.sub(r"OBJTREE=\S+", f"OBJTREE={build}", line)
        line = line.replace(f"--extern bindings={self.out}/rust/libbindings.rmeta",
                            "--extern bindings")
        lib = f"{self.tree}/rust/kernel/lib.rs"
        # What rustdoc does not know.
        test = re.sub(r" -[WA]clippy::\S+| -Cembed\S+| -Dwarnings", "", line)
        test = test.replace(" rustc ", " rustdoc --test ")
        wrong = self.run(f"cd {build} && {test} --no-run --crate-name kernel "
                         f"--extern kernel --test-builder {build}/builder")
        wrong = wrong or self.run(f"cd {build} && srctree={self.tree} {build}/gen")
        if wrong is not None:
            return wrong
        name = "doctests_kernel_generated"
        line = line.replace(lib, f"rust/{name}.rs").replace(" -Dwarnings", "")
        return self.run(f"cd {build} && RUST_MODFILE=rust/{name} {line} --crate-type rlib "
                        f"--crate-name {name} --emit=metadata={build}/{name}.rmeta --extern kernel "
                        f"-Zcrate-attr=no_std -Zcrate-attr='feature({FEATURES})'")

    def generated(self):
        """Whether the generator of the tree makes what the sample has of its spec."""
        done = subprocess.run([sys.executable, "-B", f"{self.tree}/{GENERATOR}", "--spec",
                               f"{self.tree}/{SPEC}"], text=True, capture_output=True, check=False)
        if done.returncode:
            return done.stderr
        with open(f"{self.tree}/{GENERATED}", encoding="utf-8") as file:
            there = file.read()
        made = series.formatted(done.stdout, self.source)
        return None if made == there else "\n".join(difflib.unified_diff(
            there.splitlines(), made.splitlines(), GENERATED, "as the generator makes it", n=1))

    def module(self, place):
        """The command of a module: its metadata only."""
        name = os.path.basename(place).removesuffix(".rs")
        line = self.rustc("kernel").replace(f"{self.tree}/rust/kernel/lib.rs",
                                            f"{self.tree}/{place}")
        line = line.replace("--crate-name kernel ", f"--crate-name {name} ")
        line = line.replace("/rust/libkernel.rmeta", f"/rust/lib{name}.rmeta")
        return (f"RUST_MODFILE={place.removesuffix('.rs')} {line} --cfg MODULE -L{self.out}/rust "
                f"--extern kernel={self.out}/rust/libkernel.rmeta -Zcrate-attr=no_std "
                f"-Zcrate-attr='feature({FEATURES})'")


def main():
    """Checks each patch, or the last one."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the build folder of the kernel")
    parser.add_argument("--work", required=True, help="a folder that this may remove and make")
    parser.add_argument("--last", action="store_true", help="only the last patch, with all before")
    parser.add_argument("--kunit", action="store_true", help="as for a kernel that has KUnit")
    parser.add_argument("--lints", action="store_true", help="clippy and rustdoc as well")
    parser.add_argument("--keep", action="store_true", help="do not compile again what has passed")
    args = parser.parse_args()

    tree = Tree(args.kernel, args.work, [OPTION, *[KUNIT] * args.kunit])
    try:
        patches = list(series.series(tree.source))
    except series.Wrong as wrong:
        sys.exit(f"error: {wrong}")
    print("TAP version 13")
    print(f"1..{1 if args.last else len(patches)}")
    failed, places = 0, set()
    for number, (patch, changed) in enumerate(patches, 1):
        tree.add(changed)
        places |= set(changed)
        if args.last and number < len(patches):
            continue
        start = time.monotonic()
        passed = tree.passed(places, args.lints)
        wrong = None if args.keep and os.path.exists(passed) else tree.check(places, args.lints)
        if args.keep and wrong is None:
            with open(passed, "w", encoding="utf-8"):
                pass
        places = set()
        failed += wrong is not None
        print(f"{'ok' if wrong is None else 'not ok'} {1 if args.last else number} {patch.name} "
              f"# {time.monotonic() - start:.1f} s", flush=True)
        if wrong is not None:
            print("\n".join(f"# {line}" for line in wrong.splitlines()[:400]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
