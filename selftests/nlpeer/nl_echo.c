// SPDX-License-Identifier: GPL-2.0
/*
 * Echo: each attribute alone and all together, at the lengths where rounding,
 * terminators and limits matter. A reply is compared with the message that it
 * must be, byte by byte: order, lengths, flags, values and padding.
 */
#include "peer.h"

/* What a request carries; a reply carries the same in the order of the spec. */
struct value {
	const uint32_t *u32;
	const uint64_t *u64;
	const char *string;
	int binary;		/* length; -1 for none */
	bool nest;
	const uint32_t *nest_u32;
	const char *nest_string;
};

#define NONE	.binary = -1

static const uint32_t u32s[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };
static const uint64_t u64s[] = { 0, 1, 0x100000000, 1ull << 63, ~0ull };

/* A string of @len bytes; a long one shows where bytes get mixed up. */
static const char *text(size_t len)
{
	char *str = calloc(1, len + 1);

	for (size_t i = 0; i < len; i++)
		str[i] = 'a' + i % 23;
	return str;
}

static void put_binary(struct nl_msg *m, size_t len)
{
	unsigned char *bytes = calloc(1, len + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = i * 7 + (i >> 8) + 1;
	nl_put(m, NLPEER_A_VALUE_BINARY, bytes, len);
	free(bytes);
}

static void put_nest(struct nl_msg *m, const struct value *v)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	if (v->nest_u32)
		nl_put_u32(m, NLPEER_A_NESTED_VALUE_U32, *v->nest_u32);
	if (v->nest_string)
		nl_put_str(m, NLPEER_A_NESTED_VALUE_STRING, v->nest_string);
	nl_nest_end(m, nest);
}

static void put_value(struct nl_msg *m, const struct value *v)
{
	if (v->u32)
		nl_put_u32(m, NLPEER_A_VALUE_U32, *v->u32);
	if (v->u64)
		nl_put_u64(m, NLPEER_A_VALUE_U64, *v->u64);
	if (v->string)
		nl_put_str(m, NLPEER_A_VALUE_STRING, v->string);
	if (v->binary >= 0)
		put_binary(m, v->binary);
	if (v->nest)
		put_nest(m, v);
}

/* Receive the reply to the request sent last, and compare it with @v. */
static void expect_value(struct peer *p, const struct value *v)
{
	static struct nl_msg got, want;

	peer_start(p, &want, 0, NLPEER_CMD_ECHO);
	nl_hdr(&want)->nlmsg_flags = 0;
	nl_hdr(&want)->nlmsg_seq = p->sock.seq;
	nl_hdr(&want)->nlmsg_pid = p->sock.portid;
	put_value(&want, v);
	nl_hdr(&want)->nlmsg_len = want.len;

	peer_recv_reply(p, &got, NLPEER_CMD_ECHO);
	EXPECT_BYTES(got.data, got.len, want.data, want.len);
}

static void echo(struct peer *p, const struct value *v)
{
	static struct nl_msg m;

	peer_start(p, &m, 0, NLPEER_CMD_ECHO);
	put_value(&m, v);
	EXPECT_OK(nl_send(&p->sock, &m));
	expect_value(p, v);
	peer_expect_silence(p);
}

static void nothing(const void *arg)
{
	struct peer p;

	peer_open(&p);
	echo(&p, &(struct value){ NONE });
}

static void scalars(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(u32s); i++)
		echo(&p, &(struct value){ NONE, .u32 = &u32s[i] });
	for (size_t i = 0; i < ARRAY_SIZE(u64s); i++) {
		static struct nl_msg m;

		echo(&p, &(struct value){ NONE, .u64 = &u64s[i] });
		echo(&p, &(struct value){ NONE, .u32 = &u32s[1], .u64 = &u64s[i] });
		/* In both it lies at a multiple of 8, behind an empty attribute not. */
		peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
		nl_put(&m, NLPEER_A_VALUE_BINARY, NULL, 0);
		nl_put_u64(&m, NLPEER_A_VALUE_U64, u64s[i]);
		EXPECT_OK(nl_send(&p.sock, &m));
		expect_value(&p, &(struct value){ .u64 = &u64s[i], .binary = 0 });
	}
}

