// SPDX-License-Identifier: GPL-2.0
/*
 * A family whose handler calls C with its namespace, its request and its extended
 * ack. What it says of devices is held against if_nametoindex() and /proc.
 */
#include <net/if.h>

#include "../../genltest/genltest.h"

#define BRIDGE_FIND	1

enum { NAME = 1, BY_INDEX };
enum { INDEX = 1, COUNT, COOKIE, SENDER, FAMILY };

static void bridge_open(struct peer *p)
{
	struct nl_sock s;

	if (!loaded("genl_bridge"))
		EXPECT_EQ(load("GENL_BRIDGE_KO"), 0);
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, "genl-bridge", 0, &p->family));
	nl_close(&s);
	EXPECT_OK(nl_open(&p->sock));
}

static struct nl_msg *by_name(struct peer *p, const char *name)
{
	struct nl_msg *m = test_start(p, 0, BRIDGE_FIND);

	nl_put_str(m, NAME, name);
	return m;
}

static struct nl_msg *by_index(struct peer *p, uint32_t index)
{
	struct nl_msg *m = test_start(p, 0, BRIDGE_FIND);
	size_t nest = nl_nest(m, BY_INDEX);

	nl_put_u32(m, 1, index);
	nl_nest_end(m, nest);
	return m;
}

/* Devices have a line in /proc/net/dev, behind two lines of titles. */
static uint32_t count_devices(void)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	uint32_t lines = 0;
	int c;

	EXPECT(file, "%s", strerror(errno));
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines - 2;
}

static void check_family(struct peer *p, struct nl_msg *m, uint32_t index, uint32_t family)
{
	const struct nlattr **attrs = test_ask(p, m);

	EXPECT_EQ(test_u32(attrs, INDEX), index);
	EXPECT_EQ(test_u32(attrs, COUNT), count_devices());
	EXPECT(attrs[COOKIE], "no cookie");
	EXPECT_EQ(nla_u64(attrs[COOKIE]), netns_cookie(p));
	EXPECT_EQ(test_u32(attrs, SENDER), p->sock.portid);
	EXPECT_EQ(test_u32(attrs, FAMILY), family);
}

static void check(struct peer *p, struct nl_msg *m, uint32_t index)
{
	check_family(p, m, index, p->family.id);
}

/* C asks for the listeners of the family that it gets. */
static void listeners(const void *arg)
{
	uint32_t lo = if_nametoindex("lo");
	struct peer p, listener;
	int group;

	bridge_open(&p);
	bridge_open(&listener);
	group = nl_group(&p.family, "devices");
	EXPECT_OK(group);
	check(&p, by_name(&p, "lo"), lo);
	EXPECT_OK(nl_membership(&listener.sock, group, true));
	check_family(&p, by_name(&p, "lo"), lo, 0);
	EXPECT_OK(nl_membership(&listener.sock, group, false));
	check(&p, by_name(&p, "lo"), lo);
}

static void find(const void *arg)
{
	struct if_nameindex *all = if_nameindex();
	struct peer p;

	bridge_open(&p);
	EXPECT(all && all->if_index, "no devices");
	for (struct if_nameindex *dev = all; dev->if_index; dev++) {
		check(&p, by_name(&p, dev->if_name), dev->if_index);
		check(&p, by_index(&p, dev->if_index), dev->if_index);
	}
	/* A new namespace has a loopback device, and may have tunnels. */
	enter_new_netns();
	bridge_open(&p);
	check(&p, by_name(&p, "lo"), if_nametoindex("lo"));
}

static void refused(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	size_t nest;

	bridge_open(&p);
	/* The text is formatted, and lives in the extended ack. */
	test_refused(&p, by_name(&p, "nosuchdevice"), ENODEV,
		     "no device is called nosuchdevice", NL_ATTRS);
	/* The attribute is inside of the nest. */
	test_refused(&p, by_index(&p, 0x7fffffff), ENODEV, "no device has this index",
		     NL_ATTRS + NLA_HDRLEN);

	m = test_start(&p, 0, BRIDGE_FIND);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_EQ(ack.missing, NAME);
	EXPECT_EQ(ack.missing_nest, -1);
	m = test_start(&p, 0, BRIDGE_FIND);
	nest = nl_nest(m, BY_INDEX);
	nl_nest_end(m, nest);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_EQ(ack.missing, INDEX);
	EXPECT_EQ(ack.missing_nest, nest);
	/* What the policy refuses does not get as far as that. */
	m = by_name(&p, "a-name-that-is-too-long");
	test_refused(&p, m, EINVAL, "Attribute failed policy validation", NL_ATTRS);
	check(&p, by_name(&p, "lo"), if_nametoindex("lo"));
}

static void no_extack(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	int zero = 0;

	bridge_open(&p);
	EXPECT_EQ(setsockopt(p.sock.fd, SOL_NETLINK, NETLINK_EXT_ACK, &zero, sizeof(zero)), 0);
	m = by_name(&p, "nosuchdevice");
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, ENODEV, &ack);
	EXPECT_STR(ack.text, NULL);
}

static const struct ktap_test tests[] = {
	/* covers: surface 12a */
	{ "C gets the namespace and the request, and calls back", find },
	/* covers: surface 12a */
	{ "C gets the family", listeners },
	/* covers: surface 12a */
	{ "C says which attribute is to blame, and why", refused },
	/* covers: surface 12a */
	{ "who does not ask for extended acks gets C's number alone", no_extack },
};

int main(void)
{
	int rc = test_load("genl_bridge", "GENL_BRIDGE_KO"), err;

	if (rc)
		return rc;
	rc = ktap_run(tests, ARRAY_SIZE(tests));
	err = unload_soon("genl_bridge");
	if (err) {
		DIAG("genl_bridge cannot be unloaded: %s", strerror(err));
		return KSFT_FAIL;
	}
	return rc;
}
