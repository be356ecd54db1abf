# SPDX-License-Identifier: GPL-2.0
"""
The names that the kernel's headers give to numbers of netlink, and the layout of
messages that no spec describes. All of it is user space ABI, so it holds for
each kernel; decode_test.py compares it with the headers.
"""

import errno
import socket

PROTOCOLS = {0: "NETLINK_ROUTE", 2: "NETLINK_USERSOCK", 3: "NETLINK_FIREWALL",
             4: "NETLINK_SOCK_DIAG", 5: "NETLINK_NFLOG", 6: "NETLINK_XFRM", 7: "NETLINK_SELINUX",
             8: "NETLINK_ISCSI", 9: "NETLINK_AUDIT", 10: "NETLINK_FIB_LOOKUP",
             11: "NETLINK_CONNECTOR", 12: "NETLINK_NETFILTER", 14: "NETLINK_DNRTMSG",
             15: "NETLINK_KOBJECT_UEVENT", 16: "NETLINK_GENERIC", 18: "NETLINK_SCSITRANSPORT",
             19: "NETLINK_ECRYPTFS", 20: "NETLINK_RDMA", 21: "NETLINK_CRYPTO", 22: "NETLINK_SMC"}
ROUTE, SOCK_DIAG, XFRM, NETFILTER, UEVENT, GENERIC = 0, 4, 6, 12, 15, 16

# The types below 16 are those of netlink itself.
CONTROL = {1: "NLMSG_NOOP", 2: "NLMSG_ERROR", 3: "NLMSG_DONE", 4: "NLMSG_OVERRUN"}
NLMSG_ERROR, NLMSG_DONE, NLMSG_MIN_TYPE = 2, 3, 16

# The lower bits of the flags mean the same in each message, the upper ones do not.
FLAGS = {0x1: "REQUEST", 0x2: "MULTI", 0x4: "ACK", 0x8: "ECHO", 0x10: "DUMP_INTR",
         0x20: "DUMP_FILTERED"}
KIND_FLAGS = {"get": {0x100: "ROOT", 0x200: "MATCH", 0x400: "ATOMIC"},
              "new": {0x100: "REPLACE", 0x200: "EXCL", 0x400: "CREATE", 0x800: "APPEND"},
              "del": {0x100: "NONREC", 0x200: "BULK"},
              "ack": {0x100: "CAPPED", 0x200: "ACK_TLVS"}}
EXTACK = {1: "msg", 2: "offset", 3: "cookie", 4: "policy", 5: "missing type", 6: "missing nest"}

# What a policy says (enum netlink_policy_type_attr, enum netlink_attribute_type).
POLICY = {1: "type", 2: "min", 3: "max", 4: "min", 5: "max", 6: "min-len", 7: "max-len",
          10: "bits", 12: "mask"}
POLICY_SIGNED = (2, 3)
POLICY_TYPES = ("invalid", "flag", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "binary",
                "string", "nul-string", "nested", "nested-array", "bitfield32", "sint", "uint")

# Options of netlink sockets, and those of all sockets that programs of netlink set.
SOL_SOCKET, SOL_NETLINK = 1, 270
OPTIONS = {SOL_NETLINK: {1: "NETLINK_ADD_MEMBERSHIP", 2: "NETLINK_DROP_MEMBERSHIP",
                         3: "NETLINK_PKTINFO", 4: "NETLINK_BROADCAST_ERROR", 5: "NETLINK_NO_ENOBUFS",
                         6: "NETLINK_RX_RING", 7: "NETLINK_TX_RING", 8: "NETLINK_LISTEN_ALL_NSID",
                         9: "NETLINK_LIST_MEMBERSHIPS", 10: "NETLINK_CAP_ACK", 11: "NETLINK_EXT_ACK",
                         12: "NETLINK_GET_STRICT_CHK"},
           SOL_SOCKET: {2: "SO_REUSEADDR", 7: "SO_SNDBUF", 8: "SO_RCVBUF", 16: "SO_PASSCRED",
                        18: "SO_RCVLOWAT", 20: "SO_RCVTIMEO", 21: "SO_SNDTIMEO",
                        26: "SO_ATTACH_FILTER", 27: "SO_DETACH_FILTER", 29: "SO_TIMESTAMP",
                        32: "SO_SNDBUFFORCE", 33: "SO_RCVBUFFORCE", 36: "SO_MARK",
                        50: "SO_ATTACH_BPF", 66: "SO_RCVTIMEO_NEW"}}
