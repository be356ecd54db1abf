// SPDX-License-Identifier: GPL-2.0
/*
 * A reply that is owed must not keep what its requester has left behind: not the
 * receive queue of a socket that is closed, not a network namespace that nobody
 * is in any more, and not the request.
 */
#include "attack.h"

enum { SOCKETS = 80, DELAY = 10000, BIG = 65536, WAITING = 512, REQUEST_MAX = 64512 };
#define NETNS_LIMIT	"/proc/sys/user/max_net_namespaces"

static int64_t asked_last;

/* A request for a reply that comes long after all of this. */
static void ask_later(struct peer *p, size_t size)
{
	static struct nl_msg m;

	peer_start(p, &m, 0, NLPEER_CMD_DELAYED_GET);
	/* The last one of a kind counts. */
	while (m.len + 2 * 8 <= size)
		nl_put_u32(&m, NLPEER_A_DELAYED_DELAY, DELAY);
	nl_put_u32(&m, NLPEER_A_DELAYED_DELAY, DELAY);
	EXPECT_OK(nl_send(&p->sock, &m));
	asked_last = ktap_now_ms();
}

/* Fill the receive buffer with large replies that nobody reads. */
static void fill(struct peer *p)
{
	static struct nl_msg m;

	for (int i = 0; !take_enobufs(&p->sock); i++) {
		EXPECT(i < 1000, "it is never full");
		peer_start(p, &m, 0, NLPEER_CMD_BIG_GET);
		nl_put_u32(&m, NLPEER_A_BIG_SIZE, BIG);
		EXPECT_OK(nl_send(&p->sock, &m));
	}
}

/* Until the replies are due: what they keep would be counted in the next test. */
static void wait_until_due(void)
{
	while (ktap_now_ms() < asked_last + DELAY + slow(500))
		ktap_pause();
}

/* What is free, or has the contents of files, in KiB. */
static long unused(void)
{
	return kib_of("MemFree") + kib_of("Cached");
}

/* What the kernel has less than before, in KiB. */
static long taken(long before)
{
	return before - unused();
}

/*
 * The memory that sockets held is back but for a small part, long before the
 * replies are due. Others may have taken some meanwhile: a quarter was seen once.
 */
static void expect_back(long before, long held, int64_t asked)
{
	int64_t closed = ktap_now_ms(), end = closed + soon(2000, DELAY);
	long left;

	while ((left = taken(before)) > held / 8 && ktap_now_ms() < end)
		ktap_pause();
	DIAG("%ld KiB held by open sockets, %ld KiB %lld ms after they were closed", held, left,
	     (long long)(ktap_now_ms() - closed));
	EXPECT(ktap_now_ms() < asked + DELAY, "the replies have been due meanwhile");
	if (left > held / 3)
		wait_until_due();
	EXPECT(left <= held / 3, "%ld KiB of closed sockets", left);
}

static void queues(const void *arg)
{
	static struct peer p[SOCKETS];
	int64_t asked;
	long before, held;
	int count = 0;

	become_nobody();
	peer_open(&p[0]);
	before = unused();
	asked = ktap_now_ms();
	/* Emulated and looked at, a kernel may not manage more in time. */
	while (count < SOCKETS && ktap_now_ms() < asked + DELAY * 2 / 5) {
		peer_open(&p[count]);
		set_buffer(&p[count].sock, SO_RCVBUF, 4 << 20);
		ask_later(&p[count], 0);
		fill(&p[count++]);
	}
	held = taken(before);
	EXPECT(held > count * 4096L, "only %ld KiB in %d sockets", held, count);
	DIAG("%d sockets", count);
	for (int i = 0; i < count; i++)
		nl_close(&p[i].sock);
	expect_back(before, held, asked);
}

static void requests(const void *arg)
{
	static struct peer p[WAITING];
	struct peer other;
	int64_t asked;
	long before, held;
	int count = 0;

	become_nobody();
	peer_open(&other);
	before = unused();
	asked = ktap_now_ms();
	while (count < WAITING && ktap_now_ms() < asked + DELAY * 2 / 5) {
		p[count].family = other.family;
		EXPECT_OK(nl_open(&p[count].sock));
		ask_later(&p[count++], REQUEST_MAX);
	}
	held = taken(before);
	/* A kernel that looks for errors gives back meanwhile what was freed before. */
	EXPECT(held > (long)count * REQUEST_MAX / 2048, "only %ld KiB of %d", held, count);
	DIAG("asked %d times", count);
	for (int i = 0; i < count; i++)
		nl_close(&p[i].sock);
	expect_back(before, held, asked);
}

static bool can_make_netns(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNET) ? 1 : 0);
	return waitpid(pid, &status, 0) == pid && !status;
}

static void in_netns(const void *arg)
{
	const size_t *size = arg;
	struct peer p;

	enter_new_netns();
	become_nobody();
	peer_open(&p);
	ask_later(&p, *size);
}

/* Where there may be only one namespace, one can be made when the last has gone. */
static void netns(const void *arg)
{
	static char limit[32];
	int fd = open(NETNS_LIMIT, O_RDONLY | O_CLOEXEC);
	int64_t begin, end;
	bool gone;

	if (fd < 0 || read(fd, limit, sizeof(limit) - 1) <= 0)
		SKIP("%s: %s", NETNS_LIMIT, strerror(errno));
	close(fd);
	EXPECT_OK(write_file(NETNS_LIMIT, "1"));
	/* Those of tests before this one. */
	WAIT_FOR(can_make_netns());
	WAIT_FOR(can_make_netns());
	EXPECT_OK(write_file(NETNS_LIMIT, "2"));
	in_process(in_netns, arg);
	EXPECT_OK(write_file(NETNS_LIMIT, "1"));
	begin = ktap_now_ms();
	end = begin + soon(3000, DELAY);
	while (!(gone = can_make_netns()) && ktap_now_ms() < end)
		ktap_pause();
	write_file(NETNS_LIMIT, limit);
	if (!gone) {
		asked_last = begin;
		wait_until_due();
	}
	DIAG("%s after %lld ms", gone ? "gone" : "there", (long long)(ktap_now_ms() - begin));
	EXPECT(gone, "a namespace without processes is kept by a reply that is owed");
}

static const size_t small, large = REQUEST_MAX;

static const struct ktap_test tests[] = {
	/* covers: trap aa */
	{ "the queue of a closed socket goes, whatever reply is owed", queues },
	/* covers: trap aa */
	{ "large requests of closed sockets go", requests },
	/* covers: trap aa */
	{ "a network namespace goes, whatever reply is owed", netns, &small },
	{ "a network namespace goes, whatever large request is kept", netns, &large },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
