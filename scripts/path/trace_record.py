# SPDX-License-Identifier: GPL-2.0
"""
Records: the function graph tracer in a tracing instance of its own, with probes at a few of
the functions. Tracing that is going on is not disturbed, and nothing is left behind, however
this ends: what SIGKILL leaves, the next run removes.

Values come from kprobe events at entries, and from events at returns. A kprobe finds its
function by name at once, but each one that is turned on or off takes a pass over all functions;
an fprobe takes a pattern, for which it looks three times through all symbols of the kernel. So a
few patterns have the returns of most functions that are shown, and kretprobes those of a dozen
others. The kernels of distributions have no CONFIG_FUNCTION_GRAPH_RETVAL, and a BPF program at
each return needs a compiler or a loader, of which a machine may have none.
"""

import bisect
import fnmatch
import glob
import itertools
import os
import re
import signal
import subprocess
import sys
import time

# The names of our tracing instances, before the process id.
PREFIX = "netlink-path-"
# The names of our probes begin with it.
PROBE = "nlp_"

TRACEFS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")

# System calls that netlink sockets are used by: the roots of the tree.
SYSCALLS = ("socket", "bind", "connect", "getsockname", "setsockopt", "getsockopt", "sendto",
            "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "write",
            "read", "close", "finit_module", "init_module", "delete_module")

# Netlink itself.
NETLINK = ("*netlink*", "genl*", "ctrl_*", "*nlmsg*", "rtnl*", "*rtnetlink*",
           "nla_parse*", "__nla_parse", "__nla_validate*", "nfnetlink*", "nfnl*",
           "sock_diag*", "taskstats*", "kobject_uevent_env", "xfrm_user_rcv_msg", "xfrm_netlink_rcv",
           "audit_receive*", "cn_rx_skb", "crypto_user_rcv*", "scsi_nl_rcv*", "rdma_nl_rcv*")

# What is called for a message of each protocol: decode_test.py compares these
# patterns with the tables in the kernel's source.
HANDLERS = (
    "*_doit", "*_dumpit", "*_nl_*", "*_genl_*", "*_rtm_*", "rtm_*", "inet_dump_*", "inet6_dump_*",
    "inet*_netconf_*", "fib_nl_*", "neigh_add", "neigh_delete", "neigh_get", "neigh_dump_info",
    "neightbl_*", "tc_*filter*", "tc_ctl_*", "tc_dump_*", "tc_get_*", "tc_modify_qdisc",
    "ip6addrlbl_*", "mpls_*route*", "mpls_netconf_*", "dcb_doit", "cgw_*_job*", "mctp_*route",
    "mctp_dump_*", "vxlan_vnifilter_*",
    "nf_tables_new*", "nf_tables_del*", "nf_tables_get*", "nf_tables_dump*", "ctnetlink_new_*",
    "ctnetlink_del_*", "ctnetlink_get_*", "ctnetlink_stat_*", "ctnetlink_dump_*", "cttimeout_*",
    "ip_set_*", "nfqnl_recv_*", "nfulnl_recv_*", "*_diag_handler*", "*_diag_dump", "*_diag_destroy",
    "*_diag_handler_cmd",
    "xfrm_add_*", "xfrm_alloc_userspi", "xfrm_del_sa", "xfrm_do_migrate*", "xfrm_dump_*",
    "xfrm_flush_*", "xfrm_get_*", "xfrm_new_ae", "xfrm_set_*",
    "ethnl_*", "nl80211_*", "nl802154_*", "batadv_*_dump", "ovs_*_cmd_*", "macsec_*sa", "macsec_*sc",
    "macsec_upd_offload", "cgroupstats_user_cmd", "netlbl_*", "hwsim_*", "ncsi_*_nl",
    "net_dm_cmd_*", "tipc_dump_*", "smc_pnet_*", "wg_get_device*", "wg_set_device*", "psp_device_*",
    "hsr_get_node_*", "drbd_adm_*", "cifs_swn_notify", "handle_generic_event", "handle_startup_event",
    "handle_unsupported_event")

# The way of a buffer, and what may refuse one.
AROUND = ("security_netlink_send", "__sys_sendmsg", "__sys_recvmsg", "__sys_sendto",
          "__sys_recvfrom", "__sys_socket", "__sys_setsockopt", "skb_queue_tail", "sock_def_readable",
          "__sock_create", "sk_alloc", "sock_init_data", "skb_recv_datagram", "__skb_recv_datagram",
          "__skb_try_recv_datagram", "__skb_wait_for_more_packets")
REFUSERS = ("cap_capable", "ns_capable", "capable", "security_capable", "security_sock_rcv_skb",
            "fib_table_insert", "fib_table_delete", "fib_table_dump", "fib_create_info",
            "fib_check_nh", "fib_get_table", "ip6_route_add", "ip6_route_del", "fib6_add",
            "__ip6_ins_rt", "ipv6_add_addr", "inet6_addr_add", "inet6_addr_del", "__inet_insert_ifa",
            "validate_linkmsg", "do_setlink*", "register_netdevice", "dev_change_name",
            "__dev_change_flags", "dev_set_mtu_ext", "netif_set_mtu_ext", "dev_get_valid_name",
            "__neigh_update", "nft_table_lookup", "nft_chain_lookup", "nf_tables_table_lookup",
            "dev_valid_name", "tcf_proto_*", "qdisc_create", "valid_name", "ip_valid_fib_dump_req")
