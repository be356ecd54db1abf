// SPDX-License-Identifier: GPL-2.0
/*
 * Every operation of nlpeer, and what else uses memory, with its first, second,
 * ... allocation failing, until it needs no more: each must end with an error that
 * says so or with the right answer, never with silence, and the next request must
 * find nothing wrong. Needs a kernel with FAILSLAB and FAIL_PAGE_ALLOC; without
 * them all is skipped.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "module.h"

/* An operation that still meets a failure after so many never ends. */
#define MOST	5000

/* What an operation works with; all of it is made before something fails. */
struct stage {
	struct peer peer;
	struct peer listener;
	void *ko;
	size_t ko_size;
};

struct operation {
	const char *name;
	/* Returns 0, or the negative errno that it has come to. */
	int (*run)(struct stage *s);
	void (*before)(struct stage *s);
	void (*after)(struct stage *s, int err);
	/* The command of nlpeer that it sends, and as what. */
	uint8_t cmd;
	uint16_t flags;
	/* Where the command alone is all: its attributes, and the error of success. */
	void (*build)(struct nl_msg *m);
	int success;
};

/* By what the lack of memory reaches a client. */
static bool is_lack(const struct operation *op, int err)
{
	/* Whoever could not leave a job has forgotten the reply. */
	if (op->cmd == NLPEER_CMD_DELAYED_GET && err == -ECANCELED)
		return true;
	return err == -ENOMEM || err == -ENOBUFS;
}

/* Sends @m and receives what comes: 0 for a reply or an ack of success. */
static int exchange(struct peer *p, struct nl_msg *m)
{
	struct nl_ack ack;
	int err;

	err = nl_send(&p->sock, m);
	if (!err)
		err = nl_recv_msg(&p->sock, m);
	if (err)
		return err;
	EXPECT_EQ(nl_hdr(m)->nlmsg_seq, p->sock.seq);
	return nl_read_ack(nl_hdr(m), &ack) ? 0 : ack.error;
}

static int echo(struct stage *s)
{
	static struct nl_msg m;
	static char text[1000];
	const struct nlattr *attrs[NLPEER_A_VALUE_MAX + 1];
	int err;

	memset(text, 'a', sizeof(text) - 1);
	peer_start(&s->peer, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, 7);
	nl_put_str(&m, NLPEER_A_VALUE_STRING, text);
	nl_put(&m, NLPEER_A_VALUE_BINARY, NULL, 20000);
	err = exchange(&s->peer, &m);
	if (err)
		return err;
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs,
			    NLPEER_A_VALUE_MAX));
	EXPECT_EQ(nla_u32(attrs[NLPEER_A_VALUE_U32]), 7);
	EXPECT_STR(nla_data(attrs[NLPEER_A_VALUE_STRING]), text);
	EXPECT_EQ(nla_len(attrs[NLPEER_A_VALUE_BINARY]), 20000);
	return 0;
}

static int status(struct stage *s)
{
	static struct nl_msg m;

	peer_start(&s->peer, &m, 0, NLPEER_CMD_STATUS_GET);
	return exchange(&s->peer, &m);
}

static int reset(struct stage *s)
{
	static struct nl_msg m;

	peer_start(&s->peer, &m, NLM_F_ACK, NLPEER_CMD_RESET);
	return exchange(&s->peer, &m);
}

/* A request that is refused with an extended ack, which takes room as well. */
static int refusal(struct stage *s)
{
	static struct nl_msg m;
	int err;

	peer_start(&s->peer, &m, 0, NLPEER_CMD_EVENT_SEND);
	err = exchange(&s->peer, &m);
	EXPECT(err, "it was not refused");
	return err == -EINVAL ? 0 : err;
}

static int notify(struct stage *s)
{
	static struct nl_msg m, e;
	int err, heard;

	peer_start(&s->peer, &m, NLM_F_ACK, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 7);
	nl_put_str(&m, NLPEER_A_EVENT_TEXT, "text");
	err = exchange(&s->peer, &m);
	/* The event comes before the ack, or the listener knows that it lost one. */
	heard = nl_recv(&s->listener.sock, e.data, sizeof(e.data), MSG_DONTWAIT);
	if (heard < 0 && err)
		return err;
	if (heard < 0) {
		EXPECT(heard == -ENOBUFS, "the event was lost: %s", strerror(-heard));
		return heard;
	}
	EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&e))), 7);
	return err;
}

