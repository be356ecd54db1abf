#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
The paths of netlink, 16 rows, then and now: how each went in Linux 4.20, and
what ftrace sees of it on the running kernel. Makes one page of all rows.

The rows of the boot come from the trace that the kernel's command line began
(--append prints what that needs); the others are made by a command each.
"""

import argparse
import io
import os
import re
import socket
import struct
import subprocess
import sys

import trace
import trace_btf
import trace_decode
import trace_html
import trace_spec
import trace_steps
import trace_why

# What the kernel has to be started with for the rows of the boot.
BOOT_ROOTS = ("netlink_proto_init", "genl_init", "nfnetlink_init", "sock_diag_init")
BOOT_FUNCTIONS = BOOT_ROOTS + (
    "proto_register", "sock_register", "register_pernet_subsys", "netlink_net_init",
    "netlink_tap_init_net", "rtnetlink_init", "rtnetlink_net_init", "__netlink_kernel_create",
    "__netlink_create", "netlink_insert", "rtnl_register_many", "genl_register_family",
    "genl_validate_ops", "genl_pernet_init", "nfnetlink_net_init", "diag_net_init")
BOOT = ("trace_buf_size=1M ftrace=function_graph ftrace_graph_filter=" + ",".join(BOOT_ROOTS) +
        " ftrace_filter=" + ",".join(BOOT_FUNCTIONS))

GENERIC, NETFILTER, UEVENT = 16, 12, 15
REQUEST, ACK, DUMP = 1, 4, 0x300

# Functions of 4.20 that are not seen today: why, and the line of today's kernel
# that shows it ('make lint' looks for these lines in the source).
GONE = {
    "netlink_unicast_kernel": ("inlined in netlink_unicast()", "net/netlink/af_netlink.c",
                               "static int netlink_unicast_kernel(struct sock *sk, struct sk_buff *skb,"),
    "netlink_getsockbyportid": ("inlined in netlink_unicast()", "net/netlink/af_netlink.c",
                                "static struct sock *netlink_getsockbyportid(struct sock *ssk, u32 portid)"),
    "netlink_lookup": ("inlined; __netlink_lookup() is seen", "net/netlink/af_netlink.c",
                       "static struct sock *netlink_lookup(struct net *net, int protocol, u32 portid)"),
    "netlink_sendskb": ("not on this path: __netlink_sendskb() is called instead",
                        "net/netlink/af_netlink.c", "len = __netlink_sendskb(sk, skb);"),
    "netlink_kernel_create": ("inline; __netlink_kernel_create() is seen", "include/linux/netlink.h",
                              "netlink_kernel_create(struct net *net, int unit, struct netlink_kernel_cfg *cfg)"),
    "netlink_dump_start": ("inline; __netlink_dump_start() is seen", "include/linux/netlink.h",
                           "return __netlink_dump_start(ssk, skb, nlh, control);"),
    "nlmsg_unicast": ("inline; netlink_unicast() is seen", "include/net/netlink.h",
                      "static inline int nlmsg_unicast(struct sock *sk, struct sk_buff *skb, u32 portid)"),
    "nlmsg_new": ("inline", "include/net/netlink.h",
                  "static inline struct sk_buff *nlmsg_new(size_t payload, gfp_t flags)"),
    "genlmsg_unicast": ("inline", "include/net/genetlink.h",
                        "static inline int genlmsg_unicast(struct net *net, struct sk_buff *skb, u32 portid)"),
    "genlmsg_reply": ("inline", "include/net/genetlink.h",
                      "static inline int genlmsg_reply(struct sk_buff *skb, struct genl_info *info)"),
    "genl_family_rcv_msg": ("inlined in genl_rcv_msg()", "net/netlink/genetlink.c",
                            "static int genl_family_rcv_msg(const struct genl_family *family,"),
    "idr_find": ("lib/ is not traced", "net/netlink/genetlink.c", "return idr_find(&genl_fam_idr, id);"),
    "idr_alloc": ("idr_alloc_cyclic() today; lib/ is not traced", "net/netlink/genetlink.c",
                  "family->id = idr_alloc_cyclic(&genl_fam_idr, family,"),
    "rtnl_get_link": ("inlined in rtnetlink_rcv_msg()", "net/core/rtnetlink.c",
                      "static struct rtnl_link *rtnl_get_link(int protocol, int msgtype)"),
    "rtnl_register": ("rtnl_register_many(), which takes a table", "net/core/rtnetlink.c",
                      "rtnl_register_many(rtnetlink_rtnl_msg_handlers);"),
    "uevent_net_init": ("lib/ is not traced", "lib/kobject_uevent.c",
                        "static int uevent_net_init(struct net *net)"),
    "__skb_try_recv_from_queue": ("inlined in __skb_try_recv_datagram()", "net/core/datagram.c",
                                  "struct sk_buff *__skb_try_recv_from_queue(struct sk_buff_head *queue,"),
    "cb->dump": ("the callback, seen by its own name", "net/netlink/af_netlink.c",
                 "nlk->dump_done_errno = cb->dump(skb, cb);"),
    "sk->sk_data_ready": ("the callback: sock_def_readable() is seen", "net/netlink/af_netlink.c",
                          "sk->sk_data_ready(sk);"),
    "nlk->netlink_rcv": ("the callback: genl_rcv() or rtnetlink_rcv()", "net/netlink/af_netlink.c",
                         "nlk->netlink_rcv(skb);"),
}


# What there is to say of each path, in three sentences. "11 ours" goes the way of 11.
SENTENCES = {
    "1": "netlink_proto_init() runs once, when the kernel starts. It registers the address family "
         "AF_NETLINK, and makes nl_table, which has an entry for each protocol. Then it starts "
         "rtnetlink, the first that gets a socket in it.",
    "2": "Each network namespace has a kernel socket of NETLINK_ROUTE. rtnetlink_net_init() makes "
         "it, and it enters nl_table[0] with portid 0. What is sent to portid 0 goes to its input "
         "function, rtnetlink_rcv().",
    "3": "A program asks for a socket of the family AF_NETLINK, and names a protocol. "
         "netlink_create() finds the entry of that protocol in nl_table, and loads a module where "
         "there is none. The socket has an empty receive queue, and no portid yet.",
    "4": "The program asks for a portid, or leaves that to the kernel. The kernel takes the "
         "process id if it is free, else a random number. With its portid the socket enters "
         "nl_table, where others find it.",
    "5": "The kernel copies the message into a buffer, and the security modules may object. "
         "netlink_unicast() looks for the receiver in nl_table, where portid 0 is the kernel's "
         "own socket. Its input function runs at once, in the process that sends.",
    "6": "ip asks for one interface, with RTM_GETLINK. rtnetlink_rcv_msg() finds the handler by "
         "the type of the message, and calls rtnl_getlink(). The answer is in the queue of ip "
         "before its system call returns.",
    "7": "A request with the flag DUMP asks for all interfaces. The first buffer is filled at "
         "once, and the next one each time that the program reads. NLMSG_DONE ends the dump.",
    "8": "The program takes the first buffer of its receive queue. ip and genl look at it first, "
         "to learn how long it is. Where the queue is empty the reader sleeps, until "
         "sock_def_readable() wakes it.",
    "9": "genl_init() registers the family nlctrl, which tells about all others. "
         "genl_pernet_init() makes a kernel socket of NETLINK_GENERIC in each network namespace. "
         "From then on portid 0 of nl_table[16] is the way to all families.",
    "10": "A module calls genl_register_family() when it is loaded. Its operations are checked, "
          "and the family gets a number in genl_fam_idr. The group of nlctrl is told, once for "
          "the family and once for each of its groups.",
    "11": "The type of the message is the number of a family, which genl_rcv_msg() finds in "
          "genl_fam_idr. The command is looked up in the family, and the attributes are held "
          "against its policy. doit of the family makes the answer, which goes to the portid that "
          "has asked.",
    "11 do": "nlpeer is asked to send a number back. Its doit is Rust, which ftrace cannot show "
             "by name: two tracepoints stand for its begin and its end. The answer leaves through "
             "the functions that a family in C calls.",
    "11 dump": "600 objects do not fit one buffer. The kernel asks nlpeer for the first ones at "
               "once, and for more each time that a buffer is read. Between these calls the dump "
               "remembers where it was.",
    "12": "First nlctrl says which number the family TASKSTATS has. Then TASKSTATS_CMD_GET asks "
          "about one process, and taskstats_user_cmd() answers. Each family of generic netlink is "
          "asked in these two steps.",
    "13": "The upper byte of a type of NETLINK_NETFILTER says which subsystem is meant. "
          "nfnetlink_rcv_msg() finds it, and calls its handler. Here nf_tables is asked for the "
          "number of its generation.",
    "14": "Nobody asks for this: the kernel tells. A module is inserted, and its name goes as a "
          "text to all members of group 1. The reader has joined that group with bind().",
    "15": "ss asks sock_diag for the sockets of netlink. sock_diag_rcv_msg() finds who knows the "
          "sockets of that address family, and netlink_diag_dump() goes through nl_table. The "
          "answer is a dump, as that of ip link.",
    "16": "genl-ctrl-list is a program of libnl, a library for netlink. It asks nlctrl for a dump "
          "of all families. In the kernel this goes through the functions of the paths before.",
}


def message(kind, flags, body=b"", seq=1):
    """A message of netlink."""
    return struct.pack("=IHHII", 16 + len(body), kind, flags, seq, 0) + body


def attribute(kind, payload):
    """An attribute, padded."""
    return struct.pack("=HH", 4 + len(payload), kind) + payload + b"\0" * (-len(payload) % 4)


def generic(command, *attributes, version=1):
    """What stands behind the header in generic netlink."""
    return struct.pack("=BBH", command, version, 0) + b"".join(attributes)


def open_socket(protocol, portid=0, groups=0):
    """A bound socket, whose reader does not wait for ever."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((portid, groups))
    sock.settimeout(20)
    return sock


