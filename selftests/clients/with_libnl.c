// SPDX-License-Identifier: GPL-2.0
/*
 * nlpeer by libnl. A receive calls back for each valid message, and returns a
 * code of libnl's own, of which there are fewer than error numbers: those come by
 * the callback for errors. An extended ack is only seen in the message itself.
 */

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "client.h"

static struct nl_sock *sock;
static int family;

static int failed(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	tell("error %d", -err->error);
	return NL_STOP;
}

/* What libnl says when it was no error of the kernel that failed() has told. */
static void tell_code(int code)
{
	if (code < 0)
		tell("code %s", nl_geterror(code));
}

/* A socket, and the id of the family. */
static bool begin(void)
{
	int rc;

	sock = nl_socket_alloc();
	rc = genl_connect(sock);
	if (!rc) {
		family = genl_ctrl_resolve(sock, NLPEER_FAMILY_NAME);
		rc = family < 0 ? family : 0;
	}
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, failed, NULL);
	tell_code(rc);
	return !rc;
}

static void end(void)
{
	nl_socket_free(sock);
}

static struct nl_msg *request(int flags, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, cmd, NLPEER_FAMILY_VERSION);
	return msg;
}

/* Sends a request and receives all that comes for it. */
static int transact(struct nl_msg *msg, nl_recvmsg_msg_cb_t callback)
{
	int rc;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, callback, NULL);
	rc = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	if (rc >= 0)
		rc = nl_recvmsgs_default(sock);
	return rc < 0 ? rc : nl_wait_for_ack(sock);
}

static void resolve(void)
{
	if (begin()) {
		tell("family %d", family);
		tell("group %d",
		     genl_ctrl_resolve_grp(sock, NLPEER_FAMILY_NAME, NLPEER_MCGRP_EVENTS));
	}
	end();
}

static int echoed(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLPEER_A_VALUE_MAX + 1], *nest[NLPEER_A_NESTED_VALUE_MAX + 1];
	struct nlattr *binary;

	genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_VALUE_MAX, NULL);
	nla_parse_nested(nest, NLPEER_A_NESTED_VALUE_MAX, attr[NLPEER_A_VALUE_NEST], NULL);
	binary = attr[NLPEER_A_VALUE_BINARY];
	tell("u32 %u", nla_get_u32(attr[NLPEER_A_VALUE_U32]));
	tell("u64 %llu", (unsigned long long)nla_get_u64(attr[NLPEER_A_VALUE_U64]));
	tell("string %s", nla_get_string(attr[NLPEER_A_VALUE_STRING]));
	tell_bytes("binary", nla_data(binary), nla_len(binary));
	tell("nest.u32 %u", nla_get_u32(nest[NLPEER_A_NESTED_VALUE_U32]));
	tell("nest.string %s", nla_get_string(nest[NLPEER_A_NESTED_VALUE_STRING]));
	return NL_OK;
}

static struct nl_msg *echo_request(void)
{
	struct nl_msg *msg = request(0, NLPEER_CMD_ECHO);
	struct nlattr *nest;

	nla_put_u32(msg, NLPEER_A_VALUE_U32, echo_u32);
	nla_put_u64(msg, NLPEER_A_VALUE_U64, echo_u64);
	nla_put_string(msg, NLPEER_A_VALUE_STRING, echo_string);
	nla_put(msg, NLPEER_A_VALUE_BINARY, sizeof(echo_binary), echo_binary);
	nest = nla_nest_start(msg, NLPEER_A_VALUE_NEST);
	nla_put_u32(msg, NLPEER_A_NESTED_VALUE_U32, echo_nest_u32);
	nla_put_string(msg, NLPEER_A_NESTED_VALUE_STRING, echo_nest_string);
	nla_nest_end(msg, nest);
	return msg;
}

static void echo(void)
{
	if (begin())
		tell_code(transact(echo_request(), echoed));
	end();
}

