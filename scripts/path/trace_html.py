#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
The page of a trace: a sequence, in which time goes down. It needs nothing from elsewhere, and it
can be read without its script, which searches and folds. What a row is does not depend on its
colour: each kind has its own line and its own head.

  scripts/path/trace_html.py RECORDING [--html FILE] [--svg FILE] [--keep FILE]

draws what trace.py --json has written.
"""

import argparse
import html
import json
import re
import sys

import trace_decode
import trace_svg
import trace_why
from trace_lanes import base, duration, end, walk
from trace_rows import Sequence

# The page, from the colours to what is printed. Sizes of lanes are set for each page. On paper the lines
# of the lanes are one picture, and not one for each row: to print takes a tenth of the time.
STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#16191d;--dim:#586069;--life:#c6ccd4;--bar:#dfe5ec;
--call:#33475b;--data:#0a5fb4;--wake:#7440b0;--red:#c0101c;--event:#a34700;--sleep:#8b939c;
--tint:#f4f6f8;--redtint:#fdeeee;--mark:#ffe58a}
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e7eaee;--dim:#9fa8b3;--life:#3d444d;
--bar:#2b323b;--call:#b9c6d4;--data:#6bb3ff;--wake:#c49bf5;--red:#ff7b7b;--event:#ffa763;
--sleep:#7d8590;--tint:#1c2127;--redtint:#331a1d;--mark:#6a5600}}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,'DejaVu Sans',sans-serif;color:var(--fg);background:var(--bg);
max-width:80rem;margin:0 auto;padding:.6rem 1rem 3rem;overflow-wrap:break-word}
h1{font-size:1.4rem;line-height:1.25;margin:.4rem 0}h2{font-size:1.15rem;margin:2rem 0 .4rem}
p{margin:.4rem 0;max-width:48rem}a{color:var(--data)}
code,.f,.t{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:.92em}
code,.f{overflow-wrap:anywhere}.dim{color:var(--dim)}
.box{border:2px solid var(--red);border-left-width:8px;background:var(--redtint);
padding:.4rem .7rem;margin:.7rem 0}.box ul{margin:.2rem 0;padding-left:1.1rem}
.box li{margin:.15rem 0}
svg{display:block;width:100%;height:auto;margin:.6rem 0}.narrow{display:none}
.tools{display:none;gap:.5rem;flex-wrap:wrap;margin:.6rem 0;align-items:center}
.js .tools{display:flex}
.tools input{flex:1 1 10rem;min-width:0;font:inherit;padding:.25rem .5rem;color:inherit;
background:var(--bg);border:1px solid var(--dim);border-radius:4px}
.tools button{font:inherit;padding:.25rem .6rem;color:inherit;background:var(--tint);
border:1px solid var(--dim);border-radius:4px}
table.seq{border-collapse:collapse;width:100%;table-layout:fixed}.seq td,.seq th{padding:0}
.seq thead{position:sticky;top:0;z-index:2;background:var(--bg)}
.heads{border-bottom:2px solid var(--fg)}
.r{display:grid;grid-template-columns:var(--tw) calc(var(--n)*var(--w)) minmax(0,1fr);
font-weight:400;text-align:left}
.t{color:var(--dim);text-align:right;padding:.16rem .5rem 0 0;font-size:.78em;white-space:nowrap}
.l{position:relative;min-height:1.75em;print-color-adjust:exact;-webkit-print-color-adjust:exact;
background-size:var(--w) 100%;
background-image:linear-gradient(to right,transparent calc(50% - .5px),
var(--life) 0,var(--life) calc(50% + .5px),transparent 0)}
.x{padding:.16rem 0 .16rem .6rem;min-width:0;font-size:.93em}
.heads .l{background:none;display:flex;align-items:flex-end}
.heads .l span{flex:0 0 var(--w);width:var(--w);text-align:center;line-height:1.15;font-size:.82em;
font-weight:600;padding:.2rem 1px;overflow-wrap:anywhere}
.heads .l small{display:block;font-weight:400;color:var(--dim)}
.heads .t,.heads .x{align-self:end;padding-bottom:.2rem;color:var(--dim);font-size:.8em}
.root{border-top:1px solid var(--bar)}
.root .l::before{content:'';position:absolute;top:0;bottom:0;width:7px;background:var(--bar);
border:solid var(--life);border-width:0 1px;left:calc((var(--p) + .5)*var(--w) - 3.5px)}
.l>i{position:absolute;top:.82em;left:calc((var(--a) + .5)*var(--w));width:calc(var(--d)*var(--w));
color:var(--call);border-top:1.5px solid;height:0}
.l>i::after{content:'';position:absolute;top:-5px;border:4.25px solid transparent}
.R>.l>i::after{right:0;border-left:8px solid;border-right:0}
.L>.l>i::after{left:0;border-right:8px solid;border-left:0}
.return>.l>i{border-top-style:dashed}
.return>.l>i::after{width:7px;height:7px;border:solid;border-width:1.5px 1.5px 0 0;top:-4.5px}
.return.R>.l>i::after{transform:rotate(45deg)}.return.L>.l>i::after{transform:rotate(-135deg)}
.data>.l>i,.lost>.l>i{color:var(--data);border-top:5px double;top:.7em}
.data>.l>i::after{top:-9.5px;border-width:7px}.data.R>.l>i::after{border-left:12px solid}
.data.L>.l>i::after{border-right:12px solid}
.data>.l>i::before,.lost>.l>i::before{content:'';position:absolute;width:9px;height:9px;top:-7px;
background:currentColor}
.R>.l>i::before{left:-4px}.L>.l>i::before{right:-4px}
.none>.l>i{color:var(--data);border-top:5px double;top:.7em}
.none.R>.l>i::after,.none.L>.l>i::after{width:4px;height:17px;border:0;background:currentColor;
top:-11px}
.none>.l>i::before{content:'';position:absolute;width:9px;height:9px;top:-7px;
background:currentColor}
.wake>.l>i{color:var(--wake);border-top:3px dotted}
.wake>.l>i::after{width:11px;height:11px;border:2.5px solid!important;border-radius:50%;top:-7px;
background:var(--bg)}.wake.R>.l>i::after{right:-5px}.wake.L>.l>i::after{left:-5px}
.step>.l>i,.event>.l>i,.fail>.l>i,.self>.l>i{border-top:0}
.step>.l>i::after,.event>.l>i::after,.self>.l>i::after{width:9px;height:9px;left:-4.5px;top:-3px;
border:1.5px solid;background:var(--bg)}
.event>.l>i{color:var(--event)}.event>.l>i::after{border-style:dashed;transform:rotate(45deg)}
.sleep>.l>i{color:var(--sleep);border:0;top:2px;bottom:2px;height:auto;width:13px!important;
margin-left:-6.5px;outline:1px solid;
background:repeating-linear-gradient(45deg,currentColor 0 1.5px,
var(--bg) 1.5px 5px);z-index:1}.sleep>.l>i::after{display:none}
.red>.l>i{color:var(--red)}.red .f,.red .v{color:var(--red)}
.fail>.l>i::after,.lost>.l>i::after{content:'\\2715';font:700 15px/17px system-ui,sans-serif;
width:19px;
height:19px;border:2px solid var(--red)!important;border-radius:50%;background:var(--bg);
color:var(--red);text-align:center;z-index:1}
.fail>.l>i::after{left:-9.5px;top:-9px}.lost>.l>i::after{top:-12px}.lost.R>.l>i::after{right:-9px}
.lost.L>.l>i::after{left:-9px}
.f{font-weight:600}.data>.x>.f,.none>.x>.f{color:var(--data)}.red>.x>.f{color:var(--red)}
.wake>.x>.f{color:var(--wake)}.event>.x>.f{color:var(--event)}.sleep>.x>.f{color:var(--dim)}
.no{display:inline-block;min-width:1.5em;padding:0 .25em;border:1.5px solid;border-radius:1em;
text-align:center;font-size:.8em;line-height:1.35;margin-right:.3em}
.n{border:1.5px solid;border-radius:3px;padding:0 .3em;font-weight:700;font-size:.85em;
white-space:nowrap}.who{font-weight:700;margin-right:.3em}
.v{font-weight:600;white-space:nowrap}.k{white-space:nowrap;color:var(--dim);font-size:.86em}
summary{cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}
summary.r:hover{background:var(--tint)}
.more::before{content:'\\25b8'}details[open]>summary .more::before{content:'\\25be'}
.more{color:var(--dim);border:1px solid var(--life);border-radius:3px;font-size:.8em;padding:0 .3em;
white-space:nowrap}
.sub>.r,.sub>details>.r{background:var(--tint);print-color-adjust:exact}
.sub .x{padding-left:calc(.6rem + var(--i,0)*.7rem)}
.m{font-size:.88em;border-collapse:collapse;margin:.1rem 0 .4rem}
.m td{padding:.05rem .8rem .05rem 0;vertical-align:top}.m td:first-child{white-space:nowrap}
.mh{font-weight:600;font-size:.9em}
.rest{margin:.1rem 0;padding-left:1.2rem;font-size:.9em}
:target>.x,:target>summary>.x{outline:2px solid var(--red);outline-offset:1px}
.hit>.x,.hit>summary>.x{background:var(--mark)}.off{display:none!important}
.index{columns:16rem;list-style:none;padding:0}.index li{break-inside:avoid;margin:.15rem 0}
.fates{font-size:.86em;max-width:60rem}.fates ul{margin:.1rem 0;padding-left:1.1rem}
.fates code{overflow-wrap:anywhere}
@media(max-width:46rem),print{.heads .l span{writing-mode:vertical-rl;transform:rotate(180deg);
text-align:left;display:flex;align-items:center;padding:.2rem 0;overflow-wrap:normal;
white-space:nowrap;
line-height:1}.heads .l small{display:inline;margin-top:.4em}}
.tall .l span{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;display:flex;
align-items:center;padding:.2rem 0;overflow-wrap:normal;white-space:nowrap;line-height:1}
.tall .l small{display:inline;margin-top:.4em}
@media screen and (max-width:46rem){body{padding:.5rem .5rem 3rem;font-size:14px}.wide{display:none}
.narrow{display:block}.tall .l span{font-size:.74em}.x{padding-left:.4rem}
.sub .x{padding-left:calc(.4rem + var(--i,0)*.3rem)}.t{padding-right:.25rem}
.m td{padding-right:.4rem}.m td:first-child{white-space:normal}
.data>.l>i::before,.lost>.l>i::before{width:7px;height:7px;top:-6px}
.data>.l>i::after{border-width:6px;
top:-8.5px}.data.R>.l>i::after{border-left-width:9px}.data.L>.l>i::after{border-right-width:9px}}
@media print{:root{color-scheme:light}body{font-size:8.5pt;max-width:none;padding:0}
.tools{display:none!important}
.seq thead{position:relative;display:table-header-group}
.heads{background:var(--bg);box-shadow:0 -3px var(--bg);print-color-adjust:exact}.r,.box li,.m tr{break-inside:avoid}
h2{break-after:avoid}.path{break-inside:auto}a{color:inherit;text-decoration:none}
.l{background:none}.seq>tbody>tr>td{position:relative;isolation:isolate}
.seq>tbody>tr>td::before{content:'';position:absolute;z-index:-1;top:0;bottom:0;left:var(--tw);
width:calc(var(--n)*var(--w));print-color-adjust:exact;background-size:var(--w) 100%;
background-image:linear-gradient(to right,transparent calc(50% - .5px),
var(--life) 0,var(--life) calc(50% + .5px),transparent 0)}
.l>i,.root .l::before,.l>i::after,.l>i::before{print-color-adjust:exact}}
@media print and (prefers-color-scheme:dark){:root{--bg:#fff;--fg:#16191d;--dim:#586069;
--life:#c6ccd4;
--bar:#dfe5ec;--call:#33475b;--data:#0a5fb4;--wake:#7440b0;--red:#c0101c;--event:#a34700;
--sleep:#8b939c;--tint:#f4f6f8;--redtint:#fdeeee}}
"""

