# SPDX-License-Identifier: GPL-2.0
"""
What trace.py says of processes that run already: a part of nl_values.py.
"""

import argparse
import io
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import trace
import trace_decode
import trace_live
import trace_record
import trace_steps
import trace_summary
from ktap import Failure, Skip, equal

# Asks as often as it is told, in a thread, then itself, then in a child.
ASKER = """
import os, socket, struct, sys, threading
def ask(count):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    for number in range(count):
        sock.send(struct.pack("=IHHIIBBHiII", 32, 18, 1, number, 0, 0, 0, 0, 1, 0, 0))
        sock.recv(65536)
go = threading.Event()
thread = threading.Thread(target=lambda: (go.wait(), ask(5)))
thread.start()
print(thread.native_id, flush=True)
sys.stdin.readline()
go.set()
thread.join()
ask(7)
if os.fork() == 0:
    ask(3)
    os._exit(0)
os.wait()
"""

# Wants to be told of addresses (RTNLGRP_IPV4_IFADDR is 5), and does not read.
READER = """
import socket, sys
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
sock.bind((0, 1 << 4))
print(sock.getsockname()[0], flush=True)
sys.stdin.readline()
"""

# Adds 12 addresses, and deletes them: RTM_NEWADDR, RTM_DELADDR.
SENDER = """
import socket, struct, sys
sys.stdin.readline()
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
for kind, flags in ((20, 0x605), (21, 5)):
    for number in range(1, 13):
        sock.send(struct.pack("=IHHIIBBBBIHH4s", 32, kind, flags, number, 0, socket.AF_INET, 32, 0, 0, 1,
                              8, 2, bytes([198, 51, 100, number])))
        assert struct.unpack_from("=i", sock.recv(65536), 16) == (0,)
"""


def asks():
    """What asks for lo, each time it is called: RTM_GETLINK."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)

    def ask():
        sock.send(struct.pack('=IHHIIBBHiII', 32, 18, 1, 7, 0, 0, 0, 0, 1, 0, 0))
        sock.recv(65536)
    return ask


def hears(group):
    """What waits for a message to a group, each time it is called."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sock.bind((0, 1 << group - 1))
    return lambda: sock.recv(65536)


def busy(work, pause):
    """Has a process do something again and again; returns its number."""
    child = os.fork()
    if not child:
        try:
            while True:
                work()
                time.sleep(pause)
        finally:
            os._exit(1)
    return child


def ended(children):
    """Ends such processes."""
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class Run:
    """What the tracer says of one command."""

    def __init__(self, roots, parser, text, status):
        self.roots = roots
        self.threads = parser.threads
        self.tasks = parser.tasks
        self.text = text
        self.status = status
        self.calls = [call for _, root in roots for call in root.walk()]

    def named(self, name):
        """The calls of a function."""
        return [call for call in self.calls if trace_steps.base(call.name) == name]

    def messages(self, function=None):
        """All messages, or those at a function."""
        return [message for call in self.calls for message in call.messages
                if function in (None, trace_steps.base(call.name))]

    def requests(self):
        """What user space has sent."""
        return self.messages('netlink_unicast')

    def errors(self):
        """Messages that carry an error."""
        return [message for message in self.messages() if message.get('error', 0) < 0]


