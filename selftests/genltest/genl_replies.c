// SPDX-License-Identifier: GPL-2.0
/*
 * How a do is answered: extended acks with all that can be in them, several
 * replies, replies that come later, and guards around a handler.
 */
#include "genltest.h"

/* Attributes of a refusal: the way, a value, a nest. */
enum { WAY = 1, VALUE, NEST };

/* Attributes of a deferred reply, and its ways. */
enum { NUMBER = 1, DELAY, HOW };
enum {
	REPLY, FAILS, FINISH, DROP, AT_ONCE, HANDLER_FAILS, PARTS, PARTS_FAIL,
	UNTIL_CLOSED, HOW_MANY_CLOSED
};

static struct nl_msg *refuse(struct peer *p, uint32_t way)
{
	struct nl_msg *m = test_start(p, 0, GENLTEST_REFUSE);

	nl_put_u32(m, WAY, way);
	return m;
}

static void fixed_text(const void *arg)
{
	struct nl_msg *m;
	struct peer p;
	size_t bad;

	test_open(&p);
	m = refuse(&p, 1);
	bad = m->len;
	nl_put_u32(m, VALUE, 5);
	test_refused(&p, m, ERANGE, "a fixed text", bad);
	/* Without the attribute there is nothing to point at. */
	test_refused(&p, refuse(&p, 1), ERANGE, "a fixed text", -1);
	test_refused(&p, refuse(&p, 99), EOPNOTSUPP, "unknown way", NL_ATTRS);
}

static void formatted_text(const void *arg)
{
	struct nl_msg *m;
	struct peer p;
	size_t bad;

	test_open(&p);
	m = refuse(&p, 2);
	bad = m->len;
	nl_put_u32(m, VALUE, 1000);
	test_refused(&p, m, EDOM, "the value 1000 is not liked", bad);
}

/* 78 bytes, and then a character of two bytes that does not fit into 79. */
static void cut_text(const void *arg)
{
	char want[79];
	struct nl_msg *m;
	struct peer p;
	size_t bad;

	snprintf(want, sizeof(want), "%78s", "text");
	test_open(&p);
	m = refuse(&p, 7);
	bad = m->len;
	nl_put_u32(m, VALUE, 7);
	test_refused(&p, m, EINVAL, want, bad);
}

static void missing_attr(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	size_t nest;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_REFUSE);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_STR(ack.text, "required attribute is missing");
	EXPECT_EQ(ack.missing, WAY);
	EXPECT_EQ(ack.missing_nest, -1);
	EXPECT_EQ(ack.offset, -1);

	m = refuse(&p, 5);
	nest = nl_nest(m, NEST);
	nl_put_u32(m, 1, 1);
	nl_nest_end(m, nest);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_STR(ack.text, "required attribute is missing");
	EXPECT_EQ(ack.missing, 2);
	EXPECT_EQ(ack.missing_nest, nest);
	EXPECT_EQ(ack.offset, -1);

	/* The nest itself is what is missing. */
	m = refuse(&p, 5);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_EQ(ack.missing, NEST);
	EXPECT_EQ(ack.missing_nest, -1);
}

static void in_nest(const void *arg)
{
	struct nl_msg *m;
	struct peer p;
	size_t nest, bad;

	test_open(&p);
	m = refuse(&p, 4);
	nest = nl_nest(m, NEST);
	nl_put_u32(m, 2, 2);
	bad = m->len;
	nl_put_u32(m, 1, 1);
	nl_nest_end(m, nest);
	test_refused(&p, m, EINVAL, "inside of the nest", bad);

	/* Where the nest lacks the attribute, the nest is pointed at. */
	m = refuse(&p, 4);
	nest = nl_nest(m, NEST);
	nl_put_u32(m, 2, 2);
	nl_nest_end(m, nest);
	test_refused(&p, m, EINVAL, "inside of the nest", nest);
}

