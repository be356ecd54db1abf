#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""ovs_vport: the family of openvswitch.ko and its port in Rust."""

import errno
import struct
import sys

from judge import CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, GENL_ID_CTRL, Difference, Failing, \
    attribute, codec, genl, main, no_policy, old_table, read_messages
from message import NLM_F_ACK, NLM_F_ECHO, NLM_F_REQUEST, pyynl

C_MODULES = ['openvswitch']
RUST_MODULE = 'genl_ovs_datapath'
FAMILY = SPEC = 'ovs_vport'

# Imported here it is there for both sides.
pyynl('ynl')

NETDEV, INTERNAL, GRE = 1, 2, 3
# Of the datapath: the commands, the attributes, and that a port may have several sockets.
DP_NEW, DP_DEL, DP_SET = 1, 2, 4
DP_NAME, DP_UPCALL_PID, DP_USER_FEATURES = 1, 2, 5
VPORT_PIDS = 2
# The datapaths that are in each namespace, br0 and br1, by their indices.
BR0, BR1 = 2, 3

# What is taken, often enough that requests meet.
VALUES = {
    'name': ['p0', 'p1', 'p%d', 'p%d', 'br0', 'br1', 'lo', b'p0\0p1\0'],
    'type': [INTERNAL, INTERNAL, INTERNAL, NETDEV, 0, GRE],
    'upcall-pid': [[0], [7], [7, 8], [7, 8, 9], b'', b'abc'],
    'port-no': [0, 1, 2, 1025, 65534, 65535],
    'ifindex': [0, 2, 4, 9],
}
HEADERS = [struct.pack('=I', index) for index in (BR0, BR0, BR0, BR1, 4, 5, 0, 1)]

# What handlers read beside what the spec lists, for the random requests.
for change in ('new', 'set'):
    codec(SPEC).op(change).yaml['do']['request']['attributes'] += \
        ['upcall-pid', 'options'] + ['stats', 'upcall-stats'] * (change == 'new')


DIFFERENCES = [
    Difference('nlctrl: the family', 'the largest attribute is that of each operation',
               'only an old table has one for all', 'net/openvswitch/datapath.c:2661',
               '.maxattr = OVS_VPORT_ATTR_MAX,', old_table(10)),
    Difference('nlctrl: the policy of command 3, dump', 'what nlctrl says of the dump',
               'only an old table can have an operation without a policy',
               'net/netlink/genetlink.c:277', 'op->policy\t= NULL;', no_policy),
]


def index(number):
    """The header of a request."""
    return {'dp-ifindex': number}


def state(judge):
    """What the random requests have left: a dump is of one datapath."""
    for number in (BR0, BR1):
        judge.dump('get', header=index(number))


def datapath(judge, cmd, name, attrs=b''):
    """A request for the other family, which has to succeed."""
    body = genl(CTRL_CMD_GETFAMILY) + attribute(CTRL_ATTR_FAMILY_NAME, b'ovs_datapath\0')
    datagrams, _ = judge.ask(GENL_ID_CTRL, body, NLM_F_REQUEST)
    family = read_messages('nlctrl', datagrams[0][1])[0]['family-id']
    body = genl(cmd, 2) + bytes(4) + attribute(DP_NAME, name.encode() + b'\0') + attrs
    datagrams, _ = judge.ask(family, body, NLM_F_REQUEST | NLM_F_ACK)
    error = read_messages(SPEC, datagrams[0][1])[0].errno
    if error:
        raise RuntimeError(f'datapath {name}, command {cmd}: errno {error}')


def setup(judge):
    """Two datapaths."""
    for name in ('br0', 'br1'):
        datapath(judge, DP_NEW, name, attribute(DP_UPCALL_PID, bytes(4)))


def several_sockets(judge, name, are_told):
    """Whether the ports of a datapath tell all their sockets."""
    features = struct.pack('=I', VPORT_PIDS if are_told else 0)
    datapath(judge, DP_SET, name, attribute(DP_USER_FEATURES, features))


def new(judge, attrs, header=None, **more):
    """Make a port with these attributes beside those that it needs."""
    return judge.do('new', {'name': 'p0', 'type': INTERNAL, 'upcall-pid': [0], **attrs},
                    header=header or index(BR0), **more)


def finding(judge):
    """How a port is found."""
    judge.dump('get', header=index(BR0))
    judge.dump('get', header=index(BR1))
    for number in (0, 1, 4, 0xffffffff):
        judge.dump('get', header=index(number))
    new(judge, {'name': 'p4'})
    for number in (BR0, BR1, 4, 0, 1, 5, 0xffffffff):
        for attrs in ({'name': 'p4'}, {'name': 'br0'}, {'port-no': 0}, {'port-no': 1},
                      {'name': 'p4', 'port-no': 65535}, {}):
            judge.do('get', attrs, header=index(number))
    # A datapath can be named by the index of any of its ports.
    judge.dump('get', header=index(4))
    for number in (2, 65534, 65535, 65536, 0xffffffff):
        judge.do('get', {'port-no': number}, header=index(BR0))
    for name in ('p5', 'lo', '', b'p4\0x\0', b'p4', 'x' * 15, 'x' * 16):
        judge.do('get', {'name': name})
    judge.do('get', {'name': 'p4', 'ifindex': 4})
    judge.do('get', {'ifindex': -1, 'name': 'p4'})
    judge.do('get', {'name': 'p4', 'type': GRE, 'netnsid': 7, 'options': b'abcd'})