static void strings(const void *arg)
{
	static const size_t lens[] = { 0, 1, 2, 3, 4, 5, 255, 4095, NLPEER_STRING_MAX };
	struct peer p;

	peer_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		echo(&p, &(struct value){ NONE, .string = text(lens[i]) });
	/* Any byte but NUL is good: netlink strings have no encoding. */
	echo(&p, &(struct value){ NONE, .string = "\xff\x80\x01\n\xc3(" });
}

static void binaries(const void *arg)
{
	static const int lens[] = { 0, 1, 2, 3, 4, 5, 4096, 32767, NLPEER_BINARY_MAX };
	struct peer p;

	peer_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		echo(&p, &(struct value){ .binary = lens[i] });
}

/* Short payloads are copied in other ways than long ones. */
static void each_length(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (int len = 0; len <= 300; len++) {
		echo(&p, &(struct value){ NONE, .string = text(len) });
		echo(&p, &(struct value){ .binary = len });
		if (len <= NLPEER_TEXT_MAX)
			echo(&p, &(struct value){
				.string = text(len), .binary = len, .nest = true,
				.nest_string = text(len),
			});
	}
}

static void nests(const void *arg)
{
	static const size_t lens[] = { 0, 1, 2, 3, 4, 63, NLPEER_TEXT_MAX };
	struct value v = { NONE, .nest = true };
	struct peer p;

	peer_open(&p);
	echo(&p, &v);
	v.nest_u32 = &u32s[4];
	echo(&p, &v);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		v.nest_string = text(lens[i]);
		v.nest_u32 = NULL;
		echo(&p, &v);
		v.nest_u32 = &u32s[3];
		echo(&p, &v);
	}
}

static void all_together(const void *arg)
{
	struct peer p;

	peer_open(&p);
	echo(&p, &(struct value){
		.u32 = &u32s[3], .u64 = &u64s[4], .string = text(5), .binary = 3,
		.nest = true, .nest_u32 = &u32s[1], .nest_string = text(2),
	});
	/* The largest reply that there is. */
	echo(&p, &(struct value){
		.u32 = &u32s[4], .u64 = &u64s[3], .string = text(NLPEER_STRING_MAX),
		.binary = NLPEER_BINARY_MAX, .nest = true, .nest_u32 = &u32s[4],
		.nest_string = text(NLPEER_TEXT_MAX),
	});
	/* And a small one behind it, in which nothing of that may be left. */
	echo(&p, &(struct value){ .string = "", .binary = 1, .nest = true });
}

/* Each subset of the attributes, so that none depends on another. */
static void each_subset(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (int set = 0; set < 32; set++)
		echo(&p, &(struct value){
			.u32 = set & 1 ? &u32s[4] : NULL,
			.u64 = set & 2 ? &u64s[3] : NULL,
			.string = set & 4 ? text(set) : NULL,
			.binary = set & 8 ? set : -1,
			.nest = set & 16,
			.nest_u32 = set & 1 ? &u32s[2] : NULL,
			.nest_string = set & 2 ? text(set % 5) : NULL,
		});
}

static void order_of_request(const void *arg)
{
	const struct value v = {
		.u32 = &u32s[2], .u64 = &u64s[2], .string = "abc", .binary = 5,
		.nest = true, .nest_u32 = &u32s[3], .nest_string = "de",
	};
	struct nl_msg m;
	struct peer p;
	size_t nest;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nest = nl_nest(&m, NLPEER_A_VALUE_NEST);
	nl_put_str(&m, NLPEER_A_NESTED_VALUE_STRING, v.nest_string);
	nl_put_u32(&m, NLPEER_A_NESTED_VALUE_U32, *v.nest_u32);
	nl_nest_end(&m, nest);
	put_binary(&m, v.binary);
	nl_put_str(&m, NLPEER_A_VALUE_STRING, v.string);
	nl_put_u64(&m, NLPEER_A_VALUE_U64, *v.u64);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, *v.u32);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
}

