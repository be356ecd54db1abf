// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that must be refused, one row each: with which errno, which text,
 * pointing at which attribute or naming which missing one, or in silence. The
 * name of a row says whose refusal it is: that of the core, whose words come
 * from lib/nlattr.c and net/netlink/ of the kernel, or that of nlpeer.
 *
 * Behind each of them goes an echo on the same socket. Its reply shows that the
 * socket still works, and where silence is due that nothing came before it,
 * without waiting for nothing. The counter of requests has to stand still.
 */
#include "peer.h"

#define SILENCE	0

struct row {
	const char *name;
	uint8_t cmd;
	uint16_t flags;
	/* The attribute of the request, if it is just one. */
	uint16_t type;
	const void *data;
	size_t len;
	/* Adds other attributes. */
	void (*build)(struct nl_msg *m);
	/* Spoils the message when it is complete. */
	void (*spoil)(struct nl_msg *m);

	int error;		/* SILENCE: no answer at all */
	const char *text;	/* NULL: none */
	int offset;		/* 0: none */
	int missing;		/* 0: none */
};

static const unsigned char bytes[NLPEER_BINARY_MAX + 1] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static char string[NLPEER_STRING_MAX + 2];	/* of maximal length + 1 */
static char text[NLPEER_TEXT_MAX + 2];

/* Attributes behind a good one. */
static void good_then_unknown(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	nl_put_u32(m, NLPEER_A_VALUE_MAX + 1, 1);
}

static void good_then_short(struct nl_msg *m)
{
	nl_put_str(m, NLPEER_A_VALUE_STRING, "good");
	nl_put(m, NLPEER_A_VALUE_U64, bytes, 4);
}

static void two_bad(struct nl_msg *m)
{
	nl_put(m, NLPEER_A_VALUE_U64, bytes, 7);
	nl_put(m, NLPEER_A_VALUE_U32, bytes, 3);
}

static void refuse_utf8(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_REFUSAL_ERROR, EDOM);
	nl_put_str(m, NLPEER_A_REFUSAL_TEXT, "\xc3\xbc\n");
}

/* Inside a nest, which begins at the first attribute. */
static void nest_unknown(struct nl_msg *m)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	nl_put_u32(m, NLPEER_A_NESTED_VALUE_MAX + 1, 1);
	nl_nest_end(m, nest);
}

static void nest_short(struct nl_msg *m)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	nl_put_str(m, NLPEER_A_NESTED_VALUE_STRING, "abc");
	nl_put(m, NLPEER_A_NESTED_VALUE_U32, bytes, 3);
	nl_nest_end(m, nest);
}

static void nest_string_long(struct nl_msg *m)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	nl_put_str(m, NLPEER_A_NESTED_VALUE_STRING, text);
	nl_nest_end(m, nest);
}

static void nest_string_open(struct nl_msg *m)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	nl_put(m, NLPEER_A_NESTED_VALUE_STRING, "abcd", 4);
	nl_nest_end(m, nest);
}

static void nest_leftover(struct nl_msg *m)
{
	size_t nest = nl_nest(m, NLPEER_A_VALUE_NEST);

	nl_put_u32(m, NLPEER_A_NESTED_VALUE_U32, 1);
	nl_reserve(m, 2);
	nl_nest_end(m, nest);
	nl_reserve(m, 2);
}

static void nest_in_nest(struct nl_msg *m)
{
	size_t outer = nl_nest(m, NLPEER_A_VALUE_NEST);
	size_t inner = nl_nest(m, NLPEER_A_NESTED_VALUE_U32);

	nl_nest_end(m, inner);
	nl_nest_end(m, outer);
}

/* Bytes behind the last attribute that are none. */
static void leftover(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	nl_reserve(m, 2);
}

static void leftover_alone(struct nl_msg *m)
{
	nl_reserve(m, 3);
}

static void attr_len_small(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	((struct nlattr *)(m->data + NL_ATTRS))->nla_len = NLA_HDRLEN - 1;
}

static void attr_len_large(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	((struct nlattr *)(m->data + NL_ATTRS))->nla_len = 9;
}

static void attr_len_huge(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	((struct nlattr *)(m->data + NL_ATTRS))->nla_len = 0xffff;
}

