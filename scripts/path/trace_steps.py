# SPDX-License-Identifier: GPL-2.0
"""
What the steps of a trace mean for the request that was traced: one line for
each function, from its arguments and from the messages, and the messages
themselves, decoded by the spec of their family where there is one. Nothing here
traces; scripts/path/trace.py does.
"""

import errno
import glob
import os
import re
import socket
import string
import struct
import sys

PROTOCOLS = {0: "NETLINK_ROUTE", 2: "NETLINK_USERSOCK", 4: "NETLINK_SOCK_DIAG", 6: "NETLINK_XFRM",
             7: "NETLINK_SELINUX", 9: "NETLINK_AUDIT", 10: "NETLINK_FIB_LOOKUP",
             11: "NETLINK_CONNECTOR", 12: "NETLINK_NETFILTER", 15: "NETLINK_KOBJECT_UEVENT",
             16: "NETLINK_GENERIC", 18: "NETLINK_SCSITRANSPORT", 20: "NETLINK_RDMA",
             21: "NETLINK_CRYPTO"}
GENERIC, ROUTE, UEVENT = 16, 0, 15

# The types below 16 are those of netlink itself.
CONTROL = {1: "NLMSG_NOOP", 2: "NLMSG_ERROR", 3: "NLMSG_DONE", 4: "NLMSG_OVERRUN"}
NLMSG_ERROR, NLMSG_DONE, NLMSG_MIN_TYPE = 2, 3, 16

REQUEST_FLAGS = {0x1: "REQUEST", 0x2: "MULTI", 0x4: "ACK", 0x8: "ECHO", 0x10: "DUMP_INTR",
                 0x20: "DUMP_FILTERED"}
GET_FLAGS = {0x100: "ROOT", 0x200: "MATCH", 0x400: "ATOMIC"}
ACK_FLAGS = {0x100: "CAPPED", 0x200: "ACK_TLVS"}
EXTACK = {1: "msg", 2: "bad-attr-offset", 3: "cookie", 4: "policy", 5: "miss-type", 6: "miss-nest"}

# The messages of rtnetlink come in fours (new, del, get, set); the spec of each.
ROUTE_SPECS = {16: "rt-link", 20: "rt-addr", 24: "rt-route", 28: "rt-neigh", 32: "rt-rule",
               36: "tc", 40: "tc", 44: "tc"}
# Where no spec gives it: the size of what stands before the attributes.
FIXED = {ROUTE: 16, 12: 4}


class Specs:
    """The specs of families, found by name in the folders of a kernel tree and ours."""

    def __init__(self, extra=()):
        here = os.path.dirname(os.path.realpath(__file__))
        ynl = os.environ.get("YNL", "/usr/src/linux/tools/net/ynl/pyynl")
        tree = os.path.normpath(os.path.join(ynl, "../../../../Documentation/netlink/specs"))
        # Among the tests they are above this folder, in the guest beside it, and in the
        # sources each with its family.
        self.folders = [*extra, f"{here}/..", f"{here}/../specs",
                        *glob.glob(f"{here}/../../rust/*/"), tree]
        self.ynl = ynl
        self.families = {}
        self.missing = set()

    def family(self, name):
        """The spec of a family as YNL's SpecFamily, or None."""
        if name not in self.families:
            self.families[name] = self.load(name)
        return self.families[name]

    def load(self, name):
        """Reads a spec."""
        path = next((path for path in (f"{folder}/{name}.yaml" for folder in self.folders)
                     if re.fullmatch(r"[\w-]+", name) and os.path.exists(path)), None)
        if not path:
            return None
        if self.ynl not in sys.path:
            sys.path.append(self.ynl)
        try:
            # pylint: disable=import-outside-toplevel,import-error
            from lib.nlspec import SpecFamily
        except ImportError:
            self.missing.add("the messages are not decoded by their specs: set YNL to "
                             "tools/net/ynl/pyynl of a kernel tree, and install python3-yaml")
            return None
        return SpecFamily(path, schema_path="")


