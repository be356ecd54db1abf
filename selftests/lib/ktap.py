# SPDX-License-Identifier: GPL-2.0

"""
What tests in Python share: they raise Skip or Failure, and their results are
KTAP with the exit status of a kselftest.
"""

import sys

SKIP = 4


class Skip(Exception):
    """The test cannot run here."""


class Failure(Exception):
    """The test has failed."""


def equal(got, want, what=''):
    """Fail unless both are the same."""
    if got != want:
        raise Failure(f'{what}: got {got!r}, want {want!r}'.lstrip(': '))


def skip_all(reason):
    """End the program: nothing in it can run here."""
    print(f'1..0 # SKIP {reason}')
    sys.exit(SKIP)


class Results:
    """The results of a program, in their order."""

    def __init__(self, plan):
        sys.stdout.reconfigure(line_buffering=True)
        print(f'KTAP version 1\n1..{plan}')
        self.outcomes = []

    def run(self, name, test):
        """Run a test and print its result."""
        number = len(self.outcomes) + 1
        try:
            test()
        except Skip as reason:
            self.outcomes.append('skip')
            print(f'ok {number} {name} # SKIP {reason}')
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.outcomes.append('fail')
            for line in f'{type(error).__name__}: {error}'.splitlines():
                print(f'# {line}')
            print(f'not ok {number} {name}')
        else:
            self.outcomes.append('pass')
            print(f'ok {number} {name}')

    def status(self):
        """The exit status: failed, passed, or nothing has run."""
        if 'fail' in self.outcomes:
            return 1
        return 0 if 'pass' in self.outcomes else SKIP
