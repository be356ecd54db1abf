#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Talks to nlpeer through the YNL client of the kernel tree, for 'make run': an
echo, a dump, and a look at our socket. Fails when an answer is not the right
one.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.environ["YNL"])
# pylint: disable=wrong-import-position,import-error
from lib import YnlFamily  # noqa: E402

SPEC = "/genl/specs/nlpeer.yaml"
SCHEMA = "/usr/src/linux/Documentation/netlink/genetlink.yaml"
VALUES = {"u32": 42, "u64": 1 << 40, "string": "hello, kernel", "binary": b"\x00\x01\x02",
          "nest": {"u32": 7, "string": "inside"}}


def main():
    """Returns 0 when all answers are right."""
    family = YnlFamily(SPEC, SCHEMA)
    print(f'>>> nlpeer.do("echo", {VALUES})')
    reply = family.do("echo", VALUES)
    print(reply, flush=True)
    if reply != VALUES:
        print("the echo is not what was sent", file=sys.stderr)
        return 1

    count = 1000
    print(f'\n>>> nlpeer.dump("object-get", {{"count": {count}}})')
    objects = family.dump("object-get", {"count": count})
    print(objects[0])
    print(f"... {len(objects)} objects, the last one is {objects[-1]['name']}", flush=True)
    if [one["id"] for one in objects] != list(range(count)):
        print("these are not the objects that were asked for", file=sys.stderr)
        return 1

    portid = family.sock.getsockname()[0]
    print(f"\n$ ss -f netlink | grep genl    # our port is {portid}")
    lines = subprocess.run(["ss", "-f", "netlink"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    ours = [line for line in lines if "genl" in line and f"/{portid} " in line]
    print("\n".join(line for line in lines if "genl" in line))
    if not ours:
        print("ss does not show our socket", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
