// SPDX-License-Identifier: GPL-2.0
/*
 * nlpeer by libmnl, which gives a socket, a parser and a loop over messages; the
 * buffer is the caller's. A short buffer is ENOSPC, an interrupted dump EINTR.
 */

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "client.h"

static char buffer[1 << 17];
static struct mnl_socket *sock;
static unsigned int portid;
static uint32_t seq;
static uint16_t family;
static uint32_t group;

/* The table that a callback of mnl_attr_parse fills. */
struct table {
	const struct nlattr *attr[64];
};

static int store(const struct nlattr *attr, void *data)
{
	struct table *table = data;

	if (mnl_attr_get_type(attr) < 64)
		table->attr[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static struct table parse(const struct nlmsghdr *nlh)
{
	struct table table = {};

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), store, &table);
	return table;
}

static struct table parse_nest(const struct nlattr *nest)
{
	struct table table = {};

	mnl_attr_parse_nested(nest, store, &table);
	return table;
}

static struct nlmsghdr *request(uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

/* Receives until the end of the replies; the callback may see any of them. */
static int receive(size_t size, mnl_cb_t callback)
{
	int len, rc;

	do {
		len = mnl_socket_recvfrom(sock, buffer, size);
		if (len < 0)
			return -1;
		rc = mnl_cb_run(buffer, len, seq, portid, callback, NULL);
	} while (rc > 0);
	return rc;
}

static int transact(struct nlmsghdr *nlh, mnl_cb_t callback)
{
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	return receive(sizeof(buffer), callback);
}

static void tell_errno(void)
{
	tell("error %d", errno);
}

static int resolved(const struct nlmsghdr *nlh, void *data)
{
	struct table family_table = parse(nlh);
	const struct nlattr *attr;

	family = mnl_attr_get_u16(family_table.attr[CTRL_ATTR_FAMILY_ID]);
	mnl_attr_for_each_nested(attr, family_table.attr[CTRL_ATTR_MCAST_GROUPS]) {
		struct table table = parse_nest(attr);
		const char *name = mnl_attr_get_str(table.attr[CTRL_ATTR_MCAST_GRP_NAME]);

		if (!strcmp(name, NLPEER_MCGRP_EVENTS))
			group = mnl_attr_get_u32(table.attr[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return MNL_CB_OK;
}

/* A socket, and the ids of the family. */
static bool begin(void)
{
	int on = 1;
	struct nlmsghdr *nlh;

	sock = mnl_socket_open(NETLINK_GENERIC);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		tell_errno();
		return false;
	}
	portid = mnl_socket_get_portid(sock);
	/* Errors come with extended acks, and without the request. */
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on));
	nlh = request(GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NLPEER_FAMILY_NAME);
	if (transact(nlh, resolved) < 0) {
		tell_errno();
		mnl_socket_close(sock);
		return false;
	}
	return true;
}

static void resolve(void)
{
	if (!begin())
		return;
	tell("family %u", family);
	tell("group %u", group);
	mnl_socket_close(sock);
}

static int echoed(const struct nlmsghdr *nlh, void *data)
{
	struct table reply = parse(nlh);
	struct table nest = parse_nest(reply.attr[NLPEER_A_VALUE_NEST]);
	const struct nlattr *binary = reply.attr[NLPEER_A_VALUE_BINARY];

	tell("u32 %u", mnl_attr_get_u32(reply.attr[NLPEER_A_VALUE_U32]));
	tell("u64 %llu", (unsigned long long)mnl_attr_get_u64(reply.attr[NLPEER_A_VALUE_U64]));
	tell("string %s", mnl_attr_get_str(reply.attr[NLPEER_A_VALUE_STRING]));
	tell_bytes("binary", mnl_attr_get_payload(binary), mnl_attr_get_payload_len(binary));
	tell("nest.u32 %u", mnl_attr_get_u32(nest.attr[NLPEER_A_NESTED_VALUE_U32]));
	tell("nest.string %s", mnl_attr_get_str(nest.attr[NLPEER_A_NESTED_VALUE_STRING]));
	return MNL_CB_OK;
}

static struct nlmsghdr *echo_request(void)
{
	struct nlmsghdr *nlh = request(family, NLM_F_ACK, NLPEER_CMD_ECHO);
	struct nlattr *nest;

	mnl_attr_put_u32(nlh, NLPEER_A_VALUE_U32, echo_u32);
	mnl_attr_put_u64(nlh, NLPEER_A_VALUE_U64, echo_u64);
	mnl_attr_put_strz(nlh, NLPEER_A_VALUE_STRING, echo_string);
	mnl_attr_put(nlh, NLPEER_A_VALUE_BINARY, sizeof(echo_binary), echo_binary);
	nest = mnl_attr_nest_start(nlh, NLPEER_A_VALUE_NEST);
	mnl_attr_put_u32(nlh, NLPEER_A_NESTED_VALUE_U32, echo_nest_u32);
	mnl_attr_put_strz(nlh, NLPEER_A_NESTED_VALUE_STRING, echo_nest_string);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static void echo(void)
{
	if (!begin())
		return;
	if (transact(echo_request(), echoed) < 0)
		tell_errno();
	mnl_socket_close(sock);
}

static int tell_object(const struct nlmsghdr *nlh, void *data)
{
	struct table object = parse(nlh);
	struct table pair = parse_nest(object.attr[NLPEER_A_OBJECT_PAIR]);

	printf("object %u %llu %s %u %u", mnl_attr_get_u32(object.attr[NLPEER_A_OBJECT_ID]),
	       (unsigned long long)mnl_attr_get_u64(object.attr[NLPEER_A_OBJECT_COUNTER]),
	       mnl_attr_get_str(object.attr[NLPEER_A_OBJECT_NAME]),
	       mnl_attr_get_u32(pair.attr[NLPEER_A_PAIR_A]),
	       mnl_attr_get_u32(pair.attr[NLPEER_A_PAIR_B]));
	for (int v = NLPEER_A_OBJECT_V1; v <= NLPEER_A_OBJECT_V6; v++)
		printf(" %u", mnl_attr_get_u32(object.attr[v]));
	if (object.attr[NLPEER_A_OBJECT_EXTRA])
		printf(" %u", mnl_attr_get_u32(object.attr[NLPEER_A_OBJECT_EXTRA]));
	putchar('\n');
	return MNL_CB_OK;
}

static void dump(void)
{
	struct nlmsghdr *nlh;

	if (!begin())
		return;
	nlh = request(family, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
	mnl_attr_put_u32(nlh, NLPEER_A_OBJECT_COUNT, OBJECTS);
	if (transact(nlh, tell_object) < 0)
		tell_errno();
	mnl_socket_close(sock);
}

static bool last;

static int tell_event(const struct nlmsghdr *nlh, void *data)
{
	struct table event = parse(nlh);
	uint32_t cookie = mnl_attr_get_u32(event.attr[NLPEER_A_EVENT_COOKIE]);
	const struct nlattr *text = event.attr[NLPEER_A_EVENT_TEXT];

	tell("event %u %s", cookie, text ? mnl_attr_get_str(text) : "");
	last = cookie == LAST;
	return MNL_CB_OK;
}

/* Notifications have neither a sequence number nor a port of ours. */
static int listen_once(void)
{
	int len = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));

	return len < 0 ? -1 : mnl_cb_run(buffer, len, 0, 0, tell_event, NULL);
}

static bool join(void)
{
	if (!begin())
		return false;
	if (mnl_socket_setsockopt(sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		tell_errno();
		mnl_socket_close(sock);
		return false;
	}
	mark("joined");
	return true;
}

static void one_event(void)
{
	if (!join())
		return;
	if (listen_once() < 0)
		tell_errno();
	mnl_socket_close(sock);
}

static void slow_reader(void)
{
	if (!join())
		return;
	for (last = false; !last;) {
		if (listen_once() >= 0)
			continue;
		if (errno != ENOBUFS) {
			tell_errno();
			break;
		}
		mark("overrun ENOBUFS");
	}
	mnl_socket_close(sock);
}

static unsigned int objects;

static int count(const struct nlmsghdr *nlh, void *data)
{
	objects++;
	return MNL_CB_OK;
}

static void interrupt(void)
{
	struct nlmsghdr *nlh;

	if (!begin())
		return;
	nlh = request(family, NLM_F_DUMP, NLPEER_CMD_TROUBLE_GET);
	mnl_attr_put_u32(nlh, NLPEER_A_TROUBLE_COUNT, OBJECTS);
	mnl_attr_put_u32(nlh, NLPEER_A_TROUBLE_INTERRUPT_AFTER, INTERRUPT_AFTER);
	objects = 0;
	if (transact(nlh, count) < 0) {
		if (errno == EINTR)
			tell("interrupted EINTR");
		else
			tell_errno();
	}
	tell("objects %u", objects);
	mnl_socket_close(sock);
}

/* What an error brings is in the message, and libmnl leaves that to its user. */
static int refused(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct table ack = {};

	tell("error %d", -err->error);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		tell("by-hand");
		mnl_attr_parse(nlh, sizeof(*err), store, &ack);
		if (ack.attr[NLMSGERR_ATTR_MSG])
			tell("message %s", mnl_attr_get_str(ack.attr[NLMSGERR_ATTR_MSG]));
		if (ack.attr[NLMSGERR_ATTR_OFFS])
			tell("offset %u", mnl_attr_get_u32(ack.attr[NLMSGERR_ATTR_OFFS]));
	}
	return MNL_CB_STOP;
}

static void extack(void)
{
	static mnl_cb_t control[NLMSG_MIN_TYPE] = { [NLMSG_ERROR] = refused };
	struct nlmsghdr *nlh;
	int len;

	if (!begin())
		return;
	nlh = request(family, NLM_F_ACK, NLPEER_CMD_TROUBLE_GET);
	mnl_attr_put_u32(nlh, NLPEER_A_TROUBLE_ERROR, EDOM);
	len = -1;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) >= 0)
		len = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
	if (len < 0 ||
	    mnl_cb_run2(buffer, len, seq, portid, NULL, NULL, control, NLMSG_MIN_TYPE) < 0)
		tell_errno();
	mnl_socket_close(sock);
}

