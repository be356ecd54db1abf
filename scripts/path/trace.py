#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Shows which kernel functions a command passes through when it talks netlink.

The function graph tracer records one command and its children, netlink
functions only, in a tracing instance of its own: tracing that is going on is
not disturbed, and nothing is left behind, however this ends: what SIGKILL
leaves, the next run removes. Probes at a few of the functions record the messages
and what the arguments point to. The result is a tree for each system call, in
which trace_steps.py says what each step does.
Rust functions cannot be traced by name; families made with rust/genl show up
by their tracepoints.
"""

import argparse
import fnmatch
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import trace_steps

# The names of our tracing instances, before the process id.
PREFIX = "netlink-path-"
# The names of our probes begin with it.
PROBE = "nlp_"

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
             "sock_def_readable", "__sock_create", "sk_alloc", "sock_init_data",
             "kobject_uevent_env", "nf_tables_get*",
             "skb_recv_datagram", "__skb_recv_datagram",
             "__skb_try_recv_datagram", "__skb_wait_for_more_packets")

# Tests of a lock, called from everywhere, and not a step of any path.
NOISE = ("rtnl_is_locked", "rtnl_lock*", "rtnl_unlock*", "lockdep_*", "rtnl_net_*",
         "netlink_table_*", "netlink_skb_destructor", "netlink_compare_arg_init",
         "netlink_trim", "bpf_lsm_*", "taskstats_exit", "netlink_has_listeners",
         "netlink_sock_destruct*", "genl_op_iter_*", "genl_op_from_*", "genl_cmd_full_to_*", "*nlmsg_put",
         "sock_diag_save_cookie", "sock_diag_put_meminfo")

# Functions of the classic path that compilers inline: what is said at the
# nearest function that is there, unless it is called from one of these.
INLINED = {
    "netlink_unicast": ("through genlmsg_reply() or nlmsg_unicast(), inlined",
                        ("netlink_sendmsg", "netlink_ack", "netlink_dump")),
    "netlink_broadcast_filtered": ("through nlmsg_multicast(), inlined", ("netlink_sendmsg",)),
}

# How much of a message is recorded, in arrays of 512 bytes: that is the longest.
# Beyond the end of a short one the memory is of others, and is thrown away.
PIECES = 4
MESSAGE = "len=skb->len " + " ".join(f"data{i}=+{512 * i}(skb->data):x64[64]" for i in range(PIECES))

# Probes: a function, and what is read there. The types are those of the kernel's
# BTF, so that a kernel in which one has changed refuses the probe. Each takes
# most of a second under emulation.
PROBES = {
    "insert": ("netlink_insert", "sk portid proto=sk->sk_protocol"),
    "sendmsg": ("netlink_sendmsg%return", "sk=sock->sk proto=sock->sk->sk_protocol len ret=$retval"),
    "recvmsg": ("netlink_recvmsg%return", "sk=sock->sk proto=sock->sk->sk_protocol flags ret=$retval"),
    "unicast": ("netlink_unicast", "proto=ssk->sk_protocol portid len=skb->len"),
    "request": ("netlink_rcv_skb", "proto=skb->sk->sk_protocol " + MESSAGE),
    "queue": ("__netlink_sendskb", "sk proto=sk->sk_protocol qlen=sk->sk_receive_queue.qlen " + MESSAGE),
    "broadcast": ("netlink_broadcast_filtered", "proto=ssk->sk_protocol portid group " + MESSAGE),
    "command": ("genl_get_cmd", "id=family->id name=family->name:string"),
    "register": ("genl_register_family%return", "id=family->id name=family->name:string"),
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


def append(path, text):
    """Adds to a control file of tracefs."""
    # Not open(): it looks for the end, which some of these files refuse.
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            # A filter takes one word at a time.
            data = text.encode()
            while data:
                data = data[os.write(file, data):]
        finally:
            os.close(file)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror} (adding {text[:60]!r})") from error


class Tracer:
    """A tracing instance of our own, from with-statement to end."""

    def __init__(self, buffer_kb=16384):
        self.root = None
        self.path = None
        self.mounted = False
        self.buffer_kb = buffer_kb
        self.group = f"{PREFIX}{os.getpid()}".replace("-", "_")
        self.warnings = []
        self.graph = []

    def __enter__(self):
        if os.geteuid() != 0:
            raise TraceError("tracing needs root: run it with sudo, or in the guest with 'make trace'")
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        """Finds tracefs and makes the instance."""
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
            raise TraceError("this kernel has no function graph tracer "
                             "(CONFIG_FUNCTION_GRAPH_TRACER)")
        self.sweep()
        path = f"{self.root}/instances/{PREFIX}{os.getpid()}"
        os.mkdir(path)
        self.path = path
        # The one setting that all instances share: with it we would see nothing.
        shared = f"{self.root}/set_graph_function"
        self.graph = [line.split()[0] for line in read(shared).splitlines() if line[:1] != "#"]
        if self.graph:
            write(self.saved(os.getpid()), "\n".join(self.graph))
            write(shared, "")

    @staticmethod
    def saved(pid):
        """Where a run keeps set_graph_function, for the next one if it is killed."""
        return f"/run/{PREFIX}{pid}.graph"

    def restore(self, pid, names):
        """Puts back what a run has found in set_graph_function."""
        for name in names:
            append(f"{self.root}/set_graph_function", name)
        os.unlink(self.saved(pid))

    def __exit__(self, *_):
        # Nobody may interrupt this; a second Ctrl-C comes a moment later.
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            if self.path:
                # Removing an instance stops all that goes on in it.
                os.rmdir(self.path)
                self.path = None
            if self.root:
                self.remove_probes(self.group)
                if self.graph:
                    self.restore(os.getpid(), self.graph)
                self.graph = []
            if self.mounted:
                subprocess.run(["umount", self.root], check=False)
                self.mounted = False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def sweep(self):
        """Removes what runs have left that were killed."""
        for name in os.listdir(f"{self.root}/instances"):
            pid = name.removeprefix(PREFIX)
            if pid != name and not os.path.exists(f"/proc/{pid}"):
                os.rmdir(f"{self.root}/instances/{name}")
                if os.path.exists(self.saved(pid)):
                    self.restore(pid, read(self.saved(pid)).split())
                self.remove_probes(name.replace("-", "_"))

    def remove_probes(self, group):
        """Removes the probes of a group."""
        path = f"{self.root}/dynamic_events"
        if not os.path.exists(path):
            return
        for line in read(path).splitlines():
            match = re.match(rf"[fp]\d*:({group}/\w+) ", line)
            if match:
                append(path, f"-:{match[1]}\n")

    def option(self, name, value):
        """Sets an option where the kernel has it; returns whether it has."""
        path = f"{self.path}/options/{name}"
        if os.path.exists(path):
            write(path, str(int(value)))
            return True
        return False

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
        for start in range(0, len(indices), 200):
            append(f"{self.path}/set_ftrace_filter",
                   " ".join(map(str, indices[start:start + 200])))
        return len(indices)

    def probe(self):
        """Makes the probes, where the kernel can; returns how many it refused."""
        refused = []
        for name, (function, fetch) in PROBES.items():
            try:
                append(f"{self.root}/dynamic_events",
                       f"f:{self.group}/{PROBE}{name} {function} {fetch}\n")
            except TraceError:
                refused.append(function)
        if refused:
            self.warnings.append("this kernel refuses probes at " + ", ".join(sorted(set(refused))) +
                                 ": messages or values are missing (it needs CONFIG_FPROBE_EVENTS "
                                 "and CONFIG_PROBE_EVENTS_BTF_ARGS)")
        if not self.option("funcgraph-args", True):
            self.warnings.append("this kernel does not record arguments (CONFIG_FUNCTION_TRACE_ARGS)")

    def events(self):
        """Turns on the probes, and the tracepoints of families made with rust/genl."""
        events = f"{self.path}/events"
        for system in sorted(os.listdir(events)):
            if system == self.group or os.path.isdir(f"{events}/{system}/genl_do_enter"):
                write(f"{events}/{system}/enable", "1")
        if os.path.isdir(f"{events}/netlink/netlink_extack"):
            write(f"{events}/netlink/netlink_extack/enable", "1")

    def prepare(self, probes=True):
        """All that is the same for each command; without probes it takes half the time."""
        patterns = [f"__{arch}_sys_{name}" for name in SYSCALLS for arch in ("x64", "arm64")]
        self.choose(patterns + list(FUNCTIONS))
        write(f"{self.path}/tracing_on", "0")
        write(f"{self.path}/buffer_size_kb", str(self.buffer_kb))
        for name, value in (("function-fork", True), ("event-fork", True),
                            ("funcgraph-overhead", False), ("funcgraph-cpu", False),
                            ("funcgraph-proc", True), ("funcgraph-duration", True),
                            ("funcgraph-abstime", False), ("funcgraph-irqs", False),
                            ("funcgraph-tail", False), ("sleep-time", False)):
            self.option(name, value)
        if probes:
            self.probe()
        write(f"{self.path}/current_tracer", "function_graph")
        self.events()

    def record(self, command, timeout=None):
        """Runs a command, or a function of Python, recorded; returns its exit
        status, the trace, and how many events were lost.
        """
        write(f"{self.path}/trace", "")
        start, go = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(start, 1)
            os.close(start)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if callable(command):
                run_function(command)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                print(f"trace.py: {command[0]}: {error.strerror}", file=sys.stderr)
                os._exit(127)
        os.close(start)
        status = None
        try:
            write(f"{self.path}/set_ftrace_pid", str(child))
            write(f"{self.path}/set_event_pid", str(child))
            write(f"{self.path}/tracing_on", "1")
            os.write(go, b"!")
            os.close(go)
            status = self.wait(child, timeout)
        finally:
            if status is None:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        write(f"{self.path}/tracing_on", "0")
        return os.waitstatus_to_exitcode(status), read(f"{self.path}/trace"), self.lost()

    @staticmethod
    def wait(child, timeout):
        """Waits for the command; ends it on Ctrl-C, and when its time is over."""
        end = time.monotonic() + timeout if timeout else None
        done, status = 0, 0
        try:
            while not done and end and time.monotonic() < end:
                done, status = os.waitpid(child, os.WNOHANG)
                if not done:
                    time.sleep(0.05)
            if not done and not end:
                done, status = os.waitpid(child, 0)
            if done:
                return status
            print(f"trace.py: the command has not ended after {timeout:g} s and is stopped: "
                  "this is the trace up to here", file=sys.stderr)
        except KeyboardInterrupt:
            print("trace.py: interrupted: this is the trace up to here", file=sys.stderr)
        os.kill(child, signal.SIGTERM)
        for _ in range(40):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]

    def lost(self):
        """How many events did not fit the buffer."""
        total = 0
        for cpu in os.listdir(f"{self.path}/per_cpu"):
            match = re.search(r"^overrun: (\d+)", read(f"{self.path}/per_cpu/{cpu}/stats"), re.M)
            total += int(match.group(1)) if match else 0
        return total


def run_function(function):
    """In the child: calls a function in the place of a program."""
    status = 1
    try:
        function()
        status = 0
    except BaseException as error:  # pylint: disable=broad-exception-caught
        print(f"trace.py: {function.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    sys.stdout.flush()
    os._exit(status)


class Call:
    """A function that was called, or an event inside one."""

    def __init__(self, name, event=False):
        self.name = name
        self.event = event
        self.time = None
        self.calls = []
        # Arguments as they are printed, values that probes have read, the
        # message at this place, and what trace_steps makes of all that.
        self.args = {}
        self.fields = {}
        self.data = None
        self.messages = []
        self.facts = {}
        self.step = ""

    def is_syscall(self):
        """Whether this is the entry of a system call."""
        return bool(re.match(r"__(x64|arm64)_sys_", self.name))

    def title(self):
        """As it is shown: a system call by its usual name."""
        if self.is_syscall():
            return re.sub(r"__\w+?_sys_", "", self.name) + "()"
        return self.name

    def walk(self):
        """This call and all below it, in their order."""
        yield self
        for call in self.calls:
            yield from call.walk()

    def shows_netlink(self):
        """Whether anything below has to do with netlink."""
        return any((call is not self or not self.is_syscall()) and
                   (call.event or re.search("netlink|genl|nlmsg|rtnl|nfnl|sock_diag|taskstats",
                                            call.name))
                   for call in self.walk())

    def mentions(self, text):
        """Whether this or anything below has the text in its name."""
        return any(text in call.name for call in self.walk())

    def json(self):
        """All that is known, for machines."""
        out = {"function": self.title()}
        if self.event:
            out = {"event": self.name}
        for key in ("time", "args", "fields", "step", "messages"):
            if getattr(self, key):
                out[key] = getattr(self, key)
        if self.calls:
            out["calls"] = [call.json() for call in self.calls]
        return out


LINE = re.compile(r"^\s*(?P<task>\S.*?)-(?P<pid>\d+)\s*\|\s*(?P<time>[\d.]+ us)?\s*\|(?P<rest>.*)$")
PROBE_LINE = re.compile(rf"{PROBE}\w+: \((?P<at>[^)]*)\) ?(?P<fields>.*)$")
FIELD = re.compile(r'(\w+)=("[^"]*"|\{[^}]*\}|\S+)')


def fields_of(text):
    """The values of a probe, and the bytes of a message."""
    values, pieces = {}, []
    for key, value in FIELD.findall(text):
        if value.startswith("{"):
            pieces.append(b"".join(int(word, 16).to_bytes(8, sys.byteorder)
                                   for word in value[1:-1].split(",")))
        elif value == "(fault)":
            continue
        elif value.startswith('"'):
            values[key] = value[1:-1]
        else:
            values[key] = int(value, 0)
    return values, b"".join(pieces)[:values.get("len", 0)]


class Parser:
    """Makes trees of a trace: (pid, call), one for each root."""

    def __init__(self):
        self.stacks = {}
        self.roots = []
        self.tasks = {}
        # Of each process: what probes have read at a function whose line is
        # still to come, and the last call of each name.
        self.pending = {}
        self.last = {}

    def parse(self, text):
        """All lines."""
        for line in text.splitlines():
            match = LINE.match(line)
            if match:
                pid = int(match["pid"])
                self.tasks[pid] = match["task"]
                self.line(pid, self.stacks.setdefault(pid, []), match)
        return self.roots, self.tasks

    def line(self, pid, stack, match):
        """One line."""
        body = match["rest"].strip()
        if body.startswith("/*"):
            self.event(pid, stack, body[2:].removesuffix("*/").strip())
            return
        # The indentation counts, not the braces: those of a function that was
        # entered before the trace began, or left after it ended, have no pair.
        depth = (len(match["rest"]) - len(match["rest"].lstrip()) - 2) // 2
        if body.startswith("}"):
            if depth < len(stack):
                stack[depth].time = match["time"]
            del stack[depth:]
            return
        call = Call(re.sub(r"\(.*|\s*\[.*", "", body))
        arguments = re.search(r"\((.*)\)", body)
        if arguments:
            call.args = dict(re.findall(r"(\w+)=([^,\s]+)", arguments[1]))
        if depth == 0 or call.is_syscall():
            stack.clear()
        del stack[depth:]
        if stack:
            stack[-1].calls.append(call)
        else:
            self.roots.append((pid, call))
        name = trace_steps.base(call.name)
        self.last[pid, name] = call
        for values, data in self.pending.pop((pid, name), ()):
            call.fields.update(values)
            call.data = data if "len" in values and data else call.data
        if body.endswith("{"):
            stack.append(call)
        else:
            call.time = match["time"]

    def event(self, pid, stack, text):
        """A probe belongs to a function, another event stands for itself."""
        probe = PROBE_LINE.match(text)
        if not probe:
            call = Call(text, event=True)
            if stack:
                stack[-1].calls.append(call)
            else:
                self.roots.append((pid, call))
            return
        values, data = fields_of(probe["fields"])
        place = probe["at"]
        if " <- " in place:
            # A return; of a function that began before the trace there is no line.
            call = self.last.get((pid, place.split(" <- ")[1]))
            if call:
                call.fields.update(values)
            return
        name = re.sub(r"\+0x.*", "", place)
        self.pending.setdefault((pid, trace_steps.base(name)), []).append((values, data))


def remark_of(call, depth, parent, times):
    """What stands beside a call."""
    remark = call.step
    if depth == 0 and call.is_syscall():
        remark = "system call"
    elif call.name in INLINED and parent not in INLINED[call.name][1]:
        remark = f"{remark}; {INLINED[call.name][0]}" if remark else INLINED[call.name][0]
    if times and call.time:
        remark = f"{call.time}  {remark}".rstrip()
    return remark


def show(call, depth, args, out, parent="", repeated=1):
    """Prints a call and all below it."""
    name = call.title()
    if repeated > 1:
        name += f" (x {repeated})"
    remark = ""
    if call.event:
        name = "* " + name
    elif not args.names:
        remark = remark_of(call, depth, parent, args.times)
    elif args.times and call.time:
        remark = call.time
    text = "  " * depth + name
    print(f"{text:<52}  {remark}".rstrip(), file=out)
    if not args.names:
        for message in call.messages[:None if args.full else 3]:
            show_message(message, depth + 1, args.full, out)
        if len(call.messages) > 3 and not args.full:
            print("  " * depth + f"  | ... {len(call.messages) - 3} more messages (--full)", file=out)
    at = 0
    while at < len(call.calls):
        inner, count = call.calls[at], 1
        # A leaf that is called in a loop is one line.
        while (not inner.calls and not inner.event and not inner.messages
               and at + count < len(call.calls)
               and call.calls[at + count].name == inner.name
               and call.calls[at + count].step == inner.step
               and not call.calls[at + count].calls):
            count += 1
        show(inner, depth + 1, args, out, call.name, count)
        at += count


def show_message(message, depth, full, out):
    """Prints a message: its header, and its attributes."""
    margin = "  " * depth + "| "
    print(margin + trace_steps.headline(message), file=out)
    attributes = message.get("attributes", [])
    for name, value in attributes[:None if full else 8]:
        print(f"{margin}  {name} = {trace_steps.short(value, 10000 if full else 100)}", file=out)
    if len(attributes) > 8 and not full:
        print(f"{margin}  ... {len(attributes) - 8} more attributes (--full)", file=out)
    if "cut" in message:
        print(f"{margin}  (the first {message['cut']} bytes were recorded)", file=out)


def chosen(roots, only):
    """The roots that have to do with netlink, and with what was asked for."""
    return [(pid, call) for pid, call in roots
            if call.shows_netlink() and (not only or call.mentions(only))]


def render(shown, tasks, args, out):
    """Prints the trees."""
    several = len({pid for pid, _ in shown}) > 1
    last = None
    for pid, call in shown:
        if several and pid != last:
            print(f"[{tasks[pid]}, process {pid}]", file=out)
            last = pid
        show(call, 0, args, out)


def arguments():
    """Parses the arguments."""
    parser = argparse.ArgumentParser(
        description="Show the kernel functions that a netlink command passes through, what "
                    "each does for it, and the messages.",
        epilog="Example: trace.py --html walk.html -- genl ctrl get name nlctrl")
    parser.add_argument("--sh", metavar="CMD", help="a command line for the shell")
    parser.add_argument("--text", metavar="FILE", help="write the tree there (- is standard output, "
                                                       "and the default)")
    parser.add_argument("--html", metavar="FILE", help="write a page with a picture there")
    parser.add_argument("--svg", metavar="FILE", help="write only the picture there")
    parser.add_argument("--json", metavar="FILE", help="write all that is known there, for machines")
    parser.add_argument("--output", metavar="FILE", dest="text", help="the same as --text")
    parser.add_argument("--names", action="store_true",
                        help="only the names of the functions, and tracepoints of Rust")
    parser.add_argument("--full", action="store_true", help="all messages with all attributes")
    parser.add_argument("--times", action="store_true", help="show how long each call took")
    parser.add_argument("--only", metavar="TEXT",
                        help="show the system calls only that have this in their tree")
    parser.add_argument("--timeout", metavar="S", type=float, help="stop the command after S seconds")
    parser.add_argument("--specs", metavar="DIR", action="append", default=[],
                        help="a folder with specs of families (YAML), beside those of the kernel")
    parser.add_argument("--buffer-kb", metavar="KB", type=int, default=16384,
                        help="memory for the trace, for each processor (16384)")
    parser.add_argument("command", nargs="*", help="the command and its arguments")
    args = parser.parse_args()
    if bool(args.sh) == bool(args.command):
        parser.error("give a command behind --, or one for the shell with --sh")
    if not (args.html or args.json or args.svg or args.text):
        args.text = "-"
    return args


def deliver(path, text):
    """Writes a result."""
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def results(args, shown, tasks, about):
    """Writes all that was asked for."""
    if args.text:
        out = io.StringIO()
        render(shown, tasks, args, out)
        deliver(args.text, out.getvalue())
    if args.json:
        calls = [{"process": tasks[pid], "pid": pid, **call.json()} for pid, call in shown]
        deliver(args.json, json.dumps({**about, "calls": calls}, indent=1, default=str) + "\n")
    if args.html or args.svg:
        # pylint: disable=import-outside-toplevel
        import trace_html
        if args.html:
            deliver(args.html, trace_html.page(about, shown, tasks))
        if args.svg:
            deliver(args.svg, trace_html.picture(shown, 760, about) + "\n")


def end_on_signals():
    """The instance has to be removed however this ends."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))


