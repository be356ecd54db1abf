#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
board through the kernel's YNL client, which knows it by its spec alone.
"""

import errno
import os
import sys

from family import Family, Skip, equal, run

CLONE_NEWNET = 0x40000000


def empty(family):
    """get: nothing is on the board when the module has been loaded"""
    equal(family.ynl.get({}, dump=True), [])
    family.refused(errno.ENOENT, 'get', {'name': 'hello'}, msg='there is no note of this name',
                   **{'bad-attr': '.name'})


def posts(family):
    """post: a note is there, alone and among all, until it is replaced or removed"""
    family.ynl.post({'name': 'b', 'text': 'second'})
    family.ynl.post({'name': 'a', 'text': 'first'})
    equal(family.ynl.get({'name': 'a'}), {'name': 'a', 'text': 'first'})
    family.ynl.post({'name': 'a', 'text': ''})
    equal(family.ynl.get({}, dump=True),
          [{'name': 'a', 'text': ''}, {'name': 'b', 'text': 'second'}])
    family.ynl.remove({'name': 'a'})
    equal(family.ynl.get({}, dump=True), [{'name': 'b', 'text': 'second'}])
    family.ynl.remove({'name': 'b'})
    family.refused(errno.ENOENT, 'remove', {'name': 'b'})


def limits(family):
    """post: each limit of the spec holds, and one more is refused"""
    longest = {'name': 'n' * 31, 'text': 't' * 255}
    family.ynl.post(longest)
    equal(family.ynl.get({'name': 'n' * 31}), longest)
    family.ynl.remove({'name': 'n' * 31})
    family.refused(errno.EINVAL, 'post', {'name': 'n' * 32, 'text': ''}, **{'bad-attr': '.name'})
    family.refused(errno.EINVAL, 'post', {'name': 'n', 'text': 't' * 256},
                   **{'bad-attr': '.text'})
    family.refused(errno.EINVAL, 'post', {'name': 'n'}, **{'miss-type': 'text'})
    family.refused(errno.EINVAL, 'post', {'text': 't'}, **{'miss-type': 'name'})
    family.refused(errno.EINVAL, 'post', {'name': '', 'text': 't'}, msg='a note needs a name')


def full(family):
    """post: 256 notes fill the board, and a dump has them all in order"""
    names = [f'{number:03}' for number in range(256)]
    for name in reversed(names):
        family.ynl.post({'name': name, 'text': 'x' * 200})
    family.refused(errno.ENOSPC, 'post', {'name': 'more', 'text': ''}, msg='the board is full')
    family.ynl.post({'name': '128', 'text': 'y' * 200})
    equal([note['name'] for note in family.ynl.get({}, dump=True)], names)
    for name in names:
        family.ynl.remove({'name': name})


def tells(family):
    """changed: a listener is told what has happened, in order"""
    with family.listener('changes') as listener:
        family.ynl.post({'name': 'n', 'text': 'one'})
        family.ynl.post({'name': 'n', 'text': 'two'})
        family.ynl.remove({'name': 'n'})
        told = listener.poll_ntf(duration=10)
        for want in ({'name': 'n', 'text': 'one', 'change': 'posted'},
                     {'name': 'n', 'text': 'two', 'change': 'replaced'},
                     {'name': 'n', 'change': 'removed'}):
            equal(next(told, None), {'name': 'changed', 'msg': want})


def namespaces(family):
    """get: another network namespace has a board of its own"""
    family.ynl.post({'name': 'n', 'text': 'outside'})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.unshare(CLONE_NEWNET)
            inside = Family('board').ynl
            before = inside.get({}, dump=True)
            inside.post({'name': 'n', 'text': 'inside'})
            os.write(writer, repr((before, inside.get({}, dump=True))).encode())
        except OSError as error:
            os.write(writer, f'skip {error}'.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        got = pipe.read()
    os.waitpid(child, 0)
    if got.startswith('skip'):
        raise Skip(got)
    equal(got, repr(([], [{'name': 'n', 'text': 'inside'}])))
    equal(family.ynl.get({}, dump=True), [{'name': 'n', 'text': 'outside'}])


if __name__ == '__main__':
    sys.exit(run('board', [empty, posts, limits, full, tells, namespaces]))
