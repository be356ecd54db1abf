// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces that come and go, NAMESPACES (40) for each test, under
 * dumps that are open, listeners and notifications. In the end none of them is
 * left, which only holds if nothing of the family holds one.
 */
#include "module.h"

#define LIMIT	"/proc/sys/user/max_net_namespaces"

static int count_of(const char *variable, int otherwise)
{
	const char *value = getenv(variable);

	return value && atoi(value) > 0 ? atoi(value) : otherwise;
}

/* The socket @fd, on its way to another process. */
static void send_socket(int to, int fd)
{
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.hdr.cmsg_level = SOL_SOCKET;
	control.hdr.cmsg_type = SCM_RIGHTS;
	control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.hdr), &fd, sizeof(fd));
	EXPECT(sendmsg(to, &msg, 0) == 1, "%s", strerror(errno));
}

static int receive_socket(int from)
{
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	EXPECT(recvmsg(from, &msg, MSG_CMSG_CLOEXEC) == 1, "%s", strerror(errno));
	EXPECT_EQ(control.hdr.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.hdr), sizeof(fd));
	return fd;
}

static void limit_namespaces(const char *text)
{
	EXPECT_OK(write_file(LIMIT, text));
}

static bool can_make_one(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNET) ? 1 : 0);
	return waitpid(pid, &status, 0) == pid && !status;
}

/* Every namespace is gone: where only one may be there, one can be made. */
static void expect_none_left(int made)
{
	static char before[32];
	int fd = open(LIMIT, O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0 && read(fd, before, sizeof(before) - 1) > 0, "%s", LIMIT);
	close(fd);
	limit_namespaces("1");
	WAIT_FOR(can_make_one());
	/* That one as well. */
	WAIT_FOR(can_make_one());
	limit_namespaces(before);
	DIAG("count namespaces: %d made and gone", made + 2);
}

/* A member of the group in its own namespace gets what is sent there. */
static void send_and_hear(struct peer *listener, struct peer *sender, uint32_t cookie)
{
	static struct nl_msg m;

	peer_start(sender, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, cookie);
	peer_command(sender, &m, 0);
	EXPECT_OK(nl_recv_msg(&listener->sock, &m));
	EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), cookie);
}

static void open_listener(struct peer *p)
{
	peer_open(p);
	EXPECT_OK(nl_membership(&p->sock, nl_group(&p->family, NLPEER_MCGRP_EVENTS), true));
}

/* In a namespace of its own: listeners, events that nobody reads, a dump. */
static struct peer_dump furnish(struct peer *dumper)
{
	struct peer listener, deaf, sender;
	struct peer_dump dump;

	enter_new_netns();
	open_listener(&listener);
	open_listener(&deaf);
	peer_open(&sender);
	for (uint32_t i = 0; i < 5; i++)
		send_and_hear(&listener, &sender, i);
	peer_open(dumper);
	dump = peer_send_dump(dumper, 2000);
	peer_read_datagram(dumper, &dump, 4096);
	return dump;
}

static void leave(const void *arg)
{
	struct peer p;

	furnish(&p);
	if (arg)
		raise(SIGKILL);
}

static void under_dumps(const void *arg)
{
	int count = count_of("NAMESPACES", 40);
	struct peer p, observer;

	alarm(0);
	begin();
	open_listener(&observer);
	/* Three at a time, of which one is killed. */
	for (int i = 0; i < count; i += 3) {
		pid_t pids[3];
		int status;

		for (int j = 0; j < 3; j++)
			pids[j] = spawn(leave, j ? NULL : "killed");
		for (int j = 0; j < 3; j++) {
			EXPECT(waitpid(pids[j], &status, 0) == pids[j], "waitpid");
			EXPECT_EQ(status, j ? 0 : SIGKILL);
		}
	}
	expect_none_left((count + 2) / 3 * 3);
	/* What was sent in them was not heard here. */
	peer_expect_silence(&observer);
	peer_open(&p);
	peer_ping(&p, 1);
	WAIT_FOR(peer_status(&p).dumps == 0);
	EXPECT_EQ(references(), 0);
}

