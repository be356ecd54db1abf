// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are filled to the last part that fits. What a family in C makes of
 * them is computed here, from the sizes of the parts, by loops as those of
 * wireguard, team and smc_pnetid: nla_put() as long as there is room, and taking
 * back what has begun. What comes is the same to the byte.
 */
#include "genltest.h"

/* Attributes of the requests. */
enum { PEERS = 1, MOST };
enum { COUNT = 1, WAY };
enum { SINGLES, LISTS, LARGE, FAILS };

/* What alloc_skb() leaves of a page for data: NLMSG_GOODSIZE on x86 and arm64. */
#define GOODSIZE	(4096 - 320)
/* The largest buffer of a dump is 32 KiB with the same part less. */
#define LARGEST		(32768 - 320)

/* A buffer of the kernel: what is in it, and how much it holds. */
struct buffer {
	struct nl_msg m;
	size_t size;
	size_t start;		/* of the last message */
};

static bool put(struct buffer *b, uint16_t type, const void *data, size_t len)
{
	if (b->size - b->m.len < NLA_ALIGN(NLA_HDRLEN + len))
		return false;
	nl_put(&b->m, type, data, len);
	return true;
}

static bool put_u32(struct buffer *b, uint16_t type, uint32_t value)
{
	return put(b, type, &value, sizeof(value));
}

/* nla_nest_start(): where the nest begins, or -1. */
static ssize_t nest_start(struct buffer *b, uint16_t type)
{
	if (b->size - b->m.len < NLA_HDRLEN)
		return -1;
	return nl_nest(&b->m, type);
}

static void nest_end(struct buffer *b, ssize_t nest)
{
	nl_nest_end(&b->m, nest);
}

/* nla_nest_cancel() and genlmsg_cancel() */
static void cancel(struct buffer *b, size_t start)
{
	memset(b->m.data + start, 0, b->m.len - start);
	b->m.len = start;
}

static struct nlmsghdr *last(struct buffer *b)
{
	return (struct nlmsghdr *)(b->m.data + b->start);
}

/* nlmsg_put() with @len bytes of zeros */
static bool put_header(struct buffer *b, struct peer *p, uint16_t type, size_t len)
{
	if (b->size - b->m.len < NLMSG_HDRLEN + len)
		return false;
	b->start = b->m.len;
	memset(b->m.data + b->start, 0, NLMSG_HDRLEN + len);
	b->m.len += NLMSG_HDRLEN + len;
	last(b)->nlmsg_type = type;
	last(b)->nlmsg_flags = NLM_F_MULTI;
	last(b)->nlmsg_seq = p->sock.seq;
	last(b)->nlmsg_pid = p->sock.portid;
	last(b)->nlmsg_len = NLMSG_HDRLEN + len;
	return true;
}

static bool genl_put(struct buffer *b, struct peer *p, uint8_t cmd)
{
	if (!put_header(b, p, p->family.id, GENL_HDRLEN))
		return false;
	nl_genl(last(b))->cmd = cmd;
	nl_genl(last(b))->version = 1;
	return true;
}

static void genl_end(struct buffer *b)
{
	last(b)->nlmsg_len = b->m.len - b->start;
}

static void empty(struct buffer *b, size_t size)
{
	memset(&b->m, 0, b->m.len + NL_ATTRS);
	b->m.len = 0;
	b->size = size;
	b->start = 0;
}

/* The next datagram is what is in the buffer. */
static void expect_buffer(struct peer *p, struct buffer *b, size_t room)
{
	static struct nl_msg m;
	ssize_t len = nl_recv(&p->sock, m.data, room, 0);

	EXPECT_OK(len);
	EXPECT_BYTES(m.data, len, b->m.data, b->m.len);
}

static const char data[256] = { [0 ... 255] = 0x5a };

/* struct dump_ctx of wireguard */
struct cursor {
	uint32_t peers, most;
	uint32_t done;		/* peers that have been sent as a whole */
	bool resumed;
	uint32_t entry;
};

/* get_allowedips() of wireguard */
static bool put_entry(struct buffer *b, uint32_t peer, uint32_t entry)
{
	ssize_t nest = nest_start(b, 0);

	if (nest < 0)
		return false;
	if (!put(b, 1, data, (peer * 3 + entry * 11) % 40)) {
		cancel(b, nest);
		return false;
	}
	nest_end(b, nest);
	return true;
}

/* get_peer() of wireguard */
static bool put_peer(struct buffer *b, struct cursor *c, uint32_t peer)
{
	uint32_t entry = c->resumed ? c->entry : 0, count = peer * 5 % (c->most + 1);
	ssize_t nest = nest_start(b, 0), entries;

	if (nest < 0)
		return false;
	if (!put_u32(b, 1, peer))
		goto err;
	if (!c->resumed && !put(b, 2, data, peer * 7 % 20))
		goto err;
	if (entry >= count)
		goto no_entries;
	entries = nest_start(b, 3);
	if (entries < 0)
		goto err;
	for (; entry < count; entry++) {
		if (!put_entry(b, peer, entry)) {
			nest_end(b, entries);
			nest_end(b, nest);
			c->resumed = true;
			c->entry = entry;
			return false;
		}
	}
	nest_end(b, entries);
no_entries:
	nest_end(b, nest);
	c->resumed = false;
	return true;
err:
	cancel(b, nest);
	return false;
}

