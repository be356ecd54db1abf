# SPDX-License-Identifier: GPL-2.0
"""
Records: the function graph tracer in a tracing instance of its own, with probes at a few of
the functions. Tracing that is going on is not disturbed, and nothing is left behind, however
this ends: what SIGKILL leaves, the next run removes.

Values come from kprobe events at entries, and from events at returns. A kprobe finds its
function by name at once, but each one that is turned on or off takes a pass over all functions;
an fprobe takes a pattern, for which it looks three times through all symbols of the kernel, and
that takes as long as a dozen kprobes. So a few patterns have the returns of most functions that
are shown, and kretprobes those of the others. The kernels of distributions have no
CONFIG_FUNCTION_GRAPH_RETVAL, and a BPF program at each return needs a compiler or a loader, of
which a machine may have none.
"""

import contextlib
import fcntl
import os
import re
import signal
import sys
import time

from trace_functions import DEEP, DEEP_RETURNS, FUNCTIONS, HANDLERS, NETLINK, REFUSERS, RETURNS, \
    SYSCALLS, matching, noisy, returns

# By what name we were called.
PROGRAM = os.path.basename(sys.argv[0]) or "trace.py"
# The names of our tracing instances, before the process id.
PREFIX = "netlink-path-"
# The names of our probes begin with it.
PROBE = "nlp_"

TRACEFS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
# Where a run keeps what it has to put back.
RUN = "/run"

# So many tasks may be in one of these functions at a time.
INSTANCES = 64
# What is recorded of a message, in arrays of 512 bytes: that is the longest, and five of
# them are what an event may have. Beyond the end of a short message the memory is of others,
# and is thrown away. The further parts of a long one are events of their own.
PIECES, PIECE, PARTS = 5, 512, 13
SIZE = PIECES * PIECE


def message(part=0):
    """What an event reads of a message."""
    return "len=skb->len " + " ".join(f"data{i}=+{part * SIZE + PIECE * i}(skb->data):x64[64]"
                                      for i in range(PIECES))


NAMESPACE = "sk->__sk_common.skc_net.net->ns.inum"

# Probes: whether at the return, a function, and what is read there. The types are those of
# the kernel's BTF, so that a kernel in which one has changed refuses the probe. What is in
# braces is left out in a kernel that cannot cast a type.
PROBES = {
    "insert": (False, "netlink_insert", "sk portid proto=sk->sk_protocol"),
    "sendmsg": (False, "netlink_sendmsg", "sk=sock->sk proto=sock->sk->sk_protocol len "
                "{own=(netlink_sock)(sock->sk)->portid}"),
    "recvmsg": (False, "netlink_recvmsg", "sk=sock->sk proto=sock->sk->sk_protocol flags "
                "{own=(netlink_sock)(sock->sk)->portid}"),
    "unicast": (False, "netlink_unicast", "proto=ssk->sk_protocol portid nonblock " + message()),
    "queue": (False, "__netlink_sendskb", f"sk proto=sk->sk_protocol {{owner=(netlink_sock)sk->portid}} "
              f"netns={NAMESPACE} qlen=sk->sk_receive_queue.qlen " + message()),
    "broadcast": (False, "netlink_broadcast_filtered",
                  f"proto=ssk->sk_protocol portid group netns=s{NAMESPACE} " + message()),
    "overrun": (False, "netlink_overrun", "sk proto=sk->sk_protocol {owner=(netlink_sock)sk->portid} "
                f"netns={NAMESPACE} rcvbuf=sk->sk_rcvbuf rmem=sk->sk_backlog.rmem_alloc.counter "
                "qlen=sk->sk_receive_queue.qlen {inode=(socket_alloc)(sk->sk_socket)->vfs_inode.i_ino} "
                "{options=(netlink_sock)sk->flags state=(netlink_sock)sk->state}"),
    "command": (False, "genl_get_cmd", "id=family->id name=family->name:string"),
    "doit": (False, "genl_family_rcv_msg_doit", "handler=ops->doit:symstr"),
    "dumpit": (False, "genl_family_rcv_msg_dumpit", "handler=ops->dumpit:symstr"),
    "register": (True, "genl_register_family", "id=family->id name=family->name:string"),
    "setsockopt": (False, "__sys_setsockopt", "fd level optname optlen value=+u0(user_optval):s32"),
}

