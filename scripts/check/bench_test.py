#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests the judges of 'make bench', as TAP: bench.py with figures at its limits and above, and
bench_ports.py with those that rust/ports/README.md shows.

  scripts/check/bench_test.py
"""

import contextlib
import copy
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import bench
import bench_ports

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / 'rust/ports/README.md'

# What bench.sh promises: how much of what the tuned C costs is allowed.
LIMITS = {'dump': 1.05, 'echo': 1.05, 'part-string': 1.3, 'part-binary': 1.3, 'part-list': 1.3}
# What else the guest counts, which no limit is for.
BESIDE = ('dump-traced nlpeer', 'echo-traced nlpeer', 'getfamily nlctrl', 'dump-1 nlpeer',
          'dump-100 nlpeer')
FLAGS = 'flags : fpu vme rep_good'


def quietly(call, *args):
    """Returns what a function returns, or the text that it exits with."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return call(*args)
        except SystemExit as error:
            return str(error)


class Test:
    """Counts and prints results."""

    def __init__(self):
        self.number = self.failed = 0

    def is_true(self, good, name, *lines):
        """One result; the lines say what is wrong."""
        self.number += 1
        self.failed += not good
        print(f'{"" if good else "not "}ok {self.number} bench: {name}')
        for line in () if good else lines:
            print(f'# {line}')


def judged(figures, flags=FLAGS):
    """What bench.py says of figures of one boot: its status and its output."""
    with tempfile.TemporaryDirectory() as folder:
        if figures:
            lines = [flags] + [f'{what} {value}' for what, value in figures.items()]
            Path(folder, 'icount.1').write_text('\n'.join(lines) + '\n', encoding='utf-8')
        done = subprocess.run([HERE / 'bench.py', folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout


def nlpeer(test):
    """What nlpeer costs."""
    figures = {f'{what} {family}': 1000.0 for what in LIMITS for family in bench.NAMES} | \
        dict.fromkeys(BESIDE, 1000.0)
    for what, limit in LIMITS.items():
        figures[f'{what} nlpeer'] = 1000 * limit
    status, output = judged(figures)
    test.is_true(status == 0, 'all figures are at their limits', *output.splitlines())
    for what, limit in LIMITS.items():
        status, output = judged(figures | {f'{what} nlpeer': 1000 * limit + 1})
        slow = re.findall(r'^(\S+): .*TOO SLOW$', output, re.M)
        test.is_true((status, slow) == (1, [what]), f'{what} is above its limit', status, slow)
    for flag in ('erms', 'fsrm', 'fsrs', 'fzrm'):
        status, output = judged(figures, f'{FLAGS} {flag}')
        test.is_true(status == 1 and 'copies strings in one instruction' in output,
                     f'a processor with {flag}', status, output)
    status, output = judged({})
    test.is_true(status == 1 and 'no boot' in output, 'no boot has counted anything', status, output)


def page_rows():
    """{title: (C, Rust, ratio, aim)} of the tables of the page, all as they stand there."""
    rows = {}
    for line in PAGE.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if len(cells) == 5 and re.fullmatch(r'[\d,]+', cells[1]):
            rows[cells[0]] = tuple(cells[1:])
    return rows


def ports(test):
    """What the ports cost."""
    titles = dict(bench_ports.FIGURES)
    for port in bench_ports.STOCK:
        titles[f'{port}-text'] = port
        titles[f'{port}-own-text'] = f'{port}, without what each family has alike'
    rows, figures, wrong = page_rows(), {}, []
    for what, title in titles.items():
        c, rust, ratio, aim = rows.get(title, ('0', '0', '', ''))
        c, rust = (int(number.replace(',', '')) for number in (c, rust))
        figures[what] = {'c': c, 'rust': rust}
        wanted = str(bench_ports.AIMS.get(what, 'none'))
        if c and what in bench_ports.AIMS and rust > c * bench_ports.AIMS[what]:
            wanted += ', missed'
        if not c or ratio != f'{rust / c:.3f}' or aim != wanted:
            wrong.append(f'{title}: {c} {rust} {ratio} {aim}')
    test.is_true(not wrong, 'the page has each figure, with its ratio and its aim', *wrong)
    if wrong:
        return
    found = quietly(bench_ports.judge, figures)
    test.is_true(found == [], 'the figures of the page are within their limits', found)
    for what, aim in bench_ports.AIMS.items():
        limit = bench_ports.UNTIL_THEN.get(what, aim)
        changed = copy.deepcopy(figures)
        for more, wanted in ((0, []), (1, [what])):
            # No figure is so small that one more is not seen.
            changed[what] = {'c': 1000, 'rust': round(1000 * limit) + more}
            found = quietly(bench_ports.judge, changed)
            test.is_true(found == wanted, f'{what} is {"above" if more else "at"} its limit', found)
    needless = [what for what in bench_ports.UNTIL_THEN
                if figures[what]['rust'] <= figures[what]['c'] * bench_ports.AIMS[what]]
    test.is_true(not needless, 'no aim is called missed that is met', *needless)
    answers(test)


def answers(test):
    """What both sides have answered."""
    values = {what: dict.fromkeys(('c', 'rust'), float(wanted or 7))
              for what, wanted in bench_ports.ANSWERS.items()}
    found = quietly(bench_ports.compare_answers, values)
    test.is_true(found is None, 'the answers are the same', found)
    for what, wanted in bench_ports.ANSWERS.items():
        cases = {'differs': {'c': wanted or 7, 'rust': 1}, 'is missing in C': {'rust': wanted or 7},
                 'is nothing': {'c': 0, 'rust': 0}}
        if wanted:
            cases['is not what was asked for'] = {'c': 7, 'rust': 7}
        for name, case in cases.items():
            found = quietly(bench_ports.compare_answers, values | {what: case})
            test.is_true('are not the same' in str(found), f'{what} {name}', found)


def main():
    """All tests."""
    test = Test()
    print('TAP version 13')
    nlpeer(test)
    ports(test)
    print(f'1..{test.number}')
    print(f'{test.number - test.failed} passed, {test.failed} failed, 0 skipped')
    return 1 if test.failed else 0


if __name__ == '__main__':
    sys.exit(main())
