/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests know about nlpeer: its requests, what a reply must look like
 * to the byte, the values of its objects. All numbers come from nlpeer.h, which
 * the kernel's generator makes from the spec.
 */
#ifndef PEER_H
#define PEER_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "ktap.h"
#include "nl.h"
#include "nlpeer.h"

struct peer {
	struct nl_sock sock;
	struct nl_family family;
};

static inline void peer_open(struct peer *p)
{
	struct nl_sock s;

	/* Not on the socket of the test: the largest buffer that a socket has
	 * received into is what the core makes its dumps fit into.
	 */
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, NLPEER_FAMILY_NAME, 0, &p->family));
	nl_close(&s);
	EXPECT_OK(nl_open(&p->sock));
}

static inline void peer_close(struct peer *p)
{
	nl_close(&p->sock);
}

static inline void peer_start(struct peer *p, struct nl_msg *m, uint16_t flags,
			      uint8_t cmd)
{
	nl_start(m, p->family.id, flags, cmd, NLPEER_FAMILY_VERSION);
}

/* Check the header of an answer to the request with the number @seq. */
static inline void peer_check_header(const struct peer *p,
				     const struct nlmsghdr *nlh, uint16_t type,
				     uint16_t flags, uint32_t seq)
{
	EXPECT_EQ(nlh->nlmsg_type, type);
	EXPECT_EQ(nlh->nlmsg_flags, flags);
	EXPECT_EQ(nlh->nlmsg_seq, seq);
	EXPECT_EQ(nlh->nlmsg_pid, p->sock.portid);
}

/* Receive a message that is the only one in its datagram. */
static inline void peer_recv(struct peer *p, struct nl_msg *m)
{
	EXPECT_OK(nl_recv_msg(&p->sock, m));
	EXPECT_EQ(m->len, NLMSG_ALIGN(nl_hdr(m)->nlmsg_len));
}

/* Receive the reply to @cmd; the caller looks at the attributes. */
static inline void peer_recv_reply(struct peer *p, struct nl_msg *m, uint8_t cmd)
{
	struct genlmsghdr *genl = nl_genl(nl_hdr(m));
	struct nl_ack ack;

	peer_recv(p, m);
	if (!nl_read_ack(nl_hdr(m), &ack))
		FAIL("refused: %s: %s", strerror(-ack.error), ack.text ?: "no text");
	peer_check_header(p, nl_hdr(m), p->family.id, 0, p->sock.seq);
	EXPECT(nl_hdr(m)->nlmsg_len >= NL_ATTRS, "%u", nl_hdr(m)->nlmsg_len);
	EXPECT_EQ(genl->cmd, cmd);
	EXPECT_EQ(genl->version, NLPEER_FAMILY_VERSION);
	EXPECT_EQ(genl->reserved, 0);
}

/* Receive an ack: of success, where @error is 0, or a refusal. */
static inline void peer_recv_ack(struct peer *p, struct nl_msg *m, int error,
				 struct nl_ack *ack)
{
	peer_recv(p, m);
	EXPECT_OK(nl_read_ack(nl_hdr(m), ack));
	EXPECT_EQ(-ack->error, error);
	EXPECT_EQ(nl_hdr(m)->nlmsg_seq, p->sock.seq);
	EXPECT_EQ(nl_hdr(m)->nlmsg_pid, p->sock.portid);
}

/* Nothing is left to read. Only valid where nothing can be on its way. */
static inline void peer_expect_silence(struct peer *p)
{
	char byte;

	EXPECT_EQ(nl_recv(&p->sock, &byte, 1, MSG_DONTWAIT), -EAGAIN);
}

/* Send a request that is answered by nothing but an ack. */
static inline void peer_command(struct peer *p, struct nl_msg *m, int error)
{
	struct nl_ack ack;

	nl_hdr(m)->nlmsg_flags |= NLM_F_ACK;
	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv_ack(p, m, error, &ack);
	peer_expect_silence(p);
}

/* Echo one number: the shortest proof that the family is alive. */
static inline void peer_ping(struct peer *p, uint32_t value)
{
	static struct nl_msg m;
	struct { struct nlattr nla; uint32_t value; } want = {
		{ sizeof(want), NLPEER_A_VALUE_U32 }, value,
	};

	peer_start(p, &m, 0, NLPEER_CMD_ECHO);
	nl_put_u32(&m, NLPEER_A_VALUE_U32, value);
	EXPECT_OK(nl_send(&p->sock, &m));
	peer_recv_reply(p, &m, NLPEER_CMD_ECHO);
	EXPECT_BYTES(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), &want,
		     sizeof(want));
}

struct peer_status {
	uint64_t requests;
	uint32_t dumps;
};

static inline struct peer_status peer_status(struct peer *p)
{
	static struct nl_msg m;
	const struct nlattr *attrs[NLPEER_A_STATUS_MAX + 1];

	peer_start(p, &m, 0, NLPEER_CMD_STATUS_GET);
	EXPECT_OK(nl_send(&p->sock, &m));
	peer_recv_reply(p, &m, NLPEER_CMD_STATUS_GET);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)),
			    attrs, NLPEER_A_STATUS_MAX));
	EXPECT(attrs[NLPEER_A_STATUS_REQUESTS], "missing");
	EXPECT(attrs[NLPEER_A_STATUS_DUMPS], "missing");
	EXPECT_EQ(nla_len(attrs[NLPEER_A_STATUS_REQUESTS]), 8);
	EXPECT_EQ(nla_len(attrs[NLPEER_A_STATUS_DUMPS]), 4);
	return (struct peer_status){
		.requests = nla_u64(attrs[NLPEER_A_STATUS_REQUESTS]),
		.dumps = nla_u32(attrs[NLPEER_A_STATUS_DUMPS]),
	};
}

