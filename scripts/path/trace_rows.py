# SPDX-License-Identifier: GPL-2.0
"""
A trace as a sequence: who does what, one row after the other, for those that draw it. It is made
of what --json writes, so a recording is drawn as the run itself.

A row is a call, a return, a message, a wake, a sleep or an event. It goes from one lane to
another. What repeats itself is one row that says how often; what is of less interest stands below
the row before it. Nothing is left out.
"""

import re

import trace_names
import trace_why
from trace_lanes import (FAMILY, KERNEL, NETLINK, SOCKETS, TABLES, base, duration, end, error_of,
                         lane_of, made, named, size, took, walk)
from trace_names import QUIET

OTHERS = "others"
# More processes at a time than this share the last of their lanes.
MOST = 7

# What a step is in few words, for a picture: from the fields of the call.
SHORT = {
    "netlink_insert": "nl_table[{proto}] + {portid}",
    "genl_register_family": "genl_fam_idr[{id}] + {name}",
    "genl_get_cmd": "genl_fam_idr[{id}] {name}",
}
# Steps that are of interest for themselves; a handler is one as well.
MAIN = re.compile("netlink_insert|__netlink_lookup|netlink_rcv_skb|netlink_dump|netlink_ack|"
                  r"\w+_rcv_msg|genl_get_cmd|genl_register_family|genl_unregister_family|"
                  "netlink_broadcast_filtered|netlink_overrun|ctrl_getfamily|ctrl_dumpfamily|"
                  "rtnl_dump_ifinfo|netlink_proto_init|genl_init|nfnetlink_init|sock_diag_init|"
                  "rtnetlink_init|__netlink_kernel_create|rtnetlink_net_init|genl_pernet_init|"
                  "netlink_net_init|sock_register|genl_ctrl_event|kobject_uevent_env")
CALLS_HANDLER = re.compile(r"(rtnetlink|nfnetlink|xfrm_user|sock_diag)_rcv_msg|rtnl_dumpit|"
                           "genl_dumpit|genl_family_rcv_msg_(do|dump)it|nfnetlink_rcv_skb_batch")
NO_HANDLER = re.compile(".*(capable|calcit|attrs_parse|lookup|lock|size|validate|notify).*|"
                        "__netlink.*|netlink_.*|security_.*|genl_get_cmd")
# What tells of a system call what it does.
SAYS = ("__sys_setsockopt", "netlink_create", "netlink_bind", "netlink_connect", "netlink_sendmsg",
        "netlink_recvmsg", "netlink_getname", "netlink_setsockopt", "netlink_getsockopt",
        "netlink_release")
PEEK = 2
INTO_QUEUE = ("__netlink_sendskb", "netlink_overrun")


class Row:
    """One row: from a lane to a lane, and what is to be said of it."""

    def __init__(self, kind, call, source, target):
        # call, return, data, none, lost, wake, sleep, event, step or fail.
        self.kind, self.call, self.source, self.target = kind, call, source, target
        self.name, self.text, self.short, self.value = "", "", "", ""
        self.start, self.took = call.get("start"), took(call)
        self.depth = self.indent = 0
        # main: of interest for itself. returns: from a call that has a row of its own.
        self.red = self.main = self.returns = False
        self.messages = []
        # What is below it, and how often it was seen, with the other times.
        self.minor, self.count, self.all = [], 1, []
        self.inner = []
        self.id = 0


class Root:
    """One system call, or the part of it between two sleeps."""

    def __init__(self, thread, rows):
        self.thread, self.rows, self.start = thread, rows, rows[0].start

    def signature(self):
        """What is the same in those that are folded."""
        return self.thread, tuple(sign(row) for row in self.rows)


def sign(row):
    """What is the same in rows that are folded: all but the numbers."""
    name = row.name.partition(" ")[2] if "number" in row.call else row.name
    return (row.kind, row.source, row.target, name,
            re.sub(r"[\d.]+( (s|ms|µs)\b)?", "#", row.text), error_of(row.call), row.red,
            tuple(sign(one) for one in row.inner))


