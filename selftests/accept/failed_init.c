// SPDX-License-Identifier: GPL-2.0
/*
 * genl_fail registers a family, and then its initialisation fails. Meanwhile
 * clients use the family in each way that there is, some of which last longer than
 * the family does. Loading it TEST_LOOPS times (20) always returns the error.
 */
#include "accept.h"

#define NAME	"genl-fail"

/* What the family has. */
enum { WAIT = 1, COUNT };
enum { ATTRS = 255 };		/* in the policy of COUNT */

enum { DO, DUMP, POLICY, LEAVE, CLIENTS };

static const char *const names[CLIENTS] = {
	[DO] = "a do",
	[DUMP] = "a dump",
	[POLICY] = "a dump of the policy, read slowly",
	[LEAVE] = "a dump of the policy, closed midway",
};

/* What the clients have seen. */
static struct shared {
	unsigned long reached[CLIENTS];
	bool over;
} *shared;

#define GET(field)	__atomic_load_n(&(field), __ATOMIC_SEQ_CST)

/* Whether the family is there; asking by its name would look for a module. */
static bool find(struct peer *p)
{
	static struct nl_msg m;
	bool found = false, done = false;

	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETFAMILY, 2);
	EXPECT_OK(nl_send(&p->sock, &m));
	while (!done) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&p->sock, m.data, sizeof(m.data), 0);
		struct nl_family f;

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE) {
				done = true;
				continue;
			}
			EXPECT_OK(nl_read_family(nlh, &f));
			if (strcmp(f.name, NAME))
				continue;
			p->family = f;
			found = true;
		}
	}
	return found;
}

/* Returns 0 or a negative errno. */
static int do_once(struct peer *p)
{
	struct nl_msg *m = test_start(p, NLM_F_ACK, WAIT);
	struct nl_ack ack;

	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv(p, m);
	EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
	return ack.error;
}

/* A dump is refused, as long as the family may still turn out to be none. */
static int dump_once(struct peer *p)
{
	struct numbers n;

	numbers_begin(p, COUNT, &n);
	EXPECT(n.done && !n.next, "a dump was begun");
	return n.error;
}

/* Begin to dump the policy of the dump, on a socket of its own. */
static void policy_begin(struct peer *p, struct nl_sock *s)
{
	static struct nl_msg m;

	/* No large buffer was received into on this socket: the core looks at that. */
	EXPECT_OK(nl_open(s));
	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETPOLICY, 2);
	nl_put(&m, CTRL_ATTR_FAMILY_ID, &p->family.id, sizeof(p->family.id));
	EXPECT_OK(nl_send(s, &m));
}

/* Dump the policy of the dump; returns the number of its attributes, or an errno. */
static int policy_once(struct peer *p, bool leave)
{
	/* A small buffer, for more than one round. */
	static unsigned char buffer[4096];
	int attrs = 0, result = 0;
	struct nl_sock s;

	policy_begin(p, &s);
	for (int round = 0; !result; round++) {
		ssize_t len = nl_recv(&s, buffer, sizeof(buffer), 0);
		struct nlmsghdr *nlh = (void *)buffer;

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			const struct nlattr *nla;
			size_t left;

			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				int error = *(int *)NLMSG_DATA(nlh);

				EXPECT(!error || !attrs, "%s after %d attributes",
				       strerror(-error), attrs);
				EXPECT(error || round > 1, "it had one round only");
				result = error ? error : attrs;
				break;
			}
			EXPECT_EQ(nlh->nlmsg_type, GENL_ID_CTRL);
			nla_for_each(nla, nl_attrs(nlh), nl_attrs_len(nlh), left)
				attrs += (nla->nla_type & NLA_TYPE_MASK) == CTRL_ATTR_POLICY;
		}
		if (leave)
			break;
		/* Until the family has gone and the module waits for us. */
		if (!round && !result)
			usleep(slow(30) * 1000);
	}
	nl_close(&s);
	return result ? result : ATTRS;
}