static void with_policy(const void *arg)
{
	const struct nlattr *attrs[NL_POLICY_TYPE_ATTR_MAX + 1], *nla;
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	size_t bad;

	test_open(&p);
	m = refuse(&p, 3);
	bad = m->len;
	nl_put_u32(m, VALUE, 5);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_STR(ack.text, "see the policy");
	EXPECT_EQ(ack.offset, bad);
	nla = test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_POLICY);
	EXPECT(nla, "no policy");
	EXPECT_OK(nla_index(nla_data(nla), nla_len(nla), attrs, NL_POLICY_TYPE_ATTR_MAX));
	EXPECT(attrs[NL_POLICY_TYPE_ATTR_TYPE], "no type");
	EXPECT_EQ(nla_u32(attrs[NL_POLICY_TYPE_ATTR_TYPE]), NL_ATTR_TYPE_U32);
	EXPECT(attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_U], "no minimum");
	EXPECT_EQ(nla_u64(attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_U]), 0);
	EXPECT(attrs[NL_POLICY_TYPE_ATTR_MAX_VALUE_U], "no maximum");
	EXPECT_EQ(nla_u64(attrs[NL_POLICY_TYPE_ATTR_MAX_VALUE_U]), 1000);

	/* A refusal that does not ask for it has none. */
	m = refuse(&p, 1);
	nl_put_u32(m, VALUE, 5);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, ERANGE, &ack);
	EXPECT(!test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_POLICY), "a policy");
}

static void cookies(const void *arg)
{
	const struct nlattr *nla;
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = refuse(&p, 6);
	nl_hdr(m)->nlmsg_flags |= NLM_F_ACK;
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, 0, &ack);
	EXPECT_STR(ack.text, "a warning, and no error");
	nla = test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_COOKIE);
	EXPECT(nla, "no cookie");
	EXPECT_BYTES(nla_data(nla), nla_len(nla), "cookie\x01\x02", 8);

	m = refuse(&p, 8);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EPERM, &ack);
	EXPECT_STR(ack.text, "no attribute is to blame");
	EXPECT_EQ(ack.offset, -1);
	nla = test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_COOKIE);
	EXPECT(nla, "no cookie");
	EXPECT_BYTES(nla_data(nla), nla_len(nla), "12345678", 8);

	/* Nothing of it stays for the next request. */
	m = test_start(&p, NLM_F_ACK, GENLTEST_GUARDED_SET);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, 0, &ack);
	EXPECT_STR(ack.text, NULL);
	EXPECT(!test_ack_attr(nl_hdr(m), NLMSGERR_ATTR_COOKIE), "a cookie");
}

/* Who does not ask for extended acks gets the number alone. */
static void no_extack(const void *arg)
{
	struct nl_ack ack;
	struct peer p;
	struct nl_msg *m;
	int zero = 0;

	test_open(&p);
	EXPECT_EQ(setsockopt(p.sock.fd, SOL_NETLINK, NETLINK_EXT_ACK, &zero, sizeof(zero)), 0);
	for (uint32_t way = 1; way <= 8; way++) {
		m = refuse(&p, way);
		nl_hdr(m)->nlmsg_flags |= NLM_F_ACK;
		nl_put_u32(m, VALUE, 1);
		EXPECT_OK(nl_send(&p.sock, m));
		EXPECT_OK(nl_recv_msg(&p.sock, m));
		EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
		EXPECT_EQ(!ack.error, way == 6);
		EXPECT(!(nl_hdr(m)->nlmsg_flags & NLM_F_ACK_TLVS), "way %u", way);
	}
}

/* The next message is a reply with this number. */
static void expect_number(struct peer *p, uint8_t cmd, uint32_t number)
{
	static struct nl_msg m;
	const struct nlattr *attrs[2];

	peer_recv_reply(p, &m, cmd);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs, 1));
	EXPECT_EQ(test_u32(attrs, 1), number);
}

