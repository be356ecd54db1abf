// SPDX-License-Identifier: GPL-2.0
/*
 * What one user without any privilege can make the kernel hold and spend, with
 * nlpeer, with board, and with nlctrl for comparison. The table in README.md,
 * beside this program, has the figures; one that has grown by half is a failure,
 * and the rows as they are now are printed, so that the table can be refreshed.
 */
#include "attack.h"
#include "../../rust/board/board.h"

enum { NLCTRL, NLPEER, BOARD, FAMILIES };
enum { SOCKETS = 6000, QUEUES = 100, DUMPS = 400, WAITING = 512, MORE = 40, REQUESTS = 2000,
	NOTES = BOARD_NOTES_MAX, REQUEST_MAX = 64512, ROUNDS = 3, REPEATS = 3 };

static struct nl_family families[FAMILIES];
static struct nl_msg m;

/* What a process for one measure has found out. */
static double *result;

/* /proc/slabinfo, which only root can open. */
static int slabinfo;

/* Begin a request to a family, with a command of it. */
static void start(int family, uint16_t flags, uint8_t cmd)
{
	nl_start(&m, families[family].id, flags, cmd, 1);
}

static void put_name(int number)
{
	char name[BOARD_NAME_MAX + 1];

	snprintf(name, sizeof(name), "a name of thirty-one bytes: %3d", number);
	nl_put_str(&m, BOARD_A_NOTE_NAME, name);
}

