// SPDX-License-Identifier: GPL-2.0
/*
 * From when a timer expires until a listener has the notification of that: in Rust
 * (genl_tick) and in C (genl_tick_c), in turn. The figures are printed; the test
 * fails only where they are not of the same kind.
 */
#include "accept.h"

enum { TICKED = 1 };
enum { SAMPLES = 500, ROUNDS = 3 };

struct side {
	const char *text, *module, *variable, *family;
	int64_t ns[ROUNDS * SAMPLES];
};

static struct side sides[] = {
	{ "C", "genl_tick_c", "GENL_TICK_C_KO", "genl-tick-c" },
	{ "Rust", "genl_tick", "GENL_TICK_KO", "genl-tick" },
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void measure(struct side *side, int round)
{
	char period[32];
	struct peer p;

	snprintf(period, sizeof(period), "period=%d", slow(1000));
	EXPECT_EQ(load_with(side->variable, period), 0);
	open_listener(&p, side->family, "ticks");
	/* The first ones find nothing in any cache. */
	for (int i = -20; i < SAMPLES; i++) {
		const struct nlattr **attrs = recv_told(&p, TICKED);
		int64_t now = now_ns();

		EXPECT(attrs[1] && nla_len(attrs[1]) == 8, "no time");
		if (i >= 0)
			side->ns[round * SAMPLES + i] = now - nla_u64(attrs[1]);
	}
	nl_close(&p.sock);
	EXPECT_EQ(unload_soon(side->module), 0);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void delays(const void *arg)
{
	double median[2];

	DIAG("from the timer to the listener, of %d samples:", ROUNDS * SAMPLES);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 2; i++)
			measure(&sides[i], round);
	for (int i = 0; i < 2; i++) {
		int64_t *ns = sides[i].ns;

		qsort(ns, ROUNDS * SAMPLES, sizeof(*ns), compare);
		EXPECT(ns[0] > 0, "it came before it was told");
		median[i] = ns[ROUNDS * SAMPLES / 2] / 1000.0;
		DIAG("%s: median %.1f us, 99%% within %.1f us, worst %.1f us", sides[i].text,
		     median[i], ns[ROUNDS * SAMPLES * 99 / 100] / 1000.0,
		     ns[ROUNDS * SAMPLES - 1] / 1000.0);
	}
	EXPECT(median[1] < 2 * median[0] + slow(50), "%.1f us in Rust, %.1f us in C", median[1],
	       median[0]);
}

static const struct ktap_test tests[] = {
	{ "a timer that notifies in Rust is not slower than one in C by far", delays },
};

int main(void)
{
	for (int i = 0; i < 2; i++) {
		const char *path = getenv(sides[i].variable);

		if (!path || !*path || access(path, R_OK))
			ksft_exit_skip("set %s to the file of the module\n", sides[i].variable);
	}
	return ktap_run(tests, ARRAY_SIZE(tests));
}
