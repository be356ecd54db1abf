/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests that follow from a seed and a number, and from nothing else: any of
 * them can be made again. Half of them keep to the policy, a quarter go to its
 * bounds and beyond, a quarter are spoiled when they are complete.
 *
 * What a policy bounds may be a cost, like a count or a time. Such numbers are
 * small but in one of eight requests, so that most are cheap.
 */
#ifndef FUZZ_REQUEST_H
#define FUZZ_REQUEST_H

#include "nlpeer.h"
#include "policy.h"

enum {
	FUZZ_SMALL = 64,	/* a number that costs nothing */
	FUZZ_DEPTH = 12,	/* nests in nests: some more than the kernel takes */
	FUZZ_SIZE = 60000,	/* no attributes are added to a message that has more */
};

enum fuzz_kind { FUZZ_VALID, FUZZ_BOUNDARY, FUZZ_MUTATED };

struct fuzz_request {
	enum fuzz_kind kind;
	bool is_void;		/* says that it is longer than it is: nobody sees it */
	bool small;		/* none of its numbers can ask for much */
	struct nl_msg m;
};

struct fuzz_rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t fuzz_next(struct fuzz_rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t fuzz_below(struct fuzz_rng *r, uint64_t n)
{
	return fuzz_next(r) % n;
}

static inline bool fuzz_one_in(struct fuzz_rng *r, uint32_t n)
{
	return !fuzz_below(r, n);
}

/* A generator for one purpose: those of neighbours have nothing in common. */
static inline struct fuzz_rng fuzz_rng(uint64_t seed, uint64_t number)
{
	struct fuzz_rng r = { seed };

	r.state = fuzz_next(&r) ^ number;
	r.state = fuzz_next(&r);
	return r;
}

struct fuzz_build {
	struct fuzz_rng r;
	const struct fuzz_family *family;
	struct fuzz_request *request;
	bool bold;		/* numbers may be large where that may cost something */
};

/* A number of any magnitude: all of them come as often. */
static inline uint64_t fuzz_magnitude(struct fuzz_rng *r, int bits)
{
	return (fuzz_next(r) >> (64 - bits)) >> fuzz_below(r, bits);
}

static inline uint64_t fuzz_number(struct fuzz_build *b, const struct fuzz_attr *a)
{
	struct fuzz_rng *r = &b->r;
	int bits = 8 * fuzz_width(a->type);
	/* Right for numbers with a sign as well, which wrap. */
	uint64_t span = a->max - a->min;
	uint64_t cheap = span < FUZZ_SMALL ? span : FUZZ_SMALL;

	if (a->mask)
		return b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(r, 2) ?
			1ull << fuzz_below(r, bits) : fuzz_next(r) & a->mask;
	if (b->request->kind == FUZZ_BOUNDARY) {
		const uint64_t at[] = { a->min - 1, a->min, a->min + 1, a->max + 1,
					a->max, a->max - 1 };

		return at[fuzz_below(r, b->bold || !a->bounded ? 6 : 4)];
	}
	if (!a->bounded)
		return fuzz_one_in(r, 2) ? fuzz_below(r, 16) : fuzz_magnitude(r, bits);
	if (!b->bold)
		return a->min + fuzz_below(r, cheap + 1);
	if (fuzz_one_in(r, 4))
		return a->max;
	return a->min + fuzz_magnitude(r, 64) % (span + !!(span + 1));
}

static inline void fuzz_put_number(struct fuzz_build *b, uint16_t type,
				   const struct fuzz_attr *a)
{
	uint64_t value = fuzz_number(b, a);
	int width = fuzz_width(a->type);
	uint64_t size = fuzz_signed(a->type) && (int64_t)value < 0 ? -value : value;

	if (size > 4 * FUZZ_SMALL)
		b->request->small = false;
	/* These have 4 or 8 bytes. */
	if (a->type == NL_ATTR_TYPE_UINT || a->type == NL_ATTR_TYPE_SINT)
		width = size <= INT32_MAX && fuzz_one_in(&b->r, 2) ? 4 : 8;
	if (b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(&b->r, 16))
		width = fuzz_below(&b->r, 9);
	nl_put(&b->request->m, type, &value, width);
}

static inline void fuzz_put_bytes(struct fuzz_build *b, uint16_t type,
				  const struct fuzz_attr *a)
{
	static unsigned char bytes[UINT16_MAX];
	struct fuzz_rng *r = &b->r;
	bool text = a->type == NL_ATTR_TYPE_STRING || a->type == NL_ATTR_TYPE_NUL_STRING;
	bool nul = a->type == NL_ATTR_TYPE_NUL_STRING;
	/* Without a maximum some bytes do. */
	size_t max = a->max_len ?: b->bold ? 4096 : 64, len;

	if (b->request->kind == FUZZ_BOUNDARY) {
		const size_t at[] = { a->min_len, a->min_len + 1,
				      a->min_len ? a->min_len - 1 : 0, max, max + 1, max - 1 };

		len = at[fuzz_below(r, b->bold || max < 256 ? 6 : 3)];
		nul = nul && !fuzz_one_in(r, 8);
	} else {
		if (!b->bold && max > a->min_len + FUZZ_SMALL)
			max = a->min_len + FUZZ_SMALL;
		len = a->min_len + fuzz_below(r, max - a->min_len + 1);
	}
	if (len > FUZZ_SIZE)
		len = FUZZ_SIZE;
	for (size_t i = 0; i < len; i++)
		bytes[i] = text ? ' ' + fuzz_next(r) % 95 : fuzz_next(r);
	if (text && len && fuzz_one_in(r, 8))
		bytes[fuzz_below(r, len)] = fuzz_next(r);
	bytes[len] = 0;
	nl_put(&b->request->m, type, bytes, len + nul);
}

static inline void fuzz_put_attrs(struct fuzz_build *b, int policy, int depth);

static inline void fuzz_put_attr(struct fuzz_build *b, uint16_t type,
				 const struct fuzz_attr *a, int depth)
{
	struct nl_msg *m = &b->request->m;
	struct fuzz_rng *r = &b->r;
	size_t nest, element;
	uint64_t value;

	if (m->len > FUZZ_SIZE)
		return;
	switch (a->type) {
	case NL_ATTR_TYPE_INVALID:
		/* Refused, or of a type that nlctrl has no name for: a number in the
		 * order of the network, say.
		 */
		value = fuzz_magnitude(r, 64);
		nl_put(m, type, &value, 1 << fuzz_below(r, 4));
		return;
	case NL_ATTR_TYPE_FLAG:
		nl_put(m, type, NULL, b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(r, 4));
		return;
	case NL_ATTR_TYPE_BINARY:
	case NL_ATTR_TYPE_STRING:
	case NL_ATTR_TYPE_NUL_STRING:
		fuzz_put_bytes(b, type, a);
		return;
	case NL_ATTR_TYPE_BITFIELD32:
		value = fuzz_next(r) & a->mask;
		value |= (value & fuzz_next(r)) << 32;
		value = value >> 32 | value << 32;
		if (b->request->kind == FUZZ_BOUNDARY)
			value |= 1ull << fuzz_below(r, 64);
		nl_put_u64(m, type, value);
		return;
	case NL_ATTR_TYPE_NESTED:
	case NL_ATTR_TYPE_NESTED_ARRAY:
		if (depth == FUZZ_DEPTH)
			return;
		nest = nl_nest(m, type);
		if (a->type == NL_ATTR_TYPE_NESTED) {
			fuzz_put_attrs(b, a->nest, depth + 1);
		} else {
			for (int n = fuzz_below(r, 4), i = 1; i <= n; i++) {
				type = fuzz_one_in(r, 8) ? (int)fuzz_below(r, NLA_TYPE_MASK) : i;
				element = nl_nest(m, type);
				fuzz_put_attrs(b, a->nest, depth + 1);
				nl_nest_end(m, element);
			}
		}
		nl_nest_end(m, nest);
		if (b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(r, 8))
			((struct nlattr *)(m->data + nest))->nla_type ^= NLA_F_NESTED;
		return;
	default:
		if (!fuzz_width(a->type))
			FAIL("attribute %d has the unknown type %u", type, a->type);
		fuzz_put_number(b, type, a);
	}
}

static inline void fuzz_put_attrs(struct fuzz_build *b, int policy, int depth)
{
	static const struct fuzz_policy nothing;
	static const struct fuzz_attr anything;
	const struct fuzz_policy *p = policy < 0 ? &nothing : &b->family->policies[policy];
	struct fuzz_rng *r = &b->r;
	/* None of them, one, some, most, all. */
	int some = fuzz_below(r, 5);
	int first = p->max ? fuzz_below(r, p->max) : 0;
	int only = p->max ? 1 + fuzz_below(r, p->max) : 0;

	for (int i = 0; i < p->max; i++) {
		int type = 1 + (first + i) % p->max;
		const struct fuzz_attr *a = &p->attrs[type];
		bool wanted = some == 1 ? type == only : fuzz_below(r, 4) < (uint64_t)some;

		/* Such an attribute spoils the rest. */
		if (a->type == NL_ATTR_TYPE_INVALID)
			wanted = b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(r, 16);
		if (!wanted)
			continue;
		fuzz_put_attr(b, type, a, depth);
		if (fuzz_one_in(r, 16))
			fuzz_put_attr(b, type, a, depth);
	}
	if (b->request->kind == FUZZ_BOUNDARY && fuzz_one_in(r, 8))
		fuzz_put_attr(b, fuzz_one_in(r, 2) ? 0 : p->max + 1, &anything, depth);
}

/* Spoil a complete request, whose length is that of the message. */
static inline void fuzz_mutate(struct fuzz_build *b)
{
	struct fuzz_request *q = b->request;
	struct nlmsghdr *nlh = nl_hdr(&q->m);
	struct fuzz_rng *r = &b->r;
	size_t len = q->m.len - NL_ATTRS, at = fuzz_below(r, len + 1);
	unsigned char *p = q->m.data + NL_ATTRS + at;

	switch (fuzz_below(r, 12)) {
	case 0:
	case 1:
		if (len > at)
			*p ^= 1 << fuzz_below(r, 8);
		break;
	case 2:
		if (len > at)
			*p = fuzz_next(r);
		break;
	case 3:		/* the length of an attribute, mostly */
	case 4:
		p -= at % NLA_ALIGNTO;
		if (len >= NLA_HDRLEN && at + NLA_HDRLEN <= len)
			((struct nlattr *)p)->nla_len = fuzz_magnitude(r, 16);
		break;
	case 5:		/* its type */
		p -= at % NLA_ALIGNTO;
		if (len >= NLA_HDRLEN && at + NLA_HDRLEN <= len)
			((struct nlattr *)p)->nla_type ^= 1 << fuzz_below(r, 16);
		break;
	case 6:
		q->m.len = NLMSG_HDRLEN + fuzz_below(r, q->m.len - NLMSG_HDRLEN + 1);
		break;
	case 7:
		for (int n = 1 + fuzz_below(r, 8); n; n--)
			*(unsigned char *)nl_reserve(&q->m, 1) = fuzz_next(r);
		break;
	case 8:		/* some bytes twice */
		if (q->m.len < FUZZ_SIZE && len) {
			p = nl_reserve(&q->m, len - at);
			memcpy(p, q->m.data + NL_ATTRS + at, len - at);
		}
		break;
	case 9:
		nlh->nlmsg_flags ^= 1 << fuzz_below(r, 16);
		break;
	case 10:
		((unsigned char *)nl_genl(nlh))[fuzz_below(r, GENL_HDRLEN)] = fuzz_next(r);
		break;
	case 11:
		q->is_void = fuzz_one_in(r, 4);
		break;
	}
}

/* Make the request with this number. Its sequence number is left to the socket. */
/*
 * What nlpeer's odd-get returns is broken where it is asked for that. The last
 * attribute counts, and this one asks for nothing odd.
 */
static inline void fuzz_be_even(struct nl_msg *m, const struct fuzz_family *f)
{
	if (m->len >= NL_ATTRS && nl_genl(nl_hdr(m))->cmd == NLPEER_CMD_ODD_GET &&
	    (nl_hdr(m)->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP &&
	    !strcmp(f->nl.name, NLPEER_FAMILY_NAME))
		nl_put_u32(m, NLPEER_A_ODD_WHAT, NLPEER_ODD_NOTHING);
}

static inline void fuzz_make(struct fuzz_request *q, const struct fuzz_family *f,
			     uint64_t seed, uint64_t number)
{
	static const uint8_t kinds[] = { FUZZ_VALID, FUZZ_VALID, FUZZ_BOUNDARY, FUZZ_MUTATED };
	struct fuzz_build b = { fuzz_rng(seed, number), f, q };
	const struct fuzz_op *op = &f->ops[fuzz_below(&b.r, f->nops)];
	uint16_t flags = op->dump ? NLM_F_DUMP : 0;

	q->kind = kinds[fuzz_below(&b.r, 4)];
	q->is_void = false;
	q->small = true;
	b.bold = fuzz_one_in(&b.r, 8);
	if (!fuzz_one_in(&b.r, 4))
		flags |= NLM_F_ACK;
	if (fuzz_one_in(&b.r, 16))
		flags |= NLM_F_ECHO;
	nl_start(&q->m, f->nl.id, flags, op->cmd, f->nl.version);
	fuzz_put_attrs(&b, op->policy, 0);
	if (q->kind == FUZZ_MUTATED) {
		q->small = false;
		for (int n = 1 + fuzz_below(&b.r, 3); n && q->m.len >= NL_ATTRS; n--)
			fuzz_mutate(&b);
	}
	fuzz_be_even(&q->m, f);
	nl_hdr(&q->m)->nlmsg_len = q->m.len + (q->is_void ? 1 + fuzz_below(&b.r, 4096) : 0);
}

#endif /* FUZZ_REQUEST_H */
