# SPDX-License-Identifier: GPL-2.0
"""
The page and the picture of a trace: user space above, the kernel below, the
order to the right, and the tables at the bottom, where the arrows turn. All in
one file, without a script and without anything from elsewhere. Each box has its
number, which is the same in the list of steps, and the kinds of boxes differ by
their outline and not by colour alone.
"""

import html

import trace_decode
import trace_steps
import trace_why

# The lanes from top to bottom: who is at work there.
LANES = ("user space", "sockets", "netlink", "families", "tables and queues")
USER, SOCKETS, NETLINK, FAMILIES, TABLES = range(5)

# What is drawn of a trace: the lane of a function, and the words in its box.
BOXES = {
    "netlink_create": (SOCKETS, "netlink_create"),
    "netlink_bind": (SOCKETS, "netlink_bind"),
    "netlink_sendmsg": (SOCKETS, "netlink_sendmsg"),
    "netlink_recvmsg": (SOCKETS, "netlink_recvmsg"),
    "netlink_unicast": (NETLINK, "netlink_unicast"),
    "netlink_broadcast_filtered": (NETLINK, "broadcast"),
    "netlink_rcv_skb": (NETLINK, "netlink_rcv_skb"),
    "netlink_dump": (NETLINK, "netlink_dump"),
    "netlink_ack": (NETLINK, "netlink_ack"),
    "genl_rcv_msg": (FAMILIES, "genl_rcv_msg"),
    "rtnetlink_rcv_msg": (FAMILIES, "rtnetlink_rcv_msg"),
    "nfnetlink_rcv_msg": (FAMILIES, "nfnetlink_rcv_msg"),
    "sock_diag_rcv_msg": (FAMILIES, "sock_diag_rcv_msg"),
    "ctrl_getfamily": (FAMILIES, "ctrl_getfamily"),
    "ctrl_dumpfamily": (FAMILIES, "ctrl_dumpfamily"),
    "rtnl_getlink": (FAMILIES, "rtnl_getlink"),
    "rtnl_dump_ifinfo": (FAMILIES, "rtnl_dump_ifinfo"),
    "taskstats_user_cmd": (FAMILIES, "taskstats_user_cmd"),
    "genl_validate_ops": (FAMILIES, "genl_validate_ops"),
    "genl_register_family": (TABLES, "genl_fam_idr[{id}] + {name}"),
    "netlink_insert": (TABLES, "nl_table[{proto}] + {portid}"),
    "__netlink_lookup": (TABLES, "nl_table[{proto}]: {portid}?"),
    "genl_get_cmd": (TABLES, "genl_fam_idr[{id}] {name}"),
    "__netlink_sendskb": (TABLES, "queue of {owner}: +{len} B"),
}
PLAIN = {"netlink_insert": "nl_table: insert", "__netlink_lookup": "nl_table: lookup",
         "genl_get_cmd": "genl_fam_idr",
         "__netlink_sendskb": "receive queue"}

# Fill and line for each lane (of the palette by Okabe and Ito), and the shape.
COLOURS = (("#ffffff", "#333333"), ("#e3f1fb", "#0072b2"), ("#e3f1fb", "#0072b2"),
           ("#e0f3ec", "#00795a"), ("#fdf3dc", "#9a6700"))
RUST = ("#fbe9df", "#b34700")

CHAR, PAD, HEIGHT, LANE, TOP, LEFT, GAP = 6.7, 7, 24, 44, 12, 84, 12
FONT = "font-family='DejaVu Sans Mono,Menlo,Consolas,monospace'"


class Box:
    """One box of the picture."""

    def __init__(self, lane, text, rust=False):
        self.lane = lane
        self.text = text
        self.rust = rust
        self.number = 0
        self.x = 0
        self.row = 0
        self.width = 0


