#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The cases of l2tp: tunnels, as 'ip l2tp' and as raw requests ask for them. Both sides have
the tunnels and sockets of l2tp_core.ko, so all that sockets say is compared as well.

Sessions need modules that register with l2tp_netlink.ko. They are kept out, on the C side
too, so that requests for sessions are answered alike.
"""

import socket
import struct
import sys
import time
from pathlib import Path

from judge import FAMILY as MASKED
from judge import SLOW, Difference, Failing, genl, main, no_policy, old_table, read_messages
from message import NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, NLM_F_REQUEST

FAMILY = SPEC = 'l2tp'
C_MODULES = ['l2tp_netlink']
RUST_MODULE = 'genl_l2tp'
RUST_NEEDS = ['l2tp_ip', 'l2tp_ip6']

UDP, IP = 0, 1
PPP, ETH = 7, 5
TUNNEL_CREATE, TUNNEL_DELETE, TUNNEL_GET = 1, 2, 4
CONN_ID, FD, UDP_SPORT, IP6_SADDR, IP6_DADDR = 9, 23, 26, 31, 32
EINVAL = 22

ONE, TWO = '127.0.0.1', '127.0.0.2'
ONE6 = socket.inet_pton(socket.AF_INET6, '::1')
# Of a network that is for documents: nobody has it.
NOBODY, NOBODY6 = '192.0.2.1', socket.inet_pton(socket.AF_INET6, '2001:db8::1')
# The ports that the kernel takes by itself begin here: ip_local_port_range.
CHOSEN_MIN = 32768
MANY = 100

# What random requests take most of the time.
VALUES = {
    'conn-id': [1, 2, 3],
    'peer-conn-id': [1],
    'proto-version': [2, 3],
    'encap-type': [UDP, IP],
    'ip-saddr': [socket.inet_aton(ONE)],
    'ip-daddr': [socket.inet_aton(TWO)],
    'udp-sport': [7000, 7001, 7002],
    'udp-dport': [7100],
}
# Of an address that is too short C reads what is behind it, which may even be right: random
# requests have none of these.
LEAVE_OUT = {'tunnel-create': ('ip6-saddr', 'ip6-daddr')}


def tunnel(number, **more):
    """The attributes of a tunnel over UDP and IPv4."""
    attrs = {'conn-id': number, 'peer-conn-id': 1, 'proto-version': 3, 'encap-type': UDP,
             'ip-saddr': socket.inet_aton(ONE), 'ip-daddr': socket.inet_aton(TWO),
             'udp-sport': 7000 + number % 1000, 'udp-dport': 7100}
    attrs |= {name.replace('_', '-'): value for name, value in more.items()}
    return {name: value for name, value in attrs.items() if value is not None}


def tunnel6(number, **more):
    """The same over IPv6."""
    return tunnel(number, **{'ip_saddr': None, 'ip_daddr': None, 'ip6_saddr': ONE6,
                             'ip6_daddr': ONE6, **more})


def over_ip(number, **more):
    """The same without UDP."""
    return tunnel(number, **{'encap_type': IP, 'udp_sport': None, 'udp_dport': None, **more})


def is_there(judge, number):
    """Whether a tunnel is there, which is not a case."""
    body = judge.body('tunnel-get', {'conn-id': number})
    datagrams, _ = judge.ask(judge.id, body, NLM_F_REQUEST)
    return read_messages(SPEC, datagrams[0][1])[0].kind == 'reply'


def pairs(data):
    """The attributes in some bytes of a request: numbers and payloads."""
    at = 0
    while at + 4 <= len(data):
        size, number = struct.unpack_from('=HH', data, at)
        yield number & 0x3fff, data[at + 4:at + size]
        at += max((size + 3) & ~3, 4)


def gone(judge, number):
    """Wait for the end of a tunnel: it is deleted by a worker, in C as well."""
    end = time.monotonic() + 10 * SLOW
    while is_there(judge, number):
        if time.monotonic() > end:
            raise RuntimeError(f'tunnel {number} does not go')
        time.sleep(0.001)


def delete(judge, number, **more):
    """Delete a tunnel, and wait for its end."""
    judge.do('tunnel-delete', conn_id=number, **more)
    gone(judge, number)


def clear(judge):
    """Delete all tunnels, which is not a case; what is told of that is forgotten."""
    datagrams, _ = judge.ask(judge.id, genl(TUNNEL_GET), NLM_F_REQUEST | NLM_F_DUMP)
    for _, data in datagrams:
        for reply in read_messages(SPEC, data):
            if reply.kind == 'reply':
                judge.ask(judge.id, judge.body('tunnel-delete', {'conn-id': reply['conn-id']}),
                          NLM_F_REQUEST)
                gone(judge, reply['conn-id'])
    judge.drain()


def settle(judge, request):
    """A random request may have deleted a tunnel: the next one finds it gone."""
    if request.body[:1] == bytes([TUNNEL_DELETE]):
        for number, payload in pairs(request.body[4:]):
            end = time.monotonic() + 0.1 * SLOW
            while number == CONN_ID and len(payload) == 4 and time.monotonic() < end and \
                    is_there(judge, struct.unpack('=I', payload)[0]):
                time.sleep(0.001)


# What differs on purpose

def but_ports(data):
    """The bytes of a datagram, with 0 in the place of each port that the kernel has chosen."""
    out, at = bytearray(data), 0
    while at + 20 <= len(out):
        size, kind = struct.unpack_from('=IH', out, at)
        end, attr = at + size, at + 20
        while kind == MASKED and attr + 6 <= end:
            length, number = struct.unpack_from('=HH', out, attr)
            if number == UDP_SPORT and length == 6 and \
                    struct.unpack_from('=H', out, attr + 4)[0] >= CHOSEN_MIN:
                out[attr + 4:attr + 6] = bytes(2)
            attr += max(length + 3 & ~3, 4)
        at += max(size + 3 & ~3, 16)
    return bytes(out)


def shown(record):
    """All that has come, byte by byte, but for the ports that the kernel has chosen."""
    return ([(cut, but_ports(data)) for cut, data in record.datagrams],
            [(space, group, but_ports(data)) for space, group, data in record.events],
            record.errors, record.text)


def free_port(c, rust):
    """Only the port differs, of a tunnel that has asked for none."""
    return shown(c) == shown(rust)


def echoed(c, rust):
    """The sender has got what the group has got, and then what C has sent."""
    answers, events, *rest = shown(rust)
    return rust.flags() & NLM_F_ECHO and (answers[1:], events, *rest) == shown(c) and \
        [(False, event[2]) for event in events] == answers[:1]


def short_address(_, rust):
    """A tunnel over IPv6 is to be created, and one of its addresses has less than 16 bytes."""
    quotes = [reply.quote for reply in rust.replies()]
    if not rust.is_answered(EINVAL) or rust.events or rust.errors or rust.text or \
            len(quotes[0]) < 20:
        return False
    sizes = {number: len(payload) for number, payload in pairs(quotes[0][20:])}
    return quotes[0][16] == TUNNEL_CREATE and FD not in sizes and \
        min(sizes.get(IP6_SADDR, 16), sizes.get(IP6_DADDR, 16)) < 16 and \
        {IP6_SADDR, IP6_DADDR} <= sizes.keys()


def milliseconds(c, rust):
    """Only the type of a number differs, in the policy that an error shows."""
    uint, u64 = (struct.pack('=HHI', 8, 1, kind) for kind in (17, 5))
    return c.but(datagrams=[(cut, data.replace(uint, u64)) for cut, data in c.datagrams]).same(rust)


def policies(c, rust):
    """The same in what nlctrl says, and two flags of IPv6 are bytes, with no limit."""
    # Those of a request that reads them.
    more = ["[33] {'type': 10}", "[34] {'type': 10}"] * (f'command {TUNNEL_CREATE},' in c.name)
    want = [line.replace("'type': 17", "'type': 5") if line.startswith('[22] ') else line
            for line in c.text]
    return [line for line in rust.text if line in more] == more and c.but(text=want).same(
        rust.but(text=[line for line in rust.text if line not in more]))


DIFFERENCES = [
    Difference('nlctrl: the family', 'the largest attribute is that of each operation',
               'only an old table has one for all', 'net/l2tp/l2tp_netlink.c:998',
               '.maxattr\t= L2TP_ATTR_MAX,', old_table(35)),
    Difference('*', 'the port of a tunnel that has asked for none', 'the kernel takes any',
               'net/ipv4/udp.c:251', 'rand = get_random_u32();', free_port, ('udp-sport',)),
    Difference('*', 'who asks for an echo gets one', 'it is what the flag is for, and what '
               'genl_notify() does', 'net/l2tp/l2tp_netlink.c:119',
               'genlmsg_multicast_netns(', echoed),
    Difference('*', 'an IPv6 address of less than 16 bytes is refused', 'C reads 16 bytes: what '
               'stands behind it in the request, or in memory', 'net/l2tp/l2tp_netlink.c:173',
               'cfg->local_ip6 = nla_data(', short_address, by_chance=True),
    Difference('*', 'the policy of recv-timeout says u64', 'a spec knows no milliseconds, which '
               'the core shows as uint', 'net/l2tp/l2tp_netlink.c:904', '.type = NLA_MSECS', milliseconds),
    Difference('nlctrl: the policy of command *, do', 'that, and udp-zero-csum6-tx and -rx have a '
               'policy', 'what a request reads has one', 'net/l2tp/l2tp_netlink.c:884',
               'l2tp_nl_policy[L2TP_ATTR_MAX + 1] = {', policies),
    Difference('nlctrl: the policy of command *, dump', 'a policy with nothing in it',
               'only an old table can have an operation without a policy',
               'net/netlink/genetlink.c:277', 'op->policy\t= NULL;', no_policy),
]


def keep_out():
    """The kernel asks for what carries frames when a session is created: there is nothing."""
    folder = Path('/run/modprobe.d')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'genl-l2tp.conf').write_text(
        'install l2tp_eth /bin/false\ninstall l2tp_ppp /bin/false\n', encoding='ascii')


def tools(judge):
    """What 'ip l2tp' says."""
    show = 'ip l2tp show tunnel'
    judge.tool(show)
    add = 'ip l2tp add tunnel tunnel_id {} peer_tunnel_id 100 encap {} local {} remote {}'
    for status, number, encap, local, remote, more in (
            (0, 1, 'udp', ONE, TWO, 'udp_sport 7001 udp_dport 7100'),
            (2, 1, 'udp', ONE, TWO, 'udp_sport 7002 udp_dport 7100'),
            (2, 2, 'udp', ONE, TWO, 'udp_sport 7001 udp_dport 7100'),
            (0, 2, 'udp', ONE, TWO, 'udp_sport 7002 udp_dport 7100 udp_csum on'),
            (0, 3, 'udp', '::1', '::1', 'udp_sport 7003 udp_dport 7100'),
            (0, 4, 'udp', '::1', '::1', 'udp_sport 7004 udp_dport 7100 udp6_csum_tx off'),
            (0, 5, 'udp', '::1', '::1', 'udp_sport 7005 udp_dport 7100 udp6_csum_rx off'),
            (0, 6, 'ip', ONE, TWO, ''), (0, 7, 'ip', '::1', '::1', ''),
            (2, 8, 'udp', NOBODY, TWO, 'udp_sport 7008 udp_dport 7100'),
            (2, 9, 'ip', NOBODY, TWO, ''),
            (0, 4294967295, 'udp', ONE, TWO, 'udp_sport 7010 udp_dport 7100')):
        judge.tool(f'{add.format(number, encap, local, remote)} {more}', status=status)
    judge.tool(show, name='ip l2tp show tunnel: many')
    judge.tool('ip l2tp show tunnel tunnel_id 2')
    judge.tool('ip l2tp show tunnel tunnel_id 8')
    judge.tool('ip l2tp show session')
    judge.tool('ip l2tp add session tunnel_id 1 session_id 1 peer_session_id 2', status=2)
    judge.tool('ip l2tp del session tunnel_id 1 session_id 1', status=2)
    for number, status in ((2, 0), (8, 2)):
        judge.tool(f'ip l2tp del tunnel tunnel_id {number}', status=status)
        gone(judge, number)
    judge.tool(show, name='ip l2tp show tunnel: one less')
    with judge.user():
        judge.tool(show, status=1)
        judge.tool('ip l2tp del tunnel tunnel_id 1', status=2)
    clear(judge)


def requests(judge):
    """Each request, right and wrong."""
    def after():
        clear(judge)

    judge.around('noop', {})
    judge.around('tunnel-create', tunnel(1, udp_csum=1), after=after)
    judge.around('tunnel-create', tunnel6(1), after=after)
    judge.around('tunnel-create', over_ip(1), after=after)
    judge.do('tunnel-create', tunnel(1))
    for name in ('tunnel-get', 'tunnel-modify'):
        judge.around(name, {'conn-id': 1})
    judge.around('session-create', {'conn-id': 1, 'session-id': 1, 'peer-session-id': 1,
                                    'pw-type': ETH, 'l2spec-type': 1, 'cookie': b'abcd',
                                    'peer-cookie': b'abcdefgh', 'ifname': 'l2tpeth0'})
    for name in ('session-get', 'session-delete', 'session-modify'):
        judge.around(name, {'conn-id': 1, 'session-id': 1})
        judge.do(name, ifname='l2tpeth0')
        judge.do(name, {})
    judge.around('tunnel-get', {}, mode='dump')
    judge.around('session-get', {}, mode='dump')

    def again():
        clear(judge)
        judge.ask(judge.id, judge.body('tunnel-create', tunnel(1)), NLM_F_REQUEST)
        judge.drain()
    judge.around('tunnel-delete', {'conn-id': 1}, after=again)
    clear(judge)


def tunnels(judge):
    """Tunnels that are right, or almost."""
    judge.do('tunnel-create', tunnel(1))
    judge.do('tunnel-create', tunnel(1), name='the same number')
    judge.do('tunnel-create', tunnel(2, udp_sport=7001), name='the same port')
    judge.do('tunnel-create', tunnel(2, udp_dport=None), name='without the other port')
    judge.do('tunnel-get', conn_id=2, name='it is not connected')
    judge.do('tunnel-create', tunnel(3, ip_saddr=socket.inet_aton('0.0.0.0')),
             name='the address that the route begins with')
    judge.do('tunnel-get', conn_id=3)
    judge.do('tunnel-create', tunnel(4, ip_saddr=socket.inet_aton(NOBODY)),
             name='nobody has the address')
    judge.do('tunnel-create', tunnel(4, ip_daddr=socket.inet_aton(NOBODY)), name='no route')
    judge.do('tunnel-create', tunnel(4, ip_daddr=socket.inet_aton('255.255.255.255')),
             name='all as the other end')
    judge.do('tunnel-create', tunnel6(4, ip6_saddr=NOBODY6), name='nobody has the IPv6 address')
    for version in (0, 1, 2, 4, 255):
        judge.do('tunnel-create', tunnel(10 + version, proto_version=version))
    for encap in (2, 255, 65535):
        judge.do('tunnel-create', tunnel(5, encap_type=encap))
    judge.do('tunnel-create', tunnel(6, udp_csum=0), name='a checksum of 0 is one')
    judge.do('tunnel-get', conn_id=6)
    judge.do('tunnel-create', tunnel6(7, udp_zero_csum6_tx=True))
    judge.do('tunnel-create', tunnel6(8, udp_zero_csum6_rx=True))
    judge.do('tunnel-create', tunnel6(9, udp_zero_csum6_rx=b'any', udp_zero_csum6_tx=b'thing'))
    judge.do('tunnel-create', {**tunnel(300), **tunnel6(300)}, name='both addresses')
    judge.do('tunnel-get', conn_id=300)
    judge.do('tunnel-create', over_ip(301))
    judge.do('tunnel-create', over_ip(302, udp_sport=7302, udp_dport=7100),
             name='ports without UDP')
    judge.do('tunnel-create', over_ip(303, ip_saddr=None, ip_daddr=None, ip6_saddr=ONE6,
                                      ip6_daddr=ONE6))
    for number in (1, 301, 302, 303, 4, 9):
        judge.do('tunnel-get', conn_id=number, name=f'tunnel {number}')
    for number in (1, 301):
        judge.do('tunnel-modify', conn_id=number, udp_csum=1)
    for version, pw_types in ((2, (0, PPP, ETH, 11, 12, 65535)), (3, (0, PPP, ETH, 11, 12))):
        for pw_type in pw_types:
            judge.do('session-create', conn_id={2: 12, 3: 1}[version], session_id=1,
                     peer_session_id=1, pw_type=pw_type)
    judge.do('session-create', conn_id=1, session_id=1, peer_session_id=1, pw_type=PPP,
             recv_timeout=b'seconds', name='a timeout of seven bytes')
    for sublayer in (0, 1, 2, 255):
        for number in (12, 1):
            judge.do('session-create', conn_id=number, session_id=1, peer_session_id=1,
                     pw_type=PPP, l2spec_type=sublayer)
    judge.dump('tunnel-get', name='all of them')
    delete(judge, 1)
    judge.do('tunnel-create', tunnel(1), name='the number and the port are free again')
    judge.dump('tunnel-get', name='all of them, in the order of their numbers')
    clear(judge)
    judge.do('tunnel-create', tunnel6(1, ip6_saddr=ONE6[:15]),
             name='short IPv6 address of this end')
    judge.do('tunnel-create', tunnel6(1, ip6_daddr=ONE6[:4]),
             name='short IPv6 address of the other')
    clear(judge)


def sockets(judge):
    """Sockets that the sender has made."""
    def managed(fd, encap=UDP):
        return {'conn-id': 1, 'peer-conn-id': 2, 'proto-version': 2, 'encap-type': encap,
                'fd': fd}

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ONE, 7200))
        judge.do('tunnel-create', managed(sock.fileno(), IP), name='a socket of UDP for IP')
        judge.do('tunnel-create', managed(sock.fileno()), name='a socket of UDP')
        judge.do('tunnel-get', conn_id=1, name='its tunnel')
        judge.do('tunnel-create', managed(sock.fileno()) | {'conn-id': 2},
                 name='the same socket again')
        with judge.netns():
            judge.do('tunnel-create', managed(sock.fileno()), name='a socket from elsewhere')
    # A tunnel goes with its socket.
    gone(judge, 1)
    judge.do('tunnel-get', conn_id=1, name='its tunnel is gone')
    for kind, family in ((socket.SOCK_STREAM, socket.AF_INET), (socket.SOCK_DGRAM, socket.AF_UNIX)):
        with socket.socket(family, kind) as sock:
            judge.do('tunnel-create', managed(sock.fileno()), name=f'a socket of {family}, {kind}')
    with open('/dev/null', encoding='ascii') as file:
        judge.do('tunnel-create', managed(file.fileno()), name='no socket')
    judge.do('tunnel-create', managed(1000), name='no file')


def many(judge):
    """Dumps of many tunnels, which take several buffers."""
    for number in range(1, 1 + MANY):
        attrs = tunnel(7 * number, udp_sport=8000 + number)
        judge.ask(judge.id, judge.body('tunnel-create', attrs), NLM_F_REQUEST)
    judge.drain()
    for read in (1000, 4096, 8192, 32768):
        judge.dump('tunnel-get', read=read)
    judge.tool('ip l2tp show tunnel', name='ip l2tp show tunnel: very many')
    clear(judge)


def spaces(judge):
    """Other namespaces, and who may do what."""
    judge.do('tunnel-create', tunnel(1))
    with judge.netns():
        judge.do('tunnel-get', conn_id=1, name='not in the other namespace')
        judge.do('tunnel-create', tunnel(1), name='the same number in the other namespace')
        judge.do('tunnel-create', tunnel(2, udp_sport=7010))
        judge.dump('tunnel-get', name='two in the other namespace')
        judge.tool('ip l2tp show tunnel', name='ip l2tp show tunnel: in the other namespace')
    judge.dump('tunnel-get', name='one here')

    def inside(judge):
        judge.do('tunnel-create', tunnel(1), name='root of a user namespace: tunnel-create')
        judge.dump('tunnel-get', name='root of a user namespace: tunnel-get')
        judge.do('tunnel-modify', conn_id=1, name='root of a user namespace: tunnel-modify')
    judge.userns(inside)
    with judge.user():
        for name in ('noop', 'tunnel-get', 'tunnel-modify', 'tunnel-delete', 'session-get'):
            judge.do(name, conn_id=1)
        judge.dump('tunnel-get')
        judge.dump('session-get')
    clear(judge)


def headers(judge):
    """Requests that are none."""
    for cmd in (9, 10, 128):
        judge.raw(f'command {cmd}', genl(cmd))
    judge.raw('two requests in one', judge.body('noop', {}) + bytes(4))
    judge.raw('no acknowledgement', judge.body('noop', {}), flags=NLM_F_REQUEST)
    judge.do('tunnel-create', tunnel(1), flags=NLM_F_ACK | NLM_F_ECHO,
             name='tunnel-create with NLM_F_ECHO')
    clear(judge)


def some(judge):
    """What requests find whose allocations fail."""
    keep_out()
    judge.do('tunnel-create', tunnel(1))
    judge.do('tunnel-create', tunnel6(2))


SESSION = {'conn-id': 1, 'session-id': 1}
FAILING = [
    Failing('noop'),
    # ENFILE is what __sock_create() says where it has no memory for the socket of a tunnel.
    Failing('tunnel-create', tunnel(3, udp_csum=1), before=some, lack=('ENFILE',)),
    Failing('tunnel-create', tunnel6(3), before=some, lack=('ENFILE',),
            name='do tunnel-create over IPv6'),
    Failing('tunnel-create', over_ip(3), before=some, lack=('ENFILE',),
            name='do tunnel-create without UDP'),
    Failing('tunnel-create', tunnel(1, udp_sport=7500), before=some, ended='EEXIST',
            name='do tunnel-create of one that is there'),
    *(Failing(op, {'conn-id': 1}, before=some)
      for op in ('tunnel-modify', 'tunnel-delete', 'tunnel-get')),
    Failing('tunnel-get', mode='dump', before=some),
    Failing('session-create', SESSION | {'peer-session-id': 1, 'pw-type': ETH}, before=some,
            ended='EPROTONOSUPPORT'),
    *(Failing(op, SESSION, before=some, ended='ENODEV')
      for op in ('session-modify', 'session-delete', 'session-get')),
    Failing('session-get', mode='dump', before=some),
]


def cases(judge):
    """All of them."""
    keep_out()
    tools(judge)
    requests(judge)
    tunnels(judge)
    sockets(judge)
    many(judge)
    spaces(judge)
    headers(judge)


if __name__ == '__main__':
    sys.exit(main(__name__))
