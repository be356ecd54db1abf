/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What holds for all that a family sends, whatever it was asked: headers,
 * attributes and their padding, errors, the order of messages. What breaks it is
 * shown, with the request, and how to send that one again.
 *
 * Two things are taken for granted that netlink does not ask for: a reply has the
 * command of its request, and neighbours in a dump differ, unless it ends with an
 * error: rust/genl lets a dump that stays where it is fill a buffer before.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include "request.h"

enum {
	FUZZ_ERRNO = 4095,	/* the largest that the kernel has */
	FUZZ_COOKIE = 8,	/* NETLINK_MAX_COOKIE_LEN */
	FUZZ_OBJECTS = 4096,	/* more than a small request asks for */
	FUZZ_REPEATS = 2048,	/* more than a buffer holds */
	FUZZ_LIFE = 256,	/* requests of one socket */
	FUZZ_DUMP_FLAGS = NLM_F_MULTI | NLM_F_DUMP_INTR | NLM_F_DUMP_FILTERED,
};

/* A request that was sent, and how far its answer is. */
struct fuzz_open {
	uint64_t number;
	struct nlmsghdr hdr;
	struct genlmsghdr genl;
	uint64_t hash;		/* of what is behind the header */
	uint32_t messages;
	uint64_t last;		/* the hash of the last message */
	uint32_t repeats;	/* how often that came again */
	bool repeated;
	int op;			/* the index in the family, or -1 */
	bool dump, small;
	bool expected;		/* it has to be answered */
	bool multi, done;	/* a do with several messages; their end */
	bool ended;		/* by an ack, an error or NLMSG_DONE */
	bool succeeded;
};

struct fuzz_sock {
	struct nl_sock nl;
	size_t size;		/* of the buffer that it receives into */
	uint32_t base;		/* the number before that of its first request */
	int life;		/* how many requests it will have */
	int count;
	int64_t retired;	/* since when it waits for late answers; 0: not yet */
	struct fuzz_open open[FUZZ_LIFE];
};

struct fuzz_stats {
	uint64_t messages, notifications, overruns, closed;
	struct {
		uint64_t sent, succeeded, refused;
	} ops[FUZZ_OPS];
};

/* What is looked at, for the report. */
static struct {
	const struct fuzz_family *family;
	uint64_t seed;
	const struct fuzz_open *open;
	const void *datagram;
	size_t len;
} fuzz_now;

static inline void fuzz_hexdump(const char *what, const void *data, size_t len)
{
	const unsigned char *p = data;

	DIAG("%s, %zu bytes:", what, len);
	for (size_t i = 0; i < len && i < 512; i += 16) {
		char line[3 * 16 + 1] = "";

		for (size_t j = 0; j < 16 && i + j < len; j++)
			sprintf(line + 3 * j, " %02x", p[i + j]);
		DIAG("  %04zx %s", i, line);
	}
}

static inline void fuzz_show(void)
{
	const struct fuzz_family *f = fuzz_now.family;
	static struct fuzz_request q;

	if (fuzz_now.len)
		fuzz_hexdump("received", fuzz_now.datagram, fuzz_now.len);
	if (fuzz_now.open) {
		fuzz_make(&q, f, fuzz_now.seed, fuzz_now.open->number);
		fuzz_hexdump("the request, but for its sequence number", q.m.data, q.m.len);
		DIAG("this request alone: nl_fuzz -s %lu -r %lu %s", fuzz_now.seed,
		     fuzz_now.open->number, f->nl.name);
	}
}

#define BROKEN(fmt, ...) do {						\
	fuzz_show();							\
	FAIL("%s: " fmt, fuzz_now.family->nl.name, ##__VA_ARGS__);	\
} while (0)

/* FNV-1a, of 8 bytes at a time. */
static inline uint64_t fuzz_hash(const void *data, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325, word;
	const unsigned char *p = data;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3;
	}
	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3;
	return hash;
}

static inline void fuzz_check_padding(const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = len; i < NLA_ALIGN(len); i++)
		if (p[i])
			BROKEN("padding that is not zero: 0x%02x", p[i]);
}