/* The message of one object, as the spec describes it. */
static inline void peer_object(const struct peer *p, struct nl_msg *m,
			       uint32_t seq, uint32_t id)
{
	char name[NLPEER_NAME_MAX + 1];
	size_t pair;

	nl_start(m, p->family.id, 0, NLPEER_CMD_OBJECT_GET, NLPEER_FAMILY_VERSION);
	nl_hdr(m)->nlmsg_flags = NLM_F_MULTI;
	nl_hdr(m)->nlmsg_seq = seq;
	nl_hdr(m)->nlmsg_pid = p->sock.portid;
	nl_put_u32(m, NLPEER_A_OBJECT_ID, id);
	nl_put_u64(m, NLPEER_A_OBJECT_COUNTER, (uint64_t)id << 32 | id);
	snprintf(name, sizeof(name), "obj-%u", id);
	nl_put_str(m, NLPEER_A_OBJECT_NAME, name);
	pair = nl_nest(m, NLPEER_A_OBJECT_PAIR);
	nl_put_u32(m, NLPEER_A_PAIR_A, id + 1);
	nl_put_u32(m, NLPEER_A_PAIR_B, id + 2);
	nl_nest_end(m, pair);
	nl_put_u32(m, NLPEER_A_OBJECT_V1, id + 10);
	nl_put_u32(m, NLPEER_A_OBJECT_V2, id + 11);
	nl_put_u32(m, NLPEER_A_OBJECT_V3, id + 12);
	nl_put_u32(m, NLPEER_A_OBJECT_V4, id + 13);
	nl_put_u32(m, NLPEER_A_OBJECT_V5, id + 14);
	nl_put_u32(m, NLPEER_A_OBJECT_V6, id + 15);
	if (id % 4 == 0)
		nl_put_u32(m, NLPEER_A_OBJECT_EXTRA, id ^ 0xffff);
	nl_hdr(m)->nlmsg_len = m->len;
}

/* How far the reading of a dump is. */
struct peer_dump {
	uint32_t seq;		/* of the request */
	uint32_t count;		/* objects that were asked for */
	uint32_t next;		/* id of the object that is due */
	bool done;
	size_t datagrams;
	size_t bytes;
	size_t last;		/* bytes in the last datagram */
};

/* Send a request for a dump of @count objects. */
static inline struct peer_dump peer_send_dump(struct peer *p, uint32_t count)
{
	static struct nl_msg m;

	peer_start(p, &m, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
	nl_put_u32(&m, NLPEER_A_OBJECT_COUNT, count);
	EXPECT_OK(nl_send(&p->sock, &m));
	return (struct peer_dump){ .seq = p->sock.seq, .count = count };
}

/* Check one message of a dump: the object that is due, or the end after all. */
static inline void peer_check_dump(struct peer *p, struct peer_dump *d,
				   const struct nlmsghdr *nlh)
{
	static struct nl_msg want;

	EXPECT(!d->done, "a message after NLMSG_DONE");
	if (nlh->nlmsg_type == NLMSG_DONE) {
		peer_check_header(p, nlh, NLMSG_DONE, NLM_F_MULTI, d->seq);
		EXPECT_EQ(nlh->nlmsg_len, NLMSG_LENGTH(sizeof(int)));
		EXPECT_EQ(*(int *)NLMSG_DATA(nlh), 0);
		EXPECT_EQ(d->next, d->count);
		d->done = true;
		return;
	}
	EXPECT(d->next < d->count, "more than %u objects", d->count);
	peer_object(p, &want, d->seq, d->next);
	EXPECT_BYTES(nlh, nlh->nlmsg_len, want.data, want.len);
	d->next++;
}

/* Receive one datagram of a dump, into a buffer of @size bytes. */
static inline void peer_read_datagram(struct peer *p, struct peer_dump *d,
				      size_t size)
{
	static struct nl_msg m;
	ssize_t len = nl_recv(&p->sock, m.data, size, 0);
	struct nlmsghdr *nlh = nl_hdr(&m);

	if (len < 0)
		FAIL("object %u of %u: %s", d->next, d->count, strerror(-len));
	EXPECT(len, "an empty datagram");
	d->datagrams++;
	d->bytes += len;
	d->last = len;
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		peer_check_dump(p, d, nlh);
	EXPECT_EQ(len, 0);
}

/* Read a dump to its end. */
static inline void peer_read_dump(struct peer *p, struct peer_dump *d, size_t size)
{
	while (!d->done)
		peer_read_datagram(p, d, size);
	peer_expect_silence(p);
}

#define NOBODY	65534

/* Become a user without any capability. */
static inline void become_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		SKIP("no other user: %s", strerror(errno));
}

/* Enter a new network namespace. */
static inline void enter_new_netns(void)
{
	if (unshare(CLONE_NEWNET))
		SKIP("no network namespaces: %s", strerror(errno));
}

/* Write a file of /proc or /sys. */
static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : write(fd, text, strlen(text));
	int err = len < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

#endif /* PEER_H */