def answers(sock):
    """The messages up to the acknowledgement or the end of a dump: (type, body)."""
    out = []
    while True:
        data, at = sock.recv(65536), 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            out.append((kind, data[at + 16:at + length]))
            at += trace_decode.aligned(length)
        if out[-1][0] in (trace_decode.NLMSG_ERROR, trace_decode.NLMSG_DONE):
            return out


def family_id(sock, name):
    """Asks nlctrl for the id of a family."""
    sock.send(message(16, REQUEST | ACK, generic(3, attribute(2, name.encode() + b"\0"), version=2)))
    for kind, body in answers(sock):
        if kind == 16:
            found = {number: payload for number, _, payload, _ in trace_decode.attributes(body[4:])}
            return struct.unpack("=H", found[1])[0]
    raise OSError(f"there is no family {name}")


def echo():
    """Our doit: nlpeer sends a number back."""
    sock = open_socket(GENERIC)
    sock.send(message(family_id(sock, "nlpeer"), REQUEST | ACK,
                      generic(1, attribute(1, struct.pack("=I", 42)))))
    answers(sock)


def dump():
    """Our dump: more objects than fit one buffer."""
    sock = open_socket(GENERIC)
    sock.send(message(family_id(sock, "nlpeer"), REQUEST | DUMP,
                      generic(2, attribute(1, struct.pack("=I", 600)))))
    answers(sock)


