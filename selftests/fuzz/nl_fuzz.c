// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of generic netlink families: it reads the operations and policies of a
 * family that is loaded, sends requests that keep to them, touch their bounds or
 * are spoiled, and looks at all that comes back. See fuzz/request.h for what is
 * sent and fuzz/check.h for what is looked at; beside that, each request that has
 * to be answered is, each operation succeeds now and then, and in the end nothing
 * holds the module.
 *
 * Several processes send, each from several sockets, which they close now and
 * then in the middle of an answer. What is sent follows from the seed; in which
 * order the processes do it, and from which sockets, does not.
 *
 * Without arguments it is a test: of nlpeer and genltest, and of itself on
 * nlflaws, which has planted bugs.
 */
#include <getopt.h>
#include <stddef.h>

#include "module.h"
#include "check.h"
#include "flaws.h"

enum {
	/*
	 * In all. Half a minute where two processors are emulated that have nothing
	 * else to do: a number and no time, so that each run does the same.
	 */
	REQUESTS = 40000,
	FLAW_REQUESTS = 2500,
	PROCESSES = 4,
	SOCKETS = 4,		/* of each of them */
	/* An operation that was called so often has to have succeeded once. */
	ENOUGH = 1000,
	/* A late answer is not later: genltest puts off some for 10 seconds. */
	PATIENCE_MS = 20000,
};

static struct {
	uint64_t seed, first, count;
	int processes;
	int patience_ms;
	bool shows;		/* all that is sent and received */
} run = { .processes = PROCESSES, .patience_ms = PATIENCE_MS };

static struct fuzz_family family;
static struct fuzz_stats *stats;
/* Of one process. */
static struct fuzz_sock socks[SOCKETS];
static struct fuzz_rng chance;

/* Datagrams that are read before something else happens. */
enum { ALL = INT32_MAX };

static void set_option(struct fuzz_sock *s, int option, int value)
{
	if (setsockopt(s->nl.fd, SOL_NETLINK, option, &value, sizeof(value)))
		FAIL("the option %d: %s", option, strerror(errno));
}

static void open_sock(struct fuzz_sock *s)
{
	static const size_t sizes[] = { 8192, 16384, 32768, NL_MSG_SIZE };
	static uint32_t opened;

	/*
	 * No port twice: an answer that comes late for a socket that is just being
	 * closed may reach the next one of its port.
	 */
	EXPECT_OK(nl_open_at(&s->nl, 1 << 30 | (getpid() & 0x1ffff) << 13 | (opened++ & 0x1fff)));
	s->base = fuzz_next(&chance) >> 34;
	s->nl.seq = s->base;
	s->size = sizes[fuzz_below(&chance, ARRAY_SIZE(sizes))];
	s->life = 1 + fuzz_below(&chance, FUZZ_LIFE - 2);
	s->count = 0;
	s->retired = 0;
	set_option(s, NETLINK_PKTINFO, 1);
	if (fuzz_one_in(&chance, 2))
		set_option(s, NETLINK_CAP_ACK, 1);
	if (fuzz_one_in(&chance, 8))
		set_option(s, NETLINK_EXT_ACK, 0);
	if (family.nl.ngroups && fuzz_one_in(&chance, 4)) {
		int i = fuzz_below(&chance, family.nl.ngroups);

		EXPECT_OK(nl_membership(&s->nl, family.nl.groups[i].id, true));
	}
}

/* In the middle of whatever it is. */
static void close_sock(struct fuzz_sock *s)
{
	nl_close(&s->nl);
	__atomic_fetch_add(&stats->closed, 1, __ATOMIC_RELAXED);
}

