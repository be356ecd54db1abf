// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications: who may listen to which group, and who gets what, in each of
 * the ways in which genltest can tell something. That a socket got nothing is
 * shown by what comes next on it.
 */
#include <sys/stat.h>

#include "genltest.h"

/* Attributes of the command, and its ways. */
enum { VALUE = 1, HOW, PORT };
enum {
	NET, ALL_NETS, EXCEPT, ECHO, UNICAST, NET_ADMIN, SYS_ADMIN, LATER, SET_ERR,
	LONG, LONG_EXCEPT, LONG_ECHO,
};

static void join_group(struct peer *p, const char *name)
{
	EXPECT_OK(nl_membership(&p->sock, nl_group(&p->family, name), true));
}

static void listener(struct peer *p, const char *group)
{
	test_open(p);
	join_group(p, group);
}

static struct nl_msg *news(struct peer *p, uint16_t flags, uint32_t value, uint32_t how)
{
	struct nl_msg *m = test_start(p, flags, GENLTEST_TELL);

	nl_put_u32(m, VALUE, value);
	nl_put_u32(m, HOW, how);
	return m;
}

/* Have something told, and wait for the ack. */
static void tell(struct peer *p, uint32_t value, uint32_t how)
{
	peer_command(p, news(p, 0, value, how), 0);
}

/* The next message is this notification, alone in its datagram. */
static void expect(struct peer *p, uint32_t value, uint32_t seq, uint32_t portid)
{
	static struct nl_msg m;
	const struct nlattr *attrs[VALUE + 1];

	peer_recv(p, &m);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_type, p->family.id);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_flags, 0);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_seq, seq);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_pid, portid);
	EXPECT_EQ(nl_genl(nl_hdr(&m))->cmd, GENLTEST_NEWS);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs, VALUE));
	EXPECT_EQ(test_u32(attrs, VALUE), value);
}

struct watched {
	uint32_t joined, left, listened;
};

static struct watched watched(struct peer *p)
{
	const struct nlattr **attrs = test_ask(p, test_start(p, 0, GENLTEST_WATCHED));

	return (struct watched){ test_u32(attrs, 1), test_u32(attrs, 2), test_u32(attrs, 3) };
}

/* Each group gets its own, and no other one. */
static void groups(const void *arg)
{
	struct peer p, anyone, net_admin, sys_admin;

	test_open(&p);
	listener(&anyone, "anyone");
	listener(&net_admin, "net-admin");
	listener(&sys_admin, "sys-admin");
	tell(&p, 1, NET);
	tell(&p, 2, NET_ADMIN);
	tell(&p, 3, SYS_ADMIN);
	expect(&anyone, 1, 0, 0);
	expect(&net_admin, 2, 0, 0);
	expect(&sys_admin, 3, 0, 0);
	peer_expect_silence(&anyone);
	peer_expect_silence(&net_admin);
	peer_expect_silence(&sys_admin);
	peer_expect_silence(&p);
}

static int try_join(const char *name)
{
	struct peer p;
	int err;

	test_open(&p);
	err = nl_membership(&p.sock, nl_group(&p.family, name), true);
	nl_close(&p.sock);
	return err;
}

static void as_nobody(const void *arg)
{
	become_nobody();
	EXPECT_EQ(try_join("anyone"), 0);
	EXPECT_EQ(try_join("net-admin"), -EPERM);
	EXPECT_EQ(try_join("sys-admin"), -EPERM);
}

static void with_one_capability(const void *arg)
{
	int cap = *(const int *)arg;

	only_capability(cap);
	EXPECT_EQ(try_join("anyone"), 0);
	EXPECT_EQ(try_join("net-admin"), cap == CAP_NET_ADMIN ? 0 : -EPERM);
	EXPECT_EQ(try_join("sys-admin"), cap == CAP_SYS_ADMIN ? 0 : -EPERM);
}

/* Capabilities of a user namespace do not count in a network of another one. */
static void as_user_root(const void *arg)
{
	enter_user_namespace(0);
	EXPECT_EQ(try_join("anyone"), 0);
	EXPECT_EQ(try_join("net-admin"), -EPERM);
	EXPECT_EQ(try_join("sys-admin"), -EPERM);
}

