# SPDX-License-Identifier: GPL-2.0
"""
The trees of calls that a trace is: one for each system call, with times, what probes have
read, what functions returned, and where the task slept and who woke it.
"""

import array
import re

import trace_steps
from trace_record import PROBE, SIZE


class Sleep:
    """A task was off the processor inside a call: since when, behind which of its calls, until
    when, and who woke it.
    """

    def __init__(self, begin, place):
        self.begin = begin
        self.place = place
        self.end = None
        self.waker = None
        self.where = None


class Call:
    """A function that was called, or an event inside one."""

    def __init__(self, name, event=False):
        self.name = name
        self.event = event
        # How many functions are around it, shown or not.
        self.depth = 0
        # Of whom it is: 0 of the process, the others of those that have interrupted it.
        self.level = 0
        self.pid = 0
        self.task = ""
        # When it began, in seconds, and how long it took, as it is printed.
        self.start = None
        self.time = None
        self.calls = []
        self.sleeps = []
        # Arguments as they are printed, values that probes have read, the
        # message at this place, and what trace_steps makes of all that.
        self.args = {}
        self.fields = {}
        self.probes = set()
        self.returned = None
        self.data = None
        self.messages = []
        self.facts = {}
        self.step = ""
        # What trace_why says: the error that this returned, whether it was made here, and the names
        # of those that may have made it as well.
        self.value = ""
        self.error = 0
        self.made = False
        self.or_by = []

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
        return any("netlink" in call.facts or (call is not self or not self.is_syscall()) and
                   (call.event or re.search("netlink|genl|nlmsg|rtnl|nfnl|sock_diag|taskstats",
                                            call.name))
                   for call in self.walk())

    def own(self):
        """The calls in it, without those of an interrupt that came meanwhile."""
        return [call for call in self.calls if call.level <= self.level]

    def mentions(self, text):
        """Whether this or anything below has the text in its name."""
        return any(text in call.name for call in self.walk())

    def json(self):
        """All that is known, for machines."""
        out = {"function": self.title()}
        if self.event:
            out = {"event": self.name}
        for key, value in (("start", self.start), ("time", self.time), ("args", self.args),
                           ("fields", self.fields), ("returned", self.value),
                           ("error", self.error and self.facts.get("error_name") or self.error),
                           ("made_here", self.made and not self.or_by), ("made_here_or_by", self.or_by),
                           ("next", self.facts.get("next")),
                           ("step", self.step),
                           ("messages", self.messages)):
            if value:
                out[key] = value
        if self.sleeps:
            out["sleeps"] = [{"begin": one.begin, "end": one.end, "woken_by": one.waker,
                              "in": one.where.title() if one.where else None}
                             for one in self.sleeps]
        if self.calls:
            out["calls"] = [call.json() for call in self.calls]
        return out


LINE = re.compile(r"^\s*(?:(?P<at>\d+\.\d+) \|)?\s*(?P<task>\S.*?)-(?P<pid>\d+)\s*\|\s*"
                  r"(?:\S{2}(?P<context>\S)\S{1,6}\s*\|\s*)?"
                  r"(?P<time>[\d.]+ us)?\s*\|(?P<rest>.*)$")
# Linux, kernel/trace/trace_output.c: trace_print_lat_fmt(): softirq, hardirq, that in a softirq, NMI.
LEVELS = {"s": 1, "h": 2, "H": 2, "z": 3, "Z": 3}
PROBE_LINE = re.compile(rf"{PROBE}(?P<name>\w+): \((?P<at>[^)]*)\) ?(?P<fields>.*)$")
FIELD = re.compile(r'(\w+)=("[^"]*"|\{[^}]*\}|\S+)')
CLONE_THREAD = 0x10000
# A task whose name the kernel has forgotten.
UNNAMED = "<...>"
# A probe whose fields are none of a call, but of a return.
RETURN = re.compile(r"ret\d+$")


def fields_of(text):
    """The values of a probe, and the bytes of a message."""
    values, pieces = {}, []
    for key, value in FIELD.findall(text):
        if value.startswith("{"):
            pieces.append(array.array("Q", [int(word, 16) for word in value[1:-1].split(",")]).tobytes())
        elif value == "(fault)":
            continue
        elif value.startswith('"'):
            values[key] = value[1:-1]
        else:
            values[key] = number(value)
    return values, b"".join(pieces)


