// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that end in each way that there is, for ktap_test.sh. With the name of one
 * of them it runs that one.
 */
#include "ktap.h"

static void passes(const void *arg)
{
	DIAG("the argument is %s", (const char *)arg);
}

static void fails(const void *arg)
{
	EXPECT_EQ(strlen(arg), 1);
	puts("a test goes on after it has failed");
}

static void skips(const void *arg)
{
	SKIP("there is no %s", (const char *)arg);
}

static void crashes(const void *arg)
{
	raise(SIGSEGV);
}

static void hangs(const void *arg)
{
	/* Earlier than by itself. */
	alarm(1);
	for (;;)
		pause();
}

static void exits(const void *arg)
{
	exit(KSFT_XFAIL);
}

static void in_child(const void *arg)
{
	in_process(arg, "child");
}

static const struct ktap_test tests[] = {
	{ "passes: it's a name, 100 % a sentence", passes, "one" },
	{ "passes once more", passes, "another" },
	{ "fails", fails, "two" },
	{ "skips", skips, "reason" },
	{ "crashes", crashes },
	{ "hangs", hangs },
	{ "ends with another status", exits },
	{ "fails in a child", in_child, fails },
	{ "skips in a child", in_child, skips },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return ktap_run(tests, ARRAY_SIZE(tests));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i].name, argv[1]))
			return ktap_run(tests + i, 1);
	ksft_exit_fail_msg("there is no test '%s'\n", argv[1]);
}
