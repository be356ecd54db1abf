# SPDX-License-Identifier: GPL-2.0
"""
What processes do that run already: trees are explained when they are complete, shown if they are
what was asked for, and forgotten but for the last ones. What comes faster than that is
lost in the buffer of the tracer, which counts it.
"""

import collections
import os
import re
import time

from trace_record import TraceError, read
from trace_tree import UNNAMED

# So many trees are kept for files.
KEPT = 1000
# A tree is complete when it has ended, and so many seconds have passed.
PAUSE = 0.2


def link_of(path):
    """Where a link points to, if it is still there."""
    try:
        return os.readlink(path)
    except OSError:
        return None


class Holders:
    """Who has a socket, by its inode, if he has it still."""

    def __init__(self):
        self.known = {}

    def __call__(self, inode):
        if inode not in self.known:
            self.known[inode] = self.find(f"socket:[{inode}]")
        return self.known[inode]

    @staticmethod
    def find(link):
        """The first process that has a file with this link."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if any(link_of(f"/proc/{pid}/fd/{number}") == link
                       for number in os.listdir(f"/proc/{pid}/fd")):
                    return f" of {read(f'/proc/{pid}/comm').strip()}, process {pid},"
            except OSError:
                continue
        return ""


class Live:
    """Takes what the tracer has recorded, bit by bit."""

    def __init__(self, parser, explain, wants, show, counter):
        self.parser, self.explain, self.wants, self.show = parser, explain, wants, show
        self.counter = counter
        self.kept = collections.deque(maxlen=KEPT)
        self.count = 0
        self.rest = ""
        self.known = set()
        self.time = time.monotonic()

    def threads(self, pids):
        """All threads of processes, or of none; those of everybody are met here."""
        out = []
        for pid in pids or [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                tasks = list(map(int, os.listdir(f"/proc/{pid}/task")))
            except OSError:
                if pids:
                    raise TraceError(f"--pid: there is no process {pid}") from None
                continue
            self.parser.threads.update({task: pid for task in tasks if task != pid})
            out += tasks
        return out if pids else []

    def feed(self, text):
        """What has come; the last line may be half of one."""
        lines = (self.rest + text).split("\n")
        self.rest = lines.pop()
        for line in lines:
            self.parser.feed(line)
        if time.monotonic() - self.time >= PAUSE:
            self.time = time.monotonic()
            self.turn()

    def turn(self, last=False):
        """Shows what is complete, or all."""
        roots = self.parser.finished(last)
        for pid, _ in roots:
            self.meet(pid)
        self.explain(roots)
        shown = [(pid, root) for pid, root in roots if self.wants(root)]
        self.count += len(shown)
        self.kept.extend(shown)
        self.counter.add(shown)
        if shown:
            self.show(shown)

    def meet(self, pid):
        """Name and process of a thread, from /proc while it runs."""
        if pid in self.known:
            return
        self.known.add(pid)
        try:
            status = read(f"/proc/{pid}/status")
        except OSError:
            return
        process = re.search(r"^Tgid:\s*(\d+)", status, re.M)
        if process and int(process[1]) != pid:
            self.parser.threads[pid] = int(process[1])
        if self.parser.tasks.get(pid, UNNAMED) == UNNAMED:
            self.parser.tasks[pid] = re.match(r"Name:\s*(.*)", status)[1]
