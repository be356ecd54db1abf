// SPDX-License-Identifier: GPL-2.0
/*
 * Replies that are odd on purpose: all datagrams that come, byte by byte, with and
 * without an ack, and that nothing is left of them. What is expected is made from
 * the headers of the kernel, as a reader of the spec would.
 */
#include <arpa/inet.h>

#include "module.h"

/* What a reply has, and what shows that something is none. */
enum { RIGHT = 7, WRONG = 13, UNKNOWN = 99 };

/* The request that was sent last, which an ack quotes. */
static struct nl_msg request;

typedef void (*build)(const struct peer *p, struct nl_msg *m);

struct odd {
	const char *name;
	uint32_t what;
	/* The datagrams, and where the ack is if it is not behind them. */
	build datagrams[3];
	bool has_ack;
};

/* Begin a message of the family to the one who has sent the request. */
static void start(const struct peer *p, struct nl_msg *m, uint8_t cmd)
{
	nl_start(m, p->family.id, 0, cmd, NLPEER_FAMILY_VERSION);
	nl_hdr(m)->nlmsg_flags = 0;
	nl_hdr(m)->nlmsg_seq = p->sock.seq;
	nl_hdr(m)->nlmsg_pid = p->sock.portid;
}

static void end(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = m->len;
}

static void start_reply(const struct peer *p, struct nl_msg *m)
{
	start(p, m, NLPEER_CMD_ODD_GET);
}

static void number_and_text(const struct peer *p, struct nl_msg *m, uint32_t number)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, number);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "odd");
	end(m);
}

static void right(const struct peer *p, struct nl_msg *m)
{
	number_and_text(p, m, RIGHT);
}

static void right_of_many(const struct peer *p, struct nl_msg *m)
{
	right(p, m);
	nl_hdr(m)->nlmsg_flags = NLM_F_MULTI;
}

/* A message without a header of generic netlink, and so many zeros behind its own. */
static void control(const struct peer *p, struct nl_msg *m, uint16_t type, uint16_t flags,
		    size_t len)
{
	m->len = 0;
	nl_reserve(m, NLMSG_HDRLEN + len);
	*nl_hdr(m) = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = p->sock.seq,
		.nlmsg_pid = p->sock.portid,
	};
}

static void done_empty(const struct peer *p, struct nl_msg *m)
{
	control(p, m, NLMSG_DONE, NLM_F_MULTI, 0);
}

static void done_short(const struct peer *p, struct nl_msg *m)
{
	control(p, m, NLMSG_DONE, NLM_F_MULTI, 2);
}

static void next_seq(const struct peer *p, struct nl_msg *m)
{
	number_and_text(p, m, WRONG);
	nl_hdr(m)->nlmsg_seq++;
}

static void last_seq(const struct peer *p, struct nl_msg *m)
{
	number_and_text(p, m, WRONG);
	nl_hdr(m)->nlmsg_seq--;
}

static void other_port(const struct peer *p, struct nl_msg *m)
{
	number_and_text(p, m, WRONG);
	nl_hdr(m)->nlmsg_pid++;
}

static void other_type(const struct peer *p, struct nl_msg *m)
{
	number_and_text(p, m, WRONG);
	nl_hdr(m)->nlmsg_type++;
}

static void event(const struct peer *p, struct nl_msg *m)
{
	start(p, m, NLPEER_CMD_EVENT);
	nl_put_u32(m, NLPEER_A_EVENT_COOKIE, WRONG);
	end(m);
}

static void no_nul(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put(m, NLPEER_A_ODD_TEXT, "odd!", 4);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	end(m);
}

static void empty_text(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "");
	end(m);
}

static void no_text(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nl_put(m, NLPEER_A_ODD_TEXT, NULL, 0);
	end(m);
}

static void plain_nest(const struct peer *p, struct nl_msg *m)
{
	size_t nest;

	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nest = m->len;
	nl_put(m, NLPEER_A_ODD_NEST, NULL, 0);
	nl_put_u32(m, NLPEER_A_ODD_NEST_NUMBER, RIGHT);
	nl_nest_end(m, nest);
	end(m);
}

static void byte_order(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER | NLA_F_NET_BYTEORDER, htonl(RIGHT));
	nl_put_str(m, NLPEER_A_ODD_TEXT, "odd");
	end(m);
}

static void unpadded(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "od");
	m->len--;
	end(m);
}

static void trailing(const struct peer *p, struct nl_msg *m)
{
	right(p, m);
	nl_reserve(m, 3);
	end(m);
}

