#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Which families of the kernel could be written with rust/genl: a scan of the kernel's
sources for what each of its generic netlink families in C needs, held against
families.toml, which says what serves a need, or why it is left out. The table is the
page rust/genl/families.md.

  scripts/check/families.py --write            writes the page
  scripts/check/families.py --check            prints TAP: the page is fresh, what
                                               families.toml names is there
  scripts/check/families.py --why FAMILY NEED  where the family shows that need

How it looks. A family is each initialized 'struct genl_family'. Its files are those of
its module, as the Makefile has them. Of what is built into the kernel, they are also
those of the folder that use something of genetlink.h. What belongs to a family is what its struct
leads to by name: operations, policies, all that these call in its files; then all that
names the struct, as a notification does; and, in a module of one family, all that uses
something of genetlink.h. What registers, and what is __init or __exit, is looked at for
the order of its steps only.

In all that, each name that the headers of netlink give to families (functions, macros,
constants, members of their structs) has to be in one of the lists of families.toml. A
name that is in none of them is an error: so nothing that a family asks of netlink goes
by unseen. A few needs are no name; those have a function here, and an '@' in the list.

What it cannot see: what is handed over by a pointer whose name is in no file of the
family, and what the code around the family needs.
"""

import argparse
import difflib
import functools
import os
import re
import subprocess
import sys
import textwrap
import tomllib

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
PAGE = "rust/genl/families.md"
# How many families of the page could be written with rust/genl, at least.
SERVED = 56
GENETLINK = "include/net/genetlink.h"
HEADERS = (GENETLINK, "include/net/netlink.h", "include/linux/netlink.h",
           "include/uapi/linux/netlink.h", "include/uapi/linux/genetlink.h")
# The members of these have to be in the lists as well, and where they are found: in an
# initializer, or behind a name that all families use.
INITIALIZED = ("genl_family", "genl_ops", "genl_small_ops", "genl_split_ops", "nla_policy")
POINTED = {
    "genl_info": re.compile(r"\binfo(?:->|\.)(\w+)"),
    "netlink_callback": re.compile(r"\bcb->(\w+)"),
    "netlink_skb_parms": re.compile(r"\bNETLINK_CB\([^()]*\)\.(\w+)"),
    "genlmsghdr": re.compile(r"\bgenlhdr->(\w+)"),
    "nlmsghdr": re.compile(r"(?:nlh|nlhdr|nlmsg_hdr\([^()]*\))->(\w+)"),
}
POINTERS = frozenset(("info", "cb", "NETLINK_CB", "genlhdr", "nlh", "nlhdr", "nlmsg_hdr"))

BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
WORD = re.compile(r"[A-Za-z_]\w*")
# What a definition may refer to: not the members of a struct.
NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
VARIABLE = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?:__\w+(?:\([^)]*\))?\s*)*=\s*$")
NO_FUNCTIONS = {"__attribute__", "__printf", "__aligned", "__section", "__acquires", "__releases",
                "__must_hold", "TRACE_EVENT", "if", "while", "for", "switch", "defined"}
USES_GENL = re.compile(r"\bgenl(msg)?_|\bGENL_")
REGISTERS = frozenset(("genl_register_family", "genl_unregister_family"))


def blank(text):
    """The text with comments and strings as spaces; each offset stays."""
    return BLANK.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def read(path):
    """A file, or nothing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


# The sources, cut into definitions.

class Definition:
    """A function, a variable with its initializer, or a macro."""

    def __init__(self, source, kind, name, span, static):
        self.source, self.kind, self.name, self.static = source, kind, name, static
        self.span = span
        self.code = source.code[slice(*span)]

    @property
    def text(self):
        """As it is in the file, with strings."""
        return self.source.text[slice(*self.span)]

    @functools.cached_property
    def head(self):
        """What stands in front of the body."""
        return self.code.split("{")[0]

    @functools.cached_property
    def words(self):
        """All names in it."""
        return frozenset(WORD.findall(self.code))

    @functools.cached_property
    def names(self):
        """The names in it that are no members of a struct."""
        return frozenset(NAME.findall(self.code))

    @functools.cached_property
    def registers(self):
        """Whether it is about the life of the module, and about no message."""
        return bool(REGISTERS & self.words) or (
            self.kind == "function" and not {"__init", "__exit"}.isdisjoint(self.head.split()))