def aligned(size):
    """As NLMSG_ALIGN() and NLA_ALIGN()."""
    return (size + 3) & ~3


def attributes(data):
    """Pairs of type (without its flags) and payload, and the flag of a nest."""
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4 or at + size > len(data):
            return
        yield kind & 0x3fff, bool(kind & 0x8000), data[at + 4:at + size]
        at += aligned(size)


def raw(payload):
    """A value of which nothing is known."""
    text = payload.rstrip(b"\0")
    if text and all(chr(byte) in string.printable and byte >= 32 for byte in text):
        return text.decode("ascii")
    if len(payload) in (1, 2, 4, 8):
        return int.from_bytes(payload, sys.byteorder)
    return payload[:32].hex(" ", 4) + (" ..." if len(payload) > 32 else "")


def raw_attributes(data):
    """Attributes by number, where there is no spec."""
    return [(f"attribute {kind}", raw_attributes(payload) if nest else raw(payload))
            for kind, nest, payload in attributes(data)]


SCALARS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8}


def value(family, attr, payload):
    """The value of an attribute by its spec."""
    kind = attr.yaml["type"]
    if kind in SCALARS or kind in ("uint", "sint"):
        order = {"big-endian": "big", "little-endian": "little"}.get(attr.byte_order, sys.byteorder)
        number = int.from_bytes(payload, order, signed=kind.startswith("s"))
        return enum_name(family, attr.yaml, number)
    if kind == "string":
        return payload.rstrip(b"\0").decode("utf-8", "replace")
    if kind == "flag":
        return True
    if kind == "nest":
        return by_spec(family, attr.yaml["nested-attributes"], payload)
    if kind == "nest-type-value":
        return raw_attributes(payload)
    if kind == "indexed-array" and attr.sub_type == "nest":
        return [(str(index), by_spec(family, attr.yaml["nested-attributes"], part))
                for index, _, part in attributes(payload)]
    if kind == "binary" and attr.struct_name:
        return structure(family, attr.struct_name, payload)[0]
    return raw(payload)


def enum_name(family, yaml, number):
    """A number by the name that its enum gives it."""
    enum = family.consts.get(yaml.get("enum"))
    if not enum or not hasattr(enum, "entries_by_val"):
        return number
    if enum.type == "flags" or yaml.get("enum-as-flags"):
        names = [entry.name for entry in enum.entries_by_val.values()
                 if number & entry.user_value(as_flags=True)]
        return f"{number:#x} ({', '.join(names)})" if names else number
    entry = enum.entries_by_val.get(number)
    return f"{number} ({entry.name})" if entry else number


def by_spec(family, name, data):
    """Attributes by their spec."""
    known = family.attr_sets[name].attrs_by_val if name in family.attr_sets else {}
    out = []
    for kind, nest, payload in attributes(data):
        attr = known.get(kind)
        if attr is None:
            out.append((f"attribute {kind}", raw_attributes(payload) if nest else raw(payload)))
        else:
            out.append((attr.name, value(family, attr, payload)))
    return out


def structure(family, name, data):
    """The members of a struct, and how long it is."""
    out, at = [], 0
    for member in family.consts[name].members:
        size = SCALARS.get(member.type, 0)
        if member.type in ("pad", "binary") and member.len:
            size = int(member.len)
        elif not size or at + size > len(data):
            break
        # As the compiler aligns it.
        if member.type in SCALARS:
            at = (at + size - 1) // size * size
            order = "big" if member.byte_order == "big-endian" else sys.byteorder
            number = int.from_bytes(data[at:at + size], order)
            out.append((member.name, enum_name(family, member.yaml, number)))
        at += size
    return out, aligned(at)


