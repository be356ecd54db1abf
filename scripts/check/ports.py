#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Counts the lines of the ports and of what does the same in C, for rust/ports/README.md.

  scripts/check/ports.py --kernel DIR           the rows of its table, to standard output
  scripts/check/ports.py --kernel DIR --check   fails where the page has other numbers,
                                                where a line of C that a difference of the
                                                judge or a page names is another one, and
                                                where from_c.md shows what no file has

A line counts if there is more in it than a comment. Of a port its files in Rust and C
count, without those that do something else, and beside them what is generated for it; of
the kernel's C the definitions of functions, structures and variables that are named here.
"""

import argparse
import ast
import fnmatch
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = f"{TOP}/rust/ports/README.md"

# For each port the files of the kernel, and in each the names of what the port does; what
# the kernel's generator has written, whole; files of the port that do something else.
C = {
    "fou": ({"net/ipv4/fou_core.c": (
        "fou", "fou_cfg", "fou_net", "fou_net_id", "fou_cfg_cmp", "fou_add_to_port_list",
        "fou_release", "fou_create", "fou_destroy", "parse_nl_config", "fou_nl_*", "fou_fill_info",
        "fou_dump_info", "fou_init_net", "fou_exit_net", "fou_net_ops", "fou_init", "fou_fini")},
        ("net/ipv4/fou_nl.c", "net/ipv4/fou_nl.h"), ()),
    "l2tp": ({"net/l2tp/l2tp_netlink.c": (
        "l2tp_nl_cmd_noop", "l2tp_nl_cmd_tunnel_*", "l2tp_nl_tunnel_*", "l2tp_tunnel_notify",
        "l2tp_nl_cb_data", "l2tp_nl_policy", "l2tp_nl_ops", "l2tp_nl_family",
        "l2tp_multicast_group", "l2tp_nl_init", "l2tp_nl_cleanup")}, (), ()),
    "ovs_datapath": ({"net/openvswitch/datapath.c": (
        "ovs_dp_datapath_multicast_group", "ovs_dp_vport_multicast_group", "ovs_notify",
        "ovs_dp_name", "destroy_dp_rcu", "vport_hash_bucket", "ovs_lookup_vport", "new_vport",
        "ovs_dp_detach_port", "get_dp_stats", "ovs_dp_cmd_*", "lookup_datapath",
        "ovs_dp_reset_user_features", "ovs_dp_set_upcall_portids", "ovs_dp_change",
        "ovs_dp_vport_init", "__dp_destroy", "datapath_policy", "dp_datapath_genl_*",
        "ovs_vport_cmd_*", "lookup_vport", "vport_policy", "dp_vport_genl_*", "dp_genl_families",
        "dp_unregister_genl", "dp_register_genl", "ovs_init_net", "ovs_exit_net", "ovs_net_ops"),
        "net/openvswitch/vport.c": (
            "dev_table", "ovs_vport_init", "ovs_vport_exit", "hash_bucket", "ovs_vport_locate",
            "ovs_vport_alloc", "ovs_vport_free", "ovs_vport_lookup", "ovs_vport_add",
            "ovs_vport_del", "ovs_vport_get_*", "ovs_vport_set_upcall_portids"),
        "net/openvswitch/vport-internal_dev.c": (
            "internal_dev_create", "internal_dev_destroy", "ovs_internal_vport_ops")},
                     (), ()),
    "wireguard": ({"drivers/net/wireguard/netlink.c": ("*",),
        "drivers/net/wireguard/allowedips.c": (
            "swap_endian", "copy_and_assign_cidr", "choose", "push_rcu", "root_*",
            "fls128", "common_bits", "prefix_matches", "node_placement", "connect_node",
            "choose_and_connect_node", "add", "remove_node", "remove", "wg_allowedips_init",
            "wg_allowedips_free", "wg_allowedips_insert_*", "wg_allowedips_remove_*",
            "wg_allowedips_read_node", "wg_allowedips_slab_*"),
        "drivers/net/wireguard/device.c": (
            "netdev_ops", "device_type", "wg_setup", "wg_newlink", "link_ops",
            "wg_netns_exit_rtnl", "pernet_ops"),
        "drivers/net/wireguard/noise.c": ("wg_noise_set_static_identity_private_key",),
        "drivers/net/wireguard/peer.c": (
            "wg_peer_create", "peer_make_dead", "wg_peer_remove",
            "wg_peer_remove_all", "rcu_release", "kref_release", "wg_peer_put", "wg_peer_init",
            "wg_peer_uninit"),
        "drivers/net/wireguard/peerlookup.c": ("pubkey_bucket", "wg_pubkey_hashtable_*"),
        "drivers/net/wireguard/socket.c": ("endpoint_eq", "wg_socket_set_peer_endpoint")},
        ("drivers/net/wireguard/generated/netlink.c",
         "drivers/net/wireguard/generated/netlink.h"), ()),
    # Without what tells of tunnels, through which no made-up packet comes.
    "psample": ({"net/psample/psample.c": (
        "psample_nl_*", "psample_group_*", "psample_sample_packet", "psample_module_*")},
        (), ("source.rs",)),
}
# The C half of rust/genl.
HELPERS = "helpers.c"
# Pages that name lines of C: in a sentence behind what is written there, in Python in front of it.
PAGES = ("rust/ports/README.md", "selftests/ports/README.md")
LINE = r"[\w/-]+\.[ch]:\d+"
NAMED = re.compile(rf"`(?P<before>[^`]+)`,\s+`(?P<text>{LINE})`|"
                   rf"'(?P<python>{LINE})',\s+'(?P<behind>[^'\n]+)'|(?P<alone>{LINE})")
# The page whose examples are lines of files: those in C of the one that is named in the paragraph in
# front, those in Rust of one of these.
COPIED = "rust/genl/guide/from_c.md"
COPIED_FROM = ("rust/ports/fou/*.rs", "rust/ports/psample/*.rs", "rust/board/*.rs")
EXAMPLE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.M | re.S)
FILE = re.compile(r"`([\w/-]+\.c):(\d+)`")


def text_of(path):
    """All of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def read(path):
    """The lines of a file that are more than a comment."""
    text = re.sub(r"/\*.*?\*/", "", text_of(path), flags=re.S)
    return [line for line in text.splitlines()
            if line.strip() and not line.lstrip().startswith("//")]


