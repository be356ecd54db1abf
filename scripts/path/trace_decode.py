# SPDX-License-Identifier: GPL-2.0
"""
Netlink messages, from bytes to names and values: the header with the flags that its
kind of message has, errors with what they carry, and the attributes by the spec of
their family. Bytes of which nothing is known are shown as bytes.
"""

import re
import socket
import struct
import sys

import trace_names
from trace_names import GENERIC, NETFILTER, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE, ROUTE, \
    SOCK_DIAG, UEVENT, XFRM
from trace_spec import SCALARS

# What is wrong with a message that is not what its spec says.
WRONG = (KeyError, IndexError, ValueError, struct.error, TypeError, RecursionError)


def aligned(size):
    """As NLMSG_ALIGN() and NLA_ALIGN()."""
    return (size + 3) & ~3


def attributes(data):
    """Type (without its flags), whether it has the flag of a nest, payload and place."""
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4 or at + size > len(data):
            return
        yield kind & 0x3fff, bool(kind & 0x8000), data[at + 4:at + size], at
        at += aligned(size)


def raw(payload):
    """Bytes of which nothing is known, and the text that they may be."""
    shown = payload[:32].hex(" ", 4) + (f" ... ({len(payload)} bytes)" if len(payload) > 32 else "")
    text = payload[:-1]
    if len(text) > 1 and payload[-1] == 0 and all(32 <= byte < 127 for byte in text):
        shown += f' ("{text.decode("ascii")}")'
    return shown or "(empty)"


def raw_attributes(data):
    """Attributes by number, where there is no spec."""
    return [(f"attribute {kind}", raw_attributes(payload) if nest else raw(payload))
            for kind, nest, payload, _ in attributes(data)]


def hinted(value, hint):
    """A value as its display-hint wants it."""
    if hint == "hex":
        return hex(value) if isinstance(value, int) else value.hex(" ", 4)
    if hint == "mac":
        return ":".join(f"{byte:02x}" for byte in value)
    # To start Python takes seconds on a slow machine: what is needed seldom is read then.
    if hint == "uuid":
        import uuid
        return str(uuid.UUID(bytes=bytes(value)))
    if hint in ("ipv4", "ipv6", "ipv4-or-v6"):
        import ipaddress
        return str(ipaddress.ip_address(value))
    return value if isinstance(value, int) else raw(value)


class Level:
    """The attributes on one level, for the selectors of sub-messages."""

    def __init__(self, outer=None):
        self.values = {}
        self.outer = outer

    def find(self, name):
        """The value of an attribute here, or further out."""
        level = self
        while level:
            if name in level.values:
                return level.values[name]
            level = level.outer
        return None