static int tell_object(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLPEER_A_OBJECT_MAX + 1], *pair[NLPEER_A_PAIR_MAX + 1];

	genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_OBJECT_MAX, NULL);
	nla_parse_nested(pair, NLPEER_A_PAIR_MAX, attr[NLPEER_A_OBJECT_PAIR], NULL);
	printf("object %u %llu %s %u %u", nla_get_u32(attr[NLPEER_A_OBJECT_ID]),
	       (unsigned long long)nla_get_u64(attr[NLPEER_A_OBJECT_COUNTER]),
	       nla_get_string(attr[NLPEER_A_OBJECT_NAME]), nla_get_u32(pair[NLPEER_A_PAIR_A]),
	       nla_get_u32(pair[NLPEER_A_PAIR_B]));
	for (int v = NLPEER_A_OBJECT_V1; v <= NLPEER_A_OBJECT_V6; v++)
		printf(" %u", nla_get_u32(attr[v]));
	if (attr[NLPEER_A_OBJECT_EXTRA])
		printf(" %u", nla_get_u32(attr[NLPEER_A_OBJECT_EXTRA]));
	putchar('\n');
	return NL_OK;
}

/* The same without an ack, in whose place a dump has its end. */
static int transact_no_ack(struct nl_msg *msg, nl_recvmsg_msg_cb_t callback)
{
	int rc;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, callback, NULL);
	rc = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return rc < 0 ? rc : nl_recvmsgs_default(sock);
}

static void dump(void)
{
	struct nl_msg *msg;

	if (begin()) {
		msg = request(NLM_F_DUMP, NLPEER_CMD_OBJECT_GET);
		nla_put_u32(msg, NLPEER_A_OBJECT_COUNT, OBJECTS);
		tell_code(transact_no_ack(msg, tell_object));
	}
	end();
}

static bool last;

static int tell_event(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLPEER_A_EVENT_MAX + 1];
	uint32_t cookie;

	genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_EVENT_MAX, NULL);
	cookie = nla_get_u32(attr[NLPEER_A_EVENT_COOKIE]);
	tell("event %u %s", cookie,
	     attr[NLPEER_A_EVENT_TEXT] ? nla_get_string(attr[NLPEER_A_EVENT_TEXT]) : "");
	last = cookie == LAST;
	return NL_OK;
}

static bool join(void)
{
	int group, rc;

	if (!begin())
		return false;
	group = genl_ctrl_resolve_grp(sock, NLPEER_FAMILY_NAME, NLPEER_MCGRP_EVENTS);
	rc = nl_socket_add_membership(sock, group);
	tell_code(rc);
	if (rc < 0)
		return false;
	/* Nobody has asked for notifications. */
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, tell_event, NULL);
	mark("joined");
	return true;
}

static void one_event(void)
{
	if (join())
		tell_code(nl_recvmsgs_default(sock));
	end();
}

/* ENOBUFS has no code of its own, and becomes that of ENOMEM. */
static void slow_reader(void)
{
	int rc = 0;

	if (join()) {
		for (last = false; !last && (rc >= 0 || rc == -NLE_NOMEM);) {
			rc = nl_recvmsgs_default(sock);
			if (rc == -NLE_NOMEM)
				mark("overrun NLE_NOMEM");
		}
		tell_code(rc);
	}
	end();
}

static unsigned int objects;

static int count(struct nl_msg *msg, void *arg)
{
	objects++;
	return NL_OK;
}

static void interrupt(void)
{
	struct nl_msg *msg;
	int rc;

	if (begin()) {
		msg = request(NLM_F_DUMP, NLPEER_CMD_TROUBLE_GET);
		nla_put_u32(msg, NLPEER_A_TROUBLE_COUNT, OBJECTS);
		nla_put_u32(msg, NLPEER_A_TROUBLE_INTERRUPT_AFTER, INTERRUPT_AFTER);
		objects = 0;
		rc = transact_no_ack(msg, count);
		if (rc == -NLE_DUMP_INTR)
			tell("interrupted NLE_DUMP_INTR");
		else
			tell_code(rc);
		tell("objects %u", objects);
	}
	end();
}

/* Sees all messages as they come, before libnl looks at them. */
static int refused(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLMSGERR_ATTR_MAX + 1];
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	if (nlh->nlmsg_type == NLMSG_ERROR && nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		tell("by-hand");
		nlmsg_parse(nlh, sizeof(struct nlmsgerr), attr, NLMSGERR_ATTR_MAX, NULL);
		if (attr[NLMSGERR_ATTR_MSG])
			tell("message %s", nla_get_string(attr[NLMSGERR_ATTR_MSG]));
		if (attr[NLMSGERR_ATTR_OFFS])
			tell("offset %u", nla_get_u32(attr[NLMSGERR_ATTR_OFFS]));
	}
	return NL_OK;
}