static void several(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	for (uint32_t count = 1; count <= 20; count += 19) {
		m = test_start(&p, NLM_F_ACK, GENLTEST_SEVERAL);
		nl_put_u32(m, 1, count);
		EXPECT_OK(nl_send(&p.sock, m));
		for (uint32_t i = 1; i <= count; i++)
			expect_number(&p, GENLTEST_SEVERAL, i);
		peer_recv_ack(&p, m, 0, &ack);
		peer_expect_silence(&p);
	}
}

/* A delay that is longer where all else is, as far as the policy allows it. */
static uint32_t late(int ms)
{
	return slow(ms) < 10000 ? slow(ms) : 10000;
}

static struct nl_msg *defer(struct peer *p, uint16_t flags, uint32_t number,
			    uint32_t delay, uint32_t how)
{
	struct nl_msg *m = test_start(p, flags, GENLTEST_DEFER);

	nl_put_u32(m, NUMBER, number);
	nl_put_u32(m, DELAY, delay);
	nl_put_u32(m, HOW, how);
	return m;
}

/* What came last was all: behind it comes the answer to another request. */
static void expect_only(struct peer *p)
{
	test_ping(p);
	peer_expect_silence(p);
}

/* The reply, and only where it was asked for, behind it one ack. */
static void deferred(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	for (int how = REPLY; how <= AT_ONCE; how += AT_ONCE) {
		EXPECT_OK(nl_send(&p.sock, defer(&p, 0, 7, 10, how)));
		expect_number(&p, GENLTEST_DEFER, 7);
		expect_only(&p);

		m = defer(&p, NLM_F_ACK, 8, 10, how);
		EXPECT_OK(nl_send(&p.sock, m));
		expect_number(&p, GENLTEST_DEFER, 8);
		peer_recv_ack(&p, m, 0, &ack);
		EXPECT_EQ(((struct nlmsgerr *)NLMSG_DATA(nl_hdr(m)))->msg.nlmsg_type, p.family.id);
		expect_only(&p);
	}
}

/* The handler has returned, and nobody has been answered yet. */
static void deferred_silence(const void *arg)
{
	struct nl_ack ack;
	struct peer p;

	test_open(&p);
	EXPECT_OK(nl_send(&p.sock, defer(&p, NLM_F_ACK, 1, late(500), REPLY)));
	peer_expect_silence(&p);
	/* A request in between is answered at once. */
	test_ping(&p);
	p.sock.seq--;
	expect_number(&p, GENLTEST_DEFER, 1);
	peer_recv_ack(&p, test_start(&p, 0, 0), 0, &ack);
}

static void late_error(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	for (int flags = 0; flags <= NLM_F_ACK; flags += NLM_F_ACK) {
		m = defer(&p, flags, 1, 10, FAILS);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv_ack(&p, m, EDOM, &ack);
		EXPECT_STR(ack.text, "a late error");
		expect_only(&p);

		m = defer(&p, flags, 1, 10, DROP);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv_ack(&p, m, ECANCELED, &ack);
		EXPECT_STR(ack.text, "the reply was forgotten");
		expect_only(&p);

		/* The core would send EINVAL: one answer, and not two. */
		m = defer(&p, flags, 1, 10, HANDLER_FAILS);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv_ack(&p, m, ECANCELED, &ack);
		expect_only(&p);
	}
}

static void late_end(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = defer(&p, NLM_F_ACK, 1, 10, FINISH);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, 0, &ack);
	expect_only(&p);

	/* Without NLM_F_ACK there is nothing to come: behind it comes another reply. */
	EXPECT_OK(nl_send(&p.sock, defer(&p, 0, 1, 1, FINISH)));
	EXPECT_OK(nl_send(&p.sock, defer(&p, 0, 2, late(50), REPLY)));
	expect_number(&p, GENLTEST_DEFER, 2);
	expect_only(&p);
}