class BySpec:
    """Decodes with one spec."""

    def __init__(self, spec):
        self.spec = spec

    def number(self, yaml, payload, kind):
        """A number, by its enum or its hint."""
        if len(payload) != SCALARS.get(kind, len(payload)):
            return raw(payload) + f" (not {kind})", None
        order = {"big-endian": "big", "little-endian": "little"}.get(yaml.get("byte-order"),
                                                                     sys.byteorder)
        number = int.from_bytes(payload, order, signed=kind.startswith("s"))
        if yaml.get("enum"):
            name = self.spec.enum(yaml, number)
            return f"{number} ({name})" if name else number, name
        if yaml.get("display-hint"):
            return hinted(number, yaml["display-hint"]), None
        return number, None

    def attributes(self, name, data, outer=None):
        """Attributes by their set: pairs of name and value."""
        known = self.spec.sets.get(name, {})
        level, out = Level(outer), []
        for kind, nest, payload, _ in attributes(data):
            attr = known.get(kind)
            if attr is None:
                out.append((f"attribute {kind}", raw_attributes(payload) if nest else raw(payload)))
            elif attr["type"] != "pad":
                try:
                    out.append((attr["name"], self.value(attr, payload, level)))
                except WRONG:
                    out.append((attr["name"], raw(payload)))
        return out

    def value(self, attr, payload, level):
        """The value of an attribute."""
        kind = attr["type"]
        if kind in SCALARS or kind in ("uint", "sint"):
            shown, name = self.number(attr, payload, kind)
            level.values[attr["name"]] = name or shown
            return shown
        if kind == "string":
            text = payload.rstrip(b"\0").decode("utf-8", "backslashreplace")
            level.values[attr["name"]] = text
            return text
        if kind == "flag":
            return True
        if kind == "nest":
            return self.attributes(attr["nested-attributes"], payload, level)
        if kind == "sub-message":
            return self.sub_message(attr, payload, level)
        if kind == "indexed-array":
            return [(str(index), self.element(attr, part, level))
                    for index, _, part, _ in attributes(payload)]
        if kind == "nest-type-value":
            out = []
            for name in attr["type-value"]:
                number, _, payload, _ = next(attributes(payload))
                out.append((name, number))
            return out + self.attributes(attr["nested-attributes"], payload, level)
        if kind == "bitfield32":
            value, selector = struct.unpack("=II", payload)
            return [("value", self.number(attr, payload[:4], "u32")[0] if value else 0),
                    ("selector", self.number(attr, payload[4:], "u32")[0] if selector else 0)]
        return self.binary(attr, payload)

    def element(self, attr, payload, level):
        """One element of an indexed array."""
        kind = attr["sub-type"]
        if kind == "nest":
            return self.attributes(attr["nested-attributes"], payload, level)
        return self.value({**attr, "type": kind}, payload, level)

    def binary(self, attr, payload):
        """Bytes: a struct, an array of numbers, an address, or not known."""
        if attr.get("struct"):
            return self.struct(attr["struct"], payload)
        if attr.get("sub-type") in SCALARS:
            size = SCALARS[attr["sub-type"]]
            if len(payload) % size == 0:
                return [(str(index), self.number(attr, payload[at:at + size], attr["sub-type"])[0])
                        for index, at in enumerate(range(0, len(payload), size))]
        if self.spec.name == "rt-route" and attr["name"] == "multipath":
            return self.next_hops(payload)
        if self.spec.name == "rt-route" and attr["name"] == "via" and len(payload) > 2:
            # struct rtvia
            return hinted(payload[2:], "ipv4-or-v6")
        if attr.get("display-hint"):
            return hinted(payload, attr["display-hint"])
        return raw(payload)

    def next_hops(self, data):
        """struct rtnexthop, each with attributes of a route behind it."""
        out, at = [], 0
        while at + 8 <= len(data):
            size, flags, hops, index = struct.unpack_from("=HBBi", data, at)
            if size < 8 or at + size > len(data):
                break
            hop = [("oif", index)]
            hop += [("weight", hops + 1)] if hops else []
            hop += [("flags", hex(flags))] if flags else []
            out.append((str(len(out)), hop + self.attributes("route-attrs", data[at + 8:at + size])))
            at += aligned(size)
        return out

    def sub_message(self, attr, payload, level):
        """What an attribute holds if another has a certain value."""
        form = self.spec.formats[attr["sub-message"]].get(level.find(attr["selector"]))
        if form is None:
            return raw(payload)
        out = []
        if form.get("fixed-header"):
            out = self.struct(form["fixed-header"], payload)
            payload = payload[self.spec.size(form["fixed-header"]):]
        if form.get("attribute-set"):
            return out + self.attributes(form["attribute-set"], payload, level)
        return out if out or not payload else raw(payload)

    def struct(self, name, data, family=None):
        """The members of a struct; one that is cut has the first ones only. The address family is a
        member before the addresses, here or further out.
        """
        out, at = [], 0
        for member in self.spec.definitions[name]["members"]:
            size = self.spec.member_size(member)
            part = data[at:at + size]
            at += size
            if len(part) < size:
                break
            if member["type"] == "pad":
                continue
            if member["type"] in SCALARS:
                value = self.number(member, part, member["type"])[0]
                family = value if member["name"] == "family" else family
            elif member.get("struct"):
                value = self.struct(member["struct"], part, family)
            elif member["type"] == "string":
                value = part.split(b"\0")[0].decode("utf-8", "backslashreplace")
            elif member.get("display-hint") == "diag-address":
                # 16 bytes for both.
                value = hinted(part[:4] if family == socket.AF_INET else part, "ipv4-or-v6")
            elif member.get("display-hint"):
                value = hinted(part, member["display-hint"])
            else:
                value = raw(part)
            out.append((member["name"], value))
        return out

    def path(self, name, data, target, at=0):
        """The name of the attribute that begins at a place, with those around it."""
        known = self.spec.sets.get(name, {})
        for kind, _, payload, place in attributes(data):
            attr = known.get(kind, {})
            title = attr.get("name", f"attribute {kind}")
            if at + place == target:
                return title
            if at + place < target < at + place + 4 + len(payload):
                inner = self.path(attr.get("nested-attributes"), payload, target, at + place + 4)
                return f"{title}.{inner}" if inner else title
        return None

    def set_at(self, name, data, target, at=0):
        """The set of attributes of the nest that begins at a place."""
        known = self.spec.sets.get(name, {})
        for kind, _, payload, place in attributes(data):
            nested = known.get(kind, {}).get("nested-attributes")
            if at + place == target:
                return nested
            if nested and at + place < target < at + place + 4 + len(payload):
                return self.set_at(nested, payload, target, at + place + 4)
        return None


