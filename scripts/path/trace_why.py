#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Why a request was refused: what each function returned, which one made the error, where its
text stands in the kernel's source, and what to look at next.

  scripts/path/trace_why.py --index FILE SOURCES...

writes a list of the texts of a kernel tree, for a machine that has no tree.
"""

import argparse
import json
import os
import re
import sys

import trace_names
import trace_steps
from trace_decode import short

CAPABILITIES = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
                "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER "
                "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
                "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
                "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF "
                "CHECKPOINT_RESTORE").split()
# Where the texts of extended acks are.
FOLDERS = ("net", "drivers/net", "lib", "drivers/infiniband", "drivers/target", "drivers/block",
           "drivers/dpll", "drivers/gpu/drm", "kernel", "fs", "security", "include/net", "include/linux",
           "crypto", "drivers/accel", "rust")
MACRO = re.compile(r"(?:SET_ERR_MSG|SET_ERR_ATTR|SET_BAD_ATTR|_ERR_MSG|extack)\w*\s*\(")
LITERAL = re.compile(r'c?"((?:[^"\\\n]|\\.)*)"')
MAX_ERRNO = 4095
# What a Rust handler of rust/genl has returned, which no probe at a function can tell.
EXIT = re.compile(r"genl_(?:do_exit|dump_buffer): .*\bresult=(-?\d+)")
# What a request of generic netlink has to pass before its handler is called.
PARSES = re.compile("genl_family_rcv_msg_attrs_parse|__nla_(parse|validate)")
# Of these each error is that of a function they call by a pointer.
HAND_ON = ("netlink_rcv_skb", "netlink_dump", "genl_start", "genl_dumpit", "rtnl_dumpit")
# These call a handler, and return its error or one of their own.
DISPATCH = ("rtnetlink_rcv_msg", "nfnetlink_rcv_msg", "xfrm_user_rcv_msg", "sock_diag_rcv_msg")
NO_HANDLER = re.compile("(__)?netlink_(?!diag)|security_|.*(capable|lock|calcit|nla_|lookup|validate|notify)")
# What returns an int also where the kernel does not describe its types.
INTS = re.compile(r"netlink_(rcv_skb|unicast|dump)|genl_dumpit|\w+_rcv_msg|genl_family_rcv_msg_(do|dump)it")
# What asks for a right.
CHECK = re.compile("capable|^cap_|^security_")
# What a system call on a netlink socket does.
FAILS = re.compile("netlink_(create|bind|connect|setsockopt|getsockopt|sendmsg|recvmsg)")


def texts_of(code, rust=False):
    """The texts of a source, each with its line."""
    if rust:
        for match in re.finditer(r'\bc"((?:[^"\\\n]|\\.)*)"', code):
            yield match[1], code.count("\n", 0, match.start()) + 1
        return
    for match in MACRO.finditer(code):
        end = code.find(";", match.end())
        call = code[match.end():end if end > 0 else match.end() + 400][:600]
        text, at, last = "", None, 0
        for literal in LITERAL.finditer(call):
            # What is in one piece after another is one text.
            if text and call[last:literal.start()].strip():
                break
            at = match.end() + literal.start() if at is None else at
            text += literal[1]
            last = literal.end()
        if text:
            yield text, code.count("\n", 0, at) + 1


def index_of(trees):
    """The texts of trees: each with the places where it stands."""
    out = {}
    for tree in trees:
        for folder in FOLDERS:
            for path, _, files in os.walk(f"{tree}/{folder}"):
                for name in files:
                    if not name.endswith((".c", ".h", ".rs")):
                        continue
                    with open(f"{path}/{name}", encoding="utf-8", errors="replace") as file:
                        code = file.read()
                    rust = name.endswith(".rs")
                    if not ("ERR_MSG" in code or "extack" in code or rust and 'c"' in code):
                        continue
                    shown = os.path.relpath(f"{path}/{name}", tree)
                    for text, line in texts_of(code, rust):
                        out.setdefault(text, []).append(f"{shown}:{line}")
    return {text: sorted(set(places)) for text, places in sorted(out.items())}


class Source:
    """Finds the places of a text in the source of the kernel."""

    def __init__(self, places=()):
        release, here = os.uname().release, os.path.dirname(os.path.realpath(__file__))
        self.places = [*places, f"{here}/extack.json", f"/lib/modules/{release}/source", "/usr/src/linux"]
        self.known = None
        # The folder that they are from, if they are not from a list.
        self.folder = None

    def texts(self):
        """All texts, read when the first one is asked for."""
        if self.known is None:
            self.known = {}
            for place in self.places:
                try:
                    if os.path.isfile(place):
                        with open(place, encoding="utf-8") as file:
                            self.known = json.load(file)
                    elif os.path.isdir(f"{place}/net/netlink"):
                        self.known = index_of([place])
                        self.folder = os.path.abspath(place) if self.known else None
                except (OSError, ValueError):
                    continue
                if self.known:
                    break
        return self.known

    def find(self, text):
        """Where a text stands, as paths with lines; those of modules begin with their name."""
        texts, bare = self.texts(), re.sub(r"^[\w-]+: ", "", text)
        found = texts.get(text) or texts.get(bare)
        if found:
            return found
        out = []
        for form, places in texts.items():
            # What is printed is known, but for the values.
            if "%" in form and len(re.sub(r"%\S*", "", form)) > 5:
                parts = re.split(r"%[-#0-9.*]*[a-zA-Z]+", form)
                pattern = ".*".join(re.escape(part) for part in parts)
                if all(part in text for part in parts) and \
                        (re.fullmatch(pattern, text) or re.fullmatch(pattern, bare)):
                    out += places
        return sorted(set(out))


def signed(value, bits):
    """A number of so many bits that has a sign."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def failed(call):
    """The error of a system call that failed by itself, not by an answer; or 0."""
    name = trace_steps.base(call.name)
    if not FAILS.fullmatch(name) or \
            name == "netlink_recvmsg" and trace_names.error_name(call.error) in trace_names.QUIET:
        return 0
    return call.error


