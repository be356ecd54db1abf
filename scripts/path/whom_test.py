# SPDX-License-Identifier: GPL-2.0
"""
Whom trace.py records, and how deep, by its options: everybody, a module that comes, all that was called
below an error; and that nothing of it is left. A part of nl_values.py.
"""

import os
import re
import signal
import subprocess
import sys
import time
import traceback

import trace
from ktap import Failure, equal
from trace_record import read
from watch_test import asks, busy, ended

# Asks nlctrl for the id of nlpeer, and nlpeer for a number (NLPEER_CMD_ECHO is 1).
ECHO = """
import socket, struct
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
sock.send(struct.pack("=IHHIIBBHHH8s", 32, 16, 1, 1, 0, 3, 2, 0, 11, 2, b"nlpeer"))
number, = struct.unpack_from("=H", sock.recv(65536), 36)
sock.send(struct.pack("=IHHIIBBHHHI", 28, number, 5, 2, 0, 1, 1, 0, 8, 1, 42))
sock.recv(65536)
"""


class Whom:
    """These tests; what they use is that of nl_values.py."""

    stack = work = specs = why = None
    # What was there before all tests, and before those that say that it is there again.
    before = now = None
    # When the run of --all was told to stop, its status, and when it had ended.
    stopped = None

    def program(self, *words):
        """Runs the tracer as a program, but for the start of Python and what is read once; returns its
        process. What it says goes to the files out and err.
        """
        sys.stdout.flush()
        files = [os.open(self.work / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in ('out', 'err')]
        child = os.fork()
        if child:
            for file in files:
                os.close(file)
            return child
        status = 125
        try:
            for number, file in enumerate(files, 1):
                os.dup2(file, number)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            trace.Specs, trace.Btf = lambda folders: self.specs, lambda: self.why.btf
            sys.argv = ['trace.py', *words]
            status = trace.run()
        except BaseException:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def status(self, process):
        """The exit status of it."""
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def said(self, name='err'):
        """What it has said."""
        return (self.work / name).read_text(encoding='utf-8')

    @staticmethod
    def left():
        """What is set up for tracing: the functions of all, the instances, and the probes of these runs."""
        root = trace.TRACEFS[0]
        return (read(f'{root}/set_graph_function'), sorted(os.listdir(f'{root}/instances')),
                [line for line in read(f'{root}/dynamic_events').splitlines() if 'netlink_path_' in line])

    def all_until_stopped(self):
        """--all: what everybody does, and who it is"""
        self.now = self.left()
        children = [busy(asks(), 0.3)]
        try:
            # It prints while it records.
            program = self.program('--all', '--names', '--timeout', '300')
            name = read(f'/proc/{children[0]}/comm').strip()
            seen = re.compile(rf'^\[{re.escape(name)}, process {children[0]}\]\n'
                              r'(?:(?!\[).*\n)*?netlink_sendmsg', re.M)
            end = time.monotonic() + 60
            while not seen.search(self.said('out')):
                if time.monotonic() > end or os.waitpid(program, os.WNOHANG)[0]:
                    raise Failure(f'{self.said("out")[-2000:]}\n{self.said()}')
                time.sleep(0.1)
        finally:
            ended(children)
        os.kill(program, signal.SIGINT)
        self.stopped = time.monotonic(), self.status(program), time.monotonic()
        if 'events did not fit' in self.said():
            raise Failure(self.said())

    def stopped_well(self):
        """--all: Ctrl-C ends it well, and tracing is as it was"""
        if not self.stopped:
            raise Failure('nothing was recorded')
        begin, status, end = self.stopped
        equal(status, 0, 'status')
        if end - begin > 60 or 'recording, until Ctrl-C or for 300 s' not in self.said():
            raise Failure(f'{end - begin} s: {self.said()}')
        equal(self.left(), self.now, 'tracing')

    def module(self):
        """a module that the command loads: its tracepoints"""
        self.now = self.left()
        subprocess.run(['rmmod', 'nlpeer'], check=True)
        (self.work / 'echo.py').write_text(ECHO, encoding='ascii')
        module = os.environ.get('NLPEER_KO', '/genl/mod/nlpeer.ko')
        # Somebody has a file of the instance open when it has to go.
        status = self.status(self.program(
            '--names', '--only', 'genl_do_enter', '--output', str(self.work / 'mod'), '--sh',
            f'insmod {module} && python3 {self.work}/echo.py; sleep 1000 < {trace.TRACEFS[0]}/instances/'
            f'netlink-path-$PPID/tracing_on > /dev/null 2>&1 & echo $! > {self.work}/held'))
        equal(status, 0, 'status')
        if not re.search(r'^ *\* genl_do_enter: family=nlpeer cmd=1', self.said('mod'), re.M):
            raise Failure(f'{self.said("mod")}\n{self.said()}')

    def held(self):
        """an instance of which a file is open: told of, and its probes are gone"""
        told = re.search(r'(\S+/netlink-path-(\d+)) is still there \(.*\): somebody has a file of it open',
                         self.said())
        os.kill(int(self.said('held')), signal.SIGKILL)
        if not told:
            raise Failure(self.said())
        equal(self.left()[1], sorted([*self.now[1], os.path.basename(told[1])]), 'instances')
        equal(self.left()[2], self.now[2], 'probes')

    def deep(self):
        """--deep: what the function that made the error has called"""
        # With it no other can run.
        self.stack.close()
        route = 'ip route add 203.0.113.0/24 via 198.51.100.1'
        # net/ipv4/fib_semantics.c: fib_check_nh() looks for the gateway, in the tables as long as there
        # is no rule of somebody, then by __fib_lookup(). Compilers may make one function of it.
        makers = [r'by fib_check_nh(_v4_gw)?\(\)', r'by __fib_lookup\(\)']
        equal(self.status(self.program('--deep', '--text', str(self.work / 'deep'), '--', 'unshare', '-n', 'sh', '-c',
                                       f'{route}; ip rule add pref 7 lookup 77; {route}')), 2, 'status')
        text = self.said('deep')
        made = re.findall(r'ENETUNREACH was made (.*)', text)
        seen = f'{text[-6000:]}\n{self.said()}\n{made}'
        if len(made) != 2 or not all(map(re.match, makers, made)):
            raise Failure(seen)
        if not re.search(r'^ *fib_check_nh(.*\n)+? *fib_table_lookup', text, re.M):
            raise Failure(seen)

    def nothing_left(self):
        """tracing is as it was"""
        self.stack.close()
        equal(self.left(), self.before, 'tracing')

    def whom(self):
        """The tests, in their order."""
        return [self.all_until_stopped, self.stopped_well, self.module, self.held, self.deep,
                self.nothing_left]
