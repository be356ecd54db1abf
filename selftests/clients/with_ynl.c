// SPDX-License-Identifier: GPL-2.0
/*
 * nlpeer by the code that the kernel's ynl_gen_c.py makes of the spec. A request
 * is a structure with setters, a reply a structure with flags of what is present.
 */

#include <poll.h>
#include <string.h>
#include <ynl.h>

#include "client.h"
#include "nlpeer-user.h"

static struct ynl_sock *sock;

static void tell_error(const struct ynl_error *err)
{
	tell("%s %d", err->code < __YNL_ERRNO_END ? "error" : "code", err->code);
	tell("said %s", err->msg);
}

static bool begin(void)
{
	struct ynl_error err;

	sock = ynl_sock_create(&ynl_nlpeer_family, &err);
	if (!sock)
		tell_error(&err);
	return sock;
}

/* The ids are private, but this is where they are. */
static void resolve(void)
{
	if (!begin())
		return;
	tell("family %u", sock->family_id);
	for (unsigned int i = 0; i < sock->n_mcast_groups; i++)
		if (!strcmp(sock->mcast_groups[i].name, NLPEER_MCGRP_EVENTS))
			tell("group %u", sock->mcast_groups[i].id);
	ynl_sock_destroy(sock);
}

static void tell_echo(void)
{
	struct nlpeer_echo_req *req = nlpeer_echo_req_alloc();
	struct nlpeer_echo_rsp *rsp;

	nlpeer_echo_req_set_u32(req, echo_u32);
	nlpeer_echo_req_set_u64(req, echo_u64);
	nlpeer_echo_req_set_string(req, echo_string);
	nlpeer_echo_req_set_binary(req, echo_binary, sizeof(echo_binary));
	nlpeer_echo_req_set_nest_u32(req, echo_nest_u32);
	nlpeer_echo_req_set_nest_string(req, echo_nest_string);
	rsp = nlpeer_echo(sock, req);
	nlpeer_echo_req_free(req);
	if (!rsp) {
		tell_error(&sock->err);
		return;
	}
	tell("u32 %u", rsp->u32);
	tell("u64 %llu", (unsigned long long)rsp->u64);
	tell("string %s", rsp->string);
	tell_bytes("binary", rsp->binary, rsp->_len.binary);
	tell("nest.u32 %u", rsp->nest.u32);
	tell("nest.string %s", rsp->nest.string);
	nlpeer_echo_rsp_free(rsp);
}

static void echo(void)
{
	if (!begin())
		return;
	tell_echo();
	ynl_sock_destroy(sock);
}

static void dump(void)
{
	struct nlpeer_object_get_req *req;
	struct nlpeer_object_get_list *list;

	if (!begin())
		return;
	req = nlpeer_object_get_req_alloc();
	nlpeer_object_get_req_set_count(req, OBJECTS);
	list = nlpeer_object_get_dump(sock, req);
	nlpeer_object_get_req_free(req);
	if (!list)
		tell_error(&sock->err);
	else
		ynl_dump_foreach(list, object) {
			printf("object %u %llu %s %u %u %u %u %u %u %u %u", object->id,
			       (unsigned long long)object->counter, object->name, object->pair.a,
			       object->pair.b, object->v1, object->v2, object->v3, object->v4,
			       object->v5, object->v6);
			if (object->_present.extra)
				printf(" %u", object->extra);
			putchar('\n');
		}
	nlpeer_object_get_list_free(list);
	ynl_sock_destroy(sock);
}

static bool join(void)
{
	if (!begin())
		return false;
	if (ynl_subscribe(sock, NLPEER_MCGRP_EVENTS)) {
		tell_error(&sock->err);
		ynl_sock_destroy(sock);
		return false;
	}
	mark("joined");
	return true;
}

/* Tells all events that are there; returns the last cookie. */
static uint32_t tell_events(void)
{
	struct pollfd pollfd = { .fd = ynl_socket_get_fd(sock), .events = POLLIN };
	uint32_t cookie = 0;

	poll(&pollfd, 1, -1);
	/* The error has no code here, but the system call has left its own. */
	if (ynl_ntf_check(sock) < 0) {
		if (errno == ENOBUFS)
			mark(sock->err.code ? "overrun ENOBUFS" : "overrun -1, in errno ENOBUFS");
		else
			tell_error(&sock->err);
	}
	while (ynl_has_ntf(sock)) {
		struct ynl_ntf_base_type *ntf = ynl_ntf_dequeue(sock);
		struct nlpeer_event *event = (struct nlpeer_event *)ntf;

		cookie = event->obj.cookie;
		tell("event %u %s", cookie, event->obj.text ?: "");
		ynl_ntf_free(ntf);
	}
	return cookie;
}