static void client(const void *arg)
{
	long number = (long)arg;
	struct peer p;

	alarm(0);
	EXPECT_OK(nl_open(&p.sock));
	while (!GET(shared->over)) {
		int result = -ENOENT, want = 0;

		if (!find(&p))
			continue;
		switch (number) {
		case DO:
			result = do_once(&p);
			break;
		case DUMP:
			result = dump_once(&p);
			want = -EAGAIN;
			break;
		default:
			result = policy_once(&p, number == LEAVE);
			want = ATTRS;
			break;
		}
		/* It may have gone since we have looked. */
		if (result != -ENOENT) {
			EXPECT_EQ(result, want);
			__atomic_fetch_add(&shared->reached[number], 1, __ATOMIC_SEQ_CST);
		}
	}
}

static bool all_reached(unsigned long times)
{
	if (waitpid(-1, NULL, WNOHANG) > 0)
		FAIL("a client has ended");
	for (int i = 0; i < CLIENTS; i++)
		if (GET(shared->reached[i]) < times)
			return false;
	return true;
}

static void failing(const void *arg)
{
	int count = loops(20, 1000000), i;
	struct nl_family f;
	pid_t pids[CLIENTS];
	char pause[32];
	int64_t start;

	/* run_tests.sh says how long this may take. */
	alarm(0);
	module_file("GENL_FAIL_KO");
	shared = shared_memory(sizeof(*shared));
	EXPECT(shared, "no memory");
	for (long j = 0; j < CLIENTS; j++)
		pids[j] = spawn(client, (const void *)j);
	snprintf(pause, sizeof(pause), "pause=%d", slow(5000));
	start = ktap_now_ms();
	/* Until each client has been there in time, in a tenth of the attempts at least. */
	for (i = 0; i < count || !all_reached(count / 10); i++) {
		EXPECT(i < 10 * count, "the clients come too late");
		EXPECT_EQ(load_with("GENL_FAIL_KO", pause), ENXIO);
		EXPECT(!loaded("genl_fail"), "it is loaded");
	}
	DIAG("count failed loadings: %d", i);
	DIAG("one took %d ms", (int)((ktap_now_ms() - start) / i));
	__atomic_store_n(&shared->over, true, __ATOMIC_SEQ_CST);
	for (int j = 0; j < CLIENTS; j++) {
		join(pids[j]);
		DIAG("%s has met the family %lu times", names[j], shared->reached[j]);
	}
	EXPECT(!find_family(NAME, &f), "the family is still there");
}

static void loader(const void *arg)
{
	char pause[32];

	/* Long enough for somebody to find the family. */
	snprintf(pause, sizeof(pause), "pause=%d", slow(500000));
	EXPECT_EQ(load_with("GENL_FAIL_KO", pause), ENXIO);
}

/* Who does not read a dump of its policy keeps the module that has failed, and no other one. */
static void no_other_waits(const void *arg)
{
	struct nl_sock s;
	struct peer p;
	pid_t pid;
	int i;

	if (getenv("GENL_EVENTS"))
		SKIP("in the kernel's tree a module notifier waits, and others behind it");
	module_file("GENL_FAIL_KO");
	EXPECT_OK(nl_open(&p.sock));
	pid = spawn(loader, NULL);
	WAIT_FOR(find(&p));
	policy_begin(&p, &s);
	WAIT_FOR(!find(&p));
	/* Until all that hears of modules that go has heard of this one. */
	WAIT_FOR(!loaded("genl_fail"));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(load("GENL_TWO_KO"), 0);
		EXPECT_EQ(unload_soon("genl_two"), 0);
	}
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	nl_close(&s);
	join(pid);
}

static const struct ktap_test tests[] = {
	/* covers: trap 3 */
	{ "a module that has failed waits for its reader, and no other one does", no_other_waits },
	/* covers: trap 3 */
	{ "init fails after it has registered a family that is used", failing },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