/* Where an attribute comes twice, the last one counts, as everywhere. */
static void duplicates(const void *arg)
{
	struct nl_msg m;
	struct peer p;
	size_t nest;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, 1);
	nl_put_str(&m, NLPEER_A_VALUE_STRING, "longer than the second one");
	put_nest(&m, &(struct value){ .nest_u32 = &u32s[4], .nest_string = "first" });
	nl_put_str(&m, NLPEER_A_VALUE_STRING, "second");
	nl_put_u32(&m, NLPEER_A_VALUE_U32, u32s[2]);
	nest = nl_nest(&m, NLPEER_A_VALUE_NEST);
	nl_put_u32(&m, NLPEER_A_NESTED_VALUE_U32, 1);
	nl_put_u32(&m, NLPEER_A_NESTED_VALUE_U32, u32s[3]);
	nl_nest_end(&m, nest);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &(struct value){
		NONE, .u32 = &u32s[2], .string = "second", .nest = true,
		.nest_u32 = &u32s[3],
	});
}

/* Padding that is not zero in the request is zero in the reply. */
static void dirty_padding(const void *arg)
{
	const struct value v = { .string = "", .binary = 1 };
	struct nl_msg m;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_str(&m, NLPEER_A_VALUE_STRING, v.string);
	memset(m.data + m.len - 3, 0xaa, 3);
	put_binary(&m, v.binary);
	memset(m.data + m.len - 3, 0x55, 3);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
}

/* The last attribute may end without padding. */
static void unpadded_end(const void *arg)
{
	const struct value v = { .binary = 1 };
	struct nl_msg m;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	put_binary(&m, v.binary);
	m.len -= 3;
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
}

/* A string ends at its first NUL, whatever the length of its attribute. */
static void nul_inside(const void *arg)
{
	struct nl_msg m;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put(&m, NLPEER_A_VALUE_STRING, "ab\0cd", 6);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &(struct value){ NONE, .string = "ab" });

	/* Nor does it need the NUL to be the last byte. */
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put(&m, NLPEER_A_VALUE_STRING, "ab\0cd", 5);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &(struct value){ NONE, .string = "ab" });
}

/* What the core does not look at changes nothing. */
static void tolerated(const void *arg)
{
	const struct value v = { NONE, .u32 = &u32s[3] };
	struct nl_msg m;
	struct peer p;
	size_t nest;

	peer_open(&p);
	/* The version in the request: families look at it, the core does not. */
	nl_start(&m, p.family.id, 0, NLPEER_CMD_ECHO, NLPEER_FAMILY_VERSION + 1);
	put_value(&m, &v);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
	/* NLM_F_ECHO asks for the notification of a change; here is none. */
	peer_start(&p, &m, NLM_F_ECHO, NLPEER_CMD_ECHO);
	put_value(&m, &v);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
	/* The byte order flag is no part of the type. */
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32 | NLA_F_NET_BYTEORDER, *v.u32);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nest = nl_nest(&m, NLPEER_A_VALUE_NEST);
	nl_put_u32(&m, NLPEER_A_NESTED_VALUE_U32 | NLA_F_NET_BYTEORDER, *v.u32);
	nl_nest_end(&m, nest);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &(struct value){ NONE, .nest = true, .nest_u32 = v.u32 });
	/* The sender's idea of its own port. */
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	put_value(&m, &v);
	nl_hdr(&m)->nlmsg_pid = p.sock.portid + 1;
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
}

/* The reply has the number of the request and the port of the sender. */
static void header(const void *arg)
{
	static const uint32_t seqs[] = { 0, 1, 0x80000000, 0xffffffff };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = 0xfffff123 };
	const struct value v = { NONE, .u32 = &u32s[1] };
	struct peer p, q;

	peer_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(seqs); i++) {
		p.sock.seq = seqs[i] - 1;
		echo(&p, &v);
		EXPECT_EQ(p.sock.seq, seqs[i]);
	}

	/* A port of our own choice, beside the one of the first socket. */
	q = p;
	q.sock.fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	EXPECT(!bind(q.sock.fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	q.sock.portid = addr.nl_pid;
	echo(&q, &v);
	echo(&p, &v);
	peer_expect_silence(&q);
}

/* With NLM_F_ACK, the ack follows the reply, in a datagram of its own. */
static void ack_follows_reply(const void *arg)
{
	const struct value v = { .string = "acknowledge", .binary = 100 };
	struct nl_msg m;
	struct nl_ack ack;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, NLM_F_ACK, NLPEER_CMD_ECHO);
	put_value(&m, &v);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_value(&p, &v);
	peer_recv_ack(&p, &m, 0, &ack);
	EXPECT_STR(ack.text, NULL);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_flags, NLM_F_CAPPED);
	peer_expect_silence(&p);
}