static void short_attribute(const struct peer *p, struct nl_msg *m)
{
	size_t last;

	right(p, m);
	last = m->len;
	nl_put(m, UNKNOWN, NULL, 0);
	((struct nlattr *)(m->data + last))->nla_len = 3;
	end(m);
}

static void unknown_nested(const struct peer *p, struct nl_msg *m)
{
	size_t nest;

	start_reply(p, m);
	nest = nl_nest(m, UNKNOWN);
	nl_put_u32(m, UNKNOWN, WRONG);
	nl_nest_end(m, nest);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	end(m);
}

static void unknown_byte_order(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, UNKNOWN | NLA_F_NET_BYTEORDER, htonl(WRONG));
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "odd");
	end(m);
}

static void duplicate(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, WRONG);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "odd");
	end(m);
}

static void misaligned(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_put_str(m, NLPEER_A_ODD_TEXT, "oddly");
	EXPECT_EQ((m->len + NLA_HDRLEN) % 8, 4);
	nl_put_u64(m, NLPEER_A_ODD_WIDE, RIGHT);
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, RIGHT);
	end(m);
}

/* A control message and the reply, in one datagram. */
static void behind(const struct peer *p, struct nl_msg *m, uint16_t type)
{
	static struct nl_msg reply;

	control(p, m, type, 0, 0);
	right(p, &reply);
	memcpy(nl_reserve(m, reply.len), reply.data, reply.len);
}

static void noop(const struct peer *p, struct nl_msg *m)
{
	behind(p, m, NLMSG_NOOP);
}

static void overrun(const struct peer *p, struct nl_msg *m)
{
	behind(p, m, NLMSG_OVERRUN);
}

/* An ack with the header of the request. */
static void ack(const struct peer *p, struct nl_msg *m, uint16_t flags)
{
	control(p, m, NLMSG_ERROR, flags, sizeof(struct nlmsgerr));
	((struct nlmsgerr *)NLMSG_DATA(nl_hdr(m)))->msg = *nl_hdr(&request);
}

static void ack_of_the_core(const struct peer *p, struct nl_msg *m)
{
	ack(p, m, NLM_F_CAPPED);
}

static void ack_bare(const struct peer *p, struct nl_msg *m)
{
	ack(p, m, 0);
}

static void ack_whole(const struct peer *p, struct nl_msg *m)
{
	size_t rest = request.len - NLMSG_HDRLEN;

	ack(p, m, NLM_F_ACK_TLVS);
	memcpy(nl_reserve(m, rest), request.data + NLMSG_HDRLEN, rest);
	nl_put_str(m, NLMSGERR_ATTR_MSG, "odd");
	end(m);
}

static const struct odd odds[] = {
	{ "nothing odd", NLPEER_ODD_NOTHING, { right } },
	{ "NLMSG_DONE without a payload", NLPEER_ODD_DONE_EMPTY, { right_of_many, done_empty } },
	{ "NLMSG_DONE with two bytes", NLPEER_ODD_DONE_SHORT, { right_of_many, done_short } },
	{ "NLM_F_MULTI without NLMSG_DONE", NLPEER_ODD_NO_DONE, { right_of_many } },
	{ "the next sequence number in front", NLPEER_ODD_NEXT_SEQ, { next_seq, right } },
	{ "the last sequence number in front", NLPEER_ODD_LAST_SEQ, { last_seq, right } },
	{ "another port in front", NLPEER_ODD_OTHER_PORT, { other_port, right } },
	{ "another family in front", NLPEER_ODD_OTHER_TYPE, { other_type, right } },
	{ "an event in front", NLPEER_ODD_EVENT_FIRST, { event, right } },
	{ "an event behind", NLPEER_ODD_EVENT_BEHIND, { right, event } },
	{ "twice", NLPEER_ODD_TWICE, { right, right } },
	{ "a text without a NUL", NLPEER_ODD_NO_NUL, { no_nul } },
	{ "an empty text", NLPEER_ODD_EMPTY_TEXT, { empty_text } },
	{ "a text without any byte", NLPEER_ODD_NO_TEXT, { no_text } },
	{ "a nest without NLA_F_NESTED", NLPEER_ODD_PLAIN_NEST, { plain_nest } },
	{ "NLA_F_NET_BYTEORDER", NLPEER_ODD_BYTE_ORDER, { byte_order } },
	{ "no padding", NLPEER_ODD_UNPADDED, { unpadded } },
	{ "three bytes behind the attributes", NLPEER_ODD_TRAILING, { trailing } },
	{ "an attribute of length three", NLPEER_ODD_SHORT_ATTRIBUTE, { short_attribute } },
	{ "an unknown nest", NLPEER_ODD_UNKNOWN_NESTED, { unknown_nested } },
	{ "an unknown number in network byte order", NLPEER_ODD_UNKNOWN_BYTE_ORDER,
	  { unknown_byte_order } },
	{ "an attribute twice", NLPEER_ODD_DUPLICATE, { duplicate } },
	{ "a misaligned number", NLPEER_ODD_MISALIGNED, { misaligned } },
	{ "NLMSG_NOOP in front", NLPEER_ODD_NOOP, { noop } },
	{ "NLMSG_OVERRUN in front", NLPEER_ODD_OVERRUN, { overrun } },
	{ "an ack that quotes the request", NLPEER_ODD_ACK_WHOLE, { right, ack_whole }, true },
	{ "an ack without NLM_F_CAPPED", NLPEER_ODD_ACK_BARE, { right, ack_bare }, true },
	{ "an ack in front", NLPEER_ODD_ACK_FIRST, { ack_of_the_core, right }, true },
};

