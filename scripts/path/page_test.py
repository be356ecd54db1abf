#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests of the page and of the picture that the live path draws, as TAP. The page is opened in
headless Chromium, in a large and in a small window, in dark mode, and is printed; where there is
no Chromium these tests are skipped, and where there is no pdftotext the one of what stands on
paper. What is drawn is a run that was recorded (trace.json), and runs that are made up here: a
queue that overruns, many processes, an error.

  scripts/path/page_test.py
"""

import base64
import collections
import fcntl
import html
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parents[1] / "selftests/lib")]

# pylint: disable=wrong-import-position
import paths
import trace_html
import trace_lanes
import trace_rows
import trace_svg
import trace_why
from ktap import Failure, Skip, equal, ktap_run


# Runs that are made up.

def call(name, start, us, *calls, **more):
    """A call as --json has it."""
    out = {"function": name, "start": start, "time": f"{us:.3f} us", **more}
    if calls:
        out["calls"] = list(calls)
    return out


def root(process, thread, one, pid=None):
    """A call of a process."""
    return {"process": process, "pid": pid or thread, "thread": thread, **one}


def opened(process, portid, start, sk, pid=None):
    """A socket that is bound."""
    return root(process, portid, call("bind()", start, 40, call(
        "netlink_bind", start + 1e-6, 38, call(
            "netlink_insert", start + 5e-6, 9, returned="0",
            fields={"sk": sk, "portid": portid, "proto": 16},
            step=f"portid {portid} enters nl_table[16] (NETLINK_GENERIC)"), returned="0",
        step="gives the socket its address: a portid and groups")), pid)


def event(length=24):
    """A message."""
    return {"length": length, "type": 33, "seq": 0, "portid": 0, "name": "nlpeer event",
            "flags": "0", "command": 7, "family": "nlpeer", "attributes": [["number", 1]]}


def broadcast(start, number, sk, owner, lost):
    """A message to a group with one member."""
    if lost:
        way = call("netlink_overrun", start + 4e-6, 1,
                   fields={"sk": sk, "owner": owner, "proto": 16, "len": 24},
                   step=f"the receive queue of portid {owner} is full ({number} of 4608 bytes, 9 "
                        "waiting): this message is lost, and its reader is told ENOBUFS")
        said = f"lost for portid {owner}, whose queue is full"
    else:
        way = call("__netlink_sendskb", start + 4e-6, 2, call("sock_def_readable", start + 5e-6, 1),
                   fields={"sk": sk, "owner": owner, "proto": 16, "len": 24, "qlen": number},
                   step=f"24 bytes into the receive queue of portid {owner}; {number} waiting "
                        "before it")
        said = f"reached portid {owner}"
    return call("netlink_broadcast_filtered", start, 9, way, messages=[event()],
                fields={"proto": 16, "group": 5, "len": 24}, returned="0",
                step=f"24 bytes to group 5 (events) of NETLINK_GENERIC: {said}")


def flood():
    """A reader that does not read, until its queue is full; then it does."""
    calls = [opened("monitor", 301, 10.0, 1001), opened("sender", 300, 10.001, 1000)]
    request = {**event(20), "name": "nlpeer flood", "attributes": [["count", 90]]}
    sends = [broadcast(10.01 + at * 1e-5, at, 1001, 301, at >= 40) for at in range(90)]
    calls.append(root("sender", 300, call("sendmsg()", 10.005, 9000, call(
        "netlink_sendmsg", 10.0051, 8900, call(
            "netlink_unicast", 10.0052, 8000, call(
                "genl_rcv_msg", 10.006, 7000,
                {"event": "genl_do_enter: family=nlpeer cmd=9", "start": 10.0061}, *sends,
                returned="0", step="type 33 is the id of a family: genl_fam_idr[33] is nlpeer"),
            fields={"proto": 16, "portid": 0, "len": 20}, messages=[request], returned="20",
            step="20 bytes to portid 0, the kernel's socket of NETLINK_GENERIC"),
        fields={"sk": 1000, "proto": 16, "len": 20, "ret": 20}, returned="20",
        step="copies 20 bytes into a buffer; from portid 300 on NETLINK_GENERIC"))))
    calls.append(root("monitor", 301, call("recvmsg()", 10.02, 30, call(
        "netlink_recvmsg", 10.0201, 20, fields={"sk": 1001, "ret": (1 << 32) - 105},
        returned="-105 ENOBUFS", error=105,
        step="reads nothing: -105 ENOBUFS: the queue of portid 301 was full, and 50 messages were "
             "lost in this trace"))))
    for at in range(40):
        calls.append(root("monitor", 301, call("recvmsg()", 10.03 + at * 1e-4, 30, call(
            "netlink_recvmsg", 10.03001 + at * 1e-4, 20, returned="24",
            fields={"sk": 1001, "flags": 0, "ret": 24},
            step="takes the first buffer of the queue of portid 301: 24 bytes"))))
    return calls


def crowd():
    """A dozen processes at the same time, with names as long as names are, and threads of one."""
    calls = []
    for at in range(12):
        calls.append(opened(f"systemd-worker{at}"[:15], 4194290 + at, 20 + at * 1e-3, 2000 + at,
                            4194290 if at > 9 else None))
    for at in range(12):
        calls.append(root(f"systemd-worker{at}"[:15], 4194290 + at, call(
            "recvmsg()", 21 + at * 1e-3, 500000, call(
                "netlink_recvmsg", 21.0001 + at * 1e-3, 499000, call(
                    "__skb_wait_for_more_packets", 21.0002 + at * 1e-3, 498000, sleeps=[
                        {"begin": 21.0003 + at * 1e-3, "end": 21.4 + at * 1e-3,
                         "woken_by": ["sh", 77], "in": "sock_def_readable"}]),
                fields={"sk": 2000 + at, "ret": (1 << 32) - 11}, error=11, returned="-11 EAGAIN",
                step="reads nothing: -11 EAGAIN")), 4194290 if at > 9 else None))
    return calls


def refused():
    """A request that is refused."""
    answer = {"length": 56, "type": 2, "seq": 1, "portid": 149, "error": -3,
              "name": "NLMSG_ERROR: -3 ESRCH",
              "attributes": [["msg", "no such route in this table, a text of some length"]],
              "about": "RTM_DELROUTE", "flags": "0",
              "why": ["ESRCH was made by fib_table_delete(), called by inet_rtm_delroute()",
                      "next: what RTM_DELROUTE names is not there"]}
    asked = {"length": 36, "type": 25, "seq": 1, "portid": 0, "name": "RTM_DELROUTE",
             "flags": "REQUEST|ACK", "attributes": [["dst", "203.0.113.0"]]}
    handler = call("rtnetlink_rcv_msg", 30.001, 300, call("inet_rtm_delroute", 30.0011, 200, call(
        "fib_table_delete", 30.0012, 90, returned="-3 ESRCH", error=3, made_here=True),
        returned="-3 ESRCH", error=3), returned="-3 ESRCH", error=3,
        step="message type 25: which handler?")
    ack = call("netlink_ack", 30.002, 300, call("netlink_unicast", 30.0021, 100, call(
        "__netlink_sendskb", 30.0022, 50,
        fields={"sk": 1, "owner": 149, "len": 56, "qlen": 0, "proto": 0},
        messages=[answer], step="56 bytes into the receive queue of portid 149"),
        fields={"portid": 149, "proto": 0}), step="the request is refused: -3 ESRCH")
    return [opened("ip", 149, 30.0, 1), root("ip", 149, call("sendmsg()", 30.0005, 4000, call(
        "netlink_sendmsg", 30.0006, 3900, call("netlink_unicast", 30.0007, 3800, call(
            "netlink_rcv_skb", 30.0009, 3000, handler, ack, step="takes the buffer apart"),
            fields={"portid": 0, "len": 36, "proto": 0}, messages=[asked]),
        fields={"sk": 1, "len": 36, "ret": 36, "proto": 0}, returned="36",
        step="copies 36 bytes"))),
        root("ip", 149, call("recvmsg()", 30.006, 90, call(
            "netlink_recvmsg", 30.0061, 70, fields={"sk": 1, "flags": 0, "ret": 56}, returned="56",
            step="takes the first buffer")))]


def about(calls, command="made up"):
    """What --json has around the calls."""
    return {"command": command, "kernel": "7.3", "machine": "x86_64", "status": 0, "lost": 0,
            "warnings": [], "calls": calls}


RUNS = {"flood": flood, "crowd": crowd, "refused": refused}


def recorded():
    """The run that the picture of the README shows."""
    return json.loads((HERE / "trace.json").read_text(encoding="utf-8"))


def pages():
    """The pages of all runs."""
    out = {name: trace_html.draw(about(make(), name), make()) for name, make in RUNS.items()}
    out["recorded"] = trace_html.draw(recorded(), recorded()["calls"])
    return out


# The browser.

# Paper, in inches. Chromium leaves 1 cm at each edge.
PAPERS = {"Letter": (8.5, 11), "A4": (8.27, 11.69)}
MARGIN = 1 / 2.54

# What is measured in each page, at each width. It returns what is wrong.
MEASURE = r"""
function visible(one) { return one.checkVisibility() && one.getClientRects().length > 0; }
function rect(one) { return one.getBoundingClientRect(); }
function said(one) { return one.textContent.trim().slice(0, 40); }
function apart(a, b) {
  return a.right <= b.left + 1 || b.right <= a.left + 1 ||
    a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
}
function measure(frame, width) {
  var page = frame.contentDocument, view = frame.contentWindow, wrong = [];
  function bad(text) { if (wrong.length < 9) wrong.push(text); }
  if (view.innerWidth !== width) bad('the window is ' + view.innerWidth);
  var all = page.documentElement.scrollWidth;
  if (all > width) bad('the page is ' + all + ' wide');
  page.querySelectorAll('body *').forEach(function (one) {
    if (!visible(one) || one.closest('svg')) return;
    var box = rect(one);
    if (box.left < -0.5 || box.right > width + 0.5) bad(one.className + ' leaves it: ' + said(one));
  });
  page.querySelectorAll('.x, .t, .box, .tools').forEach(function (one) {
    if (visible(one) && one.scrollWidth > one.clientWidth + 1) bad('too wide: ' + said(one));
  });
  page.querySelectorAll('.seq').forEach(function (table) {
    var heads = Array.from(table.querySelectorAll('.heads .l span'));
    var lanes = +view.getComputedStyle(table).getPropertyValue('--n');
    if (heads.length !== lanes || !lanes) bad(heads.length + ' names of ' + lanes + ' lanes');
    var middles = heads.map(function (head) { return (rect(head).left + rect(head).right) / 2; });
    heads.forEach(function (head, at) {
      if (!visible(head) || !said(head)) bad('lane ' + at + ' has no name');
      if (head.scrollWidth > head.clientWidth + 1) bad('a lane is too wide: ' + said(head));
      if (at && !apart(rect(heads[at - 1]), rect(head))) bad('lanes overlap: ' + said(head));
    });
    function lane(x) { return middles.some(function (one) { return Math.abs(one - x) < 1.5; }); }
    var last = null;
    table.querySelectorAll('tbody .r').forEach(function (row) {
      if (!visible(row)) return;
      var parts = ['.t', '.l', '.x'].map(function (name) {
        return rect(row.querySelector(':scope > ' + name));
      });
      if (!apart(parts[0], parts[1]) || !apart(parts[1], parts[2])) bad('overlap in ' + said(row));
      if (last && !apart(last, parts[2])) bad('overlaps the row before it: ' + said(row));
      last = parts[2];
      var line = row.querySelector(':scope > .l > i');
      if (!line) return;
      var box = rect(line), flat = row.classList.contains('sleep') ? [(box.left + box.right) / 2] :
        [box.left, box.right];
      flat.forEach(function (x) { if (!lane(x)) bad('a line ends between lanes: ' + said(row)); });
    });
  });
  page.querySelectorAll('svg').forEach(function (svg) {
    if (!visible(svg)) return;
    var all = rect(svg), texts = Array.from(svg.querySelectorAll('text'));
    texts.forEach(function (text, at) {
      var box = rect(text);
      if (box.left < all.left - 1 || box.right > all.right + 1) bad('leaves it: ' + said(text));
      texts.slice(0, at).forEach(function (other) {
        if (!apart(rect(other), box)) bad('overlap: ' + said(other) + ' and ' + said(text));
      });
    });
  });
  return wrong;
}
// On paper the lines of the lanes are one picture, which has to be where the lanes are.
function lines(frame) {
  var page = frame.contentDocument, view = frame.contentWindow;
  return Array.from(page.querySelectorAll('.seq')).filter(function (table) {
    var cell = table.querySelector('tbody td'), lanes = rect(table.querySelector('.heads .l'));
    var one = view.getComputedStyle(cell, '::before'), left = rect(cell).left + parseFloat(one.left);
    var each = parseFloat(one.backgroundSize) * view.getComputedStyle(table).getPropertyValue('--n');
    return !one.backgroundImage.includes('gradient') || Math.abs(left - lanes.left) > 1 ||
      Math.abs(parseFloat(one.width) - lanes.width) > 1 || Math.abs(each - lanes.width) > 1;
  }).map(function (table) { return table.id; });
}
function light(color) {
  var parts = color.match(/[\d.]+/g).slice(0, 3).map(function (one) {
    one /= 255;
    return one <= 0.03928 ? one / 12.92 : Math.pow((one + 0.055) / 1.055, 2.4);
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}
function faint(frame, dark) {
  var page = frame.contentDocument, view = frame.contentWindow, out = {};
  var ground = light(view.getComputedStyle(page.body).backgroundColor);
  if (dark ? ground > 0.1 : ground < 0.9) out['the background has ' + ground.toFixed(2)] = 1;
  var text = '.x, .x span, .t, h1, p, .heads span, .heads small';
  page.querySelectorAll(text).forEach(function (one) {
    if (!visible(one)) return;
    var mine = light(view.getComputedStyle(one).color);
    var far = (Math.max(mine, ground) + 0.05) / (Math.min(mine, ground) + 0.05);
    if (far < 4.5) out[one.className + ' has a contrast of ' + far.toFixed(1)] = 1;
  });
  return Object.keys(out);
}
function shapes(frame) {
  var page = frame.contentDocument, view = frame.contentWindow, out = {};
  page.querySelectorAll('.legend .r').forEach(function (row) {
    var line = row.querySelector('i'), style = view.getComputedStyle(line), parts = [];
    parts.push(style.borderTopStyle, style.borderTopWidth, style.outlineStyle);
    ['::before', '::after'].forEach(function (name) {
      var one = view.getComputedStyle(line, name);
      parts.push(one.display, one.content, one.borderRadius, one.transform, one.borderTopStyle,
        one.width, one.height);
    });
    var key = parts.join(' ');
    out[key] = (out[key] || []).concat(said(row));
  });
  return Object.values(out);
}
"""

FIND = r"""
function find(frame) {
  var page = frame.contentDocument, view = frame.contentWindow, out = {};
  function shown(text) {
    return Array.from(page.querySelectorAll('.seq .r')).filter(function (row) {
      return visible(row) && row.textContent.includes(text);
    }).length;
  }
  function type(text) {
    page.getElementById('find').value = text;
    page.getElementById('find').dispatchEvent(new view.Event('input'));
  }
  out.folded = shown('sock_def_readable');
  page.getElementById('open').click();
  out.unfolded = shown('sock_def_readable');
  out.wrong = measure(frame, +frame.width);
  page.getElementById('shut').click();
  out.again = shown('sock_def_readable');
  type('SOCK_def_read');
  out.found = shown('sock_def_readable');
  out.marked = page.querySelectorAll('.hit').length;
  out.said = page.getElementById('said').textContent;
  out.others = shown('bind()');
  type('');
  out.back = shown('bind()');
  out.still = page.querySelectorAll('.hit').length;
  return out;
}
"""


class Browser:
    """Chromium, without a window, started once: it takes commands of the DevTools protocol from one pipe,
    and answers in another. What it has measured is asked for once.
    """

    # So long an answer may take, in seconds.
    PATIENCE = 240

    def __init__(self):
        self.program = next((path for path in map(shutil.which, ("chromium", "chromium-browser",
                                                                 "google-chrome")) if path), None)
        self.folder = self.process = self.commands = self.answers = self.tab = None
        self.numbers = itertools.count(1)
        self.rest = b""
        # The events that have come.
        self.seen = collections.Counter()
        self.known, self.papers = {}, {}

    def start(self):
        """Starts it, with one page."""
        if not self.program:
            raise Skip("chromium is not installed")
        # pylint: disable=consider-using-with
        self.folder = tempfile.TemporaryDirectory()
        (its_commands, self.commands), (self.answers, its_answers) = os.pipe(), os.pipe()
        # It takes commands from 3 and answers in 4: not where one of these may be already.
        its_ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (its_commands, its_answers)]
        self.process = os.posix_spawn(
            self.program, [self.program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                           "--no-first-run", "--disable-background-networking",
                           "--disable-component-update", "--disable-sync", "--window-size=1400,1000",
                           "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}"], os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, its_ends[0], 3), (os.POSIX_SPAWN_DUP2, its_ends[1], 4),
                          (os.POSIX_SPAWN_OPEN, 2, f"{self.folder.name}/errors", os.O_WRONLY | os.O_CREAT,
                           0o600)])
        for end in (its_commands, its_answers, *its_ends):
            os.close(end)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.tab = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")

    def end(self):
        """Ends it, and leaves nothing behind."""
        if self.process:
            os.close(self.commands)
            os.waitpid(self.process, 0)
            os.close(self.answers)
            self.folder.cleanup()

    def message(self):
        """The next message that comes from it."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], self.PATIENCE)
            part = os.read(self.answers, 1 << 20) if ready else b""
            if not part:
                said = Path(self.folder.name, "errors").read_text(encoding="utf-8", errors="replace")
                raise Failure(f"chromium {'has ended' if ready else 'does not answer'}: {said[-400:]}")
            self.rest += part
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def ask(self, method, **params):
        """What it answers to a command."""
        number = next(self.numbers)
        command = {"id": number, "method": method, "params": params}
        if self.tab:
            command["sessionId"] = self.tab
        data = memoryview(json.dumps(command).encode() + b"\0")
        while data:
            data = data[os.write(self.commands, data):]
        while True:
            answer = self.message()
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']}")
                return answer["result"]
            self.seen[answer.get("method")] += 1

    def show(self, page, dark=False, medium=""):
        """Shows a page, in light or in dark mode, or as it would be printed."""
        if not self.process:
            self.start()
        self.ask("Emulation.setEmulatedMedia", media=medium, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        path = Path(self.folder.name, "page.html")
        path.write_text(page, encoding="utf-8")
        self.seen.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not self.seen["Page.loadEventFired"]:
            self.seen[self.message().get("method")] += 1

    def evaluate(self, frames, script, dark=False, medium=""):
        """Shows pages in frames, each with a width, and returns what a script says of them."""
        shown = "".join(f"<iframe sandbox='allow-same-origin{' allow-scripts' if live else ''}' "
                        f"style='border:0;display:block;width:{width}px;height:900px' "
                        f"width='{width}' srcdoc=\"{html.escape(page, quote=True)}\"></iframe>"
                        for page, width, live in frames)
        self.show("<!DOCTYPE html><meta charset='utf-8'><meta name='color-scheme' "
                  f"content='light dark'><body style='margin:0'>{shown}", dark, medium)
        out = self.ask("Runtime.evaluate", returnByValue=True, expression=f"{MEASURE}{FIND}"
                       "var frames = Array.from(document.querySelectorAll('iframe'));"
                       f"(function () {{{script}}})()")
        if "exceptionDetails" in out:
            raise Failure(f"chromium has measured nothing: {out['exceptionDetails']}")
        return out["result"]["value"]

    def measured(self, dark):
        """What is wrong with each page at each width, in light or in dark mode."""
        if dark not in self.known:
            frames = [(name, page, width) for name, page in pages().items()
                      for width in (390, 1280)]
            out = self.evaluate([(page, width, True) for _, page, width in frames],
                                "return frames.map(function (one) { "
                                "return {wrong: measure(one, +one.width), shapes: shapes(one), "
                                f"faint: faint(one, {str(dark).lower()})}}; }});", dark)
            self.known[dark] = {(name, width): one
                                for (name, _, width), one in zip(frames, out)}
        return self.known[dark]

    def printed(self, page, size):
        """A page on paper of this size, as a PDF."""
        if (page, size) not in self.papers:
            self.show(page)
            width, height = PAPERS[size]
            self.papers[page, size] = base64.b64decode(self.ask(
                "Page.printToPDF", printBackground=True, paperWidth=width, paperHeight=height)["data"])
        return self.papers[page, size]

    @staticmethod
    def sheets(paper):
        """How many pages of paper a PDF has."""
        return len(re.findall(rb"/Type\s*/Page[^s]", paper))


BROWSER = Browser()


def places(width):
    """A test at one width."""
    def test():
        for (name, at), one in BROWSER.measured(False).items():
            if at == width:
                equal(one["wrong"], [], name)
    return test


def narrow_and_wide():
    """Tests of the places of all that is drawn."""
    return [(f"at {width} pixels nothing overflows or overlaps, and each lane has its name",
             places(width)) for width in (390, 1280)]


def pictures():
    """in the picture as a file no text overlaps another one, or leaves it"""
    runs = {name: about(make()) for name, make in RUNS.items()}
    drawn = {name: trace_svg.picture(trace_rows.Sequence(run["calls"]), trace_html.WIDTH, run)
             for name, run in {**runs, "recorded": recorded()}.items()}
    out = BROWSER.evaluate([(f"<!DOCTYPE html><body style='margin:0'>{picture}", trace_html.WIDTH,
                             False) for picture in drawn.values()],
                           "return frames.map(function (one) { "
                           "return measure(one, +one.width); });")
    for name, wrong in zip(drawn, out):
        equal(wrong, [], name)


def colours():
    """light and dark: all text is readable"""
    for dark in (False, True):
        for (name, width), one in BROWSER.measured(dark).items():
            equal(one["faint"], [], f"{name} at {width}, {'dark' if dark else 'light'}")


def kinds():
    """each kind of row has a shape of its own, whatever its colour"""
    for (name, width), one in BROWSER.measured(False).items():
        equal([group for group in one["shapes"] if len(group) > 1], [], f"{name} at {width}")
        equal(len(one["shapes"]), len(trace_html.KINDS), "kinds in the legend")


def search():
    """search and folding, without a server"""
    out = BROWSER.evaluate([(pages()["flood"], width, True) for width in (390, 1280)],
                           "return frames.map(find);")
    for one in out:
        equal((one["folded"], one["again"], one["still"]), (0, 0, 0), "folded")
        equal(one["wrong"], [], "unfolded")
        if not one["unfolded"] or one["found"] != one["unfolded"] or one["marked"] != one["found"]:
            raise Failure(f"unfolded, found: {one}")
        equal(bool(re.fullmatch(rf"{one['marked']} of \d+ rows", one["said"])), True, one["said"])
        equal((one["others"], one["back"] > 0), (0, True), "what is not asked for")


def plain():
    """without its script the page shows the same, but for the search"""
    out = BROWSER.evaluate([(pages()["refused"], 1280, False)],
                           "var page = frames[0].contentDocument; "
                           "var rows = Array.from(page.querySelectorAll('.seq tbody .r')); "
                           "return {wrong: measure(frames[0], 1280), "
                           "tools: visible(page.querySelector('.tools')), "
                           "made: page.querySelectorAll('.fail').length, "
                           "rows: rows.filter(visible).length};")
    equal(out["wrong"], [])
    equal(out["tools"], False, "tools that do nothing")
    # One in the legend.
    equal(out["made"], 2, "marks where the error was made")
    if out["rows"] < 12:
        raise Failure(f"{out['rows']} rows")


def paper():
    """printed: so many pages, and not more"""
    for name, most in (("flood", 2), ("recorded", 2), ("crowd", 4)):
        count = BROWSER.sheets(BROWSER.printed(pages()[name], "A4"))
        if not 1 <= count <= most:
            raise Failure(f"{name}: {count} pages, and not {most}")


def edges():
    """laid out for paper nothing overflows or overlaps, and each lane has its name and its line"""
    frames = [(f"{name} on {size}", page, round((inches - 2 * MARGIN) * 96))
              for name, page in pages().items() for size, (inches, _) in PAPERS.items()]
    out = BROWSER.evaluate([(page, width, False) for _, page, width in frames],
                           "return frames.map(function (one) { "
                           "return {wrong: measure(one, +one.width), off: lines(one)}; });", medium="print")
    for (name, _, _), one in zip(frames, out):
        equal((one["wrong"], one["off"]), ([], []), name)


def words(paper_):
    """What is on each page of a PDF: its width, and each word with its left, top, right and bottom edge."""
    text = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=paper_, stdout=subprocess.PIPE,
                          check=True).stdout.decode("utf-8")
    word = re.compile("<word " + " ".join(f'{edge}="([^"]*)"' for edge in ("xMin", "yMin", "xMax", "yMax")) +
                      ">(.*?)</word>")
    for page in text.split("<page ")[1:]:
        yield float(re.match('width="([^"]*)"', page)[1]), [
            (html.unescape(said), *map(float, box)) for *box, said in word.findall(page)]


def margins():
    """printed: no word leaves the edges of the paper, and the first page names each lane"""
    if not shutil.which("pdftotext"):
        raise Skip("pdftotext is not installed (poppler-utils)")
    runs = {name: make() for name, make in RUNS.items()}
    for name, calls in {**runs, "recorded": recorded()["calls"]}.items():
        # To print takes the time: one of them is printed on both.
        for size in PAPERS if name == "flood" else ("A4",):
            sheets = list(words(BROWSER.printed(pages()[name], size)))
            for at, (width, found) in enumerate(sheets, 1):
                edge = MARGIN * 72 - 1
                equal([word for word, left, _, right, _ in found if left < edge or right > width - edge], [],
                      f"{name} on {size}, page {at}: words beyond the edge")
                if not found:
                    raise Failure(f"{name} on {size}: page {at} is empty")
            # The names of the lanes stand in front of what stands above the text.
            first = sheets[0][1]
            left, foot = next((box[0], box[3]) for (one, *box), (other, *_) in zip(first, first[1:])
                              if (one, other) == ("what", "happens"))
            heads = {word for word, *box in first if box[2] < left and foot - 120 < box[3] < foot + 6}
            wanted = {calls[0]["process"], *" ".join(trace_lanes.KERNEL).split()}
            wanted.update(*(f"{title} {more}".split() for title, more in trace_rows.Sequence(calls).columns))
            equal(wanted - heads, set(), f"{name} on {size}: lanes without a name")


# What is drawn.

def counted(row):
    """How many calls a row and what is below it stand for."""
    mine = 0 if row.inner or row.kind in ("wake", "sleep") or row.returns else 1
    return row.count * (mine + sum(counted(one) for one in row.inner)) + \
        sum(counted(one) for one in row.minor) * (1 if row.inner else row.count)


def complete():
    """each call of a run stands in a row, or is counted there"""
    runs = {name: make() for name, make in RUNS.items()}
    for name, calls in {**runs, "recorded": recorded()["calls"]}.items():
        sequence = trace_rows.Sequence(calls)
        want = sum(1 for one in calls for _ in trace_lanes.walk(one))
        got = sum(count * sum(counted(row) for root in roots for row in root.rows)
                  for roots, count, _ in sequence.roots)
        equal(got, want, f"{name}: calls")


def overrun():
    """a flood: what came and what was lost, each counted in one row, to the last one"""
    page = pages()["flood"]
    sequence = trace_rows.Sequence(flood())
    rows = [row for roots, _, _ in sequence.roots for one in roots for row in one.rows]
    equal([(row.kind, row.count) for row in rows if row.count > 1 and row.kind != "return"],
          [("data", 40), ("lost", 50)], "rows that repeat themselves")
    equal([count for _, count, _ in sequence.roots if count > 1], [40], "reads that are folded")
    for text in (">x 40<", ">x 50<", "50 times, at first: message 42",
                 "and 49 more like it", "91 nlpeer event", "= -105 ENOBUFS"):
        if text not in page:
            raise Failure(f"the page has no '{text}'")
    picture = trace_svg.picture(sequence, 860, about(flood()))
    for text in ("x 40 (2) nlpeer event", "x 50 (42) nlpeer event", "= -105 ENOBUFS"):
        if text not in picture:
            raise Failure(f"the picture has no '{text}'")


def again():
    """a message that is lost again and again, in system calls of its own, is said once"""
    calls = flood()[:2] + [root("sender", 300, call("sendmsg()", 11 + at, 90, call(
        "netlink_sendmsg", 11 + at + 1e-5, 80, broadcast(11 + at + 2e-5, at, 1001, 301, True))))
        for at in range(7)]
    sequence = trace_rows.Sequence(calls)
    equal([count for _, count, _ in sequence.roots], [1, 1, 7], "system calls that are folded")
    equal(trace_html.failures(sequence).count("<li>"), 1, "lines on what went wrong")
    if "7 times, at first: message 1 nlpeer event" not in trace_html.failures(sequence):
        raise Failure(trace_html.failures(sequence))


def links():
    """the text of an error: each place of it is a link to its line; the text names as many as fit"""
    calls = refused()
    answer = next(message for one in calls for inner in trace_lanes.walk(one)
                  for message in inner.get("messages", ()) if message.get("error"))
    places = [f"net/ipv4/fib_{name}.c:{line}" for line, name in enumerate(
        ("frontend", "semantics", "trie", "rules", "notifier", "lookup", "hash", "other"), 340)]
    for source in (places, places[:1]):
        answer["source"] = source
        # The tag of a kernel that has no third number, of one that has, and a folder.
        for kernel, folder, begin in (
                ("7.3.0-1-amd64", None, "https://elixir.bootlin.com/linux/v7.3/source/"),
                ("7.3.4+deb13-cloud-amd64", None, "https://elixir.bootlin.com/linux/v7.3.4/source/"),
                ("7.4.0-rc2", None, "https://elixir.bootlin.com/linux/v7.4-rc2/source/"),
                ("7.3.4", "/usr/src/linux", "file:///usr/src/linux/")):
            whole = {**about(calls), "kernel": kernel, **({"source": folder} if folder else {})}
            page = trace_html.draw(whole, calls)
            got = re.findall(r"<a href='((?:https|file):[^']*)'><code>([^<]*)</code>", page)
            equal(got, [(begin + place.replace(":", "#L"), place) for place in source], f"links of {kernel}")
        page = trace_html.draw({**about(calls), "kernel": "unknown"}, calls)
        equal(re.findall("<a href='[^#]", page), [], "links of a kernel without a number")
        equal(page.count(f"<code>{source[0]}</code>"), 1, "it is named")
        line = next(one for one in trace_why.lines_of(answer) if one.startswith("the text is in "))
        named = line.count("net/ipv4/")
        more = re.search(r"and (\d+) more places?$", line)
        equal(named + (int(more[1]) if more else 0), len(source), line)
        if len(line) > 100 or len(source) > 1 and named < 2:
            raise Failure(line)


def blame():
    """an error is red from the function that made it on, and named"""
    sequence = trace_rows.Sequence(refused())
    rows = [row for roots, _, _ in sequence.roots for one in roots for row in one.rows]
    equal([(row.kind, row.name) for row in rows if row.red],
          [("fail", "fib_table_delete()"), ("return", "rtnetlink_rcv_msg()"),
           ("data", "2 NLMSG_ERROR: -3 ESRCH")], "red rows")
    if "ESRCH was made by fib_table_delete(), called by inet_rtm_delroute()" not in \
            trace_html.failures(sequence):
        raise Failure("the function is not named in front of all")


def arrows():
    """a message goes from who sends it to who reads it"""
    lanes = ["monitor", "sender", *trace_lanes.KERNEL]
    rows = [row for roots, _, _ in trace_rows.Sequence(flood()).roots for one in roots
            for row in one.rows if row.kind in ("data", "lost")]
    equal([(row.name, lanes[row.source], lanes[row.target]) for row in rows],
          [("1 nlpeer flood", "sender", "family"), ("2 nlpeer event", "family", "monitor"),
           ("42 nlpeer event", "family", "tables, queues")], "messages")


def readme():
    """the picture of the README is drawn from the recording beside it"""
    now = trace_svg.picture(trace_rows.Sequence(recorded()["calls"]), trace_html.WIDTH,
                            recorded()) + "\n"
    if (HERE / "trace.svg").read_text(encoding="utf-8") != now:
        raise Failure("trace.svg is stale: scripts/path/README.md says how it is drawn")


def all_paths():
    """The page of make paths, on which each path goes the way of the run that was recorded."""
    return paths.draw([(row, recorded()["calls"]) for row in paths.all_rows()])


def sections():
    """make paths: each path once, with its name in the index, three sentences and a picture"""
    page, titles = all_paths(), re.findall(r"<li><a href='#(p\d+)'>(.*?)</a>", all_paths())
    equal(re.findall(r"<h2 id='(p\d+)'>(.*?)</h2>", page), titles, "sections, and the index")
    equal(len({title.partition(". ")[2] for _, title in titles}), len(titles), "different names")
    equal({re.match(r"\d+", title)[0] for _, title in titles}, {str(one) for one in range(1, 17)},
          "paths")
    equal(page.count("<table class='seq'"), len(titles), "pictures")
    for number, text in paths.SENTENCES.items():
        equal(len(re.findall(r"[.?!](?= [A-Za-z\d]|$)", text)), 3, f"sentences of {number}: {text}")


def booklet():
    """make paths: printed, it has less than 40 pages"""
    count = BROWSER.sheets(BROWSER.printed(all_paths(), "A4"))
    if not len(paths.SENTENCES) // 2 <= count < 40:
        raise Failure(f"{count} pages")


def main():
    """Runs the tests."""
    tests = [complete, overrun, again, blame, links, arrows, readme, sections]
    browser = [pictures, colours, kinds, search, plain, paper, edges, margins, booklet]
    try:
        return ktap_run([(test.__doc__, test) for test in tests] + narrow_and_wide() +
                        [(test.__doc__, test) for test in browser])
    finally:
        BROWSER.end()


if __name__ == "__main__":
    sys.exit(main())
