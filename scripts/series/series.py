#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes the patches that put rust/genl into the kernel's tree: writes them as commits, in the
form that git fast-import reads, to standard output.

  scripts/series/series.py --kernel SOURCE --ident 'NAME <MAIL> DATE' > STREAM
  scripts/series/series.py --moved DIR
  scripts/series/series.py --modules DIR

PATCHES is all there is to know of them: which files of this project a patch takes, and where
they go. What is said of a patch is in messages/, and what it changes in files of the kernel
is in edits/. What is otherwise in the tree in the files of rust/genl is in edits/genl.diff;
--moved writes these files as they are before that.

--modules writes nlpeer and the modules of the tests, as they are where the framework is that
of the tree, with a Kbuild: they are no part of any patch.

Each patch has what compiles with those in front of it: mod.rs names the files that are there,
and a test or an example comes when all that it uses is there.
"""

import argparse
import functools
import os
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(f"{HERE}/../..")
GENL = f"{TOP}/rust/genl"
# Where it is in the tree.
PLACE = "rust/kernel/net/genl"
# How examples and macros reach it.
PATH = "net::genl"


class Take(NamedTuple):
    """A file of this project, its place in the tree, and what is replaced in it."""
    source: str
    place: str
    replace: tuple = ()


class Patch(NamedTuple):
    """A patch: its name, the files of rust/genl that come with it, and others."""
    name: str
    genl: str = ""
    takes: tuple = ()


GENERATOR = tuple(Take(f"scripts/gen/{name}.py", f"tools/net/ynl/pyynl/{new}.py", (
    (r"\bgenl_(gen|model|rst|spec|yaml)\b",
     lambda match: {"gen": "ynl_gen_rust"}.get(match[1], f"ynl_rust_{match[1]}")),
    (r"scripts/gen/", "tools/net/ynl/pyynl/"),
)) for name, new in (("genl_gen", "ynl_gen_rust"), ("genl_model", "ynl_rust_model"),
                     ("genl_rst", "ynl_rust_rst"), ("genl_spec", "ynl_rust_spec"),
                     ("genl_yaml", "ynl_rust_yaml")))

PATCHES = (
    Patch("bind"),
    Patch("bind-test", takes=(
        Take("selftests/attacks/bind_deadlock.c",
             "tools/testing/selftests/net/netlink_bind_deadlock.c"),)),
    Patch("c-half", takes=(
        Take("rust/genl/helpers.c", "net/netlink/genl_rs.c"),
        Take("rust/genl/helpers.h", "include/net/genl_rs.h"))),
    Patch("tracepoints", takes=(
        Take("rust/genl/genl_trace.h", "include/trace/events/genetlink.h"),)),
    Patch("base", "sync gate trace module gfp net extack kept"),
    Patch("policy", "wire text store table validate policy bounds carried"),
    Patch("writing", "layout payload plain number list"),
    Patch("attributes", "attribute nested nest member kind declare_attributes declare_messages"),
    Patch("families", "socket owed family work bind registration header secret"),
    Patch("multicast", "command message multicast"),
    Patch("requests", "multipart deferred reply request sender"),
    Patch("state", "per_net per_socket"),
    Patch("dumps", "objects dump round op declare_operations"),
    Patch("module", "module_family"),
    Patch("guide", "guide"),
    Patch("generator", takes=GENERATOR),
    Patch("sample", takes=(
        Take("rust/board/board.yaml", "Documentation/netlink/specs/board.yaml"),
        Take("rust/board/board_main.rs", "samples/rust/rust_genl.rs",
             ((r"\bboard_gen\b", "rust_genl_spec"),)),
        Take("rust/board/board_gen.rs", "samples/rust/rust_genl_spec.rs"))),
    Patch("maintainers"),
)

# What is in rust/genl, and is not in the tree.
LEFT_OUT = {"ffi"}
LEFT_OUT_PAGES = {"in_the_tree.md"}
# What a file in the tree must not speak of.
OURS = re.compile(r"rust/(?:genl|nlpeer|board|ports)\b|\bscripts/(?:check|gen|vm)|\bselftests/|"
                  r"\bmake (?:check|lint|new|regen|doc)\b|\bgenl_trace\.h|\bhelpers\.[ch]\b|"
                  r"\bsurface\.md|\btraps\.md|#\[path = ")

# Functions of the C half that call one of the kernel's and do nothing else: in the tree these
# are helpers, which have the name of what they call.
HELPERS = {
    "genl_rs_multicast_netns": "genlmsg_multicast_netns",
    "genl_rs_get_net": "get_net",
    "genl_rs_put_net": "put_net",
    "genl_rs_net_generic": "net_generic",
    "genl_rs_sock_hold": "sock_hold",
    "genl_rs_sock_put": "sock_put",
}
# Constants that the bindings of the tree have under the names of the headers.
CONSTANTS = {
    "GENL_RS_MCAST_CAP_NET_ADMIN": "GENL_MCAST_CAP_NET_ADMIN",
    "GENL_RS_MCAST_CAP_SYS_ADMIN": "GENL_MCAST_CAP_SYS_ADMIN",
    "GENL_RS_GOODSIZE": "NLMSG_GOODSIZE",
}
NAMES = {**HELPERS, **CONSTANTS}

# A function of C, with its comment in front of it.
FUNCTION = re.compile(r"^(?:/\*(?:(?!\*/).)*\*/\n)?(?!static|#)[a-z][\w ]*[ *](?P<name>genl_rs_\w+)"
                      r"\([^{;]*\)\n\{\n.*?^\}\n\n?", re.M | re.S)
TESTS = re.compile(r"(?:^// CAST: [^\n]*\n)?^#\[kunit_tests\(.*\Z", re.M | re.S)


# What the modules of the tests are made of, but for the halves in C that each of them has out
# of the tree: folders, and modules with their objects.
MODULE_FOLDERS = ("rust/nlpeer", "selftests/nlpeer/module_dup", "selftests/genltest/module",
                  "selftests/genltest/module_serial", "selftests/accept/module",
                  "selftests/accept/bridge")
MODULES = {
    "nlpeer": "rust/nlpeer/nlpeer_main rust/nlpeer/odd",
    "nlpeer_dup": "selftests/nlpeer/module_dup/nlpeer_dup_main",
    "genltest": "selftests/genltest/module/genltest_main",
    "genltest_serial": "selftests/genltest/module_serial/genltest_serial_main",
    "genl_bridge": "selftests/accept/bridge/bridge_main selftests/accept/bridge/devices",
    "genl_ports": "selftests/accept/module/genl_ports",
    "genl_tick_c": "selftests/accept/module/genl_tick_c",
    **{f"genl_{name}": f"selftests/accept/module/genl_{name}_main"
       for name in ("two", "drv", "fail", "kids", "atomic", "tick")},
}


class Wrong(Exception):
    """The series cannot be made; the text says why."""


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(folder, files):
    """Writes files, {place: text}, into a folder, in the place of what is there."""
    for place, text in files.items():
        path = f"{folder}/{place}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def apply(diff, files):
    """Applies a difference to files, {place: text}."""
    with tempfile.TemporaryDirectory() as work:
        write(work, files)
        done = subprocess.run(["patch", "-p1", "-F0", "-s", "--no-backup-if-mismatch", "-r-",
                               "-d", work, "-i", diff],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            raise Wrong(f"{os.path.relpath(diff, TOP)} does not fit what it changes:\n"
                        f"{done.stdout}")
        return {place: read(f"{work}/{place}") for place in files}


def paths_of(diff):
    """The places that a difference changes."""
    return re.findall(r"^\+\+\+ b/(\S+)", read(diff), re.M)


@functools.cache
def formatted(text, source):
    """Rust as the kernel formats it."""
    done = subprocess.run(["rustfmt", "--edition", "2021", "--config-path",
                           f"{source}/.rustfmt.toml"], input=text, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise Wrong(done.stderr)
    return done.stdout


def in_macros(text):
    """Inside of macros the framework and the crate are found wherever the caller is."""
    def line(match):
        code = re.sub(r"(?<![\w:$\"`'])genl::", f"$crate::{PATH}::", match[0])
        return re.sub(r"(?<![\w$\"`])(?:::)?kernel::", "$crate::", code)
    return re.sub(r"^[ \t]+(?!//).*$", line, text, flags=re.M)


def in_examples(text, comment=r"[ \t]*//[/!] ?"):
    """An example finds the framework by its path. In Rust its lines are comments."""
    result, block = [], None
    for line in text.splitlines(keepends=True):
        begin = re.match(comment, line)
        body = line[begin.end():] if begin else ""
        if not body.startswith("```"):
            (result if block is None else block).append(line)
        elif block is None:
            block = [line]
        else:
            result += in_example(block, begin[0]) + [line]
            block = None
    return "".join(result + (block or []))


def in_example(lines, begin):
    """The lines of an example, the first of which opens it."""
    if lines[0].strip()[-3:] != "```":
        return lines
    text = "".join(lines[1:])
    # A module of its own has to find it as well.
    text = re.sub(rf"^({re.escape(begin)}(?:# )? +)(use genl::)", rf"\1use kernel::{PATH};\n\1\2",
                  text, flags=re.M)
    text = re.sub(r"\buse genl::", f"use kernel::{PATH}::", text)
    if re.search(r"(?<![\w:])genl::", text):
        text = f"{begin}use kernel::{PATH};\n{text}"
    return [lines[0], text]


def moved(name):
    """A file of rust/genl as it is in the tree, before its difference."""
    text = read(f"{GENL}/{name}.rs")
    if name.startswith("declare_") or name == "module_family":
        text = in_macros(text)
    text = in_examples(text)
    used = set()

    def binding(match):
        used.add(match[1])
        return f"bindings::{NAMES.get(match[1], match[1])}"
    text = re.sub(r"(?<![\w:])ffi::((?:genl_rs|GENL_RS)_\w+)", binding, text)
    text = re.sub(r"^ +ffi,\n", "", text, flags=re.M)
    text = re.sub(r"^use super::(?:\{\s*)?ffi(?:, // *\n\})?;\n", "", text, flags=re.M)
    if used and not re.search(r"^ +bindings(?:,|::)|^use kernel::bindings;", text, re.M):
        text = re.sub(r"^use kernel::\{\n", "use kernel::{\n    bindings,\n", text, count=1,
                      flags=re.M)
        if not re.search(r"^ +bindings,", text, re.M):
            text = re.sub(r"^use kernel::(.*);\n", r"use kernel::{bindings, \1};\n", text, count=1,
                          flags=re.M)
    return text


def pages():
    """The pages for authors, before their difference."""
    return {f"{PLACE}/guide/{name}": in_examples(read(f"{GENL}/guide/{name}"), "")
            for name in sorted(set(os.listdir(f"{GENL}/guide")) - LEFT_OUT_PAGES)}


def all_moved():
    """All files of rust/genl at their places, before their difference."""
    names = {name.removesuffix(".rs") for name in os.listdir(GENL) if name.endswith(".rs")}
    return {**{f"{PLACE}/{name}.rs": moved(name) for name in names - LEFT_OUT}, **pages()}


class Genl:
    """rust/genl as it is in the tree, whole, and as much of it as a patch has."""

    def __init__(self, source):
        self.source = source
        files = apply(f"{HERE}/edits/genl.diff", all_moved())
        self.guide = {place: files.pop(place) for place in pages()}
        self.files = files
        self.modules = {os.path.basename(place).removesuffix(".rs") for place in files} - {"mod"}
        taken = {name for patch in PATCHES for name in patch.genl.split()} - {"guide"}
        if taken != self.modules:
            raise Wrong("no patch has it, or it is gone: " + " ".join(sorted(taken ^ self.modules)))
        # Which file has a macro, and which one what others import of it.
        self.owner = {}
        for place, text in self.files.items():
            name = os.path.basename(place).removesuffix(".rs")
            for macro in re.findall(r"macro_rules! __genl_(\w+)", text):
                self.owner[macro] = name
        mod = self.files[f"{PLACE}/mod.rs"]
        exported = re.search(r"^pub use self::\{\n(.*?)^\};", mod, re.M | re.S)[1]
        for entry in re.finditer(r"^    (\w+)::(?:(\w+)|\{(.*?)^    \}),", exported, re.M | re.S):
            for word in re.findall(r"\w+", entry[2] or entry[3]):
                self.owner[word] = entry[1]

    def needed(self, text):
        """The files that a test or an example needs."""
        found = {name for name in self.modules
                 if re.search(rf"(?<![\w:]){name}::|\bgenl::{name}::", text)}
        used = set(re.findall(r"\bgenl::(\w+)", text))
        for group in re.findall(r"\bgenl::\{(.*?)\}\s*;", text, re.S):
            used |= set(re.findall(r"\w+", group))
        return found | {self.owner[word] for word in used if word in self.owner}

    def needed_by_tests(self, text):
        """The files that tests need, and those that tests need which they take from."""
        found = self.needed(text)
        for name in set(re.findall(r"\b(\w+)::(?:\{\s*)?tests\b", text)) & self.modules:
            tests = TESTS.search(self.files[f"{PLACE}/{name}.rs"])[0]
            if tests != text:
                found |= self.needed_by_tests(tests)
        return found

    def with_what_compiles(self, text, there):
        """A file without the tests and the examples that need what is not there yet."""
        tests = TESTS.search(text)
        if tests and self.needed_by_tests(tests[0]) - there:
            text = text[:tests.start()].rstrip("\n") + "\n"

        def example(match):
            return "" if self.needed(match[0]) - there else match[0]
        # With its heading, and the empty line in front of that.
        return re.sub(r"(?:^[ \t]*//[/!]\n)?(?:^[ \t]*//[/!] # Examples\n[ \t]*//[/!]\n)"
                      r"(?:(?![ \t]*//[/!] (?:#|```))[ \t]*//[/!].*\n)*"
                      r"(?:[ \t]*//[/!] ```\n(?:[ \t]*//[/!](?! ```$).*\n)*[ \t]*//[/!] ```\n)",
                      example, text, flags=re.M)

    def mod(self, there, guide):
        """mod.rs with what is there."""
        text = self.files[f"{PLACE}/mod.rs"]

        def row(match):
            files = re.findall(r"`(\w+)\.rs`", match[1])
            return match[0] if set(files) <= there else ""
        text = re.sub(r"^//! \| ([^|]*`\w+\.rs`[^|]*) \|.*\n", row, text, flags=re.M)
        text = re.sub(r"^(?:pub )?mod (\w+);\n",
                      lambda match: match[0] if match[1] in there else "", text, flags=re.M)

        def macros(match):
            kept = [line for line in match[2].splitlines()
                    if self.owner[re.search(r" as (\w+)", line)[1]] in there]
            return match[1] + "\n".join(kept) + "\n};\n" if kept else ""
        text = re.sub(r"((?://[^\n]*\n)?#\[doc\(inline\)\]\npub use crate::\{\n)(.*?)\n\};\n",
                      macros, text, flags=re.S)

        def exports(match):
            entries = re.finditer(r"^    (\w+)::(?:\w+|\{.*?^    \}),(?: //)?\n", match[1],
                                  re.M | re.S)
            kept = [entry[0] for entry in entries if entry[1] in there]
            return "pub use self::{\n" + "".join(kept) + "};\n" if kept else ""
        text = re.sub(r"^pub use self::\{\n(.*?)^\};\n", exports, text, flags=re.M | re.S)
        if there != self.modules:
            text = text.replace("\nmod ", "\n// What comes next uses it.\n"
                                "#![allow(dead_code, unreachable_pub)]\n\nmod ", 1)
        if not guide:
            text = re.sub(r"^#\[cfg\(doc\)\]\npub mod guide \{.*?^\}\n", "", text,
                          flags=re.M | re.S)
            text = re.sub(r"^//! The pages for authors .*?\n//!\n", "", text, flags=re.M | re.S)
        return text

    def at(self, there, guide):
        """All files, {place: text}, where these files are there."""
        result = {f"{PLACE}/mod.rs": self.mod(there, guide)}
        for name in there:
            result[f"{PLACE}/{name}.rs"] = self.files[f"{PLACE}/{name}.rs"]
        result = {place: formatted(self.with_what_compiles(text, there), self.source)
                  for place, text in sorted(result.items())}
        return {**result, **(self.guide if guide else {})}


def whole(text):
    """The C half with all that a module may need."""
    text = re.sub(r"^/\*(?:(?!\*/).)*\*/\n#ifndef GENL_RS_NEEDS\n#error .*?\n#endif\n\n", "", text,
                  count=1, flags=re.M | re.S)
    return re.sub(r"^#if[^\n]*\bGENL_RS_NEEDS_[^\n]*\n(.*?)^#endif\n", r"\1", text, flags=re.M | re.S)


def c_half(text):
    """The C half without what is a helper in the tree; it is for modules."""
    def function(match):
        if match["name"] in HELPERS:
            return ""
        end = match[0].rstrip("\n")
        return f"{end}\nEXPORT_SYMBOL_GPL({match['name']});\n\n"
    return FUNCTION.sub(function, whole(text)).rstrip("\n") + "\n"


def taken(take):
    """A file of this project with what is replaced in it, before its difference."""
    text = read(f"{TOP}/{take.source}")
    for pattern, new in take.replace:
        text = re.sub(pattern, new, text)
    return c_half(text) if take.source.endswith("helpers.c") else text


def helpers():
    """The functions of rust/helpers/net/genetlink.c that come."""
    found = {}
    for match in FUNCTION.finditer(whole(read(f"{GENL}/helpers.c"))):
        if match["name"] in HELPERS:
            new = HELPERS[match["name"]]
            head, body = match[0].rstrip("\n").split("\n{\n", maxsplit=1)
            lines = head.replace(match["name"], f"rust_helper_{new}").split("\n")
            # Arguments stand below each other.
            width = lines[0].index("(") + 1
            lines[1:] = ["\t" * (width // 8) + " " * (width % 8) + line.strip()
                         for line in lines[1:]]
            head = "\n".join(lines)
            found[new] = f"__rust_helper\n{head}\n{{\n{body}\n\n"
    if set(found) != set(HELPERS.values()):
        raise Wrong("helpers.c has not all of " + " ".join(HELPERS.values()))
    return "".join(found[new] for new in HELPERS.values())


def series(source):
    """Yields each patch, and the files that it changes: {place: text}."""
    genl = Genl(source)
    state, there, guide = {}, set(), False

    def old(place):
        if place in state:
            return state[place]
        path = f"{source}/{place}"
        return read(path) if os.path.exists(path) else ""

    for patch in PATCHES:
        changed = {}
        for take in patch.takes:
            changed[take.place] = taken(take)
        diff = f"{HERE}/edits/{patch.name}.diff"
        if os.path.exists(diff):
            places = paths_of(diff)
            changed.update(apply(diff, {place: changed.get(place, old(place))
                                        for place in places}))
        place = "rust/helpers/net/genetlink.c"
        if patch.name == "c-half":
            changed[place] = changed.get(place, old(place)).replace("\n#endif\n",
                                                                   f"\n{helpers()}#endif\n")
        if patch.genl:
            there |= set(patch.genl.split()) - {"guide"}
            guide |= "guide" in patch.genl.split()
            changed.update(genl.at(there, guide))
        changed = {place: text for place, text in changed.items() if text != old(place)}
        for place, text in changed.items():
            lines = set(text.splitlines()) - set(old(place).splitlines())
            ours = sorted(line for line in lines if OURS.search(line))
            if ours:
                raise Wrong(f"{place} speaks of this project: {ours[0].strip()}")
        state.update(changed)
        yield patch, changed


def module(text):
    """A file of a module of the tests where the framework is that of the tree."""
    text = re.sub(r'^#\[path = "[./\w]*/genl/mod\.rs"\]\nmod genl;\n', f"use kernel::{PATH};\n", text,
                  flags=re.M)
    return re.sub(r'^#include "[./\w]*/genl/helpers\.h"$', "#include <net/genl_rs.h>", text,
                  flags=re.M)


def modules():
    """The modules of the tests, and their Kbuild."""
    result = {}
    for folder in MODULE_FOLDERS:
        for name in sorted(os.listdir(f"{TOP}/{folder}")):
            if re.search(r"(?<!helpers)\.(?:c|h|rs)$", name):
                result[f"{folder}/{name}"] = module(read(f"{TOP}/{folder}/{name}"))
    lines = ["# SPDX-License-Identifier: GPL-2.0\n"]
    for name, objects in MODULES.items():
        lines.append(f"obj-m += {name}.o\n{name}-y := " +
                     " ".join(f"{thing}.o" for thing in objects.split()) + "\n")
    result["Kbuild"] = "".join(lines)
    return result


def message(name):
    """What is said of a patch, behind the line of its licence."""
    return read(f"{HERE}/messages/{name}.txt").split("\n", maxsplit=1)[1]


def stream(source, ident, out):
    """Writes the commits: the first one has the files of the kernel that are changed."""
    patches = list(series(source))
    base = {place: f"{source}/{place}" for _, changed in patches for place in changed}
    base = {place: read(path) for place, path in base.items() if os.path.exists(path)}

    def commit(text, files):
        def data(text):
            raw = text.encode()
            out.write(b"data %d\n" % len(raw) + raw + b"\n")
        out.write(f"commit refs/heads/series\nauthor {ident}\ncommitter {ident}\n".encode())
        data(text)
        for place, content in sorted(files.items()):
            mode = "100755" if content.startswith("#!") else "100644"
            out.write(f"M {mode} inline {place}\n".encode())
            data(content)
        out.write(b"\n")

    out.write(b"reset refs/heads/series\n")
    commit("The files of the kernel that are changed", base)
    who = ident[:ident.index(">") + 1]
    for patch, changed in patches:
        commit(message(patch.name), {place: text.replace("@AUTHOR@", who)
                                     for place, text in changed.items()})


def main():
    """Writes the stream."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", help="the source of the kernel")
    parser.add_argument("--ident", help="author and date, as git var has them")
    parser.add_argument("--moved", help="only write the files of rust/genl into this folder")
    parser.add_argument("--modules", help="only write the modules of the tests into this folder")
    args = parser.parse_args()
    try:
        if args.moved or args.modules:
            write(args.moved or args.modules, all_moved() if args.moved else modules())
            return
        stream(args.kernel, args.ident, sys.stdout.buffer)
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
