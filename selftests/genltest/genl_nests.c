// SPDX-License-Identifier: GPL-2.0
/*
 * Nests: in each other to the depth that the core allows, in arrays, and without
 * attributes; nests that the handler parses, and nests without their flag. What is
 * wrong in one is refused as it is outside, and the refusal points into the nest.
 */
#include "genltest.h"

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

/* Attributes of the command whose nests the core does not look into. */
enum { STRICT = 1, DEPRECATED, ARRAY, OLD_ARRAY, SEVERAL, AROUND, VALUES, NUMBER, UNASKED };

/* And in the nest AROUND. In the reply it has the number of UNASKED. */
enum { WEIGHT = 3 };

/* A nest as nla_nest_start_noflag() makes it; it ends as others do. */
static size_t nest_noflag(struct nl_msg *m, uint16_t type)
{
	size_t start = m->len;

	nl_put(m, type, NULL, 0);
	return start;
}

static void put_pair_noflag(struct nl_msg *m, uint16_t type, uint32_t a, uint16_t b)
{
	size_t nest = nest_noflag(m, type);

	nl_put_u32(m, 1, a);
	nl_put(m, 2, &b, sizeof(b));
	nl_nest_end(m, nest);
}

/* A number that is longer than it should be, and an attribute that is unknown. */
static void put_old_pair(struct nl_msg *m, uint16_t type, uint32_t a, uint16_t b)
{
	uint32_t first[2] = { a, ~0 };
	size_t nest = nest_noflag(m, type);

	nl_put_u32(m, 9, 9);
	nl_put(m, 1, first, sizeof(first));
	nl_put(m, 2, &b, sizeof(b));
	nl_nest_end(m, nest);
}

/* What the handler has parsed comes back, without any flag of a nest. */
static void parsed(const void *arg)
{
	static struct nl_msg want;
	struct nl_msg *m;
	size_t nest, old;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_NESTS);
	put_pair(m, STRICT, 1, 2);
	old = m->len;
	put_old_pair(m, DEPRECATED, 3, 4);
	/* The command is strict: without the flag, the nest would not get past the core. */
	((struct nlattr *)(m->data + old))->nla_type |= NLA_F_NESTED;
	nest = nl_nest(m, ARRAY);
	put_pair(m, 3, 5, 6);
	put_pair(m, 1, 7, 8);
	nl_nest_end(m, nest);
	nest = nl_nest(m, OLD_ARRAY);
	put_old_pair(m, 0, 9, 10);
	put_old_pair(m, 0x3fff, 11, 12);
	put_pair(m, 2, 13, 14);
	nl_nest_end(m, nest);
	for (int i = 0; i < 3; i++)
		put_pair(m, SEVERAL, i, 15 + i);
	nest = nl_nest(m, AROUND);
	nl_put_u32(m, 1, 99);
	put_pair(m, 2, 18, 19);
	nl_nest_end(m, nest);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_reply(&p, m, GENLTEST_NESTS);

	want.len = 0;
	put_pair_noflag(&want, STRICT, 1, 2);
	put_pair_noflag(&want, DEPRECATED, 3, 4);
	nest = nest_noflag(&want, ARRAY);
	put_pair_noflag(&want, 3, 5, 6);
	put_pair_noflag(&want, 1, 7, 8);
	nl_nest_end(&want, nest);
	nest = nest_noflag(&want, OLD_ARRAY);
	put_pair_noflag(&want, 0, 9, 10);
	put_pair_noflag(&want, 0x3fff, 11, 12);
	put_pair_noflag(&want, 2, 13, 14);
	nl_nest_end(&want, nest);
	for (int i = 0; i < 3; i++)
		put_pair_noflag(&want, SEVERAL, i, 15 + i);
	nest = nest_noflag(&want, AROUND);
	put_pair_noflag(&want, 2, 18, 19);
	nl_nest_end(&want, nest);
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), want.data, want.len);
}

static void put_values(struct nl_msg *m)
{
	nl_put(m, 5, "abc", 3);
	nl_put_u32(m, 0, 7);
	nl_put(m, 0x3fff, NULL, 0);
	nl_put(m, 5, "\x01\x02\x03\x04\x05", 5);
}

/* Values of any kind and number come back in their order. */
static void values(const void *arg)
{
	static struct nl_msg want;
	struct nl_msg *m;
	struct peer p;
	size_t nest;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_NESTS);
	nest = nl_nest(m, VALUES);
	put_values(m);
	nl_nest_end(m, nest);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_reply(&p, m, GENLTEST_NESTS);

	want.len = 0;
	nest_noflag(&want, ARRAY);
	nest_noflag(&want, OLD_ARRAY);
	nest = nest_noflag(&want, VALUES);
	put_values(&want);
	nl_nest_end(&want, nest);
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), want.data, want.len);
}