/* Several requests in one datagram are answered one by one, in order. */
static void batch(const void *arg)
{
	enum { COUNT = 20 };
	struct nl_msg m, batch;
	uint32_t first, last;
	struct peer p;

	peer_open(&p);
	first = p.sock.seq + 1;
	batch.len = 0;
	for (int i = 0; i < COUNT; i++) {
		struct value v = { .string = text(i), .binary = 3 * i };

		peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
		put_value(&m, &v);
		nl_finish(&p.sock, &m);
		memcpy(nl_reserve(&batch, m.len), m.data, m.len);
	}
	last = p.sock.seq;
	EXPECT_OK(nl_send_raw(&p.sock, batch.data, batch.len));
	for (int i = 0; i < COUNT; i++) {
		p.sock.seq = first + i;
		expect_value(&p, &(struct value){ .string = text(i), .binary = 3 * i });
	}
	EXPECT_EQ(p.sock.seq, last);
	peer_expect_silence(&p);
}

/* Requests of two sockets do not meet. */
static void two_sockets(const void *arg)
{
	struct nl_msg m;
	struct peer p, q;

	peer_open(&p);
	peer_open(&q);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, u32s[3]);
	EXPECT_OK(nl_send(&p.sock, &m));
	echo(&q, &(struct value){ NONE, .u32 = &u32s[4] });
	expect_value(&p, &(struct value){ NONE, .u32 = &u32s[3] });
	peer_expect_silence(&p);
}

static void other_netns(const void *arg)
{
	struct peer outside, inside;
	struct peer_dump dump;

	peer_open(&outside);
	enter_new_netns();
	peer_open(&inside);
	/* It is the same family, by the same numbers. */
	EXPECT_EQ(inside.family.id, outside.family.id);
	EXPECT_EQ(nl_group(&inside.family, NLPEER_MCGRP_EVENTS),
		  nl_group(&outside.family, NLPEER_MCGRP_EVENTS));
	echo(&inside, &(struct value){ .string = "inside", .binary = 10 });
	echo(&outside, &(struct value){ .string = "outside", .binary = 10 });
	dump = peer_send_dump(&inside, 100);
	peer_read_dump(&inside, &dump, NL_MSG_SIZE);
	/* The counters are those of the family, not of a namespace. */
	EXPECT_EQ(peer_status(&outside).requests + 1, peer_status(&inside).requests);
}

static void unprivileged(const void *arg)
{
	struct peer_dump dump;
	struct peer p;

	become_nobody();
	peer_open(&p);
	echo(&p, &(struct value){ .string = "nobody", .binary = 10 });
	dump = peer_send_dump(&p, 10);
	peer_read_dump(&p, &dump, NL_MSG_SIZE);
	peer_status(&p);
}

static const struct ktap_test tests[] = {
	/* covers: trap 13 */
	{ "no attribute", nothing },
	/* covers: surface 2d, trap 15 */
	{ "u32 and u64: bounds, alignment", scalars },
	{ "string: lengths around rounding and the limit", strings },
	{ "binary: lengths around rounding and the limit", binaries },
	{ "string and binary: each length up to 300", each_length },
	/* covers: trap 18 */
	{ "nest: empty, each member, lengths", nests },
	{ "all attributes together, the largest reply", all_together },
	{ "each subset of the attributes", each_subset },
	{ "the reply has the order of the spec", order_of_request },
	/* covers: trap 19 */
	{ "of duplicates the last one counts", duplicates },
	{ "padding is zero, whatever the request had", dirty_padding },
	{ "an attribute at the end needs no padding", unpadded_end },
	/* covers: trap 16 */
	{ "a string ends at its first NUL", nul_inside },
	/* covers: trap 20 */
	{ "version, echo flag, byte order flag, pid: not looked at", tolerated },
	{ "sequence number and port of the reply", header },
	{ "an ack follows the reply", ack_follows_reply },
	{ "twenty requests in one datagram", batch },
	{ "two sockets", two_sockets },
	{ "from another network namespace", other_netns },
	{ "as an unprivileged user", unprivileged },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
