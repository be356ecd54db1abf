# SPDX-License-Identifier: GPL-2.0
"""
The specs of families (Documentation/netlink/specs of a kernel tree), read so far as
decoding needs it: sets of attributes by number, operations by message type, and
definitions. It reads YAML where python3-yaml is, and JSON of the same content where it
is not.
"""

import json
import os
import re

import trace_names

# Types of one number.
SCALARS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8}


class Operation:
    """One operation: its name, its set of attributes and what stands before them."""

    def __init__(self, name, attributes, header, modes):
        self.name = name
        self.attributes = attributes
        self.header = header
        self.modes = modes


class Spec:
    """A spec, with its parts by name and by number."""

    def __init__(self, yaml):
        self.name = yaml["name"]
        self.definitions = {one["name"]: one for one in yaml.get("definitions", [])
                            if isinstance(one, dict) and "name" in one}
        self.sets = {}
        for one in yaml.get("attribute-sets", []):
            self.sets[one["name"]] = self.numbered(one)
        self.formats = {one["name"]: {form["value"]: form for form in one["formats"]}
                        for one in yaml.get("sub-messages", [])}
        self.groups = [one["name"] for one in (yaml.get("mcast-groups") or {}).get("list", [])]
        self.requests, self.replies = {}, {}
        operations = yaml["operations"]
        self.listed(operations, operations.get("enum-model", "unified") == "directional")

    def numbered(self, one):
        """The attributes of a set by their numbers."""
        if "subset-of" in one:
            whole = {attr["name"]: (number, attr)
                     for number, attr in self.sets[one["subset-of"]].items()}
            return {whole[attr["name"]][0]: {**whole[attr["name"]][1], **attr}
                    for attr in one["attributes"]}
        out, number = {}, 1
        for attr in one["attributes"]:
            number = attr.get("value", number)
            out[number] = attr
            number += 1
        return out

    def listed(self, operations, directional):
        """The operations by what their messages are numbered, in each direction."""
        by_name, request, reply = {one["name"]: one for one in operations["list"]}, 1, 1
        for one in operations["list"]:
            modes = {mode for mode in ("do", "dump", "event", "notify") if mode in one}
            # What is told about an object has the attributes of the operation that asks for it.
            told = one.get("attribute-set") or by_name.get(one.get("notify"), {}).get("attribute-set")
            operation = Operation(one["name"], told,
                                  one.get("fixed-header", operations.get("fixed-header")), modes)
            if not directional:
                request = one.get("value", request)
                self.requests[request] = self.replies[request] = operation
                request += 1
            elif modes & {"event", "notify"}:
                reply = one.get("value", reply)
                self.replies.setdefault(reply, operation)
                reply += 1
            else:
                mode = one.get("do") or one.get("dump") or {}
                request = (mode.get("request") or {}).get("value") or request
                reply = (mode.get("reply") or {}).get("value") or reply
                self.requests[request] = operation
                request += 1
                if "reply" in mode:
                    self.replies.setdefault(reply, operation)
                    reply += 1

    def operation(self, number, request):
        """The operation of a message, or None."""
        tables = (self.requests, self.replies) if request else (self.replies, self.requests)
        return tables[0].get(number) or tables[1].get(number)

    def enum(self, attr, number):
        """The name that an enum gives to a number, or those of its flags, or None."""
        enum = self.definitions.get(attr.get("enum"))
        if not enum or "entries" not in enum:
            return None
        names, value = {}, enum.get("value-start", 0)
        for entry in enum["entries"]:
            if isinstance(entry, dict):
                value = entry.get("value", value)
            names.setdefault(value, entry["name"] if isinstance(entry, dict) else entry)
            value += 1
        if enum["type"] != "flags" and not attr.get("enum-as-flags"):
            return names.get(number)
        found = [name for bit, name in names.items() if number & 1 << bit]
        rest = number & ~sum(1 << bit for bit in names)
        return "|".join(found + ([hex(rest)] if rest else [])) or None

    def size(self, name):
        """The size of a struct."""
        return sum(self.member_size(one) for one in self.definitions[name]["members"])

    def member_size(self, member):
        """The size of a member of a struct."""
        if member["type"] in SCALARS:
            return SCALARS[member["type"]]
        if member.get("struct"):
            return self.size(member["struct"])
        return int(member["len"])


class Specs:
    """The specs by name, from the folders of a kernel tree and ours."""

    def __init__(self, extra=()):
        here = os.path.dirname(os.path.realpath(__file__))
        ynl = os.environ.get("YNL", "/usr/src/linux/tools/net/ynl/pyynl")
        tree = os.path.normpath(os.path.join(ynl, "../../../../Documentation/netlink/specs"))
        # Among the tests they are above this folder, in the guest beside it, and in the
        # sources each with its family. Distributions of YNL have them in /usr/share.
        rust = f"{here}/../../rust"
        families = sorted(os.listdir(rust)) if os.path.isdir(rust) else []
        self.folders = [*extra, f"{here}/..", f"{here}/specs", f"{here}/../specs",
                        *(f"{rust}/{name}" for name in families), tree, "/usr/share/ynl/specs",
                        f"/lib/modules/{os.uname().release}/source/Documentation/netlink/specs"]
        self.known = {"sock-diag": Spec(trace_names.DIAG)}
        self.missing = set()

    def family(self, name):
        """The spec of a family, or None."""
        if name not in self.known:
            self.known[name] = self.load(name) if re.fullmatch(r"[\w-]+", name) else None
        return self.known[name]

    def load(self, name):
        """Reads a spec; one that cannot be read is as good as none, and is told."""
        # Some families have an underscore in the name of their spec.
        names = dict.fromkeys((name, name.lower(), name.lower().replace("-", "_")))
        for path in (f"{folder}/{one}" for folder in self.folders for one in names):
            try:
                if os.path.exists(f"{path}.json"):
                    with open(f"{path}.json", encoding="utf-8") as file:
                        return Spec(json.load(file))
                if os.path.exists(f"{path}.yaml"):
                    return self.load_yaml(f"{path}.yaml")
            except (ValueError, KeyError, TypeError, OSError) as error:
                self.missing.add(f"{path}: no spec that can be read "
                                 f"({type(error).__name__}: {error})")
                return None
        return next(filter(None, map(self.packed, names)), None)

    @staticmethod
    def packed(name):
        """A spec that is in one file with this program ('make nlpath')."""
        loader = globals().get("__loader__")
        try:
            return Spec(json.loads(loader.get_data(f"{os.path.dirname(__file__)}/specs/{name}.json")))
        except (AttributeError, OSError):
            return None

    def load_yaml(self, path):
        """Reads a spec in YAML."""
        try:
            # pylint: disable=import-outside-toplevel
            import yaml
        except ImportError:
            self.missing.add("the messages are not decoded by their specs: install python3-yaml")
            return None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with open(path, encoding="utf-8") as file:
            try:
                return Spec(yaml.load(file, Loader=loader))
            except yaml.YAMLError as error:
                raise ValueError(str(error).splitlines()[0]) from error
