#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The cases of fou: ports of Foo-over-UDP, as 'ip fou' and as raw requests ask for them.

Addresses are those of the loopback device, or none that is anybody's where binding to
such is allowed: in C each port is a socket, and what that says is not what is compared.
"""

import socket
import struct
import sys
from pathlib import Path

from judge import Difference, Failing, attribute, genl, main, no_policy, old_table, refused

FAMILY = SPEC = 'fou'
C_MODULES = ['fou']
RUST_MODULE = 'genl_fou'

INET, INET6 = 2, 10
IPIP, IPV6, GRE = 4, 41, 47
DIRECT, GUE = 1, 2
GET, PORT = 3, 1

ONE, TWO = socket.inet_aton('127.0.0.1'), socket.inet_aton('127.0.0.2')
ONE6 = socket.inet_pton(socket.AF_INET6, '::1')
# Of a network that is for documents: nobody has it.
NOBODY, NOBODY6 = socket.inet_aton('192.0.2.1'), socket.inet_pton(socket.AF_INET6, '2001:db8::1')

# What tells one port from another.
KEY = ('af', 'port', 'peer-port', 'ifindex', 'local-v4', 'peer-v4', 'local-v6', 'peer-v6')

MANY = 1000
# How many of them C tells a reader with a buffer of 4 KiB: rust/ports/README.md has it.
TOLD = 980
TOLD_TOOL = 998

# What random requests take most of the time.
VALUES = {
    'port': [7000, 7001, 7002, 0],
    'af': [INET, INET6],
    'ipproto': [IPIP, IPV6],
    'type': [DIRECT, GUE],
    'local-v4': [ONE, TWO],
    'local-v6': [ONE6],
    'peer-v4': [TWO],
    'peer-v6': [ONE6],
    'peer-port': [8000],
    'ifindex': [1],
}
# Whether there is a way to a peer, and a device, only sockets know.
LEAVE_OUT = {'add': ('peer-v4', 'peer-v6', 'ifindex')}


def allow(value):
    """Whether a socket may be bound to an address that this machine does not have."""
    for version in ('ipv4', 'ipv6'):
        Path(f'/proc/sys/net/{version}/ip_nonlocal_bind').write_text(value, encoding='ascii')


def setup(_):
    """What each namespace has."""
    allow('1')


def show(judge):
    """What is there now, which is taken away; in the order in which it is told."""
    for reply in judge.dump('get', {}, name='what is there').replies():
        if reply.kind == 'reply':
            key = [(attr.name, attr.payload) for attr in reply.attrs if attr.name in KEY]
            judge.do('del', key, name='what was there is deleted')


# What C answers otherwise because a port is a socket there

def sources(c, rust):
    """A socket that is connected has the address that its route begins with."""
    want = c.but_values({'local-v4': (ONE, bytes(4))})
    return want and want.same(rust)


# What C gets wrong

def lost(c, rust):
    """C has lost the port behind each buffer, and the port has all of them."""
    left = [reply.data for reply in rust.replies() if reply.kind == 'reply']
    # The newest comes first, and they have nothing else that differs.
    if [reply['port'] for reply in rust.replies()[:-1]] != [*range(1 + MANY, 1, -1)] or \
            len({data.replace(attribute(PORT, struct.pack('>H', port)), b'')
                 for data, port in zip(left, range(1 + MANY, 1, -1))}) != 1 or \
            {reply.kind for reply in c.replies()[:-1]} != {'reply'} or \
            not c.same_beside(rust) or any(cut for cut, _ in [*c.datagrams, *rust.datagrams]):
        return False
    for datagram in c.split():
        here = [reply.data for reply in datagram if reply.kind == 'reply']
        if here and here != left[:len(here)]:
            return False
        left = left[len(here) + bool(here):]
    if '4096' in c.name and len([reply for reply in c.replies() if reply.kind == 'reply']) != TOLD:
        return False
    return not left and c.replies()[-1].data == rust.replies()[-1].data


def lost_lines(c, rust):
    """The same of what 'ip fou show' has written."""
    want = [f'stdout: port {port} gue' for port in range(1 + MANY, 1, -1)]
    return rust.text == ['status 0', *want] and len(c.text) == 1 + TOLD_TOOL and \
        [line for line in rust.text if line in c.text] == c.text and \
        c.but(text=[]).same(rust.but(text=[]))


SOCKET = 'the port has no socket'

DIFFERENCES = [
    Difference('the port of another socket', 'a port that somebody else has', SOCKET,
               'net/ipv4/udp_tunnel_core.c:32', 'kernel_bind(', refused(98)),
    Difference('nobody has the address', 'an address that this machine does not have', SOCKET,
               'net/ipv4/udp_tunnel_core.c:32', 'kernel_bind(', refused(99)),
    Difference('nobody has the IPv6 address', 'an IPv6 address that this machine does not have',
               SOCKET, 'net/ipv6/ip6_udp_tunnel.c:43', 'kernel_bind(', refused(99)),
    Difference('no such device', 'a device that is not there', SOCKET,
               'net/ipv6/ip6_udp_tunnel.c:43', 'kernel_bind(', refused(19)),
    Difference('no way to the peer', 'a peer to whom no route leads', SOCKET,
               'net/ipv4/udp_tunnel_core.c:41', 'kernel_connect(', refused(101)),
    Difference('what a connected port says', 'the own address of a port with a peer', SOCKET,
               'net/ipv4/udp_tunnel_core.c:41', 'kernel_connect(', sources),
    Difference('many ports by *', 'C loses the port behind each buffer of a dump',
               'the index has counted the one that did not fit', 'net/ipv4/fou_core.c:893',
               'if (idx++ < cb->args[0])', lost),
    Difference('ip fou show: many', 'the same with the tool',
               'the index has counted the one that did not fit', 'net/ipv4/fou_core.c:893',
               'if (idx++ < cb->args[0])', lost_lines),
    Difference('nlctrl: the family', 'the largest attribute is that of each operation',
               'the table is one of split operations', 'net/netlink/genetlink.c:1242',
               'CTRL_ATTR_MAXATTR, family->maxattr', old_table(11)),
    Difference('nlctrl: the policy of command 3, dump', 'what nlctrl says of the dump',
               'only an old table can have an operation without a policy',
               'net/netlink/genetlink.c:277', 'op->policy\t= NULL;', no_policy),
]


def tools(judge):
    """What 'ip fou' says."""
    judge.tool('ip fou show')
    judge.tool('ip -j fou show')
    # How it ends, and how with IPv6, where the words are any for that.
    for words, status, status6 in (
            ('port 7000 ipproto 4', 0, 0), ('port 7000 ipproto 4', 2, 2), ('port 7001 gue', 0, 0),
            ('port 7002 ipproto 47 local 127.0.0.1', 0, None),
            ('port 7002 gue local 127.0.0.2', 0, None), ('port 7002 gue', 2, 0),
            ('port 7003 ipproto 4 local 127.0.0.1 dev lo', 0, None),
            ('port 7004 ipproto 4 local 127.0.0.1 peer 127.0.0.2 peer_port 8000', 0, None),
            ('port 7005 ipproto 41 -6', 0, 2), ('port 7005 ipproto 41', 0, 2),
            ('port 7006 gue -6 local ::1', 0, 2), ('port 7006 gue -6', 2, 2),
            ('port 7007 gue -6 local ::1 dev lo', 0, 2),
            ('port 7008 gue -6 local ::1 peer ::1 peer_port 8000', 0, 2),
            ('port 7009', 2, 2), ('port 7010 gue ipproto 4', 2, 2), ('ipproto 4', 2, 2),
            ('port 7011 ipproto 0', 255, 255), ('port 7012 gue peer 127.0.0.1', 2, 2),
            ('port 7013 gue dev lo', 2, 2),
            ('port 7014 gue local 127.0.0.1 dev nothing', 1, 1)):
        judge.tool(f'ip fou add {words}', status=status)
        if status6 is not None:
            judge.tool(f'ip -6 fou add {words}', status=status6)
    for words in ('port 7020 ipproto 47 local ::1', 'port 7021 gue local ::1 dev lo',
                  'port 7022 ipproto 41 local ::1 peer ::1 peer_port 8000'):
        judge.tool(f'ip -6 fou add {words}')
    judge.tool('ip fou show', name='ip fou show: some')
    judge.tool('ip -j fou show', name='ip -j fou show: some')
    judge.tool('ip -j -p fou show', name='ip -j -p fou show: some')
    for words, status in (
            ('port 7000', 0), ('port 7000', 2), ('port 7001 gue', 0), ('port 7002', 2),
            ('port 7003', 2), ('port 7002 local 127.0.0.1', 0),
            ('port 7003 local 127.0.0.1 dev lo', 0), ('port 7004 local 127.0.0.1', 2),
            ('port 7004 local 127.0.0.1 peer 127.0.0.2 peer_port 8001', 2),
            ('port 7004 local 127.0.0.1 peer 127.0.0.2 peer_port 8000', 0),
            ('port 7005', 0), ('port 7005 -6', 0), ('', 2)):
        judge.tool(f'ip fou del {words}', status=status)
    judge.tool('ip -j fou show', name='ip -j fou show: what is left')
    with judge.user():
        for words, status in (('show', 0), ('add port 7000 gue', 2), ('del port 7006', 2)):
            judge.tool(f'ip fou {words}', status=status)
    with judge.netns():
        judge.tool('ip fou show', name='ip fou show: another namespace')
        judge.tool('ip fou add port 7006 gue', name='ip fou add: another namespace')
        judge.tool('ip fou show', name='ip fou show: another namespace')
    judge.tool('ip fou show', name='ip fou show: the first namespace')
    show(judge)


def what_add_takes(judge):
    """Each combination that the handler looks at."""
    for wrong in ({}, {'port': 7000}, {'port': 7000, 'ipproto': IPIP},
                  {'port': 7000, 'type': DIRECT}, {'port': 7000, 'type': DIRECT, 'ipproto': 0},
                  {'port': 7000, 'type': 0, 'ipproto': IPIP},
                  {'port': 7000, 'type': 3, 'ipproto': IPIP},
                  {'port': 7000, 'type': 255, 'ipproto': IPIP},
                  {'port': 7000, 'type': GUE, 'af': 0}, {'port': 7000, 'type': GUE, 'af': 1},
                  {'port': 7000, 'type': GUE, 'af': 255},
                  {'port': 7000, 'type': GUE, 'peer-v4': TWO},
                  {'port': 7000, 'type': GUE, 'af': INET6, 'peer-v6': ONE6},
                  {'port': 7000, 'type': GUE, 'ifindex': 1},
                  {'port': 7000, 'type': GUE, 'af': INET6, 'ifindex': 1},
                  {'port': 7000, 'type': GUE, 'af': INET6, 'local-v4': ONE, 'ifindex': 1},
                  {'port': 7000, 'type': GUE, 'local-v6': ONE6, 'ifindex': 1},
                  {'port': 7000, 'type': GUE, 'local-v4': ONE, 'ifindex': -1},
                  {'port': 7000, 'type': GUE, 'local-v4': ONE, 'ifindex': -2 ** 31},
                  {'port': 7000, 'type': 0, 'local-v4': ONE, 'ifindex': -1},
                  {'port': 7000, 'af': 1, 'type': GUE, 'peer-v4': TWO}):
        judge.do('add', wrong)
    show(judge)
    for right in ({'port': 7000, 'ipproto': IPIP, 'type': DIRECT},
                  {'port': 1, 'ipproto': 255, 'type': DIRECT},
                  {'port': 65535, 'ipproto': 1, 'type': GUE},
                  {'port': 7000, 'ipproto': IPV6, 'type': DIRECT, 'af': INET6},
                  {'port': 7001, 'type': GUE, 'remcsum-nopartial': True},
                  {'port': 7002, 'type': GUE, 'af': INET6, 'remcsum-nopartial': True},
                  {'port': 7003, 'type': GUE, 'peer-port': 8000},
                  {'port': 7004, 'type': GUE, 'peer-v4': TWO, 'peer-port': 0},
                  {'port': 7005, 'type': GUE, 'local-v4': ONE, 'peer-v4': TWO, 'peer-port': 8000},
                  {'port': 7006, 'type': GUE, 'local-v4': ONE, 'ifindex': 0},
                  {'port': 7007, 'type': GUE, 'local-v4': ONE, 'ifindex': 1},
                  {'port': 7008, 'type': GUE, 'af': INET6, 'local-v6': ONE6, 'ifindex': 1},
                  {'port': 7009, 'type': GUE, 'local-v6': ONE6, 'peer-v6': ONE6},
                  {'port': 7010, 'type': GUE, 'af': INET6, 'local-v4': ONE, 'peer-v4': TWO},
                  {'port': 0, 'type': GUE}, {'type': GUE}, {'port': 0, 'type': GUE, 'af': INET6},
                  {'port': 0, 'type': DIRECT, 'ipproto': IPIP}, {'port': 0, 'type': 0},
                  {'port': 0, 'type': GUE, 'peer-v4': TWO, 'peer-port': 0},
                  {'port': 0, 'type': GUE, 'peer-v4': TWO, 'peer-port': 0}):
        judge.do('add', right)
        judge.do('add', right, name='once more')
        judge.do('get', {name: value for name, value in right.items() if name in KEY})
    judge.dump('get', {}, name='all of these')
    show(judge)


def whose_port(judge):
    """Which ports are free when others are taken."""
    for index, first in enumerate(({}, {'local-v4': ONE}, {'local-v4': ONE, 'ifindex': 1},
                                   {'af': INET6}, {'af': INET6, 'local-v6': ONE6})):
        judge.do('add', {'port': 7000, 'type': GUE, **first}, name=f'taken {index}')
        for second in ({}, {'local-v4': ONE}, {'local-v4': TWO}, {'local-v4': ONE, 'ifindex': 1},
                       {'local-v4': TWO, 'ifindex': 1}, {'local-v4': ONE, 'ifindex': 2},
                       {'local-v4': bytes(4), 'ifindex': 1}, {'local-v4': bytes(4), 'ifindex': 2},
                       {'af': INET6}, {'af': INET6, 'local-v6': ONE6},
                       {'af': INET6, 'local-v6': NOBODY6},
                       {'af': INET6, 'local-v6': ONE6, 'ifindex': 1}):
            record = judge.do('add', {'port': 7000, 'type': GUE, **second})
            if not record.errno():
                judge.do('del', {'port': 7000, **second})
        show(judge)


def what_get_and_del_find(judge):
    """A port is found by all that tells it from others."""
    ports = ({'port': 7000}, {'port': 7001, 'local-v4': ONE}, {'port': 7001, 'local-v4': TWO},
             {'port': 7002, 'local-v4': ONE, 'ifindex': 1},
             {'port': 7003, 'local-v4': ONE, 'peer-v4': TWO, 'peer-port': 8000},
             {'port': 7000, 'af': INET6}, {'port': 7001, 'af': INET6, 'local-v6': ONE6})
    for port in ports:
        judge.do('add', {**port, 'type': GUE})
    other = ({}, {'port': 0}, {'port': 7004}, {'port': 7001}, {'port': 7001, 'local-v4': NOBODY},
             {'port': 7002, 'local-v4': ONE}, {'port': 7002, 'local-v4': ONE, 'ifindex': 2},
             {'port': 7002, 'ifindex': 1}, {'port': 7003, 'local-v4': ONE},
             {'port': 7003, 'local-v4': ONE, 'peer-v4': TWO},
             {'port': 7003, 'local-v4': ONE, 'peer-v4': TWO, 'peer-port': 8001},
             {'port': 7003, 'local-v4': ONE, 'peer-v4': ONE, 'peer-port': 8000},
             {'port': 7000, 'af': 1}, {'port': 0, 'af': 1}, {'port': 7001, 'af': INET6},
             {'port': 7001, 'af': INET6, 'local-v6': NOBODY6},
             {'port': 7001, 'af': INET6, 'local-v6': ONE6, 'ifindex': -1})
    for port in other:
        judge.do('get', port)
        judge.do('del', port)
    for port in ports:
        judge.do('get', port)
        # What they are beside their keys makes no difference.
        judge.do('get', {**port, 'type': 77, 'ipproto': 9, 'remcsum-nopartial': True})
    with judge.user():
        for port in ports[:2]:
            judge.do('get', port)
            judge.do('del', port)
            judge.do('add', {**port, 'type': GUE})
        judge.dump('get', {})
    judge.userns(lambda there: [there.do('add', {'port': 7000, 'type': GUE}, name='a root: add'),
                                there.do('del', {'port': 7000}, name='a root: del'),
                                there.do('get', {'port': 7000}, name='a root: get'),
                                there.dump('get', {}, name='a root: dump')])
    with judge.netns():
        for port in ports:
            judge.do('get', port, name='in another namespace')
        judge.do('add', {'port': 7000, 'ipproto': GRE, 'type': DIRECT}, name='added there')
        judge.dump('get', {}, name='all of another namespace')
    judge.do('get', {'port': 7000}, name='in the first namespace')
    for port in ports:
        judge.do('del', {**port, 'type': 77, 'ipproto': 9})
        judge.do('del', port, name='deleted once more')
    judge.dump('get', {}, name='none is left')


def wrong_requests(judge):
    """What is wrong with the bytes of a request. No peer has a port: none is connected to."""
    right = {'port': 7000, 'ipproto': IPIP, 'type': DIRECT, 'af': INET, 'local-v4': ONE,
             'ifindex': 0, 'peer-v4': TWO, 'peer-port': 0, 'remcsum-nopartial': True}
    judge.around('add', right, after=lambda: show(judge))
    right6 = {'port': 7000, 'type': GUE, 'af': INET6, 'local-v6': ONE6, 'peer-v6': ONE6,
              'peer-port': 0}
    judge.around('add', right6, after=lambda: show(judge))
    port = {'port': 7000, 'af': INET, 'local-v4': ONE}

    def add():
        judge.do('add', {**port, 'type': GUE}, name='there again')

    add()
    judge.around('del', port, after=add)
    judge.around('get', port)
    judge.around('get', {}, mode='dump')
    # A dump looks at nothing of its request.
    judge.dump('get', port)
    judge.dump('get', {'ipproto': 0, 'af': 1, 'local-v6': b'short'})
    judge.raw('dump get: bytes that are no attributes', genl(GET) + b'\1\2\3\4\5', flags=0x301)
    judge.raw('dump get: an attribute in an attribute', genl(GET) + attribute(1, attribute(
        2, b'\2'), nested=True), flags=0x301)
    show(judge)


def sockets(judge):
    """What only sockets know."""
    with judge.netns():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', 7000))
            judge.do('add', {'port': 7000, 'type': GUE}, name='the port of another socket')
    with judge.netns():
        allow('0')
        judge.do('add', {'port': 7000, 'type': GUE, 'local-v4': NOBODY},
                 name='nobody has the address')
        judge.do('add', {'port': 7000, 'type': GUE, 'af': INET6, 'local-v6': NOBODY6},
                 name='nobody has the IPv6 address')
        judge.do('add', {'port': 7001, 'type': GUE, 'af': INET6, 'local-v6': ONE6, 'ifindex': 99},
                 name='no such device')
        judge.do('add', {'port': 7002, 'type': GUE, 'peer-v4': NOBODY, 'peer-port': 8000},
                 name='no way to the peer')
    with judge.netns():
        judge.do('add', {'port': 7000, 'type': GUE, 'peer-v4': TWO, 'peer-port': 8000},
                 name='a peer without an own address')
        judge.dump('get', {}, name='what a connected port says')


def many(judge):
    """Dumps of more than a buffer."""
    with judge.netns():
        for port in range(2, 2 + MANY):
            judge.do('add', {'port': port, 'type': GUE}, name='one of many ports')
        for read in (4096, 8192, 32768):
            judge.dump('get', {}, name=f'many ports by {read}', read=read)
        judge.tool('ip fou show', name='ip fou show: many')


def some(judge):
    """What requests find whose allocations fail."""
    judge.do('add', {'port': 7000, 'type': GUE})
    judge.do('add', {'port': 7001, 'type': GUE, 'af': INET6, 'local-v6': ONE6})


def large(judge):
    """Ports that take more than a buffer."""
    for port in range(7000, 7200):
        judge.do('add', {'port': port, 'type': GUE})


FAILING = [
    Failing('add', {'port': 7002, 'ipproto': IPIP, 'type': DIRECT, 'local-v4': ONE, 'peer-v4': TWO,
                    'peer-port': 8000, 'ifindex': 1}, before=some),
    Failing('add', {'port': 7001, 'type': GUE, 'af': INET6, 'local-v6': ONE6}, before=some,
            name='do add of one that is there', ended='EADDRINUSE'),
    Failing('del', {'port': 7001, 'af': INET6, 'local-v6': ONE6}, before=some),
    Failing('get', {'port': 7000}, before=some),
    Failing('get', mode='dump', before=some),
    Failing('get', mode='dump', before=large, name='dump get of several buffers'),
]


def cases(judge):
    """All of them."""
    tools(judge)
    what_add_takes(judge)
    whose_port(judge)
    what_get_and_del_find(judge)
    wrong_requests(judge)
    sockets(judge)
    many(judge)


if __name__ == '__main__':
    sys.exit(main(__name__))