def definitions(lines):
    """Yields (name, how many lines) of what a file of C defines."""
    item = []
    for line in lines:
        if line.startswith("#"):
            continue
        item.append(line)
        opened, closed = (sum(part.count(brace) for part in item) for brace in "{}")
        if line.startswith("}") or line.endswith(";") and opened == closed:
            head = " ".join(item).split("{")[0]
            # A structure; a function; a variable.
            name = re.match(r"struct (\w+) *$", head) or re.search(r"(\w+)\(", head) or \
                re.search(r"(\w+)(?:\[.*?\])*(?: __\w+)* *[=;]", head)
            if name and (opened or "(" not in head):
                yield name[1], len(item)
            item = []


def count_c(source, port):
    """How many lines a port has in C: (by hand, generated)."""
    files, generated, _ = C[port]
    total = 0
    for name, patterns in files.items():
        found = list(definitions(read(f"{source}/{name}")))
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(what, pattern) for what, _ in found):
                sys.exit(f"{name} has no {pattern}")
        total += sum(lines for what, lines in found
                     if any(fnmatch.fnmatchcase(what, pattern) for pattern in patterns))
    return total, sum(len(read(f"{source}/{name}")) for name in generated)


def count_rust(port):
    """How many lines a port has: (by hand, generated)."""
    counts = {True: 0, False: 0}
    for path in glob.glob(f"{TOP}/rust/ports/{port}/*.[rch]*"):
        if path.endswith((".rs", ".c", ".h")) and \
                os.path.basename(path) not in (HELPERS, *C[port][2]):
            counts[path.endswith("_gen.rs")] += len(read(path))
    return counts[False], counts[True]


