#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests of what trace.py makes of a trace, as TAP. What a message holds is said by others: by strace
of the commands that sent it (decode_messages.txt), by YNL of the kernel tree, which decodes the
same bytes or has encoded them, and by the kernel's headers. Trees are made of lines as the
tracer prints them, and a folder looks like tracefs.

  scripts/path/decode_test.py --kernel SOURCES
"""

import argparse
import contextlib
import io
import itertools
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile


import time
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "selftests/lib"))

# pylint: disable=wrong-import-position
import trace
import trace_decode
import trace_btf
import trace_functions
import trace_live
import trace_names
import trace_record
import trace_steps
import trace_summary
import trace_tree
import trace_why
from trace_decode import Decoder
from trace_spec import Specs

parser = argparse.ArgumentParser()
parser.add_argument("--kernel", required=True, metavar="SOURCES")
KERNEL = Path(parser.parse_args().kernel)
# ksft_run() has options of its own.
del sys.argv[1:]
os.environ.setdefault("KSFT", str(KERNEL / "tools/testing/selftests"))
sys.path.append(str(KERNEL / "tools/net/ynl/pyynl"))

from ktap import Failure, equal, ktap_run
from lib.nlspec import SpecFamily
from lib.ynl import NetlinkProtocol, NlAttrs, YnlFamily, _genl_decode_policy

SPECS = Specs([str(KERNEL / "Documentation/netlink/specs")])


class Offline(YnlFamily):
    """YNL's encoder and decoder, without the socket that it opens."""

    def __init__(self, name):  # pylint: disable=super-init-not-called
        SpecFamily.__init__(self, str(KERNEL / f"Documentation/netlink/specs/{name}.yaml"),
                            schema_path="")
        self.include_raw = False
        self.process_unknown = True
        self.nlproto = NetlinkProtocol(name, self.yaml.get("protonum", 16))

    def decoded(self, operation, body):
        """What YNL makes of what stands behind the header of a message."""
        size = self.struct_size(operation.fixed_header)
        header = self._decode_struct(body, operation.fixed_header) if size else {}
        return header, self._decode(NlAttrs(body, size), operation.attr_set.name)

    def encoded(self, name, values, flags=()):
        """A message."""
        return self._encode_message(self.ops[name], dict(values), list(flags), 7)


class Recorded:
    """A message of a command, and what strace says of it."""

    def __init__(self, line, data):
        self.command, _, words = line.rpartition(": ")
        words = words.split()
        self.protocol, self.type, self.flags = int(words[0]), words[1], words[2]
        self.seq, self.portid = int(words[3]), int(words[4])
        self.error = words[5] if words[5:] else None
        self.data = bytes.fromhex(data)


def recorded():
    """The messages of decode_messages.txt."""
    text = (HERE / "decode_messages.txt").read_text(encoding="ascii")
    return [Recorded(line, re.sub(r"\s", "", data))
            for line, data in re.findall(r"(?m)^([^#\s].*)\n((?:\t.*\n)+)", text)]


def one(decoder, protocol, data):
    """The only message of a buffer."""
    messages = decoder.messages(protocol, data, len(data))
    equal(len(messages), 1, "messages")
    return messages[0]


def strace():
    """strace: types, flags, numbers and errors of messages that commands have sent"""
    decoder = Decoder(SPECS)
    for want in recorded():
        got = one(decoder, want.protocol, want.data)
        flags = {flag.removeprefix("NLM_F_") for flag in want.flags.split("|")}
        # strace 6.1 does not know the flags of NLMSG_DONE.
        flags = {"ACK_TLVS" if flag == "0x200" else flag for flag in flags}
        equal(set(got["flags"].split("|")), flags, f"{want.command}: flags of {want.type}")
        name = got["name"].split(":")[0]
        equal(name.split()[0], want.type, f"{want.command}: type")
        equal((got["seq"], got["portid"] & 0xffffffff), (want.seq, want.portid & 0xffffffff),
              f"{want.command}: numbers of {want.type}")
        if want.error:
            words = got["name"].split(": ")[1]
            equal(words if want.error != "0" else words[0],
                  want.error if want.error == "0" else f"{got['error']} {want.error[1:]}",
                  f"{want.command}: error")


def done():
    """NLMSG_DONE of 'ip route show table 7777': the error and the text"""
    decoder = Decoder(SPECS)
    got = [one(decoder, want.protocol, want.data) for want in recorded()
           if want.command == "ip route show table 7777"][-1]
    # What ip prints is the text; the error is that of fib_get_table() having found none.
    equal(got["name"], "NLMSG_DONE: -2 ENOENT", "name")
    equal(got["attributes"], [("msg", "ipv4: FIB table does not exist")], "text")


def normal(value):
    """A value of YNL as ours are shown."""
    if isinstance(value, dict):
        return {str(key): normal(inner) for key, inner in value.items()}
    if isinstance(value, set):
        return "|".join(sorted(value)) or 0
    if isinstance(value, bytes):
        return trace_decode.raw(value)
    if isinstance(value, list):
        if value and all(isinstance(inner, dict) and len(inner) == 1 and isinstance(next(iter(inner)), int)
                         for inner in value):
            # An array whose elements are numbered.
            return {str(key): normal(inner) for part in value for key, inner in part.items()}
        return [normal(inner) for inner in value]
    return value


def ours(value):
    """A value of ours for the comparison: an enum by its name, flags in any order."""
    if isinstance(value, list):
        out = {}
        for key, inner in value:
            inner = ours(inner)
            if key in out:
                out[key] = (out[key] if isinstance(out[key], list) else [out[key]]) + [inner]
            else:
                out[key] = inner
        return out
    match = re.fullmatch(r"-?\d+ \(([\w|-]+)\)", str(value))
    return "|".join(sorted(match[1].split("|"))) if match else value


def compared(got, want, where):
    """Whether all that YNL says is said by us, in its words."""
    for key, value in want.items():
        mine = got.get(key)
        if isinstance(value, dict) and isinstance(mine, dict):
            compared(mine, value, f"{where}.{key}")
        elif isinstance(value, list):
            mine = mine if isinstance(mine, list) else list(mine.values()) \
                if isinstance(mine, dict) and all(name.isdigit() for name in mine) else [mine]
            equal(len(mine), len(value), f"{where}.{key}: elements")
            for number, (left, right) in enumerate(zip(mine, value)):
                if isinstance(right, dict):
                    compared(left, right, f"{where}.{key}.{number}")
                else:
                    equal(left, right, f"{where}.{key}.{number}")
        elif isinstance(value, str) and isinstance(mine, str) and mine[:-1] == value:
            # YNL takes the last byte for a zero; ip sends some strings without one.
            continue
        else:
            equal(mine, value, f"{where}.{key}")
    equal(sorted(set(got) - set(want)), [], f"{where}: what YNL does not say")


# Attributes that the spec calls bytes, and we know better; they have tests of their own.
OWN = {"multipath", "via"}


def ynl_decodes():
    """YNL: decodes the messages of these commands to the same values"""
    decoder, families, count = Decoder(SPECS), {}, 0
    for want in recorded():
        got = one(decoder, want.protocol, want.data)
        name = got.get("family")
        if got["type"] < 16 or name == "sock-diag":
            continue
        if name not in families:
            families[name] = Offline(name)
        family, request = families[name], struct.unpack_from("=H", want.data, 6)[0] & 1
        number = got.get("command", got["type"])
        table = family.req_by_value if request else family.rsp_by_value
        operation = table.get(number) or family.req_by_value[number]
        header, attrs = family.decoded(operation, want.data[20 if "command" in got else 16:])
        for key in OWN & set(attrs):
            del attrs[key]
        where = f"{want.command}: {want.type}"
        compared(ours(got.get("header", [])), normal(header), where)
        compared(ours([pair for pair in got["attributes"] if pair[0] not in OWN]), normal(attrs),
                 where)
        count += 1
    if count < 15:
        raise Failure(f"only {count} messages were compared")


NEXT_HOPS = [("0", [("oif", 1), ("weight", 2)]),
             ("1", [("oif", 1), ("weight", 5), ("gateway", "198.51.100.7")])]


def next_hops():
    """the next hops of a route: those of the command that has set them"""
    decoder = Decoder(SPECS)
    got = [one(decoder, want.protocol, want.data) for want in recorded()
           if "nexthop via" in want.command][0]
    equal(dict(got["attributes"])["multipath"], NEXT_HOPS, "next hops")
    equal(dict(got["attributes"])["dst"], "203.0.113.0", "destination")


# linux/if_vlan.h
VLAN_FLAG_REORDER_HDR, VLAN_FLAG_GVRP = 1, 2
# What YNL encodes, and how it has to come back: the family, the operation, values, and what
# we say of the attributes.
ENCODED = (
    ("rt-link", "newlink", 0,
     {"ifname": "v7", "link": 1, "address": "02:00:00:00:00:09", "linkinfo":
      {"kind": "vlan", "data": {"id": 7, "flags": {"flags": VLAN_FLAG_REORDER_HDR | VLAN_FLAG_GVRP,
                                                   "mask": 0xffffffff}, "protocol": "8021ad"}}},
     "RTM_NEWLINK",
     {"ifname": "v7", "link": 1, "address": "02:00:00:00:00:09", "linkinfo":
      {"kind": "vlan", "data": {"id": 7, "flags": {"flags": "gvrp|reorder-hdr", "mask": "0xffffffff"},
                                "protocol": "8021ad"}}}),
    ("nftables", "newtable", 12, {"name": "t", "flags": {"dormant"}}, "NFT_MSG_NEWTABLE",
     {"name": "t", "flags": "dormant"}),
    ("nftables", "newrule", 12,
     {"table": "t", "chain": "c", "handle": 0x1122, "expressions": {"elem": [
         {"name": "payload", "data": {"dreg": 1, "base": "transport-header", "offset": 2, "len": 2}},
         {"name": "cmp", "data": {"sreg": 1, "op": "neq"}}]}},
     "NFT_MSG_NEWRULE",
     {"table": "t", "chain": "c", "handle": 0x1122, "expressions": {"elem": [
         {"name": "payload", "data": {"dreg": "reg-1", "base": "transport-header", "offset": 2, "len": 2}},
         {"name": "cmp", "data": {"sreg": 1, "op": "neq"}}]}}),
    ("conntrack", "get", 12, {"mark": 0x1234, "zone": 9, "tuple-orig": {"tuple-ip": {
        "ip-v4-src": "198.51.100.1", "ip-v4-dst": "198.51.100.2"}, "tuple-proto": {
            "proto-num": 6, "proto-src-port": 4660}}},
     "IPCTNL_MSG_CT_GET",
     {"mark": 0x1234, "zone": 9, "tuple-orig": {"tuple-ip": {
         "ip-v4-src": "198.51.100.1", "ip-v4-dst": "198.51.100.2"}, "tuple-proto": {
             "proto-num": 6, "proto-src-port": 4660}}}),
    ("tc", "newqdisc", 0, {"kind": "tbf", "options": {"burst": 3000, "rate64": 1 << 40}},
     "RTM_NEWQDISC", {"kind": "tbf", "options": {"burst": 3000, "rate64": 1 << 40}}),
)