class Source:
    """A file, cut by the kernel's own style: a definition begins and ends in column 0."""

    def __init__(self, kernel, path):
        self.kernel, self.path = kernel, path
        self.text = read(f"{kernel}/{path}")
        self.code = blank(self.text)
        self.definitions = []
        self.cut()
        self.by_name = {}
        for definition in self.definitions:
            self.by_name.setdefault(definition.name, []).append(definition)

    def cut(self):
        """Finds the definitions."""
        lines = self.code.splitlines(keepends=True)
        offsets = [0]
        for line in lines:
            offsets.append(offsets[-1] + len(line))
        head, number = None, 0
        while number < len(lines):
            line, bare, first = lines[number], lines[number].rstrip(), number
            number += 1
            if line.startswith("#"):
                while lines[number - 1].rstrip().endswith("\\") and number < len(lines):
                    number += 1
                macro = re.match(r"#\s*define\s+(\w+)", line)
                if macro:
                    self.add("macro", macro[1], (offsets[first], offsets[number]), False)
                continue
            if not bare:
                head = None
                continue
            if head is None:
                if line[0] in " \t})":
                    continue
                head = first
            # A body begins at the end of this line, or is in it.
            whole = bare.endswith(("}", "};")) and "{" in bare
            if bare.endswith("{") or whole:
                while not whole and number < len(lines) and not lines[number].startswith("}"):
                    number += 1
                number += 0 if whole else 1
                number = min(number, len(lines))
                end = offsets[first] + bare.index("{")
                self.define(self.code[offsets[head]:end], (offsets[head], offsets[number]))
                head = None
            elif bare.endswith(";"):
                front = self.code[offsets[head]:offsets[number]]
                if "=" in front:
                    self.define(front[:front.index("=") + 1], (offsets[head], offsets[number]))
                head = None

    def define(self, front, span):
        """A definition by what stands in front of its body."""
        static = re.search(r"\bstatic\b", front) is not None
        variable = front.rstrip().endswith("=") and VARIABLE.search(front)
        if variable:
            self.add("variable", variable[1], span, static)
            return
        for match in re.finditer(r"(\w+)\s*\(", front):
            if match[1] not in NO_FUNCTIONS:
                self.add("function", match[1], span, static)
                return

    def add(self, kind, name, span, static):
        """What is in a header is there for all."""
        static = (static or kind == "macro") and not self.path.endswith(".h")
        self.definitions.append(Definition(self, kind, name, span, static))


@functools.cache
def source(kernel, path):
    """A file; many families may share it."""
    return Source(kernel, path)


# The files of a family.

@functools.cache
def makefile(kernel, folder):
    """The assignments of a Makefile: what is left of the sign, and the objects."""
    rules = {}
    text = re.sub(r"\\\n", " ", re.sub(r"#.*", "", read(f"{kernel}/{folder}/Makefile")))
    for left, right in re.findall(r"^\s*(\w[^=:+\n]*?)\s*[:+]?=\s*(.*)$", text, re.M):
        rules.setdefault(left, []).extend(right.split())
    return rules


@functools.cache
def is_tristate(kernel, folder, config):
    """Whether what CONFIG_... asks for can be a module, by the Kconfig next to it."""
    entry = re.compile(rf"^(?:menu)?config {config}\n(?:\s+.*\n|\n)*?\s+(?:def_)?(tristate|bool)\b", re.M)
    while folder:
        for name in sorted(os.listdir(f"{kernel}/{folder}")):
            match = name.startswith("Kconfig") and entry.search(read(f"{kernel}/{folder}/{name}"))
            if match:
                return match[1] == "tristate"
        folder = os.path.dirname(folder)
    return False


def can_be_module(kernel, folder, left):
    """Whether the objects of 'obj-...' can be modules."""
    configs = re.findall(r"CONFIG_(\w+)", left)
    return left == "obj-m" or "subst m,y" not in left and any(
        is_tristate(kernel, folder, config) for config in configs)


@functools.cache
def unit_of(kernel, path):
    """What a file is linked into: (folder, object or nothing, whether it can be a module)."""
    folder, name = os.path.split(path)
    rules = makefile(kernel, folder)

    def linked(wanted):
        return (left for left, right in rules.items() if wanted in right)
    for left in linked(f"{name[:-2]}.o"):
        match = re.fullmatch(r"(\w[\w-]*?)-(?:y|objs|\$\([^)]*\))", left)
        if match and match[1] not in ("obj", "lib"):
            return folder, match[1], any(can_be_module(kernel, folder, one)
                                         for one in linked(f"{match[1]}.o"))
    for left in linked(f"{name[:-2]}.o"):
        if can_be_module(kernel, folder, left):
            return folder, name[:-2], True
    return folder, "", False