static int data(const struct nlmsghdr *nlh, void *unused)
{
	struct table reply = parse(nlh);
	const struct nlattr *attr = reply.attr[NLPEER_A_TROUBLE_DATA];

	tell_bytes("data", mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	return MNL_CB_OK;
}

static void large(void)
{
	struct nlmsghdr *nlh;

	if (!begin())
		return;
	nlh = request(family, 0, NLPEER_CMD_TROUBLE_GET);
	mnl_attr_put_u32(nlh, NLPEER_A_TROUBLE_SIZE, LARGE);
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0 ||
	    receive(MNL_SOCKET_BUFFER_SIZE, data) < 0) {
		if (errno == ENOSPC)
			tell("truncated ENOSPC");
		else
			tell_errno();
	}
	mnl_socket_close(sock);
}

static void vanish(void)
{
	if (!begin())
		return;
	mark("resolved");
	await_go();
	if (transact(echo_request(), echoed) < 0)
		tell_errno();
	mnl_socket_close(sock);
}

/* What a user checks before he takes a value; libmnl checks no type by itself. */
static bool is_valid(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	if (!attr)
		return false;
	if (mnl_attr_validate(attr, type) >= 0)
		return true;
	tell_errno();
	return false;
}

static int tell_odd(const struct nlmsghdr *nlh, void *data)
{
	struct table reply = parse(nlh);
	const struct nlattr *nest = reply.attr[NLPEER_A_ODD_NEST];

	tell("reply");
	if (is_valid(reply.attr[NLPEER_A_ODD_NUMBER], MNL_TYPE_U32))
		tell("number %u", mnl_attr_get_u32(reply.attr[NLPEER_A_ODD_NUMBER]));
	if (is_valid(reply.attr[NLPEER_A_ODD_TEXT], MNL_TYPE_NUL_STRING))
		tell("text %s", mnl_attr_get_str(reply.attr[NLPEER_A_ODD_TEXT]));
	if (is_valid(reply.attr[NLPEER_A_ODD_WIDE], MNL_TYPE_U64))
		tell("wide %llu",
		     (unsigned long long)mnl_attr_get_u64(reply.attr[NLPEER_A_ODD_WIDE]));
	if (is_valid(nest, MNL_TYPE_NESTED))
		tell("nest %u",
		     mnl_attr_get_u32(parse_nest(nest).attr[NLPEER_A_ODD_NEST_NUMBER]));
	return MNL_CB_OK;
}

static int tell_next(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr = parse(nlh).attr[NLPEER_A_VALUE_U32];

	if (attr)
		tell("u32 %u", mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static void odd(void)
{
	struct nlmsghdr *nlh;

	if (!begin())
		return;
	nlh = request(family, NLM_F_ACK, NLPEER_CMD_ODD_GET);
	mnl_attr_put_u32(nlh, NLPEER_A_ODD_WHAT, odd_what);
	if (transact(nlh, tell_odd) < 0)
		tell_errno();
	tell("next");
	nlh = request(family, NLM_F_ACK, NLPEER_CMD_ECHO);
	mnl_attr_put_u32(nlh, NLPEER_A_VALUE_U32, echo_u32);
	if (transact(nlh, tell_next) < 0)
		tell_errno();
	mnl_socket_close(sock);
}

int main(void)
{
	static const struct behaviour table[] = {
		{ "resolve", resolve }, { "echo", echo }, { "dump", dump },
		{ "event", one_event }, { "interrupt", interrupt }, { "overrun", slow_reader },
		{ "extack", extack }, { "large", large }, { "vanish", vanish },
		{ "odd", odd }, {},
	};

	return serve("libmnl", VERSION, table);
}