/* The next datagram has numbers from 0 on, and the end if there is room for it. */
static bool expect_numbers(struct peer *p, uint32_t *next)
{
	static struct nl_msg m;
	ssize_t len = nl_recv(&p->sock, m.data, sizeof(m.data), 0);
	struct nlmsghdr *nlh = nl_hdr(&m);

	EXPECT_OK(len);
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct nlattr *attrs[2];

		if (nlh->nlmsg_type == NLMSG_DONE) {
			peer_check_header(p, nlh, NLMSG_DONE, NLM_F_MULTI, p->sock.seq);
			EXPECT_EQ(nlh->nlmsg_len, NLMSG_LENGTH(sizeof(int)));
			EXPECT_EQ(*(int *)NLMSG_DATA(nlh), 0);
			EXPECT_EQ(len, NLMSG_LENGTH(sizeof(int)));
			return true;
		}
		peer_check_header(p, nlh, p->family.id, NLM_F_MULTI, p->sock.seq);
		EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, 1));
		EXPECT_EQ(test_u32(attrs, NUMBER), *next);
		++*next;
	}
	EXPECT_EQ(len, 0);
	return false;
}

static void late_parts(const void *arg)
{
	static const uint32_t counts[] = { 0, 1, 3, 1000 };
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(counts); i++) {
		uint32_t count = counts[i / 2], next = 0;

		m = defer(&p, i % 2 ? NLM_F_ACK : 0, count, 10, PARTS);
		EXPECT_OK(nl_send(&p.sock, m));
		while (!expect_numbers(&p, &next))
			;
		EXPECT_EQ(next, count);
		if (i % 2)
			peer_recv_ack(&p, m, 0, &ack);
		expect_only(&p);
	}
}

/* What was sent by then has been sent; there is no end, but the error. */
static void late_parts_fail(const void *arg)
{
	const struct nlattr *attrs[2];
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	for (int flags = 0; flags <= NLM_F_ACK; flags += NLM_F_ACK) {
		m = defer(&p, flags, 5, 10, PARTS_FAIL);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv(&p, m);
		peer_check_header(&p, nl_hdr(m), p.family.id, NLM_F_MULTI, p.sock.seq);
		EXPECT_OK(nla_index(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), attrs, 1));
		EXPECT_EQ(test_u32(attrs, NUMBER), 5);
		peer_recv_ack(&p, m, EDOM, &ack);
		expect_only(&p);
	}
}

/* A refusal by the policy is not deferred. */
static void bounds(const void *arg)
{
	struct peer p;
	size_t bad = NL_ATTRS + 8;

	test_open(&p);
	test_refused(&p, defer(&p, 0, 1, 10001, REPLY), ERANGE, "integer out of range", bad);
}

/* The requester has closed its socket; a second socket shows that the job ran. */
static void gone(const void *arg)
{
	struct peer p, other;

	test_open(&other);
	for (int how = REPLY; how <= DROP; how++) {
		test_open(&p);
		EXPECT_OK(nl_send(&p.sock, defer(&p, NLM_F_ACK, 1, 1, how)));
		nl_close(&p.sock);
	}
	EXPECT_OK(nl_send(&other.sock, defer(&other, 0, 9, late(100), REPLY)));
	expect_number(&other, GENLTEST_DEFER, 9);
	expect_only(&other);
}

/* How many requesters the module has seen to close their socket. */
static uint32_t how_many_closed(struct peer *p)
{
	const struct nlattr *attrs[2];
	struct nl_msg *m = defer(p, 0, 0, 0, HOW_MANY_CLOSED);

	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv_reply(p, m, GENLTEST_DEFER);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), attrs, 1));
	return test_u32(attrs, 1);
}

/* Whoever has to answer can tell that the requester has gone, and that it has not. */
static void seen_to_close(const void *arg)
{
	struct peer p[2], other;
	uint32_t before;

	test_open(&other);
	before = how_many_closed(&other);
	for (int i = 0; i < 2; i++) {
		test_open(&p[i]);
		EXPECT_OK(nl_send(&p[i].sock, defer(&p[i], 0, 1, 0, UNTIL_CLOSED)));
	}
	for (int i = 0; i < 2; i++) {
		usleep(slow(50) * 1000);
		EXPECT_EQ(how_many_closed(&other), before + i);
		nl_close(&p[i].sock);
		WAIT_FOR(how_many_closed(&other) != before + i);
	}
	EXPECT_EQ(how_many_closed(&other), before + 2);
}