/* wg_get_device_dumpit(); true at the end */
static bool put_device(struct buffer *b, struct peer *p, struct cursor *c)
{
	bool done = true;
	ssize_t nest;

	EXPECT(genl_put(b, p, GENLTEST_DEVICE), "no room for a header");
	if (!c->done)
		EXPECT(put(b, 1, "device", 6), "no room for the device");
	nest = nest_start(b, 2);
	EXPECT(nest >= 0, "no room for peers");
	while (c->done < c->peers) {
		if (!put_peer(b, c, c->done)) {
			done = false;
			break;
		}
		c->done++;
	}
	nest_end(b, nest);
	genl_end(b);
	return done;
}

static size_t check_device(struct peer *p, size_t room, uint32_t peers, uint32_t most)
{
	static struct buffer b;
	struct cursor c = { .peers = peers, .most = most };
	size_t datagrams = 0, size = GOODSIZE;
	struct nl_msg *m = test_start(p, NLM_F_DUMP, GENLTEST_DEVICE);
	bool done;

	nl_put_u32(m, PEERS, peers);
	nl_put_u32(m, MOST, most);
	EXPECT_OK(nl_send(&p->sock, m));
	do {
		empty(&b, size);
		done = put_device(&b, p, &c);
		/* netlink_dump_done() */
		if (done && b.size - b.m.len < NLMSG_HDRLEN + sizeof(int)) {
			expect_buffer(p, &b, room);
			datagrams++;
			empty(&b, size);
		}
		if (done)
			EXPECT(put_header(&b, p, NLMSG_DONE, sizeof(int)), "no room");
		expect_buffer(p, &b, room);
		datagrams++;
		/* From the second on, a buffer is as large as the reader's. */
		size = room < GOODSIZE ? GOODSIZE : room > LARGEST ? LARGEST : room;
	} while (!done);
	peer_expect_silence(p);
	return datagrams;
}

static void device(const void *arg)
{
	static const struct { uint32_t peers, most; } rows[] = {
		{ 0, 0 }, { 1, 0 }, { 1, 10 }, { 10, 10 }, { 100, 4 }, { 1000, 4 }, { 200, 100 },
		/* The entries of one peer go through several buffers. */
		{ 3, 9999 }, { 7, 3001 }, { 50, 1000 },
	};
	size_t room = *(const size_t *)arg, datagrams = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer p;

		/* A new socket, or its first buffer would have the size of the last one. */
		test_open(&p);
		datagrams += check_device(&p, room, rows[i].peers, rows[i].most);
		nl_close(&p.sock);
	}
	DIAG("%zu datagrams", datagrams);
}

/* Each number of peers, so that buffers end at each place that there is. */
static void each_place(const void *arg)
{
	for (uint32_t peers = 20; peers < 120; peers++) {
		struct peer p;

		test_open(&p);
		check_device(&p, 4096, peers, 6);
		nl_close(&p.sock);
	}
}

static void ask(struct peer *p, uint16_t flags, uint32_t count, uint32_t way)
{
	struct nl_msg *m = test_start(p, flags, GENLTEST_OPTIONS);

	nl_put_u32(m, COUNT, count);
	nl_put_u32(m, WAY, way);
	EXPECT_OK(nl_send(&p->sock, m));
}

static void expect_end(struct peer *p, struct buffer *b, size_t code)
{
	if (!put_header(b, p, NLMSG_DONE, code)) {
		expect_buffer(p, b, sizeof(b->m.data));
		empty(b, GOODSIZE);
		EXPECT(put_header(b, p, NLMSG_DONE, code), "no room");
	}
	expect_buffer(p, b, sizeof(b->m.data));
}

/* Messages of several sizes, as many in a buffer as fit: smc_pnet_get(). */
static bool put_single(struct buffer *b, struct peer *p, uint32_t number)
{
	size_t before = b->m.len, start = b->start;

	if (genl_put(b, p, GENLTEST_OPTIONS) && put_u32(b, 1, number) &&
	    put(b, 2, data, number * 37 % 200)) {
		genl_end(b);
		return true;
	}
	cancel(b, before);
	b->start = start;
	return false;
}

static void singles(const void *arg)
{
	static struct buffer b;
	struct nl_ack ack;
	struct nl_msg m;
	struct peer p;

	test_open(&p);
	for (uint32_t count = 0; count < 300; count += 1 + count / 40) {
		bool wants_ack = count % 2;

		ask(&p, wants_ack ? NLM_F_ACK : 0, count, SINGLES);
		empty(&b, GOODSIZE);
		for (uint32_t i = 0; i < count; i++) {
			if (put_single(&b, &p, i))
				continue;
			expect_buffer(&p, &b, sizeof(m.data));
			empty(&b, GOODSIZE);
			EXPECT(put_single(&b, &p, i), "no room");
		}
		expect_end(&p, &b, sizeof(int));
		if (wants_ack)
			peer_recv_ack(&p, &m, 0, &ack);
		peer_expect_silence(&p);
	}
}

