#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
What trace.py says of messages, errors, queues, threads and options, compared with what
others say of the same run: the commands themselves, strace, /proc/net/netlink, the numbers
that a program has passed to the kernel or got from it. Each test records a command or a
function of this program; all share one setup, which takes seconds on an emulated machine.
"""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True

# The folder of the tests is above this one, or in its place in the sources.
HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE / '../../selftests/lib')]

# pylint: disable=wrong-import-position
import paths
import trace
import trace_btf
import trace_decode
import trace_html
import trace_spec
import trace_steps
import trace_summary
import trace_why
import watch_test
import whom_test
from ktap import Failure, Skip, equal, ktap_run, skip_all
from trace_lanes import took, walk

ROUTE, SOCK_DIAG, XFRM, NETFILTER, GENERIC = 0, 4, 6, 12, 16
REQUEST, ACK, DUMP = 1, 4, 0x300
# linux/netlink.h, linux/rtnetlink.h, asm-generic/socket.h
SOL_NETLINK, ADD_MEMBERSHIP, EXT_ACK = 270, 1, 11
RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE = 1, 5, 7
NEWLINK, DELLINK, GETLINK, NEWADDR, NEWROUTE = 16, 17, 18, 20, 24
# linux/netlink.h, net_namespace.h: flags of a NEW message, an option of a listener, RTM_NEWNSID.
NEW_FLAGS = {0x100: 'REPLACE', 0x200: 'EXCL', 0x400: 'CREATE', 0x800: 'APPEND'}
LISTEN_ALL_NSID, NEWNSID, NETNSA_NSID, NETNSA_PID = 8, 88, 1, 2
# linux/sock_diag.h, linux/xfrm.h
BY_FAMILY, GETSA = 20, 18


class Live(watch_test.Watching, whom_test.Whom):
    """The tests."""

    def __init__(self, tracer, stack, before):
        # When the stack is closed the tracer ends, and tracing has to be what it was before.
        self.tracer, self.stack, self.before = tracer, stack, before
        self.work = Path(tempfile.mkdtemp())
        # What all recordings share is read once.
        self.specs = trace_spec.Specs()
        # A list of the texts is in the guest, where the tracer itself is.
        self.why = trace_why.Why(trace_btf.Btf(), trace_why.Source([str(HERE / '../../path/extack.json')]))

    def record(self, command, status=0, limit=None):
        """Records a command or a function."""
        got, text, lost = self.tracer.record(command, 60)
        equal((got, lost), (status, 0), 'status and lost events')
        parser = trace.Parser()
        roots, _ = parser.parse(text)
        trace_steps.Explainer(trace_decode.Decoder(self.specs), limit).explain(roots)
        self.why.explain(roots)
        shown = [(pid, root) for pid, root in roots if root.shows_netlink()]
        out = io.StringIO()
        args = argparse.Namespace(names=False, full=False, times=False)
        trace.render(shown, parser.tasks, args, out, parser.threads)
        return watch_test.Run(shown, parser, out.getvalue(), got)

    def shell(self, command, status=0, limit=None):
        """Records a command line, in a network namespace of its own; its output is kept."""
        return self.record(['unshare', '-n', 'sh', '-c', f'({command}) > {self.work}/out 2>&1'], status,
                           limit)

    def output(self):
        """What the last command line has printed."""
        return (self.work / 'out').read_text(encoding='utf-8')

    def strace(self):
        """strace: types and flags of all messages of ip, and of its errors"""
        if not shutil.which('strace'):
            raise Skip('strace is not installed')
        log = self.work / 'strace'
        # One process, that stops at no other calls: to start one, and to stop, takes the time.
        commands = self.work / 'commands'
        commands.write_text('link add nlv0 type dummy\nlink set nlv0 up\n'
                            'addr add 198.51.100.1/24 dev nlv0\n'
                            'route replace 203.0.113.0/24 dev nlv0\n'
                            'route append 203.0.113.0/24 dev nlv0 metric 7\n'
                            'route del 192.0.2.77\nlink del nlv0\n', encoding='ascii')
        run = self.shell('strace --seccomp-bpf -f -qq -v -s 100000 -e trace=sendto,sendmsg,recvmsg,recvfrom '
                         f'-o {log} ip -force -batch {commands}; true')
        text = log.read_text(encoding='utf-8')
        want = [(name, flags) for line in text.splitlines() if re.search(r' send(to|msg)\(', line)
                for name, flags in re.findall(r'nlmsg_type=(RTM_\w+), nlmsg_flags=([^,]+)', line)]
        names = {'NLM_F_ROOT': 'ROOT'}
        equal([(message['name'], set(message['flags'].split('|'))) for message in run.requests()
               if message['name'].startswith('RTM_')],
              [(name, {names.get(flag, flag.removeprefix('NLM_F_')) for flag in flags.split('|')})
               for name, flags in want], 'requests')
        errors = re.findall(r'recv(?:msg|from)\(.*?nlmsg_type=NLMSG_ERROR, .*?error=-(E\w+)', text)
        equal([message['name'].split()[-1] for message in run.errors()],
              errors[:len(errors)] if len(errors) == len(run.errors()) else sorted(set(errors)), 'errors')
        if not errors:
            raise Failure('nothing was refused')

    def done(self):
        """ip route show table 7777: the error of NLMSG_DONE, and its text as ip prints it"""
        run = self.shell('ip route show table 7777', 2)
        said = re.search(r'Error: (.*)\.', self.output())[1]
        ends = [message for message in run.errors() if message['type'] == 3]
        equal([message['name'] for message in ends], ['NLMSG_DONE: -2 ENOENT'], 'end of the dump')
        equal(dict(ends[0]['attributes'])['msg'], said, 'text')
        if f'msg = {said}' not in run.text or 'DUMP_FILTERED|ACK_TLVS' not in run.text:
            raise Failure(run.text)
        if not self.why.source.texts():
            print('# where the text stands in the source is not tested: no list of texts is here')
            return
        # net/ipv4/fib_frontend.c: inet_dump_fib(); decode_test.py compares the lines with grep.
        if not any(place.startswith('net/ipv4/fib_frontend.c:') for place in ends[0].get('source', ())):
            raise Failure(ends[0].get('source'))
        if f'the text is in {ends[0]["source"][0]}' not in run.text:
            raise Failure(run.text)

    def made(self):
        """ip route del: the function that has made the error, and what it returned"""
        run = self.shell('ip route del 192.0.2.77', 2)
        # net/ipv4/fib_trie.c: fib_table_delete() returns -ESRCH when there is no such route; in a
        # namespace without routes there is no table either: net/ipv4/fib_frontend.c.
        error = run.errors()[0]
        if error['made_by'] not in ('fib_table_delete', 'inet_rtm_delroute'):
            raise Failure(f'made by {error["made_by"]}')
        makers = [call for call in run.calls if call.made]
        equal([call.value for call in makers], ['-3 ESRCH'], 'what it returned')
        marked = [line for line in run.text.splitlines() if 'the error was made here' in line]
        equal(len(marked), 1, 'lines that are marked')
        handler = run.named('inet_rtm_delroute')
        equal([call.value for call in handler], ['-3 ESRCH'], 'handler')

    def denied(self):
        """EPERM: the capability that was missing, and the check that said so"""
        if not shutil.which('setpriv'):
            raise Skip('setpriv is not installed')
        run = self.shell('setpriv --reuid 65534 --clear-groups ip link set lo up', 2)
        equal([message['name'] for message in run.errors()][-1:], ['NLMSG_ERROR: -1 EPERM'], 'error')
        # linux/capability.h: CAP_NET_ADMIN is 12; rtnetlink_rcv_msg() asks for it.
        why = ' '.join(run.errors()[-1]['why'])
        if 'CAP_NET_ADMIN' not in why or 'rtnetlink_rcv_msg' not in why:
            raise Failure(why)

    def policy(self):
        """a policy: the bounds of nlpeer.yaml, and the attribute by its name"""
        # The count of objects is attribute 1; its largest value is in the constants of the spec.
        spec = trace_spec.Specs().family('nlpeer')
        limit = spec.definitions['count-max']['value']

        def ask():
            sock = paths.open_socket(GENERIC)
            sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
            sock.send(paths.message(paths.family_id(sock, 'nlpeer'), REQUEST | DUMP,
                                    paths.generic(2, paths.attribute(1, struct.pack('=I', limit + 1)))))
            sock.recv(65536)

        run = self.record(ask)
        error = run.errors()[0]
        equal(error['name'], 'NLMSG_ERROR: -34 ERANGE', 'error')
        said = dict(error['attributes'])
        equal(re.sub(r'\d+ ', '', str(said['offset'])), '(count)', 'attribute')
        equal(dict(said['policy'])['max'], limit, 'largest value')
        if f'the policy of count is u32 from 0 to {limit}' not in ' '.join(error['why']):
            raise Failure(error['why'])

    def nobody(self):
        """no such family, an id of nobody, a port that is taken: what to look at"""
        def ask():
            sock = paths.open_socket(GENERIC)
            try:
                paths.family_id(sock, 'nobody')
            except OSError:
                pass
            sock.send(paths.message(0x7fff, REQUEST | ACK, paths.generic(1)))
            paths.answers(sock)
            other = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
            try:
                other.bind((sock.getsockname()[0], 0))
            except OSError as error:
                assert error.errno == 98

        run = self.record(ask)
        equal([message['name'] for message in run.errors()], ['NLMSG_ERROR: -2 ENOENT'] * 2, 'errors')
        equal([message['made_by'] for message in run.errors()], ['ctrl_getfamily', 'genl_rcv_msg'],
              'made by')
        for text in ('no family has this name', 'no family has this id', 'the port is taken',
                     '= -98 EADDRINUSE'):
            if text not in run.text:
                raise Failure(f'{text}: not said in\n{run.text}')

    def handlers(self):
        """the handler of a request, by the name that the kernel's source has for it"""
        run = self.shell('ip link show lo; ip addr; ip neigh; ss -f netlink; ss -tan')
        for name in ('rtnl_getlink', 'rtnl_dump_ifinfo', 'inet_dump_ifaddr', 'neigh_dump_info',
                     'netlink_diag_dump'):
            if not run.named(name):
                raise Failure(f'{name} is not shown')
        run = self.record(paths.taskstats)
        # kernel/taskstats.c
        if 'calls doit of TASKSTATS: taskstats_user_cmd()' not in run.text:
            raise Failure(run.text)

    def tcp(self):
        """tcp_diag: a socket that listens, by what the program knows of it, and the handler"""
        facts = self.work / 'facts'

        def ask():
            os.unshare(os.CLONE_NEWNET)
            listener = socket.socket()
            listener.bind(('0.0.0.0', 0))
            listener.listen()
            sock = paths.open_socket(SOCK_DIAG)
            # linux/inet_diag.h: struct inet_diag_req_v2, for the state TCP_LISTEN (10).
            sock.send(paths.message(BY_FAMILY, REQUEST | DUMP, struct.pack(
                '=BBxxI48x', socket.AF_INET, socket.IPPROTO_TCP, 1 << 10)))
            paths.answers(sock)
            facts.write_text(f'{listener.getsockname()[1]} {os.fstat(listener.fileno()).st_ino}',
                             encoding='ascii')

        run = self.record(ask)
        port, inode = map(int, facts.read_text(encoding='ascii').split())
        request, = run.requests()
        header = dict(request['header'])
        equal((request['name'], header['family'], header['protocol']),
              ('SOCK_DIAG_BY_FAMILY', socket.AF_INET, socket.IPPROTO_TCP), 'request')
        sent = [dict(message['header']) for message in run.messages('__netlink_sendskb')
                if message['type'] == BY_FAMILY]
        equal([(dict(one['id'])['sport'], one['inode'], one['state']) for one in sent], [(port, inode, 10)],
              'answer')
        # net/ipv4/tcp_diag.c
        if not run.named('tcp_diag_dump'):
            raise Failure(f'the handler is not shown:\n{run.text}')

    def xfrm(self):
        """xfrm: the handler that has found no state"""
        def ask():
            os.unshare(os.CLONE_NEWNET)
            sock = paths.open_socket(XFRM)
            # linux/xfrm.h: struct xfrm_usersa_id, for ESP.
            sock.send(paths.message(GETSA, REQUEST | ACK, struct.pack(
                '=4s12xIHBx', bytes([192, 0, 2, 7]), 7, socket.AF_INET, socket.IPPROTO_ESP)))
            paths.answers(sock)

        run = self.record(ask)
        equal([message['name'] for message in run.requests()], ['XFRM_MSG_GETSA'], 'request')
        # net/xfrm/xfrm_user.c: xfrm_get_sa() hands on what xfrm_user_state_lookup() says: ESRCH.
        equal([(message['name'], message['made_by']) for message in run.errors()],
              [('NLMSG_ERROR: -3 ESRCH', 'xfrm_get_sa')], 'error')

    def batch(self):
        """nftables: each message of a batch, as it was sent"""
        subprocess.run(['modprobe', 'nf_tables'], check=False)
        # linux/netfilter/nf_tables.h, nfnetlink.h: NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, the subsystem
        # in network byte order.
        table = paths.attribute(1, b'nlv\0')

        def send():
            os.unshare(os.CLONE_NEWNET)
            sock = paths.open_socket(NETFILTER)
            header = struct.pack('=BBH', 2, 0, socket.htons(0))
            edge = struct.pack('=BBH', 0, 0, socket.htons(10))
            sock.send(paths.message(16, REQUEST, edge, 1) +
                      paths.message(10 << 8, REQUEST | ACK | 0x600, header + table, 2) +
                      paths.message(10 << 8 | 2, REQUEST | ACK, header + table, 3) +
                      paths.message(17, REQUEST, edge, 4))
            sock.recv(65536)

        run = self.record(send)
        got = [(message['name'], message['seq'], message['flags']) for message in run.requests()]
        equal(got, [('NFNL_MSG_BATCH_BEGIN', 1, 'REQUEST'),
                    ('NFT_MSG_NEWTABLE', 2, 'REQUEST|ACK|EXCL|CREATE'),
                    ('NFT_MSG_DELTABLE', 3, 'REQUEST|ACK'),
                    ('NFNL_MSG_BATCH_END', 4, 'REQUEST')], 'messages')
        equal(run.requests()[1]['attributes'], [('name', 'nlv')], 'attributes')
        equal(dict(run.requests()[0]['header'])['res-id'], 10, 'subsystem')
        if not run.named('nf_tables_newtable'):
            raise Failure('the callback is not shown')

    def options(self):
        """setsockopt: the options by the names and values that a program has set"""
        def ask():
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
            sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, RTNLGRP_LINK)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 12345)

        run = self.record(ask)
        equal([call.facts['option'] for call in run.named('__sys_setsockopt')],
              ['SOL_NETLINK, NETLINK_EXT_ACK: 1',
               'SOL_NETLINK, NETLINK_ADD_MEMBERSHIP: group 1 (RTNLGRP_LINK)',
               'SOL_SOCKET, SO_RCVBUF: 12345'], 'options')

    def overrun(self):
        """a queue that is full: whose, how many messages were lost, and ENOBUFS at the read"""
        facts = self.work / 'facts'

        def ask():
            os.unshare(os.CLONE_NEWNET)
            reader = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            reader.bind((0, 1 << RTNLGRP_IPV4_IFADDR - 1))
            # The same, but it does not want to be told: NETLINK_NO_ENOBUFS is 5.
            spared = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            spared.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            spared.setsockopt(SOL_NETLINK, 5, 1)
            spared.bind((0, 1 << RTNLGRP_IPV4_IFADDR - 1))
            sock = paths.open_socket(ROUTE)
            for number in range(1, 13):
                body = struct.pack('=BBBBI', socket.AF_INET, 24, 0, 0, 1) + \
                    paths.attribute(2, bytes([198, 51, 100, number]))
                sock.send(paths.message(NEWADDR, REQUEST | ACK | 0x600, body, number))
                paths.answers(sock)
            port, drops = reader.getsockname()[0], None
            for line in Path('/proc/self/net/netlink').read_text(encoding='ascii').splitlines()[1:]:
                row = line.split()
                if row[1] == '0' and int(row[2]) == port:
                    drops = int(row[8])
            results = []
            spared.recv(65536, socket.MSG_DONTWAIT)
            try:
                reader.recv(65536, socket.MSG_DONTWAIT)
                results.append(0)
            except OSError as error:
                results.append(error.errno)
            while True:
                try:
                    reader.recv(65536, socket.MSG_DONTWAIT)
                except OSError as error:
                    results.append(error.errno)
                    break
            facts.write_text(f'{port} {drops} {results[0]} {results[-1]} {spared.getsockname()[0]}',
                             encoding='ascii')

        run = self.record(ask)
        port, drops, first, last, spared = map(int, facts.read_text(encoding='ascii').split())
        # errno.h: ENOBUFS, EAGAIN
        equal((first, last), (105, 11), 'what the reads said')
        lost = run.named('netlink_overrun')
        equal({call.facts.get('owner') for call in lost}, {port, spared}, 'for whom messages were lost')
        told = [re.search(r'its reader is (told \w+)', call.step)[1] for call in lost
                if call.facts['owner'] == port]
        # It was told once, and did not read until all were lost.
        equal(told, ['told ENOBUFS'] + ['told no'] * (drops - 1), 'messages that were lost')
        equal({call.step.partition('is lost, ')[2] for call in lost if call.facts['owner'] == spared},
              {'and its reader is not told: it has set NETLINK_NO_ENOBUFS'}, 'the one who was spared')
        for text in (f'reads nothing: -105 ENOBUFS: the queue of portid {port} was full, and {drops} messages '
                     'were lost', f'reads nothing: -11 EAGAIN: nothing is in the queue of portid {port}',
                     f'lost for portid {lost[0].facts["owner"]}, {lost[1].facts["owner"]}, whose queue is '
                     'full'):
            if text not in run.text:
                raise Failure(f'{text}: not said in\n{run.text[-6000:]}')

    def interrupted(self):
        """a read that a signal ends: -512 is ERESTARTSYS"""
        def ask():
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            sock.bind((0, 0))
            signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            sock.recv(100)

        run = self.record(ask)
        if 'reads nothing: -512 ERESTARTSYS: a signal ended the wait' not in run.text:
            raise Failure(run.text)

    def groups(self):
        """notifications: names, flags, and whom they reached, in one namespace and in another, or nobody"""
        facts = self.work / 'facts'

        def listener(group=RTNLGRP_IPV4_IFADDR, everywhere=False):
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            if everywhere:
                sock.setsockopt(SOL_NETLINK, LISTEN_ALL_NSID, 1)
            sock.bind((0, 1 << group - 1))
            return sock

        def change(sock, command, last):
            """Adds or deletes an address."""
            body = struct.pack('=BBBBI', socket.AF_INET, 24, 0, 0, 1) + \
                paths.attribute(2, bytes([198, 51, 100, last]))
            sock.send(paths.message(command, REQUEST | ACK | (0x600 if command == NEWADDR else 0), body))
            equal(paths.answers(sock)[-1][1][:4], bytes(4), 'error')

        def headers(sock):
            """Types and flags of all messages that wait."""
            while True:
                try:
                    yield '{} {}'.format(*struct.unpack_from('=HH', sock.recv(65536, socket.MSG_DONTWAIT), 4))
                except BlockingIOError:
                    return

        def ask():
            home, far, wide = paths.open_socket(ROUTE), listener(), listener(everywhere=True)
            os.unshare(os.CLONE_NEWNET)
            sock = paths.open_socket(ROUTE)
            change(sock, NEWADDR, 8)
            # Who listens to all namespaces hears of those that have a number in his.
            home.send(paths.message(NEWNSID, REQUEST | ACK, bytes(4) +
                                    paths.attribute(NETNSA_NSID, struct.pack('=i', -1)) +
                                    paths.attribute(NETNSA_PID, struct.pack('=I', os.getpid()))))
            equal(paths.answers(home)[-1][1][:4], bytes(4), 'error')
            near, routes = [listener(), listener()], listener(RTNLGRP_IPV4_ROUTE)
            for command in (NEWADDR, NEWADDR + 1):
                change(sock, command, 9)
            facts.write_text('\n'.join([
                ' '.join(str(one.getsockname()[0]) for one in (*near, wide, routes)),
                *(' '.join(headers(one)) for one in (near[0], wide, far, routes))]), encoding='ascii')

        run = self.record(ask)
        ports, *heard = facts.read_text(encoding='ascii').split('\n')
        first, second, wide, routes = ports.split()
        want = ' '.join(f'{kind} 0' for kind in (NEWADDR, NEWADDR + 1))
        equal(heard[:3], [want, want, ''], 'types and flags that the listeners got')
        told = [call for call in run.named('netlink_broadcast_filtered')
                if call.facts.get('group') == RTNLGRP_IPV4_IFADDR]
        equal([(call.messages[0]['name'], call.messages[0]['flags']) for call in told],
              [('RTM_NEWADDR', '0')] * 2 + [('RTM_DELADDR', '0')], 'names and flags')
        if not told[0].step.endswith('no member was there to see it'):
            raise Failure(told[0].step)
        for call in told[1:]:
            equal(set(re.search('reached portid (.*)', call.step)[1].split(', ')),
                  {first, second, f'{wide} in another network namespace'}, 'whom they reached')
            if 'group 5 (RTNLGRP_IPV4_IFADDR)' not in call.step:
                raise Failure(call.step)
        # A route for the address, whose flags say how it was made.
        flags = int(heard[3].split()[1])
        equal(heard[3].split()[0], str(NEWROUTE), 'type that a listener got')
        if not flags:
            raise Failure('the notification of a route has no flags')
        told = [call.messages[0] for call in run.named('netlink_broadcast_filtered')
                if call.step.endswith(f'reached portid {routes}')]
        equal((told[0]['name'], set(told[0]['flags'].split('|'))),
              ('RTM_NEWROUTE', {name for bit, name in NEW_FLAGS.items() if flags & bit}), 'route')

    def count(self):
        """a dump of 600 objects over several buffers: so many messages, three of each shown"""
        run = self.record(paths.dump, limit=3)
        ends = [message['total'] for message in run.messages() if message['type'] == 3]
        # paths.dump() asks for 600.
        equal(ends, [600], 'messages in the dump')
        for call in run.named('__netlink_sendskb'):
            objects = [message for message in call.messages if message['type'] not in (2, 3)]
            if len(objects) > 3:
                raise Failure(f'{len(objects)} messages of a buffer are shown')
            whole = len(objects) + sum(message.get('followed', 0) + message.get('skipped', 0)
                                       for message in call.messages)
            if whole > 10 and f'... {whole - 3} more messages' not in run.text:
                raise Failure(f'{whole} messages, and it is not said how many more there are')
        equal([message for message in run.messages() if 'unseen' in message or 'cut' in message], [],
              'messages that were not recorded')

    def threads(self):
        """threads: one of a process, shown where it slept and where it woke, and by whom"""
        facts = self.work / 'facts'

        def ask():
            reader = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            reader.bind((0, 0))
            numbers = {}

            def read():
                numbers['reader'] = threading.get_native_id()
                numbers['reads'] = time.monotonic()
                reader.recv(100)
                numbers['has read'] = time.monotonic()

            thread = threading.Thread(target=read)
            thread.start()
            while 'reader' not in numbers:
                time.sleep(0.01)
            # When it sleeps in recvmsg(), the kernel says so.
            while 'S' not in Path(f'/proc/self/task/{numbers["reader"]}/stat').read_text(
                    encoding='ascii').rsplit(')', 1)[1]:
                time.sleep(0.01)
            time.sleep(0.3)
            sender = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
            sends = time.monotonic()
            sender.sendto(paths.message(NEWADDR, 0), (reader.getsockname()[0], 0))
            sent = time.monotonic()
            thread.join()
            facts.write_text(f'{os.getpid()} {numbers["reader"]} {numbers["reads"]} {sends} {sent} '
                             f'{numbers["has read"]}', encoding='ascii')

        run = self.record(ask)
        process, reader, *clock = map(float, facts.read_text(encoding='ascii').split())
        process, reader = int(process), int(reader)
        equal(run.threads.get(reader), process, 'the process of the thread')
        slept = [sleep for pid, root in run.roots if pid == reader for call in root.walk()
                 for sleep in call.sleeps if sleep.waker and sleep.waker[1] == process]
        if not slept or not slept[-1].end - slept[-1].begin >= 0.25:
            raise Failure(f'the reader did not sleep, or was not woken by the sender:\n{run.text}')
        lines = run.text.splitlines()
        sleeps = next(at for at, line in enumerate(lines) if line.strip() == '~ sleeps')
        sends = next(at for at, line in enumerate(lines) if line.startswith('sendto()') and at > sleeps)
        wakes = next(at for at, line in enumerate(lines) if 'goes on in __skb_wait_for_more_packets' in line)
        if not sleeps < sends < wakes:
            raise Failure(run.text)
        if f'thread {reader} of process {process}' not in run.text:
            raise Failure('it is not called a thread')
        # What JSON, page and picture are made of.
        said = trace_html.records(run.roots, run.tasks, run.threads)
        equal({(call['pid'], call['thread']) for call in said}, {(process, process), (process, reader)},
              'processes and threads of the recording')
        self.timed(run, said, reader, clock)

    def timed(self, run, said, reader, clock):
        """Times in JSON and in text, by the clock of the program: the tracer has the same one."""
        reads, sends, sent, has_read = clock

        def between(what, before, *times):
            # What is printed has microseconds.
            for left, right in zip((before, *times), times):
                if left > right + 1e-5:
                    raise Failure(f'{what}: {before}, {times}')

        said = json.loads(json.dumps(said, default=str))
        sending = next(call for call in said if call['function'] == 'sendto()')
        between('sendto()', sends, sending['start'], sending['start'] + took(sending), sent)
        reading = next(call for call in said if call['function'] == 'recvfrom()' and call['thread'] == reader)
        between('recvfrom()', reads, reading['start'], sends, reading['start'] + took(reading), has_read)
        sleep = [sleep for call in walk(reading) for sleep in call.get('sleeps', ())
                 if sleep['in']][-1]
        between('sleep', reads, sleep['begin'], sends, sleep['end'], has_read)
        equal(sleep['in'] in [call.get('function') for call in walk(sending)], True, 'where it was woken')
        out = io.StringIO()
        trace.render(run.roots, run.tasks, argparse.Namespace(names=False, full=False, times=True), out,
                     run.threads)
        begin = min(call['start'] for call in said)
        self.printed(out.getvalue(), clock)
        for call in (sending, reading):
            line = re.search(rf'^ *([\d.]+) +({re.escape(call["time"])})  {re.escape(call["function"])}',
                             out.getvalue(), re.M)
            if not line or abs(begin + float(line[1]) - call['start']) > 2e-6:
                raise Failure(f'{call["function"]} at {call["start"] - begin}:\n{out.getvalue()}')

    @staticmethod
    def printed(text, clock):
        """What --times prints, by the clock of the program alone."""
        reads, sends, sent, has_read = clock
        lines = {name: (float(when), float(took)) for when, took, name in
                 re.findall(r'^ *([\d.]+) +([\d.]+) us  (recvfrom|sendto)\(\)', text, re.M)}
        apart = lines['sendto'][0] - lines['recvfrom'][0]
        # It slept for 0.3 s in between, after the reader had gone to sleep.
        if not 0.3 <= apart <= sent - reads:
            raise Failure(f'sendto() {apart} s behind recvfrom(), and not 0.3 to {sent - reads}')
        for name, least, most in (('recvfrom', 0.3, has_read - reads), ('sendto', 0, sent - sends)):
            if not least <= lines[name][1] / 1e6 <= most:
                raise Failure(f'{name}() took {lines[name][1]} us, and not {least} to {most} s')

    def summary(self):
        """--summary: as many requests and bytes as strace has seen, and the error"""
        if not shutil.which('strace'):
            raise Skip('strace is not installed')
        log = self.work / 'strace'
        run = self.shell(f'strace --seccomp-bpf -f -qq -s 100000 -e trace=sendto,sendmsg -o {log} '
                         "sh -c 'ip link show lo; ip route show table 7777; true'")
        # ip sends more bytes than its message has: the message counts.
        sent = [int(size) for line in log.read_text(encoding='utf-8').splitlines() if ' = ' in line
                for size in re.findall(r'nlmsg_len=(\d+)', line)[:1]]
        # Not what strace asks, to find out what it looks at.
        counter = trace_summary.Counter()
        counter.add([(pid, root) for pid, root in run.roots if run.tasks[pid] == 'ip'])
        asked = [row for row in counter.rows() if not row.command.startswith('to a group')]
        equal((sum(row.requests for row in asked), sum(row.sent for row in asked)), (len(sent), sum(sent)),
              'requests and bytes')
        equal([row.errors for row in asked if row.command == 'RTM_GETROUTE'], [{'ENOENT': 1}], 'errors')

    def all(self):
        """The tests, in their order."""
        return [self.strace, self.done, self.made, self.denied, self.policy, self.nobody, self.handlers,
                self.tcp, self.xfrm, self.batch, self.options, self.overrun, self.interrupted,
                self.groups, self.count, self.threads, self.summary, self.loaded, self.running,
                self.everybody, *self.whom()]


