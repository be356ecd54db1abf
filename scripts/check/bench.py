#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Makes a table and a JSON file of what the boots of scripts/check/bench.sh have printed,
and judges it.
"""

import collections
import glob
import json
import statistics
import sys

# Shares of the tuned C, as selftests/bench/README.md says.
GATE = 1.05
# For parts of variable size, of which only the difference to an empty one counts.
PART_GATE = 1.3
PARTS = {"part-string": "string of 4,096 bytes", "part-binary": "binary of 65,531 bytes",
         "part-list": "list of 8,191 numbers"}
NAMES = {"nlpeer": "rust", "nlpeer-c": "c", "nlpeer-tuned": "tuned_c", "nlpeer-minimal": "minimal_c"}
TITLES = {"nlpeer": "nlpeer, safe Rust", "nlpeer-c": "C, as good families are written",
          "nlpeer-tuned": "C, tuned by hand", "nlpeer-minimal": "the least: ready messages, empty echo"}
UNWANTED = {"erms", "fsrm", "fsrs", "fzrm"}


def read_boot(path):
    """Returns {(what, family): [values]} and the flags of the processor."""
    values, flags = collections.defaultdict(list), None
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if line.startswith("flags"):
                flags = set(words[2:])
            elif len(words) == 3:
                values[words[0], words[1]].append(float(words[2]))
    return values, flags


def table(boots):
    """Prints what was counted; returns the medians."""
    result = {}
    for key in boots[0]:
        result[key] = statistics.median(value for boot in boots for value in boot.get(key, []))
    print(f"\n{'instructions, user space and kernel':<38}{'object':>10}{'echo':>10}")
    for family, title in TITLES.items():
        print(f"{title:<38}{result['dump', family]:>10.1f}{result['echo', family]:>10.0f}")
    print(f"{'nlpeer, its tracepoints on':<38}{result['dump-traced', 'nlpeer']:>10.1f}"
          f"{result['echo-traced', 'nlpeer']:>10.0f}")
    print(f"{'nlctrl: get the family nlctrl':<38}{'':>10}{result['getfamily', 'nlctrl']:>10.0f}")
    print(f"\n{'instructions that a large part costs':<38}{'nlpeer':>10}{'tuned C':>10}")
    for part, title in PARTS.items():
        print(f"{title:<38}{result[part, 'nlpeer']:>10.0f}{result[part, 'nlpeer-tuned']:>10.0f}")
    # Starting a dump has its cost, which few objects share: the last column is without.
    print("\nnlpeer, instructions for an object, dumps of so many; for each beyond the row above:")
    count, total = 0, 0
    for (what, _), value in result.items():
        if what.startswith("dump-") and what != "dump-traced":
            more = int(what[5:])
            each = (more * value - total) / (more - count)
            print(f"{more:>10}{value:>12.1f}" + (f"{each:>12.1f}" if count else ""))
            count, total = more, more * value
    if len(boots) > 1:
        apart = max(abs(boots[0][key][0] - boots[1][key][0]) / boots[0][key][0]
                    for key in boots[0])
        print(f"\nThe two boots differ by {apart:.2%} at most.")
    return result


def main():
    """Returns 1 when nlpeer is too slow."""
    folder = sys.argv[1]
    boots, flags = [], set()
    for path in sorted(glob.glob(f"{folder}/icount.*")):
        values, flags = read_boot(path)
        if flags is None or flags & UNWANTED:
            sys.exit(f"bench: the guest's processor copies strings in one instruction: {path}")
        boots.append(values)
    if not boots:
        sys.exit("bench: no boot has counted anything")
    result = table(boots)

    record = {"instructions": {f"{what} {family}": value
                               for (what, family), value in result.items()},
              "processor": sorted(flags)}
    try:
        smp, _ = read_boot(f"{folder}/smp")
    except FileNotFoundError:
        smp = {}
    if smp:
        print("\nTwo clients on two processors, time in relation to the tuned C:")
        record["smp"] = {}
        for what in ("smp-echo", "smp-dump"):
            base = min(smp[what, "nlpeer-tuned"])
            for family in NAMES:
                ratio = min(smp[what, family]) / base
                record["smp"][f"{what[4:]} {family}"] = round(ratio, 3)
                print(f"  {what[4:]:<6}{TITLES[family]:<38}{ratio:>6.2f}")

    path = f"{folder}/bench.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
    print(f"\nAll of it is in {path}")

    slow = []
    for what, gate in {"dump": GATE, "echo": GATE, **dict.fromkeys(PARTS, PART_GATE)}.items():
        ratio = result[what, "nlpeer"] / result[what, "nlpeer-tuned"]
        verdict = "ok" if ratio <= gate else "TOO SLOW"
        print(f"{what}: nlpeer costs {ratio:.3f} of the tuned C (at most {gate}): {verdict}")
        if ratio > gate:
            slow.append(what)
    figures = " ".join(f"{what}_{name}={result[what, family]:.0f}"
                       for what in ("dump", "echo") for family, name in NAMES.items())
    print(f"bench: {figures}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