FUNCTIONS = NETLINK + HANDLERS + AROUND + REFUSERS

# Tests of a lock, called from everywhere, and not a step of any path.
NOISE = ("rtnl_is_locked", "rtnl_lock*", "rtnl_unlock*", "lockdep_*", "rtnl_net_*lock*",
         "netlink_table_*", "netlink_skb_destructor", "netlink_compare_arg_init",
         "netlink_trim", "bpf_lsm_*", "taskstats_exit", "netlink_has_listeners",
         "netlink_sock_destruct*", "genl_op_iter_*", "genl_op_from_*", "genl_cmd_full_to_*", "*nlmsg_put",
         "sock_diag_save_cookie", "sock_diag_put_meminfo", "*bpf*", "nfnl_lock*", "nfnl_unlock*",
         "rtnl_trylock", "rtnl_kfree_skbs", "ctrl_c_*", "*_dumpit_done*")

# Whose returns are recorded, by patterns that match few functions that are called all the time:
# (rt)netlink; genl, rtnl, nfnl, nl_; rtm, fib; inet, neigh, tc; nf_tables; xfrm. One that does not
# begin with a star takes a third of the time. One that matches only FEW of the functions that
# are shown is left out.
RETURNS = ("*netlink*", "*nl[_m]*", "[rf][ti][mb][_6]*", "[int][nec][eif_]*", "nf*_ta*",
           "xfrm_[adfgns]*")
FEW = 3
# And by name.
RETURNS_OF = ("capable", "ns_capable", "cap_capable", "security_capable", "__sys_socket",
              "__nla_parse", "__nla_validate", "ctrl_getfamily", "ctrl_dumpfamily", "ctrl_fill_info",
              "taskstats_user_cmd", "sock_diag_rcv_msg")
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
                "qlen=sk->sk_receive_queue.qlen"),
    "command": (False, "genl_get_cmd", "id=family->id name=family->name:string"),
    "doit": (False, "genl_family_rcv_msg_doit", "handler=ops->doit:symstr"),
    "dumpit": (False, "genl_family_rcv_msg_dumpit", "handler=ops->dumpit:symstr"),
    "register": (True, "genl_register_family", "id=family->id name=family->name:string"),
    "setsockopt": (False, "__sys_setsockopt", "fd level optname optlen value=+u0(user_optval):s32"),
}

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
            data = text.encode()
            while data:
                data = data[os.write(file, data):]
        finally:
            os.close(file)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror} (adding {text[:60]!r})") from error


def matcher(patterns):
    """One expression for many patterns."""
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


def likely(names, patterns):
    """The places of the names that may match, by how a pattern begins or by its longest text: to
    ask for all patterns at all names of a kernel takes seconds on a slow machine.
    """
    heads, parts = set(), set()
    for pattern in patterns:
        texts = re.split(r"\[[^]]*\]|[*?]", pattern)
        if len(texts[0]) > 2:
            heads.add(texts[0])
        else:
            parts.add(max(texts, key=len))
    begins, heads = {head[:3] for head in heads}, tuple(heads)
    found = {at for at, name in enumerate(names) if name[:3] in begins and name.startswith(heads)}
    text = "\n".join(names)
    ends = list(itertools.accumulate(len(name) + 1 for name in names))
    for part in parts:
        at = text.find(part)
        while at >= 0:
            place = bisect.bisect(ends, at)
            found.add(place)
            at = text.find(part, ends[place])
    return sorted(found)


def modules():
    """The modules that are loaded."""
    try:
        return {line.split()[0] for line in read("/proc/modules").splitlines()}
    except OSError:
        return set()