def rows(source):
    """The rows of the table."""
    for port in sorted(os.path.basename(path[:-1]) for path in glob.glob(f"{TOP}/rust/ports/*/")):
        if port in C:
            rust, c = count_rust(port), count_c(source, port)
            yield f"| [{port}]({port}) | {rust[0]} | {rust[1]} | {c[0]} | {c[1]} |"


def differences():
    """Yields (where it is said, the line of C, what is written there) for the judge's lists."""
    for path in sorted(glob.glob(f"{TOP}/rust/ports/*/*.yaml")):
        name = f"selftests/ports/{os.path.basename(path)[:-5]}.py"
        # The cases themselves can be imported in the guest only.
        found = [node.args for node in ast.walk(ast.parse(text_of(f"{TOP}/{name}")))
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                 and node.func.id == "Difference"]
        if not found:
            sys.exit(f"{name} has no Difference")
        for args in found:
            yield f"{name}:{args[3].lineno}", args[3].value, args[4].value


def pages():
    """Yields the same for the pages."""
    for page in PAGES:
        for match in NAMED.finditer(text_of(f"{TOP}/{page}")):
            yield page, match["text"] or match["python"] or match["alone"], \
                (match["before"] or match["behind"] or "").removesuffix("()")


def other_lines(source, named):
    """Yields what is wrong with lines of C that are named."""
    for where, line, code in named:
        name, _, number = line.rpartition(":")
        lines = text_of(f"{source}/{name}").splitlines()
        found = lines[int(number) - 1] if int(number) <= len(lines) else ""
        if not code or code not in found:
            at = [index for index, text in enumerate(lines, 1) if code and code in text]
            yield f"{where}: {line} is not {code!r}, which is in the lines {at}"


def copies(source):
    """Yields what is wrong with the examples of the page: '...' stands for lines left out."""
    text = text_of(f"{TOP}/{COPIED}")
    rust = [text_of(path).splitlines() for pattern in COPIED_FROM for path in glob.glob(f"{TOP}/{pattern}")]
    for match in EXAMPLE.finditer(text):
        where = f"{COPIED}:{text.count(chr(10), 0, match.start()) + 1}"
        parts = [part.splitlines() for part in re.split(r"^\.\.\.\n", match[2], flags=re.M)]
        named = FILE.findall(text[:match.start()].rstrip().rpartition("\n\n")[2])
        if match[1] == "c" and named:
            path, line = named[-1]
            found = has(text_of(f"{source}/{path}").splitlines(), parts, int(line) - 1)
        else:
            found = match[1] == "ignore" and any(has(lines, parts) for lines in rust)
        if not found:
            yield f"{where}: these are the lines of no file, or not of the one that is named"


def has(lines, parts, begin=None):
    """Whether these lines are there, part by part, and the first one at this place."""
    at = begin or 0
    for part in parts:
        places = [index for index in range(at, len(lines) - len(part) + 1)
                  if lines[index:index + len(part)] == part]
        if not places or begin not in (None, places[0]):
            return False
        at, begin = places[0] + len(part), None
    return True


def main():
    """Prints the rows, or looks for them."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", required=True, help="the source of the kernel")
    parser.add_argument("--check", action="store_true", help="compare them with the page")
    args = parser.parse_args()
    found = list(rows(args.kernel))
    if not args.check:
        print("\n".join(found))
        return 0
    page = text_of(PAGE).splitlines()
    missing = [row for row in found if row not in page]
    missing += [f"no row for {os.path.basename(path[:-1])}" for path in
                glob.glob(f"{TOP}/rust/ports/*/") if os.path.basename(path[:-1]) not in C]
    wrong = [f"rust/ports/README.md lacks: {row}" for row in missing]
    wrong += other_lines(args.kernel, [*differences(), *pages()])
    wrong += copies(args.kernel)
    print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