/* A nest without attributes is one for the handler too. */
static void parsed_empty(const void *arg)
{
	static struct nl_msg want;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_NESTS);
	for (uint16_t type = STRICT; type <= SEVERAL; type++)
		nl_nest(m, type);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_reply(&p, m, GENLTEST_NESTS);
	want.len = 0;
	for (uint16_t type = STRICT; type <= SEVERAL; type++)
		nest_noflag(&want, type);
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), want.data, want.len);
}

static size_t short_number(struct nl_msg *m)
{
	size_t nest = nl_nest(m, STRICT), bad = m->len;

	nl_put(m, 1, "\x01\x02", 2);
	nl_nest_end(m, nest);
	return bad;
}

static size_t unknown(struct nl_msg *m)
{
	size_t nest = nl_nest(m, STRICT), bad;

	nl_put_u32(m, 1, 7);
	bad = m->len;
	nl_put_u32(m, 3, 7);
	nl_nest_end(m, nest);
	return bad;
}

static size_t leftover(struct nl_msg *m)
{
	nl_put(m, STRICT | NLA_F_NESTED, "\x08\0\x01\0\x07\0\0\0\x55\x55\x55", 11);
	return 0;
}

static size_t too_short_for_old(struct nl_msg *m)
{
	size_t nest = nl_nest(m, DEPRECATED), bad = m->len;

	nl_put(m, 1, "\x01\x02", 2);
	nl_nest_end(m, nest);
	return bad;
}

static size_t element_without_flag(struct nl_msg *m)
{
	size_t nest = nl_nest(m, ARRAY), bad;

	put_pair(m, 1, 1, 1);
	bad = m->len;
	put_pair_noflag(m, 2, 1, 1);
	nl_nest_end(m, nest);
	return bad;
}

static size_t in_the_second(struct nl_msg *m)
{
	size_t nest, bad;

	put_pair(m, SEVERAL, 1, 1);
	nest = nl_nest(m, SEVERAL);
	bad = m->len;
	nl_put(m, 2, "\x01", 1);
	nl_nest_end(m, nest);
	return bad;
}

static size_t nest_without_flag(struct nl_msg *m)
{
	put_pair_noflag(m, STRICT, 1, 1);
	return NL_ATTRS;
}

static size_t inner_without_flag(struct nl_msg *m)
{
	size_t nest = nl_nest(m, AROUND), bad = m->len;

	put_pair_noflag(m, 2, 1, 1);
	nl_nest_end(m, nest);
	return bad;
}

/* What nla_parse_nested() says of a nest, or the core where it sees the nest first. */
static void parsed_refusals(const void *arg)
{
	static const struct {
		size_t (*build)(struct nl_msg *m);
		int error;
		const char *text;
		int type;	/* that the policy tells, or 0 */
	} rows[] = {
		{ short_number, EINVAL, LENGTH, NL_ATTR_TYPE_U32 },
		{ unknown, EINVAL, "Unknown attribute type" },
		{ leftover, EINVAL, "bytes leftover after parsing attributes" },
		{ too_short_for_old, ERANGE, FAILED, NL_ATTR_TYPE_U32 },
		{ element_without_flag, EINVAL, "NLA_F_NESTED is missing" },
		{ in_the_second, EINVAL, LENGTH, NL_ATTR_TYPE_U16 },
		{ nest_without_flag, EINVAL, "NLA_F_NESTED is missing", NL_ATTR_TYPE_NESTED },
		{ inner_without_flag, EINVAL, "NLA_F_NESTED is missing", NL_ATTR_TYPE_NESTED },
	};
	const struct nlattr *policy, *attrs[NL_POLICY_TYPE_ATTR_MAX + 1];
	struct peer p;

	test_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nl_msg *m = test_start(&p, 0, GENLTEST_NESTS);
		size_t bad = rows[i].build(m);

		test_refused(&p, m, rows[i].error, rows[i].text, bad ? (int64_t)bad : -1);
		policy = test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_POLICY);
		EXPECT_EQ(!policy, !rows[i].type);
		if (!policy)
			continue;
		EXPECT_OK(nla_index(nla_data(policy), nla_len(policy), attrs,
				    NL_POLICY_TYPE_ATTR_MAX));
		EXPECT_EQ(test_u32(attrs, NL_POLICY_TYPE_ATTR_TYPE), rows[i].type);
	}
}