# The words of operations.
STEMS = (("get", ("get", "dump", "list")),
         ("del", ("del", "delete", "destroy", "remove", "flush")),
         ("new", ("new", "add", "set", "create", "upd", "update", "replace")))


def kind_of(protocol, number, name):
    """What a message is for: get, new, del, or ack; the meaning of its flags."""
    if number in (NLMSG_ERROR, NLMSG_DONE):
        return "ack"
    if protocol == ROUTE and number >= NLMSG_MIN_TYPE:
        return ("new", "del", "get", "new")[number & 3]
    if protocol == SOCK_DIAG:
        return "get"
    # Not by the name of the family, which is before that of the operation.
    words = re.findall("[a-z]+", name.lower().split(" ", 1)[-1])
    # "listener-set" does not list, and "get-addr" does not add: by a whole word, the last one first,
    # and else by how one begins, as in "getpolicy".
    for same in (str.__eq__, str.startswith):
        for word in reversed(words):
            for kind, stems in STEMS:
                if any(same(word, stem) for stem in stems):
                    return kind
    return "get" if protocol == GENERIC else None


def flag_names(number, kind):
    """The flags of a message, by name."""
    names = {**trace_names.FLAGS, **trace_names.KIND_FLAGS.get(kind, {})}
    out = [name for bit, name in names.items() if number & bit]
    if {"ROOT", "MATCH"} <= set(out):
        out = [name for name in out if name not in ("ROOT", "MATCH")] + ["DUMP"]
    rest = number & ~sum(names)
    return "|".join(out + ([hex(rest)] if rest else [])) or "0"


class Request:
    """What has been asked, for the errors that answer it."""

    def __init__(self, body, attributes_at, by_spec, operation, title):
        self.body = body
        self.at = attributes_at
        self.by_spec = by_spec
        self.operation = operation
        self.title = title


