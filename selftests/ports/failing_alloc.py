#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
Every command of every port with its first, second, ... allocation failing, until it needs no
more: each request ends with an error that says so or is done as ever, never with silence, and
one that was refused has changed nothing. So are the ports loaded and unloaded. Without a
kernel that has fault injection all is skipped. PORTS= in the environment are the names of the
ports, if not all are wanted.
"""

import contextlib
import ctypes
import difflib
import errno
import importlib
import os
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

from judge import CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, GENL_ID_CTRL, HERE, Judge, attribute, \
    conditions, genl, in_child, is_loaded, load, message_lines, module_file, read_messages, unload
from ktap import SKIP, Failure, equal, ktap_run, skip_all
from message import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, message

SETTINGS = HERE.parent / 'stress/failing_settings.sh'
GENL_CMD_CAP_DO, GENL_CMD_CAP_DUMP = 2, 4
SYS_INIT_MODULE, SYS_DELETE_MODULE, O_NONBLOCK = 175, 176, 0x800
# By what the lack of memory reaches a client.
LACK = ('ENOMEM', 'ENOBUFS')
# A request that still meets a failure after so many never ends.
MOST = 5000
LIBC = ctypes.CDLL(None, use_errno=True)


class Injection:
    """with: the n-th allocation of this thread fails. Then 'failed' says whether it has."""

    def __init__(self, nth):
        self.nth, self.failed = nth, False
        self.fd = os.open('/proc/thread-self/fail-nth', os.O_RDWR)

    def __enter__(self):
        os.pwrite(self.fd, b'%d' % self.nth, 0)
        return self

    def __exit__(self, *_):
        self.failed = int(os.pread(self.fd, 16, 0).strip(b'\0\n')) == 0
        os.pwrite(self.fd, b'0', 0)
        os.close(self.fd)


def family_of(judge, name):
    """What nlctrl says of a family."""
    body = genl(CTRL_CMD_GETFAMILY) + attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b'\0')
    datagrams, _ = judge.ask(GENL_ID_CTRL, body, NLM_F_REQUEST)
    return read_messages('nlctrl', datagrams[0][1])[0]


def state_of(judge):
    """All that is told of what there is."""
    judge.forget()
    for name, op in judge.spec.spec.ops.items():
        if 'dump' in op.modes:
            judge.dump(name, {})
    state = getattr(judge.case, 'state', None)
    if state:
        state(judge)
    told = [(record.datagrams, record.errors) for record in judge.records]
    judge.forget()
    return told


def ended(judge, datagrams, errors):
    """How a request has ended: the name of an errno, 'done', or 'silence'."""
    if errors:
        return errors[0].split(': ')[1]
    replies = [reply for _, data in datagrams for reply in read_messages(judge.case.SPEC, data)]
    if not replies or replies[-1].errno is None:
        return 'silence'
    return errno.errorcode[replies[-1].errno] if replies[-1].errno else 'done'


class Sometimes:
    """with: one in three of those allocations fails that cannot wait, of whoever it is."""

    def __enter__(self):
        # Those that can wait are spared before any fails: what writes this is one of them.
        self.set({'ignore-gfp-wait': 'Y', 'times': -1, 'probability': 33})

    def __exit__(self, *_):
        self.set({'probability': 0, 'times': 0, 'ignore-gfp-wait': 'N'})

    @staticmethod
    def set(values):
        """Of which allocations fail, in this order."""
        for name, value in values.items():
            Path('/sys/kernel/debug/failslab', name).write_text(str(value), encoding='ascii')


class Stage:
    """A namespace with what a request needs: a new one as soon as something has changed there."""

    def __init__(self, case, failing):
        self.judge, self.failing = Judge(case, 'Rust'), failing
        self.judge.find_family()
        self.judge.fresh()
        # What was told of it at first, and by now.
        self.space = self.state = self.now = None
        flags = NLM_F_REQUEST | (NLM_F_DUMP if failing.mode == 'dump' else NLM_F_ACK)
        if failing.family:
            self.kind = family_of(self.judge, failing.family)['family-id']
            self.body = genl(failing.op) + (failing.attrs or b'')
        else:
            self.kind = self.judge.id
            self.body = self.judge.body(failing.op, failing.attrs or {}, header=failing.header)
        self.data = message(self.kind, self.body, flags, 1)

    def fresh(self):
        """Leave the namespace, and make another one."""
        if self.space:
            self.space.close()
        self.space = contextlib.ExitStack()
        self.space.enter_context(self.judge.netns())
        if self.failing.before:
            self.failing.before(self.judge)
        self.state = self.now = state_of(self.judge)

    def attempt(self, injection, fresh=False):
        """The request, of which an allocation may fail."""
        judge = self.judge
        if fresh or self.now != self.state:
            self.fresh()
        with judge.socket() as sock:
            port = sock.getsockname()[0]
            with injection:
                datagrams, errors = judge.exchange(sock, self.data, 32768)
        judge.port, judge.seq = port, 1
        settle = getattr(judge.case, 'settle', None)
        if settle:
            settle(judge, self)
        events, self.now = judge.drain(), state_of(judge)
        return types.SimpleNamespace(
            datagrams=[(cut, judge.mask(got, self.kind, port, 1)) for cut, got in datagrams],
            failed=getattr(injection, 'failed', False), ended=ended(judge, datagrams, errors),
            events=events, before=self.state, state=self.now)


def told(case, datagrams):
    """
    What a dump has told. Left out is what the core makes otherwise, as with C: where there is no
    memory for a large buffer it takes a small one, and where there is none for the first one it
    says so, and begins again when the socket is read.
    """
    replies = [reply for _, data in datagrams for reply in read_messages(case.SPEC, data)]
    merge = getattr(case, 'merge', lambda replies: [reply.data for reply in replies])
    return [cut for cut, _ in datagrams if cut], \
        merge([reply for reply in replies if reply.kind == 'reply']), \
        [reply.data for reply in replies if reply.kind != 'reply'
         and not (reply.kind == 'error' and reply.errno == errno.ENOBUFS)]


def check(case, attempt, right, failing):
    """What is wrong with an attempt of which an allocation has failed, or nothing."""
    if attempt.ended == right.ended:
        if attempt.state != right.state:
            return 'it says that it is done, and is not'
        got, want = attempt.datagrams, right.datagrams
        if failing.mode == 'dump':
            got, want = told(case, got), told(case, want)
        if got != want:
            return 'it is done, and answers otherwise'
        lost = [name for _, name, _ in attempt.events if name == 'ENOBUFS']
        if attempt.events != right.events and not lost:
            return 'an event is missing, and its listener does not know'
        return ''
    if attempt.ended not in (*LACK, *failing.lack):
        return f'it ends with {attempt.ended}'
    # Where the answer was lost, the request may have been done.
    if not attempt.datagrams or failing.partial:
        return ''
    if attempt.state != attempt.before:
        return f'it is refused with {attempt.ended}, and has changed something'
    if any(data for _, _, data in attempt.events):
        return f'it is refused with {attempt.ended}, and others are told'
    return ''


def differing(case, attempt, right):
    """The first lines of what is answered otherwise."""
    sides = [[line for _, data in one.datagrams for line in message_lines(case.SPEC, data)]
             for one in (right, attempt)]
    return list(difflib.unified_diff(*sides, 'right', 'with a failure', n=1, lineterm=''))[2:40]


def each_allocation(case, failing):
    """A request with each of its allocations failing."""
    def child():
        stage = Stage(case, failing)
        right = stage.attempt(contextlib.nullcontext(), fresh=True)
        wrong, seen = [], Counter()
        if right.ended != failing.ended:
            return [f'with memory it ends with {right.ended}'], seen
        for nth in range(1, MOST):
            attempt = stage.attempt(Injection(nth))
            what = check(case, attempt, right, failing)
            if what:
                # What others have left behind that is not told is no fault of this one.
                attempt = stage.attempt(Injection(nth), fresh=True)
                what = check(case, attempt, right, failing)
            if what:
                wrong.append(f'allocation {nth}: {what}')
                if not wrong[1:]:
                    wrong += differing(case, attempt, right)
            if not attempt.failed:
                return wrong + ([f'none has failed, and it ends with {attempt.ended}']
                                if attempt.ended != right.ended else []), seen
            seen[attempt.ended] += 1
        return wrong + ['no end'], seen

    wrong, seen = in_child(child)
    print(f'# count injected failures: {sum(seen.values())} ({dict(seen)})')
    for line in wrong[:40]:
        print(f'# {line}')
    if wrong:
        raise Failure(wrong[0])
    if not seen:
        raise Failure('it allocates nothing')


def in_timer(case, failing):
    """Allocations fail in a timer: some events are not told, and the others are as ever."""
    def child():
        stage = Stage(case, failing)
        attempts = [stage.attempt(injection, fresh=True)
                    for injection in (contextlib.nullcontext(), Sometimes())]
        return [(attempt.ended, [(name, stage.judge.hide(case.SPEC, {failing.timer: None}, data))
                                 for _, name, data in attempt.events]) for attempt in attempts]

    (_, right), (said, events) = in_child(child)
    told = [event for event in events if event[1]]
    print(f'# count injected failures: {len(right) - len(told)} (events of {len(right)})')
    equal(said in ('done', *LACK), True, said)
    equal(set(told) - set(right), set(), 'events that are otherwise')
    equal(0 < len(told) < len(right), True, f'{len(told)} events of {len(right)}')


def module_call(number, *args):
    """A system call of modules, without a program: the name of its errno, or 'done'."""
    return 'done' if not LIBC.syscall(number, *args) else errno.errorcode[ctypes.get_errno()]


def each_of_module(case, loads):
    """The port is loaded, or unloaded, with each allocation failing."""
    name = case.RUST_MODULE.encode()
    data = Path(module_file(case.RUST_MODULE)).read_bytes()
    seen = Counter()
    for nth in range(1, MOST):
        if loads == is_loaded(case.RUST_MODULE):
            (unload if loads else load)(case.RUST_MODULE)
        injection = Injection(nth)
        with injection:
            said = module_call(SYS_INIT_MODULE, data, len(data), b'') if loads else \
                module_call(SYS_DELETE_MODULE, name, O_NONBLOCK)
        equal(is_loaded(case.RUST_MODULE), loads == (said == 'done'), f'allocation {nth}: {said}')
        if not injection.failed:
            equal(said, 'done', 'without a failure')
            break
        if said not in ('done', *LACK):
            raise Failure(f'allocation {nth}: {said}')
        seen[said] += 1
    else:
        raise Failure('no end')
    unload(case.RUST_MODULE)
    print(f'# count injected failures: {sum(seen.values())} ({dict(seen)})')


def none_is_missing(case):
    """Each command that nlctrl tells of, of each family of the module, is among the requests."""
    def child():
        judge = Judge(case, 'Rust')
        judge.find_family()
        left = set()
        for name in {case.FAMILY, *(failing.family or case.FAMILY for failing in case.FAILING)}:
            for op in family_of(judge, name).get('ops', []):
                values = {attr.name: attr.value for attr in op.value}
                left |= {(name, values['id'], mode) for mode, flag in
                         (('do', GENL_CMD_CAP_DO), ('dump', GENL_CMD_CAP_DUMP))
                         if values['flags'] & flag}
        return left - {(failing.family or case.FAMILY,
                        failing.op if failing.family else judge.spec.op(failing.op).req_value,
                        failing.mode) for failing in case.FAILING}
    equal(sorted(in_child(child)), [], 'not tried')


def tests(port, modules):
    """Those of a port. Of two ports in one module the first one brings those of that."""
    case = importlib.import_module(port)

    def begin():
        for module in [*reversed(case.C_MODULES), case.RUST_MODULE]:
            unload(module)
        for module in getattr(case, 'RUST_NEEDS', []):
            load(module)
        load(case.RUST_MODULE)
    yield f'{port}: is loaded', begin
    for failing in case.FAILING:
        name = failing.name or f'{failing.family} {failing.mode} {failing.op}'.lstrip()
        run = in_timer if failing.timer else each_allocation
        yield f'{port}: {name}', lambda run=run, failing=failing: run(case, failing)
    yield f'{port}: each command is among them', lambda: none_is_missing(case)
    if case.RUST_MODULE not in modules:
        modules.add(case.RUST_MODULE)
        yield f'{port}: unloading', lambda: each_of_module(case, False)
        yield f'{port}: loading', lambda: each_of_module(case, True)


def main():
    """Return the exit status."""
    done = subprocess.run([str(SETTINGS)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == SKIP:
        skip_all(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(done.stdout)
    ports = os.environ.get('PORTS', '').split() or sorted(path.stem for path in HERE.glob('*.yaml'))
    with conditions():
        modules = set()
        return ktap_run([test for port in ports for test in tests(port, modules)])


if __name__ == '__main__':
    sys.exit(main())