/* Read a dump to its end; an error may come instead of any part of it. */
static int dump_of(struct peer *p, struct nl_msg *request, size_t size,
		   void (*check)(struct peer *p, const struct nlmsghdr *nlh))
{
	static struct nl_msg m;
	struct nl_ack ack;
	int err = nl_send(&p->sock, request);

	if (err)
		return err;
	for (;;) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&p->sock, m.data, size, 0);

		if (len < 0)
			return len;
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			EXPECT_EQ(nlh->nlmsg_seq, p->sock.seq);
			if (nlh->nlmsg_type == NLMSG_DONE) {
				err = *(int *)NLMSG_DATA(nlh);
				if (!err)
					check(p, nlh);
				return err;
			}
			if (!nl_read_ack(nlh, &ack)) {
				EXPECT(ack.error, "an ack of a dump");
				return ack.error;
			}
			check(p, nlh);
		}
		EXPECT_EQ(len, 0);
	}
}

static struct peer_dump objects;

static void check_object(struct peer *p, const struct nlmsghdr *nlh)
{
	peer_check_dump(p, &objects, nlh);
}

static int dump_objects(struct stage *s, uint32_t count, size_t size)
{
	static struct nl_msg m;

	peer_start(&s->peer, &m, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
	nl_put_u32(&m, NLPEER_A_OBJECT_COUNT, count);
	objects = (struct peer_dump){ .seq = s->peer.sock.seq + 1, .count = count };
	return dump_of(&s->peer, &m, size, check_object);
}

static int dump(struct stage *s)
{
	return dump_objects(s, 150, 4096);
}

/* Buffers that are not from a slab. */
static int dump_large(struct stage *s)
{
	return dump_objects(s, 700, 32768);
}

static void check_policy(struct peer *p, const struct nlmsghdr *nlh)
{
	EXPECT(nlh->nlmsg_type == GENL_ID_CTRL || nlh->nlmsg_type == NLMSG_DONE, "%u",
	       nlh->nlmsg_type);
}

static int getpolicy(struct stage *s)
{
	static struct nl_msg m;

	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETPOLICY, 2);
	nl_put(&m, CTRL_ATTR_FAMILY_ID, &s->peer.family.id, 2);
	return dump_of(&s->peer, &m, 8192, check_policy);
}

static void check_family(struct peer *p, const struct nlmsghdr *nlh)
{
	EXPECT(nlh->nlmsg_type == p->family.id || nlh->nlmsg_type == NLMSG_DONE, "%u",
	       nlh->nlmsg_type);
}

/* The command of a row. */
static int command(struct peer *p, const struct operation *op)
{
	static struct nl_msg m;
	int err;

	peer_start(p, &m, op->flags, op->cmd);
	if (op->build)
		op->build(&m);
	err = op->flags == NLM_F_DUMP ? dump_of(p, &m, NL_MSG_SIZE, check_family) :
					exchange(p, &m);
	if (op->success) {
		EXPECT(err, "it was not refused");
		err = err == op->success ? 0 : err;
	}
	return err;
}

static int several(struct stage *s)
{
	static struct nl_msg m;
	struct nl_ack ack;
	int err;

	peer_start(&s->peer, &m, 0, NLPEER_CMD_SEVERAL_GET);
	nl_put_u32(&m, NLPEER_A_SEVERAL_COUNT, 3);
	err = nl_send(&s->peer.sock, &m);
	for (uint32_t i = 1; !err && i <= 3; i++) {
		err = nl_recv_msg(&s->peer.sock, &m);
		if (!err && !nl_read_ack(nl_hdr(&m), &ack))
			err = ack.error;
		else if (!err)
			EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), i);
	}
	return err;
}

/* What each object has no buffer is large enough for. */
static void large_objects(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_TROUBLE_COUNT, 3);
	nl_put_u32(m, NLPEER_A_TROUBLE_SIZE, 60000);
}

static void large_object(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_TROUBLE_SIZE, 60000);
}

static void nests(struct nl_msg *m)
{
	size_t tree = nl_nest(m, NLPEER_A_TYPES_TREE);

	nl_put_u32(m, NLPEER_A_TREE_VALUE, 1);
	nl_nest_end(m, tree);
	for (int i = 0; i < 100; i++)
		nl_put_u32(m, NLPEER_A_TYPES_NUMBERS, i);
}

static void big(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_BIG_SIZE, 100000);
}

