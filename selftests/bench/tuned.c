// SPDX-License-Identifier: GPL-2.0
/*
 * The family "nlpeer-tuned": nlpeer in C tuned by hand, with the technique of
 * rust/genl and the same checks. Sizes are computed first, each attribute is
 * stored where it belongs, and the skb learns of a buffer when it is full.
 */

#include <linux/unaligned.h>

#include "c_families.h"

#define HDRLEN (NLMSG_HDRLEN + GENL_HDRLEN)

static __always_inline void store32(u8 *p, size_t offset, u32 value)
{
	put_unaligned(value, (u32 *)(p + offset));
}

static __always_inline void store64(u8 *p, size_t offset, u64 value)
{
	put_unaligned(value, (u64 *)(p + offset));
}

static __always_inline u32 load32(const u8 *p, size_t offset)
{
	return get_unaligned((const u32 *)(p + offset));
}

static __always_inline u64 load64(const u8 *p, size_t offset)
{
	return get_unaligned((const u64 *)(p + offset));
}

static noinline __cold void copy_other(u8 *d, const u8 *s, size_t n)
{
	memcpy(d, s, n);
}

static __always_inline void copy_short(u8 *d, const u8 *s, size_t n)
{
	if (n - 8 <= 8) {
		u64 first = load64(s, 0), last = load64(s, n - 8);

		store64(d, 0, first);
		store64(d, n - 8, last);
	} else if (n - 4 < 4) {
		u32 first = load32(s, 0), last = load32(s, n - 4);

		store32(d, 0, first);
		store32(d, n - 4, last);
	} else if (n - 17 < 112) {
		u64 last = load64(s, n - 8);
		size_t i = 0;

		do {
			u64 low = load64(s, i), high = load64(s, i + 8);

			store64(d, i, low);
			store64(d, i + 8, high);
			i += 16;
		} while (i + 16 <= n);
		if (n & 8)
			store64(d, i, load64(s, i));
		store64(d, n - 8, last);
	} else {
		copy_other(d, s, n);
	}
}

static __always_inline u8 *put_u32(u8 *p, u32 type, u32 value)
{
	store32(p, 0, 8 | type << 16);
	store32(p, 4, value);
	return p + 8;
}

static __always_inline u8 *put_u64(u8 *p, u32 type, u64 value)
{
	store32(p, 0, 12 | type << 16);
	store64(p, 4, value);
	return p + 12;
}

static __always_inline u8 *put_text(u8 *p, u32 type, const u8 *text, size_t len)
{
	size_t size = NLA_ALIGN(NLA_HDRLEN + len + 1);

	store32(p, size - 4, 0);
	store32(p, 0, (NLA_HDRLEN + len + 1) | type << 16);
	copy_short(p + NLA_HDRLEN, text, len);
	return p + size;
}

static __always_inline u8 *put_header(u8 *p, u32 size, u32 type_flags,
				      u64 seq_portid, u32 cmd)
{
	store32(p, 0, size);
	store32(p, 4, type_flags);
	store64(p, 8, seq_portid);
	store32(p, 16, cmd | NLPEER_FAMILY_VERSION << 8);
	return p + HDRLEN;
}