/* Receive a datagram, if there is one, and the group that it came for. */
static ssize_t receive(struct fuzz_sock *s, void *data, size_t size, uint32_t *group)
{
	union {
		struct cmsghdr hdr;
		char bytes[CMSG_SPACE(sizeof(struct nl_pktinfo))];
	} control;
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { data, size };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(s->nl.fd, &msg, MSG_DONTWAIT);
	struct cmsghdr *cmsg;

	*group = 0;
	if (len < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (from.nl_pid)
		BROKEN("a datagram from the port %u", from.nl_pid);
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		struct nl_pktinfo info;

		if (cmsg->cmsg_level != SOL_NETLINK || cmsg->cmsg_type != NETLINK_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		*group = info.group;
	}
	return len;
}

/* The first request that waits for the end of its answer, or the first dump. */
static const struct fuzz_open *waiting(const struct fuzz_sock *s, bool dump)
{
	for (int i = 0; i < s->count; i++)
		if (s->open[i].expected && !s->open[i].ended && (!dump || s->open[i].dump))
			return &s->open[i];
	return NULL;
}

/*
 * Read what there is, and some of a dump. The kernel answers while it is sent to,
 * and goes on with a dump while it is read: an empty queue is the end of both, but
 * for what the family answers later. Returns whether it is empty; closes the socket
 * where messages are lost.
 */
static bool read_answers(struct fuzz_sock *s, int datagrams)
{
	static struct nl_msg m;

	for (; datagrams; datagrams--) {
		uint32_t group;
		ssize_t len = receive(s, m.data, s->size, &group);

		if (len == -EAGAIN) {
			fuzz_now.open = waiting(s, true);
			if (fuzz_now.open)
				BROKEN("a dump that stops without NLMSG_DONE");
			return true;
		}
		if (len == -ENOBUFS || len == -EMSGSIZE) {
			__atomic_fetch_add(&stats->overruns, 1, __ATOMIC_RELAXED);
			close_sock(s);
			return true;
		}
		/* One of the errors that genltest gives to who listens. */
		if (len == -ENOENT && !strcmp(fuzz_now.family->nl.name, "genltest"))
			continue;
		EXPECT_OK(len);
		if (run.shows)
			fuzz_hexdump("received", m.data, len);
		fuzz_check_datagram(s, m.data, len, group, stats);
	}
	return false;
}

/* Whether a socket that is retired can be closed, which it is then. */
static bool settle(struct fuzz_sock *s)
{
	read_answers(s, ALL);
	if (s->nl.fd < 0)
		return true;
	fuzz_now.open = waiting(s, false);
	if (fuzz_now.open) {
		if (ktap_now_ms() - s->retired > slow(run.patience_ms))
			BROKEN("a request that has not been answered");
		return false;
	}
	close_sock(s);
	return true;
}

/* A socket that is ready for a request. */
static struct fuzz_sock *pick_sock(void)
{
	for (;;) {
		struct fuzz_sock *s = &socks[fuzz_below(&chance, SOCKETS)];

		if (s->nl.fd >= 0 && s->retired && !settle(s)) {
			ktap_pause();
			continue;
		}
		if (s->nl.fd < 0)
			open_sock(s);
		return s;
	}
}

static int op_of(const struct fuzz_open *o)
{
	for (int i = 0; i < family.nops; i++)
		if (family.ops[i].cmd == o->genl.cmd && family.ops[i].dump == o->dump)
			return i;
	return -1;
}

/* Give a request its sequence number, note what is due, and return its length. */
static size_t enter(struct fuzz_sock *s, struct fuzz_request *q, uint64_t number, void *data)
{
	struct nlmsghdr *nlh = nl_hdr(&q->m);
	struct fuzz_open *o = &s->open[s->count++];
	bool is_request;

	nlh->nlmsg_seq = ++s->nl.seq;
	*o = (struct fuzz_open){ .number = number, .hdr = *nlh, .small = q->small };
	o->hash = fuzz_hash(q->m.data + NLMSG_HDRLEN, q->m.len - NLMSG_HDRLEN);
	if (q->m.len >= NL_ATTRS)
		o->genl = *nl_genl(nlh);
	is_request = nlh->nlmsg_flags & NLM_F_REQUEST && q->m.len >= NL_ATTRS;
	o->dump = is_request && (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	o->op = is_request && !q->is_void ? op_of(o) : -1;
	o->expected = !q->is_void && (o->dump || nlh->nlmsg_flags & NLM_F_ACK);
	/* Whatever comes would be too much. */
	o->ended = q->is_void;
	memcpy(data, q->m.data, q->m.len);
	memset((char *)data + q->m.len, 0, NLMSG_ALIGN(q->m.len) - q->m.len);
	return q->m.len;
}

/* Send the request with this number and, where @with_next, another one behind it. */
static bool send_requests(struct fuzz_sock *s, uint64_t number, bool with_next)
{
	static unsigned char data[2 * NL_MSG_SIZE];
	static struct fuzz_request q;
	int before = s->count, err;
	size_t len;

	fuzz_make(&q, &family, run.seed, number);
	len = enter(s, &q, number, data);
	/* A void one would swallow what is behind it. */
	if (with_next && !q.is_void) {
		fuzz_make(&q, &family, run.seed, ~number);
		len = NLMSG_ALIGN(len) + enter(s, &q, ~number, data + NLMSG_ALIGN(len));
	}
	if (run.shows)
		fuzz_hexdump("sent", data, len);
	err = nl_send_raw(&s->nl, data, len);
	if (err) {
		EXPECT(err == -EMSGSIZE || err == -ENOBUFS, "%s", strerror(-err));
		s->count = before;
		s->nl.seq = s->base + before;
		return false;
	}
	for (int i = before; i < s->count; i++)
		if (s->open[i].op >= 0)
			__atomic_fetch_add(&stats->ops[s->open[i].op].sent, 1, __ATOMIC_RELAXED);
	return true;
}

static void one_request(uint64_t number)
{
	struct fuzz_sock *s = pick_sock();
	const struct fuzz_open *o;
	bool has_dump;

	/* What has come meanwhile: late answers, notifications. */
	read_answers(s, 4);
	if (s->nl.fd < 0)
		open_sock(s);
	if (!send_requests(s, number, !run.shows && fuzz_one_in(&chance, 16)))
		return;
	/* Some dumps are left in the middle; those that may be large are, sooner or later. */
	o = waiting(s, true);
	if (o && fuzz_one_in(&chance, 8))
		read_answers(s, fuzz_below(&chance, 3));
	else
		read_answers(s, !o || o->small ? ALL : 1 << fuzz_below(&chance, 6));
	if (s->nl.fd < 0)
		return;
	has_dump = waiting(s, true);
	if (s->count < s->life && !(has_dump && fuzz_one_in(&chance, 2)))
		return;
	if (!has_dump && waiting(s, false) && !fuzz_one_in(&chance, 4))
		s->retired = ktap_now_ms();
	else
		close_sock(s);
}

static void process(const void *arg)
{
	int number = *(const int *)arg;

	alarm(0);
	fuzz_now.family = &family;
	fuzz_now.seed = run.seed;
	chance = fuzz_rng(~run.seed, number);
	for (int i = 0; i < SOCKETS; i++)
		socks[i].nl.fd = -1;
	for (uint64_t n = number; n < run.count; n += run.processes)
		one_request(run.first + n);
	/* In the end all that is due has to come. */
	for (int i = 0; i < SOCKETS; i++) {
		if (socks[i].nl.fd >= 0 && waiting(&socks[i], true))
			close_sock(&socks[i]);
		else if (socks[i].nl.fd >= 0 && !socks[i].retired)
			socks[i].retired = ktap_now_ms();
	}
	for (int i = 0; i < SOCKETS; i++)
		while (socks[i].nl.fd >= 0 && !settle(&socks[i]))
			ktap_pause();
}

/* How many users the module of the family has; 0 where there is no module. */
static int users(void)
{
	char path[64], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", family.nl.name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
	return atoi(text);
}

static void report(int64_t ms)
{
	uint64_t all = 0, succeeded = 0, refused = 0;

	for (int i = 0; i < family.nops; i++) {
		DIAG("  command %u, %s: %lu sent, %lu succeeded, %lu refused",
		     family.ops[i].cmd, family.ops[i].dump ? "dump" : "do", stats->ops[i].sent,
		     stats->ops[i].succeeded, stats->ops[i].refused);
		all += stats->ops[i].sent;
		succeeded += stats->ops[i].succeeded;
		refused += stats->ops[i].refused;
	}
	DIAG("  %lu messages, %lu notifications, %lu sockets, %lu of them full, %.1f s",
	     stats->messages, stats->notifications, stats->closed, stats->overruns, ms / 1000.0);
	DIAG("count fuzz requests: %lu", all);
	DIAG("count fuzz answers: %lu", succeeded + refused);
}

/* Wait for the processes, and end them all when one of them fails. */
static void join_all(const pid_t *pids)
{
	/* Of a short run there is no progress to tell. */
	int left = run.processes, status, tenth = run.count < REQUESTS ? 10 : 1;
	int64_t begin = ktap_now_ms();
	pid_t pid;

	while (left) {
		uint64_t sent = 0;

		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			left--;
			if (!status)
				continue;
			for (int i = 0; i < run.processes; i++)
				if (pids[i] != pid)
					kill(pids[i], SIGKILL);
			if (WIFSIGNALED(status))
				FAIL("a process was killed by signal %d", WTERMSIG(status));
			_exit(1);
		}
		EXPECT(!pid, "waitpid: %s", strerror(errno));
		ktap_pause();
		for (int i = 0; i < family.nops; i++)
			sent += stats->ops[i].sent;
		while (tenth < 10 && sent > tenth * run.count / 10)
			DIAG("  %d%% after %ld s", 10 * tenth++,
			     (ktap_now_ms() - begin) / 1000);
	}
}

/* All of a run on one family. */
static void fuzz(const char *name)
{
	static int numbers[PROCESSES];
	int64_t begin = ktap_now_ms();
	pid_t pids[PROCESSES];

	alarm(0);
	fuzz_now.family = &family;
	fuzz_now.seed = run.seed;
	fuzz_read_family(&family, name);
	DIAG("%s: %d operations, seed %lu, %lu requests by %d processes", name,
	     family.nops, run.seed, run.count, run.processes);
	stats = shared_memory(sizeof(*stats));
	EXPECT(stats, "no memory");
	for (int i = 0; i < run.processes; i++) {
		numbers[i] = i;
		pids[i] = spawn(process, &numbers[i]);
	}
	join_all(pids);
	report(ktap_now_ms() - begin);
	for (int i = 0; i < family.nops; i++)
		if (stats->ops[i].sent >= ENOUGH && !stats->ops[i].succeeded)
			BROKEN("command %u, %s: it has never succeeded", family.ops[i].cmd,
			       family.ops[i].dump ? "dump" : "do");
	/* What was put off may hold it for a while. */
	for (int64_t end = ktap_now_ms() + slow(run.patience_ms); users(); ktap_pause())
		if (ktap_now_ms() > end)
			BROKEN("%d references to the module are left", users());
}

/* Load a module of the tests, which is beside nlpeer_dup, if it is not there. */
static void need_module(const char *name)
{
	const char *dir, *slash;
	char path[256];

	if (loaded(name))
		return;
	if (!strcmp(name, "nlpeer")) {
		begin();
		return;
	}
	dir = module_file("NLPEER_DUP_KO");
	slash = strrchr(dir, '/');
	snprintf(path, sizeof(path), "%.*s/%s.ko", slash ? (int)(slash - dir) : 1,
		 slash ? dir : ".", name);
	setenv("FUZZ_KO", path, 1);
	EXPECT_EQ(load("FUZZ_KO"), 0);
}

/* Where it was not there before, it is not left behind. */
static void leave_module(const char *name, bool was_loaded)
{
	/* The socket of a dump that was not read to its end holds it for a moment. */
	if (!was_loaded && strcmp(name, "nlpeer"))
		WAIT_FOR(!unload(name));
}

static void fuzz_module(const void *arg)
{
	bool was_loaded = loaded(arg);

	need_module(arg);
	fuzz(arg);
	leave_module(arg, was_loaded);
}

/* A family that is there, whatever module it has. */
static void fuzz_family(const void *arg)
{
	fuzz(arg);
}

/* Other seeds and numbers make other requests, the same ones the same. */
static void same_requests(const void *arg)
{
	static struct fuzz_request q;
	uint64_t hashes[4];

	need_module("nlpeer");
	fuzz_read_family(&family, "nlpeer");
	for (int i = 0; i < 4; i++) {
		hashes[i] = 0;
		for (int n = 0; n < 500; n++) {
			/* Others in between leave no traces. */
			if (i == 1)
				fuzz_make(&q, &family, 7, n);
			fuzz_make(&q, &family, i == 2 ? 2 : 1, i == 3 ? 500 + n : n);
			hashes[i] = hashes[i] * 31 + fuzz_hash(q.m.data, q.m.len);
		}
	}
	EXPECT(hashes[0] == hashes[1], "the same seed has made other requests");
	EXPECT(hashes[0] != hashes[2], "another seed has made the same requests");
	EXPECT(hashes[0] != hashes[3], "other numbers have made the same requests");
}

/* Each bug of nlflaws, and what the fuzzer says when it finds it. */
static const struct {
	const char *what;
	const char *says;
} flaws[FLAW_COUNT] = {
	[FLAW_PADDING] = { "padding with other bytes", "padding that is not zero" },
	[FLAW_ATTR_LONG] = { "an attribute longer than its message", "bytes where 12 are left" },
	[FLAW_ATTR_SHORT] = { "an attribute shorter than its header", "an attribute of 3 bytes" },
	[FLAW_ATTR_FLAGS] = { "an attribute with both flags", "an attribute with both flags" },
	[FLAW_ATTR_UNPADDED] = { "an attribute without its padding", "without its padding" },
	[FLAW_NEST_LONG] = { "an attribute longer than its nest", "bytes where 8 are left" },
	[FLAW_LEFTOVER] = { "bytes that are no attribute", "2 bytes behind the last attribute" },
	[FLAW_MESSAGE_LONG] = { "a message longer than its datagram", "a message of" },
	[FLAW_MESSAGE_REST] = { "bytes behind the last message", "a message of 0 bytes" },
	[FLAW_TYPE] = { "a reply of another family", "a message of the type 16" },
	[FLAW_VERSION] = { "a reply of another version", "a message of the version 2" },
	[FLAW_RESERVED] = { "reserved bytes that are not zero", "reserved bytes are 0x1" },
	[FLAW_COMMAND] = { "a reply with another command", "a reply with the command 99" },
	[FLAW_SEQ] = { "a reply with a wrong sequence number", "which no request has had" },
	[FLAW_PORT] = { "a reply with a wrong port", "the port" },
	[FLAW_DO_MULTI] = { "NLM_F_MULTI in a do", "a reply to a do with the flags 0x2" },
	[FLAW_DO_DONE] = { "NLMSG_DONE for a do", "NLMSG_DONE for a do" },
	[FLAW_DUMP_SINGLE] = {
		"no NLM_F_MULTI in a dump", "a message of a dump with the flags 0x0",
	},
	[FLAW_DUMP_REPEATS] = { "a dump that repeats itself", "a dump that repeats itself" },
	[FLAW_DUMP_ENDLESS] = { "a dump without end", "a dump that does not end" },
	[FLAW_DUMP_EMPTY] = { "a dump that goes on and sends nothing", "an empty datagram" },
	[FLAW_DUMP_SILENT] = { "a dump that does not begin", "stops without NLMSG_DONE" },
	[FLAW_DUMP_ERRNO] = { "a dump that ends with a wrong errno", "the errno -5000" },
	[FLAW_DUMP_ACKED] = { "an ack in the midst of a dump", "a dump that is acked" },
	[FLAW_ERRNO_LARGE] = { "an errno above 4095", "the errno -5000" },
	[FLAW_ERRNO_POSITIVE] = { "an errno above zero", "the errno 5" },
	[FLAW_OFFSET] = { "an extended ack that points outside", "whose offset, 65536" },
	[FLAW_OFFSET_HEADER] = { "an extended ack that points at a header", "whose offset, 0" },
	[FLAW_TEXT] = { "an extended ack without a NUL", "does not end with its only NUL" },
	[FLAW_EXTACK_UNKNOWN] = {
		"an extended ack with an unknown attribute", "an unknown attribute",
	},
	[FLAW_MISSING] = { "a missing attribute of 16 bits", "whose type has 2 bytes" },
	[FLAW_COOKIE] = { "a cookie that is too long", "a cookie of 9 bytes" },
	[FLAW_QUOTE] = { "an error that quotes another request", "quotes another request" },
	[FLAW_QUOTE_BYTES] = { "an error that quotes other bytes", "quotes other bytes" },
	[FLAW_QUOTE_SHORT] = { "an error that quotes too little", "does not quote all" },
	[FLAW_ERROR_SHORT] = { "an error of 4 bytes", "an error message of 20 bytes" },
	[FLAW_ERROR_FLAGS] = {
		"an error with NLM_F_MULTI", "an error message with the flags 0x102",
	},
	[FLAW_ERROR_REST] = {
		"an error with bytes behind it", "an error message of 40 bytes, not 36",
	},
	[FLAW_ACK_TWICE] = { "two acks", "behind the end of the answer" },
	[FLAW_ACK_FIRST] = { "an ack in front of the reply", "behind the end of the answer" },
	[FLAW_ACK_UNASKED] = { "an ack without NLM_F_ACK", "an ack that nobody has asked for" },
	[FLAW_SILENT] = { "no answer", "has not been answered" },
	[FLAW_REFUSES] = { "an operation that only refuses", "has never succeeded" },
	[FLAW_LEAK] = { "a reference that is not given back", "references to the module are left" },
};

/* The fuzzer finds the bug that nlflaws has now, and says which one it is. */
static void find_flaw(const void *arg)
{
	enum flaw flaw = *(const enum flaw *)arg;
	const char *parameter = "/sys/module/" FLAWS_FAMILY "/parameters/flaw";
	bool was_loaded = loaded(FLAWS_FAMILY);
	char number[16], out[16384];
	int pipes[2], status;
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	need_module(FLAWS_FAMILY);
	snprintf(number, sizeof(number), "%d", flaw);
	EXPECT_OK(write_file(parameter, number));
	run.count = FLAW_REQUESTS;
	run.patience_ms = 500;
	EXPECT(!pipe2(pipes, O_CLOEXEC), "pipe");
	pid = fork();
	EXPECT(pid >= 0, "fork");
	if (!pid) {
		ktap_begin();
		dup2(pipes[1], 1);
		close(pipes[1]);
		fuzz(FLAWS_FAMILY);
		_exit(0);
	}
	close(pipes[1]);
	while (len < sizeof(out) - 1) {
		got = read(pipes[0], out + len, sizeof(out) - 1 - len);
		if (got <= 0)
			break;
		len += got;
	}
	out[len] = '\0';
	EXPECT(waitpid(pid, &status, 0) == pid, "waitpid");
	/* Gives back what FLAW_LEAK has taken. */
	EXPECT_OK(write_file(parameter, "0"));
	leave_module(FLAWS_FAMILY, was_loaded);
	if (flaw == FLAW_NONE)
		EXPECT(!status, "it ended with 0x%x:\n%s", status, out);
	else
		EXPECT(status == 1 << 8 && strstr(out, flaws[flaw].says),
		       "it has not said \"%s\", and ended with 0x%x:\n%s", flaws[flaw].says,
		       status, out);
}

/* All that there is to test, without arguments. */
static int test_all(void)
{
	static struct ktap_test tests[FLAW_COUNT + 3];
	static enum flaw numbers[FLAW_COUNT];
	static char names[FLAW_COUNT][80];
	int n = 0;

	tests[n++] = (struct ktap_test){ "the seed says what is sent", same_requests };
	tests[n++] = (struct ktap_test){ "a family in C that is in order", find_flaw, &numbers[0] };
	for (int i = 1; i < FLAW_COUNT; i++) {
		numbers[i] = i;
		snprintf(names[i], sizeof(names[i]), "found: %s", flaws[i].what);
		tests[n++] = (struct ktap_test){ names[i], find_flaw, &numbers[i] };
	}
	tests[n++] = (struct ktap_test){ "nlpeer", fuzz_module, "nlpeer" };
	tests[n++] = (struct ktap_test){ "genltest", fuzz_module, "genltest" };
	return ktap_run(tests, n);
}

static uint64_t number_of(const char *text, const char *what)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || !*text || *end || *text == '-') {
		fprintf(stderr, "nl_fuzz: %s is not a number: '%s'\n", what, text);
		exit(2);
	}
	return value;
}