static void delay(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_DELAYED_DELAY, 1);
}

static void nothing_odd(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_ODD_WHAT, NLPEER_ODD_NOTHING);
}

static void blame(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_REFUSAL_ERROR, EDOM);
	nl_put_u32(m, NLPEER_A_REFUSAL_BLAME, NLPEER_BLAME_ATTRIBUTE);
	nl_put_str(m, NLPEER_A_REFUSAL_TEXT, "a text that was asked for");
}

static void events(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_BURST_COUNT, 3);
	nl_put_u32(m, NLPEER_A_BURST_SIZE, 1000);
}

static int join_group(struct stage *s)
{
	return nl_membership(&s->peer.sock, s->peer.family.groups[0].id, true);
}

static void gone(struct stage *s)
{
	EXPECT_EQ(unload("nlpeer"), 0);
}

/* From memory: reading the file itself would warn when it lacks memory. */
static int load_it(struct stage *s)
{
	return syscall(SYS_init_module, s->ko, s->ko_size, "") ? -errno : 0;
}

static void loaded_or_not(struct stage *s, int err)
{
	EXPECT_EQ(loaded("nlpeer"), !err);
	if (err)
		EXPECT_EQ(load("NLPEER_KO"), 0);
}

static int unload_it(struct stage *s)
{
	return syscall(SYS_delete_module, "nlpeer", O_NONBLOCK) ? -errno : 0;
}

static void unloaded_or_not(struct stage *s, int err)
{
	EXPECT_EQ(loaded("nlpeer"), !!err);
	if (!err)
		EXPECT_EQ(load("NLPEER_KO"), 0);
}

/* A second family of the name: what loading has made has to go again. */
static int load_second(struct stage *s)
{
	int err = load_it(s);

	EXPECT(err, "it is loaded");
	return err == -EEXIST || err == -EBUSY ? 0 : err;
}

static const struct operation operations[] = {
	{ "echo", echo, .cmd = NLPEER_CMD_ECHO },
	{ "status-get", status, .cmd = NLPEER_CMD_STATUS_GET },
	{ "reset", reset, .cmd = NLPEER_CMD_RESET },
	{ "a refusal with a text", refusal },
	{ "event-send with a listener", notify, .cmd = NLPEER_CMD_EVENT_SEND },
	{ "a dump in buffers of 4096 bytes", dump, .cmd = NLPEER_CMD_OBJECT_GET,
	  .flags = NLM_F_DUMP },
	{ "a dump in buffers of 32768 bytes", dump_large },
	{ "trouble-get", .cmd = NLPEER_CMD_TROUBLE_GET, .build = large_object },
	{ "a dump of objects larger than a buffer", .cmd = NLPEER_CMD_TROUBLE_GET,
	  .flags = NLM_F_DUMP, .build = large_objects },
	{ "types", .cmd = NLPEER_CMD_TYPES, .build = nests },
	{ "big-get", .cmd = NLPEER_CMD_BIG_GET, .build = big },
	{ "several-get", several, .cmd = NLPEER_CMD_SEVERAL_GET },
	{ "delayed-get", .cmd = NLPEER_CMD_DELAYED_GET, .build = delay },
	{ "odd-get", .cmd = NLPEER_CMD_ODD_GET, .build = nothing_odd },
	{ "a dump of odd-get", .cmd = NLPEER_CMD_ODD_GET, .flags = NLM_F_DUMP },
	{ "refuse", .cmd = NLPEER_CMD_REFUSE, .build = blame, .success = -EDOM },
	{ "burst with a listener", .cmd = NLPEER_CMD_BURST, .build = events },
	{ "sender-get", .cmd = NLPEER_CMD_SENDER_GET },
	{ "counter-get, which makes the state of a socket", .cmd = NLPEER_CMD_COUNTER_GET },
	{ "netns-admin", .cmd = NLPEER_CMD_NETNS_ADMIN, .flags = NLM_F_ACK },
	{ "change", .cmd = NLPEER_CMD_CHANGE, .flags = NLM_F_ACK },
	{ "the policies", getpolicy },
	{ "joining the group", join_group },
	{ "loading", load_it, gone, loaded_or_not },
	{ "loading a second family of the name", load_second },
	{ "unloading", unload_it, NULL, unloaded_or_not },
};

