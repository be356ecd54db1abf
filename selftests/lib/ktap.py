# SPDX-License-Identifier: GPL-2.0

"""
What tests in Python share. The run itself is ksft_run() of the kernel's
net/lib/py/ksft.py: KTAP, skipping, tracebacks, -l and -t. Here is what it lacks:
names that are sentences (it takes those of the functions), an exit status that
says that nothing has run, and a comparison that ends the test, since what comes
behind it would only repeat the failure.

ksft.py is imported without its package, whose first lines import YNL from a
place in a kernel tree, ip and bpftool: a machine under test may lack them.
"""

import importlib
import os
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIP = 4


def skip_all(reason):
    """End the program: nothing in it can run here."""
    print(f'1..0 # SKIP {reason}')
    sys.exit(SKIP)


def find_ksft():
    """Import the kernel's: it is beside the built tests, else in the source of a kernel."""
    source = os.environ.get('KSFT') or \
        HERE.parents[1] / '.build/kernel/current/src/tools/testing/selftests'
    folders = [HERE / 'ksft', Path(source, 'net/lib/py')]
    package = types.ModuleType('ksft_py')
    package.__path__ = [str(folder) for folder in folders if (folder / 'ksft.py').exists()]
    if not package.__path__:
        sys.exit(f"error: {folders[1]}/ksft.py is missing: run 'make prepare', or set KSFT to "
                 'tools/testing/selftests of a kernel tree')
    sys.modules[package.__name__] = package
    return importlib.import_module('ksft_py.ksft')


ksft = find_ksft()
# The test cannot run here; the test has failed.
Skip, Failure = ksft.KsftSkipEx, ksft.KsftFailEx


def equal(got, want, what=''):
    """Fail unless both are the same."""
    if got != want:
        raise Failure(f'{what}: got {got!r}, want {want!r}'.lstrip(': '))


def ktap_run(tests):
    """Run tests, each a name and a function, and return the exit status."""
    passed = []

    def case(name, test):
        def run():
            test()
            passed.append(name)
        run.__name__ = name
        return run

    # Tests print lines of their own, and fork.
    sys.stdout.reconfigure(line_buffering=True)
    ksft.ksft_run([case(name, test) for name, test in tests])
    if not ksft.KSFT_RESULT_ALL:
        return 1
    return 0 if passed else SKIP