# Of a module to come these functions are recorded.
OF_MODULE = "*nl*"

# Events of the kernel that are recorded beside.
EVENTS = ("netlink/netlink_extack", "task/task_newtask", "sched/sched_switch", "sched/sched_waking")


class TraceError(Exception):
    """What the user is told instead of a backtrace."""


def read(path):
    """Returns the text of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path, text):
    """Writes a control file of tracefs."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror} (writing {text[:60]!r})") from error


def append(path, text):
    """Adds to a control file of tracefs."""
    # Not open(): it looks for the end, which some of these files refuse.
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            # A filter takes one word at a time.
            data, at = memoryview(text.encode()), 0
            while at < len(data):
                at += os.write(file, data[at:])
        finally:
            os.close(file)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror} (adding {text[:60]!r})") from error


def modules():
    """The modules that are loaded."""
    try:
        return {line.split()[0] for line in read("/proc/modules").splitlines()}
    except OSError:
        return set()


def loadable(words):
    """The modules that words of a command name, and that are not loaded."""
    names = {re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(word)).replace("-", "_") for word in words}
    try:
        known = read(f"/lib/modules/{os.uname().release}/modules.dep").replace("-", "_")
    except OSError:
        known = ""
    return sorted(name for name in names - modules() if re.fullmatch(r"[A-Za-z]\w*", name) and
                  (f"/{name}.ko" in known or any(f"{name}.ko" in word for word in words)))


def running(pid):
    """Whether a process has not ended."""
    try:
        return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def drained(pipe, reads=64):
    """What is in a pipe of the tracer, but not more than so many reads."""
    parts = []
    try:
        while len(parts) < reads:
            part = os.read(pipe, 65536)
            if not part:
                break
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts).decode("utf-8", "replace")


def group_of(pid):
    """The group that the probes of a run have."""
    return f"{PREFIX}{pid}".replace("-", "_")


