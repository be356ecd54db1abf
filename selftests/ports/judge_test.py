#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The judge against two recorded sides, of which one has been doctored: each change is
found, in the case that it is in, and what is on purpose has to occur.
"""

import contextlib
import errno
import io
import re
import struct
import sys
import types
from dataclasses import replace

import failing_alloc
import judge
import wireguard
from judge import Difference, Failing, Judge, Record, Verdict, no_policy, old_table
from ktap import Failure, equal, ktap_run
from message import NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, attribute, genl

GETFAMILY, NEWFAMILY = 3, 1


def netlink(kind, body, flags=0, seq=7, port=300):
    """A message as the kernel sends it, padded."""
    head = struct.pack('=IHHII', 16 + len(body), kind, flags, seq, port)
    return head + body + bytes(-len(body) % 4)


def reply(name):
    """A reply of nlctrl."""
    return netlink(16, genl(NEWFAMILY) + attribute(2, name.encode() + b'\0'), NLM_F_MULTI)


def error(number):
    """A refusal, which quotes the request."""
    quote = netlink(16, genl(GETFAMILY), NLM_F_REQUEST | NLM_F_ACK, port=0)
    return netlink(NLMSG_ERROR, struct.pack('=i', -number) + quote)


def masked(data, port=300, seq=7):
    """What the judge keeps of it."""
    return Judge.mask(data, 16, port, seq)


def side():
    """What one side has brought."""
    done = netlink(NLMSG_DONE, bytes(4), NLM_F_MULTI)
    dump = [(False, masked(reply('one') + reply('two'))), (False, masked(reply('three') + done))]
    event = ('namespace 0', 'notify', masked(reply('four'), port=0, seq=0))
    return [Record('dump', 'request', 'nlctrl', datagrams=dump, events=[event]),
            Record('refused', 'request', 'nlctrl', datagrams=[(False, masked(error(22)))]),
            Record('not sent', 'request', 'nlctrl', errors=['send: ENOBUFS']),
            Record('a tool', 'tool', 'nlctrl', text=['status 0', 'stdout: x', 'stderr: y'])]


def verdicts(c, rust, differences=(), errors=((), ())):
    """The results of a run by their names: whether each has passed."""
    out = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for name, test in judge.tests([(c, list(errors[0])), (rust, list(errors[1]))],
                                      list(differences)):
            try:
                test()
                out[name] = True
            except Failure:
                out[name] = False
    return out


def failed(*args, **words):
    """The names of what has failed."""
    return [name for name, passed in verdicts(*args, **words).items() if not passed]


def doctored(change):
    """Both sides, and one of them changed."""
    rust = side()
    change(rust)
    return side(), rust


def found(case, change):
    """Fail unless a change is found in this case, and in no other, on either side."""
    c, rust = doctored(change)
    equal(failed(c, rust), [case])
    equal(failed(rust, c), [case])


def the_same():
    """two sides that are the same pass, and each case is a result"""
    got = verdicts(side(), side())
    equal([name for name in got if not got[name]], [])
    equal(set(got) >= {'dump', 'refused', 'not sent', 'a tool'}, True)


def each_byte():
    """each byte of each message and of an event"""
    def others(data):
        for at in range(len(data)):
            other = bytearray(data)
            other[at] ^= 1
            yield at, bytes(other)

    for record in side()[:2]:
        for number, (cut, data) in enumerate(record.datagrams):
            for at, other in others(data):
                datagrams = [*record.datagrams]
                datagrams[number] = cut, other
                equal(replace(record, datagrams=datagrams).same(record), False,
                      f'{record.name}: byte {at} of {number}')
    found('dump', lambda rust: rust[0].datagrams.__setitem__(0, (False, bytes(80))))
    record = side()[0]
    (space, group, data), = record.events
    for at, other in others(data):
        equal(replace(record, events=[(space, group, other)]).same(record), False,
              f'byte {at} of an event')


def order_and_split():
    """an order, a split, a datagram that was cut, one more and one less"""
    def merge(rust):
        rust[0].datagrams = [(False, b''.join(data for _, data in rust[0].datagrams))]

    def swap(rust):
        _, data = rust[0].datagrams[0]
        half = len(data) // 2
        rust[0].datagrams[0] = False, data[half:] + data[:half]
    for change in (merge, swap, lambda rust: rust[0].datagrams.reverse(),
                   lambda rust: rust[0].datagrams.pop(),
                   lambda rust: rust[0].datagrams.append(rust[0].datagrams[1]),
                   lambda rust: rust[0].datagrams.__setitem__(
                       0, (True, rust[0].datagrams[0][1]))):
        found('dump', change)


def events():
    """an event that is missing, is there twice, or went to another group or namespace"""
    _, _, data = side()[0].events[0]
    for change in (lambda rust: rust[0].events.pop(),
                   lambda rust: rust[0].events.append(rust[0].events[0]),
                   lambda rust: rust[0].events.__setitem__(0, ('namespace 0', 'other', data)),
                   lambda rust: rust[0].events.__setitem__(0, ('namespace 1', 'notify', data))):
        found('dump', change)


def tools():
    """a status, a line of the output, the stream of a line; what send() refuses"""
    for index, line in enumerate(('status 1', 'stdout: z', 'stdout: y')):
        found('a tool', lambda rust: rust[3].text.__setitem__(index, line))
    found('not sent', lambda rust: rust[2].errors.__setitem__(0, 'send: EPERM'))
    found('not sent', lambda rust: rust[2].errors.pop())


def cases():
    """a case that one side has not run, and another order"""
    c, rust = doctored(lambda rust: rust.pop())
    equal(failed(c, rust), ['both have run the same cases', 'a tool'])
    c, rust = doctored(lambda rust: rust.reverse())
    equal(failed(c, rust), ['both have run the same cases'])
    equal(failed([], []), ['both have run the same cases'])
    twice = side() + [Record('dump', 'request', 'nlctrl')]
    equal(failed(twice, twice), ['both have run the same cases'])
    equal(failed(side(), side(), errors=((), ['rmmod: in use'])),
          ['Rust: loaded, asked, unloaded'])


def results():
    """cases that are one result, and how long a case took, which is compared with nothing"""
    c, rust = side(), side()
    for record in [*c[:3], *rust[:3]]:
        record.result = 'all but the tool'
    rust[0].seconds = 7
    equal([name for name in verdicts(c, rust) if 'asked' not in name],
          ['both have run the same cases', 'all but the tool', 'a tool'])
    equal(failed(c, rust), [])
    rust[2].errors.pop()
    equal(failed(c, rust), ['all but the tool'])


def on_purpose():
    """a difference on purpose: has to occur, and explains nothing but itself"""
    def refused(c, rust):
        return c.same(side()[1]) and c.but(datagrams=[(False, masked(error(95)))]).same(rust)

    def entry(case, holds=refused):
        return Difference(case, 'another errno', 'a reason', 'file.c:1', '', holds)

    def other(number):
        return doctored(lambda rust: rust[1].datagrams.__setitem__(
            0, (False, masked(error(number)))))
    occurs = 'differs on purpose: another errno'
    equal(failed(*other(95)), ['refused'])
    equal(failed(*other(95), [entry('refused')]), [])
    equal(failed(*other(95), [entry('ref*')]), [])
    equal(failed(*other(94), [entry('refused')]), ['refused', occurs])
    equal(failed(*other(95), [entry('dump')]), ['refused', occurs])
    equal(failed(side(), side(), [entry('refused')]), [occurs])
    equal(failed(*other(95), [entry('refused'), entry('dump', lambda c, rust: True)]), [occurs])


def on_purpose_only():
    """a difference on purpose that would explain other ones as well"""
    def tried(case, change, holds, free=()):
        return failed(*doctored(change), [Difference(case, 'x', 'y', 'file.c:1', '', holds, free)])

    def name(rust):
        rust[0].datagrams[0] = False, masked(reply('one') + reply('twp'))

    def line(rust):
        rust[3].text[1] = 'stdout: z'

    # What each looks at, and so does not see.
    for holds in (lambda c, rust: True,
                  lambda c, rust: c.same_beside(rust),
                  lambda c, rust: c.replies()[1]['family-name'] == 'two' and
                  rust.replies()[1]['family-name'] == 'twp',
                  lambda c, rust: c.datagrams[1:] == rust.datagrams[1:] and c.same_beside(rust),
                  lambda c, rust: (c.datagrams[0][1][:52], c.datagrams[1:]) ==
                  (rust.datagrams[0][1][:52], rust.datagrams[1:]) and c.same_beside(rust)):
        equal(tried('dump', name, holds), ['differs on purpose: x'])
    for holds in (lambda c, rust: c.text[0] == rust.text[0],
                  lambda c, rust: c.text[::2] == rust.text[::2],
                  lambda c, rust: [*c.text[:1], 'stdout: z', *c.text[2:]] == rust.text):
        equal(tried('a tool', line, holds), ['differs on purpose: x'])

    def exact(c, rust):
        return c.datagrams == side()[0].datagrams and c.but(
            datagrams=[(False, masked(reply('one') + reply('twp'))), *c.datagrams[1:]]).same(rust)

    def any_name(c, rust):
        def of(record):
            return [(cut, re.sub(b'(one|tw.)\0', b'xxx\0', data)) for cut, data in record.datagrams]
        return c.same_beside(rust) and of(c) == of(rust)
    equal(tried('dump', name, exact), [])
    equal(tried('dump', name, any_name), ['differs on purpose: x'])
    equal(tried('dump', name, any_name, ('family-name',)), [])


def the_family():
    """what ports have in common that differs: the largest attribute, a policy, and no other"""
    def family(maxattr, flags):
        op = attribute(1, attribute(1, struct.pack('=I', 7)) +
                       attribute(2, struct.pack('=I', flags)), True)
        body = genl(NEWFAMILY) + attribute(5, struct.pack('=I', maxattr)) + attribute(6, op, True)
        return Record('nlctrl: the family', 'request', 'nlctrl',
                      datagrams=[(False, masked(netlink(16, body)))])
    for rust, holds, want in ((family(0, 4), old_table(9), True),
                              (family(0, 12), old_table(9, {7: 4}), True),
                              (family(0, 12), old_table(9), False),
                              (family(0, 4), old_table(9, {7: 4}), False),
                              (family(0, 4), old_table(8), False),
                              (family(1, 4), old_table(9), False)):
        equal(holds(family(9, 4), rust), want)
        if want:
            difference = Difference('*', 'x', 'y', 'file.c:1', '', holds)
            equal(failed([family(9, 4)], [rust], [difference]), [])
    c, rust = (Record('a policy', 'value', 'nlctrl', text=text) for text in (['none'], []))
    equal(failed([c], [rust], [Difference('*', 'x', 'y', 'file.c:1', '', no_policy)]), [])
    equal(no_policy(rust, c), False)


def unseen():
    """a tool that does not end as it is to, and a hidden value that is none"""
    for side_name, command, status, faults in (('C', 'false', 0, 1), ('C', 'false', 1, 0),
                                               ('C', 'true', 0, 0), ('C', 'true', 1, 1),
                                               ('Rust', 'false', 0, 0)):
        one = Judge(types.SimpleNamespace(FAMILY='nlctrl', SPEC='nlctrl'), side_name)
        one.tool(command, status=status)
        equal(len(one.faults), faults, f'{command}, {status}, {side_name}')
    for value, faults in (('one', []), ('two', ["family-name is 'two'"])):
        data = masked(reply(value))
        equal(one.hide('nlctrl', {'family-name': lambda _, name: name == 'one'}, data),
              data.replace(value.encode(), bytes(3)))
        equal(one.faults, faults)
    equal(one.hide('nlctrl', {'family-name': None}, masked(reply('two'))),
          masked(reply('\0\0\0')))


def failing():
    """what a request must not come to when an allocation fails"""
    right = {'ended': 'done', 'state': ['new'], 'before': ['old'], 'datagrams': [b'ack'],
             'events': [('here', 'group', b'event')]}
    refusal = {'ended': 'ENOMEM', 'state': ['old'], 'datagrams': [b'error'], 'events': []}
    lost = [('here', 'ENOBUFS', b'')]
    for values, is_partial, wrong in (
            ({}, False, ''),
            ({'events': lost}, False, ''),
            ({'events': []}, False, 'an event is missing, and its listener does not know'),
            ({'state': ['old']}, False, 'it says that it is done, and is not'),
            ({'datagrams': []}, False, 'it is done, and answers otherwise'),
            ({'ended': 'silence'}, False, 'it ends with silence'),
            (refusal, False, ''),
            ({**refusal, 'events': lost}, False, ''),
            ({**refusal, 'ended': 'EINVAL'}, False, 'it ends with EINVAL'),
            ({**refusal, 'state': ['new']}, False,
             'it is refused with ENOMEM, and has changed something'),
            ({**refusal, 'state': ['new']}, True, ''),
            ({**refusal, 'state': ['new'], 'datagrams': []}, False, ''),
            ({**refusal, 'events': right['events']}, False,
             'it is refused with ENOMEM, and others are told')):
        equal(failing_alloc.check(types.SimpleNamespace(SPEC='nlctrl'),
                                  types.SimpleNamespace(**{**right, **values}),
                                  types.SimpleNamespace(**right),
                                  Failing('add', partial=is_partial)), wrong, repr(values))


def enough():
    """a port that is asked too few requests, or too few at random"""
    def records(own, drawn, kind='request'):
        return [Record(f'do {number}', kind) for number in range(own)] + \
            [Record(f'random {number // 50}: {number}', 'request') for number in range(drawn)] + \
            [Record(f'random {number}: dump get {{}}', 'request') for number in range(9)]
    least, drawn = judge.LEAST, judge.RANDOM
    with contextlib.redirect_stdout(io.StringIO()):
        judge.enough(records(least, drawn))
    for few in (records(least - 1, drawn), records(least, drawn - 1), records(least, drawn, 'tool')):
        try:
            judge.enough(few)
        except Failure:
            continue
        raise Failure('too few are enough')


def dumped():
    """a dump may be split otherwise when an allocation fails, and tells the same"""
    def outcome(case, *datagrams):
        return failing_alloc.check(
            case, *(types.SimpleNamespace(ended='done', state=[], events=[], datagrams=[
                (False, masked(data)) for data in one]) for one in datagrams),
            Failing('get', mode='dump'))

    wrong, done = 'it is done, and answers otherwise', netlink(NLMSG_DONE, bytes(4), NLM_F_MULTI)
    case = types.SimpleNamespace(SPEC='nlctrl')
    right = reply('one') + reply('two'), done
    for other, want in (((reply('one'), reply('two') + done), ''), ((reply('one') + done,), wrong),
                        ((reply('two') + reply('one'), done), wrong), (right[:1], wrong),
                        ((*right, done), wrong), ((error(errno.ENOBUFS), *right), ''),
                        ((error(errno.EINVAL), *right), wrong)):
        equal(outcome(case, other, right), want)

    def device(*peers, **attrs):
        values = [('peers', [{'public-key': wireguard.key(number), 'allowedips': [
            wireguard.allowed(f'10.0.0.{ip}/32') for ip in ips], **more}
            for number, ips, more in peers])]
        spec = judge.codec('wireguard')
        return netlink(judge.FAMILY, genl(0) + spec.attrs(
            spec.op('get-device').attr_set, [*attrs.items(), *values]), NLM_F_MULTI)
    keep = {'persistent-keepalive-interval': 5}
    whole = device((1, (1, 2), keep), (2, (3,), {}), ifname='wg0') + done
    for parts, want in (
            ((device((1, (1,), keep), ifname='wg0'), device((1, (2,), {}), (2, (3,), {})), done), ''),
            ((device((1, (1,), keep), ifname='wg0'), device((2, (3,), {})), done), wrong),
            ((device((1, (1,), {}), ifname='wg0'), device((1, (2,), {}), (2, (3,), {})), done),
             wrong),
            ((device((1, (1, 2), keep)), device((2, (3,), {})), done), wrong),
            ((device((2, (3,), {}), ifname='wg0'), device((1, (1, 2), keep)), done), wrong)):
        equal(outcome(wireguard, parts, (whole,)), want)


def late():
    """an event that does not come in time ends the run of a side"""
    one = Judge(types.SimpleNamespace(FAMILY='nlctrl', SPEC='nlctrl'), 'C')
    one.events('nothing', 0)
    try:
        one.events('one of them', 1, seconds=0)
    except RuntimeError as told:
        equal(str(told), 'one of them: 0 events of 1 have come')
    else:
        raise Failure('nothing is told')


def numbers():
    """masked are the number of the family, the own port and sequence number, and no other ones"""
    first, second = reply('one'), netlink(40, reply('one')[16:], NLM_F_MULTI, seq=9, port=55)
    equal(Judge.mask(second, 40, 55, 9), masked(first))
    for port, seq in ((56, 9), (55, 8), (0, 9), (55, 0)):
        equal(Judge.mask(second, 40, port, seq) == masked(first), False, f'{port} {seq}')
    equal(Judge.mask(second, 41, 55, 9) == masked(first), False, 'another family')
    for none in (netlink(16, b'', port=0, seq=8), netlink(16, b'', port=9, seq=0)):
        equal(masked(none) == masked(netlink(16, b'', port=9, seq=8)), False, 'none, or another')
    quote = error(22)
    equal(masked(quote) == masked(quote[:28] + b'\1' + quote[29:]), False, 'a quoted number')


def explained():
    """what differs is shown in the words of the spec"""
    c, rust = doctored(lambda rust: rust[0].datagrams.__setitem__(
        0, (False, masked(reply('one') + reply('twp')))))
    lines = Verdict([c, rust], []).differs('dump')
    equal([line for line in lines if 'family-name' in line and line[0] in '+-'],
          ["-      family-name: 'two'", "+      family-name: 'twp'"])


if __name__ == '__main__':
    sys.exit(ktap_run([(test.__doc__, test) for test in (
        the_same, each_byte, order_and_split, events, tools, cases, results, on_purpose,
        on_purpose_only, the_family, unseen, failing, enough, dumped, late, numbers, explained)]))
