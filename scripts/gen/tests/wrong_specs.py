#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Gives wrong specs to scripts/gen/genl_gen.py: TAP on standard output.

scripts/gen/tests/wrong.yaml has the cases. Each must be refused with the line
and the text that the case names, and with no other error unless it says how many.
What is no file, or none that can be read, is given to the command itself.

What rust/README.md says is refused has a case each, and every.yaml has each key of the
kernel's schemas, each type and each flag, but for the keys that the page names.

  scripts/gen/tests/wrong_specs.py --kernel DIR
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import yaml

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../..")
sys.path += [f"{TOP}/scripts/gen"]

# pylint: disable=wrong-import-position
from genl_gen import generate  # noqa: E402
from genl_model import build  # noqa: E402
from genl_spec import SpecErrors, load  # noqa: E402

CASES = f"{TOP}/scripts/gen/tests"
PAGE = f"{TOP}/rust/README.md"
# The keys whose values are words of the schema, each of which every.yaml has.
WORDS = ("type", "flags", "dont-validate", "byte-order")


def lines_of(text, path):
    """Lines of text as [(line, text)]."""
    found = []
    for line in text:
        place, _, said = line.removeprefix(f"{path}:").partition(": ")
        found.append((int(place), said))
    return found


def errors_of(path, kernel):
    """What is wrong with a spec, and what is only noted: [(line, text)] of each."""
    try:
        spec, places = load(path, kernel)
        generate(build(spec, places), "every.yaml")
    except SpecErrors as error:
        return lines_of(str(error).splitlines(), path), []
    return [], lines_of(places.notes, path)


def changed(case, text):
    """The spec of a case; none where the case does not fit."""
    if "whole" in case:
        return case["whole"]
    for old, new in (("old", "new"), ("old2", "new2")):
        if old in case:
            if case[old] not in text:
                return None
            many = case.get("many", {"text": "", "count": 0})
            text = text.replace(case[old],
                                case[new].replace("<many>", many["text"] * many["count"]), 1)
    return text


def run_case(case, text, kernel, work):
    """Returns None, or what is wrong."""
    text = changed(case, text)
    if text is None:
        return "what it changes is not in every.yaml"
    path = f"{work}/wrong.yaml"
    with open(path, "w", encoding=case.get("encoding", "utf-8")) as file:
        file.write(text)
    found, notes = errors_of(path, kernel)
    if case.get("fine"):
        return f"refused: {found}" if found else f"noted: {notes}" if notes else None
    if case.get("note"):
        if found:
            return f"refused: {found}"
        found = notes
    lines = [case["at"]] if isinstance(case["at"], int) else \
        [number for number, line in enumerate(text.splitlines(True), 1) if case["at"] in line]
    want = (lines[case.get("nth", 1) - 1], ("note: " if case.get("note") else "") + case["says"])
    if want not in found:
        return f"expected {want}, got {found}"
    if len(found) != 1 + case.get("more", 0):
        return f"{len(found)} errors: {found}"
    return None


def run_files(kernel, work):
    """What the command says about files that are none: (name, what is wrong or None)."""
    os.mkdir(f"{work}/folder.yaml")
    every = f"{CASES}/every.yaml"
    for name, path, source, says in (
            ("no such file", f"{work}/none.yaml", kernel,
             f"{work}/none.yaml: there is no such file"),
            ("a folder", f"{work}/folder.yaml", kernel,
             f"{work}/folder.yaml: this cannot be read: Is a directory"),
            # Not even root can read what is at its beginning.
            ("a file that cannot be read", "/proc/self/mem", kernel,
             "/proc/self/mem: this cannot be read: Input/output error"),
            ("a file without an end", "/dev/zero", kernel,
             "/dev/zero:1: this has more than 4 MiB: the largest spec of the kernel has a tenth "
             "of one"),
            ("an empty file", "/dev/null", kernel,
             "/dev/null:1: this is no spec: it must be a mapping with name, doc, attribute-sets "
             "and operations"),
            ("no source of a kernel", every, work,
             f"{work}: this has no tools/net/ynl/pyynl/lib/nlspec.py: it must be the source of a "
             "kernel")):
        done = subprocess.run([sys.executable, f"{TOP}/scripts/gen/genl_gen.py", "--kernel",
                               source, "--spec", path], text=True, capture_output=True, check=False)
        got = (done.returncode, done.stdout, done.stderr)
        yield name, None if got == (1, "", says + "\n") else f"expected {says!r}, got {got}"


