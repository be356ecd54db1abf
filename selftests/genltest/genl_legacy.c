// SPDX-License-Identifier: GPL-2.0
/*
 * Validation as old families have it: a command in front of RESV_START_OP lets
 * pass what a later one refuses. Each liberty is taken with both.
 */
#include "genltest.h"

/* Attributes of the old command. */
enum { NUMBER = 1, BYTES };
/* And of its reply: the number as it was sent. */
#define WHOLE	9

struct row {
	const char *name;
	void (*build)(struct nl_msg *m);
	void (*spoil)(struct nl_msg *m);
	uint32_t number;		/* that the old command reads */
	const char *text;		/* with which the strict one refuses */
	int offset;
};

static const char eight[8] = { 7, 0, 0, 0, 1, 2, 3, 4 };

static void longer(struct nl_msg *m)
{
	nl_put(m, 1, eight, sizeof(eight));
}

static void unknown(struct nl_msg *m)
{
	nl_put_u32(m, 1, 7);
	nl_put_u32(m, 77, 1);
}

static void trailing(struct nl_msg *m)
{
	nl_put_u32(m, 1, 7);
	nl_reserve(m, 3);
}

static void number(struct nl_msg *m)
{
	nl_put_u32(m, 1, 7);
}

static void nest(struct nl_msg *m)
{
	nl_put_u32(m, 1 | NLA_F_NESTED, 7);
}

static void reserved(struct nl_msg *m)
{
	nl_genl(nl_hdr(m))->reserved = 0x55;
}

static void flags(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_flags |= NLM_F_APPEND;
}

static const struct row rows[] = {
	{ "a longer scalar", longer, NULL, 7, LENGTH, NL_ATTRS },
	{ "an unknown attribute", unknown, NULL, 7, "Unknown attribute type", NL_ATTRS + 8 },
	{ "bytes at the end", trailing, NULL, 7, "bytes leftover after parsing attributes" },
	{ "a flag of nests", nest, NULL, 7, "NLA_F_NESTED not expected", NL_ATTRS },
	{ "the reserved field", number, reserved, 7, "genlmsghdr.reserved field is not 0" },
	{ "other flags", number, flags, 7, "ambiguous or reserved bits set in nlmsg_flags" },
};

static void liberty(const void *arg)
{
	const struct row *row = arg;
	const struct nlattr **attrs;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_OLD);
	row->build(m);
	if (row->spoil)
		row->spoil(m);
	attrs = test_ask(&p, m);
	EXPECT_EQ(test_u32(attrs, NUMBER), row->number);
	EXPECT(attrs[WHOLE], "no attribute %d", WHOLE);
	EXPECT_BYTES(nla_data(attrs[WHOLE]), nla_len(attrs[WHOLE]), eight,
		     row->build == longer ? sizeof(eight) : sizeof(row->number));

	/* The command that follows has the same attribute 1, and is strict. */
	m = test_start(&p, 0, GENLTEST_SEVERAL);
	row->build(m);
	if (row->spoil)
		row->spoil(m);
	test_refused(&p, m, EINVAL, row->text, row->offset ?: -1);
}

/* What is too short to be read safely is refused by both. */
static void too_short(const void *arg)
{
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_OLD);
	nl_put(m, NUMBER, "\x01\x02\x03", 3);
	test_refused(&p, m, ERANGE, FAILED, NL_ATTRS);
	m = test_start(&p, 0, GENLTEST_OLD);
	nl_put(m, BYTES, "123456789", 9);
	test_refused(&p, m, ERANGE, FAILED, NL_ATTRS);
}

/* Reads the number of the one object of a dump. */
static uint32_t dump(struct peer *p, struct nl_msg *m)
{
	const struct nlattr *attrs[BYTES + 1];
	struct nlmsghdr *nlh = nl_hdr(m);
	uint32_t value;
	ssize_t len;

	EXPECT_OK(nl_send(&p->sock, m));
	len = nl_recv(&p->sock, m->data, sizeof(m->data), 0);
	EXPECT_OK(len);
	EXPECT(NLMSG_OK(nlh, len), "%zd bytes", len);
	EXPECT_EQ(nlh->nlmsg_type, p->family.id);
	EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, BYTES));
	value = test_u32(attrs, NUMBER);
	nlh = NLMSG_NEXT(nlh, len);
	if (!len) {
		len = nl_recv(&p->sock, m->data, sizeof(m->data), 0);
		nlh = nl_hdr(m);
	}
	EXPECT(NLMSG_OK(nlh, len), "%zd bytes", len);
	EXPECT_EQ(nlh->nlmsg_type, NLMSG_DONE);
	return value;
}

