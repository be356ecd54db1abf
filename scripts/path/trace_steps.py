# SPDX-License-Identifier: GPL-2.0
"""
What the steps of a trace mean for the request that was traced: one line for
each function, from its arguments and from the messages, which trace_decode.py
makes of bytes. Nothing here traces; scripts/path/trace.py does.
"""

import itertools
import re
import socket
import string

import trace_names
from trace_names import error_name, group_name, option_name, protocol_name

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
    "netlink_sendmsg": ("copies {len} bytes into a buffer; from portid {own} on {proto_name}{failed}",
                        "copies the message into a buffer"),
    "netlink_alloc_large_skb": ("a buffer for {size} bytes", "a buffer"),
    "security_netlink_send": ("", "the security modules may object"),
    "netlink_unicast": ("{len} bytes to portid {portid}{kernel_socket} of {proto_name}{reply}",
                        "to the socket of one portid"),
    "netlink_broadcast_filtered": ("{len} bytes to group {group_name} of {proto_name}: {reached}",
                                   "to those members of a group that may see it"),
    "netlink_attachskb": ("", "is there room in the receive buffer? charges the bytes to it"),
    "__netlink_sendskb": ("{len} bytes into the receive queue of portid {owner}{elsewhere}; "
                          "{qlen} waiting before it", "into the receive queue of the socket"),
    "netlink_overrun": ("the receive queue of portid {owner}{holder}{elsewhere} is full ({rmem} of {rcvbuf} "
                        "bytes, {qlen} waiting): this message is lost{told}",
                        "the receive queue is full: this message is lost"),
    "do_one_broadcast": ("", "is this socket a member, may it see this namespace, is there room?"),
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
    "genl_family_rcv_msg_doit": ("calls doit of {family_name}{handler_name}", "calls doit of the family"),
    "genl_family_rcv_msg_dumpit": ("starts a dump of {family_name}{handler_name}",
                                   "starts a dump of the family"),
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
    "netlink_recvmsg": ("{read}", "takes the first buffer of the queue"),
    "netlink_dump": ("fills the next buffer of a dump", "fills the next buffer of a dump"),
    "__netlink_dump_start": ("", "the request wants a dump: the first buffer at once, the others in recvmsg()"),
    "rtnetlink_rcv_msg": ("message type {type} ({message}): which handler?",
                          "which handler has this message type?"),
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
    "__sys_setsockopt": ("{option}", "an option of the socket"),
    "nfnetlink_rcv_skb_batch": ("", "a batch: all of its messages, or none"),
    "cap_capable": ("has the process CAP_{capability}?", "has the process this capability?"),
    "xfrm_user_rcv_msg": ("", "which handler has this message type?"),
    "skb_recv_datagram": ("", "the first buffer of sk_receive_queue, or wait"),
    "__skb_recv_datagram": ("", "the first buffer of sk_receive_queue, or wait"),
    "__skb_try_recv_datagram": ("", "is there one?"),
    "__skb_wait_for_more_packets": ("", "the queue is empty: sleeps until sock_def_readable()"),
}


# Bits of struct netlink_sock in the kernel: of its flags, and of its state.
NO_ENOBUFS, CONGESTED = 3, 0
# So many sockets, dumps and queues are remembered; they may have gone unseen.
REMEMBERED = 10000


def base(name):
    """The name without what the compiler adds to it."""
    return re.sub(r"\.(isra|constprop|part|cold).*", "", name)


def number(text):
    """An argument as the tracer prints it."""
    try:
        return int(text, 0)
    except (TypeError, ValueError):
        return text


def trim(table, most):
    """Forgets the oldest of a table, so that no more than so many are left."""
    for key in list(itertools.islice(table, max(0, len(table) - most))):
        del table[key]


class Facts(dict):
    """The values that a sentence may name."""

    def __missing__(self, key):
        raise KeyError(key)