def value_of(returned, kind, around=0):
    """What a function returned: in words, and the error, or 0; around is the error that the function
    around it has returned.
    """
    if kind in ("void", "other") or returned is None:
        return "", 0
    number = signed(returned, 64)
    if kind is None:
        # Nothing is known of it, and what a void function leaves in the register can look like an
        # error: it is one, in 32 bits or in 64, where the function around it has returned the same.
        number = signed(returned, 32) if returned >> 32 in (0, 0xffffffff) else number
        if number < 0 and -number == around:
            return f"{number} {trace_names.error_name(number)}", -number
        return "", 0
    if kind == "bool":
        return ("true" if returned & 0xff else "false"), 0
    small = re.fullmatch(r"(int|unsigned)(\d+)", kind)
    if small:
        # Errors do not fit, or are none: a char of -1 is not EPERM.
        bits = int(small[2])
        return str(signed(returned, bits) if small[1] == "int" else returned & (1 << bits) - 1), 0
    if kind == "int":
        number = signed(returned, 32)
    if kind in ("unsigned", "enum"):
        return str(returned & 0xffffffff), 0
    if kind == "pointer" and not -MAX_ERRNO <= number < 0:
        return ("NULL" if number == 0 else ""), 0
    if -MAX_ERRNO <= number < 0 and kind in ("int", "long", "pointer"):
        return f"{number} {trace_names.error_name(number)}", -number
    return str(number), 0


