#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
nlpeer by pyroute2. The messages of a family are classes of its user, with a map
of attributes each; a socket is bound to one of them.
"""

import errno
from importlib.metadata import version

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, genlmsg, nla
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError
from pyroute2.netlink.generic import GenericNetlinkSocket

from client import (ECHO, INTERRUPT_AFTER, LAST, LARGE, OBJECTS, await_go, mark, serve, tell,
                    tell_echo, tell_object, tell_odd, then_next)

CMD_ECHO, CMD_OBJECT_GET, CMD_TROUBLE_GET, CMD_ODD_GET = 1, 2, 7, 20


class Value(genlmsg):
    """What echo takes and returns."""

    nla_map = ((1, 'u32', 'uint32'), (2, 'u64', 'uint64'), (3, 'string', 'asciiz'),
               (4, 'binary', 'cdata'), (5, 'nest', 'inside'))

    class inside(nla):  # pylint: disable=invalid-name
        """What is inside of its nest."""

        nla_flags = 1 << 15
        nla_map = ((1, 'u32', 'uint32'), (2, 'string', 'asciiz'))


class Object(genlmsg):
    """An object of the dump."""

    nla_map = ((1, 'count', 'uint32'), (2, 'id', 'uint32'), (3, 'counter', 'uint64'),
               (4, 'name', 'asciiz'), (5, 'pair', 'numbers'),
               *((5 + i, f'v{i}', 'uint32') for i in range(1, 7)), (12, 'extra', 'uint32'))

    class numbers(nla):  # pylint: disable=invalid-name
        """Two numbers."""

        nla_map = ((1, 'a', 'uint32'), (2, 'b', 'uint32'))


class Event(genlmsg):
    """A notification."""

    nla_map = ((1, 'cookie', 'uint32'), (2, 'text', 'asciiz'))


class Trouble(genlmsg):
    """What trouble to make, and what comes of it."""

    nla_map = ((1, 'count', 'uint32'), (2, 'size', 'uint32'), (4, 'interrupt-after', 'uint32'),
               (6, 'error', 'uint32'), (8, 'id', 'uint32'), (9, 'data', 'cdata'))


class Odd(genlmsg):
    """What is odd about a reply, and what is in it."""

    nla_map = ((1, 'what', 'uint32'), (3, 'number', 'uint32'), (4, 'text', 'asciiz'),
               (5, 'wide', 'uint64'), (6, 'nest', 'inside'))

    class inside(nla):  # pylint: disable=invalid-name
        """What is inside of its nest."""

        nla_map = ((1, 'number', 'uint32'),)


class Peer(GenericNetlinkSocket):
    """A socket for messages of one class."""

    def __init__(self, kind):
        super().__init__(ext_ack=True)
        self.kind = kind
        self.bind('nlpeer', kind)

    def request(self, cmd, attrs, flags=NLM_F_ACK):
        """The messages of the reply."""
        message = self.kind()
        message['cmd'] = cmd
        message['version'] = 1
        message['attrs'] = [[name, nested(value)] for name, value in attrs.items()]
        return self.nlm_request(message, msg_type=self.prid, msg_flags=NLM_F_REQUEST | flags)


def nested(value):
    """The attributes of a nest are a list, as are those of a message."""
    return {'attrs': list(map(list, value.items()))} if isinstance(value, dict) else value


def plain(message):
    """The attributes of a message by their names."""
    return {name: plain(value) if isinstance(value, dict) else value
            for name, value in message['attrs']}


def resolve():
    """Both are known when the socket is bound."""
    with Peer(Value) as peer:
        tell('family', peer.prid)
        tell('group', peer.mcast_groups['events'])


def send_echo(peer):
    """All attributes."""
    for reply in peer.request(CMD_ECHO, ECHO):
        tell_echo(plain(reply))


def echo():
    """All attributes."""
    with Peer(Value) as peer:
        send_echo(peer)


def dump():
    """A tuple of messages."""
    with Peer(Object) as peer:
        for message in peer.request(CMD_OBJECT_GET, {'count': OBJECTS}, NLM_F_DUMP):
            tell_object(plain(message))


def event():
    """What nobody has asked for comes by get()."""
    with Peer(Event) as peer:
        peer.add_membership('events')
        mark('joined')
        got = plain(peer.get()[0])
        tell('event', got['cookie'], got['text'])


def overrun():
    """The error is an OSError, not one of netlink; all that comes after it is a test
    whether the socket can go on."""
    with Peer(Event) as peer:
        peer.add_membership('events')
        mark('joined')
        errors = 0
        while errors < 10:
            try:
                for message in peer.get():
                    cookie = plain(message)['cookie']
                    tell('event', cookie)
                    if cookie == LAST:
                        return
            except OSError as error:
                mark('overrun', errno.errorcode[error.errno])
                errors += 1


def interrupt():
    """The exception is for some of the library's own dumps; the flag is there for all."""
    with Peer(Trouble) as peer:
        try:
            objects = peer.request(CMD_TROUBLE_GET, {'count': OBJECTS, 'interrupt-after': INTERRUPT_AFTER},
                                   NLM_F_DUMP)
        except NetlinkDumpInterrupted:
            tell('interrupted', 'NetlinkDumpInterrupted')
            return
        if any(message['header']['flags'] & NLM_F_DUMP_INTR for message in objects):
            tell('interrupted', 'flag of a message')
        tell('objects', len(objects))


def extack():
    """The text takes the place of that of the error number."""
    with Peer(Trouble) as peer:
        try:
            peer.request(CMD_TROUBLE_GET, {'error': errno.EDOM})
        except NetlinkError as error:
            tell('error', error.code)
            tell('message', error.args[1])


def large():
    """The buffer is that of asyncio, 256 KiB."""
    with Peer(Trouble) as peer:
        for reply in peer.request(CMD_TROUBLE_GET, {'size': LARGE}):
            tell('data', plain(reply)['data'].hex())


def vanish():
    """The id belongs to the socket."""
    with Peer(Value) as peer:
        mark('resolved')
        await_go()
        try:
            send_echo(peer)
        except NetlinkError as error:
            tell('error', error.code)


def odd(what):
    """The second request is of the same class, and says by a number what it is."""
    with Peer(Odd) as peer:
        then_next(lambda: tell_odd(map(plain, peer.request(CMD_ODD_GET, {'what': what}))),
                  lambda: plain(peer.request(CMD_ECHO, {'what': ECHO['u32']})[0]).get('what'))


if __name__ == '__main__':
    serve('pyroute2', version('pyroute2'),
          {'resolve': resolve, 'echo': echo, 'dump': dump, 'event': event,
           'interrupt': interrupt, 'overrun': overrun, 'extack': extack, 'large': large,
           'vanish': vanish, 'odd': odd})
