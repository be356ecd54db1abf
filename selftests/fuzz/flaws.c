// SPDX-License-Identifier: GPL-2.0
/*
 * nlflaws: a family with planted bugs, which the fuzzer has to find. One of them
 * at a time is there, the one whose number is in the parameter "flaw"; without
 * any the family is in order. None of them harms the kernel.
 */

#include <linux/module.h>
#include <net/genetlink.h>

#include "flaws.h"

static struct genl_family flaws_family;

/* References that FLAW_LEAK has taken, given back with the next flaw. */
static atomic_t leaked;
static unsigned int flaw;

static int flaws_set(const char *value, const struct kernel_param *param)
{
	while (atomic_add_unless(&leaked, -1, 0))
		module_put(THIS_MODULE);
	return param_set_uint(value, param);
}

static const struct kernel_param_ops flaw_ops = {
	.set = flaws_set,
	.get = param_get_uint,
};

module_param_cb(flaw, &flaw_ops, &flaw, 0600);
MODULE_PARM_DESC(flaw, "which bug to have, see flaws.h");

static const struct nla_policy nest_policy[] = {
	[FLAWS_A_NUMBER] = { .type = NLA_U32 },
};

static const struct nla_policy echo_policy[] = {
	[FLAWS_A_NUMBER] = { .type = NLA_U32 },
	[FLAWS_A_BYTES] = { .type = NLA_BINARY, .len = 64 },
	[FLAWS_A_NEST] = NLA_POLICY_NESTED(nest_policy),
};

static const struct nla_policy list_policy[] = {
	[FLAWS_A_NUMBER] = NLA_POLICY_MAX(NLA_U32, 1000),
};

/* What is wrong in a message that is complete. */
static void flaws_spoil(struct sk_buff *skb, struct nlmsghdr *nlh, struct nlattr *bytes,
			struct nlattr *nest)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct nlattr *inner = nla_data(nest);

	switch (flaw) {
	case FLAW_PADDING:
		*((u8 *)bytes + bytes->nla_len) = 0xa5;
		break;
	case FLAW_ATTR_LONG:
		nest->nla_len += 4;
		break;
	case FLAW_ATTR_SHORT:
		bytes->nla_len = 3;
		break;
	case FLAW_ATTR_FLAGS:
		nest->nla_type |= NLA_F_NET_BYTEORDER;
		break;
	case FLAW_ATTR_UNPADDED:
		bytes = nla_reserve(skb, FLAWS_A_BYTES, 1);
		nlh->nlmsg_len += bytes->nla_len;
		break;
	case FLAW_NEST_LONG:
		inner->nla_len += 4;
		break;
	case FLAW_LEFTOVER:
		skb_put_zero(skb, 4);
		nlh->nlmsg_len += 2;
		break;
	case FLAW_MESSAGE_LONG:
		nlh->nlmsg_len += 1 << 20;
		break;
	case FLAW_MESSAGE_REST:
		skb_put_zero(skb, 4);
		break;
	case FLAW_TYPE:
		nlh->nlmsg_type = GENL_ID_CTRL;
		break;
	case FLAW_VERSION:
		genl->version++;
		break;
	case FLAW_RESERVED:
		genl->reserved = 1;
		break;
	case FLAW_COMMAND:
		genl->cmd = 99;
		break;
	case FLAW_SEQ:
		nlh->nlmsg_seq++;
		break;
	case FLAW_PORT:
		nlh->nlmsg_pid++;
		break;
	case FLAW_DO_MULTI:
		nlh->nlmsg_flags |= NLM_F_MULTI;
		break;
	case FLAW_DUMP_SINGLE:
		nlh->nlmsg_flags &= ~NLM_F_MULTI;
		break;
	}
}

/* A message with each of the attributes; 0, or -EMSGSIZE where it does not fit. */
static int flaws_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd, u32 number)
{
	struct nlattr *bytes, *nest;
	void *hdr;

	hdr = genlmsg_put(skb, portid, seq, &flaws_family, flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, FLAWS_A_NUMBER, number))
		goto err_cancel;
	bytes = nla_reserve(skb, FLAWS_A_BYTES, 1);
	if (!bytes)
		goto err_cancel;
	*(u8 *)nla_data(bytes) = number;
	nest = nla_nest_start(skb, FLAWS_A_NEST);
	if (!nest || nla_put_u32(skb, FLAWS_A_NUMBER, number))
		goto err_cancel;
	nla_nest_end(skb, nest);
	/* Some flaws add as much. */
	if (skb_tailroom(skb) < 8)
		goto err_cancel;
	genlmsg_end(skb, hdr);
	flaws_spoil(skb, hdr - GENL_HDRLEN - NLMSG_HDRLEN, bytes, nest);
	return 0;

err_cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

