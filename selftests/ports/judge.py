# SPDX-License-Identifier: GPL-2.0

"""
The judge of the ports: the same requests and commands against a family's module in C
and against its port in Rust, in the same kernel, one after the other. What both have
answered is compared, all bytes of it. README.md says how the cases of a port are written.
"""

import contextlib
import ctypes
import difflib
import errno
import fcntl
import fnmatch
import itertools
import os
import pickle
import pprint
import random
import re
import shlex
import socket
import struct
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

# The results are printed by what the tests of this project share.
sys.path[:0] = [str(Path(__file__).resolve().parent)] + \
    [str(Path(__file__).resolve().parents[1] / folder) for folder in ('.', 'lib')]

# pylint: disable=wrong-import-position
import from_spec
import message
from ktap import Failure, ktap_run
from message import (NLM_F_ACK, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_HDRLEN,
                     Codec, Reply, attribute, genl, kernel_spec, pyynl)

__all__ = ['Difference', 'Failing', 'Judge', 'attribute', 'genl', 'main', 'no_policy',
           'old_table', 'refused', 'rtnetlink']

HERE = Path(__file__).resolve().parent

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_PKTINFO, NETLINK_EXT_ACK = 1, 3, 11
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_CMD_GETPOLICY = 16, 3, 10
GENL_CMD_CAP_HASPOL = 8
CTRL_ATTR_FAMILY_NAME = 2
PR_SET_DUMPABLE = 4
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

# In place of what differs from run to run: the number of the family, which no family
# has; the sequence number and the port of the request, and other ones than these.
FAMILY = 0x1000
OWN, OTHER = 1, 2

# Numbers: those of the module are slow to calculate with.
MSG_TRUNC, MSG_DONTWAIT = int(socket.MSG_TRUNC), int(socket.MSG_DONTWAIT)

SLOW = int(os.environ.get('TEST_SLOW', '1'))
# How many random requests there are, and how many make has written; how many others there have to
# be at least.
RANDOM, WRITTEN = int(os.environ.get('TEST_RANDOM') or '2000'), 5000
LEAST = 60

# All grace periods of RCU are short meanwhile: what removes a namespace, a device or a peer of
# wireguard waits for several of them, and nothing that is compared depends on how long. And a new
# namespace has no device but lo, whatever tunnels this kernel has: families count devices.
CONDITIONS = {Path('/sys/kernel/rcu_expedited'): '1',
              Path('/proc/sys/net/core/fb_tunnels_only_for_init_net'): '1'}
# How many cases are named that took the longest.
LONGEST = 5
# Of how many cases that differ on purpose it is tried whether they may differ in more, and in
# how many bytes of each: in few where it has many, and then of no other case.
TRIED, BYTES, LONG = 3, 100, 50000


@dataclass
class Difference:
    """
    What the port answers otherwise on purpose. 'case' is the name of the case, or a pattern
    of names as a shell has them; 'line' is where C does it, and 'code' is in that line of the
    kernel's source: lint looks for it. holds(c, rust) gets both records
    and says whether they differ in this way and in no other. 'free' are the attributes whose
    values may be any where it is these that differ; 'by_chance' says that all that C answers
    depends on what is in memory.
    """
    case: str
    what: str
    why: str
    line: str
    code: str
    holds: object
    free: tuple = ()
    by_chance: bool = False


@dataclass
class Failing:
    """
    A request of which failing_alloc.py has each allocation fail. before(judge) makes what it
    needs, in each new namespace. 'ended' is how it ends with memory, the name of an errno where
    it is refused; 'partial' says that what is refused for lack of memory may be done in part.
    Of another family than that of the cases 'op' is the number of a command, and 'attrs' bytes.
    'timer' is the attribute that numbers events which a timer tells: it is there that allocations
    fail then. 'lack' are more names of errnos by which the kernel says that it has no memory.
    """
    op: object
    attrs: object = None
    mode: str = 'do'
    header: object = None
    family: str = ''
    name: str = ''
    before: object = None
    ended: str = 'done'
    partial: bool = False
    timer: str = ''
    lack: tuple = ()


