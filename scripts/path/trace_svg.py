# SPDX-License-Identifier: GPL-2.0
"""
The pictures of a trace: the sequence as a file of its own, and who was busy and who waited, at
the scale of time. Lines and heads are those of the page.
"""

import html
import textwrap

from trace_lanes import duration, made, walk

FONT = "font-family='DejaVu Sans Mono,Menlo,Consolas,monospace'"
# Of pictures and of pages that have one.
STYLE = """
.v-bg,.v-o{fill:#fff}.v-x{fill:#16191d}.v-g{fill:#586069}.v-life{stroke:#c6ccd4}
.v-bar{fill:#dfe5ec;stroke:#c6ccd4}.v-c{stroke:#33475b;fill:none}.v-ch{fill:#33475b}
.v-d{stroke:#0a5fb4;fill:none}.v-dh{fill:#0a5fb4}.v-w{stroke:#7440b0;fill:none}.v-wh{fill:#7440b0}
.v-e{stroke:#c0101c;fill:none}.v-eh{fill:#c0101c}.v-n{stroke:#a34700;fill:none}.v-nh{fill:#a34700}
.v-s{fill:#9fb4c9;stroke:#33475b}.v-z{stroke:#586069;fill:none}
@media(prefers-color-scheme:dark){.v-bg,.v-o{fill:#14171b}.v-x{fill:#e7eaee}.v-g{fill:#9fa8b3}
.v-life{stroke:#3d444d}.v-bar{fill:#2b323b;stroke:#3d444d}.v-c{stroke:#b9c6d4}.v-ch{fill:#b9c6d4}
.v-d{stroke:#6bb3ff}.v-dh{fill:#6bb3ff}.v-w{stroke:#c49bf5}.v-wh{fill:#c49bf5}.v-e{stroke:#ff7b7b}
.v-eh{fill:#ff7b7b}.v-n{stroke:#ffa763}.v-nh{fill:#ffa763}.v-s{fill:#3f5266;stroke:#b9c6d4}
.v-z{stroke:#9fa8b3}}
"""
CHAR, ROW, LINE, GUTTER = 6.63, 22, 15, 62
CLASSES = {"data": "d", "none": "d", "lost": "e", "wake": "w", "fail": "e", "event": "n",
           "sleep": "z"}


def escape(text):
    """For text and for attributes."""
    return html.escape(str(text), quote=True)


def words(x, y, text, kind="x", extra=""):
    """A text. The grey ones differ from run to run."""
    grey = " fill='#444'" if kind == "g" else ""
    return f"<text x='{x:.0f}' y='{y:.0f}' class='v-{kind}'{grey}{extra}>{escape(text)}</text>"


def cross(x, y):
    """What ends here."""
    return (f"<circle cx='{x:.1f}' cy='{y}' r='7' class='v-e v-o' stroke-width='1.7'/>"
            f"<path d='M{x - 3:.1f} {y - 3}l6 6m0-6l-6 6' class='v-e' stroke-width='2'/>")