def ynl_encodes():
    """YNL: what it encodes comes back: sub-messages, addresses, network byte order"""
    for name, operation, protocol, values, title, want in ENCODED:
        family = Offline(name)
        data = family.encoded(operation, values)
        got = one(Decoder(SPECS), protocol, data)
        equal(got["name"], title, "name")
        compared(ours(got["attributes"]), normal(want), title)


def batch():
    """a batch of nftables: each of its messages, with its flags"""
    family = Offline("nftables")
    parts = [family.encoded("batch-begin", {"res-id": 10}),
             family.encoded("newtable", {"nfgen-family": 1, "name": "t"}, [0x400, 0x200]),
             family.encoded("deltable", {"nfgen-family": 1, "name": "old"}),
             family.encoded("batch-end", {"res-id": 10})]
    data = b"".join(parts)
    got = Decoder(SPECS).messages(12, data, len(data))
    equal([message["name"] for message in got],
          ["NFNL_MSG_BATCH_BEGIN", "NFT_MSG_NEWTABLE", "NFT_MSG_DELTABLE", "NFNL_MSG_BATCH_END"],
          "names")
    equal(got[1]["flags"], "REQUEST|ACK|EXCL|CREATE", "flags")
    equal(got[1]["attributes"], [("name", "t")], "attributes")
    # NFNL_SUBSYS_NFTABLES, in network byte order.
    equal(dict(got[0]["header"])["res-id"], 10, "res-id")


# Tables of ours, and what the headers call the same: the file, and how each name begins.
HEADERS = (
    ("netlink.h", {number: name for number, name in trace_names.PROTOCOLS.items()
                   if number not in (3, 8, 14, 5, 22)}, ""),
    ("netlink.h", trace_names.OPTIONS[270], ""),
    ("netlink.h", trace_names.FLAGS, "NLM_F_"),
    ("netlink.h", trace_names.KIND_FLAGS["get"], "NLM_F_"),
    ("netlink.h", trace_names.KIND_FLAGS["new"], "NLM_F_"),
    ("netlink.h", trace_names.KIND_FLAGS["del"], "NLM_F_"),
    ("netlink.h", trace_names.KIND_FLAGS["ack"], "NLM_F_"),
    ("netlink.h", trace_names.CONTROL, ""),
    ("rtnetlink.h", {base + verb: f"{trace_names.VERBS[verb]}{name}"
                     for base, name in trace_names.ROUTE_MESSAGES.items() for verb in range(4)},
     "RTM_"),
    ("rtnetlink.h", trace_names.ROUTE_GROUPS, "RTNLGRP_"),
    ("netfilter/nfnetlink.h", trace_names.SUBSYSTEMS, "NFNL_SUBSYS_"),
    ("netfilter/nfnetlink.h", trace_names.NETFILTER_GROUPS, "NFNLGRP_"),
    ("netfilter/nfnetlink_conntrack.h", trace_names.CONNTRACK, "IPCTNL_MSG_CT_"),
    ("xfrm.h", trace_names.XFRM_MESSAGES, "XFRM_MSG_"),
)


def constants(path):
    """All that a header defines to be a number, by name."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    out = {name: int(value, 0) for name, value in
           re.findall(r"(?m)^#define\s+(\w+)\s+(0x[0-9a-fA-F]+|\d+)\s*$", text)}
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, re.S):
        value = -1
        body = re.sub(r"(?m)^\s*#.*$", "", body)
        for name, given in re.findall(r"(\w+)\s*(?:=\s*([^,]+))?(?:,|\s*$)", body):
            try:
                value = int(given, 0) if given else value + 1
            except ValueError:
                value = out.get(given.strip(), value + 1)
            out[name] = value
    return out


def headers():
    """the kernel's headers: numbers of types, flags, options, groups and subsystems"""
    for path, names, prefix in HEADERS:
        known = constants(KERNEL / "include/uapi/linux" / path)
        for number, name in names.items():
            if prefix == "RTM_" and f"RTM_{name}" not in known:
                # Not each object can be made, deleted, got and set.
                continue
            equal(known.get(prefix + name), number, f"{path}: {prefix}{name}")
    # And none that the header has is missing here.
    known = constants(KERNEL / "include/uapi/linux/rtnetlink.h")
    for name, number in known.items():
        if re.match(r"RTM_(NEW|DEL|GET|SET)", name) and \
                trace_names.ROUTE_MESSAGES.get(number & ~3) != name[7:]:
            raise Failure(f"{name} = {number} is not known")
    # linux/socket.h: level, and the options of asm-generic.
    known = constants(KERNEL / "include/uapi/asm-generic/socket.h")
    for number, name in trace_names.OPTIONS[1].items():
        # Since 32 bits do not do for a time, three of them have two numbers.
        equal(known.get(name, known.get(f"{name}_OLD")), number, name)


def errors():
    """the kernel's headers: names of errors"""
    found = {}
    for path in ("include/uapi/asm-generic/errno-base.h", "include/uapi/asm-generic/errno.h",
                 "include/linux/errno.h"):
        text = (KERNEL / path).read_text(encoding="utf-8")
        for name, number in re.findall(r"(?m)^#define\s+(E\w+)\s+(\d+)", text):
            found.setdefault(int(number), name)
    for number in list(range(1, 134)) + [512, 513, 514, 516, 517, 524]:
        if number in found:
            equal(trace_names.error_name(-number), found[number], f"error {number}")


def diag():
    """sock_diag: the members that strace reads in the request and the answer of ss"""
    decoder = Decoder(SPECS)
    messages = [one(decoder, 4, want.data) for want in recorded() if want.protocol == 4]
    request, answer = dict(messages[0]["header"]), dict(messages[1]["header"])
    equal((request["family"], request["protocol"], request["show"]), DIAG_REQUEST, "request")
    equal((answer["family"], answer["type"], answer["protocol"], answer["portid"]), DIAG_ANSWER,
          "answer")


# {sdiag_family=AF_NETLINK, sdiag_protocol=NDIAG_PROTO_ALL, ndiag_ino=0,
#  ndiag_show=NDIAG_SHOW_MEMINFO|NDIAG_SHOW_GROUPS}
DIAG_REQUEST = (socket.AF_NETLINK, 255, "0x3")
# {ndiag_family=AF_NETLINK, ndiag_type=SOCK_DGRAM, ndiag_protocol=NETLINK_ROUTE, ndiag_state=...,
#  ndiag_portid=0}
DIAG_ANSWER = (socket.AF_NETLINK, socket.SOCK_DGRAM, 0, 0)


# What inet_ntop() prints is what inet_pton() was given.
ADDRESSES = ((socket.AF_INET6, "2001:db8::", "::"), (socket.AF_INET6, "::1", "2001:db8::7"),
             (socket.AF_INET6, "::ffff:198.51.100.7", "c633:6407::"),
             (socket.AF_INET, "198.51.100.7", "0.0.0.0"))


def diag_addresses():
    """sock_diag: addresses by the family of the socket, in a request and in an answer"""
    for family, source_, target in ADDRESSES:
        # struct inet_diag_sockid
        both = b"".join(socket.inet_pton(family, one).ljust(16, b"\0") for one in (source_, target))
        sockid = struct.pack(">HH", 4660, 80) + both + struct.pack("=IQ", 1, 7)
        # struct inet_diag_req_v2, struct inet_diag_msg
        for flags, body in ((1, struct.pack("=BBBxI", family, 6, 0, 2) + sockid),
                            (2, struct.pack("=BBBB", family, 1, 0, 0) + sockid + bytes(20))):
            data = struct.pack("=IHHII", 16 + len(body), 20, flags, 1, 1) + body
            header = dict(one(Decoder(SPECS), 4, data)["header"])
            got = dict(header["id"])
            equal([socket.inet_pton(family, got[end]) for end in ("src", "dst")],
                  [socket.inet_pton(family, want) for want in (source_, target)], f"{source_}, {target}")
            equal((got["sport"], got["dport"], header["family"]), (4660, 80, family), "ports")


def kinds():
    """what a message is for: by the last word of its operation, whatever its family is called"""
    family = Offline("nfsd")
    decoder = Decoder(SPECS)
    decoder.names[30] = "nfsd"
    for name, number, want in (("listener-set", 0x405, "REQUEST|ACK|CREATE"),
                               ("listener-get", 0x405, "REQUEST|ACK|ATOMIC")):
        body = struct.pack("=BBH", family.ops[name].req_value, 1, 0)
        got = one(decoder, 16, struct.pack("=IHHII", 20, 30, number, 1, 1) + body)
        equal((got["name"], got["flags"]), (f"nfsd {name}", want), "flags")
    for name, want in (("mptcp_pm get-addr", "get"), ("mptcp_pm flush-addrs", "del"), ("listing add", "new"),
                       ("newfs remove", "del"), ("setup command 3", "get"),
                       ("team port-list-set", "new")):
        equal(trace_decode.kind_of(16, 30, name), want, name)
    # What can be dumped is got, in each family.
    count = 0
    for path in sorted((KERNEL / "Documentation/netlink/specs").glob("*.yaml")):
        spec = SpecFamily(str(path), schema_path="")
        for operation in spec.msgs.values() if "genetlink" in spec.proto else ():
            if "dump" in operation.yaml:
                equal(trace_decode.kind_of(16, 30, f"{spec.name} {operation.name}"), "get",
                      f"{spec.name} {operation.name}")
                count += 1
    if count < 50:
        raise Failure(f"only {count} dumps were found")


