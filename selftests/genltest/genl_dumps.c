// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps with all that a dump can have: filters from the request, a state too
 * large for the core's own room, buffers as large as an object needs, and a
 * generation that says when objects have changed meanwhile.
 */
#include "genltest.h"

/* Attributes of the request, and of an object. */
enum { COUNT = 1, STEP, SIZE, MIN_ALLOC, ID, ROUND, DATA };

/* What a dump has brought. */
struct got {
	uint32_t objects;
	uint32_t rounds;	/* the largest number of one */
	size_t datagrams;
	size_t largest;
	bool interrupted;
	bool filtered;		/* the last message was marked */
	int error;
};

static void send_dump(struct peer *p, uint32_t count, uint32_t step, uint32_t size,
		      uint32_t min_alloc)
{
	struct nl_msg *m = test_start(p, NLM_F_DUMP, GENLTEST_OBJECTS);

	nl_put_u32(m, COUNT, count);
	if (step)
		nl_put_u32(m, STEP, step);
	if (size)
		nl_put_u32(m, SIZE, size);
	if (min_alloc)
		nl_put_u32(m, MIN_ALLOC, min_alloc);
	EXPECT_OK(nl_send(&p->sock, m));
}

/* Read one datagram into @room bytes, and check its objects; false at the end. */
static bool read_some(struct peer *p, struct got *got, size_t room, uint32_t step,
		      uint32_t size)
{
	static struct nl_msg m;
	ssize_t len = nl_recv(&p->sock, m.data, room, 0);
	struct nlmsghdr *nlh = nl_hdr(&m);

	if (len < 0) {
		got->error = -len;
		return false;
	}
	got->datagrams++;
	if ((size_t)len > got->largest)
		got->largest = len;
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct nlattr *attrs[DATA + 1];

		EXPECT_EQ(nlh->nlmsg_seq, p->sock.seq);
		EXPECT(nlh->nlmsg_flags & NLM_F_MULTI, "no NLM_F_MULTI");
		got->interrupted |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
		/* All of them are marked, or none. */
		EXPECT(!got->objects ||
		       got->filtered == !!(nlh->nlmsg_flags & NLM_F_DUMP_FILTERED), "some are");
		got->filtered = nlh->nlmsg_flags & NLM_F_DUMP_FILTERED;
		if (nlh->nlmsg_type == NLMSG_DONE) {
			got->error = -*(int *)NLMSG_DATA(nlh);
			return false;
		}
		EXPECT_EQ(nlh->nlmsg_type, p->family.id);
		EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, DATA));
		EXPECT_EQ(test_u32(attrs, ID), got->objects * step);
		EXPECT_EQ(!attrs[DATA], !size);
		if (size) {
			EXPECT_EQ(nla_len(attrs[DATA]), size);
			EXPECT_EQ(((unsigned char *)nla_data(attrs[DATA]))[size - 1], 0x5a);
		}
		EXPECT(test_u32(attrs, ROUND) >= got->rounds, "round %u", got->rounds);
		got->rounds = test_u32(attrs, ROUND);
		got->objects++;
	}
	EXPECT_EQ(len, 0);
	return true;
}

static struct got dump(struct peer *p, size_t room, uint32_t count, uint32_t step,
		       uint32_t size, uint32_t min_alloc)
{
	struct got got = { 0 };

	send_dump(p, count, step, size, min_alloc);
	while (read_some(p, &got, room, step ?: 1, size))
		;
	return got;
}

static void filters(const void *arg)
{
	static const struct { uint32_t count, step, objects; } rows[] = {
		{ 0, 0, 0 }, { 1, 0, 1 }, { 10, 0, 10 }, { 10, 1, 10 }, { 10, 3, 4 },
		{ 10, 1000, 1 }, { 100000, 1000, 100 },
	};
	struct peer p;

	test_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct got got = dump(&p, 32768, rows[i].count, rows[i].step, 0, 0);

		EXPECT_EQ(got.error, 0);
		EXPECT_EQ(got.objects, rows[i].objects);
		EXPECT(!got.interrupted, "interrupted");
		peer_expect_silence(&p);
	}
}

/* Each object and the end say so, and the end alone where no object has passed. */
static void filtered(const void *arg)
{
	static const uint32_t counts[] = { 0, 1, 5000 };
	struct peer p;

	test_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		EXPECT(dump(&p, 32768, counts[i], 2, 0, 0).filtered, "not marked");
		EXPECT(!dump(&p, 32768, counts[i], 0, 0, 0).filtered, "marked");
	}
}

/* Each call of the dump finds the state as the last one left it. */
static void boxed(const void *arg)
{
	struct got got;
	struct peer p;

	test_open(&p);
	got = dump(&p, 32768, 20000, 0, 0, 0);
	EXPECT_EQ(got.error, 0);
	EXPECT_EQ(got.objects, 20000);
	EXPECT(got.rounds > 10, "%u rounds", got.rounds);
	EXPECT(got.datagrams >= got.rounds, "%zu datagrams", got.datagrams);
}

