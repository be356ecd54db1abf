#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Asks rust-analyzer, as an editor does, where names of a family are defined, as TAP:
it has to know each crate that the build has compiled, the generated files, the
framework, and the kernel.
"""

import argparse
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/selftests/lib")
# pylint: disable=wrong-import-position,import-error
from ktap import Failure, Skip, equal, ktap_run  # noqa: E402

# It reads the library of Rust and that of the kernel first.
PATIENCE = 240

# A file, what stands in it with the name in brackets, the file where that is defined,
# and what stands there.
BOARD = "rust/board/board_main.rs"
GENERATED = "rust/board/board_gen.rs"
NAMES = {
    "an operation of the generated file, in the handler":
        (BOARD, "fn post(&self, request: Request<'_, op::[PostDo]>", GENERATED, "do PostDo ="),
    "an attribute of the generated file, in the handler":
        (BOARD, "request.need(note::[Name])", GENERATED, "Name = 1: Str"),
    "a member of a reply, in the handler":
        (BOARD, "            [name]: CStr::from_bytes_until_nul", GENERATED, "name: note::Name"),
    "a method of the framework, in the handler":
        (BOARD, "request.[need](note::Name)", "rust/genl/request.rs", "pub fn need<"),
    "a type of the kernel, in the handler":
        (BOARD, "notes: [RBTree]<", "rust/kernel/rbtree.rs", "struct RBTree<"),
    "a type of the framework, in the generated file":
        (GENERATED, "request: genl::[Request]<", "rust/genl/request.rs", "struct Request<"),
    "the family, in the generated file":
        (GENERATED, "use super::[Board] as Family", BOARD, "struct Board "),
    "a stub in C, in the framework":
        ("rust/genl/objects.rs", "ffi::[genl_rs_grow](", "rust/genl/bindings.rs",
         "fn genl_rs_grow("),
}


class Analyzer:
    """rust-analyzer, with the project that was made for it."""

    def __init__(self, project, log):
        self.server = subprocess.Popen(["rust-analyzer"], stdin=subprocess.PIPE, cwd=TOP,
                                       stdout=subprocess.PIPE, stderr=log, bufsize=0)
        self.data, self.number, self.end = b"", 0, time.monotonic() + PATIENCE
        self.ask("initialize", {
            "processId": os.getpid(), "rootUri": f"file://{TOP}",
            "capabilities": {"experimental": {"serverStatusNotification": True}},
            "initializationOptions": {
                "linkedProjects": [project], "checkOnSave": False,
                "cachePriming": {"enable": False}}})
        self.tell("initialized", {})
        while not (message := self.receive()).get("params", {}).get("quiescent"):
            if message.get("method") == "window/showMessage":
                print("#", message["params"]["message"])

    def send(self, message):
        """Sends one message."""
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(f"Content-Length: {len(text)}\r\n\r\n".encode() + text)

    def receive(self):
        """Returns the next message; answers what the server asks with nothing."""
        while True:
            head, found, rest = self.data.partition(b"\r\n\r\n")
            size = int(re.search(rb"Content-Length: (\d+)", head)[1]) if found else 0
            if found and len(rest) >= size:
                self.data = rest[size:]
                message = json.loads(rest[:size])
                if "id" in message and "method" in message:
                    self.send({"id": message["id"], "result": None})
                return message
            if not select.select([self.server.stdout], [], [], max(0, self.end - time.monotonic()))[0]:
                raise Failure(f"rust-analyzer has said nothing for {PATIENCE} s")
            data = os.read(self.server.stdout.fileno(), 65536)
            if not data:
                raise Failure("rust-analyzer has ended")
            self.data += data

    def tell(self, method, params):
        """Sends a notification."""
        self.send({"method": method, "params": params})

    def ask(self, method, params):
        """Sends a request and returns its result."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.number or "method" in message:
            pass
        if "error" in message:
            raise Failure(message["error"]["message"])
        return message["result"]

    def definition(self, file, line, column):
        """Returns the places where a name is defined: file and line."""
        found = self.ask("textDocument/definition", {
            "textDocument": {"uri": f"file://{file}"},
            "position": {"line": line, "character": column}})
        return [(place["uri"].removeprefix("file://"), place["range"]["start"]["line"])
                for place in found or []]


def place_of(file, text):
    """Returns line and column of what is in brackets."""
    before, after = text.split("[")
    name = before + after.replace("]", "")
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if name in line:
                return number, line.index(name) + len(before)
    raise Failure(f"there is no {name!r} in {file}")


def skip():
    """There is nobody to ask."""
    raise Skip("the toolchain root has no rust-analyzer")


def check_name(analyzer, where, text, want, there):
    """The name has to be defined there, and nowhere else."""
    found = analyzer.definition(f"{TOP}/{where}", *place_of(f"{TOP}/{where}", text))
    equal([file.endswith(f"/{want}") for file, _ in found], [True], str(found))
    with open(found[0][0], encoding="utf-8") as lines:
        line = lines.readlines()[found[0][1]]
    if there not in line:
        raise Failure(f"{found[0]} is {line!r}, not {there!r}")


def compiled(mod):
    """Returns the main files of the crates, as the build has noted them."""
    roots = set()
    with open(f"{mod}/modules.order", encoding="utf-8") as file:
        modules = file.read().split()
    for module in modules:
        with open(f"{mod}/{module.removesuffix('.o')}.mod", encoding="utf-8") as file:
            for name in file.read().split():
                name = f"{os.path.dirname(name)}/.{os.path.basename(name)}.cmd"
                with open(f"{mod}/{name}", encoding="utf-8") as command:
                    roots.update(re.findall(r"^source_\S+ := (\S+\.rs)$", command.read(), re.M))
    return roots


def main():
    """Makes the project as 'make rust-analyzer' does, and asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("kdir", help="the build folder of the kernel")
    parser.add_argument("mod", help="the folder where the modules were built, and the kernel has written "
                                    "its rust-project.json")
    parser.add_argument("out", help="a folder for ours")
    args = parser.parse_args()
    subprocess.run([f"{TOP}/scripts/kdir/rust_analyzer.py", "--tests", "--out", args.out,
                    args.kdir, args.mod], check=True, stdout=subprocess.DEVNULL)
    with open(f"{args.out}/rust-project.json", encoding="utf-8") as file:
        crates = json.load(file)["crates"]
    ours = {crate["root_module"] for crate in crates if crate["display_name"].endswith("_main")}
    tests = [("the crates are those that were compiled",
              lambda: equal(sorted(ours), sorted(compiled(args.mod))))]

    if not shutil.which("rust-analyzer"):
        return ktap_run(tests + [(name, skip) for name in NAMES])
    with open(f"{args.out}/rust-analyzer.log", "w", encoding="utf-8") as log:
        analyzer = Analyzer(f"{args.out}/rust-project.json", log)
        status = ktap_run(tests + [(name, lambda case=case: check_name(analyzer, *case))
                                   for name, case in NAMES.items()])
        analyzer.server.kill()
    return status


if __name__ == "__main__":
    sys.exit(main())