def error_message(request, error, tlvs, capped=False):
    """NLMSG_ERROR with TLVs, as netlink_ack() makes it."""
    kept = request[:16] if capped else request
    body = struct.pack("=i", error) + kept + b"\0" * (-len(kept) % 4)
    for kind, payload in tlvs:
        body += struct.pack("=HH", 4 + len(payload), kind) + payload + b"\0" * (-len(payload) % 4)
    seq = struct.unpack_from("=I", request, 8)[0]
    return struct.pack("=IHHII", 16 + len(body), 2, 0x200 | (0x100 if capped else 0), seq, 1) + body


def blame():
    """errors: the attribute that is meant, by its name, also in a nest; the policy as YNL has it"""
    family = Offline("rt-link")
    request = family.encoded("newlink", {"ifname": "v7", "linkinfo": {
        "kind": "vlan", "data": {"id": 7}}})
    for capped in (False, True):
        decoder = Decoder(SPECS)
        decoder.messages(0, request, len(request))
        at = request.index(b"vlan\0") - 4
        limit = struct.pack("=HHI", 8, 1, 3) + struct.pack("=HHQ", 12, 4, 1) + \
            struct.pack("=HHQ", 12, 5, 4094)
        data = error_message(request, -34, [(1, b"no\0"), (2, struct.pack("=I", at)), (4, limit)],
                             capped)
        got = one(decoder, 0, data)
        said = dict(got["attributes"])
        equal(said["offset"], f"{at} (linkinfo.kind)", "attribute")
        equal(said["msg"], "no", "text")
        want = _genl_decode_policy(limit)
        equal({key: value for key, value in said["policy"]},
              {"type": want["type"], "min": want["min-value"], "max": want["max-value"]}, "policy")
        equal(got["about"], "RTM_NEWLINK", "request")
        nest = request.index(b"vlan\0") - 8
        data = error_message(request, -22, [(5, struct.pack("=I", 2)), (6, struct.pack("=I", nest))],
                             capped)
        equal(dict(one(decoder, 0, data)["attributes"])["missing type"], "2 (data)", "missing")


def get_family(name):
    """A request of nlctrl: CTRL_CMD_GETFAMILY is 3."""
    body = Offline("nlctrl")._add_attr(  # pylint: disable=protected-access
        "ctrl-attrs", "family-name", name, None)
    return struct.pack("=IHHIIBBH", 20 + len(body), 16, 5, 9, 0, 3, 2, 0) + body


def generic_blame():
    """errors of generic netlink: the place counts from the header of the message"""
    request = get_family("nobody")
    decoder = Decoder(SPECS)
    decoder.messages(16, request, len(request))
    got = one(decoder, 16, error_message(request, -2, [(2, struct.pack("=I", 20))]))
    equal(dict(got["attributes"])["offset"], "20 (family-name)", "attribute")


def counted():
    """a buffer of 173 messages: counted, whatever is decoded, and whatever is not there"""
    single = next(want for want in recorded() if want.type == "RTM_NEWADDR" and want.flags != "0")
    data = single.data * 173
    for limit in (3, 10, 1000):
        got = Decoder(SPECS).messages(0, data, len(data), limit)
        equal(len(got) + got[-1].get("followed", 0), 173, f"messages, {limit} decoded")
        equal(len(got), min(limit, 173), "decoded")
    cut = data[:len(single.data) * 20 + 10]
    got = Decoder(SPECS).messages(0, cut, len(data), 3)
    equal(got[-1]["unseen"], len(data) - len(single.data) * 20, "bytes that nobody has seen")


def unknown():
    """bytes of unknown meaning are bytes, never a number"""
    got = Decoder(Specs(["/nowhere"])).messages(9, struct.pack("=IHHIII", 20, 1000, 1, 1, 0, 77), 20)
    equal(got[0]["attributes"], [("payload", struct.pack("=I", 77).hex())], "payload")
    attr = struct.pack("=HHI", 8, 5, 1 << 24)
    data = struct.pack("=IHHIIBBH", 20 + len(attr), 999, 1, 1, 0, 1, 1, 0) + attr
    got = Decoder(SPECS).messages(16, data, len(data))
    equal(got[0]["attributes"], [("attribute 5", "00000001")], "attribute")


def broken():
    """messages that are cut anywhere, or have wrong lengths, break nothing"""
    for want in recorded():
        for size in range(len(want.data)):
            Decoder(SPECS).messages(want.protocol, want.data[:size], len(want.data))
        for at in range(16, len(want.data)):
            data = bytearray(want.data)
            for byte in (0, 1, 255):
                data[at] = byte
                Decoder(SPECS).messages(want.protocol, bytes(data), len(data))


def every_spec():
    """each spec of the kernel: its operations have YNL's numbers and sets"""
    count = 0
    for path in sorted((KERNEL / "Documentation/netlink/specs").glob("*.yaml")):
        family, spec = SpecFamily(str(path), schema_path=""), SPECS.family(path.stem)
        if spec is None:
            raise Failure(f"{path.name}: {SPECS.missing}")
        for operation in family.msgs.values():
            if operation.is_resv:
                continue
            for number, table in ((operation.req_value, spec.requests),
                                  (operation.rsp_value, spec.replies)):
                if number is None or operation.is_async and table is spec.requests and \
                        family.msg_id_model == "directional":
                    continue
                if table is spec.replies and "reply" not in str(operation.yaml.keys()) and \
                        number not in table:
                    # YNL numbers answers that the spec does not have.
                    continue
                found = table.get(number)
                if found is None:
                    raise Failure(f"{path.stem}: no operation {number} ({operation.name})")
                if table is spec.requests:
                    equal((found.name, found.attributes, found.header),
                          (operation.name, getattr(operation.attr_set, "name", None) or None,
                           operation.fixed_header), f"{path.stem} {number}")
                    count += 1
        for name, attrs in family.attr_sets.items():
            equal({number: attr["name"] for number, attr in spec.sets[name].items()},
                  {number: attr.name for number, attr in attrs.attrs_by_val.items()},
                  f"{path.stem}: {name}")
        for name, const in family.consts.items():
            if getattr(const, "members", None):
                equal(spec.size(name), struct_size(family, const), f"{path.stem}: struct {name}")
    if count < 300:
        raise Failure(f"only {count} operations were compared")


# The tables of the kernel's source in which handlers stand, and how each entry names one.
TABLES = (r"rtnl_msg_handler \w+\[\][^=]*= \{(.*?)\n\};",
          r"nfnl_callback \w+\[[^\]]*\][^=]*= \{(.*?)\n\};",
          r"xfrm_dispatch\[[^\]]*\] = \{(.*?)\n\};",
          r"(?:sock|inet)_diag_handler \w+[^=]*= \{(.*?)\n\};",
          r"genl_(?:split_|small_)?ops \w+\[[^\]]*\][^=]*= \{(.*?)\n\};")
ENTRY = re.compile(r"\.(?:doit|dumpit|call|dump|start|done|destroy)\s*=\s*(\w+)|"
                   r"\{[^{}]*?RTM_\w+,\s*(\w+)(?:,\s*(\w+))?")


# security_sock_rcv_skb() is called for each packet; the others return a bool, which is no error.
NOT_RECORDED = {"security_sock_rcv_skb", "dev_valid_name", "valid_name"}


def handlers():
    """the kernel's tables of handlers: each of them is traced, and what it returns"""
    names = set()
    for folder in ("net", "drivers/net", "kernel", "fs/nfsd", "fs/smb", "fs/dlm", "drivers/block"):
        for path in (KERNEL / folder).rglob("*.c"):
            code = path.read_text(encoding="utf-8", errors="replace")
            if not re.search("rtnl_msg_handler|nfnl_callback|xfrm_dispatch|diag_handler|genl_.*ops", code):
                continue
            for table in TABLES:
                for body in re.findall(table, code, re.S):
                    names.update(name for found in ENTRY.findall(body) for name in found)
    names = sorted(names - {"", "NULL", "0"})
    # As the tracer looks for them, and as it would have to without hurry.
    for patterns in (trace_functions.FUNCTIONS, trace_functions.NOISE, trace_functions.DEEP_NOISE,
                     trace_functions.RETURNS + trace_functions.DEEP_RETURNS):
        slow = trace_functions.matcher(patterns)
        equal({names[at] for at in trace_functions.matching(names, patterns)},
              {name for name in names if slow.fullmatch(name)}, "names that match")
    wanted = {names[at] for at in trace_functions.matching(names, trace_functions.FUNCTIONS)}
    for deep in (False, True):
        noise = {names[at] for at in trace_functions.noisy(names, deep)}
        # The end of a dump, where nothing is refused.
        missing = {name for name in names if "unlock" not in name and
                   (name in noise or name not in wanted)}
        equal(sorted(missing), [], f"handlers that would not be shown{' by --deep' * deep}")
    # What refuses below them is shown by name, and is no noise either.
    plain = [name for name in trace_functions.REFUSERS if "*" not in name]
    equal([plain[at] for at in trace_functions.noisy(plain, True)], [], "functions that refuse")
    # Blocks and defaults are no locks and faults, which are noise.
    found = ["tcf_block_get_ext", "flow_block_cb_setup_simple", "ip6_default_advmss",
             "mutex_lock", "lock_sock_nested", "_raw_spin_unlock_bh", "exc_page_fault", "handle_mm_fault",
             "__schedule", "sched_clock", "ktime_get", "rb_insert_color", "sched_update_worker"]
    equal({found[at] for at in trace_functions.noisy(found, True)}, set(found[3:]), "noise")
    # And whose returns are recorded, but for the ends of dumps: what they return nobody takes.
    told = trace_functions.matcher(trace_functions.RETURNS)
    equal([name for name in names if not told.fullmatch(name) and not name.endswith("_done")], [],
          "handlers whose returns would not be recorded")
    equal({name for name in trace_functions.REFUSERS if not told.fullmatch(name.rstrip("*"))}, NOT_RECORDED,
          "functions that refuse and whose returns would not be recorded")
    # A pattern stands for as many names as pay for it.
    few, many = trace_functions.FEW, trace_functions.FEW + 1
    for prefix in ("nl80211_x", "ipmr_rtm_x"):
        some = {f"{prefix}{number}" for number in range(many)}
        equal(trace_functions.returns(some | {"other"}, trace_functions.RETURNS), [f"{prefix[:-1]}*"], prefix)
        some = {f"{prefix}{number}" for number in range(few)}
        equal(trace_functions.returns(some, trace_functions.RETURNS), sorted(some), prefix)
    if len(names) < 700:
        raise Failure(f"only {len(names)} handlers were found")


