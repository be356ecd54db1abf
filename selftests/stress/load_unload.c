// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and unloads nlpeer CYCLES times (200) while clients use it. In each cycle
 * every client is served at least once, and refused at least once when the family
 * is away; whatever they get is checked, and all of them are counted.
 */
#include "module.h"

enum { ECHO, DUMP, LEAVE, LISTEN, CLIENTS };
enum { BUFFER = 4096 };

static const char *const names[CLIENTS] = {
	"echo", "dump", "dump that is closed midway", "event and listener",
};

/* What the processes share. */
static struct shared {
	struct nl_family family;	/* as it was loaded last */
	unsigned int loads;		/* odd while it is being unloaded and loaded */
	bool calm;			/* no new dumps */
	bool over;
	struct {
		unsigned long served, refused;
	} clients[CLIENTS];
	unsigned long lost;		/* events between two families */
	unsigned long came, went;	/* what nlctrl has told */
	bool overrun;
} *shared;

#define READ(field)		__atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define WRITE(field, value)	__atomic_store_n(&(field), value, __ATOMIC_SEQ_CST)
#define COUNT(field)		__atomic_fetch_add(&(field), 1, __ATOMIC_SEQ_CST)

/* By what a family that is away, or just going, refuses a request. */
static bool is_away(int error)
{
	return error == -ENOENT || error == -EPROTONOSUPPORT;
}

/* A client on a socket of its own, with the family as it was loaded last. */
static void client_open(struct peer *p)
{
	EXPECT_OK(nl_open(&p->sock));
	memcpy(&p->family, &shared->family, sizeof(p->family));
}

static void refused(int client, int error)
{
	EXPECT(is_away(error), "%s: %s", names[client], strerror(-error));
	COUNT(shared->clients[client].refused);
}

static void echo(struct peer *p)
{
	static struct nl_msg m;
	static uint32_t value;
	struct nl_ack ack;

	peer_start(p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, ++value);
	EXPECT_OK(nl_send(&p->sock, &m));
	peer_recv(p, &m);
	if (!nl_read_ack(nl_hdr(&m), &ack)) {
		refused(ECHO, ack.error);
		return;
	}
	EXPECT_EQ(nl_hdr(&m)->nlmsg_seq, p->sock.seq);
	EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), value);
	COUNT(shared->clients[ECHO].served);
}

/* Begins a dump; whether there is one to read. */
static bool begin_dump(struct peer *p, int client, struct peer_dump *dump)
{
	static struct nl_msg m;
	struct nl_ack ack;
	ssize_t len;

	*dump = peer_send_dump(p, 300);
	/* No larger than what is read later: the core fits its buffers to it. */
	len = recv(p->sock.fd, m.data, BUFFER, MSG_PEEK);
	EXPECT(len > 0, "%s", strerror(errno));
	if (nl_read_ack(nl_hdr(&m), &ack))
		return true;
	peer_recv(p, &m);
	refused(client, ack.error);
	return false;
}

static void dump(struct peer *p)
{
	struct peer_dump dump;

	if (!begin_dump(p, DUMP, &dump))
		return;
	/* Once begun it comes to its end, whoever wants to unload. */
	peer_read_dump(p, &dump, BUFFER);
	COUNT(shared->clients[DUMP].served);
}

static void leave(struct peer *p)
{
	struct peer_dump dump;

	if (!begin_dump(p, LEAVE, &dump))
		return;
	peer_read_datagram(p, &dump, BUFFER);
	EXPECT(!dump.done, "it was too short");
	COUNT(shared->clients[LEAVE].served);
}

/* Joins, asks for an event and gets it, in front of the ack. */
static void listen_once(struct peer *p)
{
	static struct nl_msg m;
	static uint32_t cookie;
	unsigned int loads = READ(shared->loads);
	bool seen = false;
	struct nl_ack ack;
	int err;

	err = nl_membership(&p->sock, p->family.groups[0].id, true);
	EXPECT(!err || err == -ENOENT || err == -EINVAL, "%s", strerror(-err));
	peer_start(p, &m, NLM_F_ACK, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, ++cookie);
	EXPECT_OK(nl_send(&p->sock, &m));
	for (;;) {
		peer_recv(p, &m);
		if (!nl_read_ack(nl_hdr(&m), &ack))
			break;
		EXPECT(!seen, "the event came twice");
		EXPECT_EQ(nl_genl(nl_hdr(&m))->cmd, NLPEER_CMD_EVENT);
		EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), cookie);
		seen = true;
	}
	if (ack.error) {
		EXPECT(!seen, "an event, and then %s", strerror(-ack.error));
		refused(LISTEN, ack.error);
	} else if (!seen) {
		/* The membership goes with the family that it was of. */
		EXPECT(READ(shared->loads) != loads || loads % 2 || err, "the event was lost");
		COUNT(shared->lost);
	} else {
		COUNT(shared->clients[LISTEN].served);
	}
}

static void client(const void *arg)
{
	static void (*const round[CLIENTS])(struct peer *) = {
		[ECHO] = echo, [DUMP] = dump, [LEAVE] = leave, [LISTEN] = listen_once,
	};
	int number = (const char *)arg - (const char *)shared;
	struct peer p;

	alarm(0);
	client_open(&p);
	while (!READ(shared->over)) {
		if (READ(shared->calm) && (number == DUMP || number == LEAVE)) {
			ktap_pause();
			continue;
		}
		memcpy(&p.family, &shared->family, sizeof(p.family));
		round[number](&p);
		/* One of them stays on its socket through all families. */
		if (number != ECHO) {
			peer_close(&p);
			client_open(&p);
		}
	}
}