def cycles(items, signature):
    """What comes several times in a row, of up to four items: (items, [others like them])."""
    signs = [signature(item) for item in items]
    out, at = [], 0
    while at < len(items):
        best = 1, 1
        for period in range(1, 5):
            count = 1
            while at + (count + 1) * period <= len(signs) and signs[at:at + period] == \
                    signs[at + count * period:at + (count + 1) * period]:
                count += 1
            saved = period * (count - 1)
            if count >= (2 if period == 1 else 3) and saved > best[0] * (best[1] - 1):
                best = period, count
        period, count = best
        out.append([items[at + one * period:at + (one + 1) * period] for one in range(count)])
        at += period * count
    return out


class Sequence:
    """The rows of a trace, and its lanes."""

    def __init__(self, calls, about=None):
        self.calls = calls
        # What --json has around the calls.
        self.about = about or {}
        self.ids = 0
        starts = [call["start"] for call in calls if call.get("start") is not None]
        self.begin = min(starts) if starts else None
        # The clock of a length is not that of a begin: no call of a thread ends behind the next.
        self.limits, after = {}, {}
        for call in reversed(calls):
            self.limits[id(call)] = after.get(call["thread"])
            after[call["thread"]] = call.get("start")
        self.messages, self.reads, self.shapes = {}, {}, {}
        self.owners = {}
        self.columns = []
        self.column = {}
        self.lanes()
        self.number()
        self.roots = self.folded(self.pieces())

    # The lanes.

    def lanes(self):
        """A lane for each process and thread; where there are many, those that were not there at
        the same time share one.
        """
        spans, titles = {}, {}
        for call in self.calls:
            thread = call["thread"]
            first, last = call.get("start") or 0, end(call) or 0
            old = spans.get(thread, (first, last))
            spans[thread] = min(old[0], first), max(old[1], last)
            name = call["process"]
            titles[thread] = (name, f"{thread}") if call.get("pid", thread) == thread else \
                (name, f"{call['pid']}/{thread}")
        columns = []
        for thread in sorted(spans, key=lambda one: spans[one][0]):
            at = None
            if len(spans) > 4:
                at = next((number for number, threads in enumerate(columns)
                           if spans[threads[-1]][1] < spans[thread][0]), None)
                if at is None and len(columns) >= MOST:
                    at = MOST - 1
            if at is None:
                columns.append([])
                at = len(columns) - 1
            columns[at].append(thread)
            self.column[thread] = at
        for threads in columns:
            name, sub = titles[threads[0]]
            if len(threads) > 1:
                names = {titles[thread][0] for thread in threads}
                name = name if len(names) == 1 else f"{name}, ..."
                sub = f"{sub} +{len(threads) - 1}"
            self.columns.append((name, sub))
        self.titles = titles
        self.learn_owners()
        if any(base(inner) in INTO_QUEUE and self.reader(inner) is None
               for call in self.calls for inner in walk(call)):
            self.columns.append((OTHERS, "not traced"))
            self.column[OTHERS] = len(self.columns) - 1
        self.processes = len(self.columns)
        for lane in KERNEL:
            self.column[lane] = len(self.columns)
            self.columns.append((lane, ""))

    def end(self, root, call=None):
        """When a root has ended, or a call in it."""
        known = [when for when in (end(call or root), self.limits[id(root)]) if when is not None]
        return min(known) if known else None

    def learn_owners(self):
        """Whose sockets there are."""
        for call in self.calls:
            for inner in walk(call):
                fields = inner.get("fields", {})
                if base(inner) in ("netlink_insert", "netlink_recvmsg", "netlink_sendmsg") and \
                        "sk" in fields:
                    self.owners[fields["sk"]] = call["thread"]

    def reader(self, call):
        """Who reads the socket that a call is about, or None."""
        return self.owners.get(call.get("fields", {}).get("sk"))

    def who(self, thread):
        """A process in words."""
        if thread == OTHERS:
            return "a process that is not traced"
        name, sub = self.titles[thread]
        pid, _, number = sub.partition("/")
        return f"{name} {pid}" + (f", thread {number}" if number else "")

    # The messages.

    def number(self):
        """Gives each message its number, and finds out which one a read has taken."""
        events = []
        for call in self.calls:
            self.steps(call, call, (), "", events)
        if all(when is not None for when, *_ in events):
            events.sort(key=lambda event: event[0])
        queues, count = {}, 0
        for _, call, carried, sender in events:
            fields, name = call.get("fields", {}), base(call)
            queue = queues.setdefault(fields.get("sk"), [])
            if name != "netlink_recvmsg":
                count += 1
                self.messages[id(call)] = count, carried, sender
                if name == "__netlink_sendskb":
                    queue.append((count, carried, call))
            elif isinstance(fields.get("ret"), int) and 0 < fields["ret"] < 1 << 31 and queue:
                self.reads[id(call)] = queue[0]
                if not fields.get("flags", 0) & PEEK:
                    queue.pop(0)

    def steps(self, call, root, above, sender, events):
        """Where messages are sent, lost and read, with what they carry and who has made them."""
        name, messages = base(call), call.get("messages") or ()
        if name == "netlink_ack":
            sender = NETLINK
        elif name == "netlink_dump" or lane_of(call) == FAMILY and not name.endswith("()"):
            sender = FAMILY
        if name == "netlink_broadcast_filtered":
            above = messages
        if name == "netlink_recvmsg":
            events.append((self.end(root, call), call, (), sender))
        elif name in INTO_QUEUE or messages and name == "netlink_unicast":
            events.append((call.get("start"), call, messages or above, sender))
        for inner in call.get("calls", ()):
            self.steps(inner, root, above, sender, events)

    # The rows.

    def row(self, kind, call, source, target, depth, **words):
        """A new row."""
        row = Row(kind, call, source, target)
        row.depth = depth
        for key, value in words.items():
            setattr(row, key, value)
        self.ids += 1
        row.id = self.ids
        return row

    def pieces(self):
        """All trees, those cut where others went on while they slept; in the order of time."""
        out = []
        for call in self.calls:
            rows = self.tree(call)
            pieces = [[]]
            for row in rows:
                if row.kind == "wake":
                    pieces.append([])
                pieces[-1].append(row)
            out += [Root(call["thread"], piece) for piece in pieces if piece]
        if all(root.start is not None for root in out):
            out.sort(key=lambda root: root.start)
        return out

    def tree(self, root):
        """The rows of one tree."""
        thread, title = root["thread"], root.get("function", "")
        home, rows = self.column[thread], []
        first = None
        if title.endswith("()"):
            first = self.row("call", root, home, self.column[SOCKETS], 0, name=title)
            rows.append(first)
            rows += self.inside(root, root, 1, self.column[SOCKETS], None)
        else:
            rows += self.call(root, root, 0, home, None)
        rows = self.minor(rows)
        if first:
            self.close(root, first, rows)
        return rows

    def close(self, root, first, rows):
        """What a system call did and returned: in its only row, or in the row of its return."""
        below = list(walk(root))
        says = [call for name in SAYS for call in below if base(call) == name] + below
        says = next((call for call in says if call.get("step")), {})
        last = next((call for call in below if base(call) in SAYS and call.get("returned")), {})
        home, source = first.source, self.column[SOCKETS]
        read = next((call for call in walk(root) if base(call) == "netlink_recvmsg"), None)
        text, short = says.get("step", ""), ""
        if read is not None and id(read) in self.reads:
            number, carried, sent = self.reads[id(read)]
            source = self.column[TABLES]
            length = read["fields"]["ret"]
            waits = ""
            until = self.end(root, read)
            if sent.get("start") is not None and until is not None:
                waits = f"; it waited {duration(max(0, until - sent['start']))} in the queue"
            peek = read["fields"].get("flags", 0) & PEEK
            short = f"{'looks at' if peek else 'takes'} message {number}"
            text = f"{short}: {named(carried)}, {size(length)}" + ("" if peek else waits)
        error = error_of(last)
        value, red = last.get("returned", ""), bool(error and error not in QUIET)
        if len(rows) == 1:
            if source == self.column[TABLES]:
                # All that happens is that it reads.
                first.kind, first.source, first.target = "return", source, home
            first.text, first.value, first.red = text, value, red
            match = re.search(r"\((NETLINK_\w+)\)", text)
            first.short = short or (text if text.startswith("SOL_") else match[1] if match else "")
            return
        if read is None:
            first.text, text = text, ""
        else:
            first.text = "wants the first buffer of its queue"
        rows.append(self.row("return", root, source, home, 0, name=first.name, text=text,
                             short=short, value=value, red=red, start=self.end(root), returns=True))

    def inside(self, root, call, depth, lane, above):
        """The rows of what a call has called, with its sleeps; what repeats itself is folded."""
        sleeps = list(call.get("sleeps", ()))
        out, batch = [], []

        def flush():
            for group in cycles(batch, self.shape):
                inner = [row for one in group[0]
                         for row in self.call(one, root, depth, lane, above)]
                if len(group) == 1:
                    out.extend(inner)
                    continue
                self.repeat(inner, group, root, depth, lane, above, out)
            batch.clear()

        for inner in call.get("calls", ()):
            while sleeps and inner.get("start") is not None and sleeps[0]["begin"] is not None and \
                    sleeps[0]["begin"] < inner["start"]:
                flush()
                out += self.sleep(sleeps.pop(0), call, root, depth)
            batch.append(inner)
        flush()
        for sleep in sleeps:
            out += self.sleep(sleep, call, root, depth)
        return out

    def repeat(self, inner, group, root, depth, lane, above, out):
        """What was seen several times: once, and how often."""
        if not inner:
            return
        head = inner[0]
        if len(inner) > 1 and any(row.main for row in inner):
            # Several rows each time: one in front of them says so.
            main = self.chief(inner)
            head = self.row(main.kind, main.call, main.source, main.target, depth, name=main.name,
                            short=main.short, text=main.text, red=main.red, main=True,
                            start=inner[0].start)
            head.inner = self.minor(inner)
        else:
            head.minor = inner[1:]
        head.count = len(group)
        for other in group[1:]:
            rows = [row for one in other for row in self.call(one, root, depth, lane, above)]
            head.all.append(self.chief(rows))
        times = [sum(took(one) or 0 for one in other) for other in group]
        head.took = sum(times)
        out.append(head)

    @staticmethod
    def chief(rows):
        """The row that says most of several."""
        for kind in ("lost", "fail", "data", "none"):
            for row in rows:
                if row.kind == kind:
                    return row
        return next((row for row in rows if row.main), rows[0])

    def shape(self, call):
        """What is the same in calls that are folded."""
        known = self.shapes.get(id(call))
        if known is None:
            known = self.shapes[id(call)] = self.shape_of(call)
        return known

    def shape_of(self, call):
        """The same, not looked up."""
        return (base(call), call.get("event", "").split(":")[0], made(call),
                error_of(call),
                tuple(message.get("name") for message in call.get("messages") or ()),
                bool(call.get("sleeps")) and id(call),
                re.sub(r"\d+", "#", call.get("step", "")),
                tuple(tuple(self.shape(one) for one in group[0])
                      for group in cycles(call.get("calls", []), self.shape)))

    def call(self, call, root, depth, lane, above):
        """The rows of a call and of all below it."""
        name = base(call)
        if "event" in call:
            return [self.event(call, depth)]
        mine = lane_of(call)
        here = self.column[mine]
        row = self.row("call" if here != lane else "step", call, lane, here, depth,
                       name=f"{name}()", text=call.get("step", ""), value=call.get("returned", ""))
        row.main = call is root or bool(MAIN.fullmatch(name)) or made(call) or \
            bool(above and CALLS_HANDLER.fullmatch(base(above)) and not NO_HANDLER.fullmatch(name))
        self.brief(row, call, name)
        if id(call) in self.messages:
            self.carry(row, call, name, root)
        elif name == "netlink_broadcast_filtered":
            self.group(row, call, lane)
        if made(call):
            self.fail(row, call)
        rows = [row]
        # What is of less interest stands below another row: arrows begin where that one ended.
        rows += self.inside(root, call, depth + 1, here if row.main else lane, call)
        if error_of(call) and mine == FAMILY and lane != here and \
                any(map(made, walk(call))):
            back = self.row("return", call, here, lane, depth, name=f"{name}()",
                            value=call.get("returned", ""), red=True, main=True, start=end(call))
            back.took, back.returns = None, True
            rows.append(back)
        return rows

    @staticmethod
    def fail(row, call):
        """A call that has made an error, or maybe it."""
        row.kind, row.red = "fail", True
        mark = trace_why.mark_of(call.get("made_here_or_by", ()))
        row.text = "; ".join(text for text in (row.text, mark, call.get("next")) if text)

    def group(self, row, call, lane):
        """A message to a group: it goes to each of the readers, or stops where nobody is."""
        row.messages = list(call.get("messages") or ())
        row.name = named(row.messages) or row.name
        match = re.match(r"(\d+) bytes to group (.*?) of (\w+): (.*)", row.text)
        if match:
            row.short = f"{size(match[1])} to group {match[2]}"
            row.text = f"of {match[3]}: {match[4]}"
        if not any(base(one) in INTO_QUEUE for one in walk(call)):
            row.kind, row.source, row.value = "none", lane, ""

    def brief(self, row, call, name):
        """The few words for a picture."""
        if name == "__netlink_lookup":
            match = re.match(r"looks for portid (\d+) in (nl_table\[\d+\])", row.text)
            row.short = f"{match[2]}: {match[1]}?" if match else "nl_table"
        elif name in SHORT:
            try:
                row.short = SHORT[name].format(**call.get("fields", {}))
            except KeyError:
                pass

    def carry(self, row, call, name, root):
        """A row that is a message."""
        number, carried, sender = self.messages[id(call)]
        row.main, row.messages = True, list(carried)
        length = call.get("fields", {}).get("len", 0)
        row.name = f"{number} {named(carried) or 'message'}"
        row.short = size(length)
        row.call = {**call, "number": number, "size": length}
        row.red = any(message.get("error", 0) < 0 for message in carried)
        row.value = ""
        home = self.column[root["thread"]]
        if name == "netlink_unicast":
            row.kind, row.source, row.target = "data", home, self.column[FAMILY]
            return
        owner = self.reader(call)
        row.source = self.column[sender] if sender else home
        row.kind, row.target = "data", self.column[OTHERS if owner is None else owner]
        portid = call.get("fields", {}).get("owner")
        if portid is not None:
            row.short += f" to queue of {portid}"
        if name == "netlink_overrun":
            row.kind, row.target, row.red = "lost", self.column[TABLES], True
            row.short = f"{size(length)} lost"

    def event(self, call, depth):
        """A tracepoint, of Rust or not."""
        name, _, text = call["event"].partition(":")
        lane = self.column[FAMILY]
        row = self.row("event", call, lane, lane, depth, name=name, text=text.strip(),
                       main=name.startswith("genl_"))
        words = dict(word.split("=", 1) for word in text.split() if "=" in word)
        if "family" in words:
            row.short = words["family"]
        if made(call):
            self.fail(row, call)
            row.value = f"{words['result']} {trace_names.error_name(int(words['result']))}"
        return row

    def sleep(self, sleep, call, root, depth):
        """A call sleeps, and is woken."""
        home = self.column[root["thread"]]
        begin, until = sleep["begin"], sleep["end"]
        first = self.row("sleep", call, home, home, depth, name="sleeps", text=f"in {base(call)}()",
                         start=begin, took=None, main=True)
        if begin is None or until is None:
            first.text += ", and does not wake in this trace"
            return [first]
        first.took = until - begin
        first.name = "slept"
        waker = sleep.get("woken_by")
        text, source = "", home
        if waker:
            task, thread = waker
            text = f"by {task} {thread}" if thread else "by an interrupt"
            if sleep.get("in"):
                text += f", in {sleep['in']}()"
            if thread in self.column:
                source = self.column[thread]
            if sleep.get("in") == "sock_def_readable":
                source = self.column[TABLES]
        if not self.others(begin, until, root):
            first.text += f"; woken {text}" if text else ""
            return [first]
        first.name, first.took = "sleeps", None
        last = self.row("wake", call, source, home, depth, name="wakes", start=until, took=None,
                        text=f"woken {text} after {duration(until - begin)}", main=True)
        return [first, last]

    def others(self, begin, until, root):
        """Whether somebody else did something in this time."""
        return any(call.get("start") and begin < call["start"] < until and
                   call["thread"] != root["thread"] for call in self.calls)

    @staticmethod
    def minor(rows):
        """Puts what is of less interest below the row in front of it."""
        out = []
        for row in rows:
            if out and not row.main:
                out[-1].minor.append(row)
            else:
                out.append(row)
        return out

    def folded(self, roots):
        """System calls that repeat themselves are one; (roots, how often, the others)."""
        return [(group[0], len(group), group[1:]) for group in cycles(roots, Root.signature)]

    def errors(self):
        """The rows that say what went wrong, in their order, each with how often it did."""
        # A return on the way up says nothing new.
        return [(one, count * one.count)
                for roots, count, _ in self.roots for root in roots for row in root.rows
                for one in deep(row) if one.red and
                (one.kind != "return" or "calls" not in one.call or one.depth == 0)]


def deep(row):
    """A row and all that is below it; of what repeats itself only that it does."""
    yield row
    for inner in row.minor if row.inner else row.inner + row.minor:
        yield from deep(inner)