def source():
    """grep: where the text of an error stands in the kernel's source"""
    index = trace_why.Source([str(KERNEL)])
    for text, literal in (("ipv4: FIB table does not exist",) * 2,
                          ("8021q: VLAN device already exists", "VLAN device already exists"),
                          ("Unknown device type", "Unknown device type"),
                          ("ipv4: Invalid values in header for FIB dump request",
                           "Invalid values in header for FIB dump request")):
        want = subprocess.run(["grep", "-rnF", f'"{literal}"', "net", "drivers/net", "--include=*.c"],
                              cwd=KERNEL, capture_output=True, text=True, check=True).stdout
        want = {":".join(line.split(":")[:2]) for line in want.splitlines()}
        equal(set(index.find(text)), want, text)
    # A text with a value in it: net/8021q has none, net/core/dev.c has a number of queues.
    form, places = next((form, places) for form, places in index.texts().items() if "%d" in form and
                        len(form) > 30 and form.count("%") == 1)
    equal(index.find(form.replace("%d", "42")), places, form)


class Made:
    """A call that was made: its name, its arguments, the calls in it, what probes have read of it,
    the message among that, and what it returned.
    """

    clock = itertools.count(1000)

    def __init__(self, name, *inner, args="", data=None, returned=None, **fields):
        self.name, self.inner, self.args, self.returned = name, inner, args, returned
        self.read = " ".join(f"{key}={value}" for key, value in fields.items())
        if data is not None:
            whole = data + b"\0" * (-len(data) % 8)
            words = ",".join(f"{word:#x}" for word, in struct.iter_unpack("=Q", whole))
            self.read += f" len={len(data)} data0={{{words}}}"

    def lines(self, pid, depth=0, ends=True):
        """The lines of the tracer."""
        def line(text, took=""):
            return f" {next(self.clock) / 1000:.6f} |  cmd-{pid}  | {took:>9} |{'  ' * (depth + 1)}{text}"

        yield line(f"{self.name}({self.args}) {{")
        if self.read:
            yield line(f"/* nlp_entry: ({self.name}+0x0/0x99) {self.read} */")
        for inner in self.inner:
            yield from inner.lines(pid, depth + 1)
        if self.returned is not None:
            yield line(f"/* nlp_ret0: (caller+0x1/0x99 <- {self.name}) "
                       f"ret={self.returned & 0xffffffffffffffff:#x} */")
        if ends:
            yield line("}", "2.000 us")


def unseen():
    """functions around and between, that are counted and not shown; those of an interrupt"""
    # So it is where a function that is not traced has a probe at its return: the depth has its frame.
    # What reads a probe may be traced as well, and stand before what it has read.
    text = """
     6.100 | cmd-7 |         |      netlink_insert() {
     6.200 | cmd-7 |         |          first() {
     6.300 | cmd-7 | 2.00 us |            inner();
     6.400 | cmd-7 | 3.00 us |          }
     6.450 | cmd-7 |         |      /* nlp_insert: (netlink_insert+0x0/0x490) portid=77 */
     6.500 | cmd-7 |         |          second() {
     6.600 | cmd-7 | 4.00 us |          }
     6.700 | cmd-7 | ..s1. | 5.00 us |        third();
     6.800 | cmd-7 | 6.00 us |      }
     6.900 | cmd-7 |         |      netlink_release() {
     7.000 | cmd-7 | 7.00 us |      }
     7.100 | cmd-7 |         |  /* sched_switch: prev_comm=cmd prev_pid=7 prev_state=S ==> next_pid=0 */"""

    def tree(call):
        return call.name, call.time, [tree(inner) for inner in call.calls]

    roots, _ = trace.Parser().parse(text)
    equal([tree(root) for _, root in roots],
          [("netlink_insert", "6.00 us", [("first", "3.00 us", [("inner", "2.00 us", [])]),
                                          ("second", "4.00 us", []), ("third", "5.00 us", [])]),
           ("netlink_release", "7.00 us", [])], "trees")
    equal(roots[0][1].fields, {"portid": 77}, "what was read")
    equal([call.sleeps for _, root in roots for call in root.walk() if call.sleeps], [], "sleeps")
    equal([call.name for call in roots[0][1].own()], ["first", "second"], "of the process")


def asks(proto, request, *inner):
    """A system call that sends a request."""
    return Made("__x64_sys_sendto", Made(
        "netlink_sendmsg", Made("netlink_unicast", *inner, proto=proto, portid=0, data=request),
        proto=proto, own=99))


def explained(made, explainer=None):
    """The trees of calls by their names, explained."""
    parser_ = trace.Parser()
    for pid, call in enumerate(made.values(), 1):
        for line in call.lines(pid):
            parser_.feed(line)
    roots, _ = parser_.parse("")
    equal(len(roots), len(made), "trees")
    (explainer or trace_steps.Explainer(Decoder(SPECS))).explain(roots)
    trace_why.Why(None, trace_why.Source(["/nowhere"])).explain(roots)
    return dict(zip(made, (root for _, root in roots)))


def of_each_kind():
    """Trees of each kind that a filter tells apart."""
    link, family = Offline("rt-link"), get_family("nlctrl")
    get = link.encoded("getlink", {"ifname": "no"})
    news = link.encoded("newlink", {"ifname": "v7"})
    return {
        "refused": asks(0, get, Made("netlink_rcv_skb", Made("rtnetlink_rcv_msg", returned=-19), Made(
            "netlink_ack", Made("__netlink_sendskb", proto=0, owner=99,
                                data=error_message(get, -19, []))))),
        "answered": asks(16, family, Made("netlink_rcv_skb", Made("genl_rcv_msg", returned=0))),
        "told": Made("netlink_broadcast_filtered", proto=0, portid=0, group=1, data=news),
        # The first group of nfnetlink, and of generic netlink that of nlctrl.
        "told of connections": Made("netlink_broadcast_filtered", proto=12, portid=0, group=1, data=news),
        "told of families": Made("netlink_broadcast_filtered", proto=16, portid=0, group=16, data=family),
        "nothing to read": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-11, proto=0)),
        "interrupted": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-512, proto=0)),
        "overrun": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-105, proto=0)),
        # The queue of its reader is full, and it does not wait.
        "no room": Made("__x64_sys_sendto", Made("netlink_sendmsg", returned=-11, proto=2)),
        "port taken": Made("__x64_sys_bind", Made("netlink_bind", returned=-98, proto=16)),
        "no right": Made("__x64_sys_setsockopt", Made("netlink_setsockopt", returned=-1)),
        "opened": Made("__x64_sys_socket", Made("netlink_create", args="sock=0x9, protocol=16")),
        "lost": Made("netlink_overrun", proto=12, owner=7),
        "no netlink": Made("__x64_sys_read", returned=-9),
    }


# linux/rtnetlink.h: RTNLGRP_LINK is 1; linux/netfilter/nfnetlink.h: so is NFNLGRP_CONNTRACK_NEW.
LINK, TRACKED = {"told"}, {"told of connections"}
FAILED = {"refused", "overrun", "no room", "port taken", "no right", "lost"}
FILTERS = (
    (("--protocol", "route"), {"refused", "told", "nothing to read", "interrupted", "overrun"}),
    (("--protocol", "NETLINK_GENERIC"), {"answered", "told of families", "port taken", "opened"}),
    (("--protocol", "12"), {"told of connections", "lost"}),
    (("--protocol", "xfrm"), set()),
    (("--family", "rt-link"), {"refused", "told"}),
    (("--family", "RTM_GETLINK"), {"refused"}),
    (("--family", "nlctrl"), {"answered", "told of families"}),
    (("--family", "nobody"), set()),
    (("--group", "link"), LINK),
    (("--group", "LINK"), LINK),
    (("--group", "RTNLGRP_LINK"), LINK),
    (("--group", "conntrack-new"), TRACKED),
    (("--group", "nfnlgrp_conntrack_new"), TRACKED),
    (("--group", "1"), LINK | TRACKED),
    (("--group", "nlctrl"), {"told of families"}),
    (("--group", "neigh"), set()),
    (("--group", "grp_link"), set()),
    (("--errors",), FAILED),
    (("--errors", "--protocol", "route"), {"refused", "overrun"}),
    (("--errors", "--group", "link"), set()),
    (("--only", "rtnetlink_rcv_msg"), {"refused"}),
    ((), set(of_each_kind()) - {"no netlink"}),
)


def filters():
    """--protocol, --family, --group, --errors, --only: what each of them shows, and what it does not"""
    trees = explained(of_each_kind())
    for options, want in FILTERS:
        sys.argv[1:] = [*options, "--", "true"]
        wants = trace.Filter(trace.arguments(), Decoder(SPECS)).wants
        equal({name for name, root in trees.items() if wants(root)}, want, " ".join(options))
    del sys.argv[1:]
    try:
        trace.protocol_number("rout")
    except trace.TraceError as error:
        if "rout" not in str(error) or "route" not in str(error):
            raise Failure(str(error)) from None
    else:
        raise Failure("--protocol rout is taken for one")


