#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes the section on families of the kernel of what scripts/check/bench.sh has counted:
the module in C against the port in Rust, instructions and bytes of code, and judges it.

  bench_ports.py FOLDER MODULES STOCK

FOLDER has the figures; MODULES are this project's, STOCK are those of the kernel.
"""

import collections
import json
import re
import subprocess
import statistics
import sys
from pathlib import Path

INROOT = Path(__file__).resolve().parents[1] / 'vm/inroot'

# What is counted, by the words of selftests/bench/ports.c, and how much of C it may cost.
FIGURES = {
    'fou-dump': ('fou: dump of 1,000 ports', 0.13),
    'wireguard-dump': ('wireguard: dump, 1,000 peers of 4 allowed ips', 0.4),
    'wireguard-set': ('wireguard: set of that on a new device', 1.0),
    'wireguard-set-again': ('wireguard: the same once more', 1.0),
    'psample-event': ('psample: one sample with a listener', None),
}
# What both sides must have answered, that the figures are of the same. C loses ports.
ANSWERS = {
    'fou-ports': {'rust': 1000},
    'wireguard-peers': {'c': 1000, 'rust': 1000},
    'wireguard-allowed': {'c': 4000, 'rust': 4000},
    'psample-bytes': {},
}
# The functions in C of what the port does, and those of a port that are not in Rust; and
# how many bytes the port may have for each of C.
TEXT = {
    'fou': ('net/ipv4/fou.ko',
            r'fou_(nl_\w+|create|dump_info|release|(init|exit)_net)|parse_nl_config', None, 1.3),
    'wireguard': ('drivers/net/wireguard/wireguard.ko',
                  r'wg_(get_device_\w+|set_device_doit|pubkey_hashtable_\w+|socket_set_peer_endpoint|'
                  r'allowedips_(init|free|read_node|(insert|remove)_\w+)|'
                  r'peer_(create|remove|remove_all|put)|noise_set_static_identity_private_key)|'
                  r'lookup_interface|set_peer|add|remove|remove_node|common_bits|'
                  r'copy_and_assign_cidr|root_(free_rcu|remove_peer_lists)|peer_make_dead|'
                  r'kref_release|rcu_release',
                  # Interfaces, and what a module with a family has that C leaves to the core.
                  r'links?_\w+|genl_wg_\w+|genl_rs_\w+|\w*genl_(event|notify|do_|dump_buffer)\w*|'
                  r'_R\w*4genl(6module|6family|12registration|4work|7message|6extack|7objects|'
                  r'4gate|6socket)\w*', 1.3),
    'psample': ('net/psample/psample.ko', r'psample_\w+', None, None),
}


def functions(module, pattern, but=None):
    """The bytes of the functions of a module whose names match, and of their cold parts."""
    listed = subprocess.run([INROOT, 'objdump', '-t', module], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    total = 0
    for line in listed.splitlines():
        found = re.match(r'\w+ .{6}F (\.text\S*)\s+(\w+) (?:\.hidden )?(\S+)$', line)
        if not found or found[3].startswith(('__pfx_', '__cfi_')):
            continue
        # What the compiler has made of a function has its name and more.
        name = re.sub(r'\.(constprop|isra|part|cold)\b.*', '', found[3])
        if re.fullmatch(pattern, name) and not (but and re.fullmatch(but, name)):
            total += int(found[2], 16)
    if not total:
        sys.exit(f'bench: {module} has no functions {pattern}')
    return total


def read(folder):
    """{what: {side: median}}."""
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in sorted(Path(folder).glob('ports.*')):
        for line in path.read_text(encoding='utf-8').splitlines():
            words = line.split()
            if len(words) == 3 and words[0] in FIGURES | ANSWERS:
                values[words[0]][words[1]].append(float(words[2]))
    return {what: {side: statistics.median(each) for side, each in sides.items()}
            for what, sides in values.items()}


def row(title, c, rust, aim):
    """Prints a line; returns whether the aim is missed."""
    ratio = rust / c
    verdict = '' if aim is None else \
        f'at most {aim}: ok' if ratio <= aim else f'at most {aim}: TOO MUCH'
    print(f'{title:<48}{c:>12,.0f}{rust:>12,.0f}{ratio:>8.3f}  {verdict}'.rstrip())
    return aim is not None and ratio > aim


def main():
    """Returns 1 when a port costs too much."""
    folder, modules, stock = sys.argv[1:]
    values, missed, record = read(folder), [], {}
    for what, sides in ANSWERS.items():
        got = values.get(what, {})
        if set(got) != {'c', 'rust'} or any(got[side] != want for side, want in sides.items()) \
                or what == 'psample-bytes' and got['c'] != got['rust']:
            sys.exit(f'bench: {what}: not what was asked for: {dict(got)}')
    print(f'\n{"families of the kernel, instructions":<48}{"C":>12}{"Rust":>12}{"ratio":>8}')
    for what, (title, aim) in FIGURES.items():
        c, rust = values[what]['c'], values[what]['rust']
        record[what] = {'c': c, 'rust': rust}
        if row(title, c, rust, aim):
            missed.append(what)
    print(f'\n{"bytes of code":<48}{"C":>12}{"Rust":>12}{"ratio":>8}')
    for name, (module, pattern, but, aim) in TEXT.items():
        c = functions(f'{stock}/kernel/{module}', pattern)
        rust = functions(f'{modules}/genl_{name}.ko', '.*', but)
        record[f'{name}-text'] = {'c': c, 'rust': rust}
        if row(f'{name}: what answers', c, rust, aim):
            missed.append(f'{name}-text')
    print(f'\nC sent {values["fou-ports"]["c"]:.0f} of the 1,000 ports.')
    with open(f'{folder}/ports.json', 'w', encoding='utf-8') as file:
        json.dump(record, file, indent=2)
    if missed:
        print(f'bench: ports: too much: {" ".join(missed)}')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
