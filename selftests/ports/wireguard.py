#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The cases of wireguard: devices and their peers, as the tool 'wg' and as raw requests ask
for them. Each namespace has a device wg0, whose module is the one that is judged.
"""

import base64
import ipaddress
import itertools
import random
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from judge import SLOW, Difference, Failing, Record, attribute, genl, main, read_messages, \
    refused, rtnetlink
from message import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, message

RTM_NEWLINK, NLM_F_EXCL, NLM_F_CREATE = 16, 0x200, 0x400
IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND = 3, 18, 1

FAMILY = SPEC = 'wireguard'
C_MODULES = ['wireguard']
RUST_MODULE = 'genl_wireguard'

SET = 1
A_IFNAME, A_PRIVATE, A_PEERS = 2, 3, 8
P_PUBLIC, P_PRESHARED, P_ALLOWED = 1, 2, 9
REPLACE_PEERS = 1
REMOVE, REPLACE_ALLOWED, UPDATE_ONLY = 1, 2, 4
INET, INET6 = 2, 10
EPERM, EADDRINUSE = 1, 98


def key(number):
    """A public key, or one that two share."""
    return struct.pack('=I', number) + b'\x42' * 28


def b64(data):
    """A key as the tool has it."""
    return base64.b64encode(data).decode()


def v4(address='192.0.2.1', port=51820, rest=bytes(8)):
    """A struct sockaddr_in."""
    return struct.pack('=H', INET) + struct.pack('!H', port) + socket.inet_aton(address) + rest


def v6(address='2001:db8::1', port=51820, flow=0, scope=0):
    """A struct sockaddr_in6."""
    return struct.pack('=H', INET6) + struct.pack('!HI', port, flow) + \
        socket.inet_pton(socket.AF_INET6, address) + struct.pack('=I', scope)


def allowed(text, **more):
    """An allowed IP, which need not be a network."""
    address, _, cidr = text.partition('/')
    address = ipaddress.ip_address(address)
    return {'family': INET if address.version == 4 else INET6, 'ipaddr': address.packed,
            'cidr-mask': int(cidr), **more}


def peer(number, *ips, **more):
    """A peer, which has these networks."""
    attrs = {'public-key': key(number)}
    attrs |= {name.replace('_', '-'): value for name, value in more.items()}
    if ips:
        attrs['allowedips'] = [allowed(ip) if isinstance(ip, str) else ip for ip in ips]
    return attrs


def hosts(family, start, count):
    """So many addresses as allowed IPs, in bytes: to encode thousands by the spec takes long."""
    front, cidr = (b'\x0a', 32) if family == INET else (b'\xfd' + bytes(11), 128)
    for number in range(start, start + count):
        address = front + number.to_bytes(4 if family == INET6 else 3, 'big')
        yield attribute(1, struct.pack('=H', family)) + attribute(2, address) + \
            attribute(3, bytes([cidr]))


PRIVATE = bytes(range(1, 33))
SHARED = b'\x55' * 32

# What random requests take most of the time.
VALUES = {
    'ifname': ['wg0'],
    'private-key': [PRIVATE, bytes(32), key(1)],
    'public-key': [key(1), key(2), key(3)],
    'preshared-key': [SHARED, bytes(32)],
    'endpoint': [v4(), v6(), v4(port=0)],
    'family': [INET, INET6],
    'ipaddr': [bytes([10, 1, 2, 3]), bytes([10, 1, 0, 0]), v6()[8:24]],
    'cidr-mask': [0, 8, 24, 32, 32, 64],
    'protocol-version': [1],
}
# With a name and an index a request is wrong.
LEAVE_OUT = {'set-device': ('ifindex',), 'get-device': ('ifindex',)}


def add_link(name):
    """As 'ip link add NAME type wireguard', without a program that has to be started."""
    kind = attribute(IFLA_INFO_KIND, b'wireguard')
    rtnetlink(RTM_NEWLINK, bytes(16) + attribute(IFLA_IFNAME, name.encode() + b'\0') +
              attribute(IFLA_LINKINFO, kind), NLM_F_CREATE | NLM_F_EXCL)


def setup(_):
    """What each namespace has."""
    add_link('wg0')


def state(judge):
    """What the random requests have left."""
    show(judge)


def put(judge, attrs=None, name=None, **words):
    """A request that changes wg0."""
    attrs = {'ifname': 'wg0', **(attrs or {}),
             **{word.replace('_', '-'): value for word, value in words.items()}}
    return judge.do('set-device', attrs, name=name)


def show(judge, name='what is there', read=32768):
    """What wg0 is configured with."""
    return judge.dump('get-device', {'ifname': 'wg0'}, name=name, read=read)


def step(judge, *peers, name=None, **words):
    """A request with peers, and what is there then."""
    put(judge, {'peers': list(peers)}, name=name, **words)
    show(judge)


# What differs on purpose

def payloads(data, start, end, path):
    """Where that is which is at the end of a path of attribute numbers; None is any number."""
    while start + 4 <= end:
        length, number = struct.unpack_from('=HH', data, start)
        if not 4 <= length <= end - start:
            return
        if path[0] in (None, number & 0x3fff):
            if path[1:]:
                yield from payloads(data, start + 4, start + length, path[1:])
            else:
                yield slice(start + 4, start + length)
        start += (length + 3) & ~3


def without_keys(reply, request):
    """
    A message; an error quotes the request without its keys. C has left those that it has not come
    to as they were.
    """
    out = bytearray(reply.data)
    if reply.kind == 'error' and len(reply.quote) > 20:
        for path in ([A_PRIVATE], [A_PEERS, None, P_PRESHARED]):
            for key_of in payloads(request, 20, len(request), path):
                where = slice(20 + key_of.start, 20 + key_of.stop)
                if out[where] == request[key_of]:
                    out[where] = bytes(key_of.stop - key_of.start)
    return bytes(out)


def merge(replies):
    """A device, however its peers are spread over messages."""
    device_of, peers_of = [], {}
    for attr in (attr for reply in replies for attr in reply.attrs):
        if attr.name != 'peers':
            device_of.append((attr.number, attr.payload))
            continue
        for one in attr.value:
            values = {inner.name: inner for inner in one.value}
            own, ips = peers_of.setdefault(values['public-key'].payload, ([], []))
            own += [(inner.number, inner.payload) for name, inner in values.items()
                    if name not in ('public-key', 'allowedips')]
            ips += [ip.payload for ip in values['allowedips'].value] \
                if 'allowedips' in values else []
    heads = {(reply.kind, reply.flags, reply.cmd, reply.seq, reply.port) for reply in replies}
    return heads, device_of, list(peers_of.items())


def wiped(c, rust):
    """The port has wiped all keys of a request, and nothing else is otherwise."""
    return c.same_beside(rust) and \
        [cut for cut, _ in c.datagrams] == [cut for cut, _ in rust.datagrams] and \
        [[without_keys(reply, c.request) for reply in datagram] for datagram in c.split()] == \
        [[reply.data for reply in datagram] for datagram in rust.split()]


def other_ports(c, rust):
    """C has bound some port, or kept the one that it had, and all else is the same."""
    ports = [struct.pack('=H', record.replies()[0]['listen-port']) for record in (c, rust)]
    want = c.but_values({'listen-port': ports})
    return want and want.same(rust)


SOCKET = 'an interface that is up has no socket: there is no data plane'

DIFFERENCES = [
    Difference('*', 'the keys of a request that fails', 'C wipes the keys of those peers that it '
               'has come to, and of what is there twice the last one; the framework wipes all',
               'drivers/net/wireguard/netlink.c:468',
               'memzero_explicit(nla_data(attrs[WGPEER_A_PRESHARED_KEY]),', wiped),
    Difference('deleted while somebody reads', 'an interface is deleted that is being dumped',
               'C keeps the net_device until the dump is closed; the port keeps what it is '
               'configured with', 'drivers/net/wireguard/netlink.c:177',
               'DUMP_CTX(cb)->wg = wg;',
               lambda c, rust: c.text == ["'it waits'"] and c.but(text=['0']).same(rust)),
    Difference('up: a port that is taken', 'a port that somebody else has', SOCKET,
               'drivers/net/wireguard/netlink.c:297', 'return wg_socket_init(wg, port);',
               refused(EADDRINUSE)),
    Difference('up: what is there', 'the port of an interface that is up', SOCKET,
               'drivers/net/wireguard/netlink.c:297', 'return wg_socket_init(wg, port);',
               other_ports, ('listen-port',)),
    Difference('up: what is there (2)', 'the port where another one was refused', SOCKET,
               'drivers/net/wireguard/netlink.c:297', 'return wg_socket_init(wg, port);',
               other_ports, ('listen-port',)),
]


CONFIG = f'''
[Interface]
PrivateKey = {b64(PRIVATE)}
ListenPort = 51821
FwMark = 0x20

[Peer]
PublicKey = {b64(key(1))}
PresharedKey = {b64(SHARED)}
AllowedIPs = 10.0.0.0/8, 192.168.1.1/32, fd00::/8
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 25

[Peer]
PublicKey = {b64(key(2))}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = [2001:db8::1]:51820

[Peer]
PublicKey = {b64(key(3))}
'''
MORE = f'''
[Interface]
FwMark = 0x21

[Peer]
PublicKey = {b64(key(4))}
AllowedIPs = 10.0.0.0/8

[Peer]
PublicKey = {b64(key(1))}
AllowedIPs = 10.1.0.0/16
PersistentKeepalive = off
'''


def tools(judge):
    """What 'wg' says."""
    def shown(name):
        for words in ('show wg0', 'show all dump', 'showconf wg0'):
            judge.tool(f'wg {words}', name=f'wg {words}: {name}')

    shown('nothing')
    for words in ('listen-port 51820', 'listen-port 0', 'listen-port 65535', 'listen-port 65536',
                  'fwmark 0x10', 'fwmark off', 'fwmark 0xffffffff'):
        judge.tool(f'wg set wg0 {words}')
    for words in ('', 'peer', 'nonsense 1'):
        judge.tool(f'wg set wg0 {words}', status=1)
    from_stdin = '/proc/self/fd/0'
    judge.tool(f'wg set wg0 private-key {from_stdin}', stdin=b64(PRIVATE))
    shown('a key')
    one, two = b64(key(1)), b64(key(2))
    for words in (f'peer {one} allowed-ips 10.0.0.0/8,fd00::/64',
                  f'peer {one} endpoint 192.0.2.1:51820 persistent-keepalive 25',
                  f'peer {one} endpoint [2001:db8::1]:51820',
                  f'peer {one} endpoint [fe80::1%lo]:51820',
                  f'peer {two} allowed-ips 10.0.0.0/8,10.1.2.3/16',
                  f'peer {one} allowed-ips 10.1.0.0/16 peer {two} allowed-ips 10.2.0.0/16',
                  f'peer {one} persistent-keepalive off', f'peer {one} persistent-keepalive 65535',
                  f'peer {b64(key(9))} remove'):
        judge.tool(f'wg set wg0 {words}')
        show(judge)
    for words in (f'peer {one} persistent-keepalive 65536', f'peer {one} allowed-ips 10.0.0.0/33',
                  f'peer {b64(b"x" * 31)} remove'):
        judge.tool(f'wg set wg0 {words}', status=1)
        show(judge)
    judge.tool(f'wg set wg0 peer {two} preshared-key {from_stdin}', stdin=b64(SHARED))
    shown('peers')
    for what in ('public-key', 'private-key', 'listen-port', 'fwmark', 'peers', 'preshared-keys',
                 'endpoints', 'allowed-ips', 'latest-handshakes', 'transfer',
                 'persistent-keepalive'):
        judge.tool(f'wg show all {what}')
    judge.tool('wg show interfaces')
    judge.tool(['wg', 'set', 'wg0', 'peer', one, 'allowed-ips', ''], name='no allowed ips')
    judge.tool(f'wg set wg0 peer {one} remove')
    shown('a peer less')
    judge.tool(f'wg setconf wg0 {from_stdin}', stdin=CONFIG)
    shown('setconf')
    judge.tool(f'wg addconf wg0 {from_stdin}', stdin=MORE)
    shown('addconf')
    judge.tool(f'wg syncconf wg0 {from_stdin}', stdin=CONFIG)
    shown('syncconf')
    judge.tool(f'wg setconf wg0 {from_stdin}', stdin='[Interface]\n', name='wg setconf: empty')
    shown('an empty one')
    judge.tool(f'wg setconf wg0 {from_stdin}', stdin='[Peer]\nAllowedIPs = x\n',
               name='wg setconf: wrong', status=1)
    add_link('wg1')
    judge.tool('wg set wg1 fwmark 7')
    judge.tool('wg show all dump', name='wg show all dump: two')
    judge.tool('wg show interfaces', name='wg show interfaces: two')
    judge.run('ip link del wg1')
    for words in ('show wg1', 'set wg1 fwmark 1', 'show lo', 'set lo fwmark 1', 'showconf lo'):
        judge.tool(f'wg {words}', name=f'wg {words}: no such device', status=1)
    with judge.user():
        for words in ('show', 'show wg0', 'set wg0 fwmark 1', 'showconf wg0'):
            judge.tool(f'wg {words}', status=1)
    with judge.netns():
        judge.tool('wg show all dump', name='wg show all dump: another namespace')
    judge.tool("ip -o link show type wireguard", hide=r'^\d+: |state \S+')


def devices(judge):
    """Which device a request means."""
    index = socket.if_nametoindex('wg0')
    judge.run('ip link add other type dummy')
    other = socket.if_nametoindex('other')
    names = [('none', {}), ('both', {'ifindex': index, 'ifname': 'wg0'}),
             ('index', {'ifindex': index}), ('name', {'ifname': 'wg0'}),
             ('index 0', {'ifindex': 0}), ('a negative index', {'ifindex': 0xffffffff}),
             ('no such index', {'ifindex': 0x7fffffff}), ('no such name', {'ifname': 'wg9'}),
             ('no name', {'ifname': ''}), ('a long name', {'ifname': 'a' * 15}),
             ('a name that is too long', {'ifname': 'a' * 16}),
             ('another kind by its index', {'ifindex': other}),
             ('another kind by its name', {'ifname': 'other'}), ('lo', {'ifname': 'lo'}),
             ('a name twice', [('ifname', 'wg9'), ('ifname', 'wg0')])]
    for what, attrs in names:
        judge.dump('get-device', attrs, name=f'get: {what}')
        judge.do('set-device', attrs, name=f'set: {what}')
        pairs = list(attrs.items()) if isinstance(attrs, dict) else attrs
        # What is wiped where nothing is found.
        judge.do('set-device', [*pairs, ('private-key', PRIVATE),
                                ('peers', [peer(1, preshared_key=SHARED)])],
                 name=f'set with keys: {what}')
    judge.run('ip link set wg0 name renamed')
    for name in ('wg0', 'renamed'):
        judge.dump('get-device', {'ifname': name}, name=f'renamed: {name}')
    judge.run('ip link set renamed name wg0')
    with judge.netns():
        judge.run('ip link del wg0')
        judge.dump('get-device', {'ifname': 'wg0'}, name='a device that is gone')
        add_link('wg0')
        show(judge, 'a device that is new')


def device(judge):
    """The attributes of a device."""
    for name, attrs in (('a port', {'listen-port': 7}), ('a mark', {'fwmark': 0xfffffff0}),
                        ('neither', {'listen-port': 0, 'fwmark': 0}),
                        ('flags', {'flags': REPLACE_PEERS}), ('no flags', {'flags': 0}),
                        ('other flags', {'flags': 2}), ('a public key', {'public-key': key(1)}),
                        ('a private key', {'private-key': PRIVATE}),
                        ('the same', {'private-key': PRIVATE}),
                        ('the same with other bits', {'private-key': bytes([PRIVATE[0] | 7]) +
                                                      PRIVATE[1:]}),
                        ('no private key', {'private-key': bytes(32)}),
                        ('none once more', {'private-key': bytes(32)}),
                        ('another one', {'private-key': key(7)}),
                        ('a short key', {'private-key': bytes(31)}),
                        ('a long key', {'private-key': bytes(33)})):
        put(judge, attrs, name=f'set {name}')
        show(judge)
    # A peer that turns out to be the device.
    public = show(judge).replies()[0]['public-key']
    step(judge, {'public-key': public}, peer(1), name='the device itself as a peer')
    put(judge, private_key=bytes(32))
    itself = {'public-key': public, 'allowedips': [allowed('10.0.0.0/8')]}
    step(judge, itself, peer(2, '10.0.0.0/8'), {**itself, 'allowedips': [allowed('10.1.0.0/16')]},
         name='a peer that will be the device')
    put(judge, private_key=key(7))
    show(judge)
    step(judge, *({'public-key': public, 'flags': flags} for flags in (REMOVE, UPDATE_ONLY)))
    step(judge, peer(3), flags=REPLACE_PEERS, name='other peers')
    put(judge, flags=REPLACE_PEERS)
    show(judge)


def peers(judge):
    """The attributes of a peer."""
    step(judge, peer(1), peer(2, '10.0.0.0/8', preshared_key=SHARED, endpoint=v4(),
                              persistent_keepalive_interval=25, protocol_version=1))
    for attrs in ({}, {'preshared-key': SHARED}, {'public-key': key(1)[:31]},
                  {'public-key': key(1) + b'\0'}):
        step(judge, attrs)
    for version in (0, 1, 2, 0xffffffff):
        step(judge, peer(3, protocol_version=version), peer(4, preshared_key=SHARED),
             name=f'version {version}')
    step(judge, {'protocol-version': 2})
    for flags in range(9):
        for number in (1, 100 + flags):
            step(judge, peer(number, '10.1.0.0/16', flags=flags),
                 name=f'peer {number}, flags {flags}')
    step(judge, peer(2, flags=UPDATE_ONLY, persistent_keepalive_interval=0))
    step(judge, peer(2, preshared_key=bytes(32)))
    step(judge, peer(2, last_handshake_time=bytes(16), rx_bytes=7, tx_bytes=8))
    step(judge, peer(2, last_handshake_time=bytes(15)), peer(2, persistent_keepalive_interval=7))
    put(judge, flags=REPLACE_PEERS)
    # What comes twice, and the order in which they are told.
    step(judge, *(peer(number) for number in (5, 3, 4, 1, 2, 3)))
    step(judge, peer(3, flags=REMOVE), peer(3), peer(1, flags=REMOVE))
    step(judge, [('public-key', key(1)), ('public-key', key(2)), ('preshared-key', key(8)),
                 ('preshared-key', key(9)), ('persistent-keepalive-interval', 9)])
    for where in (0, 1, 2):
        some = [peer(10 + where, preshared_key=SHARED), peer(20 + where, preshared_key=SHARED)]
        some.insert(where, {'preshared-key': SHARED})
        step(judge, *some, private_key=PRIVATE, name=f'wrong in the middle: {where}')


def endpoints(judge):
    """Where a peer is."""
    right, right6 = v4(), v6()
    for number, endpoint in enumerate((
            right, v4(port=0), v4('0.0.0.0', 0), v4(rest=b'\7' * 8), right,
            v4(port=1, rest=b'\7' * 8), v4(port=1), right6, v6(flow=7), v6(scope=1),
            v6(flow=7, scope=1), right, right6, v6(port=1), v6('::', 0), right[:15],
            right + b'\0', right6[:16], right6[:24], right6[:27],
            right6 + b'\0', right6 + right6, right + bytes(12), struct.pack('=H', 1) + right[2:],
            bytes(16), bytes(28), struct.pack('=H', INET6) + right[2:])):
        step(judge, peer(1, endpoint=endpoint), name=f'endpoint {number}')
    put(judge, fwmark=1, listen_port=1)
    show(judge)


def allowed_ips(judge):
    """The attributes of an allowed IP, and whose it is."""
    for number, ip in enumerate((
            '10.1.2.3/32', '10.1.2.3/31', '10.255.255.255/9', '10.1.2.3/8', '10.1.2.3/0',
            '10.1.2.3/33', '10.1.2.3/128', '10.1.2.3/255', '2001:db8::ffff/128',
            '2001:db8::ffff/127',
            '2001:db8:ffff:ffff:ffff::/65', '2001:db8:ffff:ffff:ffff::/64',
            '2001:db8:ffff:ffff:ffff::/63', '2001:db8::ffff/1', '2001:db8::ffff/0',
            '2001:db8::ffff/129', '2001:db8::ffff/255')):
        step(judge, peer(1, ip, persistent_keepalive_interval=number), name=f'allowed {ip}')
    good = allowed('10.9.0.0/16')
    for missing in good:
        step(judge, peer(1, {name: value for name, value in good.items() if name != missing}),
             name=f'without {missing}')
    for family in (0, 1, INET, INET6, 0xffff):
        for size in (3, 4, 5, 8, 15, 16, 17, 32):
            step(judge, peer(2, {'family': family, 'ipaddr': bytes(range(1, 1 + size)),
                                 'cidr-mask': 20}), name=f'family {family}, {size} bytes')
    for flags in (0, 1, 2, 3):
        step(judge, peer(2, allowed('10.9.0.0/16', flags=flags)), name=f'allowed, flags {flags}')
    put(judge, flags=REPLACE_PEERS)
    some = ['10.0.0.0/8', '10.1.0.0/16', 'fd00::/8', '10.1.2.0/24', '0.0.0.0/0', '::/0']
    step(judge, peer(1, *some), peer(2, '10.2.0.0/16'), peer(3), name='some')
    for name, changed in (
            ('moved', peer(2, '10.1.0.0/16', 'fd00::/8')),
            ('to the end', peer(1, '10.0.0.0/8')),
            ('unmasked', peer(3, '10.77.0.0/8', 'fd77::/8')),
            ('back', peer(1, *some)),
            ('twice', peer(2, '10.3.0.0/16', '10.4.0.0/16', '10.3.0.0/16')),
            ('not its own', peer(2, allowed('10.1.0.0/16', flags=REMOVE))),
            ('nobody has it', peer(2, allowed('10.5.0.0/16', flags=REMOVE))),
            ('its own', peer(1, allowed('10.1.99.0/16', flags=REMOVE))),
            ('of another length', peer(1, allowed('10.0.0.0/9', flags=REMOVE))),
            ('replaced', peer(1, '10.6.0.0/16', flags=REPLACE_ALLOWED)),
            ('replaced by none', peer(1, flags=REPLACE_ALLOWED)),
            ('wrong in the middle', peer(1, '10.7.0.0/16', '10.7.0.0/33', '10.8.0.0/16',
                                         persistent_keepalive_interval=99, preshared_key=SHARED)),
            ('a new one that is wrong', peer(9, '10.7.0.0/33', flags=REPLACE_ALLOWED,
                                             persistent_keepalive_interval=99, endpoint=v4())),
            ('removed', peer(2, flags=REMOVE))):
        step(judge, changed, name=f'allowed ips: {name}')


def nests(judge):
    """Elements of arrays that are none, or not marked as nests."""
    def raw(name, peers_of, *, flag=True):
        body = attribute(A_IFNAME, b'wg0\0') + attribute(A_PEERS, peers_of, nested=flag)
        judge.raw(f'nests: {name}', genl(SET) + body)
        show(judge)

    one = attribute(P_PUBLIC, key(1)) + attribute(P_PRESHARED, SHARED)
    two = attribute(P_PUBLIC, key(2)) + attribute(P_PRESHARED, SHARED)
    ip = attribute(1, b'\2\0') + attribute(2, bytes([10, 0, 0, 0])) + attribute(3, b'\x08')
    whole = attribute(0, one, nested=True)
    raw('no peers', b'')
    raw('a peer', whole)
    raw('not marked', whole, flag=False)
    raw('an element that is not marked', attribute(0, one))
    raw('behind one that is', whole + attribute(1, two))
    raw('the first one is not', attribute(1, two) + whole)
    raw('other numbers', attribute(7, one, nested=True) + attribute(0x3fff, two, nested=True))
    raw('the other flag', attribute(0x4000, one, nested=True))
    raw('an empty element', attribute(0, b'', nested=True))
    raw('an empty one that is not marked', attribute(0, b''))
    raw('an empty one at the end', whole + attribute(0, b'', nested=True))
    raw('a short element', attribute(0, b'\1\2', nested=True))
    raw('bytes behind an element', whole + b'\1\2')
    raw('bytes behind a key', attribute(0, one + b'\1\2', nested=True))
    raw('an unknown attribute', attribute(0, one + attribute(11, b'\0\0\0\0'), nested=True))
    raw('attribute 0', attribute(0, one + attribute(0, b'\0\0\0\0'), nested=True))
    raw('a key in the place of a peer', one)
    for name, ips in (('no ips', b''), ('an ip', attribute(0, ip, nested=True)),
                      ('an ip that is not marked', attribute(0, ip)),
                      ('an empty ip', attribute(0, b'', nested=True)),
                      ('an empty ip that is not marked', attribute(0, b'')),
                      ('an ip behind one', attribute(0, ip, nested=True) + attribute(0, ip)),
                      ('attribute 0 in an ip', attribute(0, ip + attribute(0), nested=True)),
                      ('attribute 5 in an ip', attribute(0, ip + attribute(5), nested=True))):
        for flag in (True, False):
            allowed_of = attribute(P_ALLOWED, ips, nested=flag)
            raw(f'{name}, {flag}', attribute(0, one + allowed_of, nested=True))


def moved(judge, there):
    """What is asked of a device where a process is in a user namespace."""
    while Path(f'/proc/{there.pid}/comm').read_text(encoding='ascii') != 'sleep\n':
        if there.poll() is not None:
            raise RuntimeError('there are no user namespaces')
        time.sleep(0.01)
    judge.run(f'ip link set wg0 netns {there.pid}')
    show(judge, 'moved away')
    for words, status in (('show wg0 dump', 0), ('set wg0 fwmark 1', 1),
                          ('set wg0 listen-port 1', 1),
                          (f'set wg0 peer {b64(key(1))} allowed-ips 10.0.0.0/8', 0),
                          (f'set wg0 fwmark 1 peer {b64(key(2))}', 1), ('show wg0 dump', 0)):
        judge.tool(f'nsenter -t {there.pid} -U -n wg {words}', name=f'moved: wg {words}',
                   status=status)


def rights(judge):
    """Who may."""
    with judge.user():
        put(judge, fwmark=1)
        show(judge)
    judge.userns(lambda there: [put(there, fwmark=1, listen_port=2), show(there),
                                put(there, {'peers': [peer(1)]}), show(there)])
    # The administrator of where a device is, who is not that of where it was made.
    with judge.netns():
        with subprocess.Popen(['unshare', '-Urn', 'sleep', '1000'], user=65534, group=65534,
                              extra_groups=[]) as there:
            try:
                moved(judge, there)
            finally:
                there.kill()
    # The namespace that it was made in has gone.
    with judge.netns() as last:
        with judge.netns():
            judge.run(f'ip link set wg0 name wg1 netns {last.path}')
        attrs = judge.spec.attrs(judge.spec.op('set-device').attr_set,
                                 {'ifname': 'wg1', 'listen-port': 0})
        end = time.monotonic() + 20 * SLOW
        while True:
            datagrams, _ = judge.ask(judge.id, genl(SET) + attrs, NLM_F_REQUEST | NLM_F_ACK)
            if read_messages(SPEC, datagrams[0][1])[0].errno == EPERM:
                break
            if time.monotonic() > end:
                raise RuntimeError('the namespace does not go')
            time.sleep(0.01)
        judge.do('set-device', {'ifname': 'wg1', 'peers': [peer(1)]}, name='made elsewhere: a peer')
        judge.dump('get-device', {'ifname': 'wg1'}, name='made elsewhere')


def interrupted(judge, name, change, read=4096):
    """A dump of wg0 that is read in part when something changes."""
    datagrams = []
    with judge.socket() as sock:
        sock.settimeout(20 * SLOW)
        judge.seq += 1
        sock.send(message(judge.id, judge.body('get-device', {'ifname': 'wg0'}),
                          NLM_F_REQUEST | NLM_F_DUMP, judge.seq))
        seq, port = judge.seq, sock.getsockname()[0]
        while not datagrams or read_messages(SPEC, datagrams[-1][1])[-1].kind == 'reply':
            datagrams.append((False, judge.mask(sock.recv(read), judge.id, port, seq)))
            if len(datagrams) == 1:
                change()
    judge.keep(Record(f'interrupted: {name}', 'request', datagrams=datagrams))
    show(judge)


def changes(judge):
    """What a dump says when something changes meanwhile."""
    # Two buffers, of which the first one ends within peer 10.
    def fill():
        put(judge, {'peers': [peer(number, *hosts(INET, number << 8, 9))
                              for number in range(1, 15)]}, flags=REPLACE_PEERS)

    def of(number, **more):
        return lambda: put(judge, {'peers': [peer(number, **more)]})

    def host(number, last):
        return allowed(f'10.0.{number}.{last}/32')

    for name, change in (
            ('nothing', lambda: None), ('a mark', lambda: put(judge, fwmark=9)),
            ('an error', lambda: put(judge, {'peers': [{}]})),
            ('a request without effect', lambda: put(judge)),
            ('all peers', lambda: put(judge, flags=REPLACE_PEERS)),
            *((f'peer {number} removed', of(number, flags=REMOVE)) for number in range(8, 13)),
            *((f'peer {number} cleared', of(number, flags=REPLACE_ALLOWED))
              for number in range(9, 12)),
            ('a peer added', of(500)),
            ('an address of the last one', of(14, allowedips=[allowed('10.40.5.0/24')])),
            ('an address moves', of(1, allowedips=[host(13, 5)])),
            ('renamed', lambda: judge.run('ip link set wg0 alias other'))):
        fill()
        interrupted(judge, name, change)
    # One peer that takes several buffers.
    for name, change in (('nothing', lambda: None), ('cleared', of(1, flags=REPLACE_ALLOWED)),
                         ('removed', of(1, flags=REMOVE)), ('a mark', lambda: put(judge, fwmark=9)),
                         ('a key', of(1, preshared_key=SHARED)), ('another one', of(3)),
                         ('an address of the other one',
                          of(2, allowedips=[allowed('10.3.0.0/16')]))):
        put(judge, {'peers': [peer(1, *hosts(INET, 0, 300)), peer(2)]}, flags=REPLACE_PEERS)
        interrupted(judge, f'one peer: {name}', change)


def deleted(judge):
    """Whether an interface can be deleted when somebody has begun to read a dump of it."""
    put(judge, {'peers': [peer(number) for number in range(40)]})
    with judge.socket() as sock:
        sock.send(message(judge.id, judge.body('get-device', {'ifname': 'wg0'}),
                          NLM_F_REQUEST | NLM_F_DUMP, 1))
        with subprocess.Popen(['ip', 'link', 'del', 'wg0']) as command:
            try:
                # After ten seconds the kernel reports that it waits.
                said = command.wait(min(2 * SLOW, 8))
            except subprocess.TimeoutExpired:
                said = 'it waits'
            # Now nothing keeps it.
            sock.close()
    judge.value('deleted while somebody reads', said)
    judge.value('deleted at last', command.returncode)


def sizes(judge):
    """How much goes into each message."""
    hosts4, hosts6 = list(hosts(INET, 0, 140)), list(hosts(INET6, 0, 10))
    other = peer(2, '10.1.0.0/16', 'fd01::/64', endpoint=v4())
    # What is left of the first buffer when the second peer comes: each multiple of four.
    for fill in range(3276, 3640, 4):
        short = next(n for n in range(10) if (fill - 40 * n) % 28 == 0)
        first = peer(1, *hosts6[:short], *hosts4[:(fill - 40 * short) // 28])
        done = put(judge, {'peers': [first, other, peer(3)]}, flags=REPLACE_PEERS,
                   name=f'{fill} bytes')
        dumped = show(judge, f'{fill} bytes: dump', read=4096)
        done.result = dumped.result = 'the second peer in each place of a buffer'
    rng = random.Random(1)
    for index, name in enumerate(('wg7', 'wg77', 'wg77777', 'wg777777', 'wg7777777777777')):
        add_link(name)
        numbers = itertools.count(1)
        for _ in range(4):
            some = []
            for number in itertools.islice(numbers, rng.randrange(1, 20)):
                ips = rng.choice((0, 0, 1, 2, 4, 4, 4, 20))
                more = rng.choice(({}, {'endpoint': v4()}, {'endpoint': v6()}))
                some.append(peer(number, *(ip for n in range(ips) for ip in hosts(
                    rng.choice((INET, INET6)), number << 8 | n, 1)), **more))
            judge.do('set-device', {'ifname': name, 'peers': some}, name=f'some peers: {index}')
        for read in (4096, 8192, 32768):
            judge.dump('get-device', {'ifname': name}, name=f'some peers: {index}, by {read}',
                       read=read)
        judge.do('set-device', {'ifname': name, 'private-key': PRIVATE}, name=f'a key: {index}')
        judge.dump('get-device', {'ifname': name}, name=f'with a key: {index}', read=4096)
        judge.tool(f'wg show {name} dump', name=f'wg show dump: {index}')
    # Peers of which none fits into a message.
    put(judge, flags=REPLACE_PEERS)
    for number, part in itertools.product((1, 2, 3), range(3)):
        start = (number * 3 + part) << 8
        put(judge, {'peers': [peer(number, *hosts(INET, start, 256), *hosts(INET6, start, 256))]},
            name=f'peer {number}, part {part}')
    for read in (4096, 8192, 32768):
        show(judge, f'long peers by {read}', read=read)


def many(judge):
    """150 peers of four addresses, changed in each way."""
    for start in range(0, 150, 50):
        some = [peer(number, *hosts(INET, number << 8, 4)) for number in range(start, start + 50)]
        put(judge, {'peers': some}, name=f'peers from {start}')
    for read in (4096, 8192, 32768):
        show(judge, f'many peers by {read}', read=read)
    rng = random.Random(2)
    for _ in range(10):
        step(judge, *(rng.choice((
            lambda n: peer(n, flags=REMOVE), lambda n: peer(n, flags=REPLACE_ALLOWED),
            lambda n: peer(n, f'10.0.{rng.randrange(150)}.1/32'),
            lambda n: peer(n, allowed(f'10.0.{n}.2/32', flags=REMOVE)),
            lambda n: peer(n, '10.0.0.0/8', endpoint=v6())))(rng.randrange(150))
            for _ in range(40)), name='many changes')


def wrong_requests(judge):
    """What is wrong with the bytes of a request."""
    right = {'ifname': 'wg0', 'private-key': PRIVATE, 'public-key': key(1), 'flags': REPLACE_PEERS,
             'listen-port': 7, 'fwmark': 8,
             'peers': [peer(1, '10.0.0.0/8', preshared_key=SHARED), peer(2)]}
    judge.around('set-device', right, after=lambda: show(judge))
    judge.around('set-device', {'ifindex': socket.if_nametoindex('wg0'), 'flags': 0},
                 after=lambda: show(judge))
    judge.around('get-device', {'ifname': 'wg0'}, mode='dump')
    judge.around('get-device', {'ifindex': socket.if_nametoindex('wg0')}, mode='dump')
    judge.dump('get-device', {'ifname': 'wg0', 'fwmark': 1})
    judge.dump('get-device', {'ifname': 'wg0', 'private-key': PRIVATE})


def up(judge):
    """Interfaces that are up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(('0.0.0.0', 7000))
        put(judge, listen_port=7001)
        judge.run('ip link set wg0 up')
        show(judge, 'up with a port')
        put(judge, {'peers': [peer(1, '10.0.0.0/8', persistent_keepalive_interval=25)]})
        put(judge, private_key=PRIVATE)
        show(judge, 'up with a peer')
        put(judge, listen_port=0, name='up: any port')
        show(judge, 'up: what is there')
        put(judge, listen_port=7002)
        put(judge, listen_port=7000, name='up: a port that is taken')
        show(judge, 'up: what is there')
        judge.run('ip link set wg0 down')


