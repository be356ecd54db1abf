# SPDX-License-Identifier: GPL-2.0
"""
The documentation of specs, which is reStructuredText, as the Markdown of rustdoc:
paragraphs, titles, lists, literal blocks, and what is marked in a text. All else is
plain text, whatever Markdown would take it for.
"""

import re
import textwrap
from typing import Iterator

MARKED = re.compile(r"``(.+?)``|`([^`]+)`|(\*\*[^\s*](?:[^*]*[^\s*])?\*\*|"
                    r"(?<![\w*])\*[^\s*](?:[^*]*[^\s*])?\*(?![\w*]))|\b(https?://[^\s)]+[^\s).,])")
ITEM = re.compile(r"(\s*)([-*+•]|(?:\d+|#)[.)])\s+(\S.*)")
# What would begin a list or a title where a line begins with it.
SIGN = re.compile(r" (?=(?:[-+=#]+|\d+[.)])(?: |$))")


def escaped(text: str) -> str:
    """A text in which nothing is markup."""
    return re.sub(r"[\[\]<>*`\\|~]|(?<!\w)_", r"\\\g<0>", text)


def inline(text: str) -> str:
    """A text with what is marked in it."""
    out, end = "", 0
    for match in MARKED.finditer(text):
        literal, role, strong, link = match.groups()
        out += escaped(text[end:match.start()])
        if strong:
            stars = "*" * (1 + strong.startswith("**"))
            out += stars + escaped(strong.strip("*")) + stars
        else:
            out += f"<{link}>" if link else f"`{literal or role}`"
        end = match.end()
    return out + escaped(text[end:])


def wrapped(words: list[str], width: int, first: str = "") -> list[str]:
    """A paragraph, or an item of a list."""
    text = inline(" ".join(" ".join(words).split()))
    if text.strip("*`")[-1:] not in (*".:!?", "") and not first:
        text += "."
    if not first:
        text = re.sub(r"^(?=[-+=#])", r"\\", re.sub(r"^(\d+)(?=[.)] )", r"\1\\", text))
    text = SIGN.sub("\0", text)
    return [line.replace("\0", " ") for line in
            textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first),
                          break_long_words=False, break_on_hyphens=False)]


def literal(lines: list[str]) -> list[str]:
    """A literal block."""
    ticks = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", " ".join(lines)))])
    return [f"{ticks}text", *textwrap.dedent("\n".join(lines)).split("\n"), ticks]


def blocks(text: str, width: int) -> Iterator[list[str]]:
    """The parts of a documentation."""
    lines = [line.expandtabs().rstrip() for line in (text or "").strip().splitlines()]
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        if lines and re.fullmatch(r"([=~^\"'-])\1{2,}", lines[0]):
            lines.pop(0)
            yield [f"# {inline(line.strip())}"]
            continue
        item, words = ITEM.fullmatch(line), [line]
        deep = len(line) - len(line.lstrip())
        while lines and lines[0] and not (item and ITEM.fullmatch(lines[0])):
            words.append(lines.pop(0))
        if item:
            yield wrapped([item[3], *words[1:]], width, "- " if item[2] in "-*+•" else "1. ")
            continue
        block: list[str] = []
        if words[-1].endswith("::"):
            words[-1] = words[-1][:-1] if words[-1].strip() != "::" else ""
            while lines and (not lines[0] or len(lines[0]) - len(lines[0].lstrip()) > deep):
                block.append(lines.pop(0))
        if any(words):
            yield wrapped(words, width)
        if any(block):
            yield literal("\n".join(block).strip("\n").split("\n"))


def first_of(text: str) -> str:
    """The first paragraph that is no title."""
    parts = re.split(r"\n\s*\n", (text or "").strip())
    return next((part for part in parts if not re.search(r"\n[=~^\"'-]{3,}$", part)), "")


def markdown(text: str, width: int) -> Iterator[str]:
    """The lines of a documentation."""
    before = ""
    for part in blocks(text, width):
        # Items in a row are one list.
        if before and not (before[:2] in ("- ", "1.") and part[0][:2] == before[:2]):
            yield ""
        yield from part
        before = part[0]