static int open_port(struct peer *p, uint32_t port)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = port };
	struct timeval timeout = { .tv_sec = slow(NL_TIMEOUT_SEC) };

	p->sock.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	EXPECT(p->sock.fd >= 0, "%s", strerror(errno));
	setsockopt(p->sock.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	p->sock.seq = 0;
	p->sock.portid = port;
	return bind(p->sock.fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

/* Another socket has the port by the time of the reply: that is not for it. */
static void taken_over(const void *arg)
{
	struct peer old, new, other;
	const uint32_t port = 0x7e570000 + getpid() % 1000;

	test_open(&other);
	for (int how = REPLY; how <= DROP; how++) {
		old.family = other.family;
		new.family = other.family;
		EXPECT_OK(open_port(&old, port));
		EXPECT_OK(nl_send(&old.sock, defer(&old, NLM_F_ACK, 1, late(50), how)));
		nl_close(&old.sock);
		EXPECT_OK(open_port(&new, port));

		EXPECT_OK(nl_send(&other.sock, defer(&other, 0, 2, late(150), REPLY)));
		expect_number(&other, GENLTEST_DEFER, 2);
		peer_expect_silence(&new);
		/* And it has its own. */
		EXPECT_OK(nl_send(&new.sock, defer(&new, 0, 3, 1, REPLY)));
		expect_number(&new, GENLTEST_DEFER, 3);
		peer_expect_silence(&new);
		nl_close(&new.sock);
	}
}

/* 64 jobs may wait. Whoever comes then is refused, until there is room again. */
static void too_many(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	int size = 1 << 20;

	test_open(&p);
	setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	/* All are waiting before the first one is due. */
	for (int i = 0; i < 64; i++)
		EXPECT_OK(nl_send(&p.sock, defer(&p, 0, i, late(1000), REPLY)));
	for (int i = 0; i < 3; i++)
		EXPECT_OK(nl_send(&p.sock, defer(&p, NLM_F_ACK, i, 1, REPLY)));
	/* The token is dropped with the job that could not be left. */
	for (int i = 0; i < 3; i++) {
		m = test_start(&p, 0, 0);
		EXPECT_OK(nl_recv_msg(&p.sock, m));
		EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
		EXPECT_EQ(-ack.error, ECANCELED);
		EXPECT_EQ(nl_hdr(m)->nlmsg_seq, 65 + i);
	}
	for (int i = 0; i < 64; i++) {
		m = test_start(&p, 0, 0);
		EXPECT_OK(nl_recv_msg(&p.sock, m));
		EXPECT_EQ(nl_hdr(m)->nlmsg_type, p.family.id);
	}
	EXPECT_OK(nl_send(&p.sock, defer(&p, 0, 5, 1, REPLY)));
	expect_number(&p, GENLTEST_DEFER, 5);
	expect_only(&p);
}

/* What is charged to the kernel's socket: the datagrams that are still in memory. */
static unsigned int kernel_rmem(void)
{
	unsigned int protocol, portid, rmem;
	char line[256];
	FILE *f = fopen("/proc/net/netlink", "r");

	EXPECT(f, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %u %u %*x %u", &protocol, &portid, &rmem) == 3 &&
		    protocol == NETLINK_GENERIC && !portid) {
			fclose(f);
			return rmem;
		}
	}
	FAIL("the kernel has no socket of generic netlink");
}

/* A request whose reply is owed keeps no more in memory than itself. */
static void kept(const void *arg)
{
	struct nlmsghdr noop = { .nlmsg_len = 100000, .nlmsg_type = NLMSG_NOOP };
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	m = defer(&p, 0, 1, late(500), REPLY);
	nl_finish(&p.sock, m);
	memcpy(nl_reserve(m, noop.nlmsg_len), &noop, sizeof(noop));
	EXPECT_OK(nl_send_raw(&p.sock, m->data, m->len));
	EXPECT_EQ(kernel_rmem(), 0);
	expect_number(&p, GENLTEST_DEFER, 1);

	/* And that is not for ever so much. */
	m = defer(&p, 0, 1, 1, REPLY);
	while (m->len + 8 <= 64512)
		nl_put_u32(m, 1, 2);
	EXPECT_OK(nl_send(&p.sock, m));
	expect_number(&p, GENLTEST_DEFER, 2);
	m = defer(&p, 0, 1, 1, REPLY);
	while (m->len <= 64512)
		nl_put_u32(m, 1, 2);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EMSGSIZE, &ack);
	expect_only(&p);
}

