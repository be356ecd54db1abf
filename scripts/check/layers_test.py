#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests the check of the layers, as TAP: errors that are planted in a copy of rust/genl.
Each has to be found, and nothing else; and nothing where it is in a comment, in a text
or in the tests of a file.

  scripts/check/layers_test.py
"""

import os
import shutil
import sys
import tempfile

from families import Tap
from layers import GENL, MOST, Broken, look

# A file with tests and one without, both lower than objects.rs, and what is said of them.
TESTED, PLAIN = "payload.rs", "gate.rs"
UP = "{} imports objects.rs, which is above it"
MACRO = "\nmacro_rules! planted {{\n    () => {{\n        {}\n    }};\n}}\n"
# What is planted: in which file, what is replaced (nothing: it is put at the end), and by what;
# and what has to be said.
PLANTS = (
    ("an import", PLAIN, "", "\nuse super::Objects;\n", UP),
    ("an import among others", PLAIN, "", "\nuse super::{\n    sync::Atomic,\n    objects::{Cursor, Stop},\n};\n",
     UP),
    ("an import of a module that is in the file", PLAIN, "",
     "\nmod inner {\n    use super::super::Objects;\n}\n", UP),
    ("a path in the code", PLAIN, "", "\nfn planted(_: &super::Objects) {}\n", UP),
    ("an import behind the tests", TESTED, "#[kunit_tests(",
     "#[kunit_tests(planted)]\nmod early {}\n\nuse super::Objects;\n\n#[kunit_tests(", UP),
    ("a path in a macro", PLAIN, "", MACRO.format("genl::objects::Cursor"), UP),
    ("a path in a macro, from the crate on", PLAIN, "", MACRO.format("crate::genl::Objects"), UP),
    ("a macro of another file", PLAIN, "", MACRO.format("genl::operations!()"),
     "{} imports declare_operations.rs, which is above it"),
    ("behind a character that begins no text", PLAIN, "",
     "\nconst QUOTE: char = '\"';\nuse super::Objects;\nconst OTHER: char = '\"';\n", UP),
    ("a file in a folder", "inner/planted.rs", "", "use super::Objects;\n",
     "inner/planted.rs is not in the table"),
    ("a file that the table has not", "planted.rs", "", "", "planted.rs is not in the table"),
    ("a file that is not there", "mod.rs", "`gate.rs`", "`gate.rs`, `planted.rs`",
     "planted.rs is in the table, and is no file"),
    ("a file that the table has twice", "mod.rs", "`gate.rs`", "`gate.rs`, `sync.rs`",
     "sync.rs is in the table twice"),
    ("a file that is too long", PLAIN, "", "\nconst PLANTED: () = ();" * MOST,
     f"{{}} has {{lines}} lines without its tests, and {MOST} is the most"),
    ("the one circle, which is none", "family.rs", "    work::", "    gate::",
     "family.rs does not import work.rs: it needs no exception"),
    ("the one circle, which could be wider", "mod.rs", "`family.rs`, `work.rs`",
     "`family.rs`, `planted.rs`, `work.rs`", "planted.rs is in the table, and is no file; "
     "work.rs is not behind family.rs in the table"),
    ("a path that leads nowhere", PLAIN, "", "\nuse super::Nothing;\n",
     "super::Nothing is no file, and mod.rs does not export it"),
    ("comments", PLAIN, "", "\n// use super::Objects;\n/* use super::Objects; */\n", ""),
    ("a text", PLAIN, "", '\nconst TEXT: &str = "genl::Objects \\" super::Objects";\n', ""),
    ("tests", PLAIN, "", "\n#[kunit_tests(planted)]\nmod tests {\n    use super::super::Objects;\n}\n",
     ""),
    ("an import from below", PLAIN, "", "\nuse super::sync;\n", ""),
)


def said(folder):
    """All that is wrong with a folder."""
    try:
        return [text for _, wrong in look(folder) for text in wrong]
    except Broken as error:
        return [str(error)]


def main():
    """See above."""
    tap = Tap("layers")
    print("TAP version 13")
    for name, file_name, old, new, wanted in PLANTS:
        with tempfile.TemporaryDirectory() as work:
            folder = f"{work}/genl"
            shutil.copytree(GENL, folder)
            path = f"{folder}/{file_name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a+", encoding="utf-8") as file:
                file.seek(0)
                text = file.read()
                file.truncate(0)
                file.write(text.replace(old, new, 1) if old else text + new)
            lines = (text + new).rstrip("\n").count("\n") + 1
            wanted = wanted.format(file_name, lines=lines)
            found = "; ".join(said(folder))
            tap.result(found == wanted and old in text, name, f"said: {found}", f"wanted: {wanted}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
