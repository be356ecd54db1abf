// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces that a request names, by a descriptor, a process or a
 * number, and the bytes of a request as C gets them. What the family says of a
 * namespace is held against what rtnetlink and /proc say.
 */
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>

#include "genltest.h"

/* Attributes of the request and of the reply. */
enum { FD = 1, PID, NSID, ASSIGN };
enum { COOKIE = 1, INUM, HAS_NSID, CAPABLE };

struct netns {
	uint64_t cookie;
	ino_t inum;
};

static struct netns own_netns(void)
{
	struct netns n;
	struct stat st;
	struct peer p;

	test_open(&p);
	n.cookie = netns_cookie(&p);
	EXPECT_EQ(stat("/proc/self/ns/net", &st), 0);
	n.inum = st.st_ino;
	nl_close(&p.sock);
	return n;
}

static int open_ns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static struct nl_msg *about(struct peer *p, int type, uint32_t value)
{
	struct nl_msg *m = test_start(p, 0, GENLTEST_NETNS);

	if (type)
		nl_put_u32(m, type, value);
	return m;
}

static const struct nlattr **expect_netns(struct peer *p, int type, uint32_t value,
					  const struct netns *want)
{
	const struct nlattr **attrs = test_ask(p, about(p, type, value));

	EXPECT(attrs[COOKIE], "no cookie");
	EXPECT_EQ(nla_u64(attrs[COOKIE]), want->cookie);
	EXPECT_EQ(test_u32(attrs, INUM), want->inum);
	return attrs;
}

static void by_fd(const void *arg)
{
	struct netns outer = own_netns(), inner;
	int outer_fd = open_ns("/proc/self/ns/net"), uts = open_ns("/proc/self/ns/uts");
	int file = open_ns("/proc/self/status"), inner_fd;
	struct peer p;

	test_open(&p);
	expect_netns(&p, FD, outer_fd, &outer);
	enter_new_netns();
	inner = own_netns();
	EXPECT(inner.cookie != outer.cookie, "the same namespace");
	inner_fd = open_ns("/proc/self/ns/net");
	/* From a socket of the one and of the other. */
	expect_netns(&p, 0, 0, &outer);
	expect_netns(&p, FD, inner_fd, &inner);
	expect_netns(&p, FD, outer_fd, &outer);
	nl_close(&p.sock);
	test_open(&p);
	expect_netns(&p, 0, 0, &inner);
	expect_netns(&p, FD, inner_fd, &inner);
	expect_netns(&p, FD, outer_fd, &outer);

	test_refused(&p, about(&p, FD, 1000), EBADF, NULL, -1);
	test_refused(&p, about(&p, FD, 0xffffffff), EBADF, NULL, -1);
	test_refused(&p, about(&p, FD, file), EINVAL, NULL, -1);
	test_refused(&p, about(&p, FD, uts), EINVAL, NULL, -1);
}

/* Says in which namespace it is, and waits to be killed. */
static pid_t other_process(struct netns *shared)
{
	pid_t pid;

	shared->cookie = 0;
	pid = fork();
	EXPECT(pid >= 0, "%s", strerror(errno));
	if (!pid) {
		ktap_begin();
		enter_new_netns();
		*shared = own_netns();
		for (;;)
			pause();
	}
	WAIT_FOR(__atomic_load_n(&shared->cookie, __ATOMIC_ACQUIRE));
	return pid;
}

static void by_pid(const void *arg)
{
	struct netns own = own_netns(), *other = shared_memory(sizeof(*other));
	siginfo_t info;
	struct peer p;
	pid_t pid;

	test_open(&p);
	pid = other_process(other);
	expect_netns(&p, PID, pid, other);
	expect_netns(&p, PID, getpid(), &own);
	/* One that has ended is in no namespace, though nobody has waited for it. */
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	test_refused(&p, about(&p, PID, pid), ESRCH, NULL, -1);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	test_refused(&p, about(&p, PID, pid), ESRCH, NULL, -1);
	test_refused(&p, about(&p, PID, 0), ESRCH, NULL, -1);
	test_refused(&p, about(&p, PID, 0xffffffff), ESRCH, NULL, -1);
}

