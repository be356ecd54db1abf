// SPDX-License-Identifier: GPL-2.0
/*
 * Who has sent a request: what the kernel knows of them, what they may do, and
 * what is kept for their socket and for their network namespace. Whether
 * handlers run at the same time.
 */
#include <sys/stat.h>

#include "genltest.h"

/* What the kernel knows of the sender. */
enum { PORTID = 1, SEQ, FLAGS, PID, UID, GID, COOKIE, INUM, NET_ADMIN, SYS_ADMIN,
	NET_NET_ADMIN, NET_NET_RAW };

/* Which of the capabilities the sender has, as bits. */
enum { INIT_NET = 1, INIT_SYS = 2, NET = 4, RAW = 8 };

static uint64_t netns_cookie(struct peer *p)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	EXPECT_EQ(getsockopt(p->sock.fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len), 0);
	return cookie;
}

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

struct busy {
	const char *family;
	uint8_t cmd;
	uint32_t millis;	/* 0: no attribute */
	int child;
};

static uint32_t *most;		/* handlers at once that a process was told of, by each */

static void busy_child(const void *arg)
{
	const struct busy *busy = arg;
	struct nl_msg *m;
	struct peer p;

	EXPECT_OK(nl_open(&p.sock));
	EXPECT_OK(nl_get_family(&p.sock, busy->family, 0, &p.family));
	m = test_start(&p, 0, busy->cmd);
	if (busy->millis)
		nl_put_u32(m, 1, busy->millis);
	most[busy->child] = test_u32(test_ask(&p, m), 1);
}

/* The most handlers at once that any of four clients is told of. */
static uint32_t run_busy(struct busy busy)
{
	uint32_t largest = 0;
	pid_t pids[4];

	most = shared_memory(4 * sizeof(*most));
	EXPECT(most, "no memory");
	for (busy.child = 0; busy.child < 4; busy.child++)
		pids[busy.child] = spawn(busy_child, &busy);
	for (int i = 0; i < 4; i++) {
		join(pids[i]);
		if (most[i] > largest)
			largest = most[i];
	}
	return largest;
}

static void parallel(const void *arg)
{
	uint32_t found = run_busy((struct busy){ GENLTEST_NAME, GENLTEST_BUSY, 500, 0 });

	EXPECT(found > 1, "%u handler at once", found);
}

static void load_serial(void)
{
	module_file("GENLTEST_SERIAL_KO");
	if (!loaded("genltest_serial"))
		EXPECT_EQ(load("GENLTEST_SERIAL_KO"), 0);
}

static void serial(const void *arg)
{
	load_serial();
	EXPECT_EQ(run_busy((struct busy){ SERIAL_NAME, 1, 0, 0 }), 1);
	EXPECT_EQ(unload_soon("genltest_serial"), 0);
}

static void initial_net_only(const void *arg)
{
	struct nl_family f, other;
	struct nl_sock s;

	load_serial();
	EXPECT(find_family(SERIAL_NAME, &f), "not found");
	enter_new_netns();
	EXPECT(!find_family(SERIAL_NAME, &other), "found in another namespace");
	EXPECT(find_family(GENLTEST_NAME, &other), "genltest is not found");
	EXPECT_OK(nl_open(&s));
	EXPECT_EQ(nl_get_family(&s, SERIAL_NAME, 0, &other), -ENOENT);
	/* Nor can it be asked by its number. */
	EXPECT_EQ(echo_to(&s, f.id), ENOENT);
	EXPECT_EQ(unload_soon("genltest_serial"), 0);
}

static const struct ktap_test tests[] = {
	{ "the kernel says who has sent a request", who },
	{ "who is root in a user namespace is another user outside", who_in_user_namespace },
	{ "capabilities are those of the sender", capable },
	{ "a user namespace gives capabilities over its own network", capable_nobody },
	{ "capabilities are those of the opener of the socket too", capable_by_both },
	{ "operations for the administrator, and for that of the network", access_of_op },
	{ "each socket has a state of its own", per_socket },
	{ "the state of a socket goes when it is closed", dropped },
	{ "a port that is used again has no state of another socket", reuse, &many },
	{ "a port that changes hands at once has none either", reuse_by_many },
	{ "states are made and dropped by many at once", at_once },
	{ "each network namespace has a state of its own", per_net },
	{ "namespaces come and go with their state", namespaces },
	{ "namespaces that are older than the family have one", loaded_later },
	{ "handlers of a parallel family run at once", parallel },
	{ "handlers of a serialised family never do", serial },
	{ "a family of the initial namespace is in no other one", initial_net_only },
};

int main(void)
{
	return test_run(tests, KTAP_COUNT(tests));
}