/* A short request with an answer: of nlpeer the one that keeps a state. */
static void build_question(int family)
{
	const uint16_t id = GENL_ID_CTRL;

	switch (family) {
	case NLCTRL:
		start(family, 0, CTRL_CMD_GETFAMILY);
		nl_put(&m, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
		break;
	case NLPEER:
		start(family, 0, NLPEER_CMD_COUNTER_GET);
		break;
	case BOARD:
		start(family, 0, BOARD_CMD_GET);
		put_name(1);
		break;
	}
}

static void build_trouble(int family)
{
	start(family, 0, NLPEER_CMD_TROUBLE_GET);
	nl_put_u32(&m, NLPEER_A_TROUBLE_SIZE, 65531);
	nl_put_u32(&m, NLPEER_A_TROUBLE_NUMBERS, 8191);
}

static void build_big(int family)
{
	start(family, 0, NLPEER_CMD_BIG_GET);
	nl_put_u32(&m, NLPEER_A_BIG_SIZE, 65536);
}

static void build_several(int family)
{
	start(family, 0, NLPEER_CMD_SEVERAL_GET);
	nl_put_u32(&m, NLPEER_A_SEVERAL_COUNT, 64);
}

/* A dump that takes more than one buffer. */
static void build_dump(int family)
{
	switch (family) {
	case NLCTRL:
		start(family, NLM_F_DUMP, CTRL_CMD_GETPOLICY);
		nl_put(&m, CTRL_ATTR_FAMILY_ID, &families[NLPEER].id, sizeof(uint16_t));
		break;
	case NLPEER:
		start(family, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
		nl_put_u32(&m, NLPEER_A_OBJECT_COUNT, NLPEER_COUNT_MAX);
		break;
	case BOARD:
		start(family, NLM_F_DUMP, BOARD_CMD_GET);
		break;
	}
}

/*
 * What the kernel has in use. Of a slab only the objects count: the pages that a
 * cache keeps for the next ones come and go.
 */
static int64_t in_use(void)
{
	int64_t used = (kib_of("MemTotal") - kib_of("MemFree")) * 1024;
	long page = sysconf(_SC_PAGESIZE);
	static char text[1 << 18];
	size_t len = 0;
	ssize_t more;

	while ((more = pread(slabinfo, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += more;
	EXPECT(!more && len < sizeof(text) - 1, "%s", strerror(errno));
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		long active, size, pages, slabs;

		if (sscanf(line,
			   "%*s %ld %*d %ld %*d %ld : tunables %*d %*d %*d : slabdata %*d %ld",
			   &active, &size, &pages, &slabs) == 4)
			used += active * size - slabs * pages * page;
	}
	return used;
}

/* The same when all that was closed before has gone. */
static int64_t settled(void)
{
	int64_t since = ktap_now_ms(), used = in_use();

	for (int64_t end = since + 15000; ktap_now_ms() < since + 300 && ktap_now_ms() < end;) {
		int64_t now = in_use();

		if (llabs(now - used) > 128 << 10) {
			used = now;
			since = ktap_now_ms();
		}
		usleep(20000);
	}
	return used;
}

/* Bytes of a socket that has asked once, and has read the answer. */
static void socket_bytes(int family)
{
	static struct nl_sock s[SOCKETS];
	int64_t before = settled();

	for (int i = 0; i < SOCKETS; i++) {
		EXPECT_OK(nl_open(&s[i]));
		build_question(family);
		EXPECT_OK(nl_send(&s[i], &m));
		EXPECT_OK(nl_recv_msg(&s[i], &m));
		EXPECT_EQ(nl_hdr(&m)->nlmsg_type, families[family].id);
	}
	*result = (double)(in_use() - before) / SOCKETS;
}

/* Bytes of a queue with the largest replies that nobody reads, in a default buffer. */
static void queue_bytes(int family)
{
	static struct nl_sock s[QUEUES];
	int64_t before = settled();

	for (int i = 0; i < QUEUES; i++) {
		EXPECT_OK(nl_open(&s[i]));
		while (!take_enobufs(&s[i])) {
			if (family == NLPEER)
				build_trouble(family);
			else
				build_question(family);
			EXPECT_OK(nl_send(&s[i], &m));
		}
	}
	*result = (double)(in_use() - before) / QUEUES;
}

/* Bytes of a dump that nobody reads, whose datagram has 64 KiB. */
static void dump_bytes(int family)
{
	static struct nl_sock s[DUMPS];
	int64_t before = settled();

	for (int i = 0; i < DUMPS; i++) {
		struct nlmsghdr noop = { .nlmsg_type = NLMSG_NOOP };

		EXPECT_OK(nl_open(&s[i]));
		build_dump(family);
		nl_finish(&s[i], &m);
		noop.nlmsg_len = REQUEST_MAX - m.len;
		memcpy(nl_reserve(&m, noop.nlmsg_len), &noop, sizeof(noop));
		EXPECT_OK(nl_send_raw(&s[i], m.data, m.len));
	}
	*result = (double)(in_use() - before) / DUMPS;
}

/* Bytes of all requests together whose replies are owed; more than may wait. */
static void waiting_bytes(int family)
{
	static struct nl_sock s[WAITING + MORE];
	int64_t before = settled();
	int refused = 0;

	/* Without any deferred reply nothing is held. */
	*result = 0;
	if (family != NLPEER)
		return;
	for (int i = 0; i < WAITING + MORE; i++) {
		struct nl_ack ack;

		EXPECT_OK(nl_open(&s[i]));
		start(family, 0, NLPEER_CMD_DELAYED_GET);
		while (m.len + 8 <= REQUEST_MAX)
			nl_put_u32(&m, NLPEER_A_DELAYED_DELAY, NLPEER_DELAY_MAX);
		EXPECT_OK(nl_send(&s[i], &m));
		if (nl_recv(&s[i], m.data, sizeof(m.data), MSG_DONTWAIT) < 0)
			continue;
		EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
		EXPECT_EQ(-ack.error, EBUSY);
		refused++;
	}
	/* Those of an earlier run may still have their place. */
	EXPECT_EQ(refused, MORE);
	*result = in_use() - before;
}

/* The time of a full datagram, with the default buffers. */
static int64_t time_of_datagram(const struct datagram *d, bool is_read)
{
	struct reader reader;
	struct nl_sock s;
	int64_t time;

	EXPECT_OK(nl_open(&s));
	set_buffer(&s, SO_SNDBUF, d->len);
	if (is_read)
		reader_start(&reader, &s);
	time = time_of(&s, d);
	if (is_read)
		reader_stop(&reader);
	nl_close(&s);
	return time;
}

/* How many times longer than nlctrl the costliest requests of a family take. */
static void times(int family, bool is_read)
{
	static void (*const requests[FAMILIES][4])(int) = {
		{ build_question },
		{ build_question, build_trouble, build_big, build_several },
		{ build_question, build_dump },
	};
	struct datagram look_ups = datagram_of_nlctrl(SIZE_MAX, REQUESTS);

	*result = 0;
	for (int i = 0; i < 4 && requests[family][i]; i++) {
		int64_t best = INT64_MAX, least = INT64_MAX;
		struct datagram d;

		requests[family][i](family);
		d = datagram_of(&m, SIZE_MAX, REQUESTS);
		for (int j = 0; j < REPEATS; j++) {
			int64_t time = time_of_datagram(&look_ups, is_read);

			least = time < least ? time : least;
			time = time_of_datagram(&d, is_read);
			best = time < best ? time : best;
		}
		if ((double)best / least > *result)
			*result = (double)best / least;
		free(d.data);
	}
}

static void times_unread(int family)
{
	times(family, false);
}

static void times_read(int family)
{
	times(family, true);
}

static const struct row {
	const char *name;
	void (*measure)(int family);
	int decimals;
} rows[] = {
	{ "bytes of a socket that has asked once", socket_bytes },
	{ "bytes of a queue that nobody reads", queue_bytes },
	{ "bytes of a dump that nobody reads, asked for in 64 KiB", dump_bytes },
	{ "bytes of all requests that wait, of 64 KiB each", waiting_bytes },
	{ "time of a datagram that nobody reads the replies of", times_unread, 2 },
	{ "time of a datagram, read meanwhile", times_read, 2 },
};

/* The figures of a row in the table. */
static void read_table(const char *name, double figures[FAMILIES])
{
	static char path[4096], line[512];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 16);
	bool found = false;
	FILE *f;

	EXPECT(len > 0, "%s", strerror(errno));
	path[len] = '\0';
	memcpy(strrchr(path, '/'), "/README.md", sizeof("/README.md"));
	f = fopen(path, "r");
	EXPECT(f, "%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), f)) {
		char *cells = line + 2 + strlen(name);

		if (strncmp(line, "| ", 2) || strncmp(line + 2, name, strlen(name)) ||
		    strncmp(cells, " | ", 3))
			continue;
		found = sscanf(cells, " | %lf | %lf | %lf |", &figures[NLCTRL], &figures[NLPEER],
			       &figures[BOARD]) == FAMILIES;
	}
	fclose(f);
	EXPECT(found, "%s has no row \"%s\" with three figures", path, name);
}

struct measure {
	const struct row *row;
	int family;
};

static void measure(const void *arg)
{
	const struct measure *what = arg;

	raise_files(SOCKETS);
	become_nobody();
	what->row->measure(what->family);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void post_notes(void)
{
	char text[BOARD_TEXT_MAX + 1] = "";
	struct nl_ack ack;
	struct nl_sock s;

	memset(text, 'x', BOARD_TEXT_MAX);
	EXPECT_OK(nl_open(&s));
	for (int i = 0; i < NOTES; i++) {
		start(BOARD, NLM_F_ACK, BOARD_CMD_POST);
		put_name(i);
		nl_put_str(&m, BOARD_A_NOTE_TEXT, text);
		EXPECT_OK(nl_send(&s, &m));
		EXPECT_OK(nl_recv_msg(&s, &m));
		EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
		EXPECT_EQ(ack.error, 0);
	}
	nl_close(&s);
}

static void row(const void *arg)
{
	const struct row *row = arg;
	double now[FAMILIES], then[FAMILIES];
	bool grown = false;

	if (slow(1) > 1)
		SKIP("the table has the figures of a kernel that does not look for errors");
	alarm(120);
	begin();
	if (!loaded("board"))
		EXPECT_EQ(load("BOARD_KO"), 0);
	EXPECT(find_family("nlctrl", &families[NLCTRL]), "no nlctrl");
	EXPECT(find_family(NLPEER_FAMILY_NAME, &families[NLPEER]), "not loaded");
	EXPECT(find_family(BOARD_FAMILY_NAME, &families[BOARD]), "not loaded");
	post_notes();
	slabinfo = open("/proc/slabinfo", O_RDONLY | O_CLOEXEC);
	EXPECT(slabinfo >= 0, "/proc/slabinfo: %s", strerror(errno));
	result = shared_memory(sizeof(*result));
	EXPECT(result, "no memory");
	for (int family = 0; family < FAMILIES; family++) {
		/* What waits has its place until it is due, also when its socket is closed. */
		int rounds = row->measure == waiting_bytes ? 1 : ROUNDS;
		double figures[ROUNDS];

		for (int i = 0; i < rounds; i++) {
			in_process(measure, &(struct measure){ row, family });
			figures[i] = *result;
		}
		qsort(figures, rounds, sizeof(figures[0]), by_size);
		now[family] = figures[rounds / 2];
	}
	DIAG("| %s | %.*f | %.*f | %.*f |", row->name, row->decimals, now[NLCTRL], row->decimals,
	     now[NLPEER], row->decimals, now[BOARD]);
	read_table(row->name, then);
	for (int family = 0; family < FAMILIES; family++)
		grown |= now[family] > 1.5 * then[family];
	EXPECT(!grown, "it has grown by more than half");
}

int main(void)
{
	struct ktap_test tests[ARRAY_SIZE(rows)];
	int rc, err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct ktap_test){ rows[i].name, row, &rows[i] };
	rc = ktap_run(tests, ARRAY_SIZE(tests));
	err = loaded("board") ? unload_soon("board") : 0;
	if (err) {
		printf("# board cannot be unloaded: %s\n", strerror(err));
		return 1;
	}
	return rc;
}