static void dumps(const void *arg)
{
	struct peer p;

	test_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nl_msg *m = test_start(&p, NLM_F_DUMP, GENLTEST_OLD);

		rows[i].build(m);
		if (rows[i].spoil == flags)
			continue;	/* NLM_F_APPEND is not for a dump */
		if (rows[i].spoil)
			rows[i].spoil(m);
		EXPECT_EQ(dump(&p, m), rows[i].number);
	}
}

/* What is too long passes in front of attribute 6, and what is too short does not. */
ROWS(warned) = {
	{ 3, B("12345"), ERANGE, BINARY },
	{ 3, B("123456") },
	{ 3, B("12345678"), .back = B("123456") },
	{ 4, B("1"), ERANGE, BINARY },
	{ 4, B("12") },
	{ 4, B("1234") },
	{ 4, B("1234567") },
	END
};

/* The same, and the command's other liberties, from there on. */
ROWS(strict) = {
	{ 6, V(uint32_t, 7) },
	{ 6, V(uint64_t, 7), EINVAL, LENGTH },
	{ 6 | NLA_F_NESTED, V(uint32_t, 7), EINVAL, "NLA_F_NESTED not expected" },
	{ 7, B("12345"), ERANGE, BINARY },
	{ 7, B("123456") },
	{ 7, B("1234567"), EINVAL, LENGTH },
	{ 8, {}, EINVAL, "NLA_F_NESTED is missing" },
	/* Without a policy, in which it would be longer. */
	{ 9, V(uint32_t, 7), EINVAL, "Unsupported attribute" },
	END
};

static void values(const void *arg)
{
	test_rows(GENLTEST_OLD, arg);
}

/* A nest is as strict as its own number is. */
static void nests(const void *arg)
{
	const struct nlattr **attrs;
	struct nl_msg *m;
	size_t start, bad;
	struct peer p;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_OLD);
	start = nl_nest(m, 5);
	((struct nlattr *)(m->data + start))->nla_type = 5;
	longer(m);
	nl_put_u32(m, 2, 1);
	nl_nest_end(m, start);
	EXPECT_EQ(test_u32(test_ask(&p, m), 5), 7);

	m = test_start(&p, 0, GENLTEST_OLD);
	start = nl_nest(m, 8);
	number(m);
	nl_nest_end(m, start);
	EXPECT_EQ(test_u32(test_ask(&p, m), 8), 7);

	m = test_start(&p, 0, GENLTEST_OLD);
	start = nl_nest(m, 8);
	bad = m->len;
	longer(m);
	nl_nest_end(m, start);
	test_refused(&p, m, EINVAL, LENGTH, bad);

	m = test_start(&p, 0, GENLTEST_OLD);
	start = nl_nest(m, 8);
	number(m);
	bad = m->len;
	nl_put_u32(m, 2, 1);
	nl_nest_end(m, start);
	test_refused(&p, m, EINVAL, "Unknown attribute type", bad);

	/* What is above the largest number is no attribute of the policy. */
	m = test_start(&p, 0, GENLTEST_OLD);
	number(m);
	nl_put_u32(m, 10, 1);
	attrs = test_ask(&p, m);
	EXPECT_EQ(test_u32(attrs, NUMBER), 7);
}

static const struct ktap_test tests[] = {
	/* covers: surface 11a, trap 17 */
	{ "an old command accepts a longer scalar", liberty, &rows[0] },
	/* covers: surface 11a */
	{ "an old command passes over an unknown attribute", liberty, &rows[1] },
	/* covers: surface 11a */
	{ "an old command passes over bytes at the end", liberty, &rows[2] },
	{ "an old command does not look at the flag of nests", liberty, &rows[3] },
	/* covers: surface 11a */
	{ "an old command does not look at the reserved field", liberty, &rows[4] },
	{ "an old command does not look at other flags", liberty, &rows[5] },
	/* covers: surface 11a, trap 17 */
	{ "an old command refuses what is too short or too long", too_short },
	/* covers: surface 11a */
	{ "an old dump takes the same liberties", dumps },
	/* covers: surface 11c */
	{ "an old command accepts bytes that are too many", values, warned },
	/* covers: surface 11c, surface 11d */
	{ "a new attribute of an old command is strict", values, strict },
	/* covers: surface 11d */
	{ "a new nest of an old command is strict, and so is what is in it", nests },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
