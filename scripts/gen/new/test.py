#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
sample through the kernel's YNL client, which knows it by its spec alone.
"""

import errno
import sys

from family import equal, run


def starts_at_zero(family):
    """get: 0 when the module has been loaded"""
    equal(family.ynl.get({}), {'value': 0})


def adds(family):
    """add: returns the sum, and get as well"""
    equal(family.ynl.add({'step': 3}), {'value': 3})
    equal(family.ynl.add({'step': 100}), {'value': 103})
    equal(family.ynl.get({}), {'value': 103})


def refuses(family):
    """add: steps outside of 1 to 100 and no step at all are refused"""
    family.refused(errno.ERANGE, 'add', {'step': 0}, **{'bad-attr': '.step'})
    family.refused(errno.ERANGE, 'add', {'step': 101}, **{'bad-attr': '.step'})
    family.refused(errno.EINVAL, 'add', {}, **{'miss-type': 'step'})
    family.refused(errno.EINVAL, 'get', {'value': 1})


def tells(family):
    """changed: a listener is told"""
    with family.listener('changes') as listener:
        value = family.ynl.add({'step': 1})['value']
        equal(next(listener.poll_ntf(duration=10), None),
              {'name': 'changed', 'msg': {'value': value}})


if __name__ == '__main__':
    sys.exit(run('sample', [starts_at_zero, adds, refuses, tells]))
