// SPDX-License-Identifier: GPL-2.0
/*
 * Replies that are odd on purpose: messages that rust/genl does not make, since no family
 * should send them. Each comes from a table, so that it has the same bytes every time.
 */
#include <net/genetlink.h>
#include <net/sock.h>

#include "../genl/helpers.h"
#include "nlpeer.h"
#include "odd.h"

/* An attribute that there is not. */
#define UNKNOWN		99

struct odd_attr {
	u16 type;
	u8 len;		/* as its header says; 0 ends the attributes */
	u8 room;	/* how many bytes are behind its header */
	union {
		u32 u32;
		__be32 be32;
		u64 u64;
		char text[8];
		u32 words[2];
	} value;
};

#define ODD_ATTR(_type, _len, _room, ...)					\
	{ .type = (_type), .len = NLA_HDRLEN + (_len), .room = (_room), .value = { __VA_ARGS__ } }

#define NUMBER_OF(_type, _number)	ODD_ATTR(_type, 4, 4, .u32 = (_number))
#define NUMBER(_number)			NUMBER_OF(NLPEER_A_ODD_NUMBER, _number)
#define NET_NUMBER_OF(_type, _number)						\
	ODD_ATTR((_type) | NLA_F_NET_BYTEORDER, 4, 4, .be32 = cpu_to_be32(_number))
/* A nest of the number that follows. */
#define NEST(_type)			ODD_ATTR(_type, 8, 0)
/* How long it is, and with its padding. */
#define TEXT(_text, _len, _room)	ODD_ATTR(NLPEER_A_ODD_TEXT, _len, _room, .text = _text)
#define ODD				TEXT("odd", 4, 4)

/* What a reply has that is not odd, and what shows that something is none. */
#define RIGHT		{ NUMBER(7), ODD }
#define WRONG		{ NUMBER(13), ODD }

struct odd_message {
	u8 what;	/* of enum nlpeer_odd */
	u8 type;	/* NLMSG_*; 0 for a message of a family */
	u8 cmd;
	u16 flags;
	/* What is added to what a reply has. */
	s8 family;
	s8 seq;
	s8 port;
	/* Bytes behind the last attribute, or that are missing of its padding. */
	s8 tail;
	bool quotes;	/* an ack with the whole request in it */
	bool joined;	/* the next one is in the same datagram */
	struct odd_attr attrs[3];
};

