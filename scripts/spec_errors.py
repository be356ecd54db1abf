#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Gives wrong specs to scripts/genl_gen.py: TAP on standard output.

selftests/generator/wrong.yaml has the cases. Each must be refused with the line
and the text that the case names, and with no other error unless it says how many.

  scripts/spec_errors.py --kernel DIR
"""

import argparse
import os
import sys
import tempfile

import yaml

from genl_gen import Generator, Unsupported
from genl_spec import SpecErrors, load

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = f"{TOP}/selftests/generator"


def errors_of(path, kernel):
    """What is wrong with a spec: [(line, text)]."""
    try:
        family, places = load(path, kernel)
        Generator(family, places, "every.yaml", None).generate()
    except (SpecErrors, Unsupported) as error:
        found = []
        for line in str(error).splitlines():
            place, _, text = line.removeprefix(f"{path}:").partition(": ")
            found.append((int(place), text))
        return found
    return []


def run_case(case, text, kernel, work):
    """Returns None, or what is wrong."""
    for old, new in (("old", "new"), ("old2", "new2")):
        if old in case:
            if case[old] not in text:
                return f"'{case[old]}' is not in every.yaml"
            text = text.replace(case[old], case[new], 1)
    path = f"{work}/wrong.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    found = errors_of(path, kernel)
    if case.get("fine"):
        return f"refused: {found}" if found else None
    lines = [number for number, line in enumerate(text.splitlines(True), 1)
             if case["at"] in line]
    want = (lines[case.get("nth", 1) - 1], case["says"])
    if want not in found:
        return f"expected {want}, got {found}"
    if len(found) != 1 + case.get("more", 0):
        return f"{len(found)} errors: {found}"
    return None


def main():
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the source of a kernel")
    args = parser.parse_args()
    with open(f"{CASES}/wrong.yaml", encoding="utf-8") as file:
        cases = yaml.safe_load(file)
    with open(f"{CASES}/every.yaml", encoding="utf-8") as file:
        text = file.read()
    failed = 0
    print(f"TAP version 13\n1..{len(cases)}")
    with tempfile.TemporaryDirectory() as work:
        for number, case in enumerate(cases, 1):
            wrong = run_case(case, text, args.kernel, work)
            failed += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {number} spec: {case['name']}")
            if wrong:
                print(f"# {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
