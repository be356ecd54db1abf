# SPDX-License-Identifier: GPL-2.0
"""
YAML as specs have it: where in the file each element is, and what is wrong with a
file that is not such YAML, in the words of its author.

What YAML has beyond that (tags, fractions, keys that are no texts) is refused here, and so
is what would take a reader too long: nothing behind this has to expect it.
"""

import codecs
import re
import reprlib
from typing import Any, Iterable, Optional, Union

import yaml

# An element of a spec, and how it is reached: the keys and indices from the top.
Yaml = dict[str, Any]
At = tuple[Union[str, int], ...]

# That of libyaml reads ten times as fast; the other one has the better messages.
SLOW = yaml.SafeLoader
FAST = getattr(yaml, "CSafeLoader", SLOW)
Loader = Any

# What no spec comes near: its bytes, its levels, and its elements where aliases are followed.
SIZE_MAX, DEPTH_MAX, ELEMENTS_MAX = 4 << 20, 32, 200000

ENCODINGS = ((codecs.BOM_UTF8, "UTF-8 with a byte order mark"),
             (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
             (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))

# Characters that turn the direction of a text, and halves of characters.
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
HALVES = re.compile("[\ud800-\udfff]")
# Characters that no file may have. Where some end a line for YAML and for no editor, the lines
# of errors would be others.
CHARACTERS = (
    (yaml.reader.Reader.NON_PRINTABLE, "cannot be in YAML", "remove it"),
    (re.compile("[\x85\u2028\u2029]"), "ends a line of YAML", "take an ordinary end of a line"),
    (TURNS, "turns the direction of the text", "rustc takes none of these in comments: remove it"))

# What YAML takes a plain word for.
KINDS = {"bool": "a boolean", "int": "a number", "float": "a fraction", "null": "nothing",
         "timestamp": "a date"}
STR, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


class SpecErrors(Exception):
    """All that is wrong with a spec, as lines of text."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def shown(value: object) -> str:
    """A value as an error shows it: in one line, not too long, and none of Python's own words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    short = reprlib.Repr(maxstring=80, maxlong=40)
    text = short.repr(value)
    return text if text.isprintable() else ascii(text)[1:-1]


def plain(text: object) -> str:
    """A text as an error shows it between quotes of its own."""
    return shown(text)[1:-1] if isinstance(text, str) else shown(text)


class Places:
    """Where in the file each element of a spec begins, and what stands there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[At, int] = {(): 1}
        # What YAML takes for something else than a text: the word, and for what.
        self.words: dict[At, tuple[str, str]] = {}
        # What somebody might miss in a spec that is right.
        self.notes: list[str] = []

    def error(self, line: int, wrong: str, right: str) -> SpecErrors:
        """The exception for one error."""
        return SpecErrors([f"{self.path}:{line}: {wrong}: {right}"])

    def text(self, at: Iterable[Union[str, int]], wrong: str, right: str) -> str:
        """The line of text for one error."""
        text = f"{self.path}:{self.line(at)}: {wrong}: {right}"
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)

    def line(self, at: Iterable[Union[str, int]]) -> int:
        """The line of an element, or of what it is in."""
        at = tuple(at)
        while at not in self.lines:
            at = at[:-1]
        return self.lines[at]


class Reader:
    """Reads one file."""

    def __init__(self, path: str) -> None:
        self.places = Places(path)
        self.error = self.places.error

    def read(self) -> Any:
        """What is in the file."""
        text = self.decode(self.contents())
        try:
            self.look(yaml.parse(text, Loader=FAST))
            loader = FAST(text)
            node = loader.get_single_node()
        except yaml.YAMLError as error:
            raise self.syntax(text, error) from None
        if node is None:
            return None
        self.walk(loader, node, ())
        try:
            return loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            raise self.marked(error) from None

    def contents(self) -> bytes:
        """The bytes of the file."""
        try:
            with open(self.places.path, "rb") as file:
                data = file.read(SIZE_MAX + 1)
        except FileNotFoundError:
            raise SpecErrors([f"{self.places.path}: there is no such file"]) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise SpecErrors([f"{self.places.path}: this cannot be read: {why}"]) from None
        if len(data) > SIZE_MAX:
            raise self.error(1, f"this has more than {SIZE_MAX >> 20} MiB",
                             "the largest spec of the kernel has a tenth of one")
        return data

    def decode(self, data: bytes) -> str:
        """The text of the file."""
        for mark, name in ENCODINGS:
            if data.startswith(mark):
                raise self.error(1, f"this is {name}", "save it as plain UTF-8")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = data[error.start]
            raise self.error(data.count(b"\n", 0, error.start) + 1,
                             f"the byte {byte:#x} is not UTF-8",
                             "save the file as UTF-8; in Latin-1 this is "
                             f"{shown(chr(byte))}") from None
        for pattern, wrong, right in CHARACTERS:
            bad = pattern.search(text)
            if bad:
                raise self.error(text.count("\n", 0, bad.start()) + 1,
                                 f"the character U+{ord(bad[0]):04X} {wrong}", right)
        return text

    def look(self, events: Iterable[Any]) -> None:
        """Refuses what would take forever, or no spec has, before anything is made of it."""
        # The elements that are open: their anchors, and how many elements there were before.
        opened: list[tuple[Optional[str], int]] = []
        sizes: dict[Optional[str], int] = {}
        count = 0
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                if any(event.anchor == anchor for anchor, _ in opened):
                    raise self.error(line, f"'*{event.anchor}' is inside of what it stands for",
                                     "a spec cannot contain itself")
                count += sizes.get(event.anchor, 1)
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = opened.pop()
                sizes[anchor] = count - before
            elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
                count += 1
                if event.tag is not None and event.tag != STR:
                    raise self.error(line, f"the tag {shown(event.tag)}", "a spec has no tags")
                if isinstance(event, yaml.ScalarEvent):
                    sizes[event.anchor] = 1
                else:
                    opened.append((event.anchor, count - 1))
            if len(opened) > DEPTH_MAX:
                raise self.error(line, f"this is deeper than {DEPTH_MAX} levels",
                                 "the specs of the kernel have 7")
            if count > ELEMENTS_MAX:
                raise self.error(line, f"with its aliases this has more than {ELEMENTS_MAX} "
                                 "elements", "the largest spec of the kernel has a tenth of that")

    def marked(self, error: yaml.MarkedYAMLError) -> SpecErrors:
        """The exception for an error of the YAML library."""
        mark: Any = error.problem_mark or error.context_mark
        return self.error(mark.line + 1 if mark else 1, "this is not YAML",
                          " ".join(plain(str(error.problem or error.context)).split()))

    def syntax(self, text: str, error: yaml.YAMLError) -> SpecErrors:
        """The same for one of the syntax."""
        try:
            for _ in yaml.parse(text, Loader=SLOW):
                pass
            yaml.compose(text, Loader=SLOW)
        except yaml.MarkedYAMLError as better:
            error = better
        # The fast one has found an error that this one stumbles over.
        except (yaml.YAMLError, ArithmeticError, LookupError, RecursionError, ValueError):
            pass
        if isinstance(error, yaml.MarkedYAMLError):
            return self.marked(error)
        return self.error(1, "this is not YAML", plain(str(error)))

    def walk(self, loader: Loader, node: yaml.Node, at: At) -> None:
        """Notes where things are; finds keys that are there twice, and values that are none."""
        if isinstance(node, yaml.MappingNode):
            self.mapping(loader, node, at)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.places.lines[at + (index,)] = value.start_mark.line + 1
                self.walk(loader, value, at + (index,))
        else:
            self.scalar(loader, node, at)

    def mapping(self, loader: Loader, node: yaml.MappingNode, at: At) -> None:
        """One mapping."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == MERGE:
                raise self.error(line, "the key '<<' takes in another mapping",
                                 "write its keys out")
            if key.tag != STR:
                if not isinstance(key, yaml.ScalarNode):
                    raise self.error(line, "the key is no text", "a key is a name")
                raise self.error(line, f"YAML reads the key {shown(key.value)} as "
                                 f"{self.kind(key)}", "quote it")
            if key.value in seen:
                raise self.error(line, f"the key {shown(key.value)} is there twice",
                                 f"the other one is in line {seen[key.value]}")
            seen[key.value] = line
            self.places.lines[at + (key.value,)] = line
            self.walk(loader, value, at + (key.value,))

    @staticmethod
    def kind(node: yaml.Node) -> str:
        """What YAML takes a scalar for."""
        return KINDS.get(node.tag.rpartition(":")[2], "something else")

    def scalar(self, loader: Loader, node: yaml.Node, at: At) -> None:
        """One value."""
        line = node.start_mark.line + 1
        if node.tag == STR:
            bad = HALVES.search(node.value) or TURNS.search(node.value)
            if bad:
                raise self.error(line, f"the text has the character U+{ord(bad[0]):04X}",
                                 "Rust does not take it: remove it")
            return
        self.places.words[at] = (node.value, self.kind(node))
        if node.tag.endswith(("float", "timestamp")):
            raise self.error(line, f"YAML reads {plain(node.value)} as {self.kind(node)}",
                             "quote it, or write a whole number")
        try:
            value = loader.construct_object(node) if len(node.value) < 80 else 1 << 64
        except (ValueError, yaml.YAMLError):
            raise self.error(line, f"YAML reads {plain(node.value)} as {self.kind(node)}, "
                             "and it is none", "quote it") from None
        if isinstance(value, int) and not -1 << 63 <= value < 1 << 64:
            raise self.error(line, f"the number {plain(node.value)} is too large",
                             "numbers have 64 bits")
