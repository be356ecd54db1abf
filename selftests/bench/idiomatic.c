// SPDX-License-Identifier: GPL-2.0
/*
 * The family "nlpeer-c": nlpeer as a good C family would be written, with the
 * functions that include/net/netlink.h offers.
 */

#include "c_families.h"

static int put_nest(struct sk_buff *skb, const struct nlattr *nest)
{
	struct nlattr *tb[NLPEER_A_NESTED_VALUE_MAX + 1];
	struct nlattr *start;
	int err;

	err = nla_parse_nested(tb, NLPEER_A_NESTED_VALUE_MAX, nest, NULL, NULL);
	if (err)
		return err;

	start = nla_nest_start(skb, NLPEER_A_VALUE_NEST);
	if (!start)
		return -EMSGSIZE;
	if (tb[NLPEER_A_NESTED_VALUE_U32] &&
	    nla_put_u32(skb, NLPEER_A_NESTED_VALUE_U32,
			nla_get_u32(tb[NLPEER_A_NESTED_VALUE_U32])))
		return -EMSGSIZE;
	if (tb[NLPEER_A_NESTED_VALUE_STRING] &&
	    nla_put_string(skb, NLPEER_A_NESTED_VALUE_STRING,
			   nla_data(tb[NLPEER_A_NESTED_VALUE_STRING])))
		return -EMSGSIZE;
	nla_nest_end(skb, start);
	return 0;
}

static int put_values(struct sk_buff *skb, struct nlattr **attrs)
{
	if (attrs[NLPEER_A_VALUE_U32] &&
	    nla_put_u32(skb, NLPEER_A_VALUE_U32,
			nla_get_u32(attrs[NLPEER_A_VALUE_U32])))
		return -EMSGSIZE;
	if (attrs[NLPEER_A_VALUE_U64] &&
	    nla_put_u64_64bit(skb, NLPEER_A_VALUE_U64,
			      nla_get_u64(attrs[NLPEER_A_VALUE_U64]), 0))
		return -EMSGSIZE;
	if (attrs[NLPEER_A_VALUE_STRING] &&
	    nla_put_string(skb, NLPEER_A_VALUE_STRING,
			   nla_data(attrs[NLPEER_A_VALUE_STRING])))
		return -EMSGSIZE;
	if (attrs[NLPEER_A_VALUE_BINARY] &&
	    nla_put(skb, NLPEER_A_VALUE_BINARY,
		    nla_len(attrs[NLPEER_A_VALUE_BINARY]),
		    nla_data(attrs[NLPEER_A_VALUE_BINARY])))
		return -EMSGSIZE;
	if (attrs[NLPEER_A_VALUE_NEST])
		return put_nest(skb, attrs[NLPEER_A_VALUE_NEST]);
	return 0;
}

static int idiomatic_echo(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;
	int err;

	/* The default size, unless the request shows that it will not do. */
	reply = genlmsg_new(max_t(size_t, GENLMSG_DEFAULT_SIZE,
				  info->nlhdr->nlmsg_len), GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	header = genlmsg_put_reply(reply, info, &nlpeer_idiomatic, 0,
				   NLPEER_CMD_ECHO);
	if (!header) {
		err = -EMSGSIZE;
		goto err_free;
	}
	err = put_values(reply, info->attrs);
	if (err)
		goto err_free;
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);

err_free:
	nlmsg_free(reply);
	return err;
}

static int put_pair(struct sk_buff *skb, u32 id)
{
	struct nlattr *nest = nla_nest_start(skb, NLPEER_A_OBJECT_PAIR);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, NLPEER_A_PAIR_A, id + 1) ||
	    nla_put_u32(skb, NLPEER_A_PAIR_B, id + 2))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_object(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct bench_object *object)
{
	u32 id = object->id;
	void *header;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     &nlpeer_idiomatic, NLM_F_MULTI, NLPEER_CMD_OBJECT_GET);
	if (!header)
		return -EMSGSIZE;

	if (nla_put_u32(skb, NLPEER_A_OBJECT_ID, id) ||
	    nla_put_u64_64bit(skb, NLPEER_A_OBJECT_COUNTER,
			      (u64)id << 32 | id, 0) ||
	    nla_put_string(skb, NLPEER_A_OBJECT_NAME, object->name) ||
	    put_pair(skb, id) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V1, id + 10) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V2, id + 11) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V3, id + 12) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V4, id + 13) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V5, id + 14) ||
	    nla_put_u32(skb, NLPEER_A_OBJECT_V6, id + 15) ||
	    (id % 4 == 0 &&
	     nla_put_u32(skb, NLPEER_A_OBJECT_EXTRA, id ^ 0xffff))) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}

	genlmsg_end(skb, header);
	return 0;
}

static int idiomatic_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct bench_cursor *cursor = (void *)cb->ctx;
	int err;

	while (cursor->next.id < cursor->count) {
		err = fill_object(skb, cb, &cursor->next);
		if (err)
			return skb->len ?: err;
		bench_advance(&cursor->next);
	}
	return 0;
}

static const struct genl_split_ops idiomatic_ops[] = {
	{
		.cmd		= NLPEER_CMD_ECHO,
		.doit		= idiomatic_echo,
		.policy		= bench_value_policy,
		.maxattr	= NLPEER_A_VALUE_MAX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NLPEER_CMD_OBJECT_GET,
		.start		= bench_start,
		.dumpit		= idiomatic_dump,
		.policy		= bench_count_policy,
		.maxattr	= NLPEER_A_OBJECT_COUNT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
};

struct genl_family nlpeer_idiomatic __ro_after_init = {
	.name		= "nlpeer-c",
	.version	= NLPEER_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.split_ops	= idiomatic_ops,
	.n_split_ops	= ARRAY_SIZE(idiomatic_ops),
};
