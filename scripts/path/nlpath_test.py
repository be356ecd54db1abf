#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests of 'make nlpath', as TAP: the file by itself, in an empty folder.

  scripts/path/nlpath_test.py --kernel SOURCES
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "selftests/lib"))

parser = argparse.ArgumentParser()
parser.add_argument("--kernel", required=True, metavar="SOURCES")
KERNEL = Path(parser.parse_args().kernel)
# ksft_run() has options of its own.
del sys.argv[1:]

# pylint: disable=wrong-import-position
import yaml
from ktap import Failure, equal, ktap_run

SPECS = KERNEL / "Documentation/netlink/specs"
WORK = Path(tempfile.mkdtemp())
FILE = WORK / "nlpath"


def make(path):
    """Makes the file."""
    subprocess.run([HERE / "nlpath.py", path, "--specs", SPECS, "--specs", HERE / "../../rust/nlpeer"],
                   check=True)


def run(*words, env=None):
    """Runs the file, with nothing of this project around it."""
    folder = WORK / "empty"
    folder.mkdir(exist_ok=True)
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], **(env or {})})


def alone():
    """one file: the same bytes each time; --help, and the status of what cannot be run"""
    make(WORK / "again")
    equal(FILE.read_bytes() == (WORK / "again").read_bytes(), True, "the same bytes")
    done = run(FILE, "--help")
    equal((done.returncode, done.stderr), (0, ""), "--help")
    for text in ("nlpath --all --errors", "--deep", "--completion"):
        if text not in done.stdout:
            raise Failure(f"{text}: not in --help")
    done = run(FILE, "--", "there-is-no-such-command")
    equal((done.returncode, done.stderr), (127, "nlpath: there-is-no-such-command: No such file or directory\n"),
          "a command that is not there")
    done = run(FILE, "--all", "--", "true")
    equal(done.returncode, 2, "status of wrong options")


def specs():
    """one file: all specs of the kernel, without YAML"""
    code = ("import json, sys; sys.path.insert(0, sys.argv[1]); sys.modules['yaml'] = None; import trace_spec\n"
            "specs = trace_spec.Specs(); specs.folders = []\n"
            "print(json.dumps({name: {one: sorted(kinds) for one, kinds in specs.family(name).sets.items()}\n"
            "                  for name in sys.argv[2:]}))")
    names = sorted(path.stem for path in SPECS.glob("*.yaml"))
    done = run(sys.executable, "-B", "-c", code, FILE, *names)
    if done.returncode:
        raise Failure(done.stderr)
    got = json.loads(done.stdout)
    equal(len(got) > 30, True, "more than 30 specs")
    for name in names:
        spec = yaml.safe_load((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
        want, numbers_of = {}, {}
        for one in spec.get("attribute-sets", []):
            # Documentation/userspace-api/netlink/specs.rst: numbers count on from the last one.
            numbers, number = {}, 1
            for attr in one["attributes"]:
                number = attr.get("value", number) if "subset-of" not in one else \
                    numbers_of[one["subset-of"]][attr["name"]]
                numbers[attr["name"]] = number
                number += 1
            numbers_of[one["name"]] = numbers
            want[one["name"]] = sorted(numbers.values())
        equal(got[name], want, f"attributes of {name}")


def completion():
    """bash: options, values, and the command behind --"""
    script = run(FILE, "--completion").stdout
    for words, want in (("--sum", "--summary"), ("--protocol ro", "route"), ("--messages 3", ""),
                        ("--only x --err", "--errors"), ("--html em", "empty"),
                        ("--full -- mkdi", "mkdir")):
        words = ["nlpath", *words.split()]
        code = f"{script}\ncd .. ; COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}; _nlpath\n" \
            "printf '%s\\n' \"${COMPREPLY[@]}\" | sort -u"
        equal(run("bash", "-c", code).stdout.split(), want.split(), " ".join(words))
    done = run("bash", "-c", f"{script}\ncomplete -p nlpath")
    equal(done.stdout, "complete -F _nlpath nlpath\n", "complete")


def main():
    """Runs the tests."""
    make(FILE)
    status = ktap_run([(test.__doc__, test) for test in (alone, specs, completion)])
    shutil.rmtree(WORK)
    return status


if __name__ == "__main__":
    sys.exit(main())