@dataclass
class Record:
    """What a case has brought: datagrams of answers, events, and the words of a tool."""
    name: str
    kind: str
    # The family of the answers, whose spec explains them.
    family: str = ''
    # The whole message that was sent, as it is quoted.
    request: bytes = b''
    # Of each: whether it was cut, and its bytes.
    datagrams: list = field(default_factory=list)
    # Of each: the namespace, the group, and its bytes.
    events: list = field(default_factory=list)
    # What send() and recv() have refused.
    errors: list = field(default_factory=list)
    text: list = field(default_factory=list)
    # The result that it is a part of, if it has none of its own.
    result: str = ''
    # How long it took, with what was done for it before.
    seconds: float = 0
    # The messages, once they are read.
    read: list = None

    def __getstate__(self):
        return {**self.__dict__, 'read': None}

    def same(self, other):
        """Whether nothing differs."""
        return self.datagrams == other.datagrams and self.same_beside(other)

    def same_beside(self, other):
        """Whether nothing differs beside the answers."""
        return (self.events, self.errors, self.text) == (other.events, other.errors, other.text)

    def size(self):
        """How many bytes have been answered."""
        return sum(len(data) for _, data in self.datagrams)

    def flags(self):
        """Those of the request."""
        return struct.unpack_from('=H', self.request, 6)[0] if self.request else 0

    def is_answered(self, error=0):
        """Whether an acknowledgement or this error is all, without an extended ack."""
        # Only an error quotes more than the header of the request.
        quote = self.request if error else self.request[:NLMSG_HDRLEN]
        body = struct.pack('=i', -error) + quote
        head = struct.pack('=IHHII', NLMSG_HDRLEN + len(body), NLMSG_ERROR,
                           0 if error else NLM_F_CAPPED, OWN, OWN)
        return self.datagrams == [(False, head + body)]

    def but_values(self, values):
        """
        The same where attributes of the answers have other values of the same length. These are
        {name: (old, new)}; it is None where one is missing, or has another value already.
        """
        datagrams, found = [], set()
        for cut, data in self.datagrams:
            out = bytearray(data)
            for attr, path, start in attributes_of(self.family, data):
                if path in values:
                    old, new = values[path]
                    if attr.payload != old:
                        return None
                    out[start:start + len(old)] = new
                    found.add(path)
            datagrams.append((cut, bytes(out)))
        return self.but(datagrams=datagrams) if found == values.keys() else None

    def but(self, **values):
        """The same with something changed."""
        return replace(self, read=None, **values)

    def replies(self):
        """The messages of all datagrams."""
        return [reply for datagram in self.split() for reply in datagram]

    def split(self):
        """The messages of each datagram."""
        if self.read is None:
            self.read = [read_messages(self.family, data) for _, data in self.datagrams]
        return self.read

    def errno(self):
        """That of the last message, None if it has none."""
        replies = self.replies()
        return replies[-1].errno if replies else None

    def lines(self):
        """All of it, to be read and compared."""
        out = [*self.text, *(f'refused: {error}' for error in self.errors)]
        for number, (cut, data) in enumerate(self.datagrams):
            out.append(f'datagram {number}: {len(data)} bytes{", cut" if cut else ""}')
            out += message_lines(self.family, data)
        for space, group, data in self.events:
            out.append(f'event of the group {group} in {space}: {len(data)} bytes')
            out += message_lines(self.family, data)
        return out


CODECS = {}


def codec(family):
    """What the spec of a family knows."""
    if family not in CODECS:
        CODECS[family] = Codec(family)
    return CODECS[family]


def read_messages(family, data):
    """The messages of a datagram."""
    return [Reply(codec(family), one, FAMILY) for one in message.split(data)
            if len(one) >= NLMSG_HDRLEN]


def attributes_of(family, data):
    """
    Yields each attribute of the replies in a datagram, with its name behind that of the
    outermost one that it is in, and where its payload begins.
    """
    def inner(attrs, outer):
        for attr in attrs:
            yield attr, f'{outer}/{attr.name}' if outer else attr.name, at + attr.offset
            if isinstance(attr.value, list):
                yield from inner(attr.value, outer or attr.name)

    at = 0
    for one in message.split(data):
        if len(one) >= NLMSG_HDRLEN:
            yield from inner(Reply(codec(family), one, FAMILY).attrs, '')
        at += len(one)


def message_lines(family, data):
    """A datagram in words."""
    out = []
    for one in message.split(data):
        if len(one) < NLMSG_HDRLEN:
            out.append(f'  no message: {one.hex()}')
        else:
            out += ['  ' + line for line in Reply(codec(family), one, FAMILY).lines()]
    return out


def run_tool(command, **options):
    """Run a command of the judge's own, which has to succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)}: {done.stdout.strip()}')
    return done.stdout


def rtnetlink(kind, body, flags):
    """A request to rtnetlink, without a program that has to be started; it has to succeed."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
        sock.send(message.message(kind, body, NLM_F_REQUEST | NLM_F_ACK | flags, 1))
        error = -struct.unpack_from('=i', sock.recv(65536), NLMSG_HDRLEN)[0]
    if error:
        raise OSError(error, os.strerror(error), f'rtnetlink: {kind}')