class Decoder:
    """Makes messages of bytes; knows the families that it has seen."""

    def __init__(self, specs):
        self.specs = specs
        self.names = {16: "nlctrl"}

    def flags(self, number, kind, request):
        """The names of the flags of a message."""
        names = dict(REQUEST_FLAGS)
        if kind == NLMSG_ERROR:
            names.update(ACK_FLAGS)
        elif request:
            names.update(GET_FLAGS)
        out = [name for bit, name in names.items() if number & bit]
        if {"ROOT", "MATCH"} <= set(out):
            out = [name for name in out if name not in ("ROOT", "MATCH")] + ["DUMP"]
        rest = number & ~sum(names)
        return "|".join(out + ([hex(rest)] if rest else [])) or "0"

    def messages(self, protocol, data, total):
        """The messages of a buffer; total is its length, of which data may be the begin."""
        if protocol == UEVENT and b"@" in data[:64]:
            return [{"length": total, "text": data[:total].split(b"\0")[0].decode("ascii", "replace"),
                     "attributes": [tuple(part.split("=", 1)) for part in
                                    data[:total].decode("ascii", "replace").split("\0") if "=" in part]}]
        out, at = [], 0
        data = data[:total]
        while at + 16 <= len(data):
            length, kind, flags, seq, portid = struct.unpack_from("=IHHII", data, at)
            if length < 16:
                break
            message = {"length": length, "type": kind, "seq": seq, "portid": portid}
            message["flags"] = self.flags(flags, kind, flags & 1)
            body = data[at + 16:at + length]
            try:
                self.body(protocol, message, body, bool(flags & 1))
            except (KeyError, IndexError, ValueError, struct.error, TypeError):
                # A message that is not what its spec says.
                message["attributes"] = [("payload", raw(body))]
            if at + length > len(data):
                message["cut"] = len(data) - at
            out.append(message)
            at += aligned(length)
        return out

    def body(self, protocol, message, body, request):
        """Decodes what stands behind the header."""
        kind = message["type"]
        if kind == NLMSG_ERROR:
            self.error(protocol, message, body)
        elif kind < NLMSG_MIN_TYPE:
            message["name"] = CONTROL.get(kind, f"type {kind}")
            if kind == NLMSG_DONE and len(body) >= 4:
                message["error"] = struct.unpack_from("=i", body)[0]
        elif protocol == GENERIC:
            command, version = body[0], body[1]
            name = self.names.get(kind, f"family {kind}")
            message.update(family=name, command=command, version=version)
            self.attributes(message, self.specs.family(name), command, body[4:], request)
            message.setdefault("name", f"{name} command {command}")
            if name == "nlctrl":
                self.learn(body[4:])
        elif protocol == ROUTE and kind & ~3 in ROUTE_SPECS:
            spec = self.specs.family(ROUTE_SPECS[kind & ~3])
            message["family"] = ROUTE_SPECS[kind & ~3]
            self.attributes(message, spec, kind, body, request)
        elif protocol == 12:
            message["family"] = f"nfnetlink subsystem {kind >> 8}"
            message["command"] = kind & 0xff
            message["attributes"] = raw_attributes(body[4:])
        else:
            message["attributes"] = [("payload", raw(body))]
        message.setdefault("name", f"type {kind}")
        message.setdefault("attributes", raw_attributes(body[FIXED.get(protocol, 0):]))

    def error(self, protocol, message, body):
        """An acknowledgement, or an error."""
        number = struct.unpack_from("=i", body)[0]
        message["error"] = number
        message["name"] = "NLMSG_ERROR: " + (errno.errorcode.get(-number, str(number))
                                             if number else "0, an acknowledgement")
        if len(body) < 20:
            return
        length, kind = struct.unpack_from("=IH", body, 4)
        message["request"] = kind
        if "ACK_TLVS" in message["flags"]:
            rest = body[20:] if "CAPPED" in message["flags"] or not number else \
                body[4 + aligned(length):]
            message["attributes"] = [(EXTACK.get(one, f"attribute {one}"), raw(payload))
                                     for one, _, payload in attributes(rest)]

    def attributes(self, message, spec, command, data, request):
        """By the spec: the operation, its fixed header and its attributes."""
        if spec is None:
            message["attributes"] = raw_attributes(data[FIXED.get(ROUTE, 0):]
                                                   if message["type"] in range(16, 120) and
                                                   "command" not in message else data)
            return
        operation = None
        for one in spec.msgs.values():
            value_ = one.req_value if request else one.rsp_value
            if value_ == command:
                operation = one
                break
        if operation is None:
            message["attributes"] = raw_attributes(data)
            return
        message["name"] = f"{spec.yaml['name']} {operation.name}"
        fields = []
        if operation.fixed_header:
            fields, size = structure(spec, operation.fixed_header, data)
            data = data[size:]
        name = operation.attr_set.name if hasattr(operation.attr_set, "name") else operation.attr_set
        message["attributes"] = fields + by_spec(spec, name, data)

    def learn(self, data):
        """Names of families, from what nlctrl says about them."""
        found = {kind: payload for kind, _, payload in attributes(data)}
        if 1 in found and 2 in found:
            self.names[int.from_bytes(found[1][:2], sys.byteorder)] = \
                found[2].rstrip(b"\0").decode("ascii", "replace")


