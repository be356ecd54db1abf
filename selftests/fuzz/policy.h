/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What nlctrl says of a family: its operations, and the policy of each.
 */
#ifndef FUZZ_POLICY_H
#define FUZZ_POLICY_H

#include "ktap.h"
#include "nl.h"

enum {
	FUZZ_POLICIES = 64,
	FUZZ_TYPES = 128,	/* attributes of one policy */
	FUZZ_OPS = 128,
};

struct fuzz_attr {
	uint32_t type;		/* NL_ATTR_TYPE_*; 0: nothing is said of it */
	bool bounded;		/* it has a range that is smaller than its type */
	uint64_t min, max;	/* of a number; sign-extended where it has a sign */
	uint64_t mask;
	uint32_t min_len, max_len;
	int nest;		/* the policy of what is inside, or -1 */
};

struct fuzz_policy {
	int max;		/* its highest attribute */
	struct fuzz_attr attrs[FUZZ_TYPES];
};

/* A do and a dump of one command are two of them. */
struct fuzz_op {
	uint8_t cmd;
	bool dump;
	int policy;		/* -1: without */
};

struct fuzz_family {
	struct nl_family nl;
	int nops;
	struct fuzz_op ops[FUZZ_OPS];
	struct fuzz_policy policies[FUZZ_POLICIES];
};

/* How many bytes a number of this type has; 0 for what is no number. */
static inline int fuzz_width(uint32_t type)
{
	switch (type) {
	case NL_ATTR_TYPE_U8:
	case NL_ATTR_TYPE_S8:
		return 1;
	case NL_ATTR_TYPE_U16:
	case NL_ATTR_TYPE_S16:
		return 2;
	case NL_ATTR_TYPE_U32:
	case NL_ATTR_TYPE_S32:
		return 4;
	case NL_ATTR_TYPE_U64:
	case NL_ATTR_TYPE_S64:
	case NL_ATTR_TYPE_UINT:
	case NL_ATTR_TYPE_SINT:
		return 8;
	}
	return 0;
}

static inline bool fuzz_signed(uint32_t type)
{
	return (type >= NL_ATTR_TYPE_S8 && type <= NL_ATTR_TYPE_S64) ||
	       type == NL_ATTR_TYPE_SINT;
}

static inline void fuzz_read_attr(struct fuzz_attr *a, const struct nlattr *nest)
{
	const struct nlattr *attrs[NL_POLICY_TYPE_ATTR_MAX + 1];
	int bits;

	EXPECT_OK(nla_index(nla_data(nest), nla_len(nest), attrs,
			    NL_POLICY_TYPE_ATTR_MAX));
	EXPECT(attrs[NL_POLICY_TYPE_ATTR_TYPE], "a policy without a type");
	a->type = nla_u32(attrs[NL_POLICY_TYPE_ATTR_TYPE]);
	a->nest = -1;

	/* Without a range in the policy, that of the type. */
	bits = 8 * fuzz_width(a->type);
	a->max = bits ? UINT64_MAX >> (64 - bits + fuzz_signed(a->type)) : 0;
	a->min = fuzz_signed(a->type) ? ~a->max : 0;
	if (attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_U] || attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_S]) {
		const struct nlattr *min = attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_U] ?:
			attrs[NL_POLICY_TYPE_ATTR_MIN_VALUE_S];
		const struct nlattr *max = attrs[NL_POLICY_TYPE_ATTR_MAX_VALUE_U] ?:
			attrs[NL_POLICY_TYPE_ATTR_MAX_VALUE_S];

		EXPECT(max, "a policy with a minimum and without a maximum");
		a->bounded = nla_u64(min) != a->min || nla_u64(max) != a->max;
		a->min = nla_u64(min);
		a->max = nla_u64(max);
	}
	if (attrs[NL_POLICY_TYPE_ATTR_MASK])
		a->mask = nla_u64(attrs[NL_POLICY_TYPE_ATTR_MASK]);
	if (attrs[NL_POLICY_TYPE_ATTR_BITFIELD32_MASK])
		a->mask = nla_u32(attrs[NL_POLICY_TYPE_ATTR_BITFIELD32_MASK]);
	if (attrs[NL_POLICY_TYPE_ATTR_MIN_LENGTH])
		a->min_len = nla_u32(attrs[NL_POLICY_TYPE_ATTR_MIN_LENGTH]);
	if (attrs[NL_POLICY_TYPE_ATTR_MAX_LENGTH])
		a->max_len = nla_u32(attrs[NL_POLICY_TYPE_ATTR_MAX_LENGTH]);
	if (attrs[NL_POLICY_TYPE_ATTR_POLICY_IDX]) {
		a->nest = nla_u32(attrs[NL_POLICY_TYPE_ATTR_POLICY_IDX]);
		EXPECT(a->nest < FUZZ_POLICIES, "more than %d policies", FUZZ_POLICIES);
	}
}

