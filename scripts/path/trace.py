#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Shows which kernel functions a command passes through when it talks netlink, what
they return, and the messages.

trace_record.py records one command and its children, a process that runs already, or
everybody. The result is a tree for each system call, in which trace_steps.py says what each
step does, trace_decode.py what the messages hold, and trace_why.py who made an error.
Rust functions cannot be traced by name; families made with rust/genl show up
by their tracepoints.
"""

import argparse
import errno
import io
import json
import os
import re
import signal
import sys

import trace_decode
import trace_live
import trace_names
import trace_steps
import trace_summary
import trace_why
from trace_btf import Btf
from trace_decode import Decoder
from trace_functions import FUNCTIONS, NOISE, matcher
from trace_record import PROGRAM, TRACEFS, TraceError, Tracer, read, write
from trace_spec import Specs
from trace_tree import Parser

__all__ = ["TRACEFS", "TraceError", "Tracer", "Parser", "read", "write", "render", "deliver",
           "end_on_signals"]

# Functions of the classic path that compilers inline: what is said at the
# nearest function that is there, unless it is called from one of these.
INLINED = {
    "netlink_unicast": ("through genlmsg_reply() or nlmsg_unicast(), inlined",
                        ("netlink_sendmsg", "netlink_ack", "netlink_dump")),
    "netlink_broadcast_filtered": ("through nlmsg_multicast(), inlined", ("netlink_sendmsg",)),
}


def remark_of(call, depth, parent):
    """What stands beside a call."""
    remark = call.step
    if depth == 0 and call.is_syscall():
        remark = "system call"
    elif call.name in INLINED and parent not in INLINED[call.name][1]:
        remark = f"{remark}; {INLINED[call.name][0]}" if remark else INLINED[call.name][0]
    if call.value and not call.is_syscall():
        remark += f"  = {call.value}"
    if call.made:
        remark += "  <== " + trace_why.mark_of(call.or_by)
    if call.facts.get("next"):
        remark += f": {call.facts['next']}"
    return remark.strip()


def duration(seconds):
    """A time in words."""
    return f"{seconds:.3f} s" if seconds >= 1 else f"{seconds * 1e3:.3f} ms"


def who(task, pid, threads):
    """A task by its name: a thread of a process, or a process."""
    if pid in threads:
        return f"{task}, thread {pid} of process {threads[pid]}"
    return f"{task}, process {pid}" if pid else "an interrupt on an idle processor"


class Text:
    """The trees as text, in the order in which it happened: a call that slept is cut where it
    slept, if others did something then, and goes on where it woke.
    """

    def __init__(self, shown, tasks, threads, args):
        self.tasks, self.threads, self.args = tasks, threads, args
        self.starts = [(call.start, pid) for pid, call in shown]
        known = [start for start, _ in self.starts if start is not None]
        # What is printed bit by bit has one begin.
        self.begin = getattr(args, "begin", None) or (min(known) if known else 0)
        # Pieces: when, whose, and lines.
        self.pieces = []
        self.lines = []
        for pid, root in shown:
            self.piece(root.start, pid)
            self.call(root, root, 0)

    def piece(self, when, pid):
        """Begins a new piece."""
        self.lines = []
        self.pieces.append((when, pid, self.lines))

    def write(self, out, several=False):
        """Prints all pieces; several: others may come behind."""
        several = several or len({pid for _, pid, _ in self.pieces}) > 1
        pieces = self.pieces
        if all(when is not None for when, _, _ in pieces):
            pieces = sorted(pieces, key=lambda piece: piece[0])
        last = None
        for _, pid, lines in pieces:
            if several and pid != last:
                print(f"[{who(self.tasks[pid], pid, self.threads)}]", file=out)
                last = pid
            for line in lines:
                print(line, file=out)

    def add(self, depth, name, remark="", when=None, took=None):
        """One line."""
        text = "  " * depth + name
        if self.args.times:
            stamp = f"{when - self.begin:12.6f}" if when is not None else " " * 12
            text = f"{stamp} {took or '':>12}  {text}"
        self.lines.append(f"{text:<52}  {remark}".rstrip())

    def call(self, call, root, depth, parent="", repeated=1):
        """A call and all below it."""
        args = self.args
        name, late, remark = call.title(), False, ""
        if repeated > 1:
            name += f" (x {repeated})"
        if call.event:
            self.add(depth, "* " + name, "" if args.names else remark_of(call, depth, parent), call.start)
        else:
            remark = "" if args.names else remark_of(call, depth, parent)
            late = bool(call.value or call.facts.get("read")) and bool(remark) and self.is_cut(call, root)
            self.add(depth, name, "" if late else remark, call.start, call.time)
        if not args.names:
            for message in call.messages:
                self.message(message, depth + 1)
        at, sleeps = 0, list(call.sleeps)
        while at <= len(call.calls):
            while sleeps and sleeps[0].place <= at:
                self.sleep(sleeps.pop(0), call, root, depth + 1)
            if at == len(call.calls):
                break
            inner, count = call.calls[at], 1
            # A leaf that is called in a loop is one line.
            while (self.leaf(inner) and at + count < len(call.calls)
                   and self.leaf(call.calls[at + count])
                   and call.calls[at + count].name == inner.name
                   and call.calls[at + count].step == inner.step
                   and call.calls[at + count].value == inner.value):
                count += 1
            self.call(inner, root, depth + 1, call.name, count)
            at += count
        if late:
            # What came of it is known when the others are done, and stands behind what they did.
            self.add(depth, f"~ {name} ends", remark)

    def is_cut(self, call, root):
        """Whether others did something while a call slept."""
        return any(self.others(sleep, root) for inner in call.walk() for sleep in inner.sleeps)

    def others(self, sleep, root):
        """Whether others did something in the time of a sleep."""
        return sleep.begin is not None and sleep.end is not None and any(
            start and sleep.begin < start < sleep.end and pid != root.pid for start, pid in self.starts)

    @staticmethod
    def leaf(call):
        """Whether there is nothing to show of a call but its name."""
        return not (call.calls or call.event or call.messages or call.sleeps or call.made)

    def sleep(self, sleep, call, root, depth):
        """A call sleeps."""
        if self.args.names:
            return
        woken = ""
        if sleep.waker:
            woken = f"woken by {who(*sleep.waker, self.threads)}" + \
                (f", in {sleep.where.title()}" if sleep.where else "")
        if sleep.begin is None or sleep.end is None:
            self.add(depth, "~ sleeps, and does not wake in this trace", "", sleep.begin)
            return
        took = duration(sleep.end - sleep.begin)
        if not self.others(sleep, root):
            self.add(depth, f"~ slept for {took}" + (f"; {woken}" if woken else ""), "", sleep.begin)
            return
        self.add(depth, "~ sleeps", "", sleep.begin)
        self.piece(sleep.end, root.pid)
        self.add(0, f"~ {root.title()} goes on in {call.title()}, after {took}" +
                 (f": {woken}" if woken else ""), "", sleep.end)

    def message(self, message, depth):
        """A message: its header, its attributes, and why it is an error."""
        full = self.args.full
        margin = "  " * depth + "| "
        if message.get("skipped"):
            self.add(0, f"{margin}... {message['skipped']} more messages (--messages N, --full)")
        self.add(0, margin + trace_decode.headline(message))
        header = trace_decode.header_line(message, full)
        if header:
            self.add(0, f"{margin}  {trace_decode.short(header, 10000 if full else 160)}")
        attributes = message.get("attributes", [])
        for name, value in attributes[:None if full else 8]:
            self.add(0, f"{margin}  {name} = {trace_decode.short(value, 10000 if full else 100)}")
        if len(attributes) > 8 and not full:
            self.add(0, f"{margin}  ... {len(attributes) - 8} more attributes (--full)")
        if "cut" in message:
            self.add(0, f"{margin}  (the first {message['cut']} bytes were recorded)")
        for line in trace_why.lines_of(message):
            self.add(0, f"{margin}  {line}")
        if message.get("followed"):
            self.add(0, f"{margin}... {message['followed']} more messages (--messages N, --full)")
        if message.get("unseen"):
            self.add(0, f"{margin}... and {message['unseen']} bytes of messages that were not recorded")
        if message.get("behind"):
            self.add(0, f"{margin}... and {message['behind']} bytes behind it that are no message")
        if message.get("total"):
            self.add(0, f"{margin}  {message['total']} messages in this dump")


class Filter:
    """Which system calls are shown."""

    def __init__(self, args, decoder):
        self.args = args
        self.decoder = decoder
        self.protocol = None
        if args.protocol:
            self.protocol = protocol_number(args.protocol)

    def wants(self, root):
        """Whether a tree has what was asked for."""
        args = self.args
        return (root.shows_netlink() and (not args.only or root.mentions(args.only))
                and (self.protocol is None or any(call.facts.get("proto") == self.protocol or
                                                  call.facts.get("protocol") == self.protocol
                                                  for call in root.walk()))
                and (not args.family or any(self.family(call) for call in root.walk()))
                and (not args.group or any(self.group(call) for call in root.walk()))
                and (not args.errors or any(self.error(call) for call in root.walk())))

    def family(self, call):
        """Whether a call has to do with the family."""
        return any(self.args.family in (message.get("family"), message["name"], message.get("about"))
                   for message in call.messages) or call.facts.get("name") == self.args.family or \
            call.event and f"family={self.args.family} " in call.name + " "

    def group(self, call):
        """Whether a call has to do with the group, by number or name."""
        if trace_steps.base(call.name) != "netlink_broadcast_filtered" or "group" not in call.facts:
            return False
        # "1 (RTNLGRP_LINK)" is called 1, rtnlgrp_link and link.
        words = re.findall(r"[\w-]+", self.decoder.group(call.facts.get("proto"), call.facts["group"]).lower())
        words += [re.sub("^(rtnl|nfnl)grp_", "", word) for word in words]
        return self.args.group.lower().replace("-", "_") in [word.replace("-", "_") for word in words]

    @staticmethod
    def error(call):
        """Whether something went wrong here: a refusal, a message that was lost, a failed call."""
        return any(message.get("error", 0) < 0 for message in call.messages) or \
            trace_steps.base(call.name) == "netlink_overrun" or bool(trace_why.failed(call))


def protocol_number(text):
    """Of a protocol by number, or by name with or without NETLINK_."""
    for number, name in trace_names.PROTOCOLS.items():
        if text.upper() in (name, name.removeprefix("NETLINK_"), str(number)):
            return number
    raise TraceError(f"--protocol: '{text}' is none of " + ", ".join(
        name.removeprefix("NETLINK_").lower() for name in trace_names.PROTOCOLS.values()))


def render(shown, tasks, args, out, threads=None, several=False):
    """Prints the trees."""
    Text(shown, tasks, threads or {}, args).write(out, several)


EPILOG = """questions that it answers:
  which function refused my request?    %(prog)s -- ip route del 192.0.2.7
  and what had that function called?    %(prog)s --deep -- ip route add 192.0.2.0/24 via 198.51.100.1
  what does this program really send?   %(prog)s --full -- nft list ruleset
  only what goes wrong:                 %(prog)s --errors --sh 'ip link add a type dummy; ip link add a type dummy'
  what did it cost?                     %(prog)s --summary -- ip addr
  what does that daemon do?             %(prog)s --pid $(pidof networkd) --summary
  which process sends these?            %(prog)s --all --group link
  who does not read, and loses?         %(prog)s --all --errors