class Watching:
    """These tests; tracer, specs and why are those of nl_values.py."""

    tracer = specs = why = None

    def record(self, command, status=0, limit=None):
        """Records a command or a function."""
        raise NotImplementedError

    def watch(self, pids, feed=lambda: None, seconds=60):
        """Records what runs already, until feed() raises KeyboardInterrupt, as Ctrl-C does."""
        parser = trace.Parser()
        explainer = trace_steps.Explainer(trace_decode.Decoder(self.specs), 3, trace_live.Holders())

        def explain(roots):
            explainer.explain(roots)
            self.why.explain(roots)

        out = io.StringIO()
        args = argparse.Namespace(names=False, full=False, times=False)
        counter = trace_summary.Counter(lambda pid: str(parser.threads.get(pid, pid)))
        live = trace_live.Live(parser, explain, lambda root: root.shows_netlink(),
                               lambda shown: trace.render(shown, parser.tasks, args, out, parser.threads,
                                                          True), counter)

        def fed(text):
            live.feed(text)
            feed()

        equal(self.tracer.watch(live.threads(pids), fed, seconds), 0, 'lost events')
        live.turn(last=True)
        return Run(list(live.kept), parser, out.getvalue(), 0), counter

    def loaded(self):
        """a module that comes while it is recorded: what of it was not, of a command and with --pid"""
        def come():
            subprocess.run(['modprobe', 'unix_diag'], check=True)

        def come_and_stop():
            come()
            raise KeyboardInterrupt

        for record in (lambda: self.record(come), lambda: self.watch([os.getppid()], come_and_stop)):
            subprocess.run(['rmmod', 'unix_diag'], capture_output=True, check=False)
            if 'unix_diag' in trace_record.modules():
                raise Skip('unix_diag cannot be removed')
            self.tracer.warnings.clear()
            record()
            if 'unix_diag' not in trace_record.modules():
                raise Skip('unix_diag is no module of this kernel')
            said = [line for line in self.tracer.warnings if line.startswith('the module unix_diag was ')]
            # net/unix/diag.c: unix_diag_handler_dump() and unix_diag_dump().
            if len(said) != 1 or not re.search(r'its functions \(unix_diag_\w+\(\) and \d+ more\)', said[0]):
                raise Failure(self.tracer.warnings)

    def running(self):
        """--pid: a process that runs already: its threads and its children, as often as they ask"""
        with subprocess.Popen([sys.executable, '-c', ASKER], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as process:
            thread = int(process.stdout.readline())

            def begin():
                if not process.stdin.closed:
                    process.stdin.close()

            run, counter = self.watch([process.pid], begin)
        asked = {row.process: row.requests for row in counter.rows() if row.command == 'RTM_GETLINK'}
        equal(asked.pop(str(process.pid)), 12, 'requests of the process with its thread')
        equal(list(asked.values()), [3], 'requests of its child')
        of_thread = [root for pid, root in run.roots if pid == thread and root.title() == 'sendto()']
        equal(len(of_thread), 5, 'requests of the thread')
        equal(len([message for message in run.messages('__netlink_sendskb')
                   if message['name'] == 'RTM_NEWLINK']), 15, 'answers')

    def everybody(self):
        """--all: which process sends, and which one does not read, while others ask, and others read"""
        noise = [busy(asks(), 0.2), busy(hears(5), 0)]
        try:
            self.one_does_not_read(*noise)
        finally:
            ended(noise)

    def one_does_not_read(self, asker, hearer):
        """Among others, of which one asks, and one reads what it does not."""
        run = [sys.executable, '-c']
        with subprocess.Popen(run + [READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as reader, \
                subprocess.Popen(run + [SENDER], stdin=subprocess.PIPE) as sender:
            port = int(reader.stdout.readline())

            def until():
                if not sender.stdin.closed:
                    sender.stdin.close()
                # Once: what comes after that is what was recorded until then.
                if sender.returncode is None and sender.poll() is not None:
                    raise KeyboardInterrupt

            run, counter = self.watch([], until)
            equal(sender.returncode, 0, 'status of the sender')
            drops = [int(row[8]) for row in map(str.split, Path('/proc/net/netlink').read_text(
                encoding='ascii').splitlines()[1:]) if row[1] == '0' and int(row[2]) == port]
            reader.stdin.close()
        told = {row.process: row.requests for row in counter.rows()
                if row.command == 'to a group: RTM_NEWADDR'}
        equal(told, {str(sender.pid): 12}, 'who told of addresses')
        full = run.named('netlink_overrun')
        equal({call.facts.get('owner') for call in full}, {port}, 'who does not read')
        equal(len(full), drops[0], 'messages that were lost')
        equal({pid for pid, root in run.roots if any(call in full for call in root.walk())},
              {sender.pid}, 'who sent them')
        name = Path(sys.executable).name[:15]
        for text in (f'the receive queue of portid {port} of {name}, process {reader.pid}, is full',
                     f'{name}, process {sender.pid}]'):
            if text not in run.text:
                raise Failure(f'{text}: not said in\n{run.text[-6000:]}')
        for child, what in ((asker, 'netlink_sendmsg'), (hearer, 'netlink_recvmsg')):
            if not any(call.name == what for pid, root in run.roots if pid == child for call in root.walk()):
                raise Failure(f'process {child} makes no noise: {what} is not seen')
        # What --errors leaves of it.
        asked = argparse.Namespace(only=None, protocol=None, family=None, group=None, errors=True)
        wanted = trace.Filter(asked, trace_decode.Decoder(self.specs)).wants
        equal({pid for pid, root in run.roots if wanted(root)}, {sender.pid}, '--errors')