static void start_request(struct peer *p, uint16_t flags)
{
	peer_start(p, &request, flags, NLPEER_CMD_ODD_GET);
}

static void ask(struct peer *p, uint32_t what, uint16_t flags)
{
	start_request(p, flags);
	nl_put_u32(&request, NLPEER_A_ODD_WHAT, what);
	EXPECT_OK(nl_send(&p->sock, &request));
}

static void expect(struct peer *p, build datagram)
{
	static struct nl_msg got, want;
	ssize_t len = nl_recv(&p->sock, got.data, sizeof(got.data), 0);

	EXPECT_OK(len);
	datagram(p, &want);
	EXPECT_BYTES(got.data, (size_t)len, want.data, want.len);
}

static bool is_ack(build datagram)
{
	return datagram == ack_of_the_core || datagram == ack_bare || datagram == ack_whole;
}

static void odd(const void *arg)
{
	const struct odd *odd = arg;
	struct peer p;

	peer_open(&p);
	/* The second time it is the same. */
	for (int i = 0; i < 4; i++) {
		uint16_t flags = i % 2 ? NLM_F_ACK : 0;

		ask(&p, odd->what, flags);
		for (const build *datagram = odd->datagrams; *datagram; datagram++)
			if (flags || !is_ack(*datagram))
				expect(&p, *datagram);
		if (flags && !odd->has_ack)
			expect(&p, ack_of_the_core);
		peer_expect_silence(&p);
	}
	peer_ping(&p, odd->what);
	peer_expect_silence(&p);
}

/* Not the end of a request that quotes it, but a longer one; the last number counts. */
static void long_request(const void *arg)
{
	struct peer p;

	peer_open(&p);
	start_request(&p, NLM_F_ACK);
	for (int i = 0; i < 5000; i++)
		nl_put_u32(&request, NLPEER_A_ODD_WHAT, NLPEER_ODD_ACK_WHOLE);
	EXPECT_OK(nl_send(&p.sock, &request));
	expect(&p, right);
	expect(&p, ack_whole);
	peer_expect_silence(&p);
	peer_ping(&p, 1);
}

static void refused(struct peer *p, int error, int64_t missing)
{
	static struct nl_msg m;
	struct nl_ack ack;

	EXPECT_OK(nl_send(&p->sock, &request));
	peer_recv_ack(p, &m, error, &ack);
	EXPECT_EQ(ack.missing, missing);
	peer_expect_silence(p);
}