def files_of(kernel, folder, name, is_module):
    """The sources that are linked together, and the headers beside them."""
    paths = []
    for left, right in makefile(kernel, folder).items():
        mine = name and re.fullmatch(rf"{re.escape(name)}-(y|objs|\$\(.*\))", left)
        beside = not is_module and left.startswith("obj-") and not can_be_module(kernel, folder, left)
        for one in right if mine or beside else ():
            path = os.path.normpath(f"{folder}/{one[:-2]}.c")
            if one.endswith(".o") and os.path.exists(f"{kernel}/{path}") and (
                    mine or USES_GENL.search(read(f"{kernel}/{path}"))):
                paths.append(path)
    paths = paths or [f"{folder}/{name}.c"]
    paths += [f"{folder}/{one}" for one in sorted(os.listdir(f"{kernel}/{folder}")) if one.endswith(".h")]
    return list(dict.fromkeys(paths))


class Unit:
    """What is linked together: a module, or what of a folder is built in."""

    def __init__(self, kernel, folder, name, is_module):
        self.kernel, self.folder, self.name, self.is_module = kernel, folder, name, is_module
        self.sources = [source(kernel, path) for path in files_of(kernel, folder, name, is_module)]
        self.globals = {}
        for one in self.sources:
            # Events are no part of a protocol.
            for definition in one.definitions if "TRACE_SYSTEM" not in one.by_name else ():
                if not definition.static:
                    self.globals.setdefault(definition.name, []).append(definition)

    def find(self, name, where):
        """The definitions that a name means in a file."""
        return where.by_name.get(name) or self.globals.get(name, ())


@functools.cache
def unit(kernel, folder, name, is_module):
    """The same one for all families in it."""
    return Unit(kernel, folder, name, is_module)


def constant(where, file, name):
    """What a macro of the unit, or of a header that the file includes, stands for."""
    texts = [definition.text for definition in where.find(name, file)]
    waiting, seen = [file.text], set()
    while not texts and waiting:
        text = waiting.pop(0)
        for header in re.findall(r"^#\s*include\s+[<\"](.+)[>\"]", text, re.M):
            for folder in ("include/uapi", "include", os.path.dirname(file.path)):
                path = f"{where.kernel}/{folder}/{header}"
                if path not in seen:
                    seen.add(path)
                    waiting.append(read(path))
        texts = re.findall(rf"^#\s*define\s+{name}\s.*", text, re.M)
    if not texts:
        sys.exit(f"{file.path}: {name} is defined in no header that it includes")
    return re.sub(r"/\*.*", "", re.sub(r"^#\s*define\s+\w+\s+", "", texts[0])).strip()


# The words of netlink.

def members(code, struct):
    """The members of a struct."""
    match = re.search(rf"^struct\s+{struct}\s*\{{(.*?)^\}}", code, re.M | re.S)
    if not match:
        return set()
    return set(re.findall(r"\(\*(\w+)\)|(?<=[\s*])(\w+)(?:\[[^\]]*\])?(?:\s*:\s*\d+)?(?=\s*[;,])", match[1]))


@functools.cache
def vocabulary(kernel):
    """What the headers give to families: names by header, and 'struct.member'."""
    names, code = {}, ""
    for header in HEADERS:
        text = blank(read(f"{kernel}/{header}"))
        code += text
        found = set(re.findall(r"^#\s*define\s+(\w+)", text, re.M))
        # Declarations and inline functions.
        found |= set(re.findall(r"^(?:[a-z][\w\s]*?[\s*])?(\w+)\(", text, re.M))
        for body in re.findall(r"^enum\s*\w*\s*\{(.*?)^\}", text, re.M | re.S):
            found |= set(re.findall(r"^\s*(\w+)\s*[,=\n}]", body, re.M))
        names[header] = found
    fields = {}
    for struct in (*INITIALIZED, *POINTED):
        fields[struct] = {a or b for a, b in members(code, struct)}
    return names, fields


# A family, and what it needs.