def boxes(shown):
    """The boxes, in their order; numbers the calls that have one."""
    out, repeated = [], 0
    for _, root in shown:
        batch = []
        if root.is_syscall():
            batch.append((root, Box(USER, root.title())))
        for call in root.walk():
            name = trace_steps.base(call.name)
            if call.event:
                if call.name.startswith(("genl_do_enter", "genl_dump_buffer", "genl_notify")):
                    words = dict(word.split("=", 1) for word in call.name.split() if "=" in word)
                    kind = {"genl_do_enter": "doit", "genl_dump_buffer": "dump",
                            "genl_notify": "notify"}[call.name.split(":")[0]]
                    batch.append((call, Box(FAMILIES, f"{words.get('family')}: {kind}", True)))
            elif name in BOXES:
                lane, text = BOXES[name]
                try:
                    text = trace_steps.string.Formatter().vformat(text, (), call.facts)
                except KeyError:
                    text = PLAIN.get(name, name)
                batch.append((call, Box(lane, text)))
                if (name == "netlink_recvmsg" and call.facts.get("ret", 0) > 0 and
                        "own" in call.facts and not call.facts["peek"]):
                    batch.append((None, Box(TABLES, "queue of {own}: -{ret} B".format(**call.facts))))
        if root.is_syscall() and len(batch) == 1:
            continue
        # A picture of a thousand boxes shows nothing: equal system calls, once.
        if out and [box.text for _, box in batch] == repeated:
            continue
        repeated = [box.text for _, box in batch]
        out += batch
        if len(out) > 60:
            break
    for number, (call, box) in enumerate(out, 1):
        box.number = number
        if call:
            call.number = number
        box.text = f"{number} {box.text}"
        box.width = len(box.text) * CHAR + 2 * PAD
    return [box for _, box in out]


def place(items, width):
    """Gives each box its row and its x; returns the number of rows."""
    row, ends, last = 0, [LEFT] * len(LANES), LEFT - 22
    for box in items:
        x = max(last + 22, ends[box.lane])
        fresh = box.lane == USER and last > LEFT + width * 0.45
        if (x + box.width > width - 8 or fresh) and last > LEFT - 22:
            row, ends, x = row + 1, [LEFT] * len(LANES), LEFT
        box.row, box.x, last = row, x, x
        ends[box.lane] = x + box.width + GAP
    return row + 1


def outline(box, y):
    """The shape of a box: it says what kind it is, without its colour."""
    fill, line = RUST if box.rust else COLOURS[box.lane]
    x = box.x
    if box.lane == TABLES:
        # A drum, as tables are drawn.
        return (f"<path d='M{x:.0f} {y + 4} v{HEIGHT - 8} q{box.width / 2:.0f} 9 {box.width:.0f} 0 "
                f"v-{HEIGHT - 8} q-{box.width / 2:.0f} -9 -{box.width:.0f} 0z' "
                f"fill='{fill}' stroke='{line}' stroke-width='1.5'/>")
    radius = 12 if box.lane == USER else 2
    dashes = " stroke-dasharray='6 3'" if box.rust else ""
    return (f"<rect x='{x:.0f}' y='{y}' width='{box.width:.0f}' height='{HEIGHT}' rx='{radius}' "
            f"fill='{fill}' stroke='{line}' stroke-width='{2.5 if box.rust else 1.5}'{dashes}/>")


