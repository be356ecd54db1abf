#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The paths of netlink through this kernel, as scripts/path/paths.py records them: for
each, functions that must be seen, in this order. They are those of the kernel's
source and of a trace that was read by hand; a kernel in which a path has
changed fails, and the difference is printed. Then what the trace says of a run
is compared with what strace, /proc/net/netlink, ss, nlctrl and nlmon say of the
same run. One program for all, since setting up a trace takes seconds on an
emulated machine.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

# The folder of the tests is above this one, or in its place in the sources.
HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE / '../../selftests/lib')]

# pylint: disable=wrong-import-position
import paths
import trace
import trace_steps
from ktap import Failure, Skip, equal, ktap_run, skip_all

# What must be seen, in this order, in each row.
MUST = {
    '1': 'netlink_proto_init proto_register sock_register netlink_net_init netlink_tap_init_net '
         'rtnetlink_init',
    '2': 'rtnetlink_net_init __netlink_kernel_create __netlink_create netlink_insert',
    '3': 'socket() __sock_create netlink_create __netlink_create sk_alloc sock_init_data',
    '4': 'bind() netlink_bind netlink_autobind __netlink_lookup netlink_insert',
    '5': 'sendmsg() netlink_sendmsg netlink_alloc_large_skb security_netlink_send netlink_unicast '
         '__netlink_lookup genl_rcv netlink_rcv_skb',
    '6': 'rtnetlink_rcv netlink_rcv_skb rtnetlink_rcv_msg rtnl_getlink netlink_unicast '
         '__netlink_lookup __netlink_sendskb skb_queue_tail sock_def_readable',
    '7': 'rtnetlink_rcv_msg __netlink_dump_start netlink_dump rtnl_dump_ifinfo __netlink_sendskb '
         'skb_queue_tail sock_def_readable netlink_recvmsg netlink_dump',
    '8': 'recvmsg() netlink_recvmsg skb_recv_datagram __skb_recv_datagram __skb_try_recv_datagram',
    '9': 'genl_init genl_register_family genl_validate_ops genl_pernet_init __netlink_kernel_create '
         'netlink_insert',
    '10': 'finit_module() genl_register_family genl_validate_ops genl_ctrl_event ctrl_build_family_msg '
          'ctrl_fill_info netlink_broadcast_filtered genl_ctrl_event netlink_broadcast_filtered',
    '11': 'netlink_sendmsg netlink_unicast genl_rcv netlink_rcv_skb genl_rcv_msg genl_get_cmd '
          'genl_family_rcv_msg_doit genl_family_rcv_msg_attrs_parse ctrl_getfamily '
          'ctrl_build_family_msg ctrl_fill_info netlink_unicast __netlink_lookup '
          '__netlink_sendskb skb_queue_tail sock_def_readable netlink_ack',
    '11 ours': 'genl_rcv genl_rcv_msg genl_get_cmd genl_family_rcv_msg_doit ctrl_getfamily '
               '__netlink_sendskb netlink_ack',
    '11 do': 'ctrl_getfamily genl_rcv genl_rcv_msg genl_get_cmd genl_family_rcv_msg_doit genl_do_enter '
             'netlink_unicast __netlink_sendskb genl_do_exit netlink_ack netlink_recvmsg',
    '11 dump': 'ctrl_getfamily genl_rcv_msg genl_family_rcv_msg_dumpit __netlink_dump_start netlink_dump '
               'genl_dumpit genl_dump_buffer __netlink_sendskb netlink_recvmsg netlink_dump '
               'genl_dumpit genl_dump_buffer __netlink_sendskb netlink_recvmsg',
    '12': 'ctrl_getfamily genl_rcv_msg genl_family_rcv_msg_doit taskstats_user_cmd netlink_unicast '
          '__netlink_sendskb netlink_recvmsg',
    '13': 'nfnetlink_rcv netlink_rcv_skb nfnetlink_rcv_msg nfnetlink_unicast netlink_unicast '
          '__netlink_sendskb netlink_recvmsg',
    '14': 'netlink_bind finit_module() netlink_broadcast netlink_broadcast_filtered __netlink_sendskb '
          'netlink_recvmsg',
    '15': 'netlink_create netlink_insert sock_diag_rcv netlink_rcv_skb sock_diag_rcv_msg '
          '__netlink_dump_start netlink_dump netlink_diag_dump __netlink_sendskb netlink_recvmsg',
    '16': 'socket() netlink_create netlink_insert netlink_sendmsg genl_rcv_msg '
          'genl_family_rcv_msg_dumpit netlink_dump ctrl_dumpfamily __netlink_sendskb netlink_recvmsg',
}