/* What goes from the namespace to the process that outlives it. */
struct bequest {
	int pair[2];
	struct peer peer;
	struct peer_dump dump;
};

static void bequeath(const void *arg)
{
	struct bequest *b = (struct bequest *)arg;

	b->dump = furnish(&b->peer);
	send_socket(b->pair[1], b->peer.sock.fd);
}

/* The socket of a dump is all that is left of its namespace. */
static void outlived(const void *arg)
{
	int count = count_of("NAMESPACES", 40);
	struct bequest *b = shared_memory(sizeof(*b));
	struct peer p;

	alarm(0);
	begin();
	EXPECT(b, "no memory");
	for (int i = 0; i < count; i++) {
		EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->pair),
		       "socketpair");
		in_process(bequeath, b);
		b->peer.sock.fd = receive_socket(b->pair[0]);
		if (i % 2)
			peer_read_dump(&b->peer, &b->dump, 4096);
		else
			peer_read_datagram(&b->peer, &b->dump, 4096);
		peer_close(&b->peer);
		close(b->pair[0]);
		close(b->pair[1]);
	}
	expect_none_left(count);
	peer_open(&p);
	EXPECT_EQ(peer_status(&p).dumps, 0);
	EXPECT_EQ(references(), 0);
}

static bool *over;

/* Makes a namespace with listeners to all that is told, and leaves it. */
static void come_and_go(const void *arg)
{
	struct peer sender, listener;
	struct nl_family ctrl, f;
	struct nl_sock s;

	enter_new_netns();
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, "nlctrl", 0, &ctrl));
	EXPECT_OK(nl_membership(&s, nl_group(&ctrl, "notify"), true));
	if (!find_family(NLPEER_FAMILY_NAME, &f))
		return;
	/* From here on the family may go at any time. */
	EXPECT_OK(nl_open(&sender.sock));
	EXPECT_OK(nl_open(&listener.sock));
	nl_membership(&listener.sock, f.groups[0].id, true);
	for (uint32_t i = 0; i < 5; i++) {
		static struct nl_msg m;
		struct nl_ack ack;

		nl_start(&m, f.id, NLM_F_ACK, NLPEER_CMD_EVENT_SEND, NLPEER_FAMILY_VERSION);
		nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, i);
		EXPECT_OK(nl_send(&sender.sock, &m));
		EXPECT_OK(nl_recv_msg(&sender.sock, &m));
		EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
		EXPECT(!ack.error || ack.error == -ENOENT, "%s", strerror(-ack.error));
	}
}

static void keep_coming(const void *arg)
{
	int *made = (int *)arg;

	alarm(0);
	while (!__atomic_load_n(over, __ATOMIC_SEQ_CST)) {
		in_process(come_and_go, NULL);
		__atomic_fetch_add(made, 1, __ATOMIC_SEQ_CST);
	}
}

/* Registering and unregistering tells all namespaces, while they come and go. */
static void under_reloads(const void *arg)
{
	int count = count_of("NAMESPACES", 40), reloads = 0;
	int *made = shared_memory(sizeof(*made));
	pid_t pids[2];
	struct peer p;

	alarm(0);
	begin();
	over = shared_memory(sizeof(*over));
	EXPECT(made && over, "no memory");
	for (int i = 0; i < 2; i++)
		pids[i] = spawn(keep_coming, made);
	while (__atomic_load_n(made, __ATOMIC_SEQ_CST) < count) {
		EXPECT_EQ(unload("nlpeer"), 0);
		EXPECT_EQ(load("NLPEER_KO"), 0);
		reloads++;
	}
	__atomic_store_n(over, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		join(pids[i]);
	DIAG("count cycles: %d", reloads);
	expect_none_left(*made);
	peer_open(&p);
	peer_ping(&p, 1);
}

static const struct ktap_test tests[] = {
	{ "left and killed under dumps, listeners and unread events", under_dumps },
	{ "outlived by the socket of a dump", outlived },
	{ "coming and going while nlpeer is loaded and unloaded", under_reloads },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