def picture(shown, width, about=None):
    """The picture as SVG; with what it is about, as a file of its own."""
    items = boxes(shown)
    rows = place(items, width)
    tops, lanes, height = [], [], TOP
    for row in range(rows):
        # Lanes in which nothing happens take no room.
        used = sorted({box.lane for box in items if box.row == row})
        tops.append(height)
        lanes.append({lane: height + at * LANE for at, lane in enumerate(used)})
        height += len(used) * LANE + TOP
    height += 14
    size = f" width='{width}' height='{height}'" if about else ""
    name = "The way of a netlink command through the kernel"
    out = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' "
           f"aria-label='{name}' {FONT} font-size='11'{size}>",
           f"<title>{name}</title>",
           f"<defs><marker id='a{width}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
           "markerHeight='7' orient='auto'><path d='M0 0L8 4L0 8z' fill='#333'/></marker></defs>"]
    if about:
        out.insert(0, "<!-- SPDX-License-Identifier: GPL-2.0 -->")
        out.append(f"<desc>{html.escape(about['command'])}, Linux {html.escape(about['kernel'])}"
                   "</desc>")
        out.append(f"<rect width='{width}' height='{height}' fill='#fff'/>")
    for row in range(rows):
        user = USER in lanes[row]
        kernel = len(lanes[row]) - user
        if kernel:
            out.append(f"<rect x='1' y='{tops[row] + LANE * user - 5}' width='{width - 2}' "
                       f"height='{LANE * kernel - 4}' fill='#f4f4f4' stroke='#bbb'/>")
        for lane, y in lanes[row].items():
            first, _, second = LANES[lane].partition(" and ")
            out.append(f"<text x='6' y='{y + 16}' fill='#444'>{first}</text>")
            if second:
                out.append(f"<text x='6' y='{y + 28}' fill='#444'>and {second}</text>")
    for before, box in zip(items, items[1:]):
        if before.row == box.row:
            places = lanes[box.row]
            out.append(arrow(before, box, places[before.lane], places[box.lane], f"a{width}"))
    for box in items:
        y = lanes[box.row][box.lane]
        out.append(outline(box, y))
        weight = " font-weight='bold'" if box.lane == USER else ""
        out.append(f"<text x='{box.x + PAD:.0f}' y='{y + 16}' fill='#111'{weight}>"
                   f"{html.escape(box.text)}</text>")
    out.append(f"<text x='6' y='{height - 6}' fill='#444'>drum: table or queue; "
               "dashed: Rust; rounded: system call</text>")
    out.append("</svg>")
    return "\n".join(out)


def arrow(before, box, from_y, to_y, marker):
    """From one box to the next."""
    if before.lane == box.lane:
        line = f"M{before.x + before.width:.0f} {from_y + 12} H{box.x - 1:.0f}"
    else:
        down = box.lane > before.lane
        start_x = min(before.x + before.width - 10, box.x + 8)
        start_y = from_y + (HEIGHT if down else 0)
        end_y = to_y - 1 if down else to_y + HEIGHT + 1
        line = f"M{start_x:.0f} {start_y} L{box.x + 10:.0f} {end_y}"
    return f"<path d='{line}' stroke='#333' fill='none' marker-end='url(#{marker})'/>"


STYLE = """
:root{color-scheme:light}
body{font:16px/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:70rem;margin:0 auto;padding:.8rem}
h1{font-size:1.35rem;line-height:1.25}h2{font-size:1.1rem;margin:1.6rem 0 .3rem;border-bottom:2px solid #0072b2}
code,.f{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:.86em;overflow-wrap:anywhere}
.f{font-weight:600}
svg{width:100%;height:auto}.narrow{display:none}
ol,ul{list-style:none;padding-left:.75rem;margin:0;border-left:1px solid #bbb}
li{margin:.22rem 0}.top{border:0;padding:0}
.n{display:inline-block;min-width:1.3em;text-align:center;border:1px solid #333;border-radius:.6em;
font-size:.75em;margin-right:.3em;padding:0 .2em}
.s::before{content:" \\2014  "}.e{border-left:4px double #b34700;padding-left:.4rem}
.m{border:1px solid #9a6700;background:#fffaf0;border-radius:4px;padding:.25rem .5rem;margin:.25rem 0}
.m summary{cursor:pointer}.m td{vertical-align:top;padding:0 .8rem 0 0}
.w{border:2px solid #b34700;padding:.4rem .6rem}
table{border-collapse:collapse;font-size:.9em;width:100%}
td:first-child{white-space:nowrap;width:1%}td:first-child code{overflow-wrap:normal}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.pair>div{min-width:0}
.pair td,.pair th{text-align:left;border-bottom:1px solid #ddd;padding:.15rem .5rem .15rem 0;vertical-align:top}
@media(max-width:46rem){.wide{display:none}.narrow{display:block}.pair{grid-template-columns:1fr}
ol,ul{padding-left:.4rem}}
@media print{body{font-size:10pt;max-width:none}.m,li>.f,svg{break-inside:avoid}}
"""