def making(judge):
    """What a port can be made of."""
    new(judge, {})
    new(judge, {})
    new(judge, {'name': 'br1'})
    new(judge, {'name': 'p1'}, flags=NLM_F_ACK | NLM_F_ECHO)
    new(judge, {'name': 'p2'}, flags=NLM_F_ECHO)
    new(judge, {'name': 'p3', 'port-no': 2})
    new(judge, {'name': 'p3', 'port-no': 7})
    for number in (65533, 65534, 65535, 65536, 0xffffffff):
        new(judge, {'name': 'q%d', 'port-no': number})
    for number in (0, 1, BR1, 4, 99):
        new(judge, {'name': 'i%d'}, index(number))
    for kind in range(8):
        for name in ('t%d', 'lo', 'br0', 'none'):
            new(judge, {'name': name, 'type': kind})
        new(judge, {'name': 'x%d', 'type': kind, 'ifindex': 50 + kind})
    for name in ('type', 'name', 'upcall-pid'):
        attrs = {'name': 'p9', 'type': INTERNAL, 'upcall-pid': [0]}
        del attrs[name]
        judge.do('new', attrs, header=index(BR0))
        judge.do('new', {**attrs, 'port-no': 65535}, header=index(0))
    for number in (0, 4, 50, 50, 1, 2147483647, -1):
        new(judge, {'name': 'n%d', 'ifindex': number})
    for number, options in enumerate((b'', b'abc', b'abcd', b'abcde', b'\x40\0\1\0')):
        new(judge, {'name': f'o{number}', 'options': options, 'upcall-stats': options})
    new(judge, {'name': 's0', 'stats': bytes(64), 'netnsid': -1})
    judge.dump('get', header=index(BR0))
    judge.dump('get', header=index(BR1))


def names(judge):
    """The names that a device can have, by the other family as well."""
    for name in ('', '.', '..', 'lo', 'br0', 'all', 'a/b', 'a:b', 'a b', 'a%b', 'a%', '%d',
                 'br%d', 'br%d', 'x' * 15, 'x' * 16, b'\xa0x\0', b'\xff\0', b'no', b''):
        new(judge, {'name': name})
    new(judge, {'name': '..', 'upcall-pid': b''})
    new(judge, {'name': '..', 'ifindex': BR0})
    new(judge, {'name': 'br0', 'ifindex': BR1})
    new(judge, {'name': 'free', 'ifindex': BR1})
    judge.dump('get', header=index(BR0))


def changing(judge):
    """What can be changed: the sockets."""
    new(judge, {})
    sockets = [b'', b'abc', [9], b'abcde', [7, 8], [7, 8, 9], [1] * 40]
    for are_told in (False, True):
        several_sockets(judge, 'br0', are_told)
        for number, some in enumerate(sockets):
            new(judge, {'name': f'p{are_told}{number}', 'upcall-pid': some})
            judge.do('set', {'name': 'p0', 'upcall-pid': some}, flags=NLM_F_ACK | NLM_F_ECHO)
            judge.do('set', {'port-no': 0, 'upcall-pid': some}, header=index(BR0))
        judge.dump('get', header=index(BR0))
    judge.do('set', {'name': 'p0'})
    judge.do('set', {})
    judge.do('set', {'name': 'p0'}, header=index(BR1))
    judge.do('set', {'port-no': 77}, header=index(BR0))
    for kind in (0, NETDEV, INTERNAL, GRE, 99):
        judge.do('set', {'name': 'p0', 'type': kind, 'upcall-pid': [kind]})
    judge.do('set', {'name': 'p0', 'options': b'', 'upcall-pid': [5]})
    judge.do('set', {'name': 'p0', 'type': GRE, 'options': b'abcd'})
    judge.do('set', {'name': 'p0', 'ifindex': 4})
    judge.do('get', {'name': 'p0'})


def removing(judge):
    """What becomes of a port that is removed, and of those of a datapath that is."""
    for number in range(5):
        new(judge, {'name': f'p{number}'})
    new(judge, {'name': 'r0'}, index(BR1))
    judge.do('del', {'name': 'br0'})
    judge.do('del', {'port-no': 0}, header=index(BR0))
    judge.do('del', {'name': 'p1'}, header=index(BR1))
    judge.do('del', {'name': 'p1', 'ifindex': 5})
    judge.do('del', {'name': 'p1'}, flags=NLM_F_ACK | NLM_F_ECHO)
    judge.do('del', {'name': 'p1'})
    judge.do('del', {'port-no': 4}, header=index(BR0))
    judge.do('del', {'port-no': 4}, header=index(BR0))
    judge.do('del', {'port-no': 65535}, header=index(0))
    judge.do('del', {})
    judge.dump('get', header=index(BR0))
    # The smallest number is given away again, and the next index.
    new(judge, {'name': 'p1'})
    judge.dump('get', header=index(BR0))
    datapath(judge, DP_DEL, 'br0')
    judge.value('br0 has been removed', True)
    judge.dump('get', header=index(BR0))
    for name in ('br0', 'p0', 'p1', 'r0'):
        judge.do('get', {'name': name})
    judge.dump('get', header=index(BR1))
    new(judge, {'name': 'p0'}, index(BR1))