/* A message that the core would not make: an error but for FLAW_DO_DONE. */
static int flaws_error(struct genl_info *info)
{
	int size = flaw == FLAW_ERROR_SHORT ? 4 : sizeof(struct nlmsgerr);
	int flags = flaw == FLAW_QUOTE_BYTES || flaw == FLAW_QUOTE_SHORT ? 0 : NLM_F_CAPPED;
	u32 request_len = nlmsg_len(info->nlhdr);
	struct nlmsgerr *err;
	struct nlmsghdr *nlh;
	struct sk_buff *skb;

	if (flaw == FLAW_QUOTE_BYTES)
		size += request_len;
	skb = nlmsg_new(size + 128, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	nlh = nlmsg_put(skb, info->snd_portid, info->snd_seq,
			flaw == FLAW_DO_DONE ? NLMSG_DONE : NLMSG_ERROR, size, flags);
	err = nlmsg_data(nlh);
	err->error = -EINVAL;
	if (flaw != FLAW_ERROR_SHORT)
		err->msg = *info->nlhdr;
	switch (flaw) {
	case FLAW_OFFSET:
		nla_put_u32(skb, NLMSGERR_ATTR_OFFS, 65536);
		break;
	case FLAW_OFFSET_HEADER:
		nla_put_u32(skb, NLMSGERR_ATTR_OFFS, 0);
		break;
	case FLAW_TEXT:
		nla_put(skb, NLMSGERR_ATTR_MSG, 4, "text");
		break;
	case FLAW_EXTACK_UNKNOWN:
		nla_put_u32(skb, 99, 0);
		break;
	case FLAW_MISSING:
		nla_put_u16(skb, NLMSGERR_ATTR_MISS_TYPE, 1);
		break;
	case FLAW_COOKIE:
		nla_put(skb, NLMSGERR_ATTR_COOKIE, 9, "9 bytes !");
		break;
	case FLAW_QUOTE:
		err->msg.nlmsg_type++;
		break;
	case FLAW_QUOTE_BYTES:
		memset(err + 1, 0xa5, request_len);
		break;
	case FLAW_ERROR_FLAGS:
		nlh->nlmsg_flags |= NLM_F_MULTI;
		break;
	case FLAW_ERROR_REST:
		skb_put_zero(skb, 4);
		break;
	}
	nlmsg_end(skb, nlh);
	if (skb->len > nlmsg_total_size(size) && flaw != FLAW_ERROR_REST)
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
	genlmsg_reply(skb, info);
	/* To this there is no ack. */
	return -EINTR;
}

static int flaws_reply(struct genl_info *info)
{
	struct nlattr *number = info->attrs[FLAWS_A_NUMBER];
	struct sk_buff *skb;
	int err;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	err = flaws_put(skb, info->snd_portid, info->snd_seq, 0, FLAWS_CMD_ECHO,
			number ? nla_get_u32(number) : 0);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

static int flaws_echo(struct sk_buff *skb, struct genl_info *info)
{
	switch (flaw) {
	case FLAW_ERRNO_LARGE:
		return -5000;
	case FLAW_ERRNO_POSITIVE:
		return 5;
	case FLAW_DO_DONE:
	case FLAW_OFFSET:
	case FLAW_OFFSET_HEADER:
	case FLAW_TEXT:
	case FLAW_EXTACK_UNKNOWN:
	case FLAW_MISSING:
	case FLAW_COOKIE:
	case FLAW_QUOTE:
	case FLAW_QUOTE_BYTES:
	case FLAW_QUOTE_SHORT:
	case FLAW_ERROR_SHORT:
	case FLAW_ERROR_FLAGS:
	case FLAW_ERROR_REST:
		return flaws_error(info);
	case FLAW_ACK_TWICE:
	case FLAW_ACK_FIRST:
		if (info->nlhdr->nlmsg_flags & NLM_F_ACK)
			netlink_ack(skb, (struct nlmsghdr *)info->nlhdr, 0, NULL);
		if (flaw == FLAW_ACK_TWICE)
			return 0;
		flaws_reply(info);
		return -EINTR;
	case FLAW_ACK_UNASKED:
		netlink_ack(skb, (struct nlmsghdr *)info->nlhdr, 0, NULL);
		return -EINTR;
	case FLAW_SILENT:
		return -EINTR;
	case FLAW_REFUSES:
		return -EOPNOTSUPP;
	case FLAW_LEAK:
		__module_get(THIS_MODULE);
		atomic_inc(&leaked);
		break;
	}
	return flaws_reply(info);
}

static int flaws_start(struct netlink_callback *cb)
{
	/* As __netlink_dump_start() says that it has answered. */
	return flaw == FLAW_DUMP_SILENT ? -EINTR : 0;
}

static int flaws_list(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct nlattr *count = info->attrs[FLAWS_A_NUMBER];
	u32 *next = (u32 *)cb->ctx;

	if (flaw == FLAW_DUMP_ERRNO)
		return -5000;
	if (flaw == FLAW_DUMP_EMPTY)
		return 1;
	if (flaw == FLAW_DUMP_ACKED)
		netlink_ack(cb->skb, (struct nlmsghdr *)cb->nlh, 0, NULL);
	while (flaw == FLAW_DUMP_ENDLESS || *next < (count ? nla_get_u32(count) : 4)) {
		if (flaws_put(skb, info->snd_portid, info->snd_seq, NLM_F_MULTI, FLAWS_CMD_LIST,
			      flaw == FLAW_DUMP_REPEATS ? 0 : *next))
			return skb->len;
		++*next;
	}
	return 0;
}

static const struct genl_split_ops flaws_ops[] = {
	{
		.cmd = FLAWS_CMD_ECHO,
		.doit = flaws_echo,
		.policy = echo_policy,
		.maxattr = FLAWS_A_MAX,
		.flags = GENL_CMD_CAP_DO,
	},
	{
		.cmd = FLAWS_CMD_LIST,
		.start = flaws_start,
		.dumpit = flaws_list,
		.policy = list_policy,
		.maxattr = FLAWS_A_NUMBER,
		.flags = GENL_CMD_CAP_DUMP,
	},
};

static struct genl_family flaws_family = {
	.name = FLAWS_FAMILY,
	.version = FLAWS_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.split_ops = flaws_ops,
	.n_split_ops = ARRAY_SIZE(flaws_ops),
};

static int __init flaws_init(void)
{
	return genl_register_family(&flaws_family);
}

static void __exit flaws_exit(void)
{
	genl_unregister_family(&flaws_family);
}

module_init(flaws_init);
module_exit(flaws_exit);

MODULE_DESCRIPTION("Family with planted bugs, for the fuzzer");
MODULE_LICENSE("GPL");