"""


def arguments():
    """Parses the arguments."""
    parser = argparse.ArgumentParser(
        description="Show the kernel functions that a netlink command passes through, what "
                    "each does for it, what it returns, and the messages.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    whom = parser.add_argument_group("whom")
    whom.add_argument("--sh", metavar="CMD", help="a command line for the shell")
    whom.add_argument("--pid", metavar="PID", type=int, action="append", default=[],
                      help="a process that runs already, with its threads and children, until "
                           "it ends or Ctrl-C")
    whom.add_argument("--all", action="store_true", help="everybody, until Ctrl-C")
    whom.add_argument("--timeout", metavar="S", type=float, help="stop after S seconds")
    whom.add_argument("command", nargs="*", help="the command and its arguments")
    what = parser.add_argument_group("what is shown")
    what.add_argument("--only", metavar="TEXT",
                      help="the system calls that have this in their tree")
    what.add_argument("--protocol", metavar="NAME", help="one protocol of netlink (route, generic ...)")
    what.add_argument("--family", metavar="NAME", help="one family, or one message")
    what.add_argument("--group", metavar="NAME", help="notifications to one group, by name or number")
    what.add_argument("--errors", action="store_true", help="what went wrong")
    what.add_argument("--deep", action="store_true",
                      help="every kernel function under the handler of a request that failed")
    what.add_argument("--messages", metavar="N", type=int, default=3,
                      help="so many messages of each buffer are shown, the others are counted (3)")
    what.add_argument("--full", action="store_true", help="all messages with all attributes")
    what.add_argument("--times", action="store_true", help="when each call began, and how long it took")
    what.add_argument("--names", action="store_true",
                      help="only the names of the functions, and tracepoints of Rust")
    what.add_argument("--summary", action="store_true",
                      help="requests, bytes, time and errors of each command, instead of the tree")
    how = parser.add_argument_group("how")
    how.add_argument("--text", metavar="FILE", help="write the tree there (- is standard output, "
                                                    "and the default)")
    how.add_argument("--html", metavar="FILE", help="write a page with a picture there")
    how.add_argument("--svg", metavar="FILE", help="write only the picture there")
    how.add_argument("--json", metavar="FILE", help="write all that is known there, for machines")
    how.add_argument("--output", metavar="FILE", dest="text", help="the same as --text")
    how.add_argument("--specs", metavar="DIR", action="append", default=[],
                     help="a folder with specs of families (YAML, JSON), beside those of the kernel")
    how.add_argument("--source", metavar="DIR", action="append", default=[],
                     help="the source of the kernel, where the texts of errors are looked for")
    how.add_argument("--buffer-kb", metavar="KB", type=int,
                     help="memory for the trace, for each processor (16384; with --pid and --all, "
                          "which print while they record, 4096)")
    how.add_argument("--completion", action="store_true",
                     help='completion for bash: eval "$(%(prog)s --completion)"')
    args = parser.parse_args()
    if args.completion:
        # pylint: disable=import-outside-toplevel
        import trace_completion
        print(trace_completion.script(parser, PROGRAM), end="")
        sys.exit()
    if bool(args.sh) + bool(args.command) + bool(args.pid) + args.all != 1:
        parser.error("give a command behind --, or one for the shell with --sh, or --pid, or --all")
    if args.deep and (args.all or args.names):
        parser.error("--deep is for one command or process, and not with --names")
    args.buffer_kb = args.buffer_kb or (4096 if args.pid or args.all else 16384)
    if args.messages < 1:
        parser.error("--messages: at least 1")
    if not (args.html or args.json or args.svg or args.text):
        args.text = "-"
    return args


def deliver(path, text):
    """Writes a result."""
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def results(args, shown, parser, about, rows, printed):
    """Writes all that was asked for, but what has been printed."""
    tasks, threads = parser.tasks, parser.threads
    if args.text and not printed:
        out = io.StringIO()
        if args.summary:
            trace_summary.show(rows, out)
        else:
            render(shown, tasks, args, out, threads, bool(args.pid or args.all))
        deliver(args.text, out.getvalue())
    if args.json or args.html or args.svg:
        # pylint: disable=import-outside-toplevel
        import trace_html
        if args.json:
            calls = trace_html.records(shown, tasks, threads)
            deliver(args.json, json.dumps({**about, "summary": list(map(vars, rows)), "calls": calls},
                                          indent=1, default=str) + "\n")
        if args.html:
            deliver(args.html, trace_html.page(about, shown, tasks, threads))
        if args.svg:
            deliver(args.svg, trace_html.picture(about, shown, tasks, threads) + "\n")


def end_on_signals():
    """The instance has to be removed however this ends."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))


