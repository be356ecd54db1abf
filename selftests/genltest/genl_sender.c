// SPDX-License-Identifier: GPL-2.0
/*
 * Who has sent a request: what the kernel knows of them, and what they may do.
 */
#include <sys/stat.h>

#include "genltest.h"

/* What the kernel knows of the sender. */
enum { PORTID = 1, SEQ, FLAGS, PID, UID, GID, COOKIE, INUM, NET_ADMIN, SYS_ADMIN,
	NET_NET_ADMIN, NET_NET_RAW };

/* Which of the capabilities the sender has, as bits. */
enum { INIT_NET = 1, INIT_SYS = 2, NET = 4, RAW = 8 };

static int capabilities(struct peer *p)
{
	const struct nlattr **attrs = test_ask(p, test_start(p, 0, GENLTEST_WHO));

	return !!attrs[NET_ADMIN] * INIT_NET + !!attrs[SYS_ADMIN] * INIT_SYS +
	       !!attrs[NET_NET_ADMIN] * NET + !!attrs[NET_NET_RAW] * RAW;
}

/* All of it, with the ids that the initial user namespace has for the sender. */
static void check_who(struct peer *p, uint32_t uid, uint32_t gid)
{
	const struct nlattr **attrs;
	struct stat net;

	EXPECT_EQ(stat("/proc/self/ns/net", &net), 0);
	for (int i = 0; i < 3; i++) {
		p->sock.seq += 1000;
		attrs = test_ask(p, test_start(p, i == 1 ? NLM_F_ECHO : 0, GENLTEST_WHO));
		EXPECT_EQ(test_u32(attrs, PORTID), p->sock.portid);
		EXPECT_EQ(test_u32(attrs, SEQ), p->sock.seq);
		EXPECT_EQ(test_u32(attrs, FLAGS), NLM_F_REQUEST | (i == 1 ? NLM_F_ECHO : 0));
		EXPECT_EQ(test_u32(attrs, PID), getpid());
		EXPECT_EQ(test_u32(attrs, UID), uid);
		EXPECT_EQ(test_u32(attrs, GID), gid);
		EXPECT(attrs[COOKIE], "no cookie");
		EXPECT_EQ(nla_u64(attrs[COOKIE]), netns_cookie(p));
		EXPECT_EQ(test_u32(attrs, INUM), net.st_ino);
	}
}

static void who(const void *arg)
{
	struct peer p;

	test_open(&p);
	check_who(&p, 0, 0);
	enter_new_netns();
	test_open(&p);
	check_who(&p, 0, 0);
	become_nobody();
	check_who(&p, NOBODY, NOBODY);
}

static void who_in_user_namespace(const void *arg)
{
	struct peer p;

	become_nobody();
	enter_user_namespace(CLONE_NEWNET);
	EXPECT_EQ(getuid(), 0);
	test_open(&p);
	check_who(&p, NOBODY, NOBODY);
}

static void capable(const void *arg)
{
	struct peer p, other;

	test_open(&p);
	EXPECT_EQ(capabilities(&p), INIT_NET | INIT_SYS | NET | RAW);
	enter_new_netns();
	test_open(&other);
	EXPECT_EQ(capabilities(&other), INIT_NET | INIT_SYS | NET | RAW);
	/* Who sends counts, and not only who has opened the socket. */
	only_capability(CAP_NET_RAW);
	EXPECT_EQ(capabilities(&p), RAW);
}

static void capable_nobody(const void *arg)
{
	struct peer p, inner;

	become_nobody();
	test_open(&p);
	EXPECT_EQ(capabilities(&p), 0);
	enter_user_namespace(CLONE_NEWNET);
	test_open(&inner);
	EXPECT_EQ(capabilities(&inner), NET | RAW);
	/* The network of the other socket belongs to the initial user namespace. */
	EXPECT_EQ(capabilities(&p), 0);
}

static int command(struct peer *p, uint8_t cmd)
{
	struct nl_msg *m = test_start(p, NLM_F_ACK, cmd);
	struct nl_ack ack;

	EXPECT_OK(nl_send(&p->sock, m));
	EXPECT_OK(nl_recv_msg(&p->sock, m));
	EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
	peer_expect_silence(p);
	return -ack.error;
}

/* The same without an address: what a program can be made to write to a socket. */
static int unaddressed(struct peer *p)
{
	struct nl_msg *m = test_start(p, NLM_F_ACK, GENLTEST_ADMIN_ONLY);
	struct nl_ack ack;

	nl_finish(&p->sock, m);
	EXPECT_EQ(write(p->sock.fd, m->data, m->len), m->len);
	EXPECT_OK(nl_recv_msg(&p->sock, m));
	EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
	return -ack.error;
}

/* Who has opened the socket counts, and not only who sends. */
static void capable_by_both(const void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2], none[2];
	struct peer p;

	EXPECT_EQ(syscall(SYS_capget, &header, caps), 0);
	memcpy(none, caps, sizeof(none));
	none[0].effective = 0;
	none[1].effective = 0;
	EXPECT_EQ(syscall(SYS_capset, &header, none), 0);
	test_open(&p);
	EXPECT_EQ(syscall(SYS_capset, &header, caps), 0);
	EXPECT_EQ(unaddressed(&p), EPERM);
	/* Whoever names the addressee is meant to know what is sent. */
	EXPECT_EQ(command(&p, GENLTEST_ADMIN_ONLY), 0);
	test_open(&p);
	EXPECT_EQ(unaddressed(&p), 0);
}

static void access_of_op(const void *arg)
{
	struct peer p, inner;

	test_open(&p);
	EXPECT_EQ(command(&p, GENLTEST_ADMIN_ONLY), 0);
	EXPECT_EQ(command(&p, GENLTEST_NETNS_ADMIN_ONLY), 0);
	become_nobody();
	test_open(&p);
	EXPECT_EQ(command(&p, GENLTEST_ADMIN_ONLY), EPERM);
	EXPECT_EQ(command(&p, GENLTEST_NETNS_ADMIN_ONLY), EPERM);
	enter_user_namespace(CLONE_NEWNET);
	EXPECT_EQ(command(&p, GENLTEST_NETNS_ADMIN_ONLY), EPERM);
	test_open(&inner);
	EXPECT_EQ(command(&inner, GENLTEST_ADMIN_ONLY), EPERM);
	EXPECT_EQ(command(&inner, GENLTEST_NETNS_ADMIN_ONLY), 0);
}

static const struct ktap_test tests[] = {
	/* covers: surface 7b, surface 8a */
	{ "the kernel says who has sent a request", who },
	/* covers: surface 7b */
	{ "who is root in a user namespace is another user outside", who_in_user_namespace },
	/* covers: surface 7b */
	{ "capabilities are those of the sender", capable },
	/* covers: surface 7b */
	{ "a user namespace gives capabilities over its own network", capable_nobody },
	/* covers: surface 7b */
	{ "capabilities are those of the opener of the socket too", capable_by_both },
	/* covers: surface 7a */
	{ "operations for the administrator, and for that of the network", access_of_op },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
