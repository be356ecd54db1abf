# SPDX-License-Identifier: GPL-2.0
"""
Specs of netlink families: reading them with the kernel's own library, and finding
what is wrong with them before anything is made of them.

What a spec means is nlspec's matter (tools/net/ynl/pyynl/lib of the kernel). This
file adds what that does not do: it says where an error is, what it is, and what
would be right.
"""

import difflib
import importlib
import os
import re
import sys
from typing import Any, Collection, Iterable, Iterator, Optional, TypeGuard, Union

import jsonschema
import yaml

from genl_rst import Unrendered, markdown
from genl_yaml import At, Places, Reader, SpecErrors, Yaml, plain, shown

SCALARS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "s8": 8, "s16": 16, "s32": 32, "s64": 64,
           "uint": 64, "sint": 64}

# The types that each check is for, what others are not, and what they have instead.
LENGTHS = "numbers have min and max"
CHECKS = {
    "min": (set(SCALARS), "no number", "strings and binaries have lengths"),
    "max": (set(SCALARS), "no number", "strings and binaries have lengths"),
    "flags-mask": ({kind for kind in SCALARS if kind[0] == "u"}, "no unsigned number",
                   "a policy has no such mask"),
    "min-len": ({"binary"}, "no binary", "strings have max-len and exact-len, " + LENGTHS),
    "max-len": ({"string", "binary"}, "neither string nor binary", LENGTHS),
    "exact-len": ({"string", "binary"}, "neither string nor binary", LENGTHS),
    "unterminated-ok": ({"string"}, "no string", "only strings end with a NUL"),
}
# What netlink and Rust can have between quotes, and what a name in C has.
NETLINK_NAME, NETLINK_RIGHT = r"[ !#-\[\]-~]*[0-9A-Za-z][ !#-\[\]-~]*", \
    "it takes letters, digits, spaces and signs of ASCII, but no quote and no backslash"
WORD, WORD_RIGHT = r"[0-9A-Za-z_-]*[0-9A-Za-z][0-9A-Za-z_-]*", \
    "it takes letters, digits, - and _"
# The longest length that a policy asks for at least, and that of an attribute.
LEAST_MAX, LEN_MAX = 32767, 65531

# The types of the schema, in words.
TYPES = {"array": "a list", "object": "a mapping", "string": "a text", "integer": "a number",
         "boolean": "true or false", "null": "nothing"}
# What older specs have, and what became of it.
OLD_TYPES = {"array-nest": "take 'type: indexed-array' with 'sub-type: nest'"}

# Names for which the core has special cases.
RESERVED_FAMILIES = ("NET_DM", "VFS_DQUOT", "pmcraid")
NAME_MAX = 15

STRICT_KEYWORDS = set(
    "as async await break const continue dyn else enum extern false fn for if impl in let loop "
    "match mod move mut pub ref return static struct trait true type unsafe use where while "
    "abstract become box do final macro override priv typeof unsized virtual yield try gen "
    "self Self super crate".split())


def snake(name: str) -> str:
    """The name of a Rust function or member."""
    # Rust would warn of two signs in a row.
    ident = re.sub(r"[\W_]+", "_", name).lower()
    if ident[:1].isdigit():
        ident = "_" + ident
    return ident + "_" if ident in STRICT_KEYWORDS else ident


def camel(name: str) -> str:
    """The name of a Rust type or variant."""
    ident = "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", name.lower()))
    if ident[:1].isdigit():
        ident = "_" + ident
    return ident + "_" if ident in STRICT_KEYWORDS else ident


def upper(name: str) -> str:
    """The name of a Rust constant."""
    ident = re.sub(r"\W", "_", name).upper().strip("_")
    return "_" + ident if ident[:1].isdigit() else ident


def name_of(element: Any) -> str:
    """The name of an element, or of an entry of an enum that is nothing else."""
    return str(element if isinstance(element, str) else element["name"])


def find_const(spec: Yaml, name: str) -> Optional[Yaml]:
    """A constant by its name, or by that with its prefix, which C calls it; none for others."""
    for item in spec.get("definitions") or []:
        if item["type"] == "const" and \
                name in (item["name"], item.get("name-prefix", "") + item["name"]):
            return dict(item)
    return None