/* Process 1 is the first one of its own pid namespace. */
static void first_process(const void *arg)
{
	const struct netns *outer = arg;
	struct netns inner;
	struct peer p;

	enter_new_netns();
	inner = own_netns();
	EXPECT(inner.cookie != outer->cookie, "the same namespace");
	test_open(&p);
	EXPECT_EQ(getpid(), 1);
	expect_netns(&p, PID, 1, &inner);
	test_refused(&p, about(&p, PID, 2), ESRCH, NULL, -1);
}

static void by_pid_in_namespace(const void *arg)
{
	struct netns outer = own_netns();
	struct peer p;

	test_open(&p);
	expect_netns(&p, PID, 1, &outer);
	EXPECT_EQ(unshare(CLONE_NEWPID), 0);
	in_process(first_process, &outer);
}

/* Ask rtnetlink for the number of a namespace, or give it one; -1 for none. */
static int32_t rtnl_nsid(uint16_t type, int fd, int32_t nsid)
{
	struct {
		struct nlmsghdr nlh;
		struct rtgenmsg gen;
		struct { struct nlattr nla; int32_t value; } attrs[2];
	} req = {
		{ sizeof(req), type, NLM_F_REQUEST | (type == RTM_NEWNSID ? NLM_F_ACK : 0) },
		{ AF_UNSPEC },
		{ { { 8, NETNSA_FD }, fd }, { { 8, NETNSA_NSID }, nsid } },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	static struct nl_msg m;
	ssize_t len;

	EXPECT(s >= 0, "%s", strerror(errno));
	if (type == RTM_GETNSID)
		req.nlh.nlmsg_len -= sizeof(req.attrs[1]);
	EXPECT_EQ(sendto(s, &req, req.nlh.nlmsg_len, 0, (struct sockaddr *)&kernel,
			 sizeof(kernel)), req.nlh.nlmsg_len);
	len = recv(s, m.data, sizeof(m.data), 0);
	close(s);
	EXPECT(len >= NLMSG_HDRLEN, "%zd bytes", len);
	if (nl_hdr(&m)->nlmsg_type == NLMSG_ERROR) {
		EXPECT_EQ(((struct nlmsgerr *)NLMSG_DATA(nl_hdr(&m)))->error, 0);
		return nsid;
	}
	EXPECT_EQ(nl_hdr(&m)->nlmsg_type, RTM_NEWNSID);
	for (size_t left, i = NLMSG_SPACE(sizeof(struct rtgenmsg)); i < (size_t)len;) {
		const struct nlattr *nla = (const void *)(m.data + i);

		left = len - i;
		EXPECT(nla_first(nla, &left), "an attribute that is cut off");
		if (nla->nla_type == NETNSA_NSID)
			return (int32_t)nla_u32(nla);
		i += NLA_ALIGN(nla->nla_len);
	}
	FAIL("no number");
}

/* The number that the family says a namespace has, or -1. */
static int32_t nsid_of(struct peer *p, int fd, bool assign)
{
	struct nl_msg *m = about(p, FD, fd);
	const struct nlattr **attrs;

	if (assign)
		nl_put(m, ASSIGN, NULL, 0);
	attrs = test_ask(p, m);
	return attrs[HAS_NSID] ? (int32_t)test_u32(attrs, HAS_NSID) : -1;
}

static void by_nsid(const void *arg)
{
	struct netns outer = own_netns(), *other = shared_memory(sizeof(*other));
	int outer_fd = open_ns("/proc/self/ns/net"), other_fd;
	char path[64];
	struct peer p;
	int32_t id;
	pid_t pid;

	/* In a namespace of its own, where no other one has a number yet. */
	enter_new_netns();
	test_open(&p);
	pid = other_process(other);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	other_fd = open_ns(path);
	EXPECT_EQ(nsid_of(&p, other_fd, false), -1);
	EXPECT_EQ(rtnl_nsid(RTM_GETNSID, other_fd, 0), -1);
	EXPECT_EQ(nsid_of(&p, outer_fd, false), -1);

	/* One that rtnetlink has assigned, and one that the family assigns. */
	rtnl_nsid(RTM_NEWNSID, other_fd, 7);
	EXPECT_EQ(nsid_of(&p, other_fd, false), 7);
	EXPECT_EQ(nsid_of(&p, other_fd, true), 7);
	expect_netns(&p, NSID, 7, other);
	id = nsid_of(&p, outer_fd, true);
	EXPECT(id >= 0 && id != 7, "%d", id);
	EXPECT_EQ(rtnl_nsid(RTM_GETNSID, outer_fd, 0), id);
	EXPECT_EQ(nsid_of(&p, outer_fd, false), id);
	expect_netns(&p, NSID, id, &outer);

	test_refused(&p, about(&p, NSID, 1000), ENOENT, NULL, -1);
	test_refused(&p, about(&p, NSID, -1), ENOENT, NULL, -1);
	test_refused(&p, about(&p, NSID, INT32_MIN), ENOENT, NULL, -1);

	/* The number is free when its namespace has gone: the family does not keep it. */
	for (int i = 0; i < 100; i++) {
		expect_netns(&p, NSID, 7, other);
		expect_netns(&p, FD, other_fd, other);
		expect_netns(&p, PID, pid, other);
	}
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	expect_netns(&p, NSID, 7, other);
	close(other_fd);
	for (int64_t end = ktap_now_ms() + slow(KTAP_DEADLINE_MS);; ktap_pause()) {
		struct nl_msg *m = about(&p, NSID, 7);
		struct nl_ack ack;

		EXPECT_OK(nl_send(&p.sock, m));
		EXPECT_OK(nl_recv_msg(&p.sock, m));
		if (!nl_read_ack(nl_hdr(m), &ack)) {
			EXPECT_EQ(ack.error, -ENOENT);
			break;
		}
		EXPECT(ktap_now_ms() < end, "the namespace does not go");
	}
}

/* Whether the sender may administrate a namespace. */
static bool may(struct peer *p, int fd)
{
	return test_ask(p, about(p, FD, fd))[CAPABLE];
}

static void capable_over(const void *arg)
{
	int outer = open_ns("/proc/self/ns/net"), inner;
	struct peer p, own;

	test_open(&p);
	EXPECT(may(&p, outer), "root may");
	become_nobody();
	EXPECT(!may(&p, outer), "nobody may not");
	enter_user_namespace(CLONE_NEWNET);
	inner = open_ns("/proc/self/ns/net");
	test_open(&own);
	/* Wherever the socket is: what counts is whose the other namespace is. */
	EXPECT(may(&own, inner), "its own");
	EXPECT(!may(&own, outer), "that of another one");
	EXPECT(may(&p, inner), "its own, from the other one");
	EXPECT(!may(&p, outer), "that of another one");
}

/* Several requests in one datagram: each has its own bytes, and no others. */
static void bytes(const void *arg)
{
	static const size_t sizes[] = { 0, 1, 4, 1000, 333 };
	static struct nl_msg all, want[ARRAY_SIZE(sizes)];
	static char data[1000];
	struct nl_ack ack;
	struct peer p;

	test_open(&p);
	memset(data, 'x', sizeof(data));
	all.len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		nl_start(&want[i], p.family.id, i ? 0 : NLM_F_ACK, GENLTEST_MIRROR, 1);
		nl_put(&want[i], 1, data, sizes[i]);
		nl_finish(&p.sock, &want[i]);
		memcpy(all.data + all.len, want[i].data, want[i].len);
		all.len += NLMSG_ALIGN(want[i].len);
	}
	EXPECT_OK(nl_send_raw(&p.sock, all.data, all.len));
	p.sock.seq -= ARRAY_SIZE(sizes);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct nlattr *attrs[2];
		static struct nl_msg m;

		p.sock.seq++;
		peer_recv_reply(&p, &m, GENLTEST_MIRROR);
		EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs, 1));
		EXPECT(attrs[1], "reply without attribute 1");
		EXPECT_BYTES(nla_data(attrs[1]), nla_len(attrs[1]), want[i].data,
			     nl_hdr(&want[i])->nlmsg_len);
		if (!i)
			peer_recv_ack(&p, &m, 0, &ack);
	}
	peer_expect_silence(&p);
}

static const struct ktap_test tests[] = {
	/* covers: surface 8d */
	{ "a namespace by a descriptor", by_fd },
	/* covers: surface 8d */
	{ "a namespace by a process", by_pid },
	/* covers: surface 8d */
	{ "processes are those of the sender's own pid namespace", by_pid_in_namespace },
	/* covers: surface 8d */
	{ "a namespace by its number in another one", by_nsid },
	/* covers: surface 7b */
	{ "capabilities over a namespace that the request names", capable_over },
	/* covers: surface 12a */
	{ "the bytes of a request are its own", bytes },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