def taskstats():
    """As getdelays does it: the id from nlctrl, then TASKSTATS_CMD_GET of a process."""
    sock = open_socket(GENERIC)
    sock.send(message(family_id(sock, "TASKSTATS"), REQUEST | ACK,
                      generic(1, attribute(1, struct.pack("=I", os.getpid())))))
    answers(sock)


def netfilter():
    """nf_tables: NFT_MSG_GETGEN (subsystem 10, message 16)."""
    sock = open_socket(NETFILTER)
    sock.send(message(10 << 8 | 16, REQUEST | ACK, struct.pack("=BBH", 0, 0, 0)))
    answers(sock)


def uevent():
    """A listener receives what the kernel says when a module is inserted."""
    sock = open_socket(UEVENT, groups=1)
    subprocess.run(["modprobe", "dummy", "numdummies=0"], check=True)
    while not sock.recv(65536).startswith(b"add@/module/dummy\0"):
        pass


class Row:
    """One path: what made it, how it went in 4.20, and what was seen."""

    def __init__(self, number, title, then, roots=(), source="boot"):
        self.number = number
        self.title = title
        self.then = then.split()
        # The begin of the trees that are shown; without any, all.
        self.roots = roots
        self.source = source
        self.shown = []
        self.tasks = {}
        self.threads = {}

    def names(self):
        """What was seen, in order; an event by its first word."""
        return [trace_steps.base(call.title()).split(":")[0] for _, root in self.shown
                for call in root.walk()]

    def fates(self):
        """What has become of each function of 4.20."""
        seen = set(self.names())
        for name in self.then:
            if name in seen or f"{name}()" in seen:
                yield name, "seen", ""
            elif name in GONE:
                yield name, GONE[name][0], f"{GONE[name][1]}: {GONE[name][2]}"
            else:
                yield name, "NOT SEEN", ""


