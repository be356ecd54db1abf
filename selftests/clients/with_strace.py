#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
nlpeer in the eyes of strace: what its decoder shows of the client for libmnl.
It knows the names of families, of flags and of extended acks. The attributes of
a family are numbers and bytes to it, and so is what is inside of a nest.
"""

import errno
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from client import mark, serve, tell

TRACED = Path(__file__).resolve().parent / 'with_libmnl'
# The attributes of echo by their number, and how their bytes read.
VALUES = {1: ('u32', 'number'), 2: ('u64', 'number'), 3: ('string', 'text'), 4: ('binary', 'bytes'),
          5: ('nest', 'nest')}
EVENT = {1: ('cookie', 'number'), 2: ('text', 'text')}


def trace(behaviour):
    """Have a client do it, hand on what the runner waits for, and return the calls."""
    with tempfile.NamedTemporaryFile('r', encoding='utf-8') as file:
        command = ['strace', '-e', 'trace=recvmsg', '-v', '-s', '64', '-o', file.name, TRACED]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            print(behaviour, file=process.stdin, flush=True)
            ends = 0
            for line in process.stdout:
                line = line.rstrip('\n')
                if line in ('joined', 'resolved'):
                    mark(line)
                if line == 'resolved':
                    print(sys.stdin.readline(), file=process.stdin, flush=True)
                # The second end: the first one closes what the client says of itself.
                ends += line == '.'
                if ends == 2:
                    break
            process.stdin.close()
        return file.read().splitlines()


def messages(calls):
    """The messages of the family: their attributes, by number and as bytes."""
    for call in calls:
        for message in re.split(r'(?=\{nlmsg_len=)', call):
            if 'nlmsg_type=nlpeer,' in message and '{cmd=' in message:
                yield [(int(number, 16), bytes.fromhex(data.replace('\\x', '')))
                       for number, data in re.findall(
                           r'nla_type=(?:NLA_F_NESTED\|)?(0x\w+)\}, "([^"]*)"', message)]


def attributes(message, names):
    """Each attribute by its name, read as far as bytes can be without knowing more."""
    read = {'number': lambda data: int.from_bytes(data, sys.byteorder),
            'text': lambda data: data.rstrip(b'\0').decode(), 'bytes': bytes.hex,
            'nest': lambda _: 'is shown as bytes'}
    for number, data in message:
        name, kind = names[number]
        yield name, read[kind](data)


def resolve():
    """The controller's attributes are known."""
    text = '\n'.join(trace('resolve'))
    tell('family', int(re.search(r'CTRL_ATTR_FAMILY_ID\}, (0x\w+)', text)[1], 16))
    group = re.search(r'CTRL_ATTR_MCAST_GRP_ID\}, (0x\w+|\d+)\]', text)
    if group:
        tell('group', int(group[1], 0))


def echo():
    """Bytes, which only show what they are to one who knows."""
    for message in messages(trace('echo')):
        for name, value in attributes(message, VALUES):
            tell(name, value)


def event():
    """The message that came last."""
    *_, last = messages(trace('event'))
    values = dict(attributes(last, EVENT))
    tell('event', values['cookie'], values['text'])


def interrupt():
    """The flag has its name."""
    if any('NLM_F_DUMP_INTR' in call for call in trace('interrupt')):
        tell('interrupted', 'NLM_F_DUMP_INTR')


def overrun():
    """An error of the system call."""
    for call in trace('overrun'):
        if 'ENOBUFS' in call:
            tell('overrun', 'ENOBUFS')
        for message in messages([call]):
            tell('event', dict(attributes(message, EVENT))['cookie'])


def tell_error(calls):
    """The error number has its name, and what comes with it as well."""
    text = '\n'.join(calls)
    found = re.search(r'error=-(E\w+)', text)
    if found:
        tell('error', getattr(errno, found[1]))
    found = re.search(r'NLMSGERR_ATTR_MSG\}, "([^"]*)"', text)
    if found:
        tell('message', found[1])
    found = re.search(r'NLMSGERR_ATTR_OFFS\}, (\d+)', text)
    if found:
        tell('offset', found[1])


def extack():
    """All of it."""
    tell_error(trace('extack'))


def large():
    """Too large for the buffer of the one who is traced."""
    if any('msg_flags=MSG_TRUNC' in call for call in trace('large')):
        tell('truncated', 'MSG_TRUNC')


def vanish():
    """The error of the last reply."""
    tell_error(trace('vanish'))


if __name__ == '__main__':
    VERSION = subprocess.run(['strace', '-V'], check=True, capture_output=True, text=True).stdout
    serve('strace', re.search(r'version (\S+)', VERSION)[1],
          {'resolve': resolve, 'echo': echo, 'event': event, 'interrupt': interrupt,
           'overrun': overrun, 'extack': extack, 'large': large, 'vanish': vanish})