def complain(text):
    """Says what is not as it should be."""
    print(f"{PROGRAM}: {text}", file=sys.stderr)


def cannot_run(command):
    """Why a command cannot be run, or None: it is known before anything is prepared."""
    folders = [""] if "/" in command else os.environ.get("PATH", os.defpath).split(":")
    paths = [os.path.join(folder, command) for folder in folders]
    if any(os.path.isfile(path) and os.access(path, os.X_OK) for path in paths):
        return None
    return os.strerror(errno.EACCES if any(map(os.path.exists, paths)) else errno.ENOENT)


def pruned(shown):
    """With --deep: only the handler that failed in all its depth, the others as always."""
    wanted, noise = matcher(FUNCTIONS), matcher(NOISE)

    def kept(calls, deep):
        out = []
        for call in calls:
            inside = deep or call.facts.get("refused")
            below = kept(call.calls, inside)
            if inside or call.event or wanted.fullmatch(call.name) and not noise.fullmatch(call.name):
                call.calls = below
                out.append(call)
            else:
                out += below
        return out
    for _, root in shown:
        root.calls = kept(root.calls, root.facts.get("refused"))


class Session:
    """One run: what explains what was recorded, and what came of it."""

    def __init__(self, args):
        self.args = args
        self.parser = Parser()
        self.specs = Specs(args.specs)
        decoder = Decoder(self.specs)
        self.explainer = trace_steps.Explainer(decoder, None if args.full else args.messages,
                                               trace_live.Holders())
        self.why = None if args.names else trace_why.Why(Btf(), trace_why.Source(args.source))
        self.filter = Filter(args, decoder)
        # Text is printed while it comes, if it is for somebody who reads it.
        self.printed = bool(args.pid or args.all) and args.text == "-" and not args.summary
        self.counter = trace_summary.Counter(self.whose) if args.pid or args.all else \
            trace_summary.Counter()
        self.shown = []
        # Of so many trees nothing is left but what was printed.
        self.forgotten = 0

    def whose(self, pid):
        """A process by its name and number."""
        process = self.parser.threads.get(pid, pid)
        return f"{self.parser.tasks[pid]} {process}"

    def explain(self, roots):
        """Says what trees mean."""
        self.explainer.explain(roots)
        if self.why:
            self.why.explain(roots)

    def show(self, shown):
        """Prints what has just been recorded."""
        if self.args.deep:
            pruned(shown)
        if self.printed:
            self.args.begin = getattr(self.args, "begin", None) or shown[0][1].start
            render(shown, self.parser.tasks, self.args, sys.stdout, self.parser.threads, True)
            sys.stdout.flush()

    def record(self, tracer):
        """Records a command; returns its status, and how many events were lost."""
        args = self.args
        words = re.findall(r"[\w./-]+", args.sh) if args.sh else args.command
        tracer.prepare(not args.names, words, deep=args.deep)
        status, text, lost = tracer.record(["sh", "-c", args.sh] if args.sh else args.command,
                                           args.timeout)
        roots, _ = self.parser.parse(text)
        self.explain(roots)
        self.shown = [(pid, call) for pid, call in roots if self.filter.wants(call)]
        self.show(self.shown)
        self.counter.add(self.shown)
        return status, lost

    def watch(self, tracer):
        """Records what runs already; returns how many events were lost."""
        args = self.args
        live = trace_live.Live(self.parser, self.explain, self.filter.wants, self.show, self.counter)
        live.threads(args.pid)
        tracer.prepare(not args.names, everybody=args.all, deep=args.deep)
        pids = live.threads(args.pid)
        complain("recording, until Ctrl-C" + (f" or for {args.timeout:g} s" if args.timeout else ""))
        lost = tracer.watch(pids, live.feed, args.timeout)
        live.turn(last=True)
        self.shown = list(live.kept)
        self.forgotten = live.count - len(self.shown)
        return lost


