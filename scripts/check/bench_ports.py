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
import statistics
import sys
from pathlib import Path

import ports

TOP = Path(__file__).resolve().parents[2]
INROOT = TOP / 'scripts/vm/inroot'
SOURCE = TOP / '.build/kernel/current/src'

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
# Where the modules in C are, and how many bytes a port may have for each of theirs. Which
# functions do the same, scripts/check/ports.py says; of wireguard not those of the link,
# which in the port are in C as well.
TEXT = {'fou': ('net/ipv4/fou.ko', None), 'psample': ('net/psample/psample.ko', None),
        'wireguard': ('drivers/net/wireguard/wireguard.ko', 1.3)}
LINK = 'device.c'
# Of a port do not count the tracepoints, which C does not have.
TRACING = ('trace_*', 'perf_trace_*', '__traceiter_*', '__bpf_trace_*', '__probestub_*')


def functions(module, wanted, unwanted=()):
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
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted) and \
                not any(fnmatch.fnmatchcase(name, pattern) for pattern in unwanted):
            total += int(found[2], 16)
    if not total:
        sys.exit(f'bench: {module} has none of these functions: {" ".join(wanted)}')
    return total


def text(port, stock, modules):
    """The bytes of code in C and in Rust of what a port does."""
    files, _, other = ports.C[port]
    wanted = []
    for path, names in files.items():
        if not path.endswith('/' + LINK):
            # A file whose functions all count has these names.
            wanted += names if names != ('*',) else \
                [name for name, _ in ports.definitions(ports.read(f'{SOURCE}/{path}'))]
    unwanted = [*TRACING, *(f'*{len(name) - 3}{name[:-3]}*' for name in other)]
    for path in (TOP / f'rust/ports/{port}').glob('*.c'):
        if path.name != ports.HELPERS:
            unwanted += [name for name, _ in ports.definitions(ports.read(path))]
    return functions(f'{stock}/kernel/{TEXT[port][0]}', wanted), \
        functions(f'{modules}/genl_{port}.ko', ['*'], unwanted)


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
    # What each family has of rust/genl, however small it is.
    least = functions(f'{modules}/nlpeer_dup.ko', ['*'], TRACING)
    for port, (_, aim) in TEXT.items():
        c, rust = text(port, stock, modules)
        record[f'{port}-text'] = {'c': c, 'rust': rust, 'least': least}
        if row(f'{port}: what answers', c, rust, aim):
            missed.append(f'{port}-text')
    print(f'Of these the smallest family has {least:,} bytes as well.')
    print(f'\nC sent {values["fou-ports"]["c"]:.0f} of the 1,000 ports.')
    with open(f'{folder}/ports.json', 'w', encoding='utf-8') as file:
        json.dump(record, file, indent=2)
    if missed:
        print(f'bench: ports: too much: {" ".join(missed)}')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