static void as_user_root_of_net(const void *arg)
{
	become_nobody();
	enter_user_namespace(CLONE_NEWNET);
	EXPECT_EQ(try_join("anyone"), 0);
	EXPECT_EQ(try_join("net-admin"), 0);
	EXPECT_EQ(try_join("sys-admin"), 0);
}

/* A refused member gets nothing. */
static void refused_member(const void *arg)
{
	struct peer p;
	int err;

	test_open(&p);
	enter_user_namespace(0);
	err = nl_membership(&p.sock, nl_group(&p.family, "net-admin"), true);
	EXPECT_EQ(err, -EPERM);
	EXPECT_EQ(watched(&p).listened, 0);
	tell(&p, 1, NET_ADMIN);
	peer_expect_silence(&p);
}

/* Here and there: listeners in two namespaces, and a teller in each. */
static void namespaces(const void *arg)
{
	struct peer here, there, teller_here, teller_there;

	test_open(&teller_here);
	listener(&here, "anyone");
	enter_new_netns();
	test_open(&teller_there);
	listener(&there, "anyone");

	tell(&teller_here, 1, NET);
	tell(&teller_there, 2, NET);
	tell(&teller_here, 3, ALL_NETS);
	tell(&teller_there, 4, ALL_NETS);
	expect(&here, 1, 0, 0);
	expect(&here, 3, 0, 0);
	expect(&here, 4, 0, 0);
	expect(&there, 2, 0, 0);
	expect(&there, 3, 0, 0);
	expect(&there, 4, 0, 0);
	peer_expect_silence(&here);
	peer_expect_silence(&there);
	/* Whether anybody listens, the core knows for all of them together only. */
	nl_close(&here.sock);
	EXPECT_EQ(watched(&teller_here).listened, 1);
	EXPECT_EQ(watched(&teller_there).listened, 1);
	nl_close(&there.sock);
	EXPECT_EQ(watched(&teller_here).listened, 0);
}

static void all_nobody(const void *arg)
{
	struct peer p;

	test_open(&p);
	for (int how = NET; how <= SYS_ADMIN; how++)
		if (how != UNICAST)
			tell(&p, 1, how);
	peer_expect_silence(&p);
}

static void except(const void *arg)
{
	struct peer p, other;

	listener(&p, "anyone");
	listener(&other, "anyone");
	tell(&p, 1, EXCEPT);
	expect(&other, 1, 0, 0);
	tell(&other, 2, EXCEPT);
	expect(&p, 2, 0, 0);
	peer_expect_silence(&p);
	peer_expect_silence(&other);
	/* Its own number, where it is not left out, in front of the ack. */
	EXPECT_OK(nl_send(&p.sock, news(&p, 0, 3, NET)));
	expect(&p, 3, 0, 0);
}

/* With NLM_F_ECHO the sender gets it too, once, whether it listens or not. */
static void echo(const void *arg)
{
	struct peer p, other;
	uint32_t portid;

	for (int member = 0; member <= 1; member++) {
		test_open(&p);
		if (member)
			join_group(&p, "anyone");
		for (int others = 0; others <= 1; others++) {
			struct nl_ack ack;
			struct nl_msg *m;

			if (others)
				listener(&other, "anyone");
			portid = p.sock.portid;
			m = news(&p, NLM_F_ECHO | NLM_F_ACK, 5, ECHO);
			EXPECT_OK(nl_send(&p.sock, m));
			expect(&p, 5, p.sock.seq, portid);
			peer_recv_ack(&p, m, 0, &ack);
			peer_expect_silence(&p);

			/* Without the flag, members only. */
			m = news(&p, 0, 6, ECHO);
			EXPECT_OK(nl_send(&p.sock, m));
			if (member)
				expect(&p, 6, p.sock.seq, portid);
			test_ping(&p);
			if (others) {
				expect(&other, 5, p.sock.seq - 2, portid);
				expect(&other, 6, p.sock.seq - 1, portid);
				peer_expect_silence(&other);
				nl_close(&other.sock);
			}
		}
		nl_close(&p.sock);
	}
}

