# SPDX-License-Identifier: GPL-2.0
"""
The documentation of specs, which is reStructuredText, as the Markdown of rustdoc:
paragraphs, titles, lists in lists, literal blocks, notes, tables as they are drawn, and
what is marked in a text. All else is plain text, whatever Markdown would take it for,
but for directives that say more than that: these are refused.
"""

import re
import textwrap
from typing import Iterable, Iterator

MARKED = re.compile(r"``(.+?)``|`([^`<]+?)\s*<([^`>]+)>`_{1,2}|"
                    r"(?::[\w:+.-]+:)?`([^`]+)`(_{0,2})|"
                    r"(\*\*[^\s*](?:[^*]*[^\s*])?\*\*|"
                    r"(?<![\w*])\*[^\s*](?:[^*]*[^\s*])?\*(?![\w*]))|\b(https?://[^\s)]+[^\s).,])")
ITEM = re.compile(r"(\s*)([-*+•]|(?:\d+|#)[.)])\s+(\S.*)")
LINE = re.compile(r"([=~^\"'-])\1{2,}")
# The lines in a table, with crosses in it or without.
BORDER = re.compile(r"\+([-=]{2,}\+)+|={2,}( +={2,})+")
DIRECTIVE = re.compile(r"\.\.(?: +(?:([\w:-]+)::(?: +(.*))?|([_|\[].*)|.*))?")
CODE = ("code", "code-block", "sourcecode", "parsed-literal")
NOTES = ("attention", "caution", "danger", "error", "hint", "important", "note", "tip", "warning")
# What would begin a list or a title where a line begins with it.
SIGN = re.compile(r" (?=(?:[-+=#]+|\d+[.)])(?: |$))")


class Unrendered(Exception):
    """A text has what has no counterpart here."""


def escaped(text: str) -> str:
    """A text in which nothing is markup."""
    return re.sub(r"[\[\]<>*`\\|~]|(?<![^\W_])_", r"\\\g<0>", text)


def inline(text: str) -> str:
    """A text with what is marked in it."""
    out, end = "", 0
    for match in MARKED.finditer(text):
        literal, title, target, role, named, strong, link = match.groups()
        out += escaped(text[end:match.start()])
        if strong:
            stars = "*" * (1 + strong.startswith("**"))
            out += stars + escaped(strong.strip("*")) + stars
        elif title or named:
            text_of = escaped(title or role)
            out += f"[{text_of}]({target})" if target and "://" in target else text_of
        else:
            out += f"<{link}>" if link else f"`{literal or role.partition(' <')[0]}`"
        end = match.end()
    return out + escaped(text[end:])


def wrapped(words: list[str], width: int, whole: bool) -> list[str]:
    """A paragraph, which ends with a full stop where it is more than an item of a list."""
    text = inline(" ".join(" ".join(words).split()))
    if text.strip("*`")[-1:] not in (*".:!?", "") and whole:
        text += "."
    text = re.sub(r"^(?=[-+=#])", r"\\", re.sub(r"^(\d+)(?=[.)] )", r"\1\\", text))
    text = SIGN.sub("\0", text)
    return [line.replace("\0", " ") for line in
            textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)]


def literal(lines: list[str]) -> list[str]:
    """A literal block."""
    ticks = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", " ".join(lines)))])
    return [f"{ticks}text", *textwrap.dedent("\n".join(lines).strip("\n")).split("\n"), ticks]


def depth(line: str) -> int:
    """How far a line is indented."""
    return len(line) - len(line.lstrip())


def inside(lines: list[str], deep: int) -> list[str]:
    """Takes the lines that are indented further than a line in front of them."""
    found = []
    while lines and (not lines[0] or depth(lines[0]) > deep):
        found.append(lines.pop(0))
    return textwrap.dedent("\n".join(found)).strip("\n").split("\n")


def item(match: re.Match[str], lines: list[str], width: int) -> Iterator[str]:
    """An item of a list, with all that is in it."""
    mark = "- " if match[2] in "-*+•" else "1. "
    body, deep, start = [match[3]], len(match[1]), match.start(3)
    while lines and (not lines[0] or depth(lines[0]) > deep or
                     body[-1] and not ITEM.fullmatch(lines[0])):
        line = lines.pop(0)
        body.append(line[min(start, depth(line)):])
    for index, line in enumerate(joined(blocks(body, width - len(mark), False), True)):
        yield f"{' ' * len(mark) if index else mark}{line}".rstrip()


def directive(match: re.Match[str], body: list[str], width: int) -> Iterator[list[str]]:
    """A directive, a comment, or what else begins with two dots."""
    name, said, other = match.groups()
    if other or name and name not in (*CODE, *NOTES):
        raise Unrendered(f"'.. {other or f'{name}::'}'")
    if name in CODE:
        while body and body[0].startswith(":"):
            body.pop(0)
        yield literal(body)
    elif name:
        body = ([said] if said else []) + body
        yield from blocks([f"**{name.capitalize()}:** {body[0]}", *body[1:]], width, True)


def blocks(lines: list[str], width: int, whole: bool) -> Iterator[list[str]]:
    """The parts of a text."""
    while lines:
        line = lines.pop(0)
        deep, text = depth(line), line.strip()
        if LINE.fullmatch(text) and lines[1:] and lines[1].strip() == text:
            # A title between two lines.
            text = lines.pop(0).strip()
        if not text:
            continue
        if lines and LINE.fullmatch(lines[0].strip()):
            lines.pop(0)
            yield [f"# {inline(text)}"]
        elif BORDER.fullmatch(text):
            rows = [line]
            while lines and (lines[0] or not BORDER.fullmatch(rows[-1].strip())):
                rows.append(lines.pop(0))
            yield literal(rows)
        elif match := ITEM.fullmatch(line):
            yield list(item(match, lines, width))
        elif match := DIRECTIVE.fullmatch(text):
            yield from directive(match, inside(lines, deep), width)
        else:
            words = [line]
            while lines and lines[0] and not (ITEM.fullmatch(lines[0]) and
                                              (depth(lines[0]) > deep or not whole)):
                words.append(lines.pop(0))
            is_literal = words[-1].endswith("::")
            if is_literal:
                words[-1] = words[-1][:-1] if words[-1].strip() != "::" else ""
            if any(words):
                yield wrapped(words, width, whole)
            if is_literal:
                yield literal(inside(lines, deep))


def joined(parts: Iterable[list[str]], tight: bool = False) -> Iterator[str]:
    """The lines of all parts, with empty ones between them."""
    before = ""
    for part in parts:
        # Items in a row are one list, and one in an item needs no empty line in front of it.
        is_item = part[0][:2] in ("- ", "1.")
        if before and not (is_item and (tight or before[:2] == part[0][:2])):
            yield ""
        yield from part
        before = part[0]


def first_of(text: str) -> str:
    """The first paragraph that is no title."""
    parts = re.split(r"\n\s*\n", (text or "").strip())
    return next((part for part in parts if not re.search(r"\n[=~^\"'-]{3,}$|^\.\. ", part)), "")


def markdown(text: str, width: int) -> Iterator[str]:
    """The lines of a documentation."""
    lines = [line.expandtabs().rstrip() for line in (text or "").strip().splitlines()]
    yield from joined(blocks(lines, width, True))