def in_order(row):
    """Each function of MUST behind the one before."""
    if not row.shown and row.source == 'boot':
        raise Skip('the kernel was not started with what paths.py --append prints')
    names, at = row.names(), 0
    for want in MUST[row.number].split():
        try:
            at = names.index(want, at) + 1
        except ValueError:
            after = ' '.join(names[max(0, at - 3):at])
            rest = ' '.join(names[at:at + 25])
            raise Failure(f'{want} is not seen behind: {after}\n'
                          f'but these are: {rest}\n'
                          f'{"it comes earlier" if want in names else "it is nowhere"}') from None


def fates(row):
    """Each function of 4.20 is seen, or what has become of it is known."""
    if not row.shown and row.source == 'boot':
        raise Skip('the kernel was not started with what paths.py --append prints')
    lost = [name for name, fate, _ in row.fates() if fate == 'NOT SEEN']
    equal(lost, [], 'functions of 4.20 of which nothing is known')


class CrossChecks:
    """What others say of the same run."""

    def __init__(self, tracer, explainer):
        self.tracer = tracer
        self.explainer = explainer
        self.work = Path(tempfile.mkdtemp())

    def record(self, command, task=None):
        """The calls of a command, in their order, or of one program in it."""
        status, text, lost = self.tracer.record(command, 60)
        equal((status, lost), (0, 0), 'status and lost events')
        roots, tasks = trace.Parser().parse(text)
        self.explainer.explain(roots)
        return [call for pid, root in roots if task in (None, tasks[pid]) for call in root.walk()]

    @staticmethod
    def named(calls, name):
        """The calls of a function."""
        return [call for call in calls if trace_steps.base(call.name) == name]

    def strace(self):
        """strace: protocol, portid, bytes and headers of the same run"""
        if not shutil.which('strace') or not shutil.which('genl'):
            raise Skip('strace or genl is not installed')
        log = self.work / 'strace'
        # Not the sockets by which strace finds out what it looks at.
        calls = self.record(['sh', '-c', f'strace -o {log} -e trace=network genl ctrl get name nlpeer '
                             '> /dev/null'], 'genl')
        text = log.read_text(encoding='utf-8')
        protocols = {'NETLINK_GENERIC': 16, 'NETLINK_ROUTE': 0}
        equal([call.facts['protocol'] for call in self.named(calls, 'netlink_create')],
              [protocols[name] for name in re.findall(r'socket\(AF_NETLINK.*(NETLINK_\w+)\)', text)],
              'protocols')
        ports = re.findall(r'getsockname\(.*nl_pid=(\d+)', text)
        equal([call.facts['portid'] for call in self.named(calls, 'netlink_insert')],
              [int(port) for port in ports], 'portids')
        sent = [int(size) for size in re.findall(r'(?m)^send(?:msg|to)\(.* = (\d+)$', text)]
        equal([call.facts['len'] for call in self.named(calls, 'netlink_sendmsg')], sent, 'bytes sent')
        equal([call.facts['ret'] for call in self.named(calls, 'netlink_sendmsg')], sent, 'and returned')
        equal([call.facts['ret'] for call in self.named(calls, 'netlink_recvmsg')],
              [int(size) for size in re.findall(r'(?m)^recv(?:msg|from)\(.* = (\d+)$', text)],
              'bytes received')
        seq = re.search(r'sendmsg\(.*nlmsg_seq=(\d+)', text)
        if not seq:
            raise Failure('strace has decoded no header')
        request = next(call for call in self.named(calls, 'netlink_unicast') if call.messages).messages[0]
        equal(request['seq'], int(seq[1]), 'the sequence number of the request')
        equal({message['seq'] for call in self.named(calls, '__netlink_sendskb')
               for message in call.messages}, {int(seq[1])}, 'and those of the answers')

    def tables(self):
        """/proc/net/netlink, ss: the socket of the trace, while it was open"""
        if not shutil.which('ss'):
            raise Skip('ss is not installed')
        proc, listing, port = self.work / 'proc', self.work / 'ss', 0x7ffffe01

        def look():
            sock = paths.open_socket(paths.GENERIC, port)
            proc.write_text(Path('/proc/net/netlink').read_text(encoding='ascii'), encoding='ascii')
            with open(listing, 'wb') as file:
                subprocess.run(['ss', '-Hnf', 'netlink'], stdout=file, check=True)
            sock.close()

        calls = self.record(look)
        ours = [call.facts for call in self.named(calls, 'netlink_insert')
                if call.facts['portid'] == port]
        equal(len(ours), 1, 'sockets of that portid in the trace')
        rows = [line.split() for line in proc.read_text(encoding='ascii').splitlines()[1:]]
        equal([int(row[1]) for row in rows if int(row[2]) == port], [ours[0]['proto']],
              'protocols of that portid in /proc/net/netlink')
        found = [line.split() for line in listing.read_text(encoding='utf-8').splitlines()
                 if f'/{port} ' in line or f':{port} ' in line]
        equal([row[2].rpartition(':')[0] in ('genl', '16') for row in found], [True],
              'generic sockets of that portid in ss')

    def nlctrl(self):
        """nlctrl: id and name of the family that the request went to"""
        if not shutil.which('genl'):
            raise Skip('genl is not installed')
        text = subprocess.run(['genl', 'ctrl', 'get', 'name', 'nlpeer'], capture_output=True,
                              text=True, check=True).stdout
        number = int(re.search(r'ID: (0x\w+)', text)[1], 16)
        calls = self.record(paths.echo)
        last = self.named(calls, 'genl_rcv_msg')[-1]
        equal((last.facts['type'], last.facts['family_of_type']), (number, 'nlpeer'), 'family')
        command = self.named(calls, 'genl_get_cmd')[-1].facts
        equal((command['id'], command['name'], command['cmd']), (number, 'nlpeer', 1), 'command')
        answer = [message for call in self.named(calls, '__netlink_sendskb')
                  for message in call.messages if message['type'] == number]
        equal([message['attributes'][0][1] for message in answer], [42], 'the number in the echo')

    def nlmon(self):
        """nlmon: as many messages as the trace has"""
        if subprocess.run(['modprobe', 'nlmon'], check=False, stderr=subprocess.DEVNULL).returncode:
            raise Skip('this kernel has no nlmon')
        device = 'nlpaths0'
        subprocess.run(['ip', 'link', 'add', device, 'type', 'nlmon'], check=True)
        count = Path(f'/sys/class/net/{device}/statistics/rx_packets')
        try:
            subprocess.run(['ip', 'link', 'set', device, 'up'], check=True)
            before = int(count.read_text(encoding='ascii'))
            calls = self.record(paths.echo)
            seen = int(count.read_text(encoding='ascii')) - before
        finally:
            subprocess.run(['ip', 'link', 'del', device], check=True)
        equal(len(self.named(calls, 'netlink_rcv_skb')) + len(self.named(calls, '__netlink_sendskb')),
              seen, 'messages')

    def all(self):
        """The checks, in their order."""
        return [self.strace, self.tables, self.nlctrl, self.nlmon]


