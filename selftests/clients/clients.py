#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
Netlink clients against nlpeer: what each of them sees of a behaviour, as KTAP,
and compared with the table of README.md.

A client is a program with_*, beside this one. It prints "client NAME VERSION", a
line "has BEHAVIOUR" for each behaviour that its library has a means for, and a
line ".". Then it reads names of behaviours from its standard input, and for each
of them prints what it has seen, line by line, and ".":

    resolve    family ID; group ID, where a group can be resolved
    echo       u32, u64, string, binary (in hex), nest.u32, nest.string, each with
               the value of what echo returned for the values of ECHO below
    dump       object ID COUNTER NAME A B V1 ... V6 [EXTRA], for each of 10,000
    event      joined, and after that the one event that it gets: event COOKIE TEXT
    interrupt  a trouble-get dump of 10,000 objects with interrupt-after 5,000: objects
               COUNT, and interrupted HOW if the library said so
    overrun    joined; while it is stopped, more events come than fit. overrun HOW
               when the library says so, and event COOKIE for each, to the one
               with the cookie LAST
    extack     a trouble-get with errno EDOM: error ERRNO; message TEXT; attribute
               PATH or offset BYTES, as far as the library passes them on; by-hand
               if its user has to take them out of the message
    large      a trouble-get with size LARGE: data BYTES (in hex), or truncated HOW
    vanish     resolved; then it waits for a line, and when the family has gone it
               sends an echo by the id that it had: error ERRNO
    odd N      on a socket of its own, an odd-get of what N: for each reply that the
               library hands out "reply", and number N, text TEXT, wide N and nest N as
               far as they are in it; then "next", and on the same socket an echo of
               u32 alone: u32 N

Other lines ("raised ...") are shown when the behaviour is wrong.
"""

import argparse
import copy
import errno
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIP = 4
SLOW = int(os.environ.get('TEST_SLOW', '1'))
# YNL in Python takes half a minute for 10,000 objects on a busy emulated machine.
TIMEOUT = 90 * SLOW

OBJECTS = 10000
LAST = 2 ** 32 - 1
LARGE = 65531
ECHO = ['u32 42', 'u64 1099511627776', 'string hello, kernel', 'binary 000102',
        'nest.u32 7', 'nest.string inside']
EVENT = ['event 7 from another process']
# What is right of each odd reply, in the order of their numbers.
PLAIN = ['number 7', 'text odd']
ODD = {
    'nothing': PLAIN, 'done-empty': PLAIN, 'done-short': PLAIN, 'no-done': PLAIN,
    'next-seq': PLAIN, 'last-seq': PLAIN, 'other-port': PLAIN, 'other-type': PLAIN,
    'event-first': PLAIN, 'event-behind': PLAIN, 'twice': PLAIN,
    'no-nul': ['number 7', 'text odd!'], 'empty-text': ['number 7', 'text '],
    'no-text': ['number 7', 'text '], 'plain-nest': ['number 7', 'nest 7'],
    'byte-order': PLAIN, 'unpadded': ['number 7', 'text od'], 'trailing': PLAIN,
    'short-attribute': PLAIN, 'unknown-nested': ['number 7'], 'unknown-byte-order': PLAIN,
    'duplicate': PLAIN, 'misaligned': ['number 7', 'text oddly', 'wide 7'], 'noop': PLAIN,
    'overrun': PLAIN, 'ack-whole': PLAIN, 'ack-bare': PLAIN, 'ack-first': PLAIN,
}
# How long a client waits for what does not come, in seconds without work.
IDLE = 2 * SLOW
EXTACK_TEXT = 'the request has asked for this error'
# The attribute follows the headers of netlink and generic netlink.
EXTACK_OFFSET = 16 + 4

# The part that needs no large download; all clients take part in 'make clients'.
SMALL = ('with_iproute2.py', 'with_ynl.py', 'with_ynl', 'with_libnl', 'with_libmnl',
         'with_strace.py')
MORE = ('with_pyroute2.py', 'with_neli', 'with_genetlink', 'with_netlink_bindings',
        'with_mdlayher', 'with_vishvananda')

# Each table of README.md stands between these.
BEGIN, END = '<!-- {} made by make clients -->\n', '<!-- end -->\n'


class Wrong(Exception):
    """The client has not seen what was there to be seen."""


class Gone(Exception):
    """The client has ended, or says nothing."""


class Peer:
    """nlpeer without any library: a socket, and the family's ids as iproute2 has them."""

    EVENT_SEND = 5

    def __init__(self):
        text = subprocess.run(['genl', 'ctrl', 'get', 'name', 'nlpeer'], check=True,
                              capture_output=True, text=True).stdout
        self.family = int(re.search(r'ID: (0x\w+)', text)[1], 16)
        self.group = int(re.search(r'ID-(0x\w+)\s+name: events', text)[1], 16)
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)

    def event_send(self, cookie, text='', count=1):
        """Send events with this cookie, by one system call."""
        data = text.encode() + b'\0'
        attrs = struct.pack('=HHIHH', 8, 1, cookie, 4 + len(data), 2) + data
        attrs += bytes(-len(attrs) % 4)
        message = struct.pack('=IHHIIBBH', 20 + len(attrs), self.family, 1, 0, 0,
                              self.EVENT_SEND, 1, 0) + attrs
        self.sock.send(message * count)

    def drops(self):
        """How many messages generic netlink sockets could not take."""
        rows = Path('/proc/net/netlink').read_text(encoding='ascii').splitlines()[1:]
        return sum(int(row.split()[8]) for row in rows if row.split()[1] == '16')

    def burst(self):
        """More events than the slowest reader has room for."""
        before = self.drops()
        for _ in range(100):
            self.event_send(1, count=500)
            if self.drops() != before:
                return
        raise Wrong('no socket has overflown')


