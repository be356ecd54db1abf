#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
nlpeer by iproute2. 'genl' knows the controller only: it finds a family, and
cannot send it anything.
"""

import errno
import os
import re
import subprocess

from client import await_go, mark, serve, tell


def ctrl_get():
    """What genl says about the family, or about its absence."""
    done = subprocess.run(['genl', 'ctrl', 'get', 'name', 'nlpeer'], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def resolve():
    """The ids are part of the text."""
    text = ctrl_get()
    tell('family', int(re.search(r'ID: (0x\w+)', text)[1], 16))
    tell('group', int(re.search(r'ID-(0x\w+)\s+name: events', text)[1], 16))


def vanish():
    """The error is a text as well."""
    mark('resolved')
    await_go()
    text = ctrl_get()
    for number in errno.errorcode:
        if os.strerror(number) in text:
            tell('error', number)


if __name__ == '__main__':
    version = subprocess.run(['ip', '-V'], check=True, capture_output=True, text=True).stdout
    serve('iproute2', re.search(r'iproute2-([\w.]+)', version)[1],
          {'resolve': resolve, 'vanish': vanish})
