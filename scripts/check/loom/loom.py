#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Runs the protocols of rust/genl through all interleavings: TAP on standard output.

The files of rust/genl are compiled in user space, with other atomics and a model of the kernel
around them. Each model has to hold, and each has to fail when what weaken.toml says is broken.

  scripts/check/loom/loom.py --build DIR [NAME...]

With names it only runs these models, and breaks nothing.
"""

import argparse
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.realpath(__file__))
GENL = os.path.realpath(f"{HERE}/../../../rust/genl")
# Debian's crates, as sources.
REGISTRY = "/usr/share/cargo/registry"
# What is under test. The rest of rust/genl has stand-ins in genl.rs.
FILES = ["bind.rs", "family.rs", "gate.rs", "kept.rs", "module.rs", "registration.rs", "work.rs"]
# Longer than any model takes, by far.
LIMIT = 300


class Broken(Exception):
    """The check itself cannot run."""


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    """Makes a file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(command, **options):
    """Runs what has to succeed."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode:
        raise Broken(f"{os.path.basename(command[0])} has failed:\n{done.stdout}")
    return done.stdout


def dependencies(build):
    """Has cargo build the crate loom, if it was not; returns where it is."""
    crate = glob.glob(f"{REGISTRY}/loom-*")
    if not crate:
        raise Broken("the toolchain root has no loom: run 'make prepare'")
    place = f"{build}/crates"
    stamp = "\n".join([run(["rustc", "--version"]), *crate, read(f"{HERE}/Cargo.toml")])
    if not os.path.exists(f"{place}/stamp") or read(f"{place}/stamp") != stamp:
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(f"{place}/src")
        shutil.copy(f"{HERE}/Cargo.toml", place)
        write(f"{place}/src/lib.rs", "")
        run(["cargo", "build", "--quiet", "--offline",
             "--config", "source.crates-io.replace-with='debian'",
             "--config", f"source.debian.directory='{REGISTRY}'"],
            cwd=place, env=dict(os.environ, CARGO_HOME=f"{place}/home"))
        write(f"{place}/stamp", stamp)
    return f"{place}/target/debug/deps"


def place_of(text, case):
    """Where in the text of a file the case breaks something."""
    old = case["old"].strip("\n")
    within = case.get("within", old).strip("\n")
    if text.count(within) != 1 or within.count(old) != 1:
        raise Broken(f"{case['file']} has not exactly one place for '{case['name']}':\n{within}")
    start = text.index(within) + within.index(old)
    return start, start + len(old)


def weaken(text, start, end, cases):
    """The part of a file, with a switch for each of these cases, which may lie in each other."""
    out = ""
    while cases:
        (first, last), number, new = cases.pop(0)
        inside = [case for case in cases if case[0][1] <= last]
        cases = [case for case in cases if case[0][1] > last]
        if any(case[0][0] < last for case in cases):
            raise Broken(f"two places of weaken.toml overlap: {text[first:last]}")
        out += text[start:first]
        out += f"{{ if crate::weakened({number}) {{ {new} }} else {{ "
        out += weaken(text, first, last, inside) + " } }"
        start = last
    return out + text[start:end]


def compile_models(build, name, sources, crates):
    """Compiles the models with these sources, unless that was done; returns the program."""
    place = f"{build}/{name}"
    inputs = {os.path.basename(path): read(path) for path in sorted(glob.glob(f"{HERE}/*.rs"))}
    stamp = hashlib.sha256(repr((inputs, sources, read(f"{crates}/../../../stamp"),
                                 read(__file__))).encode()).hexdigest()
    if os.path.exists(f"{place}/stamp") and read(f"{place}/stamp") == stamp:
        return f"{place}/models"
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(f"{place}/genl")
    for file, text in inputs.items():
        write(f"{place}/genl/mod.rs" if file == "genl.rs" else f"{place}/{file}", text)
    for file, text in sources.items():
        write(f"{place}/genl/{file}", text)
    # As the kernel does: it uses what is not stable yet.
    env = dict(os.environ, RUSTC_BOOTSTRAP="1")
    run(["rustc", "--edition", "2021", "--crate-type", "proc-macro", "--extern", "proc_macro",
         "macros.rs"], cwd=place, env=env)
    loom, = glob.glob(f"{crates}/libloom-*.rlib")
    # Fast enough without optimisation: loom itself is optimised.
    run(["rustc", "--edition", "2021", "--cap-lints", "warn", "-C", "link-arg=-fuse-ld=lld",
         "-L", f"dependency={crates}", "--extern", f"loom={loom}", "--extern",
         "macros=libmacros.so", "-o", "models", "main.rs"], cwd=place, env=env)
    write(f"{place}/stamp", stamp)
    return f"{place}/models"


def run_model(program, model, broken=None):
    """Runs a model; returns whether it holds, what it said, and the seconds."""
    env = dict(os.environ, RUST_BACKTRACE="0")
    start = time.monotonic()
    command = [program, model] + ([] if broken is None else [str(broken)])
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=LIMIT, env=env)
    except subprocess.TimeoutExpired:
        return None, f"no end after {LIMIT} s", LIMIT
    said = done.stdout.strip()
    if done.returncode:
        panic = re.search(r"panicked at [^\n]*\n([^\n]*)", done.stderr)
        said = panic.group(1) if panic else f"status {done.returncode}"
    return done.returncode == 0, said, time.monotonic() - start


def main():
    """Runs the check."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the folder for what is made")
    parser.add_argument("names", nargs="*", help="the models to run")
    args = parser.parse_args()
    results = []

    def result(fine, text):
        results.append(fine)
        print(f"{'' if fine else 'not '}ok {len(results)} loom: {text}", flush=True)

    try:
        crates = dependencies(args.build)
        sources = {file: read(f"{GENL}/{file}") for file in FILES}
        program = compile_models(args.build, "models", sources, crates)
        models = run([program]).split()
        cases = [] if args.names else tomllib.loads(read(f"{HERE}/weaken.toml"))["weaken"]
        unknown = {case["model"] for case in cases} | set(args.names)
        if not unknown <= set(models):
            raise Broken(f"there is no model {' '.join(unknown - set(models))}")
        broken = {}
        for file, text in sources.items():
            places = [(place_of(text, case), number, case["new"])
                      for number, case in enumerate(cases) if case["file"] == file]
            places.sort(key=lambda place: (place[0][0], -place[0][1], place[1]))
            broken[file] = weaken(text, 0, len(text), places)
        print("TAP version 13")
        print(f"1..{len(args.names or models) + len(cases)}", flush=True)
        for model in args.names or models:
            holds, said, seconds = run_model(program, model)
            result(holds, f"{model}: {said}" + (f" in {seconds:.1f} s" if holds else ""))
        if cases:
            program = compile_models(args.build, "weakened", broken, crates)
        for number, case in enumerate(cases):
            holds, said, _ = run_model(program, case["model"], number)
            result(holds is False, f"{case['file']}: {case['name']}: {case['model']} "
                   + ("does not fail" if holds else said))
    except Broken as error:
        result(False, str(error).replace("\n", "\n# "))
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed, 0 skipped")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
