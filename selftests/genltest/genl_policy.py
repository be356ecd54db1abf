#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0

"""
The policies of genltest as the kernel tells them to others: to its own YNL client
and to iproute2. What is expected is what include/net/netlink.h makes of the same
types in C. net/netlink/policy.c cannot tell all of it; what it leaves out is
listed here, and tested by what it refuses in genl_attributes.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ktap import Failure, Skip, equal, ktap_run, skip_all

TYPES = 2       # the command, whose policy has an attribute of each type
YNL = Path(os.environ.get('YNL', '/usr/src/linux/tools/net/ynl/pyynl'))


def unsigned(kind, low=0, high=None):
    """An unsigned number; without limits, those of its type."""
    bits = int(kind[1:]) if kind[1:].isdigit() else 64
    return {'type': kind, 'min-value-u': low,
            'max-value-u': 2 ** bits - 1 if high is None else high}


def signed(kind, limit=None):
    """A signed number."""
    bits = int(kind[1:]) if kind[1:].isdigit() else 64
    return {'type': kind, 'min-value-s': -2 ** (bits - 1) if limit is None else -limit,
            'max-value-s': 2 ** (bits - 1) - 1 if limit is None else limit}


NODE = {1: unsigned('u32'), 2: {'type': 'nested', 'nest': 'NODE'}}
PAIR = {1: unsigned('u32'), 2: unsigned('u16')}
NESTS = {'NODE': NODE, 'PAIR': PAIR}
# Not told: big-endian numbers (11, 12, 32, 48, 49, 51, 52), a rejected attribute (24).
ATTRS = {
    1: unsigned('u8'), 2: unsigned('u16'), 3: unsigned('u32'), 4: unsigned('u64'),
    5: signed('s8'), 6: signed('s16'), 7: signed('s32'), 8: signed('s64'),
    9: unsigned('uint'), 10: signed('sint'),
    # NLA_MSECS has no type of its own in the words of the policy.
    13: unsigned('uint'),
    14: {'type': 'flag'},
    15: {'type': 'nul-string', 'max-length': 16},
    16: {'type': 'string', 'max-length': 16},
    17: {'type': 'binary', 'max-length': 16},
    18: {'type': 'binary', 'min-length': 6, 'max-length': 6},
    19: {'type': 'binary', 'min-length': 2, 'max-length': 8},
    # The minimum of NLA_VALIDATE_MIN is not told for a binary, here and in 37.
    20: {'type': 'binary'},
    21: {'type': 'bitfield32', 'bitfield32-mask': 0x0f},
    22: {'type': 'nested', 'nest': 'NODE'},
    23: {'type': 'nested-array', 'nest': 'PAIR'},
    25: unsigned('u32'),
    26: unsigned('u8', 10, 20),
    27: unsigned('u64', 1, 2 ** 40),
    28: signed('s32', 5),
    29: signed('s64', 2 ** 40),
    # The numbers of mask and pad are mixed up in nlctrl.yaml: genl_attributes looks at it.
    30: {'type': 'u32'},
    # A check by a function is not told, nor what it replaces.
    31: {'type': 'u32'},
    33: unsigned('uint', 0, 2 ** 33),
    34: signed('s8', 100),
    35: {'type': 'nul-string', 'max-length': 8},
    36: {'type': 'nested', 'nest': 'PAIR'},
    37: {'type': 'binary', 'max-length': 40000},
    38: unsigned('u32'), 39: unsigned('u32'),
    # A nest without attributes is told as if it had no policy.
    40: {'type': 'nested'},
    # The length of what has a check by a function is told.
    41: {'type': 'nul-string', 'max-length': 16},
    42: {'type': 'string', 'max-length': 16},
    43: {'type': 'binary', 'max-length': 16},
    44: {'type': 'binary', 'min-length': 32, 'max-length': 32},
    45: {'type': 'binary', 'min-length': 6, 'max-length': 6},
    46: {'type': 'uint'}, 47: {'type': 'sint'}, 50: {'type': 'uint'},
}


def by_ynl():
    # covers: surface 1e, trap s
    """YNL: each attribute of genltest as include/net/netlink.h has it"""
    sys.path.append(str(YNL.parent))
    try:
        # pylint: disable=import-outside-toplevel,import-error
        from pyynl.lib import YnlFamily
    except ImportError as error:
        raise Skip(f'YNL cannot be imported from {YNL}: {error}') from error
    index, table = None, {}
    with YnlFamily(str(YNL.parents[3] / 'Documentation/netlink/specs/nlctrl.yaml'),
                   schema='') as ctrl:
        for message in ctrl.getpolicy({'family-name': 'genltest'}, dump=True):
            if 'op-policy' in message and message['op-policy']['op-id'] == TYPES:
                index = message['op-policy']['do']
            if 'policy' in message:
                rule = dict(message['policy'])
                table.setdefault(rule.pop('policy-id'), {})[rule.pop('attr-id')] = rule
    compare(table, index, ATTRS, {})


def compare(table, index, want, seen):
    """Compare a policy, and those below it, each of them once."""
    seen[index] = want
    got = table.get(index, {})
    equal(sorted(got), sorted(want), f'attributes of policy {index}')
    for number, rule in want.items():
        have = dict(got[number])
        nest = rule.get('nest')
        if nest:
            equal(have.pop('policy-maxtype', None), max(NESTS[nest]), f'attribute {number}')
            below = have.pop('policy-idx', None)
            rule = {'type': rule['type']}
            # A policy that leads to itself is one policy.
            if below in seen:
                equal(seen[below], NESTS[nest], f'attribute {number} leads to')
            else:
                compare(table, below, NESTS[nest], seen)
        equal(have, rule, f'attribute {number} of policy {index}')


def by_genl():
    # covers: surface 1e
    """iproute2: each attribute of genltest in the words of genl"""
    if not shutil.which('genl'):
        raise Skip('genl is not installed')
    text = subprocess.run(['genl', 'ctrl', 'policy', 'name', 'genltest'], check=True,
                          stdout=subprocess.PIPE, text=True, timeout=30).stdout
    index = re.search(rf'op {TYPES} policies: do=(\d+)', text)[1]
    got = {int(number): rest.strip() for number, rest in
           re.findall(rf'policy\[{index}\]:attr\[(\d+)\]: (.*)', text)}
    equal(sorted(got), sorted(ATTRS), 'attributes')
    for number, rule in ATTRS.items():
        words = rule['type'].upper().replace('-', '_')
        # genl knows no more types than these, and no masks.
        words = 'type=' + ('unknown' if words in ('UINT', 'SINT') else words)
        for sign in 'us':
            if f'min-value-{sign}' in rule:
                words += f' range:[{rule[f"min-value-{sign}"]},{rule[f"max-value-{sign}"]}]'
        for limit in ('min', 'max'):
            if f'{limit}-length' in rule:
                words += f' {limit} len:{rule[f"{limit}-length"]}'
        if 'nest' in rule:
            words += rf' policy:\d+ maxattr:{max(NESTS[rule["nest"]])}'
            if not re.fullmatch(words, got[number]):
                raise Failure(f'attribute {number}: {got[number]!r} is not {words!r}')
        else:
            equal(got[number], words, f'attribute {number}')


def unload():
    """Unload genltest as soon as nothing holds it."""
    end = time.monotonic() + 10
    while subprocess.run(['rmmod', 'genltest'], check=False,
                         stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > end:
            raise Failure('genltest cannot be unloaded')
        time.sleep(0.01)


def main():
    """Run the tests with genltest loaded, and print KTAP."""
    module = os.environ.get('GENLTEST_KO')
    if not module:
        skip_all('set GENLTEST_KO to the file of the module')
    if not Path('/sys/module/genltest').exists():
        subprocess.run(['insmod', module], check=True)
    status = ktap_run([(test.__doc__, test) for test in (by_ynl, by_genl)])
    unload()
    return status


if __name__ == '__main__':
    sys.exit(main())
