// SPDX-License-Identifier: GPL-2.0
/*
 * A family with a header of its own, between that of generic netlink and the
 * attributes: hdrsize of struct genl_family. Each kind of message has it, and what
 * is too short for it is refused by net/netlink/genetlink.c, whatever else an
 * operation lets pass. Messages of some commands have flags of their own as well.
 */
#include "genltest.h"

#define HEADER_NAME	"genltest-header"

enum { OLD = 1, ECHO, TELL, NEWS };

/* As selftests/genltest/module/header.rs has it. */
struct header {
	int32_t index;
	uint16_t count;
	uint8_t bytes[2];
	uint64_t large;
} __attribute__((packed));

/* Where the attributes begin. */
#define ATTRS	(NL_ATTRS + sizeof(struct header))

static const struct header sent = { -7, 3, { 1, 2 }, 0x1122334455667788 };
/* What the family makes of it. */
static const struct header changed = { 7, 3, { 2, 1 }, 0x1122334455667788 };

static void open_headed(struct peer *p)
{
	struct nl_sock s;

	test_open(p);
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, HEADER_NAME, 0, &p->family));
	nl_close(&s);
}

static void put_header(struct nl_msg *m, const struct header *header)
{
	memcpy(nl_reserve(m, sizeof(*header)), header, sizeof(*header));
}

static struct nl_msg *start(struct peer *p, uint16_t flags, uint8_t cmd)
{
	struct nl_msg *m = test_start(p, flags, cmd);

	put_header(m, &sent);
	return m;
}

static void told(const void *arg)
{
	struct peer p;

	open_headed(&p);
	EXPECT_EQ(p.family.hdrsize, sizeof(struct header));
	EXPECT_EQ(p.family.nops, 3);
}

/* A reply to @m, with the header and the attributes that @m has. */
static void echo(struct peer *p, struct nl_msg *m)
{
	static struct nl_msg want;
	uint8_t cmd = nl_genl(nl_hdr(m))->cmd;
	struct genlmsghdr genl = { cmd, NLPEER_FAMILY_VERSION };

	want.len = 0;
	put_header(&want, &changed);
	memcpy(nl_reserve(&want, m->len - ATTRS), m->data + ATTRS, m->len - ATTRS);
	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv(p, m);
	peer_check_header(p, nl_hdr(m), p->family.id, cmd == OLD ? NLM_F_ACK : 0, p->sock.seq);
	EXPECT_BYTES(nl_genl(nl_hdr(m)), sizeof(genl), &genl, sizeof(genl));
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), want.data, want.len);
}

static void replies(const void *arg)
{
	struct peer p;

	open_headed(&p);
	for (uint8_t cmd = OLD; cmd <= ECHO; cmd++) {
		for (uint32_t count = 0; count < 4; count++) {
			struct nl_msg *m = start(&p, 0, cmd);

			for (uint32_t i = 0; i < count; i++)
				nl_put_u32(m, 1, i * i);
			echo(&p, m);
		}
	}
}

/* Objects count down, each with the header and the number of the request. */
static void dump(struct peer *p, uint8_t cmd, unsigned int count)
{
	struct nl_msg *m = test_start(p, NLM_F_DUMP, cmd);
	struct header header = sent;
	struct nlmsghdr *nlh;

	header.count = count;
	put_header(m, &header);
	nl_put_u32(m, 1, 99);
	EXPECT_OK(nl_send(&p->sock, m));
	for (;;) {
		ssize_t len = nl_recv(&p->sock, m->data, sizeof(m->data), 0);

		EXPECT_OK(len);
		for (nlh = nl_hdr(m); NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			struct { struct header header; struct nlattr nla; uint32_t value; } want = {
				header, { 8, 1 }, 99,
			};

			if (nlh->nlmsg_type == NLMSG_DONE) {
				EXPECT_EQ(header.count, 0);
				return;
			}
			EXPECT_EQ(nlh->nlmsg_type, p->family.id);
			EXPECT_EQ(nlh->nlmsg_flags,
				  NLM_F_MULTI | (cmd == OLD ? NLM_F_ACK : 0));
			want.header.count = --header.count;
			EXPECT_BYTES(nl_attrs(nlh), nl_attrs_len(nlh), &want, sizeof(want));
		}
	}
}

