# SPDX-License-Identifier: GPL-2.0
"""
How often, how much and how long: the requests of a trace by protocol, family and command, and
what was told to groups.
"""

import itertools

import trace_steps
import trace_why
from trace_names import NLMSG_MIN_TYPE, error_name, protocol_name

# So many requests are remembered for their answers.
ASKED = 10000
# So many rows are kept apart by processes; what was counted longest ago is then one row for all.
ROWS = 5000
OTHERS = "others"


class Row:
    """What there is to count of one command."""

    def __init__(self, protocol, family, command, process=""):
        self.protocol, self.family, self.command = protocol, family, command
        self.process = process
        self.requests = 0
        # Bytes from user space, and to it; microseconds in the kernel.
        self.sent = 0
        self.received = 0
        self.microseconds = 0.0
        self.errors = {}

    def key(self):
        """What it is found by."""
        return self.protocol, self.family, self.command, self.process

    def add(self, other):
        """What another row has counted."""
        self.requests += other.requests
        self.sent += other.sent
        self.received += other.received
        self.microseconds += other.microseconds
        for error, count in other.errors.items():
            self.errors[error] = self.errors.get(error, 0) + count


def took(call):
    """How long a call took, in microseconds."""
    return float(call.time.split()[0]) if call.time else 0.0


class Counter:
    """Counts trees as they come; of each process by itself if its name is known."""

    def __init__(self, name_of=lambda pid: ""):
        self.name_of = name_of
        self.table = {}
        # The row of each request by its number, for what comes back.
        self.asked = {}

    def rows(self):
        """The rows, those that took longest first."""
        return sorted(self.table.values(), key=lambda row: -row.microseconds)

    def row(self, pid, proto, message, prefix=""):
        """The row of a message."""
        # Not each system call is known by its protocol.
        key = ("netlink" if proto is None else protocol_name(proto), str(message.get("family", "")),
               prefix + message["name"], self.name_of(pid))
        row = self.table.pop(key, None) or Row(*key)
        self.table[key] = row
        return row

    def asker(self, *asked):
        """The row of the request for which something comes back, or None."""
        key = self.asked.get(asked)
        return key and (self.table.get(key) or self.table.get((*key[:-1], OTHERS)))

    def fold(self):
        """Counts the oldest rows together."""
        old = [key for key in itertools.islice(self.table, max(0, len(self.table) - ROWS))
               if key[-1] != OTHERS]
        for key in old:
            whole = (*key[:-1], OTHERS)
            self.table.setdefault(whole, Row(*whole)).add(self.table.pop(key))

    def add(self, shown):
        """Counts some trees."""
        for pid, root in shown:
            batch, whose = [], self.name_of(pid)
            for call in root.walk():
                name, proto = trace_steps.base(call.name), call.facts.get("proto")
                if trace_why.failed(call):
                    self.failed(pid, call)
                if name == "netlink_unicast" and call.facts.get("portid") == 0:
                    batch = self.sent(pid, whose, proto, call.facts.get("sent", ()))
                    if len(batch) == 1 or not any(inner.name.endswith("_rcv_msg") for inner in call.walk()):
                        for row in batch:
                            row.microseconds += took(call) / len(batch)
                        batch = []
                elif name.endswith("_rcv_msg") and batch:
                    batch.pop(0).microseconds += took(call)
                elif name == "netlink_dump" and "recv" in root.title():
                    seq = next((message["seq"] for inner in call.walk() for message in inner.messages), None)
                    row = self.asker(whose, proto, seq)
                    if row:
                        row.microseconds += took(call)
                elif name == "netlink_broadcast_filtered":
                    for message in call.messages[:1]:
                        row = self.row(pid, proto, message, "to a group: ")
                        row.requests += 1
                        row.received += call.facts.get("len", 0) * sum(
                            trace_steps.base(inner.name) == "__netlink_sendskb" for inner in call.walk())
                        row.microseconds += took(call)
                elif name == "__netlink_sendskb":
                    self.answered(call, whose, proto)
        # An answer comes soon, or never.
        trace_steps.trim(self.asked, ASKED)
        self.fold()

    def sent(self, pid, whose, proto, messages):
        """What was sent to the kernel, whatever of it is shown: the rows, in the order of the
        messages that functions are called for.
        """
        batch = []
        for message in messages:
            row = self.row(pid, proto, message)
            row.requests += 1
            row.sent += message["length"]
            self.asked[whose, proto, message.get("seq")] = row.key()
            if (message["type"] or 0) >= NLMSG_MIN_TYPE:
                batch.append(row)
            if "unseen" in message:
                # More than a trace records of one buffer.
                self.row(pid, proto, {"name": "messages that were not recorded"}).sent += message["unseen"]
        return batch

    def failed(self, pid, call):
        """A system call that failed by itself; recvmsg() is netlink_recvmsg() here."""
        name = trace_steps.base(call.name).removeprefix("netlink_").replace("create", "socket")
        row = self.row(pid, call.facts.get("proto", call.facts.get("protocol")), {"name": f"{name}() fails"})
        row.requests += 1
        row.microseconds += took(call)
        row.errors[error_name(call.error)] = row.errors.get(error_name(call.error), 0) + 1

    def answered(self, call, whose, proto):
        """What comes back for a request."""
        for number, message in enumerate(call.messages):
            row = self.asker(whose, proto, message.get("seq"))
            if row and number == 0:
                row.received += call.facts.get("len", 0)
            if row and message.get("error", 0) < 0:
                error = error_name(message["error"])
                row.errors[error] = row.errors.get(error, 0) + 1


def show(found, out):
    """Prints the rows, as strace -c does."""
    whole = sum(row.microseconds for row in found) or 1
    print(f"{'% time':>6} {'us':>10} {'calls':>7} {'sent':>9} {'received':>9}  {'errors':<16} command",
          file=out)
    for row in found:
        errors = " ".join(f"{count} {name}" for name, count in sorted(row.errors.items()))
        print(f"{100 * row.microseconds / whole:6.2f} {row.microseconds:10.0f} {row.requests:7} "
              f"{row.sent:9} {row.received:9}  {errors:<16} {row.protocol} {row.command}" +
              (f"  [{row.process}]" if row.process else ""), file=out)
    print(f"{'100.00' if found else '':>6} {whole if found else 0:10.0f} "
          f"{sum(row.requests for row in found):7} {sum(row.sent for row in found):9} "
          f"{sum(row.received for row in found):9}", file=out)