def in_child(function):
    """What a function returns in a process of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, 'wb') as pipe:
                try:
                    answer = function(), None
                # Whatever it was, the parent says it.
                except BaseException:  # pylint: disable=broad-exception-caught
                    answer = None, traceback.format_exc()
                pickle.dump(answer, pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, 'rb') as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    result, error = pickle.loads(data) if data else (None, 'the child has died')
    if error:
        raise RuntimeError(error.rstrip())
    return result


def is_loaded(module):
    """Whether it is there."""
    return Path('/sys/module', module.replace('-', '_'), 'initstate').exists()


def unload(module):
    """Let it go, as soon as the namespaces are gone that it is used in."""
    end = time.monotonic() + 20 * SLOW
    while is_loaded(module):
        done = subprocess.run(['rmmod', module], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode and time.monotonic() > end:
            raise RuntimeError(done.stdout.strip())
        if done.returncode:
            time.sleep(0.02)


def module_file(name):
    """A module of the tests: it is never installed."""
    for folder in (os.environ.get('NLPEER_MODULES'), HERE.parent):
        if folder and Path(folder, f'{name}.ko').exists():
            return str(Path(folder, f'{name}.ko'))
    raise FileNotFoundError(f'{name}.ko is not where NLPEER_MODULES says')


class Namespace:
    """A network namespace, with a listener to the events there."""

    def __init__(self, label):
        self.label = label
        self.fd = os.open('/proc/self/ns/net', os.O_RDONLY)
        # For commands such as 'ip link set dev wg0 netns PATH'.
        self.path = f'/proc/{os.getpid()}/fd/{self.fd}'
        self.listener = None
        # Of each user, for requests that leave nothing behind on their socket.
        self.sockets = {}

    def enter(self):
        """Be in it."""
        os.setns(self.fd, CLONE_NEWNET)

    def close(self):
        """Leave nothing that would keep it."""
        for sock in (self.listener, *(sock for sock, _ in self.sockets.values())):
            if sock:
                sock.close()
        os.close(self.fd)


class Judge:
    """One side: sends requests to the module that is loaded, and keeps what comes."""

    def __init__(self, case, side):
        self.case, self.side = case, side
        self.family = case.FAMILY
        self.spec = codec(case.SPEC)
        self.hidden = getattr(case, 'HIDE', {})
        self.records, self.names = [], {}
        # What has gone wrong where nothing is compared.
        self.faults = []
        # When the last case ended.
        self.since = time.time_ns()
        self.spaces, self.here = [], None
        self.uid = 0
        # What names begin with, where cases belong to another one.
        self.within = ''
        self.seq = self.port = 0
        self.id, self.groups = 0, {}
        self.last = time.monotonic()
        self.buffer = memoryview(bytearray(65536))

    # Sockets

    def socket(self):
        """A socket of who asks, in the namespace where it is asked."""
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 16)
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind((0, 0))
        return sock

    @staticmethod
    def mask(data, family, port, seq):
        """A datagram without what differs from run to run."""
        out, at = bytearray(data), 0
        while at + NLMSG_HDRLEN <= len(out):
            length, kind, _, number, owner = struct.unpack_from('=IHHII', out, at)
            if kind == family:
                struct.pack_into('=H', out, at + 4, FAMILY)
            struct.pack_into('=II', out, at + 8, number and (OWN if number == seq else OTHER),
                             owner and (OWN if owner == port else OTHER))
            quote = at + NLMSG_HDRLEN + 4
            if kind == NLMSG_ERROR and quote + NLMSG_HDRLEN <= len(out):
                kind, _, number = struct.unpack_from('=HHI', out, quote + 4)
                if kind == family:
                    struct.pack_into('=H', out, quote + 4, FAMILY)
                struct.pack_into('=I', out, quote + 8,
                                 number and (OWN if number == seq else OTHER))
            at += max(message.align(length), NLMSG_HDRLEN)
        return bytes(out)

    def hide(self, family, hidden, data):
        """
        The same without the values of attributes that nobody can know, by their names. Where
        there is a function for one, that says whether it is a right value at all.
        """
        if not hidden:
            return data
        out = bytearray(data)
        for attr, path, start in attributes_of(family, data):
            name = attr.name if attr.name in hidden else path
            if name in hidden:
                if hidden[name] and not hidden[name](self, attr.value):
                    self.faults.append(f'{name} is {attr.value!r}')
                out[start:start + len(attr.payload)] = bytes(len(attr.payload))
        return bytes(out)

    def exchange(self, sock, data, read):
        """Send a message and read all that comes: (datagrams, errors)."""
        datagrams, errors = [], []
        try:
            sock.send(data)
        except OSError as error:
            return [], [f'send: {errno.errorcode[error.errno]}']
        # What answers does so while it is sent to, and a dump goes on while it is read.
        room = [self.buffer[:read]]
        while len(datagrams) < 100000:
            try:
                size, _, flags, _ = sock.recvmsg_into(room, 0, MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError as error:
                errors.append(f'recv: {errno.errorcode[error.errno]}')
                if len(errors) > 10:
                    break
                continue
            datagrams.append((bool(flags & MSG_TRUNC), bytes(self.buffer[:size])))
        return datagrams, errors

    def ask(self, kind, body, flags, length=None, read=32768, sock=None):
        """Send one message as who is asking now; what comes is masked."""
        self.seq += 1
        data = message.message(kind, body, flags, self.seq, length)
        with self.socket_for(sock, flags) as (own, port):
            datagrams, errors = self.as_user(lambda: self.exchange(own, data, read))
        self.port = port
        return [(cut, self.mask(got, kind if kind == GENL_ID_CTRL else self.id, port, self.seq))
                for cut, got in datagrams], errors

    @contextlib.contextmanager
    def socket_for(self, sock, flags):
        """A socket for a request, and its port: a new one, unless that makes no difference."""
        if sock:
            yield sock, sock.getsockname()[0]
        elif flags & NLM_F_DUMP == NLM_F_DUMP or not self.here:
            # How a dump is split depends on what was read from its socket before.
            with self.as_user(self.socket) as own:
                yield own, own.getsockname()[0]
        else:
            if self.uid not in self.here.sockets:
                own = self.as_user(self.socket)
                self.here.sockets[self.uid] = own, own.getsockname()[0]
            yield self.here.sockets[self.uid]

    def as_user(self, function):
        """What is done with the rights of user() only."""
        if not self.uid:
            return function()
        os.seteuid(self.uid)
        try:
            return function()
        finally:
            os.seteuid(0)

    def find_family(self):
        """The number of the family and of its groups."""
        body = genl(CTRL_CMD_GETFAMILY) + attribute(CTRL_ATTR_FAMILY_NAME,
                                                    self.family.encode() + b'\0')
        datagrams, _ = self.ask(GENL_ID_CTRL, body, NLM_F_REQUEST)
        reply = read_messages('nlctrl', datagrams[0][1])[0]
        if reply.kind != 'reply':
            raise RuntimeError(f'there is no family {self.family}')
        self.id = reply['family-id']
        self.groups = {}
        for group in reply.get('mcast-groups', []):
            values = {attr.name: attr.value for attr in group.value}
            self.groups[values['id']] = values['name']

    # Namespaces and users

    def fresh(self):
        """Go to a new namespace, and make there what the cases need."""
        os.unshare(CLONE_NEWNET)
        space = Namespace(f'namespace {len(self.spaces)}')
        self.spaces.append(space)
        self.here = space
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            request = struct.pack('16sh14x', b'lo', 0)
            flags = struct.unpack_from('h', fcntl.ioctl(sock, SIOCGIFFLAGS, request), 16)[0]
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', flags | IFF_UP))
        setup = getattr(self.case, 'setup', None)
        if setup:
            setup(self)
        # Who listens to nothing is spared the asking.
        if self.groups:
            space.listener = self.socket()
            space.listener.setsockopt(SOL_NETLINK, NETLINK_PKTINFO, 1)
        for number in self.groups:
            space.listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number)
        return space

    @contextlib.contextmanager
    def netns(self):
        """
        In another, new namespace: with judge.netns() as there. It is there until the end of
        the block; inside() goes back to one for some requests.
        """
        before, space = self.here, self.fresh()
        try:
            yield space
        finally:
            before.enter()
            self.here = before
            self.spaces.remove(space)
            space.close()

    @contextlib.contextmanager
    def inside(self, space):
        """In a namespace that is there."""
        before, self.here = self.here, space
        space.enter()
        try:
            yield space
        finally:
            before.enter()
            self.here = before

    @contextlib.contextmanager
    def user(self, uid=65534):
        """As an ordinary user, without any capability."""
        before, self.uid = self.uid, uid
        try:
            yield
        finally:
            self.uid = before

    def userns(self, function):
        """
        As the root of a user namespace, in a network namespace of that: calls function(judge)
        in a child. What it records is kept.
        """
        def child():
            uid = 65534
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            # A process that has changed its user may not write its own maps.
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
            os.unshare(CLONE_NEWUSER)
            Path('/proc/self/setgroups').write_text('deny', encoding='ascii')
            Path('/proc/self/uid_map').write_text(f'0 {uid} 1', encoding='ascii')
            Path('/proc/self/gid_map').write_text(f'0 {uid} 1', encoding='ascii')
            del self.records[:], self.faults[:]
            self.spaces = []
            self.fresh()
            function(self)
            return self.records, self.faults, self.names
        records, faults, self.names = in_child(child)
        self.records += records
        self.faults += faults

    # Cases

    def keep(self, record):
        """Keep a record, with the events that came meanwhile; names are made unique."""
        count = self.names[record.name] = self.names.get(record.name, 0) + 1
        if count > 1:
            record.name += f' ({count})'
        record.events += self.drain()
        record.family = record.family or self.case.SPEC
        now = time.monotonic()
        record.seconds, self.last = now - self.last, now
        self.since = time.time_ns()
        self.records.append(record)
        return record

    def forget(self):
        """Forget the cases so far, and the events that have come."""
        self.drain()
        self.records.clear()
        self.names.clear()

    def drain(self):
        """The events that have come, of all namespaces."""
        out = []
        for space in self.spaces:
            while space.listener:
                try:
                    got, extra, _, _ = space.listener.recvmsg(1 << 18, 64, MSG_DONTWAIT)
                except BlockingIOError:
                    break
                except OSError as error:
                    out.append((space.label, errno.errorcode[error.errno], b''))
                    continue
                group = [struct.unpack('=I', data)[0] for level, kind, data in extra
                         if (level, kind) == (SOL_NETLINK, NETLINK_PKTINFO)]
                name = self.groups.get(group[0], '?') if group else '?'
                data = self.mask(got, self.id, self.port, self.seq)
                out.append((space.label, name, self.hide(self.case.SPEC, self.hidden, data)))
        return out

    def named(self, name, text):
        """The name of a case: what is given, or what is done."""
        if name is None:
            name = text
            for space in self.spaces:
                name = name.replace(space.path, space.label.replace(' ', '-'))
        return self.within + name + (f' as user {self.uid}' if self.uid else '')

    def request(self, name, body, flags, *, kind=None, length=None, read=32768, sock=None):
        """One request, whose answers are kept."""
        kind = self.id if kind is None else kind
        datagrams, errors = self.ask(kind, body, flags, length, read, sock)
        datagrams = [(cut, self.hide(self.case.SPEC, self.hidden, data))
                     for cut, data in datagrams]
        sent = message.message(FAMILY if kind == self.id else kind, body, flags, OWN, length)
        return self.keep(Record(name, 'request', request=sent, datagrams=datagrams,
                                errors=errors))

    def body(self, op, attrs, *, cmd=None, version=None, header=None):
        """What stands behind nlmsghdr."""
        op = self.spec.op(op)
        version = self.spec.version if version is None else version
        values = attrs if isinstance(attrs, bytes) else self.spec.attrs(op.attr_set, attrs)
        return genl(op.req_value if cmd is None else cmd, version) + \
            self.spec.header(op, header) + values

    def do(self, op, attrs=None, *, name=None, flags=NLM_F_ACK, header=None, version=None,
           sock=None, **words):
        """
        A request. Attributes are a dict or a list of pairs by the names of the spec, bytes, or
        words: do('add', port=7000, local_v4=b'....').
        """
        attrs, shown = self.attributes(attrs, words, header)
        return self.request(self.named(name, f'do {op} {shown}'),
                            self.body(op, attrs, header=header, version=version),
                            NLM_F_REQUEST | flags, sock=sock)

    def dump(self, op, attrs=None, *, name=None, flags=0, header=None, version=None, read=32768,
             sock=None, **words):
        """The request of a dump, read with a buffer of so many bytes."""
        attrs, shown = self.attributes(attrs, words, header)
        return self.request(self.named(name, f'dump {op} {shown} by {read} bytes'),
                            self.body(op, attrs, header=header, version=version),
                            NLM_F_REQUEST | NLM_F_DUMP | flags, read=read, sock=sock)

    def attributes(self, attrs, words, header):
        """The attributes of a request, and how they are shown in its name."""
        if attrs is None:
            attrs = {word.replace('_', '-'): value for word, value in words.items()}
        shown = repr(attrs) if not header else f'{attrs!r} {header!r}'
        return attrs, shown if len(shown) < 120 else shown[:117] + '...'

    def raw(self, name, body, *, kind=None, flags=NLM_F_REQUEST | NLM_F_ACK, length=None,
            read=32768, sock=None):
        """
        Any bytes behind nlmsghdr, whose length may be wrong: 'kind' is another type than that
        of the family.
        """
        return self.request(self.named(name, name), body, flags, kind=kind, length=length,
                            read=read, sock=sock)

    def tool(self, command, *, status=0, name=None, stdin='', hide=None):
        """
        A command: its output, its errors and its status. It is run without a shell if it is
        a text; a list is taken as it is. 'hide' is a pattern of what nobody can know. With C it
        has to end with this status: what fails on both sides without being meant to shows
        nothing.
        """
        words = shlex.split(command) if isinstance(command, str) else command
        options = {'user': self.uid, 'group': self.uid, 'extra_groups': []} if self.uid else {}
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False,
                              timeout=60 * SLOW, env={**os.environ, 'LC_ALL': 'C'}, **options)
        text = [f'status {done.returncode}']
        for stream, words_said in (('stdout', done.stdout), ('stderr', done.stderr)):
            if hide:
                words_said = re.sub(hide, '(hidden)', words_said)
            text += [f'{stream}: {line}' for line in words_said.splitlines()]
        shown = command if isinstance(command, str) else shlex.join(command)
        if self.side == 'C' and done.returncode != status:
            self.faults.append(f'{shown}: status {done.returncode}: {done.stderr.strip()}')
        return self.keep(Record(self.named(name, shown), 'tool', text=text))

    def value(self, name, value):
        """Whatever else has to be the same on both sides."""
        return self.keep(Record(self.named(name, name), 'value', text=repr(value).splitlines()))

    def events(self, name, count, seconds=10):
        """Wait for so many events, where they do not come with an answer."""
        record, end = Record(self.named(name, name), 'events'), time.monotonic() + seconds * SLOW
        while len(record.events) < count and time.monotonic() < end:
            record.events += self.drain()
            time.sleep(0.002)
        if len(record.events) < count:
            raise RuntimeError(f'{name}: {len(record.events)} events of {count} have come')
        return self.keep(record)

    def run(self, command):
        """A command that makes what the cases need: it is not compared, and has to succeed."""
        return run_tool(shlex.split(command), env={**os.environ, 'LC_ALL': 'C'})

    def ynl(self, *requests):
        """
        What the kernel's own client in Python makes of the family, by the spec that the kernel
        has. Each request is 'do' or 'dump', the operation and its attributes, and the errno by
        which it is to be refused, if it is. It is used here, since starting a program of it
        takes seconds in an emulated guest.
        """
        ynl = pyynl('ynl')
        with ynl.YnlFamily(str(kernel_spec(self.family)), schema='') as client:
            for mode, op, attrs, *want in requests:
                got = 0
                try:
                    said = pprint.pformat(getattr(client, mode)(op, attrs))
                except ynl.NlError as error:
                    said, got = f'{type(error).__name__}: {error}', error.error
                if [got] != (want or [0]):
                    self.faults.append(f'YNL: {mode} {op} {attrs}: {said}')
                name = self.named(None, f'YNL: {mode} {op} {attrs}')
                self.keep(Record(name, 'tool', text=said.splitlines()))

    def around(self, op, attrs, *, mode='do', header=None, after=None):
        """
        A request that is right, and after it the same with one thing wrong at a time: each
        attribute missing, twice, too short, too long, at its bounds and beyond; the headers;
        the rights. after() is called behind each, so that they do not stand on each other.
        They are one result, but for what after() asks.
        """
        flags = NLM_F_REQUEST | (NLM_F_DUMP if mode == 'dump' else NLM_F_ACK)
        result = f'{mode} {op}, and one thing wrong at a time'
        for what, body, more in from_spec.around(self.spec, op, attrs, header):
            self.raw(f'{mode} {op}: {what}', body, flags=flags ^ more).result = result
            if after:
                after()
        with self.user():
            self.raw(f'{mode} {op}', self.body(op, attrs, header=header), flags=flags)
        if after:
            after()

    # What is asked of all families

    def nlctrl(self):
        """What nlctrl says of the family: all but its numbers, and the policy of each mode."""
        name = attribute(CTRL_ATTR_FAMILY_NAME, self.family.encode() + b'\0')
        datagrams, errors = self.ask(GENL_ID_CTRL, genl(CTRL_CMD_GETFAMILY) + name, NLM_F_REQUEST)
        hidden = dict.fromkeys(('family-id', 'mcast-groups/id'))
        self.keep(Record('nlctrl: the family', 'request', family='nlctrl', errors=errors,
                         datagrams=[(cut, self.hide('nlctrl', hidden, data))
                                    for cut, data in datagrams]))
        replies = read_messages('nlctrl', datagrams[0][1])
        datagrams, errors = self.ask(GENL_ID_CTRL, genl(CTRL_CMD_GETPOLICY) + name,
                                     NLM_F_REQUEST | NLM_F_DUMP)
        self.value('nlctrl: how the policies end', errors)
        policies, modes = {}, {}
        for _, data in datagrams:
            for reply in read_messages('nlctrl', data):
                for attr in reply.get('policy', []):
                    for inner in attr.value:
                        policies.setdefault(attr.name, {})[inner.name] = \
                            {entry.name: entry.value for entry in inner.value
                             if entry.name != 'pad'}
                for attr in reply.get('op-policy', []):
                    for inner in attr.value:
                        modes[attr.name, inner.name] = f'[{inner.value}]'
        for attr in replies[0].get('ops', []):
            number = next(inner.value for inner in attr.value if inner.name == 'id')
            for mode in ('do', 'dump'):
                lines = self.policy(policies, modes.get((f'[{number}]', mode)), ())
                self.keep(Record(f'nlctrl: the policy of command {number}, {mode}', 'value',
                                 text=lines))

    def policy(self, policies, number, outer):
        """The lines of a policy, and in them those of what it nests: their numbers are free."""
        if number is None:
            return ['none']
        lines = []
        for name, entry in policies.get(number, {}).items():
            inner = entry.pop('policy-idx', None)
            lines.append(f'{name} {entry}')
            if inner is not None:
                entry['policy-idx'] = inner
                inner = f'[{inner}]'
                lines += ['  as above'] if inner in outer else \
                    ['  ' + line for line in self.policy(policies, inner, (*outer, inner))]
        return lines

    def join(self):
        """Who may listen to each group."""
        for uid in (0, 65534):
            with self.user(uid):
                for number, name in self.groups.items():
                    sock = self.as_user(self.socket)
                    try:
                        self.as_user(lambda: sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
                                                             number))
                        said = 'joined'
                    except OSError as error:
                        said = errno.errorcode[error.errno]
                    sock.close()
                    self.value(f'the group {name}', said)

    def random(self, requests):
        """Requests that are made from the spec. What they leave ends with each batch."""
        batch = from_spec.BATCH
        begin, settle, state = (getattr(self.case, name, None)
                                for name in ('begin', 'settle', 'state'))
        for start in range(0, len(requests), batch):
            with self.netns(), self.socket() as sock:
                if begin:
                    begin(self)
                for request in requests[start:start + batch]:
                    self.request(request.name, request.body, request.flags, length=request.length,
                                 read=request.read, sock=sock)
                    if settle:
                        settle(self, request)
                self.within = f'random {start}: '
                for name, op in self.spec.spec.ops.items():
                    if 'dump' in op.modes:
                        self.dump(name, {})
                if state:
                    state(self)
                self.within = ''


# Both sides, and what differs

def record(case, side, requests):
    """Load the module of a side, run the cases, and unload it: (records, errors)."""
    modules = case.C_MODULES if side == 'C' else [case.RUST_MODULE]

    def child():
        judge = Judge(case, side)
        judge.find_family()
        judge.fresh()
        errors = judge.faults
        try:
            judge.nlctrl()
            judge.join()
            case.cases(judge)
            judge.random(requests)
            others = [case.RUST_MODULE] if side == 'C' else case.C_MODULES
            for other in others:
                if is_loaded(other):
                    errors.append(f'{other} has been loaded as well')
        except Exception:  # pylint: disable=broad-exception-caught
            errors.append(traceback.format_exc())
        return judge.records, errors

    records, errors = [], []
    try:
        for module in [*reversed(case.C_MODULES), case.RUST_MODULE]:
            unload(module)
        for module in [*getattr(case, 'RUST_NEEDS', []), *modules]:
            load(module)
        records, errors = in_child(child)
    except (RuntimeError, OSError) as error:
        errors.append(str(error))
    try:
        for module in reversed(modules):
            unload(module)
    except RuntimeError as error:
        errors.append(str(error))
    return records, errors


def load(module):
    """A stock module with what it needs, or one of the tests."""
    if not module.startswith('genl_'):
        run_tool(['modprobe', module])
        return
    path = module_file(module)
    for need in run_tool(['modinfo', '-F', 'depends', path]).strip().split(','):
        if need:
            run_tool(['modprobe', need])
    run_tool(['insmod', path])


# What ports have in common that differs on purpose

def old_table(maxattr, ops=None):
    """
    C has an old table, with one policy, which is of the family: its largest attribute is this
    one. 'ops' are the flags of operations that have a policy with the port only, by the number
    of the operation.
    """
    def holds(c, rust):
        want = c.but_values({'maxattr': (struct.pack('=I', maxattr), bytes(4))})
        if not want or len(want.datagrams) != 1:
            return False
        (cut, data), number = want.datagrams[0], None
        out = bytearray(data)
        for attr, path, start in attributes_of('nlctrl', data):
            number = attr.value if path == 'ops/id' else number
            if path == 'ops/flags' and attr.value == (ops or {}).get(number):
                out[start:start + 4] = struct.pack('=I', attr.value | GENL_CMD_CAP_HASPOL)
        return want.but(datagrams=[(cut, bytes(out))]).same(rust)
    return holds


def no_policy(c, rust):
    """The dump has a policy, and in that is nothing."""
    return c.text == ['none'] and c.but(text=[]).same(rust)


def refused(error):
    """C refuses what the port takes."""
    return lambda c, rust: c.is_answered(error) and rust.is_answered() and \
        c.request == rust.request and c.same_beside(rust)


class Verdict:
    """What both sides have answered, compared; the differences on purpose are counted."""

    def __init__(self, sides, differences):
        self.c, self.rust = ({record.name: record for record in side} for side in sides)
        self.order = [[record.name for record in side] for side in sides]
        self.differences, self.occurred = differences, {}

    def names(self):
        """All cases by their results: one for a batch of random requests, and for one name."""
        out = {}
        for name, record in (self.rust | self.c).items():
            result = record.result or (name.split(':', 1)[0] if name.startswith('random ') else
                                       re.sub(r' \(\d+\)$', '', name))
            out.setdefault(result, []).append(name)
        return out

    def differs(self, name):
        """The lines that say how a case differs, if it does otherwise than on purpose."""
        c, rust = self.c.get(name), self.rust.get(name)
        if not c or not rust:
            return [f'{name}: only {"C" if c else "Rust"} has this case']
        if c.same(rust):
            return []
        reasons = []
        for difference in self.differences:
            if fnmatch.fnmatchcase(name, difference.case):
                if difference.holds(c, rust):
                    self.occurred.setdefault(id(difference), []).append((c, rust))
                    return []
                reasons.append(f'it is not this difference: {difference.what}')
        lines = list(difflib.unified_diff(c.lines(), rust.lines(), 'C', 'Rust', n=3, lineterm=''))
        if not lines:
            lines = ['the lines are the same, and the bytes differ']
        return [name, *reasons, *lines[2:]]

    def check(self, names):
        """Fail where one of these cases differs."""
        bad = [lines for lines in map(self.differs, names) if lines]
        for lines in bad[:3]:
            print('\n'.join(f'# {line}' for line in lines[:80]))
        if bad:
            raise Failure(f'{len(bad)} of {len(names)} differ')

    def check_order(self):
        """Both sides have run the same cases."""
        for number, (c, rust) in enumerate(itertools.zip_longest(*self.order)):
            if c != rust:
                raise Failure(f'case {number} is {c!r} of C, and {rust!r} of Rust')
        if not self.order[0]:
            raise Failure('no case has run')
        if len(set(self.order[0])) != len(self.order[0]):
            raise Failure('two cases have one name')

    def check_difference(self, difference):
        """What is said to differ has to, and explains nothing else that differs beside it."""
        if id(difference) not in self.occurred:
            raise Failure(f'{difference.case}: it has not occurred: {difference.what}')
        bad, size = [], 0
        for c, rust in self.occurred[id(difference)][:TRIED]:
            if size > LONG:
                break
            size += c.size()
            if not difference.by_chance:
                bad += [f'{c.name}: C, {what}' for what, other in others(c, difference.free)
                        if still_holds(difference, other, rust)]
            bad += [f'{c.name}: Rust, {what}' for what, other in others(rust, difference.free)
                    if still_holds(difference, c, other)]
        for line in bad[:20]:
            print(f'# it explains more: {line}')
        if bad:
            raise Failure(f'{difference.case}: {len(bad)} other differences are explained as well')


def still_holds(difference, c, rust):
    """Whether a difference is said to be all where something else has been changed."""
    try:
        return difference.holds(c, rust)
    # What is no message any more cannot be read as one.
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error):
        return False


def others(record, free=()):
    """
    Yields (what is changed, a record that differs in this only): a bit of a message, and all that
    is not there or there twice. Values of attributes whose names are free are left alone. Of a
    long record some of that is tried, the same each time.
    """
    rng = random.Random(1)
    size = record.size()
    most = max(2, min(BYTES, BYTES * 1000 // (size + 1)))

    def some(values):
        """Some of them, in their order."""
        values = list(values)
        return [values[at] for at in sorted(rng.sample(range(len(values)), min(most, len(values))))]

    def bits(messages):
        """Which message, and which of its bytes."""
        for number, data in enumerate(messages):
            spared = {at for attr, _, start in attributes_of(record.family, data)
                      if attr.name in free for at in range(start, start + len(attr.payload))}
            yield from ((number, at) for at in range(len(data)) if at not in spared)

    def flip(data, at):
        """With another bit."""
        return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]

    for number, at in some(bits([data for _, data in record.datagrams])):
        datagrams = [*record.datagrams]
        datagrams[number] = datagrams[number][0], flip(datagrams[number][1], at)
        yield f'byte {at} of answer {number}', record.but(datagrams=datagrams)
    for number in some(range(len(record.datagrams))):
        datagrams = [*record.datagrams]
        datagrams[number] = not datagrams[number][0], datagrams[number][1]
        yield f'whether answer {number} was cut', record.but(datagrams=datagrams)
    for number, at in some(bits([data for *_, data in record.events])):
        events = [*record.events]
        events[number] = *events[number][:2], flip(events[number][2], at)
        yield f'byte {at} of event {number}', record.but(events=events)
    for number in some(range(len(record.events))):
        space, group, data = record.events[number]
        for other in (('elsewhere', group, data), (space, 'other', data)):
            events = [*record.events]
            events[number] = other
            yield f'event {number} goes to {other[:2]}', record.but(events=events)
    for name in ('datagrams', 'events', 'errors', 'text'):
        values = getattr(record, name)
        for at in some(range(len(values))):
            yield f'{name}: {at} is gone', record.but(**{name: values[:at] + values[at + 1:]})
            yield f'{name}: {at} is there twice', \
                record.but(**{name: values[:at] + values[at:at + 1] + values[at:]})
    for at in some(range(len(record.text))):
        yield f'line {at} is another one', record.but(
            text=record.text[:at] + ['another'] + record.text[at + 1:])
    yield 'one more event', record.but(events=[*record.events, ('namespace 0', 'other', b'')])
    yield 'one more error', record.but(errors=[*record.errors, 'recv: ENOBUFS'])
    yield 'one more line', record.but(text=[*record.text, 'one more'])


def enough(records):
    """Fail where a side was asked too little to show much."""
    names = [record.name for record in records if record.kind == 'request']
    drawn = sum(1 for name in names if re.fullmatch(r'random \d+: \d+', name))
    own = sum(1 for name in names if not name.startswith('random '))
    if drawn < RANDOM or own < LEAST:
        raise Failure(f'{own} requests, of {LEAST} at least, and {drawn} random ones, of {RANDOM}')
    print(f'# {own} requests and {drawn} random ones')


def said(errors):
    """Fail with what a side could not do."""
    for error in errors:
        print('\n'.join(f'# {line}' for line in error.splitlines()))
    if errors:
        raise Failure(errors[-1].splitlines()[-1])


def tests(sides, differences):
    """What both sides have brought, each its records and errors, as tests."""
    verdict = Verdict([records for records, _ in sides], differences)
    out = [(f'{side}: loaded, asked, unloaded', lambda errors=errors: said(errors))
           for side, (_, errors) in zip(('C', 'Rust'), sides)]
    out.append(('both have run the same cases', verdict.check_order))
    # What begins with a number sign would be a directive.
    out += [(name.replace('#', '.').replace('\n', ' '), lambda names=names: verdict.check(names))
            for name, names in verdict.names().items()]
    return out + [(f'differs on purpose: {difference.what}',
                   lambda difference=difference: verdict.check_difference(difference))
                  for difference in differences]


def random_requests(case, count):
    """So many random requests, of which the first ones are always the same."""
    return from_spec.random(codec(case.SPEC), count,
                            getattr(case, 'VALUES', {}), getattr(case, 'HEADERS', []),
                            getattr(case, 'LEAVE_OUT', {}))


@contextlib.contextmanager
def conditions():
    """What all sides have alike."""
    before = {path: path.read_text(encoding='ascii') for path in CONDITIONS}
    try:
        for path, value in CONDITIONS.items():
            path.write_text(value, encoding='ascii')
        yield
    finally:
        for path, value in before.items():
            path.write_text(value, encoding='ascii')


def durations(records):
    """How long the random requests took, and the cases that took the longest."""
    taken = sum(record.seconds for record in records if record.name.startswith('random '))
    longest = sorted(records, key=lambda record: record.seconds)[:-1 - LONGEST:-1]
    return f'{taken:.1f} s for the random requests; ' + \
        ', '.join(f'{record.seconds:.1f} s for {record.name[:60]!r}' for record in longest)


def main(name):
    """
    Judge the port whose cases are in the module of this name, and return the exit status.
    With --requests it only writes the random requests, for a run that has no time to make
    them: make has them written beside the cases.
    """
    case = sys.modules[name]
    if sys.argv[1:] == ['--requests']:
        pickle.dump([tuple(request) for request in random_requests(case, WRITTEN)],
                    sys.stdout.buffer)
        return 0
    begin = time.monotonic()
    made = Path(sys.argv[0]).with_suffix('.requests')
    if made.exists() and RANDOM <= WRITTEN:
        requests = [from_spec.Random(*request)
                    for request in pickle.loads(made.read_bytes())[:RANDOM]]
    else:
        requests = random_requests(case, RANDOM)
    print(f'# {len(requests)} random requests after {time.monotonic() - begin:.1f} s')
    sides = []
    for side in ('C', 'Rust'):
        begin = time.monotonic()
        with conditions():
            sides.append(record(case, side, requests))
        print(f'# {side}: {len(sides[-1][0])} answers in {time.monotonic() - begin:.1f} s; '
              f'{durations(sides[-1][0])}', flush=True)
    return ktap_run(tests(sides, getattr(case, 'DIFFERENCES', [])) +
                    [(f'{side}: has been asked enough', lambda records=records: enough(records))
                     for side, (records, _) in zip(('C', 'Rust'), sides)])