class Made:
    """Where an error was made: by a call, or by one of those that it has called and whose returns are
    not known. Others may have returned the same error before, and it was tolerated, or not.
    """

    def __init__(self, call, unknown=(), before=None):
        self.call = call
        self.unknown = list(unknown)
        self.before = before

    @property
    def sure(self):
        """Whether there is no other that may have made it."""
        return not self.unknown and not self.before

    def others(self):
        """The names of those that may have made it as well."""
        return list(dict.fromkeys(title(one) for one in [*self.unknown, self.before] if one))

    def words(self, error, parent):
        """A sentence."""
        if self.sure:
            return f"{error} was made by {title(self.call)}" + \
                (f", called by {title(parent)}" if parent else "")
        if not self.unknown:
            return f"{error} was made in {title(self.call)}, or before by {title(self.before)}, which " \
                "returned the same"
        unknown = list(dict.fromkeys(map(title, self.unknown)))
        return f"{error} was made in {title(self.call)} or in {either(unknown)}, whose return was not " \
            "recorded" + (f"; {title(self.before)} has returned the same before" if self.before else "")


def title(call):
    """A call in a sentence; a handler of rust/genl is an event."""
    if isinstance(call, str):
        return call
    if call.event:
        words = dict(re.findall(r"(\w+)=(\S+)", call.name))
        return f"the handler of {words.get('family', 'a family')} for command {words.get('cmd', '?')}"
    return f"{trace_steps.base(call.name)}()"


def either(names):
    """Several names in a sentence."""
    if len(names) > 4:
        return f"one of {len(names)} that it has called ({', '.join(names[:3])} ...)"
    return " or ".join(names)


