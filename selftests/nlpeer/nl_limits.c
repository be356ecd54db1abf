// SPDX-License-Identifier: GPL-2.0
/*
 * What goes wrong, or nearly: messages at the limits of netlink, objects that
 * are larger than a buffer, dumps that fail or become inconsistent on the way.
 * nlpeer does all of it on request, so each place can be tried.
 */
#include <linux/sock_diag.h>
#include "peer.h"

/* The longest payload that the 16-bit length of an attribute can say. */
#define PAYLOAD_MAX	(UINT16_MAX - NLA_HDRLEN)
/* The numbers, of an attribute each, that a nest can hold. */
#define NUMBERS_IN_NEST	(PAYLOAD_MAX / (NLA_HDRLEN + sizeof(uint32_t)))
#define NONE		UINT32_MAX

#define ASKED_FOR	"the request has asked for this error"

/* What a request says, NONE for nothing; and where its error attribute is. */
struct trouble {
	uint32_t count, size, numbers, interrupt_after, fail_after, error;
	uint32_t error_offset;
};

#define TROUBLE(...) \
	((struct trouble){ NONE, NONE, NONE, NONE, NONE, NONE, 0, ##__VA_ARGS__ })

static void put(struct nl_msg *m, uint16_t type, uint32_t value)
{
	if (value != NONE)
		nl_put_u32(m, type, value);
}

static void send_trouble(struct peer *p, struct trouble *t, uint16_t flags)
{
	static struct nl_msg m;

	peer_start(p, &m, flags, NLPEER_CMD_TROUBLE_GET);
	put(&m, NLPEER_A_TROUBLE_COUNT, t->count);
	put(&m, NLPEER_A_TROUBLE_SIZE, t->size);
	put(&m, NLPEER_A_TROUBLE_NUMBERS, t->numbers);
	put(&m, NLPEER_A_TROUBLE_INTERRUPT_AFTER, t->interrupt_after);
	put(&m, NLPEER_A_TROUBLE_FAIL_AFTER, t->fail_after);
	t->error_offset = m.len;
	put(&m, NLPEER_A_TROUBLE_ERROR, t->error);
	EXPECT_OK(nl_send(&p->sock, &m));
}

/* The message of one object, as the spec describes it. */
static void trouble_object(const struct peer *p, struct nl_msg *m,
			   const struct trouble *t, uint16_t flags, uint32_t id)
{
	static unsigned char data[NLPEER_SIZE_MAX];
	size_t list;

	nl_start(m, p->family.id, 0, NLPEER_CMD_TROUBLE_GET, NLPEER_FAMILY_VERSION);
	nl_hdr(m)->nlmsg_flags = flags;
	nl_hdr(m)->nlmsg_seq = p->sock.seq;
	nl_hdr(m)->nlmsg_pid = p->sock.portid;
	nl_put_u32(m, NLPEER_A_TROUBLE_ID, id);
	if (t->size != NONE) {
		for (uint32_t i = 0; i < t->size; i++)
			data[i] = id + i;
		nl_put(m, NLPEER_A_TROUBLE_DATA, data, t->size);
	}
	if (t->numbers != NONE) {
		list = nl_nest(m, NLPEER_A_TROUBLE_LIST);
		for (uint32_t i = 0; i < t->numbers; i++)
			nl_put_u32(m, NLPEER_A_LIST_NUMBER, id + i);
		nl_nest_end(m, list);
	}
	nl_hdr(m)->nlmsg_len = m->len;
}

/* Ask for one object and compare it. */
static void get_one(struct peer *p, struct trouble t)
{
	static struct nl_msg got, want;

	send_trouble(p, &t, 0);
	peer_recv_reply(p, &got, NLPEER_CMD_TROUBLE_GET);
	trouble_object(p, &want, &t, 0, 0);
	EXPECT_BYTES(got.data, got.len, want.data, want.len);
}

/* Ask for one object that no message can hold. */
static void get_too_large(struct peer *p, struct trouble t)
{
	static struct nl_msg m;
	struct nl_ack ack;

	send_trouble(p, &t, 0);
	peer_recv_ack(p, &m, EMSGSIZE, &ack);
	EXPECT_STR(ack.text, "the reply is too large for a message");
	peer_expect_silence(p);
	peer_ping(p, t.size);
}

static void attribute_limit(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (uint32_t size = PAYLOAD_MAX - 8; size <= PAYLOAD_MAX; size++)
		get_one(&p, TROUBLE(.size = size));
	for (uint32_t size = PAYLOAD_MAX + 1; size < PAYLOAD_MAX + 16; size++)
		get_too_large(&p, TROUBLE(.size = size));
	get_too_large(&p, TROUBLE(.size = NLPEER_SIZE_MAX));
}

static void nest_limit(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (uint32_t numbers = 0; numbers < 20; numbers++)
		get_one(&p, TROUBLE(.numbers = numbers));
	get_one(&p, TROUBLE(.numbers = NUMBERS_IN_NEST));
	get_too_large(&p, TROUBLE(.numbers = NUMBERS_IN_NEST + 1));
	get_too_large(&p, TROUBLE(.numbers = NLPEER_NUMBERS_MAX));
	/* The whole may be larger than any of its parts. */
	get_one(&p, TROUBLE(.size = PAYLOAD_MAX, .numbers = NUMBERS_IN_NEST));
	get_too_large(&p, TROUBLE(.size = PAYLOAD_MAX, .numbers = NUMBERS_IN_NEST + 1));
}

/*
 * The kernel fills memory with a byte when it is freed, and does not zero it
 * when it is allocated again: padding that nobody writes is seen.
 */
static void padding(const void *arg)
{
	char line[4096] = "", path[64];
	FILE *file = fopen("/proc/cmdline", "r");
	struct peer p;

	if (!file || !fgets(line, sizeof(line), file) || !strstr(line, "init_on_alloc=0"))
		SKIP("the kernel zeroes memory: boot it with init_on_alloc=0 slab_debug=P");
	fclose(file);
	for (unsigned int size = 512; size <= 8192; size *= 2) {
		snprintf(path, sizeof(path), size < 1024 ? "/sys/kernel/slab/kmalloc-%u/poison" :
			 "/sys/kernel/slab/kmalloc-%uk/poison", size < 1024 ? size : size / 1024);
		file = fopen(path, "r");
		if (!file || fgetc(file) != '1')
			SKIP("memory is not poisoned: boot with init_on_alloc=0 slab_debug=P");
		fclose(file);
	}
	peer_open(&p);
	for (uint32_t size = 0; size < 4096; size++)
		get_one(&p, TROUBLE(.size = size));
}

/* The error attribute, refused with the error that it names. */
static void errors(const void *arg)
{
	static struct nl_msg m;
	struct nl_ack ack;
	struct peer p;

	peer_open(&p);
	for (uint32_t error = 1; error <= NLPEER_ERRNO_MAX; error += error < 140 ? 1 : 113) {
		struct trouble t = TROUBLE(.size = error % 3, .error = error);

		send_trouble(&p, &t, 0);
		/* The core takes EINTR for no answer at all. */
		peer_recv_ack(&p, &m, error == EINTR ? EAGAIN : error, &ack);
		EXPECT_STR(ack.text, ASKED_FOR);
		EXPECT_EQ(ack.offset, t.error_offset);
		EXPECT_EQ(ack.missing, -1);
		peer_expect_silence(&p);
	}
	for (int i = 0; i < 2; i++) {
		struct trouble t = TROUBLE(.error = i ? NLPEER_ERRNO_MAX + 1 : 0);

		send_trouble(&p, &t, 0);
		peer_recv_ack(&p, &m, ERANGE, &ack);
		EXPECT_EQ(ack.offset, t.error_offset);
	}
}

/* How a dump ended. */
struct end {
	uint32_t objects;
	uint32_t datagrams;
	int error;
	const char *text;
	uint32_t marks;		/* messages with NLM_F_DUMP_INTR */
	uint32_t mark;		/* objects in front of the first of them */
	bool mark_first;	/* it is the first message of its datagram */
	bool mark_done;		/* it is the end of the dump */
	bool done_alone;	/* the end has a datagram of its own */
};

/* The text that comes with the end of a dump. */
static const char *done_text(const struct nlmsghdr *nlh)
{
	size_t skip = NLMSG_LENGTH(sizeof(int));
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (nla_index((const char *)nlh + skip, nlh->nlmsg_len - skip, attrs,
		      NLMSGERR_ATTR_MAX) || !attrs[NLMSGERR_ATTR_MSG])
		return NULL;
	return nla_data(attrs[NLMSGERR_ATTR_MSG]);
}

/* Read a dump to its end; each object has to be the one that is due. */
static struct end read_trouble(struct peer *p, const struct trouble *t, size_t size)
{
	static struct nl_msg m, want;
	struct end end = { 0 };

	for (;;) {
		ssize_t len = nl_recv(&p->sock, m.data, size, 0);
		struct nlmsghdr *nlh = nl_hdr(&m);

		if (len < 0)
			FAIL("object %u: %s", end.objects, strerror(-len));
		end.datagrams++;
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			bool done = nlh->nlmsg_type == NLMSG_DONE;

			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR) {
				if (!end.marks++) {
					end.mark = end.objects;
					end.mark_first = nlh == nl_hdr(&m);
					end.mark_done = done;
				}
				nlh->nlmsg_flags &= ~NLM_F_DUMP_INTR;
			}
			EXPECT_EQ(nlh->nlmsg_seq, p->sock.seq);
			EXPECT_EQ(nlh->nlmsg_pid, p->sock.portid);
			EXPECT(nlh->nlmsg_flags & NLM_F_MULTI, "");
			if (done) {
				end.error = -*(int *)NLMSG_DATA(nlh);
				end.text = done_text(nlh);
				end.done_alone = nlh == nl_hdr(&m);
				EXPECT_EQ(len, NLMSG_ALIGN(nlh->nlmsg_len));
				peer_expect_silence(p);
				return end;
			}
			trouble_object(p, &want, t, NLM_F_MULTI, end.objects);
			EXPECT_BYTES(nlh, nlh->nlmsg_len, want.data, want.len);
			end.objects++;
		}
		EXPECT_EQ(len, 0);
	}
}

