# SPDX-License-Identifier: GPL-2.0
"""
What a spec means for Rust: a family with its definitions, attribute sets, operations
and messages, all names made, all references resolved, and each thing that Rust or
generic netlink cannot have refused. The templates in genl_gen.py only write it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Optional, Union

from genl_spec import SCALARS, Symbol, bounds, camel, in_kernel, limit_of, snake, upper
from genl_yaml import Places, SpecErrors

# What modules of sets cannot be called: what code in the same module calls by that name.
MODULES = {"alloc", "core", "def", "genl", "kernel", "std"}
# Families of the core, of which others can have the types.
CORE = {"nlctrl"}
# What a family cannot be called: what the code around its type calls by that name.
TYPES = {"Err", "Error", "Handler", "None", "Ok", "Option", "Result", "Self", "Send", "Sized",
         "Some", "Sync"}
# What a policy has for an attribute that nobody looks at.
UNUSED = "genl::Attr::unused()"
# The largest number of a range that stands in a policy itself, as a number of 16 bits.
INLINE_MAX = 32767


def number(value: int) -> str:
    """A number as Rust is written."""
    if isinstance(value, Symbol):
        return f"{{ def::{value.name} as _ }}"
    digits = f"{abs(value):,}".replace(",", "_") if abs(value) > 99999 else str(abs(value))
    return "-" * (value < 0) + digits


# What attributes hold, one class for each kind.


@dataclass(frozen=True)
class Number:
    """A number, which may be a value of an enum, or flags."""
    name: str
    enum: Optional[str] = None

    def __str__(self) -> str:
        return f"Of<{self.name}, def::{self.enum}>" if self.enum else self.name


@dataclass(frozen=True)
class Simple:
    """What has a name and nothing else: Flag, Bitfield32, Str, Unterminated, Binary."""
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Exact:
    """So many bytes."""
    size: int

    def __str__(self) -> str:
        return f"Array<{number(self.size).replace('_ }', 'usize }')}>"


@dataclass(frozen=True)
class Plain:
    """A structure of C."""
    struct: str

    def __str__(self) -> str:
        return f"Struct<def::{self.struct}>"


@dataclass(frozen=True)
class Nest:
    """A nest with the attributes of a set, which may be one that the nest is in."""
    set: str
    inside: bool

    def __str__(self) -> str:
        return f"Nest{'In' * self.inside}<{self.set}>"


@dataclass(frozen=True)
class Around:
    """What is made of another kind."""
    kind: Kind

    def __str__(self) -> str:
        return f"{type(self).__name__}<{self.kind}>"


class Many(Around):
    """Several attributes in a row."""


class Indexed(Around):
    """A nest of values, each with an index."""


class Under(Around):
    """A nest around one value whose number is one of what is said."""


Kind = Union[Number, Simple, Exact, Plain, Nest, Around]


@dataclass(eq=False)
class Attribute:
    """An attribute of a set."""
    name: str
    ident: str
    field: str
    path: str
    number: int
    doc: str
    place: str
    # The set that is in it.
    nested: Optional[AttributeSet]
    kind: Kind = Simple("Flag")
    # What the policy says beside the kind, or instead of what that says.
    refined: str = ""
    rule: str = ""
    # Why no policy can have it, behind "the attribute 'x' ".
    unfit: Optional[str] = None


@dataclass(eq=False)
class AttributeSet:
    """A set of attributes, without those that are only numbers."""
    name: str
    module: str
    ident: str
    nest: str
    doc: str
    place: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    recursive: bool = False

    @property
    def table(self) -> str:
        """The static that has the policy of a set which contains itself."""
        return f"{upper(self.name)}_TABLE"


@dataclass(eq=False)
class Const:
    """A constant."""
    ident: str
    type: str
    value: str
    doc: str


@dataclass(eq=False)
class Entry:
    """A value of an enum, a flag, or a member of a structure: what it is, and its doc."""
    ident: str
    value: str
    doc: str


@dataclass(eq=False)
class Enum:
    """An enum, or flags."""
    ident: str
    flags: bool
    entries: list[Entry]
    doc: str


@dataclass(eq=False)
class Struct:
    """A structure of C, with members where C has padding."""
    ident: str
    members: list[Entry]
    doc: str
    size: int
    align: int


Definition = Union[Const, Enum, Struct]


@dataclass(eq=False)
class Operation:
    """A do or a dump."""
    ident: str
    name: str
    mode: str
    doc: str
    number: int
    reply: Optional[int]
    access: str
    liberal: list[str]
    set: AttributeSet
    attributes: list[Attribute]
    method: str
    # The type of the handler that is the state of a dump, or the guard of a do.
    assoc: Optional[str]
    # What C calls the guard.
    hooks: list[str]
    condition: Optional[str]
    has_reply: bool
    # Whether the policy is that of the set.
    whole: bool


@dataclass(eq=False)
class Group:
    """A multicast group."""
    ident: str
    name: str
    listen: str


@dataclass(eq=False)
class Notification:
    """A command that nobody requests."""
    ident: str
    name: str
    number: int
    doc: str
    set: AttributeSet
    group: Optional[str]


@dataclass(eq=False)
class Message:
    """What is sent: as a reply, an object of a dump, or a notification."""
    ident: str
    doc: str
    set: AttributeSet
    attributes: list[Attribute]
    commands: list[str]
    aliases: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Family:
    """A family."""
    name: str
    doc: str
    version: int
    ident: str
    # Whether the core has it: what there is for others is what its messages look like.
    core: bool = False
    # The structure that is in front of the attributes of each message.
    header: Optional[str] = None
    # Behind the last command that is not validated strictly.
    resv_start: Optional[int] = None
    definitions: list[Definition] = field(default_factory=list)
    sets: dict[str, AttributeSet] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    nests: list[AttributeSet] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


class Names:
    """What has a name in one place of the file. No two things of a spec can have the same."""

    def __init__(self, errors: list[str]) -> None:
        self.errors, self.taken = errors, dict[str, tuple[str, str]]()

    def add(self, ident: str, place: str, what: str) -> str:
        """Takes a name for something."""
        if ident in self.taken:
            other, line = self.taken[ident]
            self.errors.append(f"{place}: {what} and {other} in line {line} would both have "
                               f"'{ident}' in Rust: rename one of them")
        else:
            self.taken[ident] = what, place.rpartition(":")[2]
        return ident


class Builder:
    """Makes the model of a spec."""

    def __init__(self, spec: Any, places: Places) -> None:
        self.spec, self.places = spec, places
        self.errors: list[str] = []
        yaml = spec.yaml
        self.family = Family(yaml["name"], yaml["doc"], yaml.get("version", 1),
                             camel(yaml["name"]))
        self.def_names, self.attr_names, self.op_names = (Names(self.errors) for _ in range(3))
        # Flags that an enum is used as, and structures that attributes hold.
        self.flags: dict[str, Enum] = {}
        self.inside = self.reachable()

    def build(self) -> Family:
        """The model, or SpecErrors."""
        family = self.family
        if family.ident in TYPES:
            self.refuse(self.line("name"), f"the family '{family.name}' would have the type "
                        f"{family.ident}, and Rust has another one", "rename it")
        self.op_names.add(family.ident, self.line("name"), f"the family '{family.name}'")
        self.definitions()
        self.fixed_header()
        for name, attr_set in self.spec.attr_sets.items():
            place = self.line("attribute-sets", self.index("attribute-sets", name))
            module = snake(name) + ("_" if snake(name) in MODULES else "")
            for ident in (module, camel(f"{name}-set"), camel(f"{name}-nest")):
                self.attr_names.add(ident, place, f"the attribute set '{name}'")
            family.sets[name] = AttributeSet(
                name, module, camel(f"{name}-set"), camel(f"{name}-nest"),
                attr_set.yaml.get("doc", ""), place, recursive=name in self.inside[name])
        for name, attr_set in self.spec.attr_sets.items():
            self.attributes(family.sets[name], attr_set)
        family.definitions += self.flags.values()
        family.core = family.name in CORE
        if not family.core:
            self.groups()
            self.operations()
            self.notifications()
        self.messages()
        if self.errors:
            raise SpecErrors(self.errors)
        return family

    # Where things are.

    def line(self, *at: Union[str, int]) -> str:
        """The file and the line of an element of the spec."""
        return f"{self.places.path}:{self.places.line(at)}"

    def index(self, key: str, name: str) -> int:
        """The place of an element among others of its kind."""
        elements = self.spec.yaml[key]
        elements = elements["list"] if isinstance(elements, dict) else elements
        return next(i for i, element in enumerate(elements) if element["name"] == name)

    def op_line(self, name: str) -> str:
        """Where an operation is."""
        return self.line("operations", "list", self.index("operations", name))

    def refuse(self, place: str, wrong: str, right: str) -> None:
        """Notes what cannot be."""
        text = f"{place}: {wrong}: {right}"
        if text not in self.errors:
            self.errors.append(text)

    def limit(self, value: Union[int, str]) -> int:
        """The number behind a limit."""
        found = limit_of(self.spec.yaml, value)
        assert found is not None
        return found

    # Definitions.

    def definitions(self) -> None:
        """Constants, enums and flags; structures where an attribute has them."""
        for item in self.spec.yaml.get("definitions") or []:
            name, doc = item["name"], item.get("doc", "")
            place = self.line("definitions", self.index("definitions", name))
            kind = item["type"].replace("const", "constant")
            if kind in ("enum", "flags") and not item.get("entries"):
                # What a header says, and the spec does not.
                continue
            ident = self.def_names.add(upper(name) if kind == "constant" else camel(name), place,
                                       f"the {kind} '{name}'")
            self.family.definitions.append(
                self.const(ident, item, doc) if kind == "constant" else
                self.struct(ident, name, place, ()) if kind == "struct" else
                self.enum(ident, name, kind == "flags", doc))

    @staticmethod
    def const(ident: str, item: Any, doc: str) -> Const:
        """A constant."""
        value = item["value"]
        if in_kernel(item):
            return Const(ident, "u64", f"kernel::bindings::{ident} as u64", doc)
        if isinstance(value, str):
            safe = "".join(char if char.isprintable() and char not in '"\\' else
                           f"\\u{{{ord(char):x}}}" for char in value)
            return Const(ident, "&str", f'"{safe}"', doc)
        kind = "i64" if value < 0 else "u32" if value < 1 << 32 else "u64"
        return Const(ident, kind, number(value), doc)

    def enum(self, ident: str, name: str, flags: bool, doc: str) -> Enum:
        """An enum, or the flags of one."""
        names, entries = Names(self.errors), []
        at = self.index("definitions", name)
        for index, entry in enumerate(self.spec.consts[name].entries.values()):
            if flags:
                variant = "ALL_" if upper(entry.name) == "ALL" else upper(entry.name)
                value = f"{entry.user_value(as_flags=True):#x}"
            else:
                variant = camel(entry.name)
                # As a number of 64 bits with a sign.
                value = number((entry.value + (1 << 63)) % (1 << 64) - (1 << 63))
            names.add(variant, self.line("definitions", at, "entries", index),
                      f"the entry '{entry.name}'")
            entries.append(Entry(variant, value, entry.doc))
        return Enum(ident, flags, entries, doc)

    def enum_type(self, name: str, as_flags: bool) -> Optional[str]:
        """The type of the numbers of an enum; none where the spec does not say what is in it."""
        enum = self.spec.consts[name]
        if not enum.entries:
            return None
        if not as_flags or enum.type == "flags":
            return camel(name)
        ident = camel(f"{name}-flags")
        if ident not in self.flags:
            place = self.line("definitions", self.index("definitions", name))
            self.def_names.add(ident, place, f"the flags '{name}'")
            self.flags[ident] = self.enum(ident, name, True, enum.yaml.get("doc", ""))
        return ident

    def struct(self, ident: str, name: str, place: str, outer: tuple[str, ...]) -> Struct:
        """A structure, as C lays it out."""
        made = Struct(ident, [], self.spec.consts[name].yaml.get("doc", ""), 0, 1)
        names, at = Names(self.errors), self.index("definitions", name)

        def pad(align: int) -> None:
            """Adds what is between the last member and the next multiple of an alignment."""
            rest = -made.size % align
            if rest:
                filler = names.add(f"_pad{made.size}", place, f"padding of the struct '{name}'")
                made.members.append(Entry(filler, f"[u8; {rest}]", ""))
                made.size += rest

        for index, member in enumerate(self.spec.consts[name].members):
            if member.type in SCALARS:
                size = align = SCALARS[member.type] // 8
                kind = member.type.replace("s", "i")
                if member.byte_order == "big-endian" and size > 1:
                    kind = f"zerocopy::big_endian::{kind.upper()}"
            elif member.struct:
                if member.struct in (name, *outer):
                    self.refuse(place, f"the struct '{name}' contains itself", "it cannot")
                    continue
                inner = self.spec.consts.get(member.struct)
                if not hasattr(inner, "members"):
                    self.refuse(place, f"the struct '{name}' has a member of the struct "
                                f"'{member.struct}'", "there is no such struct")
                    continue
                nested = self.struct("", member.struct, place, (name, *outer))
                size, align, kind = nested.size, nested.align, camel(member.struct)
            else:
                size, align = self.limit(member.len), 1
                kind = f"[u8; {size}]"
            pad(align)
            ident = names.add(snake(member.name), self.line("definitions", at, "members", index),
                              f"the member '{member.name}'")
            made.members.append(Entry(ident, kind, member.yaml.get("doc", "")))
            made.size, made.align = made.size + size, max(made.align, align)
        pad(made.align)
        return made

    def fixed_header(self) -> None:
        """The header that all messages have."""
        headers = {op.name: op.fixed_header for op in self.spec.msgs.values() if not op.is_resv}
        name = self.spec.fixed_header or next(iter(headers.values()), None)
        for op, header in headers.items():
            if header != name:
                self.refuse(self.op_line(op), f"the operation '{op}' has "
                            + (f"the fixed header '{header}'" if header else "no fixed header"),
                            "all messages of a family have the same one")
        if name is None:
            return
        place = self.line("operations", "fixed-header")
        struct = next((item for item in self.family.definitions
                       if isinstance(item, Struct) and item.ident == camel(name)), None)
        if struct is None or not hasattr(self.spec.consts.get(name), "members"):
            self.refuse(place, f"there is no struct '{name}'", "the fixed header is one")
        elif struct.size % 4 or struct.size > 1024:
            self.refuse(place, f"the fixed header '{name}' has {struct.size} bytes",
                        "it takes a multiple of 4, and at most 1024")
        else:
            self.family.header = struct.ident

    # Attributes.

    def reachable(self) -> dict[str, set[str]]:
        """For each set those that are somewhere inside of it."""
        inside = {name: {attr.get("nested-attributes") for attr in attrs.attrs.values()} - {None}
                  for name, attrs in self.spec.attr_sets.items()}
        found = {}
        for name in inside:
            seen: set[str] = set()
            todo = list(inside[name])
            while todo:
                inner = todo.pop()
                if inner not in seen:
                    seen.add(inner)
                    todo += inside.get(inner, ())
            found[name] = seen
        return found

    def attributes(self, into: AttributeSet, attr_set: Any) -> None:
        """The attributes of a set."""
        names = Names(self.errors)
        sets = self.spec.yaml["attribute-sets"]
        at = self.index("attribute-sets", into.name)
        for attr in attr_set.attrs.values():
            if attr.type in ("pad", "unused"):
                continue
            index = next(i for i, item in enumerate(sets[at]["attributes"])
                         if item["name"] == attr.name)
            place = self.line("attribute-sets", at, "attributes", index)
            ident = names.add(camel(attr.name), place, f"the attribute '{attr.name}'")
            into.attributes[attr.name] = self.attribute(into, attr, ident, place)

    def attribute(self, into: AttributeSet, attr: Any, ident: str, place: str) -> Attribute:
        """An attribute."""
        nested, is_array = attr.get("nested-attributes"), attr.type == "indexed-array"
        made = Attribute(name=attr.name, ident=ident, field=snake(attr.name),
                         path=f"{into.module}::{ident}", number=attr.value,
                         doc=attr.yaml.get("doc", ""), place=place,
                         nested=self.family.sets[nested] if nested else None)
        inner = attr.sub_type if is_array else attr.type
        if is_array and inner not in (*SCALARS, "nest", "string", "binary"):
            self.refuse(place, f"the attribute '{attr.name}' is an array of the type {inner}",
                        "there is no such layout")
        elif inner in SCALARS:
            made.kind = self.scalar(made, attr, inner)
        elif inner in ("nest", "nest-type-value"):
            made.kind = self.nest(made, into)
        elif inner in ("string", "binary"):
            made.kind = self.bytes(made, attr, inner)
        elif inner == "bitfield32":
            made.kind = Simple("Bitfield32")
            mask = self.spec.consts[attr["enum"]].get_mask(as_flags=True) if "enum" in attr else 0
            made.rule = f"genl::Attr::bitfield32({mask:#x})" if mask else UNUSED
            if not mask:
                made.unfit = "is a bitfield32 in a request and has no enum: name the flags that " \
                    "it can have"
        if inner == "nest-type-value":
            for _ in attr.get("type-value", []):
                made.kind = Under(made.kind)
        if is_array:
            # A policy knows arrays of nests, and their elements by the set only.
            if inner != "nest":
                made.refined, made.rule = "", ""
            elif made.rule:
                made.rule = UNUSED
            made.kind = Indexed(made.kind)
        if inner == "nest-type-value" or is_array and inner != "nest":
            what = f"{attr.type} of {inner}" if is_array else inner
            made.unfit = f"is of the type {what} in a request: a policy has no such type"
        if not made.number:
            # Old protocols have such attributes in what they send. Netlink never looks at them.
            made.refined, made.rule = "", UNUSED
        if attr.is_multi:
            if attr.type in ("flag", "indexed-array"):
                self.refuse(place, f"the attribute '{attr.name}' is of the type {attr.type} and "
                            "comes several times", "there is no such thing")
            made.kind = Many(made.kind)
        return made

    def scalar(self, made: Attribute, attr: Any, kind: str) -> Number:
        """A number, and what the policy says about it."""
        big = attr.byte_order == "big-endian" and SCALARS[kind] != 8
        name = {"uint": "UInt", "sint": "SInt"}.get(kind, kind.upper())
        if big:
            if kind not in ("u16", "u32", "u64"):
                self.refuse(made.place, f"the attribute '{made.name}' is a big-endian {kind}",
                            "only u16, u32 and u64 can have this byte order")
            name = "Be" + kind[1:]
        checks = dict(attr.yaml.get("checks", {}))
        if name == "Be64" and (checks or "enum" in attr):
            self.refuse(made.place, f"the attribute '{made.name}' is a big-endian u64 with checks",
                        "a policy checks such numbers of 16 and 32 bits only")
        enum = self.spec.consts[attr["enum"]] if "enum" in attr else None
        flags = enum is not None and bool(attr.get("enum-as-flags") or enum.type == "flags")
        of = Number(name, self.enum_type(enum.name, flags) if enum is not None else None)
        if "flags-mask" in checks:
            mask = self.spec.consts[checks["flags-mask"]].get_mask(as_flags=True)
            if mask >> 32:
                made.unfit = f"has the mask {mask:#x} in a request: a policy has masks of 32 bits"
            made.refined = f"mask({mask:#x})"
            return of
        least = self.limit(checks["min"]) if "min" in checks else None
        most = self.limit(checks["max"]) if "max" in checks else None
        if of.enum and not flags:
            assert enum is not None
            values = [entry.value for entry in enum.entries.values()]
            whole = max(values) - min(values) + 1 == len(values)
            if whole and (checks or max(values) > INLINE_MAX or min(values) < -INLINE_MAX):
                least = min(values) if least is None else least
                most = max(values) if most is None else most
        if least is None and most is None:
            return of
        low, high = bounds(kind)
        least, most = low if least is None else least, high if most is None else most
        if kind[0] == "s":
            text = f"signed_range::<{number(least)}, {number(most)}>()"
        elif least == 0 and not isinstance(least, Symbol):
            text = f"max::<{number(most)}>()"
        else:
            text = f"range::<{number(least)}, {number(most)}>()"
        if of.enum:
            made.rule = f"genl::Attr::{name.lower()}().{text}"
        else:
            made.refined = text
        return of

    def nest(self, made: Attribute, into: AttributeSet) -> Nest:
        """A nest."""
        assert made.nested is not None
        inside = into.name in self.inside[made.nested.name]
        if inside:
            made.rule = f"genl::Attr::nested_in(&{made.nested.table})"
        return Nest(made.nested.ident, inside)

    def bytes(self, made: Attribute, attr: Any, kind: str) -> Kind:
        """A string or a binary, and what the policy says about its length."""
        checks = dict(attr.yaml.get("checks", {}))
        limits = {key: self.limit(value) for key, value in checks.items() if key.endswith("-len")}
        struct = attr.struct_name if attr.struct_name in self.spec.consts else None
        texts = {key: number(value) for key, value in limits.items()}
        if "exact-len" in limits:
            if not struct:
                return Exact(limits["exact-len"])
            made.rule = f"genl::Attr::exact({texts['exact-len']})"
        elif len(limits) == 2:
            made.refined = f"len_range({texts['min-len']}, {texts['max-len']})"
        elif limits:
            key = next(iter(limits))
            made.refined = f"{snake(key)}({texts[key]})"
        if struct:
            if made.refined:
                made.rule = f"genl::Attr::binary(0).{made.refined}"
                made.refined = ""
            return Plain(camel(struct))
        if kind == "binary":
            return Simple("Binary")
        return Simple("Unterminated" if checks.get("unterminated-ok") else "Str")

    # What the family does.

    def groups(self) -> None:
        """Multicast groups."""
        for index, group in enumerate((self.spec.yaml.get("mcast-groups") or {}).get("list", [])):
            ident = self.op_names.add(camel(f"{group['name']}-group"),
                                      self.line("mcast-groups", "list", index),
                                      f"the group '{group['name']}'")
            self.family.groups.append(Group(ident, group["name"],
                                            "NetAdmin" if group.get("flags") else "Anyone"))

    def calls(self) -> Iterator[tuple[Any, str]]:
        """The operations in their directions, in the order of the table."""
        calls = [(op, mode) for op in self.spec.ops.values() if not op.is_async
                 for mode in ("do", "dump") if mode in op]
        return iter(sorted(calls, key=lambda call: (call[0].req_value, call[1] == "dump")))

    @staticmethod
    def listed(op: Any, mode: str, side: str) -> list[str]:
        """The attributes that an operation lists for a request or a reply."""
        return list(((op.get(mode) or {}).get(side) or {}).get("attributes", []))

    def operations(self) -> None:
        """Operations."""
        everything: list[str] = []
        policy = self.spec.yaml.get("kernel-policy", "split")
        for op, mode in self.calls():
            everything += [name for name in self.listed(op, mode, "request")
                           if name not in everything]
        dumps = {snake(op.name).rstrip("_") + "_dump" for op, mode in self.calls()
                 if mode == "dump"}
        handler = Names(self.errors)
        for op, mode in self.calls():
            names = self.listed(op, mode, "request")
            if policy == "global":
                names = everything
            elif policy == "per-op" and "do" in op:
                names = self.listed(op, "do", "request")
            if mode == "dump" and self.unchecked(op):
                names = []
            made = self.operation(op, mode, self.carried(op, names))
            place, what = self.op_line(op.name), f"the {mode} of the operation '{op.name}'"
            if mode == "do" and made.method in dumps:
                made.method += "_"
            self.op_names.add(made.ident, place, what)
            handler.add(made.method, place, what)
            if made.assoc:
                handler.add(made.assoc, place, what)
            self.family.operations.append(made)
        liberal = [op.number for op in self.family.operations if op.liberal]
        self.family.resv_start = max(liberal) + 1 if liberal else None

    def unchecked(self, op: Any) -> bool:
        """Whether the core looks at nothing of a dump, whatever the policy: it does not where one
        table of C stands for both directions, and says that dumps are not validated."""
        return (self.spec.yaml.get("kernel-policy", "split") != "split" and
                "dump" in op.get("dont-validate", []))

    def is_whole(self, op: Any, attributes: list[Attribute]) -> bool:
        """Whether requests carry all of a set because the policy is one for all of them."""
        every = self.family.sets[op.attr_set.name].attributes.values()
        return (self.spec.yaml.get("kernel-policy") == "global" and
                {attr.number for attr in attributes} == {attr.number for attr in every} - {0})

    def carried(self, op: Any, names: list[str]) -> list[Attribute]:
        """Attributes that a request carries; none that a policy cannot have."""
        attrs = self.family.sets[op.attr_set.name].attributes
        # Netlink never looks at the number 0.
        found = [attrs[name] for name in names if name in attrs and attrs[name].number]
        seen: list[str] = []
        todo = list(found)
        while todo:
            attr = todo.pop(0)
            unfit = attr.unfit
            if isinstance(attr.kind, Indexed) and isinstance(attr.kind.kind, Nest) and \
                    attr.kind.kind.inside:
                unfit = "is an array in a request and contains itself: a policy has no such thing"
            if unfit:
                wrong, _, right = unfit.partition(": ")
                self.refuse(attr.place, f"the attribute '{attr.name}' {wrong}", right)
            if attr.nested and attr.nested.name not in seen:
                seen.append(attr.nested.name)
                todo += [inner for inner in attr.nested.attributes.values() if inner.number]
        return found

    def operation(self, op: Any, mode: str, attributes: list[Attribute]) -> Operation:
        """An operation in one direction."""
        place, body = self.op_line(op.name), op[mode] or {}
        has_reply = mode == "do" and "reply" in body
        self.check_number(place, f"the operation '{op.name}'", op.req_value)
        if has_reply:
            self.check_number(place, f"the reply of '{op.name}'", op.rsp_value)
        flags = op.get("flags", [])
        if len(flags) > 1:
            self.refuse(place, f"the operation '{op.name}' asks for two permissions",
                        "rust/genl has one of them at a time")
        access = {"admin-perm": "Admin", "uns-admin-perm": "NetnsAdmin"}
        liberal = {"do": {"strict": "LIBERAL_DO"},
                   "dump": {"dump": "UNCHECKED_DUMP", "dump-strict": "LIBERAL_DUMP"}}[mode]
        lenient = [liberal[flag] for flag in op.get("dont-validate", []) if flag in liberal]
        if mode == "dump" and self.unchecked(op) and "LIBERAL_DUMP" not in lenient:
            lenient.append("LIBERAL_DUMP")
        hooks = [body[hook] for hook in ("pre", "post") if hook in body]
        assoc = camel(f"{op.name}-dump") if mode == "dump" else \
            camel(f"{op.name}-guard") if hooks else None
        reply = op.rsp_value if has_reply or mode == "dump" and "reply" in body else None
        return Operation(
            ident=camel(f"{op.name}-{mode}"), name=op.name, doc=op.yaml["doc"],
            mode=mode if mode == "dump" else
            ("guarded_do" if hooks else "do") + ("_reply" if has_reply else ""),
            number=op.req_value, reply=reply if reply != op.req_value else None,
            access=access[flags[0]] if flags else "Anyone", liberal=lenient,
            set=self.family.sets[op.attr_set.name], attributes=attributes,
            method=snake(op.name).rstrip("_") + "_dump" if mode == "dump" else snake(op.name),
            assoc=assoc, hooks=hooks, condition=op.get("config-cond"), has_reply=has_reply,
            whole=self.is_whole(op, attributes))

    def check_number(self, place: str, what: str, value: int) -> None:
        """The number of a command."""
        if not 0 <= value <= 255:
            self.refuse(place, f"{what} has the number {value}",
                        "a generic netlink header has 8 bits for it, up to 255")

    def notifications(self) -> None:
        """Notifications."""
        for op in self.spec.ntfs.values():
            place, what = self.op_line(op.name), f"the notification '{op.name}'"
            self.check_number(place, what, op.rsp_value)
            ident = self.op_names.add(camel(f"{op.name}-notify"), place, what)
            group = op.get("mcgrp")
            self.family.notifications.append(Notification(
                ident, op.name, op.rsp_value, op.yaml["doc"], self.family.sets[op.attr_set.name],
                camel(f"{group}-group") if group else None))

    # Messages.

    def messages(self) -> None:
        """What is sent: equal ones of a set are one type."""
        replies: dict[str, Message] = {}
        for op, mode in self.calls():
            if "reply" not in (op[mode] or {}) and mode == "do":
                continue
            names = self.listed(op, mode, "reply")
            ident, place = camel(f"{op.name}-reply"), self.op_line(op.name)
            told = replies.get(op.name)
            if told is None or names != self.listed(op, "do", "reply"):
                if told is not None:
                    ident = camel(f"{op.name}-dump-reply")
                self.op_names.add(ident, place, f"the {mode} of the operation '{op.name}'")
                told = self.message(op, names, ident, f"The reply of {op.name}.")
                replies.setdefault(op.name, told)
            told.commands.append(camel(f"{op.name}-{mode}"))
        for op in self.spec.ntfs.values():
            place = self.op_line(op.name)
            if "event" in op:
                ident = self.op_names.add(camel(f"{op.name}-event"), place,
                                          f"the notification '{op.name}'")
                sent = self.message(op, op["event"].get("attributes", []), ident,
                                    f"What {op.name} tells.")
            elif op["notify"] in replies:
                sent = replies[op["notify"]]
            else:
                self.refuse(place, f"the notification '{op.name}' shares the reply of "
                            f"'{op['notify']}'", "it has none")
                continue
            sent.commands.append(camel(f"{op.name}-notify"))
        for message in self.family.messages:
            self.sent(message.attributes)

    def message(self, op: Any, names: list[str], ident: str, doc: str) -> Message:
        """A message with these attributes; another name of one that has the same."""
        attr_set = self.family.sets[op.attr_set.name]
        attrs = [attr_set.attributes[name] for name in names if name in attr_set.attributes]
        for message in self.family.messages:
            # One without any would be a value, and another name for it would be none.
            if attrs and message.set is attr_set and message.attributes == attrs:
                message.aliases.append(ident)
                return message
        self.family.messages.append(Message(ident, doc, attr_set, attrs, []))
        return self.family.messages[-1]

    def sent(self, attributes: list[Attribute]) -> None:
        """Notes the sets that are nests in what is sent, the inner ones first."""
        # No function that calls itself: there is no limit for how deep nests can be.
        path: list[tuple[Optional[AttributeSet], Iterator[Attribute]]] = [(None, iter(attributes))]
        while path:
            owner, rest = path[-1]
            for attr in rest:
                if attr.nested and attr.nested not in self.family.nests and \
                        not any(attr.nested is open_ for open_, _ in path):
                    path.append((attr.nested, iter(attr.nested.attributes.values())))
                    break
            else:
                path.pop()
                if owner is not None:
                    self.family.nests.append(owner)


def build(spec: Any, places: Places) -> Family:
    """The model of a spec, or SpecErrors."""
    return Builder(spec, places).build()