/* One message in a buffer, with as many options as fit: team_nl_send_options_get(). */
static void lists(const void *arg)
{
	static struct buffer b;
	struct nl_msg m;
	struct peer p;

	test_open(&p);
	for (uint32_t count = 0; count < 2000; count += 1 + count / 20) {
		uint32_t i = 0;
		bool incomplete;

		ask(&p, 0, count, LISTS);
		do {
			ssize_t list;

			if (i)
				expect_buffer(&p, &b, sizeof(m.data));
			empty(&b, GOODSIZE);
			EXPECT(genl_put(&b, &p, GENLTEST_OPTIONS) && put_u32(&b, 1, 7), "no room");
			list = nest_start(&b, 2);
			incomplete = false;
			for (; i < count && !incomplete; i += !incomplete) {
				ssize_t nest = nest_start(&b, 1);

				incomplete = nest < 0;
				if (!incomplete && !put(&b, 1, data, i * 7 % 30)) {
					cancel(&b, nest);
					incomplete = true;
				}
				if (!incomplete)
					nest_end(&b, nest);
			}
			nest_end(&b, list);
			genl_end(&b);
		} while (incomplete);
		/* The end has no error number there. */
		expect_end(&p, &b, 0);
		peer_expect_silence(&p);
	}
}

/* A message that is larger than a buffer has one that it fits into. */
static void large(const void *arg)
{
	static struct nl_msg m;
	struct peer p;
	size_t i = 0;

	test_open(&p);
	ask(&p, 0, 4, LARGE);
	for (bool done = false; !done;) {
		ssize_t len = nl_recv(&p.sock, m.data, sizeof(m.data), 0);
		struct nlmsghdr *nlh = nl_hdr(&m);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			EXPECT_EQ(nlh->nlmsg_flags, NLM_F_MULTI);
			done = nlh->nlmsg_type == NLMSG_DONE;
			if (done)
				break;
			EXPECT_EQ(nlh->nlmsg_len, NL_ATTRS + NLA_HDRLEN + i++ * 4000);
		}
		EXPECT_EQ(len, done ? NLMSG_LENGTH(sizeof(int)) : 0);
	}
	EXPECT_EQ(i, 4);
	peer_expect_silence(&p);
}

/* What was sent has been sent; the error comes in the place of the end. */
static void fails(const void *arg)
{
	static struct buffer b;
	struct nl_ack ack;
	struct nl_msg m;
	struct peer p;

	test_open(&p);
	ask(&p, 0, 5, FAILS);
	empty(&b, GOODSIZE);
	EXPECT(put_single(&b, &p, 5), "no room");
	expect_buffer(&p, &b, sizeof(m.data));
	peer_recv_ack(&p, &m, EDOM, &ack);
	EXPECT_STR(ack.text, "something is wrong in the middle");
	EXPECT_EQ(ack.offset, NL_ATTRS);
	peer_expect_silence(&p);
}

/* What does not fit into the receive buffer is refused, and never all of it built. */
static void no_room(const void *arg)
{
	static struct nl_msg m;
	size_t datagrams = 0;
	struct nl_ack ack;
	struct peer p;
	int size = 30000;
	ssize_t len;

	test_open(&p);
	EXPECT_EQ(setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ask(&p, 0, 10000, SINGLES);
	for (;;) {
		len = nl_recv(&p.sock, m.data, sizeof(m.data), 0);
		EXPECT_OK(len);
		if (nl_hdr(&m)->nlmsg_type == NLMSG_ERROR)
			break;
		EXPECT_EQ(nl_hdr(&m)->nlmsg_flags, NLM_F_MULTI);
		datagrams++;
	}
	EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
	EXPECT_EQ(ack.error, -EAGAIN);
	EXPECT_STR(ack.text, "the receive buffer has no room for the replies to this datagram");
	/* SO_RCVBUF is doubled, and a buffer takes a page and a head. */
	EXPECT(datagrams >= 10 && datagrams <= 2 * 30000 / 4096, "%zu datagrams", datagrams);
	peer_expect_silence(&p);
	test_ping(&p);
}

static const size_t rooms[] = { 4096, 8192, 32768 };

static const struct ktap_test tests[] = {
	/* covers: surface 5e */
	{ "a device with its peers, as C packs it: 4 KiB", device, &rooms[0] },
	/* covers: surface 5e */
	{ "a device with its peers, as C packs it: 8 KiB", device, &rooms[1] },
	/* covers: surface 5e */
	{ "a device with its peers, as C packs it: 32 KiB", device, &rooms[2] },
	/* covers: surface 5e */
	{ "a device of each size", each_place },
	/* covers: surface 4f */
	{ "several messages and the end, as C packs them", singles },
	/* covers: surface 4f */
	{ "a list over several messages, as C packs it", lists },
	/* covers: surface 4f */
	{ "a message that is larger than a buffer", large },
	/* covers: surface 4f */
	{ "an error in the place of the end", fails },
	/* covers: surface 4f */
	{ "several messages that the receiver has no room for", no_room },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
