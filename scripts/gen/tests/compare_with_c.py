#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compares what scripts/gen/genl_gen.py makes of the kernel's specs with what the
kernel's own generator has made of them in C: TAP on standard output.

All generic netlink specs of the kernel and those of scripts/gen/tests are
generated, each with a handler that refuses everything, and compiled together, with
the flags of nlpeer. The C that is checked in beside 17 of them is compiled with the
flags of the modules. Then the tables are read from the object files, as the core of
generic netlink would read them, and each operation, attribute, limit and group must
be the same in both.

Differences that are on purpose are named in ON_PURPOSE.

Of an enum with gaps it only sees that both check it by a function. Where the core
takes two forms of a rule for the same one (a maximum, and a range that begins at 0)
they count as the same.

For the specs without C the generator of the kernel is asked, and what that makes is
compared as well. A spec that is refused, or that has no C at all, is a failure; only of
nlctrl, which is the core's, there are no tables.

What is made must not be longer than the limits below, nor take longer to compile, and
rustdoc must have nothing to say about the documentation that it takes over.

  scripts/gen/tests/compare_with_c.py --kernel DIR --mod DIR [--table FILE] [--change-limit] [SPEC ...]

--table writes a table of all specs. --change-limit changes a limit in one spec in front of
the Rust side: exactly that family must then differ.
"""

import argparse
import concurrent.futures
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

TOP = os.path.abspath(f"{os.path.dirname(os.path.abspath(__file__))}/../../..")
sys.path += [f"{TOP}/scripts/gen", f"{TOP}/scripts/check"]

# pylint: disable=wrong-import-position
from compile_fail import CHECKING, Compiler  # noqa: E402
from genl_model import build as model_of  # noqa: E402
from genl_spec import SpecErrors, load  # noqa: E402
from rustdoc import flags_of  # noqa: E402
from skeleton import crate_of, write_family  # noqa: E402

GENERATOR = f"{TOP}/scripts/gen/tests"
# The spec with all names of rust/genl, which is made here, and those of this folder.
SHADOW = "shadow"
OURS = ("every", "names", "few", SHADOW)
# The most lines of Rust: as a multiple of those of C where that is checked in, for some specs, and
# for all of the kernel. And the most seconds of processor time to compile devlink with all of
# rust/genl, without optimization.
C_LINES, LINES_MAX, LINES_ALL = 1.6, {"devlink": 2500, "netdev": 900}, 16000
SECONDS_MAX = 8
# How many specs of the kernel there are at least, and how many of them with C that is checked in:
# what is not looked at has no limit that it could exceed.
SPECS_LEAST, C_LEAST = 25, 17

# What is read of the structures of C, and where it is there: the compiler says.
LAYOUT = """
#include <net/genetlink.h>
#define F(t, m) offsetof(struct t, m), sizeof(((struct t *)0)->m)
const unsigned int layout[] = {
	sizeof(struct nla_policy), F(nla_policy, type), F(nla_policy, validation_type),
	F(nla_policy, len), F(nla_policy, min), F(nla_policy, max), F(nla_policy, mask),
	sizeof(struct genl_split_ops), F(genl_split_ops, cmd), F(genl_split_ops, flags),
	F(genl_split_ops, validate), F(genl_split_ops, policy), F(genl_split_ops, maxattr),
	sizeof(struct genl_ops), F(genl_ops, cmd), F(genl_ops, flags), F(genl_ops, validate),
	F(genl_ops, policy), F(genl_ops, maxattr), F(genl_ops, doit), F(genl_ops, dumpit),
	sizeof(struct genl_small_ops), F(genl_small_ops, cmd), F(genl_small_ops, flags),
	F(genl_small_ops, validate), F(genl_small_ops, doit), F(genl_small_ops, dumpit),
	sizeof(struct genl_multicast_group), F(genl_multicast_group, name),
	F(genl_multicast_group, flags),
	sizeof(struct genl_family), F(genl_family, name), F(genl_family, version),
	F(genl_family, split_ops), F(genl_family, n_split_ops), F(genl_family, mcgrps),
	F(genl_family, n_mcgrps),
	NLA_NESTED, NLA_NESTED_ARRAY, NLA_BINARY, NLA_BITFIELD32, NLA_STRING, NLA_NUL_STRING,
	NLA_U8, NLA_U16, NLA_U32, NLA_U64, NLA_S8, NLA_S16, NLA_S32, NLA_S64, NLA_UINT, NLA_SINT,
	NLA_BE16, NLA_BE32,
	NLA_VALIDATE_NONE, NLA_VALIDATE_RANGE, NLA_VALIDATE_RANGE_WARN_TOO_LONG,
	NLA_VALIDATE_MIN, NLA_VALIDATE_MAX, NLA_VALIDATE_MASK, NLA_VALIDATE_RANGE_PTR,
	NLA_VALIDATE_FUNCTION,
	GENL_CMD_CAP_DO, GENL_CMD_CAP_DUMP, GENL_DONT_VALIDATE_STRICT,
	GENL_DONT_VALIDATE_DUMP, GENL_DONT_VALIDATE_DUMP_STRICT,
};
"""


# Where the generator of C does what the schema does not say: what differs, as regular expressions.
SHORT, DROP = "what is shorter than a struct is none", "the spec leaves an action out"
ON_PURPOSE = {
    "every": {
        "/groups/1/flags: Rust has 1, C has 0":
            "the flags of a group are its permission",
        "/ops/1 do/policy/24/min: Rust has 8, C has 0": SHORT,
        "/ops/1 do/policy/26/type: Rust has 'NLA_NUL_STRING', C has 'NLA_STRING'":
            "strings that come several times end with a NUL as well",
        "/ops/1 do/policy/37/mask: Rust has 24, C has 3":
            "a mask has the bits of its flags, not as many from bit 0 on",
    },
    # The sizes are those of struct ovs_key_* and ovs_action_* in linux/openvswitch.h. That has an
    # action 24, drop, which the spec leaves out: what comes behind it has another number there.
    "ovs_flow": {
        r"/ops/\d (do|dump)/policy.*/nest/(4|7)/min: Rust has 12, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/8/min: Rust has 40, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/(9|10|17|21)/min: Rust has 4, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/(11|12|32)/min: Rust has 2, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/13/min: Rust has 24, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/14/min: Rust has 28, C has 0": SHORT,
        r"/ops/\d (do|dump)/policy.*/nest/26/min: Rust has 16, C has 0": SHORT,
        r"/ops/1 do/policy/2/nest/4/min: Rust has 4, C has 0": SHORT,
        r"/ops/1 do/policy/2/nest/(8|9)/min: Rust has 8, C has 0": SHORT,
        r"/ops/1 do/policy/2/nest/22/min: Rust has 12, C has 0": SHORT,
        r"/ops/1 do/policy/2/(.*/)?maxattr: Rust has 24, C has 25": DROP,
        r"/ops/1 do/policy/2/nest/24: Rust has \{.*\}, C has 'nothing'": DROP,
        r"/ops/1 do/policy/2/nest/25: Rust has 'nothing', C has \{.*\}": DROP,
    },
}


class Layout:
    """The layout of the structures, as the compiler of C sees it."""

    def __init__(self, numbers):
        numbers = list(numbers)
        words = re.findall(r"sizeof\(struct (\w+)\)|F\((\w+), (\w+)\)|\b(NLA_\w+|GENL_\w+)\b",
                           LAYOUT[LAYOUT.index("{"):])
        self.size, self.member, self.const = {}, {}, {}
        for size, type_, member, const in words:
            if size:
                self.size[size] = numbers.pop(0)
            elif type_:
                self.member[type_, member] = (numbers.pop(0), numbers.pop(0))
            else:
                self.const[const] = numbers.pop(0)
        assert not numbers, "the layout has more numbers than names"


class Elf:
    """The data of an object file for 64-bit little-endian machines, with its relocations."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        shoff, = struct.unpack_from("<Q", self.data, 40)
        shentsize, shnum, _ = struct.unpack_from("<HHH", self.data, 58)
        if shnum == 0:
            shnum, = struct.unpack_from("<Q", self.data, shoff + 32)
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + i * shentsize)
                         for i in range(shnum)]
        self.symbols, self.relocations = [], {}
        extended = next((s for s in self.sections if s[1] == 18), None)
        for index, section in enumerate(self.sections):
            if section[1] == 2:
                strings = self.sections[section[6]][4]
                for i in range(section[5] // 24):
                    name, info, _, shndx, value, size = struct.unpack_from(
                        "<IBBHQQ", self.data, section[4] + i * 24)
                    if shndx == 0xffff:
                        shndx, = struct.unpack_from("<I", self.data, extended[4] + i * 4)
                    end = self.data.index(b"\0", strings + name)
                    self.symbols.append((self.data[strings + name:end].decode(), info & 15, shndx,
                                         value, size))
            del index
        for section in self.sections:
            if section[1] != 4:
                continue
            for i in range(section[5] // 24):
                offset, info, addend = struct.unpack_from("<QQq", self.data, section[4] + i * 24)
                if info & 0xffffffff in (1, 257):  # R_X86_64_64, R_AARCH64_ABS64
                    self.relocations[section[7], offset] = (info >> 32, addend)

    def find(self, pattern):
        """The data objects whose names match: (name, place, size)."""
        return [(name, (shndx, value), size) for name, type_, shndx, value, size in self.symbols
                if type_ == 1 and shndx and re.search(pattern, name)]

    def number(self, place, offset, size, signed=False):
        """A number in the data."""
        section, start = place
        if self.sections[section][1] == 8:
            return 0
        at = self.sections[section][4] + start + offset
        return int.from_bytes(self.data[at:at + size], "little", signed=signed)

    def text(self, place, offset, size):
        """A text that ends with a NUL."""
        section, start = place
        at = self.sections[section][4] + start + offset
        return self.data[at:at + size].split(b"\0")[0].decode()

    def pointer(self, place, offset):
        """Where a pointer points to; None for a null pointer."""
        section, start = place
        entry = self.relocations.get((section, start + offset))
        if entry is None:
            return None
        _, _, shndx, value, _ = self.symbols[entry[0]]
        return (shndx, value + entry[1])


class Tables:
    """The tables of a family in an object file, in the words of the core."""

    def __init__(self, elf, layout):
        self.elf, self.layout = elf, layout

    def get(self, place, type_, member, signed=False):
        """A member of a structure that is a number."""
        offset, size = self.layout.member[type_, member]
        return self.elf.number(place, offset, size, signed)

    def follow(self, place, type_, member):
        """A member of a structure that is a pointer."""
        return self.elf.pointer(place, self.layout.member[type_, member][0])

    def elements(self, place, type_, count):
        """The places of the elements of an array."""
        size = self.layout.size[type_]
        return [(place[0], place[1] + i * size) for i in range(count)]

    def policy(self, place, maxattr, above=()):
        """A policy: a rule for each attribute that has one."""
        if place is None:
            return {}
        if place in above:
            return f"the one {len(above) - above.index(place)} levels above"
        above += (place,)
        rules = {}
        for number, at in enumerate(self.elements(place, "nla_policy", maxattr + 1)):
            # The core never looks at the number 0.
            if number and self.get(at, "nla_policy", "type"):
                rules[number] = self.rule(at, above)
        return rules

    def rule(self, at, above):
        """The rule for one attribute, as nla_get_range_unsigned() and its relatives see it."""
        const = self.layout.const
        names = {value: name for name, value in const.items() if name.startswith("NLA_") and
                 not name.startswith("NLA_VALIDATE")}
        kind = self.get(at, "nla_policy", "type")
        rule = {"type": names.get(kind, kind)}
        length = self.get(at, "nla_policy", "len")
        how = self.get(at, "nla_policy", "validation_type")
        if kind in (const["NLA_NESTED"], const["NLA_NESTED_ARRAY"]):
            inner = self.elf.pointer(at, self.layout.member["nla_policy", "mask"][0])
            rule["maxattr"] = length
            rule["nest"] = self.policy(inner, length, above)
            return rule
        if kind == const["NLA_BITFIELD32"]:
            rule["mask"] = self.get(at, "nla_policy", "mask")
            return rule
        if how == const["NLA_VALIDATE_MASK"]:
            rule["mask"] = self.get(at, "nla_policy", "mask")
        elif how == const["NLA_VALIDATE_FUNCTION"]:
            rule["check"] = "a function"
        elif kind in (const["NLA_STRING"], const["NLA_NUL_STRING"]):
            rule["max-len"] = length
        else:
            bounds = self.bounds(at, kind, how, length)
            if bounds:
                rule["min"], rule["max"] = bounds
        return rule

    def bounds(self, at, kind, how, length):
        """The smallest and the largest value of a number, or the lengths of a binary."""
        const = self.layout.const
        name = {value: name for name, value in const.items()
                if re.fullmatch(r"NLA_(U|S|BE)\w+|NLA_BINARY", name)}.get(kind)
        if name is None:
            return None
        signed = name[4] == "S"
        bits = 16 if kind == const["NLA_BINARY"] else 64 if name.endswith("INT") else \
            int(re.sub(r"\D", "", name))
        low = -(1 << bits - 1) if signed else 0
        high = (1 << bits - signed) - 1
        if kind == const["NLA_BINARY"] and length:
            high = length
        if how in (const["NLA_VALIDATE_RANGE"], const["NLA_VALIDATE_RANGE_WARN_TOO_LONG"]):
            return (self.get(at, "nla_policy", "min", True), self.get(at, "nla_policy", "max", True))
        if how == const["NLA_VALIDATE_MIN"]:
            return (self.get(at, "nla_policy", "min", True), high)
        if how == const["NLA_VALIDATE_MAX"]:
            return (low, self.get(at, "nla_policy", "max", True))
        if how == const["NLA_VALIDATE_RANGE_PTR"]:
            place = self.elf.pointer(at, self.layout.member["nla_policy", "mask"][0])
            return (self.elf.number(place, 0, 8, signed), self.elf.number(place, 8, 8, signed))
        return (low, high)

    def ops(self, place, type_, count, policy=None):
        """The operations, each direction by itself: what genl_get_cmd() makes of a table."""
        const = self.layout.const
        ops = {}
        both = const["GENL_CMD_CAP_DO"] | const["GENL_CMD_CAP_DUMP"]
        strict_do = const["GENL_DONT_VALIDATE_STRICT"]
        dump, strict_dump = const["GENL_DONT_VALIDATE_DUMP"], const["GENL_DONT_VALIDATE_DUMP_STRICT"]
        for at in self.elements(place, type_, count):
            number, flags = self.get(at, type_, "cmd"), self.get(at, type_, "flags")
            validate = self.get(at, type_, "validate")
            if type_ == "genl_split_ops":
                modes = [mode for mode in ("DO", "DUMP") if flags & const[f"GENL_CMD_CAP_{mode}"]]
            else:
                modes = [mode for mode in ("DO", "DUMP")
                         if self.follow(at, type_, mode.lower() + "it")]
            if type_ == "genl_small_ops":
                own, maxattr = policy or (None, 0)
            else:
                own, maxattr = self.follow(at, type_, "policy"), self.get(at, type_, "maxattr")
            for mode in modes:
                if type_ != "genl_split_ops" and mode == "DUMP" and validate & dump:
                    # Nothing of such a dump is looked at, as if it was liberal and had no policy.
                    own, maxattr, validate = None, 0, validate | strict_dump
                # Each flag says something about one direction only.
                mask = strict_do if mode == "DO" else ~strict_do
                ops[number, mode.lower()] = {"flags": flags & ~both, "validate": validate & mask,
                                             "maxattr": maxattr, "policy":
                                             self.policy(own, maxattr)}
        return ops

    def groups(self, place, count):
        """The multicast groups."""
        offset, size = self.layout.member["genl_multicast_group", "name"]
        return [{"name": self.elf.text(at, offset, size),
                 "flags": self.get(at, "genl_multicast_group", "flags")}
                for at in self.elements(place, "genl_multicast_group", count)]

    def family(self, place):
        """All of a family."""
        offset, size = self.layout.member["genl_family", "name"]
        groups = self.follow(place, "genl_family", "mcgrps")
        ops = self.follow(place, "genl_family", "split_ops")
        return {"name": self.elf.text(place, offset, size),
                "version": self.get(place, "genl_family", "version"),
                "ops": self.ops(ops, "genl_split_ops",
                                self.get(place, "genl_family", "n_split_ops")) if ops else {},
                "groups": self.groups(groups, self.get(place, "genl_family", "n_mcgrps"))
                if groups else []}


def c_family(elf, layout, kernel_policy):
    """The tables that the generator of C makes; name and version are not always among them."""
    tables = Tables(elf, layout)
    found = elf.find(r"_nl_family$")
    if found and tables.follow(found[0][1], "genl_family", "split_ops"):
        return tables.family(found[0][1])
    type_ = {"global": "genl_small_ops", "per-op": "genl_ops"}.get(kernel_policy, "genl_split_ops")
    ops = elf.find(r"_nl_ops$")
    groups = elf.find(r"_nl_mcgrps$")
    policy = None
    if type_ == "genl_small_ops":
        name = ops[0][0].removesuffix("_ops")
        _, place, size = elf.find(rf"^{name}_policy$")[0]
        policy = (place, size // layout.size["nla_policy"] - 1)
    family = {"ops": tables.ops(ops[0][1], type_, ops[0][2] // layout.size[type_], policy),
              "groups": []}
    if groups:
        family["groups"] = tables.groups(groups[0][1],
                                         groups[0][2] // layout.size["genl_multicast_group"])
    return family


def differences(rust, c, path=""):
    """All fields that differ, with what each side says."""
    if isinstance(rust, dict) and isinstance(c, dict):
        for key in sorted(set(rust) | set(c), key=str):
            where = f"{path}/{key}" if not isinstance(key, tuple) else f"{path}/{key[0]} {key[1]}"
            yield from differences(rust.get(key, "nothing"), c.get(key, "nothing"), where)
    elif isinstance(rust, list) and isinstance(c, list) and len(rust) == len(c):
        for index, pair in enumerate(zip(rust, c)):
            yield from differences(*pair, f"{path}/{index}")
    elif rust != c:
        yield f"{path}: Rust has {rust!r}, C has {c!r}"


def count_fields(value):
    """How many fields a comparison looks at."""
    if isinstance(value, dict):
        return sum(count_fields(inner) for inner in value.values())
    if isinstance(value, list):
        return sum(count_fields(inner) for inner in value)
    return 1


class Spec:
    """A spec of the kernel, and what becomes of it."""

    def __init__(self, kernel, name, path=None):
        self.kernel, self.name = kernel, name
        self.path = path or f"{kernel}/Documentation/netlink/specs/{name}.yaml"
        self.ident = re.sub(r"\W", "_", name)
        self.yaml, self.wrong, self.lines = None, None, 0
        self.committed, self.c_lines, self.c_object, self.c_wrong = None, 0, None, None

    def generate(self, work, source=None):
        """Writes the Rust side, and a handler; returns this, for another process."""
        try:
            spec, places = load(source or self.path, self.kernel)
            family = model_of(spec, places)
        except SpecErrors as error:
            self.wrong = str(error).replace(f"{os.path.dirname(source or self.path)}/", "")
            return self
        self.yaml = {"name": family.name, "version": family.version, "core": family.core,
                     "kernel-policy": spec.yaml.get("kernel-policy", "split")}
        uses = f"{GENERATOR}/{self.name}.rs"
        write_family(family, self.ident, work,
                     f"#[path = \"{uses}\"]\nmod uses;\n" if os.path.exists(uses) else "")
        return self


def generate(spec, work, source):
    """`Spec.generate` for a pool of processes."""
    return spec.generate(work, source)


def kebab(name):
    """The name of a spec that becomes a type in Rust."""
    return re.sub(r"_+|(?<!^)(?<!_)(?=[A-Z])", "-", name).strip("-").lower()


def write_shadow(path, source):
    """Writes a spec with all names of types that are in rust/genl, and with all that are in the
    preludes and in Rust itself, whatever they are there.

    Enums and sets are called as them, and so is what is made of an operation or of a group. The
    sets with a name in lower case are those of a notification as well, which names their module.
    """
    core = subprocess.run(["rustc", "--print", "sysroot"], text=True, stdout=subprocess.PIPE,
                          check=True).stdout.strip() + "/lib/rustlib/src/rust/library/core/src"
    texts = [f"{source}/rust/kernel/prelude.rs", f"{core}/primitive_docs.rs"]
    for folder in (f"{core}/prelude", f"{TOP}/rust/genl"):
        texts += [f"{where}/{name}" for where, _, names in os.walk(folder)
                  for name in names if name.endswith(".rs")]
    words = set()
    for text in texts:
        with open(text, encoding="utf-8") as file:
            code = file.read()
        # What is defined or handed on, by macros too.
        made = re.findall(r"\b(?:struct|enum|union|trait|type) +(\w+)|^\w+! *[({]\s*(\w+)|"
                          r"\buse ([^;]+);|rustc_doc_primitive = \"(\w+)",
                          re.sub("//.*", "", code), re.M)
        # Of rust/genl nothing else is called by its name alone.
        first = "A-Z" if text.startswith(f"{TOP}/rust/genl/") else "A-Za-z"
        words |= set(re.findall(rf"\b[{first}]\w*[a-z0-9]\w*", " ".join(map(" ".join, made))))
    names = sorted({kebab(word) for word in words})
    enums = [f"  - {{name: '{name}', type: enum, entries: [one]}}\n" for name in names]
    sets = [f"  - {{name: '{name}', attributes: [{{name: a, type: u32}}]}}\n" for name in names]
    attrs = [f"      - {{name: a{number}, type: nest, nested-attributes: '{name}'}}\n"
             for number, name in enumerate(names)]
    made = "Do|Dump|Request|Reply|Responder|Objects|Notify|Notification"
    ops = sorted({kebab(match[1]) for match in
                  (re.fullmatch(rf"(\w+?)({made})", word) for word in words) if match})
    groups = sorted({kebab(match[1]) for match in
                     (re.fullmatch(r"(\w+?)Group", word) for word in words) if match})
    calls = ["    - {name: zz-all, doc: A, attribute-set: zz-all, do: {request: &list {attributes: [" +
             ", ".join(f"a{number}" for number in range(len(names))) + "]}, reply: *list}}\n"]
    some = "{request: {attributes: [a0]}, reply: {attributes: [a0]}}"
    calls += [f"    - {{name: '{name}', doc: A, attribute-set: zz-all, do: {some}, dump: {some}}}\n"
              for name in ops]
    told = [f"    - {{name: 'zz-{name}', doc: A, attribute-set: zz-all, mcgrp: '{name}', "
            "event: {attributes: [a0]}}\n" for name in groups]
    told += [f"    - {{name: 'zy-{name}', doc: A, attribute-set: '{name}', "
             "event: {attributes: [a]}}\n"
             for name in sorted({kebab(word) for word in words if word.islower()})]
    with open(path, "w", encoding="utf-8") as file:
        file.write("# SPDX-License-Identifier: GPL-2.0\nname: zz-shadow\n"
                   "protocol: genetlink-legacy\ndoc: All names of rust/genl.\ndefinitions:\n" +
                   "".join(enums) + "attribute-sets:\n" + "".join(sets) +
                   "  - name: zz-all\n    attributes:\n" + "".join(attrs) +
                   "operations:\n  list:\n" + "".join(calls + told) +
                   "mcast-groups:\n  list:\n" +
                   "".join(f"    - {{name: '{name}'}}\n" for name in groups))


def write_crate(name, specs, work, *genl):
    """Writes the crate of some families; returns its file."""
    path = f"{work}/{name}.rs"
    with open(path, "w", encoding="utf-8") as file:
        file.write(crate_of([spec.ident for spec in specs], work, *genl))
    return path


def c_command(mod):
    """The words of the compiler's command for the C half of nlpeer."""
    with open(f"{mod}/rust/nlpeer/.helpers.o.cmd", encoding="utf-8") as file:
        line = file.readline().split(":= ", 1)[1]
    line = line.split(" ; ")[0]
    keep, skip = [], False
    for word in shlex.split(line):
        if skip:
            skip = False
        elif word == "-o":
            skip = True
        elif word != "-c" and not word.endswith(".c") and not word.startswith("-Wp,-MMD"):
            keep.append(word)
    return keep


def compile_c(words, kernel_build, source, target, *options):
    """Compiles a file of C; returns what the compiler said, nothing if it was content."""
    done = subprocess.run([*words, *options, "-c", "-o", target, source], cwd=kernel_build,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout if done.returncode else ""


def committed_files(source):
    """The C that is checked in, by the names of the specs: the source, and the lines of that and of
    its headers."""
    paths, lines = {}, {}
    listed = subprocess.run(["grep", "-rlE", "YNL-GEN (kernel (source|header)|uapi header)",
                             "--include=*.[ch]", "include/uapi", "net", "drivers", "fs", "kernel"],
                            cwd=source, text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    for path in listed:
        with open(f"{source}/{path}", encoding="utf-8") as file:
            text = file.read()
        match = re.search(r"Documentation/netlink/specs/([\w-]+)\.yaml", text[:1000])
        if match:
            lines[match[1]] = lines.get(match[1], 0) + text.count("\n")
            if path.endswith(".c"):
                paths[match[1]] = path
    return {name: (path, lines[name]) for name, path in paths.items()}


def sizes(specs, seconds):
    """Whether all is there, and what is made is as short as it should be: (name, what is wrong or
    None)."""
    kernel = [spec for spec in specs if spec.name not in OURS]
    with_c = [spec for spec in kernel if spec.committed]
    for what, found, least in (("specs of the kernel", kernel, SPECS_LEAST),
                               ("of them have C that is checked in", with_c, C_LEAST)):
        yield (f"{len(found)} {what}, at least {least}",
               f"only {len(found)}" if len(found) < least else None)
    for name in LINES_MAX:
        yield (f"{name} is one of them",
               None if any(spec.name == name and spec.lines for spec in kernel) else "it is not")
    for spec in kernel:
        limits = [int(spec.c_lines * C_LINES)] if spec.committed else []
        limits += [LINES_MAX[spec.name]] if spec.name in LINES_MAX else []
        if limits and not spec.wrong:
            limit = min(limits)
            yield (f"{spec.name}: {spec.lines} lines, at most {limit}",
                   f"{spec.lines} lines" if spec.lines > limit else None)
    lines = sum(spec.lines for spec in kernel)
    yield (f"all specs of the kernel: {lines} lines, at most {LINES_ALL}",
           f"{lines} lines" if lines > LINES_ALL else None)
    yield (f"devlink compiles in {seconds:.1f} s, at most {SECONDS_MAX}",
           None if 0 < seconds <= SECONDS_MAX else f"{seconds} s")


def generate_c(spec, source, work):
    """Asks the generator of the kernel for what is not checked in; returns the file or None."""
    tool = f"{source}/tools/net/ynl/pyynl/ynl_gen_c.py"
    folder = f"{work}/c_{spec.ident}"
    os.makedirs(folder, exist_ok=True)
    path, outputs = spec.path, [("kernel", "--header", "gen.h"), ("kernel", "--source", "gen.c")]
    if not path.startswith(source):
        # The generator looks for the top of a kernel tree and for schemas above the spec.
        shutil.copytree(f"{source}/Documentation/netlink", f"{folder}/Documentation/netlink",
                        ignore=lambda _, names: ["specs"] if "specs" in names else [])
        with open(f"{folder}/MAINTAINERS", "w", encoding="utf-8"):
            os.makedirs(f"{folder}/Documentation/netlink/specs")
        path = shutil.copy(path, f"{folder}/Documentation/netlink/specs")
        os.makedirs(f"{folder}/uapi/linux")
        outputs.append(("uapi", "--header", f"uapi/linux/{spec.name}.h"))
    for mode, side, name in outputs:
        done = subprocess.run([sys.executable, tool, "--mode", mode, side, "--spec", path,
                               "-o", f"{folder}/{name}"], text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            spec.c_wrong = "ynl_gen_c: " + done.stdout.strip().split("\n")[-1]
            return None
    return f"{folder}/gen.c"


def first_error(text):
    """The first error of a compiler, in one line."""
    match = re.search(r"error: (.*)", text)
    return match[1] if match else text.strip().split("\n")[0]


def prepare_c(spec, source, build, words, work):
    """Compiles the C side of a spec."""
    path = f"{source}/{spec.committed}" if spec.committed else generate_c(spec, source, work)
    if path is None:
        return
    target, wrapper = f"{work}/{spec.ident}.c.o", f"{work}/{spec.ident}.c"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # Tables that the rest of the family would use.
    keep = re.findall(r"^static const struct genl_multicast_group (\w+)\[\]", text, re.M)
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write(f'#include "{path}"\n' +
                   "".join(f"const void *const keep_{name} = {name};\n" for name in keep))
    said = compile_c(words, build, wrapper, target, "-Wno-unused", f"-I{os.path.dirname(path)}")
    if said:
        spec.c_wrong = "its C does not compile: " + first_error(said)
    else:
        spec.c_object = target


def change_limit(spec, work):
    """A copy of a spec with another limit; returns its path and what was changed."""
    with open(spec.path, encoding="utf-8") as file:
        text = file.read()
    changed, count = re.subn(r"(\n\s+checks:\n\s+min: )(\d+)\n",
                             lambda match: f"{match[1]}{int(match[2]) + 1}\n", text, count=1)
    if not count:
        sys.exit(f"{spec.name} has no limit to change")
    os.makedirs(f"{work}/changed", exist_ok=True)
    path = f"{work}/changed/{spec.name}.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    return path


def compare(spec, rust_elf, layout):
    """Compares both sides of a spec; returns what differs, and how many fields there are."""
    found = rust_elf.find(rf"{len(spec.ident) + 4}{spec.ident}_gen.*10DESCRIPTOR")
    if len(found) != 1:
        return [f"{len(found)} descriptors in Rust"], 0
    want = {"name": spec.yaml["name"], "version": spec.yaml["version"]}
    want.update(c_family(Elf(spec.c_object), layout, spec.yaml["kernel-policy"]))
    rust = Tables(rust_elf, layout).family(found[0][1])
    return list(differences(rust, want)), count_fields(want)


def main():
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the folder of the kernel, with src, build")
    parser.add_argument("--mod", required=True, help="the folder where nlpeer was built")
    parser.add_argument("--table", help="write a table of all specs to this file")
    parser.add_argument("--change-limit", action="store_true", help="change one limit: it must be found")
    parser.add_argument("--keep", help="keep what is made in this folder")
    parser.add_argument("specs", nargs="*", help="only these")
    args = parser.parse_args()
    source, build = f"{args.kernel}/src", f"{args.kernel}/build"

    work = tempfile.mkdtemp()
    committed = committed_files(source)
    names = []
    for file_name in sorted(os.listdir(f"{source}/Documentation/netlink/specs")):
        if not file_name.endswith(".yaml"):
            continue
        with open(f"{source}/Documentation/netlink/specs/{file_name}", encoding="utf-8") as file:
            if not re.search(r"^protocol: *netlink-raw", file.read(), re.M):
                names.append(file_name[:-5])
    specs = [Spec(source, name) for name in names] + \
        [Spec(source, name, f"{GENERATOR}/{name}.yaml") for name in OURS if name != SHADOW] + \
        [Spec(source, SHADOW, f"{work}/{SHADOW}.yaml")]
    if args.specs:
        specs = [spec for spec in specs if spec.name in args.specs]
    for spec in specs:
        spec.committed, spec.c_lines = committed.get(spec.name, (None, 0))

    try:
        write_shadow(f"{work}/{SHADOW}.yaml", source)
        status = run(args, specs, build, source, work)
    finally:
        if args.keep:
            shutil.rmtree(args.keep, ignore_errors=True)
            shutil.copytree(work, args.keep)
        shutil.rmtree(work)
    return status


def apart(compiler, specs, work):
    """What the compiler has against the families with rust/genl as a crate of its own; nothing if it
    is content."""
    compiler.genl()
    status, said = compiler.run("apart", write_crate("apart", specs, work, "pub use ::genl;\n"),
                                "--extern", "genl", "--emit=metadata")
    return said if status or "warning" in said else None


def documented(compiler, mod, work):
    """What rustdoc has against the families, with the lints of the kernel; nothing if it is content.

    Its lints pass over what macros of another crate make: rust/genl is a part of this one.
    """
    options, env = flags_of(os.path.abspath(mod))
    done = subprocess.run(["rustdoc", *options, "-Dwarnings", "-Zunstable-options", "--check",
                           "--document-private-items", "-Arustdoc::private_intra_doc_links",
                           "--crate-name", "families", f"{work}/families.rs"],
                          cwd=compiler.kernel, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.stdout if done.returncode else None


def compile_time(compiler, path, *flags):
    """The seconds of processor time that a crate takes to compile, or more than there are; and what
    the compiler says, if it has something to say."""
    start = os.times().children_user
    status, said = compiler.run(os.path.basename(path)[:-3], path, "--emit=obj", *flags)
    seconds = float("inf") if status else os.times().children_user - start
    return seconds, said if status or "warning" in said else None


def run(args, specs, build, source, work):
    """The work itself."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        words = c_command(args.mod)
        with open(f"{work}/layout.c", "w", encoding="utf-8") as file:
            file.write(LAYOUT)
        jobs = [pool.submit(prepare_c, spec, source, build, words, work) for spec in specs]
        said = compile_c(words, build, f"{work}/layout.c", f"{work}/layout.o")
        if said:
            sys.exit(f"the layout does not compile:\n{said}")
        elf = Elf(f"{work}/layout.o")
        _, place, size = elf.find("^layout$")[0]
        layout = Layout(elf.number(place, i, 4) for i in range(0, size, 4))
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as processes:
            made = [processes.submit(generate, spec, work, change_limit(spec, work) if args.change_limit and
                                     spec.name == "netdev" else None) for spec in specs]
            for spec, job in zip(specs, made):
                vars(spec).update({key: vars(job.result())[key]
                                   for key in ("yaml", "wrong")})
        made = [spec for spec in specs if not spec.wrong]
        subprocess.run(["rustfmt", "--edition", "2021", "--config-path", TOP,
                        *[f"{work}/{spec.ident}_gen.rs" for spec in made]], check=True)
        for spec in made:
            with open(f"{work}/{spec.ident}_gen.rs", encoding="utf-8") as file:
                spec.lines = sum(1 for _ in file)
        compiler = Compiler(build, args.mod, work)
        for job in jobs:
            job.result()
        seconds, said = compile_time(compiler, write_crate("families", made, work), *CHECKING)

    results, notes = [("all generated families compile without a warning", said)], []
    rust_elf = Elf(f"{work}/families.o") if seconds < float("inf") else None
    rows = []
    for spec in specs:
        wrong, fields = None, 0
        if spec.wrong:
            outcome = f"refused: {spec.wrong}"
        elif rust_elf is None:
            outcome = wrong = "does not compile"
        elif spec.yaml["core"]:
            outcome = "generates types, compiles; the family itself is the core's"
        elif spec.c_object is None:
            outcome = f"generates, compiles; nothing to compare with: {spec.c_wrong}"
        else:
            found, fields = compare(spec, rust_elf, layout)
            known = ON_PURPOSE.get(spec.name, {})
            found = [text for text in found
                     if not any(re.fullmatch(pattern, text) for pattern in known)] + \
                [f"no longer: {pattern} ({why})" for pattern, why in known.items()
                 if not any(re.fullmatch(pattern, text) for text in found)]
            outcome = "equal" if not found else f"differs in {len(found)} of {fields} fields"
            wrong = "\n".join(found) or None
        rows.append((spec, outcome, fields))
        alone = spec.name == SHADOW or bool(spec.yaml and spec.yaml["core"])
        if alone:
            results.append((f"{spec.name}: Rust compiles, there are no tables in C", spec.wrong or wrong))
        elif outcome != "equal":
            wrong = wrong or outcome
        if not alone:
            results.append((f"{spec.name}: Rust and C have the same tables" +
                            (f" ({fields} fields)" if fields else ""), wrong))
    if not args.change_limit:
        results.append(("the same with rust/genl as a crate of its own", apart(compiler, made, work)))
        results.append(("what is documented is rustdoc", documented(compiler, args.mod, work)))
    if not args.specs and not args.change_limit:
        devlink = write_crate("alone", [spec for spec in made if spec.name == "devlink"], work)
        best = float("inf")
        # Others that use the machine make it longer, and nothing makes it shorter.
        for _ in range(3):
            best = min(best, compile_time(compiler, devlink, *CHECKING)[0])
            if best <= SECONDS_MAX:
                break
        results += sizes(specs, best)
        notes.append("devlink with all flags of Kbuild, which optimizes: "
                     f"{compile_time(compiler, devlink)[0]:.1f} s of processor time to compile")
    if args.table:
        write_table(args.table, rows, seconds)
    if args.change_limit:
        bad = [name for name, wrong in results if wrong]
        results = [("a limit that was changed is found, and nothing else",
                    None if [name.split(":")[0] for name in bad] == ["netdev"] else f"{bad}")]
    print("TAP version 13")
    print(f"1..{len(results)}")
    for number, (name, wrong) in enumerate(results, 1):
        print(f"{'not ' if wrong else ''}ok {number} {name}")
        if wrong:
            print("\n".join(f"# {line}" for line in str(wrong).splitlines()[:60]))
    notes.append(f"{len([s for s in specs if not s.wrong])} families in one crate: "
                 f"{sum(spec.lines for spec in specs)} lines, {seconds:.1f} s of processor time to "
                 "compile")
    print("\n".join(f"# {note}" for note in notes))
    return 1 if any(wrong for _, wrong in results) else 0


def write_table(path, rows, seconds):
    """A table of what becomes of each spec."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("| spec | C in the tree | lines of Rust | result |\n|---|---|---|---|\n")
        for spec, outcome, fields in rows:
            file.write(f"| {spec.name} | {'yes' if spec.committed else 'no'} | "
                       f"{spec.lines or ''} | {outcome}{f' ({fields} fields)' if fields else ''} |\n")
        file.write(f"\nAll of them in one crate: {seconds:.1f} s of processor time.\n")


if __name__ == "__main__":
    sys.exit(main())