/* The first byte that is zero, from the lower end; 8 where there is none. */
static __always_inline size_t first_zero(u64 word)
{
	u64 zeros = (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;

	return zeros ? __builtin_ctzll(zeros) / 8 : 8;
}

/*
 * The length of a string that the policy has seen to be terminated, by words.
 * The last one ends with the string; where that is shorter, the word begins in
 * the header of the attribute.
 */
static __always_inline size_t text_len(const struct nlattr *attr)
{
	const u8 *text = nla_data(attr);
	size_t len = attr->nla_len - NLA_HDRLEN, at, zero;

	if (len < 4)
		return first_zero((u64)load32(text + len - 4, 0) >> (32 - 8 * len));
	if (len < 8)
		return first_zero(load64(text + len - 8, 0) >> (64 - 8 * len));
	for (at = 0; at < len - 8; at += 8) {
		zero = first_zero(load64(text, at));
		if (zero < 8)
			return at + zero;
	}
	return len - 8 + first_zero(load64(text, len - 8));
}

static __always_inline size_t text_size(size_t len)
{
	return NLA_ALIGN(NLA_HDRLEN + len + 1);
}

static int best_echo(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *u32_attr = info->attrs[NLPEER_A_VALUE_U32];
	const struct nlattr *u64_attr = info->attrs[NLPEER_A_VALUE_U64];
	const struct nlattr *string = info->attrs[NLPEER_A_VALUE_STRING];
	const struct nlattr *binary = info->attrs[NLPEER_A_VALUE_BINARY];
	const struct nlattr *nest = info->attrs[NLPEER_A_VALUE_NEST];
	const struct nlattr *nest_u32 = NULL, *nest_string = NULL, *attr;
	size_t string_len = 0, nest_string_len = 0, nest_size = 0, size = HDRLEN;
	struct sk_buff *reply;
	int rest;
	u8 *p;

	if (u32_attr)
		size += 8;
	if (u64_attr)
		size += 12;
	if (string) {
		string_len = text_len(string);
		size += text_size(string_len);
	}
	if (binary)
		size += NLA_ALIGN(binary->nla_len);
	if (nest) {
		nla_for_each_nested(attr, nest, rest) {
			switch (nla_type(attr)) {
			case NLPEER_A_NESTED_VALUE_U32:
				nest_u32 = attr;
				break;
			case NLPEER_A_NESTED_VALUE_STRING:
				nest_string = attr;
				break;
			}
		}
		nest_size = NLA_HDRLEN;
		if (nest_u32)
			nest_size += 8;
		if (nest_string) {
			nest_string_len = text_len(nest_string);
			nest_size += text_size(nest_string_len);
		}
		size += nest_size;
	}
	/* The policy bounds all parts far below the limit of an attribute. */
	reply = alloc_skb(size, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	p = put_header(skb_tail_pointer(reply), size, (u16)info->family->id,
		       info->snd_seq | (u64)info->snd_portid << 32,
		       NLPEER_CMD_ECHO);
	if (u32_attr)
		p = put_u32(p, NLPEER_A_VALUE_U32, nla_get_u32(u32_attr));
	if (u64_attr)
		p = put_u64(p, NLPEER_A_VALUE_U64, load64(nla_data(u64_attr), 0));
	if (string)
		p = put_text(p, NLPEER_A_VALUE_STRING, nla_data(string), string_len);
	if (binary) {
		size_t len = nla_len(binary), padded = NLA_ALIGN(binary->nla_len);

		store32(p, padded - 4, 0);
		store32(p, 0, (NLA_HDRLEN + len) | NLPEER_A_VALUE_BINARY << 16);
		memcpy(p + NLA_HDRLEN, nla_data(binary), len);
		p += padded;
	}
	if (nest) {
		store32(p, 0, nest_size | (NLPEER_A_VALUE_NEST | NLA_F_NESTED) << 16);
		p += NLA_HDRLEN;
		if (nest_u32)
			p = put_u32(p, NLPEER_A_NESTED_VALUE_U32, nla_get_u32(nest_u32));
		if (nest_string)
			p = put_text(p, NLPEER_A_NESTED_VALUE_STRING,
				     nla_data(nest_string), nest_string_len);
	}
	__skb_put(reply, size);
	return genlmsg_reply(reply, info);
}

/* An object with data and a list, of any size. */
static int best_trouble(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *size_attr = info->attrs[NLPEER_A_TROUBLE_SIZE];
	const struct nlattr *numbers_attr = info->attrs[NLPEER_A_TROUBLE_NUMBERS];
	u32 data_len = size_attr ? nla_get_u32(size_attr) : 0;
	u32 numbers = numbers_attr ? nla_get_u32(numbers_attr) : 0;
	size_t list_size = NLA_HDRLEN + (size_t)numbers * 8;
	size_t size = HDRLEN + 8;
	struct sk_buff *reply;
	u32 i;
	u8 *p;

	if (data_len > U16_MAX - NLA_HDRLEN || list_size > U16_MAX)
		return -EMSGSIZE;
	if (size_attr)
		size += NLA_ALIGN(NLA_HDRLEN + data_len);
	if (numbers_attr)
		size += list_size;
	reply = alloc_skb(size, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	p = put_header(skb_tail_pointer(reply), size, (u16)info->family->id,
		       info->snd_seq | (u64)info->snd_portid << 32,
		       NLPEER_CMD_TROUBLE_GET);
	p = put_u32(p, NLPEER_A_TROUBLE_ID, 0);
	if (size_attr) {
		size_t padded = NLA_ALIGN(NLA_HDRLEN + data_len);

		store32(p, padded - 4, 0);
		store32(p, 0, (NLA_HDRLEN + data_len) | NLPEER_A_TROUBLE_DATA << 16);
		memcpy(p + NLA_HDRLEN, bench_pattern, data_len);
		p += padded;
	}
	if (numbers_attr) {
		store32(p, 0, list_size | (NLPEER_A_TROUBLE_LIST | NLA_F_NESTED) << 16);
		p += NLA_HDRLEN;
		for (i = 0; i < numbers; i++)
			p = put_u32(p, NLPEER_A_LIST_NUMBER, i);
	}
	__skb_put(reply, size);
	return genlmsg_reply(reply, info);
}

/* Enlarges an empty buffer for an object; a full one is sent first. */
static noinline __cold int best_grow(struct sk_buff *skb, const u8 *next, size_t size)
{
	if (skb->len || next != skb_tail_pointer(skb))
		return 1;
	if (size > U16_MAX)
		return -EMSGSIZE;
	return pskb_expand_head(skb, 0, size - skb_tailroom(skb), GFP_KERNEL);
}

static int best_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	u32 type_flags = (u16)info->family->id | NLM_F_MULTI << 16;
	u64 seq_portid = info->snd_seq | (u64)info->snd_portid << 32;
	struct bench_cursor *cursor = (void *)cb->ctx;
	/* Locals of their own: the stores below might go anywhere in memory. */
	struct bench_object object = cursor->next;
	size_t len = object.len;
	u32 id = object.id;
	u8 *next = skb_tail_pointer(skb);
	size_t room = skb_tailroom(skb);
	u32 count = cursor->count;
	int err = 0;

	while (id < count) {
		bool extra = id % 4 == 0;
		size_t size = HDRLEN + 8 + 12 + text_size(len) + 20 + 6 * 8 +
			      (extra ? 8 : 0);
		u8 *p;

		if (unlikely(room < size)) {
			err = best_grow(skb, next, size);
			if (err)
				break;
			next = skb_tail_pointer(skb);
			room = skb_tailroom(skb);
		}
		p = put_header(next, size, type_flags, seq_portid,
			       NLPEER_CMD_OBJECT_GET);
		p = put_u32(p, NLPEER_A_OBJECT_ID, id);
		p = put_u64(p, NLPEER_A_OBJECT_COUNTER,
			    (u64)id << 32 | id);
		p = put_text(p, NLPEER_A_OBJECT_NAME, object.name, len);
		store32(p, 0, 20 | (NLPEER_A_OBJECT_PAIR | NLA_F_NESTED) << 16);
		p = put_u32(p + NLA_HDRLEN, NLPEER_A_PAIR_A, id + 1);
		p = put_u32(p, NLPEER_A_PAIR_B, id + 2);
		p = put_u32(p, NLPEER_A_OBJECT_V1, id + 10);
		p = put_u32(p, NLPEER_A_OBJECT_V2, id + 11);
		p = put_u32(p, NLPEER_A_OBJECT_V3, id + 12);
		p = put_u32(p, NLPEER_A_OBJECT_V4, id + 13);
		p = put_u32(p, NLPEER_A_OBJECT_V5, id + 14);
		p = put_u32(p, NLPEER_A_OBJECT_V6, id + 15);
		if (extra)
			put_u32(p, NLPEER_A_OBJECT_EXTRA, id ^ 0xffff);
		next += size;
		room -= size;
		len = bench_count_up(object.name, len);
		id++;
	}

	__skb_put(skb, next - skb_tail_pointer(skb));
	object.len = len;
	object.id = id;
	cursor->next = object;
	return err > 0 ? skb->len : err;
}

static const struct genl_split_ops best_ops[] = {
	{
		.cmd		= NLPEER_CMD_ECHO,
		.doit		= best_echo,
		.policy		= bench_value_policy,
		.maxattr	= NLPEER_A_VALUE_MAX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NLPEER_CMD_OBJECT_GET,
		.start		= bench_start,
		.dumpit		= best_dump,
		.policy		= bench_count_policy,
		.maxattr	= NLPEER_A_OBJECT_COUNT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NLPEER_CMD_TROUBLE_GET,
		.doit		= best_trouble,
		.policy		= bench_trouble_policy,
		.maxattr	= NLPEER_A_TROUBLE_NUMBERS,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family nlpeer_tuned __ro_after_init = {
	.name		= "nlpeer-tuned",
	.version	= NLPEER_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.split_ops	= best_ops,
	.n_split_ops	= ARRAY_SIZE(best_ops),
};
