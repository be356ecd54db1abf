// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that are closed at each point of a dump: after each number of buffers,
 * by another thread while one reads or sends, by the death of the reader. CLOSES
 * (200) is how often, where it is a matter of chance.
 */
#include <pthread.h>

#include "module.h"

enum { OBJECTS = 1500, BUFFER = 4096 };

static int count_of(const char *variable, int otherwise)
{
	const char *value = getenv(variable);

	return value && atoi(value) > 0 ? atoi(value) : otherwise;
}

/* No dump is open, and requests are answered as ever. */
static void expect_closed(struct peer *observer, bool is_at_once)
{
	if (is_at_once)
		EXPECT_EQ(peer_status(observer).dumps, 0);
	else
		WAIT_FOR(peer_status(observer).dumps == 0);
	EXPECT_EQ(references(), 0);
	peer_ping(observer, 1);
}

static void each_point(const void *arg)
{
	struct peer observer;
	size_t all = 1;
	int closes = 0;

	alarm(0);
	peer_open(&observer);
	for (size_t datagrams = 0; datagrams <= all; datagrams++) {
		struct peer_dump dump;
		struct peer p;

		peer_open(&p);
		dump = peer_send_dump(&p, OBJECTS);
		while (!dump.done && dump.datagrams < datagrams)
			peer_read_datagram(&p, &dump, BUFFER);
		if (!dump.done)
			all = datagrams + 1;
		peer_close(&p);
		expect_closed(&observer, true);
		closes++;
	}
	EXPECT(all > 10, "it has only %zu buffers", all);
	DIAG("count closes: %d", closes);
}

/* A socket that threads use without asking who has closed it. */
struct race {
	struct peer peer;
	pthread_barrier_t start;
	bool sends;
};

/* Reads, or sends and reads, until the socket is not there any more. */
static void *use(void *arg)
{
	struct race *race = arg;
	struct nl_sock s = race->peer.sock;
	char buffer[BUFFER];
	struct nl_msg m;

	/* A message that is sent again and again. */
	nl_start(&m, race->peer.family.id, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET,
		 NLPEER_FAMILY_VERSION);
	nl_put_u32(&m, NLPEER_A_OBJECT_COUNT, OBJECTS);
	pthread_barrier_wait(&race->start);
	for (;;) {
		ssize_t len;

		if (race->sends) {
			len = nl_send(&s, &m);
			if (len == -EBADF)
				return NULL;
			/* Another thread may have filled the queue with refusals. */
			EXPECT(!len || len == -ENOBUFS || len == -EAGAIN, "%s", strerror(-len));
		}
		len = recv(s.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (len < 0 && errno == EBADF)
			return NULL;
		EXPECT(len > 0 || errno == EAGAIN || errno == ENOBUFS, "%s", strerror(errno));
	}
}

struct kind {
	int threads;
	bool sends;
};

static void by_another_thread(const void *arg)
{
	const struct kind *kind = arg;
	int count = count_of("CLOSES", 200);
	struct peer observer;
	pthread_t threads[4];

	alarm(0);
	peer_open(&observer);
	srand(1);
	for (int i = 0; i < count; i++) {
		struct race race = { .sends = kind->sends };

		peer_open(&race.peer);
		if (!kind->sends)
			peer_send_dump(&race.peer, 100 * OBJECTS);
		pthread_barrier_init(&race.start, NULL, kind->threads + 1);
		for (int j = 0; j < kind->threads; j++)
			EXPECT(!pthread_create(&threads[j], NULL, use, &race), "no thread");
		pthread_barrier_wait(&race.start);
		usleep(rand() % slow(2000));
		peer_close(&race.peer);
		for (int j = 0; j < kind->threads; j++)
			pthread_join(threads[j], NULL);
		expect_closed(&observer, true);
		pthread_barrier_destroy(&race.start);
	}
	DIAG("count closes: %d", count);
}

static void read_on(const void *arg)
{
	struct peer_dump dump;
	struct peer p;

	peer_open(&p);
	dump = peer_send_dump(&p, NLPEER_COUNT_MAX);
	peer_read_dump(&p, &dump, BUFFER);
}

static void by_death(const void *arg)
{
	int count = count_of("CLOSES", 200) / 4;
	struct peer observer;

	alarm(0);
	peer_open(&observer);
	srand(1);
	for (int i = 0; i < count; i++) {
		pid_t pid = spawn(read_on, NULL);
		int status;

		usleep(rand() % slow(10000));
		kill(pid, SIGKILL);
		EXPECT(waitpid(pid, &status, 0) == pid, "waitpid");
		EXPECT_EQ(status, SIGKILL);
		expect_closed(&observer, false);
	}
	DIAG("count closes: %d", count);
}

static const struct ktap_test tests[] = {
	{ "closed after each number of buffers", each_point },
	{ "closed while another thread reads", by_another_thread, &(const struct kind){ 1 } },
	{ "closed while three threads read", by_another_thread, &(const struct kind){ 3 } },
	{ "closed while two threads send and read", by_another_thread,
	  &(const struct kind){ 2, true } },
	{ "killed at any time", by_death },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
