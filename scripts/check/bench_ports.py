#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes the section on families of the kernel of what scripts/check/bench.sh has counted:
the module in C against the port in Rust, instructions and bytes of code, and judges it.

  bench_ports.py FOLDER MODULES STOCK

FOLDER has the figures; MODULES are this project's, STOCK are those of the kernel.
"""

import collections
import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import ports

TOP = Path(__file__).resolve().parents[2]
INROOT = TOP / 'scripts/vm/inroot'
SOURCE = TOP / '.build/kernel/current/src'

# What is counted, by the words of selftests/bench/ports.c.
FIGURES = {
    'fou-dump': 'fou: dump of 1,000 ports',
    'wireguard-dump': 'wireguard: dump, 1,000 peers of 4 allowed ips',
    'wireguard-set': 'wireguard: set of that on a new device',
    'wireguard-set-again': 'wireguard: the same once more',
    'psample-event': 'psample: one sample with a listener',
}
# How much of C's a figure is to be at most.
AIMS = {'fou-dump': 0.13, 'wireguard-dump': 0.4, 'wireguard-set': 1.0, 'wireguard-set-again': 1.0,
        'fou-text': 1.3, 'wireguard-text': 1.3, 'psample-text': 1.3}
# The aims that are not met so far, and what the figure may be until they are, that it does not
# grow. Who makes one smaller lowers the number here.
UNTIL_THEN = {'fou-text': 2.85, 'wireguard-text': 1.55, 'psample-text': 2.28}
# What both sides must have answered, that the figures are of the same; all else of these must
# only be equal.
ANSWERS = {'fou-messages': 1000, 'fou-bytes': None, 'wireguard-peers': 1000,
           'wireguard-allowed': 4000, 'wireguard-messages': None, 'wireguard-bytes': None,
           'psample-bytes': None}
# What is told beside the figures.
ASIDE = ('fou-ports',)
# Where the modules in C are. Which functions do the same, scripts/check/ports.py says.
STOCK = {'fou': 'net/ipv4/fou.ko', 'wireguard': 'drivers/net/wireguard/wireguard.ko',
         'psample': 'net/psample/psample.ko'}
# What makes the interfaces of wireguard answers nobody: the file of the kernel, and functions of
# the port, which are in C there as well.
LINK = ('device.c', ('link_*', 'links_*', 'genl_wg_links_*', 'genl_wg_device_*'))
# Of a port do not count the tracepoints, which C does not have.
TRACING = ('trace_*', 'perf_trace_*', '__traceiter_*', '__bpf_trace_*', '__probestub_*',
           'rust_do_trace_*')


def functions(module, wanted, unwanted=()):
    """Yields (name, bytes) of the functions of a module whose names match, and of their cold parts."""
    listed = subprocess.run([INROOT, 'objdump', '-t', module], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    found = False
    for line in listed.splitlines():
        symbol = re.match(r'\w+ .{6}F (\.text\S*)\s+(\w+) (?:\.hidden )?(\S+)$', line)
        if not symbol or symbol[3].startswith(('__pfx_', '__cfi_')):
            continue
        # What the compiler has made of a function has its name and more.
        name = re.sub(r'\.(constprop|isra|part|cold)\b.*', '', symbol[3])
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted) and \
                not any(fnmatch.fnmatchcase(name, pattern) for pattern in unwanted):
            found = True
            yield name, int(symbol[2], 16)
    if not found:
        sys.exit(f'bench: {module} has none of these functions: {" ".join(wanted)}')


def size(found):
    """The bytes of functions."""
    return sum(count for _, count in found)


def alike(found, crate):
    """The bytes of those functions that are the same in each family: in C those of rust/genl, in
    Rust what depends on no type of a crate but those of rust/genl in it."""
    names = subprocess.run([INROOT, 'c++filt', '-r'], check=True, text=True, stdout=subprocess.PIPE,
                           input=''.join(f'{name}\n' for name, _ in found)).stdout.splitlines()
    total = 0
    for name, (_, count) in zip(names, found, strict=True):
        heads = set(re.findall(rf'\b{crate}\[\w+\]::(\w+)', name))
        if heads == {'genl'} or name.startswith('genl_rs_'):
            total += count
    return total


def text(port, stock, modules):
    """The bytes of code in C and in Rust of what a port does, and the same without what each
    family has alike: two figures."""
    files, _, other = ports.C[port]
    wanted = []
    for path, names in files.items():
        if Path(path).name != LINK[0]:
            # A file whose functions all count has these names.
            wanted += names if names != ('*',) else \
                [name for name, _ in ports.definitions(ports.read(f'{SOURCE}/{path}'))]
    unwanted = [*TRACING, *(f'*{len(name) - 3}{name[:-3]}*' for name in other)]
    if port == 'wireguard':
        unwanted += LINK[1]
    c = size(functions(f'{stock}/kernel/{STOCK[port]}', wanted))
    found = list(functions(f'{modules}/genl_{port}.ko', ['*'], unwanted))
    return {'c': c, 'rust': size(found)}, \
        {'c': c, 'rust': size(found) - alike(found, f'{port}_main')}


def read(folder):
    """{what: {side: figure}}."""
    values = collections.defaultdict(dict)
    for line in Path(folder, 'ports.1').read_text(encoding='utf-8').splitlines():
        words = line.split()
        if len(words) == 3 and words[0] in {*FIGURES, *ANSWERS, *ASIDE}:
            values[words[0]][words[1]] = float(words[2])
    return values


def compare_answers(values):
    """Both sides have answered the same, or nothing is worth a figure."""
    for what, wanted in ANSWERS.items():
        got = values.get(what, {})
        if set(got) != {'c', 'rust'} or got['c'] != got['rust'] or not got['c'] or \
                wanted and got['c'] != wanted:
            sys.exit(f'bench: {what}: the answers are not the same, or not what was asked for: '
                     f'{dict(got)}')


def row(what, title, figure):
    """Prints a line; returns whether the figure is too large."""
    ratio, aim = figure['rust'] / figure['c'], AIMS.get(what)
    most, verdict = aim, ''
    if aim:
        verdict = f'aim {aim}: ' + ('met' if ratio <= aim else 'missed')
    if aim and ratio > aim and what in UNTIL_THEN:
        most = UNTIL_THEN[what]
        verdict += f', at most {most} until then'
    bad = bool(most) and ratio > most
    print(f'{title:<48}{figure["c"]:>12,.0f}{figure["rust"]:>12,.0f}{ratio:>8.3f}  {verdict}'
          f'{": TOO MUCH" if bad else ""}'.rstrip())
    return bad


def judge(figures):
    """Prints the tables; returns what is too much."""
    print(f'\n{"families of the kernel, instructions":<48}{"C":>12}{"Rust":>12}{"ratio":>8}')
    bad = [what for what, title in FIGURES.items() if row(what, title, figures[what])]
    print(f'\n{"bytes of code":<48}{"C":>12}{"Rust":>12}{"ratio":>8}')
    for port in STOCK:
        bad += [f'{port}-text'] * row(f'{port}-text', f'{port}: what answers', figures[f'{port}-text'])
        row(f'{port}-own-text', '  without what each family has alike', figures[f'{port}-own-text'])
    if bad:
        print(f'bench: ports: too much: {" ".join(bad)}')
    return bad


def main():
    """Returns 1 when a port costs too much."""
    folder, modules, stock = sys.argv[1:]
    values = read(folder)
    compare_answers(values)
    figures = {what: values[what] for what in FIGURES}
    for port in STOCK:
        figures[f'{port}-text'], figures[f'{port}-own-text'] = text(port, stock, modules)
    bad = judge(figures)
    # What each family has of rust/genl, however small it is.
    least = size(functions(f'{modules}/nlpeer_dup.ko', ['*'], TRACING))
    print(f'In Rust the smallest family has {least:,} bytes.')
    print('\nBoth sides have sent the same number of messages, of the same size: ' +
          ', '.join(f'{what} {values[what]["c"]:,.0f}' for what in ANSWERS) +
          f'. In C that takes {values["fou-ports"]["c"]:,.0f} ports, since one is lost at the end '
          'of each buffer.')
    with open(f'{folder}/ports.json', 'w', encoding='utf-8') as file:
        json.dump(figures | {'least-text': least}, file, indent=2)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