#define REPLY(_what, ...)	\
	{ .what = NLPEER_ODD_##_what, .cmd = NLPEER_CMD_ODD_GET, __VA_ARGS__ }
#define EVENT(_what)		\
	{ .what = NLPEER_ODD_##_what, .cmd = NLPEER_CMD_EVENT,			\
	  .attrs = { NUMBER_OF(NLPEER_A_EVENT_COOKIE, 13) } }
#define CONTROL(_what, _type, ...)	\
	{ .what = NLPEER_ODD_##_what, .type = (_type), __VA_ARGS__ }

static const struct odd_message odd_messages[] = {
	REPLY(NOTHING, .attrs = RIGHT),

	REPLY(DONE_EMPTY, .flags = NLM_F_MULTI, .attrs = RIGHT),
	CONTROL(DONE_EMPTY, NLMSG_DONE, .flags = NLM_F_MULTI),
	REPLY(DONE_SHORT, .flags = NLM_F_MULTI, .attrs = RIGHT),
	CONTROL(DONE_SHORT, NLMSG_DONE, .flags = NLM_F_MULTI, .tail = 2),
	REPLY(NO_DONE, .flags = NLM_F_MULTI, .attrs = RIGHT),

	REPLY(NEXT_SEQ, .seq = 1, .attrs = WRONG),
	REPLY(NEXT_SEQ, .attrs = RIGHT),
	REPLY(LAST_SEQ, .seq = -1, .attrs = WRONG),
	REPLY(LAST_SEQ, .attrs = RIGHT),
	REPLY(OTHER_PORT, .port = 1, .attrs = WRONG),
	REPLY(OTHER_PORT, .attrs = RIGHT),
	REPLY(OTHER_TYPE, .family = 1, .attrs = WRONG),
	REPLY(OTHER_TYPE, .attrs = RIGHT),
	EVENT(EVENT_FIRST),
	REPLY(EVENT_FIRST, .attrs = RIGHT),
	REPLY(EVENT_BEHIND, .attrs = RIGHT),
	EVENT(EVENT_BEHIND),
	REPLY(TWICE, .attrs = RIGHT),
	REPLY(TWICE, .attrs = RIGHT),

	REPLY(NO_NUL, .attrs = { TEXT("odd!", 4, 4), NUMBER(7) }),
	REPLY(EMPTY_TEXT, .attrs = { NUMBER(7), TEXT("", 1, 4) }),
	REPLY(NO_TEXT, .attrs = { NUMBER(7), TEXT("", 0, 0) }),
	REPLY(PLAIN_NEST, .attrs = {
		NUMBER(7), NEST(NLPEER_A_ODD_NEST), NUMBER_OF(NLPEER_A_ODD_NEST_NUMBER, 7),
	}),
	REPLY(BYTE_ORDER, .attrs = { NET_NUMBER_OF(NLPEER_A_ODD_NUMBER, 7), ODD }),
	REPLY(UNPADDED, .tail = -1, .attrs = { NUMBER(7), TEXT("od", 3, 4) }),
	REPLY(TRAILING, .tail = 3, .attrs = RIGHT),
	REPLY(SHORT_ATTRIBUTE, .attrs = { NUMBER(7), ODD, ODD_ATTR(UNKNOWN, -1, 0) }),
	REPLY(UNKNOWN_NESTED, .attrs = {
		NEST(UNKNOWN | NLA_F_NESTED), NUMBER_OF(UNKNOWN, 13), NUMBER(7),
	}),
	REPLY(UNKNOWN_BYTE_ORDER, .attrs = { NET_NUMBER_OF(UNKNOWN, 13), NUMBER(7), ODD }),
	REPLY(DUPLICATE, .attrs = { NUMBER(13), NUMBER(7), ODD }),
	REPLY(MISALIGNED, .attrs = {
		TEXT("oddly", 6, 8), ODD_ATTR(NLPEER_A_ODD_WIDE, 8, 8, .u64 = 7), NUMBER(7),
	}),

	CONTROL(NOOP, NLMSG_NOOP, .joined = true),
	REPLY(NOOP, .attrs = RIGHT),
	CONTROL(OVERRUN, NLMSG_OVERRUN, .joined = true),
	REPLY(OVERRUN, .attrs = RIGHT),

	REPLY(ACK_WHOLE, .attrs = RIGHT),
	CONTROL(ACK_WHOLE, NLMSG_ERROR, .flags = NLM_F_ACK_TLVS, .quotes = true, .attrs = {
		ODD_ATTR(NLMSGERR_ATTR_MSG, 4, 4, .text = "odd"),
	}),
	REPLY(ACK_BARE, .attrs = RIGHT),
	CONTROL(ACK_BARE, NLMSG_ERROR),
	CONTROL(ACK_FIRST, NLMSG_ERROR, .flags = NLM_F_CAPPED),
	REPLY(ACK_FIRST, .attrs = RIGHT),
};

/* The most that a message has, without the request that it may quote. */
#define ODD_SIZE	(NLMSG_HDRLEN + sizeof(struct nlmsgerr) +			\
			 sizeof_field(struct odd_message, attrs) + sizeof(u64))

static void odd_put_attr(struct sk_buff *skb, const struct odd_attr *attr)
{
	const unsigned int most = sizeof(attr->value);
	struct nlattr *nla = skb_put(skb, NLA_HDRLEN + most);
	u32 *words = nla_data(nla);

	nla->nla_len = attr->len;
	nla->nla_type = attr->type;
	/* A fortified memcpy() could stop the machine, as far as the checks see. */
	words[0] = attr->value.words[0];
	words[1] = attr->value.words[1];
	skb_trim(skb, skb->len - most + attr->room);
}

static void odd_put(struct sk_buff *skb, const struct odd_message *m,
		    const struct genl_info *info)
{
	struct nlmsghdr *nlh = skb_put(skb, NLMSG_HDRLEN);
	const struct odd_attr *attr;

	nlh->nlmsg_type = m->type ?: info->family->id + m->family;
	nlh->nlmsg_flags = m->flags;
	nlh->nlmsg_seq = info->snd_seq + m->seq;
	nlh->nlmsg_pid = info->snd_portid + m->port;
	if (!m->type) {
		struct genlmsghdr *genl = skb_put_zero(skb, GENL_HDRLEN);

		genl->cmd = m->cmd;
		genl->version = info->family->version;
	} else if (m->type == NLMSG_ERROR) {
		struct nlmsgerr *err = skb_put_zero(skb, sizeof(*err));

		err->msg = *info->nlhdr;
		err->msg.nlmsg_flags |= NLM_F_ACK;
		if (m->quotes) {
			unsigned int len = nlmsg_len(info->nlhdr);

			skb_put_data(skb, nlmsg_data(info->nlhdr), len);
			skb_put_zero(skb, NLMSG_ALIGN(len) - len);
		}
	}
	for (attr = m->attrs; attr < m->attrs + ARRAY_SIZE(m->attrs) && attr->len; attr++)
		odd_put_attr(skb, attr);
	if (m->tail > 0)
		skb_put_zero(skb, m->tail);
	else
		skb_trim(skb, skb->len + m->tail);
	nlh->nlmsg_len = skb_tail_pointer(skb) - (unsigned char *)nlh;
}

#define odd_end		(odd_messages + ARRAY_SIZE(odd_messages))

/*
 * Returns whether a request asks for an ack. Where one is among what is sent, the request, of
 * which the core has a copy that is ours to change, no longer does.
 */
bool nlpeer_odd_wants_ack(const struct genl_info *info, u32 what)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)info->nlhdr;
	bool wants_ack = nlh->nlmsg_flags & NLM_F_ACK;
	const struct odd_message *m;

	for (m = odd_messages; m < odd_end; m++) {
		if (m->what == what && m->type == NLMSG_ERROR)
			nlh->nlmsg_flags &= ~NLM_F_ACK;
	}
	return wants_ack;
}