class Decoder:
    """Makes messages of bytes; knows the families that it has seen."""

    def __init__(self, specs):
        self.specs = specs
        # Families and groups of generic netlink, as nlctrl numbers them.
        self.names = {16: "nlctrl"}
        self.groups = {16: "nlctrl notify"}
        self.requests = {}

    def group(self, protocol, number):
        """The name of a group."""
        return trace_names.group_name(protocol, number, self.groups)

    def messages(self, protocol, data, total, limit=None, whole=None):
        """The messages of a buffer of so many bytes, of which data may be the begin; with
        a limit the others are counted: the last one then says how many follow. All of them go
        into the list whole, if there is one.
        """
        data = data[:total]
        if protocol == UEVENT:
            out = [self.uevent(data, total)]
            if whole is not None:
                whole += out
            return out
        out, at, more = [], 0, 0
        while at + 16 <= len(data):
            header = struct.unpack_from("=IHHII", data, at)
            length, kind = header[:2]
            if length < 16 or at + length > aligned(total):
                break
            left_out = limit is not None and len(out) >= limit and kind not in (NLMSG_ERROR, NLMSG_DONE)
            more += left_out
            if not left_out or whole is not None:
                message = self.message(protocol, header, data[at + 16:at + length])
                if at + length > len(data):
                    message["cut"] = len(data) - at
                if whole is not None:
                    whole.append(message)
                if not left_out:
                    if more:
                        message["skipped"], more = more, 0
                    out.append(message)
            at += aligned(length)
        if out and more:
            out[-1]["followed"] = more
        if out and at < total:
            # What nobody has recorded, or what is no message: some programs send more than theirs.
            for last in (out[-1], (whole or out)[-1]):
                last["unseen" if at + 16 > len(data) else "behind"] = total - at
        return out

    def message(self, protocol, header, body):
        """One message."""
        length, kind, flags, seq, portid = header
        message = {"length": length, "type": kind, "seq": seq, "portid": portid}
        try:
            self.body(protocol, message, body, flags)
        except WRONG:
            # A message that is not what its spec says.
            message["attributes"] = [("payload", raw(body))]
        message.setdefault("name", f"type {kind}")
        message["flags"] = flag_names(flags, kind_of(protocol, kind, message["name"]))
        return message

    @staticmethod
    def uevent(data, total):
        """Not a message: words, each ended by a zero."""
        if data.startswith(b"libudev\0"):
            # A header of 40 bytes says where the words are (struct udev_monitor_netlink_header).
            at, size = struct.unpack_from("=II", data, 16)
            words = data[at:at + size]
            title = "an event from udev"
        else:
            words = data
            title = data.split(b"\0")[0].decode("utf-8", "backslashreplace")
        parts = [part.decode("utf-8", "backslashreplace") for part in words.split(b"\0")]
        message = {"length": total, "type": None, "text": title, "name": title,
                   "attributes": [tuple(part.split("=", 1)) for part in parts if "=" in part]}
        if len(data) < total:
            message["cut"] = len(data)
        return message

    def body(self, protocol, message, body, flags):
        """Decodes what stands behind the header."""
        kind, request = message["type"], bool(flags & 1)
        if kind == NLMSG_ERROR:
            self.error(protocol, message, body, flags)
        elif kind == NLMSG_DONE:
            self.done(protocol, message, body, flags)
        elif kind < NLMSG_MIN_TYPE:
            message["name"] = trace_names.CONTROL.get(kind, f"type {kind}")
        elif protocol == GENERIC:
            self.generic(message, body, request)
        elif protocol == ROUTE:
            base = trace_names.ROUTE_MESSAGES.get(kind & ~3)
            if base:
                message["name"] = f"RTM_{trace_names.VERBS[kind & 3]}{base}"
            self.classic(protocol, message, trace_names.ROUTE_SPECS.get(kind & ~3), body, request)
        elif protocol == NETFILTER:
            self.netfilter(message, body, request)
        elif protocol == SOCK_DIAG:
            message["name"] = trace_names.DIAG_MESSAGES.get(kind, f"type {kind}")
            name = trace_names.DIAG_FAMILIES.get(body[0], "")
            name += "-request" if request else "-reply"
            self.parts(protocol, message, "sock-diag", name, name, body, request)
        else:
            if protocol == XFRM and kind in trace_names.XFRM_MESSAGES:
                message["name"] = f"XFRM_MSG_{trace_names.XFRM_MESSAGES[kind]}"
            message["attributes"] = [("payload", raw(body))] if body else []

    def generic(self, message, body, request):
        """A message of generic netlink."""
        kind, command = message["type"], body[0]
        name = self.names.get(kind, f"family {kind}")
        message.update(family=name, command=command, version=body[1],
                       name=f"{name} command {command}")
        spec = self.specs.family(name)
        operation = spec.operation(command, request) if spec else None
        if operation:
            message["name"] = f"{name} {operation.name}"
            self.parts(GENERIC, message, name, operation.header, operation.attributes, body[4:],
                       request, operation, 20)
        else:
            message["attributes"] = raw_attributes(body[4:])
        if name == "nlctrl":
            self.learn(body[4:])

    def netfilter(self, message, body, request):
        """A message of nfnetlink: the type is the subsystem and the message."""
        kind = message["type"]
        subsystem, number = kind >> 8, kind & 0xff
        message["family"] = trace_names.SUBSYSTEMS.get(subsystem, f"subsystem {subsystem}")
        message["name"] = f"{message['family']} message {number}"
        if kind in (16, 17):
            message["name"] = "NFNL_MSG_BATCH_BEGIN" if kind == 16 else "NFNL_MSG_BATCH_END"
        elif subsystem == 1 and number in trace_names.CONNTRACK:
            message["name"] = f"IPCTNL_MSG_CT_{trace_names.CONNTRACK[number]}"
        elif subsystem == 10:
            spec = self.specs.family("nftables")
            # By what it asks for, in both directions: it has one number for both.
            operation = spec.operation(kind, True) if spec else None
            if operation:
                name = operation.name
                if kind not in spec.requests:
                    # An answer has the number of what makes such an object.
                    name = name.replace("get", "new", 1)
                message["name"] = "NFT_MSG_" + name.upper().replace("-", "_")
        self.classic(NETFILTER, message, trace_names.NETFILTER_SPECS.get(subsystem), body, request)

    def classic(self, protocol, message, name, body, request):
        """A message whose type says what it is."""
        spec, kind = self.specs.family(name) if name else None, message["type"]
        operation = spec.operation(kind, request) if spec else None
        if spec and operation is None:
            # Of the messages that make, delete and get an object one is enough to know it; in
            # nfnetlink an answer has another number, but the same subsystem.
            same = (lambda one: one & ~3 == kind & ~3) if protocol == ROUTE else \
                (lambda one: kind >> 8 == 1 and one >> 8 == 1)
            operation = next((found for table in (spec.requests, spec.replies)
                              for one, found in table.items() if same(one)), None)
        if operation is None:
            # struct nfgenmsg; of rtnetlink the first byte is all that each header has.
            message["attributes"] = raw_attributes(body[4:]) if protocol == NETFILTER else \
                [("payload", raw(body))] if body else []
            return
        self.parts(protocol, message, name, operation.header, operation.attributes, body, request,
                   operation)

    def parts(self, protocol, message, name, header, attribute_set, body, request,
              operation=None, before=16):
        """The header that stands before the attributes, and these."""
        spec = self.specs.family(name)
        by_spec, size = BySpec(spec), 0
        message.setdefault("family", name)
        if header in spec.definitions:
            message["header"] = by_spec.struct(header, body)
            message["struct"] = header
            size = aligned(spec.size(header))
        message["attributes"] = by_spec.attributes(attribute_set, body[size:])
        if request:
            if len(self.requests) > 10000:
                self.requests.clear()
            self.requests[protocol, message["seq"], message["type"]] = \
                Request(body, (before, before + size), by_spec, operation or
                        type("", (), {"attributes": attribute_set}), message["name"])

    def error(self, protocol, message, body, flags):
        """An acknowledgement, or an error."""
        number = struct.unpack_from("=i", body)[0]
        message["error"] = number
        message["name"] = "NLMSG_ERROR: " + (f"{number} {trace_names.error_name(number)}"
                                             if number else "0, an acknowledgement")
        message["attributes"] = []
        if len(body) < 20:
            return
        length, kind, _, seq, _ = struct.unpack_from("=IHHII", body, 4)
        message["request"] = kind
        request = self.requests.get((protocol, seq, kind))
        if request:
            message["about"] = request.title
        if flags & 0x200:
            at = 20 if flags & 0x100 or not number else 4 + aligned(length)
            message["attributes"] = self.extack(body[at:], request)

    def done(self, protocol, message, body, flags):
        """The end of a dump; it may be a sad one."""
        message["name"] = "NLMSG_DONE"
        message["attributes"] = []
        if len(body) >= 4:
            number = struct.unpack_from("=i", body)[0]
            message["error"] = number
            if number:
                message["name"] += f": {number}" + (f" {trace_names.error_name(number)}"
                                                    if number < 0 else "")
            if flags & 0x200:
                request = next((one for (proto, seq, _), one in self.requests.items()
                                if (proto, seq) == (protocol, message["seq"])), None)
                message["attributes"] = self.extack(body[4:], request)
                if request:
                    message["about"] = request.title

    def extack(self, data, request):
        """What an error says about the request."""
        out, nest = [], None
        found = {kind: payload for kind, _, payload, _ in attributes(data)}
        if 6 in found and request:
            nest = struct.unpack("=I", found[6])[0]
        for kind, payload in found.items():
            name = trace_names.EXTACK.get(kind, f"attribute {kind}")
            if kind == 1:
                out.append((name, payload.rstrip(b"\0").decode("utf-8", "backslashreplace")))
            elif kind == 4:
                out.append((name, policy(payload)))
            elif kind in (2, 5, 6) and len(payload) == 4:
                number = struct.unpack("=I", payload)[0]
                title = self.about(request, kind, number, nest)
                out.append((name, f"{number} ({title})" if title else number))
            else:
                out.append((name, raw(payload)))
        return out

    @staticmethod
    def about(request, kind, number, nest):
        """The name of the attribute that an error is about."""
        if not request or not request.operation.attributes:
            return None
        whole, (before, first) = request.by_spec, request.at
        data = request.body[first - before:]
        if kind != 5:
            return whole.path(request.operation.attributes, data, number - first)
        name = request.operation.attributes
        if nest is not None:
            name = whole.set_at(name, data, nest - first)
        attr = whole.spec.sets.get(name, {}).get(number)
        return attr["name"] if attr else None

    def learn(self, data):
        """Names of families and groups, from what nlctrl says about them."""
        found = {kind: payload for kind, _, payload, _ in attributes(data)}
        if 2 not in found:
            return
        name = found[2].rstrip(b"\0").decode("ascii", "replace")
        if 1 in found:
            self.names[int.from_bytes(found[1][:2], sys.byteorder)] = name
        for _, _, group, _ in attributes(found.get(7, b"")):
            inner = {kind: payload for kind, _, payload, _ in attributes(group)}
            if 1 in inner and 2 in inner:
                self.groups[int.from_bytes(inner[2][:4], sys.byteorder)] = \
                    f"{name} {inner[1].rstrip(chr(0).encode()).decode('ascii', 'replace')}"