GET = ["genl", "ctrl", "get", "name", "nlctrl"]
RELOAD = ["sh", "-c", f"rmmod nlpeer; insmod {os.environ.get('NLPEER_KO', '/genl/mod/nlpeer.ko')}"]


def all_rows():
    """The rows, in the order of the walk."""
    return [
        Row("1", "The start of netlink", "netlink_proto_init proto_register sock_register rtnetlink_init",
            ("netlink_proto_init",)),
        Row("2", "The kernel's socket of NETLINK_ROUTE", "rtnetlink_net_init netlink_kernel_create "
            "__netlink_create netlink_insert rtnl_register", ("netlink_proto_init",)),
        Row("3", "socket()", "__sock_create netlink_create __netlink_create sk_alloc sock_init_data",
            ("socket()",), GET),
        Row("4", "bind()", "netlink_bind netlink_autobind netlink_insert", ("bind()",), GET),
        Row("5", "sendmsg()", "netlink_sendmsg netlink_unicast netlink_getsockbyportid netlink_lookup "
            "netlink_unicast_kernel nlk->netlink_rcv", ("sendmsg()",), GET),
        Row("6", "ip -s link ls lo: NETLINK_ROUTE, one object", "rtnetlink_rcv_msg rtnl_get_link "
            "rtnl_getlink", ("sendmsg()", "sendto()"), ["ip", "-s", "link", "ls", "lo"]),
        Row("7", "ip link: NETLINK_ROUTE, a dump", "netlink_dump_start netlink_lookup netlink_dump cb->dump "
            "rtnl_dump_ifinfo __netlink_sendskb skb_queue_tail sk->sk_data_ready",
            ("sendmsg()", "sendto()", "recvmsg()"), ["ip", "link"]),
        Row("8", "recvmsg()", "netlink_recvmsg skb_recv_datagram __skb_try_recv_from_queue",
            ("recvmsg()",), GET),
        Row("9", "The start of generic netlink", "genl_init genl_register_family register_pernet_subsys "
            "genl_pernet_init netlink_kernel_create", ("genl_init",)),
        Row("10", "A family registers: insmod nlpeer", "genl_register_family idr_alloc genl_ctrl_event",
            ("finit_module()",), RELOAD),
        Row("11", "genl ctrl get name nlctrl", "genl_rcv netlink_rcv_skb genl_rcv_msg idr_find "
            "genl_family_rcv_msg genl_get_cmd ctrl_getfamily ctrl_build_family_msg nlmsg_new genlmsg_reply "
            "genlmsg_unicast nlmsg_unicast netlink_unicast netlink_lookup netlink_sendskb skb_queue_tail",
            ("sendmsg()",), GET),
        Row("11 ours", "genl ctrl get name nlpeer", "genl_rcv genl_rcv_msg ctrl_getfamily netlink_unicast",
            ("sendmsg()",), GET[:-1] + ["nlpeer"]),
        Row("11 do", "A request to nlpeer: doit in Rust", "genl_rcv_msg genl_family_rcv_msg genlmsg_reply",
            ("sendto()", "recvfrom()"), echo),
        Row("11 dump", "A dump of nlpeer over several buffers", "netlink_dump_start netlink_dump cb->dump "
            "netlink_recvmsg", ("sendto()", "recvfrom()"), dump),
        Row("12", "TASKSTATS, as getdelays asks for it", "genl_rcv_msg ctrl_getfamily taskstats_user_cmd "
            "genlmsg_reply", ("sendto()", "recvfrom()"), taskstats),
        Row("13", "NETLINK_NETFILTER", "nfnetlink_rcv nfnetlink_rcv_msg nlmsg_unicast",
            ("sendto()", "recvfrom()"), netfilter),
        Row("14", "NETLINK_KOBJECT_UEVENT: a module is inserted", "uevent_net_init netlink_broadcast_filtered",
            ("finit_module()", "recvfrom()", "bind()"), uevent),
        Row("15", "NETLINK_SOCK_DIAG: ss -f netlink", "sock_diag_rcv sock_diag_rcv_msg netlink_dump_start "
            "netlink_dump", (), ["ss", "-f", "netlink"]),
        Row("16", "User space: libnl, genl-ctrl-list", "netlink_create netlink_bind netlink_sendmsg "
            "netlink_recvmsg", (), ["genl-ctrl-list"]),
    ]