/* What fails is said by a script beside this program. */
static void settings(void)
{
	char path[PATH_MAX];
	int status;

	snprintf(path, sizeof(path), "%.*sfailing_settings.sh",
		 (int)(program_invocation_short_name - program_invocation_name),
		 program_invocation_name);
	status = system(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		SKIP("no allocation can fail");
	EXPECT_EQ(status, 0);
}

static void read_module(struct stage *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;

	EXPECT(fd >= 0 && !fstat(fd, &stat), "%s: %s", path, strerror(errno));
	s->ko_size = stat.st_size;
	s->ko = malloc(s->ko_size);
	EXPECT(s->ko && read(fd, s->ko, s->ko_size) == (ssize_t)s->ko_size, "%s", path);
	close(fd);
}

static int fail_nth;

static void inject(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		FAIL("fail-nth: %s", strerror(errno));
}

/* How many allocations are left until one fails; 0 when it has. */
static int left(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		FAIL("fail-nth: %s", strerror(errno));
	return atoi(text);
}

/* A new client, and one that listens to the events and to nlctrl. */
static void set_stage(struct stage *s, const struct operation *op)
{
	struct nl_family ctrl;
	struct nl_sock once;

	EXPECT_OK(nl_open(&once));
	EXPECT_OK(nl_get_family(&once, "nlctrl", 0, &ctrl));
	nl_close(&once);
	peer_open(&s->peer);
	peer_open(&s->listener);
	EXPECT_OK(nl_membership(&s->listener.sock, s->listener.family.groups[0].id, true));
	EXPECT_OK(nl_membership(&s->listener.sock, nl_group(&ctrl, "notify"), true));
	if (op->before)
		op->before(s);
}

static void strike_stage(struct stage *s)
{
	struct peer p;

	peer_close(&s->peer);
	peer_close(&s->listener);
	/* Nothing is left of it, and a request is answered as ever. */
	peer_open(&p);
	peer_ping(&p, 0xabad1dea);
	EXPECT_EQ(peer_status(&p).dumps, 0);
	EXPECT_EQ(references(), 0);
	peer_close(&p);
}

static void each_allocation(const void *arg)
{
	const struct operation *op = arg;
	unsigned int all = 0, none = 0, nomem = 0, nobufs = 0;
	struct stage s;

	alarm(0);
	begin();
	settings();
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	EXPECT(fail_nth >= 0, "%s", strerror(errno));
	read_module(&s, module_file(op->run == load_second ? "NLPEER_DUP_KO" : "NLPEER_KO"));

	for (int nth = 1;; nth++) {
		int err, rest;

		EXPECT(nth < MOST, "no end");
		set_stage(&s, op);
		inject(nth);
		err = op->run ? op->run(&s) : command(&s.peer, op);
		rest = left();
		inject(0);
		if (op->after)
			op->after(&s, err);
		strike_stage(&s);
		if (rest) {
			/* It went through without any failure. */
			EXPECT_OK(err);
			break;
		}
		EXPECT(!err || is_lack(op, err), "allocation %d: %s", nth, strerror(-err));
		all++;
		none += !err;
		nomem += err == -ENOMEM;
		nobufs += err == -ENOBUFS;
	}
	DIAG("count injected failures: %u (%u came to ENOMEM, %u to ENOBUFS, %u to nothing)",
	     all, nomem, nobufs, none);
	EXPECT(all, "it allocates nothing");
}

/* Each command that nlctrl tells of is among the operations, as do and as dump. */
static void none_is_missing(const void *arg)
{
	struct peer p;

	begin();
	peer_open(&p);
	EXPECT(p.family.nops > 10, "%d operations", p.family.nops);
	for (int i = 0; i < p.family.nops; i++) {
		uint32_t want = p.family.ops[i].flags & (GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP);

		for (size_t k = 0; k < ARRAY_SIZE(operations); k++) {
			if (operations[k].cmd == p.family.ops[i].id)
				want &= operations[k].flags == NLM_F_DUMP ?
					~GENL_CMD_CAP_DUMP : ~GENL_CMD_CAP_DO;
		}
		EXPECT(!want, "command %u is not tried", p.family.ops[i].id);
	}
}

int main(void)
{
	struct ktap_test tests[ARRAY_SIZE(operations) + 1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		tests[i] = (struct ktap_test){ operations[i].name, each_allocation,
					       &operations[i] };
	tests[i] = (struct ktap_test){ "each command of nlpeer is among them", none_is_missing };
	return ktap_run(tests, ARRAY_SIZE(tests));
}