MEMBERSHIPS = (1, 2)

# Errors that Python does not know, or calls by another name than the kernel does.
ERRORS = {**errno.errorcode, 11: "EAGAIN", 35: "EDEADLK", 95: "EOPNOTSUPP", 133: "EHWPOISON", 512: "ERESTARTSYS",
          513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 515: "ENOIOCTLCMD",
          516: "ERESTART_RESTARTBLOCK", 517: "EPROBE_DEFER", 518: "EOPENSTALE", 524: "ENOTSUPP",
          529: "EIOCBQUEUED"}
# A read that has nothing to read is no failure.
QUIET = ("EAGAIN", "EINTR", "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND",
         "ERESTART_RESTARTBLOCK")

# The messages of rtnetlink come in fours: new, del, get, set.
VERBS = ("NEW", "DEL", "GET", "SET")
ROUTE_MESSAGES = {16: "LINK", 20: "ADDR", 24: "ROUTE", 28: "NEIGH", 32: "RULE", 36: "QDISC",
                  40: "TCLASS", 44: "TFILTER", 48: "ACTION", 52: "PREFIX", 56: "MULTICAST",
                  60: "ANYCAST", 64: "NEIGHTBL", 68: "NDUSEROPT", 72: "ADDRLABEL", 76: "DCB",
                  80: "NETCONF", 84: "MDB", 88: "NSID", 92: "STATS", 96: "CACHEREPORT",
                  100: "CHAIN", 104: "NEXTHOP", 108: "LINKPROP", 112: "VLAN",
                  116: "NEXTHOPBUCKET", 120: "TUNNEL"}
ROUTE_SPECS = {16: "rt-link", 20: "rt-addr", 24: "rt-route", 28: "rt-neigh", 32: "rt-rule",
               36: "tc", 40: "tc", 44: "tc", 56: "rt-addr", 60: "rt-addr", 64: "rt-neigh",
               92: "rt-link", 100: "tc", 108: "rt-link"}

ROUTE_GROUPS = dict(enumerate((
    "LINK NOTIFY NEIGH TC IPV4_IFADDR IPV4_MROUTE IPV4_ROUTE IPV4_RULE IPV6_IFADDR IPV6_MROUTE "
    "IPV6_ROUTE IPV6_IFINFO DECnet_IFADDR NOP2 DECnet_ROUTE DECnet_RULE NOP4 IPV6_PREFIX "
    "IPV6_RULE ND_USEROPT PHONET_IFADDR PHONET_ROUTE DCB IPV4_NETCONF IPV6_NETCONF MDB "
    "MPLS_ROUTE NSID MPLS_NETCONF IPV4_MROUTE_R IPV6_MROUTE_R NEXTHOP BRVLAN MCTP_IFADDR TUNNEL "
    "STATS IPV4_MCADDR IPV6_MCADDR IPV6_ACADDR").split(), 1))
NETFILTER_GROUPS = dict(enumerate((
    "CONNTRACK_NEW CONNTRACK_UPDATE CONNTRACK_DESTROY CONNTRACK_EXP_NEW CONNTRACK_EXP_UPDATE "
    "CONNTRACK_EXP_DESTROY NFTABLES ACCT_QUOTA NFTRACE").split(), 1))

