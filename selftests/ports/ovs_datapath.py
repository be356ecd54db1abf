#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""ovs_datapath: the family of openvswitch.ko and its port in Rust."""

import errno
import socket
import struct
import sys

from judge import Difference, Failing, Record, codec, main, no_policy, old_table
from message import NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, NLM_F_REQUEST, message, pyynl

C_MODULES = ['openvswitch']
RUST_MODULE = 'genl_ovs_datapath'
FAMILY = SPEC = 'ovs_datapath'

# Imported here it is there for both sides.
pyynl('ynl')

# Bits of user-features.
UNALIGNED, VPORT_PIDS, TC_RECIRC_SHARING, PER_CPU = 1, 2, 4, 8

# What is taken, often enough that requests meet.
VALUES = {
    'name': ['dp0', 'dp0', 'dp1', 'dp%d', 'lo', b'dp0\0dp1\0'],
    'upcall-pid': [0, 7, struct.pack('=2I', 7, 8)],
    'user-features': [0, UNALIGNED, VPORT_PIDS, PER_CPU, PER_CPU | VPORT_PIDS],
    'masks-cache-size': [0, 256, 1024, 3],
    'per-cpu-pids': [[1, 2], [1, 2, 3], [], b'abc'],
    'ifindex': [0, 2, 7],
}
HEADERS = [struct.pack('=I', index) for index in (0, 1, 2, 3, 7)]

# So many that a dump takes three buffers of 4 KiB, and messages of several lengths.
MANY = [f'd{"x" * (number % 7)}{number}' for number in range(80)]

# What handlers read beside what the spec lists, for the random requests.
for change in ('new', 'set'):
    codec(SPEC).op(change).yaml['do']['request']['attributes'] += ['per-cpu-pids']


def rest(number, reply):
    """What a reply of one of MANY has in common with the others."""
    index = struct.unpack('=I', reply.header)[0] - number
    return repr((reply.flags, reply.seq, reply.port, reply.cmd, reply.version, reply.reserved,
                 index, [(attr.name, attr.number, attr.padding.strip(b'\0'),
                          attr.name not in ('name', 'user-features') and attr.payload)
                         for attr in reply.attrs]))


def lost(c, rust):
    """C has left one datapath out: the one behind those that were sent when another one went."""
    theirs, ours = c.replies(), rust.replies()
    left = [reply.data for reply in theirs]
    return [(reply['name'], reply['user-features']) for reply in ours[:-1]] == \
        [(name, number % 4) for number, name in enumerate(MANY)] and \
        len({rest(number, reply) for number, reply in enumerate(ours[:-1])}) == 1 and \
        len(left) == len(ours) - 1 and left[-1] == ours[-1].data and \
        left == [reply.data for reply in ours if reply.data in left] and c.same_beside(rust) and \
        not any(cut for cut, _ in [*c.datagrams, *rust.datagrams])


DIFFERENCES = [
    Difference('nlctrl: the family', 'the largest attribute is that of each operation',
               'only an old table has one for all', 'net/openvswitch/datapath.c:2150',
               '.maxattr = OVS_DP_ATTR_MAX,', old_table(9)),
    Difference('nlctrl: the policy of command 3, dump', 'what nlctrl says of the dump',
               'only an old table can have an operation without a policy',
               'net/netlink/genetlink.c:277', 'op->policy\t= NULL;', no_policy),
    Difference('a datapath goes during a dump', 'all that are there all the time are told',
               'C counts the datapaths that it has sent, also when one of them has gone',
               'net/openvswitch/datapath.c:2099', 'if (i >= skip &&', lost),
]


def index(number):
    """The header of a request."""
    return {'dp-ifindex': number}


def new(judge, attrs, **more):
    """Make a datapath with these attributes beside those that it needs."""
    return judge.do('new', {'name': 'dp0', 'upcall-pid': 0, **attrs}, **more)


def get(judge, name):
    """What is said of a datapath."""
    return judge.do('get', {'name': name})


def identity(judge):
    """How a datapath is made, found and removed."""
    get(judge, 'dp0')
    judge.dump('get')
    new(judge, {})
    get(judge, 'dp0')
    # The first device beside the loopback. A name comes before an index.
    for number in (2, 0, 1, 3, 0xffffffff):
        judge.do('get', {}, header=index(number))
        judge.do('get', {'name': 'dp0'}, header=index(number))
    get(judge, 'dp1')
    get(judge, 'lo')
    get(judge, '')
    judge.do('get', {'name': b'dp0\0dp1\0'})
    new(judge, {})
    new(judge, {'name': 'dp1'}, flags=NLM_F_ACK | NLM_F_ECHO)
    new(judge, {'name': 'dp2'}, flags=NLM_F_ECHO)
    new(judge, {'name': 'dp3'}, flags=0)
    judge.dump('get', read=4096)
    judge.do('del', {'name': 'dp1'}, flags=NLM_F_ACK | NLM_F_ECHO)
    judge.do('del', {'name': 'dp1'})
    judge.do('del', {}, header=index(4))
    judge.do('del', {}, header=index(4))
    judge.dump('get')
    # The index of one that is gone is not given away at once.
    new(judge, {'name': 'dp1'})
    judge.dump('get')