# Search and folding. In an attribute, since a page needs no more than this one piece.
SCRIPT = """
(function () {
  var find = document.getElementById('find'), said = document.getElementById('said');
  var rows = Array.from(document.querySelectorAll('.seq tbody .r'));
  var folds = Array.from(document.querySelectorAll('.seq details'));
  var first = folds.map(function (fold) { return fold.open; });
  document.body.classList.add('js');
  function all(open) { folds.forEach(function (fold) { fold.open = open; }); }
  document.getElementById('open').onclick = function () { all(true); };
  document.getElementById('shut').onclick = function () { all(false); };
  find.oninput = function () {
    var text = find.value.trim().toLowerCase(), hits = 0;
    folds.forEach(function (fold, at) { fold.open = text ? false : first[at]; });
    document.querySelectorAll('.root').forEach(function (root) {
      root.classList.toggle('off', text !== '');
    });
    rows.forEach(function (row) {
      var hit = text !== '' && row.textContent.toLowerCase().includes(text), up = row;
      row.classList.toggle('hit', hit);
      if (!hit) return;
      hits++;
      for (; up; up = up.parentElement) {
        if (up.tagName === 'DETAILS' && !(up.firstElementChild === row)) up.open = true;
        if (up.classList.contains('root')) up.classList.remove('off');
      }
    });
    said.textContent = text ? hits + ' of ' + rows.length + ' rows' : '';
  };
  function go() {
    var row = location.hash && document.getElementById(location.hash.slice(1)), up = row;
    for (; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true;
    if (row) row.scrollIntoView({block: 'center'});
  }
  window.addEventListener('hashchange', go);
  go();
})();
"""

