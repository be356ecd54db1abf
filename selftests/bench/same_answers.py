#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Compares what nlpeer and its counterparts in C send, byte by byte, headers included,
before they are measured against each other. The messages are made and taken
apart by the YNL client of the kernel tree.
"""

import os
import struct
import sys
import tempfile

sys.path.insert(0, os.environ["YNL"])
# pylint: disable=wrong-import-position,import-error
from lib import YnlFamily  # noqa: E402
from lib.ynl import NlMsgs, Netlink  # noqa: E402

SPEC = "/genl/specs/nlpeer.yaml"
SCHEMA = "/usr/src/linux/Documentation/netlink/genetlink.yaml"
COUNT = 10000
VALUES = ({}, {"nest": {}}, {"u32": 1}, {"string": ""}, {"binary": b""},
          {"u32": 7, "u64": 1 << 60, "string": "x" * 63, "binary": bytes(range(251)),
           "nest": {"u32": 9, "string": "inner"}},
          {"binary": bytes(32768), "string": "y" * 4096, "nest": {"string": "z"}})
PARTS = ({"size": 0}, {"size": 65531}, {"numbers": 0}, {"numbers": 8191},
         {"size": 1, "numbers": 1})


class Raw(YnlFamily):
    """A client that returns messages as they came."""

    def __init__(self, name):
        with open(SPEC, encoding="utf-8") as file:
            text = file.read().replace("name: nlpeer\n", f"name: {name}\n", 1)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as spec:
            spec.write(text)
            spec.flush()
            super().__init__(spec.name, SCHEMA)

    def ask(self, command, values, dump):
        """Sends a request; yields the bytes of each answer, less what differs by nature."""
        op = self.ops[command]
        sequence = 4711
        request = self._encode_message(op, values, [Netlink.NLM_F_DUMP] if dump else [], sequence)
        self.sock.send(request)
        portid = self.sock.getsockname()[0]
        while True:
            for message in NlMsgs(self.sock.recv(1 << 18)):
                if message.done or message.error:
                    if message.error:
                        sys.exit(f"{self.yaml['name']}: {command}: {message}")
                    return
                if (message.nl_seq, message.nl_portid) != (sequence, portid):
                    sys.exit(f"{self.yaml['name']}: {command}: sequence number or port is wrong")
                yield struct.pack("=H", message.nl_flags) + message.raw


def main():
    """Prints a line for each family in C; fails with the first difference."""
    names = ("nlpeer", "nlpeer-c", "nlpeer-tuned", "nlpeer-minimal")
    clients = {name: Raw(name) for name in names}
    objects = {name: list(client.ask("object-get", {"count": COUNT}, True))
               for name, client in clients.items()}
    echoes = {name: [list(client.ask("echo", values, False)) for values in VALUES]
              for name, client in clients.items() if name != "nlpeer-minimal"}
    parts = {name: [list(clients[name].ask("trouble-get", values, False)) for values in PARTS]
             for name in ("nlpeer", "nlpeer-tuned")}
    if len(objects["nlpeer"]) != COUNT:
        sys.exit(f"nlpeer has sent {len(objects['nlpeer'])} objects, not {COUNT}")
    for name in names[1:]:
        if objects[name] != objects["nlpeer"]:
            sys.exit(f"the objects of {name} are not those of nlpeer")
        if name in echoes and echoes[name] != echoes["nlpeer"]:
            sys.exit(f"the echoes of {name} are not those of nlpeer")
        if name in parts and parts[name] != parts["nlpeer"]:
            sys.exit(f"the large parts of {name} are not those of nlpeer")
        print(f"same {name} {COUNT} objects, {len(VALUES)} echoes"
              if name in echoes else f"same {name} {COUNT} objects")


if __name__ == "__main__":
    main()
