// SPDX-License-Identifier: GPL-2.0
/*
 * Binds netlink sockets to a port that is taken, with a group, while a generic
 * netlink family comes and goes. bind() joins the group, finds the port taken and
 * leaves the group again, for which it waits for who registers a family. If it has
 * the table of sockets meanwhile, for which that one waits, both wait for ever, and
 * so does whoever binds a netlink socket or registers a family from then on.
 *
 * The family is that of psample, a module that nothing else uses here.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"

#define NAME "a port that is taken, while families come and go\n"

enum { BINDERS = 2, SECONDS = 60, STUCK_SECONDS = 15, NOBODY = 65534 };

static struct {
	unsigned long binds, loads;
	/* The first errno that was not expected. */
	int failed;
} *shared;

static void fail(int error)
{
	__atomic_store_n(&shared->failed, error ? error : EINVAL, __ATOMIC_SEQ_CST);
	exit(1);
}

/* The control family's own group, whose number is that of the family. */
static struct sockaddr_nl address(unsigned int port)
{
	return (struct sockaddr_nl) {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = 1U << (GENL_ID_CTRL - 1),
	};
}

/* It needs no privilege. */
static void bind_again(unsigned int port)
{
	struct sockaddr_nl addr = address(port);

	if (setuid(NOBODY))
		fail(errno);
	for (;;) {
		int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

		if (fd < 0)
			fail(errno);
		if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || errno != EADDRINUSE)
			fail(errno);
		close(fd);
		__atomic_fetch_add(&shared->binds, 1, __ATOMIC_SEQ_CST);
	}
}

static void reload(unsigned int unused)
{
	for (;;) {
		if (system("modprobe -r psample && modprobe psample"))
			fail(ENOEXEC);
		__atomic_fetch_add(&shared->loads, 1, __ATOMIC_SEQ_CST);
	}
}

static void spawn(void (*child)(unsigned int), unsigned int port)
{
	pid_t pid = fork();

	if (pid < 0)
		ksft_exit_fail_perror("fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	child(port);
	exit(1);
}

int main(void)
{
	struct sockaddr_nl addr = address(0);
	unsigned long binds = 0, loads = 0;
	socklen_t len = sizeof(addr);
	int fd, moved = 0;

	ksft_print_header();
	ksft_set_plan(1);
	if (geteuid())
		ksft_exit_skip("only root can load a module\n");
	if (system("modprobe psample && modprobe -r psample && modprobe psample"))
		ksft_exit_skip("there is no module psample that can be loaded and unloaded\n");

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		ksft_exit_fail_perror("a socket with a port");

	for (int i = 0; i < BINDERS; i++)
		spawn(bind_again, addr.nl_pid);
	spawn(reload, 0);
	for (int second = 0; second < SECONDS; second++) {
		sleep(1);
		if (shared->failed)
			ksft_exit_fail_msg("a process has failed: %s\n", strerror(shared->failed));
		if (shared->binds != binds || shared->loads != loads)
			moved = second;
		binds = shared->binds;
		loads = shared->loads;
		/* Those who are stuck cannot be killed. */
		if (second - moved >= STUCK_SECONDS) {
			ksft_print_msg("stuck after %d s, %lu binds and %lu loads\n", moved,
				       binds, loads);
			ksft_test_result_fail(NAME);
			ksft_finished();
		}
	}
	if (!binds || !loads)
		ksft_exit_fail_msg("%lu binds and %lu loads\n", binds, loads);
	ksft_print_msg("%lu binds and %lu loads\n", binds, loads);
	ksft_test_result_pass(NAME);
	ksft_finished();
}