class Why:
    """Finds who made an error, and says what to look at."""

    def __init__(self, btf, source):
        self.btf = btf
        self.source = source

    def explain(self, roots):
        """All trees; what they say of errors is put to the calls."""
        if self.btf:
            # Those whose returns were not recorded as well: who returns nothing makes no error.
            self.btf.learn({trace_steps.base(call.name) for _, root in roots for call in root.walk()
                            if not call.event})
        for _, root in roots:
            self.values(root, 0)
        for _, root in roots:
            self.tree(root)

    def kind(self, call):
        """What type the function of a call returns, or None where that is not known."""
        name = trace_steps.base(call.name)
        kind = self.btf.returns(name) if self.btf else None
        return "int" if kind is None and (FAILS.fullmatch(name) or INTS.fullmatch(name)) else kind

    def values(self, call, around):
        """What a call and all below it have returned."""
        if call.returned is not None:
            call.value, call.error = value_of(call.returned, self.kind(call), around)
            around = call.error
        for inner in call.calls:
            self.values(inner, around)

    def tree(self, root):
        """One tree: each refusal in it, and what failed without a message."""
        found = False
        for call in list(root.walk()):
            for message in call.messages:
                if message.get("error", 0) < 0 and trace_steps.base(call.name) == "__netlink_sendskb":
                    found = True
                    self.refused(root, call, message)
        if not found:
            # bind() and the like have no message, and a full queue neither.
            for call in root.walk():
                # Not a notification: that nobody listens is no error.
                if FAILS.fullmatch(call.name) and call.error:
                    made = self.deepest(call)
                    last = made.call
                    call.facts["refused"] = True
                    # A read hands on what has been done to its socket.
                    if "recvmsg" not in last.name:
                        self.mark(made)
                    last.facts["next"] = self.without_message(root, last)
                    break

    @staticmethod
    def mark(made):
        """Puts to the call that it has made an error, or who else may have."""
        made.call.made = True
        made.call.or_by = made.others()

    def may(self, call):
        """Whether a call may have returned an error, of which nothing was recorded."""
        return not call.event and call.returned is None and \
            self.kind(call) in (None, "int", "long", "pointer")

    def suspects(self, calls, error):
        """Of calls: the last one that has returned an error, or None, and those behind it that may
        have, in their order.
        """
        unknown = []
        for call in reversed(calls):
            if call.error == error:
                return call, unknown
            if self.may(call):
                unknown.insert(0, call)
        return None, unknown

    def went_on(self, calls):
        """Whether these, which were called behind one that failed, say that this was tolerated: what
        cleans up returns nothing.
        """
        return any(not call.event and self.kind(call) != "void" for call in calls)

    def deepest(self, call):
        """Who made the error that a call has returned."""
        error = call.error
        while True:
            calls, handler, told = self.handled(call, error)
            inner, unknown = self.suspects(calls, error)
            unknown += [] if told else hidden(call, inner, error)
            if unknown or inner and self.went_on(calls[calls.index(inner) + 1:]):
                return Made(handler or call, unknown, inner)
            if inner is None:
                return Made(handler or call)
            call = inner

    @staticmethod
    def handled(call, error):
        """What may have made an error below a call, the event of the handler that has returned it,
        or None, and whether there is one: no function of Rust is shown, so what it has called seems
        to be called by the one that has called it.
        """
        calls = call.own()
        at = next((at for at in range(len(calls) - 1, -1, -1)
                   if calls[at].event and EXIT.match(calls[at].name)), None)
        if at is None:
            return calls, None, False
        begin = next((one for one in range(at, -1, -1)
                      if calls[one].event and calls[one].name.startswith("genl_do_enter:")), 0)
        if int(EXIT.match(calls[at].name)[1]) != -error:
            # What it has called it has coped with.
            return calls[:begin] + calls[at:], None, True
        return calls[begin:], calls[at], True

    def refused(self, root, sent, message):
        """An error that was sent back: its maker, its text in the source, what is next."""
        error = -message["error"]
        made, handlers = self.made(root, sent, error)
        for handler in handlers:
            handler.facts["refused"] = True
        notes = message.setdefault("why", [])
        maker = None
        if made:
            self.mark(made)
            parent = self.parent(root, made.call)
            notes.append(made.words(trace_names.error_name(error), parent))
            if made.sure:
                maker = made.call
                message["made_by"] = title(maker).removesuffix("()")
            else:
                message["made_in"] = title(made.call).removesuffix("()")
                message["or_by"] = [name.removesuffix("()") for name in made.others()]
            check = self.check_of(root, made.call, error)
            if check:
                notes.append(check)
        said = dict(pair for pair in message.get("attributes", []) if pair[0] in
                    ("msg", "offset", "policy", "missing type"))
        if "msg" in said:
            places = self.source.find(said["msg"])
            if places:
                message["source"] = places
        notes.append("next: " + self.advice(error, said, message, maker))

    @staticmethod
    def parent(root, call):
        """What has called a call."""
        return next((one for one in root.walk() if call in one.calls), None)

    def made(self, root, sent, error):
        """Who made the error that an acknowledgement carries, or None, and the calls that returned it
        to where it was sent.
        """
        path = [one for one in root.walk() if any(inner is sent for inner in one.walk())]
        names = [trace_steps.base(one.name) for one in path]
        if "netlink_ack" in names:
            at = len(names) - 1 - names[::-1].index("netlink_ack")
        elif "netlink_dump" in names:
            # The end of a dump says what the last call of dumpit has returned.
            at = len(names) - names[::-1].index("netlink_dump")
        else:
            # A process has sent it.
            return None, []
        if not 0 < at < len(path):
            return None, []
        outer = path[at - 1]
        if "netlink_ack" in names:
            calls = self.answered(outer, path[at], error)
            if calls is None:
                return None, []
        else:
            calls = outer.own()
            calls = calls[:calls.index(path[at])]
        inner, unknown = self.suspects(calls, error)
        if unknown or not inner and hidden(outer, None, error):
            return Made(outer, unknown or hidden(outer, None, error), inner), unknown
        if inner:
            return self.deepest(inner), [inner]
        return Made(outer), []

    def answered(self, outer, ack, error):
        """What was called for the request that an acknowledgement answers, or None where several may
        be meant: a batch has all of its answers at its end.
        """
        calls = [one for one in outer.own() if not one.event]
        is_ack = [trace_steps.base(one.name) == "netlink_ack" for one in calls]
        at = next(number for number, one in enumerate(calls) if one is ack)
        first = last = at
        while first and is_ack[first - 1]:
            first -= 1
        while last + 1 < len(calls) and is_ack[last + 1]:
            last += 1
        begin = max((number + 1 for number in range(first) if is_ack[number]), default=0)
        body = calls[begin:first]
        # Errors are answered in the order of their requests.
        alike = [one for one in calls[first:last + 1] if error_of(one) == -error]
        failed = [one for one in body if one.error == error]
        if len(alike) < 2:
            return body
        if len(failed) != len(alike) or any(map(self.may, body)):
            return None
        return [failed[next(number for number, one in enumerate(alike) if one is ack)]]

    def check_of(self, root, maker, error):
        """The check of a capability or of a security module behind an EPERM: the last one that failed."""
        if trace_names.error_name(error) not in ("EPERM", "EACCES"):
            return ""
        parent = self.parent(root, maker) if re.match("cap_|security_", maker.name) else maker
        calls = [one for one in (parent or maker).own() if not one.event and CHECK.search(one.name)]
        for call in reversed([call for one in calls for call in one.walk()]):
            name = trace_steps.base(call.name)
            if name.startswith("cap_capable") and call.error or \
                    name in ("ns_capable", "capable", "security_capable") and \
                    (call.value == "false" or call.error):
                number = trace_steps.number(call.args.get("cap"))
                call.made = True
                if isinstance(number, int) and number < len(CAPABILITIES):
                    return f"the check was {name}(CAP_{CAPABILITIES[number]})"
                return f"the check was {name}()"
            if name.startswith("security_") and call.error == error:
                call.made = True
                return f"a security module objected in {name}()"
            if "capable" in name and call.value == "false" and not call.calls:
                return f"the check was {name}()"
        return ""

    @staticmethod
    def without_message(root, call):
        """What to look at when a system call has failed."""
        name = trace_names.error_name(call.error)
        if name == "EADDRINUSE":
            return "the port is taken: 'ss -f netlink' shows by whom; port 0 lets the kernel choose"
        if name == "EPROTONOSUPPORT":
            return "no such protocol: is its module there?"
        if name == "ENOBUFS":
            return "read faster, or ask for a larger SO_RCVBUF"
        if name == "EPERM":
            return f"{root.title()} needs a right that the process has not"
        if name == "ECONNREFUSED":
            return "nobody has this port in this network namespace: 'ss -f netlink' shows those that are"
        return ""

    def advice(self, error, said, message, maker):
        """A sentence on what to look at next."""
        name, maker_name = trace_names.error_name(error), trace_steps.base(maker.name) if maker else ""
        text, place = said.get("msg", ""), named(said.get("offset"))
        about = message.get("about", "the request")
        if "missing type" in said:
            return f"{about} lacks the attribute {named(said['missing type'])}: add it"
        if "policy" in said:
            return f"the policy of {place or 'the attribute'} is {policy_words(said['policy'])}"
        if re.search("Unknown attribute|unknown attribute|Unsupported attribute|Unknown .* attribute", text):
            return f"this kernel does not know {place or 'the attribute'}: is it older than the program?"
        if name in ("EPERM", "EACCES"):
            return ("run it as root of the user namespace that owns the network namespace, or give it "
                    "the capability")
        if maker_name in ("genl_rcv_msg", "genl_family_rcv_msg") and name == "ENOENT":
            return "no family has this id: its module is gone, or was loaded again ('genl ctrl list')"
        if maker_name == "ctrl_getfamily" and name == "ENOENT":
            return "no family has this name in this network namespace: load its module ('genl ctrl list')"
        if name == "EOPNOTSUPP":
            return f"nothing in this kernel handles {about} with these values: a module or an option of " \
                "the kernel is missing, or the program is newer"
        if name == "ENODEV":
            return "no such interface in this network namespace ('ip link')"
        if name == "EEXIST":
            return "there is one already: NLM_F_REPLACE would change it"
        if name in ("ENOENT", "ESRCH"):
            return f"what {about} names is not there, or is in another network namespace"
        if name == "EBUSY":
            return "something holds it: another operation is under way, or it is in use"
        if name in ("ENOBUFS", "ENOMEM", "ENOSPC", "EMSGSIZE"):
            return "there is no room for it: a limit, or the buffer of the reader"
        if place:
            return f"the value of {place} in {about}"
        if maker:
            return f"{maker_name}() in the source of the kernel; --deep shows what it has called"
        return f"trace again with --deep: {about} was refused by a function that is not shown"