def names(judge):
    """The names that a device can have."""
    for name in ('', '.', '..', '...', 'lo', 'all', 'default', 'a/b', 'a:b', 'a b', 'a\tb', 'a%b',
                 'a%', '%', '%s', '%d%d', '%d%', 'a%%d', 'x' * 15, 'x' * 16, 'eth%d', 'eth%d',
                 'eth1x', '%d', 'a%db', 'a%db', 'abcdefghijklm%d', 'eth0'):
        new(judge, {'name': name})
    for name in (b'\xa0x\0', b'\xff\xfe\0', b'\x01\0', b'x\0y\0', b'no-nul', b'', b'a' * 15,
                 b'a' * 16 + b'\0', b'b' * 15 + b'\0\0\0\0'):
        new(judge, {'name': name})
    judge.dump('get')
    judge.do('del', {'name': 'eth0'})
    new(judge, {'name': 'eth%d'})
    new(judge, {'name': 'eth%d'})
    judge.dump('get')


def indices(judge):
    """The indices that are given away, or asked for."""
    for number in (0, 1, 2, 3, 4, 100, 100, 2147483647, -1, -2147483648):
        new(judge, {'name': 'dp%d', 'ifindex': number})
    new(judge, {'name': 'dp%d'})
    new(judge, {'name': 'dp0', 'ifindex': 100})
    new(judge, {'name': 'all', 'ifindex': 100})
    new(judge, {'name': 'all'})
    new(judge, {'name': 'default', 'ifindex': 200})
    new(judge, {'name': 'dp%d'})
    judge.dump('get')
    judge.do('del', {}, header=index(100))
    new(judge, {'name': 'dp%d', 'ifindex': 100})
    judge.do('get', {'ifindex': 100})
    judge.do('get', {'ifindex': 100}, header=index(100))
    judge.do('get', {'ifindex': -1}, header=index(100))


def settings(judge):
    """What can be set, when a datapath is made and later."""
    bits = (0, UNALIGNED, VPORT_PIDS, TC_RECIRC_SHARING, PER_CPU, 3, 15, 16, 0xffffffff)
    sizes = (0, 1, 2, 3, 256, 257, 4096, 4097, 8192, 0xffffffff)
    for word in bits:
        new(judge, {'name': 'f%d', 'user-features': word})
    for size in sizes:
        new(judge, {'name': 'm%d', 'masks-cache-size': size})
    judge.dump('get')
    new(judge, {})
    for word in bits:
        judge.do('set', {'name': 'dp0', 'user-features': word})
    for size in sizes:
        judge.do('set', {'name': 'dp0', 'masks-cache-size': size})
    # What is not said is not kept: without features there are none.
    judge.do('set', {'name': 'dp0', 'user-features': 3, 'masks-cache-size': 1024})
    judge.do('set', {'name': 'dp0'}, flags=NLM_F_ACK | NLM_F_ECHO)
    judge.do('set', {'name': 'dp0', 'masks-cache-size': 16, 'user-features': 16})
    judge.do('set', {'name': 'dp0', 'masks-cache-size': 17, 'user-features': 1})
    get(judge, 'dp0')
    judge.do('set', {'name': 'dp9', 'user-features': 1})
    judge.do('set', {'user-features': 1}, header=index(2))
    judge.do('set', {'user-features': 1})
    # One who knows of no features takes those of others away.
    judge.do('set', {'name': 'dp0', 'user-features': 3})
    new(judge, {}, version=2)
    get(judge, 'dp0')
    new(judge, {'user-features': 16}, version=1)
    get(judge, 'dp0')
    new(judge, {'name': 'lo'}, version=1)
    new(judge, {}, version=1)
    get(judge, 'dp0')


def sockets(judge):
    """The sockets that packets go to."""
    pids = [b'', b'abc', b'abcd', b'abcde', [1, 2], [1, 2, 3], list(range(100))]
    for number, some in enumerate(pids):
        for features in (0, PER_CPU, PER_CPU | VPORT_PIDS):
            new(judge, {'name': f'dp{number}-{features}', 'user-features': features,
                        'per-cpu-pids': some})
    judge.dump('get')
    new(judge, {'name': 'dp', 'user-features': PER_CPU})
    for some in pids:
        judge.do('set', {'name': 'dp', 'user-features': PER_CPU, 'per-cpu-pids': some})
        judge.do('set', {'name': 'dp', 'user-features': 0, 'per-cpu-pids': some})
        # They are still there.
        judge.do('set', {'name': 'dp', 'user-features': PER_CPU})
    # What comes in front of the error stays changed.
    judge.do('set', {'name': 'dp', 'user-features': PER_CPU | UNALIGNED, 'masks-cache-size': 64,
                     'per-cpu-pids': b'abc'})
    get(judge, 'dp')
    # One socket, and an old family takes more.
    for size in (0, 1, 3, 4, 5, 7, 8, 12, 400):
        new(judge, {'name': f'u{size}', 'upcall-pid': bytes(range(size % 256)).ljust(size)})
    judge.dump('get')