def counted_all():
    """--summary: each message of a batch by its own name and length, and calls that fail by themselves"""
    nft = Offline("nftables")
    parts = [("NFNL_MSG_BATCH_BEGIN", nft.encoded("batch-begin", {"res-id": 10})),
             ("NFT_MSG_NEWTABLE", nft.encoded("newtable", {"name": "t"})),
             ("NFT_MSG_NEWCHAIN", nft.encoded("newchain", {"table": "t", "name": "chain"})),
             *[("NFT_MSG_NEWRULE", nft.encoded("newrule", {"table": "t", "chain": "chain"}))] * 10,
             ("NFNL_MSG_BATCH_END", nft.encoded("batch-end", {"res-id": 10}))]
    data = b"".join(part for _, part in parts)
    link = Offline("rt-link").encoded("newlink", {"ifname": "v7"})
    trees = {
        "batch": asks(12, data, Made("nfnetlink_rcv", Made("nf_tables_newtable"))),
        # 100 messages, of which one and a half are seen.
        "long": asks(0, (link * 2)[:len(link) * 3 // 2]),
        **{f"{kind} {at}": call for kind, call in of_each_kind().items() for at in range(2)}}
    # The tracer says how long a message is, whatever it has recorded of it.
    sends = trees["long"].inner[0].inner[0]
    sends.read = sends.read.replace(f"len={len(link) * 3 // 2}", f"len={len(link) * 100}")
    counter = trace_summary.Counter()
    counter.add([(root.pid, root) for root in explained(trees).values()])
    rows = {(row.protocol, row.command): row for row in counter.rows()}
    for name in dict(parts):
        sizes = [len(part) for title, part in parts if title == name]
        row = rows["NETLINK_NETFILTER", name]
        equal((row.requests, row.sent), (len(sizes), sum(sizes)), name)
    equal(rows["NETLINK_ROUTE", "RTM_GETLINK"].errors, {"ENODEV": 2}, "an error that was answered")
    row = rows["NETLINK_ROUTE", "RTM_NEWLINK"]
    equal((row.requests, row.sent), (2, 2 * len(link)), "messages of which the header was seen")
    row = rows["NETLINK_ROUTE", "messages that were not recorded"]
    equal((row.requests, row.sent), (0, 98 * len(link)), "the others")
    equal({command: row.errors for (_, command), row in rows.items() if command.endswith("fails")},
          {"recvmsg() fails": {"ENOBUFS": 2}, "sendmsg() fails": {"EAGAIN": 2},
           "bind() fails": {"EADDRINUSE": 2}, "setsockopt() fails": {"EPERM": 2}}, "calls that failed")
    equal(rows["NETLINK_GENERIC", "bind() fails"].requests, 2, "calls of bind()")
    equal(rows["netlink", "setsockopt() fails"].requests, 2, "calls of setsockopt()")


def once():
    """a buffer that was sent: each of its messages is decoded once, and counted, shown or not"""
    class Counting(Decoder):
        """Knows how often."""
        decoded = 0

        def body(self, *rest):
            """A message."""
            self.decoded += 1
            super().body(*rest)

    link = Offline("rt-link").encoded("newlink", {"ifname": "v7"})
    decoder = Counting(SPECS)
    root = explained({"send": asks(0, link * 10)}, trace_steps.Explainer(decoder, 3))["send"]
    sends = trace_tree.named([root], "netlink_unicast")[0]
    equal((len(sends.messages), sends.messages[-1]["followed"], len(sends.facts["sent"])), (3, 7, 10), "messages")
    equal(decoder.decoded, 10, "messages that were decoded")


def overrun(**more):
    """A message that is lost for the socket of port 7: each namespace can have one."""
    return Made("netlink_overrun", proto=0, owner=7, rcvbuf=1, rmem=2, qlen=3, **more)


def overruns():
    """a full queue: what its reader is told, and how many messages were lost, of this socket only"""
    flags = {name: 1 << number for number, name in enumerate(re.findall(
        r"NETLINK_F_(\w+),", (KERNEL / "net/netlink/af_netlink.h").read_text(encoding="utf-8")))}
    congested = 1 << int(re.search(r"#define NETLINK_S_CONGESTED\s+(\w+)", (
        KERNEL / "net/netlink/af_netlink.c").read_text(encoding="utf-8"))[1], 0)
    quiet, others = flags["RECV_NO_ENOBUFS"], sum(flags.values()) - flags["RECV_NO_ENOBUFS"]
    trees = explained({
        "first": overrun(sk=0x10, netns=1, options=others, state=0),
        "second": overrun(sk=0x10, netns=1, options=0, state=congested),
        "quiet": overrun(sk=0x20, netns=2, options=quiet, state=0),
        "old kernel": overrun(sk=0x20, netns=2),
        "read": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-105, proto=0, sk=0x10, own=7)),
        "read again": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-105, proto=0, sk=0x10,
                                                     own=7)),
        "new": Made("__x64_sys_bind", Made("netlink_insert", returned=0, proto=0, sk=0x20, portid=9)),
        "read of new": Made("__x64_sys_recvmsg", Made("netlink_recvmsg", returned=-105, proto=0, sk=0x20)),
    })
    for name, text in (("first", "lost, and its reader is told ENOBUFS"),
                       ("second", "lost, and its reader is told no more: it was when"),
                       ("quiet", "lost, and its reader is not told: it has set NETLINK_NO_ENOBUFS"),
                       ("old kernel", "this message is lost")):
        if text not in trees[name].step or name == "old kernel" and "reader" in trees[name].step:
            raise Failure(f"{name}: {trees[name].step}")
    for name, text in (("read", "and 2 messages were lost in this trace"),
                       ("read again", "full, and messages were lost"),
                       ("read of new", "portid 9 was full, and messages were lost")):
        if text not in trees[name].calls[0].step:
            raise Failure(f"{name}: {trees[name].calls[0].step}")


class Types:
    """What functions return, where all of them return an int but these."""

    KINDS = {"skb_queue_tail": "void", "netlink_net_capable": "bool", "ns_capable": "bool",
             "genl_rs_charge": None, "other_module_doit": None, "fib_get_table": "pointer"}

    def learn(self, names):
        """All are known."""

    def returns(self, name):
        """The type of a function."""
        return self.KINDS.get(name, "int")


def made_up(text):
    """A tree of calls: what a line is indented by is what it is called by; a number is what it
    returned, what follows a colon is an event, and what follows a tilde is in an interrupt.
    """
    stack = []
    for line in text.strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, value = line.strip().partition(" = ")
        one = trace_tree.Call(name.removeprefix("~"), event=": " in name)
        one.level = int(name.startswith("~"))
        if value:
            one.returned = int(value) & (1 << 64) - 1
        words = name.split()
        if words[0] == "ack":
            # What netlink_ack() sends: the error is in its message.
            one.name, inner = "netlink_ack", trace_tree.Call("__netlink_sendskb")
            inner.messages = [{"error": int(words[1]), "name": "NLMSG_ERROR", "attributes": []}]
            one.calls = [inner]
        elif words[0] == "sent":
            one.name = "__netlink_sendskb"
            one.messages = [{"error": int(words[1]), "name": "NLMSG_DONE", "attributes": []}]
        elif words[1:] and not one.event:
            one.name, one.fields, one.args = words[0], {"handler": words[1]}, {"cap": words[1]}
        del stack[depth:]
        if stack:
            stack[-1].calls.append(one)
        stack.append(one)
    return stack[0]