def some(judge):
    """What requests find whose allocations fail."""
    put(judge, {'private-key': PRIVATE, 'peers': [
        peer(1, '10.0.0.0/8', '10.1.0.0/16', 'fd00::/8', endpoint=v4(), preshared_key=SHARED),
        peer(2, '0.0.0.0/0')]})


def large(judge):
    """A device that takes more than a buffer, with a peer that is in two messages."""
    for number in range(0, 40, 20):
        put(judge, {'private-key': PRIVATE, 'peers': [
            peer(one, '10.0.0.0/8', f'10.{one}.0.0/16', f'fd00:{one:x}::/32', endpoint=v4())
            for one in range(number, number + 20)]})
    put(judge, {'peers': [peer(40, *(f'10.1.{one}.0/24' for one in range(200)))]})


FAILING = [
    # Of a request with several peers those in front of the one that fails are set, as in C.
    Failing('set-device', {'ifname': 'wg0', 'private-key': key(7), 'listen-port': 7, 'peers': [
        peer(1, '10.2.0.0/16', '10.3.0.0/16', endpoint=v6()),
        peer(3, '10.0.0.0/8', 'fd00::/8', preshared_key=SHARED, endpoint=v6())]}, before=some,
        partial=True),
    Failing('set-device', {'ifname': 'wg0', 'flags': REPLACE_PEERS, 'peers': [peer(2), peer(4)]},
            before=some, partial=True, name='do set-device with other peers'),
    Failing('set-device', {'ifname': 'wg0', 'peers': [peer(1, flags=REMOVE)]}, before=some,
            partial=True, name='do set-device without a peer'),
    Failing('get-device', {'ifname': 'wg0'}, mode='dump', before=some),
    Failing('get-device', {'ifname': 'wg0'}, mode='dump', before=large,
            name='dump get-device of several buffers'),
]


def cases(judge):
    """All of them."""
    for part in (tools, devices, device, peers, endpoints, allowed_ips, nests, rights, changes,
                 deleted, sizes, many, wrong_requests, up):
        with judge.netns():
            part(judge)


if __name__ == '__main__':
    sys.exit(main(__name__))