def shape(row, x, to, y):
    """The line of a row, with its head."""
    kind = row.kind if row.kind in CLASSES else "call"
    name = "e" if row.red else CLASSES.get(kind, "c")
    way = 1 if to >= x else -1
    if row.kind == "sleep":
        return (f"<path d='M{x - 6:.1f} {y - 8}h12v16h-12zl12 8m-12 0l12 8' class='v-z v-o' "
                "stroke-width='1.2'/>")
    if row.kind == "fail":
        return cross(x, y)
    if x == to:
        turned = f" transform='rotate(45 {x:.1f} {y})' stroke-dasharray='3 2'" \
            if row.kind == "event" else ""
        return (f"<rect x='{x - 4.5:.1f}' y='{y - 4.5}' width='9' height='9' class='v-{name} v-o' "
                f"stroke-width='1.5'{turned}/>")
    if row.kind in ("data", "none", "lost"):
        at = to - way * (7 if row.kind == "lost" else 12)
        out = (f"<path d='M{x:.1f} {y - 2}H{at:.1f}M{x:.1f} {y + 2}H{at:.1f}' class='v-{name}' "
               f"stroke-width='1.5'/><rect x='{x - 4.5:.1f}' y='{y - 4.5}' width='9' height='9' "
               f"class='v-{name}h'/>")
        if row.kind == "lost":
            return out + cross(to, y)
        if row.kind == "none":
            return out + f"<path d='M{at:.1f} {y - 8}v16' class='v-d' stroke-width='4'/>"
        return out + f"<path d='M{to:.1f} {y}l{-way * 13} -7v14z' class='v-{name}h'/>"
    if row.kind == "wake":
        return (f"<path d='M{x:.1f} {y}H{to - way * 6:.1f}' class='v-w' stroke-width='3' "
                f"stroke-dasharray='0 6' stroke-linecap='round'/><circle cx='{to:.1f}' cy='{y}' "
                "r='5' class='v-w v-o' stroke-width='2.2'/>")
    if row.kind == "return":
        return (f"<path d='M{x:.1f} {y}H{to:.1f}' class='v-{name}' stroke-width='1.4' "
                f"stroke-dasharray='5 3'/><path d='M{to - way * 7:.1f} {y - 4.5}L{to - way:.1f} {y}"
                f"l{-way * 6} 4.5' class='v-{name}' stroke-width='1.4'/>")
    return (f"<path d='M{x:.1f} {y}H{to - way * 7:.1f}' class='v-{name}' stroke-width='1.4'/>"
            f"<path d='M{to:.1f} {y}l{-way * 8} -4.5v9z' class='v-{name}h'/>")