def boot_trace():
    """The trace that the command line of the kernel began, as if of a process, or
    ''. Ends that trace.
    """
    root = next((path for path in trace.TRACEFS if os.path.exists(f"{path}/trace")), None)
    if not root or "ftrace=function_graph" not in trace.read("/proc/cmdline"):
        return ""
    out = []
    for line in trace.read(f"{root}/trace").splitlines():
        match = re.match(r"^\s*\d+\)\s*(?:[+!#*@$]\s*)?([\d.]+ us)?\s*\|(.*)$", line)
        if match:
            out.append(f"boot-1 | {match[1] or ''} |{match[2]}")
    trace.write(f"{root}/current_tracer", "nop")
    trace.write(f"{root}/set_graph_function", "")
    trace.write(f"{root}/set_ftrace_filter", "")
    return "\n".join(out)


def begins(call, roots):
    """Whether a tree belongs to a row."""
    return not roots or call.title() in roots


def fill(rows, tracer, explainer, boot, progress=lambda row: None):
    """Records what the rows need: each command once."""
    recorded = {}
    for row in sorted(rows, key=lambda row: row.source is RELOAD):
        key = row.source if isinstance(row.source, str) else \
            getattr(row.source, "__name__", None) or " ".join(row.source)
        if key not in recorded:
            progress(row)
            if key == "boot":
                text, lost, status = boot, 0, 0
            else:
                status, text, lost = tracer.record(quiet(row.source), 100)
            parser = trace.Parser()
            roots, tasks = parser.parse(text)
            explainer.explain(roots)
            recorded[key] = roots, tasks, parser.threads
            if status or lost:
                print(f"paths.py: {key}: status {status}, {lost} events lost", file=sys.stderr)
        roots, row.tasks, row.threads = recorded[key]
        row.shown = [(pid, call) for pid, call in roots
                     if call.shows_netlink() and begins(call, row.roots)]


def quiet(command):
    """A command whose output nobody wants."""
    if callable(command):
        return command
    return ["sh", "-c", 'exec "$@" > /dev/null', "sh", *command]


def new_explainer():
    """What says what the steps mean."""
    return trace_steps.Explainer(trace_decode.Decoder(trace_spec.Specs()))


# The trees of a path that are printed.
TREES = 12


def text_page(rows):
    """All rows, as text."""
    out = io.StringIO()
    args = argparse.Namespace(names=False, full=False, times=False)
    for row in rows:
        print(f"{row.number}. {row.title}\n\n  4.20:", file=out)
        for name, fate, line in row.fates():
            print(f"    {name:<26} {fate}{f'  [{line}]' if line else ''}", file=out)
        print(f"\n  {os.uname().release}:", file=out)
        if not row.shown:
            print("    not seen: " + why_not(row), file=out)
        tree = io.StringIO()
        trace.render(row.shown[:TREES], row.tasks, args, tree, row.threads)
        out.writelines(f"    {line}\n" for line in tree.getvalue().splitlines())
        if len(row.shown) > TREES:
            print(f"    ... and {len(row.shown) - TREES} more trees, which the page has", file=out)
        print(file=out)
    return out.getvalue()


def why_not(row):
    """Why a row is empty."""
    return "the kernel was not started with the options that --append prints" \
        if row.source == "boot" else "the command did not go this way"


