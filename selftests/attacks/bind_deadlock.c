// SPDX-License-Identifier: GPL-2.0
/*
 * A deadlock of the kernel itself, in 7.3.4 at least, that needs any family with a
 * multicast group, in C or in Rust: nobody binds sockets to a port that is taken
 * while root loads and unloads a family. It hangs the machine for good, so that it
 * is no part of any check. In a virtual machine:
 *
 *   make vm CMD='cd /genl/selftests && NLPEER_KO=/genl/mod/nlpeer.ko ./attacks/bind_deadlock'
 *
 * README.md in this folder says which calls wait for each other.
 */
#include "attack.h"

enum { SECONDS = 120, STUCK_MS = 10000 };

static struct {
	uint32_t port;
	unsigned long binds, loads;
} *shared;

#define READ(field)	__atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define COUNT(field)	__atomic_fetch_add(&(field), 1, __ATOMIC_SEQ_CST)

static void bind_again(const void *arg)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_pid = shared->port, .nl_groups = 1,
	};

	alarm(0);
	become_nobody();
	for (;;) {
		int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

		EXPECT(fd >= 0, "%s", strerror(errno));
		/* Joins a group, finds the port taken, and leaves the group again. */
		EXPECT(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), "the port was free");
		close(fd);
		COUNT(shared->binds);
	}
}

static void reload(const void *arg)
{
	alarm(0);
	for (;;) {
		EXPECT_EQ(unload_soon("nlpeer"), 0);
		EXPECT_EQ(load("NLPEER_KO"), 0);
		COUNT(shared->loads);
	}
}

static void deadlock(const void *arg)
{
	unsigned long binds = 0, loads = 0;
	int64_t start = ktap_now_ms(), moved = start;
	struct nl_sock s = { 0 };

	alarm(0);
	shared = shared_memory(sizeof(*shared));
	EXPECT(shared, "no memory");
	begin();
	EXPECT_OK(nl_open(&s));
	shared->port = s.portid;
	for (int i = 0; i < 2; i++)
		spawn(bind_again, NULL);
	spawn(reload, NULL);
	while (ktap_now_ms() < start + SECONDS * 1000) {
		if (READ(shared->binds) != binds || READ(shared->loads) != loads) {
			binds = READ(shared->binds);
			loads = READ(shared->loads);
			moved = ktap_now_ms();
		}
		if (ktap_now_ms() > moved + STUCK_MS) {
			/* The log then says what each of them waits in. */
			write_file("/proc/sysrq-trigger", "w");
			FAIL("stuck after %lld ms, %lu binds and %lu loads",
			     (long long)(moved - start), binds, loads);
		}
		ktap_pause();
	}
	DIAG("not stuck in %d s, %lu binds and %lu loads", SECONDS, binds, loads);
}

static const struct ktap_test tests[] = {
	{ "binding to a port that is taken, while families come and go", deadlock },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
