# SPDX-License-Identifier: GPL-2.0
"""
Which functions of the kernel are recorded, and of which it is recorded what they return.
"""

import bisect
import fnmatch
import itertools
import re

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
            "validate_linkmsg*", "do_setlink*", "register_netdevice", "dev_change_name",
            "__dev_change_flags", "dev_set_mtu_ext", "netif_set_mtu_ext", "dev_get_valid_name*",
            "__neigh_update", "nft_table_lookup*", "nft_chain_lookup*", "nf_tables_table_lookup",
            "dev_valid_name", "tcf_proto_*", "qdisc_create*", "valid_name", "ip_valid_fib_dump_req")
FUNCTIONS = NETLINK + HANDLERS + AROUND + REFUSERS

# Tests of a lock, called from everywhere, and not a step of any path.
NOISE = ("rtnl_is_locked", "rtnl_lock*", "rtnl_unlock*", "lockdep_*", "rtnl_net_*lock*",
         "netlink_table_*", "netlink_skb_destructor", "netlink_compare_arg_init",
         "netlink_trim", "bpf_lsm_*", "taskstats_exit", "netlink_has_listeners",
         "netlink_sock_destruct*", "genl_op_iter_*", "genl_op_from_*", "genl_cmd_full_to_*", "*nlmsg_put",
         "sock_diag_save_cookie", "sock_diag_put_meminfo", "*bpf*", "nfnl_lock*", "nfnl_unlock*",
         "rtnl_trylock", "rtnl_kfree_skbs", "ctrl_c_*", "*_dumpit_done*")

# Whose returns are recorded: of the functions that are shown those that match, each by the first
# pattern that has it. A pattern costs three passes over all symbols of the kernel, whatever it
# matches: as much as a dozen functions by their names. So of one that has no more than FEW the
# names are taken. Most have none, since their module is not loaded. A pattern must not match
# functions that are called all the time.
FEW = 12
RETURNS = (
    # genl_*, rtnl_*, nfnl_*, nlmsg_*, *_nl_*; netlink, netlbl, inet, neigh, tc; rtm, rtnetlink, fib.
    "*nl[_m]*", "[int][nec][eift_][tglfdcmn_]*", "[rf][ti][mbn][_6e]*", "nf*_ta*", "xfrm_[adfgns]*[!cdq]",
    # Modules with many handlers.
    "nl80211_*", "nl802154_*", "ovs_*_cmd_*", "ip_set_*", "ctnetlink_*",
    # Netlink itself.
    "capable", "ns_capable", "cap_capable", "security_capable", "security_netlink_send", "__sys_socket",
    "__netlink_create", "__netlink_lookup", "__netlink_sendskb", "__netlink_dump_start", "nfnetlink_rcv_msg",
    "__nla_parse", "__nla_validate", "ctrl_getfamily", "ctrl_dumpfamily", "ctrl_dumppolicy",
    "ctrl_dumppolicy_start", "ctrl_fill_info", "sock_diag_rcv_msg", "nfnetlink_unicast",
    "__netlink_diag_dump", "xfrm_user_rcv_msg", "crypto_user_rcv_msg",
    # Handlers.
    "taskstats_user_cmd", "cgroupstats_user_cmd", "dcb_doit", "ip6addrlbl_dump", "ip6addrlbl_get",
    "ip6addrlbl_newdel", "ip6mr_rtm_*", "ipmr_rtm_*", "[!_]*_diag_dump", "*_diag_handler_dump",
    "[rtu]*_diag_destroy", "br_vlan_rtm_*", "mctp_rtm_*", "mctp_*route", "mctp_dump_*",
    "mpls_*route*", "mpls_netconf_*", "vxlan_vnifilter_[dp]*", "cgw_*_job*", "macsec_*s[ac]",
    "macsec_upd_offload", "batadv_*_dump", "batadv_netlink_*", "cttimeout_[dgn]*", "hsr_get_node_*",
    "hwsim_*_nl", "hwsim_set_edge_lqi", "ncsi_*_nl", "net_dm_cmd_*", "smc_pnet_[adfg]*",
    "tipc_dump_*", "wg_[gs]et_device_*", "cifs_swn_notify", "handle_generic_event",
    "handle_startup_event", "handle_unsupported_event", "addr_doit", "getaddr_dumpit", "route_doit",
    "route_dumpit",
    # What refuses.
    "fib_check_nh", "ip6_route_add", "ip6_route_del", "__ip6_ins_rt", "ipv6_add_addr", "__inet_insert_ifa",
    "validate_linkmsg*", "do_setlink*", "register_netdevice", "dev_change_name", "__dev_change_flags",
    "dev_set_mtu_ext", "netif_set_mtu_ext", "dev_get_valid_name*", "__neigh_update", "nft_chain_lookup*",
    "qdisc_create*", "ip_valid_fib_dump_req")

