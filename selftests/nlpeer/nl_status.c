// SPDX-License-Identifier: GPL-2.0
/*
 * The counters of the family, exact in each case, and who may reset them.
 */
#include "peer.h"

static void reset(struct peer *p, int error)
{
	static struct nl_msg m;

	peer_start(p, &m, 0, NLPEER_CMD_RESET);
	peer_command(p, &m, error);
}

static void send_event(struct peer *p)
{
	static struct nl_msg m;

	peer_start(p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 1);
	peer_command(p, &m, 0);
}

/* The reply has both counters, in the order of the spec, and nothing else. */
static void reply(const void *arg)
{
	static struct nl_msg m;
	struct peer p;

	peer_open(&p);
	reset(&p, 0);
	peer_start(&p, &m, 0, NLPEER_CMD_STATUS_GET);
	EXPECT_OK(nl_send(&p.sock, &m));
	peer_recv_reply(&p, &m, NLPEER_CMD_STATUS_GET);
	EXPECT_EQ(m.len, NL_ATTRS + 12 + 8);
	EXPECT_EQ(nl_attrs(nl_hdr(&m))->nla_type, NLPEER_A_STATUS_REQUESTS);
	/* It counts itself. */
	EXPECT_EQ(nla_u64(nl_attrs(nl_hdr(&m))), 1);
	peer_expect_silence(&p);
}

static void each_kind_counts_once(const void *arg)
{
	struct peer_dump dump;
	struct peer p;

	peer_open(&p);
	reset(&p, 0);
	EXPECT_EQ(peer_status(&p).requests, 1);
	peer_ping(&p, 1);
	EXPECT_EQ(peer_status(&p).requests, 3);
	send_event(&p);
	EXPECT_EQ(peer_status(&p).requests, 5);
	/* A dump counts when it starts, however much it brings. */
	dump = peer_send_dump(&p, 0);
	peer_read_dump(&p, &dump, NL_MSG_SIZE);
	EXPECT_EQ(peer_status(&p).requests, 7);
	dump = peer_send_dump(&p, 5000);
	peer_read_dump(&p, &dump, NL_MSG_SIZE);
	EXPECT_EQ(peer_status(&p).requests, 9);
	/* Another reset: it does not count itself. */
	reset(&p, 0);
	EXPECT_EQ(peer_status(&p).requests, 1);
}

static void open_dumps(const void *arg)
{
	struct peer p[3], observer;
	struct peer_dump dump;
	static struct nl_msg m;

	peer_open(&observer);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(peer_status(&observer).dumps, i);
		peer_open(&p[i]);
		dump = peer_send_dump(&p[i], 1000);
	}
	EXPECT_EQ(peer_status(&observer).dumps, 3);
	/* Resetting leaves what is open as it is. */
	reset(&observer, 0);
	EXPECT_EQ(peer_status(&observer).dumps, 3);
	/* One is read to its end, one is closed, one by its process. */
	peer_read_dump(&p[2], &dump, NL_MSG_SIZE);
	EXPECT_EQ(peer_status(&observer).dumps, 2);
	peer_close(&p[0]);
	EXPECT_EQ(peer_status(&observer).dumps, 1);
	peer_close(&p[1]);
	EXPECT_EQ(peer_status(&observer).dumps, 0);
	/* A dump that ends in its first buffer is closed when it is answered. */
	peer_open(&p[0]);
	peer_send_dump(&p[0], 2);
	EXPECT_EQ(peer_status(&observer).dumps, 0);
	/* One that is refused when it starts has never been open. */
	peer_open(&p[1]);
	peer_start(&p[1], &m, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
	peer_command(&p[1], &m, EINVAL);
	EXPECT_EQ(peer_status(&observer).dumps, 0);
}

/*
 * Requests succeed that were answered. Those that find the receive queue of
 * their sender full fail, and must not be counted.
 */
