# SPDX-License-Identifier: GPL-2.0

"""
What the tests of small families share: the module is loaded, the kernel's YNL
client speaks to it by its spec, and the results are KTAP.

The classes of the kernel's net/lib/py/ynl.py are not used: each is for one family
of the kernel, whose spec it looks for in a kernel tree. Loading a module and
comparing an extended ack are not in there.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path

from ktap import Failure, Skip, equal, ktap_run, skip_all
from nl_tools import HERE, NlError, YnlFamily

__all__ = ['Family', 'Failure', 'Skip', 'equal', 'run']


def module_of(name):
    """The module of a family: another one where it says so, as BOARD_MODULE for board."""
    return os.environ.get(f'{name.upper()}_MODULE', name)


class Family:
    """A family of this project, by its name."""

    def __init__(self, name):
        self.name = name
        self.spec = str(HERE / f'{name}.yaml')
        if not Path(self.spec).exists():
            skip_all(f'{name}.yaml is not beside the tests')
        self.ynl = self.client()

    def client(self):
        """A client with a socket of its own."""
        return YnlFamily(self.spec, schema='')

    def listener(self, group):
        """A client that has joined a group."""
        client = self.client()
        client.ntf_subscribe(group)
        return client

    def refused(self, number, method, *args, dump=False, **extack):
        """Fail unless a request is refused with this errno and extended ack."""
        try:
            call = getattr(self.ynl, method)
            result = call(*args, dump=True) if dump else call(*args)
        except NlError as error:
            equal(errno.errorcode[error.error], errno.errorcode[number], f'{method} {args}')
            for key, want in extack.items():
                equal((error.nl_msg.extack or {}).get(key), want, f'{method} {args} {key}')
        else:
            raise Failure(f'{method} {args} is not refused: {result!r}')


def load(name):
    """Load the module anew, from where the tests of nlpeer have theirs, or as installed."""
    if Path(f'/sys/module/{name}').exists():
        subprocess.run(['rmmod', name], check=True)
    for folder in (os.environ.get('NLPEER_MODULES'), os.environ.get('NLPEER_KO', '')[:-10], HERE):
        if folder and Path(folder, f'{name}.ko').exists():
            command = ['insmod', str(Path(folder, f'{name}.ko'))]
            break
    else:
        command = ['modprobe', name]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode and command[0] == 'insmod':
        # It was built for this kernel.
        print(f'1..1\nnot ok 1 insmod: {name} can be loaded\n# {done.stdout.strip()}')
        sys.exit(1)
    if done.returncode:
        skip_all(f'{name} cannot be loaded: {done.stdout.strip()}')


def run(name, tests):
    """Load the module, run the tests, each named by its docstring, and unload the module."""
    module = module_of(name)
    load(module)
    family = Family(name)
    cases = [(test.__doc__, lambda test=test: test(family)) for test in tests]
    return ktap_run([*cases, (f'rmmod: {module} goes',
                              lambda: subprocess.run(['rmmod', module], check=True))])