class Family:
    """A family of the kernel: its struct, and all that it reaches by name."""

    def __init__(self, definition, where):
        self.definition, self.unit = definition, where
        self.others = []
        self.fields = dict(re.findall(r"^\s*\.(\w+)\s*=\s*(.*?),?\s*$", definition.code, re.M))

    @functools.cached_property
    def name(self):
        """As user space asks for it."""
        value = re.search(r"\.name\s*=\s*([^,\n]+)", self.definition.text)[1].strip()
        while not value.startswith('"'):
            value = constant(self.unit, self.definition.source, value)
        return value.strip('"')

    @property
    def is_core(self):
        """Whether it is that of the core itself."""
        return "genl_register_family" in self.unit.globals

    def mentions(self, definition):
        """Whether a definition names the family's struct."""
        return (self.definition.name in definition.words and
                (not self.definition.static or definition.source is self.definition.source))

    @functools.cached_property
    def reached(self):
        """All definitions that belong to the family, each with the one that led to it."""
        genl = vocabulary(self.unit.kernel)[0][GENETLINK]
        reached, waiting = {}, [(self.definition, None)]
        for definition in (one for file in self.unit.sources for one in file.definitions):
            if definition.kind != "macro" and not definition.registers and (
                    self.mentions(definition) or
                    not self.others and not self.is_core and genl & definition.names):
                waiting.append((definition, None))
        while waiting:
            definition, parent = waiting.pop()
            if definition in reached:
                continue
            reached[definition] = parent
            for name in definition.names:
                for found in self.unit.find(name, definition.source):
                    if found not in reached and not found.registers and (
                            self.mentions(found) or
                            not any(other.mentions(found) for other in self.others)):
                        waiting.append((found, definition))
        return reached

    def path(self, definition):
        """The names on the way to a definition."""
        names = []
        while definition:
            names.append(definition.name)
            definition = self.reached.get(definition)
        return " <- ".join(names)

    def arrays(self, *structs):
        """The initializers of arrays of one of these structs that the family reaches."""
        pattern = re.compile(rf"\bstruct\s+({'|'.join(structs)})\b")
        return [one for one in self.reached if one.kind == "variable" and pattern.search(one.head)]

    def count(self, field):
        """The entries of an array that the struct names."""
        total = 0
        for definition in self.unit.find(self.fields.get(field, ""), self.definition.source):
            body = re.sub(r"^#.*", "", definition.code, flags=re.M)
            total += sum(part != "" for part in arguments(body, body.index("{") + 1))
        return total

    @functools.cached_property
    def demands(self):
        """What it asks of netlink: a dict from a name of families.toml to the definitions."""
        found = {}

        def add(name, definition):
            found.setdefault(name, []).append(definition)
        if self.is_core:
            add("@core", self.definition)
            return found
        words, fields = vocabulary(self.unit.kernel)
        known = frozenset().union(*words.values(), names_of_needs())
        for definition in self.reached:
            for name in known & definition.names:
                add(name, definition)
            for struct, pattern in POINTED.items() if POINTERS & definition.words else ():
                for name in fields[struct].intersection(pattern.findall(definition.code)):
                    add(f"{struct}.{name}", definition)
        for struct in INITIALIZED:
            for definition in self.arrays(struct):
                for name, value in re.findall(r"\.(\w+)\s*=\s*([^,}\n]*)", definition.code):
                    if name in fields[struct] and value.strip() not in ("0", "false", "NULL"):
                        add(f"{struct}.{name}", definition)
        for name, detector in DETECTORS.items():
            for definition in detector(self):
                add(name, definition)
        return found


def families(kernel):
    """All of them, in the order of their paths."""
    pattern = re.compile(r"\bstruct\s+genl_family\s+\w+\s*(__\w+\s*)?=")
    paths = subprocess.run(["grep", "-rlE", "--include=*.c", "--exclude-dir=tools",
                            r"struct genl_family \w+.*=", "."],
                           cwd=kernel, capture_output=True, text=True, check=False).stdout.split()
    result = []
    for path in sorted(path.removeprefix("./") for path in paths):
        for definition in source(kernel, path).definitions:
            front = definition.code.partition("=")
            if definition.kind == "variable" and pattern.search(front[0] + front[1]):
                result.append(Family(definition, unit(kernel, *unit_of(kernel, path))))
    for family in result:
        family.others = [other for other in result
                         if other.unit is family.unit and other is not family]
    return result


# Needs that are no name.

# Which argument of a call has the allocation flags.
FLAGS = {
    "genlmsg_new": 1, "nlmsg_new": 1, "genlmsg_multicast": 4, "genlmsg_multicast_netns": 5,
    "genlmsg_multicast_netns_filtered": 5, "genlmsg_multicast_allns": 4, "genl_notify": 4,
    "nlmsg_multicast": 4, "nlmsg_multicast_filtered": 4, "nlmsg_notify": 5, "netlink_broadcast": 4,
}
CALL = re.compile(r"\b(\w+)\s*\(([^;{}()]*)\)")
LOOP = re.compile(r"^(\t+)nla_for_each_nested\s*\(\s*(\w+)\s*,(?:[^;{}()]|\([^;{}()]*\))*\)\s*(\{)?", re.M)
SENDS = re.compile(rf"\b({'|'.join(FLAGS)})\s*\(")


def arguments(code, start):
    """The arguments of a call whose parenthesis is in front of this place."""
    depth, parts = 0, [""]
    for sign in code[start:]:
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            if depth == 0:
                return [part.strip() for part in parts]
            depth -= 1
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return []


