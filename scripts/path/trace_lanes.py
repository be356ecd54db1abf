# SPDX-License-Identifier: GPL-2.0
"""
The lanes in which a trace is drawn, and what is asked of a call that --json has written: its
name, its times, its error.
"""

import functools
import re

import trace_names

# The lanes of the kernel, behind those of the processes.
SOCKETS, NETLINK, FAMILY, TABLES = "sockets", "netlink", "family", "tables, queues"
KERNEL = (SOCKETS, NETLINK, FAMILY, TABLES)

IN_LANE = (
    (SOCKETS, r"__sys_\w+|__sock_create|netlink_(create|bind|autobind|connect|getname|sendmsg|"
              r"recvmsg|release|[gs]etsockopt|realloc_groups|allowed)|__netlink_create|sk_alloc|"
              r"sock_init_data|rtnetlink_bind|genl_bind|genl_release|security_netlink_send|"
              r"(__)?skb_recv_datagram|sock_register|proto_register"),
    (TABLES, r"__netlink_lookup|netlink_insert|netlink_remove|genl_get_cmd|skb_queue_tail|"
             r"__netlink_sendskb|netlink_attachskb|netlink_overrun|sock_def_readable|"
             r"__skb_try_recv_datagram|__skb_wait_for_more_packets|netlink_update_\w+|"
             r"genl_register_family|genl_unregister_family|rtnl_register_many"),
    (NETLINK, r"netlink_\w+|__netlink_\w+|do_one_broadcast|genl_rcv|rtnetlink_rcv|nfnetlink_rcv|"
              r"sock_diag_rcv|xfrm_netlink_rcv|rtnl_notify|nlmsg_notify|rtnl_unicast|"
              r"nfnetlink_unicast|genl_rs_\w+|security_sock_rcv_skb|nfnetlink_rcv_skb_batch"),
)
LANES = [(lane, re.compile(pattern)) for lane, pattern in IN_LANE]


def base(call):
    """The name of a function, without what the compiler adds to it."""
    return call.get("function", "").partition(".")[0]


def walk(call):
    """A call and all below it, in their order."""
    yield call
    for inner in call.get("calls", ()):
        yield from walk(inner)


def took(call):
    """How long a call took, in seconds, or None."""
    match = re.match(r"([\d.]+) us", call.get("time") or "")
    return float(match[1]) / 1e6 if match else None


def end(call):
    """When a call ended, or the last that is known of it."""
    if call.get("start") is None:
        return None
    return call["start"] + (took(call) or 0)


def duration(seconds):
    """A time in words."""
    if seconds >= 1:
        return f"{seconds:.3f} s"
    return f"{seconds * 1e3:.3f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def size(count):
    """A number of bytes."""
    return f"{count} B"


def lane_of(call):
    """The lane of the kernel in which a call is."""
    return lane_of_name(base(call))


@functools.cache
def lane_of_name(name):
    """The lane of a function."""
    return next((lane for lane, pattern in LANES if pattern.fullmatch(name)), FAMILY)


def error_of(call):
    """The name of the error that a call returned, or ''."""
    if not call.get("error"):
        return ""
    number = call["error"]
    return trace_names.error_name(-number) if isinstance(number, int) else str(number)


def made(call):
    """Whether an error was made here, or maybe by those that this has called."""
    return bool(call.get("made_here") or call.get("made_here_or_by"))


def named(messages):
    """What a buffer holds, in few words: names, and how often."""
    names = {}
    for message in messages:
        name = message.get("text", message.get("name", "?"))
        names[name] = names.get(name, 0) + 1
    more = sum(message.get(key, 0) for message in messages for key in ("followed", "skipped"))
    text = ", ".join(f"{name} x {count}" if count > 1 else name for name, count in names.items())
    return text + (f" and {more} more messages" if more else "")