# Of a picture.
WIDTH = 860
KINDS = (("call", "R", "call"), ("return", "L", "return"), ("data", "R", "message"),
         ("none", "R", "message to nobody"),
         ("wake", "L", "wake"), ("step", "R", "step"), ("event", "R", "event"),
         ("sleep", "R", "sleep"), ("fail", "R", "error"), ("lost", "R", "lost message"))


def escape(text):
    """For text and for attributes."""
    return html.escape(str(text), quote=True)


def records(shown, tasks, threads):
    """What --json writes, of trees."""
    return [{"process": tasks[pid], "pid": threads.get(pid, pid), "thread": pid, **root.json()}
            for pid, root in shown]


def places_html(places, about):
    """Where the text of an error stands, all of it as links."""
    if len(places) > 1:
        whole = f"the text is in {len(places)} places of the source: "
    else:
        whole = "the text is in "
    links = [(escape(place), trace_why.link_of(place, about)) for place in places]
    return whole + ", ".join(f"<a href='{escape(link)}'><code>{place}</code></a>" if link else
                             f"<code>{place}</code>" for place, link in links)


def message_table(message, about):
    """All of a message; about has the kernel and where its source is."""
    rows = []
    line = trace_decode.header_line(message)
    if line:
        rows.append(line.split(": ", 1) if ": " in line else (line, ""))
    rows += message.get("attributes", [])
    body = "".join(f"<tr><td><code>{escape(name)}</code></td>"
                   f"<td><code>{escape(trace_decode.short(value, 2000))}</code></td></tr>"
                   for name, value in rows)
    notes = [f"the first {message['cut']} bytes were recorded"] if "cut" in message else []
    if message.get("skipped"):
        notes.insert(0, f"{message['skipped']} more messages before it (--messages N, --full)")
    if message.get("followed"):
        notes.append(f"{message['followed']} more messages behind it (--messages N, --full)")
    if message.get("unseen"):
        notes.append(f"and {message['unseen']} bytes of messages that were not recorded")
    if message.get("behind"):
        notes.append(f"and {message['behind']} bytes behind it that are no message")
    if message.get("total"):
        notes.append(f"{message['total']} messages in this dump")
    notes = [escape(text) for text in notes + trace_why.lines_of(message, False)]
    if message.get("source"):
        notes.append(places_html(message["source"], about))
    body += "".join(f"<tr><td colspan='2'>{text}</td></tr>" for text in notes)
    return (f"<div class='mh'>{escape(trace_decode.headline(message))}</div>"
            f"<table class='m'>{body}</table>")