class Drawing:
    """A picture that grows downwards."""

    def __init__(self, sequence, width):
        self.sequence, self.width = sequence, width
        self.count = len(sequence.columns)
        # What is written beside the lanes needs its room.
        self.lane = min(84, (width - GUTTER - 330) / self.count)
        self.text = GUTTER + self.count * self.lane + 10
        self.room = max(20, int((width - self.text - 6) / CHAR))
        self.y, self.hidden, self.since = 0, 0, 0
        self.back, self.front = [], []

    def x(self, lane):
        """The middle of a lane."""
        return GUTTER + (lane + .5) * self.lane

    def heads(self):
        """The names of the lanes: above them, or upright where they are wider than their lanes."""
        columns = [name.split(", ") + ([sub] if sub else []) for name, sub in self.sequence.columns]
        upright = any(len(line) * CHAR > self.lane - 4 for lines in columns for line in lines)
        self.y += max(len(" ".join(lines)) for lines in columns) * CHAR + 16 if upright else 32
        self.since = 0
        for number, lines in enumerate(columns):
            kind, x = "g" if number < self.sequence.processes else "x", self.x(number)
            if upright:
                turned = f" transform='rotate(-90 {x + 4:.0f} {self.y - 8:.0f})' font-weight='bold'"
                self.front.append(words(x + 4, self.y - 8, " ".join(lines), kind, turned))
                continue
            for at, line in enumerate(reversed(lines)):
                self.front.append(words(x, self.y - 8 - at * 12, line, kind,
                                        " text-anchor='middle' font-weight='bold'"))
        self.front.append(words(GUTTER - 8, self.y - 8, "ms", "g", " text-anchor='end'"))
        self.front.append(f"<path d='M6 {self.y - 1:.0f}H{self.width - 6}' class='v-c'/>")

    def row(self, row, who=""):
        """One row: its time, its line, and what it says."""
        self.hidden += len(row.minor) + len(row.inner)
        if self.since > 40:
            self.heads()
        self.since += 1
        times = f"x {row.count} " if row.count > 1 else ""
        name = row.name
        if "number" in row.call:
            name = "({}) {}".format(*name.split(" ", 1))
        name = (f"{who}: " if who else "") + times + name
        rest = row.short or (row.text if row.kind in ("sleep", "wake") else "")
        if row.kind == "return" and row.value:
            rest = f"{rest} = {row.value}".strip()
        elif row.kind == "fail" or row.red and row.value:
            rest = f"= {row.value}" + (", made here" if row.kind == "fail" else "")
        if row.kind == "lost":
            rest = row.text
        if row.count > 1 and "number" in row.call:
            rest += f"; this is the first of {row.count}"
        y = self.y + ROW / 2
        kind = {"data": "dh", "none": "dh", "wake": "wh", "lost": "eh"}.get(row.kind, "x")
        kind = "eh" if row.red else kind
        said = "eh" if row.red else "x"
        if row.kind == "sleep":
            kind = said = "g"
        if not rest and row.kind in ("call", "step"):
            # What it does, but for what it is worth in another run.
            rest, said = row.text, "g"
        lines = textwrap.wrap(name, self.room, subsequent_indent="  ") or [""]
        beside = rest and len(lines[-1]) + 2 + len(rest) <= self.room
        more = [] if beside or not rest else textwrap.wrap(rest, self.room - 2)
        if row.start is not None and self.sequence.begin is not None:
            when = f"{(row.start - self.sequence.begin) * 1e3:.3f}"
            self.front.append(words(GUTTER - 8, y + 4, when, "g",
                                    " text-anchor='end' font-size='10'"))
        self.front.append(shape(row, self.x(row.source), self.x(row.target), y))
        for at, line in enumerate(lines):
            self.front.append(words(self.text, y + 4 + at * LINE, line, kind,
                                    " font-weight='bold'"))
        if beside:
            self.front.append(words(self.text + (len(lines[-1]) + 1.5) * CHAR,
                                    y + 4 + (len(lines) - 1) * LINE, rest, said))
        for at, line in enumerate(more):
            self.front.append(words(self.text + 2 * CHAR, y + 4 + (len(lines) + at) * LINE, line,
                                    said))
        self.y += ROW + (len(lines) + len(more) - 1) * LINE

    def root(self, root, who, count=1):
        """One system call."""
        top = self.y
        for at, row in enumerate(root.rows):
            if count > 1 and not at:
                row.count = count
            self.row(row, who if not at else "")
        if len(root.rows) > 1:
            x = self.x(self.sequence.column[root.thread])
            self.back.append(f"<rect x='{x - 3.5:.1f}' y='{top + ROW / 2:.0f}' width='7' "
                             f"height='{self.y - top - ROW:.0f}' class='v-bar'/>")


def picture(sequence, width, about):
    """The sequence as an SVG file."""
    drawing = Drawing(sequence, width)
    drawing.heads()
    begin = drawing.y
    several = len({call["thread"] for call in sequence.calls}) > 1
    for roots, count, _ in sequence.roots:
        for root in roots:
            drawing.root(root, sequence.who(root.thread) if several else "",
                         count if len(roots) == 1 else 1)
        if count > 1 and len(roots) > 1:
            said = f"... these {len(roots)} calls {count} times in all"
            drawing.front.append(words(drawing.text, drawing.y + 15, said, "x",
                                       " font-weight='bold'"))
            drawing.y += ROW
    lives = drawing.y
    drawing.y += 18
    said = f"{drawing.hidden} calls below these are not drawn: a page (--html) has them" \
        if drawing.hidden else "all calls are drawn"
    legend = ("double line: message; solid: call; dashed: return; dotted: wake; hatched: sleep; "
              "cross: error", said)
    room = int((width - 20) / CHAR)
    for line in (part for text in legend for part in textwrap.wrap(text, room)):
        drawing.front.append(words(8, drawing.y, line, "g"))
        drawing.y += LINE
    height = drawing.y
    title = "The way of a netlink command through the kernel"
    out = ["<!-- SPDX-License-Identifier: GPL-2.0 -->",
           f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height:.0f}' role='img' "
           f"aria-label='{title}' {FONT} font-size='11' width='{width}' "
           f"height='{height:.0f}'>",
           f"<title>{title}</title>",
           f"<desc>{escape(about['command'])}, Linux {escape(about['kernel'])}</desc>",
           f"<style>{STYLE}</style>",
           f"<rect width='{width}' height='{height:.0f}' class='v-bg'/>"]
    out += [f"<path d='M{drawing.x(lane):.1f} {begin:.0f}V{lives:.0f}' class='v-life'/>"
            for lane in range(drawing.count)]
    return "\n".join(out + drawing.back + drawing.front + ["</svg>"])


