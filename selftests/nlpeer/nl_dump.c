// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps: sizes from nothing to a million objects, small and large receive
 * buffers, dumps that are not read to the end, several at once. Each object is
 * compared byte by byte with the one that is due, so that a lost, doubled or
 * swapped object fails as surely as a wrong value.
 */
#include "peer.h"

struct volume {
	uint32_t count;
	size_t size;	/* of the receive buffer */
};

static void volume(const void *arg)
{
	const struct volume *v = arg;
	struct peer_dump dump;
	struct peer p, q;

	peer_open(&p);
	peer_open(&q);
	dump = peer_send_dump(&p, v->count);
	peer_read_dump(&p, &dump, v->size);
	EXPECT_EQ(dump.next, v->count);
	EXPECT_EQ(peer_status(&q).dumps, 0);
	/*
	 * The room is used: a buffer that is sent half empty doubles the number
	 * of system calls. Half, since the core may fall back to small buffers.
	 */
	EXPECT(dump.datagrams <= 2 + 2 * dump.bytes / v->size,
	       "%zu datagrams for %zu bytes", dump.datagrams, dump.bytes);
	DIAG("%zu bytes in %zu datagrams", dump.bytes, dump.datagrams);
}

/*
 * Many ends: the last object in all places of a buffer. Where no room is left
 * behind it, NLMSG_DONE comes in a datagram of its own.
 */
static void each_end(const void *arg)
{
	unsigned int alone = 0, together = 0;

	for (size_t size = 3840; size < 4096; size += 16) {
		struct peer p;

		peer_open(&p);
		for (uint32_t count = 50; count < 90; count++) {
			struct peer_dump dump = peer_send_dump(&p, count);

			peer_read_dump(&p, &dump, size);
			if (dump.last == NLMSG_LENGTH(sizeof(int)))
				alone++;
			else
				together++;
		}
		peer_close(&p);
	}
	EXPECT(alone, "the sizes do not fit any more");
	EXPECT(together, "the sizes do not fit any more");
}

static void each_small_count(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (uint32_t count = 0; count < 70; count++) {
		struct peer_dump dump = peer_send_dump(&p, count);

		peer_read_dump(&p, &dump, 4096);
	}
}

/* Begin a dump that does not end by itself, on a socket of its own. */
static struct peer_dump begin(struct peer *p, struct peer *observer, uint32_t open)
{
	struct peer_dump dump;

	peer_open(p);
	dump = peer_send_dump(p, NLPEER_COUNT_MAX);
	EXPECT_EQ(peer_status(observer).dumps, open + 1);
	return dump;
}

static void close_midway(const void *arg)
{
	struct peer p, observer;
	struct peer_dump dump;

	peer_open(&observer);
	/* Before anything was read, after some of it, and after much of it. */
	for (int datagrams = 0; datagrams <= 100; datagrams += 50) {
		dump = begin(&p, &observer, 0);
		for (int i = 0; i < datagrams; i++)
			peer_read_datagram(&p, &dump, NL_MSG_SIZE);
		EXPECT(!dump.done && dump.next >= datagrams * 100u, "%u", dump.next);
		EXPECT_EQ(peer_status(&observer).dumps, 1);
		peer_close(&p);
		WAIT_FOR(peer_status(&observer).dumps == 0);
	}
}

static void hold_dump(const void *arg)
{
	void (*prepare)(void) = *(void (*const *)(void))arg;
	struct peer p, observer;

	prepare();
	peer_open(&observer);
	begin(&p, &observer, 0);
	raise(SIGKILL);
}

static void killed_midway(const void *arg)
{
	struct peer observer;
	int status;

	peer_open(&observer);
	EXPECT(waitpid(spawn(hold_dump, arg), &status, 0) > 0, "waitpid");
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%d", status);
	WAIT_FOR(peer_status(&observer).dumps == 0);
}

static void here(void)
{
}