def mark_of(or_by):
    """What stands beside a call that has made an error, or maybe one of others."""
    return "the error was made here" + (f", or in {either(or_by)}" if or_by else "")


def error_of(ack):
    """The error of an acknowledgement."""
    return next((message.get("error", 0) for call in ack.walk() for message in call.messages), None)


def hidden(call, inner, error):
    """Who else may have made the error of a call: a handler that is not shown, since it is one of
    Rust or came with a module while this was recorded. inner has returned the same error.
    """
    name, calls = trace_steps.base(call.name), [one for one in call.own() if not one.event]
    if name == "genl_family_rcv_msg_doit":
        handler = str(call.fields.get("handler", "")).split("+")[0]
        if any(trace_steps.base(one.name) == trace_steps.base(handler) for one in calls) or \
                inner and inner is calls[0] and PARSES.match(inner.name):
            # It is shown, or it was not called.
            return []
        return [f"{handler}()" if re.fullmatch(r"[a-z]\w*", handler) else "the handler"]
    if name in HAND_ON and not inner or name in DISPATCH and \
            trace_names.error_name(error) not in ("EPERM", "EOPNOTSUPP") and \
            all(NO_HANDLER.match(one.name) for one in calls):
        return ["a handler that is not shown"]
    return []


def named(value):
    """The name that stands behind a number."""
    match = re.search(r"\((.*)\)", str(value or ""))
    return match[1] if match else ""