static void refusals(const void *arg)
{
	struct peer p;

	peer_open(&p);
	start_request(&p, 0);
	refused(&p, EINVAL, NLPEER_A_ODD_WHAT);
	start_request(&p, 0);
	nl_put_u32(&request, NLPEER_A_ODD_WHAT, NLPEER_ODD_ACK_FIRST + 1);
	refused(&p, ERANGE, -1);
	start_request(&p, 0);
	nl_put_u32(&request, NLPEER_A_ODD_READ, 1);
	refused(&p, EINVAL, -1);
	start_request(&p, NLM_F_DUMP);
	nl_put_u32(&request, NLPEER_A_ODD_WHAT, NLPEER_ODD_NOTHING);
	refused(&p, EINVAL, -1);
	for (uint32_t read = 0; read <= NLPEER_ODD_READS + 2; read += NLPEER_ODD_READS + 2) {
		start_request(&p, NLM_F_DUMP);
		nl_put_u32(&request, NLPEER_A_ODD_READ, read);
		refused(&p, ERANGE, -1);
	}
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

/* The number of a datagram of a dump, for expect(). */
static uint32_t position;

static void object(const struct peer *p, struct nl_msg *m)
{
	start_reply(p, m);
	nl_hdr(m)->nlmsg_flags = NLM_F_MULTI;
	nl_put_u32(m, NLPEER_A_ODD_NUMBER, position);
	end(m);
}

static void done(const struct peer *p, struct nl_msg *m)
{
	control(p, m, NLMSG_DONE, NLM_F_MULTI, sizeof(int));
}

/* Reads a dump in which the read number @fails fails, or none for 0. */
static void read_dump(struct peer *p, uint32_t fails)
{
	char byte;

	start_request(p, NLM_F_DUMP);
	if (fails)
		nl_put_u32(&request, NLPEER_A_ODD_READ, fails);
	EXPECT_OK(nl_send(&p->sock, &request));
	for (position = 1; position <= NLPEER_ODD_READS + 1; position++) {
		if (position == fails)
			EXPECT_EQ(nl_recv(&p->sock, &byte, 1, 0), -ENOBUFS);
		expect(p, position <= NLPEER_ODD_READS ? object : done);
	}
	peer_expect_silence(p);
}

static void reads(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (int i = 0; i < 2; i++)
		for (uint32_t fails = 0; fails <= NLPEER_ODD_READS + 1; fails++)
			read_dump(&p, fails);
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

/* Closed where a read has failed, and where one would. */
static void closed_dump(const void *arg)
{
	struct peer p, q;
	char byte;

	peer_open(&q);
	for (uint32_t fails = 1; fails <= 2; fails++) {
		peer_open(&p);
		start_request(&p, NLM_F_DUMP);
		nl_put_u32(&request, NLPEER_A_ODD_READ, fails);
		EXPECT_OK(nl_send(&p.sock, &request));
		if (fails == 1)
			EXPECT_EQ(nl_recv(&p.sock, &byte, 1, 0), -ENOBUFS);
		EXPECT_EQ(peer_status(&q).dumps, 1);
		peer_close(&p);
		EXPECT_EQ(peer_status(&q).dumps, 0);
	}
}

/* Long enough for two requests, on a busy machine. */
#define LATE_MS	1000

static void late(const struct peer *p, struct nl_msg *m)
{
	start(p, m, NLPEER_CMD_DELAYED_GET);
	nl_hdr(m)->nlmsg_seq--;
	nl_put_u32(m, NLPEER_A_DELAYED_DELAY, LATE_MS);
	end(m);
}

/* What delayed-get does by itself. */
static void late_reply(const void *arg)
{
	static struct nl_msg m;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_DELAYED_GET);
	nl_put_u32(&m, NLPEER_A_DELAYED_DELAY, LATE_MS);
	EXPECT_OK(nl_send(&p.sock, &m));
	ask(&p, NLPEER_ODD_NOTHING, 0);
	expect(&p, right);
	expect(&p, late);
	peer_expect_silence(&p);
}

/* What reloading the module does: a dump by the old id, and by the new one. */
static void other_id(const void *arg)
{
	static struct nl_msg m;
	struct nl_ack ack;
	struct peer p;
	uint16_t id;

	begin();
	peer_open(&p);
	read_dump(&p, 0);
	id = p.family.id;
	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);
	start_request(&p, NLM_F_DUMP);
	EXPECT_OK(nl_send(&p.sock, &request));
	peer_recv_ack(&p, &m, ENOENT, &ack);
	peer_close(&p);
	peer_open(&p);
	EXPECT(p.family.id != id, "the id is %u again", id);
	read_dump(&p, 0);
}

static const struct ktap_test others[] = {
	{ "an ack that quotes a long request", long_request },
	{ "what is not odd is refused", refusals },
	{ "a read that fails, each of a dump", reads },
	{ "a dump with a read that fails is closed", closed_dump },
	{ "a reply that comes when something else was asked", late_reply },
	{ "a dump by another id, when nlpeer was loaded again", other_id },
};

int main(void)
{
	static struct ktap_test tests[ARRAY_SIZE(odds) + ARRAY_SIZE(others)];

	for (size_t i = 0; i < ARRAY_SIZE(odds); i++)
		tests[i] = (struct ktap_test){ odds[i].name, odd, &odds[i] };
	memcpy(tests + ARRAY_SIZE(odds), others, sizeof(others));
	return ktap_run(tests, ARRAY_SIZE(tests));
}