SUBSYSTEMS = dict(enumerate(("NONE CTNETLINK CTNETLINK_EXP QUEUE ULOG OSF IPSET ACCT "
                             "CTNETLINK_TIMEOUT CTHELPER NFTABLES NFT_COMPAT HOOK").split()))
NETFILTER_SPECS = {0: "nftables", 1: "conntrack", 10: "nftables"}
CONNTRACK = dict(enumerate(("NEW GET DELETE GET_CTRZERO GET_STATS_CPU GET_STATS GET_DYING "
                            "GET_UNCONFIRMED").split()))

XFRM_MESSAGES = dict(enumerate((
    "NEWSA DELSA GETSA NEWPOLICY DELPOLICY GETPOLICY ALLOCSPI ACQUIRE EXPIRE UPDPOLICY UPDSA "
    "POLEXPIRE FLUSHSA FLUSHPOLICY NEWAE GETAE REPORT MIGRATE NEWSADINFO GETSADINFO NEWSPDINFO "
    "GETSPDINFO MAPPING SETDEFAULT GETDEFAULT").split(), 16))

DIAG_MESSAGES = {18: "TCPDIAG_GETSOCK", 19: "DCCPDIAG_GETSOCK", 20: "SOCK_DIAG_BY_FAMILY",
                 21: "SOCK_DESTROY"}


def struct(name, *members):
    """A struct, as a spec defines it; a member is its name, its type, and more."""
    return {"name": name, "type": "struct",
            "members": [{"name": member[0], "type": member[1], **(member[2] if member[2:] else {})}
                        for member in members]}


def numbered(name, first, names, kinds):
    """A set of attributes, numbered from the first on; what has no kind is bytes."""
    return {"name": name, "attributes": [
        {"name": one, "value": number, **kinds.get(one, {"type": "binary"})}
        for number, one in enumerate(names.split(), first)]}


BIG = {"byte-order": "big-endian"}
U8, U32, TEXT = {"type": "u8"}, {"type": "u32"}, {"type": "string"}
ADDRESS = {"len": 16, "display-hint": "diag-address"}
COOKIE = {"len": 8, "display-hint": "hex"}