def number(text):
    """A value as the tracer prints it."""
    try:
        return int(text, 0)
    except (TypeError, ValueError):
        return text


def left(stack, depth):
    """What is this deep, or deeper, has returned."""
    while stack and stack[-1].depth >= depth:
        stack.pop()


class Parser:
    """Makes trees of a trace: (pid, call), one for each root, in the order of their begin."""

    def __init__(self):
        self.stacks = {}
        self.roots = []
        self.tasks = {}
        # The process of each thread that is not the first one.
        self.threads = {}
        # Of each process: what probes have read at a function whose line is
        # still to come, and the calls of each name that have not returned yet.
        self.pending = {}
        self.open = {}
        self.asleep = {}
        # The roots that had ended when finished() was called.
        self.ended = set()

    def feed(self, line):
        """One line."""
        match = LINE.match(line)
        if match:
            pid = int(match["pid"])
            if match["task"] != UNNAMED or pid not in self.tasks:
                self.tasks[pid] = match["task"]
            self.line(pid, self.stacks.setdefault(pid, []), match)

    def finished(self, last=False):
        """Takes the roots that have ended, or all. What a probe has read at the return of a root
        comes behind its end: so those are taken that had ended the time before.
        """
        running = {id(stack[0]) for stack in self.stacks.values() if stack}
        taken = [root for root in self.roots if last or id(root[1]) in self.ended]
        self.roots = [root for root in self.roots if not last and id(root[1]) not in self.ended]
        self.ended = {id(call) for _, call in self.roots if id(call) not in running}
        return sorted(taken, key=lambda root: root[1].start or 0)

    def forget(self, needed, exists):
        """Forgets what is known of tasks that are not needed and in no tree. One that is in a tree and
        does not exist any more has left it where events were lost.
        """
        for pid, stack in self.stacks.items():
            if stack and not exists(pid):
                stack.clear()
        needed = needed | {pid for pid, _ in self.roots} | {pid for pid, stack in self.stacks.items() if stack}
        for table in (self.stacks, self.tasks, self.threads, self.open, self.asleep):
            for pid in table.keys() - needed:
                del table[pid]
        for pid, name in [key for key in self.pending if key[0] not in needed]:
            del self.pending[pid, name]

    def parse(self, text):
        """All lines."""
        for line in text.splitlines():
            self.feed(line)
        # Lines of a processor come together when its buffer is read: by their times again.
        if all(call.start is not None for _, call in self.roots):
            self.roots.sort(key=lambda root: root[1].start)
        return self.roots, self.tasks

    def line(self, pid, stack, match):
        """One line."""
        body = match["rest"].strip()
        when = float(match["at"]) if match["at"] else None
        level = LEVELS.get(match["context"], 0)
        if body.startswith("/*"):
            self.event(pid, stack, body[2:].removesuffix("*/").strip(), when, match["task"], level)
            return
        self.awake(pid, when)
        # The indentation counts, not the braces: those of a function that was
        # entered before the trace began, or left after it ended, have no pair. It also
        # counts those that are not shown and have a probe at their return.
        depth = (len(match["rest"]) - len(match["rest"].lstrip()) - 2) // 2
        if body.startswith("}"):
            left(stack, depth + 1)
            if stack and stack[-1].depth == depth:
                stack.pop().time = match["time"]
            return
        call = Call(re.sub(r"\(.*|\s*\[.*", "", body).rstrip(" ;{"))
        call.pid, call.task, call.start, call.depth, call.level = \
            pid, match["task"], when, depth, level
        arguments = re.search(r"\((.*)\)", body)
        if arguments:
            call.args = dict(re.findall(r"(\w+)=([^,\s]+)", arguments[1]))
        left(stack, 0 if call.is_syscall() else depth)
        if stack:
            stack[-1].calls.append(call)
        else:
            self.roots.append((pid, call))
            # Whatever the last tree has left there has returned.
            self.open[pid] = {}
        name = trace_steps.base(call.name)
        self.open.setdefault(pid, {}).setdefault(name, []).append(call)
        for probe, values, data in self.pending.pop((pid, name), ()):
            self.attach(call, probe, values, data)
        if body.endswith("{"):
            stack.append(call)
        else:
            call.time = match["time"]

    @staticmethod
    def attach(call, probe, values, data):
        """What a probe has read at the entry of a call."""
        call.probes.add(probe)
        part = re.fullmatch(r"queue(\d+)", probe)
        if part:
            # The parts of a long message come in any order.
            at = int(part[1]) * SIZE
            call.data = (call.data or b"").ljust(at, b"\0")[:at] + data + \
                (call.data or b"")[at + len(data):]
        else:
            call.fields.update(values)
            if data:
                call.data = data + (call.data or b"")[len(data):]
        if "len" in call.fields and call.data:
            call.data = call.data[:call.fields["len"]]

    def event(self, pid, stack, text, when, task, level):
        """A probe belongs to a function, another event stands for itself."""
        probe = PROBE_LINE.match(text)
        if probe:
            self.awake(pid, when)
            self.probed(pid, stack, probe)
            return
        name = text.split(":")[0]
        values = dict(re.findall(r"(\w+)=(\S+)", text))
        if name == "sched_switch":
            self.switch(values, when)
        elif name in ("sched_waking", "sched_wakeup"):
            self.waking(int(values.get("pid", 0)), task, pid, stack)
        elif name == "task_newtask":
            # The number may have been that of a thread before.
            self.threads.pop(int(values["pid"]), None)
            if int(values.get("clone_flags", "0"), 16) & CLONE_THREAD:
                self.threads[int(values["pid"])] = self.threads.get(pid, pid)
        else:
            self.awake(pid, when)
            call = Call(text, event=True)
            call.pid, call.task, call.start, call.level = pid, task, when, level
            if stack:
                stack[-1].calls.append(call)
            else:
                self.roots.append((pid, call))

    def probed(self, pid, stack, probe):
        """What a probe has read: at the entry of a function, or at its return."""
        values, data = fields_of(probe["fields"])
        place, name = probe["at"], probe["name"]
        if " <- " in place:
            # Of a function that began before the trace there is no line. Inner calls return
            # before outer ones: the last one that this probe has not seen.
            function = trace_steps.base(place.split(" <- ")[1])
            calls = self.open.get(pid, {}).get(function, [])
            key = "ret" if RETURN.match(name) else name
            call = next((one for one in reversed(calls) if key not in one.probes), None)
            if call is None:
                return
            call.probes.add(key)
            if key == "ret":
                call.returned = values.get("ret")
            else:
                call.fields.update(values)
            return
        function = trace_steps.base(re.sub(r"\+0x.*", "", place))
        # It comes before the line of its function, or behind it and what was called to read it.
        top = stack[-1] if stack else None
        if top and trace_steps.base(top.name) == function and name not in top.probes and \
                not self.pending.get((pid, function)):
            self.attach(top, name, values, data)
        else:
            self.pending.setdefault((pid, function), []).append((name, values, data))

    def switch(self, values, when):
        """A task leaves the processor, and another one gets it."""
        try:
            left, came = int(values["prev_pid"]), int(values["next_pid"])
        except (KeyError, ValueError):
            return
        # R: it would have gone on. Else it waits for something.
        if values.get("prev_state", "R")[0] not in "RI" and self.stacks.get(left):
            call = self.stacks[left][-1]
            sleep = Sleep(when, len(call.calls))
            call.sleeps.append(sleep)
            self.asleep[left] = sleep
        self.awake(came, when)

    def waking(self, pid, task, waker, stack):
        """A task is woken by what another one does."""
        sleep = self.asleep.get(pid)
        if sleep and sleep.waker is None:
            sleep.waker = (task, waker)
            sleep.where = stack[-1] if stack else None

    def awake(self, pid, when):
        """A task does something again."""
        sleep = self.asleep.pop(pid, None)
        if sleep:
            sleep.end = when


def named(calls, name):
    """The calls of a function among these and all below them."""
    return [call for root in calls for call in root.walk() if trace_steps.base(call.name) == name]