def in_kernel(const: Yaml) -> bool:
    """Whether the value of a constant is that of a macro of the kernel."""
    return "header" in const and const.get("scope") == "kernel"


def bounds(kind: str) -> tuple[int, int]:
    """The smallest and the largest value of a number."""
    signed, bits = kind[0] == "s", SCALARS[kind]
    return -(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1


def named_limit(name: object) -> Optional[int]:
    """The number behind a limit such as u16-max; None for other names."""
    match = re.fullmatch(r"([us](?:8|16|32|64))-(min|max)", str(name))
    return bounds(match[1])[match[2] == "max"] if match else None


class Symbol(int):
    """A limit that only the kernel knows: the spec has its name, and no value that counts."""

    name: str

    def __new__(cls, name: str) -> "Symbol":
        symbol = super().__new__(cls, 1)
        symbol.name = name
        return symbol


def limit_of(spec: Yaml, value: Union[int, str]) -> Optional[int]:
    """The number behind a limit; None where there is none."""
    if isinstance(value, int):
        return value
    const = find_const(spec, value)
    if const is None:
        return named_limit(value)
    number = Symbol(upper(const["name"])) if in_kernel(const) else const.get("value")
    return number if isinstance(number, int) else None


def near(name: object, names: Iterable[object]) -> str:
    """What might have been meant."""
    known = [str(other) for other in names]
    close = difflib.get_close_matches(str(name), known, 1, 0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    if not known:
        return "there are none"
    return "there are: " + ", ".join(known[:24]) + (" ..." if len(known) > 24 else "")


class Checker:
    """Finds what is wrong with a spec that has the form of one."""

    def __init__(self, spec: Yaml, places: Places) -> None:
        self.spec, self.places = spec, places
        self.errors: list[str] = []
        self.consts: dict[str, Yaml] = {}
        # The values of each enum, and the bits of each flags.
        self.values: dict[str, list[int]] = {}
        # The attributes of each set, by their names: those of a subset are merged.
        self.sets: dict[str, dict[str, Yaml]] = {}
        self.legacy = spec.get("protocol") == "genetlink-legacy"

    def error(self, at: At, wrong: str, right: str) -> None:
        """Notes an error."""
        text = self.places.text(at, wrong, right)
        # What an alias repeats is one error.
        if text not in self.errors:
            self.errors.append(text)

    def note(self, at: At, what: str, why: str) -> None:
        """Notes what is no error, and what somebody might miss."""
        text = self.places.text(at, "note: " + what, why)
        if text not in self.places.notes:
            self.places.notes.append(text)

    def known(self, name: Optional[str], names: Collection[str], at: At,
              what: str) -> TypeGuard[str]:
        """Whether there is what a name refers to; where none is given nothing is wrong."""
        if name is None or name in names:
            return name is not None
        self.error(at, f"{what} '{name}'", near(name, names))
        return False

    def kinds(self, *types: str) -> list[str]:
        """The names of the definitions of some types."""
        return [name for name, item in self.consts.items() if item["type"] in types]

    def unique(self, elements: list[Any], at: At, what: str) -> None:
        """Names in a row must differ."""
        seen: dict[str, At] = {}
        for index, name in enumerate(map(name_of, elements)):
            here = at + (index,)
            if name in seen:
                self.error(here, f"{what} '{name}' is there twice",
                           f"the other one is in line {self.places.line(seen[name])}")
            elif not re.search(r"[A-Za-z0-9]", name):
                self.error(here, f"{what} '{name}' is no name that Rust can have",
                           "it needs a letter or a digit")
            seen.setdefault(name, here)

    def free(self, at: At, what: str, value: int, seen: dict[int, str],
             is_a: str = "number") -> None:
        """Whether nothing else has a number."""
        if value in seen:
            self.error(at, f"{what} has the {is_a} {value} of '{seen[value]}'",
                       f"the next free one is {max(seen) + 1}")

    def check_text(self, text: str, at: At, what: str, pattern: str, right: str) -> None:
        """A name that the schema takes whatever it has in it, and Rust or C does not."""
        if not re.fullmatch(pattern, text):
            self.error(at, f"{what} is {shown(text)}", right)

    def check_name(self, at: At, what: str, name: str) -> None:
        """The name of the family or of a group."""
        if name:
            self.check_text(name, at, f"the name of the {what}", NETLINK_NAME, NETLINK_RIGHT)
        size = len(name.encode())
        if not 0 < size <= NAME_MAX:
            self.error(at, f"the {what} name '{name}' has {size} bytes",
                       f"netlink takes 1 to {NAME_MAX}")

    def check(self) -> None:
        """Runs all checks."""
        self.check_docs(self.spec, ())
        self.check_family()
        self.check_definitions()
        self.check_sets()
        self.check_operations()
        self.check_groups()
        if self.errors:
            raise SpecErrors(self.errors)

    def check_family(self) -> None:
        """The family itself."""
        name = self.spec["name"]
        self.check_name(("name",), "family", name)
        if name in RESERVED_FAMILIES:
            self.error(("name",), f"the family name '{name}' is reserved",
                       "the core treats it in its own way; take another one")
        # The schema has the smallest one.
        if self.spec.get("version", 1) > 255:
            self.error(("version",), f"the version is {self.spec['version']}",
                       "netlink takes 1 to 255")

    def check_docs(self, element: Any, at: At) -> None:
        """The documentation of an element, and of all that is in it."""
        if isinstance(element, dict) and isinstance(element.get("doc"), str):
            try:
                list(markdown(element["doc"], LEN_MAX))
            except Unrendered as what:
                self.error(at + ("doc",), f"the documentation has {what}", "it takes paragraphs, "
                           "titles, lists, tables, literal blocks and notes")
        inner = element.items() if isinstance(element, dict) else \
            enumerate(element) if isinstance(element, list) else ()
        for key, value in inner:
            self.check_docs(value, at + (key,))

    def check_definitions(self) -> None:
        """Constants, enums, flags and structs."""
        definitions = self.spec.get("definitions", [])
        self.unique(definitions, ("definitions",), "definition")
        for index, item in enumerate(definitions):
            at: At = ("definitions", index)
            self.consts.setdefault(item["name"], item)
            if item["type"] == "const" and "value" not in item:
                self.error(at, f"the constant '{item['name']}' has no value", "add 'value:'")
            elif item["type"] in ("enum", "flags"):
                self.check_entries(item, at)
            elif item["type"] == "struct":
                self.check_struct(item, at)

    def check_struct(self, item: Yaml, at: At) -> None:
        """A structure."""
        members = item.get("members", [])
        if not members:
            self.error(at, f"the struct '{item['name']}' has no members", "add 'members:'")
        self.unique(members, at + ("members",), "member")
        size = sum(self.check_member(member, at + ("members", number))
                   for number, member in enumerate(members))
        if size > LEN_MAX:
            self.error(at, f"the struct '{item['name']}' has {size} bytes",
                       f"an attribute has at most {LEN_MAX} bytes")

    def check_member(self, member: Yaml, at: At) -> int:
        """A member of a struct; returns its bytes as far as they are known."""
        name, size = member["name"], member.get("len")
        if member["type"] in ("binary", "string") and size is None and "struct" not in member:
            self.error(at, f"the member '{name}' has no length", "add 'len:'")
        if isinstance(size, str):
            if isinstance(limit_of(self.spec, size), Symbol):
                self.error(at + ("len",), f"the length of '{name}' is one that only the kernel "
                           "knows", "a struct in Rust takes a number")
            size = self.limit(size, at + ("len",))
        if size is not None and size < 1:
            self.error(at + ("len",), f"'len' of '{name}' is {size}", "it is at least 1")
        return SCALARS.get(member["type"], 0) // 8 or size or 0

    def check_entries(self, item: Yaml, at: At) -> None:
        """The entries of an enum or of flags."""
        entries = item.get("entries")
        if entries is None or not entries and "header" not in item:
            self.error(at, f"'{item['name']}' has no entries",
                       "add 'entries:', which can be [] where a header has them")
            return
        self.unique(entries, at + ("entries",), "entry")
        value = item.get("value-start", 0)
        if not isinstance(value, int):
            self.error(at + ("value-start",), f"'value-start' is {value!r}", "take a number")
            return
        seen: dict[int, str] = {}
        for index, entry in enumerate(entries):
            here = at + ("entries", index)
            name = name_of(entry)
            self.check_text(name, here, "the name of the entry", "[0-9A-Za-z_-]+", WORD_RIGHT)
            value = value if isinstance(entry, str) else entry.get("value", value)
            self.free(here, f"the entry '{name}'", value, seen, "value")
            if item["type"] == "flags" and not 0 <= value < 64:
                self.error(here, f"the flag '{name}' is bit {value}", "bits are from 0 to 63")
            elif not -1 << 63 <= value < 1 << 64:
                self.error(here, f"the entry '{name}' has the value {value}",
                           "numbers have 64 bits")
            seen[value] = name
            value += 1
        self.values.setdefault(item["name"], list(seen))

    def limit(self, value: Union[int, str], at: At) -> Optional[int]:
        """The number behind a limit; None where there is none, or only the kernel knows it."""
        number = limit_of(self.spec, value)
        if number is None and find_const(self.spec, str(value)):
            self.error(at, f"the limit '{value}' is no number", "take a constant that is one")
        elif number is None and str(value).endswith(" - 1"):
            self.error(at, f"the limit '{value}' is an expression",
                       "take a constant that has the number")
        elif number is None:
            self.known(str(value), self.kinds("const"), at, "there is no constant")
        return None if isinstance(number, Symbol) else number

    def check_sets(self) -> None:
        """Attribute sets."""
        sets = self.spec["attribute-sets"]
        self.unique(sets, ("attribute-sets",), "attribute set")
        names = [item["name"] for item in sets]
        for index, item in enumerate(sets):
            at: At = ("attribute-sets", index)
            parent = item.get("subset-of")
            if self.known(parent, names, at + ("subset-of",), "there is no attribute set") and \
                    parent not in self.sets:
                self.error(at + ("subset-of",), f"the set '{item['name']}' comes in front of "
                           f"'{parent}', of which it is a part", "put it behind that")
            if parent is None or not self.legacy:
                self.unique(item["attributes"], at + ("attributes",), "attribute")
            self.sets.setdefault(item["name"], self.check_own(item, at) if parent is None else
                                 self.check_subset(item, at, self.sets.get(parent, {})))
        for index, item in enumerate(sets):
            for number, attr in enumerate(item["attributes"]):
                merged = self.sets[item["name"]].get(attr["name"])
                if merged is not None:
                    self.check_attr(merged, ("attribute-sets", index, "attributes", number))

    def check_own(self, item: Yaml, at: At) -> dict[str, Yaml]:
        """The numbers of the attributes of a set; returns these by their names."""
        value, seen = 1, dict[int, str]()
        for number, attr in enumerate(item["attributes"]):
            here = at + ("attributes", number)
            name = attr["name"]
            value = attr.get("value", value)
            self.free(here, f"the attribute '{name}'", value, seen)
            if value == 0 and attr["type"] not in ("unused", "pad") and not self.legacy:
                self.error(here, f"the attribute '{name}' has the number 0",
                           "netlink never uses it; numbers begin at 1")
            if value > 0x3fff:
                self.error(here, f"the attribute '{name}' has the number {value}",
                           "netlink has 14 bits for it, up to 16383")
            seen[value] = name
            value += 1
        return {attr["name"]: attr for attr in item["attributes"]}

    def check_subset(self, item: Yaml, at: At, parent: dict[str, Yaml]) -> dict[str, Yaml]:
        """The attributes of a part of a set, merged with what the set says about them."""
        attrs = {}
        for number, attr in enumerate(item["attributes"]):
            here = at + ("attributes", number)
            name = attr["name"]
            if not parent or not self.known(name, parent, here,
                                            f"the set '{item['subset-of']}' has no attribute"):
                continue
            attrs[name] = parent[name] | attr
            if attrs[name].get("checks") != parent[name].get("checks"):
                self.error(here + ("checks",), f"the subset has other checks of '{name}' than "
                           f"the set '{item['subset-of']}'", "leave them out here")
        return attrs

    def check_attr(self, attr: Yaml, at: At) -> None:
        """One attribute."""
        name, kind = attr["name"], attr["type"]
        nested = attr.get("nested-attributes")
        inner = attr.get("sub-type", kind) if kind == "indexed-array" else kind
        if inner in ("nest", "nest-type-value"):
            if nested is None:
                self.error(at, f"the nest '{name}' does not say what is in it",
                           "add 'nested-attributes:' with the name of an attribute set")
        elif nested is not None and inner != "indexed-array":
            self.error(at + ("nested-attributes",), f"'{name}' is no nest and has attributes in it",
                       "leave them out")
        self.known(nested, self.sets, at + ("nested-attributes",), "there is no attribute set")
        if kind == "indexed-array" and "sub-type" not in attr:
            self.error(at, f"the array '{name}' does not say of what", "add 'sub-type:'")
        if attr.get("byte-order") and inner not in (*SCALARS, "binary"):
            self.error(at + ("byte-order",), f"'{name}' is no number and has a byte order",
                       "leave it out")
        # One of the kernel, of which the spec says no more.
        if not attr.get("struct", "").startswith("--"):
            self.known(attr.get("struct"), self.kinds("struct"), at + ("struct",),
                       "there is no struct")
        numbers = self.check_limits(attr, at, inner)
        enum = attr.get("enum")
        if self.known(enum, self.kinds("enum", "flags"), at + ("enum",), "there is no enum") and \
                self.values.get(enum):
            self.check_enum(attr, at, enum, numbers)

    def check_limits(self, attr: Yaml, at: At, kind: str) -> dict[str, Optional[int]]:
        """The checks of an attribute; returns the numbers in them that are known."""
        name, checks = attr["name"], attr.get("checks", {})
        numbers: dict[str, Optional[int]] = {}
        for key, value in checks.items() if kind != "unused" else ():
            here = at + ("checks", key)
            kinds, wrong, right = CHECKS[key]
            if kind not in kinds:
                self.error(here, f"'{key}' of '{name}', which is {wrong}", right)
            elif key == "flags-mask":
                if self.known(value, self.kinds("enum", "flags"), here, "there are no flags"):
                    self.check_bits(name, kind, here, value)
                if "enum" in attr or "min" in checks or "max" in checks:
                    self.error(here, f"'flags-mask' of '{name}', which has an enum or a range",
                               "the core checks one of them: leave the others out")
            elif key != "unterminated-ok":
                numbers[key] = self.limit(value, here)
        if "exact-len" in numbers and len(numbers) > 1:
            self.error(at + ("checks", "exact-len"), f"'exact-len' of '{name}' is not its only "
                       "length", "leave the others out")
        for key, number in numbers.items():
            least, most = bounds(kind) if kind in SCALARS else \
                (int(key != "min-len"), LEN_MAX if key == "max-len" else LEAST_MAX)
            if number is None or least <= number <= most:
                continue
            if kind in SCALARS:
                right = f"a {kind} is from {least} to {most}"
            elif number == 0:
                right = "an attribute without a value is a flag"
            elif number > LEN_MAX:
                right = f"an attribute has at most {LEN_MAX} bytes"
            else:
                right = f"a policy asks for {LEAST_MAX} bytes at most"
            self.error(at + ("checks", key), f"'{key}' of '{name}' is {number}", right)
        for low, high, what in (("min", "max", "value"), ("min-len", "max-len", "length")):
            first, last = numbers.get(low), numbers.get(high)
            if first is not None and last is not None and first > last:
                self.error(at + ("checks", low), f"no {what} of '{name}' is allowed: {low} is "
                           f"{first} and {high} is {last}", f"{low} must not be above {high}")
        return numbers

    def check_bits(self, name: str, kind: str, at: At, flags: str) -> None:
        """Whether an attribute has room for flags."""
        bits = 32 if kind == "bitfield32" else SCALARS[kind] - (kind[0] == "s")
        wrong = [value for value in self.values.get(flags, []) if not 0 <= value < bits]
        if wrong:
            self.error(at, f"'{flags}' has the bit {wrong[-1]}",
                       f"'{name}' is a {kind}, with bits from 0 to {bits - 1}")

    def check_enum(self, attr: Yaml, at: At, enum: str, numbers: dict[str, Optional[int]]) -> None:
        """The values of the enum of an attribute, next to its type and its checks."""
        name, kind, values = attr["name"], attr["type"], self.values[enum]
        if kind == "bitfield32" or kind in SCALARS and \
                (attr.get("enum-as-flags") or self.consts[enum]["type"] == "flags"):
            self.check_bits(name, kind, at + ("enum",), enum)
            if numbers:
                self.error(at + ("checks",), f"'{name}' has a range, and '{enum}' has flags",
                           "the core checks one of them: leave the range out")
            return
        if kind not in SCALARS:
            return
        low, high = bounds(kind)
        if max(values) > high:
            self.error(at + ("enum",), f"'{enum}' has values up to {max(values)}",
                       f"'{name}' is a {kind}, up to {high}")
        if min(values) < low:
            self.error(at + ("enum",), f"'{enum}' has values from {min(values)} on",
                       f"'{name}' is a {kind}, from {low} on")
        limits = {key: number for key, number in numbers.items() if number is not None}
        if numbers and len(limits) == len(numbers):
            # The core checks the range instead of an enum that has gaps.
            if max(values) - min(values) + 1 == len(values):
                low, high = min(values), max(values)
            low, high = limits.get("min", low), limits.get("max", high)
            if high - low + 1 > sum(low <= value <= high for value in values):
                self.error(at + ("checks",), f"the checks of '{name}' allow values that '{enum}' "
                           "does not have", "leave them out")

    def check_operations(self) -> None:
        """Operations and notifications."""
        ops = self.spec["operations"]["list"]
        at: At = ("operations", "list")
        self.unique(ops, at, "operation")
        unified = self.spec["operations"].get("enum-model") != "directional"
        calling = {op["name"]: "do" in op or "dump" in op for op in ops}
        number, seen, first = 1, dict[int, str](), None
        for index, op in enumerate(ops):
            here, name = at + (index,), op["name"]
            number = op.get("value", number)
            if unified:
                self.free(here, f"the operation '{name}'", number, seen)
                seen[number] = name
            number += 1
            calls = [mode for mode in ("do", "dump") if mode in op]
            self.check_kind(op, here, calls, unified)
            self.check_op_set(op, here, calls)
            self.check_told(op, here, calling)
            if calls and self.spec.get("kernel-policy") == "global":
                first = first or op
                if op.get("attribute-set") != first.get("attribute-set"):
                    self.error(here + ("attribute-set",), f"the policy is global, and '{name}' "
                               f"has another attribute set than '{first['name']}'",
                               "a global policy is of one set")
        entries = sum(mode in op for op in ops for mode in ("do", "dump"))
        if entries > 255:
            self.error(at, f"the family has {entries} operations",
                       "the core takes 255, a do and a dump of one name counting twice")

    def check_kind(self, op: Yaml, at: At, calls: list[str], unified: bool) -> None:
        """What an operation is: one of four things, and not two of them."""
        name = op["name"]
        told = [kind for kind in ("notify", "event") if kind in op]
        if told and calls:
            self.error(at + (calls[0],), f"'{name}' has '{told[0]}' and '{calls[0]}'",
                       "a notification is nothing that is asked for: make two operations of it")
        if len(told) > 1:
            self.error(at + ("event",), f"'{name}' has 'notify' and 'event'",
                       "it shares a reply or has attributes of its own: leave one of them out")
        if told and "mcgrp" not in op:
            self.note(at, f"the notification '{name}' has no group",
                      "nothing sends it: add 'mcgrp:'")
        if not told and not calls:
            what, add = f"the operation '{name}' has nothing in it", \
                "add 'do:', 'dump:', 'notify:' or 'event:'"
            if not unified:
                self.error(at, what, f"{add}; numbers of directions cannot be reserved")
            # Old specs have an operation for the number 0, which is kept free.
            elif op.get("value") != 0:
                self.note(at, what, f"its number is reserved; {add}")
        for key, value in [("config-cond", op.get("config-cond"))] + \
                [(hook, op[mode].get(hook)) for mode in calls for hook in ("pre", "post")]:
            if value is not None:
                self.check_text(value, at + (key,), f"'{key}' of '{name}'", WORD, WORD_RIGHT)

    def check_op_set(self, op: Yaml, at: At, calls: list[str]) -> None:
        """The attributes of an operation."""
        attr_set = op.get("attribute-set")
        if attr_set is None and (calls or "event" in op):
            self.error(at, f"the operation '{op['name']}' has no attribute set",
                       "add 'attribute-set:'")
        if not self.known(attr_set, self.sets, at + ("attribute-set",),
                          "there is no attribute set"):
            return
        for path in [("event",)] + [(mode, side) for mode in calls
                                    for side in ("request", "reply")]:
            body = op
            for key in path:
                body = body.get(key) or {}
            listed = body.get("attributes", [])
            for place, attr in enumerate(listed):
                self.known(attr, self.sets[attr_set], at + path + ("attributes", place),
                           f"the set '{attr_set}' has no attribute")
            for attr in sorted({attr for attr in listed if listed.count(attr) > 1}):
                self.error(at + path, f"'{attr}' is listed twice", "once is enough")

    def check_told(self, op: Yaml, at: At, calling: dict[str, bool]) -> None:
        """What a notification shares, and who hears it."""
        shared = op.get("notify")
        if self.known(shared, calling, at + ("notify",), "there is no operation") and \
                not calling[shared]:
            self.error(at + ("notify",), f"'{shared}' has no reply to share",
                       "name an operation with a do or a dump")
        if "mcgrp" in op:
            self.known(op["mcgrp"], [group["name"] for group in self.groups()], at + ("mcgrp",),
                       "there is no multicast group")
            if "notify" not in op and "event" not in op:
                self.error(at + ("mcgrp",), f"'{op['name']}' is no notification",
                           "'mcgrp' goes with 'notify' or 'event'")

    def groups(self) -> list[Yaml]:
        """The multicast groups."""
        return list((self.spec.get("mcast-groups") or {}).get("list", []))

    def check_groups(self) -> None:
        """Multicast groups."""
        at: At = ("mcast-groups", "list")
        self.unique(self.groups(), at, "multicast group")
        for index, group in enumerate(self.groups()):
            self.check_name(at + (index,), "group", group["name"])
            if "admin-perm" in group.get("flags", []):
                self.error(at + (index, "flags"), f"the group '{group['name']}' has the flag "
                           "admin-perm", "the core checks who listens over the network namespace "
                           "of the socket: take uns-admin-perm")
        if len(self.groups()) > 255:
            self.error(at, f"the family has {len(self.groups())} groups", "the core takes 255")


def type_error(error: Any, places: Places, at: At, kinds: list[str]) -> tuple[str, str]:
    """What is wrong with a value of the wrong kind, and what would be right."""
    word, kind = places.words.get(at, (None, ""))
    what = next((f"'{key}'" for key in reversed(at) if isinstance(key, str)), "this")
    must = f"it must be {' or '.join(TYPES[kind] for kind in kinds)}"
    if word == "":
        return f"{what} has nothing in it", must
    if word is not None and "string" in kinds:
        return f"YAML reads {word} as {kind}", "quote it"
    return f"{what} is {shown(error.instance) if word is None else word}", must


def schema_error(error: Any, places: Places) -> str:
    """One line for what the schema has against a spec."""
    at: At = tuple(error.absolute_path)
    want = error.validator_value
    wrong = f"{shown(error.instance)} does not fit here"
    right = "see Documentation/netlink of the kernel for what there is"
    if error.validator == "enum":
        what = f"the {at[-1]}" if at and isinstance(at[-1], str) else "this"
        value = places.words.get(at, (error.instance, ""))[0]
        wrong = f"{what} cannot be {shown(value)}"
        right = OLD_TYPES.get(str(value)) or near(plain(value), want)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = sorted(set(error.instance) - set(known))
        at += (extra[0],)
        wrong, right = f"there is no key '{plain(extra[0])}' here", near(extra[0], known)
    elif error.validator == "required":
        missing = [key for key in want if key not in error.instance]
        name = error.instance.get("name")
        wrong = f"{shown(name) if name else 'this'} lacks " + ", ".join(f"'{k}'" for k in missing)
        right = "add it"
    elif error.validator == "pattern":
        wrong = f"the name '{plain(error.instance)}' has a character that names cannot have"
        right = f"it must match {want}"
    elif error.validator == "minimum":
        wrong = f"{error.instance} is too small"
        right = f"the schema takes {want} and more, and names like s32-min"
    elif error.validator == "type":
        wrong, right = type_error(error, places, at, [want] if isinstance(want, str) else want)
    elif error.validator == "oneOf":
        wrong, right = type_error(error, places, at, [kind["type"] for kind in want
                                                      if "type" in kind])
    elif error.validator == "not" and len(want.get("required", ())) == 1:
        key = want["required"][0]
        at += (key,)
        wrong = f"'{key}' does not go with '{error.absolute_schema_path[-2]}'"
        right = "leave one of them out"
    return places.text(at, wrong, right)


def whole_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[Exception]:
    """As the schema means a pattern: one that ends with $ allows no line break behind that."""
    if isinstance(instance, str) and (not re.search(pattern, instance) or "\n" in instance):
        yield jsonschema.ValidationError("pattern")


def check_schema(spec: Yaml, places: Places, schemas: str) -> None:
    """Looks whether a spec has the form that the schema of its protocol asks for."""
    known = ("genetlink", "genetlink-c", "genetlink-legacy")
    protocol = spec.get("protocol", "genetlink")
    if protocol == "netlink-raw":
        raise SpecErrors([places.text(("protocol",), "this is a spec of netlink-raw", "only "
                                      "generic netlink has families that a module can register")])
    if protocol not in known:
        protocol = places.words.get(("protocol",), (protocol, ""))[0]
        raise SpecErrors([places.text(("protocol",), f"there is no protocol '{plain(protocol)}'",
                                      near(plain(protocol), known))])
    with open(f"{schemas}/{protocol}.yaml", encoding="utf-8") as file:
        schema = yaml.load(file, Loader=yaml.SafeLoader)
    validators: Any = jsonschema.validators
    validator = validators.extend(jsonschema.Draft7Validator, {"pattern": whole_pattern})
    found = sorted(validator(schema).iter_errors(spec),
                   key=lambda error: places.line(error.absolute_path))
    if found:
        raise SpecErrors([schema_error(jsonschema.exceptions.best_match([error]), places)
                          for error in found])


def load(path: str, kernel: str, exclude: Iterable[str] = ()) -> tuple[Any, Places]:
    """Reads a spec with nlspec, but for some operations, or raises SpecErrors with all that is
    wrong with it."""
    library = f"{kernel}/tools/net/ynl/pyynl"
    if not os.path.exists(f"{library}/lib/nlspec.py"):
        raise SpecErrors([f"{kernel}: this has no tools/net/ynl/pyynl/lib/nlspec.py: it must be "
                          "the source of a kernel"])
    if library not in sys.path:
        sys.path.append(library)
    nlspec = importlib.import_module("lib.nlspec")
    reader = Reader(path)
    spec, places = reader.read(), reader.places
    if not isinstance(spec, dict):
        raise SpecErrors([f"{path}:1: this is no spec: it must be a mapping with name, doc, "
                          "attribute-sets and operations"])
    check_schema(spec, places, f"{kernel}/Documentation/netlink")
    Checker(spec, places).check()
    try:
        # Its own look at the schema would be the second one.
        family = nlspec.SpecFamily(path, schema_path="")
    except nlspec.SpecException as error:
        raise SpecErrors([f"{path}:1: {error}: look at the specs of the kernel"]) from None
    for name in [name for name in family.msgs if any(re.match(given, name) for given in exclude)]:
        for operations in (family.msgs, family.ops, family.ntfs):
            operations.pop(name, None)
    return family, places