@functools.cache
def flags_of_sends(definition):
    """What a definition gives as allocation flags where it makes or sends messages."""
    if definition.kind == "macro" or not definition.names.intersection(FLAGS):
        return []
    given = []
    for match in SENDS.finditer(definition.code):
        given += arguments(definition.code, match.end())[FLAGS[match[1]]:][:1]
    return given


def sends_with(pattern):
    """A detector of sends whose flags have this pattern."""
    def detector(family):
        return [one for one in family.reached
                if any(re.search(pattern, flags) for flags in flags_of_sends(one))]
    return detector


def several(family):
    """More than one family in what can be, or is built like, a module."""
    return [family.definition] if family.others else []


def registers_first(family):
    """Other steps of the start follow the registration, and can fail."""
    starts = [one for file in family.unit.sources for one in file.definitions if one.kind == "function"]
    steps = {one: "genl_register_family" for one in starts
             if family.mentions(one) and "genl_register_family" in one.names}
    # The function that registers may itself be a step of the start.
    for _ in range(2):
        for step in list(steps):
            for one in starts:
                if one not in steps and step.name in one.names and (
                        not step.static or one.source is step.source):
                    steps[one] = step.name
    for one, step in steps.items():
        body = one.code[one.code.find("{"):]
        match = re.search(rf"\b{step}\b[^;]*;", body)
        # Another call whose result is looked at.
        if match and re.search(r"^\t\s*[\w>.-]+\s*=\s*\w+\([^;]*;\s*if\s*\(|"
                               r"^\t\s*if\s*\(!?\w+\([^;{]*\)\)", body[match.end():], re.M):
            yield one


def unchecked_nests(family):
    """NLA_NESTED in a policy that says nothing of what is in it."""
    for definition in family.arrays("nla_policy"):
        if any("nested_policy" not in entry
               for entry in re.findall(r"\{[^{}]*\bNLA_NESTED\b[^{}]*\}", definition.code)):
            yield definition


def values_of_lists(family):
    """Elements of a nest that are no nests themselves, whatever their numbers."""
    for one in family.reached:
        for match in LOOP.finditer(one.code) if one.kind == "function" else ():
            body = one.code[match.end():]
            # To the end of the block, or of the statement.
            body = body[:re.search(r"^" + match[1] + r"\}" if match[3] else ";", body, re.M).end()]
            if re.search(rf"\bnla_(get_\w+|data|len|memcpy|memdup|strscpy|strdup)\s*\([^;]*\b{match[2]}\b",
                         body):
                yield one


def checks_of_bytes(family):
    """NLA_POLICY_VALIDATE_FN() of what is no number."""
    for definition in family.arrays("nla_policy"):
        if re.search(r"\bNLA_POLICY_VALIDATE_FN\s*\(\s*"
                     r"NLA_(BINARY|STRING|NUL_STRING|MSECS|UINT|SINT|BE\d+)\b", definition.code):
            yield definition


def reserved_name(family):
    """Names that the core compares with."""
    core = read(f"{family.unit.kernel}/net/netlink/genetlink.c")
    if family.name in re.findall(r'strcmp\(family->name, "(\w+)"\)', core):
        yield family.definition


def no_attributes(family):
    """Reads what is behind the header by itself, and has no policy at all."""
    if "policy" in family.fields or any(re.search(r"\.policy\b", one.code) for one in family.arrays(
            "genl_ops", "genl_small_ops", "genl_split_ops")):
        return []
    return [one for one in family.reached if "nlmsg_attrlen" in one.names]


def foreign_writer(family):
    """Exports a function that returns a message that is half made."""
    functions = [one for file in {one.source for one in family.reached}
                 for one in file.definitions if one.kind == "function"]
    makers = {one.name for one in functions if family.mentions(one) and not one.registers}
    for _ in range(2):
        makers |= {one.name for one in functions if makers & one.names}
    for one in functions:
        if one.name in makers and re.search(r"\bstruct\s+sk_buff\s*\*", one.head.split("(")[0]) and (
                re.search(rf"\bEXPORT_SYMBOL(_GPL)?\({one.name}\)", one.source.code)):
            yield one


def several_messages(family):
    """A do, or what it calls, that ends with NLMSG_DONE what it has sent."""
    return [one for one in family.reached if "NLMSG_DONE" in one.names]


def goes_on(family):
    """Fills a message to the last object or part of one, and goes on in the next."""
    for one in family.reached:
        if "start_again" in one.names or "EMSGSIZE" in one.names and re.search(
                r"\bnla_nest_end\([^;]*;\s*(?:[^;{}]*;\s*)?return -EMSGSIZE", one.code):
            yield one