static void one_event(void)
{
	if (!join())
		return;
	tell_events();
	ynl_sock_destroy(sock);
}

static void slow_reader(void)
{
	if (!join())
		return;
	while (tell_events() != LAST)
		;
	ynl_sock_destroy(sock);
}

static void interrupt(void)
{
	struct nlpeer_trouble_get_req_dump *req;
	struct nlpeer_trouble_get_list *list;
	unsigned int objects = 0;

	if (!begin())
		return;
	req = nlpeer_trouble_get_req_dump_alloc();
	nlpeer_trouble_get_req_dump_set_count(req, OBJECTS);
	nlpeer_trouble_get_req_dump_set_interrupt_after(req, INTERRUPT_AFTER);
	list = nlpeer_trouble_get_dump(sock, req);
	nlpeer_trouble_get_req_dump_free(req);
	if (list) {
		ynl_dump_foreach(list, object)
			objects++;
		tell("objects %u", objects);
	} else if (sock->err.code == YNL_ERROR_DUMP_INTER) {
		tell("interrupted YNL_ERROR_DUMP_INTER");
	} else {
		tell_error(&sock->err);
	}
	nlpeer_trouble_get_list_free(list);
	ynl_sock_destroy(sock);
}

static void trouble(uint32_t size, uint32_t number)
{
	struct nlpeer_trouble_get_req *req;
	struct nlpeer_trouble_get_rsp *rsp;
	const char *part;

	if (!begin())
		return;
	req = nlpeer_trouble_get_req_alloc();
	if (size)
		nlpeer_trouble_get_req_set_size(req, size);
	if (number)
		nlpeer_trouble_get_req_set_error(req, number);
	rsp = nlpeer_trouble_get(sock, req);
	nlpeer_trouble_get_req_free(req);
	if (rsp) {
		tell_bytes("data", rsp->data, rsp->_len.data);
		nlpeer_trouble_get_rsp_free(rsp);
	} else {
		tell("error %d", sock->err.code);
		/* "Kernel error: 'TEXT' (bad attribute: .PATH)" */
		part = strchr(sock->err.msg, '\'');
		if (part)
			tell("message %.*s", (int)strcspn(part + 1, "'"), part + 1);
		part = strstr(sock->err.msg, "bad attribute: .");
		if (part)
			tell("attribute %.*s", (int)strcspn(part + 16, ")"), part + 16);
		tell("said %s", sock->err.msg);
	}
	ynl_sock_destroy(sock);
}

/* Text and attribute are parts of one message. */
static void extack(void)
{
	trouble(0, EDOM);
}

/* The buffer has 128 KiB. */
static void large(void)
{
	trouble(LARGE, 0);
}

static void vanish(void)
{
	if (!begin())
		return;
	mark("resolved");
	await_go();
	tell_echo();
	ynl_sock_destroy(sock);
}

static void tell_odd(void)
{
	struct nlpeer_odd_get_req *req = nlpeer_odd_get_req_alloc();
	struct nlpeer_odd_get_rsp *rsp;

	nlpeer_odd_get_req_set_what(req, odd_what);
	rsp = nlpeer_odd_get(sock, req);
	nlpeer_odd_get_req_free(req);
	if (!rsp) {
		tell_error(&sock->err);
		return;
	}
	tell("reply");
	if (rsp->_present.number)
		tell("number %u", rsp->number);
	if (rsp->text)
		tell("text %s", rsp->text);
	if (rsp->_present.wide)
		tell("wide %llu", (unsigned long long)rsp->wide);
	if (rsp->_present.nest)
		tell("nest %u", rsp->nest.number);
	nlpeer_odd_get_rsp_free(rsp);
}

static void tell_next(void)
{
	struct nlpeer_echo_req *req = nlpeer_echo_req_alloc();
	struct nlpeer_echo_rsp *rsp;

	nlpeer_echo_req_set_u32(req, echo_u32);
	rsp = nlpeer_echo(sock, req);
	nlpeer_echo_req_free(req);
	if (!rsp) {
		tell_error(&sock->err);
		return;
	}
	if (rsp->_present.u32)
		tell("u32 %u", rsp->u32);
	nlpeer_echo_rsp_free(rsp);
}

static void odd(void)
{
	if (!begin())
		return;
	tell_odd();
	tell("next");
	tell_next();
	ynl_sock_destroy(sock);
}

int main(void)
{
	static const struct behaviour table[] = {
		{ "resolve", resolve }, { "echo", echo }, { "dump", dump },
		{ "event", one_event }, { "interrupt", interrupt }, { "overrun", slow_reader },
		{ "extack", extack }, { "large", large }, { "vanish", vanish },
		{ "odd", odd }, {},
	};

	return serve("YNL-C", "Linux " VERSION, table);
}