# --deep: all that netlink calls, but what is called everywhere and refuses nothing: locks, memory,
# time and the scheduler. What is shown without --deep is none of it, no block a lock, and no default a fault.
DEEP = "netlink_*"
DEEP_NOISE = ("lock*", "*[!b]lock*", "*rcu*", "*kmalloc*", "*kmem_cache*", "*kfree*", "mutex_*", "*preempt*",
              "*irq*", "*memcpy*", "*memset*", "*memcmp*", "*strlen*", "strnlen",
              "str*cmp", "*kasan*", "*refcount*", "*kvfree*", "*vmalloc*", "nla_put*", "__nla_*reserve",
              "nla_reserve*", "nla_strscpy", "nla_strcmp", "*timer*",
              "sched_*", "__sched_*", "*schedule*", "*resched*", "*_sched_c*",
              "*_sched_in", "*_sched_out", "*_sched_task*", "*_pid_sched_*", "probe_sched_*",
              "__traceiter_*", "__probestub_*", "default_wake_function", "pcpu_*",
              "*slab*", "*percpu*", "*lru_*", "*_lru*", "*page*", "*folio*", "*mem_cgroup*", "*obj_cgroup*",
              "*tracing*", "*trace_*", "*ftrace*", "*kprobe*", "*kretprobe*", "*fprobe*", "aggr_*handler",
              "*rethook*", "*tick_*",
              "*idle_cpu*", "*_fair", "*task_rq*", "ttwu_*", "*queue_task*",
              "*apic*", "rb_*", "__rb_*", "*_rb_*", "*wake_up*", "*ktime*", "*jiffies*",
              "ex_handler*", "*copy_from*", "*copy_to*", "*kmap*", "vma_*", "*_vma*", "mm_*", "*_mm_*",
              "pte_*", "*_pte*", "fault*", "*_fault*", "*pagefault*", "*nofault*")
DEEP_RETURNS = ("dev_*", "__dev_*", "netdev_*", "ip[_6v]*", "nf_*", "register_net*", "do_setlink*",
                "validate_linkmsg", "__fib_lookup")


def matcher(patterns):
    """One expression for many patterns."""
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


class Names:
    """Names of functions, asked for those that match patterns: to ask for each pattern at each name
    of a kernel takes seconds on a slow machine.
    """

    # Of these nothing is left to ask: how a name begins, or a text that is in it.
    PLAIN = re.compile(r"\w{3,}\*|\*\w+\*")

    def __init__(self, names):
        self.names = names
        self.text = "\n".join(names)
        self.ends = list(itertools.accumulate(len(name) + 1 for name in names))

    def matching(self, patterns):
        """The places of the names that match a pattern."""
        plain = list(filter(self.PLAIN.fullmatch, patterns))
        others = [pattern for pattern in patterns if not self.PLAIN.fullmatch(pattern)]
        wanted = matcher(others)
        return self.likely(plain) | {at for at in self.likely(others) if wanted.fullmatch(self.names[at])}

    def likely(self, patterns):
        """The places of the names that may match: by how a pattern begins, by its longest text, or, if
        it has none, by one expression for all lines.
        """
        heads, parts, lines = set(), set(), []
        for pattern in patterns:
            texts = re.split(r"\[[^]]*\]|[*?]", pattern)
            if len(texts[0]) > 2:
                heads.add(texts[0])
            elif any(texts):
                parts.add(max(texts, key=len))
            else:
                lines.append(pattern.replace("[!", r"[^\n").replace("*", ".*").replace("?", "."))
        begins, heads = {head[:3] for head in heads}, tuple(heads)
        found = {at for at, name in enumerate(self.names) if name[:3] in begins and name.startswith(heads)}
        for part in parts:
            at = self.text.find(part)
            while at >= 0:
                place = bisect.bisect(self.ends, at)
                found.add(place)
                at = self.text.find(part, self.ends[place])
        if lines:
            found.update(bisect.bisect(self.ends, match.start()) for match in
                         re.finditer(f"^(?:{'|'.join(lines)})$", self.text, re.M))
        return found


def matching(names, patterns):
    """The places of the names that match a pattern."""
    return Names(names).matching(patterns)


def noisy(names, deep=False):
    """The places of the names that are not worth to be shown."""
    known = Names(names)
    found = known.matching(NOISE)
    return found | known.matching(DEEP_NOISE) - known.matching(FUNCTIONS) if deep else found


def returns(shown, patterns):
    """What to make probes of, to have the returns of these functions: patterns and names."""
    names = sorted(shown)
    left, out = {names[at] for at in matching(names, patterns)}, []
    for pattern in patterns:
        found = sorted(fnmatch.filter(left, pattern))
        left.difference_update(found)
        out += [pattern] if len(found) > FEW else found
    return out