/* Sends what @what stands for to the sender of a request. */
int nlpeer_odd_send(struct sk_buff *request, const struct genl_info *info, u32 what,
		    bool wants_ack)
{
	const struct odd_message *m;
	struct sk_buff *skb = NULL;

	for (m = odd_messages; m < odd_end; m++) {
		int err;

		if (m->what != what || (m->type == NLMSG_ERROR && !wants_ack))
			continue;
		if (!skb) {
			size_t size = 2 * ODD_SIZE;

			if (m->quotes)
				size += NLMSG_ALIGN(info->nlhdr->nlmsg_len);
			if (!genl_rs_may_answer(request, size))
				return -EAGAIN;
			skb = alloc_skb(size, GFP_KERNEL);
			if (!skb)
				return -ENOMEM;
		}
		odd_put(skb, m, info);
		if (m->joined)
			continue;
		err = genlmsg_unicast(genl_info_net(info), skb, info->snd_portid);
		if (err)
			return err;
		skb = NULL;
	}
	return 0;
}

/* Makes the next read of the sender of a request fail, as netlink_dump() without memory does. */
void nlpeer_odd_lose(const struct sk_buff *request)
{
	struct sock *sk = NETLINK_CB(request).sk;

	WRITE_ONCE(sk->sk_err, ENOBUFS);
	sk_error_report(sk);
}