/* The family goes while jobs wait for their time: each requester is told. */
static void unloaded(const void *arg)
{
	struct peer p[10];
	struct nl_ack ack;
	struct nl_msg *m;
	int64_t begin;

	for (int i = 0; i < 10; i++) {
		test_open(&p[i]);
		EXPECT_OK(nl_send(&p[i].sock, defer(&p[i], i % 2 ? NLM_F_ACK : 0, 1,
						    10000, REPLY)));
	}
	begin = ktap_now_ms();
	EXPECT_EQ(unload_soon("genltest"), 0);
	EXPECT(ktap_now_ms() - begin < slow(5000), "%lld ms",
	       (long long)(ktap_now_ms() - begin));
	for (int i = 0; i < 10; i++) {
		m = test_start(&p[i], 0, 0);
		peer_recv_ack(&p[i], m, ECANCELED, &ack);
		peer_expect_silence(&p[i]);
	}
	EXPECT_EQ(load("GENLTEST_KO"), 0);
}

/* Jobs that run and jobs that wait, while requests come and the module goes. */
static void unloaded_at_work(const void *arg)
{
	for (int round = 0; round < 10; round++) {
		struct peer p;

		test_open(&p);
		for (int i = 0; i < 40; i++)
			EXPECT_OK(nl_send(&p.sock, defer(&p, NLM_F_ACK, 1, i % 4 * 5, i % 4)));
		EXPECT_EQ(unload_soon("genltest"), 0);
		EXPECT_EQ(load("GENLTEST_KO"), 0);
		nl_close(&p.sock);
	}
}

/* Several requests in one datagram: a deferred one does not end the others. */
static void in_one_datagram(const void *arg)
{
	static struct nl_msg all;
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;
	uint32_t seq;

	test_open(&p);
	all.len = 0;
	for (int i = 0; i < 3; i++) {
		m = i == 1 ? refuse(&p, 99) : defer(&p, 0, i, 200 + 200 * i, REPLY);
		nl_finish(&p.sock, m);
		memcpy(nl_reserve(&all, m->len), m->data, m->len);
	}
	seq = p.sock.seq;
	EXPECT_OK(nl_send_raw(&p.sock, all.data, all.len));
	p.sock.seq = seq - 1;
	peer_recv_ack(&p, test_start(&p, 0, 0), EOPNOTSUPP, &ack);
	p.sock.seq = seq - 2;
	expect_number(&p, GENLTEST_DEFER, 0);
	p.sock.seq = seq;
	expect_number(&p, GENLTEST_DEFER, 2);
	peer_expect_silence(&p);
}

/* What the guards had done when the handler began, as digits. */
static void expect_steps(struct peer *p, const char *want)
{
	const struct nlattr **attrs = test_ask(p, test_start(p, 0, GENLTEST_GUARDED));

	EXPECT(attrs[3], "no steps");
	EXPECT_STR(nla_data(attrs[3]), want);
}

/* Sets the steps to none; its own guard notes 8 when it is left. */
static void no_steps(struct peer *p)
{
	peer_command(p, test_start(p, 0, GENLTEST_GUARDED_SET), 0);
}