def chart(sequence, width):
    """When each process was in a system call, and when it waited there: at the scale of time."""
    ends = [when for when in map(sequence.end, sequence.calls) if when is not None]
    if sequence.begin is None or not ends:
        return ""
    begin, total = sequence.begin, max(max(ends) - sequence.begin, 1e-6)
    threads = list(dict.fromkeys(call["thread"] for call in sequence.calls))
    names = [sequence.who(thread) for thread in threads]
    left = max(len(name) for name in names) * CHAR + 14
    # A long name stands above its line.
    above = 16 if left > width * .3 else 0
    left = 8 if above else left
    scale = (width - left - 12) / total
    step = 26 + above
    high = len(threads) * step + 40
    key = f"h{width}"
    out = [f"<svg viewBox='0 0 {width} {high}' role='img' aria-label='Who was busy, and who "
           f"waited' {FONT} font-size='11'>",
           f"<defs><pattern id='{key}' width='5' height='5' patternUnits='userSpaceOnUse' "
           "patternTransform='rotate(45)'><rect width='5' height='5' class='v-o'/>"
           "<path d='M0 0V5' class='v-z' stroke-width='2'/></pattern></defs>"]

    def bar(begins, ends, y, fill, title):
        x = left + (begins - begin) * scale
        wide = max(1.5, (ends - begins) * scale)
        out.append(f"<rect x='{x:.1f}' y='{y}' width='{wide:.1f}' height='16' {fill}>"
                   f"<title>{escape(title)}</title></rect>")

    for at, thread in enumerate(threads):
        y = 6 + at * step + above
        out.append(words(8 if above else 4, y + 12 - above, names[at], "x", " font-weight='bold'"))
        out.append(f"<path d='M{left:.1f} {y + 8}H{width - 8}' class='v-life'/>")
        for call in sequence.calls:
            if call["thread"] != thread or call.get("start") is None:
                continue
            bar(call["start"], sequence.end(call), y, "class='v-s' stroke-width='.7'",
                f"{call.get('function', '')} {call.get('time', '')}")
            for inner in walk(call):
                for sleep in inner.get("sleeps", ()):
                    if sleep["begin"] is not None and sleep["end"] is not None:
                        bar(sleep["begin"], sleep["end"], y, f"fill='url(#{key})' class='v-hatch'",
                            f"waits {duration(sleep['end'] - sleep['begin'])} in "
                            f"{inner.get('function', '')}()")
                if made(inner) and inner.get("start") is not None:
                    out.append(cross(left + (inner["start"] - begin) * scale, y + 8))
    y = len(threads) * step + 10
    out.append(f"<path d='M{left:.1f} {y}H{width - 12}' class='v-c'/>")
    for part in range(5):
        x = left + part / 4 * (width - left - 12)
        out.append(f"<path d='M{x:.1f} {y}v5' class='v-c'/>")
        if part % 2 == 0 or width > 600:
            anchor = ("start", "middle", "middle", "middle", "end")[part]
            text = "0" if not part else duration(part / 4 * total)
            out.append(words(x, y + 17, text, "g", f" text-anchor='{anchor}'"))
    out.append("</svg>")
    return "".join(out)