# What a function does for this request. {NAME} is an argument of it, or a field
# that is known there; where one is not, the sentence behind it is said instead.
# Facts that hold for every step below: proto and protocol (of the socket), and
# what the socket layer has been asked for.
STEPS = {
    "__sock_create": ("makes a socket of family {family} (16 is AF_NETLINK), protocol {protocol}", ""),
    "netlink_create": ("the protocol is {protocol} ({protocol_name}): entry {protocol} of nl_table says how",
                       "the entry of the protocol in nl_table says how"),
    "__netlink_create": ("", "allocates the socket (struct netlink_sock), and its queue"),
    "sk_alloc": ("", "the memory, from the cache of netlink_proto"),
    "sock_init_data": ("", "empty queues, and what to call when data come: sock_def_readable()"),
    "netlink_bind": ("", "gives the socket its address: a portid and groups"),
    "netlink_autobind": ("", "nobody chose a portid: takes the process id if it is free, else a random one"),
    "netlink_insert": ("portid {portid} enters nl_table[{proto}] ({proto_name})",
                       "the portid enters nl_table"),
    "__netlink_lookup": ("looks for portid {portid} in nl_table[{proto}]{kernel_socket}",
                         "looks for a portid in nl_table"),
    "netlink_sendmsg": ("copies {len} bytes into a buffer; from portid {own} on {proto_name}",
                        "copies the message into a buffer"),
    "netlink_alloc_large_skb": ("a buffer for {size} bytes", "a buffer"),
    "security_netlink_send": ("", "the security modules may object"),
    "netlink_unicast": ("{len} bytes to portid {portid}{kernel_socket} of {proto_name}{reply}",
                        "to the socket of one portid"),
    "netlink_broadcast_filtered": ("{len} bytes to all members of group {group} of {proto_name}",
                                   "to all members of a group"),
    "netlink_attachskb": ("", "is there room in the receive buffer? charges the bytes to it"),
    "__netlink_sendskb": ("{len} bytes into the receive queue of portid {owner}; {qlen} waiting before it",
                          "into the receive queue of the socket"),
    "netlink_broadcast_deliver": ("", "a clone of the buffer for one member"),
    "skb_queue_tail": ("", "the last of sk_receive_queue"),
    "sock_def_readable": ("", "wakes whoever waits in recvmsg() or poll()"),
    "genl_rcv": ("", "the input function of the kernel's socket of NETLINK_GENERIC"),
    "rtnetlink_rcv": ("", "the input function of the kernel's socket of NETLINK_ROUTE"),
    "sock_diag_rcv": ("", "the input function of the kernel's socket of NETLINK_SOCK_DIAG"),
    "nfnetlink_rcv": ("", "the input function of the kernel's socket of NETLINK_NETFILTER"),
    "netlink_rcv_skb": ("takes the {len} bytes apart: one message after the other",
                        "takes the buffer apart: one message after the other"),
    "genl_rcv_msg": ("type {type} is the id of a family: genl_fam_idr[{type}] is {family_of_type}",
                     "finds the family by the type of the message, in genl_fam_idr"),
    "genl_get_cmd": ("command {cmd} of family {name} (id {id}), {mode}", "finds the command of the family"),
    "genl_family_rcv_msg_doit": ("calls doit of {family_name}", "calls doit of the family"),
    "genl_family_rcv_msg_dumpit": ("starts a dump of {family_name}", "starts a dump of the family"),
    "genl_family_rcv_msg_attrs_parse": ("", "the attributes, against the policy of the family"),
    "ctrl_getfamily": ("", "doit of nlctrl, CTRL_CMD_GETFAMILY"),
    "ctrl_dumpfamily": ("", "dumpit of nlctrl: the families of genl_fam_idr"),
    "ctrl_build_family_msg": ("a reply for portid {portid}", "a reply"),
    "ctrl_fill_info": ("", "id, name, operations and groups of one family"),
    "genl_rs_multicast_netns": ("", "genlmsg_multicast_netns() for Rust"),
    "genl_register_family": ("family {name} announces itself, and gets the id {id} in genl_fam_idr",
                             "a family announces itself"),
    "genl_validate_ops": ("", "are its operations in order?"),
    "genl_ctrl_event": ("tells the group of nlctrl: command {event} about {name}, id {id}",
                        "tells the group of nlctrl"),
    "netlink_ack": ("{ack}", "the acknowledgement"),
    "netlink_recvmsg": ("{takes} the first buffer of the queue of portid {own}: {ret} bytes",
                        "takes the first buffer of the queue"),
    "netlink_dump": ("fills the next buffer of a dump", "fills the next buffer of a dump"),
    "__netlink_dump_start": ("", "the request wants a dump: the first buffer at once, the others in recvmsg()"),
    "rtnetlink_rcv_msg": ("message type {type}: which handler?", "which handler has this message type?"),
    "rtnl_getlink": ("", "doit of RTM_GETLINK: one interface"),
    "rtnl_dump_ifinfo": ("", "dumpit of RTM_GETLINK: interface after interface"),
    "rtnl_fill_ifinfo": ("", "all about one interface"),
    "nfnetlink_rcv_msg": ("type {type:#x}: subsystem {subsystem}, message {submessage}",
                          "which subsystem, which message?"),
    "sock_diag_rcv_msg": ("", "which address family is asked about?"),
    "netlink_diag_dump": ("", "the sockets of nl_table, one after the other"),
    "taskstats_user_cmd": ("", "doit of TASKSTATS_CMD_GET"),
    "kobject_uevent_env": ("", "an object of sysfs has changed: tell user space"),
    "netlink_release": ("", "the portid leaves nl_table"),
    "netlink_getname": ("", "getsockname(): the portid"),
    "netlink_setsockopt": ("", "an option of the socket"),
    "skb_recv_datagram": ("", "the first buffer of sk_receive_queue, or wait"),
    "__skb_recv_datagram": ("", "the first buffer of sk_receive_queue, or wait"),
    "__skb_try_recv_datagram": ("", "is there one?"),
    "__skb_wait_for_more_packets": ("", "the queue is empty: sleeps until sock_def_readable()"),
}


