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
from trace_steps import trim
from trace_tree import UNNAMED

# So many trees are kept for files.
KEPT = 1000
# So many tasks are known, beside those of these trees and those that are under way.
TASKS = 4096
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

    # To look at the files of everybody takes time: who was not found is looked for again after so
    # many seconds, and so many sockets are remembered.
    AGAIN = 5
    MOST = 1000

    def __init__(self):
        # Of each inode: the file that it was, and the words; or when it was not found.
        self.known = {}

    def __call__(self, inode):
        link = f"socket:[{inode}]"
        path, said, when = self.known.pop(inode, ("", "", None))
        if path and link_of(path) != link or not path and (
                when is None or time.monotonic() - when >= self.AGAIN):
            path, said = self.find(link)
            when = time.monotonic()
        self.known[inode] = path, said, when
        trim(self.known, self.MOST)
        return said

    @staticmethod
    def find(link):
        """The first process that has a file with this link: the file, and the process in words."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                for number in os.listdir(f"/proc/{pid}/fd"):
                    path = f"/proc/{pid}/fd/{number}"
                    if link_of(path) == link:
                        return path, f" of {read(f'/proc/{pid}/comm').strip()}, process {pid},"
            except OSError:
                continue
        return "", ""


class Live:
    """Takes what the tracer has recorded, bit by bit."""

    def __init__(self, parser, explain, wants, show, counter):
        self.parser, self.explain, self.wants, self.show = parser, explain, wants, show
        self.counter = counter
        self.kept = collections.deque(maxlen=KEPT)
        self.count = 0
        self.rest = ""
        self.known = set()
        self.most = TASKS
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
        if self.tasks() > self.most:
            self.forget()

    def tasks(self):
        """Of how many tasks something is known."""
        return max(len(self.parser.stacks), len(self.parser.threads))

    def forget(self):
        """Forgets tasks: all but those of the trees that are kept, and those that are in one."""
        self.parser.forget({pid for pid, _ in self.kept},
                           lambda pid: not pid or os.path.exists(f"/proc/{pid}"))
        self.known.intersection_update(self.parser.stacks)
        # Not each time, if there are more that are needed.
        self.most = max(TASKS, self.tasks() + TASKS // 4)

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