def closed_socket(family):
    """Is told when a socket is closed."""
    for file in {one.source for one in family.reached}:
        for one in file.definitions:
            if "NETLINK_URELEASE" in one.names:
                yield one


def extack_handed_on(family):
    """The extended ack, or the request, goes to a function of other files."""
    words = frozenset().union(*vocabulary(family.unit.kernel)[0].values())
    for one in family.reached:
        calls = CALL.findall(one.code[one.code.find("{"):]) if "extack" in one.words else ()
        if any("extack" in WORD.findall(given) and name not in words
               and not family.unit.find(name, one.source) for name, given in calls):
            yield one


DETECTORS = {
    "@gfp-atomic": sends_with(r"\bGFP_(ATOMIC|NOWAIT)\b"),
    "@gfp-nofs": sends_with(r"\bGFP_NOFS\b"),
    "@gfp-noio": sends_with(r"\bGFP_NOIO\b"),
    "@gfp-caller": sends_with(r"^[^G]*$|in_(atomic|interrupt|softirq)|gfp_any"),
    "@several": several,
    "@registers-first": registers_first,
    "@unchecked-nest": unchecked_nests,
    "@values": values_of_lists,
    "@check-of-bytes": checks_of_bytes,
    "@reserved-name": reserved_name,
    "@no-attributes": no_attributes,
    "@foreign-writer": foreign_writer,
    "@several-messages": several_messages,
    "@goes-on": goes_on,
    "@closed-socket": closed_socket,
    "@extack-handed-on": extack_handed_on,
}


@functools.cache
def needs():
    """families.toml: the needs, in the order of the page."""
    with open(f"{TOP}/scripts/check/families.toml", "rb") as file:
        return tomllib.load(file)["need"]


@functools.cache
def need_of():
    """From a name to its need."""
    table = {}
    for need in needs():
        for name in need["names"]:
            if name in table:
                sys.exit(f"families.toml: {name} is in two lists")
            table[name] = need
    return table


@functools.cache
def names_of_needs():
    """All names of the lists that are words of C."""
    return frozenset(name for need in needs() for name in need["names"] if WORD.fullmatch(name))


# What rust/genl has.

BLOCK = re.compile(r"^(?:pub(?P<private>\([^)]*\))? )?(?:unsafe )?(?P<kind>impl|trait|enum)\b(?P<rest>.*)$")


def subject(kind, rest):
    """The type that a block is about, and whether what is in it is public by itself."""
    if kind != "impl":
        return re.match(r"\s*(\w+)", rest)[1], True
    depth, at = 0, 0
    if rest.startswith("<"):
        for at, sign in enumerate(rest):
            depth += (sign == "<") - (sign == ">" and rest[at - 1] != "-")
            if depth == 0:
                break
        at += 1
    rest = rest[at:]
    for_type = re.search(r"\bfor\s+(?:\w+::)*(\w+)", rest)
    plain = re.match(r"\s*(?:\w+::)*(\w+)", rest)
    return (for_type or plain)[1], for_type is not None


@functools.cache
def items(folder=f"{TOP}/rust/genl"):
    """The public items of the framework: from 'Type::item' and 'item' to how it is declared."""
    found = {}
    shown = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".rs"):
            continue
        text = read(f"{folder}/{name}")
        lines = text.splitlines()
        module = "" if name == "mod.rs" else f"{name[:-3]}::"
        # What a module shows of others.
        for block in re.findall(r"^pub use super::\{(.*?)\};$", text, re.M | re.S):
            shown += [(module, item) for item in re.findall(r"\b[A-Z]\w*", block)]
        block, listed = None, False
        for number, line in enumerate(lines):
            match = BLOCK.match(line)
            if match and not line.rstrip().endswith("}"):
                block = subject(match["kind"], match["rest"])
                block = (*block, match["kind"])
            elif line.startswith("}"):
                block, listed = None, False
            listed = listed or re.match(r"\w+! \{$", line) is not None
            top = re.match(r"(?:pub (?:const |unsafe )*(?:fn|struct|enum|trait|type|const|union)|"
                           r"macro_rules!) (\w+)", line)
            inner = block and re.match(r"    (pub )?(?:const |unsafe |async )*(?:fn|const|type) (\w+)", line)
            # A macro that makes a type of the name that it is given, or of each in a list.
            top = top or re.match(r"\w+!\(\s*([A-Z]\w*),", "".join(lines[number:number + 2]))
            top = top or (re.match(r"    ([A-Z]\w*)(?:: .*)?;$", line) if listed else None)
            if top:
                found[top[1]] = found[module + top[1]] = line
            elif inner and (inner[1] or block[1]):
                text = " ".join(lines[number:number + 12])
                found[f"{block[0]}::{inner[2]}"] = re.split(r"[{;]", text)[0]
            elif block and block[2] == "enum" and re.match(r"    \w+\b\s*(?:[,({=]|$)", line):
                found[f"{block[0]}::{line.split()[0].strip(',')}"] = line
    return found | {module + item: found[item] for module, item in shown if item in found}


