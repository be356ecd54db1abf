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


def value_of(returned, kind):
    """What a function returned: in words, and the error, or 0."""
    if kind == "void" or returned is None:
        return "", 0
    number = signed(returned, 64)
    if kind in (None, "other"):
        # Nothing is known of it: an error is one in 32 bits and in 64.
        number = signed(returned, 32) if returned >> 32 in (0, 0xffffffff) else number
        if -MAX_ERRNO <= number < 0:
            return f"{number} {trace_names.error_name(number)}", -number
        return "", 0
    if kind == "bool":
        return ("true" if returned & 0xff else "false"), 0
    if kind == "int":
        number = signed(returned, 32)
    if kind in ("unsigned", "enum"):
        return str(returned & 0xffffffff), 0
    if kind == "pointer" and not -MAX_ERRNO <= number < 0:
        return ("NULL" if number == 0 else ""), 0
    if -MAX_ERRNO <= number < 0 and kind in ("int", "long", "pointer"):
        return f"{number} {trace_names.error_name(number)}", -number
    return str(number), 0


class Why:
    """Finds who made an error, and says what to look at."""

    def __init__(self, btf, source):
        self.btf = btf
        self.source = source

    def explain(self, roots):
        """All trees; what they say of errors is put to the calls."""
        returned = [call for _, root in roots for call in root.walk() if call.returned is not None]
        if self.btf:
            self.btf.learn({trace_steps.base(call.name) for call in returned})
        for call in returned:
            kind = self.btf.returns(trace_steps.base(call.name)) if self.btf else None
            call.value, call.error = value_of(call.returned, kind)
        for _, root in roots:
            self.tree(root)

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
                last = self.deepest(call) if FAILS.fullmatch(call.name) else None
                if last:
                    call.facts["refused"] = True
                    # A read hands on what has been done to its socket.
                    last.made = "recvmsg" not in last.name
                    last.facts["next"] = self.without_message(root, last)
                    break

    def deepest(self, call):
        """The call that made the error that this one returned, or None; or of the call whose
        return is not known the last one below it.
        """
        error = call.error
        if not error:
            return None
        while True:
            inner = next((one for one in reversed(call.calls) if one.error == error), None)
            if inner is None:
                # A function between that is not told what it returned.
                inner = next((one for one in reversed(call.calls) if one.returned is None and
                              any(deep.error == error for deep in one.walk())), None)
                if inner is None:
                    return call
                inner = next(deep for deep in reversed(list(inner.walk())) if deep.error == error)
            call = inner

    def refused(self, root, sent, message):
        """An error that was sent back: its maker, its text in the source, what is next."""
        error = -message["error"]
        handler = self.handler_of(root, sent, error)
        maker = self.deepest(handler) if handler else None
        if handler:
            handler.facts["refused"] = True
        notes = message.setdefault("why", [])
        if maker:
            maker.made = True
            message["made_by"] = trace_steps.base(maker.name)
            notes.append(f"{trace_names.error_name(error)} was made by {trace_steps.base(maker.name)}()" +
                         (f", called by {trace_steps.base(self.parent(root, maker).name)}()"
                          if self.parent(root, maker) else ""))
            check = self.check_of(root, maker, error)
            if check:
                notes.append(check)
        said = dict(pair for pair in message.get("attributes", []) if pair[0] in
                    ("msg", "offset", "policy", "missing type"))
        if "msg" in said:
            places = self.source.find(said["msg"])
            if places:
                message["source"] = places
                notes.append(f"the text is in {', '.join(places[:6])}" +
                             (f" and {len(places) - 6} more places" if len(places) > 6 else ""))
        notes.append("next: " + self.advice(error, said, message, maker))

    @staticmethod
    def parent(root, call):
        """What has called a call."""
        return next((one for one in root.walk() if call in one.calls), None)

    def handler_of(self, root, sent, error):
        """The call that returned the error that an acknowledgement carries."""
        path = [one for one in root.walk() if any(inner is sent for inner in one.walk())]
        # From the inside: what came before the acknowledgement, and returned the error.
        for outer in reversed(path):
            before = []
            for inner in outer.calls:
                if any(one is sent for one in inner.walk()):
                    break
                before.append(inner)
            for inner in reversed(before):
                if inner.error == error:
                    return inner
                found = next((one for one in reversed(list(inner.walk())) if one.error == error), None)
                if found:
                    return self.top(inner, found)
        return None

    def top(self, outer, found):
        """The outermost call that returned the same error on the way to one."""
        return next((one for one in outer.walk() if one.error == found.error and
                     any(inner is found for inner in one.walk())), found)

    def check_of(self, root, maker, error):
        """The check of a capability or of a security module behind an EPERM."""
        if trace_names.error_name(error) not in ("EPERM", "EACCES"):
            return ""
        around = [maker] + [one for one in (self.parent(root, maker),) if one]
        for outer in around:
            for call in outer.walk():
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


def lines_of(message):
    """What is known about a refusal, as lines."""
    return [short(line, 300) for line in message.get("why", [])]


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