def policy_words(policy):
    """A policy as a sentence."""
    values = dict(policy)
    text = str(values.get("type", "not known"))
    if "min" in values and "max" in values:
        text += f" from {values['min']} to {values['max']}"
    elif "max" in values:
        text += f" up to {values['max']}"
    elif "min" in values:
        text += f" from {values['min']} on"
    if "min-len" in values or "max-len" in values:
        text += f", length {values.get('min-len', 0)} to {values.get('max-len', 'any')} bytes"
    for key in ("bits", "mask"):
        if key in values:
            text += f", bits {values[key]}"
    return text


def lines_of(message, places=True):
    """What is known about a refusal, as lines; with the places of its text, as many as fit one."""
    why = [short(line, 300) for line in message.get("why", [])]
    if places and message.get("source"):
        at = next((at for at, line in enumerate(why) if line.startswith("next: ")), len(why))
        why.insert(at, places_line(message["source"]))
    return why


def places_line(places, width=100):
    """Where a text stands: as many places as fit a line, and how many more there are."""
    shown = 1
    while shown < len(places) and len(", ".join(places[:shown + 1])) < width - 38:
        shown += 1
    more = len(places) - shown
    return f"the text is in {', '.join(places[:shown])}" + \
        (f" and {more} more place{'s' if more > 1 else ''}" if more else "")


def link_of(place, about):
    """Where a place in the source of the kernel can be read: in the folder where it was found, or at a
    browser of all versions; or None.
    """
    path, _, line = place.partition(":")
    if about.get("source"):
        return f"file://{about['source']}/{path}#L{line}"
    release = re.match(r"(\d+\.\d+)(?:\.(\d+))?(-rc\d+)?(?=$|[-+.~_])", about.get("kernel", ""))
    if not release:
        return None
    # The tags of the kernel have no third number where it is 0.
    version = release[1] + (f".{release[2]}" if release[2] not in (None, "0") else "") + (release[3] or "")
    return f"https://elixir.bootlin.com/linux/v{version}/source/{path}#L{line}"


def main():
    """Writes the list of texts."""
    parser = argparse.ArgumentParser(description="The texts of extended acks in kernel trees.")
    parser.add_argument("--index", required=True, metavar="FILE")
    parser.add_argument("trees", nargs="+", metavar="SOURCES")
    args = parser.parse_args()
    texts = index_of(args.trees)
    with open(args.index, "w", encoding="utf-8") as file:
        json.dump(texts, file, indent=0)
    print(f"{len(texts)} texts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