/* CTRL_ATTR_POLICY: the number of a policy, in it that of an attribute, in it what it is. */
static inline void fuzz_read_policies(struct fuzz_family *f, const struct nlattr *nest)
{
	const struct nlattr *policy, *attr;
	size_t left, rest;

	nla_for_each(policy, nla_data(nest), nla_len(nest), left) {
		int i = policy->nla_type & NLA_TYPE_MASK;

		EXPECT(i < FUZZ_POLICIES, "more than %d policies", FUZZ_POLICIES);
		nla_for_each(attr, nla_data(policy), nla_len(policy), rest) {
			int type = attr->nla_type & NLA_TYPE_MASK;

			EXPECT(type < FUZZ_TYPES, "more than %d attributes", FUZZ_TYPES);
			fuzz_read_attr(&f->policies[i].attrs[type], attr);
			if (type > f->policies[i].max)
				f->policies[i].max = type;
		}
	}
}

/* CTRL_ATTR_OP_POLICY: the number of a command, in it those of its policies. */
static inline void fuzz_read_op_policy(struct fuzz_family *f, const struct nlattr *nest)
{
	const struct nlattr *attrs[CTRL_ATTR_POLICY_DUMP_MAX + 1], *cmd;
	size_t left;

	nla_for_each(cmd, nla_data(nest), nla_len(nest), left) {
		EXPECT_OK(nla_index(nla_data(cmd), nla_len(cmd), attrs,
				    CTRL_ATTR_POLICY_DUMP_MAX));
		for (int i = 0; i < f->nops; i++) {
			struct fuzz_op *op = &f->ops[i];
			int kind = op->dump ? CTRL_ATTR_POLICY_DUMP : CTRL_ATTR_POLICY_DO;

			if (op->cmd == (cmd->nla_type & NLA_TYPE_MASK) && attrs[kind])
				op->policy = nla_u32(attrs[kind]);
			EXPECT(op->policy < FUZZ_POLICIES, "more than %d policies",
			       FUZZ_POLICIES);
		}
	}
}

static inline void fuzz_add_op(struct fuzz_family *f, uint8_t cmd, bool dump)
{
	EXPECT(f->nops < FUZZ_OPS, "more than %d operations", FUZZ_OPS);
	f->ops[f->nops++] = (struct fuzz_op){ .cmd = cmd, .dump = dump, .policy = -1 };
}

/* Ask nlctrl for all that is to know of a family. */
static inline void fuzz_read_family(struct fuzz_family *f, const char *name)
{
	static struct nl_msg m;
	struct nl_ack ack;
	struct nl_sock s;
	bool done = false;

	memset(f, 0, sizeof(*f));
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, name, 0, &f->nl));
	for (int i = 0; i < f->nl.nops; i++) {
		if (f->nl.ops[i].flags & GENL_CMD_CAP_DO)
			fuzz_add_op(f, f->nl.ops[i].id, false);
		if (f->nl.ops[i].flags & GENL_CMD_CAP_DUMP)
			fuzz_add_op(f, f->nl.ops[i].id, true);
	}
	EXPECT(f->nops, "%s has no operations", name);

	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETPOLICY, 2);
	nl_put_str(&m, CTRL_ATTR_FAMILY_NAME, name);
	EXPECT_OK(nl_send(&s, &m));
	while (!done) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&s, m.data, sizeof(m.data), 0);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			const struct nlattr *attrs[CTRL_ATTR_MAX + 1];

			done = nlh->nlmsg_type == NLMSG_DONE;
			if (done)
				break;
			if (!nl_read_ack(nlh, &ack)) {
				/* No operation has a policy. */
				EXPECT_EQ(-ack.error, ENODATA);
				done = true;
				break;
			}
			EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs,
					    CTRL_ATTR_MAX));
			if (attrs[CTRL_ATTR_POLICY])
				fuzz_read_policies(f, attrs[CTRL_ATTR_POLICY]);
			if (attrs[CTRL_ATTR_OP_POLICY])
				fuzz_read_op_policy(f, attrs[CTRL_ATTR_OP_POLICY]);
		}
	}
	nl_close(&s);
}

#endif /* FUZZ_POLICY_H */