def glance(messages):
    """A little of a message, beside its name."""
    if not messages:
        return ""
    message = messages[0]
    why = trace_why.lines_of(message)
    if why:
        return "; ".join(why)
    pairs = [f"{name} {trace_decode.short(value, 40)}"
             for name, value in message.get("attributes", [])]
    text = trace_decode.short(", ".join(pairs[:3]), 90)
    return text + (f", {len(pairs) - 3} more" if len(pairs) > 3 else "")


def below(row):
    """How much is folded below a row."""
    return len(row.minor) + len(row.inner) + len(row.all) + (0 if row.inner else len(row.messages))


def told(root):
    """The row that is shown of a system call like others: its first message, or how it ended."""
    return next((row for row in root.rows if "number" in row.call), root.rows[-1])


class Writer:
    """Writes the rows of a sequence."""

    def __init__(self, sequence, prefix="r"):
        self.sequence = sequence
        self.prefix = prefix
        self.out = []
        self.last = None
        # Of little, all is shown.
        self.open = sum(1 + len(row.minor) for roots, _, _ in sequence.roots for root in roots
                        for row in root.rows) <= 14
        self.several = len({call["thread"] for call in sequence.calls}) > 1

    def time(self, when):
        """When, in milliseconds since the begin."""
        if when is None or self.sequence.begin is None:
            return ""
        return f"{(when - self.sequence.begin) * 1e3:.3f}"

    def grid(self, row, text, tag="div"):
        """One row: time, lanes, text."""
        left = min(row.source, row.target)
        far = abs(row.source - row.target)
        kind = row.kind if far or row.kind not in ("call", "return", "data", "none", "wake") \
            else f"self {row.kind}"
        way = "R" if row.target >= row.source else "L"
        red = " red" if row.red else ""
        self.out.append(f"<{tag} class='r {kind} {way}{red}' id='{self.prefix}{row.id}' "
                        f"style='--a:{left};--d:{far}{f';--i:{row.indent}' if row.indent else ''}'>"
                        f"<span class='t'>{self.time(row.start)}</span>"
                        f"<span class='l'><i></i></span><span class='x'>{text}</span></{tag}>")

    def said(self, row, root=None, deep=False):
        """The text of a row."""
        out = []
        if root is not None and self.several and root.thread != self.last:
            self.last = root.thread
            out.append(f"<span class='who'>{escape(self.sequence.who(root.thread))}</span>")
        if row.count > 1:
            out.append(f"<span class='n'>x {row.count}</span>")
        call = row.call
        if "number" in call:
            number, _, name = row.name.partition(" ")
            out.append(f"<span class='f'><span class='no'>{number}</span>{escape(name)}, "
                       f"{escape(row.short)}</span>")
            seen = row.text if row.kind == "lost" else glance(row.messages)
            if row.count > 1:
                seen = f"this is the first of {row.count}" + (f": {seen}" if seen else "")
            if seen:
                out.append(f"<span class='dim'>{escape(seen)}</span>")
        else:
            group = base(call) == "netlink_broadcast_filtered"
            name = f"{row.name}, {row.short}" if group else row.name
            out.append(f"<span class='f'>{escape(name)}</span>")
            if row.text:
                out.append(f"<span class='s'>{escape(row.text)}</span>")
        if row.value:
            out.append(f"<code class='v'>= {escape(row.value)}</code>")
        if row.took is not None:
            whole = " in all" if row.returns else ""
            out.append(f"<span class='k'>{duration(row.took)}{whole}</span>")
        if deep:
            out.append(f"<span class='more'> {below(row)} more</span>")
        return " ".join(out)

    def row(self, row, root=None):
        """A row, with what is below it folded."""
        folded = bool(row.minor or row.messages or row.count > 1)
        if not folded:
            self.grid(row, self.said(row, root))
            return
        self.out.append(f"<details{' open' if self.open and not row.messages else ''}>")
        self.grid(row, self.said(row, root, True), "summary")
        self.out.append("<div class='sub'>")
        if row.messages and not row.inner:
            self.plain("".join(message_table(message, self.sequence.about) for message in row.messages))
        for inner in row.inner:
            self.row(inner)
        least = min((inner.depth for inner in row.minor), default=0)
        for inner in row.minor:
            inner.indent = min(inner.depth - least, 12)
            self.row(inner)
        if row.all:
            self.rest(row.all)
        self.out.append("</div></details>")

    def plain(self, text):
        """Text below a row."""
        self.out.append(f"<div class='r'><span class='t'></span><span class='l'></span>"
                        f"<div class='x'>{text}</div></div>")

    def rest(self, rows):
        """The others of those that are folded: a line each."""
        lines = []
        for row in rows:
            words = [self.time(row.start) + " ms:" if row.start is not None else "", row.name,
                     row.short, row.text if row.kind in ("return", "wake") else "",
                     f"= {row.value}" if row.value else "",
                     duration(row.took) if row.took is not None else ""]
            lines.append(f"<li>{escape(' '.join(word for word in words if word))}</li>")
        self.plain(f"<div>and {len(rows)} more like it, of which --json has all steps:</div>"
                   f"<ol class='rest' start='2'>{''.join(lines)}</ol>")

    def root(self, root):
        """One system call."""
        self.out.append(f"<div class='root' style='--p:{self.sequence.column[root.thread]}'>")
        for at, row in enumerate(root.rows):
            self.row(row, root if not at else None)
        self.out.append("</div>")

    def all(self):
        """The sequence."""
        for roots, count, others in self.sequence.roots:
            for at, root in enumerate(roots):
                if count > 1 and not at and len(roots) == 1:
                    root.rows[0].count = count
                    root.rows[0].all = [told(one) for other in others for one in other]
                    root.rows[0].took = None
                self.root(root)
            if count > 1 and len(roots) > 1:
                self.again(roots, count, others)
        return "".join(self.out)

    def again(self, roots, count, others):
        """That several system calls were seen again and again."""
        rows = [told(one) for other in others for one in other]
        names = ", ".join(root.rows[0].name for root in roots)
        lane = roots[0].rows[0].source
        row = self.sequence.row("step", {}, lane, lane, 0, name=names,
                                text="these calls, again and again", start=rows[0].start)
        row.count, row.all = count, rows
        self.out.append(f"<div class='root' style='--p:{self.sequence.column[roots[0].thread]}'>")
        self.row(row, roots[0])
        self.out.append("</div>")


