// SPDX-License-Identifier: GPL-2.0
/*
 * State that a family keeps for each socket: what a request, and a close, costs
 * must not grow with the number of sockets that somebody has opened.
 */
#include "attack.h"

enum { SOCKETS = 4000, REQUESTS = 2000, ROUNDS = 7, CLOSES = 100, AGAIN = 4 };

static void start(struct nl_msg *m, uint16_t family)
{
	nl_start(m, family, 0, NLPEER_CMD_COUNTER_GET, NLPEER_FAMILY_VERSION);
}

/* How many sockets have a counter, as the family says. */
static uint32_t counters(struct peer *p)
{
	static struct nl_msg m;
	const struct nlattr *attrs[NLPEER_A_COUNTER_MAX + 1];

	start(&m, p->family.id);
	EXPECT_OK(nl_send(&p->sock, &m));
	peer_recv_reply(p, &m, NLPEER_CMD_COUNTER_GET);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs,
			    NLPEER_A_COUNTER_MAX));
	EXPECT(attrs[NLPEER_A_COUNTER_SOCKETS], "missing");
	return nla_u32(attrs[NLPEER_A_COUNTER_SOCKETS]);
}

/* The least time of a datagram of requests whose replies are read. */
static int64_t time_of_requests(struct peer *p)
{
	static struct nl_msg m;
	int64_t best = INT64_MAX;
	struct datagram d;

	start(&m, p->family.id);
	d = datagram_of(&m, DEFAULT_DATAGRAM, REQUESTS);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t time = time_of(&p->sock, &d);

		best = time < best ? time : best;
		drain(&p->sock);
	}
	free(d.data);
	return best;
}

/* The time to close sockets that have a counter. */
static int64_t time_of_closes(struct peer *p)
{
	static struct peer closed[CLOSES];
	int64_t best = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin;

		for (int i = 0; i < CLOSES; i++) {
			closed[i].family = p->family;
			EXPECT_OK(nl_open(&closed[i].sock));
			counters(&closed[i]);
		}
		begin = now_us();
		for (int i = 0; i < CLOSES; i++)
			nl_close(&closed[i].sock);
		begin = now_us() - begin;
		best = begin < best ? begin : best;
	}
	return best;
}

/*
 * What is found in a tree of 4,000 takes longer than in one of one, but not 4,000 times. Where
 * others have kept the machine busy the least time is to be had by measuring once more.
 */
static void at_most(double times, const char *what, int64_t one,
		    int64_t (*measure)(struct peer *p), struct peer *p)
{
	int64_t many = measure(p);

	for (int i = 0; i < AGAIN && many > one * times; i++) {
		int64_t time = measure(p);

		many = time < many ? time : many;
	}
	DIAG("%s: %.2f ms with one socket, %.2f ms with %d: %.2f times", what, one / 1e3,
	     many / 1e3, SOCKETS, (double)many / one);
	EXPECT(many <= one * times, "%s: it grows with the number of sockets", what);
}

static void many(const void *arg)
{
	int64_t requests, closes;
	static struct peer p[SOCKETS];
	struct peer first;

	raise_files(SOCKETS + CLOSES);
	become_nobody();
	peer_open(&first);
	WAIT_FOR(counters(&first) == 1);
	requests = time_of_requests(&first);
	closes = time_of_closes(&first);
	for (int i = 0; i < SOCKETS; i++) {
		p[i].family = first.family;
		EXPECT_OK(nl_open(&p[i].sock));
		EXPECT_EQ(counters(&p[i]), i + 2);
	}
	at_most(2, "requests", requests, time_of_requests, &first);
	at_most(4, "closes", closes, time_of_closes, &first);
	for (int i = 0; i < SOCKETS; i++)
		nl_close(&p[i].sock);
	WAIT_FOR(counters(&first) == 1);
}

static const struct ktap_test tests[] = {
	/* covers: trap ac */
	{ "a request and a close cost about the same with 4,000 sockets", many },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
