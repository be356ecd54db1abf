#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests the scanner of families.py, as TAP: families that are planted in a tree of their
own, one for each need. It has to be seen, and nothing else; not where it is in a comment,
in a string, in another module or in a function that nobody calls.

  scripts/check/families_test.py --kernel SOURCES
"""

import argparse
import os
import sys
import tempfile

from families import (HEADERS, WORD, Tap, families, is_there, need_of, needs, needs_of,
                      unknown, vocabulary)

PLANTED = """
#include <net/genetlink.h>
{extra}
static struct genl_family planted;
static const struct nla_policy planted_policy[] = {{
	[1] = {{ .type = NLA_U32 }},{policy}
}};

static int planted_doit(struct sk_buff *skb, struct genl_info *info)
{{
	struct sk_buff *msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
{body}
	genlmsg_put_reply(msg, info, &planted, 0, 1);
	return genlmsg_reply(msg, info);
}}

static const struct genl_small_ops planted_ops[] = {{
	{{ .cmd = 1, .doit = planted_doit, {op} }},
}};

static struct genl_family planted __ro_after_init = {{
	.name = "{name}",
	.small_ops = planted_ops,
	.n_small_ops = ARRAY_SIZE(planted_ops),
	.policy = planted_policy,
	.hdrsize = 0,{family}
}};