class Module:
    """nlpeer as a module, which comes and goes."""

    LOADER = Path('/proc/sys/kernel/modprobe')

    def __init__(self):
        self.loader = self.LOADER.read_text(encoding='ascii')

    def unload(self):
        """Remove it; asking for the family does not bring it back."""
        self.LOADER.write_text('/bin/false\n', encoding='ascii')
        end = time.monotonic() + TIMEOUT
        while subprocess.run(['rmmod', 'nlpeer'], check=False).returncode:
            if time.monotonic() > end:
                raise RuntimeError('nlpeer cannot be removed')
            time.sleep(0.1)

    def load(self):
        """Put everything back."""
        self.LOADER.write_text(self.loader, encoding='ascii')
        if not Path('/sys/module/nlpeer').exists():
            file = os.environ.get('NLPEER_KO')
            subprocess.run(['insmod', file] if file else ['modprobe', 'nlpeer'], check=True)


class Client:
    """A client: its process, and what it says of itself."""

    def __init__(self, file):
        self.file = file
        self.process = self.lines = None
        self.start()

    def start(self):
        """Start it; what it says first comes by hello()."""
        # A session of its own, so that what it starts stops with it.
        self.process = subprocess.Popen([self.file], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        errors='replace', start_new_session=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, args=(self.process.stdout, self.lines),
                         daemon=True).start()

    @staticmethod
    def read(stream, lines):
        """Put all lines into a queue, and None at their end."""
        for line in stream:
            lines.put(line.rstrip('\n'))
        lines.put(None)

    def hello(self):
        """Its name, its version and the behaviours that it has a means for."""
        said = list(self.until_end())
        name = next((line.split(' ', 2) for line in said if line.startswith('client ')), None)
        if not name or len(name) < 3:
            raise Gone(f'{self.file.name} does not say what it is: {said}')
        return name[1], name[2], [line[4:] for line in said if line.startswith('has ')]

    def work(self):
        """The time that it has had of the processors, in ticks; None while it runs."""
        try:
            stat = Path(f'/proc/{self.process.pid}/stat').read_text(encoding='ascii')
        except OSError:
            return None
        state, *rest = stat.rpartition(') ')[2].split()
        return None if state == 'R' else (rest[10], rest[11])

    def next_line(self, end, idle):
        """The next line; raises Gone if there is none in time, or, where idle says how
        many seconds that may be, none comes and no work is done for it."""
        work, since = None, time.monotonic()
        while True:
            try:
                return self.lines.get(timeout=0.1 if idle else max(0, end - time.monotonic()))
            except queue.Empty:
                now, before, work = time.monotonic(), work, self.work()
                if work is None or work != before:
                    since = now
                if now > end or not idle or now - since > idle:
                    raise Gone('hangs') from None

    def until_end(self, idle=None):
        """The lines until the end of a behaviour."""
        end = time.monotonic() + TIMEOUT
        while True:
            line = self.next_line(end, idle)
            if line is None:
                status = self.process.wait()
                raise Gone(f'killed by {signal.Signals(-status).name}' if status < 0
                           else f'ends with status {status}')
            if line == '.':
                return
            yield line

    def say(self, line):
        """A line for its standard input."""
        try:
            self.process.stdin.write(line + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def signal(self, number):
        """Send a signal to all of its processes."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        """Stop it, and wait until it stands."""
        self.signal(signal.SIGSTOP)
        state = Path(f'/proc/{self.process.pid}/stat')
        while state.read_text(encoding='ascii').rpartition(') ')[2][0] not in 'TtZ':
            time.sleep(0.001)

    def restart(self):
        """End it, and start it anew."""
        self.end()
        self.start()
        self.hello()

    def end(self):
        """End it in any case."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()


class Behaviours:
    """What the runner does meanwhile, and what the client must have seen. Each of
    them returns what is worth to be known of a client that did it right."""

    def __init__(self):
        self.module = Module()
        self.peer = Peer()

    def run(self, client, name):
        """Have a client do it; returns how, or raises Wrong."""
        seen = []
        action = getattr(self, f'while_{name}', None)
        ticker = Ticker(self.peer)
        client.say(name)
        try:
            for line in client.until_end():
                seen.append(line)
                if action:
                    action(client, line, ticker)
        except Gone as error:
            client.restart()
            raise Wrong(f'{error}{self.last(seen)}') from None
        finally:
            ticker.end()
            if name == 'vanish':
                self.module.load()
                self.peer = Peer()
        return getattr(self, f'check_{name}')(seen)

    @staticmethod
    def last(seen):
        """What a client has said last, for an error."""
        return f' after "{seen[-1]}"' if seen else ''

    @staticmethod
    def is_complaint(line):
        """Whether that is no part of a behaviour."""
        return line.split(' ')[0] in ('raised', 'error', 'code', 'said')

    def complaint(self, seen):
        """What a client has said that is no part of the behaviour."""
        return ' / '.join(filter(self.is_complaint, seen))[:120]

    @staticmethod
    def word(seen, key):
        """The rest of the first line that begins with a word, or None."""
        return next((line[len(key) + 1:] for line in seen
                     if line == key or line.startswith(key + ' ')), None)

    def must(self, seen, want, what):
        """Raise Wrong unless exactly these lines are there."""
        if seen != want:
            other = [line for line in seen if line not in want]
            raise Wrong(' / '.join(other[:2])[:100] or f'not all of {what}')

    def check_resolve(self, seen):
        """The id, and that of the group, as others know them."""
        want = [f'family {self.peer.family}', f'group {self.peer.group}']
        if self.word(seen, 'group') is None:
            self.must(seen, want[:1], 'the ids')
            return 'no groups'
        self.must(seen, want, 'the ids')
        return ''

    def check_echo(self, seen):
        """All attributes, in the order of their numbers or of a table of the client."""
        self.must(sorted(seen), sorted(ECHO), 'the attributes')
        return ''

    def check_dump(self, seen):
        """Each object, by the words of the spec."""
        want = []
        for i in range(OBJECTS):
            values = [i, i << 32 | i, f'obj-{i}', i + 1, i + 2, *range(i + 10, i + 16)]
            if i % 4 == 0:
                values.append(i ^ 0xffff)
            want.append('object ' + ' '.join(map(str, values)))
        self.must(seen, want, 'the objects')
        return ''

    def while_event(self, _, line, __):
        """An event for the one who has joined."""
        if line == 'joined':
            self.peer.event_send(7, 'from another process')

    def check_event(self, seen):
        """That one."""
        self.must(seen[1:], EVENT, 'the event')
        return ''

    def check_interrupt(self, seen):
        """Whether the library told its user."""
        how = self.word(seen, 'interrupted')
        if how is None:
            raise Wrong(self.complaint(seen) or 'not reported')
        return how

    def while_overrun(self, client, line, ticker):
        """A reader that stands still is slow enough for every library."""
        if line == 'joined':
            client.stop()
            try:
                self.peer.burst()
            finally:
                client.signal(signal.SIGCONT)
            ticker.start()

    def check_overrun(self, seen):
        """Whether the library told its user, and could go on."""
        how = self.word(seen, 'overrun')
        if how is None:
            raise Wrong(self.complaint(seen) or 'not reported')
        if not any(line.startswith(f'event {LAST}') for line in seen):
            raise Wrong(f'{how}, and no event after it')
        return how

    def check_extack(self, seen):
        """The error, and what the library passes on of the extended ack."""
        if self.word(seen, 'error') != str(errno.EDOM):
            raise Wrong(self.complaint(seen) or 'no error')
        parts = {'text': self.word(seen, 'message') == EXTACK_TEXT,
                 'attribute': self.word(seen, 'attribute') == 'error' or
                              self.word(seen, 'offset') == str(EXTACK_OFFSET)}
        missing = [part for part, seen in parts.items() if not seen]
        if missing:
            raise Wrong('no ' + ', no '.join(missing))
        how = ['offset'] if self.word(seen, 'attribute') is None else []
        return ', '.join(how + (['by hand'] if 'by-hand' in seen else []))

    def check_large(self, seen):
        """The whole reply, or an error that says that it is not whole."""
        how = self.word(seen, 'truncated')
        if how is not None:
            return how
        want = bytes(i & 0xff for i in range(LARGE)).hex()
        data = self.word(seen, 'data')
        if data != want:
            raise Wrong(self.complaint(seen) or f'{len(data or "") // 2} bytes, and no error')
        return 'whole'

    def while_vanish(self, client, line, _):
        """The family goes."""
        if line == 'resolved':
            self.module.unload()
            client.say('go')

    def check_vanish(self, seen):
        """ENOENT, whatever the library makes of it."""
        if self.word(seen, 'error') != str(errno.ENOENT):
            raise Wrong(self.complaint(seen) or 'no error')
        return ''

    def odd(self, client, name):
        """Have a client ask for something odd: what the table says of it, and why."""
        seen = []
        client.say(f'odd {list(ODD).index(name)}')
        try:
            seen.extend(client.until_end(IDLE))
        except Gone as error:
            client.restart()
            return f'**{str(error).split()[0]}**', str(error)
        return self.judge(seen, ODD[name])

    def judge(self, seen, right):
        """What is handed out can be wrong, an error is not; and the next answer has to be
        that of the next question."""
        if any(line == 'raised a panic' or ' panicked at ' in line for line in seen):
            return '**panic**', ' / '.join(seen)[:300]
        place = seen.index('next') if 'next' in seen else len(seen)
        first = seen[:place]
        after = [line for line in seen[place + 1:]
                 if line.startswith('u32 ') or self.is_complaint(line)]
        said = self.complaint(first)
        replies = []
        for line in first:
            if line == 'reply':
                replies.append([])
            elif replies and line.split(' ')[0] in ('number', 'text', 'wide', 'nest'):
                replies[-1].append(line)
        # What an error has ended early is not all of it.
        if any(sorted(reply) != sorted(right) and not (said and set(reply) < set(right))
               for reply in replies) or not (replies or said):
            return '**wrong**', ' / '.join(first) or 'no reply'
        if after != ['u32 42']:
            return '**out of step**', ' / '.join(after) or 'no reply'
        return ('error' if said else 'yes'), said

    def names(self):
        """The behaviours in the order of the table, in which the family vanishes last."""
        return [name[6:] for name in vars(Behaviours) if name.startswith('check_')]


class Ticker:
    """Sends the last event again and again, until one arrives."""

    def __init__(self, peer):
        self.peer = peer
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        """Each of them finds a queue with some more room."""
        while not self.over.wait(0.2):
            self.peer.event_send(LAST)

    def start(self):
        """Begin with it."""
        self.thread.start()

    def end(self):
        """End it, if it was begun."""
        self.over.set()
        if self.thread.ident:
            self.thread.join()


class Table:
    """A table of README.md: what was seen when it was made. It has a row for each client,
    or, if it is turned, a column."""

    def __init__(self, title, names, turned=False):
        self.title = title
        self.names = names
        self.turned = turned
        self.rows = {}

    def read(self):
        """The table as it stands."""
        file = HERE / 'README.md'
        text = file.read_text(encoding='utf-8') if file.exists() else ''
        text = text.partition(BEGIN.format(self.title))[2].partition(END)[0]
        lines = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()]
        del lines[1:2]
        if self.turned:
            lines = zip(*lines)
        for name, version, *cells in list(lines)[1:]:
            self.rows[name] = (version, dict(zip(self.names, cells)))
        return self

    def text(self):
        """The table in Markdown."""
        lines = [['client', 'version', *self.names]]
        for name, (version, cells) in self.rows.items():
            lines.append([name, version, *(cells.get(key, '—') for key in self.names)])
        if self.turned:
            lines = list(zip(*lines))
        lines.insert(1, ['---'] * len(lines[0]))
        return ''.join('| ' + ' | '.join(line) + ' |\n' for line in lines)

    def compare(self, name, version, behaviour, cell):
        """Returns ok, not ok or a reason to skip."""
        old_version, cells = self.rows.get(name, (None, {}))
        old = cells.get(behaviour)
        if cell == old:
            return 'ok', ''
        if old is None:
            return 'not ok', f'README.md has no such row: {cell}. Run make clients'
        if version == old_version or old.startswith('yes'):
            return 'not ok', f'{cell}, and README.md has: {old}. If that is right, make clients'
        return 'skip', f'{cell} with {version}; README.md has {old} with {old_version}'


