# SPDX-License-Identifier: GPL-2.0
"""
What functions return, from the kernel's own description of its types (BTF): without it
what an empty register happens to hold would be shown as the value of a function
that returns nothing.
"""

import array
import os
import struct

FOLDER = "/sys/kernel/btf"
INT, PTR, STRUCT, ENUM, TYPEDEF, VOLATILE, CONST, FUNC, PROTO = 1, 2, 4, 6, 8, 9, 10, 12, 13
# How many words of 32 bits follow the first three: fixed, and for each of its elements.
WORDS = {1: (1, 0), 3: (3, 0), 4: (0, 3), 5: (0, 3), 6: (0, 2), 13: (0, 2), 14: (1, 0), 15: (0, 3),
         17: (1, 0), 19: (0, 3)}


class Btf:
    """The functions of the kernel and of modules, and what they return. Only those that somebody
    asks for are looked up, since a kernel has 50000.
    """

    def __init__(self, folder=FOLDER):
        self.folder = folder
        self.kinds = {}
        self.parts = {}

    def learn(self, names):
        """Looks functions up: first in the kernel, then in its modules."""
        wanted = {name for name in names if name not in self.kinds}
        modules = set(os.listdir(self.folder)) - {"vmlinux"} if os.path.isdir(self.folder) else set()
        paths = [f"{self.folder}/{name}" for name in ("vmlinux", *sorted(modules))]
        base, texts = None, {}
        for path in paths:
            part = self.part(path, base) if wanted else None
            if part is None:
                if base is None:
                    break
                continue
            if base is None:
                base, texts = part, part.texts(wanted)
            # The strings of the kernel are those of modules too.
            found = part.functions(texts if part is base else {**texts, **part.texts(wanted)})
            self.kinds.update(found)
            wanted -= set(found)
        # Of these nothing is known, and will not be.
        self.kinds.update(dict.fromkeys(wanted))

    def part(self, path, base):
        """The types of a file, read once; a module that came later has its own."""
        if path not in self.parts:
            try:
                with open(path, "rb") as file:
                    self.parts[path] = Part(file.read(), base)
            except (OSError, struct.error, IndexError, ValueError):
                self.parts[path] = None
        return self.parts[path]

    def returns(self, name):
        """void, bool, pointer, enum, int, unsigned, long, unsigned long, int8 and the like, other (a
        struct), or None where nothing is known.
        """
        return self.kinds.get(name)


class Part:
    """The types of the kernel, or of a module."""

    def __init__(self, data, base):
        magic, _, _, size, types, types_len, strings, strings_len = struct.unpack_from("=HBBIIIII", data)
        if magic != 0xeb9f:
            raise ValueError("no BTF")
        self.base = base
        self.words = array.array("I")
        self.words.frombytes(data[size + types:size + types + types_len])
        self.strings = data[size + strings:size + strings + strings_len]
        # Where each type begins; the first one of a module comes behind those of the kernel.
        self.places = []
        sizes = [WORDS.get(kind, (0, 0)) for kind in range(32)]
        at, words, end, add = 0, self.words, len(self.words), self.places.append
        while at < end:
            add(at)
            info = words[at + 1]
            fixed, each = sizes[info >> 24 & 31]
            at += 3 + fixed + each * (info & 0xffff)
        self.first = base.first + len(base.places) if base else 1
        self.offset = base.offset + len(base.strings) if base else 0

    def name(self, offset):
        """The text at a place of the strings."""
        if self.base and offset < self.offset:
            return self.base.name(offset)
        offset -= self.offset
        return self.strings[offset:self.strings.index(b"\0", offset)].decode("ascii", "replace")

    def type(self, number):
        """The three words of a type, and the one behind."""
        if number < self.first:
            return self.base.type(number)
        at = self.places[number - self.first]
        return self, self.words[at:at + 4]

    def texts(self, names):
        """Where names stand among the strings."""
        wanted, out, offset = {name.encode() for name in names}, {}, self.offset
        for text in self.strings.split(b"\0"):
            if text in wanted:
                out[offset] = text.decode("ascii")
            offset += len(text) + 1
        return out

    def functions(self, texts):
        """The kind of value that the functions with these names return, as far as they are here."""
        words, out = self.words, {}
        for at in self.places:
            if words[at] in texts and words[at + 1] >> 24 & 31 == FUNC:
                _, proto = self.type(words[at + 2])
                out[texts[words[at]]] = self.kind(proto[2])
        return out

    def kind(self, number):
        """What a type is to us."""
        for _ in range(20):
            if number == 0:
                return "void"
            part, words = self.type(number)
            kind = words[1] >> 24 & 31
            if kind in (TYPEDEF, VOLATILE, CONST, 11, 18):
                if kind == TYPEDEF and part.name(words[0]) == "bool":
                    return "bool"
                number = words[2]
                continue
            if kind == PTR:
                return "pointer"
            if kind == INT:
                if words[3] >> 24 & 4:
                    return "bool"
                # Only what is as long as an int can be an error.
                size = {4: "", 8: ""}.get(words[2], words[2] * 8)
                if words[3] >> 24 & 1:
                    return f"{'long' if words[2] == 8 else 'int'}{size}"
                return f"unsigned{' long' if words[2] == 8 else ''}{size}"
            return "enum" if kind == ENUM else "other"
        return "other"