/* Headers. */
static void cut_to(struct nl_msg *m, uint32_t len)
{
	m->len = len;
	nl_hdr(m)->nlmsg_len = len;
}

static void no_genl_header(struct nl_msg *m)
{
	cut_to(m, NLMSG_HDRLEN);
}

static void half_genl_header(struct nl_msg *m)
{
	cut_to(m, NLMSG_HDRLEN + GENL_HDRLEN - 1);
}

static void len_zero(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = 0;
}

static void len_below_header(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = NLMSG_HDRLEN - 1;
}

static void len_beyond_end(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = m->len + 1;
}

static void len_huge(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = 0xffffffff;
}

static void datagram_below_header(struct nl_msg *m)
{
	m->len = NLMSG_HDRLEN - 1;
}

static void reserved(struct nl_msg *m)
{
	nl_genl(nl_hdr(m))->reserved = 1;
}

static void no_request_flag(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_flags &= ~NLM_F_REQUEST;
}

static void control_type(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_type = NLMSG_MIN_TYPE - 1;
}

static void unknown_family(struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_type = GENL_MAX_ID;
}

/* Events. */
static void text_alone(struct nl_msg *m)
{
	nl_put_str(m, NLPEER_A_EVENT_TEXT, "no cookie");
}

static void put_event(struct nl_msg *m, const char *str)
{
	nl_put_u32(m, NLPEER_A_EVENT_COOKIE, 1);
	nl_put_str(m, NLPEER_A_EVENT_TEXT, str);
}

static void text_unit_separator(struct nl_msg *m)
{
	put_event(m, "below space: \x1f");
}

static void text_newline(struct nl_msg *m)
{
	put_event(m, "\n");
}

static void text_delete(struct nl_msg *m)
{
	put_event(m, "above tilde: \x7f");
}

static void text_utf8(struct nl_msg *m)
{
	put_event(m, "caf\xc3\xa9");
}

static void text_first(struct nl_msg *m)
{
	nl_put_str(m, NLPEER_A_EVENT_TEXT, "\t");
	nl_put_u32(m, NLPEER_A_EVENT_COOKIE, 1);
}

static void text_too_long(struct nl_msg *m)
{
	put_event(m, text);
}

#define ATTR(type_, len_)	.type = (type_), .data = bytes, .len = (len_)
#define COUNT(value)	.type = NLPEER_A_OBJECT_COUNT, .len = 4, .data = &(const uint32_t){ value }
#define ECHO		.cmd = NLPEER_CMD_ECHO
#define OBJECTS		.cmd = NLPEER_CMD_OBJECT_GET, .flags = NLM_F_DUMP
#define EVENT		.cmd = NLPEER_CMD_EVENT_SEND
#define REFUSE		.cmd = NLPEER_CMD_REFUSE
#define TROUBLE		.cmd = NLPEER_CMD_TROUBLE_GET
#define TROUBLES	.cmd = NLPEER_CMD_TROUBLE_GET, .flags = NLM_F_DUMP
#define NUMBER(name, value) \
	.type = NLPEER_A_TROUBLE_##name, .len = 4, .data = &(const uint32_t){ value }

/* Where the first attribute is, the one behind it, and one inside it. */
#define FIRST		NL_ATTRS
#define SECOND		(NL_ATTRS + NLA_HDRLEN + 4)
#define INNER		(NL_ATTRS + NLA_HDRLEN)
#define AT(offset_)	.offset = (offset_)

/* What the core says. */
#define SILENT		.error = SILENCE
#define LENGTH		.error = EINVAL, .text = "invalid attribute length"
#define POLICY(error_)	.error = (error_), .text = "Attribute failed policy validation"
#define RANGE		.error = ERANGE, .text = "integer out of range"
#define UNKNOWN		.error = EINVAL, .text = "Unknown attribute type"
#define UNSUPPORTED	.error = EINVAL, .text = "Unsupported attribute"
#define LEFTOVER	.error = EINVAL, .text = "bytes leftover after parsing attributes"
#define FLAGS		.error = EINVAL, .text = "ambiguous or reserved bits set in nlmsg_flags"
#define RESERVED	.error = EINVAL, .text = "genlmsghdr.reserved field is not 0"
/* What nlpeer says. */
#define MISSING		.error = EINVAL, .text = "required attribute is missing"
#define PRINTABLE	.error = EINVAL, .text = "text must be printable ASCII"

