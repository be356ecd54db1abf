#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Where the instructions go that the ports cost, and the modules in C: a part of
scripts/check/bench.sh.

  bench_profile.py FOLDER COMMAND...

COMMAND runs selftests/bench/ports.c in a guest, whose emulator is told by its monitor, in
FOLDER, to write each instruction down while that does once more what was measured. They are
counted by the functions that they are in, and by what was called.
"""

import bisect
import collections
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

INROOT = Path(__file__).resolve().parents[1] / 'vm/inroot'
# How many functions are shown.
SHOWN = 25
TRACE = re.compile(r'^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/')
# The end of the addresses of user space.
USER = 1 << 47


class Monitor:
    """The monitor of the emulator."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.sock.settimeout(20)
        self.wait()

    def wait(self):
        """Until it asks for a command."""
        got = b''
        while not got.endswith(b'(qemu) '):
            got += self.sock.recv(4096)

    def say(self, *commands):
        """Give it some commands, one after the other."""
        for command in commands:
            self.sock.sendall(command.encode() + b'\n')
            self.wait()


def listen(folder, command):
    """Run the command; returns [(what, side)] of what was written down, in FOLDER/WHAT.SIDE."""
    out, monitor = [], None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as guest:
        for line in guest.stdout:
            words = line.split()
            if words[:1] != ['profile']:
                continue
            monitor = monitor or Monitor(folder / 'monitor')
            if words[1] == 'off':
                monitor.say('log none', 'one-insn-per-tb off')
                continue
            out.append((words[1], words[2]))
            monitor.say(f'logfile {folder}/{words[1]}.{words[2]}.trace', 'one-insn-per-tb on',
                        'log exec,nochain')
    if guest.returncode or not out:
        sys.exit(f'bench: the guest has ended with {guest.returncode}')
    return out


def symbols(path):
    """The functions of a kernel and its modules: sorted addresses, and names by them."""
    names = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        address, kind, name, *module = line.split()
        if kind in 'tTwW' and not name.startswith(('__pfx_', '__cfi_')):
            names[int(address, 16)] = ' '.join([name, *module])
    return sorted(names), names


def marks(program):
    """The addresses of the two functions that stand around what is counted."""
    listed = subprocess.run([INROOT, 'nm', program], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    found = dict(reversed(line.split()[::2]) for line in listed.splitlines()
                 if line.endswith((' profile_begin', ' profile_end')))
    return int(found['profile_begin'], 16), int(found['profile_end'], 16)


def count(path, program, kernel):
    """{function: instructions} of what was written down between the marks."""
    begin, end = marks(program)
    addresses, names = symbols(kernel)
    at, inside = collections.Counter(), False
    with open(path, encoding='ascii', errors='replace') as file:
        for line in file:
            found = TRACE.match(line)
            if not found:
                continue
            address = int(found[1], 16)
            if address in (begin, end):
                inside = address == begin
            elif inside:
                at[address] += 1
    functions = collections.Counter()
    for address, times in at.items():
        index = bisect.bisect_right(addresses, address) - 1
        name = 'user space' if address < USER else \
            names[addresses[index]] if index >= 0 else '?'
        functions[name] += times
    return functions


def readable(names):
    """The names as in the source."""
    return subprocess.run([INROOT, 'c++filt', '-i', '--format=rust'], input='\n'.join(names), check=True,
                          text=True, stdout=subprocess.PIPE).stdout.splitlines()


def main():
    """Ends with an error when nothing was counted."""
    folder = Path(sys.argv[1])
    started = time.monotonic()
    for what, side in listen(folder, sys.argv[2:]):
        trace = folder / f'{what}.{side}.trace'
        functions = count(trace, folder / 'guest/ports',
                          folder / f'out/{what.split("-")[0]}.{side}')
        total = sum(functions.values())
        if not total:
            sys.exit(f'bench: {what}, {side}: nothing was written down')
        trace.unlink()
        print(f'\n{what}, {side}: {total:,} instructions', flush=True)
        shown = functions.most_common(SHOWN)
        for name, (_, times) in zip(readable(name for name, _ in shown), shown, strict=True):
            print(f'{times:>12,}{times / total:>8.1%}  {name}')
        rest = sum(times for _, times in functions.most_common()[SHOWN:])
        print(f'{rest:>12,}{rest / total:>8.1%}  {max(0, len(functions) - SHOWN)} others')
    print(f'\nin {time.monotonic() - started:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