def message_html(message):
    """A message that a step carried."""
    line = trace_decode.header_line(message)
    header = [tuple(line.split(": ", 1))] if line else []
    rows = "".join(f"<tr><td><code>{html.escape(str(name))}</code></td>"
                   f"<td><code>{html.escape(trace_decode.short(value, 400))}</code></td></tr>"
                   for name, value in header + message.get("attributes", [])[:60])
    cut = f"<div>The first {message['cut']} bytes were recorded.</div>" if "cut" in message else ""
    why = "".join(f"<div>{html.escape(text)}</div>" for text in trace_why.lines_of(message))
    return (f"<details class='m' open><summary>{html.escape(trace_decode.headline(message))}</summary>"
            f"<table>{rows}</table>{cut}{why}</details>")


def call_html(call, out, depth=0):
    """A call and what is below it, as a list in a list."""
    mark = f"<span class='n'>{call.number}</span>" if getattr(call, "number", 0) else ""
    if call.event:
        out.append(f"<li class='e'>{mark}<code>{html.escape(call.name)}</code>")
    else:
        out.append(f"<li>{mark}<span class='f'>{html.escape(call.title())}</span>")
        if call.step:
            out.append(f"<span class='s'>{html.escape(call.step)}</span>")
        if call.value and not call.is_syscall():
            out.append(f" <code>= {html.escape(call.value)}</code>")
        if call.made:
            out.append(" <strong>the error was made here</strong>")
    out += [message_html(message) for message in call.messages[:4]]
    more = max(0, len(call.messages) - 4) + sum(message.get("followed", 0) + message.get("skipped", 0)
                                                for message in call.messages)
    if more:
        out.append(f"<div>... and {more} more messages in this buffer</div>")
    if call.calls:
        out.append("<ul>")
        at = 0
        while at < len(call.calls):
            inner, count = call.calls[at], 1
            while (at + count < len(call.calls) and not inner.calls and not inner.event
                   and call.calls[at + count].name == inner.name and not call.calls[at + count].calls):
                count += 1
            call_html(inner, out, depth + 1)
            if count > 1:
                out[-1] = f" ({count} times)" + out[-1]
            at += count
        out.append("</ul>")
    out.append("</li>")


def walk_html(shown, tasks):
    """Picture and steps, without the page around them."""
    out = [f"<div class='wide'>{picture(shown, 1000)}</div>",
           f"<div class='narrow'>{picture(shown, 380)}</div>", "<ol class='top'>"]
    several = len({pid for pid, _ in shown}) > 1
    for pid, root in shown[:80]:
        if several:
            out.append(f"<li><small>{html.escape(tasks[pid])}, process {pid}</small></li>")
        call_html(root, out)
    out.append("</ol>")
    if len(shown) > 80:
        out.append(f"<p>... and {len(shown) - 80} more system calls.</p>")
    return "\n".join(out)


def document(title, body):
    """A page that needs nothing beside it."""
    return ("<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<!-- SPDX-License-Identifier: GPL-2.0 -->"
            "<meta name='viewport' content='width=device-width,initial-scale=1'>"
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n"
            f"{body}\n</body></html>\n")


def page(about, shown, tasks):
    """The page of one command."""
    body = [f"<h1>What the kernel does for <code>{html.escape(about['command'])}</code></h1>",
            f"<p>Seen on Linux {html.escape(about['kernel'])} by ftrace. The order goes to the right, "
            "then to the next row; the numbers are those of the steps below. "
            f"The command ended with status {about['status']}.</p>"]
    warnings = list(about["warnings"])
    if about["lost"]:
        warnings.append(f"{about['lost']} events were lost: the trace has holes.")
    body += [f"<p class='w'>{html.escape(text)}</p>" for text in warnings]
    body.append(walk_html(shown, tasks) if shown else "<p>The command used no netlink.</p>")
    return document(f"netlink: {about['command']}", "\n".join(body))