def order(judge):
    """In what order ports are dumped: list by list, and there the newest first."""
    for number in (1024, 1, 2049, 5, 1025, 65534, 1023, 2048, 1029, 3073):
        new(judge, {'name': f'p{number}', 'port-no': number})
    for read in (4096, 32768):
        judge.dump('get', header=index(BR0), read=read)
    judge.do('del', {'name': 'p2049'})
    new(judge, {'name': 'again', 'port-no': 2049})
    judge.dump('get', header=index(BR0))


def spaces_and_users(judge):
    """Who sees what, and who may what."""
    new(judge, {})
    with judge.netns():
        judge.dump('get', header=index(BR0))
        judge.do('get', {'name': 'p0'})
        judge.do('del', {'name': 'p0'})
        new(judge, {'port-no': 9})
    judge.do('get', {'name': 'p0'})
    with judge.user():
        for op in ('new', 'del', 'set', 'get'):
            judge.do(op, {'name': 'p0', 'type': INTERNAL, 'upcall-pid': [0]}, header=index(BR0))
        judge.dump('get', header=index(BR0))

    def as_root(there):
        new(there, {})
        there.do('set', {'name': 'p0', 'upcall-pid': [1]})
        there.dump('get', header=index(BR0))
        there.do('del', {'name': 'p0'})
    judge.userns(as_root)


def dumps(judge):
    """How a dump is split, and what of its request is looked at."""
    several_sockets(judge, 'br0', True)
    for number in range(60):
        new(judge, {'name': f'd{"x" * (number % 7)}{number}', 'upcall-pid': [1] * (1 + number % 2)})
    for read in (4096, 8192, 32768):
        judge.dump('get', header=index(BR0), read=read)
    judge.dump('get', {'name': 'dx1', 'port-no': 70000}, header=index(BR0), read=4096)
    judge.dump('get', {'ifindex': -1}, header=index(BR0))
    judge.dump('get', b'\1\2\3', header=index(BR0))
    judge.dump('get', b'\xff' * 64, header=index(BR0))


def ynl(judge):
    """What the kernel's own client makes of it, by the spec that the kernel has."""
    judge.ynl(('do', 'new', {'dp-ifindex': BR0, 'name': 'p0', 'type': 'internal',
                             'upcall-pid': [7]}),
              ('do', 'get', {'name': 'p0'}),
              ('dump', 'get', {'dp-ifindex': BR0}),
              ('do', 'del', {'name': 'br0'}, errno.EINVAL))


def some(judge):
    """What requests find whose allocations fail."""
    several_sockets(judge, 'br0', True)
    new(judge, {'upcall-pid': [7, 8]})
    new(judge, {'name': 'p1'})


FAILING = [
    Failing('new', {'name': 'p%d', 'type': INTERNAL, 'upcall-pid': [7, 8]}, header=index(BR0),
            before=some),
    Failing('new', {'name': 'p0', 'type': INTERNAL, 'upcall-pid': [7]}, header=index(BR0),
            before=some, name='do new of one that is there', ended='EEXIST'),
    Failing('set', {'name': 'p0', 'upcall-pid': [1, 2]}, before=some),
    Failing('del', {'name': 'p0'}, before=some),
    Failing('get', {'name': 'p0'}, before=some),
    Failing('get', mode='dump', header=index(BR0), before=some),
]


def cases(judge):
    for part in (finding, making, names, changing, removing, order, spaces_and_users, dumps, ynl):
        with judge.netns():
            part(judge)
    full = {'name': 'p0', 'type': INTERNAL, 'upcall-pid': [7], 'port-no': 5, 'ifindex': 9}
    with judge.netns():
        judge.around('new', full, header=index(BR0),
                     after=lambda: judge.do('del', {'name': 'p0'}))
    with judge.netns():
        new(judge, {})
        full = {'name': 'p0', 'port-no': 1, 'type': INTERNAL, 'upcall-pid': [7]}
        judge.around('set', full, header=index(BR0), after=lambda: judge.do('get', {'name': 'p0'}))
        judge.around('set', {'port-no': 1, 'upcall-pid': [8]}, header=index(BR0))
        judge.around('get', {'name': 'p0', 'port-no': 1}, header=index(BR0))
        judge.around('get', {'port-no': 1}, header=index(BR0))
        judge.around('get', {'name': 'p0'}, header=index(BR0), mode='dump')
        judge.around('del', {'name': 'p0', 'port-no': 1}, header=index(BR0),
                     after=lambda: new(judge, {}))


if __name__ == '__main__':
    sys.exit(main(__name__))
