#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks for links in the pages of this project that lead to no file. Rustdoc looks at
those that name an item of Rust; those to other places are not followed.

  scripts/check/links.py FILE.md...
"""

import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ELSEWHERE = re.compile(r"https?:|mailto:|crate|super|srctree/|.*::")


def main():
    """Prints each link that leads nowhere."""
    status = 0
    for page in sys.argv[1:]:
        with open(page, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                for target in LINK.findall(line):
                    if not ELSEWHERE.match(target) and not os.path.exists(
                            os.path.join(os.path.dirname(page), target)):
                        print(f"{page}:{number}: {target} is no file")
                        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
