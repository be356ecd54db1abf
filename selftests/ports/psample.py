#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The cases of psample. What samples is the action of tc on the side of C, with frames from
one end of a veth pair to the other; on the side of Rust it is the family psample-source
of the module, with the same frames and a timer.
"""

import errno
import json
import socket
import struct
import sys
import time
from pathlib import Path

from judge import SLOW, Difference, Failing, Record, attribute, genl, main, no_policy, old_table, \
    read_messages, rtnetlink
from message import NLM_F_ACK, NLM_F_DUMP, NLM_F_MULTI, NLM_F_REQUEST, message

FAMILY = SPEC = 'psample'
C_MODULES = ['psample', 'act_sample']
RUST_MODULE = 'genl_psample'
# When a packet was sampled: behind the last case, in nanoseconds.
HIDE = {'timestamp': lambda judge, value: judge.since <= value <= time.time_ns()}

NLMSG_ERROR = 2
CTRL, GETFAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
GET_GROUP, GROUP_NUMBER = 1, 3
GENL_CMD_CAP_DUMP = 4
RTM_NEWACTION = 48
TCA_ACT_TAB, TCA_ACT_KIND, TCA_ACT_OPTIONS = 1, 1, 2
TCA_SAMPLE_PARMS, TCA_SAMPLE_RATE, TCA_SAMPLE_PSAMPLE_GROUP = 2, 3, 5
TC_ACT_PIPE = 3
NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
SOL_NETLINK, ADD_MEMBERSHIP, DROP_MEMBERSHIP = 270, 1, 2

# The family psample-source: its commands, and its attributes.
GET, PUT, SAMPLE = 1, 2, 3
GROUP, RATE, TRUNC, IIF, OIF, PROTO, HEAD, ZEROES, COOKIE = range(1, 10)
COUNT, PERIOD = 14, 15

# A protocol for experiments, and one end of the pair that has the other end behind it.
ETH_P_TEST = 0x88b5
FRAME = bytes(range(1, 13)) + struct.pack('>H', ETH_P_TEST) + b'What is sampled.'
MTU = 65535
MANY, FEW = 300, 3


class Source:
    """What samples on one side."""

    def __init__(self, judge):
        self.judge = judge
        self.rust = judge.side == 'Rust'
        self.id = self.number(b'psample-source') if self.rust else 0
        self.index = {}
        self.ends = None

    def number(self, name):
        """The number of a family."""
        body = genl(GETFAMILY, 1) + attribute(FAMILY_NAME, name + b'\0')
        datagrams, _ = self.judge.ask(CTRL, body, NLM_F_REQUEST)
        data = datagrams[0][1]
        at = 20
        while struct.unpack_from('=H', data, at + 2)[0] != FAMILY_ID:
            at += (struct.unpack_from('=H', data, at)[0] + 3) & ~3
        return struct.unpack_from('=H', data, at + 4)[0]

    @staticmethod
    def attributes(attrs):
        """Attributes of the family of the module, by the names of their numbers here."""
        forms, out = {PROTO: '=H', IIF: '=H', OIF: '=H'}, b''
        for name, value in attrs.items():
            number = globals()[name.upper()]
            if isinstance(value, int):
                value = struct.pack(forms.get(number, '=I'), value)
            out += attribute(number, value)
        return out

    def ask(self, cmd, **attrs):
        """A request to the family of the module, which has to succeed."""
        body = genl(cmd) + self.attributes(attrs)
        datagrams, errors = self.judge.ask(self.id, body, NLM_F_REQUEST | NLM_F_ACK)
        kind, error = [struct.unpack_from(form, datagrams[0][1], at)[0]
                       for form, at in (('=H', 4), ('=i', 16))]
        if errors or kind != NLMSG_ERROR or error:
            raise RuntimeError(f'psample-source: {cmd}: {errors} {error}')

    def get(self, index, group):
        """A reference to a group: an action of tc with an index."""
        if self.rust:
            self.ask(GET, group=group)
        else:
            self.add_action(index, group)
        self.index[index] = group

    @staticmethod
    def add_action(index, group):
        """As 'tc actions add action sample rate 1 group GROUP index INDEX' does."""
        action = struct.pack('=IIiii', index, 0, TC_ACT_PIPE, 0, 0)
        options = attribute(TCA_SAMPLE_PARMS, action) + \
            attribute(TCA_SAMPLE_RATE, struct.pack('=I', 1)) + \
            attribute(TCA_SAMPLE_PSAMPLE_GROUP, struct.pack('=I', group))
        action = attribute(TCA_ACT_KIND, b'sample\0') + attribute(TCA_ACT_OPTIONS, options, True)
        actions = attribute(TCA_ACT_TAB, attribute(1, action, True), True)
        rtnetlink(RTM_NEWACTION, bytes(4) + actions, NLM_F_CREATE | NLM_F_EXCL)

    def replace(self, index, group):
        """The action has another group."""
        if self.rust:
            self.ask(GET, group=group)
            self.ask(PUT, group=self.index[index])
        else:
            self.judge.run(f'tc actions replace action sample rate 1 group {group} index {index}')
        self.index[index] = group

    def put(self, index):
        """The action goes."""
        group = self.index.pop(index)
        if self.rust:
            self.ask(PUT, group=group)
        else:
            self.judge.run(f'tc actions del action sample index {index}')

    def many(self, count):
        """So many groups at once."""
        if self.rust:
            for number in range(count):
                self.ask(GET, group=number)
        else:
            for number in range(count):
                self.add_action(number + 1, number)
        self.index = {number + 1: number for number in range(count)}

    def none(self):
        """All of them go at once."""
        if self.rust:
            for index in [*self.index]:
                self.put(index)
        else:
            self.batch(f'del action sample index {index}' for index in self.index)
        self.index = {}

    def batch(self, actions):
        """Run tc once for many actions: starting it takes longer than anything else."""
        Path('/tmp/psample.tc').write_text(''.join(f'actions {action}\n' for action in actions),
                                           encoding='ascii')
        self.judge.run('tc -batch /tmp/psample.tc')

    def devices(self):
        """A pair of devices on which nobody sends but us."""
        Path('/proc/sys/net/ipv6/conf/default/disable_ipv6').write_text('1', encoding='ascii')
        self.judge.run('ip link add psam0 mtu 65535 type veth peer name psam1 mtu 65535')
        for name in ('psam0', 'psam1'):
            self.judge.run(f'ip link set {name} up')
        self.ends = [socket.if_nametoindex(name) for name in ('psam0', 'psam1')]
        if not self.rust:
            self.judge.run('tc qdisc add dev psam0 clsact')
            self.judge.run('tc qdisc add dev psam1 clsact')

    def sample(self, group, *, trunc=None, cookie=None, egress=False, zeroes=0, count=1):
        """Have a frame sampled, as it goes out or comes in."""
        if self.rust:
            attrs = {'head': FRAME, 'zeroes': zeroes, 'proto': ETH_P_TEST, 'count': count}
            attrs |= {'oif': self.ends[0]} if egress else {'iif': self.ends[1]}
            attrs |= {} if trunc is None else {'trunc': trunc}
            attrs |= {} if cookie is None else {'cookie': cookie}
            self.ask(SAMPLE, group=group, **attrs)
            return
        where = 'dev psam0 egress' if egress else 'dev psam1 ingress'
        more = '' if trunc is None else f'trunc {trunc} '
        more += '' if cookie is None else f'cookie {cookie.hex()}'
        self.judge.run(f'tc filter add {where} pref 1 protocol all matchall '
                       f'action sample rate 1 group {group} {more}')
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            for _ in range(count):
                sock.sendto(FRAME + bytes(zeroes), ('psam0', ETH_P_TEST))
        self.until(lambda: self.sampled(where) == count)
        self.judge.run(f'tc filter del {where} pref 1')
        # The action of the filter has a reference of its own, for a moment.
        self.until(lambda: self.references(group) == [*self.index.values()].count(group))

    @staticmethod
    def until(done):
        """Wait for something."""
        end = time.monotonic() + 10 * SLOW
        while not done():
            if time.monotonic() > end:
                raise RuntimeError('it does not come')

    def sampled(self, where):
        """How many packets the filter has seen."""
        filters = json.loads(self.judge.run(f'tc -s -j filter show {where}'))
        return sum(action['stats']['packets'] for entry in filters
                   for action in entry.get('options', {}).get('actions', []))

    def references(self, group):
        """How many references a group has."""
        judge = self.judge
        datagrams, _ = judge.ask(judge.id, genl(GET_GROUP), NLM_F_REQUEST | NLM_F_DUMP)
        return sum(reply['group-refcount'] for _, data in datagrams
                   for reply in read_messages(SPEC, data)
                   if reply.kind == 'reply' and reply['sample-group'] == group)


# What differs on purpose

def plain(record):
    """The events of a record without NLM_F_MULTI, and whether C has had it."""
    out, flags = [], set()
    for space, group, data in record.events:
        data = bytearray(data)
        old, = struct.unpack_from('=H', data, 6)
        struct.pack_into('=H', data, 6, old & ~NLM_F_MULTI)
        out.append((space, group, bytes(data)))
        flags.add(old)
    return out, flags


def no_end(c, rust):
    """Events of C say that they are parts of several messages, of which none is the end."""
    theirs, ours = plain(c), plain(rust)
    return theirs[1] == {NLM_F_MULTI} and ours[1] == {0} and \
        c.but(events=theirs[0]).same(rust.but(events=ours[0]))


def skipped(c, rust):
    """C has left one group out: the one behind those that were sent when another one went."""
    theirs, ours = [[reply.data for reply in record.replies()] for record in (c, rust)]
    # Group 0 was sent, and went then. They have nothing but their numbers that differs.
    left = [reply['sample-group'] for reply in rust.replies()[:-1]]
    return left == [*range(MANY)] and len(theirs) == len(ours) - 1 and \
        theirs == [data for data in ours if data in theirs] and theirs[-1] == ours[-1] and \
        len({data.replace(attribute(GROUP_NUMBER, struct.pack('=I', number)), b'')
             for number, data in enumerate(ours[:-1])}) == 1 and \
        not any(cut for cut, _ in [*c.datagrams, *rust.datagrams]) and \
        no_end(c.but(datagrams=[]), rust.but(datagrams=[]))


DIFFERENCES = [
    Difference('nlctrl: the family', 'the largest attribute is that of each operation',
               'only an old table has one for all', 'net/psample/psample.c:113',
               '.maxattr\t= PSAMPLE_ATTR_MAX,', old_table(16, {GET_GROUP: GENL_CMD_CAP_DUMP})),
    Difference('nlctrl: the policy of command 1, dump', 'a policy with nothing in it',
               'only an old table can have an operation without a policy',
               'net/netlink/genetlink.c:277', 'op->policy\t= NULL;', no_policy),
    Difference('config *', 'what config tells is not marked as one of several messages',
               'no NLMSG_DONE follows, and a reader that knows the flag waits for that',
               'net/psample/psample.c:133', 'cmd, 0, 0, NLM_F_MULTI);', no_end),
    Difference('a group goes during a dump', 'all that are there all the time are told',
               'C counts the groups that it has sent, also when one of them has gone',
               'net/psample/psample.c:84', 'if (idx < start) {', skipped),
]


def references(judge):
    """Groups come with the first reference, and go with the last one."""
    source = Source(judge)
    judge.dump('get-group', name='no groups')
    for index, group in ((1, 5), (2, 4294967295), (3, 0)):
        source.get(index, group)
        judge.events(f'config of group {group}', 1)
    judge.dump('get-group', name='three groups')
    source.get(4, 5)
    judge.dump('get-group', name='two references')
    source.put(1)
    judge.dump('get-group', name='one of them is left')
    source.replace(4, 6)
    judge.events('config of another group', 2)
    judge.dump('get-group', name='another group')
    source.put(4)
    judge.events('config of a group that goes', 1)
    with judge.netns():
        judge.dump('get-group', name='none in the other namespace')
        other = Source(judge)
        other.get(1, 5)
        judge.events('config of the other namespace', 1)
        judge.dump('get-group', name='one in the other namespace')
        other.put(1)
        judge.events('config at the end there', 1)
    with judge.user():
        judge.dump('get-group', name='who has no rights sees them')
    for index in (2, 3):
        source.put(index)
        judge.events(f'config at the end of {index}', 1)
    source.get(1, 5)
    judge.events('config of a group that comes again', 1)
    judge.dump('get-group', name='it begins anew')
    source.put(1)
    judge.events('config of its end', 1)


def packets(judge):
    """What is told of packets."""
    source = Source(judge)
    source.devices()
    source.get(1, 5)
    judge.events('config before the packets', 1)
    rows = [(f'{words} bytes of it', {'trunc': trunc})
            for words, trunc in (('no', 0), ('1', 1), ('4', 4), ('13', 13), ('29', 29), ('all', 30),
                                 ('at most 31', 31), ('at most 4294967295', 4294967295))]
    rows += [('all bytes', {}), ('all bytes, as it goes out', {'egress': True}),
             ('20 bytes, as it goes out', {'egress': True, 'trunc': 20}),
             ('a cookie', {'cookie': b'\1'}), ('a long cookie', {'cookie': bytes(range(16))}),
             ('a cookie and 10 bytes', {'cookie': b'cook', 'trunc': 10}),
             ('a page', {'zeroes': 4096}), ('a page, of which 100', {'zeroes': 4096, 'trunc': 100})]
    # Around the length at which a packet is cut, so that its message has 65,535 bytes.
    rows += [(f'{zeroes} zeroes', {'zeroes': zeroes})
             for zeroes in (65430, 65436, 65437, 65438, 65439, 65440, 65441, 65445, 65450,
                            MTU + 14 - len(FRAME))]
    rows += [('the largest, of which half', {'zeroes': MTU - 100, 'trunc': 32768})]
    for name, options in rows:
        source.sample(5, **options)
        judge.events(f'a packet: {name}', 1)
    source.sample(5, count=20)
    judge.events('twenty packets', 20)
    judge.dump('get-group', name='the next number')
    source.get(2, 6)
    judge.events('config of a second group', 1)
    source.sample(6)
    judge.events('a packet of the second group', 1)
    judge.dump('get-group', name='each has numbers of its own')
    unheard(judge, source)
    slow(judge, source)
    for index in (1, 2):
        source.put(index)
        judge.events(f'config behind the packets: {index}', 1)


def unheard(judge, source):
    """What nobody listens to is not counted."""
    number = next(number for number, name in judge.groups.items() if name == 'packets')
    judge.here.listener.setsockopt(SOL_NETLINK, DROP_MEMBERSHIP, number)
    source.sample(5, count=3)
    judge.dump('get-group', name='nobody has listened')
    judge.here.listener.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, number)
    source.sample(5)
    judge.events('a packet: somebody listens again', 1)


def slow(judge, source):
    """A listener that has no room misses some, and learns it from its socket and the numbers."""
    number = next(number for number, name in judge.groups.items() if name == 'packets')
    with judge.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, number)
        source.sample(5, count=200)
        got = drain(sock)
        # A case takes the events that are there.
        judge.events('what all others get', 200)
        judge.value('what a slow listener gets', got)
        source.sample(5)
        judge.events('and what they get', 1)
        judge.value('and then', [word if isinstance(word, str) else word - got[1]
                                 for word in drain(sock)])
    judge.dump('get-group', name='all were counted')


def drain(sock):
    """The numbers of the samples that a socket has, and its errors."""
    out = []
    while True:
        try:
            data = sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return out
        except OSError as error:
            out.append(errno.errorcode[error.errno])
            continue
        at = 20
        while struct.unpack_from('=H', data, at + 2)[0] != 4:
            at += (struct.unpack_from('=H', data, at)[0] + 3) & ~3
        out.append(struct.unpack_from('=I', data, at + 4)[0])


def dumps(judge):
    """Dumps of many groups, which take several buffers."""
    source = Source(judge)
    source.many(MANY)
    judge.events('config of many groups', MANY)
    for read in (1000, 4096, 8192, 32768):
        judge.dump('get-group', read=read)
    during(judge, source)
    source.none()
    judge.events('config at the end of many groups', MANY - 1)


def during(judge, source):
    """A group goes when a dump has sent it."""
    with judge.socket() as sock:
        judge.seq += 1
        sock.send(message(judge.id, genl(GET_GROUP), NLM_F_REQUEST | NLM_F_DUMP, judge.seq))
        datagrams, port = [], sock.getsockname()[0]
        seq = judge.seq
        while True:
            try:
                got = sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            datagrams.append((False, judge.mask(got, judge.id, port, seq)))
            if len(datagrams) == 1:
                source.put(1)
    judge.keep(Record('a group goes during a dump', 'request', datagrams=datagrams))


def requests(judge):
    """Each request, right and wrong."""
    judge.around('get-group', {}, mode='dump')
    judge.do('get-group')
    for cmd in (0, 2, 3, 4, 255):
        judge.raw(f'command {cmd}', genl(cmd))
        judge.raw(f'command {cmd}, dump', genl(cmd), flags=NLM_F_REQUEST | NLM_F_DUMP)
    # It takes what it does not read, whatever it is.
    for name, more in (('an attribute', attribute(3, b'\5\0\0\0')), ('a byte', b'\1'),
                       ('no attribute', b'\3\0\3\0'), ('a nest', attribute(8, b'', True))):
        judge.raw(f'dump with {name}', genl(GET_GROUP) + more, flags=NLM_F_REQUEST | NLM_F_DUMP)
    for version in (0, 2, 255):
        judge.dump('get-group', version=version, name=f'dump with version {version}')

    def inside(judge):
        judge.dump('get-group', name='root of a user namespace')
        for number, name in judge.groups.items():
            with judge.socket() as sock:
                sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, number)
            judge.value(f'root of a user namespace: the group {name}', 'joined')
    judge.userns(inside)


def begin(judge):
    """What random requests find, and those whose allocations fail."""
    Source(judge).many(FEW)
    judge.events('config of the first groups', FEW)


def source_request(cmd, name, timer='', **attrs):
    """A request of psample-source whose allocations fail."""
    return Failing(cmd, Source.attributes(attrs), family='psample-source', before=begin,
                   name=f'psample-source: {name}', timer=timer)


FAILING = [
    Failing('get-group', mode='dump', before=begin),
    source_request(GET, 'a new group', group=FEW),
    source_request(GET, 'one that is there', group=0),
    source_request(PUT, 'the last reference', group=0),
    source_request(SAMPLE, 'a sample', group=0, head=FRAME, zeroes=4096, cookie=b'cookie', oif=1),
    source_request(SAMPLE, 'many samples', timer='group-seq', group=0, head=FRAME, oif=1,
                   count=300),
]


def cases(judge):
    """All of them."""
    requests(judge)
    references(judge)
    packets(judge)
    dumps(judge)


if __name__ == '__main__':
    sys.exit(main(__name__))
