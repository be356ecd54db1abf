// SPDX-License-Identifier: GPL-2.0
/*
 * A send that may sleep, made where nothing may: a kernel with DEBUG_ATOMIC_SLEEP
 * reports it at the first call, although nobody listens. 'make check-debug' runs
 * this after all that wants a log without reports.
 */
#include "accept.h"

/* The report. Where it was called has no name if the kernel's rustc is old. */
#define REPORT	"sleeping function called from invalid context at "

enum { ASK = 1 };
enum { LOCK = 2, RCU };

/* Whether the kernel looks for it: only then there is this function. */
static bool looked_for(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " __might_sleep\n");
	if (f)
		fclose(f);
	return found;
}

static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	EXPECT(fd >= 0, "/dev/kmsg: %s", strerror(errno));
	EXPECT(lseek(fd, 0, SEEK_END) >= 0, "%s", strerror(errno));
	return fd;
}

/* How many reports there are of this process that were not there before. */
static int reports(int fd)
{
	char record[8192], who[64];
	int count = 0;

	/* In the line behind that of the report. */
	snprintf(who, sizeof(who), "pid: %d, name: wrong_call", getpid());
	for (;;) {
		ssize_t len = read(fd, record, sizeof(record) - 1);

		if (len < 0 && errno == EPIPE)
			continue;
		if (len < 0) {
			EXPECT_EQ(errno, EAGAIN);
			return count;
		}
		record[len] = '\0';
		count += strstr(record, "in_atomic(): ") && strstr(record, who);
	}
}

static void ask(struct peer *p, uint32_t from, bool wrong)
{
	struct nl_msg *m = test_start(p, 0, ASK);

	nl_put_u32(m, 1, from);
	if (wrong)
		nl_put(m, 2, NULL, 0);
	peer_command(p, m, 0);
}

static void reported(const void *arg)
{
	const uint32_t from = *(const uint32_t *)arg;
	struct peer p;
	int log;

	if (!looked_for())
		SKIP("this kernel does not look for it (DEBUG_ATOMIC_SLEEP)");
	open_family(&p, "genl-atomic");
	log = open_log();
	ask(&p, from, false);
	EXPECT_EQ(reports(log), 0);
	/* Once in a second is what the kernel reports. */
	usleep(1200000);
	ask(&p, from, true);
	EXPECT_EQ(reports(log), 1);
}

static const uint32_t lock = LOCK, rcu = RCU;

static const struct module modules[] = { { "genl_atomic", "GENL_ATOMIC_KO" } };

static const struct ktap_test tests[] = {
	{ "GFP_KERNEL under a spinlock is reported at the first call", reported, &lock },
	{ "GFP_KERNEL in an RCU section is reported at the first call", reported, &rcu },
};

int main(void)
{
	/* What is still in the buffer of a test is printed by each of its children. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# kernel-log-expected: " REPORT "\n");
	return accept_run(modules, ARRAY_SIZE(modules), tests, ARRAY_SIZE(tests));
}