def spaces_and_users(judge):
    """Who sees what, and who may what."""
    new(judge, {})
    with judge.netns():
        judge.dump('get')
        get(judge, 'dp0')
        judge.do('del', {'name': 'dp0'})
        new(judge, {'user-features': 1})
        get(judge, 'dp0')
    get(judge, 'dp0')
    with judge.user():
        for op in ('new', 'del', 'set', 'get'):
            judge.do(op, {'name': 'dp0', 'upcall-pid': 0})
        judge.dump('get')

    def as_root(there):
        new(there, {})
        there.do('set', {'name': 'dp0', 'user-features': 1})
        there.dump('get')
        there.do('del', {'name': 'dp0'})
    judge.userns(as_root)


def during(judge):
    """A datapath goes when a dump has sent it."""
    with judge.socket() as sock:
        judge.seq += 1
        seq, port = judge.seq, sock.getsockname()[0]
        body = judge.body('get', {})
        sock.send(message(judge.id, body, NLM_F_REQUEST | NLM_F_DUMP, seq))
        datagrams = []
        while True:
            try:
                got = sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            datagrams.append((False, judge.mask(got, judge.id, port, seq)))
            if len(datagrams) == 1:
                judge.do('del', {'name': 'd0'}, name='a datapath goes')
    judge.keep(Record('a datapath goes during a dump', 'request', datagrams=datagrams))


def dumps(judge):
    """How a dump is split, and what of its request is looked at."""
    for number, name in enumerate(MANY):
        new(judge, {'name': name, 'user-features': number % 4})
    for read in (4096, 8192, 32768):
        judge.dump('get', read=read)
    during(judge)
    judge.dump('get', {'name': 'dx1'}, read=4096)
    judge.dump('get', {'name': b''}, header=index(7))
    judge.dump('get', b'\1\2\3')
    judge.dump('get', b'\xff' * 64)


def ynl(judge):
    """What the kernel's own client makes of it, by the spec that the kernel has."""
    judge.ynl(('do', 'new', {'name': 'dp0', 'upcall-pid': 7, 'user-features': ['vport-pids']}),
              ('do', 'get', {'dp-ifindex': 2}),
              ('dump', 'get', {}),
              ('do', 'del', {'name': 'dp1'}, errno.ENODEV))


def some(judge):
    """What requests find whose allocations fail."""
    new(judge, {'user-features': PER_CPU, 'per-cpu-pids': [1, 2]})
    new(judge, {'name': 'dp1'})


FAILING = [
    Failing('new', {'name': 'dp%d', 'upcall-pid': 0, 'user-features': PER_CPU,
                    'per-cpu-pids': [1, 2]}, before=some),
    Failing('new', {'name': 'dp0', 'upcall-pid': 0}, before=some,
            name='do new of one that is there', ended='EEXIST'),
    # What comes in front of an error stays changed, as in C.
    Failing('set', {'name': 'dp0', 'user-features': PER_CPU, 'per-cpu-pids': [3, 4, 5],
                    'masks-cache-size': 64}, before=some, partial=True),
    Failing('del', {'name': 'dp0'}, before=some),
    Failing('get', {'name': 'dp0'}, before=some),
    Failing('get', mode='dump', before=some),
]


def cases(judge):
    for part in (identity, names, indices, settings, sockets, spaces_and_users, dumps, ynl):
        with judge.netns():
            part(judge)
    full = {'name': 'dp0', 'upcall-pid': 0, 'user-features': PER_CPU | VPORT_PIDS,
            'masks-cache-size': 64, 'per-cpu-pids': [1, 2], 'ifindex': 9}
    with judge.netns():
        judge.around('new', full, after=lambda: judge.do('del', {'name': 'dp0'}))
    with judge.netns():
        new(judge, {})
        change = {name: value for name, value in full.items() if name != 'upcall-pid'}
        judge.around('set', change, after=lambda: get(judge, 'dp0'))
        judge.around('set', {'user-features': 1}, header=index(2))
        judge.around('get', {'name': 'dp0'})
        judge.around('get', {}, header=index(2))
        judge.around('get', {'name': 'dp0'}, mode='dump')
        judge.around('del', {'name': 'dp0'}, after=lambda: new(judge, {}))
    judge.raw('the family, and no header at all', b'')


if __name__ == '__main__':
    sys.exit(main(__name__))