class Tracer:
    """A tracing instance of our own, from with-statement to end."""

    def __init__(self, buffer_kb=16384):
        self.root = None
        self.path = None
        self.mounted = False
        self.buffer_kb = buffer_kb
        self.group = group_of(os.getpid())
        self.warnings = []
        self.parts = 1
        # Whether a command was told to begin, or those that run already are recorded.
        self.began = False
        # The modules to come that are known by a word of the command.
        self.named = set()

    def __enter__(self):
        if os.geteuid() != 0:
            raise TraceError("tracing needs root: run it with sudo, or in the guest with 'make trace'")
        try:
            self.begin()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def begin(self):
        """Finds tracefs and makes the instance."""
        for root in TRACEFS:
            if os.path.exists(f"{root}/available_tracers"):
                self.root = root
                break
        else:
            # What is needed seldom is read then: to start Python takes seconds on a slow machine.
            import subprocess  # pylint: disable=import-outside-toplevel
            root = TRACEFS[0]
            done = subprocess.run(["mount", "-t", "tracefs", "tracefs", root],
                                  capture_output=True, check=False)
            if done.returncode:
                raise TraceError(f"there is no tracefs and none can be mounted on {root}: "
                                 "is this kernel built with CONFIG_FTRACE?")
            self.root, self.mounted = root, True
        if "function_graph" not in read(f"{self.root}/available_tracers").split():
            raise TraceError("this kernel has no function graph tracer "
                             "(CONFIG_FUNCTION_GRAPH_TRACER)")
        with self.alone():
            self.sweep()
            path = f"{self.root}/instances/{PREFIX}{os.getpid()}"
            os.mkdir(path)
            self.path = path
            # The one setting that all instances share: with it we would see nothing.
            if self.graph() or self.keepers():
                self.roots("")

    @contextlib.contextmanager
    def alone(self):
        """No other run begins or ends until this is over."""
        folder = os.open(f"{self.root}/instances", os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def graph(self):
        """The functions whose calls the function graph tracer shows; none is all."""
        return [line.split()[0] for line in read(f"{self.root}/set_graph_function").splitlines()
                if line[:1] != "#"]

    def roots(self, pattern):
        """Chooses these functions, until the last run has ended that has chosen some."""
        keepers, found = self.keepers(), self.graph()
        if keepers:
            if found:
                raise self.another(keepers[0])
            # Not what that run has chosen, but what it has found.
            found = read(self.saved(keepers[0])).split()
        saved = self.saved(os.getpid())
        if not os.path.exists(saved):
            write(saved, "\n".join(found))
        write(f"{self.root}/set_graph_function", pattern)

    def deepen(self):
        """Has the tracer show all that netlink calls."""
        with self.alone():
            others = self.others()
            if others:
                raise self.another(others[0])
            self.roots(DEEP)

    @staticmethod
    def another(pid):
        """What is said where two runs cannot be at the same time."""
        return TraceError(f"process {pid} traces as well: with --deep only one can run at a time, since the "
                          "kernel has one list of functions for all")

    @staticmethod
    def saved(pid):
        """Where a run keeps set_graph_function, for the next one if it is killed."""
        return f"{RUN}/{PREFIX}{pid}.graph"

    @staticmethod
    def kept():
        """The runs that have changed set_graph_function, also those that were killed."""
        names = os.listdir(RUN) if os.path.isdir(RUN) else []
        pids = [re.fullmatch(rf"{PREFIX}(\d+)\.graph", name) for name in names]
        return sorted(int(pid[1]) for pid in pids if pid)

    def keepers(self):
        """The other runs that have changed set_graph_function, and have not ended."""
        return [pid for pid in self.kept() if pid != os.getpid() and os.path.exists(f"/proc/{pid}")]

    def others(self):
        """The other runs that have not ended."""
        pids = [name.removeprefix(PREFIX) for name in sorted(os.listdir(f"{self.root}/instances"))
                if name.startswith(PREFIX)]
        return [pid for pid in pids if pid != str(os.getpid()) and os.path.exists(f"/proc/{pid}")]

    def restore(self, pid):
        """Puts back what a run has found in set_graph_function, if no other run has chosen there."""
        if os.path.exists(self.saved(pid)):
            if not self.keepers():
                write(f"{self.root}/set_graph_function", "")
                for name in read(self.saved(pid)).split():
                    append(f"{self.root}/set_graph_function", name)
            os.unlink(self.saved(pid))

    def __exit__(self, kind, *_):
        # Nobody may interrupt this; a second Ctrl-C comes a moment later.
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            told = []
            if self.path:
                with self.alone():
                    told = self.cleared(self.path, os.getpid())
                self.path = None
            if self.mounted:
                import subprocess  # pylint: disable=import-outside-toplevel
                subprocess.run(["umount", self.root], check=False)
                self.mounted = False
            self.warnings += told
            if kind:
                # Nobody looks at the warnings any more.
                for text in told:
                    print(f"{PROGRAM}: {text}", file=sys.stderr)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def cleared(self, path, pid):
        """Removes all that a run has made; returns what could not be removed, and why."""
        told = []
        steps = [lambda: self.remove_probes(group_of(pid)), lambda: self.restore(pid)]
        if path:
            steps.insert(0, lambda: self.remove(path))
        for step in steps:
            # What is behind it goes all the same.
            try:
                step()
            except (OSError, TraceError) as error:
                told.append(str(error))
        return told

    @staticmethod
    def remove(path):
        """Removes an instance."""
        try:
            # This stops all that goes on in it.
            os.rmdir(path)
        except OSError as error:
            # Its probes can be removed when nothing uses them.
            for name, value in (("tracing_on", "0"), ("events/enable", "0"), ("current_tracer", "nop")):
                with contextlib.suppress(TraceError):
                    write(f"{path}/{name}", value)
            raise TraceError(f"{path} is still there ({error.strerror}): somebody has a file of it open. "
                             "Nothing goes on in it, and the next run removes it") from error

    def sweep(self):
        """Removes what runs have left that were killed."""
        left = [name.removeprefix(PREFIX) for name in os.listdir(f"{self.root}/instances")
                if name.startswith(PREFIX)]
        for pid in dict.fromkeys(left + list(map(str, self.kept()))):
            if not os.path.exists(f"/proc/{pid}"):
                path = f"{self.root}/instances/{PREFIX}{pid}"
                self.warnings += self.cleared(path if os.path.isdir(path) else None, pid)

    def remove_probes(self, group):
        """Removes the probes of a group."""
        path = f"{self.root}/dynamic_events"
        if not os.path.exists(path):
            return
        try:
            # All at once; what an old kernel leaves, one by one.
            append(path, f"-:{group}/\n")
        except TraceError:
            pass
        for line in read(path).splitlines():
            match = re.match(rf"[a-z]\d*:({group}/\w+) ", line)
            if match:
                append(path, f"-:{match[1]}\n")

    def option(self, name, value):
        """Sets an option where the kernel has it; returns whether it has."""
        path = f"{self.path}/options/{name}"
        if os.path.exists(path):
            write(path, str(int(value)))
            return True
        return False

    def choose(self, patterns):
        """Traces the functions that match, or all of them; returns their names."""
        names = [line.split(" ", 1)[0]
                 for line in read(f"{self.root}/available_filter_functions").splitlines()]
        places = sorted(matching(names, patterns)) if patterns else range(len(names))
        unwanted = noisy([names[at] for at in places], not patterns)
        places = [at for number, at in enumerate(places) if number not in unwanted]
        # By number: by name each one would be looked for among all of them.
        append(f"{self.path}/set_ftrace_filter", " ".join(str(at + 1) for at in places))
        return {names[at] for at in places}

    def define(self, name, at_return, function, fetch):
        """Makes a probe; returns whether the kernel can."""
        whole = fetch.replace("{", "").replace("}", "")
        plain = re.sub(r"\{[^}]*\}", "", fetch)
        probe = f":{self.group}/{PROBE}{name} {function}"
        kinds = (f"p{probe} ", f"f{probe} ")
        if at_return:
            # Only an fprobe takes a pattern.
            kinds = (f"f{probe}%return ",) if re.search(r"[*?[]", function) else \
                (f"r{INSTANCES}{probe} ", f"f{probe}%return ")
        for text in dict.fromkeys((whole, plain)):
            for kind in kinds:
                try:
                    append(f"{self.root}/dynamic_events", f"{kind}{text}\n")
                    return True
                except TraceError:
                    continue
        return False

    def probe(self, shown, patterns=RETURNS, parts=PARTS):
        """Makes the probes, where the kernel can; says which it refused. Of the functions that
        are shown the returns are recorded.
        """
        refused = [function for name, (at_return, function, fetch) in PROBES.items()
                   if not self.define(name, at_return, function, fetch)]
        for part in range(1, parts):
            if not self.define(f"queue{part}", False, "__netlink_sendskb", "sk " + message(part)):
                break
            self.parts = part + 1
        missing = [function for number, function in enumerate(returns(shown, patterns))
                   if not self.define(f"ret{number}", True, function, "ret=$retval:x64")]
        if refused:
            self.warnings.append("this kernel refuses probes at " + ", ".join(sorted(set(refused))) +
                                 ": messages or values are missing (it needs CONFIG_KPROBE_EVENTS, "
                                 "CONFIG_FPROBE_EVENTS and CONFIG_PROBE_EVENTS_BTF_ARGS)")
        if any("*" in function for function in missing):
            self.warnings.append("this kernel does not tell what all functions return "
                                 "(CONFIG_FPROBE_EVENTS, with patterns)")
        if not self.option("funcgraph-args", True):
            self.warnings.append("this kernel does not record arguments (CONFIG_FUNCTION_TRACE_ARGS)")

    def events(self, words=()):
        """Turns on the probes, the tracepoints of families made with rust/genl, and what
        shows who sleeps and who wakes; those of a module to come, if a word names it.
        """
        events = f"{self.path}/events"
        for part in range(1, self.parts):
            # The rest of a message that has none is nobody's.
            write(f"{events}/{self.group}/{PROBE}queue{part}/filter", f"len > {part * SIZE}")
        for system in sorted(os.listdir(events)):
            if system == self.group or os.path.isdir(f"{events}/{system}/genl_do_enter"):
                write(f"{events}/{system}/enable", "1")
        for event in EVENTS:
            if os.path.isdir(f"{events}/{event}"):
                write(f"{events}/{event}/enable", "1")
        for name in loadable(words):
            try:
                # The kernel keeps this until such a module comes, or the instance goes.
                append(f"{self.path}/set_event", f":mod:{name}\n")
                append(f"{self.path}/set_ftrace_filter", f"{OF_MODULE}:mod:{name}\n")
                self.named.add(name)
            except TraceError:
                # An old kernel; came() tells.
                break

    def prepare(self, probes=True, words=(), everybody=False, deep=False):
        """All that is the same for each command; without probes it takes half the time. Words of
        the command may name modules that it loads.
        """
        patterns = [f"__{arch}_sys_{name}" for name in SYSCALLS for arch in ("x64", "arm64")]
        patterns += FUNCTIONS
        if everybody:
            # The system calls of all processes would be more than what they do here.
            patterns = NETLINK + HANDLERS + REFUSERS
        shown = self.choose(() if deep else patterns)
        if deep:
            self.deepen()
        write(f"{self.path}/tracing_on", "0")
        write(f"{self.path}/buffer_size_kb", str(self.buffer_kb))
        # One clock for all processors: what one does to another is in order.
        write(f"{self.path}/trace_clock", "mono")
        for name, value in (("function-fork", True), ("event-fork", True),
                            ("funcgraph-overhead", False), ("funcgraph-cpu", False),
                            ("funcgraph-proc", True), ("funcgraph-duration", True),
                            ("funcgraph-abstime", True), ("funcgraph-irqs", False),
                            ("funcgraph-tail", False), ("sleep-time", True),
                            # With it each line tells whether an interrupt was served.
                            ("latency-format", True)):
            self.option(name, value)
        if probes:
            self.probe(shown, RETURNS + (DEEP_RETURNS if deep else ()))
        # Before the tracer: each probe takes a pass over all functions, which is slow where they are traced.
        self.events(words)
        write(f"{self.path}/current_tracer", "function_graph")

    def start(self, pids):
        """Begins to record processes and their children, or everybody but ourselves."""
        write(f"{self.path}/trace", "")
        for kind in ("ftrace", "event"):
            write(f"{self.path}/set_{kind}_pid", " ".join(map(str, pids)))
            path = f"{self.path}/set_{kind}_notrace_pid"
            if os.path.exists(path):
                write(path, "" if pids else str(os.getpid()))
        write(f"{self.path}/tracing_on", "1")

    def stop(self):
        """Ends that; returns the trace, and how many events were lost."""
        write(f"{self.path}/tracing_on", "0")
        return read(f"{self.path}/trace"), self.lost()

    def record(self, command, timeout=None):
        """Runs a command, or a function of Python, recorded; returns its exit
        status, the trace, and how many events were lost.
        """
        begin, go = os.pipe()
        sys.stdout.flush()
        before = modules()
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(begin, 1)
            os.close(begin)
            # Python ignores the last two, and a program inherits that.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            if callable(command):
                run_function(command)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                print(f"{PROGRAM}: {command[0]}: {error.strerror}", file=sys.stderr)
                os._exit(127)
        os.close(begin)
        status = None
        try:
            self.start([child])
            self.began = True
            os.write(go, b"!")
            os.close(go)
            status = self.wait(child, timeout)
        finally:
            if status is None:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        text, lost = self.stop()
        self.came(modules() - before)
        return os.waitstatus_to_exitcode(status), text, lost

    def came(self, names):
        """Says which modules have come, and what of them was not recorded."""
        functions = {name: [] for name in names}
        for line in read(f"{self.root}/available_filter_functions").splitlines() if names else ():
            words = line.split()
            if words[-1].strip("[]") in functions and words[1:]:
                functions[words[-1].strip("[]")].append(words[0])
        for name, found in sorted(functions.items()):
            places = matching(found, FUNCTIONS) - noisy(found)
            if name in self.named:
                places -= matching(found, [OF_MODULE])
            missing = []
            # The kernel does not say of which module an event is; the system has its name.
            path = f"{self.path}/events/{name}/genl_do_enter/enable"
            if os.path.exists(path) and not read(path).startswith("1"):
                missing.append("its tracepoints")
            if places:
                missing.append(f"its functions ({found[min(places)]}()" +
                               (f" and {len(places) - 1} more)" if len(places) > 1 else ")"))
            if missing:
                self.warnings.append(f"the module {name} was loaded while this was recorded, without "
                                     f"{' and '.join(missing)}: trace again to see them")

    def watch(self, pids, feed, timeout=None):
        """Records processes that run already, or everybody, until Ctrl-C, their end, or so many
        seconds; what is recorded goes to a function. Returns how many events were lost.
        """
        before, stop = modules(), []

        def interrupted(number, frame):
            # Not an exception: what was read has to be taken in whole. The second one is.
            if stop:
                signal.default_int_handler(number, frame)
            stop.append(number)

        handler = signal.getsignal(signal.SIGINT)
        if handler is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupted)
        try:
            return self.followed(pids, feed, time.monotonic() + timeout if timeout else None, stop)
        finally:
            signal.signal(signal.SIGINT, handler)
            self.came(modules() - before)

    def followed(self, pids, feed, end, stop):
        """Records until then, or until something has to stop it."""
        self.start(pids)
        self.began = True
        pipe = os.open(f"{self.path}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            try:
                while not stop and (not end or time.monotonic() < end) and \
                        (not pids or any(map(running, pids))):
                    text = drained(pipe)
                    feed(text)
                    if not text:
                        time.sleep(0.1)
            except KeyboardInterrupt:
                pass
            write(f"{self.path}/tracing_on", "0")
            text = drained(pipe)
            while text:
                feed(text)
                text = drained(pipe)
        finally:
            # An instance that is read cannot be removed.
            os.close(pipe)
        return self.lost()

    @staticmethod
    def wait(child, timeout):
        """Waits for the command; ends it on Ctrl-C, and when its time is over."""
        end = time.monotonic() + timeout if timeout else None
        done, status = 0, 0
        try:
            while not done and end and time.monotonic() < end:
                done, status = os.waitpid(child, os.WNOHANG)
                if not done:
                    time.sleep(0.05)
            if not done and not end:
                done, status = os.waitpid(child, 0)
            if done:
                return status
            print(f"{PROGRAM}: the command has not ended after {timeout:g} s and is stopped: "
                  "this is the trace up to here", file=sys.stderr)
        except KeyboardInterrupt:
            print(f"{PROGRAM}: interrupted: this is the trace up to here", file=sys.stderr)
        os.kill(child, signal.SIGTERM)
        for _ in range(40):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]

    def lost(self):
        """How many events did not fit the buffer."""
        total = 0
        for cpu in os.listdir(f"{self.path}/per_cpu"):
            match = re.search(r"^overrun: (\d+)", read(f"{self.path}/per_cpu/{cpu}/stats"), re.M)
            total += int(match.group(1)) if match else 0
        return total


def run_function(function):
    """In the child: calls a function in the place of a program."""
    status = 1
    try:
        function()
        status = 0
    except BaseException as error:  # pylint: disable=broad-exception-caught
        print(f"{PROGRAM}: {function.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    sys.stdout.flush()
    os._exit(status)