static void dumps(const void *arg)
{
	struct peer p;

	open_headed(&p);
	for (uint8_t cmd = OLD; cmd <= ECHO; cmd++) {
		dump(&p, cmd, 0);
		dump(&p, cmd, 3);
		/* More than one buffer. */
		dump(&p, cmd, 5000);
	}
}

static void notifications(const void *arg)
{
	struct { struct header header; struct nlattr nla; uint32_t value; } want = {
		changed, { 8, 1 }, 5,
	};
	static struct nl_msg news;
	struct nl_sock listener;
	struct nl_msg *m;
	struct peer p;
	int group;

	open_headed(&p);
	EXPECT_EQ(p.family.ngroups, 1);
	group = p.family.groups[0].id;
	EXPECT_OK(nl_open(&listener));
	EXPECT_EQ(setsockopt(listener.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			     sizeof(group)), 0);
	m = start(&p, 0, TELL);
	nl_put_u32(m, 1, 5);
	peer_command(&p, m, 0);
	EXPECT_OK(nl_recv_msg(&listener, &news));
	EXPECT_EQ(nl_genl(nl_hdr(&news))->cmd, NEWS);
	EXPECT_EQ(nl_hdr(&news)->nlmsg_flags, NLM_F_CREATE | NLM_F_EXCL);
	EXPECT_BYTES(nl_attrs(nl_hdr(&news)), nl_attrs_len(nl_hdr(&news)), &want, sizeof(want));
}

/* A request that ends in the header, at each byte of it: genl_family_rcv_msg(). */
static void too_short(const void *arg)
{
	struct peer p;

	open_headed(&p);
	for (uint8_t cmd = OLD; cmd <= TELL; cmd++) {
		for (int is_dump = 0; is_dump < 2; is_dump++) {
			for (size_t len = 0; len < sizeof(struct header); len++) {
				struct nl_msg *m = start(&p, is_dump ? NLM_F_DUMP : 0, cmd);
				struct nl_ack ack;

				m->len = NL_ATTRS + len;
				EXPECT_OK(nl_send(&p.sock, m));
				peer_recv_ack(&p, m, EINVAL, &ack);
				EXPECT_STR(ack.text, NULL);
				peer_expect_silence(&p);
			}
		}
	}
	/* With no attribute at all. */
	echo(&p, start(&p, 0, ECHO));
}

/* The place of what is wrong counts from the beginning of the message. */
static void refusals(const void *arg)
{
	struct nl_msg *m;
	struct peer p;

	open_headed(&p);
	m = start(&p, 0, ECHO);
	nl_put(m, 1, "\x01\x02", 2);
	test_refused(&p, m, EINVAL, LENGTH, ATTRS);
	m = start(&p, 0, ECHO);
	nl_put_u32(m, 1, 1);
	nl_put_u32(m, 2, 1);
	test_refused(&p, m, EINVAL, "Unknown attribute type", ATTRS + 8);
	m = start(&p, NLM_F_DUMP, ECHO);
	nl_put_u32(m, 2, 1);
	test_refused(&p, m, EINVAL, "Unknown attribute type", ATTRS);
}

static const struct ktap_test tests[] = {
	/* covers: surface 11b */
	{ "the length of the header is told", told },
	/* covers: surface 4e, surface 11b */
	{ "a header comes with a request, and goes with the reply", replies },
	/* covers: surface 4e, surface 11b */
	{ "each object of a dump has a header", dumps },
	/* covers: surface 4e, surface 11b */
	{ "a notification has a header", notifications },
	/* covers: surface 11b */
	{ "what is too short for the header is refused", too_short },
	/* covers: surface 11b */
	{ "a refusal points behind the header", refusals },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