/* Dumps that are given up, and a state that goes with them. */
static void abandoned(const void *arg)
{
	for (int i = 0; i < 50; i++) {
		struct got got = { 0 };
		struct peer p;

		test_open(&p);
		send_dump(&p, 100000, 1, 0, 0);
		for (int datagrams = i % 3; datagrams; datagrams--)
			EXPECT(read_some(&p, &got, 32768, 1, 0), "error %d", got.error);
		nl_close(&p.sock);
	}
}

static void refused(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = test_start(&p, NLM_F_DUMP, GENLTEST_OBJECTS);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_STR(ack.text, "required attribute is missing");
	EXPECT_EQ(ack.missing, COUNT);
	EXPECT_EQ(ack.offset, -1);

	m = test_start(&p, NLM_F_DUMP, GENLTEST_OBJECTS);
	nl_put_u32(m, COUNT, 100001);
	test_refused(&p, m, ERANGE, "integer out of range", NL_ATTRS);
	m = test_start(&p, NLM_F_DUMP, GENLTEST_OBJECTS);
	nl_put_u32(m, COUNT, 1);
	nl_put_u32(m, STEP, 0);
	test_refused(&p, m, ERANGE, "integer out of range", NL_ATTRS + 8);
	EXPECT_EQ(dump(&p, 32768, 3, 0, 0, 0).objects, 3);
}

/* The core's buffer is as large as the largest that was received into, or NLMSG_GOODSIZE. */
static void large_object(const void *arg)
{
	struct got got;
	struct peer p;

	test_open(&p);
	got = dump(&p, 4096, 3, 0, 60000, 0);
	EXPECT_EQ(got.error, EMSGSIZE);
	EXPECT_EQ(got.objects, 0);
}

/* With a minimum, the buffer holds it, whatever was received into. */
static void minimum(const void *arg)
{
	struct got got;
	struct peer p;

	test_open(&p);
	/* One object in each, the end of the dump behind the last. */
	got = dump(&p, 65536 * 2, 3, 0, 60000, 65536);
	EXPECT_EQ(got.error, 0);
	EXPECT_EQ(got.objects, 3);
	EXPECT_EQ(got.datagrams, 3);
	nl_close(&p.sock);

	/* Several of them in one buffer. */
	test_open(&p);
	got = dump(&p, 200000, 4, 0, 30000, 127 << 10);
	EXPECT_EQ(got.error, 0);
	EXPECT_EQ(got.objects, 4);
	EXPECT(got.largest > 60000, "%zu bytes", got.largest);
	nl_close(&p.sock);

	/* Whoever has no room for it loses the rest of the datagram. */
	test_open(&p);
	got = dump(&p, 4096, 3, 0, 60000, 65536);
	EXPECT_EQ(got.error, EMSGSIZE);
	EXPECT_EQ(got.datagrams, 0);
}

static uint32_t change(struct peer *p)
{
	return test_u32(test_ask(p, test_start(p, 0, GENLTEST_OBJECTS)), 1);
}

/* A change in the middle is told, and not one before or after. */
static void generation(const void *arg)
{
	struct peer p, other;
	struct got got;
	uint32_t first;

	test_open(&p);
	test_open(&other);
	for (int when = 0; when <= 2; when++) {
		if (when == 0) {
			first = change(&other);
			EXPECT_EQ(change(&other), first + 1);
		}
		got = (struct got){ 0 };
		send_dump(&p, 5000, 1, 0, 0);
		EXPECT(read_some(&p, &got, 32768, 1, 0), "error %d", got.error);
		EXPECT(!got.interrupted, "interrupted at once");
		if (when == 1)
			change(&other);
		while (read_some(&p, &got, 32768, 1, 0))
			;
		if (when == 2)
			change(&other);
		EXPECT_EQ(got.error, 0);
		EXPECT_EQ(got.objects, 5000);
		EXPECT_EQ(got.interrupted, when == 1);
	}
}

static const struct ktap_test tests[] = {
	/* covers: surface 5a */
	{ "a dump begins with filters from the request", filters },
	/* covers: surface 5d */
	{ "a dump says that it was filtered", filtered },
	/* covers: surface 5a */
	{ "a state in a box goes from one buffer to the next", boxed },
	/* covers: surface 5a */
	{ "dumps are given up at any time", abandoned },
	/* covers: surface 5a */
	{ "a dump is refused before it begins", refused },
	/* covers: surface 5b */
	{ "an object larger than the buffer ends the dump", large_object },
	/* covers: surface 5b */
	{ "a dump says how large its buffers must be", minimum },
	/* covers: surface 5c */
	{ "a change in the middle of a dump is told", generation },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