class Explainer:
    """Puts a sentence to each call, and the messages to those that carried them."""

    def __init__(self, decoder, limit=3, holder=lambda inode: ""):
        self.decoder = decoder
        # Who has a socket, by its inode.
        self.holder = holder
        # How many messages of a buffer are decoded; the others are counted.
        self.limit = limit
        # Sockets of the command by their address: their portid; and by number: their protocol.
        self.ports = {}
        self.sockets = {}
        # Of each dump: how many messages it had. Of each socket: what it has lost.
        self.counts = {}
        self.lost = {}

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
            self.opened(root)
            self.call(root, Facts() if proto is None else Facts(proto=proto))
        for table in (self.ports, self.sockets, self.counts, self.lost):
            trim(table, REMEMBERED)

    def opened(self, root):
        """Which numbers are netlink sockets of a process, for system calls that do not say so."""
        title = root.title()
        if title == "socket()":
            made = next((call for call in root.walk() if base(call.name) == "netlink_create"), None)
            for call in root.walk():
                if made and base(call.name) == "__sys_socket" and call.returned is not None:
                    self.sockets[root.pid, call.returned & 0xffffffff] = number(made.args.get("protocol"))
        elif title == "close()":
            self.sockets.pop((root.pid, number(root.args.get("fd"))), None)

    def learn(self, root):
        """Families and sockets, from all that was recorded: a name may come late."""
        for call in root.walk():
            if "id" in call.fields and "name" in call.fields:
                self.decoder.names[call.fields["id"]] = call.fields["name"]

    def call(self, call, facts, parent=None):
        """One call and all below it."""
        name = base(call.name)
        own = {key: number(text) for key, text in call.args.items()}
        if call.returned is not None and name in ("netlink_sendmsg", "netlink_recvmsg"):
            call.fields["ret"] = (call.returned & 0xffffffff) - (call.returned >> 31 & 1) * (1 << 32)
        own.update(call.fields)
        inherited = {key: facts[key] for key in ("proto", "own", "type", "from", "message", "home",
                                                 "types") if key in facts}
        facts = Facts({**inherited, **own})
        if facts.get("sk") in self.ports:
            facts.setdefault("owner", self.ports[facts["sk"]])
            if name in ("netlink_sendmsg", "netlink_recvmsg"):
                facts["own"] = facts["owner"]
        if "proto" in facts:
            facts["proto_name"] = protocol_name(facts["proto"])
        if isinstance(facts.get("protocol"), int):
            facts["protocol_name"] = protocol_name(facts["protocol"])
        self.carried(name, call, facts, parent)
        self.derive(name, facts, call)
        call.facts = facts
        call.step = sentence(name, facts)
        for inner in call.calls:
            if inner.name.endswith("_rcv_msg") and facts.get("types"):
                # The function that is called for each message of a buffer.
                facts["type"], facts["message"] = facts["types"].pop(0)
            self.call(inner, facts, call)
        self.reached(name, call, facts)

    def carried(self, name, call, facts, parent):
        """The messages that went by here."""
        if call.data is None or call.messages or "len" not in facts:
            return
        if name == "netlink_unicast" and facts.get("portid") != 0:
            # It is shown where it comes into the queue of its reader.
            return
        if name == "__netlink_sendskb" and parent and base(parent.name) in (
                "netlink_broadcast_deliver", "do_one_broadcast", "netlink_broadcast_filtered"):
            return
        whole = [] if name == "netlink_unicast" else None
        call.messages = self.decoder.messages(facts.get("proto"), call.data, facts["len"], self.limit, whole)
        if whole is not None:
            facts["types"] = [(message["type"], message["name"]) for message in whole]
            # All of them, to be counted: without what is in them.
            kept = ("type", "name", "family", "length", "seq", "unseen")
            facts["sent"] = [{key: message[key] for key in kept if key in message} for message in whole]
        for message in call.messages:
            key = facts.get("proto"), facts.get("owner"), message.get("seq")
            if "MULTI" in message.get("flags", ""):
                self.counts[key] = self.counts.get(key, 0) + message.get("skipped", 0) + \
                    message.get("followed", 0) + (message["type"] != trace_names.NLMSG_DONE)
            if message["type"] == trace_names.NLMSG_DONE:
                message["total"] = self.counts.pop(key, 0)

    def reached(self, name, call, facts):
        """Whom a message to a group reached: known when all below it is."""
        if name != "netlink_broadcast_filtered":
            return
        home = facts.get("netns")
        got, full = [], []
        for inner in call.walk():
            said = base(inner.name)
            if said in ("__netlink_sendskb", "netlink_overrun"):
                title = str(inner.facts.get("owner", "?"))
                if home and inner.facts.get("netns", home) != home:
                    title += " in another network namespace"
                (got if said == "__netlink_sendskb" else full).append(title)
        words = []
        if got:
            words.append(f"reached portid {', '.join(got[:8])}" +
                         (f" and {len(got) - 8} more" if len(got) > 8 else ""))
        if full:
            words.append(f"lost for portid {', '.join(full[:8])}, whose queue is full")
        facts["reached"] = "; ".join(words) or "no member was there to see it"
        call.step = sentence(name, facts)

    def derive(self, name, facts, call):
        """Words that need more than one value."""
        facts["kernel_socket"] = ", the kernel's socket" if facts.get("portid") == 0 else ""
        facts["reply"] = facts["failed"] = facts["handler_name"] = facts["elsewhere"] = ""
        if "handler" in facts:
            facts["handler"] = str(facts["handler"]).split("+")[0]
            # Names of Rust are mangled, and say nothing here.
            facts["handler_name"] = f": {facts['handler']}()" \
                if re.fullmatch(r"[a-z]\w*", facts["handler"]) else ""
        if name == "netlink_broadcast_filtered" and "group" in facts:
            facts["group_name"] = self.decoder.group(facts.get("proto"), facts["group"])
            facts["home"], facts["reached"] = facts.get("netns"), ""
        if name in ("__netlink_sendskb", "netlink_overrun") and facts.get("home") and \
                facts.get("netns", facts["home"]) != facts["home"]:
            facts["elsewhere"] = " (in another network namespace)"
        if name == "netlink_overrun" and "owner" in facts:
            facts["holder"] = self.holder(facts["inode"]) if "inode" in facts else ""
            facts["told"] = told(facts)
            # Not by the port: each namespace has its own.
            self.lost[facts.get("sk")] = self.lost.get(facts.get("sk"), 0) + 1
        if name == "netlink_insert":
            # A new socket may be where an old one was.
            self.lost.pop(facts.get("sk"), None)
        if name in ("netlink_recvmsg", "netlink_sendmsg") and isinstance(facts.get("ret"), int):
            self.transferred(name, facts)
        if name == "__sys_setsockopt" and "optname" in facts:
            self.option(facts, call)
        if name == "cap_capable" and isinstance(facts.get("cap"), int):
            # pylint: disable=import-outside-toplevel
            from trace_why import CAPABILITIES
            facts["capability"] = CAPABILITIES[facts["cap"]] if facts["cap"] < len(CAPABILITIES) else \
                facts["cap"]
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
                f"the request is refused: {error} {error_name(error)}"

    def transferred(self, name, facts):
        """What a system call has read or sent, or why it has not."""
        ret, own = facts["ret"], facts.get("own", "?")
        error = f"{ret} {error_name(ret)}" if ret < 0 else ""
        if name == "netlink_sendmsg":
            facts["failed"] = f"; it fails: {error}" if error else ""
            return
        facts["peek"] = bool(facts.get("flags", 0) & socket.MSG_PEEK)
        if not error:
            takes = "looks at, and leaves," if facts["peek"] else "takes"
            facts["read"] = f"{takes} the first buffer of the queue of portid {own}: {ret} bytes"
            return
        lost = self.lost.pop(facts.get("sk"), 0) if error_name(ret) == "ENOBUFS" else 0
        why = {"ENOBUFS": f"the queue of portid {own} was full, and " +
                          (f"{lost} messages were lost in this trace" if lost else "messages were lost"),
               "EAGAIN": f"nothing is in the queue of portid {own}, and the reader does not want to "
                         "wait, or not any longer"}
        for one in ("ERESTARTSYS", "EINTR", "ERESTARTNOINTR"):
            why[one] = "a signal ended the wait"
        facts["read"] = f"reads nothing: {error}" + \
            (f": {why[error_name(ret)]}" if error_name(ret) in why else "")

    def option(self, facts, call):
        """An option of a socket, by name."""
        level, option = option_name(facts.get("level"), facts["optname"])
        proto = facts.get("proto", self.sockets.get((call.pid, facts.get("fd"))))
        value = facts.get("value")
        facts["option"] = f"{level}, {option}"
        if level == "SOL_NETLINK" and facts["optname"] in trace_names.MEMBERSHIPS and value:
            facts["option"] += f": group {group_name(proto, value, self.decoder.groups)}"
        elif isinstance(value, int) and facts.get("optlen", 4) == 4:
            facts["option"] += f": {value}"
        if (call.pid, facts.get("fd")) in self.sockets:
            # The name of no function below says that this is netlink.
            facts["netlink"] = True


def told(facts):
    """What the reader of a full queue is told: that it has lost something, once until the queue was
    empty, and only if it has not asked to be spared.
    """
    if not isinstance(facts.get("options"), int) or not isinstance(facts.get("state"), int):
        return ""
    if facts["options"] >> NO_ENOBUFS & 1:
        return ", and its reader is not told: it has set NETLINK_NO_ENOBUFS"
    if facts["state"] >> CONGESTED & 1:
        return ", and its reader is told no more: it was when the queue became full, which was not " \
            "empty since"
    return ", and its reader is told ENOBUFS"


def sentence(name, facts):
    """What a function does, with its values or without."""
    full, plain = STEPS.get(name, ("", ""))
    if full:
        try:
            return string.Formatter().vformat(full, (), facts)
        except (KeyError, ValueError):
            pass
    return plain
