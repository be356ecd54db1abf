# SPDX-License-Identifier: GPL-2.0
"""
Specs of netlink families: reading them with the kernel's own library, and finding
what is wrong with them before anything is made of them.

What a spec means is nlspec's matter (tools/net/ynl/pyynl/lib of the kernel). This
file adds what that does not do: it says where an error is, what it is, and what
would be right.
"""

import difflib
import os
import re
import sys
from typing import Any, Optional

import yaml

from genl_yaml import Places, Reader, SpecErrors, plain, shown

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
    ident = re.sub(r"\W", "_", name).lower()
    if ident[:1].isdigit():
        ident = "_" + ident
    return ident + "_" if ident in STRICT_KEYWORDS else ident


def camel(name: str) -> str:
    """The name of a Rust type or variant."""
    ident = "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", name.lower()))
    # Two numbers side by side would become another one.
    ident = re.sub(r"(?<=\d)(?=\d)", "", ident)
    if ident[:1].isdigit():
        ident = "_" + ident
    return ident + "_" if ident in STRICT_KEYWORDS else ident


def upper(name: str) -> str:
    """The name of a Rust constant."""
    ident = re.sub(r"\W", "_", name).upper().strip("_")
    return "_" + ident if ident[:1].isdigit() else ident


def find_const(spec: Any, name: str) -> Any:
    """A constant by its name, or by that with its prefix, which C calls it; none for others."""
    for item in spec.get("definitions") or []:
        if item["type"] == "const" and name in (item["name"],
                                                item.get("name-prefix", "") + item["name"]):
            return item
    return None


def in_kernel(const: Any) -> bool:
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