/* What was added to a set that was declared elsewhere, and to an operation, is of them. */
static void added(const void *arg)
{
	const struct nlattr **attrs;
	struct nl_msg *m;
	size_t nest, bad;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_NESTS);
	nl_put_u32(m, NUMBER, 9);
	nest = nl_nest(m, AROUND);
	put_pair(m, 2, 1, 2);
	nl_put_u32(m, WEIGHT, 8);
	nl_nest_end(m, nest);
	attrs = test_ask(&p, m);
	EXPECT_EQ(test_u32(attrs, NUMBER), 9);
	EXPECT_EQ(test_u32(attrs, UNASKED), 8);
	EXPECT(attrs[AROUND], "no pair");

	m = test_start(&p, 0, GENLTEST_NESTS);
	nl_put_u32(m, NUMBER, 10);
	test_refused(&p, m, ERANGE, INTEGER, NL_ATTRS);

	m = test_start(&p, 0, GENLTEST_NESTS);
	nest = nl_nest(m, AROUND);
	bad = m->len;
	nl_put_u32(m, WEIGHT, 10);
	nl_nest_end(m, nest);
	test_refused(&p, m, ERANGE, INTEGER, bad);

	/* The set has it, and the operation does not. */
	m = test_start(&p, 0, GENLTEST_NESTS);
	nl_put_u32(m, UNASKED, 1);
	test_refused(&p, m, EINVAL, "Unknown attribute type", NL_ATTRS);
}

/* Attributes with secrets, all bytes of which are @byte. */
static void put_secrets(struct nl_msg *m, int byte)
{
	enum { NAME = 1, KEY, HOLDERS, HOLDER };
	enum { INSIDE = 3 };
	char name[5], key[7];
	size_t nest, inside;
	int i;

	memset(name, 0x5a, sizeof(name));
	memset(key, byte, sizeof(key));
	nl_put(m, NAME, name, sizeof(name));
	/* Twice: the last one counts. */
	for (i = 0; i < 2; i++)
		nl_put(m, KEY, key, sizeof(key) - i);
	nest = nl_nest(m, HOLDERS);
	for (i = 0; i < 3; i++) {
		inside = nl_nest(m, i);
		nl_put(m, NAME, name, i);
		nl_put(m, KEY, key, 2 * i);
		nl_nest_end(m, inside);
	}
	nl_nest_end(m, nest);
	nest = nl_nest(m, HOLDER);
	nl_put(m, KEY, key, sizeof(key));
	inside = nl_nest(m, INSIDE);
	nl_put(m, 1, key, 6);
	nl_nest_end(m, inside);
	nl_nest_end(m, nest);
}

static void secrets(const void *arg)
{
	const struct nlmsgerr *err;
	static struct nl_msg want;
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	/* An error quotes the request as the handler has left it. */
	m = test_start(&p, 0, GENLTEST_KEEP);
	put_secrets(m, 'k');
	want = *m;
	memset(want.data + NL_ATTRS, 0, want.len - NL_ATTRS);
	want.len = NL_ATTRS;
	put_secrets(&want, 0);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EDOM, &ack);
	err = NLMSG_DATA(nl_hdr(m));
	EXPECT_EQ(err->msg.nlmsg_len, want.len);
	EXPECT_BYTES((const char *)&err->msg + NL_ATTRS, want.len - NL_ATTRS,
		     want.data + NL_ATTRS, want.len - NL_ATTRS);
	/* The handler has had them. */
	m = test_start(&p, 0, GENLTEST_KEEP);
	nl_put(m, 2, "good", 4);
	peer_command(&p, m, 0);
	/* One that says more. */
	m = test_start(&p, 0, GENLTEST_KEEP);
	nl_put(m, 1, "name", 4);
	test_refused(&p, m, ENOKEY, "there is no key", NL_ATTRS);
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
	/* covers: surface 2f, surface 4c */
	{ "nests that the handler parses come back without their flag", parsed },
	/* covers: surface 2f */
	{ "empty nests that the handler parses", parsed_empty },
	/* covers: surface 2g */
	{ "values in a nest come back in their order, with their numbers", values },
	/* covers: surface 2f */
	{ "what the handler parses is refused as the core refuses it", parsed_refusals },
	{ "attributes that are added by hand are carried, and validated", added },
	/* covers: trap ah */
	{ "secrets are wiped wherever they are, and nothing else", secrets },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
