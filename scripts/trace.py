#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Shows which kernel functions a command passes through when it talks netlink.

The function graph tracer records one command and its children, netlink
functions only, in a tracing instance of its own: tracing that is going on is
not disturbed, and nothing is left behind, however this ends. The result is a
tree for each system call. Rust functions can not be traced by name; families
made with rust/genl show up by their tracepoints.
"""

import argparse
import fnmatch
import os
import re
import signal
import subprocess
import sys

# The names of our tracing instances, before the process id.
PREFIX = "netlink-path-"

TRACEFS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")

# System calls that netlink sockets are used by: the roots of the tree.
SYSCALLS = ("socket", "bind", "connect", "getsockname", "setsockopt", "sendto",
            "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "write",
            "read", "close", "finit_module", "init_module", "delete_module")

# What is shown below them.
FUNCTIONS = ("*netlink*", "genl*", "ctrl_*", "*nlmsg*", "rtnl*", "rtm_*", "*rtnetlink*",
             "nla_parse*", "__nla_parse", "__nla_validate*", "nfnetlink*", "nfnl*",
             "sock_diag*", "taskstats*", "security_netlink_send", "__sys_sendmsg",
             "__sys_recvmsg", "__sys_sendto", "__sys_recvfrom", "skb_queue_tail",
             "sock_def_readable", "skb_recv_datagram", "__skb_recv_datagram",
             "__skb_try_recv_datagram", "__skb_wait_for_more_packets")

# Tests of a lock, called from everywhere, and not a step of any path.
NOISE = ("rtnl_is_locked", "rtnl_lock*", "rtnl_unlock*", "lockdep_*", "rtnl_net_*",
         "netlink_table_*", "netlink_skb_destructor", "netlink_compare_arg_init",
         "netlink_trim", "bpf_lsm_*")

# Functions of the classic path that compilers inline: what is said at the
# nearest function that is there, unless it is called from one of these.
INLINED = {
    "netlink_unicast": ("through genlmsg_reply() or nlmsg_unicast(), which are inlined",
                        ("netlink_sendmsg", "netlink_ack", "genl_rs_reply")),
    "genl_rs_reply": ("genlmsg_reply() for Rust", ()),
    "genl_rs_multicast_netns": ("genlmsg_multicast_netns() for Rust", ()),
    "netlink_broadcast_filtered": ("through nlmsg_multicast(), which is inlined", ()),
}


class TraceError(Exception):
    """What the user is told instead of a backtrace."""


def read(path):
    """Returns the text of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path, text):
    """Writes a control file of tracefs."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror} (writing {text[:60]!r})") from error


class Tracer:
    """A tracing instance of our own, from with-statement to end."""

    def __init__(self):
        self.root = None
        self.path = None
        self.mounted = False

    def __enter__(self):
        if os.geteuid() != 0:
            raise TraceError("tracing needs root: run it with sudo, or in the guest with 'make trace'")
        for root in TRACEFS:
            if os.path.exists(f"{root}/available_tracers"):
                self.root = root
                break
        else:
            root = TRACEFS[0]
            done = subprocess.run(["mount", "-t", "tracefs", "tracefs", root],
                                  capture_output=True, check=False)
            if done.returncode:
                raise TraceError(f"there is no tracefs and none can be mounted on {root}: "
                                 "is this kernel built with CONFIG_FTRACE?")
            self.root, self.mounted = root, True
        if "function_graph" not in read(f"{self.root}/available_tracers").split():
            self.__exit__()
            raise TraceError("this kernel has no function graph tracer "
                             "(CONFIG_FUNCTION_GRAPH_TRACER)")
        self.sweep()
        self.path = f"{self.root}/instances/{PREFIX}{os.getpid()}"
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        if self.path:
            # Removing an instance stops all that goes on in it.
            os.rmdir(self.path)
            self.path = None
        if self.mounted:
            subprocess.run(["umount", self.root], check=False)
            self.mounted = False

    def sweep(self):
        """Removes what runs have left that were killed."""
        for name in os.listdir(f"{self.root}/instances"):
            pid = name.removeprefix(PREFIX)
            if pid != name and not os.path.exists(f"/proc/{pid}"):
                os.rmdir(f"{self.root}/instances/{name}")

    def option(self, name, value):
        """Sets an option where the kernel has it."""
        path = f"{self.path}/options/{name}"
        if os.path.exists(path):
            write(path, str(int(value)))

    def choose(self, patterns):
        """Traces the functions that match; returns how many do."""
        wanted = re.compile("|".join(fnmatch.translate(p) for p in patterns))
        noise = re.compile("|".join(fnmatch.translate(p) for p in NOISE))
        indices = []
        lines = read(f"{self.root}/available_filter_functions").splitlines()
        for number, line in enumerate(lines, 1):
            name = line.split(" ", 1)[0]
            if wanted.fullmatch(name) and not noise.fullmatch(name):
                indices.append(number)
        # By number: by name each one would be looked for among all of them.
        filters = f"{self.path}/set_ftrace_filter"
        for start in range(0, len(indices), 200):
            with open(filters, "a", encoding="utf-8") as file:
                file.write(" ".join(map(str, indices[start:start + 200])))
        return len(indices)

    def events(self):
        """Turns on the tracepoints of families made with rust/genl."""
        events = f"{self.path}/events"
        for system in sorted(os.listdir(events)):
            if os.path.isdir(f"{events}/{system}/genl_do_enter"):
                write(f"{events}/{system}/enable", "1")

    def record(self, command):
        """Runs a command, recorded; returns its exit status and the trace."""
        self.option("function-fork", True)
        self.option("event-fork", True)
        for name, value in (("funcgraph-overhead", False), ("funcgraph-cpu", False),
                            ("funcgraph-proc", True), ("funcgraph-duration", True),
                            ("funcgraph-abstime", False), ("funcgraph-irqs", False),
                            ("funcgraph-tail", False), ("sleep-time", False)):
            self.option(name, value)
        write(f"{self.path}/tracing_on", "0")
        write(f"{self.path}/buffer_size_kb", "8192")
        start, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(start, 1)
            os.close(start)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                print(f"trace.py: {command[0]}: {error.strerror}", file=sys.stderr)
                os._exit(127)
        os.close(start)
        try:
            write(f"{self.path}/set_ftrace_pid", str(child))
            write(f"{self.path}/set_event_pid", str(child))
            write(f"{self.path}/current_tracer", "function_graph")
            self.events()
            write(f"{self.path}/tracing_on", "1")
        except TraceError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        os.write(go, b"!")
        os.close(go)
        try:
            _, status = os.waitpid(child, 0)
        except KeyboardInterrupt:
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            print("interrupted: this is the trace up to here", file=sys.stderr)
        write(f"{self.path}/tracing_on", "0")
        return os.waitstatus_to_exitcode(status), read(f"{self.path}/trace"), self.lost()

    def lost(self):
        """How many events did not fit the buffer."""
        total = 0
        for cpu in os.listdir(f"{self.path}/per_cpu"):
            match = re.search(r"^overrun: (\d+)", read(f"{self.path}/per_cpu/{cpu}/stats"), re.M)
            total += int(match.group(1)) if match else 0
        return total


class Call:
    """A function that was called, or an event inside one."""

    def __init__(self, name, event=False):
        self.name = name
        self.event = event
        self.time = None
        self.calls = []

    def is_syscall(self):
        """Whether this is the entry of a system call."""
        return bool(re.match(r"__(x64|arm64)_sys_", self.name))

    def shows_netlink(self):
        """Whether anything below has to do with netlink."""
        return self.event or any(re.search("netlink|genl|nlmsg|rtnl|nfnl|sock_diag|taskstats",
                                           call.name) or call.shows_netlink()
                                 for call in self.calls)

    def mentions(self, text):
        """Whether this or anything below has the text in its name."""
        return text in self.name or any(call.mentions(text) for call in self.calls)


LINE = re.compile(r"^\s*(?P<task>\S.*?)-(?P<pid>\d+)\s*\|\s*(?P<time>[\d.]+ us)?\s*\|(?P<rest>.*)$")


def parse(text):
    """Makes a list of (pid, call) of the trace, one for each root."""
    stacks, roots, tasks = {}, [], {}
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        pid, body = int(match["pid"]), match["rest"].strip()
        tasks[pid] = match["task"]
        stack = stacks.setdefault(pid, [])
        if body.startswith("/*"):
            call = Call(body.strip("/* "), event=True)
            (stack[-1].calls if stack else roots).append(call if stack else (pid, call))
            continue
        # The indentation counts, not the braces: those of a function that was
        # entered before the trace began, or left after it ended, have no pair.
        depth = (len(match["rest"]) - len(match["rest"].lstrip()) - 2) // 2
        if body.startswith("}"):
            if depth < len(stack):
                stack[depth].time = match["time"]
            del stack[depth:]
            continue
        call = Call(re.sub(r"\(.*|\s*\[.*", "", body))
        if depth == 0 or call.is_syscall():
            stack.clear()
        del stack[depth:]
        if stack:
            stack[-1].calls.append(call)
        else:
            roots.append((pid, call))
        if body.endswith("{"):
            stack.append(call)
        else:
            call.time = match["time"]
    return roots, tasks


def show(call, depth, times, out, parent="", repeated=1):
    """Prints a call and all below it."""
    name = call.name
    if repeated > 1:
        name += f" (x {repeated})"
    remark = ""
    if depth == 0 and call.is_syscall():
        name = re.sub(r"__\w+?_sys_", "", name) + "()"
        remark = "system call"
    elif call.event:
        name = "* " + name
    elif call.name in INLINED and parent not in INLINED[call.name][1]:
        remark = INLINED[call.name][0]
    text = "  " * depth + name
    if times and call.time:
        remark = f"{call.time}  {remark}".rstrip()
    print(f"{text:<56} {remark}".rstrip() if remark else text, file=out)
    at = 0
    while at < len(call.calls):
        inner, count = call.calls[at], 1
        # A leaf that is called in a loop is one line.
        while (not inner.calls and not inner.event and at + count < len(call.calls)
               and call.calls[at + count].name == inner.name
               and not call.calls[at + count].calls):
            count += 1
        show(inner, depth + 1, times, out, call.name, count)
        at += count


def render(roots, tasks, times, only, out):
    """Prints the trees; returns how many there are."""
    shown = [(pid, call) for pid, call in roots
             if call.shows_netlink() and (not only or call.mentions(only))]
    several = len({pid for pid, _ in shown}) > 1
    last = None
    for pid, call in shown:
        if several and pid != last:
            print(f"[{tasks[pid]}, process {pid}]", file=out)
            last = pid
        show(call, 0, times, out)
    return len(shown)


def main():
    """Parses the arguments and runs."""
    parser = argparse.ArgumentParser(
        description="Show the kernel functions that a netlink command passes through.",
        epilog="Example: trace.py -- genl ctrl get name nlctrl")
    parser.add_argument("--sh", metavar="CMD", help="a command line for the shell")
    parser.add_argument("--times", action="store_true", help="show how long each call took")
    parser.add_argument("--only", metavar="TEXT",
                        help="show the system calls only that have this in their tree")
    parser.add_argument("--output", metavar="FILE", help="write the tree there")
    parser.add_argument("command", nargs="*", help="the command and its arguments")
    args = parser.parse_args()
    if bool(args.sh) == bool(args.command):
        parser.error("give a command behind --, or one for the shell with --sh")
    command = ["sh", "-c", args.sh] if args.sh else args.command

    # The instance has to be removed however this ends.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    try:
        with Tracer() as tracer:
            patterns = [f"__x64_sys_{name}" for name in SYSCALLS]
            patterns += [f"__arm64_sys_{name}" for name in SYSCALLS]
            tracer.choose(patterns + list(FUNCTIONS))
            status, text, lost = tracer.record(command)
    except TraceError as error:
        print(f"trace.py: {error}", file=sys.stderr)
        return 125

    if args.output:
        with open(args.output, "w", encoding="utf-8") as out:
            count = render(*parse(text), args.times, args.only, out)
    else:
        sys.stdout.flush()
        count = render(*parse(text), args.times, args.only, sys.stdout)
    if lost:
        print(f"trace.py: {lost} events did not fit the buffer: the tree has holes",
              file=sys.stderr)
    if not count:
        print("trace.py: the command used no netlink" +
              (f" with {args.only!r} in it" if args.only else ""), file=sys.stderr)
    if status:
        print(f"trace.py: the command ended with status {status}", file=sys.stderr)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
