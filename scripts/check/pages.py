#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks at the pages of this project: for links that lead to no file, in scripts
and selftests for files that the first page of their folder (README.md) does not name,
and in rust/README.md for examples that are not what their sources have.
Rustdoc looks at links that name an item of Rust. Those to other places are not
followed.

  scripts/check/pages.py FILE...

The files are those that git knows; the pages are among them.
"""

import fnmatch
import functools
import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# The pages whose examples are copies.
COPIES = ("rust/README.md",)
# Examples there that begin so are of families that this project does not have: the documentation
# of rust/genl has their like, and compiles it.
NOT_COPIED = ("module! {", "use board_gen::attr::")
ENDINGS = {"rust": ".rs", "python": ".py", "yaml": ".yaml"}
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


def examples(page, text, paths):
    """Yields the examples whose paragraphs do not all stand in one source, as they are."""
    for match in re.finditer(r"^```(rust|python|yaml)\n(.*?)^```", text, re.M | re.S):
        ending, parts = ENDINGS[match[1]], match[2].split("\n\n")
        if not match[2].startswith(NOT_COPIED) and \
                not any(all(part in source(path) for part in parts)
                        for path in paths if path.endswith(ending)):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{page}:{line}: no file has this example ({match[2].splitlines()[0].strip()})"


@functools.cache
def source(path):
    """What a file has. An example leaves out attributes of Rust and comments."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return re.sub(r"^\s*(#!?\[.*\]|//.*)\n", "", text, flags=re.M)


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
    for page in set(COPIES) & set(pages):
        wrong += examples(page, pages[page], sys.argv[1:])
    print("".join(f"{text}\n" for text in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
