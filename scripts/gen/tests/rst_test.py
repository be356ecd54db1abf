#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compares what scripts/gen/genl_rst.py makes of texts with what scripts/gen/tests/rst.yaml
has: TAP on standard output.

  scripts/gen/tests/rst_test.py
"""

import os
import sys

import yaml

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../..")
sys.path += [f"{TOP}/scripts/gen", f"{TOP}/scripts/check"]

# pylint: disable=wrong-import-position
from families import Tap  # noqa: E402
from genl_rst import Unrendered, markdown  # noqa: E402

WIDTH = 40


def main():
    """See above."""
    with open(f"{TOP}/scripts/gen/tests/rst.yaml", encoding="utf-8") as file:
        cases = yaml.safe_load(file)
    tap = Tap("rst")
    print("TAP version 13")
    for case in cases:
        want = {key: case[key] for key in ("markdown", "refused") if key in case}
        try:
            got = {"markdown": "\n".join(markdown(case["text"], WIDTH)) + "\n"}
        except Unrendered as what:
            got = {"refused": str(what)}
        tap.result(got == want, case["name"], *str(got).split("\\n"))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
