// SPDX-License-Identifier: GPL-2.0
/*
 * Whether handlers of a family run at the same time, and in which network
 * namespaces it is.
 */
#include "genltest.h"

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
	/* covers: surface 8c */
	{ "handlers of a parallel family run at once", parallel },
	/* covers: surface 8c */
	{ "handlers of a serialised family never do", serial },
	/* covers: surface 8c */
	{ "a family of the initial namespace is in no other one", initial_net_only },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
