// SPDX-License-Identifier: GPL-2.0
/*
 * Nests: in each other to the depth that the core allows, in arrays, and without
 * attributes. What is wrong in one is refused as it is outside, and the refusal
 * points into the nest.
 */
#include "genltest.h"

#define LENGTH		"invalid attribute length"

/* Nodes in nodes: @left more below this one, each with the number 1. */
static void put_nodes(struct nl_msg *m, uint16_t type, int left)
{
	size_t nest = nl_nest(m, type);

	nl_put_u32(m, 1, 1);
	if (left > 1)
		put_nodes(m, 2, left - 1);
	nl_nest_end(m, nest);
}

/* The core allows ten levels of attributes, of which the outermost is no nest. */
static void depths(const void *arg)
{
	struct peer p;

	test_open(&p);
	for (int nodes = 1; nodes <= 9; nodes++) {
		struct nl_msg *m = test_start(&p, 0, GENLTEST_TYPES);
		const struct nlattr **attrs;

		put_nodes(m, 22, nodes);
		attrs = test_ask(&p, m);
		EXPECT_EQ(test_u32(attrs, 38), nodes);
		EXPECT_EQ(test_u32(attrs, 39), nodes);
	}
	for (int nodes = 10; nodes <= 11; nodes++) {
		struct nl_msg *m = test_start(&p, 0, GENLTEST_TYPES);

		put_nodes(m, 22, nodes);
		test_refused(&p, m, EINVAL, "allowed policy recursion depth exceeded", -1);
	}
}

/* What is wrong in a node deep down is pointed at there. */
static void deep_refusal(const void *arg)
{
	size_t nests[3], bad;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	nests[0] = nl_nest(m, 22);
	nests[1] = nl_nest(m, 2);
	nests[2] = nl_nest(m, 2);
	bad = m->len;
	nl_put(m, 1, "\x01\x02", 2);
	for (int i = 2; i >= 0; i--)
		nl_nest_end(m, nests[i]);
	test_refused(&p, m, EINVAL, LENGTH, bad);

	m = test_start(&p, 0, GENLTEST_TYPES);
	nests[0] = nl_nest(m, 22);
	bad = m->len;
	nl_put_u32(m, 3, 0);
	nl_nest_end(m, nests[0]);
	test_refused(&p, m, EINVAL, "Unknown attribute type", bad);
}

/* An array of nests: the numbers of its elements are theirs, in any order. */
static void arrays(const void *arg)
{
	static const uint16_t indices[] = { 3, 1, 1, 0, 0x3fff };
	static struct nl_msg want;
	struct nl_msg *m;
	struct peer p;
	size_t nest;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	nest = nl_nest(m, 23);
	for (size_t i = 0; i < 5; i++)
		put_pair(m, indices[i], i, 100 + i);
	nl_nest_end(m, nest);
	want = *m;
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_reply(&p, m, GENLTEST_TYPES);
	/* A reply has the flag of a nest where a nest is, as the request has. */
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)),
		     want.data + NL_ATTRS, want.len - NL_ATTRS);

	m = test_start(&p, 0, GENLTEST_TYPES);
	nl_nest(m, 23);
	EXPECT(!test_ask(&p, m)[23], "an empty array is read as none");
}

static void array_refusals(const void *arg)
{
	struct nl_msg *m;
	size_t nest, inner, bad;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	nest = nl_nest(m, 23);
	put_pair(m, 1, 1, 1);
	inner = nl_nest(m, 2);
	bad = m->len;
	nl_put_u32(m, 2, 7);
	nl_nest_end(m, inner);
	nl_nest_end(m, nest);
	test_refused(&p, m, EINVAL, LENGTH, bad);

	m = test_start(&p, 0, GENLTEST_TYPES);
	nest = nl_nest(m, 23);
	bad = m->len;
	nl_put(m, 1, "\x01\x02", 2);
	nl_nest_end(m, nest);
	test_refused(&p, m, ERANGE, "Array element too short", bad);

	m = test_start(&p, 0, GENLTEST_TYPES);
	nest = nl_nest(m, 23);
	inner = nl_nest(m, 1);
	bad = m->len;
	nl_put_u32(m, 9, 7);
	nl_nest_end(m, inner);
	nl_nest_end(m, nest);
	test_refused(&p, m, EINVAL, "Unknown attribute type", bad);
}

/* A nest whose policy has no attributes at all takes none. */
static void empty_nest(const void *arg)
{
	struct nl_msg *m;
	size_t nest, bad;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	nl_nest_end(m, nl_nest(m, 40));
	EXPECT(test_ask(&p, m)[40], "no nest");

	m = test_start(&p, 0, GENLTEST_TYPES);
	nest = nl_nest(m, 40);
	bad = m->len;
	nl_put_u32(m, 1, 7);
	nl_nest_end(m, nest);
	test_refused(&p, m, EINVAL, "Unknown attribute type", bad);
}

static const struct ktap_test tests[] = {
	/* covers: surface 1c, surface 2d, trap 21, trap j */
	{ "nodes in nodes, to the depth that the core allows", depths },
	/* covers: surface 2d */
	{ "a refusal points into a node deep down", deep_refusal },
	/* covers: surface 1c, surface 2c */
	{ "an array of nests comes back with its indices", arrays },
	/* covers: surface 2c */
	{ "a refusal points into an array", array_refusals },
	/* covers: trap s */
	{ "a nest without attributes takes none", empty_nest },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