/* Listens to what nlctrl tells about our family. */
static void watch(const void *arg)
{
	static struct nl_msg m;
	struct nl_family f;
	struct nl_sock s;
	int size = 1 << 20;

	alarm(0);
	EXPECT_OK(nl_open(&s));
	setsockopt(s.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	EXPECT_OK(nl_get_family(&s, "nlctrl", 0, &f));
	EXPECT_OK(nl_membership(&s, nl_group(&f, "notify"), true));
	WRITE(shared->loads, 0);
	for (;;) {
		ssize_t len = nl_recv(&s, m.data, sizeof(m.data), MSG_DONTWAIT);

		if (len == -EAGAIN) {
			if (READ(shared->over))
				return;
			ktap_pause();
			continue;
		}
		if (len == -ENOBUFS) {
			WRITE(shared->overrun, true);
			continue;
		}
		EXPECT_OK(len);
		EXPECT_OK(nl_read_family(nl_hdr(&m), &f));
		if (strcmp(f.name, NLPEER_FAMILY_NAME))
			continue;
		if (nl_genl(nl_hdr(&m))->cmd == CTRL_CMD_NEWFAMILY)
			COUNT(shared->came);
		else if (nl_genl(nl_hdr(&m))->cmd == CTRL_CMD_DELFAMILY)
			COUNT(shared->went);
	}
}

static long free_kib(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* Every client has been served, or refused, once more than at a time before. */
static bool all_above(const unsigned long *before, bool is_served)
{
	/* One that has failed would never come to it. */
	if (waitpid(-1, NULL, WNOHANG) > 0)
		FAIL("a client has ended");
	for (int i = 0; i < CLIENTS; i++)
		if ((is_served ? READ(shared->clients[i].served) :
		     READ(shared->clients[i].refused)) <= before[i])
			return false;
	return true;
}

static void take(unsigned long *counts, bool is_served)
{
	for (int i = 0; i < CLIENTS; i++)
		counts[i] = is_served ? READ(shared->clients[i].served) :
			READ(shared->clients[i].refused);
}

static int count_of(const char *variable, int otherwise)
{
	const char *value = getenv(variable);

	return value && atoi(value) > 0 ? atoi(value) : otherwise;
}

static void reload(const void *arg)
{
	int count = count_of("CYCLES", 200), busy = 0;
	unsigned long before[CLIENTS];
	pid_t pids[CLIENTS + 1];
	int64_t start = ktap_now_ms();
	struct peer p;
	long kib;

	/* run_tests.sh says how long this may take. */
	alarm(0);
	begin();
	shared = shared_memory(sizeof(*shared));
	EXPECT(shared, "no memory");
	EXPECT(find_family(NLPEER_FAMILY_NAME, &shared->family), "not loaded");
	WRITE(shared->loads, 1);
	pids[CLIENTS] = spawn(watch, NULL);
	WAIT_FOR(READ(shared->loads) == 0);
	for (long i = 0; i < CLIENTS; i++)
		pids[i] = spawn(client, (const char *)shared + i);
	kib = free_kib();

	for (int i = 1; i <= count; i++) {
		memset(before, 0, sizeof(before));
		if (i > 1)
			take(before, true);
		WAIT_FOR(all_above(before, true));

		take(before, false);
		COUNT(shared->loads);
		for (int attempt = 0; loaded("nlpeer"); attempt++) {
			int err = unload("nlpeer");

			if (!err)
				break;
			/* A dump is open. They are only held back if they leave no gap. */
			EXPECT_EQ(err, EWOULDBLOCK);
			EXPECT(attempt < 5000, "it does not go");
			WRITE(shared->calm, attempt > 100);
			busy++;
			ktap_pause();
		}
		WRITE(shared->calm, false);
		WAIT_FOR(all_above(before, false));

		EXPECT_EQ(load("NLPEER_KO"), 0);
		EXPECT(find_family(NLPEER_FAMILY_NAME, &shared->family), "not loaded");
		COUNT(shared->loads);
		if (i % 50 == 0)
			DIAG("%d times, after %d s", i, (int)((ktap_now_ms() - start) / 1000));
	}
	take(before, true);
	WAIT_FOR(all_above(before, true));
	WRITE(shared->over, true);
	for (int i = 0; i <= CLIENTS; i++)
		join(pids[i]);

	peer_open(&p);
	peer_ping(&p, 1);
	EXPECT_EQ(peer_status(&p).dumps, 0);
	EXPECT_EQ(references(), 0);
	DIAG("count cycles: %d", count);
	DIAG("unloading was refused %d times, since a dump was open", busy);
	for (int i = 0; i < CLIENTS; i++) {
		DIAG("%s: %lu served, %lu refused", names[i],
		     shared->clients[i].served, shared->clients[i].refused);
		EXPECT(shared->clients[i].served >= (unsigned int)count, "too few");
		EXPECT(shared->clients[i].refused >= (unsigned int)count, "too few");
	}
	DIAG("events that fell between two families: %lu", shared->lost);
	DIAG("nlctrl has told of %lu that came, %lu that went%s", shared->came, shared->went,
	     shared->overrun ? ", and has lost some" : "");
	if (!shared->overrun) {
		EXPECT_EQ(shared->came, count);
		EXPECT_EQ(shared->went, count);
	}
	DIAG("available memory: %ld KiB before, %ld KiB after", kib, free_kib());
}

int main(void)
{
	static char name[64];
	struct ktap_test tests[] = { { name, reload } };

	snprintf(name, sizeof(name), "unloaded and loaded %d times while clients use it",
		 count_of("CYCLES", 200));
	return ktap_run(tests, ARRAY_SIZE(tests));
}