static void guards(const void *arg)
{
	struct peer p;

	test_open(&p);
	no_steps(&p);
	/* In: the family, the operation. Out: the operation, the family. */
	expect_steps(&p, "812");
	expect_steps(&p, "81247812");
}

static void guard_refuses(const void *arg)
{
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	no_steps(&p);
	m = test_start(&p, 0, GENLTEST_GUARDED);
	nl_put(m, 1, NULL, 0);
	test_refused(&p, m, EACCES, "the guard does not let you in", NL_ATTRS);
	/* The outer guard was left, the inner one never entered. */
	expect_steps(&p, "81812");
}

static void handler_fails(const void *arg)
{
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	no_steps(&p);
	m = test_start(&p, 0, GENLTEST_GUARDED);
	nl_put(m, 2, NULL, 0);
	test_refused(&p, m, EDOM, "the handler fails", NL_ATTRS);
	expect_steps(&p, "8127812");
}

/* What the policy refuses does not get to the guards. */
static void guards_after_policy(const void *arg)
{
	struct nl_msg *m;
	struct peer p;

	test_open(&p);
	no_steps(&p);
	m = test_start(&p, 0, GENLTEST_GUARDED);
	nl_put(m, 1, "\x01", 1);
	test_refused(&p, m, ERANGE, "Attribute failed policy validation", NL_ATTRS);
	expect_steps(&p, "812");
}

static const struct ktap_test tests[] = {
	/* covers: surface 3a, surface 3b */
	{ "a refusal with a fixed text and an attribute", fixed_text },
	/* covers: surface 3a */
	{ "a refusal with a formatted text", formatted_text },
	/* covers: surface 3a */
	{ "a text that is too long ends with a whole character", cut_text },
	/* covers: surface 2a */
	{ "a missing attribute, and the nest that lacks it", missing_attr },
	/* covers: surface 3b */
	{ "a refusal points into a nest", in_nest },
	/* covers: surface 3c */
	{ "a refusal with the policy of the attribute", with_policy },
	/* covers: surface 3d */
	{ "a cookie in an ack and in an error", cookies },
	/* covers: surface 3a */
	{ "who does not ask for extended acks gets none", no_extack },
	/* covers: surface 4a */
	{ "several replies, then the ack", several },
	/* covers: surface 4b, trap 12 */
	{ "a deferred reply, then the ack", deferred },
	/* covers: trap 12 */
	{ "while a reply is owed the core sends no ack", deferred_silence },
	/* covers: surface 4b, trap p */
	{ "late errors, dropped replies, failing handlers: one answer", late_error },
	/* covers: surface 4b */
	{ "a deferred request ends without a reply", late_end },
	/* covers: surface 4f */
	{ "a deferred reply of several messages", late_parts },
	/* covers: surface 4f */
	{ "a deferred reply that fails in the middle", late_parts_fail },
	{ "what the policy refuses is refused at once", bounds },
	/* covers: surface 4b */
	{ "the requester of a deferred reply has gone", gone },
	/* covers: surface 4b */
	{ "whoever owes a reply sees the requester close its socket", seen_to_close },
	/* covers: trap k */
	{ "a deferred reply does not go to the next owner of the port", taken_over },
	/* covers: surface 4b */
	{ "more jobs than may wait are refused, once", too_many },
	/* covers: surface 4b */
	{ "a deferred request among others in a datagram", in_one_datagram },
	/* covers: trap u */
	{ "a deferred reply keeps its request in memory, no more", kept },
	/* covers: trap q */
	{ "unloading answers those who wait, at once", unloaded },
	/* covers: surface 10a, trap q */
	{ "unloading while jobs run", unloaded_at_work },
	/* covers: surface 7c */
	{ "guards are entered and left in order", guards },
	/* covers: surface 7c */
	{ "a guard refuses", guard_refuses },
	/* covers: surface 7c */
	{ "guards are left when the handler fails", handler_fails },
	/* covers: surface 7c */
	{ "guards do not see what the policy refuses", guards_after_policy },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
