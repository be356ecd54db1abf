// SPDX-License-Identifier: GPL-2.0
/*
 * The family "nlpeer-minimal": what no family can beat. Its objects are messages
 * that were rendered before and are only copied; its echo has no attributes.
 */

#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "c_families.h"

#define OBJECTS 10000

/* What the shortest message is copied with, and room for the longest. */
#define COPIED	128
#define ROOM	152

/* A rendered object: its header lacks family, sequence number and port. */
struct wire {
	u64 len;
	u8 message[ROOM];
};

static struct wire *wires;

static u8 *attr(u8 *p, u16 type, const void *value, u16 len)
{
	struct nlattr *nla = (struct nlattr *)p;

	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	memcpy(p + NLA_HDRLEN, value, len);
	return p + NLA_ALIGN(nla->nla_len);
}

static u8 *attr_u32(u8 *p, u16 type, u32 value)
{
	return attr(p, type, &value, sizeof(value));
}

static void render(struct wire *wire, const struct bench_object *object)
{
	struct genlmsghdr *genlh = (void *)(wire->message + NLMSG_HDRLEN);
	struct nlmsghdr *nlh = (void *)wire->message;
	u8 *p = wire->message + NLMSG_HDRLEN + GENL_HDRLEN;
	u64 counter = (u64)object->id << 32 | object->id;
	u8 pair[16];
	int i;

	p = attr_u32(p, NLPEER_A_OBJECT_ID, object->id);
	p = attr(p, NLPEER_A_OBJECT_COUNTER, &counter, sizeof(counter));
	p = attr(p, NLPEER_A_OBJECT_NAME, object->name, object->len + 1);
	attr_u32(attr_u32(pair, NLPEER_A_PAIR_A, object->id + 1),
		 NLPEER_A_PAIR_B, object->id + 2);
	p = attr(p, NLPEER_A_OBJECT_PAIR | NLA_F_NESTED, pair, sizeof(pair));
	for (i = 0; i < 6; i++)
		p = attr_u32(p, NLPEER_A_OBJECT_V1 + i, object->id + 10 + i);
	if (object->id % 4 == 0)
		p = attr_u32(p, NLPEER_A_OBJECT_EXTRA, object->id ^ 0xffff);
	genlh->cmd = NLPEER_CMD_OBJECT_GET;
	genlh->version = NLPEER_FAMILY_VERSION;
	nlh->nlmsg_len = p - wire->message;
	wire->len = nlh->nlmsg_len;
}

int minimal_render(void)
{
	struct bench_object object;

	wires = vcalloc(OBJECTS, sizeof(*wires));
	if (!wires)
		return -ENOMEM;
	for (bench_first(&object); object.id < OBJECTS; bench_advance(&object))
		render(&wires[object.id], &object);
	return 0;
}

void minimal_free(void)
{
	vfree(wires);
}

static int minimal_echo(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(0, GFP_KERNEL);

	if (!reply)
		return -ENOMEM;
	if (!genlmsg_put_reply(reply, info, &nlpeer_minimal, 0, NLPEER_CMD_ECHO)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	return genlmsg_reply(reply, info);
}

/* By words, which may go beyond the end: memcpy() costs a third more. */
static __always_inline void copy_wire(u8 *d, const u8 *s, size_t len)
{
	size_t i;

#pragma GCC unroll 16
	for (i = 0; i < COPIED; i += 8)
		put_unaligned(get_unaligned((const u64 *)(s + i)), (u64 *)(d + i));
	for (; i < len; i += 8)
		put_unaligned(get_unaligned((const u64 *)(s + i)), (u64 *)(d + i));
}

static int minimal_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	u32 type_flags = (u16)info->family->id | NLM_F_MULTI << 16;
	u64 seq_portid = info->snd_seq | (u64)info->snd_portid << 32;
	struct bench_cursor *cursor = (void *)cb->ctx;
	u32 id = cursor->next.id, count = min(cursor->count, OBJECTS);
	u8 *next = skb_tail_pointer(skb);
	u8 *end = next + skb_tailroom(skb);

	for (; id < count; id++) {
		const struct wire *wire = &wires[id];
		size_t len = wire->len;

		if (likely(next + ROOM <= end))
			copy_wire(next, wire->message, len);
		else if (next + len <= end)
			memcpy(next, wire->message, len);
		else
			break;
		put_unaligned(type_flags, (u32 *)(next + 4));
		put_unaligned(seq_portid, (u64 *)(next + 8));
		next += len;
	}

	__skb_put(skb, next - skb_tail_pointer(skb));
	cursor->next.id = id;
	return id < count ? skb->len : 0;
}

static const struct genl_split_ops floor_ops[] = {
	{
		.cmd		= NLPEER_CMD_ECHO,
		.doit		= minimal_echo,
		.policy		= bench_value_policy,
		.maxattr	= NLPEER_A_VALUE_MAX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NLPEER_CMD_OBJECT_GET,
		.start		= bench_start,
		.dumpit		= minimal_dump,
		.policy		= bench_count_policy,
		.maxattr	= NLPEER_A_OBJECT_COUNT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
};

struct genl_family nlpeer_minimal __ro_after_init = {
	.name		= "nlpeer-minimal",
	.version	= NLPEER_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.split_ops	= floor_ops,
	.n_split_ops	= ARRAY_SIZE(floor_ops),
};