static const struct row rows[] = {
	{ "core: u32 of no byte",
	  ECHO, .type = NLPEER_A_VALUE_U32, LENGTH, AT(FIRST) },
	{ "core: u32 of 3 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U32, 3), LENGTH, AT(FIRST) },
	/* covers: trap 17 */
	{ "core: u32 of 5 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U32, 5), LENGTH, AT(FIRST) },
	{ "core: u32 of 8 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U32, 8), LENGTH, AT(FIRST) },
	{ "core: u64 of 4 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U64, 4), LENGTH, AT(FIRST) },
	/* covers: trap 17 */
	{ "core: u64 of 7 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U64, 7), LENGTH, AT(FIRST) },
	{ "core: u64 of 9 bytes",
	  ECHO, ATTR(NLPEER_A_VALUE_U64, 9), LENGTH, AT(FIRST) },
	{ "core: u64 of 4 bytes behind a string of 5",
	  ECHO, .build = good_then_short, LENGTH, AT(FIRST + 12) },
	{ "core: of two bad attributes the first is named",
	  ECHO, .build = two_bad, LENGTH, AT(FIRST) },
	/* covers: trap 16 */
	{ "core: string without NUL",
	  ECHO, .type = NLPEER_A_VALUE_STRING, .data = "abcd", .len = 4,
	  POLICY(EINVAL), AT(FIRST) },
	{ "core: string without any byte",
	  ECHO, .type = NLPEER_A_VALUE_STRING, POLICY(EINVAL), AT(FIRST) },
	{ "core: string above its limit",
	  ECHO, .type = NLPEER_A_VALUE_STRING, .data = string,
	  .len = NLPEER_STRING_MAX + 2, POLICY(EINVAL), AT(FIRST) },
	{ "core: string of a good length in too many bytes",
	  ECHO, .type = NLPEER_A_VALUE_STRING, .len = NLPEER_STRING_MAX + 2,
	  POLICY(ERANGE), AT(FIRST) },
	{ "core: binary above its limit",
	  ECHO, ATTR(NLPEER_A_VALUE_BINARY, NLPEER_BINARY_MAX + 1),
	  POLICY(ERANGE), AT(FIRST) },
	{ "core: attribute 0",
	  ECHO, ATTR(0, 4), UNKNOWN, AT(FIRST) },
	{ "core: attribute behind the last one",
	  ECHO, ATTR(NLPEER_A_VALUE_MAX + 1, 4), UNKNOWN, AT(FIRST) },
	{ "core: attribute of the highest number",
	  ECHO, ATTR(0x3fff, 4), UNKNOWN, AT(FIRST) },
	{ "core: unknown attribute behind a good one",
	  ECHO, .build = good_then_unknown, UNKNOWN, AT(SECOND) },
	{ "core: unknown attribute in a nest",
	  ECHO, .build = nest_unknown, UNKNOWN, AT(INNER) },
	{ "core: short u32 in a nest",
	  ECHO, .build = nest_short, LENGTH, AT(INNER + 8) },
	{ "core: string above its limit in a nest",
	  ECHO, .build = nest_string_long, POLICY(EINVAL), AT(INNER) },
	{ "core: string without NUL in a nest",
	  ECHO, .build = nest_string_open, POLICY(EINVAL), AT(INNER) },
	{ "core: bytes left over in a nest",
	  ECHO, .build = nest_leftover, LEFTOVER },
	{ "core: a nest in the place of a u32 in a nest",
	  ECHO, .build = nest_in_nest, LENGTH, AT(INNER) },
	/* covers: trap 20 */
	{ "core: nest without its flag",
	  ECHO, .type = NLPEER_A_VALUE_NEST, .error = EINVAL,
	  .text = "NLA_F_NESTED is missing", AT(FIRST) },
	{ "core: nest too short for an attribute",
	  ECHO, ATTR(NLPEER_A_VALUE_NEST | NLA_F_NESTED, 3), POLICY(ERANGE),
	  AT(FIRST) },
	/* covers: trap 20 */
	{ "core: nest flag on a u32",
	  ECHO, ATTR(NLPEER_A_VALUE_U32 | NLA_F_NESTED, 4), .error = EINVAL,
	  .text = "NLA_F_NESTED not expected", AT(FIRST) },
	{ "core: bytes left over behind an attribute",
	  ECHO, .build = leftover, LEFTOVER },
	{ "core: bytes left over without an attribute",
	  ECHO, .build = leftover_alone, LEFTOVER },
	{ "core: attribute shorter than its header",
	  ECHO, .build = attr_len_small, LEFTOVER },
	{ "core: attribute longer than the message",
	  ECHO, .build = attr_len_large, LEFTOVER },
	{ "core: attribute of the largest length",
	  ECHO, .build = attr_len_huge, LEFTOVER },

	{ "core: no generic netlink header",
	  ECHO, .spoil = no_genl_header, .error = EINVAL },
	{ "core: half a generic netlink header",
	  ECHO, .spoil = half_genl_header, .error = EINVAL },
	{ "core: no generic netlink header, dump",
	  OBJECTS, .spoil = no_genl_header, .error = EINVAL },
	{ "core: reserved field of the header",
	  ECHO, .spoil = reserved, RESERVED },
	{ "core: reserved field of the header, dump",
	  OBJECTS, COUNT(1), .spoil = reserved, RESERVED },
	{ "core: half of the dump flag",
	  ECHO, .flags = NLM_F_ROOT, FLAGS },
	{ "core: the other half of the dump flag",
	  ECHO, .flags = NLM_F_MATCH, FLAGS },
	{ "core: flag of a reply",
	  ECHO, .flags = NLM_F_MULTI, FLAGS },
	{ "core: flag of a create request",
	  ECHO, .flags = NLM_F_APPEND, FLAGS },
	{ "core: unknown family",
	  ECHO, .spoil = unknown_family, .error = ENOENT },
	{ "core: command 0",
	  .cmd = 0, .error = EOPNOTSUPP },
	{ "core: command behind the last one",
	  .cmd = NLPEER_CMD_MAX + 1, .error = EOPNOTSUPP },
	{ "core: command 255",
	  .cmd = 255, .error = EOPNOTSUPP },
	{ "core: command of a notification",
	  .cmd = NLPEER_CMD_EVENT, .error = EOPNOTSUPP },
	{ "core: dump of an operation without dump",
	  ECHO, .flags = NLM_F_DUMP, .error = EOPNOTSUPP },
	{ "core: do of an operation without do",
	  .cmd = NLPEER_CMD_OBJECT_GET, COUNT(1), .error = EOPNOTSUPP },
	{ "core: dump of a privileged operation without dump",
	  .cmd = NLPEER_CMD_RESET, .flags = NLM_F_DUMP, .error = EOPNOTSUPP },

	{ "core: attribute for status-get, which has none",
	  .cmd = NLPEER_CMD_STATUS_GET, ATTR(NLPEER_A_STATUS_REQUESTS, 4), UNKNOWN,
	  AT(FIRST) },
	{ "core: attribute for reset, which has none",
	  .cmd = NLPEER_CMD_RESET, ATTR(1, 4), UNKNOWN, AT(FIRST) },
	{ "core: attribute of the reply in a dump request",
	  OBJECTS, ATTR(NLPEER_A_OBJECT_ID, 4), UNKNOWN, AT(FIRST) },
	{ "core: last attribute of the reply in a dump request",
	  OBJECTS, ATTR(NLPEER_A_OBJECT_EXTRA, 4), UNKNOWN, AT(FIRST) },
	{ "core: count of 8 bytes",
	  OBJECTS, .type = NLPEER_A_OBJECT_COUNT, .len = 8, LENGTH, AT(FIRST) },
	{ "core: count above the limit",
	  OBJECTS, COUNT(NLPEER_COUNT_MAX + 1), RANGE, AT(FIRST) },
	{ "core: largest count",
	  OBJECTS, COUNT(0xffffffff), RANGE, AT(FIRST) },
	{ "core: text of an event above its limit",
	  EVENT, .build = text_too_long, POLICY(EINVAL), AT(SECOND) },
	{ "core: attribute of the dump alone in the do of a command with both",
	  TROUBLE, NUMBER(COUNT, 1), UNSUPPORTED, AT(FIRST) },
	{ "core: another one, further behind",
	  TROUBLE, NUMBER(FAIL_AFTER, 1), UNSUPPORTED, AT(FIRST) },
	{ "core: size above the limit",
	  TROUBLE, NUMBER(SIZE, NLPEER_SIZE_MAX + 1), RANGE, AT(FIRST) },
	{ "core: size above the limit, dump",
	  TROUBLES, NUMBER(SIZE, NLPEER_SIZE_MAX + 1), RANGE, AT(FIRST) },
	{ "core: numbers above the limit",
	  TROUBLE, NUMBER(NUMBERS, NLPEER_NUMBERS_MAX + 1), RANGE, AT(FIRST) },
	{ "core: a number below its limit",
	  TROUBLES, NUMBER(INTERRUPT_AFTER, 0), RANGE, AT(FIRST) },
	{ "core: attribute of the reply in the dump of a command with both",
	  TROUBLES, NUMBER(ID, 1), UNSUPPORTED, AT(FIRST) },

	{ "core: message length 0",
	  ECHO, .spoil = len_zero, SILENT },
	{ "core: message length below the header's",
	  ECHO, .spoil = len_below_header, SILENT },
	{ "core: message longer than the datagram",
	  ECHO, .spoil = len_beyond_end, SILENT },
	{ "core: message of the largest length",
	  ECHO, .spoil = len_huge, SILENT },
	{ "core: datagram shorter than a header",
	  ECHO, .spoil = datagram_below_header, SILENT },
	{ "core: no request flag",
	  ECHO, .spoil = no_request_flag, SILENT },
	{ "core: type of a control message",
	  ECHO, .spoil = control_type, SILENT },

	/* covers: trap 8, trap a */
	{ "nlpeer: object-get without count",
	  OBJECTS, MISSING, .missing = NLPEER_A_OBJECT_COUNT },
	{ "nlpeer: dump of trouble-get without count",
	  TROUBLES, NUMBER(SIZE, 1), MISSING, .missing = NLPEER_A_TROUBLE_COUNT },
	{ "nlpeer: event-send without any attribute",
	  EVENT, MISSING, .missing = NLPEER_A_EVENT_COOKIE },
	{ "nlpeer: event-send without cookie",
	  EVENT, .build = text_alone, MISSING, .missing = NLPEER_A_EVENT_COOKIE },
	{ "nlpeer: event text with a byte below space",
	  EVENT, .build = text_unit_separator, PRINTABLE, AT(SECOND) },
	{ "nlpeer: event text with a newline",
	  EVENT, .build = text_newline, PRINTABLE, AT(SECOND) },
	{ "nlpeer: event text with DEL",
	  EVENT, .build = text_delete, PRINTABLE, AT(SECOND) },
	{ "nlpeer: event text beyond ASCII",
	  EVENT, .build = text_utf8, PRINTABLE, AT(SECOND) },
	/* covers: trap 23 */
	{ "nlpeer: event text in front of the cookie",
	  EVENT, .build = text_first, PRINTABLE, AT(FIRST) },
	{ "nlpeer: refuse with a text that is UTF-8",
	  REFUSE, .build = refuse_utf8, .error = EDOM, .text = "\xc3\xbc\n" },
	{ "nlpeer: refuse with a text that is not",
	  REFUSE, .type = NLPEER_A_REFUSAL_TEXT, .data = "\xc3", .len = 2,
	  .error = EINVAL, .text = "text must be UTF-8", AT(FIRST) },
};

static void build(struct peer *p, struct nl_msg *m, const struct row *row)
{
	peer_start(p, m, row->flags, row->cmd);
	if (row->build)
		row->build(m);
	else if (row->type || row->len)
		nl_put(m, row->type, row->data, row->len);
	nl_finish(&p->sock, m);
	if (row->spoil)
		row->spoil(m);
}

static void expect_refusal(struct peer *p, const struct nl_msg *sent,
			   const struct row *row)
{
	const struct nlmsgerr *err;
	static struct nl_msg m;
	struct nl_ack ack;

	peer_recv_ack(p, &m, row->error, &ack);
	EXPECT_STR(ack.text, row->text);
	EXPECT_EQ(ack.offset, row->offset ?: -1);
	EXPECT_EQ(ack.missing, row->missing ?: -1);
	EXPECT_EQ(ack.missing_nest, -1);
	/* It quotes the whole request. */
	err = NLMSG_DATA(nl_hdr(&m));
	EXPECT_EQ(nl_hdr(&m)->nlmsg_flags & NLM_F_CAPPED, 0);
	EXPECT(nl_hdr(&m)->nlmsg_len >= NLMSG_HDRLEN + sizeof(int) + sent->len, "%u",
	       nl_hdr(&m)->nlmsg_len);
	EXPECT_BYTES(&err->msg, sent->len, sent->data, sent->len);
}

static void refuse(const void *arg)
{
	const struct row *row = arg;
	uint64_t before, after;
	static struct nl_msg m;
	struct peer p;

	memset(string, 's', NLPEER_STRING_MAX + 1);
	memset(text, 't', NLPEER_TEXT_MAX + 1);
	peer_open(&p);
	before = peer_status(&p).requests;

	build(&p, &m, row);
	EXPECT_OK(nl_send_raw(&p.sock, m.data, m.len));
	if (row->error != SILENCE)
		expect_refusal(&p, &m, row);
	peer_ping(&p, 0xabcd1234);

	/* Nothing was counted but the ping and the second question. */
	after = peer_status(&p).requests;
	EXPECT_EQ(after, before + 2);
	EXPECT_EQ(peer_status(&p).dumps, 0);
}

/* With NLM_F_ACK the core acknowledges even what it has not looked at. */
static void ack_without_request(const void *arg)
{
	struct nl_ack ack;
	struct nl_msg m;
	struct peer p;

	peer_open(&p);
	peer_start(&p, &m, NLM_F_ACK, NLPEER_CMD_ECHO);
	nl_finish(&p.sock, &m);
	no_request_flag(&m);
	EXPECT_OK(nl_send_raw(&p.sock, m.data, m.len));
	peer_recv_ack(&p, &m, 0, &ack);
	peer_expect_silence(&p);
}

/* A refused request in the middle of a datagram does not take others with it. */
static void refused_in_batch(const void *arg)
{
	static struct nl_msg m, batch;
	struct nl_ack ack;
	struct peer p;

	peer_open(&p);
	batch.len = 0;
	for (int i = 0; i < 3; i++) {
		peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
		nl_put(&m, NLPEER_A_VALUE_U32, bytes, i == 1 ? 3 : 4);
		nl_finish(&p.sock, &m);
		memcpy(nl_reserve(&batch, m.len), m.data, m.len);
	}
	EXPECT_OK(nl_send_raw(&p.sock, batch.data, batch.len));
	p.sock.seq -= 2;
	peer_recv_reply(&p, &m, NLPEER_CMD_ECHO);
	p.sock.seq++;
	peer_recv_ack(&p, &m, EINVAL, &ack);
	EXPECT_EQ(ack.offset, FIRST);
	p.sock.seq++;
	peer_recv_reply(&p, &m, NLPEER_CMD_ECHO);
	peer_expect_silence(&p);
}

/* Without NETLINK_EXT_ACK the error comes alone, with NETLINK_CAP_ACK unquoted. */
static void other_acks(const void *arg)
{
	static struct nl_msg m;
	int zero = 0, one = 1;
	struct nl_ack ack;
	struct peer p;

	peer_open(&p);
	setsockopt(p.sock.fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	text_newline(&m);
	EXPECT_OK(nl_send(&p.sock, &m));
	peer_recv_ack(&p, &m, EINVAL, &ack);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_flags, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	EXPECT_STR(ack.text, "text must be printable ASCII");
	EXPECT_EQ(ack.offset, SECOND);

	setsockopt(p.sock.fd, SOL_NETLINK, NETLINK_EXT_ACK, &zero, sizeof(zero));
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	text_newline(&m);
	EXPECT_OK(nl_send(&p.sock, &m));
	peer_recv_ack(&p, &m, EINVAL, &ack);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_flags, NLM_F_CAPPED);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_len, NLMSG_LENGTH(sizeof(struct nlmsgerr)));
}

int main(void)
{
	struct ktap_test tests[ARRAY_SIZE(rows) + 3] = {
		{ "an ack for a message that is no request", ack_without_request },
		{ "a refused request between two good ones", refused_in_batch },
		{ "acks without quotation, without text", other_acks },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[3 + i] = (struct ktap_test){ rows[i].name, refuse, &rows[i] };
	return ktap_run(tests, ARRAY_SIZE(tests));
}