/* A process that has inherited the socket is the last one to close it. */
static void hold_socket(const void *arg)
{
	const int *gate = arg;
	char byte;

	close(gate[1]);
	EXPECT_EQ(read(gate[0], &byte, 1), 0);
}

static void closed_by_another(const void *arg)
{
	struct peer p, observer;
	int gate[2];
	pid_t pid;

	peer_open(&observer);
	begin(&p, &observer, 0);
	EXPECT(!pipe(gate), "pipe");
	pid = spawn(hold_socket, gate);
	peer_close(&p);
	EXPECT_EQ(peer_status(&observer).dumps, 1);
	close(gate[1]);
	join(pid);
	EXPECT_EQ(peer_status(&observer).dumps, 0);
}

/* Another process reads on where this one has stopped. */
struct half_read {
	struct peer peer;
	struct peer_dump dump;
};

static void read_on(const void *arg)
{
	struct half_read *half = (struct half_read *)arg;

	peer_read_dump(&half->peer, &half->dump, 8192);
}

static void read_by_two(const void *arg)
{
	struct half_read half;

	peer_open(&half.peer);
	half.dump = peer_send_dump(&half.peer, 2000);
	for (int i = 0; i < 10; i++)
		peer_read_datagram(&half.peer, &half.dump, 8192);
	EXPECT(!half.dump.done, "%u", half.dump.next);
	in_process(read_on, &half);
	EXPECT_EQ(peer_status(&half.peer).dumps, 0);
}

/* A socket that has room for one buffer at a time gets all of them. */
static void small_queue(const void *arg)
{
	struct peer_dump dump;
	struct peer p;
	int size = 1;

	peer_open(&p);
	setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	dump = peer_send_dump(&p, 5000);
	peer_read_dump(&p, &dump, 4096);
}

/* A second dump on one socket is refused by the core; the first one goes on. */
static void busy(const void *arg)
{
	enum { COUNT = 2000 };
	static struct nl_msg m;
	struct peer_dump dump;
	int refusals = 0;
	struct nl_ack ack;
	struct peer p;

	peer_open(&p);
	dump = peer_send_dump(&p, COUNT);
	peer_send_dump(&p, COUNT);
	while (!dump.done) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&p.sock, m.data, 8192, 0);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq == dump.seq) {
				peer_check_dump(&p, &dump, nlh);
				continue;
			}
			EXPECT_OK(nl_read_ack(nlh, &ack));
			EXPECT_EQ(-ack.error, EBUSY);
			EXPECT_EQ(nlh->nlmsg_seq, p.sock.seq);
			refusals++;
		}
	}
	EXPECT_EQ(refusals, 1);
	peer_expect_silence(&p);

	/* When the first one is over, the socket is free again. */
	dump = peer_send_dump(&p, COUNT);
	peer_read_dump(&p, &dump, 8192);
}

/* A request in the middle of a dump is answered on the same socket. */
static void request_midway(const void *arg)
{
	enum { COUNT = 2000 };
	static struct nl_msg m;
	struct peer_dump dump;
	bool answered = false;
	struct peer p;

	peer_open(&p);
	dump = peer_send_dump(&p, COUNT);
	peer_read_datagram(&p, &dump, 8192);
	peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, 0x12345678);
	EXPECT_OK(nl_send(&p.sock, &m));
	while (!dump.done || !answered) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&p.sock, m.data, 8192, 0);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq == dump.seq) {
				peer_check_dump(&p, &dump, nlh);
				continue;
			}
			peer_check_header(&p, nlh, p.family.id, 0, p.sock.seq);
			EXPECT_EQ(nl_genl(nlh)->cmd, NLPEER_CMD_ECHO);
			EXPECT_EQ(nla_u32(nl_attrs(nlh)), 0x12345678);
			answered = true;
		}
	}
	peer_expect_silence(&p);
}