def is_there(item):
    """Whether an item of families.toml exists; 'item(flags)' wants that argument as well."""
    name, _, argument = item.rstrip(")").partition("(")
    return name in items() and (not argument or re.search(rf"\b{argument}:", items()[name]) is not None)


def is_served(need):
    """Whether rust/genl has what a need asks for."""
    return "rust" in need and all(is_there(item) for item in need["rust"])


# The page.

def needs_of(family):
    """The needs of a family that are not ordinary, in the order of families.toml."""
    found = {id(need_of()[name]) for name in family.demands if name in need_of()}
    return [need for need in needs() if id(need) in found and not need.get("ordinary")]


def unknown(found):
    """The words of netlink that are in no list: from a word to the families."""
    words = {}
    for family in found:
        for name in family.demands:
            if name not in need_of():
                words.setdefault(name, []).append(family.name)
    return words


def answer(need):
    """What serves a need, or why nothing does."""
    if is_served(need):
        return ", ".join(f"[`{item.split('(')[0]}`]" for item in need["rust"]) + (
            f": {need['how']}" if "how" in need else "")
    if "rust" not in need:
        return f"**not here**: {need['why']}"
    return "**not here**: " + ", ".join(f"`{item}` is missing" for item in need["rust"] if not is_there(item))


def words_of(need):
    """The words of C, for the page."""
    words = [f"`{name}`" for name in need["names"] if name[0] != "@"]
    return ", ".join([need["c"]] + words if "c" in need else words)


def wrap(text, indent=""):
    """A paragraph."""
    return "\n".join(textwrap.wrap(" ".join(text.split()), 100, break_long_words=False,
                                   break_on_hyphens=False, subsequent_indent=indent)) + "\n"


def page(found, release):
    """The whole page."""
    rows, left = [], []
    for family in found:
        wanted = needs_of(family)
        here = [need["name"] for need in wanted if is_served(need)]
        missing = [need for need in wanted if not is_served(need)]
        if missing:
            left.append(wrap(f"- `{family.name}`: " + "; ".join(
                need["name"] + (f" ({need['why']})" if "why" in need else "") for need in missing), "  "))
        where = family.unit.folder + ("" if family.unit.is_module else " (built in)")
        ops = sum(family.count(field) for field in ("ops", "small_ops", "split_ops"))
        rows.append(f"| `{family.name}` | {where} | {ops} | {family.count('mcgrps')} | {', '.join(here)} | "
                    f"{', '.join(need['name'] for need in missing)} |")
    text = ["<!-- SPDX-License-Identifier: GPL-2.0 -->\n"
            "<!-- Made by scripts/check/families.py from the sources of the kernel and\n"
            "     scripts/check/families.toml. Do not edit: scripts/check/families.py --write. -->\n"
            "Which generic netlink families of the kernel could be written with this framework.\n"]
    text.append(wrap(f"""
        Linux {release} has {len(found)} families in C. **{len(found) - len(left)} need nothing that is
        not here**; {len(left)} do. A script reads the sources: each word that the headers of netlink
        give to families, and that a family uses, is among the needs below, or `make check` fails. It
        does not see what a family needs of the kernel beside netlink. That a need is served means that
        there is an item for it, not that the family was ported."""))
    text.append("These need more, each with the reason why it is not here:\n")
    text.append("".join(left))
    text.append("# Needs\n")
    text.append("What all or nearly all families have, and what serves it:\n")
    text.append("".join(wrap(f"- {need['name']}: {answer(need)}", "  ")
                        for need in needs() if need.get("ordinary")))
    text.append("What some have:\n")
    counts = {need["name"]: sum(need in needs_of(family) for family in found) for need in needs()}
    text.append("| need | in C | families | here |\n|---|---|---|---|\n" + "".join(
        f"| {need['name']} | {words_of(need)} | {counts[need['name']]} | {answer(need)} |\n"
        for need in needs() if not need.get("ordinary")))
    text.append("# Families\n")
    text.append("| family | sources | operations | groups | needs that are served | needs that are not |\n"
                "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(text)


def release_of(kernel):
    """The version, from the first lines of the Makefile of the sources."""
    numbers = re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)", read(f"{kernel}/Makefile"), re.M)
    return ".".join(numbers[:3])


