# SPDX-License-Identifier: GPL-2.0

"""
What the clients in Python share: the protocol of clients.py, which its first
lines describe. A client is a table of behaviours and a call of serve().
"""

import sys

OBJECTS = 10000
INTERRUPT_AFTER = 5000
LAST = 2 ** 32 - 1
LARGE = 65531
# What echo is asked for.
ECHO = {'u32': 42, 'u64': 2 ** 40, 'string': 'hello, kernel', 'binary': bytes((0, 1, 2)),
        'nest': {'u32': 7, 'string': 'inside'}}


def tell(*words):
    """One line of what was seen."""
    print(*words)


def mark(*words):
    """A line that the runner waits for."""
    print(*words, flush=True)


def await_go():
    """Wait until the runner says go."""
    sys.stdin.readline()


def tell_echo(reply):
    """What echo has returned, as ECHO is made."""
    for name, value in reply.items():
        if isinstance(value, dict):
            tell_echo({f'{name}.{inner}': value for inner, value in value.items()})
        else:
            tell(name, value.hex() if isinstance(value, bytes) else value)


def tell_object(value):
    """An object of the dump."""
    tell('object', value['id'], value['counter'], value['name'], value['pair']['a'],
         value['pair']['b'], *(value[f'v{i}'] for i in range(1, 7)),
         *([value['extra']] if 'extra' in value else []))


def tell_error(error):
    """What no client has a better word for."""
    tell('raised', type(error).__name__, ' '.join(str(error).split()))


def tell_odd(replies):
    """An odd reply, or several: each as far as it could be read."""
    for reply in replies:
        tell('reply')
        for name in ('number', 'text', 'wide', 'nest'):
            value = reply.get(name)
            if value is not None:
                tell(name, value['number'] if isinstance(value, dict) else value)


def then_next(odd, echo):
    """The odd request, and the one behind it."""
    try:
        odd()
    except Exception as error:  # pylint: disable=broad-exception-caught
        tell_error(error)
    tell('next')
    tell('u32', echo())


def serve(name, version, behaviours):
    """Answer the runner until it hangs up."""
    tell('client', name, version)
    for behaviour in behaviours:
        tell('has', behaviour)
    mark('.')
    for line in sys.stdin:
        behaviour, *numbers = line.split()
        try:
            behaviours[behaviour](*map(int, numbers))
        except Exception as error:  # pylint: disable=broad-exception-caught
            tell_error(error)
        mark('.')