def complain(text):
    """Says what is not as it should be."""
    print(f"trace.py: {text}", file=sys.stderr)


def main():
    """Records, explains, writes."""
    args = arguments()
    command = ["sh", "-c", args.sh] if args.sh else args.command
    for path in (args.text, args.html, args.svg, args.json):
        folder = os.path.dirname(path or "") or "."
        if path and path != "-" and not os.access(folder, os.W_OK):
            complain(f"{path} cannot be written: {folder} is no folder, or not ours")
            return 125

    end_on_signals()
    try:
        with Tracer(args.buffer_kb) as tracer:
            tracer.prepare(probes=not args.names)
            status, text, lost = tracer.record(command, args.timeout)
    except TraceError as error:
        complain(error)
        return 125
    except KeyboardInterrupt:
        complain("interrupted before the command had begun")
        return 130

    roots, tasks = Parser().parse(text)
    specs = trace_steps.Specs(args.specs)
    trace_steps.Explainer(trace_steps.Decoder(specs)).explain(roots)
    shown = chosen(roots, args.only)
    about = {"command": args.sh or " ".join(args.command), "kernel": os.uname().release,
             "machine": os.uname().machine, "status": status, "lost": lost,
             "warnings": tracer.warnings + sorted(specs.missing)}
    results(args, shown, tasks, about)
    for warning in about["warnings"]:
        complain(warning)
    if lost:
        complain(f"{lost} events did not fit the buffer: the tree has holes "
                 f"(--buffer-kb {2 * args.buffer_kb} is twice as much)")
    if not shown:
        complain("the command used no netlink" + (f" with {args.only!r} in it" if args.only else ""))
    if status:
        complain(f"the command ended with status {status}" if status > 0 else
                 f"the command was ended by signal {-status} ({signal.Signals(-status).name})")
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