# sock_diag has no spec: include/uapi/linux/{inet,netlink,unix,packet}_diag.h.
DIAG = {
    "name": "sock-diag", "protocol": "netlink-raw", "protonum": 4,
    "definitions": [
        struct("sockid", ("sport", "u16", BIG), ("dport", "u16", BIG), ("src", "binary", ADDRESS),
               ("dst", "binary", ADDRESS), ("if", "u32"), ("cookie", "binary", COOKIE)),
        struct("inet-request", ("family", "u8"), ("protocol", "u8"), ("ext", "u8"),
               ("pad", "pad", {"len": 1}), ("states", "u32", {"display-hint": "hex"}),
               ("id", "binary", {"struct": "sockid", "len": 48})),
        struct("inet-reply", ("family", "u8"), ("state", "u8"), ("timer", "u8"), ("retrans", "u8"),
               ("id", "binary", {"struct": "sockid", "len": 48}), ("expires", "u32"),
               ("rqueue", "u32"), ("wqueue", "u32"), ("uid", "u32"), ("inode", "u32")),
        struct("netlink-request", ("family", "u8"), ("protocol", "u8"), ("pad", "pad", {"len": 2}),
               ("ino", "u32"), ("show", "u32", {"display-hint": "hex"}),
               ("cookie", "binary", COOKIE)),
        struct("netlink-reply", ("family", "u8"), ("type", "u8"), ("protocol", "u8"),
               ("state", "u8"), ("portid", "u32"), ("dst-portid", "u32"), ("dst-group", "u32"),
               ("ino", "u32"), ("cookie", "binary", COOKIE)),
        struct("unix-request", ("family", "u8"), ("protocol", "u8"), ("pad", "pad", {"len": 2}),
               ("states", "u32", {"display-hint": "hex"}), ("ino", "u32"),
               ("show", "u32", {"display-hint": "hex"}), ("cookie", "binary", COOKIE)),
        struct("unix-reply", ("family", "u8"), ("type", "u8"), ("state", "u8"),
               ("pad", "pad", {"len": 1}), ("ino", "u32"), ("cookie", "binary", COOKIE)),
        struct("packet-request", ("family", "u8"), ("protocol", "u8"), ("pad", "pad", {"len": 2}),
               ("ino", "u32"), ("show", "u32", {"display-hint": "hex"}),
               ("cookie", "binary", COOKIE)),
        struct("packet-reply", ("family", "u8"), ("type", "u8"), ("num", "u16"), ("ino", "u32"),
               ("cookie", "binary", COOKIE)),
        struct("meminfo", ("rmem", "u32"), ("wmem", "u32"), ("fmem", "u32"), ("tmem", "u32")),
    ],
    "attribute-sets": [
        numbered("inet-request", 1, "bytecode sk-bpf-storages protocol", {"protocol": U32}),
        numbered("inet-reply", 1, "meminfo info vegasinfo cong tos tclass skmeminfo shutdown "
                 "dctcpinfo protocol skv6only locals peers pad mark bbrinfo class-id md5sig "
                 "ulp-info sk-bpf-storages cgroup-id sockopt",
                 {"meminfo": {"type": "binary", "struct": "meminfo"}, "cong": TEXT, "tos": U8,
                  "tclass": U8, "shutdown": U8, "protocol": U8, "skv6only": U8, "mark": U32,
                  "class-id": U32, "cgroup-id": {"type": "u64"},
                  "skmeminfo": {"type": "binary", "sub-type": "u32"}}),
        numbered("netlink-request", 0, "none", {}),
        numbered("netlink-reply", 0, "meminfo groups rx-ring tx-ring flags",
                 {"meminfo": {"type": "binary", "sub-type": "u32"}, "flags": U32}),
        numbered("unix-request", 0, "none", {}),
        numbered("unix-reply", 0, "name vfs peer icons rqlen meminfo shutdown uid",
                 {"name": TEXT, "peer": U32, "icons": {"type": "binary", "sub-type": "u32"},
                  "meminfo": {"type": "binary", "sub-type": "u32"}, "shutdown": U8, "uid": U32}),
        numbered("packet-request", 0, "none", {}),
        numbered("packet-reply", 0, "info mclist rx-ring tx-ring fanout uid meminfo filter",
                 {"fanout": U32, "uid": U32, "meminfo": {"type": "binary", "sub-type": "u32"}}),
    ],
    "operations": {"list": []},
}
DIAG_FAMILIES = {socket.AF_INET: "inet", 10: "inet", 16: "netlink", 1: "unix", 17: "packet"}


def error_name(number):
    """The name of an error; the number may have any sign."""
    return ERRORS.get(abs(number), f"error {abs(number)}")


def protocol_name(number):
    """As in linux/netlink.h."""
    return PROTOCOLS.get(number, f"protocol {number}")


def group_name(protocol, number, generic=None):
    """The name of a group of multicast; generic has those of families."""
    if protocol == ROUTE and number in ROUTE_GROUPS:
        return f"{number} (RTNLGRP_{ROUTE_GROUPS[number]})"
    if protocol == NETFILTER and number in NETFILTER_GROUPS:
        return f"{number} (NFNLGRP_{NETFILTER_GROUPS[number]})"
    if protocol == UEVENT and number in (1, 2):
        return f"{number} ({'the kernel' if number == 1 else 'udev'})"
    if protocol == GENERIC and generic and number in generic:
        return f"{number} ({generic[number]})"
    return str(number)


def option_name(level, option):
    """The name of an option of a socket, and of its level."""
    levels = {SOL_SOCKET: "SOL_SOCKET", SOL_NETLINK: "SOL_NETLINK"}
    return (levels.get(level, f"level {level}"),
            OPTIONS.get(level, {}).get(option, f"option {option}"))