static inline void fuzz_check_attrs(const void *head, size_t len)
{
	const unsigned char *p = head;

	while (len) {
		const struct nlattr *nla = (const void *)p;
		size_t step;

		if (len < NLA_HDRLEN)
			BROKEN("%zu bytes behind the last attribute", len);
		if (nla->nla_len < NLA_HDRLEN)
			BROKEN("an attribute of %u bytes", nla->nla_len);
		if (nla->nla_len > len)
			BROKEN("an attribute of %u bytes where %zu are left", nla->nla_len, len);
		if ((nla->nla_type & NLA_F_NESTED) && (nla->nla_type & NLA_F_NET_BYTEORDER))
			BROKEN("an attribute with both flags: 0x%x", nla->nla_type);
		step = NLA_ALIGN(nla->nla_len);
		if (step > len)
			BROKEN("an attribute without its padding");
		fuzz_check_padding(p, nla->nla_len);
		if (nla->nla_type & NLA_F_NESTED)
			fuzz_check_attrs(nla_data(nla), nla_len(nla));
		p += step;
		len -= step;
	}
}

static inline void fuzz_check_errno(int error)
{
	if (error > 0 || error < -FUZZ_ERRNO)
		BROKEN("the errno %d", error);
}

/* The attributes of an extended ack. */
static inline void fuzz_check_extack(const struct fuzz_open *o, const void *head, size_t len)
{
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	const struct nlattr *nla;

	fuzz_check_attrs(head, len);
	if (nla_index(head, len, attrs, NLMSGERR_ATTR_MAX))
		BROKEN("an extended ack with an unknown attribute, or one that is there twice");
	nla = attrs[NLMSGERR_ATTR_MSG];
	if (nla && (!nla_len(nla) || memchr(nla_data(nla), 0, nla_len(nla)) !=
		    (const char *)nla_data(nla) + nla_len(nla) - 1))
		BROKEN("a text of an extended ack that does not end with its only NUL");
	for (int type = 0; type <= NLMSGERR_ATTR_MAX; type++) {
		nla = attrs[type];
		if (!nla || (type != NLMSGERR_ATTR_OFFS && type != NLMSGERR_ATTR_MISS_NEST))
			continue;
		if (nla_len(nla) != 4 || nla_u32(nla) < NL_ATTRS ||
		    nla_u32(nla) + NLA_HDRLEN > o->hdr.nlmsg_len)
			BROKEN("an extended ack whose offset, %u, is no attribute of the request",
			       nla_len(nla) == 4 ? nla_u32(nla) : 0);
	}
	nla = attrs[NLMSGERR_ATTR_COOKIE];
	if (nla && nla_len(nla) > FUZZ_COOKIE)
		BROKEN("a cookie of %zu bytes", nla_len(nla));
	nla = attrs[NLMSGERR_ATTR_MISS_TYPE];
	if (nla && nla_len(nla) != 4)
		BROKEN("a missing attribute whose type has %zu bytes", nla_len(nla));
}

/* genltest's command 44 has secrets, which are wiped before an error quotes its request. */
static inline bool fuzz_wiped(const unsigned char *p, size_t len)
{
	return len && *p == 44 && !strcmp(fuzz_now.family->nl.name, "genltest");
}

static inline void fuzz_check_error(struct fuzz_open *o, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t skip = NLMSG_LENGTH(sizeof(*err));

	if (nlh->nlmsg_flags & ~(NLM_F_CAPPED | NLM_F_ACK_TLVS))
		BROKEN("an error message with the flags 0x%x", nlh->nlmsg_flags);
	if (nlh->nlmsg_len < skip)
		BROKEN("an error message of %u bytes", nlh->nlmsg_len);
	fuzz_check_errno(err->error);
	if (memcmp(&err->msg, &o->hdr, sizeof(o->hdr)))
		BROKEN("an error message that quotes another request");
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		size_t len = o->hdr.nlmsg_len - NLMSG_HDRLEN;
		const unsigned char *p = (const void *)(err + 1);

		if (nlh->nlmsg_len < skip + len)
			BROKEN("an error message that does not quote all of the request");
		if (fuzz_hash(p, len) != o->hash && !fuzz_wiped(p, len))
			BROKEN("an error message that quotes other bytes");
		fuzz_check_padding(p, len);
		skip += NLMSG_ALIGN(len);
	}
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS)) {
		if (nlh->nlmsg_len != skip)
			BROKEN("an error message of %u bytes, not %zu", nlh->nlmsg_len, skip);
	} else {
		if (nlh->nlmsg_len < skip)
			BROKEN("an error message without the attributes that it promises");
		fuzz_check_extack(o, (const char *)nlh + skip, nlh->nlmsg_len - skip);
	}
	if (!err->error && o->dump)
		BROKEN("a dump that is acked");
	if (!err->error && !(o->hdr.nlmsg_flags & NLM_F_ACK))
		BROKEN("an ack that nobody has asked for");
	if (o->dump && o->messages)
		BROKEN("an error message in the midst of a dump");
	o->succeeded |= !err->error;
	/*
	 * A dump whose first buffer the socket has no room for is told so, and goes on
	 * when there is room: see netlink_dump().
	 */
	o->ended = !(o->dump && err->error == -ENOBUFS);
}

