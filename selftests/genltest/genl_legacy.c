// SPDX-License-Identifier: GPL-2.0
/*
 * Validation as old families have it: a command in front of RESV_START_OP lets
 * pass what a later one refuses. Each liberty is taken with both.
 */
#include "genltest.h"

/* Attributes of the old command. */
enum { NUMBER = 1, BYTES };

struct row {
	const char *name;
	void (*build)(struct nl_msg *m);
	void (*spoil)(struct nl_msg *m);
	uint32_t number;		/* that the old command reads */
	const char *text;		/* with which the strict one refuses */
	int offset;
};

static void longer(struct nl_msg *m)
{
	nl_put(m, 1, "\x07\0\0\0\x01\x02\x03\x04", 8);
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
	{ "a longer scalar", longer, NULL, 7, "invalid attribute length", NL_ATTRS },
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
	test_refused(&p, m, ERANGE, "Attribute failed policy validation", NL_ATTRS);
	m = test_start(&p, 0, GENLTEST_OLD);
	nl_put(m, BYTES, "123456789", 9);
	test_refused(&p, m, ERANGE, "Attribute failed policy validation", NL_ATTRS);
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
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