# What was seen, and what may be said: who made each of the errors, or who may have.
MAKERS = (
    ("the last one that returned it", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -3
    inet_rtm_delroute = -3
      fib_get_table = 0
      fib_table_delete = -3
      skb_queue_tail
  ack -3""", ["ESRCH was made by fib_table_delete(), called by inet_rtm_delroute()"]),
    ("a Rust doit, of which no tracepoint was recorded", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit _RNvNtCs_4echo = -22
      __nla_parse = 0
  ack -22""", ["EINVAL was made in genl_family_rcv_msg_doit() or in the handler, whose return was not "
               "recorded"]),
    ("a Rust doit that has called a function which failed as well", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit _RNvNtCs_4echo = -22
      __nla_parse = 0
      __nla_validate = -22
  ack -22""", ["EINVAL was made in genl_family_rcv_msg_doit() or in the handler, whose return was not "
               "recorded; __nla_validate() has returned the same before"]),
    ("a C doit whose return was not recorded", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit wg_set_device_doit = -22
      __nla_parse = 0
      wg_set_device_doit
  ack -22""", ["EINVAL was made in genl_family_rcv_msg_doit() or in wg_set_device_doit(), whose return was "
               "not recorded"]),
    ("attributes that no handler has seen", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit wg_set_device_doit = -22
      __nla_parse = -22
  ack -22""", ["EINVAL was made by __nla_parse(), called by genl_family_rcv_msg_doit()"]),
    ("a Rust doit, by its tracepoint", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit _RNvNtCs_4echo = -22
      __nla_parse = 0
      genl_do_enter: family=nlpeer cmd=1 portid=7 seq=1
      nla_put = -90
      genl_do_exit: family=nlpeer cmd=1 portid=7 seq=1 result=-22
  ack -22""", ["EINVAL was made by the handler of nlpeer for command 1, called by genl_family_rcv_msg_doit()"]),
    ("what a Rust doit has called", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit _RNvNtCs_4echo = -22
      genl_do_enter: family=nlpeer cmd=1 portid=7 seq=1
      __nla_parse = -22
      genl_do_exit: family=nlpeer cmd=1 portid=7 seq=1 result=-22
  ack -22""", ["EINVAL was made by __nla_parse(), called by genl_family_rcv_msg_doit()"]),
    ("not what a Rust doit has coped with", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_doit _RNvNtCs_4echo = -22
      genl_do_enter: family=nlpeer cmd=1 portid=7 seq=1
      __nla_parse = -22
      genl_do_exit: family=nlpeer cmd=1 portid=7 seq=1 result=0
      post_doit = -22
  ack -22""", ["EINVAL was made by post_doit(), called by genl_family_rcv_msg_doit()"]),
    ("an error before it, which was tolerated or not", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      __nla_parse = -22
      do_setlink
  ack -22""", ["EINVAL was made in rtnl_setlink() or in do_setlink(), whose return was not recorded; "
               "__nla_parse() has returned the same before"]),
    ("one that returns nothing makes no error", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      __nla_parse = -22
      skb_queue_tail
  ack -22""", ["EINVAL was made by __nla_parse(), called by rtnl_setlink()"]),
    ("one that was tolerated, since others were called behind it", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      __nla_parse = -22
      ns_capable
      do_setlink = 0
  ack -22""", ["EINVAL was made in rtnl_setlink(), or before by __nla_parse(), which returned the same"]),
    ("what an interrupt has called meanwhile is none of it", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      __nla_parse = -22
      ~handle_softirqs
        ~ip_rcv = -22
  ack -22""", ["EINVAL was made by __nla_parse(), called by rtnl_setlink()"]),
    ("an error that a process has sent", """
netlink_sendmsg = 36
  netlink_unicast = 36
    netlink_attachskb
    sent -22""", [None]),
    ("a right that was asked for, and not the one that was asked for before", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -1
    rtnl_setlink = -1
      netlink_net_capable = 0
        ns_capable = 0
          cap_capable 12 = -1
      do_setlink = 0
        cap_capable 33 = -1
  ack -1""", ["EPERM was made by rtnl_setlink(), called by rtnetlink_rcv_msg()"]),
    ("what failed in a function that did not", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      do_setlink = 0
        __nla_parse = -22
  ack -22""", ["EINVAL was made by rtnl_setlink(), called by rtnetlink_rcv_msg()"]),
    ("what failed in a function of which that is not known", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    rtnl_setlink = -22
      do_setlink
        __nla_parse = -22
  ack -22""", ["EINVAL was made in rtnl_setlink() or in do_setlink(), whose return was not recorded"]),
    ("the message before has failed as this one", """
netlink_rcv_skb = 0
  crypto_user_rcv_msg = -22
  ack -22
  crypto_user_rcv_msg
  ack -22""", ["EINVAL was made by crypto_user_rcv_msg(), called by netlink_rcv_skb()",
               "EINVAL was made in netlink_rcv_skb() or in crypto_user_rcv_msg(), whose return was not "
               "recorded"]),
    ("a batch, which is answered at its end", """
nfnetlink_rcv_skb_batch
  nf_tables_newtable = -17
    nft_table_lookup = -17
  nf_tables_newchain = -2
  nf_tables_newrule = -17
  ack -17
  ack -2
  ack -17""", ["EEXIST was made by nft_table_lookup(), called by nf_tables_newtable()",
               "ENOENT was made by nf_tables_newchain(), called by nfnetlink_rcv_skb_batch()",
               "EEXIST was made by nf_tables_newrule(), called by nfnetlink_rcv_skb_batch()"]),
    ("a batch of which not all is known", """
nfnetlink_rcv_skb_batch
  nf_tables_newtable
  nf_tables_newrule = -17
  ack -17
  ack -17""", [None, None]),
    ("a handler that is not shown", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -22
    __nla_parse = 0
  ack -22""", ["EINVAL was made in rtnetlink_rcv_msg() or in a handler that is not shown, whose return was "
               "not recorded"]),
    ("the right that rtnetlink itself asks for", """
netlink_rcv_skb = 0
  rtnetlink_rcv_msg = -1
    netlink_net_capable = 0
  ack -1""", ["EPERM was made by rtnetlink_rcv_msg(), called by netlink_rcv_skb()"]),
    ("a dump that does not begin", """
netlink_rcv_skb = 0
  genl_rcv_msg = -22
    genl_family_rcv_msg_dumpit = -22
      __netlink_dump_start = -22
        genl_start = -22
          __nla_parse = 0
  ack -22""", ["EINVAL was made in genl_start() or in a handler that is not shown, whose return was not "
               "recorded"]),
    ("the end of a dump", """
netlink_dump = 0
  rtnl_dumpit = -2
    inet_dump_fib = -2
      fib_get_table = 0
  sent -2""", ["ENOENT was made by inet_dump_fib(), called by rtnl_dumpit()"]),
    ("the end of a dump whose handler is not shown", """
netlink_dump = 0
  genl_dumpit = -2
  sent -2""", ["ENOENT was made in genl_dumpit() or in a handler that is not shown, whose return was not "
               "recorded"]),
    ("the end of a dump in Rust", """
netlink_dump = 0
  genl_dumpit = -2
    genl_dump_buffer: family=nlpeer cmd=2 portid=7 seq=1 objects=0 bytes=0 result=-2 done
  sent -2""", ["ENOENT was made by the handler of nlpeer for command 2, called by genl_dumpit()"]),
    ("a register that nobody has written", """
netlink_rcv_skb = 0
  genl_rcv_msg = -95
    genl_family_rcv_msg_doit other_module_doit = -95
      other_module_doit = -95
        genl_rs_charge = -1
  ack -95""", ["EOPNOTSUPP was made by other_module_doit(), called by genl_family_rcv_msg_doit()"]),
)


def makers():
    """who made an error: never one that did not, and who else may have is said"""
    for name, text, want in MAKERS:
        root = made_up(text)
        trace_why.Why(Types(), trace_why.Source([str(KERNEL / "include/net")])).explain([(1, root)])
        got = []
        for one in root.walk():
            for message in one.messages:
                words = message["why"][0]
                if "a right that" in name:
                    # linux/capability.h: CAP_NET_ADMIN is 12
                    equal(message["why"][1], "the check was cap_capable(CAP_NET_ADMIN)", name)
                got.append(None if words.startswith("next: ") else words)
                # What is for machines says the same.
                equal(message.get("made_by") is not None, " was made by " in words, f"{name}: made_by")
                equal(message.get("or_by") is not None, " was made in " in words, f"{name}: or_by")
        equal(got, want, name)
        marked = [one for one in root.walk() if one.made and not one.name.startswith("cap_")]
        equal({trace_why.title(one) for one in marked},
              {re.search(r"made (?:by|in) (the handler of \w+ for command \d+|\w+\(\))", words)[1]
               for words in got if words}, f"{name}: marked")
        for one in root.walk():
            if one.name == "genl_rs_charge":
                equal((one.value, one.error), ("", 0), "what a void function has left")


# What was refused, by whom, what was said of it, and what is to be looked at: for each question that
# an error leaves. The numbers of errors are those of asm-generic/errno.h.
ADVICE = (
    ("the bound of a policy", -34, "policy_maker", {"offset": "24 (mtu)",
                                                    "policy": [("type", "u32"), ("min", 68), ("max", 1500)]},
     "the policy of mtu is u32 from 68 to 1500"),
    ("an unknown attribute", -22, "__nla_parse", {"msg": "Unknown attribute type", "offset": "24 (new)"},
     "this kernel does not know new: is it older than the program?"),
    ("a missing attribute", -22, "rtnl_newlink", {"missing type": "2 (data)"},
     "RTM_NEWLINK lacks the attribute data: add it"),
    ("a right", -1, "rtnetlink_rcv_msg", {}, "run it as root of the user namespace"),
    ("a namespace", -19, "rtnl_setlink", {}, "no such interface in this network namespace"),
    ("a family by its name", -2, "ctrl_getfamily", {}, "no family has this name in this network namespace"),
    ("a family by its id", -2, "genl_rcv_msg", {}, "no family has this id"),
    ("something that is not there", -3, "inet_rtm_delroute", {}, "what RTM_NEWLINK names is not there"),
    ("a program that is newer", -95, "rtnetlink_rcv_msg", {}, "nothing in this kernel handles RTM_NEWLINK"),
    ("a value", -22, "rtnl_newlink", {"offset": "24 (mtu)"}, "the value of mtu in RTM_NEWLINK"),
    ("nothing is said of it", -22, "rtnl_newlink", {}, "rtnl_newlink() in the source of the kernel"),
)
# A system call that fails itself, with what it has called, and what is to be looked at.
FAILED_CALLS = (
    ("a port that is taken", ("netlink_bind", "netlink_insert"), -98, "the port is taken"),
    ("a queue that is full", ("netlink_recvmsg",), -105, "read faster, or ask for a larger SO_RCVBUF"),
    ("a reader that is not there", ("netlink_sendmsg", "netlink_unicast"), -111, "nobody has this port"),
    ("a protocol that is not there", ("netlink_create",), -93, "no such protocol: is its module there?"),
    ("a right", ("netlink_setsockopt",), -1, "needs a right that the process has not"),
)


def advice():
    """what to look at next, for each kind of refusal, and for calls that fail themselves"""
    why = trace_why.Why(Types(), trace_why.Source(["/nowhere"]))
    for name, error, maker, said, want in ADVICE:
        root = made_up(f"netlink_rcv_skb = 0\n  {maker} = {error}\n  ack {error}")
        message = root.calls[1].calls[0].messages[0]
        message.update(about="RTM_NEWLINK", attributes=list(said.items()))
        why.explain([(1, root)])
        told = [line for line in message["why"] if line.startswith("next: ")]
        equal([line[:6 + len(want)] for line in told], [f"next: {want}"], name)
        # What holds without knowing who has made it is said then as well.
        if not re.match("a family|nothing", name):
            equal(why.advice(-error, said, message, None)[:len(want)], want, f"{name}, by somebody")
    for name, calls, error, want in FAILED_CALLS:
        root = made_up("\n".join(["__x64_sys_call"] + [f"{'  ' * depth}{one} = {error}"
                                                       for depth, one in enumerate(calls, 1)]))
        why.explain([(1, root)])
        told = [call.facts["next"] for call in root.walk() if "next" in call.facts]
        equal([want in line for line in told], [True], f"{name}: {told}")