def main():
    """Run the tests and print KTAP."""
    if not shutil.which('ip') or not shutil.which('unshare'):
        skip_all('iproute2 or unshare is not installed')
    # Not where probes are refused: a kernel in which one has become wrong fails.
    if not Path('/sys/kernel/btf/vmlinux').exists():
        skip_all('this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), and so no values to compare')
    if not Path(trace.TRACEFS[0], 'set_graph_function').exists():
        skip_all('this kernel has no function graph tracer, or tracefs is not mounted')
    for module in ('netlink_diag', 'tcp_diag', 'nf_tables', 'xfrm_user', 'dummy'):
        subprocess.run(['modprobe', module], check=False)
    chosen = os.environ.get('NL_VALUES', '').split()
    try:
        with contextlib.ExitStack() as stack:
            # What the kernel was started with ('paths.py --append') names functions that have gone since.
            trace.write(f'{trace.TRACEFS[0]}/set_graph_function', '')
            before = Live.left()
            tracer = stack.enter_context(trace.Tracer())
            begin = time.monotonic()
            tracer.prepare()
            print(f'# prepared in {time.monotonic() - begin:.1f} s')
            live = Live(tracer, stack, before)
            # As in nl_trace.sh.
            print('# kernel-log-expected: WARNING: kernel/trace/fprobe.c')
            for line in tracer.warnings:
                print(f'# {line}')
            status = ktap_run([(test.__doc__, test) for test in live.all()
                               if not chosen or test.__name__ in chosen])
    except trace.TraceError as error:
        skip_all(error)
    shutil.rmtree(live.work)
    return status


if __name__ == '__main__':
    sys.exit(main())