static struct end dump_trouble(struct peer *p, struct trouble t, size_t size)
{
	send_trouble(p, &t, NLM_F_DUMP);
	return read_trouble(p, &t, size);
}

static void plain(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (uint32_t count = 0; count < 300; count += 7) {
		struct end end = dump_trouble(&p, TROUBLE(.count = count, .numbers = 3,
							   .size = count % 11), 8192);

		EXPECT_EQ(end.objects, count);
		EXPECT_EQ(end.error, 0);
		EXPECT_EQ(end.marks, 0);
	}
}

/* An object that no buffer is large enough for gets one of its own. */
static void large_objects(const void *arg)
{
	static const uint32_t sizes[] = { 4000, 8100, 16000, 20000, 32700, 40000, PAYLOAD_MAX };
	struct peer p, q;

	peer_open(&q);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct end end;

		/* What a socket has once received into decides on its buffers. */
		peer_open(&p);
		end = dump_trouble(&p, TROUBLE(.count = 9, .size = sizes[i]),
				   sizeof(((struct nl_msg *)0)->data));
		EXPECT_EQ(end.objects, 9);
		EXPECT_EQ(end.error, 0);
		if (sizes[i] >= 20000)
			EXPECT(end.datagrams >= 9, "%u datagrams", end.datagrams);
		peer_close(&p);
	}
	EXPECT_EQ(peer_status(&q).dumps, 0);
}