static void undelivered(const void *arg)
{
	const uint8_t *cmd = arg;
	static struct nl_msg m;
	uint64_t before, after;
	struct peer p, observer;
	unsigned int replies = 0;
	int size = 4096;
	ssize_t len;

	peer_open(&observer);
	peer_open(&p);
	setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	before = peer_status(&observer).requests;
	for (int i = 0; i < 100; i++) {
		peer_start(&p, &m, 0, *cmd);
		EXPECT_OK(nl_send(&p.sock, &m));
	}
	after = peer_status(&observer).requests;

	/* The first word after an overrun is that there was one. */
	EXPECT_EQ(nl_recv(&p.sock, m.data, sizeof(m.data), MSG_DONTWAIT), -ENOBUFS);
	while ((len = nl_recv(&p.sock, m.data, sizeof(m.data), MSG_DONTWAIT)) > 0) {
		EXPECT_EQ(nl_hdr(&m)->nlmsg_type, p.family.id);
		replies++;
	}
	EXPECT_EQ(len, -EAGAIN);
	EXPECT(replies && replies < 100, "%u replies", replies);
	EXPECT_EQ(after - before - 1, replies);
}

static void reset_unprivileged(const void *arg)
{
	struct peer p;
	uint64_t before;

	become_nobody();
	peer_open(&p);
	peer_ping(&p, 1);
	before = peer_status(&p).requests;
	reset(&p, EPERM);
	/* Nothing was reset. */
	EXPECT_EQ(peer_status(&p).requests, before + 1);
}

/* A socket that root has opened does not lend its right to others. */
static void reset_by_inherited_socket(const void *arg)
{
	struct peer p;

	peer_open(&p);
	become_nobody();
	reset(&p, EPERM);
}

/*
 * Nor can a user have root write a request to a socket of the user, as a
 * standard stream of a setuid program might be one.
 */
static void reset_by_foreign_socket(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg m;
	struct peer p;

	if (seteuid(NOBODY))
		SKIP("no other user: %s", strerror(errno));
	peer_open(&p);
	if (seteuid(0))
		SKIP("not root again: %s", strerror(errno));
	peer_start(&p, &m, 0, NLPEER_CMD_RESET);
	nl_finish(&p.sock, &m);
	EXPECT_EQ(write(p.sock.fd, m.data, m.len), m.len);
	peer_recv_ack(&p, &m, EPERM, &ack);
	/* Who names the kernel as destination means it. */
	reset(&p, 0);
}

/* Become root of a new user namespace. */
static void enter_new_userns(int more)
{
	if (unshare(CLONE_NEWUSER | more))
		SKIP("no user namespaces: %s", strerror(errno));
	EXPECT_OK(write_file("/proc/self/setgroups", "deny"));
	EXPECT_OK(write_file("/proc/self/uid_map", "0 0 1"));
	EXPECT_OK(write_file("/proc/self/gid_map", "0 0 1"));
	EXPECT_EQ(geteuid(), 0);
}

static void reset_in_userns(const void *arg)
{
	const int *more = arg;
	struct peer p;

	enter_new_userns(*more);
	peer_open(&p);
	reset(&p, EPERM);
	/* What needs no right works. */
	peer_ping(&p, 1);
}

static const struct ktap_test tests[] = {
	/* covers: trap 6 */
	{ "reply of status-get", reply },
	{ "each kind of request counts once", each_kind_counts_once },
	/* covers: trap 8 */
	{ "open dumps", open_dumps },
	{ "echos that cannot be answered do not count", undelivered,
	  &(const uint8_t){ NLPEER_CMD_ECHO } },
	{ "status-gets that cannot be answered do not count", undelivered,
	  &(const uint8_t){ NLPEER_CMD_STATUS_GET } },
	{ "reset: unprivileged user is EPERM", reset_unprivileged },
	{ "reset: user with a socket of root is EPERM", reset_by_inherited_socket },
	{ "reset: root who writes to a socket of a user is EPERM", reset_by_foreign_socket },
	{ "reset: root in a user namespace is EPERM", reset_in_userns,
	  &(const int){ 0 } },
	{ "reset: root in a user and network namespace is EPERM", reset_in_userns,
	  &(const int){ CLONE_NEWNET } },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