# The checks.

class Tap:
    """Counts and prints the results of a part of the checks."""

    def __init__(self, part="families"):
        self.part = part
        self.number = self.failed = self.skipped = 0

    def result(self, good, name, *lines, skip=""):
        """One result; the lines say what is wrong."""
        self.number += 1
        self.skipped += bool(skip)
        self.failed += not (good or skip)
        print(f"{'' if good or skip else 'not '}ok {self.number} {self.part}: {name}"
              f"{' # SKIP ' if skip else ''}{skip}")
        for line in () if good or skip else lines:
            print(f"# {line}")

    def end(self):
        """The last line."""
        print(f"1..{self.number}")
        print(f"{self.number - self.failed - self.skipped} passed, {self.failed} failed, "
              f"{self.skipped} skipped")
        return 1 if self.failed else 0


def stray(kernel, found):
    """What uses something of genetlink.h, and was reached for no family."""
    genl = vocabulary(kernel)[0][GENETLINK]
    reached = frozenset().union(*(family.reached for family in found))
    core = {file.path for family in found if family.is_core for file in family.unit.sources}
    command = ["grep", "-rlE", "--include=*.c", USES_GENL.pattern, "."]
    command += [f"--exclude-dir={name}" for name in ("tools", "samples", "Documentation", "arch", "rust")]
    paths = subprocess.run(command, cwd=kernel, capture_output=True, text=True, check=False).stdout
    return [f"{path}: {one.name}" for path in sorted(name[2:] for name in paths.split())
            if path not in core for one in source(kernel, path).definitions
            if one.kind == "function" and genl & one.names and not one.registers and one not in reached]


def check(kernel):
    """All checks, as TAP."""
    tap = Tap()
    print("TAP version 13")
    found, old = families(kernel), read(f"{TOP}/{PAGE}")
    release = release_of(kernel)
    skip = "" if f"Linux {release} has " in old else f"these are the sources of {release}"
    command = ["grep", "-rhE", "--include=*.c", "--exclude-dir=tools",
               r"^(static )?struct genl_family \w+( __ro_after_init)? = \{$", "."]
    counted = subprocess.run(command, cwd=kernel, capture_output=True, text=True,
                             check=False).stdout.splitlines()
    tap.result(len(found) == len(counted), "each family of the sources is seen",
               f"{len(counted)} are initialized, {len(found)} are in the table")
    strays = stray(kernel, found)
    tap.result(not strays, "each function of the sources that uses genetlink.h is of a family", *strays)
    words = unknown(found)
    tap.result(not words, "each word that they use is in a list of families.toml",
               *(f"{name}: {', '.join(users[:5])}" for name, users in sorted(words.items())),
               skip=skip)
    used = {name for family in found for name in family.demands}
    unused = [name for need in needs() for name in need["names"] if name not in used]
    tap.result(not unused, "each word of families.toml is used by a family", ", ".join(unused),
               skip=skip)
    served = sum(all(is_served(need) for need in needs_of(family)) for family in found)
    tap.result(served >= SERVED, f"at least {SERVED} families need nothing that is not here",
               f"these are {served}", skip=skip)
    for need in needs():
        if "rust" in need:
            missing = [item for item in need["rust"] if not is_there(item)]
            tap.result(not missing, f"{need['name']}: what serves it is there", *missing)
    old, new = old.splitlines(), page(found, release).splitlines()
    tap.result(new == old, f"{PAGE} is fresh: scripts/check/families.py --write",
               *difflib.unified_diff(old, new, "committed", "from the sources", n=0, lineterm=""),
               skip=skip)
    return tap.end()


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", default=f"{TOP}/.build/kernel/current/src", metavar="SOURCES",
                        help="else those of the kernel that is prepared")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    what.add_argument("--why", nargs=2, metavar=("FAMILY", "NEED"))
    args = parser.parse_args()
    if args.check:
        return check(args.kernel)
    found = families(args.kernel)
    if args.why:
        for family in found:
            for name, definitions in family.demands.items() if family.name == args.why[0] else ():
                if need_of().get(name, {}).get("name") == args.why[1]:
                    for one in definitions:
                        print(f"{one.source.path}: {name}: {family.path(one)}")
        return 0
    for name, users in sorted(unknown(found).items()):
        print(f"{name} is in no list of families.toml: {', '.join(users[:5])}", file=sys.stderr)
    with open(f"{TOP}/{PAGE}", "w", encoding="utf-8") as file:
        file.write(page(found, release_of(args.kernel)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