static int __init planted_init(void)
{{
	int err;

	err = genl_register_family(&planted);
	if (err)
		return err;
{init}
	return 0;
}}
"""
# What is planted, and the needs that have to be seen.
PLANTS = (
    ({}, ""),
    ({"body": "nla_nest_start_noflag(msg, 1);"}, "nests without flag"),
    ({"body": "genlmsg_multicast(&planted, msg, 0, 0, GFP_ATOMIC);"}, "GFP_ATOMIC"),
    ({"body": "genlmsg_multicast(&planted, f(a, b), g(0, GFP_ATOMIC), 0,\n\t\tGFP_KERNEL);"}, ""),
    ({"body": "genlmsg_multicast(&planted, f(a, b), g(0, c), 0,\n\t\tGFP_ATOMIC);"}, "GFP_ATOMIC"),
    ({"body": "kmalloc(1, GFP_ATOMIC);"}, ""),
    ({"body": "genlmsg_new(NLMSG_DEFAULT_SIZE, gfp);"}, "flags of the caller"),
    ({"body": "nlmsg_new(1, GFP_NOFS);"}, "GFP_NOFS and GFP_NOIO"),
    ({"body": "genlmsg_multicast_netns(&planted, net, msg, 0, 0, GFP_NOIO);"}, "GFP_NOFS and GFP_NOIO"),
    ({"init": "\terr = other_step();\n\tif (err)\n\t\treturn err;"}, "steps after it registers"),
    ({"init": "\tother_step();"}, ""),
    ({"policy": "\n\t[2] = { .type = NLA_NESTED },"}, "nests read by the handler"),
    ({"policy": "\n\t[2] = NLA_POLICY_NESTED(planted_policy),"}, ""),
    ({"policy": "\n\t[2] = { .nested_policy = p, .type = NLA_NESTED },"}, ""),
    ({"policy": "\n\t[2] = { .type = NLA_NESTED,\n\t\t.nested_policy = p },"}, ""),
    ({"body": "\tnla_for_each_nested(a, nla_data(list), rem) {\n\t\tf(nla_get_u32(a));\n\t}"},
     "values of a list"),
    ({"body": "\tnla_for_each_nested(a, list, rem)\n\t\tmemcpy(to, nla_data(a), nla_len(a));"},
     "values of a list"),
    ({"body": "\tnla_for_each_nested(a, list, rem) {\n\t\tnla_parse_nested(tb, 1, a, p, e);\n\t}\n"
              "\tf(nla_data(a));"}, ""),
    ({"policy": "\n\t[2] = { .strict_start_type = 2 },"}, "strict_start_type"),
    ({"policy": "\n\t[2] = NLA_POLICY_ETH_ADDR_COMPAT,"}, "warnings of what is too long"),
    ({"policy": "\n\t[2] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, f, 1),"}, "checks of bytes"),
    ({"policy": "\n\t[2] = NLA_POLICY_VALIDATE_FN(NLA_U8, f, 1),"}, ""),
    ({"family": "\n\t.hdrsize = sizeof(struct header),"}, "fixed header"),
    ({"family": "\n\t.pre_doit = before,"}, "guards"),
    ({"family": "\n\t.bind = joined,"}, "bind"),
    ({"family": "\n\t.sock_priv_size = sizeof(struct mine),"}, "state of a socket"),
    ({"extra": "static int gone(void)\n{\n\treturn NETLINK_URELEASE;\n}\n"}, "state of a socket"),
    ({"op": ".flags = GENL_UNS_ADMIN_PERM"}, "GENL_UNS_ADMIN_PERM"),
    ({"body": "net = get_net_ns_by_fd(fd);"}, "other namespaces"),
    ({"body": "if (nla_put_u32(msg, 1, 1)) {\n\t\tnla_nest_end(msg, nest);\n\t\treturn -EMSGSIZE;\n\t}"},
     "messages filled to the last object"),
    ({"body": "nlmsg_put(msg, 0, 0, NLMSG_DONE, 0, NLM_F_MULTI);"}, "several messages for a do"),
    ({"body": "genl_lock();"}, "genl_lock()"),
    ({"body": "genlmsg_multicast_netns_filtered(&planted, net, msg, 0, 0, GFP_KERNEL, f, d);"},
     "filtered multicast"),
    ({"body": "flags |= NLM_F_DUMP_FILTERED;"}, "NLM_F_DUMP_FILTERED"),
    ({"body": "genl_set_err(&planted, net, 0, 0, -1);"}, "errors for listeners"),
    ({"body": "rtnl_lock();"}, "devices and rtnl"),
    ({"body": "other_code(1, info->extack);"}, "devices and rtnl"),
    ({"body": "NL_SET_ERR_MSG(info->extack, text);"}, ""),
    ({"body": "nla_put_net16(msg, 1, port);"}, "NLA_F_NET_BYTEORDER"),
    ({"body": "if (info->genlhdr->version < 2)\n\t\treturn 0;"}, "version of the sender"),
    ({"body": "cb->min_dump_alloc = 1;"}, "large dumps"),
    ({"body": "genl_dump_check_consistent(cb, hdr);"}, "consistent dumps"),
    ({"body": "nl_set_extack_cookie_u64(e, 1);"}, "cookies"),
    # By way of another function of the file, of a macro, and of nobody.
    ({"extra": "static int far(void)\n{\n\treturn genl_lock();\n}\n", "body": "far();"}, "genl_lock()"),
    ({"extra": "#define FAR() \\\n\tgenl_lock()\n", "body": "FAR();"}, "genl_lock()"),
    ({"extra": "static int far(void)\n{\n\treturn rtnl_lock();\n}\n"}, ""),
    ({"extra": "static int far(void)\n{\n\treturn rtnl_lock();\n}\n", "body": "x->far = y.far;"}, ""),
    # What only names the family, and what only uses netlink.
    ({"extra": "int far(void)\n{\n\tother_code(&planted);\n\treturn rtnl_lock();\n}\n"},
     "devices and rtnl"),
    ({"extra": "int far(void)\n{\n\tgenlmsg_unicast(net, m, 1);\n\treturn rtnl_lock();\n}\n"},
     "devices and rtnl, unicast"),
    # What drivers of other modules write in.
    ({"extra": "struct sk_buff *far(void)\n{\n\treturn near(&planted);\n}\nEXPORT_SYMBOL_GPL(far);\n"},
     "attributes of others"),
    ({"extra": "struct sk_buff *far(void)\n{\n\treturn near(&planted);\n}\n"}, ""),
    ({"extra": "static void *near(void)\n{\n\treturn begin(&planted);\n}\n\n"
               "struct sk_buff *far(void)\n{\n\treturn near();\n}\nEXPORT_SYMBOL(far);\n"},
     "attributes of others"),
)
KEYS = ("extra", "policy", "body", "op", "family", "init")


def plant(tree, folder, files, make):
    """Writes the files of a folder of drivers."""
    path = f"{tree}/drivers/{folder}"
    os.makedirs(path)
    for name, text in (*files.items(), ("Makefile", make)):
        with open(f"{path}/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def planted(name, parts):
    """The source of a planted family."""
    return PLANTED.format(name=name, **{key: parts.get(key, "") for key in KEYS})


def quiet(text):
    """The same words where they mean nothing: in comments and in a string."""
    line = " ".join(text.split()).replace('"', "'")
    return f'// {line}\n/* {line} */\nstatic const char *words = "{line}";\n'


def test(kernel, tap):
    """Plants families, and looks whether their needs are seen."""
    print("TAP version 13")
    with tempfile.TemporaryDirectory() as tree:
        os.symlink(f"{os.path.abspath(kernel)}/include", f"{tree}/include")
        os.makedirs(f"{tree}/net/netlink")
        os.symlink(f"{os.path.abspath(kernel)}/net/netlink/genetlink.c", f"{tree}/net/netlink/genetlink.c")
        wanted = {}
        for number, (parts, needed) in enumerate(PLANTS):
            name = f"plant{number}"
            plant(tree, name, {"a.c": planted(name, parts)}, "obj-m := a.o\n")
            wanted[name] = (needed, ", ".join(" ".join(parts[key].split()) for key in parts) or "nothing")
        for number, need in enumerate(needs()):
            plain = [name for name in need["names"] if WORD.fullmatch(name)]
            if plain and not need.get("ordinary"):
                plant(tree, f"words{number}", {"a.c": planted(f"words{number}", {
                    "body": "".join(f"\t{name}();\n" for name in plain)})}, "obj-m := a.o\n")
                wanted[f"words{number}"] = (need["name"], ", ".join(plain))
        plant(tree, "bare", {"a.c": planted("bare", {"body": "nlmsg_attrlen(h, 0);"}).replace(
            ".policy = planted_policy,", "")}, "obj-m := a.o\n")
        wanted["bare"] = ("requests parsed again, content that is no attributes", "no policy at all")
        words = quiet(" ".join(text for parts, _ in PLANTS for key, text in parts.items() if key == "body"))
        plant(tree, "quiet", {"a.c": planted("quiet", {"extra": words, "body": words.splitlines()[1]})},
              "obj-m := a.o\n")
        wanted["quiet"] = ("", "all of these in comments and strings")
        far = "int far(void)\n{\n\treturn rtnl_lock();\n}\n"
        call = {"body": "far();"}
        plant(tree, "near", {"a.c": planted("near", call), "b.c": far, "c.c": ""},
              "obj-m := m.o\nm-y := a.o \\\n\tb.o\n")
        wanted["near"] = ("devices and rtnl", "a function of another file of the module")
        uses = far.replace("return", "genl_lock();\n\treturn")
        plant(tree, "away", {"a.c": planted("away", call), "b.c": uses}, "obj-m := a.o b.o\n")
        wanted["away"] = ("", "a function of another module")
        for kind, needed in (("bool", "genl_lock(), devices and rtnl"), ("tristate", "")):
            plant(tree, kind, {"a.c": planted(kind, call), "b.c": uses,
                               "Kconfig": f'config PLANT\n\t{kind} "A plant"\n'},
                  "obj-$(CONFIG_PLANT) += m.o\nm-y := a.o\nobj-y += b.o\n")
            wanted[kind] = (needed, f"a function beside what is {kind}")
        plant(tree, "hidden", {"a.c": planted("hidden", call), "b.c": f"static {far}"},
              "obj-m := m.o\nm-y := a.o b.o\n")
        wanted["hidden"] = ("", "a static function of another file")
        plant(tree, "two", {"a.c": planted("two", {"body": "genl_lock();"}), "b.c": planted("second", {})},
              "obj-m := m.o\nm-y := a.o b.o\n")
        wanted["two"] = ("several families, genl_lock()", "the first of two families")
        wanted["second"] = ("several families", "the second of two families")
        other = planted("other", {"extra": "int far(void)\n{\n\tsend(&fam);\n\treturn rtnl_lock();\n}\n"})
        plant(tree, "mine", {"a.c": planted("mine", call), "b.c": other.replace(
            "static struct genl_family planted", "struct genl_family fam").replace("&planted", "&fam")},
              "obj-m := m.o\nm-y := a.o b.o\n")
        wanted["mine"] = ("several families", "a function that sends for another family")
        wanted["other"] = ("several families, devices and rtnl", "the same, for that family")
        plant(tree, "named", {"a.c": planted("pmcraid", {})}, "obj-m := a.o\n")
        wanted["pmcraid"] = ("reserved name", "a name that is reserved")
        strange = sorted(name for name in vocabulary(tree)[0][HEADERS[1]]
                         if name.startswith("nla_") and name not in need_of())[0]
        plant(tree, "strange", {"a.c": planted("strange", {"body": f"{strange}();"})}, "obj-m := a.o\n")
        found = {family.name: family for family in families(tree) if family.name != "nlctrl"}
        for name, (needed, text) in wanted.items():
            seen = ", ".join(need["name"] for need in needs_of(found[name]))
            tap.result(seen == needed, text, f"seen: {seen}", f"wanted: {needed}")
        seen = unknown([found["strange"]])
        tap.result(seen == {strange: ["strange"]}, "a word that is in no list", f"seen: {seen}")
    for item, there in (("Registered::has_listeners", True), ("Registered::has_listeners(net)", True),
                        ("Registered::has_listeners(flags)", False), ("Registered::nothing", False),
                        ("Net::has_listeners", False), ("Access::NetnsAdmin", True),
                        ("Access::Nothing", False), ("kind::Noflag", True), ("kind::Be16", True),
                        ("kind::Nothing", False), ("Dump::start", True), ("Attr::new", False)):
        tap.result(is_there(item) == there, f"{item} is {'' if there else 'not '}there")


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", required=True, metavar="SOURCES")
    tap = Tap()
    test(parser.parse_args().kernel, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
