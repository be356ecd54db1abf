// SPDX-License-Identifier: GPL-2.0
/*
 * genl_atomic: what is sent from interrupts, under a spinlock and in an RCU
 * read-side section reaches those who read, all of it and in order, while another
 * listener stands still and is full.
 */
#include "accept.h"

#define NAME	"genl-atomic"

enum { ASK = 1, TICK };
/* From where it is told, attribute 1 of both. */
enum { HARD, SOFT, LOCK, RCU, WORK, NOWAIT, PLACES };
/* How it is told, attribute 2 of TICK. */
enum { MULTICAST, ALL_NETS, UNICAST, NOTIFY, WAYS };

static const char *const places[PLACES] = {
	"a hard interrupt", "a soft interrupt", "a spinlock", "an RCU section", "work",
	"a spinlock, without reserves",
};

/* Whether a handler tells it, which has a request to answer as well. */
static bool by_handler(uint32_t from)
{
	return from == LOCK || from == RCU || from == NOWAIT;
}

/* In which ways it is told. */
static bool told_so(uint32_t from, int how)
{
	return how == MULTICAST || (from != WORK && (how != NOTIFY || by_handler(from)));
}

static void raise_buffer(struct peer *p)
{
	int size = 4 << 20;

	EXPECT_EQ(setsockopt(p->sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
}

/* A listener that never reads, and is full. */
static void stand_still(struct peer *p)
{
	int size = 1, error = 0;
	socklen_t len = sizeof(error);

	open_listener(p, NAME, "ticks");
	EXPECT_EQ(setsockopt(p->sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	while (!error) {
		EXPECT_EQ(getsockopt(p->sock.fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
		ktap_pause();
	}
	EXPECT_EQ(error, ENOBUFS);
}

/* Be the one that is told alone as well. */
static void become_port(struct peer *p)
{
	EXPECT_OK(nl_send(&p->sock, test_start(p, 0, ASK)));
}

/* How far each kind is, from each place and in each way. */
struct ticks {
	uint32_t next[PLACES][WAYS];
	uint32_t seen[PLACES][WAYS];
};

static void read_tick(struct peer *p, struct ticks *t)
{
	uint32_t seq;
	const struct nlattr **attrs = recv_attrs(p, TICK, &seq);
	uint32_t from = test_u32(attrs, 1), how = test_u32(attrs, 2), count = test_u32(attrs, 3);

	EXPECT(from < PLACES, "%u", from);
	EXPECT(how < WAYS, "%u", how);
	/* It is that of a request. */
	EXPECT_EQ(!!seq, how == NOTIFY);
	if (t->seen[from][how]++)
		EXPECT(count == t->next[from][how], "from %s: %u, not %u", places[from], count,
		       t->next[from][how]);
	t->next[from][how] = count + 1;
}

/* Whether this kernel lets a hard interrupt tell something, without a warning. */
static bool hard_tells(void)
{
	struct nl_ack ack;
	struct nl_msg *m;
	struct peer p;

	open_family(&p, NAME);
	m = test_start(&p, NLM_F_ACK, ASK);
	nl_put_u32(m, 1, HARD);
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv(&p, m);
	EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
	EXPECT(!ack.error || ack.error == -EOPNOTSUPP, "%s", strerror(-ack.error));
	nl_close(&p.sock);
	return !ack.error;
}

/* Have something told under the lock or in the section, all the time. */
static void asker(const void *arg)
{
	const uint32_t *from = arg;
	struct peer p;

	open_family(&p, NAME);
	for (;;) {
		struct nl_msg *m = test_start(&p, 0, ASK);

		nl_put_u32(m, 1, *from);
		peer_command(&p, m, 0);
	}
}

/* Somebody reads @count of what comes from one place, in each way. */
static void from_place(const void *arg)
{
	const uint32_t from = *(const uint32_t *)arg, count = loops(100, 500);
	struct ticks t = { 0 };
	struct peer still, p;
	pid_t pid = 0;

	if (from == HARD && !hard_tells())
		SKIP("DEBUG_NET warns of netlink_broadcast() in a hard interrupt");
	stand_still(&still);
	/* It is told alone, in vain, until another is. */
	become_port(&still);
	open_listener(&p, NAME, "ticks");
	raise_buffer(&p);
	if (by_handler(from))
		pid = spawn(asker, arg);
	while (t.seen[from][MULTICAST] < count)
		read_tick(&p, &t);
	EXPECT_EQ(t.seen[from][UNICAST], 0);
	become_port(&p);
	for (int how = 0; how < WAYS; how++)
		while (t.seen[from][how] < count && told_so(from, how))
			read_tick(&p, &t);
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* In another network namespace it is only what is for all of them. */
static void elsewhere(const void *arg)
{
	uint32_t hard = hard_tells() ? 50 : 0;
	struct ticks t = { 0 };
	struct peer still, p;

	stand_still(&still);
	enter_new_netns();
	open_listener(&p, NAME, "ticks");
	raise_buffer(&p);
	while (t.seen[HARD][ALL_NETS] < hard || t.seen[SOFT][ALL_NETS] < 50) {
		read_tick(&p, &t);
		for (int from = 0; from < PLACES; from++)
			EXPECT(!t.seen[from][MULTICAST] && !t.seen[from][UNICAST] &&
			       !t.seen[from][NOTIFY],
			       "it is for the first namespace, from %s", places[from]);
	}
}

static int load_clocks(void)
{
	char period[32];

	snprintf(period, sizeof(period), "period=%d", slow(2000));
	return load_with("GENL_ATOMIC_KO", period);
}

/* The timers, the work and the family go while they tell. */
static void unloaded(const void *arg)
{
	for (int i = 0; i < 5; i++) {
		struct ticks t = { 0 };
		struct peer still, p;

		stand_still(&still);
		open_listener(&p, NAME, "ticks");
		become_port(&p);
		for (int j = 0; j < 20 + i; j++)
			read_tick(&p, &t);
		EXPECT_EQ(unload_soon("genl_atomic"), 0);
		EXPECT(!is_there(NAME), "a family of a module that has gone");
		EXPECT_EQ(load_clocks(), 0);
		nl_close(&p.sock);
		nl_close(&still.sock);
	}
}

static const uint32_t numbers[PLACES] = { HARD, SOFT, LOCK, RCU, WORK, NOWAIT };

static const struct ktap_test tests[] = {
	/* covers: trap ag */
	{ "told from a timer in a hard interrupt", from_place, &numbers[HARD] },
	/* covers: trap ag */
	{ "told from a timer in a soft interrupt", from_place, &numbers[SOFT] },
	/* covers: trap ag */
	{ "told under a spinlock", from_place, &numbers[LOCK] },
	/* covers: trap ag */
	{ "told in an RCU read-side section", from_place, &numbers[RCU] },
	/* covers: trap ag */
	{ "told under a spinlock with GFP_NOWAIT", from_place, &numbers[NOWAIT] },
	/* covers: surface 10b */
	{ "told by work that is queued in interrupts", from_place, &numbers[WORK] },
	/* covers: surface 6c, trap 27 */
	{ "told to all network namespaces", elsewhere },
	/* covers: surface 10a, trap q */
	{ "the module goes while it tells", unloaded },
};

int main(void)
{
	const char *path = getenv("GENL_ATOMIC_KO");
	int rc, err;

	if (!path || !*path || access(path, R_OK))
		ksft_exit_skip("set GENL_ATOMIC_KO to the file of the module\n");
	err = load_clocks();
	if (err) {
		DIAG("genl_atomic cannot be loaded: %s", strerror(err));
		return KSFT_FAIL;
	}
	rc = ktap_run(tests, ARRAY_SIZE(tests));
	err = unload_soon("genl_atomic");
	if (err) {
		DIAG("genl_atomic cannot be unloaded: %s", strerror(err));
		return KSFT_FAIL;
	}
	return rc;
}