/* Dumps on different sockets have nothing to do with each other. */
static void interleaved(const void *arg)
{
	enum { SOCKETS = 4 };
	struct peer_dump dump[SOCKETS];
	struct peer p[SOCKETS], observer;

	peer_open(&observer);
	for (int i = 0; i < SOCKETS; i++)
		dump[i] = begin(&p[i], &observer, i);
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < SOCKETS; i++)
			if (round % (i + 1) == 0)
				peer_read_datagram(&p[i], &dump[i], 8192);
	for (int i = 0; i < SOCKETS; i++) {
		peer_close(&p[i]);
		EXPECT_EQ(peer_status(&observer).dumps, SOCKETS - 1 - i);
	}
}

/* NLM_F_ACK in the request of a dump brings no ack: the end says it all. */
static void no_ack(const void *arg)
{
	static struct nl_msg m;
	struct peer_dump dump;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, NLM_F_DUMP | NLM_F_ACK, NLPEER_CMD_OBJECT_GET);
	nl_put_u32(&m, NLPEER_A_OBJECT_COUNT, 50);
	EXPECT_OK(nl_send(&p.sock, &m));
	dump = (struct peer_dump){ .seq = p.sock.seq, .count = 50 };
	peer_read_dump(&p, &dump, 4096);
}

static void client(const void *arg)
{
	const int *gate = arg;
	struct peer_dump dump;
	struct peer p;
	char byte;

	peer_open(&p);
	/* All begin at once, when the parent closes its end. */
	close(gate[1]);
	EXPECT_EQ(read(gate[0], &byte, 1), 0);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 100; i++)
			peer_ping(&p, getpid() << 8 | i);
		dump = peer_send_dump(&p, 2500);
		peer_read_dump(&p, &dump, NL_MSG_SIZE);
	}
}

static void eight_clients(const void *arg)
{
	struct peer_status before, after;
	struct peer observer;
	pid_t pids[8];
	int gate[2];

	peer_open(&observer);
	before = peer_status(&observer);
	EXPECT(!pipe(gate), "pipe");
	for (int i = 0; i < 8; i++)
		pids[i] = spawn(client, gate);
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < 8; i++)
		join(pids[i]);
	/* No request was lost on the way, or counted twice. */
	after = peer_status(&observer);
	EXPECT_EQ(after.requests, before.requests + 1 + 8 * 4 * (100 + 1));
	EXPECT_EQ(after.dumps, 0);
}

static void (*const stay)(void) = here;
static void (*const leave)(void) = enter_new_netns;

#define VOLUME(count, size)						\
	{ #count " objects, receive buffer of " #size " bytes", volume,	\
	  &(const struct volume){ count, size } }

static const struct ktap_test tests[] = {
	VOLUME(0, 4096),
	VOLUME(0, 8192),
	VOLUME(0, 32768),
	/* covers: trap 28: "1 objects, receive buffer of 4096 bytes" */
	VOLUME(1, 4096),
	VOLUME(1, 8192),
	VOLUME(1, 32768),
	VOLUME(10000, 4096),
	VOLUME(10000, 8192),
	VOLUME(10000, 32768),
	VOLUME(1000000, 32768),
	{ "each count from 0 to 69", each_small_count },
	/* covers: trap f */
	{ "the end at all places of a buffer", each_end },
	{ "closed midway", close_midway },
	/* covers: trap i */
	{ "killed midway", killed_midway, &stay },
	/* covers: trap 2 */
	{ "killed midway, and its network namespace goes", killed_midway, &leave },
	/* covers: trap 10, trap i */
	{ "closed midway by another process", closed_by_another },
	{ "begun by one process, read on by another", read_by_two },
	{ "a receive queue with room for one buffer", small_queue },
	{ "a second dump on the socket is EBUSY", busy },
	{ "a request in the middle of a dump", request_midway },
	{ "four dumps in turns", interleaved },
	{ "no ack, whatever the flags say", no_ack },
	/* covers: trap 1 */
	{ "eight clients at once", eight_clients },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