static uint32_t charged(const struct peer *p)
{
	uint32_t mem[SK_MEMINFO_VARS];
	socklen_t len = sizeof(mem);

	EXPECT_OK(getsockopt(p->sock.fd, SOL_SOCKET, SO_MEMINFO, mem, &len));
	return mem[SK_MEMINFO_RMEM_ALLOC];
}

/* A buffer that has grown is charged to the socket as long as it waits there. */
static void charged_objects(const void *arg)
{
	static struct nl_msg m;
	struct trouble t = TROUBLE(.count = 3, .size = PAYLOAD_MAX);
	struct peer p;

	peer_open(&p);
	EXPECT_EQ(charged(&p), 0);
	send_trouble(&p, &t, NLM_F_DUMP);
	EXPECT(charged(&p) > PAYLOAD_MAX, "%u bytes", charged(&p));
	for (bool done = false; !done;) {
		ssize_t len = nl_recv(&p.sock, m.data, sizeof(m.data), 0);
		struct nlmsghdr *nlh = nl_hdr(&m);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
			done = nlh->nlmsg_type == NLMSG_DONE;
	}
	EXPECT_EQ(charged(&p), 0);
}

/* An object that no message can hold ends the dump, and is told as the reason. */
static void too_large(const void *arg)
{
	struct peer p;
	struct end end;

	peer_open(&p);
	end = dump_trouble(&p, TROUBLE(.count = 3, .size = PAYLOAD_MAX + 1), 32768);
	EXPECT_EQ(end.objects, 0);
	EXPECT_EQ(end.error, EMSGSIZE);
	EXPECT_STR(end.text, "an object is too large for a message");
	end = dump_trouble(&p, TROUBLE(.count = 3, .numbers = NUMBERS_IN_NEST + 1), 32768);
	EXPECT_EQ(end.objects, 0);
	EXPECT_EQ(end.error, EMSGSIZE);
	peer_ping(&p, 1);
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

/* Each place where a dump can fail: all objects in front of it come first. */
static void fails_midway(const void *arg)
{
	unsigned int alone = 0, together = 0;
	struct peer p;

	peer_open(&p);
	for (uint32_t after = 0; after < 200; after++) {
		struct trouble t = TROUBLE(.count = 200, .size = 20 + after % 4 * 4,
					   .fail_after = after, .error = after % 100 + 1);
		struct end end = dump_trouble(&p, t, 4096);
		/* The reader must see what the core makes of it. */
		int error = t.error == EINTR ? EAGAIN : (int)t.error;

		EXPECT_EQ(end.objects, after);
		EXPECT_EQ(end.error, error);
		EXPECT_STR(end.text, ASKED_FOR);
		if (end.done_alone)
			alone++;
		else
			together++;
	}
	/* Errors never share a buffer with objects: their text would not fit. */
	EXPECT_EQ(together, 0);
	EXPECT_EQ(alone, 200);
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

static void fails_at_its_end(const void *arg)
{
	struct end end;
	struct peer p;

	peer_open(&p);
	end = dump_trouble(&p, TROUBLE(.count = 70, .fail_after = 70, .error = EPROTO), 4096);
	EXPECT_EQ(end.objects, 70);
	EXPECT_EQ(end.error, EPROTO);
	EXPECT_STR(end.text, ASKED_FOR);
	/* One that would come later does not. */
	end = dump_trouble(&p, TROUBLE(.count = 70, .fail_after = 71, .error = EPROTO), 4096);
	EXPECT_EQ(end.objects, 70);
	EXPECT_EQ(end.error, 0);
	/* Without a place it is the first. */
	end = dump_trouble(&p, TROUBLE(.count = 70, .error = EPROTO), 4096);
	EXPECT_EQ(end.objects, 0);
	EXPECT_EQ(end.error, EPROTO);
}

/* A dump that becomes inconsistent says so once, in the message that comes next. */
static void interrupted(const void *arg)
{
	struct peer p, q;

	peer_open(&p);
	peer_open(&q);
	for (uint32_t after = 1; after <= 200; after++) {
		struct trouble t = TROUBLE(.count = 200, .size = 16, .interrupt_after = after);
		/* At the same place, whatever the reader has room for. */
		struct end end = after % 2 ? dump_trouble(&p, t, 4096) :
					     dump_trouble(&q, t, 32768);

		EXPECT_EQ(end.objects, 200);
		EXPECT_EQ(end.error, 0);
		EXPECT_EQ(end.marks, 1);
		EXPECT_EQ(end.mark, after);
		EXPECT(after == 200 ? end.mark_done : end.mark_first, "at another message");
	}
	/* What would change after the end is no matter. */
	EXPECT_EQ(dump_trouble(&p, TROUBLE(.count = 200, .interrupt_after = 201), 4096).marks, 0);
	EXPECT_EQ(dump_trouble(&p, TROUBLE(.count = 0, .interrupt_after = 1), 4096).marks, 0);
}

/* Somebody changes the objects while a dump is open. */
static void changed(const void *arg)
{
	struct trouble t = TROUBLE(.count = 500, .size = 16);
	struct peer p, q;

	peer_open(&p);
	for (int elsewhere = 0; elsewhere <= 1; elsewhere++) {
		static struct nl_msg m;
		struct end end;

		/* The first buffers are there before the change. */
		send_trouble(&p, &t, NLM_F_DUMP);
		if (elsewhere)
			enter_new_netns();
		peer_open(&q);
		peer_start(&q, &m, 0, NLPEER_CMD_CHANGE);
		peer_command(&q, &m, 0);
		end = read_trouble(&p, &t, 4096);
		EXPECT_EQ(end.objects, 500);
		EXPECT_EQ(end.error, 0);
		/* That of another network namespace changes nothing here. */
		EXPECT_EQ(end.marks, !elsewhere);
		EXPECT(elsewhere || end.mark > 0, "at the first object");
		peer_close(&q);
	}
}

/* Replies to one request, in order, and then the ack. */
static void several(const void *arg)
{
	int size = 4 << 20;
	struct peer p;

	peer_open(&p);
	EXPECT_OK(setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	for (uint32_t count = 1; count <= NLPEER_REPLIES_MAX; count += 333) {
		static struct nl_msg m;
		struct nl_ack ack;

		peer_start(&p, &m, NLM_F_ACK, NLPEER_CMD_SEVERAL_GET);
		nl_put_u32(&m, NLPEER_A_SEVERAL_COUNT, count);
		EXPECT_OK(nl_send(&p.sock, &m));
		for (uint32_t i = 1; i <= count; i++) {
			peer_recv_reply(&p, &m, NLPEER_CMD_SEVERAL_GET);
			EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), i);
		}
		peer_recv_ack(&p, &m, 0, &ack);
		peer_expect_silence(&p);
	}
}

/* The largest reply, and some that are not. */
static void big(const void *arg)
{
	static const uint32_t sizes[] = { 65537, 200000, 2 << 20, NLPEER_BIG_MAX };
	size_t room = 5 << 20;
	struct nlmsghdr *nlh = malloc(room);
	int size = 16 << 20;
	struct peer p;

	EXPECT(nlh, "no memory");
	peer_open(&p);
	EXPECT_OK(setsockopt(p.sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		static struct nl_msg m;
		const struct nlattr *piece;
		size_t left, at = 0;
		ssize_t len;

		peer_start(&p, &m, 0, NLPEER_CMD_BIG_GET);
		nl_put_u32(&m, NLPEER_A_BIG_SIZE, sizes[i]);
		EXPECT_OK(nl_send(&p.sock, &m));
		len = nl_recv(&p.sock, nlh, room, 0);
		EXPECT(len > (ssize_t)sizes[i], "%zd", len);
		EXPECT_EQ(nlh->nlmsg_len, len);
		EXPECT_EQ(nlh->nlmsg_type, p.family.id);
		nla_for_each(piece, nl_attrs(nlh), nl_attrs_len(nlh), left) {
			const struct nlattr *data = nla_data(piece);
			const unsigned char *byte = nla_data(data);

			for (size_t n = 0; n < nla_len(data); n++, at++)
				EXPECT(byte[n] == (at & 0xff), "byte %zu is %u", at, byte[n]);
		}
		EXPECT_EQ(at, sizes[i]);
	}
	free(nlh);
}

static void interrupted_and_failed(const void *arg)
{
	struct peer p;

	peer_open(&p);
	for (uint32_t after = 2; after <= 100; after++) {
		struct end end = dump_trouble(&p, TROUBLE(.count = 200, .size = 16,
							   .interrupt_after = after / 2,
							   .fail_after = after,
							   .error = ENODEV), 4096);

		EXPECT_EQ(end.objects, after);
		EXPECT_EQ(end.error, ENODEV);
		EXPECT_STR(end.text, ASKED_FOR);
		EXPECT_EQ(end.marks, 1);
	}
}

/* A dump that does not move ends, when a buffer is full of the same object. */
static void stuck(const void *arg)
{
	static struct nl_msg m, want;
	struct trouble t = TROUBLE();
	const struct nlmsghdr *nlh;
	struct peer p;
	ssize_t len;

	peer_open(&p);
	peer_start(&p, &m, NLM_F_DUMP, NLPEER_CMD_TROUBLE_GET);
	nl_put_u32(&m, NLPEER_A_TROUBLE_COUNT, 1);
	nl_put(&m, NLPEER_A_TROUBLE_STUCK, NULL, 0);
	EXPECT_OK(nl_send(&p.sock, &m));
	len = nl_recv(&p.sock, m.data, 4096, 0);
	EXPECT(len > 0, "%zd", len);
	trouble_object(&p, &want, &t, NLM_F_MULTI, 0);
	for (nlh = nl_hdr(&m); NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		EXPECT_BYTES(nlh, nlh->nlmsg_len, want.data, want.len);
	EXPECT_OK(nl_recv_msg(&p.sock, &m));
	nlh = nl_hdr(&m);
	EXPECT_EQ(nlh->nlmsg_type, NLMSG_DONE);
	EXPECT_EQ(*(int *)NLMSG_DATA(nlh), -EINVAL);
	EXPECT_STR(done_text(nlh), "the dump does not advance");
	peer_expect_silence(&p);
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

/* The state of such a dump has memory of its own; who leaves frees it. */
static void closed_midway(const void *arg)
{
	struct peer p, q;

	peer_open(&q);
	for (int i = 0; i < 200; i++) {
		struct trouble t = TROUBLE(.count = 100000, .size = 5000 + i * 200);
		static struct nl_msg m;

		peer_open(&p);
		send_trouble(&p, &t, NLM_F_DUMP);
		for (int reads = i % 4; reads; reads--)
			EXPECT_OK(nl_recv(&p.sock, m.data, sizeof(m.data), 0));
		EXPECT_EQ(peer_status(&q).dumps, 1);
		peer_close(&p);
		WAIT_FOR(peer_status(&q).dumps == 0);
	}
}

static const struct ktap_test tests[] = {
	/* covers: trap 14 */
	{ "an attribute of 65,535 bytes, and none that is larger", attribute_limit },
	/* covers: trap 14 */
	{ "a nest of 65,535 bytes, and none that is larger", nest_limit },
	{ "padding is zero in memory that is not", padding },
	/* covers: trap 12 */
	{ "each error, with text and attribute", errors },
	/* covers: trap 26 */
	{ "dump: data and lists", plain },
	/* covers: trap 11 */
	{ "dump: objects larger than a buffer", large_objects },
	/* covers: trap t */
	{ "dump: objects larger than a buffer are charged", charged_objects },
	/* covers: trap 11, trap f, trap w */
	{ "dump: an object larger than a message", too_large },
	/* covers: trap 12 */
	{ "dump: an error at each place", fails_midway },
	{ "dump: an error at the end, behind it, at no place", fails_at_its_end },
	/* covers: trap 26 */
	{ "dump: inconsistent from each place on", interrupted },
	{ "dump: inconsistent, then an error", interrupted_and_failed },
	{ "dump: inconsistent by a change, in its network namespace", changed },
	{ "several replies, in order, then the ack", several },
	{ "replies to the largest that there is", big },
	/* covers: trap h */
	{ "dump: one that does not advance", stuck },
	{ "dump: closed midway, with a state in memory of its own", closed_midway },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