/* genltest has dos that answer several messages, as a dump does; others have none. */
static inline bool fuzz_multipart(const struct fuzz_open *o)
{
	return !o->dump && !strcmp(fuzz_now.family->nl.name, "genltest");
}

/* The end of the messages of a do, with the code 0 or, as in C, without any; an ack may follow. */
static inline void fuzz_check_do_done(struct fuzz_open *o, const struct nlmsghdr *nlh)
{
	const int *error = NLMSG_DATA(nlh);

	if (!fuzz_multipart(o))
		BROKEN("NLMSG_DONE for a do");
	if (o->done)
		BROKEN("NLMSG_DONE twice");
	if (nlh->nlmsg_flags != NLM_F_MULTI)
		BROKEN("NLMSG_DONE for a do with the flags 0x%x", nlh->nlmsg_flags);
	if (nlh->nlmsg_len != NLMSG_HDRLEN &&
	    (nlh->nlmsg_len != NLMSG_LENGTH(sizeof(*error)) || *error))
		BROKEN("NLMSG_DONE for a do of %u bytes", nlh->nlmsg_len);
	o->done = true;
	o->succeeded = true;
	o->ended = !(o->hdr.nlmsg_flags & NLM_F_ACK);
}

static inline void fuzz_check_done(struct fuzz_open *o, const struct nlmsghdr *nlh)
{
	size_t skip = NLMSG_LENGTH(sizeof(int));
	const int *error = NLMSG_DATA(nlh);

	if (!o->dump) {
		fuzz_check_do_done(o, nlh);
		return;
	}
	if (nlh->nlmsg_len < skip)
		BROKEN("NLMSG_DONE of %u bytes", nlh->nlmsg_len);
	fuzz_check_errno(*error);
	if (!(nlh->nlmsg_flags & NLM_F_MULTI) ||
	    nlh->nlmsg_flags & ~(FUZZ_DUMP_FLAGS | NLM_F_ACK_TLVS))
		BROKEN("NLMSG_DONE with the flags 0x%x", nlh->nlmsg_flags);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		fuzz_check_extack(o, (const char *)nlh + skip, nlh->nlmsg_len - skip);
	else if (nlh->nlmsg_len != skip)
		BROKEN("NLMSG_DONE of %u bytes", nlh->nlmsg_len);
	if (o->repeated && !*error)
		BROKEN("a dump that repeats itself and does not say so");
	o->succeeded |= !*error;
	o->ended = true;
}

/* Whatever the family itself sends: replies, objects, notifications. */
static inline void fuzz_check_message(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = nl_genl(nlh);

	if (nlh->nlmsg_type != fuzz_now.family->nl.id)
		BROKEN("a message of the type %u", nlh->nlmsg_type);
	if (nlh->nlmsg_len < NL_ATTRS)
		BROKEN("a message of %u bytes", nlh->nlmsg_len);
	if (genl->version != fuzz_now.family->nl.version)
		BROKEN("a message of the version %u", genl->version);
	if (genl->reserved)
		BROKEN("a message whose reserved bytes are 0x%x", genl->reserved);
	fuzz_check_attrs(nl_attrs(nlh), nl_attrs_len(nlh));
}