def base(name):
    """The name without what the compiler adds to it."""
    return re.sub(r"\.(isra|constprop|part|cold).*", "", name)


def number(text):
    """An argument as the tracer prints it."""
    try:
        return int(text, 0)
    except (TypeError, ValueError):
        return text


class Facts(dict):
    """The values that a sentence may name."""

    def __missing__(self, key):
        raise KeyError(key)


def protocol_name(proto):
    """Of a number, as in linux/netlink.h."""
    return PROTOCOLS.get(proto, f"protocol {proto}")


class Explainer:
    """Puts a sentence to each call, and the messages to those that carried them."""

    def __init__(self, decoder):
        self.decoder = decoder
        # Sockets of the command by their address: their portid.
        self.ports = {}

    def explain(self, roots):
        """All trees, in the order in which they were recorded."""
        for _, root in roots:
            self.learn(root)
        for _, root in roots:
            # Before the calls above it: sending may bind a socket first.
            self.ports.update({call.fields["sk"]: call.fields["portid"] for call in root.walk()
                               if base(call.name) == "netlink_insert" and "sk" in call.fields})
            proto = next((call.fields["proto"] for call in root.walk() if "proto" in call.fields),
                         None)
            self.call(root, Facts() if proto is None else Facts(proto=proto))

    def learn(self, root):
        """Families and sockets, from all that was recorded: a name may come late."""
        for call in root.walk():
            if "id" in call.fields and "name" in call.fields:
                self.decoder.names[call.fields["id"]] = call.fields["name"]

    def call(self, call, facts):
        """One call and all below it."""
        name = base(call.name)
        own = {key: number(text) for key, text in call.args.items()}
        own.update(call.fields)
        inherited = {key: facts[key] for key in ("proto", "own", "type", "from") if key in facts}
        facts = Facts({**inherited, **own})
        if facts.get("sk") in self.ports:
            facts["owner"] = self.ports[facts["sk"]]
            if name in ("netlink_sendmsg", "netlink_recvmsg"):
                facts["own"] = facts["owner"]
        if "proto" in facts:
            facts["proto_name"] = protocol_name(facts["proto"])
        if isinstance(facts.get("protocol"), int):
            facts["protocol_name"] = protocol_name(facts["protocol"])
        if call.data is not None and not call.messages:
            call.messages = self.decoder.messages(facts.get("proto"), call.data, facts["len"])
        self.derive(name, facts)
        call.facts = facts
        call.step = sentence(name, facts)
        # The function that is called for each message of a buffer.
        types = iter(message.get("type") for message in call.messages)
        for inner in call.calls:
            if name == "netlink_rcv_skb" and inner.name.endswith("_rcv_msg"):
                facts["type"] = next(types, None)
            self.call(inner, facts)

    def derive(self, name, facts):
        """Words that need more than one value."""
        facts["kernel_socket"] = ", the kernel's socket" if facts.get("portid") == 0 else ""
        facts["reply"] = ""
        if name == "netlink_recvmsg":
            facts["peek"] = bool(facts.get("flags", 0) & socket.MSG_PEEK)
            facts["takes"] = "looks at, and leaves," if facts["peek"] else "takes"
        if facts.get("type") is not None:
            facts["family_of_type"] = self.decoder.names.get(facts["type"], "not known here")
            facts["subsystem"], facts["submessage"] = facts["type"] >> 8, facts["type"] & 255
            facts["family_name"] = facts["family_of_type"]
        if name == "genl_get_cmd" and isinstance(facts.get("flags"), int):
            # GENL_CMD_CAP_DO, GENL_CMD_CAP_DUMP
            facts["mode"] = {2: "do", 4: "dump"}.get(facts["flags"] & 6, "do or dump")
        if name == "netlink_ack" and isinstance(facts.get("err"), int):
            error = facts["err"] - (1 << 32 if facts["err"] >= 1 << 31 else 0)
            facts["ack"] = "the request is acknowledged: error 0" if not error else \
                f"the request is refused: {errno.errorcode.get(-error, error)}"


def sentence(name, facts):
    """What a function does, with its values or without."""
    full, plain = STEPS.get(name, ("", ""))
    if full:
        try:
            return string.Formatter().vformat(full, (), facts)
        except (KeyError, ValueError):
            pass
    return plain


def short(item, limit=100):
    """A value in one line."""
    if isinstance(item, list):
        text = "{" + ", ".join(f"{key}: {short(inner, limit)}" for key, inner in item) + "}"
    else:
        text = str(item)
    return text if len(text) <= limit else text[:limit - 3] + "..."


def headline(message):
    """A message in one line, without its attributes."""
    if "text" in message:
        return f"{message['length']} bytes: {message['text']}"
    text = f"{message['length']} bytes: {message['name']}, type {message['type']}"
    if "command" in message:
        text += f" command {message['command']}"
    return text + f", flags {message['flags']}, seq {message['seq']}, portid {message['portid']}"