def sizes(sequence):
    """The widths of lanes and of times: in large and small windows, and on paper."""
    count = len(sequence.columns)
    ends = [when for when in map(end, sequence.calls) if when is not None]
    timed = ends and sequence.begin is not None
    chars = len(f"{(max(ends) - sequence.begin) * 1e3:.3f}") if timed else 3
    return [f"--n:{count};--w:{lane}px;--tw:{max(40, chars * char + 10):.0f}px" for lane, char in
            ((min(92, 560 // count), 7.3), (max(13, min(22, 140 // count)), 6.7),
             (min(46, 250 // count), 5.6))]


def heads(columns):
    """The names of the lanes."""
    names = "".join(f"<span>{escape(name)}" +
                    (f" <small>{escape(sub)}</small>" if sub else "") + "</span>"
                    for name, sub in columns)
    tall = " tall" if len(columns) > 8 else ""
    return (f"<div class='r heads{tall}'><span class='t'>ms</span><span class='l'>{names}</span>"
            "<span class='x'>what happens</span></div>")


def table(sequence, name, prefix="r"):
    """A sequence with its lanes, which are named on each page that is printed."""
    wide, narrow, paper = sizes(sequence)
    return (f"<style>#{name}{{{wide}}}@media screen and (max-width:46rem){{#{name}{{{narrow}}}}}"
            f"@media print{{#{name}{{{paper}}}}}</style>"
            f"<table class='seq' id='{name}' role='presentation'><thead><tr><th>"
            f"{heads(sequence.columns)}</th></tr></thead><tbody><tr><td>"
            f"{Writer(sequence, prefix).all()}</td></tr></tbody></table>")


def legend():
    """What the lines and heads mean."""
    items = "".join(f"<span class='r {kind} {way}{' red' if kind in ('fail', 'lost') else ''}' "
                    f"style='--a:0;--d:{0 if kind in ('step', 'event', 'sleep', 'fail') else 1}'>"
                    f"<span class='l'><i></i></span><span class='x'>{word}</span></span>"
                    for kind, way, word in KINDS)
    return f"<div class='legend'>{items}</div>"


def failures(sequence, prefix="r"):
    """What went wrong, in front of all."""
    # What differs by its numbers only is said once.
    lines, times = {}, {}
    for row, count in sequence.errors():
        if "number" in row.call and row.kind == "data":
            why = [line for message in row.messages for line in trace_why.lines_of(message)]
            said = dict(row.messages[0].get("attributes", [])).get("msg", "")
            name = row.messages[0]["name"].partition(": ")[2]
            text = f"{row.messages[0].get('about', 'the request')}: {name}" + \
                (f" \"{said}\"" if said else "") + "".join(f"; {line}" for line in why)
        elif row.kind == "lost":
            text = f"message {row.name} was lost: {row.text}"
        else:
            text = f"{row.name} {'= ' + row.value if row.value else ''} {row.text}"
        key = re.sub(r"\d+", "#", text)
        lines.setdefault(key, (row.id, text))
        times[key] = times.get(key, 0) + count
    # The message of a refusal names the function that made it.
    lines = [(number, text if times[key] == 1 else f"{times[key]} times, at first: {text}")
             for key, (number, text) in lines.items() if "the error was made here" not in text or
             not any(about_maker(text).search(other) for _, other in lines.values())]
    if not lines:
        return ""
    return "<div class='box'><b>What went wrong</b><ul>" + "".join(
        f"<li><a href='#{prefix}{number}'>{escape(text)}</a></li>" for number, text in lines) + \
        "</ul></div>"


def about_maker(text):
    """What a message says of the function, or of the handler, whose row says that it made the error."""
    name = text.partition("()")[0]
    return re.compile("made (by|in) the handler of " if re.match("genl_(do_exit|dump_buffer)", text) else
                      rf"made (by|in) {re.escape(name)}\(\)")


LEGEND_STYLE = """
.legend{display:flex;flex-wrap:wrap;gap:0 .6rem;margin:.4rem 0;--w:34px;--n:2;--tw:0;
font-size:.86em}
.legend .r{grid-template-columns:calc(var(--n)*var(--w)) auto}.legend .l{background:none}
.legend .step .l,.legend .event .l,.legend .sleep .l,.legend .fail .l{width:34px}
.legend .step,.legend .event,.legend .sleep,.legend .fail{grid-template-columns:var(--w) auto}
"""


def document(title, body, script=False):
    """A page that needs nothing beside it."""
    load = f" onload=\"{escape(' '.join(SCRIPT.split()))}\"" if script else ""
    return ("<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<!-- SPDX-License-Identifier: GPL-2.0 -->"
            "<meta name='viewport' content='width=device-width,initial-scale=1'>"
            f"<title>{escape(title)}</title><style>{STYLE}{LEGEND_STYLE}{trace_svg.STYLE}</style>"
            f"</head><body{load}>\n"
            f"{body}\n</body></html>\n")


TOOLS = ("<div class='tools'><input id='find' type='search' "
         "placeholder='Search functions, messages, values' aria-label='Search'>"
         "<button id='open'>unfold all</button><button id='shut'>fold all</button>"
         "<span id='said' class='dim' role='status'></span></div>")


def draw(about, calls):
    """The page of a recording."""
    sequence = Sequence(calls, about)
    messages = len(sequence.messages)
    processes = len({call.get("pid", call["thread"]) for call in calls})
    threads = len({call["thread"] for call in calls})
    facts = [f"Linux {about['kernel']}", f"status {about['status']}",
             f"{processes} process{'es' if processes != 1 else ''}" +
             (f" with {threads} threads" if threads != processes else ""),
             f"{len(calls)} calls", f"{messages} message{'s' if messages != 1 else ''}"]
    ends = [when for when in (end(call) for call in calls) if when is not None]
    if ends and sequence.begin is not None:
        facts.insert(2, duration(max(ends) - sequence.begin))
    body = [f"<h1>What the kernel does for <code>{escape(about['command'])}</code></h1>",
            f"<p class='dim'>{escape(', '.join(facts))}. Time goes down; a number in a ring is "
            "that of a message. Rows with a triangle unfold.</p>"]
    warnings = list(about["warnings"])
    if about["lost"]:
        warnings.append(f"{about['lost']} events were lost: the trace has holes.")
    if warnings:
        body.append("<div class='box'>" + "".join(f"<p>{escape(text)}</p>" for text in warnings) +
                    "</div>")
    if not calls:
        body.append("<p>The command used no netlink.</p>")
        return document(f"netlink: {about['command']}", "\n".join(body))
    body += [failures(sequence),
             f"<div class='wide'>{trace_svg.chart(sequence, 1000)}</div>",
             f"<div class='narrow'>{trace_svg.chart(sequence, 374)}</div>",
             legend(), TOOLS, table(sequence, "seq")]
    return document(f"netlink: {about['command']}", "\n".join(body), True)


def page(about, shown, tasks, threads):
    """The page of one command."""
    return draw(about, records(shown, tasks, threads))


def picture(about, shown, tasks, threads):
    """The picture of one command, as a file of its own."""
    return trace_svg.picture(Sequence(records(shown, tasks, threads)), WIDTH, about)


def main():
    """Draws a recording."""
    parser = argparse.ArgumentParser(description="Draws what trace.py --json has written.")
    parser.add_argument("recording", metavar="RECORDING")
    parser.add_argument("--html", metavar="FILE", help="write the page there")
    parser.add_argument("--svg", metavar="FILE", help="write the picture there")
    parser.add_argument("--keep", metavar="FILE",
                        help="write there what is drawn of it, as a file of this project")
    args = parser.parse_args()
    with open(args.recording, encoding="utf-8") as file:
        about = json.load(file)
    if args.html:
        with open(args.html, "w", encoding="utf-8") as file:
            file.write(draw(about, about["calls"]))
    if args.svg:
        with open(args.svg, "w", encoding="utf-8") as file:
            file.write(trace_svg.picture(Sequence(about["calls"]), WIDTH, about) + "\n")
    if args.keep:
        for call in about["calls"]:
            for inner in walk(call):
                inner.pop("args", None)
        with open(args.keep, "w", encoding="utf-8") as file:
            json.dump({"licence": "SPDX-License-Identifier: GPL-2.0", **about}, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