def near(name, names):
    """What might have been meant."""
    names = [str(other) for other in names]
    close = difflib.get_close_matches(str(name), names, 1, 0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return "there are none"
    return "there are: " + ", ".join(names[:24]) + (" ..." if len(names) > 24 else "")


class Checker:
    """Finds what is wrong with a spec that has the form of one."""

    def __init__(self, spec, places):
        self.spec, self.places = spec, places
        self.errors = []
        self.consts = {}
        # The values of each enum, and the bits of each flags.
        self.values = {}
        # The attributes of each set, by their names: those of a subset are merged.
        self.sets = {}

    def error(self, at, wrong, right):
        """Notes an error."""
        text = self.places.text(at, wrong, right)
        # What an alias repeats is one error.
        if text not in self.errors:
            self.errors.append(text)

    def unique(self, elements, at, what, ident=None):
        """Names in a row must differ, also as names in Rust."""
        seen, idents = {}, {}
        for index, element in enumerate(elements):
            name = element if isinstance(element, str) else element["name"]
            here = at + (index,)
            if name in seen:
                self.error(here, f"{what} '{name}' is there twice",
                           f"the other one is in line {self.places.line(seen[name])}")
                continue
            seen[name] = here
            if ident:
                if not re.search(r"[A-Za-z0-9]", name):
                    self.error(here, f"{what} '{name}' is no name that Rust can have",
                               "it needs a letter or a digit")
                elif ident(name) in idents:
                    other = idents[ident(name)]
                    self.error(here, f"the names '{name}' and '{other}' are one in Rust, "
                               f"{ident(name)}", "rename one of them")
                idents[ident(name)] = name

    def note(self, at, what, why):
        """Notes what is no error, and what somebody might miss."""
        text = self.places.text(at, "note: " + what, why)
        if text not in self.places.notes:
            self.places.notes.append(text)

    def check_text(self, text, at, what, pattern, right):
        """A name that the schema takes whatever it has in it, and Rust or C does not."""
        if re.fullmatch(pattern, text):
            return True
        self.error(at, f"{what} is {shown(text)}", right)
        return False

    def check(self):
        """Runs all checks."""
        self.check_family()
        self.check_definitions()
        self.check_sets()
        self.check_operations()
        self.check_groups()
        if self.errors:
            raise SpecErrors(self.errors)

    def check_family(self):
        """The family itself."""
        name = self.spec["name"]
        if name:
            self.check_text(name, ("name",), "the name of the family", NETLINK_NAME, NETLINK_RIGHT)
        if name in RESERVED_FAMILIES:
            self.error(("name",), f"the family name '{name}' is reserved",
                       "the core treats it in its own way; take another one")
        if not 0 < len(name.encode()) <= NAME_MAX:
            self.error(("name",), f"the family name '{name}' has {len(name.encode())} bytes",
                       f"netlink takes 1 to {NAME_MAX}")
        if not 1 <= self.spec.get("version", 1) <= 255:
            self.error(("version",), f"the version is {self.spec['version']}",
                       "netlink takes 1 to 255")

    def check_definitions(self):
        """Constants, enums, flags and structs."""
        definitions = self.spec.get("definitions", [])
        self.unique(definitions, ("definitions",), "definition", camel)
        for index, item in enumerate(definitions):
            at = ("definitions", index)
            self.consts.setdefault(item["name"], item)
            if item["type"] == "const":
                if "value" not in item:
                    self.error(at, f"the constant '{item['name']}' has no value", "add 'value:'")
            elif item["type"] in ("enum", "flags"):
                self.check_entries(item, at)
            elif item["type"] == "struct":
                if not item.get("members"):
                    self.error(at, f"the struct '{item['name']}' has no members", "add 'members:'")
                self.unique(item.get("members", []), at + ("members",), "member", snake)
                size = 0
                for number, member in enumerate(item.get("members", [])):
                    size += self.check_member(member, at + ("members", number))
                if size > LEN_MAX:
                    self.error(at, f"the struct '{item['name']}' has {size} bytes",
                               f"an attribute has at most {LEN_MAX} bytes")

    def check_member(self, member, at):
        """A member of a struct; returns its bytes as far as they are known."""
        name, size = member["name"], member.get("len")
        if member["type"] in ("binary", "string") and size is None and "struct" not in member:
            self.error(at, f"the member '{name}' has no length", "add 'len:'")
        if isinstance(size, str):
            const = find_const(self.spec, size)
            if const and in_kernel(const):
                self.error(at + ("len",), f"the length of '{name}' is one that only the kernel "
                           "knows", "a struct in Rust takes a number")
            size = self.limit(size, at + ("len",))
        if size is not None and size < 1:
            self.error(at + ("len",), f"'len' of '{name}' is {size}", "it is at least 1")
        return SCALARS.get(member["type"], 0) // 8 or size or 0

    def check_entries(self, item, at):
        """The entries of an enum or of flags."""
        entries = item.get("entries")
        if entries is None or not entries and "header" not in item:
            self.error(at, f"'{item['name']}' has no entries",
                       "add 'entries:', which can be [] where a header has them")
            return
        self.unique(entries, at + ("entries",), "entry", camel)
        value = item.get("value-start", 0)
        if not isinstance(value, int):
            self.error(at + ("value-start",), f"'value-start' is {value!r}", "take a number")
            return
        seen = {}
        for index, entry in enumerate(entries):
            here = at + ("entries", index)
            name = entry if isinstance(entry, str) else entry["name"]
            self.check_text(name, here, "the name of the entry", "[0-9A-Za-z_-]+", WORD_RIGHT)
            value = value if isinstance(entry, str) else entry.get("value", value)
            if value in seen:
                self.error(here, f"the entry '{name}' has the value {value} of '{seen[value]}'",
                           f"the next free one is {max(seen) + 1}")
            if item["type"] == "flags" and not 0 <= value < 64:
                self.error(here, f"the flag '{name}' is bit {value}", "bits are from 0 to 63")
            if not -1 << 63 <= value < 1 << 64:
                self.error(here, f"the entry '{name}' has the value {value}",
                           "numbers have 64 bits")
            seen[value] = name
            value += 1
        self.values.setdefault(item["name"], list(seen))

    def limit(self, value, at):
        """The number behind a limit; None where there is none, or only the kernel knows it."""
        if isinstance(value, int):
            return value
        const = find_const(self.spec, value)
        if const:
            if in_kernel(const):
                return None
            number = const.get("value")
            if isinstance(number, int):
                return number
            self.error(at, f"the limit '{value}' is no number", "take a constant that is one")
            return None
        number = named_limit(value)
        if number is None and value.endswith(" - 1"):
            self.error(at, f"the limit '{value}' is an expression",
                       "take a constant that has the number")
        elif number is None:
            self.error(at, f"there is no constant '{value}'",
                       near(value, [n for n, c in self.consts.items() if c["type"] == "const"]))
        return number

    def check_sets(self):
        """Attribute sets."""
        sets = self.spec["attribute-sets"]
        self.unique(sets, ("attribute-sets",), "attribute set", camel)
        names = [item["name"] for item in sets]
        for index, item in enumerate(sets):
            at = ("attribute-sets", index)
            parent = item.get("subset-of")
            if parent is not None and parent not in names:
                self.error(at + ("subset-of",), f"there is no attribute set '{parent}'",
                           near(parent, names))
            elif parent is not None and parent not in self.sets:
                self.error(at + ("subset-of",), f"the set '{item['name']}' comes in front of "
                           f"'{parent}', of which it is a part", "put it behind that")
            if parent is None or self.spec.get("protocol") != "genetlink-legacy":
                self.unique(item["attributes"], at + ("attributes",), "attribute", snake)
            attrs = self.check_own(item, at) if parent is None else \
                self.check_subset(item, at, self.sets.get(parent, {}))
            self.sets.setdefault(item["name"], attrs)
        for index, item in enumerate(sets):
            for number, attr in enumerate(item["attributes"]):
                merged = self.sets[item["name"]].get(attr["name"])
                if merged is not None:
                    self.check_attr(merged, ("attribute-sets", index, "attributes", number))

    def check_own(self, item, at):
        """The numbers of the attributes of a set; returns these by their names."""
        value, seen, attrs = 1, {}, {}
        for number, attr in enumerate(item["attributes"]):
            here = at + ("attributes", number)
            name = attr["name"]
            value = attr.get("value", value)
            if value in seen:
                self.error(here, f"the attribute '{name}' has the number {value} of "
                           f"'{seen[value]}'", f"the next free one is {max(seen) + 1}")
            if value == 0 and attr["type"] not in ("unused", "pad") and \
                    self.spec.get("protocol") != "genetlink-legacy":
                self.error(here, f"the attribute '{name}' has the number 0",
                           "netlink never uses it; numbers begin at 1")
            if value > 0x3fff:
                self.error(here, f"the attribute '{name}' has the number {value}",
                           "netlink has 14 bits for it, up to 16383")
            seen[value] = name
            value += 1
            attrs[name] = attr
        return attrs

    def check_subset(self, item, at, parent):
        """The attributes of a part of a set, merged with what the set says about them."""
        attrs = {}
        for number, attr in enumerate(item["attributes"]):
            here = at + ("attributes", number)
            name = attr["name"]
            if name in parent:
                attrs[name] = parent[name] | attr
                if attrs[name].get("checks") != parent[name].get("checks"):
                    self.error(here + ("checks",), f"the subset has other checks of '{name}' than "
                               f"the set '{item['subset-of']}'", "leave them out here")
            elif parent:
                self.error(here, f"the set '{item['subset-of']}' has no attribute '{name}'",
                           near(name, parent))
        return attrs

    def check_attr(self, attr, at):
        """One attribute."""
        name, kind = attr["name"], attr["type"]
        if "sub-message" in attr or kind == "sub-message":
            self.error(at, f"the attribute '{name}' is a sub-message",
                       "only netlink-raw has them, generic netlink takes a nest")
        nested = attr.get("nested-attributes")
        inner = attr.get("sub-type", kind) if kind == "indexed-array" else kind
        if inner in ("nest", "nest-type-value") and nested is None:
            self.error(at, f"the nest '{name}' does not say what is in it",
                       "add 'nested-attributes:' with the name of an attribute set")
        if nested is not None and nested not in self.sets:
            self.error(at + ("nested-attributes",), f"there is no attribute set '{nested}'",
                       near(nested, self.sets))
        if kind == "indexed-array" and "sub-type" not in attr:
            self.error(at, f"the array '{name}' does not say of what", "add 'sub-type:'")
        if attr.get("byte-order") and inner not in (*SCALARS, "binary"):
            self.error(at + ("byte-order",), f"'{name}' is no number and has a byte order",
                       "leave it out")
        enum = attr.get("enum")
        if enum is not None:
            known = [n for n, c in self.consts.items() if c["type"] in ("enum", "flags")]
            if enum not in known:
                self.error(at + ("enum",), f"there is no enum '{enum}'", near(enum, known))
                enum = None
        struct = attr.get("struct")
        if struct is not None and not struct.startswith("--"):
            known = [n for n, c in self.consts.items() if c["type"] == "struct"]
            if struct not in known:
                self.error(at + ("struct",), f"there is no struct '{struct}'",
                           near(struct, known))
        numbers = self.check_limits(attr, at, inner)
        if enum is not None and self.values.get(enum):
            self.check_enum(attr, at, enum, numbers)

    def check_limits(self, attr, at, kind):
        """The checks of an attribute; returns the numbers in them that are known."""
        name, checks = attr["name"], attr.get("checks", {})
        numbers = {}
        for key, value in checks.items():
            here = at + ("checks", key)
            kinds, wrong, right = CHECKS[key]
            if kind == "unused":
                continue
            if kind not in kinds:
                self.error(here, f"'{key}' of '{name}', which is {wrong}", right)
            elif key == "flags-mask":
                known = [n for n, c in self.consts.items() if c["type"] in ("enum", "flags")]
                if value not in known:
                    self.error(here, f"there are no flags '{value}'", near(value, known))
                else:
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
            least, most = bounds(kind) if kind in SCALARS else (int(key != "min-len"), LEN_MAX)
            if number is None or least <= number <= most and \
                    (key not in ("min-len", "exact-len") or number <= LEAST_MAX):
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
            least, most = numbers.get(low), numbers.get(high)
            if least is not None and most is not None and least > most:
                self.error(at + ("checks", low), f"no {what} of '{name}' is allowed: {low} is "
                           f"{least} and {high} is {most}", f"{low} must not be above {high}")
        return numbers

    def check_bits(self, name, kind, at, flags):
        """Whether an attribute has room for flags."""
        bits = 32 if kind == "bitfield32" else SCALARS[kind] - (kind[0] == "s")
        wrong = [value for value in self.values.get(flags, []) if not 0 <= value < bits]
        if wrong:
            self.error(at, f"'{flags}' has the bit {wrong[-1]}",
                       f"'{name}' is a {kind}, with bits from 0 to {bits - 1}")

    def check_enum(self, attr, at, enum, numbers):
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
        if numbers and None not in numbers.values():
            # The core checks the range instead of an enum that has gaps.
            if max(values) - min(values) + 1 == len(values):
                low, high = min(values), max(values)
            low, high = numbers.get("min", low), numbers.get("max", high)
            if high - low + 1 > sum(low <= value <= high for value in values):
                self.error(at + ("checks",), f"the checks of '{name}' allow values that '{enum}' "
                           "does not have", "leave them out")

    def check_operations(self):
        """Operations and notifications."""
        ops = self.spec["operations"]["list"]
        at = ("operations", "list")
        self.unique(ops, at, "operation", snake)
        names = [op["name"] for op in ops]
        groups = [group["name"] for group in
                  (self.spec.get("mcast-groups") or {}).get("list", [])]
        directional = self.spec["operations"].get("enum-model") == "directional"
        number, seen, first = 1, {}, None
        for index, op in enumerate(ops):
            here = at + (index,)
            name = op["name"]
            number = op.get("value", number)
            if not directional:
                if number in seen:
                    self.error(here, f"the operation '{name}' has the number {number} of "
                               f"'{seen[number]}'", f"the next free one is {max(seen) + 1}")
                if number > 255:
                    self.error(here, f"the operation '{name}' has the number {number}",
                               "a generic netlink header has 8 bits for it, up to 255")
                seen[number] = name
            number += 1
            calls = [mode for mode in ("do", "dump") if mode in op]
            self.check_kind(op, here, calls, directional)
            for key, value in [("config-cond", op.get("config-cond"))] + \
                    [(hook, op[mode].get(hook)) for mode in calls for hook in ("pre", "post")]:
                if value is not None:
                    self.check_text(value, here + (key,), f"'{key}' of '{name}'", WORD, WORD_RIGHT)
            attr_set = op.get("attribute-set")
            if calls and self.spec.get("kernel-policy") == "global":
                first = first or op
                if attr_set != first.get("attribute-set"):
                    self.error(here + ("attribute-set",), f"the policy is global, and '{name}' "
                               f"has another attribute set than '{first['name']}'",
                               "a global policy is of one set")
            if attr_set is None and (calls or "event" in op):
                self.error(here, f"the operation '{name}' has no attribute set",
                           "add 'attribute-set:'")
            if attr_set is not None and attr_set not in self.sets:
                self.error(here + ("attribute-set",), f"there is no attribute set '{attr_set}'",
                           near(attr_set, self.sets))
            elif attr_set is not None:
                known = list(self.sets[attr_set])
                for path in [(mode, side) for mode in calls for side in ("request", "reply")] + \
                        [("event",)]:
                    body = op
                    for key in path:
                        body = (body or {}).get(key) if isinstance(body, dict) else None
                    listed = (body or {}).get("attributes", [])
                    for place, attr in enumerate(listed):
                        if attr not in known:
                            self.error(here + path + ("attributes", place),
                                       f"the set '{attr_set}' has no attribute '{attr}'",
                                       near(attr, known))
                    twice = {attr for attr in listed if listed.count(attr) > 1}
                    for attr in sorted(twice):
                        self.error(here + path, f"'{attr}' is listed twice", "once is enough")
            if "notify" in op:
                if op["notify"] not in names:
                    self.error(here + ("notify",), f"there is no operation '{op['notify']}'",
                               near(op["notify"], names))
                elif not any(mode in ops[names.index(op["notify"])] for mode in ("do", "dump")):
                    self.error(here + ("notify",), f"'{op['notify']}' has no reply to share",
                               "name an operation with a do or a dump")
            if "mcgrp" in op and op["mcgrp"] not in groups:
                self.error(here + ("mcgrp",), f"there is no multicast group '{op['mcgrp']}'",
                           near(op["mcgrp"], groups))
            if "mcgrp" in op and not ("notify" in op or "event" in op):
                self.error(here + ("mcgrp",), f"'{name}' is no notification",
                           "'mcgrp' goes with 'notify' or 'event'")
        entries = sum(mode in op for op in ops for mode in ("do", "dump"))
        if entries > 255:
            self.error(at, f"the family has {entries} operations",
                       "the core takes 255, a do and a dump of one name counting twice")

    def check_kind(self, op, at, calls, directional):
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
            if directional:
                self.error(at, f"the operation '{name}' has nothing in it",
                           "add 'do:', 'dump:', 'notify:' or 'event:'; numbers of directions "
                           "cannot be reserved")
            elif op.get("value") != 0:
                # Old specs have an operation for the number 0, which is kept free.
                self.note(at, f"the operation '{name}' has nothing in it",
                          "its number is reserved; add 'do:', 'dump:', 'notify:' or 'event:'")

    def check_groups(self):
        """Multicast groups."""
        groups = (self.spec.get("mcast-groups") or {}).get("list", [])
        at = ("mcast-groups", "list")
        self.unique(groups, at, "multicast group", camel)
        for index, group in enumerate(groups):
            size = len(group["name"].encode())
            if group["name"]:
                self.check_text(group["name"], at + (index,), "the name of the group", NETLINK_NAME,
                                NETLINK_RIGHT)
            if "admin-perm" in group.get("flags", []):
                self.error(at + (index, "flags"), f"the group '{group['name']}' has the flag "
                           "admin-perm", "the core checks who listens over the network namespace "
                           "of the socket: take uns-admin-perm")
            if not 0 < size <= NAME_MAX:
                self.error(at + (index,), f"the group name '{group['name']}' has {size} bytes",
                           f"netlink takes 1 to {NAME_MAX}")
        if len(groups) > 255:
            self.error(at, f"the family has {len(groups)} groups", "the core takes 255")


def type_error(error, places, at, kinds):
    """What is wrong with a value of the wrong kind, and what would be right."""
    word, kind = places.word(at) or (None, None)
    what = next((f"'{key}'" for key in reversed(at) if isinstance(key, str)), "this")
    must = f"it must be {' or '.join(TYPES[kind] for kind in kinds)}"
    if word == "":
        return f"{what} has nothing in it", must
    if word is not None and "string" in kinds:
        return f"YAML reads {word} as {kind}", "quote it"
    if word is not None:
        return f"{what} is {word}", must
    return f"{what} is {shown(error.instance)}", must


def schema_error(error, places):
    """One line for what the schema has against a spec."""
    at = tuple(error.absolute_path)
    wrong = f"{shown(error.instance)} does not fit here"
    right = "see Documentation/netlink of the kernel for what there is"
    if error.validator == "enum":
        what = f"the {at[-1]}" if at and isinstance(at[-1], str) else "this"
        value, _ = places.word(at) or (error.instance, None)
        wrong = f"{what} cannot be {shown(value)}"
        right = OLD_TYPES.get(value) if isinstance(value, str) and value in OLD_TYPES else \
            near(plain(value), error.validator_value)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = sorted(set(error.instance) - set(known))
        at += (extra[0],)
        wrong = f"there is no key '{plain(extra[0])}' here"
        right = near(extra[0], known)
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        name = error.instance.get("name")
        wrong = f"{shown(name) if name else 'this'} lacks " + ", ".join(f"'{k}'" for k in missing)
        right = "add it"
    elif error.validator == "pattern":
        wrong = f"the name '{plain(error.instance)}' has a character that names cannot have"
        right = f"it must match {error.validator_value}"
    elif error.validator == "minimum":
        wrong = f"{error.instance} is too small"
        right = f"the schema takes {error.validator_value} and more, and names like s32-min"
    elif error.validator == "type":
        kinds = error.validator_value
        wrong, right = type_error(error, places, at, [kinds] if isinstance(kinds, str) else kinds)
    elif error.validator == "oneOf":
        wrong, right = type_error(error, places, at, [kind["type"] for kind in
                                                      error.validator_value if "type" in kind])
    elif error.validator == "not" and len(error.validator_value.get("required", ())) == 1:
        key = error.validator_value["required"][0]
        at += (key,)
        wrong = f"'{key}' does not go with '{error.absolute_schema_path[-2]}'"
        right = "leave one of them out"
    return places.text(at, wrong, right)


def whole_pattern(_, pattern, instance, __):
    """As the schema means a pattern: one that ends with $ allows no line break behind that."""
    if isinstance(instance, str) and (not re.search(pattern, instance) or "\n" in instance):
        # pylint: disable=import-outside-toplevel
        from jsonschema import ValidationError
        yield ValidationError("pattern")


def raw_errors(spec, places):
    """What is wrong with a spec of netlink-raw: that it is one."""
    yield places.text(("protocol",), "this is a spec of netlink-raw",
                      "only generic netlink has families that a module can register")
    # Nothing has looked at its form.
    sets = spec.get("attribute-sets")
    for index, item in enumerate(sets if isinstance(sets, list) else ()):
        attrs = item.get("attributes") if isinstance(item, dict) else None
        for number, attr in enumerate(attrs if isinstance(attrs, list) else ()):
            if isinstance(attr, dict) and attr.get("type") == "sub-message":
                yield places.text(("attribute-sets", index, "attributes", number),
                                  f"the attribute '{plain(attr.get('name'))}' is a sub-message",
                                  "only netlink-raw has them, generic netlink takes a nest")


def find_library(kernel):
    """Makes sure that nlspec of a kernel can be imported."""
    library = f"{kernel}/tools/net/ynl/pyynl"
    if not os.path.exists(f"{library}/lib/nlspec.py"):
        raise SpecErrors([f"{kernel}: this has no tools/net/ynl/pyynl/lib/nlspec.py: it must be the "
                          "source of a kernel"])
    if library not in sys.path:
        sys.path.append(library)


def check_schema(spec, places, schemas):
    """Looks whether a spec has the form that the schema of its protocol asks for."""
    # pylint: disable=import-outside-toplevel,import-error
    import jsonschema

    protocol = spec.get("protocol", "genetlink")
    if protocol == "netlink-raw":
        raise SpecErrors(list(raw_errors(spec, places)))
    known = ("genetlink", "genetlink-c", "genetlink-legacy")
    if protocol not in known:
        protocol = (places.word(("protocol",)) or (protocol, None))[0]
        raise SpecErrors([places.text(("protocol",), f"there is no protocol '{plain(protocol)}'",
                                      near(plain(protocol), known))])
    with open(f"{schemas}/{protocol}.yaml", encoding="utf-8") as file:
        schema = yaml.load(file, Loader=yaml.SafeLoader)
    validator = jsonschema.validators.extend(jsonschema.Draft7Validator,
                                             {"pattern": whole_pattern})
    found = sorted(validator(schema).iter_errors(spec),
                   key=lambda error: places.line(error.absolute_path))
    if found:
        raise SpecErrors([schema_error(jsonschema.exceptions.best_match([error]), places)
                          for error in found])


def load(path: str, kernel: str) -> tuple[Any, Places]:
    """Reads a spec with nlspec, or raises SpecErrors with all that is wrong with it."""
    find_library(kernel)
    # pylint: disable=import-outside-toplevel,import-error
    from lib import SpecException, SpecFamily

    reader = Reader(path)
    spec, places = reader.read(), reader.places
    if not isinstance(spec, dict):
        raise SpecErrors([f"{path}:1: this is no spec: it must be a mapping with name, doc, "
                          "attribute-sets and operations"])
    check_schema(spec, places, f"{kernel}/Documentation/netlink")
    Checker(spec, places).check()
    try:
        # Its own look at the schema would be the second one.
        family = SpecFamily(path, schema_path="")
    except SpecException as error:
        raise SpecErrors([f"{path}:1: {error}: look at the specs of the kernel"]) from None
    return family, places
