// SPDX-License-Identifier: GPL-2.0
/*
 * A family that does not want to end: a job that waits for its time and owns what
 * unloading waits for, states of sockets that own what is told of closed sockets,
 * cursors that do not move. All of it is safe code of genltest.
 */
#include "attack.h"

/* Which state a socket gets. */
enum { KEEPER, ANOTHER };

/* The job runs after so many milliseconds, if nobody drops it. */
#define HOLD_MS		20000

static void command(struct peer *p, struct nl_msg *m)
{
	struct nl_ack ack;

	nl_hdr(m)->nlmsg_flags |= NLM_F_ACK;
	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv_ack(p, m, 0, &ack);
}

static void own(struct peer *p, uint32_t way)
{
	struct nl_msg *m = test_start(p, 0, GENLTEST_OWN);

	nl_put_u32(m, 1, way);
	command(p, m);
}

static void unload_it(const void *arg)
{
	const struct peer *p = arg;

	/* A descriptor of its own would keep the socket open. */
	if (p)
		close(p->sock.fd);
	EXPECT_EQ(unload_soon("genltest"), 0);
}

/* Unloading ends, and the module can be loaded again. */
static void expect_unloaded(pid_t pid, int ms)
{
	int64_t begin = ktap_now_ms(), end = begin + ms;
	int status;
	pid_t ended;

	while (!(ended = waitpid(pid, &status, WNOHANG)) && ktap_now_ms() < end)
		ktap_pause();
	EXPECT(ended == pid, "unloading has not ended after %d ms", ms);
	EXPECT_EQ(status, 0);
	DIAG("unloading has ended after %lld ms", (long long)(ktap_now_ms() - begin));
	EXPECT_EQ(load("GENLTEST_KO"), 0);
}

static void held(const void *arg)
{
	int count = *(const int *)arg;
	struct peer p;

	test_open(&p);
	for (int i = 0; i < count; i++)
		command(&p, test_start(&p, 0, GENLTEST_HOLD));
	expect_unloaded(spawn(unload_it, NULL), soon(1000, HOLD_MS));
}

/* Sockets come and go; closing one waits for whoever is in the way. */
static void others(const void *arg)
{
	struct nl_sock s;

	for (int i = 0; i < 10; i++) {
		EXPECT_OK(nl_open(&s));
		nl_close(&s);
	}
}

/* A process that ends in time: this one cannot wait for what never ends. */
static void expect_end(pid_t pid, const char *what)
{
	int64_t end = ktap_now_ms() + slow(3000);
	int status;
	pid_t ended;

	while (!(ended = waitpid(pid, &status, WNOHANG)) && ktap_now_ms() < end)
		ktap_pause();
	EXPECT(ended == pid, "%s: no end", what);
	EXPECT_EQ(status, 0);
}

/* The process that opens a socket with such a state, and closes it. */
static void open_and_close(const void *arg)
{
	struct peer p;

	test_open(&p);
	own(&p, *(const uint32_t *)arg);
	nl_close(&p.sock);
}

static void states(const void *arg)
{
	for (int i = 0; i < 5; i++)
		expect_end(spawn(open_and_close, arg), "closing a socket");
	expect_end(spawn(others, NULL), "closing other sockets");
	expect_unloaded(spawn(unload_it, NULL), slow(3000));
	expect_end(spawn(others, NULL), "closing other sockets");
}

/* The family goes first: what the state owns may keep the module, but not for ever. */
static void unloaded_first(const void *arg)
{
	struct peer p;
	pid_t pid;

	test_open(&p);
	own(&p, *(const uint32_t *)arg);
	pid = spawn(unload_it, &p);
	usleep(slow(300) * 1000);
	expect_end(spawn(others, NULL), "closing other sockets");
	/* This process has the last descriptor. */
	nl_close(&p.sock);
	expect_unloaded(pid, slow(3000));
	expect_end(spawn(others, NULL), "closing other sockets");
}

/*
 * A dump that does not get anywhere ends with EINVAL, though two cursors of it are
 * never equal.
 */
static void stuck(const void *arg)
{
	struct nl_msg *m;
	struct peer p;
	int error = 0;

	test_open(&p);
	m = test_start(&p, NLM_F_DUMP, GENLTEST_STAY);
	EXPECT_OK(nl_send(&p.sock, m));
	for (int datagrams = 0; !error; datagrams++) {
		ssize_t len = nl_recv(&p.sock, m->data, sizeof(m->data), 0);
		struct nlmsghdr *nlh = nl_hdr(m);

		EXPECT_OK(len);
		EXPECT(datagrams < 100, "it goes on and on");
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
			if (nlh->nlmsg_type == NLMSG_DONE)
				error = *(int *)NLMSG_DATA(nlh);
	}
	EXPECT_EQ(-error, EINVAL);
}

static const int one = 1, many = 20;
static const uint32_t keeper = KEEPER, another = ANOTHER;

static const struct ktap_test tests[] = {
	/* covers: trap ad */
	{ "a job that waits and owns a proof does not keep the module", held, &one },
	{ "nor do many", held, &many },
	/* covers: trap h */
	{ "a cursor that does not move ends the dump", stuck },
	{ "a state may own what keeps it", states, &keeper },
	/* covers: trap ac */
	{ "a state may own other states", states, &another },
	{ "unloading first, a state that owns other states", unloaded_first, &another },
	{ "unloading first, a state that owns what keeps it", unloaded_first, &keeper },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