def what_of(args):
    """What was recorded, in words."""
    if args.sh or args.command:
        return args.sh or " ".join(args.command)
    return "all processes" if args.all else "process " + ", ".join(map(str, args.pid))


def ended(args, session, status, lost, about):
    """Says what the user has to know beside."""
    for warning in about["warnings"]:
        complain(warning)
    if lost:
        complain(f"{lost} events did not fit the buffer: the tree has holes "
                 f"(--buffer-kb {2 * args.buffer_kb} is twice as much)")
    if session.forgotten and (args.html or args.svg or args.json or not (session.printed or args.summary)):
        complain(f"{session.forgotten} system calls were left out of the files: these have the last "
                 f"{len(session.shown)}")
    if not session.shown:
        asked = [option for option in ("only", "protocol", "family", "group", "errors")
                 if getattr(args, option)]
        complain(("the command" if args.sh or args.command else what_of(args)) + " used no netlink" +
                 (f" with {args.only!r} in it" if args.only else
                  f" that --{' and --'.join(asked)} would show" if asked else ""))
    if status:
        complain(f"the command ended with status {status}" if status > 0 else
                 f"the command was ended by signal {-status} ({signal.Signals(-status).name})")


def main():
    """Looks whether it can be done, and does it."""
    args = arguments()
    for path in (args.text, args.html, args.svg, args.json):
        folder = os.path.dirname(path or "") or "."
        if path and path != "-" and not os.access(folder, os.W_OK):
            complain(f"{path} cannot be written: {folder} is no folder, or not ours")
            return 125
    why = cannot_run(args.command[0]) if args.command else None
    if why:
        complain(f"{args.command[0]}: {why}")
        return 127

    end_on_signals()
    tracer = Tracer(args.buffer_kb)
    try:
        return recorded(args, tracer)
    except TraceError as error:
        complain(error)
        return 125
    except KeyboardInterrupt:
        complain("interrupted: not all of what was recorded is shown" if tracer.began else
                 "interrupted before the command had begun" if args.sh or args.command else
                 "interrupted before anything was recorded")
        return 130


def recorded(args, tracer):
    """Records, explains, writes; returns the exit status."""
    status, session = 0, Session(args)
    with tracer:
        if args.pid or args.all:
            lost = session.watch(tracer)
        else:
            status, lost = session.record(tracer)
    about = {"command": what_of(args), "kernel": os.uname().release,
             "machine": os.uname().machine, "status": status, "lost": lost,
             "warnings": tracer.warnings + sorted(session.specs.missing)}
    if session.why and session.why.source.folder:
        about["source"] = session.why.source.folder
    results(args, session.shown, session.parser, about, session.counter.rows(), session.printed)
    ended(args, session, status, lost, about)
    return status if status >= 0 else 128 - status


def run():
    """Runs, and says how it ended."""
    try:
        return main()
    except BrokenPipeError:
        # Whoever read what we print has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(run())