static inline void fuzz_check_reply(struct fuzz_open *o, const struct nlmsghdr *nlh)
{
	fuzz_check_message(nlh);
	/* A notification that the sender has asked to get as well has one of its own. */
	if (nl_genl(nlh)->cmd != o->genl.cmd && !(o->hdr.nlmsg_flags & NLM_F_ECHO))
		BROKEN("a reply with the command %u", nl_genl(nlh)->cmd);
	if (o->done)
		BROKEN("a message behind NLMSG_DONE");
	if (!o->dump) {
		o->multi |= nlh->nlmsg_flags == NLM_F_MULTI && fuzz_multipart(o);
		if (nlh->nlmsg_flags != (o->multi ? NLM_F_MULTI : 0))
			BROKEN("a reply to a do with the flags 0x%x", nlh->nlmsg_flags);
	} else {
		uint64_t hash = fuzz_hash(nlh, nlh->nlmsg_len);

		if (!(nlh->nlmsg_flags & NLM_F_MULTI) ||
		    nlh->nlmsg_flags & ~FUZZ_DUMP_FLAGS)
			BROKEN("a message of a dump with the flags 0x%x", nlh->nlmsg_flags);
		o->repeats = o->messages && hash == o->last ? o->repeats + 1 : 0;
		if (o->repeats == FUZZ_REPEATS)
			BROKEN("a dump that repeats itself %u times", FUZZ_REPEATS);
		o->repeated |= o->repeats;
		if (o->small && o->messages == FUZZ_OBJECTS)
			BROKEN("a dump that does not end after %u messages", o->messages);
		o->last = hash;
	}
	o->messages++;
	o->succeeded = true;
}

static inline void fuzz_check_answer(struct fuzz_sock *s, const struct nlmsghdr *nlh,
				     struct fuzz_stats *stats)
{
	uint32_t i = nlh->nlmsg_seq - s->base - 1;
	struct fuzz_open *o = &s->open[i];
	bool succeeded, ended;

	/* A message to this port that is no answer. */
	if (!nlh->nlmsg_pid && !nlh->nlmsg_seq && nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		fuzz_check_message(nlh);
		__atomic_fetch_add(&stats->notifications, 1, __ATOMIC_RELAXED);
		return;
	}
	if (i >= (uint32_t)s->count)
		BROKEN("the sequence number %u, which no request has had", nlh->nlmsg_seq);
	fuzz_now.open = o;
	if (nlh->nlmsg_pid != s->nl.portid)
		BROKEN("the port %u, not %u", nlh->nlmsg_pid, s->nl.portid);
	if (o->ended)
		BROKEN("a message behind the end of the answer");

	succeeded = o->succeeded;
	ended = o->ended;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		fuzz_check_error(o, nlh);
	else if (nlh->nlmsg_type == NLMSG_DONE)
		fuzz_check_done(o, nlh);
	else
		fuzz_check_reply(o, nlh);
	__atomic_fetch_add(&stats->messages, 1, __ATOMIC_RELAXED);
	if (o->op < 0)
		return;
	if (!succeeded && o->succeeded)
		__atomic_fetch_add(&stats->ops[o->op].succeeded, 1, __ATOMIC_RELAXED);
	else if (!ended && o->ended && !o->succeeded)
		__atomic_fetch_add(&stats->ops[o->op].refused, 1, __ATOMIC_RELAXED);
}

/* A datagram, which came for a group if @group is not 0. */
static inline void fuzz_check_datagram(struct fuzz_sock *s, const void *data, size_t len,
				       uint32_t group, struct fuzz_stats *stats)
{
	const unsigned char *p = data;

	fuzz_now.datagram = data;
	fuzz_now.len = len;
	fuzz_now.open = s->count ? &s->open[s->count - 1] : NULL;
	if (!len)
		BROKEN("an empty datagram");
	while (len) {
		const struct nlmsghdr *nlh = (const void *)p;
		size_t step;

		if (len < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > len)
			BROKEN("a message of %u bytes where %zu are left",
			       len < NLMSG_HDRLEN ? 0 : nlh->nlmsg_len, len);
		step = NLMSG_ALIGN(nlh->nlmsg_len);
		if (step > len)
			BROKEN("a message without its padding");
		fuzz_check_padding(p, nlh->nlmsg_len);
		if (group) {
			fuzz_check_message(nlh);
			__atomic_fetch_add(&stats->notifications, 1, __ATOMIC_RELAXED);
		} else {
			fuzz_check_answer(s, nlh, stats);
		}
		p += step;
		len -= step;
	}
	fuzz_now.len = 0;
}

#endif /* FUZZ_CHECK_H */
