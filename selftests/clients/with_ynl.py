#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
nlpeer by the kernel's YNL in Python, which reads the spec: operations and
attributes have their names, and no number is written down.
"""

import errno
import functools
import os
import sys
from pathlib import Path

from client import (ECHO, INTERRUPT_AFTER, LAST, LARGE, OBJECTS, await_go, mark, serve, tell,
                    tell_echo, tell_object, tell_odd, then_next)

HERE = Path(__file__).resolve().parent
SPEC = next(path for path in (HERE.parent / 'nlpeer.yaml', HERE / '../../rust/nlpeer/nlpeer.yaml')
            if path.exists())
YNL = os.environ.get('YNL', '/usr/src/linux/tools/net/ynl/pyynl')
sys.path.append(str(Path(YNL).parent))
# pylint: disable=wrong-import-position,import-error
from pyynl.lib import NlError, YnlFamily


def family():
    """A socket for the family; without the check of the schema, which takes seconds."""
    return YnlFamily(str(SPEC), schema='')


def resolve():
    """The ids are known after the first socket."""
    with family() as peer:
        tell('family', peer.nlproto.family_id)
        tell('group', peer.nlproto.get_mcast_id('events', None))


def echo():
    """All attributes."""
    with family() as peer:
        tell_echo(peer.echo(ECHO))


def dump():
    """A list of dictionaries."""
    with family() as peer:
        for value in peer.object_get({'count': OBJECTS}, dump=True):
            tell_object(value)


def event():
    """Notifications come from a generator."""
    with family() as peer:
        peer.ntf_subscribe('events')
        mark('joined')
        for notification in peer.poll_ntf(duration=10):
            got = notification['msg']
            tell('event', got['cookie'], got['text'])
            return


def interrupt():
    """There is no word of NLM_F_DUMP_INTR in it."""
    with family() as peer:
        objects = peer.trouble_get({'count': OBJECTS, 'interrupt-after': INTERRUPT_AFTER}, dump=True)
        tell('objects', len(objects))


def overrun():
    """The error ends the generator, not the socket."""
    with family() as peer:
        peer.ntf_subscribe('events')
        mark('joined')
        while True:
            try:
                for notification in peer.poll_ntf():
                    cookie = notification['msg']['cookie']
                    tell('event', cookie)
                    if cookie == LAST:
                        return
            except OSError as error:
                mark('overrun', errno.errorcode[error.errno])


def extack():
    """The offset becomes the path of an attribute."""
    with family() as peer:
        try:
            peer.trouble_get({'error': 33})
        except NlError as error:
            tell('error', error.error)
            tell('message', error.nl_msg.extack.get('msg'))
            tell('attribute', error.nl_msg.extack.get('bad-attr', '').lstrip('.'))


def large():
    """The buffer has 128 KiB, unless recv_size= says something else."""
    with family() as peer:
        tell('data', peer.trouble_get({'size': LARGE})['data'].hex())


def vanish():
    """The id belongs to the object."""
    with family() as peer:
        mark('resolved')
        await_go()
        try:
            tell_echo(peer.echo(ECHO))
        except NlError as error:
            tell('error', error.error)


# To read the spec takes longer than all odd replies.
peer_for_odd = functools.cache(family)


def odd(what):
    """What one has left for its socket is not for the next one."""
    peer = peer_for_odd()
    try:
        then_next(lambda: tell_odd([peer.odd_get({'what': what})]),
                  lambda: peer.echo({'u32': ECHO['u32']}).get('u32'))
    finally:
        peer.sock.setblocking(False)
        try:
            while peer.sock.recv(1 << 17):
                pass
        except BlockingIOError:
            peer.sock.setblocking(True)


if __name__ == '__main__':
    serve('YNL-Python', f'Linux {os.uname().release.partition("+")[0]}',
          {'resolve': resolve, 'echo': echo, 'dump': dump, 'event': event,
           'interrupt': interrupt, 'overrun': overrun, 'extack': extack, 'large': large,
           'vanish': vanish, 'odd': odd})