def run_options(kernel, work):
    """What the options of the command do: (name, what is wrong or None)."""
    path = f"{work}/every.rs"

    def run(*options):
        subprocess.run([sys.executable, f"{TOP}/scripts/gen/genl_gen.py", "--kernel", kernel, "--spec",
                        f"{CASES}/every.yaml", "-o", path, *options], check=True)
        with open(path, encoding="utf-8") as file:
            return file.read(), os.stat(path).st_mtime_ns

    whole, made = run()
    yield "--cmp-out leaves a file alone", \
        None if run("--cmp-out") == (whole, made) else "it is written"
    less, again = run("--cmp-out", "--exclude-op", "mo", "--exclude-op", "done")
    yield "--cmp-out writes what differs", None if again != made else "it is not written"
    gone = ("MoreDo", "MoreReply", "DoneNotify", "DoneEvent")
    stay = ("SetDo", "GetDo", "GetDump", "ChangedNotify")
    found = [name for name in (*gone, *stay) if name in less]
    yield "--exclude-op leaves operations out", None if found == list(stay) and \
        all(name in whole for name in gone) else f"there are {found}"


def schema_of(kernel, protocols=("genetlink", "genetlink-c", "genetlink-legacy")):
    """All keys of the schemas for generic netlink, and all words that those of WORDS can be."""
    keys, words, todo = set(), set(), []
    for protocol in protocols:
        with open(f"{kernel}/Documentation/netlink/{protocol}.yaml", encoding="utf-8") as file:
            todo.append(yaml.safe_load(file))
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            for key, value in part.get("properties", {}).items():
                keys.add(key)
                if key in WORDS:
                    words |= {(key, word) for word in
                              value.get("enum", value.get("items", {}).get("enum", ()))}
            part = list(part.values())
        todo += part if isinstance(part, list) else []
    return keys, words


def elements_of(part):
    """Each key of a spec with each of its values."""
    for key, value in part.items() if isinstance(part, dict) else [("", item) for item in part]:
        for item in value if isinstance(value, list) else [value]:
            yield key, item
            if isinstance(item, (dict, list)):
                yield from elements_of(item)


def run_page(cases, text, kernel):
    """Compares the page with the cases and with every.yaml: (name, what is wrong or None)."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read().partition("## What the generator knows\n")[2].partition("\n## ")[0]
    listed = [" ".join(line.split()) for line in
              re.findall(r"^- (.*?)[;.]$(?=\n- |\n\n)", page, re.M | re.S)]
    refused = {case["page"] for case in cases if "says" in case and "page" in case}
    yield "the page has what is refused", None if listed and set(listed) == refused else \
        f"without a case: {sorted(set(listed) - refused)}; not there: {sorted(refused - set(listed))}"
    keys, words = schema_of(kernel)
    found = {(key, item) for key, item in elements_of(yaml.safe_load(text))
             if isinstance(item, str)}
    passed = set(re.findall(r"`([a-z-]+)`", page.partition("passed over:")[2].partition("\n\n")[0]))
    missing = keys - {key for key, _ in elements_of(yaml.safe_load(text))}
    yield "every.yaml has each key but for those that are passed over", \
        None if missing == passed else f"{sorted(missing)}, and the page has {sorted(passed)}"
    yield "every.yaml has each type and each flag", \
        None if words <= found else f"not {sorted(words - found)}"


def main():
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the source of a kernel")
    args = parser.parse_args()
    with open(f"{CASES}/wrong.yaml", encoding="utf-8") as file:
        cases = yaml.safe_load(file)
    with open(f"{CASES}/every.yaml", encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as work:
        results = [(case["name"], run_case(case, text, args.kernel, work)) for case in cases]
        results += run_files(args.kernel, work)
        results += run_options(args.kernel, work)
    results += run_page(cases, text, args.kernel)
    print(f"TAP version 13\n1..{len(results)}")
    for number, (name, wrong) in enumerate(results, 1):
        print(f"{'not ' if wrong else ''}ok {number} spec: {name}")
        if wrong:
            print(f"# {wrong}")
    return 1 if any(wrong for _, wrong in results) else 0


if __name__ == "__main__":
    sys.exit(main())