static const char usage[] =
	"usage: nl_fuzz [-s SEED] [-n COUNT] [-r NUMBER] [FAMILY...]\n"
	"Sends requests to families that are loaded and looks at what they answer.\n"
	"  -s SEED    other requests; the same seed always makes the same (1, or $SEED)\n"
	"  -n COUNT   how many, shared by the families (40000, or $FUZZ)\n"
	"  -r NUMBER  only the request with this number, and show what comes\n"
	"Without a family it tests nlpeer and genltest, and itself. It sends whatever\n"
	"the operations take, with the rights that it has: only where that may do harm.\n";

int main(int argc, char **argv)
{
	static struct ktap_test families[64];
	const char *count = getenv("FUZZ"), *seed = getenv("SEED");
	int opt;

	run.seed = seed && *seed ? number_of(seed, "SEED") : 1;
	run.count = REQUESTS / slow(1);
	if (count && *count)
		run.count = number_of(count, "FUZZ");
	while ((opt = getopt(argc, argv, "s:n:r:h")) != -1) {
		switch (opt) {
		case 's':
			run.seed = number_of(optarg, "SEED");
			break;
		case 'n':
			run.count = number_of(optarg, "COUNT");
			break;
		case 'r':
			run.first = number_of(optarg, "NUMBER");
			run.count = 1;
			run.processes = 1;
			run.shows = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc > (int)ARRAY_SIZE(families)) {
		fputs("nl_fuzz: too many families\n", stderr);
		return 2;
	}
	for (int i = 0; i < argc; i++)
		families[i] = (struct ktap_test){ argv[i], fuzz_family, argv[i] };
	if (!run.shows)
		run.count /= argc ?: 2;
	return argc ? ktap_run(families, argc) : test_all();
}