static void unicast(const void *arg)
{
	struct peer p, to, bystander;
	struct nl_ack ack;
	struct nl_msg *m;

	test_open(&p);
	test_open(&to);
	listener(&bystander, "anyone");
	m = news(&p, 0, 9, UNICAST);
	nl_put_u32(m, PORT, to.sock.portid);
	peer_command(&p, m, 0);
	expect(&to, 9, 0, 0);
	peer_expect_silence(&to);
	peer_expect_silence(&bystander);

	/* Nobody has the port. */
	nl_close(&to.sock);
	m = news(&p, 0, 9, UNICAST);
	nl_put_u32(m, PORT, to.sock.portid);
	peer_command(&p, m, ECONNREFUSED);

	/* The kernel's own socket: it would answer while the handler runs. */
	m = news(&p, 0, 9, UNICAST);
	nl_put_u32(m, PORT, 0);
	peer_command(&p, m, ECONNREFUSED);

	m = news(&p, 0, 9, UNICAST);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_ack(&p, m, EINVAL, &ack);
	EXPECT_EQ(ack.missing, PORT);
}

/* The same port in another namespace is another one. */
static void unicast_elsewhere(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p, to;

	test_open(&to);
	enter_new_netns();
	test_open(&p);
	/* That of the process, being the first one in each namespace. */
	EXPECT_EQ(p.sock.portid, to.sock.portid);
	m = news(&p, NLM_F_ACK, 9, UNICAST);
	nl_put_u32(m, PORT, to.sock.portid);
	EXPECT_OK(nl_send(&p.sock, m));
	expect(&p, 9, 0, 0);
	peer_recv_ack(&p, m, 0, &ack);
	peer_expect_silence(&to);
}