def cell_of(behaviours, client, name):
    """What the table says of a behaviour: yes, how; or what is wrong."""
    try:
        how = behaviours.run(client, name)
    except Wrong as error:
        return '**no**: ' + str(error).replace('|', '/')
    return f'yes: {how}' if how else 'yes'


def sum_of(cells):
    """What the table says of all odd replies."""
    wrong = sum(cell.startswith('**') for cell in cells)
    errors = sum(cell == 'error' for cell in cells)
    if wrong:
        return f'**no**: {wrong} of {len(cells)}'
    return f'yes: {errors} errors' if errors else 'yes'


def main():
    """Run all clients and print KTAP."""
    parser = argparse.ArgumentParser(description='Netlink clients against nlpeer.')
    parser.add_argument('--all', action='store_true',
                        help='also the clients that need large downloads')
    parser.add_argument('--write', metavar='DIR',
                        help='write the tables of what was seen, and compare with none')
    parser.add_argument('client', nargs='*', help='only these (with_libmnl ...)')
    args = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)

    files = [HERE / name for name in args.client or SMALL + (MORE if args.all else ())]
    behaviours = Behaviours()
    # All replies that are odd come in front of it.
    *names, last = behaviours.names()
    tables = {'clients': Table('clients', [*names, 'odd', last]),
              'odd': Table('odd', ODD, turned=True)}
    seen = copy.deepcopy(tables)
    clients = {file: Client(file) if file.exists() else None for file in files}
    plan = []
    for file, client in clients.items():
        if client is None:
            plan.append((None, file.name, 'skip', 'it is not built: its library is missing', ''))
            continue
        try:
            name, version, has = client.hello()
        except Gone as error:
            plan.append((None, file.name, 'not ok', str(error), ''))
            continue
        plan.extend((client, name, version, 'clients', key) for key in names if key in has)
        seen['clients'].rows[name] = (version, {})
        if 'odd' in has:
            seen['odd'].rows[name] = (version, {})
            plan.extend((client, name, version, 'odd', key) for key in ODD)
            plan.append((client, name, version, 'clients', 'odd'))
        if last in has:
            plan.append((client, name, version, 'clients', last))

    for table in tables.values():
        table.read()
    print(f'KTAP version 1\n1..{len(plan)}')
    outcomes = set()
    for number, (client, name, version, kind, behaviour) in enumerate(plan, 1):
        if client is None:
            title, outcome, why = name, version, kind
        else:
            if kind == 'odd':
                title = f'{name}: odd: {behaviour}'
                cell, why = behaviours.odd(client, behaviour)
            else:
                title, why = f'{name}: {behaviour}', ''
                cell = sum_of(seen['odd'].rows[name][1].values()) if behaviour == 'odd' else \
                    cell_of(behaviours, client, behaviour)
            print(f'# {title} ({version}): {cell}' + (f': {why}' if why else ''))
            seen[kind].rows[name][1][behaviour] = cell
            outcome, why = ('ok', '') if args.write else \
                tables[kind].compare(name, version, behaviour, cell)
        outcomes.add(outcome)
        if outcome == 'skip':
            print(f'ok {number} {title} # SKIP {why}')
        else:
            if why:
                print(f'# {why}')
            print(f'{outcome} {number} {title}')
    for client in clients.values():
        if client:
            client.end()
    if args.write:
        for kind, table in seen.items():
            (Path(args.write) / f'{kind}.table').write_text(table.text(), encoding='utf-8')
    if 'not ok' in outcomes:
        return 1
    return 0 if 'ok' in outcomes else SKIP


if __name__ == '__main__':
    sys.exit(main())