def all_tests(rows, checks, tracer, boot):
    """The tests, in their order, each with its name."""
    @functools.cache
    def fill():
        """Record the rows, once: what has gone wrong, or None."""
        try:
            paths.fill(rows, tracer, checks.explainer, boot)
        except trace.TraceError as error:
            return error
        return None

    def look(test, row):
        """Test a row, when all of them are recorded."""
        if error := fill():
            raise Failure(error)
        test(row)

    # The checks before the rows: one of these reloads nlpeer, whose functions leave the trace.
    return [(check.__doc__, check) for check in checks.all()] + \
        [(f'row {row.number}: {row.title}: {what}', functools.partial(look, test, row))
         for row in rows
         for what, test in (('order', in_order), ('what has become of 4.20', fates))]


def main():
    """Run the tests and print KTAP."""
    if not shutil.which('ip'):
        skip_all('iproute2 is not installed')
    # Not where probes are refused: a kernel in which one has become wrong fails.
    if not Path('/sys/kernel/btf/vmlinux').exists():
        skip_all('this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), and so no values to compare')
    rows = paths.all_rows()
    for module in ('netlink_diag', 'nf_tables'):
        subprocess.run(['modprobe', module], check=False)
    try:
        boot = paths.boot_trace()
        with trace.Tracer() as tracer:
            tracer.prepare()
            checks = CrossChecks(tracer, paths.new_explainer())
            # As in nl_trace.sh.
            print('# kernel-log-expected: WARNING: kernel/trace/fprobe.c')
            for line in tracer.warnings:
                print(f'# {line}')
            status = ktap_run(all_tests(rows, checks, tracer, boot))
    except trace.TraceError as error:
        skip_all(error)
    shutil.rmtree(checks.work)
    return status


if __name__ == '__main__':
    os.environ.setdefault('NLPEER_KO', '/genl/mod/nlpeer.ko')
    sys.exit(main())