static void extack(void)
{
	const int on = 1;
	struct nl_msg *msg;

	if (begin()) {
		/* Without the request in the error, which would stand before the rest. */
		setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
		setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
		nl_socket_modify_cb(sock, NL_CB_MSG_IN, NL_CB_CUSTOM, refused, NULL);
		msg = request(0, NLPEER_CMD_TROUBLE_GET);
		nla_put_u32(msg, NLPEER_A_TROUBLE_ERROR, EDOM);
		tell_code(transact(msg, NULL));
	}
	end();
}

static int data(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLPEER_A_TROUBLE_MAX + 1];

	genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_TROUBLE_MAX, NULL);
	tell_bytes("data", nla_data(attr[NLPEER_A_TROUBLE_DATA]),
		   nla_len(attr[NLPEER_A_TROUBLE_DATA]));
	return NL_OK;
}

/*
 * The buffer grows, but the socket's has 32 KiB: an ack behind such a reply would
 * not fit, and take the reply with it.
 */
static void large(void)
{
	struct nl_msg *msg;

	if (begin()) {
		nl_socket_disable_auto_ack(sock);
		msg = request(0, NLPEER_CMD_TROUBLE_GET);
		nla_put_u32(msg, NLPEER_A_TROUBLE_SIZE, LARGE);
		tell_code(transact_no_ack(msg, data));
	}
	end();
}

static void vanish(void)
{
	if (begin()) {
		mark("resolved");
		await_go();
		tell_code(transact(echo_request(), echoed));
	}
	end();
}

static int tell_odd(struct nl_msg *msg, void *arg)
{
	static struct nla_policy policy[NLPEER_A_ODD_MAX + 1] = {
		[NLPEER_A_ODD_NUMBER] = { .type = NLA_U32 },
		[NLPEER_A_ODD_TEXT] = { .type = NLA_STRING },
		[NLPEER_A_ODD_WIDE] = { .type = NLA_U64 },
		[NLPEER_A_ODD_NEST] = { .type = NLA_NESTED },
	};
	struct nlattr *attr[NLPEER_A_ODD_MAX + 1], *nest[NLPEER_A_ODD_NEST_MAX + 1];
	int rc = genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_ODD_MAX, policy);

	if (rc < 0)
		return rc;
	tell("reply");
	if (attr[NLPEER_A_ODD_NUMBER])
		tell("number %u", nla_get_u32(attr[NLPEER_A_ODD_NUMBER]));
	if (attr[NLPEER_A_ODD_TEXT])
		tell("text %s", nla_get_string(attr[NLPEER_A_ODD_TEXT]));
	if (attr[NLPEER_A_ODD_WIDE])
		tell("wide %llu", (unsigned long long)nla_get_u64(attr[NLPEER_A_ODD_WIDE]));
	if (attr[NLPEER_A_ODD_NEST] &&
	    !nla_parse_nested(nest, NLPEER_A_ODD_NEST_MAX, attr[NLPEER_A_ODD_NEST], NULL))
		tell("nest %u", nla_get_u32(nest[NLPEER_A_ODD_NEST_NUMBER]));
	return NL_OK;
}

static int tell_next(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NLPEER_A_VALUE_MAX + 1];
	int rc = genlmsg_parse(nlmsg_hdr(msg), 0, attr, NLPEER_A_VALUE_MAX, NULL);

	if (rc >= 0 && attr[NLPEER_A_VALUE_U32])
		tell("u32 %u", nla_get_u32(attr[NLPEER_A_VALUE_U32]));
	return rc < 0 ? rc : NL_OK;
}

static void odd(void)
{
	struct nl_msg *msg;

	if (begin()) {
		msg = request(0, NLPEER_CMD_ODD_GET);
		nla_put_u32(msg, NLPEER_A_ODD_WHAT, odd_what);
		tell_code(transact(msg, tell_odd));
		tell("next");
		msg = request(0, NLPEER_CMD_ECHO);
		nla_put_u32(msg, NLPEER_A_VALUE_U32, echo_u32);
		tell_code(transact(msg, tell_next));
	}
	end();
}

int main(void)
{
	static const struct behaviour table[] = {
		{ "resolve", resolve }, { "echo", echo }, { "dump", dump },
		{ "event", one_event }, { "interrupt", interrupt }, { "overrun", slow_reader },
		{ "extack", extack }, { "large", large }, { "vanish", vanish },
		{ "odd", odd }, {},
	};

	return serve("libnl", strrchr(LIBNL_STRING, ' ') + 1, table);
}
