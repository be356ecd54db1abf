#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks at the pages of this project: for links that lead to no file, and in scripts
and selftests for files that the first page of their folder (README.md) does not name.
Rustdoc looks at links that name an item of Rust. Those to other places are not
followed.

  scripts/check/pages.py FILE...

The files are those that git knows; the pages are among them.
"""

import fnmatch
import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ELSEWHERE = re.compile(r"https?:|mailto:|crate|super|srctree/|.*::")


def dead_links(page):
    """Yields what is wrong with the links of a page."""
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for target in LINK.findall(line):
                if not ELSEWHERE.match(target) and not os.path.exists(
                        os.path.join(os.path.dirname(page), target)):
                    yield f"{page}:{number}: {target} is no file"


def unnamed(path, pages):
    """What is wrong with the page of a file's folder, or of the next folder that has one."""
    folder, name = os.path.split(path)
    while folder and f"{folder}/README.md" not in pages:
        folder, inner = os.path.split(folder)
        # A page may speak of a folder as a whole.
        if f"{inner}/`" in pages.get(f"{folder}/README.md", ""):
            return None
    page = f"{folder}/README.md"
    if name in ("README.md", "Makefile") or page not in pages or name in pages[page]:
        return None
    if any(fnmatch.fnmatch(name, pattern) for pattern in re.findall(r"`([^`]*\*[^`]*)`", pages[page])):
        return None
    return f"{page} does not name {path}"


def main():
    """Prints what is wrong."""
    pages = {}
    for path in sys.argv[1:]:
        if path.endswith("/README.md"):
            with open(path, encoding="utf-8") as file:
                pages[path] = file.read()
    wrong = [text for path in sys.argv[1:] if path.endswith(".md") for text in dead_links(path)]
    wrong += filter(None, (unnamed(path, pages) for path in sys.argv[1:]
                           if path.startswith(("scripts/", "selftests/"))))
    print("".join(f"{text}\n" for text in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