def policy(data):
    """The policy that a refused attribute has."""
    out = []
    for kind, _, payload, _ in attributes(data):
        name = trace_names.POLICY.get(kind)
        if not name:
            continue
        number = int.from_bytes(payload, sys.byteorder, signed=kind in trace_names.POLICY_SIGNED)
        if kind == 1 and number < len(trace_names.POLICY_TYPES):
            out.append((name, trace_names.POLICY_TYPES[number]))
        else:
            out.append((name, hex(number) if kind in (10, 12) else number))
    return out


def short(item, limit=100):
    """A value in one line."""
    if isinstance(item, list):
        text = "{" + ", ".join(f"{key}: {short(inner, limit)}" for key, inner in item) + "}"
    else:
        text = str(item)
    return text if len(text) <= limit else text[:limit - 3] + "..."


def header_line(message, full=False):
    """What stands before the attributes, in one line: without zeros, unless all is wanted."""
    members = [(name, value) for name, value in message.get("header", [])
               if full or value not in (0, "0x0", "0.0.0.0", "::") and
               not re.fullmatch(r"0(0| )*", str(value)) and not str(value).startswith("0 (")]
    if not members:
        return ""
    return f"{message['struct']}: " + ", ".join(f"{name} {short(value)}" for name, value in members)


def headline(message):
    """A message in one line, without its attributes."""
    if "text" in message:
        return f"{message['length']} bytes: {message['text']}"
    text = f"{message['length']} bytes: {message['name']}"
    text += f", type {message['type']}" if "command" in message or \
        str(message["type"]) not in message["name"] else ""
    if "command" in message:
        text += f" command {message['command']}"
    return text + f", flags {message['flags']}, seq {message['seq']}, portid {message['portid']}"