/* A reader that does not read: the sender is told, and the reader by its socket. */
static void full(const void *arg)
{
	int size = 1, one = 1, refused = 0;
	struct nl_msg *m;
	struct peer p, to;
	struct nl_ack ack;
	char byte;

	test_open(&p);
	listener(&to, "anyone");
	EXPECT_EQ(setsockopt(to.sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 100 && !refused; i++) {
		m = news(&p, NLM_F_ACK, 9, UNICAST);
		nl_put_u32(m, PORT, to.sock.portid);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv(&p, m);
		EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
		refused = -ack.error;
	}
	EXPECT_EQ(refused, EAGAIN);
	/* Of a notification that is lost the sender learns if the reader wants that. */
	tell(&p, 9, NET);
	EXPECT_EQ(nl_recv(&to.sock, &byte, 1, MSG_DONTWAIT), -ENOBUFS);
	EXPECT_EQ(setsockopt(to.sock.fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &one,
			     sizeof(one)), 0);
	peer_command(&p, news(&p, 0, 9, NET), ENOBUFS);
}

/* From a job, when the request is long answered. */
static void from_job(const void *arg)
{
	struct peer p, other;

	test_open(&p);
	listener(&other, "anyone");
	tell(&p, 11, LATER);
	expect(&other, 11, 0, 0);
	/* It goes to the initial namespace, whoever asked. */
	enter_new_netns();
	test_open(&p);
	tell(&p, 12, LATER);
	expect(&other, 12, 0, 0);
	peer_expect_silence(&other);
}

/* Jobs that would tell something when the family has gone do not. */
static void job_of_the_gone(const void *arg)
{
	for (int i = 0; i < 5; i++) {
		struct peer p;

		test_open(&p);
		for (int j = 0; j < 20; j++)
			tell(&p, j, LATER);
		EXPECT_EQ(unload_soon("genltest"), 0);
		EXPECT_EQ(load("GENLTEST_KO"), 0);
		nl_close(&p.sock);
	}
}

static void joining(const void *arg)
{
	struct watched before, now;
	struct peer p, other;

	test_open(&p);
	test_open(&other);
	before = watched(&p);
	EXPECT_EQ(before.listened, 0);
	join_group(&other, "anyone");
	join_group(&other, "sys-admin");
	now = watched(&p);
	EXPECT_EQ(now.joined, before.joined + 2);
	EXPECT_EQ(now.left, before.left);
	EXPECT_EQ(now.listened, 5);

	EXPECT_OK(nl_membership(&other.sock, nl_group(&p.family, "anyone"), false));
	now = watched(&p);
	/* This is told a moment later. */
	WAIT_FOR(watched(&p).left == before.left + 1);
	EXPECT_EQ(now.listened, 4);
	/* Closing leaves as well. */
	nl_close(&other.sock);
	WAIT_FOR(watched(&p).left == before.left + 2);
	EXPECT_EQ(watched(&p).listened, 0);
	EXPECT_EQ(watched(&p).joined, before.joined + 2);
}

/* A tracing instance of our own. */
#define TRACING	"/sys/kernel/tracing/instances/genl_multicast"

/* In the kernel's tree the events are those of all modules, and GENL_EVENTS says so. */
static int trace(const char *on)
{
	const char *system = getenv("GENL_EVENTS");
	char path[256];

	snprintf(path, sizeof(path), TRACING "/events/%s/genl_notify/enable",
		 system ? system : "genltest");
	return write_file(path, on);
}

/* How many notifications the trace has seen. */
static int traced(void)
{
	FILE *file = fopen(TRACING "/trace", "r");
	char line[512];
	int count = 0;

	EXPECT(file, "%s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, "genl_notify: ");
	fclose(file);
	return count;
}

/* Where nobody listens no message is made: the tracepoint behind it is silent. */
static void not_built(const void *arg)
{
	struct peer p, other;

	rmdir(TRACING);		/* of a run that was killed */
	if (mkdir(TRACING, 0700))
		SKIP("no tracing: %s", strerror(errno));
	if (trace("1")) {
		rmdir(TRACING);
		SKIP("no event genl_notify");
	}
	test_open(&p);
	tell(&p, 1, NET);
	tell(&p, 1, EXCEPT);
	tell(&p, 1, ECHO);
	tell(&p, 1, NET_ADMIN);
	tell(&p, 1, SYS_ADMIN);
	EXPECT_EQ(traced(), 0);
	listener(&other, "anyone");
	tell(&p, 1, NET);
	EXPECT_EQ(traced(), 1);
	tell(&p, 1, NET_ADMIN);
	EXPECT_EQ(traced(), 1);
	nl_close(&other.sock);
	tell(&p, 1, NET);
	EXPECT_EQ(traced(), 1);
	EXPECT_OK(trace("0"));
	EXPECT_EQ(rmdir(TRACING), 0);
}

static const int cap_net_admin = CAP_NET_ADMIN, cap_sys_admin = CAP_SYS_ADMIN;

/* What a socket reports, once, as getsockopt() takes it. */
static int error_of(struct peer *p)
{
	int err;
	socklen_t len = sizeof(err);

	EXPECT_EQ(getsockopt(p->sock.fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	return err;
}

/* Listeners of a group, one who asks for no ENOBUFS and one to be left out; and one of another. */
static void audience(struct peer *anyone, struct peer *quiet, struct peer *spared,
		     struct peer *other)
{
	int one = 1;

	listener(anyone, "anyone");
	listener(quiet, "anyone");
	EXPECT_EQ(setsockopt(quiet->sock.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one,
			     sizeof(one)), 0);
	listener(spared, "anyone");
	listener(other, "net-admin");
}

/* do_one_set_err(): who is told of an error, and who is not. */
static void set_err(const void *arg)
{
	struct peer p, anyone, quiet, spared, other;
	struct nl_msg *m;

	test_open(&p);
	audience(&anyone, &quiet, &spared, &other);

	m = news(&p, 0, ENOBUFS, SET_ERR);
	nl_put_u32(m, PORT, spared.sock.portid);
	peer_command(&p, m, 0);
	EXPECT_EQ(error_of(&anyone), ENOBUFS);
	EXPECT_EQ(error_of(&quiet), 0);
	EXPECT_EQ(error_of(&spared), 0);
	EXPECT_EQ(error_of(&other), 0);

	/* Only ENOBUFS can be declined; and a read fails like getsockopt(). */
	tell(&p, ENOENT, SET_ERR);
	EXPECT_EQ(nl_recv_msg(&anyone.sock, m), -ENOENT);
	EXPECT_EQ(error_of(&quiet), ENOENT);
	EXPECT_EQ(error_of(&spared), ENOENT);
	EXPECT_EQ(error_of(&other), 0);
	/* Once. */
	peer_expect_silence(&anyone);
}

static void set_err_elsewhere(const void *arg)
{
	struct peer p, here;

	test_open(&p);
	listener(&here, "anyone");
	enter_new_netns();
	nl_close(&p.sock);
	EXPECT_OK(nl_open(&p.sock));
	tell(&p, ENOBUFS, SET_ERR);
	EXPECT_EQ(error_of(&here), 0);
}

/* Who would have got a notification that cannot be made, and nobody else, learns it once. */
static void not_made(const void *arg)
{
	uint32_t how = *(const uint32_t *)arg;
	struct peer p, anyone, quiet, spared, other, elsewhere;
	struct nl_msg *m;

	listener(&elsewhere, "anyone");
	enter_new_netns();
	test_open(&p);
	audience(&anyone, &quiet, &spared, &other);

	m = news(&p, 0, 1, how);
	nl_put_u32(m, PORT, spared.sock.portid);
	peer_command(&p, m, EMSGSIZE);
	EXPECT_EQ(nl_recv_msg(&anyone.sock, m), -ENOBUFS);
	EXPECT_EQ(error_of(&quiet), 0);
	EXPECT_EQ(error_of(&spared), how == LONG_EXCEPT ? 0 : ENOBUFS);
	EXPECT_EQ(error_of(&other), 0);
	EXPECT_EQ(error_of(&elsewhere), 0);

	/* The next one comes as ever. */
	tell(&p, 2, NET);
	expect(&anyone, 2, 0, 0);
	peer_expect_silence(&anyone);
}

static const uint32_t too_long[] = { LONG, LONG_EXCEPT, LONG_ECHO };

static const struct ktap_test tests[] = {
	/* covers: surface 6a */
	{ "each group gets its own", groups },
	/* covers: surface 6a */
	{ "who is nobody joins the group for anyone only", as_nobody },
	/* covers: surface 6a */
	{ "CAP_NET_ADMIN lets join its group only", with_one_capability, &cap_net_admin },
	/* covers: surface 6a */
	{ "CAP_SYS_ADMIN lets join its group only", with_one_capability, &cap_sys_admin },
	/* covers: surface 6a */
	{ "root of a user namespace joins the group for anyone only", as_user_root },
	/* covers: surface 6a */
	{ "root of a user namespace joins all groups of its network", as_user_root_of_net },
	/* covers: surface 6a */
	{ "who was refused as a member gets nothing", refused_member },
	/* covers: surface 6b, surface 6c, trap 27 */
	{ "notifications to one network namespace, and to all", namespaces },
	/* covers: surface 6f */
	{ "that nobody listens is no error", all_nobody },
	/* covers: surface 6b */
	{ "the sender is left out", except },
	/* covers: surface 6d */
	{ "NLM_F_ECHO brings it to the sender, once", echo },
	/* covers: surface 6g */
	{ "a message to one port", unicast },
	/* covers: surface 6g */
	{ "a port is one of its network namespace", unicast_elsewhere },
	/* covers: surface 6b */
	{ "a full socket is told, and so is the sender", full },
	/* covers: surface 10a */
	{ "a notification from a job", from_job },
	/* covers: surface 10a */
	{ "a job does not notify for a family that has gone", job_of_the_gone },
	/* covers: surface 6e, trap 24, trap ae */
	{ "joining and leaving is told, and who listens is known", joining },
	/* covers: surface 6h */
	{ "listeners are told of an error, once", set_err },
	/* covers: surface 6h */
	{ "listeners elsewhere are not told of an error", set_err_elsewhere },
	/* covers: surface 6b, trap ai */
	{ "who misses one that cannot be made is told", not_made, &too_long[0] },
	/* covers: surface 6b, trap ai */
	{ "who is left out misses nothing", not_made, &too_long[1] },
	/* covers: surface 6d, trap ai */
	{ "who misses that of a request is told", not_made, &too_long[2] },
	/* covers: surface 6f */
	{ "nothing is built when nobody listens", not_built },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