class Tracer:
    """A tracing instance of our own, from with-statement to end."""

    def __init__(self, buffer_kb=16384):
        self.root = None
        self.path = None
        self.mounted = False
        self.buffer_kb = buffer_kb
        self.group = f"{PREFIX}{os.getpid()}".replace("-", "_")
        self.warnings = []
        self.graph = []
        self.parts = 1

    def __enter__(self):
        if os.geteuid() != 0:
            raise TraceError("tracing needs root: run it with sudo, or in the guest with 'make trace'")
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        """Finds tracefs and makes the instance."""
        for root in TRACEFS:
            if os.path.exists(f"{root}/available_tracers"):
                self.root = root
                break
        else:
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
        self.sweep()
        path = f"{self.root}/instances/{PREFIX}{os.getpid()}"
        os.mkdir(path)
        self.path = path
        # The one setting that all instances share: with it we would see nothing.
        shared = f"{self.root}/set_graph_function"
        self.graph = [line.split()[0] for line in read(shared).splitlines() if line[:1] != "#"]
        if self.graph:
            write(self.saved(os.getpid()), "\n".join(self.graph))
            write(shared, "")

    @staticmethod
    def saved(pid):
        """Where a run keeps set_graph_function, for the next one if it is killed."""
        return f"/run/{PREFIX}{pid}.graph"

    def restore(self, pid, names):
        """Puts back what a run has found in set_graph_function."""
        for name in names:
            append(f"{self.root}/set_graph_function", name)
        os.unlink(self.saved(pid))

    def __exit__(self, *_):
        # Nobody may interrupt this; a second Ctrl-C comes a moment later.
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            if self.path:
                # Removing an instance stops all that goes on in it.
                os.rmdir(self.path)
                self.path = None
            if self.root:
                self.remove_probes(self.group)
                if self.graph:
                    self.restore(os.getpid(), self.graph)
                self.graph = []
            if self.mounted:
                subprocess.run(["umount", self.root], check=False)
                self.mounted = False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def sweep(self):
        """Removes what runs have left that were killed."""
        for name in os.listdir(f"{self.root}/instances"):
            pid = name.removeprefix(PREFIX)
            if pid != name and not os.path.exists(f"/proc/{pid}"):
                os.rmdir(f"{self.root}/instances/{name}")
                if os.path.exists(self.saved(pid)):
                    self.restore(pid, read(self.saved(pid)).split())
                self.remove_probes(name.replace("-", "_"))

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
        """Traces the functions that match; returns their names."""
        wanted, unwanted = matcher(patterns), matcher(NOISE)
        names = [line.split(" ", 1)[0]
                 for line in read(f"{self.root}/available_filter_functions").splitlines()]
        places = [at for at in likely(names, patterns)
                  if wanted.fullmatch(names[at]) and not unwanted.fullmatch(names[at])]
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

    def probe(self, shown, parts=PARTS):
        """Makes the probes, where the kernel can; says which it refused. Of the functions that
        are shown the returns are recorded.
        """
        refused = [function for name, (at_return, function, fetch) in PROBES.items()
                   if not self.define(name, at_return, function, fetch)]
        for part in range(1, parts):
            if not self.define(f"queue{part}", False, "__netlink_sendskb", "sk " + message(part)):
                break
            self.parts = part + 1
        returns = [pattern for pattern in RETURNS if len(fnmatch.filter(shown, pattern)) > FEW] + \
            [name for name in RETURNS_OF if name in shown]
        missing = [function for number, function in enumerate(returns)
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

    def events(self):
        """Turns on the probes, the tracepoints of families made with rust/genl, and what
        shows who sleeps and who wakes.
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

    def prepare(self, probes=True):
        """All that is the same for each command; without probes it takes half the time."""
        patterns = [f"__{arch}_sys_{name}" for name in SYSCALLS for arch in ("x64", "arm64")]
        shown = self.choose(patterns + list(FUNCTIONS))
        write(f"{self.path}/tracing_on", "0")
        write(f"{self.path}/buffer_size_kb", str(self.buffer_kb))
        # One clock for all processors: what one does to another is in order.
        write(f"{self.path}/trace_clock", "mono")
        for name, value in (("function-fork", True), ("event-fork", True),
                            ("funcgraph-overhead", False), ("funcgraph-cpu", False),
                            ("funcgraph-proc", True), ("funcgraph-duration", True),
                            ("funcgraph-abstime", True), ("funcgraph-irqs", False),
                            ("funcgraph-tail", False), ("sleep-time", True)):
            self.option(name, value)
        if probes:
            self.probe(shown)
        write(f"{self.path}/current_tracer", "function_graph")
        self.events()

    def start(self, pid):
        """Begins to record a process and its children."""
        write(f"{self.path}/trace", "")
        for name in ("set_ftrace_pid", "set_event_pid"):
            write(f"{self.path}/{name}", str(pid))
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
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if callable(command):
                run_function(command)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                print(f"trace.py: {command[0]}: {error.strerror}", file=sys.stderr)
                os._exit(127)
        os.close(begin)
        status = None
        try:
            self.start(child)
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
        """Says which modules have come, and what is not known of them."""
        for name in sorted(names):
            enabled = [path for path in glob.glob(f"{self.path}/events/*/genl_do_enter/enable")
                       if self.belongs(path, name)]
            if enabled and not any(read(path).startswith("1") for path in enabled):
                self.warnings.append(f"the command has loaded the module {name}, whose tracepoints "
                                     "were not there when the trace began: trace again to see them")

    def belongs(self, path, module):
        """Whether an event is of a module: the kernel does not say; the system has its name."""
        return os.path.basename(os.path.dirname(os.path.dirname(path))) == module

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
            print(f"trace.py: the command has not ended after {timeout:g} s and is stopped: "
                  "this is the trace up to here", file=sys.stderr)
        except KeyboardInterrupt:
            print("trace.py: interrupted: this is the trace up to here", file=sys.stderr)
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
        print(f"trace.py: {function.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    sys.stdout.flush()
    os._exit(status)