def fates_html(row):
    """What has become of the functions of 4.20, in a few lines."""
    escape = trace_html.escape
    seen, gone = [], []
    for name, fate, line in row.fates():
        if fate == "seen":
            seen.append(f"<code>{escape(name)}</code>")
        else:
            gone.append(f"<li><code>{escape(name)}</code>: {escape(fate)}"
                        f"{' <code>' + escape(line) + '</code>' if line else ''}</li>")
    return ("<div class='fates dim'>Of the functions of Linux 4.20 on this path are seen: "
            f"{', '.join(seen) or 'none'}." +
            (f" Not seen:<ul>{''.join(gone)}</ul>" if gone else "") + "</div>")


def html_page(rows):
    """All paths, as they were recorded, as a page."""
    # What functions returned.
    trees = {id(call): (pid, call) for row in rows for pid, call in row.shown}
    trace_why.Why(trace_btf.Btf(), trace_why.Source()).explain(list(trees.values()))
    return draw([(row, trace_html.records(row.shown, row.tasks, row.threads)) for row in rows])


def draw(recorded):
    """Three sentences and a picture for each path, of what --json would have of it."""
    escape, release = trace_html.escape, os.uname().release
    recorded = [(row, calls) for row, calls in recorded if row.number in SENTENCES]
    body = ["<h1>The paths of netlink, then and now</h1>",
            f"<p>How a message of netlink goes through Linux {escape(release)}, as ftrace has seen "
            "it, and what has become of the functions that were on its way in Linux 4.20. A function "
            "that is not seen today is listed with the line of the kernel that says why.</p>",
            "<ol class='index'>"]
    body += [f"<li><a href='#p{at}'>{escape(row.number)}. {escape(row.title)}</a></li>"
             for at, (row, _) in enumerate(recorded)]
    body += ["</ol>", trace_html.legend(), trace_html.TOOLS]
    for at, (row, calls) in enumerate(recorded):
        body.append(f"<section class='path'><h2 id='p{at}'>{escape(row.number)}. "
                    f"{escape(row.title)}</h2>"
                    f"<p>{escape(SENTENCES[row.number])}</p>{fates_html(row)}")
        if calls:
            body.append(trace_html.table(trace_html.Sequence(calls), f"s{at}", f"s{at}r"))
        else:
            body.append(f"<p class='box'>Not seen: {escape(why_not(row))}.</p>")
        body.append("</section>")
    return trace_html.document("The paths of netlink, then and now", "\n".join(body), True)


def check_lines(source):
    """Whether the lines of GONE are in a kernel tree; prints where."""
    missing = 0
    for name, (_, path, line) in GONE.items():
        try:
            lines = trace.read(f"{source}/{path}").splitlines()
        except OSError as error:
            print(f"{path}: {error.strerror}")
            return 1
        at = next((number for number, text in enumerate(lines, 1) if line in text), None)
        if at is None:
            missing += 1
            print(f"{name}: {path} has no line '{line}'")
        else:
            print(f"{name}: {path}:{at}")
    return 1 if missing else 0


def main():
    """Parses the arguments and runs."""
    parser = argparse.ArgumentParser(description="The 16 paths of netlink, then and now.")
    parser.add_argument("--html", metavar="FILE", help="write the page there")
    parser.add_argument("--text", metavar="FILE", help="write the text there (default: standard output)")
    parser.add_argument("--append", action="store_true",
                        help="only print what the kernel's command line needs for the rows of the boot")
    parser.add_argument("--kernel", metavar="DIR",
                        help="only look in a kernel tree for the lines that say what was inlined")
    args = parser.parse_args()
    if args.append:
        print(BOOT)
        return 0
    if args.kernel:
        return check_lines(args.kernel)
    rows = all_rows()
    trace.end_on_signals()
    try:
        # Their functions are there only while they are.
        for module in ("netlink_diag", "nf_tables"):
            subprocess.run(["modprobe", module], check=False)
        boot = boot_trace()
        with trace.Tracer() as tracer:
            tracer.prepare()
            fill(rows, tracer, new_explainer(), boot,
                 lambda row: print(f"  {row.number}. {row.title}", file=sys.stderr, flush=True))
    except trace.TraceError as error:
        print(f"paths.py: {error}", file=sys.stderr)
        return 125
    if args.html:
        trace.deliver(args.html, html_page(rows))
    if args.text or not args.html:
        trace.deliver(args.text or "-", text_page(rows))
    empty = [row.number for row in rows if not row.shown]
    if empty:
        print("paths.py: not seen: rows " + ", ".join(empty), file=sys.stderr)
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
