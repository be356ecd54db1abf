// SPDX-License-Identifier: GPL-2.0
/*
 * State that a family keeps for each socket and for each network namespace:
 * who gets which, and when it goes.
 */
#include "genltest.h"

struct counts {
	uint32_t of_socket, in_net, sockets;
	uint64_t cookie;
};

static struct counts count(struct peer *p)
{
	const struct nlattr **attrs = test_ask(p, test_start(p, 0, GENLTEST_COUNT));

	EXPECT(attrs[3], "no cookie");
	return (struct counts){ test_u32(attrs, 1), test_u32(attrs, 2),
		test_u32(attrs, 4), nla_u64(attrs[3]) };
}

static void per_socket(const void *arg)
{
	struct peer p, other, child;
	pid_t pid;

	test_open(&p);
	test_open(&other);
	for (uint32_t i = 1; i <= 5; i++)
		EXPECT_EQ(count(&p).of_socket, i);
	EXPECT_EQ(count(&other).of_socket, 1);
	EXPECT_EQ(count(&p).of_socket, 6);

	/* Another process with the same socket, which closes it in itself only. */
	pid = fork();
	if (!pid) {
		ktap_begin();
		child = p;
		EXPECT_EQ(count(&child).of_socket, 7);
		_exit(0);
	}
	join(pid);
	p.sock.seq++;
	EXPECT_EQ(count(&p).of_socket, 8);
}

static void dropped(const void *arg)
{
	struct peer p, others[20];
	uint32_t before;

	test_open(&p);
	count(&p);
	/* Sockets of tests before this one are closed, and soon all gone. */
	WAIT_FOR(count(&p).sockets == 1);
	before = count(&p).sockets;
	for (int i = 0; i < 20; i++) {
		test_open(&others[i]);
		EXPECT_EQ(count(&others[i]).sockets, before + i + 1);
	}
	/* One that never had a state takes none away. */
	test_open(&others[0]);
	nl_close(&others[0].sock);
	for (int i = 1; i < 20; i++)
		nl_close(&others[i].sock);
	/* The first one was overwritten, not closed. */
	WAIT_FOR(count(&p).sockets == before + 1);
	EXPECT_EQ(count(&p).of_socket > 2, true);
}

/* Close a socket and bind another one to its port: it starts from 1. */
static void reuse(const void *arg)
{
	int rounds = *(const int *)arg;
	struct peer p;

	test_open(&p);
	nl_close(&p.sock);
	for (int i = 0; i < rounds;) {
		struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = 0x7e570001 };
		struct timeval timeout = { .tv_sec = slow(NL_TIMEOUT_SEC) };

		p.sock.seq = 0;
		p.sock.portid = addr.nl_pid;
		p.sock.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
		EXPECT(p.sock.fd >= 0, "%s", strerror(errno));
		setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		if (!bind(p.sock.fd, (struct sockaddr *)&addr, sizeof(addr))) {
			EXPECT_EQ(count(&p).of_socket, 1);
			EXPECT_EQ(count(&p).of_socket, 2);
			i++;
		} else {
			EXPECT_EQ(errno, EADDRINUSE);
		}
		close(p.sock.fd);
	}
}

static const int many = 300, some = 60;

/* Several processes want the port, so that it changes hands while it is closed. */
static void reuse_by_many(const void *arg)
{
	pid_t pids[4];
	struct peer p;

	for (int i = 0; i < 4; i++)
		pids[i] = spawn(reuse, &some);
	for (int i = 0; i < 4; i++)
		join(pids[i]);
	test_open(&p);
	count(&p);
	WAIT_FOR(count(&p).sockets == 1);
}

static void per_net(const void *arg)
{
	struct peer p, other;
	uint32_t before;

	test_open(&p);
	before = count(&p).in_net;
	EXPECT_EQ(count(&p).in_net, before + 1);
	EXPECT_EQ(count(&p).cookie, netns_cookie(&p));
	enter_new_netns();
	test_open(&other);
	EXPECT_EQ(count(&other).in_net, 1);
	EXPECT_EQ(count(&other).in_net, 2);
	EXPECT_EQ(count(&other).cookie, netns_cookie(&other));
	EXPECT(netns_cookie(&other) != netns_cookie(&p), "the same namespace");
	EXPECT_EQ(count(&p).in_net, before + 3);
}

static void one_namespace(const void *arg)
{
	struct peer p;

	enter_new_netns();
	test_open(&p);
	EXPECT_EQ(count(&p).in_net, 1);
	EXPECT_EQ(count(&p).cookie, netns_cookie(&p));
}

/* Namespaces come and go, one after the other and at once. */
static void namespaces(const void *arg)
{
	pid_t pids[3];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			pids[i] = spawn(one_namespace, NULL);
		for (int i = 0; i < 3; i++)
			join(pids[i]);
	}
}

/* A namespace that is there before the family gets its state as well. */
static void loaded_later(const void *arg)
{
	struct peer p;

	enter_new_netns();
	test_open(&p);
	EXPECT_EQ(count(&p).in_net, 1);
	EXPECT_EQ(unload_soon("genltest"), 0);
	EXPECT_EQ(load("GENLTEST_KO"), 0);
	/* Nothing is left of the family that has gone, for a socket neither. */
	EXPECT_OK(nl_get_family(&p.sock, GENLTEST_NAME, 0, &p.family));
	EXPECT_EQ(count(&p).in_net, 1);
	EXPECT_EQ(count(&p).of_socket, 2);
	EXPECT_EQ(count(&p).sockets, 1);
	EXPECT_EQ(count(&p).cookie, netns_cookie(&p));
}

/* Requests of several sockets at once, while others come and go. */
static void at_once_child(const void *arg)
{
	struct peer p;

	test_open(&p);
	for (uint32_t i = 1; i <= 50; i++) {
		struct peer short_lived;

		EXPECT_EQ(count(&p).of_socket, i);
		short_lived.family = p.family;
		EXPECT_OK(nl_open(&short_lived.sock));
		EXPECT_EQ(count(&short_lived).of_socket, 1);
		nl_close(&short_lived.sock);
	}
}

static void at_once(const void *arg)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = spawn(at_once_child, NULL);
	for (int i = 0; i < 4; i++)
		join(pids[i]);
}

static const struct ktap_test tests[] = {
	/* covers: surface 9 */
	{ "each socket has a state of its own", per_socket },
	/* covers: surface 9 */
	{ "the state of a socket goes when it is closed", dropped },
	/* covers: surface 9, trap o */
	{ "a port that is used again has no state of another socket", reuse, &many },
	/* covers: surface 9, trap o */
	{ "a port that changes hands at once has none either", reuse_by_many },
	/* covers: surface 9 */
	{ "states are made and dropped by many at once", at_once },
	/* covers: surface 8b, trap r */
	{ "each network namespace has a state of its own", per_net },
	/* covers: surface 8b, trap r, trap af */
	{ "namespaces come and go with their state", namespaces },
	/* covers: surface 8b, trap r */
	{ "namespaces that are older than the family have one", loaded_later },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