def btf_of(kinds):
    """Types as the kernel has them (Documentation/bpf/btf.rst): ints of so many bytes, with a sign or
    not, and a function that returns each.
    """
    types, strings = b"", b"\0"

    def text(name):
        nonlocal strings
        strings += name.encode() + b"\0"
        return len(strings) - len(name) - 1

    for at, (size, sign) in enumerate(kinds):
        types += struct.pack("=IIII", text(f"type{at}"), 1 << 24, size, sign << 24 | size * 8)
    for at in range(len(kinds)):
        # BTF_KIND_FUNC_PROTO with the type that it returns, and BTF_KIND_FUNC.
        types += struct.pack("=III", 0, 13 << 24, at + 1)
        types += struct.pack("=III", text(f"function{at}"), 12 << 24, len(kinds) + 2 * at + 1)
    return struct.pack("=HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings)) + \
        types + strings


def values():
    """what functions return: errors are as long as an int, and nothing else is one"""
    # Size and sign, what the register holds, and what is to be said of it.
    cases = (((4, 1), 0xffffffea, "-22 EINVAL", 22), ((4, 1), 0xdeadbeef00000007, "7", 0),
             ((8, 1), (1 << 64) - 105, "-105 ENOBUFS", 105), ((1, 1), 0x12ff, "-1", 0),
             ((2, 1), 0xffff, "-1", 0), ((1, 0), 0xaaff, "255", 0), ((2, 0), 0x1ffff, "65535", 0),
             ((4, 0), 0xffffffff, str((1 << 32) - 1), 0))
    part = trace_btf.Part(btf_of([kind for kind, *_ in cases]), None)
    known = part.functions(part.texts({f"function{at}" for at in range(len(cases))}))
    for at, (kind, register, words, error) in enumerate(cases):
        equal(trace_why.value_of(register, known[f"function{at}"]), (words, error), str(kind))
    # Of a function that is not described: an error where that around it has returned the same.
    for around, want in ((0, ("", 0)), (22, ("", 0)), (1, ("-1 EPERM", 1))):
        equal(trace_why.value_of((1 << 64) - 1, None, around), want, f"around it {around}")


class Runs:
    """Runs of the tracer in a folder that looks like tracefs, each with the id of a process that is
    there until its run has ended.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.processes = {}
        for name in ("instances", "run"):
            (self.folder / name).mkdir()
        self.write("available_tracers", "function_graph nop")
        self.write("set_graph_function", "their_function\n")
        self.write("dynamic_events", "")

    def write(self, name, text):
        """A file."""
        (self.folder / name).write_text(text, encoding="ascii")

    def graph(self):
        """The functions that the function graph tracer begins at; none is all."""
        return (self.folder / "set_graph_function").read_text(encoding="ascii").split()

    def as_process(self, name):
        """What os.getpid() says in a run."""
        if name not in self.processes:
            # pylint: disable=consider-using-with
            self.processes[name] = subprocess.Popen(["sleep", "1000"])
        return mock.patch("os.getpid", return_value=self.processes[name].pid)

    def begin(self, name):
        """A run begins."""
        with self.as_process(name):
            tracer = trace_record.Tracer()
            try:
                tracer.begin()
            except trace_record.TraceError:
                tracer.__exit__(None)
                self.gone(name)
                raise
            return tracer

    def gone(self, name):
        """The process of a run ends."""
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def end(self, name, tracer):
        """A run ends; what it says then."""
        with self.as_process(name):
            tracer.__exit__(None)
        self.gone(name)
        return tracer.warnings

    def refused(self, call, *args):
        """Whether a run cannot be beside another one."""
        try:
            call(*args)
        except trace_record.TraceError as error:
            return "only one can run at a time" in str(error)
        return False


def left_behind():
    """what a run has changed is put back, whatever cannot be, and by the last of several"""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(folder)
        with mock.patch.multiple(trace_record, TRACEFS=(folder,), RUN=f"{folder}/run"):
            try:
                two_runs(runs)
                busy(runs)
            finally:
                for name in list(runs.processes):
                    runs.gone(name)


def two_runs(runs):
    """Two runs at a time, and two of which one is deep."""
    first, second = runs.begin("first"), runs.begin("second")
    equal(runs.graph(), [], "functions while both run")
    runs.end("first", first)
    equal(runs.graph(), [], "functions while one runs")
    with runs.as_process("third"):
        equal(runs.refused(trace_record.Tracer.deepen, second), True, "--deep beside another")
    runs.end("second", second)
    equal(runs.graph(), ["their_function"], "functions at the end")
    # One that is deep keeps others out, which would not see their system calls.
    deep = runs.begin("deep")
    with runs.as_process("deep"):
        deep.deepen()
    equal(runs.graph(), ["netlink_*"], "functions while one is deep")
    equal(runs.refused(runs.begin, "other"), True, "another beside --deep")
    equal(runs.graph(), ["netlink_*"], "functions when another was refused")
    runs.end("deep", deep)
    equal(runs.graph(), ["their_function"], "functions at the end")
    # And what a killed one has left is put back by the next.
    runs.begin("killed")
    runs.gone("killed")
    equal(runs.graph(), [], "functions after a kill")
    runs.end("next", runs.begin("next"))
    equal(runs.graph(), ["their_function"], "functions at the end")
    equal(list((runs.folder / "instances").iterdir()) + list((runs.folder / "run").iterdir()), [], "left")


def busy(runs):
    """Somebody has a file of the instance open, and so it stays."""
    tracer = runs.begin("read")
    held = Path(tracer.path)
    # No folder with a file in it can be removed, as no instance of which a file is open.
    (held / "trace").touch()
    probe = f"{tracer.group}/nlp_insert"
    runs.write("dynamic_events", f"p:{probe} netlink_insert\n")
    said = runs.end("read", tracer)
    equal([f"{held} is still there" in text for text in said], [True], "what is said")
    equal(runs.graph(), ["their_function"], "functions at the end")
    equal((runs.folder / "dynamic_events").read_text(encoding="ascii").splitlines()[-1], f"-:{probe}",
          "the probe is removed")
    equal((held / "tracing_on").read_text(encoding="ascii"), "0", "the instance is off")
    again = runs.begin("while it is read")
    equal([f"{held} is still there" in text for text in again.warnings], [True], "what the next run says")
    runs.end("while it is read", again)
    for file in held.iterdir():
        file.unlink()
    runs.end("last", runs.begin("last"))
    equal((held.exists(), list((runs.folder / "instances").iterdir())), (False, []), "left")


def bounded():
    """--all: 20,000 tasks that come and go: what is known of them is forgotten, and all is counted"""
    parser_, shown = trace.Parser(), []
    holders = trace_live.Holders()
    # To look at the files of everybody so often takes minutes.
    holders.find = lambda link: ("", "")
    explainer = trace_steps.Explainer(Decoder(SPECS), 3, holders)
    counter = trace_summary.Counter(lambda pid: f"{parser_.tasks[pid]} {parser_.threads.get(pid, pid)}")
    live = trace_live.Live(parser_, explainer.explain, lambda root: root.shows_netlink(), shown.extend, counter)
    request = Offline("rt-link").encoded("getlink", {"ifname": "no"})
    answer = error_message(request, -19, [])
    part = request[:6] + struct.pack("=H", 2) + request[8:]
    # Numbers that no process has here: more than the kernel gives.
    first, count, largest = 1 << 23, 20000, {}
    # So that fewer tables of each kind are more than are kept.
    limits = {(trace_steps, "REMEMBERED"): 500, (trace_summary, "ROWS"): 500, (trace_summary, "ASKED"): 500}
    before = {(module, name): getattr(module, name) for module, name in limits}
    for (module, name), value in limits.items():
        setattr(module, name, value)
    for pid in range(first, first + count):
        if pid % 10 == 0:
            lines = asks(0, request, Made("netlink_insert", sk=hex(pid), portid=pid), Made(
                "rtnetlink_rcv_msg", Made("__netlink_sendskb", proto=0, owner=pid, data=answer))).lines(pid)
        elif pid % 10 == 1:
            # A dump whose end is not seen, and a queue that is full.
            lines = Made("netlink_recvmsg", Made("__netlink_sendskb", proto=0, owner=pid, data=part),
                         Made("netlink_overrun", sk=hex(pid), proto=0, owner=pid, inode=pid)).lines(pid)
        elif pid % 10 == 2:
            # A number that is not closed.
            lines = Made("__x64_sys_socket", Made("__sys_socket", Made(
                "netlink_create", args="protocol=0"), returned=3)).lines(pid)
        else:
            # A thread that asks nothing, one that sleeps for ever, and lines that are lost.
            lines = [*Made("netlink_sendmsg").lines(pid, ends=False)]
            lines += [f"{lines[0].rsplit('|', 1)[0]}|  /* {text} */" for text in (
                f"task_newtask: pid={pid + count} comm=cmd clone_flags=10000",
                "nlp_entry: (netlink_bind+0x0/0x99) portid=7",
                f"sched_switch: prev_pid={pid} prev_state=S next_pid=0")]
        live.feed("\n".join(lines) + "\n")
        if pid % 500 == 0:
            live.turn()
            sizes = {"stacks": parser_.stacks, "open": parser_.open, "tasks": parser_.tasks,
                     "threads": parser_.threads, "pending": parser_.pending, "asleep": parser_.asleep,
                     "roots": parser_.roots, "ended": parser_.ended, "known": live.known,
                     "kept": live.kept, "ports": explainer.ports, "sockets": explainer.sockets,
                     "counts": explainer.counts, "lost": explainer.lost, "holders": holders.known,
                     "rows": counter.table, "asked": counter.asked}
            for name, table in sizes.items():
                largest[name] = max(largest.get(name, 0), len(table))
    live.turn(last=True)
    for (module, name), value in before.items():
        setattr(module, name, value)
    # What is kept, and what comes between two looks at it.
    most = {"kept": 1000, "ports": 500, "sockets": 500, "counts": 500, "lost": 500, "holders": 1000,
            "rows": 510, "asked": 500}
    equal({name: size for name, size in largest.items() if size > most.get(name, 7500)}, {}, "tables")
    equal({name for name, size in largest.items() if not size}, set(), "tables that nothing was in")
    # Whatever was forgotten, all was counted.
    rows = [row for row in counter.rows() if row.command == "RTM_GETLINK"]
    equal((sum(row.requests for row in rows), sum(row.sent for row in rows),
           sum(row.errors.get("ENODEV", 0) for row in rows)),
          (count // 10, count // 10 * len(request), count // 10), "counts")
    equal(live.count, count, "trees")
    # What is kept has its names still.
    equal({root.pid for _, root in live.kept} - set(parser_.tasks), set(), "names of those that are kept")


def holds():
    """who has a socket: not who had it before, and not nobody when somebody has it again"""
    holders = trace_live.Holders()
    ours, others = socket.socketpair()
    with socket.socket() as sock:
        inode = os.fstat(sock.fileno()).st_ino
        name = Path(f"/proc/{os.getpid()}/comm").read_text(encoding="ascii").strip()
        equal(holders(inode), f" of {name}, process {os.getpid()},", "a socket of ours")
        with subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[sock.fileno()]) as child:
            child.stdout.readline()
            # On its way from one process to another, nobody has it.
            socket.send_fds(ours, [b"x"], [sock.fileno()])
            sock.close()
            if f", process {child.pid}," not in holders(inode):
                raise Failure(f"{holders(inode)!r}: {child.pid} has it")
            child.communicate()
        equal(holders(inode), "", "a socket that nobody has")
        again = socket.recv_fds(others, 1, 1)[1][0]
        equal(holders(inode), "", "soon after, without a search")
        holders.AGAIN = 0
        equal(holders(inode), f" of {name}, process {os.getpid()},", "a socket that was found late")
        os.close(again)


def reached():
    """notifications: flags, and whom they reached, here or in another network namespace, or nobody"""
    # NLM_F_CREATE and NLM_F_EXCL, and a struct rtmsg.
    route = struct.pack("=IHHII", 28, 24, 0x600, 0, 0) + bytes(12)

    def told(*inner):
        return Made("netlink_broadcast_filtered", Made("do_one_broadcast", *inner), proto=0, portid=0,
                    group=7, netns=1, data=route)

    def queued(port, netns, name="__netlink_sendskb"):
        return Made(name, sk=hex(port), proto=0, owner=port, netns=netns)

    trees = explained({"nobody": told(), "here": told(queued(7, 1), queued(9, 1)),
                       # A listener with NETLINK_LISTEN_ALL_NSID.
                       "there": told(queued(7, 1), queued(8, 2)),
                       "full": told(queued(7, 1, "netlink_overrun"), queued(9, 1))})
    for name, want in (("nobody", "no member was there to see it"), ("here", "reached portid 7, 9"),
                       ("there", "reached portid 7, 8 in another network namespace"),
                       ("full", "reached portid 9; lost for portid 7, whose queue is full")):
        equal(trees[name].step, f"{len(route)} bytes to group 7 (RTNLGRP_IPV4_ROUTE) of NETLINK_ROUTE: {want}", name)
        message = trees[name].messages[0]
        equal((message["name"], message["flags"]), ("RTM_NEWROUTE", "EXCL|CREATE"), name)


# A thread that waits for what another one sends: lines of the tracer, with its clock.
WAITS = """
 100.100000 |  python3-8  |              |  __x64_sys_recvfrom() {
 100.100100 |  python3-8  |              |    netlink_recvmsg() {
 100.100300 |  python3-8  |              |  /* sched_switch: prev_pid=8 prev_state=S next_pid=0 */
 100.400000 |  python3-7  |              |  __x64_sys_sendto() {
 100.400100 |  python3-7  |              |    netlink_sendmsg() {
 100.400200 |  python3-7  |              |  /* sched_waking: comm=python3 pid=8 */
 100.400400 |  python3-7  |  300.000 us  |    }
 100.400500 |  python3-7  |  500.000 us  |  }
 100.400700 |  python3-8  |  300600.0 us |    }
 100.400800 |  python3-8  |  300800.0 us |  }
"""


def times():
    """--times and JSON: when each call began, how long it took, and where it slept"""
    parser_ = trace.Parser()
    roots, tasks = parser_.parse(WAITS)
    explainer = trace_steps.Explainer(Decoder(SPECS))
    explainer.explain(roots)
    reads, sends = (root.json() for _, root in roots)
    equal((reads["start"], reads["time"], sends["start"], sends["time"]),
          (100.1, "300800.0 us", 100.4, "500.000 us"), "JSON")
    equal(reads["calls"][0]["sleeps"], [{"begin": 100.1003, "end": 100.4007, "woken_by": ("python3", 7),
                                         "in": "netlink_sendmsg"}], "sleep in JSON")
    sys.argv[1:] = ["--times", "--", "true"]
    args, out = trace.arguments(), io.StringIO()
    del sys.argv[1:]
    trace.render(roots, tasks, args, out, {8: 7})
    got = [re.match(r" *([\d.]+) +(?:([\d.]+) us)? +((?:~ )?\w+)", line) for line in out.getvalue().splitlines()
           if line[:1] != "["]
    equal([(float(one[1]), one[2], one[3]) for one in got],
          [(0.0, "300800.0", "recvfrom"), (0.0001, "300600.0", "netlink_recvmsg"), (0.0003, None, "~ sleeps"),
           (0.3, "500.000", "sendto"), (0.3001, "300.000", "netlink_sendmsg"),
           (0.3007, None, "~ recvfrom")], "text")
    equal(re.search("~ recvfrom.*", out.getvalue())[0],
          "~ recvfrom() goes on in netlink_recvmsg, after 300.400 ms: woken by python3, process 7, in "
          "netlink_sendmsg", "who woke it")


class Files(trace.Tracer):
    """A tracer whose tracefs is a folder with these files."""

    def __init__(self, files):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.root = self.path = self.folder.name
        os.mkdir(f"{self.path}/per_cpu")
        for name, text in files.items():
            os.makedirs(os.path.dirname(f"{self.path}/{name}"), exist_ok=True)
            trace.write(f"{self.path}/{name}", text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


def modules():
    """modules that come while it is recorded: what of them was not, one by one"""
    enabled = "events/{}/genl_do_enter/enable"
    functions = ("netlink_sendmsg", "netlink_diag_dump [netlink_diag]", "unix_diag_dump [unix_diag]",
                 "unix_diag_handler_dump [unix_diag]", "sk_diag_fill [unix_diag]", "dummy_xmit [dummy]",
                 "wg_get_device_dumpit [wireguard]", "wg_genl_mcast_peer_unknown [wireguard]")
    with Files({"available_filter_functions": "\n".join(functions) + "\n",
                enabled.format("nlpeer"): "0\n", enabled.format("board"): "1\n"}) as tracer:
        tracer.named = {"wireguard"}
        tracer.came({"unix_diag", "dummy", "nlpeer", "board", "wireguard"})
        equal(tracer.warnings, [f"the module {text}: trace again to see them" for text in (
            "nlpeer was loaded while this was recorded, without its tracepoints",
            "unix_diag was loaded while this was recorded, without its functions (unix_diag_dump() and 1 more)",
            # The word of the command has those with nl in their name recorded.
            "wireguard was loaded while this was recorded, without its functions (wg_get_device_dumpit())")],
              "what is said")


def ended():
    """--all: Ctrl-C ends it, and all that was recorded until then is taken in"""
    text = "".join(f"line {number}\n" for number in range(500000))
    fed, begin = [], time.monotonic()

    def feed(part):
        if not fed:
            os.kill(os.getpid(), signal.SIGINT)
        fed.append(part)

    before = signal.getsignal(signal.SIGINT)
    with Files({"trace_pipe": text}) as tracer:
        equal(tracer.watch([], feed, 60), 0, "lost events")
        equal(trace.read(f"{tracer.path}/tracing_on"), "0", "tracing")
        equal(tracer.began, True, "whether it had begun")
    equal("".join(fed) == text, True, "all of it")
    if len(fed) < 2 or time.monotonic() - begin > 30:
        raise Failure(f"{len(fed)} parts in {time.monotonic() - begin:.1f} s")
    equal(signal.getsignal(signal.SIGINT), before, "who is told of Ctrl-C now")
    # It ends by itself: with its time, and with its process.
    with subprocess.Popen(["true"]) as process:
        process.wait()
        for pids, timeout in (([], 0.2), ([process.pid], 60)):
            begin = time.monotonic()
            with Files({"trace_pipe": ""}) as tracer:
                equal(tracer.watch(pids, lambda part: None, timeout), 0, "lost events")
            if not min(timeout, 1) % 1 <= time.monotonic() - begin < 30:
                raise Failure(f"{pids}: it took {time.monotonic() - begin:.1f} s")
    # The second one does not wait.
    with Files({"trace_pipe": text}) as tracer:
        fed.clear()
        try:
            tracer.watch([], lambda part: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)], 60)
        except KeyboardInterrupt:
            return
    raise Failure("a second Ctrl-C has no effect")


class Interrupted(Files):
    """A tracer that is interrupted at a certain step, with the rest of tracefs missing."""

    step = None

    def __init__(self, _):
        super().__init__({})

    def at(self, step):
        """One step."""
        if step == self.step:
            raise KeyboardInterrupt

    def prepare(self, *_, **__):
        self.at("prepare")

    def start(self, pids):
        self.at("start")

    def stop(self):
        self.at("stop")
        return "", 0


def interrupts():
    """Ctrl-C says whether the command had begun"""
    begun, not_begun = "not all of what was recorded is shown", "before the command had begun"
    real, sys.argv[1:] = trace.Tracer, ["--", "true"]
    trace.Tracer = Interrupted
    try:
        for step, want in (("prepare", not_begun), ("start", not_begun), ("stop", begun)):
            Interrupted.step = step
            with contextlib.redirect_stderr(io.StringIO()) as said:
                equal(trace.main(), 130, f"status: {step}")
            if not said.getvalue().rstrip().endswith(want):
                raise Failure(f"{step}: {said.getvalue()}")
    finally:
        trace.Tracer = real
        del sys.argv[1:]
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)


def struct_size(family, const):
    """The size of a struct, by YNL."""
    return YnlFamily.struct_size(family, const.name) if isinstance(family, YnlFamily) else \
        YnlFamily.struct_size(type("", (), {"consts": family.consts, "struct_size":
                                            lambda self, name: YnlFamily.struct_size(self, name)})(),
                              const.name)


def main():
    """Runs the tests."""
    # What a shell starts in the background does not know of Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tests = [strace, done, ynl_decodes, ynl_encodes, next_hops, batch, headers, errors, diag,
             diag_addresses, kinds, blame, generic_blame, counted, unknown, broken, every_spec,
             handlers, source, filters, counted_all, once, bounded, makers, values, holds, modules,
             ended, interrupts, reached, times, unseen, advice, left_behind, overruns]
    return ktap_run([(test.__doc__, test) for test in tests])


if __name__ == "__main__":
    sys.exit(main())
